//! `gage node`: a node from a genesis file and a configuration.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Address;
use anyhow::{Context as _, ensure};
use gage_chain::Genesis;
use gage_node::{Node, NodeConfig};
use gage_state::{HISTORY_BLOCKS, Options};
use serde::Deserialize;

use crate::{cli::NodeArgs, clock::SystemClock, home::Home, serve, stop::Stop, telemetry};

/// What `gage genesis --config` prints: every setting with its default.
pub(crate) const EXAMPLE: &str = r#"# A node's configuration. Every setting may be left out.

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

[metrics]
enabled = true
host = "127.0.0.1"
port = 9185
"#;

/// How long servers may take to finish what they have begun.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// The configuration's form.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    data_dir: PathBuf,
    block_time: f64,
    build_time: f64,
    beneficiary: Address,
    state: State,
    rpc: Rpc,
    metrics: Metrics,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct State {
    history_blocks: u64,
    cache_mb: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rpc {
    host: IpAddr,
    port: u16,
    cors: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Metrics {
    enabled: bool,
    host: IpAddr,
    port: u16,
}

impl Default for Config {
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
        Self { host: Ipv4Addr::LOCALHOST.into(), port: 8545, cors: vec!["*".to_owned()] }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, host: Ipv4Addr::LOCALHOST.into(), port: 9185 }
    }
}

impl Config {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no configuration", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        ensure!(
            (0.0..=3_600.0).contains(&config.block_time),
            "block_time must be 0 to 3600 seconds"
        );
        ensure!(
            (0.01..=3_600.0).contains(&config.build_time),
            "build_time must be 0.01 to 3600 seconds"
        );
        ensure!((16..=1 << 20).contains(&config.state.cache_mb), "cache_mb must be 16 or more");
        Ok(config)
    }
}

/// Reads a genesis file.
pub(crate) fn read_genesis(path: &Path) -> anyhow::Result<Genesis> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Genesis::from_json(&text).with_context(|| format!("{} is no genesis", path.display()))
}

/// Runs until it is stopped.
pub(crate) fn run(args: &NodeArgs) -> anyhow::Result<()> {
    telemetry::log("info");
    let genesis = read_genesis(&args.genesis)?;
    let config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let home = Home::folder(&config.data_dir)?;
    let state = &config.state;
    let options = Options {
        history_blocks: state.history_blocks,
        cache_bytes: state.cache_mb << 20,
        ..Options::default()
    };
    let chain = home.open_with(&genesis, options)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stop = Stop::on_signals(&runtime);
    if config.metrics.enabled {
        let _entered = runtime.enter();
        telemetry::metrics(SocketAddr::new(config.metrics.host, config.metrics.port));
    }
    let node = Node::open(
        chain,
        NodeConfig {
            beneficiary: config.beneficiary,
            block_time: Duration::from_secs_f64(config.block_time),
            build_time: Duration::from_secs_f64(config.build_time),
            ..NodeConfig::default()
        },
        Arc::new(SystemClock),
    )?;
    let addr = SocketAddr::new(config.rpc.host, config.rpc.port);
    let server = serve::start(&runtime, serve::public_rpc(addr, config.rpc.cors), &node)?;
    println!("RPC {} (HTTP and WebSocket), chain id {}", server.url(), genesis.chain_id);
    let produced = runtime.block_on(node.run(stop.raised()));
    server.stop(&runtime);
    runtime.shutdown_timeout(SHUTDOWN);
    Ok(produced?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_the_defaults() {
        assert_eq!(Config::parse(EXAMPLE).unwrap(), Config::default());
        assert_eq!(Config::parse("").unwrap(), Config::default());
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
            "{",
            "block_time = nan",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }
}
