//! Binance spot: the combined stream of `bookTicker`s, and `GET /api/v3/ticker/bookTicker`.

use serde::Deserialize;

use super::{VenueError, read, tick};
use crate::Tick;

#[derive(Deserialize)]
struct Message {
    data: Option<Book>,
}

#[derive(Deserialize)]
struct Book {
    s: String,
    b: String,
    a: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quote {
    symbol: Option<String>,
    bid_price: Option<String>,
    ask_price: Option<String>,
    msg: Option<String>,
}

pub(super) fn socket_url(base: &str, symbols: &[String]) -> String {
    let streams: Vec<_> =
        symbols.iter().map(|symbol| format!("{}@bookTicker", symbol.to_lowercase())).collect();
    format!("{base}/stream?streams={}", streams.join("/"))
}

pub(super) fn read_message(text: &str) -> Result<Vec<Tick>, VenueError> {
    match read::<Message>(text)?.data {
        Some(Book { s, b, a }) => Ok(vec![tick(&s, (&b, &a), None)?]),
        None => Ok(Vec::new()),
    }
}

pub(super) fn read_quote(symbol: &str, text: &str) -> Result<Tick, VenueError> {
    let Quote { symbol: named, bid_price, ask_price, msg } = read(text)?;
    if let Some(msg) = msg {
        return Err(VenueError::Refused(msg));
    }
    if named.as_deref() != Some(symbol) {
        return Err(VenueError::Unreadable(format!("{named:?} instead of {symbol}")));
    }
    tick(symbol, (&bid_price.unwrap_or_default(), &ask_price.unwrap_or_default()), None)
}
