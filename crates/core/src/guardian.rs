//! The guardian: who may stop a market or a feed at once, and for a while only.
//!
//! What the guardian stops goes on by itself, and cannot be stopped again at once: a stop that lasted from `began`
//! to `ends`, the grace period for liquidation after it included, is followed by as long a rest. So over any time `L`,
//! with stops of at most `M`, the guardian stops one thing for at most `(L + M) / 2`. Governance may end each stop
//! earlier. Rests are of each thing, so that two can be stopped at once in one emergency; a stolen key can thus stop
//! a market and its feeds by turns, and it is governance that must take the role away (SC-13).

use crate::error::{Error, Stop};
use crate::fixed::Timestamp;
use crate::ids::{FeedId, MarketId};
use crate::ledger::Ledger;

/// What a guardian may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarded {
    /// A market.
    Market(MarketId),
    /// A feed.
    Feed(FeedId),
}

/// The guardian's last stop of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spell {
    /// When it began; zero if there never was one.
    pub began: Timestamp,
    /// When all is as it was before: liquidation too.
    pub ends: Timestamp,
}

impl Spell {
    /// From when on the guardian may stop the same thing again.
    #[must_use]
    pub const fn rested_at(self) -> Timestamp {
        self.ends.after(self.ends.since(self.began))
    }

    /// Checks that the guardian has rested at `now`.
    ///
    /// # Errors
    /// [`Error::GuardianRests`].
    pub(crate) fn check_rested(self, now: Timestamp) -> Result<(), Error> {
        let until = self.rested_at();
        if now < until {
            return Err(Error::GuardianRests { until });
        }
        Ok(())
    }
}

/// Notes that a stop by the guardian, if one lasts, ends at `ends` already.
pub(crate) fn cut_short<L: Ledger + ?Sized>(
    ledger: &mut L,
    what: Guarded,
    ends: Timestamp,
) -> Result<(), Stop> {
    let spell = ledger.spell(what)?;
    if ends < spell.ends {
        ledger.set_spell(what, Spell { ends, ..spell })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// GOV-4: whatever the guardian does, stops of at most `longest` take at most half of any time, and half
        /// of one stop more.
        #[test]
        fn a_guardian_stops_half_of_the_time_at_most(
            stops in proptest::collection::vec((0_u64..2_000, 1_u64..=1_000), 1..40),
            (from, length) in (0_u64..20_000, 1_u64..20_000),
        ) {
            let longest = 1_000;
            let (mut spell, mut now) = (Spell::default(), 1_000_000);
            let (from, mut stopped) = (1_000_000 + from, 0);
            for (idle, seconds) in stops {
                now = now.max(spell.rested_at().get()) + idle;
                prop_assert_eq!(spell.check_rested(Timestamp::new(now)), Ok(()));
                spell = Spell { began: Timestamp::new(now), ends: Timestamp::new(now + seconds) };
                let before = Timestamp::new(spell.rested_at().get() - 1);
                let until = spell.rested_at();
                prop_assert_eq!(spell.check_rested(before), Err(Error::GuardianRests { until }));
                let (start, end) = (now.max(from), (now + seconds).min(from + length));
                stopped += end.saturating_sub(start);
            }
            prop_assert!(2 * stopped <= length + longest, "{} of {}", stopped, length);
        }
    }
}
