//! Reverse diffs: what recent blocks changed, and what it was before.
//!
//! ```text
//! value(N) = previous value noted by the first block above N that changed it,
//!            or the current value if no later block did
//! ```

use crate::{
    Account, Damage, Prepared, StateError,
    account::address_of,
    database::Batch,
    snapshot::Snapshot,
    tables::{self, ADDRESS_BYTES, SLOT_KEY_BYTES, Space},
};
use alloy_primitives::{Address, U256};
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

    /// The values that batches write.
    pub(crate) fn of(batches: &[Batch]) -> Result<Self, Damage> {
        let mut keys = Self::default();
        for batch in batches {
            for (address, _) in batch.writes(Space::Accounts) {
                keys.accounts.insert(address_of(address, Space::Accounts)?);
            }
            for (key, _) in batch.writes(Space::Storage) {
                keys.slots.insert(tables::split_slot_key(key, Space::Storage)?);
            }
        }
        Ok(keys)
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
pub(crate) fn record(batch: &mut Batch, prepared: &Prepared, number: u64) {
    for (address, change) in &prepared.accounts {
        let key = tables::height_key(address.as_slice(), number);
        let old = change.old.map(|old| old.encode().to_vec());
        batch.put(Space::AccountHistory, key, old.unwrap_or_default());
    }
    for ((address, slot), change) in &prepared.slots {
        let key = tables::height_key(&tables::slot_key(*address, *slot), number);
        batch.put(Space::StorageHistory, key, tables::encode_value(change.old));
    }
    batch.put(Space::BlockChanges, number.to_be_bytes(), ChangedKeys::encode(prepared));
}

/// Discards diffs that no height from `target` on needs, and returns the oldest readable height.
pub(crate) fn prune(
    snapshot: &Snapshot,
    batch: &mut Batch,
    target: u64,
) -> Result<u64, StateError> {
    let oldest = snapshot.oldest()?;
    let target = target.min(oldest.saturating_add(PRUNED_PER_COMMIT_MAX)).max(oldest);
    for number in oldest + 1..=target {
        let mut keys = ChangedKeys::default();
        let key = number.to_be_bytes();
        if let Some(bytes) = snapshot.get(Space::BlockChanges, &key)? {
            keys.add(&bytes)?;
        }
        batch.remove(Space::BlockChanges, key);
        for address in keys.accounts {
            batch.remove(Space::AccountHistory, tables::height_key(address.as_slice(), number));
        }
        for (address, slot) in keys.slots {
            let key = tables::height_key(&tables::slot_key(address, slot), number);
            batch.remove(Space::StorageHistory, key);
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
