//! `gage_bids`: what a bidder waits for, has bought, and may take back.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop, Timestamp,
    bids::{self, BidState, NOTICE_SECONDS, TIER_MAX, Tier, WINDOW_SECONDS},
    ids::{BidId, MarketId, QueueId},
    ledger::Ledger,
    margin::collateral_value,
};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, VaultName},
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

/// How far a withdrawal has come; times in Unix seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
enum Notice {
    /// It was not announced.
    None,
    /// The shares may be withdrawn from `opensAt` on.
    #[serde(rename_all = "camelCase")]
    Running { announced_at: u64, opens_at: u64, closes_at: u64 },
    /// The shares may be withdrawn now, until `closesAt`.
    #[serde(rename_all = "camelCase")]
    Open { announced_at: u64, opens_at: u64, closes_at: u64 },
    /// It must be announced anew.
    #[serde(rename_all = "camelCase")]
    Expired { announced_at: u64, opens_at: u64, closes_at: u64 },
}

impl Notice {
    fn of(state: &BidState, now: Timestamp) -> Self {
        if state.announced_at == Timestamp::ZERO {
            return Self::None;
        }
        let opens = state.announced_at.after(NOTICE_SECONDS);
        let closes = opens.after(WINDOW_SECONDS);
        let (announced_at, opens_at, closes_at) =
            (state.announced_at.get(), opens.get(), closes.get());
        if now < opens {
            Self::Running { announced_at, opens_at, closes_at }
        } else if now <= closes {
            Self::Open { announced_at, opens_at, closes_at }
        } else {
            Self::Expired { announced_at, opens_at, closes_at }
        }
    }
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
        notice: Notice::of(state, book.now()),
        vault: terms.vault,
        asset: terms.asset,
    })
}
