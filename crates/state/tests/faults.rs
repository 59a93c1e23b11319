//! A disk that fails: full, read-only, torn, or with bytes that changed. Whatever happens, an operator
//! reads an error and no acknowledged block is lost, and what is read is what was written.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod disk;
mod model;

use alloy_primitives::{Address, U256, keccak256};
use disk::{Disk, assert_recovered, commit};
use gage_state::{AccountInfo, OpenCheck, Options, Record, StateError, Store, Table};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

const OPTIONS: Options = Options {
    history_blocks: 16,
    cache_bytes: 8 << 20,
    journal_max: 4,
    check: OpenCheck::Always,
    recovery: gage_state::Recovery::Rebuild,
};

fn open(disk: &Disk) -> Result<Store, StateError> {
    Store::with_backend(disk.clone(), OPTIONS)
}

/// A closed store of some blocks.
fn written(blocks: u64) -> Vec<u8> {
    let disk = Disk::new(Vec::new());
    let store = open(&disk).unwrap();
    for number in 0..blocks {
        commit(&store, number).unwrap();
    }
    drop(store);
    disk.content()
}

/// Commits until it is refused; the last acknowledged number, and why it went no further.
fn commit_until_refused(store: &Store, most: u64) -> (Option<u64>, Option<StateError>) {
    let mut acknowledged = store.head().map(|head| head.number);
    for _ in 0..most {
        let next = acknowledged.map_or(0, |number| number + 1);
        match commit(store, next) {
            Ok(_) => acknowledged = Some(next),
            Err(error) => return (acknowledged, Some(error)),
        }
    }
    (acknowledged, None)
}

/// All causes in one line, as the command line prints them.
fn in_words(error: &StateError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}

#[test]
fn blocks_that_cannot_be_flushed_are_gone() {
    let disk = Disk::new(written(3));
    let store = open(&disk).unwrap();
    for number in 3..6 {
        let prepared = store.prepare(&disk::block(number)).unwrap();
        let header = Record::put(Table::Headers, number.to_be_bytes(), prepared.root().to_vec());
        store.stage(prepared, number, model::block_hash(number), vec![header]).unwrap();
        assert_recovered(&store, Some(number));
    }
    let lost = store.at_head().unwrap();
    disk.protect();
    store.flush().unwrap_err();
    assert_eq!(store.head().map(|head| head.number), Some(2));
    assert_eq!(lost.number(), 5, "who looked at the lost blocks may go on");
    drop((store, lost));
    let store = open(&Disk::new(disk.content())).unwrap();
    assert_eq!(assert_recovered(&store, Some(2)), Some(2));
}

#[test]
fn a_full_disk_stops_the_chain_and_loses_nothing() {
    let base = written(4);
    let mut refused = 0;
    for room in (0..1 << 20).step_by(96 << 10) {
        let disk = Disk::of_size(base.clone(), base.len() + room);
        let store = match open(&disk) {
            Ok(store) => store,
            Err(error) => {
                assert!(in_words(&error).contains("storage space"), "{}", in_words(&error));
                continue;
            }
        };
        let (acknowledged, error) = commit_until_refused(&store, 300);
        if let Some(error) = error {
            assert!(matches!(error, StateError::Database(_)), "{error}");
            assert!(in_words(&error).contains("storage space"), "{}", in_words(&error));
            // The store is of no more use, and says so instead of going on.
            assert!(commit(&store, acknowledged.unwrap() + 1).is_err());
            refused += 1;
        }
        drop(store);
        let larger = Disk::new(disk.content());
        let store = open(&larger).unwrap();
        assert_recovered(&store, acknowledged);
        commit(&store, store.head().unwrap().number + 1).unwrap();
        store.check().unwrap();
    }
    assert!(refused > 3, "the disk was full {refused} times");
}

#[test]
fn no_room_for_a_new_database_is_an_error() {
    for capacity in [0, 100, 4096, 10_000] {
        let error = open(&Disk::of_size(Vec::new(), capacity)).unwrap_err();
        assert!(in_words(&error).contains("storage space"), "{}", in_words(&error));
    }
}

#[test]
fn a_read_only_disk_is_an_error() {
    let base = written(4);
    let disk = Disk::new(base.clone());
    disk.protect();
    let error = open(&disk).unwrap_err();
    assert!(in_words(&error).contains("read-only"), "{}", in_words(&error));
    assert_eq!(disk.content(), base);
    assert_recovered(&open(&Disk::new(base)).unwrap(), Some(3));
}

/// Some file systems become read-only when they find an error.
#[test]
fn a_disk_that_becomes_read_only_stops_the_chain() {
    let disk = Disk::new(written(4));
    let store = open(&disk).unwrap();
    commit(&store, 4).unwrap();
    disk.protect();
    let error = commit(&store, 5).unwrap_err();
    assert!(in_words(&error).contains("read-only"), "{}", in_words(&error));
    drop(store);
    assert_recovered(&open(&Disk::new(disk.content())).unwrap(), Some(4));
}

/// Whatever part of the last commit went to the disk, in the order in which it was written and
/// sector by sector: it is there or it is not.
#[test]
fn a_torn_last_write_is_whole_or_not_there() {
    // The fifth batch since the last checkpoint is one.
    for blocks in [7, 8, 9, 10] {
        tear_the_commit_of(blocks);
    }
}

fn tear_the_commit_of(number: u64) {
    let closed = written(number);
    let mut last = 1;
    let mut seen = BTreeSet::new();
    // The power is lost at each operation of the next commit, as long as there is one.
    for operations in 1.. {
        let disk = Disk::new(closed.clone());
        let store = open(&disk).unwrap();
        assert_eq!(store.head().unwrap().number, number - 1);
        disk.lose_power_after(operations);
        let acknowledged = commit(&store, number).is_ok();
        drop(store);
        for content in disk.torn() {
            if !seen.insert((acknowledged, keccak256(&content))) {
                continue;
            }
            let store = open(&Disk::new(content)).unwrap();
            assert_recovered(&store, Some(if acknowledged { number } else { number - 1 }));
        }
        if acknowledged {
            last = operations;
            break;
        }
    }
    assert!(last > 5, "a commit took {last} operations");
}

/// Everything that can be read at the head, by the ways that an execution reads it.
#[derive(Debug, PartialEq)]
struct Dump {
    accounts: BTreeMap<Address, AccountInfo>,
    slots: BTreeMap<(Address, U256), U256>,
    root: alloy_primitives::B256,
}

fn dump(store: &Store) -> Result<Dump, StateError> {
    let view = store.at_head()?;
    let mut dump = Dump { accounts: BTreeMap::new(), slots: BTreeMap::new(), root: view.root() };
    for index in 0..16 {
        let address = model::address(index);
        if let Some(account) = view.account(address)? {
            dump.accounts.insert(address, account.info);
        }
        for slot in (0..64).map(U256::from) {
            dump.slots.insert((address, slot), view.storage(address, slot)?);
        }
    }
    Ok(dump)
}

/// Bytes that changed while the store was closed are found when it is opened, or are of no account.
#[test]
fn changed_bytes_are_found_or_are_of_no_account() {
    let base = written(12);
    let expected = dump(&open(&Disk::new(base.clone())).unwrap()).unwrap();
    let (mut found, mut of_no_account) = (0, 0);
    for round in 0..400u64 {
        let dice = keccak256(round.to_be_bytes());
        let mut content = base.clone();
        for flip in dice.chunks_exact(8).take(1 + round as usize % 3) {
            let place = u64::from_be_bytes(flip.try_into().unwrap());
            content[place as usize / 8 % base.len()] ^= 1 << (place % 8);
        }
        let opened = catch_unwind(AssertUnwindSafe(|| open(&Disk::new(content))));
        match opened.unwrap_or_else(|_| panic!("round {round} panics")) {
            Err(error) => {
                let expected = matches!(
                    error,
                    StateError::Unreadable { .. }
                        | StateError::Unopenable { .. }
                        | StateError::Foreign { .. }
                        | StateError::WrongSchema { .. }
                        | StateError::Damaged(_)
                        | StateError::Database(_)
                );
                assert!(expected, "round {round}: {error}");
                found += 1;
            }
            Ok(store) => {
                assert_eq!(dump(&store).unwrap(), expected, "round {round}");
                assert_eq!(store.check().unwrap().root, expected.root, "round {round}");
                of_no_account += 1;
            }
        }
    }
    assert!(found > 20, "{found} found, {of_no_account} of no account");
}
