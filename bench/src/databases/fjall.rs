//! fjall: a log-structured merge tree, a folder of sorted files behind a journal.

use std::ops::Bound;
use std::path::Path;

use fjall::{Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use gage_state::{Batch, Database, Rows, Space, StateError, Tables, Writes};

use super::failed;

pub(super) struct Fjall {
    database: fjall::Database,
    spaces: Vec<Keyspace>,
}

impl Fjall {
    pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<Self, StateError> {
        let database = fjall::Database::builder(path).cache_size(cache_bytes as u64).open();
        let database = database.map_err(failed)?;
        let open = |space: Space| database.keyspace(space.name(), KeyspaceCreateOptions::default);
        let spaces = Space::ALL.into_iter().map(open).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { database, spaces })
    }
}

/// A key as it is kept: the empty one, of a trie's root, is not allowed.
fn kept(key: &[u8]) -> Vec<u8> {
    [&[0], key].concat()
}

impl Database for Fjall {
    fn tables(&self) -> Result<Box<dyn Tables>, StateError> {
        let spaces = self.spaces.clone();
        Ok(Box::new(Moment { snapshot: self.database.snapshot(), spaces }))
    }

    fn write(&self, batch: &Writes<'_>) -> Result<(), StateError> {
        let mut writes = self.database.batch().durability(Some(PersistMode::SyncData));
        for (space, rows) in batch.tables() {
            let space = &self.spaces[space as usize];
            for (key, value) in rows {
                match value {
                    Some(value) => writes.insert(space, kept(key), &**value),
                    None => writes.remove(space, kept(key)),
                }
            }
        }
        writes.commit().map_err(failed)
    }
}

struct Moment {
    snapshot: Snapshot,
    spaces: Vec<Keyspace>,
}

impl Tables for Moment {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.snapshot.get(&self.spaces[space as usize], kept(key)).map_err(failed)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        let bounds = (from.map(kept), to.map(kept));
        let rows = self.snapshot.range(&self.spaces[space as usize], bounds);
        Ok(Box::new(rows.map(|row| {
            let (key, value) = row.into_inner().map_err(failed)?;
            Ok((key[1..].to_vec(), value.to_vec()))
        })))
    }

    fn len(&self, space: Space) -> Result<u64, StateError> {
        Ok(self.snapshot.len(&self.spaces[space as usize]).map_err(failed)? as u64)
    }
}
