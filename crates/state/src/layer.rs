//! Batches that the tables do not have yet, as layers over them.

use crate::{
    StateError,
    database::{Batch, Rows, Tables, Write},
    forest::Step,
    overlay::Overlaid,
    tables::Space,
};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    ops::{Bound, RangeBounds},
    sync::Arc,
};

/// What one batch writes.
#[derive(Clone)]
pub(crate) struct Layer {
    /// Sorted by key, each key once.
    batch: Batch,
    /// Where in the batch a key is.
    places: [HashTable<u32>; Space::ALL.len()],
    /// If it is a block.
    step: Option<Step>,
    /// How much work it is for the database to write it: rows, nodes and kibibytes, about.
    weight: usize,
}

impl Layer {
    /// Every layer over the same tables has the same hasher.
    pub(crate) fn new(mut batch: Batch, hasher: &DefaultHashBuilder) -> Self {
        batch.sort();
        let mut places = [const { HashTable::new() }; Space::ALL.len()];
        let (mut rows, mut bytes) = (0, 0);
        for (space, writes) in batch.tables() {
            let table = &mut places[space as usize];
            let hash = |place: &u32| hasher.hash_one(&*writes[*place as usize].0);
            table.reserve(writes.len(), hash);
            for place in 0..writes.len() as u32 {
                table.insert_unique(hash(&place), place, hash);
            }
            rows += writes.len();
            let sizes =
                writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
            bytes += sizes.sum::<usize>();
        }
        Self { batch, places, step: None, weight: rows + bytes / 1024 }
    }

    /// The layer of a block.
    pub(crate) fn with_step(mut self, step: Step) -> Self {
        self.weight += step.unwritten;
        self.step = Some(step);
        self
    }

    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(crate) fn step(&self) -> Option<&Step> {
        self.step.as_ref()
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    fn get(&self, space: Space, key: &[u8], hash: u64) -> Option<&Write> {
        let writes = self.batch.writes(space);
        let is_key = |place: &u32| *writes[*place as usize].0 == *key;
        let place = self.places[space as usize].find(hash, is_key)?;
        writes.get(*place as usize)
    }

    fn range(&self, space: Space, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> &[Write] {
        let writes = self.batch.writes(space);
        let before = |write: &Write| match bounds.0 {
            Bound::Included(from) => *write.0 < *from,
            Bound::Excluded(from) => *write.0 <= *from,
            Bound::Unbounded => false,
        };
        let rest = &writes[writes.partition_point(before)..];
        &rest[..rest.partition_point(|(key, _)| RangeBounds::<[u8]>::contains(&bounds, &**key))]
    }
}

/// Tables under layers, of which the oldest is the first.
pub(crate) struct Layered {
    pub(crate) base: Box<dyn Tables>,
    pub(crate) layers: Arc<Vec<Arc<Layer>>>,
    pub(crate) hasher: DefaultHashBuilder,
}

impl Layered {
    /// What the layers say of a range, the newest of a key.
    fn over(
        &self,
        space: Space,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        let writes = self.layers.iter().flat_map(|layer| layer.range(space, bounds));
        writes.cloned().collect()
    }
}

impl Tables for Layered {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let hash = self.hasher.hash_one(key);
        match self.layers.iter().rev().find_map(|layer| layer.get(space, key, hash)) {
            Some((_, value)) => Ok(value.clone()),
            None => self.base.get(space, key),
        }
    }

    fn range(
        &self,
        space: Space,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, StateError> {
        let rows = self.base.range(space, from, to)?;
        let over = self.over(space, (from, to));
        Ok(if over.is_empty() { rows } else { Box::new(Overlaid::new(rows, over)) })
    }

    fn len(&self, space: Space) -> Result<u64, StateError> {
        let mut len = self.base.len(space)?;
        for (key, value) in self.over(space, (Bound::Unbounded, Bound::Unbounded)) {
            match (self.base.get(space, &key)?, value) {
                (None, Some(_)) => len += 1,
                (Some(_), None) => len -= 1,
                _ => {}
            }
        }
        Ok(len)
    }
}
