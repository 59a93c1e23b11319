//! How exchanges are spoken to: what to send, and what their answers mean. Nothing here touches the network.

mod binance;
mod coinbase;
mod kraken;

use serde::Deserialize;

use crate::Tick;

/// An exchange whose public prices are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Venue {
    /// Coinbase Exchange. Symbols such as `ETH-USD`.
    Coinbase,
    /// Kraken. Symbols such as `ETH/USD`.
    Kraken,
    /// Binance spot. Symbols such as `ETHUSDT`.
    Binance,
}

/// Why an answer is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VenueError {
    /// No JSON of the form that the venue documents.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// A number that is no price, or bid above ask.
    #[error("no price: {0}")]
    NoPrice(String),
    /// The venue says that something is wrong.
    #[error("the venue refuses: {0}")]
    Refused(String),
}

impl Venue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Coinbase, Self::Kraken, Self::Binance];

    /// Its name, as in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coinbase => "coinbase",
            Self::Kraken => "kraken",
            Self::Binance => "binance",
        }
    }

    /// Where its stream of quotes and its single quotes are, unless told otherwise.
    #[must_use]
    pub const fn endpoints(self) -> (&'static str, &'static str) {
        match self {
            Self::Coinbase => {
                ("wss://ws-feed.exchange.coinbase.com", "https://api.exchange.coinbase.com")
            }
            Self::Kraken => ("wss://ws.kraken.com/v2", "https://api.kraken.com"),
            Self::Binance => ("wss://stream.binance.com:9443", "https://api.binance.com"),
        }
    }

    /// How many single quotes may be asked for in a second: well below what the venue allows.
    #[must_use]
    pub const fn requests_per_second(self) -> u32 {
        match self {
            Self::Coinbase => 5,
            Self::Kraken => 1,
            Self::Binance => 10,
        }
    }

    /// The address of the stream of these symbols.
    #[must_use]
    pub fn socket_url(self, base: &str, symbols: &[String]) -> String {
        match self {
            Self::Coinbase | Self::Kraken => base.to_owned(),
            Self::Binance => binance::socket_url(base, symbols),
        }
    }

    /// What to send first on the stream; nothing where the address says it.
    #[must_use]
    pub fn subscription(self, symbols: &[String]) -> Option<String> {
        match self {
            Self::Coinbase => Some(coinbase::subscription(symbols)),
            Self::Kraken => Some(kraken::subscription(symbols)),
            Self::Binance => None,
        }
    }

    /// The quotes in a message of the stream; none in one that only says that the stream lives.
    ///
    /// # Errors
    /// [`VenueError`].
    pub fn read_message(self, text: &str) -> Result<Vec<Tick>, VenueError> {
        match self {
            Self::Coinbase => coinbase::read_message(text),
            Self::Kraken => kraken::read_message(text),
            Self::Binance => binance::read_message(text),
        }
    }

    /// The address of a single quote.
    #[must_use]
    pub fn quote_url(self, base: &str, symbol: &str) -> String {
        match self {
            Self::Coinbase => format!("{base}/products/{symbol}/ticker"),
            Self::Kraken => format!("{base}/0/public/Ticker?pair={}", symbol.replace('/', "")),
            Self::Binance => format!("{base}/api/v3/ticker/bookTicker?symbol={symbol}"),
        }
    }

    /// A single quote of `symbol`.
    ///
    /// # Errors
    /// [`VenueError`].
    pub fn read_quote(self, symbol: &str, text: &str) -> Result<Tick, VenueError> {
        match self {
            Self::Coinbase => coinbase::read_quote(symbol, text),
            Self::Kraken => kraken::read_quote(symbol, text),
            Self::Binance => binance::read_quote(symbol, text),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, VenueError> {
    serde_json::from_str(text).map_err(|why| VenueError::Unreadable(why.to_string()))
}

/// A quote of prices as the venue writes them.
fn tick(symbol: &str, (bid, ask): (&str, &str), time: Option<u64>) -> Result<Tick, VenueError> {
    let wad = |text: &str| crate::decimal::parse_wad(text.trim_matches('"'));
    let both = wad(bid).zip(wad(ask));
    let found = both.and_then(|(bid, ask)| Tick::new(symbol, bid, ask, time));
    found.ok_or_else(|| VenueError::NoPrice(format!("{symbol}: bid {bid}, ask {ask}")))
}

/// Milliseconds since 1970 of a time such as `2024-08-05T13:00:00.123456Z`.
fn milliseconds(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let valid =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis: u64 = digits.parse().ok()?;
    // Days since 1970 of the proleptic Gregorian calendar, years counted from March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WAD: u128 = 10_u128.pow(18);

    fn quote(bid: u128, ask: u128) -> (u128, u128) {
        (bid * WAD / 100, ask * WAD / 100)
    }

    #[test]
    fn times_are_read() {
        assert_eq!(milliseconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(milliseconds("2024-08-05T13:00:00.123456Z"), Some(1_722_862_800_123));
        assert_eq!(milliseconds("2000-02-29T23:59:59.9Z"), Some(951_868_799_900));
        for text in
            ["", "Z", "2024-08-05", "2024-13-05T00:00:00Z", "1969-12-31T00:00:00Z", "xT0:0:0Z"]
        {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn coinbase_is_read() {
        let message = r#"{"type":"ticker","sequence":37475248783,"product_id":"ETH-USD","price":"1285.22",
            "best_bid":"1285.04","best_bid_size":"0.46688654","best_ask":"1285.27","best_ask_size":"1.56637040",
            "side":"buy","time":"2022-10-19T23:28:22.061769Z","trade_id":370843401,"last_size":"11.4396987"}"#;
        let found = Venue::Coinbase.read_message(message).unwrap();
        assert_eq!((found[0].bid, found[0].ask), quote(128_504, 128_527));
        assert_eq!(found[0].time, Some(1_666_222_102_061));
        assert_eq!(
            Venue::Coinbase.read_message(r#"{"type":"heartbeat","sequence":90}"#),
            Ok(vec![])
        );
        let refused =
            Venue::Coinbase.read_message(r#"{"type":"error","message":"no such product"}"#);
        assert_eq!(refused, Err(VenueError::Refused("no such product".into())));
        let answer = r#"{"ask":"6267.71","bid":"6265.15","volume":"53602.03","trade_id":86326522,
            "price":"6268.48","size":"0.00698254","time":"2020-03-20T00:22:57.833897Z"}"#;
        let tick = Venue::Coinbase.read_quote("BTC-USD", answer).unwrap();
        assert_eq!((tick.bid, tick.ask), quote(626_515, 626_771));
    }

    #[test]
    fn kraken_is_read() {
        let message = r#"{"channel":"ticker","type":"update","data":[{"symbol":"ALGO/USD","bid":0.10025,
            "bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98,
            "vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17}]}"#;
        let found = Venue::Kraken.read_message(message).unwrap();
        assert_eq!((found[0].bid, found[0].ask), (10_025 * WAD / 100_000, 10_036 * WAD / 100_000));
        assert_eq!(Venue::Kraken.read_message(r#"{"channel":"heartbeat"}"#), Ok(vec![]));
        let refused =
            r#"{"method":"subscribe","success":false,"error":"Currency pair not supported X/Y"}"#;
        assert!(matches!(Venue::Kraken.read_message(refused), Err(VenueError::Refused(_))));
        let answer = r#"{"error":[],"result":{"XETHZUSD":{"a":["2412.50000","1","1.000"],
            "b":["2412.40000","3","3.000"],"c":["2412.41000","0.01"],"v":["1.0","2.0"]}}}"#;
        let tick = Venue::Kraken.read_quote("ETH/USD", answer).unwrap();
        assert_eq!((tick.bid, tick.ask), quote(241_240, 241_250));
        let refused = r#"{"error":["EQuery:Unknown asset pair"]}"#;
        assert!(matches!(Venue::Kraken.read_quote("X/Y", refused), Err(VenueError::Refused(_))));
    }

    #[test]
    fn binance_is_read() {
        let message = r#"{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35190000",
            "B":"31.21000000","a":"25.36520000","A":"40.66000000"}}"#;
        let found = Venue::Binance.read_message(message).unwrap();
        assert_eq!((found[0].symbol.as_str(), found[0].bid), ("BNBUSDT", 253_519 * WAD / 10_000));
        let answer = r#"{"symbol":"LTCBTC","bidPrice":"4.00000000","bidQty":"431.00000000",
            "askPrice":"4.00000200","askQty":"9.00000000"}"#;
        let tick = Venue::Binance.read_quote("LTCBTC", answer).unwrap();
        assert_eq!(tick.half_spread(), WAD / 1_000_000);
        let refused = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
        assert_eq!(
            Venue::Binance.read_quote("X", refused),
            Err(VenueError::Refused("Invalid symbol.".into()))
        );
        let symbols = ["ETHUSDT".to_owned(), "BTCUSDT".to_owned()];
        assert_eq!(
            Venue::Binance.socket_url("wss://x", &symbols),
            "wss://x/stream?streams=ethusdt@bookTicker/btcusdt@bookTicker"
        );
    }

    #[test]
    fn impossible_quotes_are_refused() {
        for (bid, ask) in
            [("0", "1"), ("-1", "1"), ("2", "1"), ("NaN", "1"), ("1e400", "1e401"), ("", "")]
        {
            let answer = format!(r#"{{"symbol":"A","bidPrice":"{bid}","askPrice":"{ask}"}}"#);
            assert!(
                matches!(Venue::Binance.read_quote("A", &answer), Err(VenueError::NoPrice(_))),
                "{answer}"
            );
        }
        let other = r#"{"symbol":"B","bidPrice":"1","askPrice":"1"}"#;
        assert!(Venue::Binance.read_quote("A", other).is_err(), "another pair's price");
    }

    proptest! {
        #[test]
        fn whatever_a_venue_says_is_read_or_refused(text in "\\PC{0,200}", cut in 0_usize..300) {
            let real = r#"{"channel":"ticker","type":"update","data":[{"symbol":"A/B","bid":1e5,"ask":1e5}]}"#;
            for venue in Venue::ALL {
                let _ = venue.read_message(&text);
                let _ = venue.read_quote("A", &text);
                let _ = venue.read_message(real.get(..cut).unwrap_or(real));
            }
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "[".repeat(100_000);
        for venue in Venue::ALL {
            assert!(venue.read_message(&deep).is_err() && venue.read_quote("A", &deep).is_err());
        }
    }
}
