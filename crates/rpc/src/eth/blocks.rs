//! Blocks, their receipts and counts.

use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Sealed, U64};
use alloy_rpc_types_eth::TransactionReceipt;
use gage_chain::SealedBlock;
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};

use crate::{
    context::{At, Context},
    error::InternalError,
    methods::{Answer, Methods},
    shapes::{self, Listing},
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.read("eth_getBlockByNumber", block_by_number)?;
    methods.read("eth_getBlockByHash", block_by_hash)?;
    methods.read("eth_getBlockReceipts", block_receipts)?;
    methods.read("eth_getBlockTransactionCountByNumber", transaction_count_by_number)?;
    methods.read("eth_getBlockTransactionCountByHash", transaction_count_by_hash)?;
    methods.read("eth_getUncleCountByBlockNumber", uncle_count_by_number)?;
    methods.read("eth_getUncleCountByBlockHash", uncle_count_by_hash)
}

fn block_by_number(
    context: &Context,
    (number, full): (BlockNumberOrTag, Option<bool>),
) -> Answer<Option<Value>> {
    block(context, number.into(), full.unwrap_or(false).into())
}

fn block_by_hash(context: &Context, (hash, full): (B256, Option<bool>)) -> Answer<Option<Value>> {
    block(context, hash.into(), full.unwrap_or(false).into())
}

fn block(context: &Context, id: BlockId, listing: Listing) -> Answer<Option<Value>> {
    let shape = match context.find(id)? {
        None => return Ok(None),
        Some(At::Pending) => return pending_block(context, listing).map(Some),
        Some(At::Block(number)) => shapes::block(context.block(number)?, listing),
    };
    Ok(Some(serde_json::to_value(shape).map_err(InternalError::Encoding)?))
}

/// The block after the head as it would begin: what it holds is known when it is built, so hash,
/// nonce, bloom and beneficiary are null, as geth has it, and the ready transactions stand in.
fn pending_block(context: &Context, listing: Listing) -> Answer<Value> {
    let parent = context.chain.head();
    let next = context.next_block();
    let header = Header {
        parent_hash: parent.hash(),
        number: parent.number + 1,
        timestamp: next.timestamp.unwrap_or_default(),
        gas_limit: parent.gas_limit,
        base_fee_per_gas: next.base_fee,
        state_root: parent.state_root,
        withdrawals_root: parent.withdrawals_root,
        extra_data: parent.extra_data.clone(),
        blob_gas_used: parent.blob_gas_used,
        excess_blob_gas: parent.excess_blob_gas,
        parent_beacon_block_root: parent.parent_beacon_block_root,
        requests_hash: parent.requests_hash,
        ..Header::default()
    };
    let waiting = context.node.pool_content().pending;
    let waiting = waiting.into_values().flat_map(std::collections::BTreeMap::into_values);
    let transactions = match listing {
        Listing::Hashes => json!(waiting.map(|tx| *tx.tx_hash()).collect::<Vec<_>>()),
        Listing::Full => json!(waiting.map(shapes::pending).collect::<Vec<_>>()),
    };
    let block = SealedBlock { header: Sealed::new(header), transactions: Vec::new() };
    let shape = shapes::block(block, Listing::Hashes);
    let mut shape = serde_json::to_value(shape).map_err(InternalError::Encoding)?;
    for unknown in ["hash", "nonce", "logsBloom", "miner"] {
        shape[unknown] = Value::Null;
    }
    shape["transactions"] = transactions;
    Ok(shape)
}

fn block_receipts(context: &Context, (id,): (BlockId,)) -> Answer<Option<Vec<TransactionReceipt>>> {
    let Some(At::Block(number)) = context.find(id)? else { return Ok(None) };
    let receipts = context.chain.receipts(number)?.ok_or(InternalError::Incomplete(number))?;
    Ok(Some(receipts.into_iter().map(shapes::receipt).collect()))
}

fn transaction_count_by_number(
    context: &Context,
    (number,): (BlockNumberOrTag,),
) -> Answer<Option<U64>> {
    transaction_count(context, number.into())
}

fn transaction_count_by_hash(context: &Context, (hash,): (B256,)) -> Answer<Option<U64>> {
    transaction_count(context, hash.into())
}

fn transaction_count(context: &Context, id: BlockId) -> Answer<Option<U64>> {
    let count = match context.find(id)? {
        None => return Ok(None),
        Some(At::Pending) => context.node.pool_status().pending,
        Some(At::Block(number)) => context.block(number)?.transactions.len(),
    };
    Ok(Some(U64::from(count)))
}

fn uncle_count_by_number(context: &Context, (number,): (BlockNumberOrTag,)) -> Answer<Option<U64>> {
    Ok(context.find(number.into())?.map(|_| U64::ZERO))
}

fn uncle_count_by_hash(context: &Context, (hash,): (B256,)) -> Answer<Option<U64>> {
    Ok(context.find(hash.into())?.map(|_| U64::ZERO))
}
