//! How blocks lie in the store, beside the state and written in the state's own commit.
//!
//! | table | key | value |
//! |---|---|---|
//! | headers | number | RLP |
//! | block numbers | block hash | number |
//! | bodies | number | RLP list of senders, RLP list of transactions |
//! | receipts | number | RLP list |
//! | transactions | transaction hash | number, index |
//! | meta | "logs", span | where logs are, see `log_index` |
//!
//! Numbers are 64-bit big endian, so that keys sort as blocks do.

use alloy_consensus::{Header, ReceiptEnvelope, Sealed, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, TxHash};
use alloy_rlp::Decodable;
use gage_state::{Record, Store, Table};

use crate::{ChainError, SealedBlock, SealedHeader, log_hashes::LogHashes, log_index};

/// Everything that is written with a block, whose receipts' logs have these hashes.
pub(crate) fn records(
    store: &Store,
    block: &SealedBlock,
    (receipts, log_hashes): (&[ReceiptEnvelope], &LogHashes),
) -> Result<Vec<Record>, ChainError> {
    let number = block.number().to_be_bytes();
    let senders: Vec<Address> = block.transactions.iter().map(|tx| tx.signer()).collect();
    let transactions: Vec<&TxEnvelope> = block.transactions.iter().map(|tx| tx.inner()).collect();
    let mut body = Vec::new();
    alloy_rlp::encode_list::<_, Address>(&senders, &mut body);
    alloy_rlp::encode_list::<_, TxEnvelope>(&transactions, &mut body);
    let mut list = Vec::new();
    alloy_rlp::encode_list::<_, ReceiptEnvelope>(receipts, &mut list);
    let mut records = vec![
        Record::put(Table::Headers, number, alloy_rlp::encode(block.header.inner())),
        Record::put(Table::BlockNumbers, *block.hash(), number),
        Record::put(Table::Bodies, number, body),
        Record::put(Table::Receipts, number, list),
    ];
    records.extend((0_u64..).zip(&transactions).map(|(index, tx)| {
        let place = [number, index.to_be_bytes()].concat();
        Record::put(Table::Transactions, **tx.tx_hash(), place)
    }));
    records.extend(log_index::record(store, block.number(), log_hashes)?);
    Ok(records)
}

pub(crate) fn header(store: &Store, number: u64) -> Result<Option<SealedHeader>, ChainError> {
    let Some(bytes) = store.get(Table::Headers, &number.to_be_bytes())? else { return Ok(None) };
    let header: Header = decode(Table::Headers, number, &mut bytes.as_slice())?;
    Ok(Some(Sealed::new(header)))
}

pub(crate) fn number_of(store: &Store, hash: B256) -> Result<Option<u64>, ChainError> {
    let Some(bytes) = store.get(Table::BlockNumbers, hash.as_slice())? else { return Ok(None) };
    match bytes.as_slice().try_into() {
        Ok(number) => Ok(Some(u64::from_be_bytes(number))),
        Err(_) => Err(ChainError::Damaged { table: Table::BlockNumbers, number: 0 }),
    }
}

pub(crate) fn transactions(
    store: &Store,
    number: u64,
) -> Result<Option<Vec<Recovered<TxEnvelope>>>, ChainError> {
    let Some(bytes) = store.get(Table::Bodies, &number.to_be_bytes())? else { return Ok(None) };
    let rest = &mut bytes.as_slice();
    let senders: Vec<Address> = decode(Table::Bodies, number, rest)?;
    let transactions: Vec<TxEnvelope> = decode(Table::Bodies, number, rest)?;
    let with_sender = transactions.into_iter().zip(senders);
    Ok(Some(with_sender.map(|(tx, sender)| Recovered::new_unchecked(tx, sender)).collect()))
}

pub(crate) fn receipts(
    store: &Store,
    number: u64,
) -> Result<Option<Vec<ReceiptEnvelope>>, ChainError> {
    let Some(bytes) = store.get(Table::Receipts, &number.to_be_bytes())? else { return Ok(None) };
    Ok(Some(decode(Table::Receipts, number, &mut bytes.as_slice())?))
}

/// The block and the index of a transaction.
pub(crate) fn place(store: &Store, hash: TxHash) -> Result<Option<(u64, u64)>, ChainError> {
    let Some(bytes) = store.get(Table::Transactions, hash.as_slice())? else { return Ok(None) };
    match bytes.as_chunks() {
        ([number, index], []) => {
            Ok(Some((u64::from_be_bytes(*number), u64::from_be_bytes(*index))))
        }
        _ => Err(ChainError::Damaged { table: Table::Transactions, number: 0 }),
    }
}

fn decode<T: Decodable>(table: Table, number: u64, from: &mut &[u8]) -> Result<T, ChainError> {
    T::decode(from).map_err(|_| ChainError::Damaged { table, number })
}
