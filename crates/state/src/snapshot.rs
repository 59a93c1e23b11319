//! One read transaction over every table: what all readers in this crate build on.

use crate::{
    Account, Damage, StateError,
    database::{Rows, Tables},
    forest::Forest,
    layer::{Layer, Layered},
    tables::{self, Space, system},
    trie::{StoredNodes, Trie},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::Nibbles;
use hashbrown::DefaultHashBuilder;
use std::{ops::Bound, sync::Arc};

/// A block's place and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The root of the state after it.
    pub state_root: B256,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [&self.number.to_be_bytes(), self.hash.as_slice(), self.state_root.as_slice()].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let invalid = Damage::RowInvalid { table: Space::System.name() };
        let (number, hashes) = bytes.split_at_checked(8).ok_or(invalid)?;
        let number = tables::decode_number(number, Space::System)?;
        let (hash, state_root) = tables::decode_hashes(hashes, Space::System)?;
        Ok(Self { number, hash, state_root })
    }
}

/// The database as of one commit; later commits do not show. Clones are of the same moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    tables: Arc<dyn Tables>,
    forest: Arc<Forest>,
    /// What the tables lack, block by block.
    layers: Arc<Vec<Arc<Layer>>>,
}

impl Snapshot {
    /// Tables under layers, and the tries of their head as far as they are in memory.
    pub(crate) fn new(
        base: Box<dyn Tables>,
        layers: Arc<Vec<Arc<Layer>>>,
        forest: Arc<Forest>,
        hasher: &DefaultHashBuilder,
    ) -> Self {
        let tables: Arc<dyn Tables> = if layers.is_empty() {
            base.into()
        } else {
            let (layers, hasher) = (Arc::clone(&layers), hasher.clone());
            Arc::new(Layered { base, layers, hasher })
        };
        Self { tables, forest, layers }
    }

    /// Tables that have every node of their head's tries.
    pub(crate) fn whole(tables: Box<dyn Tables>) -> Self {
        Self { tables: tables.into(), forest: Arc::default(), layers: Arc::default() }
    }

    /// The tries of the head.
    pub(crate) fn forest(&self) -> &Forest {
        &self.forest
    }

    /// The tries of a block that the tables do not have yet, if they are still in memory.
    pub(crate) fn forest_of(&self, number: u64) -> Option<&Forest> {
        let mut steps = self.layers.iter().rev().filter_map(|layer| layer.step());
        steps.find(|step| step.number == number).map(|step| &*step.forest)
    }

    /// The trie of an account's storage, or of the accounts, at the head, where its root is as given.
    pub(crate) fn trie(&self, owner: Option<Address>, root: B256) -> Trie<StoredNodes<'_>> {
        self.forest.trie(self, owner, root)
    }

    /// Number of rows of a table.
    pub(crate) fn len(&self, space: Space) -> Result<u64, StateError> {
        self.tables.len(space)
    }

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.tables.get(space, key)
    }

    /// What `read` makes of the value of `key`.
    fn read<T>(
        &self,
        space: Space,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, Damage>,
    ) -> Result<Option<T>, StateError> {
        Ok(self.get(space, key)?.map(|value| read(&value)).transpose()?)
    }

    pub(crate) fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        // A range that ends before it starts is empty.
        let (from, to) = match (from, to) {
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b))
                if a > b =>
            {
                (Bound::Included(a), Bound::Excluded(a))
            }
            bounds => bounds,
        };
        self.tables.range(space, from, to)
    }

    /// The rows whose key starts with `prefix`.
    pub(crate) fn with_prefix(&self, space: Space, prefix: &[u8]) -> Result<Rows, StateError> {
        let end = after_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.range(space, Bound::Included(prefix), to)
    }

    pub(crate) fn head(&self) -> Result<Option<Head>, StateError> {
        self.read(Space::System, system::HEAD, Head::decode)
    }

    /// The lowest height whose state can be read.
    pub(crate) fn oldest(&self) -> Result<u64, StateError> {
        let decode = |bytes: &[u8]| tables::decode_number(bytes, Space::System);
        Ok(self.read(Space::System, system::OLDEST, decode)?.unwrap_or_default())
    }

    /// Hash and state root of a committed block.
    pub(crate) fn block(&self, number: u64) -> Result<(B256, B256), StateError> {
        let decode = |bytes: &[u8]| tables::decode_hashes(bytes, Space::Blocks);
        let hashes = self.read(Space::Blocks, &number.to_be_bytes(), decode)?;
        Ok(hashes.ok_or(Damage::BlockMissing { number })?)
    }

    pub(crate) fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        let decode = |bytes: &[u8]| Account::decode(bytes, Space::Accounts);
        self.read(Space::Accounts, address.as_slice(), decode)
    }

    pub(crate) fn slot(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let decode = |bytes: &[u8]| tables::decode_value(bytes, Space::Storage);
        let value = self.read(Space::Storage, &tables::slot_key(address, slot), decode)?;
        Ok(value.unwrap_or_default())
    }

    /// The slots of an account that are not zero, by slot.
    pub(crate) fn slots(
        &self,
        address: Address,
    ) -> Result<impl Iterator<Item = Result<(U256, U256), StateError>> + use<>, StateError> {
        Ok(self.with_prefix(Space::Storage, address.as_slice())?.map(|row| {
            let (key, value) = row?;
            let (_, slot) = tables::split_slot_key(&key, Space::Storage)?;
            Ok((slot, tables::decode_value(&value, Space::Storage)?))
        }))
    }

    pub(crate) fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StateError> {
        Ok(self.get(Space::Code, code_hash.as_slice())?.map(Bytes::from))
    }

    /// The RLP of a stored trie node.
    pub(crate) fn node(
        &self,
        address: Option<Address>,
        path: &Nibbles,
    ) -> Result<Vec<u8>, StateError> {
        let node = self.get(tables::trie_of(address), &tables::node_key(address, path))?;
        Ok(node.ok_or(Damage::NodeMissing { address, path: *path })?)
    }
}

/// The first key after all that start with `prefix`, `None` if there is none.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}
