//! Decimal numbers as exchanges write them, exactly, in wads.

/// Decimals of a wad.
const WAD_DECIMALS: i32 = 18;
/// The most digits that are read; more is no price.
const DIGITS_MAX: usize = 64;

/// Reads a positive decimal number such as `3214.5`, `1e-7` or `2.5E3` as a wad; digits below it are dropped.
/// `None` if it is no such number, zero, or too large for 128 bits.
#[must_use]
pub fn parse_wad(text: &str) -> Option<u128> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = whole.chars().chain(fraction.chars()).collect();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || digits.len() > DIGITS_MAX {
        return None;
    }
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let shift = scale.checked_add(WAD_DECIMALS)?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return None;
    }
    let wad = if shift >= 0 {
        let power = 10_u128.checked_pow(shift.unsigned_abs())?;
        digits.parse::<u128>().ok()?.checked_mul(power)?
    } else {
        let kept = digits.len().checked_sub(usize::try_from(shift.unsigned_abs()).ok()?)?;
        digits.get(..kept)?.parse().ok()?
    };
    (wad > 0).then_some(wad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WAD: u128 = 10_u128.pow(18);

    #[test]
    fn prices_are_read_exactly() {
        for (text, wad) in [
            ("3214.5", 3_214 * WAD + WAD / 2),
            ("0.000000000000000001", 1),
            ("0.10025", 100_250_000_000_000_000),
            ("1e-7", 100_000_000_000),
            ("2.5E3", 2_500 * WAD),
            ("007", 7 * WAD),
            (" 1 ", WAD),
            ("0.12345678901234567899", 123_456_789_012_345_678),
            (".5", WAD / 2),
            ("5.", 5 * WAD),
        ] {
            assert_eq!(parse_wad(text), Some(wad), "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_price() {
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "NaN",
            "inf",
            "1e400",
            "1e-400",
            "0",
            "0.0",
            "1,000",
            "0x10",
            "1e",
            "e5",
            "1.2.3",
            "1 2",
            "340282366920938463463374607431768211456",
            "1e99999999999999999999",
            "0.0000000000000000001",
        ] {
            assert_eq!(parse_wad(text), None, "{text}");
        }
        assert_eq!(parse_wad(&"9".repeat(10_000)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = parse_wad(&text);
        }

        #[test]
        fn wads_read_back(wad in 1_u128..1 << 120) {
            let text = format!("{}.{:018}", wad / WAD, wad % WAD);
            prop_assert_eq!(parse_wad(&text), Some(wad));
        }
    }
}
