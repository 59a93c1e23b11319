//! First-loss capital, in the market contract.
//!
//! ```text
//! tranche  0  index 14 · premium 2 · epoch 4 · pending until 8 · present 1
//!          1  shares 16 · units 16
//!          2  owed 16 · fraction 16
//! stake    0  units 16 · epoch 4 · announced at 8
//! ```

use super::Record;
use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::first_loss::{Stake, Tranche};
use gage_core::{Assets, Bps, Fault, Ray, Shares, Timestamp, Units};

const INDEX_BYTES: usize = 14;

impl Record<3> for Tranche {
    fn to_words(&self) -> Result<[U256; 3], Fault> {
        let head = Writer::new()
            .narrow(self.index.get(), INDEX_BYTES)?
            .u16(self.premium.get())
            .u32(self.epoch)
            .u64(self.pending_until.get())
            .u8(1);
        let held = Writer::new().u128(self.shares.get()).u128(self.units.get());
        let owed = Writer::new().u128(self.owed.get()).u128(self.fraction.get());
        Ok([head.finish(), held.finish(), owed.finish()])
    }

    fn from_words(words: [U256; 3]) -> Result<Self, Fault> {
        let [mut head, mut held, mut owed] = words.map(Reader::new);
        Ok(Self {
            index: Ray::new(head.wide::<INDEX_BYTES>()),
            premium: Bps::new(head.u16()),
            epoch: head.u32(),
            pending_until: Timestamp::new(head.u64()),
            shares: Shares::new(held.u128()),
            units: Units::new(held.u128()),
            owed: Assets::new(owed.u128()),
            fraction: Ray::new(owed.u128()),
        })
    }
}

impl Record<1> for Stake {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        let word = Writer::new().u128(self.units.get()).u32(self.epoch);
        Ok([word.u64(self.announced_at.get()).finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        Ok(Self {
            units: Units::new(word.u128()),
            epoch: word.u32(),
            announced_at: Timestamp::new(word.u64()),
        })
    }
}
