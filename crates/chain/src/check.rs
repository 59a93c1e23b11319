//! The operator's check: is what is stored what the blocks say, and do the protocol's books balance?

use alloy_consensus::{TxEnvelope, TxReceipt, proofs};
use alloy_primitives::{B256, Bloom};
use gage_core::invariants::{Report, Violation};
use gage_state::StateError;

use crate::{Chain, ChainError, HeaderField, SealedHeader, log_index, records};

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Blocks, block 0 included.
    pub blocks: u64,
    /// Transactions, preludes included.
    pub transactions: u64,
    /// The protocol's invariants at the head, all of which hold.
    pub invariants: Report,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A block below the head is missing, wholly or in part.
    #[error("block {0} is missing")]
    Missing(u64),
    /// A header that does not follow from its parent or its body.
    #[error("block {number}: {field} does not fit what is stored")]
    Header {
        /// The block.
        number: u64,
        /// The field.
        field: HeaderField,
    },
    /// A hash or a transaction is indexed elsewhere than it stands.
    #[error("block {number}: the index of {hash} points elsewhere")]
    Index {
        /// The block.
        number: u64,
        /// Of the block or of a transaction.
        hash: B256,
    },
    /// The index of logs says other of a block than its receipts.
    #[error("block {0}: the index of its logs does not fit its receipts")]
    Logs(u64),
    /// An invariant of the protocol is broken.
    #[error("{}: {}", .0.id, .0.detail)]
    Invariant(Violation),
    /// The store failed, or its own check did.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<StateError> for CheckError {
    fn from(error: StateError) -> Self {
        Self::Chain(error.into())
    }
}

impl Chain {
    /// Walks every block and its indexes, has the store check itself, and checks the protocol's
    /// invariants at the head. Takes time in proportion to the chain.
    ///
    /// # Errors
    /// [`CheckError`] says what is wrong first.
    pub fn check(&self) -> Result<Checked, CheckError> {
        let head = self.head();
        let mut parent: Option<SealedHeader> = None;
        let mut transactions = 0;
        for number in 0..=head.number {
            let header =
                records::header(self.store(), number)?.ok_or(CheckError::Missing(number))?;
            self.check_links(&header, parent.as_ref())?;
            transactions += self.check_body(&header)?;
            parent = Some(header);
        }
        let stored = self.store().head().ok_or(CheckError::Missing(0))?;
        if stored.state_root != head.state_root {
            return Err(wrong(&head, HeaderField::StateRoot));
        }
        self.store().check()?;
        let invariants = self.check_block(head.number)?;
        match invariants.broken.first() {
            None => Ok(Checked { blocks: head.number + 1, transactions, invariants }),
            Some(broken) => Err(CheckError::Invariant(broken.clone())),
        }
    }

    fn check_links(
        &self,
        header: &SealedHeader,
        parent: Option<&SealedHeader>,
    ) -> Result<(), CheckError> {
        let (number, hash) = (header.number, header.hash());
        if header.parent_hash != parent.map_or(B256::ZERO, |parent| parent.hash()) {
            return Err(wrong(header, HeaderField::ParentHash));
        }
        if parent.is_some_and(|parent| parent.number + 1 != number) {
            return Err(wrong(header, HeaderField::Number));
        }
        if self.number_of(hash)? != Some(number) {
            return Err(CheckError::Index { number, hash });
        }
        Ok(())
    }

    fn check_body(&self, header: &SealedHeader) -> Result<u64, CheckError> {
        let number = header.number;
        let missing = CheckError::Missing;
        let body = records::transactions(self.store(), number)?.ok_or(missing(number))?;
        let receipts = records::receipts(self.store(), number)?.ok_or(missing(number))?;
        let transactions: Vec<&TxEnvelope> = body.iter().map(|tx| tx.inner()).collect();
        if proofs::calculate_transaction_root(&transactions) != header.transactions_root {
            return Err(wrong(header, HeaderField::TransactionsRoot));
        }
        if proofs::calculate_receipt_root(&receipts) != header.receipts_root {
            return Err(wrong(header, HeaderField::ReceiptsRoot));
        }
        let bloom = receipts.iter().fold(Bloom::ZERO, |sum, receipt| sum | receipt.bloom());
        if bloom != header.logs_bloom {
            return Err(wrong(header, HeaderField::LogsBloom));
        }
        if !log_index::agrees(self.store(), number, &receipts)? {
            return Err(CheckError::Logs(number));
        }
        if receipts.last().map_or(0, |last| last.cumulative_gas_used()) != header.gas_used {
            return Err(wrong(header, HeaderField::GasUsed));
        }
        for (index, tx) in (0..).zip(&transactions) {
            let hash = *tx.tx_hash();
            if records::place(self.store(), hash)? != Some((number, index)) {
                return Err(CheckError::Index { number, hash });
            }
        }
        Ok(transactions.len() as u64)
    }
}

fn wrong(header: &SealedHeader, field: HeaderField) -> CheckError {
    CheckError::Header { number: header.number, field }
}
