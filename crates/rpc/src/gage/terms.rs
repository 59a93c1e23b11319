//! Groups, kept terms and moves, as `gage_markets` and `gage_explain` show them.

use gage_core::{
    Stop,
    groups::Group,
    ids::{AssetId, GroupId, MarketId},
    ledger::Ledger,
    market::Market,
    terms::{Binding, Generation, Kept, Move, Subject},
};
use serde::Serialize;

use super::{
    Book,
    names::{AssetName, VaultName},
    numbers::Shown,
};

/// The terms that bind whoever owes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindingShown {
    threshold: Shown,
    bonus_min: Shown,
    bonus_max: Shown,
}

impl BindingShown {
    pub(super) fn of(binding: Binding) -> Self {
        Self {
            threshold: Shown::bps(binding.threshold),
            bonus_min: Shown::bps(binding.bonus_min),
            bonus_max: Shown::bps(binding.bonus_max),
        }
    }
}

/// Terms that accounts keep.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Earlier {
    /// Of this version and before.
    until: u32,
    #[serde(flatten)]
    binding: BindingShown,
}

/// An announced move of kept terms.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoveShown {
    start: u64,
    end: u64,
    /// Accounts of versions below it go to its terms.
    below: u32,
}

impl MoveShown {
    pub(super) fn of(moving: Move) -> Self {
        Self { start: moving.start.get(), end: moving.end.get(), below: moving.below }
    }
}

/// What accounts keep of the earlier terms of a collateral or group, from the oldest on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptShown {
    kept: Vec<Earlier>,
    /// Announced and not ended.
    moving: Option<MoveShown>,
}

impl KeptShown {
    fn of(book: &mut Book, market: MarketId, subject: Subject) -> Result<Self, Stop> {
        let Kept { generations, moving } = book.kept(market, subject)?;
        let now = book.now();
        let over = moving.filter(|moving| moving.end <= now);
        // What a move has ended is written off at the next change only.
        let behind = generations
            .iter()
            .filter(|kept| over.is_none_or(|moving| moving.below <= kept.until))
            .map(|Generation { until, binding }| Earlier {
                until: *until,
                binding: BindingShown::of(*binding),
            });
        let moving = moving.filter(|moving| now < moving.end);
        Ok(Self { kept: behind.collect(), moving: moving.map(MoveShown::of) })
    }

    /// Those of a collateral.
    pub(super) fn of_collateral(
        book: &mut Book,
        market: MarketId,
        asset: AssetId,
    ) -> Result<Self, Stop> {
        Self::of(book, market, Subject::Collateral(asset))
    }
}

/// A group of a market.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupRow {
    id: u8,
    name: String,
    ltv: Shown,
    #[serde(flatten)]
    binding: BindingShown,
    /// The price error that it must bear.
    band: Shown,
    collaterals: Vec<AssetName>,
    vaults: Vec<VaultName>,
    #[serde(flatten)]
    kept: KeptShown,
}

/// Every group of a market.
pub(super) fn groups(
    book: &mut Book,
    id: MarketId,
    market: &Market,
) -> Result<Vec<GroupRow>, Stop> {
    (1..=market.groups).map(|number| group(book, (id, market), GroupId::new(number))).collect()
}

fn group(
    book: &mut Book,
    (id, market): (MarketId, &Market),
    number: GroupId,
) -> Result<GroupRow, Stop> {
    let record: Group = book.group(id, number)?;
    let members = (0..).zip(&market.collaterals).filter(|(place, _)| record.takes(*place));
    let collaterals = members.map(|(_, asset)| AssetName::of(book, *asset));
    let collaterals = collaterals.collect::<Result<_, Stop>>()?;
    let members = (0..).zip(&market.vaults).filter(|(place, _)| record.lends(*place));
    let vaults = members.map(|(_, vault)| VaultName::of(book, *vault));
    Ok(GroupRow {
        id: number.get(),
        name: record.label.as_str().to_owned(),
        ltv: Shown::bps(record.ltv),
        binding: BindingShown::of(record.binding),
        band: Shown::bps(record.band),
        collaterals,
        vaults: vaults.collect::<Result<_, Stop>>()?,
        kept: KeptShown::of(book, id, Subject::Group(number))?,
    })
}

/// A group's number and name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupName {
    id: u8,
    name: String,
}

impl GroupName {
    /// Of the group that an account is in, if it is in one.
    pub(super) fn of(book: &mut Book, market: MarketId, id: GroupId) -> Result<Option<Self>, Stop> {
        if id.is_none() {
            return Ok(None);
        }
        let name = book.group(market, id)?.label.as_str().to_owned();
        Ok(Some(Self { id: id.get(), name }))
    }
}
