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
    /// Where sources see prices of their own.
    own: BTreeMap<String, Own>,
}

/// What sources see of an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Own {
    /// Those with rows of their own; nothing in a gap of these.
    said: BTreeMap<String, Option<u128>>,
    /// What all others see.
    others: Option<u128>,
}

impl Step {
    /// What a source sees of an asset; nothing while it is silent.
    pub(crate) fn said(&self, source: &str, asset: &str) -> Option<u128> {
        match self.own.get(asset) {
            Some(own) => own.said.get(source).copied().unwrap_or(own.others),
            None => self.prices.get(asset).copied(),
        }
    }

    /// Whether sources see different prices of an asset.
    pub(crate) fn is_disputed(&self, asset: &str) -> bool {
        self.own.contains_key(asset)
    }
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
        let stride = (self.bar_seconds() / STEPS_OF_BAR).max(1) as usize;
        let points = move |bars: &Vec<Bar>| -> Vec<(u64, u128)> {
            let of_bar = |bar: &Bar| (bar.time..).step_by(stride).zip(bar.path());
            bars.iter().flat_map(of_bar).collect()
        };
        let mut by_time: BTreeMap<u64, BTreeMap<String, u128>> = BTreeMap::new();
        let shared = self.bars.iter().filter(|(asset, _)| !self.alone.contains(*asset));
        for (asset, bars) in shared {
            for (time, price) in points(bars) {
                by_time.entry(time).or_default().insert(asset.clone(), price);
            }
        }
        let mut own: BTreeMap<u64, BTreeMap<(&String, &String), u128>> = BTreeMap::new();
        for (asset, sources) in &self.own {
            for (source, bars) in sources {
                for (time, price) in points(bars) {
                    own.entry(time).or_default().insert((asset, source), price);
                    by_time.entry(time).or_default();
                }
            }
        }
        let step = |(time, prices)| self.step(time, prices, own.get(&time));
        by_time.into_iter().map(step).collect()
    }

    /// A step of what everybody sees and of what single sources do.
    fn step(
        &self,
        time: u64,
        mut prices: BTreeMap<String, u128>,
        seen: Option<&BTreeMap<(&String, &String), u128>>,
    ) -> Step {
        let mut own = BTreeMap::new();
        for (asset, sources) in &self.own {
            let said = |source: &String| seen.and_then(|seen| seen.get(&(asset, source))).copied();
            let said: BTreeMap<_, _> =
                sources.keys().map(|source| (source.clone(), said(source))).collect();
            let others = prices.get(asset).copied();
            // One that everybody sees counts, else the first that somebody does.
            if let (None, Some(first)) = (others, said.values().flatten().next()) {
                prices.insert(asset.clone(), *first);
            }
            own.insert(asset.clone(), Own { said, others });
        }
        Step { time, prices, own }
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
    fn sources_see_their_own_prices_or_everybodys() {
        let text = "ts,asset,open,high,low,close,source\n\
            3600,BTC,50,50,50,50,a\n3600,ETH,10,10,10,10,\n3600,ETH,7,7,7,7,b\n7200,ETH,11,11,11,11,\n";
        let steps = History::parse("test", text).unwrap().steps();
        let said = |step: usize, source, asset| {
            steps[step].said(source, asset).map(|price| price / 10_u128.pow(18))
        };
        assert_eq!((said(0, "a", "ETH"), said(0, "b", "ETH")), (Some(10), Some(7)));
        assert_eq!((said(0, "a", "BTC"), said(0, "b", "BTC")), (Some(50), None));
        // b has a gap of its own at the second bar.
        assert_eq!((said(4, "a", "ETH"), said(4, "b", "ETH")), (Some(11), None));
        assert_eq!(steps[0].prices["BTC"], 50 * 10_u128.pow(18));
        assert!(steps[0].is_disputed("ETH") && !steps[0].is_disputed("SOL"));
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
