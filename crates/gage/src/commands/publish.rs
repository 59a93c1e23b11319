//! `gage publish`: prices from exchanges to a node. `gage message`: other oracles' messages.

use std::{fs, io::Read as _, path::Path, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, bail, ensure};
use gage_publisher::{Config, Outcome, config::EXAMPLE, run};
use serde_json::json;

use super::print_json;
use crate::{
    amounts::price,
    cli::{MessageArgs, Provider, PublishArgs},
    client::Client,
    keys::parse_key,
    stop::Stop,
    table::{Column, table},
    telemetry,
};

/// The longest message, far above what any provider signs.
const MESSAGE_CHARS_MAX: u64 = 1 << 20;

/// Publishes until stopped; returns whether all went well.
pub(crate) fn publish(args: &PublishArgs) -> anyhow::Result<bool> {
    let (Some(path), false) = (&args.config, args.example_config) else {
        print!("{EXAMPLE}");
        return Ok(true);
    };
    telemetry::log("info");
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let config = Config::parse(&text).with_context(|| path.display().to_string())?;
    let runtime = tokio::runtime::Runtime::new()?;
    if args.dry_run {
        let outcomes = runtime.block_on(run::look(&config, Duration::from_secs(args.wait)));
        print(&outcomes);
        let priced = |outcome: &Outcome| matches!(outcome, Outcome::Priced(_));
        return Ok(outcomes.iter().all(priced));
    }
    let key = key(args.key_file.as_deref())?;
    let stop = Stop::on_signals(&runtime);
    if let Some(at) = config.metrics {
        let _entered = runtime.enter();
        telemetry::metrics(at);
    }
    eprintln!("{} publishes {} feeds to {}", key.address(), config.feeds.len(), config.node);
    runtime.block_on(run::run(config, key, stop.raised()))?;
    Ok(true)
}

/// The key in a file, or in the environment.
pub(crate) fn key(file: Option<&Path>) -> anyhow::Result<PrivateKeySigner> {
    let text = match file {
        Some(file) => fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?,
        None => std::env::var("GAGE_PRIVATE_KEY")
            .context("who signs? give --key-file or set GAGE_PRIVATE_KEY")?,
    };
    parse_key(&text)
}

fn print(outcomes: &[Outcome]) {
    let columns = [
        Column::Left("feed"),
        Column::Right("price"),
        Column::Right("±"),
        Column::Left("venue"),
        Column::Left("pair"),
        Column::Left("state"),
    ];
    let mut rows = Vec::new();
    for outcome in outcomes {
        let (value, apart) = match outcome {
            Outcome::Priced(priced) => {
                let usd = |wad: u128| price(alloy_primitives::U256::from(wad));
                (usd(priced.price), usd(priced.confidence))
            }
            Outcome::Missing { why, .. } => (format!("none: {why}"), String::new()),
        };
        for (place, ((venue, symbol), state)) in outcome.venues().iter().enumerate() {
            let first = |text: &str| if place == 0 { text.to_owned() } else { String::new() };
            let state = format!("{state:?}").to_lowercase();
            let told = [first(outcome.name()), first(&value), first(&apart)];
            rows.push(
                [told.to_vec(), vec![venue.name().to_owned(), symbol.clone(), state]].concat(),
            );
        }
    }
    println!("{}", table(&columns, rows));
}

/// The text in a file that is no longer than a message can be.
fn message_in(file: &Path) -> anyhow::Result<String> {
    let cannot = || format!("{} cannot be read", file.display());
    let mut text = String::new();
    let mut begin = fs::File::open(file).with_context(cannot)?.take(MESSAGE_CHARS_MAX + 1);
    begin.read_to_string(&mut text).with_context(cannot)?;
    ensure!(
        text.len() as u64 <= MESSAGE_CHARS_MAX,
        "{} is longer than any message ({MESSAGE_CHARS_MAX} characters)",
        file.display()
    );
    Ok(text)
}

/// Hands a message in.
pub(crate) fn message(args: &MessageArgs) -> anyhow::Result<()> {
    let text = match (&args.data, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) => message_in(file)?,
        (None, None) => bail!("give --data or --file"),
    };
    let digits = text.trim().trim_start_matches("0x");
    ensure!(
        !digits.is_empty()
            && digits.len() % 2 == 0
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "the message must be whole bytes in hex"
    );
    let provider = match args.provider {
        Provider::Ed25519 => "ed25519",
        Provider::Pyth => "pyth",
        Provider::RedStone => "redstone",
        Provider::Chainlink => "chainlink",
    };
    let client = Client::new(&args.remote.rpc_url);
    let message =
        json!({ "provider": provider, "feeds": args.feeds, "data": format!("0x{digits}") });
    client.request("gage_submitMessages", json!([[message]]))?;
    if args.remote.json {
        return print_json(&json!({ "taken": true, "feeds": args.feeds }));
    }
    println!(
        "Taken: it verifies, and the next block carries it. `gage feeds` shows what became of it."
    );
    Ok(())
}
