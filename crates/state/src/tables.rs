//! What is stored where: names of the tables, their keys and the encodings of small values.
//!
//! Every table maps bytes to bytes; numbers in keys are big-endian, so that keys sort by height.
//!
//! | Table | Key | Value |
//! |---|---|---|
//! | accounts | address | account |
//! | code | code hash | code |
//! | storage | address, slot | value without leading zeros |
//! | `account_trie` | path, a nibble a byte | RLP of the node there |
//! | `storage_trie` | address, path | RLP of the node there |
//! | `account_history` | address, block | account before the block, empty if absent |
//! | `storage_history` | address, slot, block | value before the block |
//! | `block_changes` | block | addresses and slots it changed |
//! | blocks | block | block hash, state root |
//! | system | name | schema, head, oldest readable height |
//! | journal | place | writes that are not in the tables yet, in the order of their places |

use crate::Damage;
use alloy_primitives::{Address, B256, U256};
use alloy_trie::Nibbles;

/// Tables that the chain crate fills with its own keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Block headers.
    Headers,
    /// Block bodies.
    Bodies,
    /// Receipts of a block.
    Receipts,
    /// Block hash to block number.
    BlockNumbers,
    /// Transaction hash to its place.
    Transactions,
    /// Anything else: votes, certificates, configuration.
    Meta,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] = [
        Self::Headers,
        Self::Bodies,
        Self::Receipts,
        Self::BlockNumbers,
        Self::Transactions,
        Self::Meta,
    ];
}

/// One write to a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Set `key` to `value`.
    Put {
        /// The table.
        table: Table,
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Remove `key`; nothing happens if it is not there.
    Delete {
        /// The table.
        table: Table,
        /// The key.
        key: Vec<u8>,
    },
}

impl Record {
    /// Sets `key` to `value`.
    pub fn put(table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { table, key: key.into(), value: value.into() }
    }

    /// Removes `key`.
    pub fn delete(table: Table, key: impl Into<Vec<u8>>) -> Self {
        Self::Delete { table, key: key.into() }
    }
}

/// Every table of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Accounts by address.
    Accounts,
    /// Code by its hash.
    Code,
    /// Slots by address and slot.
    Storage,
    /// Nodes of the account trie by path.
    AccountTrie,
    /// Nodes of storage tries by address and path.
    StorageTrie,
    /// Accounts before a block.
    AccountHistory,
    /// Slots before a block.
    StorageHistory,
    /// What a block changed.
    BlockChanges,
    /// Hash and state root of a block.
    Blocks,
    /// What the store notes of itself.
    System,
    /// [`Table::Headers`].
    Headers,
    /// [`Table::Bodies`].
    Bodies,
    /// [`Table::Receipts`].
    Receipts,
    /// [`Table::BlockNumbers`].
    BlockNumbers,
    /// [`Table::Transactions`].
    Transactions,
    /// [`Table::Meta`].
    Meta,
    /// Durable writes that the tables do not have yet.
    Journal,
}

impl From<Table> for Space {
    fn from(table: Table) -> Self {
        match table {
            Table::Headers => Self::Headers,
            Table::Bodies => Self::Bodies,
            Table::Receipts => Self::Receipts,
            Table::BlockNumbers => Self::BlockNumbers,
            Table::Transactions => Self::Transactions,
            Table::Meta => Self::Meta,
        }
    }
}

impl Space {
    /// In the order of the discriminants, so that they may index what there is one of for each.
    pub const ALL: [Self; 17] = [
        Self::Accounts,
        Self::Code,
        Self::Storage,
        Self::AccountTrie,
        Self::StorageTrie,
        Self::AccountHistory,
        Self::StorageHistory,
        Self::BlockChanges,
        Self::Blocks,
        Self::System,
        Self::Headers,
        Self::Bodies,
        Self::Receipts,
        Self::BlockNumbers,
        Self::Transactions,
        Self::Meta,
        Self::Journal,
    ];

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Code => "code",
            Self::Storage => "storage",
            Self::AccountTrie => "account_trie",
            Self::StorageTrie => "storage_trie",
            Self::AccountHistory => "account_history",
            Self::StorageHistory => "storage_history",
            Self::BlockChanges => "block_changes",
            Self::Blocks => "blocks",
            Self::System => "system",
            Self::Headers => "headers",
            Self::Bodies => "bodies",
            Self::Receipts => "receipts",
            Self::BlockNumbers => "block_numbers",
            Self::Transactions => "transactions",
            Self::Meta => "meta",
            Self::Journal => "journal",
        }
    }
}

/// Keys of the system table.
pub(crate) mod system {
    pub(crate) const SCHEMA: &[u8] = b"schema";
    pub(crate) const HEAD: &[u8] = b"head";
    pub(crate) const OLDEST: &[u8] = b"oldest";
}

pub(crate) const ADDRESS_BYTES: usize = 20;
pub(crate) const SLOT_KEY_BYTES: usize = ADDRESS_BYTES + 32;

/// The key of a slot in the storage table.
pub(crate) fn slot_key(address: Address, slot: U256) -> [u8; SLOT_KEY_BYTES] {
    let mut key = [0; SLOT_KEY_BYTES];
    key[..ADDRESS_BYTES].copy_from_slice(address.as_slice());
    key[ADDRESS_BYTES..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// The address and slot of a key of the storage table.
pub(crate) fn split_slot_key(key: &[u8], space: Space) -> Result<(Address, U256), Damage> {
    if key.len() != SLOT_KEY_BYTES {
        return Err(Damage::RowInvalid { table: space.name() });
    }
    let (address, slot) = key.split_at(ADDRESS_BYTES);
    Ok((Address::from_slice(address), U256::from_be_slice(slot)))
}

/// `key` followed by a height, the key of a history table.
pub(crate) fn height_key(key: &[u8], number: u64) -> Vec<u8> {
    [key, &number.to_be_bytes()].concat()
}

/// The table of the nodes of an account's storage trie, or of the account trie.
pub(crate) const fn trie_of(owner: Option<Address>) -> Space {
    if owner.is_some() { Space::StorageTrie } else { Space::AccountTrie }
}

/// The key of a trie node: the account for storage tries, then the path.
pub(crate) fn node_key(address: Option<Address>, path: &Nibbles) -> Vec<u8> {
    let mut key = Vec::with_capacity(ADDRESS_BYTES + path.len());
    if let Some(address) = address {
        key.extend_from_slice(address.as_slice());
    }
    key.extend(path.iter());
    key
}

/// A slot's value without leading zeros.
pub(crate) fn encode_value(value: U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

pub(crate) fn decode_value(bytes: &[u8], space: Space) -> Result<U256, Damage> {
    U256::try_from_be_slice(bytes).ok_or(Damage::RowInvalid { table: space.name() })
}

pub(crate) fn decode_number(bytes: &[u8], space: Space) -> Result<u64, Damage> {
    let bytes = bytes.try_into().map_err(|_| Damage::RowInvalid { table: space.name() })?;
    Ok(u64::from_be_bytes(bytes))
}

/// Two hashes, as the blocks table holds them.
pub(crate) fn decode_hashes(bytes: &[u8], space: Space) -> Result<(B256, B256), Damage> {
    if bytes.len() != 64 {
        return Err(Damage::RowInvalid { table: space.name() });
    }
    Ok((B256::from_slice(&bytes[..32]), B256::from_slice(&bytes[32..])))
}
