//! The database that is used: redb, a copy-on-write B-tree in one file. No other module names it.

use crate::{
    Options, Recovery, StateError,
    database::{Database, Row, Rows, Tables, Writes},
    store::OpenCheck,
    tables::Space,
};
use redb::{
    Builder, DatabaseError, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTableMetadata, TableDefinition, TableError, TableHandle,
};
use std::{
    ops::Bound,
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use redb::{StorageBackend, backends::InMemoryBackend};

/// One open file.
pub(crate) struct Embedded {
    file: redb::Database,
    recovery: Recovery,
}

impl Embedded {
    /// Opens the file at `path`, or creates it.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, StateError> {
        Self::start(builder(options).create(path), path, options)
    }

    /// Opens or creates a database on any storage.
    pub(crate) fn on(
        backend: impl StorageBackend,
        name: &Path,
        options: &Options,
    ) -> Result<Self, StateError> {
        Self::start(builder(options).create_with_backend(backend), name, options)
    }

    fn start(
        opened: Result<redb::Database, DatabaseError>,
        path: &Path,
        options: &Options,
    ) -> Result<Self, StateError> {
        let file = opened.map_err(|error| open_error(path, error))?;
        create_or_recognise(&file, path)?;
        Ok(Self { file, recovery: options.recovery })
    }
}

fn builder(options: &Options) -> Builder {
    let mut builder = Builder::new();
    builder
        .set_cache_size(options.cache_bytes)
        .set_check_integrity_on_open(options.check == OpenCheck::Always);
    builder
}

fn open_error(path: &Path, error: DatabaseError) -> StateError {
    let path = PathBuf::from(path);
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StateError::InUse { path }
        }
        error => StateError::Unreadable { path, source: Box::new(error) },
    }
}

const fn definition(space: Space) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(space.name())
}

/// Creates the tables of an empty database; refuses one with others than ours.
fn create_or_recognise(file: &redb::Database, path: &Path) -> Result<(), StateError> {
    let tables = file.begin_read()?;
    let names: Vec<String> = tables.list_tables()?.map(|t| t.name().to_owned()).collect();
    if names.is_empty() {
        let transaction = file.begin_write()?;
        for space in Space::ALL {
            transaction.open_table(definition(space))?;
        }
        return Ok(transaction.commit()?);
    }
    for space in Space::ALL {
        match tables.open_table(definition(space)) {
            Ok(_) => {}
            Err(TableError::Storage(error)) => return Err(error.into()),
            Err(_) => return Err(StateError::Foreign { path: path.to_owned() }),
        }
    }
    Ok(())
}

impl Database for Embedded {
    fn tables(&self) -> Result<Box<dyn Tables>, StateError> {
        let transaction = self.file.begin_read()?;
        Ok(Box::new(OpenTables { transaction, open: Default::default() }))
    }

    fn write(&self, writes: &Writes<'_>) -> Result<(), StateError> {
        let mut transaction = self.file.begin_write()?;
        transaction.set_quick_repair(self.recovery == Recovery::Saved);
        // The default, spelled out because acknowledged blocks depend on it.
        transaction.set_durability(Durability::Immediate)?;
        for (space, writes) in writes.tables() {
            let mut table = transaction.open_table(definition(space))?;
            for (key, value) in writes {
                match value {
                    Some(value) => table.insert(key, value)?,
                    None => table.remove(key)?,
                };
            }
        }
        Ok(transaction.commit()?)
    }
}

/// The tables of one read transaction, each opened when it is first asked for.
struct OpenTables {
    transaction: ReadTransaction,
    open: [OnceLock<Table>; Space::ALL.len()],
}

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

impl OpenTables {
    fn table(&self, space: Space) -> Result<&Table, StateError> {
        let place = &self.open[space as usize];
        if let Some(table) = place.get() {
            return Ok(table);
        }
        let table = self.transaction.open_table(definition(space))?;
        Ok(place.get_or_init(|| table))
    }
}

impl Tables for OpenTables {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.table(space)?.get(key)?.map(|value| value.value().to_vec()))
    }

    fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        let rows = self.table(space)?.range::<&[u8]>((from, to))?;
        Ok(Box::new(rows.map(|row| -> Result<Row, StateError> {
            let (key, value) = row?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        })))
    }

    fn len(&self, space: Space) -> Result<u64, StateError> {
        Ok(self.table(space)?.len()?)
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StateError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error))
            }
        }
    )*};
}

from_redb!(StorageError, TableError, TransactionError, CommitError, SetDurabilityError);
