//! Exact numbers, and bounds of what rounding makes of them.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;

/// A number without error.
pub type Exact = BigRational;

/// A whole number.
pub fn whole(number: impl Into<BigInt>) -> Exact {
    Exact::from_integer(number.into())
}

/// A quotient.
///
/// # Panics
/// If `by` is zero.
pub fn ratio(number: impl Into<BigInt>, by: impl Into<BigInt>) -> Exact {
    Exact::new(number.into(), by.into())
}

/// One in the units of prices, values and health factors: 10^18.
#[must_use]
pub fn wad() -> Exact {
    whole(10_u64.pow(18))
}

/// One in the units of indexes and rates: 10^27.
#[must_use]
pub fn ray() -> Exact {
    whole(10_u128.pow(27))
}

/// So many basis points as a ratio.
#[must_use]
pub fn bps(points: u32) -> Exact {
    ratio(points, 10_000)
}

/// `10^-digits`.
#[must_use]
pub fn ulp(digits: u32) -> Exact {
    Exact::new(BigInt::one(), BigInt::from(10).pow(digits))
}

/// The largest whole number that is not above.
#[must_use]
pub fn floor(number: &Exact) -> Exact {
    number.floor()
}

/// The smallest whole number that is not below.
#[must_use]
pub fn ceil(number: &Exact) -> Exact {
    number.ceil()
}

/// What a quantity is, and between which ends the engine's number for it must lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Without any rounding.
    pub exact: Exact,
    /// The least that rounding may make of it.
    pub low: Exact,
    /// The most.
    pub high: Exact,
}

impl Bound {
    /// What rounds nowhere.
    #[must_use]
    pub fn just(exact: Exact) -> Self {
        Self { low: exact.clone(), high: exact.clone(), exact }
    }

    /// What rounds down, by `most` at most.
    #[must_use]
    pub fn down(exact: Exact, most: &Exact) -> Self {
        Self { low: &exact - most, high: exact.clone(), exact }
    }

    /// What rounds up, by `most` at most.
    #[must_use]
    pub fn up(exact: Exact, most: &Exact) -> Self {
        Self { low: exact.clone(), high: &exact + most, exact }
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            exact: &self.exact + &other.exact,
            low: &self.low + &other.low,
            high: &self.high + &other.high,
        }
    }

    /// A multiple.
    #[must_use]
    pub fn times(&self, factor: &Exact) -> Self {
        Self { exact: &self.exact * factor, low: &self.low * factor, high: &self.high * factor }
    }

    /// The same with so much more room at either end.
    #[must_use]
    pub fn wider(&self, below: &Exact, above: &Exact) -> Self {
        Self { exact: self.exact.clone(), low: &self.low - below, high: &self.high + above }
    }

    /// Both limited from above.
    #[must_use]
    pub fn at_most(&self, most: &Exact) -> Self {
        let limit = |number: &Exact| number.min(most).clone();
        Self { exact: limit(&self.exact), low: limit(&self.low), high: limit(&self.high) }
    }

    /// Whether the engine's number is within.
    #[must_use]
    pub fn holds(&self, number: &Exact) -> bool {
        self.low <= *number && *number <= self.high
    }

    /// Whether it is at most `other`: `None` where rounding decides.
    #[must_use]
    pub fn is_at_most(&self, other: &Self) -> Option<bool> {
        match (self.high <= other.low, self.low > other.high) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}
