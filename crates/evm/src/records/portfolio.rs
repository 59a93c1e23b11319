//! A market's portfolio margin, in the market contract.
//!
//! ```text
//! portfolio  0  generation 4 · ramp start 5 · ramp end 5 · sets 1 ·
//!               before: k borrow 2 · k liquidation 2 · floor 2 · now: the same · nothing 4 · present 1
//! factor     0  place 1 · sigma 3 · cost 2 · hedge, four bits · present, four bits · hedge threshold 2 ·
//!               nothing 1 · correlations with places 0 to 10, 2 each
//!            1  correlations with places 11 to 14, 2 each, if it has them
//! ```

use super::Record;
use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::portfolio::{FACTORS_MAX, MarginTerms, Portfolio, RiskFactor, Sigma};
use gage_core::{Bps, Fault, Timestamp};

const TIME_BYTES: usize = 5;
const SIGMA_BYTES: usize = 3;
const CORRELATIONS_IN_SLOT_0: usize = 11;

fn terms(word: Writer, terms: Option<MarginTerms>) -> Writer {
    let [k_borrow, k_liquidation, floor] = terms
        .map_or([0; 3], |terms| [terms.k_borrow, terms.k_liquidation, terms.floor].map(Bps::get));
    word.u16(k_borrow).u16(k_liquidation).u16(floor)
}

impl Record<1> for Portfolio {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        let sets = u8::from(self.before.is_some()) | u8::from(self.now.is_some()) << 1;
        let word = Writer::new()
            .u32(self.generation)
            .narrow(self.ramp_start.get().into(), TIME_BYTES)?
            .narrow(self.ramp_end.get().into(), TIME_BYTES)?
            .u8(sets);
        Ok([terms(terms(word, self.before), self.now).u32(0).u8(1).finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        let generation = word.u32();
        let mut time = || u64::try_from(word.wide::<TIME_BYTES>()).map(Timestamp::new);
        let [start, end] = [time(), time()];
        let sets = word.u8();
        let mut set = |bit: u8| {
            let terms = MarginTerms {
                k_borrow: Bps::new(word.u16()),
                k_liquidation: Bps::new(word.u16()),
                floor: Bps::new(word.u16()),
            };
            (sets & bit != 0).then_some(terms)
        };
        let [before, now] = [set(1), set(2)];
        let unreadable = |_| Fault::Unreadable;
        let (ramp_start, ramp_end) = (start.map_err(unreadable)?, end.map_err(unreadable)?);
        Ok(Self { generation, ramp_start, ramp_end, before, now })
    }
}

/// How many slots the factor takes whose first slot is `head`.
pub(crate) fn factor_slots(head: U256) -> usize {
    if usize::from(Reader::new(head).u8()) > CORRELATIONS_IN_SLOT_0 { 2 } else { 1 }
}

fn correlation(number: i16) -> u16 {
    u16::from_be_bytes(number.to_be_bytes())
}

/// The slots of a factor.
pub(crate) fn factor_words(factor: &RiskFactor) -> Result<Vec<U256>, Fault> {
    let (first, rest) = factor.correlations.split_at(CORRELATIONS_IN_SLOT_0);
    let numbers =
        |word: Writer, all: &[i16]| all.iter().copied().map(correlation).fold(word, Writer::u16);
    let head = Writer::new()
        .u8(factor.place)
        .narrow(factor.sigma.get().into(), SIGMA_BYTES)?
        .u16(factor.cost.get())
        .u8(factor.hedge << 4 | 1)
        .u16(factor.hedge_threshold.get())
        .u8(0);
    let mut words = vec![numbers(head, first).finish()];
    if factor_slots(words[0]) == 2 {
        words.push(numbers(Writer::new(), rest).finish());
    }
    Ok(words)
}

/// The factor in these slots, if one was ever written.
pub(crate) fn factor_from_words(words: &[U256]) -> Result<Option<RiskFactor>, Fault> {
    let [head, rest @ ..] = words else { return Err(Fault::Unreadable) };
    if head.is_zero() {
        return Ok(None);
    }
    let mut word = Reader::new(*head);
    let place = word.u8();
    let sigma = u32::try_from(word.wide::<SIGMA_BYTES>()).map_err(|_| Fault::Unreadable)?;
    let cost = Bps::new(word.u16());
    let hedge = word.u8() >> 4;
    let hedge_threshold = Bps::new(word.u16());
    let _nothing = word.u8();
    let mut correlations = [0; FACTORS_MAX - 1];
    let (first, last) = correlations.split_at_mut(CORRELATIONS_IN_SLOT_0);
    let number = |word: &mut Reader| i16::from_be_bytes(word.u16().to_be_bytes());
    first.iter_mut().for_each(|correlation| *correlation = number(&mut word));
    if let Some(second) = rest.first() {
        let mut second = Reader::new(*second);
        last.iter_mut().for_each(|correlation| *correlation = number(&mut second));
    }
    let sigma = Sigma::new(sigma);
    Ok(Some(RiskFactor { place, sigma, cost, hedge, hedge_threshold, correlations }))
}
