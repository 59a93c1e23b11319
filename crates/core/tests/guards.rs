//! What stops what, for how long, and what never stops (GOV-4); and the table of `docs/guards.md`.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::breaker::{self, BreakerTerms};
use gage_core::doubt::Guards;
use gage_core::feed::freeze::{FREEZE_MAX, freeze, unfreeze};
use gage_core::feed::{self, FeedTerms};
use gage_core::lending::{self, Exit};
use gage_core::meter::{self, MeterTerms};
use gage_core::pause::{PAUSE_MAX, pause_for, set_pause};
use gage_core::rehoming::{self, Pair, Route};
use gage_core::{
    Address, Assets, Bps, Error, Event, FeedId, MarketId, PauseLevel, QueueId, Stop, Timestamp,
    Token, WAD, Wad, borrowing, curation, market, sweep,
};
use world::acts::*;
use world::exits::{queue as queue_exit, shares_of};
use world::*;

const TOKEN: u128 = 1_000_000;
const LENT: FeedId = FeedId::new(1);
const PLEDGED: FeedId = FeedId::new(2);

/// Alice is below her threshold, her friend far above; the lender has pledged something and owes nothing.
fn scene() -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * TOKEN).unwrap();
    pledge(&mut world, ALICE, 2, 100 * WAD);
    borrow(&mut world, ALICE, 1, 75 * TOKEN).unwrap();
    pledge(&mut world, FRIEND, 2, 100 * WAD);
    borrow(&mut world, FRIEND, 1, 10 * TOKEN).unwrap();
    pledge(&mut world, LENDER, 2, 5 * WAD);
    bid(&mut world, LENDER, 50 * TOKEN).unwrap();
    world.report(2, 92 * WAD).unwrap();
    world
}

fn bid(world: &mut World, who: Address, assets: u128) -> Result<(), Stop> {
    let queue = QueueId { market: MARKET, vault: vault(1), asset: asset(2) };
    let shares = deposit(world, who, 1, assets)?;
    world.ledger.atomically(|l| bids::place_bid(l, who, queue, Tier::new(1).unwrap(), shares))
}

fn supply(world: &mut World, who: Address, whose: Address) -> Result<(), Stop> {
    let amount = Assets::new(WAD);
    let l = &mut world.ledger;
    l.atomically(|l| borrowing::supply_collateral(l, who, &of(whose), asset(2), amount))
}

fn close(world: &mut World) -> Result<(), Stop> {
    repay(world, FRIEND, FRIEND, 1, u128::MAX)?;
    release(world, FRIEND, 2, u128::MAX).map(drop)
}

fn step(world: &mut World, seconds: u64) {
    world.pass(seconds);
    world.report(1, 100 * WAD).unwrap();
    world.report(2, 92 * WAD).unwrap();
}

fn wait(world: &mut World, until: Timestamp) {
    let seconds = until.since(world.ledger.now);
    step(world, seconds);
}

fn moved(world: &mut World) -> Result<(), Stop> {
    let pairs = [Pair { from: vault(1), to: vault(1) }];
    let route = Route { owner: FRIEND, from: (MARKET, 0), to: (MARKET, 1), pairs: &pairs };
    world.ledger.atomically(|l| rehoming::rehome(l, FRIEND, &route)).map(drop)
}

/// A sale to the bids; none at all counts as refused.
fn sale(world: &mut World) -> Result<(), Stop> {
    let waits = Error::LiquidationPaused { resumes_at: Timestamp::ZERO };
    let plan = world.ledger.atomically(|l| sweep::sweep(l, &of(ALICE)))?;
    plan.map(drop).ok_or(Stop::Refused(waits))
}

type Operation = (&'static str, fn(&mut World) -> Result<(), Stop>);

/// What must go on whatever happens.
const ALWAYS: &[Operation] = &[
    ("repayment", |w| repay(w, FRIEND, FRIEND, 1, TOKEN).map(drop)),
    ("repayment for somebody else", |w| repay(w, MALLORY, ALICE, 1, TOKEN).map(drop)),
    ("new collateral", |w| supply(w, ALICE, ALICE)),
    ("new collateral for somebody else", |w| supply(w, MALLORY, ALICE)),
    ("release of collateral without debt", |w| release(w, LENDER, 2, WAD).map(drop)),
    ("repaying all and leaving", close),
    ("a lender's deposit", |w| deposit(w, LENDER, 1, TOKEN).map(drop)),
    ("a lender's withdrawal", |w| {
        let exit = Exit { receiver: LENDER, owner: LENDER };
        let amount = Assets::new(1_000 * TOKEN);
        w.ledger.atomically(|l| lending::withdraw(l, LENDER, vault(1), amount, exit)).map(drop)
    }),
    ("a place in the exit queue", |w| {
        let some = shares_of(w, LENDER) / 10;
        queue_exit(w, LENDER, some).map(drop)
    }),
    ("a new bid", |w| bid(w, LENDER, 50 * TOKEN)),
];

/// What some states stop.
const SOMETIMES: &[Operation] = &[
    ("new debt", |w| borrow(w, FRIEND, 1, TOKEN)),
    ("release of collateral with debt", |w| release(w, FRIEND, 2, WAD).map(drop)),
    ("move of a debt", moved),
    ("a larger line cap", |w| {
        let more = w.ledger.lines[&(MARKET, vault(1))].cap.add(Assets::new(1)).unwrap();
        w.ledger.atomically(|l| curation::set_line_cap(l, CURATOR, vault(1), MARKET, more))
    }),
    ("liquidation", |w| liquidate(w, MALLORY, ALICE, u128::MAX).map(drop)),
    ("sale to bids", sale),
];

type State = (&'static str, fn(&mut World));

const STATES: &[State] = &[
    ("live", |_| ()),
    ("doubtful, with relief", |w| {
        let until = w.ledger.now.after(60);
        let feed = w.ledger.feeds.get_mut(&PLEDGED).unwrap();
        (feed.smoothed, feed.doubt_until) = (feed.price, until);
    }),
    ("doubtful, relief used up", |w| {
        let now = w.ledger.now;
        let feed = w.ledger.feeds.get_mut(&PLEDGED).unwrap();
        (feed.smoothed, feed.doubt_until) = (feed.price, now);
    }),
    ("stale feed", |w| {
        w.pass(7_201);
        w.report(1, 100 * WAD).unwrap();
    }),
    ("feed at a bound", |w| {
        let terms = FeedTerms::unguarded(7_200, Wad::new(92 * WAD), Wad::new(1 << 100));
        feed::set_feed_terms(&mut w.ledger, OWNER, PLEDGED, &terms).unwrap();
    }),
    ("frozen feed", |w| freeze(&mut w.ledger, GUARDIAN, PLEDGED, 600).unwrap()),
    ("10 min after a frozen feed", |w| {
        freeze(&mut w.ledger, GUARDIAN, PLEDGED, 600).unwrap();
        step(w, 600);
    }),
    ("restricted market", |w| {
        pause_for(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Restricted, 600).unwrap();
    }),
    ("frozen market", |w| set_pause(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Frozen).unwrap()),
    ("1 h after a frozen market", |w| {
        pause_for(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Frozen, 600).unwrap();
        step(w, 600);
    }),
    ("meter empty", |w| {
        let terms = MeterTerms { limit: Assets::new(20 * TOKEN), window: 86_400 };
        meter::set_meter(&mut w.ledger, OWNER, (MARKET, vault(1)), Some(terms)).unwrap();
        borrow(w, FRIEND, 1, 20 * TOKEN).unwrap();
    }),
    ("breaker tripped", |w| {
        let terms = BreakerTerms { part: Bps::new(1), window: 3_600, pause: 3_600 };
        breaker::set_breaker(&mut w.ledger, OWNER, MARKET, Some(terms)).unwrap();
        liquidate(w, MALLORY, ALICE, TOKEN).unwrap();
    }),
];

fn goes_on(state: &State, operation: &Operation) -> bool {
    let mut world = scene();
    state.1(&mut world);
    let before = world.ledger.clone();
    match operation.1(&mut world) {
        Ok(()) => {
            sound(&world);
            true
        }
        Err(Stop::Refused(error)) => {
            let known = matches!(
                error,
                Error::MarketPaused { market: MARKET, .. }
                    | Error::LiquidationPaused { .. }
                    | Error::StalePrice { feed: PLEDGED, .. }
                    | Error::PriceOutOfBounds { feed: PLEDGED, .. }
                    | Error::FeedFrozen { feed: PLEDGED, .. }
                    | Error::PriceDoubtful { feed: PLEDGED, .. }
                    | Error::DrawLimitReached { .. }
            );
            assert!(known, "{} is refused {}: {error}", operation.0, state.0);
            assert_eq!(world.ledger, before);
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// GOV-4, the lattice of levels by the operations; and the page says what is found.
#[test]
fn what_each_state_stops() {
    let page = include_str!("../../../docs/guards.md");
    let mut lacking = String::new();
    let mut expect = |line: String| {
        if !page.lines().any(|found| found == line) {
            lacking += &format!("{line}\n");
        }
    };
    let mut head = String::from("| |");
    for (name, _) in SOMETIMES {
        head += &format!(" {name} |");
    }
    expect(head);
    expect(format!("|---|{}", "---|".repeat(SOMETIMES.len())));
    for state in STATES {
        let mut line = format!("| {} |", state.0);
        for operation in SOMETIMES {
            line += if goes_on(state, operation) { " yes |" } else { " **no** |" };
        }
        expect(line);
    }
    for operation in ALWAYS {
        expect(format!("- {}", operation.0));
        for state in STATES {
            assert!(goes_on(state, operation), "{} stops {}", state.0, operation.0);
        }
    }
    assert!(lacking.is_empty(), "docs/guards.md lacks these lines:\n{lacking}");
}

/// GOV-4: the guardian's pause ends by itself, an hour later liquidation goes on, and it cannot be had again before as
/// much time has passed as all that took.
#[test]
fn the_guardians_pause_ends_by_itself() {
    let mut world = scene();
    let began = world.ledger.now;
    let l = &mut world.ledger;
    set_pause(l, GUARDIAN, MARKET, PauseLevel::Frozen).unwrap();
    let until = began.after(PAUSE_MAX.into());
    let changed = Event::MarketPauseChanged {
        market: MARKET,
        level: PauseLevel::Frozen,
        until,
        actor: GUARDIAN,
    };
    assert_eq!(l.events.last(), Some(&changed));
    step(&mut world, u64::from(PAUSE_MAX) - 10);
    let frozen = Error::MarketPaused { market: MARKET, level: PauseLevel::Frozen, until };
    assert_eq!(refused(borrow(&mut world, FRIEND, 1, TOKEN)), frozen);
    assert_eq!(refused(liquidate(&mut world, MALLORY, ALICE, TOKEN)), frozen);
    let untouched = world.ledger.markets[&MARKET].clone();
    wait(&mut world, until);
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    let resumes_at = until.after(market::GRACE_SECONDS);
    let waits = Error::LiquidationPaused { resumes_at };
    assert_eq!(refused(liquidate(&mut world, MALLORY, ALICE, TOKEN)), waits);
    let rest = Error::GuardianRests { until: resumes_at.after(resumes_at.since(began)) };
    for level in [PauseLevel::Restricted, PauseLevel::Frozen] {
        let again = world.ledger.atomically(|l| set_pause(l, GUARDIAN, MARKET, level));
        assert_eq!(refused(again), rest);
    }
    world.report_all_again();
    wait(&mut world, resumes_at);
    liquidate(&mut world, MALLORY, ALICE, TOKEN).unwrap();
    assert_eq!(world.ledger.markets[&MARKET], untouched, "nobody transacted for the end");
    // Governance is not bound by that.
    set_pause(&mut world.ledger, GOVERNANCE, MARKET, PauseLevel::Frozen).unwrap();
    step(&mut world, 30 * 86_400);
    assert!(matches!(
        refused(borrow(&mut world, FRIEND, 1, TOKEN)),
        Error::MarketPaused { until: Timestamp::ZERO, .. }
    ));
    sound(&world);
}

/// GOV-4: while its pause lasts the guardian may raise it, never beyond a week from its beginning, and never lower it.
#[test]
fn the_guardian_raises_its_own_pause_within_a_week() {
    let mut world = scene();
    let mut say = |seconds: u64, level: PauseLevel, length: u32| {
        step(&mut world, seconds);
        world.ledger.atomically(|l| pause_for(l, GUARDIAN, MARKET, level, length))
    };
    for seconds in [0, PAUSE_MAX + 1, u32::MAX] {
        let outcome = say(1, PauseLevel::Restricted, seconds);
        let value = seconds.into();
        assert_eq!(refused(outcome), Error::InvalidParameter { name: "pause seconds", value });
    }
    assert!(matches!(refused(say(1, PauseLevel::Open, 1)), Error::InvalidParameter { .. }));
    say(1, PauseLevel::Restricted, 86_400).unwrap();
    let again = refused(say(10, PauseLevel::Restricted, 86_400));
    assert!(matches!(again, Error::GuardianRests { .. }));
    let later = refused(say(10, PauseLevel::Frozen, PAUSE_MAX));
    assert!(matches!(later, Error::InvalidParameter { .. }));
    // A shorter freeze does not end the restriction earlier.
    say(10, PauseLevel::Frozen, 60).unwrap();
    let pause = world.ledger.markets[&MARKET].pause.guardian;
    assert_eq!(pause.level, PauseLevel::Frozen);
    assert!(pause.until > world.ledger.now.after(80_000));
    let lower = world.ledger.atomically(|l| set_pause(l, GUARDIAN, MARKET, PauseLevel::Open));
    assert!(matches!(refused(lower), Error::NotAuthorised { .. }));
    sound(&world);
}

/// GOV-4: what the owner stopped stays stopped when the guardian's pause ends, and the guardian cannot end it.
#[test]
fn the_owners_pause_outlasts_the_guardians() {
    let mut world = scene();
    let l = &mut world.ledger;
    set_pause(l, OWNER, MARKET, PauseLevel::Restricted).unwrap();
    pause_for(l, GUARDIAN, MARKET, PauseLevel::Frozen, 600).unwrap();
    step(&mut world, 600);
    let restricted = Error::MarketPaused {
        market: MARKET,
        level: PauseLevel::Restricted,
        until: Timestamp::ZERO,
    };
    assert_eq!(refused(borrow(&mut world, FRIEND, 1, TOKEN)), restricted);
    step(&mut world, market::GRACE_SECONDS);
    liquidate(&mut world, MALLORY, ALICE, TOKEN).unwrap();
    // One with an end ends.
    pause_for(&mut world.ledger, OWNER, MARKET, PauseLevel::Frozen, 600).unwrap();
    let waits = refused(liquidate(&mut world, MALLORY, ALICE, TOKEN));
    assert!(matches!(waits, Error::MarketPaused { level: PauseLevel::Frozen, .. }));
    step(&mut world, 600);
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    let waits = refused(liquidate(&mut world, MALLORY, ALICE, TOKEN));
    assert!(matches!(waits, Error::LiquidationPaused { .. }));
    // One without an end says nothing of when it will be over: that stays as it was.
    let resumes_at = |world: &World| world.ledger.markets[&MARKET].liquidation_resumes_at;
    let told = resumes_at(&world);
    set_pause(&mut world.ledger, OWNER, MARKET, PauseLevel::Frozen).unwrap();
    assert_eq!(resumes_at(&world), told);
    set_pause(&mut world.ledger, OWNER, MARKET, PauseLevel::Open).unwrap();
    assert_eq!(resumes_at(&world), world.ledger.now.after(market::GRACE_SECONDS));
    step(&mut world, market::GRACE_SECONDS);
    liquidate(&mut world, MALLORY, ALICE, TOKEN).unwrap();
    sound(&world);
}

/// GOV-4: governance lifts what the guardian stopped; liquidation waits, and the guardian rests for as long as it
/// lasted.
#[test]
fn governance_ends_a_guardians_pause() {
    for who in [GOVERNANCE, OWNER] {
        let mut world = scene();
        set_pause(&mut world.ledger, GUARDIAN, MARKET, PauseLevel::Frozen).unwrap();
        step(&mut world, 1_000);
        let lifted_at = world.ledger.now;
        set_pause(&mut world.ledger, who, MARKET, PauseLevel::Restricted).unwrap();
        let resumes_at = lifted_at.after(market::GRACE_SECONDS);
        let waits = Error::LiquidationPaused { resumes_at };
        assert_eq!(refused(liquidate(&mut world, MALLORY, ALICE, TOKEN)), waits);
        set_pause(&mut world.ledger, who, MARKET, PauseLevel::Open).unwrap();
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
        let again = world.ledger.atomically(|l| set_pause(l, GUARDIAN, MARKET, PauseLevel::Frozen));
        let Error::GuardianRests { until } = refused(again) else { panic!() };
        let lasted = 1_000 + market::GRACE_SECONDS;
        assert!((lasted..lasted + 10).contains(&until.since(resumes_at)));
        wait(&mut world, until);
        set_pause(&mut world.ledger, GUARDIAN, MARKET, PauseLevel::Frozen).unwrap();
        sound(&world);
    }
}

/// GOV-4, AUT-1: who may freeze a feed, for how long, and who may end it.
#[test]
fn freezes_are_bounded_and_have_owners() {
    let mut world = scene();
    let now = world.ledger.now;
    let l = &mut world.ledger;
    for seconds in [0, FREEZE_MAX + 1, u32::MAX] {
        for who in [GOVERNANCE, GUARDIAN, OWNER] {
            let value = seconds.into();
            let outcome = l.atomically(|l| freeze(l, who, PLEDGED, seconds));
            let expected = Error::InvalidParameter { name: "freeze seconds", value };
            assert_eq!(refused(outcome), expected);
        }
    }
    for who in [MALLORY, CURATOR, PUBLISHER] {
        let denied = refused(l.atomically(|l| freeze(l, who, PLEDGED, 1)));
        assert!(matches!(denied, Error::NotAuthorised { .. }));
        let denied = refused(l.atomically(|l| unfreeze(l, who, PLEDGED)));
        assert!(matches!(denied, Error::NotAuthorised { .. }));
    }
    let nothing = FeedId::new(99);
    let unknown = refused(l.atomically(|l| freeze(l, GOVERNANCE, nothing, 1)));
    assert_eq!(unknown, Error::UnknownFeed { feed: nothing });
    let warm = refused(l.atomically(|l| unfreeze(l, GOVERNANCE, PLEDGED)));
    assert_eq!(warm, Error::FeedNotFrozen { feed: PLEDGED });

    // The guardian's: neither it nor the owner ends or prolongs it.
    freeze(l, GUARDIAN, PLEDGED, FREEZE_MAX).unwrap();
    let until = now.after(FREEZE_MAX.into());
    assert_eq!(l.events.last(), Some(&Event::FeedFrozen { feed: PLEDGED, until, actor: GUARDIAN }));
    let again = refused(l.atomically(|l| freeze(l, GUARDIAN, PLEDGED, 1)));
    assert_eq!(again, Error::FeedAlreadyFrozen { feed: PLEDGED, until });
    for who in [OWNER, GUARDIAN] {
        let denied = refused(l.atomically(|l| unfreeze(l, who, PLEDGED)));
        assert!(matches!(denied, Error::NotAuthorised { .. }));
    }
    let shorter = refused(l.atomically(|l| freeze(l, OWNER, PLEDGED, 1)));
    assert!(matches!(shorter, Error::NotAuthorised { .. }));
    // Governance does both.
    freeze(l, GOVERNANCE, PLEDGED, 60).unwrap();
    unfreeze(l, GOVERNANCE, PLEDGED).unwrap();
    let liquidation_resumes_at = now.after(feed::GRACE_SECONDS);
    let told = Event::FeedUnfrozen { feed: PLEDGED, actor: GOVERNANCE, liquidation_resumes_at };
    assert_eq!(l.events.last(), Some(&told));
    // The owner's own is the owner's to end.
    freeze(l, OWNER, PLEDGED, FREEZE_MAX).unwrap();
    freeze(l, OWNER, PLEDGED, 60).unwrap();
    unfreeze(l, OWNER, PLEDGED).unwrap();
    sound(&world);
}

/// GOV-4: a freeze ends by time, liquidation waits for ten minutes more, whatever the feed did meanwhile; and a
/// guardian rests.
#[test]
fn a_freeze_ends_by_itself() {
    let mut world = scene();
    let began = world.ledger.now;
    freeze(&mut world.ledger, GUARDIAN, PLEDGED, FREEZE_MAX).unwrap();
    let until = began.after(FREEZE_MAX.into());
    // The feed goes stale and comes back shortly before the end: its own grace period is shorter.
    step(&mut world, u64::from(FREEZE_MAX) - 20);
    let frozen = Error::FeedFrozen { feed: PLEDGED, until };
    assert_eq!(refused(borrow(&mut world, FRIEND, 1, TOKEN)), frozen);
    wait(&mut world, until);
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    let resumes_at = until.after(feed::GRACE_SECONDS);
    let waits = Error::LiquidationPaused { resumes_at };
    assert_eq!(refused(liquidate(&mut world, MALLORY, ALICE, TOKEN)), waits);
    let again = world.ledger.atomically(|l| freeze(l, GUARDIAN, PLEDGED, 1));
    let rested = resumes_at.after(resumes_at.since(began));
    assert_eq!(refused(again), Error::GuardianRests { until: rested });
    // Other feeds are other feeds.
    freeze(&mut world.ledger.clone(), GUARDIAN, LENT, 1).unwrap();
    wait(&mut world, resumes_at);
    liquidate(&mut world, MALLORY, ALICE, TOKEN).unwrap();
    wait(&mut world, rested);
    freeze(&mut world.ledger, GUARDIAN, PLEDGED, 1).unwrap();
    sound(&world);
}

/// GOV-4: a computed feed can be frozen itself, with the grace period after it; its leg's freeze is its own.
#[test]
fn computed_feeds_freeze_too() {
    use world::staking::{PAIR, RATE, STAKED, lever, liquidate_in_pair, staking};
    for frozen in [STAKED, RATE] {
        let mut world = staking();
        lever(&mut world, ALICE, 100 * WAD, 108 * WAD).unwrap();
        world.report(RATE, 116 * WAD / 100).unwrap();
        let feed = FeedId::new(frozen);
        let until = world.ledger.now.after(60);
        freeze(&mut world.ledger, GUARDIAN, feed, 60).unwrap();
        let denied = refused(lever(&mut world, FRIEND, WAD, WAD / 2));
        assert_eq!(denied, Error::FeedFrozen { feed, until });
        let resumes_at = until.after(feed::GRACE_SECONDS);
        for _ in 0..2 {
            let denied = refused(liquidate_in_pair(&mut world, MALLORY, ALICE));
            assert_eq!(denied, Error::LiquidationPaused { resumes_at });
            world.pass(60);
        }
        lever(&mut world, FRIEND, WAD, WAD / 2).unwrap();
        world.pass(feed::GRACE_SECONDS);
        liquidate_in_pair(&mut world, MALLORY, ALICE).unwrap();
        assert!(world.ledger.markets.contains_key(&PAIR));
    }
}

/// SC-13: a guardian that does nothing but stop one thing, for sixty days, stops it for half of the time, and a half of
/// one stop more. Looked at about every twenty minutes.
#[test]
fn a_hostile_guardian_does_not_stop_a_market_for_ever() {
    let days = 60 * 86_400;
    for (seed, what) in (0..4).map(|seed| (seed, seed % 2)) {
        let (mut world, mut dice, mut stopped) = (scene(), Dice(seed), 0);
        let began = world.ledger.now;
        while world.ledger.now.since(began) < days {
            for _ in 0..3 {
                let length = dice.pick(&[1, 60, 3_600, 86_400, FREEZE_MAX, PAUSE_MAX]);
                let level = dice.pick(&[PauseLevel::Restricted, PauseLevel::Frozen]);
                let _refused_or_not = world.ledger.atomically(|l| match (what, dice.below(8)) {
                    (0, 0) => set_pause(l, GUARDIAN, MARKET, level),
                    (0, _) => pause_for(l, GUARDIAN, MARKET, level, length),
                    _ => freeze(l, GUARDIAN, PLEDGED, length),
                });
            }
            sound(&world);
            world.ledger.events.clear();
            let before = world.ledger.now;
            step(&mut world, 1 + dice.below(2_400));
            let look = liquidate(&mut world.clone(), MALLORY, ALICE, TOKEN);
            let seconds = world.ledger.now.since(before);
            stopped += if look.is_err() { seconds } else { 0 };
        }
        let longest = if what == 0 { PAUSE_MAX + 3_600 } else { FREEZE_MAX + 600 };
        let most = (days + u64::from(longest)) / 2;
        // Looking now and then is not exact.
        assert!(stopped <= most + days / 50, "{stopped} of {days} seconds");
        assert!(stopped > days / 5, "{stopped}: this stopped little");
    }
}

fn metered(limit: u128, window: u32) -> World {
    let mut world = scene();
    let terms = MeterTerms { limit: Assets::new(limit), window };
    meter::set_meter(&mut world.ledger, OWNER, (MARKET, vault(1)), Some(terms)).unwrap();
    world
}

/// CFG-1: a meter bounds what is drawn in a while, whoever draws; repayment fills nothing, time does.
#[test]
fn a_meter_bounds_new_debt() {
    let mut world = metered(30 * TOKEN, 3_000);
    borrow(&mut world, FRIEND, 1, 20 * TOKEN).unwrap();
    repay(&mut world, FRIEND, FRIEND, 1, 20 * TOKEN).unwrap();
    let now = world.ledger.now;
    let (left, refills_at) = (Assets::new(10 * TOKEN), now.after(500));
    let denied = refused(borrow(&mut world, FRIEND, 1, 15 * TOKEN));
    assert_eq!(denied, Error::DrawLimitReached { left, refills_at });
    // Another borrower meets the same meter.
    pledge(&mut world, MALLORY, 2, 100 * WAD);
    let denied = refused(borrow(&mut world, MALLORY, 1, 15 * TOKEN));
    assert_eq!(denied, Error::DrawLimitReached { left, refills_at });
    borrow(&mut world, MALLORY, 1, 8 * TOKEN).unwrap();
    let low = Event::DrawMeterLow {
        market: MARKET,
        vault: vault(1),
        left: Assets::new(2 * TOKEN),
        full_at: now.after(2_800),
    };
    assert!(world.ledger.events.contains(&low), "{:?}", world.ledger.events);
    world.pass(500);
    borrow(&mut world, FRIEND, 1, 7 * TOKEN).unwrap();
    // Without a meter there is no limit, and a new one is full.
    meter::set_meter(&mut world.ledger, OWNER, (MARKET, vault(1)), None).unwrap();
    assert!(world.ledger.meters.is_empty());
    borrow(&mut world, FRIEND, 1, 20 * TOKEN).unwrap();
    sound(&world);
}

/// CFG-1: a debt that moves onto a metered line is drawn there; one that only changes its account is not.
#[test]
fn a_meter_counts_debts_that_arrive() {
    let mut world = metered(5 * TOKEN, 3_000);
    // Within the line nothing is drawn.
    moved(&mut world).unwrap();
    let second = world.add_vault(asset(1), KINKED);
    deposit(&mut world, LENDER, second.get(), 1_000 * TOKEN).unwrap();
    let pairs = |from, to| [Pair { from, to }];
    let go = |world: &mut World, sub: (u32, u32), pairs: &[Pair]| {
        let route = Route { owner: FRIEND, from: (MARKET, sub.0), to: (MARKET, sub.1), pairs };
        let told = rehoming::preview(&mut world.ledger.clone(), &route).unwrap();
        let done = world.ledger.atomically(|l| rehoming::rehome(l, FRIEND, &route));
        assert_eq!(told.reasons.is_empty(), done.is_ok(), "{:?} {done:?}", told.reasons);
        done.map(drop)
    };
    go(&mut world, (1, 2), &pairs(vault(1), second)).unwrap();
    let back = refused(go(&mut world, (2, 3), &pairs(second, vault(1))));
    assert!(matches!(back, Error::DrawLimitReached { .. }), "{back}");
    let account = gage_core::AccountId { market: MARKET, owner: FRIEND, sub: 2 };
    let most = Assets::new(6 * TOKEN);
    borrowing::repay(&mut world.ledger, FRIEND, &account, second, most).unwrap();
    go(&mut world, (2, 3), &pairs(second, vault(1))).unwrap();
    let meter = world.ledger.meters[&(MARKET, vault(1))];
    assert!(meter.drawn >= Assets::new(4 * TOKEN));
    sound(&world);
}

/// AUT-1: the market's owner alone sets meters and breakers, within bounds.
#[test]
fn breakers_are_their_owners() {
    let mut world = scene();
    let l = &mut world.ledger;
    let meter = MeterTerms { limit: Assets::new(TOKEN), window: 60 };
    let breaker = BreakerTerms { part: Bps::new(1_000), window: 60, pause: 60 };
    for who in [MALLORY, GUARDIAN, GOVERNANCE, CURATOR] {
        let on = (MARKET, vault(1));
        let denied = refused(l.atomically(|l| meter::set_meter(l, who, on, Some(meter))));
        assert!(matches!(denied, Error::NotAuthorised { .. }));
        let denied = refused(l.atomically(|l| breaker::set_breaker(l, who, MARKET, Some(breaker))));
        assert!(matches!(denied, Error::NotAuthorised { .. }));
    }
    let unlisted = (MARKET, vault(9));
    let denied = refused(l.atomically(|l| meter::set_meter(l, OWNER, unlisted, None)));
    assert_eq!(denied, Error::VaultNotListed { market: MARKET, vault: vault(9) });
    let market = MarketId::new(9);
    let denied = refused(l.atomically(|l| breaker::set_breaker(l, OWNER, market, None)));
    assert_eq!(denied, Error::UnknownMarket { market });
    for (part, window, pause) in [
        (0, 60, 60),
        (10_000, 60, 60),
        (u16::MAX, 60, 60),
        (1, 0, 60),
        (1, u32::MAX, 60),
        (1, 60, 0),
        (1, 60, PAUSE_MAX + 1),
    ] {
        let terms = BreakerTerms { part: Bps::new(part), window, pause };
        let denied = refused(l.atomically(|l| breaker::set_breaker(l, OWNER, MARKET, Some(terms))));
        assert!(matches!(denied, Error::InvalidParameter { .. }), "{part} {window} {pause}");
    }
    sound(&world);
}

/// GOV-4: too many liquidations restrict the market without any key, liquidation goes on, and the restriction ends by
/// itself; its end is told by the next liquidation.
#[test]
fn a_breaker_trips_and_recovers() {
    for swept in [false, true] {
        let mut world = scene();
        let terms = BreakerTerms { part: Bps::new(2_000), window: 3_600, pause: 7_200 };
        breaker::set_breaker(&mut world.ledger, OWNER, MARKET, Some(terms)).unwrap();
        // Ten of 8,500 dollars are no reason, and a window later forgotten.
        liquidate(&mut world, MALLORY, ALICE, TOKEN / 10).unwrap();
        let counted = world.ledger.breakers[&MARKET];
        assert!(counted.debt > Wad::new(8_499 * WAD) && counted.debt < Wad::new(8_502 * WAD));
        assert_eq!(counted.liquidated.get().div_ceil(WAD), 10);
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
        step(&mut world, 3_600);
        if swept {
            sale(&mut world).unwrap();
        } else {
            liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        }
        let tripped = world.ledger.events.iter().rev().find_map(|event| match event {
            Event::BreakerTripped { liquidated, debt, until, .. } => {
                Some((*liquidated, *debt, *until))
            }
            _ => None,
        });
        let (liquidated, debt, until) = tripped.unwrap();
        assert!(liquidated.get() * 5 > debt.get() && debt > Wad::new(8_580 * WAD));
        assert_eq!(until, world.ledger.now.after(7_200));
        let denied = refused(borrow(&mut world, FRIEND, 1, TOKEN));
        let level = PauseLevel::Restricted;
        assert_eq!(denied, Error::MarketPaused { market: MARKET, level, until });
        let kept = world.ledger.breakers[&MARKET];
        world.report(2, 80 * WAD).unwrap();
        liquidate(&mut world, MALLORY, ALICE, TOKEN).unwrap();
        assert_eq!(world.ledger.breakers[&MARKET], kept, "tripped, it counts nothing");
        sound(&world);
        world.pass(until.since(world.ledger.now));
        world.report(1, 100 * WAD).unwrap();
        world.report(2, 92 * WAD).unwrap();
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
        world.report(2, 70 * WAD).unwrap();
        world.report_all_again();
        liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        assert!(world.ledger.events.contains(&Event::BreakerRecovered { market: MARKET }));
        sound(&world);
    }
}

/// GOV-4: terms below what was liquidated within the window trip the breaker at once; once the window has ended they do not.
#[test]
fn a_breaker_that_is_tightened_trips() {
    for ended in [false, true] {
        let mut world = scene();
        let terms = BreakerTerms { part: Bps::new(5_000), window: 3_600, pause: 7_200 };
        breaker::set_breaker(&mut world.ledger, OWNER, MARKET, Some(terms)).unwrap();
        liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
        step(&mut world, if ended { 3_600 } else { 3_599 });
        let terms = BreakerTerms { part: Bps::new(100), ..terms };
        breaker::set_breaker(&mut world.ledger, OWNER, MARKET, Some(terms)).unwrap();
        sound(&world);
        let until = world.ledger.markets[&MARKET].pause.tripped_until;
        let expected = if ended { Timestamp::ZERO } else { world.ledger.now.after(7_200) };
        assert_eq!(until, expected);
        assert_eq!(borrow(&mut world, FRIEND, 1, TOKEN).is_ok(), ended);
    }
}

/// GOV-4: the owner's word ends a restriction by the breaker, if it says that the market is open.
#[test]
fn an_owner_overrules_the_breaker() {
    let tripped = STATES.last().unwrap();
    let mut world = scene();
    tripped.1(&mut world);
    let l = &mut world.ledger;
    pause_for(l, OWNER, MARKET, PauseLevel::Restricted, 1).unwrap();
    world.pass(1);
    assert!(matches!(refused(borrow(&mut world, FRIEND, 1, TOKEN)), Error::MarketPaused { .. }));
    set_pause(&mut world.ledger, OWNER, MARKET, PauseLevel::Open).unwrap();
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    sound(&world);
}

/// A market without guards keeps no records of them.
#[test]
fn without_guards_nothing_is_kept() {
    let mut world = scene();
    liquidate(&mut world, MALLORY, ALICE, TOKEN).unwrap();
    sale(&mut world).unwrap();
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    assert!(world.ledger.meters.is_empty() && world.ledger.breakers.is_empty());
    assert!(world.ledger.spells.is_empty());
    assert_eq!(Guards::default().jump, Bps::ZERO);
    assert!(world.held(Token::Asset(asset(1)), FRIEND) > 0);
}
