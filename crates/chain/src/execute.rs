//! Running a block's transactions on the parent's state, for building and for import alike.

use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction, TxEnvelope, proofs,
    transaction::Recovered,
};
use alloy_eips::{eip4895::Withdrawals, eip7685::EMPTY_REQUESTS_HASH, merge::BEACON_NONCE};
use alloy_evm::{EthEvm, Evm, EvmEnv, IntoTxEnv, precompiles::PrecompilesMap};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256, keccak256};
use gage_core::{
    Timestamp,
    address::{MARKET, ORACLE},
};
use gage_state::{Changes, StateError, View};
use revm::{
    DatabaseCommit, DatabaseRef,
    context::{BlockEnv, CfgEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        result::{EVMError, ExecutionResult, InvalidTransaction, ResultAndState},
    },
    database::{State, WrapDatabaseRef, states::bundle_state::BundleRetention},
    database_interface::bal::EvmDatabaseError,
    inspector::NoOpInspector,
    state::{AccountInfo, Bytecode},
};

use crate::{
    Chain, ChainError, Rejection, SealedHeader,
    log_hashes::LogHashes,
    rules::{BASE_FEE_PARAMS, SPEC, SWEEP_GAS_DIVISOR, SYSTEM, TX_GAS_LIMIT_MAX},
    sweep_tx,
    transaction::GasOffer,
    turns::Lots,
};

/// The state in which a block's transactions run: its parent's, and what they have changed.
pub(crate) type BlockState = State<WrapDatabaseRef<Base>>;

/// A committed state. Blocks after it have no hash, which only a call with an overridden block number
/// can ask for.
#[derive(Debug)]
pub(crate) struct Base(View);

impl Base {
    pub(crate) fn of(chain: &Chain, number: u64) -> Result<Self, ChainError> {
        chain.state(number).map(Self)
    }
}

impl DatabaseRef for Base {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.0.basic_ref(address)
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        self.0.code_by_hash_ref(code_hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.0.storage_ref(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        Ok(self.0.block_hash(number)?.unwrap_or_default())
    }
}

/// A header with all that is known before execution; what execution yields is left empty.
pub(crate) fn header_template(
    parent: &SealedHeader,
    proposal: Proposal,
    extra_data: Bytes,
) -> Header {
    Header {
        parent_hash: parent.hash(),
        beneficiary: proposal.beneficiary,
        number: parent.number + 1,
        gas_limit: proposal.gas_limit,
        timestamp: proposal.timestamp,
        base_fee_per_gas: parent.next_block_base_fee(BASE_FEE_PARAMS),
        extra_data,
        // Not random: a value of its own for each block, for contracts that ask for one.
        mix_hash: keccak256(parent.hash()),
        ..header_shape()
    }
}

/// What the proposer of a block chose.
pub(crate) struct Proposal {
    pub(crate) timestamp: u64,
    pub(crate) beneficiary: Address,
    pub(crate) gas_limit: u64,
}

/// The constant fields of every header but block 0's, which has a nonce: proof of stake, no withdrawals, no blobs, no
/// requests.
pub(crate) fn header_shape() -> Header {
    Header {
        difficulty: U256::ZERO,
        nonce: B64::from(BEACON_NONCE.to_be_bytes()),
        withdrawals_root: Some(proofs::calculate_withdrawals_root(&Withdrawals::default())),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// What a block with this header shows to the EVM.
pub(crate) fn env(chain_id: u64, header: &Header) -> EvmEnv {
    let cfg_env = CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id);
    let block_env = BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        ..BlockEnv::default()
    };
    EvmEnv { cfg_env, block_env }
}

/// What executing a block's transactions gave.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) transactions: Vec<Recovered<TxEnvelope>>,
    pub(crate) receipts: Vec<ReceiptEnvelope>,
    /// Of the receipts' logs.
    pub(crate) log_hashes: LogHashes,
    pub(crate) gas_used: u64,
    pub(crate) changes: Changes,
}

impl Executed {
    /// Fills in what execution determines, but for the state's root, which can be computed beside it.
    pub(crate) fn complete(&self, header: Header) -> Header {
        let bloom = self.receipts.iter().fold(Bloom::ZERO, |sum, one| sum | *one.logs_bloom());
        let transactions: Vec<_> = self.transactions.iter().map(|tx| tx.inner()).collect();
        Header {
            transactions_root: proofs::calculate_transaction_root(&transactions),
            receipts_root: proofs::calculate_receipt_root(&self.receipts),
            logs_bloom: bloom,
            gas_used: self.gas_used,
            ..header
        }
    }
}

/// Executes one block's transactions in order.
pub(crate) struct Executor {
    evm: EthEvm<BlockState, NoOpInspector, PrecompilesMap>,
    transactions: Vec<Recovered<TxEnvelope>>,
    receipts: Vec<ReceiptEnvelope>,
    log_hashes: LogHashes,
    gas_used: u64,
}

impl Executor {
    pub(crate) fn new(chain: &Chain, parent: u64, header: &Header) -> Result<Self, ChainError> {
        let db = State::builder()
            .with_database_ref(Base::of(chain, parent)?)
            .with_bundle_update()
            .build();
        let evm = gage_evm::evm(db, env(chain.chain_id(), header), NoOpInspector {});
        Ok(Self {
            evm,
            transactions: Vec::new(),
            receipts: Vec::new(),
            log_hashes: LogHashes::default(),
            gas_used: 0,
        })
    }

    pub(crate) fn gas_left(&self) -> u64 {
        self.evm.block().gas_limit.saturating_sub(self.gas_used)
    }

    /// Runs the prelude. `None` if it failed, which no reports can cause.
    pub(crate) fn prelude(self, tx: TxEnvelope) -> Result<Option<Self>, ChainError> {
        let (executor, done) = self.system(ORACLE, &tx)?;
        if !done.result.is_success() || done.result.tx_gas_used() > executor.gas_left() {
            return Ok(None);
        }
        Ok(Some(executor.done(tx, done)))
    }

    /// Calls a native contract as a system transaction says, with as much gas as that declares.
    fn system(self, to: Address, tx: &TxEnvelope) -> Result<(Self, ResultAndState), ChainError> {
        let Self { evm, transactions, receipts, log_hashes, gas_used } = self;
        let call = (tx.input().clone(), tx.gas_limit());
        let (evm, done) = gage_evm::system_call(evm, to, call);
        let executor = Self { evm, transactions, receipts, log_hashes, gas_used };
        Ok((executor, done.map_err(fatal)?))
    }

    /// Keeps what a system transaction did.
    fn done(mut self, tx: TxEnvelope, done: ResultAndState) -> Self {
        self.evm.db_mut().commit(done.state);
        self.record(Recovered::new_unchecked(tx, SYSTEM), done.result);
        self
    }

    /// The sweep that the state after the prelude asks for; `None` if nobody is due.
    pub(crate) fn sweep_due(&self, chain: &Chain) -> Result<Option<TxEnvelope>, ChainError> {
        let block = self.evm.block();
        let number = block.number.saturating_to();
        let now = Timestamp::new(block.timestamp.saturating_to());
        // Known to nobody before the parent is sealed.
        let lots = Lots(block.prevrandao.unwrap_or_default());
        let due = chain.lookout().due(self.evm.db(), now, lots)?;
        if due.is_empty() {
            return Ok(None);
        }
        let left = self.gas_left().saturating_sub(TX_GAS_LIMIT_MAX);
        let gas_limit = left.min(block.gas_limit / SWEEP_GAS_DIVISOR);
        Ok(Some(sweep_tx(chain.chain_id(), number, &due, gas_limit)))
    }

    /// Runs the sweep. It has its place in the block even if it fails: a fault of the lending engine
    /// must not stop the chain.
    pub(crate) fn sweep(self, tx: TxEnvelope) -> Result<Self, ChainError> {
        let (executor, done) = self.system(MARKET, &tx)?;
        Ok(executor.done(tx, done))
    }

    /// Runs a user's transaction, or says why it has no place in this block.
    pub(crate) fn transaction(
        &mut self,
        tx: Recovered<TxEnvelope>,
    ) -> Result<Result<(), Rejection>, ChainError> {
        if let Err(rejection) = self.admit(&tx) {
            return Ok(Err(rejection));
        }
        let base_fee = self.evm.block().basefee;
        match self.evm.transact_raw((&tx).into_tx_env()) {
            Ok(ResultAndState { result, state }) => {
                self.evm.db_mut().commit(state);
                self.record(tx, result);
                Ok(Ok(()))
            }
            Err(EVMError::Transaction(invalid)) => {
                let offer = GasOffer { limit: tx.gas_limit(), fee_max: tx.max_fee_per_gas() };
                Ok(Err(Rejection::of(invalid, offer, base_fee)))
            }
            Err(error) => Err(fatal(error)),
        }
    }

    /// What the EVM does not check, or would only find out by loading accounts.
    fn admit(&self, tx: &Recovered<TxEnvelope>) -> Result<(), Rejection> {
        let expected = self.evm.cfg_env().chain_id;
        if tx.is_eip4844() {
            return Err(Rejection::Blob);
        }
        if tx.chain_id() != Some(expected) {
            return Err(Rejection::ChainId { got: tx.chain_id(), expected });
        }
        if tx.signer() == SYSTEM {
            return Err(Rejection::System);
        }
        let (limit, left) = (tx.gas_limit(), self.gas_left());
        if limit > left {
            return Err(Rejection::NoRoom { limit, left });
        }
        Ok(())
    }

    fn record(&mut self, tx: Recovered<TxEnvelope>, result: ExecutionResult) {
        self.gas_used += result.tx_gas_used();
        let receipt = Receipt {
            status: result.is_success().into(),
            cumulative_gas_used: self.gas_used,
            logs: result.into_logs(),
        };
        let logs_bloom = self.log_hashes.bloom(&receipt.logs);
        let receipt = ReceiptWithBloom { receipt, logs_bloom };
        self.receipts.push(ReceiptEnvelope::from_typed(tx.tx_type(), receipt));
        self.transactions.push(tx);
    }

    pub(crate) fn finish(self) -> Executed {
        let Self { evm, transactions, receipts, log_hashes, gas_used } = self;
        let (mut db, _) = evm.finish();
        db.merge_transitions(BundleRetention::PlainState);
        let changes = Changes::from(&db.take_bundle());
        Executed { transactions, receipts, log_hashes, gas_used, changes }
    }
}

/// An error of the EVM that is nobody's transaction: the store, or a broken record.
pub(crate) fn fatal(
    error: EVMError<EvmDatabaseError<StateError>, InvalidTransaction>,
) -> ChainError {
    match error {
        EVMError::Database(error) => error.into(),
        other => ChainError::Evm(other.to_string()),
    }
}
