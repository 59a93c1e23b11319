//! Every function of every interface, from the ABI itself.

use crate::support::bytecode::{By, through};
use crate::support::*;
use alloy_json_abi::{Function, StateMutability};
use alloy_primitives::{Address, U256};
use gage_abi::addresses::{self, MARKET, ORACLE, REGISTRY};
use gage_core::AssetId;

/// The rebasing view over the dollar; [`World::viewed`] has it.
pub(crate) const VIEW: Address = addresses::rebasing(AssetId::new(3));

/// Every function that a native contract answers, with one such contract.
pub(crate) fn entries() -> Vec<(Address, Function)> {
    let mut entries = Vec::new();
    for (name, abi) in gage_abi::interfaces() {
        let contracts: &[Address] = match name {
            "IGageErrors" => &[],
            "IERC20Permit" => &[USD, VAULT, VIEW],
            "IRebasing" => &[VIEW],
            "IAsset" => &[WRAPPED, USD],
            "IVault" => &[VAULT],
            "IExit" => &[EXITS],
            "IMarket" => &[MARKET],
            "IOracle" => &[ORACLE],
            "IRegistry" => &[REGISTRY],
            other => panic!("no contract for {other}"),
        };
        for function in abi.functions() {
            entries.extend(contracts.iter().map(|contract| (*contract, function.clone())));
        }
    }
    assert!(entries.len() > 110, "{}", entries.len());
    entries
}

pub(crate) fn is_view(function: &Function) -> bool {
    matches!(function.state_mutability, StateMutability::View | StateMutability::Pure)
}

/// Calldata whose arguments are all zero, which every function decodes.
pub(crate) fn zeros(function: &Function) -> Vec<u8> {
    let mut data = function.selector().to_vec();
    data.resize(4 + 2_048, 0);
    data
}

#[test]
fn every_function_is_dispatched() {
    let world = World::viewed();
    for (contract, function) in entries() {
        let done = world.clone().send(OWNER, contract, U256::ZERO, zeros(&function));
        assert!(!done.is_halt(), "{}: {:?}", function.signature(), done.result);
        if !done.is_success() {
            let error = done.error();
            let lost = error.starts_with("UnknownFunction") || error == "MalformedCall()";
            assert!(!lost, "{}: {error}", function.signature());
        }
    }
}

/// EVM-2, E-06: `reg_e06`. A view answers in a static frame; anything else halts there with all the
/// gas of the frame and without effect, directly and one frame deeper.
#[test]
fn reg_e06_static_frames_cannot_write() {
    let mut base = World::viewed();
    base.proxy(By::StaticCall);
    let caller = base.proxy(By::Call);
    let before = base.state();
    for (contract, function) in entries() {
        let (data, name) = (zeros(&function), function.signature());
        let mut world = base.clone();
        let direct = world.by(By::StaticCall, OWNER, contract, &data);
        if is_view(&function) {
            assert_eq!(direct, world.by(By::Call, OWNER, contract, &data), "{name}");
            continue;
        }
        assert_eq!(direct, (false, [].into()), "{name}");
        let (success, output) = world.by(By::StaticCall, OWNER, caller, &through(contract, &data));
        assert!(success && output.len() == 32 && output[31] == 0, "{name}");
        assert_eq!(world.state(), before, "{name}");
    }
}

/// EVM-2: a view changes nothing and logs nothing, however it is called.
#[test]
fn views_leave_no_trace() {
    let world = World::viewed();
    let before = world.state();
    for (contract, function) in entries().into_iter().filter(|(_, function)| is_view(function)) {
        let mut world = world.clone();
        let done = world.send(STRANGER, contract, U256::ZERO, zeros(&function));
        assert!(done.logs().is_empty(), "{}", function.signature());
        assert_eq!(world.state(), before, "{}", function.signature());
    }
}

/// EVM-2, E-01, E-03, L-13: `reg_e01`. Another contract's context never reaches a native contract.
#[test]
fn reg_e01_delegated_calls_are_refused() {
    let mut world = World::viewed();
    world.proxy(By::DelegateCall);
    world.proxy(By::CallCode);
    let before = world.state();
    for (contract, function) in entries() {
        for by in [By::DelegateCall, By::CallCode] {
            let (success, output) = world.by(by, OWNER, contract, &zeros(&function));
            assert!(!success, "{by:?} {}", function.signature());
            assert_eq!(gage_abi::decode_error(&output).unwrap(), "DirectCallOnly()");
        }
        assert_eq!(world.state(), before, "{}", function.signature());
    }
}

#[test]
fn coins_are_refused_where_they_are_not_asked_for() {
    let world = World::viewed();
    let mut paid = Vec::new();
    for (contract, function) in entries() {
        let mut world = world.clone();
        let done = world.send(OWNER, contract, U256::ONE, zeros(&function));
        if function.state_mutability == StateMutability::Payable {
            paid.push((contract, done.is_success()));
        } else {
            assert_eq!(done.error(), "NotPayable()", "{}", function.signature());
            assert_eq!(world.coins(contract), U256::ZERO);
        }
    }
    assert_eq!(paid, [(WRAPPED, true), (USD, false)]);
}

#[test]
fn unknown_and_cut_calls_are_refused() {
    let mut world = World::viewed();
    for contract in [REGISTRY, ORACLE, MARKET, VAULT, USD, EXITS, VIEW] {
        let mut refused = |data: &[u8]| world.send(STRANGER, contract, U256::ZERO, data.to_vec());
        assert_eq!(refused(&[]).error(), "MalformedCall()");
        assert_eq!(refused(&[1, 2, 3]).error(), "MalformedCall()");
        assert_eq!(refused(&[1, 2, 3, 4]).error(), "UnknownFunction(selector: 0x01020304)");
    }
    for (contract, function) in entries().into_iter().filter(|(_, f)| !f.inputs.is_empty()) {
        let cut = function.selector().to_vec();
        let done = world.send(STRANGER, contract, U256::ZERO, cut);
        assert_eq!(done.error(), "MalformedCall()", "{}", function.signature());
    }
}

/// As Solidity's decoder does: a wide address or boolean is refused, bytes at the end are ignored.
#[test]
fn arguments_are_decoded_as_solidity_does() {
    let mut world = World::market();
    let call = gage_abi::IERC20Permit::transferCall { to: STRANGER, value: u(1) };
    let data = alloy_sol_types::SolCall::abi_encode(&call);
    let trailing = [data.as_slice(), &[7; 9]].concat();
    assert!(world.send(LENDER, USD, U256::ZERO, trailing).is_success());
    let mut wide = data;
    wide[4] = 1;
    assert_eq!(world.send(LENDER, USD, U256::ZERO, wide).error(), "MalformedCall()");
    let pause = gage_abi::IVault::setPausedCall { paused: true };
    let mut data = alloy_sol_types::SolCall::abi_encode(&pause);
    data[35] = 2;
    assert_eq!(world.send(OWNER, VAULT, U256::ZERO, data).error(), "MalformedCall()");
}

#[test]
fn native_contracts_have_code() {
    let world = World::market();
    let born = [REGISTRY, ORACLE, MARKET, WRAPPED, GOLD, USD, VAULT];
    for contract in born {
        let info = &world.db.cache.accounts[&contract].info;
        assert_eq!(info.code.as_ref().unwrap().original_bytes()[..], gage_evm::MARKER);
        assert_eq!(info.nonce, 1);
    }
}
