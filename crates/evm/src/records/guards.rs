//! What the guardian, meters and breakers remember.
//!
//! ```text
//! of a market, after its own slots, if it is stopped with an end or has a breaker:
//!         own until 5 · guardian's level 1 · guardian's until 5 · tripped until 5 · breaker 1
//! spell   began 5 · ends 5
//! meter   0  limit 13 · window 4
//!         1  drawn 13 · drawn at 5
//! breaker 0  part 2 · window 4 · pause 4 · began 5 · debt 16
//!         1  liquidated 16
//! ```

use super::oracle::{put_time, time};
use super::word::{Reader, Writer};
use super::{AMOUNT_BYTES, Record};
use alloy_primitives::U256;
use gage_core::{
    Assets, Bps, Breaker, BreakerTerms, Fault, Market, Meter, MeterTerms, Pause, PauseLevel,
    Pauses, Spell, Timestamp, Wad,
};

fn level_of(number: u8) -> Result<PauseLevel, Fault> {
    match number {
        0 => Ok(PauseLevel::Open),
        1 => Ok(PauseLevel::Restricted),
        2 => Ok(PauseLevel::Frozen),
        _ => Err(Fault::Unreadable),
    }
}

/// What a market says of its stops beyond its owner's level; zero if nothing.
pub(crate) fn stops_word(market: &Market) -> Result<U256, Fault> {
    let Pauses { own, guardian, tripped_until } = market.pause;
    let word = put_time(Writer::new(), own.until)?.u8(guardian.level as u8);
    let word = put_time(put_time(word, guardian.until)?, tripped_until)?;
    Ok(word.u8(market.breaker.into()).finish())
}

/// Fills in what the word says.
pub(crate) fn add_stops(market: &mut Market, word: U256) -> Result<(), Fault> {
    let mut word = Reader::new(word);
    market.pause.own.until = time(&mut word)?;
    market.pause.guardian = Pause { level: level_of(word.u8())?, until: time(&mut word)? };
    market.pause.tripped_until = time(&mut word)?;
    market.breaker = word.bool();
    Ok(())
}

impl Record<1> for Spell {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        Ok([put_time(put_time(Writer::new(), self.began)?, self.ends)?.finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        let (began, ends): (Timestamp, _) = (time(&mut word)?, time(&mut word)?);
        Ok(Self { began, ends })
    }
}

impl Record<2> for Meter {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let MeterTerms { limit, window } = self.terms;
        let terms = Writer::new().narrow(limit.get(), AMOUNT_BYTES)?.u32(window);
        let drawn = Writer::new().narrow(self.drawn.get(), AMOUNT_BYTES)?;
        Ok([terms.finish(), put_time(drawn, self.drawn_at)?.finish()])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut terms, mut drawn] = words.map(Reader::new);
        Ok(Self {
            terms: MeterTerms {
                limit: Assets::new(terms.wide::<AMOUNT_BYTES>()),
                window: terms.u32(),
            },
            drawn: Assets::new(drawn.wide::<AMOUNT_BYTES>()),
            drawn_at: time(&mut drawn)?,
        })
    }
}

impl Record<2> for Breaker {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let BreakerTerms { part, window, pause } = self.terms;
        let terms = Writer::new().u16(part.get()).u32(window).u32(pause);
        let terms = put_time(terms, self.began)?.u128(self.debt.get());
        Ok([terms.finish(), Writer::new().u128(self.liquidated.get()).finish()])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut terms, mut liquidated] = words.map(Reader::new);
        Ok(Self {
            terms: BreakerTerms {
                part: Bps::new(terms.u16()),
                window: terms.u32(),
                pause: terms.u32(),
            },
            began: time(&mut terms)?,
            debt: Wad::new(terms.u128()),
            liquidated: Wad::new(liquidated.u128()),
        })
    }
}
