//! Ratios of 256-bit numbers, rounded down or up by name; what does not fit is the largest number.

use alloy_primitives::U256;

/// Ratios of references count in steps of 2^-64.
const RATIO_BITS: usize = 64;

pub(super) fn wide(number: u128) -> U256 {
    U256::from(number)
}

/// `a · b / d` rounded down; the largest number if it does not fit, or `d` is zero.
pub(super) fn scaled_down(a: U256, b: U256, d: U256) -> U256 {
    let product = a.checked_mul(b);
    product.and_then(|product| product.checked_div(d)).unwrap_or(U256::MAX)
}

/// [`scaled_down`], rounded up.
pub(super) fn scaled_up(a: U256, b: U256, d: U256) -> U256 {
    let Some(product) = a.checked_mul(b).filter(|_| !d.is_zero()) else {
        return U256::MAX;
    };
    let (quotient, rest) = product.div_rem(d);
    quotient.saturating_add(U256::from(u8::from(!rest.is_zero())))
}

/// `(now / then)^growth`, rounded up.
pub(super) fn grown_up(now: U256, then: U256, growth: u8) -> U256 {
    let ratio = scaled_up(now, ratio_one(), then);
    (1..growth).fold(ratio, |power, _| scaled_up(power, ratio, ratio_one()))
}

/// [`grown_up`], rounded down.
pub(super) fn grown_down(now: U256, then: U256, growth: u8) -> U256 {
    let ratio = scaled_down(now, ratio_one(), then);
    (1..growth).fold(ratio, |power, _| scaled_down(power, ratio, ratio_one()))
}

pub(super) fn ratio_one() -> U256 {
    U256::ONE.wrapping_shl(RATIO_BITS)
}
