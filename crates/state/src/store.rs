//! The store: opening it, and what can be asked of it.

use crate::{
    Changes, Damage, Head, Prepared, StateError, Table, View,
    database::{Batch, Database, Rows, Writes},
    embedded::{self, Embedded, InMemoryBackend, StorageBackend},
    pending::Pending,
    snapshot::Snapshot,
    tables::{Space, system},
};
use alloy_primitives::B256;
use revm::bytecode::Bytecode;
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    ops::Bound,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// How many blocks below the head can be read unless [`Options`] say otherwise.
pub const HISTORY_BLOCKS: u64 = 256;

/// The layout of the tables. A file with another one is refused.
pub const SCHEMA: u32 = 3;

/// Memory for database pages unless [`Options`] say otherwise.
const CACHE_BYTES: usize = 512 << 20;

/// Batches in the journal unless [`Options`] say otherwise.
const JOURNAL_MAX: usize = 64;

/// Contracts whose analysed code is kept in memory; when full, it starts afresh.
const CODE_CACHE_ENTRIES: usize = 1024;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many blocks below the head can be read. A store that is opened with fewer than before
    /// discards a few more per block until it has caught up.
    pub history_blocks: u64,
    /// Memory for database pages, in bytes.
    pub cache_bytes: usize,
    /// How many batches the journal holds at most before the tables get them; sooner if they are large.
    pub journal_max: usize,
    /// What to verify when opening.
    pub check: OpenCheck,
    /// What a commit does to make the next opening after a crash faster.
    pub recovery: Recovery,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history_blocks: HISTORY_BLOCKS,
            cache_bytes: CACHE_BYTES,
            journal_max: JOURNAL_MAX,
            check: OpenCheck::AfterCrash,
            recovery: Recovery::Rebuild,
        }
    }
}

/// What is verified when a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCheck {
    /// The checksum of every page, but only if the file was not closed properly.
    AfterCrash,
    /// The checksum of every page, each time: reads the whole file.
    Always,
}

/// How a file that was not closed properly is recovered. Both lose nothing that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// By reading the whole file: the cheapest commit.
    Rebuild,
    /// At once, from what each commit saved: a commit syncs twice and writes more.
    Saved,
}

/// Accounts, code, storage, their trie, recent history and block records in one file.
///
/// Clones share the database. Reads run beside each other and beside a commit; commits run one
/// after the other. A block may be [staged](Store::stage) before it is made durable.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) database: Pending,
    pub(crate) options: Options,
    pub(crate) head: RwLock<Option<Head>>,
    /// Held while a block is staged, so that `head` changes in the order of the blocks.
    pub(crate) staging: Mutex<()>,
    code: Mutex<BTreeMap<B256, Bytecode>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the file at `path`, or creates it. Its directory must exist.
    ///
    /// # Errors
    ///
    /// `InUse` if it is open elsewhere; `Unreadable` or `Unopenable` if it is not an intact
    /// database; `Foreign` or `WrongSchema` if Gage, or this version of it, did not write it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StateError> {
        Self::open_with(path, Options::default())
    }

    /// Opens the file at `path`, or creates it, with other than the default options.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, StateError> {
        let path = path.as_ref();
        let is_new = !path.exists();
        let store = Self::guarded(path, options, || Embedded::open(path, &options))?;
        if is_new {
            sync_directory(path)?;
        }
        Ok(store)
    }

    /// Opens the database at `path`, which holds at least one block; makes none.
    ///
    /// # Errors
    ///
    /// `Missing` if the file is missing or empty, or holds no block; otherwise as [`Store::open`].
    pub fn open_existing(path: impl AsRef<Path>, options: Options) -> Result<Self, StateError> {
        let path = path.as_ref();
        let is_there = match fs::metadata(path) {
            Ok(file) => file.len() > 0,
            // Opening it says what else is wrong.
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        let store = if is_there { Some(Self::open_with(path, options)?) } else { None };
        let held = store.filter(|store| store.head().is_some());
        held.ok_or_else(|| StateError::Missing { path: path.to_owned() })
    }

    /// An empty store in memory, gone when the last clone is dropped.
    ///
    /// # Errors
    ///
    /// None that a caller can cause.
    pub fn in_memory() -> Result<Self, StateError> {
        Self::with_backend(InMemoryBackend::new(), Options::default())
    }

    /// Opens or creates a store on any storage, such as one that injects faults.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn with_backend(
        backend: impl StorageBackend,
        options: Options,
    ) -> Result<Self, StateError> {
        let path = Path::new("storage");
        Self::guarded(path, options, || Embedded::on(backend, path, &options))
    }

    /// The state in another database than the one that is built in. Of the options only those
    /// apply that are no business of a database.
    ///
    /// # Errors
    ///
    /// `WrongSchema` if another version of Gage wrote it; otherwise only if the storage fails.
    pub fn on(database: Box<dyn Database>, options: Options) -> Result<Self, StateError> {
        check_schema(&*database)?;
        let database = Pending::open(database, options.journal_max)?;
        let head = RwLock::new(database.snapshot()?.head()?);
        let (staging, code) = (Mutex::default(), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { database, options, head, staging, code }) })
    }

    /// Opens a database that may be damaged.
    fn guarded(
        path: &Path,
        options: Options,
        open: impl FnOnce() -> Result<Embedded, StateError>,
    ) -> Result<Self, StateError> {
        let attempt = || Self::on(Box::new(open()?), options);
        embedded::guarded(attempt, || StateError::Unopenable { path: path.to_owned() })
    }

    /// The last block that was committed or staged, `None` if there is none.
    pub fn head(&self) -> Option<Head> {
        *self.inner.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `changes` do to the state of the head: nothing is written.
    ///
    /// # Errors
    ///
    /// `CodeUnknown`, `CodeHashMismatch` and `StorageWithoutAccount` if the changes contradict
    /// themselves; otherwise storage failed or is damaged.
    pub fn prepare(&self, changes: &Changes) -> Result<Prepared, StateError> {
        Prepared::new(&self.snapshot()?, changes)
    }

    /// The value of `key`, `None` if it is not there.
    ///
    /// # Errors
    ///
    /// Only if the storage fails.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.snapshot()?.get(table.into(), key)
    }

    /// The rows between two keys, as of now.
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
        self.snapshot()?.range(table.into(), from, to)
    }

    /// The state after the last committed block.
    ///
    /// # Errors
    ///
    /// `NoBlocks` on an empty store.
    pub fn at_head(&self) -> Result<View, StateError> {
        let snapshot = self.snapshot()?;
        let head = snapshot.head()?.ok_or(StateError::NoBlocks)?;
        View::new(self.clone(), snapshot, head, head.number)
    }

    /// The state after block `number`.
    ///
    /// # Errors
    ///
    /// `NoBlocks` on an empty store; `Pruned` below the window; `NotYet` above the head.
    pub fn at(&self, number: u64) -> Result<View, StateError> {
        let snapshot = self.snapshot()?;
        let head = snapshot.head()?.ok_or(StateError::NoBlocks)?;
        View::new(self.clone(), snapshot, head, number)
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, StateError> {
        self.inner.database.snapshot()
    }

    /// Code ready to run, from memory if it ran before.
    pub(crate) fn bytecode(
        &self,
        snapshot: &Snapshot,
        code_hash: B256,
    ) -> Result<Bytecode, StateError> {
        if let Some(code) = lock(&self.inner.code).get(&code_hash) {
            return Ok(code.clone());
        }
        let raw = snapshot.code(code_hash)?.ok_or(Damage::CodeMissing { code_hash })?;
        let code = Bytecode::new_raw_checked(raw)
            .map_err(|_| StateError::from(Damage::CodeInvalid { code_hash }))?;
        let mut cache = lock(&self.inner.code);
        if cache.len() >= CODE_CACHE_ENTRIES {
            cache.clear();
        }
        cache.insert(code_hash, code.clone());
        Ok(code)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the name of a new file as durable as its content will be.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StateError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let sync = || fs::File::open(directory)?.sync_all();
    sync().map_err(|error| StateError::Database(Box::new(error)))
}

/// Notes the schema in a new database; refuses one with another.
fn check_schema(database: &dyn Database) -> Result<(), StateError> {
    let snapshot = Snapshot::whole(database.tables()?);
    let Some(stored) = snapshot.get(Space::System, system::SCHEMA)? else {
        if snapshot.len(Space::System)? > 0 {
            return Err(Damage::RowInvalid { table: Space::System.name() }.into());
        }
        let mut batch = Batch::default();
        batch.put(Space::System, system::SCHEMA, SCHEMA.to_be_bytes());
        return database.write(&Writes::of([&batch]));
    };
    let invalid = |_| Damage::RowInvalid { table: Space::System.name() };
    let found = u32::from_be_bytes(stored.try_into().map_err(invalid)?);
    if found != SCHEMA {
        return Err(StateError::WrongSchema { found, expected: SCHEMA });
    }
    Ok(())
}
