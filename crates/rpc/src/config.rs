//! Where the server listens, what it offers, and how much of it one caller may use.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// What a server is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; HTTP and WebSocket share the port. Port 0 lets the system choose.
    pub addr: SocketAddr,
    /// Whether to offer `evm_*` and the faucet, if the node has them.
    pub dev: bool,
    /// Which web pages may call.
    pub cors: Cors,
    /// Bounds on requests.
    pub limits: Limits,
}

/// The port that wallets and tools expect.
pub const PORT: u16 = 8545;

impl Default for Config {
    fn default() -> Self {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        Self { addr, dev: false, cors: Cors::default(), limits: Limits::default() }
    }
}

/// Which web pages may call the server from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// Any; there are no cookies or keys here that a page could misuse.
    #[default]
    Any,
    /// Those of these origins, such as `https://app.example`.
    Origins(Vec<String>),
    /// None.
    None,
}

/// Bounds that keep one caller from taking the node from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time, whether they ask anything or not.
    pub connections_max: u32,
    /// How long a connection may bring no whole header, or no more of a body; a WebSocket answers pings instead.
    pub silence_max: Duration,
    /// Bytes of one request, a batch included.
    pub request_bytes_max: u32,
    /// Bytes of one response, a batch's included.
    pub response_bytes_max: u32,
    /// Calls in one batch.
    pub batch_max: u32,
    /// Subscriptions of one connection.
    pub subscriptions_max: u32,
    /// Messages that wait for a slow WebSocket client before its requests do.
    pub message_buffer: u32,
    /// Filters of all callers.
    pub filters_max: usize,
    /// How long a filter lives without being asked.
    pub filter_ttl: Duration,
    /// Blocks that one query for logs may span.
    pub log_blocks_max: u64,
    /// Logs that one query may return.
    pub log_results_max: usize,
    /// Calls, estimates, proofs and queries for logs that run at a time.
    pub heavy_running_max: usize,
    /// How many of those may wait for their turn.
    pub heavy_waiting_max: usize,
    /// Plain reads that run at a time.
    pub reads_running_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            silence_max: Duration::from_secs(60),
            request_bytes_max: 5 * 1024 * 1024,
            response_bytes_max: 32 * 1024 * 1024,
            batch_max: 100,
            subscriptions_max: 128,
            message_buffer: 1024,
            filters_max: 1_000,
            filter_ttl: Duration::from_secs(5 * 60),
            log_blocks_max: 100_000,
            log_results_max: 10_000,
            heavy_running_max: std::thread::available_parallelism().map_or(2, usize::from),
            heavy_waiting_max: 256,
            reads_running_max: 64,
        }
    }
}
