//! Incidents in which one source, one key or one provider was believed: replayed against several sources that are judged
//! together, each beside a twin market that believes the first source at once and shows the loss.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::sources::ROUND_MAX;
use gage_core::{
    Assets, Error, Event, FeedId, QueueId, Report, Source, SourceId, SourceTerms, Stop, WAD, Wad,
    curation, feed, listing, sources, sweep,
};
use world::acts::*;
use world::oracle::*;
use world::*;

/// The first `liars` of five say `lie`, the others what is so within a tenth of a percent.
fn said(liars: usize, lie: u128) -> [Option<u128>; 5] {
    let mut said = [10_000, 10_005, 9_995, 10_000, 10_000].map(|part| Some(FAIR / 10_000 * part));
    said[..liars].fill(Some(lie));
    said
}

/// Mallory pledges what is worth 100,000 dollars and draws what the price after that block allows.
fn pump(world: &mut World, said: &[Option<u128>]) -> u128 {
    pledge(world, MALLORY, 2, 1_000 * WAD);
    block(world, 12, said);
    draw_all(world, MALLORY)
}

/// O-05 Vee Finance, O-12 Solend's USDH, O-01 bZx: the price came from one shallow venue, which one trade moves. Among
/// five sources the thin one is an outlier, whatever it says. Catches an average, and a feed of one source.
#[test]
fn reg_o05_a_thin_source_among_five_moves_nothing() {
    for lie in
        [0, 1, FAIR / 10, FAIR * 97 / 100, FAIR * 103 / 100, FAIR * 10, FAIR * 1_000, u128::MAX]
    {
        let mut world = market(5, careful());
        let before = books(&world, FAIR);
        let drawn = pump(&mut world, &said(1, lie));
        assert_eq!(last_price(&world), FAIR, "{lie}");
        let named = |event: &Event| matches!(event, Event::OutlierRejected { feed: PLEDGED, id, .. } if *id == source(0));
        assert!(world.ledger.events.iter().any(named));
        assert!((749 * TOKEN..=750 * TOKEN).contains(&drawn), "{drawn}");
        let spared = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
        assert!(matches!(spared, Error::Healthy { .. }));
        nobody_lost(&world, before, FAIR);
        exits_work(&world);
    }
    // The twin: at ten times the price Mallory draws 7,500 tokens on 1,000.
    let [_, mut bare] = twins();
    let before = books(&bare, FAIR);
    assert!(pump(&mut bare, &said(1, FAIR * 10)) > 7_000 * TOKEN);
    let after = books(&bare, FAIR);
    assert!(after.attacker > before.attacker && after.lenders < before.lenders);
}

/// O-14 BonqDAO: whoever had a small stake reported a price, which counted at once; up to draw, then down to take others'
/// collateral. Here one word of five moves nothing, either way, however often: neither the price nor what others may do,
/// and for longer than doubt would relieve them. Catches a price of the last word.
#[test]
fn reg_o14_one_reporter_says_anything() {
    let attack = |mut world: World, each_block: &dyn Fn(&World)| {
        let before = books(&world, FAIR);
        for round in 0..100 {
            block(&mut world, 12, &said(1, if round % 2 == 0 { FAIR * 50 } else { FAIR / 50 }));
            each_block(&world);
            if round == 0 {
                pledge(&mut world, MALLORY, 2, WAD);
                draw_all(&mut world, MALLORY);
            }
            for whose in [ALICE, FRIEND] {
                let _refused_or_not = liquidate(&mut world, MALLORY, whose, u128::MAX);
            }
        }
        (world, before)
    };
    let moves_nothing = |world: &World| {
        assert_eq!(last_price(world), FAIR);
        borrow(&mut world.clone(), FRIEND, 1, TOKEN).unwrap();
    };
    let [guarded, bare] = twins();
    let (world, before) = attack(guarded, &moves_nothing);
    nobody_lost(&world, before, FAIR);
    exits_work(&world);
    let (world, before) = attack(bare, &|_| ());
    let after = books(&world, FAIR);
    assert!(after.attacker > before.attacker && after.victims < before.victims);
}

/// O-17 KiloEx, G-03 Fortress: a price that nobody authorised was taken. A report counts under the key that signed it,
/// for the feed that has named this key, and for no other. Catches a report without a look at its signer.
#[test]
fn reg_o17_no_report_without_a_named_source() {
    let mut world = market(5, careful());
    world.pass(12);
    let before = world.ledger.clone();
    let good = next_report(&world, &source(0), FAIR * 10);
    for (report, signer) in [
        (good, MALLORY),
        (good, PUBLISHER),
        (good, OWNER),
        (good, gage_core::Address::ZERO),
        (Report { feed: FeedId::new(1), ..good }, gage_core::Address::repeat_byte(0xb0)),
        (Report { feed: FeedId::new(3), ..good }, gage_core::Address::repeat_byte(0xb0)),
    ] {
        let done = world.ledger.atomically(|l| apply_report(l, &report, signer));
        assert!(matches!(refused(done), Error::UnknownSource { .. }), "{report:?} {signer}");
    }
    let missing = Report { feed: FeedId::new(99), ..good };
    let done = world.ledger.atomically(|l| apply_report(l, &missing, PUBLISHER));
    assert!(done.is_err());
    // Nor does a stranger name itself, or the zero address that a failed recovery yields.
    let terms = SourceTerms { weight: 1, max_age: REPORT_AGE };
    let own = Source { id: gage_core::SourceId::publisher(MALLORY), terms };
    let named = world.ledger.atomically(|l| sources::set_source(l, MALLORY, PLEDGED, &own));
    assert!(matches!(refused(named), Error::NotAuthorised { .. }));
    let zero = Source { id: gage_core::SourceId::publisher(gage_core::Address::ZERO), terms };
    let named = world.ledger.atomically(|l| sources::set_source(l, OWNER, PLEDGED, &zero));
    assert_eq!(refused(named), Error::ZeroAddress);
    assert_eq!(world.ledger, before);
}

/// G-03 Fortress: a cheap vote listed a worthless token on the largest terms. Terms have bounds that no vote moves, and
/// a token without a price backs nothing. Catches a listing that is taken as proposed.
#[test]
fn reg_g03_a_worthless_asset_on_the_largest_terms() {
    let mut world = market(5, careful());
    let l = &mut world.ledger;
    let other = staking::new_market(l);
    let bounds = staking::bounds(PRICE_AGE, 1, 1 << 100);
    let subject = about(asset(3), "worthless");
    let silent = feed::creation::create_feed(l, OWNER, subject, &bounds).unwrap();
    let cap = gage_core::fixed::AMOUNT_MAX.get();
    for (ltv, threshold, bonus) in [
        (10_000, 10_000, [0, 0]),
        (9_999, 10_000, [0, 0]),
        (9_900, 9_950, [0, 0]),
        (9_000, 9_500, [2_000, 1_000]),
    ] {
        let greedy = terms(ltv, threshold, bonus, cap, silent.get());
        let done = l.atomically(|l| listing::add_collateral(l, OWNER, other, asset(3), &greedy));
        assert!(matches!(refused(done), Error::InvalidParameter { .. }), "{ltv} {threshold}");
    }
    let wide = terms(7_500, 8_000, [400, 1_000], cap + 1, silent.get());
    let done = l.atomically(|l| listing::add_collateral(l, OWNER, other, asset(3), &wide));
    assert!(matches!(refused(done), Error::InvalidParameter { .. }));
    // On terms within bounds, without a price it backs no debt.
    let listed = terms(7_500, 8_000, [400, 1_000], cap, silent.get());
    listing::add_collateral(l, OWNER, other, asset(3), &listed).unwrap();
    staking::open_line(l, other, vault(1), 1).unwrap();
    let id = gage_core::AccountId { market: other, owner: MALLORY, sub: 0 };
    let all = Assets::new(1_000_000 * WAD);
    gage_core::borrowing::supply_collateral(l, MALLORY, &id, asset(3), all).unwrap();
    let draw = gage_core::borrowing::Draw {
        market: other,
        sub: 0,
        vault: vault(1),
        amount: Assets::new(TOKEN),
        receiver: MALLORY,
    };
    let done = l.atomically(|l| gage_core::borrowing::borrow(l, MALLORY, &draw));
    assert!(matches!(refused(done), Error::StalePrice { feed, .. } if feed == silent));
    sound(&world);
}

/// O-18 Loopscale: an account that looked like the real price source was taken for it. Every field that names a price
/// source names the one of that asset, or is refused. Catches a listing that trusts the number it is given.
#[test]
fn reg_o18_a_look_alike_is_no_price_source() {
    let mut world = market(5, careful());
    let l = &mut world.ledger;
    // Mallory makes a feed that says of itself it is of the pledged asset, and reports what she likes.
    let bounds = staking::bounds(PRICE_AGE, 1, 1 << 120);
    let fake = feed::creation::create_feed(l, MALLORY, about(asset(2), "A/USD"), &bounds).unwrap();
    let terms = SourceTerms { weight: u16::MAX, max_age: u32::MAX };
    let own = Source { id: gage_core::SourceId::publisher(MALLORY), terms };
    sources::set_source(l, MALLORY, fake, &own).unwrap();
    let (time, price) = (l.now, Wad::new(FAIR * 1_000));
    let report = Report { feed: fake, round: 1, time, price, confidence: Wad::ZERO };
    apply_report(l, &report, MALLORY).unwrap();
    // Nothing that is hers to call puts it anywhere: not as collateral, as a line, as a fallback, or as a leg of what
    // the market reads.
    let before = l.clone();
    let limits = world::terms(7_500, 8_100, [400, 1_000], cap(10_000_000, 18), fake.get());
    let line = listing::LineTerms { feed: fake, min_debt: Assets::new(1) };
    let outcomes = [
        l.atomically(|l| listing::set_collateral(l, MALLORY, MARKET, asset(2), &limits)),
        l.atomically(|l| listing::list_vault(l, MALLORY, MARKET, vault(1), &line)),
        l.atomically(|l| feed::set_fallback(l, MALLORY, PLEDGED, Some(fake))),
        l.atomically(|l| sources::set_source(l, MALLORY, PLEDGED, &own)),
    ];
    for outcome in outcomes {
        assert!(matches!(refused(outcome), Error::NotAuthorised { .. }));
    }
    // And the owner, misled, does not give a price of one asset to another.
    let other = staking::new_market(l);
    for wrong in [asset(1), asset(3)] {
        let done = l.atomically(|l| listing::add_collateral(l, OWNER, other, wrong, &limits));
        assert!(matches!(refused(done), Error::WrongFeed { feed, .. } if feed == fake));
    }
    let done = l.atomically(|l| listing::list_vault(l, OWNER, other, vault(1), &line));
    assert!(matches!(refused(done), Error::WrongFeed { feed, .. } if feed == fake));
    let done = l.atomically(|l| feed::set_fallback(l, OWNER, FeedId::new(1), Some(fake)));
    assert!(matches!(refused(done), Error::WrongFeed { feed, .. } if feed == fake));
    assert_eq!(l.feeds, before.feeds);
    assert!(last_price(&world) == FAIR);
}

/// Friend owes 760 of asset 2 on 1,000 of asset 3 more.
fn short(mut world: World) -> World {
    let lent = world.add_vault(asset(2), KINKED);
    let free = gage_core::InterestModel::Kinked {
        base: 0,
        slope1: 0,
        slope2: 0,
        kink: gage_core::Bps::new(8_000),
    };
    curation::set_model(&mut world.ledger, CURATOR, lent, free).unwrap();
    deposit(&mut world, LENDER, lent.get(), 10_000 * WAD).unwrap();
    pledge(&mut world, FRIEND, 3, 1_000 * WAD);
    borrow(&mut world, FRIEND, lent.get(), 760 * WAD).unwrap();
    world
}

/// C-01 Compound: one exchange printed a stablecoin at 1.30 and the anchor moved along; who had borrowed it was
/// liquidated. One print, or two of five, count nothing; three are doubted until they have held, and meanwhile
/// borrowers are judged at the smoothed price. Catches a debt that is valued at one venue's print.
#[test]
fn reg_c01_a_stablecoin_printed_at_130() {
    let print = FAIR * 130 / 100;
    let cover = |world: &mut World| liquidate_pair(world, (MALLORY, FRIEND), (2, 3), u128::MAX);
    for liars in 1..=3 {
        let mut world = short(market(5, careful()));
        let before = books(&world, FAIR);
        for _ in 0..18 {
            block(&mut world, 30, &said(liars, print));
            let spared = refused(cover(&mut world));
            assert!(matches!(spared, Error::Healthy { .. }), "{liars}: {spared}");
            if liars < 3 {
                assert!(last_price(&world) <= FAIR * 1_001 / 1_000);
            }
        }
        block(&mut world, 30, &said(0, 0));
        assert!(matches!(refused(cover(&mut world)), Error::Healthy { .. }));
        nobody_lost(&world, before, FAIR);
        repay(&mut world, FRIEND, FRIEND, 2, WAD).unwrap();
    }
    let mut bare = short(market(1, gage_core::Guards::default()));
    let before = books(&bare, FAIR);
    block(&mut bare, 30, &said(1, print));
    cover(&mut bare).unwrap();
    let after = books(&bare, FAIR);
    assert!(after.victims < before.victims && after.attacker > before.attacker);
}

/// C-06 Anchor's bLUNA: a feeder was 11.5 % below the market, and the bid queue filled at once. One feeder fills no bid;
/// three agreeing ones fill none while the fall has not held. Catches a sale on a price that is doubted.
#[test]
fn reg_c06_a_wrong_feeder_fills_no_bid() {
    let wrong = FAIR * 840 / 1_000;
    let queue = QueueId { market: MARKET, vault: vault(1), asset: asset(2) };
    let waiting = |mut world: World| {
        let shares = deposit(&mut world, MALLORY, 1, 5_000 * TOKEN).unwrap();
        let tier = Tier::new(5).unwrap();
        bids::place_bid(&mut world.ledger, MALLORY, queue, tier, shares).unwrap();
        world
    };
    for liars in 1..=3 {
        let mut world = waiting(market(5, careful()));
        let before = books(&world, FAIR);
        for _ in 0..4 {
            block(&mut world, 30, &said(liars, wrong));
            let sold = world.ledger.atomically(|l| sweep::sweep(l, &of(ALICE)));
            match liars {
                3 => assert!(matches!(refused(sold), Error::PriceDoubtful { .. })),
                _ => assert_eq!(sold, Ok(None)),
            }
        }
        nobody_lost(&world, before, FAIR);
    }
    let [_, bare] = twins();
    let mut bare = waiting(bare);
    let before = books(&bare, FAIR).victims;
    // A source alone, and a little further down, so that Alice's health is below one at her own terms.
    block(&mut bare, 30, &said(1, FAIR * 84 / 100));
    assert!(sweep::sweep(&mut bare.ledger, &of(ALICE)).unwrap().is_some());
    assert!(books(&bare, FAIR).victims < before);
}

/// L-12 42DAO and Ostium: an authorised key was stolen. Quorum less one of them move nothing; a quorum of them is doubted
/// for ten minutes, in which nothing is drawn and nobody liquidated, and the keys can be replaced. Catches a quorum that
/// is believed at once.
#[test]
fn reg_l12_stolen_keys_below_and_at_the_quorum() {
    for (stolen, lie) in [1, 2, 3].into_iter().flat_map(|n| [(n, FAIR * 3), (n, FAIR / 3)]) {
        let mut world = market(5, careful());
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let before = books(&world, FAIR);
        for _ in 0..13 {
            block(&mut world, 30, &said(stolen, lie));
            match stolen {
                3 => drop(restricted(&world)),
                _ => assert!(last_price(&world).abs_diff(FAIR) <= FAIR / 1_000),
            }
            assert!(liquidate(&mut world, MALLORY, ALICE, u128::MAX).is_err());
            let drawn = draw_all(&mut world, MALLORY);
            assert!(drawn <= 751 * TOKEN);
            repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).map(drop).unwrap_or_default();
        }
        for place in 0..stolen as u8 {
            sources::remove_source(&mut world.ledger, OWNER, PLEDGED, &source(place)).unwrap();
            let terms = SourceTerms { weight: 1, max_age: REPORT_AGE };
            let fresh = Source { id: source(place + 8), terms };
            sources::set_source(&mut world.ledger, OWNER, PLEDGED, &fresh).unwrap();
        }
        let mut after = vec![None; 16];
        after[..5].copy_from_slice(&said(0, 0));
        after[8..13].copy_from_slice(&said(0, 0));
        block(&mut world, 10, &after);
        assert!(last_price(&world).abs_diff(FAIR) <= FAIR / 1_000);
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
        nobody_lost(&world, before, FAIR);
    }
    let [_, mut bare] = twins();
    let before = books(&bare, FAIR);
    assert!(pump(&mut bare, &said(1, FAIR * 3)) > 2_000 * TOKEN);
    assert!(books(&bare, FAIR).attacker > before.attacker);
}

/// P-08 Dexodus: an old but valid price was played again. A report counts once, in order, at its feed and not before its
/// time; whatever else arrives leaves everything as it was. Catches rounds or times that are not compared.
#[test]
fn reg_p08_replayed_reports_count_nothing() {
    let mut world = market(5, careful());
    let mut past = Vec::new();
    for step in 1..=10_u128 {
        world.pass(12);
        let report = next_report(&world, &source(0), FAIR + step * WAD / 10);
        sources::record(&mut world.ledger, &report, &source(0)).unwrap();
        past.push(report);
    }
    let last = *past.last().unwrap();
    let before = world.ledger.clone();
    let mut replay = |report: Report, id: &SourceId| {
        let done = world.ledger.atomically(|l| sources::record(l, &report, id));
        assert_eq!(world.ledger, before, "{report:?}");
        refused(done)
    };
    for report in past.iter().rev().chain(&past) {
        let denied = replay(*report, &source(0));
        assert!(matches!(denied, Error::ReportNotNewer { .. }), "{denied}");
        // The same words under another key, or at another feed.
        for feed in [FeedId::new(1), FeedId::new(3)] {
            let denied = replay(Report { feed, ..*report }, &source(0));
            assert!(matches!(denied, Error::UnknownSource { .. }));
        }
    }
    let (now, round) = (last.time, last.round);
    for (report, clock) in [
        // A new round with an old time, a new time with an old round, and both from the future.
        (Report { round: round + 1, ..last }, false),
        (Report { round: round + 1, time: past[3].time, ..last }, false),
        (Report { round, time: now.after(1), ..last }, true),
        (Report { round: round + 1, time: now.after(1), ..last }, true),
        (Report { round: round + 1, time: now.after(u64::MAX), ..last }, true),
    ] {
        let denied = replay(report, &source(0));
        let expected = if clock {
            matches!(denied, Error::ReportFromFuture { .. })
        } else {
            matches!(denied, Error::ReportNotNewer { .. })
        };
        assert!(expected, "{denied}");
    }
    world.pass(1);
    let beyond = Report { round: ROUND_MAX + 1, time: world.ledger.now, ..last };
    let done = world.ledger.atomically(|l| sources::record(l, &beyond, &source(0)));
    assert!(matches!(refused(done), Error::InvalidParameter { name: "round", .. }));
}

/// O-09 Deus, C-19: a source whose clock is behind, or that sends what it observed long ago, counts as long as its report
/// is young enough, and the feed is as old as its quorum. Catches an age that is taken from the time of arrival.
#[test]
fn reg_o09_a_late_clock_makes_nothing_younger() {
    let mut world = market(5, careful());
    let start = world.ledger.now;
    // Every source says again what was so four minutes ago, later and later.
    for _ in 0..2 {
        world.pass(240);
        for place in 0..5 {
            let late = Report {
                time: start.after(1 + u64::from(place)),
                round: 1_000,
                ..next_report(&world, &source(place), FAIR * 2)
            };
            let _once = world.ledger.atomically(|l| sources::record(l, &late, &source(place)));
        }
        feed::update(&mut world.ledger, PLEDGED).unwrap();
    }
    // The third youngest of five.
    assert_eq!(world.ledger.feeds[&PLEDGED].updated_at, start.after(3));
    let told = world
        .ledger
        .events
        .iter()
        .rev()
        .find(|event| matches!(event, Event::QuorumMissed { .. } | Event::PriceUpdated { .. }));
    let missed = Event::QuorumMissed { feed: PLEDGED, agree: 0, rejected: 0, quorum: 3 };
    assert_eq!(told, Some(&missed), "eight minutes are too old for a report");
    world.pass(430);
    world.report(1, FAIR).unwrap();
    assert!(matches!(restricted(&world), Error::StalePrice { feed: PLEDGED, .. }));
}

/// C-21 Zenterest, and every outage: sources fall silent, or a proposer leaves their reports out. Two of five do not
/// matter. With three gone the last words count until they are too old; then two that are left, liars among them, are no
/// quorum, the price ages, and nothing is done on it; exits go on for a year. Catches a quorum of who happens to speak.
#[test]
fn reg_c21_silent_and_left_out_sources() {
    for missing in 1..=5_usize {
        let mut world = market(5, careful());
        let before = books(&world, FAIR);
        let mut rest = said(0, 0);
        rest[..missing].fill(None);
        for minute in 1..=30 {
            if (3..5).contains(&missing) {
                // Whoever is left says what it likes.
                rest[missing..].fill(Some(FAIR * 5));
            }
            block(&mut world, 58, &rest);
            assert!(last_price(&world).abs_diff(FAIR) <= FAIR / 1_000, "{missing} {minute}");
            assert!(liquidate(&mut world, MALLORY, ALICE, u128::MAX).is_err());
        }
        if missing < 3 {
            borrow(&mut world.clone(), FRIEND, 1, TOKEN).unwrap();
        } else {
            assert!(matches!(restricted(&world), Error::StalePrice { feed: PLEDGED, .. }));
            for seconds in [3_600, 86_400, 31_536_000] {
                block(&mut world, seconds, &[]);
                assert!(matches!(restricted(&world), Error::StalePrice { feed: PLEDGED, .. }));
            }
        }
        // They come back; liquidation waits for ten minutes.
        block(&mut world, 12, &said(0, 0));
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
        let waits = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
        match missing {
            0..3 => assert!(matches!(waits, Error::Healthy { .. })),
            _ => assert!(matches!(waits, Error::LiquidationPaused { .. })),
        }
        nobody_lost(&world, before, FAIR);
    }
    // The twin: who is left is believed.
    let [_, mut bare] = twins();
    let before = books(&bare, FAIR);
    assert!(pump(&mut bare, &[Some(FAIR * 5)]) > 3_000 * TOKEN);
    assert!(books(&bare, FAIR).attacker > before.attacker);
}

/// ORC-6: a refusal is a refusal, not a fault.
#[test]
fn refusals_of_reports_are_no_faults() {
    let mut world = market(5, careful());
    let twice = record(&mut world, 0, FAIR);
    assert!(matches!(twice, Err(Stop::Refused(Error::ReportNotNewer { .. }))));
}
