//! `gage_exits`: the places that an address holds in exit queues; and each vault's queue, for `gage_vaults`.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop, address,
    exits::{QueueView, exit_place, exit_queue, places::places_of},
    ids::{PlaceId, VaultId},
    ledger::Ledger,
};
use serde::Serialize;

use super::{Book, book, names::VaultName, numbers::Shown};
use crate::{context::Context, methods::Answer};

/// The most places of one vault that an answer lists; `tokenOfOwnerByIndex` tells of all.
const PLACES_MAX: u32 = 1_000;

/// One place in an exit queue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaceShown {
    vault: VaultName,
    /// The ERC-721 contract of the vault's places.
    token: Address,
    place: u64,
    /// Shares that wait.
    waiting: Shown,
    worth: Shown,
    /// Others' shares that are filled before.
    ahead: Shown,
    ahead_worth: Shown,
    /// Shares that were filled and not claimed.
    filled: Shown,
    /// The assets set aside for them.
    claimable: Shown,
}

/// A vault's exit queue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueShown {
    /// The ERC-721 contract of its places.
    token: Address,
    waiting: Shown,
    worth: Shown,
    /// Places ever given.
    places: u64,
    /// Of the present run: shares filled, and the assets set aside for them.
    filled: Shown,
    paid: Shown,
}

impl QueueShown {
    /// The queue of a vault.
    pub(super) fn of(book: &mut Book, id: VaultId, vault: &VaultName) -> Result<Self, Stop> {
        let QueueView { queue, worth } = exit_queue(book, id)?;
        let shares = |shares: gage_core::Shares| Shown::amount(shares.get(), vault.decimals);
        let assets = |assets: gage_core::Assets| Shown::amount(assets.get(), vault.asset.decimals);
        Ok(Self {
            token: address::exits(id),
            waiting: shares(queue.waiting()),
            worth: assets(worth),
            places: queue.places,
            filled: shares(queue.filled),
            paid: assets(queue.paid),
        })
    }
}

/// Every place of `owner`, by vault and number.
pub(super) fn exits_of(
    context: &Context,
    (owner, id): (Address, Option<BlockId>),
) -> Answer<Vec<PlaceShown>> {
    let mut book = book(context, id)?;
    let mut found = Vec::new();
    for vault in (1..=book.protocol()?.vaults).map(VaultId::new) {
        book.discard();
        let mut places = places_of(&mut book, (vault, owner), (0, PLACES_MAX))?;
        places.sort_unstable();
        for id in places {
            found.push(place(&mut book, id)?);
        }
    }
    Ok(found)
}

fn place(book: &mut Book, id: PlaceId) -> Result<PlaceShown, Stop> {
    let vault = VaultName::of(book, id.vault)?;
    let view = exit_place(book, id)?;
    let shares = |shares: gage_core::Shares| Shown::amount(shares.get(), vault.decimals);
    let assets = |assets: gage_core::Assets| Shown::amount(assets.get(), vault.asset.decimals);
    Ok(PlaceShown {
        token: address::exits(id.vault),
        place: id.number,
        waiting: shares(view.waiting),
        worth: assets(view.worth),
        ahead: shares(view.ahead),
        ahead_worth: assets(view.ahead_worth),
        filled: shares(view.filled),
        claimable: assets(view.claimable),
        vault,
    })
}
