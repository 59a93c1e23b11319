//! `gage feeds`: prices, their sources, how far they may be trusted, and what that stops.

use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, json};

use super::print_json;
use crate::{
    alerts::Alerts,
    cli::FeedsArgs,
    client::Client,
    stop::Stop,
    table::{Column, facts, table},
    told::{self, Quantity},
};

/// A feed as `gage_feeds` tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedTold {
    pub(crate) id: u32,
    pub(crate) description: String,
    kind: String,
    pub(crate) price: Quantity,
    smoothed: Option<Quantity>,
    pub(crate) status: String,
    pub(crate) blocks: Vec<String>,
    pub(crate) reason: Option<String>,
    updated_at: u64,
    age_seconds: u64,
    max_age_seconds: u32,
    spread: Option<Quantity>,
    sources: Vec<SourceTold>,
    guards: Option<GuardsTold>,
    relieves: bool,
    doubt_until: u64,
    fallback: Option<u32>,
    base: Option<u32>,
    other: Option<u32>,
    vault: Option<VaultTold>,
    growth_cap: Option<GrowthTold>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceTold {
    kind: String,
    key: String,
    address: Option<String>,
    weight: u16,
    max_age_seconds: u32,
    price: Quantity,
    confidence: Quantity,
    updated_at: u64,
    age_seconds: u64,
    round: u64,
    state: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GuardsTold {
    quorum: u8,
    outlier: Quantity,
    spread: Quantity,
    jump: Quantity,
    confirm_seconds: u32,
    smoothing_seconds: u32,
    budget_seconds: u32,
    window_seconds: u32,
}

#[derive(Clone, Debug, Deserialize)]
struct VaultTold {
    id: u32,
}

#[derive(Clone, Debug, Deserialize)]
struct GrowthTold {
    limit: Quantity,
}

impl FeedTold {
    /// Where its number comes from, in words.
    fn origin(&self) -> String {
        let leg = |leg: Option<u32>| leg.unwrap_or_default();
        let (base, other) = (leg(self.base), leg(self.other));
        match self.kind.as_str() {
            "product" => format!("feed {base} × feed {other}"),
            "ratio" => format!("feed {base} / feed {other}"),
            "lesser" => format!("lesser of feed {base} and feed {other}"),
            "pegged" => format!("feed {base}, at most its peg"),
            "share price" => {
                let vault = self.vault.as_ref().map_or(0, |vault| vault.id);
                format!("share of vault {vault} × feed {base}")
            }
            kind => match &self.growth_cap {
                Some(cap) => format!("{kind} up to {}", self.number(&cap.limit)),
                None => kind.to_owned(),
            },
        }
    }

    /// A price in dollars, a rate without.
    fn number(&self, price: &Quantity) -> String {
        let text = price.price();
        if self.kind == "rate" { text.trim_start_matches('$').to_owned() } else { text }
    }

    /// How many sources count, of how many, and how many are needed.
    fn quorum(&self) -> String {
        let Some(guards) = &self.guards else {
            return "—".to_owned();
        };
        let counting = self.sources.iter().filter(|source| source.state == "counts").count();
        format!("{counting}/{} (needs {})", self.sources.len(), guards.quorum)
    }

    fn age(&self) -> String {
        if self.updated_at == 0 { "never".to_owned() } else { age(self.age_seconds) }
    }

    fn row(&self) -> Vec<String> {
        let spread = self.spread.as_ref().map_or_else(|| "—".to_owned(), Quantity::rounded);
        vec![
            self.id.to_string(),
            self.description.clone(),
            self.origin(),
            self.number(&self.price),
            self.quorum(),
            spread,
            self.age(),
            self.status.clone(),
            if self.blocks.is_empty() { "nothing".to_owned() } else { self.blocks.join(", ") },
        ]
    }
}

/// Seconds as people say them.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Lists the feeds, shows one, or watches them.
pub(crate) fn feeds(args: &FeedsArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    if args.watch {
        return watch(args, &client);
    }
    let (told, rows) = read(&client)?;
    let Some(name) = &args.feed else {
        if args.remote.json {
            return print_json(&told);
        }
        print_all(&rows);
        return Ok(());
    };
    let found = find(&rows, name)?;
    if args.remote.json {
        let place = rows.iter().position(|row| row.id == found.id).unwrap_or_default();
        return print_json(&told[place]);
    }
    print_one(found);
    Ok(())
}

/// All feeds, as told and as read.
pub(crate) fn read(client: &Client) -> anyhow::Result<(Value, Vec<FeedTold>)> {
    told::ask(client, "gage_feeds", json!([]))
}

/// A feed's id and description, by any of its names.
pub(crate) fn named(client: &Client, name: &str) -> anyhow::Result<(u32, String)> {
    let (_, rows) = read(client)?;
    let found = find(&rows, name)?;
    Ok((found.id, found.description.clone()))
}

/// A feed by its id, its description, or the asset before the slash.
fn find<'a>(rows: &'a [FeedTold], name: &str) -> anyhow::Result<&'a FeedTold> {
    let is_it = |row: &&FeedTold| {
        let asset = row.description.split('/').next().unwrap_or_default().trim();
        row.id.to_string() == name
            || row.description.eq_ignore_ascii_case(name)
            || asset.eq_ignore_ascii_case(name)
    };
    let Some(found) = rows.iter().find(is_it) else {
        let known: Vec<_> = rows.iter().map(|row| row.description.as_str()).collect();
        bail!("no feed is called `{name}`; there are {}", known.join(", "));
    };
    Ok(found)
}

fn print_all(rows: &[FeedTold]) {
    let columns = [
        Column::Right("id"),
        Column::Left("feed"),
        Column::Left("from"),
        Column::Right("price"),
        Column::Left("sources"),
        Column::Right("spread"),
        Column::Right("age"),
        Column::Left("status"),
        Column::Left("blocks"),
    ];
    println!("{}", table(&columns, rows.iter().map(FeedTold::row).collect()));
    for row in rows.iter().filter(|row| !row.blocks.is_empty()) {
        if let Some(reason) = &row.reason {
            println!("{}: {reason}", row.description);
        }
    }
}

fn print_one(feed: &FeedTold) {
    println!("{} · feed {} · {}", feed.description, feed.id, feed.origin());
    let mut rows = vec![
        ("price", feed.number(&feed.price)),
        ("age", format!("{}, at most {}", feed.age(), age(feed.max_age_seconds.into()))),
        ("status", feed.status.clone()),
        ("blocks", if feed.blocks.is_empty() { "nothing".into() } else { feed.blocks.join(", ") }),
    ];
    rows.extend(feed.reason.iter().map(|reason| ("because", reason.clone())));
    rows.extend(feed.smoothed.iter().map(|smoothed| ("smoothed", feed.number(smoothed))));
    rows.extend(feed.spread.iter().map(|spread| ("spread", spread.formatted.clone())));
    if feed.doubt_until > 0 {
        let relief = if feed.relieves { "relieves borrowers still" } else { "relieves nobody" };
        rows.push(("doubt", relief.to_owned()));
    }
    rows.extend(feed.fallback.map(|other| ("while stale", format!("feed {other}"))));
    if let Some(guards) = &feed.guards {
        rows.push(("quorum", feed.quorum()));
        rows.push((
            "outliers",
            format!("beyond 4.5 median distances and {}", guards.outlier.formatted),
        ));
        rows.push(("doubted", doubted(guards)));
    }
    println!("{}", facts(&rows));
    if feed.sources.is_empty() {
        return;
    }
    let columns = [
        Column::Left("source"),
        Column::Left("key"),
        Column::Right("weight"),
        Column::Right("price"),
        Column::Right("± "),
        Column::Right("age"),
        Column::Right("round"),
        Column::Left("state"),
    ];
    let row = |source: &SourceTold| {
        let silent = source.updated_at == 0;
        let or_dash = |text: String| if silent { "—".to_owned() } else { text };
        vec![
            source.kind.clone(),
            source.address.clone().unwrap_or_else(|| source.key.clone()),
            source.weight.to_string(),
            or_dash(feed.number(&source.price)),
            or_dash(source.confidence.formatted.clone()),
            or_dash(format!(
                "{} of {}",
                age(source.age_seconds),
                age(source.max_age_seconds.into())
            )),
            or_dash(source.round.to_string()),
            source.state.clone(),
        ]
    };
    println!("{}", table(&columns, feed.sources.iter().map(row).collect()));
}

/// When a price is doubted, and for how long that relieves.
fn doubted(guards: &GuardsTold) -> String {
    let GuardsTold { spread, jump, .. } = guards;
    let none = |ratio: &Quantity| ratio.units().is_zero();
    let mut causes = Vec::new();
    if !none(spread) {
        causes.push(format!("while sources are {} apart", spread.formatted));
    }
    if !none(jump) {
        let confirm = age(guards.confirm_seconds.into());
        causes.push(format!(
            "after a move of {} in {confirm}, until it held so long",
            jump.formatted
        ));
    }
    if causes.is_empty() {
        return "never".to_owned();
    }
    let [smoothing, budget, window] =
        [guards.smoothing_seconds, guards.budget_seconds, guards.window_seconds]
            .map(|seconds| age(seconds.into()));
    format!("{}; smoothed over {smoothing}, relief {budget} in {window}", causes.join(", or "))
}

/// Looks again and again, and tells whoever wants to know of what has changed.
fn watch(args: &FeedsArgs, client: &Client) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let stop = Stop::on_signals(&runtime);
    let mut alerts = Alerts::new(args.webhook.clone());
    let every = Duration::from_secs(args.every.max(1).into());
    loop {
        match read(client) {
            Ok((_, rows)) => alerts.look(&rows),
            Err(why) => alerts.unreachable(&args.remote.rpc_url, &why),
        }
        if stop.wait(every) {
            return Ok(());
        }
    }
}
