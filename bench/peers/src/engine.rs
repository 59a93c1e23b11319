//! What runs a transaction: a revm with its database, behind one small trait, so that stock Ethereum and a chain with
//! native contracts are measured by the same code.

use alloy_primitives::{Address, U256};
use anyhow::{Result, anyhow};
use revm::context::result::{ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, Context, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, EvmState};
use revm::{ExecuteCommitEvm, MainBuilder, MainContext};

/// The hard fork that every subject runs under.
pub const SPEC: SpecId = SpecId::OSAKA;

/// An EVM that owns its state.
pub trait Engine {
    /// The transactions that follow belong to `block`.
    fn begin_block(&mut self, block: BlockEnv);

    /// Executes `tx` and commits its changes: the timed part, nothing else happens inside.
    ///
    /// # Errors
    /// A transaction that may not enter a block. A revert is not an error here.
    fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult>;

    /// Executes `tx` and keeps nothing of it.
    ///
    /// # Errors
    /// A transaction that may not enter a block.
    fn attempt(&mut self, tx: TxEnv) -> Result<ResultAndState>;

    /// Keeps the changes of an attempt.
    fn commit(&mut self, changes: EvmState);
}

/// Every revm that commits into its database is an engine.
impl<E> Engine for E
where
    E: ExecuteCommitEvm<
            Tx = TxEnv,
            Block = BlockEnv,
            ExecutionResult = ExecutionResult,
            State = EvmState,
        >,
    E::Error: std::fmt::Debug,
{
    fn begin_block(&mut self, block: BlockEnv) {
        self.set_block(block);
    }

    fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult> {
        self.transact_commit(tx).map_err(|error| anyhow!("invalid transaction: {error:?}"))
    }

    fn attempt(&mut self, tx: TxEnv) -> Result<ResultAndState> {
        self.transact(tx).map_err(|error| anyhow!("invalid transaction: {error:?}"))
    }

    fn commit(&mut self, changes: EvmState) {
        ExecuteCommitEvm::commit(self, changes);
    }
}

/// Stock Ethereum on an empty state in memory, where `rich` own one ether each.
pub fn ethereum(rich: &[Address]) -> Box<dyn Engine> {
    let ether = U256::from(10).pow(U256::from(18));
    let mut state = CacheDB::new(EmptyDB::new());
    for address in rich {
        state.insert_account_info(*address, AccountInfo::from_balance(ether));
    }
    let context = Context::mainnet()
        .with_db(state)
        .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SPEC));
    Box::new(context.build_mainnet())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain that is not a revm by itself may still be an engine.
    struct Wrapped(Box<dyn Engine>);

    impl Engine for Wrapped {
        fn begin_block(&mut self, block: BlockEnv) {
            self.0.begin_block(block);
        }

        fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult> {
            self.0.run(tx)
        }

        fn attempt(&mut self, tx: TxEnv) -> Result<ResultAndState> {
            self.0.attempt(tx)
        }

        fn commit(&mut self, changes: EvmState) {
            self.0.commit(changes);
        }
    }

    #[test]
    fn an_engine_can_wrap_another() {
        let mut engine = Wrapped(ethereum(&[]));
        engine.begin_block(BlockEnv::default());
        let tx = TxEnv { gas_limit: 21_000, chain_id: None, ..TxEnv::default() };
        assert_eq!(engine.run(tx).unwrap().tx_gas_used(), 21_000);
    }
}
