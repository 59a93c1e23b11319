//! Price reports that wait for the next prelude: the newest of each publisher for each feed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use gage_abi::IOracle::SignedReport;

/// How far a report's time may be ahead of the node's, in seconds. Such a report waits until a block
/// has reached its time.
pub const AHEAD_SECONDS_MAX: u64 = 15;

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
    newest: BTreeMap<(u32, Address), SignedReport>,
}

impl ReportPool {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.newest.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// Takes a report signed by `signer`, in place of an older one.
    ///
    /// # Errors
    /// [`ReportError`]; the pool is unchanged.
    pub fn add(
        &mut self,
        signed: SignedReport,
        signer: Address,
        facts: &SourceFacts,
        now: u64,
    ) -> Result<(), ReportError> {
        let feed = signed.report.feed;
        facts.judge(&signed, signer, now)?;
        let key = (feed, signer);
        if let Some(known) = self.newest.get(&key) {
            let (round, newest) = (signed.report.round, known.report.round);
            if round <= newest || signed.report.time <= known.report.time {
                return Err(ReportError::NotNewer { feed, round, newest });
            }
        }
        self.newest.insert(key, signed);
        Ok(())
    }

    /// At most `most` reports for a block of time `timestamp`, by feed and round. They stay until
    /// [`remove_sent`](Self::remove_sent).
    pub fn select(&self, timestamp: u64, most: usize) -> Vec<SignedReport> {
        let due = self.newest.values().filter(|signed| signed.report.time <= timestamp);
        let mut due: Vec<_> = due.cloned().collect();
        // The oldest first where there are too many, so that every feed has its turn.
        due.sort_by_key(|signed| (signed.report.time, signed.report.feed, signed.report.round));
        due.truncate(most);
        due.sort_by_key(|signed| (signed.report.feed, signed.report.round, signed.report.time));
        due
    }

    /// Drops what a block carried, whatever became of it.
    pub fn remove_sent(&mut self, sent: &[SignedReport]) {
        let is_sent = |signed: &SignedReport| {
            sent.iter().any(|other| (other.r, other.s) == (signed.r, signed.s))
        };
        self.newest.retain(|_, signed| !is_sent(signed));
    }

    /// Drops what is not newer than the round applied of its publisher for its feed.
    pub fn retain_newer(&mut self, applied: impl Fn(u32, Address) -> u64) {
        let newer = |(feed, signer): &(u32, Address), signed: &mut SignedReport| {
            signed.report.round > applied(*feed, *signer)
        };
        self.newest.retain(newer);
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
        if round <= self.round || time <= self.updated_at {
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
}
