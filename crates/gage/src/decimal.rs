//! Whole numbers of base units, and how people write them: `1.5`, `1,000`, `max`.

use thiserror::Error;

/// Decimals of a `Wad`: prices, values, health factors.
pub(crate) const WAD_DECIMALS: u8 = 18;

/// Decimals of the native coin.
pub(crate) const COIN_DECIMALS: u8 = 18;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum DecimalError {
    /// Nothing was written.
    #[error("an amount is missing")]
    Empty,
    /// A letter, a sign, two points.
    #[error("`{0}` is not a number; write it as 1.5")]
    NotANumber(String),
    /// A sign before a number.
    #[error("`{0}` is below zero; no amount is")]
    Negative(String),
    /// More digits after the point than the asset has.
    #[error("`{text}` has more than {decimals} decimals")]
    TooPrecise {
        /// As written.
        text: String,
        /// What the asset has.
        decimals: u8,
    },
    /// 128 bits hold no more.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// Reads a decimal number as a count of units of `10^-decimals`. Commas and underscores may group
/// digits before the point.
pub(crate) fn parse_units(text: &str, decimals: u8) -> Result<u128, DecimalError> {
    let written = text.trim();
    if written.is_empty() {
        return Err(DecimalError::Empty);
    }
    let not_a_number = || DecimalError::NotANumber(written.to_owned());
    let too_large = || DecimalError::TooLarge(written.to_owned());
    if written.strip_prefix('-').is_some_and(|rest| parse_units(rest, decimals).is_ok()) {
        return Err(DecimalError::Negative(written.to_owned()));
    }
    let (whole, fraction) = written.split_once('.').unwrap_or((written, ""));
    let whole: String = whole.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    if whole.is_empty() && fraction.is_empty() {
        return Err(not_a_number());
    }
    if !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return Err(not_a_number());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(decimals) {
        return Err(DecimalError::TooPrecise { text: written.to_owned(), decimals });
    }
    let digits = format!("{whole}{fraction:0<width$}", width = usize::from(decimals));
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { Ok(0) } else { digits.parse().map_err(|_| too_large()) }
}

/// An amount that a user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// So many base units.
    Exactly(u128),
    /// As much as there is: `max` or `all`.
    All,
}

impl Quantity {
    /// Reads `1.5`, `max` or `all`.
    pub(crate) fn parse(text: &str, decimals: u8) -> Result<Self, DecimalError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "max" | "all" => Ok(Self::All),
            number => parse_units(number, decimals).map(Self::Exactly),
        }
    }
}

/// All digits, no grouping, no trailing zeros: what [`parse_units`] reads back.
pub(crate) fn exact(units: u128, decimals: u8) -> String {
    let (whole, fraction) = split(units, decimals);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// For people: thousands grouped, at most `places` digits after the point, rounded down.
pub(crate) fn human(units: u128, decimals: u8, places: usize) -> String {
    let (whole, fraction) = split(units, decimals);
    let shown = fraction.get(..places.min(fraction.len())).unwrap_or_default();
    let whole = grouped(&whole);
    if shown.is_empty() { whole } else { format!("{whole}.{shown}") }
}

/// For people: as many digits after the point as a number of this size needs.
pub(crate) fn brief(units: u128, decimals: u8) -> String {
    if units == 0 {
        return "0".to_owned();
    }
    let one = 10_u128.saturating_pow(decimals.into());
    let places = match units / one.max(1) {
        0 => 6,
        1..=9 => 4,
        10..=99_999 => 2,
        _ => 0,
    };
    human(units, decimals, places)
}

/// A value in dollars, given as a wad.
pub(crate) fn dollars(wad: u128) -> String {
    format!("${}", human(wad, WAD_DECIMALS, if wad < 100_000 * 10_u128.pow(18) { 2 } else { 0 }))
}

/// Basis points as a percentage: `8050` is `80.5 %`.
pub(crate) fn percent_of_bps(bps: u128) -> String {
    format!("{} %", exact(bps, 2))
}

/// A ratio given as a wad, as a percentage with two decimals.
pub(crate) fn percent_of_wad(wad: u128) -> String {
    format!("{} %", human(wad, WAD_DECIMALS - 2, 2))
}

/// Digits in threes.
pub(crate) fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn split(units: u128, decimals: u8) -> (String, String) {
    let width = usize::from(decimals);
    let digits = format!("{units:0>least$}", least = width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    (whole.to_owned(), fraction.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse_units("1.5", 6), Ok(1_500_000));
        assert_eq!(parse_units(" 1,000 ", 0), Ok(1_000));
        assert_eq!(parse_units(".5", 18), Ok(500_000_000_000_000_000));
        assert_eq!(parse_units("0", 18), Ok(0));
        assert_eq!(parse_units("1.500000", 1), Ok(15));
        assert_eq!(parse_units("0.000001", 6), Ok(1));
        assert_eq!(Quantity::parse("ALL", 6), Ok(Quantity::All));
        assert_eq!(Quantity::parse("max", 6), Ok(Quantity::All));
        assert_eq!(Quantity::parse("2", 6), Ok(Quantity::Exactly(2_000_000)));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        assert_eq!(parse_units("", 6), Err(DecimalError::Empty));
        assert!(matches!(parse_units("-1.5", 6), Err(DecimalError::Negative(_))));
        for text in ["--1", "1-", "1e6", "1.2.3", "0x10", ".", "one", "1 000", "١"] {
            assert!(matches!(parse_units(text, 6), Err(DecimalError::NotANumber(_))), "{text}");
        }
        assert!(matches!(parse_units("0.1234567", 6), Err(DecimalError::TooPrecise { .. })));
        let large = "999999999999999999999999999999999999999999";
        assert!(matches!(parse_units(large, 6), Err(DecimalError::TooLarge(_))));
    }

    #[test]
    fn exact_reads_back() {
        for (units, decimals) in [(0, 0), (1, 18), (123_456_789, 6), (u128::MAX, 27), (10, 1)] {
            assert_eq!(parse_units(&exact(units, decimals), decimals), Ok(units));
        }
    }

    #[test]
    fn writes_for_people() {
        assert_eq!(human(1_234_567_890_000, 6, 2), "1,234,567.89");
        assert_eq!(human(5, 6, 2), "0.00");
        assert_eq!(brief(1_500_000, 6), "1.5000");
        assert_eq!(brief(0, 6), "0");
        assert_eq!(percent_of_bps(8_050), "80.5 %");
        assert_eq!(percent_of_wad(910_000_000_000_000_000), "91.00 %");
        assert_eq!(dollars(1_500_000_000_000_000_000), "$1.50");
    }
}
