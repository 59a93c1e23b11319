//! Full preludes in blocks: what they hold, what they cost, and that an importer agrees.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use alloy_consensus::Transaction;
use alloy_primitives::{Address, Bytes, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::IOracle::{self, FeedTerms, Guards, PriceReport, ProviderMessage, SignedReport};
use gage_chain::{
    Batch, BlockAttributes, BuildError, Chain, GAS_LIMIT_MIN, Genesis, MESSAGE_BYTES_MAX,
    MESSAGE_FEEDS_MAX, PRELUDE_GAS_LIMIT, PRELUDE_MESSAGES_MAX, PRELUDE_REPORTS_MAX, SWEEP_GAS_MIN,
    SealedBlock, TX_GAS_LIMIT_MAX,
};
use gage_core::address::ORACLE;
use gage_state::Store;
use support::lending::{BORROWERS, World, u};
use support::*;

const OWNER: u8 = 9;
/// Who reports to every feed.
const PUBLISHERS: std::ops::Range<u8> = 20..25;
const FEEDS: u32 = 512;

fn signed(publisher: u8, (feed, round): (u32, u64), time: u64, price: u128) -> SignedReport {
    let (price, confidence) = (U256::from(price), U256::ZERO);
    let report = PriceReport { feed, round, time, price, confidence };
    let hash = gage_evm::report_hash(CHAIN_ID, &report);
    let signature = user(publisher).sign_hash_sync(&hash).unwrap();
    let (r, s) = (signature.r().into(), signature.s().into());
    SignedReport { report, v: 27 + u8::from(signature.v()), r, s }
}

fn reports(chain: &Chain, round: u64, price: u128) -> Vec<SignedReport> {
    let time = chain.head().timestamp + 12;
    let all = (1..=FEEDS).flat_map(|feed| PUBLISHERS.map(move |publisher| (feed, publisher)));
    all.map(|(feed, publisher)| signed(publisher, (feed, round), time, price)).collect()
}

fn attributes(chain: &Chain, reports: Vec<SignedReport>) -> BlockAttributes {
    let timestamp = chain.head().timestamp + 12;
    BlockAttributes { timestamp, reports, ..BlockAttributes::default() }
}

/// A chain with 512 feeds of five publishers, three of whom must agree.
fn world() -> Chain {
    let chain = chain();
    let guards = Guards {
        quorum: 3,
        outlier: 50,
        spread: 200,
        jump: 300,
        confirm: 60,
        smoothing: 600,
        budget: 600,
        window: 86_400,
    };
    let terms = FeedTerms { guards, ..FeedTerms::unguarded(3_600, U256::ONE, U256::from(ETHER)) };
    let create =
        IOracle::createFeedCall { asset: Address::ZERO, description: "ANY / USD".into(), terms };
    let mut calls = vec![create.abi_encode(); FEEDS as usize];
    for feed in 1..=FEEDS {
        for publisher in PUBLISHERS {
            let source = IOracle::Source::publisher(user(publisher).address(), 3_600);
            calls.push(IOracle::setSourceCall { feed, source }.abi_encode());
        }
    }
    let mut nonce = 0;
    for calls in calls.chunks(360) {
        let mut transactions = Vec::new();
        for input in calls {
            let mut draft = draft(OWNER, nonce).to(ORACLE).gas(330_000);
            draft.input = input.clone().into();
            transactions.push(draft.dynamic());
            nonce += 1;
        }
        let (block, rejected) = extend(&chain, transactions);
        assert!(rejected.is_empty(), "{rejected:?}");
        for receipt in chain.receipts(block.header.number).unwrap().unwrap() {
            assert!(receipt.receipt.status());
        }
    }
    chain
}

/// How many feeds got their price in a block, and how much gas its prelude used.
fn prelude_of(chain: &Chain, block: &SealedBlock) -> (usize, u64) {
    let receipts = chain.receipts(block.header.number).unwrap().unwrap();
    let logs = receipts[0].receipt.logs();
    let rejected = logs.iter().filter(|log| IOracle::ReportRejected::decode_log(log).is_ok());
    assert_eq!(rejected.count(), 0);
    let updated = logs.iter().filter(|log| IOracle::PriceUpdated::decode_log(log).is_ok());
    (updated.count(), receipts[0].receipt.cumulative_gas_used())
}

/// ORC-2: five reports for each of 512 feeds fit in every block's prelude; the first of all, which write each slot for
/// the first time, take several.
#[test]
fn five_reports_for_each_of_512_feeds_fit() {
    let chain = world();
    let mut updated = Vec::new();
    for round in 1..=5 {
        let all = reports(&chain, round, 1_000_000 + u128::from(round));
        assert_eq!(all.len(), PRELUDE_REPORTS_MAX);
        let attributes = attributes(&chain, all);
        let built = chain.build(&attributes, &mut Batch::new(Vec::new())).unwrap();
        let (block, _) = chain.commit(built).unwrap();
        let (count, gas) = prelude_of(&chain, &block);
        eprintln!("round {round}: {count} prices, {gas} gas");
        assert!(gas < PRELUDE_GAS_LIMIT);
        updated.push(count);
    }
    assert!(updated[0] > 0 && updated[0] < FEEDS as usize, "{updated:?}");
    assert_eq!(updated[3..], [FEEDS as usize; 2]);

    // Who only imports comes to the same state.
    let other = Chain::open(Store::in_memory().unwrap(), &genesis()).unwrap();
    for number in 1..=chain.head().number {
        other.import(&chain.block(number).unwrap().unwrap().rlp()).unwrap();
    }
    assert_eq!(other.head(), chain.head());
}

#[test]
fn a_prelude_holds_so_much_and_no_more() {
    let chain = chain();
    let report = reports(&chain, 1, 1).remove(0);
    let message = |feeds: usize, bytes: usize| ProviderMessage {
        provider: 2,
        feeds: vec![1; feeds],
        data: Bytes::from(vec![0; bytes]),
    };
    let build = |reports: usize, messages: Vec<ProviderMessage>| {
        let mut attributes = attributes(&chain, vec![report.clone(); reports]);
        attributes.messages = messages;
        chain.build(&attributes, &mut Batch::new(Vec::new())).map(drop)
    };
    let most = vec![message(MESSAGE_FEEDS_MAX, MESSAGE_BYTES_MAX); PRELUDE_MESSAGES_MAX];
    build(PRELUDE_REPORTS_MAX, most.clone()).unwrap();
    for (reports, messages) in [
        (PRELUDE_REPORTS_MAX + 1, Vec::new()),
        (0, [most.as_slice(), &most[..1]].concat()),
        (0, vec![message(MESSAGE_FEEDS_MAX + 1, 0)]),
        (0, vec![message(0, MESSAGE_BYTES_MAX + 1)]),
    ] {
        let count = messages.len();
        let refused = build(reports, messages).unwrap_err();
        assert!(
            matches!(refused, BuildError::TooManyReports(found, with) if (found, with) == (reports, count)),
            "{refused}"
        );
    }
}

/// Feeds that anyone may create, of two sources each.
const ANYONE_S: std::ops::Range<u32> = 3..703;

fn create_anyone_s(world: &mut World) {
    let terms = FeedTerms::unguarded(3_600, U256::ONE, u(1 << 100));
    let create =
        IOracle::createFeedCall { asset: Address::ZERO, description: "ANY / USD".into(), terms };
    let mut calls = vec![create.abi_encode(); ANYONE_S.len()];
    for (feed, publisher) in ANYONE_S.flat_map(|feed| [20, 21].map(|publisher| (feed, publisher))) {
        let source = IOracle::Source::publisher(user(publisher).address(), 3_600);
        calls.push(IOracle::setSourceCall { feed, source }.abi_encode());
    }
    for calls in calls.chunks(100) {
        let calls: Vec<_> = calls.iter().map(|call| (8, ORACLE, call.clone())).collect();
        world.block(&calls);
    }
}

/// Q-02, LIQ-5, N-10: in a block of the least gas limit, whose prelude has used all the gas that it may, the sweep has
/// gas to begin with any account there is and sells who is due, and a transaction of the largest gas limit has room.
#[test]
fn reg_q02_the_fullest_prelude_leaves_room_for_the_sweep_and_for_users() {
    let least = Genesis { gas_limit: GAS_LIMIT_MIN, ..genesis() };
    let mut world = World::new(Chain::open(Store::in_memory().unwrap(), &least).unwrap());
    world.lend();
    world.bid(1, 30_000);
    create_anyone_s(&mut world);
    world.price(2_000);
    let time = world.chain.head().timestamp + 12;
    let mut reports = world.reports(12, &[(1, 1_740 * ETHER), (2, ETHER)]);
    // The first reports of all, which write most.
    let first = |feed| [20, 21].map(|publisher| signed(publisher, (feed, 1), time, ETHER));
    reports.extend(ANYONE_S.flat_map(first));
    let attributes = BlockAttributes { timestamp: time, reports, ..BlockAttributes::default() };
    let mut batch = Batch::new([draft(7, 0).gas(TX_GAS_LIMIT_MAX).dynamic()]);
    let built = world.chain.build(&attributes, &mut batch).unwrap();
    let (block, receipts) = world.chain.commit(built).unwrap();
    assert_eq!(block.header.gas_limit, GAS_LIMIT_MIN);
    let used = receipts[0].gas_used;
    assert!(used > PRELUDE_GAS_LIMIT - 1_000_000, "{used}");
    assert!(block.transactions[1].gas_limit() >= SWEEP_GAS_MIN);
    assert_eq!(world.swept(&block), [user(BORROWERS[0]).address()]);
    assert!(batch.rejected.is_empty(), "{:?}", batch.rejected);
    assert_eq!(block.transactions.len(), 3);
}
