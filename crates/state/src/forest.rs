//! The tries as they are in memory, ahead of the database.
//!
//! The nodes of a [`Forest`] are those that blocks have read or made. Every block makes a forest of its own, which
//! shares with the one before what the block did not change. The database gets nodes at a checkpoint, with the values
//! that they are over. Those of later blocks are made anew when a store is opened ([`Forest::reopened`]).

use crate::{
    Account, Damage, Head, StateError,
    database::Batch,
    history::ChangedKeys,
    prepare,
    snapshot::Snapshot,
    tables,
    trie::{self, Grown, Node, StoredNodes, Trie},
};
use alloy_primitives::{Address, B256, U256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use std::{collections::BTreeMap, sync::Arc};

/// Nodes in memory from which on those that the database has are forgotten.
const OPEN_MAX: usize = 1 << 18;

/// The tries of one block, as far as they are in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forest {
    /// The account trie, `None` if nothing of it is in memory.
    accounts: Option<Node>,
    /// Storage tries that are not empty.
    storages: BTreeMap<Address, Node>,
    /// How many nodes, about.
    open: usize,
    /// How many nodes were made since this was asked last, about.
    made: usize,
}

/// Paths at which the database has nodes that are no more, with the account for those of a storage trie.
pub(crate) type Vacated = Vec<(Option<Address>, Nibbles)>;

impl Forest {
    /// The trie of `owner`'s storage, or of the accounts, whose root is given.
    pub(crate) fn trie<'a>(
        &self,
        snapshot: &'a Snapshot,
        owner: Option<Address>,
        root: B256,
    ) -> Trie<StoredNodes<'a>> {
        let open = match owner {
            Some(address) => self.storages.get(&address),
            None => self.accounts.as_ref(),
        };
        let node = open.cloned().or_else(|| Node::stored(root));
        Trie::new(StoredNodes { snapshot, owner }, node)
    }

    /// Takes over what became of a trie, and returns the paths that it left.
    pub(crate) fn set(&mut self, owner: Option<Address>, grown: Grown) -> Vacated {
        self.open += grown.opened;
        self.made += grown.unwritten;
        match (owner, grown.root) {
            (None, root) => self.accounts = root,
            (Some(address), Some(root)) => {
                self.storages.insert(address, root);
            }
            (Some(address), None) => {
                self.storages.remove(&address);
            }
        }
        grown.vacated.into_iter().map(|path| (owner, path)).collect()
    }

    /// Puts into a batch what the database lacks to have every node of these tries, and no other.
    pub(crate) fn put_nodes<'a>(
        &self,
        vacated: impl Iterator<Item = &'a (Option<Address>, Nibbles)>,
        batch: &mut Batch,
    ) {
        for (owner, path) in vacated {
            batch.remove(tables::trie_of(*owner), tables::node_key(*owner, path));
        }
        // Where there is a node again, the last write counts.
        for (owner, root) in self.roots() {
            let space = tables::trie_of(owner);
            root.unwritten(|path, rlp| batch.put(space, tables::node_key(owner, &path), rlp));
        }
    }

    /// Notes that the database has every node.
    pub(crate) fn mark_written(&self) {
        self.roots().for_each(|(_, root)| root.mark_written());
    }

    /// Whether it is time to forget what the database has.
    pub(crate) fn is_large(&self) -> bool {
        self.open > OPEN_MAX
    }

    /// Without the nodes that the database has.
    pub(crate) fn shrunk(self) -> Self {
        let mut open = 0;
        let mut left = |root: Node| {
            let (root, nodes) = root.shrunk();
            open += nodes;
            (nodes > 0).then_some(root)
        };
        let accounts = self.accounts.and_then(&mut left);
        let storages = self.storages.into_iter();
        let storages = storages.filter_map(|(address, root)| Some((address, left(root)?)));
        let storages = storages.collect();
        Self { accounts, storages, open, made: self.made }
    }

    fn roots(&self) -> impl Iterator<Item = (Option<Address>, &Node)> {
        let storages = self.storages.iter().map(|(address, root)| (Some(*address), root));
        self.accounts.iter().map(|root| (None, root)).chain(storages)
    }

    /// The tries over the values of `now`, where the tables of `base` are those of the last checkpoint and `changed`
    /// is what differs since then.
    ///
    /// # Errors
    ///
    /// `Damaged` if the values do not lead to the head's roots; otherwise only if the storage fails.
    pub(crate) fn reopened(
        base: &Snapshot,
        now: &Snapshot,
        changed: ChangedKeys,
    ) -> Result<Step, StateError> {
        let mut forest = Self::default();
        let mut vacated = Vacated::new();
        let mut slots: BTreeMap<Address, BTreeMap<U256, U256>> = BTreeMap::new();
        for (address, slot) in changed.slots {
            slots.entry(address).or_default().insert(slot, now.slot(address, slot)?);
        }
        for (address, slots) in slots {
            let mut trie = forest.trie(base, Some(address), storage_root(base.account(address)?));
            trie.set_all(prepare::sorted(slots.into_iter()))?;
            let (computed, grown) = trie.finish();
            let stored = storage_root(now.account(address)?);
            if computed != stored {
                return Err(Damage::StorageRoot { address, stored, computed }.into());
            }
            vacated.extend(forest.set(Some(address), grown));
        }
        let leaf = |address: &Address| {
            let account = now.account(*address)?;
            Ok((trie::key(address), account.map(|account| account.trie_value())))
        };
        let leaves = changed.accounts.iter().map(leaf).collect::<Result<_, StateError>>()?;
        let root = |head: Option<Head>| head.map_or(EMPTY_ROOT_HASH, |head| head.state_root);
        let mut trie = forest.trie(base, None, root(base.head()?));
        trie.set_all(leaves)?;
        let (computed, grown) = trie.finish();
        let head = now.head()?;
        let number = head.map_or(0, |head| head.number);
        if computed != root(head) {
            return Err(Damage::StateRoot { number, stored: root(head), computed }.into());
        }
        vacated.extend(forest.set(None, grown));
        Ok(Step::new(number, forest, vacated))
    }
}

fn storage_root(account: Option<Account>) -> B256 {
    account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root)
}

/// What a block does to the tries.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The block.
    pub(crate) number: u64,
    pub(crate) forest: Arc<Forest>,
    pub(crate) vacated: Vacated,
    /// How many more nodes the database does not have, about.
    pub(crate) unwritten: usize,
}

impl Step {
    pub(crate) fn new(number: u64, mut forest: Forest, vacated: Vacated) -> Self {
        let unwritten = std::mem::take(&mut forest.made);
        Self { number, forest: forest.into(), vacated, unwritten }
    }
}
