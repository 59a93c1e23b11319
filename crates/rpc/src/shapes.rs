//! Blocks, transactions, receipts and logs in the shapes that JSON-RPC clients expect.

use alloy_consensus::{
    BlockHeader, Transaction as _, TxEnvelope,
    transaction::{Recovered, TransactionInfo},
};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::U256;
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Log, Transaction, TransactionReceipt};
use gage_chain::{FoundLog, FoundReceipt, FoundTransaction, Place, SealedBlock, SealedHeader};

/// How a block lists its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    Hashes,
    Full,
}

impl From<bool> for Listing {
    fn from(full: bool) -> Self {
        if full { Self::Full } else { Self::Hashes }
    }
}

pub(crate) fn header(header: SealedHeader) -> Header {
    Header::from_sealed(header)
}

pub(crate) fn block(block: SealedBlock, listing: Listing) -> Block {
    let size = U256::from(block.rlp_length());
    let transactions = match listing {
        Listing::Hashes => {
            let hashes = block.transactions.iter().map(|tx| *tx.tx_hash());
            BlockTransactions::Hashes(hashes.collect())
        }
        Listing::Full => {
            let place = |index| Place {
                block_number: block.number(),
                block_hash: block.hash(),
                timestamp: block.header.timestamp,
                base_fee: block.header.base_fee_per_gas().unwrap_or_default(),
                index,
            };
            let numbered = (0..).zip(&block.transactions);
            let full = numbered.map(|(index, tx)| mined(tx.clone(), place(index)));
            BlockTransactions::Full(full.collect())
        }
    };
    Block {
        header: header(block.header).with_size(Some(size)),
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Withdrawals::default()),
    }
}

/// A transaction of a block.
pub(crate) fn transaction(found: FoundTransaction) -> Transaction {
    mined(found.transaction, found.place)
}

fn mined(transaction: Recovered<TxEnvelope>, place: Place) -> Transaction {
    let info = TransactionInfo {
        hash: Some(*transaction.tx_hash()),
        index: Some(place.index),
        block_hash: Some(place.block_hash),
        block_number: Some(place.block_number),
        base_fee: Some(place.base_fee),
        block_timestamp: Some(place.timestamp),
    };
    Transaction::from_transaction(transaction, info)
}

/// A transaction that waits: it has no block yet.
pub(crate) fn pending(transaction: Recovered<TxEnvelope>) -> Transaction {
    Transaction::from_transaction(transaction, TransactionInfo::default())
}

pub(crate) fn receipt(found: FoundReceipt) -> TransactionReceipt {
    let place = found.place;
    let hash = *found.transaction.tx_hash();
    let mut log_index = found.first_log_index;
    let inner = found.receipt.map_logs(|inner| {
        let found = FoundLog { log: inner, transaction_hash: hash, place, log_index };
        log_index += 1;
        log(found)
    });
    TransactionReceipt {
        inner,
        transaction_hash: hash,
        transaction_index: Some(place.index),
        block_hash: Some(place.block_hash),
        block_number: Some(place.block_number),
        gas_used: found.gas_used,
        effective_gas_price: found.gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: found.transaction.signer(),
        to: found.transaction.to(),
        contract_address: found.created,
    }
}

pub(crate) fn log(found: FoundLog) -> Log {
    let place = found.place;
    Log {
        inner: found.log,
        block_hash: Some(place.block_hash),
        block_number: Some(place.block_number),
        block_timestamp: Some(place.timestamp),
        transaction_hash: Some(found.transaction_hash),
        transaction_index: Some(place.index),
        log_index: Some(found.log_index),
        removed: false,
    }
}
