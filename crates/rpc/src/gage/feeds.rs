//! `gage_feeds`: prices, their sources, how far they may be trusted and what that stops.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use gage_core::{
    FeedId, FeedKind, GrowthCap, Guards, Ledger, PriceLedger, Stop, Timestamp,
    aggregate::bit,
    feed,
    portfolio::Side,
    quote::{Quote, quote},
    sources::{self, Standing},
};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, VaultName},
    numbers::Shown,
};
use crate::{context::Context, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedRow {
    id: u32,
    description: String,
    /// What it is the price of; absent for a feed that others are computed from.
    asset: Option<AssetName>,
    owner: Address,
    /// `reported`, `rate`, `net asset value`, `product`, `ratio`, `lesser`, `pegged` or `share price`.
    kind: &'static str,
    price: Shown,
    /// Where it has been lately; of a computed one, absent.
    smoothed: Option<Shown>,
    /// `live`, `doubtful`, `stale` or `frozen`.
    status: &'static str,
    fresh: bool,
    /// What nobody can do with this price now: `borrowing`, `release`, `liquidation`, `bids`.
    blocks: Vec<&'static str>,
    /// Why: the first reason.
    reason: Option<String>,
    /// The prices of who takes new risk, and of who is judged.
    prices: Uses,
    updated_at: u64,
    age_seconds: u64,
    max_age_seconds: u32,
    rounds: u32,
    price_min: Shown,
    price_max: Shown,
    /// How far the sources are apart now; absent of a computed feed, and without a quorum.
    spread: Option<Shown>,
    sources: Vec<SourceRow>,
    guards: Option<GuardsShown>,
    doubt_until: u64,
    /// Whether doubt relieves borrowers now.
    relieves: bool,
    frozen_until: u64,
    /// No liquidation at this price before: a grace period after it was stale.
    liquidation_resumes_at: u64,
    /// The feed that stands in while this one is stale.
    fallback: Option<u32>,
    /// Feeds that a computed price is made of.
    base: Option<u32>,
    other: Option<u32>,
    /// The vault whose share is priced.
    vault: Option<VaultName>,
    /// How fast a rate, net asset value or share price may rise.
    growth_cap: Option<GrowthShown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Uses {
    opening_collateral: Shown,
    opening_debt: Shown,
    judged_collateral: Shown,
    judged_debt: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceRow {
    place: u8,
    /// `publisher`, `publisher (ed25519)`, `Pyth`, `RedStone`, `Chainlink Data Streams` or `pool`.
    kind: &'static str,
    key: B256,
    /// The address of a publisher or pool.
    address: Option<Address>,
    weight: u16,
    max_age_seconds: u32,
    price: Shown,
    confidence: Shown,
    updated_at: u64,
    age_seconds: u64,
    round: u64,
    /// `counts`, `outlier`, `stale` or `silent`.
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GuardsShown {
    quorum: u8,
    outlier: Shown,
    spread: Shown,
    jump: Shown,
    confirm_seconds: u32,
    smoothing_seconds: u32,
    budget_seconds: u32,
    window_seconds: u32,
}

/// A growth cap: at most `anchor` and its growth since.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrowthShown {
    anchor: Shown,
    since: u64,
    per_year: Shown,
    limit: Shown,
}

impl GuardsShown {
    fn of(guards: &Guards) -> Self {
        let Guards { quorum, outlier, spread, jump, confirm, smoothing, budget, window } = *guards;
        let [outlier, spread, jump]: [Shown; 3] = [outlier, spread, jump].map(Shown::bps);
        Self {
            quorum,
            outlier,
            spread,
            jump,
            confirm_seconds: confirm,
            smoothing_seconds: smoothing,
            budget_seconds: budget,
            window_seconds: window,
        }
    }
}

impl GrowthShown {
    fn of(cap: &GrowthCap, now: Timestamp) -> Self {
        Self {
            anchor: Shown::wad(cap.anchor),
            since: cap.since.get(),
            per_year: Shown::rate(cap.growth),
            limit: Shown::wad(cap.limit(now)),
        }
    }
}

impl SourceRow {
    fn of(standing: &Standing, outliers: u16, now: Timestamp) -> Self {
        let Standing { place, source, last, fresh } = *standing;
        let state = match (last.price.is_zero(), fresh, outliers & bit(place) != 0) {
            (true, _, _) => "silent",
            (false, false, _) => "stale",
            (false, true, true) => "outlier",
            (false, true, false) => "counts",
        };
        let kind = source.id.kind;
        let has_address =
            matches!(kind, sources::SourceKind::Publisher | sources::SourceKind::Pool);
        Self {
            place,
            kind: kind.name(),
            key: source.id.key,
            address: has_address.then(|| Address::from_word(source.id.key)),
            weight: source.terms.weight,
            max_age_seconds: source.terms.max_age,
            price: Shown::wad(last.price),
            confidence: Shown::millionths(last.confidence.get()),
            updated_at: last.time.get(),
            age_seconds: now.since(last.time),
            round: last.round,
            state,
        }
    }
}

/// What a price stops now, and why.
fn blocks(quote: &Quote) -> (Vec<&'static str>, Option<String>) {
    let side = Side::Collateral;
    let (opening, settled, sale) =
        (quote.opening_price(side), quote.settled_price(side), quote.sale_price(side));
    let blocked = [
        ("borrowing", opening.is_err()),
        ("release", opening.is_err()),
        ("liquidation", settled.is_err()),
        ("bids", sale.is_err()),
    ];
    let reason = opening.err().or(settled.err()).or(sale.err());
    let blocked = blocked.into_iter().filter(|(_, blocked)| *blocked).map(|(name, _)| name);
    (blocked.collect(), reason.map(|reason| reason.to_string()))
}

pub(super) fn feeds(context: &Context, (id,): (Option<BlockId>,)) -> Answer<Vec<FeedRow>> {
    let mut book = book(context, id)?;
    let count = book.protocol()?.feeds;
    let rows = (1..=count).map(|id| Ok(feed_row(&mut book, FeedId::new(id))?));
    rows.collect()
}

fn feed_row(book: &mut Book, id: FeedId) -> Result<FeedRow, Stop> {
    book.discard();
    let (feed, info) = (book.feed(id)?, book.feed_info(id)?);
    let (terms, track, now) = (book.feed_terms(id)?, book.track(id)?, book.now());
    let quote = quote(book, id)?;
    let (blocks, reason) = blocks(&quote);
    let reported = feed.kind.is_reported();
    let aggregate = feed::aggregate_now(book, id)?.ok().filter(|_| reported);
    let outliers = aggregate.map_or(0, |found| found.rejected);
    let standings = sources::standings(book, id)?;
    let vault = match feed.kind {
        FeedKind::SharePrice { vault, .. } => Some(VaultName::of(book, vault)?),
        _ => None,
    };
    let [base, other] = feed.kind.legs().map(|leg| leg.map(FeedId::get));
    let growth_cap = if feed.kind.is_capped() { Some(book.growth_cap(id)?) } else { None };
    let asset = info.subject.asset.map(|asset| AssetName::of(book, asset)).transpose()?;
    let shown = |price| Shown::wad(price);
    Ok(FeedRow {
        id: id.get(),
        description: info.subject.description.as_str().to_owned(),
        asset,
        owner: info.owner,
        kind: feed.kind.name(),
        price: shown(quote.price),
        smoothed: reported.then(|| shown(feed.smoothed)),
        status: quote.status().name(),
        fresh: quote.is_fresh(),
        blocks,
        reason,
        prices: Uses {
            opening_collateral: shown(quote.careful_price(Side::Collateral)),
            opening_debt: shown(quote.careful_price(Side::Debt)),
            judged_collateral: shown(quote.judged_price(Side::Collateral)),
            judged_debt: shown(quote.judged_price(Side::Debt)),
        },
        updated_at: quote.updated_at.get(),
        age_seconds: now.since(quote.updated_at),
        max_age_seconds: feed.max_age,
        rounds: track.rounds,
        price_min: shown(terms.price_min),
        price_max: shown(terms.price_max),
        spread: aggregate.map(|found| Shown::millionths(found.spread.get())),
        sources: standings.iter().map(|one| SourceRow::of(one, outliers, now)).collect(),
        guards: reported.then(|| GuardsShown::of(&terms.guards)),
        doubt_until: quote.doubt_until.get(),
        relieves: quote.relieves(),
        frozen_until: feed.frozen_until.get(),
        liquidation_resumes_at: quote.liquidation_resumes_at.get(),
        fallback: feed.fallback.map(FeedId::get),
        base,
        other,
        vault,
        growth_cap: growth_cap.map(|cap| GrowthShown::of(&cap, now)),
    })
}
