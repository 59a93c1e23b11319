//! Calls that change nothing: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.
//!
//! A call at a block sees that block's own time, so that it gives the same answer for ever. An
//! estimate at the head is about the next block, and is made in its environment: the interest that
//! accrues until then changes what an operation costs.

use alloy_eips::{BlockId, eip2930::AccessListResult};
use alloy_primitives::{Bytes, U64, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use gage_chain::{BlockOverride, CallOutcome, Overrides};
use jsonrpsee::core::RegisterMethodError;

use super::request;
use crate::{
    context::{At, Context},
    error::RpcError,
    methods::{Answer, Methods},
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.heavy("eth_call", call)?;
    methods.heavy("eth_estimateGas", estimate_gas)?;
    methods.heavy("eth_createAccessList", create_access_list)
}

type Call = (TransactionRequest, Option<BlockId>, Option<StateOverride>, Option<BlockOverrides>);

fn call(context: &Context, (request, id, accounts, block): Call) -> Answer<Bytes> {
    let request = request::call(request, context.chain.chain_id())?;
    let at = context.at(id)?;
    let base = match at {
        At::Block(_) => BlockOverride::default(),
        At::Pending => context.next_block(),
    };
    let overrides =
        Overrides { accounts: request::accounts(accounts)?, block: request::block(base, block)? };
    let called = context.chain.call(context.number(at), &request, &overrides)?;
    match called.outcome {
        CallOutcome::Success { output } => Ok(output),
        CallOutcome::Revert { data } => Err(RpcError::Reverted(data)),
        CallOutcome::Halt { reason } => Err(RpcError::Halted(format!("{reason:?}"))),
    }
}

fn estimate_gas(context: &Context, (request, id, accounts, block): Call) -> Answer<U64> {
    let request = request::call(request, context.chain.chain_id())?;
    let (number, base) = next_after(context, id)?;
    let overrides =
        Overrides { accounts: request::accounts(accounts)?, block: request::block(base, block)? };
    Ok(U64::from(context.chain.estimate_gas(number, &request, &overrides)?))
}

fn create_access_list(
    context: &Context,
    (request, id, accounts): (TransactionRequest, Option<BlockId>, Option<StateOverride>),
) -> Answer<AccessListResult> {
    let request = request::call(request, context.chain.chain_id())?;
    let (number, block) = next_after(context, id)?;
    let overrides = Overrides { accounts: request::accounts(accounts)?, block };
    let (access_list, called) = context.chain.create_access_list(number, &request, &overrides)?;
    let error = match called.outcome {
        CallOutcome::Success { .. } => None,
        CallOutcome::Revert { data } => Some(RpcError::Reverted(data).to_string()),
        CallOutcome::Halt { reason } => Some(RpcError::Halted(format!("{reason:?}")).to_string()),
    };
    Ok(AccessListResult { access_list, gas_used: U256::from(called.gas_used), error })
}

/// The block whose state `id` names, and the environment to run in: the next block's at the head.
fn next_after(context: &Context, id: Option<BlockId>) -> Answer<(u64, BlockOverride)> {
    let at = context.at(id)?;
    let number = context.number(at);
    let is_head = number == context.chain.head().number;
    let block = if is_head { context.next_block() } else { BlockOverride::default() };
    Ok((number, block))
}
