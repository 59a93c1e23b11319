//! Terms that stay: who keeps what, and how a move ends it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self, Draw};
use gage_core::explain::explain;
use gage_core::groups::{self, GroupTerms, Members};
use gage_core::invariants::{check_invariants, check_step};
use gage_core::terms::{self, GENERATIONS_MAX, Subject};
use gage_core::{
    AccountId, Assets, Bps, Error, GroupId, MemoryLedger, Stop, Timestamp, U256, WAD, listing,
    margin,
};
use world::acts::*;
use world::*;

const DAY: u64 = 86_400;
const SILVER: Subject = Subject::Collateral(gage_core::AssetId::new(2));

/// Sets the terms of asset 2: LTV, threshold and bonuses.
fn set(world: &mut World, ltv: u16, threshold: u16, bonus: [u16; 2]) -> Result<(), Stop> {
    let terms = terms(ltv, threshold, bonus, 10_000 * unit(18), 2);
    world.ledger.atomically(|l| listing::set_collateral(l, OWNER, MARKET, asset(2), &terms))
}

/// Announces a move of asset 2's kept terms that starts and ends so many seconds from now.
fn schedule(world: &mut World, start: u64, end: u64) -> Result<(), Stop> {
    let now = world.ledger.now;
    let times = (now.after(start), now.after(end));
    world.ledger.atomically(|l| terms::schedule_move(l, OWNER, MARKET, SILVER, times))
}

/// Threshold and bonuses of an account's asset 2, in basis points.
fn on(world: &mut World, id: &AccountId) -> [u16; 3] {
    let explained = explain(&mut world.ledger, id).unwrap();
    let leg = explained.collaterals.iter().find(|leg| leg.asset == asset(2)).unwrap();
    [leg.threshold, leg.bonus_min, leg.bonus_max].map(Bps::get)
}

fn mallory_too(world: &mut World) {
    pledge(world, MALLORY, 2, 100 * unit(18));
    borrow(world, MALLORY, 1, 10 * unit(6)).unwrap();
}

/// A lower threshold binds new risk at once and nobody else; what is new risk renews all terms.
#[test]
fn accounts_keep_their_terms_until_they_take_new_risk() {
    let mut world = indebted([6, 18]);
    let alice = of(ALICE);
    assert_eq!(on(&mut world, &alice), [8_100, 400, 1_000]);
    set(&mut world, 6_000, 7_000, [500, 1_500]).unwrap();
    mallory_too(&mut world);
    assert_eq!(on(&mut world, &alice), [8_100, 400, 1_000]);
    assert_eq!(on(&mut world, &of(MALLORY)), [7_000, 500, 1_500]);
    // Repaying, supplying and refreshing are no new risk.
    repay(&mut world, ALICE, ALICE, 1, 10 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, unit(18));
    gage_core::premium::refresh_risk_premium(&mut world.ledger, &alice).unwrap();
    assert_eq!(on(&mut world, &alice), [8_100, 400, 1_000]);
    // Drawing is checked against the newest LTV: 65 of 60.6 that she may owe.
    let outcome = borrow(&mut world, ALICE, 1, unit(6));
    assert!(matches!(refused(outcome), Error::AboveLimit { .. }));
    assert_eq!(on(&mut world, &alice), [8_100, 400, 1_000]);
    repay(&mut world, ALICE, ALICE, 1, 10 * unit(6)).unwrap();
    borrow(&mut world, ALICE, 1, unit(6)).unwrap();
    assert_eq!(on(&mut world, &alice), [7_000, 500, 1_500]);
    // So is releasing with debt, and nothing without.
    set(&mut world, 5_000, 6_900, [500, 1_500]).unwrap();
    assert_eq!(on(&mut world, &of(MALLORY)), [7_000, 500, 1_500]);
    release(&mut world, MALLORY, 2, unit(18)).unwrap();
    assert_eq!(on(&mut world, &of(MALLORY)), [6_900, 500, 1_500]);
    repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    assert_eq!(world.ledger.accounts[&of(MALLORY)].terms_version, 0);
    release(&mut world, MALLORY, 2, u128::MAX).unwrap();
    assert!(!world.ledger.accounts.contains_key(&of(MALLORY)));
    sound(&world);
}

/// What is better for borrowers is everybody's at once, and is kept as well.
#[test]
fn a_rise_helps_everybody_and_is_kept() {
    let mut world = indebted([6, 18]);
    set(&mut world, 7_000, 7_500, [400, 1_000]).unwrap();
    set(&mut world, 7_500, 8_800, [300, 1_200]).unwrap();
    // Each of the three by itself: nobody's largest bonus rose.
    assert_eq!(on(&mut world, &of(ALICE)), [8_800, 300, 1_000]);
    set(&mut world, 7_000, 7_400, [400, 1_000]).unwrap();
    assert_eq!(on(&mut world, &of(ALICE)), [8_800, 300, 1_000]);
    set(&mut world, 8_000, 9_000, [0, 500]).unwrap();
    assert_eq!(on(&mut world, &of(ALICE)), [9_000, 0, 500]);
    assert!(world.ledger.kept.is_empty(), "nobody is behind what is best");
    let market = &world.ledger.markets[&MARKET];
    assert_eq!((market.terms_version, world.ledger.accounts[&of(ALICE)].terms_version), (5, 1));
    sound(&world);
}

/// A liquidation takes the bonus that the account kept.
#[test]
fn a_larger_bonus_waits() {
    let mut world = indebted([6, 18]);
    set(&mut world, 5_000, 6_600, [2_000, 5_000]).unwrap();
    mallory_too(&mut world);
    world.report(2, 92 * WAD).unwrap();
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    assert!(plan.bonus_bps() <= Bps::new(1_000), "{plan:?}");
    sound(&world);
}

/// CFG-2: notice, length and number of moves are bounded, and only the owner announces one.
#[test]
fn moves_are_announced_and_bounded() {
    let mut world = indebted([6, 18]);
    assert!(matches!(refused(schedule(&mut world, DAY, 2 * DAY)), Error::NothingToMove { .. }));
    set(&mut world, 7_000, 7_100, [400, 1_000]).unwrap();
    let year = 365 * DAY;
    for (start, end) in [
        (0, DAY),
        (DAY - 1, 2 * DAY),
        (30 * DAY + 1, 40 * DAY),
        (DAY, 2 * DAY - 1),
        (DAY, DAY + year + 1),
        (2 * DAY, DAY),
        (DAY, DAY),
        (u64::MAX, u64::MAX),
    ] {
        let outcome = schedule(&mut world, start, end);
        assert!(matches!(refused(outcome), Error::InvalidParameter { .. }), "{start} {end}");
    }
    let l = &mut world.ledger;
    let times = (l.now.after(DAY), l.now.after(DAY + year));
    let outcome = l.atomically(|l| terms::schedule_move(l, ALICE, MARKET, SILVER, times));
    assert!(matches!(refused(outcome), Error::NotAuthorised { .. }));
    let nothing = Subject::Collateral(asset(9));
    let outcome = l.atomically(|l| terms::schedule_move(l, OWNER, MARKET, nothing, times));
    assert!(matches!(refused(outcome), Error::CollateralNotListed { .. }));
    let nothing = Subject::Group(GroupId::new(1));
    let outcome = l.atomically(|l| terms::schedule_move(l, OWNER, MARKET, nothing, times));
    assert!(matches!(refused(outcome), Error::UnknownGroup { .. }));
    let past = (Timestamp::ZERO, times.1);
    let outcome = l.atomically(|l| terms::schedule_move(l, OWNER, MARKET, SILVER, past));
    assert!(matches!(refused(outcome), Error::InvalidParameter { .. }));
    // The longest one. Until it has ended there is no other, sooner or later.
    schedule(&mut world, DAY, DAY + year).unwrap();
    for wait in [0, DAY, year - 1] {
        world.pass(wait);
        let outcome = schedule(&mut world, DAY, 2 * DAY);
        assert!(matches!(refused(outcome), Error::MoveNotOver { .. }));
    }
    world.pass(1);
    assert!(matches!(refused(schedule(&mut world, DAY, 2 * DAY)), Error::NothingToMove { .. }));
    sound(&world);
}

/// Kept thresholds fall linearly, rounded up; bonuses follow at the end; new risk never waits.
#[test]
fn moves_are_linear() {
    let mut world = indebted([6, 18]);
    set(&mut world, 6_000, 7_100, [500, 1_500]).unwrap();
    schedule(&mut world, DAY, 11 * DAY).unwrap();
    let alice = of(ALICE);
    for (hours, threshold) in [(0, 8_100), (24, 8_100), (25, 8_096), (144, 7_600), (263, 7_105)] {
        let mut then = world.clone();
        then.pass(hours * 3_600);
        assert_eq!(on(&mut then, &alice), [threshold, 400, 1_000], "after {hours} hours");
        let explained = explain(&mut then.ledger, &alice).unwrap();
        let leg = explained.collaterals[0];
        assert_eq!(leg.newest.threshold, Bps::new(7_100));
        assert_eq!(leg.moving.unwrap().end, world.ledger.now.after(11 * DAY));
    }
    world.pass(11 * DAY);
    assert_eq!(on(&mut world, &alice), [7_100, 500, 1_500]);
    assert_eq!(explain(&mut world.ledger, &alice).unwrap().collaterals[0].moving, None);
    // Who stood between the two is liquidatable now, as was announced.
    world.report_all_again();
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    sound(&world);
}

/// Terms that are set while a move is under way are no part of it: no threshold jumps, and the
/// accounts that moved keep what they moved to.
#[test]
fn terms_set_during_a_move_are_kept() {
    let mut world = indebted([6, 18]);
    set(&mut world, 6_000, 7_100, [400, 1_000]).unwrap();
    mallory_too(&mut world);
    schedule(&mut world, DAY, 11 * DAY).unwrap();
    world.pass(6 * DAY);
    world.report_all_again();
    set(&mut world, 3_000, 4_000, [400, 1_000]).unwrap();
    assert_eq!(on(&mut world, &of(ALICE))[0], 7_600);
    assert_eq!(on(&mut world, &of(MALLORY))[0], 7_100);
    world.pass(20 * DAY);
    assert_eq!(on(&mut world, &of(ALICE))[0], 7_100);
    schedule(&mut world, DAY, 2 * DAY).unwrap();
    world.pass(2 * DAY);
    assert_eq!(on(&mut world, &of(ALICE))[0], 4_000);
    assert_eq!(on(&mut world, &of(MALLORY))[0], 4_000);
    sound(&world);
}

/// Earlier terms are bounded in number; a move makes room.
#[test]
fn kept_terms_are_bounded_in_number() {
    let mut world = indebted([6, 18]);
    for step in 1..=GENERATIONS_MAX as u16 {
        set(&mut world, 5_000, 8_100 - 10 * step, [400, 1_000]).unwrap();
        sound(&world);
    }
    let before = world.ledger.clone();
    let outcome = set(&mut world, 5_000, 7_000, [400, 1_000]);
    assert!(matches!(refused(outcome), Error::TooManyKept { most: 8, .. }));
    assert_eq!(world.ledger, before);
    // What binds nobody needs no room, nor does a rise.
    set(&mut world, 4_000, 8_020, [400, 1_000]).unwrap();
    schedule(&mut world, DAY, 2 * DAY).unwrap();
    assert!(matches!(
        refused(set(&mut world, 4_000, 7_000, [400, 1_000])),
        Error::TooManyKept { .. }
    ));
    world.pass(2 * DAY);
    set(&mut world, 4_000, 7_000, [400, 1_000]).unwrap();
    assert_eq!(world.ledger.kept[&(MARKET, SILVER)].generations.len(), 1);
    assert_eq!(on(&mut world, &of(ALICE))[0], 8_020);
    sound(&world);
}

/// C-18 (Resolv USR): a stablecoin falls to a quarter within minutes, and whoever holds cheap units
/// posts them. Accounts that were there before keep their threshold for what they owe and draw
/// nothing on it. Catches new debt that is checked against kept terms.
#[test]
fn reg_c18_no_new_debt_on_kept_terms() {
    let mut world = indebted([6, 18]);
    mallory_too(&mut world);
    // The owner reacts at the first sign: nothing more on this collateral.
    set(&mut world, 0, 4_000, [400, 1_000]).unwrap();
    for percent in [98, 75, 50, 25] {
        world.report(2, percent * WAD).unwrap();
        pledge(&mut world, MALLORY, 2, 1_000 * unit(18));
        for amount in [1_000_000, unit(6), 500 * unit(6)] {
            let outcome = borrow(&mut world, MALLORY, 1, amount);
            assert!(matches!(refused(outcome), Error::AboveLimit { .. }), "{percent} {amount}");
        }
        let outcome = release(&mut world, MALLORY, 2, unit(18));
        assert!(matches!(refused(outcome), Error::AboveLimit { .. }));
        assert_eq!(on(&mut world, &of(MALLORY))[0], 8_100, "what is owed keeps its terms");
        sound(&world);
    }
}

/// D-08 (rsETH at Aave): collateral that dies. Its terms end for new risk at once and for everybody
/// at the end of the shortest move, whatever was posted before or meanwhile. Catches terms that
/// last for ever, and a move that whoever is liquidated by it can outlast.
#[test]
fn reg_d08_kept_terms_end() {
    let mut world = indebted([6, 18]);
    mallory_too(&mut world);
    set(&mut world, 0, 100, [400, 1_000]).unwrap();
    schedule(&mut world, DAY, 2 * DAY).unwrap();
    for _ in 0..4 {
        world.pass(DAY / 2);
        pledge(&mut world, MALLORY, 2, unit(18));
        gage_core::premium::refresh_risk_premium(&mut world.ledger, &of(MALLORY)).ok();
    }
    assert_eq!(on(&mut world, &of(MALLORY)), [100, 400, 1_000]);
    assert_eq!(on(&mut world, &of(ALICE)), [100, 400, 1_000]);
    sound(&world);
}

/// D-08, and the question of the catalogue whether opening many accounts before a move gains
/// anything: an account with the least debt, opened while terms were generous, is worth no more
/// afterwards than one opened later. Catches a version that is kept when an old account grows.
#[test]
fn reg_d08_many_accounts_before_a_move_gain_nothing() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * unit(6)).unwrap();
    let of_sub = |sub| AccountId { market: MARKET, owner: MALLORY, sub };
    let draw = |sub: u32, amount: u128| Draw {
        market: MARKET,
        sub,
        vault: vault(1),
        amount: Assets::new(amount),
        receiver: MALLORY,
    };
    let dust = world.dust(asset(1));
    for sub in 0..20 {
        let l = &mut world.ledger;
        let amount = Assets::new(unit(18));
        borrowing::supply_collateral(l, MALLORY, &of_sub(sub), asset(2), amount).unwrap();
        borrowing::borrow(l, MALLORY, &draw(sub, dust)).unwrap();
    }
    set(&mut world, 5_000, 6_000, [400, 1_000]).unwrap();
    schedule(&mut world, DAY, 10 * DAY).unwrap();
    let fresh = of_sub(100);
    for id in (0..20).map(of_sub).chain([fresh]) {
        let l = &mut world.ledger;
        borrowing::supply_collateral(l, MALLORY, &id, asset(2), Assets::new(99 * unit(18)))
            .unwrap();
    }
    let most = |world: &World, sub: u32| {
        let draws = |amount: u128| {
            let mut ledger = world.ledger.clone();
            borrowing::borrow(&mut ledger, MALLORY, &draw(sub, amount)).is_ok()
        };
        let (mut low, mut high) = (0, 200 * unit(6));
        while high - low > 1 {
            let middle = (low + high) / 2;
            if draws(middle) { low = middle } else { high = middle }
        }
        low
    };
    let newcomer = most(&world, 100);
    assert!(newcomer > 49 * unit(6));
    for sub in 0..20 {
        assert!(most(&world, sub) <= newcomer + unit(6) / 2 - dust, "one token more is pledged");
        let amount = most(&world, sub);
        borrowing::borrow(&mut world.ledger, MALLORY, &draw(sub, amount)).unwrap();
        assert_eq!(on(&mut world, &of_sub(sub)), [6_000, 400, 1_000]);
    }
    sound(&world);
}

/// S-19 (LlamaLend sDOLA), HLT-2: a collateral's price that doubles in one block makes no healthy
/// account liquidatable, whatever terms it is on. Catches terms that depend on a price.
#[test]
fn reg_s19_a_rising_price_harms_nobody() {
    let mut world = indebted([6, 18]);
    mallory_too(&mut world);
    set(&mut world, 6_000, 7_100, [500, 1_500]).unwrap();
    borrow(&mut world, MALLORY, 1, 40 * unit(6)).unwrap();
    schedule(&mut world, DAY, 11 * DAY).unwrap();
    for day in 0..12 {
        for percent in [101, 110, 200] {
            let mut then = world.clone();
            let ids = [of(ALICE), of(MALLORY)];
            let healths =
                |world: &mut World| ids.map(|id| margin::health(&mut world.ledger, &id).unwrap());
            let before = healths(&mut then);
            then.set_price(2, percent * WAD);
            let after = healths(&mut then);
            assert!(before.iter().zip(&after).all(|(old, new)| old <= new), "day {day}");
        }
        world.pass(DAY);
    }
}

/// A small world for the machine below: Alice owes vault 1 against asset 2, which is in a group.
fn grouped() -> World {
    let mut world = indebted([6, 18]);
    let terms = of_group(9_000);
    let members = Members { collaterals: &[asset(2)], vaults: &[vault(1)] };
    groups::create_group(&mut world.ledger, OWNER, MARKET, (label("Alike"), &terms), members)
        .unwrap();
    world
}

fn of_group(threshold: u16) -> GroupTerms {
    GroupTerms {
        ltv: Bps::new(threshold - 800),
        threshold: Bps::new(threshold),
        bonus_min: Bps::new(100),
        bonus_max: Bps::new(300),
        band: Bps::new(100),
    }
}

/// One step of the machine.
fn turn(ledger: &mut MemoryLedger, number: usize) -> Result<(), Stop> {
    let group = GroupId::new(1);
    let times = (ledger.now.after(DAY), ledger.now.after(2 * DAY));
    let collateral = |l: &mut MemoryLedger, threshold: u16| {
        let terms = terms(threshold - 600, threshold, [400, 1_000], 1_000 * unit(18), 2);
        listing::set_collateral(l, OWNER, MARKET, asset(2), &terms)
    };
    match number {
        0 => collateral(ledger, 7_600),
        1 => collateral(ledger, 8_300),
        2 => groups::set_group_terms(ledger, OWNER, MARKET, group, &of_group(8_500)),
        3 => groups::set_group_terms(ledger, OWNER, MARKET, group, &of_group(9_200)),
        4 => terms::schedule_move(ledger, OWNER, MARKET, SILVER, times),
        5 => terms::schedule_move(ledger, OWNER, MARKET, Subject::Group(group), times),
        6 => groups::enter_group(ledger, ALICE, (MARKET, 0), group),
        7 => groups::leave_group(ledger, ALICE, (MARKET, 0)),
        _ => {
            ledger.now = ledger.now.after(40 * 3_600);
            for feed in ledger.feeds.values_mut() {
                feed.updated_at = ledger.now;
            }
            Ok(())
        }
    }
}

/// CFG-2, HLT-2: every sequence of changes, moves, entries and exits up to a length. At the same
/// prices nothing but an announced move lowers the limit of an account that did nothing, and what
/// the account itself does leaves it within its borrow limit.
#[test]
fn reg_s19_no_sequence_of_changes_harms_an_account() {
    fn limit(ledger: &MemoryLedger) -> U256 {
        standing(ledger, &of(ALICE)).weighted
    }
    fn explore(ledger: &MemoryLedger, depth: usize, seen: &mut u64) {
        for number in 0..9 {
            let mut next = ledger.clone();
            next.events.clear();
            if turn(&mut next, number).is_err() {
                continue;
            }
            *seen += 1;
            let moving = ledger.kept.values().any(|kept| kept.moving.is_some());
            let (old, new) = (limit(ledger), limit(&next));
            match number {
                0..6 => assert!(old <= new, "step {number} harms: {old} {new} {ledger:#?}"),
                6..8 => {
                    let totals = margin::position(&mut next, &of(ALICE)).unwrap().totals();
                    assert!(totals.check_limit().is_ok(), "HLT-1");
                }
                _ => assert!(moving || old == new, "time alone harms"),
            }
            let before = MemoryLedger { events: Vec::new(), ..ledger.clone() };
            let broken = [check_invariants(&next), check_step(&before, &next)].concat();
            assert!(broken.is_empty(), "{broken:#?}");
            if depth > 1 {
                explore(&next, depth - 1, seen);
            }
        }
    }
    let mut world = grouped();
    // Interest would lower health by itself.
    for vault in world.ledger.vaults.values_mut() {
        vault.model =
            gage_core::InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(1) };
    }
    repay(&mut world, ALICE, ALICE, 1, 5 * unit(6)).unwrap();
    let mut seen = 0;
    explore(&world.ledger, 5, &mut seen);
    assert!(seen > 10_000, "{seen}");
}

/// The worked examples of `docs/terms.md`, with every number in them.
#[test]
fn the_worked_examples_of_the_documentation() {
    let mut world = World::new(&[6, 18, 18], 1);
    let usd = 1_000_000;
    let free =
        gage_core::InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(1) };
    gage_core::curation::set_model(&mut world.ledger, CURATOR, vault(1), free).unwrap();
    for (feed, dollars) in [(1, 1), (2, 3_000), (3, 1)] {
        world.report(feed, dollars * WAD).unwrap();
    }
    let health = |world: &mut World, who| {
        let id = of(who);
        margin::health(&mut world.ledger, &id).unwrap().get() / (WAD / 10_000)
    };
    deposit(&mut world, LENDER, 1, 100_000 * usd).unwrap();
    set(&mut world, 8_000, 8_300, [500, 1_000]).unwrap();
    pledge(&mut world, ALICE, 2, 10 * WAD);
    borrow(&mut world, ALICE, 1, 20_000 * usd).unwrap();
    assert_eq!(health(&mut world, ALICE), 12_450);

    set(&mut world, 7_000, 7_500, [500, 1_000]).unwrap();
    pledge(&mut world, MALLORY, 2, 10 * WAD);
    borrow(&mut world, MALLORY, 1, 20_000 * usd).unwrap();
    assert_eq!((health(&mut world, ALICE), health(&mut world, MALLORY)), (12_450, 11_250));
    let mut more = world.clone();
    assert!(matches!(refused(borrow(&mut more, ALICE, 1, 1_001 * usd)), Error::AboveLimit { .. }));
    borrow(&mut more, ALICE, 1, 500 * usd).unwrap();
    assert_eq!(health(&mut more, ALICE), 10_975);

    schedule(&mut world, 2 * DAY, 10 * DAY).unwrap();
    for (day, threshold, at) in
        [(2, 8_300, 12_450), (4, 8_100, 12_150), (6, 7_900, 11_850), (10, 7_500, 11_250)]
    {
        let mut then = world.clone();
        then.pass(day * DAY);
        assert_eq!(on(&mut then, &of(ALICE))[0], threshold);
        assert_eq!(health(&mut then, ALICE), at);
        then.set_price(2, 2_600 * WAD);
        let both = (health(&mut then, ALICE), health(&mut then, MALLORY));
        match day {
            6 => assert_eq!(both, (10_270, 9_750)),
            10 => assert_eq!(both, (9_750, 9_750)),
            _ => {}
        }
    }

    let own = terms(7_500, 8_000, [400, 1_000], 1_000_000 * WAD, 3);
    listing::set_collateral(&mut world.ledger, OWNER, MARKET, asset(3), &own).unwrap();
    let terms = GroupTerms {
        ltv: Bps::new(9_300),
        threshold: Bps::new(9_500),
        bonus_min: Bps::new(50),
        bonus_max: Bps::new(100),
        band: Bps::new(100),
    };
    let members = Members { collaterals: &[asset(3)], vaults: &[vault(1)] };
    let named = (label("Dollars"), &terms);
    let group = groups::create_group(&mut world.ledger, OWNER, MARKET, named, members).unwrap();
    pledge(&mut world, FRIEND, 3, 10_000 * WAD);
    let limit = |world: &mut World| explain(&mut world.ledger, &of(FRIEND)).unwrap().headroom;
    assert_eq!(limit(&mut world).get(), 7_500 * WAD);
    groups::enter_group(&mut world.ledger, FRIEND, (MARKET, 0), group).unwrap();
    borrow(&mut world, FRIEND, 1, 9_200 * usd).unwrap();
    assert_eq!(health(&mut world, FRIEND), 10_326);
    let left = world.ledger.atomically(|l| groups::leave_group(l, FRIEND, (MARKET, 0)));
    assert!(matches!(refused(left), Error::AboveLimit { .. }));
    for (cents, at) in [(99, 10_222), (96, 9_913)] {
        world.set_price(3, cents * WAD / 100);
        assert_eq!(health(&mut world, FRIEND), at);
    }
    sound(&world);
}
