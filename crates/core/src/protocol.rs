//! The protocol's own record: who governs it, and how many things there are.

use crate::asset::{Asset, AssetKind, DECIMALS_MAX};
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::Assets;
use crate::ids::{AssetId, NUMBERS_END};
use crate::label::Label;
use crate::ledger::Ledger;
use alloy_primitives::Address;

/// Who governs, and how many of each thing were created; ids are `1..=count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protocol {
    /// May hand over its role, name the guardian, set any market's pause level, freeze any feed, and recognise markets.
    pub governance: Address,
    /// May stop any market or feed for a while ([`crate::guardian`]).
    pub guardian: Address,
    /// How many assets there are.
    pub assets: u32,
    /// How many vaults there are.
    pub vaults: u32,
    /// How many markets there are.
    pub markets: u32,
    /// How many feeds there are.
    pub feeds: u32,
    /// How many factors there are.
    pub factors: u32,
}

/// What an asset is created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetTerms {
    /// What it is called.
    pub name: Label,
    /// What it is called in short.
    pub symbol: Label,
    /// A whole token is `10^decimals` base units; at most [`DECIMALS_MAX`].
    pub decimals: u8,
}

/// The number of the next asset or vault.
pub(crate) fn next_number(count: u32) -> Result<u32, Error> {
    count.checked_add(1).filter(|number| *number < NUMBERS_END).ok_or(Error::Overflow)
}

fn add_asset<L: Ledger + ?Sized>(
    ledger: &mut L,
    issuer: Address,
    terms: &AssetTerms,
    kind: AssetKind,
) -> Result<AssetId, Stop> {
    let AssetTerms { name, symbol, decimals } = *terms;
    if decimals > DECIMALS_MAX {
        return Err(Error::InvalidParameter { name: "decimals", value: decimals.into() }.into());
    }
    let mut protocol = ledger.protocol()?;
    protocol.assets = next_number(protocol.assets)?;
    let id = AssetId::new(protocol.assets);
    let asset = Asset { name, symbol, decimals, issuer, kind, supply: Assets::ZERO };
    ledger.set_protocol(&protocol)?;
    ledger.set_asset(id, &asset)?;
    ledger.emit(Event::AssetCreated { asset: id, issuer, name, symbol, decimals })?;
    Ok(id)
}

/// Creates an asset whose issuer is `caller`.
///
/// # Errors
/// [`Error::InvalidParameter`] for too many decimals, or a fault of the ledger.
pub fn create_asset<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    terms: &AssetTerms,
) -> Result<AssetId, Stop> {
    add_asset(ledger, caller, terms, AssetKind::Issued)
}

/// Creates the asset that wraps the native coin; for genesis only.
///
/// # Errors
/// [`Error::InvalidParameter`] for too many decimals, or a fault of the ledger.
pub fn create_wrapped_native<L: Ledger + ?Sized>(
    ledger: &mut L,
    terms: &AssetTerms,
) -> Result<AssetId, Stop> {
    add_asset(ledger, Address::ZERO, terms, AssetKind::WrappedNative)
}

/// The protocol's record, if `caller` governs.
pub(crate) fn governed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
) -> Result<Protocol, Stop> {
    let protocol = ledger.protocol()?;
    if protocol.governance != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Governance }.into());
    }
    Ok(protocol)
}

/// Hands governance over; governance only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::ZeroAddress`], or a fault of the ledger.
pub fn set_governance<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    governance: Address,
) -> Result<(), Stop> {
    let mut protocol = governed(ledger, caller)?;
    if governance.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    protocol.governance = governance;
    ledger.set_protocol(&protocol)?;
    ledger.emit(Event::GovernanceChanged { governance })
}

/// Names the guardian; governance only. The zero address names none.
///
/// # Errors
/// [`Error::NotAuthorised`], or a fault of the ledger.
pub fn set_guardian<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    guardian: Address,
) -> Result<(), Stop> {
    let mut protocol = governed(ledger, caller)?;
    protocol.guardian = guardian;
    ledger.set_protocol(&protocol)?;
    ledger.emit(Event::GuardianChanged { guardian })
}
