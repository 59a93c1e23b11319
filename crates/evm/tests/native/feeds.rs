//! Feeds of several sources through real preludes: who lies, who repeats, what is doubted.

use super::story::health;
use super::support::*;
use super::sweeps::{account, logs};
use alloy_primitives::{Address, B256, U256};
use gage_abi::IOracle::{self, FeedState, Guards, PriceReport, SignedReport, SourceState};
use gage_abi::addresses::{MARKET, ORACLE};
use gage_abi::{IMarket, decode_error};

/// Five publishers besides the usual one.
fn keys() -> Vec<secp256k1::SecretKey> {
    (20..25).map(key).collect()
}

/// Three of five must agree, within half a percent.
fn guarded() -> Guards {
    Guards {
        quorum: 3,
        outlier: 50,
        spread: 200,
        jump: 300,
        confirm: 60,
        smoothing: 600,
        budget: 600,
        window: 86_400,
    }
}

/// Why each report was refused: feed, kind of source, key, and the reason in words.
pub(super) fn rejections(done: &Done) -> Vec<(u32, u8, B256, String)> {
    let all: Vec<IOracle::ReportRejected> = logs(done);
    let reason = |event: &IOracle::ReportRejected| decode_error(&event.reason).unwrap();
    all.iter().map(|event| (event.feed, event.kind, event.key, reason(event))).collect()
}

impl World {
    pub(super) fn state_of(&mut self, feed: u32) -> FeedState {
        self.ok(STRANGER, ORACLE, IOracle::feedStateCall { feed })
    }

    pub(super) fn sources_of(&mut self, feed: u32) -> Vec<SourceState> {
        self.ok(STRANGER, ORACLE, IOracle::sourceStatesCall { feed })
    }

    /// A feed of OWNER's for others to be computed from, with sources that must agree.
    pub(super) fn new_feed(&mut self, guards: Guards) -> u32 {
        let terms = IOracle::FeedTerms { guards, ..feed_terms(3_600, 1, 1 << 120) };
        let description = "TEST / USD".into();
        let asset = Address::ZERO;
        self.ok(OWNER, ORACLE, IOracle::createFeedCall { asset, description, terms })
    }

    /// A second later, the five publishers say these prices in cents.
    fn five(&mut self, feed: u32, cents: [u128; 5]) -> Done {
        self.now += 1;
        self.round += 1;
        let report =
            |(key, cents)| signed(&key, report(feed, self.round, self.now, cents * WAD / 100));
        let reports: Vec<_> = keys().into_iter().zip(cents).map(report).collect();
        let done = self.prelude(&reports);
        assert!(done.is_success(), "{:?}", done.result);
        done
    }
}

fn five_sources() -> (World, u32) {
    let mut world = World::genesis();
    let feed = world.new_feed(guarded());
    for key in keys() {
        world.name_publisher(feed, &key);
    }
    (world, feed)
}

/// ORC-4: four who agree make the price, and the fifth is named.
#[test]
fn one_of_five_lies() {
    let (mut world, feed) = five_sources();
    let done = world.five(feed, [9_990, 10_000, 10_010, 10_020, 50_000]);
    let liars: Vec<IOracle::OutlierRejected> = logs(&done);
    let liar = address_of(&keys()[4]).into_word();
    assert_eq!((liars.len(), liars[0].feed, liars[0].kind, liars[0].key), (1, feed, 0, liar));
    assert_eq!((liars[0].price, liars[0].median), (u(500 * WAD), u(1_001 * WAD / 10)));
    let updates: Vec<IOracle::PriceUpdated> = logs(&done);
    assert_eq!((updates.len(), updates[0].sources), (1, 0b0_1111));
    assert_eq!((updates[0].price, updates[0].round), (u(1_001 * WAD / 10), 1));

    let state = world.state_of(feed);
    assert_eq!((state.price, state.smoothed), (updates[0].price, updates[0].price));
    assert_eq!((state.status, state.fresh, state.terms.guards.quorum), (0, true, 3));
    let sources = world.sources_of(feed);
    let keys: Vec<_> = sources.iter().map(|one| one.source.key).collect();
    let expected: Vec<_> = self::keys().iter().map(|key| address_of(key).into_word()).collect();
    assert_eq!(keys, expected);
    assert!(sources.iter().all(|one| one.fresh && one.round == 1 && one.time == world.now));
    assert_eq!(sources[4].price, u(500 * WAD));

    // Two cannot make a price; the feed says so, and keeps its own.
    world.now += 86_401;
    world.round += 1;
    let late = world.now;
    let two: Vec<_> =
        self::keys()[..2].iter().map(|key| signed(key, report(feed, 2, late, WAD))).collect();
    let done = world.prelude(&two);
    let missed: Vec<IOracle::QuorumMissed> = logs(&done);
    assert_eq!((missed[0].agree, missed[0].rejected, missed[0].quorum), (2, 0, 3));
    let state = world.state_of(feed);
    assert_eq!((state.price, state.status, state.fresh), (updates[0].price, 2, false));
}

/// A source that is removed does not count, and what it said is gone when it comes back.
#[test]
fn sources_come_and_go() {
    let (mut world, feed) = five_sources();
    world.five(feed, [10_000; 5]);
    let first = address_of(&keys()[0]).into_word();
    let is_source = IOracle::isSourceCall { feed, kind: 0, key: first };
    assert!(world.ok(STRANGER, ORACLE, is_source.clone()));
    world.ok(OWNER, ORACLE, IOracle::removeSourceCall { feed, kind: 0, key: first });
    assert!(!world.ok(STRANGER, ORACLE, is_source.clone()));
    assert_eq!(world.sources_of(feed).len(), 4);
    let again =
        world.refused(OWNER, ORACLE, IOracle::removeSourceCall { feed, kind: 0, key: first });
    assert_eq!(again, format!("UnknownSource(feed: {feed}, kind: 0, key: {first})"));
    world.ok(
        OWNER,
        ORACLE,
        IOracle::setSourceCall { feed, source: source(2, B256::repeat_byte(7)) },
    );
    world.ok(OWNER, ORACLE, IOracle::setSourceCall { feed, source: source(0, first) });
    let sources = world.sources_of(feed);
    assert_eq!(sources.len(), 6);
    assert_eq!((sources[0].source.kind, sources[0].place, sources[0].price), (2, 0, U256::ZERO));
    assert_eq!((sources[5].source.key, sources[5].round, sources[5].fresh), (first, 0, false));
    for number in 0..10 {
        let source = source(3, B256::repeat_byte(0x40 + number));
        world.ok(OWNER, ORACLE, IOracle::setSourceCall { feed, source });
    }
    let full = IOracle::setSourceCall { feed, source: source(3, B256::repeat_byte(1)) };
    assert_eq!(
        world.refused(OWNER, ORACLE, full),
        format!("TooManySources(feed: {feed}, most: 16)")
    );
    // Each kept its own weight and age beside the others.
    let heavy = IOracle::Source { weight: 9, maxAge: 77, ..source(3, B256::repeat_byte(0x43)) };
    world.ok(OWNER, ORACLE, IOracle::setSourceCall { feed, source: heavy });
    for one in world.sources_of(feed) {
        let changed = one.source.key == B256::repeat_byte(0x43);
        let expected = if changed { (9, 77) } else { (1, 86_400) };
        assert_eq!((one.source.weight, one.source.maxAge), expected, "{}", one.place);
    }
    for (source, wanted) in [
        (source(6, first), "InvalidParameter(name: source kind, value: 6)"),
        (source(0, B256::ZERO), "ZeroAddress()"),
        (
            IOracle::Source { weight: 0, ..source(0, first) },
            "InvalidParameter(name: weight, value: 0)",
        ),
        (
            IOracle::Source { maxAge: 0, ..source(0, first) },
            "InvalidParameter(name: source age, value: 0)",
        ),
    ] {
        let set = IOracle::setSourceCall { feed, source };
        assert_eq!(world.refused(OWNER, ORACLE, set), wanted);
    }
}

/// ORC-6: what is repeated, out of order, from the future, for another feed or another chain is refused, each with its
/// reason, and what is good beside it counts.
#[test]
fn bad_reports_are_refused_each_with_its_reason() {
    let mut world = World::market();
    world.now += 10;
    let (now, usual) = (world.now, address_of(&publisher()).into_word());
    let good = report(GOLD_FEED, 5, now - 5, 2_001 * WAD);
    let mut foreign = signed(&publisher(), good.clone());
    let (v, r, s) = sign(&publisher(), gage_evm::report_hash(CHAIN_ID + 1, &good));
    (foreign.v, foreign.r, foreign.s) = (v, r, s);
    let usual_at = |report: PriceReport| signed(&publisher(), report);
    let broken = SignedReport { v: 29, ..usual_at(good.clone()) };
    let wide = PriceReport { price: U256::MAX, ..good.clone() };
    let doubtful = PriceReport { confidence: U256::MAX, ..good.clone() };
    let all = [
        (foreign, "UnknownSource(feed: 1, kind: 0, key: "),
        (broken, "UnknownSource(feed: 1, kind: 0, key: 0x00000000"),
        (usual_at(report(99, 5, now, WAD)), "UnknownSource(feed: 99, kind: 0, key: "),
        (
            usual_at(report(GOLD_FEED, 1, now, WAD)),
            "ReportNotNewer(feed: 1, round: 1, lastRound: 1)",
        ),
        (
            usual_at(report(GOLD_FEED, 2, now - 10, WAD)),
            "ReportNotNewer(feed: 1, round: 2, lastRound: 1)",
        ),
        (usual_at(report(GOLD_FEED, 2, now + 1, WAD)), "ReportFromFuture(feed: 1, time: "),
        (usual_at(report(GOLD_FEED, 1 << 56, now, WAD)), "InvalidParameter(name: round, value: "),
        (usual_at(report(GOLD_FEED, u64::MAX, u64::MAX, WAD)), "ReportFromFuture(feed: 1, time: "),
        (usual_at(wide), "AmountTooLarge(amount: "),
        (usual_at(doubtful), "AmountTooLarge(amount: "),
        (usual_at(good.clone()), ""),
        (usual_at(good), "ReportNotNewer(feed: 1, round: 5, lastRound: 5)"),
        (
            usual_at(report(GOLD_FEED, 4, now, WAD)),
            "ReportNotNewer(feed: 1, round: 4, lastRound: 5)",
        ),
    ];
    let reports: Vec<_> = all.iter().map(|(report, _)| report.clone()).collect();
    let before = world.state_of(GOLD_FEED).rounds;
    let done = world.prelude(&reports);
    assert!(done.is_success());
    let found = rejections(&done);
    let wanted: Vec<_> = all.iter().filter(|(_, reason)| !reason.is_empty()).collect();
    assert_eq!(found.len(), wanted.len());
    for ((feed, kind, key, reason), (report, start)) in found.iter().zip(wanted) {
        assert!(reason.starts_with(start), "{reason}, not {start}");
        assert_eq!((*feed, *kind), (report.report.feed, 0));
        assert_eq!(*key == usual, !start.starts_with("UnknownSource(feed: 1"), "{reason}");
    }
    let state = world.state_of(GOLD_FEED);
    assert_eq!((state.price, state.rounds), (u(2_001 * WAD), before + 1));
}

/// A price of nothing, and one of everything, are recorded at their bound and not used.
#[test]
fn zero_and_the_largest_price_stand_at_a_bound() {
    for price in [0, u128::MAX] {
        let mut world = World::loan();
        world.prices(price, WAD);
        let state = world.state_of(GOLD_FEED);
        assert_eq!((state.status, state.fresh), (3, false));
        let refused = world.refused(BORROWER, MARKET, borrow(DOLLAR));
        assert!(refused.starts_with("PriceOutOfBounds(feed: 1"), "{refused}");
        world.prices(2_000 * WAD, WAD);
        world.ok(BORROWER, MARKET, borrow(DOLLAR));
    }
}

/// ORC-4, BID-2, LIQ-1: after a jump nobody draws on the price, nobody is liquidated and bids buy nothing; once it has
/// held, the sweep sells.
#[test]
fn a_sweep_in_doubt_sells_nothing_and_resumes() {
    let mut world = World::loan();
    let guards = Guards { quorum: 1, outlier: 0, spread: 0, ..guarded() };
    let terms = IOracle::FeedTerms { guards, ..feed_terms(3_600, WAD, 1_000_000 * WAD) };
    world.ok(OWNER, ORACLE, IOracle::setFeedTermsCall { feed: GOLD_FEED, terms });
    world.bid(LENDER, 2, 9_000);
    let settled = world.state_of(GOLD_FEED).price;
    let done = world.told(1_450);
    let began: Vec<IOracle::DoubtBegan> = logs(&done);
    assert_eq!((began.len(), began[0].cause, began[0].until), (1, 1, world.now + 600));

    let state = world.state_of(GOLD_FEED);
    assert_eq!((state.status, state.fresh, state.doubtUntil), (1, true, world.now + 600));
    assert_eq!((state.price, state.settled), (u(1_450 * WAD), settled));
    assert_eq!(state.prices.openingCollateral, state.price);
    assert_eq!(state.prices.openingDebt, state.smoothed);
    assert_eq!(state.prices.judgedCollateral, state.smoothed);
    assert_eq!(state.prices.judgedDebt, state.price);
    // Until now the old price held.
    assert_eq!(state.smoothed, settled);

    let doubtful = format!("PriceDoubtful(feed: 1, until: {})", world.now + 600);
    assert_eq!(world.refused(BORROWER, MARKET, borrow(DOLLAR)), doubtful);
    assert_eq!(world.refused(BORROWER, MARKET, release(u(1))), doubtful);
    assert!(health(&mut world) > u(WAD));
    let error = world.refused(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    assert!(error.starts_with("Healthy("), "{error}");
    // What makes an account safer needs no price.
    world.ok(BORROWER, MARKET, supply(WAD / 100));
    let before = world.state();
    let done = world.sweep(&[account(BORROWER)]);
    assert!(done.is_success());
    let (fills, ended): (Vec<IMarket::BidsFilled>, Vec<IMarket::SweepEnded>) =
        (logs(&done), logs(&done));
    assert_eq!((fills.len(), ended[0].swept), (0, 0));
    assert_eq!(world.state(), before);

    // It holds for a minute.
    for second in 1..=60 {
        let done = world.told(1_450);
        let ended: Vec<IOracle::DoubtEnded> = logs(&done);
        assert_eq!(ended.len(), usize::from(second == 60), "{second}");
    }
    let state = world.state_of(GOLD_FEED);
    assert_eq!((state.status, state.doubtUntil, state.settled), (0, 0, u(1_450 * WAD)));
    assert!(health(&mut world) < u(WAD));
    let done = world.sweep(&[account(BORROWER)]);
    let fills: Vec<IMarket::BidsFilled> = logs(&done);
    assert!(!fills.is_empty() && fills.iter().all(|fill| fill.price == u(1_450 * WAD)));
    world.check_ties();
}

/// A wick that is over before it was believed leaves nothing behind but a spent part of the budget.
#[test]
fn a_wick_liquidates_nobody() {
    let mut world = World::loan();
    let guards = Guards { quorum: 1, outlier: 0, spread: 0, ..guarded() };
    let terms = IOracle::FeedTerms { guards, ..feed_terms(3_600, WAD, 1_000_000 * WAD) };
    world.ok(OWNER, ORACLE, IOracle::setFeedTermsCall { feed: GOLD_FEED, terms });
    for gold in [1_990, 900, 910, 2_005] {
        world.told(gold);
        assert!(health(&mut world) > u(WAD), "{gold}");
        assert!(world.refused(LIQUIDATOR, MARKET, liquidate(U256::MAX)).starts_with("Healthy("));
    }
    let state = world.state_of(GOLD_FEED);
    assert_eq!((state.status, state.doubtUntil, state.price), (0, 0, u(2_005 * WAD)));
    world.ok(BORROWER, MARKET, borrow(DOLLAR));
}

/// A stale feed's fallback stands in, and steps back.
#[test]
fn a_fallback_stands_in() {
    let mut world = World::market();
    let create = IOracle::createFeedCall {
        asset: GOLD,
        description: "GOLD again".into(),
        terms: feed_terms(3_600, 1, 1 << 120),
    };
    let other = world.ok(OWNER, ORACLE, create);
    world.name_publisher(other, &publisher());
    let set = |feed, fallback| IOracle::setFallbackCall { feed, fallbackFeed: fallback };
    world.ok(OWNER, ORACLE, set(GOLD_FEED, other));
    let refused = world.refused(OWNER, ORACLE, set(GOLD_FEED, USD_FEED));
    assert!(refused.starts_with("WrongFeed(feed: 2"), "{refused}");
    assert!(world.refused(OWNER, ORACLE, set(GOLD_FEED, GOLD_FEED)).starts_with("WrongFeed("));
    world.now += 3_601;
    assert_eq!(world.state_of(GOLD_FEED).status, 2);
    let done = world.prelude(&[signed(&publisher(), report(other, 1, world.now, 1_990 * WAD))]);
    assert!(done.is_success());
    let state = world.state_of(GOLD_FEED);
    assert_eq!((state.status, state.price, state.fallbackFeed), (0, u(1_990 * WAD), other));
    world.ok(OWNER, ORACLE, set(GOLD_FEED, 0));
    assert_eq!(world.state_of(GOLD_FEED).status, 2);
    world.prices(2_010 * WAD, WAD);
    let state = world.state_of(GOLD_FEED);
    assert_eq!((state.price, state.liquidationResumesAt), (u(2_010 * WAD), world.now + 600));
}

/// Each kind of computed feed, by its number, reads back and prices.
#[test]
fn computed_feeds_of_every_kind() {
    let mut world = World::market();
    let rate = world.rate_feed(0);
    world.now += 1;
    let done = world.prelude(&[signed(&publisher(), report(rate, 1, world.now, WAD * 5 / 4))]);
    assert!(done.is_success());
    for (kind, base, other, bounds, price) in [
        (3, GOLD_FEED, rate, (1, 1 << 120), 2_500),
        (4, GOLD_FEED, rate, (1, 1 << 120), 1_600),
        (5, GOLD_FEED, USD_FEED, (1, 1 << 120), 1),
        (6, GOLD_FEED, 0, (1, 1_900 * WAD), 1_900),
    ] {
        let create = IOracle::createComputedFeedCall {
            asset: GOLD,
            description: "computed".into(),
            terms: feed_terms(3_600, bounds.0, bounds.1),
            kind,
            base,
            other,
        };
        let feed = world.ok(OWNER, ORACLE, create);
        let state = world.state_of(feed);
        assert_eq!((state.source.kind, state.source.base, state.source.other), (kind, base, other));
        assert_eq!((state.price, state.status, state.asset), (u(price * WAD), 0, GOLD));
    }
    let create = |kind| IOracle::createComputedFeedCall {
        asset: GOLD,
        description: "computed".into(),
        terms: feed_terms(3_600, 1, 2),
        kind,
        base: 1,
        other: 2,
    };
    for kind in [0, 1, 2, 7, 8, 255] {
        let refused = world.refused(OWNER, ORACLE, create(kind));
        assert_eq!(refused, format!("InvalidParameter(name: feed kind, value: {kind})"));
    }
    let create = IOracle::createNetAssetValueFeedCall {
        asset: GOLD,
        description: "books".into(),
        terms: feed_terms(86_400, 1, 1 << 120),
        growth: U256::ZERO,
    };
    let feed = world.ok(OWNER, ORACLE, create);
    world.name_publisher(feed, &publisher());
    for (price, accepted) in [(100, 100), (101, 100), (90, 90)] {
        world.now += 1;
        world.round += 1;
        let said = report(feed, world.round, world.now, price * WAD);
        world.prelude(&[signed(&publisher(), said)]);
        assert_eq!(world.state_of(feed).price, u(accepted * WAD), "a fall passes, a rise waits");
    }
}

impl World {
    /// A second later gold costs so much.
    fn told(&mut self, gold: u128) -> Done {
        self.now += 1;
        self.round += 1;
        let report = report(GOLD_FEED, self.round, self.now, gold * WAD);
        let done = self.prelude(&[signed(&publisher(), report)]);
        assert!(done.is_success(), "{:?}", done.result);
        done
    }
}
