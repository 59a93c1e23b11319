//! What can go wrong: the caller's mistakes, and storage that failed or is damaged.

use alloy_primitives::{Address, B256};
use alloy_trie::Nibbles;
use std::path::PathBuf;

/// What the database library says.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Everything this crate reports.
///
/// `Pruned`, `NotYet` and `NoBlocks` answer a reader's question; `WrongNumber`, `StalePrepared`,
/// `CodeUnknown`, `CodeHashMismatch` and `StorageWithoutAccount` are mistakes of the caller; the
/// others mean that the storage failed or is broken, and the node must stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is no database: the file is missing or empty, or holds no block.
    #[error("there is no database {path}", path = .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or another [`Store`](crate::Store) of this one, holds the file.
    #[error("the database {path} is already in use: stop the node that has it open", path = .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be opened, or is not an intact database.
    #[error("cannot open the database {path}: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the database library says.
        source: Cause,
    },
    /// The database library panicked while opening the file, as it does on some files that were
    /// altered behind its back.
    #[error("the database {path} is damaged beyond opening: restore a snapshot", path = .path.display())]
    Unopenable {
        /// The file.
        path: PathBuf,
    },
    /// An intact database, but not one that Gage wrote.
    #[error("{path} is a database of another program", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a version of Gage with another layout.
    #[error("the database has schema {found}, this version reads schema {expected}")]
    WrongSchema {
        /// The schema in the file.
        found: u32,
        /// The schema this version reads and writes.
        expected: u32,
    },
    /// The database failed while in use (disk full, I/O error).
    #[error("the database failed: {0}")]
    Database(#[source] Cause),
    /// What is stored contradicts itself.
    #[error("the database is damaged: {0}")]
    Damaged(#[from] Damage),
    /// The store holds no block yet.
    #[error("the store holds no block yet")]
    NoBlocks,
    /// The state at this height was discarded.
    #[error("the state at block {asked} was pruned, the oldest kept is {oldest}")]
    Pruned {
        /// The height asked for.
        asked: u64,
        /// The lowest height that can be read.
        oldest: u64,
    },
    /// This height was not committed yet.
    #[error("block {asked} is not known yet, the head is {head}")]
    NotYet {
        /// The height asked for.
        asked: u64,
        /// The last committed height.
        head: u64,
    },
    /// A commit must extend the head by one, or start at zero.
    #[error("block {got} cannot be committed, the next one is {expected}")]
    WrongNumber {
        /// The number given.
        got: u64,
        /// The number that comes next.
        expected: u64,
    },
    /// The changes were prepared on another head than the current one.
    #[error("the block was prepared on head {prepared_on:?}, the head is {head:?}")]
    StalePrepared {
        /// The number of the head it was prepared on, `None` for an empty store.
        prepared_on: Option<u64>,
        /// The number of the head now.
        head: Option<u64>,
    },
    /// An account refers to code that is neither stored nor part of the changes.
    #[error("account {address} has code {code_hash}, which is not known")]
    CodeUnknown {
        /// The account.
        address: Address,
        /// The hash of the code it refers to.
        code_hash: B256,
    },
    /// The code given with an account is not the one its hash names.
    #[error("account {address} states code hash {stated}, its code hashes to {actual}")]
    CodeHashMismatch {
        /// The account.
        address: Address,
        /// The hash in the account.
        stated: B256,
        /// The hash of the code given.
        actual: B256,
    },
    /// Storage written to an account that is removed or empty, which would be lost: such an
    /// account does not exist (EIP-161). Give it a nonce of one.
    #[error("storage written to account {address}, which is empty or removed")]
    StorageWithoutAccount {
        /// The account.
        address: Address,
    },
}

/// How the stored data contradicts itself. Nothing a caller does leads here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The database library panicked while reading, as it does on some pages that were altered behind
    /// its back.
    #[error("a page cannot be read: restore a snapshot")]
    Page,
    /// A trie refers to a node that is not there. `address` is `None` for the account trie.
    #[error("trie node {path:?} of {address:?} is missing")]
    NodeMissing {
        /// The account whose storage trie it is.
        address: Option<Address>,
        /// Where the node should be.
        path: Nibbles,
    },
    /// A trie node cannot be decoded.
    #[error("trie node {path:?} of {address:?} cannot be decoded: {source}")]
    NodeInvalid {
        /// The account whose storage trie it is, `None` for the account trie.
        address: Option<Address>,
        /// Where the node is.
        path: Nibbles,
        /// Why.
        source: alloy_rlp::Error,
    },
    /// A trie node is not the one its parent refers to.
    #[error("trie node {path:?} of {address:?} is not the one its parent refers to")]
    NodeMismatch {
        /// The account whose storage trie it is, `None` for the account trie.
        address: Option<Address>,
        /// Where the node is.
        path: Nibbles,
    },
    /// Nodes that no trie refers to, or fewer than the tries refer to.
    #[error("{stored} trie nodes are stored, the tries consist of {reachable}")]
    NodeCount {
        /// Nodes in the tables.
        stored: u64,
        /// Nodes reachable from the roots.
        reachable: u64,
    },
    /// A row of this table has a key or a value of the wrong shape.
    #[error("a row of table {table} cannot be decoded")]
    RowInvalid {
        /// The table.
        table: &'static str,
    },
    /// Code that an account refers to is not stored.
    #[error("code {code_hash} is missing")]
    CodeMissing {
        /// The hash of the code.
        code_hash: B256,
    },
    /// Stored code does not hash to its key, or is not valid.
    #[error("code {code_hash} is invalid")]
    CodeInvalid {
        /// The hash of the code.
        code_hash: B256,
    },
    /// A committed block has no entry.
    #[error("block {number} has no entry")]
    BlockMissing {
        /// The block.
        number: u64,
    },
    /// The values at a height do not lead to the state root of that height.
    #[error("the values at block {number} lead to root {computed}, stored is {stored}")]
    StateRoot {
        /// The height.
        number: u64,
        /// The root stored with the block.
        stored: B256,
        /// The root the values lead to.
        computed: B256,
    },
    /// The slots of an account do not lead to its storage root.
    #[error("the slots of {address} lead to root {computed}, stored is {stored}")]
    StorageRoot {
        /// The account.
        address: Address,
        /// The root stored with the account.
        stored: B256,
        /// The root its slots lead to.
        computed: B256,
    },
    /// Slots are stored for an account that does not exist.
    #[error("slots are stored for {address}, which does not exist")]
    StrayStorage {
        /// The account.
        address: Address,
    },
}

/// The EVM passes these through as fatal database errors.
impl revm::database_interface::DBErrorMarker for StateError {}
