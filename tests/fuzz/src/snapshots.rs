//! Snapshots of a store: what is taken in is what was written, to the byte.

use std::sync::LazyLock;

use alloy_primitives::{B256, Bytes, U256, keccak256};
use gage_state::{AccountChange, AccountInfo, Changes, Store};

use crate::worlds::native::STRANGER;

/// An account with code and storage.
static EXPORTED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let code = Bytes::from_static(&[0x5b, 0x5f, 0x56]);
    let info = AccountInfo { nonce: 1, balance: U256::from(7), code_hash: keccak256(&code) };
    let storage = (1..5_u64).map(|slot| (U256::from(slot), U256::from(slot) << 80_usize)).collect();
    let change =
        AccountChange { info: Some(info), code: Some(code), storage, ..AccountChange::default() };
    let store = Store::in_memory().unwrap();
    let prepared = store.prepare(&Changes { accounts: [(STRANGER, change)].into() }).unwrap();
    store.commit(prepared, 0, B256::with_last_byte(1), Vec::new()).unwrap();
    let mut file = Vec::new();
    store.export(&mut file).unwrap();
    file
});

/// A snapshot's bytes.
pub(crate) fn run(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    if Store::import(data, &path, None).is_ok() {
        let store = Store::open(&path).unwrap();
        store.check().unwrap();
        let mut again = Vec::new();
        store.export(&mut again).unwrap();
        assert_eq!(data, again, "two spellings of one snapshot");
    } else {
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "a refused snapshot left a file");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![EXPORTED.clone()]
}
