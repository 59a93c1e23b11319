//! Other oracles' messages that wait for the next prelude: the newest of each source for each feed.
//!
//! They take turns as reports do ([`crate::turns`]). Anyone may hand in another's message, for whichever feeds they like:
//! so a message is taken only if it has something newer than all that wait, and copies of it never are.

use std::collections::{BTreeMap, BTreeSet};

use gage_abi::IOracle::ProviderMessage;
use gage_chain::{MESSAGE_BYTES_MAX, MESSAGE_FEEDS_MAX, PRELUDE_MESSAGES_MAX};
use gage_core::{FeedId, PriceLedger, SignerSet, SourceId, SourceKind, Timestamp, signers};
use gage_evm::messages::Envelope;
use gage_state::View;

use crate::{
    reports::AHEAD_SECONDS_MAX,
    turns::{Turn, Turns},
};

/// How many messages wait at most that are not for feeds of recognised markets alone: as many as four preludes hold.
pub const MESSAGES_WAITING_MAX: usize = 4 * PRELUDE_MESSAGES_MAX;

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
    /// As many wait as there is room for, and the turn of each comes earlier.
    #[error("{MESSAGES_WAITING_MAX} messages wait already")]
    Full,
    /// The state could not be read.
    #[error("the head's state could not be read")]
    Unreadable,
}

/// Until when each source of each feed is heard by a message: the times of its observations that the head does not know.
pub type News = BTreeMap<(FeedId, SourceId), u64>;

/// Messages of which each has the newest that is known of some source of some feed.
#[derive(Debug, Default)]
pub struct MessagePool {
    waiting: Vec<Waiting>,
}

/// A message that waits.
#[derive(Debug)]
struct Waiting {
    turn: Turn,
    news: News,
    message: ProviderMessage,
}

impl Waiting {
    fn time(&self) -> u64 {
        self.news.values().copied().max().unwrap_or_default()
    }

    /// Whether `news` has all that this has, as new.
    fn is_superseded_by(&self, news: &News) -> bool {
        self.news.iter().all(|(source, time)| news.get(source).is_some_and(|other| other >= time))
    }
}

impl MessagePool {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a message with this news, in place of those that have nothing newer.
    ///
    /// # Errors
    /// [`MessageError::NothingNew`] and [`MessageError::Full`]; the pool is unchanged.
    pub fn add(
        &mut self,
        message: ProviderMessage,
        news: News,
        turns: &Turns,
    ) -> Result<(), MessageError> {
        let turn = turn(&message, &news, turns).ok_or(MessageError::NothingNew)?;
        let known = |(source, time): (&(FeedId, SourceId), &u64)| {
            // One that comes first is not kept out by one that does not.
            let before = self.waiting.iter().filter(|waiting| waiting.turn.is_at_least(turn));
            before.filter_map(|waiting| waiting.news.get(source)).any(|newest| newest >= time)
        };
        if news.iter().all(known) {
            return Err(MessageError::NothingNew);
        }
        // Nor is it replaced by one.
        let superseded =
            |waiting: &Waiting| turn.is_at_least(waiting.turn) && waiting.is_superseded_by(&news);
        let replaced = self.waiting.iter().filter(|waiting| superseded(waiting));
        let earliest = replaced.map(|waiting| waiting.turn).min();
        if earliest.is_none() {
            self.make_room(turn)?;
        }
        self.waiting.retain(|waiting| !superseded(waiting));
        let turn = earliest.map_or(turn, |earliest| earliest.in_class_of(turn));
        self.waiting.push(Waiting { turn, news, message });
        self.waiting.sort_unstable_by_key(|waiting| waiting.turn);
        Ok(())
    }

    /// Lets whoever comes last go, if there is no room for one more at `turn`.
    fn make_room(&mut self, turn: Turn) -> Result<(), MessageError> {
        let others = self.waiting.iter().filter(|waiting| !waiting.turn.is_recognised()).count();
        if turn.is_recognised() || others < MESSAGES_WAITING_MAX {
            return Ok(());
        }
        if self.waiting.last().is_none_or(|last| last.turn <= turn) {
            return Err(MessageError::Full);
        }
        self.waiting.pop();
        Ok(())
    }

    /// Those for a block of time `timestamp`, as many as a prelude holds, those whose turn it is first. They stay until
    /// [`remove_sent`](Self::remove_sent).
    pub fn select(&self, timestamp: u64) -> Vec<ProviderMessage> {
        let due = self.waiting.iter().filter(|waiting| waiting.time() <= timestamp);
        due.take(PRELUDE_MESSAGES_MAX).map(|waiting| waiting.message.clone()).collect()
    }

    /// Drops what a block carried, whatever became of it.
    pub fn remove_sent(&mut self, sent: &[ProviderMessage]) {
        self.waiting.retain(|waiting| !sent.contains(&waiting.message));
    }
}

/// The turn of a message; none if it brings nothing. It comes first if each feed that it names is named once, gets
/// something new from it, and has a recognised market that rests on it: nobody may add feeds of their own to another's
/// message, and have these read as well.
fn turn(message: &ProviderMessage, news: &News, turns: &Turns) -> Option<Turn> {
    let feeds: BTreeSet<u32> = news.keys().map(|(feed, _)| feed.get()).collect();
    let turn = turns.of(*feeds.first()?);
    let recognised = feeds.iter().all(|feed| turns.is_recognised(*feed));
    let all_new = feeds.len() == message.feeds.len();
    Some(if recognised && all_new { turn } else { turn.among_others() })
}

/// Checks a message as the oracle will at the head; what it has that feeds wait for.
///
/// # Errors
/// [`MessageError`].
pub(crate) fn check(
    state: &View,
    chain_id: u64,
    message: &ProviderMessage,
    now: u64,
) -> Result<News, MessageError> {
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
    let mut news = News::new();
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
                let newest = news.entry((id, source)).or_default();
                *newest = said.time.max(*newest);
            }
        }
    }
    match news.values().copied().max() {
        None => Err(MessageError::NothingNew),
        Some(time) if time > now.saturating_add(AHEAD_SECONDS_MAX) => {
            Err(MessageError::Future { time, now })
        }
        Some(_) => Ok(news),
    }
}
