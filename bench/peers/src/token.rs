//! The plain ERC-20 that stands for an asset beside the peers.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolValue, sol};
use anyhow::Result;

use crate::chain::Chain;

sol! {
    #[allow(missing_docs)]
    interface IToken {
        function mint(address to, uint256 value) external;
        function approve(address spender, uint256 value) external returns (bool);
        function balanceOf(address owner) external view returns (uint256);
    }
}

/// Deploys one that anyone may mint.
///
/// # Errors
/// The deployment failed.
pub fn deploy(
    chain: &mut Chain<'_>,
    admin: Address,
    symbol: &str,
    decimals: u8,
) -> Result<Address> {
    let arguments = (symbol, symbol, U256::from(decimals)).abi_encode_params();
    chain.deploy(admin, "Token", &arguments)
}
