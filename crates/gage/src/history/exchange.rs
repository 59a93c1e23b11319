//! How each exchange's public REST interface is asked for hourly bars, and how it answers.

use clap::ValueEnum;
use serde_json::Value;
use thiserror::Error;

use super::Bar;
use crate::{
    calendar::{HOUR, minute},
    decimal::{DecimalError, WAD_DECIMALS, parse_units},
};

/// Where a history may be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Exchange {
    /// api.binance.com, spot against USDT, history since 2017
    Binance,
    /// api.exchange.coinbase.com, spot against USD, history since 2015
    Coinbase,
    /// api.kraken.com, spot against USD, the last 720 hours only
    Kraken,
}

/// A bar with its traded volume as the exchange writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FetchedBar {
    pub(crate) bar: Bar,
    pub(crate) volume: String,
}

/// An answer that is not what the exchange documents.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum AnswerError {
    #[error("the exchange refused: {0}")]
    Refused(String),
    #[error("the answer is not JSON of the documented form: {0}")]
    Form(String),
    #[error("bar {index}: {why}")]
    Number { index: usize, why: DecimalError },
}

impl Exchange {
    /// The interface's address.
    pub(crate) fn base_url(self) -> &'static str {
        match self {
            Self::Binance => "https://api.binance.com",
            Self::Coinbase => "https://api.exchange.coinbase.com",
            Self::Kraken => "https://api.kraken.com",
        }
    }

    /// What the pair of `symbol` and the dollar is called there.
    pub(crate) fn pair(self, symbol: &str) -> String {
        match self {
            Self::Binance => format!("{symbol}USDT"),
            Self::Coinbase => format!("{symbol}-USD"),
            Self::Kraken => format!("{}USD", if symbol == "BTC" { "XBT" } else { symbol }),
        }
    }

    /// Bars in one answer, at most.
    pub(crate) fn page_bars(self) -> u64 {
        match self {
            Self::Binance => 1000,
            Self::Coinbase => 300,
            Self::Kraken => 720,
        }
    }

    /// Milliseconds between two requests that keep well below the public rate limit.
    pub(crate) fn pause_milliseconds(self) -> u64 {
        match self {
            Self::Binance => 100,
            Self::Coinbase => 150,
            Self::Kraken => 1_000,
        }
    }

    /// Path and query for the bars that open in `from..to` (Unix seconds, at most a page).
    pub(crate) fn path(self, pair: &str, from: u64, to: u64) -> String {
        match self {
            Self::Binance => format!(
                "/api/v3/klines?symbol={pair}&interval=1h&startTime={}&endTime={}&limit={}",
                from * 1000,
                to * 1000 - 1,
                self.page_bars(),
            ),
            // Both ends are included there.
            Self::Coinbase => format!(
                "/products/{pair}/candles?granularity=3600&start={}&end={}",
                iso(from),
                iso(to - HOUR),
            ),
            Self::Kraken => {
                format!("/0/public/OHLC?pair={pair}&interval=60&since={}", from.saturating_sub(1))
            }
        }
    }

    /// Reads an answer; bars come out in the order of time.
    pub(crate) fn parse(self, body: &str) -> Result<Vec<FetchedBar>, AnswerError> {
        let json: Value =
            serde_json::from_str(body).map_err(|error| AnswerError::Form(error.to_string()))?;
        let rows = match self {
            Self::Binance => array(&json, &json["msg"])?,
            Self::Coinbase => array(&json, &json["message"])?,
            Self::Kraken => kraken_rows(&json)?,
        };
        let read = |(index, row): (usize, &Value)| self.read_row(index, row);
        let mut bars = rows.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        bars.sort_by_key(|fetched| fetched.bar.time);
        Ok(bars)
    }

    /// Time, open, high, low, close and volume stand in another place at each.
    fn read_row(self, index: usize, row: &Value) -> Result<FetchedBar, AnswerError> {
        let (places, divisor) = match self {
            Self::Binance => ([1, 2, 3, 4, 5], 1000),
            Self::Coinbase => ([3, 2, 1, 4, 5], 1),
            Self::Kraken => ([1, 2, 3, 4, 6], 1),
        };
        let bad_form = || AnswerError::Form(format!("bar {index} is {row}"));
        let time = row[0].as_u64().ok_or_else(bad_form)? / divisor;
        let text = |place: usize| decimal_text(&row[place]).ok_or_else(bad_form);
        let price = |place| {
            parse_units(&text(place)?, WAD_DECIMALS)
                .map_err(|why| AnswerError::Number { index, why })
        };
        let [open, high, low, close, volume] = places;
        let bar = Bar {
            time,
            open: price(open)?,
            high: price(high)?,
            low: price(low)?,
            close: price(close)?,
        };
        Ok(FetchedBar { bar, volume: text(volume)? })
    }
}

fn array<'a>(json: &'a Value, message: &Value) -> Result<&'a Vec<Value>, AnswerError> {
    json.as_array().ok_or_else(|| match message.as_str() {
        Some(message) => AnswerError::Refused(message.to_owned()),
        None => AnswerError::Form(json.to_string().chars().take(200).collect()),
    })
}

/// `{"error": [], "result": {"XXBTZUSD": [...], "last": 1}}`; the pair's name is Kraken's own.
fn kraken_rows(json: &Value) -> Result<&Vec<Value>, AnswerError> {
    if let Some(error) = json["error"].as_array().and_then(|errors| errors.first()) {
        return Err(AnswerError::Refused(error.as_str().unwrap_or("unknown").to_owned()));
    }
    let results = json["result"].as_object();
    let rows = results.and_then(|results| results.values().find_map(Value::as_array));
    rows.ok_or_else(|| AnswerError::Form("there is no `result`".to_owned()))
}

/// A decimal that came as a string or as a number. Rust prints a float in the shortest form that
/// reads back, without an exponent, so nothing that was written is lost.
fn decimal_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number
            .as_u64()
            .map(|n| n.to_string())
            .or_else(|| number.as_f64().map(|n| n.to_string())),
        _ => None,
    }
}

fn iso(time: u64) -> String {
    format!("{}:00Z", minute(time).replace(' ', "T"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAD: u128 = 10_u128.pow(18);

    #[test]
    fn binance_klines_are_read() {
        let body = r#"[[1722470400000,"64628.01000000","64841.29000000","64316.55000000",
            "64645.90000000","1271.22941000",1722473999999,"82077000.1",77654,"600.1","3.9","0"]]"#;
        let bars = Exchange::Binance.parse(body).unwrap();
        assert_eq!(bars[0].bar.time, 1_722_470_400);
        assert_eq!(bars[0].bar.open, 64_628_010_000_000_000_000_000);
        assert_eq!(bars[0].bar.close, 64_645_900_000_000_000_000_000);
        assert_eq!(bars[0].volume, "1271.22941000");
    }

    #[test]
    fn coinbase_candles_are_put_in_order() {
        let body = "[[1722474000,3.5,5,4,4.5,10.25],[1722470400,0.00001,2.5,1,2,7]]";
        let bars = Exchange::Coinbase.parse(body).unwrap();
        assert_eq!(bars[0].bar.time, 1_722_470_400);
        assert_eq!(bars[0].bar.low, WAD / 100_000);
        assert_eq!(bars[0].bar.high, 5 * WAD / 2);
        assert_eq!(bars[1].bar.open, 4 * WAD);
    }

    #[test]
    fn kraken_candles_are_found_under_their_own_name() {
        let body = r#"{"error":[],"result":{"XXBTZUSD":[
            [1722470400,"1","3","0.5","2","1.7","9.5",42]],"last":1722470400}}"#;
        let bars = Exchange::Kraken.parse(body).unwrap();
        assert_eq!((bars[0].bar.high, bars[0].volume.as_str()), (3 * WAD, "9.5"));
    }

    #[test]
    fn refusals_keep_the_exchanges_words() {
        let refused = |exchange: Exchange, body| exchange.parse(body).unwrap_err().to_string();
        let body = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
        assert!(refused(Exchange::Binance, body).contains("Invalid symbol."));
        assert!(refused(Exchange::Coinbase, r#"{"message":"NotFound"}"#).contains("NotFound"));
        let body = r#"{"error":["EQuery:Unknown asset pair"]}"#;
        assert!(refused(Exchange::Kraken, body).contains("Unknown asset pair"));
    }

    #[test]
    fn other_answers_are_refused() {
        for body in
            ["", "<html>", "{}", "null", r#"[["x"]]"#, "[[1,2]]", r#"[[1722470400000,"a","b"]]"#]
        {
            for exchange in [Exchange::Binance, Exchange::Coinbase, Exchange::Kraken] {
                assert!(exchange.parse(body).is_err(), "{exchange:?} took {body}");
            }
        }
    }

    #[test]
    fn requests_ask_for_a_page() {
        let path = Exchange::Binance.path("BTCUSDT", 3600, 7200);
        assert!(path.contains("startTime=3600000&endTime=7199999"), "{path}");
        let path = Exchange::Coinbase.path("BTC-USD", 1_722_470_400, 1_722_477_600);
        assert!(path.ends_with("start=2024-08-01T00:00:00Z&end=2024-08-01T01:00:00Z"), "{path}");
        assert_eq!(Exchange::Kraken.pair("BTC"), "XBTUSD");
    }
}
