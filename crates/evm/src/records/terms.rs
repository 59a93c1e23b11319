//! Groups and kept terms, in the market contract.
//!
//! ```text
//! group  0   collaterals 2 · vaults 1 (bit i is place i) · LTV 2 · band 2 · binding terms 6 · kept
//!            below 4 · kept until 5 · present 1
//!        1   name
//! kept   0   generations 1 · move start 5 · move end 5 · move below 4 · one generation
//!        1…  three generations each
//! ```
//!
//! Binding terms are a threshold and two bonuses of 2; a generation is its last version 4 and its
//! binding terms 6.

use super::word::{Reader, Writer, label_from_word, label_word};
use super::{Record, TIME_BYTES};
use alloy_primitives::U256;
use gage_core::groups::Group;
use gage_core::terms::{Binding, Generation, Keeping, Kept, Move};
use gage_core::{Bps, Fault, Timestamp};

const GENERATIONS_PER_SLOT: usize = 3;

pub(super) fn write_keeping(word: Writer, kept: Keeping) -> Result<Writer, Fault> {
    word.u32(kept.below).narrow(kept.until.get().into(), TIME_BYTES)
}

pub(super) fn read_keeping(word: &mut Reader) -> Keeping {
    Keeping { below: word.u32(), until: read_time(word) }
}

fn read_time(word: &mut Reader) -> Timestamp {
    Timestamp::new(word.wide::<TIME_BYTES>() as u64)
}

fn write_binding(word: Writer, binding: Binding) -> Writer {
    let Binding { threshold, bonus_min, bonus_max } = binding;
    word.u16(threshold.get()).u16(bonus_min.get()).u16(bonus_max.get())
}

fn read_binding(word: &mut Reader) -> Binding {
    let mut next = || Bps::new(word.u16());
    Binding { threshold: next(), bonus_min: next(), bonus_max: next() }
}

impl Record<2> for Group {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let head = Writer::new().u16(self.collaterals).u8(self.vaults);
        let head = head.u16(self.ltv.get()).u16(self.band.get());
        let head = write_keeping(write_binding(head, self.binding), self.kept)?;
        Ok([head.u8(1).finish(), label_word(&self.label)])
    }

    fn from_words([head, label]: [U256; 2]) -> Result<Self, Fault> {
        let mut head = Reader::new(head);
        Ok(Self {
            label: label_from_word(label)?,
            collaterals: head.u16(),
            vaults: head.u8(),
            ltv: Bps::new(head.u16()),
            band: Bps::new(head.u16()),
            binding: read_binding(&mut head),
            kept: read_keeping(&mut head),
        })
    }
}

/// How many slots the kept terms take whose first slot is `head`.
pub(crate) fn kept_slots(head: U256) -> usize {
    slots_of(Reader::new(head).u8().into())
}

fn slots_of(generations: usize) -> usize {
    1 + generations.saturating_sub(1).div_ceil(GENERATIONS_PER_SLOT)
}

/// The slots of kept terms; one zero slot for none.
pub(crate) fn kept_words(kept: &Kept) -> Result<Vec<U256>, Fault> {
    let count = u8::try_from(kept.generations.len()).map_err(|_| Fault::Unreadable)?;
    let Move { start, end, below } = kept.moving.unwrap_or_default();
    let head = Writer::new()
        .u8(count)
        .narrow(start.get().into(), TIME_BYTES)?
        .narrow(end.get().into(), TIME_BYTES)?
        .u32(below);
    let put = |word: Writer, kept: &Generation| write_binding(word.u32(kept.until), kept.binding);
    let (first, rest) = kept.generations.split_at(kept.generations.len().min(1));
    let mut words = vec![first.iter().fold(head, put).finish()];
    let slots = rest.chunks(GENERATIONS_PER_SLOT);
    words.extend(slots.map(|slot| slot.iter().fold(Writer::new(), put).finish()));
    Ok(words)
}

/// The kept terms in these slots.
pub(crate) fn kept_from_words(words: &[U256]) -> Result<Kept, Fault> {
    let (head, rest) = words.split_first().ok_or(Fault::Unreadable)?;
    let mut head = Reader::new(*head);
    let count = head.u8().into();
    let (start, end) = (read_time(&mut head), read_time(&mut head));
    let moving = Move { start, end, below: head.u32() };
    let take = |word: &mut Reader| Generation { until: word.u32(), binding: read_binding(word) };
    let mut generations = vec![take(&mut head)];
    for word in rest {
        let mut slot = Reader::new(*word);
        generations.extend((0..GENERATIONS_PER_SLOT).map(|_| take(&mut slot)));
    }
    if generations.len() < count {
        return Err(Fault::Unreadable);
    }
    generations.truncate(count);
    Ok(Kept { generations, moving: (moving != Move::default()).then_some(moving) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gage_core::Label;
    use proptest::prelude::*;

    prop_compose! {
        fn any_binding()(points in prop::array::uniform3(any::<u16>())) -> Binding {
            let [threshold, bonus_min, bonus_max] = points.map(Bps::new);
            Binding { threshold, bonus_min, bonus_max }
        }
    }

    fn any_time() -> impl Strategy<Value = Timestamp> {
        (0..1_u64 << 40).prop_map(Timestamp::new)
    }

    proptest! {
        #[test]
        fn kept_terms_read_back(
            generations in prop::collection::vec((any::<u32>(), any_binding()), 0..=8),
            moving in prop::option::of((any_time(), any_time(), 1..u32::MAX)),
        ) {
            let generations: Vec<_> =
                generations.into_iter().map(|(until, binding)| Generation { until, binding }).collect();
            let moving = moving.map(|(start, end, below)| Move { start, end, below });
            let kept = Kept { generations, moving };
            let words = kept_words(&kept).unwrap();
            prop_assert_eq!(words.len(), kept_slots(words[0]));
            prop_assert!(words.len() <= 4);
            prop_assert_eq!(kept_from_words(&words).unwrap(), kept);
        }

        #[test]
        fn groups_read_back(
            binding in any_binding(), points in prop::array::uniform3(any::<u16>()), vaults in any::<u8>(),
            below in any::<u32>(), until in any_time(), text in "\\PC{0,7}",
        ) {
            let [collaterals, ltv, band] = points;
            let group = Group {
                label: Label::new(&text).unwrap(),
                collaterals,
                vaults,
                ltv: Bps::new(ltv),
                binding,
                band: Bps::new(band),
                kept: Keeping { below, until },
            };
            prop_assert_eq!(Group::from_words(group.to_words().unwrap()).unwrap(), group);
        }
    }

    #[test]
    fn no_kept_terms_leave_nothing() {
        assert_eq!(kept_words(&Kept::default()).unwrap(), [U256::ZERO]);
    }
}
