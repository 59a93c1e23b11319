//! Blocks from outside: every claim is checked, then they are executed.

use std::fmt;

use alloy_consensus::{Block, Header, Transaction, TxEnvelope, transaction::Recovered};
use alloy_eips::eip1559::calculate_block_gas_limit;
use alloy_primitives::{B256, TxHash};
use gage_abi::IOracle;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{
    Chain, ChainError, FoundReceipt, Rejection, SealedBlock, SealedHeader, Staged,
    execute::{Executed, Executor, Proposal, header_template},
    is_prelude, is_sweep, prelude_carries, prelude_fits, prelude_tx, recover,
    rules::GAS_LIMIT_MIN,
};

/// A field of the header, by its name in JSON-RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are Ethereum's")]
pub enum HeaderField {
    ParentHash,
    OmmersHash,
    StateRoot,
    TransactionsRoot,
    ReceiptsRoot,
    LogsBloom,
    Difficulty,
    Number,
    GasLimit,
    GasUsed,
    Timestamp,
    ExtraData,
    MixHash,
    Nonce,
    BaseFeePerGas,
    WithdrawalsRoot,
    BlobGasUsed,
    ExcessBlobGas,
    ParentBeaconBlockRoot,
    RequestsHash,
    BlockAccessListHash,
    SlotNumber,
}

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ParentHash => "parentHash",
            Self::OmmersHash => "sha3Uncles",
            Self::StateRoot => "stateRoot",
            Self::TransactionsRoot => "transactionsRoot",
            Self::ReceiptsRoot => "receiptsRoot",
            Self::LogsBloom => "logsBloom",
            Self::Difficulty => "difficulty",
            Self::Number => "number",
            Self::GasLimit => "gasLimit",
            Self::GasUsed => "gasUsed",
            Self::Timestamp => "timestamp",
            Self::ExtraData => "extraData",
            Self::MixHash => "mixHash",
            Self::Nonce => "nonce",
            Self::BaseFeePerGas => "baseFeePerGas",
            Self::WithdrawalsRoot => "withdrawalsRoot",
            Self::BlobGasUsed => "blobGasUsed",
            Self::ExcessBlobGas => "excessBlobGas",
            Self::ParentBeaconBlockRoot => "parentBeaconBlockRoot",
            Self::RequestsHash => "requestsHash",
            Self::BlockAccessListHash => "blockAccessListHash",
            Self::SlotNumber => "slotNumber",
        })
    }
}

/// Why a block from outside is refused. Whoever sent it is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The bytes are no block.
    #[error("rlp: {0}")]
    Malformed(alloy_rlp::Error),
    /// The chain has this very block.
    #[error("block {number} ({hash}) is already known")]
    Known {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
    },
    /// A header field is not what the parent, the body or the execution gives.
    #[error("header field {0} is wrong")]
    Header(HeaderField),
    /// Proof of stake has no ommers.
    #[error("the body has ommers")]
    Ommers,
    /// The list of withdrawals must be there, and empty.
    #[error("the body's withdrawals are not an empty list")]
    Withdrawals,
    /// Index 0 is not the prelude of this chain and block.
    #[error("the first transaction is not the block's prelude")]
    PreludeMissing,
    /// The prelude's input is not the canonical encoding of as much as
    /// [`prelude_fits`] allows.
    #[error("the prelude's input is malformed")]
    PreludeMalformed,
    /// The oracle refused the prelude.
    #[error("the prelude failed")]
    PreludeFailed,
    /// The accounts swept are not those that are due after the prelude, or not in their order.
    #[error("the sweep is not the one that the state after the prelude asks for")]
    Sweep,
    /// A second prelude.
    #[error("transaction {0} has the prelude's form, which only the first may have")]
    PreludeRepeated(usize),
    /// A transaction that has no place here.
    #[error("transaction {index} ({hash}): {reason}")]
    Transaction {
        /// Its position.
        index: usize,
        /// Its hash.
        hash: TxHash,
        /// What is wrong with it.
        reason: Box<Rejection>,
    },
}

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The block's fault.
    #[error(transparent)]
    Invalid(#[from] BlockError),
    /// Our fault.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl Chain {
    /// Validates, executes and stores a block as [`SealedBlock::rlp`] encodes it. It must follow the
    /// tip.
    ///
    /// # Errors
    /// [`ImportError::Invalid`] says what is wrong with the block; the chain is unchanged.
    pub fn import(&self, rlp: &[u8]) -> Result<(SealedBlock, Vec<FoundReceipt>), ImportError> {
        let staged = self.stage_import(rlp)?;
        self.confirm([&staged])?;
        Ok(staged.into_parts())
    }

    /// As [`import`](Self::import), but leaves it to [`confirm`](Self::confirm) to store the block.
    ///
    /// # Errors
    /// As [`import`](Self::import).
    pub fn stage_import(&self, rlp: &[u8]) -> Result<Staged, ImportError> {
        let Block { header, body } = SealedBlock::decode(rlp).map_err(BlockError::Malformed)?;
        let _writing = self.writing();
        let parent = self.tip();
        self.check_unknown(&header)?;
        if !body.ommers.is_empty() {
            return Err(BlockError::Ommers.into());
        }
        if !body.withdrawals.is_some_and(|withdrawals| withdrawals.is_empty()) {
            return Err(BlockError::Withdrawals.into());
        }
        let template = self.template_of(&parent, &header)?;
        let executed = self.execute_all(&parent, &template, body.transactions)?;
        let built = self.seal(template, executed)?;
        if let Some(field) = first_difference(built.block().header.inner(), &header) {
            return Err(BlockError::Header(field).into());
        }
        Ok(self.stage_block(built)?)
    }

    fn check_unknown(&self, header: &Header) -> Result<(), ImportError> {
        let hash = header.hash_slow();
        match self.number_of(hash)? {
            Some(number) => Err(BlockError::Known { number, hash }.into()),
            None => Ok(()),
        }
    }

    /// The header that we would have begun with; refuses what differs from it before anything is
    /// executed.
    fn template_of(&self, parent: &SealedHeader, header: &Header) -> Result<Header, BlockError> {
        let &Header { timestamp, beneficiary, gas_limit, .. } = header;
        if timestamp < parent.timestamp {
            return Err(BlockError::Header(HeaderField::Timestamp));
        }
        let in_bounds = calculate_block_gas_limit(parent.gas_limit, gas_limit) == gas_limit;
        if gas_limit < GAS_LIMIT_MIN || !in_bounds {
            return Err(BlockError::Header(HeaderField::GasLimit));
        }
        let proposal = Proposal { timestamp, beneficiary, gas_limit };
        let template = header_template(parent, proposal, self.genesis().extra_data.clone());
        let known_later = Header {
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            gas_used: header.gas_used,
            ..template.clone()
        };
        match first_difference(&known_later, header) {
            None => Ok(template),
            Some(field) => Err(BlockError::Header(field)),
        }
    }

    fn execute_all(
        &self,
        parent: &SealedHeader,
        header: &Header,
        transactions: Vec<TxEnvelope>,
    ) -> Result<Executed, ImportError> {
        let mut transactions = transactions.into_iter().enumerate().peekable();
        let (_, prelude) = transactions.next().ok_or(BlockError::PreludeMissing)?;
        let input = prelude.input().clone();
        if prelude != prelude_tx(self.chain_id(), header.number, input) {
            return Err(BlockError::PreludeMissing.into());
        }
        let fits = |call: IOracle::preludeCall| prelude_fits(&call.reports, &call.messages);
        if !prelude_carries(&prelude).is_some_and(fits) {
            return Err(BlockError::PreludeMalformed.into());
        }
        let executor = Executor::new(self, parent.number, header)?;
        let mut executor = executor.prelude(prelude)?.ok_or(BlockError::PreludeFailed)?;
        let sweep = transactions.next_if(|(_, tx)| is_sweep(tx)).map(|(_, tx)| tx);
        if sweep != executor.sweep_due(self)? {
            return Err(BlockError::Sweep.into());
        }
        if let Some(sweep) = sweep {
            executor = executor.sweep(sweep)?;
        }
        for (at, tx) in signers(transactions.collect(), self.chain_id()) {
            executor.transaction(tx?)?.map_err(|reason| at.refused(reason))?;
        }
        Ok(executor.finish())
    }
}

/// A transaction of the block.
struct At {
    index: usize,
    hash: TxHash,
}

impl At {
    fn refused(&self, reason: Rejection) -> BlockError {
        let Self { index, hash } = *self;
        BlockError::Transaction { index, hash, reason: Box::new(reason) }
    }
}

/// Who sent each, recovered on all threads before the first is executed.
fn signers(
    transactions: Vec<(usize, TxEnvelope)>,
    chain_id: u64,
) -> Vec<(At, Result<Recovered<TxEnvelope>, BlockError>)> {
    let signer = |(index, tx): (usize, TxEnvelope)| {
        let at = At { index, hash: *tx.tx_hash() };
        let recovered = match is_prelude(&tx) {
            true => Err(BlockError::PreludeRepeated(index)),
            false => recover(tx, chain_id).map_err(|reason| at.refused(reason)),
        };
        (at, recovered)
    };
    transactions.into_par_iter().map(signer).collect()
}

/// The first field in which a header is not as it should be.
fn first_difference(expected: &Header, got: &Header) -> Option<HeaderField> {
    use HeaderField as Field;
    let same = [
        (Field::ParentHash, expected.parent_hash == got.parent_hash),
        (Field::Number, expected.number == got.number),
        (Field::OmmersHash, expected.ommers_hash == got.ommers_hash),
        (Field::Difficulty, expected.difficulty == got.difficulty),
        (Field::GasLimit, expected.gas_limit == got.gas_limit),
        (Field::Timestamp, expected.timestamp == got.timestamp),
        (Field::ExtraData, expected.extra_data == got.extra_data),
        (Field::MixHash, expected.mix_hash == got.mix_hash),
        (Field::Nonce, expected.nonce == got.nonce),
        (Field::BaseFeePerGas, expected.base_fee_per_gas == got.base_fee_per_gas),
        (Field::WithdrawalsRoot, expected.withdrawals_root == got.withdrawals_root),
        (Field::BlobGasUsed, expected.blob_gas_used == got.blob_gas_used),
        (Field::ExcessBlobGas, expected.excess_blob_gas == got.excess_blob_gas),
        (
            Field::ParentBeaconBlockRoot,
            expected.parent_beacon_block_root == got.parent_beacon_block_root,
        ),
        (Field::RequestsHash, expected.requests_hash == got.requests_hash),
        (Field::BlockAccessListHash, expected.block_access_list_hash == got.block_access_list_hash),
        (Field::SlotNumber, expected.slot_number == got.slot_number),
        (Field::TransactionsRoot, expected.transactions_root == got.transactions_root),
        (Field::GasUsed, expected.gas_used == got.gas_used),
        (Field::ReceiptsRoot, expected.receipts_root == got.receipts_root),
        (Field::LogsBloom, expected.logs_bloom == got.logs_bloom),
        (Field::StateRoot, expected.state_root == got.state_root),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}
