//! An exit queue, in its own contract.
//!
//! ```text
//! queue       0  run 4 · fills 5 · places 7 · paid 16
//!             1  queued 16 · filled 16
//! checkpoint  0  filled 16 · paid 16
//! place       0  start 16 · end 16
//!             1  owner 20 · run 4 · fills before 5 · index in its owner's list 3
//! ```

use super::Record;
use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::exits::{Checkpoint, ExitQueue, Place};
use gage_core::{Assets, Fault, Shares};

const FILLS_BYTES: usize = 5;
const PLACES_BYTES: usize = 7;
const INDEX_BYTES: usize = 3;

/// A number that was written in less than eight bytes.
fn number<const N: usize>(reader: &mut Reader) -> Result<u64, Fault> {
    u64::try_from(reader.wide::<N>()).map_err(|_| Fault::Unreadable)
}

impl Record<2> for ExitQueue {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let head = Writer::new()
            .u32(self.run)
            .narrow(self.checkpoints.into(), FILLS_BYTES)?
            .narrow(self.places.into(), PLACES_BYTES)?
            .u128(self.paid.get());
        let axis = Writer::new().u128(self.queued.get()).u128(self.filled.get());
        Ok([head.finish(), axis.finish()])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut head, mut axis] = words.map(Reader::new);
        Ok(Self {
            run: head.u32(),
            checkpoints: number::<FILLS_BYTES>(&mut head)?,
            places: number::<PLACES_BYTES>(&mut head)?,
            paid: Assets::new(head.u128()),
            queued: Shares::new(axis.u128()),
            filled: Shares::new(axis.u128()),
        })
    }
}

impl Record<1> for Checkpoint {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        Ok([Writer::new().u128(self.filled.get()).u128(self.paid.get()).finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        Ok(Self { filled: Shares::new(word.u128()), paid: Assets::new(word.u128()) })
    }
}

impl Record<2> for Place {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let axis = Writer::new().u128(self.start.get()).u128(self.end.get());
        let whose = Writer::new()
            .address(self.owner)
            .u32(self.run)
            .narrow(self.first.into(), FILLS_BYTES)?
            .narrow(self.index.into(), INDEX_BYTES)?;
        Ok([axis.finish(), whose.finish()])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut axis, mut whose] = words.map(Reader::new);
        Ok(Self {
            start: Shares::new(axis.u128()),
            end: Shares::new(axis.u128()),
            owner: whose.address(),
            run: whose.u32(),
            first: number::<FILLS_BYTES>(&mut whose)?,
            index: u32::try_from(whose.wide::<INDEX_BYTES>()).map_err(|_| Fault::Unreadable)?,
        })
    }
}
