//! Commands of a market's owner, and of who may stop it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::guards::{BreakerArgs, MeterArgs, PauseArgs, RecogniseArgs};
use super::terms::MarketArgs;
use super::user::{Remote, Signing};

/// Rule a market: its margin, its pause, its meters and its breaker.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A market counts collateral by thresholds, or by portfolio margin: by how its assets move together. An\n\
account is then healthy while its equity covers k standard deviations of all that it owns and owes,\n\
and what selling it costs. docs/margin.md has the formula, its floors, and an example.\n\n\
Whoever may, stops it for a while (`pause`), bounds what a line lends in a while (`meter`), and lets it\n\
stop by itself after too many liquidations (`breaker`): docs/guards.md. Governance says which markets'\n\
prices are real (`recognise`): docs/liquidation.md.\n\n\
Examples:\n  gage market margin show\n  gage market margin set margin.toml\n  \
gage market guards\n  gage market pause restricted --for 6h")]
pub(crate) enum MarketCommand {
    /// Set or show a market's portfolio margin
    #[command(subcommand)]
    Margin(MarginCommand),
    /// Show what stops a market, what may, and what its lines' meters have left
    #[command(after_help = "Example:\n  gage market guards --market 2")]
    Guards(MarketArgs),
    /// Set how much of a market stands still: its owner, governance, or for a while the guardian
    Pause(PauseArgs),
    /// Vouch for a market's prices, so that the sweep serves it first; governance only
    Recognise(RecogniseArgs),
    /// Limit what a line lends in a while; the market's owner only
    Meter(MeterArgs),
    /// Restrict the market by itself after too many liquidations; its owner only
    Breaker(BreakerArgs),
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
