//! Blocks with their hash, and what is found in them.

use alloy_consensus::{
    Block, BlockBody, Header, ReceiptEnvelope, Sealed, TxEnvelope, transaction::Recovered,
};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256};
use alloy_rlp::{Decodable, Encodable};

/// A header with its hash.
pub type SealedHeader = Sealed<Header>;

/// A block with its hash and its transactions' senders. The prelude is its first transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBlock {
    /// The header and its hash.
    pub header: SealedHeader,
    /// In order; index 0 is the prelude, except in block 0, which has none.
    pub transactions: Vec<Recovered<TxEnvelope>>,
}

impl SealedBlock {
    /// Distance from block 0.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The header's hash.
    pub fn hash(&self) -> B256 {
        self.header.hash()
    }

    /// Ethereum's encoding of a block, as [`Chain::import`](crate::Chain::import) reads it.
    pub fn rlp(&self) -> Vec<u8> {
        let block = Block::new(
            self.header.inner().clone(),
            BlockBody {
                transactions: self.transactions.iter().map(|tx| tx.inner().clone()).collect(),
                ommers: Vec::new(),
                withdrawals: Some(Withdrawals::default()),
            },
        );
        alloy_rlp::encode(block)
    }

    /// Bytes of [`rlp`](Self::rlp): the `size` of `eth_getBlockBy…`.
    pub fn rlp_length(&self) -> usize {
        let transactions: usize = self.transactions.iter().map(|tx| tx.inner().length()).sum();
        let body = list_length(transactions) + list_length(0) + list_length(0);
        list_length(self.header.inner().length() + body)
    }

    /// Reads [`rlp`](Self::rlp) as it comes from outside: nothing is validated, senders are unknown.
    pub(crate) fn decode(mut bytes: &[u8]) -> alloy_rlp::Result<Block<TxEnvelope>> {
        let block = Block::decode(&mut bytes)?;
        if bytes.is_empty() { Ok(block) } else { Err(alloy_rlp::Error::UnexpectedLength) }
    }
}

/// Bytes of an RLP list of `payload` bytes, header included.
fn list_length(payload: usize) -> usize {
    alloy_rlp::Header { list: true, payload_length: payload }.length_with_payload()
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The block's number.
    pub block_number: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The block's time, in Unix seconds.
    pub timestamp: u64,
    /// The block's base fee.
    pub base_fee: u64,
    /// Position in the block.
    pub index: u64,
}

/// A transaction of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTransaction {
    /// With its sender; the system address for a prelude.
    pub transaction: Recovered<TxEnvelope>,
    /// Where it stands.
    pub place: Place,
}

/// A receipt with everything that `eth_getTransactionReceipt` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundReceipt {
    /// Status, cumulative gas, logs and bloom.
    pub receipt: ReceiptEnvelope,
    /// The transaction it belongs to.
    pub transaction: Recovered<TxEnvelope>,
    /// Where it stands.
    pub place: Place,
    /// Gas of this transaction alone.
    pub gas_used: u64,
    /// Wei paid for a unit of gas; 0 for a prelude.
    pub gas_price: u128,
    /// The first log's index in the block.
    pub first_log_index: u64,
    /// The contract that the transaction created.
    pub created: Option<Address>,
}
