//! Accounts, as the trie commits to them and as they are stored.

use crate::{Damage, tables::Space};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};

/// What the EVM knows of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountInfo {
    /// Transactions sent, or contracts created plus one for a contract.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Keccak-256 of the code, [`KECCAK256_EMPTY`] without code.
    pub code_hash: B256,
}

impl AccountInfo {
    /// Whether the account does not exist by EIP-161: no nonce, no balance, no code.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }
}

impl Default for AccountInfo {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

/// An account with the root of its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Nonce, balance and code hash.
    pub info: AccountInfo,
    /// Root of the storage trie, [`EMPTY_ROOT_HASH`] without storage.
    pub storage_root: B256,
}

/// A stored account: nonce, balance, code hash, storage root, all big-endian.
pub(crate) const ACCOUNT_BYTES: usize = 8 + 32 + 32 + 32;

impl Account {
    /// The value of the account's leaf in the state trie.
    pub(crate) fn trie_value(&self) -> Vec<u8> {
        alloy_rlp::encode(self.trie_account())
    }

    /// The account as `alloy_trie` writes it.
    pub(crate) fn trie_account(&self) -> TrieAccount {
        let AccountInfo { nonce, balance, code_hash } = self.info;
        TrieAccount::new(nonce, balance, self.storage_root, code_hash)
    }

    pub(crate) fn encode(&self) -> [u8; ACCOUNT_BYTES] {
        let mut bytes = [0; ACCOUNT_BYTES];
        bytes[..8].copy_from_slice(&self.info.nonce.to_be_bytes());
        bytes[8..40].copy_from_slice(&self.info.balance.to_be_bytes::<32>());
        bytes[40..72].copy_from_slice(self.info.code_hash.as_slice());
        bytes[72..].copy_from_slice(self.storage_root.as_slice());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], space: Space) -> Result<Self, Damage> {
        let invalid = || Damage::RowInvalid { table: space.name() };
        let bytes: &[u8; ACCOUNT_BYTES] = bytes.try_into().map_err(|_| invalid())?;
        let nonce = u64::from_be_bytes(bytes[..8].try_into().map_err(|_| invalid())?);
        let info = AccountInfo {
            nonce,
            balance: U256::from_be_slice(&bytes[8..40]),
            code_hash: B256::from_slice(&bytes[40..72]),
        };
        Ok(Self { info, storage_root: B256::from_slice(&bytes[72..]) })
    }
}

impl Default for Account {
    fn default() -> Self {
        Self { info: AccountInfo::default(), storage_root: EMPTY_ROOT_HASH }
    }
}

/// An address from the first bytes of a key.
pub(crate) fn address_of(key: &[u8], space: Space) -> Result<Address, Damage> {
    let bytes = key.get(..20).ok_or(Damage::RowInvalid { table: space.name() })?;
    Ok(Address::from_slice(bytes))
}
