//! Feeds that are computed from others, net asset values and fallbacks: both sides of what they say, legs that are
//! refused, legs that may not be used, and numbers at the ends of what can be written.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::doubt::Guards;
use gage_core::feed::creation::{
    ShareTerms, create_computed_feed, create_feed, create_net_asset_value_feed, create_rate_feed,
    create_share_feed,
};
use gage_core::feed::freeze::freeze;
use gage_core::feed::{self, FeedTerms, GRACE_SECONDS};
use gage_core::portfolio::Side;
use gage_core::quote::{Status, quote};
use gage_core::{
    Error, Event, FeedId, FeedKind, Quote, RAY, Ray, Report, Timestamp, U256, VaultId, WAD, Wad,
};
use world::acts::*;
use world::staking::{bounds, part_of, per_year};
use world::*;

/// Two prices of asset 2, a rate and a net asset value of asset 3.
const BASE: FeedId = FeedId::new(2);
const OTHER: FeedId = FeedId::new(3);
const RATE: FeedId = FeedId::new(4);
const BOOKS: FeedId = FeedId::new(5);
/// What is computed from them.
const PRODUCT: FeedId = FeedId::new(6);
const RATIO: FeedId = FeedId::new(7);
const PEGGED: FeedId = FeedId::new(8);
const LESSER: FeedId = FeedId::new(9);
const SHARE: FeedId = FeedId::new(10);
const COMPUTED: [FeedId; 5] = [PRODUCT, RATIO, PEGGED, LESSER, SHARE];
const PEG: u128 = 105 * WAD;
const WEEK: u32 = 604_800;

/// Feeds of every kind, those that sources report to smoothed over a thousand seconds.
fn feeds() -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
    let smooth = Guards { smoothing: 1_000, ..Guards::default() };
    let terms = FeedTerms { guards: smooth, ..bounds(7_200, 1, 1 << 100) };
    let l = &mut world.ledger;
    for feed in [BASE, OTHER] {
        feed::set_feed_terms(l, OWNER, feed, &terms).unwrap();
    }
    let growth = per_year(20);
    let subject = about(asset(3), "");
    assert_eq!(create_rate_feed(l, OWNER, subject, &terms, growth), Ok(RATE));
    assert_eq!(create_net_asset_value_feed(l, OWNER, subject, &terms, growth), Ok(BOOKS));
    for feed in [RATE, BOOKS] {
        name_publisher(l, feed);
    }
    let wide = bounds(WEEK, 1, u128::MAX);
    for (kind, terms, id) in [
        (FeedKind::Product { base: BASE, rate: RATE }, wide, PRODUCT),
        (FeedKind::Ratio { base: BASE, rate: RATE }, wide, RATIO),
        (FeedKind::Pegged { base: BASE }, bounds(WEEK, 1, PEG), PEGGED),
        (FeedKind::Lesser { one: PRODUCT, other: OTHER }, wide, LESSER),
    ] {
        assert_eq!(create_computed_feed(l, OWNER, subject, &terms, kind), Ok(id));
    }
    let share = ShareTerms { vault: VaultId::new(1), base: PRODUCT, growth };
    assert_eq!(create_share_feed(l, OWNER, label(""), &wide, &share), Ok(SHARE));
    for (feed, price) in [(RATE, 2 * WAD), (BOOKS, 90 * WAD)] {
        world.report(feed.get(), price).unwrap();
    }
    world
}

fn told(world: &World, feed: FeedId) -> Quote {
    quote(&mut world.ledger.clone(), feed).unwrap()
}

/// The newest price, and the lower and the higher of it and the smoothed one.
fn ends(world: &World, feed: FeedId) -> [U256; 3] {
    let feed = world.ledger.feeds[&feed];
    let (newest, smoothed) = (U256::from(feed.price.get()), U256::from(feed.smoothed.get()));
    [newest, newest.min(smoothed), newest.max(smoothed)]
}

/// What a feed should say, for collateral and for debt: each newest, low, high.
fn expected(world: &World, feed: FeedId) -> [[U256; 3]; 2] {
    let wad = U256::from(WAD);
    let [base, rate, other] = [BASE, RATE, OTHER].map(|feed| ends(world, feed));
    let times = |one: [U256; 3]| [0, 1, 2].map(|end| one[end] * rate[end] / wad);
    let both = |side: [U256; 3]| [side, side];
    match feed {
        PRODUCT | SHARE => both(times(base)),
        RATIO => both([(0, 0), (1, 2), (2, 1)].map(|(up, down)| base[up] * wad / rate[down])),
        PEGGED => [base.map(|price| price.min(U256::from(PEG))), base],
        LESSER => {
            let claim = times(base);
            let pick =
                |pick: fn(U256, U256) -> U256| [0, 1, 2].map(|end| pick(claim[end], other[end]));
            [pick(U256::min), pick(U256::max)]
        }
        _ => both(ends(world, feed)),
    }
}

/// ORC-4: new risk is taken at the lower end of what is pledged and the higher of what is owed, accounts are judged at the
/// newest, and while doubt relieves at the end that is better for them; of every kind, whichever way its legs moved.
#[test]
fn both_sides_of_every_kind() {
    let start = feeds();
    for (base, rate, other) in
        [(110, 190, 100), (90, 190, 300), (104, 200, 208), (106, 180, 150), (100, 150, 201)]
    {
        let mut world = start.clone();
        world.pass(300);
        for (feed, price) in [
            (BASE, base * WAD),
            (RATE, rate * WAD / 100),
            (OTHER, other * WAD),
            (BOOKS, base * WAD * 8 / 10),
        ] {
            world.report(feed.get(), price).unwrap();
        }
        let moved = ends(&world, BASE)[1] < ends(&world, BASE)[2];
        assert_eq!(moved, base != 100);
        for doubted in [false, true] {
            if doubted {
                let until = world.ledger.now.after(10);
                for feed in [BASE, BOOKS] {
                    world.ledger.feeds.get_mut(&feed).unwrap().doubt_until = until;
                }
            }
            for feed in [BASE, BOOKS].into_iter().chain(COMPUTED) {
                let quote = told(&world, feed);
                let [collateral, debt] = expected(&world, feed);
                let price = |price: Wad| U256::from(price.get());
                assert_eq!(price(quote.price), collateral[0], "{feed}");
                assert_eq!(price(quote.careful_price(Side::Collateral)), collateral[1], "{feed}");
                assert_eq!(price(quote.careful_price(Side::Debt)), debt[2], "{feed}");
                let ends =
                    if doubted { (collateral[2], debt[1]) } else { (collateral[0], debt[0]) };
                let judged =
                    [Side::Collateral, Side::Debt].map(|side| price(quote.judged_price(side)));
                assert_eq!((judged[0], judged[1]), ends, "{feed}");
                assert!(quote.opening_price(Side::Debt).is_err() == doubted);
                let sold = quote.sale_price(Side::Collateral);
                assert_eq!(sold.is_err(), doubted, "{feed}: {sold:?}");
            }
        }
    }
}

/// ORC-5: legs are of the kind that makes sense, and exist before what is computed from them, so that there is no circle. A
/// refusal changes nothing.
#[test]
fn wrong_legs_are_refused() {
    let mut world = feeds();
    let l = &mut world.ledger;
    let (terms, subject) = (bounds(60, 1, 1 << 100), about(asset(3), ""));
    let next = FeedId::new(l.protocol.feeds + 1);
    let mut refusals = 0;
    let mut create = |kind: FeedKind| {
        let before = l.clone();
        let error =
            refused(l.atomically(|l| create_computed_feed(l, OWNER, subject, &terms, kind)));
        assert_eq!(*l, before);
        refusals += 1;
        error
    };
    for missing in [next, FeedId::new(0), FeedId::new(u32::MAX)] {
        for kind in [
            FeedKind::Product { base: missing, rate: RATE },
            FeedKind::Product { base: BASE, rate: missing },
            FeedKind::Ratio { base: missing, rate: RATE },
            FeedKind::Ratio { base: BASE, rate: missing },
            FeedKind::Lesser { one: missing, other: BASE },
            FeedKind::Lesser { one: BASE, other: missing },
            FeedKind::Pegged { base: missing },
        ] {
            assert_eq!(create(kind), Error::UnknownFeed { feed: missing });
        }
    }
    let wrong = |error: Error, leg: FeedId| {
        assert!(matches!(error, Error::WrongFeed { feed, .. } if feed == leg), "{leg}: {error}");
    };
    // A rate where a price belongs, a price where a rate belongs, and what is computed already.
    for leg in [RATE, PRODUCT, RATIO, PEGGED, LESSER, SHARE] {
        wrong(create(FeedKind::Product { base: leg, rate: RATE }), leg);
        wrong(create(FeedKind::Ratio { base: leg, rate: RATE }), leg);
        wrong(create(FeedKind::Pegged { base: leg }), leg);
    }
    for leg in [BASE, BOOKS, PRODUCT, RATIO, PEGGED, LESSER, SHARE] {
        wrong(create(FeedKind::Product { base: BASE, rate: leg }), leg);
        wrong(create(FeedKind::Ratio { base: BASE, rate: leg }), leg);
    }
    for leg in [RATE, LESSER, SHARE] {
        wrong(create(FeedKind::Lesser { one: leg, other: BASE }), leg);
        wrong(create(FeedKind::Lesser { one: PRODUCT, other: leg }), leg);
    }
    wrong(create(FeedKind::Lesser { one: BASE, other: BASE }), BASE);
    // What is not computed from feeds is not made this way.
    let vault = VaultId::new(1);
    for kind in [
        FeedKind::Reported,
        FeedKind::Rate,
        FeedKind::NetAssetValue,
        FeedKind::SharePrice { vault, base: BASE },
    ] {
        assert!(matches!(create(kind), Error::InvalidParameter { name: "feed kind", .. }));
    }
    assert!(refusals > 60);
    for base in [RATE, LESSER, SHARE] {
        let share = ShareTerms { vault, base, growth: Ray::ZERO };
        let done = l.atomically(|l| create_share_feed(l, OWNER, label(""), &terms, &share));
        wrong(refused(done), base);
    }
    // No leg is younger than what is computed from it, so there is no circle.
    for (id, feed) in &l.feeds {
        assert!(feed.kind.legs().into_iter().flatten().all(|leg| leg < *id));
    }
}

/// Guards are of what sources say, growth of what is capped; a computed feed has neither, nor reports.
#[test]
fn computed_feeds_have_no_guards_and_no_reports() {
    let mut world = feeds();
    let l = &mut world.ledger;
    let (terms, subject) = (bounds(60, 1, 1 << 100), about(asset(3), ""));
    let wrong = |error: Error, leg: FeedId| {
        assert!(matches!(error, Error::WrongFeed { feed, .. } if feed == leg), "{leg}: {error}");
    };
    let guarded = FeedTerms { guards: Guards { smoothing: 1, ..Guards::default() }, ..terms };
    let kind = FeedKind::Pegged { base: BASE };
    let done = l.atomically(|l| create_computed_feed(l, OWNER, subject, &guarded, kind));
    assert!(matches!(refused(done), Error::InvalidParameter { .. }));
    for feed in COMPUTED {
        let done = l.atomically(|l| feed::set_feed_terms(l, OWNER, feed, &guarded));
        assert!(matches!(refused(done), Error::InvalidParameter { .. }));
        wrong(refused(feed::update(l, feed)), feed);
        if feed != SHARE {
            wrong(refused(feed::set_growth(l, OWNER, feed, Ray::ZERO)), feed);
        }
    }
}

/// A fallback is another feed of the same kind for the same asset, and the owner's to name.
#[test]
fn wrong_fallbacks_are_refused() {
    let mut world = feeds();
    let l = &mut world.ledger;
    let terms = bounds(60, 1, 1 << 100);
    let twin = create_feed(l, OWNER, about(asset(2), ""), &terms).unwrap();
    let growth = per_year(1);
    let rate = create_rate_feed(l, OWNER, about(asset(2), ""), &terms, growth).unwrap();
    let abstract_one = create_feed(
        l,
        OWNER,
        gage_core::FeedSubject { asset: None, ..about(asset(2), "") },
        &terms,
    );
    let abstract_one = abstract_one.unwrap();
    let before = l.clone();
    // Itself, another kind, another asset, no asset, and a computed one.
    for other in [BASE, RATE, rate, OTHER, abstract_one, PRODUCT, PEGGED] {
        let done = l.atomically(|l| feed::set_fallback(l, OWNER, BASE, Some(other)));
        assert!(matches!(refused(done), Error::WrongFeed { feed, .. } if feed == other), "{other}");
    }
    for feed in COMPUTED {
        let done = l.atomically(|l| feed::set_fallback(l, OWNER, feed, Some(twin)));
        assert!(matches!(refused(done), Error::WrongFeed { .. }));
    }
    let missing = FeedId::new(99);
    let done = l.atomically(|l| feed::set_fallback(l, OWNER, BASE, Some(missing)));
    assert_eq!(refused(done), Error::UnknownFeed { feed: missing });
    for who in [MALLORY, GOVERNANCE, GUARDIAN] {
        let done = l.atomically(|l| feed::set_fallback(l, who, BASE, Some(twin)));
        assert!(matches!(refused(done), Error::NotAuthorised { .. }));
    }
    assert_eq!(*l, before);
    feed::set_fallback(l, OWNER, BASE, Some(twin)).unwrap();
    let told = Event::FallbackChanged { feed: BASE, fallback: Some(twin) };
    assert_eq!(l.events.last(), Some(&told));
    feed::set_fallback(l, OWNER, BASE, None).unwrap();
    assert_eq!(l.feeds, before.feeds);
}

/// What can befall a feed that sources report to, and what is said of it then.
type Trouble = (Status, fn(&mut World, FeedId));

const TROUBLES: [Trouble; 4] = [
    (Status::Stale, |world, feed| {
        world.ledger.feeds.get_mut(&feed).unwrap().updated_at = Timestamp::new(START - 100_000);
    }),
    (Status::Frozen, |world, feed| freeze(&mut world.ledger, GUARDIAN, feed, 60).unwrap()),
    (Status::Frozen, |world, feed| world.report(feed.get(), 0).unwrap()),
    (Status::Doubtful, |world, feed| {
        let until = world.ledger.now.after(77);
        world.ledger.feeds.get_mut(&feed).unwrap().doubt_until = until;
    }),
];

/// The sources' feeds that a feed rests on.
fn roots(world: &World, feed: FeedId) -> Vec<FeedId> {
    let legs: Vec<_> = world.ledger.feeds[&feed].kind.legs().into_iter().flatten().collect();
    if legs.is_empty() {
        vec![feed]
    } else {
        legs.iter().flat_map(|leg| roots(world, *leg)).collect()
    }
}

/// ORC-1: a computed price may be used while everything that it is made of may be, and no longer; it is as old as its oldest
/// leg, and liquidation waits for the latest.
#[test]
fn a_leg_that_may_not_be_used_stops_what_rests_on_it() {
    let start = feeds();
    let mut met = 0;
    for root in [BASE, OTHER, RATE, BOOKS] {
        for (status, trouble) in TROUBLES {
            let mut world = start.clone();
            trouble(&mut world, root);
            let waits = world.ledger.feeds[&root].liquidation_resumes_at;
            for feed in COMPUTED {
                let roots = roots(&world, feed);
                let (quote, hit) = (told(&world, feed), roots.contains(&root));
                met += usize::from(hit);
                assert_eq!(
                    quote.status(),
                    if hit { status } else { Status::Live },
                    "{feed} {root}"
                );
                let oldest = roots.iter().map(|root| world.ledger.feeds[root].updated_at).min();
                assert_eq!(quote.updated_at, oldest.unwrap());
                if !hit {
                    continue;
                }
                assert_eq!(quote.liquidation_resumes_at, waits);
                let of_root = |error: Error| match error {
                    Error::StalePrice { feed, .. }
                    | Error::FeedFrozen { feed, .. }
                    | Error::PriceOutOfBounds { feed, .. }
                    | Error::PriceDoubtful { feed, .. } => feed == root,
                    _ => false,
                };
                let opening = quote.opening_price(Side::Collateral).unwrap_err();
                assert!(of_root(opening), "{feed} {root}: {opening}");
                let doubtful = status == Status::Doubtful;
                assert_eq!(quote.fresh_price().is_ok(), doubtful);
                assert_eq!(quote.settled_price(Side::Debt).is_ok(), doubtful);
                assert!(quote.sale_price(Side::Debt).is_err());
            }
        }
    }
    // Two or three roots of three feeds, and one of the pegged one, in four troubles each.
    assert_eq!(met, 4 * (2 + 2 + 1 + 3 + 2));
}

/// A computed feed has a freeze, an age and bounds of its own; a peg is no bound.
#[test]
fn computed_feeds_have_terms_of_their_own() {
    let start = feeds();
    for feed in COMPUTED {
        let mut world = start.clone();
        freeze(&mut world.ledger, OWNER, feed, 60).unwrap();
        let until = world.ledger.now.after(60);
        assert_eq!(told(&world, feed).fresh_price(), Err(Error::FeedFrozen { feed, until }));
        world.pass(60);
        let resumes_at = until.after(GRACE_SECONDS);
        let quote = told(&world, feed);
        assert!(quote.fresh_price().is_ok());
        let waits = quote.settled_price(Side::Collateral);
        assert_eq!(waits, Err(Error::LiquidationPaused { resumes_at }));

        // Younger than its legs may be.
        let mut world = start.clone();
        let terms = FeedTerms { max_age: 30, ..world.ledger.feed_terms[&feed] };
        feed::set_feed_terms(&mut world.ledger, OWNER, feed, &terms).unwrap();
        world.pass(40);
        let stale = told(&world, feed).fresh_price().unwrap_err();
        assert!(matches!(stale, Error::StalePrice { feed: told, max_age: 30, .. } if told == feed));

        let price = told(&start, feed).price;
        for (least, most) in
            [(price.get(), u128::MAX), (price.get() + 1, u128::MAX), (1, price.get())]
        {
            let mut world = start.clone();
            let terms = bounds(WEEK, least, most);
            feed::set_feed_terms(&mut world.ledger, OWNER, feed, &terms).unwrap();
            let told = told(&world, feed).fresh_price();
            if feed == PEGGED && least == 1 {
                assert_eq!(told, Ok(price), "a peg at its price is kept");
            } else {
                assert_eq!(told, Err(Error::PriceOutOfBounds { feed, price }));
            }
        }
    }
}

/// A fallback stands in while the feed is stale, and only then; it answers for itself, and has no fallback of its own.
#[test]
fn a_fallback_stands_in_for_a_stale_feed_only() {
    let mut world = feeds();
    let l = &mut world.ledger;
    let terms = bounds(7_200, WAD, 1_000 * WAD);
    let [second, third] = [2, 2].map(|number| {
        let id = create_feed(l, OWNER, about(asset(number), ""), &terms).unwrap();
        name_publisher(l, id);
        id
    });
    feed::set_fallback(l, OWNER, BASE, Some(second)).unwrap();
    feed::set_fallback(l, OWNER, second, Some(third)).unwrap();
    for (feed, price) in [(second, 70), (third, 60)] {
        world.report(feed.get(), price * WAD).unwrap();
    }
    let price =
        |world: &World, feed: FeedId| told(world, feed).fresh_price().map(|p| p.get() / WAD);
    assert_eq!(price(&world, BASE), Ok(100));
    // Frozen, at a bound and doubtful are not stale.
    for (status, trouble) in &TROUBLES[1..] {
        let mut world = world.clone();
        trouble(&mut world, BASE);
        assert_eq!(told(&world, BASE).status(), *status);
        assert_eq!(told(&world, PRODUCT).status(), *status);
    }
    // A feed frozen and old is frozen.
    let mut cold = world.clone();
    TROUBLES[0].1(&mut cold, BASE);
    assert_eq!((price(&cold, BASE), price(&cold, PEGGED)), (Ok(70), Ok(70)));
    assert_eq!((price(&cold, PRODUCT), price(&cold, RATIO)), (Ok(140), Ok(35)));
    assert_eq!(told(&cold, LESSER).price.get(), 100 * WAD);
    assert_eq!(told(&cold, BASE).updated_at, cold.ledger.feeds[&second].updated_at);
    let mut frozen = cold.clone();
    TROUBLES[1].1(&mut frozen, BASE);
    assert_eq!(told(&frozen, BASE).status(), Status::Frozen);
    // The fallback's troubles are its own.
    for (status, trouble) in TROUBLES {
        let mut world = cold.clone();
        trouble(&mut world, second);
        let quote = told(&world, BASE);
        match status {
            Status::Doubtful => assert_eq!((quote.status(), quote.price.get()), (status, 70 * WAD)),
            // Its own fallback does not count.
            _ => assert!(matches!(quote.fresh_price(), Err(Error::StalePrice { feed: BASE, .. }))),
        }
    }
    // The feed comes back: its own price counts again, and liquidation waits.
    cold.pass(1);
    cold.report(BASE.get(), 101 * WAD).unwrap();
    let quote = told(&cold, BASE);
    assert_eq!(quote.fresh_price(), Ok(Wad::new(101 * WAD)));
    let resumes_at = cold.ledger.now.after(GRACE_SECONDS);
    assert_eq!(quote.liquidation_resumes_at, resumes_at);
    assert!(quote.settled_price(Side::Debt).is_err());
}

/// A net asset value grows as fast as it may and no faster, falls at once, and one that stands at a bound is not the
/// beginning of anything.
#[test]
fn net_asset_values_creep_up_and_fall_at_once() {
    let mut world = feeds();
    let value = |world: &World| world.ledger.feeds[&BOOKS].price.get();
    assert_eq!(told(&world, BOOKS).fresh_price(), Ok(Wad::new(90 * WAD)));
    let grown = |price, seconds| price + part_of(price, per_year(20).get() * seconds, RAY);
    let mut most = 90 * WAD;
    for days in 1..=30 {
        world.pass(86_400);
        world.report(BOOKS.get(), 900 * WAD).unwrap();
        // What is reported each day compounds.
        most = grown(most, 86_400);
        let least = grown(90 * WAD, 86_400 * days);
        assert!(value(&world) >= least && value(&world) <= most, "{days}");
    }
    let capped = |event: &Event| matches!(event, Event::RateCapped { feed: BOOKS, .. });
    assert_eq!(world.ledger.events.iter().filter(|event| capped(event)).count(), 30);
    let high = value(&world);
    world.report(BOOKS.get(), 40 * WAD).unwrap();
    assert_eq!(value(&world), 40 * WAD);
    // What was accepted once may come back at once.
    world.report(BOOKS.get(), high).unwrap();
    assert_eq!(value(&world), high);
    // At the lower bound it is no price, and the anchor stays.
    let anchor = world.ledger.growth_caps[&BOOKS];
    world.report(BOOKS.get(), 0).unwrap();
    assert!(matches!(told(&world, BOOKS).fresh_price(), Err(Error::PriceOutOfBounds { .. })));
    assert_eq!(world.ledger.growth_caps[&BOOKS], anchor);
    let locked = refused(feed::set_growth(&mut world.ledger, OWNER, BOOKS, Ray::ZERO));
    assert!(matches!(locked, Error::PriceOutOfBounds { feed: BOOKS, .. }));
    world.report(BOOKS.get(), high).unwrap();
    assert_eq!(value(&world), high);
    // It prices an asset like any other: as a leg, and alone.
    let l = &mut world.ledger;
    let (terms, subject) = (bounds(WEEK, 1, 1 << 100), about(asset(3), ""));
    for kind in [
        FeedKind::Pegged { base: BOOKS },
        FeedKind::Lesser { one: BOOKS, other: OTHER },
        FeedKind::Product { base: BOOKS, rate: RATE },
    ] {
        create_computed_feed(l, OWNER, subject, &terms, kind).unwrap();
    }
}

/// Numbers at the ends of what can be written: no sum overflows, nothing stops the program, and what cannot be said is not
/// believed.
#[test]
fn extremes_are_no_prices() {
    let start = feeds();
    let numbers = [0, 1, 2, WAD - 1, WAD, WAD + 1, 1 << 100, u128::MAX - 1, u128::MAX];
    let mut usable = [0; 2];
    for base in numbers {
        for rate in numbers {
            for smoothed in [1, WAD, u128::MAX] {
                let mut world = start.clone();
                for (feed, number) in [(BASE, base), (RATE, rate), (OTHER, base)] {
                    let feed = world.ledger.feeds.get_mut(&feed).unwrap();
                    (feed.price, feed.smoothed) = (Wad::new(number), Wad::new(smoothed));
                }
                for feed in COMPUTED {
                    let quote = told(&world, feed);
                    let [collateral, debt] = match rate {
                        0 => [[U256::ZERO; 3]; 2],
                        _ => expected(&world, feed),
                    };
                    let written = |number: U256| number.min(U256::from(u128::MAX));
                    if rate > 0 {
                        let price = U256::from(quote.price.get());
                        assert_eq!(price, written(collateral[0]), "{feed} {base} {rate}");
                        let debts = U256::from(quote.careful_price(Side::Debt).get());
                        assert_eq!(debts, written(debt[2]), "{feed} {base} {rate}");
                    }
                    let extreme = quote.price.get() <= 1 || quote.price.get() == u128::MAX;
                    if extreme {
                        assert!(!quote.is_fresh(), "{feed} {base} {rate}: {}", quote.price);
                    }
                    usable[usize::from(quote.is_fresh())] += 1;
                }
            }
        }
    }
    assert!(usable.iter().all(|count| *count > 100), "{usable:?}");
}

/// A feed that nobody has reported to yet is stale, and so is what is made of it.
#[test]
fn before_the_first_report_there_is_no_price() {
    let mut world = World::new(&[6, 18, 18], 1);
    let l = &mut world.ledger;
    let (terms, subject) = (bounds(WEEK, 1, 1 << 100), about(asset(3), ""));
    let rate = create_rate_feed(l, OWNER, subject, &terms, per_year(1)).unwrap();
    name_publisher(l, rate);
    let price = create_feed(l, OWNER, subject, &terms).unwrap();
    let mut silent = vec![rate, price];
    for kind in [
        FeedKind::Product { base: BASE, rate },
        FeedKind::Ratio { base: BASE, rate },
        FeedKind::Pegged { base: price },
        FeedKind::Lesser { one: BASE, other: price },
    ] {
        silent.push(create_computed_feed(l, OWNER, subject, &terms, kind).unwrap());
    }
    for feed in silent {
        let quote = told(&world, feed);
        assert_eq!(quote.status(), Status::Stale, "{feed}");
        assert!(matches!(quote.fresh_price(), Err(Error::StalePrice { .. })));
    }
    // A report for a feed without this source is none.
    let now = world.ledger.now;
    let report =
        Report { feed: price, round: 1, time: now, price: Wad::ONE, confidence: Wad::ZERO };
    let done = world.ledger.atomically(|l| apply_report(l, &report, PUBLISHER));
    assert!(matches!(refused(done), Error::UnknownSource { .. }));
}
