//! The reasons behind an account's standing: what each part is worth and contributes, at which
//! price it would become liquidatable, and what a liquidation would do.

use crate::account::{Account, Owed, Pledge};
use crate::debt::Debt;
use crate::error::Stop;
use crate::fixed::{Assets, BPS, Bps, Ray, Timestamp, Wad, mul_div_down, mul_div_up_saturating};
use crate::groups::Membership;
use crate::ids::{AccountId, AssetId, FeedId, GroupId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::liquidation::{Aim, Plan, plan_liquidation};
use crate::margin::{CollateralLeg, DebtLeg, Margin, Position, Prices, Totals, unit};
use crate::market::Market;
use crate::portfolio::{Limit, Requirement};
use crate::quote::quote;
use crate::terms::{self, Binding, Move, Subject};
use alloc::vec::Vec;

mod marginal;

pub use marginal::LegMargin;
use marginal::{Leg, liquidation_price, margin_of};

/// What one collateral does for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollateralView {
    /// What is pledged.
    pub asset: AssetId,
    /// How much of it.
    pub amount: Assets,
    /// Where its price comes from.
    pub feed: FeedId,
    /// US dollars per whole token.
    pub price: Wad,
    /// When that was observed.
    pub price_time: Timestamp,
    /// In US dollars, rounded down.
    pub value: Wad,
    /// Most debt per value when drawing or releasing.
    pub ltv: Bps,
    /// The liquidation threshold in force for this account.
    pub threshold: Bps,
    /// The liquidation bonus at a health factor of one, in force for this account.
    pub bonus_min: Bps,
    /// The liquidation bonus at and below the market's full-bonus health, in force for this account.
    pub bonus_max: Bps,
    /// The terms that the account will be on as soon as it takes new risk.
    pub newest: Binding,
    /// The announced move that takes it there without that.
    pub moving: Option<Move>,
    /// What it adds to the liquidation limit: value times threshold; with portfolio margin its value less
    /// what it adds to the requirement.
    pub contribution: Wad,
    /// The highest price at which the account is liquidatable with all else fixed; `None` if it
    /// is not at any price, or owes nothing.
    pub liquidation_price: Option<Wad>,
    /// What it does to the requirement; `None` in a market of thresholds.
    pub margin: Option<LegMargin>,
}

impl CollateralView {
    /// Whether the account is on better terms than it would be after new risk.
    #[must_use]
    pub fn keeps(&self) -> bool {
        let Self { threshold, bonus_min, bonus_max, .. } = *self;
        Binding { threshold, bonus_min, bonus_max } != self.newest
    }
}

/// What one debt does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebtView {
    /// Who is owed.
    pub vault: VaultId,
    /// Of which asset.
    pub asset: AssetId,
    /// How much, interest included, rounded up.
    pub amount: Assets,
    /// Where its price comes from.
    pub feed: FeedId,
    /// US dollars per whole token.
    pub price: Wad,
    /// When that was observed.
    pub price_time: Timestamp,
    /// In US dollars, rounded up.
    pub value: Wad,
    /// What it costs per second, the account's risk premium included, rounded up.
    pub rate: Ray,
    /// The lowest price at which the account is liquidatable with all else fixed, rounded down;
    /// `None` if it is at every price or the price does not fit.
    pub liquidation_price: Option<Wad>,
    /// What it does to the requirement; `None` in a market of thresholds.
    pub margin: Option<LegMargin>,
}

/// What an account must keep beyond its debt, in a market with portfolio margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// To draw or release.
    pub borrow: Requirement,
    /// Not to be liquidated.
    pub liquidation: Requirement,
}

/// An account's standing and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What is pledged.
    pub collaterals: Vec<CollateralView>,
    /// What is owed.
    pub debts: Vec<DebtView>,
    /// Values and limits.
    pub totals: Totals,
    /// What must be kept beyond the debt; `None` in a market of thresholds.
    pub requirements: Option<Requirements>,
    /// Liquidatable below one; the largest number without debt.
    pub health_factor: Wad,
    /// The market's terms version when the account last took new risk; zero without debt.
    pub terms_version: u32,
    /// The market's terms version now.
    pub terms_version_now: u32,
    /// The group that the account is in.
    pub group: GroupId,
    /// The premium that the account pays on top of the base rates.
    pub risk_premium: Bps,
    /// The premium of what backs its debt now: what a refresh would make of it.
    pub risk_premium_now: Bps,
    /// What may be drawn or released before the borrow limit is reached, in US dollars.
    pub headroom: Wad,
    /// What liquidating the largest debt against the largest suitable collateral would do, if the
    /// account is liquidatable.
    pub liquidation: Option<Plan>,
}

/// Changes to imagine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIf {
    /// Feeds and the prices they would have.
    pub prices: Vec<(FeedId, Wad)>,
    /// Collaterals and what would be pledged of them.
    pub collaterals: Vec<(AssetId, Assets)>,
    /// Vaults and what would be owed to them.
    pub debts: Vec<(VaultId, Assets)>,
}

/// Explains an account at the last prices, interest included, fresh or not.
///
/// # Errors
/// [`crate::Error::UnknownMarket`], or a fault of the ledger.
pub fn explain<L: Ledger + ?Sized>(ledger: &mut L, id: &AccountId) -> Result<Explanation, Stop> {
    let market = ledger.market(id.market)?;
    let account = ledger.account(id)?;
    let position = Position::load(ledger, (id.market, &market), &account, Prices::Last)?;
    let careful = Position::load(ledger, (id.market, &market), &account, Prices::Careful)?.totals();
    explain_position(ledger, (id.market, &market), &account, (&position, &careful))
}

/// Explains an account as it would be after `changes`; nothing is written.
///
/// # Errors
/// [`crate::Error::CollateralNotListed`], [`crate::Error::VaultNotListed`],
/// [`crate::Error::UnknownMarket`], [`crate::Error::Overflow`], or a fault of the ledger.
pub fn what_if<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    changes: &WhatIf,
) -> Result<Explanation, Stop> {
    let market = ledger.market(id.market)?;
    let mut account = ledger.account(id)?;
    let before = account.clone();
    for (asset, amount) in changes.collaterals.iter().copied() {
        account.set_collateral(market.collateral_index(id.market, asset)?, amount);
    }
    for (vault, amount) in changes.debts.iter().copied() {
        let index = market.vault_index(id.market, vault)?;
        let accrued = crate::vault::Accrued::load(ledger, vault)?;
        let debt = Debt::of(amount, account.risk_premium, accrued.record().index)?;
        account.set_debt(index, debt);
    }
    if takes_risk(&before, &account) {
        account.terms_version = market.terms_version;
    }
    let changed = |feed: FeedId| changes.prices.iter().rev().find(|(id, _)| *id == feed);
    let mut imagined = |prices: Prices| -> Result<Position, Stop> {
        let mut position = Position::load(ledger, (id.market, &market), &account, prices)?;
        for leg in &mut position.collaterals {
            leg.price = changed(leg.terms.feed).map_or(leg.price, |(_, price)| *price);
        }
        for leg in &mut position.debts {
            leg.price = changed(leg.line.feed).map_or(leg.price, |(_, price)| *price);
        }
        Ok(position)
    };
    let (position, careful) = (imagined(Prices::Last)?, imagined(Prices::Careful)?.totals());
    explain_position(ledger, (id.market, &market), &account, (&position, &careful))
}

/// Whether an account comes to be as it is by drawing or releasing.
fn takes_risk(before: &Account, after: &Account) -> bool {
    let more = |owed: &Owed| owed.debt.shares > before.debt(owed.index).shares;
    let less = |pledge: &Pledge| pledge.amount > after.collateral(pledge.index);
    after.debts.iter().any(more) || before.collaterals.iter().any(less)
}

/// Explains a position whose values are those by which it is judged; `careful` has those at which new risk is taken.
pub(crate) fn explain_position<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &Market),
    account: &Account,
    (position, careful): (&Position, &Totals),
) -> Result<Explanation, Stop> {
    let totals = Totals { borrow_limit: careful.borrow_limit, ..position.totals() };
    let version = account.version_in_force();
    let member = Membership::load(ledger, id, account.group, version)?;
    let mut collaterals = Vec::with_capacity(position.collaterals.len());
    for (place, leg) in position.collaterals.iter().enumerate() {
        let price_time = quote(ledger, leg.terms.feed)?.updated_at;
        let outlook = outlook(ledger, id, leg, version, member.as_ref())?;
        let view = collateral_view(leg, &totals, price_time, outlook);
        collaterals.push(match position.margin {
            Margin::Threshold => view,
            Margin::Portfolio(_) => collateral_by_search(view, position, place),
        });
    }
    let mut debts = Vec::with_capacity(position.debts.len());
    for (place, leg) in position.debts.iter().enumerate() {
        let price_time = quote(ledger, leg.line.feed)?.updated_at;
        let view = debt_view(leg, &totals, position.risk_premium, price_time);
        debts.push(match position.margin {
            Margin::Threshold => view,
            Margin::Portfolio(_) => debt_by_search(view, position, place),
        });
    }
    Ok(Explanation {
        collaterals,
        debts,
        totals,
        requirements: requirements(position),
        health_factor: totals.health_factor(),
        terms_version: account.terms_version,
        terms_version_now: market.terms_version,
        group: account.group,
        risk_premium: position.risk_premium,
        risk_premium_now: position.risk_premium_now(),
        headroom: careful.borrow_limit.saturating_sub(careful.debt_value),
        liquidation: likely_liquidation(position, market),
    })
}

/// The terms that new risk would put a collateral on, and the move that otherwise does.
fn outlook<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: MarketId,
    leg: &CollateralLeg,
    version: u32,
    member: Option<&Membership>,
) -> Result<(Binding, Option<Move>), Stop> {
    let present = (leg.terms.binding(), leg.terms.kept);
    let subject = Subject::Collateral(leg.asset);
    let (own, moving) = terms::in_force(ledger, (id, subject), present, version)?;
    Ok(match member.filter(|member| member.group.takes(leg.index)) {
        // The higher threshold is in force, and falls with its own move.
        Some(member) => {
            let group = member.binding.threshold > own.threshold;
            let newest = present.0.best(member.group.binding);
            (newest, if group { member.moving } else { moving })
        }
        None => (present.0, moving),
    })
}

fn requirements(position: &Position) -> Option<Requirements> {
    let borrow = position.requirement(Limit::Borrow)?;
    let liquidation = position.requirement(Limit::Liquidation)?;
    Some(Requirements { borrow, liquidation })
}

fn collateral_by_search(view: CollateralView, position: &Position, place: usize) -> CollateralView {
    let leg = Leg::Collateral(place);
    let margin = margin_of(position, leg);
    let required = position.requirement(Limit::Liquidation).unwrap_or_default().total;
    let added = margin.map_or(Wad::ZERO, |margin| required.saturating_sub(margin.without));
    let eased = margin.map_or(Wad::ZERO, |margin| margin.without.saturating_sub(required));
    let contribution = view.value.saturating_add(eased).saturating_sub(added);
    let liquidation_price = liquidation_price(position, leg);
    CollateralView { contribution, liquidation_price, margin, ..view }
}

fn debt_by_search(view: DebtView, position: &Position, place: usize) -> DebtView {
    let leg = Leg::Debt(place);
    let (liquidation_price, margin) = (liquidation_price(position, leg), margin_of(position, leg));
    DebtView { liquidation_price, margin, ..view }
}

fn collateral_view(
    leg: &CollateralLeg,
    totals: &Totals,
    price_time: Timestamp,
    (newest, moving): (Binding, Option<Move>),
) -> CollateralView {
    let value = leg.value();
    let contribution = Wad::new(leg.threshold.of_down(value.get()));
    let others = totals.liquidation_limit.saturating_sub(contribution);
    // Healthy exactly if this contributes what the others lack: the least price at which it does.
    let lacking = totals.debt_value.saturating_sub(others);
    let price = if lacking.is_zero() { None } else { least_price(leg, lacking).checked_sub(1) };
    CollateralView {
        asset: leg.asset,
        amount: leg.amount,
        feed: leg.terms.feed,
        price: leg.price,
        price_time,
        value,
        ltv: leg.ltv,
        threshold: leg.threshold,
        bonus_min: leg.bonus_min,
        bonus_max: leg.bonus_max,
        newest,
        moving,
        contribution,
        liquidation_price: price.map(Wad::new),
        margin: None,
    }
}

/// The least price at which a collateral contributes as much as `lacking`, or the largest number.
fn least_price(leg: &CollateralLeg, lacking: Wad) -> u128 {
    let value = mul_div_up_saturating(lacking.get(), BPS, leg.threshold.get().into());
    mul_div_up_saturating(value, unit(leg.terms.decimals), leg.amount.get())
}

fn debt_view(leg: &DebtLeg, totals: &Totals, premium: Bps, price_time: Timestamp) -> DebtView {
    let base = leg.accrued.borrow_rate();
    let value = leg.value();
    let others = totals.debt_value.saturating_sub(value);
    // HF < 1 exactly if this debt's value exceeds `room`.
    let room = totals.liquidation_limit.get().checked_sub(others.get());
    let price = room.and_then(|room| {
        let at_one = mul_div_down(room, unit(leg.line.decimals), leg.amount().get()).ok()?;
        at_one.checked_add(1)
    });
    DebtView {
        vault: leg.vault,
        asset: leg.accrued.record().asset,
        amount: leg.amount(),
        feed: leg.line.feed,
        price: leg.price,
        price_time,
        value,
        rate: base.saturating_add(Ray::new(premium.of_up(base.get()))),
        liquidation_price: price.map(Wad::new),
        margin: None,
    }
}

/// The plan for the largest debt against the largest collateral that can be sold; for a smaller debt if
/// none can be sold for that one, which hedges the others then.
fn likely_liquidation(position: &Position, market: &Market) -> Option<Plan> {
    let mut debts: Vec<_> = position.debts.iter().collect();
    debts.sort_by_key(|leg| core::cmp::Reverse(leg.value()));
    let mut legs: Vec<_> = position.collaterals.iter().collect();
    legs.sort_by_key(|leg| core::cmp::Reverse(leg.value()));
    let mut pairs = debts.iter().flat_map(|debt| legs.iter().map(move |leg| (debt.vault, leg)));
    pairs.find_map(|(vault, leg)| {
        let aim = Aim { vault, asset: leg.asset, max_repay: Assets::MAX };
        plan_liquidation(position, market, &aim).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Shares;
    use crate::margin::tests::position_of;
    use proptest::prelude::*;

    proptest! {
        /// LIQ-1: at a collateral's liquidation price the account is liquidatable, one unit of
        /// price more and it is not; likewise for the debt's, the other way round.
        #[test]
        fn liquidation_prices_are_exact(
            amounts in [1_u128..1 << 46, 1_u128..1 << 46], shares in 1_u128..1 << 80,
            prices in [1_u128..1 << 80, 1_u128..1 << 80, 1_u128..1 << 80], decimals in 0_u8..=27,
        ) {
            let position = position_of(&amounts, shares, prices, decimals);
            let totals = position.totals();
            let unhealthy = |position: &Position| position.totals().health_factor() < Wad::ONE;
            let with_price = |price: u128| {
                let mut moved = position.clone();
                moved.collaterals[0].price = Wad::new(price);
                moved
            };
            let view = collateral_view(
                &position.collaterals[0], &totals, Timestamp::ZERO, (Binding::default(), None),
            );
            if let Some(price) = view.liquidation_price {
                prop_assert!(unhealthy(&with_price(price.get())));
                // At the largest price it may be that none makes the account healthy.
                let highest = price.get() + 1 == u128::MAX;
                prop_assert!(highest || !unhealthy(&with_price(price.get() + 1)));
            } else {
                prop_assert!(!unhealthy(&with_price(0)));
            }
            let view = debt_view(&position.debts[0], &totals, Bps::ZERO, Timestamp::ZERO);
            let with_price = |price: u128| {
                let mut moved = position.clone();
                moved.debts[0].price = Wad::new(price);
                moved
            };
            if let Some(price) = view.liquidation_price {
                prop_assert!(unhealthy(&with_price(price.get())));
                prop_assert!(!unhealthy(&with_price(price.get() - 1)));
            }
            prop_assert_eq!(position.debts[0].debt.shares, Shares::new(shares));
            prop_assert_eq!(position.debts[0].accrued.record().index, Ray::ONE);
        }
    }
}
