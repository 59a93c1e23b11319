//! What a price is now, whatever kind of feed it comes from, and for which use.
//!
//! A price has two sides. To draw on it or to release what it values, collateral counts the lower of the newest and
//! the smoothed price and debt the higher (ORC-4), and doubt refuses. To judge an account, the newest counts; while
//! doubt relieves ([`crate::doubt`]), the one of both that is better for the borrower. Bids buy only where there is no
//! relief: nobody is sold what may be a wick.
//!
//! A product is `⌊base · rate⌋`, a ratio `⌊base / rate⌋`, a vault's share `⌊base · min(share price, limit)⌋`: rounded
//! down, by less than 10⁻¹⁸ dollars a token. A computed price may be used while everything it is made of may be, it is
//! as old as the oldest of its legs, doubtful while one of them is, and liquidation on it waits for the latest of them.
//! Legs stand below what is computed from them, so there is no recursion without end: at most six feeds are read.
//!
//! A share of a vault that holds too little counts nothing (SHR-3), which is no lack of a price: the
//! account's other collateral counts, and can be sold.

use crate::error::{Error, Stop};
use crate::feed::{Feed, FeedKind};
use crate::fixed::{Timestamp, WAD, Wad, mul_div_down_saturating};
use crate::ids::{FeedId, VaultId};
use crate::ledger::Ledger;
use crate::portfolio::Side;
use crate::vault::Accrued;

/// The newest price, and the ends between which it and the smoothed one lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    newest: Wad,
    low: Wad,
    high: Wad,
}

impl Range {
    fn of(newest: Wad, smoothed: Wad) -> Self {
        Self { newest, low: newest.min(smoothed), high: newest.max(smoothed) }
    }

    /// A number that has no past.
    const fn flat(number: Wad) -> Self {
        Self { newest: number, low: number, high: number }
    }

    /// Combined by something that rises with both.
    fn with(self, other: Self, combine: impl Fn(Wad, Wad) -> Wad) -> Self {
        Self {
            newest: combine(self.newest, other.newest),
            low: combine(self.low, other.low),
            high: combine(self.high, other.high),
        }
    }

    /// The same with the ends exchanged: for what falls where this rises.
    const fn turned(self) -> Self {
        Self { newest: self.newest, low: self.high, high: self.low }
    }
}

/// How far a price may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// For everything.
    Live,
    /// Not for new risk, and for a while not against borrowers.
    Doubtful,
    /// For nothing: too old.
    Stale,
    /// For nothing: it stands at a bound, or somebody froze it.
    Frozen,
}

impl Status {
    /// The status in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Doubtful => "doubtful",
            Self::Stale => "stale",
            Self::Frozen => "frozen",
        }
    }
}

/// A feed's price as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// US dollars per whole token, or a rate: the last known, whether it may be used or not; zero if
    /// there is none, and for shares that count nothing.
    pub price: Wad,
    /// When it was observed; of a computed one, when the oldest leg was.
    pub updated_at: Timestamp,
    /// No liquidation on this price before this moment.
    pub liquidation_resumes_at: Timestamp,
    /// Until when doubt relieves borrowers, past or not; zero without doubt.
    pub doubt_until: Timestamp,
    /// The moment of the quote.
    now: Timestamp,
    collateral: Range,
    debt: Range,
    feed: FeedId,
    /// Why it may not be used now, if so.
    usable: Result<(), Error>,
}

impl Quote {
    /// The newest price, if it may be used now (ORC-1, ORC-4).
    ///
    /// # Errors
    /// [`Error::StalePrice`] if it, or a leg, is too old, or there was none yet;
    /// [`Error::PriceOutOfBounds`] if one stands at a bound; [`Error::FeedFrozen`].
    pub fn fresh_price(&self) -> Result<Wad, Error> {
        self.usable.map(|()| self.price)
    }

    /// The price at which new risk is taken: of the newest and the smoothed the lower for collateral, the higher for
    /// debt.
    ///
    /// # Errors
    /// Those of [`Quote::fresh_price`], and [`Error::PriceDoubtful`].
    pub fn opening_price(&self, side: Side) -> Result<Wad, Error> {
        self.usable?;
        if self.is_doubtful() {
            let (feed, until) = (self.feed, self.doubt_until);
            return Err(Error::PriceDoubtful { feed, until });
        }
        Ok(self.careful_price(side))
    }

    /// The price of [`Quote::opening_price`], whether it may be used or not.
    #[must_use]
    pub fn careful_price(&self, side: Side) -> Wad {
        match side {
            Side::Collateral => self.collateral.low,
            Side::Debt => self.debt.high,
        }
    }

    /// The price by which accounts are judged now, whether it may be used or not.
    #[must_use]
    pub fn judged_price(&self, side: Side) -> Wad {
        match (side, self.relieves()) {
            (Side::Collateral, true) => self.collateral.high,
            (Side::Collateral, false) => self.collateral.newest,
            (Side::Debt, true) => self.debt.low,
            (Side::Debt, false) => self.debt.newest,
        }
    }

    /// The price by which accounts may be liquidated now: fresh, and for a while.
    ///
    /// # Errors
    /// Those of [`Quote::fresh_price`], and [`Error::LiquidationPaused`] in the grace period after a
    /// feed was stale.
    pub fn settled_price(&self, side: Side) -> Result<Wad, Error> {
        let resumes_at = self.liquidation_resumes_at;
        if self.now < resumes_at {
            return Err(Error::LiquidationPaused { resumes_at });
        }
        self.usable.map(|()| self.judged_price(side))
    }

    /// The price at which bids buy now.
    ///
    /// # Errors
    /// Those of [`Quote::settled_price`], and [`Error::PriceDoubtful`] while doubt relieves (BID-2).
    pub fn sale_price(&self, side: Side) -> Result<Wad, Error> {
        let price = self.settled_price(side)?;
        if self.relieves() {
            let (feed, until) = (self.feed, self.doubt_until);
            return Err(Error::PriceDoubtful { feed, until });
        }
        Ok(price)
    }

    /// Whether the price may be used now.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.usable.is_ok()
    }

    /// Whether new risk may not be taken on it for doubt.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        self.doubt_until.get() > 0
    }

    /// Whether doubt relieves borrowers now.
    #[must_use]
    pub fn relieves(&self) -> bool {
        self.now < self.doubt_until
    }

    /// How far it may be trusted.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self.usable {
            Err(Error::StalePrice { .. }) => Status::Stale,
            Err(_) => Status::Frozen,
            Ok(()) if self.is_doubtful() => Status::Doubtful,
            Ok(()) => Status::Live,
        }
    }

    /// What the record `feed` itself says.
    fn reported(id: FeedId, feed: &Feed, now: Timestamp) -> Self {
        let Feed { price, smoothed, updated_at, liquidation_resumes_at, doubt_until, .. } = *feed;
        let pinned = || match feed.pinned {
            true => Err(Error::PriceOutOfBounds { feed: id, price }),
            false => Ok(()),
        };
        let usable = feed.check(id, (price, updated_at), now).and_then(|()| pinned());
        let range = Range::of(price, smoothed);
        Self {
            price,
            updated_at,
            liquidation_resumes_at,
            doubt_until,
            now,
            collateral: range,
            debt: range,
            feed: id,
            usable,
        }
    }

    /// A number that the chain's own records say, as of now.
    const fn own(id: FeedId, number: Wad, now: Timestamp) -> Self {
        Self {
            price: number,
            updated_at: now,
            liquidation_resumes_at: Timestamp::ZERO,
            doubt_until: Timestamp::ZERO,
            now,
            collateral: Range::flat(number),
            debt: Range::flat(number),
            feed: id,
            usable: Ok(()),
        }
    }

    /// This quote with another: numbers by their sides, all else by the more careful of both.
    fn with(
        self,
        other: Self,
        collateral: impl Fn(Wad, Wad) -> Wad,
        debt: impl Fn(Wad, Wad) -> Wad,
    ) -> Self {
        let collateral = self.collateral.with(other.collateral, collateral);
        Self {
            price: collateral.newest,
            updated_at: self.updated_at.min(other.updated_at),
            liquidation_resumes_at: self.liquidation_resumes_at.max(other.liquidation_resumes_at),
            doubt_until: self.doubt_until.max(other.doubt_until),
            now: self.now,
            collateral,
            debt: self.debt.with(other.debt, debt),
            feed: if other.doubt_until > self.doubt_until { other.feed } else { self.feed },
            usable: self.usable.and(other.usable),
        }
    }

    /// Judges a computed quote by its own feed's terms too.
    fn under<L: Ledger + ?Sized>(
        self,
        ledger: &mut L,
        (id, feed): (FeedId, &Feed),
    ) -> Result<Self, Stop> {
        let terms = ledger.feed_terms(id)?;
        let Self { price, updated_at, now, .. } = self;
        let own = || feed.check(id, (price, updated_at), now);
        let pegged = matches!(feed.kind, FeedKind::Pegged { .. });
        let outside = match pegged {
            true => price <= terms.price_min,
            false => terms.is_at_bound(price),
        };
        let bounds = || match outside {
            true => Err(Error::PriceOutOfBounds { feed: id, price }),
            false => Ok(()),
        };
        let usable = self.usable.and_then(|()| own()).and_then(|()| bounds());
        let liquidation_resumes_at = self.liquidation_resumes_at.max(feed.liquidation_resumes_at);
        Ok(Self { usable, liquidation_resumes_at, ..self })
    }
}

fn product(one: Wad, other: Wad) -> Wad {
    Wad::new(mul_div_down_saturating(one.get(), other.get(), WAD))
}

fn ratio(one: Wad, other: Wad) -> Wad {
    // Without a rate there is no price.
    if other.is_zero() {
        Wad::ZERO
    } else {
        Wad::new(mul_div_down_saturating(one.get(), WAD, other.get()))
    }
}

/// What a feed's price is now: the one function through which operations, the index and views learn
/// prices. A feed that sources report to costs one record.
///
/// # Errors
/// [`Error::UnknownFeed`], or a fault of the ledger.
pub fn quote<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId) -> Result<Quote, Stop> {
    let feed = ledger.feed(id)?;
    let quote = match feed.kind {
        FeedKind::SharePrice { vault, base } => return share(ledger, (id, &feed), vault, base),
        FeedKind::Lesser { one, other } => {
            let (one, other) = (plain(ledger, one)?, plain(ledger, other)?);
            one.with(other, Wad::min, Wad::max)
        }
        _ => return plain_of(ledger, id, &feed),
    };
    quote.under(ledger, (id, &feed))
}

/// The quote of a feed that is not computed from computed ones.
fn plain<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId) -> Result<Quote, Stop> {
    let feed = ledger.feed(id)?;
    plain_of(ledger, id, &feed)
}

fn plain_of<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId, feed: &Feed) -> Result<Quote, Stop> {
    let quote = match feed.kind {
        FeedKind::Product { base, rate } => {
            let (base, rate) = (reported(ledger, base)?, reported(ledger, rate)?);
            base.with(rate, product, product)
        }
        FeedKind::Ratio { base, rate } => {
            let (base, mut rate) = (reported(ledger, base)?, reported(ledger, rate)?);
            (rate.collateral, rate.debt) = (rate.collateral.turned(), rate.debt.turned());
            base.with(rate, ratio, ratio)
        }
        FeedKind::Pegged { base } => {
            let peg = ledger.feed_terms(id)?.price_max;
            let base = reported(ledger, base)?;
            base.with(Quote::own(id, peg, base.now), Wad::min, |price, _| price)
        }
        _ => return reported_of(ledger, id, feed),
    };
    quote.under(ledger, (id, feed))
}

fn reported<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId) -> Result<Quote, Stop> {
    let feed = ledger.feed(id)?;
    reported_of(ledger, id, &feed)
}

/// The quote of a feed that sources report to, or of its fallback while it is stale.
fn reported_of<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId, feed: &Feed) -> Result<Quote, Stop> {
    let now = ledger.now();
    let quote = Quote::reported(id, feed, now);
    match feed.fallback {
        Some(fallback) if quote.status() == Status::Stale => {
            let other = Quote::reported(fallback, &ledger.feed(fallback)?, now);
            Ok(if other.is_fresh() { other } else { quote })
        }
        _ => Ok(quote),
    }
}

fn share<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, feed): (FeedId, &Feed),
    vault: VaultId,
    base: FeedId,
) -> Result<Quote, Stop> {
    let asset = plain(ledger, base)?;
    let accrued = Accrued::load(ledger, vault)?;
    if accrued.check_thickness(vault).is_err() {
        let none = Range::flat(Wad::ZERO);
        let usable = asset.usable.and_then(|()| feed.check_frozen(id, asset.now));
        return Ok(Quote { price: Wad::ZERO, collateral: none, debt: none, usable, ..asset });
    }
    let limit = ledger.growth_cap(id)?.limit(asset.now);
    // The vault's record is always of now.
    let price = accrued.pool().share_price().min(limit);
    asset.with(Quote::own(id, price, asset.now), product, product).under(ledger, (id, feed))
}
