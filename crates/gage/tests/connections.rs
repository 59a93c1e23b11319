//! Ten thousand idle connections to a node that runs: HTTP that is kept alive and WebSockets, half of each.
//!
//! Both ends need descriptors. Where the system's limit is lower there are as many connections as it allows.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

const CONNECTIONS: usize = 10_000;
/// Descriptors that a process has beside its connections, and that the node keeps for itself.
const OTHERS: u64 = 400;
/// Connections above those that the node has room for.
const SPARE: usize = 4;
/// What one idle connection may take of the node's memory, in bytes.
const MEMORY_MAX: u64 = 48 << 10;
/// Longest time that another caller waits for an answer, on a machine that does much else.
const ANSWER_MAX: Duration = Duration::from_secs(2);
const STOP_MAX: Duration = Duration::from_secs(2);

const HEAD: &str = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                       Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                       Sec-WebSocket-Version: 13\r\n\r\n";

/// As many connections as the system's limit allows; this process may open them then.
fn allowed() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).expect("a process may raise its own limit");
    let files = limit.maximum.map_or(usize::MAX, |most| {
        usize::try_from(most.saturating_sub(OTHERS)).expect("a number of files")
    });
    let connections = CONNECTIONS.min(files) / 2 * 2;
    if connections < CONNECTIONS {
        println!("the limit of open files allows {connections} connections");
    }
    connections
}

/// A node that was started with a low limit of its own.
struct Running {
    node: Child,
    addr: String,
}

impl Running {
    fn start(folder: &Path, connections_max: usize) -> Self {
        let gage = env!("CARGO_BIN_EXE_gage");
        let genesis = Command::new(gage).arg("genesis").output().expect("gage starts").stdout;
        fs::write(folder.join("genesis.json"), genesis).expect("a file can be written");
        let settings = format!(
            "block_time = 0.05\n[rpc]\nport = 0\nconnections_max = {connections_max}\n\
             [metrics]\nenabled = false\n"
        );
        fs::write(folder.join("gage.toml"), settings).expect("a file can be written");
        let command =
            format!("ulimit -Sn 256 && exec {gage} node --genesis genesis.json --config gage.toml");
        let mut node = Command::new("sh")
            .current_dir(folder)
            .args(["-c", &command])
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gage starts");
        let mut line = String::new();
        let said = node.stdout.take().expect("piped");
        BufReader::new(said).read_line(&mut line).expect("text");
        let url = line.split_whitespace().nth(1).expect("an address");
        let addr = url.strip_prefix("http://").expect("HTTP").to_owned();
        Self { node, addr }
    }

    fn proc(&self, name: &str) -> std::path::PathBuf {
        format!("/proc/{}/{name}", self.node.id()).into()
    }

    fn files(&self) -> usize {
        fs::read_dir(self.proc("fd")).expect("the node runs").count()
    }

    /// Resident memory, in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("the node runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory");
        let kilobytes = line.split_whitespace().nth(1).and_then(|text| text.parse().ok());
        kilobytes.map(|kilobytes: u64| kilobytes << 10).expect("a number")
    }

    /// Connects and sends; what comes is read later.
    fn send(&self, bytes: &[u8]) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.addr).expect("the node listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout above zero");
        stream.write_all(bytes).expect("the request is sent");
        // Small, as there are many.
        BufReader::with_capacity(512, stream)
    }

    /// So many connections that have said something once and are silent then.
    fn idle(&self, connections: usize) -> Vec<BufReader<TcpStream>> {
        let asked = request("eth_chainId");
        let mut open = Vec::with_capacity(connections);
        while open.len() < connections {
            let begun = open.len();
            for _ in 0..(connections - begun).min(200) / 2 {
                open.push(self.send(asked.as_bytes()));
                open.push(self.send(UPGRADE.as_bytes()));
            }
            for pair in open[begun..].chunks_mut(2) {
                assert_eq!(answer(&mut pair[0]).0, 200);
                assert_eq!(answer(&mut pair[1]).0, 101);
            }
        }
        open
    }

    /// Asks on a connection of its own; the status and the body.
    fn ask(&self, method: &str) -> (u16, serde_json::Value) {
        let (status, body) = answer(&mut self.send(request(method).as_bytes()));
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    fn head(&self) -> u64 {
        let began = Instant::now();
        let (status, told) = self.ask("eth_blockNumber");
        assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
        assert_eq!(status, 200, "{told}");
        let number = told["result"].as_str().expect("a number").trim_start_matches("0x");
        u64::from_str_radix(number, 16).expect("a number")
    }

    /// Others are answered, and blocks are made.
    fn is_well(&self) {
        let before = self.head();
        eventually("blocks", || self.head() >= before + 3);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn request(method: &str) -> String {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[]}}"#);
    format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The status of an answer, and its body.
fn answer(reader: &mut BufReader<TcpStream>) -> (u16, String) {
    let (mut status, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
        if let Some(told) = line.strip_prefix("content-length: ") {
            length = told.parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the whole body");
    (status.expect("a status"), String::from_utf8(body).expect("text"))
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "no {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn ten_thousand_idle_connections_hold_nobody_up() {
    let connections = allowed();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut running = Running::start(folder.path(), connections + SPARE);
    running.is_well();
    let (files, memory) = (running.files(), running.memory());

    let began = Instant::now();
    let idle = running.idle(connections);
    let full = running.memory();
    let taken = full.saturating_sub(memory);
    let each = taken / u64::try_from(connections).expect("a number");
    println!("{connections} connections in {:?}, {each} bytes of memory for each", began.elapsed());
    assert!(each < MEMORY_MAX, "{each} bytes");
    assert!(running.files() >= files + connections);
    running.is_well();

    // The last places are taken; whoever comes then is told so, and let in when somebody goes.
    let mut last: Vec<_> = (0..SPARE).map(|_| running.send(UPGRADE.as_bytes())).collect();
    for one in &mut last {
        assert_eq!(answer(one).0, 101);
    }
    let (status, told) = running.ask("eth_chainId");
    assert_eq!((status, &told["error"]["code"]), (503, &(-32005).into()), "{told}");
    let most = format!("too many connections: {} are open", connections + SPARE);
    assert!(told["error"]["message"].as_str().is_some_and(|why| why.starts_with(&most)), "{told}");
    drop(last);
    eventually("room", || running.ask("eth_chainId").0 == 200);

    // All go, and all come again: had the first left theirs behind, as much would be taken once more.
    drop(idle);
    eventually("free descriptors", || running.files() <= files + SPARE);
    let idle = running.idle(connections);
    let again = running.memory();
    assert!(again < full + taken / 2, "{full} bytes grew to {again}");
    running.is_well();

    let began = Instant::now();
    let id = i32::try_from(running.node.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(id, Signal::TERM).expect("the node runs");
    let ended = running.node.wait().expect("a child can be waited for");
    println!("stopped in {:?}", began.elapsed());
    assert!(ended.success(), "{ended}");
    assert!(began.elapsed() < STOP_MAX, "{:?}", began.elapsed());
    drop(idle);
}
