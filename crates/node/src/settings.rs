//! A node's configuration file, and what its parts are started with.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use alloy_primitives::Address;
use gage_rpc::{Cors, Limits, PORT};
use gage_state::{HISTORY_BLOCKS, Options};
use serde::Deserialize;

use crate::NodeConfig;

/// An example with every setting and its default.
pub const EXAMPLE: &str = r#"# A node's configuration. Every setting may be left out.

# Where the chain is kept.
data_dir = "gage-node"
# Seconds between blocks; 0 makes one whenever a transaction waits.
block_time = 1.0
# Seconds after which the building of a block takes no further transaction.
build_time = 0.5
# Who gets the tips of this node's blocks.
beneficiary = "0x0000000000000000000000000000000000000000"

[state]
# How many blocks below the latest can be read, with proofs.
history_blocks = 256
# Memory for the database's pages, in megabytes.
cache_mb = 512

[rpc]
host = "127.0.0.1"
port = 8545
# Web pages that may call from a browser; "*" is any.
cors = ["*"]
# Connections at a time, idle ones too; fewer if the system lets the node open fewer files.
connections_max = 16384

[metrics]
enabled = true
host = "127.0.0.1"
port = 9185
"#;

/// Bounds of `block_time` and `build_time`, in seconds; a build takes some.
const SECONDS_MAX: f64 = 3_600.0;
const BUILD_SECONDS_MIN: f64 = 0.01;
/// Bounds of `cache_mb`.
const CACHE_MB_MIN: usize = 16;
const CACHE_MB_MAX: usize = 1 << 20;

/// Everything that a node is told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the chain is kept.
    pub data_dir: PathBuf,
    block_time: f64,
    build_time: f64,
    beneficiary: Address,
    state: State,
    rpc: Rpc,
    metrics: Metrics,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct State {
    history_blocks: u64,
    cache_mb: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rpc {
    host: IpAddr,
    port: u16,
    cors: Vec<String>,
    connections_max: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Metrics {
    enabled: bool,
    host: IpAddr,
    port: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "gage-node".into(),
            block_time: 1.0,
            build_time: 0.5,
            beneficiary: Address::ZERO,
            state: State::default(),
            rpc: Rpc::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self { history_blocks: HISTORY_BLOCKS, cache_mb: 512 }
    }
}

impl Default for Rpc {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: PORT,
            cors: vec!["*".to_owned()],
            connections_max: Limits::default().connections_max,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, host: Ipv4Addr::LOCALHOST.into(), port: 9185 }
    }
}

/// Why a text is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It has not the form.
    #[error(transparent)]
    Form(#[from] toml::de::Error),
    /// A number is out of its bounds.
    #[error("{0}")]
    Bound(&'static str),
}

/// Whether a browser can name a page's origin so: a scheme and a host, perhaps with a port.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let belongs = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    host.is_some_and(|host| !host.is_empty() && host.chars().all(belongs))
}

impl Settings {
    /// Reads TOML.
    ///
    /// # Errors
    /// [`SettingsError`] names what is wrong.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text)?;
        let bounds = [
            (!settings.data_dir.as_os_str().is_empty(), "data_dir must name a folder"),
            (
                (0.0..=SECONDS_MAX).contains(&settings.block_time),
                "block_time must be 0 to 3600 seconds",
            ),
            (
                (BUILD_SECONDS_MIN..=SECONDS_MAX).contains(&settings.build_time),
                "build_time must be 0.01 to 3600 seconds",
            ),
            (settings.state.history_blocks > 0, "history_blocks must be 1 or more"),
            (
                (CACHE_MB_MIN..=CACHE_MB_MAX).contains(&settings.state.cache_mb),
                "cache_mb must be 16 to 1048576",
            ),
            (
                settings.rpc.cors.iter().all(|origin| origin == "*" || is_origin(origin)),
                "cors must be \"*\" or origins like \"https://example.org\"",
            ),
            (settings.rpc.connections_max > 0, "connections_max must be 1 or more"),
        ];
        match bounds.into_iter().find(|(holds, _)| !holds) {
            Some((_, told)) => Err(SettingsError::Bound(told)),
            None => Ok(settings),
        }
    }

    /// How the node behaves.
    pub fn node(&self) -> NodeConfig {
        NodeConfig {
            beneficiary: self.beneficiary,
            block_time: Duration::from_secs_f64(self.block_time),
            build_time: Duration::from_secs_f64(self.build_time),
            ..NodeConfig::default()
        }
    }

    /// How its store is opened.
    pub fn store(&self) -> Options {
        Options {
            history_blocks: self.state.history_blocks,
            cache_bytes: self.state.cache_mb << 20,
            ..Options::default()
        }
    }

    /// What it serves, to pages of the origins given; `*` is any.
    pub fn rpc(&self) -> gage_rpc::Config {
        let Rpc { host, port, cors, connections_max } = &self.rpc;
        let cors = if cors.is_empty() {
            Cors::None
        } else if cors.iter().any(|origin| origin == "*") {
            Cors::Any
        } else {
            Cors::Origins(cors.clone())
        };
        gage_rpc::Config {
            addr: SocketAddr::new(*host, *port),
            dev: false,
            cors,
            limits: Limits { connections_max: *connections_max, ..Limits::default() },
        }
    }

    /// Where its metrics are served, if anywhere.
    pub fn metrics(&self) -> Option<SocketAddr> {
        let Metrics { enabled, host, port } = self.metrics;
        enabled.then(|| SocketAddr::new(host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_the_defaults() {
        assert_eq!(Settings::parse(EXAMPLE).unwrap(), Settings::default());
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        assert_eq!(Settings::default().rpc(), gage_rpc::Config::default());
        assert_eq!(Settings::default().node().block_time, NodeConfig::default().block_time);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "block_time = -1",
            "blocktime = 1",
            "build_time = 0",
            "build_time = inf",
            "[state]\ncache_mb = 1",
            "[rpc]\nport = 70000",
            "[rpc]\nconnections_max = 0",
            "[rpc]\ncors = ['x y']",
            "[rpc]\ncors = ['https://example.org/page']",
            "{",
            "block_time = nan",
            "data_dir = ''",
            "[state]\nhistory_blocks = 0",
        ] {
            assert!(Settings::parse(text).is_err(), "{text}");
        }
    }
}
