//! `gage queue`: bids by discount.

use anyhow::ensure;
use serde_json::{Value, json};

use super::print_json;
use crate::{
    amounts::tokens,
    cli::QueueArgs,
    client::Client,
    reading::{Names, market},
    table::{Column, table},
    told::{self, Queue, Tier},
};

/// Characters of the longest bar.
const BAR: usize = 32;

/// Shows the queues of a market.
pub(crate) fn queue(args: &QueueArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let names = Names::read(&client)?;
    let listed = market(&client, args.market)?;
    let vault = args.vault.as_deref().map(|name| names.vault(name)).transpose()?;
    let vault = vault.map(|vault| vault.token.address);
    let asset = args.asset.as_deref().map(|name| names.asset(name)).transpose()?;
    let asset = asset.map(|asset| asset.address);
    let named = vault.is_some() && asset.is_some();
    let mut found = Vec::new();
    for vault in listed.vaults.iter().filter(|one| vault.is_none_or(|vault| vault == **one)) {
        for asset in listed.collaterals.iter().filter(|one| asset.is_none_or(|a| a == **one)) {
            let params = json!([args.market, vault, asset]);
            let told: (Value, Queue) = told::ask(&client, "gage_queue", params)?;
            found.push(told);
        }
    }
    ensure!(
        !found.is_empty(),
        "market {} has no such queue: see `gage markets` for what it takes and lends",
        args.market
    );
    if args.remote.json {
        return print_json(&found.into_iter().map(|(told, _)| told).collect());
    }
    let (held, empty): (Vec<_>, Vec<_>) =
        found.into_iter().map(|(_, queue)| queue).partition(|queue| !queue.tiers.is_empty());
    for queue in &held {
        print(args.market, queue);
    }
    if named {
        empty.iter().for_each(|queue| print(args.market, queue));
    } else if !empty.is_empty() {
        let names: Vec<_> = empty.iter().map(name).collect();
        println!("No bids: {}", names.join(", "));
    }
    Ok(())
}

/// `USDC for WETH`.
fn name(queue: &Queue) -> String {
    format!("{} for {}", queue.vault.asset.symbol, queue.asset.symbol)
}

fn print(market: u32, queue: &Queue) {
    let Queue { vault, asset, quote, .. } = queue;
    let (symbol, decimals) = (&vault.asset.symbol, vault.asset.decimals);
    println!(
        "{} in market {market} · {} {} · waiting: {} {symbol} ({})",
        name(queue),
        asset.symbol,
        quote.price.price(),
        queue.depth.tokens(decimals),
        queue.depth_value.usd(),
    );
    if queue.tiers.is_empty() {
        println!(
            "No bids. A bid is worth at least {} {symbol}, at up to {} off.\n",
            queue.bid_min.tokens(decimals),
            queue.discount_max.formatted
        );
        return;
    }
    let columns = [
        Column::Right("discount"),
        Column::Right("buys at"),
        Column::Right("waiting"),
        Column::Right("cumulated"),
        Column::Right("bids"),
        Column::Left(""),
    ];
    let most = queue.tiers.iter().map(|tier| tier.worth.units()).max().unwrap_or_default();
    let row = |tier: &Tier| {
        let part = tier.worth.units().saturating_mul(alloy_primitives::U256::from(BAR));
        let filled: usize = part.checked_div(most).unwrap_or_default().saturating_to();
        vec![
            tier.discount.formatted.clone(),
            tier.price.price(),
            tokens(tier.worth.units(), decimals),
            tier.cumulated.tokens(decimals),
            tier.bids.to_string(),
            "█".repeat(filled.max(1)),
        ]
    };
    println!("{}\n", table(&columns, queue.tiers.iter().map(row).collect()));
}
