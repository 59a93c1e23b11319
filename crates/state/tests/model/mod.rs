//! A slow, obvious model of the state: every height in full, rooted by `alloy_trie`.

#![allow(dead_code)] // each test file uses its part

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{TrieAccount, root};
use gage_state::{AccountChange, AccountInfo, Changes, Store};
use proptest::{collection::btree_map, prelude::*};
use std::collections::BTreeMap;

/// Accounts with their storage.
pub(crate) type State = BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>;

/// The state after each block, from block 0.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) heights: Vec<State>,
}

impl Model {
    pub(crate) fn head(&self) -> State {
        self.heights.last().cloned().unwrap_or_default()
    }

    /// Applies a block to the model and to the store, durably, and compares the roots.
    pub(crate) fn commit(&mut self, store: &Store, changes: &Changes) -> B256 {
        let root = self.stage(store, changes);
        store.flush().unwrap();
        root
    }

    /// As [`commit`](Self::commit), but the block is not durable yet.
    pub(crate) fn stage(&mut self, store: &Store, changes: &Changes) -> B256 {
        let mut state = self.head();
        apply(&mut state, changes);
        let expected = state_root(&state);
        let number = self.heights.len() as u64;
        let prepared = store.prepare(changes).unwrap();
        assert_eq!(prepared.root(), expected, "root of block {number}");
        let root = store.stage(prepared, number, block_hash(number), Vec::new()).unwrap();
        assert_eq!(root, expected);
        self.heights.push(state);
        root
    }
}

pub(crate) fn block_hash(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

pub(crate) fn address(index: u8) -> Address {
    Address::repeat_byte(index)
}

fn apply(state: &mut State, changes: &Changes) {
    for (address, change) in &changes.accounts {
        let Some(info) = change.info.filter(|info| !info.is_empty()) else {
            state.remove(address);
            continue;
        };
        let (stored, storage) = state.entry(*address).or_default();
        *stored = info;
        if change.wipe_storage {
            storage.clear();
        }
        storage.extend(&change.storage);
        storage.retain(|_, value| !value.is_zero());
    }
}

pub(crate) fn storage_root(storage: &BTreeMap<U256, U256>) -> B256 {
    root::storage_root_unhashed(storage.iter().map(|(slot, value)| (B256::from(*slot), *value)))
}

pub(crate) fn trie_account(info: &AccountInfo, storage: &BTreeMap<U256, U256>) -> TrieAccount {
    TrieAccount::new(info.nonce, info.balance, storage_root(storage), info.code_hash)
}

pub(crate) fn state_root(state: &State) -> B256 {
    root::state_root_unhashed(
        state.iter().map(|(address, (info, storage))| (*address, trie_account(info, storage))),
    )
}

/// How many different addresses and slots the random histories use.
pub(crate) const ADDRESSES: u8 = 10;
pub(crate) const SLOTS: u64 = 14;

pub(crate) fn any_slot() -> impl Strategy<Value = U256> {
    (0..SLOTS).prop_map(|slot| match slot % 3 {
        0 => U256::from(slot),
        _ => U256::from_be_bytes(keccak256(slot.to_be_bytes()).0),
    })
}

fn any_value() -> impl Strategy<Value = U256> {
    prop_oneof![
        2 => Just(U256::ZERO),
        3 => (1u64..300).prop_map(U256::from),
        1 => Just(U256::MAX),
    ]
}

fn any_account_change() -> impl Strategy<Value = AccountChange> {
    let storage = btree_map(any_slot(), any_value(), 0..8);
    let info = (1u64..4, 0u64..3, any::<bool>());
    let set = (info, storage, prop::bool::weighted(0.1)).prop_map(|(info, storage, wipe)| {
        let (nonce, balance, has_code) = info;
        let code = has_code.then(|| Bytes::from(vec![0x60, nonce as u8, 0x00]));
        let code_hash = code.as_ref().map_or(KECCAK256_EMPTY, keccak256);
        let info = AccountInfo { nonce, balance: U256::from(balance), code_hash };
        AccountChange { info: Some(info), code, storage, wipe_storage: wipe }
    });
    let empty = AccountChange::new(AccountInfo::default());
    prop_oneof![8 => set, 1 => Just(AccountChange::removed()), 1 => Just(empty)]
}

pub(crate) fn any_changes() -> impl Strategy<Value = Changes> {
    btree_map((0..ADDRESSES).prop_map(address), any_account_change(), 0..6)
        .prop_map(|accounts| Changes { accounts })
}
