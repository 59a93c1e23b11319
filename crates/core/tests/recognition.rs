//! Which markets the sweep serves first: who says so, of what, and when it ends; and on which feeds these rest (N-10).
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::feed::{FeedTerms, creation, set_fallback};
use gage_core::listing::{self, LineTerms};
use gage_core::pool::observing::set_pool_source;
use gage_core::protocol::{self, AssetTerms};
use gage_core::recognition::{self, Listed, recognise, withdraw};
use gage_core::{
    Address, AssetId, Assets, Bps, Error, Event, FeedId, FeedKind, PoolTerms, SourceTerms, Stop,
    U256, WAD, Wad, address,
};
use world::acts::*;
use world::oracle::{pool_terms, trade};
use world::staking::per_year;
use world::*;

const ALL: Listed = Listed { collaterals: 2, vaults: 1 };

/// Two collaterals; the first is lent.
fn scene() -> World {
    World::new(&[6, 18], 1)
}

fn told(world: &World) -> Option<&Event> {
    let events = world.ledger.events.iter().rev();
    events.into_iter().find(|event| matches!(event, Event::RecognitionChanged { .. }))
}

fn is_recognised(world: &World) -> bool {
    world.ledger.markets[&MARKET].recognised
}

#[test]
fn governance_alone_recognises() {
    let mut world = scene();
    assert!(!is_recognised(&world), "nobody has looked at it");
    let mut try_as = |who: Address| recognise(&mut world.ledger, who, MARKET, ALL);
    for who in [OWNER, GUARDIAN, CURATOR, MALLORY] {
        assert!(matches!(try_as(who), Err(Stop::Refused(Error::NotAuthorised { .. }))));
    }
    try_as(GOVERNANCE).unwrap();
    assert!(is_recognised(&world));
    let event = Event::RecognitionChanged { market: MARKET, recognised: true };
    assert_eq!(told(&world), Some(&event));
    let taken = withdraw(&mut world.ledger, OWNER, MARKET);
    assert!(matches!(taken, Err(Stop::Refused(Error::NotAuthorised { .. }))));
    withdraw(&mut world.ledger, GOVERNANCE, MARKET).unwrap();
    assert!(!is_recognised(&world));
}

/// N-10: an owner who lists something just before governance's word is not recognised with it.
#[test]
fn what_governance_has_not_seen_is_not_recognised() {
    let mut world = scene();
    for seen in [
        Listed { collaterals: 1, ..ALL },
        Listed { collaterals: 3, ..ALL },
        Listed { vaults: 0, ..ALL },
        Listed { vaults: 2, ..ALL },
    ] {
        let refused = recognise(&mut world.ledger, GOVERNANCE, MARKET, seen);
        assert!(matches!(refused, Err(Stop::Refused(Error::InvalidParameter { .. }))), "{seen:?}");
    }
    assert!(!is_recognised(&world));
}

/// N-10: a market that was recognised takes no further price with it, neither a collateral's nor a debt's; a change of
/// what was seen ends nothing.
#[test]
fn a_listing_ends_recognition() {
    let mut world = scene();
    let ended = Event::RecognitionChanged { market: MARKET, recognised: false };
    let l = &mut world.ledger;
    recognise(l, GOVERNANCE, MARKET, ALL).unwrap();
    listing::set_collateral(l, OWNER, MARKET, asset(2), &terms(7_000, 7_900, [400, 900], 1, 2))
        .unwrap();
    listing::set_market_owner(l, OWNER, MARKET, MALLORY).unwrap();
    assert!(is_recognised(&world));
    let l = &mut world.ledger;
    let naming = AssetTerms { name: label("Own"), symbol: label("OWN"), decimals: 18 };
    let own = protocol::create_asset(l, MALLORY, &naming).unwrap();
    let bounds = FeedTerms::unguarded(7_200, Wad::new(1), Wad::new(1 << 100));
    let feed = creation::create_feed(l, MALLORY, about(own, "OWN/USD"), &bounds).unwrap();
    listing::add_collateral(
        l,
        MALLORY,
        MARKET,
        own,
        &terms(7_500, 8_000, [400, 900], 1, feed.get()),
    )
    .unwrap();
    assert!(!is_recognised(&world));
    assert_eq!(told(&world), Some(&ended));
    let l = &mut world.ledger;
    recognise(l, GOVERNANCE, MARKET, Listed { collaterals: 3, ..ALL }).unwrap();
    let naming = Naming { name: label("Vault"), symbol: label("V") };
    let caps = Caps { supply: Assets::new(1), borrow: Assets::new(1) };
    let vault = VaultTerms { reserve_fee: Bps::ZERO, caps, model: KINKED };
    let vault = curation::create_vault(l, MALLORY, asset(2), naming, &vault).unwrap();
    let line = LineTerms { feed: FeedId::new(2), min_debt: Assets::new(1) };
    listing::list_vault(l, MALLORY, MARKET, vault, &line).unwrap();
    assert!(!is_recognised(&world));
    assert_eq!(told(&world), Some(&ended));
}

/// A market whose third collateral is priced by the lesser of a product and a price.
struct Web {
    world: World,
    own: AssetId,
    base: FeedId,
    listed: Vec<FeedId>,
}

fn price_of(world: &mut World, asset: AssetId) -> FeedId {
    let bounds = FeedTerms::unguarded(7_200, Wad::new(1), Wad::new(u128::MAX));
    creation::create_feed(&mut world.ledger, OWNER, about(asset, ""), &bounds).unwrap()
}

fn web() -> Web {
    let mut world = scene();
    let naming = AssetTerms { name: label("Own"), symbol: label("OWN"), decimals: 18 };
    let own = protocol::create_asset(&mut world.ledger, OWNER, &naming).unwrap();
    let (base, other) = (price_of(&mut world, own), price_of(&mut world, own));
    let (l, subject) = (&mut world.ledger, about(own, ""));
    let wide = FeedTerms::unguarded(7_200, Wad::new(1), Wad::new(u128::MAX));
    let rate = creation::create_rate_feed(l, OWNER, subject, &wide, per_year(20)).unwrap();
    let mut computed =
        |kind| creation::create_computed_feed(l, OWNER, subject, &wide, kind).unwrap();
    let product = computed(FeedKind::Product { base, rate });
    let lesser = computed(FeedKind::Lesser { one: product, other });
    let listing = terms(7_500, 8_000, [400, 900], 1, lesser.get());
    listing::add_collateral(l, OWNER, MARKET, own, &listing).unwrap();
    let listed = vec![FeedId::new(1), FeedId::new(2), base, other, rate, product, lesser];
    Web { world, own, base, listed }
}

fn resting(world: &mut World) -> Vec<FeedId> {
    recognition::feeds(&mut world.ledger, MARKET).unwrap().into_iter().collect()
}

/// N-10: a market rests on what its listings' prices are computed from, however deep, and on what stands in for that;
/// not on what stands in for a stand-in, of which there could be any number, nor on anyone's other feeds.
#[test]
fn a_market_rests_on_all_that_its_prices_are_made_of() {
    let Web { mut world, own, base, listed } = web();
    assert_eq!(resting(&mut world), listed);
    let (second, third) = (price_of(&mut world, own), price_of(&mut world, own));
    assert_eq!(resting(&mut world), listed);
    set_fallback(&mut world.ledger, OWNER, base, Some(second)).unwrap();
    set_fallback(&mut world.ledger, OWNER, second, Some(third)).unwrap();
    assert_eq!(resting(&mut world), [&listed[..], &[second]].concat());
    set_fallback(&mut world.ledger, OWNER, base, None).unwrap();
    assert_eq!(resting(&mut world), listed);
}

/// N-10: a pool prices one token in another, so a market rests on the other's price as well.
#[test]
fn a_market_rests_on_what_pools_are_priced_in() {
    let Web { mut world, own, base, mut listed } = web();
    let quote = price_of(&mut world, asset(1));
    let feed = price_of(&mut world, own);
    set_fallback(&mut world.ledger, OWNER, base, Some(feed)).unwrap();
    let terms = PoolTerms { quote, ..pool_terms(0, 600, 1_000_000) };
    for (slot, token) in [(6, asset(1)), (7, own)] {
        let word = address::asset(token).into_word().into();
        world.ledger.foreign.insert((terms.pool, U256::from(slot)), word);
    }
    trade(&mut world, terms.pool, [WAD, WAD]);
    // Its owner governs: pools are work for every block.
    world.ledger.protocol.governance = OWNER;
    let weight = SourceTerms { weight: 1, max_age: 60 };
    set_pool_source(&mut world.ledger, OWNER, feed, &weight, &terms).unwrap();
    listed.extend([quote, feed]);
    assert_eq!(resting(&mut world), listed);
}
