//! One node: pools in front of a chain, and the producer of its blocks.

use std::{collections::BTreeSet, fmt, future::Future, sync::Arc, time::Duration};

use alloy_consensus::{
    SignableTransaction, Transaction, TxEip1559, TxEnvelope, transaction::Recovered,
};
use alloy_primitives::{Address, TxHash, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use gage_abi::IOracle::{ProviderMessage, SignedReport};
use gage_chain::{
    BlockAttributes, BuildError, Chain, ChainError, CommitError, ImportError, PRELUDE_REPORTS_MAX,
    SealedBlock, Staged, decode_transaction, prelude_carries, recover,
};
use gage_rpc::Head;
use gage_state::View;
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::{Notify, broadcast},
    task::{JoinError, JoinHandle, spawn_blocking},
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    Clock,
    clock::Time,
    feeds,
    messages::{self, MessageError, MessagePool},
    meters,
    pool::{AccountFacts, NextBlock, Pool, PoolError, PoolLimits},
    reports::{ReportError, ReportPool},
    selection::{Selection, Timed},
    turns::Turns,
};

/// What a subscriber may lag behind before it misses something.
const EVENTS_KEPT: usize = 1_024;

/// Blocks that wait to be written, at most: with more, the next is not begun.
const STAGED_MAX: usize = 4;

/// The tip that a wallet is told to offer, in wei.
pub(crate) const TIP_SUGGESTED: u128 = 100_000_000;

/// The gas of a plain transfer, which the faucet sends.
const TRANSFER_GAS: u64 = 21_000;

/// How a node behaves.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Who gets the tips of the node's blocks.
    pub beneficiary: Address,
    /// From block to block in [`Node::run`]; zero makes one whenever something waits for it.
    pub block_time: Duration,
    /// After this time the building of a block takes no further transaction.
    pub build_time: Duration,
    /// The gas limit to move towards; the genesis' if `None`.
    pub gas_limit: Option<u64>,
    /// Bounds of the mempool.
    pub pool: PoolLimits,
    /// Whether [`gage_rpc::DevHandle`] is offered to clients.
    pub dev: bool,
    /// Who pays what the development faucet gives; no faucet if `None`.
    pub faucet: Option<PrivateKeySigner>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            beneficiary: Address::ZERO,
            block_time: Duration::from_secs(1),
            build_time: Duration::from_millis(500),
            gas_limit: None,
            pool: PoolLimits::default(),
            dev: false,
            faucet: None,
        }
    }
}

/// Why a node did not make a block. Whatever it is, the node should stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProduceError {
    /// It could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// It could not be stored.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The state could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Another thread tried to store it, and could not.
    #[error("block {0} could not be stored")]
    NotStored(u64),
}

/// Why a transaction was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The pool's reason.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The state could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node has no faucet.
    #[error("this node has no faucet")]
    NoFaucet,
}

impl From<gage_chain::Rejection> for SubmitError {
    fn from(rejection: gage_chain::Rejection) -> Self {
        Self::Pool(rejection.into())
    }
}

/// The latest time that a development node can be moved to: the end of the year 9999.
pub const TIMESTAMP_MAX: u64 = 253_402_300_799;

/// Why a node's time was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Blocks never go back.
    #[error("timestamp {timestamp} is lower than the previous block's timestamp {parent}")]
    Past {
        /// What was asked.
        timestamp: u64,
        /// The head's.
        parent: u64,
    },
    /// A time beyond [`TIMESTAMP_MAX`], from which the chain could never come back.
    #[error("timestamp {0} is after the year 9999")]
    TooFar(u64),
}

/// A running node. Clones share it; every method may be called from any thread.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    chain: Chain,
    config: NodeConfig,
    clock: Arc<dyn Clock>,
    time: Time,
    pool: Mutex<Pool>,
    /// The state after the tip, which the pool's facts are of; changes only while the pool is locked.
    tip_state: RwLock<View>,
    reports: Mutex<ReportPool>,
    messages: Mutex<MessagePool>,
    /// Held while the tip moves.
    producing: Mutex<()>,
    /// Blocks that nobody knows of, because they are not durable yet, in their order.
    staged: Mutex<Vec<Staged>>,
    /// Held while the head moves.
    confirming: Mutex<()>,
    /// Woken when something waits for a block.
    wake: Notify,
    heads: broadcast::Sender<Arc<Head>>,
    pending: broadcast::Sender<TxHash>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("chain", &self.0.chain).finish_non_exhaustive()
    }
}

impl Node {
    /// A node on a chain.
    ///
    /// # Errors
    /// The head's state could not be read.
    pub fn open(
        chain: Chain,
        config: NodeConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChainError> {
        let head = chain.head();
        let pool = Pool::new(config.pool, chain.chain_id(), next_block(&chain));
        meters::head(head.number, head.gas_used);
        Ok(Self(Arc::new(Inner {
            tip_state: RwLock::new(chain.state(head.number)?),
            chain,
            config,
            time: Time::new(Arc::clone(&clock), head.timestamp),
            clock,
            pool: Mutex::new(pool),
            reports: Mutex::new(ReportPool::default()),
            messages: Mutex::new(MessagePool::default()),
            producing: Mutex::new(()),
            staged: Mutex::default(),
            confirming: Mutex::new(()),
            wake: Notify::new(),
            heads: broadcast::channel(EVENTS_KEPT).0,
            pending: broadcast::channel(EVENTS_KEPT).0,
        })))
    }

    /// The chain below.
    pub fn chain(&self) -> &Chain {
        &self.0.chain
    }

    /// The node's time in Unix seconds: the clock's, which only goes forward, shifted as a development node's may be.
    pub fn now(&self) -> u64 {
        self.0.time.now()
    }

    /// How the node behaves.
    pub fn config(&self) -> &NodeConfig {
        &self.0.config
    }

    /// The time that a block made now would carry.
    pub fn next_timestamp(&self) -> u64 {
        self.0.time.next().max(self.0.chain.tip().timestamp)
    }

    /// Each block that becomes the head.
    pub fn subscribe_heads(&self) -> broadcast::Receiver<Arc<Head>> {
        self.0.heads.subscribe()
    }

    /// Each transaction that the pool takes.
    pub fn subscribe_pending(&self) -> broadcast::Receiver<TxHash> {
        self.0.pending.subscribe()
    }

    /// Takes a transaction as wallets send it; returns its hash.
    ///
    /// # Errors
    /// [`SubmitError::Pool`] says what is wrong with it.
    pub fn submit_raw(&self, bytes: &[u8]) -> Result<TxHash, SubmitError> {
        let tx = decode_transaction(bytes)?;
        // Known transactions are refused before their signature is recovered.
        if self.0.pool.lock().get(*tx.tx_hash()).is_some() {
            return Err(PoolError::Known.into());
        }
        self.submit(recover(tx, self.0.chain.chain_id())?)
    }

    /// Takes a transaction whose signer is known; returns its hash.
    ///
    /// # Errors
    /// [`SubmitError::Pool`] says what is wrong with it.
    pub fn submit(&self, tx: Recovered<TxEnvelope>) -> Result<TxHash, SubmitError> {
        let hash = *tx.tx_hash();
        {
            let mut pool = self.0.pool.lock();
            let account = self.account(tx.signer())?;
            pool.add(tx, account)?;
            meters::pool(pool.len());
        }
        // No one may be listening.
        let _ = self.0.pending.send(hash);
        self.0.wake.notify_one();
        Ok(hash)
    }

    /// Takes price reports for the next block. Each is judged for itself, in the order given.
    ///
    /// # Errors
    /// The first report's that is refused; those before it are taken.
    pub fn submit_reports(&self, reports: Vec<SignedReport>) -> Result<(), ReportError> {
        let state = self.0.tip_state.read().clone();
        let (now, turns) = (self.now(), Turns::after_tip(&self.0.chain));
        for signed in reports {
            let signer = feeds::signer(self.0.chain.chain_id(), &signed)?;
            let feed = signed.report.feed;
            let facts = feeds::facts(&state, feed, signer)?;
            self.0.reports.lock().add((signed, signer), &facts, turns.of(feed), now)?;
            self.0.wake.notify_one();
        }
        Ok(())
    }

    /// Takes other oracles' messages for the next block. Each is judged for itself, in the order given.
    ///
    /// # Errors
    /// The first message's that is refused; those before it are taken.
    pub fn submit_messages(&self, messages: Vec<ProviderMessage>) -> Result<(), MessageError> {
        let state = self.0.tip_state.read().clone();
        let (now, turns) = (self.now(), Turns::after_tip(&self.0.chain));
        for message in messages {
            let news = messages::check(&state, self.0.chain.chain_id(), &message, now)?;
            self.0.messages.lock().add(message, news, &turns)?;
            self.0.wake.notify_one();
        }
        Ok(())
    }

    /// What waits, with `f` looking at the pool while nothing else does.
    pub fn with_pool<T>(&self, f: impl FnOnce(&Pool) -> T) -> T {
        f(&self.0.pool.lock())
    }

    /// The nonce that `sender`'s next transaction should have.
    ///
    /// # Errors
    /// The state could not be read.
    pub fn next_nonce(&self, sender: Address) -> Result<u64, ChainError> {
        let waiting = self.0.pool.lock().next_nonce(sender);
        waiting.map_or_else(|| Ok(self.account(sender)?.nonce), Ok)
    }

    /// How many transactions wait.
    pub fn pool_len(&self) -> usize {
        self.0.pool.lock().len()
    }

    /// How many reports wait.
    pub fn reports_len(&self) -> usize {
        self.0.reports.lock().len()
    }

    /// Makes the next block from what waits, at the node's time but not before the parent's. An empty
    /// one is made, too. It is durable when this returns.
    ///
    /// # Errors
    /// [`ProduceError`]; no transaction and no report can cause one.
    pub fn produce(&self) -> Result<SealedBlock, ProduceError> {
        let block = self.seal()?;
        self.confirm()?;
        if self.0.chain.head().number < block.number() {
            return Err(ProduceError::NotStored(block.number()));
        }
        Ok(block)
    }

    /// Makes the next block the tip, and leaves to [`confirm`](Self::confirm) to make it durable.
    fn seal(&self) -> Result<SealedBlock, ProduceError> {
        let _producing = self.0.producing.lock();
        let started = self.0.clock.steady_millis();
        let timestamp = self.next_timestamp();
        let reports = self.0.reports.lock().select(timestamp, PRELUDE_REPORTS_MAX);
        let messages = self.0.messages.lock().select(timestamp);
        let mut selection = self.0.pool.lock().select(self.0.chain.next_base_fee());
        let attributes = BlockAttributes {
            timestamp,
            beneficiary: self.0.config.beneficiary,
            reports,
            messages,
            gas_limit: self.0.config.gas_limit,
        };
        let time = (started, millis(self.0.config.build_time));
        let mut timed = Timed::new(&mut selection, &*self.0.clock, time);
        let built = self.0.chain.build(&attributes, &mut timed)?;
        let staged = self.0.chain.stage(built)?;
        self.0.time.used(timestamp);
        self.0.messages.lock().remove_sent(&attributes.messages);
        self.settle(staged.block(), staged.state(), &selection)?;
        self.settle_reports(&attributes.reports, staged.state());
        meters::built(self.0.clock.steady_millis().saturating_sub(started));
        let block = staged.block().clone();
        self.0.staged.lock().push(staged);
        Ok(block)
    }

    /// Makes durable what was sealed, and says so, until nothing is left: of several blocks at once, if they came
    /// while others were written.
    fn confirm(&self) -> Result<(), ChainError> {
        let _confirming = self.0.confirming.lock();
        loop {
            let staged = std::mem::take(&mut *self.0.staged.lock());
            if staged.is_empty() {
                return Ok(());
            }
            self.0.chain.confirm(&staged)?;
            for one in staged {
                let (block, receipts) = one.into_parts();
                self.announce(Head { block, receipts });
            }
        }
    }

    /// Takes a block from elsewhere as the next one.
    ///
    /// # Errors
    /// [`ImportError::Invalid`] if the block is at fault.
    pub fn import(&self, rlp: &[u8]) -> Result<SealedBlock, ImportError> {
        let block = {
            let _producing = self.0.producing.lock();
            let staged = self.0.chain.stage_import(rlp)?;
            self.settle(staged.block(), staged.state(), &Selection::default())?;
            let prelude = staged.block().transactions.first();
            let carried = prelude.and_then(|tx| prelude_carries(tx.inner())).unwrap_or_default();
            self.settle_reports(&carried.reports, staged.state());
            let block = staged.block().clone();
            self.0.staged.lock().push(staged);
            block
        };
        self.confirm()?;
        Ok(block)
    }

    /// Makes blocks until `shutdown` is done: at each interval, or whenever something waits. The next one is begun
    /// while the last is written. A block that was begun is finished.
    ///
    /// # Errors
    /// [`ProduceError`] ends it.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), ProduceError> {
        let mut ticks = self.ticks();
        let mut writing = None;
        tokio::pin!(shutdown);
        loop {
            let may_seal = self.0.staged.lock().len() < STAGED_MAX;
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                written = finished(&mut writing) => {
                    writing = None;
                    written?;
                }
                () = self.due(ticks.as_mut()), if may_seal => {
                    let node = self.clone();
                    joined(spawn_blocking(move || node.seal()).await)?;
                }
            }
            if writing.is_none() && !self.0.staged.lock().is_empty() {
                let node = self.clone();
                writing = Some(spawn_blocking(move || node.confirm()));
            }
        }
        let node = self.clone();
        Ok(joined(spawn_blocking(move || node.confirm()).await)?)
    }

    fn ticks(&self) -> Option<Interval> {
        let every = Some(self.0.config.block_time).filter(|time| !time.is_zero())?;
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(ticks)
    }

    async fn due(&self, ticks: Option<&mut Interval>) {
        match ticks {
            Some(ticks) => drop(ticks.tick().await),
            None => self.0.wake.notified().await,
        }
    }

    /// Brings the pool to the new tip.
    fn settle(
        &self,
        block: &SealedBlock,
        state: &View,
        selection: &Selection,
    ) -> Result<(), ChainError> {
        let mut pool = self.0.pool.lock();
        *self.0.tip_state.write() = state.clone();
        pool.set_next(next_block(&self.0.chain));
        for (hash, reason) in &selection.invalid {
            tracing::debug!(%hash, %reason, "transaction dropped");
            pool.remove(*hash);
        }
        let mut moved: BTreeSet<Address> = selection.doubtful.clone();
        for tx in &block.transactions {
            moved.insert(tx.signer());
            let authorised = tx.authorization_list().unwrap_or_default();
            moved.extend(authorised.iter().filter_map(|one| one.recover_authority().ok()));
        }
        for sender in moved {
            pool.refresh(sender, self.account(sender)?);
        }
        meters::pool(pool.len());
        if pool.has_ready(self.0.chain.next_base_fee()) {
            self.0.wake.notify_one();
        }
        Ok(())
    }

    /// Brings the reports to the new tip, whose block carried these. No other reports' feeds have changed.
    fn settle_reports(&self, carried: &[SignedReport], state: &View) {
        let facts = |feed, signer| feeds::facts(state, feed, signer).ok();
        let turns = Turns::after_tip(&self.0.chain);
        self.0.reports.lock().follow(carried, &turns, facts);
    }

    fn announce(&self, new: Head) {
        meters::block(&new);
        let header = &new.block.header;
        tracing::info!(
            number = header.number,
            hash = %header.hash(),
            transactions = new.block.transactions.len(),
            gas = header.gas_used,
            "block"
        );
        // No one may be listening.
        let _ = self.0.heads.send(Arc::new(new));
    }

    fn account(&self, address: Address) -> Result<AccountFacts, ChainError> {
        let account = self.0.tip_state.read().account(address)?;
        Ok(account.map_or_else(AccountFacts::default, |account| AccountFacts {
            nonce: account.info.nonce,
            balance: account.info.balance,
        }))
    }
}

/// What the block after the tip asks of its transactions.
fn next_block(chain: &Chain) -> NextBlock {
    NextBlock { gas_limit: chain.tip().gas_limit, base_fee: chain.next_base_fee() }
}

/// When a task ends; never if there is none.
async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> T {
    match task {
        Some(task) => joined(task.await),
        None => std::future::pending().await,
    }
}

/// What a task returned; if it panicked, so do we.
fn joined<T>(outcome: Result<T, JoinError>) -> T {
    outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What only a development node offers.
impl Node {
    /// Makes `blocks` blocks at once.
    ///
    /// # Errors
    /// As [`produce`](Self::produce).
    pub fn mine(&self, blocks: u64) -> Result<(), ProduceError> {
        (0..blocks).try_for_each(|_| self.produce().map(drop))
    }

    /// Moves the node's time ahead; returns by how much in all.
    ///
    /// # Errors
    /// [`TimeError::TooFar`].
    pub fn increase_time(&self, seconds: u64) -> Result<u64, TimeError> {
        let target = self.now().saturating_add(seconds);
        if target > TIMESTAMP_MAX {
            return Err(TimeError::TooFar(target));
        }
        Ok(self.0.time.increase(seconds))
    }

    /// Fixes the next block's time; the node's time goes on from there.
    ///
    /// # Errors
    /// [`TimeError`] before the head's, or too far ahead.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), TimeError> {
        let parent = self.0.chain.tip().timestamp;
        if timestamp < parent {
            return Err(TimeError::Past { timestamp, parent });
        }
        if timestamp > TIMESTAMP_MAX {
            return Err(TimeError::TooFar(timestamp));
        }
        self.0.time.set_next(timestamp);
        Ok(())
    }

    /// Sends `amount` wei from the faucet's account to `to`; returns the transaction's hash.
    ///
    /// # Errors
    /// [`SubmitError::NoFaucet`]; otherwise as [`submit`](Self::submit).
    pub fn faucet(&self, to: Address, amount: U256) -> Result<TxHash, SubmitError> {
        let signer = self.0.config.faucet.as_ref().ok_or(SubmitError::NoFaucet)?;
        let from = signer.address();
        let nonce = self.next_nonce(from)?;
        let tx = TxEip1559 {
            chain_id: self.0.chain.chain_id(),
            nonce,
            gas_limit: TRANSFER_GAS,
            max_fee_per_gas: u128::from(self.0.chain.next_base_fee()) * 2 + TIP_SUGGESTED,
            max_priority_fee_per_gas: TIP_SUGGESTED,
            to: TxKind::Call(to),
            value: amount,
            ..TxEip1559::default()
        };
        let signature = signer
            .sign_hash_sync(&tx.signature_hash())
            .map_err(|_| SubmitError::Pool(gage_chain::Rejection::Signature.into()))?;
        let tx = TxEnvelope::from(tx.into_signed(signature));
        self.submit(Recovered::new_unchecked(tx, from))
    }
}
