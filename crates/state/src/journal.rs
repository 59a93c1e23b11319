//! The journal: batches in the database that its tables do not have yet.
//!
//! A batch is durable as soon as it is a row of the journal, one write at one place, wherever in the tables its own
//! writes belong. A **checkpoint** writes those of all its rows to the tables, and empties it. When a store is
//! opened, the rows of the journal are layers over the tables again.
//!
//! A row is, for each table that is written to: its number, how many writes, and of each the key and the value, both
//! after their lengths; a removed key has a value of length `u32::MAX`. Numbers are big-endian.

use crate::{
    Damage, StateError,
    database::{Batch, Tables},
    tables::Space,
};
use std::ops::Bound;

/// Of a value that is not there.
const REMOVED: u32 = u32::MAX;

/// The row at `place`, counted from the last checkpoint.
pub(crate) fn put(journal: &mut Batch, place: usize, batch: &Batch) {
    journal.put(Space::Journal, key(place), encode(batch));
}

/// Discards the rows of as many places.
pub(crate) fn clear(journal: &mut Batch, places: usize) {
    (0..places).for_each(|place| journal.remove(Space::Journal, key(place)));
}

/// The batches of the journal, in the order of their places.
///
/// # Errors
///
/// `Damaged` if a place is empty or a row is none; otherwise only if the storage fails.
pub(crate) fn read(tables: &dyn Tables) -> Result<Vec<Batch>, StateError> {
    let mut batches = Vec::new();
    for row in tables.range(Space::Journal, Bound::Unbounded, Bound::Unbounded)? {
        let (place, row) = row?;
        if *place != key(batches.len()) {
            return Err(invalid().into());
        }
        batches.push(decode(&row).ok_or_else(invalid)?);
    }
    Ok(batches)
}

fn key(place: usize) -> [u8; 8] {
    (place as u64).to_be_bytes()
}

fn invalid() -> Damage {
    Damage::RowInvalid { table: Space::Journal.name() }
}

fn encode(batch: &Batch) -> Vec<u8> {
    let mut row = Vec::new();
    for (space, writes) in batch.tables() {
        row.push(space as u8);
        put_length(&mut row, writes.len());
        for (key, value) in writes {
            put_length(&mut row, key.len());
            row.extend_from_slice(key);
            match value {
                Some(value) => {
                    put_length(&mut row, value.len());
                    row.extend_from_slice(value);
                }
                None => row.extend_from_slice(&REMOVED.to_be_bytes()),
            }
        }
    }
    row
}

fn put_length(row: &mut Vec<u8>, length: usize) {
    row.extend_from_slice(&(length as u32).to_be_bytes());
}

fn decode(mut row: &[u8]) -> Option<Batch> {
    let mut batch = Batch::default();
    while let Some((space, rest)) = row.split_first() {
        row = rest;
        let space = *Space::ALL.get(usize::from(*space))?;
        for _ in 0..take_length(&mut row)? {
            let length = take_length(&mut row)?;
            let key = take(&mut row, length)?;
            match take_length(&mut row)? {
                REMOVED => batch.remove(space, key),
                length => batch.put(space, key, take(&mut row, length)?),
            }
        }
    }
    Some(batch)
}

fn take<'a>(row: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (taken, rest) = row.split_at_checked(usize::try_from(length).ok()?)?;
    *row = rest;
    Some(taken)
}

fn take_length(row: &mut &[u8]) -> Option<u32> {
    take(row, 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn any_batch() -> impl Strategy<Value = Batch> {
        let write = (vec(any::<u8>(), 0..4), proptest::option::of(vec(any::<u8>(), 0..40)));
        vec((0..Space::ALL.len(), write), 0..20).prop_map(|writes| {
            let mut batch = Batch::default();
            for (space, (key, value)) in writes {
                match value {
                    Some(value) => batch.put(Space::ALL[space], key, value),
                    None => batch.remove(Space::ALL[space], key),
                }
            }
            batch
        })
    }

    proptest! {
        #[test]
        fn a_batch_is_read_as_it_was_written(batch in any_batch()) {
            let read = decode(&encode(&batch)).unwrap();
            for space in Space::ALL {
                prop_assert_eq!(read.writes(space), batch.writes(space));
            }
        }

        /// What is no row is refused, and what is cut off is another batch at most.
        #[test]
        fn nonsense_is_no_batch(batch in any_batch(), cut in any::<prop::sample::Index>(), noise in vec(any::<u8>(), 0..60)) {
            let row = encode(&batch);
            let _ = decode(&noise);
            if let Some(read) = decode(&row[..cut.index(row.len() + 1)]) {
                prop_assert!(encode(&read).len() <= row.len());
            }
        }
    }
}
