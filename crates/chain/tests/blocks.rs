//! Building, storing and reading blocks.

mod support;

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, TxKind, U256};
use gage_chain::{
    Batch, BlockAttributes, Chain, Genesis, LogError, LogFilter, OpenError, Rejection,
    decode_transaction, is_prelude, prelude_tx, recover, sender,
};
use gage_state::Store;
use revm::DatabaseRef;
use support::*;

#[test]
fn every_transaction_type_runs_and_is_found_again() {
    let chain = chain();
    let (block, rejected) = extend(&chain, one_of_each());
    assert_eq!(rejected, []);
    let types: Vec<_> = block.transactions.iter().map(|tx| u8::from(tx.tx_type())).collect();
    assert_eq!(types, [0, 0, 1, 2, 4, 2], "the prelude, then one of each type");
    assert_eq!(chain.block(1).unwrap().unwrap(), block);
    assert_eq!(chain.number_of(block.hash()).unwrap(), Some(1));
    let receipts = chain.receipts(1).unwrap().unwrap();
    let status: Vec<_> = receipts.iter().map(|found| found.receipt.status()).collect();
    assert_eq!(status, [true, true, true, true, true, false]);
    assert_eq!(receipts.iter().map(|found| found.gas_used).sum::<u64>(), block.header.gas_used);
    let mut logs = 0;
    for (index, (tx, receipt)) in (0..).zip(block.transactions.iter().zip(&receipts)) {
        let found = chain.transaction(*tx.tx_hash()).unwrap().unwrap();
        assert_eq!((&found.transaction, found.place.index), (tx, index));
        assert_eq!(chain.receipt(*tx.tx_hash()).unwrap().as_ref(), Some(receipt));
        assert_eq!(sender(tx.inner()).unwrap(), tx.signer());
        assert_eq!(receipt.first_log_index, logs);
        logs += receipt.receipt.logs().len() as u64;
    }
    assert_eq!(block.rlp().len(), block.rlp_length());
    assert_eq!(chain.state(1).unwrap().storage(COUNTER, U256::ZERO).unwrap(), U256::from(2));
}

/// A block that is not durable yet carries the next, and shows to nobody.
#[test]
fn staged_blocks_are_built_on_but_not_told_of() {
    let chain = chain();
    let mut staged = Vec::new();
    for nonce in 0..3 {
        let tx = draft(1, nonce).to(COUNTER).dynamic();
        let hash = *tx.tx_hash();
        let timestamp = chain.tip().timestamp + 12;
        let attributes = BlockAttributes { timestamp, ..BlockAttributes::default() };
        let built = chain.build(&attributes, &mut Batch::new([tx.clone()])).unwrap();
        let block = chain.stage(built).unwrap();
        assert_eq!(chain.tip().hash(), block.block().hash());
        assert_eq!(chain.staged_transaction(hash).unwrap(), Some(tx));
        assert_eq!(chain.receipt(hash).unwrap(), None);
        assert_eq!(chain.transaction(hash).unwrap(), None);
        staged.push((block, hash));
    }
    assert_eq!((chain.head().number, chain.tip().number), (0, 3));
    assert_eq!(chain.block(1).unwrap(), None);
    assert_eq!(chain.number_of(staged[0].0.block().hash()).unwrap(), None);
    let counted = |number| chain.state(number).unwrap().storage(COUNTER, U256::ZERO).unwrap();
    assert_eq!(counted(0), U256::ZERO);
    chain.confirm(staged.iter().take(2).map(|(block, _)| block)).unwrap();
    assert_eq!((chain.head().number, chain.tip().number), (2, 3));
    assert_eq!([counted(1), counted(2)], [U256::from(1), U256::from(2)]);
    assert!(chain.receipt(staged[1].1).unwrap().unwrap().receipt.status());
    assert_eq!(chain.staged_transaction(staged[1].1).unwrap(), None);
    chain.confirm([&staged[2].0]).unwrap();
    chain.confirm([&staged[0].0]).unwrap();
    assert_eq!(chain.head(), chain.tip(), "the head never goes back");
    assert_eq!(counted(3), U256::from(3));
    let next = extend(&chain, vec![]).0;
    assert_eq!(next.number(), 4);
}

#[test]
fn the_prelude_is_first_costs_nothing_and_differs_in_each_block() {
    let chain = chain();
    let (one, _) = extend(&chain, vec![]);
    let (two, _) = extend(&chain, vec![]);
    let (first, second) = (&one.transactions[0], &two.transactions[0]);
    assert!(is_prelude(first.inner()) && is_prelude(second.inner()));
    assert_ne!(first.tx_hash(), second.tx_hash());
    assert_eq!((first.nonce(), second.nonce()), (1, 2));
    let receipt = chain.receipt(*first.tx_hash()).unwrap().unwrap();
    assert_eq!(receipt.gas_price, 0);
    assert!(receipt.receipt.status());
    let encoded = first.inner().encoded_2718();
    let decoded = decode_transaction(&encoded).unwrap();
    assert_eq!(&decoded, first.inner());
    assert_eq!(
        alloy_rlp::encode(first.inner()),
        encoded,
        "clients parse it as a legacy transaction"
    );
}

#[test]
fn nobody_sends_as_the_system() {
    let prelude = prelude_tx(CHAIN_ID, 1, Bytes::new());
    assert!(matches!(recover(prelude.clone(), CHAIN_ID), Err(Rejection::Signature)));
    let system = gage_chain::SYSTEM;
    let chain = chain();
    let (_, rejected) = extend(&chain, vec![Recovered::new_unchecked(prelude, system)]);
    assert_eq!(rejected, [Rejection::System]);
}

#[test]
fn what_cannot_run_is_skipped_and_says_why() {
    let chain = chain();
    let poor = draft(20, 0);
    let cases: Vec<(Recovered<TxEnvelope>, &str)> = vec![
        (draft(0, 1).dynamic(), "nonce too high: next nonce 0, tx nonce 1"),
        (poor.dynamic(), "insufficient funds for gas * price + value: balance 0, tx cost"),
        (
            draft(0, 0).gas(20_000).dynamic(),
            "intrinsic gas too low: gas 20000, minimum needed 21000",
        ),
        (draft(0, 0).fees(1, 1).dynamic(), "max fee per gas less than block base fee"),
        (draft(0, 0).fees(GWEI * 9, GWEI * 10).dynamic(), "max priority fee per gas higher"),
        (
            draft(0, 0).gas(16_777_217).dynamic(),
            "exceeds the gas limit of one transaction: gas 16777217, most 16777216",
        ),
        (
            draft(0, 0).gas(121_000_000).dynamic(),
            "gas limit reached: gas 121000000, left in the block",
        ),
        (
            Draft { chain_id: 1, ..draft(0, 0) }.dynamic(),
            "invalid chain id 1, this chain's is 4243",
        ),
        (draft(0, 0).dynamic(), ""),
    ];
    let (transactions, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let (block, rejected) = extend(&chain, transactions);
    assert_eq!(block.transactions.len(), 2, "the prelude and the good one");
    assert_eq!(rejected.len() + 1, expected.len());
    for (reason, expected) in rejected.iter().zip(expected) {
        assert!(reason.to_string().starts_with(expected), "{reason} is not {expected}");
    }
    let (_, again) = extend(&chain, vec![draft(0, 0).dynamic()]);
    assert_eq!(again, [Rejection::NonceTooLow { expected: 1, got: 0 }]);
}

#[test]
fn blobs_and_foreign_bytes_are_no_transactions() {
    assert!(matches!(decode_transaction(&[3, 0xc0]), Err(Rejection::Blob)));
    assert!(matches!(decode_transaction(&[0xc0]), Err(Rejection::Malformed(_))));
    assert!(matches!(decode_transaction(&[]), Err(Rejection::Malformed(_))));
    assert!(matches!(decode_transaction(&[9, 0xc0]), Err(Rejection::Type(9))));
    let big = vec![0; gage_chain::TX_BYTES_MAX + 1];
    assert!(matches!(decode_transaction(&big), Err(Rejection::Oversized(_))));
    let mut long = draft(0, 0).dynamic().inner().encoded_2718();
    long.push(0);
    assert!(matches!(decode_transaction(&long), Err(Rejection::TrailingBytes(1))));
}

#[test]
fn a_block_holds_what_fits_its_gas_limit() {
    let chain = chain();
    let mut waiting: Vec<_> =
        (0..8).map(|nonce| draft(0, nonce).to(BURNER).gas(16_000_000).dynamic()).collect();
    waiting.push(draft(2, 0).dynamic());
    let (block, rejected) = extend(&chain, waiting);
    assert_eq!(block.transactions.len(), 9, "the prelude, seven that burn, and a small one");
    assert!(matches!(rejected[..], [Rejection::NoRoom { limit: 16_000_000, .. }]));
    assert!(block.header.gas_used <= block.header.gas_limit);
}

#[test]
fn the_base_fee_follows_the_gas_used() {
    let chain = chain();
    let burns = |from| {
        (from..from + 5).map(|nonce| draft(0, nonce).to(BURNER).gas(14_000_000).dynamic()).collect()
    };
    let before = chain.next_base_fee();
    assert_eq!(before, GWEI as u64 * 7 / 8, "block 0 is empty");
    let (full, _) = extend(&chain, burns(0));
    assert_eq!(full.header.base_fee_per_gas, Some(before));
    let (target, used) = (u128::from(full.header.gas_limit / 2), u128::from(full.header.gas_used));
    let rise = u128::from(before) * (used - target) / target / 8;
    assert_eq!(u128::from(chain.next_base_fee()), u128::from(before) + rise);
    let (empty, _) = extend(&chain, vec![]);
    assert!(chain.next_base_fee() < empty.header.base_fee_per_gas.unwrap());
}

#[test]
fn the_base_fee_is_burned_and_the_tip_is_paid() {
    let chain = chain();
    let (block, _) = extend(&chain, vec![draft(0, 0).dynamic()]);
    let view = chain.state(1).unwrap();
    let gas = chain.receipts(1).unwrap().unwrap()[1].gas_used;
    let tip = view.basic_ref(block.header.beneficiary).unwrap().unwrap().balance;
    assert_eq!(tip, U256::from(u128::from(gas) * GWEI));
    let price = u128::from(block.header.base_fee_per_gas.unwrap()) + GWEI;
    let paid =
        U256::from(10_000 * ETHER) - view.basic_ref(user(0).address()).unwrap().unwrap().balance;
    assert_eq!(paid, U256::from(u128::from(gas) * price + 1));
    assert_eq!(chain.receipts(1).unwrap().unwrap()[1].gas_price, price);
}

#[test]
fn a_contract_sees_the_hashes_of_earlier_blocks() {
    let chain = chain();
    extend(&chain, vec![]);
    let request = gage_chain::CallRequest { to: Some(HASHER), ..Default::default() };
    let called = chain.call(1, &request, &Default::default()).unwrap();
    let expected = chain.header(0).unwrap().unwrap().hash();
    let gage_chain::CallOutcome::Success { output } = called.outcome else { panic!("{called:?}") };
    assert_eq!(output.as_ref(), expected.as_slice());
}

#[test]
fn logs_are_found_by_range_address_and_topic() {
    let chain = chain();
    for nonce in 0..5 {
        extend(&chain, vec![draft(0, nonce).to(COUNTER).dynamic()]);
    }
    let seven = B256::from(U256::from(7));
    let filter = |from, to| LogFilter { from, to, addresses: vec![COUNTER], ..Default::default() };
    let count = |filter: &LogFilter| chain.logs(filter, 100).unwrap().len();
    assert_eq!(count(&filter(0, u64::MAX)), 5);
    assert_eq!(count(&filter(2, 3)), 2);
    assert_eq!(count(&LogFilter { addresses: vec![BURNER], ..filter(0, 9) }), 0);
    let topics = |first| [vec![first], vec![], vec![], vec![]];
    assert_eq!(count(&LogFilter { topics: topics(seven), ..filter(0, 9) }), 5);
    assert_eq!(count(&LogFilter { topics: topics(B256::ZERO), ..filter(0, 9) }), 0);
    let second = [vec![], vec![seven], vec![], vec![]];
    assert_eq!(count(&LogFilter { topics: second, ..filter(0, 9) }), 0);
    assert!(matches!(chain.logs(&filter(0, 9), 4), Err(LogError::TooMany(4))));
}

#[test]
fn the_same_transactions_give_the_same_chain() {
    let (one, two) = (chain(), chain());
    for chain in [&one, &two] {
        extend(chain, one_of_each());
        extend(chain, vec![draft(2, 0).to(COUNTER).dynamic()]);
    }
    assert_eq!(one.head(), two.head());
    assert_eq!(one.check().unwrap(), two.check().unwrap());
}

#[test]
fn a_store_belongs_to_one_genesis() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gage.redb");
    let head = {
        let chain = Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
        extend(&chain, one_of_each());
        chain.head()
    };
    for other in [Genesis { timestamp: 1, ..genesis() }, Genesis { chain_id: 1, ..genesis() }] {
        let refused = Chain::open(Store::open(&path).unwrap(), &other);
        assert!(matches!(refused, Err(OpenError::OtherChain { .. })), "{refused:?}");
    }
    let chain = Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    assert_eq!(chain.head(), head);
    assert_eq!(chain.check().unwrap().transactions, 6);
}

#[test]
fn a_created_contract_is_named_in_the_receipt() {
    let chain = chain();
    // Returns one byte of code, STOP.
    let input = alloy_primitives::bytes!("60016000f3");
    let create = Draft { to: TxKind::Create, value: U256::ZERO, input, ..draft(0, 0) };
    extend(&chain, vec![create.dynamic()]);
    let receipt = &chain.receipts(1).unwrap().unwrap()[1];
    assert_eq!(receipt.created, Some(user(0).address().create(0)));
    assert!(receipt.receipt.status());
}
