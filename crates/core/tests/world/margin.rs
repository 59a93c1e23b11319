//! Portfolio margin for the world's market: parameter sets by hand and by dice.

use super::*;
use alloy_primitives::U512;
use alloy_primitives::aliases::I512;
use gage_core::portfolio::{self, FactorTerms, PortfolioTerms};
use gage_core::{Bps, MarginTerms, SetPlace, Sigma};

/// An asset that moves by so many millionths and costs so many basis points, with its correlations to
/// the ones before it.
pub(crate) fn factor(asset: u32, sigma: u32, cost: u16, correlations: &[i16]) -> FactorTerms {
    FactorTerms {
        asset: AssetId::new(asset),
        sigma: Sigma::new(sigma),
        cost: Bps::new(cost),
        hedge: 0,
        hedge_threshold: Bps::ZERO,
        correlations: correlations.to_vec(),
    }
}

/// The same with a named hedge.
pub(crate) fn hedged(factor: FactorTerms, hedge: u8, threshold: u16) -> FactorTerms {
    FactorTerms { hedge, hedge_threshold: Bps::new(threshold), ..factor }
}

/// A set: standard deviations for drawing and for staying, and the floor, in basis points.
pub(crate) fn set(ks: [u16; 2], floor: u16, factors: Vec<FactorTerms>) -> PortfolioTerms {
    let [k_borrow, k_liquidation] = ks.map(Bps::new);
    let margin = MarginTerms { k_borrow, k_liquidation, floor: Bps::new(floor) };
    PortfolioTerms { margin, factors, ramp_seconds: 86_400 }
}

impl World {
    pub(crate) fn set_margin(&mut self, terms: &PortfolioTerms) -> Result<(), Stop> {
        self.ledger.atomically(|l| portfolio::set_portfolio_margin(l, OWNER, MARKET, terms))
    }

    /// Sets it and waits until it has replaced the one before.
    pub(crate) fn settle_margin(&mut self, terms: &PortfolioTerms) {
        self.set_margin(terms).unwrap();
        self.pass(terms.ramp_seconds.into());
        self.report_all_again();
    }
}

/// Correlations of vectors that the dice choose, shrunk so that rounding leaves them possible.
fn correlations(dice: &mut Dice, size: usize) -> Vec<Vec<i16>> {
    let vectors: Vec<[f64; 3]> =
        (0..size).map(|_| core::array::from_fn(|_| dice.below(2_001) as f64 - 1_000.0)).collect();
    let dot = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let row = |(i, a): (usize, &[f64; 3])| {
        let with = |b| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1.0) * 0.99;
        vectors[..i].iter().map(|b| (with(b) * 1e4).round() as i16).collect()
    };
    vectors.iter().enumerate().map(row).collect()
}

/// A set that may be set after `before`, of some of the world's first `assets`.
pub(crate) fn any_set(
    dice: &mut Dice,
    assets: u32,
    before: Option<&PortfolioTerms>,
) -> PortfolioTerms {
    let k_liquidation = 10_000 + dice.below(30_000) as u16;
    let k_borrow = k_liquidation + dice.below(15_000) as u16;
    let mut chosen: Vec<u32> = (1..=assets).collect();
    chosen.retain(|_| dice.below(8) > 0);
    if chosen.is_empty() {
        chosen.push(1);
    }
    let rows = correlations(dice, chosen.len());
    let factors = chosen.into_iter().zip(rows).map(|(asset, row)| {
        let cost = dice.below(400) as u16;
        let most = (u64::from(10_000 - cost) * 1_000_000 - 1) / u64::from(k_borrow);
        let mut sigma = (most * dice.below(700) / 1_000) as u32;
        let known = before.and_then(|before| {
            before.factors.iter().find(|factor| factor.asset == AssetId::new(asset))
        });
        if let Some(known) = known {
            let sigma_before = known.sigma.get();
            sigma = sigma.clamp(sigma_before.div_ceil(2), 2 * sigma_before).min(most as u32);
        }
        let plain = factor(asset, sigma, cost, &row);
        match dice.below(3) as u8 {
            0 => plain,
            hedge => hedged(plain, hedge, 8_500 + dice.below(590) as u16),
        }
    });
    let factors = factors.collect();
    let terms = set([k_borrow, k_liquidation], dice.below(900) as u16, factors);
    PortfolioTerms { ramp_seconds: dice.pick(&[86_400, 100_000, 600_000]), ..terms }
}

/// One leg, as the independent computation sees it: asset, signed value, and what its own terms count.
type Leg = (AssetId, I512, U512);

fn wide(number: U256) -> U512 {
    let [a, b, c, d] = number.into_limbs();
    U512::from_limbs([a, b, c, d, 0, 0, 0, 0])
}

/// The smallest number whose square is at least `square`, by halving.
fn root(square: U512) -> U512 {
    let (mut low, mut high) = (U512::ZERO, U512::ONE << 256);
    while low < high {
        let middle: U512 = (low + high) >> 1;
        if middle * middle >= square {
            high = middle;
        } else {
            low = middle + U512::ONE;
        }
    }
    low
}

/// What a set requires, in 1e-12 of a value unit, leg by leg.
fn of_set(
    ledger: &MemoryLedger,
    (terms, place): (Option<MarginTerms>, SetPlace),
    legs: &[Leg],
    limits: (impl Fn(AssetId) -> u16, bool),
) -> U512 {
    let (own, borrow) = limits;
    let ten = |power: u32| U512::from(10_u64.pow(power));
    let owned = |leg: &&Leg| leg.1 > I512::ZERO;
    let all: U512 = legs.iter().map(|leg| leg.1.unsigned_abs()).sum();
    let counted: U512 = legs.iter().map(|leg| leg.2).sum();
    let value: U512 = legs.iter().filter(owned).map(|leg| leg.1.unsigned_abs()).sum();
    let linear = value - counted;
    let Some(terms) = terms else { return linear * ten(12) };
    let factor = |asset: AssetId| ledger.risk_factors.get(&(MARKET, place, asset));
    let mut variance = I512::ZERO;
    for (a, x, _) in legs {
        for (b, y, _) in legs {
            let (Some(one), Some(other)) = (factor(*a), factor(*b)) else { continue };
            let correlation = match one.place.cmp(&other.place) {
                core::cmp::Ordering::Equal => 10_000,
                core::cmp::Ordering::Greater => one.correlations[usize::from(other.place)],
                core::cmp::Ordering::Less => other.correlations[usize::from(one.place)],
            };
            let sigmas = u64::from(one.sigma.get()) * u64::from(other.sigma.get());
            let sigmas = I512::from_raw(U512::from(sigmas));
            let size = I512::from_raw(U512::from(correlation.unsigned_abs()));
            let correlation = if correlation < 0 { -size } else { size };
            variance += *x * *y * sigmas * correlation;
        }
    }
    assert!(variance >= I512::ZERO, "a negative variance");
    let k = U512::from(if borrow { terms.k_borrow } else { terms.k_liquidation }.get());
    let risk = root(variance.unsigned_abs() * k * k);
    let cost: U512 = legs
        .iter()
        .map(|(asset, x, _)| {
            let part = factor(*asset).map_or(10_000, |factor| factor.cost.get());
            x.unsigned_abs() * U512::from(part) * ten(8)
        })
        .sum();
    let mut freed = U512::ZERO;
    for hedge in 1..=15 {
        let named = |leg: &&Leg| factor(leg.0).is_some_and(|factor| factor.hedge == hedge);
        let mut owed: U512 = legs
            .iter()
            .filter(named)
            .filter(|leg| !owned(leg))
            .map(|leg| leg.1.unsigned_abs())
            .sum();
        let gain = |leg: &Leg| {
            let threshold = factor(leg.0).map_or(0, |factor| factor.hedge_threshold.get());
            threshold.saturating_sub(if borrow { 100 } else { 0 }).saturating_sub(own(leg.0))
        };
        let mut hedging: Vec<_> = legs.iter().filter(named).filter(owned).collect();
        hedging.sort_by_key(|leg| core::cmp::Reverse(gain(leg)));
        for leg in hedging {
            let matched = owed.min(leg.1.unsigned_abs());
            owed -= matched;
            freed += matched * U512::from(gain(leg));
        }
    }
    let linear = (linear - freed / ten(4)) * ten(12);
    let floor = all * U512::from(terms.floor.get()) * ten(8);
    (risk + cost).max(floor).max(linear)
}

/// What an account of a market with portfolio margin must keep beyond its debt, computed apart from the
/// portfolio module, in a ledger whose vaults are settled.
pub(crate) fn required(ledger: &MemoryLedger, id: &AccountId, borrow: bool) -> U256 {
    let account = &ledger.accounts[id];
    let market = &ledger.markets[&id.market];
    let own = |asset: AssetId| {
        let [ltv, threshold, _] = points_in_force(ledger, (id.market, asset), account);
        u16::try_from(if borrow { ltv } else { threshold }).unwrap()
    };
    let mut legs: Vec<Leg> = Vec::new();
    for pledge in &account.collaterals {
        let asset = market.collaterals[usize::from(pledge.index)];
        let worth = value(ledger, asset, pledge.amount.get(), false);
        let counted = worth * U256::from(own(asset)) / U256::from(10_000);
        legs.push((asset, I512::from_raw(wide(worth)), wide(counted)));
    }
    for owed in &account.debts {
        let vault = &ledger.vaults[&market.vaults[usize::from(owed.index)]];
        let amount = owed.debt.amount(vault.index).get();
        let worth = value(ledger, vault.asset, amount, true);
        legs.push((vault.asset, -I512::from_raw(wide(worth)), U512::ZERO));
    }
    let portfolio = ledger.portfolios[&id.market];
    let length = portfolio.ramp_end.get() - portfolio.ramp_start.get();
    let passed = ledger.now.get() - portfolio.ramp_start.get();
    let newest =
        if portfolio.generation.is_multiple_of(2) { SetPlace::Even } else { SetPlace::Odd };
    let now = of_set(ledger, (portfolio.now, newest), &legs, (own, borrow));
    let one = U512::from(10_u64.pow(12));
    let kept = if passed >= length {
        now.div_ceil(one)
    } else {
        let before = of_set(ledger, (portfolio.before, newest.other()), &legs, (own, borrow));
        let done = U512::from(passed / 3_600 * 3_600);
        let length = U512::from(length);
        ((length - done) * before + done * now).div_ceil(length * one)
    };
    let [a, b, c, d, ..] = kept.into_limbs();
    U256::from_limbs([a, b, c, d])
}
