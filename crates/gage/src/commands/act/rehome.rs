//! `gage rehome`: an account to another market, or to other vaults.

use gage_abi::IMarket;
use serde_json::{Value, json};

use super::{Desk, client, market_events, wallet};
use crate::{
    amounts::health,
    cli::RehomeArgs,
    client::Client,
    commands::print_json,
    contracts::{MARKET, call},
    reading::Names,
    table::{Column, table},
    told::{self, Rehoming},
};

/// Moves an account, or says how it would stand.
pub(crate) fn rehome(args: &RehomeArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let owner = args.signing.or_sender(args.owner)?;
    let mut ways = Vec::with_capacity(args.vaults.len());
    if !args.vaults.is_empty() {
        let names = Names::read(&client)?;
        for way in &args.vaults {
            let (from, to) = (names.vault(&way.from)?, names.vault(&way.to)?);
            ways.push(json!({ "from": from.token.address, "to": to.token.address }));
        }
    }
    let (market, sub) = (args.account.market, args.account.sub);
    let (to_market, to_sub) = (args.to_market, args.to_sub);
    let route = json!([
        owner,
        { "market": market, "sub": sub },
        { "market": to_market, "sub": to_sub },
        ways,
    ]);
    let (told, found): (Value, Rehoming) = told::ask(&client, "gage_rehomePreview", route)?;
    if args.preview {
        return if args.signing.remote.json { print_json(&told) } else { show(args, &found) };
    }
    carry_out(args, &client, &found)
}

fn carry_out(args: &RehomeArgs, client: &Client, found: &Rehoming) -> anyhow::Result<()> {
    let wallet = wallet(client, &args.signing)?;
    let owner = args.owner.unwrap_or_else(|| wallet.address());
    let pairs = found
        .pairs
        .iter()
        .map(|pair| IMarket::VaultPair { from: pair.from.address, to: pair.to.address });
    let rehome = IMarket::rehomeCall {
        owner,
        market: args.account.market,
        sub: args.account.sub,
        toMarket: args.to_market,
        toSub: args.to_sub,
        pairs: pairs.collect(),
    };
    let receipt = wallet.send(&call(MARKET, &rehome, "move the account"))?;
    let moved = market_events::<IMarket::Rehomed>(&receipt);
    let factor = moved.first().map(|event| event.healthFactor).unwrap_or_default();
    let shown = if factor == alloy_primitives::U256::MAX {
        "no debt".to_owned()
    } else {
        format!("health {}", health(factor))
    };
    let text = format!(
        "moved account {} of market {} to account {} of market {}; {shown}",
        args.account.sub, args.account.market, args.to_sub, args.to_market,
    );
    let told =
        json!({ "market": args.to_market, "sub": args.to_sub, "healthFactor": health(factor) });
    Desk { client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn show(args: &RehomeArgs, found: &Rehoming) -> anyhow::Result<()> {
    println!(
        "Account {} of market {}, in account {} of market {}:\n",
        args.account.sub, args.account.market, args.to_sub, args.to_market,
    );
    let columns = [
        Column::Left("owed to"),
        Column::Right("debt"),
        Column::Right("rate"),
        Column::Right("value"),
    ];
    let rows = found.debts.iter().map(|debt| {
        let asset = &debt.vault.asset;
        vec![
            debt.vault.symbol.clone(),
            format!("{} {}", debt.amount.tokens(asset.decimals), asset.symbol),
            debt.rate.formatted.clone(),
            debt.value.usd(),
        ]
    });
    println!("{}\n", table(&columns, rows.collect()));
    println!("Borrow limit {}, debt {}", found.borrow_limit.usd(), found.debt_value.usd());
    println!(
        "Health factor {} (here {}), risk premium {}",
        found.health_factor.health(),
        found.health_factor_before.health(),
        found.risk_premium.formatted,
    );
    if found.reasons.is_empty() {
        println!("\nNothing stands in the way.");
    }
    for reason in &found.reasons {
        println!("\nNot now: {}", reason.error);
    }
    Ok(())
}
