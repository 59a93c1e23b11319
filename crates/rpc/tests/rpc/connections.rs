//! Connections that bring nothing are closed, and there is room for so many.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use gage_rpc::Limits;
use serde_json::json;

use crate::{
    client::{self, WebSocket},
    world::World,
};

const SILENCE: Duration = Duration::from_millis(300);
/// Far longer than that.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it takes until the server closes a connection on which `said` was sent, a byte at a time.
fn closed_after(world: &World, said: &str) -> Duration {
    let mut stream = TcpStream::connect(world.addr).expect("the server listens");
    let began = Instant::now();
    stream.write_all(said.as_bytes()).expect("sent");
    stream.set_read_timeout(Some(SILENCE / 10)).expect("a timeout above zero");
    let mut answer = [0; 1024];
    while began.elapsed() < PATIENCE {
        match stream.read(&mut answer) {
            Ok(0) => return began.elapsed(),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // A header that goes on and on is no whole one.
                if said.starts_with("POST") && !said.contains("\r\n\r\n") {
                    let _ = stream.write_all(b"x");
                }
            }
            Err(_) => return began.elapsed(),
        }
    }
    panic!("{said:?} is still open")
}

#[test]
fn who_brings_no_request_is_cut_off() {
    let world = World::with_limits(Limits { silence_max: SILENCE, ..Limits::default() });
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let half = format!("{head}Content-Length: {}\r\n\r\n{{", body.len());
    // Nothing; a header without an end; a body without its rest; silence after an answer.
    for said in ["", head, &half, &whole] {
        let time = closed_after(&world, said);
        assert!(time >= SILENCE - SILENCE / 10, "{said:?}: {time:?}");
    }
    // A WebSocket may be silent for longer: it answers pings.
    let mut socket = WebSocket::open(world.addr);
    std::thread::park_timeout(SILENCE * 3);
    assert!(socket.call("eth_chainId", json!([])).is_ok());
}

#[test]
fn a_full_server_says_so_and_takes_the_next_when_one_goes() {
    let world = World::with_limits(Limits { connections_max: 2, ..Limits::default() });
    let first = WebSocket::open(world.addr);
    let _idle = TcpStream::connect(world.addr).expect("the server listens");
    let refused = client::http(world.addr, "POST / HTTP/1.1\r\nContent-Length: 0", b"");
    assert_eq!(refused.status, 503, "{refused:?}");
    let error = &refused.json()["error"];
    assert_eq!(error["code"], -32005);
    assert_eq!(error["message"], "too many connections: 2 are open already; try again later");
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    while client::call(world.addr, "eth_chainId", json!([])).is_err() {
        assert!(Instant::now() < deadline, "nobody is let in");
    }
    world.stop();
}

#[test]
fn half_a_body_does_not_hold_a_stop() {
    let world = World::new();
    let half = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(world.addr).expect("the server listens");
        stream.write_all(half.as_bytes()).expect("sent");
        open.push(stream);
    }
    // These have come by when one that came later is answered.
    client::call(world.addr, "eth_chainId", json!([])).expect("answered");
    world.stop();
}
