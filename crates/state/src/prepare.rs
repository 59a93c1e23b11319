//! From changes to the values, trie nodes and root a block leads to, without writing any of them.

use crate::{
    Account, AccountChange, Changes, Head, StateError,
    forest::{Forest, Vacated},
    snapshot::Snapshot,
    trie::{self, Grown},
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Slots of one account that are read by one thread at least.
const SLOTS_AT_ONCE: usize = 32;

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
    /// The tries afterwards.
    pub(crate) forest: Forest,
    /// Where these have no node any more.
    pub(crate) vacated: Vacated,
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

    /// The effect of `changes` on the state of `snapshot`: of the accounts beside each other.
    pub(crate) fn new(snapshot: &Snapshot, changes: &Changes) -> Result<Self, StateError> {
        let base = snapshot.head()?;
        let root = base.map_or(EMPTY_ROOT_HASH, |head| head.state_root);
        Ok(Self { base, ..Self::on(snapshot, root, changes)? })
    }

    /// The effect of `changes` on the values of `snapshot`, whose root is given.
    pub(crate) fn on(
        snapshot: &Snapshot,
        root: B256,
        changes: &Changes,
    ) -> Result<Self, StateError> {
        let code = new_code(changes)?;
        let effects = changes
            .accounts
            .par_iter()
            .map(|(address, change)| Effect::of(snapshot, &code, *address, change))
            .collect::<Result<Vec<_>, _>>()?;
        let mut prepared = Self {
            base: None,
            root,
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            code,
            forest: snapshot.forest().clone(),
            vacated: Vacated::new(),
        };
        for (address, effect) in changes.accounts.keys().zip(effects) {
            prepared.add(*address, effect);
        }
        prepared.root_accounts(snapshot)?;
        Ok(prepared)
    }

    fn add(&mut self, address: Address, effect: Effect) {
        let slots = effect.slots.into_iter();
        self.slots.extend(slots.map(|(slot, change)| ((address, slot), change)));
        if let Some(grown) = effect.storage {
            self.vacated.extend(self.forest.set(Some(address), grown));
        }
        if effect.account.old != effect.account.new {
            self.accounts.insert(address, effect.account);
        }
    }

    fn root_accounts(&mut self, snapshot: &Snapshot) -> Result<(), StateError> {
        let mut trie = snapshot.trie(None, self.root);
        let leaf = |change: &Change<Option<Account>>| change.new.map(|new| new.trie_value());
        let leaves = self.accounts.iter();
        trie.set_all(leaves.map(|(address, change)| (trie::key(address), leaf(change))).collect())?;
        let (root, grown) = trie.finish();
        self.root = root;
        self.vacated.extend(self.forest.set(None, grown));
        Ok(())
    }
}

/// What a block makes of one account.
struct Effect {
    account: Change<Option<Account>>,
    slots: BTreeMap<U256, Change<U256>>,
    /// The storage trie, if it changes.
    storage: Option<Grown>,
}

impl Effect {
    fn of(
        snapshot: &Snapshot,
        code: &BTreeMap<B256, Bytes>,
        address: Address,
        change: &AccountChange,
    ) -> Result<Self, StateError> {
        let old = snapshot.account(address)?;
        let info = change.info_if_any();
        if info.is_none() && change.storage.values().any(|value| !value.is_zero()) {
            return Err(StateError::StorageWithoutAccount { address });
        }
        if let Some(code_hash) = info.map(|info| info.code_hash)
            && code_hash != KECCAK256_EMPTY
            && old.is_none_or(|old| old.info.code_hash != code_hash)
            && !code.contains_key(&code_hash)
            && snapshot.code(code_hash)?.is_none()
        {
            return Err(StateError::CodeUnknown { address, code_hash });
        }
        let slots = changed_slots(snapshot, address, old, change)?;
        let mut storage_root = old.unwrap_or_default().storage_root;
        let mut storage = None;
        if !slots.is_empty() {
            let mut trie = snapshot.trie(Some(address), storage_root);
            trie.set_all(sorted(slots.iter().map(|(slot, change)| (*slot, change.new))))?;
            let (root, grown) = trie.finish();
            storage_root = root;
            storage = Some(grown);
        }
        let new = info.map(|info| Account { info, storage_root });
        Ok(Self { account: Change { old, new }, slots, storage })
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
    let old = |slot: &U256| match slots.get(slot) {
        Some(wiped) => Ok(wiped.old),
        None if had_storage => snapshot.slot(address, *slot),
        None => Ok(U256::ZERO),
    };
    let written: Vec<_> = change.storage.iter().collect();
    let written = written.par_iter().with_min_len(SLOTS_AT_ONCE);
    let written = written.map(|(slot, new)| Ok((**slot, Change { old: old(slot)?, new: **new })));
    let written: Vec<_> = written.collect::<Result<_, StateError>>()?;
    slots.extend(written);
    slots.retain(|_, change| change.old != change.new);
    Ok(slots)
}

/// Slots as the storage trie holds them, in the order of its paths, so that neighbours are read
/// together.
pub(crate) fn sorted(
    slots: impl Iterator<Item = (U256, U256)>,
) -> BTreeMap<Nibbles, Option<Vec<u8>>> {
    let leaf = |value: U256| (!value.is_zero()).then(|| alloy_rlp::encode(value));
    slots.map(|(slot, value)| (trie::key(B256::from(slot)), leaf(value))).collect()
}
