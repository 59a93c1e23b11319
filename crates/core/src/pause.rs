//! How much of a market stands still, by whose word, and until when.
//!
//! A market's owner and governance pause as long as they like. The guardian's pause ends by itself
//! ([`crate::guardian`]), and what a market's breaker does too ([`crate::breaker`]). In force is the highest of the
//! levels that have not ended: nobody transacts for an end. When the last freeze ends, liquidation waits for
//! [`GRACE_SECONDS`] more.
//!
//! A word of the owner's or governance's ends whatever is above it; what is not runs on.

use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::Timestamp;
use crate::guardian::{Guarded, Spell, cut_short};
use crate::ids::MarketId;
use crate::ledger::Ledger;
use crate::market::{GRACE_SECONDS, Market, PauseLevel};
use alloy_primitives::Address;

/// The longest pause by the guardian, seven days in seconds.
pub const PAUSE_MAX: u32 = 604_800;

/// A level, and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// How much stands still.
    pub level: PauseLevel,
    /// Until when; zero if until changed, and for [`PauseLevel::Open`].
    pub until: Timestamp,
}

/// Everybody's word on how much of a market stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The owner's or governance's.
    pub own: Pause,
    /// The guardian's, which has an end.
    pub guardian: Pause,
    /// Until when the market's breaker restricts it, past or not; zero if it never did.
    pub tripped_until: Timestamp,
}

impl Pause {
    /// What is left of it at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let ended = self.until > Timestamp::ZERO && self.until <= now;
        if ended { Self::default() } else { self }
    }

    /// Both: the higher level; of the same one, the longer.
    fn with(self, other: Self) -> Self {
        let endless = |pause: &Self| pause.until == Timestamp::ZERO;
        let key = |pause: &Self| (pause.level, endless(pause), pause.until);
        if key(&other) > key(&self) { other } else { self }
    }
}

impl Pauses {
    /// The level in force at `now`, and until when at least.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Pause {
        let Self { own, guardian, tripped_until } = *self;
        let breaker = match tripped_until {
            Timestamp::ZERO => Pause::default(),
            until => Pause { level: PauseLevel::Restricted, until },
        };
        own.at(now).with(guardian.at(now)).with(breaker.at(now))
    }
}

/// Checks that at `now` no more of a market stands still than `most`.
///
/// # Errors
/// [`Error::MarketPaused`].
pub(crate) fn check_pause(
    (id, market): (MarketId, &Market),
    now: Timestamp,
    most: PauseLevel,
) -> Result<(), Error> {
    let Pause { level, until } = market.pause.at(now);
    if level > most {
        return Err(Error::MarketPaused { market: id, level, until });
    }
    Ok(())
}

/// Checks that a market's accounts may be liquidated at `now`.
///
/// # Errors
/// [`Error::MarketPaused`], [`Error::LiquidationPaused`].
pub(crate) fn open_for_liquidation(
    id: MarketId,
    market: &Market,
    now: Timestamp,
) -> Result<(), Error> {
    check_pause((id, market), now, PauseLevel::Restricted)?;
    let resumes_at = market.liquidation_resumes_at;
    if now < resumes_at {
        return Err(Error::LiquidationPaused { resumes_at });
    }
    Ok(())
}

/// Sets how much of a market stands still until that is changed. Its owner and governance may set any level; the
/// guardian a higher one, which ends as [`pause_for`] says, as late as it may.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::GuardianRests`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_pause<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    level: PauseLevel,
) -> Result<(), Stop> {
    change(ledger, caller, id, (level, None))
}

/// Lets so much of a market stand still for some seconds. The guardian may for [`PAUSE_MAX`] at most, only at a
/// level that is not below the present one, and after it has rested; while its own pause lasts it may raise it, but
/// not beyond [`PAUSE_MAX`] from its beginning.
///
/// # Errors
/// [`Error::InvalidParameter`] for no or too many seconds, or for [`PauseLevel::Open`]; [`Error::NotAuthorised`],
/// [`Error::GuardianRests`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn pause_for<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    level: PauseLevel,
    seconds: u32,
) -> Result<(), Stop> {
    if seconds == 0 || level == PauseLevel::Open {
        return Err(Error::InvalidParameter { name: "pause seconds", value: seconds.into() }.into());
    }
    change(ledger, caller, id, (level, Some(seconds)))
}

fn change<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    (level, seconds): (PauseLevel, Option<u32>),
) -> Result<(), Stop> {
    let mut market = ledger.market(id)?;
    let (protocol, now) = (ledger.protocol()?, ledger.now());
    let (before, guarded) = (market.pause.at(now), market.pause.guardian.at(now));
    if caller == market.owner || caller == protocol.governance {
        let until = seconds.map_or(Timestamp::ZERO, |seconds| now.after(seconds.into()));
        overrule(&mut market.pause, Pause { level, until }, now);
    } else if caller == protocol.guardian && level > PauseLevel::Open && level >= before.level {
        let spell =
            guard(ledger.spell(Guarded::Market(id))?, &mut market.pause, (level, seconds), now)?;
        ledger.set_spell(Guarded::Market(id), spell)?;
    } else {
        return Err(Error::NotAuthorised { actor: caller, role: Role::MarketOwner }.into());
    }
    let after = market.pause.at(now);
    let is_frozen = |pause: Pause| pause.level == PauseLevel::Frozen;
    if is_frozen(after) && after.until > Timestamp::ZERO {
        market.liquidation_resumes_at = after.until.after(GRACE_SECONDS);
    } else if is_frozen(before) && !is_frozen(after) {
        market.liquidation_resumes_at = now.after(GRACE_SECONDS);
    }
    if guarded.level > PauseLevel::Open && market.pause.guardian.level == PauseLevel::Open {
        let grace = if is_frozen(guarded) { GRACE_SECONDS } else { 0 };
        cut_short(ledger, Guarded::Market(id), now.after(grace))?;
    }
    ledger.set_market(id, &market)?;
    let Pause { level, until } = after;
    ledger.emit(Event::MarketPauseChanged { market: id, level, until, actor: caller })
}

/// The owner's or governance's word.
fn overrule(pauses: &mut Pauses, own: Pause, now: Timestamp) {
    if pauses.guardian.at(now).level > own.level {
        pauses.guardian = Pause::default();
    }
    if own.level < PauseLevel::Restricted {
        pauses.tripped_until = Timestamp::ZERO;
    }
    pauses.own = own;
}

/// The guardian's word; how long it stops the market with this.
fn guard(
    last: Spell,
    pauses: &mut Pauses,
    (level, seconds): (PauseLevel, Option<u32>),
    now: Timestamp,
) -> Result<Spell, Error> {
    let running = pauses.guardian.at(now);
    let began = match running.level {
        PauseLevel::Open => {
            last.check_rested(now)?;
            now
        }
        // Saying the same again is no way to prolong it.
        same if level <= same => return Err(Error::GuardianRests { until: last.rested_at() }),
        _ => last.began,
    };
    let latest = began.after(PAUSE_MAX.into());
    let until = seconds.map_or(latest, |seconds| now.after(seconds.into())).max(running.until);
    if until > latest {
        let value = seconds.unwrap_or_default().into();
        return Err(Error::InvalidParameter { name: "pause seconds", value });
    }
    pauses.guardian = Pause { level, until };
    let grace = if level == PauseLevel::Frozen { GRACE_SECONDS } else { 0 };
    Ok(Spell { began, ends: until.after(grace) })
}
