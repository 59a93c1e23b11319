//! Price paths of the attack catalogue's scenarios, block by block: who is liquidated and when, what it costs whom, and what
//! an adversary makes of it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::feed::creation;
use gage_core::feed::freeze::{FREEZE_MAX, freeze};
use gage_core::lending;
use gage_core::liquidation::Kind;
use gage_core::meter::{self, MeterTerms};
use gage_core::sweep::{self, SweepPlan};
use gage_core::{
    Address, Assets, Bps, Error, Event, FeedId, FeedKind, Guards, QueueId, Token, U256, WAD,
    address, listing, token,
};
use world::acts::*;
use world::oracle::*;
use world::*;

const QUEUE: QueueId = QueueId {
    market: MARKET,
    vault: gage_core::VaultId::new(1),
    asset: gage_core::AssetId::new(2),
};

/// Who liquidates.
const BUYER: Address = LENDER;

/// What the first `count` sources say.
fn say(count: usize, price: u128) -> [Option<u128>; 5] {
    core::array::from_fn(|place| (place < count).then_some(price))
}

fn bid(world: &mut World, who: Address, tier: u8, assets: u128) {
    let shares = deposit(world, who, 1, assets).unwrap();
    let tier = Tier::new(tier).unwrap();
    bids::place_bid(&mut world.ledger, who, QUEUE, tier, shares).unwrap();
}

fn losses(world: &World) -> u128 {
    world.ledger.vaults[&vault(1)].losses.get()
}

/// A block's sweep of an account, with what it wrote off.
fn swept(world: &mut World, whose: Address) -> Option<SweepPlan> {
    let plan = world.ledger.atomically(|l| sweep::sweep(l, &of(whose))).ok().flatten()?;
    if plan.leaves_bad_debt() {
        sweep::write_off(&mut world.ledger, &of(whose)).unwrap();
    }
    Some(plan)
}

/// What a liquidator does who knows what the newest price is: it buys nothing for more than that.
fn liquidate_if_worth_it(world: &mut World, whose: Address) {
    let mut next = world.clone();
    let Ok(plan) = liquidate(&mut next, BUYER, whose, u128::MAX) else { return };
    let worth = value(&world.ledger, asset(2), plan.seized().get(), false);
    if worth >= value(&world.ledger, asset(1), plan.repaid().get(), true) {
        *world = next;
    }
}

/// D-06 (USDe on one exchange), SC-04: one of five venues says 0.65 for forty minutes, the others no less than 0.997. Nobody
/// is liquidated, the price does not move, and lending goes on. Catches a price of the lowest, or of the mean.
#[test]
fn reg_d06_one_venue_breaks_away() {
    let mut world = market(5, careful());
    // Her friend's account stands close to its threshold.
    borrow(&mut world, FRIEND, 1, 65 * TOKEN).unwrap();
    pledge(&mut world, MALLORY, 2, 10 * WAD);
    let before = books(&world, FAIR);
    for minute in 0..40 {
        let mut said = say(5, FAIR * (9_970 + minute % 31) / 10_000);
        said[2] = Some(FAIR * 65 / 100);
        block(&mut world, 60, &said);
        assert!(last_price(&world) >= FAIR * 997 / 1_000);
        for whose in [ALICE, FRIEND] {
            let spared = refused(liquidate(&mut world, MALLORY, whose, u128::MAX));
            assert!(matches!(spared, Error::Healthy { .. }), "{spared}");
            assert_eq!(swept(&mut world, whose), None);
        }
    }
    borrow(&mut world.clone(), MALLORY, 1, TOKEN).unwrap();
    nobody_lost(&world, before, FAIR);
    // The twin, told by the venue that breaks away, sells both.
    let mut bare = market(1, Guards::default());
    block(&mut bare, 60, &say(1, FAIR * 65 / 100));
    liquidate(&mut bare, MALLORY, ALICE, u128::MAX).unwrap();
    assert!(books(&bare, FAIR).attacker > wealth(&market(1, Guards::default()).ledger, &[MALLORY]));
}

/// D-07 (xUSD), SC-05: the same configuration as in SC-04, and this time it is true: 1.00 to 0.27, then 0.11 within two days,
/// while sources fall silent one by one. The first round out of band stops new risk, the loss is booked within the relief
/// that doubt may give, and who leaves after it takes their part along.
#[test]
fn reg_d07_a_true_insolvency_is_booked_in_time() {
    let mut world = market(5, careful());
    pledge(&mut world, MALLORY, 2, 10_000 * WAD);
    let attacker = books(&world, FAIR * 11 / 100).attacker;
    let broken = FAIR * 27 / 100;
    block(&mut world, 60, &say(5, broken));
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(denied, Error::PriceDoubtful { .. }), "{denied}");
    exits_work(&world);
    // It does not come to rest: every block is a jump from the one before.
    let (mut blocks, mut owed) = (0, Standing::default());
    while losses(&world) == 0 {
        block(&mut world, 60, &say(4, FAIR * (27 + 2 * (blocks % 2)) / 100));
        owed = standing(&world.settled(), &of(ALICE));
        liquidate_if_worth_it(&mut world, ALICE);
        assert_eq!(draw_all(&mut world, MALLORY), 0, "drawn on a price that is doubted");
        blocks += 1;
        assert!(blocks < 100, "the loss is never booked");
    }
    // A quarter of an hour of relief, in blocks of a minute.
    assert!(blocks <= 16, "{blocks}");
    // All that was short, at the price that was true, and no more.
    let short = owed.debt - owed.cover;
    let lost = value(&world.ledger, asset(1), losses(&world), false);
    let slack = U256::from(WAD);
    assert!(lost <= short + slack && lost + slack >= short, "{lost} of {short}");
    pledge(&mut world, FRIEND, 2, 500 * WAD);
    for _ in 0..100 {
        block(&mut world, 120, &say(3, FAIR * 11 / 100));
    }
    // Two of five are no quorum: the price grows stale, and exits go on.
    for _ in 0..10 {
        block(&mut world, 120, &say(2, FAIR * 11 / 100));
    }
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(denied, Error::StalePrice { .. }), "{denied}");
    exits_work(&world);
    assert!(books(&world, FAIR * 11 / 100).attacker <= attacker);
    sound(&world);
}

/// SC-01 (Black Thursday), Q-01, D-10: −30 % within an hour and −50 % within a day, prices an hour late, one bidder, then none
/// for half an hour and a fiftieth of the depth. Every account below its threshold is dealt with in the block of the
/// price, no bid buys below its discount, owners keep what is left over, and losses are what collateral was short of.
#[test]
fn reg_sc01_black_thursday() {
    let mut world = market(5, Guards { quorum: 3, ..Guards::default() });
    for (who, pledged, drawn) in [(FRIEND, 400, 340), (LENDER, 300, 215)] {
        pledge(&mut world, who, 2, pledged * WAD);
        borrow(&mut world, who, 1, drawn * TOKEN).unwrap();
    }
    bid(&mut world, MALLORY, 4, 300 * TOKEN);
    let path = |minute: u128| {
        let fallen = if minute < 60 { 30 * minute / 60 } else { 30 + 20 * (minute - 60) / 1_380 };
        FAIR * (100 - fallen.min(50)) / 100
    };
    let (mut sold, mut taken) = (0_u32, 0_u32);
    let mut short = U256::ZERO;
    for minute in (0..1_500_u128).step_by(5) {
        // What happened an hour ago.
        block(&mut world, 300, &say(5, path(minute.saturating_sub(60))));
        if minute == 120 {
            // The bidder leaves what is left to the open market.
            let tier = Tier::new(4).unwrap();
            let l = &mut world.ledger;
            let _nothing_left =
                l.atomically(|l| bids::announce_bid_withdrawal(l, MALLORY, QUEUE, tier).map(drop));
        }
        if minute == 180 {
            bid(&mut world, MALLORY, 6, 6 * TOKEN);
        }
        for whose in [ALICE, FRIEND, LENDER] {
            let before = standing(&world.settled(), &of(whose));
            if !before.unhealthy() {
                continue;
            }
            short += before.debt.saturating_sub(before.cover);
            if let Some(plan) = swept(&mut world, whose) {
                for fill in &plan.fills {
                    let worth = value(&world.ledger, asset(2), fill.seized.get(), false);
                    let paid = value(&world.ledger, asset(1), fill.repaid.get(), true);
                    // Three per cent off, at most.
                    let unit = U256::from(2 * FAIR / TOKEN);
                    assert!(worth * U256::from(97) <= (paid + unit) * U256::from(100));
                    sold += 1;
                }
            }
            for _ in 0..4 {
                if standing(&world.settled(), &of(whose)).unhealthy() {
                    let plan = liquidate(&mut world, BUYER, whose, u128::MAX).unwrap();
                    assert!(plan.kind == Kind::CloseOut || plan.bonus_bps() <= Bps::new(1_000));
                    taken += 1;
                }
            }
            let after = standing(&world.settled(), &of(whose));
            assert!(!after.unhealthy(), "{minute}: {whose} was not dealt with in the block");
            // What nobody needed is still the owner's.
            let kept = !after.debt.is_zero() || after.collateral > U256::ZERO;
            assert!(kept || before.cover < before.debt);
        }
        sound(&world);
    }
    assert!(sold > 0 && taken > 0, "{sold} {taken}");
    let lost = value(&world.ledger, asset(1), losses(&world), false);
    let slack = U256::from(10 * FAIR / TOKEN * u128::from(taken + sold));
    assert!(lost <= short + slack, "{lost} {short}");
    let _nothing_owed = repay(&mut world, FRIEND, FRIEND, 1, u128::MAX);
    let _nothing_left = release(&mut world, FRIEND, 2, u128::MAX);
    assert!(!world.ledger.accounts.contains_key(&of(FRIEND)));
    let exit = lending::Exit { receiver: LENDER, owner: LENDER };
    let part = Assets::new(1_000 * TOKEN);
    lending::withdraw(&mut world.ledger, LENDER, vault(1), part, exit).unwrap();
}

/// SC-08, S-12 (Venus THE): one holder corners the collateral: 84 % of its cap, four times the cap by raw transfers, and a
/// thin venue at five times the price for two hours. Neither counts: what is drawn is what 84 % of the cap carries.
#[test]
fn reg_sc08_cornering_a_cap() {
    let cap = 3_000 * WAD;
    let attack = |mut world: World, liars: usize| {
        let l = &mut world.ledger;
        let limits = terms(7_500, 8_100, [400, 1_000], cap, 2);
        listing::set_collateral(l, OWNER, MARKET, asset(2), &limits).unwrap();
        let taken = l.collaterals[&(MARKET, asset(2))].total.get();
        let pledged = cap * 84 / 100 - taken;
        let before = books(&world, FAIR);
        pledge(&mut world, MALLORY, 2, pledged);
        let token = Token::Asset(asset(2));
        let custody = address::market_custody();
        token::transfer(&mut world.ledger, MALLORY, token, custody, 4 * cap).unwrap();
        let mut drawn = 0;
        for _ in 0..120 {
            let mut said = say(5, FAIR);
            said[..liars].fill(Some(5 * FAIR));
            block(&mut world, 60, &said);
            drawn += draw_all(&mut world, MALLORY);
        }
        (world, before, drawn, pledged)
    };
    let (world, before, drawn, pledged) = attack(market(5, careful()), 1);
    assert!(drawn <= pledged / WAD * TOKEN * 75 / 100, "{drawn}");
    assert!(drawn + TOKEN > pledged / WAD * TOKEN * 75 / 100, "nothing was lent");
    nobody_lost(&world, before, FAIR);
    exits_work(&world);
    // The twin believes the venue: five times as much, and lenders pay for it.
    let (world, before, drawn, pledged) = attack(market(1, Guards::default()), 1);
    assert!(drawn > pledged / WAD * TOKEN * 3);
    assert!(books(&world, FAIR).lenders < before.lenders);
}

/// SC-08 with all venues: the thin market itself is at five times its price for two hours. Until it has held nothing is
/// drawn; then what the line's meter lets through is all that can be lost.
#[test]
fn reg_sc08_cornering_a_market_costs_its_meter() {
    let mut world = market(5, careful());
    let limit = 50 * TOKEN;
    let terms = MeterTerms { limit: Assets::new(limit), window: 86_400 };
    meter::set_meter(&mut world.ledger, OWNER, (MARKET, vault(1)), Some(terms)).unwrap();
    pledge(&mut world, MALLORY, 2, 100 * WAD);
    let before = books(&world, FAIR);
    let mut drawn = 0;
    for minute in 0..120 {
        block(&mut world, 60, &say(5, 5 * FAIR));
        let now = draw_all(&mut world, MALLORY);
        assert!(now == 0 || minute >= 9, "believed after {minute} minutes");
        drawn += now;
    }
    let most = limit + limit * 7_200 / 86_400;
    assert!(drawn <= most && drawn > limit / 2, "{drawn} of {most}");
    let after = books(&world, FAIR);
    assert!(after.lenders >= before.lenders, "her own collateral pays for what she drew");
    assert!(after.attacker <= before.attacker);
}

/// D-11 (bridged assets at Geist and others): the feed priced the native asset while the bridged claim sold for a quarter. A
/// claim is an asset of its own, at the lesser of both; when its bridge stops, so does what is lent on it, in one block,
/// and the native asset's borrowers notice nothing.
#[test]
fn reg_d11_a_bridged_claim_has_its_own_price() {
    let mut world = World::new(&[6, 18, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * TOKEN).unwrap();
    let l = &mut world.ledger;
    let kind = {
        // The claim's own market is feed 3; what it claims is asset 2.
        let terms = staking::bounds(7_200, 1, 1 << 100);
        let subject = about(asset(3), "native");
        let native = creation::create_feed(l, OWNER, subject, &terms).unwrap();
        name_publisher(l, native);
        FeedKind::Lesser { one: native, other: FeedId::new(3) }
    };
    let terms = staking::bounds(7_200, 1, 1 << 100);
    let subject = about(asset(3), "claim");
    let claim = creation::create_computed_feed(l, OWNER, subject, &terms, kind).unwrap();
    l.collaterals.get_mut(&(MARKET, asset(3))).unwrap().feed = claim;
    world.report(4, FAIR).unwrap();
    for (percent, drawn) in [(100, 750), (28, 210), (20, 150)] {
        let mut world = world.clone();
        world.report(3, FAIR * percent / 100).unwrap();
        pledge(&mut world, MALLORY, 3, 1_000 * WAD);
        let before = wealth(&world.ledger, &[MALLORY]);
        let got = draw_all(&mut world, MALLORY);
        assert!(got <= drawn * TOKEN && got + TOKEN > drawn * TOKEN, "{percent}: {got}");
        assert!(wealth(&world.ledger, &[MALLORY]) <= before);
    }
    pledge(&mut world, MALLORY, 3, 1_000 * WAD);
    pledge(&mut world, FRIEND, 2, 10 * WAD);
    freeze(&mut world.ledger, GUARDIAN, claim, FREEZE_MAX).unwrap();
    let stopped = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(stopped, Error::FeedFrozen { feed, .. } if feed == claim), "{stopped}");
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    release(&mut world, MALLORY, 3, u128::MAX).unwrap();
    // A price of one leg alone is none.
    world.pass(7_300);
    for feed in [1, 2, 4] {
        world.report(feed, FAIR).unwrap();
    }
    pledge(&mut world, MALLORY, 3, WAD);
    assert!(borrow(&mut world, MALLORY, 1, TOKEN / 10).is_err());
    sound(&world);
}

/// SC-07 (Q-04, the short on CRV): a thin asset is borrowed to its cap and squeezed by three quarters within three hours, with
/// bids for a fiftieth of what must go. What its lenders lose is what collateral was short of, which is nothing.
#[test]
fn reg_sc07_a_squeeze_within_three_hours() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 10_000 * TOKEN).unwrap();
    pledge(&mut world, MALLORY, 2, 6_000 * WAD);
    let drawn = draw_all(&mut world, MALLORY);
    assert!(drawn > 4_499 * TOKEN);
    bid(&mut world, FRIEND, 6, drawn / 50);
    let start = wealth(&world.ledger, &[MALLORY]);
    let mut blocks = 0;
    for minute in 1..=36_u128 {
        world.pass(299);
        world.report(2, FAIR).unwrap();
        world.report(1, FAIR * (4_800 + 100 * minute) / 4_800).unwrap();
        swept(&mut world, MALLORY);
        for _ in 0..3 {
            if standing(&world.settled(), &of(MALLORY)).unhealthy() {
                liquidate(&mut world, LENDER, MALLORY, u128::MAX).unwrap();
                blocks += 1;
            }
        }
        assert!(!standing(&world.settled(), &of(MALLORY)).unhealthy());
        assert_eq!(losses(&world), 0);
        sound(&world);
    }
    assert!(blocks > 3, "{blocks}");
    let told = |event: &Event| matches!(event, Event::BadDebt { .. });
    assert!(!world.ledger.events.iter().any(told));
    // Whoever is short in a squeeze pays for it.
    world.set_price(1, FAIR);
    assert!(wealth(&world.ledger, &[MALLORY]) < start);
}
