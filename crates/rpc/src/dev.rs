//! `evm_*` and the faucet, for development nodes only.

use alloy_primitives::{Address, TxHash, U256};
use jsonrpsee::core::RegisterMethodError;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    DevHandle,
    arguments::Number,
    context::Context,
    error::{LimitError, RpcError},
    methods::{Answer, Methods},
};

/// Blocks that one request may produce.
const MINE_MAX: u64 = 10_000;

/// What the faucet gives when it is not told: 100 coins.
const FAUCET_DEFAULT: U256 = U256::from_limbs([0x6bc7_5e2d_6310_0000, 0x5, 0, 0]);

pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.heavy("evm_mine", mine)?;
    methods.read("evm_increaseTime", increase_time)?;
    methods.read("evm_setNextBlockTimestamp", set_next_timestamp)?;
    methods.read("gage_faucet", faucet)
}

fn dev(context: &Context) -> Answer<&dyn DevHandle> {
    context.node.dev().ok_or(RpcError::NoDevelopment)
}

/// Anvil's and Hardhat's argument: a time for the block, or options.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a time, or an object of timestamp and blocks")]
enum Mine {
    At(Number<u64>),
    Options { timestamp: Option<Number<u64>>, blocks: Option<Number<u64>> },
}

fn mine(context: &Context, (request,): (Option<Mine>,)) -> Answer<&'static str> {
    let (timestamp, blocks) = match request {
        None => (None, 1),
        Some(Mine::At(timestamp)) => (Some(timestamp), 1),
        Some(Mine::Options { timestamp, blocks }) => (timestamp, blocks.map_or(1, |n| n.0)),
    };
    if blocks > MINE_MAX {
        return Err(LimitError::Blocks { asked: blocks, most: MINE_MAX }.into());
    }
    let dev = dev(context)?;
    if let Some(timestamp) = timestamp {
        dev.set_next_timestamp(timestamp.0)?;
    }
    dev.mine(blocks)?;
    Ok("0x0")
}

fn increase_time(context: &Context, (seconds,): (Number<u64>,)) -> Answer<u64> {
    Ok(dev(context)?.increase_time(seconds.0)?)
}

fn set_next_timestamp(context: &Context, (timestamp,): (Number<u64>,)) -> Answer<Value> {
    dev(context)?.set_next_timestamp(timestamp.0)?;
    Ok(Value::Null)
}

fn faucet(context: &Context, (to, amount): (Address, Option<Number<U256>>)) -> Answer<TxHash> {
    let amount = amount.map_or(FAUCET_DEFAULT, |amount| amount.0);
    Ok(dev(context)?.faucet(to, amount)?)
}
