//! `gage_feeds`: prices, their age and their bounds.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{FeedKind, GrowthCap, Stop, Timestamp, ids::FeedId, ledger::Ledger, quote::quote};
use serde::Serialize;

use super::{Book, book, names::VaultName, numbers::Shown};
use crate::{context::Context, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedRow {
    id: u32,
    description: String,
    owner: Address,
    price: Shown,
    updated_at: u64,
    age_seconds: u64,
    max_age_seconds: u32,
    round: u64,
    price_min: Shown,
    price_max: Shown,
    fresh: bool,
    /// No liquidation at this price before: a grace period after it was stale.
    liquidation_resumes_at: u64,
    /// `reported`, `rate`, `composite` or `share price`.
    kind: &'static str,
    /// Feeds that a computed price is made of.
    base: Option<u32>,
    rate: Option<u32>,
    /// The vault whose share is priced.
    vault: Option<VaultName>,
    /// How fast a rate or a share price may rise.
    growth_cap: Option<GrowthShown>,
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

pub(super) fn feeds(context: &Context, (id,): (Option<BlockId>,)) -> Answer<Vec<FeedRow>> {
    let mut book = book(context, id)?;
    let count = book.protocol()?.feeds;
    let rows = (1..=count).map(|id| Ok(feed(&mut book, FeedId::new(id))?));
    rows.collect()
}

fn feed(book: &mut Book, id: FeedId) -> Result<FeedRow, Stop> {
    book.discard();
    let feed = book.feed(id)?;
    let now = book.now();
    let quote = quote(book, id)?;
    let (base, rate, vault) = match feed.kind {
        FeedKind::Reported | FeedKind::Rate => (None, None, None),
        FeedKind::Composite { base, rate } => (Some(base.get()), Some(rate.get()), None),
        FeedKind::SharePrice { vault, base } => {
            (Some(base.get()), None, Some(VaultName::of(book, vault)?))
        }
    };
    let capped = matches!(feed.kind, FeedKind::Rate | FeedKind::SharePrice { .. });
    let growth_cap = if capped { Some(book.growth_cap(id)?) } else { None };
    Ok(FeedRow {
        id: id.get(),
        description: feed.description.as_str().to_owned(),
        owner: feed.owner,
        price: Shown::wad(quote.price),
        updated_at: quote.updated_at.get(),
        age_seconds: now.since(quote.updated_at),
        max_age_seconds: feed.max_age,
        round: feed.round,
        price_min: Shown::wad(feed.price_min),
        price_max: Shown::wad(feed.price_max),
        fresh: quote.is_fresh(),
        liquidation_resumes_at: quote.liquidation_resumes_at.get(),
        kind: feed.kind.name(),
        base,
        rate,
        vault,
        growth_cap: growth_cap.map(|cap| GrowthShown::of(&cap, now)),
    })
}
