//! Terms that stay: what an account keeps when its market's terms change, and how it loses that.
//!
//! Three terms bind whoever owes: the liquidation threshold and the two ends of the liquidation
//! bonus. A market counts the changes of its binding terms in its *terms version*, and an account
//! carries the version at which it last took new risk. From then on each of the three is the best
//! for the borrower that was in force at any version since: the highest threshold, the lowest
//! bonuses. A change for the better helps everybody at once; one for the worse binds new risk at
//! once, and others not before they take some, or a *move* arrives.
//!
//! A move is announced with its start and its end. In between the kept thresholds `T` of all
//! accounts that were behind when it was announced go to the threshold `N` of that moment,
//!
//! `T(t) = N + ⌈(T − N) · (end − t) / (end − start)⌉`
//!
//! and at the end their bonuses follow. A move is neither changed nor repeated before it has ended, so
//! that nobody can hurry it, and nobody put it off.
//!
//! What is kept lies in a record of its own, [`Kept`], for a collateral and for a group alike. Only
//! who is behind reads it.

use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::{BPS, Bps, Timestamp};
use crate::groups::Group;
use crate::ids::{AssetId, GroupId, MarketId};
use crate::ledger::Ledger;
use crate::listing::owned;
use crate::market::{Collateral, Market};
use alloc::vec::Vec;
use alloy_primitives::Address;

/// Most earlier terms of one collateral or group that are kept at once.
pub const GENERATIONS_MAX: usize = 8;
/// The shortest notice of a move: a day, so that borrowers of every time zone were awake once before
/// their terms begin to fall.
pub const NOTICE_SECONDS_MIN: u64 = 86_400;
/// The longest notice of a move, 30 days: one that is further off would only keep others away.
pub const NOTICE_SECONDS_MAX: u64 = 2_592_000;
/// The shortest move: a day.
pub const MOVE_SECONDS_MIN: u64 = 86_400;
/// The longest move: a year.
pub const MOVE_SECONDS_MAX: u64 = 31_536_000;

/// The terms that bind whoever owes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// Debt per collateral value above which liquidation starts.
    pub threshold: Bps,
    /// Liquidation bonus at a health factor of one.
    pub bonus_min: Bps,
    /// Liquidation bonus at and below the market's full-bonus health.
    pub bonus_max: Bps,
}

impl Binding {
    /// Of each term the one that is better for the borrower. If both respect CFG-2, so does this:
    /// it has one's threshold, and no larger bonus than that one.
    #[must_use]
    pub fn best(self, other: Self) -> Self {
        Self {
            threshold: self.threshold.max(other.threshold),
            bonus_min: self.bonus_min.min(other.bonus_min),
            bonus_max: self.bonus_max.min(other.bonus_max),
        }
    }

    /// CFG-2: a whole seizure with its bonus fits into the collateral of a debt at the threshold,
    /// `threshold · (1 + bonus_max) · (1 + band) ≤ 1`, and the LTV stays below the threshold.
    pub(crate) fn check(&self, ltv: Bps, gap: Bps, band: Bps) -> Result<(), Error> {
        let invalid =
            |name, value: Bps| Err(Error::InvalidParameter { name, value: value.get().into() });
        let wide = |value: Bps| u128::from(value.get());
        if wide(ltv).saturating_add(wide(gap)) > wide(self.threshold) {
            return invalid("LTV", ltv);
        }
        if self.bonus_min > self.bonus_max {
            return invalid("smallest bonus", self.bonus_min);
        }
        let sold = BPS.saturating_add(wide(self.bonus_max));
        let sold = sold.saturating_mul(BPS.saturating_add(wide(band)));
        if wide(self.threshold).saturating_mul(sold) > BPS.saturating_pow(3) {
            return invalid("largest bonus", self.bonus_max);
        }
        Ok(())
    }
}

/// Whose terms they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A collateral's.
    Collateral(AssetId),
    /// A group's.
    Group(GroupId),
}

/// What a collateral's or group's own record says of the terms kept beside it, so that most accounts
/// need not read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Accounts of this version and later are on the present terms; zero if nobody is behind.
    pub below: u32,
    /// From then on everybody is; zero if no such moment is announced.
    pub until: Timestamp,
}

impl Keeping {
    /// Whether an account of `version` may be on other terms than the present ones.
    #[must_use]
    pub fn concerns(&self, version: u32, now: Timestamp) -> bool {
        version < self.below && (self.until == Timestamp::ZERO || now < self.until)
    }
}

/// Terms that accounts up to a version keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The last version for which they were the newest.
    pub until: u32,
    /// The terms.
    pub binding: Binding,
}

/// An announced move of kept terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// When thresholds begin to fall.
    pub start: Timestamp,
    /// When they arrive.
    pub end: Timestamp,
    /// Whom it concerns: accounts of earlier versions than this go to this version's terms.
    pub below: u32,
}

impl Move {
    /// The threshold at `now` on the way from one to another, rounded up.
    #[must_use]
    pub fn threshold(&self, from: Bps, to: Bps, now: Timestamp) -> Bps {
        let length = self.end.since(self.start);
        let left = self.end.since(now).min(length);
        let fall = u64::from(from.get().saturating_sub(to.get()));
        let rest = fall.saturating_mul(left).div_ceil(length.max(1));
        let rest = u16::try_from(rest).unwrap_or(u16::MAX);
        Bps::new(to.get().saturating_add(rest))
    }
}

/// The earlier terms of a collateral or group that some account may still be on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// From the oldest on, each in every term at least as good for borrowers as the next, and the
    /// last as the present ones.
    pub generations: Vec<Generation>,
    /// The move that was announced last, until the record is written after its end.
    pub moving: Option<Move>,
}

impl Kept {
    /// What an account of `version` keeps as long as no move concerns it.
    fn at_version(&self, version: u32, present: Binding) -> Binding {
        let mut generations = self.generations.iter();
        let found = generations.find(|generation| version <= generation.until);
        found.map_or(present, |generation| generation.binding)
    }

    /// The terms in force for accounts of `version` beside the `present` ones.
    #[must_use]
    pub fn in_force(&self, version: u32, present: Binding, now: Timestamp) -> Binding {
        let from = self.at_version(version, present);
        let Some(moving) = self.moving.filter(|moving| version < moving.below) else {
            return from;
        };
        let to = self.at_version(moving.below, present);
        if moving.end <= now {
            return to;
        }
        let threshold = moving.threshold(from.threshold, to.threshold, now);
        Binding { threshold, ..from }
    }

    /// The move that accounts of `version` are still subject to.
    #[must_use]
    pub fn moving(&self, version: u32, now: Timestamp) -> Option<Move> {
        self.moving.filter(|moving| version < moving.below && now < moving.end)
    }

    /// Drops what a move has ended.
    fn settle(&mut self, now: Timestamp) {
        if let Some(moving) = self.moving.filter(|moving| moving.end <= now) {
            self.generations.retain(|generation| moving.below <= generation.until);
            self.moving = None;
        }
    }

    /// Keeps `old` beside `new` for accounts before `version`, where it is better for them.
    fn replace(&mut self, old: Binding, new: Binding, version: u32) {
        let until = version.saturating_sub(1);
        self.generations.push(Generation { until, binding: old });
        for generation in &mut self.generations {
            generation.binding = generation.binding.best(new);
        }
        // Terms that say the same as those after them say nothing.
        let mut next = new;
        let mut kept = core::mem::take(&mut self.generations);
        kept.reverse();
        for generation in kept {
            if generation.binding != next {
                next = generation.binding;
                self.generations.push(generation);
            }
        }
        self.generations.reverse();
        if self.generations.is_empty() {
            self.moving = None;
        }
    }

    /// What the record beside says of this one.
    fn keeping(&self) -> Keeping {
        let below = self.generations.last().map_or(0, |last| last.until.saturating_add(1));
        let ends = self.moving.filter(|moving| below <= moving.below);
        Keeping { below, until: ends.map_or(Timestamp::ZERO, |moving| moving.end) }
    }
}

/// The terms in force for accounts of `version`, given those of the record, and the move that they
/// are subject to.
///
/// # Errors
/// A fault of the ledger.
pub(crate) fn in_force<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, subject): (MarketId, Subject),
    (present, keeping): (Binding, Keeping),
    version: u32,
) -> Result<(Binding, Option<Move>), Stop> {
    let now = ledger.now();
    if !keeping.concerns(version, now) {
        return Ok((present, None));
    }
    let kept = ledger.kept(market, subject)?;
    Ok((kept.in_force(version, present, now), kept.moving(version, now)))
}

/// Notes a change of binding terms: raises the market's version, keeps what accounts are on, and
/// returns what the record of the new terms says of that.
///
/// # Errors
/// [`Error::TooManyKept`], [`Error::Overflow`], or a fault of the ledger.
pub(crate) fn change<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &mut Market),
    subject: Subject,
    (old, keeping): (Binding, Keeping),
    new: Binding,
) -> Result<Keeping, Stop> {
    if old == new {
        return Ok(keeping);
    }
    market.terms_version = market.terms_version.checked_add(1).ok_or(Error::Overflow)?;
    let mut kept = ledger.kept(id, subject)?;
    kept.settle(ledger.now());
    kept.replace(old, new, market.terms_version);
    if kept.generations.len() > GENERATIONS_MAX {
        let most = u8::try_from(GENERATIONS_MAX).unwrap_or(u8::MAX);
        return Err(Error::TooManyKept { market: id, most }.into());
    }
    ledger.set_market(id, market)?;
    ledger.set_kept(id, subject, &kept)?;
    Ok(kept.keeping())
}

/// Announces that the terms which accounts keep from earlier versions go to the present ones between
/// `start` and `end`; the market's owner only. It can be neither changed nor taken back. Terms that
/// are set after the announcement are no part of it: accounts move to those of now, and keep them.
///
/// # Errors
/// [`Error::NotAuthorised`]; [`Error::NothingToMove`] if all accounts are on the present terms;
/// [`Error::MoveNotOver`] while another one is announced or runs; [`Error::InvalidParameter`] for
/// a notice outside [`NOTICE_SECONDS_MIN`] and [`NOTICE_SECONDS_MAX`] or a length outside
/// [`MOVE_SECONDS_MIN`] and [`MOVE_SECONDS_MAX`]; [`Error::CollateralNotListed`],
/// [`Error::UnknownGroup`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn schedule_move<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    subject: Subject,
    (start, end): (Timestamp, Timestamp),
) -> Result<(), Stop> {
    owned(ledger, caller, id)?;
    let now = ledger.now();
    let Keeping { below, .. } = match subject {
        Subject::Collateral(asset) => ledger.collateral(id, asset)?.kept,
        Subject::Group(group) => ledger.group(id, group)?.kept,
    };
    let mut kept = ledger.kept(id, subject)?;
    kept.settle(now);
    if below == 0 || kept.generations.is_empty() {
        return Err(Error::NothingToMove { market: id }.into());
    }
    if let Some(Move { end, .. }) = kept.moving {
        return Err(Error::MoveNotOver { ends_at: end }.into());
    }
    let notice = start.since(now);
    if !(NOTICE_SECONDS_MIN..=NOTICE_SECONDS_MAX).contains(&notice) {
        let value = start.get().into();
        return Err(Error::InvalidParameter { name: "start of a move", value }.into());
    }
    let length = end.since(start);
    if !(MOVE_SECONDS_MIN..=MOVE_SECONDS_MAX).contains(&length) {
        let value = end.get().into();
        return Err(Error::InvalidParameter { name: "end of a move", value }.into());
    }
    kept.moving = Some(Move { start, end, below });
    match subject {
        Subject::Collateral(asset) => {
            let collateral = Collateral { kept: kept.keeping(), ..ledger.collateral(id, asset)? };
            ledger.set_collateral(id, asset, &collateral)?;
        }
        Subject::Group(group) => {
            let record = Group { kept: kept.keeping(), ..ledger.group(id, group)? };
            ledger.set_group(id, group, &record)?;
        }
    }
    ledger.set_kept(id, subject, &kept)?;
    ledger.emit(Event::MoveScheduled { market: id, subject, start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_binding()(threshold in 1_u16..9_900, low in 0_u16..100, more in 0_u16..100) -> Binding {
            // Bonuses that fit: at most what CFG-2 leaves.
            let most = (100_000_000 / u32::from(threshold) - 10_000).min(60_000) as u16;
            Binding {
                threshold: Bps::new(threshold),
                bonus_min: Bps::new((u32::from(most) * u32::from(low) / 200) as u16),
                bonus_max: Bps::new((u32::from(most) * u32::from(low + more) / 200) as u16),
            }
        }
    }

    fn no_worse(one: Binding, other: Binding) -> bool {
        one.threshold >= other.threshold
            && one.bonus_min <= other.bonus_min
            && one.bonus_max <= other.bonus_max
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds)
    }

    proptest! {
        /// CFG-2: the better of each term of two that fit fits as well.
        #[test]
        fn the_best_of_two_fits(one in any_binding(), other in any_binding()) {
            let best = one.best(other);
            prop_assert!(best.check(Bps::ZERO, Bps::ZERO, Bps::ZERO).is_ok());
            prop_assert!(no_worse(best, one) && no_worse(best, other));
        }

        /// CFG-2: along a move a threshold stays between its ends and never rises.
        #[test]
        fn moves_fall_monotonically(
            from in 1_u16..10_000, fall in 0_u16..10_000, seconds in 1_u64..10_000_000, then in 0_u64..20_000_000,
        ) {
            let to = Bps::new(from.saturating_sub(fall));
            let from = Bps::new(from);
            let moving = Move { start: at(1_000), end: at(1_000 + seconds), below: 1 };
            let now = moving.threshold(from, to, at(then));
            prop_assert!(to <= now && now <= from);
            prop_assert!(moving.threshold(from, to, at(then + 1)) <= now);
            prop_assert_eq!(moving.threshold(from, to, at(1_000)), from);
            prop_assert_eq!(moving.threshold(from, to, at(1_000 + seconds)), to);
        }

        /// HLT-2, CFG-2: whatever is set and moved in whatever order, what an account is on becomes
        /// worse for it along an announced move only, at its slope or at its end, and never worse than
        /// what is newest; each account does at least as well as a later one.
        #[test]
        fn terms_fall_along_moves_only(
            changes in prop::collection::vec((any_binding(), 0_u64..3 * 86_400, any::<bool>()), 1..24),
            first in any_binding(),
        ) {
            let (mut present, mut version, mut now) = (first, 1_u32, 1_000_u64);
            let mut kept = Kept::default();
            for (new, seconds, announces) in changes {
                let before: Vec<_> =
                    (1..=version).map(|v| kept.in_force(v, present, at(now))).collect();
                kept.settle(at(now));
                let same: Vec<_> =
                    (1..=version).map(|v| kept.in_force(v, present, at(now))).collect();
                prop_assert_eq!(&before, &same, "settling changed something");
                if announces && kept.moving.is_none() && let Some(last) = kept.generations.last() {
                    let below = last.until + 1;
                    let (start, end) = (at(now + 86_400), at(now + 2 * 86_400));
                    kept.moving = Some(Move { start, end, below });
                } else {
                    kept.replace(present, new, version + 1);
                    version += 1;
                    present = new;
                }
                let all: Vec<_> =
                    (1..=version).map(|v| kept.in_force(v, present, at(now))).collect();
                for (before, after) in before.iter().zip(&all) {
                    prop_assert!(no_worse(*after, *before), "{:?} to {:?}", before, after);
                }
                prop_assert!(all.windows(2).all(|pair| no_worse(pair[0], pair[1])), "{:?}", all);
                prop_assert_eq!(*all.last().unwrap(), present);
                for binding in &all {
                    prop_assert!(binding.check(Bps::ZERO, Bps::ZERO, Bps::ZERO).is_ok());
                }
                // The mark beside the record spares reading it, and hides nothing.
                let mark = kept.keeping();
                for then in [now, now + 86_400, now + 2 * 86_400, now + 10 * 86_400] {
                    for v in 1..=version {
                        let behind = kept.in_force(v, present, at(then)) != present;
                        prop_assert!(!behind || mark.concerns(v, at(then)));
                    }
                    prop_assert!(!mark.concerns(version, at(then)), "the newest read it too");
                }
                // Time changes nothing but along a move.
                let later: Vec<_> =
                    (1..=version).map(|v| kept.in_force(v, present, at(now + seconds))).collect();
                for (v, (now_on, later_on)) in (1..).zip(all.iter().zip(&later)) {
                    prop_assert!(kept.moving(v, at(now)).is_some() || now_on == later_on);
                }
                now += seconds;
            }
        }
    }
}
