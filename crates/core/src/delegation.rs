//! Acting on another's account: operators, and credit that an owner lends the use of.
//!
//! An *operator* may do with one account what its owner permitted, until a moment. An owner's *credit*
//! lets a delegatee draw on the owner's account from one vault, up to a limit that every draw lowers
//! and no repayment raises. Neither chooses where proceeds go: the owner named the receiver when the
//! authorisation was given (AUT-1). All else holds as for the owner's own acts: the debt is the
//! account's, and within its borrow limit.
//!
//! Owners authorise by a call, or by a signature that anyone hands in; signatures are used in the order
//! of one nonce for each owner. Whether an actor may act is decided in one function, [`receiver_for`].

use crate::borrowing::{self, Draw, Release};
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::{Assets, Timestamp};
use crate::ids::{AccountId, AssetId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::stop_loss::{self, StopLoss};
use alloy_primitives::{Address, U256};

/// How far an owner may move the nonce at once, so that it never comes to its end.
pub const NONCES_VOIDED_MAX: u64 = 1_000_000;

/// One thing that an operator may be permitted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Release collateral.
    Release,
    /// Draw debt.
    Borrow,
    /// Leave orders, and move the account to another market or other vaults.
    Manage,
}

impl Permission {
    const fn bit(self) -> u8 {
        match self {
            Self::Release => 1,
            Self::Borrow => 2,
            Self::Manage => 4,
        }
    }

    /// What it is to do, in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Borrow => "borrow",
            Self::Manage => "manage",
        }
    }
}

impl core::fmt::Display for Permission {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// What an operator may do: 1 release, 2 borrow, 4 manage, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one there is.
    pub const ALL: Self = Self(7);

    /// The permissions with these bits.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a bit without meaning.
    pub fn new(bits: u8) -> Result<Self, Error> {
        if bits & !Self::ALL.0 != 0 {
            return Err(Error::InvalidParameter { name: "permissions", value: bits.into() });
        }
        Ok(Self(bits))
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `permission` is among them.
    #[must_use]
    pub const fn include(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }
}

/// What one address may do with one account of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Which acts.
    pub permissions: Permissions,
    /// The last second at which it may.
    pub expires_at: Timestamp,
    /// Who receives collateral that it releases and debt that it draws; zero is the owner.
    pub receiver: Address,
}

/// What a delegatee may draw on an owner's account from one vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// How much in all, in the vault's asset. A draw lowers it, a repayment does not raise it.
    pub limit: Assets,
    /// The last second at which it may be drawn.
    pub expires_at: Timestamp,
    /// Who receives what is drawn; zero is the delegatee.
    pub receiver: Address,
}

/// Whose credit, with which vault, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreditId {
    /// The account that owes what is drawn.
    pub account: AccountId,
    /// The vault that lends it.
    pub vault: VaultId,
    /// Who may draw.
    pub delegatee: Address,
}

/// A signature on an authorisation, as the shell read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who signed the EIP-712 digest over all arguments and the owner's present
    /// [`Ledger::authorisation_nonce`]; zero if it cannot be recovered.
    pub signer: Address,
    /// Until when the signature may be handed in, in seconds since 1970.
    pub deadline: U256,
}

/// Checks a signature of `owner` and uses up the nonce.
fn accept<L: Ledger + ?Sized>(ledger: &mut L, owner: Address, signed: &Signed) -> Result<(), Stop> {
    let Signed { signer, deadline } = *signed;
    if deadline < U256::from(ledger.now().get()) {
        return Err(Error::ExpiredSignature { deadline }.into());
    }
    if signer.is_zero() || signer != owner {
        return Err(Error::InvalidSigner { signer, owner }.into());
    }
    let nonce = ledger.authorisation_nonce(owner)?.checked_add(1).ok_or(Error::Overflow)?;
    ledger.set_authorisation_nonce(owner, nonce)
}

/// Makes signatures of the caller's that were not handed in void: those over nonces below `next`,
/// which becomes the present one.
///
/// # Errors
/// [`Error::InvalidParameter`] unless `next` is above the present nonce by 1 to
/// [`NONCES_VOIDED_MAX`], or a fault of the ledger.
pub fn void_signatures<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    next: u64,
) -> Result<(), Stop> {
    let present = ledger.authorisation_nonce(caller)?;
    let voided = next.saturating_sub(present);
    if voided == 0 || voided > NONCES_VOIDED_MAX {
        return Err(Error::InvalidParameter { name: "nonce", value: next.into() }.into());
    }
    ledger.set_authorisation_nonce(caller, next)?;
    ledger.emit(Event::SignaturesVoided { owner: caller, next })
}

fn check_expiry(now: Timestamp, expires_at: Timestamp) -> Result<(), Error> {
    if expires_at < now {
        let value = expires_at.get().into();
        return Err(Error::InvalidParameter { name: "expiry", value });
    }
    Ok(())
}

fn write_operator<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: &AccountId,
    operator: Address,
    terms: &Operator,
) -> Result<(), Stop> {
    if operator.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    ledger.market(account.market)?;
    let mut terms = *terms;
    if terms.permissions == Permissions::NONE {
        terms = Operator::default();
    } else {
        check_expiry(ledger.now(), terms.expires_at)?;
    }
    ledger.set_operator(account, operator, &terms)?;
    ledger.emit(Event::OperatorChanged { account: *account, operator, terms })
}

/// Says what `operator` may do with one of the caller's accounts, in place of what it was permitted
/// before; without permissions it may do nothing any more.
///
/// # Errors
/// [`Error::ZeroAddress`], [`Error::InvalidParameter`] for an expiry in the past,
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_operator<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (market, sub): (MarketId, u32),
    operator: Address,
    terms: &Operator,
) -> Result<(), Stop> {
    let account = AccountId { market, owner: caller, sub };
    write_operator(ledger, &account, operator, terms)
}

/// As [`set_operator`], by a signature of the account's owner.
///
/// # Errors
/// [`Error::ExpiredSignature`], [`Error::InvalidSigner`], and those of [`set_operator`].
pub fn set_operator_signed<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: &AccountId,
    operator: Address,
    terms: &Operator,
    signed: &Signed,
) -> Result<(), Stop> {
    accept(ledger, account.owner, signed)?;
    write_operator(ledger, account, operator, terms)
}

fn write_credit<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &CreditId,
    credit: &Credit,
) -> Result<(), Stop> {
    if id.delegatee.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    let market = id.account.market;
    ledger.market(market)?.vault_index(market, id.vault)?;
    let mut credit = *credit;
    if credit.limit.is_zero() {
        credit = Credit::default();
    } else {
        check_expiry(ledger.now(), credit.expires_at)?;
    }
    ledger.set_credit(id, &credit)?;
    ledger.emit(Event::CreditDelegated { id: *id, credit })
}

/// Lets a delegatee draw on one of the caller's accounts, in place of what it might draw before; a
/// limit of zero ends that.
///
/// # Errors
/// [`Error::ZeroAddress`], [`Error::NotPermitted`] unless `id` is an account of the caller's,
/// [`Error::InvalidParameter`] for an expiry in the past, [`Error::VaultNotListed`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn delegate_credit<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: &CreditId,
    credit: &Credit,
) -> Result<(), Stop> {
    let owner = id.account.owner;
    if caller != owner {
        let permission = Permission::Borrow;
        return Err(Error::NotPermitted { actor: caller, owner, permission }.into());
    }
    write_credit(ledger, id, credit)
}

/// As [`delegate_credit`], by a signature of the account's owner.
///
/// # Errors
/// [`Error::ExpiredSignature`], [`Error::InvalidSigner`], and those of [`delegate_credit`].
pub fn delegate_credit_signed<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &CreditId,
    credit: &Credit,
    signed: &Signed,
) -> Result<(), Stop> {
    accept(ledger, id.account.owner, signed)?;
    write_credit(ledger, id, credit)
}

/// Checks that `actor` may do that with the account, and says who receives what leaves it: its owner,
/// or the address that the owner named for this operator.
///
/// # Errors
/// [`Error::NotPermitted`], [`Error::AuthorisationExpired`], or a fault of the ledger.
pub fn receiver_for<L: Ledger + ?Sized>(
    ledger: &mut L,
    actor: Address,
    account: &AccountId,
    permission: Permission,
) -> Result<Address, Stop> {
    let owner = account.owner;
    if actor == owner {
        return Ok(owner);
    }
    let Operator { permissions, expires_at, receiver } = ledger.operator(account, actor)?;
    if !permissions.include(permission) {
        return Err(Error::NotPermitted { actor, owner, permission }.into());
    }
    if expires_at < ledger.now() {
        return Err(Error::AuthorisationExpired { expired_at: expires_at }.into());
    }
    Ok(if receiver.is_zero() { owner } else { receiver })
}

/// Draws on a vault for an account that the caller owns or operates; the owner's named receiver gets
/// it.
///
/// # Errors
/// [`Error::NotPermitted`], [`Error::AuthorisationExpired`], and those of [`borrowing::borrow`].
pub fn borrow_for<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    account: &AccountId,
    vault: VaultId,
    amount: Assets,
) -> Result<(), Stop> {
    let receiver = receiver_for(ledger, caller, account, Permission::Borrow)?;
    let AccountId { market, owner, sub } = *account;
    borrowing::borrow(ledger, owner, &Draw { market, sub, vault, amount, receiver })
}

/// Releases collateral of an account that the caller owns or operates, and returns how much; the
/// owner's named receiver gets it.
///
/// # Errors
/// [`Error::NotPermitted`], [`Error::AuthorisationExpired`], and those of
/// [`borrowing::withdraw_collateral`].
pub fn withdraw_collateral_for<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    account: &AccountId,
    asset: AssetId,
    amount: Assets,
) -> Result<Assets, Stop> {
    let receiver = receiver_for(ledger, caller, account, Permission::Release)?;
    let AccountId { market, owner, sub } = *account;
    let release = Release { market, sub, asset, amount, receiver };
    borrowing::withdraw_collateral(ledger, owner, &release)
}

/// Leaves or takes back a stop-loss order on an account that the caller owns or operates.
///
/// # Errors
/// [`Error::NotPermitted`], [`Error::AuthorisationExpired`], and those of
/// [`stop_loss::set_stop_loss`].
pub fn set_stop_loss_for<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    account: &AccountId,
    order: Option<&StopLoss>,
) -> Result<(), Stop> {
    receiver_for(ledger, caller, account, Permission::Manage)?;
    stop_loss::set_stop_loss(ledger, account.owner, (account.market, account.sub), order)
}

/// Draws on the caller's credit with an account of another's, which owes it; the receiver that its
/// owner named gets it, or the caller if none was named.
///
/// # Errors
/// [`Error::InsufficientCredit`], [`Error::AuthorisationExpired`], and those of
/// [`borrowing::borrow`].
pub fn draw_credit<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    account: &AccountId,
    vault: VaultId,
    amount: Assets,
) -> Result<(), Stop> {
    let id = CreditId { account: *account, vault, delegatee: caller };
    let Credit { limit, expires_at, receiver } = ledger.credit(&id)?;
    if amount > limit || limit.is_zero() {
        return Err(Error::InsufficientCredit { delegatee: caller, limit, asked: amount }.into());
    }
    if expires_at < ledger.now() {
        return Err(Error::AuthorisationExpired { expired_at: expires_at }.into());
    }
    let left = limit.sub(amount)?;
    let rest = Credit { limit: left, expires_at, receiver };
    let rest = if left.is_zero() { Credit::default() } else { rest };
    ledger.set_credit(&id, &rest)?;
    let receiver = if receiver.is_zero() { caller } else { receiver };
    let AccountId { market, owner, sub } = *account;
    borrowing::borrow(ledger, owner, &Draw { market, sub, vault, amount, receiver })?;
    ledger.emit(Event::CreditDrawn { id, amount, left })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_bits_with_meaning() {
        for bits in 0..=u8::MAX {
            let permissions = Permissions::new(bits);
            assert_eq!(permissions.is_ok(), bits < 8, "{bits}");
            let Ok(permissions) = permissions else { continue };
            assert_eq!(permissions.include(Permission::Release), bits & 1 == 1);
            assert_eq!(permissions.include(Permission::Borrow), bits & 2 == 2);
            assert_eq!(permissions.include(Permission::Manage), bits & 4 == 4);
        }
    }
}
