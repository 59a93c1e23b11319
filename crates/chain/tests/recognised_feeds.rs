//! The feeds that a chain knows recognised markets to rest on (N-10).
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use gage_abi::{IMarket, IOracle};
use gage_chain::Chain;
use gage_core::address::{MARKET, ORACLE};
use gage_state::Store;
use support::lending::*;
use support::*;

/// The feeds of a chain's recognised markets, which are those that it finds when it is opened anew.
fn resting(world: &World) -> Vec<u32> {
    let known = world.chain.recognised_feeds();
    let anew = Chain::open(Store::in_memory().unwrap(), &genesis()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let stored = Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    for number in 1..=world.chain.head().number {
        let block = world.chain.block(number).unwrap().unwrap().rlp();
        anew.import(&block).unwrap();
        stored.import(&block).unwrap();
    }
    drop(stored);
    let reopened = Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    assert_eq!(known, anew.recognised_feeds());
    assert_eq!(known, reopened.recognised_feeds());
    known.iter().map(|feed| feed.get()).collect()
}

fn fallback(feed: u32, other: u32) -> (u8, Address, Vec<u8>) {
    (OWNER, ORACLE, IOracle::setFallbackCall { feed, fallbackFeed: other }.abi_encode())
}

/// N-10: whatever changes what recognised markets rest on is followed block by block, and to what a chain finds that
/// looks at all markets: recognition given and taken, a listing that ends it, another fallback. What anyone does with
/// other feeds and markets changes nothing.
#[test]
fn recognised_feeds_are_followed() {
    let mut world = World::new(chain());
    assert_eq!(resting(&world), [1, 2]);
    let second = Place::nth(OWNER, 2);
    world.create(&second, ["USDT", "SILVER"]);
    world.block(&[vault_of(&second)]);
    world.block(&second.listing());
    assert_eq!(resting(&world), [1, 2]);
    let recognise = |market| {
        let call = IMarket::recogniseMarketCall { market, collaterals: 1, vaults: 1 };
        (OWNER, MARKET, call.abi_encode())
    };
    world.block(&[recognise(2)]);
    assert_eq!(resting(&world), [1, 2, 3, 4]);
    // Two more prices of gold, and one that nothing rests on.
    let terms = IOracle::FeedTerms::unguarded(3_600, u(1), u(1 << 100));
    let create = |asset, text: &str| {
        let (description, terms) = (text.to_owned(), terms.clone());
        (OWNER, ORACLE, IOracle::createFeedCall { asset, description, terms }.abi_encode())
    };
    world.block(&[create(GOLD, "A"), create(GOLD, "B"), fallback(1, 5), fallback(5, 6)]);
    assert_eq!(resting(&world), [1, 2, 3, 4, 5]);
    world.block(&[fallback(1, 6)]);
    assert_eq!(resting(&world), [1, 2, 3, 4, 6]);
    let withdraw = IMarket::withdrawRecognitionCall { market: 2 }.abi_encode();
    world.block(&[(OWNER, MARKET, withdraw), fallback(1, 0)]);
    assert_eq!(resting(&world), [1, 2]);
    // The first market takes the second's vault, which governance has not looked at.
    let list = IMarket::listVaultCall {
        market: 1,
        vault: second.vault,
        feed: second.feeds[1],
        minDebt: u(100 * DOLLAR),
    };
    world.block(&[(OWNER, MARKET, list.abi_encode())]);
    assert_eq!(resting(&world), [0_u32; 0]);
}
