//! What happened in a range of blocks, from the protocol's logs.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use gage_chain::{FoundLog, LogFilter};
use gage_core::{
    address::{MARKET, vault},
    ids::VaultId,
    ledger::Ledger,
};
use serde::Serialize;

use super::{Book, numbers::Shown};
use crate::{
    context::Context,
    error::{InternalError, LimitError, RequestError, RpcError},
    eth::bound,
    methods::Answer,
};

/// The first and the last block; by default as many up to the head as one query spans.
pub(super) type Range = (Option<BlockNumberOrTag>, Option<BlockNumberOrTag>);

/// The first and the last block of a range that one query may span.
pub(super) fn blocks(context: &Context, (from, to): Range) -> Answer<(u64, u64)> {
    let most = context.limits.log_blocks_max;
    let to = bound(context, to).min(context.chain.head().number);
    let from = from.map_or((to + 1).saturating_sub(most), |from| bound(context, Some(from)));
    if from > to {
        return Err(RequestError::InvertedRange { from, to }.into());
    }
    let asked = to - from + 1;
    if asked > most {
        return Err(LimitError::LogBlocks { asked, most }.into());
    }
    Ok((from, to))
}

/// The logs of the market contract and of every vault with one of these first topics, in their
/// order.
pub(super) fn logs(
    context: &Context,
    book: &mut Book,
    (from, to): Range,
    topics: Vec<B256>,
) -> Answer<Vec<FoundLog>> {
    let (from, to) = blocks(context, (from, to))?;
    let vaults = (1..=book.protocol()?.vaults).map(|id| vault(VaultId::new(id)));
    let addresses = std::iter::once(MARKET).chain(vaults).collect();
    let mut filter = LogFilter { from, to, addresses, ..LogFilter::default() };
    filter.topics[0] = topics;
    Ok(context.chain.logs(&filter, context.limits.log_results_max)?)
}

/// The event that a log holds; `None` if it is of another kind.
pub(super) fn event<E: SolEvent>(found: &FoundLog) -> Answer<Option<E>> {
    if found.log.topics().first() != Some(&E::SIGNATURE_HASH) {
        return Ok(None);
    }
    let event = E::decode_log_data(&found.log.data);
    Ok(Some(event.map_err(|_| InternalError::Incomplete(found.place.block_number))?))
}

/// An account, by its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Whose {
    pub(super) market: u32,
    pub(super) owner: Address,
    pub(super) sub: u32,
}

/// Where and for whom something happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) block_number: u64,
    timestamp: u64,
    pub(super) transaction_hash: B256,
    #[serde(flatten)]
    pub(super) whose: Whose,
}

impl Place {
    pub(super) fn of(found: &FoundLog, whose: Whose) -> Self {
        Self {
            block_number: found.place.block_number,
            timestamp: found.place.timestamp,
            transaction_hash: found.transaction_hash,
            whose,
        }
    }

    /// Whether `found` is of the same transaction.
    pub(super) fn is_with(&self, found: &FoundLog) -> bool {
        self.transaction_hash == found.transaction_hash
    }
}

/// An event's amount of a token.
pub(super) fn amount(amount: U256, decimals: u8) -> Shown {
    Shown::amount(amount.saturating_to(), decimals)
}

/// A ledger's answer, or nothing where the state it would come from is pruned.
pub(super) fn kept<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(RpcError::StatePruned { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
