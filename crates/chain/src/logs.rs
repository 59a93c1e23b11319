//! Logs by address and topics, over a range of blocks.

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log, TxHash};
use gage_state::StateError;

use crate::{
    Chain, ChainError, Place,
    log_index::{self, SPAN},
};

/// Which logs are wanted. Empty lists match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The first block.
    pub from: u64,
    /// The last block.
    pub to: u64,
    /// Emitted by any of these.
    pub addresses: Vec<Address>,
    /// By position, any of these.
    pub topics: [Vec<B256>; 4],
}

/// A log with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLog {
    /// What was emitted.
    pub log: Log,
    /// Its transaction's hash.
    pub transaction_hash: TxHash,
    /// Its transaction's place.
    pub place: Place,
    /// Its index in the block.
    pub log_index: u64,
}

/// Why no logs are returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The caller bounds how many it wants at most.
    #[error("query returned more than {0} results")]
    TooMany(usize),
    /// The store failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<StateError> for LogError {
    fn from(error: StateError) -> Self {
        Self::Chain(error.into())
    }
}

impl LogFilter {
    /// Whether `log` is wanted, wherever it stands.
    pub fn matches(&self, log: &Log) -> bool {
        let address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        let topics = self.topics.iter().enumerate().all(|(position, wanted)| {
            wanted.is_empty()
                || log.topics().get(position).is_some_and(|topic| wanted.contains(topic))
        });
        address && topics
    }

    /// Whether a block or receipt with this bloom may hold a wanted log; `false` is certain.
    pub fn may_match(&self, bloom: &Bloom) -> bool {
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let address = self.addresses.is_empty() || self.addresses.iter().any(|a| has(a.as_slice()));
        let topics = self
            .topics
            .iter()
            .all(|wanted| wanted.is_empty() || wanted.iter().any(|topic| has(topic.as_slice())));
        address && topics
    }
}

impl Chain {
    /// The wanted logs in the order of blocks, at most `most` of them. Blocks beyond the head are
    /// taken as empty.
    ///
    /// # Errors
    /// [`LogError::TooMany`] beyond `most`.
    pub fn logs(&self, filter: &LogFilter, most: usize) -> Result<Vec<FoundLog>, LogError> {
        let last = filter.to.min(self.head().number);
        let mut found = Vec::new();
        for span in filter.from / SPAN..=last / SPAN {
            let candidates = log_index::candidates(self.store(), span, filter)?;
            let (first, end) = (span * SPAN, (span + 1) * SPAN);
            for number in filter.from.max(first)..end.min(last + 1) {
                let may_match = match candidates {
                    Some(blocks) => log_index::has(blocks, number),
                    None => self
                        .header(number)?
                        .is_some_and(|header| filter.may_match(&header.logs_bloom)),
                };
                if may_match {
                    self.logs_of_block(number, filter, &mut found)?;
                }
                if found.len() > most {
                    return Err(LogError::TooMany(most));
                }
            }
        }
        Ok(found)
    }

    fn logs_of_block(
        &self,
        number: u64,
        filter: &LogFilter,
        found: &mut Vec<FoundLog>,
    ) -> Result<(), ChainError> {
        let Some(receipts) = self.receipts(number)? else { return Ok(()) };
        for receipt in &receipts {
            let logs = (receipt.first_log_index..).zip(receipt.receipt.logs());
            found.extend(logs.filter(|(_, log)| filter.matches(log)).map(|(log_index, log)| {
                FoundLog {
                    log: log.clone(),
                    transaction_hash: *receipt.transaction.tx_hash(),
                    place: receipt.place,
                    log_index,
                }
            }));
        }
        Ok(())
    }
}
