//! Calls as clients describe them, turned into the chain's.

use std::collections::BTreeMap;

use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionRequest,
    state::{AccountOverride as RpcAccountOverride, StateOverride},
};
use gage_chain::{AccountOverride, BlockOverride, CallRequest};

use crate::{error::RequestError, methods::Answer};

/// The call that `request` describes.
pub(crate) fn call(request: TransactionRequest, chain_id: u64) -> Answer<CallRequest> {
    if let Some(got) = request.chain_id.filter(|id| *id != chain_id) {
        return Err(RequestError::ChainId { got, expected: chain_id }.into());
    }
    if request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some() {
        return Err(RequestError::Blob.into());
    }
    let (fee, tip) = (request.max_fee_per_gas, request.max_priority_fee_per_gas);
    if request.gas_price.is_some() && (fee.is_some() || tip.is_some()) {
        return Err(RequestError::TwoFees.into());
    }
    if let (Some(fee), Some(tip)) = (fee, tip)
        && fee < tip
    {
        return Err(RequestError::TipAboveFee { fee, tip }.into());
    }
    let input = request.input.try_into_unique_input().map_err(|_| RequestError::TwoInputs)?;
    Ok(CallRequest {
        from: request.from,
        to: request.to.and_then(TxKind::into_to),
        gas: request.gas,
        gas_price: request.gas_price,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: tip,
        value: request.value.unwrap_or_default(),
        input: input.unwrap_or_default(),
        nonce: request.nonce,
        access_list: request.access_list.unwrap_or_default(),
        authorization_list: request.authorization_list.unwrap_or_default(),
    })
}

/// What `overrides` changes of accounts.
pub(crate) fn accounts(
    overrides: Option<StateOverride>,
) -> Answer<BTreeMap<Address, AccountOverride>> {
    let overrides = overrides.unwrap_or_default().into_iter();
    overrides.map(|(address, account)| Ok((address, self::account(account)?))).collect()
}

fn account(account: RpcAccountOverride) -> Answer<AccountOverride> {
    if account.move_precompile_to.is_some() {
        return Err(RequestError::Override("movePrecompileToAddress").into());
    }
    if account.state.is_some() && account.state_diff.is_some() {
        return Err(RequestError::TwoStates.into());
    }
    Ok(AccountOverride {
        balance: account.balance,
        nonce: account.nonce,
        code: account.code,
        state: account.state.map(|slots| slots.into_iter().collect()),
        state_diff: account.state_diff.unwrap_or_default().into_iter().collect(),
    })
}

/// `base` with what `overrides` changes.
pub(crate) fn block(
    base: BlockOverride,
    overrides: Option<BlockOverrides>,
) -> Answer<BlockOverride> {
    let Some(overrides) = overrides else { return Ok(base) };
    if overrides.block_hash.is_some() {
        return Err(RequestError::Override("blockHash").into());
    }
    if overrides.blob_base_fee.is_some() {
        return Err(RequestError::Override("blobBaseFee").into());
    }
    Ok(BlockOverride {
        number: narrow("number", overrides.number)?.or(base.number),
        timestamp: overrides.time.or(base.timestamp),
        gas_limit: overrides.gas_limit.or(base.gas_limit),
        base_fee: narrow("baseFeePerGas", overrides.base_fee)?.or(base.base_fee),
        beneficiary: overrides.coinbase.or(base.beneficiary),
        prevrandao: overrides.random.or(base.prevrandao),
    })
}

fn narrow(field: &'static str, value: Option<U256>) -> Answer<Option<u64>> {
    let narrowed = value.map(u64::try_from).transpose();
    Ok(narrowed.map_err(|_| RequestError::OverrideTooLarge(field))?)
}
