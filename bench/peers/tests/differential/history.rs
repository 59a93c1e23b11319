//! The loop of both tests: a random history on a peer and on Gage, compared after every step.

use std::ops::Range;

use alloy_primitives::Address;

use crate::figures::Figures;

/// How often everybody is compared, in steps.
const EVERYBODY: u64 = 8;

/// A peer and Gage in mid-life, side by side.
pub(crate) trait History {
    /// Both as they begin.
    fn new(seed: u64) -> Self;

    /// Time, prices, somebody's operation; then both count interest. Says who it was.
    fn step(&mut self) -> Address;

    /// Compares what is nobody's alone.
    fn compare_totals(&mut self);

    /// Compares what one account has and owes.
    fn compare_account(&mut self, who: Address);

    /// Compares every account, and what all of them make together.
    fn compare_everybody(&mut self);

    /// The last comparison of all, and what was found.
    fn end(self) -> Figures;
}

/// How long a test is, and what its histories must have had.
pub(crate) struct Extent {
    pub(crate) peer: &'static str,
    /// Steps of a history, unless `GAGE_STEPS` says otherwise.
    pub(crate) steps: u64,
    /// Histories, unless `GAGE_SEEDS` or `GAGE_SEED` say otherwise.
    pub(crate) seeds: u64,
    /// Several histories of so many steps in all have everything that is expected.
    pub(crate) enough: u64,
    pub(crate) expected: &'static [&'static str],
}

/// Runs histories and prints what they found.
pub(crate) fn run<H: History>(extent: &Extent) {
    let steps = setting("GAGE_STEPS").unwrap_or(extent.steps);
    let seeds = seeds(extent.seeds);
    let mut figures = Figures::default();
    let run = (seeds.end - seeds.start) * steps;
    let is_alone = seeds.end - seeds.start == 1;
    for seed in seeds {
        figures.add(history::<H>(seed, steps));
    }
    figures.print(&format!("{}: {run} steps", extent.peer));
    if run >= extent.enough && !is_alone {
        for what in extent.expected {
            assert!(figures.of(what) > 0, "no history had this: {what}");
        }
    }
}

fn history<H: History>(seed: u64, steps: u64) -> Figures {
    let mut history = H::new(seed);
    for step in 1..=steps {
        let who = history.step();
        history.compare_totals();
        history.compare_account(who);
        if step.is_multiple_of(EVERYBODY) {
            history.compare_everybody();
        }
    }
    history.end()
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn seeds(short: u64) -> Range<u64> {
    match setting("GAGE_SEED") {
        Some(first) => first..first + setting("GAGE_SEEDS").unwrap_or(1),
        None => 0..setting("GAGE_SEEDS").unwrap_or(short),
    }
}
