//! A snapshot to carry a store to another machine: a file of all values and block records at one height.
//!
//! Neither the trie nor the history of recent blocks is in the file. The trie is computed anew from the
//! values when they are taken in, and its root compared with the one of the block, which the receiver may
//! also have learned elsewhere.
//!
//! ```text
//! file   = "gage state" version(u32) number(u64) hash state-root row… end
//! row    = table(u8) length(u32) key length(u32) value
//! end    = 255 keccak256(everything before)
//! ```
//!
//! Code comes first, then each account with its slots after it, then the records of blocks.

use crate::{
    Account, AccountChange, Changes, Damage, Database, Head, Prepared, Row, StateError, Store,
    Table, commit,
    database::{Batch, Writes},
    snapshot::Snapshot,
    tables::{self, Space, system},
};
use alloy_primitives::{Address, B256, Keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

const MAGIC: &[u8; 10] = b"gage state";

/// The form of the file. One of another form is refused.
const VERSION: u32 = 1;

/// What stands in place of a table after the last row.
const END: u8 = u8::MAX;

/// The longest key or value: longer than any block's body can be.
const LENGTH_MAX: u32 = 1 << 30;

/// Bytes of rows that are taken in at once.
const CHUNK_BYTES: usize = 4 << 20;

/// What was written to a file, or taken in from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The block whose state it is.
    pub head: Head,
    /// Accounts that exist.
    pub accounts: u64,
    /// Slots that are not zero.
    pub slots: u64,
    /// Records of blocks.
    pub records: u64,
}

/// Why a file was not written or not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file could not be read or written.
    #[error("the snapshot cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("this is no snapshot of a state")]
    NotASnapshot,
    /// The file was written by a version of Gage with another form of it.
    #[error("the snapshot has form {found}, this version reads form {VERSION}")]
    OtherVersion {
        /// The form of the file.
        found: u32,
    },
    /// The file ends early, or is not what was written.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    /// The values do not lead to the state root that is stated or expected.
    #[error("the values of the snapshot lead to root {computed}, not to {expected}")]
    WrongRoot {
        /// The root of the file's block, or the one that the caller expects.
        expected: B256,
        /// The root of the values.
        computed: B256,
    },
    /// There is a store already.
    #[error("{path} exists already", path = .path.display())]
    Exists {
        /// Its path.
        path: PathBuf,
    },
    /// The store failed, or holds nothing.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<Damage> for SnapshotError {
    fn from(_: Damage) -> Self {
        Self::Damaged("a row has the wrong shape")
    }
}

fn read_error(error: io::Error) -> SnapshotError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => SnapshotError::Damaged("it ends early"),
        _ => error.into(),
    }
}

/// Reads or writes, and hashes what passes.
struct Hashing<T> {
    inner: T,
    hasher: Keccak256,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: Keccak256::new() }
    }
}

impl<W: Write> Hashing<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.inner.write_all(bytes)
    }

    fn put_row(&mut self, space: Space, (key, value): &Row) -> io::Result<()> {
        self.put(&[space as u8])?;
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
            self.put(&length.to_be_bytes())?;
            self.put(part)?;
        }
        Ok(())
    }
}

impl<R: Read> Hashing<R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        self.inner.read_exact(bytes).map_err(read_error)?;
        self.hasher.update(&*bytes);
        Ok(())
    }

    fn part(&mut self) -> Result<Vec<u8>, SnapshotError> {
        let length = u32::from_be_bytes(self.take()?);
        if length > LENGTH_MAX {
            return Err(SnapshotError::Damaged("a row is too long"));
        }
        // A length that lies must not make room for what never comes.
        let mut bytes = Vec::new();
        (&mut self.inner).take(u64::from(length)).read_to_end(&mut bytes).map_err(read_error)?;
        if bytes.len() < length as usize {
            return Err(SnapshotError::Damaged("it ends early"));
        }
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    /// The next row, `None` after the last.
    fn take_row(&mut self) -> Result<Option<(Space, Row)>, SnapshotError> {
        let before = self.hasher.clone();
        let [space] = self.take()?;
        if space == END {
            let whole = B256::from(self.take()?) == before.finalize();
            return whole.then_some(None).ok_or(SnapshotError::Damaged("its checksum is another"));
        }
        let space = Space::ALL.get(usize::from(space));
        let space = *space.ok_or(SnapshotError::Damaged("a row of an unknown table"))?;
        Ok(Some((space, (self.part()?, self.part()?))))
    }

    /// Whether the file ends here, and is whole to those who unpack it.
    fn end(&mut self) -> Result<(), SnapshotError> {
        match (&mut self.inner).take(1).read_to_end(&mut Vec::new()).map_err(read_error)? {
            0 => Ok(()),
            _ => Err(SnapshotError::Damaged("something follows its end")),
        }
    }

    /// The block that the file is about, from the beginning of the file.
    fn head(&mut self) -> Result<Head, SnapshotError> {
        if self.take().ok() != Some(*MAGIC) {
            return Err(SnapshotError::NotASnapshot);
        }
        let found = u32::from_be_bytes(self.take()?);
        if found != VERSION {
            return Err(SnapshotError::OtherVersion { found });
        }
        Ok(Head::decode(&self.take::<72>()?)?)
    }
}

impl Store {
    /// Writes all values and records at the head; commits may go on meanwhile.
    ///
    /// # Errors
    ///
    /// `NoBlocks` on an empty store; otherwise the file or the storage failed.
    pub fn export(&self, out: impl Write) -> Result<SnapshotInfo, SnapshotError> {
        let snapshot = self.snapshot()?;
        let head = snapshot.head()?.ok_or(StateError::NoBlocks)?;
        let mut info = SnapshotInfo { head, accounts: 0, slots: 0, records: 0 };
        let mut out = Hashing::new(out);
        out.put(MAGIC)?;
        out.put(&VERSION.to_be_bytes())?;
        out.put(&head.encode())?;
        for row in snapshot.with_prefix(Space::Code, &[])? {
            out.put_row(Space::Code, &row?)?;
        }
        for row in snapshot.with_prefix(Space::Accounts, &[])? {
            let row = row?;
            out.put_row(Space::Accounts, &row)?;
            info.accounts += 1;
            for slot in snapshot.with_prefix(Space::Storage, &row.0)? {
                out.put_row(Space::Storage, &slot?)?;
                info.slots += 1;
            }
        }
        for space in Table::ALL.map(Space::from).into_iter().chain([Space::Blocks]) {
            for row in snapshot.with_prefix(space, &[])? {
                out.put_row(space, &row?)?;
                info.records += 1;
            }
        }
        let hash = out.hasher.finalize();
        out.inner.write_all(&[END])?;
        out.inner.write_all(hash.as_slice())?;
        out.inner.flush()?;
        Ok(info)
    }

    /// Makes a new file at `path` from what [`Store::export`] wrote. Nothing is there until all of
    /// it was taken in and leads to the state root of its block, and to `expected` if that is given.
    /// Of the blocks below the head the state cannot be read.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] says what is wrong with the file.
    pub fn import(
        input: impl Read,
        path: impl AsRef<Path>,
        expected: Option<B256>,
    ) -> Result<SnapshotInfo, SnapshotError> {
        let path = path.as_ref();
        if path.exists() {
            return Err(SnapshotError::Exists { path: path.to_owned() });
        }
        let partial = path.with_extension("partial");
        if partial.exists() {
            fs::remove_file(&partial)?;
        }
        let taken = Self::open(&partial).map_err(SnapshotError::from).and_then(|store| {
            Import::new(store.inner.database.on_disk())?.all(Hashing::new(input), expected)
        });
        match taken {
            Ok(info) => {
                fs::rename(&partial, path)?;
                crate::store::sync_directory(path)?;
                Ok(info)
            }
            Err(error) => {
                // What went wrong first is what matters.
                let _ = fs::remove_file(&partial);
                Err(error)
            }
        }
    }
}

/// A store that is being made from a file.
struct Import<'a> {
    database: &'a dyn Database,
    /// The root of what was taken in.
    root: B256,
    /// The account whose slots come next.
    owner: Option<(Address, AccountChange)>,
    changes: Changes,
    batch: Batch,
    /// Bytes of what waits to be written.
    waiting: usize,
}

impl<'a> Import<'a> {
    fn new(database: &'a dyn Database) -> Result<Self, SnapshotError> {
        let (changes, batch) = (Changes::default(), Batch::default());
        Ok(Self { database, root: EMPTY_ROOT_HASH, owner: None, changes, batch, waiting: 0 })
    }

    fn all<R: Read>(
        mut self,
        mut input: Hashing<R>,
        expected: Option<B256>,
    ) -> Result<SnapshotInfo, SnapshotError> {
        let head = input.head()?;
        let mut info = SnapshotInfo { head, accounts: 0, slots: 0, records: 0 };
        while let Some((space, row)) = input.take_row()? {
            self.waiting += row.0.len() + row.1.len();
            match space {
                Space::Code => self.batch.put(space, row.0, row.1),
                Space::Accounts => {
                    info.accounts += 1;
                    self.account(&row)?;
                }
                Space::Storage => {
                    info.slots += 1;
                    self.slot(&row)?;
                }
                Space::Blocks => self.record(&mut info, space, row),
                space if Table::ALL.map(Space::from).contains(&space) => {
                    self.record(&mut info, space, row);
                }
                _ => {
                    return Err(SnapshotError::Damaged(
                        "a row of a table that does not belong there",
                    ));
                }
            }
            if self.waiting > CHUNK_BYTES {
                self.write()?;
            }
        }
        input.end()?;
        self.write()?;
        for expected in [head.state_root].into_iter().chain(expected) {
            if self.root != expected {
                return Err(SnapshotError::WrongRoot { expected, computed: self.root });
            }
        }
        commit::add_head(&mut self.batch, &head);
        self.batch.put(Space::System, system::OLDEST, head.number.to_be_bytes());
        self.write_batch()?;
        Ok(info)
    }

    fn record(&mut self, info: &mut SnapshotInfo, space: Space, (key, value): Row) {
        info.records += 1;
        self.batch.put(space, key, value);
    }

    fn account(&mut self, (key, value): &Row) -> Result<(), SnapshotError> {
        let address = crate::account::address_of(key, Space::Accounts)?;
        let account = Account::decode(value, Space::Accounts)?;
        self.put_down_owner();
        self.owner = Some((address, AccountChange::new(account.info)));
        Ok(())
    }

    fn slot(&mut self, (key, value): &Row) -> Result<(), SnapshotError> {
        let (address, slot) = tables::split_slot_key(key, Space::Storage)?;
        let value = tables::decode_value(value, Space::Storage)?;
        match &mut self.owner {
            Some((owner, change)) if *owner == address => {
                change.storage.insert(slot, value);
                Ok(())
            }
            _ => Err(SnapshotError::Damaged("a slot without its account")),
        }
    }

    fn put_down_owner(&mut self) {
        if let Some((address, change)) = self.owner.take() {
            self.changes.accounts.insert(address, change);
        }
    }

    fn write_batch(&mut self) -> Result<(), StateError> {
        let batch = std::mem::take(&mut self.batch);
        self.database.write(&Writes::of([&batch]))
    }

    /// Writes what waits, with the trie over it.
    fn write(&mut self) -> Result<(), SnapshotError> {
        // Code first: an account refers to it.
        self.write_batch()?;
        // More slots of the last account may come.
        let next = self.owner.as_ref().map(|(address, change)| {
            (*address, AccountChange { storage: Default::default(), ..change.clone() })
        });
        self.put_down_owner();
        let snapshot = Snapshot::whole(self.database.tables()?);
        let changes = std::mem::take(&mut self.changes);
        let prepared = Prepared::on(&snapshot, self.root, &changes)?;
        self.root = prepared.root();
        commit::add_state(&mut self.batch, &prepared);
        let Prepared { forest, vacated, .. } = prepared;
        forest.put_nodes(vacated.iter(), &mut self.batch);
        self.write_batch()?;
        self.owner = next;
        self.waiting = 0;
        Ok(())
    }
}
