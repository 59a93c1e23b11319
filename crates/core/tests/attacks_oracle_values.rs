//! Incidents in which all sources were wrong together, or right about the wrong thing: other units, swapped pairs, floors,
//! pegs that were not kept, redemption rates that nobody paid. Each beside a twin market that believes them.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::feed::{self, FeedTerms, creation};
use gage_core::listing::{self, CollateralTerms};
use gage_core::{
    Assets, Error, FeedId, FeedKind, Guards, MarketId, Token, WAD, Wad, lending, margin,
};
use world::acts::*;
use world::oracle::*;
use world::*;

/// All sources together.
fn all(price: u128) -> [Option<u128>; 5] {
    [Some(price); 5]
}

/// A print of all sources that is wrong, for four minutes, with Mallory at both ends of it.
fn misprint(mut world: World, wrong: u128) -> (World, Books, [u128; 2]) {
    let before = books(&world, FAIR);
    pledge(&mut world, MALLORY, 2, 1_000 * WAD);
    let (mut drawn, mut taken) = (0, 0);
    for _ in 0..8 {
        block(&mut world, 30, &all(wrong));
        drawn += draw_all(&mut world, MALLORY);
        for whose in [ALICE, FRIEND] {
            taken += u128::from(liquidate(&mut world, MALLORY, whose, u128::MAX).is_ok());
        }
    }
    (world, before, [drawn, taken])
}

/// What a misprint does with guards: nothing at all, and when it is repaired all goes on.
fn is_harmless(wrong: u128) {
    let (mut world, before, done) = misprint(market(5, careful()), wrong);
    assert_eq!(done, [0, 0], "{wrong}");
    let refusal = restricted(&world);
    let known = matches!(
        refusal,
        Error::PriceDoubtful { feed: PLEDGED, .. } | Error::PriceOutOfBounds { feed: PLEDGED, .. }
    );
    assert!(known, "{wrong}: {refusal}");
    block(&mut world, 30, &all(FAIR));
    assert_eq!(last_price(&world), FAIR);
    let healthy = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
    assert!(matches!(healthy, Error::Healthy { .. }));
    borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    nobody_lost(&world, before, FAIR);
}

/// C-08 Tender.fi, C-11 PAXG on Morpho, C-14 Moonwell's wrsETH, C-04 Mirror's LUNC: a new adapter had the wrong number of
/// decimals, or spoke of another coin; one token borrowed the pool, or everybody was liquidated. Catches a price that is
/// believed because all say it.
#[test]
fn reg_c08_a_price_with_other_decimals_is_not_believed() {
    for zeros in 1..=20 {
        let factor = 10_u128.pow(zeros);
        is_harmless(FAIR.saturating_mul(factor));
        is_harmless(FAIR / factor);
    }
    for wrong in [FAIR * 10, FAIR / 10] {
        let (world, before, [drawn, taken]) = misprint(market(1, Guards::default()), wrong);
        let after = books(&world, FAIR);
        assert!(drawn + taken > 0 && after.attacker > before.attacker, "{wrong}");
        assert!(after.victims < before.victims || after.lenders < before.lenders);
    }
}

/// C-14 Moonwell's wrsETH, C-04 Mirror: one round at a thousand or ten thousand times is the last that anybody needs.
/// Catches a step that is checked against nothing.
#[test]
fn reg_c14_one_round_at_a_thousand_times() {
    for factor in [1_000, 10_000] {
        for wrong in [FAIR * factor, FAIR / factor] {
            let mut world = market(5, careful());
            let before = books(&world, FAIR);
            pledge(&mut world, MALLORY, 2, WAD);
            block(&mut world, 12, &all(wrong));
            restricted(&world);
            assert_eq!(draw_all(&mut world, MALLORY), 0);
            block(&mut world, 12, &all(FAIR));
            nobody_lost(&world, before, FAIR);
            exits_work(&world);
        }
    }
}

/// C-10 Rho, C-17 Ploutos, SC-10: two feeds were exchanged, or a pair was turned round. A listing takes the feed of its own
/// asset alone, so every other order is refused whole; and a pair that sources turn round is not believed. Catches a
/// listing that looks at no subject.
#[test]
fn reg_c10_swapped_and_flipped_pairs() {
    for order in [[1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let mut world = World::new(&[6, 18, 18], 1);
        let l = &mut world.ledger;
        let market = staking::new_market(l);
        let before = l.clone();
        let done = l.atomically(|l| {
            for (number, feed) in (1..).zip(order) {
                let limits = terms(7_500, 8_000, [400, 1_000], 1_000, feed);
                listing::add_collateral(l, OWNER, market, asset(number), &limits)?;
            }
            Ok(())
        });
        assert!(matches!(refused(done), Error::WrongFeed { .. }), "{order:?}");
        assert_eq!(*l, before);
    }
    // Tokens per dollar for dollars per token; and the price of another coin.
    for wrong in [WAD * WAD / FAIR, FAIR * 30, FAIR / 30] {
        is_harmless(wrong);
    }
}

/// C-09 Blueberry: what had six or eight decimals was under-valued. A whole token of any decimals is worth its price,
/// exactly, pledged or owed. Catches a scale that is not the asset's.
#[test]
fn reg_c09_a_whole_token_of_any_decimals_is_worth_its_price() {
    for decimals in 0..=27 {
        for price in [1, 3, FAIR + 1, 100_000 * WAD - 1] {
            let one = Assets::new(unit(decimals));
            assert_eq!(margin::collateral_value(one, Wad::new(price), decimals).get(), price);
            assert_eq!(margin::debt_value(one, Wad::new(price), decimals).get(), price);
        }
        let mut world = World::new(&[6, decimals], 1);
        deposit(&mut world, LENDER, 1, 1_000 * TOKEN).unwrap();
        pledge(&mut world, ALICE, 2, unit(decimals));
        let over = refused(borrow(&mut world, ALICE, 1, TOKEN * 75 / 100 + 1));
        assert!(matches!(over, Error::AboveLimit { .. }));
        borrow(&mut world, ALICE, 1, TOKEN * 75 / 100).unwrap();
        // The same the other way round.
        let mut world = World::new(&[decimals, 6], 1);
        deposit(&mut world, LENDER, 1, 1_000 * unit(decimals)).unwrap();
        pledge(&mut world, ALICE, 2, 4 * TOKEN);
        let over = refused(borrow(&mut world, ALICE, 1, 3 * unit(decimals) + 1));
        assert!(matches!(over, Error::AboveLimit { .. }));
        borrow(&mut world, ALICE, 1, 3 * unit(decimals)).unwrap();
    }
}

/// C-02 Venus, D-01, SC-02: in May 2022 LUNA fell from 80 dollars to a hundredth of a cent, and its feed went on saying its own
/// floor, 0.10 dollars. Who bought for nothing and pledged at the floor took the pool. Five sources that stand at their
/// floor are at the bound of the feed, which is no price. Catches a bound below what sources can say, and a price at it.
#[test]
fn reg_c02_a_floor_price_that_the_market_has_left() {
    let (floor, worth) = (WAD / 10, WAD / 10_000);
    let fall = |mut world: World| {
        let mut price = FAIR;
        while price > floor {
            price = (price * 97 / 100).max(floor);
            block(&mut world, 60, &all(price));
            for whose in [ALICE, FRIEND] {
                let _healthy_or_not = liquidate(&mut world, LENDER, whose, u128::MAX);
            }
        }
        let before = books(&world, worth);
        let mut drawn = 0;
        for _ in 0..60 {
            pledge(&mut world, MALLORY, 2, 10_000 * WAD);
            block(&mut world, 60, &all(floor));
            drawn += draw_all(&mut world, MALLORY);
        }
        (world, before, drawn)
    };
    let mut guarded = market(5, careful());
    let bounds = FeedTerms::unguarded(PRICE_AGE, Wad::new(floor), Wad::new(100_000 * WAD));
    let terms = FeedTerms { guards: careful(), ..bounds };
    feed::set_feed_terms(&mut guarded.ledger, OWNER, PLEDGED, &terms).unwrap();
    let (mut world, before, drawn) = fall(guarded);
    assert_eq!(drawn, 0);
    let denied = refused(borrow(&mut world, MALLORY, 1, TOKEN));
    assert_eq!(denied, Error::PriceOutOfBounds { feed: PLEDGED, price: Wad::new(floor) });
    nobody_lost(&world, before, worth);
    // Mallory takes back what she pledged, lenders what is theirs, and debtors repay.
    release(&mut world, MALLORY, 2, u128::MAX).unwrap();
    redeem_all(&mut world, LENDER, 1).unwrap();
    let (world, before, drawn) = fall(market(1, Guards::default()));
    let after = books(&world, worth);
    assert!(
        drawn > 400 * TOKEN && after.attacker > before.attacker && after.lenders < before.lenders
    );
}

/// D-01 UST and LUNA: −98 % within three days and nobody who liquidates; then the feeds pause. The loss is booked with the
/// liquidation that finds it, every lender bears the same part, and the paused feed stops risk, not exits. Catches a loss
/// that is left to who leaves last.
#[test]
fn reg_d01_three_days_down_and_then_a_pause() {
    let mut world = market(5, careful());
    let mut price = FAIR;
    for _ in 0..864 {
        price = price * 9_955 / 10_000;
        block(&mut world, 300, &all(price));
    }
    assert!(price < FAIR * 21 / 1_000);
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    assert!(!plan.bad_debt_value.is_zero());
    assert!(world.ledger.vaults[&vault(1)].losses.get() > 600 * TOKEN, "booked at once");
    sound(&world);
    world.pass(u64::from(PRICE_AGE) + 1);
    world.report(1, FAIR).unwrap();
    let denied = refused(borrow(&mut world, FRIEND, 1, TOKEN));
    assert!(matches!(denied, Error::StalePrice { feed: PLEDGED, .. }));
    // Whoever leaves first leaves the others what was theirs.
    let shares = gage_core::Shares::new(world.held(Token::Share(vault(1)), LENDER) / 2);
    let worth = |world: &World| {
        lending::preview_redeem(&mut world.ledger.clone(), vault(1), shares).unwrap().get()
    };
    let before = worth(&world);
    let exit = lending::Exit { receiver: LENDER, owner: LENDER };
    let paid = lending::redeem(&mut world.ledger, LENDER, vault(1), shares, exit).unwrap();
    assert!(paid.get() == before && worth(&world).abs_diff(before) <= 1);
    release(&mut world, LENDER, 2, WAD).unwrap();
    repay(&mut world, FRIEND, FRIEND, 1, u128::MAX).unwrap();
    release(&mut world, FRIEND, 2, u128::MAX).unwrap();
    sound(&world);
}

/// O-10 Mango: the market itself was bought up tenfold within ten minutes, and the gain drawn. Every step is a jump, and
/// what has not held backs nothing. Catches a price that is true for ten minutes.
#[test]
fn reg_o10_tenfold_in_ten_minutes() {
    let attack = |mut world: World| {
        let before = books(&world, FAIR);
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let (mut price, mut drawn) = (FAIR, 0);
        for _ in 0..10 {
            price = price * 1_259 / 1_000;
            block(&mut world, 60, &all(price));
            drawn += draw_all(&mut world, MALLORY);
        }
        for _ in 0..10 {
            price = (price * 794 / 1_000).max(FAIR);
            block(&mut world, 60, &all(price));
        }
        (world, before, drawn)
    };
    let (world, before, drawn) = attack(market(5, careful()));
    assert_eq!(drawn, 0);
    nobody_lost(&world, before, FAIR);
    let (world, before, drawn) = attack(market(1, Guards::default()));
    assert!(drawn > 7_000 * TOKEN && books(&world, FAIR).attacker > before.attacker);
}

/// C-18 Resolv's USR: an unbacked mint took a stablecoin to a quarter within fifteen minutes while lenders went on
/// lending. After the first round out of band nothing is drawn. Catches a fall that is believed too slowly for lenders.
#[test]
fn reg_c18_a_quarter_of_an_hour_to_a_quarter() {
    let attack = |mut world: World| {
        let before = books(&world, FAIR / 4);
        let (mut price, mut drawn) = (FAIR, 0);
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        for _ in 0..15 {
            price = (price * 912 / 1_000).max(FAIR / 4);
            block(&mut world, 60, &all(price));
            drawn += draw_all(&mut world, MALLORY);
        }
        (world, before, drawn)
    };
    let (world, before, drawn) = attack(market(5, careful()));
    assert_eq!(drawn, 0);
    assert!(books(&world, FAIR / 4).attacker <= before.attacker);
    exits_work(&world);
    let (world, before, drawn) = attack(market(1, Guards::default()));
    assert!(drawn > 0 && books(&world, FAIR / 4).attacker > before.attacker);
}

/// C-19 Compound's UNI: a price that lags is an offer to whoever knows the next one. New risk is taken at the worse of
/// the newest and the smoothed price on both sides, so a move within the band pays nobody. Catches the newest alone.
#[test]
fn reg_c19_a_move_within_the_band_is_used_on_its_worse_side() {
    let drawn_at = |part: u128, mut world: World| {
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        block(&mut world, 12, &all(FAIR / 100 * part));
        draw_all(&mut world, MALLORY)
    };
    let still = drawn_at(100, market(5, careful()));
    let raised = drawn_at(104, market(5, careful()));
    assert!(still > 749 * TOKEN && raised <= still + TOKEN / 2, "{still} {raised}");
    assert!(drawn_at(104, market(1, Guards::default())) > still + 25 * TOKEN);
    let lowered = drawn_at(96, market(5, careful()));
    assert!(lowered <= 720 * TOKEN && lowered > 719 * TOKEN);
}

/// C-20 Kashi: solvency was checked at a rate that the market had kept from earlier. Every operation reads the price of
/// its block, and no call is needed before. Catches a cache.
#[test]
fn reg_c20_no_operation_uses_an_earlier_price() {
    let mut world = market(5, careful());
    borrow(&mut world.clone(), FRIEND, 1, 60 * TOKEN).unwrap();
    release(&mut world.clone(), FRIEND, 2, 80 * WAD).unwrap();
    let before = books(&world, FAIR * 96 / 100);
    // Down by less than a jump, four times, each held for long enough to be believed.
    for part in [96, 93, 89, 86] {
        block(&mut world, 200, &all(FAIR / 100 * part));
    }
    block(&mut world, 200, &all(FAIR / 100 * 86));
    assert_eq!(world.ledger.feeds[&PLEDGED].doubt_until.get(), 0);
    let over = refused(borrow(&mut world, FRIEND, 1, 60 * TOKEN));
    assert!(matches!(over, Error::AboveLimit { .. }), "{over}");
    let over = refused(release(&mut world, FRIEND, 2, 87 * WAD));
    assert!(matches!(over, Error::AboveLimit { .. }), "{over}");
    liquidate(&mut world, LENDER, ALICE, u128::MAX).unwrap();
    assert!(books(&world, FAIR * 96 / 100).attacker <= before.attacker);
    sound(&world);
}

/// A market in which asset 3 is pledged at a feed, and vault 1 lends.
fn listed(world: &mut World, feed: FeedId) -> MarketId {
    let l = &mut world.ledger;
    let market = staking::new_market(l);
    let limits = CollateralTerms { feed, ..terms(7_500, 8_000, [400, 1_000], 1 << 100, 0) };
    listing::add_collateral(l, OWNER, market, asset(3), &limits).unwrap();
    staking::open_line(l, market, vault(1), 1).unwrap();
    market
}

/// How many dollars Mallory draws in a market on so many whole tokens of asset 3, in steps of one.
fn drawn_on(world: &World, market: MarketId, tokens: u128) -> u128 {
    use gage_core::borrowing::{self, Draw};
    let mut world = world.clone();
    let price = world.ledger.feeds[&FeedId::new(1)].price.get() / WAD;
    let one = unit(world.decimals[0]) / price;
    let id = gage_core::AccountId { market, owner: MALLORY, sub: 0 };
    let l = &mut world.ledger;
    let amount = Assets::new(tokens * WAD);
    borrowing::supply_collateral(l, MALLORY, &id, asset(3), amount).unwrap();
    let mut draws = |dollars: u128| {
        let amount = Assets::new(dollars * one);
        let draw = Draw { market, sub: 0, vault: vault(1), amount, receiver: MALLORY };
        l.atomically(|l| borrowing::borrow(l, MALLORY, &draw)).is_ok()
    };
    let (mut drawn, mut next) = (0, 1 << 22);
    while next > 0 {
        if draws(next) {
            drawn += next;
        } else {
            next /= 2;
        }
    }
    drawn
}

/// C-05 Scream, C-13 USD0++: a stablecoin was worth a dollar by decree, while it sold for half. Pegged collateral counts
/// the lesser of its peg and its market. Catches a constant price.
#[test]
fn reg_c05_a_peg_that_is_not_kept() {
    let mut world = market(5, careful());
    let stable = FeedId::new(3);
    let terms = staking::bounds(7_200, 1, WAD);
    let kind = FeedKind::Pegged { base: stable };
    let subject = about(asset(3), "stable, pegged");
    let l = &mut world.ledger;
    let pegged = creation::create_computed_feed(l, OWNER, subject, &terms, kind).unwrap();
    let [guarded, constant] = [pegged, stable].map(|feed| listed(&mut world, feed));
    for (cents, counted) in [(100_u128, 100_u128), (97, 97), (90, 90), (50, 50), (108, 100)] {
        world.report(3, WAD / 100 * cents).unwrap();
        let drawn = drawn_on(&world, guarded, 1_000);
        assert_eq!(drawn, counted * 10 * 75 / 100, "{cents}");
        assert!(drawn <= 10 * cents, "what is pledged costs more than what is drawn");
    }
    // The decree: whoever says a dollar is believed, and at 0.50 a token pays 0.75.
    world.report(3, WAD).unwrap();
    assert!(drawn_on(&world, constant, 1_000) > 10 * 50);
}

/// C-07 Helio's aBNBc, O-22 Lava, S-13: a redemption rate stood, or was raised by a gift, while nobody paid it. The lesser of
/// the claim and its market counts. Catches a claim that is worth its face.
#[test]
fn reg_c07_a_claim_counts_what_its_market_pays() {
    let mut world = staking::staking();
    world.report_all_again();
    let (claim, sold) = (FeedId::new(staking::STAKED), FeedId::new(3));
    let l = &mut world.ledger;
    let kind = FeedKind::Lesser { one: claim, other: sold };
    let terms = staking::bounds(7_200, 1, 1 << 100);
    let subject = about(asset(3), "claim or market");
    let lesser = creation::create_computed_feed(l, OWNER, subject, &terms, kind).unwrap();
    let [guarded, face] = [lesser, claim].map(|feed| listed(&mut world, feed));
    // 3,600 dollars by the rate and in the market; then an endless mint, and a hundredth of it.
    world.report(3, 3_600 * WAD).unwrap();
    assert_eq!(drawn_on(&world, guarded, 10), 27_000);
    world.report(3, 36 * WAD).unwrap();
    assert_eq!(drawn_on(&world, guarded, 10), 270);
    assert!(drawn_on(&world, face, 10) > 360, "the face value pays more than ten tokens cost");
    // A gift raises the rate tenfold: the cap on its growth and the market both hold.
    world.report(3, 3_600 * WAD).unwrap();
    world.report(staking::RATE, staking::RATE_START * 10).unwrap();
    assert!(drawn_on(&world, guarded, 10) <= 27_000);
    assert!(drawn_on(&world, face, 10) <= 27_001);
}

/// What stood at a bound was no price: the smoothed one does not follow it.
#[test]
fn a_price_at_a_bound_does_not_smooth() {
    for wrong in [0, u128::MAX] {
        let mut world = market(5, careful());
        for _ in 0..10 {
            block(&mut world, 60, &all(wrong));
        }
        block(&mut world, 60, &all(FAIR));
        let feed = world.ledger.feeds[&PLEDGED];
        assert_eq!((feed.price.get(), feed.smoothed.get()), (FAIR, FAIR));
        // Whoever owes it is not judged at what nobody believed.
        assert_eq!(feed.doubt_until.get(), 0);
    }
}
