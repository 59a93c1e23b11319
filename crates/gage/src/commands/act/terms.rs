//! `gage terms`: a collateral's terms, what accounts keep of earlier ones, and the moves that end that.

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use gage_abi::IMarket::{self, CollateralTerms};
use serde_json::json;

use super::{Desk, client, wallet};
use crate::{
    amounts::bps,
    calendar::minute,
    cli::{MarketArgs, MoveArgs, SetTermsArgs, TermsCommand},
    client::Client,
    commands::{kept, print_json},
    contracts::{MARKET, call},
    decimal::parse_units,
    reading::{Names, ask, market},
    table::{Column, table},
};

/// The block that takes a move comes later than the one that was read: so much is added to its notice.
const DELAY_SECONDS: u64 = 600;
/// From here on a notice is left as it was asked for: the longest is 30 days.
const NOTICE_LONG_SECONDS: u64 = 29 * 86_400;

/// Carries out one of the commands.
pub(crate) fn terms(command: &TermsCommand) -> anyhow::Result<()> {
    match command {
        TermsCommand::Show(args) => show(args),
        TermsCommand::Set(args) => set(args),
        TermsCommand::Move(args) => schedule(args),
    }
}

fn show(args: &MarketArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let (names, state) = (Names::read(&client)?, market(&client, args.market)?);
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for asset in &state.collaterals {
        let call = IMarket::collateralStateCall { market: args.market, asset: *asset };
        let terms = ask(&client, MARKET, &call)?;
        all.push(json!({
            "asset": asset,
            "symbol": names.symbol(*asset),
            "ltvBps": terms.ltv,
            "thresholdBps": terms.threshold,
            "kept": kept::told(&terms.kept, &terms.moving),
        }));
        rows.push(vec![
            names.symbol(*asset),
            bps(terms.ltv),
            bps(terms.threshold),
            format!("{} to {}", bps(terms.bonusMin), bps(terms.bonusMax)),
            kept::text(&terms.kept, &terms.moving),
        ]);
    }
    for (id, group) in super::group::groups(&client, args.market)? {
        let terms = &group.terms;
        all.push(json!({
            "group": id,
            "name": group.name,
            "ltvBps": terms.ltv,
            "thresholdBps": terms.threshold,
            "kept": kept::told(&group.kept, &group.moving),
        }));
        rows.push(vec![
            format!("group {id}, {}", group.name),
            bps(terms.ltv),
            bps(terms.threshold),
            format!("{} to {}", bps(terms.bonusMin), bps(terms.bonusMax)),
            kept::text(&group.kept, &group.moving),
        ]);
    }
    if args.remote.json {
        return print_json(&json!({ "termsVersion": state.termsVersion, "terms": all }));
    }
    println!("Market {} · terms version {}", args.market, state.termsVersion);
    let columns = [
        Column::Left("terms of"),
        Column::Right("LTV"),
        Column::Right("threshold"),
        Column::Right("bonus"),
        Column::Left("kept"),
    ];
    println!("{}", table(&columns, rows));
    Ok(())
}

fn set(args: &SetTermsArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let (asset, id) = (names.asset(&args.asset)?, args.market);
    let old = IMarket::collateralStateCall { market: id, asset: asset.address };
    let old = ask(&client, MARKET, &old)?;
    let cap = match &args.cap {
        Some(text) => U256::from(parse_units(text, asset.decimals).context("--cap")?),
        None => old.cap,
    };
    let or = |given: Option<crate::cli::Percent>, old: u16| given.map_or(old, |given| given.0);
    let terms = CollateralTerms {
        feed: old.feed,
        ltv: or(args.ltv, old.ltv),
        threshold: or(args.threshold, old.threshold),
        bonusMin: or(args.bonus_min, old.bonusMin),
        bonusMax: or(args.bonus_max, old.bonusMax),
        riskWeight: or(args.weight, old.riskWeight),
        cap,
    };
    let (ltv, threshold) = (bps(terms.ltv), bps(terms.threshold));
    let set = IMarket::setCollateralCall { market: id, asset: asset.address, terms };
    let receipt = wallet.send(&call(MARKET, &set, "set the terms"))?;
    let version = market(&client, id)?.termsVersion;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let text = format!(
        "new risk on {} is on an LTV of {ltv} and a threshold of {threshold} now (version \
         {version}); accounts keep what was better until they take some, or a move arrives",
        asset.symbol,
    );
    desk.report(&text, &receipt, json!({ "termsVersion": version }))
}

fn schedule(args: &MoveArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (_, now) = client.head()?;
    let (notice, over) = (args.notice.as_secs(), args.over.as_secs());
    ensure!(notice <= 31 * 86_400 && over <= 366 * 86_400, "that is too far away");
    // Not for the longest notice: a later block shortens it a little.
    let delay = if notice < NOTICE_LONG_SECONDS { DELAY_SECONDS } else { 0 };
    let start = now + notice + delay;
    let (market, end) = (args.market, start + over);
    let (what, receipt) = match (&args.asset, args.group) {
        (Some(asset), _) => {
            let names = Names::read(&client)?;
            let asset = names.asset(asset)?;
            let schedule =
                IMarket::scheduleCollateralMoveCall { market, asset: asset.address, start, end };
            let receipt = wallet.send(&call(MARKET, &schedule, "announce the move"))?;
            (asset.symbol.clone(), receipt)
        }
        (None, group) => {
            let group = group.context("which collateral, or which --group?")?;
            let schedule = IMarket::scheduleGroupMoveCall { market, group, start, end };
            let receipt = wallet.send(&call(MARKET, &schedule, "announce the move"))?;
            (format!("group {group}"), receipt)
        }
    };
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let text = format!(
        "kept terms of {what} go to the newest ones from {} to {} UTC",
        minute(start),
        minute(end)
    );
    desk.report(&text, &receipt, json!({ "start": start, "end": end }))
}
