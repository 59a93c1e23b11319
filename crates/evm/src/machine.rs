//! An EVM with the native contracts in it.

use crate::contracts;
use alloy_evm::eth::{EthEvm, EthEvmBuilder, EthEvmContext};
use alloy_evm::precompiles::{DynPrecompile, PrecompilesMap};
use alloy_evm::{Database, EvmEnv};
use alloy_primitives::{Address, Bytes};
use gage_abi::SYSTEM_ADDRESS;
use gage_core::address::PREFIX;
use revm::context::result::{EVMError, ResultAndState};
use revm::context::{ContextSetters, TxEnv};
use revm::handler::{MainnetHandler, SystemCallTx};
use revm::inspector::InspectorHandler;
use revm::precompile::{PrecompileId, PrecompileSpecId, Precompiles};
use revm::{ExecuteEvm, Inspector};

const NAME: PrecompileId = PrecompileId::Custom(std::borrow::Cow::Borrowed("gage"));

/// An EVM over `db` in which native contracts run, with Ethereum's precompiles of the rules in
/// `env`. The inspector sleeps until [`alloy_evm::Evm::enable_inspector`].
pub fn evm<DB, I>(db: DB, env: EvmEnv, inspector: I) -> EthEvm<DB, I, PrecompilesMap>
where
    DB: Database,
    I: Inspector<EthEvmContext<DB>>,
{
    let rules = PrecompileSpecId::from_spec_id(env.cfg_env.spec);
    let mut precompiles = PrecompilesMap::from_static(Precompiles::new(rules));
    precompiles.set_precompile_lookup(|address: &Address| {
        is_native(*address).then(|| DynPrecompile::new_stateful(NAME, contracts::run))
    });
    EthEvmBuilder::new(db, env).inspector(inspector).precompiles(precompiles).build()
}

/// Calls a native contract in the name of the system, with as much gas as the caller gives. Nothing is
/// committed. The inspector sees the call, and sleeps afterwards.
///
/// # Errors
/// The database's; a call that fails is none.
#[expect(clippy::type_complexity, reason = "the types are revm's")]
pub fn system_call<DB, I>(
    evm: EthEvm<DB, I, PrecompilesMap>,
    to: Address,
    (data, gas_limit): (Bytes, u64),
) -> (EthEvm<DB, I, PrecompilesMap>, Result<ResultAndState, EVMError<DB::Error>>)
where
    DB: Database,
    I: Inspector<EthEvmContext<DB>>,
{
    let mut inner = evm.into_inner();
    let call = TxEnv::new_system_tx_with_caller(SYSTEM_ADDRESS, to, data);
    inner.ctx.set_tx(TxEnv { gas_limit, ..call });
    let result = MainnetHandler::default().inspect_run_system_call(&mut inner);
    let done = result.map(|result| ResultAndState { result, state: inner.finalize() });
    (EthEvm::new(inner, false), done)
}

/// Whether `address` is kept for native contracts. While none is there, every call to it is refused; what
/// `CREATE2` puts there can never be called.
#[must_use]
pub fn is_native(address: Address) -> bool {
    address.starts_with(&PREFIX)
}
