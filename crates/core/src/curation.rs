//! What a vault's curator decides. Anyone may create a vault and is its first curator.

use crate::address;
use crate::backing;
use crate::debt::Debt;
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::exposure::track_new_line;
use crate::fixed::{AMOUNT_MAX, Assets, Bps, Ray, Shares};
use crate::ids::{AssetId, MarketId, Token, VaultId};
use crate::interest::InterestModel;
use crate::label::Label;
use crate::ledger::Ledger;
use crate::market::{LINES_MAX, PauseLevel};
use crate::pause::check_pause;
use crate::protocol::next_number;
use crate::shares::VIRTUAL_DECIMALS;
use crate::token::{Movement, shift};
use crate::vault::{Accrued, Vault};
use alloy_primitives::Address;

/// The largest share of interest that may go to the reserves: 50 %.
pub const RESERVE_FEE_MAX: Bps = Bps::new(5_000);

/// What a vault's shares are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// In full.
    pub name: Label,
    /// In short.
    pub symbol: Label,
}

/// How much a vault takes in and lends out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// What lenders may own at most, when one deposits; at most [`AMOUNT_MAX`].
    pub supply: Assets,
    /// What may be owed at most, when one borrows; at most [`AMOUNT_MAX`].
    pub borrow: Assets,
}

/// What a vault starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultTerms {
    /// The share of interest that goes to the reserves; at most [`RESERVE_FEE_MAX`].
    pub reserve_fee: Bps,
    /// How much it takes in and lends out.
    pub caps: Caps,
    /// How the borrow rate follows utilisation.
    pub model: InterestModel,
}

impl Caps {
    fn check(&self) -> Result<(), Error> {
        for (name, cap) in [("supply cap", self.supply), ("borrow cap", self.borrow)] {
            if cap > AMOUNT_MAX {
                return Err(Error::InvalidParameter { name, value: cap.get() });
            }
        }
        Ok(())
    }
}

fn check_fee(fee: Bps) -> Result<(), Error> {
    if fee > RESERVE_FEE_MAX {
        return Err(Error::InvalidParameter { name: "reserve fee", value: fee.get().into() });
    }
    Ok(())
}

/// Creates a vault for `asset` with `caller` as its curator.
///
/// # Errors
/// [`Error::UnknownAsset`], [`Error::InvalidParameter`], or a fault of the ledger.
pub fn create_vault<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    asset: AssetId,
    naming: Naming,
    terms: &VaultTerms,
) -> Result<VaultId, Stop> {
    let decimals = ledger.asset(asset)?.decimals.saturating_add(VIRTUAL_DECIMALS);
    check_fee(terms.reserve_fee)?;
    terms.caps.check()?;
    terms.model.check()?;
    let mut protocol = ledger.protocol()?;
    protocol.vaults = next_number(protocol.vaults)?;
    let id = VaultId::new(protocol.vaults);
    let Naming { name, symbol } = naming;
    let vault = Vault {
        asset,
        decimals,
        name,
        symbol,
        curator: caller,
        cash: Assets::ZERO,
        shares: Shares::ZERO,
        owed: Debt::ZERO,
        index: Ray::ONE,
        reserves: Assets::ZERO,
        losses: Assets::ZERO,
        updated_at: ledger.now(),
        reserve_fee: terms.reserve_fee,
        supply_cap: terms.caps.supply,
        borrow_cap: terms.caps.borrow,
        paused: false,
        exits_waiting: false,
        model: terms.model,
    };
    ledger.set_protocol(&protocol)?;
    ledger.set_vault(id, &vault)?;
    ledger.emit(Event::VaultCreated { vault: id, asset, curator: caller, name, symbol })?;
    Ok(id)
}

/// The vault, accrued, if `caller` curates it.
fn curated<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
) -> Result<Accrued, Stop> {
    let vault = Accrued::load(ledger, id)?;
    if vault.record().curator != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Curator }.into());
    }
    Ok(vault)
}

/// Hands the vault over; its curator only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::ZeroAddress`], [`Error::UnknownVault`], or a fault.
pub fn set_curator<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    curator: Address,
) -> Result<(), Stop> {
    let mut vault = curated(ledger, caller, id)?;
    if curator.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    vault.record_mut().curator = curator;
    vault.store(ledger, id)?;
    ledger.emit(Event::CuratorChanged { vault: id, curator })
}

/// Sets the share of interest that goes to the reserves from now on; the curator only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownVault`], or a fault.
pub fn set_reserve_fee<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    reserve_fee: Bps,
) -> Result<(), Stop> {
    let mut vault = curated(ledger, caller, id)?;
    check_fee(reserve_fee)?;
    vault.record_mut().reserve_fee = reserve_fee;
    vault.store(ledger, id)?;
    ledger.emit(Event::ReserveFeeChanged { vault: id, reserve_fee })
}

/// Sets how much the vault takes in and lends out; the curator only. A cap below what there is
/// stops growth and nothing else.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownVault`], or a fault.
pub fn set_caps<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    caps: Caps,
) -> Result<(), Stop> {
    let mut vault = curated(ledger, caller, id)?;
    caps.check()?;
    let Caps { supply: supply_cap, borrow: borrow_cap } = caps;
    vault.record_mut().supply_cap = supply_cap;
    vault.record_mut().borrow_cap = borrow_cap;
    vault.store(ledger, id)?;
    ledger.emit(Event::CapsChanged { vault: id, supply_cap, borrow_cap })
}

/// Sets the interest model from now on; the curator only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownVault`], or a fault.
pub fn set_model<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    model: InterestModel,
) -> Result<(), Stop> {
    let mut vault = curated(ledger, caller, id)?;
    model.check()?;
    vault.record_mut().model = model;
    vault.store(ledger, id)?;
    ledger.emit(Event::RatesChanged { vault: id, rates: model })
}

fn set_paused<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, mut vault): (VaultId, Accrued),
    paused: bool,
) -> Result<(), Stop> {
    vault.record_mut().paused = paused;
    vault.store(ledger, id)?;
    ledger.emit(Event::VaultPauseChanged { vault: id, paused })
}

/// Stops deposits and new debt; the curator only. Withdrawal and repayment go on.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownVault`], or a fault of the ledger.
pub fn pause_vault<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
) -> Result<(), Stop> {
    let vault = curated(ledger, caller, id)?;
    set_paused(ledger, (id, vault), true)
}

/// Lets deposits and new debt go on; the curator only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownVault`], or a fault of the ledger.
pub fn resume_vault<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
) -> Result<(), Stop> {
    let vault = curated(ledger, caller, id)?;
    set_paused(ledger, (id, vault), false)
}

/// Keeps the list of the vault's lines, and returns whether it has a new one. It is the curator who lists one, by opening it: listing a
/// vault in a market is anyone's right, and would let anyone fill the list.
fn note_line<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    market: MarketId,
    is_open: bool,
) -> Result<bool, Stop> {
    let mut lines = ledger.vault_lines(id)?;
    match lines.iter().position(|listed| *listed == market) {
        None if is_open => {
            if lines.len() >= LINES_MAX {
                let most = u8::try_from(LINES_MAX).unwrap_or(u8::MAX);
                return Err(Error::TooManyLines { vault: id, most }.into());
            }
            lines.push(market);
        }
        Some(place) if !is_open => drop(lines.remove(place)),
        _ => return Ok(false),
    }
    ledger.set_vault_lines(id, &lines)?;
    Ok(is_open)
}

/// Sets what `market` may draw on the vault at most; the curator only, and only after the market's
/// owner listed the vault: a line takes both. A market that stands still to any degree is given no
/// more, neither by its curator nor by whoever allocates in the curator's name.
///
/// Does not accrue: nothing that interest depends on changes.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::VaultNotListed`], [`Error::InvalidParameter`],
/// [`Error::MarketPaused`] for a higher cap, [`Error::TooManyLines`], [`Error::CircularBacking`] and
/// [`Error::TooManyVaultsBehind`] when the line opens ([`crate::backing`]), [`Error::UnknownVault`], or a fault of the ledger.
pub fn set_line_cap<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    market: MarketId,
    cap: Assets,
) -> Result<(), Stop> {
    if ledger.vault(id)?.curator != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Curator }.into());
    }
    if cap > AMOUNT_MAX {
        return Err(Error::InvalidParameter { name: "line cap", value: cap.get() }.into());
    }
    let mut line = ledger.line(market, id)?;
    if cap > line.cap {
        let rules = ledger.market(market)?;
        check_pause((market, &rules), ledger.now(), PauseLevel::Open)?;
    } else {
        ledger.market(market)?;
    }
    if !cap.is_zero() && !backing::is_open(&line) {
        backing::check_line(ledger, market, id)?;
    }
    let is_new = note_line(ledger, id, market, !cap.is_zero() || !line.owed.is_zero())?;
    if is_new && !line.tracked {
        line.tracked = track_new_line(ledger, id)?;
    }
    line.cap = cap;
    ledger.set_line(market, id, &line)?;
    ledger.emit(Event::LineCapChanged { vault: id, market, cap })
}

/// Pays out reserves; the curator only. What lenders own stays the same.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::ZeroAmount`], [`Error::ReservesTooLow`],
/// [`Error::Illiquid`], [`Error::InvalidReceiver`], [`Error::UnknownVault`], or a fault.
pub fn collect_reserves<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    to: Address,
    assets: Assets,
) -> Result<(), Stop> {
    let mut vault = curated(ledger, caller, id)?;
    if assets.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let Vault { asset, cash, reserves, .. } = *vault.record();
    if reserves < assets {
        return Err(Error::ReservesTooLow { reserves, asked: assets }.into());
    }
    if cash < assets {
        return Err(Error::Illiquid { cash, asked: assets }.into());
    }
    vault.record_mut().reserves = reserves.sub(assets)?;
    vault.record_mut().cash = cash.sub(assets)?;
    let from = address::custody(id);
    shift(ledger, &Movement { token: Token::Asset(asset), from, to, value: assets.get() })?;
    vault.store(ledger, id)?;
    ledger.emit(Event::ReservesCollected { vault: id, to, assets })
}
