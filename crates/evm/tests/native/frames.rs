//! Native calls from other frames: reverts, halts, delegation, coins in between.

use crate::support::bytecode::{By, End, Step, batch, steps, through};
use crate::support::*;
use alloy_primitives::{Address, U256, address};
use alloy_sol_types::SolCall;
use gage_abi::addresses::{self, MARKET, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IRegistry};
use gage_core::{AssetId, VaultId};
use proptest::prelude::*;
use revm::bytecode::{Bytecode, opcode as op};
use revm::state::AccountInfo;
use std::collections::BTreeMap;

const SINK: Address = address!("00000000000000000000000000000000000000f1");

fn transfer(value: u128) -> Vec<u8> {
    IERC20Permit::transferCall { to: SINK, value: u(value) }.abi_encode()
}

/// EVM-1, E-05: `reg_e05`. What an inner frame did natively goes when that frame reverts or halts;
/// what the outer frame did stays, logs alike.
#[test]
fn reg_e05_a_reverted_frame_takes_its_native_effects_along() {
    for end in [End::Revert, End::Invalid] {
        let mut world = World::market();
        let (outer, inner) = (world.batch(End::Stop), world.batch(end));
        for holder in [outer, inner] {
            world.ok(OWNER, USD, IAsset::mintCall { to: holder, value: u(100) });
        }
        let done = world.send(
            STRANGER,
            outer,
            U256::ZERO,
            steps(&[
                Step::new(USD, transfer(1)),
                Step::new(inner, steps(&[Step::new(USD, transfer(10))])),
                Step::new(USD, transfer(2)),
            ]),
        );
        assert!(done.is_success());
        assert_eq!(done.logs().len(), 2, "{end:?}");
        assert_eq!(world.balance(USD, SINK), 3);
        assert_eq!(world.balance(USD, inner), 100);
        world.check_ties();
    }
}

/// A tree of frames with native transfers at its leaves.
#[derive(Clone, Debug)]
enum Node {
    Transfer { value: u128, gas: u64 },
    Frame { end: End, children: Vec<Node> },
}

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = (0_u128..60, prop_oneof![3 => Just(200_000_u64), 1 => 0_u64..TOO_LITTLE])
        .prop_map(|(value, gas)| Node::Transfer { value, gas });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let end =
            prop_oneof![2 => Just(End::Stop), 1 => Just(End::Revert), 1 => Just(End::Invalid)];
        (end, prop::collection::vec(inner, 1..4))
            .prop_map(|(end, children)| Node::Frame { end, children })
    })
}

/// Gas with which a transfer succeeds for certain, and with which it fails for certain.
const ENOUGH: u64 = 60_000;
const TOO_LITTLE: u64 = 2_000;

fn step(node: &Node, frames: &BTreeMap<u8, Address>) -> Step {
    match node {
        Node::Transfer { value, gas } => Step { gas: *gas, ..Step::new(USD, transfer(*value)) },
        Node::Frame { end, children } => {
            let inner: Vec<_> = children.iter().map(|child| step(child, frames)).collect();
            let depth = 1 + depth(children);
            Step {
                gas: 2_000_000 * 5_u64.pow(depth),
                ..Step::new(frames[&(*end as u8)], steps(&inner))
            }
        }
    }
}

fn depth(children: &[Node]) -> u32 {
    let deepest = children.iter().map(|child| match child {
        Node::Transfer { .. } => 0,
        Node::Frame { children, .. } => 1 + depth(children),
    });
    deepest.max().unwrap_or(0)
}

/// The reference: copies everything at each frame, and takes the copy back when the frame fails.
fn reference(
    node: &Node,
    caller: Address,
    balances: &mut BTreeMap<Address, u128>,
    frames: &BTreeMap<u8, Address>,
) {
    match node {
        Node::Transfer { value, gas } => {
            let held = balances[&caller];
            if *gas >= ENOUGH && held >= *value {
                balances.insert(caller, held - value);
                *balances.entry(SINK).or_default() += value;
            }
        }
        Node::Frame { end, children } => {
            let before = balances.clone();
            let this = frames[&(*end as u8)];
            for child in children {
                reference(child, this, balances, frames);
            }
            if *end != End::Stop {
                *balances = before;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// EVM-1, E-05: random trees of frames leave what an interpreter that copies state leaves.
    #[test]
    fn reg_e05_call_trees_equal_the_reference(children in prop::collection::vec(any_node(), 1..5)) {
        let root = Node::Frame { end: End::Stop, children };
        let mut world = World::market();
        let mut frames = BTreeMap::new();
        let mut balances = BTreeMap::from([(SINK, 0)]);
        for end in [End::Stop, End::Revert, End::Invalid] {
            let frame = world.batch(end);
            frames.insert(end as u8, frame);
            balances.insert(frame, 100);
            world.ok(OWNER, USD, IAsset::mintCall { to: frame, value: u(100) });
        }
        reference(&root, STRANGER, &mut balances, &frames);
        let Step { to, data, .. } = step(&root, &frames);
        let mut tx = World::tx(STRANGER, to, U256::ZERO, data);
        tx.gas_limit = 10_000_000_000_000;
        prop_assert!(world.transact(tx).is_success());
        for (holder, balance) in balances {
            prop_assert_eq!(world.balance(USD, holder), balance);
        }
        world.check_ties();
    }
}

/// SOL-3, E-04: `reg_e04`. Coins sent, wrapped, unwrapped and sent again within one transaction are
/// counted once, whatever frame fails in between.
#[test]
fn reg_e04_coins_and_wrapped_coins_are_counted_once() {
    let wrap = IAsset::depositCall {}.abi_encode();
    let unwrap = |value: u128| IAsset::withdrawCall { value: u(value) }.abi_encode();
    for end in [End::Stop, End::Revert, End::Invalid] {
        let mut world = World::market();
        let outer = world.batch(End::Stop);
        let inner = world.deploy(0xc0, batch(end));
        let pay = |to, value: u128, data| Step { value: u(value), ..Step::new(to, data) };
        let nested = steps(&[
            pay(WRAPPED, 30, wrap.clone()),
            Step::new(WRAPPED, unwrap(10)),
            pay(SINK, 5, Vec::new()),
            Step::new(WRAPPED, unwrap(20)),
            pay(WRAPPED, 7, wrap.clone()),
        ]);
        let data = steps(&[
            pay(SINK, 1, Vec::new()),
            pay(WRAPPED, 50, wrap.clone()),
            pay(inner, 40, nested),
            Step::new(WRAPPED, unwrap(20)),
            pay(SINK, 60, Vec::new()),
            Step::new(WRAPPED, unwrap(1_000)),
        ]);
        let before = world.coins(STRANGER);
        assert!(world.send(STRANGER, outer, u(100), data).is_success());
        let held: U256 =
            [STRANGER, outer, inner, SINK, WRAPPED].map(|at| world.coins(at)).iter().sum();
        assert_eq!(held, before, "{end:?}");
        let wrapped = [outer, inner].map(|holder| world.balance(WRAPPED, holder));
        assert_eq!(world.coins(WRAPPED), u(wrapped.iter().sum()), "{end:?}");
        assert_eq!(wrapped[0], 30);
        assert_eq!(wrapped[1], if end == End::Stop { 7 } else { 0 });
        world.check_ties();
    }
}

/// AUT-1, E-01: the caller is the immediate frame: a contract called by the borrower is a stranger.
#[test]
fn reg_e01_the_caller_is_the_immediate_frame() {
    let mut world = World::loan();
    let data = release(u(1)).abi_encode();
    let (success, output) = world.by(By::Call, BORROWER, MARKET, &data);
    assert!(!success);
    let error = gage_abi::decode_error(&output).unwrap();
    assert!(error.starts_with("InsufficientCollateral(pledged: 0"), "{error}");
}

/// Addresses that native contracts may get, or never will.
fn vacant() -> Vec<Address> {
    let forms = [addresses::vault(VaultId::new(99)), addresses::asset(AssetId::new(99))];
    let parts = [addresses::exits(VaultId::new(99)), addresses::rebasing(AssetId::new(99))];
    let never = [
        address!("6761676500000000000000000000000000000000"),
        address!("6761676501000000000000000000000000000001"),
        address!("6761676505000000000000000000000000000000"),
        address!("6761676505000000000001000000000000000001"),
        address!("67616765ffffffffffffffffffffffffffffffff"),
    ];
    [&forms[..], &parts, &never].concat()
}

/// EVM-4, E-01, E-06: where no native contract is, every call is refused by name and takes nothing along:
/// coins alone, by whatever opcode, and also if somebody put code there.
#[test]
fn calls_to_vacant_native_addresses_are_refused() {
    let mut world = World::market();
    world.db.insert_account_info(vacant()[0], AccountInfo::from_balance(u(1)));
    let code = Bytecode::new_raw([op::STOP].into());
    world.db.insert_account_info(vacant()[8], AccountInfo::from_bytecode(code));
    for by in [By::Call, By::StaticCall, By::CallCode, By::DelegateCall] {
        world.proxy(by);
    }
    let before = world.state();
    let deposit = IAsset::depositCall {}.abi_encode();
    for at in vacant() {
        let named = format!("NotNativeContract(account: {at})");
        for (value, data) in [(0, vec![]), (WAD, vec![]), (WAD, deposit.clone()), (0, transfer(1))]
        {
            let done = world.send(STRANGER, at, u(value), data.clone());
            assert_eq!(done.error(), named);
            for by in [By::Call, By::StaticCall, By::CallCode, By::DelegateCall] {
                let (success, output) = world.by(by, STRANGER, at, &data);
                assert!(!success, "{by:?}");
                assert_eq!(gage_abi::decode_error(&output).unwrap(), named, "{by:?}");
            }
            let proxy = world.proxy(By::Call);
            let refused = world.send(STRANGER, proxy, u(value), through(at, &data)).output();
            assert_eq!(gage_abi::decode_error(&refused[32..]).unwrap(), named);
            // The coins came as far as the proxy.
            let info = AccountInfo::from_balance(world.coins(STRANGER) + u(value));
            world.db.insert_account_info(STRANGER, info);
            world.proxy(By::Call);
            assert_eq!(world.state(), before, "{at}");
        }
        // The gas of a plain payment is enough to be told.
        let mut payment = World::tx(STRANGER, at, u(1), Vec::new());
        payment.gas_limit = dues::TRANSACTION;
        assert_eq!(world.transact(payment).error(), named);
    }
}

/// E-04: a call that came too early is lost alone: the contract that comes later in the same transaction is whole.
#[test]
fn a_contract_gets_its_address_after_a_call_that_was_refused() {
    let mut world = World::market();
    let outer = world.batch(End::Stop);
    let later = addresses::asset(AssetId::new(4));
    let (name, symbol) = ("Later".to_owned(), "LATER".to_owned());
    let create = IRegistry::createAssetCall { name, symbol, decimals: 18 }.abi_encode();
    let mint = |value: u128| IAsset::mintCall { to: SINK, value: u(value) }.abi_encode();
    let pay = Step { value: u(5), ..Step::new(later, Vec::new()) };
    let data = steps(&[
        pay,
        Step::new(later, mint(1)),
        Step::new(REGISTRY, create),
        Step::new(later, mint(20)),
    ]);
    assert!(world.send(STRANGER, outer, u(5), data).is_success());
    assert_eq!(world.balance(later, SINK), 20);
    assert_eq!((world.coins(later), world.coins(outer)), (U256::ZERO, u(5)));
    world.check_ties();
}

/// EVM-2: an account that delegates its code to a native contract (EIP-7702) runs none of it.
#[test]
fn accounts_cannot_delegate_to_native_contracts() {
    let mut world = World::loan();
    for contract in [MARKET, VAULT, USD, WRAPPED] {
        let code = Bytecode::new_eip7702(contract);
        let info = AccountInfo::from_bytecode(code).with_balance(u(WAD)).with_nonce(1);
        world.db.insert_account_info(STRANGER, info);
        let before = world.state();
        for data in [release(u(1)).abi_encode(), transfer(1), IAsset::depositCall {}.abi_encode()] {
            let done = world.send(LENDER, STRANGER, U256::ZERO, data);
            assert!(!done.is_success(), "{:?}", done.result);
            assert!(done.logs().is_empty());
        }
        assert_eq!(world.state(), before);
    }
}
