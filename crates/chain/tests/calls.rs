//! Calls, estimates, access lists, overrides.

mod support;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, bytes};
use gage_chain::{
    AccountOverride, BlockOverride, CallError, CallOutcome, CallRequest, Called, Chain, Overrides,
    Rejection,
};
use proptest::prelude::*;
use support::*;

fn request(to: Address) -> CallRequest {
    CallRequest { from: Some(user(0).address()), to: Some(to), ..CallRequest::default() }
}

fn call(chain: &Chain, request: &CallRequest, overrides: &Overrides) -> Called {
    chain.call(chain.head().number, request, overrides).expect("an outcome")
}

fn output(called: Called) -> Bytes {
    match called.outcome {
        CallOutcome::Success { output } => output,
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn a_call_changes_nothing_and_shows_what_it_would_do() {
    let chain = chain();
    let called = call(&chain, &request(COUNTER), &Overrides::default());
    assert_eq!(called.logs.len(), 1);
    assert!(called.gas_used > 21_000);
    assert_eq!(chain.state(0).unwrap().storage(COUNTER, U256::ZERO).unwrap(), U256::ZERO);
    let input = bytes!("0badc0de");
    let reverted = CallRequest { input: input.clone(), ..request(REVERTER) };
    let outcome = call(&chain, &reverted, &Overrides::default()).outcome;
    assert_eq!(outcome, CallOutcome::Revert { data: input });
}

#[test]
fn a_call_needs_no_funds_unless_it_moves_some() {
    let chain = chain();
    let stranger = CallRequest { from: Some(Address::repeat_byte(9)), ..request(COUNTER) };
    assert_eq!(call(&chain, &stranger, &Overrides::default()).logs.len(), 1);
    let generous = CallRequest { value: U256::from(1), ..stranger };
    let refused = chain.call(0, &generous, &Overrides::default());
    assert!(
        matches!(refused, Err(CallError::Invalid(Rejection::InsufficientFunds { .. }))),
        "{refused:?}"
    );
}

#[test]
fn overrides_show_another_world() {
    let chain = chain();
    let address = Address::repeat_byte(7);
    // Returns slot 1, the balance, the time and the number.
    let code = bytes!("6001545f52475f01602052426040524360605260805ff3");
    let account = AccountOverride {
        balance: Some(U256::from(5)),
        code: Some(code),
        state_diff: BTreeMap::from([(B256::with_last_byte(1), B256::with_last_byte(3))]),
        ..AccountOverride::default()
    };
    let block = BlockOverride { timestamp: Some(77), number: Some(88), ..BlockOverride::default() };
    let overrides = Overrides { accounts: BTreeMap::from([(address, account)]), block };
    let words = output(call(&chain, &request(address), &overrides));
    let words: Vec<_> = words.chunks(32).map(U256::from_be_slice).collect();
    assert_eq!(words, [3, 5, 77, 88].map(U256::from));
}

#[test]
fn blocks_that_are_not_there_have_no_hash() {
    let chain = chain();
    for number in [2, 300, u64::MAX] {
        let block = BlockOverride { number: Some(number), ..BlockOverride::default() };
        let overrides = Overrides { block, ..Overrides::default() };
        let hash = output(call(&chain, &request(HASHER), &overrides));
        assert_eq!(hash.as_ref(), B256::ZERO.as_slice(), "{number}");
    }
}

#[test]
fn a_whole_state_override_hides_the_real_slots() {
    let chain = chain();
    extend(&chain, vec![draft(0, 0).to(COUNTER).dynamic()]);
    // Returns slot 0.
    let reader = bytes!("5f545f5260205ff3");
    let read = |account: AccountOverride| {
        let account = AccountOverride { code: Some(reader.clone()), ..account };
        let accounts = BTreeMap::from([(COUNTER, account)]);
        let overrides = Overrides { accounts, ..Overrides::default() };
        U256::from_be_slice(&output(call(&chain, &request(COUNTER), &overrides)))
    };
    assert_eq!(read(AccountOverride::default()), U256::from(1));
    let whole = BTreeMap::from([(B256::with_last_byte(9), B256::with_last_byte(9))]);
    assert_eq!(read(AccountOverride { state: Some(whole), ..Default::default() }), U256::ZERO);
}

#[test]
fn an_estimate_is_enough_and_hardly_more() {
    let chain = chain();
    let transfer = CallRequest { value: U256::from(1), ..request(user(3).address()) };
    assert_eq!(chain.estimate_gas(0, &transfer, &Overrides::default()).unwrap(), 21_000);
    for to in [COUNTER, PICKY] {
        let estimate = chain.estimate_gas(0, &request(to), &Overrides::default()).unwrap();
        let with = |gas| {
            let request = CallRequest { gas: Some(gas), ..request(to) };
            call(&chain, &request, &Overrides::default()).outcome
        };
        assert!(matches!(with(estimate), CallOutcome::Success { .. }));
        assert!(!matches!(with(estimate * 98 / 100), CallOutcome::Success { .. }));
    }
}

#[test]
fn an_estimate_of_what_cannot_succeed_says_why() {
    let chain = chain();
    let input = bytes!("c0ffee");
    let reverting = CallRequest { input: input.clone(), ..request(REVERTER) };
    match chain.estimate_gas(0, &reverting, &Overrides::default()) {
        Err(CallError::Reverted { data }) => assert_eq!(data, input),
        other => panic!("{other:?}"),
    }
    let halted = chain.estimate_gas(0, &request(BURNER), &Overrides::default());
    assert!(matches!(halted, Err(CallError::Halted { .. })), "{halted:?}");
    let unknown = chain.estimate_gas(9, &request(COUNTER), &Overrides::default());
    assert!(matches!(unknown, Err(CallError::Chain(_))), "{unknown:?}");
}

#[test]
fn an_access_list_names_what_is_touched() {
    let chain = chain();
    let (list, called) =
        chain.create_access_list(0, &request(COUNTER), &Overrides::default()).unwrap();
    assert_eq!(list.0.len(), 1);
    assert_eq!(list.0[0].address, COUNTER);
    assert_eq!(list.0[0].storage_keys, [B256::ZERO]);
    let declared = CallRequest { access_list: list, ..request(COUNTER) };
    assert_eq!(call(&chain, &declared, &Overrides::default()).gas_used, called.gas_used);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Bytes that nobody checked never panic, in a block or in a transaction.
    #[test]
    fn foreign_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(chain().import(&bytes).is_err());
        let _ = gage_chain::decode_transaction(&bytes);
    }
}
