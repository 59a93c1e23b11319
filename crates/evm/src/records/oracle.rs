//! A feed: what every valuation needs comes first.
//!
//! ```text
//! 0  price 16 · updated at 5 · max age 4 · liquidation resumes at 5
//! 1  price min 16 · price max 16
//! 2  owner 20 · round 8
//! 3  description
//! ```

use super::Record;
use super::word::{Reader, Writer, label_from_word, label_word};
use alloy_primitives::U256;
use gage_core::{Fault, Feed, Timestamp, Wad};

/// Seconds since 1970 in five bytes reach beyond the year 36,000.
const TIME_BYTES: usize = 5;

fn time(words: &mut Reader) -> Result<Timestamp, Fault> {
    let seconds = u64::try_from(words.wide::<TIME_BYTES>()).map_err(|_| Fault::Unreadable)?;
    Ok(Timestamp::new(seconds))
}

impl Record<4> for Feed {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let price = Writer::new()
            .u128(self.price.get())
            .narrow(self.updated_at.get().into(), TIME_BYTES)?
            .u32(self.max_age)
            .narrow(self.liquidation_resumes_at.get().into(), TIME_BYTES)?;
        Ok([
            price.finish(),
            Writer::new().u128(self.price_min.get()).u128(self.price_max.get()).finish(),
            Writer::new().address(self.owner).u64(self.round).finish(),
            label_word(&self.description),
        ])
    }

    fn from_words([price, bounds, owner, description]: [U256; 4]) -> Result<Self, Fault> {
        let [mut price, mut bounds, mut owner] = [price, bounds, owner].map(Reader::new);
        Ok(Self {
            owner: owner.address(),
            description: label_from_word(description)?,
            price: Wad::new(price.u128()),
            updated_at: time(&mut price)?,
            round: owner.u64(),
            max_age: price.u32(),
            liquidation_resumes_at: time(&mut price)?,
            price_min: Wad::new(bounds.u128()),
            price_max: Wad::new(bounds.u128()),
        })
    }
}
