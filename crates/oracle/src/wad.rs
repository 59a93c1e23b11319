//! From a provider's decimals to wads: 18 decimals in 128 bits.

use alloy_primitives::U256;

/// Decimals of a wad.
pub(crate) const DECIMALS: i32 = 18;

/// `value · 10^(18 + exponent)` as a wad, rounded down; `None` when it does not fit 128 bits.
pub(crate) fn wad_down(value: u128, exponent: i32) -> Option<u128> {
    match scale(exponent)? {
        Scale::Multiply(by) => value.checked_mul(by),
        Scale::Divide(by) => Some(value / by),
    }
}

/// As [`wad_down`], rounded up.
pub(crate) fn wad_up(value: u128, exponent: i32) -> Option<u128> {
    match scale(exponent)? {
        Scale::Multiply(by) => value.checked_mul(by),
        Scale::Divide(by) => Some(value.div_ceil(by)),
    }
}

/// A whole number of 256 bits in the fewer bits of a value, if it fits.
pub(crate) fn narrow(value: U256) -> Option<u128> {
    u128::try_from(value).ok()
}

enum Scale {
    Multiply(u128),
    Divide(u128),
}

fn scale(exponent: i32) -> Option<Scale> {
    let shift = exponent.checked_add(DECIMALS)?;
    let power = 10u128.checked_pow(shift.unsigned_abs())?;
    Some(if shift < 0 { Scale::Divide(power) } else { Scale::Multiply(power) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_round_down_and_confidences_up() {
        assert_eq!(wad_down(15, -19), Some(1));
        assert_eq!(wad_up(11, -19), Some(2));
        assert_eq!(wad_up(10, -19), Some(1));
        assert_eq!(wad_down(7, -18), Some(7));
        assert_eq!(wad_down(7, -8), Some(70_000_000_000));
        assert_eq!(wad_down(u128::MAX, -17), None);
        assert_eq!(wad_down(1, 21), None, "10^39 does not fit 128 bits");
        assert_eq!(wad_down(1, 20), Some(10u128.pow(38)));
        assert_eq!(wad_up(1, i32::MAX), None);
        assert_eq!(wad_up(1, i32::MIN), None);
    }
}
