//! The RPC server, from code that is not asynchronous.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gage_node::Node;
use gage_rpc::Config;
use tokio::runtime::Runtime;

use crate::descriptors;

/// How long open connections may take to end.
const STOP: Duration = Duration::from_millis(800);

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

    /// Lets running requests end, for a moment.
    pub(crate) fn stop(self, runtime: &Runtime) {
        // A connection that stays open is cut off with the runtime.
        let _ = runtime.block_on(async { tokio::time::timeout(STOP, self.0.stop()).await });
    }
}
