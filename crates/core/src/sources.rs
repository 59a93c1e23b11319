//! Who reports to a feed, and what each source said last.
//!
//! A source is known by how its reports are authenticated and by a key: the shell verifies a message, says whose
//! it is, and what it holds. A source reports in rising rounds and times, so no report counts twice (ORC-6).

use crate::aggregate::{SOURCES_MAX, Vote, bit};
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::feed::{self, FeedKind};
use crate::fixed::{Ppm, Timestamp, Wad};
use crate::ids::FeedId;
use crate::ledger::Ledger;
use crate::pool::observing;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256};

/// How a source's reports are authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// A publisher's secp256k1 signature; the key is its address.
    #[default]
    Publisher,
    /// A publisher's ed25519 signature; the key is its public key.
    Ed25519,
    /// Pyth's guardians; the key is Pyth's id of the feed.
    Pyth,
    /// RedStone's signers; the key is RedStone's id of the feed.
    RedStone,
    /// Chainlink Data Streams' signers; the key is the stream's id.
    Chainlink,
    /// A pool on this chain; the key is its address.
    Pool,
}

impl SourceKind {
    /// All of them, by their numbers from zero on.
    pub const ALL: [Self; 6] =
        [Self::Publisher, Self::Ed25519, Self::Pyth, Self::RedStone, Self::Chainlink, Self::Pool];

    /// The kind in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Ed25519 => "publisher (ed25519)",
            Self::Pyth => "Pyth",
            Self::RedStone => "RedStone",
            Self::Chainlink => "Chainlink Data Streams",
            Self::Pool => "pool",
        }
    }

    /// The kind of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number of the kind.
    #[must_use]
    pub fn number(self) -> u8 {
        let place = Self::ALL.iter().position(|kind| *kind == self);
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or_default()
    }
}

/// A source's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId {
    /// How its reports are authenticated.
    pub kind: SourceKind,
    /// Whose they are.
    pub key: B256,
}

impl SourceId {
    /// A publisher that signs with secp256k1.
    #[must_use]
    pub fn publisher(address: Address) -> Self {
        Self { kind: SourceKind::Publisher, key: address.into_word() }
    }
}

/// How a source counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTerms {
    /// Beside the other sources; not zero.
    pub weight: u16,
    /// How old its report may be to count, in seconds; not zero.
    pub max_age: u32,
}

/// A source of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Who it is.
    pub id: SourceId,
    /// How it counts.
    pub terms: SourceTerms,
}

/// What a source said last; nothing before its first report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The number.
    pub price: Wad,
    /// How far from it the source holds the truth possible.
    pub confidence: Ppm,
    /// When it was observed.
    pub time: Timestamp,
    /// The report's round, at most [`ROUND_MAX`].
    pub round: u64,
}

/// The largest round: seven bytes.
pub const ROUND_MAX: u64 = (1 << 56) - 1;

/// What a source says of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The feed.
    pub feed: FeedId,
    /// Larger than that of the source's report before; where reports have none, their time.
    pub round: u64,
    /// When the price was observed; later than the report before, and not in the future.
    pub time: Timestamp,
    /// US dollars per whole token; for a rate, whole tokens of the underlying asset.
    pub price: Wad,
    /// How far from it the source holds the truth possible, in the same unit.
    pub confidence: Wad,
}

/// Lets a source report to the feed, or changes how it counts; the feed's owner only. A pool becomes one by
/// [`crate::pool::observing::set_pool_source`].
///
/// # Errors
/// [`Error::UnknownSource`] for a pool that is none of the feed's;
/// [`Error::NotAuthorised`], [`Error::ZeroAddress`] for a source without a key, [`Error::WrongFeed`] for a feed that
/// is computed, [`Error::TooManySources`], [`Error::InvalidParameter`] for a weight or age of zero,
/// [`Error::UnknownFeed`], or a fault.
pub fn set_source<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    feed: FeedId,
    source: &Source,
) -> Result<(), Stop> {
    feed::owned(ledger, caller, feed)?;
    let id = source.id;
    if id.kind == SourceKind::Pool && ledger.source_place(feed, &id)?.is_none() {
        return Err(Error::UnknownSource { feed, id }.into());
    }
    put(ledger, feed, source).map(drop)
}

/// Writes a source of a feed, and returns its place.
pub(crate) fn put<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    source: &Source,
) -> Result<u8, Stop> {
    let mut info = ledger.feed_info(feed)?;
    let Source { id, terms } = *source;
    if id.key.is_zero() {
        // What a failed signature recovery yields must never be a source.
        return Err(Error::ZeroAddress.into());
    }
    if !ledger.feed(feed)?.kind.is_reported() {
        return Err(Error::WrongFeed { feed, wanted: FeedKind::Reported.name() }.into());
    }
    for (name, value) in [("weight", terms.weight.into()), ("source age", terms.max_age)] {
        if value == 0 {
            return Err(Error::InvalidParameter { name, value: 0 }.into());
        }
    }
    let known = ledger.source_place(feed, &id)?;
    let free = (0..SOURCES_MAX).find(|place| info.sources & bit(*place) == 0);
    let Some(place) = known.or(free) else {
        return Err(Error::TooManySources { feed, most: SOURCES_MAX }.into());
    };
    if known.is_none() {
        info.sources |= bit(place);
        ledger.set_feed_info(feed, &info)?;
        ledger.set_source_place(feed, &id, Some(place))?;
        ledger.set_observation(feed, place, &Observation::default())?;
    }
    ledger.set_source(feed, place, source)?;
    ledger.emit(Event::SourceChanged { feed, source: *source })?;
    Ok(place)
}

/// Takes the right to report to the feed from a source, and what it said; the feed's owner only. The price stays
/// until the next report.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownSource`], [`Error::UnknownFeed`], or a fault of the ledger.
pub fn remove_source<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    feed: FeedId,
    id: &SourceId,
) -> Result<(), Stop> {
    let mut info = feed::owned(ledger, caller, feed)?;
    let place = place(ledger, feed, id)?;
    info.sources &= !bit(place);
    ledger.set_feed_info(feed, &info)?;
    ledger.set_source_place(feed, id, None)?;
    ledger.set_observation(feed, place, &Observation::default())?;
    if id.kind == SourceKind::Pool {
        observing::forget(ledger, feed, place)?;
    }
    ledger.emit(Event::SourceRemoved { feed, id: *id })
}

fn place<L: Ledger + ?Sized>(ledger: &mut L, feed: FeedId, id: &SourceId) -> Result<u8, Stop> {
    Ok(ledger.source_place(feed, id)?.ok_or(Error::UnknownSource { feed, id: *id })?)
}

/// Keeps what a source says; the shell has verified the message, and calls this in a block's prelude only
/// (ORC-2, ORC-6). [`crate::feed::update`] makes the feed's price of it.
///
/// # Errors
/// [`Error::UnknownSource`] also for a feed that is computed, [`Error::ReportFromFuture`], [`Error::ReportNotNewer`]
/// if round or time do not exceed those of the source's last report, [`Error::InvalidParameter`] for a round above
/// [`ROUND_MAX`], or a fault.
pub fn record<L: Ledger + ?Sized>(
    ledger: &mut L,
    report: &Report,
    id: &SourceId,
) -> Result<(), Stop> {
    let Report { feed, round, time, price, confidence } = *report;
    let place = place(ledger, feed, id)?;
    let now = ledger.now();
    if time > now {
        return Err(Error::ReportFromFuture { feed, time, now }.into());
    }
    let last = ledger.observation(feed, place)?;
    if round <= last.round || time <= last.time {
        return Err(Error::ReportNotNewer { feed, round, last_round: last.round }.into());
    }
    if round > ROUND_MAX {
        return Err(Error::InvalidParameter { name: "round", value: round.into() }.into());
    }
    // Nothing is worth less than the smallest price; refusing the report would leave the last one in force.
    let price = price.max(Wad::new(1));
    let confidence = Ppm::part(confidence, price);
    ledger.set_observation(feed, place, &Observation { price, confidence, time, round })
}

/// A source as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its place in the feed.
    pub place: u8,
    /// Who it is, and how it counts.
    pub source: Source,
    /// What it said last.
    pub last: Observation,
    /// Whether that counts now.
    pub fresh: bool,
}

/// All sources of a feed, by their places.
///
/// # Errors
/// [`Error::UnknownFeed`], or a fault of the ledger.
pub fn standings<L: Ledger + ?Sized>(ledger: &mut L, feed: FeedId) -> Result<Vec<Standing>, Stop> {
    let (sources, now) = (ledger.feed_info(feed)?.sources, ledger.now());
    let mut all = Vec::new();
    for place in (0..SOURCES_MAX).filter(|place| sources & bit(*place) != 0) {
        let source = ledger.source(feed, place)?;
        let last = ledger.observation(feed, place)?;
        let fresh = is_fresh(&source.terms, &last, now);
        all.push(Standing { place, source, last, fresh });
    }
    Ok(all)
}

fn is_fresh(terms: &SourceTerms, last: &Observation, now: Timestamp) -> bool {
    !last.price.is_zero() && now.since(last.time) <= terms.max_age.into()
}

/// What the sources at these places say that is fresh.
pub(crate) fn votes<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    sources: u16,
) -> Result<Vec<Vote>, Stop> {
    let now = ledger.now();
    let mut votes = Vec::new();
    for place in (0..SOURCES_MAX).filter(|place| sources & bit(*place) != 0) {
        let terms = ledger.source_terms(feed, place)?;
        let last = ledger.observation(feed, place)?;
        if is_fresh(&terms, &last, now) {
            let SourceTerms { weight, .. } = terms;
            let Observation { price, confidence, time, .. } = last;
            votes.push(Vote { place, weight, price, confidence, time });
        }
    }
    Ok(votes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_numbers() {
        let numbered = (0..=u8::MAX).map_while(SourceKind::of);
        assert!(numbered.eq(SourceKind::ALL));
        for kind in SourceKind::ALL {
            assert_eq!(SourceKind::of(kind.number()), Some(kind));
        }
        assert_eq!(SourceKind::of(u8::MAX), None);
    }
}
