//! What a commit accepts, what it refuses, and the records that go with it.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod model;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use gage_state::{AccountChange, AccountInfo, Changes, Record, StateError, Store, Table};
use model::{address, block_hash};
use std::ops::Bound;

fn nonce(nonce: u64) -> AccountInfo {
    AccountInfo { nonce, ..AccountInfo::default() }
}

fn change(address: Address, change: AccountChange) -> Changes {
    Changes { accounts: [(address, change)].into() }
}

fn set_nonce(value: u64) -> Changes {
    change(address(1), AccountChange::new(nonce(value)))
}

fn commit(store: &Store, changes: &Changes, number: u64) -> Result<B256, StateError> {
    store.commit(store.prepare(changes)?, number, block_hash(number), Vec::new())
}

#[test]
fn only_the_next_number_is_accepted() {
    let store = Store::in_memory().unwrap();
    let refused = commit(&store, &set_nonce(1), 1);
    assert!(matches!(refused, Err(StateError::WrongNumber { got: 1, expected: 0 })));
    commit(&store, &set_nonce(1), 0).unwrap();
    for number in [0, 2] {
        let refused = commit(&store, &set_nonce(1), number);
        assert!(matches!(refused, Err(StateError::WrongNumber { expected: 1, .. })));
    }
}

#[test]
fn what_was_prepared_on_another_head_is_refused() {
    let store = Store::in_memory().unwrap();
    commit(&store, &set_nonce(1), 0).unwrap();
    let stale = store.prepare(&set_nonce(2)).unwrap();
    commit(&store, &set_nonce(3), 1).unwrap();
    let refused = store.commit(stale, 2, block_hash(2), Vec::new());
    assert!(matches!(
        refused,
        Err(StateError::StalePrepared { prepared_on: Some(0), head: Some(1) })
    ));
    assert_eq!(store.at_head().unwrap().account(address(1)).unwrap().unwrap().info.nonce, 3);
}

#[test]
fn an_empty_store_has_no_state() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.head(), None);
    assert!(matches!(store.at_head(), Err(StateError::NoBlocks)));
    assert!(matches!(store.at(0), Err(StateError::NoBlocks)));
    assert_eq!(store.check().unwrap().number, None);
}

#[test]
fn code_must_be_known_and_match() {
    let store = Store::in_memory().unwrap();
    let code = Bytes::from_static(&[0x5f, 0x5f, 0xfd]);
    let info = AccountInfo { code_hash: keccak256(&code), ..nonce(1) };
    let unknown = change(address(1), AccountChange::new(info));
    assert!(matches!(store.prepare(&unknown), Err(StateError::CodeUnknown { .. })));
    let with_code = |code: Bytes| {
        change(address(1), AccountChange { code: Some(code), ..AccountChange::new(info) })
    };
    let wrong = store.prepare(&with_code(Bytes::from_static(&[0])));
    assert!(matches!(wrong, Err(StateError::CodeHashMismatch { .. })));
    commit(&store, &with_code(code.clone()), 0).unwrap();
    commit(&store, &change(address(2), AccountChange::new(info)), 1).unwrap();
    assert_eq!(store.at_head().unwrap().code(info.code_hash).unwrap(), Some(code));
}

#[test]
fn storage_of_an_empty_account_is_refused_rather_than_lost() {
    let store = Store::in_memory().unwrap();
    let mut empty = AccountChange::new(AccountInfo::default());
    empty.storage.insert(U256::ZERO, U256::ONE);
    let refused = store.prepare(&change(address(1), empty));
    assert!(matches!(refused, Err(StateError::StorageWithoutAccount { .. })));
}

#[test]
fn records_are_committed_with_their_block_and_refused_with_it() {
    let store = Store::in_memory().unwrap();
    let header = |number: u8| Record::put(Table::Headers, [number], [number, number]);
    let put = |number: u64, records| {
        let prepared = store.prepare(&set_nonce(number)).unwrap();
        store.commit(prepared, number, block_hash(number), records)
    };
    put(0, vec![header(0), header(7), Record::put(Table::Meta, *b"k", *b"v")]).unwrap();
    put(5, vec![header(5)]).unwrap_err();
    put(1, vec![header(1), Record::delete(Table::Headers, [7])]).unwrap();
    let keys = |from: Bound<&[u8]>, to: Bound<&[u8]>| -> Vec<Vec<u8>> {
        let rows = store.range(Table::Headers, from, to).unwrap();
        rows.map(|row| row.unwrap().0).collect()
    };
    assert_eq!(keys(Bound::Unbounded, Bound::Unbounded), [[0], [1]]);
    assert_eq!(keys(Bound::Excluded(&[0]), Bound::Unbounded), [[1]]);
    assert!(keys(Bound::Included(&[9]), Bound::Excluded(&[3])).is_empty());
    assert!(keys(Bound::Excluded(&[1]), Bound::Excluded(&[1])).is_empty());
    assert_eq!(store.get(Table::Meta, b"k").unwrap(), Some(b"v".to_vec()));
    assert_eq!(store.get(Table::Headers, &[5]).unwrap(), None);
    let last = store.range(Table::Headers, Bound::Unbounded, Bound::Unbounded).unwrap().next_back();
    assert_eq!(last.unwrap().unwrap(), (vec![1], vec![1, 1]));
}

#[test]
fn records_can_be_written_without_a_block() {
    let store = Store::in_memory().unwrap();
    store.write(vec![Record::put(Table::Meta, *b"vote", *b"1")]).unwrap();
    assert_eq!(store.get(Table::Meta, b"vote").unwrap(), Some(b"1".to_vec()));
    assert_eq!(store.head(), None);
}

#[test]
fn a_store_and_its_views_can_be_shared_between_threads() {
    fn shareable<T: Send + Sync + Clone + 'static>() {}
    shareable::<Store>();
    shareable::<gage_state::View>();
    fn movable<T: Send + 'static>() {}
    movable::<gage_state::Prepared>();
}
