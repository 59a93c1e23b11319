//! An EVM with the native contracts in it.

use crate::contracts;
use alloy_evm::eth::{EthEvm, EthEvmBuilder, EthEvmContext};
use alloy_evm::precompiles::{DynPrecompile, PrecompilesMap};
use alloy_evm::{Database, EvmEnv};
use alloy_primitives::Address;
use gage_core::address::Native;
use revm::Inspector;
use revm::precompile::{PrecompileId, PrecompileSpecId, Precompiles};

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

/// Whether `address` has the form of a native contract's; it may not exist yet.
#[must_use]
pub fn is_native(address: Address) -> bool {
    Native::at(address).is_some()
}
