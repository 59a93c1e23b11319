//! Batches that are read before they are on disk: the next block is executed while the last is written.
//!
//! A batch is **staged** as a layer over the database, where every later snapshot sees it, and becomes
//! durable with the next **flush**, which writes all new layers to the [journal](crate::journal) at once. If a flush
//! fails, every new layer is gone: the state is what the disk has.
//!
//! Layers stay until a **checkpoint**, a flush that writes all of them to the tables, and with them the nodes of the
//! tries. Most of what a block writes the next ones write again, and rows that are written together are neighbours:
//! one checkpoint of many blocks costs a fraction of as many small ones.

use crate::{
    StateError,
    database::{Batch, Database, Writes},
    forest::{Forest, Step},
    history::ChangedKeys,
    journal,
    layer::Layer,
    snapshot::Snapshot,
    store::lock,
};
use hashbrown::DefaultHashBuilder;
use std::{
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard},
    time::{Duration, Instant},
};

/// How much may wait for a checkpoint, however fast the database writes: a unit takes less than a kibibyte of memory.
const WEIGHT_MAX: usize = 1 << 19;

/// And however slowly.
const WEIGHT_MIN: usize = 1 << 13;

/// Before it is known how fast that is.
const WEIGHT_FIRST: usize = 1 << 17;

/// How long a flush takes that is a checkpoint, about.
const CHECKPOINT_TIME: Duration = Duration::from_millis(250);

/// A database, and what is to be written to it.
pub(crate) struct Pending {
    database: Box<dyn Database>,
    hasher: DefaultHashBuilder,
    tip: RwLock<Tip>,
    /// Held during a flush.
    flushing: Mutex<Pace>,
}

/// What every later snapshot sees.
struct Tip {
    /// The oldest first.
    layers: Arc<Vec<Arc<Layer>>>,
    /// How many of them are in the journal.
    journaled: usize,
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
    /// A database as it was left.
    ///
    /// # Errors
    ///
    /// `Damaged` if its journal is, or if the values there do not lead to the head's roots; otherwise only if the
    /// storage fails.
    pub(crate) fn open(
        database: Box<dyn Database>,
        journal_max: usize,
    ) -> Result<Self, StateError> {
        let hasher = DefaultHashBuilder::default();
        let batches = journal::read(&*database.tables()?)?;
        let changed = ChangedKeys::of(&batches)?;
        let layer = |batch| Arc::new(Layer::new(batch, &hasher));
        let mut layers: Arc<Vec<_>> = Arc::new(batches.into_iter().map(layer).collect());
        let mut forest = Arc::default();
        if !layers.is_empty() {
            let base = Snapshot::whole(database.tables()?);
            let now = Snapshot::new(database.tables()?, layers.clone(), Arc::default(), &hasher);
            let step = Forest::reopened(&base, &now, changed)?;
            drop(now);
            forest = Arc::clone(&step.forest);
            let layers = Arc::make_mut(&mut layers);
            let last = layers.pop().map(Arc::unwrap_or_clone);
            layers.extend(last.map(|last| Arc::new(last.with_step(step))));
        }
        let tip = Tip {
            journaled: layers.len(),
            layers,
            durable: Arc::clone(&forest),
            forest,
            flushes: 0,
            has_caught_up: false,
        };
        let pace = Pace { layers_max: journal_max, weight_max: WEIGHT_FIRST };
        Ok(Self { database, hasher, tip: RwLock::new(tip), flushing: Mutex::new(pace) })
    }

    /// The database without what is not in its tables yet.
    pub(crate) fn on_disk(&self) -> &dyn Database {
        &*self.database
    }

    /// Lets later snapshots see records. They are not durable.
    pub(crate) fn stage(&self, batch: Batch) {
        let layer = Arc::new(Layer::new(batch, &self.hasher));
        Arc::make_mut(&mut self.tip_mut().layers).push(layer);
    }

    /// Lets later snapshots see a block. It is not durable.
    pub(crate) fn stage_block(&self, batch: Batch, mut step: Step) {
        let is_time = step.forest.is_large() && std::mem::take(&mut self.tip_mut().has_caught_up);
        if is_time {
            step.forest = Arc::new(Arc::unwrap_or_clone(step.forest).shrunk());
        }
        let forest = Arc::clone(&step.forest);
        let layer = Arc::new(Layer::new(batch, &self.hasher).with_step(step));
        let mut tip = self.tip_mut();
        Arc::make_mut(&mut tip.layers).push(layer);
        tip.forest = forest;
    }

    /// Makes durable what was staged before.
    ///
    /// # Errors
    ///
    /// Only if the storage fails; whatever was not durable is then gone.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        let mut pace = lock(&self.flushing);
        let (layers, journaled) = {
            let mut tip = self.tip_mut();
            tip.flushes += 1;
            (Arc::clone(&tip.layers), tip.journaled)
        };
        if layers.len() == journaled {
            return Ok(());
        }
        let is_checkpoint = pace.is_far(&layers);
        let began = Instant::now();
        let written = if is_checkpoint {
            self.checkpoint(&layers, journaled)
        } else {
            self.append(&layers, journaled)
        };
        if written.is_ok() && is_checkpoint {
            pace.took(began.elapsed(), weight(&layers));
        }
        let mut tip = self.tip_mut();
        match written {
            Ok(()) => {
                if let Some(last) = steps(&layers).next_back() {
                    tip.durable = Arc::clone(&last.forest);
                }
                tip.journaled = layers.len();
                if is_checkpoint {
                    tip.journaled = 0;
                    tip.has_caught_up = true;
                    Arc::make_mut(&mut tip.layers).drain(..layers.len());
                }
            }
            Err(_) => {
                Arc::make_mut(&mut tip.layers).truncate(journaled);
                tip.forest = Arc::clone(&tip.durable);
            }
        }
        written
    }

    /// Writes to the journal the layers that it does not have.
    fn append(&self, layers: &[Arc<Layer>], journaled: usize) -> Result<(), StateError> {
        let mut batch = Batch::default();
        for (place, layer) in layers.iter().enumerate().skip(journaled) {
            journal::put(&mut batch, place, layer.batch());
        }
        self.database.write(&Writes::of([&batch]))
    }

    /// Writes to the tables all layers and the nodes of the last, and empties the journal.
    fn checkpoint(&self, layers: &[Arc<Layer>], journaled: usize) -> Result<(), StateError> {
        let mut batch = Batch::default();
        journal::clear(&mut batch, journaled);
        let last = steps(layers).next_back();
        if let Some(last) = last {
            let vacated = steps(layers).flat_map(|step| &step.vacated);
            last.forest.put_nodes(vacated, &mut batch);
        }
        let batches = layers.iter().map(|layer| layer.batch());
        self.database.write(&Writes::of(batches.chain([&batch])))?;
        if let Some(last) = last {
            last.forest.mark_written();
        }
        Ok(())
    }

    /// Everything as it is now, with what is staged.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StateError> {
        loop {
            let (layers, forest, flushes) = {
                let tip = self.tip.read().unwrap_or_else(PoisonError::into_inner);
                (Arc::clone(&tip.layers), Arc::clone(&tip.forest), tip.flushes)
            };
            let base = self.database.tables()?;
            // A checkpoint that began before wrote some of these layers, which are then seen twice. One that began
            // since may have written a later layer, over which these would lie.
            if self.tip.read().unwrap_or_else(PoisonError::into_inner).flushes != flushes {
                continue;
            }
            return Ok(Snapshot::new(base, layers, forest, &self.hasher));
        }
    }

    fn tip_mut(&self) -> RwLockWriteGuard<'_, Tip> {
        self.tip.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What blocks among layers do to the tries.
fn steps(layers: &[Arc<Layer>]) -> impl DoubleEndedIterator<Item = &Step> {
    layers.iter().filter_map(|layer| layer.step())
}

/// How much may wait for a checkpoint, by how long the last one took.
#[derive(Debug)]
struct Pace {
    layers_max: usize,
    weight_max: usize,
}

impl Pace {
    /// Whether it is time for a checkpoint.
    fn is_far(&self, layers: &[Arc<Layer>]) -> bool {
        layers.len() > self.layers_max || weight(layers) >= self.weight_max
    }

    /// A checkpoint of so much took so long.
    fn took(&mut self, time: Duration, weight: usize) {
        let in_time = CHECKPOINT_TIME.as_micros() as usize * weight.max(1);
        let in_time = in_time / (time.as_micros() as usize).max(1);
        self.weight_max = in_time.clamp(WEIGHT_MIN, WEIGHT_MAX).min(self.weight_max * 2);
    }
}

fn weight(layers: &[Arc<Layer>]) -> usize {
    layers.iter().map(|layer| layer.weight()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Options,
        embedded::{Embedded, InMemoryBackend},
        tables::Space,
    };
    use std::path::Path;

    /// As much waits as is written in the time for it, but a first checkpoint that was quick by chance means little,
    /// and neither a slow disk nor a fast one leaves the bounds.
    #[test]
    fn the_pace_follows_the_disk() {
        let mut pace = Pace { layers_max: 64, weight_max: WEIGHT_FIRST };
        pace.took(CHECKPOINT_TIME * 4, WEIGHT_FIRST);
        assert_eq!(pace.weight_max, WEIGHT_FIRST / 4);
        pace.took(CHECKPOINT_TIME / 10, WEIGHT_FIRST / 4);
        assert_eq!(pace.weight_max, WEIGHT_FIRST / 2);
        for _ in 0..10 {
            pace.took(Duration::ZERO, pace.weight_max);
        }
        assert_eq!(pace.weight_max, WEIGHT_MAX);
        for _ in 0..10 {
            pace.took(Duration::from_secs(60), pace.weight_max);
        }
        assert_eq!(pace.weight_max, WEIGHT_MIN);
    }

    /// What is heavy is not written twice: it goes to the tables at once, and the journal is empty.
    #[test]
    fn what_is_heavy_needs_no_journal() {
        let database = Embedded::on(InMemoryBackend::new(), Path::new("test"), &Options::default());
        let pending = Pending::open(Box::new(database.unwrap()), 64).unwrap();
        let rows = |space| pending.on_disk().tables().unwrap().len(space).unwrap();
        let put = |values: std::ops::Range<u64>| {
            let mut batch = Batch::default();
            values.for_each(|n| batch.put(Space::Meta, n.to_be_bytes(), [1]));
            pending.stage(batch);
            pending.flush().unwrap();
        };
        put(0..10);
        assert_eq!((rows(Space::Meta), rows(Space::Journal)), (0, 1));
        put(5..WEIGHT_FIRST as u64);
        assert_eq!((rows(Space::Meta), rows(Space::Journal)), (WEIGHT_FIRST as u64, 0));
        put(0..1);
        assert_eq!((rows(Space::Meta), rows(Space::Journal)), (WEIGHT_FIRST as u64, 1));
    }
}
