//! Commands about who else may act on an account, and about moving one.

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{Args, Subcommand};

use super::user::{OwnAccount, Signing};
use crate::calendar::{self, DAY, HOUR};

/// A moment: a date in UTC, Unix seconds, or a duration from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(u64),
    In(u64),
}

impl Moment {
    fn parse(text: &str) -> Result<Self, String> {
        let last = text.chars().last().unwrap_or_default();
        let seconds = match last.to_ascii_lowercase() {
            'd' => Some(DAY),
            'h' => Some(HOUR),
            'm' => Some(60),
            _ => None,
        };
        let number = text.get(..text.len().saturating_sub(last.len_utf8())).unwrap_or_default();
        let moment = match seconds {
            Some(unit) => number.parse().ok().and_then(|n: u64| n.checked_mul(unit)).map(Self::In),
            None => calendar::parse(text).map(Self::At),
        };
        moment.ok_or_else(|| "say 30d, 12h, 45m, a date like 2027-01-31, or Unix seconds".into())
    }

    /// In Unix seconds, counted from the chain's `now`.
    pub(crate) fn unix(self, now: u64) -> u64 {
        match self {
            Self::At(unix) => unix,
            Self::In(seconds) => now.saturating_add(seconds),
        }
    }
}

/// Let others act on an account within bounds: release, borrow or manage.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
An operator does with one of your accounts what you permit, until a moment: `release` collateral,\n\
`borrow`, or `manage` (leave stop-loss orders, move the account). What it releases and draws goes to\n\
you, or to the one receiver that you name: never where the operator likes. All limits of the account\n\
hold for it as for you. It acts with `gage borrow` and `gage withdraw`, adding --owner.\n\n\
Example:\n  gage operator set 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --allow borrow --until 30d\n  \
gage operator list\n  gage operator revoke 0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
pub(crate) enum OperatorCommand {
    /// Permit an address to act on one of your accounts, in place of what it might do before
    Set(SetOperatorArgs),
    /// List who may act on an owner's accounts
    List(AuthorisationsArgs),
    /// Take it all back, at once
    #[command(
        after_help = "Example:\n  gage operator revoke 0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    )]
    Revoke(RevokeArgs),
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Allowed {
    /// Release collateral
    Release,
    /// Draw debt
    Borrow,
    /// Leave stop-loss orders, and move the account
    Manage,
}

/// An operator to permit.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gage operator set 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --allow manage --until 90d\n  \
    gage operator set 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --allow release,borrow \\\n      \
    --until 2027-01-31 --receiver 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")]
pub(crate) struct SetOperatorArgs {
    /// Who may act
    pub(crate) operator: Address,
    /// What: release, borrow, manage, with commas between
    #[arg(long, value_enum, value_delimiter = ',', required = true)]
    pub(crate) allow: Vec<Allowed>,
    /// Until when: 30d, 12h, or a date
    #[arg(long, value_parser = Moment::parse)]
    pub(crate) until: Moment,
    /// Who receives what it releases and draws [default: you]
    #[arg(long)]
    pub(crate) receiver: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An operator to stop.
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Who may no longer act
    pub(crate) operator: Address,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Whose authorisations.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage operator list\n  \
    gage credit list 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json")]
pub(crate) struct AuthorisationsArgs {
    /// The owner [default: the private key's address]
    pub(crate) owner: Option<Address>,
    /// Look no further back than this block
    #[arg(long, default_value_t = 0)]
    pub(crate) from_block: u64,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Let others draw on an account's credit, up to a limit.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Delegated credit lets somebody draw debt that your account owes, from one vault, up to a limit and\n\
until a moment. Every draw lowers the limit; repaying does not raise it. What is drawn goes to the\n\
receiver that you name, or to the delegatee. You may sign a delegation instead of sending it: anyone\n\
may hand it in, once, before its deadline, in the order of your nonces.\n\n\
Example:\n  gage credit delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 500 --until 30d\n  \
gage credit draw 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 USDC 100     (as the delegatee)\n  \
gage credit sign 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 500 --until 30d > credit.json\n  \
gage credit submit credit.json                                           (as anyone)")]
pub(crate) enum CreditCommand {
    /// Let an address draw on one of your accounts, in place of what it might draw before; 0 ends it
    #[command(after_help = "Examples:\n  \
        gage credit delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 500 --until 30d\n  \
        gage credit delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 0 --until 1h")]
    Delegate(DelegateArgs),
    /// List what others may draw on an owner's accounts
    List(AuthorisationsArgs),
    /// Draw on credit that an owner delegated to you
    #[command(
        after_help = "Example:\n  gage credit draw 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 USDC 100"
    )]
    Draw(DrawArgs),
    /// Sign a delegation for somebody else to hand in; prints JSON
    #[command(after_help = "Example:\n  \
        gage credit sign 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 500 --until 30d > credit.json")]
    Sign(SignCreditArgs),
    /// Hand in a delegation that an owner signed
    #[command(after_help = "Example:\n  gage credit submit credit.json")]
    Submit(SubmitArgs),
    /// Make your signatures that were not handed in void
    #[command(after_help = "Example:\n  gage credit void")]
    Void(VoidArgs),
}

/// Credit to delegate.
#[derive(Debug, Args)]
pub(crate) struct DelegateArgs {
    /// Who may draw
    pub(crate) delegatee: Address,
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// How much in all: 1000, 0.5, or 0 to end it
    pub(crate) limit: String,
    /// Until when: 30d, 12h, or a date
    #[arg(long, value_parser = Moment::parse)]
    pub(crate) until: Moment,
    /// Who receives what is drawn [default: the delegatee]
    #[arg(long)]
    pub(crate) receiver: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Credit to delegate by signature.
#[derive(Debug, Args)]
pub(crate) struct SignCreditArgs {
    #[command(flatten)]
    pub(crate) credit: DelegateArgs,
    /// Until when it may be handed in
    #[arg(long, default_value = "1d", value_parser = Moment::parse)]
    pub(crate) deadline: Moment,
    /// The nonce that it bears [default: your present one]
    #[arg(long)]
    pub(crate) nonce: Option<u64>,
}

/// Credit to draw.
#[derive(Debug, Args)]
pub(crate) struct DrawArgs {
    /// Whose account owes it
    pub(crate) owner: Address,
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// How much: 1000, 0.5, or max for all that may be drawn
    pub(crate) amount: String,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A signed delegation.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The file that `gage credit sign` wrote; - reads it from the input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Which signatures to void.
#[derive(Debug, Args)]
pub(crate) struct VoidArgs {
    /// The first nonce that stays good [default: the one after the present]
    #[arg(long)]
    pub(crate) next: Option<u64>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Where a debt goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultWay {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl VaultWay {
    fn parse(text: &str) -> Result<Self, String> {
        let way = text.split_once('=').filter(|(from, to)| !from.is_empty() && !to.is_empty());
        let (from, to) = way.ok_or("say FROM=TO, such as gUSDC=gUSDC2")?;
        Ok(Self { from: from.to_owned(), to: to.to_owned() })
    }
}

/// An account to move.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything moves or nothing does: all collateral and every debt of the account. A debt stays with its\n\
vault unless --vault says otherwise; that needs no cash. Another vault must have the cash to pay the\n\
first one. The account must be healthy there: within the other market's limit at fresh prices.\n\n\
Examples:\n  gage rehome --to-market 2 --preview       what would be there, and what stands in the way\n  \
gage rehome --to-market 2\n  \
gage rehome --to-market 1 --vault gUSDC=gUSDC2    the same account, owing another vault")]
pub(crate) struct RehomeArgs {
    /// The market to move to
    #[arg(long)]
    pub(crate) to_market: u32,
    /// The account's number there
    #[arg(long, default_value_t = 0)]
    pub(crate) to_sub: u32,
    /// FROM=TO: the vault that is owed, and the one that will be; once for each debt that changes vaults
    #[arg(long = "vault", value_parser = VaultWay::parse)]
    pub(crate) vaults: Vec<VaultWay>,
    /// Only say how the account would stand there
    #[arg(long)]
    pub(crate) preview: bool,
    /// Whose account, if you are an operator who manages it [default: one's own]
    #[arg(long)]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        for (text, expected) in [
            ("30d", Some(Moment::In(30 * DAY))),
            ("12h", Some(Moment::In(12 * HOUR))),
            ("45m", Some(Moment::In(2_700))),
            ("2027-01-31", Some(Moment::At(1_801_353_600))),
            ("1801353600", Some(Moment::At(1_801_353_600))),
            ("soon", None),
            ("d", None),
            ("-3d", None),
            ("", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
            ("3€", None),
        ] {
            assert_eq!(Moment::parse(text).ok(), expected, "{text}");
        }
        assert_eq!(Moment::In(5).unix(10), 15);
    }

    #[test]
    fn ways_are_read() {
        assert!(VaultWay::parse("gUSDC=gUSDC2").is_ok());
        for text in ["gUSDC", "=x", "x=", ""] {
            assert!(VaultWay::parse(text).is_err(), "{text}");
        }
    }
}
