//! How the borrow rate follows utilisation, and how interest grows a debt.
//!
//! A rate is a [`Ray`] per second. Over `dt` seconds an index grows by the first three terms of
//! `e^x − 1`, `x = rate · dt`: `x + x²/2 + x³/6` (source: Morpho Blue `wTaylorCompounded`, Aave v3
//! `MathUtils`). They fall short of continuous compounding by less than `x⁴/24 · e^x`, in the
//! borrowers' favour; whoever lends may accrue at any time, and every touch does.
//!
//! The adaptive model is the family of AdaptiveCurveIRM (source: Morpho `AdaptiveCurveIrm.sol`,
//! written anew): with the distance `err ∈ [−1, 1]` of utilisation from its target, the rate at
//! target drifts by `e^(speed · err · dt)` and the rate in force is that times `1 + 3·err` above
//! and `1 + 3/4·err` below the target. Over an interval the mean counts, by two trapezoids.

use crate::error::Error;
use crate::fixed::{
    BPS, Bps, RAY, Ray, WAD, Wad, YEAR_SECONDS, mul_div_down_saturating, mul_div_up_saturating,
};

/// Where the borrow index stops: a million times its start. Interest ends there and nothing else.
pub const INDEX_MAX: Ray = Ray::new(1_000_000 * RAY);
/// The highest borrow rate: 1,000 % per year, in basis points per year.
pub const RATE_BPS_PER_YEAR_MAX: u32 = 100_000;
/// One basis point of a ray.
const RAY_PER_BPS: u128 = RAY / BPS;
/// Above this product of rate and time every index has reached [`INDEX_MAX`].
const EXPONENT_MAX: u128 = 200 * RAY;

/// The utilisation that the adaptive model steers towards: 90 %.
pub const TARGET_UTILISATION: Ray = Ray::new(900_000_000_000_000_000_000_000_000);
/// How many times the rate at target is the rate at full use, and the inverse at no use.
pub const CURVE_STEEPNESS: u128 = 4;
/// How fast the rate at target drifts at full distance: 50 per year, in ray per second.
pub const ADJUSTMENT_SPEED: Ray = Ray::new(50 * RAY / YEAR_SECONDS);
/// The rate at target to begin with: 4 % per year, in ray per second.
pub const RATE_AT_TARGET_INITIAL: Ray = Ray::new(4 * RAY / 100 / YEAR_SECONDS);
/// The lowest rate at target: 0.1 % per year, in ray per second.
pub const RATE_AT_TARGET_MIN: Ray = Ray::new(RAY / 1_000 / YEAR_SECONDS);
/// The highest rate at target: 200 % per year, in ray per second.
pub const RATE_AT_TARGET_MAX: Ray = Ray::new(2 * RAY / YEAR_SECONDS);
/// Largest drift exponent that matters: `e^10` exceeds the highest over the lowest rate at target.
const DRIFT_MAX: u128 = 10 * RAY;
/// The natural logarithm of two, as a ray.
const LN_2: u128 = 693_147_180_559_945_309_417_232_121;

/// How the borrow rate follows utilisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterestModel {
    /// Two straight lines that meet at the kink; rates in basis points per year.
    Kinked {
        /// The rate of an unused vault.
        base: u32,
        /// What the rate gains up to the kink.
        slope1: u32,
        /// What the rate gains from the kink to full use.
        slope2: u32,
        /// The utilisation at which the lines meet, from 1 to 9,999.
        kink: Bps,
    },
    /// The rate at the target utilisation drifts with the distance from it.
    Adaptive {
        /// The rate at the target utilisation, per second.
        rate_at_target: Ray,
    },
}

/// What a model says of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The mean rate per second.
    pub rate: Ray,
    /// The model at the interval's end.
    pub model: InterestModel,
}

impl InterestModel {
    /// Checks the model's parameters.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a kink outside 1 to 9,999, rates above
    /// [`RATE_BPS_PER_YEAR_MAX`] in sum, or a rate at target outside its bounds.
    pub fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Kinked { base, slope1, slope2, kink } => {
                if kink == Bps::ZERO || kink >= Bps::ONE {
                    return Err(Error::InvalidParameter { name: "kink", value: kink.get().into() });
                }
                let most = base.saturating_add(slope1).saturating_add(slope2);
                if most > RATE_BPS_PER_YEAR_MAX {
                    return Err(Error::InvalidParameter {
                        name: "borrow rate",
                        value: most.into(),
                    });
                }
                Ok(())
            }
            Self::Adaptive { rate_at_target: rate } => {
                if rate < RATE_AT_TARGET_MIN || rate > RATE_AT_TARGET_MAX {
                    let name = "rate at target";
                    return Err(Error::InvalidParameter { name, value: rate.get() });
                }
                Ok(())
            }
        }
    }

    /// The rate per second at `utilisation`, rounded up.
    #[must_use]
    pub fn rate(&self, utilisation: Wad) -> Ray {
        self.course(utilisation, 0).rate
    }

    /// What the model says of `seconds` at a constant `utilisation`.
    ///
    /// The rate of the kinked model is rounded up, that of the adaptive one down by less than
    /// `10^-20` of it: its exponential is a series cut off.
    #[must_use]
    pub fn course(&self, utilisation: Wad, seconds: u64) -> Course {
        match *self {
            Self::Kinked { base, slope1, slope2, kink } => {
                let per_year = kinked_per_year(utilisation, [base, slope1, slope2], kink);
                Course { rate: Ray::new(per_year.get().div_ceil(YEAR_SECONDS)), model: *self }
            }
            Self::Adaptive { rate_at_target } => {
                adaptive(Distance::from_target(utilisation), rate_at_target, seconds)
            }
        }
    }
}

/// The kinked model's rate per year, rounded up; `rates` are base and slopes in basis points.
#[must_use]
pub fn kinked_per_year(utilisation: Wad, rates: [u32; 3], kink: Bps) -> Ray {
    let [base, slope1, slope2] = rates.map(|bps| u128::from(bps).saturating_mul(RAY_PER_BPS));
    let used = utilisation.get().min(WAD);
    let kink = kink.to_wad().get();
    let below = mul_div_up_saturating(slope1, used.min(kink), kink);
    let above =
        mul_div_up_saturating(slope2, used.saturating_sub(kink), WAD.saturating_sub(kink).max(1));
    Ray::new(base.saturating_add(below).saturating_add(above))
}

#[derive(Clone, Copy)]
enum Distance {
    Below(u128),
    Above(u128),
}

impl Distance {
    fn from_target(utilisation: Wad) -> Self {
        let used = utilisation.get().min(WAD).saturating_mul(RAY / WAD);
        let target = TARGET_UTILISATION.get();
        if used > target {
            let room = RAY.saturating_sub(target);
            Self::Above(mul_div_down_saturating(used.saturating_sub(target), RAY, room))
        } else {
            Self::Below(mul_div_down_saturating(target.saturating_sub(used), RAY, target))
        }
    }

    const fn size(self) -> u128 {
        match self {
            Self::Below(size) | Self::Above(size) => size,
        }
    }

    /// `rate` after a drift by `exponent` in this direction, within the model's bounds.
    fn drift(self, rate: u128, exponent: u128) -> u128 {
        let factor = exponential(exponent.min(DRIFT_MAX));
        let moved = match self {
            Self::Below(_) => mul_div_down_saturating(rate, RAY, factor),
            Self::Above(_) => mul_div_down_saturating(rate, factor, RAY),
        };
        moved.clamp(RATE_AT_TARGET_MIN.get(), RATE_AT_TARGET_MAX.get())
    }

    /// The rate in force here when the rate at target is `rate`.
    fn on_curve(self, rate: u128) -> u128 {
        let coefficient = match self {
            Self::Below(size) => {
                let fall = mul_div_down_saturating(
                    size,
                    CURVE_STEEPNESS.saturating_sub(1),
                    CURVE_STEEPNESS,
                );
                RAY.saturating_sub(fall)
            }
            Self::Above(size) => {
                RAY.saturating_add(size.saturating_mul(CURVE_STEEPNESS.saturating_sub(1)))
            }
        };
        mul_div_down_saturating(coefficient, rate, RAY)
    }
}

fn adaptive(distance: Distance, rate_at_target: Ray, seconds: u64) -> Course {
    let start = rate_at_target.get();
    let speed = mul_div_down_saturating(ADJUSTMENT_SPEED.get(), distance.size(), RAY);
    let exponent = speed.saturating_mul(u128::from(seconds));
    if exponent == 0 {
        let model = InterestModel::Adaptive { rate_at_target };
        return Course { rate: Ray::new(distance.on_curve(start)), model };
    }
    let end = distance.drift(start, exponent);
    let middle = distance.drift(start, exponent.div_ceil(2));
    let sum = start.saturating_add(end).saturating_add(middle.saturating_mul(2));
    let model = InterestModel::Adaptive { rate_at_target: Ray::new(end) };
    Course { rate: Ray::new(distance.on_curve(sum.div_ceil(4))), model }
}

/// `e^x` for `x` in rays up to [`DRIFT_MAX`], rounded down: `2^q · e^r` with `x = q·ln 2 + r`, and
/// `e^r` by its power series until a term vanishes.
pub(crate) fn exponential(x: u128) -> u128 {
    let doublings = x.checked_div(LN_2).unwrap_or_default();
    let rest = x.saturating_sub(doublings.saturating_mul(LN_2));
    let (mut sum, mut term, mut number) = (RAY, RAY, 1_u128);
    while term > 0 {
        term = mul_div_down_saturating(term, rest, RAY.saturating_mul(number));
        sum = sum.saturating_add(term);
        number = number.saturating_add(1);
    }
    let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
    sum.saturating_mul(2_u128.saturating_pow(doublings))
}

/// What an index gains per unit over `seconds` at `rate`: `x + x²/2 + x³/6`, each term rounded
/// down. Saturates where the index does.
#[must_use]
pub fn growth(rate: Ray, seconds: u64) -> Ray {
    let x = rate.get().saturating_mul(u128::from(seconds)).min(EXPONENT_MAX);
    let second = mul_div_down_saturating(x, x, 2 * RAY);
    let third = mul_div_down_saturating(second, x, 3 * RAY);
    Ray::new(x.saturating_add(second).saturating_add(third))
}

/// The index after growing by `growth` per unit, rounded up for the lenders, at most [`INDEX_MAX`].
#[must_use]
pub fn grown(index: Ray, growth: Ray) -> Ray {
    let gain = mul_div_up_saturating(index.get(), growth.get(), RAY);
    Ray::new(index.get().saturating_add(gain)).min(INDEX_MAX).max(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn per_year(rate: Ray) -> f64 {
        rate.get() as f64 / 1e27 * 31_536_000.0
    }

    proptest! {
        /// INT-3: the kinked rate never falls as utilisation rises, and stays within its bounds.
        #[test]
        fn kinked_rate_is_monotone(
            base in 0_u32..30_000, slope1 in 0_u32..30_000, slope2 in 0_u32..30_000,
            kink in 1_u16..10_000, a in 0_u128..=WAD, b in 0_u128..=WAD,
        ) {
            let model = InterestModel::Kinked { base, slope1, slope2, kink: Bps::new(kink) };
            prop_assert!(model.check().is_ok());
            let (low, high) = (model.rate(Wad::new(a.min(b))), model.rate(Wad::new(a.max(b))));
            prop_assert!(low <= high);
            let most = u128::from(base + slope1 + slope2) * RAY_PER_BPS / YEAR_SECONDS + 1;
            prop_assert!(high.get() <= most);
        }

        /// INT-3: the adaptive rate follows the published formula and its bounds.
        #[test]
        fn adaptive_rate_is_that_of_the_formula(
            used in 0_u128..=WAD, rate in RATE_AT_TARGET_MIN.get()..RATE_AT_TARGET_MAX.get(),
            seconds in 0_u64..400 * 86_400,
        ) {
            let model = InterestModel::Adaptive { rate_at_target: Ray::new(rate) };
            let course = model.course(Wad::new(used), seconds);
            let u = used as f64 / 1e18;
            let err = if u > 0.9 { (u - 0.9) / 0.1 } else { (u - 0.9) / 0.9 };
            let start = per_year(Ray::new(rate));
            let at = |t: f64| (start * (50.0 / 31_536_000.0 * err * t).exp()).clamp(0.001, 2.0);
            let t = seconds as f64;
            let mean = (at(0.0) + at(t) + 2.0 * at(t / 2.0)) / 4.0;
            let curve = if err > 0.0 { 1.0 + 3.0 * err } else { 1.0 + 0.75 * err };
            let (got, want) = (per_year(course.rate), mean * curve);
            prop_assert!((got / want - 1.0).abs() < 1e-9, "{got} {want}");
            let InterestModel::Adaptive { rate_at_target } = course.model else { panic!("kinked") };
            prop_assert!((per_year(rate_at_target) / at(t) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn exponential_is_the_exponential(x in 0_u128..10 * RAY) {
            let (got, want) = (exponential(x) as f64 / 1e27, (x as f64 / 1e27).exp());
            prop_assert!((got / want - 1.0).abs() < 1e-12, "{got} {want}");
        }

        /// INT-1: indexes never fall, growth never falls with time, and nothing overflows.
        #[test]
        fn growth_is_total_and_monotone(rate in 0_u128..=u128::MAX, index in RAY..=INDEX_MAX.get(), a in any::<u64>(), b in any::<u64>()) {
            let (rate, index) = (Ray::new(rate), Ray::new(index));
            let (short, long) = (growth(rate, a.min(b)), growth(rate, a.max(b)));
            prop_assert!(short <= long);
            prop_assert!(grown(index, short) >= index && grown(index, long) <= INDEX_MAX);
        }

        /// INT-1: growing in two steps earns no less than in one, beyond rounding.
        #[test]
        fn splitting_time_never_loses(rate in 0_u128..RAY / 10_000_000, a in 0_u64..1_000_000, b in 0_u64..1_000_000) {
            let rate = Ray::new(rate);
            let once = grown(Ray::ONE, growth(rate, a + b));
            let twice = grown(grown(Ray::ONE, growth(rate, a)), growth(rate, b));
            prop_assert!(twice.get() + 3 >= once.get());
        }
    }

    #[test]
    fn a_century_at_the_highest_rate_saturates() {
        let rate = InterestModel::Kinked { base: 100_000, slope1: 0, slope2: 0, kink: Bps::new(1) };
        let hundred_years = 100 * 31_536_000;
        let growth = growth(rate.rate(Wad::ONE), hundred_years);
        assert_eq!(grown(Ray::ONE, growth), INDEX_MAX);
    }

    #[test]
    fn bad_parameters_are_refused() {
        let kinked =
            |base, kink| InterestModel::Kinked { base, slope1: 0, slope2: 0, kink: Bps::new(kink) };
        assert!(kinked(0, 0).check().is_err());
        assert!(kinked(0, 10_000).check().is_err());
        assert!(kinked(100_001, 1).check().is_err());
        assert!(kinked(100_000, 9_999).check().is_ok());
        assert!(InterestModel::Adaptive { rate_at_target: Ray::ZERO }.check().is_err());
        assert!(InterestModel::Adaptive { rate_at_target: RATE_AT_TARGET_INITIAL }.check().is_ok());
    }
}
