//! Keys: the dev accounts that everyone knows, the demo's actors, and signing.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use anyhow::Context as _;

/// The phrase that development chains share. Everyone knows these keys: never use them for value.
pub(crate) const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Accounts that a dev chain prints.
pub(crate) const DEV_ACCOUNTS: u32 = 10;

/// What a dev account is for, by its index.
pub(crate) mod dev {
    /// Liquidates in the demo.
    pub(crate) const KEEPER: u32 = 7;
    /// Signs the demo's prices.
    pub(crate) const PUBLISHER: u32 = 8;
    /// Governance, guardian, issuer of assets, curator of vaults, owner of markets.
    pub(crate) const GOVERNANCE: u32 = 9;
    /// Hands the demo's funds out; not among the accounts that are printed.
    pub(crate) const TREASURY: u32 = 10;
    /// Pays what the faucet gives; not printed either.
    pub(crate) const FAUCET: u32 = 11;
}

/// A dev account by its index.
pub(crate) fn dev_key(index: u32) -> anyhow::Result<PrivateKeySigner> {
    let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).index(index)?;
    Ok(builder.build()?)
}

/// The key of one of the demo's actors: told from the seed, so that a restart finds it again.
pub(crate) fn actor_key(seed: u64, role: &str, index: u32) -> anyhow::Result<PrivateKeySigner> {
    let name = format!("gage demo, seed {seed}, {role} {index}");
    Ok(PrivateKeySigner::from_bytes(&keccak256(name))?)
}

/// Reads a private key of 32 bytes in hex, with or without `0x`.
pub(crate) fn parse_key(text: &str) -> anyhow::Result<PrivateKeySigner> {
    let bytes: B256 = text.trim().parse().ok().context("a private key is 64 hex digits")?;
    PrivateKeySigner::from_bytes(&bytes).context("this private key is outside the curve's order")
}

/// The key as other dev chains print it.
pub(crate) fn key_hex(key: &PrivateKeySigner) -> String {
    key.to_bytes().to_string()
}

/// What a transaction does: a call with value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
    /// In words, for progress and errors.
    pub(crate) what: String,
}

/// What a transaction pays, and where it stands among its sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) gas_limit: u64,
    /// Wei for a unit of gas, at most.
    pub(crate) fee_max: u128,
    /// Wei for a unit of gas to the proposer.
    pub(crate) tip: u128,
}

/// A signed EIP-1559 transaction, as it goes over the wire.
pub(crate) fn sign(
    key: &PrivateKeySigner,
    call: &Call,
    terms: Terms,
) -> anyhow::Result<SignedCall> {
    let tx = TxEip1559 {
        chain_id: terms.chain_id,
        nonce: terms.nonce,
        gas_limit: terms.gas_limit,
        max_fee_per_gas: terms.fee_max,
        max_priority_fee_per_gas: terms.tip,
        to: TxKind::Call(call.to),
        value: call.value,
        access_list: Default::default(),
        input: call.input.clone(),
    };
    let signature = key.sign_hash_sync(&tx.signature_hash())?;
    let signed = TxEnvelope::from(tx.into_signed(signature));
    Ok(SignedCall { hash: *signed.tx_hash(), raw: signed.encoded_2718() })
}

/// A transaction's bytes and hash.
#[derive(Clone, Debug)]
pub(crate) struct SignedCall {
    pub(crate) hash: B256,
    pub(crate) raw: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn dev_accounts_are_those_of_other_dev_chains() {
        let first = dev_key(0).unwrap();
        assert_eq!(first.address(), address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        let hex = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        assert_eq!(key_hex(&first), hex);
        assert_eq!(parse_key(hex).unwrap().address(), first.address());
        assert_eq!(parse_key(&hex[2..]).unwrap().address(), first.address());
        let ninth = dev_key(9).unwrap();
        assert_eq!(ninth.address(), address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"));
    }

    #[test]
    fn nonsense_is_no_key() {
        for text in ["", "0x", "0x12", &"0".repeat(64), &"f".repeat(64), &"g".repeat(64)] {
            assert!(parse_key(text).is_err(), "{text}");
        }
    }

    #[test]
    fn actors_differ_by_seed_role_and_index() {
        let key = |seed, role, index| actor_key(seed, role, index).unwrap().address();
        let all =
            [key(1, "lender", 0), key(2, "lender", 0), key(1, "borrower", 0), key(1, "lender", 1)];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(key(1, "lender", 0), key(1, "lender", 0));
    }
}
