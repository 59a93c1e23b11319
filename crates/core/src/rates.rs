//! Views of an interest model: its curve, and what it does along a path of utilisation.
//!
//! Both models are two straight lines at any one moment: the kinked one bends at its kink, the
//! adaptive one at its target. What moves the adaptive one is time ([`crate::interest`]).

use crate::error::Error;
use crate::fixed::{BPS, Bps, RAY, Ray, WAD, Wad, YEAR_SECONDS, mul_div_down_saturating};
use crate::interest::{InterestModel, TARGET_UTILISATION, exponential, grown, growth};
use crate::shares::debt_of_shares;
use crate::vault::Accrued;
use alloc::vec::Vec;

/// Into how many parts a curve is cut at most.
pub const INTERVALS_MAX: u16 = 100;

/// [`TARGET_UTILISATION`] as a utilisation.
const TARGET: Wad = Wad::new(TARGET_UTILISATION.get() / (RAY / WAD));

/// The largest exponent of [`effective`]: no rate is above 1,000 % a year.
const EXPONENT_MAX: u128 = 10 * RAY;

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    /// Debt over debt and cash.
    pub utilisation: Wad,
    /// What borrowers without a risk premium pay per second, rounded up.
    pub borrow_rate: Ray,
    /// What lenders earn per second, rounded down.
    pub supply_rate: Ray,
}

/// What a model did in one stretch of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// How long it lasted.
    pub seconds: u64,
    /// The utilisation in it.
    pub utilisation: Wad,
    /// What borrowers paid per second, in the mean.
    pub borrow_rate: Ray,
    /// What lenders earned per second, in the mean, rounded down.
    pub supply_rate: Ray,
    /// What one unit owed at the path's start has grown to at the stretch's end.
    pub index: Ray,
    /// The model at its end.
    pub model: InterestModel,
}

impl InterestModel {
    /// The utilisation at which the curve bends.
    #[must_use]
    pub fn bend(&self) -> Wad {
        match *self {
            Self::Kinked { kink, .. } => kink.to_wad(),
            Self::Adaptive { .. } => TARGET,
        }
    }

    /// The model after `seconds` at a constant `utilisation`: only the adaptive one changes.
    #[must_use]
    pub fn after(&self, utilisation: Wad, seconds: u64) -> Self {
        self.course(utilisation, seconds).model
    }
}

/// What a year at `rate` per second comes to if interest is counted every moment: `e^(rate·year) − 1`
/// as a ray, rounded down. People call it APY, and `rate · year` APR.
#[must_use]
pub fn effective(rate: Ray) -> Ray {
    let exponent = rate.get().saturating_mul(YEAR_SECONDS).min(EXPONENT_MAX);
    Ray::new(exponential(exponent)).saturating_sub(Ray::ONE)
}

/// What lenders earn of `borrow_rate`: the used part of it without the reserve fee,
/// `borrow_rate · utilisation · (1 − fee)`, rounded down.
#[must_use]
pub fn supply_rate(borrow_rate: Ray, utilisation: Wad, reserve_fee: Bps) -> Ray {
    let used = utilisation.get().min(WAD);
    after_fee(mul_div_down_saturating(borrow_rate.get(), used, WAD), reserve_fee)
}

fn after_fee(paid: u128, reserve_fee: Bps) -> Ray {
    let kept = BPS.saturating_sub(u128::from(reserve_fee.get()));
    Ray::new(mul_div_down_saturating(paid, kept, BPS))
}

/// Where a curve of `intervals` equal parts has its points: both ends, the borders between parts, and
/// the bend, so that the lines between the points are the curve.
///
/// # Errors
/// [`Error::InvalidParameter`] for none, or more than [`INTERVALS_MAX`].
pub fn places(bend: Wad, intervals: u16) -> Result<Vec<Wad>, Error> {
    if intervals == 0 || intervals > INTERVALS_MAX {
        return Err(Error::InvalidParameter { name: "intervals", value: intervals.into() });
    }
    let parts = u128::from(intervals);
    let mut places: Vec<_> =
        (0..=parts).map(|part| Wad::new(mul_div_down_saturating(part, WAD, parts))).collect();
    places.push(bend.min(Wad::ONE));
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// A model's curve for a vault that keeps nothing but its fee from the lenders, at [`places`].
///
/// # Errors
/// As [`places`].
pub fn curve(
    model: &InterestModel,
    reserve_fee: Bps,
    intervals: u16,
) -> Result<Vec<CurvePoint>, Error> {
    let point = |utilisation| {
        let borrow_rate = model.rate(utilisation);
        let supply_rate = supply_rate(borrow_rate, utilisation, reserve_fee);
        CurvePoint { utilisation, borrow_rate, supply_rate }
    };
    Ok(places(model.bend(), intervals)?.into_iter().map(point).collect())
}

/// What a model does along a path of seconds and the utilisation in them, touched at each of its
/// points: the same course and growth that a vault's interest follows.
pub fn along(
    mut model: InterestModel,
    reserve_fee: Bps,
    path: impl IntoIterator<Item = (u64, Wad)>,
) -> impl Iterator<Item = Stretch> {
    let mut index = Ray::ONE;
    path.into_iter().map(move |(seconds, utilisation)| {
        let course = model.course(utilisation, seconds);
        model = course.model;
        index = grown(index, growth(course.rate, seconds));
        let supply_rate = supply_rate(course.rate, utilisation, reserve_fee);
        Stretch { seconds, utilisation, borrow_rate: course.rate, supply_rate, index, model }
    })
}

impl Accrued {
    /// The rates at another utilisation, all else equal: the part of all assets that is reserves, and
    /// what risk premiums add to what is paid. Above one counts as one.
    ///
    /// At the vault's own utilisation these are [`Self::borrow_rate`] and [`Self::supply_rate`], the
    /// latter to rounding.
    #[must_use]
    pub fn rate_at(&self, utilisation: Wad) -> CurvePoint {
        let utilisation = utilisation.min(Wad::ONE);
        let vault = self.record();
        let borrow_rate = vault.model.rate(utilisation);
        let mut paid = mul_div_down_saturating(borrow_rate.get(), utilisation.get(), WAD);
        let (debt, all) = (self.debt(), self.debt().saturating_add(vault.cash));
        if !debt.is_zero() {
            let bearing = debt_of_shares(vault.owed.shares, vault.index);
            paid = mul_div_down_saturating(paid, bearing.get(), debt.get());
        }
        let owned = self.total_assets();
        if !all.is_zero() {
            // Nothing is earned where nothing is owned.
            paid = match owned.is_zero() {
                true => 0,
                false => mul_div_down_saturating(paid, all.get(), owned.get()),
            };
        }
        CurvePoint { utilisation, borrow_rate, supply_rate: after_fee(paid, vault.reserve_fee) }
    }

    /// The vault's curve: [`Self::rate_at`] at [`places`].
    ///
    /// # Errors
    /// As [`places`].
    pub fn curve(&self, intervals: u16) -> Result<Vec<CurvePoint>, Error> {
        let places = places(self.record().model.bend(), intervals)?;
        Ok(places.into_iter().map(|utilisation| self.rate_at(utilisation)).collect())
    }

    /// What borrowers without a risk premium will pay after `seconds` in which nobody acts, rounded
    /// up; interest that accrues meanwhile is left out of the utilisation.
    #[must_use]
    pub fn model_after(&self, seconds: u64) -> InterestModel {
        self.record().model.after(self.utilisation(), seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interest::{RATE_AT_TARGET_MAX, RATE_AT_TARGET_MIN};
    use crate::vault::tests::any_vault;
    use proptest::prelude::*;

    fn any_model() -> impl Strategy<Value = InterestModel> {
        let kinked = (0_u32..30_000, 0_u32..30_000, 0_u32..30_000, 1_u16..10_000).prop_map(
            |(base, slope1, slope2, kink)| {
                let kink = Bps::new(kink);
                InterestModel::Kinked { base, slope1, slope2, kink }
            },
        );
        let adaptive = (RATE_AT_TARGET_MIN.get()..RATE_AT_TARGET_MAX.get())
            .prop_map(|rate| InterestModel::Adaptive { rate_at_target: Ray::new(rate) });
        prop_oneof![kinked, adaptive]
    }

    proptest! {
        /// INT-3: the curve's points are the model's, in order, with both ends and the bend, and it
        /// never falls.
        #[test]
        fn a_curve_is_the_model(model in any_model(), fee in 0_u16..=5_000, intervals in 1_u16..=100) {
            let points = curve(&model, Bps::new(fee), intervals)?;
            prop_assert!(points.len() > usize::from(intervals));
            prop_assert!(points.len() <= usize::from(intervals) + 2);
            prop_assert_eq!(points[0].utilisation, Wad::ZERO);
            prop_assert_eq!(points[points.len() - 1].utilisation, Wad::ONE);
            prop_assert!(points.iter().any(|point| point.utilisation == model.bend()));
            for point in &points {
                prop_assert_eq!(point.borrow_rate, model.rate(point.utilisation));
                prop_assert!(point.supply_rate <= point.borrow_rate);
            }
            for pair in points.windows(2) {
                prop_assert!(pair[0].utilisation < pair[1].utilisation);
                prop_assert!(pair[0].borrow_rate <= pair[1].borrow_rate);
                prop_assert!(pair[0].supply_rate <= pair[1].supply_rate);
            }
        }

        /// Between two neighbouring points the curve is the straight line.
        #[test]
        fn a_curve_is_straight_between_its_points(model in any_model(), place in 0_u128..=WAD) {
            let points = curve(&model, Bps::ZERO, 1)?;
            let after = points.iter().position(|point| point.utilisation.get() >= place).unwrap().max(1);
            let (a, b) = (points[after - 1], points[after]);
            let part = (place - a.utilisation.get()) as f64
                / (b.utilisation.get() - a.utilisation.get()) as f64;
            let (from, to) = (a.borrow_rate.get() as f64, b.borrow_rate.get() as f64);
            let got = model.rate(Wad::new(place)).get() as f64;
            prop_assert!((from + part * (to - from) - got).abs() <= 2.0 + got * 1e-9);
        }

        /// INT-2: a vault stands on its own curve.
        #[test]
        fn a_vault_stands_on_its_curve(vault in any_vault()) {
            let vault = vault.accrue(vault.updated_at);
            let here = vault.rate_at(vault.utilisation());
            prop_assert_eq!(here.borrow_rate, vault.borrow_rate());
            // The part of a rate that is shown rests on a utilisation of 18 digits and four divisions.
            let all = vault.debt().saturating_add(vault.record().cash).get();
            if vault.total_assets().get() > 1 << 40 && vault.total_assets().get() > all / 1_000 {
                let slack = here.borrow_rate.get() / 1_000_000_000 + 10_000;
                let (a, b) = (here.supply_rate.get(), vault.supply_rate().get());
                prop_assert!(a.abs_diff(b) <= slack, "{a} {b}");
            }
            prop_assert!(vault.curve(10).is_ok());
        }

        /// INT-3: whatever the path, the rates stay within the model's bounds, the index never falls, and
        /// a path at one utilisation is one course.
        #[test]
        fn a_path_keeps_the_models_bounds(
            model in any_model(), path in prop::collection::vec((0_u64..1_000_000, 0_u128..=WAD), 1..40),
        ) {
            let walk: Vec<_> = along(
                model, Bps::new(1_000), path.iter().map(|(seconds, used)| (*seconds, Wad::new(*used))),
            ).collect();
            prop_assert_eq!(walk.len(), path.len());
            let mut index = Ray::ONE;
            for stretch in &walk {
                prop_assert!(stretch.index >= index && stretch.model.check().is_ok());
                prop_assert!(stretch.supply_rate <= stretch.borrow_rate);
                index = stretch.index;
            }
            let (seconds, used) = path[0];
            let course = model.course(Wad::new(used), seconds);
            prop_assert_eq!((walk[0].borrow_rate, walk[0].model), (course.rate, course.model));
        }

        /// What compounding makes of a rate is never less than the rate, and `e^x − 1`.
        #[test]
        fn effective_rates_compound(rate in 0_u128..RAY * 10 / YEAR_SECONDS) {
            let simple = rate as f64 / 1e27 * YEAR_SECONDS as f64;
            let got = effective(Ray::new(rate)).get();
            prop_assert!(got >= rate * YEAR_SECONDS);
            prop_assert!((got as f64 / 1e27 - simple.exp_m1()).abs() <= 1e-9 * simple.exp());
        }
    }

    #[test]
    fn curves_have_bounded_parts() {
        let model = InterestModel::Kinked { base: 0, slope1: 1, slope2: 1, kink: Bps::new(8_000) };
        for intervals in [0, INTERVALS_MAX + 1, u16::MAX] {
            assert!(curve(&model, Bps::ZERO, intervals).is_err());
        }
        assert_eq!(curve(&model, Bps::ZERO, 10).unwrap().len(), 11, "the kink is a tenth's border");
        assert_eq!(curve(&model, Bps::ZERO, 3).unwrap().len(), 5);
    }
}
