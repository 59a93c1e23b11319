//! Quantities as they are exchanged and as they are read.

use gage_core::{Bps, Ray, WAD, Wad, fixed::YEAR_SECONDS};
use serde::Serialize;

/// Decimals of a wad.
const WAD_DECIMALS: u8 = 18;
/// Decimals of a ray.
const RAY_DECIMALS: u8 = 27;
/// Decimals of basis points shown in percent.
const PERCENT_DECIMALS: u8 = 2;
/// Decimals of millionths shown in percent.
const MILLIONTHS_PERCENT_DECIMALS: u8 = 4;
/// Decimals of basis points shown as a factor.
const BPS_DECIMALS: u8 = 4;
/// Rays in a hundred-thousandth of a percent: as fine as a rate is shown.
const RAY_PER_SHOWN: u128 = 10_u128.pow(20);
/// Decimals of a rate shown in percent.
const RATE_DECIMALS: u8 = 5;

/// A quantity: exact in base units, and readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    /// Decimal digits.
    raw: String,
    formatted: String,
}

impl Shown {
    /// Base units of a token with so many decimals.
    pub(super) fn amount(units: u128, decimals: u8) -> Self {
        Self { raw: units.to_string(), formatted: decimal(units, decimals) }
    }

    /// US dollars, or another ratio of 1e18.
    pub(super) fn wad(wad: Wad) -> Self {
        Self::amount(wad.get(), WAD_DECIMALS)
    }

    /// A health factor, which is endless without debt.
    pub(super) fn health(health: Wad) -> Self {
        let mut shown = Self::wad(health);
        if health == Wad::MAX {
            "∞".clone_into(&mut shown.formatted);
        }
        shown
    }

    /// A part of one, in percent.
    pub(super) fn share(wad: Wad) -> Self {
        let percent = decimal(wad.get().saturating_mul(100) / (WAD / 10_000), 4);
        Self { raw: wad.get().to_string(), formatted: format!("{percent} %") }
    }

    /// Basis points, in percent.
    pub(super) fn bps(bps: Bps) -> Self {
        let percent = decimal(bps.get().into(), PERCENT_DECIMALS);
        Self { raw: bps.get().to_string(), formatted: format!("{percent} %") }
    }

    /// Millionths, in percent.
    pub(super) fn millionths(part: u32) -> Self {
        let percent = decimal(part.into(), MILLIONTHS_PERCENT_DECIMALS);
        Self { raw: part.to_string(), formatted: format!("{percent} %") }
    }

    /// How many times, in basis points of one.
    pub(super) fn times(factor: Bps) -> Self {
        Self::amount(factor.get().into(), BPS_DECIMALS)
    }

    /// What one has grown to.
    pub(super) fn index(ray: Ray) -> Self {
        Self::amount(ray.get(), RAY_DECIMALS)
    }

    /// What one gains in a year, in percent.
    pub(super) fn yearly(ray: Ray) -> Self {
        let percent = decimal(ray.get() / RAY_PER_SHOWN, RATE_DECIMALS);
        Self { raw: ray.get().to_string(), formatted: format!("{percent} %") }
    }

    /// A rate per second, shown as simple interest of a year.
    pub(super) fn rate(ray: Ray) -> Self {
        let yearly = ray.get().saturating_mul(YEAR_SECONDS);
        let percent = decimal(yearly / RAY_PER_SHOWN, RATE_DECIMALS);
        Self { raw: ray.get().to_string(), formatted: format!("{percent} %") }
    }
}

/// `units / 10^decimals` without trailing zeros.
fn decimal(units: u128, decimals: u8) -> String {
    let digits = usize::from(decimals);
    let padded = format!("{units:0>width$}", width = digits + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_as_people_write_them() {
        let table = [
            (Shown::amount(1_500_000, 6), "1.5"),
            (Shown::amount(7, 6), "0.000007"),
            (Shown::amount(7, 0), "7"),
            (Shown::amount(0, 18), "0"),
            (Shown::wad(Wad::ONE), "1"),
            (Shown::health(Wad::MAX), "∞"),
            (Shown::bps(Bps::new(8_250)), "82.5 %"),
            (Shown::share(Wad::new(WAD / 2)), "50 %"),
            (Shown::millionths(51_950), "5.195 %"),
            (Shown::times(Bps::new(32_500)), "3.25"),
            (Shown::rate(Ray::new(10_u128.pow(27) / 20 / 31_536_000)), "4.99999 %"),
        ];
        for (shown, expected) in table {
            assert_eq!(shown.formatted, expected, "{shown:?}");
        }
    }
}
