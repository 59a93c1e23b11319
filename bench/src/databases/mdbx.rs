//! MDBX: a copy-on-write B-tree in a file that is mapped into memory.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use gage_state::{Database, Row, Rows, Space, StateError, Tables, Writes};
use signet_libmdbx::tx::aliases::RoTxSync;
use signet_libmdbx::{DatabaseFlags, Environment, Geometry, WriteFlags};

use super::failed;

/// How large the file may become, and by how much it grows.
const BYTES_MAX: usize = 256 << 30;
const GROWTH: isize = 64 << 20;

pub(super) struct Mdbx {
    environment: Environment,
    spaces: Spaces,
}

type Spaces = [signet_libmdbx::Database; Space::ALL.len()];

impl Mdbx {
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let mut builder = Environment::builder();
        let growth_step = Some(GROWTH);
        let geometry = Geometry { size: Some(0..BYTES_MAX), growth_step, ..Geometry::default() };
        builder.set_max_dbs(Space::ALL.len()).set_geometry(geometry);
        let environment = builder.open(path).map_err(failed)?;
        let transaction = environment.begin_rw_sync().map_err(failed)?;
        let open = |space: Space| {
            transaction.create_db(Some(space.name()), DatabaseFlags::empty()).map_err(failed)
        };
        let spaces: Vec<_> = Space::ALL.into_iter().map(open).collect::<Result<_, _>>()?;
        transaction.commit().map_err(failed)?;
        let spaces = std::array::from_fn(|place| spaces[place]);
        Ok(Self { environment, spaces })
    }
}

impl Database for Mdbx {
    fn tables(&self) -> Result<Box<dyn Tables>, StateError> {
        let transaction = self.environment.begin_ro_sync().map_err(failed)?;
        Ok(Box::new(Moment { transaction: Arc::new(transaction), spaces: self.spaces }))
    }

    fn write(&self, batch: &Writes<'_>) -> Result<(), StateError> {
        let transaction = self.environment.begin_rw_sync().map_err(failed)?;
        for (space, rows) in batch.tables() {
            let space = self.spaces[space as usize];
            for (key, value) in rows {
                match value {
                    Some(value) => transaction.put(space, key, value, WriteFlags::UPSERT),
                    None => transaction.del(space, key, None).map(drop),
                }
                .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }
}

struct Moment {
    transaction: Arc<RoTxSync>,
    spaces: Spaces,
}

impl Tables for Moment {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.transaction.get(self.spaces[space as usize].dbi(), key).map_err(failed)
    }

    fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        let transaction = self.transaction.clone();
        let space = self.spaces[space as usize];
        let (from, to) = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        Ok(Box::new(Between { transaction, space, from, to }))
    }

    fn len(&self, space: Space) -> Result<u64, StateError> {
        let statistics = self.transaction.db_stat(&self.spaces[space as usize]);
        Ok(statistics.map_err(failed)?.entries() as u64)
    }
}

/// The rows that are left between two keys. A cursor cannot outlive the borrow of its transaction, so each
/// step looks its row up.
struct Between {
    transaction: Arc<RoTxSync>,
    space: signet_libmdbx::Database,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
}

impl Between {
    fn lowest(&self) -> Result<Option<Row>, StateError> {
        let mut cursor = self.transaction.cursor(self.space).map_err(failed)?;
        let mut row: Option<Row> = match &self.from {
            Bound::Unbounded => cursor.first(),
            Bound::Included(key) | Bound::Excluded(key) => cursor.set_range(key),
        }
        .map_err(failed)?;
        if let Bound::Excluded(key) = &self.from
            && row.as_ref().is_some_and(|row| row.0 == *key)
        {
            row = cursor.next().map_err(failed)?;
        }
        Ok(row.filter(|row| match &self.to {
            Bound::Unbounded => true,
            Bound::Included(key) => row.0 <= *key,
            Bound::Excluded(key) => row.0 < *key,
        }))
    }

    fn highest(&self) -> Result<Option<Row>, StateError> {
        let mut cursor = self.transaction.cursor(self.space).map_err(failed)?;
        let row: Option<Row> = match &self.to {
            Bound::Unbounded => cursor.last(),
            Bound::Included(key) | Bound::Excluded(key) => {
                match cursor.set_range::<Vec<u8>, Vec<u8>>(key).map_err(failed)? {
                    None => cursor.last(),
                    Some(row) if row.0 == *key && matches!(self.to, Bound::Included(_)) => {
                        Ok(Some(row))
                    }
                    Some(_) => cursor.prev(),
                }
            }
        }
        .map_err(failed)?;
        Ok(row.filter(|row| match &self.from {
            Bound::Unbounded => true,
            Bound::Included(key) => row.0 >= *key,
            Bound::Excluded(key) => row.0 > *key,
        }))
    }
}

impl Iterator for Between {
    type Item = Result<Row, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.lowest().transpose()?;
        if let Ok((key, _)) = &row {
            self.from = Bound::Excluded(key.clone());
        }
        Some(row)
    }
}

impl DoubleEndedIterator for Between {
    fn next_back(&mut self) -> Option<Self::Item> {
        let row = self.highest().transpose()?;
        if let Ok((key, _)) = &row {
            self.to = Bound::Excluded(key.clone());
        }
        Some(row)
    }
}
