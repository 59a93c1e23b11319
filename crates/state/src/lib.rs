//! Authenticated state: flat values and a Merkle-Patricia trie over an embedded database.
//!
//! A [`Store`] keeps, in one file, the current value of every account and storage slot, the nodes
//! of Ethereum's Merkle-Patricia trie over them, what recent blocks changed, and the block records
//! of the chain crate. A block becomes part of it in two steps, because its header needs the state
//! root before its hash is known:
//!
//! 1. [`Store::prepare`] computes the root that [`Changes`] lead to, and writes nothing;
//! 2. [`Store::commit`] writes state, trie, history and records in one durable transaction.
//!
//! A process killed at any moment finds, when it opens the file again, exactly the blocks whose
//! commit was acknowledged, and at most the one that was being written.
//!
//! | Module | Concept |
//! |---|---|
//! | `changes` | what a block changes, as the EVM reports it |
//! | `trie` | the part of a trie one block touches: insert, remove, root, proof |
//! | `prepare` | from changes to trie nodes and root |
//! | `forest` | the tries in memory, ahead of the database |
//! | `store` | opening a store, and what can be asked of it |
//! | `commit` | writing a block in one transaction |
//! | `pending` | what is not in the tables yet: staged, then in the journal |
//! | `journal` | the rows that make a batch durable before the tables have it |
//! | `layer` | reading tables under such batches |
//! | `history` | reverse diffs of recent blocks |
//! | `view` | consistent reads at one height, for the EVM and for RPC |
//! | `proof` | EIP-1186 proofs |
//! | `check` | the operator's integrity check |
//! | `export` | a snapshot to carry a store to another machine |
//! | `tables` | names, keys and encodings of what is stored |
//! | `database` | what is asked of an embedded database |
//! | `embedded` | the database that is used |
//!
//! A view at height `N` reads a value as
//!
//! ```text
//! value(N) = previous value noted by the first block above N that changed it,
//!            or the current value if no later block did
//! ```

mod account;
mod changes;
mod check;
mod commit;
mod database;
mod embedded;
mod error;
mod export;
mod forest;
mod history;
mod journal;
mod layer;
mod overlay;
mod pending;
mod prepare;
mod proof;
mod snapshot;
mod store;
mod tables;
mod trie;
mod view;

pub use account::{Account, AccountInfo};
pub use changes::{AccountChange, Changes};
pub use check::CheckReport;
pub use database::{Database, Row, Rows, Tables, WriteRef, Writes};
pub use embedded::{InMemoryBackend, StorageBackend, panics_are_caught};
pub use error::{Cause, Damage, StateError};
pub use export::{SnapshotError, SnapshotInfo};
pub use prepare::Prepared;
pub use proof::{AccountProof, StorageProof};
pub use snapshot::Head;
pub use store::{HISTORY_BLOCKS, OpenCheck, Options, Recovery, SCHEMA, Store};
pub use tables::{Record, Space, Table};
pub use view::View;
