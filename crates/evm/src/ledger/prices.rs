//! Feeds over storage slots.

use super::SlotLedger;
use crate::records::{
    Record, keys, signer_count, signer_words, signers_from_words, source_from_word, terms_slot,
    with_source,
};
use crate::slots::Slots;
use alloy_primitives::{Address, B256, U256};
use gage_core::address::Native;
use gage_core::doubt::Track;
use gage_core::pool::observing::POOL_FEEDS_MAX;
use gage_core::sources::Observation;
use gage_core::{
    Error, Feed, FeedId, FeedInfo, FeedTerms, GrowthCap, PoolTerms, PoolTrail, PriceLedger,
    SignerSet, SignerSetId, Source, SourceId, SourceTerms, Stop,
};

const ORACLE: Native = Native::Oracle;

impl<S: Slots> SlotLedger<S> {
    /// A record that every feed has.
    fn of_feed<R: crate::records::Record<2>>(&mut self, id: FeedId, key: U256) -> Result<R, Stop> {
        Ok(self.record(ORACLE, key, 2)?.ok_or(Error::UnknownFeed { feed: id })?)
    }
}

impl<S: Slots> PriceLedger for SlotLedger<S> {
    fn feed(&mut self, id: FeedId) -> Result<Feed, Stop> {
        self.of_feed(id, keys::feed(id))
    }

    fn set_feed(&mut self, id: FeedId, feed: &Feed) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::feed(id), feed)
    }

    fn feed_info(&mut self, id: FeedId) -> Result<FeedInfo, Stop> {
        self.of_feed(id, keys::feed_info(id))
    }

    fn set_feed_info(&mut self, id: FeedId, info: &FeedInfo) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::feed_info(id), info)
    }

    fn feed_terms(&mut self, id: FeedId) -> Result<FeedTerms, Stop> {
        self.of_feed(id, keys::feed_terms(id))
    }

    fn set_feed_terms(&mut self, id: FeedId, terms: &FeedTerms) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::feed_terms(id), terms)
    }

    fn track(&mut self, id: FeedId) -> Result<Track, Stop> {
        Ok(self.record(ORACLE, keys::track(id), 2)?.unwrap_or_default())
    }

    fn set_track(&mut self, id: FeedId, track: &Track) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::track(id), track)
    }

    fn source(&mut self, feed: FeedId, place: u8) -> Result<Source, Stop> {
        let word = self.read_one(ORACLE, keys::source_terms(feed) + terms_slot(place))?;
        let (kind, terms) = source_from_word(word, place)?;
        let key = B256::from(self.read_one(ORACLE, keys::source_key(feed, place))?);
        Ok(Source { id: SourceId { kind, key }, terms })
    }

    fn source_terms(&mut self, feed: FeedId, place: u8) -> Result<SourceTerms, Stop> {
        let word = self.read_one(ORACLE, keys::source_terms(feed) + terms_slot(place))?;
        Ok(source_from_word(word, place)?.1)
    }

    fn set_source(&mut self, feed: FeedId, place: u8, source: &Source) -> Result<(), Stop> {
        let key = keys::source_terms(feed) + terms_slot(place);
        let word = self.read_one(ORACLE, key)?;
        let word = with_source(word, place, (source.id.kind, source.terms));
        self.write(ORACLE, key, &[word])?;
        Ok(self.write(ORACLE, keys::source_key(feed, place), &[source.id.key.into()])?)
    }

    fn source_place(&mut self, feed: FeedId, id: &SourceId) -> Result<Option<u8>, Stop> {
        let word = self.read_one(ORACLE, keys::source_place(feed, id))?;
        Ok(word.as_limbs()[0].to_le_bytes()[0].checked_sub(1))
    }

    fn set_source_place(
        &mut self,
        feed: FeedId,
        id: &SourceId,
        place: Option<u8>,
    ) -> Result<(), Stop> {
        let word = place.map_or(U256::ZERO, |place| U256::from(place) + U256::ONE);
        Ok(self.write(ORACLE, keys::source_place(feed, id), &[word])?)
    }

    fn observation(&mut self, feed: FeedId, place: u8) -> Result<Observation, Stop> {
        Ok(self.record(ORACLE, keys::observation(feed, place), 1)?.unwrap_or_default())
    }

    fn set_observation(
        &mut self,
        feed: FeedId,
        place: u8,
        observation: &Observation,
    ) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::observation(feed, place), observation)
    }

    fn signer_set(&mut self, id: &SignerSetId) -> Result<SignerSet, Stop> {
        let first = keys::signers(id);
        let count = signer_count(self.read_one(ORACLE, first)?);
        let mut words = vec![U256::ZERO; count + 1];
        self.read(ORACLE, first, &mut words)?;
        Ok(signers_from_words(&words))
    }

    fn set_signer_set(&mut self, id: &SignerSetId, set: &SignerSet) -> Result<(), Stop> {
        let before = self.signer_set(id)?.signers.len();
        let mut words = signer_words(set);
        // Slots that a larger set took are emptied.
        words.resize(words.len().max(before + 1), U256::ZERO);
        Ok(self.write(ORACLE, keys::signers(id), &words)?)
    }

    fn growth_cap(&mut self, feed: FeedId) -> Result<GrowthCap, Stop> {
        Ok(self.record(ORACLE, keys::growth_cap(feed), 1)?.unwrap_or_default())
    }

    fn set_growth_cap(&mut self, feed: FeedId, cap: &GrowthCap) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::growth_cap(feed), cap)
    }

    fn pool_feeds(&mut self) -> Result<Vec<FeedId>, Stop> {
        let list = self.numbers((ORACLE, keys::pool_feeds()), POOL_FEEDS_MAX.into())?;
        Ok(list.into_iter().map(FeedId::new).collect())
    }

    fn set_pool_feeds(&mut self, feeds: &[FeedId]) -> Result<(), Stop> {
        let list: Vec<_> = feeds.iter().map(|feed| feed.get()).collect();
        self.set_numbers((ORACLE, keys::pool_feeds()), &list, POOL_FEEDS_MAX.into())
    }

    fn pool_terms(&mut self, feed: FeedId, place: u8) -> Result<Option<PoolTerms>, Stop> {
        self.record(ORACLE, keys::pool_terms(feed, place), 2)
    }

    fn set_pool_terms(
        &mut self,
        feed: FeedId,
        place: u8,
        terms: Option<&PoolTerms>,
    ) -> Result<(), Stop> {
        let words = terms.map_or(Ok([U256::ZERO; 2]), Record::to_words)?;
        Ok(self.write(ORACLE, keys::pool_terms(feed, place), &words)?)
    }

    fn pool_trail(&mut self, feed: FeedId, place: u8) -> Result<PoolTrail, Stop> {
        Ok(self.record(ORACLE, keys::pool_trail(feed, place), 4)?.unwrap_or_default())
    }

    fn set_pool_trail(&mut self, feed: FeedId, place: u8, trail: &PoolTrail) -> Result<(), Stop> {
        self.set_record(ORACLE, keys::pool_trail(feed, place), trail)
    }

    fn foreign_word(&mut self, account: Address, slot: U256) -> Result<U256, Stop> {
        Ok(self.slots.load_foreign(account, slot)?)
    }
}
