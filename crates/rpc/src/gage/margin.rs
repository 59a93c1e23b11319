//! Portfolio margin: how a market's assets move together, and what it makes an account keep.

use gage_core::{
    Stop,
    explain::{LegMargin, Requirements},
    ids::MarketId,
    portfolio::{self, MarginTerms, ParameterSet, Requirement},
};
use serde::Serialize;

use super::{Book, names::AssetName, numbers::Shown};

/// A market's portfolio margin: the newest set, and until its ramp has ended the one that it replaces.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MarginRow {
    generation: u32,
    ramp_start: u64,
    ramp_end: u64,
    /// Null once the market goes back to thresholds.
    now: Option<SetRow>,
    before: Option<SetRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetRow {
    /// Standard deviations to cover.
    k_borrow: Shown,
    k_liquidation: Shown,
    floor: Shown,
    factors: Vec<FactorRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FactorRow {
    asset: AssetName,
    /// Standard deviation over the liquidation horizon.
    sigma: Shown,
    cost: Shown,
    /// Debts and collaterals of the same number match; 0 is none.
    hedge: u8,
    hedge_threshold: Shown,
    /// In basis points, with each of the factors before it.
    correlations: Vec<i16>,
}

impl MarginRow {
    /// `None` for a market of thresholds.
    pub(super) fn of(book: &mut Book, market: MarketId) -> Result<Option<Self>, Stop> {
        let (record, in_force) = portfolio::of_market(book, market)?;
        if record.generation == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            generation: record.generation,
            ramp_start: record.ramp_start.get(),
            ramp_end: record.ramp_end.get(),
            now: set(book, in_force.newest())?,
            before: set(book, in_force.replaced())?,
        }))
    }
}

fn set(book: &mut Book, set: &ParameterSet) -> Result<Option<SetRow>, Stop> {
    let Some(MarginTerms { k_borrow, k_liquidation, floor }) = set.terms() else {
        return Ok(None);
    };
    let factors = set.factors().iter().map(|(asset, factor)| {
        let before = usize::from(factor.place);
        Ok(FactorRow {
            asset: AssetName::of(book, *asset)?,
            sigma: Shown::millionths(factor.sigma.get()),
            cost: Shown::bps(factor.cost),
            hedge: factor.hedge,
            hedge_threshold: Shown::bps(factor.hedge_threshold),
            correlations: factor.correlations.iter().copied().take(before).collect(),
        })
    });
    Ok(Some(SetRow {
        k_borrow: Shown::times(k_borrow),
        k_liquidation: Shown::times(k_liquidation),
        floor: Shown::bps(floor),
        factors: factors.collect::<Result<_, Stop>>()?,
    }))
}

/// What an account must keep beyond its debt, in US dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Required {
    /// To draw or release.
    borrow: Parts,
    /// Not to be liquidated.
    liquidation: Parts,
}

#[derive(Serialize)]
struct Parts {
    total: Shown,
    risk: Shown,
    cost: Shown,
    floor: Shown,
    linear: Shown,
}

impl From<Requirement> for Parts {
    fn from(of: Requirement) -> Self {
        let Requirement { risk, cost, floor, linear, total } = of;
        let [total, risk, cost, floor, linear] = [total, risk, cost, floor, linear].map(Shown::wad);
        Self { total, risk, cost, floor, linear }
    }
}

impl From<Requirements> for Required {
    fn from(of: Requirements) -> Self {
        Self { borrow: of.borrow.into(), liquidation: of.liquidation.into() }
    }
}

/// What a collateral or debt does to the requirement at liquidation.
#[derive(Serialize)]
pub(super) struct LegRequired {
    /// What it would require alone.
    alone: Shown,
    /// What the account would require without it.
    without: Shown,
}

impl From<LegMargin> for LegRequired {
    fn from(LegMargin { alone, without }: LegMargin) -> Self {
        Self { alone: Shown::wad(alone), without: Shown::wad(without) }
    }
}
