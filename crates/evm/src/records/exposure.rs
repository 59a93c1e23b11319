//! Factors and tags, in the registry's storage; caps and sums of what backs vaults' debts, in the market
//! contract.
//!
//! ```text
//! factor   0  kind 1 · present 1
//!          1  label
//! tags     0  issuer 4 · bridge 4 · oracle 4 · underlying 4
//! cap      0  cap 13 · present 1
//! sum      0  debt offset 16 · debt shares 16
//! ```

use super::word::{Reader, Writer, label_from_word, label_word};
use super::{AMOUNT_BYTES, Record};
use alloy_primitives::U256;
use gage_core::{Assets, Debt, Factor, FactorId, FactorKind, Fault, Shares, Tags};

impl Record<2> for Factor {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let head = Writer::new().u8(self.kind as u8).u8(1);
        Ok([head.finish(), label_word(&self.label)])
    }

    fn from_words([head, label]: [U256; 2]) -> Result<Self, Fault> {
        let kind = usize::from(Reader::new(head).u8());
        let kind = *FactorKind::ALL.get(kind).ok_or(Fault::Unreadable)?;
        Ok(Self { kind, label: label_from_word(label)? })
    }
}

/// The slot of an asset's factors; zero for none.
pub(crate) fn tags_word(tags: &Tags) -> U256 {
    let number = |kind| tags.of(kind).map_or(0, FactorId::get);
    FactorKind::ALL.into_iter().map(number).fold(Writer::new(), Writer::u32).finish()
}

/// The factors in that slot.
pub(crate) fn tags_from_word(word: U256) -> Tags {
    let (mut word, mut tags) = (Reader::new(word), Tags::default());
    for kind in FactorKind::ALL {
        let number = word.u32();
        tags.set(kind, (number != 0).then(|| FactorId::new(number)));
    }
    tags
}

/// The slot of a cap; zero for none.
pub(crate) fn cap_word(cap: Option<Assets>) -> Result<U256, Fault> {
    let Some(cap) = cap else { return Ok(U256::ZERO) };
    Ok(Writer::new().narrow(cap.get(), AMOUNT_BYTES)?.u8(1).finish())
}

/// The cap in that slot.
pub(crate) fn cap_from_word(word: U256) -> Option<Assets> {
    (!word.is_zero()).then(|| Assets::new(Reader::new(word).wide::<AMOUNT_BYTES>()))
}

/// The slot of a sum of debts.
pub(crate) fn debt_word(debt: Debt) -> U256 {
    Writer::new().u128(debt.offset.get()).u128(debt.shares.get()).finish()
}

/// The sum in that slot.
pub(crate) fn debt_from_word(word: U256) -> Debt {
    let mut word = Reader::new(word);
    Debt { offset: Assets::new(word.u128()), shares: Shares::new(word.u128()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slots_read_back(
            numbers in prop::array::uniform4(any::<u32>()),
            cap in prop::option::of(0..1_u128 << 104),
            debt in any::<(u128, u128)>(),
        ) {
            let factor = |number: u32| (number != 0).then(|| FactorId::new(number));
            let [issuer, bridge, oracle, underlying] = numbers.map(factor);
            let tags = Tags { issuer, bridge, oracle, underlying };
            prop_assert_eq!(tags_from_word(tags_word(&tags)), tags);
            let cap = cap.map(Assets::new);
            prop_assert_eq!(cap_from_word(cap_word(cap)?), cap);
            let debt = Debt { shares: Shares::new(debt.0), offset: Assets::new(debt.1) };
            prop_assert_eq!(debt_from_word(debt_word(debt)), debt);
        }
    }

    #[test]
    fn nothing_leaves_nothing() {
        assert_eq!(tags_word(&Tags::default()), U256::ZERO);
        assert_eq!(cap_word(None), Ok(U256::ZERO));
        assert_ne!(cap_word(Some(Assets::ZERO)), Ok(U256::ZERO));
        assert_eq!(debt_word(Debt::ZERO), U256::ZERO);
    }
}
