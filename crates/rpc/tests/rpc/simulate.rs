//! `eth_simulateV1`: what it says is what happens, and what it refuses has the specification's code.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use gage_abi::addresses::MARKET;
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, Story, USD, borrow},
    world::{
        BURNER, CLOCK, COUNTER, FORWARDER, REVERTER, World, invoke, through_forwarder, transfer,
        user,
    },
};

const NATIVE_COIN: &str = "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

fn number(hex: &Value) -> u64 {
    let digits = hex.as_str().and_then(|hex| hex.strip_prefix("0x")).expect("a quantity");
    u64::from_str_radix(digits, 16).expect("64 bits")
}

fn word(number: u64) -> String {
    format!("{number:#066x}")
}

fn simulate(world: &World, blocks: Value) -> Vec<Value> {
    let answer = world.ask("eth_simulateV1", json!([{ "blockStateCalls": blocks }]));
    answer.as_array().expect("blocks").clone()
}

#[test]
fn what_is_simulated_happens() {
    let story = Story::new();
    let world = &story.world;
    let borrow: Bytes = borrow(U256::from(500 * USD)).abi_encode().into();
    let stranger = through_forwarder(MARKET, &borrow);
    let deeds = [
        vec![(BORROWER, MARKET, borrow), (4, COUNTER, Bytes::new())],
        vec![(4, COUNTER, Bytes::new()), (5, FORWARDER, stranger), (6, BURNER, Bytes::new())],
    ];
    let head = world.ask("eth_getBlockByNumber", json!(["latest"]));
    let mut time = number(&head["timestamp"]);
    let blocks = deeds.iter().map(|deeds| {
        time += 12;
        let calls = deeds.iter().map(|(from, to, input)| {
            json!({
                "from": user(*from).address(), "to": to, "input": input, "gas": "0x1e8480",
                "maxFeePerGas": "0x4a817c800", "maxPriorityFeePerGas": "0x3b9aca00",
            })
        });
        json!({ "blockOverrides": { "time": format!("{time:#x}") }, "calls": calls.collect::<Vec<_>>() })
    });
    let payload = json!({ "blockStateCalls": blocks.collect::<Vec<_>>(), "validation": true });
    let simulated = world.ask("eth_simulateV1", json!([payload, "latest"]));

    let mut nonces = [0_u64; 10];
    nonces[usize::from(BORROWER)] = 3;
    for (deeds, simulated) in deeds.into_iter().zip(simulated.as_array().unwrap()) {
        for (from, to, input) in deeds {
            let nonce = &mut nonces[usize::from(from)];
            world.send(&invoke(from, *nonce, to, input));
            *nonce += 1;
        }
        world.node.produce();
        let receipts = world.ask("eth_getBlockReceipts", json!(["latest"]));
        // The first is the prelude's.
        let real = receipts.as_array().unwrap()[1..].iter();
        let calls = simulated["calls"].as_array().unwrap();
        assert_eq!(calls.len(), real.len());
        for (call, receipt) in calls.iter().zip(real) {
            assert_eq!(call["gasUsed"], receipt["gasUsed"], "{call:#} {receipt:#}");
            assert_eq!(call["status"], receipt["status"]);
            let said = |logs: &Value| {
                let logs = logs.as_array().unwrap().iter();
                let told =
                    logs.map(|log| ["address", "topics", "data"].map(|key| log[key].clone()));
                told.collect::<Vec<_>>()
            };
            assert_eq!(said(&call["logs"]), said(&receipt["logs"]));
        }
        let block = world.ask("eth_getBlockByNumber", json!(["latest"]));
        assert_eq!(simulated["number"], block["number"]);
        assert_eq!(simulated["timestamp"], block["timestamp"]);
        assert_eq!(simulated["gasLimit"], block["gasLimit"]);
    }
}

#[test]
fn blocks_build_on_each_other() {
    let world = World::new();
    let from = user(0).address();
    let count = json!({ "from": from, "to": COUNTER });
    // Returns slot 0, the number, and the hash of the block before.
    let probe = hex!("5f545f5243602052600143034060405260605ff3");
    let probing = json!({ COUNTER.to_string(): { "code": hex::encode_prefixed(probe) } });
    let blocks = simulate(
        &world,
        json!([
            { "calls": [count, count] },
            { "blockOverrides": { "number": "0x5", "time": "0x70000000" },
              "stateOverrides": probing, "calls": [count, { "to": CLOCK }] },
        ]),
    );
    let numbers: Vec<_> = blocks.iter().map(|block| number(&block["number"])).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["parentHash"], pair[0]["hash"]);
        assert!(number(&pair[1]["timestamp"]) > number(&pair[0]["timestamp"]));
    }
    assert_eq!(blocks[1]["calls"], json!([]));
    let hash = blocks[3]["hash"].as_str().unwrap().trim_start_matches("0x");
    assert_eq!(blocks[4]["calls"][0]["returnData"], format!("{}{:064x}{hash}", word(2), 5));
    assert_eq!(blocks[4]["calls"][1]["returnData"], word(0x7000_0000));
    // The second call of the block, and its log.
    let log = &blocks[0]["calls"][1]["logs"][0];
    assert_eq!(log["logIndex"], "0x1");
    assert_eq!(log["blockHash"], blocks[0]["hash"]);
    assert_eq!(log["transactionHash"], blocks[0]["transactions"][1]);
    let used: u64 = (0..2).map(|call| number(&blocks[0]["calls"][call]["gasUsed"])).sum();
    assert_eq!(number(&blocks[0]["gasUsed"]), used);
    // Nothing was kept.
    assert_eq!(world.ask("eth_getStorageAt", json!([COUNTER, "0x0"])), word(0));
    assert_eq!(world.ask("eth_blockNumber", json!([])), "0x0");
}

#[test]
fn an_empty_block_has_its_parent_s_state() {
    let world = World::new();
    let head = world.ask("eth_getBlockByNumber", json!(["latest"]));
    let blocks = simulate(&world, json!([{}, { "calls": [{ "to": COUNTER }] }]));
    assert_eq!(blocks[0]["stateRoot"], head["stateRoot"]);
    assert_eq!(blocks[0]["parentHash"], head["hash"]);
    assert_eq!(blocks[0]["baseFeePerGas"], "0x0");
    assert_ne!(blocks[1]["stateRoot"], head["stateRoot"]);
    assert_eq!(world.ask("eth_simulateV1", json!([{ "blockStateCalls": [] }])), json!([]));
}

#[test]
fn transactions_are_listed_by_hash_or_whole() {
    let world = World::new();
    let (from, to) = (user(0).address(), user(1).address());
    let calls = json!([
        { "from": from, "to": to, "value": "0x5" },
        { "from": from, "to": to, "gasPrice": "0x0" },
        { "from": from, "to": to, "gasPrice": "0x0",
          "accessList": [{ "address": to, "storageKeys": [] }] },
    ]);
    let ask = |full: bool| {
        let payload =
            json!({ "blockStateCalls": [{ "calls": calls }], "returnFullTransactions": full });
        world.ask("eth_simulateV1", json!([payload]))[0]["transactions"].clone()
    };
    let (hashes, whole) = (ask(false), ask(true));
    for (nonce, kind) in ["0x2", "0x0", "0x1"].iter().enumerate() {
        let tx = &whole[nonce];
        assert_eq!(tx["hash"], hashes[nonce]);
        assert_eq!(tx["type"], *kind);
        assert_eq!(tx["from"], json!(from));
        assert_eq!(tx["nonce"], format!("{nonce:#x}"));
        assert_eq!(tx["transactionIndex"], format!("{nonce:#x}"));
    }
    assert_eq!(whole[0]["value"], "0x5");
}

#[test]
fn movements_of_coins_are_shown_as_logs() {
    let world = World::new();
    let (from, to) = (user(0).address(), user(1).address());
    // Sends one wei to its caller and returns; sends one and reverts; ends itself in favour of its caller.
    let sends = "0x5f5f5f5f6001335af100";
    let takes_back = "0x5f5f5f5f6001335af15f5ffd";
    let ends = "0x33ff";
    let code = |code: &str| json!({ "code": code, "balance": "0x9" });
    let (a, b, c) =
        (Address::repeat_byte(0xa), Address::repeat_byte(0xb), Address::repeat_byte(0xc));
    let payload = json!({ "traceTransfers": true, "blockStateCalls": [{
        "stateOverrides": { a.to_string(): code(sends), b.to_string(): code(takes_back), c.to_string(): code(ends) },
        "calls": [
            { "from": from, "to": to, "value": "0x7" },
            { "from": from, "to": a, "value": "0x2" },
            { "from": from, "to": FORWARDER, "input": through_forwarder(b, &[]) },
            { "from": from, "to": c },
        ],
    }] });
    let blocks = world.ask("eth_simulateV1", json!([payload]));
    let told: Vec<Vec<_>> = blocks[0]["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| {
            call["logs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|log| {
                    assert_eq!(log["address"], NATIVE_COIN);
                    assert_eq!(log["topics"][0], TRANSFER);
                    let party = |index: usize| {
                        let topic = log["topics"][index].as_str().unwrap();
                        topic[26..].parse::<Address>().unwrap()
                    };
                    (party(1), party(2), number(&json!(log["data"].as_str().unwrap())))
                })
                .collect()
        })
        .collect();
    assert_eq!(
        told,
        [vec![(from, to, 7)], vec![(from, a, 2), (a, from, 1)], vec![], vec![(c, from, 9)]]
    );
    // Without being asked for they are not there.
    let plain =
        simulate(&world, json!([{ "calls": [{ "from": from, "to": to, "value": "0x7" }] }]));
    assert_eq!(plain[0]["calls"][0]["logs"], json!([]));
}

#[test]
fn calls_that_fail_are_results() {
    let world = World::new();
    let blocks = simulate(
        &world,
        json!([{ "calls": [
            { "to": REVERTER, "input": "0x0102" },
            { "to": BURNER, "gas": "0x7530" },
        ] }]),
    );
    let [reverted, burnt] = blocks[0]["calls"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(reverted["status"], "0x0");
    assert_eq!(reverted["returnData"], "0x0102");
    assert_eq!(
        reverted["error"],
        json!({ "code": 3, "message": "execution reverted", "data": "0x0102" })
    );
    assert_eq!(burnt["error"]["code"], -32015);
    assert_eq!(burnt["error"]["message"], "vm execution error: out of gas");
    assert_eq!(burnt["gasUsed"], "0x7530");
}

#[test]
fn what_cannot_be_simulated_has_the_specification_s_code() {
    let world = World::new();
    world.send(&transfer(0, 0, user(1).address()));
    world.node.produce();
    let (from, nobody) = (user(0).address(), Address::repeat_byte(7));
    let call = json!({ "from": from, "to": COUNTER });
    let with = |more: Value| {
        let mut call = call.clone();
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{ "calls": [call] }])
    };
    let paid = json!({ "maxFeePerGas": "0x4a817c800", "gas": "0x186a0" });
    let paid_with = |more: Value| {
        let mut paid = paid.clone();
        paid.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with(paid)
    };
    let at = |block: Value| json!([{ "blockOverrides": block }]);
    let long = format!("0x{}", "00".repeat(60_000));
    let table = [
        (true, paid_with(json!({ "nonce": "0x0" })), -38010, "nonce too low"),
        (true, paid_with(json!({ "nonce": "0x9" })), -38011, "nonce too high"),
        (
            true,
            with(json!({ "gas": "0x186a0" })),
            -38012,
            "max fee per gas less than block base fee",
        ),
        (false, with(json!({ "gas": "0x100" })), -38013, "intrinsic gas too low"),
        (false, with(json!({ "from": nobody, "value": "0x1" })), -38014, "insufficient funds"),
        (false, with(json!({ "gas": "0x7270e01" })), -38015, "gas limit reached"),
        (true, paid_with(json!({ "gas": "0x1312d00" })), -38015, "exceeds the gas limit of one"),
        (false, at(json!({ "number": "0x1" })), -38020, "block numbers must be in order"),
        (false, at(json!({ "time": "0x1" })), -38021, "block timestamps must be in order"),
        (false, with(json!({ "to": null, "input": long })), -38025, "max initcode size exceeded"),
        (false, at(json!({ "number": "0x1000" })), -38026, "too many blocks"),
        (false, with(json!({ "gas": "0x3938700" })), -32005, "too much gas"),
        (
            false,
            with(json!({ "gasPrice": "0x1", "maxFeePerGas": "0x1" })),
            -32602,
            "both gasPrice and",
        ),
        (false, at(json!({ "blobBaseFee": "0x1" })), -32602, "override \"blobBaseFee\""),
        (false, json!(7), -32602, "invalid argument 0"),
    ];
    for (validation, blocks, code, words) in table {
        let payload = json!({ "blockStateCalls": blocks, "validation": validation });
        let error = world.try_ask("eth_simulateV1", json!([payload])).expect_err(words);
        assert_eq!(error["code"], code, "{words}: {error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{words}: {error}");
    }
    let unknown = world.refusal("eth_simulateV1", json!([{ "blockStateCalls": [] }, "0x99"]));
    assert_eq!(unknown.0, -32001);
    // Fees and nonces are nobody's concern unless they are to be.
    let free = simulate(&world, with(json!({ "nonce": "0x77" })));
    assert_eq!(free[0]["calls"][0]["status"], "0x1");
}
