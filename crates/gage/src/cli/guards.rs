//! Commands that stop things for a while: markets, lines and feeds.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::terms::parse_duration;
use super::{Percent, Signing};

/// How much of a market stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Everything works
    Open,
    /// No new debt, no release of collateral with debt
    Restricted,
    /// Also no liquidation
    Frozen,
}

/// A pause to set.
#[derive(Debug, Args)]
#[command(after_help = "\
Repaying, adding collateral, releasing it without debt and withdrawing from vaults go on at every\n\
level. The market's owner and governance pause for as long as they say, or until they say otherwise;\n\
the guardian for 7d at most, and then it rests for as long. After `frozen` liquidation waits an hour\n\
more. docs/guards.md has what each state stops.\n\n\
Examples:\n  gage market pause restricted --for 6h\n  gage market pause frozen --market 2\n  \
gage market pause open")]
pub(crate) struct PauseArgs {
    /// How much stands still
    pub(crate) level: Level,
    /// For how long: 30m, 6h or 2d; until changed if it is not given
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) lasts: Option<Duration>,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A market to recognise.
#[derive(Debug, Args)]
#[command(after_help = "\
The block's sweep serves recognised markets first, by value at risk, and all others in turns: anyone\n\
may create a market, and value is counted at its own prices. Blocks carry reports of their prices first,\n\
too. Nothing else follows from it. Say how much of the market you have looked at; a further listing ends\n\
recognition. docs/liquidation.md and docs/prices.md have the order.\n\n\
Examples:\n  gage markets\n  gage market recognise --market 2 --collaterals 3 --vaults 1\n  \
gage market recognise --market 2 --off")]
pub(crate) struct RecogniseArgs {
    /// How many collaterals it lists, all of them looked at
    #[arg(long, required_unless_present = "off", requires = "vaults")]
    pub(crate) collaterals: Option<u8>,
    /// How many vaults it lists, all of them looked at
    #[arg(long, requires = "collaterals")]
    pub(crate) vaults: Option<u8>,
    /// Take recognition back
    #[arg(long, conflicts_with_all = ["collaterals", "vaults"])]
    pub(crate) off: bool,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A meter to set.
#[derive(Debug, Args)]
#[command(after_help = "\
A line lends --limit at once at most, and the meter refills within --window; repaying does not refill\n\
it. So an asset minted without end, or a wrong price, costs lenders no more than that in a while.\n\n\
Examples:\n  gage market meter USDC --limit 100000 --window 1d\n  gage market meter USDC --off")]
pub(crate) struct MeterArgs {
    /// The line's vault: its symbol, its asset's symbol, or its address
    pub(crate) vault: String,
    /// Most that may be drawn at once
    #[arg(long, required_unless_present = "off", requires = "window")]
    pub(crate) limit: Option<String>,
    /// In which time an empty meter is full again: 30m, 6h or 1d, 30d at most
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "limit")]
    pub(crate) window: Option<Duration>,
    /// Take the meter away
    #[arg(long, conflicts_with_all = ["limit", "window"])]
    pub(crate) off: bool,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A breaker to set.
#[derive(Debug, Args)]
#[command(after_help = "\
When more than --part of what the market's accounts owe is liquidated within --window, nobody draws\n\
on the market or releases collateral against debt for --pause. Liquidation goes on.\n\n\
Examples:\n  gage market breaker --part 20 --window 1h --pause 6h\n  gage market breaker --off")]
pub(crate) struct BreakerArgs {
    /// The part of the debt, in percent
    #[arg(long, value_parser = Percent::parse, required_unless_present = "off",
        requires_all = ["window", "pause"])]
    pub(crate) part: Option<Percent>,
    /// Within which time: 30m, 6h or 1d, 30d at most
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "part")]
    pub(crate) window: Option<Duration>,
    /// For how long the market is restricted: 30m, 6h or 1d, 7d at most
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "part")]
    pub(crate) pause: Option<Duration>,
    /// Take the breaker away
    #[arg(long, conflicts_with_all = ["part", "window", "pause"])]
    pub(crate) off: bool,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Stop the use of a price for a while.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
While a feed is frozen nobody draws on its price, releases what it values against debt, or liquidates\n\
by it; repaying and adding collateral go on, and so do reports. Afterwards liquidation waits ten\n\
minutes. docs/guards.md has who may, and what each state stops.\n\n\
Examples:\n  gage feed freeze WETH --for 6h\n  gage feed unfreeze WETH\n  gage feeds WETH")]
pub(crate) enum FeedCommand {
    /// Freeze a feed: its owner, governance, or the guardian, for 3d at most
    Freeze(FreezeArgs),
    /// End a freeze: governance, or the feed's owner its own
    Unfreeze(UnfreezeArgs),
}

/// A feed to freeze.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage feed freeze WETH --for 6h")]
pub(crate) struct FreezeArgs {
    /// The feed: its id, its description, or the asset before the slash
    pub(crate) feed: String,
    /// For how long: 30m, 6h or 2d, 3d at most
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) lasts: Duration,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A feed to use again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage feed unfreeze WETH")]
pub(crate) struct UnfreezeArgs {
    /// The feed: its id, its description, or the asset before the slash
    pub(crate) feed: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}
