//! Everything at once, in blocks: the main collateral falls by half, two stablecoins leave their peg and the third gains
//! on them, bids are withdrawn, and a bridge stands still.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use gage_abi::IMarket::{self, CollateralTerms, GroupTerms};
use gage_abi::IOracle::{self, FeedTerms};
use gage_abi::{IAsset, IRegistry};
use gage_chain::{Chain, Inspector};
use gage_core::address::{self, MARKET, ORACLE, REGISTRY};
use gage_core::feed::GRACE_SECONDS;
use gage_core::feed::freeze::FREEZE_MAX;
use gage_core::{AccountId, Accrued, AssetId, Assets, MarketId, Timestamp, VaultId, Wad, margin};
use gage_evm::view;
use support::lending::*;
use support::*;

/// Two stablecoins that are pledged for the third, and a claim on another chain's asset.
const ONE: Address = address::asset(AssetId::new(4));
const OTHER: Address = address::asset(AssetId::new(5));
const CLAIM: Address = address::asset(AssetId::new(6));
/// Who has pledged stablecoins, who has pledged dollars for dollars, and who has pledged the claim.
const STABLE: u8 = 6;
const LOOPED: u8 = 7;
const BRIDGED: u8 = 8;
/// Who liquidates what bids do not buy.
const LIQUIDATOR: u8 = 0;
/// The claim's feed.
const CLAIM_FEED: u32 = 5;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// When the guardian stops the use of the claim's price, and when it may be used again.
const FROZEN: u64 = 90 * MINUTE;
const THAWED: u64 = FROZEN + FREEZE_MAX as u64 + GRACE_SECONDS;

/// Per ten thousand, of a straight line between two points in time.
fn between(now: u64, (start, from): (u64, u64), (end, to): (u64, u64)) -> u128 {
    let passed = now.clamp(start, end) - start;
    let part = |whole: u64| whole * passed / (end - start);
    (if to > from { from + part(to - from) } else { from - part(from - to) }).into()
}

/// Dollars of 18 decimals: gold, the dollar that is lent, both stablecoins and the claim.
fn prices(now: u64) -> [(u32, u128); 5] {
    // What happened an hour ago.
    let then = now.saturating_sub(HOUR);
    let gold = if then < HOUR {
        between(then, (0, 10_000), (HOUR, 7_000))
    } else {
        between(then, (HOUR, 7_000), (24 * HOUR, 5_000))
    };
    let peg = |far| {
        if then < 30 * HOUR {
            between(then, (0, 10_000), (30 * HOUR, far))
        } else {
            between(then, (30 * HOUR, far), (60 * HOUR, 10_000))
        }
    };
    let part = |of: u128, price: u128| price * WAD / 10_000 * of;
    [
        (1, part(gold, 2_000)),
        (2, part(peg(10_200), 1)),
        (3, part(peg(8_700), 1)),
        (4, part(peg(8_700), 1)),
        (CLAIM_FEED, part(between(then, (HOUR, 10_000), (2 * HOUR, 7_000)), 1_000)),
    ]
}

fn account(who: u8) -> AccountId {
    AccountId { market: MarketId::new(1), owner: user(who).address(), sub: 0 }
}

/// Whether an account is below its threshold at the head, whether or not its prices may be used.
fn is_unhealthy(chain: &Chain, who: u8) -> bool {
    let head = chain.head();
    let state = chain.state(head.number).unwrap();
    let mut ledger = view::ledger_at(state, Timestamp::new(head.timestamp));
    margin::health(&mut ledger, &account(who)).unwrap() < Wad::ONE
}

fn supply(who: u8, asset: Address, amount: u128) -> (u8, Address, Vec<u8>) {
    let owner = user(who).address();
    let call = IMarket::supplyCollateralCall { market: 1, owner, sub: 0, asset, amount: u(amount) };
    (who, MARKET, call.abi_encode())
}

fn draw(who: u8, dollars: u128) -> (u8, Address, Vec<u8>) {
    let (receiver, amount) = (user(who).address(), u(dollars * DOLLAR));
    let call = IMarket::borrowCall { market: 1, sub: 0, vault: VAULT, amount, receiver };
    (who, MARKET, call.abi_encode())
}

fn enter(who: u8) -> (u8, Address, Vec<u8>) {
    (who, MARKET, IMarket::enterGroupCall { market: 1, sub: 0, group: 1 }.abi_encode())
}

/// The world of gold and dollars with the other assets in it, and everybody in debt.
fn world() -> World {
    let mut world = World::new(chain());
    world.lend();
    let owner = user(OWNER).address();
    let mut calls = Vec::new();
    for (name, decimals) in [("ONE", 6), ("OTHER", 6), ("CLAIM", 18)] {
        let (name, symbol) = (name.to_owned(), name.to_owned());
        let call = IRegistry::createAssetCall { name, symbol, decimals };
        calls.push((OWNER, REGISTRY, call.abi_encode()));
    }
    for (feed, asset) in (3..).zip([ONE, OTHER, CLAIM]) {
        let terms = FeedTerms::unguarded(3_600, u(1), u(1 << 100));
        let call = IOracle::createFeedCall { asset, description: "in dollars".into(), terms };
        calls.push((OWNER, ORACLE, call.abi_encode()));
        let source = IOracle::Source::publisher(owner, 3_600);
        calls.push((OWNER, ORACLE, IOracle::setSourceCall { feed, source }.abi_encode()));
    }
    for (feed, asset) in (2..).zip([USD, ONE, OTHER, CLAIM]) {
        let terms = CollateralTerms {
            feed,
            ltv: 7_500,
            threshold: 8_000,
            bonusMin: 500,
            bonusMax: 1_000,
            riskWeight: 0,
            cap: u(1 << 100),
        };
        let call = IMarket::addCollateralCall { market: 1, asset, terms };
        calls.push((OWNER, MARKET, call.abi_encode()));
    }
    let terms =
        GroupTerms { ltv: 9_000, threshold: 9_300, bonusMin: 100, bonusMax: 200, band: 300 };
    let (collaterals, vaults) = (vec![USD, ONE, OTHER], vec![VAULT]);
    let name = "Dollars".to_owned();
    let call = IMarket::createGroupCall { market: 1, name, terms, collaterals, vaults };
    calls.push((OWNER, MARKET, call.abi_encode()));
    for (who, asset, value) in [
        (STABLE, ONE, 20_000 * DOLLAR),
        (STABLE, OTHER, 20_000 * DOLLAR),
        (LOOPED, USD, 10_000 * DOLLAR),
        (BRIDGED, CLAIM, 10 * WAD),
        (BRIDGED, USD, 1_000 * DOLLAR),
        (LIQUIDATOR, USD, 500_000 * DOLLAR),
    ] {
        let to = user(who).address();
        calls.push((OWNER, asset, IAsset::mintCall { to, value: u(value) }.abi_encode()));
    }
    world.block(&calls);
    let reports = world.reports(12, &prices(0));
    world.block_with(&[], reports);
    let mut calls: Vec<_> = [ONE, OTHER].map(|asset| supply(STABLE, asset, 20_000 * DOLLAR)).into();
    calls.extend([enter(STABLE), draw(STABLE, 35_500)]);
    calls.extend([supply(LOOPED, USD, 10_000 * DOLLAR), enter(LOOPED), draw(LOOPED, 8_900)]);
    calls.extend([supply(BRIDGED, CLAIM, 10 * WAD), draw(BRIDGED, 7_000)]);
    world.block(&calls);
    world.bid(2, 20_000);
    let (market, vault, asset, tier) = (1, VAULT, CLAIM, 2);
    let shares = u(20_000 * DOLLAR * 1_000_000);
    let call = IMarket::placeBidCall { market, vault, asset, tier, shares };
    world.block(&[(BIDDER, MARKET, call.abi_encode())]);
    world
}

/// What an account has pledged first, which is what is sold first.
fn pledged(chain: &Chain, who: u8) -> Address {
    let head = chain.head();
    let state = chain.state(head.number).unwrap();
    let mut ledger = view::ledger_at(state, Timestamp::new(head.timestamp));
    let position = margin::position(&mut ledger, &account(who)).unwrap();
    address::asset(position.collaterals[0].asset)
}

/// The liquidator takes from everybody who is below their threshold at prices that may be used.
fn liquidate_all(world: &mut World) -> usize {
    let mut taken = 0;
    for who in [BORROWERS.as_slice(), &[STABLE, LOOPED]].concat() {
        for _ in 0..8 {
            if !is_unhealthy(&world.chain, who) {
                break;
            }
            let call = IMarket::liquidateCall {
                market: 1,
                owner: user(who).address(),
                sub: 0,
                vault: VAULT,
                asset: pledged(&world.chain, who),
                maxRepay: alloy_primitives::U256::MAX,
                receiver: user(LIQUIDATOR).address(),
            };
            world.block(&[(LIQUIDATOR, MARKET, call.abi_encode())]);
            taken += 1;
        }
        assert!(!is_unhealthy(&world.chain, who), "{who} was not dealt with");
    }
    taken
}

/// What bidders, the guardian and borrowers do besides.
fn events(minute: u64) -> Vec<(u8, Address, Vec<u8>)> {
    let (market, vault, asset, tier) = (1, VAULT, GOLD, 2);
    match minute {
        // The first blocks of the fall are sold to bids; their bidder leaves as soon as it may.
        75 => {
            let call = IMarket::announceBidWithdrawalCall { market, vault, asset, tier };
            vec![(BIDDER, MARKET, call.abi_encode())]
        }
        90 => {
            let (shares, receiver) = (alloy_primitives::U256::MAX, user(BIDDER).address());
            let call = IMarket::withdrawBidCall { market, vault, asset, tier, shares, receiver };
            let freeze = IOracle::freezeFeedCall { feed: CLAIM_FEED, duration: FREEZE_MAX };
            vec![(BIDDER, MARKET, call.abi_encode()), (OWNER, ORACLE, freeze.abi_encode())]
        }
        // Whose bridge stands still may still pay.
        95 => {
            let (owner, amount) = (user(BRIDGED).address(), u(1_000 * DOLLAR));
            let call = IMarket::repayCall { market, owner, sub: 0, vault, amount };
            vec![(BRIDGED, MARKET, call.abi_encode())]
        }
        // A small bid comes half an hour later.
        125 => {
            let shares = u(500 * DOLLAR * 1_000_000);
            let call = IMarket::placeBidCall { market, vault, asset, tier: 4, shares };
            vec![(BIDDER, MARKET, call.abi_encode())]
        }
        _ => Vec::new(),
    }
}

/// SC-15 (a cascade: SC-01 and SC-03 with bids withdrawn and a bridge frozen): the chain goes on producing blocks, which
/// another node takes; every invariant holds after each; who is below the threshold at usable prices is dealt with
/// before the next price, whose collateral is frozen when it thaws; dollars owed on dollars are not touched, and nothing is
/// lost. Catches a price that may not be used stopping the block in which it is asked for.
#[test]
fn reg_sc15_a_cascade() {
    let (mut world, importer) = (world(), chain());
    let start = world.chain.head().timestamp;
    let (mut sold, mut taken, mut time) = (Vec::new(), 0, 0);
    while time < THAWED + HOUR {
        time += if time < 3 * HOUR { 5 * MINUTE } else { 30 * MINUTE };
        let seconds = start + time - world.chain.head().timestamp;
        let reports = world.reports(seconds, &prices(time));
        let block = world.block_after(seconds, &events(time / MINUTE), reports);
        let transactions = &block.transactions;
        if transactions.get(1).is_some_and(|tx| gage_chain::is_sweep(tx.inner())) {
            sold.extend(world.swept(&block).into_iter().map(|owner| (time, owner)));
        }
        taken += liquidate_all(&mut world);
        // Below its threshold all the while, and nobody may say at which price it would be sold.
        let bridged = is_unhealthy(&world.chain, BRIDGED);
        assert!(time < 3 * HOUR || bridged == (time < THAWED), "{bridged} at {time}");
    }
    let owner = user(BRIDGED).address();
    let (bridged, others): (Vec<_>, Vec<_>) = sold.into_iter().partition(|(_, who)| *who == owner);
    assert!(bridged[0].0 >= THAWED, "{bridged:?}");
    assert!(others.len() >= 2 && taken > 10, "{others:?} sold to bids, {taken} liquidations");
    let mut inspector = Inspector::at(&importer, 1).unwrap();
    for number in 1..=world.chain.head().number {
        let block = world.chain.block(number).unwrap().unwrap();
        importer.import(&block.rlp()).unwrap();
        inspector.inspect(&importer).unwrap();
    }
    assert_eq!(importer.head(), world.chain.head());
    let broken = &inspector.report().broken;
    assert!(broken.is_empty(), "{broken:#?}");
    let head = importer.head();
    let mut ledger =
        view::ledger_at(importer.state(head.number).unwrap(), Timestamp::new(head.timestamp));
    assert_eq!(Accrued::load(&mut ledger, VaultId::new(1)).unwrap().record().losses, Assets::ZERO);
    let looped = margin::position(&mut ledger, &account(LOOPED)).unwrap();
    assert_eq!(looped.collaterals[0].amount, Assets::new(10_000 * DOLLAR));
    importer.check().unwrap();
}
