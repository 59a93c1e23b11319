//! Exposure: what backs a vault's debt, by collateral and by what collaterals have in common.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::curation;
use gage_core::listing::{self, LineTerms, MarketTerms};
use gage_core::market::LINES_MAX;
use gage_core::{Assets, Error, FeedId, MarketId, WAD, Wad};
use world::acts::*;
use world::*;

/// Another market that lists vault 1.
fn another_market(world: &mut World) -> MarketId {
    let terms = MarketTerms {
        target_health: Wad::new(WAD * 105 / 100),
        full_bonus_health: Wad::new(WAD * 9 / 10),
    };
    let market = listing::create_market(&mut world.ledger, OWNER, &terms).unwrap();
    let line = LineTerms { feed: FeedId::new(1), min_debt: Assets::new(1) };
    listing::list_vault(&mut world.ledger, OWNER, market, vault(1), &line).unwrap();
    market
}

/// SOL-5: a vault knows its lines, as its curator opened them; nobody else fills the list, and a
/// closed line leaves it.
#[test]
fn a_vault_knows_its_lines() {
    let mut world = World::new(&[6, 18], 1);
    let markets: Vec<_> = (0..LINES_MAX).map(|_| another_market(&mut world)).collect();
    assert_eq!(world.ledger.vault_lines[&vault(1)], [MARKET], "listing opens nothing");
    let open = |world: &mut World, market, cap| {
        let cap = Assets::new(cap);
        let l = &mut world.ledger;
        l.atomically(|l| curation::set_line_cap(l, CURATOR, vault(1), market, cap))
    };
    for market in &markets[1..] {
        open(&mut world, *market, 5).unwrap();
        open(&mut world, *market, 6).unwrap();
    }
    assert_eq!(world.ledger.vault_lines[&vault(1)].len(), LINES_MAX);
    let full = refused(open(&mut world, markets[0], 1));
    assert_eq!(full, Error::TooManyLines { vault: vault(1), most: 32 });
    open(&mut world, markets[0], 0).unwrap();
    sound(&world);
    open(&mut world, markets[9], 0).unwrap();
    open(&mut world, markets[0], 1).unwrap();
    assert_eq!(world.ledger.vault_lines[&vault(1)].last(), Some(&markets[0]));
    // A line that is owed something stays known, whatever its cap.
    deposit(&mut world, LENDER, 1, 100 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, unit(18));
    borrow(&mut world, ALICE, 1, unit(6) / 2).unwrap();
    open(&mut world, MARKET, 0).unwrap();
    assert!(world.ledger.vault_lines[&vault(1)].contains(&MARKET));
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    open(&mut world, MARKET, 0).unwrap();
    assert!(!world.ledger.vault_lines[&vault(1)].contains(&MARKET));
    sound(&world);
}
