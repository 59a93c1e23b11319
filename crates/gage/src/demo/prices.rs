//! The demo's prices: a step of the history becomes a price for each asset, and a report for each feed.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::world::{ASSETS, Source, WAD, asset_of};
use crate::history::History;

/// Seconds of a year, as rates grow.
const YEAR_SECONDS: u64 = 31_536_000;

/// Basis points in one.
const BPS: u128 = 10_000;

/// The last known price of each series, and the rates that grow with time.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    /// Rates are counted from here, in Unix seconds.
    since: u64,
    series: BTreeMap<String, u128>,
    /// Series that come from a history: published only when it says so.
    recorded: Vec<String>,
}

impl Prices {
    /// The prices of the tables; `since` is the chain's first second.
    pub(crate) fn new(since: u64) -> Self {
        Self { since, series: BTreeMap::new(), recorded: Vec::new() }
    }

    /// The prices before a history's first step: its first ones.
    pub(crate) fn before(history: &History, since: u64) -> Self {
        let first = |(asset, bars): (&String, &Vec<_>)| {
            let bar: Option<&crate::history::Bar> = bars.first();
            bar.map(|bar| (asset.clone(), bar.open))
        };
        let series = history.bars.iter().filter_map(first).collect();
        Self { since, series, recorded: history.bars.keys().cloned().collect() }
    }

    /// Series of the history that the world has no feed for.
    pub(crate) fn unused(&self) -> Vec<String> {
        let used = |name: &str| ASSETS.iter().any(|asset| series_of(asset.source) == Some(name));
        self.recorded.iter().filter(|name| !used(name)).cloned().collect()
    }

    /// Takes what a step says.
    pub(crate) fn update(&mut self, step: &BTreeMap<String, u128>) {
        self.series.extend(step.iter().map(|(asset, price)| (asset.clone(), *price)));
    }

    /// What is reported to each feed at `time`, in wads: prices, and of staked coins rates. With `step`,
    /// feeds in a gap of the history are left out.
    pub(crate) fn reports(
        &self,
        time: u64,
        step: Option<&BTreeMap<String, u128>>,
    ) -> Vec<(u32, u128)> {
        let mut reports = self.at(time, step);
        for (feed, number) in &mut reports {
            if let (Source::Growing { rate, growth_per_year_bps, .. }, Some(_)) =
                (asset_of(*feed).source, asset_of(*feed).underlying())
            {
                *number = self.grown(rate, growth_per_year_bps, time);
            }
        }
        reports
    }

    /// Each asset's price at `time`, in wads. With `step`, those in a gap of the history are left
    /// out.
    pub(crate) fn at(&self, time: u64, step: Option<&BTreeMap<String, u128>>) -> Vec<(u32, u128)> {
        let in_gap = |name: &str| {
            step.is_some_and(|step| {
                self.recorded.iter().any(|known| known == name) && !step.contains_key(name)
            })
        };
        (1..)
            .zip(&ASSETS)
            .filter(|(_, asset)| !series_of(asset.source).is_some_and(in_gap))
            .map(|(feed, asset)| (feed, self.price(asset.source, time)))
            .collect()
    }

    fn price(&self, source: Source, time: u64) -> u128 {
        let known = |series: &str, otherwise| self.series.get(series).copied().unwrap_or(otherwise);
        match source {
            Source::History { series, otherwise } => known(series, otherwise),
            Source::Growing { series, rate, growth_per_year_bps } => {
                let base = series.map_or(WAD, |(series, otherwise)| known(series, otherwise));
                product(base, self.grown(rate, growth_per_year_bps, time))
            }
        }
    }

    fn grown(&self, rate: u128, growth_per_year_bps: u128, time: u64) -> u128 {
        let elapsed = u128::from(time.saturating_sub(self.since));
        rate + rate * growth_per_year_bps * elapsed / BPS / u128::from(YEAR_SECONDS)
    }
}

/// Two wads multiplied, rounded down.
fn product(a: u128, b: u128) -> u128 {
    (U256::from(a) * U256::from(b) / U256::from(WAD)).saturating_to()
}

/// The series of a history that is reported to a feed as it is.
pub(crate) fn series(feed: u32) -> Option<&'static str> {
    match asset_of(feed).source {
        Source::History { series, .. } => Some(series),
        Source::Growing { .. } => None,
    }
}

fn series_of(source: Source) -> Option<&'static str> {
    match source {
        Source::History { series, .. } | Source::Growing { series: Some((series, _)), .. } => {
            Some(series)
        }
        Source::Growing { series: None, .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::world::id;

    fn price(prices: &[(u32, u128)], feed: u32) -> Option<u128> {
        prices.iter().find(|(id, _)| *id == feed).map(|(_, price)| *price)
    }

    #[test]
    fn claims_grow_and_follow() {
        let mut prices = Prices::new(0);
        prices.update(&BTreeMap::from([("ETH".to_owned(), 2_000 * WAD)]));
        let at_start = prices.at(0, None);
        assert_eq!(price(&at_start, id::WSTETH), Some(2_348 * WAD));
        let after_a_year = prices.at(YEAR_SECONDS, None);
        assert_eq!(price(&after_a_year, id::WSTETH), Some(2_348 * WAD * 1_032 / 1_000));
        assert_eq!(price(&after_a_year, id::WETH), Some(2_000 * WAD));
        assert!(price(&after_a_year, id::SDAI) > price(&at_start, id::SDAI));
        // Reported is the rate; the price follows from it.
        let reported = prices.reports(YEAR_SECONDS, None);
        assert_eq!(price(&reported, id::WSTETH), Some(1_174 * WAD / 1_000 * 1_032 / 1_000));
        assert_eq!(price(&reported, id::SDAI), price(&after_a_year, id::SDAI));
        assert_eq!(crate::demo::world::price_feed(id::WSTETH), 10);
    }

    #[test]
    fn a_gap_in_a_series_is_a_gap_in_all_that_follow_it() {
        let history = History::open("2024-08").unwrap();
        let prices = Prices::before(&history, 0);
        let step = BTreeMap::from([("BTC".to_owned(), WAD)]);
        let feeds: Vec<_> = prices.at(0, Some(&step)).into_iter().map(|(feed, _)| feed).collect();
        assert_eq!(feeds, [id::WBTC, id::USDC, id::DAI, id::SDAI]);
        assert_eq!(prices.at(0, None).len(), ASSETS.len());
        assert!(prices.unused().is_empty());
    }
}
