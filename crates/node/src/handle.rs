//! The node as the RPC server sees it.

use std::sync::Arc;

use alloy_consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, TxHash, U256};
use gage_abi::IOracle::{ProviderMessage, SignedReport};
use gage_rpc::{DevHandle, Head, NodeError, NodeHandle, PoolContent, PoolStatus};
use tokio::sync::broadcast;

use crate::{MessageError, Node, ReportError, SubmitError, node::TIP_SUGGESTED};

impl From<SubmitError> for NodeError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Chain(error) => Self::failed(error),
            error => Self::refused(error),
        }
    }
}

impl From<ReportError> for NodeError {
    fn from(error: ReportError) -> Self {
        match error {
            error @ ReportError::Unreadable => Self::failed(error),
            error => Self::refused(error),
        }
    }
}

impl From<MessageError> for NodeError {
    fn from(error: MessageError) -> Self {
        match error {
            error @ MessageError::Unreadable => Self::failed(error),
            error => Self::refused(error),
        }
    }
}

impl NodeHandle for Node {
    fn submit_raw(&self, bytes: &[u8]) -> Result<TxHash, NodeError> {
        Ok(Self::submit_raw(self, bytes)?)
    }

    fn pool_transaction(&self, hash: TxHash) -> Option<Recovered<TxEnvelope>> {
        self.with_pool(|pool| pool.get(hash).cloned())
    }

    fn pool_status(&self) -> PoolStatus {
        self.with_pool(|pool| {
            let pending = pool.iter().filter(|(_, ready)| *ready).count();
            PoolStatus { pending, queued: pool.len() - pending }
        })
    }

    fn pool_content(&self) -> PoolContent {
        let mut content = PoolContent::default();
        self.with_pool(|pool| {
            for (tx, ready) in pool.iter() {
                let part = if ready { &mut content.pending } else { &mut content.queued };
                part.entry(tx.signer()).or_default().insert(tx.nonce(), tx.clone());
            }
        });
        content
    }

    fn next_nonce(&self, sender: Address) -> Result<u64, NodeError> {
        Self::next_nonce(self, sender).map_err(NodeError::failed)
    }

    fn submit_reports(&self, reports: Vec<SignedReport>) -> Result<(), NodeError> {
        Ok(Self::submit_reports(self, reports)?)
    }

    fn submit_messages(&self, messages: Vec<ProviderMessage>) -> Result<(), NodeError> {
        Ok(Self::submit_messages(self, messages)?)
    }

    fn subscribe_heads(&self) -> broadcast::Receiver<Arc<Head>> {
        Self::subscribe_heads(self)
    }

    fn subscribe_pending(&self) -> broadcast::Receiver<TxHash> {
        Self::subscribe_pending(self)
    }

    fn next_timestamp(&self) -> u64 {
        Self::next_timestamp(self)
    }

    fn tip_suggestion(&self) -> u128 {
        TIP_SUGGESTED
    }

    fn client_version(&self) -> String {
        concat!("gage/v", env!("CARGO_PKG_VERSION")).into()
    }

    fn beneficiary(&self) -> Address {
        self.config().beneficiary
    }

    fn dev(&self) -> Option<&dyn DevHandle> {
        self.config().dev.then_some(self)
    }
}

impl DevHandle for Node {
    fn mine(&self, blocks: u64) -> Result<(), NodeError> {
        Self::mine(self, blocks).map_err(NodeError::failed)
    }

    fn increase_time(&self, seconds: u64) -> Result<u64, NodeError> {
        Self::increase_time(self, seconds).map_err(NodeError::refused)
    }

    fn set_next_timestamp(&self, timestamp: u64) -> Result<(), NodeError> {
        Self::set_next_timestamp(self, timestamp).map_err(NodeError::refused)
    }

    fn faucet(&self, to: Address, amount: U256) -> Result<TxHash, NodeError> {
        Ok(Self::faucet(self, to, amount)?)
    }
}
