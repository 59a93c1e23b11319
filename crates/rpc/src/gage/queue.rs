//! `gage_queue`: how much waits to buy liquidated collateral, at which discount.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Assets, Shares, Stop, Wad,
    bids::{self, Tier, TierState},
    ids::{MarketId, QueueId},
    ledger::Ledger,
    margin::collateral_value,
    market::{Collateral, Line},
    quote::quote,
    vault::Accrued,
};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, Quote, VaultName, asset_at, vault_at},
    numbers::Shown,
};
use crate::{arguments::Number, context::Context, methods::Answer};

/// A queue: who repays debt to `vault` for `asset` in one market.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueShown {
    market: u32,
    vault: VaultName,
    asset: AssetName,
    /// The collateral's price.
    quote: Quote,
    /// The price of what bids are worth.
    debt_quote: Quote,
    /// The largest discount that may be bid.
    discount_max: Shown,
    /// The least that a bid may be worth.
    bid_min: Shown,
    /// The discount at which the next unit sells; null for an empty queue.
    best_discount: Option<Shown>,
    /// What all bids are worth.
    depth: Shown,
    /// In US dollars.
    depth_value: Shown,
    /// Those that hold shares, lowest discount first.
    tiers: Vec<TierShown>,
}

/// The bids of one discount.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TierShown {
    tier: u8,
    discount: Shown,
    /// What a bidder of this tier would pay for a whole token now, in US dollars.
    price: Shown,
    bids: u32,
    shares: Shown,
    /// What the shares are worth, which is how much debt they repay.
    worth: Shown,
    /// In US dollars.
    value: Shown,
    /// Together with all lower discounts.
    cumulated: Shown,
    /// In US dollars.
    cumulated_value: Shown,
    /// Collateral bought and not claimed yet.
    unclaimed: Shown,
}

/// What is needed to say what bids of a queue are worth.
pub(super) struct Terms {
    pub(super) vault: VaultName,
    pub(super) asset: AssetName,
    accrued: Accrued,
    line: Line,
    collateral: Collateral,
    /// Of the debt's asset, in US dollars.
    debt_price: Wad,
    /// Of the collateral.
    pub(super) price: Wad,
}

impl Terms {
    pub(super) fn of(book: &mut Book, id: QueueId) -> Result<Self, Stop> {
        let line = book.line(id.market, id.vault)?;
        let collateral = book.collateral(id.market, id.asset)?;
        Ok(Self {
            vault: VaultName::of(book, id.vault)?,
            asset: AssetName::of(book, id.asset)?,
            accrued: Accrued::load(book, id.vault)?,
            debt_price: quote(book, line.feed)?.price,
            price: quote(book, collateral.feed)?.price,
            line,
            collateral,
        })
    }

    /// What shares are worth, rounded down.
    pub(super) fn worth(&self, shares: Shares) -> Result<Assets, Stop> {
        Ok(self.accrued.pool().assets_to_pay(shares)?)
    }

    pub(super) fn assets(&self, assets: Assets) -> Shown {
        Shown::amount(assets.get(), self.vault.asset.decimals)
    }

    pub(super) fn shares(&self, shares: Shares) -> Shown {
        Shown::amount(shares.get(), self.vault.decimals)
    }

    pub(super) fn bought(&self, assets: Assets) -> Shown {
        Shown::amount(assets.get(), self.asset.decimals)
    }

    /// US dollars, rounded down.
    pub(super) fn value(&self, assets: Assets) -> Shown {
        Shown::wad(collateral_value(assets, self.debt_price, self.vault.asset.decimals))
    }

    fn tier(&self, tier: Tier, state: &TierState, sum: &mut Assets) -> Result<TierShown, Stop> {
        let worth = self.worth(state.shares)?;
        *sum = sum.saturating_add(worth);
        let saved = tier.discount().of_down(self.price.get());
        Ok(TierShown {
            tier: tier.get(),
            discount: Shown::bps(tier.discount()),
            price: Shown::wad(Wad::new(self.price.get() - saved)),
            bids: state.bids,
            shares: self.shares(state.shares),
            worth: self.assets(worth),
            value: self.value(worth),
            cumulated: self.assets(*sum),
            cumulated_value: self.value(*sum),
            unclaimed: self.bought(state.unclaimed),
        })
    }
}

type Which = (Number<u32>, Address, Address, Option<BlockId>);

/// The queue of a market for the debt to a vault and a collateral.
pub(super) fn queue(context: &Context, (market, vault, asset, id): Which) -> Answer<QueueShown> {
    let mut book = book(context, id)?;
    let market = MarketId::new(market.0);
    book.market(market)?;
    let queue = QueueId { market, vault: vault_at(vault)?, asset: asset_at(asset)? };
    Ok(shown(&mut book, queue)?)
}

fn shown(book: &mut Book, id: QueueId) -> Result<QueueShown, Stop> {
    let terms = Terms::of(book, id)?;
    let mut depth = Assets::ZERO;
    let held = bids::tiers(book, id)?;
    let tiers = held.iter().map(|(tier, state)| terms.tier(*tier, state, &mut depth));
    let tiers: Vec<TierShown> = tiers.collect::<Result<_, Stop>>()?;
    Ok(QueueShown {
        market: id.market.get(),
        quote: Quote::of(book, terms.collateral.feed)?,
        debt_quote: Quote::of(book, terms.line.feed)?,
        discount_max: Shown::bps(Tier::up_to(terms.collateral.bonus_max).discount()),
        bid_min: terms.assets(terms.line.min_debt),
        best_discount: held.first().map(|(tier, _)| Shown::bps(tier.discount())),
        depth: terms.assets(depth),
        depth_value: terms.value(depth),
        tiers,
        vault: terms.vault,
        asset: terms.asset,
    })
}
