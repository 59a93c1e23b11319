//! `gage_losses`: debt that nothing covered any more, and who bore it.

use std::collections::BTreeMap;

use alloy_sol_types::SolEvent;
use gage_abi::{IMarket::BadDebt, IVault::LossRealised};
use gage_core::ids::VaultId;
use serde::Serialize;

use super::{
    book,
    names::{VaultName, vault_at},
    numbers::Shown,
    past::{Place, Range, Whose, event, logs},
};
use crate::{context::Context, methods::Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Losses {
    losses: Vec<Loss>,
    /// By vault.
    totals: Vec<Total>,
}

/// One account's debt to one vault, written off.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Loss {
    #[serde(flatten)]
    place: Place,
    vault: VaultName,
    #[serde(flatten)]
    parts: PartsShown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Total {
    vault: VaultName,
    losses: u64,
    #[serde(flatten)]
    parts: PartsShown,
}

/// What was written off, and who bore how much of it, in base units of the vault's asset.
#[derive(Clone, Copy, Default)]
struct Parts {
    shortfall: u128,
    from_first_loss: u128,
    from_reserves: u128,
    from_lenders: u128,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartsShown {
    shortfall: Shown,
    borne_by: Bearers,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bearers {
    first_loss: Shown,
    reserves: Shown,
    lenders: Shown,
}

impl Parts {
    fn of(event: &LossRealised) -> Self {
        Self {
            shortfall: event.shortfall.saturating_to(),
            from_first_loss: event.fromFirstLoss.saturating_to(),
            from_reserves: event.fromReserves.saturating_to(),
            from_lenders: event.fromLenders.saturating_to(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            shortfall: self.shortfall.saturating_add(other.shortfall),
            from_first_loss: self.from_first_loss.saturating_add(other.from_first_loss),
            from_reserves: self.from_reserves.saturating_add(other.from_reserves),
            from_lenders: self.from_lenders.saturating_add(other.from_lenders),
        }
    }

    fn shown(self, decimals: u8) -> PartsShown {
        let amount = |units| Shown::amount(units, decimals);
        PartsShown {
            shortfall: amount(self.shortfall),
            borne_by: Bearers {
                first_loss: amount(self.from_first_loss),
                reserves: amount(self.from_reserves),
                lenders: amount(self.from_lenders),
            },
        }
    }
}

/// Losses of the blocks of a range.
pub(super) fn losses(context: &Context, range: Range) -> Answer<Losses> {
    let mut book = book(context, None)?;
    let topics = vec![BadDebt::SIGNATURE_HASH, LossRealised::SIGNATURE_HASH];
    let mut losses = Vec::new();
    let mut totals: BTreeMap<VaultId, (u64, Parts)> = BTreeMap::new();
    // The market says whose debt it was, the vault right after who bore it.
    let mut whose = None;
    for log in logs(context, &mut book, range, topics)? {
        book.discard();
        if let Some(event) = event::<BadDebt>(&log)? {
            whose = Some(Whose { market: event.market, owner: event.owner, sub: event.sub });
        } else if let (Some(event), Some(whose)) = (event::<LossRealised>(&log)?, whose.take()) {
            let (id, parts) = (vault_at(log.log.address)?, Parts::of(&event));
            let (count, sum) = totals.entry(id).or_default();
            (*count, *sum) = (*count + 1, sum.plus(parts));
            let vault = VaultName::of(&mut book, id)?;
            let parts = parts.shown(vault.asset.decimals);
            losses.push(Loss { place: Place::of(&log, whose), vault, parts });
        }
    }
    let mut shown = Vec::new();
    for (id, (losses, parts)) in totals {
        let vault = VaultName::of(&mut book, id)?;
        shown.push(Total { parts: parts.shown(vault.asset.decimals), vault, losses });
    }
    Ok(Losses { losses, totals: shown })
}
