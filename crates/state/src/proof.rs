//! EIP-1186 proofs: what an account and its slots are, for someone who knows only the state root.

use crate::{
    Account, AccountInfo, Damage, StateError, View, prepare,
    trie::{self, StoredNodes, Trie},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use std::collections::BTreeMap;

/// An account and some of its slots, or their absence, with the trie nodes that prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProof {
    /// The account.
    pub address: Address,
    /// Nonce, balance and code hash; those of an empty account if it does not exist.
    pub info: AccountInfo,
    /// Whether the account exists.
    pub exists: bool,
    /// Root of its storage, `EMPTY_ROOT_HASH` without storage.
    pub storage_hash: B256,
    /// RLP of the nodes from the state root towards the account; empty for an empty state.
    pub account_proof: Vec<Bytes>,
    /// One for each slot asked for, in that order.
    pub storage_proofs: Vec<StorageProof>,
}

/// A slot's value with the trie nodes that prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageProof {
    /// The slot.
    pub slot: U256,
    /// Its value, zero if it is not set.
    pub value: U256,
    /// RLP of the nodes from the storage root towards the slot; empty for empty storage.
    pub proof: Vec<Bytes>,
}

impl View {
    /// Proves an account and some of its slots, or that they do not exist, at this height.
    ///
    /// The tries of blocks since the last checkpoint are in memory. For earlier ones the changes since are undone in
    /// memory first, which takes time and memory in proportion to them; the root that comes out is compared with the one
    /// stored.
    ///
    /// # Errors
    ///
    /// Only if the storage fails or is damaged.
    ///
    /// Source: EIP-1186.
    pub fn proof(&self, address: Address, slots: &[U256]) -> Result<AccountProof, StateError> {
        let account = self.account(address)?;
        let mut trie = match self.snapshot().forest_of(self.number()) {
            Some(forest) => forest.trie(self.snapshot(), None, self.root()),
            None => self.undone_state_trie()?,
        };
        let account_proof = trie.proof(trie::key(address))?;
        let storage_hash = account.unwrap_or_default().storage_root;
        Ok(AccountProof {
            address,
            info: account.unwrap_or_default().info,
            exists: account.is_some(),
            storage_hash,
            account_proof,
            storage_proofs: self.storage_proofs(address, storage_hash, slots)?,
        })
    }

    fn storage_proofs(
        &self,
        address: Address,
        storage_root: B256,
        slots: &[U256],
    ) -> Result<Vec<StorageProof>, StateError> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let mut trie = match self.snapshot().forest_of(self.number()) {
            Some(forest) => forest.trie(self.snapshot(), Some(address), storage_root),
            None => self.undone_storage_trie(address, storage_root, self.slots_then(address)?)?,
        };
        let prove = |slot: &U256| {
            let proof = trie.proof(trie::key(B256::from(*slot)))?;
            Ok(StorageProof { slot: *slot, value: self.storage(address, *slot)?, proof })
        };
        slots.iter().map(prove).collect()
    }

    /// Undoes what was changed since, in memory, and compares every root with the stored one.
    pub(crate) fn check_history(&self) -> Result<(), StateError> {
        self.undone_state_trie()?;
        // An account none of whose slots changed has the storage root that it has now.
        let mut slots: BTreeMap<Address, BTreeMap<U256, U256>> = BTreeMap::new();
        for (address, slot) in self.changed_since()?.slots {
            slots.entry(address).or_default().insert(slot, self.storage(address, slot)?);
        }
        for (address, then) in slots {
            let account = self.account(address)?.unwrap_or_default();
            self.undone_storage_trie(address, account.storage_root, then)?;
        }
        Ok(())
    }

    /// The account trie at this height, from the head's.
    fn undone_state_trie(&self) -> Result<Trie<StoredNodes<'_>>, StateError> {
        let mut trie = self.snapshot().trie(None, self.head().state_root);
        let leaf = |account: Option<Account>| account.map(|account| account.trie_value());
        let then = self.accounts_then()?.into_iter();
        trie.set_all(then.map(|(address, then)| (trie::key(address), leaf(then))).collect())?;
        let computed = trie.root();
        if computed != self.root() {
            let (number, stored) = (self.number(), self.root());
            return Err(Damage::StateRoot { number, stored, computed }.into());
        }
        Ok(trie)
    }

    /// The storage trie of an account at this height, from the head's, where changed slots were as `then` says.
    fn undone_storage_trie(
        &self,
        address: Address,
        stored: B256,
        then: BTreeMap<U256, U256>,
    ) -> Result<Trie<StoredNodes<'_>>, StateError> {
        let now = self.snapshot().account(address)?.map_or(EMPTY_ROOT_HASH, |a| a.storage_root);
        let mut trie = self.snapshot().trie(Some(address), now);
        trie.set_all(prepare::sorted(then.into_iter()))?;
        let computed = trie.root();
        if computed != stored {
            return Err(Damage::StorageRoot { address, stored, computed }.into());
        }
        Ok(trie)
    }
}
