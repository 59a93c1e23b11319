//! Amounts at the borders of their widths, and calldata that means nothing.

use crate::entries::{entries, is_view};
use crate::support::*;
use alloy_json_abi::Function;
use alloy_primitives::{Address, U256};
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use proptest::prelude::*;

/// The words of a function's static arguments that hold 256-bit numbers.
pub(crate) fn wide_words(function: &Function) -> Vec<usize> {
    fn walk(parameters: &[alloy_json_abi::Param], next: &mut usize, found: &mut Vec<usize>) {
        for parameter in parameters {
            if parameter.components.is_empty() {
                if parameter.ty == "uint256" {
                    found.push(*next);
                }
                *next += 1;
            } else {
                walk(&parameter.components, next, found);
            }
        }
    }
    let mut found = Vec::new();
    let dynamic = ["string", "bytes"];
    let is_static = function
        .inputs
        .iter()
        .all(|input| !dynamic.contains(&input.ty.as_str()) && !input.ty.ends_with(']'));
    if is_static {
        walk(&function.inputs, &mut 0, &mut found);
    }
    found
}

/// Arguments that mean something: market and feed 1, the borrower's first account, the native
/// contracts where contracts belong.
pub(crate) fn sensible(function: &Function) -> Vec<u8> {
    fn word(parameter: &alloy_json_abi::Param, words: &mut Vec<[u8; 32]>) {
        let address = |at: Address| at.into_word().0;
        let number = |number: u128| u(number).to_be_bytes();
        if !parameter.components.is_empty() {
            return parameter.components.iter().for_each(|inner| word(inner, words));
        }
        words.push(match (parameter.ty.as_str(), parameter.name.as_str()) {
            ("address", "asset") => address(GOLD),
            ("address", "vault") => address(VAULT),
            ("address", _) => address(BORROWER),
            ("uint16" | "uint8" | "bool", _) | (_, "sub") => number(0),
            _ => number(1),
        });
    }
    let mut words = Vec::new();
    function.inputs.iter().for_each(|input| word(input, &mut words));
    let mut data = function.selector().to_vec();
    data.extend(words.concat());
    data
}

/// EVM-4, SOL-3, E-02, F-07, F-09: `reg_e02`. Each 256-bit argument of each function, at the borders of
/// 64, 128 and 256 bits, which are small negative numbers too: either exact, or refused without effect; never cut to what fits.
#[test]
fn reg_e02_numbers_are_exact_or_refused() {
    let world = World::viewed();
    let before = world.state();
    let borders = [64, 128].map(|bits| U256::ONE << bits);
    let mut tried = 0;
    for (contract, function) in entries() {
        for place in wide_words(&function) {
            let numbers = borders
                .iter()
                .flat_map(|border| [*border - U256::ONE, *border, *border + U256::ONE]);
            for number in numbers.chain([U256::MAX - U256::ONE, U256::MAX]) {
                let mut data = sensible(&function);
                data[4 + 32 * place..][..32].copy_from_slice(&number.to_be_bytes::<32>());
                let mut world = world.clone();
                let done = world.send(BORROWER, contract, U256::ZERO, data);
                tried += 1;
                assert!(!done.is_halt(), "{} {number}: {:?}", function.signature(), done.result);
                if !done.is_success() {
                    assert!(!done.error().is_empty());
                    assert_eq!(world.state(), before, "{} {number}", function.signature());
                }
                world.check_ties();
                let narrow = number > U256::from(u128::MAX) && number != U256::MAX;
                let kept_whole = ["approve", "permit"].contains(&function.name.as_str());
                if narrow && !kept_whole && done.is_success() {
                    panic!("{} took {number}", function.signature());
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

/// E-02: an amount of 2^128 + x does not act as x.
#[test]
fn reg_e02_no_amount_is_cut() {
    let mut world = World::loan();
    let wide = (U256::ONE << 128) + u(DOLLAR);
    let amount = format!("AmountTooLarge(amount: {wide})");
    let transfer = gage_abi::IERC20Permit::transferCall { to: STRANGER, value: wide };
    assert_eq!(world.refused(LENDER, USD, transfer), amount);
    let deposit = gage_abi::IVault::depositCall { assets: wide, receiver: LENDER };
    assert_eq!(world.refused(LENDER, VAULT, deposit), amount);
    assert_eq!(world.refused(BORROWER, MARKET, repay(wide)), amount);
    assert_eq!(world.refused(BORROWER, MARKET, release(wide)), amount);
    assert_eq!(world.refused(LIQUIDATOR, MARKET, liquidate(wide)), amount);
}

#[test]
fn allowances_keep_all_their_bits() {
    let mut world = World::market();
    let value = U256::MAX - U256::ONE;
    world.ok(LENDER, USD, gage_abi::IERC20Permit::approveCall { spender: STRANGER, value });
    let call = gage_abi::IERC20Permit::allowanceCall { owner: LENDER, spender: STRANGER };
    assert_eq!(world.ok(STRANGER, USD, call), value);
    let spend =
        gage_abi::IERC20Permit::transferFromCall { from: LENDER, to: STRANGER, value: u(5) };
    world.ok(STRANGER, USD, spend);
    let call = gage_abi::IERC20Permit::allowanceCall { owner: LENDER, spender: STRANGER };
    assert_eq!(world.ok(STRANGER, USD, call), value - u(5));
}

fn any_word() -> impl Strategy<Value = [u8; 32]> {
    let addresses = [GOLD, USD, WRAPPED, VAULT, MARKET, BORROWER, LENDER, Address::ZERO];
    prop_oneof![
        4 => (0_u64..6).prop_map(|number| U256::from(number).to_be_bytes()),
        3 => prop::sample::select(addresses.to_vec()).prop_map(|at| at.into_word().0),
        2 => any::<u128>().prop_map(|number| u(number).to_be_bytes()),
        1 => any::<[u8; 32]>(),
        1 => (0_u64..20).prop_map(|words| U256::from(words * 32).to_be_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// EVM-4, E-07: `reg_e07`. Any calldata to any native contract ends in success or in one of our
    /// errors; a call that does not succeed, and a view, change nothing; the books always balance.
    #[test]
    fn reg_e07_any_calldata_is_answered(
        place in any::<prop::sample::Index>(),
        words in prop::collection::vec(any_word(), 0..14),
        cut in 0_usize..32,
        from in prop::sample::select(vec![OWNER, LENDER, BORROWER, LIQUIDATOR, STRANGER, GOVERNOR]),
        value in prop_oneof![4 => Just(0_u128), 1 => 0_u128..3],
    ) {
        let entries = entries();
        let (contract, function) = place.get(&entries);
        let mut data = function.selector().to_vec();
        data.extend(words.concat());
        data.truncate(data.len().saturating_sub(cut / 4 * usize::from(cut > 24)));
        let mut world = World::viewed();
        let before = world.state();
        let done = world.send(from, *contract, u(value), data);
        prop_assert!(!done.is_halt(), "{:?}", done.result);
        if !done.is_success() {
            prop_assert!(!done.error().is_empty());
        }
        if !done.is_success() || is_view(function) {
            prop_assert_eq!(world.state(), before);
            prop_assert!(done.logs().is_empty());
        }
        world.check_ties();
    }

    /// E-07: raw bytes, selector and all.
    #[test]
    fn reg_e07_any_bytes_are_answered(
        contract in prop::sample::select(vec![REGISTRY, ORACLE, MARKET, VAULT, USD, WRAPPED]),
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut world = World::market();
        let before = world.state();
        let done = world.send(STRANGER, contract, U256::ZERO, data);
        prop_assert!(!done.is_success());
        prop_assert!(!done.error().is_empty());
        prop_assert_eq!(world.state(), before);
    }
}
