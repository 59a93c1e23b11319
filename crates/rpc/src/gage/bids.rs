//! `gage_bids`: what a bidder waits for, has bought, and may take back.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop,
    bids::{self, BidState, NOTICE_SECONDS, TIER_MAX, Tier, WINDOW_SECONDS},
    ids::{BidId, MarketId, QueueId},
    ledger::Ledger,
    margin::collateral_value,
};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, VaultName},
    notice::Notice,
    numbers::Shown,
    queue::Terms,
};
use crate::{context::Context, methods::Answer};

/// One bid of a bidder.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BidShown {
    market: u32,
    vault: VaultName,
    asset: AssetName,
    tier: u8,
    discount: Shown,
    /// Vault shares that wait.
    shares: Shown,
    worth: Shown,
    /// In US dollars.
    value: Shown,
    /// Collateral to be claimed.
    bought: Shown,
    /// In US dollars.
    bought_value: Shown,
    notice: Notice,
}

/// Every bid of `bidder`, over all queues, by market, vault, collateral and discount.
pub(super) fn bids_of(
    context: &Context,
    (bidder, id): (Address, Option<BlockId>),
) -> Answer<Vec<BidShown>> {
    let mut book = book(context, id)?;
    let mut found = Vec::new();
    for market in (1..=book.protocol()?.markets).map(MarketId::new) {
        book.discard();
        let listed = book.market(market)?;
        for vault in listed.vaults {
            for asset in &listed.collaterals {
                let queue = QueueId { market, vault, asset: *asset };
                found.extend(bids_in(&mut book, queue, bidder)?);
            }
        }
    }
    Ok(found)
}

/// Tiers that are sold out may hold what a bidder has not claimed, so none is left out.
fn bids_in(book: &mut Book, queue: QueueId, bidder: Address) -> Result<Vec<BidShown>, Stop> {
    book.discard();
    let mut found = Vec::new();
    for number in 0..=TIER_MAX.get() {
        let tier = Tier::new(number)?;
        if book.tier(queue, tier)?.bids == 0 {
            continue;
        }
        let state = bids::bid(book, &BidId { queue, tier, bidder })?;
        if !state.shares.is_zero() || !state.bought.is_zero() {
            found.push(bid(book, queue, tier, &state)?);
        }
    }
    Ok(found)
}

fn bid(book: &mut Book, queue: QueueId, tier: Tier, state: &BidState) -> Result<BidShown, Stop> {
    let terms = Terms::of(book, queue)?;
    let worth = terms.worth(state.shares)?;
    let bought = collateral_value(state.bought, terms.price, terms.asset.decimals);
    Ok(BidShown {
        market: queue.market.get(),
        tier: tier.get(),
        discount: Shown::bps(tier.discount()),
        shares: terms.shares(state.shares),
        worth: terms.assets(worth),
        value: terms.value(worth),
        bought: terms.bought(state.bought),
        bought_value: Shown::wad(bought),
        notice: Notice::of(state.announced_at, (NOTICE_SECONDS, WINDOW_SECONDS), book.now()),
        vault: terms.vault,
        asset: terms.asset,
    })
}
