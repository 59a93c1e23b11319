//! Setting a market's portfolio margin: within bounds, and never at once.

use super::covariance::contradiction;
use super::{FACTORS_MAX, HEDGE_MAX, MarginTerms, Portfolio, RiskFactor, SetPlace, Sigma};
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::{BPS, Bps};
use crate::ids::{AssetId, MarketId};
use crate::ledger::Ledger;
use crate::listing::owned;
use crate::market::{MarginModel, Market};
use crate::terms::{MOVE_SECONDS_MAX, MOVE_SECONDS_MIN};
use alloc::vec::Vec;
use alloy_primitives::Address;

/// A correlation of one, in basis points.
const CORRELATION_MAX: u16 = 10_000;
/// How many times larger or smaller a standard deviation may be than in the set before.
const SIGMA_CHANGE_MAX: u32 = 2;

/// How one asset moves, as the market's owner states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorTerms {
    /// A collateral of the market, or the asset of one of its vaults.
    pub asset: AssetId,
    /// Over the liquidation horizon.
    pub sigma: Sigma,
    /// What liquidating it costs, as a part of its size.
    pub cost: Bps,
    /// Debts and collaterals of the same hedge match; zero is none.
    pub hedge: u8,
    /// What a collateral counts while a debt of its hedge matches it; zero without a hedge.
    pub hedge_threshold: Bps,
    /// In basis points, with each of the factors before it in the list.
    pub correlations: Vec<i16>,
}

/// A parameter set, as the market's owner states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortfolioTerms {
    /// What is asked of all accounts alike.
    pub margin: MarginTerms,
    /// At most [`FACTORS_MAX`]; none takes the market back to the threshold model. What a market lists
    /// beyond them costs its whole value.
    pub factors: Vec<FactorTerms>,
    /// How long it takes to replace the set before, from [`MOVE_SECONDS_MIN`] to [`MOVE_SECONDS_MAX`].
    pub ramp_seconds: u32,
}

fn invalid(name: &'static str, value: impl Into<u128>) -> Error {
    Error::InvalidParameter { name, value: value.into() }
}

impl MarginTerms {
    /// CFG-2.
    fn check(&self) -> Result<(), Error> {
        if self.k_liquidation < Bps::ONE {
            return Err(invalid("k at liquidation", self.k_liquidation.get()));
        }
        if self.k_borrow < self.k_liquidation {
            return Err(invalid("k for drawing", self.k_borrow.get()));
        }
        if self.floor >= Bps::ONE {
            return Err(invalid("floor", self.floor.get()));
        }
        Ok(())
    }
}

impl FactorTerms {
    /// CFG-2: `k·σ + cost < 1`, so that a collateral that rises never hurts (HLT-2).
    fn check(&self, place: usize, k: Bps) -> Result<(), Error> {
        let sigma = u128::from(self.sigma.get());
        let one = BPS.saturating_mul(Sigma::ONE.get().into());
        let risk = u128::from(k.get()).saturating_mul(sigma);
        let cost = u128::from(self.cost.get()).saturating_mul(Sigma::ONE.get().into());
        if risk.saturating_add(cost) >= one {
            return Err(invalid("standard deviation", sigma));
        }
        if self.hedge > HEDGE_MAX {
            return Err(invalid("hedge", self.hedge));
        }
        if self.hedge == 0 && self.hedge_threshold != Bps::ZERO {
            return Err(invalid("hedge threshold", self.hedge_threshold.get()));
        }
        if self.correlations.len() != place {
            let count = u128::try_from(self.correlations.len()).unwrap_or(u128::MAX);
            return Err(invalid("number of correlations", count));
        }
        let mut sizes = self.correlations.iter().map(|correlation| correlation.unsigned_abs());
        match sizes.find(|size| *size > CORRELATION_MAX) {
            Some(size) => Err(invalid("correlation", size)),
            None => Ok(()),
        }
    }

    fn record(&self, place: usize) -> RiskFactor {
        let mut correlations = [0; FACTORS_MAX.saturating_sub(1)];
        for (kept, correlation) in correlations.iter_mut().zip(&self.correlations) {
            *kept = *correlation;
        }
        RiskFactor {
            place: u8::try_from(place).unwrap_or(u8::MAX),
            sigma: self.sigma,
            cost: self.cost,
            hedge: self.hedge,
            hedge_threshold: self.hedge_threshold,
            correlations,
        }
    }
}

impl PortfolioTerms {
    /// CFG-2 as far as it concerns the set alone: its numbers, and a covariance that can be one.
    fn check(&self) -> Result<(), Error> {
        let count = self.factors.len();
        if count > FACTORS_MAX {
            return Err(invalid("number of factors", u128::try_from(count).unwrap_or(u128::MAX)));
        }
        if !(MOVE_SECONDS_MIN..=MOVE_SECONDS_MAX).contains(&self.ramp_seconds.into()) {
            return Err(invalid("ramp seconds", self.ramp_seconds));
        }
        if count == 0 {
            return Ok(());
        }
        self.margin.check()?;
        for (place, factor) in self.factors.iter().enumerate() {
            factor.check(place, self.margin.k_borrow)?;
            if self.factors.iter().take(place).any(|other| other.asset == factor.asset) {
                return Err(invalid("factor's asset", factor.asset.get()));
            }
        }
        let rows: Vec<_> =
            self.factors.iter().map(|factor| factor.correlations.as_slice()).collect();
        match contradiction(&rows).and_then(|place| self.factors.get(place)) {
            Some(factor) => Err(Error::CovarianceNotPositive { asset: factor.asset }),
            None => Ok(()),
        }
    }
}

/// Every asset that a market takes or lends.
pub(super) fn listed<L: Ledger + ?Sized>(
    ledger: &mut L,
    market: &Market,
) -> Result<Vec<AssetId>, Stop> {
    let mut assets = market.collaterals.clone();
    for vault in &market.vaults {
        assets.push(ledger.vault(*vault)?.asset);
    }
    assets.sort_unstable();
    assets.dedup();
    Ok(assets)
}

/// Sets a market's portfolio margin, or takes it back to the threshold model; its owner only. The new set
/// replaces the one before along a ramp.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::MarginRampRunning`] while the last change is under way,
/// [`Error::InvalidParameter`] for a number that CFG-2 excludes, an asset that is named twice or not
/// listed, or a standard deviation beyond twice or below half of the one before,
/// [`Error::CovarianceNotPositive`] for correlations that contradict each other,
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_portfolio_margin<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    terms: &PortfolioTerms,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    terms.check()?;
    let old = ledger.portfolio(id)?;
    if ledger.now() < old.ramp_end {
        return Err(Error::MarginRampRunning { until: old.ramp_end }.into());
    }
    let assets = listed(ledger, &market)?;
    for factor in &terms.factors {
        check_asset(ledger, (id, &market), &assets, factor)?;
        check_change(ledger, (id, &old), factor)?;
    }
    let new = Portfolio {
        generation: old.generation.checked_add(1).ok_or(Error::Overflow)?,
        ramp_start: ledger.now(),
        ramp_end: ledger.now().after(terms.ramp_seconds.into()),
        before: old.now,
        now: Some(terms.margin).filter(|_| !terms.factors.is_empty()),
    };
    write_factors(ledger, (id, new.place()), &assets, terms)?;
    ledger.set_portfolio(id, &new)?;
    if market.margin != MarginModel::Portfolio {
        market.margin = MarginModel::Portfolio;
        ledger.set_market(id, &market)?;
    }
    let Portfolio { generation, ramp_start, ramp_end, now: margin, .. } = new;
    ledger.emit(Event::MarginChanged { market: id, generation, margin, ramp_start, ramp_end })?;
    for (place, factor) in terms.factors.iter().enumerate() {
        let (asset, factor) = (factor.asset, factor.record(place));
        ledger.emit(Event::MarginFactorSet { market: id, generation, asset, factor })?;
    }
    Ok(())
}

/// Where the set before the last one was, the new one's factors; the others' are removed.
fn write_factors<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, place): (MarketId, SetPlace),
    assets: &[AssetId],
    terms: &PortfolioTerms,
) -> Result<(), Stop> {
    for asset in assets {
        let mut factors = terms.factors.iter().enumerate();
        let new = factors.find(|(_, factor)| factor.asset == *asset);
        let new = new.map(|(number, factor)| factor.record(number));
        if new.is_some() || ledger.risk_factor(market, place, *asset)?.is_some() {
            ledger.set_risk_factor(market, place, *asset, new.as_ref())?;
        }
    }
    Ok(())
}

/// The asset is listed, and what its hedge lets it count leaves room for its largest bonus.
fn check_asset<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &Market),
    assets: &[AssetId],
    factor: &FactorTerms,
) -> Result<(), Stop> {
    if !assets.contains(&factor.asset) {
        return Err(invalid("factor's asset", factor.asset.get()).into());
    }
    if market.collaterals.contains(&factor.asset) {
        let bonus_max = ledger.collateral(id, factor.asset)?.bonus_max;
        room_for_bonus(factor.hedge_threshold, bonus_max)?;
    }
    Ok(())
}

/// CFG-2: a whole seizure with its bonus fits into the collateral of a debt at the threshold.
fn room_for_bonus(threshold: Bps, bonus_max: Bps) -> Result<(), Error> {
    let sold = BPS.saturating_add(bonus_max.get().into());
    if u128::from(threshold.get()).saturating_mul(sold) > BPS.saturating_mul(BPS) {
        return Err(invalid("hedge threshold", threshold.get()));
    }
    Ok(())
}

/// Checks a collateral's largest bonus against the hedges that its market names.
///
/// # Errors
/// [`Error::InvalidParameter`], or a fault of the ledger.
pub fn check_hedge<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &Market),
    asset: AssetId,
    bonus_max: Bps,
) -> Result<(), Stop> {
    if market.margin != MarginModel::Portfolio {
        return Ok(());
    }
    for place in [SetPlace::Even, SetPlace::Odd] {
        if let Some(factor) = ledger.risk_factor(id, place, asset)? {
            room_for_bonus(factor.hedge_threshold, bonus_max)?;
        }
    }
    Ok(())
}

/// A standard deviation at most doubles or halves.
fn check_change<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, old): (MarketId, &Portfolio),
    factor: &FactorTerms,
) -> Result<(), Stop> {
    if old.now.is_none() {
        return Ok(());
    }
    let Some(before) = ledger.risk_factor(market, old.place(), factor.asset)? else {
        return Ok(());
    };
    let (was, is) = (before.sigma.get(), factor.sigma.get());
    let far = |low: u32, high: u32| high > low.saturating_mul(SIGMA_CHANGE_MAX);
    if far(was, is) || far(is, was) {
        return Err(invalid("standard deviation", is).into());
    }
    Ok(())
}
