//! Where logs are: in which blocks of a span an address or a topic occurs.
//!
//! A header's bloom tells one block, and to a busy block it says "perhaps" to everything. A row of this
//! index tells [`SPAN`] blocks, and errs once in four thousand million times. It is written with each
//! block: the marks of the span so far, and the block's own.

use std::collections::BTreeSet;

use alloy_consensus::ReceiptEnvelope;
use alloy_primitives::{B256, keccak256};
use gage_state::{Record, StateError, Store, Table};

use crate::{LogFilter, log_hashes::LogHashes};

/// Blocks of one row: as many as a mask has bits.
pub(crate) const SPAN: u64 = 64;

/// The first bytes of the hash of an address or a topic.
type Print = [u8; 4];

/// A print, and the place in its span of a block that has it. A row is a list of these, in order.
type Mark = [u8; 5];

fn print(hash: &B256) -> Print {
    [hash[0], hash[1], hash[2], hash[3]]
}

fn mark([a, b, c, d]: Print, place: u8) -> Mark {
    [a, b, c, d, place]
}

fn key(span: u64) -> Vec<u8> {
    [b"logs".as_slice(), &span.to_be_bytes()].concat()
}

/// The row of the block's span, with what its logs are found by; `None` if the blocks before are missing in
/// it, as they are in a chain that began without an index. The next span has them all.
pub(crate) fn record(
    store: &Store,
    number: u64,
    logs: &LogHashes,
) -> Result<Option<Record>, StateError> {
    let key = key(number / SPAN);
    let place = place(number);
    let before = if place == 0 { Some(Vec::new()) } else { store.get(Table::Meta, &key)? };
    let Some(before) = before else { return Ok(None) };
    let mut marks: Vec<Mark> = before.as_chunks().0.to_vec();
    marks.extend(marks_of(place, logs));
    marks.sort_unstable();
    Ok(Some(Record::put(Table::Meta, key, marks.as_flattened())))
}

/// Whether the row of the block's span, if there is one, says of the block what `receipts` log.
pub(crate) fn agrees(
    store: &Store,
    number: u64,
    receipts: &[ReceiptEnvelope],
) -> Result<bool, StateError> {
    let Some(row) = store.get(Table::Meta, &key(number / SPAN))? else { return Ok(true) };
    let place = place(number);
    let (marks, rest) = row.as_chunks();
    let stored = marks.iter().filter(|mark| mark[4] == place);
    let logs = receipts.iter().flat_map(ReceiptEnvelope::logs);
    Ok(rest.is_empty() && stored.eq(&marks_of(place, &LogHashes::of(logs))))
}

/// What a block logs, each address and topic once.
fn marks_of(place: u8, logs: &LogHashes) -> BTreeSet<Mark> {
    logs.iter().map(|hash| mark(print(hash), place)).collect()
}

/// Which blocks of a span may hold a log that `filter` wants, the first in the lowest bit; `None` if
/// the span is not indexed.
pub(crate) fn candidates(
    store: &Store,
    span: u64,
    filter: &LogFilter,
) -> Result<Option<u64>, StateError> {
    let Some(row) = store.get(Table::Meta, &key(span))? else { return Ok(None) };
    let marks: &[Mark] = row.as_chunks().0;
    let addresses: Vec<_> = filter.addresses.iter().map(|address| address.as_slice()).collect();
    let topics = filter.topics.iter().map(|wanted| {
        let wanted: Vec<_> = wanted.iter().map(|topic| topic.as_slice()).collect();
        any_of(marks, &wanted)
    });
    Ok(Some(topics.fold(any_of(marks, &addresses), |all, one| all & one)))
}

/// The blocks that have any of `values`; all if there are none.
fn any_of(marks: &[Mark], values: &[&[u8]]) -> u64 {
    if values.is_empty() {
        return u64::MAX;
    }
    values.iter().fold(0, |blocks, value| blocks | blocks_with(marks, print(&keccak256(value))))
}

fn blocks_with(marks: &[Mark], print: Print) -> u64 {
    let from = marks.partition_point(|other| *other < mark(print, 0));
    let found = marks[from..].iter().take_while(|other| other[..4] == print);
    found.fold(0, |blocks, found| blocks | 1_u64.wrapping_shl(found[4].into()))
}

/// The block's place in its span.
fn place(number: u64) -> u8 {
    (number % SPAN) as u8
}

/// Whether `blocks` has the block with this number.
pub(crate) fn has(blocks: u64, number: u64) -> bool {
    blocks >> place(number) & 1 == 1
}
