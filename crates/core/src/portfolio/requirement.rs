//! What an account must keep beyond its debt, by covariance, costs and floors.

use super::covariance::{Term, quadratic_form, root_up};
use super::{InForce, ParameterSet, RiskFactor};
use crate::fixed::{BPS, Bps, Wad};
use crate::ids::AssetId;
use crate::listing::LTV_GAP_MIN;
use alloc::vec::Vec;
use alloy_primitives::{I256, U256};

/// Requirements are computed in steps of 1e-12 of a value unit: basis points of `k`, millionths of `σ`
/// and the root of basis points of `ρ`.
const STEPS: u128 = 1_000_000_000_000;
/// Steps of one basis point.
const STEPS_PER_BPS: u128 = STEPS / BPS;

/// Whether a value is owned or owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It counts up.
    Collateral,
    /// It counts down.
    Debt,
}

/// One collateral or debt of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Its asset: which factor moves it.
    pub asset: AssetId,
    /// Owned or owed.
    pub side: Side,
    /// In US dollars.
    pub value: Wad,
    /// A collateral's most debt per value when borrowing; nothing for a debt.
    pub ltv: Bps,
    /// A collateral's liquidation threshold; nothing for a debt.
    pub threshold: Bps,
}

/// Which of an account's two limits is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The most debt after drawing or releasing.
    Borrow,
    /// The most debt before liquidation.
    Liquidation,
}

/// A requirement and its parts in US dollars, each rounded up. Without a ramp,
/// `total = max(risk + cost, floor, linear)`; during one each is the mean of two by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// `k·√(xᵀΣx)`.
    pub risk: Wad,
    /// What selling every collateral and buying back every debt costs.
    pub cost: Wad,
    /// The least share of all that is owned and owed.
    pub floor: Wad,
    /// What the collaterals' own limits keep back, less what named hedges free.
    pub linear: Wad,
    /// What equity must cover.
    pub total: Wad,
}

/// A requirement's parts in [`STEPS`].
#[derive(Clone, Copy, Default)]
struct Parts {
    risk: U256,
    cost: U256,
    floor: U256,
    linear: U256,
}

impl Parts {
    fn total(&self) -> U256 {
        self.risk.saturating_add(self.cost).max(self.floor).max(self.linear)
    }
}

fn wide(number: u128) -> U256 {
    U256::from(number)
}

/// A share of a value, in steps.
fn share(value: Wad, part: Bps) -> U256 {
    let steps = STEPS_PER_BPS.saturating_mul(part.get().into());
    wide(value.get()).saturating_mul(wide(steps))
}

impl Exposure {
    fn signed(&self) -> I256 {
        let value = I256::from_raw(wide(self.value.get()));
        match self.side {
            Side::Collateral => value,
            Side::Debt => value.wrapping_neg(),
        }
    }

    const fn own_limit(&self, limit: Limit) -> Bps {
        match limit {
            Limit::Borrow => self.ltv,
            Limit::Liquidation => self.threshold,
        }
    }
}

/// What the collaterals' own limits keep back: what a market without covariance requires.
fn linear(exposures: &[Exposure], limit: Limit) -> U256 {
    let mut kept = U256::ZERO;
    for exposure in exposures.iter().filter(|exposure| exposure.side == Side::Collateral) {
        let value = exposure.value.get();
        let counted = exposure.own_limit(limit).of_down(value);
        kept = kept.saturating_add(wide(value.saturating_sub(counted)));
    }
    kept
}

/// How much more than its own limit a hedged collateral counts.
fn gain(exposure: &Exposure, factor: &RiskFactor, limit: Limit) -> u16 {
    let gap = match limit {
        Limit::Borrow => LTV_GAP_MIN.get(),
        Limit::Liquidation => 0,
    };
    let own = exposure.own_limit(limit).get();
    factor.hedge_threshold.get().saturating_sub(gap).saturating_sub(own)
}

impl ParameterSet {
    fn factor(&self, asset: AssetId) -> Option<&RiskFactor> {
        self.factors.iter().find(|(other, _)| *other == asset).map(|(_, factor)| factor)
    }

    /// What named hedges free: collateral that a debt of the same hedge matches counts at its hedge
    /// threshold, the one that gains most first. Rounded down once, so that it never falls when a value
    /// rises.
    fn freed(&self, exposures: &[Exposure], limit: Limit) -> U256 {
        let named = |exposure: &Exposure| {
            let factor = self.factor(exposure.asset).filter(|factor| factor.hedge != 0)?;
            Some((factor.hedge, gain(exposure, factor, limit), wide(exposure.value.get())))
        };
        let on = |side: Side| exposures.iter().filter(move |exposure| exposure.side == side);
        let mut hedged: Vec<_> = on(Side::Collateral).filter_map(named).collect();
        if hedged.is_empty() {
            return U256::ZERO;
        }
        hedged.sort_unstable_by_key(|(hedge, gain, _)| (*hedge, core::cmp::Reverse(*gain)));
        let mut debts: Vec<_> = on(Side::Debt).filter_map(named).collect();
        let mut freed = U256::ZERO;
        for (hedge, gain, value) in hedged {
            let mut left = value;
            for (_, _, owed) in debts.iter_mut().filter(|(other, ..)| *other == hedge) {
                let matched = left.min(*owed);
                left = left.saturating_sub(matched);
                *owed = owed.saturating_sub(matched);
                freed = freed.saturating_add(matched.saturating_mul(U256::from(gain)));
            }
        }
        freed.wrapping_div(wide(BPS))
    }

    fn parts(&self, exposures: &[Exposure], limit: Limit) -> Parts {
        let Some(terms) = self.terms else {
            let linear = linear(exposures, limit).saturating_mul(wide(STEPS));
            return Parts { linear, ..Parts::default() };
        };
        let sizes = self.factors.iter().map(|(asset, factor)| {
            let of = exposures.iter().filter(|exposure| exposure.asset == *asset);
            let net = of.fold(I256::ZERO, |sum, exposure| sum.wrapping_add(exposure.signed()));
            let sigma = I256::from_raw(U256::from(factor.sigma.get()));
            Term {
                size: net.wrapping_mul(sigma),
                correlations: &factor.correlations,
                place: usize::from(factor.place),
            }
        });
        let sizes: Vec<_> = sizes.filter(|term| !term.size.is_zero()).collect();
        let k = match limit {
            Limit::Borrow => terms.k_borrow,
            Limit::Liquidation => terms.k_liquidation,
        };
        let k = alloy_primitives::U512::from(k.get());
        let risk = root_up(quadratic_form(&sizes).wrapping_mul(k).wrapping_mul(k));
        let (mut cost, mut floor) = (U256::ZERO, U256::ZERO);
        for exposure in exposures {
            // What has no factor costs its whole value.
            let part = self.factor(exposure.asset).map_or(Bps::ONE, |factor| factor.cost);
            cost = cost.saturating_add(share(exposure.value, part));
            floor = floor.saturating_add(share(exposure.value, terms.floor));
        }
        let kept = linear(exposures, limit).saturating_sub(self.freed(exposures, limit));
        Parts { risk, cost, floor, linear: kept.saturating_mul(wide(STEPS)) }
    }
}

impl InForce {
    /// What an account with these exposures must keep beyond its debt: rounded up.
    ///
    /// Subadditive and, but for the last unit, 1-homogeneous in the values; it never rises by more than
    /// a value that rises (HLT-2).
    #[must_use]
    pub fn requirement(&self, exposures: &[Exposure], limit: Limit) -> Requirement {
        let now = self.now.parts(exposures, limit);
        let (done, length) = self.progress;
        if done >= length {
            return Self::rounded(now, now, (1, 1));
        }
        let before = self.before.parts(exposures, limit);
        Self::rounded(before, now, (done, length))
    }

    fn rounded(before: Parts, now: Parts, (done, length): (u64, u64)) -> Requirement {
        let (done, length) = (U256::from(done), U256::from(length.max(1)));
        let left = length.saturating_sub(done);
        let steps = length.saturating_mul(wide(STEPS));
        let mean = |before: U256, now: U256| {
            let sum = before.saturating_mul(left).saturating_add(now.saturating_mul(done));
            let (quotient, rest) = sum.div_rem(steps);
            let up = quotient.saturating_add(U256::from(u8::from(!rest.is_zero())));
            Wad::new(u128::try_from(up).unwrap_or(u128::MAX))
        };
        Requirement {
            risk: mean(before.risk, now.risk),
            cost: mean(before.cost, now.cost),
            floor: mean(before.floor, now.floor),
            linear: mean(before.linear, now.linear),
            total: mean(before.total(), now.total()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::covariance::tests::gram;
    use super::super::{FACTORS_MAX, MarginTerms, Sigma};
    use super::*;
    use crate::fixed::WAD;
    use proptest::prelude::*;

    const K: MarginTerms = MarginTerms {
        k_borrow: Bps::new(10_000),
        k_liquidation: Bps::new(10_000),
        floor: Bps::ZERO,
    };

    fn factor(place: usize, sigma: u32, row: &[i16]) -> (AssetId, RiskFactor) {
        let mut correlations = [0; FACTORS_MAX - 1];
        correlations[..row.len()].copy_from_slice(row);
        let factor = RiskFactor {
            place: place as u8,
            sigma: Sigma::new(sigma),
            cost: Bps::ZERO,
            hedge: 0,
            hedge_threshold: Bps::ZERO,
            correlations,
        };
        (AssetId::new(place as u32 + 1), factor)
    }

    fn set(terms: MarginTerms, factors: Vec<(AssetId, RiskFactor)>) -> InForce {
        let now = ParameterSet { terms: Some(terms), factors };
        InForce { now, progress: (1, 1), ..InForce::default() }
    }

    /// Signed dollars of each asset; collateral counts whole by its own terms.
    fn legs(dollars: &[f64]) -> Vec<Exposure> {
        let leg = |(place, dollars): (usize, &f64)| Exposure {
            asset: AssetId::new(place as u32 + 1),
            side: if *dollars < 0.0 { Side::Debt } else { Side::Collateral },
            value: Wad::new((dollars.abs() * 1e6).round() as u128 * 1_000_000_000_000),
            ltv: Bps::ONE,
            threshold: Bps::ONE,
        };
        dollars.iter().enumerate().map(leg).collect()
    }

    fn risk(margin: &InForce, exposures: &[Exposure]) -> f64 {
        margin.requirement(exposures, Limit::Liquidation).risk.get() as f64 / 1e18
    }

    fn near(value: f64, expected: f64) {
        assert!((value / expected - 1.0).abs() < 1e-9, "{value} instead of {expected}");
    }

    /// Two assets of 4.1 and 4.0 %, 10,000 dollars long and 9,000 short.
    #[test]
    fn a_hedge_is_worth_its_correlation() {
        let expected = [
            (9_990, 52.869_650_8),
            (9_900, 73.837_660_1),
            (9_000, 178.941_330_9),
            (0, 545.618_914_6),
        ];
        for (correlation, deviation) in expected {
            let factors = vec![factor(0, 41_000, &[]), factor(1, 40_000, &[correlation])];
            let found = risk(&set(K, factors), &legs(&[10_000.0, -9_000.0]));
            assert!((found - deviation).abs() < 1e-6, "{found} instead of {deviation}");
        }
    }

    /// Hourly returns of BTC, ETH, SOL, AAVE and XRP from January 2024 to October 2025.
    const REAL: [(u32, &[i16]); 5] = [
        (5_195, &[]),
        (7_308, &[7_950]),
        (9_582, &[7_449, 7_473]),
        (10_885, &[6_462, 7_675, 6_624]),
        (9_568, &[6_112, 6_433, 6_164, 5_892]),
    ];

    /// A real covariance matrix: a mixed book has 0.405 of the deviation of its legs.
    #[test]
    fn five_real_assets() {
        let factors = REAL.iter().enumerate().map(|(i, (sigma, row))| factor(i, *sigma, row));
        let margin = set(K, factors.collect());
        let book = legs(&[50_000.0, 30_000.0, -20_000.0, 10_000.0, -10_000.0]);
        let day = 24_f64.sqrt();
        near(risk(&margin, &book) * day, 1_734.517_421_4);
        let alone = book.iter().map(|leg| risk(&margin, &[*leg]) * day);
        near(alone.sum(), 4_287.390_887_4);
    }

    /// Along an eigenvector of length one the deviation is the root of the eigenvalue.
    #[test]
    fn eigenvectors_have_their_eigenvalue() {
        let entry = |i: usize, j: usize| match i.cmp(&j) {
            core::cmp::Ordering::Equal => 1.0,
            core::cmp::Ordering::Greater => f64::from(REAL[i].1[j]) / 1e4,
            core::cmp::Ordering::Less => f64::from(REAL[j].1[i]) / 1e4,
        };
        let mut left: Vec<Vec<f64>> =
            (0..5).map(|i| (0..5).map(|j| entry(i, j)).collect()).collect();
        let factors = REAL.iter().enumerate().map(|(i, (_, row))| factor(i, 100_000, row));
        let margin = set(K, factors.collect());
        for expected in [3.737_297, 0.447_184, 0.377_613, 0.267_427, 0.170_478] {
            let mut vector = vec![1.0, 0.3, -0.7, 0.2, 0.5];
            let mut value = 0.0;
            for _ in 0..5_000 {
                let next: Vec<f64> = left
                    .iter()
                    .map(|row| row.iter().zip(&vector).map(|(a, b)| a * b).sum())
                    .collect();
                value = next.iter().map(|x: &f64| x * x).sum::<f64>().sqrt();
                vector = next.iter().map(|x| x / value).collect();
            }
            assert!((value - expected).abs() < 1e-6, "{value} instead of {expected}");
            let book: Vec<f64> = vector.iter().map(|x| x * 1e9).collect();
            near(risk(&margin, &legs(&book)), 1e8 * value.sqrt());
            for i in 0..5 {
                for j in 0..5 {
                    left[i][j] -= value * vector[i] * vector[j];
                }
            }
        }
    }

    /// Against a dollar that does not move, one collateral has a plain threshold: `1 − k·σ − cost`.
    #[test]
    fn one_collateral_has_a_plain_threshold() {
        let terms = MarginTerms {
            k_liquidation: Bps::new(30_000),
            k_borrow: Bps::new(40_000),
            floor: Bps::new(100),
        };
        let (asset, eth) = factor(0, 60_000, &[]);
        let eth = (asset, RiskFactor { cost: Bps::new(200), ..eth });
        let margin = set(terms, vec![eth, factor(1, 0, &[0])]);
        let mut book = legs(&[10_000.0, -7_000.0]);
        (book[0].ltv, book[0].threshold) = (Bps::new(9_000), Bps::new(9_100));
        for (limit, threshold) in [(Limit::Liquidation, 0.80), (Limit::Borrow, 0.74)] {
            let kept = margin.requirement(&book, limit).total;
            assert_eq!(
                kept,
                Wad::new(
                    (10_000.0 * (1.0 - threshold) * 1e6_f64).round() as u128 * WAD / 1_000_000
                )
            );
        }
        // Never better than the collateral's own terms.
        (book[0].ltv, book[0].threshold) = (Bps::new(7_000), Bps::new(7_900));
        let kept = |limit| margin.requirement(&book, limit);
        assert_eq!(kept(Limit::Liquidation).total, Wad::new(2_100 * WAD));
        assert_eq!(kept(Limit::Borrow).total, Wad::new(3_000 * WAD));
        assert_eq!(kept(Limit::Liquidation).linear, Wad::new(2_100 * WAD));
        assert_eq!(kept(Limit::Liquidation).risk, Wad::new(1_800 * WAD));
        assert_eq!(kept(Limit::Liquidation).cost, Wad::new(200 * WAD));
        assert_eq!(kept(Limit::Liquidation).floor, Wad::new(170 * WAD));
    }

    /// A named hedge counts at its threshold as far as debt matches it, and the floor stays.
    #[test]
    fn a_named_hedge_frees_what_is_matched() {
        let terms = MarginTerms { floor: Bps::new(200), ..K };
        let hedged = |place, row: &[i16]| {
            let (asset, factor) = factor(place, 30_000, row);
            (asset, RiskFactor { hedge: 1, hedge_threshold: Bps::new(9_500), ..factor })
        };
        let margin = set(terms, vec![hedged(0, &[]), hedged(1, &[9_990])]);
        let mut book = legs(&[10_000.0, -6_000.0]);
        (book[0].ltv, book[0].threshold) = (Bps::new(7_500), Bps::new(8_000));
        let kept = margin.requirement(&book, Limit::Liquidation);
        // 6,000 at 95 %, 4,000 at 80 %.
        assert_eq!(kept.linear, Wad::new(1_100 * WAD));
        let kept = margin.requirement(&book, Limit::Borrow);
        assert_eq!(kept.linear, Wad::new((6_000 * 6 + 4_000 * 25) * WAD / 100));
        // Without the name nothing is freed.
        let mut margin = margin;
        margin.now.factors[1].1.hedge = 2;
        let kept = margin.requirement(&book, Limit::Liquidation);
        assert_eq!(kept.linear, Wad::new(2_000 * WAD));
        assert_eq!(kept.floor, Wad::new(320 * WAD));
    }

    /// A market's assets, their motion in two sets, and how far the ramp between them is.
    pub(crate) fn any_margin() -> impl Strategy<Value = InForce> {
        let one = || {
            (
                prop::collection::vec(prop::collection::vec(-1_000_i32..1_000, 3), 4),
                prop::collection::vec((0_u32..1_000, 0_u16..400, 0_u8..3, 8_000_u16..9_500), 4),
                (10_000_u16..40_000, 0_u16..20_000, 0_u16..2_000),
            )
        };
        type Sizes = Vec<(u32, u16, u8, u16)>;
        type Terms = (u16, u16, u16);
        let build = |(vectors, sizes, terms): (Vec<Vec<i32>>, Sizes, Terms)| {
            let (k, more, floor) = terms;
            let k_borrow = Bps::new(k + more);
            let rows = gram(&vectors, 0.99);
            let factors = sizes.iter().enumerate().map(|(place, (part, cost, hedge, hedged))| {
                // Up to the largest that is allowed.
                let most = (u64::from(10_000 - cost) * 1_000_000 - 1) / u64::from(k_borrow.get());
                let (asset, factor) =
                    factor(place, (most * u64::from(*part) / 999) as u32, &rows[place]);
                let hedge_threshold = Bps::new(if *hedge == 0 { 0 } else { *hedged });
                (
                    asset,
                    RiskFactor { cost: Bps::new(*cost), hedge: *hedge, hedge_threshold, ..factor },
                )
            });
            let terms =
                MarginTerms { k_borrow, k_liquidation: Bps::new(k), floor: Bps::new(floor) };
            ParameterSet { terms: Some(terms), factors: factors.collect() }
        };
        let before =
            prop_oneof![Just(ParameterSet::default()).boxed(), one().prop_map(build).boxed(),];
        (before, one().prop_map(build), 0_u64..=24, prop::sample::select(vec![4_usize, 3]))
            .prop_map(|(before, mut now, hours, known)| {
                // The last asset may have no factor.
                now.factors.truncate(known);
                InForce { before, now, progress: (hours * 3_600, 86_400), generation: 7 }
            })
    }

    fn any_book() -> impl Strategy<Value = Vec<Exposure>> {
        let value = prop_oneof![
            0_u128..100,
            1_u128..1 << 100,
            (50_u32..100).prop_map(|bits| 1_u128 << bits)
        ];
        let leg = (0_u32..4, any::<bool>(), value, 5_000_u16..9_000).prop_map(
            |(place, owed, value, threshold)| {
                let (side, points) =
                    if owed { (Side::Debt, 0) } else { (Side::Collateral, threshold) };
                // An asset has its terms, whoever pledges it.
                let points = if points == 0 { 0 } else { 7_000 + 300 * place as u16 };
                Exposure {
                    asset: AssetId::new(place + 1),
                    side,
                    value: Wad::new(value),
                    ltv: Bps::new(points.saturating_sub(500)),
                    threshold: Bps::new(points),
                }
            },
        );
        prop::collection::vec(leg, 1..6)
    }

    const LIMITS: [Limit; 2] = [Limit::Borrow, Limit::Liquidation];

    proptest! {
        /// HLT-2: splitting an account never helps; two accounts need at least what one needs.
        #[test]
        fn requirements_are_subadditive(margin in any_margin(), one in any_book(), other in any_book()) {
            let both = [one.clone(), other.clone()].concat();
            for limit in LIMITS {
                let kept = |book: &[Exposure]| margin.requirement(book, limit).total.get();
                // Legs are rounded down one by one: a unit for each can be lost where they are joined.
                prop_assert!(kept(&both) <= kept(&one) + kept(&other) + both.len() as u128);
            }
        }

        /// HLT-2: an account of twice the size needs twice as much.
        #[test]
        fn requirements_are_homogeneous(margin in any_margin(), book in any_book(), times in 2_u128..50) {
            let mut larger = book.clone();
            for leg in &mut larger {
                leg.value = Wad::new(leg.value.get() * times);
            }
            for limit in LIMITS {
                let small = margin.requirement(&book, limit).total.get() * times;
                let large = margin.requirement(&larger, limit).total.get();
                prop_assert!(small.abs_diff(large) <= times * (book.len() as u128 + 2), "{small} {large}");
            }
        }

        /// HLT-2: a rising collateral never lowers a limit, and a rising debt never raises equity beyond
        /// the requirement.
        #[test]
        fn a_rising_collateral_never_hurts(margin in any_margin(), book in any_book(), more in prop_oneof![1_u128..10, 1_u128..1 << 100]) {
            for limit in LIMITS {
                let kept = margin.requirement(&book, limit).total.get();
                for place in 0..book.len() {
                    let mut moved = book.clone();
                    moved[place].value = Wad::new(moved[place].value.get() + more);
                    let now = margin.requirement(&moved, limit).total.get();
                    match book[place].side {
                        Side::Collateral => prop_assert!(now <= kept + more, "{kept} {now} {more}"),
                        Side::Debt => prop_assert!(now + more >= kept, "{kept} {now} {more}"),
                    }
                }
            }
        }

        /// CFG-2: never below the floor, nor below the collaterals' own limits without a hedge; drawing
        /// needs at least what staying needs; never more than all that is owned and owed.
        #[test]
        fn floors_hold(margin in any_margin(), book in any_book()) {
            let gross: u128 = book.iter().map(|leg| leg.value.get()).sum();
            let [draw, stay] = LIMITS.map(|limit| margin.requirement(&book, limit));
            prop_assert!(draw.total >= stay.total);
            prop_assert!(stay.total.get() <= gross + 1);
            for kept in [draw, stay] {
                prop_assert!(kept.total >= kept.floor && kept.total >= kept.linear);
                prop_assert!(kept.total >= kept.risk);
            }
            let mut unhedged = margin.clone();
            for (_, factor) in unhedged.now.factors.iter_mut().chain(&mut unhedged.before.factors) {
                factor.hedge = 0;
            }
            let threshold = ParameterSet::default().parts(&book, Limit::Liquidation).total() / wide(STEPS);
            prop_assert!(U256::from(unhedged.requirement(&book, Limit::Liquidation).total.get()) >= threshold);
        }

        /// CFG-2: during a ramp the requirement moves from the old one to the new one and never beyond.
        #[test]
        fn ramps_stay_between_their_ends(margin in any_margin(), book in any_book()) {
            let at = |progress| InForce { progress, ..margin.clone() }.requirement(&book, Limit::Liquidation).total;
            let (start, end) = (at((0, 24)), at((24, 24)));
            let (low, high) = (start.min(end), start.max(end));
            let hours: Vec<_> = (0..=24).map(|hour| at((hour, 24))).collect();
            prop_assert!(hours.iter().all(|kept| low <= *kept && *kept <= high));
            let forward = hours.windows(2).all(|pair| pair[0] <= pair[1]);
            let backward = hours.windows(2).all(|pair| pair[0] >= pair[1]);
            prop_assert!(forward || backward);
        }
    }
}
