//! The numbers of `docs/rates.md`: both models' curves, their drift, and their bounds.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, reason = "tests")]

use gage_core::interest::{
    RATE_AT_TARGET_INITIAL, RATE_AT_TARGET_MAX, RATE_AT_TARGET_MIN, TARGET_UTILISATION,
};
use gage_core::rates::{along, curve, effective, supply_rate};
use gage_core::{Bps, InterestModel, RAY, Ray, WAD, Wad};

const PAGE: &str = include_str!("../../../docs/rates.md");
const RECORDED: &str = include_str!("../../../data/2024-08-utilisation.csv");
const KINKED: InterestModel =
    InterestModel::Kinked { base: 0, slope1: 550, slope2: 6_000, kink: Bps::new(9_000) };
const ADAPTIVE: InterestModel = InterestModel::Adaptive { rate_at_target: RATE_AT_TARGET_INITIAL };

fn yearly(rate: Ray) -> f64 {
    rate.get() as f64 / 1e27 * 31_536_000.0 * 100.0
}

fn used(percent: u128) -> Wad {
    Wad::new(percent * WAD / 100)
}

#[test]
fn the_documentations_curves() {
    let fee = Bps::new(1_000);
    for (name, model, places) in [
        ("kinked 0, 5.5, 60, kink 90", KINKED, &[45, 90, 95, 100][..]),
        ("adaptive at 4 %", ADAPTIVE, &[0, 45, 90, 95, 100][..]),
    ] {
        for place in places {
            let rate = model.rate(used(*place));
            let row = format!(
                "| {name} | {place} % | {:.2} % | {:.2} % | {:.2} % |",
                yearly(rate),
                effective(rate).get() as f64 / 1e25,
                yearly(supply_rate(rate, used(*place), fee))
            );
            assert!(PAGE.contains(&row), "docs/rates.md has no row\n{row}");
        }
    }
}

#[test]
fn the_documentations_drift() {
    for (name, seconds) in
        [("an hour", 3_600), ("a day", 86_400), ("five days", 432_000), ("30 days", 2_592_000)]
    {
        let at = |place| match ADAPTIVE.after(used(place), seconds) {
            InterestModel::Adaptive { rate_at_target } => yearly(rate_at_target),
            InterestModel::Kinked { .. } => f64::NAN,
        };
        let row = format!("| {name} | {:.2} % | {:.2} % | {:.2} % |", at(100), at(45), at(0));
        assert!(PAGE.contains(&row), "docs/rates.md has no row\n{row}");
    }
    assert_eq!(KINKED.after(Wad::ONE, u64::MAX), KINKED);
}

/// The golden points of the adaptive curve: C = 4, 4 % at first, from 0.025 % to 800 %.
#[test]
fn the_adaptive_curve_has_its_published_points() {
    let near = |rate: Ray, percent: f64| assert!((yearly(rate) - percent).abs() < 1e-9);
    let at = |rate_at_target| InterestModel::Adaptive { rate_at_target };
    for (place, percent) in [(0, 1.0), (45, 2.5), (90, 4.0), (95, 10.0), (100, 16.0)] {
        near(ADAPTIVE.rate(used(place)), percent);
    }
    near(at(RATE_AT_TARGET_MIN).rate(Wad::ZERO), 0.025);
    near(at(RATE_AT_TARGET_MAX).rate(Wad::ONE), 800.0);
    assert_eq!(TARGET_UTILISATION, Ray::new(9 * RAY / 10));
    // Ten years at either end reach the bounds and no further.
    for (place, bound) in [(Wad::ZERO, RATE_AT_TARGET_MIN), (Wad::ONE, RATE_AT_TARGET_MAX)] {
        assert_eq!(ADAPTIVE.after(place, 315_360_000), at(bound));
        assert_eq!(ADAPTIVE.after(place, u64::MAX), at(bound));
    }
    // At the target it stays.
    assert_eq!(ADAPTIVE.after(used(90), 31_536_000), ADAPTIVE);
    // The curve keeps its bend while the rate at target drifts.
    let drifted = ADAPTIVE.after(Wad::ONE, 432_000);
    let points = curve(&drifted, Bps::ZERO, 1).unwrap();
    let rates: Vec<_> = points.iter().map(|point| yearly(point.borrow_rate)).collect();
    assert_eq!(points.len(), 3);
    assert!((rates[1] / rates[0] - 4.0).abs() < 1e-9 && (rates[2] / rates[1] - 4.0).abs() < 1e-9);
}

/// INT-1: along the recorded path a vault that is touched every hour and one touched every day owe
/// the same, to what the models promise of a mean over the day.
#[test]
fn the_recorded_path_can_be_walked_in_other_steps() {
    let path: Vec<Wad> = RECORDED
        .lines()
        .skip(1)
        .map(|line| {
            let (_, text) = line.split_once(',').unwrap();
            Wad::new((text.parse::<f64>().unwrap() * 1e6).round() as u128 * 1_000_000_000_000)
        })
        .collect();
    assert_eq!(path.len(), 192);
    for model in [KINKED, ADAPTIVE] {
        let last = |steps: &[(u64, Wad)]| {
            along(model, Bps::ZERO, steps.iter().copied()).last().unwrap().index.get()
        };
        let hours: Vec<_> = path.iter().map(|used| (3_600, *used)).collect();
        let quarters: Vec<_> = path.iter().flat_map(|used| [(900, *used); 4]).collect();
        let (once, often) = (last(&hours), last(&quarters));
        assert!(often.abs_diff(once) < RAY / 1_000_000_000, "{once} {often}");
    }
}
