use crate::support::*;
use alloy_evm::Evm;
use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use gage_abi::addresses::MARKET;
use gage_abi::{IERC20Permit, IVault};
use std::time::Instant;
#[test]
fn bench() {
    let mut world = World::loan();
    world.ok(BORROWER, MARKET, supply(50 * WAD));
    world.now += 5;
    let env = world.env();
    let db = world.db.clone();
    let cases = [
        ("transfer coins", World::tx(LENDER, STRANGER, u(1), vec![])),
        (
            "transfer",
            World::tx(
                LENDER,
                USD,
                u(0),
                IERC20Permit::transferCall { to: STRANGER, value: u(1) }.abi_encode(),
            ),
        ),
        ("supply", World::tx(BORROWER, MARKET, u(0), supply(WAD).abi_encode())),
        ("borrow", World::tx(BORROWER, MARKET, u(0), borrow(DOLLAR).abi_encode())),
        ("repay", World::tx(BORROWER, MARKET, u(0), repay(u(DOLLAR)).abi_encode())),
        ("withdraw collateral", World::tx(BORROWER, MARKET, u(0), release(u(WAD)).abi_encode())),
        (
            "deposit",
            World::tx(
                LENDER,
                VAULT,
                u(0),
                IVault::depositCall { assets: u(DOLLAR), receiver: LENDER }.abi_encode(),
            ),
        ),
        (
            "withdraw",
            World::tx(
                LENDER,
                VAULT,
                u(0),
                IVault::withdrawCall { assets: u(DOLLAR), receiver: LENDER, owner: LENDER }
                    .abi_encode(),
            ),
        ),
    ];
    for (name, tx) in cases {
        let mut evm = gage_evm::evm(db.clone(), env.clone(), revm::inspector::NoOpInspector {});
        assert!(evm.transact_raw(tx.clone()).unwrap().result.is_success());
        let mut best = u128::MAX;
        for _ in 0..20 {
            let start = Instant::now();
            for _ in 0..500 {
                let r = evm.transact_raw(tx.clone()).unwrap();
                assert!(r.result.is_success());
            }
            best = best.min(start.elapsed().as_nanos() / 500);
        }
        eprintln!("{name}: {best} ns");
    }
    let _ = U256::ZERO;
}
