//! First-loss capital through real calls.

use super::story::debt;
use super::support::*;
use super::sweeps::{account, logs};
use alloy_primitives::{Address, U256};
use gage_abi::{IMarket, IVault};
use gage_core::address::MARKET;

const STAKER: Address = LIQUIDATOR;

fn stake(shares: U256) -> IMarket::stakeCall {
    IMarket::stakeCall { market: 1, vault: VAULT, shares }
}

fn unstake(units: U256) -> IMarket::unstakeCall {
    IMarket::unstakeCall { market: 1, vault: VAULT, units, receiver: STAKER }
}

impl World {
    /// Lends and stakes; returns the shares.
    fn stake(&mut self, staker: Address, dollars: u128) -> U256 {
        let assets = u(dollars * DOLLAR);
        let shares = self.ok(staker, VAULT, IVault::depositCall { assets, receiver: staker });
        assert_eq!(self.ok(staker, MARKET, stake(shares)), shares, "the first units");
        self.check_ties();
        shares
    }

    fn capital(&mut self) -> IMarket::FirstLossState {
        self.ok(STRANGER, MARKET, IMarket::firstLossStateCall { market: 1, vault: VAULT })
    }

    fn stake_of(&mut self, staker: Address) -> IMarket::StakeState {
        self.ok(STRANGER, MARKET, IMarket::stakeOfCall { market: 1, vault: VAULT, staker })
    }
}

/// BAD-2: a loss that the sweep writes off burns stakes, and leaves lenders and reserves whole.
#[test]
fn a_stake_bears_the_loss_of_a_sweep() {
    let mut world = World::loan();
    world.stake(STAKER, 9_000);
    world.bid(LENDER, 0, 9_000);
    world.prices(500 * WAD, WAD);
    let plan = world.plan(BORROWER);
    assert!(plan.leavesBadDebt && plan.stakesBlocked.is_empty());
    let (before, worth) = (world.capital(), world.ok(STRANGER, VAULT, price()));
    let done = world.sweep(&[account(BORROWER)]);
    let losses: Vec<IVault::LossRealised> = logs(&done);
    assert_eq!(losses.len(), 1);
    assert_eq!(losses[0].fromFirstLoss, losses[0].shortfall);
    assert!(losses[0].shortfall > U256::ZERO);
    assert_eq!(debt(&mut world), 0);
    let after = world.capital();
    assert!(
        after.shares < before.shares && after.worth + losses[0].shortfall <= before.worth + u(1)
    );
    assert!(world.ok(STRANGER, VAULT, price()) >= worth);
    assert_eq!(world.stake_of(STAKER).shares, after.shares);
    world.check_ties();
}

fn price() -> IVault::convertToAssetsCall {
    IVault::convertToAssetsCall { shares: u(WAD * 1_000_000) }
}

/// BAD-2: the sweep keeps the stakes while it cannot close an insolvent account, and says so once.
#[test]
fn an_insolvent_account_without_bids_keeps_the_stakes() {
    let mut world = World::loan();
    let units = world.stake(STAKER, 9_000);
    assert_eq!(world.refused(STAKER, MARKET, unstake(units)), "NoticeNotGiven()");
    let opens_at =
        world.ok(STAKER, MARKET, IMarket::announceUnstakeCall { market: 1, vault: VAULT });
    assert!(world.refused(STAKER, MARKET, unstake(units)).starts_with("NoticeRunning("));
    world.now = opens_at;
    world.prices(500 * WAD, WAD);
    // A feed that was silent for a week lets owners act before it liquidates.
    world.now += 601;
    world.prices(500 * WAD, WAD);
    let call = IMarket::markLossPendingCall { market: 1, owner: STRANGER, sub: 0 };
    assert_eq!(world.refused(STRANGER, MARKET, call), "NoDebt()");
    let plan = world.plan(BORROWER);
    assert!(plan.due && plan.fills.is_empty() && plan.stakesBlocked == [VAULT]);
    let done = world.sweep(&[account(BORROWER)]);
    let pending: Vec<IMarket::LossPending> = logs(&done);
    assert_eq!((pending.len(), pending[0].owner), (1, BORROWER));
    assert!(!world.plan(BORROWER).due);
    let until = world.now + 86_400;
    assert_eq!(
        world.refused(STAKER, MARKET, unstake(U256::MAX)),
        format!("LossPending(until: {until})")
    );
    // Nothing renews it once the price is back.
    world.prices(2_000 * WAD, WAD);
    let call = IMarket::markLossPendingCall { market: 1, owner: BORROWER, sub: 0 };
    assert!(world.refused(STRANGER, MARKET, call).starts_with("Solvent("));
    world.ok(STAKER, MARKET, IMarket::settleFirstLossCall { market: 1, vault: VAULT });
    world.now = until;
    assert!(world.refused(STAKER, MARKET, unstake(U256::MAX)).starts_with("NoticeExpired("));
    let opens_at =
        world.ok(STAKER, MARKET, IMarket::announceUnstakeCall { market: 1, vault: VAULT });
    world.now = opens_at;
    let shares = world.ok(STAKER, MARKET, unstake(U256::MAX));
    assert!(shares > units, "a premium was earned");
    assert_eq!(world.capital().units, U256::ZERO);
    assert_eq!(world.refused(STAKER, MARKET, unstake(U256::MAX)), "NoStake()");
    world.check_ties();
}

/// The smallest debt is the smallest stake; foreign addresses and numbers that do not fit are refused.
#[test]
fn nonsense_stakes_are_refused() {
    let mut world = World::loan();
    let before = world.state();
    assert_eq!(world.refused(STAKER, MARKET, stake(U256::ZERO)), "ZeroAmount()");
    assert!(world.refused(LENDER, MARKET, stake(u(1))).starts_with("StakeTooSmall("));
    assert!(world.refused(STRANGER, MARKET, stake(u(WAD))).contains("InsufficientBalance"));
    assert!(world.refused(STAKER, MARKET, stake(U256::MAX)).starts_with("AmountTooLarge("));
    let foreign = IMarket::stakeCall { market: 1, vault: GOLD, shares: u(WAD) };
    assert!(world.refused(STAKER, MARKET, foreign).starts_with("NotNativeContract("));
    let nowhere = IMarket::stakeCall { market: 7, vault: VAULT, shares: u(WAD) };
    assert!(world.refused(STAKER, MARKET, nowhere).starts_with("VaultNotListed("));
    assert_eq!(world.refused(STAKER, MARKET, unstake(U256::MAX)), "NoStake()");
    assert_eq!(world.state(), before);
}
