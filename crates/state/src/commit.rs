//! Writing a block: state, trie, history and records in one transaction.

use crate::{
    Head, Prepared, Record, StateError, Store,
    database::Batch,
    forest::Step,
    history,
    snapshot::Snapshot,
    store::lock,
    tables::{self, Space, system},
};
use alloy_primitives::B256;
use std::sync::PoisonError;

impl Store {
    /// Commits block `number`: its state, the trie, the history and `records`, durably and as a
    /// whole, or not at all. Returns the state root.
    ///
    /// # Errors
    ///
    /// As [`stage`](Self::stage) and [`flush`](Self::flush).
    pub fn commit(
        &self,
        prepared: Prepared,
        number: u64,
        hash: B256,
        records: Vec<Record>,
    ) -> Result<B256, StateError> {
        let root = self.stage(prepared, number, hash, records)?;
        self.flush()?;
        Ok(root)
    }

    /// Makes block `number` the head for everything that is asked from now on, as a whole, without
    /// making it durable: that is [`flush`](Self::flush)'s part. Returns the state root.
    ///
    /// # Errors
    ///
    /// `WrongNumber` unless the block follows the head (or is block 0 of an empty store);
    /// `StalePrepared` if another block became the head since `prepared` was made.
    pub fn stage(
        &self,
        prepared: Prepared,
        number: u64,
        hash: B256,
        records: Vec<Record>,
    ) -> Result<B256, StateError> {
        let _staging = lock(&self.inner.staging);
        let snapshot = self.snapshot()?;
        let head = snapshot.head()?;
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
        let mut batch = Batch::default();
        self.add_history(&mut batch, &snapshot, &prepared, number)?;
        add_state(&mut batch, &prepared);
        add_records(&mut batch, records);
        add_head(&mut batch, &new_head);
        let Prepared { forest, vacated, .. } = prepared;
        self.inner.database.stage_block(batch, Step::new(number, forest, vacated));
        self.set_head(Some(new_head));
        Ok(new_head.state_root)
    }

    /// Makes durable every block that was staged before, each as a whole, with the records written
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// Only if the storage fails. The head is then the last durable block again; the store must be
    /// opened again.
    pub fn flush(&self) -> Result<(), StateError> {
        self.inner.database.flush().inspect_err(|_| {
            // If not even this can be read, nobody builds on what the head is said to be.
            self.set_head(self.snapshot().and_then(|durable| durable.head()).ok().flatten());
        })
    }

    /// Writes records that belong to no block, durably and as a whole.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn write(&self, records: Vec<Record>) -> Result<(), StateError> {
        let mut batch = Batch::default();
        add_records(&mut batch, records);
        self.inner.database.stage(batch);
        self.flush()
    }

    fn set_head(&self, head: Option<Head>) {
        *self.inner.head.write().unwrap_or_else(PoisonError::into_inner) = head;
    }

    fn add_history(
        &self,
        batch: &mut Batch,
        snapshot: &Snapshot,
        prepared: &Prepared,
        number: u64,
    ) -> Result<(), StateError> {
        // Nothing can be read before the first block.
        if number == 0 {
            return Ok(());
        }
        let target = number.saturating_sub(self.inner.options.history_blocks);
        let oldest = history::prune(snapshot, batch, target)?;
        if oldest < number {
            history::record(batch, prepared, number);
        }
        batch.put(Space::System, system::OLDEST, oldest.to_be_bytes());
        Ok(())
    }
}

pub(crate) fn add_head(batch: &mut Batch, head: &Head) {
    batch.put(Space::System, system::HEAD, head.encode());
    batch.put(Space::Blocks, head.number.to_be_bytes(), [head.hash, head.state_root].concat());
}

/// The values, without the tries over them.
pub(crate) fn add_state(batch: &mut Batch, prepared: &Prepared) {
    for (address, change) in &prepared.accounts {
        match change.new {
            Some(account) => batch.put(Space::Accounts, address.as_slice(), account.encode()),
            None => batch.remove(Space::Accounts, address.as_slice()),
        }
    }
    for ((address, slot), change) in &prepared.slots {
        let key = tables::slot_key(*address, *slot);
        if change.new.is_zero() {
            batch.remove(Space::Storage, key);
        } else {
            batch.put(Space::Storage, key, tables::encode_value(change.new));
        }
    }
    for (hash, bytes) in &prepared.code {
        batch.put(Space::Code, hash.as_slice(), bytes.as_ref());
    }
}

fn add_records(batch: &mut Batch, records: Vec<Record>) {
    for record in records {
        match record {
            Record::Put { table, key, value } => batch.put(table.into(), key, value),
            Record::Delete { table, key } => batch.remove(table.into(), key),
        }
    }
}
