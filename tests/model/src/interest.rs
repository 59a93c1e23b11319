//! How interest grows a debt, by `docs/rates.md`: the borrow rate by utilisation, the adaptive model's
//! drift, and the first three terms of `e^x − 1` over the time that has passed.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use crate::number::{Bound, Exact, bps, ceil, floor, ratio, ulp, whole};

/// Seconds of a year, in which yearly rates are stated.
const YEAR: u64 = 31_536_000;
/// Where an index stops: a million times its start.
const INDEX_MAX: u64 = 1_000_000;
/// Digits behind the point that the exponential keeps, in bits.
const DIGITS: usize = 320;

/// An interest model.
#[derive(Clone, Debug)]
pub enum Curve {
    /// Two lines: yearly rates, and where they meet, as ratios.
    Kinked {
        /// Without use.
        base: Exact,
        /// What is gained up to the kink.
        slope1: Exact,
        /// What is gained from the kink to full use.
        slope2: Exact,
        /// The kink.
        kink: Exact,
    },
    /// A rate at the target that drifts; per second.
    Adaptive {
        /// The rate at the target.
        rate_at_target: Exact,
    },
}

/// A vault's debt and what its interest depends on.
#[derive(Clone, Debug)]
pub struct Lent {
    /// The borrow index, one at the start.
    pub index: Exact,
    /// What is owed: `shares · index − offset`.
    pub debt: Exact,
    /// What is not lent.
    pub cash: Exact,
    /// The model.
    pub curve: Curve,
}

/// What time makes of it.
#[derive(Clone, Debug)]
pub struct Accrual {
    /// The borrow rate per second in the mean of the time.
    pub rate: Bound,
    /// The index afterwards.
    pub index: Bound,
    /// The rate at the target afterwards, of an adaptive model.
    pub rate_at_target: Option<Bound>,
}

/// `e^x`, with an error far below any that matters here.
#[must_use]
pub fn exp(x: &Exact) -> Exact {
    let one = BigInt::one() << DIGITS;
    let mut halvings = 0_usize;
    let mut small = x.abs();
    while small > ratio(1, 4) {
        small /= whole(2);
        halvings += 1;
    }
    let small = floor(&(small * Exact::from_integer(one.clone()))).to_integer();
    let (mut sum, mut term, mut n) = (one.clone(), one.clone(), 1_u32);
    while !term.is_zero() {
        term = ((term * &small) >> DIGITS) / n;
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> DIGITS;
    }
    if x.is_negative() { Exact::new(one, sum) } else { Exact::new(sum, one) }
}

/// Rates per second: in the mean of so many seconds, and at the target afterwards.
fn course(curve: &Curve, utilisation: &Exact, seconds: u64) -> (Exact, Option<Exact>) {
    match curve {
        Curve::Kinked { base, slope1, slope2, kink } => {
            let first = slope1 * utilisation.min(kink) / kink;
            let above = (utilisation - kink).max(Exact::zero());
            let second = slope2 * above / (whole(1) - kink);
            ((base + first + second) / whole(YEAR), None)
        }
        Curve::Adaptive { rate_at_target } => {
            let target = ratio(9, 10);
            let over = *utilisation > target;
            let room = if over { whole(1) - &target } else { target.clone() };
            let distance = (utilisation - &target) / room;
            let after = |seconds: Exact| {
                let drift = whole(50) * &distance * seconds / whole(YEAR);
                // Both limits of the rate at target are within e^8 of each other.
                let drift = drift.min(whole(10)).max(whole(-10));
                let rate = rate_at_target * exp(&drift);
                rate.max(ratio(1, 1_000 * YEAR)).min(ratio(2, YEAR))
            };
            let end = after(whole(seconds));
            let middle = after(ratio(seconds, 2));
            let mean = (rate_at_target + whole(2) * middle + &end) / whole(4);
            let slope = if over { whole(3) } else { ratio(3, 4) };
            (mean * (whole(1) + slope * distance), Some(end))
        }
    }
}

/// `1 + x + x²/2 + x³/6`.
fn growth(x: &Exact) -> Exact {
    whole(1) + x * (whole(1) + x * (ratio(1, 2) + x / whole(6)))
}

/// Debt over debt and cash: exactly, and rounded up with the debt rounded up before.
fn utilisation(lent: &Lent) -> (Exact, Exact) {
    if lent.debt.is_zero() {
        return (Exact::zero(), Exact::zero());
    }
    let owed = ceil(&lent.debt);
    let high = &owed / (&owed + &lent.cash) + ulp(18);
    (&lent.debt / (&lent.debt + &lent.cash), high.min(whole(1)))
}

/// What `seconds` make of a vault's debt.
///
/// The rate is rounded up with the utilisation it follows, the adaptive model's down by less than 10^-20
/// of it; growth's three terms are rounded down, the index up.
#[must_use]
pub fn accrue(lent: &Lent, seconds: u64) -> Accrual {
    let (used, used_at_most) = utilisation(lent);
    let (rate, end) = course(&lent.curve, &used, seconds);
    let (rate_high, end_high) = course(&lent.curve, &used_at_most, seconds);
    let unit = ulp(27);
    let room = match lent.curve {
        Curve::Kinked { .. } => Exact::zero(),
        // The published constants are rays: the speed and the limits are off by as much.
        Curve::Adaptive { .. } => &rate * ulp(18) + &unit * whole(4),
    };
    let above = &room + &unit * whole(2);
    let bound = |low: &Exact, high: &Exact| Bound {
        exact: low.clone(),
        low: low - &room,
        high: high + &above,
    };
    let rate = bound(&rate, &rate_high);
    let time = whole(seconds);
    let most = whole(INDEX_MAX);
    let grown = |rate: &Exact| &lent.index * growth(&(rate * &time));
    // What nobody owes does not grow.
    let index = if seconds == 0 || lent.debt.is_zero() {
        Bound::just(lent.index.clone())
    } else {
        Bound { exact: grown(&rate.exact), low: grown(&rate.low), high: grown(&rate.high) }
            .wider(&(&lent.index * &unit * whole(3)), &unit)
            .at_most(&most)
    };
    let rate_at_target = end.zip(end_high).map(|(low, high)| bound(&low, &high));
    Accrual { rate, index, rate_at_target }
}

/// What lenders earn per second of all that they own, when `interest` is what debts grow by per second.
#[must_use]
pub fn supply_rate(interest: &Exact, fee_points: u32, assets: &Exact) -> Exact {
    if assets.is_zero() {
        return Exact::zero();
    }
    interest * (whole(1) - bps(fee_points)) / assets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exponential is the one that everybody knows, to 40 digits.
    #[test]
    fn exponential_is_known() {
        let e = "2718281828459045235360287471352662497757";
        let digits = whole(BigInt::from(10).pow(39));
        let known: BigInt = e.parse().unwrap();
        assert_eq!(floor(&(exp(&whole(1)) * &digits)).to_integer(), known);
        let back = exp(&whole(7)) * exp(&whole(-7)) - whole(1);
        assert!(back.abs() < ulp(80));
    }

    /// Rows of the tables in `docs/rates.md`.
    #[test]
    fn rates_are_those_of_the_documentation() {
        let percent = |points: u32, by: u32| ratio(points, by);
        let curve = Curve::Kinked {
            base: Exact::zero(),
            slope1: percent(55, 1_000),
            slope2: percent(60, 100),
            kink: percent(90, 100),
        };
        let yearly = |used: &Exact| course(&curve, used, 0).0 * whole(YEAR);
        assert_eq!(yearly(&percent(45, 100)), percent(275, 10_000));
        assert_eq!(yearly(&percent(95, 100)), percent(355, 1_000));
        let adaptive = Curve::Adaptive { rate_at_target: ratio(4, 100 * YEAR) };
        let year = |used: &Exact| course(&adaptive, used, 0).0 * whole(YEAR);
        assert_eq!(year(&whole(0)), percent(1, 100));
        assert_eq!(year(&percent(95, 100)), percent(10, 100));
        let (_, drifted) = course(&adaptive, &whole(1), 5 * 86_400);
        let drifted = drifted.unwrap() * whole(YEAR) * whole(10_000);
        assert_eq!(drifted.round(), whole(793));
    }
}
