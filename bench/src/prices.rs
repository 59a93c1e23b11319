//! Recorded prices of the crashes: hourly candles of several assets, as four prices an hour.
//!
//! They come from the project's `data/` folder, from another folder of the same form, or from one with
//! whole histories by asset (`prices/1h/ETH.csv.gz`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

/// Seconds between two prices: a quarter of a candle.
pub(crate) const STEP_SECONDS: u64 = 900;
pub(crate) const HOUR: u64 = 3_600;

/// A window of history.
pub(crate) struct Crash {
    pub(crate) name: &'static str,
    /// Its file in the project's data folder.
    file: &'static str,
    /// Its first second, UTC.
    pub(crate) start: u64,
    pub(crate) days: u64,
    /// A coin that was at the centre of it.
    pub(crate) extra: Option<&'static str>,
}

const fn crash(name: &'static str, file: &'static str, start: u64, days: u64) -> Crash {
    Crash { name, file, start, days, extra: None }
}

impl Crash {
    /// Whether it is the one asked for, by its name or the start of it; any is if none is named.
    pub(crate) fn is(&self, only: Option<&str>) -> bool {
        only.is_none_or(|name| self.name.starts_with(name))
    }
}

/// The crashes of the recorded histories, from the day before to the day after.
pub(crate) const CRASHES: [Crash; 12] = [
    crash("2020-03-12", "crashes/2020-03-12.csv", 1_583_884_800, 4),
    crash("2021-01-11", "crashes/2021-01-11.csv", 1_610_236_800, 3),
    crash("2021-02-22", "crashes/2021-02-22.csv", 1_613_865_600, 4),
    crash("2021-04-18", "crashes/2021-04-18.csv", 1_618_617_600, 3),
    crash("2021-06-21", "crashes/2021-06-21.csv", 1_624_147_200, 4),
    crash("2021-09-07", "crashes/2021-09-07.csv", 1_630_886_400, 3),
    crash("2021-12-04", "crashes/2021-12-04.csv", 1_638_489_600, 3),
    crash("2022-01-21", "crashes/2022-01-21.csv", 1_642_636_800, 5),
    Crash {
        extra: Some("LUNA1"),
        ..crash("2022-05 Terra", "crashes/2022-05-terra.csv", 1_651_968_000, 5)
    },
    crash("2022-06 3AC", "crashes/2022-06-3ac.csv", 1_654_905_600, 8),
    Crash {
        extra: Some("FTT"),
        ..crash("2022-11 FTX", "crashes/2022-11-ftx.csv", 1_667_692_800, 5)
    },
    crash("2024-08-05", "2024-08-crash.csv", 1_722_643_200, 4),
];

/// The assets that stand for the collaterals, where a window has them.
pub(crate) const ASSETS: [&str; 12] =
    ["ETH", "BTC", "SOL", "AAVE", "LINK", "AVAX", "ADA", "XRP", "DOT", "MATIC", "BNB", "LTC"];

/// Prices of some assets at the same moments.
pub(crate) struct Path4 {
    pub(crate) assets: Vec<String>,
    /// At each moment, one price for each asset.
    pub(crate) prices: Vec<Vec<f64>>,
}

impl Path4 {
    /// How far the first asset fell at most, from the first moment, in percent.
    pub(crate) fn fall(&self) -> f64 {
        let first = self.prices[0][0];
        let low = self.prices.iter().map(|prices| prices[0]).fold(first, f64::min);
        100.0 * (low / first - 1.0)
    }
}

/// Open, high, low and close, by hour.
pub(crate) type Candles = BTreeMap<u64, [f64; 4]>;

/// Reads candles: columns by their names, one asset's rows only if the file has several.
pub(crate) fn candles(text: impl Read, asset: &str) -> Result<Candles> {
    let mut lines = BufReader::new(text).lines();
    let header = lines.next().context("an empty file")??;
    let columns: Vec<&str> = header.split(',').collect();
    let place = |name: &str| columns.iter().position(|column| *column == name);
    let [ts, open, high, low, close] = ["ts", "open", "high", "low", "close"].map(place);
    let mut found = Candles::new();
    for line in lines {
        let line = line?;
        let fields: Vec<&str> = line.split(',').collect();
        if place("asset").is_some_and(|at| fields.get(at) != Some(&asset)) {
            continue;
        }
        let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).copied().unwrap_or("");
        let number = |at| field(at).parse::<f64>().with_context(|| format!("in `{line}`"));
        let time = field(ts).parse::<u64>().with_context(|| format!("in `{line}`"))?;
        found.insert(time, [number(open)?, number(high)?, number(low)?, number(close)?]);
    }
    Ok(found)
}

/// Where an asset's candles of a crash are: one file for all, the crash's file in a folder, or the
/// asset's whole history in one; `None` if nowhere.
fn file(data: &Path, crash: &Crash, asset: &str) -> Option<PathBuf> {
    if data.is_file() {
        return Some(data.to_owned());
    }
    let files = [data.join(crash.file), data.join("prices/1h").join(format!("{asset}.csv.gz"))];
    files.into_iter().find(|file| file.is_file())
}

/// The candles of an asset around a crash; none if there is no file.
pub(crate) fn read(data: &Path, crash: &Crash, asset: &str) -> Result<Candles> {
    let Some(path) = file(data, crash, asset) else { return Ok(Candles::new()) };
    let text = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let found = if is_packed { candles(GzDecoder::new(text), asset) } else { candles(text, asset) };
    found.with_context(|| format!("reading {}", path.display()))
}

/// The window's prices of every asset that has all its hours; `None` if none has.
pub(crate) fn path(data: &Path, crash: &Crash) -> Result<Option<Path4>> {
    ensure!(data.exists(), "{} does not exist", data.display());
    let hours: Vec<u64> = (0..crash.days * 24).map(|hour| crash.start + hour * HOUR).collect();
    let mut assets = Vec::new();
    let mut columns = Vec::new();
    for asset in crash.extra.into_iter().chain(ASSETS) {
        let found = read(data, crash, asset)?;
        let whole: Option<Vec<_>> = hours.iter().map(|hour| found.get(hour).copied()).collect();
        if let Some(candles) = whole {
            assets.push(asset.to_owned());
            columns.push(candles.into_iter().flat_map(quarters).collect::<Vec<f64>>());
        }
    }
    if columns.is_empty() {
        return Ok(None);
    }
    // The market's own first, the coin at the centre of it after that.
    if crash.extra.is_some() && columns.len() > 1 {
        assets.swap(0, 1);
        columns.swap(0, 1);
    }
    let moments = columns[0].len();
    let prices = (0..moments).map(|at| columns.iter().map(|column| column[at]).collect());
    Ok(Some(Path4 { assets, prices: prices.collect() }))
}

/// A candle in four prices: its open; low and high, or high and low if it closed below its open; its
/// close.
fn quarters([open, high, low, close]: [f64; 4]) -> [f64; 4] {
    if close < open { [open, high, low, close] } else { [open, low, high, close] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_are_read_by_their_columns() {
        let one = "ts,open,high,low,close,volume\n10,2,4,1,3,9\n";
        assert_eq!(candles(one.as_bytes(), "ETH").unwrap()[&10], [2.0, 4.0, 1.0, 3.0]);
        let many = "ts,asset,open,high,low,close\n10,BTC,2,4,1,3\n10,ETH,5,7,4,6\n";
        assert_eq!(candles(many.as_bytes(), "ETH").unwrap()[&10], [5.0, 7.0, 4.0, 6.0]);
        let bad = candles("ts,open,high,low,close\n10,2,x,1,3\n".as_bytes(), "ETH").unwrap_err();
        assert!(format!("{bad:#}").contains("10,2,x,1,3"));
        assert!(candles("".as_bytes(), "ETH").is_err());
    }

    /// The project ships every crash's prices, of as many assets as the results name.
    #[test]
    fn every_crash_is_in_the_projects_data() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
        let found = CRASHES.map(|crash| {
            let path = path(&data, &crash).unwrap().unwrap();
            assert_eq!(path.prices.len() as u64, crash.days * 96, "{}", crash.name);
            assert!(path.prices.iter().flatten().all(|price| *price > 0.0), "{}", crash.name);
            assert_eq!(path.assets[0], "ETH");
            assert!(crash.extra.is_none_or(|extra| path.assets[1] == extra));
            (path.assets.len(), path.fall().round() as i64)
        });
        let expected = [
            (3, -57),
            (5, -28),
            (5, -29),
            (12, -20),
            (12, -21),
            (12, -24),
            (12, -22),
            (12, -30),
            (13, -32),
            (12, -47),
            (13, -34),
            (5, -29),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn one_file_and_whole_histories_are_read_too() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
        let one = data.join("2024-08-crash.csv");
        let [.., last] = &CRASHES;
        let (from_file, from_folder) = (path(&one, last).unwrap(), path(&data, last).unwrap());
        assert_eq!(from_file.unwrap().prices, from_folder.unwrap().prices);
        assert!(path(&one, &CRASHES[0]).unwrap().is_none());
        assert!(path(Path::new("/no/such/folder"), last).is_err());
    }

    #[test]
    fn a_falling_candle_ends_after_its_low() {
        assert_eq!(quarters([3.0, 4.0, 1.0, 2.0]), [3.0, 4.0, 1.0, 2.0]);
        assert_eq!(quarters([2.0, 4.0, 1.0, 3.0]), [2.0, 1.0, 4.0, 3.0]);
    }
}
