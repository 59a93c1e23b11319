//! What it costs to move a pool's mean: the table of `docs/pools.md`, and an attack that pays it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use gage_core::pool::{PoolReading, PoolWords};
use gage_core::{Address, Bps, FeedId, PoolTerms, PoolToken, PoolTrail, Timestamp, U256, WAD};

const DOCUMENTATION: &str = include_str!("../../../docs/pools.md");
/// Both reserves before the attack, in base units: a price of one.
const RESERVE: f64 = 1e24;
const START: u64 = 1_800_000_000;

/// What holding the price at `factor` for `blocks` costs, in parts of the other reserve, without fees.
fn cost(factor: f64, blocks: u32) -> f64 {
    (factor.sqrt() + 1.0 / factor.sqrt() - 2.0) * f64::from(blocks)
}

/// The table's rows: minutes, then the cost of each move.
fn rows() -> Vec<(u32, Vec<f64>)> {
    let rows =
        DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" min |"));
    let numbers = |cells: &str| {
        cells.split('|').filter_map(|cell| cell.trim().parse().ok()).collect::<Vec<f64>>()
    };
    rows.map(|(minutes, cells)| (minutes.parse().unwrap(), numbers(cells))).collect()
}

#[test]
fn the_table_of_the_documentation() {
    let rows = rows();
    assert_eq!(rows.len(), 3);
    for (minutes, costs) in rows {
        let computed = [1.02, 1.05, 1.1, 1.2].map(|factor| cost(factor, minutes * 60));
        assert_eq!(costs.len(), computed.len());
        for (written, computed) in costs.iter().zip(computed) {
            assert!((written - computed).abs() <= 0.005, "{minutes} min: {written}, {computed}");
        }
    }
}

fn terms() -> PoolTerms {
    PoolTerms {
        pool: Address::repeat_byte(0x77),
        priced: PoolToken::Zero,
        decimals: 18,
        quote_decimals: 18,
        window: 600,
        drift: Bps::new(500),
        reserve_min: 1,
        quote: FeedId::new(1),
    }
}

/// A pair whose last trade of every block is the attacker's, and whose first is an arbitrageur's, until the mean
/// has reached `target`: what the attacker has lost, in parts of the other reserve.
fn attack(factor: f64, target: f64) -> f64 {
    let terms = terms();
    let mut trail = PoolTrail::default();
    let (mut cumulative, mut lost) = (U256::ZERO, 0.0);
    for block in 0..4_000_u64 {
        let now = START + block;
        // The pair is at peace until it has been watched for two windows.
        let attacked = block > 1_200;
        let root = if attacked { factor.sqrt() } else { 1.0 };
        // Before this block's trades the pair stands where the last block left it.
        let (own, other) = ((RESERVE / root) as u128, (RESERVE * root) as u128);
        let word = (U256::from(now as u32) << 224) | (U256::from(other) << 112) | U256::from(own);
        let words = PoolWords { reserves: word, cumulative };
        let reading = PoolReading::of(&terms, &words, Timestamp::new(now)).unwrap();
        let (next, mean) = trail.advance(&terms, &reading);
        trail = next;
        if let Ok(mean) = mean
            && mean.ratio(&terms).unwrap().get() as f64 >= target * WAD as f64
        {
            return lost;
        }
        cumulative = reading.cumulative.wrapping_add(reading.spot);
        if attacked {
            // Bought high from the pair, and the arbitrageur buys the pair's other side back at the market's price.
            lost += (root - 1.0) - (1.0 - 1.0 / root);
        }
    }
    f64::INFINITY
}

#[test]
fn reg_o11_moving_the_mean_costs_what_the_table_says() {
    for factor in [1.02, 1.05] {
        let (lost, asked) = (attack(factor, 1.0 + (factor - 1.0) * 0.99), cost(factor, 600));
        assert!(lost >= asked * 0.98, "{factor}: {lost} of {asked}");
    }
    // Far from the mean the pool says nothing, so ten percent more take a window of silence first.
    assert!(attack(1.1, 1.099) >= cost(1.1, 600) * 0.98);
    // Half of the way up, the present price is too far away: nothing moved is ever said.
    assert!(attack(1.3, 1.1) >= cost(1.3, 600) * 0.5);
}
