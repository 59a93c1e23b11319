//! The risk premium: who pays what, and what rounding, time and changes of mind cannot make of it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing;
use gage_core::exposure;
use gage_core::listing;
use gage_core::premium::refresh_risk_premium;
use gage_core::{Address, Assets, Bps, Debt, Error, Event, RAY, WAD, margin};
use world::acts::*;
use world::*;

/// A lender, and Alice and a friend who owe the same on assets 2 and 3.
fn two_borrowers(weights: [u16; 3]) -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    world.weigh(weights);
    deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
    for (who, what) in [(ALICE, 2), (FRIEND, 3)] {
        pledge(&mut world, who, what, 500 * unit(18));
        borrow(&mut world, who, 1, 300 * unit(6)).unwrap();
    }
    world
}

fn owes(world: &mut World, who: Address) -> u128 {
    borrowing::debt_of(&mut world.ledger, &of(who), vault(1)).unwrap().get()
}

fn premium(world: &World, who: Address) -> Bps {
    world.ledger.accounts[&of(who)].risk_premium
}

fn refresh(world: &mut World, who: Address) -> Bps {
    refresh_risk_premium(&mut world.ledger, &of(who)).unwrap()
}

/// INT-2: interest on the riskier collateral is `1 + premium` times the other's, to rounding, and
/// lenders and reserves receive all of it.
#[test]
fn riskier_collateral_pays_more_and_lenders_receive_it() {
    let mut world = two_borrowers([0, 0, 2_500]);
    assert_eq!([premium(&world, ALICE), premium(&world, FRIEND)], [Bps::ZERO, Bps::new(2_500)]);
    assert_eq!([owes(&mut world, ALICE), owes(&mut world, FRIEND)], [300 * unit(6); 2]);
    let before = world.settled().vaults[&vault(1)];
    world.pass(31_536_000);
    let [plain, more] = [ALICE, FRIEND].map(|who| owes(&mut world, who) - 300 * unit(6));
    assert!(plain > 0 && (plain * 5 / 4).abs_diff(more) <= 2, "{plain} {more}");
    let after = world.settled().vaults[&vault(1)].accrue(world.ledger.now);
    let owned =
        |vault: &gage_core::Accrued| (vault.total_assets().get(), vault.record().reserves.get());
    let (lenders, reserves) = owned(&after);
    let (lenders_before, reserves_before) = owned(&before.accrue(before.updated_at));
    let earned = lenders + reserves - lenders_before - reserves_before;
    assert!(plain + more - earned <= 3, "{plain} {more} {earned}");
    // A tenth is the reserve fee; what lenders earn is what the view promises.
    assert!(earned.abs_diff((reserves - reserves_before) * 10) <= 10);
    sound(&world);
}

/// The supply rate counts what ghost shares pay.
#[test]
fn the_supply_rate_includes_premiums() {
    let rate = |weights| {
        let world = two_borrowers(weights);
        world.ledger.vaults[&vault(1)].accrue(world.ledger.now).supply_rate().get()
    };
    let (plain, half) = (rate([0, 0, 0]), rate([0, 0, 5_000]));
    // Half of the debt pays half more.
    assert!((plain * 5 / 4).abs_diff(half) < plain / 1_000_000, "{plain} {half}");
}

/// The best collateral counts first; the premium follows what an account does, and what anyone asks
/// for after what it cannot follow: repayments, supplies, weights, prices.
#[test]
fn a_premium_is_refreshed_by_what_the_account_does_and_by_anyone() {
    let mut world = two_borrowers([0, 0, 2_500]);
    // Better collateral than the debt needs: nothing is charged for the rest.
    pledge(&mut world, FRIEND, 2, 300 * unit(18));
    assert_eq!(premium(&world, FRIEND), Bps::new(2_500), "supplying needs no price");
    assert_eq!(refresh(&mut world, FRIEND), Bps::ZERO);
    let record = world.ledger.accounts[&of(FRIEND)].debts[0].debt;
    assert_eq!(record, Debt { shares: record.shares, offset: Assets::ZERO });
    // Releasing half of it: 150 of 300 are backed by the riskier one.
    release(&mut world, FRIEND, 2, 150 * unit(18)).unwrap();
    assert_eq!(premium(&world, FRIEND), Bps::new(1_250));
    // Drawing more: 150 of 350.
    borrow(&mut world, FRIEND, 1, 50 * unit(6)).unwrap();
    assert_eq!(premium(&world, FRIEND), Bps::new(1_429));
    // Repaying, then asking: nothing is left on the riskier one.
    repay(&mut world, LENDER, FRIEND, 1, 200 * unit(6)).unwrap();
    assert_eq!(premium(&world, FRIEND), Bps::new(1_429), "repaying needs no price");
    assert_eq!(refresh(&mut world, FRIEND), Bps::ZERO);
    // New weights count from the next refresh on.
    world.weigh([0, 1_000, 2_500]);
    assert_eq!(premium(&world, ALICE), Bps::ZERO);
    world.ledger.events.clear();
    assert_eq!(refresh(&mut world, ALICE), Bps::new(1_000));
    let told = Event::RiskPremiumChanged { account: of(ALICE), premium: Bps::new(1_000) };
    assert!(world.ledger.events.contains(&told));
    // Again changes nothing and says nothing.
    let before = world.ledger.clone();
    assert_eq!(refresh(&mut world, ALICE), Bps::new(1_000));
    assert_eq!(before.events, world.ledger.events);
    assert_eq!(before.accounts, world.ledger.accounts);
    let nobody = world.ledger.atomically(|l| refresh_risk_premium(l, &of(MALLORY)));
    assert_eq!(refused(nobody), Error::NoDebt);
    world.pass(8_000);
    let stale = world.ledger.atomically(|l| refresh_risk_premium(l, &of(ALICE)));
    assert!(matches!(refused(stale), Error::StalePrice { .. }));
    sound(&world);
}

/// A liquidation writes the rest at the premium of what is left.
#[test]
fn a_liquidation_refreshes_the_premium() {
    let mut world = World::new(&[6, 18, 18], 1);
    world.weigh([0, 0, 4_000]);
    deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 60 * unit(18));
    pledge(&mut world, ALICE, 3, 40 * unit(18));
    borrow(&mut world, ALICE, 1, 74 * unit(6)).unwrap();
    // 14 of 74 on the riskier one.
    assert_eq!(premium(&world, ALICE), Bps::new(757));
    for what in [2, 3] {
        world.report(what, 89 * WAD).unwrap();
    }
    let plan = liquidate_pair(&mut world, (MALLORY, ALICE), (1, 3), u128::MAX).unwrap();
    assert!(plan.seized() > Assets::ZERO);
    let position = margin::position(&mut world.ledger, &of(ALICE)).unwrap();
    assert_eq!(premium(&world, ALICE), position.risk_premium_now());
    assert!(premium(&world, ALICE) < Bps::new(757));
    sound(&world);
}

/// INT-2, V-02: a million seconds apart or one, up and down between nothing and five times: lenders
/// never lose a unit, and the account never owes less than the base rate says.
#[test]
fn reg_v02_a_premium_switched_up_and_down() {
    switched_up_and_down(two_borrowers([0, 0, 0]));
    // The same with what backs the debts kept.
    switched_up_and_down(tracked([0, 0, 0]));
}

/// As [`two_borrowers`], on a line that is tracked.
fn tracked(weights: [u16; 3]) -> World {
    let mut world = two_borrowers(weights);
    let cap = Some(Assets::new(1_000_000 * unit(6)));
    let line = (MARKET, vault(1));
    exposure::set_ceiling(&mut world.ledger, CURATOR, line, asset(3), cap).unwrap();
    world
}

fn switched_up_and_down(mut world: World) {
    let mut dice = Dice(7);
    let index = |world: &World| world.settled().vaults[&vault(1)].index.get();
    let start = index(&world);
    let mut price = 0;
    for _ in 0..3_000 {
        world.pass(dice.pick(&[1, 1, 60, 3_600, 86_400]));
        world.report_all_again();
        world.weigh([0, 0, dice.pick(&[0, 1, 100, 2_500, 50_000])]);
        refresh(&mut world, FRIEND);
        let vault = world.settled().vaults[&vault(1)].accrue(world.ledger.now);
        let (assets, shares) = (vault.total_assets().get(), vault.record().shares.get());
        let now = gage_core::fixed::mul_div_down(assets, RAY, shares).unwrap();
        assert!(now >= price, "SHR-1");
        price = now;
    }
    sound(&world);
    let plain = 300 * unit(6) * (index(&world) / (RAY / 1_000_000)) / (start / (RAY / 1_000_000));
    assert!(owes(&mut world, FRIEND) + 300 > plain);
    assert!(owes(&mut world, FRIEND) > owes(&mut world, ALICE));
    // Everything can be repaid, and nothing of the premium stays behind.
    for who in [ALICE, FRIEND] {
        repay(&mut world, LENDER, who, 1, u128::MAX).unwrap();
    }
    let record = world.ledger.vaults[&vault(1)];
    assert_eq!(record.owed, Debt::ZERO);
    assert!(world.ledger.exposures.is_empty());
    sound(&world);
}

/// F-03: units borrowed and repaid in a loop, with a premium between them, gain nothing.
#[test]
fn reg_f03_unit_loops_with_ghost_shares() {
    for (weight, begin) in [1, 3_333, 50_000].into_iter().flat_map(|weight| {
        let begin: [fn([u16; 3]) -> World; 2] = [two_borrowers, tracked];
        begin.map(|begin| (weight, begin))
    }) {
        let mut world = begin([0, 0, weight]);
        world.pass(40_000_000);
        world.report_all_again();
        let team = [FRIEND];
        let before = wealth(&world.ledger, &team);
        for round in 0..400_u128 {
            let _ = borrow(&mut world, FRIEND, 1, 1 + round % 3);
            let _ = repay(&mut world, FRIEND, FRIEND, 1, 1 + round % 2);
            refresh(&mut world, FRIEND);
        }
        assert!(wealth(&world.ledger, &team) <= before, "{weight}");
        sound(&world);
    }
}

/// Every account of a market pays for its own collateral only: weights change nobody's debt until it
/// is refreshed, and then no more than by rounding.
#[test]
fn weights_change_no_debt_in_hindsight() {
    let mut world = two_borrowers([0, 0, 2_500]);
    world.pass(5_000_000);
    world.report_all_again();
    let before = [ALICE, FRIEND].map(|who| owes(&mut world, who));
    world.weigh([0, 9_999, 50_000]);
    for who in [ALICE, FRIEND] {
        refresh(&mut world, who);
    }
    let after = [ALICE, FRIEND].map(|who| owes(&mut world, who));
    for (before, after) in before.into_iter().zip(after) {
        assert!((before..=before + 2).contains(&after), "{before} {after}");
    }
    sound(&world);
}

/// CFG-2: a weight has a largest value, and only the market's owner sets it.
#[test]
fn weights_are_bounded() {
    let mut world = World::new(&[6], 1);
    let cap = cap(10_000_000, 6);
    let mut asked = terms(7_500, 8_000, [400, 1_000], cap, 1);
    asked.risk_weight = listing::RISK_WEIGHT_MAX;
    listing::set_collateral(&mut world.ledger, OWNER, MARKET, asset(1), &asked).unwrap();
    asked.risk_weight = Bps::new(listing::RISK_WEIGHT_MAX.get() + 1);
    let l = &mut world.ledger;
    let more = l.atomically(|l| listing::set_collateral(l, OWNER, MARKET, asset(1), &asked));
    assert!(matches!(refused(more), Error::InvalidParameter { name: "risk weight", .. }));
    asked.risk_weight = Bps::ZERO;
    let other = l.atomically(|l| listing::set_collateral(l, MALLORY, MARKET, asset(1), &asked));
    assert!(matches!(refused(other), Error::NotAuthorised { .. }));
}
