//! The worked example of `docs/liquidation.md`, with every number in it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw};
use gage_core::sweep::{self, SweepReason};
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, InterestModel, QueueId, Shares, VaultId, WAD,
    curation, lending, listing, margin,
};
use world::*;

const USDC: AssetId = AssetId::new(1);
const WETH: AssetId = AssetId::new(2);
const VAULT: VaultId = VaultId::new(1);
const QUEUE: QueueId = QueueId { market: MARKET, vault: VAULT, asset: WETH };
const DOLLAR: u128 = 1_000_000;
const ALICE: Address = USERS[0];
const BOB: Address = USERS[1];
const CAROL: Address = USERS[2];
const DAVE: Address = USERS[3];
const ACCOUNT: AccountId = AccountId { market: MARKET, owner: ALICE, sub: 0 };

/// Puts `dollars` of USDC into the vault and bids the shares at a discount of `tier` half percents.
fn bid(world: &mut World, bidder: Address, tier: u8, dollars: u128) -> Shares {
    let assets = Assets::new(dollars * DOLLAR);
    let shares = lending::deposit(&mut world.ledger, bidder, VAULT, assets, bidder).unwrap();
    let tier = Tier::new(tier).unwrap();
    bids::place_bid(&mut world.ledger, bidder, QUEUE, tier, shares).unwrap();
    shares
}

fn claim(world: &mut World, bidder: Address, tier: u8) -> u128 {
    let place = (QUEUE, Tier::new(tier).unwrap());
    bids::claim_bid(&mut world.ledger, bidder, place, bidder).unwrap().get()
}

#[test]
fn the_worked_example_of_the_documentation() {
    let mut world = World::new(&[6, 18], 1);
    // WETH: LTV 80 %, threshold 83 %, bonus 5 to 10 %; the market's target health is 1.05. Interest is
    // left out so that the numbers stay round.
    let terms = terms(8_000, 8_300, [500, 1_000], cap(1_000, 18), 2);
    listing::set_collateral(&mut world.ledger, OWNER, MARKET, WETH, &terms).unwrap();
    let free = InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(8_000) };
    curation::set_model(&mut world.ledger, CURATOR, VAULT, free).unwrap();
    world.report(1, WAD).unwrap();
    world.report(2, 3_000 * WAD).unwrap();

    // Bob bids 3,000 USDC at 1 %, Carol 8,000 at 2 %, Dave 20,000 at 8 %.
    bid(&mut world, BOB, 2, 3_000);
    bid(&mut world, CAROL, 4, 8_000);
    bid(&mut world, DAVE, 16, 20_000);

    // At 3,000 dollars Alice pledges 10 WETH and owes 23,000 USDC: health 24,900 / 23,000 = 1.0826.
    let l = &mut world.ledger;
    borrowing::supply_collateral(l, ALICE, &ACCOUNT, WETH, Assets::new(10 * WAD)).unwrap();
    let amount = Assets::new(23_000 * DOLLAR);
    let draw = Draw { market: MARKET, sub: 0, vault: VAULT, amount, receiver: ALICE };
    borrowing::borrow(l, ALICE, &draw).unwrap();
    assert_eq!(margin::health(l, &ACCOUNT).unwrap().get() / (WAD / 10_000), 10_826);

    // WETH falls to 2,700: health 22,410 / 23,000 = 0.9743. An open liquidation would pay 6.28 %.
    world.report(2, 2_700 * WAD).unwrap();
    let l = &mut world.ledger;
    assert_eq!(margin::health(l, &ACCOUNT).unwrap().get() / (WAD / 10_000), 9_743);

    // The sweep asks 1 % first and takes all of it, then as much at 2 % as the target needs. 8 % is
    // above what a liquidator would get, so Dave is not asked.
    let plan = sweep::sweep(l, &ACCOUNT).unwrap().unwrap();
    assert_eq!(plan.reason, SweepReason::Unhealthy);
    let fills: Vec<_> = plan
        .fills
        .iter()
        .map(|fill| (fill.tier.discount().get(), fill.repaid.get(), fill.seized.get()))
        .collect();
    assert_eq!(fills[0], (100, 3_000 * DOLLAR, 1_122_334_455_667_789_001));
    assert_eq!(fills.len(), 2);
    let (discount, repaid, seized) = fills[1];
    assert_eq!((discount, repaid / DOLLAR, seized / (WAD / 10_000)), (200, 5_442, 20_568));

    // Alice is back at 1.05 with 6.8208 WETH and 14,557.54 USDC of debt.
    assert_eq!(margin::health(l, &ACCOUNT).unwrap().get() / (WAD / 10_000), 10_500);
    let debt = borrowing::debt_of(l, &ACCOUNT, VAULT).unwrap().get();
    let left = borrowing::collateral_of(l, &ACCOUNT, WETH).unwrap().get();
    assert_eq!((debt / 10_000, left / (WAD / 10_000)), (1_455_754, 68_208));

    // She sold 3.1792 WETH, 8,583.82 dollars' worth, for 8,442.46: it cost her 141.36 dollars, 1.67 %.
    let sold = 10 * WAD - left;
    let worth = sold * 2_700 / (WAD / 100);
    let paid = 23_000 * 100 - debt / 10_000;
    assert_eq!((worth, paid, worth - paid), (858_382, 844_246, 14_136));
    // At a fixed bonus of 5 % the same repayment would have cost 422.12.
    assert_eq!(paid * 5 / 100, 42_212);

    // Bob holds his WETH at 2,673 each, Carol hers at 2,646; what Carol did not spend waits on.
    // Claims round down: Bob's last unit stays in the tier for the next fill.
    assert_eq!(claim(&mut world, BOB, 2), 1_122_334_455_667_789_000);
    assert_eq!(claim(&mut world, CAROL, 4) / (WAD / 10_000), 20_568);
    let waiting = |world: &mut World, bidder, tier| {
        let id = gage_core::BidId { queue: QUEUE, tier: Tier::new(tier).unwrap(), bidder };
        let shares = bids::bid(&mut world.ledger, &id).unwrap().shares;
        lending::preview_redeem(&mut world.ledger, VAULT, shares).unwrap().get() / DOLLAR
    };
    assert_eq!(waiting(&mut world, BOB, 2), 0);
    assert_eq!(waiting(&mut world, CAROL, 4), 2_557);
    assert_eq!(waiting(&mut world, DAVE, 16), 20_000);
    let broken = gage_core::invariants::check_invariants(&world.ledger);
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(world.held(gage_core::Token::Asset(USDC), ALICE) / DOLLAR % 1_000_000, 23_000);
}
