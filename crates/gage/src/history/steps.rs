//! From bars to steps: which prices are published when.

use std::collections::BTreeMap;

use super::{Bar, History};

/// Steps that a bar is replayed in.
const STEPS_OF_BAR: u64 = 4;

/// Prices published at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Unix seconds.
    pub(crate) time: u64,
    /// By asset, in wads; assets in a gap are absent.
    pub(crate) prices: BTreeMap<String, u128>,
}

impl Bar {
    /// Open, then the extremes in the likelier order, then close: a bar that rose dipped first.
    fn path(&self) -> [u128; STEPS_OF_BAR as usize] {
        let Self { open, high, low, close, .. } = *self;
        if close >= open { [open, low, high, close] } else { [open, high, low, close] }
    }
}

impl History {
    /// All steps, in the order of time.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let stride = (self.bar_seconds() / STEPS_OF_BAR).max(1);
        let mut by_time: BTreeMap<u64, BTreeMap<String, u128>> = BTreeMap::new();
        for (asset, bars) in &self.bars {
            for bar in bars {
                for (time, price) in (bar.time..).step_by(stride as usize).zip(bar.path()) {
                    by_time.entry(time).or_default().insert(asset.clone(), price);
                }
            }
        }
        by_time.into_iter().map(|(time, prices)| Step { time, prices }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::HEADER;

    fn steps(rows: &str) -> Vec<(u64, Vec<(String, u128)>)> {
        let history = History::parse("test", &format!("{HEADER}\n{rows}")).unwrap();
        let whole = |price: u128| price / 10_u128.pow(18);
        history
            .steps()
            .into_iter()
            .map(|step| {
                let prices = step.prices.into_iter().map(|(asset, price)| (asset, whole(price)));
                (step.time, prices.collect())
            })
            .collect()
    }

    fn eth(time: u64, price: u128) -> (u64, Vec<(String, u128)>) {
        (time, vec![("ETH".to_owned(), price)])
    }

    #[test]
    fn a_rising_bar_dips_first() {
        assert_eq!(
            steps("3600,ETH,10,14,8,12,\n"),
            [eth(3600, 10), eth(4500, 8), eth(5400, 14), eth(6300, 12)]
        );
    }

    #[test]
    fn a_falling_bar_spikes_first() {
        assert_eq!(
            steps("3600,ETH,12,14,8,10,\n"),
            [eth(3600, 12), eth(4500, 14), eth(5400, 8), eth(6300, 10)]
        );
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let found =
            steps("3600,ETH,1,1,1,1,\n7200,BTC,5,5,5,5,\n7200,ETH,2,2,2,2,\n14400,ETH,3,3,3,3,\n");
        let times: Vec<_> = found.iter().map(|(time, _)| *time).collect();
        assert_eq!(
            times,
            [3600, 4500, 5400, 6300, 7200, 8100, 9000, 9900, 14400, 15300, 16200, 17100]
        );
        assert_eq!(found[4].1, [("BTC".to_owned(), 5), ("ETH".to_owned(), 2)]);
        assert_eq!(found[8].1, [("ETH".to_owned(), 3)]);
    }

    #[test]
    fn shorter_bars_have_shorter_steps() {
        let found = steps("0,ETH,1,1,1,1,\n300,ETH,1,1,1,1,\n");
        assert_eq!(
            found.iter().map(|(time, _)| *time).take(5).collect::<Vec<_>>(),
            [0, 75, 150, 225, 300]
        );
    }
}
