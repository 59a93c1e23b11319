//! `gage liquidations` and `gage losses`: what happened, from the chain's logs.

use serde_json::{Value, json};

use super::print_json;
use crate::{
    amounts::short,
    calendar::minute,
    cli::RangeArgs,
    client::Client,
    table::{Column, table},
    told::{self, Bearers, Liquidation, Liquidations, Loss, Losses, Parts, Sale, Total},
};

fn block(number: Option<u64>) -> Value {
    number.map_or(Value::Null, |number| json!(format!("{number:#x}")))
}

fn range(args: &RangeArgs) -> Value {
    json!([block(args.from_block), block(args.to_block)])
}

/// Lists liquidations: by the block's sweep, and by liquidators.
pub(crate) fn liquidations(args: &RangeArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let (told, found): (Value, Liquidations) =
        told::ask(&client, "gage_liquidations", range(args))?;
    if args.remote.json {
        return print_json(&told);
    }
    if found.liquidations.is_empty() {
        println!("Nobody was liquidated in these blocks.");
        return Ok(());
    }
    let columns = [
        Column::Right("block"),
        Column::Left("time (UTC)"),
        Column::Right("market"),
        Column::Left("account"),
        Column::Left("why"),
        Column::Right("repaid"),
        Column::Right("sold"),
        Column::Right("at"),
        Column::Left("to"),
        Column::Left("health"),
        Column::Right("left: collateral"),
        Column::Right("debt"),
    ];
    let rows = found.liquidations.iter().flat_map(rows);
    println!("{}", table(&columns, rows.collect()));
    Ok(())
}

/// One line for each sale; what is the account's stands in the first.
fn rows(found: &Liquidation) -> Vec<Vec<String>> {
    let dollars = |value: &Option<told::Quantity>| {
        value.as_ref().map_or_else(|| "—".to_owned(), told::Quantity::usd)
    };
    let after = found.health_after.as_ref().map_or_else(|| "—".to_owned(), |h| h.health());
    let account = [
        found.place.block_number.to_string(),
        minute(found.place.timestamp),
        found.place.market.to_string(),
        short(found.place.owner),
        found.reason.name().to_owned(),
    ];
    let rest = [
        format!("{} → {after}", found.health_before.health()),
        dollars(&found.collateral_value),
        dollars(&found.debt_value),
    ];
    let rows = found.sales.iter().enumerate().map(|(index, sale)| {
        let first = |cells: &[String]| {
            cells.iter().map(|cell| if index == 0 { cell.clone() } else { String::new() }).collect()
        };
        let mut row: Vec<String> = first(&account);
        row.extend(sale_cells(found, sale));
        row.extend::<Vec<String>>(first(&rest));
        row
    });
    rows.collect()
}

fn sale_cells(found: &Liquidation, sale: &Sale) -> [String; 4] {
    let Sale { vault, asset, repaid, seized, price, bonus, bids } = sale;
    let buyer = match (bids, found.liquidator) {
        (Some(bids), _) => format!("bids at {} off", bids.discount.formatted),
        (None, Some(liquidator)) => format!("{} (+{})", short(liquidator), bonus.percent()),
        (None, None) => "—".to_owned(),
    };
    [
        format!("{} {}", repaid.tokens(vault.asset.decimals), vault.asset.symbol),
        format!("{} {}", seized.tokens(asset.decimals), asset.symbol),
        price.as_ref().map_or_else(|| "—".to_owned(), told::Quantity::price),
        buyer,
    ]
}

/// Lists debt that nothing covered, and who bore it.
pub(crate) fn losses(args: &RangeArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let (told, found): (Value, Losses) = told::ask(&client, "gage_losses", range(args))?;
    if args.remote.json {
        return print_json(&told);
    }
    if found.losses.is_empty() {
        println!("No bad debt in these blocks.");
        return Ok(());
    }
    let columns = [
        Column::Right("block"),
        Column::Left("time (UTC)"),
        Column::Right("market"),
        Column::Left("account"),
        Column::Left("vault"),
        Column::Right("written off"),
        Column::Right("from stakes"),
        Column::Right("from reserves"),
        Column::Right("from lenders"),
    ];
    let row = |loss: &Loss| {
        let mut row = vec![
            loss.place.block_number.to_string(),
            minute(loss.place.timestamp),
            loss.place.market.to_string(),
            short(loss.place.owner),
            loss.vault.symbol.clone(),
        ];
        row.extend(parts(&loss.parts, &loss.vault));
        row
    };
    println!("{}\n", table(&columns, found.losses.iter().map(row).collect()));
    let columns = [
        Column::Left("all of"),
        Column::Right("written off"),
        Column::Right("from stakes"),
        Column::Right("from reserves"),
        Column::Right("from lenders"),
    ];
    let row = |total: &Total| {
        let mut row = vec![total.vault.symbol.clone()];
        row.extend(parts(&total.parts, &total.vault));
        row
    };
    println!("{}", table(&columns, found.totals.iter().map(row).collect()));
    Ok(())
}

fn parts(parts: &Parts, vault: &told::Vault) -> [String; 4] {
    let Parts { shortfall, borne_by } = parts;
    let amount = |quantity: &told::Quantity| {
        format!("{} {}", quantity.tokens(vault.asset.decimals), vault.asset.symbol)
    };
    let Bearers { first_loss, reserves, lenders } = borne_by;
    [shortfall, first_loss, reserves, lenders].map(amount)
}
