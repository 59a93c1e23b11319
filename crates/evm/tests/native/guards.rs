//! Stops and limits through the contracts.

use crate::support::*;
use alloy_primitives::U256;
use gage_abi::addresses::{MARKET, ORACLE};
use gage_abi::{IMarket, IOracle};

fn guards(world: &mut World) -> IMarket::GuardState {
    world.ok(STRANGER, MARKET, IMarket::guardStateCall { market: 1 })
}

fn meter(world: &mut World) -> IMarket::MeterState {
    world.ok(STRANGER, MARKET, IMarket::meterStateCall { market: 1, vault: VAULT })
}

/// GOV-4: the guardian's pause is in storage with its end, is over at that second without a transaction, and the state
/// says who stopped what. A market that nobody stops says nothing.
#[test]
fn a_pause_ends_by_itself() {
    let mut world = World::loan();
    let nothing = guards(&mut world);
    assert_eq!((nothing.now.level, nothing.guardianRestsUntil), (0, 0));
    assert_eq!(nothing.breaker.part, 0);
    world.ok(GUARDIAN, MARKET, IMarket::pauseForCall { market: 1, level: 2, duration: 1_000 });
    let until = world.now + 1_000;
    world.now += 999;
    let state = guards(&mut world);
    assert_eq!((state.now.level, state.now.until), (2, until));
    assert_eq!((state.own.level, state.guardian.level), (0, 2));
    assert_eq!(state.guardianRestsUntil, until + 3_600 + 4_600);
    let denied = world.refused(BORROWER, MARKET, borrow(DOLLAR));
    assert_eq!(denied, format!("MarketPaused(market: 1, level: 2, until: {until})"));
    world.ok(BORROWER, MARKET, repay(u(DOLLAR)));
    world.now += 1;
    world.prices(1_450 * WAD, WAD);
    world.ok(BORROWER, MARKET, supply(WAD / 1_000));
    let denied = world.refused(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    assert_eq!(denied, format!("LiquidationPaused(resumesAt: {})", until + 3_600));
    let market = world.ok(STRANGER, MARKET, IMarket::marketStateCall { market: 1 });
    assert_eq!((market.pause, market.liquidationResumesAt), (0, until + 3_600));
    let denied = world.refused(GUARDIAN, MARKET, IMarket::setPauseCall { market: 1, level: 1 });
    assert_eq!(denied, format!("GuardianRests(until: {})", state.guardianRestsUntil));
    // The owner's own word leaves no more in storage than its level.
    world.ok(OWNER, MARKET, IMarket::setPauseCall { market: 1, level: 1 });
    world.ok(OWNER, MARKET, IMarket::setPauseCall { market: 1, level: 0 });
    assert_eq!(guards(&mut world).now.level, 0);
}

/// A feed's freeze through the oracle: told by its state, and over by itself.
#[test]
fn a_freeze_ends_by_itself() {
    let mut world = World::loan();
    let freeze = |duration| IOracle::freezeFeedCall { feed: GOLD_FEED, duration };
    world.ok(GUARDIAN, ORACLE, freeze(600));
    let until = world.now + 600;
    let feed = world.ok(STRANGER, ORACLE, IOracle::feedStateCall { feed: GOLD_FEED });
    assert_eq!((feed.frozenUntil, feed.liquidationResumesAt), (until, until + 600));
    assert_eq!((feed.status, feed.fresh), (3, false));
    let denied = world.refused(BORROWER, MARKET, borrow(DOLLAR));
    assert_eq!(denied, format!("FeedFrozen(feed: {GOLD_FEED}, until: {until})"));
    let denied = world.refused(GUARDIAN, ORACLE, freeze(600));
    assert_eq!(denied, format!("FeedAlreadyFrozen(feed: {GOLD_FEED}, until: {until})"));
    let denied = world.refused(OWNER, ORACLE, IOracle::unfreezeFeedCall { feed: GOLD_FEED });
    assert!(denied.starts_with("NotAuthorised("), "{denied}");
    world.now += 600;
    let denied = world.refused(GOVERNOR, ORACLE, IOracle::unfreezeFeedCall { feed: GOLD_FEED });
    assert_eq!(denied, format!("FeedNotFrozen(feed: {GOLD_FEED})"));
    world.ok(BORROWER, MARKET, borrow(DOLLAR));
    for duration in [0, 259_201, u32::MAX] {
        let denied = world.refused(OWNER, ORACLE, freeze(duration));
        assert!(denied.starts_with("InvalidParameter("), "{denied}");
    }
}

/// CFG-1: a meter's state says what is left, and the refusal when it will be enough; without one it is all zero.
#[test]
fn a_meter_is_kept_and_told() {
    let mut world = World::loan();
    assert_eq!(meter(&mut world).limit, U256::ZERO);
    let set = |limit: u128, window| IMarket::setDrawMeterCall {
        market: 1,
        vault: VAULT,
        limit: u(limit),
        window,
    };
    world.ok(OWNER, MARKET, set(100 * DOLLAR, 1_000));
    world.ok(BORROWER, MARKET, borrow(60 * DOLLAR));
    let state = meter(&mut world);
    assert_eq!((state.left, state.fullAt), (u(40 * DOLLAR), world.now + 600));
    let denied = world.refused(BORROWER, MARKET, borrow(50 * DOLLAR));
    let refills = world.now + 100;
    assert_eq!(denied, format!("DrawLimitReached(left: {}, refillsAt: {refills})", 40 * DOLLAR));
    world.now = refills;
    world.ok(BORROWER, MARKET, borrow(50 * DOLLAR));
    world.ok(OWNER, MARKET, set(0, 0));
    assert_eq!(meter(&mut world).limit, U256::ZERO);
    world.ok(BORROWER, MARKET, borrow(50 * DOLLAR));
    for (limit, window) in [(0, 1), (1, 0), (59, 60), (u128::MAX, 60), (DOLLAR, u32::MAX)] {
        let denied = world.refused(OWNER, MARKET, set(limit, window));
        assert!(
            denied.starts_with("InvalidParameter(") || denied.starts_with("AmountTooLarge("),
            "{denied}"
        );
    }
}

/// GOV-4: a breaker trips with the liquidation that is too much, and its restriction ends by itself.
#[test]
fn a_breaker_trips_in_the_liquidation() {
    let mut world = World::loan();
    let terms = IMarket::BreakerTerms { part: 100, window: 3_600, pause: 7_200 };
    world.ok(OWNER, MARKET, IMarket::setBreakerCall { market: 1, terms });
    world.prices(1_450 * WAD, WAD);
    world.ok(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    let state = guards(&mut world);
    let until = world.now + 7_200;
    assert_eq!((state.now.level, state.now.until, state.trippedUntil), (1, until, until));
    assert!(state.windowLiquidated > state.windowDebt / U256::from(100));
    assert_eq!(state.windowBegan, 0);
    let denied = world.refused(BORROWER, MARKET, borrow(DOLLAR));
    assert_eq!(denied, format!("MarketPaused(market: 1, level: 1, until: {until})"));
    world.now += 7_200;
    world.prices(2_000 * WAD, WAD);
    world.ok(BORROWER, MARKET, borrow(DOLLAR));
    let none = IMarket::BreakerTerms::default();
    world.ok(OWNER, MARKET, IMarket::setBreakerCall { market: 1, terms: none });
    assert_eq!(guards(&mut world).breaker.part, 0);
    world.check_ties();
}

/// N-10: recognition is in the market's own slots, beside what it lists, and ends with a listing.
#[test]
fn recognition_lasts_until_a_listing() {
    let mut world = World::loan();
    let state = |world: &mut World| {
        let state = world.ok(STRANGER, MARKET, IMarket::marketStateCall { market: 1 });
        (state.recognised, state.collaterals.len(), state.vaults.len())
    };
    let recognise =
        |collaterals| IMarket::recogniseMarketCall { market: 1, collaterals, vaults: 1 };
    let denied = world.refused(GOVERNOR, MARKET, recognise(2));
    assert!(denied.starts_with("InvalidParameter"), "{denied}");
    world.ok(GOVERNOR, MARKET, recognise(1));
    assert_eq!(state(&mut world), (true, 1, 1));
    let feed = world.priced_as_gold(WRAPPED);
    let terms = IMarket::CollateralTerms {
        feed,
        ltv: 7_000,
        threshold: 8_000,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 0,
        cap: u(WAD),
    };
    world.ok(OWNER, MARKET, IMarket::addCollateralCall { market: 1, asset: WRAPPED, terms });
    assert_eq!(state(&mut world), (false, 2, 1));
    world.ok(GOVERNOR, MARKET, recognise(2));
    world.ok(GOVERNOR, MARKET, IMarket::withdrawRecognitionCall { market: 1 });
    assert_eq!(state(&mut world), (false, 2, 1));
}
