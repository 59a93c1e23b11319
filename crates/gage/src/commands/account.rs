//! `gage account` and `gage explain`.

use alloy_primitives::{Address, U256};
use gage_abi::{
    IERC20Permit,
    IMarket::{self, AccountState},
    IVault,
};
use serde_json::{Value, json};

use super::{print_json, prospect};
use crate::{
    amounts::{all_digits, bps, health, per_year, price, tokens, usd},
    calendar::minute,
    cli::AccountArgs,
    client::Client,
    contracts::MARKET,
    decimal::COIN_DECIMALS,
    reading::{AccountKey, Answers, Names, account as read_account, ask, counts},
    table::{Column, facts, table},
    told::{self, Prospect},
};

/// Shows what an owner holds, lends, has pledged and owes.
pub(crate) fn account(args: &AccountArgs) -> anyhow::Result<()> {
    let remote = &args.signing.remote;
    let client = Client::new(&remote.rpc_url);
    let owner = args.signing.or_sender(args.owner)?;
    let names = Names::read(&client)?;
    let held = holdings(&client, &names, owner)?;
    let markets: Vec<u32> = match args.market {
        Some(id) => vec![id],
        None => (1..=counts(&client)?.markets).collect(),
    };
    let mut accounts = Vec::new();
    for market in markets {
        let state = read_account(&client, AccountKey { market, owner, sub: args.sub })?;
        if !state.collaterals.is_empty() || !state.debts.is_empty() {
            accounts.push((market, state));
        }
    }
    if remote.json {
        let accounts: Vec<_> =
            accounts.iter().map(|(market, state)| account_json(&names, *market, state)).collect();
        let held: Vec<_> = held
            .iter()
            .map(|(symbol, amount)| json!({ "token": symbol, "amount": amount }))
            .collect();
        return print_json(&json!({ "owner": owner, "holds": held, "accounts": accounts }));
    }
    println!("Account {owner}\n");
    let rows = held.into_iter().map(|(symbol, amount)| vec![symbol, amount]).collect();
    println!("{}\n", table(&[Column::Left("holds"), Column::Right("amount")], rows));
    for (market, state) in &accounts {
        print_account(&names, *market, state);
    }
    if accounts.is_empty() {
        println!("Nothing pledged, nothing owed.");
    }
    Ok(())
}

/// Explains the health of one account.
pub(crate) fn explain(args: &AccountArgs) -> anyhow::Result<()> {
    let remote = &args.signing.remote;
    let client = Client::new(&remote.rpc_url);
    let key = AccountKey {
        market: args.market.unwrap_or(1),
        owner: args.signing.or_sender(args.owner)?,
        sub: args.sub,
    };
    let names = Names::read(&client)?;
    let state = read_account(&client, key)?;
    let plans = plans(&client, key, &state);
    let params = json!([key.market, key.owner, key.sub]);
    let (explained, prospect): (Value, Prospect) = told::ask(&client, "gage_explain", params)?;
    if remote.json {
        let mut told = account_json(&names, key.market, &state);
        told["liquidations"] = plans
            .iter()
            .map(|(vault, asset, plan)| plan_json(&names, (*vault, *asset), plan))
            .collect();
        for name in ["stopLoss", "sweep", "sweepWaits"] {
            told[name] = explained[name].clone();
        }
        return print_json(&told);
    }
    println!("Account {} in market {}\n", key.owner, key.market);
    if state.collaterals.is_empty() && state.debts.is_empty() {
        println!("Nothing pledged, nothing owed.");
        return Ok(());
    }
    print_account(&names, key.market, &state);
    println!("{}", verdict(&state));
    prospect::print(&prospect);
    for (vault, asset, plan) in &plans {
        print_plan(&names, (*vault, *asset), plan);
    }
    Ok(())
}

/// Coins, tokens and what vault shares are worth; nothing that is zero.
fn holdings(
    client: &Client,
    names: &Names,
    owner: Address,
) -> anyhow::Result<Vec<(String, String)>> {
    let coins = U256::from(client.balance(owner)?);
    let mut held = vec![("coins".to_owned(), tokens(coins, COIN_DECIMALS))];
    for token in names.assets() {
        let balance = ask(client, token.address, &IERC20Permit::balanceOfCall { account: owner })?;
        if !balance.is_zero() {
            held.push((token.symbol.clone(), tokens(balance, token.decimals)));
        }
    }
    for vault in names.vaults() {
        let address = vault.token.address;
        let shares = ask(client, address, &IERC20Permit::balanceOfCall { account: owner })?;
        if !shares.is_zero() {
            let worth = ask(client, address, &IVault::convertToAssetsCall { shares })?;
            let text = format!("{} {}", tokens(worth, vault.asset.decimals), vault.asset.symbol);
            held.push((format!("lent to {}", vault.token.symbol), text));
        }
    }
    Ok(held)
}

/// What liquidating each pair of debt and collateral would do; pairs that are refused are left out.
fn plans(
    of: &dyn Answers,
    key: AccountKey,
    state: &AccountState,
) -> Vec<(Address, Address, IMarket::LiquidationPlan)> {
    let AccountKey { market, owner, sub } = key;
    let pairs = state
        .debts
        .iter()
        .flat_map(|debt| state.collaterals.iter().map(move |pledge| (debt.vault, pledge.asset)));
    let plan = |(vault, asset)| {
        let preview = IMarket::previewLiquidationCall {
            market,
            owner,
            sub,
            vault,
            asset,
            maxRepay: U256::MAX,
        };
        ask(of, MARKET, &preview).ok().map(|plan| (vault, asset, plan))
    };
    pairs.filter_map(plan).collect()
}

fn verdict(state: &AccountState) -> String {
    if state.healthFactor == U256::MAX {
        return "No debt: nothing can be liquidated.".to_owned();
    }
    if state.healthFactor < U256::from(10).pow(U256::from(18)) {
        return "Health is below 1: anyone may liquidate this account.".to_owned();
    }
    let spare = state.liquidationLimit.saturating_sub(state.debtValue);
    format!(
        "Healthy: the debt may grow by {}, or the collateral's counted value fall by as much, \
         before it can be liquidated.",
        usd(spare)
    )
}

fn print_account(names: &Names, market: u32, state: &AccountState) {
    let when = |wad: U256| if wad.is_zero() { "never".to_owned() } else { price(wad) };
    println!("Market {market}");
    let pledged = state.collaterals.iter().map(|pledge| {
        vec![
            names.symbol(pledge.asset),
            tokens(pledge.amount, names.decimals(pledge.asset)),
            price(pledge.price),
            usd(pledge.value),
            bps(pledge.ltv),
            bps(pledge.threshold),
            when(pledge.liquidationPrice),
        ]
    });
    let columns = [
        Column::Left("pledged"),
        Column::Right("amount"),
        Column::Right("price"),
        Column::Right("value"),
        Column::Right("LTV"),
        Column::Right("threshold"),
        Column::Right("liquidated at"),
    ];
    println!("{}", table(&columns, pledged.collect()));
    let owed = state.debts.iter().map(|debt| {
        vec![
            names.symbol(debt.asset),
            tokens(debt.amount, names.decimals(debt.asset)),
            price(debt.price),
            usd(debt.value),
            per_year(debt.rate),
            when(debt.liquidationPrice),
        ]
    });
    let columns = [
        Column::Left("owed"),
        Column::Right("amount"),
        Column::Right("price"),
        Column::Right("value"),
        Column::Right("rate"),
        Column::Right("liquidated at"),
    ];
    println!("{}", table(&columns, owed.collect()));
    let headroom = state.borrowLimit.saturating_sub(state.debtValue);
    println!(
        "{}\n",
        facts(&[
            ("Health factor", health(state.healthFactor)),
            ("Collateral", usd(state.collateralValue)),
            ("Debt", usd(state.debtValue)),
            ("Borrow limit", format!("{} ({} left)", usd(state.borrowLimit), usd(headroom))),
            ("Liquidated above", usd(state.liquidationLimit)),
            ("Risk premium", premium(state)),
            ("Terms", terms(state)),
        ])
    );
    if let Some(required) = required(state) {
        println!("{required}\n");
    }
}

/// What portfolio margin makes the account keep, and why.
fn required(state: &AccountState) -> Option<String> {
    let IMarket::Requirement { total, risk, cost, floor, linear } = state.liquidationRequirement;
    if state.borrowRequirement.total.is_zero() {
        return None;
    }
    Some(format!(
        "Portfolio margin: equity must cover {} to draw and {} to stay. Of the latter {} is risk and {} \
         the cost of liquidation; the floor is {}, the collaterals' own thresholds ask for {}.",
        usd(state.borrowRequirement.total),
        usd(total),
        usd(risk),
        usd(cost),
        usd(floor),
        usd(linear),
    ))
}

/// Whether the account keeps terms that are better than the newest, and until when; its group.
fn terms(state: &AccountState) -> String {
    let kept = state.collaterals.iter().filter(|leg| leg.thresholdNewest < leg.threshold);
    let lowest = kept.clone().map(|leg| leg.thresholdNewest).min();
    let ends = kept.map(|leg| leg.moveEnd).max().unwrap_or_default();
    let terms = match lowest {
        None => "the newest".to_owned(),
        Some(newest) if ends == 0 => {
            format!("kept; new risk would be on a threshold of {}", bps(newest))
        }
        Some(newest) => {
            format!("kept; they go to a threshold of {} until {} UTC", bps(newest), minute(ends))
        }
    };
    match state.group {
        0 => terms,
        group => format!("{terms}; in group {group}"),
    }
}

/// The account's risk premium, and what a refresh would make of it.
fn premium(state: &AccountState) -> String {
    let (charged, now) = (state.riskPremium, state.riskPremiumNow);
    let charged_text = format!("{} of the base rates", bps(charged));
    if state.debts.is_empty() || charged == now {
        return charged_text;
    }
    format!("{charged_text} (`gage refresh` makes it {})", bps(now))
}

fn print_plan(names: &Names, (vault, asset): (Address, Address), plan: &IMarket::LiquidationPlan) {
    let (owed, decimals) = debt_token(names, vault);
    println!(
        "A liquidator may repay {} {owed} and take {} {} (bonus {}); health would be {}{}.",
        tokens(plan.repay, decimals),
        tokens(plan.seize, names.decimals(asset)),
        names.symbol(asset),
        bps(plan.bonus),
        health(plan.healthAfter),
        if plan.closeOut {
            format!("; the account would be closed, leaving {} of bad debt", usd(plan.badDebtValue))
        } else {
            String::new()
        },
    );
}

/// The symbol and decimals of what a vault lends.
fn debt_token(names: &Names, vault: Address) -> (String, u8) {
    let reading = names.vaults().iter().find(|reading| reading.token.address == vault);
    reading.map_or_else(
        || (vault.to_string(), 0),
        |reading| (reading.asset.symbol.clone(), reading.asset.decimals),
    )
}

fn plan_json(
    names: &Names,
    (vault, asset): (Address, Address),
    plan: &IMarket::LiquidationPlan,
) -> Value {
    let (_, decimals) = debt_token(names, vault);
    json!({
        "vault": vault,
        "asset": asset,
        "repay": all_digits(plan.repay, decimals),
        "seize": all_digits(plan.seize, names.decimals(asset)),
        "bonusBps": plan.bonus,
        "closeOut": plan.closeOut,
        "badDebtValue": all_digits(plan.badDebtValue, 18),
        "healthAfter": health_json(plan.healthAfter),
    })
}

fn account_json(names: &Names, market: u32, state: &AccountState) -> Value {
    let wad = |value| all_digits(value, 18);
    let collaterals: Vec<_> = state
        .collaterals
        .iter()
        .map(|pledge| {
            json!({
                "asset": pledge.asset,
                "symbol": names.symbol(pledge.asset),
                "amount": all_digits(pledge.amount, names.decimals(pledge.asset)),
                "price": wad(pledge.price),
                "value": wad(pledge.value),
                "ltvBps": pledge.ltv,
                "thresholdBps": pledge.threshold,
                "thresholdNewestBps": pledge.thresholdNewest,
                "moveStart": pledge.moveStart,
                "moveEnd": pledge.moveEnd,
                "liquidationPrice": wad(pledge.liquidationPrice),
            })
        })
        .collect();
    let debts: Vec<_> = state
        .debts
        .iter()
        .map(|debt| {
            json!({
                "vault": debt.vault,
                "symbol": names.symbol(debt.asset),
                "amount": all_digits(debt.amount, names.decimals(debt.asset)),
                "price": wad(debt.price),
                "value": wad(debt.value),
                "liquidationPrice": wad(debt.liquidationPrice),
            })
        })
        .collect();
    json!({
        "market": market,
        "riskPremiumBps": state.riskPremium,
        "riskPremiumNowBps": state.riskPremiumNow,
        "termsVersion": state.termsVersion,
        "group": state.group,
        "collaterals": collaterals,
        "debts": debts,
        "collateralValue": wad(state.collateralValue),
        "debtValue": wad(state.debtValue),
        "borrowLimit": wad(state.borrowLimit),
        "liquidationLimit": wad(state.liquidationLimit),
        "healthFactor": health_json(state.healthFactor),
        "requirement": {
            "borrow": wad(state.borrowRequirement.total),
            "liquidation": wad(state.liquidationRequirement.total),
            "risk": wad(state.liquidationRequirement.risk),
            "cost": wad(state.liquidationRequirement.cost),
            "floor": wad(state.liquidationRequirement.floor),
            "linear": wad(state.liquidationRequirement.linear),
        },
    })
}

/// A health factor as a decimal; null without debt.
fn health_json(wad: U256) -> Value {
    if wad == U256::MAX { Value::Null } else { all_digits(wad, 18).into() }
}
