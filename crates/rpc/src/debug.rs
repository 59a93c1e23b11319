//! `debug_*`: what transactions did, in the shapes of geth's tracers.
//!
//! A call of a native contract is a frame like any other: `to` is its address, `output` what it
//! returned or the error that it refused with. The prelude and the sweep, which the system sends, are
//! traced as calls from the system address.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, TxHash};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use gage_chain::{BlockOverride, Overrides, TraceError, Tracer};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    context::{At, Context},
    error::{InternalError, LimitError, RequestError, RpcError},
    eth::request,
    methods::{Answer, Methods},
};

pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.heavy("debug_traceTransaction", transaction)?;
    methods.heavy("debug_traceBlockByNumber", block_by_number)?;
    methods.heavy("debug_traceBlockByHash", block_by_hash)?;
    methods.heavy("debug_traceCall", call)
}

fn transaction(
    context: &Context,
    (hash, options): (TxHash, Option<GethDebugTracingOptions>),
) -> Answer<GethTrace> {
    let tracer = Tracer::new(options.unwrap_or_default())?;
    Ok(context.chain.trace_transaction(hash, &tracer)?)
}

fn block_by_number(
    context: &Context,
    (number, options): (BlockNumberOrTag, Option<GethDebugTracingOptions>),
) -> Answer<Vec<Traced>> {
    block(context, number.into(), options)
}

fn block_by_hash(
    context: &Context,
    (hash, options): (B256, Option<GethDebugTracingOptions>),
) -> Answer<Vec<Traced>> {
    block(context, hash.into(), options)
}

/// The trace of one transaction of a block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    tx_hash: TxHash,
    result: Box<RawValue>,
}

fn block(
    context: &Context,
    id: BlockId,
    options: Option<GethDebugTracingOptions>,
) -> Answer<Vec<Traced>> {
    let tracer = Tracer::new(options.unwrap_or_default())?;
    let At::Block(number) = context.at(Some(id))? else {
        return Err(RequestError::PendingTrace.into());
    };
    // Encoded one by one, so that no more is held than an answer may be long.
    let most = context.limits.response_bytes_max;
    let mut left = most as usize;
    let mut traces = Vec::new();
    context.chain.trace_block(number, &tracer, |tx_hash, trace| {
        let result = to_raw_value(&trace).map_err(InternalError::Encoding)?;
        left = left.checked_sub(result.get().len()).ok_or(LimitError::TraceBytes(most))?;
        traces.push(Traced { tx_hash, result });
        Ok::<_, RpcError>(())
    })?;
    Ok(traces)
}

type Call = (TransactionRequest, Option<BlockId>, Option<GethDebugTracingCallOptions>);

fn call(context: &Context, (request, id, options): Call) -> Answer<GethTrace> {
    let request = request::call(request, context.chain.chain_id())?;
    let options = options.unwrap_or_default();
    if options.tx_index.is_some() {
        return Err(RequestError::Option("txIndex").into());
    }
    let tracer = Tracer::new(options.tracing_options)?;
    let at = context.at(id)?;
    let base = match at {
        At::Block(_) => BlockOverride::default(),
        At::Pending => context.next_block(),
    };
    let overrides = Overrides {
        accounts: request::accounts(options.state_overrides)?,
        block: request::block(base, options.block_overrides)?,
    };
    Ok(context.chain.trace_call(context.number(at), &request, &overrides, &tracer)?)
}

impl From<TraceError> for RpcError {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Tracer(_) | TraceError::TracerConfig(_) => {
                RequestError::Trace(error).into()
            }
            TraceError::TooManySteps | TraceError::TooManyBytes => LimitError::Trace(error).into(),
            TraceError::UnknownTransaction(hash) => Self::UnknownTransaction(hash),
            TraceError::Call(error) => error.into(),
            other => Self::Untraceable(other),
        }
    }
}
