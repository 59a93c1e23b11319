//! What goes wrong with sources, and what the honest price is meanwhile.

use super::tape::{Prices, STEP, Tape};
use super::truth::TEN_MINUTES;
use gage_peers::dice::Dice;

/// How many sources there are.
pub(crate) const SOURCES: usize = 5;
/// By how many seconds each source is late; the first, which spot prices are of, as much as the median.
const LAGS: [f64; SOURCES] = [3.0, 1.0, 2.0, 5.0, 8.0];
/// The standard deviation of a source's own noise.
const NOISE: f64 = 2e-4;
const HOUR: usize = (3_600 / STEP) as usize;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The first source is a thin venue: it touches every bar's extremes, the others do not.
    Thin,
    /// The first source is the recorded pool.
    Pool,
    /// The first source says 30 % less for a minute, every six hours.
    Lie,
    /// The first source says 30 % more for a minute, every six hours.
    Pump,
    /// The first source says what was ten minutes ago.
    Late,
    /// The first source repeats one price for the two hours in which the fall is steepest.
    Frozen,
    /// The first two sources are silent for these two hours.
    Down,
    /// Every market touches every bar's extremes for a minute.
    Touch,
    /// Every market loses 15 % for a minute, every twelve hours.
    Flash,
    /// Every market loses 12 % for a quarter of an hour, once a day: less than what a liquidation leaves uncovered.
    Fall,
    /// Every market loses 30 % for a quarter of an hour, once a day.
    Collapse,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::None,
        Self::Thin,
        Self::Pool,
        Self::Lie,
        Self::Pump,
        Self::Late,
        Self::Frozen,
        Self::Down,
        Self::Touch,
        Self::Flash,
        Self::Fall,
        Self::Collapse,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Thin => "a thin venue touches the extremes",
            Self::Pool => "one source is a pool",
            Self::Lie => "one source lies by -30 % for a minute",
            Self::Pump => "one source lies by +30 % for a minute",
            Self::Late => "one source ten minutes late",
            Self::Frozen => "one source frozen for 2 h",
            Self::Down => "two sources silent for 2 h",
            Self::Touch => "all touch the extremes for a minute",
            Self::Flash => "all lose 15 % for a minute",
            Self::Fall => "all lose 12 % for 15 min",
            Self::Collapse => "all lose 30 % for 15 min",
        }
    }

    /// Whether it can be replayed on this recording.
    pub(crate) const fn fits(self, tape: &Tape) -> bool {
        matches!(self, Self::Pool) == tape.pool.is_some()
    }
}

/// A recording with a fault.
pub(crate) struct Scene<'a> {
    tape: &'a Tape,
    fault: Fault,
    pub(crate) honest: Prices,
    steepest: usize,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(tape: &'a Tape, fault: Fault) -> Self {
        let mut honest = match fault {
            Fault::Thin => tape.close.clone(),
            Fault::Touch => tape.touch.clone(),
            _ => tape.even.clone(),
        };
        for (step, prices) in honest.iter_mut().enumerate() {
            let part = match fault {
                Fault::Flash if is_within(step, 12 * HOUR, 60) => 0.85,
                Fault::Fall if is_within(step, 24 * HOUR, 900) => 0.88,
                Fault::Collapse if is_within(step, 24 * HOUR, 900) => 0.7,
                _ => 1.0,
            };
            prices.iter_mut().for_each(|price| *price *= part);
        }
        Self { tape, fault, honest, steepest: tape.steepest() }
    }

    /// What a source says of an asset at a step; `None` while it is silent.
    pub(crate) fn says(
        &self,
        source: usize,
        step: usize,
        asset: usize,
        dice: &mut Dice,
    ) -> Option<f64> {
        let first = source == 0;
        let bad = (self.steepest..self.steepest + 2 * HOUR).contains(&step);
        let late = |path: &Prices, step: usize| {
            let (now, before) = (path[step][asset], path[step.saturating_sub(1)][asset]);
            now + (before - now) * LAGS[source] / STEP as f64
        };
        let said = match self.fault {
            Fault::Down if source < 2 && bad => return None,
            Fault::Thin if first => late(&self.tape.touch, step),
            Fault::Pool if first => *self.tape.pool.as_ref()?.get(step)?,
            Fault::Lie if first && is_within(step, 6 * HOUR, 60) => 0.7 * late(&self.honest, step),
            Fault::Pump if first && is_within(step, 6 * HOUR, 60) => 1.3 * late(&self.honest, step),
            Fault::Late if first => late(&self.honest, step.saturating_sub(TEN_MINUTES)),
            Fault::Frozen if first && bad => late(&self.honest, self.steepest),
            _ => late(&self.honest, step),
        };
        Some(said * (1.0 + NOISE * dice.normal()))
    }

    /// When a source saw what it says, in seconds before the step.
    pub(crate) fn age(source: usize) -> u64 {
        LAGS[source] as u64
    }
}

/// Whether a step is in an event of so many seconds that recurs; the first comes after half a period.
fn is_within(step: usize, period: usize, seconds: u64) -> bool {
    let place = step % period;
    (period / 2..period / 2 + (seconds / STEP) as usize).contains(&place)
}
