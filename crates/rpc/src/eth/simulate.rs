//! `eth_simulateV1`: blocks of calls that might follow.

use alloy_eips::BlockId;
use alloy_rpc_types_eth::{
    Block, Log,
    simulate::{
        SimBlock, SimCallResult, SimulateError as CallFailure, SimulatePayload, SimulatedBlock,
    },
};
use gage_chain::{
    BlockOverride, CallOutcome, Called, FoundLog, Overrides, SimulateError, SimulatedCalls,
    Simulation,
};
use jsonrpsee::core::RegisterMethodError;

use super::request;
use crate::{
    context::Context,
    error::RpcError,
    methods::{Answer, Methods},
    shapes,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.heavy("eth_simulateV1", simulate)
}

fn simulate(
    context: &Context,
    (payload, id): (SimulatePayload, Option<BlockId>),
) -> Answer<Vec<SimulatedBlock<Block>>> {
    let listing = payload.return_full_transactions.into();
    let at = context.number(context.at(id)?);
    let chain_id = context.chain.chain_id();
    let blocks = payload.block_state_calls.into_iter().map(|block| calls(block, chain_id));
    let simulation = Simulation {
        blocks: blocks.collect::<Answer<_>>()?,
        validates: payload.validation,
        shows_transfers: payload.trace_transfers,
    };
    let simulated = context.chain.simulate(at, &simulation)?.into_iter();
    let shown = simulated.map(|simulated| {
        let mut logs_before = 0;
        let numbered = simulated.calls.into_iter().zip(&simulated.block.transactions).zip(0..);
        let results = numbered.map(|((called, tx), index)| {
            let place = simulated.block.place(index);
            let first = logs_before;
            logs_before += called.logs.len() as u64;
            let logs = (first..).zip(&called.logs).map(|(log_index, log)| FoundLog {
                log: log.clone(),
                transaction_hash: *tx.tx_hash(),
                place,
                log_index,
            });
            let logs = logs.map(shapes::log).collect();
            result(called, logs)
        });
        let calls = results.collect();
        SimulatedBlock { inner: shapes::block(simulated.block, listing), calls }
    });
    Ok(shown.collect())
}

fn calls(block: SimBlock, chain_id: u64) -> Answer<SimulatedCalls> {
    let calls = block.calls.into_iter().map(|call| request::call(call, chain_id));
    Ok(SimulatedCalls {
        overrides: Overrides {
            accounts: request::accounts(block.state_overrides)?,
            block: request::block(BlockOverride::default(), block.block_overrides)?,
        },
        calls: calls.collect::<Answer<_>>()?,
    })
}

fn result(called: Called, logs: Vec<Log>) -> SimCallResult {
    let Called { outcome, gas_used, gas_refunded, .. } = called;
    let (return_data, error) = match outcome {
        CallOutcome::Success { output } => (output, None),
        CallOutcome::Revert { data } => {
            let error = CallFailure {
                code: CallFailure::EXECUTION_REVERTED_CODE,
                message: RpcError::Reverted(data.clone()).to_string(),
                data: Some(data.clone()),
            };
            (data, Some(error))
        }
        CallOutcome::Halt { reason } => {
            let why = RpcError::Halted(format!("{reason:?}"));
            let error = CallFailure {
                code: CallFailure::VM_EXECUTION_ERROR_CODE,
                message: format!("vm execution error: {why}"),
                data: None,
            };
            (Default::default(), Some(error))
        }
    };
    SimCallResult {
        return_data,
        logs,
        gas_used,
        max_used_gas: Some(gas_used + gas_refunded),
        status: error.is_none(),
        error,
    }
}

impl From<SimulateError> for RpcError {
    fn from(error: SimulateError) -> Self {
        match error {
            SimulateError::Call(error) => error.into(),
            other => Self::Simulation(other),
        }
    }
}
