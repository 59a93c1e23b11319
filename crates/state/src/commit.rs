//! Writing a block: state, trie, history and records in one transaction.

use crate::{
    Head, Prepared, Record, StateError, Store, Table, history,
    store::{Recovery, lock},
    tables::{self, Space, system},
    trie::NodeChanges,
};
use alloy_primitives::{Address, B256};
use redb::{Durability, ReadableTable, WriteTransaction};
use std::sync::PoisonError;

impl Store {
    /// Commits block `number`: its state, the trie, the history and `records`, durably and as a
    /// whole, or not at all. Returns the state root.
    ///
    /// # Errors
    ///
    /// `WrongNumber` unless the block follows the head (or is block 0 of an empty store);
    /// `StalePrepared` if another block was committed since `prepared` was made. After a
    /// `Database` error the store must be opened again.
    pub fn commit(
        &self,
        prepared: Prepared,
        number: u64,
        hash: B256,
        records: Vec<Record>,
    ) -> Result<B256, StateError> {
        let _committing = lock(&self.inner.committing);
        let transaction = self.begin_write()?;
        let head = stored_head(&transaction)?;
        let expected = head.map_or(0, |head| head.number.saturating_add(1));
        if number != expected {
            return Err(StateError::WrongNumber { got: number, expected });
        }
        if prepared.base != head {
            let number = |head: Option<Head>| head.map(|head| head.number);
            let prepared_on = number(prepared.base);
            return Err(StateError::StalePrepared { prepared_on, head: number(head) });
        }
        let new_head = Head { number, hash, state_root: prepared.root };
        write_state(&transaction, &prepared)?;
        self.write_history(&transaction, &prepared, number)?;
        write_records(&transaction, &records)?;
        write_head(&transaction, &new_head)?;
        transaction.commit()?;
        *self.inner.head.write().unwrap_or_else(PoisonError::into_inner) = Some(new_head);
        Ok(prepared.root)
    }

    /// Writes records that belong to no block, durably and as a whole.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn write(&self, records: &[Record]) -> Result<(), StateError> {
        let transaction = self.begin_write()?;
        write_records(&transaction, records)?;
        Ok(transaction.commit()?)
    }

    fn begin_write(&self) -> Result<WriteTransaction, StateError> {
        let mut transaction = self.inner.database.begin_write()?;
        transaction.set_quick_repair(self.inner.options.recovery == Recovery::Saved);
        // The default, spelled out because acknowledged blocks depend on it.
        transaction.set_durability(Durability::Immediate)?;
        Ok(transaction)
    }

    fn write_history(
        &self,
        transaction: &WriteTransaction,
        prepared: &Prepared,
        number: u64,
    ) -> Result<(), StateError> {
        // Nothing can be read before the first block.
        if number == 0 {
            return Ok(());
        }
        history::record(transaction, prepared, number)?;
        let oldest = history::oldest(transaction)?;
        let target = number.saturating_sub(self.inner.options.history_blocks);
        let oldest = history::prune(transaction, oldest, target)?;
        let mut system = transaction.open_table(Space::System.definition())?;
        system.insert(system::OLDEST, &oldest.to_be_bytes()[..])?;
        Ok(())
    }
}

fn stored_head(transaction: &WriteTransaction) -> Result<Option<Head>, StateError> {
    let system = transaction.open_table(Space::System.definition())?;
    let head = system.get(system::HEAD)?;
    Ok(head.map(|bytes| Head::decode(bytes.value())).transpose()?)
}

fn write_head(transaction: &WriteTransaction, head: &Head) -> Result<(), StateError> {
    transaction.open_table(Space::System.definition())?.insert(system::HEAD, &*head.encode())?;
    let hashes = [head.hash, head.state_root].concat();
    transaction
        .open_table(Space::Blocks.definition())?
        .insert(&head.number.to_be_bytes()[..], &*hashes)?;
    Ok(())
}

fn write_state(transaction: &WriteTransaction, prepared: &Prepared) -> Result<(), StateError> {
    let mut accounts = transaction.open_table(Space::Accounts.definition())?;
    for (address, change) in &prepared.accounts {
        match change.new {
            Some(account) => accounts.insert(address.as_slice(), &account.encode()[..])?,
            None => accounts.remove(address.as_slice())?,
        };
    }
    let mut storage = transaction.open_table(Space::Storage.definition())?;
    for ((address, slot), change) in &prepared.slots {
        let key = tables::slot_key(*address, *slot);
        if change.new.is_zero() {
            storage.remove(&key[..])?;
        } else {
            storage.insert(&key[..], &*tables::encode_value(change.new))?;
        }
    }
    let mut code = transaction.open_table(Space::Code.definition())?;
    for (hash, bytes) in &prepared.code {
        code.insert(hash.as_slice(), &bytes[..])?;
    }
    write_nodes(transaction, prepared)
}

fn write_nodes(transaction: &WriteTransaction, prepared: &Prepared) -> Result<(), StateError> {
    let accounts = [(None, &prepared.account_nodes)];
    write_trie(transaction, Space::AccountTrie, accounts.into_iter())?;
    let storage = prepared.storage_nodes.iter().map(|(address, nodes)| (Some(*address), nodes));
    write_trie(transaction, Space::StorageTrie, storage)
}

fn write_trie<'a>(
    transaction: &WriteTransaction,
    space: Space,
    tries: impl Iterator<Item = (Option<Address>, &'a NodeChanges)>,
) -> Result<(), StateError> {
    let mut table = transaction.open_table(space.definition())?;
    for (owner, nodes) in tries {
        for (path, rlp) in nodes {
            let key = tables::node_key(owner, path);
            match rlp {
                Some(rlp) => table.insert(&*key, &**rlp)?,
                None => table.remove(&*key)?,
            };
        }
    }
    Ok(())
}

/// Writes the records table by table, and those of one table in the order given.
fn write_records(transaction: &WriteTransaction, records: &[Record]) -> Result<(), StateError> {
    for table in Table::ALL {
        let mut of_table = records.iter().filter(|record| record.table() == table).peekable();
        if of_table.peek().is_none() {
            continue;
        }
        let mut rows = transaction.open_table(Space::from(table).definition())?;
        for record in of_table {
            match record {
                Record::Put { key, value, .. } => rows.insert(&**key, &**value)?,
                Record::Delete { key, .. } => rows.remove(&**key)?,
            };
        }
    }
    Ok(())
}
