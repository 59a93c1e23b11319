//! `gage_exposures`: what backs each vault's debt, by common factor and by collateral; the factors of an
//! asset, for `gage_assets`.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Assets, Debt, ExposureId, Factor, Stop,
    exposure::{Exposure, exposure_to_collateral, exposure_to_factor},
    fixed::{WAD, Wad, mul_div_down},
    ids::{AssetId, FactorId, MarketId, VaultId},
    ledger::Ledger,
    vault::Accrued,
};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, VaultName, vault_at},
    numbers::Shown,
};
use crate::{context::Context, methods::Answer};

/// What assets have in common.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FactorName {
    id: u32,
    kind: &'static str,
    label: String,
}

impl FactorName {
    fn of(book: &mut Book, id: FactorId) -> Result<Self, Stop> {
        let Factor { kind, label } = book.factor(id)?;
        Ok(Self { id: id.get(), kind: kind.name(), label: label.as_str().to_owned() })
    }

    /// The factors of an asset.
    pub(super) fn of_asset(book: &mut Book, asset: AssetId) -> Result<Vec<Self>, Stop> {
        let tags = book.tags(asset)?;
        tags.iter().map(|id| Self::of(book, id)).collect()
    }
}

/// What backs one vault's debt.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VaultExposures {
    vault: VaultName,
    debt: Shown,
    /// What of the debt is not tracked: it counts in full wherever it may belong.
    untracked: Shown,
    factors: Vec<FactorRow>,
    lines: Vec<LineExposures>,
}

/// How much of the debt something backs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Backed {
    /// What is not tracked included.
    exposure: Shown,
    untracked: Shown,
    /// The most that may be; null without a cap.
    cap: Option<Shown>,
    /// Of all of the vault's debt.
    share: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FactorRow {
    factor: FactorName,
    /// The assets that have it.
    assets: Vec<AssetName>,
    #[serde(flatten)]
    backed: Backed,
}

/// What backs the debt through one line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineExposures {
    market: u32,
    /// Whether it is kept what backs the line's debt.
    tracked: bool,
    drawn: Shown,
    collaterals: Vec<CollateralExposure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollateralExposure {
    asset: AssetName,
    #[serde(flatten)]
    backed: Backed,
}

/// The exposures of one vault, or of every one.
pub(super) fn exposures(
    context: &Context,
    (vault, id): (Option<Address>, Option<BlockId>),
) -> Answer<Vec<VaultExposures>> {
    let mut book = book(context, id)?;
    let asked = vault.map(vault_at).transpose()?;
    let count = book.protocol()?.vaults;
    let ids = asked.map_or_else(|| (1..=count).map(VaultId::new).collect(), |id| vec![id]);
    ids.into_iter().map(|id| Ok(vault_exposures(&mut book, id)?)).collect()
}

fn vault_exposures(book: &mut Book, id: VaultId) -> Result<VaultExposures, Stop> {
    book.discard();
    let accrued = Accrued::load(book, id)?;
    let vault = VaultName::of(book, id)?;
    let amount = |assets: Assets| Shown::amount(assets.get(), vault.asset.decimals);
    let backed = |exposure: &Exposure| {
        let share = mul_div_down(exposure.amount.get(), WAD, accrued.debt().get());
        Backed {
            exposure: amount(exposure.amount),
            untracked: amount(exposure.untracked),
            cap: exposure.cap.map(amount),
            share: Shown::share(Wad::new(share.unwrap_or_default())),
        }
    };
    let all = ExposureId { vault: id, market: None, asset: None };
    let tracked = book.exposure(all)?;
    let untracked = accrued.record().owed.less(tracked).unwrap_or(Debt::ZERO);
    let mut factors = Vec::new();
    for factor in (1..=book.protocol()?.factors).map(FactorId::new) {
        let exposure = exposure_to_factor(book, id, factor)?;
        if exposure.amount.is_zero() && exposure.cap.is_none() {
            continue;
        }
        let assets = book.factor_assets(factor)?;
        let assets = assets.into_iter().map(|asset| AssetName::of(book, asset));
        factors.push(FactorRow {
            assets: assets.collect::<Result<_, Stop>>()?,
            factor: FactorName::of(book, factor)?,
            backed: backed(&exposure),
        });
    }
    let mut lines = Vec::new();
    for market in book.vault_lines(id)? {
        lines.push(line_exposures(book, (market, id), &accrued, &backed)?);
    }
    let (debt, untracked) = (amount(accrued.debt()), amount(accrued.debt_of(untracked)));
    Ok(VaultExposures { debt, untracked, factors, lines, vault })
}

fn line_exposures(
    book: &mut Book,
    (market, vault): (MarketId, VaultId),
    accrued: &Accrued,
    backed: &impl Fn(&Exposure) -> Backed,
) -> Result<LineExposures, Stop> {
    let line = book.line(market, vault)?;
    let mut collaterals = Vec::new();
    for asset in book.market(market)?.collaterals {
        let exposure = exposure_to_collateral(book, (market, vault), asset)?;
        let asset = AssetName::of(book, asset)?;
        collaterals.push(CollateralExposure { asset, backed: backed(&exposure) });
    }
    Ok(LineExposures {
        market: market.get(),
        tracked: line.tracked,
        drawn: Shown::amount(accrued.debt_of(line.owed).get(), line.decimals),
        collaterals,
    })
}
