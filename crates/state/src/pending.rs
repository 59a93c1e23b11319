//! Batches that are read before they are on disk: the next block is executed while the last is written.
//!
//! A batch is **staged** as a layer over the database, where every later snapshot sees it, and becomes
//! durable with the next **flush**, which writes all layers there are as one batch. What several blocks in a row
//! change is then written once. If a flush fails, every layer is gone: the state is what the disk has.

use crate::{
    StateError,
    database::{Batch, Database, Rows, Tables, Write},
    overlay::Overlaid,
    store::lock,
    tables::Space,
};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    ops::{Bound, RangeBounds},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// A database, and what is to be written to it.
pub(crate) struct Pending {
    database: Box<dyn Database>,
    /// The oldest first.
    layers: RwLock<Vec<Arc<Layer>>>,
    /// Held during a flush.
    flushing: Mutex<()>,
}

impl Pending {
    pub(crate) fn new(database: Box<dyn Database>) -> Self {
        Self { database, layers: RwLock::default(), flushing: Mutex::default() }
    }

    /// The database without what is staged.
    pub(crate) fn on_disk(&self) -> &dyn Database {
        &*self.database
    }

    /// Lets later snapshots see a batch. It is not durable.
    pub(crate) fn stage(&self, batch: Batch) {
        let layer = Arc::new(Layer::new(batch));
        self.layers.write().unwrap_or_else(PoisonError::into_inner).push(layer);
    }

    /// Makes durable what was staged before.
    ///
    /// # Errors
    ///
    /// Only if the storage fails; whatever was staged is then gone.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        let _flushing = lock(&self.flushing);
        let layers = self.layers();
        let written = match &*layers {
            [] => return Ok(()),
            [layer] => self.database.write(&layer.batch),
            layers => self.database.write(&merged(layers)),
        };
        let mut kept = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(()) => drop(kept.drain(..layers.len())),
            Err(_) => kept.clear(),
        }
        written
    }

    fn layers(&self) -> Vec<Arc<Layer>> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every table as it is now, with what is staged.
    pub(crate) fn tables(&self) -> Result<Box<dyn Tables>, StateError> {
        // In this order: a layer that is flushed in between is seen twice, and not missed.
        let layers = self.layers();
        let base = self.database.tables()?;
        Ok(if layers.is_empty() { base } else { Box::new(Layered { base, layers }) })
    }
}

/// What one batch writes.
struct Layer {
    /// Sorted by key, each key once.
    batch: Batch,
    /// Where in the batch a key is.
    places: [HashTable<u32>; Space::ALL.len()],
    hasher: DefaultHashBuilder,
}

impl Layer {
    fn new(mut batch: Batch) -> Self {
        batch.sort();
        let hasher = DefaultHashBuilder::default();
        let mut places = [const { HashTable::new() }; Space::ALL.len()];
        for (space, writes) in batch.tables() {
            let table = &mut places[space as usize];
            let hash = |place: &u32| hasher.hash_one(&writes[*place as usize].0);
            table.reserve(writes.len(), hash);
            for place in 0..writes.len() as u32 {
                table.insert_unique(hash(&place), place, hash);
            }
        }
        Self { batch, places, hasher }
    }

    fn get(&self, space: Space, key: &[u8]) -> Option<&Write> {
        let writes = self.batch.writes(space);
        if writes.is_empty() {
            return None;
        }
        let is_key = |place: &u32| writes[*place as usize].0 == key;
        let place = self.places[space as usize].find(self.hasher.hash_one(key), is_key)?;
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

/// All of them as one batch.
fn merged(layers: &[Arc<Layer>]) -> Batch {
    let mut all = Batch::default();
    for layer in layers {
        all.append(&layer.batch);
    }
    all.sort();
    all
}

/// Tables under layers.
struct Layered {
    base: Box<dyn Tables>,
    layers: Vec<Arc<Layer>>,
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
        match self.layers.iter().rev().find_map(|layer| layer.get(space, key)) {
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
