//! The tries as they are in memory, ahead of the database.
//!
//! The nodes of a [`Forest`] are those that blocks have read or made. Every block makes a forest of its own, which
//! shares with the one before what the block did not change. The database gets nodes only now and then, as
//! [`Behind`] decides, since most of them change again soon; it notes of which block they are. What a crash leaves is
//! made good from what the blocks since then changed ([`Forest::after_crash`]).

use crate::{
    Account, Damage, Head, StateError,
    database::Batch,
    history::{self, ChangedKeys},
    prepare,
    snapshot::Snapshot,
    tables::{self, Space, system},
    trie::{self, Grown, Node, StoredNodes, Trie},
};
use alloy_primitives::{Address, B256, U256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Blocks whose nodes are only in memory, at most, and never more than half of the history that is kept.
const BLOCKS_MAX: u64 = 64;

/// How many nodes the database may lack, about, however fast it writes: one takes less than a kibibyte of memory.
const UNWRITTEN_MAX: usize = 1 << 17;

/// And however slowly.
const UNWRITTEN_MIN: usize = 1 << 12;

/// How long a block waits for its batch if that has the nodes in it, about.
const WRITE_TIME: Duration = Duration::from_millis(250);

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
    pub(crate) fn put_nodes(&self, vacated: &Vacated, batch: &mut Batch) {
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
    fn mark_written(&self) {
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

    /// The tries of the head, where the database has the nodes of an earlier block, from the keys that blocks have
    /// changed since; and how far the database is behind.
    ///
    /// # Errors
    ///
    /// `Damaged` if the values do not lead to the head's roots; otherwise only if the storage fails.
    pub(crate) fn after_crash(
        snapshot: &Snapshot,
        (nodes_of, head): (u64, Head),
    ) -> Result<(Self, Behind), StateError> {
        let changed = ChangedKeys::after(snapshot, nodes_of)?;
        let mut forest = Self::default();
        let mut behind =
            Behind { blocks: head.number.saturating_sub(nodes_of), ..Behind::default() };
        let mut slots: BTreeMap<Address, BTreeMap<U256, U256>> = BTreeMap::new();
        for (address, slot) in changed.slots {
            let value = snapshot.slot(address, slot)?;
            slots.entry(address).or_default().insert(slot, value);
        }
        for (address, slots) in slots {
            let then = history::account_at(snapshot, address, nodes_of)?;
            let mut trie = forest.trie(snapshot, Some(address), storage_root(then));
            trie.set_all(prepare::sorted(slots.into_iter()))?;
            let (computed, grown) = trie.finish();
            let stored = storage_root(snapshot.account(address)?);
            if computed != stored {
                return Err(Damage::StorageRoot { address, stored, computed }.into());
            }
            behind.vacated.extend(forest.set(Some(address), grown));
        }
        let leaf = |address: &Address| {
            let account = snapshot.account(*address)?;
            Ok((trie::key(address), account.map(|account| account.trie_value())))
        };
        let leaves = changed.accounts.iter().map(leaf).collect::<Result<_, StateError>>()?;
        let (_, then) = snapshot.block(nodes_of)?;
        let mut trie = forest.trie(snapshot, None, then);
        trie.set_all(leaves)?;
        let (computed, grown) = trie.finish();
        let Head { number, state_root: stored, .. } = head;
        if computed != stored {
            return Err(Damage::StateRoot { number, stored, computed }.into());
        }
        behind.vacated.extend(forest.set(None, grown));
        behind.unwritten = std::mem::take(&mut forest.made);
        Ok((forest, behind))
    }
}

fn storage_root(account: Option<Account>) -> B256 {
    account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root)
}

/// What a block does to the tries.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) number: u64,
    pub(crate) forest: Arc<Forest>,
    pub(crate) vacated: Vacated,
    /// How many more nodes the database does not have, about.
    unwritten: usize,
}

impl Step {
    pub(crate) fn new(number: u64, mut forest: Forest, vacated: Vacated) -> Self {
        let unwritten = std::mem::take(&mut forest.made);
        Self { number, forest: forest.into(), vacated, unwritten }
    }
}

/// How far the nodes in the database are behind its blocks.
#[derive(Debug)]
pub(crate) struct Behind {
    blocks: u64,
    unwritten: usize,
    vacated: Vacated,
    /// How many nodes are to wait at most, by how long it took to write the last ones.
    unwritten_max: usize,
}

impl Default for Behind {
    fn default() -> Self {
        let vacated = Vacated::new();
        Self { blocks: 0, unwritten: 0, vacated, unwritten_max: 4 * UNWRITTEN_MIN }
    }
}

impl Behind {
    /// Counts a block that the database is about to have.
    pub(crate) fn add(&mut self, step: &Step) {
        self.blocks += 1;
        self.unwritten += step.unwritten;
        self.vacated.extend_from_slice(&step.vacated);
    }

    /// The database does not have that block after all, of those that were added last.
    pub(crate) fn take_back(&mut self, step: &Step) {
        self.blocks -= 1;
        self.unwritten -= step.unwritten;
        self.vacated.truncate(self.vacated.len() - step.vacated.len());
    }

    /// Whether the nodes of block `number` are to be written with it. The first block's always are: nothing says
    /// what it changed.
    pub(crate) fn is_far(&self, number: u64, history_blocks: u64) -> bool {
        let has_none = self.blocks > number;
        let blocks_max = BLOCKS_MAX.min(history_blocks / 2);
        has_none || self.blocks >= blocks_max || self.unwritten >= self.unwritten_max
    }

    /// Puts the nodes of a block's tries into the batch that makes the block durable.
    pub(crate) fn put(&self, step: &Step, batch: &mut Batch) {
        step.forest.put_nodes(&self.vacated, batch);
        batch.put(Space::System, system::NODES, step.number.to_be_bytes());
    }

    /// The database has these nodes now, and took so long to write them.
    pub(crate) fn caught_up(&mut self, forest: &Forest, took: Duration) {
        forest.mark_written();
        let in_time = WRITE_TIME.as_micros() as usize * self.unwritten.max(1);
        let in_time = in_time / (took.as_micros() as usize).max(1);
        let unwritten_max = in_time.clamp(UNWRITTEN_MIN, UNWRITTEN_MAX).min(self.unwritten_max * 2);
        *self = Self { unwritten_max, ..Self::default() };
    }
}
