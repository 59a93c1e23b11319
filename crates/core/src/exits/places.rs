//! Whose a place in the exit queue is: an ERC-721 token.
//!
//! A place carries what is claimable with it: whoever owns it when a claim is made may make it. Its
//! owner, an address the owner approved for it, and the owner's operators may move it and claim.

use super::Place;
use crate::address::Native;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::ids::{PlaceId, VaultId};
use crate::ledger::Ledger;
use alloy_primitives::Address;

/// The most places that one address may hold of one vault.
const HELD_MAX: u64 = (1 << 24) - 1;

/// A place on its way from one owner to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Which.
    pub place: PlaceId,
    /// Whose it is.
    pub from: Address,
    /// Whose it becomes.
    pub to: Address,
}

/// A place that exists.
///
/// # Errors
/// [`Error::NonexistentPlace`], or a fault of the ledger.
pub fn place<L: Ledger + ?Sized>(ledger: &mut L, id: PlaceId) -> Result<Place, Stop> {
    Ok(ledger.place(id)?.ok_or(Error::NonexistentPlace { place: id.number })?)
}

/// Checks that `caller` may move a place, or claim for it.
pub(super) fn check_mover<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: PlaceId,
    place: &Place,
) -> Result<(), Stop> {
    let allowed = caller == place.owner
        || (!caller.is_zero() && ledger.place_approval(id)? == caller)
        || ledger.is_place_operator(id.vault, place.owner, caller)?;
    if !allowed {
        return Err(Error::PlaceNotApproved { operator: caller, place: id.number }.into());
    }
    Ok(())
}

/// Appends a place to its owner's list, and writes it.
fn append<L: Ledger + ?Sized>(ledger: &mut L, id: PlaceId, mut place: Place) -> Result<(), Stop> {
    let PlaceId { vault, number } = id;
    let owner = place.owner;
    // A native contract could neither claim nor move it.
    if owner.is_zero() || Native::at(owner).is_some() {
        return Err(Error::InvalidPlaceReceiver { receiver: owner }.into());
    }
    let held = ledger.places_held(vault, owner)?;
    if held >= HELD_MAX {
        return Err(Error::Overflow.into());
    }
    place.index = u32::try_from(held).map_err(|_| Error::Overflow)?;
    ledger.set_place_at(vault, (owner, place.index), number)?;
    ledger.set_places_held(vault, owner, held.saturating_add(1))?;
    ledger.set_place(id, Some(&place))
}

/// Takes a place out of its owner's list, with whatever was approved for it; the last one of the list
/// moves up.
fn remove<L: Ledger + ?Sized>(ledger: &mut L, id: PlaceId, place: &Place) -> Result<(), Stop> {
    let PlaceId { vault, .. } = id;
    let Place { owner, index, .. } = *place;
    let rest = ledger.places_held(vault, owner)?.checked_sub(1).ok_or(Error::Overflow)?;
    let last = u32::try_from(rest).map_err(|_| Error::Overflow)?;
    if index != last {
        let number = ledger.place_at(vault, (owner, last))?;
        let moved = PlaceId { vault, number };
        let record = self::place(ledger, moved)?;
        ledger.set_place_at(vault, (owner, index), number)?;
        ledger.set_place(moved, Some(&Place { index, ..record }))?;
    }
    ledger.set_place_at(vault, (owner, last), 0)?;
    ledger.set_places_held(vault, owner, rest)?;
    if !ledger.place_approval(id)?.is_zero() {
        ledger.set_place_approval(id, Address::ZERO)?;
    }
    Ok(())
}

/// Writes a new place and gives it to its owner.
pub(super) fn give<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: PlaceId,
    place: Place,
) -> Result<(), Stop> {
    append(ledger, id, place)?;
    ledger.emit(Event::PlaceMoved { place: id, from: Address::ZERO, to: place.owner })
}

/// Ends a place.
pub(super) fn take<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: PlaceId,
    place: &Place,
) -> Result<(), Stop> {
    remove(ledger, id, place)?;
    ledger.set_place(id, None)?;
    ledger.emit(Event::PlaceMoved { place: id, from: place.owner, to: Address::ZERO })
}

/// Moves a place (ERC-721 `transferFrom`); what was approved for it is void afterwards.
///
/// # Errors
/// [`Error::NonexistentPlace`], [`Error::NotPlaceOwner`] if it is not `from`'s,
/// [`Error::PlaceNotApproved`], [`Error::InvalidPlaceReceiver`] for the zero address and for native
/// contracts, or a fault.
pub fn transfer<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    handover: &Handover,
) -> Result<(), Stop> {
    let Handover { place: id, from, to } = *handover;
    let place = place(ledger, id)?;
    check_mover(ledger, caller, id, &place)?;
    if place.owner != from {
        let (place, owner) = (id.number, place.owner);
        return Err(Error::NotPlaceOwner { sender: from, place, owner }.into());
    }
    remove(ledger, id, &place)?;
    append(ledger, id, Place { owner: to, ..place })?;
    ledger.emit(Event::PlaceMoved { place: id, from, to })
}

/// Lets one address move a place and claim for it (ERC-721 `approve`); the zero address: none. Its
/// owner and the owner's operators may.
///
/// # Errors
/// [`Error::NonexistentPlace`], [`Error::InvalidPlaceApprover`], or a fault of the ledger.
pub fn approve<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: PlaceId,
    approved: Address,
) -> Result<(), Stop> {
    let owner = place(ledger, id)?.owner;
    if caller != owner && !ledger.is_place_operator(id.vault, owner, caller)? {
        return Err(Error::InvalidPlaceApprover { approver: caller }.into());
    }
    ledger.set_place_approval(id, approved)?;
    ledger.emit(Event::PlaceApproved { place: id, owner, approved })
}

/// Lets an address move all places of the caller's in a vault's queue and claim for them, or no
/// longer (ERC-721 `setApprovalForAll`).
///
/// # Errors
/// [`Error::ZeroAddress`] for a zero operator, or a fault of the ledger.
pub fn set_operator<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    vault: VaultId,
    (operator, allowed): (Address, bool),
) -> Result<(), Stop> {
    if operator.is_zero() {
        return Err(Error::ZeroAddress.into());
    }
    ledger.set_place_operator(vault, (caller, operator), allowed)?;
    ledger.emit(Event::PlaceOperatorChanged { vault, owner: caller, operator, allowed })
}

/// The places that `owner` holds in a vault's queue: `count` of them from the `first` of the owner's
/// list on, or as many as there are.
///
/// # Errors
/// A fault of the ledger.
pub fn places_of<L: Ledger + ?Sized>(
    ledger: &mut L,
    (vault, owner): (VaultId, Address),
    (first, count): (u32, u32),
) -> Result<alloc::vec::Vec<PlaceId>, Stop> {
    let held = u32::try_from(ledger.places_held(vault, owner)?).unwrap_or(u32::MAX);
    let last = first.saturating_add(count).min(held);
    (first..last)
        .map(|index| Ok(PlaceId { vault, number: ledger.place_at(vault, (owner, index))? }))
        .collect()
}
