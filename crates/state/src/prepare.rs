//! From changes to the values, trie nodes and root a block leads to, without writing any of them.

use crate::{
    Account, AccountChange, Changes, Head, StateError,
    snapshot::Snapshot,
    trie::{NodeChanges, StoredNodes, Trie},
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use std::collections::BTreeMap;

/// An old and a new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change<T> {
    pub(crate) old: T,
    pub(crate) new: T,
}

/// Everything a block does to the state, ready to be committed on the head it was prepared on.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The head this builds on, `None` for an empty store.
    pub(crate) base: Option<Head>,
    pub(crate) root: B256,
    pub(crate) accounts: BTreeMap<Address, Change<Option<Account>>>,
    pub(crate) slots: BTreeMap<(Address, U256), Change<U256>>,
    pub(crate) code: BTreeMap<B256, Bytes>,
    pub(crate) account_nodes: NodeChanges,
    pub(crate) storage_nodes: BTreeMap<Address, NodeChanges>,
}

impl Prepared {
    /// The root of the state after these changes.
    pub fn root(&self) -> B256 {
        self.root
    }

    /// The head this was prepared on, `None` for an empty store. Only on that head can it be
    /// committed.
    pub fn base(&self) -> Option<Head> {
        self.base
    }

    /// How many accounts and slots really change.
    pub fn len(&self) -> usize {
        self.accounts.len() + self.slots.len()
    }

    /// Whether the state stays as it is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The effect of `changes` on the state of `snapshot`.
    pub(crate) fn new(snapshot: &Snapshot, changes: &Changes) -> Result<Self, StateError> {
        let base = snapshot.head()?;
        let mut prepared = Self {
            base,
            root: base.map_or(EMPTY_ROOT_HASH, |head| head.state_root),
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            code: new_code(changes)?,
            account_nodes: NodeChanges::new(),
            storage_nodes: BTreeMap::new(),
        };
        for (address, change) in &changes.accounts {
            prepared.apply(snapshot, *address, change)?;
        }
        prepared.root_accounts(snapshot)?;
        Ok(prepared)
    }

    fn apply(
        &mut self,
        snapshot: &Snapshot,
        address: Address,
        change: &AccountChange,
    ) -> Result<(), StateError> {
        let old = snapshot.account(address)?;
        let info = change.info_if_any();
        if info.is_none() && change.storage.values().any(|value| !value.is_zero()) {
            return Err(StateError::StorageWithoutAccount { address });
        }
        if let Some(code_hash) = info.map(|info| info.code_hash)
            && code_hash != KECCAK256_EMPTY
            && old.is_none_or(|old| old.info.code_hash != code_hash)
            && !self.code.contains_key(&code_hash)
            && snapshot.code(code_hash)?.is_none()
        {
            return Err(StateError::CodeUnknown { address, code_hash });
        }
        let slots = changed_slots(snapshot, address, old, change)?;
        let old_root = old.unwrap_or_default().storage_root;
        let storage_root = self.root_storage(snapshot, address, old_root, &slots)?;
        self.slots.extend(slots.into_iter().map(|(slot, change)| ((address, slot), change)));
        let new = info.map(|info| Account { info, storage_root });
        if old != new {
            self.accounts.insert(address, Change { old, new });
        }
        Ok(())
    }

    fn root_storage(
        &mut self,
        snapshot: &Snapshot,
        address: Address,
        old_root: B256,
        slots: &BTreeMap<U256, Change<U256>>,
    ) -> Result<B256, StateError> {
        if slots.is_empty() {
            return Ok(old_root);
        }
        let mut trie = Trie::new(StoredNodes { snapshot, owner: Some(address) }, old_root);
        for (key, value) in sorted(slots.iter().map(|(slot, change)| (*slot, change.new))) {
            trie.set(key, value)?;
        }
        let (root, nodes) = trie.finish();
        self.storage_nodes.insert(address, nodes);
        Ok(root)
    }

    fn root_accounts(&mut self, snapshot: &Snapshot) -> Result<(), StateError> {
        let mut trie = Trie::new(StoredNodes { snapshot, owner: None }, self.root);
        let changed: BTreeMap<_, _> = self
            .accounts
            .iter()
            .map(|(address, change)| (keccak256(address), change.new))
            .collect();
        for (key, account) in changed {
            trie.set(key, account.map(|account| account.trie_value()))?;
        }
        (self.root, self.account_nodes) = trie.finish();
        Ok(())
    }
}

/// The code that comes with the changes, by its hash.
fn new_code(changes: &Changes) -> Result<BTreeMap<B256, Bytes>, StateError> {
    let mut all = BTreeMap::new();
    for (address, change) in &changes.accounts {
        let (Some(code), Some(info)) = (&change.code, change.info_if_any()) else { continue };
        let actual = keccak256(code);
        if actual != info.code_hash {
            let stated = info.code_hash;
            return Err(StateError::CodeHashMismatch { address: *address, stated, actual });
        }
        if !code.is_empty() {
            all.insert(actual, code.clone());
        }
    }
    Ok(all)
}

/// The slots of an account that get another value, including those wiped.
fn changed_slots(
    snapshot: &Snapshot,
    address: Address,
    old: Option<Account>,
    change: &AccountChange,
) -> Result<BTreeMap<U256, Change<U256>>, StateError> {
    let mut slots = BTreeMap::new();
    let had_storage = old.is_some_and(|old| old.storage_root != EMPTY_ROOT_HASH);
    if had_storage && (change.wipe_storage || change.info_if_any().is_none()) {
        for slot in snapshot.slots(address)? {
            let (slot, old) = slot?;
            slots.insert(slot, Change { old, new: U256::ZERO });
        }
    }
    for (slot, new) in &change.storage {
        let old = match slots.get(slot) {
            Some(wiped) => wiped.old,
            None if had_storage => snapshot.slot(address, *slot)?,
            None => U256::ZERO,
        };
        slots.insert(*slot, Change { old, new: *new });
    }
    slots.retain(|_, change| change.old != change.new);
    Ok(slots)
}

/// Slots as the storage trie holds them, in the order of its paths, so that neighbours are read
/// together.
pub(crate) fn sorted(slots: impl Iterator<Item = (U256, U256)>) -> BTreeMap<B256, Option<Vec<u8>>> {
    let leaf = |value: U256| (!value.is_zero()).then(|| alloy_rlp::encode(value));
    slots.map(|(slot, value)| (keccak256(B256::from(slot)), leaf(value))).collect()
}
