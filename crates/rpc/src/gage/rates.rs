//! `gage_rates`: a vault's rate curve, where it stands on it, and where it drifts.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Accrued, InterestModel, Ray, Stop, Wad,
    fixed::DAY_SECONDS,
    rates::{CurvePoint, effective},
};
use serde::Serialize;

use super::{
    book,
    names::{VaultName, vault_at},
    numbers::Shown,
    vaults,
};
use crate::{arguments::Number, context::Context, methods::Answer};

/// Parts of the curve, unless asked for others.
const PARTS: u16 = 20;
const HOUR_SECONDS: u64 = 3_600;

/// A vault's rates.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RatesShown {
    vault: VaultName,
    rates: vaults::Rates,
    reserve_fee: Shown,
    now: PointShown,
    /// The utilisation at which the curve bends.
    bend: Shown,
    /// Points in the order of utilisation; the curve is straight between them.
    curve: Vec<PointShown>,
    /// If utilisation stays as it is; the kinked model does not drift.
    drift: Option<Drift>,
}

/// A point of the curve: rates per second, shown as simple interest of a year (APR), and what a year
/// comes to if interest is counted every moment (APY).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PointShown {
    utilisation: Shown,
    borrow_rate: Shown,
    supply_rate: Shown,
    borrow_apy: Shown,
    supply_apy: Shown,
}

/// Where the adaptive model will be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Drift {
    next_hour: Ahead,
    next_day: Ahead,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ahead {
    rate_at_target: Shown,
    borrow_rate: Shown,
}

fn point(point: &CurvePoint) -> PointShown {
    let CurvePoint { utilisation, borrow_rate, supply_rate } = *point;
    PointShown {
        utilisation: Shown::share(utilisation),
        borrow_rate: Shown::rate(borrow_rate),
        supply_rate: Shown::rate(supply_rate),
        borrow_apy: Shown::yearly(effective(borrow_rate)),
        supply_apy: Shown::yearly(effective(supply_rate)),
    }
}

fn drift(vault: &Accrued) -> Option<Drift> {
    let ahead = |seconds| {
        let model = vault.model_after(seconds);
        let InterestModel::Adaptive { rate_at_target } = model else { return None };
        let borrow_rate: Ray = model.rate(vault.utilisation());
        Some(Ahead {
            rate_at_target: Shown::rate(rate_at_target),
            borrow_rate: Shown::rate(borrow_rate),
        })
    };
    Some(Drift { next_hour: ahead(HOUR_SECONDS)?, next_day: ahead(DAY_SECONDS)? })
}

/// The rates of the vault at an address, its curve in `parts` (1 to 100).
pub(super) fn rates(
    context: &Context,
    (vault, parts, block): (Address, Option<Number<u16>>, Option<BlockId>),
) -> Answer<RatesShown> {
    let id = vault_at(vault)?;
    let mut book = book(context, block)?;
    let accrued = Accrued::load(&mut book, id)?;
    let curve = accrued.curve(parts.map_or(PARTS, |parts| parts.0)).map_err(Stop::from)?;
    let here =
        CurvePoint { supply_rate: accrued.supply_rate(), ..accrued.rate_at(accrued.utilisation()) };
    let record = accrued.record();
    let bend: Wad = record.model.bend();
    Ok(RatesShown {
        vault: VaultName::of(&mut book, id)?,
        rates: vaults::rates(&record.model),
        reserve_fee: Shown::bps(record.reserve_fee),
        now: point(&here),
        bend: Shown::share(bend),
        curve: curve.iter().map(point).collect(),
        drift: drift(&accrued),
    })
}
