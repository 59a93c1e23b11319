//! Hashes of what a block's logs can be found by: their addresses and topics, each hashed once.
//!
//! Both the blooms of receipts and headers and the index of logs are made of these, and most of a
//! block's logs share them.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log, keccak256};

/// Addresses and topics with their hashes.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogHashes {
    addresses: BTreeMap<Address, B256>,
    topics: BTreeMap<B256, B256>,
}

impl LogHashes {
    /// Those of some logs.
    pub(crate) fn of<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Self {
        let mut hashes = Self::default();
        hashes.bloom(logs);
        hashes
    }

    /// The bloom of some logs, whose hashes are kept.
    pub(crate) fn bloom<'a>(&mut self, logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            let address = self.addresses.entry(log.address);
            bloom.accrue(BloomInput::Hash(*address.or_insert_with_key(|value| keccak256(value))));
            for topic in log.topics() {
                let topic = self.topics.entry(*topic);
                bloom.accrue(BloomInput::Hash(*topic.or_insert_with_key(|value| keccak256(value))));
            }
        }
        bloom
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &B256> {
        self.addresses.values().chain(self.topics.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, logs_bloom};

    #[test]
    fn blooms_are_as_from_the_logs_themselves() {
        let log = |address: u8, topics: &[u8]| {
            let topics = topics.iter().map(|topic| B256::repeat_byte(*topic)).collect();
            Log::new_unchecked(Address::repeat_byte(address), topics, Bytes::new())
        };
        let logs = [log(1, &[]), log(2, &[1, 2]), log(1, &[2, 3, 4]), log(2, &[])];
        let mut hashes = LogHashes::default();
        for some in [&logs[..1], &logs[1..], &logs[..0], &logs[..]] {
            assert_eq!(hashes.bloom(some), logs_bloom(some));
        }
        assert_eq!(hashes.iter().count(), 2 + 4);
    }
}
