//! The borrowers' side: collateral in and out, debt up and down.
//!
//! Supplying collateral and repaying need no price and work for anyone's account; they and the
//! release of collateral without debt go on when feeds are silent (HLT-6).

use crate::address;
use crate::debt::Debt;
use crate::error::{Cap, Error, Fault, Stop};
use crate::event::Event;
use crate::exposure::{store_account, store_supplied};
use crate::first_loss::Settled;
use crate::fixed::{Assets, Bps};
use crate::groups;
use crate::ids::{AccountId, AssetId, MarketId, Token, VaultId};
use crate::ledger::Ledger;
use crate::margin::{Known, Position, Prices};
use crate::market::{Line, PauseLevel};
use crate::meter;
use crate::pause::check_pause;
use crate::token::{Movement, shift};
use crate::vault::Accrued;
use alloy_primitives::Address;

/// Collateral to release from one of the caller's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The market.
    pub market: MarketId,
    /// Which of the caller's accounts.
    pub sub: u32,
    /// What to release.
    pub asset: AssetId,
    /// How much; the largest number releases all.
    pub amount: Assets,
    /// Who receives it.
    pub receiver: Address,
}

/// Debt to draw on one of the caller's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The market.
    pub market: MarketId,
    /// Which of the caller's accounts.
    pub sub: u32,
    /// On which vault.
    pub vault: VaultId,
    /// How much.
    pub amount: Assets,
    /// Who receives it.
    pub receiver: Address,
}

/// Pledges the caller's tokens for an account, one's own or anyone's.
///
/// No pause stops it, so that an account in danger can always be helped (GOV-4).
///
/// Accrues nothing: no debt changes, and health only rises. Tracked debts are attributed anew if prices
/// are fresh ([`crate::exposure`]).
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::ZeroAddress`] for an account of nobody,
/// [`Error::CollateralNotListed`], [`Error::CapExceeded`],
/// [`Error::FactorCapExceeded`] and [`Error::CeilingExceeded`] for collateral that the account does not
/// need, [`Error::InsufficientBalance`], [`Error::UnknownMarket`]; [`Error::Overflow`] for an amount
/// that does not fit into 128 bits with all that is pledged; or a fault of the ledger.
pub fn supply_collateral<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: &AccountId,
    asset: AssetId,
    amount: Assets,
) -> Result<(), Stop> {
    if amount.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    if id.owner.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    let market = ledger.market(id.market)?;
    let index = market.collateral_index(id.market, asset)?;
    let mut collateral = ledger.collateral(id.market, asset)?;
    let would = collateral.total.add(amount)?;
    if would > collateral.cap {
        let most = collateral.cap;
        return Err(Error::CapExceeded { cap: Cap::Collateral, most, would }.into());
    }
    let mut account = ledger.account(id)?;
    account.set_collateral(index, account.collateral(index).add(amount)?);
    collateral.total = would;
    let to = address::market_custody();
    let token = Token::of(asset);
    shift(ledger, &Movement { token, from: caller, to, value: amount.get() })?;
    ledger.set_collateral(id.market, asset, &collateral)?;
    store_supplied(ledger, (id, &market), &mut account, (index, amount, &collateral))?;
    ledger.emit(Event::CollateralSupplied { account: *id, asset, payer: caller, amount })
}

/// Releases collateral of one of the caller's accounts and returns how much. With debt left, the
/// market must be open, all prices fresh, and the debt within the borrow limit afterwards; the account
/// is on the newest terms then.
///
/// # Errors
/// [`Error::ZeroAmount`] also if all of nothing is asked for, [`Error::InsufficientCollateral`],
/// [`Error::MarketPaused`], [`Error::AboveLimit`], [`Error::FactorCapExceeded`] and
/// [`Error::CeilingExceeded`] for what backs the debt instead, [`Error::StalePrice`],
/// [`Error::PriceOutOfBounds`], [`Error::CollateralNotListed`], [`Error::InvalidReceiver`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn withdraw_collateral<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    release: &Release,
) -> Result<Assets, Stop> {
    let Release { market: market_id, sub, asset, amount, receiver } = *release;
    let id = AccountId { market: market_id, owner: caller, sub };
    let market = ledger.market(market_id)?;
    let index = market.collateral_index(market_id, asset)?;
    let mut account = ledger.account(&id)?;
    let pledged = account.collateral(index);
    let amount = if amount == Assets::MAX { pledged } else { amount };
    if amount.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    if amount > pledged {
        return Err(Error::InsufficientCollateral { pledged, asked: amount }.into());
    }
    let mut collateral = ledger.collateral(market_id, asset)?;
    collateral.total = collateral.total.sub(amount)?;
    account.set_collateral(index, pledged.sub(amount)?);
    if account.has_debt() {
        check_pause((market_id, &market), ledger.now(), PauseLevel::Open)?;
        account.terms_version = market.terms_version;
        let known = Known { collateral: Some((index, &collateral)), ..Known::default() };
        let mut position =
            Position::load_with(ledger, (market_id, &market), &account, Prices::Fresh, known)?;
        position.reprice()?;
        position.totals().check_limit()?;
        position.store_debts(ledger, &id, &mut account)?;
    }
    let from = address::market_custody();
    let token = Token::of(asset);
    shift(ledger, &Movement { token, from, to: receiver, value: amount.get() })?;
    ledger.set_collateral(market_id, asset, &collateral)?;
    store_account(ledger, &id, &market, &mut account)?.check(ledger, market_id)?;
    ledger.emit(Event::CollateralWithdrawn { account: id, asset, receiver, amount })?;
    Ok(amount)
}

/// The caps that a vault and its line, as drawn on, must respect (CFG-1).
pub(crate) fn check_caps(vault: &Accrued, line: &Line) -> Result<(), Error> {
    let caps = [
        (Cap::Line, line.cap, vault.debt_of(line.owed)),
        (Cap::Borrow, vault.record().borrow_cap, vault.debt()),
    ];
    for (cap, most, would) in caps {
        if would > most {
            return Err(Error::CapExceeded { cap, most, would });
        }
    }
    Ok(())
}

pub(crate) fn check_minimum(debt: Assets, line: &Line) -> Result<(), Error> {
    let minimum = line.min_debt;
    if !debt.is_zero() && debt < minimum {
        return Err(Error::DebtBelowMinimum { debt, minimum });
    }
    Ok(())
}

/// Draws on a vault for one of the caller's accounts.
///
/// The account owes its draw at once, rounded up; afterwards its debt is within its borrow limit
/// at fresh prices (HLT-1), on the newest terms from then on ([`crate::terms`]), and all of it bears the risk premium of what backs it now
/// ([`crate::premium`]).
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::MarketPaused`], [`Error::VaultNotListed`],
/// [`Error::VaultPaused`], [`Error::Illiquid`], [`Error::CapExceeded`],
/// [`Error::DrawLimitReached`], [`Error::FactorCapExceeded`], [`Error::CeilingExceeded`], [`Error::OutsideGroup`],
/// [`Error::DebtBelowMinimum`], [`Error::AboveLimit`], [`Error::StalePrice`],
/// [`Error::PriceOutOfBounds`], [`Error::InvalidReceiver`], [`Error::UnknownMarket`], or a fault.
pub fn borrow<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    draw: &Draw,
) -> Result<(), Stop> {
    let Draw { market: market_id, sub, vault: vault_id, amount, receiver } = *draw;
    if amount.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let id = AccountId { market: market_id, owner: caller, sub };
    let market = ledger.market(market_id)?;
    check_pause((market_id, &market), ledger.now(), PauseLevel::Open)?;
    let index = market.vault_index(market_id, vault_id)?;
    let mut vault = Accrued::load(ledger, vault_id)?;
    if vault.record().paused {
        return Err(Error::VaultPaused { vault: vault_id }.into());
    }
    let mut line = ledger.line(market_id, vault_id)?;
    let first_loss = Settled::load(ledger, (market_id, vault_id), &mut vault, &line)?;
    let mut account = ledger.account(&id)?;
    groups::check_draw(ledger, (market_id, account.group), (index, vault_id))?;
    vault.pay_out(amount)?;
    let before = account.debt(index);
    let drawn = if account.risk_premium == Bps::ZERO {
        before.plus(Debt::of(amount, Bps::ZERO, vault.record().index)?)?
    } else {
        let owed = vault.debt_of(before).add(amount)?;
        Debt::of(owed, account.risk_premium, vault.record().index)?
    };
    vault.rewrite(&mut line, before, drawn)?;
    check_minimum(vault.debt_of(drawn), &line)?;
    let mut after = account.clone();
    after.set_debt(index, drawn);
    after.terms_version = market.terms_version;
    let known = Known { debt: Some((index, &vault, &line, first_loss)), ..Known::default() };
    let mut position =
        Position::load_with(ledger, (market_id, &market), &after, Prices::Fresh, known)?;
    position.reprice()?;
    position.totals().check_limit()?;
    let leg = position.debts.iter().find(|leg| leg.index == index).ok_or(Fault::Unreadable)?;
    check_caps(&leg.accrued, &leg.line)?;
    meter::draw(ledger, (market_id, vault_id), line.metered, amount)?;
    let token = Token::Asset(vault.record().asset);
    let from = address::custody(vault_id);
    shift(ledger, &Movement { token, from, to: receiver, value: amount.get() })?;
    position.store_debts(ledger, &id, &mut account)?;
    account.terms_version = market.terms_version;
    store_account(ledger, &id, &market, &mut account)?.check(ledger, market_id)?;
    ledger.emit(Event::Borrowed { account: id, vault: vault_id, receiver, amount })
}

/// Repays at most `amount` of an account's debt with the caller's tokens and returns how much:
/// what is owed, if that is less. Anyone may repay for anyone, at every pause level and without
/// prices; the rest keeps its risk premium.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::NoDebt`], [`Error::ZeroShares`] for too little to count,
/// [`Error::DebtBelowMinimum`] for the rest, [`Error::InsufficientBalance`],
/// [`Error::VaultNotListed`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn repay<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: &AccountId,
    vault_id: VaultId,
    amount: Assets,
) -> Result<Assets, Stop> {
    if amount.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let market = ledger.market(id.market)?;
    let index = market.vault_index(id.market, vault_id)?;
    let mut account = ledger.account(id)?;
    let owed = account.debt(index);
    if owed.is_zero() {
        return Err(Error::NoDebt.into());
    }
    let mut vault = Accrued::load(ledger, vault_id)?;
    let mut line = ledger.line(id.market, vault_id)?;
    let first_loss = Settled::load(ledger, (id.market, vault_id), &mut vault, &line)?;
    let repaid = amount.min(vault.debt_of(owed));
    let rest = owed.after(repaid, account.risk_premium, vault.record().index)?;
    check_minimum(vault.debt_of(rest), &line)?;
    vault.take_in(repaid)?;
    vault.rewrite(&mut line, owed, rest)?;
    account.set_debt(index, rest);
    let token = Token::Asset(vault.record().asset);
    let to = address::custody(vault_id);
    shift(ledger, &Movement { token, from: caller, to, value: repaid.get() })?;
    vault.store(ledger, vault_id)?;
    first_loss.store(ledger, (id.market, vault_id))?;
    ledger.set_line(id.market, vault_id, &line)?;
    let _falls = store_account(ledger, id, &market, &mut account)?;
    ledger.emit(Event::Repaid { account: *id, vault: vault_id, payer: caller, amount: repaid })?;
    Ok(repaid)
}

/// What an account owes a vault now, interest included, rounded up.
///
/// # Errors
/// [`Error::VaultNotListed`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn debt_of<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    vault: VaultId,
) -> Result<Assets, Stop> {
    let index = ledger.market(id.market)?.vault_index(id.market, vault)?;
    let debt = ledger.account(id)?.debt(index);
    Ok(Accrued::load(ledger, vault)?.debt_of(debt))
}

/// What an account has pledged of an asset.
///
/// # Errors
/// [`Error::CollateralNotListed`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn collateral_of<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    asset: AssetId,
) -> Result<Assets, Stop> {
    let index = ledger.market(id.market)?.collateral_index(id.market, asset)?;
    Ok(ledger.account(id)?.collateral(index))
}
