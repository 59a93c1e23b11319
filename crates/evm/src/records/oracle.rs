//! Feeds, sources and signers. What every valuation needs of a feed comes first, in two slots; one that is computed has
//! the numbers of what it is computed from in the place of its price.
//!
//! ```text
//! 0  price 16, or nothing 8 · base 4 · rate, other or vault 4 · updated at 5 · max age 4 ·
//!    liquidation resumes at 5 · kind 1
//! 1  smoothed 16 · doubt until 5 · frozen until 5 · fallback 4 · pinned 1
//! 2  owner 20 · asset 4 · sources 2 · held 1
//! 3  description
//! 4  price min 16 · price max 16
//! 5  max age 4 · quorum 1 · outlier 2 · spread 2 · jump 2 · confirm 4 · smoothing 4 · budget 4 · window 4
//! 6  settled 16 · settled at 5 · budget 4 · budget at 5
//! 7  level 16 · level at 5 · smoothed at 5 · rounds 4
//! 8  anchor 16 · since 5 · growth 11, of a rate, net asset value or share price
//!
//! a source's terms, four to a slot: kind 1 · weight 2 · max age 4 · nothing 1
//! what it said last: price 16 · confidence 4 · time 5 · round 7
//! signers: count 1 · threshold 1 · expires at 8; then one to a slot
//! ```

use super::word::{Reader, Writer, label_from_word, label_word};
use super::{Record, TIME_BYTES};
use alloy_primitives::U256;
use gage_core::doubt::Track;
use gage_core::sources::Observation;
use gage_core::{
    AssetId, Bps, Fault, Feed, FeedId, FeedInfo, FeedKind, FeedSubject, FeedTerms, GrowthCap,
    Guards, Ppm, Ray, SignerSet, SourceKind, SourceTerms, Timestamp, VaultId, Wad,
};

/// Growth is at most `GROWTH_MAX`, which takes nine.
const GROWTH_BYTES: usize = 11;
/// Rounds are at most `ROUND_MAX`.
const ROUND_BYTES: usize = 7;
/// How many sources' terms lie in a slot.
pub(crate) const TERMS_PER_SLOT: u8 = 4;
const TERMS_BYTES: usize = 8;

pub(super) fn time(words: &mut Reader) -> Result<Timestamp, Fault> {
    let seconds = u64::try_from(words.wide::<TIME_BYTES>()).map_err(|_| Fault::Unreadable)?;
    Ok(Timestamp::new(seconds))
}

pub(super) fn put_time(word: Writer, time: Timestamp) -> Result<Writer, Fault> {
    word.narrow(time.get().into(), TIME_BYTES)
}

fn pair(high: u32, low: u32) -> u128 {
    u128::from(high) << 32 | u128::from(low)
}

/// The numbers of what a feed is computed from.
fn legs(kind: FeedKind) -> u128 {
    let number = |feed: Option<FeedId>| feed.map_or(0, FeedId::get);
    let [base, other] = kind.legs().map(number);
    match kind {
        FeedKind::SharePrice { vault, .. } => pair(base, vault.get()),
        _ => pair(base, other),
    }
}

fn kind_of(kind: u8, legs: u128) -> Result<FeedKind, Fault> {
    let (base, other) = (FeedId::new((legs >> 32) as u32), legs as u32);
    match kind {
        0 => Ok(FeedKind::Reported),
        1 => Ok(FeedKind::Rate),
        2 => Ok(FeedKind::NetAssetValue),
        7 => Ok(FeedKind::SharePrice { vault: VaultId::new(other), base }),
        _ => FeedKind::computed(kind, base, FeedId::new(other)).ok_or(Fault::Unreadable),
    }
}

impl Record<1> for GrowthCap {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        let word = put_time(Writer::new().u128(self.anchor.get()), self.since)?
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

impl Record<2> for Feed {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let reported = self.kind.is_reported();
        let number = if reported { self.price.get() } else { legs(self.kind) };
        let price = put_time(Writer::new().u128(number), self.updated_at)?.u32(self.max_age);
        let price = put_time(price, self.liquidation_resumes_at)?.u8(self.kind.number());
        let doubt = put_time(Writer::new().u128(self.smoothed.get()), self.doubt_until)?;
        let doubt = put_time(doubt, self.frozen_until)?
            .u32(self.fallback.map_or(0, FeedId::get))
            .u8(self.pinned.into());
        Ok([price.finish(), doubt.finish()])
    }

    fn from_words([price, doubt]: [U256; 2]) -> Result<Self, Fault> {
        let [mut price, mut doubt] = [price, doubt].map(Reader::new);
        let number = price.u128();
        let (updated_at, max_age) = (time(&mut price)?, price.u32());
        let liquidation_resumes_at = time(&mut price)?;
        let kind = kind_of(price.u8(), number)?;
        let smoothed = Wad::new(doubt.u128());
        let (doubt_until, frozen_until) = (time(&mut doubt)?, time(&mut doubt)?);
        let fallback = doubt.u32();
        Ok(Self {
            kind,
            price: if kind.is_reported() { Wad::new(number) } else { Wad::ZERO },
            smoothed,
            updated_at,
            max_age,
            pinned: doubt.bool(),
            doubt_until,
            frozen_until,
            liquidation_resumes_at,
            fallback: (fallback != 0).then(|| FeedId::new(fallback)),
        })
    }
}

impl Record<2> for FeedInfo {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let FeedSubject { asset, description } = self.subject;
        let asset = asset.map_or(0, AssetId::get);
        let head = Writer::new().address(self.owner).u32(asset).u16(self.sources);
        let head = head.u8(self.held.into());
        Ok([head.finish(), label_word(&description)])
    }

    fn from_words([head, description]: [U256; 2]) -> Result<Self, Fault> {
        let mut head = Reader::new(head);
        let (owner, asset) = (head.address(), head.u32());
        let asset = (asset != 0).then(|| AssetId::new(asset));
        let description = label_from_word(description)?;
        let subject = FeedSubject { asset, description };
        Ok(Self { owner, subject, sources: head.u16(), held: head.bool() })
    }
}

impl Record<2> for FeedTerms {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let bounds = Writer::new().u128(self.price_min.get()).u128(self.price_max.get());
        let Guards { quorum, outlier, spread, jump, confirm, smoothing, budget, window } =
            self.guards;
        let guards = Writer::new()
            .u32(self.max_age)
            .u8(quorum)
            .u16(outlier.get())
            .u16(spread.get())
            .u16(jump.get())
            .u32(confirm)
            .u32(smoothing)
            .u32(budget)
            .u32(window);
        Ok([bounds.finish(), guards.finish()])
    }

    fn from_words([bounds, guards]: [U256; 2]) -> Result<Self, Fault> {
        let [mut bounds, mut guards] = [bounds, guards].map(Reader::new);
        Ok(Self {
            max_age: guards.u32(),
            price_min: Wad::new(bounds.u128()),
            price_max: Wad::new(bounds.u128()),
            guards: Guards {
                quorum: guards.u8(),
                outlier: Bps::new(guards.u16()),
                spread: Bps::new(guards.u16()),
                jump: Bps::new(guards.u16()),
                confirm: guards.u32(),
                smoothing: guards.u32(),
                budget: guards.u32(),
                window: guards.u32(),
            },
        })
    }
}

impl Record<2> for Track {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let settled = put_time(Writer::new().u128(self.settled.get()), self.settled_at)?;
        let settled = put_time(settled.u32(self.budget), self.budget_at)?;
        let level = put_time(Writer::new().u128(self.level.get()), self.level_at)?;
        let level = put_time(level, self.smoothed_at)?.u32(self.rounds);
        Ok([settled.finish(), level.finish()])
    }

    fn from_words([settled, level]: [U256; 2]) -> Result<Self, Fault> {
        let [mut head, mut level] = [settled, level].map(Reader::new);
        let (settled, settled_at) = (Wad::new(head.u128()), time(&mut head)?);
        let (budget, budget_at) = (head.u32(), time(&mut head)?);
        let (at, level_at, smoothed_at) =
            (Wad::new(level.u128()), time(&mut level)?, time(&mut level)?);
        Ok(Self {
            settled,
            settled_at,
            level: at,
            level_at,
            smoothed_at,
            budget,
            budget_at,
            rounds: level.u32(),
        })
    }
}

impl Record<1> for Observation {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        let word = Writer::new().u128(self.price.get()).u32(self.confidence.get());
        Ok([put_time(word, self.time)?.narrow(self.round.into(), ROUND_BYTES)?.finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        let (price, confidence) = (Wad::new(word.u128()), Ppm::new(word.u32()));
        let time = time(&mut word)?;
        let round = u64::try_from(word.wide::<ROUND_BYTES>()).map_err(|_| Fault::Unreadable)?;
        Ok(Self { price, confidence, time, round })
    }
}

/// The slot of a source's terms among those of its feed, and the first bit there.
fn terms_place(place: u8) -> (U256, usize) {
    let (slot, part) = (place / TERMS_PER_SLOT, place % TERMS_PER_SLOT);
    (U256::from(slot), usize::from(TERMS_PER_SLOT - 1 - part) * TERMS_BYTES * 8)
}

/// Where among the slots of its feed's sources one's terms lie.
pub(crate) fn terms_slot(place: u8) -> U256 {
    terms_place(place).0
}

/// The kind and the terms of the source at a place, from the slot that [`terms_slot`] says.
///
/// # Errors
/// [`Fault::Unreadable`] if there is none.
pub(crate) fn source_from_word(word: U256, place: u8) -> Result<(SourceKind, SourceTerms), Fault> {
    let part: U256 = word >> terms_place(place).1;
    let mut part = Reader::new(part << (256 - TERMS_BYTES * 8));
    let kind = SourceKind::of(part.u8()).ok_or(Fault::Unreadable)?;
    let terms = SourceTerms { weight: part.u16(), max_age: part.u32() };
    if terms.weight == 0 { Err(Fault::Unreadable) } else { Ok((kind, terms)) }
}

/// The slot with a source's kind and terms in their place.
pub(crate) fn with_source(word: U256, place: u8, (kind, terms): (SourceKind, SourceTerms)) -> U256 {
    let (_, bits) = terms_place(place);
    let part = Writer::new().u8(kind.number()).u16(terms.weight).u32(terms.max_age).finish();
    let mask = U256::from(u64::MAX) << bits;
    let part = part >> (256 - TERMS_BYTES * 8) << bits;
    (word & !mask) | part
}

/// A set of signers.
pub(crate) fn signer_words(set: &SignerSet) -> Vec<U256> {
    let count = set.signers.len() as u8;
    let head = Writer::new().u8(count).u8(set.threshold).u64(set.expires_at.get()).finish();
    let signers = set.signers.iter().map(|signer| Writer::new().address(*signer).finish());
    core::iter::once(head).chain(signers).collect()
}

/// How many signers the first slot of a set names.
pub(crate) fn signer_count(head: U256) -> usize {
    Reader::new(head).u8().into()
}

/// The set of signers in these slots; empty if it was never written.
pub(crate) fn signers_from_words(words: &[U256]) -> SignerSet {
    let Some((head, signers)) = words.split_first() else {
        return SignerSet::default();
    };
    let mut head = Reader::new(*head);
    let (_, threshold, expires_at) = (head.u8(), head.u8(), Timestamp::new(head.u64()));
    let signers = signers.iter().map(|word| Reader::new(*word).address()).collect();
    SignerSet { signers, threshold, expires_at }
}
