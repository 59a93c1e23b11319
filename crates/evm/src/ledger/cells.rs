//! Storage slots as records: read once, written once.

use crate::records::{NUMBERS_PER_SLOT, Record, keys, number_words, numbers_from_word};
use crate::slots::{Change, Slot, Slots};
use alloy_primitives::U256;
use gage_core::address::Native;
use gage_core::{Fault, Stop};

/// Records in storage slots. Every slot is read once, when it is first needed, and written once, if
/// it changed, by [`SlotLedger::commit`]; until then nothing but logs and code markers has left.
#[derive(Debug)]
pub struct SlotLedger<S> {
    pub(super) slots: S,
    detail: Detail,
    cached: Vec<Cached>,
    /// A digest of each cached slot's contract and key, close together to be searched fast.
    digests: Vec<u64>,
}

/// How much of a record is read. Names and owners come last in a record, and lending needs neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Whole,
    Figures,
}

/// A slot that was read. Of a record the slots read are always the first ones.
#[derive(Clone, Copy, Debug)]
struct Cached {
    contract: Native,
    key: U256,
    before: Slot,
    value: U256,
}

impl Cached {
    fn is(&self, contract: Native, key: U256) -> bool {
        self.key == key && self.contract == contract
    }
}

fn digest(contract: Native, key: U256) -> u64 {
    let number = match contract {
        Native::Registry => 1,
        Native::Oracle => 2,
        Native::Market => 3,
        Native::Vault(id) => 4 << 32 | u64::from(id.get()),
        Native::Asset(id) => 5 << 32 | u64::from(id.get()),
        Native::Exit(id) => 6 << 32 | u64::from(id.get()),
        Native::Rebasing(id) => 7 << 32 | u64::from(id.get()),
    };
    let [low, next, middle, top] = *key.as_limbs();
    low ^ next.rotate_left(16) ^ middle.rotate_left(32) ^ top ^ number << 8
}

/// Slots that a typical operation reads.
const SLOTS_EXPECTED: usize = 32;
impl<S: Slots> SlotLedger<S> {
    /// A ledger over `slots`.
    #[must_use]
    pub fn new(slots: S) -> Self {
        let cached = Vec::with_capacity(SLOTS_EXPECTED);
        let digests = Vec::with_capacity(SLOTS_EXPECTED);
        Self { slots, detail: Detail::Whole, cached, digests }
    }

    /// From here on vaults and assets come without their names. Spares an operation the slots it has no use for.
    pub(crate) const fn read_figures_only(&mut self) {
        self.detail = Detail::Figures;
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// A fault of the slots; what was written before it has to be taken back.
    pub fn commit(&mut self) -> Result<(), Fault> {
        self.cached.retain(|slot| slot.value != slot.before.value);
        self.cached.sort_by_key(|slot| slot.contract);
        for group in self.cached.chunk_by(|one, other| one.contract == other.contract) {
            let mut changes = group.iter().map(|slot| {
                let Cached { key, before, value: after, .. } = *slot;
                Change { key, before, after }
            });
            if let Some(first) = group.first() {
                self.slots.store(first.contract, &mut changes)?;
            }
        }
        self.discard();
        Ok(())
    }

    /// Forgets what changed since the last commit.
    pub fn discard(&mut self) {
        self.cached.clear();
        self.digests.clear();
    }

    /// The slots below.
    pub const fn slots(&mut self) -> &mut S {
        &mut self.slots
    }

    /// The slots below.
    pub fn into_slots(self) -> S {
        self.slots
    }

    /// Shows `visit` the first `count` slots of a record with their places in it, having read those
    /// that were not.
    fn visit(
        &mut self,
        contract: Native,
        (first, count): (U256, usize),
        mut visit: impl FnMut(usize, &mut Cached),
    ) -> Result<(), Fault> {
        let (mut key, mut expected) = (first, usize::MAX);
        for place in 0..count {
            // Neighbours were mostly read together.
            let at = match self.cached.get(expected) {
                Some(slot) if slot.is(contract, key) => expected,
                _ => match self.find(contract, key) {
                    Some(found) => found,
                    None => self.fetch(contract, (key, count - place))?,
                },
            };
            visit(place, self.cached.get_mut(at).ok_or(Fault::Unreadable)?);
            expected = at + 1;
            key += U256::ONE;
        }
        Ok(())
    }

    fn find(&self, contract: Native, key: U256) -> Option<usize> {
        let digest = digest(contract, key);
        let mut likely = self.digests.iter().zip(&self.cached);
        likely.position(|(other, slot)| *other == digest && slot.is(contract, key))
    }

    /// Reads slots that are not cached, and returns the place of the first.
    fn fetch(&mut self, contract: Native, range: (U256, usize)) -> Result<usize, Fault> {
        let Self { slots, cached, digests, .. } = self;
        let place = cached.len();
        slots.load(contract, range, &mut |key, before| {
            cached.push(Cached { contract, key, before, value: before.value });
            digests.push(digest(contract, key));
        })?;
        Ok(place)
    }

    pub(super) fn read(
        &mut self,
        contract: Native,
        first: U256,
        words: &mut [U256],
    ) -> Result<(), Fault> {
        let range = (first, words.len());
        self.visit(contract, range, |place, slot| words[place] = slot.value)
    }

    pub(super) fn write(
        &mut self,
        contract: Native,
        first: U256,
        words: &[U256],
    ) -> Result<(), Fault> {
        let range = (first, words.len());
        self.visit(contract, range, |place, slot| slot.value = words[place])
    }

    pub(super) fn read_one(&mut self, contract: Native, key: U256) -> Result<U256, Fault> {
        let mut word = [U256::ZERO];
        self.read(contract, key, &mut word)?;
        Ok(word[0])
    }

    /// The record at `first`, if it was ever written; only its `figures` first slots, if these are
    /// all that is read.
    pub(super) fn record<R: Record<N>, const N: usize>(
        &mut self,
        contract: Native,
        first: U256,
        figures: usize,
    ) -> Result<Option<R>, Stop> {
        let mut words = [U256::ZERO; N];
        let read = if self.detail == Detail::Figures { figures } else { N };
        self.read(contract, first, &mut words[..read])?;
        if words[0].is_zero() {
            return Ok(None);
        }
        Ok(Some(R::from_words(words)?))
    }

    pub(super) fn set_record<R: Record<N>, const N: usize>(
        &mut self,
        contract: Native,
        first: U256,
        record: &R,
    ) -> Result<(), Stop> {
        Ok(self.write(contract, first, &record.to_words()?)?)
    }

    /// Writes the own record of a contract. One that is new receives its code and its names, which
    /// never change afterwards.
    pub(super) fn set_own<R: Record<N>, const N: usize>(
        &mut self,
        contract: Native,
        record: &R,
        figures: usize,
    ) -> Result<(), Stop> {
        let words = record.to_words()?;
        let is_new = self.read_one(contract, keys::OWN)?.is_zero();
        if is_new {
            self.slots.mark(contract)?;
        }
        let written = if is_new { N } else { figures };
        Ok(self.write(contract, keys::OWN, &words[..written])?)
    }

    /// A list of at most `most` numbers.
    pub(super) fn numbers(
        &mut self,
        (contract, key): (Native, U256),
        most: usize,
    ) -> Result<Vec<u32>, Stop> {
        let mut list = Vec::new();
        for slot in 0..most.div_ceil(NUMBERS_PER_SLOT) {
            list.extend(numbers_from_word(self.read_one(contract, key + U256::from(slot))?));
            if list.len() < (slot + 1) * NUMBERS_PER_SLOT {
                break;
            }
        }
        Ok(list)
    }

    /// Writes a list of at most `most` numbers.
    pub(super) fn set_numbers(
        &mut self,
        (contract, key): (Native, U256),
        list: &[u32],
        most: usize,
    ) -> Result<(), Stop> {
        let mut words = number_words(list);
        // Slots that a longer list took are emptied.
        let before = self.numbers((contract, key), most)?.len();
        words.resize(words.len().max(before.div_ceil(NUMBERS_PER_SLOT)), U256::ZERO);
        Ok(self.write(contract, key, &words)?)
    }

    pub(super) fn number(&mut self, contract: Native, key: U256) -> Result<u128, Stop> {
        Ok(u128::try_from(self.read_one(contract, key)?).map_err(|_| Fault::Unreadable)?)
    }
}
