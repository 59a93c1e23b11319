//! Price reports that wait for the next prelude: the newest of each publisher for each feed.
//!
//! A feed has one turn ([`crate::turns`]) for all of its publishers, since a price may take several. How many reports
//! wait to feeds that no recognised market rests on is bounded; the others are as many as governance has recognised.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use gage_abi::IOracle::{PriceReport, SignedReport};
use gage_chain::PRELUDE_REPORTS_MAX;
use gage_core::{aggregate::SOURCES_MAX, sources::ROUND_MAX};

use crate::turns::{Turn, Turns};

/// How far a report's time may be ahead of the node's, in seconds. Such a report waits until a block
/// has reached its time.
pub const AHEAD_SECONDS_MAX: u64 = 15;

/// How many reports wait at most to feeds that no recognised market rests on: as many as four preludes hold.
pub const REPORTS_WAITING_MAX: usize = 4 * PRELUDE_REPORTS_MAX;

/// Why a report is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// No such feed at the head.
    #[error("UnknownFeed({0})")]
    UnknownFeed(u32),
    /// The signature is nobody's.
    #[error("InvalidSignature(feed: {0})")]
    Signature(u32),
    /// The signer does not publish this feed at the head.
    #[error("UnknownPublisher(feed: {feed}, signer: {signer})")]
    UnknownPublisher {
        /// The feed.
        feed: u32,
        /// Who signed.
        signer: Address,
    },
    /// The chain or the pool has one that is at least as new.
    #[error("ReportNotNewer(feed: {feed}, round: {round}, newest: {newest})")]
    NotNewer {
        /// The feed.
        feed: u32,
        /// The report's round.
        round: u64,
        /// The newest known.
        newest: u64,
    },
    /// Older than the feed lets its report be.
    #[error("ReportStale(feed: {feed}, time: {time}, oldest: {oldest})")]
    Stale {
        /// The feed.
        feed: u32,
        /// The report's time.
        time: u64,
        /// The oldest that is of use.
        oldest: u64,
    },
    /// Too far ahead of the node's time.
    #[error("ReportFromFuture(feed: {feed}, time: {time}, now: {now})")]
    Future {
        /// The feed.
        feed: u32,
        /// The report's time.
        time: u64,
        /// The node's.
        now: u64,
    },
    /// The feed has as many reports waiting as it may have sources, or the pool is full of feeds whose turn comes earlier.
    #[error("{REPORTS_WAITING_MAX} reports wait already, or {SOURCES_MAX} to feed {0}")]
    Full(u32),
    /// No round of seven bytes.
    #[error("RoundTooLarge(feed: {feed}, round: {round})")]
    Round {
        /// The feed.
        feed: u32,
        /// The report's round.
        round: u64,
    },
    /// No number of 128 bits.
    #[error("AmountTooLarge(amount: {0})")]
    TooLarge(U256),
    /// The state could not be read.
    #[error("the head's state could not be read")]
    Unreadable,
}

/// What the head says of a publisher of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// Whether the signer publishes it.
    pub is_publisher: bool,
    /// The round of its applied report.
    pub round: u64,
    /// That report's time.
    pub updated_at: u64,
    /// How old its report may be.
    pub age_seconds_max: u64,
}

/// The newest report of each publisher for each feed.
#[derive(Debug, Default)]
pub struct ReportPool {
    feeds: BTreeMap<u32, Waiting>,
    /// Of all feeds that wait.
    order: BTreeSet<Turn>,
    /// How many reports wait to feeds that no recognised market rests on.
    others: usize,
}

/// What waits to be reported to a feed.
#[derive(Debug)]
struct Waiting {
    turn: Turn,
    newest: BTreeMap<Address, SignedReport>,
}

impl ReportPool {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.feeds.values().map(|waiting| waiting.newest.len()).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    /// Takes a report and its signer, in place of an older one. `turn` is its feed's if none of its reports waits yet.
    ///
    /// # Errors
    /// [`ReportError`]; the pool is unchanged.
    pub fn add(
        &mut self,
        (signed, signer): (SignedReport, Address),
        facts: &SourceFacts,
        turn: Turn,
        now: u64,
    ) -> Result<(), ReportError> {
        let feed = signed.report.feed;
        facts.judge(&signed, signer, now)?;
        let waiting = self.feeds.get(&feed);
        let turn = waiting.map_or(turn, |waiting| waiting.turn.in_class_of(turn));
        match waiting.and_then(|waiting| waiting.newest.get(&signer)) {
            Some(known) => {
                let (round, newest) = (signed.report.round, known.report.round);
                if round <= newest || signed.report.time <= known.report.time {
                    return Err(ReportError::NotNewer { feed, round, newest });
                }
            }
            None if waiting.is_some_and(|w| w.newest.len() >= usize::from(SOURCES_MAX)) => {
                return Err(ReportError::Full(feed));
            }
            None => self.make_room(turn)?,
        }
        let mut newest = self.remove(feed);
        newest.insert(signer, signed);
        self.insert(turn, newest);
        Ok(())
    }

    /// Lets whoever comes last go, if there is no room for one more at `turn`.
    fn make_room(&mut self, turn: Turn) -> Result<(), ReportError> {
        if turn.is_recognised() || self.others < REPORTS_WAITING_MAX {
            return Ok(());
        }
        match self.order.last() {
            Some(last) if *last > turn => drop(self.remove(last.feed)),
            _ => return Err(ReportError::Full(turn.feed)),
        }
        Ok(())
    }

    fn insert(&mut self, turn: Turn, newest: BTreeMap<Address, SignedReport>) {
        if newest.is_empty() {
            return;
        }
        self.order.insert(turn);
        if !turn.is_recognised() {
            self.others += newest.len();
        }
        self.feeds.insert(turn.feed, Waiting { turn, newest });
    }

    fn remove(&mut self, feed: u32) -> BTreeMap<Address, SignedReport> {
        let Some(Waiting { turn, newest }) = self.feeds.remove(&feed) else {
            return BTreeMap::new();
        };
        self.order.remove(&turn);
        if !turn.is_recognised() {
            self.others -= newest.len();
        }
        newest
    }

    /// At most `most` reports for a block of time `timestamp`, those whose turn it is first. A feed's go together. They
    /// stay until [`follow`](Self::follow).
    pub fn select(&self, timestamp: u64, most: usize) -> Vec<SignedReport> {
        let mut selected = Vec::new();
        for turn in &self.order {
            let newest = self.feeds.get(&turn.feed).into_iter().flat_map(|w| w.newest.values());
            let due = newest.filter(|signed| signed.report.time <= timestamp);
            let before = selected.len();
            selected.extend(due.cloned());
            if selected.len() > most {
                selected.truncate(before);
                break;
            }
        }
        selected
    }

    /// Brings the pool to a block that carried these reports. Of their feeds those stay that are of use by what `facts`
    /// says after it: reports that it had no gas for, at their turn, and reports that are not due, at a new one.
    pub fn follow(
        &mut self,
        carried: &[SignedReport],
        turns: &Turns,
        facts: impl Fn(u32, Address) -> Option<SourceFacts>,
    ) {
        let feeds: BTreeSet<u32> = carried.iter().map(|signed| signed.report.feed).collect();
        let carried: BTreeSet<_> = carried.iter().map(|signed| (signed.r, signed.s)).collect();
        for feed in feeds {
            let Some(turn) = self.feeds.get(&feed).map(|waiting| waiting.turn) else { continue };
            let mut newest = self.remove(feed);
            newest.retain(|signer, signed| {
                facts(feed, *signer).is_some_and(|facts| facts.is_of_use(&signed.report))
            });
            let left_out = newest.values().any(|signed| carried.contains(&(signed.r, signed.s)));
            let turn = if left_out { turn } else { turns.of(feed) };
            self.insert(turn, newest);
        }
    }
}

impl SourceFacts {
    fn judge(&self, signed: &SignedReport, signer: Address, now: u64) -> Result<(), ReportError> {
        let report = &signed.report;
        let (feed, round, time) = (report.feed, report.round, report.time);
        for number in [report.price, report.confidence] {
            if u128::try_from(number).is_err() {
                return Err(ReportError::TooLarge(number));
            }
        }
        if !self.is_publisher {
            return Err(ReportError::UnknownPublisher { feed, signer });
        }
        if round > ROUND_MAX {
            return Err(ReportError::Round { feed, round });
        }
        if !self.is_of_use(report) {
            return Err(ReportError::NotNewer { feed, round, newest: self.round });
        }
        if time > now.saturating_add(AHEAD_SECONDS_MAX) {
            return Err(ReportError::Future { feed, time, now });
        }
        let oldest = now.saturating_sub(self.age_seconds_max);
        if time < oldest {
            return Err(ReportError::Stale { feed, time, oldest });
        }
        Ok(())
    }

    /// Whether the oracle would keep a report that is due.
    fn is_of_use(&self, report: &PriceReport) -> bool {
        self.is_publisher && report.round > self.round && report.time > self.updated_at
    }
}
