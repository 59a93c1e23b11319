//! Six borrowers under thresholds, in groups, and under portfolio margin: the table of docs/margin.md,
//! computed by the engine and compared to the letter.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use core::fmt::Write as _;

use gage_core::explain::explain;
use gage_core::groups::{self, GroupTerms, Members};
use gage_core::{Bps, GroupId, WAD, listing};
use world::acts::*;
use world::margin::*;
use world::*;

const PAGE: &str = include_str!("../../../docs/margin.md");

const USDC: u32 = 1;
const ETH: u32 = 2;
const ALT: u32 = 3;
const STETH: u32 = 4;
const BTC: u32 = 5;
const USDT: u32 = 6;

/// Dollars that each borrower's collateral is worth.
const WORTH: u128 = 10_000;

/// A borrower: what is pledged, in parts, and what is borrowed.
struct Borrower {
    name: &'static str,
    pledged: &'static [u32],
    owed: u32,
}

const BORROWERS: [Borrower; 6] = [
    Borrower { name: "ETH, borrows USDC", pledged: &[ETH], owed: USDC },
    Borrower { name: "stETH, borrows ETH", pledged: &[STETH], owed: ETH },
    Borrower { name: "BTC and ETH, borrows USDC", pledged: &[BTC, ETH], owed: USDC },
    Borrower { name: "BTC, borrows ETH", pledged: &[BTC], owed: ETH },
    Borrower { name: "an altcoin, borrows USDC", pledged: &[ALT], owed: USDC },
    Borrower { name: "USDT, borrows USDC", pledged: &[USDT], owed: USDC },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    Thresholds,
    Groups,
    Portfolio,
}

/// LTV, threshold and bonuses of each asset.
const TERMS: [(u32, u16, u16, [u16; 2]); 6] = [
    (USDC, 8_500, 8_800, [200, 400]),
    (ETH, 8_000, 8_300, [400, 600]),
    (ALT, 5_000, 6_000, [500, 1_000]),
    (STETH, 7_800, 8_100, [400, 600]),
    (BTC, 7_800, 8_100, [400, 600]),
    (USDT, 8_500, 8_800, [200, 400]),
];

fn world() -> World {
    let mut world = World::new(&[6, 18, 18, 18, 8, 6], 3);
    for (number, ltv, threshold, bonus) in TERMS {
        let cap = cap(10_000_000, world.decimals[number as usize - 1]);
        let terms = terms(ltv, threshold, bonus, cap, number);
        let l = &mut world.ledger;
        listing::set_collateral(l, OWNER, MARKET, asset(number), &terms).unwrap();
    }
    let alike = |ltv, threshold, bonus: [u16; 2]| GroupTerms {
        ltv: Bps::new(ltv),
        threshold: Bps::new(threshold),
        bonus_min: Bps::new(bonus[0]),
        bonus_max: Bps::new(bonus[1]),
        band: Bps::new(200),
    };
    for (name, terms, members, lends) in [
        ("ether", alike(9_000, 9_400, [100, 300]), [ETH, STETH], ETH),
        ("dollars", alike(9_200, 9_500, [100, 200]), [USDC, USDT], USDC),
    ] {
        let (collaterals, vaults) = (members.map(asset), [vault(lends)]);
        let members = Members { collaterals: &collaterals, vaults: &vaults };
        let l = &mut world.ledger;
        groups::create_group(l, OWNER, MARKET, (label(name), &terms), members).unwrap();
    }
    for number in [USDC, ETH, ALT] {
        let whole = unit(world.decimals[number as usize - 1]);
        deposit(&mut world, LENDER, number, 100_000 * whole).unwrap();
    }
    world
}

/// Daily deviations, and correlations of 2022 to 2025, rounded.
fn margin() -> gage_core::portfolio::PortfolioTerms {
    let factors = vec![
        factor(USDC, 4_000, 10, &[]),
        hedged(factor(ETH, 40_000, 80, &[0]), 1, 9_300),
        factor(ALT, 70_000, 400, &[0, 7_000]),
        hedged(factor(STETH, 40_000, 120, &[0, 9_900, 7_000]), 1, 9_300),
        factor(BTC, 28_000, 60, &[0, 8_000, 6_000, 8_000]),
        hedged(factor(USDT, 4_000, 10, &[7_000, 0, 0, 0, 0]), 2, 9_400),
    ];
    let mut terms = set([60_000, 45_000], 200, factors);
    terms.factors[0] = hedged(terms.factors[0].clone(), 2, 9_400);
    terms
}

/// What the borrower may borrow, in whole dollars, and by how much of its price the first thing pledged
/// must then fall, in hundredths of a percent, for the account to be liquidatable.
fn outcome(borrower: &Borrower, model: Model) -> (u128, u128) {
    let mut world = world();
    if model == Model::Portfolio {
        world.settle_margin(&margin());
    }
    if model == Model::Groups {
        let group = match borrower.pledged {
            [STETH] => GroupId::new(1),
            [USDT] => GroupId::new(2),
            _ => GroupId::NONE,
        };
        if !group.is_none() {
            groups::enter_group(&mut world.ledger, ALICE, (MARKET, 0), group).unwrap();
        }
    }
    // Every token is worth 100 dollars.
    for number in borrower.pledged {
        let whole = unit(world.decimals[*number as usize - 1]);
        let parts = borrower.pledged.len() as u128;
        pledge(&mut world, ALICE, *number, WORTH / 100 / parts * whole);
    }
    let whole = unit(world.decimals[borrower.owed as usize - 1]);
    let (mut most, mut above) = (0, WORTH + 1);
    while above - most > 1 {
        let dollars = most.midpoint(above);
        let mut tried = world.clone();
        match borrow(&mut tried, ALICE, borrower.owed, dollars * whole / 100) {
            Ok(()) => most = dollars,
            Err(_) => above = dollars,
        }
    }
    borrow(&mut world, ALICE, borrower.owed, most * whole / 100).unwrap();
    let explained = explain(&mut world.ledger, &of(ALICE)).unwrap();
    let first = explained.collaterals.iter().find(|leg| leg.asset == asset(borrower.pledged[0]));
    let price = first.unwrap().liquidation_price.map_or(0, |price| price.get());
    (most, 10_000 - price * 100 / WAD)
}

#[test]
fn the_page_s_table_is_what_the_engine_computes() {
    let mut table = String::from(
        "| $10,000 of | thresholds | groups | portfolio margin |\n| --- | ---: | ---: | ---: |\n",
    );
    for borrower in &BORROWERS {
        write!(table, "| {} ", borrower.name).unwrap();
        for model in [Model::Thresholds, Model::Groups, Model::Portfolio] {
            let (most, fall) = outcome(borrower, model);
            let dollars = format!("{},{:03}", most / 1_000, most % 1_000);
            write!(table, "| ${dollars}, {}.{:02} % ", fall / 100, fall % 100).unwrap();
        }
        table.push_str("|\n");
    }
    assert!(PAGE.contains(&table), "docs/margin.md does not have this table:\n{table}");
}
