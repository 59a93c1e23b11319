//! The clock is set ahead and back while blocks are made: by an hour, a day, a year.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_sol_types::SolCall;
use gage_chain::{CallOutcome, CallRequest};
use gage_core::{address::MARKET, feed::GRACE_SECONDS};
use gage_node::{Clock, Node, NodeConfig};
use support::{
    lending::{AGE_MAX, LIQUIDATOR, Sender, liquidation},
    *,
};
use tokio::sync::oneshot;

const JUMPS: [i64; 3] = [3_600, 86_400, 365 * 86_400];

/// A clock that runs when told, and that somebody sets.
#[derive(Default)]
struct Set {
    passed_millis: AtomicU64,
    wrong_seconds: AtomicI64,
}

impl Set {
    fn pass(&self, seconds: u64) {
        self.passed_millis.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    fn jump(&self, seconds: i64) {
        self.wrong_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Set {
    fn now_millis(&self) -> u64 {
        let wrong = self.wrong_seconds.load(Ordering::Relaxed);
        let start = GENESIS_TIME.checked_add_signed(wrong).expect("after 1970");
        start * 1_000 + self.steady_millis()
    }

    fn steady_millis(&self) -> u64 {
        self.passed_millis.load(Ordering::Relaxed)
    }
}

/// A loan that could be liquidated at a price of now.
fn unhealthy_loan() -> (Sender, Arc<Set>) {
    let clock = Arc::new(Set::default());
    let config = NodeConfig { block_time: Duration::ZERO, ..NodeConfig::default() };
    let node = Node::open(chain(), config, clock.clone()).expect("a chain");
    let mut sender = Sender::new(node);
    sender.open_market();
    clock.pass(60);
    sender.report(1, 2_000);
    sender.lend_and_borrow();
    clock.pass(60);
    sender.report(2, 1_700);
    (sender, clock)
}

/// Why the loan cannot be liquidated at the head, if it cannot.
fn refusal(node: &Node) -> Option<String> {
    let request = CallRequest {
        from: Some(signer(LIQUIDATOR).address()),
        to: Some(MARKET),
        input: liquidation().abi_encode().into(),
        ..CallRequest::default()
    };
    let called = node.chain().call(node.chain().head().number, &request, &Default::default());
    match called.expect("called").outcome {
        CallOutcome::Success { .. } => None,
        CallOutcome::Revert { data } => gage_abi::decode_error(&data),
        other => panic!("{other:?}"),
    }
}

/// Liquidates at the head's prices: if they were stale before, once borrowers have had their ten minutes.
fn liquidate_after_grace(sender: &mut Sender, clock: &Set, were_stale: bool) {
    let refused = refusal(&sender.node);
    assert_eq!(refused.is_some(), were_stale, "{refused:?}");
    if let Some(why) = refused {
        assert!(why.starts_with("LiquidationPaused"), "{why}");
        clock.pass(GRACE_SECONDS * 10 / 9 + 10);
        sender.node.produce().unwrap();
    }
    sender.send(LIQUIDATOR, MARKET, &liquidation());
}

/// Whoever has the blocks takes them, whatever its own clock shows; and all that is stored is right.
fn check(node: &Node) {
    let (other, _) = support::node(Duration::ZERO);
    let mut time = GENESIS_TIME;
    for number in 1..=node.chain().head().number {
        let block = node.chain().block(number).unwrap().unwrap();
        assert!(block.header.timestamp >= time, "block {number}");
        time = block.header.timestamp;
        other.import(&block.rlp()).unwrap();
    }
    assert_eq!(other.chain().head(), node.chain().head());
    node.chain().check().unwrap();
}

/// ORC-1: prices are as old as the clock says they are. Liquidation waits for new ones.
#[test]
fn prices_are_stale_after_a_jump_ahead_and_liquidation_waits() {
    for jump in JUMPS {
        let (mut sender, clock) = unhealthy_loan();
        let node = sender.node.clone();
        assert_eq!(refusal(&node), None);
        let before = node.chain().head().timestamp;
        clock.jump(jump);
        clock.pass(1);
        let after = node.produce().unwrap().header.timestamp;
        assert_eq!(after, before.checked_add_signed(jump).unwrap() + 1);
        let refused = refusal(&node);
        if after - before > AGE_MAX.into() {
            assert!(
                refused.as_ref().is_some_and(|why| why.starts_with("StalePrice")),
                "{refused:?}"
            );
        } else {
            assert_eq!(refused, None);
        }
        sender.report(3, 1_700);
        liquidate_after_grace(&mut sender, &clock, refused.is_some());
        check(&node);
    }
}

/// ORC-1: the chain's time goes on when the clock is set back, so that no price stays fresh for ever, and new ones are
/// taken. Once the clock has caught up they go together again.
#[test]
fn blocks_and_prices_go_on_after_a_jump_back() {
    for jump in JUMPS {
        let (mut sender, clock) = unhealthy_loan();
        let node = sender.node.clone();
        let before = node.chain().head().timestamp;
        clock.jump(-jump);
        assert_eq!(node.produce().unwrap().header.timestamp, before);
        for second in 1..=10 {
            clock.pass(1);
            let time = node.produce().unwrap().header.timestamp;
            assert_eq!(time, before + second * 9 / 10);
        }
        sender.report(3, 1_600);
        assert_eq!(refusal(&node), None);
        // Nobody reports any more, and the price gets old.
        clock.pass(u64::from(AGE_MAX) * 10 / 9);
        clock.pass(10);
        node.produce().unwrap();
        let refused = refusal(&node);
        assert!(refused.as_ref().is_some_and(|why| why.starts_with("StalePrice")), "{refused:?}");
        sender.report(4, 1_600);
        liquidate_after_grace(&mut sender, &clock, true);
        // Set right, it shows what it would have shown anyway.
        clock.jump(jump);
        assert_eq!(node.produce().unwrap().header.timestamp, clock.now());
        check(&node);
    }
}

/// A node that is started while the clock is behind goes on from its head.
#[test]
fn a_node_that_starts_behind_its_head_makes_blocks() {
    let (sender, clock) = unhealthy_loan();
    let chain = sender.node.chain().clone();
    let before = chain.head().timestamp;
    clock.jump(-JUMPS[1]);
    let node = Node::open(chain, sender.node.config().clone(), clock.clone()).unwrap();
    clock.pass(100);
    assert_eq!(node.produce().unwrap().header.timestamp, before + 90);
    let again = Sender::new(node);
    again.report(3, 1_600);
    assert_eq!(refusal(&again.node), None);
}

/// Whatever is done to the clock while a node runs, its blocks come at their interval.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_jump_holds_blocks_up() {
    let clock = Arc::new(Set::default());
    let config = NodeConfig { block_time: Duration::from_millis(5), ..NodeConfig::default() };
    let node = Node::open(chain(), config, clock.clone()).unwrap();
    let mut blocks = node.subscribe_heads();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn({
        let node = node.clone();
        async move { node.run(async { drop(stopped.await) }).await }
    });
    let mut number = 0;
    for (nonce, jump) in (0..).zip(JUMPS.into_iter().flat_map(|jump| [jump, -jump, -jump, jump])) {
        clock.jump(jump);
        clock.pass(1);
        let sent = node.submit_raw(&transfer(0, nonce)).unwrap();
        // Long for a block, short for any jump.
        let patience = Duration::from_secs(60);
        loop {
            let head = tokio::time::timeout(patience, blocks.recv()).await.unwrap().unwrap();
            number += 1;
            assert_eq!(head.block.number(), number);
            if head.block.transactions.iter().any(|tx| *tx.tx_hash() == sent) {
                break;
            }
        }
    }
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    check(&node);
}
