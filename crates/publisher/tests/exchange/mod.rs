//! An exchange on this machine: real HTTP and WebSocket in the formats of the venues, with faults on demand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use gage_publisher::Venue;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How an exchange behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As documented.
    Honest,
    /// Streams end at once; single quotes work.
    Disconnects,
    /// Streams say what is no JSON; single quotes, too.
    Garbage,
    /// Streams open and say nothing; single quotes are refused with 429.
    Mute,
}

struct Inner {
    venue: Venue,
    mode: Mutex<Mode>,
    /// Bid and ask in cents, by symbol.
    quotes: Mutex<BTreeMap<String, (u64, u64)>>,
    streams: AtomicU64,
    requests: AtomicU64,
}

/// A running exchange; it ends with the runtime.
#[derive(Clone)]
pub(crate) struct Exchange {
    inner: Arc<Inner>,
    pub(crate) at: SocketAddr,
}

fn cents(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

impl Exchange {
    pub(crate) fn start(runtime: &Runtime, venue: Venue, quotes: &[(&str, u64)]) -> Self {
        let quotes = quotes.iter().map(|(symbol, mid)| ((*symbol).to_owned(), (mid - 5, mid + 5)));
        let inner = Arc::new(Inner {
            venue,
            mode: Mutex::new(Mode::Honest),
            quotes: Mutex::new(quotes.collect()),
            streams: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/", get(stream))
            .route("/v2", get(stream))
            .route("/stream", get(stream))
            .route("/products/{symbol}/ticker", get(coinbase_quote))
            .route("/0/public/Ticker", get(kraken_quote))
            .route("/api/v3/ticker/bookTicker", get(binance_quote))
            .with_state(inner.clone());
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let at = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { inner, at }
    }

    pub(crate) fn set(&self, symbol: &str, mid: u64) {
        self.inner.quotes.lock().insert(symbol.to_owned(), (mid - 5, mid + 5));
    }

    pub(crate) fn behave(&self, mode: Mode) {
        *self.inner.mode.lock() = mode;
    }

    /// How many streams were opened.
    pub(crate) fn streams(&self) -> u64 {
        self.inner.streams.load(Ordering::Relaxed)
    }

    /// How many single quotes were asked for.
    pub(crate) fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// The lines of a configuration that send a publisher here.
    pub(crate) fn endpoint(&self) -> String {
        let path = if self.inner.venue == Venue::Kraken { "/v2" } else { "" };
        let name = self.inner.venue.name();
        format!("[endpoints.{name}]\nsocket = \"ws://{0}{path}\"\nrest = \"http://{0}\"\n", self.at)
    }
}

async fn stream(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    inner.streams.fetch_add(1, Ordering::Relaxed);
    upgrade.on_upgrade(move |socket| talk(inner, query, socket))
}

/// The symbols that a client has asked for.
async fn subscribed(
    inner: &Inner,
    query: &BTreeMap<String, String>,
    socket: &mut WebSocket,
) -> Option<Vec<String>> {
    if inner.venue == Venue::Binance {
        let streams = query.get("streams")?;
        let symbol = |stream: &str| Some(stream.strip_suffix("@bookTicker")?.to_uppercase());
        return streams.split('/').map(symbol).collect();
    }
    let Message::Text(text) = socket.recv().await?.ok()? else { return None };
    let asked: Value = serde_json::from_str(&text).ok()?;
    let list = match inner.venue {
        Venue::Coinbase => &asked["product_ids"],
        _ => &asked["params"]["symbol"],
    };
    list.as_array()?.iter().map(|symbol| symbol.as_str().map(str::to_owned)).collect()
}

async fn talk(inner: Arc<Inner>, query: BTreeMap<String, String>, mut socket: WebSocket) {
    let Some(symbols) = subscribed(&inner, &query, &mut socket).await else { return };
    loop {
        let mode = *inner.mode.lock();
        for symbol in &symbols {
            let text = match mode {
                Mode::Disconnects => return,
                Mode::Mute => continue,
                Mode::Garbage => "<html>bad gateway</html>".to_owned(),
                Mode::Honest => match message(&inner, symbol) {
                    Some(text) => text,
                    None => continue,
                },
            };
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn message(inner: &Inner, symbol: &str) -> Option<String> {
    let (bid, ask) = *inner.quotes.lock().get(symbol)?;
    let (bid, ask) = (cents(bid), cents(ask));
    Some(match inner.venue {
        Venue::Coinbase => json!({ "type": "ticker", "product_id": symbol, "price": bid,
            "best_bid": bid, "best_ask": ask })
        .to_string(),
        // Kraken writes numbers.
        Venue::Kraken => format!(
            "{{\"channel\":\"ticker\",\"type\":\"update\",\"data\":[{{\"symbol\":\"{symbol}\",\"bid\":{bid},\"ask\":{ask}}}]}}"
        ),
        Venue::Binance => {
            json!({ "stream": "x", "data": { "u": 1, "s": symbol, "b": bid, "a": ask } })
                .to_string()
        }
    })
}

/// A single quote, as the mode has it.
fn quote(inner: &Inner, symbol: &str, form: impl Fn(String, String) -> Value) -> Response {
    inner.requests.fetch_add(1, Ordering::Relaxed);
    let mode = *inner.mode.lock();
    match (mode, inner.quotes.lock().get(symbol)) {
        (Mode::Mute, _) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "slow down").into_response()
        }
        (Mode::Garbage, _) => "<html>bad gateway</html>".into_response(),
        (_, None) => {
            (StatusCode::NOT_FOUND, Json(json!({ "message": "NotFound" }))).into_response()
        }
        (_, Some((bid, ask))) => Json(form(cents(*bid), cents(*ask))).into_response(),
    }
}

async fn coinbase_quote(State(inner): State<Arc<Inner>>, Path(symbol): Path<String>) -> Response {
    quote(&inner, &symbol, |bid, ask| json!({ "bid": bid, "ask": ask, "price": bid }))
}

async fn kraken_quote(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let asked = query.get("pair").cloned().unwrap_or_default();
    let known = inner.quotes.lock().keys().find(|symbol| symbol.replace('/', "") == asked).cloned();
    quote(
        &inner,
        &known.unwrap_or(asked),
        |bid, ask| json!({ "error": [], "result": { "XPAIR": { "a": [ask, "1"], "b": [bid, "1"] } } }),
    )
}

async fn binance_quote(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let symbol = query.get("symbol").cloned().unwrap_or_default();
    quote(&inner, &symbol, |bid, ask| json!({ "symbol": symbol, "bidPrice": bid, "askPrice": ask }))
}
