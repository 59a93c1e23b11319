//! Short calls for the exit queue of vault 1.

use gage_core::exits::places::{self, Handover};
use gage_core::exits::{self, PlaceView, Request};
use gage_core::{Address, Assets, Error, Ledger, PlaceId, Shares, Stop, Token};

use super::acts::*;
use super::*;

pub(crate) fn place(number: u64) -> PlaceId {
    PlaceId { vault: vault(1), number }
}

pub(crate) fn shares_of(world: &World, who: Address) -> u128 {
    world.held(Token::Share(vault(1)), who)
}

/// Queues a lender's own shares.
pub(crate) fn queue(world: &mut World, who: Address, shares: u128) -> Result<PlaceId, Stop> {
    let request = Request { shares: Shares::new(shares), controller: who, owner: who };
    world.ledger.atomically(|l| exits::request_redeem(l, who, vault(1), &request))
}

pub(crate) fn queue_all(world: &mut World, who: Address) -> PlaceId {
    let shares = shares_of(world, who);
    queue(world, who, shares).unwrap()
}

pub(crate) fn claim(world: &mut World, who: Address, number: u64) -> Result<Assets, Stop> {
    world.ledger.atomically(|l| exits::claim(l, who, place(number), who))
}

pub(crate) fn hand_over(
    world: &mut World,
    who: Address,
    number: u64,
    (from, to): (Address, Address),
) -> Result<(), Stop> {
    let handover = Handover { place: place(number), from, to };
    world.ledger.atomically(|l| places::transfer(l, who, &handover))
}

pub(crate) fn look(world: &mut World, number: u64) -> PlaceView {
    exits::exit_place(&mut world.ledger, place(number)).unwrap()
}

pub(crate) fn gone(world: &mut World, number: u64) {
    assert_eq!(
        refused(exits::exit_place(&mut world.ledger, place(number))),
        Error::NonexistentPlace { place: number }
    );
}

pub(crate) fn cash(world: &mut World) -> u128 {
    world.ledger.vault(vault(1)).unwrap().cash.get()
}

/// What the queue's contract holds: shares, and assets.
pub(crate) fn escrow(world: &World) -> [u128; 2] {
    let holder = gage_core::address::exits(vault(1));
    [world.held(Token::Share(vault(1)), holder), world.held(Token::Asset(asset(1)), holder)]
}
