//! Transactions and receipts: sending, finding.

use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes, TxHash};
use alloy_rpc_types_eth::{Transaction, TransactionReceipt};
use gage_chain::FoundTransaction;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    arguments::Number,
    context::{At, Context},
    methods::{Answer, Methods},
    shapes,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("eth_sendRawTransaction", send_raw)?;
    methods.read("eth_getTransactionByHash", by_hash)?;
    methods.read("eth_getTransactionReceipt", receipt)?;
    methods.read("eth_getTransactionByBlockNumberAndIndex", by_number_and_index)?;
    methods.read("eth_getTransactionByBlockHashAndIndex", by_block_hash_and_index)?;
    methods.read("eth_getRawTransactionByHash", raw_by_hash)?;
    methods.read("eth_getRawTransactionByBlockNumberAndIndex", raw_by_number_and_index)?;
    methods.read("eth_getRawTransactionByBlockHashAndIndex", raw_by_block_hash_and_index)
}

fn send_raw(context: &Context, (bytes,): (Bytes,)) -> Answer<TxHash> {
    Ok(context.node.submit_raw(&bytes)?)
}

/// A transaction of a block, or one that waits for it.
enum Known {
    Mined(FoundTransaction),
    Waiting(Recovered<TxEnvelope>),
}

impl Known {
    fn shape(self) -> Transaction {
        match self {
            Self::Mined(found) => shapes::transaction(found),
            Self::Waiting(transaction) => shapes::pending(transaction),
        }
    }

    fn raw(&self) -> Bytes {
        let (Self::Mined(FoundTransaction { transaction, .. }) | Self::Waiting(transaction)) = self;
        transaction.encoded_2718().into()
    }
}

/// Asked in the order in which a transaction moves on, so that it is found where it gets to meanwhile.
fn known(context: &Context, hash: TxHash) -> Answer<Option<Known>> {
    let waiting = context.node.pool_transaction(hash);
    let staged = context.chain.staged_transaction(hash)?;
    let mined = context.chain.transaction(hash)?;
    Ok(mined.map(Known::Mined).or(staged.or(waiting).map(Known::Waiting)))
}

fn by_hash(context: &Context, (hash,): (TxHash,)) -> Answer<Option<Transaction>> {
    Ok(known(context, hash)?.map(Known::shape))
}

fn raw_by_hash(context: &Context, (hash,): (TxHash,)) -> Answer<Option<Bytes>> {
    Ok(known(context, hash)?.map(|known| known.raw()))
}

fn receipt(context: &Context, (hash,): (TxHash,)) -> Answer<Option<TransactionReceipt>> {
    Ok(context.chain.receipt(hash)?.map(shapes::receipt))
}

/// The transaction at a place of a block; nothing for the pending block, whose order is not known.
fn at_place(context: &Context, id: BlockId, index: usize) -> Answer<Option<Known>> {
    let Some(At::Block(number)) = context.find(id)? else { return Ok(None) };
    let block = context.block(number)?;
    let Some(transaction) = block.transactions.get(index) else { return Ok(None) };
    Ok(context.chain.transaction(*transaction.tx_hash())?.map(Known::Mined))
}

type NumberAndIndex = (BlockNumberOrTag, Number<usize>);
type HashAndIndex = (B256, Number<usize>);

fn by_number_and_index(
    context: &Context,
    (number, index): NumberAndIndex,
) -> Answer<Option<Transaction>> {
    Ok(at_place(context, number.into(), index.0)?.map(Known::shape))
}

fn by_block_hash_and_index(
    context: &Context,
    (hash, index): HashAndIndex,
) -> Answer<Option<Transaction>> {
    Ok(at_place(context, hash.into(), index.0)?.map(Known::shape))
}

fn raw_by_number_and_index(
    context: &Context,
    (number, index): NumberAndIndex,
) -> Answer<Option<Bytes>> {
    Ok(at_place(context, number.into(), index.0)?.map(|known| known.raw()))
}

fn raw_by_block_hash_and_index(
    context: &Context,
    (hash, index): HashAndIndex,
) -> Answer<Option<Bytes>> {
    Ok(at_place(context, hash.into(), index.0)?.map(|known| known.raw()))
}
