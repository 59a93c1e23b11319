//! Prices and their times, reported by sources or computed from what they reported.
//!
//! A feed is of one [`FeedKind`]; what a price is now, whatever its kind, [`crate::quote`] says. A reported feed has
//! [`crate::sources`], whose reports [`update`] puts together ([`crate::aggregate`]) and judges ([`crate::doubt`]).
//! [`creation`] makes feeds.
//!
//! A feed has bounds. A price at or beyond one is recorded at the bound and not used: what a source
//! pinned to its end says of the market is that it does not know (Venus and Blizz with LUNA, 2022).

pub mod creation;
pub mod freeze;

use crate::aggregate::{Aggregate, SOURCES_MAX, Shortfall, aggregate, bit};
use crate::doubt::{Cause, Guards, Level, Track};
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{Ray, Timestamp, Wad};
use crate::growth::GrowthCap;
use crate::ids::{AssetId, FeedId, VaultId};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::sources;
use crate::vault::Accrued;
use alloy_primitives::Address;

/// Where a feed's number comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedKind {
    /// Sources report a price, in US dollars per whole token.
    #[default]
    Reported,
    /// Sources report an exchange rate, in whole tokens of an underlying asset per whole token. Its
    /// growth is capped ([`crate::growth`]).
    Rate,
    /// Attestors report what a whole token is worth by the books behind it, in US dollars. Its growth is
    /// capped; a fall passes at once.
    NetAssetValue,
    /// A price times a rate.
    Product {
        /// The underlying asset's price; a reported one.
        base: FeedId,
        /// How much of it a whole token is.
        rate: FeedId,
    },
    /// A price over a rate.
    Ratio {
        /// A reported price.
        base: FeedId,
        /// How many whole tokens that is the price of.
        rate: FeedId,
    },
    /// The lower of two prices where it values collateral, the higher where it values debt: a claim and
    /// what its market pays for it.
    Lesser {
        /// A price that is not of this kind.
        one: FeedId,
        /// Another.
        other: FeedId,
    },
    /// A price that counts its peg at most where it values collateral. The feed's upper bound is the peg.
    Pegged {
        /// The reported price.
        base: FeedId,
    },
    /// What a vault's share is worth in its asset, its growth capped, times the asset's price.
    SharePrice {
        /// The vault.
        vault: VaultId,
        /// The price of its asset; not of this kind, nor the lesser of two.
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
            Self::NetAssetValue => "net asset value",
            Self::Product { .. } => "product",
            Self::Ratio { .. } => "ratio",
            Self::Lesser { .. } => "lesser",
            Self::Pegged { .. } => "pegged",
            Self::SharePrice { .. } => "share price",
        }
    }

    /// The number of the kind: 0 reported, 1 rate, 2 net asset value, 3 product, 4 ratio, 5 lesser, 6 pegged,
    /// 7 share price.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Reported => 0,
            Self::Rate => 1,
            Self::NetAssetValue => 2,
            Self::Product { .. } => 3,
            Self::Ratio { .. } => 4,
            Self::Lesser { .. } => 5,
            Self::Pegged { .. } => 6,
            Self::SharePrice { .. } => 7,
        }
    }

    /// The kind of this number that is computed from these feeds; of a vault's share and of what is reported, `None`.
    #[must_use]
    pub const fn computed(number: u8, base: FeedId, other: FeedId) -> Option<Self> {
        match number {
            3 => Some(Self::Product { base, rate: other }),
            4 => Some(Self::Ratio { base, rate: other }),
            5 => Some(Self::Lesser { one: base, other }),
            6 => Some(Self::Pegged { base }),
            _ => None,
        }
    }

    /// The feeds that it is computed from.
    #[must_use]
    pub const fn legs(self) -> [Option<FeedId>; 2] {
        match self {
            Self::Reported | Self::Rate | Self::NetAssetValue => [None, None],
            Self::Product { base, rate } | Self::Ratio { base, rate } => [Some(base), Some(rate)],
            Self::Lesser { one, other } => [Some(one), Some(other)],
            Self::Pegged { base } | Self::SharePrice { base, .. } => [Some(base), None],
        }
    }

    /// Whether sources report to such feeds.
    #[must_use]
    pub const fn is_reported(self) -> bool {
        matches!(self, Self::Reported | Self::Rate | Self::NetAssetValue)
    }

    /// Whether such a feed gives US dollars.
    #[must_use]
    pub const fn is_price(self) -> bool {
        !matches!(self, Self::Rate)
    }

    /// Whether the growth of such a feed is capped.
    #[must_use]
    pub const fn is_capped(self) -> bool {
        matches!(self, Self::Rate | Self::NetAssetValue | Self::SharePrice { .. })
    }

    /// How many feeds stand between it and sources, at most.
    pub(crate) const fn depth(self) -> u8 {
        match self {
            Self::Reported | Self::Rate | Self::NetAssetValue => 0,
            Self::Product { .. } | Self::Ratio { .. } | Self::Pegged { .. } => 1,
            Self::Lesser { .. } | Self::SharePrice { .. } => 2,
        }
    }
}

/// What valuations read of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// Where its number comes from.
    pub kind: FeedKind,
    /// The number last accepted: US dollars per whole token, or a rate. Zero before the first report,
    /// and for the kinds that are computed.
    pub price: Wad,
    /// Where it has been lately; of a computed one, zero.
    pub smoothed: Wad,
    /// When the price was observed; zero for the kinds that are computed.
    pub updated_at: Timestamp,
    /// How old the price may be to be used, in seconds.
    pub max_age: u32,
    /// Whether the price stands at a bound, and is not believed.
    pub pinned: bool,
    /// Until when doubt relieves borrowers, past or not; zero without doubt.
    pub doubt_until: Timestamp,
    /// No use of this price before this moment: somebody froze it.
    pub frozen_until: Timestamp,
    /// No liquidation on this price before this moment.
    pub liquidation_resumes_at: Timestamp,
    /// The feed that stands in while this one is stale.
    pub fallback: Option<FeedId>,
}

/// Whose a feed is, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedInfo {
    /// Who names its sources and terms.
    pub owner: Address,
    /// What it is the price of.
    pub subject: FeedSubject,
    /// Which places have a source, as bits.
    pub sources: u16,
    /// Whether the last freeze is governance's or the guardian's: not the owner's to lift.
    pub held: bool,
}

/// What a feed is the price of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSubject {
    /// The asset, or a vault's share; `None` for a feed that others are computed from. A market takes a feed
    /// for this asset alone (ORC-5).
    pub asset: Option<AssetId>,
    /// In words.
    pub description: Label,
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
    /// A price at or above this is not believed; more than `price_min`. Of a pegged feed the peg.
    pub price_max: Wad,
    /// How reports are judged; the default for the kinds that are computed.
    pub guards: Guards,
}

impl Feed {
    /// Whether `price`, observed at `updated_at`, may be used at `now` by this feed's terms (ORC-1).
    ///
    /// # Errors
    /// [`Error::FeedFrozen`]; [`Error::StalePrice`] if it is too old, or there was none yet.
    pub(crate) fn check(
        &self,
        id: FeedId,
        (price, updated_at): (Wad, Timestamp),
        now: Timestamp,
    ) -> Result<(), Error> {
        let max_age = self.max_age;
        self.check_frozen(id, now)?;
        if price.is_zero() || now.since(updated_at) > u64::from(max_age) {
            return Err(Error::StalePrice { feed: id, updated_at, max_age });
        }
        Ok(())
    }

    /// Whether nobody has frozen it at `now`.
    ///
    /// # Errors
    /// [`Error::FeedFrozen`].
    pub(crate) fn check_frozen(&self, id: FeedId, now: Timestamp) -> Result<(), Error> {
        if now < self.frozen_until {
            return Err(Error::FeedFrozen { feed: id, until: self.frozen_until });
        }
        Ok(())
    }

    const fn level(&self) -> Level {
        let Self { price, smoothed, doubt_until, .. } = *self;
        Level { price, smoothed, doubt_until }
    }
}

impl FeedTerms {
    /// Terms that believe one source, within bounds.
    #[must_use]
    pub fn unguarded(max_age: u32, price_min: Wad, price_max: Wad) -> Self {
        Self { max_age, price_min, price_max, guards: Guards::default() }
    }

    fn check(&self, kind: FeedKind) -> Result<(), Error> {
        if self.max_age == 0 {
            return Err(Error::InvalidParameter { name: "price age", value: 0 });
        }
        // There must be a price between the bounds.
        if self.price_max.saturating_sub(self.price_min) <= Wad::new(1) {
            let value = self.price_max.get();
            return Err(Error::InvalidParameter { name: "price bounds", value });
        }
        if !kind.is_reported() && self.guards != Guards::default() {
            // What it is computed from is guarded.
            return Err(Error::InvalidParameter { name: "guards of a computed feed", value: 0 });
        }
        self.guards.check()
    }

    fn bounded(&self, price: Wad) -> Wad {
        price.max(self.price_min).min(self.price_max)
    }

    /// Whether a price is not believed.
    pub(crate) fn is_at_bound(&self, price: Wad) -> bool {
        price <= self.price_min || price >= self.price_max
    }
}

fn write_cap<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId, cap: &GrowthCap) -> Result<(), Stop> {
    ledger.set_growth_cap(id, cap)?;
    ledger.emit(Event::GrowthCapChanged { feed: id, cap: *cap })
}

/// Sets how fast a rate, net asset value or share price may grow from now on; the feed's owner only. It grows
/// from what counts now: the anchor and its time are written as one, so no change of growth lowers
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
    owned(ledger, caller, id)?;
    let feed = ledger.feed(id)?;
    let now = ledger.now();
    let rate = match feed.kind {
        FeedKind::SharePrice { vault, .. } => {
            let price = Accrued::load(ledger, vault)?.pool().share_price();
            price.min(ledger.growth_cap(id)?.limit(now))
        }
        kind if !kind.is_capped() => {
            return Err(Error::WrongFeed { feed: id, wanted: FeedKind::Rate.name() }.into());
        }
        _ if feed.pinned => {
            return Err(Error::PriceOutOfBounds { feed: id, price: feed.price }.into());
        }
        _ => feed.price,
    };
    write_cap(ledger, id, &GrowthCap::from(rate, now, growth)?)
}

/// A feed's info, if `caller` owns it.
pub(crate) fn owned<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
) -> Result<FeedInfo, Stop> {
    let info = ledger.feed_info(id)?;
    if info.owner != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::FeedOwner }.into());
    }
    Ok(info)
}

/// Changes a feed's terms; the price stays, and is not believed if it falls outside the bounds.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownFeed`], or a fault.
pub fn set_feed_terms<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    terms: &FeedTerms,
) -> Result<(), Stop> {
    owned(ledger, caller, id)?;
    let mut feed = ledger.feed(id)?;
    terms.check(feed.kind)?;
    feed.max_age = terms.max_age;
    feed.pinned = !feed.price.is_zero() && terms.is_at_bound(feed.price);
    ledger.set_feed(id, &feed)?;
    ledger.set_feed_terms(id, terms)?;
    ledger.emit(Event::FeedTermsChanged { feed: id, terms: *terms })
}

/// Names the feed that stands in while this one is stale, or none; the owner only. Its own fallback does not
/// count.
///
/// # Errors
/// [`Error::NotAuthorised`]; [`Error::WrongFeed`] unless both are reported, of the same kind and for the same asset,
/// and two; [`Error::UnknownFeed`], or a fault.
pub fn set_fallback<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    fallback: Option<FeedId>,
) -> Result<(), Stop> {
    let info = owned(ledger, caller, id)?;
    let mut feed = ledger.feed(id)?;
    if !feed.kind.is_reported() {
        return Err(Error::WrongFeed { feed: id, wanted: FeedKind::Reported.name() }.into());
    }
    if let Some(other) = fallback {
        let (there, asset) = (ledger.feed(other)?, ledger.feed_info(other)?.subject.asset);
        if other == id || there.kind != feed.kind || asset != info.subject.asset {
            return Err(Error::WrongFeed { feed: other, wanted: "another feed of the same" }.into());
        }
    }
    feed.fallback = fallback;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::FallbackChanged { feed: id, fallback })
}

/// Makes a feed's price of what its sources said; the shell calls it once in a block's prelude for each feed that
/// somebody reported to (ORC-2). With too few fresh sources that agree the price stays, and grows older.
///
/// If the feed had gone stale, liquidation on its price waits for [`GRACE_SECONDS`]. A price at or
/// beyond a bound is recorded at the bound, which stops its use at once; refusing it
/// would leave the last believed price in force. A rate above its growth cap is recorded at the cap; a
/// lower one passes at once.
///
/// # Errors
/// [`Error::WrongFeed`] for one that is computed, [`Error::UnknownFeed`], or a fault.
pub fn update<L: Ledger + ?Sized>(ledger: &mut L, id: FeedId) -> Result<(), Stop> {
    let (mut feed, info) = (ledger.feed(id)?, ledger.feed_info(id)?);
    if !feed.kind.is_reported() {
        return Err(Error::WrongFeed { feed: id, wanted: FeedKind::Reported.name() }.into());
    }
    let (terms, track, now) = (ledger.feed_terms(id)?, ledger.track(id)?, ledger.now());
    let Guards { quorum, outlier, .. } = terms.guards;
    let votes = sources::votes(ledger, id, info.sources)?;
    let found = match aggregate(&votes, quorum, outlier) {
        Ok(found) => found,
        Err(short) => {
            let (agree, rejected) = (short.accepted, short.rejected);
            return ledger.emit(Event::QuorumMissed { feed: id, agree, rejected, quorum });
        }
    };
    name_outliers(ledger, id, &found)?;
    let Aggregate { price, spread, time, accepted, .. } = found;
    let was_stale = now.since(feed.updated_at) > u64::from(feed.max_age);
    if was_stale && track.rounds > 0 {
        // Not before a freeze would let it.
        feed.liquidation_resumes_at = feed.liquidation_resumes_at.max(now.after(GRACE_SECONDS));
    }
    let price = accept(ledger, (id, &feed, &terms), price, time)?;
    // What stood at a bound was not believed, so the smoothed price did not follow it.
    let track = if feed.pinned { Track { smoothed_at: now, ..track } } else { track };
    feed.pinned = terms.is_at_bound(price);
    let before = feed.level();
    let (track, level, cause) = track.next(&terms.guards, before, (price, spread, time), now);
    feed.updated_at = time;
    feed.price = price;
    if !feed.pinned {
        (feed.smoothed, feed.doubt_until) = (level.smoothed, level.doubt_until);
        ledger.set_track(id, &track)?;
        tell_doubt(ledger, id, (&before, &level), cause)?;
    }
    ledger.set_feed(id, &feed)?;
    let (smoothed, round) = (feed.smoothed, track.rounds);
    ledger.emit(Event::PriceUpdated { feed: id, price, smoothed, spread, time, round, accepted })
}

/// What a feed's sources say together now, whether it was made its price or not; for views. No feed that is computed
/// has sources.
///
/// # Errors
/// [`Error::UnknownFeed`], or a fault of the ledger.
pub fn aggregate_now<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: FeedId,
) -> Result<Result<Aggregate, Shortfall>, Stop> {
    let (info, terms) = (ledger.feed_info(id)?, ledger.feed_terms(id)?);
    let votes = sources::votes(ledger, id, info.sources)?;
    Ok(aggregate(&votes, terms.guards.quorum, terms.guards.outlier))
}

fn name_outliers<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    found: &Aggregate,
) -> Result<(), Stop> {
    for place in (0..SOURCES_MAX).filter(|place| found.rejected & bit(*place) != 0) {
        let id = ledger.source(feed, place)?.id;
        let price = ledger.observation(feed, place)?.price;
        ledger.emit(Event::OutlierRejected { feed, id, price, median: found.price })?;
    }
    Ok(())
}

fn tell_doubt<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    (before, after): (&Level, &Level),
    cause: Option<Cause>,
) -> Result<(), Stop> {
    match (before.is_doubtful(), cause) {
        (false, Some(cause)) => {
            ledger.emit(Event::DoubtBegan { feed, cause, until: after.doubt_until })
        }
        (true, None) => ledger.emit(Event::DoubtEnded { feed, price: after.price }),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// What is recorded of a price: what its growth cap leaves of it if it has one, within the bounds. One that
/// stands at a bound then is not believed, and moves no anchor.
fn accept<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, feed, terms): (FeedId, &Feed, &FeedTerms),
    reported: Wad,
    time: Timestamp,
) -> Result<Wad, Stop> {
    if !feed.kind.is_capped() {
        return Ok(terms.bounded(reported));
    }
    let (cap, accepted) = ledger.growth_cap(id)?.accept(reported, time);
    if accepted < reported {
        ledger.emit(Event::RateCapped { feed: id, reported, accepted })?;
    }
    let bounded = terms.bounded(accepted);
    if !terms.is_at_bound(bounded) {
        ledger.set_growth_cap(id, &cap)?;
    }
    Ok(bounded)
}
