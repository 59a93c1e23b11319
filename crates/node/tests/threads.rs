//! One node under threads of its own: wallets submit, blocks are made, clients read what was announced and what was not
//! yet. A receipt is seen only when its block is the head or below it, with the state that follows it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use alloy_primitives::{TxHash, keccak256};
use gage_node::Node;
use support::{node, signer, transfer};

const SENDERS: u8 = 3;
const NONCES: u64 = 60;

/// Reads every receipt over and over; returns how many it has seen.
fn read(node: &Node, hashes: &[(u8, u64, TxHash)], done: &AtomicBool) -> usize {
    let chain = node.chain();
    loop {
        // Read first, so that the last round comes after the last block.
        let last = done.load(Ordering::Acquire);
        let mut seen = 0;
        for (from, nonce, hash) in hashes {
            let Some(receipt) = chain.receipt(*hash).unwrap() else { continue };
            seen += 1;
            let number = receipt.place.block_number;
            let head = chain.head();
            assert!(number <= head.number, "a receipt of block {number} at head {}", head.number);
            let block = chain.block(number).unwrap().expect("the block of a receipt");
            assert_eq!(block.hash(), receipt.place.block_hash);
            assert_eq!(chain.number_of(block.hash()).unwrap(), Some(number));
            assert!(chain.transaction(*hash).unwrap().is_some());
            let state = chain.state(head.number).unwrap();
            let account = state.account(signer(*from).address()).unwrap().unwrap();
            assert!(account.info.nonce > *nonce, "a receipt before its state");
        }
        if last {
            return seen;
        }
    }
}

#[test]
fn clients_see_no_block_before_it_is_the_head() {
    let (node, _clock) = node(Duration::ZERO);
    let sent: Vec<_> = (0..SENDERS)
        .flat_map(|from| (0..NONCES).map(move |nonce| (from, nonce, transfer(from, nonce))))
        .collect();
    let hashes: Vec<_> =
        sent.iter().map(|(from, nonce, raw)| (*from, *nonce, keccak256(raw))).collect();
    let (done, submitted) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read(&node, &hashes, &done))).collect();
        let (node, sent, submitted) = (&node, &sent, &submitted);
        for from in 0..SENDERS {
            scope.spawn(move || {
                for (_, nonce, raw) in sent.iter().filter(|(who, ..)| *who == from) {
                    let hash = node.submit_raw(raw).unwrap_or_else(|why| panic!("{nonce}: {why}"));
                    assert_eq!(hash, keccak256(raw));
                    submitted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let all = u64::from(SENDERS) * NONCES;
        loop {
            let complete = submitted.load(Ordering::Relaxed) == all;
            let block = node.produce().unwrap();
            assert_eq!(node.chain().head().hash(), block.hash());
            if complete {
                break;
            }
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            assert_eq!(reader.join().unwrap() as u64, all);
        }
    });
    assert_eq!(node.pool_len(), 0);
    node.chain().check().unwrap();
}
