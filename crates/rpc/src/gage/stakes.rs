//! `gage_stakes`: a staker's first-loss capital; and that of each line, for `gage_markets`.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop,
    first_loss::{Capital, NOTICE_SECONDS, WINDOW_SECONDS, capital_of, claim_of},
    fixed::{Timestamp, WAD, Wad, mul_div_down},
    ids::{MarketId, StakeId, VaultId},
    ledger::Ledger,
};
use serde::Serialize;

use super::{Book, book, names::VaultName, notice::Notice, numbers::Shown};
use crate::{context::Context, methods::Answer};

/// One stake of a staker.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StakeShown {
    market: u32,
    vault: VaultName,
    /// Units of the line's tranche, a plain count.
    units: String,
    /// The vault shares that they stand for.
    shares: Shown,
    worth: Shown,
    /// Of the whole tranche.
    part: Shown,
    notice: Notice,
    line: FirstLoss,
}

/// What is staked on a line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirstLoss {
    shares: Shown,
    worth: Shown,
    /// The part of the interest on the line's debt that stakers earn.
    premium: Shown,
    /// Premium that the reserves could not pay yet.
    owed: Shown,
    /// How many times losses took everything.
    epoch: u32,
    /// Until when no stake leaves, if a loss is pending.
    pending_until: Option<u64>,
}

impl FirstLoss {
    fn shown(capital: &Capital, vault: &VaultName, now: Timestamp) -> Self {
        let Capital { tranche, worth } = capital;
        let pending = tranche.pending_until > now;
        Self {
            shares: Shown::amount(tranche.shares.get(), vault.decimals),
            worth: Shown::amount(worth.get(), vault.asset.decimals),
            premium: Shown::bps(tranche.premium),
            owed: Shown::amount(tranche.owed.get(), vault.asset.decimals),
            epoch: tranche.epoch,
            pending_until: pending.then(|| tranche.pending_until.get()),
        }
    }

    /// The first-loss capital of a line.
    pub(super) fn of(
        book: &mut Book,
        (market, id): (MarketId, VaultId),
        vault: &VaultName,
    ) -> Result<Self, Stop> {
        let capital = capital_of(book, (market, id))?;
        Ok(Self::shown(&capital, vault, book.now()))
    }
}

/// Every stake of `staker`, over all lines, by market and vault.
pub(super) fn stakes_of(
    context: &Context,
    (staker, id): (Address, Option<BlockId>),
) -> Answer<Vec<StakeShown>> {
    let mut book = book(context, id)?;
    let mut found = Vec::new();
    for market in (1..=book.protocol()?.markets).map(MarketId::new) {
        book.discard();
        for vault in book.market(market)?.vaults {
            found.extend(stake(&mut book, &StakeId { market, vault, staker })?);
        }
    }
    Ok(found)
}

fn stake(book: &mut Book, id: &StakeId) -> Result<Option<StakeShown>, Stop> {
    let claim = claim_of(book, id)?;
    if claim.units.is_zero() {
        return Ok(None);
    }
    let vault = VaultName::of(book, id.vault)?;
    let capital = capital_of(book, (id.market, id.vault))?;
    let part = mul_div_down(claim.units.get(), WAD, capital.tranche.units.get())?;
    let periods = (NOTICE_SECONDS, WINDOW_SECONDS);
    Ok(Some(StakeShown {
        market: id.market.get(),
        units: claim.units.to_string(),
        shares: Shown::amount(claim.shares.get(), vault.decimals),
        worth: Shown::amount(claim.worth.get(), vault.asset.decimals),
        part: Shown::share(Wad::new(part)),
        notice: Notice::of(claim.announced_at, periods, book.now()),
        line: FirstLoss::shown(&capital, &vault, book.now()),
        vault,
    }))
}
