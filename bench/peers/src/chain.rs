//! A chain for one pass: nonces and block times around an engine, and transactions that must succeed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use alloy_sol_types::SolCall;
use anyhow::{Context as _, Result, bail};
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, TxEnv};
use revm::state::EvmState;

use crate::artifact::Artifacts;
use crate::engine::Engine;

/// Gas of every transaction; the cap of EIP-7825.
const GAS_LIMIT: u64 = 1 << 24;

/// When the first block was made, in seconds.
const GENESIS_TIME: u64 = 1_750_000_000;

/// What a transaction asks of whom.
pub struct Call {
    /// Whom it calls.
    pub to: Address,
    /// With what input.
    pub data: Bytes,
    /// And how much of the coin.
    pub value: U256,
}

impl Call {
    /// A call of a contract's method, without value.
    pub fn new(to: Address, method: &impl SolCall) -> Self {
        Self { to, data: method.abi_encode().into(), value: U256::ZERO }
    }
}

/// What a successful transaction cost and left.
pub struct Receipt {
    /// How long it ran.
    pub took: Duration,
    /// What it used.
    pub gas: u64,
    /// What it logged.
    pub logs: Vec<Log>,
    /// What it returned.
    pub output: Output,
}

impl Receipt {
    /// What a call of `C` returned.
    ///
    /// # Errors
    /// Something else was called.
    pub fn returned<C: SolCall>(&self) -> Result<C::Return> {
        let data = self.output.data();
        C::abi_decode_returns(data).with_context(|| format!("{data} answers {}", C::SIGNATURE))
    }
}

/// A transaction that was executed and may still be dropped.
pub struct Attempt {
    from: Address,
    changes: EvmState,
    /// What it did, or the output of its revert.
    pub outcome: Result<Receipt, Bytes>,
}

/// An engine with the nonces of its accounts and its clock.
pub struct Chain<'a> {
    engine: Box<dyn Engine>,
    artifacts: &'a Artifacts,
    block: BlockEnv,
    nonces: HashMap<Address, u64>,
}

impl<'a> Chain<'a> {
    /// A chain at its first block.
    pub fn new(engine: Box<dyn Engine>, artifacts: &'a Artifacts) -> Self {
        Self::starting(GENESIS_TIME, engine, artifacts)
    }

    /// A chain at its first block, which was made then.
    pub fn starting(now: u64, engine: Box<dyn Engine>, artifacts: &'a Artifacts) -> Self {
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
    pub fn now(&self) -> u64 {
        self.block.timestamp.saturating_to()
    }

    /// Opens the next block, `seconds` later.
    pub fn advance(&mut self, seconds: u64) {
        self.block.number += U256::ONE;
        self.block.timestamp += U256::from(seconds);
        self.engine.begin_block(self.block.clone());
    }

    /// Sends one transaction.
    ///
    /// # Errors
    /// The transaction was refused, or it reverted; the error names the reason.
    pub fn send(&mut self, from: Address, call: Call) -> Result<Receipt> {
        self.transact(from, TxKind::Call(call.to), call.data, call.value)
    }

    /// Calls a method and decodes what it returned. It is a transaction, as every call here.
    pub fn ask<C: SolCall>(&mut self, from: Address, to: Address, method: &C) -> Result<C::Return> {
        self.send(from, Call::new(to, method))?.returned::<C>()
    }

    /// Executes a transaction without keeping its changes.
    ///
    /// # Errors
    /// The transaction was refused or halted.
    pub fn attempt(&mut self, from: Address, call: Call) -> Result<Attempt> {
        let tx = self.transaction(from, TxKind::Call(call.to), call.data, call.value);
        let started = Instant::now();
        let executed = self.engine.attempt(tx)?;
        let took = started.elapsed();
        let gas = executed.result.tx_gas_used();
        let outcome = match executed.result {
            ExecutionResult::Success { logs, output, .. } => {
                Ok(Receipt { took, gas, logs, output })
            }
            ExecutionResult::Revert { output, .. } => Err(output),
            ExecutionResult::Halt { reason, .. } => bail!("halted: {reason:?}"),
        };
        Ok(Attempt { from, changes: executed.state, outcome })
    }

    /// Keeps an attempt's changes; nothing may have happened since.
    ///
    /// # Errors
    /// The output of its revert.
    pub fn keep(&mut self, attempt: Attempt) -> Result<Receipt, Bytes> {
        self.engine.commit(attempt.changes);
        *self.nonces.entry(attempt.from).or_default() += 1;
        attempt.outcome
    }

    /// What a revert said.
    #[must_use]
    pub fn revert_reason(&self, output: &[u8]) -> String {
        self.artifacts.revert_reason(output)
    }

    /// Deploys a contract of the cache, its libraries before it.
    pub fn deploy(&mut self, from: Address, name: &str, arguments: &[u8]) -> Result<Address> {
        self.deploy_linked(from, name, arguments, &mut HashMap::new())
    }

    /// Deploys a contract of the cache; `libraries` keeps those that are already on the chain.
    pub fn deploy_linked(
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

    fn transaction(&self, from: Address, kind: TxKind, data: Bytes, value: U256) -> TxEnv {
        TxEnv {
            caller: from,
            kind,
            data,
            value,
            nonce: self.nonces.get(&from).copied().unwrap_or_default(),
            gas_limit: GAS_LIMIT,
            chain_id: None,
            ..TxEnv::default()
        }
    }

    fn transact(
        &mut self,
        from: Address,
        kind: TxKind,
        data: Bytes,
        value: U256,
    ) -> Result<Receipt> {
        let tx = self.transaction(from, kind, data, value);
        *self.nonces.entry(from).or_default() += 1;

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
