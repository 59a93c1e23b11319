//! How far an account with portfolio margin is from its alert: by how much it could lose.
//!
//! Its health is no ratio of sums, but its slack `s = C − R − T·D` at the alert `T` never falls when a
//! collateral rises or a debt falls (HLT-2), and a part `ε` of a collateral less or of a debt more costs
//! at most `ε·G` with
//!
//! ```text
//! G = Σ vᵢ·(1 + rᵢ) + Σ dⱼ·(T + rⱼ)
//! rᵢ = max(k·σᵢ − costᵢ, 0)         what a requirement gains where a collateral that hedges falls
//! rⱼ = max(k·σⱼ + costⱼ, floor)     and where a debt rises
//! ```
//!
//! Thresholds and parameters move too: a threshold that falls by `δ` raises the requirement by `δ` of the
//! collateral at most, and a part `δ` of a ramp by `δ` of all that is owned and owed, as no set requires
//! more than that. Both are parts of `G`. So an account that was filed under the key `s/G` is above its
//! alert while what has moved since is less than the key; a set that replaces another counts as a whole.

use super::ratio::{grown_up, ratio_one, scaled_down, scaled_up, wide};
use super::reference::{DEBT_MIN, KEY_ONE};
use super::scene::Scales;
use crate::account::{Account, Pledge};
use crate::fixed::{BPS, Bps, WAD, Wad, mul_div_up_saturating};
use crate::ids::AssetId;
use crate::portfolio::{Exposure, InForce, Limit, ParameterSet, Side, Sigma};
use alloc::vec::Vec;
use alloy_primitives::U256;

/// One, of a weight `1 + r`.
const WEIGHT_ONE: u64 = 1_000_000;
/// A class's newest band takes accounts while so little has moved since it was opened: 2 %.
const NEAR: u64 = KEY_ONE / 50;

/// What a market with portfolio margin says at one moment.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub(super) in_force: InForce,
    /// What each collateral is.
    pub(super) collaterals: Vec<AssetId>,
    /// The asset of each vault.
    pub(super) debts: Vec<AssetId>,
}

/// What a band remembers of the moment at which it was opened; of some collaterals and debts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Price, threshold and weight of each collateral.
    collaterals: Vec<(U256, Bps, u64)>,
    /// The weight of each debt.
    debts: Vec<u64>,
    /// How many sets there have been and how far the newest has come, in ratio steps.
    progress: U256,
}

/// `1 + r`, rounded up, of whatever set in force has more.
fn weight(in_force: &InForce, asset: AssetId, side: Side) -> u64 {
    let of = |set: &ParameterSet| {
        let Some(terms) = set.terms else {
            return 0;
        };
        let found = set.factors.iter().find(|(other, _)| *other == asset);
        let Some((_, factor)) = found else {
            // It costs its whole value.
            return if side == Side::Debt { WEIGHT_ONE } else { 0 };
        };
        let sigma = u64::from(factor.sigma.get());
        let ppm =
            |part: Bps| u64::from(part.get()).saturating_mul(u64::from(Sigma::ONE.get()) / 10_000);
        let risk = sigma.saturating_mul(terms.k_liquidation.get().into()).div_ceil(10_000);
        match side {
            Side::Collateral => risk.saturating_sub(ppm(factor.cost)),
            Side::Debt => risk.saturating_add(ppm(factor.cost)).max(ppm(terms.floor)),
        }
    };
    WEIGHT_ONE.saturating_add(of(&in_force.before).max(of(&in_force.now)))
}

impl Present {
    /// This moment for the collaterals at these places, with price and threshold, and the debts at those.
    pub(super) fn moment(
        &self,
        collaterals: impl Iterator<Item = (usize, (U256, Bps))>,
        debts: impl Iterator<Item = usize>,
    ) -> Moment {
        let in_force = &self.in_force;
        let owned = collaterals.filter_map(|(place, (price, threshold))| {
            Some((self.collaterals.get(place).copied()?, price, threshold))
        });
        let owed = debts.filter_map(|place| self.debts.get(place).copied());
        let (done, length) = in_force.progress;
        let part = match done >= length {
            true => ratio_one(),
            false => scaled_up(U256::from(done), ratio_one(), U256::from(length)),
        };
        let generation = U256::from(in_force.generation).saturating_mul(ratio_one());
        Moment {
            collaterals: owned
                .map(|(asset, price, threshold)| {
                    (price, threshold, weight(in_force, asset, Side::Collateral))
                })
                .collect(),
            debts: owed.map(|asset| weight(in_force, asset, Side::Debt)).collect(),
            progress: generation.saturating_add(part),
        }
    }
}

/// `now / then` of a weight where that is more than one, of a ratio.
fn weighed(ratio: U256, now: u64, then: u64) -> U256 {
    scaled_up(ratio, U256::from(now.max(then)), U256::from(then))
}

impl Moment {
    /// How much thresholds have fallen and parameters moved until `later`, in ratio steps.
    fn terms_moved(&self, later: &Self) -> U256 {
        let pairs = self.collaterals.iter().zip(&later.collaterals);
        let falls = pairs.map(|((_, then, _), (_, now, _))| then.get().saturating_sub(now.get()));
        let fall = falls.max().unwrap_or_default();
        let fall = scaled_up(U256::from(fall), ratio_one(), wide(BPS));
        fall.saturating_add(later.progress.abs_diff(self.progress))
    }

    /// What of `G` accounts of this moment can have lost until `later`, in ratio steps, with the prices
    /// and indexes of their debts.
    fn moved(&self, later: &Self, debts: impl Iterator<Item = Debts>) -> U256 {
        let mut most = U256::ZERO;
        for (then, now) in self.collaterals.iter().zip(&later.collaterals) {
            // What was worth nothing then was filed as nothing.
            let fallen = then.0.saturating_sub(now.0);
            if !fallen.is_zero() {
                most = most.max(weighed(scaled_up(fallen, ratio_one(), then.0), now.2, then.2));
            }
        }
        for (Debts { then, now, growth }, (old, new)) in
            debts.zip(self.debts.iter().zip(&later.debts))
        {
            let price = scaled_up(now.0, ratio_one(), then.0);
            let ratio = scaled_up(price, grown_up(now.1, then.1, growth), ratio_one());
            most = most.max(weighed(ratio.saturating_sub(ratio_one()), *new, *old));
        }
        most.saturating_add(self.terms_moved(later))
    }

    /// The key below which an account filed at this moment may be below its alert at `later`.
    pub(super) fn bound(&self, later: &Self, debts: impl Iterator<Item = Debts>) -> u64 {
        let keys = scaled_up(self.moved(later, debts), U256::from(KEY_ONE), ratio_one());
        let slack = keys.wrapping_div(U256::from(KEY_ONE)).saturating_add(U256::from(2));
        u64::try_from(keys.saturating_add(slack)).unwrap_or(u64::MAX)
    }

    /// Whether a band of this bound still takes accounts.
    pub(super) const fn is_near(bound: u64) -> bool {
        bound <= NEAR
    }

    /// By how much an account's `G` can have grown until `later`, in key steps.
    pub(super) fn growth(&self, later: &Self, debts: impl Iterator<Item = Debts>) -> u64 {
        let mut most = ratio_one();
        for (then, now) in self.collaterals.iter().zip(&later.collaterals) {
            // What was worth nothing then was filed as nothing: nobody knows what it became.
            let price = match then.0.is_zero() && now.0.is_zero() {
                true => U256::ZERO,
                false => scaled_up(now.0, ratio_one(), then.0),
            };
            most = most.max(weighed(price.max(ratio_one()), now.2, then.2));
        }
        for (Debts { then, now, growth }, (old, new)) in
            debts.zip(self.debts.iter().zip(&later.debts))
        {
            let price = scaled_up(now.0, ratio_one(), then.0);
            let ratio = scaled_up(price, grown_up(now.1, then.1, growth), ratio_one());
            most = most.max(weighed(ratio.max(ratio_one()), *new, *old));
        }
        let keys = scaled_up(most, U256::from(KEY_ONE), ratio_one());
        u64::try_from(keys).unwrap_or(u64::MAX)
    }

    /// The key, at a later moment to which this bound and growth lead, of an account with `key` at this
    /// one: its slack has shrunk by the bound of `G` at most.
    pub(super) fn moved_key(key: u64, bound: u64, growth: u64) -> u64 {
        let left = u128::from(key.saturating_sub(bound)).saturating_mul(KEY_ONE.into());
        u64::try_from(left.checked_div(growth.into()).unwrap_or_default()).unwrap_or_default()
    }

    /// What each collateral is worth at this moment, rounded down, with its place.
    pub(super) fn owned(&self, account: &Account, scales: &Scales) -> Vec<(usize, U256)> {
        let legs = account.collaterals.iter().zip(&self.collaterals);
        let value = |(pledge, (price, ..)): (&Pledge, &(U256, Bps, u64))| {
            let place = usize::from(pledge.index);
            let units = scales.collaterals.get(place).map_or(1, |leg| leg.unit);
            (place, scaled_down(wide(pledge.amount.get()), *price, wide(units)))
        };
        legs.map(value).collect()
    }

    /// The key of an account with these values at this moment's prices, judged by what is in force at
    /// `present`: rounded down; zero for a debt too small to be exact about.
    pub(super) fn key(
        &self,
        values: &Values,
        (present, moment): (&Present, &Self),
        alert: Wad,
    ) -> u64 {
        let mut exposures =
            Vec::with_capacity(values.owned.len().saturating_add(values.owed.len()));
        let (mut owned, mut owed, mut most) = (0_u128, 0_u128, U256::ZERO);
        let weights = self.collaterals.iter().map(|(_, _, weight)| *weight);
        let thresholds = moment.collaterals.iter().map(|(_, threshold, _)| *threshold);
        for (((place, value), weight), threshold) in
            values.owned.iter().zip(weights).zip(thresholds)
        {
            let Some(asset) = present.collaterals.get(*place).copied() else {
                return 0;
            };
            let (side, value) = (Side::Collateral, saturated(*value));
            owned = owned.saturating_add(value.get());
            most = most.saturating_add(wide(value.get()).saturating_mul(U256::from(weight)));
            exposures.push(Exposure { asset, side, value, ltv: Bps::ZERO, threshold });
        }
        let ahead = u64::try_from(alert.get().saturating_sub(WAD).div_ceil(WAD / 1_000_000));
        let ahead = ahead.unwrap_or(u64::MAX);
        for ((place, value), weight) in values.owed.iter().zip(&self.debts) {
            let Some(asset) = present.debts.get(*place).copied() else {
                return 0;
            };
            let (side, value) = (Side::Debt, saturated(*value));
            owed = owed.saturating_add(value.get());
            let weight = U256::from(weight.saturating_add(ahead));
            most = most.saturating_add(wide(value.get()).saturating_mul(weight));
            let (ltv, threshold) = (Bps::ZERO, Bps::ZERO);
            exposures.push(Exposure { asset, side, value, ltv, threshold });
        }
        if owed < DEBT_MIN || owed == u128::MAX {
            return 0;
        }
        let required = present.in_force.requirement(&exposures, Limit::Liquidation).total;
        let wanted = mul_div_up_saturating(owed, alert.get(), WAD);
        let kept = wide(wanted).saturating_add(wide(required.get()));
        let slack = wide(owned).saturating_sub(kept);
        let steps = U256::from(KEY_ONE).saturating_mul(U256::from(WEIGHT_ONE));
        let key = slack.saturating_mul(steps).checked_div(most).unwrap_or_default();
        // It was judged by other terms than this moment's.
        let apart = moment.terms_moved(self).max(self.terms_moved(moment));
        let apart = scaled_up(apart, U256::from(KEY_ONE), ratio_one());
        u64::try_from(key.saturating_sub(apart)).unwrap_or_default()
    }
}

fn saturated(value: U256) -> Wad {
    Wad::new(u128::try_from(value).unwrap_or(u128::MAX))
}

/// Price and index of a debt at two moments, and how many times faster than the index it may grow.
pub(super) struct Debts {
    pub(super) then: (U256, U256),
    pub(super) now: (U256, U256),
    pub(super) growth: u8,
}

/// What an account's legs are worth at a reference, with their places in the market's lists.
pub(super) struct Values {
    pub(super) owned: Vec<(usize, U256)>,
    pub(super) owed: Vec<(usize, U256)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::requirement::tests::any_margin;
    use proptest::prelude::*;

    /// Dollars of two collaterals and a debt at prices in percent, in that moment.
    fn values(amounts: [u128; 3], prices: [u128; 3]) -> Values {
        let worth = |place: usize| wide(amounts[place] * prices[place] / 100);
        Values { owned: vec![(0, worth(0)), (1, worth(1))], owed: vec![(0, worth(2))] }
    }

    fn moment(present: &Present, prices: [u128; 3], thresholds: [u16; 2]) -> Moment {
        let owned = [0, 1].map(|i| (i, (wide(prices[i]), Bps::new(thresholds[i]))));
        present.moment(owned.into_iter(), core::iter::once(0))
    }

    #[test]
    fn only_debts_too_small_to_be_exact_about_have_no_key() {
        let [collaterals, debts] = [vec![AssetId::new(1), AssetId::new(2)], vec![AssetId::new(3)]];
        let present = Present { in_force: InForce::default(), collaterals, debts };
        let then = moment(&present, [100; 3], [8_000; 2]);
        let key = |owed| then.key(&values([WAD, WAD, owed], [100; 3]), (&present, &then), Wad::ONE);
        assert_eq!(key(DEBT_MIN - 1), 0);
        assert!(key(DEBT_MIN) > 0 && key(WAD) > 0);
    }

    proptest! {
        /// LIQ-5: an account whose key is not below the bound is above its alert, and a key that was
        /// carried to a later moment is no better than the one that it would be filed under there.
        #[test]
        fn keys_bound_what_can_be_lost(
            margin in any_margin(), amounts in prop::array::uniform3(1_u128 << 60..1 << 80),
            prices in prop::array::uniform3(20_u128..300), later in prop::array::uniform3(20_u128..300),
            near in any::<bool>(), thresholds in prop::array::uniform2(6_000_u16..9_000),
            falls in prop::array::uniform2(0_u16..300), hours in 0_u64..=24, alert in 100_u128..150,
        ) {
            let later = if near {
                core::array::from_fn(|i| prices[i] * (95 + later[i] % 10) / 100)
            } else {
                later
            };
            let [assets, debts] = [vec![AssetId::new(1), AssetId::new(2)], vec![AssetId::new(3)]];
            let present = Present { in_force: margin, collaterals: assets, debts };
            let mut moved = present.clone();
            moved.in_force.progress.0 = moved.in_force.progress.0.max(hours * 3_600);
            let fallen = core::array::from_fn(|i| thresholds[i] - falls[i]);
            let (then, now) = (moment(&present, prices, thresholds), moment(&moved, later, fallen));
            let alert = Wad::new(alert * WAD / 100);
            let index = wide(crate::RAY);
            let debts = || core::iter::once(Debts {
                then: (wide(prices[2]), index), now: (wide(later[2]), index), growth: 1,
            });
            let key = then.key(&values(amounts, prices), (&present, &then), alert);
            let there = now.key(&values(amounts, later), (&moved, &now), alert);
            let (bound, growth) = (then.bound(&now, debts()), then.growth(&now, debts()));
            // A key of zero says nothing of how far below the alert.
            prop_assert!(key < bound || there > 0, "{key} {bound}");
            prop_assert!(Moment::moved_key(key, bound, growth) <= there.saturating_add(2));
            // And no more is lost than that: where nothing moved, a key stays what it was but for rounding.
            let still = || debts().map(|debt| Debts { now: debt.then, ..debt });
            let (bound, growth) = (then.bound(&then, still()), then.growth(&then, still()));
            prop_assert!(Moment::moved_key(key, bound, growth) >= key.saturating_sub(2));
        }
    }
}
