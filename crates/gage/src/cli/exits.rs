//! Commands about the exit queue.

use alloy_primitives::Address;
use clap::{Args, Subcommand};

use super::user::Signing;

/// Leave a vault whose cash is lent out: take a place in its exit queue.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A vault whose cash is all lent out cannot pay its lenders at once. Its exit queue pays them as cash\n\
comes in, from repayments and deposits: first come, first served, and before anybody can borrow it.\n\
Queued shares go on earning interest, and bear losses like all others, until their turn comes; then\n\
what they are worth is set aside and can be claimed, also in parts. A place cannot be cancelled, but\n\
it is an ERC-721 token and can be sold with what is set aside for it.\n\n\
Example:\n  gage redeem USDC max           what the cash reaches\n  \
gage exit request USDC max     the rest waits\n  gage exit list\n  gage exit claim")]
pub(crate) enum ExitCommand {
    /// Put shares of a vault into its exit queue
    Request(RequestArgs),
    /// List places: what waits, what is ahead, what may be claimed
    List(PlacesArgs),
    /// Take what was set aside for a place, or for all
    Claim(ClaimExitArgs),
}

/// Shares to queue.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage exit request USDC 1000         shares worth 1,000 USDC\n  \
    gage exit request USDC max          all shares")]
pub(crate) struct RequestArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// What the shares are worth, in the vault's asset: 1000, 0.5, or max
    pub(crate) amount: String,
    /// The amount is vault shares
    #[arg(long)]
    pub(crate) shares: bool,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Whose places.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage exit list\n  \
    gage exit list 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json")]
pub(crate) struct PlacesArgs {
    /// The owner [default: the private key's address]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// What to claim.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage exit claim             all that is set aside\n  \
    gage exit claim USDC 7      what is set aside for place 7")]
pub(crate) struct ClaimExitArgs {
    /// The vault [default: every vault]
    #[arg(requires = "place")]
    pub(crate) vault: Option<String>,
    /// The place's number, as `gage exit list` shows it
    pub(crate) place: Option<u64>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}
