//! Filters: what a client without a WebSocket polls for.
//!
//! A filter remembers the next block it has not told of, so a poll reads the chain and nothing is
//! buffered; one for pending transactions holds a place in the node's bounded channel. Filters that
//! nobody polls expire.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::TxHash;
use alloy_rpc_types_eth::Filter as LogRequest;
use jsonrpsee::{core::traits::IdProvider, types::SubscriptionId};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::error::{LimitError, RpcError};

/// What a filter watches.
pub(crate) enum Watch {
    Logs { request: Box<LogRequest>, next: u64 },
    Blocks { next: u64 },
    Pending(broadcast::Receiver<TxHash>),
}

struct Entry {
    watch: Arc<Mutex<Watch>>,
    used: Instant,
}

/// The filters of all callers.
pub(crate) struct Filters {
    entries: BTreeMap<u64, Entry>,
    most: usize,
    ttl: Duration,
}

impl Filters {
    pub(crate) fn new(most: usize, ttl: Duration) -> Self {
        Self { entries: BTreeMap::new(), most, ttl }
    }

    /// Installs a filter under an id that nobody guesses.
    pub(crate) fn install(&mut self, watch: Watch) -> Result<u64, RpcError> {
        self.expire();
        if self.entries.len() >= self.most {
            return Err(LimitError::Filters(self.entries.len()).into());
        }
        let id = random_id();
        let entry = Entry { watch: Arc::new(Mutex::new(watch)), used: Instant::now() };
        self.entries.insert(id, entry);
        Ok(id)
    }

    /// A filter to poll, which keeps it alive.
    pub(crate) fn get(&mut self, id: u64) -> Result<Arc<Mutex<Watch>>, RpcError> {
        self.expire();
        let entry = self.entries.get_mut(&id).ok_or(RpcError::FilterNotFound)?;
        entry.used = Instant::now();
        Ok(Arc::clone(&entry.watch))
    }

    /// Whether there was such a filter.
    pub(crate) fn uninstall(&mut self, id: u64) -> bool {
        self.expire();
        self.entries.remove(&id).is_some()
    }

    fn expire(&mut self) {
        let ttl = self.ttl;
        self.entries.retain(|_, entry| entry.used.elapsed() < ttl);
    }
}

/// Ids of filters and subscriptions: random, in hex as Ethereum's clients expect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(format!("{:#x}", random_id()).into())
    }
}

fn random_id() -> u64 {
    loop {
        let id = jsonrpsee::server::RandomIntegerIdProvider.next_id();
        if let SubscriptionId::Num(id) = id
            && id != 0
        {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Watch {
        Watch::Blocks { next: 1 }
    }

    #[test]
    fn a_full_set_takes_no_more_until_one_leaves() {
        let mut filters = Filters::new(2, Duration::from_secs(60));
        let first = filters.install(blocks()).unwrap();
        filters.install(blocks()).unwrap();
        let refused = filters.install(blocks()).unwrap_err();
        assert!(matches!(refused, RpcError::Limit(LimitError::Filters(2))));
        assert!(filters.uninstall(first));
        assert!(!filters.uninstall(first));
        filters.install(blocks()).unwrap();
    }

    #[test]
    fn unused_filters_expire() {
        let mut filters = Filters::new(2, Duration::ZERO);
        let id = filters.install(blocks()).unwrap();
        assert!(matches!(filters.get(id), Err(RpcError::FilterNotFound)));
    }
}
