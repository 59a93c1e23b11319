//! Carrying a planned liquidation out.

use super::{Aim, Plan, Repayment, Seizure, plan_liquidation};
use crate::account::Account;
use crate::address;
use crate::breaker;
use crate::error::{Fault, Stop};
use crate::event::Event;
use crate::exposure::store_account;
use crate::fixed::Assets;
use crate::ids::{AccountId, AssetId, Token, VaultId};
use crate::ledger::Ledger;
use crate::margin::{Position, Prices};
use crate::market::Market;
use crate::pause::open_for_liquidation;
use crate::shares::Pool;
use crate::token::{Movement, debit, shift};
use crate::vault::Accrued;
use crate::waterfall::Loss;
use alloy_primitives::Address;

/// What a liquidator pays with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payment {
    /// The debt's asset.
    #[default]
    Assets,
    /// Shares of the vault that is owed, burned against the debt: a lender of a vault that is lent
    /// out to the last unit can still liquidate.
    Shares,
}

/// What a liquidator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// The vault whose debt is repaid.
    pub vault: VaultId,
    /// The collateral that is taken.
    pub asset: AssetId,
    /// The most to repay to that vault; the largest number repays what the plan says.
    pub max_repay: Assets,
    /// Who receives the collateral.
    pub receiver: Address,
    /// What the liquidator pays with.
    pub payment: Payment,
}

/// A liquidation that may be carried out.
struct Prepared {
    market: Market,
    account: Account,
    position: Position,
    plan: Plan,
}

/// Who liquidates whom.
#[derive(Clone, Copy)]
struct Parties {
    account: AccountId,
    liquidator: Address,
    receiver: Address,
    payment: Payment,
}

/// Liquidates an account with the caller's tokens and returns what was done. Anyone may, the owner
/// included.
///
/// # Errors
/// Those of [`plan_liquidation`]; [`Error::MarketPaused`] when frozen,
/// [`Error::LiquidationPaused`] in the grace period after it or after a stale feed's recovery,
/// [`Error::StalePrice`],
/// [`Error::PriceOutOfBounds`], [`Error::InsufficientBalance`], [`Error::InvalidReceiver`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn liquidate<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: &AccountId,
    asked: &Liquidation,
) -> Result<Plan, Stop> {
    let Liquidation { vault, asset, max_repay, receiver, payment } = *asked;
    let aim = Aim { vault, asset, max_repay };
    let Prepared { mut market, mut account, mut position, plan } = prepare(ledger, id, &aim)?;
    let parties = Parties { account: *id, liquidator: caller, receiver, payment };
    let before = position.totals();
    settle_debts(ledger, &parties, &mut position, &plan)?;
    settle_collateral(&mut position, &mut account, &plan)?;
    position.reprice_after_sale(&before)?;
    position.store_debts(ledger, id, &mut account)?;
    for Repayment { vault, loss, .. } in &plan.repayments {
        announce_loss(ledger, id, *vault, loss)?;
    }
    hand_over(ledger, &parties, &position, &plan)?;
    let _whatever_it_moves = store_account(ledger, id, &market, &mut account)?;
    announce(ledger, &parties, &plan)?;
    breaker::count(ledger, (id.market, &mut market), || {
        before.debt_value.saturating_sub(position.totals().debt_value)
    })?;
    Ok(plan)
}

/// What [`liquidate`] would do in this state, without doing it.
///
/// # Errors
/// Those of [`liquidate`], except for the liquidator's balance and the receiver.
pub fn preview_liquidation<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    aim: &Aim,
) -> Result<Plan, Stop> {
    prepare(ledger, id, aim).map(|prepared| prepared.plan)
}

fn prepare<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    aim: &Aim,
) -> Result<Prepared, Stop> {
    let market = ledger.market(id.market)?;
    open_for_liquidation(id.market, &market, ledger.now())?;
    let account = ledger.account(id)?;
    let position = Position::load(ledger, (id.market, &market), &account, Prices::Settled)?;
    let plan = plan_liquidation(&position, &market, aim)?;
    Ok(Prepared { market, account, position, plan })
}

/// Tells of debt that was written off, if any was.
pub(crate) fn announce_loss<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: &AccountId,
    vault: VaultId,
    loss: &Loss,
) -> Result<(), Stop> {
    let Loss { shortfall, from_first_loss, from_reserves, from_lenders, .. } = *loss;
    if shortfall.is_zero() {
        return Ok(());
    }
    let market = account.market;
    ledger.emit(Event::BadDebt { account: *account, vault, amount: shortfall })?;
    ledger.emit(Event::LossRealised {
        vault,
        market,
        shortfall,
        from_first_loss,
        from_reserves,
        from_lenders,
    })
}

/// Takes a liquidator's payment of `repaid`. Shares count at their price after the loss that comes
/// with it: paying with them is no way out of it (BAD-2).
fn pay<L: Ledger + ?Sized>(
    ledger: &mut L,
    parties: &Parties,
    (vault, accrued): (VaultId, &mut Accrued),
    repaid: Assets,
    loss: &Loss,
) -> Result<(), Stop> {
    let from = parties.liquidator;
    match parties.payment {
        Payment::Assets => {
            accrued.take_in(repaid)?;
            let token = Token::Asset(accrued.record().asset);
            let to = address::custody(vault);
            shift(ledger, &Movement { token, from, to, value: repaid.get() })
        }
        Payment::Shares => {
            let Pool { assets, shares } = accrued.pool();
            let lost = loss.from_lenders.add(loss.from_first_loss)?;
            let pool = Pool { assets: assets.sub(lost)?, shares: shares.sub(loss.burned)? };
            let shares = pool.shares_to_burn(repaid)?;
            // First the liquidator's: whoever has too few is told so, also where nobody has as many.
            debit(ledger, Token::Share(vault), from, shares.get())?;
            Ok(accrued.burn(shares)?)
        }
    }
}

/// Repayments in, debts down, losses through the waterfall; the position's records are not written
/// yet.
fn settle_debts<L: Ledger + ?Sized>(
    ledger: &mut L,
    parties: &Parties,
    position: &mut Position,
    plan: &Plan,
) -> Result<(), Stop> {
    for Repayment { index, vault, repaid, left, loss, .. } in plan.repayments.iter().copied() {
        let mut legs = position.debts.iter_mut();
        let leg = legs.find(|leg| leg.index == index).ok_or(Fault::Unreadable)?;
        pay(ledger, parties, (vault, &mut leg.accrued), repaid, &loss)?;
        leg.rewrite(left)?;
        leg.accrued.bear(&loss)?;
        leg.first_loss.bear(&loss, &mut leg.line)?;
    }
    Ok(())
}

/// Takes what is seized out of the position and the account.
fn settle_collateral(
    position: &mut Position,
    account: &mut Account,
    plan: &Plan,
) -> Result<(), Stop> {
    for Seizure { index, seized, .. } in plan.seizures.iter().copied() {
        let mut legs = position.collaterals.iter_mut();
        let leg = legs.find(|leg| leg.index == index).ok_or(Fault::Unreadable)?;
        leg.terms.total = leg.terms.total.sub(seized)?;
        leg.amount = leg.amount.sub(seized)?;
        account.set_collateral(index, leg.amount);
    }
    Ok(())
}

/// Collateral out.
fn hand_over<L: Ledger + ?Sized>(
    ledger: &mut L,
    parties: &Parties,
    position: &Position,
    plan: &Plan,
) -> Result<(), Stop> {
    let market = parties.account.market;
    for Seizure { index, asset, seized } in plan.seizures.iter().copied() {
        let mut legs = position.collaterals.iter();
        let leg = legs.find(|leg| leg.index == index).ok_or(Fault::Unreadable)?;
        ledger.set_collateral(market, asset, &leg.terms)?;
        let (from, to) = (address::market_custody(), parties.receiver);
        let token = Token::of(asset);
        shift(ledger, &Movement { token, from, to, value: seized.get() })?;
    }
    Ok(())
}

/// One event for each pair of legs, the longer list's last entries beside the shorter one's last
/// name with a zero amount: repaid and seized amounts add up.
fn announce<L: Ledger + ?Sized>(
    ledger: &mut L,
    parties: &Parties,
    plan: &Plan,
) -> Result<(), Stop> {
    let debts = plan.repayments.iter().map(|entry| (entry.vault, entry.repaid));
    let collaterals = plan.seizures.iter().map(|entry| (entry.asset, entry.seized));
    let pairs = plan.repayments.len().max(plan.seizures.len());
    let (Some(mut debt), Some(mut collateral)) = (debts.clone().next(), collaterals.clone().next())
    else {
        return Err(Fault::Unreadable.into());
    };
    let (mut debts, mut collaterals) = (debts, collaterals);
    for _ in 0..pairs {
        debt = debts.next().unwrap_or((debt.0, Assets::ZERO));
        collateral = collaterals.next().unwrap_or((collateral.0, Assets::ZERO));
        ledger.emit(Event::Liquidated {
            account: parties.account,
            liquidator: parties.liquidator,
            vault: debt.0,
            asset: collateral.0,
            repaid: debt.1,
            seized: collateral.1,
            health_factor: plan.health_before,
            bonus: plan.bonus_bps(),
        })?;
    }
    Ok(())
}
