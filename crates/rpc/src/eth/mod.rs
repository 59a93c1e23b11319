//! `eth_*`: Ethereum's own methods.

mod blocks;
mod calls;
mod fees;
mod filters;
mod logs;
pub(crate) mod request;
mod simulate;
mod state;
mod subscriptions;
mod transactions;

use alloy_primitives::{Address, U64, U256};
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};

use crate::{
    context::Context,
    methods::{Answer, Methods},
};

pub(crate) use logs::bound;

pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("eth_chainId", chain_id)?;
    methods.quick("eth_blockNumber", block_number)?;
    methods.quick("eth_syncing", syncing)?;
    methods.quick("eth_accounts", accounts)?;
    methods.quick("eth_coinbase", coinbase)?;
    blocks::register(methods)?;
    calls::register(methods)?;
    fees::register(methods)?;
    filters::register(methods)?;
    logs::register(methods)?;
    simulate::register(methods)?;
    state::register(methods)?;
    transactions::register(methods)?;
    subscriptions::register(methods.module())
}

fn chain_id(context: &Context, (): ()) -> Answer<U64> {
    Ok(U64::from(context.chain.chain_id()))
}

fn block_number(context: &Context, (): ()) -> Answer<U64> {
    Ok(U64::from(context.chain.head().number))
}

fn syncing(context: &Context, (): ()) -> Answer<Value> {
    Ok(context.node.syncing().map_or(Value::Bool(false), |syncing| {
        json!({
            "startingBlock": U256::from(syncing.starting_block),
            "currentBlock": U256::from(syncing.current_block),
            "highestBlock": U256::from(syncing.highest_block),
        })
    }))
}

/// The node signs for nobody.
fn accounts(_: &Context, (): ()) -> Answer<[Address; 0]> {
    Ok([])
}

fn coinbase(context: &Context, (): ()) -> Answer<Address> {
    Ok(context.node.beneficiary())
}
