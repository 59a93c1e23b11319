//! What a vault's curator allows of each exposure, and what there is of it.

use super::{behind_assets, behind_collateral};
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{AMOUNT_MAX, Assets, Bps};
use crate::ids::{AccountId, AssetId, ExposureCapId, FactorId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::vault::Accrued;
use alloc::vec::Vec;
use alloy_primitives::Address;

/// Most factors that one vault caps.
pub const FACTOR_CAPS_MAX: usize = 32;

fn check<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    vault: VaultId,
    cap: Option<Assets>,
) -> Result<(), Stop> {
    if ledger.vault(vault)?.curator != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Curator }.into());
    }
    match cap {
        Some(cap) if cap > AMOUNT_MAX => {
            Err(Error::InvalidParameter { name: "exposure cap", value: cap.get() }.into())
        }
        _ => Ok(()),
    }
}

/// Caps what a vault lends, over all its lines, against assets that have a factor; `None` ends the cap.
/// Its curator only. A cap below what there is stops growth and nothing else.
///
/// All lines of the vault are tracked from the first cap on; debt from before counts in full until its
/// account acts or is refreshed.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownFactor`],
/// [`Error::TooManyFactorCaps`], [`Error::UnknownVault`], or a fault of the ledger.
pub fn set_factor_cap<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    vault: VaultId,
    factor: FactorId,
    cap: Option<Assets>,
) -> Result<(), Stop> {
    check(ledger, caller, vault, cap)?;
    ledger.factor(factor)?;
    let mut capped = ledger.capped_factors(vault)?;
    let is_listed = capped.contains(&factor);
    match cap {
        Some(_) if !is_listed => {
            if capped.len() >= FACTOR_CAPS_MAX {
                let most = u8::try_from(FACTOR_CAPS_MAX).unwrap_or(u8::MAX);
                return Err(Error::TooManyFactorCaps { vault, most }.into());
            }
            capped.push(factor);
            ledger.set_capped_factors(vault, &capped)?;
            for market in ledger.vault_lines(vault)? {
                track(ledger, (market, vault))?;
            }
        }
        None if is_listed => {
            capped.retain(|other| *other != factor);
            ledger.set_capped_factors(vault, &capped)?;
        }
        _ => {}
    }
    ledger.set_exposure_cap(ExposureCapId::Factor(vault, factor), cap)?;
    ledger.emit(Event::FactorCapChanged { vault, factor, cap })
}

/// Caps what a vault lends through its line to a market against one collateral: its isolation ceiling;
/// `None` ends it. The vault's curator only. A ceiling below what there is stops growth and nothing
/// else; the line is tracked from its first one on.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::VaultNotListed`],
/// [`Error::CollateralNotListed`], [`Error::UnknownVault`], or a fault of the ledger.
pub fn set_ceiling<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (market, vault): (MarketId, VaultId),
    asset: AssetId,
    cap: Option<Assets>,
) -> Result<(), Stop> {
    check(ledger, caller, vault, cap)?;
    ledger.collateral(market, asset)?;
    if cap.is_some() {
        track(ledger, (market, vault))?;
    } else {
        ledger.line(market, vault)?;
    }
    ledger.set_exposure_cap(ExposureCapId::Collateral(market, vault, asset), cap)?;
    ledger.emit(Event::CeilingChanged { vault, market, asset, cap })
}

fn track<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, vault): (MarketId, VaultId),
) -> Result<(), Stop> {
    let mut line = ledger.line(market, vault)?;
    if line.tracked {
        return Ok(());
    }
    line.tracked = true;
    ledger.set_line(market, vault, &line)
}

/// Whether a line that a vault opens now is tracked from its start: if it caps any factor.
pub(crate) fn track_new_line<L: Ledger + ?Sized>(
    ledger: &mut L,
    vault: VaultId,
) -> Result<bool, Stop> {
    Ok(!ledger.capped_factors(vault)?.is_empty())
}

/// How much of a vault's debt something backs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// In units of the vault's asset, interest included, rounded up; what is not tracked counts in full.
    pub amount: Assets,
    /// What of it is not tracked.
    pub untracked: Assets,
    /// The most that may be; `None` without a cap.
    pub cap: Option<Assets>,
}

/// How much of a vault's debt assets with a factor back, over all lines.
///
/// # Errors
/// [`Error::UnknownVault`], [`Error::UnknownFactor`], or a fault of the ledger.
pub fn exposure_to_factor<L: Ledger + ?Sized>(
    ledger: &mut L,
    vault: VaultId,
    factor: FactorId,
) -> Result<Exposure, Stop> {
    let accrued = Accrued::load(ledger, vault)?;
    ledger.factor(factor)?;
    let assets = ledger.factor_assets(factor)?;
    let (debt, untracked) = behind_assets(ledger, vault, &accrued, &assets)?;
    let cap = ledger.exposure_cap(ExposureCapId::Factor(vault, factor))?;
    Ok(Exposure { amount: accrued.debt_of(debt), untracked: accrued.debt_of(untracked), cap })
}

/// How much of the debt through a vault's line to a market one collateral backs.
///
/// # Errors
/// [`Error::VaultNotListed`], [`Error::CollateralNotListed`], [`Error::UnknownVault`], or a fault.
pub fn exposure_to_collateral<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, vault): (MarketId, VaultId),
    asset: AssetId,
) -> Result<Exposure, Stop> {
    let accrued = Accrued::load(ledger, vault)?;
    ledger.collateral(market, asset)?;
    let (debt, untracked) = behind_collateral(ledger, (market, vault), asset)?;
    let cap = ledger.exposure_cap(ExposureCapId::Collateral(market, vault, asset))?;
    Ok(Exposure { amount: accrued.debt_of(debt), untracked: accrued.debt_of(untracked), cap })
}

/// What backs an account's tracked debts, as they were last attributed: parts of each in basis points.
/// Empty if none is tracked.
///
/// # Errors
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn backing<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
) -> Result<Vec<(AssetId, Bps)>, Stop> {
    let listed = ledger.market(id.market)?.collaterals;
    let backing = ledger.account(id)?.backing;
    let named = backing
        .into_iter()
        .filter_map(|entry| Some((*listed.get(usize::from(entry.index))?, entry.part)));
    Ok(named.collect())
}
