//! Accounts: balance, nonce, code, storage, and proofs of them.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;
use gage_state::AccountInfo;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    context::{At, Context},
    error::{LimitError, RpcError},
    methods::{Answer, Methods},
};

/// Storage keys of one proof.
const PROOF_KEYS_MAX: usize = 1024;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.read("eth_getBalance", balance)?;
    methods.read("eth_getTransactionCount", transaction_count)?;
    methods.read("eth_getCode", code)?;
    methods.read("eth_getStorageAt", storage_at)?;
    methods.heavy("eth_getProof", proof)
}

fn info(context: &Context, address: Address, id: Option<BlockId>) -> Answer<AccountInfo> {
    let account = context.state(id)?.account(address)?;
    Ok(account.map(|account| account.info).unwrap_or_default())
}

fn balance(context: &Context, (address, id): (Address, Option<BlockId>)) -> Answer<U256> {
    Ok(info(context, address, id)?.balance)
}

fn transaction_count(context: &Context, (address, id): (Address, Option<BlockId>)) -> Answer<U64> {
    Ok(U64::from(match context.at(id)? {
        At::Pending => context.node.next_nonce(address)?,
        At::Block(_) => info(context, address, id)?.nonce,
    }))
}

fn code(context: &Context, (address, id): (Address, Option<BlockId>)) -> Answer<Bytes> {
    let view = context.state(id)?;
    let Some(account) = view.account(address)? else { return Ok(Bytes::new()) };
    Ok(view.code(account.info.code_hash)?.unwrap_or_default())
}

fn storage_at(
    context: &Context,
    (address, slot, id): (Address, JsonStorageKey, Option<BlockId>),
) -> Answer<B256> {
    Ok(context.state(id)?.storage(address, slot.as_b256().into())?.into())
}

fn proof(
    context: &Context,
    (address, keys, id): (Address, Vec<JsonStorageKey>, Option<BlockId>),
) -> Answer<EIP1186AccountProofResponse> {
    if keys.len() > PROOF_KEYS_MAX {
        let (asked, most) = (keys.len(), PROOF_KEYS_MAX);
        return Err(RpcError::from(LimitError::ProofKeys { asked, most }));
    }
    let slots: Vec<U256> = keys.iter().map(|key| key.as_b256().into()).collect();
    let proof = context.state(id)?.proof(address, &slots)?;
    let storage_proof = keys.into_iter().zip(proof.storage_proofs);
    Ok(EIP1186AccountProofResponse {
        address,
        balance: proof.info.balance,
        code_hash: proof.info.code_hash,
        nonce: proof.info.nonce,
        storage_hash: proof.storage_hash,
        account_proof: proof.account_proof,
        storage_proof: storage_proof
            .map(|(key, proof)| EIP1186StorageProof::new(key, proof.value, proof.proof))
            .collect(),
    })
}
