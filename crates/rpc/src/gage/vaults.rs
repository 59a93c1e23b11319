//! `gage_assets` and `gage_vaults`: the tokens, and the lenders' side.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop,
    asset::AssetKind,
    ids::{AssetId, FactorId, MarketId, VaultId},
    interest::InterestModel,
    ledger::Ledger,
    vault::Accrued,
};
use serde::Serialize;

use super::{
    Book, book,
    exits::QueueShown,
    exposures::FactorName,
    names::{AssetName, VaultName},
    numbers::Shown,
};
use crate::{context::Context, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssetRow {
    #[serde(flatten)]
    asset: AssetName,
    name: String,
    issuer: Address,
    wraps_native: bool,
    supply: Shown,
    /// What it has in common with others.
    factors: Vec<FactorName>,
}

pub(super) fn assets(context: &Context, (id,): (Option<BlockId>,)) -> Answer<Vec<AssetRow>> {
    let mut book = book(context, id)?;
    let count = book.protocol()?.assets;
    let rows = (1..=count).map(|id| Ok(asset(&mut book, AssetId::new(id))?));
    rows.collect()
}

fn asset(book: &mut Book, id: AssetId) -> Result<AssetRow, Stop> {
    // The ledger keeps all that it read, and is read no further for this row.
    book.discard();
    let record = book.asset(id)?;
    Ok(AssetRow {
        asset: AssetName::of(book, id)?,
        name: record.name.as_str().to_owned(),
        issuer: record.issuer,
        wraps_native: record.kind == AssetKind::WrappedNative,
        supply: Shown::amount(record.supply.get(), record.decimals),
        factors: FactorName::of_asset(book, id)?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VaultRow {
    #[serde(flatten)]
    vault: VaultName,
    name: String,
    curator: Address,
    cash: Shown,
    debt: Shown,
    reserves: Shown,
    losses: Shown,
    total_assets: Shown,
    total_shares: Shown,
    borrow_index: Shown,
    borrow_rate: Shown,
    supply_rate: Shown,
    utilisation: Shown,
    supply_cap: Shown,
    borrow_cap: Shown,
    reserve_fee: Shown,
    paused: bool,
    /// The markets to which it has lines.
    lines: Vec<u32>,
    /// The factors that it caps: `gage_exposures` tells how much.
    capped_factors: Vec<u32>,
    rates: Rates,
    exits: QueueShown,
}

/// A vault's interest model; yearly rates and the kink in basis points.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(super) enum Rates {
    Kinked {
        base: u32,
        slope1: u32,
        slope2: u32,
        kink: u16,
    },
    #[serde(rename_all = "camelCase")]
    Adaptive {
        rate_at_target: Shown,
    },
}

pub(super) fn vaults(context: &Context, (id,): (Option<BlockId>,)) -> Answer<Vec<VaultRow>> {
    let mut book = book(context, id)?;
    let count = book.protocol()?.vaults;
    let rows = (1..=count).map(|id| Ok(vault(&mut book, VaultId::new(id))?));
    rows.collect()
}

fn vault(book: &mut Book, id: VaultId) -> Result<VaultRow, Stop> {
    book.discard();
    let accrued = Accrued::load(book, id)?;
    let name = VaultName::of(book, id)?;
    let (lines, capped) = (book.vault_lines(id)?, book.capped_factors(id)?);
    let exits = QueueShown::of(book, id, &name)?;
    let record = accrued.record();
    let assets = |assets: gage_core::Assets| Shown::amount(assets.get(), name.asset.decimals);
    Ok(VaultRow {
        name: record.name.as_str().to_owned(),
        curator: record.curator,
        cash: assets(record.cash),
        debt: assets(accrued.debt()),
        reserves: assets(record.reserves),
        losses: assets(record.losses),
        total_assets: assets(accrued.total_assets()),
        total_shares: Shown::amount(record.shares.get(), record.decimals),
        borrow_index: Shown::index(record.index),
        borrow_rate: Shown::rate(accrued.borrow_rate()),
        supply_rate: Shown::rate(accrued.supply_rate()),
        utilisation: Shown::share(accrued.utilisation()),
        supply_cap: assets(record.supply_cap),
        borrow_cap: assets(record.borrow_cap),
        reserve_fee: Shown::bps(record.reserve_fee),
        paused: record.paused,
        lines: lines.into_iter().map(MarketId::get).collect(),
        capped_factors: capped.into_iter().map(FactorId::get).collect(),
        rates: rates(&record.model),
        exits,
        vault: name,
    })
}

pub(super) fn rates(model: &InterestModel) -> Rates {
    match *model {
        InterestModel::Kinked { base, slope1, slope2, kink } => {
            Rates::Kinked { base, slope1, slope2, kink: kink.get() }
        }
        InterestModel::Adaptive { rate_at_target } => {
            Rates::Adaptive { rate_at_target: Shown::rate(rate_at_target) }
        }
    }
}
