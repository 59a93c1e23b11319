//! What gas pays for: slots and logs of operations, and proofs.

use crate::messages;
use crate::support::*;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IOracle, IRegistry, IVault};

type Call = (Address, Address, Vec<u8>);

fn call(from: Address, to: Address, call: impl SolCall) -> Call {
    (from, to, call.abi_encode())
}

/// An account's life and a lender's, each operation of theirs once, in an order in which all succeed.
fn life() -> Vec<(&'static str, Call)> {
    let market = |from, what: &dyn Fn() -> Vec<u8>| (from, MARKET, what());
    let shares = u(1_000 * DOLLAR * 1_000_000);
    let (tier, asset, vault, receiver) = (2, GOLD, VAULT, LENDER);
    let queue = IMarket::placeBidCall { market: 1, vault, asset, tier, shares };
    let notice = IMarket::announceBidWithdrawalCall { market: 1, vault, asset, tier };
    let deposit = IVault::depositCall { assets: u(10_000 * DOLLAR), receiver };
    let mint = IVault::mintCall { shares, receiver };
    let withdraw = IVault::withdrawCall { assets: u(DOLLAR), receiver, owner: LENDER };
    let redeem = IVault::redeemCall { shares: u(1_000_000), receiver, owner: LENDER };
    let exit = IVault::requestRedeemCall { shares, controller: LENDER, owner: LENDER };
    let claim = IVault::claimExitCall { requestId: U256::ONE, receiver };
    let move_on = IERC20Permit::transferCall { to: STRANGER, value: u(5) };
    let allow = IERC20Permit::approveCall { spender: STRANGER, value: u(7) };
    let spend = IERC20Permit::transferFromCall { from: LENDER, to: STRANGER, value: u(7) };
    let stake = IMarket::stakeCall { market: 1, vault, shares };
    let order = IMarket::setStopLossCall {
        market: 1,
        sub: 0,
        asset,
        vault,
        trigger: u(WAD * 11 / 10),
        target: u(WAD * 12 / 10),
        tierMax: 4,
    };
    let operator = IMarket::setOperatorCall {
        market: 1,
        sub: 0,
        operator: STRANGER,
        permissions: 1,
        expiresAt: 2_000_000_000,
        receiver: BORROWER,
    };
    let pairs = vec![IMarket::VaultPair { from: VAULT, to: VAULT }];
    let rehome =
        IMarket::rehomeCall { owner: BORROWER, market: 1, sub: 0, toMarket: 1, toSub: 1, pairs };
    let create = IRegistry::createAssetCall { name: "A".into(), symbol: "A".into(), decimals: 6 };
    let issue = IAsset::mintCall { to: STRANGER, value: u(1) };
    let freeze = IOracle::freezeFeedCall { feed: USD_FEED, duration: 60 };
    vec![
        ("deposit", call(LENDER, VAULT, deposit)),
        ("mint", call(LENDER, VAULT, mint)),
        ("withdraw", call(LENDER, VAULT, withdraw)),
        ("redeem", call(LENDER, VAULT, redeem)),
        ("request an exit", call(LENDER, VAULT, exit)),
        ("claim it", call(LENDER, VAULT, claim)),
        ("transfer", call(LENDER, USD, move_on)),
        ("approve", call(LENDER, USD, allow)),
        ("transfer from", call(STRANGER, USD, spend)),
        ("supply", market(BORROWER, &|| supply(10 * WAD).abi_encode())),
        ("borrow", market(BORROWER, &|| borrow(12_000 * DOLLAR).abi_encode())),
        ("repay", market(BORROWER, &|| repay(u(DOLLAR)).abi_encode())),
        ("release", market(BORROWER, &|| release(u(WAD / 10)).abi_encode())),
        ("bid", call(LENDER, MARKET, queue)),
        ("announce", call(LENDER, MARKET, notice)),
        ("stake", call(LENDER, MARKET, stake)),
        ("order", call(BORROWER, MARKET, order)),
        ("let act", call(BORROWER, MARKET, operator)),
        ("move", call(BORROWER, MARKET, rehome)),
        ("create", call(OWNER, REGISTRY, create)),
        ("issue", call(OWNER, USD, issue)),
        ("freeze", call(GUARDIAN, ORACLE, freeze)),
    ]
}

/// N-08: whatever an operation reads, writes and tells is paid for as the EVM's own code pays for it: a slot's first
/// access, a slot that was zero, a log's bytes. [`World::transact`] compares the state and the logs of every transaction of
/// these tests with its gas. Catches a native write that is cheaper than a contract's.
#[test]
fn reg_n08_nothing_is_written_cheaply() {
    let mut world = World::market();
    for (name, (from, to, data)) in life() {
        world.now += 5;
        let done = world.send(from, to, U256::ZERO, data);
        assert!(done.is_success(), "{name}: {:?}", done.result);
    }
    // The system's own calls do not pay, and are metered alike.
    let mut falling = World::loan();
    falling.bid(LENDER, 2, 5_000);
    falling.prices(1_400 * WAD, WAD);
    let done = falling.sweep(&[super::sweeps::account(BORROWER)]);
    assert!(done.is_success() && done.gas() > 100_000);
}

/// N-08: another oracle's message costs at least what the EVM takes for recovering its signers, whether or not it says
/// something new. Catches proofs that are verified for the price of a call.
#[test]
fn reg_n08_proofs_are_paid_for() {
    // 3,000 gas is the precompile's price.
    for ((name, world, message), signatures) in messages::heard().into_iter().zip([13, 3, 6]) {
        let gas = |count| {
            let messages = vec![message.clone(); count];
            world.clone().prelude_of(&[], &messages).gas()
        };
        let more = gas(4) - gas(1);
        assert!(more >= 3 * 3_000 * signatures, "{name}: {more} for three more");
    }
}
