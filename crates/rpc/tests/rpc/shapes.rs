//! Blocks, transactions and receipts have the fields that clients expect.

use alloy_primitives::{Bytes, bytes};
use serde_json::{Value, json};

use crate::world::{COUNTER, World, create, invoke, transfer, user};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn assert_has(value: &Value, expected: &[&str]) {
    let found = keys(value);
    let missing: Vec<_> = expected.iter().filter(|key| !found.contains(key)).collect();
    assert!(missing.is_empty(), "missing {missing:?} in {value:#}");
}

/// Block 1: a transfer, a call that logs, a creation.
fn world() -> World {
    let world = World::new();
    world.send(&transfer(0, 0, user(1).address()));
    world.send(&invoke(1, 0, COUNTER, Bytes::new()));
    world.send(&create(2, 0, bytes!("60015f5360015ff3")));
    world.node.produce();
    world
}

#[test]
fn a_block_has_every_field() {
    let world = world();
    let block = world.ask("eth_getBlockByNumber", json!(["latest", false]));
    assert_has(
        &block,
        &[
            "number",
            "hash",
            "parentHash",
            "nonce",
            "sha3Uncles",
            "logsBloom",
            "transactionsRoot",
            "stateRoot",
            "receiptsRoot",
            "miner",
            "difficulty",
            "extraData",
            "size",
            "gasLimit",
            "gasUsed",
            "timestamp",
            "transactions",
            "uncles",
            "mixHash",
            "baseFeePerGas",
            "withdrawals",
            "withdrawalsRoot",
        ],
    );
    assert_eq!(block["number"], "0x1");
    assert_eq!(block["withdrawals"], json!([]));
    assert_eq!(block["uncles"], json!([]));
    assert_eq!(block["difficulty"], "0x0");
    assert_eq!(block["transactions"].as_array().map(Vec::len), Some(4));
    let by_hash = world.ask("eth_getBlockByHash", json!([block["hash"], false]));
    assert_eq!(by_hash, block);
    let full = world.ask("eth_getBlockByNumber", json!(["0x1", true]));
    let hashes: Vec<_> =
        full["transactions"].as_array().unwrap().iter().map(|tx| tx["hash"].clone()).collect();
    assert_eq!(json!(hashes), block["transactions"]);
    for tag in ["latest", "safe", "finalized"] {
        assert_eq!(world.ask("eth_getBlockByNumber", json!([tag, false])), block, "{tag}");
    }
    assert_eq!(world.ask("eth_getBlockByNumber", json!(["earliest"]))["number"], "0x0");
    assert_eq!(world.ask("eth_getBlockTransactionCountByNumber", json!(["latest"])), "0x4");
    assert_eq!(world.ask("eth_getUncleCountByBlockNumber", json!(["latest"])), "0x0");
}

#[test]
fn the_pending_block_has_no_hash_and_shows_what_waits() {
    let world = world();
    let waiting = world.send(&transfer(0, 1, user(1).address()));
    let block = world.ask("eth_getBlockByNumber", json!(["pending", false]));
    for unknown in ["hash", "nonce", "logsBloom", "miner"] {
        assert_eq!(block[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(block["number"], "0x2");
    assert_eq!(block["transactions"], json!([waiting]));
    let full = world.ask("eth_getBlockByNumber", json!(["pending", true]));
    assert_eq!(full["transactions"][0]["blockHash"], Value::Null);
}

#[test]
fn a_mined_transaction_has_every_field() {
    let world = world();
    let block = world.ask("eth_getBlockByNumber", json!(["latest", false]));
    let hash = &block["transactions"][1];
    let tx = world.ask("eth_getTransactionByHash", json!([hash]));
    assert_has(
        &tx,
        &[
            "hash",
            "nonce",
            "blockHash",
            "blockNumber",
            "transactionIndex",
            "from",
            "to",
            "value",
            "gas",
            "gasPrice",
            "maxFeePerGas",
            "maxPriorityFeePerGas",
            "input",
            "type",
            "chainId",
            "accessList",
            "v",
            "r",
            "s",
            "yParity",
        ],
    );
    assert_eq!(tx["type"], "0x2");
    assert_eq!(tx["transactionIndex"], "0x1");
    assert_eq!(tx["blockHash"], block["hash"]);
    let by_index = world.ask("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0x1"]));
    assert_eq!(by_index, tx);
    let by_hash = world.ask("eth_getTransactionByBlockHashAndIndex", json!([block["hash"], 1]));
    assert_eq!(by_hash, tx);
    let raw = world.ask("eth_getRawTransactionByHash", json!([hash]));
    assert_eq!(raw, json!(transfer(0, 0, user(1).address())));
}

#[test]
fn the_prelude_is_a_transaction_like_any() {
    let world = world();
    let block = world.ask("eth_getBlockByNumber", json!(["latest", true]));
    let prelude = &block["transactions"][0];
    assert_eq!(prelude["type"], "0x0");
    assert_eq!(prelude["gasPrice"], "0x0");
    assert_eq!(prelude["from"], "0xfffffffffffffffffffffffffffffffffffffffe");
    let receipt = world.ask("eth_getTransactionReceipt", json!([prelude["hash"]]));
    assert_eq!(receipt["effectiveGasPrice"], "0x0");
}

#[test]
fn a_waiting_transaction_has_no_block() {
    let world = World::new();
    let hash = world.send(&transfer(0, 0, user(1).address()));
    let tx = world.ask("eth_getTransactionByHash", json!([hash]));
    for none_yet in ["blockHash", "blockNumber", "transactionIndex"] {
        assert_eq!(tx[none_yet], Value::Null, "{none_yet}");
    }
    assert_eq!(world.ask("eth_getTransactionReceipt", json!([hash])), Value::Null);
    let from = user(0).address();
    assert_eq!(world.ask("eth_getTransactionCount", json!([from, "latest"])), "0x0");
    assert_eq!(world.ask("eth_getTransactionCount", json!([from, "pending"])), "0x1");
    assert_eq!(world.ask("txpool_status", json!([])), json!({ "pending": "0x1", "queued": "0x0" }));
    let content = world.ask("txpool_content", json!([]));
    assert_eq!(content["pending"].as_object().map(serde_json::Map::len), Some(1));
    world.node.produce();
    assert_eq!(world.ask("eth_getTransactionCount", json!([from, "pending"])), "0x1");
}

#[test]
fn receipts_have_every_field() {
    let world = world();
    let receipts = world.ask("eth_getBlockReceipts", json!(["latest"]));
    let receipts = receipts.as_array().expect("a list");
    assert_eq!(receipts.len(), 4);
    for receipt in receipts {
        assert_has(
            receipt,
            &[
                "transactionHash",
                "transactionIndex",
                "blockHash",
                "blockNumber",
                "from",
                "to",
                "cumulativeGasUsed",
                "gasUsed",
                "contractAddress",
                "logs",
                "logsBloom",
                "type",
                "status",
                "effectiveGasPrice",
            ],
        );
        assert_eq!(receipt["status"], "0x1");
        let alone = world.ask("eth_getTransactionReceipt", json!([receipt["transactionHash"]]));
        assert_eq!(&alone, receipt);
    }
    let [_, transfer, logged, created] = receipts.as_slice() else { panic!("four receipts") };
    assert_eq!(transfer["contractAddress"], Value::Null);
    assert_eq!(transfer["gasUsed"], "0x5208");
    assert_eq!(created["to"], Value::Null);
    assert_eq!(created["contractAddress"], json!(user(2).address().create(0)));
    let log = &logged["logs"][0];
    assert_has(
        log,
        &[
            "address",
            "topics",
            "data",
            "blockNumber",
            "blockHash",
            "transactionHash",
            "transactionIndex",
            "logIndex",
            "removed",
        ],
    );
    assert_eq!(log["removed"], false);
    assert_eq!(log["transactionHash"], logged["transactionHash"]);
}

#[test]
fn fee_history_covers_the_blocks_and_the_next() {
    let world = world();
    world.node.produce();
    let history = world.ask("eth_feeHistory", json!(["0x2", "latest", [10, 50]]));
    assert_eq!(history["oldestBlock"], "0x1");
    assert_eq!(history["baseFeePerGas"].as_array().map(Vec::len), Some(3));
    assert_eq!(history["gasUsedRatio"].as_array().map(Vec::len), Some(2));
    // One gwei was tipped in block 1, and nobody tipped in block 2.
    assert_eq!(history["reward"], json!([["0x3b9aca00", "0x3b9aca00"], ["0x0", "0x0"]]));
    let all = world.ask("eth_feeHistory", json!([1000, "latest", []]));
    assert_eq!(all["oldestBlock"], "0x0");
    assert_eq!(all.get("reward"), None);
}

#[test]
fn the_node_introduces_itself() {
    let world = World::new();
    let table = [
        ("net_version", json!("4243")),
        ("net_listening", json!(true)),
        ("net_peerCount", json!("0x0")),
        ("web3_clientVersion", json!("gage/test")),
        ("eth_syncing", json!(false)),
        ("eth_accounts", json!([])),
        ("eth_coinbase", json!(user(9).address())),
        ("eth_maxPriorityFeePerGas", json!("0x3b9aca00")),
    ];
    for (method, expected) in table {
        assert_eq!(world.ask(method, json!([])), expected, "{method}");
    }
    let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(world.ask("web3_sha3", json!(["0x"])), empty);
}
