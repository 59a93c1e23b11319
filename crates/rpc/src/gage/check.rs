//! `gage_check`: do the protocol's invariants hold after a block?

use alloy_eips::BlockId;
use alloy_primitives::B256;
use gage_core::invariants::{CHECKED, Report};
use serde::Serialize;

use crate::{context::Context, error::LimitError, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked {
    chain_id: u64,
    block_number: u64,
    block_hash: B256,
    holds: bool,
    invariants: Vec<Invariant>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invariant {
    id: &'static str,
    name: &'static str,
    /// How many things were compared.
    checked: u64,
    /// What does not hold, each in words and numbers.
    broken: Vec<String>,
}

/// The state after a block, and the step to it from its parent if that state is still kept. Reads the whole
/// state, so there is one check at a time.
pub(super) fn check(context: &Context, (id,): (Option<BlockId>,)) -> Answer<Checked> {
    let _turn = context.checking.try_lock().ok_or(LimitError::Checking)?;
    let number = context.number(context.at(id)?);
    let header = context.header(number)?;
    let Report { checked, broken } = context.chain.check_block(number)?;
    let invariants = CHECKED.iter().map(|(id, name)| Invariant {
        id,
        name,
        checked: checked.get(id).copied().unwrap_or_default(),
        broken: broken.iter().filter(|one| one.id == *id).map(|one| one.detail.clone()).collect(),
    });
    Ok(Checked {
        chain_id: context.chain.chain_id(),
        block_number: number,
        block_hash: header.hash(),
        holds: broken.is_empty(),
        invariants: invariants.collect(),
    })
}
