//! The mempool: transactions that wait for a block.
//!
//! Transactions are kept by sender and nonce. Those that follow the sender's nonce without a gap are
//! **ready**; they are offered by effective tip, then by arrival, each after its sender's earlier ones.
//! Behind a gap they are **held**. Everything in the pool could be paid for, all of a sender's
//! together, at the head's state; what a new head makes unpayable leaves.
//!
//! The pool reads no state: whoever adds a transaction brings the sender's account.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, TxHash, U256};
use gage_chain::{BASE_FEE_PARAMS, Rejection, TX_GAS_LIMIT_MAX, check_init_code, intrinsic_gas};

use crate::selection::Selection;

/// How much better a replacement must pay, in percent, on fee and tip both.
pub const REPLACEMENT_BUMP_PERCENT: u128 = 10;

/// Bounds of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Transactions in all.
    pub total_max: usize,
    /// Transactions of one sender.
    pub per_sender_max: usize,
    /// How far a nonce may be ahead of the account's.
    pub nonce_ahead_max: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { total_max: 100_000, per_sender_max: 1_024, nonce_ahead_max: 1_024 }
    }
}

/// What the next block asks of its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextBlock {
    /// The most gas of them all.
    pub gas_limit: u64,
    /// Wei per gas.
    pub base_fee: u64,
}

impl NextBlock {
    /// The least that any later block may ask per gas. An empty block lowers the base fee by one part in
    /// `max_change_denominator`, rounded down: by nothing, once the fee is smaller than that.
    fn base_fee_least(self) -> u128 {
        u128::from(self.base_fee).min(BASE_FEE_PARAMS.max_change_denominator.saturating_sub(1))
    }
}

/// A sender's account at the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// The next nonce.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
}

/// Why the pool does not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// It could not be part of a block.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It is here.
    #[error("already known")]
    Known,
    /// It pays less than any block will ask.
    #[error(
        "transaction underpriced: max fee per gas {fee_max}, but the base fee never falls below \
         {least}"
    )]
    Underpriced {
        /// The most that it pays per gas.
        fee_max: u128,
        /// What it must at least pay.
        least: u128,
    },
    /// Another with its nonce waits, and it pays too little more.
    #[error(
        "replacement transaction underpriced: fee {fee} and tip {tip}, needed {fee_needed} and \
         {tip_needed}"
    )]
    ReplacementUnderpriced {
        /// Its fee cap.
        fee: u128,
        /// Its tip cap.
        tip: u128,
        /// What the fee cap must at least be.
        fee_needed: u128,
        /// What the tip cap must at least be.
        tip_needed: u128,
    },
    /// The nonce is further ahead than the pool keeps.
    #[error(
        "nonce too far in the future: next nonce {expected}, tx nonce {got}, most {most} ahead"
    )]
    NonceTooFar {
        /// The account's next.
        expected: u64,
        /// The transaction's.
        got: u64,
        /// How far ahead the pool keeps.
        most: u64,
    },
    /// One sender has its full share.
    #[error("account limit exceeded: {0} transactions of this sender are waiting")]
    SenderFull(usize),
    /// The pool is full of what pays better.
    #[error("transaction underpriced: the pool is full and its cheapest pays {cheapest}")]
    Full {
        /// Tip cap of the cheapest that could leave.
        cheapest: u128,
    },
}

/// A transaction that waits.
#[derive(Debug)]
pub struct Pooled {
    /// With its sender.
    pub transaction: Recovered<TxEnvelope>,
    /// Earlier comes first at the same tip.
    pub arrival: u64,
    /// Value and the most its gas may cost.
    cost: U256,
}

impl Pooled {
    fn new(transaction: Recovered<TxEnvelope>, arrival: u64) -> Self {
        let gas = U256::from(transaction.gas_limit()) * U256::from(transaction.max_fee_per_gas());
        let cost = gas.saturating_add(transaction.value());
        Self { transaction, arrival, cost }
    }

    fn hash(&self) -> TxHash {
        *self.transaction.tx_hash()
    }

    /// What it pays the proposer per gas, at most.
    fn tip_max(&self) -> u128 {
        tip_max(&self.transaction)
    }

    fn rank(&self) -> Rank {
        let fee_max = self.transaction.max_fee_per_gas();
        Rank { tip_max: self.tip_max().min(fee_max), fee_max, arrival: Reverse(self.arrival) }
    }
}

fn tip_max(tx: &TxEnvelope) -> u128 {
    tx.max_priority_fee_per_gas().unwrap_or(tx.max_fee_per_gas())
}

/// Who leaves first when the pool is full: the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    tip_max: u128,
    fee_max: u128,
    arrival: Reverse<u64>,
}

/// One sender's transactions, by nonce.
#[derive(Debug, Default)]
struct Queue {
    account: AccountFacts,
    waiting: BTreeMap<u64, Arc<Pooled>>,
}

impl Queue {
    /// The ready ones: from the account's nonce on, up to the first gap.
    fn ready(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        (self.account.nonce..)
            .zip(&self.waiting)
            .take_while(|(n, (m, _))| n == *m)
            .map(|(_, (_, tx))| tx)
    }

    fn cost(&self) -> U256 {
        self.waiting.values().fold(U256::ZERO, |sum, tx| sum.saturating_add(tx.cost))
    }

    fn tail(&self) -> Option<&Arc<Pooled>> {
        self.waiting.values().next_back()
    }
}

/// What waits for a block. See the module's documentation.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    chain_id: u64,
    next: NextBlock,
    senders: BTreeMap<Address, Queue>,
    places: HashMap<TxHash, (Address, u64)>,
    /// The last of each sender: only these may be evicted, so that eviction leaves no gap.
    tails: BTreeSet<(Rank, Address)>,
    arrivals: u64,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits, chain_id: u64, next: NextBlock) -> Self {
        Self {
            limits,
            chain_id,
            next,
            senders: BTreeMap::new(),
            places: HashMap::new(),
            tails: BTreeSet::new(),
            arrivals: 0,
        }
    }

    /// How many wait: ready and held.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The transaction with this hash.
    pub fn get(&self, hash: TxHash) -> Option<&Recovered<TxEnvelope>> {
        let (sender, nonce) = self.places.get(&hash)?;
        self.senders.get(sender)?.waiting.get(nonce).map(|pooled| &pooled.transaction)
    }

    /// Every transaction, by sender and nonce, and whether it is ready.
    pub fn iter(&self) -> impl Iterator<Item = (&Recovered<TxEnvelope>, bool)> {
        self.senders.values().flat_map(|queue| {
            let ready = queue.ready().count();
            queue.waiting.values().enumerate().map(move |(i, tx)| (&tx.transaction, i < ready))
        })
    }

    /// The nonce that `sender`'s next transaction should have, if any of theirs are ready.
    pub fn next_nonce(&self, sender: Address) -> Option<u64> {
        let queue = self.senders.get(&sender)?;
        queue.ready().last().map(|tx| tx.transaction.nonce() + 1)
    }

    /// Takes `transaction`, whose sender's account at the head is `account`. What had to leave for it
    /// is returned: the one it replaces, or the cheapest of a full pool.
    ///
    /// # Errors
    /// [`PoolError`]; the pool is unchanged.
    pub fn add(
        &mut self,
        transaction: Recovered<TxEnvelope>,
        account: AccountFacts,
    ) -> Result<Option<Recovered<TxEnvelope>>, PoolError> {
        if self.places.contains_key(transaction.tx_hash()) {
            return Err(PoolError::Known);
        }
        self.admit(&transaction)?;
        self.admit_nonce(&transaction, account)?;
        let (sender, nonce) = (transaction.signer(), transaction.nonce());
        let pooled = Arc::new(Pooled::new(transaction, self.arrivals));
        let queue = self.senders.get(&sender);
        let replaced = queue.and_then(|queue| queue.waiting.get(&nonce)).cloned();
        if let Some(replaced) = &replaced {
            outbids(&pooled.transaction, &replaced.transaction)?;
        }
        self.admit_cost(&pooled, replaced.as_deref(), account)?;
        let left = match replaced {
            Some(replaced) => Some(replaced),
            None => self.make_room(&pooled)?,
        };
        self.arrivals += 1;
        self.insert(sender, nonce, pooled, account);
        Ok(left.map(|pooled| pooled.transaction.clone()))
    }

    /// What is true of a transaction whatever the state is.
    fn admit(&self, tx: &Recovered<TxEnvelope>) -> Result<(), PoolError> {
        if tx.is_eip4844() {
            return Err(Rejection::Blob.into());
        }
        if tx.chain_id() != Some(self.chain_id) {
            return Err(Rejection::ChainId { got: tx.chain_id(), expected: self.chain_id }.into());
        }
        check_init_code(tx.inner())?;
        let (limit, needed) = (tx.gas_limit(), intrinsic_gas(tx));
        let most = self.next.gas_limit.min(TX_GAS_LIMIT_MAX);
        if limit > most {
            return Err(Rejection::GasLimit { limit, most }.into());
        }
        if limit < needed {
            return Err(Rejection::IntrinsicGas { limit, needed }.into());
        }
        let (fee_max, least) = (tx.max_fee_per_gas(), self.next.base_fee_least());
        if tip_max(tx) > fee_max {
            return Err(Rejection::TipAboveFee.into());
        }
        if fee_max < least {
            return Err(PoolError::Underpriced { fee_max, least });
        }
        Ok(())
    }

    fn admit_nonce(
        &self,
        tx: &Recovered<TxEnvelope>,
        account: AccountFacts,
    ) -> Result<(), PoolError> {
        let (expected, got, most) = (account.nonce, tx.nonce(), self.limits.nonce_ahead_max);
        if got < expected {
            return Err(Rejection::NonceTooLow { expected, got }.into());
        }
        if got - expected > most {
            return Err(PoolError::NonceTooFar { expected, got, most });
        }
        Ok(())
    }

    /// The sender must be able to pay for all that wait together.
    fn admit_cost(
        &self,
        new: &Pooled,
        replaced: Option<&Pooled>,
        account: AccountFacts,
    ) -> Result<(), PoolError> {
        let sender = new.transaction.signer();
        let waiting = self.senders.get(&sender).map_or(U256::ZERO, Queue::cost);
        let freed = replaced.map_or(U256::ZERO, |pooled| pooled.cost);
        let cost = waiting.saturating_sub(freed).saturating_add(new.cost);
        if cost > account.balance {
            return Err(Rejection::InsufficientFunds { balance: account.balance, cost }.into());
        }
        Ok(())
    }

    /// Evicts the cheapest if the pool is full and `new` pays better.
    fn make_room(&mut self, new: &Pooled) -> Result<Option<Arc<Pooled>>, PoolError> {
        let sender = new.transaction.signer();
        let of_sender = self.senders.get(&sender).map_or(0, |queue| queue.waiting.len());
        if of_sender >= self.limits.per_sender_max {
            return Err(PoolError::SenderFull(of_sender));
        }
        if self.len() < self.limits.total_max {
            return Ok(None);
        }
        // A sender's own tail makes no room for what comes after it.
        let cheapest = self.tails.iter().find(|(_, address)| *address != sender).copied();
        let Some((rank, address)) = cheapest.filter(|(rank, _)| *rank < new.rank()) else {
            let cheapest = cheapest.map_or(0, |(rank, _)| rank.tip_max);
            return Err(PoolError::Full { cheapest });
        };
        let tail = self.senders.get(&address).and_then(Queue::tail).cloned();
        debug_assert_eq!(tail.as_ref().map(|tail| tail.rank()), Some(rank));
        if let Some(tail) = &tail {
            self.remove(tail.hash());
        }
        Ok(tail)
    }

    fn insert(&mut self, sender: Address, nonce: u64, pooled: Arc<Pooled>, account: AccountFacts) {
        self.forget_tail(sender);
        let hash = pooled.hash();
        let queue = self.senders.entry(sender).or_default();
        queue.account = account;
        if let Some(replaced) = queue.waiting.insert(nonce, pooled) {
            self.places.remove(&replaced.hash());
        }
        self.places.insert(hash, (sender, nonce));
        self.note_tail(sender);
    }

    /// Removes the transaction with this hash; its sender's later ones are then held.
    pub fn remove(&mut self, hash: TxHash) -> Option<Recovered<TxEnvelope>> {
        let (sender, nonce) = self.places.remove(&hash)?;
        self.forget_tail(sender);
        let queue = self.senders.get_mut(&sender)?;
        let removed = queue.waiting.remove(&nonce)?;
        if queue.waiting.is_empty() {
            self.senders.remove(&sender);
        }
        self.note_tail(sender);
        Some(removed.transaction.clone())
    }

    /// Takes note of a sender's account at a new head: what is used up leaves, and so does what can no
    /// longer be paid for, the highest nonces first.
    pub fn refresh(&mut self, sender: Address, account: AccountFacts) {
        let Some(queue) = self.senders.get_mut(&sender) else { return };
        queue.account = account;
        let mut left = Some(account.balance);
        let leaving = queue.waiting.iter().filter(|(nonce, tx)| {
            let used = **nonce < account.nonce;
            if !used {
                left = left.and_then(|left| left.checked_sub(tx.cost));
            }
            used || left.is_none()
        });
        let leaving: Vec<_> = leaving.map(|(_, tx)| tx.hash()).collect();
        for hash in leaving {
            self.remove(hash);
        }
    }

    /// Whether any transaction is ready and pays this base fee.
    pub fn has_ready(&self, base_fee: u64) -> bool {
        let pays = |tx: &Arc<Pooled>| tx.transaction.max_fee_per_gas() >= u128::from(base_fee);
        self.senders.values().any(|queue| queue.ready().next().is_some_and(pays))
    }

    /// Another block is next.
    pub fn set_next(&mut self, next: NextBlock) {
        self.next = next;
    }

    /// The ready transactions for a block with this base fee, best first.
    pub fn select(&self, base_fee: u64) -> Selection {
        Selection::new(
            base_fee,
            self.senders.values().map(|queue| queue.ready().cloned().collect()),
        )
    }

    fn forget_tail(&mut self, sender: Address) {
        if let Some(tail) = self.senders.get(&sender).and_then(Queue::tail) {
            self.tails.remove(&(tail.rank(), sender));
        }
    }

    fn note_tail(&mut self, sender: Address) {
        if let Some(tail) = self.senders.get(&sender).and_then(Queue::tail) {
            self.tails.insert((tail.rank(), sender));
        }
    }
}

/// Whether `new` pays enough more than `old` to take its place.
fn outbids(new: &TxEnvelope, old: &TxEnvelope) -> Result<(), PoolError> {
    let bumped = |fee: u128| fee.saturating_mul(100 + REPLACEMENT_BUMP_PERCENT).div_ceil(100);
    let (fee, tip) = (new.max_fee_per_gas(), tip_max(new));
    let (fee_needed, tip_needed) = (bumped(old.max_fee_per_gas()), bumped(tip_max(old)));
    if fee < fee_needed || tip < tip_needed {
        return Err(PoolError::ReplacementUnderpriced { fee, tip, fee_needed, tip_needed });
    }
    Ok(())
}
