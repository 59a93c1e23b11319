//! What gas pays for: slots, logs, and time, of operations and of proofs.

use crate::messages;
use crate::support::bytecode::{End, Step, steps};
use crate::support::*;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IOracle, IRegistry, IVault};
use std::time::Instant;

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

/// How many times as long as the EVM's dearest gas one of a prelude full of proofs may take: there are hashes in them,
/// parsing that debug builds do not optimise, and threads that wait for each other.
const PROOFS_SLOWER: u128 = 8;

/// How long a gas of something takes, in picoseconds: the best of several times, as other programs run beside.
fn picoseconds_per_gas(world: &World, what: impl Fn(&mut World) -> Done) -> u128 {
    let once = |_| {
        let mut world = world.clone();
        let started = Instant::now();
        let done = what(&mut world);
        let time = started.elapsed();
        assert!(done.is_success(), "{:?}", done.result);
        time.as_nanos() * 1_000 / u128::from(done.gas())
    };
    (0..20).map(once).min().unwrap()
}

/// A gas of recovering signers by the precompile, which is what the EVM offers that takes most time for its gas.
fn recovering() -> u128 {
    let mut world = World::market();
    let hash = B256::repeat_byte(7);
    let (v, r, s) = sign(&publisher(), hash);
    let word = U256::from(v).to_be_bytes::<32>();
    let input = [hash.as_slice(), &word, r.as_slice(), s.as_slice()].concat();
    let recover = Step::new(Address::with_last_byte(1), input);
    let batch = world.batch(End::Stop);
    let data = steps(&vec![recover; 40]);
    picoseconds_per_gas(&world, |world| world.send(LENDER, batch, U256::ZERO, data.clone()))
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

/// N-08: time is paid for. A gas of any operation and of a sweep takes no longer than one of recovering signers by the EVM's
/// own precompile, and one of other oracles' proofs in a prelude a few times as long; so what the gas of a block bounds is
/// bounded in time. Catches work that grows while its price does not.
#[test]
fn reg_n08_time_is_paid_for() {
    let dearest = recovering();
    let mut slow = Vec::new();
    let mut judge = |name: &'static str, found: u128, most: u128| {
        println!("{found:>8} of {most} ps: {name}");
        if found > most {
            slow.push((name, found, most));
        }
    };
    let mut world = World::market();
    for (name, (from, to, data)) in life() {
        world.now += 5;
        let send = |world: &mut World| world.send(from, to, U256::ZERO, data.clone());
        judge(name, picoseconds_per_gas(&world, send), dearest);
        send(&mut world);
    }
    let mut falling = World::loan();
    falling.bid(LENDER, 2, 5_000);
    falling.prices(1_400 * WAD, WAD);
    let due = [super::sweeps::account(BORROWER)];
    judge("sweep", picoseconds_per_gas(&falling, |world| world.sweep(&due)), dearest);
    for (name, world, message) in messages::heard() {
        // Only the first says something new, and each is verified.
        let messages = vec![message; 4];
        let prelude = |world: &mut World| world.prelude_of(&[], &messages);
        judge(name, picoseconds_per_gas(&world, prelude), PROOFS_SLOWER * dearest);
    }
    assert!(slow.is_empty(), "{slow:?}");
}
