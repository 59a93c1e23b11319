//! The part of the ledger that prices are kept in.

use crate::doubt::Track;
use crate::error::Stop;
use crate::feed::{Feed, FeedInfo, FeedTerms};
use crate::growth::GrowthCap;
use crate::ids::FeedId;
use crate::pool::{PoolTerms, PoolTrail};
use crate::signers::{SignerSet, SignerSetId};
use crate::sources::{Observation, Source, SourceId, SourceTerms};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

/// Reads and writes the records of feeds and their sources.
pub trait PriceLedger {
    /// What valuations read of a feed.
    ///
    /// # Errors
    /// [`crate::Error::UnknownFeed`], or a fault of the ledger.
    fn feed(&mut self, id: FeedId) -> Result<Feed, Stop>;
    /// Writes what valuations read of a feed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_feed(&mut self, id: FeedId, feed: &Feed) -> Result<(), Stop>;

    /// Whose a feed is, and of what.
    ///
    /// # Errors
    /// [`crate::Error::UnknownFeed`], or a fault of the ledger.
    fn feed_info(&mut self, id: FeedId) -> Result<FeedInfo, Stop>;
    /// Writes whose a feed is, and of what.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_feed_info(&mut self, id: FeedId, info: &FeedInfo) -> Result<(), Stop>;

    /// On which terms a feed's price is believed.
    ///
    /// # Errors
    /// [`crate::Error::UnknownFeed`], or a fault of the ledger.
    fn feed_terms(&mut self, id: FeedId) -> Result<FeedTerms, Stop>;
    /// Writes on which terms a feed's price is believed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_feed_terms(&mut self, id: FeedId, terms: &FeedTerms) -> Result<(), Stop>;

    /// What a feed remembers of its prices; nothing if it had none.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn track(&mut self, id: FeedId) -> Result<Track, Stop>;
    /// Writes what a feed remembers of its prices.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_track(&mut self, id: FeedId, track: &Track) -> Result<(), Stop>;

    /// The source at a place of a feed that has one.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn source(&mut self, feed: FeedId, place: u8) -> Result<Source, Stop>;
    /// How the source at a place counts: the part of it that aggregation reads.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn source_terms(&mut self, feed: FeedId, place: u8) -> Result<SourceTerms, Stop>;
    /// Writes the source at a place.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_source(&mut self, feed: FeedId, place: u8, source: &Source) -> Result<(), Stop>;

    /// The place of a source in a feed; `None` if it may not report to it.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn source_place(&mut self, feed: FeedId, id: &SourceId) -> Result<Option<u8>, Stop>;
    /// Writes the place of a source, or that it has none.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_source_place(
        &mut self,
        feed: FeedId,
        id: &SourceId,
        place: Option<u8>,
    ) -> Result<(), Stop>;

    /// What the source at a place said last; nothing if it did not report yet.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn observation(&mut self, feed: FeedId, place: u8) -> Result<Observation, Stop>;
    /// Writes what the source at a place says.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_observation(
        &mut self,
        feed: FeedId,
        place: u8,
        observation: &Observation,
    ) -> Result<(), Stop>;

    /// A set of signers; empty if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn signer_set(&mut self, id: &SignerSetId) -> Result<SignerSet, Stop>;
    /// Writes a set of signers.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_signer_set(&mut self, id: &SignerSetId, set: &SignerSet) -> Result<(), Stop>;

    /// How fast a rate or share price may rise; without an anchor and growth if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn growth_cap(&mut self, feed: FeedId) -> Result<GrowthCap, Stop>;
    /// Writes how fast a rate or share price may rise.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_growth_cap(&mut self, feed: FeedId, cap: &GrowthCap) -> Result<(), Stop>;

    /// The feeds that have pools among their sources, by number; at most [`crate::pool::observing::POOL_FEEDS_MAX`].
    ///
    /// # Errors
    /// A fault of the ledger.
    fn pool_feeds(&mut self) -> Result<Vec<FeedId>, Stop>;
    /// Writes which feeds have pools.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_pool_feeds(&mut self, feeds: &[FeedId]) -> Result<(), Stop>;

    /// How the pool at a place of a feed is read; `None` if no pool is there.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn pool_terms(&mut self, feed: FeedId, place: u8) -> Result<Option<PoolTerms>, Stop>;
    /// Writes how the pool at a place is read, or that no pool is there.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_pool_terms(
        &mut self,
        feed: FeedId,
        place: u8,
        terms: Option<&PoolTerms>,
    ) -> Result<(), Stop>;

    /// The readings of the pool at a place that are kept; none if it was not read.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn pool_trail(&mut self, feed: FeedId, place: u8) -> Result<PoolTrail, Stop>;
    /// Writes the readings of the pool at a place.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_pool_trail(&mut self, feed: FeedId, place: u8, trail: &PoolTrail) -> Result<(), Stop>;

    /// A word of the storage of a contract that is not the protocol's; nothing is called.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn foreign_word(&mut self, account: Address, slot: U256) -> Result<U256, Stop>;
}
