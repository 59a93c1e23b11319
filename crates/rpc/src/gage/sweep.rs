//! What the next sweep would do to an account, and its owner's stop-loss order.

use gage_core::{
    Stop,
    ids::AccountId,
    ledger::Ledger,
    stop_loss::StopLoss,
    sweep::{Fill, SweepPlan, SweepReason, plan_sweep},
};
use serde::Serialize;

use super::{
    Book,
    liquidations::Reason,
    names::{AssetName, VaultName},
    numbers::Shown,
};
use crate::error::RpcError;

/// An owner's order to sell before the account is liquidatable.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    asset: AssetName,
    vault: VaultName,
    trigger: Shown,
    target: Shown,
    discount_max: Shown,
}

/// What a sweep at this moment would do. Values are US dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sweep {
    reason: Reason,
    health_before: Shown,
    health_after: Shown,
    collateral_value: Shown,
    debt_value: Shown,
    /// Whether debt would be left that nothing secures, to be written off.
    leaves_bad_debt: bool,
    /// On whose lines stakes would be kept, for an insolvent account that stays open.
    stakes_blocked: Vec<VaultName>,
    sales: Vec<Sale>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sale {
    vault: VaultName,
    asset: AssetName,
    tier: u8,
    discount: Shown,
    /// Vault shares of the bids that would be burned.
    shares: Shown,
    repaid: Shown,
    seized: Shown,
    price: Shown,
    debt_price: Shown,
}

/// An account's order, if its owner left one.
pub(super) fn order(book: &mut Book, id: &AccountId) -> Result<Option<Order>, Stop> {
    let Some(StopLoss { asset, vault, trigger, target, tier_max }) = book.stop_loss(id)? else {
        return Ok(None);
    };
    Ok(Some(Order {
        asset: AssetName::of(book, asset)?,
        vault: VaultName::of(book, vault)?,
        trigger: Shown::wad(trigger),
        target: Shown::wad(target),
        discount_max: Shown::bps(tier_max.discount()),
    }))
}

/// What a sweep would do now, and what it waits for if it cannot be planned.
pub(super) fn sweep(
    book: &mut Book,
    id: &AccountId,
) -> Result<(Option<Sweep>, Option<String>), Stop> {
    match plan_sweep(book, id) {
        Ok(plan) => Ok((plan.map(|plan| shown(book, &plan)).transpose()?, None)),
        Err(Stop::Refused(error)) => {
            let named = RpcError::Protocol(gage_abi::encode_error(&error));
            Ok((None, Some(named.to_string())))
        }
        Err(fault) => Err(fault),
    }
}

fn shown(book: &mut Book, plan: &SweepPlan) -> Result<Sweep, Stop> {
    let after = plan.totals_after();
    let blocked = plan.blocks.iter().map(|vault| VaultName::of(book, *vault));
    let stakes_blocked = blocked.collect::<Result<_, Stop>>()?;
    let sales = plan.fills.iter().map(|fill| sale(book, fill));
    Ok(Sweep {
        reason: match plan.reason {
            SweepReason::Unhealthy => Reason::Unhealthy,
            SweepReason::Insolvent => Reason::Insolvent,
            SweepReason::StopLoss => Reason::StopLoss,
        },
        health_before: Shown::health(plan.before.health_factor()),
        health_after: Shown::health(after.health_factor()),
        collateral_value: Shown::wad(after.collateral_value),
        debt_value: Shown::wad(after.debt_value),
        leaves_bad_debt: plan.leaves_bad_debt(),
        stakes_blocked,
        sales: sales.collect::<Result<_, Stop>>()?,
    })
}

fn sale(book: &mut Book, fill: &Fill) -> Result<Sale, Stop> {
    let vault = VaultName::of(book, fill.queue.vault)?;
    let asset = AssetName::of(book, fill.queue.asset)?;
    Ok(Sale {
        tier: fill.tier.get(),
        discount: Shown::bps(fill.tier.discount()),
        shares: Shown::amount(fill.shares.get(), vault.decimals),
        repaid: Shown::amount(fill.repaid.get(), vault.asset.decimals),
        seized: Shown::amount(fill.seized.get(), asset.decimals),
        price: Shown::wad(fill.price),
        debt_price: Shown::wad(fill.debt_price),
        vault,
        asset,
    })
}
