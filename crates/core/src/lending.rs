//! The lenders' side of a vault: ERC-4626.
//!
//! Previews return what the operation would in the same state, whatever caps, pauses or cash say;
//! the `max_*` functions tell what would pass.

use crate::address;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::{Assets, Shares};
use crate::ids::{Token, VaultId};
use crate::ledger::Ledger;
use crate::token::{Movement, credit, debit, shift, spend_allowance};
use crate::vault::Accrued;
use alloy_primitives::Address;

/// Whose shares are given up, and who receives the assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Who receives the assets.
    pub receiver: Address,
    /// Whose shares are burned; if not the caller's, within what the owner allowed.
    pub owner: Address,
}

/// Assets against shares, in either direction.
#[derive(Clone, Copy)]
struct Exchange {
    assets: Assets,
    shares: Shares,
}

impl Accrued {
    /// What may be deposited now; a deposit of it passes.
    #[must_use]
    pub fn max_deposit(&self) -> Assets {
        let vault = self.record();
        if vault.paused || self.is_wiped_out() {
            return Assets::ZERO;
        }
        let room = vault.supply_cap.saturating_sub(self.total_assets());
        // Shares are counted in 128 bits as well.
        let countable = Shares::MAX.saturating_sub(vault.shares);
        let most = self.pool().assets_to_pay(countable).map_or(room, |most| room.min(most));
        match self.pool().shares_to_mint(most) {
            Ok(shares) if !shares.is_zero() => most,
            _ => Assets::ZERO,
        }
    }

    /// What may be minted now; minting it passes.
    #[must_use]
    pub fn max_mint(&self) -> Shares {
        self.pool().shares_to_mint(self.max_deposit()).unwrap_or_default()
    }

    /// What a holder of `shares` may withdraw now; withdrawing it passes.
    #[must_use]
    pub fn max_withdraw(&self, shares: Shares) -> Assets {
        self.pool().assets_to_pay(shares).unwrap_or_default().min(self.record().cash)
    }

    /// What a holder of `shares` may redeem now; redeeming it passes.
    #[must_use]
    pub fn max_redeem(&self, shares: Shares) -> Shares {
        if self.is_wiped_out() {
            return shares;
        }
        let cash = self.record().cash;
        match self.pool().assets_to_pay(shares) {
            Ok(worth) if worth.is_zero() => Shares::ZERO,
            Ok(worth) if worth <= cash => shares,
            _ if cash.is_zero() => Shares::ZERO,
            _ => {
                // The last of these may be worth more than a unit, and more than the cash.
                let most = self.pool().shares_to_burn(cash).unwrap_or_default().min(shares);
                let worth = self.pool().assets_to_pay(most).unwrap_or(Assets::MAX);
                if worth > cash { most.saturating_sub(Shares::new(1)) } else { most }
            }
        }
    }
}

/// Takes in assets against new shares and writes the vault.
fn enter<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    mut vault: Accrued,
    exchange: Exchange,
    (sender, owner): (Address, Address),
) -> Result<(), Stop> {
    let Exchange { assets, shares } = exchange;
    let record = vault.record_mut();
    record.cash = record.cash.add(assets)?;
    record.shares = record.shares.add(shares)?;
    let token = Token::Asset(record.asset);
    let to = address::custody(id);
    shift(ledger, &Movement { token, from: sender, to, value: assets.get() })?;
    credit(ledger, Token::Share(id), owner, shares.get())?;
    vault.store(ledger, id)?;
    ledger.emit(Event::Deposit { vault: id, sender, owner, assets, shares })
}

/// Pays out assets for shares and writes the vault.
fn leave<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    mut vault: Accrued,
    exchange: Exchange,
    (sender, exit): (Address, Exit),
) -> Result<(), Stop> {
    let Exchange { assets, shares } = exchange;
    let Exit { receiver, owner } = exit;
    if sender != owner {
        spend_allowance(ledger, Token::Share(id), (owner, sender), shares.get())?;
    }
    let record = vault.record_mut();
    let cash = record.cash;
    if cash < assets {
        return Err(Error::Illiquid { cash, asked: assets }.into());
    }
    record.cash = cash.sub(assets)?;
    record.shares = record.shares.sub(shares)?;
    let token = Token::Asset(record.asset);
    let from = address::custody(id);
    debit(ledger, Token::Share(id), owner, shares.get())?;
    shift(ledger, &Movement { token, from, to: receiver, value: assets.get() })?;
    vault.store(ledger, id)?;
    ledger.emit(Event::Withdraw { vault: id, sender, receiver, owner, assets, shares })
}

fn check_open(vault: &Accrued, id: VaultId) -> Result<(), Error> {
    if vault.record().paused {
        return Err(Error::VaultPaused { vault: id });
    }
    if vault.is_wiped_out() {
        return Err(Error::VaultWipedOut { vault: id });
    }
    Ok(())
}

/// Deposits exactly `assets` of the caller's for `receiver` and returns the shares minted, rounded
/// down.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::VaultPaused`], [`Error::VaultWipedOut`],
/// [`Error::ExceededMaxDeposit`], [`Error::ZeroShares`], [`Error::InsufficientBalance`],
/// [`Error::InvalidReceiver`], [`Error::UnknownVault`], or a fault of the ledger.
pub fn deposit<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    assets: Assets,
    receiver: Address,
) -> Result<Shares, Stop> {
    if assets.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let vault = Accrued::load(ledger, id)?;
    check_open(&vault, id)?;
    if assets > vault.record().supply_cap.saturating_sub(vault.total_assets()) {
        let most = vault.max_deposit();
        return Err(Error::ExceededMaxDeposit { receiver, assets, most }.into());
    }
    let shares = vault.pool().shares_to_mint(assets)?;
    if shares.is_zero() {
        return Err(Error::ZeroShares { assets }.into());
    }
    enter(ledger, id, vault, Exchange { assets, shares }, (caller, receiver))?;
    Ok(shares)
}

/// Mints exactly `shares` for `receiver` and returns the assets taken from the caller, rounded up.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::VaultPaused`], [`Error::VaultWipedOut`],
/// [`Error::ExceededMaxMint`], [`Error::InsufficientBalance`], [`Error::InvalidReceiver`],
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn mint<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    shares: Shares,
    receiver: Address,
) -> Result<Assets, Stop> {
    if shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let vault = Accrued::load(ledger, id)?;
    check_open(&vault, id)?;
    let assets = vault.pool().assets_to_collect(shares)?;
    if assets > vault.record().supply_cap.saturating_sub(vault.total_assets()) {
        let most = vault.max_mint();
        return Err(Error::ExceededMaxMint { receiver, shares, most }.into());
    }
    enter(ledger, id, vault, Exchange { assets, shares }, (caller, receiver))?;
    Ok(assets)
}

/// Withdraws exactly `assets` and returns the shares burned, rounded up.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::Illiquid`], [`Error::ExceededMaxWithdraw`],
/// [`Error::InsufficientAllowance`], [`Error::InvalidReceiver`], [`Error::UnknownVault`], or a
/// fault of the ledger.
pub fn withdraw<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    assets: Assets,
    exit: Exit,
) -> Result<Shares, Stop> {
    if assets.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let vault = Accrued::load(ledger, id)?;
    let cash = vault.record().cash;
    if cash < assets {
        return Err(Error::Illiquid { cash, asked: assets }.into());
    }
    let shares = vault.pool().shares_to_burn(assets)?;
    let owner = exit.owner;
    let held = Shares::new(ledger.balance(Token::Share(id), owner)?);
    if shares > held {
        let most = vault.max_withdraw(held);
        return Err(Error::ExceededMaxWithdraw { owner, assets, most }.into());
    }
    leave(ledger, id, vault, Exchange { assets, shares }, (caller, exit))?;
    Ok(shares)
}

/// Redeems exactly `shares` and returns the assets paid, rounded down.
///
/// Shares that are worth nothing are refused, except in a vault that lost everything: there they
/// can be given up, so that the vault may start anew.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::Illiquid`], [`Error::ExceededMaxRedeem`],
/// [`Error::InsufficientAllowance`], [`Error::InvalidReceiver`], [`Error::UnknownVault`], or a
/// fault of the ledger.
pub fn redeem<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: VaultId,
    shares: Shares,
    exit: Exit,
) -> Result<Assets, Stop> {
    if shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let vault = Accrued::load(ledger, id)?;
    let owner = exit.owner;
    let held = Shares::new(ledger.balance(Token::Share(id), owner)?);
    if shares > held {
        let most = vault.max_redeem(held);
        return Err(Error::ExceededMaxRedeem { owner, shares, most }.into());
    }
    let assets = vault.pool().assets_to_pay(shares)?;
    if assets.is_zero() && !vault.is_wiped_out() {
        return Err(Error::ZeroAmount.into());
    }
    leave(ledger, id, vault, Exchange { assets, shares }, (caller, exit))?;
    Ok(assets)
}

/// Counts a vault's interest up to now and writes it. Anyone may; every operation does it anyway.
///
/// # Errors
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn accrue<L: Ledger + ?Sized>(ledger: &mut L, id: VaultId) -> Result<(), Stop> {
    Accrued::load(ledger, id)?.store(ledger, id)
}

/// The shares that a deposit of `assets` would mint; also ERC-4626's `convertToShares`.
///
/// # Errors
/// [`Error::UnknownVault`], [`Error::Overflow`], or a fault of the ledger.
pub fn preview_deposit<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    assets: Assets,
) -> Result<Shares, Stop> {
    Ok(Accrued::load(ledger, id)?.pool().shares_to_mint(assets)?)
}

/// The assets that minting `shares` would take.
///
/// # Errors
/// [`Error::UnknownVault`], [`Error::Overflow`], or a fault of the ledger.
pub fn preview_mint<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    shares: Shares,
) -> Result<Assets, Stop> {
    Ok(Accrued::load(ledger, id)?.pool().assets_to_collect(shares)?)
}

/// The shares that a withdrawal of `assets` would burn.
///
/// # Errors
/// [`Error::UnknownVault`], [`Error::Overflow`], or a fault of the ledger.
pub fn preview_withdraw<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    assets: Assets,
) -> Result<Shares, Stop> {
    Ok(Accrued::load(ledger, id)?.pool().shares_to_burn(assets)?)
}

/// The assets that redeeming `shares` would pay; also ERC-4626's `convertToAssets`.
///
/// # Errors
/// [`Error::UnknownVault`], [`Error::Overflow`], or a fault of the ledger.
pub fn preview_redeem<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    shares: Shares,
) -> Result<Assets, Stop> {
    Ok(Accrued::load(ledger, id)?.pool().assets_to_pay(shares)?)
}

/// What may be deposited now, by anyone for anyone.
///
/// # Errors
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn max_deposit<L: Ledger + ?Sized>(ledger: &mut L, id: VaultId) -> Result<Assets, Stop> {
    Ok(Accrued::load(ledger, id)?.max_deposit())
}

/// What may be minted now, by anyone for anyone.
///
/// # Errors
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn max_mint<L: Ledger + ?Sized>(ledger: &mut L, id: VaultId) -> Result<Shares, Stop> {
    Ok(Accrued::load(ledger, id)?.max_mint())
}

/// What `owner` may withdraw now.
///
/// # Errors
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn max_withdraw<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    owner: Address,
) -> Result<Assets, Stop> {
    let held = Shares::new(ledger.balance(Token::Share(id), owner)?);
    Ok(Accrued::load(ledger, id)?.max_withdraw(held))
}

/// What `owner` may redeem now.
///
/// # Errors
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn max_redeem<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    owner: Address,
) -> Result<Shares, Stop> {
    let held = Shares::new(ledger.balance(Token::Share(id), owner)?);
    Ok(Accrued::load(ledger, id)?.max_redeem(held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::tests::any_vault;
    use proptest::prelude::*;

    proptest! {
        /// What a holder may redeem at most is worth no more than the cash, and one share more is worth no less.
        #[test]
        fn the_most_that_is_redeemed_is_what_the_cash_pays(
            vault in any_vault(), held in prop_oneof![0_u128..4, 0_u128..1 << 100],
        ) {
            let vault = vault.accrue(vault.updated_at);
            let (held, cash) = (Shares::new(held), vault.record().cash);
            let worth = |shares| vault.pool().assets_to_pay(shares).unwrap_or(Assets::MAX);
            prop_assume!(!vault.is_wiped_out() && !worth(held).is_zero());
            let most = vault.max_redeem(held);
            prop_assert!(most <= held && worth(most) <= cash);
            prop_assert!(most == held || worth(most.add(Shares::new(1))?) >= cash);
        }
    }
}
