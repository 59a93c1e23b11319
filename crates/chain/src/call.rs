//! Calls that change nothing: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::SignedAuthorization,
};
use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use gage_state::StateError;
use revm::{
    Database,
    context::{TxEnv, either::Either},
    context_interface::result::{EVMError, ExecutionResult, HaltReason, ResultAndState},
    database::State,
    database_interface::bal::EvmDatabaseError,
    inspector::NoOpInspector,
    state::EvmState,
};

use crate::{
    AccountOverride, Chain, ChainError, Overrides, Rejection,
    execute::{self, Base, BlockState},
    rules::TX_GAS_LIMIT_MAX,
    transaction::GasOffer,
};

/// The most gas of one call, whatever it asks for.
const CALL_GAS_MAX: u64 = 50_000_000;

/// The least gas of any transaction.
const TRANSFER_GAS: u64 = 21_000;

/// The gas that a call with value hands on besides what it is given (Yellow Paper, `G_callstipend`).
const CALL_STIPEND: u64 = 2_300;

/// How far above the least sufficient gas an estimate may be, in thousandths.
const ESTIMATE_EXCESS_PER_MILLE: u64 = 15;

/// How often an access list is recomputed until it is its own result.
const ACCESS_LIST_ROUNDS: usize = 8;

/// A transaction as a caller describes it; what is left out is chosen so that it can run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are JSON-RPC's")]
pub struct CallRequest {
    pub from: Option<Address>,
    /// `None` creates a contract.
    pub to: Option<Address>,
    pub gas: Option<u64>,
    pub gas_price: Option<u128>,
    pub max_fee_per_gas: Option<u128>,
    pub max_priority_fee_per_gas: Option<u128>,
    pub value: U256,
    pub input: Bytes,
    pub nonce: Option<u64>,
    pub access_list: AccessList,
    pub authorization_list: Vec<SignedAuthorization>,
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// How it ended.
    pub outcome: CallOutcome,
    /// What it used, after refunds.
    pub gas_used: u64,
    /// What it would have emitted.
    pub logs: Vec<Log>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned.
    Success {
        /// What it returned; the code, if it created a contract.
        output: Bytes,
    },
    /// It reverted.
    Revert {
        /// The encoded error.
        data: Bytes,
    },
    /// It ended exceptionally.
    Halt {
        /// Why.
        reason: HaltReason,
    },
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// As a transaction it would be refused.
    #[error(transparent)]
    Invalid(#[from] Rejection),
    /// An estimate of what reverts with any gas.
    #[error("execution reverted")]
    Reverted {
        /// The encoded error.
        data: Bytes,
    },
    /// An estimate of what ends exceptionally with any gas.
    #[error("execution halted: {reason:?}")]
    Halted {
        /// Why.
        reason: HaltReason,
    },
    /// An override that is no code.
    #[error("override of {0}: malformed code")]
    Code(Address),
    /// The state is not there, or the store failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<EvmDatabaseError<StateError>> for CallError {
    fn from(error: EvmDatabaseError<StateError>) -> Self {
        Self::Chain(error.into())
    }
}

impl Chain {
    /// Runs `request` in block `at`, after its transactions. Without a fee it costs nothing.
    ///
    /// # Errors
    /// [`CallError::Invalid`] if it could not be a transaction; a revert is an outcome.
    pub fn call(
        &self,
        at: u64,
        request: &CallRequest,
        overrides: &Overrides,
    ) -> Result<Called, CallError> {
        let scene = self.scene(at, overrides)?;
        let gas = request.gas.unwrap_or(CALL_GAS_MAX).min(CALL_GAS_MAX);
        let gas = if request.gas.is_some() { gas } else { scene.affordable(request, gas)? };
        scene.run(request, gas).map(|(called, _)| called)
    }

    /// The gas with which `request` succeeds in block `at`: never less than needed, and at most 1.5 %
    /// more.
    ///
    /// # Errors
    /// [`CallError::Reverted`] and [`CallError::Halted`] if no gas is enough.
    pub fn estimate_gas(
        &self,
        at: u64,
        request: &CallRequest,
        overrides: &Overrides,
    ) -> Result<u64, CallError> {
        let scene = self.scene(at, overrides)?;
        let most = request.gas.unwrap_or(u64::MAX).min(TX_GAS_LIMIT_MAX).min(scene.gas_limit());
        let most = scene.affordable(request, most)?;
        let (called, refunded) = scene.run(request, most)?;
        match called.outcome {
            CallOutcome::Success { .. } => {}
            CallOutcome::Revert { data } => return Err(CallError::Reverted { data }),
            CallOutcome::Halt { reason } => return Err(CallError::Halted { reason }),
        }
        let mut too_little = called.gas_used.saturating_sub(1).max(TRANSFER_GAS - 1);
        let mut enough = most;
        // What it used before refunds is mostly enough; else what each call keeps back (EIP-150).
        let spent = called.gas_used + refunded;
        let mut guesses = [spent, (spent + CALL_STIPEND) * 64 / 63].into_iter();
        while (enough - too_little) * 1000 > enough * ESTIMATE_EXCESS_PER_MILLE {
            let halfway = too_little + (enough - too_little) / 2;
            let guess = guesses.find(|guess| (too_little + 1..enough).contains(guess));
            let gas = guess.unwrap_or(halfway);
            if scene.succeeds(request, gas)? {
                enough = gas;
            } else {
                too_little = gas;
            }
        }
        Ok(enough)
    }

    /// The accounts and slots that `request` touches in block `at`, and how it runs when it declares
    /// them.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn create_access_list(
        &self,
        at: u64,
        request: &CallRequest,
        overrides: &Overrides,
    ) -> Result<(AccessList, Called), CallError> {
        let scene = self.scene(at, overrides)?;
        let most = request.gas.unwrap_or(u64::MAX).min(TX_GAS_LIMIT_MAX).min(scene.gas_limit());
        let gas = scene.affordable(request, most)?;
        let mut request = request.clone();
        let mut rounds = 0;
        loop {
            let (result, state) = scene.execute(&request, gas)?;
            let list = scene.touched(&request, &state);
            rounds += 1;
            if list == request.access_list || rounds == ACCESS_LIST_ROUNDS {
                return Ok((list, outcome(result).0));
            }
            request.access_list = list;
        }
    }

    fn scene(&self, at: u64, overrides: &Overrides) -> Result<Scene<'_>, CallError> {
        let header = self.header(at)?.ok_or(ChainError::UnknownBlock(at))?;
        let mut env = execute::env(self.chain_id(), &header);
        overrides.block.apply(&mut env);
        Ok(Scene { chain: self, at, env, overrides: overrides.accounts.clone() })
    }

    /// What block `header` shows to the EVM, for those who read state through the EVM's eyes.
    pub fn env(&self, header: &Header) -> EvmEnv {
        execute::env(self.chain_id(), header)
    }
}

/// A block's state and environment, to run calls in.
struct Scene<'a> {
    chain: &'a Chain,
    at: u64,
    env: EvmEnv,
    overrides: BTreeMap<Address, AccountOverride>,
}

impl Scene<'_> {
    fn gas_limit(&self) -> u64 {
        self.env.block_env.gas_limit
    }

    fn db(&self) -> Result<BlockState, CallError> {
        let base = Base::of(self.chain, self.at)?;
        let mut db = State::builder().with_database_ref(base).build();
        for (address, account) in &self.overrides {
            account.apply(*address, &mut db)?;
        }
        Ok(db)
    }

    /// `gas`, or what the sender can pay for if that is less.
    fn affordable(&self, request: &CallRequest, gas: u64) -> Result<u64, CallError> {
        let price = request.fee_max();
        if price == 0 {
            return Ok(gas);
        }
        let from = request.from.unwrap_or_default();
        let balance = self.db()?.basic(from)?.map_or(U256::ZERO, |info| info.balance);
        let left = balance
            .checked_sub(request.value)
            .ok_or(Rejection::InsufficientFunds { balance, cost: request.value })?;
        Ok(gas.min((left / U256::from(price)).saturating_to()))
    }

    fn succeeds(&self, request: &CallRequest, gas: u64) -> Result<bool, CallError> {
        match self.run(request, gas) {
            Ok((called, _)) => Ok(matches!(called.outcome, CallOutcome::Success { .. })),
            Err(CallError::Invalid(Rejection::IntrinsicGas { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn run(&self, request: &CallRequest, gas: u64) -> Result<(Called, u64), CallError> {
        self.execute(request, gas).map(|(result, _)| outcome(result))
    }

    fn execute(
        &self,
        request: &CallRequest,
        gas: u64,
    ) -> Result<(ExecutionResult, EvmState), CallError> {
        let mut db = self.db()?;
        let nonce = match request.nonce {
            Some(nonce) => nonce,
            None => db.basic(request.from.unwrap_or_default())?.map_or(0, |info| info.nonce),
        };
        let mut env = self.env.clone();
        env.cfg_env.disable_nonce_check = true;
        env.cfg_env.disable_eip3607 = true;
        env.cfg_env.disable_block_gas_limit = true;
        env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        // A call that names no fee pays none.
        env.cfg_env.disable_base_fee = request.fee_max() == 0;
        let base_fee = env.block_env.basefee;
        let tx = request.tx_env(self.chain.chain_id(), nonce, gas);
        match gage_evm::evm(db, env, NoOpInspector {}).transact_raw(tx) {
            Ok(ResultAndState { result, state }) => Ok((result, state)),
            Err(EVMError::Transaction(invalid)) => {
                let offer = GasOffer { limit: gas, fee_max: request.fee_max() };
                Err(Rejection::of(invalid, offer, base_fee).into())
            }
            Err(error) => Err(execute::fatal(error).into()),
        }
    }

    /// What was touched and would be cold: all but the sender, the precompiles, and accounts that are
    /// warm from the start and have no slots.
    fn touched(&self, request: &CallRequest, state: &EvmState) -> AccessList {
        let from = request.from.unwrap_or_default();
        let warm = [Some(from), request.to, Some(self.env.block_env.beneficiary)];
        let mut items: Vec<_> = state
            .iter()
            .filter(|(address, account)| {
                let is_warm = warm.contains(&Some(**address)) || is_precompile(address);
                !account.storage.is_empty() || !is_warm
            })
            .map(|(address, account)| {
                let mut storage_keys: Vec<B256> =
                    account.storage.keys().map(|slot| B256::from(*slot)).collect();
                storage_keys.sort_unstable();
                AccessListItem { address: *address, storage_keys }
            })
            .collect();
        items.sort_unstable_by_key(|item| item.address);
        AccessList(items)
    }
}

/// Ethereum's precompiles: addresses of at most two significant bytes.
fn is_precompile(address: &Address) -> bool {
    address[..18].iter().all(|byte| *byte == 0) && !address.is_zero()
}

impl CallRequest {
    /// The most that is paid for a unit of gas.
    fn fee_max(&self) -> u128 {
        self.max_fee_per_gas.or(self.gas_price).or(self.max_priority_fee_per_gas).unwrap_or(0)
    }

    fn tx_env(&self, chain_id: u64, nonce: u64, gas_limit: u64) -> TxEnv {
        let dynamic = self.max_fee_per_gas.is_some() || self.max_priority_fee_per_gas.is_some();
        let tx_type = match (self.authorization_list.is_empty(), dynamic) {
            (false, _) => alloy_eips::eip2718::EIP7702_TX_TYPE_ID,
            (true, true) => alloy_eips::eip2718::EIP1559_TX_TYPE_ID,
            (true, false) => alloy_eips::eip2718::EIP2930_TX_TYPE_ID,
        };
        TxEnv {
            tx_type,
            caller: self.from.unwrap_or_default(),
            gas_limit,
            gas_price: self.fee_max(),
            kind: self.to.map_or(TxKind::Create, TxKind::Call),
            value: self.value,
            data: self.input.clone(),
            nonce,
            chain_id: Some(chain_id),
            access_list: self.access_list.clone(),
            gas_priority_fee: dynamic.then(|| self.max_priority_fee_per_gas.unwrap_or(0)),
            authorization_list: self.authorization_list.iter().cloned().map(Either::Left).collect(),
            ..TxEnv::default()
        }
    }
}

/// The result in our words, and what was refunded.
fn outcome(result: ExecutionResult) -> (Called, u64) {
    let gas_used = result.tx_gas_used();
    let refunded = result.gas().final_refunded();
    let (outcome, logs) = match result {
        ExecutionResult::Success { output, logs, .. } => {
            (CallOutcome::Success { output: output.into_data() }, logs)
        }
        ExecutionResult::Revert { output, .. } => {
            (CallOutcome::Revert { data: output }, Vec::new())
        }
        ExecutionResult::Halt { reason, .. } => (CallOutcome::Halt { reason }, Vec::new()),
    };
    (Called { outcome, gas_used, logs }, refunded)
}
