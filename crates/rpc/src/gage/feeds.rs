//! `gage_feeds`: prices, their age and their bounds.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{Stop, ids::FeedId, ledger::Ledger};
use serde::Serialize;

use super::{Book, book, numbers::Shown};
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
    Ok(FeedRow {
        id: id.get(),
        description: feed.description.as_str().to_owned(),
        owner: feed.owner,
        price: Shown::wad(feed.price),
        updated_at: feed.updated_at.get(),
        age_seconds: now.since(feed.updated_at),
        max_age_seconds: feed.max_age,
        round: feed.round,
        price_min: Shown::wad(feed.price_min),
        price_max: Shown::wad(feed.price_max),
        fresh: feed.fresh_price(id, now).is_ok(),
        liquidation_resumes_at: feed.liquidation_resumes_at.get(),
    })
}
