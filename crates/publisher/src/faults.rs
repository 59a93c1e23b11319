//! Faults, put between a source and whoever listens: for replays and drills.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A source and how much, as `NAME=NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount<T> {
    /// Which source.
    pub source: String,
    /// How much.
    pub amount: T,
}

impl<T: FromStr> FromStr for Amount<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, amount) =
            text.split_once('=').ok_or_else(|| format!("`{text}` is not SOURCE=NUMBER"))?;
        let amount =
            amount.parse().map_err(|_| format!("`{amount}` in `{text}` is not such a number"))?;
        Ok(Self { source: source.to_owned(), amount })
    }
}

/// What is wrong with which sources.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    dropped: BTreeSet<String>,
    lags: BTreeMap<String, u64>,
    lies: BTreeMap<String, i64>,
    /// What each lagging source said of each thing, by time.
    said: BTreeMap<(String, u32), BTreeMap<u64, u128>>,
}

impl Faults {
    /// Sources that fall silent, that are so many seconds late, and that say so many percent more or less.
    ///
    /// # Errors
    /// In words: a source that is not among `known`, one named twice, or a lie of less than −100 %.
    pub fn new(
        known: &[String],
        dropped: &[String],
        lags: &[Amount<u64>],
        lies: &[Amount<i64>],
    ) -> Result<Self, String> {
        let mut faults = Self::default();
        let check = |source: &String| match known.contains(source) {
            true => Ok(source.clone()),
            false => Err(format!("no source is called `{source}`; there are {}", known.join(", "))),
        };
        for source in dropped {
            faults.dropped.insert(check(source)?);
        }
        for Amount { source, amount } in lags {
            if faults.lags.insert(check(source)?, *amount).is_some() {
                return Err(format!("`{source}` lags twice"));
            }
        }
        for Amount { source, amount } in lies {
            if *amount <= -100 {
                return Err(format!("`{source}` cannot say {amount} % of a price less"));
            }
            if faults.lies.insert(check(source)?, *amount).is_some() {
                return Err(format!("`{source}` lies twice"));
            }
        }
        Ok(faults)
    }

    /// What is heard of what a source says of a thing at a time in seconds; `None` while it is silent.
    pub fn hear(
        &mut self,
        source: &str,
        thing: u32,
        (price, time): (u128, u64),
    ) -> Option<(u128, u64)> {
        if self.dropped.contains(source) {
            return None;
        }
        let price = match self.lies.get(source) {
            Some(percent) => {
                let part = u128::try_from(percent.saturating_add(100)).ok()?;
                price.checked_mul(part)? / 100
            }
            None => price,
        };
        let Some(lag) = self.lags.get(source) else {
            return Some((price, time));
        };
        let said = self.said.entry((source.to_owned(), thing)).or_default();
        said.insert(time, price);
        let (then, price) = said.range(..=time.saturating_sub(*lag)).next_back()?;
        let heard = (*price, *then);
        *said = said.split_off(&heard.1);
        Some(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["A", "B", "C"].map(str::to_owned).to_vec()
    }

    #[test]
    fn each_fault_does_what_it_says() {
        let (lag, lie) = ("B=60".parse().unwrap(), "C=-30".parse().unwrap());
        let mut faults = Faults::new(&known(), &["A".to_owned()], &[lag], &[lie]).unwrap();
        assert_eq!(faults.hear("A", 1, (100, 1_000)), None);
        assert_eq!(faults.hear("C", 1, (100, 1_000)), Some((70, 1_000)));
        assert_eq!(faults.hear("D", 1, (100, 1_000)), Some((100, 1_000)));
        assert_eq!(faults.hear("B", 1, (100, 1_000)), None);
        assert_eq!(faults.hear("B", 1, (101, 1_030)), None);
        assert_eq!(faults.hear("B", 1, (102, 1_060)), Some((100, 1_000)));
        assert_eq!(faults.hear("B", 2, (7, 1_060)), None, "of another thing it said nothing yet");
        assert_eq!(faults.hear("B", 1, (103, 1_095)), Some((101, 1_030)));
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |dropped: &[&str], lags: &[&str], lies: &[&str]| -> String {
            let dropped: Vec<_> = dropped.iter().map(|name| (*name).to_owned()).collect();
            let lags: Result<Vec<_>, _> = lags.iter().map(|text| text.parse()).collect();
            let lies: Result<Vec<_>, _> = lies.iter().map(|text| text.parse()).collect();
            let faults = lags.and_then(|lags| Faults::new(&known(), &dropped, &lags, &lies?));
            faults.unwrap_err()
        };
        assert!(refused(&["X"], &[], &[]).contains("no source is called `X`; there are A, B, C"));
        assert!(refused(&[], &["A"], &[]).contains("SOURCE=NUMBER"));
        assert!(refused(&[], &["A=-1"], &[]).contains("not such a number"));
        assert!(refused(&[], &["A=1", "A=2"], &[]).contains("twice"));
        assert!(refused(&[], &[], &["A=-100"]).contains("cannot"));
        assert!(refused(&[], &[], &["A=1e3"]).contains("not such a number"));
    }
}
