//! Commands about first-loss capital.

use alloy_primitives::Address;
use clap::{Args, Subcommand};

use super::user::Signing;

/// Stake vault shares as first-loss capital, and earn a premium for it.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A stake is shares of a vault, put in front of its lenders on its line to one market: debt that the\n\
market's accounts cannot pay burns stakes first, then the vault's reserves, then every lender's\n\
shares. A stake goes on earning the vault's interest, and a premium: a part of the interest on the\n\
line's debt, out of the reserve fee. It stays for a week after it was announced that it will leave,\n\
may leave in the day after that, and not while a loss is pending.\n\n\
Example:\n  gage deposit USDC 1000\n  gage stake add USDC 1000\n  gage stake list\n  \
gage stake announce USDC\n  gage stake withdraw USDC max")]
pub(crate) enum StakeCommand {
    /// Stake shares of a vault on its line to a market
    Add(AddStakeArgs),
    /// Announce that a stake will be withdrawn; it stays for a week, then may leave for a day
    #[command(after_help = "Example:\n  gage stake announce USDC")]
    Announce(LineArgs),
    /// Take shares back, after the notice
    #[command(after_help = "Examples:\n  gage stake withdraw USDC max\n  \
        gage stake withdraw USDC 250")]
    Withdraw(UnstakeArgs),
    /// List a staker's stakes: what they are worth, what they earn, how far a notice is
    List(StakesArgs),
}

/// A vault's line to a market.
#[derive(Debug, Args)]
pub(crate) struct LineArgs {
    /// The vault whose shares to stake: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// The id of the market whose losses to bear first
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A stake to add.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage stake add USDC 1000             shares worth 1,000 USDC, on the line to market 1\n  \
    gage stake add USDC 1000 --deposit   the same, lending first what is missing\n  \
    gage stake add USDC max --market 2   all shares of the vault, on the line to market 2")]
pub(crate) struct AddStakeArgs {
    #[command(flatten)]
    pub(crate) line: LineArgs,
    /// What the stake is worth, in the vault's asset: 1000, 0.5, or max
    pub(crate) amount: String,
    /// The amount is vault shares
    #[arg(long)]
    pub(crate) shares: bool,
    /// Lend to the vault first what is missing
    #[arg(long)]
    pub(crate) deposit: bool,
}

/// A stake to withdraw.
#[derive(Debug, Args)]
pub(crate) struct UnstakeArgs {
    #[command(flatten)]
    pub(crate) line: LineArgs,
    /// How much, in the vault's asset: 1000, 0.5, or max
    pub(crate) amount: String,
    /// The amount is vault shares
    #[arg(long)]
    pub(crate) shares: bool,
}

/// Whose stakes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage stake list\n  \
    gage stake list 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json")]
pub(crate) struct StakesArgs {
    /// The staker [default: the private key's address]
    pub(crate) staker: Option<Address>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}
