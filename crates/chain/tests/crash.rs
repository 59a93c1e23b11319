//! A process that builds blocks is killed at any moment: no acknowledged block is lost, and the next
//! process goes on.

mod support;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use gage_chain::Chain;
use gage_state::Store;
use support::*;

const DIRECTORY: &str = "GAGE_CRASH_DIRECTORY";

/// How often it is killed; `GAGE_KILLS` says otherwise.
fn rounds() -> u64 {
    env::var("GAGE_KILLS").map_or(20, |kills| kills.parse().expect("GAGE_KILLS is a number"))
}

fn open(directory: &Path) -> Chain {
    let store = Store::open(directory.join("gage.redb")).expect("a store that opens");
    Chain::open(store, &genesis()).expect("the same chain")
}

fn nonce(chain: &Chain, from: u8) -> u64 {
    let view = chain.state(chain.head().number).expect("the head's state");
    view.account(user(from).address()).expect("readable").map_or(0, |account| account.info.nonce)
}

/// The process that is killed: builds blocks and acknowledges each on its standard output. As a test
/// of its own it does nothing.
#[test]
fn builds_until_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let chain = open(&PathBuf::from(directory));
    let mut out = std::io::stdout().lock();
    loop {
        let transactions = (0..4).flat_map(|from| {
            let first = nonce(&chain, from);
            (first..first + 3).map(move |nonce| draft(from, nonce).to(COUNTER).dynamic())
        });
        let (block, rejected) = extend(&chain, transactions.collect());
        assert_eq!(rejected, []);
        writeln!(out, "acknowledged {}", block.number()).expect("a parent that reads");
    }
}

fn start(directory: &Path) -> Child {
    Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "builds_until_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child")
}

#[test]
fn no_acknowledged_block_is_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut total = 0;
    let rounds = rounds();
    for round in 0..rounds {
        let mut child = start(directory.path());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut acknowledged = total;
        // Each round dies elsewhere: after another number of blocks, in the midst of some later one,
        // since the child does not wait for us to read.
        for _ in 0..=round % 5 {
            let line = lines.by_ref().map_while(Result::ok).find(|l| l.contains("acknowledged"));
            let number = line.as_deref().and_then(|line| line.rsplit(' ').next()?.parse().ok());
            acknowledged = number.expect("an acknowledged block");
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        let last =
            lines.map_while(Result::ok).filter_map(|line| line.rsplit(' ').next()?.parse().ok());
        let acknowledged = last.last().unwrap_or(acknowledged);
        let chain = open(directory.path());
        let head = chain.head().number;
        assert!(head >= acknowledged, "round {round}: head {head}, acknowledged {acknowledged}");
        assert!(
            head <= acknowledged + 1,
            "round {round}: head {head}, acknowledged {acknowledged}"
        );
        chain.check().expect("nothing torn");
        let sent: u64 = (0..4).map(|from| nonce(&chain, from)).sum();
        let counted = chain.state(head).unwrap().storage(COUNTER, Default::default()).unwrap();
        assert_eq!(counted, alloy_primitives::U256::from(sent), "blocks are whole");
        total = head;
    }
    let chain = open(directory.path());
    let (block, _) = extend(&chain, vec![]);
    assert_eq!(block.number(), total + 1);
    assert!(total >= rounds, "{total} blocks in {rounds} rounds");
}
