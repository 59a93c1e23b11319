//! Other oracles' messages that wait for the next prelude: the newest of each provider for the same feeds.

use std::collections::BTreeMap;

use gage_abi::IOracle::ProviderMessage;
use gage_chain::{MESSAGE_BYTES_MAX, MESSAGE_FEEDS_MAX, PRELUDE_MESSAGES_MAX};
use gage_core::{FeedId, PriceLedger, SignerSet, SourceId, SourceKind, Timestamp, signers};
use gage_evm::messages::Envelope;
use gage_state::View;

use crate::reports::AHEAD_SECONDS_MAX;

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// More than a prelude holds.
    #[error(
        "MessageTooLarge(bytes: {bytes}, most: {MESSAGE_BYTES_MAX}, feeds: {feeds}, mostFeeds: {MESSAGE_FEEDS_MAX})"
    )]
    TooLarge {
        /// Bytes of the message.
        bytes: usize,
        /// For how many feeds it is.
        feeds: usize,
    },
    /// It is for no feed.
    #[error("a message must say for which feeds it is")]
    NoFeeds,
    /// It does not verify.
    #[error("InvalidMessage(provider: {provider}, reason: {reason})")]
    Invalid {
        /// The number of the provider.
        provider: u8,
        /// Why.
        reason: String,
    },
    /// Its signers are not known, or not any more.
    #[error("UnknownSigners(provider: {0})")]
    UnknownSigners(u8),
    /// It says nothing new of any of its feeds.
    #[error("the message says nothing of these feeds that is newer than what they know")]
    NothingNew,
    /// Too far ahead of the node's time.
    #[error("MessageFromFuture(time: {time}, now: {now})")]
    Future {
        /// The message's time.
        time: u64,
        /// The node's.
        now: u64,
    },
    /// As many wait as a prelude holds.
    #[error("{PRELUDE_MESSAGES_MAX} messages wait already")]
    Full,
    /// The state could not be read.
    #[error("the head's state could not be read")]
    Unreadable,
}

/// The newest message of each provider for the same feeds, with its time.
#[derive(Debug, Default)]
pub struct MessagePool {
    newest: BTreeMap<(u8, Vec<u32>), (u64, ProviderMessage)>,
}

impl MessagePool {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.newest.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// Takes a message whose observations are of `time`, in place of an older one.
    ///
    /// # Errors
    /// [`MessageError::NothingNew`] and [`MessageError::Full`]; the pool is unchanged.
    pub fn add(&mut self, message: ProviderMessage, time: u64) -> Result<(), MessageError> {
        let key = (message.provider, message.feeds.clone());
        match self.newest.get(&key) {
            Some((known, _)) if time <= *known => return Err(MessageError::NothingNew),
            None if self.newest.len() >= PRELUDE_MESSAGES_MAX => return Err(MessageError::Full),
            _ => {}
        }
        self.newest.insert(key, (time, message));
        Ok(())
    }

    /// Those for a block of time `timestamp`. They stay until [`remove_sent`](Self::remove_sent).
    pub fn select(&self, timestamp: u64) -> Vec<ProviderMessage> {
        let due = self.newest.values().filter(|(time, _)| *time <= timestamp);
        due.map(|(_, message)| message.clone()).collect()
    }

    /// Drops what a block carried, whatever became of it.
    pub fn remove_sent(&mut self, sent: &[ProviderMessage]) {
        self.newest.retain(|_, (_, message)| !sent.contains(message));
    }
}

/// Checks a message as the oracle will at the head; the time of its newest observation that a feed waits for.
///
/// # Errors
/// [`MessageError`].
pub(crate) fn check(
    state: &View,
    chain_id: u64,
    message: &ProviderMessage,
    now: u64,
) -> Result<u64, MessageError> {
    let (bytes, feeds) = (message.data.len(), message.feeds.len());
    if bytes > MESSAGE_BYTES_MAX || feeds > MESSAGE_FEEDS_MAX {
        return Err(MessageError::TooLarge { bytes, feeds });
    }
    if feeds == 0 {
        return Err(MessageError::NoFeeds);
    }
    let provider = message.provider;
    let invalid = |error: gage_oracle::MessageError| MessageError::Invalid {
        provider,
        reason: error.to_string(),
    };
    let envelope = Envelope::open(message).map_err(invalid)?;
    let mut ledger = gage_evm::view::ledger(state.clone());
    let set = match envelope.signers {
        None => SignerSet::default(),
        Some(id) => match signers::valid_set(&mut ledger, &id) {
            Ok(set) => set,
            Err(gage_core::Stop::Refused(_)) => return Err(MessageError::UnknownSigners(provider)),
            Err(gage_core::Stop::Fault(_)) => return Err(MessageError::Unreadable),
        },
    };
    let observations = envelope.verify(&set, (chain_id, Timestamp::new(now))).map_err(invalid)?;
    let kind = SourceKind::of(provider).unwrap_or_default();
    let mut newest = None;
    for feed in &message.feeds {
        for said in &observations {
            if said.feed.is_some_and(|own| own != *feed) {
                continue;
            }
            let (id, source) = (FeedId::new(*feed), SourceId { kind, key: said.id });
            let unreadable = |_| MessageError::Unreadable;
            let Some(place) = ledger.source_place(id, &source).map_err(unreadable)? else {
                continue;
            };
            if said.time > ledger.observation(id, place).map_err(unreadable)?.time.get() {
                newest = newest.max(Some(said.time));
            }
        }
    }
    match newest {
        None => Err(MessageError::NothingNew),
        Some(time) if time > now.saturating_add(AHEAD_SECONDS_MAX) => {
            Err(MessageError::Future { time, now })
        }
        Some(time) => Ok(time),
    }
}
