//! Whom the sweep serves first when somebody makes accounts of its own to be served before others (N-10, LIQ-5).
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use alloy_consensus::Transaction;
use alloy_primitives::Address;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::IMarket;
use gage_chain::{Chain, SealedBlock, UNRECOGNISED_JUDGED_MAX, is_sweep};
use gage_core::address::MARKET;
use gage_state::Store;
use support::lending::*;
use support::*;

const ATTACKER: u8 = 8;
/// The attacker's accounts: more than a sweep's gas is enough for, and more than are judged.
const ACCOUNTS: u32 = 520;
const HOME: Place = Place::nth(OWNER, 1);
const HERS: Place = Place::nth(ATTACKER, 2);
/// Honest as the first, with the same prices, but not recognised.
const ASIDE: Place = Place { market: 3, ..HOME };

fn borrower(place: usize) -> Address {
    user(BORROWERS[place]).address()
}

/// An account in a sweep's list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Named {
    market: u32,
    owner: Address,
}

/// Whom the block's sweep names, whom it has sold of, and how many its gas did not reach.
fn swept(chain: &Chain, block: &SealedBlock) -> (Vec<Named>, Vec<Named>, u32) {
    let tx = &block.transactions[1];
    assert!(is_sweep(tx.inner()));
    let call = IMarket::sweepCall::abi_decode(tx.input()).unwrap();
    // Four bytes of the market, twenty of the owner, four of the number.
    let listed = call.accounts.chunks(28).map(|id| Named {
        market: u32::from_be_bytes(id[..4].try_into().unwrap()),
        owner: Address::from_slice(&id[4..24]),
    });
    let receipts = chain.receipts(block.number()).unwrap().unwrap();
    let logs = receipts[1].receipt.logs();
    let sold = logs.iter().filter_map(|log| IMarket::Swept::decode_log(log).ok());
    let sold = sold.map(|log| Named { market: log.market, owner: log.owner });
    let ended = logs.iter().find_map(|log| IMarket::SweepEnded::decode_log(log).ok()).unwrap();
    (listed.collect(), sold.collect(), ended.left)
}

/// Portfolio margin, under which a sale takes more gas: its size is searched for.
fn costly_margin() -> IMarket::setPortfolioMarginCall {
    let factor = |asset, sigma, correlations| IMarket::MarginFactor {
        asset,
        sigma,
        correlations,
        ..IMarket::MarginFactor::default()
    };
    IMarket::setPortfolioMarginCall {
        market: HERS.market,
        terms: IMarket::MarginTerms { kBorrow: 45_000, kLiquidation: 40_000, floor: 200 },
        factors: vec![factor(HERS.lent, 0, vec![]), factor(HERS.pledged, 40_000, vec![0])],
        rampSeconds: 86_400,
    }
}

/// Borrowers and bids in the honest markets, and in the attacker's: a vault of her own dollars, which she lends to
/// hundreds of accounts of her own, each against ten tokens of hers that cost a million each.
fn besieged(chain: Chain) -> World {
    let mut world = World::new(chain);
    world.lend();
    world.bid(1, 30_000);
    world.create(&HERS, ["HERS", "ABSURD"]);
    world.prices(&[(HOME, 2_000), (HERS, 1_000_000)]);
    let mut calls = vec![vault_of(&HERS)];
    calls.extend(HERS.listing());
    let fortune = 10_000_000 * u128::from(ACCOUNTS);
    calls.push(HERS.mint(HERS.lent, ATTACKER, 2 * fortune * DOLLAR));
    calls.push(HERS.mint(HERS.pledged, ATTACKER, 10 * WAD * u128::from(ACCOUNTS)));
    calls.push(deposit(&HERS, ATTACKER, 2 * fortune));
    calls.push(bid(&HERS, ATTACKER, 1, fortune));
    calls.extend(ASIDE.listing());
    calls.push(HOME.mint(GOLD, BORROWERS[3], 10 * WAD));
    calls.extend(loan(&ASIDE, (BORROWERS[3], 0), 14_000));
    calls.push(bid(&ASIDE, BIDDER, 1, 30_000));
    world.block(&calls);
    let accounts: Vec<u32> = (0..ACCOUNTS).collect();
    for some in accounts.chunks(130) {
        let calls: Vec<_> =
            some.iter().flat_map(|sub| loan(&HERS, (ATTACKER, *sub), 7_400_000)).collect();
        world.block(&calls);
    }
    world
}

/// Two blocks in which gold falls below what one more of the borrowers can bear, and in each of them the attacker's
/// tokens by as much as makes all of her accounts due.
fn falls(world: &mut World) -> [SealedBlock; 2] {
    [(1_740, 920_000), (1_620, 860_000)]
        .map(|(gold, absurd)| world.prices(&[(HOME, gold), (HERS, absurd)]))
}

/// N-10, LIQ-5: an attacker's market with absurd prices and hundreds of accounts, each with more value at risk than all
/// honest ones together, fills every sweep to the last of its gas. Still each borrower of the recognised market is
/// sold in the very block of the price, before any of hers; and one of another market at the latest after one of hers.
#[test]
fn reg_n10_a_market_of_one_s_own_buys_no_place_in_the_sweep() {
    let mut world = besieged(chain());
    world.block(&[(ATTACKER, MARKET, costly_margin().abi_encode())]);
    let hers = Named { market: HERS.market, owner: user(ATTACKER).address() };
    let aside = Named { market: ASIDE.market, owner: borrower(3) };
    for (place, block) in falls(&mut world).iter().enumerate() {
        let (listed, sold, left) = swept(&world.chain, block);
        let first = listed.iter().take_while(|named| named.market == HOME.market).count();
        let victim = Named { market: HOME.market, owner: borrower(place) };
        assert!(listed[..first].contains(&victim), "{:?}", &listed[..4]);
        assert!(listed[first..first + 2].contains(&aside), "{:?}", &listed[..4]);
        assert_eq!(sold[..first + 2], listed[..first + 2]);
        let judged = listed[first..].iter().filter(|named| **named == hers).count();
        // Two markets share what is judged.
        assert_eq!(judged, UNRECOGNISED_JUDGED_MAX / 2);
        assert!(left > 50, "the sweep had gas for all but {left} of {}", listed.len());
    }
}

/// LIQ-5, EVM-4: with more accounts due than are judged, a node that starts anew before each block, with an index made
/// from the stored state, works out the very sweeps of one that followed every block.
#[test]
fn a_bounded_sweep_is_the_same_on_every_node() {
    let mut world = besieged(chain());
    let built = world.chain.head().number;
    falls(&mut world);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let open = || Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    let block = |number| world.chain.block(number).unwrap().unwrap().rlp();
    let importer = open();
    for number in 1..=built {
        importer.import(&block(number)).unwrap();
    }
    drop(importer);
    for number in built + 1..=world.chain.head().number {
        open().import(&block(number)).unwrap();
    }
    assert_eq!(open().head(), world.chain.head());
}
