//! When a new price is believed at once, and what is done until it is.
//!
//! A price is *doubtful* while its sources disagree more than [`Guards::spread`], or after a move beyond
//!
//! ```text
//! jump · √max(1, Δt / confirm)      Δt since the last price without doubt
//! ```
//!
//! (noise grows with the root of time) until it has held for [`Guards::confirm`] seconds. While doubt lasts
//! nobody draws on the price or releases what it values; and accounts are judged at the better of the new and
//! the smoothed price for them, so a wick liquidates nobody.
//!
//! That relief has a budget of [`Guards::budget`] seconds. It is counted from the moment when doubt begins,
//! ends whatever comes, and what was used comes back over [`Guards::window`] seconds without doubt: over any time
//! `L` relief lasts for at most `budget + L · budget / window`. Whoever disturbs a source again and again gains no more
//! than that (LIQ-1), and a collapse is a collapse after the budget at the latest.
//!
//! The smoothed price `s` follows the price `p` with the time constant `τ`: while `p` holds for `Δt` seconds, `s`
//! becomes `p + (s − p)·e^(−Δt/τ)`. That is exact for prices that hold between reports, and does not depend on how often
//! it is computed.

use crate::error::Error;
use crate::fixed::{BPS, Bps, Ppm, RAY, Timestamp, Wad, mul_div_down_saturating};
use crate::interest::exponential;

/// The longest budget of relief, an hour.
pub const BUDGET_MAX: u32 = 3_600;
/// Beyond so many time constants nothing is left of the old smoothed price: e⁻⁶⁰ < 10⁻²⁶.
const CONSTANTS_MAX: u64 = 60;
/// The largest exponent at once: `e²⁰` in rays fits into 128 bits.
const EXPONENT_MAX: u128 = 20 * RAY;

/// How a feed's new price is judged. The default believes one source at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// How many fresh sources must agree; from 1 to 16.
    pub quorum: u8,
    /// A report at most this far from the median is no outlier ([`crate::aggregate`]).
    pub outlier: Bps,
    /// Doubt begins above this spread of the sources; at zero, never.
    pub spread: Bps,
    /// Doubt begins at a larger move within `confirm` seconds; at zero, never.
    pub jump: Bps,
    /// For how many seconds a price must hold after a jump to be believed.
    pub confirm: u32,
    /// The time constant of the smoothed price in seconds; at zero it is the price.
    pub smoothing: u32,
    /// For how many seconds doubt relieves borrowers; at most [`BUDGET_MAX`].
    pub budget: u32,
    /// Over how many seconds without doubt a spent budget comes back; ten times the budget or more.
    pub window: u32,
}

impl Default for Guards {
    fn default() -> Self {
        let (outlier, spread, jump) = (Bps::ZERO, Bps::ZERO, Bps::ZERO);
        Self { quorum: 1, outlier, spread, jump, confirm: 0, smoothing: 0, budget: 0, window: 0 }
    }
}

impl Guards {
    /// Checks that these fit together.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let sources = u32::from(crate::aggregate::SOURCES_MAX);
        let doubts = self.jump > Bps::ZERO || self.spread > Bps::ZERO;
        let ten = self.budget.saturating_mul(10);
        let checks = [
            (
                "quorum",
                u32::from(self.quorum),
                self.quorum >= 1 && u32::from(self.quorum) <= sources,
            ),
            ("outlier", self.outlier.get().into(), self.outlier < Bps::ONE),
            ("jump confirmation", self.confirm, self.jump == Bps::ZERO || self.confirm > 0),
            ("doubt budget", self.budget, self.budget <= BUDGET_MAX && (self.budget > 0) == doubts),
            ("doubt window", self.window, self.window >= ten),
            // Without a smoothed price there is nothing to judge by.
            ("smoothing", self.smoothing, !doubts || self.smoothing > 0),
        ];
        match checks.into_iter().find(|(_, _, holds)| !holds) {
            Some((name, value, _)) => Err(Error::InvalidParameter { name, value: value.into() }),
            None => Ok(()),
        }
    }

    /// The largest move that is believed at once, `elapsed` seconds after `from`, rounded down.
    fn reach(&self, from: Wad, elapsed: u64) -> Wad {
        let scaled = u128::from(elapsed).saturating_mul(BPS.saturating_mul(BPS));
        let ratio = scaled.checked_div(self.confirm.into()).unwrap_or_default().isqrt().max(BPS);
        let part = ratio.saturating_mul(self.jump.get().into());
        Wad::new(mul_div_down_saturating(from.get(), part, BPS.saturating_mul(BPS)))
    }

    fn is_jump(&self, from: Wad, to: Wad, elapsed: u64) -> bool {
        self.jump > Bps::ZERO && to.distance(from) > self.reach(from, elapsed)
    }
}

/// Why a price is doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its sources disagree.
    Spread,
    /// It moved too far, and has not held yet.
    Jump,
}

/// What a feed remembers of its prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// The last price without doubt; zero before the first.
    pub settled: Wad,
    /// When that was observed.
    pub settled_at: Timestamp,
    /// Where a jump has led, and must hold; zero without one.
    pub level: Wad,
    /// Since when it has held.
    pub level_at: Timestamp,
    /// The smoothed price is of this block time.
    pub smoothed_at: Timestamp,
    /// How many seconds of relief were left when doubt last began or ended.
    pub budget: u32,
    /// When that was; zero before the first doubt, with the whole budget.
    pub budget_at: Timestamp,
    /// How many prices the feed has had.
    pub rounds: u32,
}

/// A price and its smoothed companion, with the doubt about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The newest price.
    pub price: Wad,
    /// Where it has been lately.
    pub smoothed: Wad,
    /// Until when doubt relieves borrowers; zero without doubt.
    pub doubt_until: Timestamp,
}

impl Level {
    /// Whether new risk may not be taken on it.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        self.doubt_until.get() > 0
    }
}

impl Track {
    /// What `price`, observed at `time` with that spread, makes of the level `before` at `now`; and why it is
    /// doubtful, if it is.
    #[must_use]
    pub fn next(
        self,
        guards: &Guards,
        before: Level,
        (price, spread, time): (Wad, Ppm, Timestamp),
        now: Timestamp,
    ) -> (Self, Level, Option<Cause>) {
        let rounds = self.rounds.saturating_add(1);
        let first = self.settled.is_zero();
        let smoothed = match first || guards.smoothing == 0 {
            true => price,
            false => smoothed(before, guards.smoothing, now.since(self.smoothed_at)),
        };
        let track = Self { smoothed_at: now, rounds, ..self };
        let (track, jumped) = track.follow(guards, price, time);
        let spreads = guards.spread > Bps::ZERO && spread > guards.spread.into();
        let cause = match (spreads, jumped) {
            (true, _) => Some(Cause::Spread),
            (false, true) => Some(Cause::Jump),
            (false, false) => None,
        };
        let track = if cause.is_some() && !first {
            track
        } else {
            let (settled, settled_at) = (price, time);
            Self { settled, settled_at, level: Wad::ZERO, level_at: Timestamp::ZERO, ..track }
        };
        let (track, doubt_until) = track.count(guards, before.doubt_until, cause.is_some(), now);
        (track, Level { price, smoothed, doubt_until }, cause)
    }

    /// Whether the price has jumped and not held yet.
    fn follow(self, guards: &Guards, price: Wad, time: Timestamp) -> (Self, bool) {
        let Self { settled, settled_at, level, level_at, .. } = self;
        if settled.is_zero() || !guards.is_jump(settled, price, time.since(settled_at)) {
            // It came back, or was never away.
            return (Self { level: Wad::ZERO, level_at: Timestamp::ZERO, ..self }, false);
        }
        if level.is_zero() || guards.is_jump(level, price, 0) {
            return (Self { level: price, level_at: time, ..self }, true);
        }
        (self, time.since(level_at) < guards.confirm.into())
    }

    /// Counts the budget where doubt begins or ends; until when it relieves.
    fn count(
        self,
        guards: &Guards,
        until: Timestamp,
        doubtful: bool,
        now: Timestamp,
    ) -> (Self, Timestamp) {
        let was = until.get() > 0;
        let elapsed = now.since(self.budget_at);
        match (was, doubtful) {
            (false, false) => (self, Timestamp::ZERO),
            (true, true) => (self, until),
            (false, true) => {
                let regained = mul_div_down_saturating(
                    elapsed.into(),
                    guards.budget.into(),
                    guards.window.into(),
                );
                let regained = u32::try_from(regained).unwrap_or(u32::MAX);
                let budget = self.budget.saturating_add(regained).min(guards.budget);
                (Self { budget, budget_at: now, ..self }, now.after(budget.into()))
            }
            (true, false) => {
                let spent = u32::try_from(elapsed).unwrap_or(u32::MAX);
                let budget = self.budget.saturating_sub(spent);
                (Self { budget, budget_at: now, ..self }, Timestamp::ZERO)
            }
        }
    }
}

/// The smoothed price after `elapsed` seconds of `level`'s price, at the time constant `constant`; rounded towards
/// the old smoothed price.
#[must_use]
pub fn smoothed(level: Level, constant: u32, elapsed: u64) -> Wad {
    let Level { price, smoothed, .. } = level;
    if constant == 0 || elapsed >= CONSTANTS_MAX.saturating_mul(constant.into()) {
        return price;
    }
    let mut exponent = mul_div_down_saturating(elapsed.into(), RAY, constant.into());
    let mut left = smoothed.distance(price).get();
    // e^-x as 1 / e^x, in parts that a ray's exponential has room for.
    while exponent > 0 {
        let part = exponent.min(EXPONENT_MAX);
        left = mul_div_down_saturating(left, RAY, exponential(part));
        exponent = exponent.saturating_sub(part);
    }
    let left = Wad::new(left);
    if smoothed > price { price.saturating_add(left) } else { price.saturating_sub(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::WAD;
    use proptest::prelude::*;

    const GUARDS: Guards = Guards {
        quorum: 1,
        outlier: Bps::ZERO,
        spread: Bps::new(200),
        jump: Bps::new(300),
        confirm: 60,
        smoothing: 600,
        budget: 600,
        window: 86_400,
    };

    /// A feed that is fed.
    #[derive(Clone, Copy, Default)]
    struct Fed {
        track: Track,
        level: Level,
        now: u64,
    }

    impl Fed {
        fn at(price: u128) -> Self {
            Self { now: 1 << 30, ..Self::default() }.hears(0, price, 0).0
        }

        fn hears(self, after: u64, price: u128, spread: u32) -> (Self, Option<Cause>) {
            let now = self.now + after;
            let report = (Wad::new(price * WAD), Ppm::new(spread), Timestamp::new(now));
            let (track, level, cause) =
                self.track.next(&GUARDS, self.level, report, Timestamp::new(now));
            (Self { track, level, now }, cause)
        }

        fn relieves(&self) -> bool {
            self.now < self.level.doubt_until.get()
        }
    }

    #[test]
    fn a_wick_is_doubted_until_it_is_over() {
        let fed = Fed::at(100);
        let (fed, cause) = fed.hears(10, 70, 0);
        assert_eq!(cause, Some(Cause::Jump));
        assert!(fed.relieves() && fed.level.smoothed > Wad::new(99 * WAD));
        let (fed, cause) = fed.hears(10, 99, 0);
        assert_eq!((cause, fed.level.is_doubtful()), (None, false));
    }

    #[test]
    fn a_fall_that_holds_is_believed() {
        let (mut fed, _) = Fed::at(100).hears(10, 70, 0);
        for _ in 0..5 {
            let (next, cause) = fed.hears(10, 70, 0);
            assert_eq!(cause, Some(Cause::Jump));
            fed = next;
        }
        let (fed, cause) = fed.hears(10, 70, 0);
        assert_eq!((cause, fed.track.settled.get()), (None, 70 * WAD));
    }

    #[test]
    fn a_move_as_far_as_a_jump_is_believed() {
        let fed = Fed::at(100_000);
        assert_eq!(fed.hears(10, 97_000, 0).1, None);
        assert_eq!(fed.hears(10, 96_999, 0).1, Some(Cause::Jump));
    }

    #[test]
    fn each_jump_holds_anew() {
        // A fall that was believed lends its time to no other fall, though that leads to where it began.
        let (fed, _) = Fed::at(1_000).hears(10, 700, 0);
        let (fed, cause) = fed.hears(60, 720, 0);
        assert_eq!((cause, fed.track.settled.get()), (None, 720 * WAD));
        assert_eq!(fed.hears(10, 690, 0).1, Some(Cause::Jump));
        // Nor does one that was taken back while the sources disagreed.
        let (fed, _) = Fed::at(1_000).hears(10, 700, 0);
        let (fed, cause) = fed.hears(10, 1_000, 30_000);
        assert_eq!(cause, Some(Cause::Spread));
        assert_eq!(fed.hears(10, 700, 0).1, Some(Cause::Jump));
    }

    #[test]
    fn a_collapse_that_does_not_hold_ends_relief_with_the_budget() {
        let (mut fed, mut price) = (Fed::at(1_000_000), 1_000_000);
        let mut relieved = 0;
        for _ in 0..200 {
            price = price * 94 / 100;
            fed = fed.hears(10, price, 0).0;
            relieved += if fed.relieves() { 10 } else { 0 };
        }
        assert_eq!(relieved, 600);
        assert!(fed.level.is_doubtful());
    }

    #[test]
    fn sources_that_disagree_for_ever_relieve_for_the_budget_once() {
        let mut fed = Fed::at(100);
        let mut relieved = 0;
        for _ in 0..1_000 {
            let (next, cause) = fed.hears(10, 100, 30_000);
            assert_eq!(cause, Some(Cause::Spread));
            fed = next;
            relieved += if fed.relieves() { 10 } else { 0 };
        }
        assert_eq!(relieved, 600);
    }

    #[test]
    fn small_steps_are_believed_at_once() {
        let mut fed = Fed::at(100_000);
        for step in 1..100_u128 {
            let (next, cause) = fed.hears(60, 100_000 - step * 900, 0);
            fed = next;
            // Three percent of what is left, a minute.
            assert_eq!(cause.is_some(), step * 900 * 10 > 700_000 + 9_000, "{step}");
            if cause.is_some() {
                break;
            }
        }
    }

    proptest! {
        /// LIQ-1: however doubt comes and goes, relief is at most `budget + L · budget / window`.
        #[test]
        fn relief_is_bounded_over_any_history(
            steps in prop::collection::vec((1_u64..400, 50_u128..150, prop_oneof![Just(0_u32), Just(50_000)]), 1..300),
        ) {
            let mut fed = Fed::at(100);
            let (start, mut relieved) = (fed.now, 0);
            for (after, price, spread) in steps {
                let end = fed.level.doubt_until.get();
                relieved += end.saturating_sub(fed.now).min(after);
                fed = fed.hears(after, price, spread).0;
            }
            let length = fed.now - start;
            let most = 600 + length * 600 / 86_400;
            prop_assert!(relieved <= most, "{relieved} of {length} s, at most {most}");
        }

        /// The smoothed price is between old and new, and does not depend on how often it is computed.
        #[test]
        fn smoothing_composes(price in 1_u128..1 << 100, old in 1_u128..1 << 100, parts in prop::collection::vec(0_u64..2_000, 1..20)) {
            let (price, old) = (Wad::new(price), Wad::new(old));
            let level = |smoothed| Level { price, smoothed, ..Level::default() };
            let once = smoothed(level(old), 600, parts.iter().sum());
            let often = parts.iter().fold(old, |s, part| smoothed(level(s), 600, *part));
            let error = once.distance(often).get();
            prop_assert!(error <= 20 + old.distance(price).get() / 1_000_000_000_000_000, "{error}");
            prop_assert!(once >= old.min(price) && once <= old.max(price));
        }
    }

    #[test]
    fn a_time_constant_leaves_one_part_in_e() {
        let level = Level { price: Wad::ZERO, smoothed: Wad::new(WAD), ..Level::default() };
        assert_eq!(smoothed(level, 600, 600).get(), 367_879_441_171_442_321);
        assert_eq!(smoothed(level, 600, 6_000).get(), 45_399_929_762_484);
        assert_eq!(smoothed(level, 600, 0).get(), WAD);
        assert_eq!(smoothed(level, 600, 36_000).get(), 0);
    }

    #[test]
    fn guards_that_do_not_fit_are_refused() {
        assert!(Guards::default().check().is_ok() && GUARDS.check().is_ok());
        for wrong in [
            Guards { quorum: 0, ..GUARDS },
            Guards { quorum: 17, ..GUARDS },
            Guards { outlier: Bps::ONE, ..GUARDS },
            Guards { confirm: 0, ..GUARDS },
            Guards { budget: 0, ..GUARDS },
            Guards { budget: BUDGET_MAX + 1, window: u32::MAX, ..GUARDS },
            Guards { window: 5_999, ..GUARDS },
            Guards { smoothing: 0, ..GUARDS },
            Guards { budget: 1, window: 10, ..Guards::default() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
