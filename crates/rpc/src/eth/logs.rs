//! Logs over a range of blocks.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::{Filter as LogRequest, FilterBlockOption, Log};
use gage_chain::LogFilter;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    context::Context,
    error::{LimitError, RequestError, RpcError},
    methods::{Answer, Methods},
    shapes,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.heavy("eth_getLogs", logs)
}

fn logs(context: &Context, (request,): (LogRequest,)) -> Answer<Vec<Log>> {
    find(context, &request)
}

/// The logs that `request` asks for, within the limits.
pub(super) fn find(context: &Context, request: &LogRequest) -> Answer<Vec<Log>> {
    let filter = filter(context, request)?;
    // What lies beyond the head is empty and costs nothing.
    let last = filter.to.min(context.chain.head().number);
    let asked = (last + 1).saturating_sub(filter.from);
    let most = context.limits.log_blocks_max;
    if asked > most {
        return Err(LimitError::LogBlocks { asked, most }.into());
    }
    let found = context.chain.logs(&filter, context.limits.log_results_max)?;
    Ok(found.into_iter().map(shapes::log).collect())
}

/// The chain's form of `request`, with its blocks by number.
fn filter(context: &Context, request: &LogRequest) -> Answer<LogFilter> {
    let (from, to) = match request.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = context.chain.number_of(hash)?;
            let number = number.ok_or(RpcError::UnknownBlock(BlockId::from(hash)))?;
            (number, number)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            (bound(context, from_block), bound(context, to_block))
        }
    };
    if from > to {
        return Err(RequestError::InvertedRange { from, to }.into());
    }
    Ok(LogFilter { from, to, ..criteria(request) })
}

/// The addresses and topics of `request`, over no blocks.
pub(super) fn criteria(request: &LogRequest) -> LogFilter {
    let topics = request.topics.each_ref().map(|topics| topics.iter().copied().collect());
    LogFilter { from: 0, to: 0, addresses: request.address.iter().copied().collect(), topics }
}

/// The number a bound of a range names; the head's by default.
pub(crate) fn bound(context: &Context, bound: Option<BlockNumberOrTag>) -> u64 {
    match bound {
        Some(BlockNumberOrTag::Number(number)) => number,
        Some(BlockNumberOrTag::Earliest) => 0,
        _ => context.chain.head().number,
    }
}
