//! What is pushed over a WebSocket.

use alloy_primitives::Bytes;
use gage_rpc::Limits;
use serde_json::{Value, json};

use crate::{
    client::WebSocket,
    world::{COUNTER, World, invoke, transfer, user},
};

fn subscribe(world: &World, params: Value) -> (WebSocket, Value) {
    let mut socket = WebSocket::open(world.addr);
    let id = socket.call("eth_subscribe", params).expect("a subscription");
    assert!(id.as_str().is_some_and(|id| id.starts_with("0x")), "{id}");
    (socket, id)
}

/// The next notification's content, which must belong to `id`.
fn notified(socket: &mut WebSocket, id: &Value) -> Value {
    let mut message = socket.next();
    assert_eq!(message["jsonrpc"], "2.0");
    assert_eq!(message["method"], "eth_subscription");
    assert_eq!(&message["params"]["subscription"], id);
    message["params"]["result"].take()
}

#[test]
fn new_heads_are_pushed_until_unsubscribed() {
    let world = World::new();
    let (mut socket, id) = subscribe(&world, json!(["newHeads"]));
    for number in ["0x1", "0x2"] {
        world.node.produce();
        let head = notified(&mut socket, &id);
        assert_eq!(head["number"], number);
        let block = world.ask("eth_getBlockByNumber", json!([number, false]));
        for field in ["hash", "parentHash", "timestamp", "baseFeePerGas", "stateRoot"] {
            assert_eq!(head[field], block[field], "{field}");
        }
    }
    assert_eq!(socket.call("eth_unsubscribe", json!([id])).unwrap(), true);
    world.node.produce();
    // The next message is an answer, not a third head.
    assert_eq!(socket.call("eth_blockNumber", json!([])).unwrap(), "0x3");
}

#[test]
fn logs_are_pushed_if_they_match() {
    let world = World::new();
    let (mut socket, id) = subscribe(&world, json!(["logs", { "address": COUNTER }]));
    world.node.produce();
    world.send(&invoke(0, 0, COUNTER, Bytes::new()));
    world.node.produce();
    let log = notified(&mut socket, &id);
    assert_eq!(log["blockNumber"], "0x2");
    let found = world.ask("eth_getLogs", json!([{ "address": COUNTER }]));
    assert_eq!(found, json!([log]));
}

#[test]
fn waiting_transactions_are_pushed_as_hashes_or_whole() {
    let world = World::new();
    let (mut hashes, hashes_id) = subscribe(&world, json!(["newPendingTransactions"]));
    let (mut whole, whole_id) = subscribe(&world, json!(["newPendingTransactions", true]));
    let hash = world.send(&transfer(0, 0, user(1).address()));
    assert_eq!(notified(&mut hashes, &hashes_id), hash);
    assert_eq!(notified(&mut whole, &whole_id)["hash"], hash);
}

#[test]
fn requests_and_batches_go_over_the_same_socket() {
    let world = World::new();
    let mut socket = WebSocket::open(world.addr);
    assert_eq!(socket.call("eth_blockNumber", json!([])).unwrap(), "0x0");
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber" });
    socket.send(&json!([one, one]).to_string());
    assert_eq!(socket.next().as_array().map(Vec::len), Some(2));
}

#[test]
fn the_server_stops_with_subscribers_connected() {
    let world = World::new();
    let addr = world.addr;
    let (_socket, _) = subscribe(&world, json!(["newHeads"]));
    world.stop();
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[test]
fn a_connection_has_a_bounded_number_of_subscriptions() {
    let world = World::with_limits(Limits { subscriptions_max: 1, ..Limits::default() });
    let (mut socket, _) = subscribe(&world, json!(["newHeads"]));
    let refused = socket.call("eth_subscribe", json!(["newHeads"])).unwrap_err();
    assert_eq!(refused["code"], -32006);
}
