//! Lists of numbers from 1, eight to a slot, one after the other; a zero, or the end of the list's last
//! slot, ends the list. An empty one leaves nothing.
//!
//! ```text
//! 0…  eight numbers of 4 each
//! ```

use super::word::{Reader, Writer};
use alloy_primitives::U256;

/// Numbers in one slot.
pub(crate) const NUMBERS_PER_SLOT: usize = 8;

/// The numbers of a slot, up to the end of the list if it is in there.
pub(crate) fn numbers_from_word(word: U256) -> impl Iterator<Item = u32> {
    let mut word = Reader::new(word);
    (0..NUMBERS_PER_SLOT).map(move |_| word.u32()).take_while(|number| *number != 0)
}

/// The slots of a list.
pub(crate) fn number_words(numbers: &[u32]) -> Vec<U256> {
    let slots = numbers.chunks(NUMBERS_PER_SLOT);
    slots.map(|slot| slot.iter().copied().fold(Writer::new(), Writer::u32).finish()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_read_back(numbers in prop::collection::vec(1..=u32::MAX, 0..=64)) {
            let words = number_words(&numbers);
            prop_assert_eq!(words.len(), numbers.len().div_ceil(NUMBERS_PER_SLOT));
            let read: Vec<_> = words.into_iter().flat_map(numbers_from_word).collect();
            prop_assert_eq!(read, numbers);
        }
    }
}
