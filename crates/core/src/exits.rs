//! The exit queue: how lenders leave a vault that has no cash, first in, first out.
//!
//! A request puts vault shares into escrow and gives a *place* for them: an ERC-721 token
//! ([`places`]), as no two places are alike: each stands somewhere else. Queued shares stay shares:
//! they earn interest and bear losses like everyone's until they are filled. Whenever a vault is
//! written and has cash, the queue takes it ([`Accrued::store`] is the one door): shares from its
//! front are burned at the price of the moment, and what they are worth is set aside for whoever
//! claims it. So cash and a waiting queue never meet in a stored vault, but for less than a share
//! is worth: neither a new debt nor an ordinary withdrawal can be served before the queue.
//! Liquidations in shares, bids and stakes burn shares against debt, need no cash, and wait for
//! nothing.
//!
//! A fill costs the same whatever the number of places. The queue is an axis of shares: the place
//! `[s, e)` stands on it behind all that were queued before, and a fill moves the point `filled`
//! forward and `paid` up, and leaves both as a [`Checkpoint`]. Let `A(x)` be what was paid for
//! everything before `x`: exact at checkpoints, and between two of them in proportion, rounded down.
//! What a place may claim is `A(min(e, filled)) − A(s)`. Neighbours share their borders, so all claims
//! together are `paid` to the unit, however often and in whatever order they are made; one alone is
//! within a unit of its part.
//!
//! An axis ends when the queue is empty; the next request begins another *run* at zero.

use crate::address;
use crate::error::{Error, Fault, Stop};
use crate::event::Event;
use crate::fixed::{Assets, Shares, mul_div_down};
use crate::ids::{PlaceId, Token, VaultId};
use crate::ledger::Ledger;
use crate::token::{Movement, debit, shift, spend_allowance};
use crate::vault::Accrued;
use alloy_primitives::Address;

pub mod places;

/// The exit queue of a vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExitQueue {
    /// How many times the queue began; zero if never.
    pub run: u32,
    /// Places ever given, over all runs; the next one's number is one more.
    pub places: u64,
    /// Fills of this run.
    pub checkpoints: u64,
    /// Shares that were queued in this run: where its axis ends.
    pub queued: Shares,
    /// Shares that were filled in this run, from the front.
    pub filled: Shares,
    /// What was set aside for them.
    pub paid: Assets,
}

impl ExitQueue {
    /// The shares that wait.
    #[must_use]
    pub fn waiting(&self) -> Shares {
        self.queued.saturating_sub(self.filled)
    }

    /// How far a place was filled, on the axis of its run.
    fn reached(&self, place: &Place) -> Shares {
        if place.run == self.run { place.end.min(self.filled.max(place.start)) } else { place.end }
    }
}

/// How far a run was filled after one of its fills, and what it was paid by then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Shares filled. Never zero: each fill moves it.
    pub filled: Shares,
    /// What was set aside for them.
    pub paid: Assets,
}

/// A part of the queue's axis that nobody has claimed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub owner: Address,
    /// Its place in its owner's list.
    pub index: u32,
    /// The run whose axis it is on.
    pub run: u32,
    /// The fills of the run when `start` was set: nothing from `start` on was filled by them.
    pub first: u64,
    /// Where it begins.
    pub start: Shares,
    /// Where it ends, exclusive.
    pub end: Shares,
}

/// Shares to queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// How many.
    pub shares: Shares,
    /// Who receives the place.
    pub controller: Address,
    /// Whose shares; if not the caller's, within what the owner allowed.
    pub owner: Address,
}

/// A queue as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Its record.
    pub queue: ExitQueue,
    /// What the waiting shares are worth now, rounded down.
    pub worth: Assets,
}

/// A place as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceView {
    /// Whose it is.
    pub owner: Address,
    /// Its shares that wait.
    pub waiting: Shares,
    /// What these are worth now, rounded down.
    pub worth: Assets,
    /// Others' shares that are filled before.
    pub ahead: Shares,
    /// What these are worth now, rounded down.
    pub ahead_worth: Assets,
    /// Its shares that were filled and not claimed.
    pub filled: Shares,
    /// What may be claimed for them.
    pub claimable: Assets,
}

impl Accrued {
    /// What the cash can fill of `waiting` shares, and what is set aside for it: as a redemption of
    /// these shares would, rounded down for those who stay.
    ///
    /// Shares that are worth less than a unit altogether are filled for nothing, as nothing could
    /// ever be paid for them; so are all shares of a vault that lost everything.
    fn fillable(&self, waiting: Shares) -> (Shares, Assets) {
        let worth = |shares| self.pool().assets_to_pay(shares).unwrap_or(Assets::MAX);
        if worth(waiting).is_zero() {
            return (waiting, Assets::ZERO);
        }
        let shares = self.max_redeem(waiting);
        (shares, worth(shares))
    }
}

/// Fills the queue of a vault that is about to be written, as far as its cash reaches. Reads nothing
/// if none waits or there is no cash, and never refuses: every operation that writes a vault
/// depends on it.
///
/// # Errors
/// A fault of the ledger.
pub(crate) fn fill<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: VaultId,
    vault: &mut Accrued,
) -> Result<(), Stop> {
    let record = *vault.record();
    if !record.exits_waiting || (record.cash.is_zero() && !vault.is_wiped_out()) {
        return Ok(());
    }
    let mut queue = ledger.exit_queue(id)?;
    let (shares, assets) = vault.fillable(queue.waiting());
    let sums = (queue.paid.add(assets), record.cash.sub(assets), record.shares.sub(shares));
    let (Ok(paid), Ok(cash), Ok(rest), false) = (sums.0, sums.1, sums.2, shares.is_zero()) else {
        return Ok(());
    };
    queue.filled = queue.filled.saturating_add(shares);
    queue.paid = paid;
    queue.checkpoints = queue.checkpoints.saturating_add(1);
    let waiting = queue.waiting();
    let record = vault.record_mut();
    record.cash = cash;
    record.shares = rest;
    record.exits_waiting = !waiting.is_zero();
    let (token, escrow) = (Token::Asset(record.asset), address::exits(id));
    debit(ledger, Token::Share(id), escrow, shares.get())?;
    if !assets.is_zero() {
        let from = address::custody(id);
        shift(ledger, &Movement { token, from, to: escrow, value: assets.get() })?;
    }
    let checkpoint = Checkpoint { filled: queue.filled, paid };
    ledger.set_exit_checkpoint(id, (queue.run, queue.checkpoints), &checkpoint)?;
    ledger.set_exit_queue(id, &queue)?;
    ledger.emit(Event::ExitsFilled { vault: id, shares, assets, waiting })
}

/// Puts shares into the exit queue and gives a place for them, whatever the vault's cash and pauses.
/// What the cash reaches is filled at once and may be claimed.
///
/// # Errors
/// [`Error::ZeroAmount`] also for shares that are worth nothing, [`Error::InsufficientBalance`],
/// [`Error::InsufficientAllowance`], [`Error::InvalidPlaceReceiver`], [`Error::Overflow`] for a run
/// of more than 128 bits, [`Error::UnknownVault`], or a fault of the ledger.
pub fn request_redeem<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    vault: VaultId,
    request: &Request,
) -> Result<PlaceId, Stop> {
    let Request { shares, controller, owner } = *request;
    if shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let mut accrued = Accrued::load(ledger, vault)?;
    if caller != owner {
        spend_allowance(ledger, Token::Share(vault), (owner, caller), shares.get())?;
    }
    let to = address::exits(vault);
    let token = Token::Share(vault);
    shift(ledger, &Movement { token, from: owner, to, value: shares.get() })?;
    if accrued.worth(shares).is_none() {
        return Err(Error::ZeroAmount.into());
    }
    let mut queue = ledger.exit_queue(vault)?;
    if !accrued.record().exits_waiting {
        let run = queue.run.checked_add(1).ok_or(Error::Overflow)?;
        queue = ExitQueue { run, places: queue.places, ..ExitQueue::default() };
    }
    let (start, end) = (queue.queued, queue.queued.add(shares)?);
    queue.queued = end;
    queue.places = queue.places.checked_add(1).ok_or(Error::Overflow)?;
    let id = PlaceId { vault, number: queue.places };
    let (run, first) = (queue.run, queue.checkpoints);
    ledger.set_exit_queue(vault, &queue)?;
    places::give(ledger, id, Place { owner: controller, index: 0, run, first, start, end })?;
    ledger.emit(Event::ExitRequested { place: id, sender: caller, owner, controller, shares })?;
    accrued.record_mut().exits_waiting = true;
    accrued.store(ledger, vault)?;
    Ok(id)
}

/// Pays out what was set aside for a place and returns how much; a place that is filled to its end
/// is gone. Its owner and whoever may move it can; works at every pause, whatever the vault's cash.
///
/// # Errors
/// [`Error::NonexistentPlace`], [`Error::PlaceNotApproved`], [`Error::NothingToClaim`] if nothing
/// was filled since the last time, [`Error::InvalidReceiver`], or a fault of the ledger.
pub fn claim<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: PlaceId,
    receiver: Address,
) -> Result<Assets, Stop> {
    let mut place = places::place(ledger, id)?;
    places::check_mover(ledger, caller, id, &place)?;
    let queue = ledger.exit_queue(id.vault)?;
    let reached = queue.reached(&place);
    let shares = reached.saturating_sub(place.start);
    if shares.is_zero() {
        let ahead = place.start.saturating_sub(queue.filled);
        return Err(Error::NothingToClaim { place: id.number, ahead }.into());
    }
    if receiver.is_zero() {
        return Err(Error::InvalidReceiver { receiver }.into());
    }
    let assets = set_aside(ledger, id.vault, &place, reached)?;
    if reached == place.end {
        places::take(ledger, id, &place)?;
    } else {
        place.start = reached;
        place.first = queue.checkpoints;
        ledger.set_place(id, Some(&place))?;
    }
    if !assets.is_zero() {
        let token = Token::Asset(ledger.vault(id.vault)?.asset);
        let from = address::exits(id.vault);
        shift(ledger, &Movement { token, from, to: receiver, value: assets.get() })?;
    }
    ledger.emit(Event::ExitClaimed { place: id, receiver, shares, assets })?;
    Ok(assets)
}

/// What was set aside for a place from its start up to `reached`.
fn set_aside<L: Ledger + ?Sized>(
    ledger: &mut L,
    vault: VaultId,
    place: &Place,
    reached: Shares,
) -> Result<Assets, Stop> {
    if reached <= place.start {
        return Ok(Assets::ZERO);
    }
    let before = paid_before(ledger, vault, place, place.start)?;
    Ok(paid_before(ledger, vault, place, reached)?.sub(before)?)
}

/// `A(at)`: what was paid for all shares before `at` on a place's axis, which is filled that far and
/// where `at` is not before the place.
///
/// Searches the fills since the place was taken, in steps that double: the number of reads is
/// logarithmic in how many fills came before the one that reached `at`.
fn paid_before<L: Ledger + ?Sized>(
    ledger: &mut L,
    vault: VaultId,
    place: &Place,
    at: Shares,
) -> Result<Assets, Stop> {
    let run = place.run;
    let mut low = place.first;
    let mut before = match low {
        0 => Checkpoint::default(),
        _ => ledger.exit_checkpoint(vault, (run, low))?,
    };
    if at <= before.filled {
        return Ok(before.paid);
    }
    let beyond = |checkpoint: &Checkpoint| checkpoint.filled.is_zero() || checkpoint.filled >= at;
    let mut high = low.saturating_add(1);
    let mut after = ledger.exit_checkpoint(vault, (run, high))?;
    while !beyond(&after) {
        let step = high.saturating_sub(low).saturating_mul(2);
        (low, before) = (high, after);
        high = low.saturating_add(step);
        after = ledger.exit_checkpoint(vault, (run, high))?;
    }
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        let checkpoint = ledger.exit_checkpoint(vault, (run, middle))?;
        if beyond(&checkpoint) {
            (high, after) = (middle, checkpoint);
        } else {
            (low, before) = (middle, checkpoint);
        }
    }
    if after.filled < at {
        return Err(Fault::Unreadable.into());
    }
    let part = at.sub(before.filled)?;
    let (shares, assets) = (after.filled.sub(before.filled)?, after.paid.sub(before.paid)?);
    let paid = mul_div_down(part.get(), assets.get(), shares.get()).map(Assets::new)?;
    Ok(before.paid.add(paid)?)
}

/// A vault's exit queue.
///
/// # Errors
/// [`Error::UnknownVault`], or a fault of the ledger.
pub fn exit_queue<L: Ledger + ?Sized>(ledger: &mut L, vault: VaultId) -> Result<QueueView, Stop> {
    let accrued = Accrued::load(ledger, vault)?;
    let queue = ledger.exit_queue(vault)?;
    Ok(QueueView { queue, worth: accrued.worth(queue.waiting()).unwrap_or_default() })
}

/// A place in an exit queue.
///
/// # Errors
/// [`Error::NonexistentPlace`], [`Error::UnknownVault`], or a fault of the ledger.
pub fn exit_place<L: Ledger + ?Sized>(ledger: &mut L, id: PlaceId) -> Result<PlaceView, Stop> {
    let place = places::place(ledger, id)?;
    let accrued = Accrued::load(ledger, id.vault)?;
    let queue = ledger.exit_queue(id.vault)?;
    let reached = queue.reached(&place);
    let waiting = place.end.saturating_sub(reached);
    let passed = waiting.is_zero();
    let ahead = if passed { Shares::ZERO } else { reached.saturating_sub(queue.filled) };
    Ok(PlaceView {
        owner: place.owner,
        waiting,
        worth: accrued.worth(waiting).unwrap_or_default(),
        ahead,
        ahead_worth: accrued.worth(ahead).unwrap_or_default(),
        filled: reached.saturating_sub(place.start),
        claimable: set_aside(ledger, id.vault, &place, reached)?,
    })
}
