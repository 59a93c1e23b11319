//! Terms that stay, by `docs/terms.md`: a history of all terms that ever were, and what of it counts for
//! an account.

use crate::number::{Exact, ceil, ratio, whole};

/// What binds whoever owes, in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Debt per collateral value above which liquidation starts.
    pub threshold: u32,
    /// The bonus at a health of one.
    pub bonus_min: u32,
    /// The largest bonus.
    pub bonus_max: u32,
}

impl Binding {
    /// Of each term the better one.
    #[must_use]
    pub fn best(self, other: Self) -> Self {
        Self {
            threshold: self.threshold.max(other.threshold),
            bonus_min: self.bonus_min.min(other.bonus_min),
            bonus_max: self.bonus_max.min(other.bonus_max),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Move {
    below: u32,
    start: u64,
    end: u64,
}

/// All terms that a collateral or group ever had, with the versions from which they were the newest, and
/// all moves.
#[derive(Clone, Debug)]
pub struct History {
    set: Vec<(u32, Binding)>,
    moves: Vec<Move>,
}

impl History {
    /// One that begins with these terms.
    #[must_use]
    pub fn new(first: Binding) -> Self {
        Self { set: vec![(0, first)], moves: Vec::new() }
    }

    /// Other terms, from a version on.
    pub fn set(&mut self, version: u32, terms: Binding) {
        if self.newest() != terms {
            self.set.push((version, terms));
        }
    }

    /// A move of accounts below a version, from start to end.
    pub fn schedule(&mut self, below: u32, (start, end): (u64, u64)) {
        self.moves.push(Move { below, start, end });
    }

    /// The newest terms.
    ///
    /// # Panics
    /// Never: there is a first.
    #[must_use]
    pub fn newest(&self) -> Binding {
        self.set.last().expect("there is a first").1
    }

    /// The best terms at a version or later.
    fn best_since(&self, version: u32) -> Binding {
        let at = self.set.iter().rposition(|(from, _)| *from <= version).unwrap_or(0);
        self.set[at..].iter().map(|(_, terms)| *terms).fold(self.newest(), Binding::best)
    }

    /// What an account is on that last took new risk at a version.
    #[must_use]
    pub fn in_force(&self, version: u32, now: u64) -> Binding {
        let mut version = version;
        for moving in self.moves.iter().filter(|moving| moving.end <= now) {
            version = version.max(moving.below);
        }
        let kept = self.best_since(version);
        let on_the_way = |one: &&Move| version < one.below && one.start < now && now < one.end;
        let Some(moving) = self.moves.iter().find(on_the_way) else { return kept };
        let to = self.best_since(moving.below).threshold;
        let left: Exact = ratio(moving.end - now, moving.end - moving.start);
        let above = ceil(&(whole(kept.threshold - to) * left)).to_integer();
        let above = u32::try_from(above).unwrap_or(u32::MAX);
        Binding { threshold: to + above, ..kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `docs/terms.md`.
    #[test]
    fn thresholds_move_as_documented() {
        let day = 86_400;
        let terms = |threshold| Binding { threshold, bonus_min: 500, bonus_max: 1_000 };
        let mut history = History::new(terms(8_300));
        history.set(2, terms(7_500));
        history.schedule(2, (2 * day, 10 * day));
        let alice = |days: u64| history.in_force(1, days * day).threshold;
        assert_eq!([2, 4, 6, 10].map(alice), [8_300, 8_100, 7_900, 7_500]);
        assert_eq!(history.in_force(2, day).threshold, 7_500);
    }
}
