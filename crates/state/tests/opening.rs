//! Files that are not, or no longer, ours: an operator reads an error, never a panic.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod model;

use alloy_primitives::{B256, U256, keccak256};
use gage_state::{
    AccountChange, AccountInfo, Changes, Damage, OpenCheck, Options, SnapshotError, StateError,
    Store,
};
use model::Model;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use redb::{Database, TableDefinition};
use std::{fs, os::unix::fs::FileExt as _, path::Path};

const SYSTEM: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("system");

fn write_some_blocks(path: &Path) -> Model {
    let store = Store::open(path).unwrap();
    let mut runner = TestRunner::deterministic();
    let mut model = Model::default();
    for _ in 0..10 {
        let changes = model::any_changes().new_tree(&mut runner).unwrap().current();
        model.commit(&store, &changes);
    }
    model
}

/// A block whose values are in the tables, not in the journal.
fn write_large_block(path: &Path) {
    let options = Options { journal_max: 0, ..Options::default() };
    let store = Store::open_with(path, options).unwrap();
    let mut change = AccountChange::new(AccountInfo { nonce: 1, ..AccountInfo::default() });
    let word = |n: u64| U256::from_be_bytes(keccak256(n.to_be_bytes()).0);
    change.storage = (0..3_000).map(|n| (word(n), word(n + 1))).collect();
    let changes = Changes { accounts: [(model::address(1), change)].into() };
    let prepared = store.prepare(&changes).unwrap();
    store.commit(prepared, 0, B256::ZERO, Vec::new()).unwrap();
}

#[test]
fn a_reopened_store_is_as_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let model = write_some_blocks(&path);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.head().unwrap().number, 9);
    assert_eq!(store.check().unwrap().root, model::state_root(&model.head()));
}

/// Whoever only looks makes no database: neither where there is none, nor a block where there is none.
#[test]
fn a_database_that_should_be_there_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let look = || Store::open_existing(&path, Options::default());
    let missing =
        |refused| matches!(refused, Err(StateError::Missing { path: named }) if named == path);
    assert!(missing(look()));
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    assert!(missing(look()));
    assert_eq!(fs::read(&path).unwrap(), b"");
    drop(Store::open(&path).unwrap());
    assert!(missing(look()), "it has no block");
    write_some_blocks(&path);
    assert_eq!(look().unwrap().head().unwrap().number, 9);
}

#[test]
fn a_second_opening_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let _first = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StateError::InUse { path: named }) if named == path));
}

#[test]
fn garbage_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    for garbage in [vec![0; 4096], vec![0xff; 100_000], b"not a database".to_vec(), vec![7]] {
        fs::write(&path, &garbage).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StateError::Unreadable { .. } | StateError::Unopenable { .. }));
        assert_eq!(fs::read(&path).unwrap(), garbage, "the file is left alone");
    }
}

#[test]
fn a_missing_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open(directory.path().join("no/such/file")).unwrap_err();
    assert!(matches!(error, StateError::Unreadable { .. }));
}

#[test]
fn the_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(Store::open(&path), Err(StateError::Foreign { .. })));
}

#[test]
fn another_schema_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    write_some_blocks(&path);
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let schema = 99u32.to_be_bytes();
    transaction.open_table(SYSTEM).unwrap().insert(&b"schema"[..], &schema[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(Store::open(&path), Err(StateError::WrongSchema { found: 99, .. })));
}

/// A page that was overwritten is found when opening with a full check, unless nothing refers
/// to it, and then the state is intact.
#[test]
fn overwritten_pages_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    write_some_blocks(&path);
    let intact = fs::read(&path).unwrap();
    let options = Options { check: OpenCheck::Always, ..Options::default() };
    let mut found = 0;
    for page in 0..intact.len() / 4096 {
        let mut damaged = intact.clone();
        if damaged[page * 4096..][..4096].iter().all(|byte| *byte == 0) {
            continue;
        }
        damaged[page * 4096 + 64..][..128].fill(0xa5);
        fs::write(&path, &damaged).unwrap();
        match Store::open_with(&path, options) {
            Ok(store) => assert_eq!(store.check().unwrap().number, Some(9)),
            Err(StateError::Unreadable { .. } | StateError::Unopenable { .. }) => found += 1,
            Err(error) => panic!("unexpected {error}"),
        }
    }
    assert!(found > 3, "{found} damages found");
}

/// A page that is zeroed while the store is open is found by a check, which is an error and no panic, unless nothing
/// refers to it.
#[test]
fn zeroed_pages_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    write_large_block(&path);
    let intact = fs::read(&path).unwrap();
    // Nothing is read from memory.
    let options = Options { cache_bytes: 0, ..Options::default() };
    let mut by_page = 0;
    for page in 1..intact.len() / 4096 {
        fs::write(&path, &intact).unwrap();
        let store = Store::open_existing(&path, options).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[0; 4096], page as u64 * 4096).unwrap();
        let checked = store.check().and_then(|_| match store.export(std::io::sink()) {
            Err(SnapshotError::State(error)) => Err(error),
            other => Ok(other.unwrap()),
        });
        match checked {
            Ok(info) => assert_eq!(info.slots, 3_000),
            Err(StateError::Damaged(Damage::Page)) => by_page += 1,
            Err(StateError::Damaged(_) | StateError::Database(_)) => {}
            Err(error) => panic!("unexpected {error}"),
        }
        assert!(!gage_state::panics_are_caught());
    }
    assert!(by_page > 0);
}

#[test]
fn truncated_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    write_some_blocks(&path);
    let intact = fs::read(&path).unwrap();
    for length in [1, 100, 4096, 10_000, intact.len() / 2] {
        fs::write(&path, &intact[..length]).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StateError::Unreadable { .. } | StateError::Unopenable { .. }));
    }
}
