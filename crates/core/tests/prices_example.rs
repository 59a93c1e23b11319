//! The example of `docs/prices.md`, with every number in it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::doubt::Guards;
use gage_core::portfolio::Side;
use gage_core::quote::{Quote, Status, quote};
use gage_core::sources::{self, Report, Source, SourceId, SourceTerms};
use gage_core::{Address, Bps, Error, Event, FeedId, PriceLedger, Timestamp, WAD, Wad, feed};
use world::acts::*;
use world::*;

const FEED: FeedId = FeedId::new(2);
const GUARDS: Guards = Guards {
    quorum: 3,
    outlier: Bps::new(50),
    spread: Bps::new(200),
    jump: Bps::new(300),
    confirm: 60,
    smoothing: 600,
    budget: 600,
    window: 86_400,
};

fn source(number: u8) -> SourceId {
    SourceId::publisher(Address::repeat_byte(0xc0 + number))
}

/// A market whose collateral has a feed of five sources, all at 2,000; Alice may draw.
fn five_sources() -> World {
    let mut world = World::new(&[6, 18], 1);
    world.report(2, 2_000 * WAD).unwrap();
    deposit(&mut world, LENDER, 1, 1_000_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 10 * WAD);
    let l = &mut world.ledger;
    let publisher = sources::standings(l, FEED).unwrap()[0].source.id;
    sources::remove_source(l, OWNER, FEED, &publisher).unwrap();
    for number in 0..5 {
        let terms = SourceTerms { weight: 1, max_age: 60 };
        sources::set_source(l, OWNER, FEED, &Source { id: source(number), terms }).unwrap();
    }
    let terms = l.feed_terms(FEED).unwrap();
    feed::set_feed_terms(l, OWNER, FEED, &feed::FeedTerms { guards: GUARDS, ..terms }).unwrap();
    say(&mut world, 10, &[2_000; 5]);
    world
}

/// After `seconds` the first sources say these prices, and stablecoins report as ever.
fn say(world: &mut World, seconds: u64, prices: &[u128]) {
    world.pass(seconds);
    world.report(1, WAD).unwrap();
    let time = world.ledger.now;
    let l = &mut world.ledger;
    for (number, price) in (0..).zip(prices) {
        let (price, confidence) = (Wad::new(price * WAD), Wad::ZERO);
        let report = Report { feed: FEED, round: time.get(), time, price, confidence };
        sources::record(l, &report, &source(number)).unwrap();
    }
    feed::update(l, FEED).unwrap();
}

fn now(world: &mut World) -> Quote {
    quote(&mut world.ledger, FEED).unwrap()
}

/// To the cent, rounded down.
fn cents(price: Wad) -> u128 {
    price.get() / (WAD / 100)
}

fn draws(world: &mut World) -> Result<(), Error> {
    match borrow(world, ALICE, 1, 100 * unit(6)) {
        Ok(()) => Ok(()),
        Err(stop) => Err(refused::<()>(Err(stop))),
    }
}

fn repays(world: &mut World) {
    repay(world, ALICE, ALICE, 1, unit(6)).unwrap();
}

#[test]
fn the_example_of_the_documentation() {
    let mut world = five_sources();
    // One lies.
    world.ledger.events.clear();
    say(&mut world, 10, &[20_000, 2_001, 2_000, 2_002, 2_001]);
    let liar = world.ledger.events.iter().find_map(|event| match event {
        Event::OutlierRejected { id, .. } => Some(*id),
        _ => None,
    });
    assert_eq!(liar, Some(source(0)));
    assert_eq!(
        (now(&mut world).price, now(&mut world).status()),
        (Wad::new(2_001 * WAD), Status::Live)
    );
    draws(&mut world).unwrap();
    // A wick.
    say(&mut world, 10, &[1_700; 5]);
    let quoted = now(&mut world);
    assert_eq!((cents(quoted.price), quoted.status()), (170_000, Status::Doubtful));
    assert_eq!(cents(quoted.judged_price(Side::Collateral)), 200_001);
    assert!(matches!(draws(&mut world), Err(Error::PriceDoubtful { .. })));
    repays(&mut world);
    say(&mut world, 10, &[1_998; 5]);
    assert_eq!(now(&mut world).status(), Status::Live);
    // A collapse: doubted for a minute, then believed.
    let fell_at = world.ledger.now.get() + 10;
    let mut believed_at = None;
    for _ in 0..10 {
        say(&mut world, 10, &[1_700; 5]);
        let quoted = now(&mut world);
        if quoted.status() == Status::Live && believed_at.is_none() {
            believed_at = Some(world.ledger.now.get());
            assert_eq!(cents(quoted.judged_price(Side::Collateral)), 170_000);
        }
    }
    assert_eq!(believed_at, Some(fell_at + 60));
    // Two are gone: three are a quorum. Two are none, and the price grows old.
    say(&mut world, 61, &[1_700; 3]);
    assert_eq!(now(&mut world).status(), Status::Live);
    let last = now(&mut world).updated_at;
    say(&mut world, 61, &[1_700; 2]);
    assert_eq!(now(&mut world).updated_at, last);
    let too_old = u64::from(world.ledger.feed(FEED).unwrap().max_age) + 1;
    world.ledger.now = Timestamp::new(last.get() + too_old);
    world.report(1, WAD).unwrap();
    assert_eq!(now(&mut world).status(), Status::Stale);
    assert!(matches!(draws(&mut world), Err(Error::StalePrice { .. })));
    repays(&mut world);
}
