//! Pools among the sources of feeds: how they are read, and the readings that are kept, the latest first. A trail whose
//! latest reading has no time is none.
//!
//! ```text
//! terms   0  pool 20 · priced token 1 · decimals 1 · quote decimals 1 · window 4 · quote feed 4
//!         1  reserve min 16 · drift 2
//! trail   0  three times of 5
//!         1  three cumulative prices of 32
//! ```

use super::word::{Reader, Writer};
use super::{Record, TIME_BYTES};
use alloy_primitives::U256;
use gage_core::pool::Mark;
use gage_core::{Bps, Fault, FeedId, PoolTerms, PoolToken, PoolTrail, Timestamp};

impl Record<2> for PoolTerms {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let head = Writer::new()
            .address(self.pool)
            .u8(u8::from(self.priced == PoolToken::One))
            .u8(self.decimals)
            .u8(self.quote_decimals)
            .u32(self.window)
            .u32(self.quote.get());
        let tail = Writer::new().u128(self.reserve_min).u16(self.drift.get());
        Ok([head.finish(), tail.finish()])
    }

    fn from_words([head, tail]: [U256; 2]) -> Result<Self, Fault> {
        let [mut head, mut tail] = [head, tail].map(Reader::new);
        Ok(Self {
            pool: head.address(),
            priced: if head.bool() { PoolToken::One } else { PoolToken::Zero },
            decimals: head.u8(),
            quote_decimals: head.u8(),
            window: head.u32(),
            quote: FeedId::new(head.u32()),
            reserve_min: tail.u128(),
            drift: Bps::new(tail.u16()),
        })
    }
}

impl Record<4> for PoolTrail {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let mut times = Writer::new();
        for mark in self.marks {
            times = times.narrow(mark.time.get().into(), TIME_BYTES)?;
        }
        let [latest, middle, oldest] = self.marks.map(|mark| mark.cumulative);
        Ok([times.finish(), latest, middle, oldest])
    }

    fn from_words([times, latest, middle, oldest]: [U256; 4]) -> Result<Self, Fault> {
        let mut times = Reader::new(times);
        let marks = [latest, middle, oldest].map(|cumulative| {
            let seconds = times.wide::<TIME_BYTES>();
            // Five bytes fit.
            Mark { cumulative, time: Timestamp::new(seconds as u64) }
        });
        Ok(Self { marks })
    }
}
