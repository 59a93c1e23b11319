//! What a run found: how often each thing happened, and the largest difference of each quantity.

use std::collections::BTreeMap;

/// How far two numbers were apart at most, either way.
#[derive(Clone, Copy, Default)]
struct Apart {
    above: f64,
    below: f64,
    part: f64,
    compared: u64,
}

impl Apart {
    fn widen(&mut self, other: Self) {
        self.above = self.above.max(other.above);
        self.below = self.below.max(other.below);
        self.part = self.part.max(other.part);
        self.compared += other.compared;
    }
}

/// Counts and differences, by name.
#[derive(Default)]
pub(crate) struct Figures {
    counts: BTreeMap<String, u64>,
    apart: BTreeMap<String, Apart>,
}

impl Figures {
    /// One more of these.
    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    /// How many of these.
    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// Gage's number beside the peer's, in units, and what they are a part of.
    pub(crate) fn compare(
        &mut self,
        what: impl Into<String>,
        [ours, theirs]: [u128; 2],
        whole: u128,
    ) {
        let (more, less) = (ours.saturating_sub(theirs), theirs.saturating_sub(ours));
        let part = more.max(less) as f64 / whole.max(1) as f64;
        let apart = Apart { above: more as f64, below: less as f64, part, compared: 1 };
        self.apart.entry(what.into()).or_default().widen(apart);
    }

    /// The same for what is no number of units.
    pub(crate) fn compare_ratio(&mut self, what: impl Into<String>, ours: f64, theirs: f64) {
        let (more, less) = ((ours - theirs).max(0.0), (theirs - ours).max(0.0));
        let part = if theirs == 0.0 { 0.0 } else { (ours / theirs - 1.0).abs() };
        let apart = Apart { above: more, below: less, part, compared: 1 };
        self.apart.entry(what.into()).or_default().widen(apart);
    }

    /// Adds another run's.
    pub(crate) fn add(&mut self, other: Self) {
        for (what, times) in other.counts {
            *self.counts.entry(what).or_default() += times;
        }
        for (what, found) in other.apart {
            self.apart.entry(what).or_default().widen(found);
        }
    }

    /// Prints all of it.
    pub(crate) fn print(&self, title: &str) {
        println!("{title}");
        for (what, times) in &self.counts {
            println!("  {times:>9}  {what}");
        }
        println!("  {:>9}  {:>12} {:>12} {:>12}", "compared", "above", "below", "part");
        for (what, Apart { above, below, part, compared }) in &self.apart {
            println!("  {compared:>9}  {above:>12.6e} {below:>12.6e} {part:>12.2e}  {what}");
        }
    }
}
