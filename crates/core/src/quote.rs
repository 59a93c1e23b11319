//! What a price is now, whatever kind of feed it comes from.
//!
//! A composite is `⌊base · rate⌋`, a vault's share `⌊base · min(share price, limit)⌋`: rounded down, by
//! less than 10⁻¹⁸ dollars a token. It may be used while everything it is made of may be, it is as old
//! as the older of its legs, and liquidation on it waits for the later of them. Legs are never computed
//! from feeds of their own kind, so there is no recursion: at most three feeds are read.
//!
//! A share of a vault that holds too little counts nothing (SHR-3), which is no lack of a price: the
//! account's other collateral counts, and can be sold.

use crate::error::{Error, Stop};
use crate::feed::{Feed, FeedKind};
use crate::fixed::{Timestamp, WAD, Wad, mul_div_down_saturating};
use crate::ids::{FeedId, VaultId};
use crate::ledger::Ledger;
use crate::vault::Accrued;

/// A feed's price as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// US dollars per whole token, or a rate: the last known, whether it may be used or not; zero if
    /// there is none, and for shares that count nothing.
    pub price: Wad,
    /// When it was observed; of a computed one, when the older leg was.
    pub updated_at: Timestamp,
    /// No liquidation on this price before this moment.
    pub liquidation_resumes_at: Timestamp,
    /// Why it may not be used now, if so.
    usable: Result<(), Error>,
}

impl Quote {
    /// The price, if it may be used now (ORC-1, ORC-4).
    ///
    /// # Errors
    /// [`Error::StalePrice`] if it, or a leg, is too old, or there was none yet;
    /// [`Error::PriceOutOfBounds`] if one stands at a bound.
    pub fn fresh_price(&self) -> Result<Wad, Error> {
        self.usable.map(|()| self.price)
    }

    /// The price, if accounts may be liquidated at it now: fresh, and for a while.
    ///
    /// # Errors
    /// Those of [`Quote::fresh_price`], and [`Error::LiquidationPaused`] in the grace period after a
    /// feed was stale.
    pub fn settled_price(&self, now: Timestamp) -> Result<Wad, Error> {
        let resumes_at = self.liquidation_resumes_at;
        if now < resumes_at {
            return Err(Error::LiquidationPaused { resumes_at });
        }
        self.fresh_price()
    }

    /// Whether the price may be used now.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.usable.is_ok()
    }

    /// What `feed` itself says, without legs.
    fn reported(id: FeedId, feed: &Feed, now: Timestamp) -> Self {
        let Feed { price, updated_at, liquidation_resumes_at, .. } = *feed;
        let usable = feed.check(id, (price, updated_at), now);
        Self { price, updated_at, liquidation_resumes_at, usable }
    }

    /// This quote times another, by the terms of the feed that puts them together.
    fn times(self, other: Self, (id, feed): (FeedId, &Feed), now: Timestamp) -> Self {
        let price = mul_div_down_saturating(self.price.get(), other.price.get(), WAD);
        let (price, updated_at) = (Wad::new(price), self.updated_at.min(other.updated_at));
        let own = || feed.check(id, (price, updated_at), now);
        Self {
            price,
            updated_at,
            liquidation_resumes_at: self.liquidation_resumes_at.max(other.liquidation_resumes_at),
            usable: self.usable.and(other.usable).and_then(|()| own()),
        }
    }
}

/// What a feed's price is now: the one function through which operations, the index and views learn
/// prices. A feed that publishers report costs one record.
///
/// # Errors
/// [`Error::UnknownFeed`], or a fault of the ledger.
pub fn quote<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId) -> Result<Quote, Stop> {
    let feed = ledger.feed(id)?;
    match feed.kind {
        FeedKind::SharePrice { vault, base } => share(ledger, (id, &feed), vault, base),
        _ => plain(ledger, id, &feed),
    }
}

/// The quote of a feed that is not of shares.
fn plain<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId, feed: &Feed) -> Result<Quote, Stop> {
    let now = ledger.now();
    let FeedKind::Composite { base, rate } = feed.kind else {
        return Ok(Quote::reported(id, feed, now));
    };
    let mut leg = |id| Ok::<_, Stop>(Quote::reported(id, &ledger.feed(id)?, now));
    let (base, rate) = (leg(base)?, leg(rate)?);
    Ok(base.times(rate, (id, feed), now))
}

fn share<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, feed): (FeedId, &Feed),
    vault: VaultId,
    base: FeedId,
) -> Result<Quote, Stop> {
    let now = ledger.now();
    let asset = ledger.feed(base)?;
    let asset = plain(ledger, base, &asset)?;
    let accrued = Accrued::load(ledger, vault)?;
    if accrued.check_thickness(vault).is_err() {
        return Ok(Quote { price: Wad::ZERO, ..asset });
    }
    let limit = ledger.growth_cap(id)?.limit(now);
    // The vault's record is always of now.
    let price = accrued.pool().share_price().min(limit);
    let rate =
        Quote { price, updated_at: now, liquidation_resumes_at: Timestamp::ZERO, usable: Ok(()) };
    Ok(asset.times(rate, (id, feed), now))
}
