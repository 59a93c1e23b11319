//! Gas: effects only once everything is paid for.

use crate::support::*;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use gage_abi::addresses::MARKET;
use gage_abi::{IERC20Permit, IVault};

fn limited(world: &World, (from, to): (Address, Address), data: &[u8], gas: u64) -> (World, Done) {
    let mut world = world.clone();
    let mut tx = World::tx(from, to, U256::ZERO, data.to_vec());
    tx.gas_limit = gas;
    let done = world.transact(tx);
    (world, done)
}

/// EVM-4, E-09: `reg_e09`. From the least gas a transaction may have up to success: no limit below
/// the one that suffices changes anything, and a failure by gas takes all of it.
#[test]
fn reg_e09_state_changes_only_at_success() {
    let mut falling = World::loan();
    falling.prices(1_400 * WAD, WAD);
    let deposit = IVault::depositCall { assets: u(DOLLAR), receiver: LENDER };
    let cases = [
        ("borrow", World::loan(), (BORROWER, MARKET), borrow(100 * DOLLAR).abi_encode()),
        ("deposit", World::loan(), (LENDER, VAULT), deposit.abi_encode()),
        ("repay", World::loan(), (BORROWER, MARKET), repay(u(DOLLAR)).abi_encode()),
        ("liquidate", falling, (LIQUIDATOR, MARKET), liquidate(U256::MAX).abi_encode()),
    ];
    for (name, mut world, parties, data) in cases {
        world.now += 5;
        let before = world.state();
        let (_, whole) = limited(&world, parties, &data, GAS_LIMIT);
        assert!(whole.is_success(), "{name}");
        let mut gas = 25_000;
        let mut succeeded = false;
        while gas < whole.gas() + 60_000 {
            let (after, done) = limited(&world, parties, &data, gas);
            if done.is_success() {
                succeeded = true;
                assert_ne!(after.state(), before, "{name} at {gas}");
            } else {
                assert!(!succeeded, "{name}: {gas} is too little where less was enough");
                assert!(done.is_halt(), "{name} at {gas}: {:?}", done.result);
                assert_eq!(done.gas(), gas, "{name}");
                assert_eq!(after.state(), before, "{name} at {gas}");
                assert!(done.logs().is_empty());
            }
            gas += 997;
        }
        assert!(succeeded, "{name}");
    }
}

/// `eth_estimateGas` searches for the least limit that succeeds: there is exactly one border.
#[test]
fn the_least_sufficient_gas_is_found_by_halving() {
    let world = World::loan();
    let (parties, data) = ((BORROWER, MARKET), borrow(100 * DOLLAR).abi_encode());
    let (mut low, mut high) = (25_000, GAS_LIMIT);
    while low + 1 < high {
        let middle = low.midpoint(high);
        let fits = limited(&world, parties, &data, middle).1.is_success();
        if fits { high = middle } else { low = middle }
    }
    let used = limited(&world, parties, &data, high).1.gas();
    assert!(high >= used && high < used + 30_000, "{high} {used}");
}

/// A refused call pays for what it did and no more; it gets no refund.
#[test]
fn refused_calls_keep_the_rest_of_their_gas() {
    let mut world = World::loan();
    let done = world.call(BORROWER, MARKET, borrow(100_000 * DOLLAR));
    assert!(done.error().starts_with("AboveLimit("), "{}", done.error());
    assert!(done.gas() < 100_000, "{}", done.gas());
}

/// EIP-3529: clearing a slot is refunded, up to a fifth of the gas.
#[test]
fn clearing_a_balance_is_refunded() {
    let mut world = World::market();
    world.ok(LENDER, USD, IERC20Permit::transferCall { to: STRANGER, value: u(10) });
    let part = world.call(STRANGER, USD, IERC20Permit::transferCall { to: LENDER, value: u(4) });
    let rest = world.call(STRANGER, USD, IERC20Permit::transferCall { to: LENDER, value: u(6) });
    assert!(rest.gas() + 4_000 < part.gas(), "{} {}", rest.gas(), part.gas());
}
