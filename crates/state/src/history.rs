//! Reverse diffs: what recent blocks changed, and what it was before.
//!
//! ```text
//! value(N) = previous value noted by the first block above N that changed it,
//!            or the current value if no later block did
//! ```

use crate::{
    Account, Damage, Prepared, StateError,
    account::address_of,
    snapshot::Snapshot,
    tables::{self, ADDRESS_BYTES, SLOT_KEY_BYTES, Space},
};
use alloy_primitives::{Address, U256};
use redb::{ReadableTable, WriteTransaction};
use std::{collections::BTreeSet, ops::Bound};

/// Blocks whose diffs one commit discards at most, so that a shorter window is reached in steps
/// and no commit takes long.
const PRUNED_PER_COMMIT_MAX: u64 = 8;

/// The keys a block changed.
#[derive(Debug, Default)]
pub(crate) struct ChangedKeys {
    pub(crate) accounts: BTreeSet<Address>,
    pub(crate) slots: BTreeSet<(Address, U256)>,
}

impl ChangedKeys {
    /// The number of accounts, the accounts, the slots with their accounts.
    fn encode(prepared: &Prepared) -> Vec<u8> {
        let accounts = prepared.accounts.len() as u64;
        let mut bytes = accounts.to_be_bytes().to_vec();
        for address in prepared.accounts.keys() {
            bytes.extend_from_slice(address.as_slice());
        }
        for (address, slot) in prepared.slots.keys() {
            bytes.extend_from_slice(&tables::slot_key(*address, *slot));
        }
        bytes
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Damage> {
        let space = Space::BlockChanges;
        let invalid = || Damage::RowInvalid { table: space.name() };
        let (count, rest) = bytes.split_at_checked(8).ok_or_else(invalid)?;
        let count = tables::decode_number(count, space)?;
        let length = usize::try_from(count).ok().and_then(|n| n.checked_mul(ADDRESS_BYTES));
        let (accounts, slots) =
            length.and_then(|length| rest.split_at_checked(length)).ok_or_else(invalid)?;
        for address in accounts.chunks_exact(ADDRESS_BYTES) {
            self.accounts.insert(address_of(address, space)?);
        }
        for key in slots.chunks(SLOT_KEY_BYTES) {
            self.slots.insert(tables::split_slot_key(key, space)?);
        }
        Ok(())
    }

    /// What the blocks after `number` changed.
    pub(crate) fn after(snapshot: &Snapshot, number: u64) -> Result<Self, StateError> {
        let mut keys = Self::default();
        let from = number.to_be_bytes();
        for row in snapshot.range(Space::BlockChanges, Bound::Excluded(&from), Bound::Unbounded)? {
            keys.add(&row?.1)?;
        }
        Ok(keys)
    }
}

/// Notes the values that block `number` replaces.
pub(crate) fn record(
    transaction: &WriteTransaction,
    prepared: &Prepared,
    number: u64,
) -> Result<(), StateError> {
    let mut accounts = transaction.open_table(Space::AccountHistory.definition())?;
    for (address, change) in &prepared.accounts {
        let key = tables::height_key(address.as_slice(), number);
        let old = change.old.map(|old| old.encode());
        accounts.insert(&*key, old.as_ref().map_or(&[][..], |old| old))?;
    }
    let mut slots = transaction.open_table(Space::StorageHistory.definition())?;
    for ((address, slot), change) in &prepared.slots {
        let key = tables::height_key(&tables::slot_key(*address, *slot), number);
        slots.insert(&*key, &*tables::encode_value(change.old))?;
    }
    let mut changes = transaction.open_table(Space::BlockChanges.definition())?;
    changes.insert(&number.to_be_bytes()[..], &*ChangedKeys::encode(prepared))?;
    Ok(())
}

/// Discards diffs that no height in the window needs, and returns the oldest readable height.
pub(crate) fn prune(
    transaction: &WriteTransaction,
    oldest: u64,
    target: u64,
) -> Result<u64, StateError> {
    let target = target.min(oldest.saturating_add(PRUNED_PER_COMMIT_MAX)).max(oldest);
    let mut changes = transaction.open_table(Space::BlockChanges.definition())?;
    let mut accounts = transaction.open_table(Space::AccountHistory.definition())?;
    let mut slots = transaction.open_table(Space::StorageHistory.definition())?;
    for number in oldest + 1..=target {
        let mut keys = ChangedKeys::default();
        if let Some(bytes) = changes.remove(&number.to_be_bytes()[..])? {
            keys.add(bytes.value())?;
        }
        for address in keys.accounts {
            accounts.remove(&*tables::height_key(address.as_slice(), number))?;
        }
        for (address, slot) in keys.slots {
            slots.remove(&*tables::height_key(&tables::slot_key(address, slot), number))?;
        }
    }
    Ok(target)
}

/// The account at a height that is in the window.
pub(crate) fn account_at(
    snapshot: &Snapshot,
    address: Address,
    number: u64,
) -> Result<Option<Account>, StateError> {
    let space = Space::AccountHistory;
    match next_diff(snapshot, space, address.as_slice(), number)? {
        None => snapshot.account(address),
        Some(old) if old.is_empty() => Ok(None),
        Some(old) => Ok(Some(Account::decode(&old, space)?)),
    }
}

/// The slot at a height that is in the window.
pub(crate) fn slot_at(
    snapshot: &Snapshot,
    address: Address,
    slot: U256,
    number: u64,
) -> Result<U256, StateError> {
    let space = Space::StorageHistory;
    match next_diff(snapshot, space, &tables::slot_key(address, slot), number)? {
        None => snapshot.slot(address, slot),
        Some(old) => Ok(tables::decode_value(&old, space)?),
    }
}

/// The value of `key` that the first block after `number` to change it replaced.
fn next_diff(
    snapshot: &Snapshot,
    space: Space,
    key: &[u8],
    number: u64,
) -> Result<Option<Vec<u8>>, StateError> {
    let from = tables::height_key(key, number);
    let to = tables::height_key(key, u64::MAX);
    let mut rows = snapshot.range(space, Bound::Excluded(&from), Bound::Included(&to))?;
    Ok(rows.next().transpose()?.map(|(_, old)| old))
}

/// The oldest readable height, inside a write transaction.
pub(crate) fn oldest(transaction: &WriteTransaction) -> Result<u64, StateError> {
    let table = transaction.open_table(Space::System.definition())?;
    let oldest = table.get(tables::system::OLDEST)?;
    let oldest = oldest.map(|bytes| tables::decode_number(bytes.value(), Space::System));
    Ok(oldest.transpose()?.unwrap_or_default())
}
