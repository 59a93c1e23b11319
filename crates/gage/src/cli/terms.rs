//! Commands about terms: a collateral's, a group's, and who keeps earlier ones.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::user::{OwnAccount, Remote, Signing};

/// A ratio in percent, like 80 or 0.5 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent(pub(crate) u16);

impl Percent {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches('%').trim_end();
        let points = crate::decimal::parse_units(number, 2).map_err(|why| why.to_string())?;
        let most = || format!("at most {} %", u16::MAX / 100);
        u16::try_from(points).map(Self).map_err(|_| most())
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let why = || "a time is days, hours or minutes, like 7d, 36h or 30m".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(why)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        _ => return Err(why()),
    };
    let count: u64 = number.parse().map_err(|_| why())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(why)
}

/// A collateral's terms, and what accounts keep of earlier ones.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
An account keeps the threshold and bonuses that it entered with until it takes new risk: until it\n\
borrows, takes collateral out while it owes, or changes its group. What is better for borrowers is\n\
everybody's at once. A move ends what is kept: it is announced a day ahead at least, and takes a day\n\
at least. It cannot be changed, or taken back.\n\n\
Example (the market's owner):\n  gage terms set WETH --ltv 70 --threshold 75\n  \
gage terms show\n  gage terms move WETH --in 2d --over 10d\n  gage explain")]
pub(crate) enum TermsCommand {
    /// Show a market's terms: the newest, what is kept, and moves
    #[command(after_help = "Example:\n  gage terms show --market 2")]
    Show(MarketArgs),
    /// Change a collateral's terms; what is not given stays. The market's owner only
    Set(SetTermsArgs),
    /// Announce that kept terms go to the newest ones. The market's owner only
    Move(MoveArgs),
}

/// Which market.
#[derive(Debug, Args)]
pub(crate) struct MarketArgs {
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// A collateral's new terms.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage terms set WETH --threshold 80              others keep what they had, if that was higher\n  \
    gage terms set WETH --ltv 0                     nothing more can be borrowed against WETH\n  \
    gage terms set WETH --bonus-min 4 --bonus-max 10 --cap 5000")]
pub(crate) struct SetTermsArgs {
    /// The collateral: its symbol or address
    pub(crate) asset: String,
    /// Most debt per value when borrowing, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) ltv: Option<Percent>,
    /// Debt per value above which liquidation starts, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) threshold: Option<Percent>,
    /// The liquidation bonus at a health factor of one, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) bonus_min: Option<Percent>,
    /// The largest liquidation bonus, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) bonus_max: Option<Percent>,
    /// What debt that it backs pays beyond the base rate, in percent of it
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) weight: Option<Percent>,
    /// Most that all accounts together may pledge
    #[arg(long)]
    pub(crate) cap: Option<String>,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A move to announce.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage terms move WETH --in 1d --over 30d         from tomorrow on, for a month\n  \
    gage terms move --group 1 --in 2d --over 1d     what accounts keep of a group's terms")]
pub(crate) struct MoveArgs {
    /// The collateral: its symbol or address
    #[arg(required_unless_present = "group")]
    pub(crate) asset: Option<String>,
    /// The group whose kept terms to move instead
    #[arg(long, conflicts_with = "asset")]
    pub(crate) group: Option<u8>,
    /// When it starts from now, in days or hours: 1d to 30d
    #[arg(long = "in", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) notice: Duration,
    /// How long it takes: 1d to 365d
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) over: Duration,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Collaterals and debts whose prices move together.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
While an account is in a group it borrows from the group's vaults only, and the group's collaterals\n\
have the group's LTV, threshold and bonuses where these are better than their own. It enters if all\n\
that it owes is owed to the group's vaults, and leaves if its debt is within its own limit then.\n\n\
Example:\n  gage group list\n  gage group enter 1\n  gage borrow USDC 900\n  gage group leave")]
pub(crate) enum GroupCommand {
    /// List a market's groups: terms and members
    #[command(after_help = "Example:\n  gage group list")]
    List(MarketArgs),
    /// Create a group. The market's owner only
    Create(CreateGroupArgs),
    /// Change a group's terms. The market's owner only
    #[command(after_help = "Example:\n  gage group set 1 --ltv 90 --threshold 93 --bonus-min 0.5 \
        --bonus-max 1 --band 1")]
    Set(SetGroupArgs),
    /// Add collaterals and vaults to a group; none ever leaves. The market's owner only
    #[command(after_help = "Example:\n  gage group add 1 --collateral DAI --vault USDT")]
    Add(AddMembersArgs),
    /// Bring one of your accounts into a group
    #[command(after_help = "Example:\n  gage group enter 1 --sub 2")]
    Enter(EnterGroupArgs),
    /// Take one of your accounts out of its group
    #[command(after_help = "Example:\n  gage group leave")]
    Leave(LeaveGroupArgs),
}

/// A group's terms.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct GroupTermsArgs {
    /// Most debt per value when borrowing, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) ltv: Percent,
    /// Debt per value above which liquidation starts, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) threshold: Percent,
    /// The liquidation bonus at a health factor of one, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) bonus_min: Percent,
    /// The largest liquidation bonus, in percent
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) bonus_max: Percent,
    /// The price error that the group must bear without a liquidation at the LTV, in percent: 1 to 20
    #[arg(long, value_parser = Percent::parse)]
    pub(crate) band: Percent,
}

/// Members that join.
#[derive(Debug, Args)]
pub(crate) struct MembersArgs {
    /// Collaterals, by symbol or address
    #[arg(long = "collateral", value_delimiter = ',')]
    pub(crate) collaterals: Vec<String>,
    /// Vaults, by symbol, their asset's symbol, or address
    #[arg(long = "vault", value_delimiter = ',')]
    pub(crate) vaults: Vec<String>,
}

/// A group to create.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage group create Dollars --ltv 93 --threshold 95 \
    --bonus-min 0.5 --bonus-max 1 --band 1 \\\n    --collateral USDC,USDT --vault USDC,USDT")]
pub(crate) struct CreateGroupArgs {
    /// What it is called
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) terms: GroupTermsArgs,
    #[command(flatten)]
    pub(crate) members: MembersArgs,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A group's new terms.
#[derive(Debug, Args)]
pub(crate) struct SetGroupArgs {
    /// The group's number
    pub(crate) group: u8,
    #[command(flatten)]
    pub(crate) terms: GroupTermsArgs,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A group's new members.
#[derive(Debug, Args)]
pub(crate) struct AddMembersArgs {
    /// The group's number
    pub(crate) group: u8,
    #[command(flatten)]
    pub(crate) members: MembersArgs,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A group to enter.
#[derive(Debug, Args)]
pub(crate) struct EnterGroupArgs {
    /// The group's number
    pub(crate) group: u8,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A group to leave.
#[derive(Debug, Args)]
pub(crate) struct LeaveGroupArgs {
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_and_times_are_read() {
        for (text, points) in [("80", 8_000), ("0.5 %", 50), ("92.15%", 9_215), ("0", 0)] {
            assert_eq!(Percent::parse(text), Ok(Percent(points)), "{text}");
        }
        for text in ["", "%", "-1", "0.001", "700", "ten"] {
            assert!(Percent::parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_duration("36h"), Ok(Duration::from_secs(129_600)));
        assert_eq!(parse_duration("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
        for text in ["", "d", "7", "-1d", "1.5d", "99999999999999999999d", "7é"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
