//! Batches that are read before they are on disk: the next block is executed while the last is written.
//!
//! A batch is **staged** as a layer over the database, where every later snapshot sees it, and becomes
//! durable with the next **flush**, which writes all layers there are as one batch. What several blocks in a row
//! change is then written once. If a flush fails, every layer is gone: the state is what the disk has.

use crate::{
    StateError,
    database::{Batch, Database, Rows, Tables, Write},
    forest::{Behind, Forest, Step},
    overlay::Overlaid,
    snapshot::Snapshot,
    store::lock,
    tables::Space,
};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    ops::{Bound, RangeBounds},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard},
    time::Instant,
};

/// A database, and what is to be written to it.
pub(crate) struct Pending {
    database: Box<dyn Database>,
    /// How many blocks back can be read.
    history_blocks: u64,
    tip: RwLock<Tip>,
    /// Held during a flush.
    flushing: Mutex<Behind>,
}

/// What every later snapshot sees.
struct Tip {
    /// The oldest first.
    layers: Vec<Arc<Layer>>,
    /// The tries of the last block.
    forest: Arc<Forest>,
    /// The tries of the last durable block.
    durable: Arc<Forest>,
    /// How often a flush began.
    flushes: u64,
    /// Whether the database got nodes since some were forgotten.
    has_caught_up: bool,
}

impl Pending {
    /// A database, the tries of its head, and how far its nodes are behind.
    pub(crate) fn new(
        database: Box<dyn Database>,
        history_blocks: u64,
        (forest, behind): (Forest, Behind),
    ) -> Self {
        let forest = Arc::new(forest);
        let durable = Arc::clone(&forest);
        let tip = Tip { layers: Vec::new(), forest, durable, flushes: 0, has_caught_up: false };
        Self { database, history_blocks, tip: RwLock::new(tip), flushing: Mutex::new(behind) }
    }

    /// The database without what is staged.
    pub(crate) fn on_disk(&self) -> &dyn Database {
        &*self.database
    }

    /// Lets later snapshots see records. They are not durable.
    pub(crate) fn stage(&self, batch: Batch) {
        self.tip_mut().layers.push(Arc::new(Layer::new(batch, None)));
    }

    /// Lets later snapshots see a block. It is not durable.
    pub(crate) fn stage_block(&self, batch: Batch, mut step: Step) {
        let is_time = step.forest.is_large() && std::mem::take(&mut self.tip_mut().has_caught_up);
        if is_time {
            step.forest = Arc::new(Arc::unwrap_or_clone(step.forest).shrunk());
        }
        let forest = Arc::clone(&step.forest);
        let layer = Arc::new(Layer::new(batch, Some(step)));
        let mut tip = self.tip_mut();
        tip.layers.push(layer);
        tip.forest = forest;
    }

    /// Makes durable what was staged before.
    ///
    /// # Errors
    ///
    /// Only if the storage fails; whatever was staged is then gone.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        let mut behind = lock(&self.flushing);
        let layers = {
            let mut tip = self.tip_mut();
            tip.flushes += 1;
            tip.layers.clone()
        };
        let steps = || layers.iter().filter_map(|layer| layer.step.as_ref());
        steps().for_each(|step| behind.add(step));
        let last = steps().next_back();
        let caught_up = last.filter(|step| behind.is_far(step.number, self.history_blocks));
        let began = Instant::now();
        let written = match (&*layers, caught_up) {
            ([], _) => return Ok(()),
            ([layer], None) => self.database.write(&layer.batch),
            (layers, None) => self.database.write(&merged(layers)),
            (layers, Some(step)) => {
                let mut all = merged(layers);
                behind.put(step, &mut all);
                all.sort();
                self.database.write(&all)
            }
        };
        if written.is_ok()
            && let Some(step) = caught_up
        {
            behind.caught_up(&step.forest, began.elapsed());
        }
        let mut tip = self.tip_mut();
        match written {
            Ok(()) => {
                drop(tip.layers.drain(..layers.len()));
                tip.has_caught_up |= caught_up.is_some();
                if let Some(step) = last {
                    tip.durable = Arc::clone(&step.forest);
                }
            }
            Err(_) => {
                steps().rev().for_each(|step| behind.take_back(step));
                tip.layers.clear();
                tip.forest = Arc::clone(&tip.durable);
            }
        }
        written
    }

    /// Everything as it is now, with what is staged.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StateError> {
        loop {
            let (layers, forest, flushes) = {
                let tip = self.tip.read().unwrap_or_else(PoisonError::into_inner);
                (tip.layers.clone(), Arc::clone(&tip.forest), tip.flushes)
            };
            let base = self.database.tables()?;
            // A flush that began before wrote some of these layers, which are then seen twice. One that began since
            // may have written a later layer, over which these would lie.
            if self.tip.read().unwrap_or_else(PoisonError::into_inner).flushes != flushes {
                continue;
            }
            let tables = if layers.is_empty() { base } else { Box::new(Layered { base, layers }) };
            return Ok(Snapshot::new(tables, forest));
        }
    }

    fn tip_mut(&self) -> RwLockWriteGuard<'_, Tip> {
        self.tip.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one batch writes.
struct Layer {
    /// Sorted by key, each key once.
    batch: Batch,
    /// Where in the batch a key is.
    places: [HashTable<u32>; Space::ALL.len()],
    hasher: DefaultHashBuilder,
    /// If it is a block.
    step: Option<Step>,
}

impl Layer {
    fn new(mut batch: Batch, step: Option<Step>) -> Self {
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
        Self { batch, places, hasher, step }
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
