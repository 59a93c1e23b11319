//! What was compared, how far the engine was from the exact value, and what rounding decided.

use std::collections::BTreeMap;

use gage_model::{Bound, Exact};
use num_traits::ToPrimitive;

/// How often a quantity was compared, and between which ends the engine's number lay, less the exact one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    pub(crate) times: u64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) compared: BTreeMap<&'static str, Gap>,
    /// Decisions that rounding may make: how often, of all.
    pub(crate) borders: BTreeMap<&'static str, [u64; 2]>,
    /// Operations that model and engine both accepted or refused: how often, of all.
    pub(crate) verdicts: BTreeMap<&'static str, [u64; 2]>,
}

impl Tally {
    /// Holds the engine's number against its bound.
    #[track_caller]
    pub(crate) fn check(&mut self, what: &'static str, bound: &Bound, engine: &Exact) {
        let gap = engine - &bound.exact;
        let shown = |number: &Exact| number.to_f64().unwrap_or(f64::NAN);
        assert!(
            bound.holds(engine),
            "{what}: the engine has {engine}, exact is {} ({} off, of {} to {})",
            shown(&bound.exact),
            shown(&gap),
            shown(&(&bound.low - &bound.exact)),
            shown(&(&bound.high - &bound.exact)),
        );
        let gap = shown(&gap);
        let entry = self.compared.entry(what).or_insert(Gap { times: 0, least: gap, most: gap });
        entry.times += 1;
        (entry.least, entry.most) = (entry.least.min(gap), entry.most.max(gap));
    }

    /// Holds the engine's decision against the model's, which is `None` where rounding decides.
    #[track_caller]
    pub(crate) fn decide(&mut self, what: &'static str, model: Option<bool>, engine: bool) {
        let entry = self.borders.entry(what).or_default();
        entry[0] += u64::from(model.is_none());
        entry[1] += 1;
        assert!(model.is_none_or(|model| model == engine), "{what}: the engine says {engine}");
    }

    /// Adds another run's.
    pub(crate) fn add(&mut self, other: Self) {
        self.steps += other.steps;
        for (what, gap) in other.compared {
            let entry = self.compared.entry(what).or_insert(Gap { times: 0, ..gap });
            entry.times += gap.times;
            (entry.least, entry.most) = (entry.least.min(gap.least), entry.most.max(gap.most));
        }
        for (into, from) in
            [(&mut self.borders, other.borders), (&mut self.verdicts, other.verdicts)]
        {
            for (what, [some, all]) in from {
                let entry = into.entry(what).or_default();
                *entry = [entry[0] + some, entry[1] + all];
            }
        }
    }

    /// Says it all.
    pub(crate) fn print(&self) {
        println!("{} steps; engine less exact:", self.steps);
        for (what, gap) in &self.compared {
            println!("{:>9} {what:<34} {:>12.3e} to {:>10.3e}", gap.times, gap.least, gap.most);
        }
        println!("decided by rounding:");
        for (what, [some, all]) in &self.borders {
            println!("{some:>9} of {all:>9} {what}");
        }
        if !self.verdicts.is_empty() {
            println!("refused:");
        }
        for (what, [some, all]) in &self.verdicts {
            println!("{some:>9} of {all:>9} {what}");
        }
    }
}
