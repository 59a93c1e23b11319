//! How fast a rate may rise.
//!
//! A rate is accepted up to `limit(t) = anchor · (1 + growth · (t − since))`. The anchor is a pair, the
//! rate and the moment from which growth counts, and both parts are only ever written together: Aave's
//! guard of 2026-03-10 moved the one without the other, and a cap below the true rate liquidated what
//! was healthy. The anchor is the highest rate accepted so far, so the limit never lies below a rate
//! that was accepted (ORC-3); a fall passes at once and may be taken back at once.
//!
//! Growth that was not used is kept for [`HEADROOM_SECONDS`] at most: after years of growing slower
//! than it may, a rate cannot leap.

use crate::error::Error;
use crate::fixed::{RAY, Ray, Timestamp, Wad, mul_div_down_saturating};

/// For how long unused growth is kept: a week.
pub const HEADROOM_SECONDS: u64 = 604_800;
/// The most that a rate may be allowed to grow in a second: 10 times in a year of 31,536,000 s.
pub const GROWTH_MAX: Ray = Ray::new(317_097_919_837_645_865_043);

/// A rate's anchor, and how fast it may grow from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrowthCap {
    /// The rate from which growth counts; zero before the first rate.
    pub anchor: Wad,
    /// The moment from which growth counts.
    pub since: Timestamp,
    /// By which part of the anchor the rate may grow in a second; at most [`GROWTH_MAX`].
    pub growth: Ray,
}

impl GrowthCap {
    /// A cap without an anchor yet: the first rate will be it.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if `growth` exceeds [`GROWTH_MAX`].
    pub fn new(growth: Ray) -> Result<Self, Error> {
        Self::from(Wad::ZERO, Timestamp::ZERO, growth)
    }

    /// A cap on growth from `anchor` at `since`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if `growth` exceeds [`GROWTH_MAX`].
    pub fn from(anchor: Wad, since: Timestamp, growth: Ray) -> Result<Self, Error> {
        if growth > GROWTH_MAX {
            return Err(Error::InvalidParameter { name: "growth", value: growth.get() });
        }
        Ok(Self { anchor, since, growth })
    }

    /// The highest rate that is accepted at `at`, rounded down; never below the anchor.
    #[must_use]
    pub fn limit(&self, at: Timestamp) -> Wad {
        let elapsed = u128::from(at.since(self.since));
        let growth = self.growth.get().saturating_mul(elapsed);
        let grown = mul_div_down_saturating(self.anchor.get(), growth, RAY);
        self.anchor.saturating_add(Wad::new(grown))
    }

    /// The cap after the rate `reported` for `at`, and what is accepted of it: all, or the limit.
    ///
    /// A rate at or above the anchor becomes the anchor, with what the limit leaves it of growth.
    #[must_use]
    pub fn accept(self, reported: Wad, at: Timestamp) -> (Self, Wad) {
        if self.anchor.is_zero() {
            return (Self { anchor: reported, since: at, ..self }, reported);
        }
        let limit = self.limit(at);
        let accepted = reported.min(limit);
        let earliest = Timestamp::new(at.get().saturating_sub(HEADROOM_SECONDS));
        if accepted <= self.anchor {
            return (Self { since: self.since.max(earliest), ..self }, accepted);
        }
        let left = limit.saturating_sub(accepted);
        let part = mul_div_down_saturating(left.get(), RAY, accepted.get());
        // Without growth the limit is the anchor, and no rate comes here.
        let seconds = part.checked_div(self.growth.get()).unwrap_or_default();
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let since = Timestamp::new(at.get().saturating_sub(seconds)).max(earliest);
        (Self { anchor: accepted, since, ..self }, accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::WAD;
    use proptest::prelude::*;

    const YEAR: u64 = 31_536_000;

    fn per_year(percent: u128) -> Ray {
        Ray::new(RAY / 100 * percent / u128::from(YEAR))
    }

    fn any_history() -> impl Strategy<Value = Vec<(u64, u128)>> {
        let step = prop_oneof![1_u64..100, 1_u64..90 * 86_400];
        // Rates as parts per million of the last one accepted.
        let change = prop_oneof![Just(1_000_000_u128), 990_000_u128..1_010_000, 0_u128..10_000_000];
        prop::collection::vec((step, change), 1..40)
    }

    proptest! {
        /// ORC-3, C-16: whatever is reported, the limit never lies below a rate accepted before, a rate
        /// below the limit passes unchanged, and one above passes at the limit.
        #[test]
        fn the_limit_never_lies_below_what_was_accepted(history in any_history(), growth in 0_u128..1_000) {
            let mut cap = GrowthCap::new(per_year(growth)).unwrap();
            let (mut now, mut last, mut highest) = (Timestamp::new(1 << 30), Wad::new(WAD), Wad::ZERO);
            for (seconds, change) in history {
                now = now.after(seconds);
                let reported = Wad::new((last.get() * change / 1_000_000).clamp(1, 1 << 90));
                let before = cap;
                let (after, accepted) = cap.accept(reported, now);
                let limit = if before.anchor.is_zero() { reported } else { before.limit(now) };
                prop_assert_eq!(accepted, reported.min(limit));
                prop_assert!(limit >= highest);
                highest = highest.max(accepted);
                cap = after;
                // The pair moved as one: the new limit starts no higher than the old one was.
                prop_assert!(cap.limit(now) >= highest && cap.limit(now) <= limit);
                for later in [0, 1, 86_400, YEAR] {
                    prop_assert!(cap.limit(now.after(later)) >= accepted);
                }
                last = accepted;
            }
        }

        /// S-13: a rate at the limit for ever grows no faster than growth compounds, however often it
        /// is reported; what was saved up is a week at most.
        #[test]
        fn growth_is_bounded_over_any_history(history in any_history(), growth in 1_u128..100) {
            let mut cap = GrowthCap::new(per_year(growth)).unwrap();
            let start = Timestamp::new(1 << 30);
            cap = cap.accept(Wad::new(WAD), start).0;
            let (mut now, mut bound) = (start, 1.0_f64);
            let rate = growth as f64 / 100.0 / YEAR as f64;
            for (seconds, change) in history {
                now = now.after(seconds);
                bound *= 1.0 + rate * seconds as f64;
                let reported = if change > 1_000_000 { Wad::MAX } else { Wad::new(change) };
                let (after, accepted) = cap.accept(reported, now);
                prop_assert!(accepted.get() as f64 <= WAD as f64 * bound * (1.0 + 1e-9));
                let week = after.limit(now).get() as f64 / after.anchor.get() as f64;
                prop_assert!(week <= 1.0 + rate * (HEADROOM_SECONDS + 1) as f64);
                cap = after;
            }
        }
    }

    #[test]
    fn a_flat_rate_saves_a_week_and_no_more() {
        let mut cap = GrowthCap::new(per_year(10)).unwrap();
        let mut now = Timestamp::new(1 << 30);
        cap = cap.accept(Wad::new(WAD), now).0;
        for _ in 0..400 {
            now = now.after(86_400);
            cap = cap.accept(Wad::new(WAD), now).0;
        }
        let (_, accepted) = cap.accept(Wad::new(2 * WAD), now.after(1));
        // A week at 10 % a year: 0.19 %.
        assert_eq!(accepted.get() / 1_000_000_000_000, 1_001_917);
    }

    #[test]
    fn too_much_growth_is_refused() {
        assert!(GrowthCap::new(GROWTH_MAX).is_ok());
        assert!(GrowthCap::new(Ray::new(GROWTH_MAX.get() + 1)).is_err());
    }
}
