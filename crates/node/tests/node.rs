//! A node as its users see it: transactions in, blocks out, time from outside.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{Address, U256};
use gage_node::{Clock, Node, NodeConfig, SubmitError, TimeError};
use support::*;
use tokio::sync::oneshot;

#[test]
fn a_submitted_transaction_is_in_the_next_block_and_leaves_the_pool() {
    let (node, clock) = node(Duration::ZERO);
    let mut blocks = node.subscribe_heads();
    let mut pending = node.subscribe_pending();
    let hash = node.submit_raw(&transfer(0, 0)).unwrap();
    let held = node.submit_raw(&transfer(0, 2)).unwrap();
    assert_eq!(pending.try_recv().unwrap(), hash);
    assert_eq!(node.submit_raw(&transfer(0, 0)).unwrap_err().to_string(), "already known");
    clock.0.fetch_add(5, Ordering::Relaxed);
    let block = node.produce().unwrap();
    assert_eq!(block.header.timestamp, GENESIS_TIME + 5);
    assert_eq!(block.transactions[1].tx_hash(), &hash);
    assert_eq!(blocks.try_recv().unwrap().block, block);
    assert!(node.chain().receipt(hash).unwrap().unwrap().receipt.status());
    assert_eq!(node.pool_len(), 1);
    assert!(node.with_pool(|pool| pool.get(held).is_some()));
    let again = node.submit_raw(&transfer(0, 0)).unwrap_err().to_string();
    assert_eq!(again, "nonce too low: next nonce 1, tx nonce 0");
    node.submit_raw(&transfer(0, 1)).unwrap();
    assert_eq!(node.produce().unwrap().transactions.len(), 3, "the gap is filled");
    assert_eq!(node.pool_len(), 0);
}

#[test]
fn who_cannot_pay_is_told_so() {
    let (node, _) = node(Duration::ZERO);
    let refused = node.submit_raw(&transfer(9, 0)).unwrap_err();
    assert!(refused.to_string().starts_with("insufficient funds for gas * price + value"));
    assert!(matches!(node.submit_raw(&[1, 2, 3]), Err(SubmitError::Pool(_))));
}

#[test]
fn time_never_runs_backwards_and_moves_when_told() {
    let (node, clock) = node(Duration::ZERO);
    clock.0.store(GENESIS_TIME - 100, Ordering::Relaxed);
    assert_eq!(node.produce().unwrap().header.timestamp, GENESIS_TIME);
    clock.0.store(GENESIS_TIME, Ordering::Relaxed);
    assert_eq!(node.increase_time(60), Ok(60));
    assert!(matches!(node.increase_time(u64::MAX), Err(TimeError::TooFar(_))));
    assert_eq!(node.produce().unwrap().header.timestamp, GENESIS_TIME + 60);
    let past = TimeError::Past { timestamp: GENESIS_TIME + 59, parent: GENESIS_TIME + 60 };
    assert_eq!(node.set_next_timestamp(GENESIS_TIME + 59), Err(past));
    node.set_next_timestamp(GENESIS_TIME + 1_000).unwrap();
    node.mine(2).unwrap();
    assert_eq!(node.chain().head().number, 4);
    assert_eq!(node.chain().head().timestamp, GENESIS_TIME + 1_000);
}

#[test]
fn the_faucet_pays_from_its_own_account() {
    let (node, _) = node(Duration::ZERO);
    let to = Address::repeat_byte(9);
    node.faucet(to, U256::from(7)).unwrap();
    node.faucet(to, U256::from(8)).unwrap();
    node.produce().unwrap();
    let state = node.chain().state(1).unwrap();
    assert_eq!(state.account(to).unwrap().unwrap().info.balance, U256::from(15));
}

#[test]
fn a_block_from_elsewhere_settles_the_pool_too() {
    let ((one, _), (two, _)) = (node(Duration::ZERO), node(Duration::ZERO));
    for node in [&one, &two] {
        node.submit_raw(&transfer(0, 0)).unwrap();
    }
    let block = one.produce().unwrap();
    two.import(&block.rlp()).unwrap();
    assert_eq!(two.chain().head(), one.chain().head());
    assert_eq!(two.pool_len(), 0);
}

#[test]
fn blocks_made_from_many_threads_follow_each_other() {
    let (node, _) = node(Duration::ZERO);
    std::thread::scope(|scope| {
        for from in 0..3 {
            let node = &node;
            scope.spawn(move || {
                for nonce in 0..10 {
                    node.submit_raw(&transfer(from, nonce)).unwrap();
                    node.produce().unwrap();
                }
            });
        }
    });
    assert_eq!(node.chain().head().number, 30);
    assert_eq!(node.pool_len(), 0);
    // 30 preludes and 30 transfers.
    assert_eq!(node.chain().check().unwrap().transactions, 60);
}

/// A clock that goes on by a tenth of a second with every look.
struct Running(AtomicU64);

impl Clock for Running {
    fn now_millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn steady_millis(&self) -> u64 {
        self.0.fetch_add(100, Ordering::Relaxed)
    }
}

#[test]
fn a_block_takes_no_transaction_after_its_time() {
    let clock = Arc::new(Running(AtomicU64::new(GENESIS_TIME * 1_000)));
    let build_time = Duration::from_secs(1);
    let config = NodeConfig { block_time: Duration::ZERO, build_time, ..NodeConfig::default() };
    let node = Node::open(chain(), config, clock).unwrap();
    for nonce in 0..40 {
        node.submit_raw(&transfer(0, nonce)).unwrap();
    }
    let mut blocks = 0;
    while node.pool_len() > 0 {
        let taken = node.produce().unwrap().transactions.len() - 1;
        assert!((1..=10).contains(&taken), "{taken}");
        blocks += 1;
    }
    assert!(blocks >= 4, "{blocks}");
}

/// Who saw a receipt and asks for the latest state next must find what the transaction did.
#[test]
fn no_receipt_is_seen_before_its_block_is_the_head() {
    let (node, _) = node(Duration::ZERO);
    let (told, hashes) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let chain = node.chain();
        scope.spawn(move || {
            for hash in hashes {
                let receipt = loop {
                    if let Some(receipt) = chain.receipt(hash).unwrap() {
                        break receipt;
                    }
                };
                assert!(chain.head().number >= receipt.place.block_number);
            }
        });
        for nonce in 0..200 {
            told.send(node.submit_raw(&transfer(0, nonce)).unwrap()).unwrap();
            node.produce().unwrap();
        }
        drop(told);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_interval_a_transaction_is_mined_at_once() {
    let (node, _) = node(Duration::ZERO);
    let mut blocks = node.subscribe_heads();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn({
        let node = node.clone();
        async move { node.run(async { drop(stopped.await) }).await }
    });
    for nonce in 0..3 {
        let hash = node.submit_raw(&transfer(1, nonce)).unwrap();
        let new = blocks.recv().await.unwrap();
        assert_eq!(new.block.transactions[1].tx_hash(), &hash);
    }
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(node.chain().head().number, 3, "no block without need");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_an_interval_blocks_come_empty_or_not() {
    let (node, _) = node(Duration::from_millis(5));
    let mut blocks = node.subscribe_heads();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn({
        let node = node.clone();
        async move { node.run(async { drop(stopped.await) }).await }
    });
    for number in 1..=3 {
        assert_eq!(blocks.recv().await.unwrap().block.number(), number);
    }
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    node.chain().check().unwrap();
}
