//! `net_*`, `web3_*` and `txpool_*`: the node itself, hashing, and what waits.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U64, keccak256};
use alloy_rpc_types_eth::Transaction;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    Waiting,
    context::Context,
    methods::{Answer, Methods},
    shapes,
};

pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("net_version", version)?;
    methods.quick("net_listening", listening)?;
    methods.quick("net_peerCount", peer_count)?;
    methods.quick("web3_clientVersion", client_version)?;
    methods.read("web3_sha3", sha3)?;
    methods.read("txpool_status", pool_status)?;
    methods.heavy("txpool_content", pool_content)
}

fn version(context: &Context, (): ()) -> Answer<String> {
    Ok(context.chain.chain_id().to_string())
}

fn listening(_: &Context, (): ()) -> Answer<bool> {
    Ok(true)
}

fn peer_count(context: &Context, (): ()) -> Answer<U64> {
    Ok(U64::from(context.node.peer_count()))
}

fn client_version(context: &Context, (): ()) -> Answer<String> {
    Ok(context.node.client_version())
}

fn sha3(_: &Context, (bytes,): (Bytes,)) -> Answer<B256> {
    Ok(keccak256(bytes))
}

#[derive(Serialize)]
struct Both<T> {
    pending: T,
    queued: T,
}

fn pool_status(context: &Context, (): ()) -> Answer<Both<U64>> {
    let status = context.node.pool_status();
    Ok(Both { pending: U64::from(status.pending), queued: U64::from(status.queued) })
}

/// By sender and, in decimal, nonce.
type Listed = BTreeMap<Address, BTreeMap<String, Transaction>>;

fn pool_content(context: &Context, (): ()) -> Answer<Both<Listed>> {
    let content = context.node.pool_content();
    Ok(Both { pending: listed(content.pending), queued: listed(content.queued) })
}

fn listed(waiting: Waiting) -> Listed {
    let senders = waiting.into_iter().map(|(sender, transactions)| {
        let by_nonce = transactions.into_iter();
        let shapes = by_nonce.map(|(nonce, tx)| (nonce.to_string(), shapes::pending(tx)));
        (sender, shapes.collect())
    });
    senders.collect()
}
