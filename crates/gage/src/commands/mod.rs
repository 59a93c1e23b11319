//! The user's commands, over a node's RPC.

pub(crate) mod account;
pub(crate) mod act;
pub(crate) mod check;
pub(crate) mod exposure;
pub(crate) mod feeds;
mod kept;
pub(crate) mod past;
mod prospect;
pub(crate) mod publish;
pub(crate) mod queue;
pub(crate) mod rates;
pub(crate) mod replay;
pub(crate) mod show;

use serde_json::Value;

/// Prints JSON for machines.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
