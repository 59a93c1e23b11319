//! A feed: what every valuation needs comes first.
//!
//! ```text
//! 0  price 16 · updated at 8 · max age 4
//! 1  price min 16 · price max 16
//! 2  owner 20 · round 8
//! 3  description
//! ```

use super::Record;
use super::word::{Reader, Writer, label_from_word, label_word};
use alloy_primitives::U256;
use gage_core::{Fault, Feed, Timestamp, Wad};

impl Record<4> for Feed {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let price = Writer::new().u128(self.price.get()).u64(self.updated_at.get());
        Ok([
            price.u32(self.max_age).finish(),
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
            updated_at: Timestamp::new(price.u64()),
            round: owner.u64(),
            max_age: price.u32(),
            price_min: Wad::new(bounds.u128()),
            price_max: Wad::new(bounds.u128()),
        })
    }
}
