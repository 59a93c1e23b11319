//! Logs are found where receipts have them, with the index and without.

mod support;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, TxHash};
use gage_chain::{Chain, CheckError, LogError, LogFilter};
use gage_state::{Record, Table};
use support::*;

fn topic(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

fn logging(from: u8, nonce: u64, topics: [u64; 2]) -> Recovered<alloy_consensus::TxEnvelope> {
    let input = topics.map(|number| topic(number).0).concat().into();
    Draft { input, ..draft(from, nonce).to(LOGGER) }.dynamic()
}

/// 150 blocks: each seventh logs its number and its number modulo 3; each eleventh counts.
fn eventful() -> Chain {
    let chain = chain();
    let (mut logged, mut counted) = (0, 0);
    for number in 1..=150 {
        let mut transactions = Vec::new();
        if number % 7 == 0 {
            transactions.push(logging(0, logged, [number, number % 3]));
            logged += 1;
        }
        if number % 11 == 0 {
            transactions.push(draft(1, counted).to(COUNTER).dynamic());
            counted += 1;
        }
        let (_, rejected) = extend(&chain, transactions);
        assert!(rejected.is_empty(), "{rejected:?}");
    }
    chain
}

/// The same by reading every receipt.
fn sought(chain: &Chain, filter: &LogFilter) -> Vec<(u64, TxHash, u64)> {
    let mut found = Vec::new();
    for number in filter.from..=filter.to.min(chain.head().number) {
        for receipt in chain.receipts(number).expect("memory").expect("a block") {
            for (index, log) in (receipt.first_log_index..).zip(receipt.receipt.logs()) {
                if filter.matches(log) {
                    found.push((number, *receipt.transaction.tx_hash(), index));
                }
            }
        }
    }
    found
}

fn found(chain: &Chain, filter: &LogFilter) -> Vec<(u64, TxHash, u64)> {
    let logs = chain.logs(filter, 1_000).expect("few enough");
    logs.iter().map(|l| (l.place.block_number, l.transaction_hash, l.log_index)).collect()
}

fn filters() -> Vec<LogFilter> {
    let criteria: [(&[Address], [&[B256]; 4]); 8] = [
        (&[], [&[], &[], &[], &[]]),
        (&[LOGGER], [&[], &[], &[], &[]]),
        (&[LOGGER, COUNTER], [&[], &[], &[], &[]]),
        (&[COUNTER], [&[topic(7)], &[], &[], &[]]),
        // Block 7's logger has the counter's topic.
        (&[], [&[topic(7)], &[], &[], &[]]),
        (&[], [&[], &[topic(1), topic(2)], &[], &[]]),
        (&[], [&[topic(140), topic(126)], &[topic(0)], &[], &[]]),
        (&[BURNER], [&[], &[], &[], &[topic(9)]]),
    ];
    let ranges = [(0, 150), (1, 63), (63, 64), (64, 127), (70, 135), (140, u64::MAX), (151, 160)];
    let all = criteria.iter().flat_map(|(addresses, topics)| {
        ranges.map(|(from, to)| LogFilter {
            from,
            to,
            addresses: addresses.to_vec(),
            topics: topics.map(<[B256]>::to_vec),
        })
    });
    all.collect()
}

#[test]
fn the_index_finds_what_the_receipts_hold() {
    let chain = eventful();
    for filter in filters() {
        assert_eq!(found(&chain, &filter), sought(&chain, &filter), "{filter:?}");
    }
    let counted = LogFilter { to: 150, addresses: vec![COUNTER], ..LogFilter::default() };
    assert_eq!(found(&chain, &counted).len(), 13);
    assert!(matches!(chain.logs(&counted, 12), Err(LogError::TooMany(12))));
}

#[test]
fn a_chain_without_an_index_finds_the_same_and_begins_one() {
    let chain = eventful();
    for span in 0_u64..3 {
        let key = [b"logs".as_slice(), &span.to_be_bytes()].concat();
        assert!(chain.store().get(Table::Meta, &key).unwrap().is_some(), "{span}");
        chain.store().write(vec![Record::delete(Table::Meta, key)]).unwrap();
    }
    for nonce in 0..60 {
        extend(&chain, vec![logging(2, nonce, [500 + nonce, 4])]);
    }
    for filter in filters() {
        let filter = LogFilter { to: filter.to.max(205), ..filter };
        assert_eq!(found(&chain, &filter), sought(&chain, &filter), "{filter:?}");
    }
    let row = |span: u64| {
        chain.store().get(Table::Meta, &[b"logs".as_slice(), &span.to_be_bytes()].concat()).unwrap()
    };
    // Span 2 was half built when its row was lost; span 3 is whole.
    assert!(row(2).is_none() && row(3).is_some());
}

#[test]
fn a_damaged_index_is_noticed() {
    let chain = eventful();
    chain.check().unwrap();
    let key = [b"logs".as_slice(), &1_u64.to_be_bytes()].concat();
    let row = chain.store().get(Table::Meta, &key).unwrap().unwrap();
    for damaged in [&row[5..], &row[..row.len() - 1]] {
        chain.store().write(vec![Record::put(Table::Meta, key.clone(), damaged)]).unwrap();
        let error = chain.check().unwrap_err();
        assert!(matches!(error, CheckError::Logs(64..128)), "{error}");
    }
}
