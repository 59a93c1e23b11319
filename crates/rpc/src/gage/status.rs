//! `gage_status`: the chain, the node and the protocol at a glance.

use alloy_primitives::{Address, B256};
use gage_core::ledger::Ledger;
use serde::Serialize;

use super::book;
use crate::{context::Context, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    client_version: String,
    chain_id: u64,
    head: Head,
    base_fee_per_gas: String,
    pending_transactions: usize,
    queued_transactions: usize,
    peers: u64,
    syncing: bool,
    governance: Address,
    guardian: Address,
    assets: u32,
    vaults: u32,
    markets: u32,
    feeds: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    number: u64,
    hash: B256,
    timestamp: u64,
    state_root: B256,
}

pub(super) fn status(context: &Context, (): ()) -> Answer<Status> {
    let head = context.chain.head();
    let pool = context.node.pool_status();
    let protocol = book(context, Some(head.hash().into()))?.protocol()?;
    Ok(Status {
        client_version: context.node.client_version(),
        chain_id: context.chain.chain_id(),
        head: Head {
            number: head.number,
            hash: head.hash(),
            timestamp: head.timestamp,
            state_root: head.state_root,
        },
        base_fee_per_gas: context.chain.next_base_fee().to_string(),
        pending_transactions: pool.pending,
        queued_transactions: pool.queued,
        peers: context.node.peer_count(),
        syncing: context.node.syncing().is_some(),
        governance: protocol.governance,
        guardian: protocol.guardian,
        assets: protocol.assets,
        vaults: protocol.vaults,
        markets: protocol.markets,
        feeds: protocol.feeds,
    })
}
