//! `gage_explain`: why an account stands as it does, and what a sweep or a liquidation would do.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop,
    explain::{CollateralView, DebtView, explain as explain_account},
    ids::{AccountId, MarketId},
    liquidation::{Kind, Plan, Repayment, Seizure},
};
use serde::Serialize;

use super::{
    Book, book,
    margin::{LegRequired, Required},
    names::{AssetName, Quote, VaultName},
    numbers::Shown,
    sweep::{Order, Sweep, order, sweep},
    terms::{BindingShown, GroupName, MoveShown},
};
use crate::{arguments::Number, context::Context, methods::Answer};

/// An account's standing. Values are US dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explained {
    market: u32,
    owner: Address,
    sub: u32,
    collaterals: Vec<Collateral>,
    debts: Vec<Debt>,
    collateral_value: Shown,
    debt_value: Shown,
    borrow_limit: Shown,
    liquidation_limit: Shown,
    headroom: Shown,
    health_factor: Shown,
    liquidatable: bool,
    /// What it must keep beyond its debt; null in a market of thresholds.
    requirement: Option<Required>,
    /// What the account pays beyond the base rates, as a part of them.
    risk_premium: Shown,
    /// What a refresh would make of it.
    risk_premium_now: Shown,
    /// The market's terms version when the account last took new risk; 0 without debt.
    terms_version: u32,
    /// The market's now.
    terms_version_now: u32,
    /// The group that the account is in.
    group: Option<GroupName>,
    /// The order that the owner left.
    stop_loss: Option<Order>,
    /// What a sweep would sell to the bid queue now.
    sweep: Option<Sweep>,
    /// Why no sweep could sell anything now, such as a stale price.
    sweep_waits: Option<String>,
    /// What liquidating the largest debt against the largest suitable collateral would do.
    liquidation: Option<Liquidation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Collateral {
    asset: AssetName,
    amount: Shown,
    quote: Quote,
    value: Shown,
    ltv: Shown,
    /// In force for this account, as are the bonuses.
    threshold: Shown,
    bonus_min: Shown,
    bonus_max: Shown,
    /// What the account will be on as soon as it takes new risk.
    newest: BindingShown,
    /// Whether it keeps something better.
    keeps: bool,
    /// The announced move that takes it to the newest terms without new risk.
    moving: Option<MoveShown>,
    contribution: Shown,
    /// The price at or below which the account is liquidatable, all else fixed.
    liquidation_price: Option<Shown>,
    /// What it does to the requirement; null in a market of thresholds.
    margin: Option<LegRequired>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Debt {
    vault: VaultName,
    amount: Shown,
    quote: Quote,
    value: Shown,
    /// What it costs: the vault's base rate and the account's risk premium on it.
    rate: Shown,
    /// The price from which on the account is liquidatable, all else fixed.
    liquidation_price: Option<Shown>,
    /// What it does to the requirement; null in a market of thresholds.
    margin: Option<LegRequired>,
}

/// A liquidation as it would be carried out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Liquidation {
    close_out: bool,
    bonus: Shown,
    health_before: Shown,
    health_after: Shown,
    bad_debt_value: Shown,
    repayments: Vec<Repaid>,
    seizures: Vec<Seized>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repaid {
    vault: VaultName,
    repaid: Shown,
    shortfall: Shown,
    from_first_loss: Shown,
    from_reserves: Shown,
    from_lenders: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seized {
    asset: AssetName,
    seized: Shown,
}

type Which = (Number<u32>, Address, Option<Number<u32>>, Option<BlockId>);

pub(super) fn explain(context: &Context, (market, owner, sub, id): Which) -> Answer<Explained> {
    let mut book = book(context, id)?;
    let sub = sub.map_or(0, |sub| sub.0);
    Ok(explained(&mut book, &AccountId { market: MarketId::new(market.0), owner, sub })?)
}

/// The account's standing in the ledger as it is, or as it was made to be.
pub(super) fn explained(book: &mut Book, id: &AccountId) -> Result<Explained, Stop> {
    let explanation = explain_account(book, id)?;
    let collaterals = explanation.collaterals.iter().map(|leg| collateral(book, leg));
    let collaterals = collaterals.collect::<Result<_, Stop>>()?;
    let debts = explanation.debts.iter().map(|leg| debt(book, leg));
    let debts = debts.collect::<Result<_, Stop>>()?;
    let totals = explanation.totals;
    let (sweep, sweep_waits) = sweep(book, id)?;
    Ok(Explained {
        market: id.market.get(),
        owner: id.owner,
        sub: id.sub,
        collaterals,
        debts,
        collateral_value: Shown::wad(totals.collateral_value),
        debt_value: Shown::wad(totals.debt_value),
        borrow_limit: Shown::wad(totals.borrow_limit),
        liquidation_limit: Shown::wad(totals.liquidation_limit),
        headroom: Shown::wad(explanation.headroom),
        health_factor: Shown::health(explanation.health_factor),
        liquidatable: totals.liquidation_limit < totals.debt_value,
        requirement: explanation.requirements.map(Required::from),
        risk_premium: Shown::bps(explanation.risk_premium),
        risk_premium_now: Shown::bps(explanation.risk_premium_now),
        terms_version: explanation.terms_version,
        terms_version_now: explanation.terms_version_now,
        group: GroupName::of(book, id.market, explanation.group)?,
        stop_loss: order(book, id)?,
        sweep,
        sweep_waits,
        liquidation: explanation.liquidation.map(|plan| liquidation(book, &plan)).transpose()?,
    })
}

pub(super) fn collateral(book: &mut Book, leg: &CollateralView) -> Result<Collateral, Stop> {
    let asset = AssetName::of(book, leg.asset)?;
    Ok(Collateral {
        amount: Shown::amount(leg.amount.get(), asset.decimals),
        quote: Quote::of(book, leg.feed)?,
        value: Shown::wad(leg.value),
        ltv: Shown::bps(leg.ltv),
        threshold: Shown::bps(leg.threshold),
        bonus_min: Shown::bps(leg.bonus_min),
        bonus_max: Shown::bps(leg.bonus_max),
        newest: BindingShown::of(leg.newest),
        keeps: leg.keeps(),
        moving: leg.moving.map(MoveShown::of),
        contribution: Shown::wad(leg.contribution),
        liquidation_price: leg.liquidation_price.map(Shown::wad),
        margin: leg.margin.map(LegRequired::from),
        asset,
    })
}

pub(super) fn debt(book: &mut Book, leg: &DebtView) -> Result<Debt, Stop> {
    let vault = VaultName::of(book, leg.vault)?;
    Ok(Debt {
        amount: Shown::amount(leg.amount.get(), vault.asset.decimals),
        quote: Quote::of(book, leg.feed)?,
        value: Shown::wad(leg.value),
        rate: Shown::rate(leg.rate),
        liquidation_price: leg.liquidation_price.map(Shown::wad),
        margin: leg.margin.map(LegRequired::from),
        vault,
    })
}

fn liquidation(book: &mut Book, plan: &Plan) -> Result<Liquidation, Stop> {
    let repayments = plan.repayments.iter().map(|repayment| repaid(book, repayment));
    let repayments = repayments.collect::<Result<_, Stop>>()?;
    let seizures = plan.seizures.iter().map(|seizure| seized(book, seizure));
    Ok(Liquidation {
        close_out: plan.kind == Kind::CloseOut,
        bonus: Shown::share(plan.bonus),
        health_before: Shown::health(plan.health_before),
        health_after: Shown::health(plan.health_after),
        bad_debt_value: Shown::wad(plan.bad_debt_value),
        repayments,
        seizures: seizures.collect::<Result<_, Stop>>()?,
    })
}

fn repaid(book: &mut Book, repayment: &Repayment) -> Result<Repaid, Stop> {
    let vault = VaultName::of(book, repayment.vault)?;
    let amount = |amount: gage_core::Assets| Shown::amount(amount.get(), vault.asset.decimals);
    Ok(Repaid {
        repaid: amount(repayment.repaid),
        shortfall: amount(repayment.loss.shortfall),
        from_first_loss: amount(repayment.loss.from_first_loss),
        from_reserves: amount(repayment.loss.from_reserves),
        from_lenders: amount(repayment.loss.from_lenders),
        vault,
    })
}

fn seized(book: &mut Book, seizure: &Seizure) -> Result<Seized, Stop> {
    let asset = AssetName::of(book, seizure.asset)?;
    Ok(Seized { seized: Shown::amount(seizure.seized.get(), asset.decimals), asset })
}
