//! The sweep: what the block itself liquidates, right after its prices.
//!
//! For each account that is below its alert, collateral is sold to the bid queue, lowest discount
//! first, at most as much as brings the account back to its target. A tier takes part while its
//! bonus is within what an open liquidation would pay at the account's health (LIQ-3), so a
//! borrower never loses more to the queue than to a keeper, and while the sale leaves the account
//! better off (LIQ-2). What the queue does not take stays open to everyone ([`crate::liquidation`]).
//!
//! An insolvent account (`cover < debt`) is sold whole or not at all: each vault's bids get the
//! part of every collateral that its debt is of all debt, at bonuses up to the smallest. Debt that
//! is left without collateral is written off by [`write_off`], after every sale of the sweep, so
//! that no bid is filled with shares that the same block's losses have touched. While the bids
//! cannot close such an account, the sweep blocks the stakes that its loss may need
//! ([`crate::first_loss`]).
//!
//! Planning reads, selling writes: a block's builder plans to choose whom to sweep.

use crate::account::Account;
use crate::address;
use crate::bids::{self, Tier};
use crate::breaker;
use crate::debt::Debt;
use crate::error::{Error, Fault, Stop};
use crate::event::Event;
use crate::exposure::store_account;
use crate::first_loss::{self, Settled, block_stakes};
use crate::fixed::{Assets, Shares, Wad, mul_div_down_saturating};
use crate::ids::{AccountId, AssetId, QueueId, Token, VaultId};
use crate::ledger::Ledger;
use crate::liquidation::{Sale, announce_loss};
use crate::margin::{Margin, Position, Prices, Totals};
use crate::market::Market;
use crate::pause::open_for_liquidation;
use crate::stop_loss::StopLoss;
use crate::token::debit;
use crate::vault::Accrued;
use alloc::vec::Vec;

/// How many tiers one sweep of an account asks at most, so that its work is bounded; the rest is asked
/// in the next block.
const OFFERS_MAX: usize = 64;
/// How many of them of an account with portfolio margin: there a sale's size is found by search.
pub const SEARCHES_MAX: usize = 8;

/// Why the sweep touches an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepReason {
    /// Its health factor is below one.
    Unhealthy,
    /// Its collateral does not cover its debt.
    Insolvent,
    /// Its owner's stop-loss order says so.
    StopLoss,
}

/// One purchase of a tier's bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The queue.
    pub queue: QueueId,
    /// The discount.
    pub tier: Tier,
    /// Vault shares burned.
    pub shares: Shares,
    /// Debt repaid with them.
    pub repaid: Assets,
    /// Collateral bought.
    pub seized: Assets,
    /// US dollars per whole token of the collateral.
    pub price: Wad,
    /// US dollars per whole token of the debt's asset.
    pub debt_price: Wad,
}

/// What a sweep does to one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepPlan {
    /// Why.
    pub reason: SweepReason,
    /// The account's values before.
    pub before: Totals,
    /// What is sold, in order. None for an account that has only debt left, or stays open.
    pub fills: Vec<Fill>,
    /// The vaults on whose lines stakes are blocked, for an insolvent account that stays open.
    pub blocks: Vec<VaultId>,
    /// The position afterwards; its vaults, lines and collateral totals are those to write.
    after: Position,
}

impl SweepPlan {
    /// How much debt is above the liquidation limit, in US dollars: what a sweep does first. Zero
    /// for a stop-loss order.
    #[must_use]
    pub const fn value_at_risk(&self) -> Wad {
        self.before.debt_value.saturating_sub(self.before.liquidation_limit)
    }

    /// The account's values afterwards.
    #[must_use]
    pub fn totals_after(&self) -> Totals {
        self.after.totals()
    }

    /// Whether debt is left and nothing that secures it.
    #[must_use]
    pub fn leaves_bad_debt(&self) -> bool {
        self.after.collaterals.iter().all(|leg| leg.amount.is_zero())
            && self.after.debts.iter().any(|leg| !leg.debt.is_zero())
    }
}

/// What a sale is for.
#[derive(Clone, Copy)]
enum Goal {
    Restore { health: Wad },
    CloseOut,
    Order(StopLoss),
}

/// The bids of one tier that may buy one collateral for one debt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    tier: Tier,
    vault: VaultId,
    asset: AssetId,
}

/// A sale in the making.
struct Selling<'a, L: Ledger + ?Sized> {
    ledger: &'a mut L,
    id: AccountId,
    market: &'a Market,
    position: Position,
    fills: Vec<Fill>,
}

/// What a sweep would do to an account now; `None` if it is healthy and has no order to carry out,
/// liquidation waits, or the queue would not take anything of it.
///
/// # Errors
/// [`Error::StalePrice`], [`Error::PriceOutOfBounds`], [`Error::FeedFrozen`], [`Error::PriceDoubtful`] and
/// [`Error::LiquidationPaused`]: without prices, in doubt that relieves, or right after a feed's recovery, nothing
/// is sold.
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn plan_sweep<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
) -> Result<Option<SweepPlan>, Stop> {
    let market = ledger.market(id.market)?;
    let account = ledger.account(id)?;
    plan_account(ledger, (id, &market), &account)
}

fn plan_account<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (&AccountId, &Market),
    account: &Account,
) -> Result<Option<SweepPlan>, Stop> {
    if !account.has_debt() || open_for_liquidation(id.market, market, ledger.now()).is_err() {
        return Ok(None);
    }
    let position = Position::load(ledger, (id.market, market), account, Prices::Sale)?;
    let before = position.totals();
    let Some(goal) = goal(ledger, id, &before)? else {
        return Ok(None);
    };
    let whole = matches!(goal, Goal::CloseOut).then(|| position.clone());
    let mut selling = Selling { ledger, id: *id, market, position, fills: Vec::new() };
    let (reason, done) = match goal {
        Goal::Restore { health } => (SweepReason::Unhealthy, selling.restore(health)?),
        Goal::CloseOut => (SweepReason::Insolvent, selling.close_out(&before)?),
        Goal::Order(order) => (SweepReason::StopLoss, selling.follow(&order)?),
    };
    let Selling { position: mut after, fills, ledger, .. } = selling;
    if done {
        after.reprice_after_sale(&before)?;
        return Ok(Some(SweepPlan { reason, before, fills, blocks: Vec::new(), after }));
    }
    // Nothing of what was tried is sold: the account stays as it was.
    let stays = whole.map(|whole| (first_loss::unwarned(&whole, ledger.now()), whole));
    Ok(stays.filter(|(blocks, _)| !blocks.is_empty()).map(|(blocks, after)| SweepPlan {
        reason,
        before,
        fills: Vec::new(),
        blocks,
        after,
    }))
}

fn goal<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    totals: &Totals,
) -> Result<Option<Goal>, Stop> {
    if totals.is_insolvent() {
        return Ok(Some(Goal::CloseOut));
    }
    let health = totals.health_factor();
    if totals.liquidation_limit < totals.debt_value {
        return Ok(Some(Goal::Restore { health }));
    }
    let order = ledger.stop_loss(id)?;
    Ok(order.filter(|order| health < order.trigger).map(Goal::Order))
}

impl<L: Ledger + ?Sized> Selling<'_, L> {
    /// Sells back to the market's target health. Whether anything was sold.
    fn restore(&mut self, health: Wad) -> Result<bool, Stop> {
        let market = self.market;
        for offer in self.offers()? {
            let Some(limit) = self.bonus_limit(&offer, health) else {
                continue;
            };
            if offer.tier.bonus() <= limit && self.sell(&offer, market.target_health)? {
                break;
            }
        }
        Ok(!self.fills.is_empty())
    }

    /// Carries out an order. Whether anything was sold.
    fn follow(&mut self, order: &StopLoss) -> Result<bool, Stop> {
        let offers = self.offers()?;
        let named = |offer: &&Offer| offer.vault == order.vault && offer.asset == order.asset;
        for offer in offers.iter().filter(named).filter(|offer| offer.tier <= order.tier_max) {
            // At a health above one the curve is at its start; what the owner allows decides.
            if self.sell(offer, order.target)? {
                break;
            }
        }
        Ok(!self.fills.is_empty())
    }

    /// The bids that could buy what the account has, lowest discount first, up to what each
    /// collateral's largest bonus allows.
    fn offers(&mut self) -> Result<Vec<Offer>, Stop> {
        let mut offers = Vec::new();
        for debt in &self.position.debts {
            for leg in &self.position.collaterals {
                let (vault, asset) = (debt.vault, leg.asset);
                let queue = self.ledger.queue(QueueId { market: self.id.market, vault, asset })?;
                let last = Tier::up_to(leg.bonus_max);
                offers.extend(queue.tiers_up_to(last).map(|tier| Offer { tier, vault, asset }));
            }
        }
        offers.sort_unstable();
        offers.truncate(match self.position.margin {
            Margin::Threshold => OFFERS_MAX,
            Margin::Portfolio(_) => SEARCHES_MAX,
        });
        Ok(offers)
    }

    /// The largest bonus that an open liquidation would pay for this collateral, on the curve at
    /// the health that the account was judged at; `None` if selling it would worsen the account.
    fn bonus_limit(&self, offer: &Offer, health: Wad) -> Option<Wad> {
        let totals = self.position.totals();
        let sale = Sale::of(&self.position, totals, offer.vault, offer.asset)?;
        sale.bonus_limit(health, self.market).ok()
    }

    /// Sells to a tier what brings the account to `target`, or as much as the tier takes. Whether
    /// nothing is left to sell; rounding may leave health a hair below the target then.
    fn sell(&mut self, offer: &Offer, target: Wad) -> Result<bool, Stop> {
        let totals = self.position.totals();
        if totals.health_factor() >= target {
            return Ok(true);
        }
        let Some(sale) = Sale::of(&self.position, totals, offer.vault, offer.asset) else {
            return Ok(false);
        };
        let sale = sale.at(offer.tier.bonus());
        let state = self.ledger.tier(self.queue(offer), offer.tier)?;
        let Some(capacity) = sale.debt().accrued.worth(state.shares) else {
            return Ok(false);
        };
        // A sale that rounding would turn against the account is not made.
        let Ok(step) = sale.step_within(target, capacity) else {
            return Ok(false);
        };
        let sold = (step.repaid, step.left, step.seized);
        self.fill(offer, sold, (capacity, state.shares))?;
        Ok(step.reaches_target)
    }

    /// Sells everything. Whether all debt is repaid or all collateral sold.
    fn close_out(&mut self, before: &Totals) -> Result<bool, Stop> {
        let offers = self.offers()?;
        let whole = self.position.clone();
        // What no bid of earlier vaults needed goes to the later ones'.
        for (place, debt) in whole.debts.iter().enumerate() {
            let is_last = place.saturating_add(1) == whole.debts.len();
            for leg in &whole.collaterals {
                let part = mul_div_down_saturating(
                    leg.amount.get(),
                    debt.value().get(),
                    before.debt_value.get(),
                );
                let mut quota = if is_last { leg.amount } else { Assets::new(part) };
                let suitable = offers.iter().filter(|offer| {
                    offer.vault == debt.vault
                        && offer.asset == leg.asset
                        && offer.tier.bonus() <= leg.bonus_min.to_wad()
                });
                for offer in suitable {
                    let sold = self.close(offer, quota)?;
                    quota = quota.saturating_sub(sold);
                }
            }
        }
        let Position { collaterals, debts, .. } = &self.position;
        Ok(debts.iter().all(|leg| leg.debt.is_zero())
            || collaterals.iter().all(|leg| leg.amount.is_zero()))
    }

    /// Sells at most `quota` of an insolvent account's collateral to a tier; returns how much.
    fn close(&mut self, offer: &Offer, quota: Assets) -> Result<Assets, Stop> {
        let totals = self.position.totals();
        let Some(sale) = Sale::of(&self.position, totals, offer.vault, offer.asset) else {
            return Ok(Assets::ZERO);
        };
        let sale = sale.at(offer.tier.bonus());
        let quota = quota.min(sale.collateral().amount);
        let state = self.ledger.tier(self.queue(offer), offer.tier)?;
        let Some(capacity) = sale.debt().accrued.worth(state.shares) else {
            return Ok(Assets::ZERO);
        };
        let most = capacity.min(sale.debt().amount());
        let whole = sale.cost(quota);
        let (repaid, seized) =
            if whole <= most { (whole, quota) } else { (most, sale.proceeds(most).min(quota)) };
        if repaid.is_zero() || seized.is_zero() {
            return Ok(Assets::ZERO);
        }
        let Ok(left) = self.position.left_of(sale.debt(), repaid) else {
            return Ok(Assets::ZERO);
        };
        self.fill(offer, (repaid, left, seized), (capacity, state.shares))?;
        Ok(seized)
    }

    const fn queue(&self, offer: &Offer) -> QueueId {
        QueueId { market: self.id.market, vault: offer.vault, asset: offer.asset }
    }

    /// Notes a purchase: `left` stays of the debt, the tier pays for it with its shares. All of the
    /// tier's are spent if it is worth no more than what is `repaid`.
    fn fill(
        &mut self,
        offer: &Offer,
        (repaid, left, seized): (Assets, Debt, Assets),
        (capacity, held): (Assets, Shares),
    ) -> Result<(), Stop> {
        let queue = self.queue(offer);
        let Position { collaterals, debts, .. } = &mut self.position;
        let debt = debts.iter_mut().find(|leg| leg.vault == offer.vault);
        let debt = debt.ok_or(Fault::Unreadable)?;
        let leg = collaterals.iter_mut().find(|leg| leg.asset == offer.asset);
        let leg = leg.ok_or(Fault::Unreadable)?;
        let shares = if repaid >= capacity {
            held
        } else {
            debt.accrued.pool().shares_to_burn(repaid)?.min(held)
        };
        debt.accrued.burn(shares)?;
        debt.rewrite(left)?;
        leg.amount = leg.amount.sub(seized)?;
        leg.terms.total = leg.terms.total.sub(seized)?;
        let (price, debt_price) = (leg.price, debt.price);
        let tier = offer.tier;
        self.fills.push(Fill { queue, tier, shares, repaid, seized, price, debt_price });
        Ok(())
    }
}

/// Carries out what [`plan_sweep`] says, if it says anything, and returns it. Debt that is left
/// without collateral waits for [`write_off`].
///
/// # Errors
/// Those of [`plan_sweep`]; [`Error::Overflow`].
pub fn sweep<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
) -> Result<Option<SweepPlan>, Stop> {
    let mut market = ledger.market(id.market)?;
    let mut account = ledger.account(id)?;
    let Some(plan) = plan_account(ledger, (id, &market), &account)? else {
        return Ok(None);
    };
    for vault in &plan.blocks {
        block_stakes(ledger, id, *vault)?;
    }
    if plan.fills.is_empty() {
        return Ok(Some(plan));
    }
    for leg in &plan.after.debts {
        let fills = plan.fills.iter().filter(|fill| fill.queue.vault == leg.vault);
        let paid = fills.fold(Shares::ZERO, |sum, fill| sum.saturating_add(fill.shares));
        if paid.is_zero() {
            continue;
        }
        debit(ledger, Token::Share(leg.vault), address::market_custody(), paid.get())?;
    }
    plan.after.store_debts(ledger, id, &mut account)?;
    for leg in &plan.after.collaterals {
        if account.collateral(leg.index) != leg.amount {
            ledger.set_collateral(id.market, leg.asset, &leg.terms)?;
            account.set_collateral(leg.index, leg.amount);
        }
    }
    let _whatever_it_moves = store_account(ledger, id, &market, &mut account)?;
    announce(ledger, id, &plan)?;
    breaker::count(ledger, (id.market, &mut market), || {
        plan.before.debt_value.saturating_sub(plan.totals_after().debt_value)
    })?;
    Ok(Some(plan))
}

/// Spends the tiers' shares, and tells of it.
fn announce<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    plan: &SweepPlan,
) -> Result<(), Stop> {
    for fill in &plan.fills {
        let Fill { queue, tier, shares, repaid, seized, price, debt_price } = *fill;
        bids::fill_tier(ledger, (queue, tier), (shares, seized))?;
        let account = *id;
        ledger.emit(Event::BidsFilled {
            account,
            queue,
            tier,
            shares,
            repaid,
            seized,
            price,
            debt_price,
        })?;
    }
    let after = plan.totals_after();
    ledger.emit(Event::Swept {
        account: *id,
        reason: plan.reason,
        health_before: plan.before.health_factor(),
        health_after: after.health_factor(),
        collateral_value: after.collateral_value,
        debt_value: after.debt_value,
    })
}

/// Writes off the debt of an account that has nothing else left, through the waterfall (BAD-1), and
/// returns its value. Needs no price to be fresh.
///
/// # Errors
/// [`Error::NoDebt`], [`Error::Healthy`] for an account that still has collateral, or a fault.
pub fn write_off<L: Ledger + ?Sized>(ledger: &mut L, id: &AccountId) -> Result<(), Stop> {
    let market = ledger.market(id.market)?;
    let mut account = ledger.account(id)?;
    if !account.has_debt() {
        return Err(Error::NoDebt.into());
    }
    if !account.collaterals.is_empty() {
        return Err(Error::Healthy { health_factor: Wad::ZERO }.into());
    }
    for owed in account.debts.clone() {
        account.set_debt(owed.index, Debt::ZERO);
        let listed = market.vaults.get(usize::from(owed.index));
        let vault = *listed.ok_or(Fault::Unreadable)?;
        let mut accrued = Accrued::load(ledger, vault)?;
        let mut line = ledger.line(id.market, vault)?;
        let mut first_loss = Settled::load(ledger, (id.market, vault), &mut accrued, &line)?;
        let loss = accrued.loss_of(owed.debt, Assets::ZERO, &first_loss)?;
        accrued.bear(&loss)?;
        first_loss.bear(&loss, &mut line)?;
        accrued.rewrite(&mut line, owed.debt, Debt::ZERO)?;
        accrued.store(ledger, vault)?;
        first_loss.store(ledger, (id.market, vault))?;
        ledger.set_line(id.market, vault, &line)?;
        announce_loss(ledger, id, vault, &loss)?;
    }
    let _falls = store_account(ledger, id, &market, &mut account)?;
    Ok(())
}
