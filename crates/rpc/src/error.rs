//! Why a request has no result, with the codes and words that clients match on.
//!
//! | Code | Means |
//! |---|---|
//! | -32602 | the arguments are wrong |
//! | -32000 | refused, or not available: the message says why |
//! | -32001 | no such block or transaction |
//! | -32005 | a limit of this server |
//! | -32603 | the node's own fault; details are in its log |
//! | 3 | execution reverted; `data` is the encoded error |
//! | -38010 to -38026 | a simulated call or block is refused, by the specification's codes |
//! | -32600 | the id cannot be repeated, or is missing |
//! | -32601 | subscriptions over HTTP |
//!
//! The JSON-RPC library adds -32700 (no JSON), -32600 (no request), -32601 (no such method), -32006 to -32011 (its limits).

use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy_primitives::{Address, Bytes, TxHash};
use gage_chain::{CallError, ChainError, LogError, Rejection, SimulateError, TraceError};
use gage_core::{Fault, Stop};
use gage_state::StateError;
use jsonrpsee::types::ErrorObjectOwned;

use crate::{NodeError, arguments::ArgumentError};

const INVALID_REQUEST: i32 = -32600;
const NO_METHOD: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL: i32 = -32603;
const REFUSED: i32 = -32000;
const NOT_FOUND: i32 = -32001;
const LIMIT: i32 = -32005;
const REVERTED: i32 = 3;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RpcError {
    #[error(
        "id must be a string, null or a whole number from 0 to 2^64 - 1, given once; without one \
         nothing is run"
    )]
    Id,
    #[error("notifications not supported: subscriptions need a WebSocket")]
    NoWebSocket,
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error("header not found: block {}", block_name(.0))]
    UnknownBlock(BlockId),
    #[error(
        "missing trie node: the state of block {number} is pruned, the oldest kept is {oldest}"
    )]
    StatePruned { number: u64, oldest: u64 },
    #[error("transaction not found: {0}")]
    UnknownTransaction(TxHash),
    /// A block without transactions to run again.
    #[error(transparent)]
    Untraceable(TraceError),
    #[error("filter not found")]
    FilterNotFound,
    #[error("this is no development node")]
    NoDevelopment,
    #[error(transparent)]
    Rejected(Rejection),
    #[error(transparent)]
    Simulation(SimulateError),
    /// An exceptional halt, by its name.
    #[error("{}", halt(.0))]
    Halted(String),
    #[error("execution reverted{}", reason(.0))]
    Reverted(Bytes),
    /// The protocol itself refused a question: its Solidity error.
    #[error("{}", refusal(.0))]
    Protocol(Bytes),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Internal(#[from] InternalError),
}

/// Arguments that parse and make no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("invalid block range params: fromBlock {from} is after toBlock {to}")]
    InvertedRange { from: u64, to: u64 },
    #[error("both \"data\" and \"input\" are set and not equal")]
    TwoInputs,
    #[error("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")]
    TwoFees,
    #[error("maxFeePerGas {fee} is less than maxPriorityFeePerGas {tip}")]
    TipAboveFee { fee: u128, tip: u128 },
    #[error("blob transactions are not supported")]
    Blob,
    #[error("chainId {got} is not this chain's {expected}")]
    ChainId { got: u64, expected: u64 },
    #[error("account override: both \"state\" and \"stateDiff\" are set")]
    TwoStates,
    #[error("override \"{0}\" is not supported")]
    Override(&'static str),
    #[error("override \"{0}\" does not fit 64 bits")]
    OverrideTooLarge(&'static str),
    #[error("invalid reward percentile {0}: from 0 to 100, not falling")]
    Percentile(f64),
    #[error("unknown subscription \"{0}\": newHeads, logs or newPendingTransactions")]
    Subscription(String),
    #[error("no feed of this market prices \"{0}\"")]
    NoFeed(String),
    #[error(transparent)]
    Trace(TraceError),
    #[error("the pending block is not traceable")]
    PendingTrace,
    #[error("option \"{0}\" is not supported")]
    Option(&'static str),
    #[error("{0} is no vault")]
    NotAVault(Address),
    #[error("{0} is no asset")]
    NotAnAsset(Address),
}

/// A bound of this server, to be met by asking for less.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LimitError {
    #[error(
        "block range of {asked} blocks exceeds the limit of {most}; narrow fromBlock and toBlock"
    )]
    LogBlocks { asked: u64, most: u64 },
    #[error("query returned more than {0} results; narrow the block range or the filter")]
    LogResults(usize),
    #[error("too many filters: {0} exist already; uninstall some or subscribe")]
    Filters(usize),
    #[error("{asked} storage keys exceed the limit of {most}")]
    ProofKeys { asked: usize, most: usize },
    #[error("{asked} reward percentiles exceed the limit of {most}")]
    Percentiles { asked: usize, most: usize },
    #[error("{asked} blocks exceed the limit of {most}")]
    Blocks { asked: u64, most: u64 },
    #[error("{asked} reports exceed the limit of {most}")]
    Reports { asked: usize, most: usize },
    #[error(transparent)]
    SimulatedGas(CallError),
    #[error("the trace has {0}")]
    Trace(TraceError),
    #[error("the traces are longer than {0} bytes; trace single transactions, or with onlyTopCall")]
    TraceBytes(u32),
    #[error("{asked} steps exceed the limit of {most}")]
    Steps { asked: usize, most: usize },
    #[error("too many connections: {0} are open already; try again later")]
    Connections(u32),
    #[error("server is busy: {0} calls wait already; try again later")]
    Busy(usize),
    #[error("a check is under way already; try again later")]
    Checking,
}

/// The node's own fault: logged, not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InternalError {
    #[error(transparent)]
    Chain(ChainError),
    #[error(transparent)]
    State(StateError),
    #[error(transparent)]
    Logs(LogError),
    #[error(transparent)]
    Call(CallError),
    #[error("block {0} is incomplete")]
    Incomplete(u64),
    #[error("the protocol's records cannot be read: {0:?}")]
    Ledger(Fault),
    #[error("a result could not be encoded: {0}")]
    Encoding(serde_json::Error),
    #[error("a method panicked: {0}")]
    Panicked(tokio::task::JoinError),
    #[error("the server is stopping")]
    Stopping,
}

impl From<StateError> for RpcError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Pruned { asked, oldest } => Self::StatePruned { number: asked, oldest },
            StateError::NotYet { asked, .. } => {
                Self::UnknownBlock(BlockId::Number(BlockNumberOrTag::Number(asked)))
            }
            other => InternalError::State(other).into(),
        }
    }
}

impl From<ChainError> for RpcError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::UnknownBlock(number) => {
                Self::UnknownBlock(BlockId::Number(BlockNumberOrTag::Number(number)))
            }
            ChainError::State(error) => error.into(),
            other => InternalError::Chain(other).into(),
        }
    }
}

impl From<LogError> for RpcError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::TooMany(most) => LimitError::LogResults(most).into(),
            LogError::Chain(error) => error.into(),
            other => InternalError::Logs(other).into(),
        }
    }
}

impl From<CallError> for RpcError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Invalid(rejection) => Self::Rejected(rejection),
            CallError::Reverted { data } => Self::Reverted(data),
            CallError::Halted { reason } => Self::Halted(format!("{reason:?}")),
            CallError::TooMuchGas => LimitError::SimulatedGas(error).into(),
            CallError::Code(_) => RequestError::Override("code").into(),
            CallError::Chain(error) => error.into(),
            other => InternalError::Call(other).into(),
        }
    }
}

impl From<Stop> for RpcError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(error) => Self::Protocol(gage_abi::encode_error(&error)),
            Stop::Fault(fault) => InternalError::Ledger(fault).into(),
        }
    }
}

impl RpcError {
    fn code(&self) -> i32 {
        match self {
            Self::Id => INVALID_REQUEST,
            Self::NoWebSocket => NO_METHOD,
            Self::Argument(_) | Self::Request(_) => INVALID_PARAMS,
            Self::Limit(_) => LIMIT,
            Self::UnknownBlock(_) | Self::UnknownTransaction(_) => NOT_FOUND,
            Self::Reverted(_) => REVERTED,
            Self::Simulation(error) => simulation_code(error),
            Self::Node(NodeError::Failed(_)) | Self::Internal(_) => INTERNAL,
            Self::StatePruned { .. }
            | Self::Untraceable(_)
            | Self::FilterNotFound
            | Self::NoDevelopment
            | Self::Rejected(_)
            | Self::Halted(_)
            | Self::Protocol(_)
            | Self::Node(NodeError::Refused(_)) => REFUSED,
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let code = error.code();
        if code == INTERNAL {
            tracing::error!(%error, "a request failed");
            return Self::owned(code, "internal error", None::<()>);
        }
        match &error {
            RpcError::Reverted(data) | RpcError::Protocol(data) => {
                Self::owned(code, error.to_string(), Some(data))
            }
            _ => Self::owned(code, error.to_string(), None::<()>),
        }
    }
}

/// The codes that the specification of `eth_simulateV1` gives.
fn simulation_code(error: &SimulateError) -> i32 {
    match error {
        SimulateError::Number { .. } => -38020,
        SimulateError::Timestamp { .. } => -38021,
        SimulateError::Blocks(_) => -38026,
        SimulateError::Refused { reason, .. } => match reason {
            Rejection::NonceTooLow { .. } => -38010,
            Rejection::NonceTooHigh { .. } => -38011,
            Rejection::FeeBelowBase { .. } => -38012,
            Rejection::IntrinsicGas { .. } => -38013,
            Rejection::InsufficientFunds { .. } => -38014,
            Rejection::NoRoom { .. } | Rejection::GasLimit { .. } => -38015,
            Rejection::InitcodeSize => -38025,
            _ => REFUSED,
        },
        _ => REFUSED,
    }
}

fn block_name(id: &BlockId) -> String {
    match id {
        BlockId::Number(BlockNumberOrTag::Number(number)) => number.to_string(),
        BlockId::Number(tag) => tag.to_string(),
        BlockId::Hash(RpcBlockHash { block_hash, .. }) => block_hash.to_string(),
    }
}

/// geth's words for running out of gas, which clients match on; else the halt's own name.
fn halt(reason: &str) -> String {
    if reason.starts_with("OutOfGas") {
        "out of gas".to_owned()
    } else {
        format!("execution halted: {reason}")
    }
}

fn reason(data: &Bytes) -> String {
    gage_abi::decode_error(data).map_or_else(String::new, |named| format!(": {named}"))
}

fn refusal(data: &Bytes) -> String {
    gage_abi::decode_error(data).unwrap_or_else(|| "refused by the protocol".to_owned())
}
