//! The chain: a store of blocks, and the head that the next one follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use alloy_consensus::{
    Header, ReceiptEnvelope, Sealed, Transaction, TxEnvelope, transaction::Recovered,
};
use alloy_primitives::{Address, B256, TxHash};
use gage_core::{AccountId, FeedId, Timestamp};
use gage_state::{Changes, Prepared, StateError, Store, Table, View};
use parking_lot::{Mutex, MutexGuard, RwLock};
use quick_cache::{Weighter, sync::Cache};
use revm::database_interface::bal::EvmDatabaseError;

use crate::{
    FoundReceipt, FoundTransaction, Genesis, GenesisError, Place, SealedBlock, SealedHeader,
    execute::Executed,
    log_hashes::LogHashes,
    lookout::{Lookout, touched},
    recognised::RecognisedFeeds,
    records,
    rules::BASE_FEE_PARAMS,
};

/// A chain of blocks on a store. Clones share it; reads go on while a block is written.
#[derive(Clone)]
pub struct Chain(Arc<Inner>);

struct Inner {
    store: Store,
    genesis: Genesis,
    /// The last block that everybody may know of: it is durable.
    head: RwLock<Known>,
    /// The last block that is executed and staged, which the next one follows: the head, or a few above it.
    tip: RwLock<SealedHeader>,
    /// The last blocks, which are asked for most, by number.
    recent: RwLock<BTreeMap<u64, Arc<Whole>>>,
    /// Blocks of which one transaction was asked for: its neighbours are asked for next.
    read: Cache<u64, Arc<Whole>, Size>,
    lookout: Lookout,
    recognised: RecognisedFeeds,
    /// Held while the tip moves.
    writing: Mutex<()>,
}

/// A block and the state after it.
struct Known {
    header: SealedHeader,
    state: View,
}

/// How many blocks are kept in memory besides being stored.
const RECENT_BLOCKS: usize = 32;

/// Blocks that were read, kept in memory, about.
const READ_BLOCKS: usize = 64;

/// Transactions of blocks that were read, kept in memory at most.
const READ_TRANSACTIONS: u64 = 1 << 15;

/// A block with its receipts.
struct Whole {
    block: SealedBlock,
    receipts: Vec<FoundReceipt>,
}

/// How many transactions a block has.
#[derive(Clone)]
struct Size;

impl Weighter<u64, Arc<Whole>> for Size {
    fn weight(&self, _: &u64, whole: &Arc<Whole>) -> u64 {
        whole.receipts.len().max(1) as u64
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("head", &self.head().num_hash_slow()).finish_non_exhaustive()
    }
}

/// Our own fault: the node should stop, or the caller asks for what is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No such block.
    #[error("block {0} is not known")]
    UnknownBlock(u64),
    /// The store's answer, or its failure.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record that does not decode.
    #[error("the record of block {number} in {table:?} is damaged")]
    Damaged {
        /// Where it lies.
        table: Table,
        /// Whose it is; 0 if the key is a hash.
        number: u64,
    },
    /// The protocol's records could not be read.
    #[error("the protocol's records: {0}")]
    Ledger(gage_core::Stop),
    /// The EVM stopped for a reason that is no transaction's.
    #[error("the evm failed: {0}")]
    Evm(String),
}

impl From<gage_core::Stop> for ChainError {
    fn from(stop: gage_core::Stop) -> Self {
        Self::Ledger(stop)
    }
}

impl From<EvmDatabaseError<StateError>> for ChainError {
    fn from(error: EvmDatabaseError<StateError>) -> Self {
        match error {
            EvmDatabaseError::Database(error) => error.into(),
            other => Self::Evm(other.to_string()),
        }
    }
}

/// Why a store could not be opened as a chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The genesis itself is wrong.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The store belongs to another chain.
    #[error("the data directory holds the chain with genesis block {stored}, not {given}")]
    OtherChain {
        /// Hash of the stored block 0.
        stored: B256,
        /// Hash of the given genesis' block 0.
        given: B256,
    },
    /// The store failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<StateError> for OpenError {
    fn from(error: StateError) -> Self {
        Self::Chain(error.into())
    }
}

/// Why a built block did not become part of the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another block came first.
    #[error("built on block {built_on}, but the head is {head}")]
    NotOnHead {
        /// The parent's number.
        built_on: u64,
        /// The head's number.
        head: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A block that the next one may follow, though it is neither durable nor announced yet.
#[must_use = "it becomes part of the chain when it is confirmed"]
#[derive(Debug)]
pub struct Staged {
    block: SealedBlock,
    receipts: Vec<FoundReceipt>,
    state: View,
}

impl Staged {
    /// The block.
    pub fn block(&self) -> &SealedBlock {
        &self.block
    }

    /// The state after it.
    pub fn state(&self) -> &View {
        &self.state
    }

    /// The block with its receipts.
    pub fn into_parts(self) -> (SealedBlock, Vec<FoundReceipt>) {
        (self.block, self.receipts)
    }
}

/// A block that is executed and sealed, and not yet part of the chain.
#[derive(Debug)]
pub struct Built {
    block: SealedBlock,
    receipts: Vec<ReceiptEnvelope>,
    log_hashes: LogHashes,
    prepared: Prepared,
    touched: Vec<AccountId>,
}

impl Built {
    /// The block.
    pub fn block(&self) -> &SealedBlock {
        &self.block
    }
}

impl Chain {
    /// Opens the chain that starts with `genesis`; an empty store gets its block 0.
    ///
    /// # Errors
    /// [`OpenError::OtherChain`] if the store's block 0 is another.
    pub fn open(store: Store, genesis: &Genesis) -> Result<Self, OpenError> {
        genesis.validate()?;
        let changes = genesis.changes();
        if store.head().is_none() {
            let (block, prepared) = genesis_block(&store, genesis, &changes)?;
            let records = records::records(&store, &block, (&[], &LogHashes::default()))?;
            store.commit(prepared, 0, block.hash(), records)?;
        } else {
            // The root is computed on an empty store, since ours has moved on.
            let (given, _) = genesis_block(&Store::in_memory()?, genesis, &changes)?;
            let stored = records::header(&store, 0)?.ok_or(ChainError::UnknownBlock(0))?.hash();
            if stored != given.hash() {
                return Err(OpenError::OtherChain { stored, given: given.hash() });
            }
        }
        let number = store.head().ok_or(ChainError::UnknownBlock(0))?.number;
        let head = records::header(&store, number)?.ok_or(ChainError::UnknownBlock(number))?;
        let now = Timestamp::new(head.timestamp);
        let state = store.at(number)?;
        let lookout = Lookout::over(&state, now)?;
        let recognised = RecognisedFeeds::over(&state)?;
        Ok(Self(Arc::new(Inner {
            store,
            genesis: genesis.clone(),
            tip: RwLock::new(head.clone()),
            head: RwLock::new(Known { header: head, state }),
            recent: RwLock::default(),
            read: Cache::with_weighter(READ_BLOCKS, READ_TRANSACTIONS, Size),
            lookout,
            recognised,
            writing: Mutex::new(()),
        })))
    }

    /// What the chain starts from.
    pub fn genesis(&self) -> &Genesis {
        &self.0.genesis
    }

    /// Whose transactions these are (EIP-155).
    pub fn chain_id(&self) -> u64 {
        self.0.genesis.chain_id
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The header of the last block that is durable: the latest, for whoever asks.
    pub fn head(&self) -> SealedHeader {
        self.0.head.read().header.clone()
    }

    /// The header of the block that the next one follows: the head, or a block above it that is not durable yet.
    pub fn tip(&self) -> SealedHeader {
        self.0.tip.read().clone()
    }

    /// The base fee of the block after the tip.
    pub fn next_base_fee(&self) -> u64 {
        self.0.tip.read().next_block_base_fee(BASE_FEE_PARAMS).unwrap_or_default()
    }

    /// The header of a block.
    ///
    /// # Errors
    /// The store failed.
    pub fn header(&self, number: u64) -> Result<Option<SealedHeader>, ChainError> {
        match self.recent(number) {
            _ if !self.is_announced(number) => Ok(None),
            Some(recent) => Ok(Some(recent.block.header.clone())),
            None => records::header(&self.0.store, number),
        }
    }

    /// The number of the block with this hash.
    ///
    /// # Errors
    /// The store failed.
    pub fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        let number = records::number_of(&self.0.store, hash)?;
        Ok(number.filter(|number| self.is_announced(*number)))
    }

    /// A block with its transactions.
    ///
    /// # Errors
    /// The store failed.
    pub fn block(&self, number: u64) -> Result<Option<SealedBlock>, ChainError> {
        if !self.is_announced(number) {
            return Ok(None);
        }
        if let Some(recent) = self.recent(number) {
            return Ok(Some(recent.block.clone()));
        }
        let Some(header) = records::header(&self.0.store, number)? else { return Ok(None) };
        let transactions = records::transactions(&self.0.store, number)?;
        Ok(transactions.map(|transactions| SealedBlock { header, transactions }))
    }

    /// A block's receipts.
    ///
    /// # Errors
    /// The store failed.
    pub fn receipts(&self, number: u64) -> Result<Option<Vec<FoundReceipt>>, ChainError> {
        if !self.is_announced(number) {
            return Ok(None);
        }
        if let Some(recent) = self.recent(number) {
            return Ok(Some(recent.receipts.clone()));
        }
        Ok(self.read(number)?.map(|whole| whole.receipts))
    }

    /// The transaction with this hash, if a block has it.
    ///
    /// # Errors
    /// The store failed.
    pub fn transaction(&self, hash: TxHash) -> Result<Option<FoundTransaction>, ChainError> {
        let Some((number, index)) = self.place(hash)? else { return Ok(None) };
        Ok(self.whole(number)?.and_then(|whole| whole.block.transaction(index)))
    }

    /// The receipt of the transaction with this hash, if a block has it.
    ///
    /// # Errors
    /// The store failed.
    pub fn receipt(&self, hash: TxHash) -> Result<Option<FoundReceipt>, ChainError> {
        let Some((number, index)) = self.place(hash)? else { return Ok(None) };
        Ok(self.whole(number)?.and_then(|whole| whole.receipts.get(position(index)).cloned()))
    }

    /// The transaction with this hash, if a block has it that is not durable yet.
    ///
    /// # Errors
    /// The store failed.
    pub fn staged_transaction(
        &self,
        hash: TxHash,
    ) -> Result<Option<Recovered<TxEnvelope>>, ChainError> {
        if self.0.tip.read().number == self.head_number() {
            return Ok(None);
        }
        let place = records::place(&self.0.store, hash)?;
        let Some((number, index)) = place.filter(|(number, _)| !self.is_announced(*number)) else {
            return Ok(None);
        };
        let recent = self.recent(number);
        Ok(recent.and_then(|recent| recent.block.transactions.get(position(index)).cloned()))
    }

    fn place(&self, hash: TxHash) -> Result<Option<(u64, u64)>, ChainError> {
        let place = records::place(&self.0.store, hash)?;
        Ok(place.filter(|(number, _)| self.is_announced(*number)))
    }

    /// Whether a block is not above the head. A staged one is: it may yet be lost with the power.
    fn is_announced(&self, number: u64) -> bool {
        number <= self.head_number()
    }

    fn head_number(&self) -> u64 {
        self.0.head.read().header.number
    }

    fn recent(&self, number: u64) -> Option<Arc<Whole>> {
        self.0.recent.read().get(&number).cloned()
    }

    /// A block with its receipts, to look something up in.
    fn whole(&self, number: u64) -> Result<Option<Arc<Whole>>, ChainError> {
        if let Some(recent) = self.recent(number) {
            return Ok(Some(recent));
        }
        let read = || self.read(number)?.map(Arc::new).ok_or(None);
        match self.0.read.get_or_insert_with(&number, read) {
            Ok(whole) => Ok(Some(whole)),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }

    /// A block with its receipts, from the store.
    fn read(&self, number: u64) -> Result<Option<Whole>, ChainError> {
        let Some(block) = self.block(number)? else { return Ok(None) };
        let receipts = records::receipts(&self.0.store, number)?;
        Ok(receipts.map(|receipts| Whole { receipts: block.found(receipts), block }))
    }

    fn remember(&self, recent: Whole) {
        let mut kept = self.0.recent.write();
        kept.insert(recent.block.number(), Arc::new(recent));
        if kept.len() > RECENT_BLOCKS {
            kept.pop_first();
        }
    }

    /// The state after a block.
    ///
    /// # Errors
    /// [`StateError::Pruned`] and [`StateError::NotYet`] for heights that are not kept.
    pub fn state(&self, number: u64) -> Result<View, ChainError> {
        // The store's own head may be above ours, and its past costs more to read.
        let head = self.0.head.read();
        if head.header.number == number {
            return Ok(head.state.clone());
        }
        drop(head);
        Ok(self.0.store.at(number)?)
    }

    /// Makes a built block the head. It is durable when this returns.
    ///
    /// # Errors
    /// [`CommitError::NotOnHead`] if another block came first.
    pub fn commit(&self, built: Built) -> Result<(SealedBlock, Vec<FoundReceipt>), CommitError> {
        let staged = self.stage(built)?;
        self.confirm([&staged])?;
        Ok(staged.into_parts())
    }

    /// Makes a built block the tip, so that the next can be built on it; nobody else is told.
    ///
    /// # Errors
    /// [`CommitError::NotOnHead`] if another block came first.
    pub fn stage(&self, built: Built) -> Result<Staged, CommitError> {
        let _writing = self.writing();
        let tip = self.tip();
        if built.block.header.parent_hash != tip.hash() {
            let built_on = built.block.number().saturating_sub(1);
            return Err(CommitError::NotOnHead { built_on, head: tip.number });
        }
        Ok(self.stage_block(built)?)
    }

    /// Makes every staged block durable, and the last of `blocks`, which were staged one after the other, the head.
    ///
    /// # Errors
    /// The store failed; the chain must be opened again.
    pub fn confirm<'a>(
        &self,
        blocks: impl IntoIterator<Item = &'a Staged>,
    ) -> Result<(), ChainError> {
        self.0.store.flush()?;
        let Some(last) = blocks.into_iter().last() else { return Ok(()) };
        let mut head = self.0.head.write();
        if last.block.number() > head.header.number {
            *head = Known { header: last.block.header.clone(), state: last.state.clone() };
        }
        Ok(())
    }

    /// The feeds that recognised markets rest on after the tip. What is reported to them comes first in a prelude.
    pub fn recognised_feeds(&self) -> Arc<BTreeSet<FeedId>> {
        self.0.recognised.all()
    }

    /// Who is to be swept after the head.
    pub(crate) fn lookout(&self) -> &Lookout {
        &self.0.lookout
    }

    /// Taken by whoever moves the tip.
    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        self.0.writing.lock()
    }

    /// Completes the header with what execution gave. Nothing is written.
    pub(crate) fn seal(&self, header: Header, executed: Executed) -> Result<Built, ChainError> {
        let (prepared, header) =
            rayon::join(|| self.0.store.prepare(&executed.changes), || executed.complete(header));
        let prepared = prepared?;
        let header = Sealed::new(Header { state_root: prepared.root(), ..header });
        let Executed { transactions, receipts, log_hashes, changes, .. } = executed;
        let touched = touched(&changes);
        let block = SealedBlock { header, transactions };
        Ok(Built { block, receipts, log_hashes, prepared, touched })
    }

    /// Stages a block that follows the tip; the caller holds [`writing`](Self::writing).
    pub(crate) fn stage_block(&self, built: Built) -> Result<Staged, ChainError> {
        let Built { block, receipts, log_hashes, prepared, mut touched } = built;
        let number = block.number();
        let records = records::records(&self.0.store, &block, (&receipts, &log_hashes))?;
        self.0.store.stage(prepared, number, block.hash(), records)?;
        let state = self.0.store.at(number)?;
        self.0.lookout.follow(&state, Timestamp::new(block.header.timestamp), &mut touched)?;
        self.0.recognised.follow(&state, receipts.iter().flat_map(ReceiptEnvelope::logs))?;
        let receipts = block.found(receipts);
        self.remember(Whole { block: block.clone(), receipts: receipts.clone() });
        *self.0.tip.write() = block.header.clone();
        Ok(Staged { block, receipts, state })
    }
}

/// Block 0 on an empty store.
fn genesis_block(
    store: &Store,
    genesis: &Genesis,
    changes: &Changes,
) -> Result<(SealedBlock, Prepared), ChainError> {
    let prepared = store.prepare(changes)?;
    let header = Sealed::new(genesis.header(prepared.root()));
    Ok((SealedBlock { header, transactions: Vec::new() }, prepared))
}

fn position(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl SealedBlock {
    fn transaction(&self, index: u64) -> Option<FoundTransaction> {
        let transaction = self.transactions.get(position(index))?.clone();
        Some(FoundTransaction { transaction, place: self.place(index) })
    }

    /// Where the transaction with this position stands.
    pub fn place(&self, index: u64) -> Place {
        Place {
            block_number: self.number(),
            block_hash: self.hash(),
            timestamp: self.header.timestamp,
            base_fee: self.header.base_fee_per_gas.unwrap_or_default(),
            index,
        }
    }

    /// The block's receipts with what is told from their neighbours.
    fn found(&self, receipts: Vec<ReceiptEnvelope>) -> Vec<FoundReceipt> {
        let mut gas_before = 0;
        let mut first_log_index = 0;
        let numbered = (0_u64..).zip(self.transactions.iter().zip(receipts));
        let found = numbered.map(|(index, (transaction, receipt))| {
            let place = self.place(index);
            let gas_used = receipt.cumulative_gas_used() - gas_before;
            gas_before = receipt.cumulative_gas_used();
            let first = first_log_index;
            first_log_index += receipt.logs().len() as u64;
            FoundReceipt {
                place,
                gas_used,
                gas_price: gas_price(transaction, place.base_fee),
                first_log_index: first,
                created: created(transaction),
                transaction: transaction.clone(),
                receipt,
            }
        });
        found.collect()
    }
}

/// What was paid for a unit of gas; nothing for a prelude, which asks below the base fee.
fn gas_price(tx: &TxEnvelope, base_fee: u64) -> u128 {
    if tx.max_fee_per_gas() == 0 { 0 } else { tx.effective_gas_price(Some(base_fee)) }
}

fn created(tx: &Recovered<TxEnvelope>) -> Option<Address> {
    tx.kind().is_create().then(|| tx.signer().create(tx.nonce()))
}
