//! `sol/Gage.sol` as Rust types and as JSON ABIs.

use alloy_json_abi::JsonAbi;

#[allow(missing_docs, clippy::too_many_lines, clippy::too_many_arguments)]
mod generated {
    alloy_sol_types::sol!(
        #[sol(all_derives, abi)]
        "sol/Gage.sol"
    );
}

pub use generated::{
    IAsset, IERC20Permit, IExit, IGageErrors, IMarket, IOracle, IRebasing, IRegistry, IVault,
};

/// The text of `sol/Gage.sol`, for those who compile contracts against it.
pub const SOLIDITY: &str = include_str!("../sol/Gage.sol");

/// Every interface's name and JSON ABI, in the order of the Solidity file.
#[must_use]
pub fn interfaces() -> Vec<(&'static str, JsonAbi)> {
    vec![
        ("IGageErrors", IGageErrors::abi::contract()),
        ("IERC20Permit", IERC20Permit::abi::contract()),
        ("IRebasing", IRebasing::abi::contract()),
        ("IAsset", IAsset::abi::contract()),
        ("IVault", IVault::abi::contract()),
        ("IExit", IExit::abi::contract()),
        ("IMarket", IMarket::abi::contract()),
        ("IOracle", IOracle::abi::contract()),
        ("IRegistry", IRegistry::abi::contract()),
    ]
}
