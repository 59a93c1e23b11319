//! What transactions did, call by call: blocks run again under one of geth's tracers.

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_evm::{EthEvm, Evm, IntoTxEnv, precompiles::PrecompilesMap};
use alloy_primitives::TxHash;
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType as BuiltIn, GethDebugTracerType, GethDebugTracingOptions, GethTrace,
};
use gage_state::StateError;
use revm::{
    DatabaseCommit,
    context::{TxEnv, result::EVMError},
    context_interface::result::ResultAndState,
    database::State,
    database_interface::bal::EvmDatabaseError,
};
use revm_inspectors::tracing::{
    DebugInspector, DebugInspectorError, TraceLimitBehavior, TraceLimits, TracingInspector,
};

use crate::{
    CallError, CallRequest, Chain, ChainError, Overrides, SYSTEM, SealedBlock,
    call::{self, Cast},
    execute::{self, Base, BlockState},
    transaction::GasOffer,
};

/// Steps that the struct logger keeps of one transaction; each may hold a whole stack, of 32 KiB.
pub const TRACE_STEPS_MAX: u64 = 20_000;

/// Bytes of inputs and memory that a tracer copies from one transaction. A call's input costs gas
/// once, and may be passed on many times.
const TRACE_BYTES_MAX: usize = 64 << 20;

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// No tracer of this name. Tracers in JavaScript are not run.
    #[error(
        "unknown tracer \"{0}\": callTracer, flatCallTracer, prestateTracer, 4byteTracer, \
         noopTracer, or none for struct logs"
    )]
    Tracer(String),
    /// The tracer does not know what to make of `tracerConfig`.
    #[error("invalid tracerConfig of {0}")]
    TracerConfig(String),
    /// No block holds this transaction.
    #[error("transaction not found: {0}")]
    UnknownTransaction(TxHash),
    /// Block 0 has no transactions and no parent to run them on.
    #[error("genesis is not traceable")]
    Genesis,
    /// More steps than [`TRACE_STEPS_MAX`].
    #[error("more than {TRACE_STEPS_MAX} steps; set \"limit\", or use callTracer")]
    TooManySteps,
    /// The calls hand on more than a tracer keeps.
    #[error("inputs and memory of more than {TRACE_BYTES_MAX} bytes")]
    TooManyBytes,
    /// What is traced could not run.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<ChainError> for TraceError {
    fn from(error: ChainError) -> Self {
        Self::Call(error.into())
    }
}

impl From<StateError> for TraceError {
    fn from(error: StateError) -> Self {
        ChainError::from(error).into()
    }
}

/// One of geth's tracers, with its options.
#[derive(Clone, Debug)]
pub struct Tracer(GethDebugTracingOptions);

impl Tracer {
    /// The tracer that `options` name; the struct logger if they name none.
    ///
    /// # Errors
    /// [`TraceError::Tracer`] and [`TraceError::TracerConfig`].
    pub fn new(mut options: GethDebugTracingOptions) -> Result<Self, TraceError> {
        let name = |tracer: &GethDebugTracerType| tracer.as_str().to_owned();
        match &options.tracer {
            None => {}
            Some(GethDebugTracerType::BuiltInTracer(
                BuiltIn::CallTracer
                | BuiltIn::FlatCallTracer
                | BuiltIn::PreStateTracer
                | BuiltIn::FourByteTracer
                | BuiltIn::NoopTracer,
            )) => {}
            Some(other) => return Err(TraceError::Tracer(name(other))),
        }
        let asked = options.config.limit.filter(|limit| (1..=TRACE_STEPS_MAX).contains(limit));
        // One more shows that there are too many.
        options.config.limit = Some(asked.unwrap_or(TRACE_STEPS_MAX + 1));
        let named = options.tracer.as_ref().map(name).unwrap_or_default();
        let is_good = DebugInspector::new(options.clone()).is_ok();
        if is_good { Ok(Self(options)) } else { Err(TraceError::TracerConfig(named)) }
    }

    fn inspector(&self) -> Result<DebugInspector, TraceError> {
        let limits = TraceLimits::default()
            .set_max_recorded_bytes(Some(TRACE_BYTES_MAX))
            .set_behavior(TraceLimitBehavior::Halt);
        let bound = |inspector: TracingInspector| inspector.with_limits(limits);
        use DebugInspector as Inspector;
        Ok(match Inspector::new(self.0.clone()).map_err(failed)? {
            Inspector::CallTracer(inspector, config) => {
                Inspector::CallTracer(bound(inspector), config)
            }
            Inspector::FlatCallTracer(inspector) => Inspector::FlatCallTracer(bound(inspector)),
            Inspector::Default(inspector, config) => Inspector::Default(bound(inspector), config),
            other => other,
        })
    }
}

impl Chain {
    /// Runs the block of a transaction again up to it, and traces it.
    ///
    /// # Errors
    /// [`TraceError::UnknownTransaction`]; [`StateError::Pruned`] where the state before the block is
    /// not kept.
    pub fn trace_transaction(
        &self,
        hash: TxHash,
        tracer: &Tracer,
    ) -> Result<GethTrace, TraceError> {
        let found = self.transaction(hash)?.ok_or(TraceError::UnknownTransaction(hash))?;
        let mut replay = Replay::of(self, found.place.block_number, tracer)?;
        for tx in replay.block.transactions.clone() {
            if *tx.tx_hash() == hash {
                return replay.trace(&tx).map(|(_, trace)| trace);
            }
            replay = replay.skip(&tx)?;
        }
        Err(TraceError::UnknownTransaction(hash))
    }

    /// Runs a block again and gives the trace of each of its transactions to `keep`, in their order,
    /// until it fails.
    ///
    /// # Errors
    /// As [`trace_transaction`](Self::trace_transaction), and what `keep` says.
    pub fn trace_block<E: From<TraceError>>(
        &self,
        number: u64,
        tracer: &Tracer,
        mut keep: impl FnMut(TxHash, GethTrace) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut replay = Replay::of(self, number, tracer)?;
        for tx in replay.block.transactions.clone() {
            let (next, trace) = replay.trace(&tx)?;
            keep(*tx.tx_hash(), trace)?;
            replay = next;
        }
        Ok(())
    }

    /// Traces `request` as [`call`](Self::call) would run it.
    ///
    /// # Errors
    /// [`TraceError::Call`] if it could not be a transaction.
    pub fn trace_call(
        &self,
        at: u64,
        request: &CallRequest,
        overrides: &Overrides,
        tracer: &Tracer,
    ) -> Result<GethTrace, TraceError> {
        let scene = self.scene(at, overrides)?;
        let gas = scene.gas_of(request)?;
        let Cast { db, env, tx } = scene.cast(request, gas)?;
        let mut evm = gage_evm::evm(db, env, tracer.inspector()?);
        evm.enable_inspector();
        let done = evm.transact_raw(tx.clone());
        judge(&mut evm, &tx, done).map(|(trace, _)| trace)
    }
}

type Traced = EthEvm<BlockState, DebugInspector, PrecompilesMap>;
type Outcome = Result<ResultAndState, EVMError<EvmDatabaseError<StateError>>>;

/// A block that runs again on the state before it.
struct Replay {
    evm: Traced,
    block: SealedBlock,
}

impl Replay {
    fn of(chain: &Chain, number: u64, tracer: &Tracer) -> Result<Self, TraceError> {
        let block = chain.block(number)?.ok_or(ChainError::UnknownBlock(number))?;
        let parent = number.checked_sub(1).ok_or(TraceError::Genesis)?;
        let db = State::builder().with_database_ref(Base::of(chain, parent)?).build();
        let env = execute::env(chain.chain_id(), &block.header);
        let evm = gage_evm::evm(db, env, tracer.inspector()?);
        Ok(Self { evm, block })
    }

    /// Runs a transaction that nobody wants to see.
    fn skip(self, tx: &Recovered<TxEnvelope>) -> Result<Self, TraceError> {
        let Self { evm, block } = self;
        let (mut evm, done) = run(evm, tx);
        let done = done.map_err(execute::fatal)?;
        evm.db_mut().commit(done.state);
        // The inspector sees what the system does even when it sleeps.
        evm.inspector_mut().fuse().map_err(failed)?;
        Ok(Self { evm, block })
    }

    fn trace(self, tx: &Recovered<TxEnvelope>) -> Result<(Self, GethTrace), TraceError> {
        let Self { mut evm, block } = self;
        evm.enable_inspector();
        let (mut evm, done) = run(evm, tx);
        let (trace, done) = judge(&mut evm, &tx.into_tx_env(), done)?;
        evm.db_mut().commit(done.state);
        evm.inspector_mut().fuse().map_err(failed)?;
        Ok((Self { evm, block }, trace))
    }
}

/// Runs a transaction of a block, by the system or by a user. Nothing is committed.
fn run(mut evm: Traced, tx: &Recovered<TxEnvelope>) -> (Traced, Outcome) {
    match tx.to() {
        Some(to) if tx.signer() == SYSTEM => {
            gage_evm::system_call(evm, to, (tx.input().clone(), tx.gas_limit()))
        }
        _ => {
            let done = evm.transact_raw(tx.into_tx_env());
            (evm, done)
        }
    }
}

/// What the inspector saw of a transaction that is not committed yet.
fn judge(
    evm: &mut Traced,
    tx: &TxEnv,
    done: Outcome,
) -> Result<(GethTrace, ResultAndState), TraceError> {
    let block = evm.block().clone();
    let (db, inspector, _) = evm.components_mut();
    let offer = GasOffer { limit: tx.gas_limit, fee_max: tx.gas_price };
    let done = done.map_err(|error| match error {
        EVMError::Custom(_) if exceeded(inspector) => TraceError::TooManyBytes,
        error => call::refused(error, offer, block.basefee).into(),
    })?;
    let trace = inspector.get_result(None, tx, &block, &done, db).map_err(failed)?;
    match &trace {
        GethTrace::Default(frame) if frame.struct_logs.len() as u64 > TRACE_STEPS_MAX => {
            Err(TraceError::TooManySteps)
        }
        _ => Ok((trace, done)),
    }
}

fn exceeded(inspector: &DebugInspector) -> bool {
    match inspector {
        DebugInspector::CallTracer(inspector, _)
        | DebugInspector::FlatCallTracer(inspector)
        | DebugInspector::Default(inspector, _) => inspector.limit_exceeded(),
        _ => false,
    }
}

/// The tracer itself failed, which is nobody's transaction.
fn failed(error: DebugInspectorError<impl std::fmt::Display>) -> TraceError {
    ChainError::Evm(error.to_string()).into()
}
