//! Prices and their times, reported by publishers.
//!
//! A feed has bounds. A price at or beyond one is recorded at the bound and not used: what a source
//! pinned to its end says of the market is that it does not know (Venus and Blizz with LUNA, 2022).

use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{Timestamp, Wad};
use crate::ids::FeedId;
use crate::label::Label;
use crate::ledger::Ledger;
use alloy_primitives::Address;

/// A price with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Who names its publishers and bounds.
    pub owner: Address,
    /// What it is the price of.
    pub description: Label,
    /// US dollars per whole token; zero before the first report.
    pub price: Wad,
    /// When the price was observed.
    pub updated_at: Timestamp,
    /// The round of the last report.
    pub round: u64,
    /// How old the price may be to be used, in seconds.
    pub max_age: u32,
    /// A price at or below this is not believed.
    pub price_min: Wad,
    /// A price at or above this is not believed.
    pub price_max: Wad,
    /// No liquidation on this price before this moment.
    pub liquidation_resumes_at: Timestamp,
}

/// How long liquidation waits after a feed that was stale reports again, in seconds: borrowers could
/// not see what was coming.
pub const GRACE_SECONDS: u64 = 600;

/// What a feed's owner decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedTerms {
    /// How old the price may be to be used, in seconds; not zero.
    pub max_age: u32,
    /// A price at or below this is not believed.
    pub price_min: Wad,
    /// A price at or above this is not believed; more than `price_min`.
    pub price_max: Wad,
}

/// What a publisher says of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The feed.
    pub feed: FeedId,
    /// Larger than that of the report before.
    pub round: u64,
    /// When the price was observed; later than the report before, and not in the future.
    pub time: Timestamp,
    /// US dollars per whole token.
    pub price: Wad,
}

impl Feed {
    /// The price, if it may be used at `now` (ORC-1, ORC-4).
    ///
    /// # Errors
    /// [`Error::StalePrice`] if it is too old, or there was none yet;
    /// [`Error::PriceOutOfBounds`] if it stands at a bound.
    pub fn fresh_price(&self, id: FeedId, now: Timestamp) -> Result<Wad, Error> {
        let Self { price, updated_at, max_age, .. } = *self;
        if price.is_zero() || now.since(updated_at) > u64::from(max_age) {
            return Err(Error::StalePrice { feed: id, updated_at, max_age });
        }
        if price <= self.price_min || price >= self.price_max {
            return Err(Error::PriceOutOfBounds { feed: id, price });
        }
        Ok(price)
    }

    /// The price, if accounts may be liquidated at it now: fresh, and for a while.
    ///
    /// # Errors
    /// Those of [`Feed::fresh_price`], and [`Error::LiquidationPaused`] in the grace period after the
    /// feed was stale.
    pub fn settled_price(&self, id: FeedId, now: Timestamp) -> Result<Wad, Error> {
        let resumes_at = self.liquidation_resumes_at;
        if now < resumes_at {
            return Err(Error::LiquidationPaused { resumes_at });
        }
        self.fresh_price(id, now)
    }
}

impl FeedTerms {
    fn check(&self) -> Result<(), Error> {
        if self.max_age == 0 {
            return Err(Error::InvalidParameter { name: "price age", value: 0 });
        }
        // There must be a price between the bounds.
        if self.price_max.saturating_sub(self.price_min) <= Wad::new(1) {
            let value = self.price_max.get();
            return Err(Error::InvalidParameter { name: "price bounds", value });
        }
        Ok(())
    }
}

/// Creates a feed owned by `caller`; it has no price before its first report.
///
/// # Errors
/// [`Error::InvalidParameter`] for terms without room, or a fault of the ledger.
pub fn create_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    description: Label,
    terms: &FeedTerms,
) -> Result<FeedId, Stop> {
    terms.check()?;
    let mut protocol = ledger.protocol()?;
    protocol.feeds = protocol.feeds.checked_add(1).ok_or(Error::Overflow)?;
    let id = FeedId::new(protocol.feeds);
    let feed = Feed {
        owner: caller,
        description,
        price: Wad::ZERO,
        updated_at: Timestamp::ZERO,
        round: 0,
        max_age: terms.max_age,
        price_min: terms.price_min,
        price_max: terms.price_max,
        liquidation_resumes_at: Timestamp::ZERO,
    };
    ledger.set_protocol(&protocol)?;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::FeedCreated { feed: id, owner: caller, description })?;
    ledger.emit(Event::FeedTermsChanged { feed: id, terms: *terms })?;
    Ok(id)
}

fn owned<L: Ledger + ?Sized>(ledger: &mut L, caller: Address, id: FeedId) -> Result<Feed, Stop> {
    let feed = ledger.feed(id)?;
    if feed.owner != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::FeedOwner }.into());
    }
    Ok(feed)
}

/// Changes a feed's bounds; the price stays and may fall outside them.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownFeed`], or a fault.
pub fn set_feed_terms<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    terms: &FeedTerms,
) -> Result<(), Stop> {
    let mut feed = owned(ledger, caller, id)?;
    terms.check()?;
    feed.max_age = terms.max_age;
    feed.price_min = terms.price_min;
    feed.price_max = terms.price_max;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::FeedTermsChanged { feed: id, terms: *terms })
}

/// Lets `publisher` report to the feed.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::ZeroAddress`], [`Error::UnknownFeed`], or a fault.
pub fn add_publisher<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    publisher: Address,
) -> Result<(), Stop> {
    owned(ledger, caller, id)?;
    if publisher.is_zero() {
        // What a failed signature recovery yields must never be a publisher.
        return Err(Error::ZeroAddress.into());
    }
    ledger.set_publisher(id, publisher, true)?;
    ledger.emit(Event::PublisherChanged { feed: id, publisher, allowed: true })
}

/// Takes the right to report to the feed from `publisher`.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownFeed`], or a fault of the ledger.
pub fn remove_publisher<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    publisher: Address,
) -> Result<(), Stop> {
    owned(ledger, caller, id)?;
    ledger.set_publisher(id, publisher, false)?;
    ledger.emit(Event::PublisherChanged { feed: id, publisher, allowed: false })
}

/// Records a price that `signer` reported; the shell has recovered the signer and calls this in a
/// block's prelude only (ORC-2, ORC-6).
///
/// If the feed had gone stale, liquidation on its price waits for [`GRACE_SECONDS`]. A price at or
/// beyond a bound is recorded at the bound, which stops its use at once; refusing it
/// would leave the last believed price in force.
///
/// # Errors
/// [`Error::UnknownPublisher`], [`Error::ReportFromFuture`], [`Error::ReportNotNewer`] if round or
/// time do not exceed the stored ones, [`Error::UnknownFeed`], or a fault.
pub fn apply_report<L: Ledger + ?Sized>(
    ledger: &mut L,
    report: &Report,
    signer: Address,
) -> Result<(), Stop> {
    let Report { feed: id, round, time, price } = *report;
    let mut feed = ledger.feed(id)?;
    if !ledger.is_publisher(id, signer)? {
        return Err(Error::UnknownPublisher { feed: id, signer }.into());
    }
    let now = ledger.now();
    if time > now {
        return Err(Error::ReportFromFuture { feed: id, time, now }.into());
    }
    if round <= feed.round || time <= feed.updated_at {
        return Err(Error::ReportNotNewer { feed: id, round, last_round: feed.round }.into());
    }
    let was_stale = now.since(feed.updated_at) > u64::from(feed.max_age);
    if was_stale && feed.round > 0 {
        feed.liquidation_resumes_at = now.after(GRACE_SECONDS);
    }
    feed.price = price.max(feed.price_min).min(feed.price_max);
    feed.round = round;
    feed.updated_at = time;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::PriceUpdated { feed: id, publisher: signer, price: feed.price, time, round })
}
