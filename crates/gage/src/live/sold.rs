//! Liquidations on the screen, one line each.

use crate::{
    amounts::{bps, health, short, tokens},
    calendar::minute,
    reading::Names,
    tally::{Liquidation, Pair, Way},
};

/// ` 03:15 ▸ 0xf39F…2266  swept      0.9712 → 1.0500  12.5 WETH for 25,000 USDC at 2 to 4.5 % off`,
/// marked if it happened at `now`.
pub(super) fn row(names: &Names, sold: &Liquidation, now: u64) -> String {
    let time = minute(sold.time);
    let clock = time.split([' ', 'T']).next_back().unwrap_or_default();
    let mark = if sold.time == now { '▸' } else { ' ' };
    let (before, after) = sold.health;
    let after = after.map_or_else(|| "…".to_owned(), health);
    format!(
        " {clock} {mark} {}  {:<9}  {} → {after:<6}  {} {}",
        short(sold.account.owner),
        way(sold.way),
        health(before),
        goods(names, &sold.pairs),
        terms(sold),
    )
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Unhealthy => "swept",
        Way::Insolvent => "insolvent",
        Way::StopLoss => "stop-loss",
        Way::Open => "keeper",
    }
}

/// All that was sold of the first pair's collateral for its debt; other pairs are counted.
fn goods(names: &Names, pairs: &[Pair]) -> String {
    let Some(first) = pairs.first() else { return String::new() };
    let same = |pair: &&Pair| (pair.vault, pair.asset) == (first.vault, first.asset);
    let (mut repaid, mut seized) = (first.repaid, first.seized);
    for pair in pairs.iter().skip(1).filter(same) {
        repaid += pair.repaid;
        seized += pair.seized;
    }
    let vault = names.vaults().iter().find(|vault| vault.id == first.vault);
    let (owed, decimals) =
        vault.map_or(("?", 0), |vault| (vault.asset.symbol.as_str(), vault.asset.decimals));
    let others = pairs.iter().filter(|pair| !same(pair)).count();
    let more = if others == 0 { String::new() } else { format!(" +{others}") };
    format!(
        "{} {} for {} {owed}{more}",
        tokens(seized, names.decimals(first.asset)),
        names.symbol(first.asset),
        tokens(repaid, decimals),
    )
}

/// `at 2 to 4.5 % off`, or a liquidator's bonus.
fn terms(sold: &Liquidation) -> String {
    let terms = || sold.pairs.iter().map(|pair| pair.terms);
    let (low, high) = (terms().min().unwrap_or_default(), terms().max().unwrap_or_default());
    match sold.way {
        Way::Open => format!("+{}", bps(high)),
        _ if low == high => format!("at {} off", bps(low)),
        _ => format!("at {} to {} off", bps(low).trim_end_matches(" %"), bps(high)),
    }
}
