//! The risk premium through real calls and stored records.

use super::story::debt;
use super::support::*;
use super::sweeps::logs;
use alloy_primitives::{Address, U256};
use gage_abi::{IMarket, IVault};
use gage_core::address::MARKET;

impl World {
    fn weigh(&mut self, risk_weight: u16) {
        let state =
            self.ok(STRANGER, MARKET, IMarket::collateralStateCall { market: 1, asset: GOLD });
        let terms = IMarket::CollateralTerms {
            feed: state.feed,
            ltv: state.ltv,
            threshold: state.threshold,
            bonusMin: state.bonusMin,
            bonusMax: state.bonusMax,
            riskWeight: risk_weight,
            cap: state.cap,
        };
        self.ok(OWNER, MARKET, IMarket::setCollateralCall { market: 1, asset: GOLD, terms });
        let state =
            self.ok(STRANGER, MARKET, IMarket::collateralStateCall { market: 1, asset: GOLD });
        assert_eq!(state.riskWeight, risk_weight);
    }

    fn account(&mut self, owner: Address) -> IMarket::AccountState {
        self.ok(STRANGER, MARKET, IMarket::accountStateCall { market: 1, owner, sub: 0 })
    }
}

const fn refresh(owner: Address) -> IMarket::refreshRiskPremiumCall {
    IMarket::refreshRiskPremiumCall { market: 1, owner, sub: 0 }
}

/// INT-2: a stranger's refresh writes the premium, the record keeps it, the debt grows by it, and a
/// whole repayment leaves nothing in storage.
#[test]
fn a_premium_is_stored_charged_and_repaid() {
    let mut world = World::loan();
    let plain = debt(&mut world);
    world.weigh(5_000);
    let state = world.account(BORROWER);
    assert_eq!((state.riskPremium, state.riskPremiumNow), (0, 5_000));
    let base = state.debts[0].rate;
    let done = world.call(STRANGER, MARKET, refresh(BORROWER));
    let told: Vec<IMarket::RiskPremiumChanged> = logs(&done);
    assert_eq!((told[0].owner, told[0].premium), (BORROWER, 5_000));
    let state = world.account(BORROWER);
    assert_eq!((state.riskPremium, state.riskPremiumNow), (5_000, 5_000));
    assert_eq!(state.debts[0].rate, base + base.div_ceil(u(2)));
    assert!(debt(&mut world) <= plain + 1);
    world.check_ties();

    let rate = world.ok(STRANGER, VAULT, IVault::stateCall {}).borrowRate.to::<u128>();
    world.now += 864_000;
    world.prices(2_000 * WAD, WAD);
    let interest = debt(&mut world) - plain;
    let expected = plain * (rate / 1_000 * 864_000 * 3 / 2) / 10_u128.pow(24);
    assert!(interest.abs_diff(expected) * 1_000 < interest, "{interest} {expected}");

    // What is drawn on top bears it too; what is left after a repayment keeps it.
    world.ok(BORROWER, MARKET, borrow(100 * DOLLAR));
    world.ok(BORROWER, MARKET, repay(u(1_000 * DOLLAR)));
    assert_eq!(world.account(BORROWER).riskPremium, 5_000);
    world.check_ties();
    world.weigh(0);
    assert_eq!(world.ok(STRANGER, MARKET, refresh(BORROWER)), 0);
    world.weigh(50_000);
    assert_eq!(world.ok(STRANGER, MARKET, refresh(BORROWER)), 50_000);
    world.check_ties();
    world.ok(LIQUIDATOR, MARKET, repay(U256::MAX));
    assert_eq!((debt(&mut world), world.account(BORROWER).riskPremium), (0, 0));
    assert_eq!(world.refused(STRANGER, MARKET, refresh(BORROWER)), "NoDebt()");
    world.check_ties();
}

/// A sweep sells to bids and writes the rest at the premium of what is left.
#[test]
fn a_swept_account_keeps_its_totals() {
    let mut world = World::market();
    world.weigh(2_500);
    world.ok(BORROWER, MARKET, supply(10 * WAD));
    world.ok(BORROWER, MARKET, borrow(12_000 * DOLLAR));
    assert_eq!(world.account(BORROWER).riskPremium, 2_500);
    world.bid(LENDER, 2, 9_000);
    world.prices(1_450 * WAD, WAD);
    let before = debt(&mut world);
    let done = world.sweep(&[super::sweeps::account(BORROWER)]);
    let fills: Vec<IMarket::BidsFilled> = logs(&done);
    let repaid: U256 = fills.iter().map(|fill| fill.repaid).fold(U256::ZERO, |a, b| a + b);
    let left = debt(&mut world);
    assert!(repaid > U256::ZERO && (before - repaid.to::<u128>()).abs_diff(left) <= 1);
    assert_eq!(world.account(BORROWER).riskPremium, 2_500);
    world.check_ties();
}
