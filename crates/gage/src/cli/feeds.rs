//! Arguments of `gage feeds`.

use clap::Args;

use super::Remote;

/// Prices, or one of them, or what changes about them.
#[derive(Debug, Args)]
#[command(after_help = "\
A feed's price is the median of what its sources report, without outliers, if a quorum of them is\n\
fresh and agrees. `live` prices serve for everything. A `doubtful` one (its sources disagree, or it\n\
has jumped and not held yet) takes no new risk, and for a while judges borrowers by the better of it\n\
and the smoothed price. A `stale` or `frozen` one takes no new risk and liquidates nobody. Repaying\n\
and adding collateral always work.\n\n\
Examples:\n  gage feeds\n  gage feeds WETH\n  gage feeds --watch --webhook https://alerts.example.org/gage\n\n\
A webhook gets a JSON object by POST for every change of a feed's status.")]
pub(crate) struct FeedsArgs {
    /// Show this feed with its sources: its id, its description, or the asset before the slash
    #[arg(conflicts_with = "watch")]
    pub(crate) feed: Option<String>,
    /// Keep looking, and print a line for every change of status until stopped
    #[arg(long)]
    pub(crate) watch: bool,
    /// Post every change to this address, too
    #[arg(long, value_name = "URL", requires = "watch")]
    pub(crate) webhook: Option<String>,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2, requires = "watch", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) every: u32,
    #[command(flatten)]
    pub(crate) remote: Remote,
}
