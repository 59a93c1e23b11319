//! The bid queue on the screen: for each market how much of each discount is left.

use alloy_primitives::U256;

use crate::{
    amounts::usd,
    demo::world::MARKETS,
    depth::{Depth, Levels, total},
};

/// Half percents of discount that are drawn: up to 10 %.
const LEVELS: u8 = 20;

/// Characters before the bars.
const MARGIN: usize = 40;

/// What is left of a discount's bids, in eighths.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Nothing is left.
const DRY: char = '·';

/// A line of discounts, and a line for each market.
pub(super) fn rows(depth: &Depth) -> Vec<String> {
    let scale: String = (0..=LEVELS / 2).map(|percent| format!("{percent:<4}")).collect();
    let mut rows = vec![format!(
        " {:<MARGIN$}{}% off",
        "Bids          waiting      of all bid",
        scale.trim_end()
    )];
    for (id, market) in (1..).zip(&MARKETS) {
        let levels = depth.markets.get(&id).cloned().unwrap_or_default();
        let all = total(&levels);
        let sums = format!("{:<9}{:>12}{:>16}", market.name, usd(all.left), usd(all.bid));
        let bars = bars(&levels);
        rows.push(format!(" {sums:<MARGIN$}{bars}  {} of {} dry", all.dry, all.tiers));
    }
    rows
}

/// Two characters for each half percent: how full it still is; spaces where nobody bid.
fn bars(levels: &Levels) -> String {
    (0..=LEVELS)
        .map(|tier| {
            let Some(level) = levels.get(&tier) else { return "  ".to_owned() };
            let bar = bar(level.left, level.bid);
            format!("{bar}{bar}")
        })
        .collect()
}

fn bar(left: U256, bid: U256) -> char {
    if left.is_zero() {
        return DRY;
    }
    let eighths: usize =
        (left * U256::from(BARS.len())).checked_div(bid).unwrap_or_default().saturating_to();
    // Bids earn interest: a little more than was bid may be left.
    BARS[eighths.min(BARS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fall_as_bids_are_filled() {
        let bar = |left: u64| bar(U256::from(left), U256::from(80));
        let bars = [bar(0), bar(1), bar(40), bar(79), bar(80), bar(99)];
        assert_eq!(bars, ['·', '▁', '▅', '█', '█', '█']);
    }

    #[test]
    fn a_row_fits_a_hundred_columns() {
        let level = crate::depth::Level {
            bid: U256::from(10).pow(U256::from(25)),
            left: U256::from(10).pow(U256::from(25)),
            tiers: 8,
            dry: 7,
        };
        let levels: Levels = (0..=60).map(|tier| (tier, level)).collect();
        let depth = Depth { markets: [(1, levels.clone()), (2, levels)].into() };
        for row in rows(&depth) {
            assert!(row.chars().count() <= 100, "{row}");
        }
    }
}
