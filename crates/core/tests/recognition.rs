//! Which markets the sweep serves first: who says so, of what, and when it ends (N-10).
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::feed::{FeedTerms, creation};
use gage_core::listing::{self, LineTerms};
use gage_core::protocol::{self, AssetTerms};
use gage_core::recognition::{Listed, recognise, withdraw};
use gage_core::{Address, Assets, Bps, Error, Event, FeedId, Stop, Wad};
use world::acts::*;
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
