//! The chain in this process, as it answers calls and takes transactions.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{anyhow, bail};
use gage_chain::{CallOutcome, CallRequest, Chain, Overrides};
use gage_node::Node;

use crate::{
    keys::{Call, Terms, sign},
    reading::Answers,
};

/// Wei for a unit of gas that the demo's actors pay at most.
const FEE_MAX: u128 = 100_000_000_000;

/// Wei for a unit of gas that they tip.
const TIP: u128 = 1_000_000;

/// Gas of a plain transfer of coins.
const TRANSFER_GAS: u64 = 21_000;

/// A chain at one of its blocks.
pub(crate) struct AtBlock<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) number: u64,
}

impl<'a> AtBlock<'a> {
    /// At the newest block.
    pub(crate) fn head(chain: &'a Chain) -> Self {
        Self { chain, number: chain.head().number }
    }

    /// Wei of an account.
    pub(crate) fn coins(&self, of: Address) -> anyhow::Result<U256> {
        let account = self.chain.state(self.number)?.account(of)?;
        Ok(account.map_or(U256::ZERO, |account| account.info.balance))
    }

    /// Transactions that an account has sent.
    pub(crate) fn nonce(&self, of: Address) -> anyhow::Result<u64> {
        let account = self.chain.state(self.number)?.account(of)?;
        Ok(account.map_or(0, |account| account.info.nonce))
    }

    /// Runs a call as its sender would; what it returns, or why it is refused.
    pub(crate) fn run(&self, from: Option<Address>, call: &Call) -> anyhow::Result<Bytes> {
        let request = CallRequest {
            from,
            to: Some(call.to),
            value: call.value,
            input: call.input.clone(),
            ..CallRequest::default()
        };
        match self.chain.call(self.number, &request, &Overrides::default())?.outcome {
            CallOutcome::Success { output } => Ok(output),
            CallOutcome::Revert { data } => {
                let named = gage_abi::decode_error(&data).unwrap_or_else(|| data.to_string());
                Err(anyhow!("refused: {named}"))
            }
            CallOutcome::Halt { reason } => bail!("halted: {reason:?}"),
        }
    }
}

impl Answers for AtBlock<'_> {
    fn answer(&self, to: Address, input: Bytes) -> anyhow::Result<Bytes> {
        self.run(None, &Call { to, value: U256::ZERO, input, what: String::new() })
    }
}

/// An actor of the demo and the node it sends to.
pub(crate) struct Actor<'a> {
    pub(crate) node: &'a Node,
    pub(crate) key: &'a PrivateKeySigner,
}

impl Actor<'_> {
    /// Signs and hands in; calls may use up to `gas_limit`, moves of coins need no more than their
    /// own.
    pub(crate) fn submit(&self, call: &Call, nonce: u64, gas_limit: u64) -> anyhow::Result<B256> {
        let terms = Terms {
            chain_id: self.node.chain().chain_id(),
            nonce,
            gas_limit: if call.input.is_empty() { TRANSFER_GAS } else { gas_limit },
            fee_max: FEE_MAX,
            tip: TIP,
        };
        let signed = sign(self.key, call, terms)?;
        Ok(self.node.submit_raw(&signed.raw)?)
    }
}
