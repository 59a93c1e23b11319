//! The sweep in blocks: who is due is found, sold and told, alike by builder, importer and a chain
//! that was opened again.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use alloy_consensus::{Block, TxEnvelope};
use alloy_primitives::Address;
use alloy_rlp::Decodable;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::IMarket;
use gage_chain::{BlockError, Chain, ImportError, SYSTEM, is_sweep, sender, sweep_tx};
use gage_core::address::MARKET;
use gage_core::{AccountId, MarketId};
use gage_state::Store;
use support::lending::{BORROWERS, VAULT, World};
use support::*;

fn borrower(place: usize) -> Address {
    user(BORROWERS[place]).address()
}

#[test]
fn the_block_liquidates_who_is_due_before_anyone_else_acts() {
    let mut world = World::new(chain());
    world.lend();
    world.bid(2, 20_000);
    let quiet = world.price(1_900);
    assert!(quiet.transactions.iter().all(|tx| !is_sweep(tx.inner())));
    // Below 1,750 the first is unhealthy, below 1,625 the second.
    let block = world.price(1_600);
    let sweep = &block.transactions[1];
    assert!(is_sweep(sweep.inner()));
    assert_eq!(sender(sweep.inner()).unwrap(), SYSTEM);
    assert_eq!(world.swept(&block), [borrower(0), borrower(1)], "most at risk first");
    // They are healthy now, and nobody else is due.
    let quiet = world.price(1_600);
    assert!(quiet.transactions.iter().all(|tx| !is_sweep(tx.inner())));
    let checked = world.chain.check().unwrap();
    assert_eq!(checked.blocks, quiet.number() + 1);
    assert!(checked.invariants.checked["LIQ-5"] >= 2, "{:?}", checked.invariants);
}

/// An account that moved is watched where it is, and no longer where it was.
#[test]
fn a_moved_account_is_found_in_its_new_home() {
    let mut world = World::new(chain());
    world.lend();
    world.bid(2, 20_000);
    world.price(1_900);
    let rehome = IMarket::rehomeCall {
        owner: borrower(0),
        market: 1,
        sub: 0,
        toMarket: 1,
        toSub: 3,
        pairs: vec![IMarket::VaultPair { from: VAULT, to: VAULT }],
    };
    world.block(&[(BORROWERS[0], MARKET, rehome.abi_encode())]);
    let block = world.price(1_700);
    let receipts = world.chain.receipts(block.number()).unwrap().unwrap();
    let logs = receipts[1].receipt.logs().iter();
    let swept: Vec<_> = logs
        .filter_map(|log| IMarket::Swept::decode_log(log).ok())
        .map(|log| (log.owner, log.sub))
        .collect();
    assert_eq!(swept, [(borrower(0), 3)]);
    world.chain.check().unwrap();
}

#[test]
fn without_bids_nobody_is_swept() {
    let mut world = World::new(chain());
    world.lend();
    let block = world.price(1_600);
    assert!(block.transactions.iter().all(|tx| !is_sweep(tx.inner())));
    // A bid is eligible from the block after it was placed.
    world.bid(0, 20_000);
    let block = world.price(1_600);
    assert_eq!(world.swept(&block), [borrower(0), borrower(1)]);
}

/// LIQ-5: an importer, and a chain whose index was built from the stored state, sweep the same.
#[test]
fn every_node_sweeps_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let open = || Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    let (mut world, importer) = (World::new(open()), chain());
    world.lend();
    world.bid(1, 30_000);
    world.price(1_700);
    let World { chain: first, nonces, round } = world;
    drop(first);
    let mut world = World { chain: open(), nonces, round };
    let block = world.price(1_450);
    assert_eq!(world.swept(&block).len(), 3);
    for number in 1..=block.number() {
        let block = world.chain.block(number).unwrap().unwrap();
        importer.import(&block.rlp()).unwrap();
    }
    assert_eq!(importer.head(), world.chain.head());
}

/// A block whose sweep is missing, cut, reordered, padded or false is refused.
#[test]
fn a_false_sweep_is_refused() {
    let (mut world, importer) = (World::new(chain()), chain());
    world.lend();
    world.bid(2, 20_000);
    let block = world.price(1_600);
    for number in 1..block.number() {
        let block = world.chain.block(number).unwrap().unwrap();
        importer.import(&block.rlp()).unwrap();
    }
    let good: Block<TxEnvelope> = Block::decode(&mut &*block.rlp()).unwrap();
    let account = |place| AccountId { market: MarketId::new(1), owner: borrower(place), sub: 0 };
    let limit = 15_000_000;
    let lists = [
        Some(vec![account(0)]),
        Some(vec![account(1), account(0)]),
        Some(vec![account(0), account(1), account(2)]),
        Some(Vec::new()),
        None,
    ];
    for list in lists {
        let mut bad = good.clone();
        bad.body.transactions.remove(1);
        if let Some(list) = &list {
            let sweep = sweep_tx(CHAIN_ID, block.number(), list, limit);
            bad.body.transactions.insert(1, sweep);
        }
        let error = importer.import(&alloy_rlp::encode(&bad)).expect_err("a false sweep");
        assert!(matches!(error, ImportError::Invalid(BlockError::Sweep)), "{list:?}: {error}");
    }
    let mut repeated = good.clone();
    let sweep = repeated.body.transactions[1].clone();
    repeated.body.transactions.push(sweep);
    let error = importer.import(&alloy_rlp::encode(&repeated)).expect_err("two sweeps");
    assert!(matches!(error, ImportError::Invalid(BlockError::Transaction { .. })), "{error}");
    importer.import(&block.rlp()).unwrap();
}
