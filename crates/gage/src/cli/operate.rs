//! Commands of those who run nodes.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use alloy_primitives::B256;
use clap::{Args, Subcommand};
use gage_publisher::faults::Amount;

use super::Remote;
use crate::{calendar, history::exchange::Exchange};

/// How fast history passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speed {
    /// So many seconds of history in a second.
    Times(u32),
    /// As fast as blocks can be made.
    Max,
}

/// A development chain.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage dev                                     assets, vaults, markets; a block a second\n  \
    gage dev --no-demo --block-time 0            coins only; blocks when transactions come\n  \
    gage dev --replay 2024-08 --speed 7200       the crash of August 2024 in two minutes\n  \
    gage dev --replay 2024-08 --no-bids          the same without bidders, to compare\n  \
    gage dev --replay 2024-08 --sources 5 --lie c=-30 --lag d=120   five publishers, two of them at fault\n  \
    gage dev --replay my.csv --data-dir chain    a history of your own, kept on disk")]
pub(crate) struct DevArgs {
    /// Port of the RPC, HTTP and WebSocket; 0 takes any that is free
    #[arg(long, default_value_t = 8545)]
    pub(crate) port: u16,
    /// Address that the RPC listens on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Seconds between blocks, like 1 or 0.2; 0 makes a block whenever a transaction waits
    #[arg(long, default_value = "1", value_parser = parse_seconds)]
    pub(crate) block_time: Duration,
    /// Where the chain is kept; a second start goes on from its last block [default: a folder below
    /// gage-data with --replay, else nowhere]
    #[arg(long, conflicts_with = "ephemeral")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Keep nothing on disk
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Prices to replay: a history of the binary (2024-08) or a CSV file, see data/README.md
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) replay: Option<String>,
    /// Seconds of history that pass in a second, or max
    #[arg(long, default_value = "3600", value_parser = parse_speed, requires = "replay")]
    pub(crate) speed: Speed,
    /// Borrowers of the demo world [default: 1000 with --replay, else 0]
    #[arg(long)]
    pub(crate) borrowers: Option<u32>,
    /// What the demo's borrowers and lenders are drawn from [default: 1]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Leave the demo's bidders out: every liquidation is the keeper's
    #[arg(long)]
    pub(crate) no_bids: bool,
    /// Publishers of each feed, called a, b, c …; several guard each other, and a majority must agree
    /// [default: as many as the history names, else 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) sources: Option<u8>,
    /// Silence a publisher in the replay, like b
    #[arg(long, value_name = "SOURCE", requires = "replay")]
    pub(crate) drop: Vec<String>,
    /// Make a publisher late in the replay, like b=120
    #[arg(long, value_name = "SOURCE=SECONDS", requires = "replay")]
    pub(crate) lag: Vec<Amount<u64>>,
    /// Let a publisher say more or less than it sees in the replay, like c=-30
    #[arg(long, value_name = "SOURCE=PERCENT", requires = "replay")]
    pub(crate) lie: Vec<Amount<i64>>,
    /// Start with nothing but coins
    #[arg(long, conflicts_with_all = ["replay", "borrowers", "seed", "no_bids"])]
    pub(crate) no_demo: bool,
    /// Check every invariant of the protocol after every block of the replay
    #[arg(long, requires = "replay")]
    pub(crate) check: bool,
    /// End after the replay's summary, instead of serving on
    #[arg(long, requires = "replay")]
    pub(crate) exit: bool,
    /// Print the summary and errors only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print lines instead of a live screen
    #[arg(long)]
    pub(crate) no_live: bool,
    /// Port of the Prometheus metrics
    #[arg(long, default_value_t = 9185)]
    pub(crate) metrics_port: u16,
    /// Serve no metrics
    #[arg(long)]
    pub(crate) no_metrics: bool,
}

/// A node.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  gage genesis > genesis.json\n  gage genesis --config > gage.toml\n  \
    gage node --genesis genesis.json --config gage.toml"
)]
pub(crate) struct NodeArgs {
    /// The first block, as JSON; `gage genesis` prints an example
    #[arg(long)]
    pub(crate) genesis: PathBuf,
    /// The node's configuration, as TOML; `gage genesis --config` prints an example
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

/// Where ABIs go.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage abi --out abi")]
pub(crate) struct AbiArgs {
    /// The folder; it is made if need be
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// Which state to check.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage check                                   what the node at --rpc-url has\n  \
    gage check --data-dir gage-data              what is stored there, whether or not a node has it open\n  \
    gage check --block 1200 --json\n\n\
    Ends with 0 if everything holds, with 2 if something does not.")]
pub(crate) struct InspectArgs {
    /// The folder that `gage dev --data-dir` or a node's configuration names. While a node has it open, the
    /// node at --rpc-url is asked instead
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// The block after which to check [default: the newest]
    #[arg(long)]
    pub(crate) block: Option<u64>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Look after a stored chain.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Check every block, index and root, computed anew, and the protocol's invariants at the end
    Check(CheckArgs),
}

/// Carry a chain to another machine.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Write a snapshot of a stored chain, with no node running
    Export(ExportArgs),
    /// Make a chain from a snapshot: every root is computed anew and compared
    Import(ImportArgs),
}

/// Where a snapshot goes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage snapshot export --data-dir gage-data --out snapshot")]
pub(crate) struct ExportArgs {
    /// The folder that `gage dev --data-dir` or a node's configuration names
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// The snapshot's folder; it is made if need be
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// Which snapshot to start from.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage snapshot import snapshot --data-dir gage-data")]
pub(crate) struct ImportArgs {
    /// The snapshot's folder
    pub(crate) snapshot: PathBuf,
    /// The folder to make the chain in
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// The state root to insist on, as learned from someone else
    #[arg(long)]
    pub(crate) state_root: Option<B256>,
}

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage db check --data-dir gage-data")]
pub(crate) struct CheckArgs {
    /// The folder that `gage dev --data-dir` or a node's configuration names
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// The genesis file [default: the one in the folder]
    #[arg(long)]
    pub(crate) genesis: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Price histories.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// List the histories that are in the binary
    #[command(after_help = "Example:\n  gage history list")]
    List,
    /// Download hourly bars from an exchange's public interface
    Fetch(FetchArgs),
}

/// What to download.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  gage history fetch --exchange binance --symbols BTC,ETH,SOL,AAVE,XRP \
    --from 2022-11-06 --to 2022-11-12 --out ftx.csv\n  gage dev --replay ftx.csv"
)]
pub(crate) struct FetchArgs {
    /// Where from
    #[arg(long, value_enum, default_value = "binance")]
    pub(crate) exchange: Exchange,
    /// Assets, separated by commas
    #[arg(long, value_delimiter = ',', required = true, value_parser = parse_symbol)]
    pub(crate) symbols: Vec<String>,
    /// First hour: 2024-08-01, 2024-08-01T06:00 (UTC) or Unix seconds
    #[arg(long, value_parser = parse_time)]
    pub(crate) from: u64,
    /// End, not included, in the same form
    #[arg(long, value_parser = parse_time)]
    pub(crate) to: u64,
    /// The file to write
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Another server that speaks the exchange's interface
    #[arg(long)]
    pub(crate) base_url: Option<String>,
}

pub(super) fn parse_speed(text: &str) -> Result<Speed, String> {
    match text {
        "max" => Ok(Speed::Max),
        number => match number.trim_end_matches('x').parse() {
            Ok(times) if times > 0 => Ok(Speed::Times(times)),
            _ => Err("a speed is a whole number above 0, or max".to_owned()),
        },
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a time in seconds, like 1 or 0.2".to_owned())?;
    let in_range = (0.0..=3_600.0).contains(&seconds);
    in_range
        .then(|| Duration::from_secs_f64(seconds))
        .ok_or_else(|| "a time from 0 to 3600 seconds".to_owned())
}

fn parse_time(text: &str) -> Result<u64, String> {
    calendar::parse(text)
        .ok_or_else(|| "a time is 2024-08-01, 2024-08-01T06:00 or Unix seconds".to_owned())
}

fn parse_symbol(text: &str) -> Result<String, String> {
    let symbol = text.trim().to_ascii_uppercase();
    let is_symbol = !symbol.is_empty() && symbol.chars().all(|c| c.is_ascii_alphanumeric());
    is_symbol.then_some(symbol).ok_or_else(|| "a symbol is letters and digits, like BTC".to_owned())
}
