//! Price reports from the publisher's signature to the oracle's state.

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use alloy_primitives::{Address, B256, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::IOracle::{
    self, FeedTerms, PriceReport, PriceUpdated, SignedReport, Source, createFeedCall,
    feedStateCall, preludeCall, setSourceCall,
};
use gage_chain::{CallOutcome, CallRequest, Chain};
use gage_core::address::ORACLE;
use gage_node::{Node, ReportError};
use support::*;

const PUBLISHER: u8 = 2;

fn wad(whole: u64) -> U256 {
    U256::from(whole) * U256::from(GWEI * GWEI)
}

/// A node whose feed 1 is published by [`PUBLISHER`].
fn with_feed() -> Node {
    let (node, clock) = node(Duration::ZERO);
    let terms = FeedTerms::unguarded(3_600, wad(1), wad(1_000_000));
    let (asset, description) = (Address::ZERO, "ETH / USD".into());
    let create = createFeedCall { asset, description, terms };
    let source = Source::publisher(signer(PUBLISHER).address(), 3_600);
    let allow = setSourceCall { feed: 1, source };
    node.submit_raw(&call(0, 0, ORACLE, &create)).expect("pooled");
    node.submit_raw(&call(0, 1, ORACLE, &allow)).expect("pooled");
    clock.0.fetch_add(10, Ordering::Relaxed);
    let block = node.produce().expect("a block");
    let receipts = node.chain().receipts(block.number()).expect("stored").expect("there");
    assert!(receipts.iter().all(|found| found.receipt.status()), "{receipts:#?}");
    clock.0.fetch_add(10, Ordering::Relaxed);
    node
}

fn report(from: u8, round: u64, time: u64, price: U256) -> SignedReport {
    let report = PriceReport { feed: 1, round, time, price, confidence: U256::ZERO };
    let hash = gage_evm::report_hash(CHAIN_ID, &report);
    let signature = signer(from).sign_hash_sync(&hash).expect("signed");
    SignedReport {
        report,
        v: 27 + u8::from(signature.v()),
        r: B256::from(signature.r()),
        s: B256::from(signature.s()),
    }
}

fn feed(chain: &Chain) -> IOracle::FeedState {
    let input = feedStateCall { feed: 1 }.abi_encode().into();
    let request = CallRequest { to: Some(ORACLE), input, ..CallRequest::default() };
    let called = chain.call(chain.head().number, &request, &Default::default()).expect("called");
    let CallOutcome::Success { output } = called.outcome else { panic!("{called:?}") };
    feedStateCall::abi_decode_returns(&output).expect("a feed")
}

#[test]
fn a_report_is_in_the_prelude_of_the_next_block() {
    let node = with_feed();
    let signed = report(PUBLISHER, 1, node.now(), wad(2_000));
    node.submit_reports(vec![signed.clone()]).unwrap();
    let block = node.produce().unwrap();
    let carried = gage_chain::prelude_carries(block.transactions[0].inner()).unwrap();
    assert_eq!(carried.reports, std::slice::from_ref(&signed));
    let prelude = &node.chain().receipts(block.number()).unwrap().unwrap()[0];
    let updated = PriceUpdated::decode_log(&prelude.receipt.logs()[0]).unwrap();
    assert_eq!((updated.feed, updated.price), (1, wad(2_000)));
    assert_eq!((updated.sources, updated.spread), (1, 0));
    assert!(prelude.gas_used > 0);
    let state = feed(node.chain());
    assert_eq!((state.price, state.rounds, state.fresh), (wad(2_000), 1, true));
    assert_eq!(node.reports_len(), 0);
    let again = node.submit_reports(vec![signed]);
    assert_eq!(again, Err(ReportError::NotNewer { feed: 1, round: 1, newest: 1 }));
}

#[test]
fn a_report_of_nobody_in_particular_is_refused() {
    let node = with_feed();
    let now = node.now();
    let stranger = report(1, 1, now, wad(2_000));
    let refused = node.submit_reports(vec![stranger]);
    let signer_of = signer(1).address();
    assert_eq!(refused, Err(ReportError::UnknownPublisher { feed: 1, signer: signer_of }));
    let mut changed = report(PUBLISHER, 1, now, wad(2_000));
    changed.report.price = wad(3_000);
    let refused = node.submit_reports(vec![changed]);
    assert!(matches!(
        refused,
        Err(ReportError::UnknownPublisher { .. } | ReportError::Signature(_))
    ));
    let mut odd = report(PUBLISHER, 1, now, wad(2_000));
    odd.v = 99;
    assert_eq!(node.submit_reports(vec![odd]), Err(ReportError::Signature(1)));
    let mut unknown = report(PUBLISHER, 1, now, wad(2_000));
    unknown.report.feed = 77;
    assert_eq!(node.submit_reports(vec![unknown]), Err(ReportError::UnknownFeed(77)));
    assert_eq!(node.reports_len(), 0);
}

#[test]
fn a_report_of_the_near_future_waits_for_its_time() {
    let (node, signed) = {
        let node = with_feed();
        let signed = report(PUBLISHER, 1, node.now() + 5, wad(2_000));
        (node, signed)
    };
    node.submit_reports(vec![signed]).unwrap();
    node.produce().unwrap();
    assert_eq!((node.reports_len(), feed(node.chain()).rounds), (1, 0));
    node.increase_time(5).unwrap();
    node.produce().unwrap();
    assert_eq!((node.reports_len(), feed(node.chain()).rounds), (0, 1));
}

#[test]
fn a_user_cannot_call_the_prelude() {
    let node = with_feed();
    let reports = vec![report(PUBLISHER, 1, node.now(), wad(2_000))];
    let forged = preludeCall { reports, messages: Vec::new() };
    let hash = node.submit_raw(&call(1, 0, ORACLE, &forged)).unwrap();
    node.produce().unwrap();
    assert!(!node.chain().receipt(hash).unwrap().unwrap().receipt.status());
    assert_eq!(feed(node.chain()).rounds, 0);
}

#[test]
fn another_chain_takes_the_blocks_with_their_prices() {
    let node = with_feed();
    node.submit_reports(vec![report(PUBLISHER, 1, node.now(), wad(2_000))]).unwrap();
    node.produce().unwrap();
    let (other, _) = support::node(Duration::ZERO);
    for number in 1..=node.chain().head().number {
        let block = node.chain().block(number).unwrap().unwrap();
        other.import(&block.rlp()).unwrap();
    }
    assert_eq!(other.chain().head(), node.chain().head());
    assert_eq!(feed(other.chain()).price, wad(2_000));
    assert_eq!(other.chain().check().unwrap(), node.chain().check().unwrap());
}
