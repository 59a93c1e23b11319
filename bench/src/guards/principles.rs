//! Where the parameters come from: not from the crashes that they are tried on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Two weeks without a crash: closes every five minutes.
const CALM: &str = "fine/calm-5m.csv";
/// Seconds of its bars.
const BAR: f64 = 300.0;
/// Threshold and least bonus of the market that is replayed, in parts: what a fall may take before debt is uncovered.
const THRESHOLD: f64 = 0.8;
const BONUS: f64 = 0.05;
/// Its borrow limit.
const LIMIT: f64 = 0.75;
/// The fastest fall in the recordings, of ETH on 2020-03-12: within ten minutes.
const FASTEST: f64 = 0.187;

/// The section of the results; nothing without the recording.
pub(super) fn section(data: &Path) -> Result<String> {
    let path = data.join(CALM);
    if !path.is_file() {
        return Ok(String::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut page = String::from(
        "\n## Where the parameters come from\n\nFrom two weeks without a crash (1 to 14 March 2022, closes every five minutes):\n\n\
         | | σ of a minute | four σ | 99.9 % of five minutes | largest |\n\
         | - | ------------: | -----: | ---------------------: | ------: |\n",
    );
    for (asset, closes) in closes(&text)? {
        let returns = closes.windows(2).map(|pair| (pair[1] / pair[0]).ln());
        let mut moves: Vec<f64> = returns.map(f64::abs).collect();
        moves.sort_by(f64::total_cmp);
        let squares: f64 = moves.iter().map(|part| part * part).sum();
        let sigma = (squares / moves.len().max(1) as f64 * 60.0 / BAR).sqrt();
        let at = |part: f64| moves.get((moves.len() as f64 * part) as usize).copied();
        let _ = writeln!(
            page,
            "| {asset} | {:.3} % | {:.2} % | {:.2} % | {:.2} % |",
            100.0 * sigma,
            400.0 * sigma,
            100.0 * at(0.999).unwrap_or_default(),
            100.0 * moves.last().copied().unwrap_or_default()
        );
    }
    let gap = 1.0 - THRESHOLD * (1.0 + BONUS);
    let room = 1.0 - LIMIT / THRESHOLD;
    let _ = writeln!(
        page,
        "\nThe largest fall at once without bad debt is 1 − LT·(1 + b) = {:.1} % (LT 80 %, b 5 %), and the room between the\n\
         limit at which one may borrow and the threshold 1 − 75/80 = {:.1} %. The fastest recorded fall is {:.1} % in\n\
         ten minutes (ETH, 2020-03-12).",
        100.0 * gap,
        100.0 * room,
        100.0 * FASTEST
    );
    Ok(page)
}

/// Each asset's closes, in order.
fn closes(text: &str) -> Result<BTreeMap<String, Vec<f64>>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',').skip(1);
        let asset = fields.next().context("no asset")?;
        let close = fields.next().context("no close")?.parse()?;
        found.entry(asset.to_owned()).or_default().push(close);
    }
    Ok(found)
}
