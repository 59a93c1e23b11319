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
    /// Older than the feed lets a price be.
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
    /// Outside what the feed allows.
    #[error("PriceOutOfBounds(feed: {feed}, price: {price})")]
    OutOfBounds {
        /// The feed.
        feed: u32,
        /// The report's price.
        price: U256,
    },
    /// The state could not be read.
    #[error("the head's state could not be read")]
    Unreadable,
}

/// What the head says of a feed and a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedFacts {
    /// Whether the signer publishes it.
    pub is_publisher: bool,
    /// The applied round.
    pub round: u64,
    /// The applied report's time.
    pub updated_at: u64,
    /// How old a price may be.
    pub age_seconds_max: u64,
    /// A price at or below this is not believed.
    pub price_min: U256,
    /// A price at or above this is not believed.
    pub price_max: U256,
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
        facts: &FeedFacts,
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
        due.sort_by_key(|signed| (signed.report.feed, signed.report.round, signed.report.time));
        due.truncate(most);
        due
    }

    /// Drops what a block carried, whatever became of it.
    pub fn remove_sent(&mut self, sent: &[SignedReport]) {
        let is_sent = |signed: &SignedReport| {
            sent.iter().any(|other| (other.r, other.s) == (signed.r, signed.s))
        };
        self.newest.retain(|_, signed| !is_sent(signed));
    }

    /// Drops what is not newer than the round applied to its feed.
    pub fn retain_newer(&mut self, applied: impl Fn(u32) -> u64) {
        self.newest.retain(|(feed, _), signed| signed.report.round > applied(*feed));
    }
}

impl FeedFacts {
    fn judge(&self, signed: &SignedReport, signer: Address, now: u64) -> Result<(), ReportError> {
        let report = &signed.report;
        let (feed, round, time) = (report.feed, report.round, report.time);
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
        if report.price <= self.price_min || report.price >= self.price_max {
            return Err(ReportError::OutOfBounds { feed, price: report.price });
        }
        Ok(())
    }
}
