//! The publisher's configuration.

use std::collections::BTreeSet;

use gage_core::{Bps, aggregate::SOURCES_MAX};
use serde::Deserialize;

use crate::Venue;

/// An example with every setting.
pub const EXAMPLE: &str = r#"# What to publish, and from where. Settings with a default may be left out.

# The node that takes the reports.
node = "http://127.0.0.1:8545"
# Seconds between two looks at the prices.
interval = 1
# A venue that says the same for so many seconds is taken for frozen.
frozen_after = 300
# Health as JSON at http://ADDRESS/health: 503 while a feed has no price.
health = "127.0.0.1:9186"
# Prometheus metrics at http://ADDRESS/metrics.
metrics = "127.0.0.1:9187"

# Feeds in whose currency others quote come first.
[[feeds]]
feed = 3                  # the feed's number on the chain
name = "USDC"
quorum = 1                # so many venues must agree
venues = [
    { venue = "kraken", symbol = "USDC/USD" },
]

[[feeds]]
feed = 1
name = "ETH"
quorum = 2
max_age = 10              # seconds after which a venue's quote does not count
outlier_percent = 0.5     # a quote at most this far from the median is no outlier
spread_percent = 1.0      # venues farther apart than this are no price
deviation_percent = 0.1   # publish when the price has moved so far …
heartbeat = 60            # … or after so many seconds
venues = [
    { venue = "coinbase", symbol = "ETH-USD", weight = 2 },
    { venue = "kraken", symbol = "ETH/USD" },
    { venue = "binance", symbol = "ETHUSDC", quoted_in = "USDC" },
]

# Other addresses of a venue, for a proxy or a test.
# [endpoints.kraken]
# socket = "wss://ws.kraken.com/v2"
# rest = "https://api.kraken.com"
"#;

/// Everything that a publisher is told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The node's address.
    #[serde(default = "node_default")]
    pub node: String,
    /// Seconds between two rounds.
    #[serde(default = "interval_default")]
    pub interval: u64,
    /// Seconds after which a quote that does not change is taken for frozen.
    #[serde(default = "frozen_default")]
    pub frozen_after: u64,
    /// Where health is served; nowhere if it is left out.
    pub health: Option<std::net::SocketAddr>,
    /// Where metrics are served; nowhere if it is left out.
    pub metrics: Option<std::net::SocketAddr>,
    /// What is published.
    pub feeds: Vec<Market>,
    /// Other addresses of venues.
    #[serde(default)]
    pub endpoints: Endpoints,
}

/// A feed and the pairs that price it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// The feed's number on the chain.
    pub feed: u32,
    /// What it is called.
    pub name: String,
    /// How many venues must agree.
    pub quorum: u8,
    /// Seconds after which a quote does not count.
    #[serde(default = "max_age_default")]
    pub max_age: u64,
    /// A quote at most this far from the median is no outlier, in percent.
    #[serde(default = "outlier_default")]
    outlier_percent: f64,
    /// Venues that are farther apart than this are no price, in percent.
    #[serde(default = "spread_default")]
    spread_percent: f64,
    /// A price that has moved this far is published, in percent.
    #[serde(default = "deviation_default")]
    deviation_percent: f64,
    /// Seconds after which a price is published anew.
    #[serde(default = "heartbeat_default")]
    pub heartbeat: u64,
    /// The pairs.
    pub venues: Vec<Listing>,
}

/// A pair on a venue.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The venue.
    pub venue: Venue,
    /// Its name of the pair.
    pub symbol: String,
    /// How much it counts beside the others.
    #[serde(default = "weight_default")]
    pub weight: u16,
    /// The feed of the currency in which it quotes; dollars if it is left out.
    pub quoted_in: Option<String>,
}

/// Other addresses than the venues' own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    coinbase: Endpoint,
    kraken: Endpoint,
    binance: Endpoint,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Endpoint {
    socket: Option<String>,
    rest: Option<String>,
}

fn node_default() -> String {
    "http://127.0.0.1:8545".to_owned()
}

const fn interval_default() -> u64 {
    1
}

const fn frozen_default() -> u64 {
    300
}

const fn max_age_default() -> u64 {
    10
}

const fn outlier_default() -> f64 {
    0.5
}

const fn spread_default() -> f64 {
    1.0
}

const fn deviation_default() -> f64 {
    0.1
}

const fn heartbeat_default() -> u64 {
    60
}

const fn weight_default() -> u16 {
    1
}

/// Why a configuration is none.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// No TOML, or not of this form.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// A value that makes no sense.
    #[error("{at}: {why}")]
    Value {
        /// Where.
        at: String,
        /// Why.
        why: String,
    },
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`ConfigError`] with the place of the first mistake.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |at: &str, why: String| Err(ConfigError::Value { at: at.to_owned(), why });
        if self.interval == 0 || self.interval > 3_600 {
            return wrong("interval", "must be from 1 to 3600 seconds".into());
        }
        if self.feeds.is_empty() {
            return wrong("feeds", "nothing to publish; see --example-config".into());
        }
        let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for market in &self.feeds {
            market.check(&names)?;
            if !names.insert(market.name.clone()) || !numbers.insert(market.feed) {
                return wrong(&format!("feed {}", market.name), "is named twice".into());
            }
        }
        Ok(())
    }

    /// The addresses of a venue's stream and of its single quotes.
    #[must_use]
    pub fn endpoints(&self, venue: Venue) -> (String, String) {
        let Endpoint { socket, rest } = match venue {
            Venue::Coinbase => &self.endpoints.coinbase,
            Venue::Kraken => &self.endpoints.kraken,
            Venue::Binance => &self.endpoints.binance,
        };
        let (socket_default, rest_default) = venue.endpoints();
        let or = |told: &Option<String>, default: &str| {
            told.clone().unwrap_or_else(|| default.to_owned())
        };
        (or(socket, socket_default), or(rest, rest_default))
    }

    /// All pairs of a venue, once each.
    #[must_use]
    pub fn symbols(&self, venue: Venue) -> Vec<String> {
        let all = self.feeds.iter().flat_map(|market| &market.venues);
        let of_venue = all.filter(|listing| listing.venue == venue);
        let symbols: BTreeSet<_> = of_venue.map(|listing| listing.symbol.clone()).collect();
        symbols.into_iter().collect()
    }
}

impl Market {
    fn check(&self, before: &BTreeSet<String>) -> Result<(), ConfigError> {
        let at = format!("feed {}", self.name);
        let wrong = |why: String| Err(ConfigError::Value { at: at.clone(), why });
        let count = self.venues.len();
        if count == 0 || count > usize::from(SOURCES_MAX) {
            return wrong(format!("has {count} venues; 1 to {SOURCES_MAX} are possible"));
        }
        if self.quorum == 0 || usize::from(self.quorum) > count {
            return wrong(format!("a quorum of {} of {count} venues", self.quorum));
        }
        for (name, percent) in [
            ("outlier_percent", self.outlier_percent),
            ("spread_percent", self.spread_percent),
            ("deviation_percent", self.deviation_percent),
        ] {
            if !(0.0..100.0).contains(&percent) {
                return wrong(format!("{name} must be from 0 to below 100"));
            }
        }
        if self.max_age == 0 || self.heartbeat == 0 {
            return wrong("max_age and heartbeat must be at least a second".into());
        }
        let mut pairs = BTreeSet::new();
        for listing in &self.venues {
            let pair = format!("{} {}", listing.venue.name(), listing.symbol);
            if listing.weight == 0 || listing.symbol.is_empty() {
                return wrong(format!("{pair}: needs a symbol, and a weight above 0"));
            }
            if !pairs.insert((listing.venue, &listing.symbol)) {
                return wrong(format!("{pair} is named twice"));
            }
            if let Some(currency) = listing.quoted_in.as_ref().filter(|one| !before.contains(*one))
            {
                return wrong(format!("{pair}: no feed called {currency} comes before this one"));
            }
        }
        Ok(())
    }

    /// A quote at most this far from the median is no outlier.
    #[must_use]
    pub fn outlier(&self) -> Bps {
        Bps::new(basis_points(self.outlier_percent))
    }

    /// Venues that are farther apart than this are no price.
    #[must_use]
    pub fn spread(&self) -> Bps {
        Bps::new(basis_points(self.spread_percent))
    }

    /// A price that has moved this far is published.
    #[must_use]
    pub fn deviation(&self) -> Bps {
        Bps::new(basis_points(self.deviation_percent))
    }
}

/// Percent as basis points; the configuration was checked.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to below 100")]
fn basis_points(percent: f64) -> u16 {
    (percent * 100.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_one() {
        let config = Config::parse(EXAMPLE).unwrap();
        assert_eq!(config.symbols(Venue::Kraken), ["ETH/USD", "USDC/USD"]);
        assert_eq!(config.feeds[1].deviation(), Bps::new(10));
        assert_eq!(config.endpoints(Venue::Binance).1, "https://api.binance.com");
    }

    #[test]
    fn mistakes_are_named() {
        let feed = |more: &str| format!("[[feeds]]\nfeed = 1\nname = \"A\"\nquorum = 1\n{more}");
        let venues = "venues = [{ venue = \"kraken\", symbol = \"A/USD\" }]";
        assert!(Config::parse(&feed(venues)).is_ok());
        for (text, said) in [
            (String::new(), "feeds"),
            ("feeds = []".into(), "nothing to publish"),
            (format!("interval = 0\n{}", feed(venues)), "interval"),
            (format!("colour = 1\n{}", feed(venues)), "colour"),
            (feed("venues = []"), "has 0 venues"),
            (feed("venues = [{ venue = \"mtgox\", symbol = \"A\" }]"), "mtgox"),
            (feed("venues = [{ venue = \"kraken\", symbol = \"\" }]"), "needs a symbol"),
            (feed(&format!("max_age = 0\n{venues}")), "max_age"),
            (feed(&format!("outlier_percent = 100\n{venues}")), "outlier_percent"),
            (feed(&format!("outlier_percent = nan\n{venues}")), "outlier_percent"),
            (
                feed("venues = [{ venue = \"kraken\", symbol = \"A\", quoted_in = \"B\" }]"),
                "no feed called B",
            ),
            (format!("{}\n{}", feed(venues), feed(venues)), "twice"),
            (feed(venues).replace("quorum = 1", "quorum = 2"), "a quorum of 2 of 1"),
        ] {
            assert!(refusal(&text).contains(said), "{text}: {}", refusal(&text));
        }
    }
}
