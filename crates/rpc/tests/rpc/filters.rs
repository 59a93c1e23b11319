//! Logs and filters, from installing to uninstalling.

use std::time::Duration;

use alloy_primitives::Bytes;
use gage_rpc::Limits;
use serde_json::{Value, json};

use crate::world::{COUNTER, World, invoke, transfer, user};

const TOPIC: &str = "0x0000000000000000000000000000000000000000000000000000000000000007";

fn emit(world: &World, nonce: u64) {
    world.send(&invoke(0, nonce, COUNTER, Bytes::new()));
    world.node.produce();
}

fn length(list: &Value) -> usize {
    list.as_array().expect("a list").len()
}

#[test]
fn logs_are_found_by_address_topic_range_and_block() {
    let world = World::new();
    emit(&world, 0);
    emit(&world, 1);
    let block = world.ask("eth_getBlockByNumber", json!(["0x1", false]));
    let table = [
        (json!({ "fromBlock": "earliest", "address": COUNTER }), 2),
        (json!({ "fromBlock": "0x2", "address": [COUNTER] }), 1),
        (json!({ "fromBlock": "0x0", "toBlock": "latest", "topics": [TOPIC] }), 2),
        (json!({ "fromBlock": "0x0", "address": COUNTER, "topics": [null] }), 2),
        (json!({ "fromBlock": "0x0", "topics": [[TOPIC, user(1).address().into_word()]] }), 2),
        (json!({ "fromBlock": "0x0", "topics": [TOPIC, TOPIC] }), 0),
        (json!({ "fromBlock": "0x0", "address": user(1).address() }), 0),
        (json!({ "blockHash": block["hash"], "address": COUNTER }), 1),
        (json!({ "address": COUNTER }), 1),
    ];
    for (filter, count) in table {
        assert_eq!(length(&world.ask("eth_getLogs", json!([filter]))), count, "{filter}");
    }
}

#[test]
fn a_log_filter_tells_each_log_once() {
    let world = World::new();
    emit(&world, 0);
    let id = world.ask("eth_newFilter", json!([{ "address": COUNTER }]));
    assert_eq!(world.ask("eth_getFilterChanges", json!([id])), json!([]));
    emit(&world, 1);
    let changes = world.ask("eth_getFilterChanges", json!([id]));
    assert_eq!(length(&changes), 1);
    assert_eq!(changes[0]["blockNumber"], "0x2");
    assert_eq!(world.ask("eth_getFilterChanges", json!([id])), json!([]));
    assert_eq!(world.ask("eth_getFilterLogs", json!([id])), changes);
    assert_eq!(world.ask("eth_uninstallFilter", json!([id])), true);
    assert_eq!(world.refusal("eth_getFilterChanges", json!([id])).1, "filter not found");
}

#[test]
fn more_logs_than_fit_come_in_several_polls() {
    let world = World::with_limits(Limits { log_results_max: 2, ..Limits::default() });
    let id = world.ask("eth_newFilter", json!([{ "address": COUNTER }]));
    for nonce in 0..5 {
        emit(&world, nonce);
    }
    let mut told = Vec::new();
    for _ in 0..6 {
        let changes = world.ask("eth_getFilterChanges", json!([id]));
        told.extend(changes.as_array().unwrap().iter().map(|log| log["blockNumber"].clone()));
    }
    assert_eq!(json!(told), json!(["0x1", "0x2", "0x3", "0x4", "0x5"]));
    let (code, _) =
        world.refusal("eth_getLogs", json!([{ "fromBlock": "0x0", "address": COUNTER }]));
    assert_eq!(code, -32005);
}

#[test]
fn block_and_pending_filters_tell_hashes() {
    let world = World::new();
    let blocks = world.ask("eth_newBlockFilter", json!([]));
    let pending = world.ask("eth_newPendingTransactionFilter", json!([]));
    let hash = world.send(&transfer(0, 0, user(1).address()));
    world.node.produce();
    let block = world.ask("eth_getBlockByNumber", json!(["latest", false]));
    assert_eq!(world.ask("eth_getFilterChanges", json!([blocks])), json!([block["hash"]]));
    assert_eq!(world.ask("eth_getFilterChanges", json!([pending])), json!([hash]));
    for id in [blocks, pending] {
        assert_eq!(world.ask("eth_getFilterChanges", json!([id])), json!([]));
        assert_eq!(world.refusal("eth_getFilterLogs", json!([id])).1, "filter not found");
    }
}

#[test]
fn a_filter_that_nobody_polls_expires() {
    let limits = Limits { filter_ttl: Duration::ZERO, filters_max: 1, ..Limits::default() };
    let world = World::with_limits(limits);
    let id = world.ask("eth_newBlockFilter", json!([]));
    assert_eq!(world.refusal("eth_getFilterChanges", json!([id])).1, "filter not found");
    world.ask("eth_newBlockFilter", json!([]));
}
