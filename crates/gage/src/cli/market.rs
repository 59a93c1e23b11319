//! Commands of a market's owner.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::user::{Remote, Signing};

/// Set how a market says how much may be borrowed.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A market counts collateral by thresholds, or by portfolio margin: by how its assets move together. An\n\
account is then healthy while its equity covers k standard deviations of all that it owns and owes,\n\
and what selling it costs. docs/margin.md has the formula, its floors, and an example.\n\n\
Example:\n  gage market margin show\n  gage market margin set margin.toml")]
pub(crate) enum MarketCommand {
    /// Set or show a market's portfolio margin
    #[command(subcommand)]
    Margin(MarginCommand),
}

/// Portfolio margin.
#[derive(Debug, Subcommand)]
pub(crate) enum MarginCommand {
    /// Show what is in force, and what it replaces until its ramp ends
    #[command(after_help = "Example:\n  gage market margin show --market 2")]
    Show(MarginArgs),
    /// Set it from a TOML or JSON file; the market's owner only
    #[command(after_help = SET_HELP)]
    Set(SetMarginArgs),
}

const SET_HELP: &str = concat!(
    "The set in the file replaces the one in force along a ramp of a day to a year. Without factors the\n",
    "market goes back to thresholds. Numbers are parts of one; a sigma is one standard deviation over\n",
    "the time that a liquidation takes, and correlations are with the factors before, in the file's\n",
    "order.\n\n",
    "  k_borrow = 4.0           # standard deviations to cover when drawing\n",
    "  k_liquidation = 3.0      # and before liquidation\n",
    "  floor = 0.02             # the least share of all that is owned and owed\n",
    "  ramp_seconds = 86400\n\n",
    "  [[factors]]\n",
    "  asset = \"USDC\"\n",
    "  sigma = 0.001\n\n",
    "  [[factors]]\n",
    "  asset = \"WETH\"\n",
    "  sigma = 0.04\n",
    "  cost = 0.01              # what selling it or buying it back costs\n",
    "  correlations = [0.05]    # with USDC\n",
    "  hedge = 1                # matches debt of the same number …\n",
    "  hedge_threshold = 0.9    # … and counts this much then\n\n",
    "Example:\n  gage market margin set margin.toml --market 2",
);

/// Whose margin to show.
#[derive(Debug, Args)]
pub(crate) struct MarginArgs {
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// What to set.
#[derive(Debug, Args)]
pub(crate) struct SetMarginArgs {
    /// The file: TOML, or JSON if its name ends in .json
    pub(crate) file: PathBuf,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}
