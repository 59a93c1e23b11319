//! The token ledger: balances, allowances and permits of assets and vault shares alike.
//!
//! Tokens of this chain move exactly what they say: no fee, no hook, no balance that changes by itself
//! (TOK-1); a rebasing token is a view over one ([`crate::rebasing`]). A native
//! contract moves its caller's own tokens without allowance, since the call is the authorisation;
//! anyone else's only by allowance.

use crate::asset::{Asset, AssetKind};
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::Assets;
use crate::ids::{AssetId, Token};
use crate::ledger::Ledger;
use crate::rebasing;
use alloy_primitives::{Address, U256};

/// Tokens on their way from one holder to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What moves.
    pub token: Token,
    /// Whose tokens.
    pub from: Address,
    /// Who receives them.
    pub to: Address,
    /// Base units.
    pub value: u128,
}

/// A signed allowance (EIP-2612).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Whose tokens.
    pub owner: Address,
    /// Who may move them.
    pub spender: Address,
    /// How many.
    pub value: U256,
    /// Until when the signature is good, in seconds since 1970.
    pub deadline: U256,
}

/// Moves tokens. Moving to oneself changes nothing.
///
/// # Errors
/// [`Error::InvalidReceiver`] for the zero address, [`Error::InsufficientBalance`], or a fault.
pub(crate) fn shift<L: Ledger + ?Sized>(ledger: &mut L, movement: &Movement) -> Result<(), Stop> {
    let Movement { token, from, to, value } = *movement;
    if to.is_zero() {
        return Err(Error::InvalidReceiver { receiver: to }.into());
    }
    let balance = ledger.balance(token, from)?;
    let rest = balance.checked_sub(value).ok_or(Error::InsufficientBalance {
        sender: from,
        balance,
        needed: value,
    })?;
    // With one holder on both sides the second write would undo the first.
    if from != to {
        let received = ledger.balance(token, to)?.checked_add(value).ok_or(Error::Overflow)?;
        ledger.set_balance(token, from, rest)?;
        ledger.set_balance(token, to, received)?;
    }
    ledger.emit(Event::Transfer { token, from, to, value })
}

/// Adds new tokens to a balance; the caller of this keeps the supply.
pub(crate) fn credit<L: Ledger + ?Sized>(
    ledger: &mut L,
    token: Token,
    to: Address,
    value: u128,
) -> Result<(), Stop> {
    if to.is_zero() {
        return Err(Error::InvalidReceiver { receiver: to }.into());
    }
    let balance = ledger.balance(token, to)?.checked_add(value).ok_or(Error::Overflow)?;
    ledger.set_balance(token, to, balance)?;
    ledger.emit(Event::Transfer { token, from: Address::ZERO, to, value })
}

/// Takes tokens out of a balance for good; the caller of this keeps the supply.
pub(crate) fn debit<L: Ledger + ?Sized>(
    ledger: &mut L,
    token: Token,
    from: Address,
    value: u128,
) -> Result<(), Stop> {
    let balance = ledger.balance(token, from)?;
    let rest = balance.checked_sub(value).ok_or(Error::InsufficientBalance {
        sender: from,
        balance,
        needed: value,
    })?;
    ledger.set_balance(token, from, rest)?;
    ledger.emit(Event::Transfer { token, from, to: Address::ZERO, value })
}

/// Uses `value` of what `owner` allowed `spender`; an endless allowance stays endless.
pub(crate) fn spend_allowance<L: Ledger + ?Sized>(
    ledger: &mut L,
    token: Token,
    (owner, spender): (Address, Address),
    value: u128,
) -> Result<(), Stop> {
    let allowance = ledger.allowance(token, owner, spender)?;
    if allowance == U256::MAX {
        return Ok(());
    }
    let rest = allowance.checked_sub(U256::from(value)).ok_or(Error::InsufficientAllowance {
        spender,
        allowance,
        needed: value,
    })?;
    ledger.set_allowance(token, owner, spender, rest)
}

/// Moves the caller's tokens (ERC-20 `transfer`).
///
/// # Errors
/// [`Error::InvalidReceiver`] for the zero address, [`Error::InsufficientBalance`], or a fault.
pub fn transfer<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    token: Token,
    to: Address,
    value: u128,
) -> Result<(), Stop> {
    send(ledger, &Movement { token, from: caller, to, value })
}

/// What an address holds of a token, as the token shows it.
///
/// # Errors
/// [`Error::NotRebasing`], or a fault of the ledger.
pub fn balance_of<L: Ledger + ?Sized>(
    ledger: &mut L,
    token: Token,
    holder: Address,
) -> Result<u128, Stop> {
    let Token::Rebasing(asset) = token else { return ledger.balance(token, holder) };
    let shares = ledger.balance(Token::Asset(asset), holder)?;
    rebasing::pooled(ledger, asset, shares)
}

/// Moves what a token shows: shares, for a rebasing view.
fn send<L: Ledger + ?Sized>(ledger: &mut L, movement: &Movement) -> Result<(), Stop> {
    match movement.token {
        Token::Rebasing(asset) => rebasing::move_pooled(ledger, asset, movement),
        Token::Asset(_) | Token::Share(_) => shift(ledger, movement),
    }
}

/// Moves someone's tokens within what they allowed the caller (ERC-20 `transferFrom`). Moving one's
/// own needs an allowance like anyone else's, as in the widespread implementations.
///
/// # Errors
/// [`Error::InsufficientAllowance`], [`Error::InvalidReceiver`], [`Error::InsufficientBalance`], or
/// a fault of the ledger.
pub fn transfer_from<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    movement: &Movement,
) -> Result<(), Stop> {
    let Movement { token, from, value, .. } = *movement;
    spend_allowance(ledger, token, (from, caller), value)?;
    send(ledger, movement)
}

/// Allows `spender` to move `value` of the caller's tokens (ERC-20 `approve`).
///
/// # Errors
/// [`Error::ZeroAddress`] for a zero spender, or a fault of the ledger.
pub fn approve<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    token: Token,
    spender: Address,
    value: U256,
) -> Result<(), Stop> {
    if spender.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    ledger.set_allowance(token, caller, spender, value)?;
    ledger.emit(Event::Approval { token, owner: caller, spender, value })
}

/// Applies a signed allowance and uses up the owner's nonce. The shell recovers `signer` from the
/// EIP-712 digest over this permit and the present [`Ledger::permit_nonce`]; zero if it cannot.
///
/// # Errors
/// [`Error::ExpiredSignature`], [`Error::InvalidSigner`], [`Error::ZeroAddress`] for a zero
/// spender, or a fault of the ledger.
pub fn permit<L: Ledger + ?Sized>(
    ledger: &mut L,
    token: Token,
    permit: &Permit,
    signer: Address,
) -> Result<(), Stop> {
    let Permit { owner, spender, value, deadline } = *permit;
    if deadline < U256::from(ledger.now().get()) {
        return Err(Error::ExpiredSignature { deadline }.into());
    }
    if signer.is_zero() || signer != owner {
        return Err(Error::InvalidSigner { signer, owner }.into());
    }
    let nonce = ledger.permit_nonce(token, owner)?.checked_add(1).ok_or(Error::Overflow)?;
    ledger.set_permit_nonce(token, owner, nonce)?;
    approve(ledger, owner, token, spender, value)
}

fn issue<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, mut asset): (AssetId, Asset),
    to: Address,
    value: Assets,
) -> Result<(), Stop> {
    asset.supply = asset.supply.add(value)?;
    ledger.set_asset(id, &asset)?;
    credit(ledger, Token::Asset(id), to, value.get())
}

fn destroy<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, mut asset): (AssetId, Asset),
    from: Address,
    value: Assets,
) -> Result<(), Stop> {
    debit(ledger, Token::Asset(id), from, value.get())?;
    asset.supply = asset.supply.sub(value)?;
    ledger.set_asset(id, &asset)
}

/// Mints units of an issued asset; its issuer only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::NotMintable`], [`Error::InvalidReceiver`],
/// [`Error::Overflow`], [`Error::UnknownAsset`], or a fault of the ledger.
pub fn mint<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: AssetId,
    to: Address,
    value: Assets,
) -> Result<(), Stop> {
    let asset = ledger.asset(id)?;
    if asset.kind != AssetKind::Issued {
        return Err(Error::NotMintable { asset: id }.into());
    }
    if asset.issuer != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Issuer }.into());
    }
    issue(ledger, (id, asset), to, value)
}

/// Burns units of an issued asset out of the caller's balance.
///
/// # Errors
/// [`Error::NotMintable`] for the wrapped native coin, which is unwrapped instead;
/// [`Error::InsufficientBalance`], [`Error::UnknownAsset`], or a fault of the ledger.
pub fn burn<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: AssetId,
    value: Assets,
) -> Result<(), Stop> {
    let asset = ledger.asset(id)?;
    if asset.kind != AssetKind::Issued {
        return Err(Error::NotMintable { asset: id }.into());
    }
    destroy(ledger, (id, asset), caller, value)
}

/// Hands the right to mint over; its issuer only. To the zero address: nobody mints any more.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::NotMintable`], [`Error::UnknownAsset`], or a fault.
pub fn set_issuer<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: AssetId,
    issuer: Address,
) -> Result<(), Stop> {
    let mut asset = ledger.asset(id)?;
    if asset.kind != AssetKind::Issued {
        return Err(Error::NotMintable { asset: id }.into());
    }
    if asset.issuer != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Issuer }.into());
    }
    asset.issuer = issuer;
    ledger.set_asset(id, &asset)?;
    ledger.emit(Event::IssuerChanged { asset: id, issuer })
}

/// Mints wrapped coins for native coins that the shell has taken from `account`.
///
/// # Errors
/// [`Error::NotWrapper`], [`Error::Overflow`], [`Error::UnknownAsset`], or a fault of the ledger.
pub fn wrap<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: Address,
    id: AssetId,
    value: Assets,
) -> Result<(), Stop> {
    let asset = ledger.asset(id)?;
    if asset.kind != AssetKind::WrappedNative {
        return Err(Error::NotWrapper { asset: id }.into());
    }
    issue(ledger, (id, asset), account, value)?;
    ledger.emit(Event::Wrapped { asset: id, account, value })
}

/// Burns wrapped coins; the shell then gives `account` as many native coins.
///
/// # Errors
/// [`Error::NotWrapper`], [`Error::InsufficientBalance`], [`Error::UnknownAsset`], or a fault.
pub fn unwrap<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: Address,
    id: AssetId,
    value: Assets,
) -> Result<(), Stop> {
    let asset = ledger.asset(id)?;
    if asset.kind != AssetKind::WrappedNative {
        return Err(Error::NotWrapper { asset: id }.into());
    }
    destroy(ledger, (id, asset), account, value)?;
    ledger.emit(Event::Unwrapped { asset: id, account, value })
}
