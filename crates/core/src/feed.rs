//! Prices and their times, reported by publishers or computed from what they reported.
//!
//! A feed is of one [`FeedKind`]; what a price is now, whatever its kind, [`crate::quote`] says.
//!
//! A feed has bounds. A price at or beyond one is recorded at the bound and not used: what a source
//! pinned to its end says of the market is that it does not know (Venus and Blizz with LUNA, 2022).

use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{Ray, Timestamp, Wad};
use crate::growth::GrowthCap;
use crate::ids::{FeedId, VaultId};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::vault::Accrued;
use alloy_primitives::Address;

/// Where a feed's number comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedKind {
    /// Publishers report a price, in US dollars per whole token.
    #[default]
    Reported,
    /// Publishers report an exchange rate, in whole tokens of an underlying asset per whole token. Its
    /// growth is capped ([`crate::growth`]).
    Rate,
    /// The price of the underlying asset, times a rate.
    Composite {
        /// The underlying asset's price; a reported one.
        base: FeedId,
        /// How much of it a whole token is.
        rate: FeedId,
    },
    /// What a vault's share is worth in its asset, its growth capped, times the asset's price.
    SharePrice {
        /// The vault.
        vault: VaultId,
        /// The price of its asset; a reported one or a composite.
        base: FeedId,
    },
}

impl FeedKind {
    /// The kind in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Rate => "rate",
            Self::Composite { .. } => "composite",
            Self::SharePrice { .. } => "share price",
        }
    }

    /// Whether publishers report to such feeds.
    #[must_use]
    pub const fn is_reported(self) -> bool {
        matches!(self, Self::Reported | Self::Rate)
    }

    /// Whether such a feed gives US dollars.
    #[must_use]
    pub const fn is_price(self) -> bool {
        !matches!(self, Self::Rate)
    }
}

/// A price with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Who names its publishers and bounds.
    pub owner: Address,
    /// What it is the price of.
    pub description: Label,
    /// Where its number comes from.
    pub kind: FeedKind,
    /// The number last recorded: US dollars per whole token, or a rate. Zero before the first report,
    /// and for the kinds that are computed.
    pub price: Wad,
    /// When the price was observed; zero for the kinds that are computed.
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
    /// US dollars per whole token; for a rate, whole tokens of the underlying asset.
    pub price: Wad,
}

impl Feed {
    /// Whether `price`, observed at `updated_at`, may be used at `now` by this feed's terms (ORC-1,
    /// ORC-4).
    ///
    /// # Errors
    /// [`Error::StalePrice`] if it is too old, or there was none yet;
    /// [`Error::PriceOutOfBounds`] if it stands at a bound.
    pub(crate) fn check(
        &self,
        id: FeedId,
        (price, updated_at): (Wad, Timestamp),
        now: Timestamp,
    ) -> Result<(), Error> {
        let max_age = self.max_age;
        if price.is_zero() || now.since(updated_at) > u64::from(max_age) {
            return Err(Error::StalePrice { feed: id, updated_at, max_age });
        }
        if self.is_at_bound(price) {
            return Err(Error::PriceOutOfBounds { feed: id, price });
        }
        Ok(())
    }

    fn bounded(&self, price: Wad) -> Wad {
        price.max(self.price_min).min(self.price_max)
    }

    fn is_at_bound(&self, price: Wad) -> bool {
        price <= self.price_min || price >= self.price_max
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

/// Creates a feed of prices owned by `caller`; it has no price before its first report.
///
/// # Errors
/// [`Error::InvalidParameter`] for terms without room, or a fault of the ledger.
pub fn create_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    description: Label,
    terms: &FeedTerms,
) -> Result<FeedId, Stop> {
    add_feed(ledger, (caller, description), terms, FeedKind::Reported)
}

/// Creates a feed of exchange rates owned by `caller`, which rise by the part `growth` a second at
/// most; it has no rate before its first report. Its bounds are of the rate.
///
/// # Errors
/// [`Error::InvalidParameter`] for terms without room or too much growth, or a fault of the ledger.
pub fn create_rate_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    description: Label,
    terms: &FeedTerms,
    growth: Ray,
) -> Result<FeedId, Stop> {
    let cap = GrowthCap::new(growth)?;
    let id = add_feed(ledger, (caller, description), terms, FeedKind::Rate)?;
    write_cap(ledger, id, &cap)?;
    Ok(id)
}

/// Creates a feed owned by `caller` whose price is that of `base` times `rate`. It is as old as the
/// older of both, and has bounds and a largest age of its own.
///
/// # Errors
/// [`Error::WrongFeed`] unless `base` is a reported price and `rate` a rate,
/// [`Error::UnknownFeed`], [`Error::InvalidParameter`], or a fault of the ledger.
pub fn create_composite_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    description: Label,
    terms: &FeedTerms,
    (base, rate): (FeedId, FeedId),
) -> Result<FeedId, Stop> {
    for (feed, kind) in [(base, FeedKind::Reported), (rate, FeedKind::Rate)] {
        if ledger.feed(feed)?.kind != kind {
            return Err(Error::WrongFeed { feed, wanted: kind.name() }.into());
        }
    }
    let id = add_feed(ledger, (caller, description), terms, FeedKind::Composite { base, rate })?;
    ledger.emit(Event::CompositeFeedCreated { feed: id, base, rate })?;
    Ok(id)
}

/// What a feed of share prices is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareTerms {
    /// The vault whose shares are priced.
    pub vault: VaultId,
    /// The price of the vault's asset; a reported one or a composite.
    pub base: FeedId,
    /// By which part the share price may grow in a second, counted from its present.
    pub growth: Ray,
}

/// Creates a feed owned by `caller` whose price is that of a vault's share: what the vault's own record
/// says a share is worth, times the price of its asset. Nobody reports to it, and no transfer to the
/// vault moves it (SHR-2).
///
/// # Errors
/// [`Error::ThinVault`] while the vault holds too little for its share to have a price (SHR-3),
/// [`Error::WrongFeed`] if `base` is not the price of an asset, [`Error::UnknownVault`],
/// [`Error::UnknownFeed`], [`Error::InvalidParameter`], or a fault of the ledger.
pub fn create_share_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    description: Label,
    terms: &FeedTerms,
    share: &ShareTerms,
) -> Result<FeedId, Stop> {
    let ShareTerms { vault, base, growth } = *share;
    if !matches!(ledger.feed(base)?.kind, FeedKind::Reported | FeedKind::Composite { .. }) {
        return Err(Error::WrongFeed { feed: base, wanted: "an asset's price" }.into());
    }
    let accrued = Accrued::load(ledger, vault)?;
    accrued.check_thickness(vault)?;
    let cap = GrowthCap::from(accrued.pool().share_price(), ledger.now(), growth)?;
    let kind = FeedKind::SharePrice { vault, base };
    let id = add_feed(ledger, (caller, description), terms, kind)?;
    ledger.emit(Event::ShareFeedCreated { feed: id, vault, base })?;
    write_cap(ledger, id, &cap)?;
    Ok(id)
}

fn add_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    (owner, description): (Address, Label),
    terms: &FeedTerms,
    kind: FeedKind,
) -> Result<FeedId, Stop> {
    terms.check()?;
    let mut protocol = ledger.protocol()?;
    protocol.feeds = protocol.feeds.checked_add(1).ok_or(Error::Overflow)?;
    let id = FeedId::new(protocol.feeds);
    let feed = Feed {
        owner,
        description,
        kind,
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
    ledger.emit(Event::FeedCreated { feed: id, owner, description })?;
    ledger.emit(Event::FeedTermsChanged { feed: id, terms: *terms })?;
    Ok(id)
}

fn write_cap<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId, cap: &GrowthCap) -> Result<(), Stop> {
    ledger.set_growth_cap(id, cap)?;
    ledger.emit(Event::GrowthCapChanged { feed: id, cap: *cap })
}

/// Sets how fast a rate or share price may grow from now on; the feed's owner only. It grows from the
/// rate that counts now: the anchor and its time are written as one, so no change of growth lowers
/// what was accepted (C-16).
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::WrongFeed`] for a feed without a cap,
/// [`Error::PriceOutOfBounds`] while a rate stands at a bound and is not believed,
/// [`Error::InvalidParameter`], [`Error::UnknownFeed`], or a fault of the ledger.
pub fn set_growth<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    growth: Ray,
) -> Result<(), Stop> {
    let feed = owned(ledger, caller, id)?;
    let now = ledger.now();
    let rate = match feed.kind {
        FeedKind::Rate if feed.price.is_zero() || !feed.is_at_bound(feed.price) => feed.price,
        FeedKind::Rate => {
            return Err(Error::PriceOutOfBounds { feed: id, price: feed.price }.into());
        }
        FeedKind::SharePrice { vault, .. } => {
            let price = Accrued::load(ledger, vault)?.pool().share_price();
            price.min(ledger.growth_cap(id)?.limit(now))
        }
        FeedKind::Reported | FeedKind::Composite { .. } => {
            return Err(Error::WrongFeed { feed: id, wanted: FeedKind::Rate.name() }.into());
        }
    };
    write_cap(ledger, id, &GrowthCap::from(rate, now, growth)?)
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
/// [`Error::NotAuthorised`], [`Error::ZeroAddress`], [`Error::WrongFeed`] for one that is computed, [`Error::UnknownFeed`], or a fault.
pub fn add_publisher<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    publisher: Address,
) -> Result<(), Stop> {
    let feed = owned(ledger, caller, id)?;
    if publisher.is_zero() {
        // What a failed signature recovery yields must never be a publisher.
        return Err(Error::ZeroAddress.into());
    }
    if !feed.kind.is_reported() {
        return Err(Error::WrongFeed { feed: id, wanted: FeedKind::Reported.name() }.into());
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
/// would leave the last believed price in force. A rate above its growth cap is recorded at the cap; a
/// lower one passes at once.
///
/// # Errors
/// [`Error::UnknownPublisher`] also for a feed that is computed, [`Error::ReportFromFuture`], [`Error::ReportNotNewer`] if round or
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
    feed.price = match feed.kind {
        FeedKind::Rate => accept_rate(ledger, (id, &feed), price, time)?,
        _ => feed.bounded(price),
    };
    feed.round = round;
    feed.updated_at = time;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::PriceUpdated { feed: id, publisher: signer, price: feed.price, time, round })
}

/// What is recorded of a reported rate: what its growth cap leaves of it, within the bounds. One that
/// stands at a bound then is not believed, and moves no anchor.
fn accept_rate<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, feed): (FeedId, &Feed),
    reported: Wad,
    time: Timestamp,
) -> Result<Wad, Stop> {
    let (cap, accepted) = ledger.growth_cap(id)?.accept(reported, time);
    if accepted < reported {
        ledger.emit(Event::RateCapped { feed: id, reported, accepted })?;
    }
    let bounded = feed.bounded(accepted);
    if !feed.is_at_bound(bounded) {
        ledger.set_growth_cap(id, &cap)?;
    }
    Ok(bounded)
}
