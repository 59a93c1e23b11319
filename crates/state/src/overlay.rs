//! Sorted rows, some of them replaced, added or left out, read from both ends.

use crate::StateError;
use std::collections::{BTreeMap, btree_map};

/// The rows of `base` as `over` says they are: `None` leaves a row out.
pub(crate) struct Overlaid<I: Iterator, K, V> {
    base: Ends<I>,
    over: Ends<btree_map::IntoIter<K, Option<V>>>,
}

impl<I, K: Ord, V> Overlaid<I, K, V>
where
    I: Iterator<Item = Result<(K, V), StateError>>,
{
    pub(crate) fn new(rows: I, over: BTreeMap<K, Option<V>>) -> Self {
        Self { base: Ends::new(rows), over: Ends::new(over.into_iter()) }
    }
}

impl<I, K: Ord, V> Iterator for Overlaid<I, K, V>
where
    I: Iterator<Item = Result<(K, V), StateError>>,
{
    type Item = Result<(K, V), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((over, _)) = self.over.first() else { return self.base.next() };
            match self.base.first() {
                Some(Err(_)) => return self.base.next(),
                Some(Ok((row, _))) if row < over => return self.base.next(),
                Some(Ok((row, _))) if row == over => {
                    self.base.next();
                }
                Some(Ok(_)) | None => {}
            }
            if let Some((key, Some(value))) = self.over.next() {
                return Some(Ok((key, value)));
            }
        }
    }
}

impl<I, K: Ord, V> DoubleEndedIterator for Overlaid<I, K, V>
where
    I: DoubleEndedIterator<Item = Result<(K, V), StateError>>,
{
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let Some((over, _)) = self.over.last() else { return self.base.next_back() };
            match self.base.last() {
                Some(Err(_)) => return self.base.next_back(),
                Some(Ok((row, _))) if row > over => return self.base.next_back(),
                Some(Ok((row, _))) if row == over => {
                    self.base.next_back();
                }
                Some(Ok(_)) | None => {}
            }
            if let Some((key, Some(value))) = self.over.next_back() {
                return Some(Ok((key, value)));
            }
        }
    }
}

/// An iterator that can be looked at from both ends.
struct Ends<I: Iterator> {
    rest: I,
    front: Option<I::Item>,
    back: Option<I::Item>,
}

impl<I: Iterator> Ends<I> {
    fn new(rest: I) -> Self {
        Self { rest, front: None, back: None }
    }

    fn first(&mut self) -> Option<&I::Item> {
        self.front = self.next();
        self.front.as_ref()
    }

    fn next(&mut self) -> Option<I::Item> {
        self.front.take().or_else(|| self.rest.next()).or_else(|| self.back.take())
    }
}

impl<I: DoubleEndedIterator> Ends<I> {
    fn last(&mut self) -> Option<&I::Item> {
        self.back = self.next_back();
        self.back.as_ref()
    }

    fn next_back(&mut self) -> Option<I::Item> {
        self.back.take().or_else(|| self.rest.next_back()).or_else(|| self.front.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// From both ends, in any order of them, as a map that was changed.
        #[test]
        fn as_a_map(
            base in proptest::collection::btree_map(0_u8..32, any::<u8>(), 0..16),
            over in proptest::collection::btree_map(0_u8..32, any::<Option<u8>>(), 0..16),
            ends in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let mut map = base.clone();
            for (key, value) in &over {
                match value {
                    Some(value) => map.insert(*key, *value),
                    None => map.remove(key),
                };
            }
            let mut expected = map.into_iter();
            let mut rows = Overlaid::new(base.into_iter().map(Ok), over);
            for from_front in ends {
                let (row, wanted) = if from_front {
                    (rows.next(), expected.next())
                } else {
                    (rows.next_back(), expected.next_back())
                };
                prop_assert_eq!(row.transpose().unwrap(), wanted);
            }
        }
    }
}
