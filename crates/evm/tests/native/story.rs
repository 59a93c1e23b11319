//! A borrower's and a lender's whole story, by transactions.

use crate::support::*;
use alloy_primitives::U256;
use alloy_sol_types::SolEvent;
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IOracle, IRegistry, IVault};

pub(crate) fn health(world: &mut World) -> U256 {
    world.ok(STRANGER, MARKET, IMarket::healthFactorCall { market: 1, owner: BORROWER, sub: 0 })
}

pub(crate) fn debt(world: &mut World) -> u128 {
    let call = IMarket::debtOfCall { market: 1, owner: BORROWER, sub: 0, vault: VAULT };
    world.ok(STRANGER, MARKET, call).to()
}

#[test]
fn a_loan_is_drawn_repaid_and_its_collateral_comes_home() {
    let mut world = World::market();
    world.ok(BORROWER, MARKET, supply(10 * WAD));
    assert_eq!(world.balance(GOLD, BORROWER), 90 * WAD);
    assert_eq!(health(&mut world), U256::MAX);
    assert!(world.refused(BORROWER, MARKET, borrow(15_001 * DOLLAR)).starts_with("AboveLimit("));
    let done = world.call(BORROWER, MARKET, borrow(15_000 * DOLLAR));
    assert!(done.is_success());
    let log = done.logs().last().unwrap();
    assert_eq!(log.address, MARKET);
    let event = IMarket::Borrowed::decode_log(log).unwrap();
    assert_eq!((event.owner, event.amount.to::<u128>()), (BORROWER, 15_000 * DOLLAR));
    assert_eq!(world.balance(USD, BORROWER), 15_000 * DOLLAR);
    assert!(world.refused(BORROWER, MARKET, release(u(1))).starts_with("AboveLimit("));

    world.now += 365 * 86_400;
    assert!(debt(&mut world) > 15_150 * DOLLAR, "a year at 1 % or more");
    assert!(world.refused(BORROWER, MARKET, borrow(1)).starts_with("StalePrice("));
    world.ok(OWNER, USD, IAsset::mintCall { to: BORROWER, value: u(1_000 * DOLLAR) });
    let repaid = world.ok(BORROWER, MARKET, repay(U256::MAX));
    assert!(repaid.to::<u128>() > 15_150 * DOLLAR);
    assert_eq!(debt(&mut world), 0);
    assert_eq!(world.ok(BORROWER, MARKET, release(U256::MAX)), u(10 * WAD));
    assert_eq!(world.balance(GOLD, BORROWER), 100 * WAD);

    let most = world.ok(STRANGER, VAULT, IVault::maxWithdrawCall { owner: LENDER });
    assert!(most.to::<u128>() > 500_000 * DOLLAR, "interest is the lender's");
    let exit = IVault::withdrawCall { assets: most, receiver: LENDER, owner: LENDER };
    world.ok(LENDER, VAULT, exit);
    world.check_ties();
}

#[test]
fn a_fall_of_the_price_liquidates_in_part_then_whole() {
    let mut world = World::loan();
    assert!(world.refused(LIQUIDATOR, MARKET, liquidate(U256::MAX)).starts_with("Healthy("));
    world.prices(1_450 * WAD, WAD);
    assert!(health(&mut world) < u(WAD));
    let preview = world.ok(
        STRANGER,
        MARKET,
        IMarket::previewLiquidationCall {
            market: 1,
            owner: BORROWER,
            sub: 0,
            vault: VAULT,
            asset: GOLD,
            maxRepay: U256::MAX,
        },
    );
    let done = world.ok(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    assert_eq!((done.repaid, done.seized), (preview.repay, preview.seize));
    assert_eq!(health(&mut world), preview.healthAfter);
    assert_eq!(world.balance(GOLD, LIQUIDATOR), done.seized.to::<u128>());
    world.check_ties();

    world.prices(200 * WAD, WAD);
    let done = world.ok(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    assert!(done.repaid > U256::ZERO);
    assert_eq!(debt(&mut world), 0);
    let state = world.ok(STRANGER, VAULT, IVault::stateCall {});
    assert!(state.losses > U256::ZERO, "lenders bear what reserves do not");
    world.check_ties();
}

#[test]
fn coins_are_wrapped_and_unwrapped_one_for_one() {
    let mut world = World::genesis();
    let before = world.coins(LENDER);
    let deposit = alloy_sol_types::SolCall::abi_encode(&IAsset::depositCall {});
    assert!(world.send(LENDER, WRAPPED, u(5 * WAD), deposit).is_success());
    assert_eq!(world.balance(WRAPPED, LENDER), 5 * WAD);
    assert_eq!(world.coins(WRAPPED), u(5 * WAD));
    world.ok(LENDER, WRAPPED, IAsset::withdrawCall { value: u(2 * WAD) });
    assert_eq!(world.coins(LENDER), before - u(3 * WAD));
    assert_eq!(world.coins(WRAPPED), u(3 * WAD));
    let supply = world.ok(STRANGER, WRAPPED, IERC20Permit::totalSupplyCall {});
    assert_eq!(supply, u(3 * WAD));
    let short = world.refused(LENDER, WRAPPED, IAsset::withdrawCall { value: u(4 * WAD) });
    assert!(short.starts_with("ERC20InsufficientBalance("));
    world.check_ties();
}

#[test]
fn reports_that_cannot_be_applied_are_skipped_with_their_reason() {
    let mut world = World::market();
    world.now += 1;
    let (time, price) = (world.now, u(2_100 * WAD));
    let report = |feed, round| report(feed, round, time, 2_100 * WAD);
    let mut forged = signed(&publisher(), report(GOLD_FEED, 9));
    forged.report.price = u(1);
    let done = world.prelude(&[
        signed(&key(9), report(GOLD_FEED, 2)),
        forged,
        signed(&publisher(), report(77, 2)),
        signed(&publisher(), report(USD_FEED, 1)),
        signed(&publisher(), report(GOLD_FEED, 2)),
    ]);
    assert!(done.is_success());
    let reasons: Vec<_> = done.logs()[..4]
        .iter()
        .map(|log| IOracle::ReportRejected::decode_log(log).unwrap())
        .map(|event| gage_abi::decode_error(&event.reason).unwrap())
        .collect();
    let names = ["UnknownSource", "UnknownSource", "UnknownSource", "ReportNotNewer"];
    for (reason, name) in reasons.iter().zip(names) {
        assert!(reason.starts_with(name), "{reason}");
    }
    let updated = IOracle::PriceUpdated::decode_log(&done.logs()[4]).unwrap();
    assert_eq!(updated.price, price);
    let feed = world.ok(STRANGER, ORACLE, IOracle::feedStateCall { feed: GOLD_FEED });
    assert_eq!((feed.price, feed.rounds, feed.fresh), (price, 2, true));
}

#[test]
fn only_the_system_runs_a_prelude() {
    let mut world = World::market();
    let call = IOracle::preludeCall { reports: Vec::new(), messages: Vec::new() };
    assert_eq!(world.refused(STRANGER, ORACLE, call), "SystemOnly()");
}

#[test]
fn the_registry_counts_and_finds() {
    let mut world = World::market();
    let counts = world.ok(STRANGER, REGISTRY, IRegistry::countsCall {});
    assert_eq!((counts.assets, counts.vaults, counts.markets, counts.feeds), (3, 1, 1, 2));
    assert_eq!(world.ok(STRANGER, REGISTRY, IRegistry::assetAtCall { id: 2 }), GOLD);
    assert_eq!(world.ok(STRANGER, REGISTRY, IRegistry::vaultAtCall { id: 1 }), VAULT);
    let error = world.refused(STRANGER, REGISTRY, IRegistry::vaultAtCall { id: 2 });
    assert_eq!(error, "UnknownVault(vault: 2)");
    assert_eq!(world.ok(STRANGER, REGISTRY, IRegistry::governanceCall {}), GOVERNOR);
}

/// What operations cost, so that a change is seen.
#[test]
fn gas_of_operations() {
    let mut world = World::market();
    let mut costs = Vec::new();
    let mut note = |name: &str, done: Done| {
        assert!(done.is_success(), "{name}: {:?}", done.result);
        costs.push(format!("{name}: {}", done.gas()));
    };
    note(
        "transfer",
        world.call(LENDER, USD, IERC20Permit::transferCall { to: BORROWER, value: u(1) }),
    );
    let deposit = IVault::depositCall { assets: u(1_000 * DOLLAR), receiver: LENDER };
    world.now += 12;
    note("deposit", world.call(LENDER, VAULT, deposit));
    note("supply collateral, first", world.call(BORROWER, MARKET, supply(10 * WAD)));
    note("borrow, first", world.call(BORROWER, MARKET, borrow(10_000 * DOLLAR)));
    world.now += 12;
    note("supply collateral", world.call(BORROWER, MARKET, supply(WAD)));
    note("borrow", world.call(BORROWER, MARKET, borrow(1_000 * DOLLAR)));
    world.now += 12;
    note("repay", world.call(BORROWER, MARKET, repay(u(500 * DOLLAR))));
    world.now += 12;
    note("withdraw collateral", world.call(BORROWER, MARKET, release(u(WAD))));
    let exit = IVault::withdrawCall { assets: u(DOLLAR), receiver: LENDER, owner: LENDER };
    world.now += 12;
    note("withdraw", world.call(LENDER, VAULT, exit));
    world.prices(1_250 * WAD, WAD);
    note("liquidate", world.call(LIQUIDATOR, MARKET, liquidate(U256::MAX)));
    world.prices(100 * WAD, WAD);
    note("close out", world.call(LIQUIDATOR, MARKET, liquidate(U256::MAX)));
    insta::assert_snapshot!(costs.join("\n"));
}
