//! A key that sends transactions to a node and waits for their receipts.

use std::{
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::Client;
use crate::keys::{Call, Terms, sign};

/// How long a receipt is waited for.
const RECEIPT_SECONDS_MAX: u64 = 60;

/// Between two looks for a receipt.
const RECEIPT_POLL: Duration = Duration::from_millis(50);

/// Gas on top of the estimate, in percent: prices and interest move until it is mined.
const GAS_MARGIN_PERCENT: u64 = 25;

/// A mined transaction.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) hash: B256,
    pub(crate) block: u64,
    pub(crate) gas_used: u64,
    /// Emitter and log.
    pub(crate) logs: Vec<(Address, LogData)>,
}

/// A key and the node it sends to.
pub(crate) struct Wallet<'a> {
    pub(crate) client: &'a Client,
    pub(crate) key: PrivateKeySigner,
}

impl Wallet<'_> {
    /// Whose key it is.
    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }

    /// Signs, sends and waits until it is mined. What the protocol would refuse is not sent.
    pub(crate) fn send(&self, call: &Call) -> anyhow::Result<Receipt> {
        let from = self.address();
        let request = json!({
            "from": from,
            "to": call.to,
            "value": format!("{:#x}", call.value),
            "input": call.input,
        });
        let gas = self.client.quantity("eth_estimateGas", json!([request]));
        let gas = u64::try_from(gas.with_context(|| format!("cannot {}", call.what))?)?;
        let tip = self.client.quantity("eth_maxPriorityFeePerGas", json!([]))?;
        let price = self.client.quantity("eth_gasPrice", json!([]))?;
        let nonce = self.client.quantity("eth_getTransactionCount", json!([from, "pending"]))?;
        let terms = Terms {
            chain_id: self.client.chain_id()?,
            nonce: u64::try_from(nonce)?,
            gas_limit: gas + if call.input.is_empty() { 0 } else { gas * GAS_MARGIN_PERCENT / 100 },
            fee_max: price.saturating_mul(2).max(tip),
            tip,
        };
        let signed = sign(&self.key, call, terms)?;
        self.client.request("eth_sendRawTransaction", json!([Bytes::from(signed.raw)]))?;
        self.wait(signed.hash)
    }

    fn wait(&self, hash: B256) -> anyhow::Result<Receipt> {
        let deadline = Instant::now() + Duration::from_secs(RECEIPT_SECONDS_MAX);
        loop {
            if let Some(receipt) = self.client.receipt(hash)? {
                return self.read(hash, &receipt);
            }
            if Instant::now() > deadline {
                bail!("{hash} is not mined after {RECEIPT_SECONDS_MAX} s; it may be later");
            }
            thread::sleep(RECEIPT_POLL);
        }
    }

    fn read(&self, hash: B256, receipt: &Value) -> anyhow::Result<Receipt> {
        let block = number(&receipt["blockNumber"])?;
        if number(&receipt["status"])? == 0 {
            bail!(
                "{hash} was mined in block {block} and refused: the state changed since the \
                 estimate"
            );
        }
        let logs = receipt["logs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let logs = logs.iter().map(read_log).collect::<anyhow::Result<_>>()?;
        Ok(Receipt { hash, block, gas_used: number(&receipt["gasUsed"])?, logs })
    }
}

fn read_log(log: &Value) -> anyhow::Result<(Address, LogData)> {
    let topics = serde_json::from_value(log["topics"].clone())?;
    let data = serde_json::from_value(log["data"].clone())?;
    let emitter = serde_json::from_value(log["address"].clone())?;
    Ok((emitter, LogData::new(topics, data).context("a log with more than four topics")?))
}

fn number(value: &Value) -> anyhow::Result<u64> {
    let number: U256 = serde_json::from_value(value.clone())?;
    Ok(number.saturating_to())
}
