//! Blocks from outside: the same bytes give the same chain, and no false claim passes.

mod support;

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::eip4895::{Withdrawal, Withdrawals};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256};
use alloy_rlp::Decodable;
use gage_chain::{BlockError, Chain, HeaderField, ImportError, prelude_tx};
use support::*;

fn block(bytes: &[u8]) -> Block<TxEnvelope> {
    Block::decode(&mut &*bytes).expect("a block")
}

fn refusal(chain: &Chain, block: &Block<TxEnvelope>) -> BlockError {
    let head = chain.head();
    let error = chain.import(&alloy_rlp::encode(block)).expect_err("a false block");
    assert_eq!(chain.head(), head);
    match error {
        ImportError::Invalid(error) => error,
        error => panic!("{error}"),
    }
}

#[test]
fn a_built_block_imports_to_the_same_head() {
    let (builder, importer) = (chain(), chain());
    for round in 0..3 {
        let transactions = match round {
            0 => one_of_each(),
            _ => vec![draft(2, round - 1).to(COUNTER).dynamic()],
        };
        let (block, _) = extend(&builder, transactions);
        let (imported, receipts) = importer.import(&block.rlp()).unwrap();
        assert_eq!(imported, block);
        assert_eq!(receipts, builder.receipts(block.number()).unwrap().unwrap());
    }
    assert_eq!(importer.head(), builder.head());
    assert_eq!(importer.check().unwrap(), builder.check().unwrap());
}

#[test]
fn each_header_field_is_checked() {
    let importer = chain();
    let (sealed, _) = extend(&chain(), one_of_each());
    let rlp = sealed.rlp();
    let one = B256::with_last_byte(1);
    type Mutation = fn(&mut Header, B256);
    let mutations: [(HeaderField, Mutation); 22] = [
        (HeaderField::ParentHash, |h, one| h.parent_hash = one),
        (HeaderField::OmmersHash, |h, one| h.ommers_hash = one),
        (HeaderField::StateRoot, |h, one| h.state_root = one),
        (HeaderField::TransactionsRoot, |h, one| h.transactions_root = one),
        (HeaderField::ReceiptsRoot, |h, one| h.receipts_root = one),
        (HeaderField::LogsBloom, |h, _| h.logs_bloom = Bloom::repeat_byte(1)),
        (HeaderField::Difficulty, |h, _| h.difficulty = U256::from(1)),
        (HeaderField::Number, |h, _| h.number = 2),
        (HeaderField::GasLimit, |h, _| h.gas_limit = 40_000_000),
        (HeaderField::GasUsed, |h, _| h.gas_used += 1),
        (HeaderField::Timestamp, |h, _| h.timestamp = 1_699_999_999),
        (HeaderField::ExtraData, |h, _| h.extra_data = Bytes::from_static(b"other")),
        (HeaderField::MixHash, |h, one| h.mix_hash = one),
        (HeaderField::Nonce, |h, _| h.nonce = B64::with_last_byte(1)),
        (HeaderField::BaseFeePerGas, |h, _| h.base_fee_per_gas = Some(7)),
        (HeaderField::WithdrawalsRoot, |h, one| h.withdrawals_root = Some(one)),
        (HeaderField::BlobGasUsed, |h, _| h.blob_gas_used = Some(1)),
        (HeaderField::ExcessBlobGas, |h, _| h.excess_blob_gas = Some(1)),
        (HeaderField::ParentBeaconBlockRoot, |h, one| h.parent_beacon_block_root = Some(one)),
        (HeaderField::RequestsHash, |h, one| h.requests_hash = Some(one)),
        (HeaderField::BlockAccessListHash, |h, one| h.block_access_list_hash = Some(one)),
        (HeaderField::StateRoot, |h, _| h.beneficiary = Address::repeat_byte(1)),
    ];
    for (field, mutate) in mutations {
        let mut block = block(&rlp);
        mutate(&mut block.header, one);
        assert_eq!(refusal(&importer, &block), BlockError::Header(field));
    }
    importer.import(&rlp).expect("the true block");
    let known = BlockError::Known { number: 1, hash: sealed.hash() };
    assert_eq!(refusal(&importer, &block(&rlp)), known);
}

#[test]
fn each_part_of_the_body_is_checked() {
    let importer = chain();
    let (sealed, _) = extend(&chain(), one_of_each());
    let with = |change: &dyn Fn(&mut Block<TxEnvelope>)| {
        let mut block = block(&sealed.rlp());
        change(&mut block);
        refusal(&importer, &block)
    };
    assert_eq!(with(&|b| b.body.ommers.push(Header::default())), BlockError::Ommers);
    assert_eq!(with(&|b| b.body.withdrawals = None), BlockError::Withdrawals);
    let paid = Withdrawals::new(vec![Withdrawal::default()]);
    assert_eq!(with(&|b| b.body.withdrawals = Some(paid.clone())), BlockError::Withdrawals);
    let wrong_root = BlockError::Header(HeaderField::TransactionsRoot);
    assert_eq!(with(&|b| drop(b.body.transactions.pop())), wrong_root);
    let refused = with(&|b| b.body.transactions.swap(1, 2));
    assert!(matches!(refused, BlockError::Transaction { index: 1, .. }), "{refused}");
    let refused = with(&|b| b.body.transactions.push(b.body.transactions[1].clone()));
    assert!(matches!(refused, BlockError::Transaction { index: 6, .. }), "{refused}");
    assert!(matches!(
        importer.import(&sealed.rlp()[1..]),
        Err(ImportError::Invalid(BlockError::Malformed(_)))
    ));
}

#[test]
fn a_block_has_one_prelude_and_it_is_first() {
    let importer = chain();
    let (sealed, _) = extend(&chain(), vec![draft(0, 0).dynamic()]);
    let with = |change: &dyn Fn(&mut Vec<TxEnvelope>)| {
        let mut block = block(&sealed.rlp());
        change(&mut block.body.transactions);
        refusal(&importer, &block)
    };
    let input = |tx: &TxEnvelope| alloy_consensus::Transaction::input(tx).clone();
    assert_eq!(with(&|txs| txs.clear()), BlockError::PreludeMissing);
    assert_eq!(with(&|txs| drop(txs.remove(0))), BlockError::PreludeMissing);
    assert_eq!(with(&|txs| txs.swap(0, 1)), BlockError::PreludeMissing);
    assert_eq!(with(&|txs| txs.push(txs[0].clone())), BlockError::PreludeRepeated(2));
    let other =
        |chain_id, number| with(&|txs| txs[0] = prelude_tx(chain_id, number, input(&txs[0])));
    assert_eq!(other(CHAIN_ID, 2), BlockError::PreludeMissing);
    assert_eq!(other(CHAIN_ID + 1, 1), BlockError::PreludeMissing);
    let malformed = with(&|txs| txs[0] = prelude_tx(CHAIN_ID, 1, Bytes::from_static(&[1, 2, 3])));
    assert_eq!(malformed, BlockError::PreludeMalformed);
    let padded = with(&|txs| {
        let input = [&input(&txs[0])[..], &[0; 32]].concat();
        txs[0] = prelude_tx(CHAIN_ID, 1, input.into());
    });
    assert_eq!(padded, BlockError::PreludeMalformed);
    // A user cannot pass for the system: the same fields, signed.
    let spoof = |txs: &mut Vec<TxEnvelope>| {
        let spoof = Draft { gas: 30_000_000, fee_max: 0, input: input(&txs[0]), ..draft(0, 1) };
        txs[0] = spoof.to(gage_core::address::ORACLE).legacy().into_inner();
    };
    assert_eq!(with(&spoof), BlockError::PreludeMissing);
}
