//! The mempool between threads, in orders that a seed chooses: wallets submit, the producer selects, commits and settles,
//! clients read. `GAGE_RUNS` says how many orders.
//!
//! The pool is the node's; locks and threads are shuttle's, which stops one thread at each lock and lets any other go on.
//! What surrounds the pool is the node's protocol, lock for lock (`node.rs`): a block is committed, then the pool is
//! brought to it under its lock, and whoever adds judges by the state that the pool was last brought to.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, TxHash, U256};
use gage_chain::{Room, TxSource, decode_transaction, recover};
use gage_node::{AccountFacts, NextBlock, Pool, PoolError, PoolLimits};
use shuttle::sync::{Arc, Mutex, RwLock};
use shuttle::thread;
use support::{CHAIN_ID, GWEI, transfer};

/// Three transactions of each of two senders, in the order of their nonces.
static SIGNED: LazyLock<[Vec<Recovered<TxEnvelope>>; 2]> = LazyLock::new(|| {
    [0, 1].map(|from| {
        let signed = (0..3).map(|nonce| decode_transaction(&transfer(from, nonce)).unwrap());
        signed.map(|tx| recover(tx, CHAIN_ID).unwrap()).collect()
    })
});

const BASE_FEE: u64 = GWEI as u64;

/// A chain as far as the pool sees it.
#[derive(Clone, Debug, Default)]
struct State {
    number: u64,
    nonces: BTreeMap<Address, u64>,
}

impl State {
    fn facts(&self, sender: Address) -> AccountFacts {
        let nonce = self.nonces.get(&sender).copied().unwrap_or_default();
        AccountFacts { nonce, balance: U256::from(GWEI * GWEI * GWEI) }
    }
}

struct Node {
    pool: Mutex<Pool>,
    /// The state that the pool was last brought to.
    head_state: RwLock<State>,
    /// The chain's own head, and in which block each transaction is.
    head: RwLock<State>,
    included: RwLock<BTreeMap<TxHash, u64>>,
}

impl Node {
    fn new() -> Self {
        let next = NextBlock { gas_limit: 120_000_000, base_fee: BASE_FEE };
        Self {
            pool: Mutex::new(Pool::new(PoolLimits::default(), CHAIN_ID, next)),
            head_state: RwLock::default(),
            head: RwLock::default(),
            included: RwLock::default(),
        }
    }

    fn submit(&self, tx: Recovered<TxEnvelope>) -> Result<(), PoolError> {
        let mut pool = self.pool.lock().unwrap();
        let account = self.head_state.read().unwrap().facts(tx.signer());
        pool.add(tx, account).map(drop)
    }

    /// A block of what is ready; only one thread makes blocks.
    fn produce(&self) {
        let mut selection = self.pool.lock().unwrap().select(BASE_FEE);
        let mut next = self.head.read().unwrap().clone();
        next.number += 1;
        let mut block = Vec::new();
        while let Some(tx) = selection.next(Room { base_fee: BASE_FEE, gas_left: u64::MAX }) {
            let nonce = next.nonces.entry(tx.signer()).or_default();
            assert_eq!(tx.nonce(), *nonce, "a selection skips or repeats a nonce");
            *nonce += 1;
            block.push(tx);
        }
        // Stored before it is announced, as the chain does.
        for tx in &block {
            let before = self.included.write().unwrap().insert(*tx.tx_hash(), next.number);
            assert_eq!(before, None, "a transaction is in two blocks");
        }
        *self.head.write().unwrap() = next.clone();
        let mut pool = self.pool.lock().unwrap();
        *self.head_state.write().unwrap() = next.clone();
        for tx in &block {
            pool.refresh(tx.signer(), next.facts(tx.signer()));
        }
    }

    /// The block of a transaction, once it is the head's or below it.
    fn receipt(&self, hash: TxHash) -> Option<u64> {
        let number = *self.included.read().unwrap().get(&hash)?;
        (number <= self.head.read().unwrap().number).then_some(number)
    }
}

/// What a client may conclude of a receipt: the head has come to it, and so has the state.
fn read(node: &Node) {
    let mut last = 0;
    for tx in SIGNED.iter().flatten() {
        let receipt = node.receipt(*tx.tx_hash());
        let head = node.head.read().unwrap().clone();
        assert!(head.number >= last, "the head went back");
        last = head.number;
        if let Some(number) = receipt {
            assert!(number <= head.number, "a receipt of block {number} at head {}", head.number);
            assert!(head.facts(tx.signer()).nonce > tx.nonce(), "a receipt before its state");
        }
        let pool = node.pool.lock().unwrap();
        let judged = node.head_state.read().unwrap().clone();
        let used = |tx: &Recovered<TxEnvelope>| tx.nonce() < judged.facts(tx.signer()).nonce;
        assert!(!pool.iter().any(|(tx, _)| used(tx)), "the pool keeps what a block has used");
    }
}

fn scenario() {
    let node = Arc::new(Node::new());
    let wallets = [0, 1].map(|from| {
        let node = Arc::clone(&node);
        thread::spawn(move || {
            // One sends in order, the other begins with a gap.
            let order = if from == 0 { [0, 1, 2] } else { [1, 0, 2] };
            for place in order {
                node.submit(SIGNED[from][place].clone()).unwrap();
                let again = node.submit(SIGNED[from][place].clone());
                assert!(again.is_err(), "a transaction is taken twice");
            }
        })
    });
    let producer = {
        let node = Arc::clone(&node);
        thread::spawn(move || (0..3).for_each(|_| node.produce()))
    };
    let reader = {
        let node = Arc::clone(&node);
        thread::spawn(move || read(&node))
    };
    for thread in wallets.into_iter().chain([producer, reader]) {
        thread.join().unwrap();
    }
    // Whatever the order was, one more block has all that is left.
    node.produce();
    assert!(node.pool.lock().unwrap().is_empty(), "something is left behind");
    assert_eq!(node.included.read().unwrap().len(), 6, "something is lost");
    read(&node);
}

#[test]
fn no_order_of_threads_loses_or_repeats_a_transaction() {
    let runs = std::env::var("GAGE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(1_000);
    LazyLock::force(&SIGNED);
    shuttle::check_random(scenario, runs);
    shuttle::check_pct(scenario, runs, 3);
}
