//! Snapshots: what is taken in is what was written, and nothing else is taken in.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod disk;
mod model;

use alloy_primitives::{B256, keccak256};
use gage_state::{CheckReport, Record, SnapshotError, StateError, Store, Table};
use model::Model;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::sync::LazyLock;

/// A store of random blocks with code and records.
fn original() -> Store {
    let store = Store::in_memory().unwrap();
    let mut runner = TestRunner::deterministic();
    let mut model = Model::default();
    for _ in 0..12 {
        let changes = model::any_changes().new_tree(&mut runner).unwrap().current();
        model.commit(&store, &changes);
    }
    store.write(vec![Record::put(Table::Headers, *b"key", *b"header")]).unwrap();
    store
}

/// That store and its snapshot.
static EXPORTED: LazyLock<(Store, Vec<u8>)> = LazyLock::new(|| {
    let store = original();
    let mut file = Vec::new();
    let info = store.export(&mut file).unwrap();
    assert_eq!(info.accounts, store.check().unwrap().accounts);
    assert_eq!(info.slots, store.check().unwrap().slots);
    (store, file)
});

#[test]
fn a_snapshot_is_taken_in_as_it_was() {
    let (_, file) = &*EXPORTED;
    let store = original();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let info = Store::import(&**file, &path, Some(store.head().unwrap().state_root)).unwrap();
    let taken = Store::open(&path).unwrap();
    assert_eq!(taken.head(), store.head());
    assert_eq!(taken.head(), Some(info.head));
    // What was taken in has the nodes of its head, the original those of some block before.
    let checked = |store: &Store| CheckReport { nodes: 0, ..store.check().unwrap() };
    assert_eq!(checked(&taken), checked(&store));
    assert_eq!(taken.get(Table::Headers, b"key").unwrap(), Some(b"header".to_vec()));
    let mut again = Vec::new();
    taken.export(&mut again).unwrap();
    assert_eq!(again, *file);
    // The past is not in it, the future can be.
    assert!(matches!(taken.at(info.head.number - 1), Err(StateError::Pruned { .. })));
    assert_eq!(taken.at_head().unwrap().block_hash(3).unwrap(), Some(model::block_hash(3)));
    disk::commit(&store, info.head.number + 1).unwrap();
    disk::commit(&taken, info.head.number + 1).unwrap();
    assert_eq!(taken.head(), store.head());
    taken.check().unwrap();
    let exists = Store::import(&**file, &path, None);
    assert!(matches!(exists, Err(SnapshotError::Exists { path: named }) if named == path));
}

/// A file that goes on behind its end is another than what was written.
#[test]
fn nothing_may_follow_a_snapshot() {
    let (_, file) = &*EXPORTED;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    for behind in [&[0][..], file] {
        let refused = Store::import(&*[file, behind].concat(), &path, None).unwrap_err();
        assert!(refused.to_string().contains("something follows its end"), "{refused}");
        assert!(!path.exists());
    }
}

/// More than is taken in at once, in one account.
#[test]
fn a_large_contract_is_taken_in_by_parts() {
    let store = Store::in_memory().unwrap();
    let mut changes = gage_state::Changes::default();
    let info = gage_state::AccountInfo { nonce: 1, ..Default::default() };
    let mut change = gage_state::AccountChange::new(info);
    let word = |n: u64| alloy_primitives::U256::from_be_bytes(keccak256(n.to_be_bytes()).0);
    change.storage = (0..70_000).map(|n| (word(n), word(n + 1))).collect();
    changes.accounts.insert(model::address(1), change);
    let prepared = store.prepare(&changes).unwrap();
    store.commit(prepared, 0, B256::ZERO, Vec::new()).unwrap();
    let mut file = Vec::new();
    store.export(&mut file).unwrap();
    assert!(file.len() > 4 << 20, "{} bytes are taken in at once", file.len());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    Store::import(&*file, &path, None).unwrap();
    assert_eq!(Store::open(&path).unwrap().head(), store.head());
}

#[test]
fn an_empty_store_has_no_snapshot() {
    let refused = Store::in_memory().unwrap().export(Vec::new());
    assert!(matches!(refused, Err(SnapshotError::State(StateError::NoBlocks))));
}

/// The file as it would be if its last 33 bytes fitted what comes before.
fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &[255], keccak256(body).as_slice()].concat()
}

#[test]
fn a_value_that_was_changed_leads_to_another_root() {
    let (store, file) = &*EXPORTED;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    // A balance of the first account: after the code, by which the rows begin.
    let account = file.windows(25).position(|bytes| {
        bytes[0] == 0 && bytes[1..5] == 20u32.to_be_bytes() && bytes[5] == bytes[24]
    });
    let mut body = file[..file.len() - 33].to_vec();
    body[account.unwrap() + 25 + 4 + 8 + 31] ^= 1;
    let refused = Store::import(&*sealed(&body), &path, None);
    let stated = store.head().unwrap().state_root;
    assert!(
        matches!(refused, Err(SnapshotError::WrongRoot { expected, .. }) if expected == stated)
    );
    let refused = Store::import(&**file, &path, Some(B256::ZERO));
    assert!(matches!(refused, Err(SnapshotError::WrongRoot { expected: B256::ZERO, .. })));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

#[test]
fn other_files_are_refused() {
    let (_, file) = &*EXPORTED;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let import = |file: &[u8]| Store::import(file, &path, None).unwrap_err();
    for other in [&b""[..], b"gage", b"not a snapshot at all", &[0; 100]] {
        assert!(matches!(import(other), SnapshotError::NotASnapshot));
    }
    let mut other = file.clone();
    other[13] = 9;
    assert!(matches!(import(&other), SnapshotError::OtherVersion { found: 9 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happened to a file on its way, it is taken in as it was or refused.
    #[test]
    fn a_damaged_file_is_refused(places in prop::collection::vec(any::<(u32, u8)>(), 1..4), cut: u32) {
        let (_, file) = &*EXPORTED;
        let mut damaged = file.clone();
        for (place, bits) in places {
            let length = damaged.len();
            damaged[place as usize % length] ^= bits;
        }
        damaged.truncate(if cut % 2 == 0 { file.len() } else { cut as usize % file.len() });
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        prop_assert_eq!(Store::import(&*damaged, &path, None).is_ok(), damaged == *file);
        prop_assert_eq!(path.exists(), damaged == *file);
    }
}
