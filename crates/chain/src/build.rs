//! Building the next block from candidate transactions.

use std::collections::VecDeque;

use alloy_consensus::{Header, TxEnvelope, transaction::Recovered};
use alloy_eips::eip1559::calculate_block_gas_limit;
use alloy_primitives::{Address, TxHash};
use gage_abi::IOracle::{ProviderMessage, SignedReport};

use crate::{
    Chain, ChainError, Rejection, SealedHeader,
    chain::Built,
    execute::{Executor, Proposal, header_template},
    prelude_fits, prelude_tx,
    rules::GAS_LIMIT_MIN,
};

/// What the proposer of a block decides.
#[derive(Clone, Debug, Default)]
pub struct BlockAttributes {
    /// Unix seconds; not before the parent's.
    pub timestamp: u64,
    /// Who gets the tips.
    pub beneficiary: Address,
    /// Price reports for the prelude.
    pub reports: Vec<SignedReport>,
    /// Other oracles' messages for it.
    pub messages: Vec<ProviderMessage>,
    /// The gas limit to move towards (at most 1/1024 per block); the genesis' if `None`.
    pub gas_limit: Option<u64>,
}

/// What a block has room for, given to a [`TxSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Wei per gas that a transaction must at least pay.
    pub base_fee: u64,
    /// Gas not yet used; a transaction that asks for more is refused.
    pub gas_left: u64,
}

/// Where a builder takes transactions from, best first. The source decides when it is enough by
/// returning `None`.
pub trait TxSource {
    /// The next candidate.
    fn next(&mut self, room: Room) -> Option<Recovered<TxEnvelope>>;

    /// Told for each candidate that did not get in; those of the same sender with higher nonces will
    /// not either.
    fn rejected(&mut self, hash: TxHash, reason: &Rejection);
}

/// Candidates in the order given; why any was rejected is kept.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    waiting: VecDeque<Recovered<TxEnvelope>>,
    /// What did not get in.
    pub rejected: Vec<(TxHash, Rejection)>,
}

impl Batch {
    /// These, in this order.
    pub fn new(transactions: impl IntoIterator<Item = Recovered<TxEnvelope>>) -> Self {
        Self { waiting: transactions.into_iter().collect(), rejected: Vec::new() }
    }
}

impl TxSource for Batch {
    fn next(&mut self, _: Room) -> Option<Recovered<TxEnvelope>> {
        self.waiting.pop_front()
    }

    fn rejected(&mut self, hash: TxHash, reason: &Rejection) {
        self.rejected.push((hash, reason.clone()));
    }
}

/// Why no block was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Time does not run backwards.
    #[error("timestamp {timestamp} is before the parent's {parent}")]
    Timestamp {
        /// What was asked.
        timestamp: u64,
        /// The head's.
        parent: u64,
    },
    /// More than [`PRELUDE_REPORTS_MAX`](crate::PRELUDE_REPORTS_MAX).
    #[error("{0} reports and {1} messages are more than a prelude holds")]
    TooManyReports(usize, usize),
    /// The oracle refused the whole prelude, which it does for no report.
    #[error("the prelude failed")]
    Prelude,
    /// The store failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl Chain {
    /// Builds the block after the tip: the prelude, the sweep if anybody is due, then what `source` offers and the rules
    /// allow. Nothing is stored; see [`commit`](Self::commit) and [`stage`](Self::stage).
    ///
    /// # Errors
    /// [`BuildError`]; a bad transaction is none, it is told to `source`.
    pub fn build(
        &self,
        attributes: &BlockAttributes,
        source: &mut dyn TxSource,
    ) -> Result<Built, BuildError> {
        let parent = self.tip();
        let header = self.propose(&parent, attributes)?;
        let base_fee = header.base_fee_per_gas.unwrap_or_default();
        let executor = Executor::new(self, parent.number, &header)?;
        let input = gage_evm::prelude_call(&attributes.reports, &attributes.messages);
        let prelude = prelude_tx(self.chain_id(), header.number, input);
        let mut executor = executor.prelude(prelude)?.ok_or(BuildError::Prelude)?;
        if let Some(sweep) = executor.sweep_due(self)? {
            executor = executor.sweep(sweep)?;
        }
        while let Some(tx) = source.next(Room { base_fee, gas_left: executor.gas_left() }) {
            let hash = *tx.tx_hash();
            if let Err(rejection) = executor.transaction(tx)? {
                source.rejected(hash, &rejection);
            }
        }
        Ok(self.seal(header, executor.finish())?)
    }

    fn propose(
        &self,
        parent: &SealedHeader,
        attributes: &BlockAttributes,
    ) -> Result<Header, BuildError> {
        let &BlockAttributes { timestamp, beneficiary, ref reports, ref messages, gas_limit } =
            attributes;
        if timestamp < parent.timestamp {
            return Err(BuildError::Timestamp { timestamp, parent: parent.timestamp });
        }
        if !prelude_fits(reports, messages) {
            return Err(BuildError::TooManyReports(reports.len(), messages.len()));
        }
        let wanted = gas_limit.unwrap_or(self.genesis().gas_limit).max(GAS_LIMIT_MIN);
        let gas_limit = calculate_block_gas_limit(parent.gas_limit, wanted);
        let proposal = Proposal { timestamp, beneficiary, gas_limit };
        Ok(header_template(parent, proposal, self.genesis().extra_data.clone()))
    }
}
