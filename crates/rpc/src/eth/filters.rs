//! Filters to poll: installing, asking, uninstalling.

use alloy_primitives::{TxHash, U64};
use alloy_rpc_types_eth::{Filter as LogRequest, Log};
use gage_chain::{LogError, LogFilter};
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::TryRecvError};

use super::logs;
use crate::{
    arguments::Number,
    context::Context,
    error::{RequestError, RpcError},
    filters::Watch,
    methods::{Answer, Methods},
    shapes,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.read("eth_newFilter", new_log_filter)?;
    methods.read("eth_newBlockFilter", new_block_filter)?;
    methods.read("eth_newPendingTransactionFilter", new_pending_filter)?;
    methods.heavy("eth_getFilterChanges", changes)?;
    methods.heavy("eth_getFilterLogs", all_logs)?;
    methods.read("eth_uninstallFilter", uninstall)
}

fn install(context: &Context, watch: Watch) -> Answer<U64> {
    Ok(U64::from(context.filters.lock().install(watch)?))
}

fn after_head(context: &Context) -> u64 {
    context.chain.head().number + 1
}

fn new_log_filter(context: &Context, (request,): (LogRequest,)) -> Answer<U64> {
    let (from, to) = request.block_option.as_range();
    if let (Some(from), Some(to)) = (from, to) {
        let (from, to) = (logs::bound(context, Some(*from)), logs::bound(context, Some(*to)));
        if from > to {
            return Err(RequestError::InvertedRange { from, to }.into());
        }
    }
    let next = after_head(context);
    install(context, Watch::Logs { request: Box::new(request), next })
}

fn new_block_filter(context: &Context, (): ()) -> Answer<U64> {
    install(context, Watch::Blocks { next: after_head(context) })
}

/// The flag asks for whole transactions, which filters do not give; subscriptions do.
fn new_pending_filter(context: &Context, (_,): (Option<bool>,)) -> Answer<U64> {
    install(context, Watch::Pending(context.node.subscribe_pending()))
}

fn uninstall(context: &Context, (id,): (Number<u64>,)) -> Answer<bool> {
    Ok(context.filters.lock().uninstall(id.0))
}

fn all_logs(context: &Context, (id,): (Number<u64>,)) -> Answer<Vec<Log>> {
    let watch = context.filters.lock().get(id.0)?;
    let request = match &*watch.lock() {
        Watch::Logs { request, .. } => request.clone(),
        Watch::Blocks { .. } | Watch::Pending(_) => return Err(RpcError::FilterNotFound),
    };
    logs::find(context, &request)
}

/// What is new since the last poll; a poll that fails has told nothing and can be repeated.
fn changes(context: &Context, (id,): (Number<u64>,)) -> Answer<Value> {
    let watch = context.filters.lock().get(id.0)?;
    let head = context.chain.head().number;
    match &mut *watch.lock() {
        Watch::Blocks { next } => {
            let last = head.min(next.saturating_add(context.limits.log_blocks_max - 1));
            let headers = (*next..=last).map(|number| context.header(number));
            let hashes = headers.map(|header| Ok(header?.hash())).collect::<Answer<Vec<_>>>()?;
            *next = last + 1;
            Ok(json!(hashes))
        }
        Watch::Pending(receiver) => Ok(json!(drain(receiver))),
        Watch::Logs { request, next } => {
            let (from, to) = request.block_option.as_range();
            let from = from.and_then(|from| from.as_number()).unwrap_or_default().max(*next);
            let to = to.and_then(|to| to.as_number()).unwrap_or(head).min(head);
            let (logs, told) = new_logs(context, request, from, to)?;
            *next = told.max(*next);
            Ok(json!(logs))
        }
    }
}

/// Logs of the blocks `from` to `to`, or of as many of them as fit the limits, and the block to go
/// on with.
fn new_logs(
    context: &Context,
    request: &LogRequest,
    from: u64,
    to: u64,
) -> Answer<(Vec<Log>, u64)> {
    if from > to {
        return Ok((Vec::new(), from));
    }
    let criteria = logs::criteria(request);
    let mut to = to.min(from.saturating_add(context.limits.log_blocks_max - 1));
    loop {
        let filter = LogFilter { from, to, ..criteria.clone() };
        match context.chain.logs(&filter, context.limits.log_results_max) {
            Ok(found) => return Ok((found.into_iter().map(shapes::log).collect(), to + 1)),
            Err(LogError::TooMany(_)) if to > from => to = from + (to - from) / 2,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What has arrived; where the node was faster than its channel holds, the oldest are lost.
fn drain(receiver: &mut broadcast::Receiver<TxHash>) -> Vec<TxHash> {
    let mut hashes = Vec::new();
    loop {
        match receiver.try_recv() {
            Ok(hash) => hashes.push(hash),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return hashes,
        }
    }
}
