//! What the state asks of an embedded database, and nothing more.
//!
//! Ordered tables of bytes, a view of all of them that later writes do not touch, and a batch that is
//! written durably and as a whole. Checking what a batch builds on, and that one batch comes after the
//! other, is the business of the [`Store`](crate::Store).

use crate::{StateError, tables::Space};
use std::ops::Bound;

/// A key with its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Rows in the order of their keys, or from the back with `rev`.
pub type Rows = Box<dyn DoubleEndedIterator<Item = Result<Row, StateError>> + Send>;

/// An embedded database.
pub trait Database: Send + Sync {
    /// Every table as it is now; batches written later do not show.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    fn tables(&self) -> Result<Box<dyn Tables>, StateError>;

    /// Writes all of it, durably, before it returns; if it fails, nothing of it.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    fn write(&self, writes: &Writes<'_>) -> Result<(), StateError>;
}

/// Every table as of one moment.
pub trait Tables: Send + Sync {
    /// The value of a key, `None` if it is not there.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// The rows between two keys, of which the first is not above the second.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    fn range(&self, space: Space, from: Bound<&[u8]>, to: Bound<&[u8]>)
    -> Result<Rows, StateError>;

    /// How many rows a table has.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    fn len(&self, space: Space) -> Result<u64, StateError>;
}

/// A key and its new value, `None` to remove it.
pub(crate) type Write = (Vec<u8>, Option<Vec<u8>>);

/// Writes to many tables that belong together. Of several for one key the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    writes: [Vec<Write>; Space::ALL.len()],
}

impl Batch {
    pub(crate) fn put(&mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes[space as usize].push((key.into(), Some(value.into())));
    }

    pub(crate) fn remove(&mut self, space: Space, key: impl Into<Vec<u8>>) {
        self.writes[space as usize].push((key.into(), None));
    }

    /// By key, each once with its last value.
    pub(crate) fn sort(&mut self) {
        self.writes.iter_mut().for_each(last_of_each_key);
    }

    pub(crate) fn writes(&self, space: Space) -> &[Write] {
        &self.writes[space as usize]
    }

    /// The tables that are written to, each with its writes in the order in which they were made.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Space, &[Write])> {
        let tables = Space::ALL.into_iter().zip(&self.writes);
        tables.filter(|(_, writes)| !writes.is_empty()).map(|(space, writes)| (space, &**writes))
    }
}

/// Orders writes by their keys and leaves the last of each.
fn last_of_each_key<K: Ord, V>(writes: &mut Vec<(K, V)>) {
    if writes.is_sorted_by(|(one, _), (next, _)| one < next) {
        return;
    }
    // Stable, so that of one key the last stays the last.
    writes.sort_by(|(one, _), (other, _)| one.cmp(other));
    writes.dedup_by(|(next, value), (kept, last)| {
        let same = next == kept;
        if same {
            std::mem::swap(value, last);
        }
        same
    });
}

/// A key and its new value, `None` to remove it.
pub type WriteRef<'a> = (&'a [u8], Option<&'a [u8]>);

/// Writes to many tables that belong together, in each by key, each key once: what a tree is written in best.
#[derive(Debug)]
pub struct Writes<'a> {
    writes: [Vec<WriteRef<'a>>; Space::ALL.len()],
}

impl<'a> Writes<'a> {
    /// What batches lead to that come one after the other.
    pub(crate) fn of(batches: impl IntoIterator<Item = &'a Batch>) -> Self {
        let mut all = Self { writes: Default::default() };
        for batch in batches {
            for (space, writes) in batch.tables() {
                let writes = writes.iter().map(|(key, value)| (&**key, value.as_deref()));
                all.writes[space as usize].extend(writes);
            }
        }
        all.writes.iter_mut().for_each(last_of_each_key);
        all
    }

    /// The tables that are written to.
    pub fn tables(&self) -> impl Iterator<Item = (Space, &[WriteRef<'a>])> {
        let tables = Space::ALL.into_iter().zip(&self.writes);
        tables.filter(|(_, writes)| !writes.is_empty()).map(|(space, writes)| (space, &**writes))
    }
}
