//! `gage_markets`: the borrowers' rule books.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Assets, Breaker, GuardLedger, Guarded, Market, Pause, PauseLevel, Stop,
    ids::{AssetId, MarketId, VaultId},
    ledger::Ledger,
    vault::Accrued,
};
use serde::Serialize;

use super::{
    Book, book,
    margin::MarginRow,
    names::{AssetName, Quote, VaultName},
    numbers::Shown,
    stakes::FirstLoss,
    terms::{GroupRow, KeptShown, groups},
};
use crate::{context::Context, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MarketRow {
    id: u32,
    owner: Address,
    /// The level in force: `open`, `restricted` or `frozen`.
    pause: &'static str,
    /// Until when; zero if until changed.
    pause_until: u64,
    guards: GuardsRow,
    /// Whether governance vouches for its prices: the sweep serves its accounts first.
    recognised: bool,
    liquidation_resumes_at: u64,
    target_health: Shown,
    full_bonus_health: Shown,
    /// Null for a market of thresholds.
    margin: Option<MarginRow>,
    /// How often its binding terms were set.
    terms_version: u32,
    groups: Vec<GroupRow>,
    collaterals: Vec<CollateralRow>,
    lines: Vec<LineRow>,
}

/// What stops the market by whose word, and what may.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GuardsRow {
    own: PauseRow,
    guardian: PauseRow,
    /// When the guardian may stop the market again, if it is not stopping it now.
    guardian_rests_until: u64,
    /// Until when the breaker restricts it, past or not.
    tripped_until: u64,
    /// Null without one.
    breaker: Option<BreakerRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PauseRow {
    level: &'static str,
    until: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BreakerRow {
    part: Shown,
    window_seconds: u32,
    pause_seconds: u32,
    /// When the window began; zero if none has.
    window_began: u64,
    /// What the market's accounts owed then, and what was liquidated since, in US dollars.
    window_debt: Shown,
    window_liquidated: Shown,
}

/// A line's draw meter.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MeterRow {
    limit: Shown,
    window_seconds: u32,
    left: Shown,
    full_at: u64,
}

const fn level_name(level: PauseLevel) -> &'static str {
    match level {
        PauseLevel::Open => "open",
        PauseLevel::Restricted => "restricted",
        PauseLevel::Frozen => "frozen",
    }
}

impl From<Pause> for PauseRow {
    fn from(Pause { level, until }: Pause) -> Self {
        Self { level: level_name(level), until: until.get() }
    }
}

impl GuardsRow {
    fn of(book: &mut Book, id: MarketId, market: &Market) -> Result<Self, Stop> {
        let now = book.now();
        let Breaker { terms, began, debt, liquidated } = book.breaker(id)?;
        let breaker = market.breaker.then(|| BreakerRow {
            part: Shown::bps(terms.part),
            window_seconds: terms.window,
            pause_seconds: terms.pause,
            window_began: began.get(),
            window_debt: Shown::wad(debt),
            window_liquidated: Shown::wad(liquidated),
        });
        Ok(Self {
            own: market.pause.own.at(now).into(),
            guardian: market.pause.guardian.at(now).into(),
            guardian_rests_until: book.spell(Guarded::Market(id))?.rested_at().get(),
            tripped_until: market.pause.tripped_until.get(),
            breaker,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollateralRow {
    asset: AssetName,
    quote: Quote,
    ltv: Shown,
    threshold: Shown,
    bonus_min: Shown,
    bonus_max: Shown,
    risk_weight: Shown,
    cap: Shown,
    total: Shown,
    #[serde(flatten)]
    kept: KeptShown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineRow {
    vault: VaultName,
    quote: Quote,
    cap: Shown,
    drawn: Shown,
    min_debt: Shown,
    /// Whether it is kept what backs the line's debt: `gage_exposures` tells.
    tracked: bool,
    /// Null without one.
    meter: Option<MeterRow>,
    first_loss: FirstLoss,
}

pub(super) fn markets(context: &Context, (id,): (Option<BlockId>,)) -> Answer<Vec<MarketRow>> {
    let mut book = book(context, id)?;
    let count = book.protocol()?.markets;
    let rows = (1..=count).map(|id| Ok(market(&mut book, MarketId::new(id))?));
    rows.collect()
}

fn market(book: &mut Book, id: MarketId) -> Result<MarketRow, Stop> {
    book.discard();
    let market = book.market(id)?;
    let pause = market.pause.at(book.now());
    let collaterals = market.collaterals.iter().map(|asset| collateral(book, id, *asset));
    let collaterals = collaterals.collect::<Result<_, Stop>>()?;
    let margin = MarginRow::of(book, id)?;
    let lines = market.vaults.iter().map(|vault| line(book, id, *vault));
    let lines = lines.collect::<Result<_, Stop>>()?;
    Ok(MarketRow {
        id: id.get(),
        owner: market.owner,
        pause: level_name(pause.level),
        pause_until: pause.until.get(),
        guards: GuardsRow::of(book, id, &market)?,
        recognised: market.recognised,
        liquidation_resumes_at: market.liquidation_resumes_at.get(),
        target_health: Shown::wad(market.target_health),
        full_bonus_health: Shown::wad(market.full_bonus_health),
        margin,
        terms_version: market.terms_version,
        groups: groups(book, id, &market)?,
        collaterals,
        lines,
    })
}

fn collateral(book: &mut Book, market: MarketId, id: AssetId) -> Result<CollateralRow, Stop> {
    let terms = book.collateral(market, id)?;
    Ok(CollateralRow {
        asset: AssetName::of(book, id)?,
        quote: Quote::of(book, terms.feed)?,
        ltv: Shown::bps(terms.ltv),
        threshold: Shown::bps(terms.threshold),
        bonus_min: Shown::bps(terms.bonus_min),
        bonus_max: Shown::bps(terms.bonus_max),
        risk_weight: Shown::bps(terms.risk_weight),
        cap: Shown::amount(terms.cap.get(), terms.decimals),
        total: Shown::amount(terms.total.get(), terms.decimals),
        kept: KeptShown::of_collateral(book, market, id)?,
    })
}

fn line(book: &mut Book, market: MarketId, id: VaultId) -> Result<LineRow, Stop> {
    let line = book.line(market, id)?;
    let drawn = Accrued::load(book, id)?.debt_of(line.owed);
    let vault = VaultName::of(book, id)?;
    let (meter, now) = (book.meter(market, id)?, book.now());
    Ok(LineRow {
        first_loss: FirstLoss::of(book, (market, id), &vault)?,
        quote: Quote::of(book, line.feed)?,
        cap: Shown::amount(line.cap.get(), line.decimals),
        drawn: Shown::amount(drawn.get(), line.decimals),
        min_debt: Shown::amount(line.min_debt.get(), line.decimals),
        tracked: line.tracked,
        meter: line.metered.then(|| MeterRow {
            limit: Shown::amount(meter.terms.limit.get(), line.decimals),
            window_seconds: meter.terms.window,
            left: Shown::amount(meter.left(now).get(), line.decimals),
            full_at: meter.refills_at(Assets::MAX).get().max(now.get()),
        }),
        vault,
    })
}
