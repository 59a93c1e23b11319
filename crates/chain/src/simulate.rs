//! Blocks that might follow: `eth_simulateV1`.
//!
//! Each holds the calls that it is given and nothing else: no prelude brings prices and no sweep
//! liquidates, so that what happens is the calls' doing. Nothing is stored.

use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, Sealed, TxEnvelope, transaction::Recovered,
};
use alloy_evm::{EthEvm, Evm, IntoTxEnv, precompiles::PrecompilesMap};
use alloy_primitives::{B256, keccak256};
use gage_state::Changes;
use revm::{
    Database, DatabaseCommit,
    context_interface::result::ResultAndState,
    database::{State, states::bundle_state::BundleRetention},
};

use crate::{
    BlockOverride, CallError, CallOutcome, CallRequest, Called, Chain, ChainError, Overrides,
    Rejection, SealedBlock, SealedHeader,
    call::{self, CALL_GAS_MAX},
    execute::{self, Base, BlockState, Executed, header_shape},
    log_hashes::LogHashes,
    rules::{BASE_FEE_PARAMS, TX_GAS_LIMIT_MAX},
    transaction::GasOffer,
    transfers::TransferLogs,
};

/// Blocks of one simulation, those between included: as many as a contract can ask the hash of.
pub const SIMULATED_BLOCKS_MAX: u64 = 256;

/// What is to be simulated.
#[derive(Clone, Debug, Default)]
pub struct Simulation {
    /// By block.
    pub blocks: Vec<SimulatedCalls>,
    /// Whether fees, nonces and gas must be as in a real transaction. Signatures are never asked for.
    pub validates: bool,
    /// Whether movements of native coins are shown as logs.
    pub shows_transfers: bool,
}

/// The calls of one block, and what they see otherwise than it would be.
#[derive(Clone, Debug, Default)]
pub struct SimulatedCalls {
    /// On top of the blocks before.
    pub overrides: Overrides,
    /// In order.
    pub calls: Vec<CallRequest>,
}

/// A block as it would be, without signatures.
#[derive(Clone, Debug)]
pub struct SimulatedBlock {
    /// Its state root is zero unless the simulation starts at the head.
    pub block: SealedBlock,
    /// What each of its transactions did.
    pub calls: Vec<Called>,
}

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// Blocks count upwards.
    #[error("block numbers must be in order: {number} after {previous}")]
    Number {
        /// What was asked.
        number: u64,
        /// The block's before.
        previous: u64,
    },
    /// Time goes forward.
    #[error("block timestamps must be in order: {timestamp} after {previous}")]
    Timestamp {
        /// What was asked.
        timestamp: u64,
        /// The block's before.
        previous: u64,
    },
    /// More than [`SIMULATED_BLOCKS_MAX`].
    #[error("too many blocks: {0}, at most {SIMULATED_BLOCKS_MAX}")]
    Blocks(u64),
    /// A call could not be a transaction.
    #[error("block {block}, call {call}: {reason}")]
    Refused {
        /// The block's number.
        block: u64,
        /// The call's position in it.
        call: usize,
        /// What is wrong with it.
        reason: Rejection,
    },
    /// An override makes no sense, or the state is not there.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<ChainError> for SimulateError {
    fn from(error: ChainError) -> Self {
        Self::Call(error.into())
    }
}

impl Chain {
    /// The blocks that `simulation` asks for, on top of block `at`. Blocks that it leaves out between
    /// two numbers are there, and empty.
    ///
    /// # Errors
    /// [`SimulateError`]; a call that reverts is none.
    pub fn simulate(
        &self,
        at: u64,
        simulation: &Simulation,
    ) -> Result<Vec<SimulatedBlock>, SimulateError> {
        let mut simulator = Simulator::new(self, at, simulation)?;
        let mut blocks = Vec::new();
        for calls in &simulation.blocks {
            let previous = simulator.parent.number;
            let number = calls.overrides.block.number.unwrap_or(previous + 1);
            if number <= previous {
                return Err(SimulateError::Number { number, previous });
            }
            if number - at > SIMULATED_BLOCKS_MAX {
                return Err(SimulateError::Blocks(number - at));
            }
            for _ in previous + 1..number {
                blocks.push(simulator.block(&SimulatedCalls::default())?);
            }
            blocks.push(simulator.block(calls)?);
        }
        Ok(blocks)
    }
}

/// The end of a chain of simulated blocks.
struct Simulator<'a> {
    chain: &'a Chain,
    validates: bool,
    base: B256,
    parent: SealedHeader,
    evm: EthEvm<BlockState, TransferLogs, PrecompilesMap>,
    gas_left: u64,
}

impl<'a> Simulator<'a> {
    fn new(chain: &'a Chain, at: u64, simulation: &Simulation) -> Result<Self, SimulateError> {
        let parent = chain.header(at)?.ok_or(ChainError::UnknownBlock(at))?;
        let base = Base::of(chain, at)?;
        let db = State::builder().with_database_ref(base).with_bundle_update().build();
        let mut env = execute::env(chain.chain_id(), &parent);
        // Who has code may send, as nothing is signed.
        env.cfg_env.disable_eip3607 = true;
        if !simulation.validates {
            env.cfg_env.disable_nonce_check = true;
            env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        }
        let mut evm = gage_evm::evm(db, env, TransferLogs::default());
        evm.set_inspector_enabled(simulation.shows_transfers);
        let (validates, base) = (simulation.validates, parent.hash());
        Ok(Self { chain, validates, base, parent, evm, gas_left: CALL_GAS_MAX })
    }

    fn block(&mut self, block: &SimulatedCalls) -> Result<SimulatedBlock, SimulateError> {
        let header = self.header(&block.overrides.block)?;
        for (address, account) in &block.overrides.accounts {
            account.apply(*address, self.evm.db_mut())?;
        }
        self.evm.ctx_mut().block = execute::env(self.chain.chain_id(), &header).block_env;
        let mut calls = Vec::new();
        let (mut transactions, mut receipts, mut gas_used) = (Vec::new(), Vec::new(), 0);
        for (index, request) in block.calls.iter().enumerate() {
            let left = header.gas_limit.saturating_sub(gas_used);
            let (tx, called) = self.call(request, left).map_err(|error| match error {
                CallError::Invalid(reason) => {
                    SimulateError::Refused { block: header.number, call: index, reason }
                }
                error => error.into(),
            })?;
            gas_used += called.gas_used;
            let receipt = Receipt {
                status: matches!(called.outcome, CallOutcome::Success { .. }).into(),
                cumulative_gas_used: gas_used,
                logs: called.logs.clone(),
            };
            receipts.push(ReceiptEnvelope::from_typed(tx.tx_type(), receipt.with_bloom()));
            transactions.push(tx);
            calls.push(called);
        }
        let db = self.evm.db_mut();
        db.merge_transitions(BundleRetention::PlainState);
        let changes = Changes::from(&db.bundle_state);
        let root = self.root(&changes)?;
        let log_hashes = LogHashes::default();
        let executed = Executed { transactions, receipts, log_hashes, gas_used, changes };
        self.parent = Sealed::new(Header { state_root: root, ..executed.complete(header) });
        self.evm.db_mut().block_hashes.insert(self.parent.number, self.parent.hash());
        let Executed { transactions, .. } = executed;
        let block = SealedBlock { header: self.parent.clone(), transactions };
        Ok(SimulatedBlock { block, calls })
    }

    fn header(&self, overrides: &BlockOverride) -> Result<Header, SimulateError> {
        let (parent, previous) = (&self.parent, self.parent.timestamp);
        let timestamp = overrides.timestamp.unwrap_or(previous.saturating_add(1));
        if timestamp <= previous {
            return Err(SimulateError::Timestamp { timestamp, previous });
        }
        let due =
            if self.validates { parent.next_block_base_fee(BASE_FEE_PARAMS) } else { Some(0) };
        Ok(Header {
            parent_hash: parent.hash(),
            number: parent.number + 1,
            timestamp,
            beneficiary: overrides.beneficiary.unwrap_or(parent.beneficiary),
            gas_limit: overrides.gas_limit.unwrap_or(parent.gas_limit),
            base_fee_per_gas: overrides.base_fee.or(due),
            mix_hash: overrides.prevrandao.unwrap_or_else(|| keccak256(parent.hash())),
            extra_data: parent.extra_data.clone(),
            ..header_shape()
        })
    }

    /// Runs a call with what it asks for of the gas that the block has left, and commits it.
    fn call(
        &mut self,
        request: &CallRequest,
        left: u64,
    ) -> Result<(Recovered<TxEnvelope>, Called), CallError> {
        let from = request.from.unwrap_or_default();
        let nonce = match request.nonce {
            Some(nonce) => nonce,
            None => self.evm.db_mut().basic(from)?.map_or(0, |info| info.nonce),
        };
        let most = if self.validates { left.min(TX_GAS_LIMIT_MAX) } else { left };
        let limit = request.gas.unwrap_or(most.min(self.gas_left));
        if limit > left {
            return Err(Rejection::NoRoom { limit, left }.into());
        }
        if limit > self.gas_left {
            return Err(CallError::TooMuchGas);
        }
        let fee_max = request.fee_max();
        // A call that names no fee pays none, unless it is to be as a transaction would be.
        self.evm.ctx_mut().cfg.disable_base_fee = !self.validates && fee_max == 0;
        let base_fee = self.evm.block().basefee;
        let tx = request.unsigned(self.chain.chain_id(), nonce, limit);
        let tx = Recovered::new_unchecked(tx, from);
        let done = self.evm.transact_raw((&tx).into_tx_env());
        let ResultAndState { result, state } =
            done.map_err(|error| call::refused(error, GasOffer { limit, fee_max }, base_fee))?;
        self.evm.db_mut().commit(state);
        let called = Called::from(result);
        self.gas_left = self.gas_left.saturating_sub(called.gas_used + called.gas_refunded);
        Ok((tx, called))
    }

    /// The state root, which can be computed on the head's state alone.
    fn root(&self, changes: &Changes) -> Result<B256, ChainError> {
        if self.chain.head().hash() != self.base {
            return Ok(B256::ZERO);
        }
        let root = self.chain.store().prepare(changes)?.root();
        let is_still = self.chain.head().hash() == self.base;
        Ok(if is_still { root } else { B256::ZERO })
    }
}
