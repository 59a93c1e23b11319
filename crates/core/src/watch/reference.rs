//! The moment at which a band was opened: what an account is filed under there, and how far what has moved since can
//! have brought it.

use super::composition::Composition;
use super::ratio::{grown_down, grown_up, ratio_one, scaled_down, scaled_up, wide};
use super::scene::Scales;
use super::slack::{Debts, Moment, Values};
use crate::account::Account;
use crate::fixed::{BPS, RAY, WAD, Wad};
use alloc::vec::Vec;
use alloy_primitives::U256;

/// Keys count health over alert in steps of 1e-9.
pub(super) const KEY_ONE: u64 = 1_000_000_000;
/// The largest key: a band that is suspected whole is suspected beyond it.
const KEY_MAX: u64 = u64::MAX - 1;
/// Debts below this many dollars at the reference, 1e-3, are always suspected.
pub(super) const DEBT_MIN: u128 = WAD / 1_000;
/// A band whose debts have fallen to this part of their reference, 2^-9, is suspected whole.
const RATIO_LOW: U256 = U256::from_limbs([1 << 55, 0, 0, 0]);
/// A class's newest band takes accounts while its bound is at most this: 2 % from its reference.
const BOUND_NEAR: u64 = 1_020_000_000;

/// What a unit of each collateral counted when a band was opened, and the price and index of each
/// debt, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    collaterals: Vec<U256>,
    debts: Vec<(U256, U256)>,
    growth: u8,
    /// What else there is to compare in a market with portfolio margin.
    moment: Option<Moment>,
}

impl Reference {
    /// That of a class at the moment of these scales.
    pub(super) fn of(composition: Composition, scales: &Scales) -> Self {
        let debt = |place: usize| {
            scales.debts.get(place).map_or((U256::ZERO, U256::ZERO), |(p, index, _)| (*p, *index))
        };
        Self {
            collaterals: composition
                .collaterals()
                .map(|i| scales.collateral(composition, i))
                .map(|(price, threshold)| price.saturating_mul(U256::from(threshold.get())))
                .collect(),
            debts: composition.debts().map(debt).collect(),
            growth: composition.growth,
            moment: scales.present.as_ref().map(|present| {
                let owned = composition.collaterals();
                let owned = owned.map(|place| (place, scales.collateral(composition, place)));
                present.moment(owned, composition.debts())
            }),
        }
    }

    /// The key below which an account filed at this reference may be below its alert at `present`.
    pub(super) fn bound(&self, present: &Self) -> u64 {
        match (&self.moment, &present.moment) {
            (None, None) => self.bound_of_ratios(present),
            (Some(then), Some(now)) => then.bound(now, self.debts_until(present)),
            // The market has changed its model of margin since.
            _ => u64::MAX,
        }
    }

    fn debts_until(&self, present: &Self) -> impl Iterator<Item = Debts> {
        let growth = self.growth;
        let pairs = self.debts.iter().zip(&present.debts);
        pairs.map(move |(then, now)| Debts { then: *then, now: *now, growth })
    }

    /// Whether accounts may still be filed at this reference.
    pub(super) fn is_near(&self, present: &Self) -> bool {
        let bound = self.bound(present);
        if self.moment.is_some() { Moment::is_near(bound) } else { bound <= BOUND_NEAR }
    }

    /// What a key at this reference is worth at a newer one, whatever the account's amounts.
    pub(super) fn carried(&self, newest: &Self) -> impl Fn(u64) -> u64 + use<> {
        let bound = self.bound(newest);
        let growth = match (&self.moment, &newest.moment) {
            (Some(then), Some(now)) => Some(then.growth(now, self.debts_until(newest))),
            _ => None,
        };
        move |key| match growth {
            Some(growth) => Moment::moved_key(key, bound, growth),
            None => {
                // Health at the newer reference is at least this part of health at the older one.
                let moved = u128::from(key).saturating_mul(KEY_ONE.into());
                let moved = moved.checked_div(u128::from(bound).max(1)).unwrap_or_default();
                u64::try_from(moved).unwrap_or(KEY_MAX)
            }
        }
    }

    fn bound_of_ratios(&self, present: &Self) -> u64 {
        let one = ratio_one();
        let mut weakest = U256::MAX;
        for (then, now) in self.collaterals.iter().zip(&present.collaterals) {
            // What counted nothing then was filed as nothing.
            if !then.is_zero() {
                weakest = weakest.min(scaled_down(*now, one, *then));
            }
        }
        let (mut heaviest, mut lightest) = (U256::ZERO, U256::MAX);
        for (then, now) in self.debts.iter().zip(&present.debts) {
            let price = scaled_up(now.0, one, then.0);
            let ratio = scaled_up(price, grown_up(now.1, then.1, self.growth), one);
            (heaviest, lightest) = (heaviest.max(ratio), lightest.min(ratio));
        }
        if weakest.is_zero() || weakest == U256::MAX || heaviest == U256::MAX {
            return u64::MAX;
        }
        if lightest < RATIO_LOW {
            return u64::MAX;
        }
        let bound = scaled_up(U256::from(KEY_ONE), heaviest, weakest);
        let slack = bound.wrapping_div(U256::from(KEY_ONE)).saturating_add(U256::from(2));
        u64::try_from(bound.saturating_add(slack)).unwrap_or(u64::MAX)
    }

    /// The health factor of `account` at this reference over `alert`, rounded down; zero for a debt
    /// too small to be exact about.
    pub(super) fn key(
        &self,
        account: &Account,
        scales: &Scales,
        (now, alert): (&Self, Wad),
    ) -> u64 {
        if let (Some(moment), Some(present), Some(now)) =
            (&self.moment, &scales.present, &now.moment)
        {
            let values = Values {
                owned: moment.owned(account, scales),
                owed: self.owed(account, scales).collect(),
            };
            return moment.key(&values, (present, now), alert);
        }
        let mut limit = U256::ZERO;
        for (pledge, scale) in account.collaterals.iter().zip(&self.collaterals) {
            let units = scales.collaterals.get(usize::from(pledge.index)).map_or(1, |leg| leg.unit);
            let parts = wide(units).saturating_mul(wide(BPS));
            let value = scaled_down(wide(pledge.amount.get()), *scale, parts);
            // A product beyond 256 bits is undervalued, not overvalued.
            let value = if value == U256::MAX { U256::ZERO } else { value };
            limit = limit.saturating_add(value);
        }
        let owed = self.owed(account, scales);
        let debt = owed.fold(U256::ZERO, |sum, (_, value)| sum.saturating_add(value));
        if debt < wide(DEBT_MIN) || debt == U256::MAX {
            return 0;
        }
        let steps = U256::from(KEY_ONE).saturating_mul(wide(WAD));
        let whole = debt.saturating_mul(wide(alert.get()));
        let key = limit.checked_mul(steps).and_then(|product| product.checked_div(whole));
        u64::try_from(key.unwrap_or_default()).unwrap_or(KEY_MAX).min(KEY_MAX)
    }

    /// What each debt is worth at this reference, rounded up, with its place.
    fn owed<'a>(
        &'a self,
        account: &'a Account,
        scales: &'a Scales,
    ) -> impl Iterator<Item = (usize, U256)> + 'a {
        account.debts.iter().zip(&self.debts).map(|(owed, (price, index))| {
            let place = usize::from(owed.index);
            let present = scales.debts.get(place).copied();
            let (_, index_now, units) = present.unwrap_or((U256::ZERO, U256::MAX, 1));
            let shares = wide(owed.debt.shares.get()).saturating_add(U256::ONE);
            let worth = scaled_up(shares, index_now, wide(RAY));
            let amount = worth.saturating_sub(wide(owed.debt.offset.get()));
            let value = scaled_up(amount, *price, wide(units));
            let grown = grown_down(index_now, *index, self.growth);
            (place, scaled_up(value, ratio_one(), grown))
        })
    }
}
