//! The RPC server, from code that is not asynchronous.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gage_node::Node;
use gage_rpc::{Config, Cors};
use tokio::runtime::Runtime;

/// How long open connections may take to end.
const STOP: Duration = Duration::from_millis(800);

/// A server that runs.
pub(crate) struct Server(gage_rpc::Server);

/// What a development chain offers: everything, to every page.
pub(crate) fn dev_rpc(addr: SocketAddr) -> Config {
    Config { addr, dev: true, ..Config::default() }
}

/// What a node offers, to pages of these origins; `*` is any.
pub(crate) fn public_rpc(addr: SocketAddr, origins: Vec<String>) -> Config {
    let cors = if origins.is_empty() {
        Cors::None
    } else if origins.iter().any(|origin| origin == "*") {
        Cors::Any
    } else {
        Cors::Origins(origins)
    };
    Config { addr, dev: false, cors, ..Config::default() }
}

/// Serves a node and its chain.
pub(crate) fn start(runtime: &Runtime, config: Config, node: &Node) -> anyhow::Result<Server> {
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

    /// Lets running requests end, for a moment.
    pub(crate) fn stop(self, runtime: &Runtime) {
        // A connection that stays open is cut off with the runtime.
        let _ = runtime.block_on(async { tokio::time::timeout(STOP, self.0.stop()).await });
    }
}
