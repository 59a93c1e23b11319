//! Feeds in memory.

use super::{MemoryLedger, put};
use crate::doubt::Track;
use crate::error::{Error, Fault, Stop};
use crate::feed::{Feed, FeedInfo, FeedTerms};
use crate::growth::GrowthCap;
use crate::ids::FeedId;
use crate::ledger::PriceLedger;
use crate::pool::{PoolTerms, PoolTrail};
use crate::signers::{SignerSet, SignerSetId};
use crate::sources::{Observation, Source, SourceId, SourceTerms};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

impl PriceLedger for MemoryLedger {
    fn feed(&mut self, id: FeedId) -> Result<Feed, Stop> {
        Ok(*self.feeds.get(&id).ok_or(Error::UnknownFeed { feed: id })?)
    }

    fn set_feed(&mut self, id: FeedId, feed: &Feed) -> Result<(), Stop> {
        self.feeds.insert(id, *feed);
        Ok(())
    }

    fn feed_info(&mut self, id: FeedId) -> Result<FeedInfo, Stop> {
        Ok(*self.feed_infos.get(&id).ok_or(Error::UnknownFeed { feed: id })?)
    }

    fn set_feed_info(&mut self, id: FeedId, info: &FeedInfo) -> Result<(), Stop> {
        self.feed_infos.insert(id, *info);
        Ok(())
    }

    fn feed_terms(&mut self, id: FeedId) -> Result<FeedTerms, Stop> {
        Ok(*self.feed_terms.get(&id).ok_or(Error::UnknownFeed { feed: id })?)
    }

    fn set_feed_terms(&mut self, id: FeedId, terms: &FeedTerms) -> Result<(), Stop> {
        self.feed_terms.insert(id, *terms);
        Ok(())
    }

    fn track(&mut self, id: FeedId) -> Result<Track, Stop> {
        Ok(self.tracks.get(&id).copied().unwrap_or_default())
    }

    fn set_track(&mut self, id: FeedId, track: &Track) -> Result<(), Stop> {
        put(&mut self.tracks, id, *track);
        Ok(())
    }

    fn source(&mut self, feed: FeedId, place: u8) -> Result<Source, Stop> {
        Ok(*self.sources.get(&(feed, place)).ok_or(Fault::Unreadable)?)
    }

    fn source_terms(&mut self, feed: FeedId, place: u8) -> Result<SourceTerms, Stop> {
        Ok(self.source(feed, place)?.terms)
    }

    fn set_source(&mut self, feed: FeedId, place: u8, source: &Source) -> Result<(), Stop> {
        self.sources.insert((feed, place), *source);
        Ok(())
    }

    fn source_place(&mut self, feed: FeedId, id: &SourceId) -> Result<Option<u8>, Stop> {
        Ok(self.source_places.get(&(feed, *id)).copied())
    }

    fn set_source_place(
        &mut self,
        feed: FeedId,
        id: &SourceId,
        place: Option<u8>,
    ) -> Result<(), Stop> {
        match place {
            Some(place) => drop(self.source_places.insert((feed, *id), place)),
            None => drop(self.source_places.remove(&(feed, *id))),
        }
        Ok(())
    }

    fn observation(&mut self, feed: FeedId, place: u8) -> Result<Observation, Stop> {
        Ok(self.observations.get(&(feed, place)).copied().unwrap_or_default())
    }

    fn set_observation(
        &mut self,
        feed: FeedId,
        place: u8,
        observation: &Observation,
    ) -> Result<(), Stop> {
        put(&mut self.observations, (feed, place), *observation);
        Ok(())
    }

    fn signer_set(&mut self, id: &SignerSetId) -> Result<SignerSet, Stop> {
        Ok(self.signer_sets.get(id).cloned().unwrap_or_default())
    }

    fn set_signer_set(&mut self, id: &SignerSetId, set: &SignerSet) -> Result<(), Stop> {
        self.signer_sets.insert(*id, set.clone());
        Ok(())
    }

    fn growth_cap(&mut self, feed: FeedId) -> Result<GrowthCap, Stop> {
        Ok(self.growth_caps.get(&feed).copied().unwrap_or_default())
    }

    fn set_growth_cap(&mut self, feed: FeedId, cap: &GrowthCap) -> Result<(), Stop> {
        put(&mut self.growth_caps, feed, *cap);
        Ok(())
    }

    fn pool_feeds(&mut self) -> Result<Vec<FeedId>, Stop> {
        Ok(self.pool_feeds.clone())
    }

    fn set_pool_feeds(&mut self, feeds: &[FeedId]) -> Result<(), Stop> {
        self.pool_feeds = feeds.to_vec();
        Ok(())
    }

    fn pool_terms(&mut self, feed: FeedId, place: u8) -> Result<Option<PoolTerms>, Stop> {
        Ok(self.pool_terms.get(&(feed, place)).copied())
    }

    fn set_pool_terms(
        &mut self,
        feed: FeedId,
        place: u8,
        terms: Option<&PoolTerms>,
    ) -> Result<(), Stop> {
        match terms {
            Some(terms) => drop(self.pool_terms.insert((feed, place), *terms)),
            None => drop(self.pool_terms.remove(&(feed, place))),
        }
        Ok(())
    }

    fn pool_trail(&mut self, feed: FeedId, place: u8) -> Result<PoolTrail, Stop> {
        Ok(self.pool_trails.get(&(feed, place)).copied().unwrap_or_default())
    }

    fn set_pool_trail(&mut self, feed: FeedId, place: u8, trail: &PoolTrail) -> Result<(), Stop> {
        put(&mut self.pool_trails, (feed, place), *trail);
        Ok(())
    }

    fn foreign_word(&mut self, account: Address, slot: U256) -> Result<U256, Stop> {
        Ok(self.foreign.get(&(account, slot)).copied().unwrap_or_default())
    }
}
