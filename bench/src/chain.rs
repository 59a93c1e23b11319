//! A chain for one pass: nonces and block times around an engine, and transactions that must succeed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use alloy_sol_types::SolCall;
use anyhow::{Context as _, Result, bail};
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, TxEnv};

use crate::artifact::Artifacts;
use crate::engine::Engine;
use crate::scenario::Sample;

/// Gas of every transaction; the cap of EIP-7825.
const GAS_LIMIT: u64 = 1 << 24;

/// When the first block was made, in seconds.
const GENESIS_TIME: u64 = 1_750_000_000;

/// What a transaction asks of whom.
pub(crate) struct Call {
    pub(crate) to: Address,
    pub(crate) data: Bytes,
    pub(crate) value: U256,
}

impl Call {
    /// A call of a contract's method, without value.
    pub(crate) fn new(to: Address, method: &impl SolCall) -> Self {
        Self { to, data: method.abi_encode().into(), value: U256::ZERO }
    }
}

/// What a successful transaction cost and left.
pub(crate) struct Receipt {
    took: Duration,
    gas: u64,
    pub(crate) logs: Vec<Log>,
    pub(crate) output: Output,
}

impl Receipt {
    /// What it cost.
    pub(crate) fn sample(&self) -> Sample {
        Sample { nanoseconds: self.took.as_nanos() as u64, gas: self.gas }
    }
}

/// An engine with the nonces of its accounts and its clock.
pub(crate) struct Chain<'a> {
    engine: Box<dyn Engine>,
    artifacts: &'a Artifacts,
    block: BlockEnv,
    nonces: HashMap<Address, u64>,
}

impl<'a> Chain<'a> {
    /// A chain at its first block.
    pub(crate) fn new(engine: Box<dyn Engine>, artifacts: &'a Artifacts) -> Self {
        Self::starting(GENESIS_TIME, engine, artifacts)
    }

    /// A chain at its first block, which was made then.
    pub(crate) fn starting(now: u64, engine: Box<dyn Engine>, artifacts: &'a Artifacts) -> Self {
        let block = BlockEnv {
            number: U256::ONE,
            timestamp: U256::from(now),
            beneficiary: Address::repeat_byte(0xbe),
            ..BlockEnv::default()
        };
        let mut chain = Self { engine, artifacts, block, nonces: HashMap::new() };
        chain.engine.begin_block(chain.block.clone());
        chain
    }

    /// The block's time, in seconds.
    pub(crate) fn now(&self) -> u64 {
        self.block.timestamp.saturating_to()
    }

    /// Opens the next block, `seconds` later.
    pub(crate) fn advance(&mut self, seconds: u64) {
        self.block.number += U256::ONE;
        self.block.timestamp += U256::from(seconds);
        self.engine.begin_block(self.block.clone());
    }

    /// Sends one transaction.
    ///
    /// # Errors
    /// The transaction was refused, or it reverted; the error names the reason.
    pub(crate) fn send(&mut self, from: Address, call: Call) -> Result<Receipt> {
        self.transact(from, TxKind::Call(call.to), call.data, call.value)
    }

    /// Calls a method and decodes what it returned. It is a transaction, as every call here.
    pub(crate) fn ask<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        method: &C,
    ) -> Result<C::Return> {
        let receipt = self.send(from, Call::new(to, method))?;
        let data = receipt.output.into_data();
        C::abi_decode_returns(&data)
            .with_context(|| format!("{to} answered {data} to {}", C::SIGNATURE))
    }

    /// Deploys a contract of the cache, its libraries before it.
    pub(crate) fn deploy(
        &mut self,
        from: Address,
        name: &str,
        arguments: &[u8],
    ) -> Result<Address> {
        self.deploy_linked(from, name, arguments, &mut HashMap::new())
    }

    /// Deploys a contract of the cache; `libraries` keeps those that are already on the chain.
    pub(crate) fn deploy_linked(
        &mut self,
        from: Address,
        name: &str,
        arguments: &[u8],
        libraries: &mut HashMap<String, Address>,
    ) -> Result<Address> {
        let artifact = self.artifacts.get(name)?;
        for library in artifact.libraries() {
            if !libraries.contains_key(library) {
                let address = self.deploy_linked(from, library, &[], libraries)?;
                libraries.insert(library.to_owned(), address);
            }
        }
        let mut code = artifact.link(libraries);
        code.extend_from_slice(arguments);
        let receipt = self
            .transact(from, TxKind::Create, code.into(), U256::ZERO)
            .with_context(|| format!("deploying {name}"))?;
        receipt.output.address().copied().context("a creation has an address")
    }

    fn transact(
        &mut self,
        from: Address,
        kind: TxKind,
        data: Bytes,
        value: U256,
    ) -> Result<Receipt> {
        let nonce = self.nonces.entry(from).or_default();
        let tx = TxEnv {
            caller: from,
            kind,
            data,
            value,
            nonce: *nonce,
            gas_limit: GAS_LIMIT,
            chain_id: None,
            ..TxEnv::default()
        };
        *nonce += 1;

        let started = Instant::now();
        let result = self.engine.run(tx)?;
        let took = started.elapsed();

        let gas = result.tx_gas_used();
        match result {
            ExecutionResult::Success { logs, output, .. } => {
                Ok(Receipt { took, gas, logs, output })
            }
            ExecutionResult::Revert { output, .. } => {
                bail!("reverted: {}", self.artifacts.revert_reason(&output))
            }
            ExecutionResult::Halt { reason, .. } => bail!("halted: {reason:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::tests::only;
    use crate::engine::ethereum;

    const OWNER: Address = Address::repeat_byte(0x11);

    /// Deploys the one byte of code `INVALID`.
    const DEPLOYS_INVALID: [u8; 9] = [0x60, 0xfe, 0x5f, 0x53, 0x60, 0x01, 0x5f, 0xf3, 0x00];

    #[test]
    fn a_failed_transaction_is_an_error() {
        let artifacts = only(DEPLOYS_INVALID.into());
        let mut chain = Chain::new(ethereum(&[]), &artifacts);
        let to = chain.deploy(OWNER, "Code", &[]).unwrap();
        let call = Call { to, data: Bytes::new(), value: U256::ZERO };
        let error = chain.send(OWNER, call).err().unwrap();
        assert!(error.to_string().starts_with("halted"), "{error}");

        let reverting = only([0x5f, 0x5f, 0xfd].into());
        let mut chain = Chain::new(ethereum(&[]), &reverting);
        let error = chain.deploy(OWNER, "Code", &[]).unwrap_err();
        assert!(format!("{error:#}").contains("reverted"), "{error:#}");
    }

    #[test]
    fn accounts_send_again_in_the_next_block() {
        let artifacts = only(Vec::new());
        let mut chain = Chain::new(ethereum(&[OWNER]), &artifacts);
        for _ in 0..3 {
            let to = Address::repeat_byte(0x22);
            let receipt =
                chain.send(OWNER, Call { to, data: Bytes::new(), value: U256::ONE }).unwrap();
            assert_eq!((receipt.gas, receipt.logs.len()), (21_000, 0));
            chain.advance(12);
        }
    }
}
