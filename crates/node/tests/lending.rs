//! A loan from its first block to its liquidation, through signed transactions and signed prices.

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use alloy_sol_types::SolEvent;
use gage_abi::IMarket::Liquidated;
use gage_core::address::MARKET;
use support::{
    lending::{LIQUIDATOR, Sender, liquidation},
    *,
};

#[test]
fn a_loan_ends_in_a_liquidation_and_the_books_balance() {
    let (node, clock) = node(Duration::ZERO);
    let mut sender = Sender::new(node.clone());
    sender.open_market();
    clock.0.fetch_add(60, Ordering::Relaxed);
    sender.report(1, 2_000);
    sender.lend_and_borrow();
    clock.0.fetch_add(3_600, Ordering::Relaxed);
    sender.report(2, 1_700);
    sender.send(LIQUIDATOR, MARKET, &liquidation());
    let head = node.chain().head().number;
    let receipts = node.chain().receipts(head).unwrap().unwrap();
    let logs = receipts.iter().flat_map(|found| found.receipt.logs());
    assert!(logs.clone().any(|log| Liquidated::decode_log(log).is_ok()), "{receipts:#?}");
    let checked = node.chain().check().unwrap();
    assert!(checked.invariants.checked.len() >= 15, "{:?}", checked.invariants);
    let (other, _) = support::node(Duration::ZERO);
    for number in 1..=head {
        other.import(&node.chain().block(number).unwrap().unwrap().rlp()).unwrap();
    }
    assert_eq!(other.chain().head(), node.chain().head());
}
