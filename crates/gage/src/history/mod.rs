//! Recorded prices: bars of open, high, low and close, and the steps they are replayed in.
//!
//! The format is described in `data/README.md`: long form, one row for each asset and bar, in the
//! order of time. Nothing is interpolated: a gap in the file is a gap in the feed.

mod csv_form;
pub(crate) mod exchange;
pub(crate) mod fetch;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Context as _;

pub(crate) use csv_form::{HEADER, write_row};
pub(crate) use steps::Step;

use crate::calendar::HOUR;

/// The crash of August 2024, in the binary. Source and licence: `data/README.md`.
const AUGUST_2024: &str = include_str!("../../../../data/2024-08-crash.csv");

/// Names of the histories in the binary.
pub(crate) const BUILTIN: [(&str, &str); 1] = [("2024-08", AUGUST_2024)];

/// One bar of one asset. Prices are wads: dollars for a whole coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Unix seconds of its open.
    pub(crate) time: u64,
    /// The first price.
    pub(crate) open: u128,
    /// The highest.
    pub(crate) high: u128,
    /// The lowest.
    pub(crate) low: u128,
    /// The last.
    pub(crate) close: u128,
}

/// A file of bars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// What the user called it.
    pub(crate) name: String,
    /// By asset, in the order of time; no asset is without bars. Where every row names its source, those of the first.
    pub(crate) bars: BTreeMap<String, Vec<Bar>>,
    /// What single sources saw instead: by asset and source.
    pub(crate) own: BTreeMap<String, BTreeMap<String, Vec<Bar>>>,
    /// Assets all of whose rows name their source: nobody else sees a price.
    pub(crate) alone: BTreeSet<String>,
}

impl History {
    /// A history of the binary by its name, or a file by its path.
    pub(crate) fn open(name: &str) -> anyhow::Result<Self> {
        if let Some((name, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) {
            return Ok(Self::parse(name, text)?);
        }
        let names: Vec<_> = BUILTIN.iter().map(|(name, _)| *name).collect();
        let text = std::fs::read_to_string(Path::new(name)).with_context(|| {
            format!(
                "`{name}` is neither a built-in history ({}) nor a readable file",
                names.join(", ")
            )
        })?;
        Self::parse(name, &text).with_context(|| format!("cannot replay {name}"))
    }

    /// The first and the last bar's open.
    pub(crate) fn span(&self) -> (u64, u64) {
        let times = || self.series().flatten().map(|bar| bar.time);
        (times().min().unwrap_or_default(), times().max().unwrap_or_default())
    }

    /// Length of a bar: the smallest distance between two of one asset.
    pub(crate) fn bar_seconds(&self) -> u64 {
        let distances = self.series().flat_map(|bars| bars.windows(2)).filter_map(|pair| {
            let [earlier, later] = pair else { return None };
            Some(later.time - earlier.time)
        });
        distances.min().unwrap_or(HOUR)
    }

    /// The sources that it names.
    pub(crate) fn sources(&self) -> BTreeSet<&str> {
        self.own.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    fn series(&self) -> impl Iterator<Item = &Vec<Bar>> {
        self.bars.values().chain(self.own.values().flat_map(BTreeMap::values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_history_is_whole() {
        let history = History::open("2024-08").unwrap();
        assert_eq!(history.span(), (1_722_470_400, 1_722_470_400 + 191 * HOUR));
        assert_eq!(history.bar_seconds(), HOUR);
        assert_eq!(history.bars.len(), 5);
        assert!(history.bars.values().all(|bars| bars.len() == 192));
        let lowest = history.bars["ETH"].iter().map(|bar| bar.low).min();
        assert_eq!(lowest, Some(2_111 * 10_u128.pow(18)));
    }

    #[test]
    fn an_unknown_name_says_what_there_is() {
        let error = History::open("no-such-history").unwrap_err().to_string();
        assert!(error.contains("2024-08"), "{error}");
    }
}
