//! A feed: what every valuation needs comes first. One that is computed has the numbers of what it is
//! computed from in the place of its price.
//!
//! ```text
//! 0  price 16, or nothing 8 · base 4 · rate or vault 4 · updated at 5 · max age 4 ·
//!    liquidation resumes at 5 · kind 1
//! 1  price min 16 · price max 16
//! 2  owner 20 · round 8
//! 3  description
//! 4  anchor 16 · since 5 · growth 11, of a rate or share price
//! ```

use super::Record;
use super::word::{Reader, Writer, label_from_word, label_word};
use alloy_primitives::U256;
use gage_core::{Fault, Feed, FeedId, FeedKind, GrowthCap, Ray, Timestamp, VaultId, Wad};

const REPORTED: u8 = 0;
const RATE: u8 = 1;
const COMPOSITE: u8 = 2;
const SHARE_PRICE: u8 = 3;
/// Growth is at most `GROWTH_MAX`, which takes nine.
const GROWTH_BYTES: usize = 11;

/// Seconds since 1970 in five bytes reach beyond the year 36,000.
const TIME_BYTES: usize = 5;

fn time(words: &mut Reader) -> Result<Timestamp, Fault> {
    let seconds = u64::try_from(words.wide::<TIME_BYTES>()).map_err(|_| Fault::Unreadable)?;
    Ok(Timestamp::new(seconds))
}

fn pair(high: u32, low: u32) -> u128 {
    u128::from(high) << 32 | u128::from(low)
}

impl Record<1> for GrowthCap {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        let word = Writer::new()
            .u128(self.anchor.get())
            .narrow(self.since.get().into(), TIME_BYTES)?
            .narrow(self.growth.get(), GROWTH_BYTES)?;
        Ok([word.finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        Ok(Self {
            anchor: Wad::new(word.u128()),
            since: time(&mut word)?,
            growth: Ray::new(word.wide::<GROWTH_BYTES>()),
        })
    }
}

impl Record<4> for Feed {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let (kind, number) = match self.kind {
            FeedKind::Reported => (REPORTED, self.price.get()),
            FeedKind::Rate => (RATE, self.price.get()),
            FeedKind::Composite { base, rate } => (COMPOSITE, pair(base.get(), rate.get())),
            FeedKind::SharePrice { vault, base } => (SHARE_PRICE, pair(base.get(), vault.get())),
        };
        let price = Writer::new()
            .u128(number)
            .narrow(self.updated_at.get().into(), TIME_BYTES)?
            .u32(self.max_age)
            .narrow(self.liquidation_resumes_at.get().into(), TIME_BYTES)?
            .u8(kind);
        Ok([
            price.finish(),
            Writer::new().u128(self.price_min.get()).u128(self.price_max.get()).finish(),
            Writer::new().address(self.owner).u64(self.round).finish(),
            label_word(&self.description),
        ])
    }

    fn from_words([price, bounds, owner, description]: [U256; 4]) -> Result<Self, Fault> {
        let [mut price, mut bounds, mut owner] = [price, bounds, owner].map(Reader::new);
        let number = price.u128();
        let (updated_at, max_age) = (time(&mut price)?, price.u32());
        let liquidation_resumes_at = time(&mut price)?;
        let (base, other) = ((number >> 32) as u32, number as u32);
        let base = FeedId::new(base);
        let kind = match price.u8() {
            REPORTED => FeedKind::Reported,
            RATE => FeedKind::Rate,
            COMPOSITE => FeedKind::Composite { base, rate: FeedId::new(other) },
            SHARE_PRICE => FeedKind::SharePrice { vault: VaultId::new(other), base },
            _ => return Err(Fault::Unreadable),
        };
        Ok(Self {
            owner: owner.address(),
            description: label_from_word(description)?,
            kind,
            price: if kind.is_reported() { Wad::new(number) } else { Wad::ZERO },
            updated_at,
            round: owner.u64(),
            max_age,
            liquidation_resumes_at,
            price_min: Wad::new(bounds.u128()),
            price_max: Wad::new(bounds.u128()),
        })
    }
}
