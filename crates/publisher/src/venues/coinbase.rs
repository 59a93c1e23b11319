//! Coinbase Exchange: the `ticker` channel of its feed, and `GET /products/{id}/ticker`.

use serde::Deserialize;
use serde_json::json;

use super::{VenueError, milliseconds, read, tick};
use crate::Tick;

#[derive(Deserialize)]
struct Message {
    r#type: String,
    product_id: Option<String>,
    best_bid: Option<String>,
    best_ask: Option<String>,
    time: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Quote {
    bid: Option<String>,
    ask: Option<String>,
    time: Option<String>,
    message: Option<String>,
}

pub(super) fn subscription(symbols: &[String]) -> String {
    // Heartbeats show that a quiet stream lives.
    let channels = ["ticker", "heartbeat"];
    json!({ "type": "subscribe", "product_ids": symbols, "channels": channels }).to_string()
}

pub(super) fn read_message(text: &str) -> Result<Vec<Tick>, VenueError> {
    let message: Message = read(text)?;
    match message.r#type.as_str() {
        "error" => Err(VenueError::Refused(message.message.unwrap_or_default())),
        "ticker" => {
            let symbol = message.product_id.unwrap_or_default();
            let (bid, ask) = (message.best_bid, message.best_ask);
            let time = message.time.as_deref().and_then(milliseconds);
            let quote = (bid.as_deref().unwrap_or_default(), ask.as_deref().unwrap_or_default());
            Ok(vec![tick(&symbol, quote, time)?])
        }
        _ => Ok(Vec::new()),
    }
}

pub(super) fn read_quote(symbol: &str, text: &str) -> Result<Tick, VenueError> {
    let Quote { bid, ask, time, message } = read(text)?;
    if let Some(message) = message {
        return Err(VenueError::Refused(message));
    }
    let time = time.as_deref().and_then(milliseconds);
    tick(symbol, (bid.as_deref().unwrap_or_default(), ask.as_deref().unwrap_or_default()), time)
}
