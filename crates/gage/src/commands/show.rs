//! `gage markets`, `gage vaults`.

use alloy_primitives::U256;
use gage_abi::IMarket;
use serde_json::{Value, json};

use super::{act, kept, print_json};
use crate::{
    amounts::{all_digits, bps, health, per_year, percent, price, tokens},
    cli::Remote,
    client::Client,
    contracts::MARKET,
    reading::{Answers, Names, VaultReading, ask, counts, exits_waiting, feed, market},
    table::{Column, table},
};

/// Lists the vaults.
pub(crate) fn vaults(args: &Remote) -> anyhow::Result<()> {
    let client = Client::new(&args.rpc_url);
    let vaults = crate::reading::vaults(&client)?;
    let mut waiting = Vec::with_capacity(vaults.len());
    for vault in &vaults {
        waiting.push(exits_waiting(&client, vault.token.address)?);
    }
    let vaults = vaults.iter().zip(waiting);
    if args.json {
        return print_json(&vaults.map(vault_json).collect());
    }
    let columns = [
        Column::Right("id"),
        Column::Left("vault"),
        Column::Left("lends"),
        Column::Right("assets"),
        Column::Right("cash"),
        Column::Right("borrowed"),
        Column::Right("utilisation"),
        Column::Right("borrow rate"),
        Column::Right("supply rate"),
        Column::Left("state"),
    ];
    let row = |(vault, waiting): (&VaultReading, U256)| {
        let VaultReading { id, token, asset, state } = vault;
        let amount = |value| tokens(value, asset.decimals);
        vec![
            id.to_string(),
            token.symbol.clone(),
            asset.symbol.clone(),
            amount(state.totalAssets),
            amount(state.cash),
            amount(state.debt),
            percent(state.utilisation),
            per_year(state.borrowRate),
            per_year(state.supplyRate),
            standing(vault, waiting),
        ]
    };
    println!("{}", table(&columns, vaults.map(row).collect()));
    Ok(())
}

/// Whether it takes deposits, what waits to leave it, and what its lenders ever lost.
fn standing(vault: &VaultReading, waiting: U256) -> String {
    let VaultReading { asset, state, .. } = vault;
    let mut parts = vec![if state.paused { "paused" } else { "open" }.to_owned()];
    let amount = |value| format!("{} {}", tokens(value, asset.decimals), asset.symbol);
    if !waiting.is_zero() {
        parts.push(format!("{} wait to leave", amount(waiting)));
    }
    if !state.losses.is_zero() {
        parts.push(format!("lost {}", amount(state.losses)));
    }
    parts.join(", ")
}

fn vault_json((vault, waiting): (&VaultReading, U256)) -> Value {
    let VaultReading { id, token, asset, state } = vault;
    let amount = |value| all_digits(value, asset.decimals);
    json!({
        "id": id,
        "address": token.address,
        "symbol": token.symbol,
        "asset": { "address": asset.address, "symbol": asset.symbol, "decimals": asset.decimals },
        "curator": state.curator,
        "totalAssets": amount(state.totalAssets),
        "cash": amount(state.cash),
        "debt": amount(state.debt),
        "reserves": amount(state.reserves),
        "losses": amount(state.losses),
        "supplyCap": amount(state.supplyCap),
        "borrowCap": amount(state.borrowCap),
        "utilisation": all_digits(state.utilisation, 18),
        "borrowRatePerSecond": all_digits(state.borrowRate, 27),
        "supplyRatePerSecond": all_digits(state.supplyRate, 27),
        "reserveFeeBps": state.reserveFee,
        "paused": state.paused,
        "exitsWaiting": amount(waiting),
    })
}

/// Lists the markets.
pub(crate) fn markets(args: &Remote) -> anyhow::Result<()> {
    let client = Client::new(&args.rpc_url);
    let names = Names::read(&client)?;
    let mut found = Vec::new();
    for id in 1..=counts(&client)?.markets {
        let state = market(&client, id)?;
        if args.json {
            found.push(market_json(&client, &names, (id, &state))?);
        } else {
            print_market(&client, &names, (id, &state))?;
        }
    }
    if args.json { print_json(&found.into()) } else { Ok(()) }
}

fn collateral(
    of: &dyn Answers,
    market: u32,
    asset: alloy_primitives::Address,
) -> anyhow::Result<IMarket::CollateralState> {
    ask(of, MARKET, &IMarket::collateralStateCall { market, asset })
}

fn line(
    of: &dyn Answers,
    market: u32,
    vault: alloy_primitives::Address,
) -> anyhow::Result<IMarket::LineState> {
    ask(of, MARKET, &IMarket::lineStateCall { market, vault })
}

fn staked(
    of: &dyn Answers,
    market: u32,
    vault: alloy_primitives::Address,
) -> anyhow::Result<IMarket::FirstLossState> {
    ask(of, MARKET, &IMarket::firstLossStateCall { market, vault })
}

fn print_market(
    of: &dyn Answers,
    names: &Names,
    (id, state): (u32, &IMarket::MarketState),
) -> anyhow::Result<()> {
    println!(
        "Market {id} · {} · {} · liquidation aims at health {}, full bonus at {}",
        act::guards::level(&act::guards::state(of, id)?.now),
        if state.recognised { "recognised" } else { "not recognised" },
        health(state.targetHealth),
        health(state.fullBonusHealth),
    );
    let mut rows = Vec::new();
    for asset in &state.collaterals {
        let terms = collateral(of, id, *asset)?;
        let amount = |value| tokens(value, names.decimals(*asset));
        rows.push(vec![
            names.symbol(*asset),
            price(feed(of, terms.feed)?.price),
            bps(terms.ltv),
            bps(terms.threshold),
            format!("{} to {}", bps(terms.bonusMin), bps(terms.bonusMax)),
            bps(terms.riskWeight),
            amount(terms.total),
            amount(terms.cap),
        ]);
    }
    let columns = [
        Column::Left("collateral"),
        Column::Right("price"),
        Column::Right("LTV"),
        Column::Right("threshold"),
        Column::Right("bonus"),
        Column::Right("weight"),
        Column::Right("pledged"),
        Column::Right("cap"),
    ];
    println!("{}", table(&columns, rows));
    let mut rows = Vec::new();
    for vault in names.vaults().iter().filter(|vault| state.vaults.contains(&vault.token.address)) {
        let terms = line(of, id, vault.token.address)?;
        let amount = |value| tokens(value, vault.asset.decimals);
        rows.push(vec![
            vault.asset.symbol.clone(),
            vault.token.symbol.clone(),
            amount(terms.drawn),
            amount(terms.cap),
            amount(terms.minDebt),
            amount(staked(of, id, vault.token.address)?.worth),
            per_year(vault.state.borrowRate),
        ]);
    }
    let columns = [
        Column::Left("borrow"),
        Column::Left("from"),
        Column::Right("drawn"),
        Column::Right("line"),
        Column::Right("least debt"),
        Column::Right("staked"),
        Column::Right("rate"),
    ];
    println!("{}\n", table(&columns, rows));
    Ok(())
}

fn market_json(
    of: &dyn Answers,
    names: &Names,
    (id, state): (u32, &IMarket::MarketState),
) -> anyhow::Result<Value> {
    let collaterals = state.collaterals.iter().map(|asset| {
        let terms = collateral(of, id, *asset)?;
        let amount = |value: U256| all_digits(value, names.decimals(*asset));
        Ok(json!({
            "asset": asset,
            "symbol": names.symbol(*asset),
            "feed": terms.feed,
            "ltvBps": terms.ltv,
            "thresholdBps": terms.threshold,
            "bonusMinBps": terms.bonusMin,
            "bonusMaxBps": terms.bonusMax,
            "riskWeightBps": terms.riskWeight,
            "kept": kept::told(&terms.kept, &terms.moving),
            "pledged": amount(terms.total),
            "cap": amount(terms.cap),
        }))
    });
    let lines = state.vaults.iter().map(|vault| {
        let terms = line(of, id, *vault)?;
        let capital = staked(of, id, *vault)?;
        let reading = names.vaults().iter().find(|reading| reading.token.address == *vault);
        let decimals = reading.map_or(0, |reading| reading.asset.decimals);
        Ok(json!({
            "vault": vault,
            "symbol": names.symbol(*vault),
            "feed": terms.feed,
            "drawn": all_digits(terms.drawn, decimals),
            "cap": all_digits(terms.cap, decimals),
            "minDebt": all_digits(terms.minDebt, decimals),
            "staked": all_digits(capital.worth, decimals),
            "premiumBps": capital.premium,
        }))
    });
    Ok(json!({
        "id": id,
        "owner": state.owner,
        "pause": pause_name(state.pause),
        "recognised": state.recognised,
        "targetHealth": all_digits(state.targetHealth, 18),
        "fullBonusHealth": all_digits(state.fullBonusHealth, 18),
        "termsVersion": state.termsVersion,
        "groups": state.groups,
        "collaterals": collaterals.collect::<anyhow::Result<Vec<_>>>()?,
        "lines": lines.collect::<anyhow::Result<Vec<_>>>()?,
    }))
}

/// A pause level in a word.
pub(crate) fn pause_name(level: u8) -> &'static str {
    match level {
        0 => "open",
        1 => "restricted",
        _ => "frozen",
    }
}
