//! Commands about bids, stop-loss orders and what was liquidated.

use alloy_primitives::Address;
use clap::{Args, Subcommand};

use super::user::{OwnAccount, Remote, Signing};
use crate::decimal::{DecimalError, parse_units};

/// Basis points between two discounts that may be bid.
const STEP_BPS: u128 = 50;

/// The largest discount, in basis points.
const DISCOUNT_BPS_MAX: u128 = 3_000;

/// A discount that may be bid, as the number of its tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Discount(pub(crate) u8);

impl Discount {
    fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches('%').trim_end();
        let between = |bps: u128| {
            let low = bps - bps % STEP_BPS;
            format!(
                "discounts go in steps of 0.5 %: {} or {}",
                percent(low),
                percent(low + STEP_BPS)
            )
        };
        let bps = match parse_units(number, 2) {
            Ok(bps) => bps,
            Err(DecimalError::TooPrecise { .. }) => {
                let whole: String = number.chars().take_while(|c| *c != '.').collect();
                return Err(between(parse_units(&whole, 2).unwrap_or_default()));
            }
            Err(why) => return Err(format!("a discount is a percentage like 2.5: {why}")),
        };
        if bps > DISCOUNT_BPS_MAX {
            return Err("the largest discount is 30 %".to_owned());
        }
        if !bps.is_multiple_of(STEP_BPS) {
            return Err(between(bps));
        }
        u8::try_from(bps / STEP_BPS).map(Self).map_err(|_| "a discount is a percentage".to_owned())
    }

    /// In basis points.
    pub(crate) fn bps(self) -> u128 {
        u128::from(self.0) * STEP_BPS
    }

    /// In words: `2.5 %`.
    pub(crate) fn name(self) -> String {
        percent(self.bps())
    }
}

fn percent(bps: u128) -> String {
    crate::decimal::percent_of_bps(bps)
}

/// Whose queue to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Each tier is a discount on the price. Lower discounts are filled first; bids of one tier share a\n\
fill in proportion. Bids wait as vault shares and earn the vault's interest.\n\n\
Examples:\n  gage queue 1                             every queue of market 1 that holds bids\n  \
gage queue 1 --vault USDC --asset WETH   who repays USDC debt for WETH")]
pub(crate) struct QueueArgs {
    /// The market's id
    #[arg(default_value_t = 1)]
    pub(crate) market: u32,
    /// Only for debt to this vault: its symbol, its asset's symbol, or an address
    #[arg(long)]
    pub(crate) vault: Option<String>,
    /// Only for this collateral
    #[arg(long)]
    pub(crate) asset: Option<String>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Bid for collateral of accounts that are liquidated.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A bid is shares of a vault, offered for a collateral at a discount of your choice. It earns the\n\
vault's interest until a block liquidates an account; then shares are burned against the account's\n\
debt and the collateral is yours to claim. A bid stays for ten minutes after it was announced that it\n\
will leave, and may leave in the hour after that.\n\n\
Example:\n  gage deposit USDC 1000\n  gage bid place USDC WETH 5 1000\n  gage bid list\n  \
gage bid claim\n  gage bid announce USDC WETH 5\n  gage bid withdraw USDC WETH 5 max")]
pub(crate) enum BidCommand {
    /// Put shares of a vault into a tier
    Place(PlaceArgs),
    /// Announce that a bid will be withdrawn; it stays for ten minutes, then may leave for an hour
    #[command(after_help = "Example:\n  gage bid announce USDC WETH 5")]
    Announce(TierArgs),
    /// Take shares back, after the notice
    #[command(after_help = "Examples:\n  gage bid withdraw USDC WETH 5 max\n  \
        gage bid withdraw USDC WETH 5 250")]
    Withdraw(WithdrawArgs),
    /// Take the collateral that bids have bought: of one bid, or of all
    Claim(ClaimArgs),
    /// List a bidder's bids: what waits, what was bought, how far a notice is
    List(ListArgs),
}

/// A tier of a queue.
#[derive(Debug, Args)]
pub(crate) struct TierArgs {
    /// The vault that one bids with: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// The collateral to buy
    pub(crate) asset: String,
    /// How much below the price, in percent: a multiple of 0.5, up to 30
    #[arg(value_parser = Discount::parse)]
    pub(crate) discount: Discount,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A bid to place.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage bid place USDC WETH 5 1000              shares worth 1,000 USDC, for WETH at 5 % off\n  \
    gage bid place USDC WETH 2.5 1000 --deposit  the same at 2.5 %, lending first what is missing\n  \
    gage bid place USDC WETH 5 max               all shares of the vault")]
pub(crate) struct PlaceArgs {
    #[command(flatten)]
    pub(crate) tier: TierArgs,
    /// What the bid is worth, in the vault's asset: 1000, 0.5, or max
    pub(crate) amount: String,
    /// The amount is vault shares
    #[arg(long)]
    pub(crate) shares: bool,
    /// Lend to the vault first what is missing
    #[arg(long)]
    pub(crate) deposit: bool,
}

/// A bid to withdraw.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    pub(crate) tier: TierArgs,
    /// How much, in the vault's asset: 1000, 0.5, or max
    pub(crate) amount: String,
    /// The amount is vault shares
    #[arg(long)]
    pub(crate) shares: bool,
}

/// Whose purchases to take.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage bid claim                  of every bid\n  \
    gage bid claim USDC WETH 5      of one")]
pub(crate) struct ClaimArgs {
    /// The vault that one bid with
    #[arg(requires = "discount")]
    pub(crate) vault: Option<String>,
    /// The collateral that was bought
    #[arg(requires = "discount")]
    pub(crate) asset: Option<String>,
    /// The bid's discount in percent
    #[arg(value_parser = Discount::parse)]
    pub(crate) discount: Option<Discount>,
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Whose bids.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage bid list\n  \
    gage bid list 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json")]
pub(crate) struct ListArgs {
    /// The bidder [default: the private key's address]
    pub(crate) bidder: Option<Address>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Sell collateral before an account can be liquidated, on your own terms.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
When the account's health factor falls below the trigger, the next block sells its collateral to the\n\
bid queue until health is back at the target, at no more than the discount that you allow. Where the\n\
queue has nothing at that discount, nothing is sold. The order stays until it is cleared.\n\n\
Example:\n  gage stop-loss set WETH USDC --trigger 1.1 --target 1.3 --max-discount 2\n  \
gage stop-loss show\n  gage stop-loss clear")]
pub(crate) enum StopLossCommand {
    /// Leave an order, or replace it
    Set(SetArgs),
    /// Take the order back
    #[command(after_help = "Example:\n  gage stop-loss clear")]
    Clear(ClearArgs),
    /// Show an account's order, and what a sweep would do now
    Show(ShowArgs),
}

/// A stop-loss order.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage stop-loss set WETH USDC --trigger 1.1 --target 1.3 \
    --max-discount 2")]
pub(crate) struct SetArgs {
    /// The collateral to sell
    pub(crate) asset: String,
    /// The vault whose debt to repay
    pub(crate) vault: String,
    /// Sell when the health factor is below this; above 1
    #[arg(long)]
    pub(crate) trigger: String,
    /// Sell until the health factor is this; above the trigger, at most 10
    #[arg(long)]
    pub(crate) target: String,
    /// The largest discount to sell at, in percent: a multiple of 0.5
    #[arg(long, value_parser = Discount::parse)]
    pub(crate) max_discount: Discount,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An order to take back.
#[derive(Debug, Args)]
pub(crate) struct ClearArgs {
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Whose order.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage stop-loss show")]
pub(crate) struct ShowArgs {
    /// The account's owner [default: the private key's address]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Blocks to look at.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage liquidations\n  gage losses --from-block 800 --json")]
pub(crate) struct RangeArgs {
    /// The first block [default: as many before the last as one query spans]
    #[arg(long)]
    pub(crate) from_block: Option<u64>,
    /// The last block [default: the newest]
    #[arg(long)]
    pub(crate) to_block: Option<u64>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_are_multiples_of_half_a_percent() {
        for (text, tier) in [("0", 0), ("0.5", 1), ("5", 10), ("5 %", 10), ("2.50%", 5), ("30", 60)]
        {
            assert_eq!(Discount::parse(text), Ok(Discount(tier)), "{text}");
        }
        for (text, why) in [
            ("5.3", "5 % or 5.5 %"),
            ("5.25", "5 % or 5.5 %"),
            ("5.123", "5 % or 5.5 %"),
            ("31", "largest"),
            ("-1", "percentage"),
            ("five", "percentage"),
            ("", "percentage"),
        ] {
            let refused = Discount::parse(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
        assert_eq!(Discount(5).name(), "2.5 %");
    }
}
