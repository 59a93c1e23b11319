//! Random histories against the model: roots, reads at every height, proofs, integrity.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod model;

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::{Nibbles, proof::verify_proof};
use gage_state::{
    AccountChange, AccountInfo, Changes, InMemoryBackend, Options, StateError, Store, View,
};
use model::{ADDRESSES, Model, SLOTS, State, address, any_changes, any_slot, block_hash};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

fn store_with(history_blocks: u64, journal_max: usize) -> Store {
    let options = Options { history_blocks, journal_max, ..Options::default() };
    Store::with_backend(InMemoryBackend::new(), options).unwrap()
}

fn assert_reads(view: &View, state: &State) {
    for index in 0..=ADDRESSES {
        let expected = state.get(&address(index));
        let account = view.account(address(index)).unwrap();
        assert_eq!(account.map(|account| account.info), expected.map(|(info, _)| *info));
        if let (Some(account), Some((_, storage))) = (account, expected) {
            assert_eq!(account.storage_root, model::storage_root(storage));
        }
        let slots: BTreeMap<U256, U256> =
            view.storage_of(address(index)).unwrap().map(Result::unwrap).collect();
        assert_eq!(slots, expected.map(|(_, storage)| storage.clone()).unwrap_or_default());
        for slot in 0..SLOTS {
            let slot = U256::from(slot);
            let value = expected.and_then(|(_, storage)| storage.get(&slot).copied());
            assert_eq!(view.storage(address(index), slot).unwrap(), value.unwrap_or_default());
        }
    }
    let all: Vec<_> = view.accounts().unwrap().map(|row| row.unwrap().0).collect();
    assert_eq!(all, state.keys().copied().collect::<Vec<_>>());
}

fn assert_proofs(view: &View, state: &State, slots: &[U256]) {
    for index in 0..=ADDRESSES {
        let entry = state.get(&address(index));
        let proof = view.proof(address(index), slots).unwrap();
        assert_eq!(proof.exists, entry.is_some());
        let leaf =
            entry.map(|(info, storage)| alloy_rlp::encode(model::trie_account(info, storage)));
        let key = Nibbles::unpack(keccak256(address(index)));
        verify_proof(view.root(), key, leaf, &proof.account_proof).unwrap();
        for (slot, proved) in slots.iter().zip(&proof.storage_proofs) {
            let value = entry.and_then(|(_, storage)| storage.get(slot).copied());
            assert_eq!((proved.slot, proved.value), (*slot, value.unwrap_or_default()));
            let key = Nibbles::unpack(keccak256(B256::from(*slot)));
            let leaf = value.map(alloy_rlp::encode);
            verify_proof(proof.storage_hash, key, leaf, &proved.proof).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever blocks do, and however many of them are not on disk yet, roots equal full recomputations, every
    /// height in the window reads and proves as it was, those below are refused, and the store is consistent.
    #[test]
    fn histories_agree_with_the_model(
        blocks in vec((any_changes(), any::<bool>()), 1..14),
        history in 1u64..16,
        journal in 0usize..8,
        slots in vec(any_slot(), 3),
    ) {
        let store = store_with(history, journal);
        let mut model = Model::default();
        for (changes, flushed) in &blocks {
            model.stage(&store, changes);
            store.check().unwrap();
            if *flushed {
                store.flush().unwrap();
            }
        }
        let head = store.head().unwrap();
        prop_assert_eq!(head.number as usize, blocks.len() - 1);
        let oldest = head.number.saturating_sub(history);
        for (number, state) in (0..).zip(&model.heights) {
            if number < oldest {
                let refused = store.at(number);
                let Err(StateError::Pruned { asked, oldest: stated }) = refused else {
                    panic!("{number} should be pruned");
                };
                prop_assert_eq!((asked, stated), (number, oldest));
                continue;
            }
            let view = store.at(number).unwrap();
            prop_assert_eq!(view.root(), model::state_root(state));
            prop_assert_eq!(view.hash(), block_hash(number));
            assert_reads(&view, state);
            assert_proofs(&view, state, &slots);
        }
        let future = store.at(head.number + 1);
        prop_assert!(matches!(future, Err(StateError::NotYet { .. })), "the future is not known");
    }
}

/// What follows a block.
#[derive(Debug, Clone, Copy)]
enum After {
    /// It stays in memory.
    Nothing,
    /// It is made durable.
    Flush,
    /// It is made durable, and the store opened anew.
    Reopen,
    /// The store is opened anew, which loses every block that was only in memory.
    Lose,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The tables get values and nodes now and then, and whenever a store is opened in between the journal makes good
    /// what they lack: roots, proofs and the stored tries are those of a store that was never closed.
    #[test]
    fn a_store_is_opened_anew_between_any_blocks(
        blocks in vec((any_changes(), prop::sample::select(&[After::Nothing, After::Flush, After::Reopen, After::Lose][..])), 1..24),
        history in 0u64..16,
        journal in 0usize..8,
        slots in vec(any_slot(), 3),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let options =
            Options { history_blocks: history, journal_max: journal, ..Options::default() };
        let mut store = Store::open_with(&path, options).unwrap();
        let mut model = Model::default();
        let mut durable = 0;
        for (changes, after) in &blocks {
            model.stage(&store, changes);
            if matches!(after, After::Flush | After::Reopen) {
                store.flush().unwrap();
                durable = model.heights.len();
            }
            if matches!(after, After::Reopen | After::Lose) {
                drop(store);
                store = Store::open_with(&path, options).unwrap();
                model.heights.truncate(durable);
                prop_assert_eq!(store.head().map_or(0, |head| head.number + 1), durable as u64);
            }
            store.check().unwrap();
        }
        if let Some(head) = store.head() {
            for number in head.number.saturating_sub(history)..=head.number {
                assert_proofs(&store.at(number).unwrap(), &model.heights[number as usize], &slots);
            }
        }
    }
}

fn balance(index: u8, balance: u64) -> Changes {
    let info = AccountInfo { balance: U256::from(balance), ..AccountInfo::default() };
    Changes { accounts: [(address(index), AccountChange::new(info))].into() }
}

#[test]
fn a_view_does_not_see_later_blocks() {
    let store = Store::in_memory().unwrap();
    let mut model = Model::default();
    model.commit(&store, &balance(1, 10));
    let before = store.at_head().unwrap();
    model.commit(&store, &balance(1, 20));
    let read = |view: &View| view.account(address(1)).unwrap().unwrap().info.balance;
    assert_eq!(read(&before), U256::from(10));
    assert_eq!(read(&store.at_head().unwrap()), U256::from(20));
    assert_eq!(before.number(), 0);
    assert_eq!(before.block_hash(1).unwrap(), None);
}

#[test]
fn a_longer_window_does_not_promise_what_was_discarded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut model = Model::default();
    let open = |history_blocks| {
        Store::open_with(&path, Options { history_blocks, ..Options::default() }).unwrap()
    };
    let store = open(2);
    for number in 0..10 {
        model.commit(&store, &balance(1, number + 1));
    }
    drop(store);
    let store = open(100);
    model.commit(&store, &balance(1, 50));
    assert!(matches!(store.at(6), Err(StateError::Pruned { asked: 6, oldest: 7 })));
    assert_reads(&store.at(7).unwrap(), &model.heights[7]);
}

#[test]
fn a_shorter_window_is_reached_in_steps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut model = Model::default();
    let store = Store::open(&path).unwrap();
    for number in 0..40 {
        model.commit(&store, &balance(1, number + 1));
    }
    drop(store);
    let options = Options { history_blocks: 3, ..Options::default() };
    let store = Store::open_with(&path, options).unwrap();
    for number in 40..46 {
        model.commit(&store, &balance(1, number + 1));
        let oldest = store.at_head().unwrap().oldest().unwrap();
        assert!(oldest <= number - 3);
        assert_reads(&store.at(oldest).unwrap(), &model.heights[oldest as usize]);
    }
    assert_eq!(store.at_head().unwrap().oldest().unwrap(), 42);
}
