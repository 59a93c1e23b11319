//! `gage price`: a signed report, handed in for the next block.

use std::{
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, bail};
use gage_abi::IOracle::{FeedState, PriceReport};
use gage_publisher::sign_report;
use serde_json::json;

use super::client;
use crate::{
    amounts::price as show_price,
    calendar::unix_now,
    cli::PriceArgs,
    client::Client,
    commands::print_json,
    decimal::{WAD_DECIMALS, parse_units},
    reading::{counts, feed, publisher_round, sources, status_word},
};

/// How long the next block is waited for.
const BLOCK_SECONDS_MAX: u64 = 15;

/// Signs a price as its publisher and waits until a block has it.
pub(crate) fn price(args: &PriceArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let key = args.signing.key()?;
    let (id, state) = find(&client, &args.feed)?;
    let price = U256::from(parse_units(&args.price, WAD_DECIMALS)?);
    let (_, head_time) = client.head()?;
    // A chain whose time was moved, or that replays history, has its own now.
    let near_now = head_time.abs_diff(unix_now()) < 60;
    let time = if near_now { unix_now().max(head_time) } else { head_time };
    let last = sources(&client, id)?
        .into_iter()
        .find(|one| one.source.kind == 0 && Address::from_word(one.source.key) == key.address());
    let (last_round, last_time) = last.map_or((0, 0), |last| (last.round, last.time));
    let (round, time) = (last_round + 1, time.max(last_time + 1));
    let report = PriceReport { feed: id, round, time, price, confidence: U256::ZERO };
    let signed = sign_report(&key, client.chain_id()?, report)?;
    let sent = json!([[{
        "report": { "feed": id, "round": round, "time": time, "price": price.to_string() },
        "v": signed.v,
        "r": signed.r,
        "s": signed.s,
    }]]);
    client.request("gage_submitReports", sent)?;
    let applied = wait(&client, id, (state.rounds, round, key.address()))?;
    if args.signing.remote.json {
        return print_json(&json!({
            "feed": id,
            "description": applied.description,
            "round": round,
            "status": status_word(applied.status),
            "price": applied.price.to_string(),
        }));
    }
    println!(
        "{} is {} ({}, round {round})",
        applied.description,
        show_price(applied.price),
        status_word(applied.status)
    );
    Ok(())
}

/// A feed by its id, its description, or the asset before the slash.
fn find(client: &Client, name: &str) -> anyhow::Result<(u32, FeedState)> {
    let count = counts(client)?.feeds;
    if let Ok(id) = name.parse::<u32>() {
        return Ok((id, feed(client, id)?));
    }
    let mut known = Vec::new();
    for id in 1..=count {
        let state = feed(client, id)?;
        let asset = state.description.split('/').next().unwrap_or_default().trim();
        if state.description.eq_ignore_ascii_case(name) || asset.eq_ignore_ascii_case(name) {
            return Ok((id, state));
        }
        known.push(state.description);
    }
    bail!("no feed is called `{name}`; there are {}", known.join(", "))
}

fn wait(
    client: &Client,
    id: u32,
    (rounds, round, publisher): (u32, u64, Address),
) -> anyhow::Result<FeedState> {
    let deadline = Instant::now() + Duration::from_secs(BLOCK_SECONDS_MAX);
    while Instant::now() < deadline {
        let state = feed(client, id).context("the feed is gone")?;
        if state.rounds > rounds {
            return Ok(state);
        }
        if publisher_round(client, id, publisher)? >= round {
            eprintln!(
                "The report is in a block, but too few sources agree: the feed keeps its price (`gage feeds`)."
            );
            return Ok(state);
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("the report was taken, but no block has it after {BLOCK_SECONDS_MAX} s")
}
