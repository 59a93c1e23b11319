//! `debug_trace*`: frames of contracts and of native contracts, states before and after, limits.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use gage_abi::{
    IERC20Permit,
    addresses::{MARKET, ORACLE},
};
use gage_rpc::Limits;
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, LENDER, Story, USD, borrow, usd, usd_vault},
    world::{
        BURNER, COUNTER, FORWARDER, REVERTER, World, create, invoke, through_forwarder, transfer,
        user,
    },
};

const SYSTEM: &str = "0xfffffffffffffffffffffffffffffffffffffffe";

fn call_tracer() -> Value {
    json!({ "tracer": "callTracer" })
}

fn with_logs() -> Value {
    json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } })
}

/// Mines `raw` and returns its receipt.
fn mined(world: &World, raw: &Bytes) -> Value {
    let hash = world.send(raw);
    world.node.produce();
    world.ask("eth_getTransactionReceipt", json!([hash]))
}

fn borrow_input(dollars: u128) -> Bytes {
    borrow(U256::from(dollars * USD)).abi_encode().into()
}

#[test]
fn a_native_call_is_a_frame() {
    let story = Story::new();
    let receipt = mined(&story.world, &invoke(BORROWER, 3, MARKET, borrow_input(500)));
    assert_eq!(receipt["status"], "0x1");
    let hash = &receipt["transactionHash"];
    let frame = story.ask("debug_traceTransaction", json!([hash, with_logs()]));
    assert_eq!(frame["type"], "CALL");
    assert_eq!(frame["from"], json!(user(BORROWER).address()));
    assert_eq!(frame["to"], json!(MARKET));
    assert_eq!(frame["input"], json!(borrow_input(500)));
    assert_eq!(frame["gas"], "0x1e8480");
    assert_eq!(frame["gasUsed"], receipt["gasUsed"]);
    assert_eq!(frame.get("error"), None);
    // A native contract calls nobody: the vault and the token are its own records.
    assert_eq!(frame.get("calls"), None);
    let shown = |logs: &Value| -> Vec<(Value, Value, Value)> {
        let logs = logs.as_array().expect("logs").iter();
        logs.map(|log| (log["address"].clone(), log["topics"].clone(), log["data"].clone()))
            .collect()
    };
    assert!(!shown(&receipt["logs"]).is_empty());
    assert_eq!(shown(&frame["logs"]), shown(&receipt["logs"]));
}

#[test]
fn a_native_call_from_a_contract_is_its_child() {
    let story = Story::new();
    let lender = user(LENDER).address();
    let balance_of = IERC20Permit::balanceOfCall { account: lender }.abi_encode();
    let input = through_forwarder(usd_vault(), &balance_of);
    let receipt = mined(&story.world, &invoke(3, 0, FORWARDER, input));
    let hash = receipt["transactionHash"].clone();
    let frame = story.ask("debug_traceTransaction", json!([hash, call_tracer()]));
    assert_eq!(frame["to"], json!(FORWARDER));
    let [child] = frame["calls"].as_array().expect("children").as_slice() else {
        panic!("one child: {frame:#}")
    };
    assert_eq!(child["type"], "CALL");
    assert_eq!(child["from"], json!(FORWARDER));
    assert_eq!(child["to"], json!(usd_vault()));
    assert_eq!(child["input"], json!(Bytes::from(balance_of.clone())));
    assert_eq!(child["value"], "0x0");
    let direct = story
        .ask("eth_call", json!([{ "to": usd_vault(), "data": hex::encode_prefixed(balance_of) }]));
    assert_eq!(child["output"], direct);
    assert_eq!(frame["output"], direct);
    let gas = |key: &str| U256::from_str_radix(&child[key].as_str().unwrap()[2..], 16).unwrap();
    assert!(gas("gasUsed") > U256::ZERO && gas("gasUsed") < gas("gas"), "{child:#}");
    let only_top = json!({ "tracer": "callTracer", "tracerConfig": { "onlyTopCall": true } });
    let top = story.ask("debug_traceTransaction", json!([hash, only_top]));
    assert_eq!(top.get("calls"), None);
    assert_eq!(top["gasUsed"], frame["gasUsed"]);
}

#[test]
fn a_refusal_of_a_native_contract_is_its_frame_s_output() {
    let story = Story::new();
    // More than the account may borrow; through a contract, from nobody's account.
    for (to, input) in [
        (MARKET, borrow_input(400_000)),
        (FORWARDER, through_forwarder(MARKET, &borrow_input(500))),
    ] {
        let call = json!({ "from": user(BORROWER).address(), "to": to, "data": input });
        let refused = story.world.try_ask("eth_call", json!([call])).unwrap_err();
        let frame = story.ask("debug_traceCall", json!([call, "latest", with_logs()]));
        assert_eq!(frame["error"], "execution reverted");
        assert_eq!(frame["output"], refused["data"]);
        assert_eq!(frame.get("logs"), None);
        if to == FORWARDER {
            assert_eq!(frame["calls"][0]["to"], json!(MARKET));
            assert_eq!(frame["calls"][0]["error"], "execution reverted");
            assert_eq!(frame["calls"][0]["output"], refused["data"]);
        }
    }
}

#[test]
fn a_block_is_traced_with_what_the_system_sent() {
    let story = Story::new();
    story.world.send(&invoke(3, 0, COUNTER, Bytes::new()));
    story.world.send(&invoke(3, 1, COUNTER, Bytes::new()));
    story.world.send(&invoke(4, 0, REVERTER, Bytes::from_static(b"no")));
    story.world.node.produce();
    let block = story.ask("eth_getBlockByNumber", json!(["latest"]));
    let traces = story.ask("debug_traceBlockByNumber", json!([block["number"], call_tracer()]));
    let by_hash = story.ask("debug_traceBlockByHash", json!([block["hash"], call_tracer()]));
    assert_eq!(traces, by_hash);
    let traces = traces.as_array().expect("traces");
    let hashes: Vec<_> = traces.iter().map(|trace| trace["txHash"].clone()).collect();
    assert_eq!(json!(hashes), block["transactions"]);
    let prelude = &traces[0]["result"];
    assert_eq!((&prelude["from"], &prelude["to"]), (&json!(SYSTEM), &json!(ORACLE)));
    assert_eq!(traces[3]["result"]["error"], "execution reverted");
    let receipts = story.ask("eth_getBlockReceipts", json!([block["number"]]));
    for (trace, receipt) in traces.iter().zip(receipts.as_array().unwrap()) {
        assert_eq!(trace["result"]["gasUsed"], receipt["gasUsed"]);
        let alone = story.ask("debug_traceTransaction", json!([trace["txHash"], call_tracer()]));
        assert_eq!(alone, trace["result"]);
    }
}

#[test]
fn a_transaction_sees_those_before_it() {
    let world = World::new();
    world.send(&invoke(0, 0, COUNTER, Bytes::new()));
    let second = world.send(&invoke(1, 0, COUNTER, Bytes::new()));
    world.node.produce();
    let slot = format!("{:#066x}", 0);
    let (one, two) = (format!("{:#066x}", 1), format!("{:#066x}", 2));
    let counter = COUNTER.to_string().to_lowercase();
    let prestate = json!({ "tracer": "prestateTracer" });
    let before = world.ask("debug_traceTransaction", json!([second, prestate]));
    assert_eq!(before[&counter]["storage"], json!({ &slot: one }));
    assert_eq!(before[&counter]["code"], "0x5f546001015f5560075f5fa1");
    let sender = user(1).address().to_string().to_lowercase();
    assert_eq!(before[&sender]["balance"], "0x21e19e0c9bab2400000");
    let diff = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let diff = world.ask("debug_traceTransaction", json!([second, diff]));
    assert_eq!(diff["pre"][&counter]["storage"], json!({ &slot: one }));
    assert_eq!(diff["post"][&counter]["storage"], json!({ &slot: two }));
    assert_eq!(diff["post"][&sender]["nonce"], 1);
    let after = world.ask("eth_getBalance", json!([sender, "latest"]));
    assert_eq!(diff["post"][&sender]["balance"], after);
}

#[test]
fn the_records_of_native_contracts_are_storage_to_the_prestate_tracer() {
    let story = Story::new();
    let receipt = mined(&story.world, &invoke(BORROWER, 3, MARKET, borrow_input(500)));
    let diff = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let diff = story.ask("debug_traceTransaction", json!([receipt["transactionHash"], diff]));
    let before = receipt["blockNumber"].as_str().map(|hex| u64::from_str_radix(&hex[2..], 16));
    let before = format!("{:#x}", before.unwrap().unwrap() - 1);
    for address in [MARKET, usd_vault(), usd()] {
        let key = address.to_string().to_lowercase();
        let slots = diff["post"][&key]["storage"].as_object().expect("slots that were written");
        for (slot, value) in slots {
            let now = story.ask("eth_getStorageAt", json!([address, slot, receipt["blockNumber"]]));
            assert_eq!(now, *value, "{address} {slot}");
            let was = story.ask("eth_getStorageAt", json!([address, slot, before]));
            let shown = diff["pre"][&key]["storage"].get(slot);
            assert_eq!(shown.cloned().unwrap_or(json!(format!("{:#066x}", 0))), was);
        }
    }
}

#[test]
fn struct_logs_show_each_step() {
    let world = World::new();
    let receipt = mined(&world, &invoke(0, 0, COUNTER, Bytes::new()));
    let hash = &receipt["transactionHash"];
    let trace = world.ask("debug_traceTransaction", json!([hash]));
    assert_eq!(trace["failed"], false);
    assert_eq!(json!(format!("{:#x}", trace["gas"].as_u64().unwrap())), receipt["gasUsed"]);
    let steps = trace["structLogs"].as_array().expect("steps");
    let names: Vec<_> = steps.iter().map(|step| step["op"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "PUSH0", "SLOAD", "PUSH1", "ADD", "PUSH0", "SSTORE", "PUSH1", "PUSH0", "PUSH0", "LOG1",
            "STOP"
        ]
    );
    assert_eq!(steps[5]["stack"], json!(["0x1", "0x0"]));
    assert_eq!(steps[0].get("memory"), None);
    let few =
        world.ask("debug_traceTransaction", json!([hash, { "limit": 2, "disableStack": true }]));
    assert_eq!(few["structLogs"].as_array().map(Vec::len), Some(2));
    assert_eq!(few["structLogs"][0].get("stack"), None);
    // A burner of two million gas takes a hundred thousand steps.
    let burnt = mined(&world, &invoke(1, 0, BURNER, Bytes::new()));
    let burnt = &burnt["transactionHash"];
    let (code, told) = world.refusal("debug_traceTransaction", json!([burnt]));
    assert_eq!(code, -32005);
    assert!(told.contains("more than 20000 steps"), "{told}");
    let first = world.ask("debug_traceTransaction", json!([burnt, { "limit": 3 }]));
    assert_eq!(first["structLogs"].as_array().map(Vec::len), Some(3));
    assert_eq!(first["failed"], true);
    assert_eq!(
        world.ask("debug_traceTransaction", json!([burnt, call_tracer()]))["error"],
        "out of gas"
    );
}

#[test]
fn the_other_tracers_answer() {
    let world = World::new();
    let receipt = mined(&world, &create(0, 0, Bytes::from_static(&hex!("60015f5360015ff3"))));
    let hash = &receipt["transactionHash"];
    let trace =
        |tracer: &str| world.ask("debug_traceTransaction", json!([hash, { "tracer": tracer }]));
    let created = trace("callTracer");
    assert_eq!(created["type"], "CREATE");
    assert_eq!(created["to"], receipt["contractAddress"]);
    assert_eq!(created["output"], "0x01");
    assert_eq!(trace("flatCallTracer")[0]["type"], "create");
    assert_eq!(trace("4byteTracer"), json!({}));
    assert_eq!(trace("noopTracer"), json!({}));
    let call = json!({ "to": MARKET, "data": borrow_input(1) });
    let selectors =
        world.ask("debug_traceCall", json!([call, "latest", { "tracer": "4byteTracer" }]));
    let selector = hex::encode_prefixed(gage_abi::IMarket::borrowCall::SELECTOR);
    assert_eq!(selectors, json!({ format!("{selector}-160"): 1 }));
}

#[test]
fn a_call_is_traced_under_overrides() {
    let world = World::new();
    let (from, to) = (user(0).address(), user(5).address());
    let overrides = json!({
        "tracer": "callTracer",
        // Returns the balance of its caller and the time.
        "stateOverrides": {
            to.to_string(): { "code": "0x33315f524260205260405ff3" },
            from.to_string(): { "balance": "0x7" },
        },
        "blockOverrides": { "time": "0x5" },
    });
    let frame =
        world.ask("debug_traceCall", json!([{ "from": from, "to": to }, "latest", overrides]));
    assert_eq!(frame["output"], format!("0x{:064x}{:064x}", 7, 5));
    let pending =
        world.ask("debug_traceCall", json!([{ "to": COUNTER }, "pending", call_tracer()]));
    assert_eq!(pending["to"], json!(COUNTER));
}

#[test]
fn what_cannot_be_traced_is_told_why() {
    let world = World::new();
    let hash = world.send(&transfer(0, 0, user(1).address()));
    world.node.produce();
    let unknown = json!(format!("{:#066x}", 7));
    let nobody = Address::repeat_byte(7);
    let poor = json!({ "from": nobody, "to": COUNTER, "value": "0x1" });
    let table = [
        ("debug_traceTransaction", json!([unknown]), -32001, "transaction not found: 0x00"),
        ("debug_traceTransaction", json!([]), -32602, "missing value for required argument 0"),
        (
            "debug_traceTransaction",
            json!([hash, { "tracer": "bad" }]),
            -32602,
            "unknown tracer \"bad\"",
        ),
        (
            "debug_traceTransaction",
            json!([hash, { "tracer": "{fault: function() {}}" }]),
            -32602,
            "unknown tracer",
        ),
        (
            "debug_traceTransaction",
            json!([hash, { "tracer": "muxTracer" }]),
            -32602,
            "unknown tracer",
        ),
        (
            "debug_traceTransaction",
            json!([hash, { "tracer": "callTracer", "tracerConfig": { "withLog": 7 } }]),
            -32602,
            "invalid tracerConfig of callTracer",
        ),
        ("debug_traceTransaction", json!([hash, 7]), -32602, "invalid argument 1"),
        ("debug_traceBlockByNumber", json!(["0x0"]), -32000, "genesis is not traceable"),
        ("debug_traceBlockByNumber", json!(["0x99"]), -32001, "header not found"),
        (
            "debug_traceBlockByNumber",
            json!(["pending"]),
            -32602,
            "the pending block is not traceable",
        ),
        ("debug_traceBlockByHash", json!([unknown]), -32001, "header not found"),
        ("debug_traceCall", json!([{ "to": "nobody" }]), -32602, "invalid argument 0"),
        ("debug_traceCall", json!([poor]), -32000, "insufficient funds for gas * price + value"),
        ("debug_traceCall", json!([{ "to": COUNTER }, "0x99"]), -32001, "header not found"),
        (
            "debug_traceCall",
            json!([{ "to": COUNTER }, "latest", { "txIndex": "0x1" }]),
            -32602,
            "option \"txIndex\" is not supported",
        ),
    ];
    for (method, params, code, words) in table {
        let (got, told) = world.refusal(method, params.clone());
        assert_eq!(got, code, "{method} {params}: {told}");
        assert!(told.starts_with(words), "{method} {params}: {told}");
    }
}

#[test]
fn traces_are_bounded_in_bytes() {
    let world = World::with_limits(Limits { response_bytes_max: 2_000, ..Limits::default() });
    for nonce in 0..10 {
        world.send(&invoke(0, nonce, COUNTER, Bytes::new()));
    }
    world.node.produce();
    let (code, told) = world.refusal("debug_traceBlockByNumber", json!(["latest", call_tracer()]));
    assert_eq!(code, -32005);
    assert!(told.starts_with("the traces are longer than 2000 bytes"), "{told}");
    // Hands on a megabyte of input for as long as its gas lasts.
    let hoarder = json!({ COUNTER.to_string(): { "code": "0x5b5f5f621000005f335afa505f56" } });
    let call = json!({ "to": COUNTER, "gas": "0x2faf080" });
    let options = json!({ "tracer": "callTracer", "stateOverrides": hoarder });
    let (code, told) = world.refusal("debug_traceCall", json!([call, "latest", options]));
    assert_eq!(code, -32005);
    assert!(told.contains("inputs and memory of more than"), "{told}");
}
