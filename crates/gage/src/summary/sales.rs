//! The summary's tables of what was sold, to whom, at which discount.

use alloy_primitives::{Address, U256};
use comfy_table::Table;
use gage_core::bids::TIER_STEP;

use super::Summary;
use crate::{
    amounts::{blocks, bps, tokens, usd},
    depth::total,
    table::{Column, table},
    tally::{Sum, Way},
};

/// By who bought: the sweep's bids, or a liquidator.
pub(super) fn buyers(summary: &Summary<'_>) -> Table {
    let columns = [
        Column::Left("collateral of"),
        Column::Left("went to"),
        Column::Right("times"),
        Column::Right("debt repaid"),
        Column::Right("collateral"),
        Column::Right("below price"),
        Column::Right("bonus"),
        Column::Right("longest wait"),
    ];
    let row = |way: Way| {
        let sum: Sum = summary.tally.sales.of(way);
        let (whose, to) = match way {
            Way::Unhealthy => ("unhealthy accounts", "bids, in the price's block"),
            Way::Insolvent => ("insolvent accounts", "bids, in the price's block"),
            Way::StopLoss => ("owners with stop-loss orders", "bids"),
            Way::Open => ("what bids left", "the keeper, by transaction"),
        };
        vec![
            whose.to_owned(),
            to.to_owned(),
            sum.accounts.to_string(),
            usd(sum.repaid),
            usd(sum.seized),
            bps(sum.mean_discount_bps()),
            bps(sum.mean_bonus_bps()),
            blocks(sum.longest_wait),
        ]
    };
    let happened = Way::ALL.into_iter().filter(|way| summary.tally.sales.of(*way).accounts > 0);
    table(&columns, happened.map(row).collect())
}

/// By discount: what was bid, what was filled, what ran dry.
pub(super) fn queue(summary: &Summary<'_>) -> Table {
    let columns = [
        Column::Right("discount"),
        Column::Right("bid"),
        Column::Right("filled"),
        Column::Right("fills"),
        Column::Right("left"),
        Column::Right("tiers dry"),
    ];
    let levels = summary.depth.levels();
    let mut rows: Vec<Vec<String>> = levels
        .iter()
        .map(|(tier, level)| {
            let discount = u16::from(*tier) * TIER_STEP.get();
            let filled = summary.tally.sales.filled.get(&discount);
            let (fills, value) = filled.copied().unwrap_or_default();
            vec![
                bps(discount),
                usd(level.bid),
                usd(value),
                fills.to_string(),
                usd(level.left),
                format!("{} of {}", level.dry, level.tiers),
            ]
        })
        .collect();
    let (all, filled) = (total(&levels), &summary.tally.sales.filled);
    rows.push(vec![
        "all".to_owned(),
        usd(all.bid),
        usd(filled.values().fold(U256::ZERO, |sum, (_, value)| sum + *value)),
        filled.values().map(|(fills, _)| fills).sum::<u64>().to_string(),
        usd(all.left),
        format!("{} of {}", all.dry, all.tiers),
    ]);
    table(&columns, rows)
}

/// What accounts lost.
pub(super) fn seized(summary: &Summary<'_>) -> Table {
    let row = |(asset, amount): (&Address, &U256)| {
        let decimals = summary.names.decimals(*asset);
        vec![summary.names.symbol(*asset), tokens(*amount, decimals)]
    };
    let columns = [Column::Left("asset"), Column::Right("seized")];
    table(&columns, summary.tally.sales.seized.iter().map(row).collect())
}
