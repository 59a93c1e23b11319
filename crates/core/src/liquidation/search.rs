//! Sizing a sale where limits are no sums over collaterals: in a market with portfolio margin.
//!
//! The liquidation limit `W` is then concave in what an account has, and so are along a sale `W − T·D`
//! and, but for a slope of the same sign, `W / D`: what reaches the target is one stretch of sizes, and
//! health rises up to one peak. Halving finds both, in a bounded number of steps, to a part in 2^32 of
//! the largest sale.

use super::{ROUNDING_PART, Sale, Size};
use crate::error::Error;
use crate::fixed::{Assets, WAD, Wad, product_at_most};
use crate::margin::Totals;

/// How often a stretch is halved.
const HALVINGS: u32 = 32;
/// A bonus is tried on this part of the largest sale.
const TRIAL_PART: u128 = 1_024;
/// A trial is of at least so many base units, so that rounding does not decide it.
const TRIAL_UNITS: u128 = 1_000;
/// Halvings of a bonus: to a part in 2^12 of it.
const BONUS_HALVINGS: u32 = 12;

/// Whether health is at least as good in `now` as in `before`.
pub(super) fn improved(before: &Totals, now: &Totals) -> bool {
    product_at_most(
        before.liquidation_limit.get(),
        now.debt_value.get(),
        now.liquidation_limit.get(),
        before.debt_value.get(),
    )
}

impl Sale<'_> {
    /// The account's values after a sale of so many base units, none of them if that repays nothing.
    fn after_selling(&self, units: u128) -> Option<Totals> {
        let repaid = self.cost(Assets::new(units)).min(self.debt.amount());
        let left = self.position.left_of(self.debt, repaid).ok()?;
        self.totals_after(left, Assets::new(units)).ok()
    }

    fn reaches(&self, units: u128, target: Wad) -> bool {
        let totals = self.after_selling(units).unwrap_or(self.totals);
        let (limit, owed) = (totals.liquidation_limit.get(), totals.debt_value.get());
        product_at_most(owed, target.get(), limit, WAD)
    }

    /// The size that brings the account to `target`; the one that brings it nearest if none does.
    pub(super) fn size_by_search(&self, target: Wad) -> Size {
        let most = self.proceeds(self.debt.amount()).get();
        let last = if self.reaches(most, target) { most } else { self.peak(most) };
        if !self.reaches(last, target) {
            return Size { repay: self.cost(Assets::new(last)), asked: Assets::MAX };
        }
        let (mut short, mut enough) = (0_u128, last);
        for _ in 0..HALVINGS {
            let middle = short.midpoint(enough);
            if middle == short {
                break;
            }
            if self.reaches(middle, target) {
                enough = middle;
            } else {
                short = middle;
            }
        }
        let asked = self.cost(Assets::new(enough));
        Size { repay: asked, asked }
    }

    /// Where health is best, up to a sale of `most` units.
    fn peak(&self, most: u128) -> u128 {
        let at = |units: u128| self.after_selling(units).unwrap_or(self.totals);
        let step = most.wrapping_shr(HALVINGS).max(1);
        // Where nothing is left of the limit, health is zero on either side: away from there.
        let from_something = !self.totals.liquidation_limit.is_zero();
        let rises = |units: u128| {
            let (here, there) = (at(units), at(units.saturating_add(step).min(most)));
            let lost = here.liquidation_limit.is_zero() && there.liquidation_limit.is_zero();
            improved(&here, &there) && !(lost && from_something)
        };
        if rises(most.saturating_sub(step)) {
            return most;
        }
        let (mut low, mut high) = (0_u128, most);
        for _ in 0..HALVINGS {
            let middle = low.midpoint(high);
            if middle == low {
                break;
            }
            if rises(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// The largest bonus up to `most` at which a small sale leaves the account no less healthy.
    ///
    /// # Errors
    /// [`Error::LiquidationWouldWorsen`] if none at all does.
    pub(super) fn improving_bonus(self, most: Wad) -> Result<Wad, Error> {
        let (totals, threshold) = (self.totals, self.collateral.threshold);
        let all = self.proceeds(self.debt.amount()).get();
        let trial = all.wrapping_div(TRIAL_PART).max(TRIAL_UNITS).min(all);
        let fits = |sale: &Self| {
            let after = sale.after_selling(trial);
            after.is_none_or(|after| improved(&totals, &after))
        };
        let sale = self.at(most);
        if fits(&sale) {
            return Ok(most);
        }
        let mut sale = sale.at(Wad::ZERO);
        if !fits(&sale) {
            let health_factor = totals.health_factor();
            return Err(Error::LiquidationWouldWorsen { health_factor, threshold });
        }
        let (mut low, mut high) = (0_u128, most.get());
        for _ in 0..BONUS_HALVINGS {
            let middle = low.midpoint(high);
            sale = sale.at(Wad::new(middle));
            if fits(&sale) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(Wad::new(low.saturating_sub(low.div_ceil(ROUNDING_PART))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Aim, Kind, plan_liquidation};
    use super::*;
    use crate::fixed::{BPS, Timestamp};
    use crate::ids::{AssetId, VaultId};
    use crate::margin::tests::{debt_leg, position_of};
    use crate::margin::{Margin, Position};
    use crate::market::{MarginModel, Market};
    use crate::pause::Pauses;
    use crate::portfolio::InForce;
    use crate::portfolio::requirement::tests::any_margin;
    use alloy_primitives::Address;
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
            margin: MarginModel::Portfolio,
            collaterals: vec![AssetId::new(1), AssetId::new(2)],
            vaults: vec![VaultId::new(1), VaultId::new(2)],
        }
    }

    /// Two collaterals and two debts of some of the same assets, scaled so that health is near what is
    /// asked for in thousandths.
    fn any_position() -> impl Strategy<Value = Position> {
        let amount = || 1_u128 << 60..1_u128 << 85;
        let debts = [(1_u32..4, amount()), (1_u32..4, amount())];
        (any_margin(), [amount(), amount()], debts, 800_u128..1_000).prop_filter_map(
            "an unhealthy account",
            |(mut margin, amounts, debts, thousandths)| {
                // Hedges within what the bonuses of these collaterals allow.
                for set in [&mut margin.before, &mut margin.now] {
                    for (_, factor) in &mut set.factors {
                        factor.hedge_threshold = factor.hedge_threshold.min(crate::Bps::new(9_000));
                    }
                }
                let build = |scale: u128| {
                    let mut position = position_of(&amounts, 1, [WAD; 3], 18);
                    position.debts.clear();
                    for (index, (asset, shares)) in debts.iter().enumerate() {
                        let shares = (shares / 1_000).saturating_mul(scale).max(1);
                        position.debts.push(debt_leg(index as u8, *asset, shares, WAD));
                    }
                    position.margin = Margin::Portfolio(Box::new(InForce::clone(&margin)));
                    position
                };
                // The smallest debt that is unhealthy, and then some.
                let (mut low, mut high) = (0_u128, 1 << 40);
                while high - low > 1 {
                    let middle = low.midpoint(high);
                    let totals = build(middle).totals();
                    if totals.liquidation_limit < totals.debt_value {
                        high = middle
                    } else {
                        low = middle
                    }
                }
                let position = build(high * 1_000 / thousandths);
                let totals = position.totals();
                (totals.liquidation_limit < totals.debt_value).then_some(position)
            },
        )
    }

    fn plans(position: &Position) -> Vec<Result<super::super::Plan, Error>> {
        let pairs = position
            .debts
            .iter()
            .flat_map(|debt| position.collaterals.iter().map(move |leg| (debt.vault, leg.asset)));
        let aim = |(vault, asset)| Aim { vault, asset, max_repay: Assets::MAX };
        pairs.map(|pair| plan_liquidation(position, &market(), &aim(pair))).collect()
    }

    proptest! {
        /// LIQ-2, LIQ-3, LIQ-5: every unhealthy account can be liquidated through some pair; that improves
        /// or closes it, and pays no more than the bonus.
        #[test]
        fn the_unhealthy_can_be_liquidated(position in any_position()) {
            let totals = position.totals();
            let plans = plans(&position);
            prop_assert!(plans.iter().any(Result::is_ok), "LIQ-5: {plans:?}");
            for plan in plans.into_iter().flatten() {
                let closed = plan.kind == Kind::CloseOut;
                prop_assert!(closed || plan.health_after >= plan.health_before, "LIQ-2: {plan:?}");
                prop_assert_eq!(closed, totals.cover < totals.debt_value);
                prop_assert!(plan.bonus_bps() <= crate::Bps::new(1_000));
                if !closed {
                    let most = plan.repaid().get() + plan.repaid().get() / BPS
                        * (u128::from(plan.bonus_bps().get()) + 1);
                    prop_assert!(plan.seized().get() <= most + 2, "LIQ-3: {plan:?}");
                }
            }
        }

        /// LIQ-2: a sale ends at the target, as near as steps allow, where some sale reaches it.
        #[test]
        fn a_sale_ends_at_its_target(position in any_position()) {
            let totals = position.totals();
            prop_assume!(totals.cover >= totals.debt_value);
            for (debt, leg) in position.debts.iter().flat_map(|debt| position.collaterals.iter().map(move |leg| (debt, leg))) {
                let sale = Sale::of(&position, totals, debt.vault, leg.asset).unwrap();
                let target = Wad::new(WAD * 105 / 100);
                let Size { repay, asked } = sale.size_by_search(target);
                let after = sale.after_selling(sale.proceeds(repay).get()).unwrap();
                if asked == Assets::MAX {
                    prop_assert!(after.health_factor() < target);
                    // No sale in a grid gets further.
                    let most = sale.proceeds(debt.amount()).get();
                    for part in 0..=64_u128 {
                        let other = sale.after_selling(most / 64 * part).unwrap_or(totals);
                        let ahead = other.health_factor().get().saturating_sub(after.health_factor().get());
                        prop_assert!(ahead <= WAD / 1_000_000, "{other:?} beyond {after:?}");
                    }
                } else {
                    prop_assert!(after.health_factor().get() >= target.get() - 2);
                    let closed = after.debt_value.get() < WAD;
                    prop_assert!(closed || after.health_factor().get() < target.get() + WAD / 1_000_000, "{after:?}");
                }
            }
        }
    }
}
