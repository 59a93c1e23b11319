//! Whose prices arrive when somebody reports to many feeds of their own to fill every prelude (N-10, LIQ-5, ORC-1).
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::{
    IMarket::{Swept, placeBidCall, recogniseMarketCall},
    IOracle::{
        FeedTerms, PriceReport, PriceUpdated, SignedReport, Source, createFeedCall, setSourceCall,
    },
    IVault::depositCall,
};
use gage_chain::{PRELUDE_REPORTS_MAX, SealedBlock, prelude_carries};
use gage_core::address::{MARKET, ORACLE};
use gage_node::Node;
use support::{lending::*, *};

const ATTACKER: u8 = 4;
/// The feed of somebody else, which no recognised market rests on.
const ASIDE: u32 = 3;
/// The attacker's, each with as many sources.
const FEEDS: std::ops::Range<u32> = 4..174;
const SOURCES: u8 = 16;
const BLOCKS: u64 = 5;

fn key(source: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[100 + source; 32].into()).unwrap()
}

fn sign(
    key: &PrivateKeySigner,
    (feed, round): (u32, u64),
    time: u64,
    dollars: u128,
) -> SignedReport {
    let report = PriceReport { feed, round, time, price: units(dollars), confidence: U256::ZERO };
    let hash = gage_evm::report_hash(CHAIN_ID, &report);
    let signature = key.sign_hash_sync(&hash).unwrap();
    let (r, s) = (B256::from(signature.r()), B256::from(signature.s()));
    SignedReport { report, v: 27 + u8::from(signature.v()), r, s }
}

/// Feeds of the attacker's and their sources, in as many blocks as they take.
fn prepare(node: &Node) {
    let terms = FeedTerms::unguarded(AGE_MAX, U256::from(1), units(1_000_000));
    let create = createFeedCall { asset: Address::ZERO, description: "ANY".into(), terms };
    let mut calls = vec![create.abi_encode(); FEEDS.len()];
    for (feed, source) in FEEDS.flat_map(|feed| (0..SOURCES).map(move |source| (feed, source))) {
        let source = Source::publisher(key(source).address(), AGE_MAX);
        calls.push(setSourceCall { feed, source }.abi_encode());
    }
    let mut nonce = 0;
    for some in calls.chunks(300) {
        for input in some {
            let (to, input) = (TxKind::Call(ORACLE), input.clone().into());
            let tx = TxEip1559 { gas_limit: 330_000, to, input, ..TxEip1559::default() };
            node.submit_raw(&signed(ATTACKER, nonce, tx)).unwrap();
            nonce += 1;
        }
        let block = node.produce().unwrap();
        let receipts = node.chain().receipts(block.number()).unwrap().unwrap();
        assert_eq!(receipts.iter().filter(|found| found.receipt.status()).count(), some.len() + 1);
    }
}

/// A borrower in a recognised market, a bid for their coins, a feed aside, and the attacker's feeds.
fn besieged() -> (Sender, std::sync::Arc<Still>) {
    let (node, clock) = node(Duration::ZERO);
    let mut sender = Sender::new(node);
    sender.open_market();
    clock.0.fetch_add(60, Ordering::Relaxed);
    sender.report(1, 2_000);
    sender.lend_and_borrow();
    let receiver = signer(LIQUIDATOR).address();
    sender.send(LIQUIDATOR, VAULT, &depositCall { assets: units(30_000), receiver });
    let shares = units(20_000) * U256::from(1_000_000);
    let bid = placeBidCall { market: 1, vault: VAULT, asset: COIN, tier: 1, shares };
    sender.send(LIQUIDATOR, MARKET, &bid);
    let seen = recogniseMarketCall { market: 1, collaterals: 1, vaults: 1 };
    sender.send(LIQUIDATOR, MARKET, &seen);
    let terms = FeedTerms::unguarded(AGE_MAX, U256::from(1), units(1_000_000));
    let create = createFeedCall { asset: Address::ZERO, description: "ASIDE".into(), terms };
    sender.send(LENDER, ORACLE, &create);
    let source = Source::publisher(signer(LENDER).address(), AGE_MAX);
    sender.send(LENDER, ORACLE, &setSourceCall { feed: ASIDE, source });
    prepare(&sender.node);
    (sender, clock)
}

/// The feeds that got a price in a block.
fn updated(node: &Node, block: &SealedBlock) -> Vec<u32> {
    let receipts = node.chain().receipts(block.number()).unwrap().unwrap();
    let logs = receipts[0].receipt.logs();
    logs.iter().filter_map(|log| PriceUpdated::decode_log(log).ok()).map(|log| log.feed).collect()
}

/// N-10, LIQ-5, ORC-1: an attacker reports to 170 feeds of sixteen sources each, before everyone else and with
/// the oldest times that are taken, so that more waits than a prelude holds, for as long as she likes. Still the prices of
/// the recognised market arrive in every block, its borrower is sold in the very block in which a price is too low for
/// them, and a feed that no recognised market rests on has its turn again and again.
#[test]
fn reg_n10_reports_to_feeds_of_one_s_own_buy_no_prelude() {
    let (sender, clock) = besieged();
    let node = &sender.node;
    let keys: Vec<_> = (0..SOURCES).map(key).collect();
    let mut turns = Vec::new();
    for round in 2..2 + BLOCKS {
        clock.0.fetch_add(2, Ordering::Relaxed);
        let flood = FEEDS.flat_map(|feed| keys.iter().map(move |key| (feed, key)));
        for (feed, key) in flood {
            // Where one waits already, or there is no room, it is refused.
            let _ = node.submit_reports(vec![sign(key, (feed, round), GENESIS_TIME + round, 1)]);
        }
        assert!(node.reports_len() > PRELUDE_REPORTS_MAX, "a flood");
        let aside = sign(&signer(LENDER), (ASIDE, round), node.now(), 5);
        node.submit_reports(vec![aside]).unwrap();
        let coin = if round == 1 + BLOCKS { 1_700 } else { 2_000 };
        let sealed = [(1, coin), (2, 1)]
            .map(|(feed, dollars)| sign(&signer(OWNER), (feed, round), node.now(), dollars));
        node.submit_reports(sealed.to_vec()).unwrap();
        let block = node.produce().unwrap();
        let carried = prelude_carries(block.transactions[0].inner()).unwrap().reports;
        assert!(carried.len() > PRELUDE_REPORTS_MAX - usize::from(SOURCES), "a full prelude");
        assert!(sealed.iter().all(|report| carried.contains(report)), "round {round}");
        let prices = updated(node, &block);
        assert!(prices.contains(&1) && prices.contains(&2), "round {round}: {prices:?}");
        if prices.contains(&ASIDE) {
            turns.push(round);
        }
        let receipts = node.chain().receipts(block.number()).unwrap().unwrap();
        let logs = receipts.iter().flat_map(|found| found.receipt.logs());
        let swept: Vec<_> = logs.filter_map(|log| Swept::decode_log(log).ok()).collect();
        assert_eq!(swept.len(), usize::from(coin == 1_700), "round {round}");
    }
    let waits = turns.windows(2).map(|pair| pair[1] - pair[0]).max().expect("more than one");
    eprintln!("prices aside in rounds {turns:?}");
    // The first reports cost most: half of what a prelude has of them is too much for its gas.
    assert!(turns[0] <= 4 && waits <= 2, "{turns:?}");
}
