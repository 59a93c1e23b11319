//! What the server needs of a node beyond its chain.

use std::{collections::BTreeMap, error::Error, sync::Arc};

use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, TxHash, U256};
use gage_abi::IOracle::{ProviderMessage, SignedReport};
use gage_chain::{FoundReceipt, SealedBlock};
use tokio::sync::broadcast;

/// A block that became the head.
#[derive(Debug)]
pub struct Head {
    /// The block.
    pub block: SealedBlock,
    /// Its receipts, in the order of its transactions.
    pub receipts: Vec<FoundReceipt>,
}

/// How many transactions wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Those that a next block may take.
    pub pending: usize,
    /// Those behind a gap in their sender's nonces.
    pub queued: usize,
}

/// Waiting transactions by sender and nonce.
pub type Waiting = BTreeMap<Address, BTreeMap<u64, Recovered<TxEnvelope>>>;

/// Which transactions wait.
#[derive(Clone, Debug, Default)]
pub struct PoolContent {
    /// Those that a next block may take.
    pub pending: Waiting,
    /// Those behind a gap in their sender's nonces.
    pub queued: Waiting,
}

/// How far a node that is behind has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syncing {
    /// The head when it began.
    pub starting_block: u64,
    /// The head.
    pub current_block: u64,
    /// The best block known of.
    pub highest_block: u64,
}

/// Why a node did not do what it was asked, sorted by fault.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The caller's fault; the message is the caller's to read, and clients match on its beginning
    /// ("nonce too low", "already known", "replacement transaction underpriced").
    #[error(transparent)]
    Refused(Box<dyn Error + Send + Sync>),
    /// The node's own.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
}

impl NodeError {
    /// The caller's fault.
    pub fn refused(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(error.into())
    }

    /// The node's own fault.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

/// A node as the server sees it. Methods may block (locks, signatures, disk): the server calls them
/// on threads that may.
pub trait NodeHandle: Send + Sync + 'static {
    /// Takes an encoded transaction (EIP-2718) into the pool.
    ///
    /// # Errors
    /// [`NodeError::Refused`] with the reason in the words that clients know.
    fn submit_raw(&self, bytes: &[u8]) -> Result<TxHash, NodeError>;

    /// A waiting transaction.
    fn pool_transaction(&self, hash: TxHash) -> Option<Recovered<TxEnvelope>>;

    /// How many transactions wait.
    fn pool_status(&self) -> PoolStatus;

    /// Every waiting transaction.
    fn pool_content(&self) -> PoolContent;

    /// The nonce that the sender's next transaction should have: after those that wait, and those in blocks
    /// that are not announced yet.
    ///
    /// # Errors
    /// [`NodeError::Failed`] if the state cannot be read.
    fn next_nonce(&self, sender: Address) -> Result<u64, NodeError>;

    /// Takes signed price reports for the next prelude.
    ///
    /// # Errors
    /// [`NodeError::Refused`] for the first that could not be applied at the head, by name; none
    /// after it is taken.
    fn submit_reports(&self, reports: Vec<SignedReport>) -> Result<(), NodeError>;

    /// Takes other oracles' messages for the next prelude.
    ///
    /// # Errors
    /// [`NodeError::Refused`] for the first that does not verify at the head, or says nothing new; none
    /// after it is taken.
    fn submit_messages(&self, messages: Vec<ProviderMessage>) -> Result<(), NodeError>;

    /// Every head from now on.
    fn subscribe_heads(&self) -> broadcast::Receiver<Arc<Head>>;

    /// Every transaction that enters the pool from now on.
    fn subscribe_pending(&self) -> broadcast::Receiver<TxHash>;

    /// Unix seconds that a block built now would carry; not before the head's.
    fn next_timestamp(&self) -> u64;

    /// A tip with which a transaction is likely in the next block, in wei per gas.
    fn tip_suggestion(&self) -> u128;

    /// Name and version, as `web3_clientVersion` has it: `gage/v0.1.0`.
    fn client_version(&self) -> String;

    /// Who receives the tips of the blocks that this node produces.
    fn beneficiary(&self) -> Address;

    /// How far the node has come; `None` if it is not behind.
    fn syncing(&self) -> Option<Syncing> {
        None
    }

    /// How many other nodes it is connected to.
    fn peer_count(&self) -> u64 {
        0
    }

    /// What only a development node can do.
    fn dev(&self) -> Option<&dyn DevHandle> {
        None
    }
}

/// What a development node can do besides.
pub trait DevHandle: Send + Sync {
    /// Produces so many blocks now.
    ///
    /// # Errors
    /// A block could not be produced.
    fn mine(&self, blocks: u64) -> Result<(), NodeError>;

    /// Moves the node's time forward. Returns by how many seconds it is ahead in all.
    ///
    /// # Errors
    /// Time would leave its range.
    fn increase_time(&self, seconds: u64) -> Result<u64, NodeError>;

    /// Sets the next block's time, in Unix seconds; later blocks go on from there.
    ///
    /// # Errors
    /// It is before the head's.
    fn set_next_timestamp(&self, timestamp: u64) -> Result<(), NodeError>;

    /// Sends native coin, in wei. Returns the transaction that does it, now in the pool.
    ///
    /// # Errors
    /// The faucet has less, or the pool refused.
    fn faucet(&self, to: Address, amount: U256) -> Result<TxHash, NodeError>;
}
