//! `gage replay`: a history's prices to a running node.

use std::{collections::BTreeMap, thread, time::Duration};

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use anyhow::{bail, ensure};
use gage_abi::IOracle::PriceReport;
use gage_publisher::{faults::Faults, sign_report};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{feeds, publish};
use crate::{
    calendar::unix_now,
    cli::{ReplayArgs, Speed},
    client::Client,
    history::History,
    publisher::source_names,
};

/// The longest time of history that is waited for: gaps are passed over.
const WAIT_HISTORY_SECONDS_MAX: u64 = 3_600;
/// Between two steps at most speed: a report must be later than the one before.
const STEP: Duration = Duration::from_secs(1);

/// Publishes step after step.
pub(crate) fn replay(args: &ReplayArgs) -> anyhow::Result<()> {
    let history = History::open(&args.history)?;
    let keys = keys(args)?;
    let names = source_names(u8::try_from(keys.len())?);
    for source in history.sources() {
        ensure!(
            names.iter().any(|name| name == source),
            "the history has prices of source {source}, and there are {} keys",
            names.len()
        );
    }
    let faults = Faults::new(&names, &args.drop, &args.lag, &args.lie);
    let mut faults = faults.map_err(anyhow::Error::msg)?;
    let client = Client::new(&args.remote.rpc_url);
    let feeds = mapping(args, &history, &client)?;
    let chain_id = client.chain_id()?;
    let steps = history.steps();
    let style = ProgressStyle::with_template("{msg:20} [{bar:32}] {pos}/{len} {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    let progress = ProgressBar::new(steps.len() as u64).with_style(style);
    let (mut before, mut taken, mut refused) = (None, 0_u64, 0_u64);
    for step in &steps {
        wait(args.speed, before.map_or(0, |before| step.time.saturating_sub(before)));
        before = Some(step.time);
        progress.set_message(crate::calendar::minute(step.time));
        for (name, key) in names.iter().zip(&keys) {
            let mut reports = Vec::new();
            for (asset, feed) in &feeds {
                let Some(price) = step.said(name, asset) else { continue };
                let Some((price, heard)) = faults.hear(name, *feed, (price, step.time)) else {
                    continue;
                };
                // Late in history is late on the chain, too.
                let now = unix_now();
                let time = now.saturating_sub(step.time.saturating_sub(heard));
                let (price, confidence) = (U256::from(price), U256::ZERO);
                let report = PriceReport { feed: *feed, round: now, time, price, confidence };
                reports.push(signed(key, chain_id, report)?);
            }
            let count = reports.len() as u64;
            match client.request("gage_submitReports", json!([reports])) {
                Ok(_) => taken += count,
                Err(why) => {
                    refused += count;
                    progress.println(format!("{name}: {why:#}"));
                }
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    ensure!(taken > 0, "no report was taken, {refused} were refused");
    println!("{} steps: {taken} reports taken, {refused} refused.", steps.len());
    Ok(())
}

fn keys(args: &ReplayArgs) -> anyhow::Result<Vec<PrivateKeySigner>> {
    if args.key_file.is_empty() {
        return Ok(vec![publish::key(None)?]);
    }
    ensure!(args.key_file.len() <= 16, "a feed has 16 sources at most");
    args.key_file.iter().map(|file| publish::key(Some(file))).collect()
}

/// The feed of each asset of the history.
fn mapping(
    args: &ReplayArgs,
    history: &History,
    client: &Client,
) -> anyhow::Result<BTreeMap<String, u32>> {
    let (_, known) = feeds::read(client)?;
    let mut found = BTreeMap::new();
    for asset in history.bars.keys() {
        let named = args.feed.iter().find(|told| told.source == *asset).map(|told| told.amount);
        let like = || {
            let is_it = |description: &str| {
                let name = description.split('/').next().unwrap_or_default().trim();
                let dollars = description.ends_with("USD");
                dollars && (name == asset || name.strip_prefix('W') == Some(asset))
            };
            known.iter().find(|feed| is_it(&feed.description)).map(|feed| feed.id)
        };
        match named.or_else(like) {
            Some(feed) => drop(found.insert(asset.clone(), feed)),
            None => eprintln!(
                "no feed is called like {asset}; its prices are left out (--feed {asset}=ID)"
            ),
        }
    }
    if let Some(stray) = args.feed.iter().find(|told| !history.bars.contains_key(&told.source)) {
        bail!("the history has no asset {}", stray.source);
    }
    ensure!(!found.is_empty(), "no asset of the history has a feed");
    Ok(found)
}

fn wait(speed: Speed, history: u64) {
    let whole = match speed {
        Speed::Times(speed) => Duration::from_secs(history.min(WAIT_HISTORY_SECONDS_MAX)) / speed,
        Speed::Max => Duration::ZERO,
    };
    thread::sleep(whole.max(STEP));
}

fn signed(key: &PrivateKeySigner, chain_id: u64, report: PriceReport) -> anyhow::Result<Value> {
    let signed = sign_report(key, chain_id, report)?;
    let report = &signed.report;
    Ok(json!({
        "report": {
            "feed": report.feed,
            "round": report.round,
            "time": report.time,
            "price": report.price.to_string(),
            "confidence": report.confidence.to_string(),
        },
        "v": signed.v,
        "r": signed.r,
        "s": signed.s,
    }))
}
