//! The newest quote of each venue, and the price that they make together.

use std::collections::BTreeMap;

use gage_core::aggregate::{Vote, aggregate, bit};
use gage_core::{Ppm, Timestamp, Wad};
use serde::Serialize;

use crate::config::{Config, Listing, Market};
use crate::{Tick, Venue};

/// One, as a wad.
const WAD: u128 = 1_000_000_000_000_000_000;

/// Where a quote comes from: a venue's pair.
pub type Pair = (Venue, String);

/// A price of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The feed's number.
    pub feed: u32,
    /// What the configuration calls it.
    pub name: String,
    /// In wads.
    pub price: u128,
    /// How far from it the venues hold the truth possible, in wads.
    pub confidence: u128,
    /// What each of its venues did.
    pub venues: Vec<(Pair, VenueState)>,
}

/// What became of a feed in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has a price.
    Priced(Priced),
    /// It has none.
    Missing {
        /// The feed's number.
        feed: u32,
        /// What the configuration calls it.
        name: String,
        /// Why.
        why: String,
        /// What each of its venues did.
        venues: Vec<(Pair, VenueState)>,
    },
}

impl Outcome {
    /// The feed's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Priced(Priced { name, .. }) | Self::Missing { name, .. } => name,
        }
    }

    /// What each of its venues did.
    #[must_use]
    pub fn venues(&self) -> &[(Pair, VenueState)] {
        match self {
            Self::Priced(Priced { venues, .. }) | Self::Missing { venues, .. } => venues,
        }
    }
}

/// What a venue did for a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VenueState {
    /// Its quote counts.
    Counts,
    /// It is too far from the others'.
    Outlier,
    /// Its quote is too old, or there was none yet.
    Silent,
    /// It has said the same for too long.
    Frozen,
    /// The currency in which it quotes has no price.
    Unconverted,
}

/// A quote, since when it has been the same, and when it was last heard; in milliseconds.
#[derive(Clone, Debug)]
struct Heard {
    tick: Tick,
    since: u64,
    at: u64,
}

/// Makes prices of quotes; time comes in with each call, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Aggregator {
    markets: Vec<Market>,
    frozen_after: u64,
    heard: BTreeMap<Pair, Heard>,
}

impl Aggregator {
    /// Of a checked configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let markets = config.feeds.clone();
        Self { markets, frozen_after: config.frozen_after * 1_000, heard: BTreeMap::new() }
    }

    /// Takes a venue's quote, heard at `now`.
    pub fn observe(&mut self, venue: Venue, tick: Tick, now: u64) {
        let pair = (venue, tick.symbol.clone());
        match self.heard.get_mut(&pair) {
            Some(heard) if heard.tick == tick => heard.at = now,
            _ => drop(self.heard.insert(pair, Heard { tick, since: now, at: now })),
        }
    }

    /// When a pair was last heard, and its quote.
    #[must_use]
    pub fn last(&self, pair: &Pair) -> Option<(u64, &Tick)> {
        self.heard.get(pair).map(|heard| (heard.at, &heard.tick))
    }

    /// What each feed is worth at `now`, in the order of the configuration: feeds in whose currency others quote come
    /// first there.
    #[must_use]
    pub fn round(&self, now: u64) -> Vec<Outcome> {
        let mut priced = BTreeMap::new();
        let mut outcomes = Vec::with_capacity(self.markets.len());
        for market in &self.markets {
            let outcome = self.outcome(market, &priced, now);
            if let Outcome::Priced(found) = &outcome {
                priced.insert(market.name.clone(), found.price);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn outcome(&self, market: &Market, priced: &BTreeMap<String, u128>, now: u64) -> Outcome {
        let quotes: Vec<_> =
            market.venues.iter().map(|listing| self.quote(listing, market, priced, now)).collect();
        let mut votes = Vec::new();
        for ((place, quote), listing) in (0_u8..).zip(&quotes).zip(&market.venues) {
            if let Ok((price, half_spread)) = *quote {
                let confidence = Ppm::part(Wad::new(half_spread), Wad::new(price));
                let (weight, time) = (listing.weight, Timestamp::new(now / 1_000));
                votes.push(Vote { place, weight, price: Wad::new(price), confidence, time });
            }
        }
        let found = aggregate(&votes, market.quorum, market.outlier());
        let rejected = found.map_or(0, |found| found.rejected);
        let states = (0_u8..).zip(&quotes).map(|(place, quote)| match *quote {
            Err(state) => state,
            Ok(_) if rejected & bit(place) != 0 => VenueState::Outlier,
            Ok(_) => VenueState::Counts,
        });
        let venues =
            market.venues.iter().map(|one| (one.venue, one.symbol.clone())).zip(states).collect();
        let (feed, name) = (market.feed, market.name.clone());
        match found {
            // Two that disagree have a median, and no price.
            Ok(found) if found.spread > market.spread().into() => {
                let apart = f64::from(found.spread.get()) / 10_000.0;
                let why = format!("venues are {apart:.2} % apart");
                Outcome::Missing { feed, name, why, venues }
            }
            Ok(found) => {
                let price = found.price.get();
                let spread = u128::from(found.spread.get());
                let confidence = price.saturating_mul(spread).div_ceil(1_000_000);
                Outcome::Priced(Priced { feed, name, price, confidence, venues })
            }
            Err(short) => {
                let why = format!("{} of {} venues agree", short.accepted, market.quorum);
                Outcome::Missing { feed, name, why, venues }
            }
        }
    }

    /// A venue's middle price and half spread in dollars.
    fn quote(
        &self,
        listing: &Listing,
        market: &Market,
        priced: &BTreeMap<String, u128>,
        now: u64,
    ) -> Result<(u128, u128), VenueState> {
        let pair = (listing.venue, listing.symbol.clone());
        let heard = self.heard.get(&pair).ok_or(VenueState::Silent)?;
        if now.saturating_sub(heard.at) > market.max_age * 1_000 {
            return Err(VenueState::Silent);
        }
        if now.saturating_sub(heard.since) > self.frozen_after {
            return Err(VenueState::Frozen);
        }
        let (middle, half_spread) = (heard.tick.middle(), heard.tick.half_spread());
        let Some(currency) = &listing.quoted_in else {
            return Ok((middle, half_spread));
        };
        let rate = *priced.get(currency).ok_or(VenueState::Unconverted)?;
        let convert = |number| gage_core::mul_div_down(number, rate, WAD);
        convert(middle)
            .and_then(|middle| Ok((middle, convert(half_spread)?)))
            .map_err(|_| VenueState::Outlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        frozen_after = 60
        [[feeds]]
        feed = 3
        name = "USDT"
        quorum = 1
        venues = [{ venue = "kraken", symbol = "USDT/USD" }]
        [[feeds]]
        feed = 1
        name = "ETH"
        quorum = 2
        max_age = 10
        outlier_percent = 1.0
        venues = [
            { venue = "coinbase", symbol = "ETH-USD" },
            { venue = "kraken", symbol = "ETH/USD" },
            { venue = "binance", symbol = "ETHUSDT", quoted_in = "USDT" },
        ]
    "#;

    fn heard(quotes: &[(Venue, &str, u128)], at: u64) -> Aggregator {
        let mut found = Aggregator::new(&Config::parse(CONFIG).unwrap());
        for (venue, symbol, cents) in quotes {
            found.observe(*venue, Tick::flat(symbol, cents * WAD / 100, None), at);
        }
        found
    }

    const USDT: (Venue, &str, u128) = (Venue::Kraken, "USDT/USD", 98);

    fn eth(aggregator: &Aggregator, now: u64) -> Outcome {
        aggregator.round(now).remove(1)
    }

    fn price(outcome: &Outcome) -> Option<u128> {
        match outcome {
            Outcome::Priced(priced) => Some(priced.price * 100 / WAD),
            Outcome::Missing { .. } => None,
        }
    }

    #[test]
    fn venues_in_other_currencies_are_converted() {
        let all = [
            USDT,
            (Venue::Coinbase, "ETH-USD", 200_000),
            (Venue::Kraken, "ETH/USD", 200_100),
            (Venue::Binance, "ETHUSDT", 204_000),
        ];
        let found = eth(&heard(&all, 1_000), 2_000);
        // 2040 tether at 0.98 are 1999.20.
        assert_eq!(price(&found), Some(200_000));
        assert!(found.venues().iter().all(|(_, state)| *state == VenueState::Counts));
        let without = eth(&heard(&all[1..], 1_000), 2_000);
        assert_eq!(without.venues()[2].1, VenueState::Unconverted);
        assert_eq!(price(&without), Some(200_050));
    }

    #[test]
    fn one_that_lies_is_named_and_two_that_disagree_are_no_quorum_with_it() {
        let lie = [
            USDT,
            (Venue::Coinbase, "ETH-USD", 140_000),
            (Venue::Kraken, "ETH/USD", 200_000),
            (Venue::Binance, "ETHUSDT", 204_081),
        ];
        let found = eth(&heard(&lie, 1_000), 2_000);
        assert_eq!(found.venues()[0].1, VenueState::Outlier);
        assert!((199_990..=200_010).contains(&price(&found).unwrap()));
    }

    #[test]
    fn silence_and_frozen_quotes_do_not_count() {
        let two = [(Venue::Coinbase, "ETH-USD", 200_000), (Venue::Kraken, "ETH/USD", 200_000)];
        let mut found = heard(&two, 1_000);
        assert_eq!(price(&eth(&found, 11_000)), Some(200_000));
        assert_eq!(eth(&found, 11_001).venues()[0].1, VenueState::Silent);
        // Kraken goes on to say the same; Coinbase moves.
        for second in 1..=61 {
            found.observe(Venue::Kraken, Tick::flat("ETH/USD", 2_000 * WAD, None), second * 1_000);
            let moved = 2_000 * WAD + u128::from(second);
            found.observe(Venue::Coinbase, Tick::flat("ETH-USD", moved, None), second * 1_000);
        }
        assert_eq!(price(&eth(&found, 61_000)), Some(200_000));
        let frozen = eth(&found, 61_001);
        assert_eq!(frozen.venues()[1].1, VenueState::Frozen);
        assert_eq!(price(&frozen), None, "one is no quorum of two");
    }

    #[test]
    fn confidence_is_half_the_spread_or_what_venues_are_apart() {
        let mut found = heard(&[(Venue::Kraken, "ETH/USD", 200_000)], 1_000);
        let tick = Tick::new("ETH-USD", 1_990 * WAD, 2_010 * WAD, None).unwrap();
        found.observe(Venue::Coinbase, tick, 1_000);
        let Outcome::Priced(priced) = eth(&found, 1_000) else { panic!() };
        assert_eq!((priced.price, priced.confidence), (2_000 * WAD, 10 * WAD));
    }
}
