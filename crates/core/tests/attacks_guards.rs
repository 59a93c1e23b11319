//! Incidents in which a stop came too late, or nothing bounded the loss: what guards make of them.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::breaker::{self, BreakerTerms};
use gage_core::doubt::Guards;
use gage_core::feed::freeze::{FREEZE_MAX, freeze, unfreeze};
use gage_core::feed::{self, FeedTerms};
use gage_core::meter::{self, MeterTerms};
use gage_core::{
    Assets, Bps, Error, Event, FeedId, PauseLevel, Stop, WAD, Wad, curation, listing, sweep, token,
};
use world::acts::*;
use world::*;

const TOKEN: u128 = 1_000_000;
const PLEDGED: FeedId = FeedId::new(2);
const DAY: u32 = 86_400;

/// Asset 1 is lent, asset 2 pledged at 100 dollars, at feeds that one publisher reports to.
fn market() -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    deposit(&mut world, LENDER, 1, 900_000 * TOKEN).unwrap();
    world
}

fn limit(world: &mut World, tokens: u128, window: u32) {
    let terms = MeterTerms { limit: Assets::new(tokens * TOKEN), window };
    meter::set_meter(&mut world.ledger, OWNER, (MARKET, vault(1)), Some(terms)).unwrap();
}

fn guards(jump: u16) -> Guards {
    let (outlier, spread) = (Bps::ZERO, Bps::ZERO);
    let jump = Bps::new(jump);
    let (confirm, smoothing, budget, window) = (600, 1_800, 900, 36_000);
    Guards { quorum: 1, outlier, spread, jump, confirm, smoothing, budget, window }
}

/// Lets the pledged asset's feed doubt jumps beyond a tenth.
fn doubting(world: &mut World) {
    let terms = FeedTerms {
        guards: guards(1_000),
        ..FeedTerms::unguarded(7_200, Wad::new(WAD / 10), Wad::new(100_000 * WAD))
    };
    feed::set_feed_terms(&mut world.ledger, OWNER, PLEDGED, &terms).unwrap();
}

/// Time passes and every source goes on saying what it said, except that the pledged asset costs `price`.
fn goes_on(world: &mut World, seconds: u64, price: u128) {
    world.pass(seconds);
    world.report(1, 100 * WAD).unwrap();
    world.report(2, price).unwrap();
}

/// C-03, Blizz and Venus: LUNA's feed stopped at its floor of 0.10 dollars while the market fell far below, and nobody
/// was awake. Nobody needs to be: the breaker has restricted the market on the way, and at the floor the price is not
/// believed. Catches a floor that counts as a price.
#[test]
fn reg_c03_restricted_while_the_guardian_sleeps() {
    let mut world = market();
    let bounds = FeedTerms::unguarded(7_200, Wad::new(WAD / 10), Wad::new(1_000 * WAD));
    feed::set_feed_terms(&mut world.ledger, OWNER, PLEDGED, &bounds).unwrap();
    let terms = BreakerTerms { part: Bps::new(2_000), window: DAY, pause: DAY };
    breaker::set_breaker(&mut world.ledger, OWNER, MARKET, Some(terms)).unwrap();
    for who in [ALICE, FRIEND] {
        pledge(&mut world, who, 2, 1_000 * WAD);
        borrow(&mut world, who, 1, 700 * TOKEN).unwrap();
    }
    goes_on(&mut world, 600, 80 * WAD);
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    let tripped = |event: &Event| matches!(event, Event::BreakerTripped { market: MARKET, .. });
    assert!(world.ledger.events.iter().any(tripped));
    // Mallory buys a million for what they cost elsewhere, next to nothing.
    pledge(&mut world, MALLORY, 2, 500_000 * WAD);
    for price in [80 * WAD, 40 * WAD, WAD] {
        goes_on(&mut world, 60, price);
        let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
        assert!(matches!(denied, Error::MarketPaused { level: PauseLevel::Restricted, .. }));
    }
    // The next day the source says the floor, and goes on saying it.
    world.pass(DAY.into());
    for _ in 0..3 {
        goes_on(&mut world, 60, WAD / 1_000);
        let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
        assert_eq!(denied, Error::PriceOutOfBounds { feed: PLEDGED, price: Wad::new(WAD / 10) });
    }
    // Then it says nothing: the same.
    world.pass(7_201);
    world.report(1, 100 * WAD).unwrap();
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(denied, Error::StalePrice { feed: PLEDGED, .. }));
    // What never stops.
    repay(&mut world, FRIEND, FRIEND, 1, TOKEN).unwrap();
    release(&mut world, MALLORY, 2, u128::MAX).unwrap();
    let before = world.held(gage_core::Token::Asset(asset(1)), LENDER);
    redeem_some(&mut world);
    assert!(world.held(gage_core::Token::Asset(asset(1)), LENDER) > before);
    sound(&world);
}

fn redeem_some(world: &mut World) {
    let exit = gage_core::lending::Exit { receiver: LENDER, owner: LENDER };
    let amount = Assets::new(1_000 * TOKEN);
    gage_core::lending::withdraw(&mut world.ledger, LENDER, vault(1), amount, exit).unwrap();
}

/// C-15, Moonwell: a wrapper's feed lost its multiplication and said a thousandth; bots seized 1,096 cbETH within
/// minutes, and the correction had to wait for days. A feed of a ratio does not price an asset; a print of −99.9 %
/// liquidates nobody while it is doubted; and one call of the guardian's stops liquidation of that asset, not of others.
#[test]
fn reg_c15_one_call_stops_the_liquidation_of_one_asset() {
    let mut world = market();
    doubting(&mut world);
    let rate = {
        let l = &mut world.ledger;
        let terms = FeedTerms::unguarded(7_200, Wad::new(1), Wad::new(10 * WAD));
        let subject = about(asset(3), "wrapped/plain");
        let growth = gage_core::Ray::ZERO;
        feed::creation::create_rate_feed(l, OWNER, subject, &terms, growth).unwrap()
    };
    let leg = listing::CollateralTerms { feed: rate, ..terms(7_500, 8_000, [400, 1_000], 1, 3) };
    world.ledger.collaterals.remove(&(MARKET, asset(3))).unwrap();
    world.ledger.markets.get_mut(&MARKET).unwrap().collaterals.pop();
    let outcome =
        world.ledger.atomically(|l| listing::add_collateral(l, OWNER, MARKET, asset(3), &leg));
    assert!(matches!(refused(outcome), Error::WrongFeed { .. }));

    pledge(&mut world, ALICE, 2, 1_000 * WAD);
    borrow(&mut world, ALICE, 1, 600 * TOKEN).unwrap();
    // Another account, on the other asset, is really below its threshold.
    pledge(&mut world, FRIEND, 1, 1_000 * TOKEN);
    borrow(&mut world, FRIEND, 1, 749 * TOKEN).unwrap();
    let threshold = world.ledger.collaterals.get_mut(&(MARKET, asset(1))).unwrap();
    threshold.threshold = Bps::new(7_400);
    goes_on(&mut world, 60, 100 * WAD);

    goes_on(&mut world, 60, WAD / 10 + 1);
    let doubted = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
    assert!(matches!(doubted, Error::Healthy { .. }), "{doubted}");
    let sold = world.ledger.atomically(|l| sweep::sweep(l, &of(ALICE)));
    assert!(matches!(refused(sold), Error::PriceDoubtful { .. }));
    pledge(&mut world, MALLORY, 2, WAD);
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN / 10));
    assert!(matches!(denied, Error::PriceDoubtful { .. }));
    // The doubt would end in a quarter of an hour. The guardian has that long.
    freeze(&mut world.ledger, GUARDIAN, PLEDGED, FREEZE_MAX).unwrap();
    for _ in 0..70 {
        goes_on(&mut world, 3_600, WAD / 10 + 1);
        let stopped = liquidate(&mut world, MALLORY, ALICE, u128::MAX);
        assert!(stopped.is_err() && world.ledger.now < world.ledger.feeds[&PLEDGED].frozen_until);
    }
    liquidate_pair(&mut world, (MALLORY, FRIEND), (1, 1), u128::MAX).unwrap();
    // The source is repaired, and governance ends the freeze; Alice has lost nothing.
    goes_on(&mut world, 60, 100 * WAD);
    goes_on(&mut world, 700, 100 * WAD);
    unfreeze(&mut world.ledger, GOVERNANCE, PLEDGED).unwrap();
    goes_on(&mut world, feed::GRACE_SECONDS, 100 * WAD);
    let healthy = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
    assert!(matches!(healthy, Error::Healthy { .. }), "{healthy}");
    assert_eq!(world.ledger.accounts[&of(ALICE)].collateral(1), Assets::new(1_000 * WAD));
}

/// D-08, X-24, rsETH: a bridge let 116,500 unbacked tokens out, and within minutes 89,567 of them were pledged. What a line
/// lends in a while is bounded, whatever the collateral seems to be worth and however many accounts pledge it.
#[test]
fn reg_d08_an_endless_mint_draws_the_meter_empty() {
    let drawn_in = |metered: bool| {
        let mut world = market();
        if metered {
            limit(&mut world, 1_000, DAY);
        }
        let minted = Assets::new(116_500 * WAD);
        token::mint(&mut world.ledger, ISSUER, asset(2), MALLORY, minted).unwrap();
        pledge(&mut world, MALLORY, 2, 45_000 * WAD);
        pledge(&mut world, FRIEND, 2, 44_567 * WAD);
        let mut drawn = 0;
        for _ in 0..6 {
            drawn += draw_all(&mut world, MALLORY) + draw_all(&mut world, FRIEND);
            goes_on(&mut world, 300, 100 * WAD);
        }
        sound(&world);
        // Lenders still have the rest, and leave.
        redeem_some(&mut world);
        drawn
    };
    let (with, without) = (drawn_in(true), drawn_in(false));
    let most = 1_000 * TOKEN + 1_000 * TOKEN * 1_800 / u128::from(DAY);
    assert!(with <= most && with > 999 * TOKEN, "{with}");
    assert!(without > 60 * most, "{without}");
}

/// O-04, Venus and XVS: the price of a thin token is doubled within a day, what it seems to be worth is drawn, then it
/// falls back. The loss is what the meter let through at most, and a step at once is doubted.
#[test]
fn reg_o04_a_doubled_thin_token_costs_the_meter_at_most() {
    let loss = |metered: bool| {
        let mut world = market();
        doubting(&mut world);
        if metered {
            limit(&mut world, 100, DAY);
        }
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let (mut price, mut drawn) = (100 * WAD, 0);
        for _ in 0..24 {
            goes_on(&mut world, 3_598, price);
            drawn += draw_all(&mut world, MALLORY);
            price += 100 * WAD / 24;
        }
        // Twice at once is not believed.
        goes_on(&mut world, 60, 400 * WAD);
        let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
        assert!(matches!(denied, Error::PriceDoubtful { .. }));
        for seconds in [60, 700, 1_000, 3_000] {
            goes_on(&mut world, seconds, 90 * WAD);
        }
        if let Err(Stop::Refused(error)) = liquidate(&mut world, LENDER, MALLORY, u128::MAX) {
            assert!(matches!(error, Error::Healthy { .. }), "{error}");
        }
        sound(&world);
        (drawn, world.ledger.vaults[&vault(1)].losses.get())
    };
    let (drawn, lost) = loss(true);
    assert!(drawn <= 200 * TOKEN + TOKEN && lost == 0, "{drawn} {lost}");
    let (drawn, lost) = loss(false);
    assert!(drawn > 1_000 * TOKEN && lost > 100 * TOKEN, "{drawn} {lost}");
}

/// L-12, 42DAO and Ostium: the one key that signs prices is stolen. 10^20 is beyond the bound and not believed; three
/// times the price is doubted; what is believed after it has held lets the meter's limit through and no more; and the
/// guardian stops the feed in one call, for good enough a time to replace the key.
#[test]
fn reg_l12_a_stolen_price_key_is_bounded() {
    let mut world = market();
    doubting(&mut world);
    limit(&mut world, 50, DAY);
    pledge(&mut world, MALLORY, 2, 10_000 * WAD);
    pledge(&mut world, ALICE, 2, 100 * WAD);
    borrow(&mut world, ALICE, 1, 40 * TOKEN).unwrap();
    goes_on(&mut world, 60, WAD * 10_u128.pow(18));
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(denied, Error::PriceOutOfBounds { feed: PLEDGED, .. }));
    let closed = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
    assert!(matches!(closed, Error::PriceOutOfBounds { feed: PLEDGED, .. }));
    let mut drawn = 0;
    let began = world.ledger.now;
    for minute in 0..60 {
        goes_on(&mut world, 58, 300 * WAD);
        let now = draw_all(&mut world, MALLORY);
        assert!(now == 0 || minute >= 9, "believed after {minute} minutes");
        drawn += now;
    }
    let time = u128::from(world.ledger.now.since(began));
    assert!(drawn <= 10 * TOKEN + 50 * TOKEN * time / u128::from(DAY) + TOKEN / 2, "{drawn}");
    freeze(&mut world.ledger, GUARDIAN, PLEDGED, FREEZE_MAX).unwrap();
    goes_on(&mut world, 2 * u64::from(DAY), 300 * WAD);
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(denied, Error::FeedFrozen { feed: PLEDGED, .. }));
    // The curator closes the line meanwhile; a lower cap needs nobody.
    curation::set_line_cap(&mut world.ledger, CURATOR, vault(1), MARKET, Assets::ZERO).unwrap();
    goes_on(&mut world, 2 * u64::from(DAY), 300 * WAD);
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert!(matches!(denied, Error::CapExceeded { .. }), "{denied}");
    sound(&world);
}
