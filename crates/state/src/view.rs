//! Consistent reads at one height.

use crate::{
    Account, AccountInfo, Damage, Head, StateError, Store, Table,
    account::address_of,
    database::Rows,
    history::{self, ChangedKeys},
    overlay::Overlaid,
    snapshot::Snapshot,
    tables::Space,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::{DatabaseRef, bytecode::Bytecode, state};
use std::{collections::BTreeMap, fmt, ops::Bound, sync::Arc};

/// The state after one block, and the block records as of the moment the view was made. Blocks
/// committed later do not show. Clones share the same moment; while one is alive, the pages it
/// can see stay in the file, so do not keep it longer than a request or a block.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    snapshot: Snapshot,
    number: u64,
    head: Head,
    hash: B256,
    root: B256,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("number", &self.inner.number).finish_non_exhaustive()
    }
}

impl View {
    pub(crate) fn new(
        store: Store,
        snapshot: Snapshot,
        head: Head,
        number: u64,
    ) -> Result<Self, StateError> {
        if number > head.number {
            return Err(StateError::NotYet { asked: number, head: head.number });
        }
        let oldest = snapshot.oldest()?;
        if number < oldest {
            return Err(StateError::Pruned { asked: number, oldest });
        }
        let (hash, root) = snapshot.block(number)?;
        Ok(Self { inner: Arc::new(Inner { store, snapshot, number, head, hash, root }) })
    }

    /// The height of the state.
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// The hash of the block at this height.
    pub fn hash(&self) -> B256 {
        self.inner.hash
    }

    /// The state root at this height.
    pub fn root(&self) -> B256 {
        self.inner.root
    }

    /// The last block committed when the view was made.
    pub fn head(&self) -> Head {
        self.inner.head
    }

    /// The lowest height that could be read when the view was made.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn oldest(&self) -> Result<u64, StateError> {
        self.inner.snapshot.oldest()
    }

    /// The account, `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Only if the storage fails or is damaged.
    pub fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        if self.is_current() {
            return self.inner.snapshot.account(address);
        }
        history::account_at(&self.inner.snapshot, address, self.inner.number)
    }

    /// The value of a slot, zero if it was never set.
    ///
    /// # Errors
    ///
    /// Only if the storage fails or is damaged.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if self.is_current() {
            return self.inner.snapshot.slot(address, slot);
        }
        history::slot_at(&self.inner.snapshot, address, slot, self.inner.number)
    }

    /// Code by its hash, `None` if it is not stored. Code is never removed.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StateError> {
        if code_hash == KECCAK256_EMPTY {
            return Ok(Some(Bytes::new()));
        }
        self.inner.snapshot.code(code_hash)
    }

    /// The hash of a block at or below this height, `None` above it.
    ///
    /// # Errors
    ///
    /// Only if the storage fails or is damaged.
    pub fn block_hash(&self, number: u64) -> Result<Option<B256>, StateError> {
        if number > self.inner.number {
            return Ok(None);
        }
        self.inner.snapshot.block(number).map(|(hash, _)| Some(hash))
    }

    /// A block record, as of the head when the view was made.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.inner.snapshot.get(table.into(), key)
    }

    /// The block records between two keys, as of the head when the view was made.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn range(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        self.inner.snapshot.range(table.into(), from, to)
    }

    /// All accounts, by address.
    ///
    /// # Errors
    ///
    /// Only if the storage fails or is damaged.
    pub fn accounts(
        &self,
    ) -> Result<impl Iterator<Item = Result<(Address, Account), StateError>> + use<>, StateError>
    {
        let rows = self.inner.snapshot.with_prefix(Space::Accounts, &[])?.map(|row| {
            let (key, value) = row?;
            let address = address_of(&key, Space::Accounts)?;
            Ok((address, Account::decode(&value, Space::Accounts)?))
        });
        Ok(Overlaid::new(rows, self.accounts_then()?))
    }

    /// The slots of an account that are not zero, by slot.
    ///
    /// # Errors
    ///
    /// Only if the storage fails or is damaged.
    pub fn storage_of(
        &self,
        address: Address,
    ) -> Result<impl Iterator<Item = Result<(U256, U256), StateError>> + use<>, StateError> {
        let rows = self.inner.snapshot.slots(address)?;
        let then = self.slots_then(address)?.into_iter();
        let then = then.map(|(slot, value)| (slot, Some(value).filter(|v| !v.is_zero())));
        Ok(Overlaid::new(rows, then.collect()))
    }

    /// Accounts that were different at this height from now, as they were.
    pub(crate) fn accounts_then(&self) -> Result<BTreeMap<Address, Option<Account>>, StateError> {
        let keys = self.changed_since()?.accounts.into_iter();
        keys.map(|address| Ok((address, self.account(address)?))).collect()
    }

    /// Slots of an account that were different at this height from now, as they were.
    pub(crate) fn slots_then(&self, address: Address) -> Result<BTreeMap<U256, U256>, StateError> {
        let keys = self.changed_since()?.slots;
        let of_account = keys.range((address, U256::ZERO)..=(address, U256::MAX));
        of_account.map(|(_, slot)| Ok((*slot, self.storage(address, *slot)?))).collect()
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.inner.snapshot
    }

    fn is_current(&self) -> bool {
        self.inner.number == self.inner.head.number
    }

    pub(crate) fn changed_since(&self) -> Result<ChangedKeys, StateError> {
        ChangedKeys::after(&self.inner.snapshot, self.inner.number)
    }
}

impl DatabaseRef for View {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<state::AccountInfo>, StateError> {
        let account = self.account(address)?;
        Ok(account.map(|account| {
            let AccountInfo { nonce, balance, code_hash } = account.info;
            state::AccountInfo { nonce, balance, code_hash, code: None, ..Default::default() }
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        if code_hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        self.inner.store.bytecode(&self.inner.snapshot, code_hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        Ok(self.block_hash(number)?.ok_or(Damage::BlockMissing { number })?)
    }
}
