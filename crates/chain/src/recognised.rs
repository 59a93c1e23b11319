//! The feeds that recognised markets rest on, kept beside the state that they follow from.
//!
//! Reports to them come first in a prelude ([`gage_core::recognition::feeds`]). All markets are looked at once, when a
//! chain is opened. After that only the events that change the set are followed: a block costs a glance at its logs,
//! however many markets, feeds and reports there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::Log;
use alloy_sol_types::SolEvent;
use gage_abi::{IMarket, IOracle};
use gage_core::{
    FeedId, Ledger, MarketId,
    address::{MARKET, ORACLE},
    recognition,
};
use gage_evm::{SlotLedger, view, view::ViewSlots};
use gage_state::View;
use parking_lot::RwLock;

use crate::{ChainError, lookout::BATCH};

/// The feeds that recognised markets rest on after the tip.
pub(crate) struct RecognisedFeeds(RwLock<Known>);

#[derive(Default)]
struct Known {
    /// Of each recognised market.
    of: BTreeMap<MarketId, BTreeSet<FeedId>>,
    /// Of all of them.
    all: Arc<BTreeSet<FeedId>>,
}

impl RecognisedFeeds {
    /// Those of `state`.
    pub(crate) fn over(state: &View) -> Result<Self, ChainError> {
        let mut ledger = view::ledger(state.clone());
        let mut known = Known::default();
        let markets = ledger.protocol()?.markets;
        for (looked_at, number) in (1..=markets).enumerate() {
            if looked_at % BATCH == 0 {
                ledger.discard();
            }
            known.look_at(&mut ledger, MarketId::new(number))?;
        }
        known.unite();
        Ok(Self(RwLock::new(known)))
    }

    /// Brings them to `state`, whose block left these logs.
    pub(crate) fn follow<'a>(
        &self,
        state: &View,
        logs: impl Iterator<Item = &'a Log>,
    ) -> Result<(), ChainError> {
        let changed: BTreeSet<_> = {
            let known = self.0.read();
            logs.flat_map(|log| known.changed_by(log)).collect()
        };
        if changed.is_empty() {
            return Ok(());
        }
        let mut ledger = view::ledger(state.clone());
        let mut known = self.0.write();
        for market in changed {
            known.look_at(&mut ledger, market)?;
        }
        known.unite();
        Ok(())
    }

    /// All of them.
    pub(crate) fn all(&self) -> Arc<BTreeSet<FeedId>> {
        Arc::clone(&self.0.read().all)
    }
}

impl Known {
    /// The markets whose feeds may be others after this event.
    fn changed_by(&self, log: &Log) -> Vec<MarketId> {
        match log.address {
            MARKET => {
                let told = IMarket::RecognitionChanged::decode_log(log);
                told.iter().map(|log| MarketId::new(log.market)).collect()
            }
            ORACLE => {
                let Some(feed) = rewired(log) else { return Vec::new() };
                let resting = self.of.iter().filter(|(_, feeds)| feeds.contains(&feed));
                resting.map(|(market, _)| *market).collect()
            }
            _ => Vec::new(),
        }
    }

    fn look_at(
        &mut self,
        ledger: &mut SlotLedger<ViewSlots<View>>,
        market: MarketId,
    ) -> Result<(), ChainError> {
        if ledger.market(market)?.recognised {
            self.of.insert(market, recognition::feeds(ledger, market)?);
        } else {
            self.of.remove(&market);
        }
        Ok(())
    }

    fn unite(&mut self) {
        self.all = Arc::new(self.of.values().flatten().copied().collect());
    }
}

/// The feed that has another fallback or another pool by this event.
fn rewired(log: &Log) -> Option<FeedId> {
    let topic = log.topics().first()?;
    let changes = [
        IOracle::FallbackChanged::SIGNATURE_HASH,
        IOracle::PoolTermsChanged::SIGNATURE_HASH,
        IOracle::SourceRemoved::SIGNATURE_HASH,
    ];
    if !changes.contains(topic) {
        return None;
    }
    let feed = log.topics().get(1)?;
    Some(FeedId::new(alloy_primitives::U256::from_be_bytes(feed.0).saturating_to()))
}
