//! The plain ERC-20 that stands for an asset beside the peers.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolValue;
use anyhow::Result;

use crate::chain::Chain;

pub use calls::IToken;

/// What is called, as its authors declare it.
#[allow(missing_docs, clippy::too_many_arguments, reason = "generated")]
mod calls {
    use alloy_sol_types::sol;

    sol! {
        interface IToken {
            function mint(address to, uint256 value) external;
            function approve(address spender, uint256 value) external returns (bool);
            function balanceOf(address owner) external view returns (uint256);
        }
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
