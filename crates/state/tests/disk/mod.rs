//! A disk that fails, and blocks to write to it.

#![allow(dead_code)] // each test file uses its part

use crate::model::{address, block_hash};
use alloy_primitives::{B256, U256, keccak256};
use gage_state::{
    AccountChange, AccountInfo, Changes, Record, StateError, StorageBackend, Store, Table,
};
use std::{
    io,
    sync::{Arc, Mutex},
};

/// A block that changes accounts, sets and clears slots, and once in a while removes an account.
pub(crate) fn block(number: u64) -> Changes {
    let word =
        |n: u64| U256::from_be_bytes(keccak256([number, n].map(u64::to_be_bytes).concat()).0);
    let mut changes = Changes::default();
    for index in 0..4u64 {
        let account = address(word(index).byte(0) % 16);
        let info = AccountInfo { nonce: number + 1, balance: word(index), ..Default::default() };
        let mut change = AccountChange::new(info);
        for slot in 0..8 {
            let choice = word(100 + index * 8 + slot);
            let value = if choice.bit(9) { choice } else { U256::ZERO };
            change.storage.insert(U256::from(choice.byte(3) % 64), value);
        }
        changes.accounts.insert(account, change);
    }
    if number % 7 == 3 {
        changes.accounts.insert(address(word(999).byte(0) % 16), AccountChange::removed());
    }
    changes
}

pub(crate) fn commit(store: &Store, number: u64) -> Result<B256, StateError> {
    let prepared = store.prepare(&block(number))?;
    let header = Record::put(Table::Headers, number.to_be_bytes(), prepared.root().to_vec());
    store.commit(prepared, number, block_hash(number), vec![header])
}

/// What must hold after a crash: no acknowledged block is missing, at most one more is there, and
/// everything fits together, including the record of the last block.
pub(crate) fn assert_recovered(store: &Store, acknowledged: Option<u64>) -> Option<u64> {
    let head = store.head().map(|head| head.number);
    let next = acknowledged.map_or(0, |number| number + 1);
    assert!(
        head == acknowledged || head == Some(next),
        "acknowledged {acknowledged:?}, found {head:?}"
    );
    let report = store.check().unwrap();
    assert_eq!(report.number, head);
    if let Some(number) = head {
        let header = store.get(Table::Headers, &number.to_be_bytes()).unwrap();
        assert_eq!(header, Some(report.root.to_vec()));
        let oldest = store.at_head().unwrap().oldest().unwrap();
        store.at(oldest).unwrap().proof(address(1), &[U256::ZERO]).unwrap();
    }
    head
}

/// A disk in memory that can be full, read-only, or lose power: then every call fails, and what is
/// found on it later is what was synced plus some part of the writes since.
#[derive(Debug, Clone)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct Platter {
    synced: Vec<u8>,
    current: Vec<u8>,
    since_sync: Vec<Pending>,
    /// Operations until the power is lost.
    left: u64,
    /// Bytes that fit.
    capacity: usize,
    writable: bool,
}

#[derive(Debug, Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    SetLength(usize),
}

/// A sector is written whole or not at all.
const SECTOR: usize = 512;

impl Disk {
    /// One that works.
    pub(crate) fn new(content: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Platter {
            synced: content.clone(),
            current: content,
            since_sync: Vec::new(),
            left: u64::MAX,
            capacity: usize::MAX,
            writable: true,
        })))
    }

    /// One that loses power after so many operations.
    pub(crate) fn losing_power(content: Vec<u8>, operations: u64) -> Self {
        let disk = Self::new(content);
        disk.lose_power_after(operations);
        disk
    }

    /// Loses power after so many operations from now on.
    pub(crate) fn lose_power_after(&self, operations: u64) {
        self.0.lock().unwrap().left = operations;
    }

    /// One on which so many bytes fit.
    pub(crate) fn of_size(content: Vec<u8>, capacity: usize) -> Self {
        let disk = Self::new(content);
        disk.0.lock().unwrap().capacity = capacity;
        disk
    }

    /// Lets nothing be written from now on.
    pub(crate) fn protect(&self) {
        self.0.lock().unwrap().writable = false;
    }

    /// What a process reads from it.
    pub(crate) fn content(&self) -> Vec<u8> {
        self.0.lock().unwrap().current.clone()
    }

    fn act<T>(&self, act: impl FnOnce(&mut Platter) -> T) -> io::Result<T> {
        let mut platter = self.0.lock().unwrap();
        platter.left = platter.left.checked_sub(1).ok_or_else(|| io::Error::other("no power"))?;
        Ok(act(&mut platter))
    }

    /// What is on the disk after the power is back. Bits of `seed` choose the writes that made it.
    pub(crate) fn after_power_loss(&self, seed: B256) -> Vec<u8> {
        let platter = self.0.lock().unwrap();
        let mut content = platter.synced.clone();
        for (index, pending) in platter.since_sync.iter().enumerate() {
            let dice = keccak256([seed.as_slice(), &index.to_be_bytes()].concat());
            let sectors = pending.sectors();
            match dice[0] % 3 {
                0 if matches!(pending, Pending::Write(..)) => {}
                1 if sectors > 1 => pending.apply(&mut content, usize::from(dice[1]) % sectors),
                _ => pending.apply(&mut content, sectors),
            }
        }
        content
    }

    /// What may be on the disk if the power is lost while what was written since the last sync goes
    /// there in order: each sector more.
    pub(crate) fn torn(&self) -> Vec<Vec<u8>> {
        let platter = self.0.lock().unwrap();
        let mut content = platter.synced.clone();
        let mut found = vec![content.clone()];
        for pending in &platter.since_sync {
            for sectors in 1..=pending.sectors() {
                pending.apply(&mut content, sectors);
                found.push(content.clone());
            }
        }
        found
    }
}

impl Pending {
    fn sectors(&self) -> usize {
        match self {
            Self::Write(_, data) => data.len().div_ceil(SECTOR),
            Self::SetLength(_) => 1,
        }
    }

    /// Makes the first sectors of it part of `content`.
    fn apply(&self, content: &mut Vec<u8>, sectors: usize) {
        match self {
            Self::SetLength(length) => content.resize(*length, 0),
            Self::Write(offset, data) => {
                let keep = data.len().min(sectors * SECTOR);
                if content.len() < offset + keep {
                    content.resize(offset + keep, 0);
                }
                content[*offset..offset + keep].copy_from_slice(&data[..keep]);
            }
        }
    }
}

impl Platter {
    fn check(&self, end: usize) -> io::Result<()> {
        if !self.writable {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if end > self.capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.act(|platter| platter.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        self.act(|platter| {
            let bytes = platter.current.get(offset..offset + out.len());
            out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })?
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.act(|platter| {
            platter.check(len as usize)?;
            platter.current.resize(len as usize, 0);
            platter.since_sync.push(Pending::SetLength(len as usize));
            Ok(())
        })?
    }

    fn sync_data(&self) -> io::Result<()> {
        self.act(|platter| {
            platter.since_sync.clear();
            platter.synced = platter.current.clone();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = offset as usize;
        self.act(|platter| {
            platter.check(offset + data.len())?;
            platter.current[offset..offset + data.len()].copy_from_slice(data);
            platter.since_sync.push(Pending::Write(offset, data.to_vec()));
            Ok(())
        })?
    }
}
