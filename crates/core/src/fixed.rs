//! Quantities and the arithmetic between them.
//!
//! Every quantity is a type of its own: `+` and `-` are checked methods, `*` and `/` do not exist.
//! Products go through [`mul_div_down`] and [`mul_div_up`], which carry 256 bits in between.

use crate::error::Error;
use alloy_primitives::U256;

/// One, as a [`Wad`]'s inner number.
pub const WAD: u128 = 1_000_000_000_000_000_000;
/// One, as a [`Ray`]'s inner number.
pub const RAY: u128 = 1_000_000_000_000_000_000_000_000_000;
/// One, as a [`Bps`]'s inner number.
pub const BPS: u128 = 10_000;
/// Seconds of a year of 365 days, in which yearly rates are stated.
pub const YEAR_SECONDS: u128 = 31_536_000;
/// Seconds of a day.
pub const DAY_SECONDS: u64 = 86_400;

/// Most base units of one asset that a vault or a collateral listing may hold: 2^104 − 1.
///
/// With the borrow index bounded by [`crate::interest::INDEX_MAX`] it keeps every sum of claims
/// within 128 bits.
pub const AMOUNT_MAX: Assets = Assets::new((1 << 104) - 1);

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        #[allow(clippy::should_implement_trait, reason = "the operators cannot return errors")]
        impl $name {
            /// None of it.
            pub const ZERO: Self = Self(0);
            /// The largest value that can be written.
            pub const MAX: Self = Self(u128::MAX);

            /// The quantity that `units` count.
            #[must_use]
            pub const fn new(units: u128) -> Self {
                Self(units)
            }

            /// The number of units.
            #[must_use]
            pub const fn get(self) -> u128 {
                self.0
            }

            /// Whether there is none of it.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum.
            ///
            /// # Errors
            /// [`Error::Overflow`] above 128 bits.
            pub fn add(self, other: Self) -> Result<Self, Error> {
                self.0.checked_add(other.0).map(Self).ok_or(Error::Overflow)
            }

            /// The difference.
            ///
            /// # Errors
            /// [`Error::Overflow`] below zero.
            pub fn sub(self, other: Self) -> Result<Self, Error> {
                self.0.checked_sub(other.0).map(Self).ok_or(Error::Overflow)
            }

            /// The sum, or the largest value if it does not fit.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, or zero if `other` is more.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

quantity! {
    /// An amount of a token in base units.
    Assets
}
quantity! {
    /// A claim on a vault: lenders' shares of its assets, or borrowers' shares of its debt.
    Shares
}
quantity! {
    /// A staker's part of a line's first-loss capital.
    Units
}
quantity! {
    /// A number with 18 decimals: prices and values in US dollars, ratios that we compute.
    Wad
}
quantity! {
    /// A number with 27 decimals: indexes, and rates per second.
    Ray
}

impl Wad {
    /// One.
    pub const ONE: Self = Self(WAD);

    /// How far two numbers are apart.
    #[must_use]
    pub const fn distance(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

impl Ray {
    /// One.
    pub const ONE: Self = Self(RAY);
}

/// A ratio in basis points: 10,000 are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bps(u16);

impl Bps {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One: 100 %.
    pub const ONE: Self = Self(10_000);

    /// The ratio of `points` to 10,000.
    #[must_use]
    pub const fn new(points: u16) -> Self {
        Self(points)
    }

    /// The number of basis points.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The same ratio as a [`Wad`], exactly.
    #[must_use]
    pub fn to_wad(self) -> Wad {
        Wad::new(u128::from(self.0).saturating_mul(WAD / BPS))
    }

    /// This part of `amount`, rounded down.
    #[must_use]
    pub fn of_down(self, amount: u128) -> u128 {
        mul_div_down_saturating(amount, u128::from(self.0), BPS)
    }

    /// This part of `amount`, rounded up.
    #[must_use]
    pub fn of_up(self, amount: u128) -> u128 {
        mul_div_up_saturating(amount, u128::from(self.0), BPS)
    }
}

impl core::fmt::Display for Bps {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

/// A ratio in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ppm(u32);

impl Ppm {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest that can be written, 4,294 times; larger ratios count as it.
    pub const MAX: Self = Self(u32::MAX);

    /// The ratio of `parts` to a million.
    #[must_use]
    pub const fn new(parts: u32) -> Self {
        Self(parts)
    }

    /// The number of parts.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The part that `of` is of `whole`, rounded up; the largest of nothing.
    #[must_use]
    pub fn part(of: Wad, whole: Wad) -> Self {
        if of.is_zero() {
            return Self::ZERO;
        }
        let parts = mul_div_up_saturating(of.get(), 1_000_000, whole.get());
        u32::try_from(parts).map_or(Self::MAX, Self)
    }

    /// The distance of two numbers as a part of the second, rounded up.
    #[must_use]
    pub fn between(one: Wad, other: Wad) -> Self {
        Self::part(one.distance(other), other)
    }
}

impl From<Bps> for Ppm {
    fn from(ratio: Bps) -> Self {
        Self(u32::from(ratio.0).saturating_mul(100))
    }
}

impl core::fmt::Display for Ppm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

/// A moment, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The beginning of 1970: never, for a record not yet written.
    pub const ZERO: Self = Self(0);

    /// The moment `seconds` after the beginning of 1970.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Seconds from `earlier` to here, zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `seconds` later.
    #[must_use]
    pub const fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl core::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

/// `a · b / d`, rounded down, with a 256-bit product.
///
/// # Errors
/// [`Error::Overflow`] if `d` is zero or the quotient exceeds 128 bits.
pub fn mul_div_down(a: u128, b: u128, d: u128) -> Result<u128, Error> {
    mul_div(a, b, d).map(|(quotient, _)| quotient).ok_or(Error::Overflow)
}

/// `a · b / d`, rounded up, with a 256-bit product.
///
/// # Errors
/// [`Error::Overflow`] if `d` is zero or the quotient exceeds 128 bits.
pub fn mul_div_up(a: u128, b: u128, d: u128) -> Result<u128, Error> {
    mul_div(a, b, d)
        .and_then(|(quotient, exact)| quotient.checked_add(u128::from(!exact)))
        .ok_or(Error::Overflow)
}

/// [`mul_div_down`], or the largest number where the quotient does not fit.
#[must_use]
pub fn mul_div_down_saturating(a: u128, b: u128, d: u128) -> u128 {
    mul_div_down(a, b, d).unwrap_or(u128::MAX)
}

/// [`mul_div_up`], or the largest number where the quotient does not fit.
#[must_use]
pub fn mul_div_up_saturating(a: u128, b: u128, d: u128) -> u128 {
    mul_div_up(a, b, d).unwrap_or(u128::MAX)
}

/// Whether `a · b ≤ c · d`, exactly.
#[must_use]
pub fn product_at_most(a: u128, b: u128, c: u128, d: u128) -> bool {
    product(a, b) <= product(c, d)
}

fn product(a: u128, b: u128) -> U256 {
    // Two factors of 128 bits never exceed 256.
    U256::from(a).wrapping_mul(U256::from(b))
}

/// Quotient rounded down, and whether it is exact; `None` if it does not exist or does not fit.
fn mul_div(a: u128, b: u128, d: u128) -> Option<(u128, bool)> {
    if d == 0 {
        return None;
    }
    // Most products fit, and the machine divides 128 bits much faster than 256.
    if let Some(small) = a.checked_mul(b) {
        let quotient = small.checked_div(d)?;
        return Some((quotient, quotient.wrapping_mul(d) == small));
    }
    let (quotient, remainder) = product(a, b).div_rem(U256::from(d));
    Some((u128::try_from(quotient).ok()?, remainder.is_zero()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers of every size, and the borders between sizes.
    pub(crate) fn any_number() -> impl Strategy<Value = u128> {
        prop_oneof![
            0_u128..4,
            any::<u128>(),
            (0_u32..128).prop_map(|bits| 1_u128 << bits),
            (0_u32..128).prop_map(|bits| (1_u128 << bits) - 1),
            (0_u32..39).prop_map(|digits| 10_u128.pow(digits)),
        ]
    }

    proptest! {
        /// SHR-4: the quotients enclose the exact one and differ by at most one.
        #[test]
        fn rounding_encloses_the_exact_quotient(a in any_number(), b in any_number(), d in any_number()) {
            let d = d.max(1);
            let exact = U256::from(a) * U256::from(b);
            match mul_div_down(a, b, d) {
                Ok(down) => {
                    prop_assert!(U256::from(down) * U256::from(d) <= exact);
                    prop_assert!((U256::from(down) + U256::from(1)) * U256::from(d) > exact);
                    if let Ok(up) = mul_div_up(a, b, d) {
                        prop_assert!(U256::from(up) * U256::from(d) >= exact);
                        prop_assert!(up - down <= 1);
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error, Error::Overflow);
                    prop_assert!(exact / U256::from(d) > U256::from(u128::MAX));
                }
            }
        }

        #[test]
        fn comparison_of_products_is_exact(a in any_number(), b in any_number(), c in any_number(), d in any_number()) {
            prop_assert_eq!(
                product_at_most(a, b, c, d),
                U256::from(a) * U256::from(b) <= U256::from(c) * U256::from(d)
            );
        }
    }

    #[test]
    fn division_by_zero_is_an_error() {
        assert_eq!(mul_div_down(1, 1, 0), Err(Error::Overflow));
        assert_eq!(mul_div_up(0, 0, 0), Err(Error::Overflow));
    }

    #[test]
    fn basis_points_convert_exactly() {
        assert_eq!(Bps::ONE.to_wad(), Wad::ONE);
        assert_eq!(Bps::new(1).to_wad().get(), WAD / 10_000);
        assert_eq!(Bps::new(5_000).of_down(3), 1);
    }
}
