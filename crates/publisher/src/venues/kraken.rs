//! Kraken: the `ticker` channel of its WebSocket API, version 2, and `GET /0/public/Ticker`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{VenueError, milliseconds, read, tick};
use crate::Tick;

#[derive(Deserialize)]
struct Message<'a> {
    channel: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    success: Option<bool>,
    error: Option<String>,
}

/// Numbers are read as they are written: as floating point they would lose digits.
#[derive(Deserialize)]
struct Quote<'a> {
    symbol: String,
    #[serde(borrow)]
    bid: &'a RawValue,
    #[serde(borrow)]
    ask: &'a RawValue,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    error: Vec<String>,
    #[serde(default)]
    result: BTreeMap<String, Pair>,
}

/// The first of each list is the price.
#[derive(Deserialize)]
struct Pair {
    a: Vec<String>,
    b: Vec<String>,
}

pub(super) fn subscription(symbols: &[String]) -> String {
    let params = json!({ "channel": "ticker", "symbol": symbols, "event_trigger": "bbo" });
    json!({ "method": "subscribe", "params": params }).to_string()
}

pub(super) fn read_message(text: &str) -> Result<Vec<Tick>, VenueError> {
    let message: Message<'_> = read(text)?;
    if message.success == Some(false) {
        return Err(VenueError::Refused(message.error.unwrap_or_default()));
    }
    let Some(data) = message.data.filter(|_| message.channel.as_deref() == Some("ticker")) else {
        return Ok(Vec::new());
    };
    let quotes: Vec<Quote<'_>> = read(data.get())?;
    let quotes = quotes.iter().map(|quote| {
        let time = quote.timestamp.as_deref().and_then(milliseconds);
        tick(&quote.symbol, (quote.bid.get(), quote.ask.get()), time)
    });
    quotes.collect()
}

pub(super) fn read_quote(symbol: &str, text: &str) -> Result<Tick, VenueError> {
    let answer: Answer = read(text)?;
    if !answer.error.is_empty() {
        return Err(VenueError::Refused(answer.error.join(", ")));
    }
    // One pair was asked for; Kraken answers under a name of its own.
    let (Some(pair), 1) = (answer.result.values().next(), answer.result.len()) else {
        return Err(VenueError::Unreadable(format!("{} pairs", answer.result.len())));
    };
    let first = |list: &[String]| list.first().cloned().unwrap_or_default();
    tick(symbol, (&first(&pair.b), &first(&pair.a)), None)
}
