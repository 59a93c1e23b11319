//! Calls, estimates, access lists, proofs and state at chosen blocks.

use alloy_primitives::{Bytes, U256, bytes};
use serde_json::json;

use crate::world::{BURNER, CLOCK, COUNTER, GENESIS_TIME, REVERTER, World, invoke, transfer, user};

fn word(number: u64) -> String {
    format!("{:#066x}", U256::from(number))
}

#[test]
fn a_revert_has_code_three_reason_and_data() {
    let world = World::new();
    // Error("no")
    let data = format!(
        "0x08c379a0{:064x}{:064x}{}",
        0x20,
        2,
        format_args!("{}{}", "6e6f", "0".repeat(60))
    );
    for method in ["eth_call", "eth_estimateGas"] {
        let call = json!([{ "to": REVERTER, "data": data }]);
        let error = world.try_ask(method, call).unwrap_err();
        assert_eq!(error["code"], 3, "{method}");
        assert_eq!(error["message"], "execution reverted: no", "{method}");
        assert_eq!(error["data"], data, "{method}");
    }
    let error = world.try_ask("eth_call", json!([{ "to": REVERTER }])).unwrap_err();
    assert_eq!(error["message"], "execution reverted");
    assert_eq!(error["data"], "0x");
}

#[test]
fn a_call_that_burns_its_gas_is_out_of_gas() {
    let world = World::new();
    let call = json!([{ "to": BURNER, "gas": "0x7530" }]);
    let (code, told) = world.refusal("eth_call", call);
    assert_eq!((code, told.as_str()), (-32000, "out of gas"));
}

#[test]
fn views_keep_their_block_s_time_and_estimates_see_the_next() {
    let world = World::new();
    world.node.produce();
    let call = json!({ "to": CLOCK });
    let at = |block| world.ask("eth_call", json!([call, block]));
    assert_eq!(at(json!("earliest")), word(GENESIS_TIME));
    assert_eq!(at(json!("latest")), word(GENESIS_TIME + 12));
    assert_eq!(at(json!("pending")), word(GENESIS_TIME + 24));
    let head = world.ask("eth_getBlockByNumber", json!(["latest"]));
    assert_eq!(at(json!({ "blockHash": head["hash"] })), word(GENESIS_TIME + 12));
    assert_eq!(at(json!({ "blockNumber": "0x0" })), word(GENESIS_TIME));
    let later = json!([call, "latest", {}, { "time": "0x5" }]);
    assert_eq!(world.ask("eth_call", later), word(5));
}

#[test]
fn overrides_change_what_a_call_sees() {
    let world = World::new();
    // Returns the balance of its caller.
    let code = bytes!("33315f5260205ff3");
    let (from, to) = (user(0).address(), user(5).address());
    let overrides =
        json!({ to.to_string(): { "code": code }, from.to_string(): { "balance": "0x7" } });
    let answer = world.ask("eth_call", json!([{ "from": from, "to": to }, "latest", overrides]));
    assert_eq!(answer, word(7));
    let moved = json!({ to.to_string(): { "movePrecompileToAddress": from } });
    assert_eq!(world.refusal("eth_call", json!([{ "to": to }, "latest", moved])).0, -32602);
}

#[test]
fn estimates_suffice_exactly() {
    let world = World::new();
    let from = user(0).address();
    let plain = json!([{ "from": from, "to": user(1).address(), "value": "0x1" }]);
    assert_eq!(world.ask("eth_estimateGas", plain), "0x5208");
    let estimate = world.ask("eth_estimateGas", json!([{ "from": from, "to": COUNTER }]));
    let call = json!([{ "from": from, "to": COUNTER, "gas": estimate }]);
    world.ask("eth_call", call);
    let nobody = "0x00000000000000000000000000000000000000aa";
    let poor = json!([{ "from": nobody, "to": from, "value": "0x1" }]);
    let (code, told) = world.refusal("eth_estimateGas", poor);
    assert_eq!(code, -32000);
    assert!(told.starts_with("insufficient funds for gas * price + value"), "{told}");
}

#[test]
fn access_lists_name_slots_and_proofs_prove_them() {
    let world = World::new();
    world.send(&invoke(0, 0, COUNTER, Bytes::new()));
    world.node.produce();
    let call = json!([{ "from": user(0).address(), "to": COUNTER }]);
    let listed = world.ask("eth_createAccessList", call);
    assert_eq!(listed["accessList"], json!([{ "address": COUNTER, "storageKeys": [word(0)] }]));
    assert!(listed["gasUsed"].is_string());
    assert_eq!(listed.get("error"), None);
    let failed = world.ask("eth_createAccessList", json!([{ "to": REVERTER, "data": "0x01" }]));
    assert_eq!(failed["error"], "execution reverted");

    let proof = world.ask("eth_getProof", json!([COUNTER, ["0x0", word(1)], "latest"]));
    assert_eq!(proof["storageProof"][0]["key"], "0x0");
    assert_eq!(proof["storageProof"][0]["value"], "0x1");
    assert_eq!(proof["storageProof"][1]["key"], word(1));
    assert_eq!(proof["storageProof"][1]["value"], "0x0");
    assert!(proof["accountProof"].as_array().is_some_and(|nodes| !nodes.is_empty()));
    let many = vec!["0x0"; 2000];
    assert_eq!(world.refusal("eth_getProof", json!([COUNTER, many])).0, -32005);
}

#[test]
fn state_is_read_at_any_block() {
    let world = World::new();
    world.send(&invoke(0, 0, COUNTER, Bytes::new()));
    world.node.produce();
    assert_eq!(world.ask("eth_getStorageAt", json!([COUNTER, "0x0", "latest"])), word(1));
    assert_eq!(world.ask("eth_getStorageAt", json!([COUNTER, "0x0", "0x0"])), word(0));
    assert_eq!(world.ask("eth_getCode", json!([COUNTER])), "0x5f546001015f5560075f5fa1");
    assert_eq!(world.ask("eth_getCode", json!([user(0).address()])), "0x");
    let from = user(0).address();
    assert_eq!(world.ask("eth_getTransactionCount", json!([from, "0x0"])), "0x0");
    assert_eq!(world.ask("eth_getTransactionCount", json!([from])), "0x1");
    assert_eq!(world.ask("eth_getBalance", json!([from, "0x0"])), "0x21e19e0c9bab2400000");
}

#[test]
fn development_methods_move_blocks_and_time() {
    let world = World::new();
    assert_eq!(world.ask("evm_mine", json!([])), "0x0");
    assert_eq!(world.ask("eth_blockNumber", json!([])), "0x1");
    assert_eq!(world.ask("evm_increaseTime", json!(["0x64"])), 100);
    world.ask("evm_mine", json!([{ "blocks": 2 }]));
    let head = world.ask("eth_getBlockByNumber", json!(["latest"]));
    assert_eq!(head["timestamp"], format!("{:#x}", GENESIS_TIME + 100 + 3 * 12));
    let (code, told) = world.refusal("evm_setNextBlockTimestamp", json!([1]));
    assert_eq!((code, told.as_str()), (-32000, "timestamps only grow"));
    let hash = world.ask("gage_faucet", json!([user(3).address()]));
    assert_eq!(world.ask("eth_getTransactionByHash", json!([hash]))["hash"], hash);
    let raw = transfer(0, 0, user(1).address());
    world.send(&raw);
}
