//! Genesis files: what is accepted, and what each mistake is called.

mod support;

use alloy_primitives::U256;
use gage_chain::{Genesis, GenesisError};
use support::*;

const MINIMAL: &str = r#"{ "chainId": 4243, "protocol": {
    "governance": "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
    "guardian": "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720" } }"#;

#[test]
fn what_is_left_out_has_defaults() {
    let genesis = Genesis::from_json(MINIMAL).unwrap();
    assert_eq!(genesis.gas_limit, 120_000_000);
    assert_eq!(genesis.base_fee_per_gas, 1_000_000_000);
    assert_eq!(genesis.protocol.wrapped_native.symbol, "WGAGE");
}

#[test]
fn numbers_come_as_json_numbers_decimal_or_hex() {
    for number in ["120000001", "\"120000001\"", "\"0x7270e01\""] {
        let json = MINIMAL.replacen('{', &format!("{{ \"gasLimit\": {number},"), 1);
        assert_eq!(Genesis::from_json(&json).unwrap().gas_limit, 120_000_001, "{number}");
    }
}

#[test]
fn a_genesis_survives_its_own_json() {
    let json = serde_json::to_string_pretty(&genesis()).unwrap();
    assert_eq!(Genesis::from_json(&json).unwrap(), genesis());
}

#[test]
fn each_mistake_has_its_name() {
    let refused = |change: &dyn Fn(&mut Genesis)| {
        let mut genesis = genesis();
        change(&mut genesis);
        genesis.validate().expect_err("refused")
    };
    use GenesisError as E;
    assert!(matches!(refused(&|g| g.chain_id = 0), E::ChainId(0)));
    assert!(matches!(refused(&|g| g.chain_id = u64::MAX), E::ChainId(_)));
    assert!(matches!(refused(&|g| g.gas_limit = 29_999_999), E::GasLimit(29_999_999)));
    assert!(matches!(refused(&|g| g.base_fee_per_gas = 0), E::ZeroBaseFee));
    assert!(matches!(refused(&|g| g.extra_data = vec![0; 33].into()), E::ExtraData(33)));
    let zero = alloy_primitives::Address::ZERO;
    assert!(matches!(refused(&|g| g.protocol.governance = zero), E::ZeroRole("governance")));
    assert!(matches!(refused(&|g| g.protocol.guardian = zero), E::ZeroRole("guardian")));
    let name = |g: &mut Genesis| g.protocol.wrapped_native.name = "x".repeat(32);
    assert!(matches!(refused(&name), E::Name { field: "name", bytes: 32 }));
    let native = |g: &mut Genesis| {
        g.alloc.insert(gage_core::address::ORACLE, Default::default());
    };
    assert!(matches!(refused(&native), E::NativeAddress(_)));
    let rich = |g: &mut Genesis| g.alloc.values_mut().for_each(|a| a.balance = U256::MAX >> 128);
    assert!(matches!(refused(&rich), E::Supply));
}

#[test]
fn json_mistakes_say_where() {
    let refused = |json: &str| match Genesis::from_json(json) {
        Err(GenesisError::Json(mistake)) => mistake.to_string(),
        other => panic!("{other:?}"),
    };
    let unknown = MINIMAL.replacen('{', "{ \"gaslimit\": 1,", 1);
    assert!(refused(&unknown).contains("unknown field `gaslimit`"));
    assert!(refused(r#"{ "chainId": 1 }"#).contains("missing field `protocol`"));
    assert!(refused(&MINIMAL.replace("4243", "-1")).contains("line 1"));
    assert!(refused(&MINIMAL.replace("4243", "\"0x10000000000000000\"")).contains("line 1"));
    assert!(refused("").contains("EOF"));
}
