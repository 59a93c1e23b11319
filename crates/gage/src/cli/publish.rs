//! Arguments of `gage publish` and `gage message`.

use std::path::PathBuf;

use clap::Args;
use gage_publisher::faults::Amount;

use super::{Remote, Speed};

/// Prices from exchanges to a node.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads quotes of Coinbase, Kraken and Binance (a WebSocket each, single quotes while it is down), takes\n\
for each feed the median of the venues that are fresh and agree, signs it and hands it in when it has\n\
moved or its heartbeat is over. A feed without its quorum is not published; /health and the metrics\n\
say so. The key comes from the environment or a file, never from the command line.\n\n\
Examples:\n  gage publish --example-config > publisher.toml\n  \
gage publish --config publisher.toml --dry-run\n  \
GAGE_PRIVATE_KEY=0x… gage publish --config publisher.toml")]
pub(crate) struct PublishArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", required_unless_present = "example_config")]
    pub(crate) config: Option<PathBuf>,
    /// Print an example with every setting, and end
    #[arg(long, conflicts_with_all = ["config", "dry_run", "key_file"])]
    pub(crate) example_config: bool,
    /// Listen once, print what each feed would be worth and why, and hand nothing in
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Seconds that a dry run listens at most
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "dry_run")]
    pub(crate) wait: u64,
    /// A file with the publisher's private key [default: the variable GAGE_PRIVATE_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// A history's prices to a running node.
#[derive(Debug, Args)]
#[command(after_help = "\
Publishes a history step by step, as of now: what happened within an hour of history happens within\n\
a second at the default speed. Assets go to the feeds whose name begins with them (ETH to `ETH / USD`\n\
or `WETH / USD`) unless --feed says otherwise. Each key is a publisher, called a, b, c …; faults are\n\
those of `gage dev --replay`.\n\n\
Examples:\n  GAGE_PRIVATE_KEY=0x… gage replay 2024-08 --speed 3600\n  \
gage replay prices.csv --feed ETH=1 --key-file a.key --key-file b.key --key-file c.key --lie c=-30")]
pub(crate) struct ReplayArgs {
    /// Prices to replay: a history of the binary (2024-08) or a CSV file, see data/README.md
    pub(crate) history: String,
    /// Which asset of the history is reported to which feed
    #[arg(long, value_name = "ASSET=FEED")]
    pub(crate) feed: Vec<Amount<u32>>,
    /// Seconds of history that pass in a second, or max
    #[arg(long, default_value = "3600", value_parser = super::operate::parse_speed)]
    pub(crate) speed: Speed,
    /// A file with a publisher's private key; several may be given [default: the variable GAGE_PRIVATE_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Vec<PathBuf>,
    /// Silence a publisher, like b
    #[arg(long, value_name = "SOURCE")]
    pub(crate) drop: Vec<String>,
    /// Make a publisher late, in seconds of history, like b=120
    #[arg(long, value_name = "SOURCE=SECONDS")]
    pub(crate) lag: Vec<Amount<u64>>,
    /// Let a publisher say more or less than it sees, like c=-30
    #[arg(long, value_name = "SOURCE=PERCENT")]
    pub(crate) lie: Vec<Amount<i64>>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// A signed message of another oracle.
#[derive(Debug, Args)]
#[command(after_help = "\
The message goes into the next block's prelude, where every node verifies it: Pyth's by the Wormhole\n\
guardians, RedStone's and Chainlink's by the signers that governance has named. It counts for the\n\
feeds that have the provider's id among their sources (`gage feeds FEED`).\n\n\
Examples:\n  gage message pyth 1 --file update.hex\n  gage message redstone 1 2 --data 0x4254…")]
pub(crate) struct MessageArgs {
    /// Whose message it is
    pub(crate) provider: Provider,
    /// The feeds it is for
    #[arg(required = true)]
    pub(crate) feeds: Vec<u32>,
    /// The message, in hex
    #[arg(long, value_name = "HEX", required_unless_present = "file", conflicts_with = "file")]
    pub(crate) data: Option<String>,
    /// A file with the message, in hex
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Another oracle.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Provider {
    /// Gage's own reports with ed25519 signatures
    Ed25519,
    /// A price update of Pyth
    Pyth,
    /// Data packages of RedStone
    #[value(name = "redstone")]
    RedStone,
    /// A report of Chainlink Data Streams
    Chainlink,
}
