//! Nobody is called while an operation is open: receivers with code run none of it.

use crate::support::bytecode::{By, proxy, through};
use crate::support::*;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use gage_abi::addresses::MARKET;
use gage_abi::{IAsset, IERC20Permit, IMarket, IVault};
use revm::bytecode::opcode as op;

/// Writes a slot, whatever it is called with.
const TELLTALE: [u8; 5] = [op::PUSH1, 1, op::PUSH0, op::SSTORE, op::STOP];

impl World {
    fn witness(&mut self) -> Address {
        self.deploy(0xc1, TELLTALE.to_vec())
    }

    /// Calls on as it is told, and writes a slot when it is called with nothing but coins.
    fn hollow(&mut self) -> Address {
        let mut code = vec![op::CALLDATASIZE, op::PUSH1, 9, op::JUMPI];
        code.extend(TELLTALE);
        code.push(op::JUMPDEST);
        code.extend(proxy(By::Call));
        self.deploy(0xc2, code)
    }

    fn has_run(&self, contract: Address) -> bool {
        let slots = self.db.cache.accounts.get(&contract).map(|account| &account.storage);
        slots.is_some_and(|slots| slots.values().any(|value| !value.is_zero()))
    }
}

/// A payout to `to`: who asks whom for what.
type Payout = fn(Address) -> (Address, Address, Vec<u8>);

const PAYOUTS: [(&str, Payout); 9] = [
    ("mint", |to| (OWNER, USD, IAsset::mintCall { to, value: u(5) }.abi_encode())),
    ("transfer", |to| {
        (LIQUIDATOR, USD, IERC20Permit::transferCall { to, value: u(5) }.abi_encode())
    }),
    ("deposit", |receiver| {
        (LIQUIDATOR, VAULT, IVault::depositCall { assets: u(DOLLAR), receiver }.abi_encode())
    }),
    ("withdraw", |receiver| {
        let call = IVault::withdrawCall { assets: u(DOLLAR), receiver, owner: LENDER };
        (LENDER, VAULT, call.abi_encode())
    }),
    ("borrow", |receiver| {
        (BORROWER, MARKET, IMarket::borrowCall { receiver, ..borrow(DOLLAR) }.abi_encode())
    }),
    ("release", |receiver| {
        let call = IMarket::withdrawCollateralCall { receiver, ..release(u(1)) };
        (BORROWER, MARKET, call.abi_encode())
    }),
    ("pledge for", |owner| {
        (BORROWER, MARKET, IMarket::supplyCollateralCall { owner, ..supply(1) }.abi_encode())
    }),
    ("repay", |_| (BORROWER, MARKET, repay(u(DOLLAR)).abi_encode())),
    ("liquidate", |receiver| {
        let call = IMarket::liquidateCall { receiver, ..liquidate(U256::MAX) };
        (LIQUIDATOR, MARKET, call.abi_encode())
    }),
];

/// EVM-3, R-01, R-02, R-04, R-05, R-06, R-07, R-08, R-11, R-16, E-08: whatever pays out, to whomever, runs no
/// code of the receiver, so there is no moment at which an operation could be entered again, and no door
/// through which one module is reached out of another.
#[test]
fn reg_r01_payouts_call_nobody() {
    for (name, payout) in PAYOUTS {
        let mut world = World::loan();
        let witness = world.witness();
        if name == "liquidate" {
            world.prices(500 * WAD, WAD);
        }
        let (from, to, data) = payout(witness);
        let done = world.send(from, to, U256::ZERO, data);
        assert!(done.is_success(), "{name}: {:?}", done.result);
        assert!(!world.has_run(witness), "{name} called its receiver");
        assert!(done.logs().iter().all(|log| gage_evm::is_native(log.address)), "{name}");
        world.check_ties();
    }
}

/// EVM-3, R-08, R-13: coins that are unwrapped arrive without a call, all of them, after the books.
#[test]
fn reg_r08_coins_arrive_without_a_call() {
    let mut world = World::market();
    let hollow = world.hollow();
    // The telltale tells: a plain payment runs it.
    let mut other = world.clone();
    assert!(other.send(STRANGER, hollow, u(1), Vec::new()).is_success());
    assert!(other.has_run(hollow));

    let wrap = through(WRAPPED, &IAsset::depositCall {}.abi_encode());
    assert!(world.send(STRANGER, hollow, u(100), wrap).is_success());
    assert_eq!(world.balance(WRAPPED, hollow), 100);
    let unwrap = through(WRAPPED, &IAsset::withdrawCall { value: u(60) }.abi_encode());
    assert!(world.send(STRANGER, hollow, U256::ZERO, unwrap).is_success());
    assert_eq!((world.balance(WRAPPED, hollow), world.coins(hollow)), (40, u(60)));
    assert!(!world.has_run(hollow), "unwrapping called its receiver");
    world.check_ties();
}
