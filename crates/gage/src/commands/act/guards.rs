//! What stops markets, lines and feeds for a while: `gage market pause`, `meter`, `breaker` and `guards`, and
//! `gage feed`.

use std::time::Duration;

use alloy_primitives::U256;
use anyhow::Context as _;
use gage_abi::{IMarket, IOracle};
use serde_json::{Value, json};

use super::{Desk, client, wallet};
use crate::{
    amounts::{all_digits, bps, tokens, usd},
    calendar::minute,
    cli::{
        BreakerArgs, FeedCommand, FreezeArgs, Level, MarketArgs, MeterArgs, PauseArgs,
        RecogniseArgs, UnfreezeArgs,
    },
    client::Client,
    commands::{feeds, print_json, show::pause_name},
    contracts::{MARKET, ORACLE, call},
    decimal::parse_units,
    reading::{Answers, Names, ask, feed, market},
    table::{Column, facts, table},
};

fn seconds(time: Duration) -> anyhow::Result<u32> {
    u32::try_from(time.as_secs()).context("that is too long a time")
}

/// A market's guards.
pub(crate) fn state(of: &dyn Answers, market: u32) -> anyhow::Result<IMarket::GuardState> {
    ask(of, MARKET, &IMarket::guardStateCall { market })
}

/// A level in words, with its end.
pub(crate) fn level(pause: &IMarket::Pause) -> String {
    match pause.until {
        0 => pause_name(pause.level).to_owned(),
        until => format!("{} until {} UTC", pause_name(pause.level), minute(until)),
    }
}

fn pause_json(pause: &IMarket::Pause) -> Value {
    json!({ "level": pause_name(pause.level), "until": pause.until })
}

/// Sets how much of a market stands still.
pub(crate) fn pause(args: &PauseArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (market, wanted) = (args.market, args.level);
    let number = match wanted {
        Level::Open => 0,
        Level::Restricted => 1,
        Level::Frozen => 2,
    };
    let receipt = match args.lasts {
        None => {
            let set = IMarket::setPauseCall { market, level: number };
            wallet.send(&call(MARKET, &set, "set the pause"))?
        }
        Some(lasts) => {
            let set = IMarket::pauseForCall { market, level: number, duration: seconds(lasts)? };
            wallet.send(&call(MARKET, &set, "set the pause"))?
        }
    };
    let state = state(&client, market)?;
    let text = format!("market {market} is {}", level(&state.now));
    let told = json!({ "market": market, "pause": pause_json(&state.now) });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Recognises a market, or takes that back.
pub(crate) fn recognise(args: &RecogniseArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let id = args.market;
    let receipt = match (args.collaterals, args.vaults) {
        (Some(collaterals), Some(vaults)) => {
            let set = IMarket::recogniseMarketCall { market: id, collaterals, vaults };
            wallet.send(&call(MARKET, &set, "recognise the market"))?
        }
        _ => {
            let set = IMarket::withdrawRecognitionCall { market: id };
            wallet.send(&call(MARKET, &set, "take recognition back"))?
        }
    };
    let recognised = market(&client, id)?.recognised;
    let text = match recognised {
        true => format!("market {id} is recognised: the sweep serves its accounts first"),
        false => format!("market {id} is not recognised: the sweep serves its accounts in turns"),
    };
    let told = json!({ "market": id, "recognised": recognised });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Sets a line's draw meter.
pub(crate) fn meter(args: &MeterArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let vault = names.vault(&args.vault)?;
    let limit = match &args.limit {
        Some(text) => U256::from(parse_units(text, vault.asset.decimals).context("--limit")?),
        None => U256::ZERO,
    };
    let window = args.window.map_or(Ok(0), seconds)?;
    let (market, address) = (args.market, vault.token.address);
    let set = IMarket::setDrawMeterCall { market, vault: address, limit, window };
    let receipt = wallet.send(&call(MARKET, &set, "set the draw meter"))?;
    let shown = format!("{} {}", tokens(limit, vault.asset.decimals), vault.asset.symbol);
    let text = match args.off {
        true => format!("market {market} draws on {} without a meter", vault.token.symbol),
        false => format!(
            "market {market} draws {shown} on {} at once at most, and as much again in {}",
            vault.token.symbol,
            feeds::age(window.into())
        ),
    };
    let told = json!({
        "market": market,
        "vault": address,
        "limit": all_digits(limit, vault.asset.decimals),
        "windowSeconds": window,
    });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Sets a market's breaker.
pub(crate) fn breaker(args: &BreakerArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let market = args.market;
    let terms = IMarket::BreakerTerms {
        part: args.part.map_or(0, |part| part.0),
        window: args.window.map_or(Ok(0), seconds)?,
        pause: args.pause.map_or(Ok(0), seconds)?,
    };
    let set = IMarket::setBreakerCall { market, terms: terms.clone() };
    let receipt = wallet.send(&call(MARKET, &set, "set the breaker"))?;
    let text = format!("market {market}: {}", breaker_text(&terms));
    let told = json!({ "market": market, "breaker": breaker_json(&terms) });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn breaker_text(terms: &IMarket::BreakerTerms) -> String {
    if terms.part == 0 {
        return "no breaker".to_owned();
    }
    let IMarket::BreakerTerms { part, window, pause } = *terms;
    let (window, pause) = (feeds::age(window.into()), feeds::age(pause.into()));
    format!("restricted for {pause} after {} of the debt is liquidated in {window}", bps(part))
}

fn breaker_json(terms: &IMarket::BreakerTerms) -> Value {
    let IMarket::BreakerTerms { part, window, pause } = *terms;
    match part {
        0 => Value::Null,
        _ => json!({ "partBps": part, "windowSeconds": window, "pauseSeconds": pause }),
    }
}

/// Shows what stops a market, and what may.
pub(crate) fn show(args: &MarketArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let names = Names::read(&client)?;
    let (state, rules) = (state(&client, args.market)?, market(&client, args.market)?);
    let mut rows = Vec::new();
    let mut meters = Vec::new();
    for vault in names.vaults().iter().filter(|vault| rules.vaults.contains(&vault.token.address)) {
        let address = vault.token.address;
        let asked = IMarket::meterStateCall { market: args.market, vault: address };
        let meter = ask(&client, MARKET, &asked)?;
        let amount = |value| tokens(value, vault.asset.decimals);
        let exact = |value| all_digits(value, vault.asset.decimals);
        meters.push(json!({
            "vault": address,
            "limit": exact(meter.limit),
            "windowSeconds": meter.window,
            "left": exact(meter.left),
            "fullAt": meter.fullAt,
        }));
        rows.push(match meter.limit {
            U256::ZERO => vec![vault.token.symbol.clone(), "no meter".into(), "—".into()],
            limit => vec![
                vault.token.symbol.clone(),
                format!("{} in {}", amount(limit), feeds::age(meter.window.into())),
                amount(meter.left),
            ],
        });
    }
    if args.remote.json {
        return print_json(&json!({
            "market": args.market,
            "now": pause_json(&state.now),
            "own": pause_json(&state.own),
            "guardian": pause_json(&state.guardian),
            "guardianRestsUntil": state.guardianRestsUntil,
            "trippedUntil": state.trippedUntil,
            "liquidationResumesAt": rules.liquidationResumesAt,
            "breaker": breaker_json(&state.breaker),
            "windowBegan": state.windowBegan,
            "windowDebt": all_digits(state.windowDebt, 18),
            "windowLiquidated": all_digits(state.windowLiquidated, 18),
            "meters": meters,
        }));
    }
    print_guards(args.market, &state);
    let columns = [Column::Left("line"), Column::Right("draws"), Column::Right("left now")];
    println!("{}", table(&columns, rows));
    Ok(())
}

fn print_guards(market: u32, state: &IMarket::GuardState) {
    let moment = |at: u64| if at == 0 { "—".to_owned() } else { format!("{} UTC", minute(at)) };
    let window = match state.windowBegan {
        0 => "—".to_owned(),
        began => format!(
            "{} of {} since {} UTC",
            usd(state.windowLiquidated),
            usd(state.windowDebt),
            minute(began)
        ),
    };
    println!(
        "{}",
        facts(&[
            ("market", format!("{market}, {}", level(&state.now))),
            ("by its owner or governance", level(&state.own)),
            ("by the guardian", level(&state.guardian)),
            ("guardian rests until", moment(state.guardianRestsUntil)),
            ("breaker", breaker_text(&state.breaker)),
            ("breaker tripped until", moment(state.trippedUntil)),
            ("liquidated in its window", window),
        ])
    );
}

/// Carries out one of the commands about a feed.
pub(crate) fn act_on_feed(command: &FeedCommand) -> anyhow::Result<()> {
    match command {
        FeedCommand::Freeze(args) => freeze(args),
        FeedCommand::Unfreeze(args) => unfreeze(args),
    }
}

fn freeze(args: &FreezeArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (id, name) = feeds::named(&client, &args.feed)?;
    let set = IOracle::freezeFeedCall { feed: id, duration: seconds(args.lasts)? };
    let receipt = wallet.send(&call(ORACLE, &set, "freeze the feed"))?;
    let state = feed(&client, id)?;
    let text = format!(
        "{name} is frozen until {} UTC; liquidation resumes at {} UTC",
        minute(state.frozenUntil),
        minute(state.liquidationResumesAt)
    );
    let told = json!({
        "feed": id,
        "frozenUntil": state.frozenUntil,
        "liquidationResumesAt": state.liquidationResumesAt,
    });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn unfreeze(args: &UnfreezeArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (id, name) = feeds::named(&client, &args.feed)?;
    let set = IOracle::unfreezeFeedCall { feed: id };
    let receipt = wallet.send(&call(ORACLE, &set, "unfreeze the feed"))?;
    let resumes_at = feed(&client, id)?.liquidationResumesAt;
    let text = format!("{name} is used again; liquidation resumes at {} UTC", minute(resumes_at));
    let told = json!({ "feed": id, "liquidationResumesAt": resumes_at });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}
