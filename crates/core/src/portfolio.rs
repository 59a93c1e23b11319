//! Portfolio margin: the second model of how much an account may owe, by how its assets move together.
//!
//! Every asset is a risk factor, as collateral and as debt the same one. With exposures `x` in US dollars
//! (collateral up, debt down), an account with collateral `C` and debt `D` is healthy while its equity
//! `C − D` covers its requirement
//!
//! ```text
//! R = max( k·√(xᵀΣx) + Σ costᵢ·|legᵢ| ,  floor · (C + D) ,  Σ vᵢ·(1 − thresholdᵢ) − hedges )
//! ```
//!
//! - `Σᵢⱼ = ρᵢⱼ·σᵢ·σⱼ`, the covariance over the time that a liquidation takes; `k` of these standard
//!   deviations must be covered, more for drawing than for staying;
//! - `costᵢ`: what selling a collateral or buying back a debt costs, a part of its size. It is proportional
//!   to each leg, not to the account: a cost that rises faster would make two small accounts cheaper than
//!   one (HLT-2). Concentration is what caps are for;
//! - `floor`: the least share of all that is owned and owed, whatever correlations promise;
//! - the linear bound: no better than the collaterals' own thresholds, except that collateral which a debt
//!   of the same named *hedge* matches counts at its hedge threshold.
//!
//! The limits follow: liquidation limit `W = C − R` with the thresholds and `k_liquidation`, borrow limit
//! `C − R` with LTV and `k_borrow`; the health factor stays `W / D`, below one exactly when equity does not
//! cover the requirement. One collateral against a dollar that does not move has `W = v·(1 − k·σ − cost)`: a
//! plain threshold.
//!
//! A new parameter set replaces the old one along a ramp: the requirement is the mean of both sets' by
//! time, in steps of an hour. A mean of subadditive functions is subadditive, and starts where the old set
//! ended. The threshold model is the set without parameters.

mod covariance;
pub(crate) mod requirement;
mod setting;

pub use requirement::{Exposure, Limit, Requirement, Side};
pub use setting::{FactorTerms, PortfolioTerms, check_hedge, set_portfolio_margin};

use crate::error::Stop;
use crate::fixed::{Bps, Timestamp};
use crate::ids::{AssetId, MarketId};
use crate::ledger::Ledger;
use crate::market::MarginModel;
use alloc::vec::Vec;

/// Most risk factors of one market.
pub const FACTORS_MAX: usize = 16;
/// A ramp's requirement changes once in so many seconds.
pub const RAMP_STEP_SECONDS: u64 = 3_600;
/// The largest number of a hedge.
pub const HEDGE_MAX: u8 = 15;

/// A standard deviation of an asset's return over the liquidation horizon, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sigma(u32);

impl Sigma {
    /// One: 100 %.
    pub const ONE: Self = Self(1_000_000);

    /// So many millionths.
    #[must_use]
    pub const fn new(millionths: u32) -> Self {
        Self(millionths)
    }

    /// The number of millionths.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl core::fmt::Display for Sigma {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

/// How one asset of a market moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskFactor {
    /// Its place among the set's factors.
    pub place: u8,
    /// Over the liquidation horizon.
    pub sigma: Sigma,
    /// What liquidating it costs, as a part of its size.
    pub cost: Bps,
    /// Debts and collaterals of the same hedge match; zero is none.
    pub hedge: u8,
    /// What a collateral counts while a debt of its hedge matches it.
    pub hedge_threshold: Bps,
    /// In basis points, with the factors at lower places; zero beyond them.
    pub correlations: [i16; FACTORS_MAX - 1],
}

/// What a set asks of all accounts alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginTerms {
    /// Standard deviations to cover when drawing or releasing.
    pub k_borrow: Bps,
    /// Standard deviations to cover before liquidation.
    pub k_liquidation: Bps,
    /// The least requirement, as a part of all that is owned and owed.
    pub floor: Bps,
}

/// A market's portfolio margin: which set is in force, and which it replaces. Sets alternate between two
/// places for their factors; without terms a set is the threshold model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Portfolio {
    /// How many sets there have been.
    pub generation: u32,
    /// When the newest began to replace the one before.
    pub ramp_start: Timestamp,
    /// When it has replaced it.
    pub ramp_end: Timestamp,
    /// The terms of the set before.
    pub before: Option<MarginTerms>,
    /// The terms of the newest set.
    pub now: Option<MarginTerms>,
}

impl Portfolio {
    /// Where the newest set's factors are kept.
    #[must_use]
    pub const fn place(&self) -> SetPlace {
        if self.generation.is_multiple_of(2) { SetPlace::Even } else { SetPlace::Odd }
    }

    /// How much of the ramp is done at `now`, and its length, in seconds: whole steps, all of it at the
    /// end.
    #[must_use]
    pub fn progress(&self, now: Timestamp) -> (u64, u64) {
        let length = self.ramp_end.since(self.ramp_start);
        let passed = now.since(self.ramp_start);
        if passed >= length {
            return (length, length);
        }
        (passed.saturating_sub(passed.checked_rem(RAMP_STEP_SECONDS).unwrap_or_default()), length)
    }
}

/// Where a set's factors are kept: sets alternate, so that the one before stays until its ramp has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetPlace {
    /// Sets of even generations.
    Even,
    /// Sets of odd generations.
    Odd,
}

impl SetPlace {
    /// Where the set before and the one after are.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// A set with the factors of some assets, in the order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSet {
    pub(crate) terms: Option<MarginTerms>,
    pub(crate) factors: Vec<(AssetId, RiskFactor)>,
}

impl ParameterSet {
    /// Its terms; none for the threshold model.
    #[must_use]
    pub const fn terms(&self) -> Option<MarginTerms> {
        self.terms
    }

    /// Its factors, in the order of their places.
    #[must_use]
    pub fn factors(&self) -> &[(AssetId, RiskFactor)] {
        &self.factors
    }

    fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        (market, place): (MarketId, SetPlace),
        terms: Option<MarginTerms>,
        assets: &[AssetId],
    ) -> Result<Self, Stop> {
        let mut factors = Vec::new();
        for asset in assets.iter().filter(|_| terms.is_some()) {
            if let Some(factor) = ledger.risk_factor(market, place, *asset)? {
                factors.push((*asset, factor));
            }
        }
        factors.sort_unstable_by_key(|(_, factor)| factor.place);
        factors.dedup_by_key(|(_, factor)| factor.place);
        Ok(Self { terms, factors })
    }
}

/// What a market's portfolio margin is at one moment, for some assets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    pub(crate) before: ParameterSet,
    pub(crate) now: ParameterSet,
    /// How much of the ramp is done, and its length.
    pub(crate) progress: (u64, u64),
    /// How many sets there have been.
    pub(crate) generation: u32,
}

impl InForce {
    /// Reads what concerns `assets`: one record for the market, one for each asset and set in force.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        market: MarketId,
        assets: &[AssetId],
    ) -> Result<Self, Stop> {
        let portfolio = ledger.portfolio(market)?;
        let progress = portfolio.progress(ledger.now());
        let place = portfolio.place();
        let now = ParameterSet::load(ledger, (market, place), portfolio.now, assets)?;
        let before = if progress.0 < progress.1 {
            ParameterSet::load(ledger, (market, place.other()), portfolio.before, assets)?
        } else {
            ParameterSet::default()
        };
        Ok(Self { before, now, progress, generation: portfolio.generation })
    }

    /// The newest set.
    #[must_use]
    pub const fn newest(&self) -> &ParameterSet {
        &self.now
    }

    /// The set that it replaces, until the ramp has ended; one without terms afterwards.
    #[must_use]
    pub const fn replaced(&self) -> &ParameterSet {
        &self.before
    }
}

/// A market's portfolio margin with all its factors, for views; that of no set in a market that never
/// had one.
///
/// # Errors
/// [`crate::Error::UnknownMarket`], or a fault of the ledger.
pub fn of_market<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: MarketId,
) -> Result<(Portfolio, InForce), Stop> {
    let market = ledger.market(id)?;
    if market.margin == MarginModel::Threshold {
        return Ok(Default::default());
    }
    let assets = setting::listed(ledger, &market)?;
    Ok((ledger.portfolio(id)?, InForce::load(ledger, id, &assets)?))
}
