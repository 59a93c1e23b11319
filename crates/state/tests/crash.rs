//! A crash at any moment loses no acknowledged block and leaves no contradiction.
//!
//! Two kinds: a process killed with SIGKILL, where the kernel still has its writes, and a
//! simulated loss of power, where any part of what was not synced may be missing.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod disk;
mod model;

use alloy_primitives::{B256, keccak256};
use disk::{Disk, assert_recovered, commit};
use gage_state::{Options, Recovery, Store};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const FILE_VARIABLE: &str = "GAGE_STATE_CRASH_FILE";

/// How often to kill, if not as often as usual, and the seed of the first moment.
const KILLS_VARIABLE: &str = "GAGE_KILLS";
const SEED_VARIABLE: &str = "GAGE_SEED";

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
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
    let first = setting(SEED_VARIABLE, 0);
    for round in first..first + setting(KILLS_VARIABLE, 20) {
        let random = keccak256(u64::to_be_bytes(round));
        let delay = Duration::from_micros(u64::from(random[0]) * 20);
        let acknowledged = commit_and_kill(&path, usize::from(random[1] % 16), delay);
        let store = Store::open(&path).unwrap();
        assert_recovered(&store, Some(acknowledged));
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
    let options = Options {
        recovery,
        cache_bytes: 8 << 20,
        history_blocks: 16,
        journal_max: 5,
        ..Options::default()
    };
    let first = Disk::losing_power(Vec::new(), 400);
    let mut acknowledged = commit_until_power_fails(&first, options, None);
    let mut content = first.after_power_loss(B256::ZERO);
    for round in 0..60u64 {
        let seed = keccak256([7, round].map(u64::to_be_bytes).concat());
        let whole = Disk::new(content);
        let store = Store::with_backend(whole.clone(), options).unwrap();
        let head = assert_recovered(&store, acknowledged);
        drop(store);
        let closed = whole.content();
        let operations = 20 + u64::from(seed[0]) * 2 + u64::from(seed[1]);
        let failing = Disk::losing_power(closed, operations);
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
