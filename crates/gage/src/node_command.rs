//! `gage node`: a node from a genesis file and a configuration.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context as _;
use gage_chain::Genesis;
use gage_node::{Node, Settings};

use crate::{cli::NodeArgs, clock::SystemClock, home::Home, serve, stop::Stop, telemetry};

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a genesis file.
pub(crate) fn read_genesis(path: &Path) -> anyhow::Result<Genesis> {
    Genesis::from_json(&read(path)?).with_context(|| format!("{} is no genesis", path.display()))
}

fn read_settings(path: &Path) -> anyhow::Result<Settings> {
    Settings::parse(&read(path)?).with_context(|| format!("{} is no configuration", path.display()))
}

/// Runs until it is stopped.
pub(crate) fn run(args: &NodeArgs) -> anyhow::Result<()> {
    telemetry::log("info");
    let genesis = read_genesis(&args.genesis)?;
    let settings = args.config.as_deref().map(read_settings).transpose()?.unwrap_or_default();
    let home = Home::folder(&settings.data_dir)?;
    let chain = home.open_with(&genesis, settings.store())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stop = Stop::on_signals(&runtime);
    if let Some(addr) = settings.metrics() {
        let _entered = runtime.enter();
        telemetry::metrics(addr);
    }
    let node = Node::open(chain, settings.node(), Arc::new(SystemClock::new()))?;
    let server = serve::start(&runtime, settings.rpc(), &node)?;
    announce!("RPC {} (HTTP and WebSocket), chain id {}", server.url(), genesis.chain_id);
    let produced = runtime.block_on(node.run(stop.raised()));
    let left = server.stop(&runtime);
    runtime.shutdown_timeout(left);
    Ok(produced?)
}
