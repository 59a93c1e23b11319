//! Genesis blocks: the development chain's, and the example that `gage genesis` prints.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U256};
use gage_chain::{Genesis, GenesisAccount, ProtocolRoles, WrappedNative};

use crate::keys::{DEV_ACCOUNTS, dev, dev_key};

/// The development chain's id.
pub(crate) const DEV_CHAIN_ID: u64 = 4243;

/// Coins of each dev account.
pub(crate) const DEV_COINS: u64 = 10_000;

/// Coins of the accounts that hand out the demo's funds and the faucet's.
const TREASURY_COINS: u64 = 10_000_000;

/// Gas of a block.
const GAS_LIMIT: u64 = 120_000_000;

/// Wei for a unit of gas in block 0.
const BASE_FEE: u64 = 1_000_000_000;

/// The development chain's first block.
pub(crate) fn development(timestamp: u64) -> anyhow::Result<Genesis> {
    let mut alloc = BTreeMap::new();
    for index in 0..=dev::FAUCET {
        let coins = if index < DEV_ACCOUNTS { DEV_COINS } else { TREASURY_COINS };
        let balance = U256::from(coins) * U256::from(10_u64.pow(18));
        let account = GenesisAccount { balance, ..GenesisAccount::default() };
        alloc.insert(dev_key(index)?.address(), account);
    }
    let governance = dev_key(dev::GOVERNANCE)?.address();
    Ok(Genesis {
        chain_id: DEV_CHAIN_ID,
        timestamp,
        gas_limit: GAS_LIMIT,
        base_fee_per_gas: BASE_FEE,
        extra_data: Bytes::from_static(b"gage dev"),
        beneficiary: governance,
        alloc,
        protocol: ProtocolRoles {
            governance,
            guardian: governance,
            wrapped_native: WrappedNative { name: "Wrapped Ether".into(), symbol: "WETH".into() },
        },
    })
}

/// An example that can be used as it is.
pub(crate) const EXAMPLE: &str = r#"{
  "chainId": 4244,
  "timestamp": 1732320000,
  "gasLimit": 120000000,
  "baseFeePerGas": "1000000000",
  "extraData": "0x",
  "beneficiary": "0x0000000000000000000000000000000000000000",
  "alloc": {
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266": { "balance": "10000000000000000000000" }
  },
  "protocol": {
    "governance": "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
    "guardian": "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
    "wrappedNative": { "name": "Wrapped Gage", "symbol": "WGAGE" }
  }
}
"#;

/// What each field of a genesis is.
pub(crate) const FIELDS: &str = "\
chainId        whose transactions these are (EIP-155); required
timestamp      Unix seconds of block 0
gasLimit       gas of a block
baseFeePerGas  wei for a unit of gas in block 0
extraData      at most 32 bytes, in every header
beneficiary    named in block 0
alloc          accounts from the start: balance (wei), nonce, code, storage
protocol       governance (may hand over every role, lower pauses), guardian (may stop things for a while),
               wrappedNative (name and symbol of asset 1); required
The example's accounts are those of development chains: everyone knows their keys. Name your own.
Numbers are JSON numbers, decimal strings or 0x hex strings. Unknown fields are refused.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_genesis() {
        assert_eq!(Genesis::from_json(EXAMPLE).unwrap().chain_id, 4244);
    }

    #[test]
    fn the_development_genesis_is_valid_and_reads_back() {
        let genesis = development(1_722_466_800).unwrap();
        genesis.validate().unwrap();
        assert_eq!(genesis.alloc.len(), 12);
        let json = serde_json::to_string(&genesis).unwrap();
        assert_eq!(Genesis::from_json(&json).unwrap(), genesis);
    }
}
