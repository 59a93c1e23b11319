//! Requests that make no sense are refused in words, and the server lives on.

use std::time::Duration;

use gage_rpc::{Config, Cors, Limits};
use serde_json::{Value, json};

use crate::{
    client::{self, WebSocket},
    world::{CHAIN_ID, World, transfer, user},
};

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const UNKNOWN_METHOD: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const REFUSED: i64 = -32000;
const NOT_FOUND: i64 = -32001;
const LIMIT: i64 = -32005;

fn assert_alive(world: &World) {
    assert_eq!(world.ask("eth_chainId", json!([])), format!("{CHAIN_ID:#x}"));
}

#[test]
fn bytes_that_are_no_request_are_told_so() {
    let world = World::new();
    let table = [
        ("", PARSE_ERROR),
        ("{", PARSE_ERROR),
        ("\u{0}\u{1}", PARSE_ERROR),
        ("[", PARSE_ERROR),
        ("[]", INVALID_REQUEST),
        // The JSON-RPC library takes an object without an id for broken JSON.
        ("{}", PARSE_ERROR),
        (r#"{"id":1}"#, INVALID_REQUEST),
        (r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#, INVALID_REQUEST),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_unknown"}"#, UNKNOWN_METHOD),
        (r#"{"jsonrpc":"2.0","id":1,"method":"evm_revert"}"#, UNKNOWN_METHOD),
    ];
    for (body, code) in table {
        let answer = client::post(world.addr, body.as_bytes());
        let answer: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert_eq!(answer["error"]["code"], code, "{body:?}: {answer}");
    }
    assert_alive(&world);
}

/// A request for the chain's id, with `id` in its place as it is.
fn request(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"eth_chainId","params":[]{id}}}"#)
}

/// What `single` is answered with: the same over HTTP, over a WebSocket, and beside another in a batch.
fn answer(world: &World, socket: &mut WebSocket, single: &str) -> Value {
    let over_http = client::post(world.addr, single.as_bytes()).json();
    socket.send(single);
    assert_eq!(socket.next(), over_http, "{single}");
    let batch = format!("[{},{single}]", request(r#","id":"first""#));
    socket.send(&batch);
    for answers in [client::post(world.addr, batch.as_bytes()).json(), socket.next()] {
        assert_eq!(answers[0]["result"], format!("{CHAIN_ID:#x}"));
        assert_eq!(answers[1], over_http, "{single}");
    }
    over_http
}

#[test]
fn every_id_is_repeated_or_refused() {
    let world = World::new();
    let mut socket = WebSocket::open(world.addr);
    for id in ["0", "7", "18446744073709551615", "\"\"", "\"-1\"", "null"] {
        let answer = answer(&world, &mut socket, &request(&format!(",\"id\":{id}")));
        assert_eq!(answer["id"], serde_json::from_str::<Value>(id).unwrap());
        assert_eq!(answer["result"], format!("{CHAIN_ID:#x}"), "{id}");
    }
    let others = ["-1", "1.5", "18446744073709551616", "true", "{}", "[]", "1,\"id\":2"];
    let others = others.map(|id| format!(",\"id\":{id}"));
    // One without an id is not run either.
    for id in others.into_iter().chain([String::new()]) {
        let answer = answer(&world, &mut socket, &request(&id));
        assert_eq!(answer["id"], Value::Null, "{id}");
        assert_eq!(answer["error"]["code"], INVALID_REQUEST, "{id}");
        let told = answer["error"]["message"].as_str().expect("words");
        assert!(told.starts_with("id must be a string, null or a whole number"), "{told}");
    }
    for key in [r#","jsonrpc":"2.0""#, r#","method":"eth_chainId""#, r#","params":[]"#] {
        let answer = answer(&world, &mut socket, &request(&format!(",\"id\":1{key}")));
        assert_eq!(answer["error"]["code"], INVALID_REQUEST, "{key}");
    }
    assert_alive(&world);
}

#[test]
fn arguments_that_are_wrong_are_named() {
    let world = World::new();
    let address = user(0).address();
    let table = [
        ("eth_getBalance", json!([]), "missing value for required argument 0"),
        ("eth_getBalance", json!({ "address": address }), "non-array args"),
        ("eth_getBalance", json!([7]), "invalid argument 0: "),
        ("eth_getBalance", json!(["0x12"]), "invalid argument 0: "),
        ("eth_getBalance", json!(["0xzz"]), "invalid argument 0: "),
        ("eth_getBalance", json!([address, "newest"]), "invalid argument 1: "),
        ("eth_getBalance", json!([address, "0x1ffffffffffffffff"]), "invalid argument 1: "),
        ("eth_getBalance", json!([address, { "blockNumber": "x" }]), "invalid argument 1: "),
        ("eth_getBalance", json!([address, "latest", 1]), "too many arguments"),
        ("eth_getBlockByNumber", json!(["12"]), "invalid argument 0: "),
        ("eth_getBlockByNumber", json!(["latest", "yes"]), "invalid argument 1: "),
        ("eth_getBlockByHash", json!(["0x1234"]), "invalid argument 0: "),
        ("eth_getStorageAt", json!([address, "slot"]), "invalid argument 1: "),
        ("eth_sendRawTransaction", json!(["0xabc"]), "invalid argument 0: "),
        ("eth_call", json!([{ "to": "nobody" }]), "invalid argument 0: "),
        ("eth_call", json!([{ "data": "0x01", "input": "0x02" }]), "both \"data\" and \"input\""),
        ("eth_call", json!([{ "gasPrice": "0x1", "maxFeePerGas": "0x1" }]), "both gasPrice and"),
        ("eth_call", json!([{ "chainId": "0x1" }]), "chainId 1 is not this chain's 4243"),
        ("eth_getLogs", json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]), "invalid block range"),
        ("eth_getLogs", json!([{ "topics": [1, 2, 3, 4, 5] }]), "invalid argument 0: "),
        ("eth_getLogs", json!(["latest"]), "invalid argument 0: "),
        ("eth_newFilter", json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]), "invalid block range"),
        ("eth_feeHistory", json!([1, "latest", [50, 10]]), "invalid reward percentile 10"),
        ("eth_feeHistory", json!([1, "latest", [101]]), "invalid reward percentile 101"),
        ("eth_getFilterChanges", json!(["0x"]), "invalid argument 0: "),
        ("evm_increaseTime", json!([-1]), "invalid argument 0: "),
    ];
    for (method, params, message) in table {
        let (code, told) = world.refusal(method, params.clone());
        assert_eq!(code, INVALID_PARAMS, "{method} {params}: {told}");
        assert!(told.starts_with(message), "{method} {params}: {told}");
    }
    assert_alive(&world);
}

#[test]
fn no_refusal_names_a_type_of_rust() {
    let world = World::new();
    let (address, hash) = (user(0).address(), format!("0x{}", "11".repeat(32)));
    let nonsense =
        [json!(7.5), json!("x"), json!(true), json!([1]), json!([[]]), json!({ "x": 1 })];
    let methods = [
        ("eth_getBalance", vec![json!(address)]),
        ("eth_getStorageAt", vec![json!(address)]),
        ("eth_getProof", vec![json!(address)]),
        ("eth_call", vec![]),
        ("eth_call", vec![json!({}), json!("latest")]),
        ("eth_call", vec![json!({}), json!("latest"), json!({})]),
        ("eth_getLogs", vec![]),
        ("eth_newFilter", vec![]),
        ("eth_simulateV1", vec![]),
        ("eth_sendRawTransaction", vec![]),
        ("eth_feeHistory", vec![json!(1)]),
        ("debug_traceTransaction", vec![json!(hash)]),
        ("debug_traceCall", vec![json!({}), json!("latest")]),
        ("evm_mine", vec![]),
        ("gage_submitReports", vec![]),
        ("gage_submitMessages", vec![]),
        ("gage_whatIf", vec![json!(0), json!(address), json!(0)]),
    ];
    let mut refused = 0;
    let mut judge = |told: String, asked: &str| {
        let leaks = ["enum ", "struct ", "variant of", "Json", "Variadic"];
        assert!(!leaks.iter().any(|leak| told.contains(leak)), "{asked}: {told}");
        refused += 1;
    };
    for (method, first) in methods {
        for value in nonsense.clone() {
            let params = Value::Array(first.iter().cloned().chain([value]).collect());
            if let Err(error) = world.try_ask(method, params.clone()) {
                judge(error["message"].to_string(), &format!("{method} {params}"));
            }
        }
    }
    let filters = [json!({ "topics": ["x"] }), json!({ "address": 5 }), json!({ "tracer": [] })];
    let mut socket = WebSocket::open(world.addr);
    for filter in filters {
        let error = socket.call("eth_subscribe", json!(["logs", filter]));
        judge(error.map_or_else(|error| error["message"].to_string(), |_| String::new()), "logs");
    }
    assert!(refused > 80, "{refused} refusals");
    let slot = world.refusal("eth_getStorageAt", json!([address, "slot"])).1;
    assert_eq!(slot, "invalid argument 1: expected a storage slot, 32 bytes or fewer as 0x hex");
    let (_, topic) = world.refusal("eth_getLogs", json!([{ "topics": ["x"] }]));
    assert!(topic.starts_with("invalid argument 0: expected one value or an array"), "{topic}");
    let time = world.refusal("evm_mine", json!([true])).1;
    assert_eq!(time, "invalid argument 0: expected a time, or an object of timestamp and blocks");
    let message = json!([[{ "provider": "x", "feeds": [], "data": "0x" }]]);
    let provider = world.refusal("gage_submitMessages", message).1;
    assert!(provider.ends_with("expected ed25519, pyth, redstone, chainlink or their number"));
}

#[test]
fn what_is_not_there_is_null_or_named() {
    let world = World::new();
    let nothing = format!("0x{}", "11".repeat(32));
    let nulls = [
        ("eth_getBlockByNumber", json!(["0x64"])),
        ("eth_getBlockByHash", json!([nothing, true])),
        ("eth_getBlockReceipts", json!(["0x64"])),
        ("eth_getBlockTransactionCountByHash", json!([nothing])),
        ("eth_getUncleCountByBlockNumber", json!(["0x64"])),
        ("eth_getTransactionByHash", json!([nothing])),
        ("eth_getRawTransactionByHash", json!([nothing])),
        ("eth_getTransactionReceipt", json!([nothing])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0x9"])),
        ("eth_getTransactionByBlockHashAndIndex", json!([nothing, "0x0"])),
    ];
    for (method, params) in nulls {
        assert_eq!(world.ask(method, params), Value::Null, "{method}");
    }
    let address = user(0).address();
    let (code, told) = world.refusal("eth_getBalance", json!([address, "0x64"]));
    assert_eq!((code, told.as_str()), (NOT_FOUND, "header not found: block 100"));
    let by_hash = json!([{ "to": address }, { "blockHash": nothing }]);
    assert_eq!(world.refusal("eth_call", by_hash).0, NOT_FOUND);
    let (code, told) = world.refusal("eth_getFilterChanges", json!(["0x1"]));
    assert_eq!((code, told.as_str()), (REFUSED, "filter not found"));
    assert_eq!(world.ask("eth_uninstallFilter", json!(["0x1"])), false);
}

#[test]
fn refused_transactions_say_why() {
    let world = World::new();
    let raw = transfer(0, 0, user(1).address());
    world.send(&raw);
    world.node.produce();
    let (code, told) = world.refusal("eth_sendRawTransaction", json!([raw]));
    assert_eq!(code, REFUSED);
    assert!(told.starts_with("nonce too low"), "{told}");
    let (code, told) = world.refusal("eth_sendRawTransaction", json!(["0x03c0"]));
    assert_eq!(code, REFUSED);
    assert!(told.starts_with("transaction type not supported"), "{told}");
    assert_eq!(world.refusal("eth_sendRawTransaction", json!(["0x"])).0, REFUSED);
}

#[test]
fn limits_are_told_and_hold() {
    let limits = Limits {
        batch_max: 3,
        request_bytes_max: 1_000,
        filters_max: 1,
        filter_ttl: Duration::from_secs(60),
        log_blocks_max: 2,
        ..Limits::default()
    };
    let world = World::with_limits(limits);
    for _ in 0..4 {
        world.node.produce();
    }
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" });
    let answer = client::post(world.addr, json!([one, one, one]).to_string().as_bytes());
    assert_eq!(answer.json().as_array().map(Vec::len), Some(3));
    let answer = client::post(world.addr, json!([one, one, one, one]).to_string().as_bytes());
    assert_eq!(answer.json()["error"]["code"], -32010);
    let answer = client::post(world.addr, " ".repeat(1_001).as_bytes());
    assert_eq!(answer.status, 413);

    let (code, told) = world.refusal("eth_getLogs", json!([{ "fromBlock": "earliest" }]));
    assert_eq!(code, LIMIT);
    assert!(told.starts_with("block range of 5 blocks exceeds the limit of 2"), "{told}");
    // What lies beyond the head costs nothing.
    world.ask("eth_getLogs", json!([{ "fromBlock": "0x3", "toBlock": "0xffffff" }]));

    world.ask("eth_newBlockFilter", json!([]));
    assert_eq!(world.refusal("eth_newBlockFilter", json!([])).0, LIMIT);
    assert_alive(&world);
}

/// Whether its length is told first or not.
#[test]
fn a_body_that_is_too_long_is_refused_in_whatever_form_it_comes() {
    let world = World::with_limits(Limits { request_bytes_max: 1_000, ..Limits::default() });
    let chunked = |pieces: &[&str]| {
        let head =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json";
        let chunk = |piece: &&str| format!("{:x}\r\n{piece}\r\n", piece.len());
        let body = pieces.iter().map(chunk).collect::<String>() + "0\r\n\r\n";
        client::http(world.addr, head, body.as_bytes())
    };
    let asked = request(r#","id":1"#);
    let spaces = " ".repeat(501);
    let told = client::post(world.addr, format!("{asked}{spaces}{spaces}").as_bytes());
    assert_eq!((told.status, &told.json()["error"]["code"]), (413, &json!(-32007)));
    for pieces in [[asked.as_str(), &spaces, &spaces], [&spaces, &spaces, &asked]] {
        let refused = chunked(&pieces);
        assert_eq!((refused.status, refused.json()), (413, told.json()), "{pieces:?}");
    }
    let (first, second) = asked.split_at(20);
    let answered = chunked(&[" ", first, second]);
    assert_eq!(answered.json()["result"], format!("{CHAIN_ID:#x}"));
    assert_alive(&world);
}

#[test]
fn heavy_work_beyond_the_bound_is_refused_and_reads_go_on() {
    let limits = Limits { heavy_running_max: 0, heavy_waiting_max: 0, ..Limits::default() };
    let world = World::with_limits(limits);
    let (code, told) = world.refusal("eth_call", json!([{ "to": user(0).address() }]));
    assert_eq!(code, LIMIT);
    assert!(told.starts_with("server is busy"), "{told}");
    assert_alive(&world);
}

#[test]
fn a_busy_address_is_named() {
    let world = World::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config { addr: world.addr, ..Config::default() };
    let node = std::sync::Arc::clone(&world.node);
    let second = gage_rpc::serve(config, world.node.chain().clone(), node);
    let error = runtime.block_on(second).expect_err("the port is taken");
    assert!(error.to_string().contains(&world.addr.to_string()), "{error}");
}

#[test]
fn development_methods_exist_only_in_development() {
    let world = World::with(Config::default());
    for method in ["evm_mine", "evm_increaseTime", "evm_setNextBlockTimestamp", "gage_faucet"] {
        assert_eq!(world.refusal(method, json!([])).0, UNKNOWN_METHOD, "{method}");
    }
}

#[test]
fn browsers_of_other_origins_are_let_in_as_configured() {
    let preflight = "OPTIONS / HTTP/1.1\r\nOrigin: https://app.example\r\n\
                     Access-Control-Request-Method: POST\r\n\
                     Access-Control-Request-Headers: content-type";
    let table = [
        (Cors::Any, true),
        (Cors::Origins(vec!["https://app.example".into()]), true),
        (Cors::Origins(vec!["https://other.example".into()]), false),
        (Cors::None, false),
    ];
    for (cors, allowed) in table {
        let world = World::with(Config { cors: cors.clone(), ..Config::default() });
        let answer = client::http(world.addr, preflight, b"");
        let headers = answer.headers.to_lowercase();
        assert_eq!(headers.contains("access-control-allow-origin"), allowed, "{cors:?} {headers}");
    }
}

#[test]
fn nonsense_over_a_websocket_is_answered_too() {
    let world = World::new();
    let mut socket = WebSocket::open(world.addr);
    socket.send("{");
    assert_eq!(socket.next()["error"]["code"], PARSE_ERROR);
    assert_eq!(socket.call("eth_subscribe", json!([])).unwrap_err()["code"], INVALID_PARAMS);
    let unknown = socket.call("eth_subscribe", json!(["weather"])).unwrap_err();
    assert_eq!(unknown["code"], INVALID_PARAMS);
    for params in [json!(["newHeads", "x"]), json!(["newPendingTransactions", "x"])] {
        assert_eq!(socket.call("eth_subscribe", params).unwrap_err()["code"], INVALID_PARAMS);
    }
    assert_eq!(socket.call("eth_unsubscribe", json!(["0x1"])).unwrap(), false);
    for params in [json!([]), json!([{}]), json!(["0x1", "0x2"])] {
        assert_eq!(socket.call("eth_unsubscribe", params).unwrap_err()["code"], INVALID_PARAMS);
    }
    for method in ["eth_subscribe", "eth_unsubscribe"] {
        let (code, told) = world.refusal(method, json!(["newHeads"]));
        assert_eq!(code, UNKNOWN_METHOD);
        assert!(told.starts_with("notifications not supported"), "{told}");
    }
    assert_eq!(socket.call("eth_chainId", json!([])).unwrap(), "0x1093");
}
