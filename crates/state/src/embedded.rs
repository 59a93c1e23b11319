//! The database that is used: redb, a copy-on-write B-tree in one file. No other module names it.

use crate::{
    Damage, Options, Recovery, StateError,
    database::{Database, Row, Rows, Tables, Writes},
    store::OpenCheck,
    tables::Space,
};
use redb::{
    AccessGuard, Builder, DatabaseError, Durability, ReadOnlyTable, ReadTransaction,
    ReadableDatabase, ReadableTableMetadata, StorageError, TableDefinition, TableError,
    TableHandle,
};
use std::{
    cell::Cell,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use redb::{StorageBackend, backends::InMemoryBackend};

/// One open file.
pub(crate) struct Embedded {
    /// There until this is dropped.
    file: Option<redb::Database>,
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
        Ok(Self { file: Some(file), recovery: options.recovery })
    }

    fn file(&self) -> Result<&redb::Database, StateError> {
        self.file.as_ref().ok_or_else(|| StateError::Database("it is closed".into()))
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

thread_local! {
    static IN_LIBRARY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a call of the database library, whose panic becomes an error: a panic hook
/// need not tell of it.
#[must_use]
pub fn panics_are_caught() -> bool {
    IN_LIBRARY.get()
}

/// Calls the library. It panics on some pages that were altered behind its back; an operator is to read
/// an error instead.
pub(crate) fn guarded<T>(
    call: impl FnOnce() -> Result<T, StateError>,
    panicked: impl FnOnce() -> StateError,
) -> Result<T, StateError> {
    let outer = IN_LIBRARY.replace(true);
    let called = catch_unwind(AssertUnwindSafe(call));
    IN_LIBRARY.set(outer);
    called.unwrap_or_else(|_| Err(panicked()))
}

/// The same while the database is in use.
fn using<T>(call: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
    guarded(call, || Damage::Page.into())
}

impl Database for Embedded {
    fn tables(&self) -> Result<Box<dyn Tables>, StateError> {
        let transaction = using(|| Ok(self.file()?.begin_read()?))?;
        Ok(Box::new(OpenTables { transaction, open: Default::default() }))
    }

    fn write(&self, writes: &Writes<'_>) -> Result<(), StateError> {
        using(|| self.write_all(writes))
    }
}

impl Embedded {
    fn write_all(&self, writes: &Writes<'_>) -> Result<(), StateError> {
        let mut transaction = self.file()?.begin_write()?;
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

impl Drop for Embedded {
    fn drop(&mut self) {
        let file = self.file.take();
        // What is damaged was told, or will be when the file is opened again.
        let _ = using(|| {
            drop(file);
            Ok(())
        });
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
        using(|| Ok(self.table(space)?.get(key)?.map(|value| value.value().to_vec())))
    }

    fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        let range = using(|| Ok(self.table(space)?.range::<&[u8]>((from, to))?))?;
        Ok(Box::new(OpenRange { range: Some(range) }))
    }

    fn len(&self, space: Space) -> Result<u64, StateError> {
        using(|| Ok(self.table(space)?.len()?))
    }
}

/// Rows of a table, up to the first that cannot be read.
struct OpenRange {
    range: Option<Range>,
}

type Range = redb::Range<'static, &'static [u8], &'static [u8]>;

type Entry = (AccessGuard<'static, &'static [u8]>, AccessGuard<'static, &'static [u8]>);

impl OpenRange {
    fn step(
        &mut self,
        next: impl FnOnce(&mut Range) -> Option<Result<Entry, StorageError>>,
    ) -> Option<Result<Row, StateError>> {
        let range = self.range.as_mut()?;
        let row = using(|| {
            let Some(entry) = next(range) else { return Ok(None) };
            let (key, value) = entry?;
            Ok(Some((key.value().to_vec(), value.value().to_vec())))
        });
        if row.is_err() {
            self.range = None;
        }
        row.transpose()
    }
}

impl Iterator for OpenRange {
    type Item = Result<Row, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Iterator::next)
    }
}

impl DoubleEndedIterator for OpenRange {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(DoubleEndedIterator::next_back)
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
