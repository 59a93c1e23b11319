//! Liquidation: planned by one function, carried out by another.
//!
//! An account is liquidatable while its health factor `HF = W / D` is below one. While its
//! collateral covers the debt with the smallest bonuses (`cover ≥ D`), the named collateral `c` is
//! sold for the named debt, at the bonus
//!
//! `b = min(curve(HF), C/D − 1, HF/LT − 1)`
//!
//! with the collateral value `C` and `c`'s threshold `LT`: rising as health falls, never so much
//! that it leaves bad debt (LIQ-3) or that the rest is worse off than before (LIQ-2); a thousandth
//! less than the last two, so that rounding never undoes what a sale improves. The repaid
//! value brings the account back to the market's target health `T`:
//!
//! `x = (T·D − W) / (T − LT·(1 + b))` (source: Aave v4, `docs/features/LiquidationEngine.md`).
//!
//! With portfolio margin `W` is no sum over collaterals: bonus and size are searched for instead of
//! computed (`search`), to the same ends.
//!
//! Debt left below the minimum is repaid as well, collateral left below the minimum debt's value
//! is sold as well, as far as the other side allows.
//!
//! An insolvent account (`cover < D`) is closed out whole: liquidators repay the part `cover / D`
//! of every debt and take all collateral; the rest is bad debt and goes through the waterfall in
//! the same call (BAD-1).

use crate::debt::Debt;
use crate::error::Error;
use crate::fixed::{Assets, BPS, Bps, WAD, Wad, mul_div_down_saturating, mul_div_up_saturating};
use crate::ids::{AssetId, VaultId};
use crate::margin::{CollateralLeg, DebtLeg, Margin, Position, Totals, unit};
use crate::market::Market;
use crate::waterfall::Loss;
use alloc::vec;
use alloc::vec::Vec;

/// A repayment that leaves the minimum debt is at least this part of it, a hundredth; a smaller one
/// would move nothing that anybody wants, and the account would be stuck.
const WORTHWHILE_PART: u128 = 100;

/// The part of the largest bonus that stays with the account, a thousandth: the whole of it would
/// improve nothing, and rounding would refuse the sale.
const ROUNDING_PART: u128 = 1_000;

mod apply;
mod search;

pub(crate) use apply::announce_loss;
pub use apply::{Liquidation, Payment, liquidate, preview_liquidation};

/// Which debt to repay, how much of it at most, and which collateral to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The vault whose debt is repaid.
    pub vault: VaultId,
    /// The collateral that is taken.
    pub asset: AssetId,
    /// The most to repay to that vault.
    pub max_repay: Assets,
}

/// How an account is liquidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One debt against one collateral, back to the market's target health.
    Partial,
    /// Every debt and all collateral of an insolvent account.
    CloseOut,
}

/// What one vault gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repayment {
    /// The vault's place in the market's list.
    pub index: u8,
    /// Who is repaid.
    pub vault: VaultId,
    /// By how much.
    pub repaid: Assets,
    /// What is owed before.
    pub before: Debt,
    /// What is left of it, at the premium before: nothing in a close-out.
    pub left: Debt,
    /// What is written off, and who bears it; nothing in a partial liquidation.
    pub loss: Loss,
}

/// What the liquidator takes of one collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seizure {
    /// The collateral's place in the market's list.
    pub index: u8,
    /// What is taken.
    pub asset: AssetId,
    /// How much of it.
    pub seized: Assets,
}

/// Everything a liquidation changes; what previews show and what is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How the account is liquidated.
    pub kind: Kind,
    /// Its health factor before.
    pub health_before: Wad,
    /// Its health factor afterwards; the largest number without debt.
    pub health_after: Wad,
    /// What the liquidator gains per value repaid. In a close-out, over all collateral.
    pub bonus: Wad,
    /// What is repaid, the named vault first.
    pub repayments: Vec<Repayment>,
    /// What is taken, the named collateral first.
    pub seizures: Vec<Seizure>,
    /// The value of all that is written off, rounded up.
    pub bad_debt_value: Wad,
}

impl Plan {
    /// What is repaid to the named vault.
    #[must_use]
    pub fn repaid(&self) -> Assets {
        self.repayments.first().map_or(Assets::ZERO, |repayment| repayment.repaid)
    }

    /// What is taken of the named collateral.
    #[must_use]
    pub fn seized(&self) -> Assets {
        self.seizures.first().map_or(Assets::ZERO, |seizure| seizure.seized)
    }

    /// The bonus in whole basis points, rounded down.
    #[must_use]
    pub fn bonus_bps(&self) -> Bps {
        let points = mul_div_down_saturating(self.bonus.get(), BPS, WAD);
        Bps::new(u16::try_from(points).unwrap_or(u16::MAX))
    }
}

/// Plans the liquidation of a position. Its prices must be fresh for the plan to be carried out.
///
/// # Errors
/// [`Error::Healthy`]; [`Error::NoDebt`] to the named vault; [`Error::InsufficientCollateral`] if
/// nothing of the named one is pledged; [`Error::LiquidationWouldWorsen`] if another collateral
/// must be sold first; [`Error::CloseOutNeeds`] if `max_repay` is too small for a debt that only
/// goes in one piece; [`Error::ZeroShares`] and [`Error::ZeroAmount`] for steps that would move
/// only one side.
pub fn plan_liquidation(position: &Position, market: &Market, aim: &Aim) -> Result<Plan, Error> {
    let totals = position.totals();
    if totals.liquidation_limit >= totals.debt_value {
        return Err(Error::Healthy { health_factor: totals.health_factor() });
    }
    let mut debts = position.debts.iter();
    let debt = debts.find(|leg| leg.vault == aim.vault).ok_or(Error::NoDebt)?;
    let mut collaterals = position.collaterals.iter();
    let collateral = collaterals
        .find(|leg| leg.asset == aim.asset)
        .ok_or(Error::InsufficientCollateral { pledged: Assets::ZERO, asked: Assets::ZERO })?;
    if aim.max_repay.is_zero() {
        return Err(Error::ZeroAmount);
    }
    if totals.cover < totals.debt_value {
        return close_out(position, &totals, (debt, collateral), aim.max_repay);
    }
    let (bonus, max_repay) = (Wad::ZERO, aim.max_repay);
    let sale = Sale { position, totals, debt, collateral, bonus, max_repay };
    let bonus = sale.bonus_limit(totals.health_factor(), market)?;
    sale.at(bonus).plan(market.target_health)
}

/// The bonus at a health factor, between `bonus_min` at one and `bonus_max` at the market's
/// full-bonus health, rounded down.
#[must_use]
pub fn bonus_curve(health: Wad, full_bonus_health: Wad, bonus_min: Bps, bonus_max: Bps) -> Wad {
    let missing = Wad::ONE.saturating_sub(health.max(full_bonus_health));
    let range = Wad::ONE.saturating_sub(full_bonus_health);
    let spread = bonus_max.to_wad().saturating_sub(bonus_min.to_wad());
    let gain = mul_div_down_saturating(spread.get(), missing.get(), range.get().max(1));
    bonus_min.to_wad().saturating_add(Wad::new(gain.min(spread.get())))
}

/// One debt against one collateral at a bonus.
#[derive(Clone, Copy)]
pub(crate) struct Sale<'a> {
    position: &'a Position,
    totals: Totals,
    debt: &'a DebtLeg,
    collateral: &'a CollateralLeg,
    bonus: Wad,
    max_repay: Assets,
}

/// How much of a debt to repay.
#[derive(Clone, Copy)]
struct Size {
    /// What can be repaid.
    repay: Assets,
    /// What the target asks for; the largest amount if no sale reaches it.
    asked: Assets,
}

/// One step of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Debt repaid.
    pub(crate) repaid: Assets,
    /// What is left of the debt.
    pub(crate) left: Debt,
    /// Collateral taken.
    pub(crate) seized: Assets,
    /// Whether this is all that the target asks for: neither the buyers nor what is owed or pledged
    /// set its size.
    pub(crate) reaches_target: bool,
    /// The account's values afterwards.
    after: Totals,
}

impl<'a> Sale<'a> {
    /// A sale of `asset` for the debt to `vault` at no bonus; `None` if the position has not both.
    pub(crate) fn of(
        position: &'a Position,
        totals: Totals,
        vault: VaultId,
        asset: AssetId,
    ) -> Option<Self> {
        let mut debts = position.debts.iter();
        let mut collaterals = position.collaterals.iter();
        let debt = debts.find(|leg| leg.vault == vault && !leg.debt.is_zero())?;
        let collateral = collaterals.find(|leg| leg.asset == asset && !leg.amount.is_zero())?;
        let (bonus, max_repay) = (Wad::ZERO, Assets::MAX);
        Some(Self { position, totals, debt, collateral, bonus, max_repay })
    }

    pub(crate) const fn at(self, bonus: Wad) -> Self {
        Self { bonus, ..self }
    }

    pub(crate) const fn debt(&self) -> &'a DebtLeg {
        self.debt
    }

    pub(crate) const fn collateral(&self) -> &'a CollateralLeg {
        self.collateral
    }

    fn sold_per_value(&self) -> u128 {
        WAD.saturating_add(self.bonus.get())
    }

    /// The bonus of an account that was judged at `judged`: on the curve, and at most what leaves neither
    /// bad debt nor a less healthy account.
    ///
    /// # Errors
    /// [`Error::LiquidationWouldWorsen`] if any sale of this collateral would.
    pub(crate) fn bonus_limit(&self, judged: Wad, market: &Market) -> Result<Wad, Error> {
        let (totals, leg) = (&self.totals, self.collateral);
        let health = totals.health_factor();
        let Market { full_bonus_health, .. } = *market;
        let curve = bonus_curve(judged, full_bonus_health, leg.bonus_min, leg.bonus_max);
        let debt = totals.debt_value.get();
        let covered = mul_div_down_saturating(totals.collateral_value.get(), WAD, debt);
        let threshold = leg.threshold;
        let by_threshold = self.position.margin == Margin::Threshold;
        let kept = match u128::from(threshold.get()) {
            points if by_threshold && points != 0 => {
                mul_div_down_saturating(health.get(), BPS, points)
            }
            _ => u128::MAX,
        };
        let most = covered.min(kept).checked_sub(WAD);
        let most =
            most.ok_or(Error::LiquidationWouldWorsen { health_factor: health, threshold })?;
        let most = curve.min(Wad::new(most.saturating_sub(most.div_ceil(ROUNDING_PART))));
        if by_threshold { Ok(most) } else { self.improving_bonus(most) }
    }

    /// What must be repaid for `seized`, rounded up.
    pub(crate) fn cost(&self, seized: Assets) -> Assets {
        let leg = self.collateral;
        let value = mul_div_up_saturating(seized.get(), leg.price.get(), unit(leg.terms.decimals));
        let due = mul_div_up_saturating(value, WAD, self.sold_per_value());
        let decimals = self.debt.line.decimals;
        Assets::new(mul_div_up_saturating(due, unit(decimals), self.debt.price.get()))
    }

    /// What `repaid` buys, rounded down.
    pub(crate) fn proceeds(&self, repaid: Assets) -> Assets {
        let leg = self.collateral;
        if repaid >= self.cost(leg.amount) {
            return leg.amount;
        }
        let decimals = self.debt.line.decimals;
        let value = mul_div_down_saturating(repaid.get(), self.debt.price.get(), unit(decimals));
        let bought = mul_div_down_saturating(value, self.sold_per_value(), WAD);
        let units = mul_div_down_saturating(bought, unit(leg.terms.decimals), leg.price.get());
        Assets::new(units).min(leg.amount)
    }

    /// The size that brings the account to `target`, in whole units of collateral: at most one unit
    /// more than exact.
    fn size(&self, target: Wad) -> Size {
        let size = match self.position.margin {
            Margin::Threshold => {
                let asked = self.repayment_by_threshold(target);
                Size { repay: asked, asked }
            }
            Margin::Portfolio(_) => self.size_by_search(target),
        };
        Size { repay: size.repay.min(self.limit()), ..size }
    }

    fn repayment_by_threshold(&self, target: Wad) -> Assets {
        let Totals { debt_value, liquidation_limit, .. } = self.totals;
        let wanted = mul_div_up_saturating(debt_value.get(), target.get(), WAD);
        let missing = wanted.saturating_sub(liquidation_limit.get());
        let threshold = u128::from(self.collateral.threshold.get());
        let lost = mul_div_up_saturating(self.sold_per_value(), threshold, BPS);
        let gained = target.get().saturating_sub(lost);
        let value = mul_div_up_saturating(missing, WAD, gained);
        let sold = mul_div_up_saturating(value, self.sold_per_value(), WAD);
        let leg = self.collateral;
        let units = mul_div_up_saturating(sold, unit(leg.terms.decimals), leg.price.get());
        self.cost(Assets::new(units).min(leg.amount))
    }

    /// The most that may be repaid: what is owed, what the collateral is worth, what is offered.
    fn limit(&self) -> Assets {
        self.debt.amount().min(self.cost(self.collateral.amount)).min(self.max_repay)
    }

    /// Extends a repayment that would leave too little collateral to be worth selling.
    fn without_collateral_dust(&self, repaid: Assets) -> Assets {
        let leg = self.collateral;
        let whole = self.cost(leg.amount);
        let rest = leg.amount.saturating_sub(self.proceeds(repaid));
        let debt = self.debt;
        let floor = crate::margin::debt_value(debt.line.min_debt, debt.price, debt.line.decimals);
        let value = crate::margin::collateral_value(rest, leg.price, leg.terms.decimals);
        if !rest.is_zero() && value < floor && whole <= self.limit() { whole } else { repaid }
    }

    /// Adjusts a repayment that would leave less than the minimum debt: up to the whole debt if
    /// both sides can, else down to leave the minimum, if that repays enough to be worth it. Where
    /// neither can be, the collateral is exhausted and the rest of the debt stays small.
    fn without_debt_dust(&self, repaid: Assets) -> Result<Assets, Error> {
        let (debt, minimum) = (self.debt.amount(), self.debt.line.min_debt);
        let rest = debt.saturating_sub(repaid);
        if rest.is_zero() || minimum <= rest {
            return Ok(repaid);
        }
        let limit = self.limit();
        if limit >= debt {
            return Ok(debt);
        }
        let short = debt.saturating_sub(minimum);
        let least = Assets::new(minimum.get().div_ceil(WORTHWHILE_PART));
        if least <= short { Ok(repaid.min(short)) } else { self.exhausting() }
    }

    /// What all of the collateral repays, however little debt that leaves.
    fn exhausting(&self) -> Result<Assets, Error> {
        let affordable = self.debt.amount().min(self.cost(self.collateral.amount));
        if self.max_repay < affordable {
            return Err(Error::CloseOutNeeds { repay: affordable, offered: self.max_repay });
        }
        Ok(affordable)
    }

    fn plan(&self, target: Wad) -> Result<Plan, Error> {
        let sized = self.size(target).repay;
        let repaid = self.without_debt_dust(self.without_collateral_dust(sized))?;
        match self.outcome(repaid) {
            // Rounding on a few units can eat the improvement; the whole step then decides.
            Err(Error::LiquidationWouldWorsen { .. } | Error::ZeroShares { .. })
                if repaid < self.limit() =>
            {
                let whole = self.outcome(self.without_debt_dust(self.limit())?);
                whole.or_else(|_| self.outcome(self.exhausting()?))
            }
            outcome => outcome,
        }
    }

    /// The step to `target` for buyers of at most `capacity`. One that they cannot pay whole leaves
    /// the minimum debt.
    pub(crate) fn step_within(&self, target: Wad, capacity: Assets) -> Result<Step, Error> {
        let Size { repay: sized, asked } = self.size(target);
        let whole = self.without_debt_dust(self.without_collateral_dust(sized))?;
        if whole <= capacity {
            let all = self.exhausting()?;
            let exhaust = |why| if all <= capacity { self.step(all) } else { Err(why) };
            let step = self.step(whole).or_else(exhaust)?;
            let is_left = step.seized < self.collateral.amount;
            return Ok(Step { reaches_target: is_left && whole >= asked, ..step });
        }
        let (owed, minimum) = (self.debt.amount(), self.debt.line.min_debt);
        let rest = owed.saturating_sub(capacity);
        let leaves_dust = !rest.is_zero() && rest < minimum;
        self.step(if leaves_dust { owed.saturating_sub(minimum) } else { capacity })
    }

    /// What repaying exactly `repaid` does.
    fn step(&self, repaid: Assets) -> Result<Step, Error> {
        let seized = self.proceeds(repaid);
        if seized.is_zero() {
            return Err(Error::ZeroAmount);
        }
        let left = self.position.left_of(self.debt, repaid)?;
        let (old, new) = (self.totals, self.totals_after(left, seized)?);
        let closed = new.debt_value.is_zero();
        if !closed && !search::improved(&old, &new) {
            let health_factor = old.health_factor();
            let threshold = self.collateral.threshold;
            return Err(Error::LiquidationWouldWorsen { health_factor, threshold });
        }
        Ok(Step { repaid, left, seized, reaches_target: false, after: new })
    }

    /// The plan of repaying exactly `repaid`.
    fn outcome(&self, repaid: Assets) -> Result<Plan, Error> {
        let Step { repaid, left, seized, after, .. } = self.step(repaid)?;
        let (debt, leg) = (self.debt, self.collateral);
        let loss = Loss::default();
        let (index, vault, before) = (debt.index, debt.vault, debt.debt);
        let repayment = Repayment { index, vault, repaid, before, left, loss };
        let seizure = Seizure { index: leg.index, asset: leg.asset, seized };
        Ok(Plan {
            kind: Kind::Partial,
            health_before: self.totals.health_factor(),
            health_after: after.health_factor(),
            bonus: self.bonus,
            repayments: vec![repayment],
            seizures: vec![seizure],
            bad_debt_value: Wad::ZERO,
        })
    }

    /// The position's values with `left` of the debt and without `seized` of the collateral.
    fn totals_after(&self, left: Debt, seized: Assets) -> Result<Totals, Error> {
        let debt = DebtLeg { debt: left, ..*self.debt };
        let collateral =
            CollateralLeg { amount: self.collateral.amount.sub(seized)?, ..*self.collateral };
        Ok(self.position.totals_with(&collateral, &debt))
    }
}

/// Closes an insolvent account: every debt in the same proportion, rounded up, all collateral.
fn close_out(
    position: &Position,
    totals: &Totals,
    (named_debt, named_collateral): (&DebtLeg, &CollateralLeg),
    max_repay: Assets,
) -> Result<Plan, Error> {
    let mut repayments = Vec::with_capacity(position.debts.len());
    let mut seizures = Vec::with_capacity(position.collaterals.len());
    let mut bad_debt_value = Wad::ZERO;
    for leg in &position.debts {
        let owed = leg.amount();
        let part = mul_div_up_saturating(owed.get(), totals.cover.get(), totals.debt_value.get());
        let mut repaid = Assets::new(part).min(owed);
        if leg.index == named_debt.index {
            // Nothing is seized for nothing, however little it is worth.
            repaid = repaid.max(Assets::new(1));
            if repaid > max_repay {
                return Err(Error::CloseOutNeeds { repay: repaid, offered: max_repay });
            }
        }
        let loss = leg.accrued.loss_of(leg.debt, repaid, &leg.first_loss)?;
        let value = crate::margin::debt_value(loss.shortfall, leg.price, leg.line.decimals);
        bad_debt_value = bad_debt_value.saturating_add(value);
        let (index, vault, before, left) = (leg.index, leg.vault, leg.debt, Debt::ZERO);
        let entry = Repayment { index, vault, repaid, before, left, loss };
        repayments.push(entry);
    }
    for leg in &position.collaterals {
        seizures.push(Seizure { index: leg.index, asset: leg.asset, seized: leg.amount });
    }
    repayments.sort_by_key(|entry| entry.index != named_debt.index);
    seizures.sort_by_key(|entry| entry.index != named_collateral.index);
    let gained =
        mul_div_down_saturating(totals.collateral_value.get(), WAD, totals.cover.get().max(1));
    Ok(Plan {
        kind: Kind::CloseOut,
        health_before: totals.health_factor(),
        health_after: Wad::MAX,
        bonus: Wad::new(gained.saturating_sub(WAD)),
        repayments,
        seizures,
        bad_debt_value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Timestamp;
    use crate::margin::tests::position_of;
    use crate::pause::Pauses;
    use alloy_primitives::{Address, U256};
    use proptest::prelude::*;

    fn market() -> Market {
        Market {
            owner: Address::ZERO,
            pause: Pauses::default(),
            breaker: false,
            recognised: false,
            terms_version: 1,
            groups: 0,
            liquidation_resumes_at: Timestamp::ZERO,
            target_health: Wad::new(WAD * 105 / 100),
            full_bonus_health: Wad::new(WAD * 9 / 10),
            margin: crate::market::MarginModel::Threshold,
            collaterals: vec![AssetId::new(1), AssetId::new(2)],
            vaults: vec![VaultId::new(1)],
        }
    }

    proptest! {
        /// LIQ-2, LIQ-3, LIQ-5, BAD-1: every unhealthy position can be liquidated through some
        /// collateral; that improves or closes it, and pays no more than the bonus.
        #[test]
        fn the_unhealthy_can_be_liquidated(
            first in 1_u128 << 60..1 << 90, second in 0_u128..1 << 90, health in 1_u128..1_000,
            prices in [1_u128 << 50..1 << 70, 1_u128 << 50..1 << 70, 1_u128 << 50..1 << 70],
            max_repay in prop_oneof![Just(u128::MAX), 1_u128 << 40..1 << 90],
        ) {
            let amounts = if second == 0 { vec![first] } else { vec![first, second] };
            let probe = position_of(&amounts, 1, prices, 18);
            // Debt such that the health factor is `health` thousandths.
            let limit = U256::from(probe.totals().liquidation_limit.get());
            let debt = limit * U256::from(1_000) / U256::from(health);
            let shares = debt * U256::from(WAD) / U256::from(prices[2]);
            prop_assume!(shares < U256::from(1_u128 << 100) && shares > U256::from(1_u128 << 40));
            let position = position_of(&amounts, shares.to(), prices, 18);
            let totals = position.totals();
            prop_assume!(totals.health_factor() < Wad::ONE);
            let max_repay = Assets::new(max_repay);
            let plans: Vec<_> = position.collaterals.iter().map(|leg| {
                let aim = Aim { vault: VaultId::new(1), asset: leg.asset, max_repay };
                plan_liquidation(&position, &market(), &aim)
            }).collect();
            if max_repay == Assets::MAX {
                prop_assert!(plans.iter().any(Result::is_ok), "LIQ-5: {plans:?}");
            }
            for plan in plans.into_iter().flatten() {
                prop_assert!(plan.repaid() <= max_repay);
                prop_assert!(!plan.repaid().is_zero() && !plan.seized().is_zero());
                let closed = plan.kind == Kind::CloseOut;
                prop_assert!(closed || plan.health_after >= plan.health_before, "LIQ-2: {plan:?}");
                prop_assert_eq!(closed, totals.cover < totals.debt_value);
                let price = |seizure: &Seizure| if seizure.index == 0 { prices[0] } else { prices[1] };
                let got: U256 = plan.seizures.iter()
                    .map(|seizure| U256::from(seizure.seized.get()) * U256::from(price(seizure)))
                    .fold(U256::ZERO, |sum, value| sum + value);
                let paid = U256::from(plan.repaid().get()) * U256::from(prices[2]);
                let bonus = U256::from(WAD + plan.bonus.get() + u128::from(closed));
                // One value unit, and one unit of the seized asset (LIQ-3).
                let slack = U256::from(2 * WAD + prices[0].max(prices[1]));
                prop_assert!(got <= paid * bonus / U256::from(WAD) + slack, "LIQ-3: {plan:?}");
                prop_assert!(plan.bonus_bps() <= Bps::new(1_000));
            }
        }

        /// LIQ-2: without limits from outside, a partial liquidation ends at the target or closes.
        #[test]
        fn partial_liquidation_meets_its_target(first in 1_u128 << 70..1 << 90, health in 900_u128..1_000) {
            let prices = [WAD, WAD, WAD];
            let shares = first / 10_000 * 8_000 / health * 1_000;
            let position = position_of(&[first], shares, prices, 18);
            let aim = Aim { vault: VaultId::new(1), asset: AssetId::new(1), max_repay: Assets::MAX };
            let plan = plan_liquidation(&position, &market(), &aim)?;
            let target = market().target_health.get();
            let near = plan.health_after.get().abs_diff(target) < WAD / 1_000_000;
            prop_assert!(near || plan.health_after == Wad::MAX, "{plan:?}");
        }

        /// LIQ-2: no debt is left below the minimum, unless the collateral is exhausted.
        #[test]
        fn no_dust_is_left_of_the_debt(first in 1_u128..100_000, health in 900_u128..1_000) {
            let shares = first * 8_000 / 10 / health;
            let position = position_of(&[first], shares.max(1), [WAD, WAD, WAD], 18);
            let (debt, minimum) = (position.debts[0].amount(), position.debts[0].line.min_debt);
            let aim = Aim { vault: VaultId::new(1), asset: AssetId::new(1), max_repay: Assets::MAX };
            if let Ok(plan) = plan_liquidation(&position, &market(), &aim)
                && plan.kind == Kind::Partial
            {
                let rest = debt.sub(plan.repaid())?;
                // A debt of less than twice the minimum goes whole, and so do those in between.
                prop_assert!(rest.is_zero() || rest >= minimum, "{rest} left: {plan:?}");
                prop_assert!(rest.is_zero() || debt > minimum);
            }
        }

        /// LIQ-3: the bonus falls as health rises, between its ends.
        #[test]
        fn bonus_curve_is_monotone(a in 0_u128..=WAD, b in 0_u128..=WAD, full in WAD / 10..WAD, low in 0_u16..1_000, more in 0_u16..1_000) {
            let (low, high) = (Bps::new(low), Bps::new(low + more));
            let curve = |health: u128| bonus_curve(Wad::new(health), Wad::new(full), low, high);
            prop_assert!(curve(a.min(b)) >= curve(a.max(b)));
            prop_assert_eq!(curve(WAD), low.to_wad());
            prop_assert_eq!(curve(full), high.to_wad());
        }
    }

    /// LIQ-2: a debt whose rest would be below the minimum is repaid whole.
    #[test]
    fn a_debt_that_would_leave_dust_is_repaid_whole() {
        let position = position_of(&[1_781], 1_500, [WAD, WAD, WAD], 18);
        let aim = Aim { vault: VaultId::new(1), asset: AssetId::new(1), max_repay: Assets::MAX };
        let plan = plan_liquidation(&position, &market(), &aim).unwrap();
        assert_eq!((plan.repaid(), plan.health_after), (Assets::new(1_500), Wad::MAX));
        let aim = Aim { max_repay: Assets::new(1_499), ..aim };
        let plan = plan_liquidation(&position, &market(), &aim).unwrap();
        assert_eq!(plan.repaid(), Assets::new(500), "the minimum is left instead");
    }
}
