//! Calls that change nothing: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use std::collections::BTreeMap;

use alloy_consensus::{
    Header, SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::SignedAuthorization,
};
use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256};
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
pub(crate) const CALL_GAS_MAX: u64 = 50_000_000;

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
    /// What it was refunded, of what it used first.
    pub gas_refunded: u64,
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
    /// A simulation's calls together ask for more than [`CALL_GAS_MAX`].
    #[error("too much gas: all calls of a simulation may use {CALL_GAS_MAX}")]
    TooMuchGas,
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
        let gas = scene.gas_of(request)?;
        scene.run(request, gas)
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
        let called = scene.run(request, most)?;
        match called.outcome {
            CallOutcome::Success { .. } => {}
            CallOutcome::Revert { data } => return Err(CallError::Reverted { data }),
            CallOutcome::Halt { reason } => return Err(CallError::Halted { reason }),
        }
        let mut too_little = called.gas_used.saturating_sub(1).max(TRANSFER_GAS - 1);
        let mut enough = most;
        // What it used before refunds is mostly enough; else what each call keeps back (EIP-150).
        let spent = called.gas_used + called.gas_refunded;
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
                return Ok((list, result.into()));
            }
            request.access_list = list;
        }
    }

    pub(crate) fn scene(&self, at: u64, overrides: &Overrides) -> Result<Scene<'_>, CallError> {
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
pub(crate) struct Scene<'a> {
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

    /// The gas that a call asks for, or what its sender can pay for, within our bound.
    pub(crate) fn gas_of(&self, request: &CallRequest) -> Result<u64, CallError> {
        match request.gas {
            Some(gas) => Ok(gas.min(CALL_GAS_MAX)),
            None => self.affordable(request, CALL_GAS_MAX),
        }
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
            Ok(called) => Ok(matches!(called.outcome, CallOutcome::Success { .. })),
            Err(CallError::Invalid(Rejection::IntrinsicGas { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn run(&self, request: &CallRequest, gas: u64) -> Result<Called, CallError> {
        self.execute(request, gas).map(|(result, _)| result.into())
    }

    fn execute(
        &self,
        request: &CallRequest,
        gas: u64,
    ) -> Result<(ExecutionResult, EvmState), CallError> {
        let Cast { db, env, tx } = self.cast(request, gas)?;
        let offer = GasOffer { limit: gas, fee_max: request.fee_max() };
        let base_fee = env.block_env.basefee;
        match gage_evm::evm(db, env, NoOpInspector {}).transact_raw(tx) {
            Ok(ResultAndState { result, state }) => Ok((result, state)),
            Err(error) => Err(refused(error, offer, base_fee)),
        }
    }

    /// What `request` is run with: unlike a transaction it needs no fee, no nonce and no key.
    pub(crate) fn cast(&self, request: &CallRequest, gas: u64) -> Result<Cast, CallError> {
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
        let tx = request.tx_env(self.chain.chain_id(), nonce, gas);
        Ok(Cast { db, env, tx })
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

/// A call about to run.
pub(crate) struct Cast {
    pub(crate) db: BlockState,
    pub(crate) env: EvmEnv,
    pub(crate) tx: TxEnv,
}

/// Why the EVM did not run a call.
pub(crate) fn refused(
    error: EVMError<EvmDatabaseError<StateError>>,
    offer: GasOffer,
    base_fee: u64,
) -> CallError {
    match error {
        EVMError::Transaction(invalid) => Rejection::of(invalid, offer, base_fee).into(),
        error => execute::fatal(error).into(),
    }
}

/// Ethereum's precompiles: addresses of at most two significant bytes.
fn is_precompile(address: &Address) -> bool {
    address[..18].iter().all(|byte| *byte == 0) && !address.is_zero()
}

impl CallRequest {
    /// The most that is paid for a unit of gas.
    pub(crate) fn fee_max(&self) -> u128 {
        self.max_fee_per_gas.or(self.gas_price).or(self.max_priority_fee_per_gas).unwrap_or(0)
    }

    /// As a transaction that nobody signed; of the newest type unless it names a gas price.
    pub(crate) fn unsigned(&self, chain_id: u64, nonce: u64, gas_limit: u64) -> TxEnvelope {
        let Self { to, value, input, access_list, authorization_list, .. } = self.clone();
        let kind = to.map_or(TxKind::Create, TxKind::Call);
        let max_fee_per_gas = self.fee_max();
        let max_priority_fee_per_gas = self.max_priority_fee_per_gas.unwrap_or(0);
        if !authorization_list.is_empty() {
            return unsigned(TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to: to.unwrap_or_default(),
                value,
                access_list,
                authorization_list,
                input,
            });
        }
        match self.gas_price {
            None => unsigned(TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to: kind,
                value,
                access_list,
                input,
            }),
            Some(gas_price) if access_list.is_empty() => unsigned(TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price,
                gas_limit,
                to: kind,
                value,
                input,
            }),
            Some(gas_price) => unsigned(TxEip2930 {
                chain_id,
                nonce,
                gas_price,
                gas_limit,
                to: kind,
                value,
                access_list,
                input,
            }),
        }
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

/// `tx` with a signature of zeros.
fn unsigned<T: SignableTransaction<Signature>>(tx: T) -> TxEnvelope
where
    Signed<T>: Into<TxEnvelope>,
{
    tx.into_signed(Signature::new(U256::ZERO, U256::ZERO, false)).into()
}

impl From<ExecutionResult> for Called {
    fn from(result: ExecutionResult) -> Self {
        let gas_used = result.tx_gas_used();
        let gas_refunded = result.gas().final_refunded();
        let (outcome, logs) = match result {
            ExecutionResult::Success { output, logs, .. } => {
                (CallOutcome::Success { output: output.into_data() }, logs)
            }
            ExecutionResult::Revert { output, .. } => {
                (CallOutcome::Revert { data: output }, Vec::new())
            }
            ExecutionResult::Halt { reason, .. } => (CallOutcome::Halt { reason }, Vec::new()),
        };
        Self { outcome, gas_used, gas_refunded, logs }
    }
}
