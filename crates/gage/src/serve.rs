//! The RPC server, from code that is not asynchronous.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use gage_node::Node;
use gage_rpc::Config;
use tokio::runtime::Runtime;

use crate::descriptors;

/// How long open connections may take to end.
const CONNECTIONS: Duration = Duration::from_millis(800);
/// How long they and what they have begun may take: with the block that is being made, below two seconds.
const ALL: Duration = Duration::from_millis(1_200);

/// A server that runs.
pub(crate) struct Server(gage_rpc::Server);

/// What a development chain offers: everything, to every page.
pub(crate) fn dev_rpc(addr: SocketAddr) -> Config {
    Config { addr, dev: true, ..Config::default() }
}

/// Serves a node and its chain, to as many as the system allows.
pub(crate) fn start(runtime: &Runtime, mut config: Config, node: &Node) -> anyhow::Result<Server> {
    descriptors::fit(&mut config.limits);
    let (chain, handle) = (node.chain().clone(), Arc::new(node.clone()));
    Ok(Server(runtime.block_on(gage_rpc::serve(config, chain, handle))?))
}

impl Server {
    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        let addr = self.0.local_addr();
        if addr.ip().is_unspecified() {
            return format!("http://127.0.0.1:{}", addr.port());
        }
        format!("http://{addr}")
    }

    /// Lets running requests end, for a moment; how long what they have begun may still take.
    pub(crate) fn stop(self, runtime: &Runtime) -> Duration {
        let began = Instant::now();
        // A connection that stays open is cut off with the runtime.
        let stopped = async { tokio::time::timeout(CONNECTIONS, self.0.stop()).await };
        let _ = runtime.block_on(stopped);
        ALL.saturating_sub(began.elapsed())
    }
}
