//! Aliases and donations.

use crate::support::*;
use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IVault};

/// SOL-3, T-03: `reg_t03`. Whoever is on both sides of an operation ends as they began.
#[test]
fn reg_t03_moving_to_oneself_conserves() {
    let mut world = World::loan();
    let held = world.balance(USD, LENDER);
    world.ok(LENDER, USD, IERC20Permit::transferCall { to: LENDER, value: u(held) });
    assert_eq!(world.balance(USD, LENDER), held);
    world.ok(LENDER, USD, IERC20Permit::approveCall { spender: LENDER, value: U256::MAX });
    let call = IERC20Permit::transferFromCall { from: LENDER, to: LENDER, value: u(held) };
    world.ok(LENDER, USD, call);
    assert_eq!(world.balance(USD, LENDER), held);
    let shares = world.balance(VAULT, LENDER);
    world.ok(LENDER, VAULT, IERC20Permit::transferCall { to: LENDER, value: u(shares) });
    assert_eq!(world.balance(VAULT, LENDER), shares);
    world.check_ties();

    world.prices(1_400 * WAD, WAD);
    let call = IMarket::liquidateCall { receiver: BORROWER, ..liquidate(U256::MAX) };
    world.ok(BORROWER, MARKET, call);
    world.check_ties();
}

/// Everything that a price, rate or health factor could show.
fn figures(
    world: &mut World,
) -> (IVault::VaultState, IMarket::AccountState, U256, IMarket::CollateralState) {
    (
        world.ok(STRANGER, VAULT, IVault::stateCall {}),
        world.ok(
            STRANGER,
            MARKET,
            IMarket::accountStateCall { market: 1, owner: BORROWER, sub: 0 },
        ),
        world.ok(STRANGER, VAULT, IVault::convertToAssetsCall { shares: u(1_000_000_000_000) }),
        world.ok(STRANGER, MARKET, IMarket::collateralStateCall { market: 1, asset: GOLD }),
    )
}

/// SHR-2, S-01: `reg_s01`, at the level of transactions. Tokens and coins sent to native contracts
/// move no figure.
#[test]
fn reg_s01_donations_are_inert() {
    let mut world = World::loan();
    let before = figures(&mut world);
    for amount in [1, DOLLAR, 400_000 * DOLLAR] {
        for to in [VAULT, MARKET, USD, REGISTRY, ORACLE] {
            let value = u(amount);
            world.ok(OWNER, USD, IAsset::mintCall { to: LIQUIDATOR, value });
            world.ok(LIQUIDATOR, USD, IERC20Permit::transferCall { to, value });
            world.ok(OWNER, GOLD, IAsset::mintCall { to: LIQUIDATOR, value });
            world.ok(LIQUIDATOR, GOLD, IERC20Permit::transferCall { to, value });
            assert_eq!(figures(&mut world), before);
        }
    }
    world.check_ties();
}

/// S-01: the first depositor of an empty vault gains nothing by donating before the second.
#[test]
fn reg_s01_an_empty_vault_cannot_be_inflated() {
    let mut world = World::market();
    let all = world.balance(VAULT, LENDER);
    world.ok(LENDER, VAULT, IVault::redeemCall { shares: u(all), receiver: LENDER, owner: LENDER });
    let spent = world.balance(USD, LIQUIDATOR);
    world.ok(LIQUIDATOR, VAULT, IVault::depositCall { assets: u(1), receiver: LIQUIDATOR });
    let value = u(100_000 * DOLLAR);
    world.ok(LIQUIDATOR, USD, IERC20Permit::transferCall { to: VAULT, value });
    world.ok(LENDER, VAULT, IVault::depositCall { assets: u(50_000 * DOLLAR), receiver: LENDER });
    let shares = world.balance(VAULT, LIQUIDATOR);
    let exit = IVault::redeemCall { shares: u(shares), receiver: LIQUIDATOR, owner: LIQUIDATOR };
    world.ok(LIQUIDATOR, VAULT, exit);
    assert!(world.balance(USD, LIQUIDATOR) <= spent - 100_000 * DOLLAR);
    let most = world.ok(STRANGER, VAULT, IVault::maxWithdrawCall { owner: LENDER });
    assert!(most >= u(50_000 * DOLLAR - 1));
}

/// Coins forced onto a native contract without a call that takes them are nobody's.
#[test]
fn coins_cannot_be_sent_to_native_contracts() {
    let mut world = World::market();
    for to in [VAULT, MARKET, USD, REGISTRY, ORACLE, WRAPPED] {
        let done = world.send(LENDER, to, u(1), Vec::new());
        assert_eq!(done.error(), "MalformedCall()");
        assert_eq!(world.coins(to), U256::ZERO);
    }
    let done = world.send(LENDER, USD, u(1), IAsset::depositCall {}.abi_encode());
    assert_eq!(done.error(), "NotWrapper(asset: 3)");
}
