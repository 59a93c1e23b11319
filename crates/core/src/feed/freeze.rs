//! Freezing a feed: no use of its price for a while, by somebody's word.
//!
//! A frozen feed goes on taking reports, so that its price is of now when the freeze ends. Until then nobody draws
//! on it, releases what it values against debt, or liquidates by it; repayment, new collateral, and release without debt
//! need no price. After the freeze liquidation waits for [`GRACE_SECONDS`].
//!
//! The feed's owner, governance and the guardian may freeze; each freeze ends after [`FREEZE_MAX`] at most. The
//! guardian neither prolongs nor lifts one, and rests after its own ([`crate::guardian`]). The owner lifts and changes
//! its own only: a feed is frozen against its owner, too.

use super::GRACE_SECONDS;
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::Timestamp;
use crate::guardian::{Guarded, Spell, cut_short};
use crate::ids::FeedId;
use crate::ledger::Ledger;
use alloy_primitives::Address;

/// The longest freeze, three days in seconds.
pub const FREEZE_MAX: u32 = 259_200;

/// Freezes a feed for some seconds from now, whatever was before; the guardian only one that is not frozen.
///
/// # Errors
/// [`Error::InvalidParameter`] for no or more than [`FREEZE_MAX`] seconds; [`Error::NotAuthorised`];
/// [`Error::FeedAlreadyFrozen`] and [`Error::GuardianRests`] for the guardian; [`Error::UnknownFeed`], or a fault.
pub fn freeze<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
    seconds: u32,
) -> Result<(), Stop> {
    let (mut feed, mut info) = (ledger.feed(id)?, ledger.feed_info(id)?);
    if seconds == 0 || seconds > FREEZE_MAX {
        let value = seconds.into();
        return Err(Error::InvalidParameter { name: "freeze seconds", value }.into());
    }
    let (protocol, now) = (ledger.protocol()?, ledger.now());
    let is_frozen = feed.check_frozen(id, now).is_err();
    let until = now.after(seconds.into());
    let resumes_at = until.after(GRACE_SECONDS);
    if caller == protocol.governance || caller == info.owner {
        check_hold(caller, protocol.governance, is_frozen && info.held)?;
        if is_frozen {
            cut_short(ledger, Guarded::Feed(id), now)?;
        }
    } else if caller == protocol.guardian {
        if is_frozen {
            return Err(Error::FeedAlreadyFrozen { feed: id, until: feed.frozen_until }.into());
        }
        ledger.spell(Guarded::Feed(id))?.check_rested(now)?;
        ledger.set_spell(Guarded::Feed(id), Spell { began: now, ends: resumes_at })?;
    } else {
        return Err(Error::NotAuthorised { actor: caller, role: Role::FeedOwner }.into());
    }
    let held = caller == protocol.governance || caller != info.owner;
    if held != info.held {
        info.held = held;
        ledger.set_feed_info(id, &info)?;
    }
    feed.frozen_until = until;
    feed.liquidation_resumes_at = resumes_at;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::FeedFrozen { feed: id, until, actor: caller })
}

/// Ends a freeze; governance, or the owner if it is its own.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::FeedNotFrozen`], [`Error::UnknownFeed`], or a fault of the ledger.
pub fn unfreeze<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: FeedId,
) -> Result<(), Stop> {
    let (mut feed, info) = (ledger.feed(id)?, ledger.feed_info(id)?);
    let (governance, now) = (ledger.protocol()?.governance, ledger.now());
    if caller != governance && caller != info.owner {
        return Err(Error::NotAuthorised { actor: caller, role: Role::FeedOwner }.into());
    }
    if feed.check_frozen(id, now).is_ok() {
        return Err(Error::FeedNotFrozen { feed: id }.into());
    }
    check_hold(caller, governance, info.held)?;
    let liquidation_resumes_at = now.after(GRACE_SECONDS);
    feed.frozen_until = Timestamp::ZERO;
    feed.liquidation_resumes_at = liquidation_resumes_at;
    cut_short(ledger, Guarded::Feed(id), liquidation_resumes_at)?;
    ledger.set_feed(id, &feed)?;
    ledger.emit(Event::FeedUnfrozen { feed: id, actor: caller, liquidation_resumes_at })
}

/// What others than the owner froze, governance alone changes.
fn check_hold(caller: Address, governance: Address, held: bool) -> Result<(), Error> {
    if held && caller != governance {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Governance });
    }
    Ok(())
}
