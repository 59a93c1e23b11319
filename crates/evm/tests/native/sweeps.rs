//! Bids, sweeps and stop-loss orders through real calls.

use super::story::{debt, health};
use super::support::*;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::{IERC20Permit, IMarket, IVault, decode_error};
use gage_core::address::MARKET;
use gage_core::{AccountId, MarketId};

const BIDDER: Address = LENDER;
const RIVAL: Address = LIQUIDATOR;

pub(super) fn account(owner: Address) -> AccountId {
    AccountId { market: MarketId::new(1), owner, sub: 0 }
}

impl World {
    /// Runs a block's sweep, with as much gas as a system call has.
    pub(super) fn sweep(&mut self, accounts: &[AccountId]) -> Done {
        self.system(MARKET, gage_evm::sweep_call(accounts))
    }

    pub(super) fn bid(&mut self, bidder: Address, tier: u8, dollars: u128) {
        let assets = u(dollars * DOLLAR);
        let shares = self.ok(bidder, VAULT, IVault::depositCall { assets, receiver: bidder });
        self.ok(bidder, MARKET, place(tier, shares));
    }

    fn bid_of(&mut self, bidder: Address, tier: u8) -> IMarket::BidState {
        let call = IMarket::bidStateCall { market: 1, vault: VAULT, asset: GOLD, tier, bidder };
        self.ok(STRANGER, MARKET, call)
    }

    pub(super) fn plan(&mut self, owner: Address) -> IMarket::SweepPlan {
        self.ok(STRANGER, MARKET, IMarket::previewSweepCall { market: 1, owner, sub: 0 })
    }
}

fn place(tier: u8, shares: U256) -> IMarket::placeBidCall {
    IMarket::placeBidCall { market: 1, vault: VAULT, asset: GOLD, tier, shares }
}

fn claim(tier: u8, receiver: Address) -> IMarket::claimBidCall {
    IMarket::claimBidCall { market: 1, vault: VAULT, asset: GOLD, tier, receiver }
}

pub(super) fn logs<E: SolEvent>(done: &Done) -> Vec<E> {
    done.logs().iter().filter_map(|log| E::decode_log(log).ok()).map(|log| log.data).collect()
}

/// A bid is placed, the price falls, the sweep sells to the lowest tier first, and the bidders claim.
#[test]
fn a_sweep_sells_to_the_lowest_tier_first() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 500);
    world.bid(RIVAL, 6, 9_000);
    world.prices(1_450 * WAD, WAD);
    let plan = world.plan(BORROWER);
    assert!(plan.due && plan.reason == 0 && !plan.leavesBadDebt);
    let debt_before = debt(&mut world);
    let done = world.sweep(&[account(BORROWER)]);
    assert!(done.is_success(), "{:?}", done.result);
    let fills: Vec<IMarket::BidsFilled> = logs(&done);
    let expected: Vec<_> = plan.fills.iter().map(|fill| (fill.discount, fill.repaid)).collect();
    let filled: Vec<_> = fills.iter().map(|fill| (fill.discount, fill.repaid)).collect();
    assert_eq!(filled, expected);
    assert_eq!(fills.iter().map(|fill| fill.discount).collect::<Vec<_>>(), [100, 300]);
    for fill in &fills {
        // BID-2: never below the tier's price.
        let value = fill.seized * fill.price / u(WAD) * u(u128::from(10_000 - fill.discount));
        assert!(value / u(10_000) <= fill.repaid * fill.debtPrice / u(DOLLAR), "{fill:?}");
    }
    let swept: Vec<IMarket::Swept> = logs(&done);
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0].healthAfter, plan.healthAfter);
    assert_eq!(health(&mut world), plan.healthAfter);
    assert!(health(&mut world) >= u(WAD * 11 / 10) && health(&mut world) < u(WAD * 111 / 100));
    let repaid: U256 = fills.iter().map(|fill| fill.repaid).sum();
    // What is owed is rounded up before and after.
    let fallen = debt_before - debt(&mut world);
    assert!(fallen <= repaid.to::<u128>() && fallen + 1 >= repaid.to::<u128>());
    let ended: Vec<IMarket::SweepEnded> = logs(&done);
    assert_eq!((ended[0].swept, ended[0].left), (1, 0));
    world.check_ties();

    for (bidder, tier, fill) in [(BIDDER, 2, &fills[0]), (RIVAL, 6, &fills[1])] {
        let bid = world.bid_of(bidder, tier);
        assert!(bid.bought <= fill.seized && bid.bought + u(1) >= fill.seized);
        let before = world.balance(GOLD, bidder);
        assert_eq!(world.ok(bidder, MARKET, claim(tier, bidder)), bid.bought);
        assert_eq!(world.balance(GOLD, bidder) - before, bid.bought.to::<u128>());
    }
    assert_eq!(world.refused(BIDDER, MARKET, claim(2, BIDDER)), "NoBid()");
    world.check_ties();
}

/// BID-3: a withdrawal waits for its notice, and the bid stays eligible meanwhile.
#[test]
fn reg_n05_nobody_bids_and_runs() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 9_000);
    let withdraw = IMarket::withdrawBidCall {
        market: 1,
        vault: VAULT,
        asset: GOLD,
        tier: 2,
        shares: U256::MAX,
        receiver: BIDDER,
    };
    let announce =
        IMarket::announceBidWithdrawalCall { market: 1, vault: VAULT, asset: GOLD, tier: 2 };
    assert_eq!(world.refused(BIDDER, MARKET, withdraw.clone()), "NoticeNotGiven()");
    let opens_at = world.ok(BIDDER, MARKET, announce.clone());
    assert!(world.refused(BIDDER, MARKET, withdraw.clone()).starts_with("NoticeRunning("));
    world.prices(1_450 * WAD, WAD);
    let done = world.sweep(&[account(BORROWER)]);
    assert_eq!(logs::<IMarket::BidsFilled>(&done).len(), 1);
    world.now = opens_at + 3_601;
    assert!(world.refused(BIDDER, MARKET, withdraw.clone()).starts_with("NoticeExpired("));
    world.now = world.ok(BIDDER, MARKET, announce);
    let waiting = world.bid_of(BIDDER, 2).shares;
    assert!(waiting > U256::ZERO);
    assert_eq!(world.ok(BIDDER, MARKET, withdraw.clone()), waiting);
    assert_eq!(world.refused(BIDDER, MARKET, withdraw), "ZeroAmount()");
    world.check_ties();
}

/// N-05, SYS-1: forty small bids in a tier cost a sweep as much gas as one large bid.
#[test]
fn reg_n05_many_bids_cost_what_one_costs() {
    let gas = [1_u8, 40].map(|bidders| {
        let mut world = World::loan();
        let dollars = 8_000 / u128::from(bidders);
        for bidder in 0..bidders {
            let bidder = Address::with_last_byte(bidder + 1).create(7);
            let value = u(dollars * DOLLAR);
            world.ok(LENDER, USD, IERC20Permit::transferCall { to: bidder, value });
            world.bid(bidder, 2, dollars);
        }
        world.prices(1_450 * WAD, WAD);
        let done = world.sweep(&[account(BORROWER)]);
        assert_eq!(logs::<IMarket::BidsFilled>(&done).len(), 1);
        world.check_ties();
        done.result.tx_gas_used()
    });
    // Share prices differ by a unit after forty deposits, and so may the length of a number.
    assert!(gas[0].abs_diff(gas[1]) < 100, "{gas:?}");
}

/// LIQ-5: only the system address sweeps, only whole lists are read, and the healthy are left alone.
#[test]
fn only_the_block_sweeps() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 2_000);
    let before = world.state();
    let call = IMarket::sweepCall { accounts: vec![0; 28].into() };
    assert_eq!(world.refused(STRANGER, MARKET, call), "SystemOnly()");
    let cut = IMarket::sweepCall { accounts: vec![0; 27].into() }.abi_encode();
    let done = world.system(MARKET, cut.into());
    assert_eq!(decode_error(&done.output()).unwrap(), "MalformedCall()");
    let done = world.sweep(&[account(BORROWER), account(STRANGER)]);
    assert_eq!(logs::<IMarket::Swept>(&done).len(), 0);
    assert_eq!(world.state(), before);
}

/// SYS-1: what cannot be swept is skipped with its reason, and the others are swept.
#[test]
fn one_account_does_not_stop_the_others() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 2_000);
    world.prices(1_450 * WAD, WAD);
    let nowhere = AccountId { market: MarketId::new(9), ..account(STRANGER) };
    let done = world.sweep(&[nowhere, account(BORROWER)]);
    let skipped: Vec<IMarket::SweepSkipped> = logs(&done);
    assert_eq!(decode_error(&skipped[0].reason).unwrap(), "UnknownMarket(market: 9)");
    assert_eq!(logs::<IMarket::Swept>(&done).len(), 1);
    world.check_ties();
}

/// BAD-1, BAD-2: what the bids leave without collateral is written off in the same sweep, and the
/// bids were filled at the share price before that loss.
#[test]
fn debt_that_nothing_secures_is_written_off_in_the_same_sweep() {
    let mut world = World::loan();
    world.bid(RIVAL, 0, 9_000);
    let shares = world.bid_of(RIVAL, 0).shares;
    world.prices(500 * WAD, WAD);
    let plan = world.plan(BORROWER);
    assert!(plan.due && plan.reason == 1 && plan.leavesBadDebt);
    let done = world.sweep(&[account(BORROWER)]);
    let fills: Vec<IMarket::BidsFilled> = logs(&done);
    assert_eq!(fills[0].seized, u(10 * WAD));
    let burned = fills[0].shares;
    assert!(fills[0].repaid >= burned / u(1_000_000), "filled before the loss");
    let losses: Vec<IVault::LossRealised> = logs(&done);
    assert_eq!(losses.len(), 1);
    assert_eq!(debt(&mut world), 0);
    let kept = world.bid_of(RIVAL, 0).shares + burned;
    assert!(kept <= shares && kept + u(1) >= shares);
    world.check_ties();
}

/// A stop-loss order sells before the threshold is reached, and only its owner's.
#[test]
fn a_stop_loss_sells_before_the_threshold() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 6_000);
    let order = IMarket::setStopLossCall {
        market: 1,
        sub: 0,
        asset: GOLD,
        vault: VAULT,
        trigger: u(WAD * 11 / 10),
        target: u(WAD * 12 / 10),
        tierMax: 2,
    };
    let low = IMarket::setStopLossCall { trigger: u(WAD), ..order.clone() };
    assert!(world.refused(BORROWER, MARKET, low).starts_with("InvalidParameter(name: trigger"));
    world.ok(BORROWER, MARKET, order);
    let stored =
        world.ok(STRANGER, MARKET, IMarket::stopLossOfCall { market: 1, owner: BORROWER, sub: 0 });
    assert_eq!((stored.asset, stored.tierMax), (GOLD, 2));
    assert!(!world.plan(BORROWER).due);
    world.prices(1_580 * WAD, WAD);
    let before = health(&mut world);
    assert!(before > u(WAD) && before < u(WAD * 11 / 10), "{before}");
    let done = world.sweep(&[account(BORROWER)]);
    let swept: Vec<IMarket::Swept> = logs(&done);
    assert_eq!(swept[0].reason, 2);
    assert!(health(&mut world) >= u(WAD * 12 / 10));
    world.ok(BORROWER, MARKET, IMarket::clearStopLossCall { market: 1, sub: 0 });
    world.prices(1_400 * WAD, WAD);
    assert!(!world.plan(BORROWER).due);
    world.check_ties();
}

/// A vault that is lent out to the last unit blocks neither the bids nor a lender who liquidates.
#[test]
fn a_dry_vault_blocks_no_liquidation() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 300);
    let cash = world.ok(STRANGER, VAULT, IVault::stateCall {}).cash;
    let assets = cash - u(100_000 * DOLLAR);
    let (receiver, owner) = (LENDER, LENDER);
    world.ok(LENDER, VAULT, IVault::withdrawCall { assets, receiver, owner });
    world.ok(BORROWER, MARKET, supply(90 * WAD));
    world.ok(BORROWER, MARKET, borrow(100_000 * DOLLAR));
    let state = world.ok(STRANGER, VAULT, IVault::stateCall {});
    assert_eq!(state.cash, U256::ZERO);
    world.prices(1_380 * WAD, WAD);
    assert!(health(&mut world) < u(WAD), "{}", health(&mut world));
    let done = world.sweep(&[account(BORROWER)]);
    assert_eq!(logs::<IMarket::BidsFilled>(&done).len(), 1);
    let call = IMarket::liquidateWithSharesCall {
        market: 1,
        owner: BORROWER,
        sub: 0,
        vault: VAULT,
        asset: GOLD,
        maxRepay: u(1_000 * DOLLAR),
        receiver: LENDER,
    };
    let held = world.ok(STRANGER, VAULT, IERC20Permit::balanceOfCall { account: LENDER });
    let paid = world.ok(LENDER, MARKET, call);
    assert!(paid.repaid > U256::ZERO && paid.seized > U256::ZERO);
    let left = world.ok(STRANGER, VAULT, IERC20Permit::balanceOfCall { account: LENDER });
    assert!(left < held);
    world.check_ties();
}

/// LIQ-5: what the gas does not reach is left whole for the next block.
#[test]
fn a_sweep_ends_with_its_gas() {
    let mut world = World::loan();
    world.bid(BIDDER, 2, 2_000);
    world.prices(1_450 * WAD, WAD);
    let many = vec![account(BORROWER); 6_000];
    let done = world.sweep(&many);
    assert!(done.is_success());
    let ended: Vec<IMarket::SweepEnded> = logs(&done);
    assert_eq!(ended.len(), 1);
    assert!(ended[0].left > 0, "{:?} of {} gas", ended[0], done.gas());
    world.check_ties();
}
