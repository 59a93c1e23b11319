//! What was recorded, as paths of prices with a step of seconds.
//!
//! A bar says how far the price went and not when. Three readings of it are used. *Even*: open, extreme, extreme,
//! close at equal distances, with a constant rate between them; low before high if the bar closed above its open.
//! *Close*: from open to close. *Touch*: as close, but each extreme is there for a minute, at a third and at two
//! thirds of the bar.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};

use crate::prices::{ASSETS, CRASHES, Candles, Crash, HOUR, candles, read};

/// Seconds between two prices.
pub(crate) const STEP: u64 = 20;
/// How long a touch lasts, in steps.
const TOUCH: usize = 3;
/// Seconds of a recording that come before its deepest point; half as many come after it.
const LEAD: u64 = 43_200;

/// At each step, one price for each asset.
pub(crate) type Prices = Vec<Vec<f64>>;

/// A recorded crash.
#[derive(Clone)]
pub(crate) struct Tape {
    pub(crate) name: String,
    /// Seconds of a bar.
    pub(crate) bar: u64,
    pub(crate) even: Prices,
    pub(crate) close: Prices,
    pub(crate) touch: Prices,
    /// What another venue said of the first asset, where that was recorded.
    pub(crate) pool: Option<Vec<f64>>,
    /// How many bars were left out before it.
    from: usize,
}

/// A folder's finer recordings: file, name, bar in seconds, first second, bars.
const FINE: [(&str, &str, u64, u64, u64); 9] = [
    ("fine/2022-01-21-5m.csv", "2022-01-21", 300, 1_642_680_000, 720),
    ("fine/2022-05-terra-5m.csv", "2022-05 Terra", 300, 1_652_054_400, 1_152),
    ("fine/2022-06-3ac-5m.csv", "2022-06 3AC", 300, 1_654_992_000, 1_152),
    ("fine/eth-10m.csv", "2020-03-12 ETH", 600, 1_583_971_200, 144),
    ("fine/eth-10m.csv", "2020-09-05 ETH", 600, 1_599_265_200, 142),
    ("fine/eth-10m.csv", "2021-01-11 ETH", 600, 1_610_323_200, 144),
    ("fine/eth-10m.csv", "2021-01-21 ETH", 600, 1_611_187_200, 144),
    ("fine/eth-10m.csv", "2021-02-22 ETH", 600, 1_613_952_000, 144),
    ("fine/eth-10m.csv", "2021-06-21 ETH", 600, 1_624_233_600, 144),
];

/// Every crash: hourly, and finer where there is such a recording.
pub(crate) fn all(data: &Path, only: Option<&str>) -> Result<Vec<Tape>> {
    let mut tapes = Vec::new();
    for crash in CRASHES.iter().filter(|crash| crash.is(only)) {
        let columns = columns(crash, |asset| read(data, crash, asset))?;
        tapes.extend(Tape::cut(crash.name.to_owned(), HOUR, columns));
    }
    for (file, name, bar, start, count) in FINE {
        let path = data.join(file);
        if !path.is_file() || only.is_some_and(|only| !name.starts_with(only)) {
            continue;
        }
        let open = || File::open(&path).with_context(|| format!("opening {}", path.display()));
        let mut columns = Vec::new();
        for asset in ["ETH", "BTC", "SOL", "AVAX"] {
            let found = candles(open()?, asset)?;
            let bars = (0..count).map(|place| found.get(&(start + place * bar)).copied());
            columns.extend(bars.collect::<Option<Vec<_>>>());
            if file.contains("eth") {
                break;
            }
        }
        let pool = pool(open()?, start, count, bar)?;
        tapes.extend(Tape::cut(name.to_owned(), bar, columns.clone()));
        // While the pool is known.
        let known = pool.iter().position(Option::is_some);
        if let Some(from) = known {
            let kept = columns.iter().map(|column| column[from..].to_vec()).collect();
            let tape = Tape::cut(name.to_owned(), bar, kept);
            tapes.extend(tape.map(|tape| {
                let bars = pool[from + tape.from..].iter().flatten();
                let each = (bar / STEP) as usize;
                let steps = bars.flat_map(|price| std::iter::repeat_n(*price, each)).collect();
                Tape { pool: Some(steps), ..tape }
            }));
        }
    }
    Ok(tapes)
}

/// The bars of every asset that has all of a crash's.
fn columns(crash: &Crash, read: impl Fn(&str) -> Result<Candles>) -> Result<Vec<Vec<[f64; 4]>>> {
    let hours: Vec<u64> = (0..crash.days * 24).map(|hour| crash.start + hour * HOUR).collect();
    let mut columns = Vec::new();
    // The market's own first, the coin at the centre of it after that.
    let (first, others) = ASSETS.split_at(1);
    for asset in first.iter().copied().chain(crash.extra).chain(others.iter().copied()) {
        let found = read(asset)?;
        let whole: Option<Vec<_>> = hours.iter().map(|hour| found.get(hour).copied()).collect();
        columns.extend(whole);
    }
    Ok(columns)
}

/// The column `pool`, by bars: what stood there at the bar's beginning.
fn pool(text: File, start: u64, count: u64, bar: u64) -> Result<Vec<Option<f64>>> {
    let text = std::io::read_to_string(text)?;
    let mut lines = text.lines();
    if !lines.next().is_some_and(|header| header.ends_with(",pool")) {
        return Ok(Vec::new());
    }
    let mut found = BTreeMap::new();
    for line in lines {
        let mut fields = line.split(',');
        let time: u64 = fields.next().context("no time")?.parse()?;
        let price = fields.next_back().and_then(|field| field.parse::<f64>().ok());
        // A sample is of its bar's end.
        found.extend(price.map(|price| (time + bar, price)));
    }
    Ok((0..count).map(|place| found.get(&(start + place * bar)).copied()).collect())
}

impl Tape {
    /// Twelve hours before the deepest point of the worst fall within twelve hours, and six after it.
    fn cut(name: String, bar: u64, columns: Vec<Vec<[f64; 4]>>) -> Option<Self> {
        let lead = columns.first()?;
        let lead_bars = (LEAD / bar) as usize;
        let fall = |place: usize| {
            let from = &lead[place.saturating_sub(lead_bars)..=place];
            lead[place][2] / from.iter().map(|bar| bar[1]).fold(0.0, f64::max)
        };
        let low = (0..lead.len()).min_by(|one, other| fall(*one).total_cmp(&fall(*other)))?;
        let (from, to) = (low.saturating_sub(lead_bars), (low + lead_bars / 2).min(lead.len()));
        let kept = || columns.iter().map(|column| &column[from..to]);
        Some(Self {
            name,
            bar,
            even: across(kept().map(|bars| steps(bars, bar, even)).collect()),
            close: across(kept().map(|bars| steps(bars, bar, close)).collect()),
            touch: across(kept().map(|bars| steps(bars, bar, touch)).collect()),
            pool: None,
            from,
        })
    }

    /// The deepest fall of the first asset from what was its highest price until then, as a part.
    pub(crate) fn fall(&self) -> f64 {
        let (mut highest, mut left) = (0.0_f64, 1.0_f64);
        for prices in &self.even {
            highest = highest.max(prices[0]);
            left = left.min(prices[0] / highest);
        }
        1.0 - left
    }

    /// The step from which the first asset falls most within an hour.
    pub(crate) fn steepest(&self) -> usize {
        let hour = (HOUR / STEP) as usize;
        let fall = |place: &usize| self.even[place + hour][0] / self.even[*place][0];
        let last = self.even.len().saturating_sub(hour);
        (0..last).min_by(|one, other| fall(one).total_cmp(&fall(other))).unwrap_or_default()
    }
}

fn across(columns: Vec<Vec<f64>>) -> Prices {
    let steps = columns.first().map_or(0, Vec::len);
    (0..steps).map(|at| columns.iter().map(|column| column[at]).collect()).collect()
}

/// Each bar in steps, by a reading of (the bar, the step in it, how many there are).
fn steps(bars: &[[f64; 4]], bar: u64, reading: impl Fn([f64; 4], usize, usize) -> f64) -> Vec<f64> {
    let count = (bar / STEP) as usize;
    bars.iter()
        .flat_map(|bar| (0..count).map(|at| reading(*bar, at, count)).collect::<Vec<_>>())
        .collect()
}

fn between(from: f64, to: f64, part: f64) -> f64 {
    from * (to / from).powf(part)
}

fn extremes([open, high, low, close]: [f64; 4]) -> [f64; 2] {
    if close < open { [high, low] } else { [low, high] }
}

fn even(bar: [f64; 4], at: usize, count: usize) -> f64 {
    let [first, second] = extremes(bar);
    let knots = [bar[0], first, second, bar[3]];
    let part = 3.0 * at as f64 / count as f64;
    let leg = (part as usize).min(2);
    between(knots[leg], knots[leg + 1], part - leg as f64)
}

fn close(bar: [f64; 4], at: usize, count: usize) -> f64 {
    between(bar[0], bar[3], at as f64 / count as f64)
}

fn touch(bar: [f64; 4], at: usize, count: usize) -> f64 {
    let [first, second] = extremes(bar);
    if (count / 3..count / 3 + TOUCH).contains(&at) {
        first
    } else if (2 * count / 3..2 * count / 3 + TOUCH).contains(&at) {
        second
    } else {
        close(bar, at, count)
    }
}
