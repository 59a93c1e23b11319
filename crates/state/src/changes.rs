//! What a block changes.

use crate::AccountInfo;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::database::{BundleAccount, BundleState};
use std::collections::BTreeMap;

/// The accounts and slots a block leaves different, with their new values.
///
/// Values equal to the old ones are allowed and cost little.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New values by account.
    pub accounts: BTreeMap<Address, AccountChange>,
}

/// What a block makes of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account after the block. `None`, or an account that is empty by EIP-161, removes it
    /// together with its storage.
    pub info: Option<AccountInfo>,
    /// The code, if the store may not have it yet.
    pub code: Option<Bytes>,
    /// New slot values; zero removes the slot.
    pub storage: BTreeMap<U256, U256>,
    /// Whether slots not listed in `storage` are removed, as when the account was destroyed
    /// and created again.
    pub wipe_storage: bool,
}

impl AccountChange {
    /// An account with these values, its storage and code as they were.
    pub fn new(info: AccountInfo) -> Self {
        Self { info: Some(info), ..Self::default() }
    }

    /// The removal of an account.
    pub fn removed() -> Self {
        Self::default()
    }

    /// The account after the block, `None` if it does not exist then.
    pub(crate) fn info_if_any(&self) -> Option<AccountInfo> {
        self.info.filter(|info| !info.is_empty())
    }

    fn from_bundle(account: &BundleAccount, bundle: &BundleState) -> Self {
        let Some(info) = account.info.as_ref().filter(|info| !info.is_empty()) else {
            return Self::removed();
        };
        let code_hash = match info.code_hash {
            B256::ZERO => KECCAK256_EMPTY,
            hash => hash,
        };
        let code = account
            .is_contract_changed()
            .then(|| bundle.contracts.get(&code_hash).or(info.code.as_ref()))
            .flatten()
            .filter(|code| !code.is_empty())
            .map(|code| code.original_bytes());
        let wipe_storage = account.was_destroyed();
        // The original values of a destroyed account are those of the account before it, and
        // say nothing about the new one.
        let storage = account
            .storage
            .iter()
            .filter(|(_, slot)| wipe_storage || slot.is_changed())
            .map(|(key, slot)| (*key, slot.present_value))
            .collect();
        let info = AccountInfo { nonce: info.nonce, balance: info.balance, code_hash };
        Self { info: Some(info), code, storage, wipe_storage }
    }
}

impl From<&BundleState> for Changes {
    /// The net effect of the bundle, which must start from the state the changes are for.
    fn from(bundle: &BundleState) -> Self {
        let changed = bundle.state.iter().filter(|(_, account)| {
            account.is_info_changed()
                || account.was_destroyed()
                || account.storage.values().any(|slot| slot.is_changed())
        });
        let accounts = changed
            .map(|(address, account)| (*address, AccountChange::from_bundle(account, bundle)))
            .collect();
        Self { accounts }
    }
}
