//! The order in which waiting transactions are offered to a block.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
    vec,
};

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, TxHash};
use gage_chain::{Rejection, Room, TxSource};

use crate::{Clock, pool::Pooled};

/// The least gas of any transaction: with less room than this a block is full.
const TRANSFER_GAS: u64 = 21_000;

/// After so many that did not fit in a row, a block counts as full.
const MISFITS_MAX: usize = 64;

/// The ready transactions at one moment, best first: by effective tip, then by arrival, each sender's
/// in the order of nonces.
#[derive(Debug, Default)]
pub struct Selection {
    base_fee: u64,
    best: BinaryHeap<Candidate>,
    blocked: BTreeSet<Address>,
    offered: Option<Address>,
    misfits: usize,
    /// What no later block will take either.
    pub(crate) invalid: Vec<(TxHash, Rejection)>,
    /// Senders whose account is not as the pool thinks.
    pub(crate) doubtful: BTreeSet<Address>,
}

/// A sender's next transaction, and those after it.
#[derive(Debug)]
struct Candidate {
    tip: u128,
    arrival: Reverse<u64>,
    next: Arc<Pooled>,
    later: vec::IntoIter<Arc<Pooled>>,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        (self.tip, self.arrival) == (other.tip, other.arrival)
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.tip, self.arrival).cmp(&(other.tip, other.arrival))
    }
}

impl Candidate {
    /// The first of `later`, unless it does not pay the base fee.
    fn new(base_fee: u64, mut later: vec::IntoIter<Arc<Pooled>>) -> Option<Self> {
        let next = later.next()?;
        let tip = next.transaction.effective_tip_per_gas(base_fee)?;
        Some(Self { tip, arrival: Reverse(next.arrival), next, later })
    }
}

impl Selection {
    pub(crate) fn new(base_fee: u64, ready: impl Iterator<Item = Vec<Arc<Pooled>>>) -> Self {
        Self {
            base_fee,
            best: ready.filter_map(|txs| Candidate::new(base_fee, txs.into_iter())).collect(),
            ..Self::default()
        }
    }
}

/// A selection that ends at a moment: however dear its transactions are to execute, the block is on time.
pub(crate) struct Timed<'a> {
    selection: &'a mut Selection,
    clock: &'a dyn Clock,
    /// By [`Clock::steady_millis`].
    until: u64,
    /// Milliseconds that it has in any case, from the first that is asked for: a prelude and a sweep that take all
    /// of a block's time shut nobody out.
    least: u64,
    begun: bool,
}

impl<'a> Timed<'a> {
    /// Until `time` milliseconds after `started`, and for a quarter of that in any case.
    pub(crate) fn new(
        selection: &'a mut Selection,
        clock: &'a dyn Clock,
        (started, time): (u64, u64),
    ) -> Self {
        let until = started.saturating_add(time);
        Self { selection, clock, until, least: time / 4, begun: false }
    }

    fn is_over(&mut self) -> bool {
        let now = self.clock.steady_millis();
        if !std::mem::replace(&mut self.begun, true) {
            self.until = self.until.max(now.saturating_add(self.least));
        }
        now >= self.until
    }
}

impl TxSource for Timed<'_> {
    fn next(&mut self, room: Room) -> Option<Recovered<TxEnvelope>> {
        if self.is_over() { None } else { self.selection.next(room) }
    }

    fn rejected(&mut self, hash: TxHash, reason: &Rejection) {
        self.selection.rejected(hash, reason);
    }
}

impl TxSource for Selection {
    fn next(&mut self, room: Room) -> Option<Recovered<TxEnvelope>> {
        // What was offered last was taken, or it would have been rejected.
        if self.offered.take().is_some() {
            self.misfits = 0;
        }
        if room.gas_left < TRANSFER_GAS || self.misfits >= MISFITS_MAX {
            return None;
        }
        loop {
            let Candidate { next, later, .. } = self.best.pop()?;
            let sender = next.transaction.signer();
            if self.blocked.contains(&sender) {
                continue;
            }
            self.best.extend(Candidate::new(self.base_fee, later));
            self.offered = Some(sender);
            return Some(next.transaction.clone());
        }
    }

    fn rejected(&mut self, hash: TxHash, reason: &Rejection) {
        let Some(sender) = self.offered.take() else { return };
        // Whatever the reason, the sender's later nonces cannot follow.
        self.blocked.insert(sender);
        if matches!(reason, Rejection::NoRoom { .. }) {
            self.misfits += 1;
            return;
        }
        self.doubtful.insert(sender);
        if !reason.may_pass_later() {
            self.invalid.push((hash, reason.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct Told(AtomicU64);

    impl Clock for Told {
        fn now_millis(&self) -> u64 {
            0
        }

        fn steady_millis(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// Whether it is over, asked at each of these moments, of a block that was begun at 1,000 and has 100.
    fn over_at(moments: &[u64]) -> Vec<bool> {
        let (mut selection, clock) = (Selection::default(), Told(AtomicU64::new(0)));
        let mut timed = Timed::new(&mut selection, &clock, (1_000, 100));
        let mut ask = |now: &u64| {
            clock.0.store(*now, Ordering::Relaxed);
            timed.is_over()
        };
        moments.iter().map(&mut ask).collect()
    }

    #[test]
    fn a_late_prelude_leaves_users_a_quarter_of_the_time() {
        assert_eq!(over_at(&[1_010, 1_099, 1_100]), [false, false, true]);
        assert_eq!(over_at(&[1_090, 1_114, 1_115]), [false, false, true]);
        assert_eq!(over_at(&[5_000, 5_024, 5_025]), [false, false, true]);
    }
}
