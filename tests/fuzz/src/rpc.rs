//! JSON-RPC: any body, sent to a server over a chain.
//!
//! Every body is answered: with JSON, or with the status that its size or form has. No method fails inside, no thread of
//! the server stops, and what is asked changes nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::panic;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gage_rpc::Config;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::worlds::rpc::{COUNTER, REVERTER, World, invoke, transfer, user};

/// How many threads have panicked.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// The code of a method that failed inside (JSON-RPC 2.0).
const INTERNAL: i64 = -32_603;

struct Server {
    world: World,
    connection: Option<BufReader<TcpStream>>,
}

static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(info);
    }));
    let world = World::with(Config::default());
    for raw in [transfer(0, 0, user(1).address()), invoke(0, 1, COUNTER, Default::default())] {
        world.send(&raw);
    }
    world.node.produce();
    Mutex::new(Server { world, connection: None })
});

impl Server {
    /// The status and body of the answer.
    fn ask(&mut self, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        let mut reader = match self.connection.take() {
            Some(reader) => reader,
            None => {
                let stream = TcpStream::connect(self.world.addr)?;
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        let head = format!(
            "POST / HTTP/1.1\r\nHost: gage\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        reader.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        let (mut length, mut closes) = (0, false);
        loop {
            line.clear();
            if reader.read_line(&mut line)? <= 2 {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(number) = lower.strip_prefix("content-length:") {
                length = number.trim().parse().unwrap_or_default();
            }
            closes |= lower.starts_with("connection: close");
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        if !closes {
            self.connection = Some(reader);
        }
        Ok((status, answer))
    }
}

/// A request's body.
pub(crate) fn run(data: &[u8]) {
    let mut server = SERVER.lock();
    let before = server.world.node.chain().head();
    // A server may have closed an idle connection.
    let answer = server.ask(data).or_else(|_| server.ask(data));
    let (status, body) = answer.expect("the server answers");
    assert!(matches!(status, 200 | 400 | 413), "status {status}");
    if status == 200 && !body.is_empty() {
        let answer: Value = serde_json::from_slice(&body).expect("an answer is JSON");
        let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        for answer in answers {
            assert_ne!(answer["error"]["code"], INTERNAL, "{answer}");
        }
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "a thread of the server has panicked");
    assert_eq!(server.world.node.chain().head(), before, "a request has moved the head");
}

/// Requests as clients make them.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let who = user(0).address();
    let raw = transfer(0, 2, user(1).address());
    let call = json!({ "from": who, "to": COUNTER, "data": "0x", "gas": "0x186a0" });
    let reverting = json!({ "to": REVERTER, "input": "0x01020304" });
    let filter =
        json!({ "fromBlock": "0x0", "toBlock": "latest", "address": COUNTER, "topics": [null] });
    let hash = format!("0x{:064x}", 7);
    let asked = [
        ("eth_chainId", json!([])),
        ("eth_getBalance", json!([who, "latest"])),
        ("eth_getTransactionCount", json!([who, "pending"])),
        ("eth_getStorageAt", json!([COUNTER, "0x0", { "blockNumber": "0x1" }])),
        ("eth_getProof", json!([COUNTER, ["0x0", hash], "latest"])),
        ("eth_getBlockByNumber", json!(["0x1", true])),
        ("eth_getBlockReceipts", json!(["latest"])),
        ("eth_getTransactionByHash", json!([hash])),
        ("eth_getLogs", json!([filter])),
        ("eth_newFilter", json!([filter])),
        ("eth_getFilterChanges", json!(["0x1"])),
        ("eth_call", json!([call, "latest", { (who.to_string()): { "balance": "0x1" } }])),
        ("eth_call", json!([reverting, "latest"])),
        ("eth_estimateGas", json!([call])),
        ("eth_createAccessList", json!([call, "latest"])),
        (
            "eth_simulateV1",
            json!([{ "blockStateCalls": [{ "calls": [call, reverting] }] }, "latest"]),
        ),
        ("eth_feeHistory", json!(["0x2", "latest", [25.0, 75.0]])),
        ("eth_sendRawTransaction", json!([raw])),
        ("debug_traceCall", json!([call, "latest", { "tracer": "callTracer" }])),
        ("debug_traceBlockByNumber", json!(["0x1", { "tracer": "prestateTracer" }])),
        ("web3_sha3", json!(["0x01"])),
        ("txpool_content", json!([])),
        ("gage_protocol", json!([])),
        ("gage_markets", json!(["latest"])),
        ("gage_vaults", json!([])),
        ("gage_explain", json!([{ "market": 1, "owner": who, "sub": 0 }, "latest"])),
        ("gage_whatIf", json!([{ "market": 1, "owner": who }, { "prices": {} }])),
        ("gage_feeds", json!([])),
    ];
    let mut seeds: Vec<_> = asked
        .iter()
        .map(|(method, params)| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
        .collect();
    seeds.push(Value::Array(seeds[..4].to_vec()));
    seeds.iter().map(|seed| seed.to_string().into_bytes()).collect()
}
