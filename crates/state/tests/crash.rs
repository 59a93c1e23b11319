//! A crash at any moment loses no acknowledged block and leaves no contradiction.
//!
//! Two kinds: a process killed with SIGKILL, where the kernel still has its writes, and a
//! simulated loss of power, where any part of what was not synced may be missing.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod model;

use alloy_primitives::{B256, U256, keccak256};
use gage_state::{
    AccountChange, AccountInfo, Changes, Options, Record, Recovery, StateError, StorageBackend,
    Store, Table,
};
use model::{address, block_hash};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const FILE_VARIABLE: &str = "GAGE_STATE_CRASH_FILE";

/// A block that changes accounts, sets and clears slots, and once in a while removes an account.
fn block(number: u64) -> Changes {
    let word =
        |n: u64| U256::from_be_bytes(keccak256([number, n].map(u64::to_be_bytes).concat()).0);
    let mut changes = Changes::default();
    for index in 0..4u64 {
        let account = address(word(index).byte(0) % 16);
        let info = AccountInfo { nonce: number + 1, balance: word(index), ..Default::default() };
        let mut change = AccountChange::new(info);
        for slot in 0..8 {
            let choice = word(100 + index * 8 + slot);
            let value = if choice.bit(9) { choice } else { U256::ZERO };
            change.storage.insert(U256::from(choice.byte(3) % 64), value);
        }
        changes.accounts.insert(account, change);
    }
    if number % 7 == 3 {
        changes.accounts.insert(address(word(999).byte(0) % 16), AccountChange::removed());
    }
    changes
}

fn commit(store: &Store, number: u64) -> Result<B256, StateError> {
    let prepared = store.prepare(&block(number))?;
    let header = Record::put(Table::Headers, number.to_be_bytes(), prepared.root().to_vec());
    store.commit(prepared, number, block_hash(number), vec![header])
}

/// What must hold after a crash: no acknowledged block is missing, at most one more is there, and
/// everything fits together, including the record of the last block.
fn assert_recovered(store: &Store, acknowledged: Option<u64>) -> Option<u64> {
    let head = store.head().map(|head| head.number);
    let next = acknowledged.map_or(0, |number| number + 1);
    assert!(
        head == acknowledged || head == Some(next),
        "acknowledged {acknowledged:?}, found {head:?}"
    );
    let report = store.check().unwrap();
    assert_eq!(report.number, head);
    if let Some(number) = head {
        let header = store.get(Table::Headers, &number.to_be_bytes()).unwrap();
        assert_eq!(header, Some(report.root.to_vec()));
        let oldest = store.at_head().unwrap().oldest().unwrap();
        store.at(oldest).unwrap().proof(address(1), &[U256::ZERO]).unwrap();
    }
    head
}

/// Not a test by itself: the process that [`killed_processes_lose_nothing`] kills.
#[test]
fn committing_child() {
    let Some(path) = std::env::var_os(FILE_VARIABLE) else { return };
    let store = Store::open(path).unwrap();
    let mut next = store.head().map_or(0, |head| head.number + 1);
    println!();
    loop {
        commit(&store, next).unwrap();
        println!("ack {next}");
        next += 1;
    }
}

/// Commits in another process and kills it some time after it acknowledged `blocks` of them.
/// Returns the last number it acknowledged.
fn commit_and_kill(path: &Path, blocks: usize, delay: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "committing_child", "--nocapture"])
        .env(FILE_VARIABLE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ack = |line: String| line.strip_prefix("ack ").map(|number| number.parse().unwrap());
    let mut last: u64 = lines.by_ref().filter_map(ack).nth(blocks).unwrap();
    let since = Instant::now();
    while since.elapsed() < delay {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for number in lines.filter_map(ack) {
        last = number;
    }
    last
}

#[test]
fn killed_processes_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    for round in 0..10u64 {
        let random = keccak256(round.to_be_bytes());
        let delay = Duration::from_micros(u64::from(random[0]) * 20);
        let acknowledged = commit_and_kill(&path, usize::from(random[1] % 16), delay);
        let store = Store::open(&path).unwrap();
        assert_recovered(&store, Some(acknowledged));
    }
}

/// A disk that loses power: after `left` operations every call fails, and what is found on it
/// later is what was synced plus an arbitrary part of the writes since.
#[derive(Debug, Clone)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct Platter {
    synced: Vec<u8>,
    current: Vec<u8>,
    since_sync: Vec<Pending>,
    left: u64,
}

#[derive(Debug, Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    SetLength(usize),
}

impl Disk {
    fn new(content: Vec<u8>, left: u64) -> Self {
        let (synced, current) = (content.clone(), content);
        Self(Arc::new(Mutex::new(Platter { synced, current, since_sync: Vec::new(), left })))
    }

    fn act<T>(&self, act: impl FnOnce(&mut Platter) -> T) -> Result<T, std::io::Error> {
        let mut platter = self.0.lock().unwrap();
        platter.left =
            platter.left.checked_sub(1).ok_or_else(|| std::io::Error::other("no power"))?;
        Ok(act(&mut platter))
    }

    /// What is on the disk after the power is back. Bits of `seed` choose the writes that made it.
    fn after_power_loss(&self, seed: B256) -> Vec<u8> {
        let platter = self.0.lock().unwrap();
        let mut content = platter.synced.clone();
        for (index, pending) in platter.since_sync.iter().enumerate() {
            let dice = keccak256([seed.as_slice(), &index.to_be_bytes()].concat());
            match pending {
                Pending::SetLength(length) => content.resize(*length, 0),
                Pending::Write(..) if dice[0] % 3 == 0 => {}
                Pending::Write(offset, data) => {
                    // A sector is written whole or not; a write of several may be torn.
                    let sectors = data.len() / 512;
                    let torn = dice[0] % 3 == 1 && sectors > 1;
                    let keep = if torn { usize::from(dice[1]) % sectors * 512 } else { data.len() };
                    if content.len() < offset + keep {
                        content.resize(offset + keep, 0);
                    }
                    content[*offset..offset + keep].copy_from_slice(&data[..keep]);
                }
            }
        }
        content
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.act(|platter| platter.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        let offset = offset as usize;
        self.act(|platter| out.copy_from_slice(&platter.current[offset..offset + out.len()]))
    }

    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.act(|platter| {
            platter.current.resize(len as usize, 0);
            platter.since_sync.push(Pending::SetLength(len as usize));
        })
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.act(|platter| {
            platter.since_sync.clear();
            platter.synced = platter.current.clone();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        let offset = offset as usize;
        self.act(|platter| {
            platter.current[offset..offset + data.len()].copy_from_slice(data);
            platter.since_sync.push(Pending::Write(offset, data.to_vec()));
        })
    }
}

/// Commits until the power fails. Returns the last acknowledged number.
fn commit_until_power_fails(disk: &Disk, options: Options, from: Option<u64>) -> Option<u64> {
    let Ok(store) = Store::with_backend(disk.clone(), options) else { return from };
    let mut acknowledged = from;
    loop {
        let next = acknowledged.map_or(0, |number| number + 1);
        if commit(&store, next).is_err() {
            return acknowledged;
        }
        acknowledged = Some(next);
    }
}

fn power_losses(recovery: Recovery) {
    let options =
        Options { recovery, cache_bytes: 8 << 20, history_blocks: 16, ..Options::default() };
    let first = Disk::new(Vec::new(), 400);
    let mut acknowledged = commit_until_power_fails(&first, options, None);
    let mut content = first.after_power_loss(B256::ZERO);
    for round in 0..60u64 {
        let seed = keccak256([7, round].map(u64::to_be_bytes).concat());
        let whole = Disk::new(content, u64::MAX);
        let store = Store::with_backend(whole.clone(), options).unwrap();
        let head = assert_recovered(&store, acknowledged);
        drop(store);
        let closed = whole.0.lock().unwrap().current.clone();
        let failing = Disk::new(closed, 20 + u64::from(seed[0]) * 2 + u64::from(seed[1]));
        acknowledged = commit_until_power_fails(&failing, options, head);
        content = failing.after_power_loss(seed);
    }
    assert!(acknowledged.unwrap() > 20, "only {acknowledged:?} blocks were committed");
}

#[test]
fn lost_power_loses_nothing() {
    power_losses(Recovery::Rebuild);
}

#[test]
fn lost_power_loses_nothing_with_saved_recovery() {
    power_losses(Recovery::Saved);
}
