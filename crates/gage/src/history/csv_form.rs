//! Reading and writing histories as CSV. Every refusal names its line.

use std::{collections::BTreeMap, io};

use thiserror::Error;

use super::{Bar, History};
use crate::decimal::{DecimalError, WAD_DECIMALS, exact, parse_units};

/// The header that files are written with.
pub(crate) const HEADER: &str = "ts,asset,open,high,low,close,volume";

/// A column that may stand there besides.
const SOURCE: &str = "source";

/// Longest symbol that is taken for one.
const SYMBOL_BYTES_MAX: usize = 16;

/// Dollars: no price is above this. Keeps values far from 128 bits.
const PRICE_MAX: u128 = 1_000_000_000_000 * 10_u128.pow(18);

/// Unix seconds: the end of the year 9999.
const TIME_MAX: u64 = 253_402_300_799;

/// Why a file is no history. Lines count from 1, the header's.
#[derive(Debug, Error)]
pub(crate) enum HistoryError {
    #[error("the file is empty; its first line must be `{HEADER}`")]
    Empty,
    #[error("there is no row below the header")]
    NoRows,
    #[error("line 1: there is no column `{0}`; the header must be `{HEADER}`")]
    MissingColumn(&'static str),
    #[error("line 1: unknown column `{0}`; the columns are `{HEADER}`, and `{SOURCE}` if you like")]
    UnknownColumn(String),
    #[error("line 1: column `{0}` stands there twice")]
    RepeatedColumn(String),
    #[error("line {line}: {fields} fields, the header has {columns}")]
    Fields { line: u64, fields: u64, columns: u64 },
    #[error("line {line}: not readable as CSV: {why}")]
    Unreadable { line: u64, why: String },
    #[error("line {line}: ts `{text}` is not Unix seconds")]
    Time { line: u64, text: String },
    #[error("line {line}: asset `{text}` is not a symbol of capitals and digits")]
    Asset { line: u64, text: String },
    #[error("line {line}: source `{text}` is not one of a to p")]
    Source { line: u64, text: String },
    #[error("line {line}: {column}: {why}")]
    Price { line: u64, column: &'static str, why: DecimalError },
    #[error("line {line}: {column} must be above 0 and at most 1,000,000,000,000")]
    PriceRange { line: u64, column: &'static str },
    #[error("line {line}: high {high} is below {column} {other}")]
    HighTooLow { line: u64, high: String, column: &'static str, other: String },
    #[error("line {line}: low {low} is above {column} {other}")]
    LowTooHigh { line: u64, low: String, column: &'static str, other: String },
    #[error(
        "line {line}: ts {time} is before {before} of the row above; rows must be in order of time"
    )]
    Unsorted { line: u64, time: u64, before: u64 },
    #[error("line {line}: {asset} has a row for ts {time} already{whose}")]
    Repeated { line: u64, asset: String, time: u64, whose: String },
}

/// Where each column stands.
struct Columns {
    ts: usize,
    asset: usize,
    source: Option<usize>,
    prices: [(usize, &'static str); 4],
    volume: Option<usize>,
}

/// A line of the file.
struct Row {
    asset: String,
    /// Who saw it; everybody, without one.
    source: Option<String>,
    bar: Bar,
}

impl Columns {
    fn read(header: &csv::StringRecord) -> Result<Self, HistoryError> {
        let mut places = BTreeMap::new();
        for (place, name) in header.iter().enumerate() {
            let name = name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
            if name != SOURCE && !HEADER.split(',').any(|known| known == name) {
                return Err(HistoryError::UnknownColumn(name));
            }
            if places.insert(name.clone(), place).is_some() {
                return Err(HistoryError::RepeatedColumn(name));
            }
        }
        let find =
            |name: &'static str| places.get(name).copied().ok_or(HistoryError::MissingColumn(name));
        let price = |name| find(name).map(|place| (place, name));
        Ok(Self {
            ts: find("ts")?,
            asset: find("asset")?,
            source: places.get(SOURCE).copied(),
            prices: [price("open")?, price("high")?, price("low")?, price("close")?],
            volume: places.get("volume").copied(),
        })
    }
}

impl History {
    /// Reads the form described in `data/README.md`.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, HistoryError> {
        if text.trim().is_empty() {
            return Err(HistoryError::Empty);
        }
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
        let columns = Columns::read(reader.headers().map_err(|error| unreadable(&error))?)?;
        let mut history = Self { name: name.to_owned(), ..Self::default() };
        let mut before = 0;
        for record in reader.records() {
            let record = record.map_err(|error| unreadable(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let Row { asset, source, bar } = read_row(&record, &columns, line)?;
            if bar.time < before {
                return Err(HistoryError::Unsorted { line, time: bar.time, before });
            }
            before = bar.time;
            let whose = source.as_ref().map(|source| format!(" of source {source}"));
            let series = match source {
                None => history.bars.entry(asset.clone()).or_default(),
                Some(source) => {
                    history.own.entry(asset.clone()).or_default().entry(source).or_default()
                }
            };
            if series.last().is_some_and(|last| last.time == bar.time) {
                let (time, whose) = (bar.time, whose.unwrap_or_default());
                return Err(HistoryError::Repeated { line, asset, time, whose });
            }
            series.push(bar);
        }
        history.completed()
    }

    /// Assets that only single sources see have the first one's prices where one is needed.
    fn completed(mut self) -> Result<Self, HistoryError> {
        for (asset, own) in &self.own {
            if let (false, Some(first)) = (self.bars.contains_key(asset), own.values().next()) {
                self.bars.insert(asset.clone(), first.clone());
                self.alone.insert(asset.clone());
            }
        }
        if self.bars.is_empty() { Err(HistoryError::NoRows) } else { Ok(self) }
    }
}

/// Writes one row under [`HEADER`].
pub(crate) fn write_row(
    to: &mut dyn io::Write,
    asset: &str,
    bar: &Bar,
    volume: &str,
) -> io::Result<()> {
    let [open, high, low, close] =
        [bar.open, bar.high, bar.low, bar.close].map(|price| exact(price, WAD_DECIMALS));
    writeln!(to, "{},{asset},{open},{high},{low},{close},{volume}", bar.time)
}

fn read_row(record: &csv::StringRecord, columns: &Columns, line: u64) -> Result<Row, HistoryError> {
    let field = |place: usize| record.get(place).unwrap_or_default().trim();
    let text = field(columns.ts);
    let time = text.parse().ok().filter(|time| *time <= TIME_MAX);
    let time = time.ok_or_else(|| HistoryError::Time { line, text: text.to_owned() })?;
    let asset = field(columns.asset);
    let is_symbol = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if asset.is_empty() || asset.len() > SYMBOL_BYTES_MAX || !asset.chars().all(is_symbol) {
        return Err(HistoryError::Asset { line, text: asset.to_owned() });
    }
    let source = columns.source.map(field).filter(|text| !text.is_empty());
    if let Some(text) = source.filter(|text| !is_source(text)) {
        return Err(HistoryError::Source { line, text: text.to_owned() });
    }
    let mut prices = [0; 4];
    for (price, (place, column)) in prices.iter_mut().zip(columns.prices) {
        *price = parse_units(field(place), WAD_DECIMALS).map_err(|why| HistoryError::Price {
            line,
            column,
            why,
        })?;
        if *price == 0 || *price > PRICE_MAX {
            return Err(HistoryError::PriceRange { line, column });
        }
    }
    if let Some(volume) = columns.volume.map(field).filter(|volume| !volume.is_empty()) {
        parse_units(volume, WAD_DECIMALS).map_err(|why| HistoryError::Price {
            line,
            column: "volume",
            why,
        })?;
    }
    let [open, high, low, close] = prices;
    let bar = Bar { time, open, high, low, close };
    check_order(&bar, line)?;
    Ok(Row { asset: asset.to_owned(), source: source.map(str::to_owned), bar })
}

/// Whether a text is a source's letter, as many as a feed may have.
fn is_source(text: &str) -> bool {
    matches!(text.as_bytes(), [b'a'..=b'p'])
}

fn check_order(bar: &Bar, line: u64) -> Result<(), HistoryError> {
    let show = |price| exact(price, WAD_DECIMALS);
    for (column, other) in [("low", bar.low), ("open", bar.open), ("close", bar.close)] {
        if bar.high < other {
            let (high, other) = (show(bar.high), show(other));
            return Err(HistoryError::HighTooLow { line, high, column, other });
        }
        if other < bar.low {
            let (low, other) = (show(bar.low), show(other));
            return Err(HistoryError::LowTooHigh { line, low, column, other });
        }
    }
    Ok(())
}

fn unreadable(error: &csv::Error) -> HistoryError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            HistoryError::Fields { line, fields: *len, columns: *expected_len }
        }
        _ => HistoryError::Unreadable { line, why: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "1000,ETH,10,12,9,11,5\n";

    fn refusal(text: &str) -> String {
        History::parse("test", text).unwrap_err().to_string()
    }

    #[test]
    fn a_history_is_read_by_asset() {
        let text = format!("{HEADER}\n{ROW}1000,BTC,1,1,1,1,\n4600,ETH,11,11.5,10.25,10.5,1\n");
        let history = History::parse("test", &text).unwrap();
        assert_eq!(history.bars["ETH"].len(), 2);
        assert_eq!(history.bars["ETH"][1].low, 10_250_000_000_000_000_000);
        assert_eq!(history.bars["BTC"][0].time, 1000);
    }

    #[test]
    fn columns_may_stand_in_any_order_and_volume_may_be_absent() {
        let text = "close,asset,ts,low,high,open\n11,ETH,1000,9,12,10\n";
        let bar = History::parse("test", text).unwrap().bars["ETH"][0];
        assert_eq!(
            (bar.time, bar.open, bar.close),
            (1000, 10 * 10_u128.pow(18), 11 * 10_u128.pow(18))
        );
    }

    #[test]
    fn a_row_may_be_one_sources() {
        let rows = "1000,ETH,10,12,9,11,\n1000,ETH,9,9,9,9,b\n1000,BTC,1,1,1,1,c\n";
        let text = format!("ts,asset,open,high,low,close,source\n{rows}");
        let history = History::parse("test", &text).unwrap();
        assert_eq!(history.own["ETH"]["b"][0].open, 9 * 10_u128.pow(18));
        assert_eq!(history.bars["ETH"][0].open, 10 * 10_u128.pow(18));
        assert_eq!(history.sources().into_iter().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(history.alone.iter().collect::<Vec<_>>(), ["BTC"]);
        assert_eq!(history.bars["BTC"], history.own["BTC"]["c"]);
        for (row, said) in [
            ("1000,ETH,9,9,9,9,b", "line 5: ETH has a row for ts 1000 already of source b"),
            ("1000,SOL,9,9,9,9,q", "line 5: source `q` is not one of a to p"),
            ("1000,SOL,9,9,9,9,ab", "line 5: source `ab`"),
        ] {
            let error = refusal(&format!("{text}{row}\n"));
            assert!(error.starts_with(said), "{row}: {error}");
        }
    }

    #[test]
    fn a_written_row_reads_back() {
        let bar = Bar { time: 7, open: 3, high: 5 * 10_u128.pow(18), low: 2, close: 4 };
        let mut text = format!("{HEADER}\n").into_bytes();
        write_row(&mut text, "SOL", &bar, "1.5").unwrap();
        let history = History::parse("test", core::str::from_utf8(&text).unwrap()).unwrap();
        assert_eq!(history.bars["SOL"], [bar]);
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        assert!(refusal("").contains("empty"));
        assert!(refusal(&format!("{HEADER}\n")).contains("no row"));
        assert!(refusal("ts,asset,open,high,low\n").contains("no column `close`"));
        assert!(
            refusal("ts,asset,open,high,low,close,colour\n").contains("unknown column `colour`")
        );
        assert!(refusal("ts,ts,asset,open,high,low,close\n").contains("twice"));
        for (row, said) in [
            ("x,ETH,10,12,9,11,5", "line 3: ts `x`"),
            ("-5,ETH,10,12,9,11,5", "line 3: ts `-5`"),
            ("999999999999999,ETH,10,12,9,11,5", "line 3: ts"),
            ("2000,eth!,10,12,9,11,5", "line 3: asset `eth!`"),
            ("2000,,10,12,9,11,5", "line 3: asset ``"),
            ("2000,ETH,ten,12,9,11,5", "line 3: open: `ten` is not a number"),
            ("2000,ETH,10,NaN,9,11,5", "line 3: high"),
            ("2000,ETH,10,12,-9,11,5", "line 3: low"),
            ("2000,ETH,10,12,9,,5", "line 3: close: an amount is missing"),
            ("2000,ETH,10,12,0,11,5", "line 3: low must be above 0"),
            ("2000,ETH,10,12,9,11,much", "line 3: volume"),
            ("2000,ETH,10,8,9,8,5", "line 3: high 8 is below low 9"),
            ("2000,ETH,10,10.5,9,11,5", "line 3: high 10.5 is below close 11"),
            ("2000,ETH,10,12,10.5,11,5", "line 3: low 10.5 is above open 10"),
            ("999,ETH,10,12,9,11,5", "line 3: ts 999 is before 1000"),
            ("1000,ETH,10,12,9,11,5", "line 3: ETH has a row for ts 1000 already"),
            ("2000,ETH,10,12", "line 3: 4 fields, the header has 7"),
        ] {
            let error = refusal(&format!("{HEADER}\n{ROW}{row}\n"));
            assert!(error.starts_with(said), "{row}: {error}");
        }
    }
}
