//! The native contracts: where they are, and calls to them as transactions.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use gage_core::{
    address::Native,
    ids::{AssetId, VaultId},
};

use crate::keys::Call;

/// Creates assets and vaults, and finds everything.
pub(crate) const REGISTRY: Address = Native::Registry.address();

/// Every feed.
pub(crate) const ORACLE: Address = Native::Oracle.address();

/// Every market, every account.
pub(crate) const MARKET: Address = Native::Market.address();

/// A vault, which is also its shares' token.
pub(crate) const fn vault(id: u32) -> Address {
    Native::Vault(VaultId::new(id)).address()
}

/// An asset's token.
pub(crate) const fn asset(id: u32) -> Address {
    Native::Asset(AssetId::new(id)).address()
}

/// The id of a vault's address.
pub(crate) fn vault_id(address: Address) -> Option<u32> {
    match Native::at(address) {
        Some(Native::Vault(id)) => Some(id.get()),
        _ => None,
    }
}

/// A call of a native contract as a transaction; `what` says it in words.
pub(crate) fn call<C: SolCall>(to: Address, call: &C, what: impl Into<String>) -> Call {
    let input = Bytes::from(call.abi_encode());
    Call { to, value: U256::ZERO, input, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn addresses_are_those_of_the_readme() {
        assert_eq!(asset(1), address!("6761676505000000000000000000000000000001"));
        assert_eq!(MARKET, address!("6761676503000000000000000000000000000000"));
        assert_eq!(vault(1), address!("6761676504000000000000000000000000000001"));
        assert_eq!(vault_id(vault(7)), Some(7));
        assert_eq!(vault_id(asset(7)), None);
    }
}
