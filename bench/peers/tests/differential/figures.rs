//! What a run found: how often each thing happened, and the largest difference of each quantity.

use std::collections::BTreeMap;

/// How far two numbers were apart at most, either way.
#[derive(Clone, Copy, Default)]
struct Apart {
    above: f64,
    below: f64,
    part: f64,
}

/// Counts and differences, by name.
#[derive(Default)]
pub(crate) struct Figures {
    counts: BTreeMap<String, u64>,
    apart: BTreeMap<&'static str, Apart>,
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

    /// Gage's number beside the peer's.
    pub(crate) fn compare(&mut self, what: &'static str, ours: f64, theirs: f64) {
        let apart = self.apart.entry(what).or_default();
        apart.above = apart.above.max(ours - theirs);
        apart.below = apart.below.max(theirs - ours);
        let size = ours.abs().max(theirs.abs());
        if size > 0.0 {
            apart.part = apart.part.max((ours - theirs).abs() / size);
        }
    }

    /// Adds another run's.
    pub(crate) fn add(&mut self, other: Self) {
        for (what, times) in other.counts {
            *self.counts.entry(what).or_default() += times;
        }
        for (what, found) in other.apart {
            let apart = self.apart.entry(what).or_default();
            apart.above = apart.above.max(found.above);
            apart.below = apart.below.max(found.below);
            apart.part = apart.part.max(found.part);
        }
    }

    /// Prints all of it.
    pub(crate) fn print(&self, title: &str) {
        println!("{title}");
        for (what, times) in &self.counts {
            println!("  {times:>9}  {what}");
        }
        for (what, Apart { above, below, part }) in &self.apart {
            println!(
                "  {what}: Gage above by {above:.3} at most, below by {below:.3}; {part:.2e} of it"
            );
        }
    }
}
