//! The results: medians beside each other, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::engine::SPEC;
use crate::scenario::{Operation, Sample, Samples};

/// What a subject's transactions cost.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) samples: Samples,
}

/// All subjects with so many transactions in a block.
pub(crate) struct Round {
    pub(crate) per_block: usize,
    /// The others are compared with the first.
    pub(crate) columns: Vec<Column>,
}

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) users: usize,
    pub(crate) passes: usize,
    pub(crate) rounds: Vec<Round>,
    pub(crate) floor: Vec<(&'static str, Vec<Sample>)>,
}

/// Median and tenth and ninetieth percentile.
pub(crate) struct Spread {
    pub(crate) p10: u64,
    pub(crate) median: u64,
    p90: u64,
}

impl Spread {
    /// # Panics
    /// Without values.
    pub(crate) fn of(values: impl Iterator<Item = u64>) -> Self {
        let mut values: Vec<u64> = values.collect();
        values.sort_unstable();
        let at = |percent: usize| values[(values.len() - 1) * percent / 100];
        Self { p10: at(10), median: at(50), p90: at(90) }
    }

    /// From the tenth to the ninetieth percentile, of nanoseconds.
    fn range(&self) -> String {
        format!("{}–{}", microseconds(self.p10), microseconds(self.p90))
    }
}

/// Time of a transaction in nanoseconds.
pub(crate) fn time(samples: &[Sample]) -> Spread {
    Spread::of(samples.iter().map(|sample| sample.nanoseconds))
}

/// Gas of a transaction.
pub(crate) fn gas(samples: &[Sample]) -> Spread {
    Spread::of(samples.iter().map(|sample| sample.gas))
}

pub(crate) fn microseconds(nanoseconds: u64) -> String {
    format!("{:.1}", nanoseconds as f64 / 1e3)
}

pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A Markdown table whose columns also line up as plain text.
pub(crate) fn table(heads: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].chars().count(), 3]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!(" {cell:<width$} ") } else { format!(" {cell:>width$} ") }
        });
        format!("|{}|\n", padded.collect::<Vec<_>>().join("|"))
    };
    let rule: Vec<String> =
        widths
            .iter()
            .enumerate()
            .map(|(column, width)| {
                if column == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width - 1)) }
            })
            .collect();
    let mut text = line(heads) + &line(&rule);
    for row in rows {
        text += &line(row);
    }
    text
}

impl Report {
    /// The whole page.
    pub(crate) fn markdown(&self) -> String {
        let Self { users, passes, .. } = self;
        let revm = revm_version();
        let mut page = String::from("# Side by side\n\n");
        let _ = writeln!(
            page,
            "One operation is one transaction, executed by revm {revm} ({SPEC:?}) and committed to a state in memory; its\n\
             signature is already recovered. There are {users} lenders and {users} borrowers, half of whom are liquidated.\n\
             Each subject plays the story {passes} times on a fresh chain, after once that is thrown away.\n",
        );
        let _ = writeln!(page, "{}\n", machine("one used"));
        for round in &self.rounds {
            page += &round.markdown();
        }
        let _ = writeln!(page, "## The floor: a transaction that does nothing\n\n{}", self.floor());
        page += NOTES;
        page
    }

    fn floor(&self) -> String {
        let heads = ["", "µs", "p10–p90", "gas"].map(str::to_owned);
        let row = |(name, samples): &(&str, Vec<Sample>)| {
            let spread = time(samples);
            let gas = thousands(gas(samples).median);
            vec![(*name).to_owned(), microseconds(spread.median), spread.range(), gas]
        };
        table(&heads, &self.floor.iter().map(row).collect::<Vec<_>>())
    }
}

impl Round {
    fn markdown(&self) -> String {
        let title = match self.per_block {
            1 => "Each in a block of its own: every transaction accrues interest".to_owned(),
            many => format!("{many} to a block: only the first of them accrues interest"),
        };
        let (times, gas) = (self.times(), self.gas());
        format!(
            "## {title}\n\nMicroseconds: median, and 10th to 90th percentile.\n\n{times}\nGas: median.\n\n{gas}\n"
        )
    }

    fn times(&self) -> String {
        let mut heads = vec!["µs".to_owned()];
        for column in &self.columns {
            heads.extend([column.name.to_owned(), "p10–p90".to_owned()]);
        }
        self.with_ratios(heads, |column, operation| {
            let spread = time(&column.samples[&operation]);
            (spread.median, vec![microseconds(spread.median), spread.range()])
        })
    }

    fn gas(&self) -> String {
        let mut heads = vec!["gas".to_owned()];
        heads.extend(self.columns.iter().map(|column| column.name.to_owned()));
        self.with_ratios(heads, |column, operation| {
            let spread = gas(&column.samples[&operation]);
            (spread.median, vec![thousands(spread.median)])
        })
    }

    /// A row for each operation: the cells of each column, then how many times as much as the first each other costs.
    fn with_ratios(
        &self,
        mut heads: Vec<String>,
        cells: impl Fn(&Column, Operation) -> (u64, Vec<String>),
    ) -> String {
        if let [first, others @ ..] = self.columns.as_slice() {
            heads.extend(others.iter().map(|other| format!("{} ÷ {}", other.name, first.name)));
        }
        let row = |operation: Operation| {
            let mut row = vec![operation.to_string()];
            let mut medians = Vec::new();
            for column in &self.columns {
                let (median, shown) = cells(column, operation);
                medians.push(median);
                row.extend(shown);
            }
            row.extend(
                medians
                    .iter()
                    .skip(1)
                    .map(|other| format!("{:.1}×", *other as f64 / medians[0] as f64)),
            );
            row
        };
        table(&heads, &Operation::ALL.map(row))
    }
}

/// What a reader must know to judge the numbers.
const NOTES: &str = "\
## What is compared

- The peers are the real contracts: npm `@morpho-org/morpho-blue` 1.0.0 (solc 0.8.19, via IR, 999,999 runs, paris) and
  `@aave-dao/aave-v3-origin` 3.6.0 (solc 0.8.27, 200 runs, shanghai), set up as their deployers do.
- Around them things are plain, which favours them: a simple ERC-20, one-slot price feeds, no rewards controller for
  Aave. Morpho's rate model is ours, of the adaptive curve's shape and storage, without its exponential.
- Supply and withdraw are a lender's, of USDC. Morpho's collateral bears no interest, so moving it in does not accrue;
  Aave's collateral is a supply like any other. The liquidation repays 5,000 of some 14,000 USDC.
- After every pass the tokens of all users must be exactly where the story leaves them.
";

/// The processor, how many of its threads are `used`, and the compiler.
pub(crate) fn machine(used: &str) -> String {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu_info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let rustc = Command::new("rustc").arg("--version").output().ok();
    let rustc = rustc.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    format!(
        "{model}, {threads} threads available, {used}; {}; {}.",
        std::env::consts::OS,
        rustc.trim()
    )
}

/// The version of revm in the workspace's lock file.
fn revm_version() -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let version = lock.split("name = \"revm\"\nversion = \"").nth(1);
    version.and_then(|rest| rest.split('"').next()).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_made_of_values_that_were_measured() {
        let Spread { p10, median, p90 } = Spread::of((1..=11).rev());
        assert_eq!([p10, median, p90], [2, 6, 10]);
        let Spread { p10, median, p90 } = Spread::of(std::iter::once(7));
        assert_eq!([p10, median, p90], [7, 7, 7]);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!([7, 999, 1_000, 1_234_567].map(thousands), ["7", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn columns_line_up() {
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = table(&cells(["a", "µs"]), &[cells(["borrow", "1.5"]), cells(["b", "165.8"])]);
        let lines: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(lines, [lines[0]; 4], "{text}");
    }

    #[test]
    fn the_lock_file_names_revm() {
        assert!(revm_version().starts_with(|first: char| first.is_ascii_digit()));
    }
}
