//! An HTTP and a WebSocket client that send any bytes, also wrong ones.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};

/// Longer than any answer takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
    stream
}

/// What an HTTP request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Sends `body` as it is.
pub(crate) fn post(addr: SocketAddr, body: &[u8]) -> Answer {
    let length = format!("Content-Length: {}\r\nContent-Type: application/json", body.len());
    http(addr, &format!("POST / HTTP/1.1\r\n{length}"), body)
}

/// Sends a request with these first lines; a server that closes early has its answer read all the
/// same.
pub(crate) fn http(addr: SocketAddr, head: &str, body: &[u8]) -> Answer {
    let mut stream = connect(addr);
    let head = format!("{head}\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the head is sent");
    let _ = stream.write_all(body);
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let mut headers = String::new();
    while reader.read_line(&mut headers).expect("a header") > 2 {}
    let mut body = String::new();
    let _ = reader.read_to_string(&mut body);
    Answer { status, headers, body }
}

/// Calls a method over HTTP.
pub(crate) fn call(addr: SocketAddr, method: &str, params: Value) -> Result<Value, Value> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    outcome(post(addr, request.to_string().as_bytes()).json())
}

fn outcome(mut answer: Value) -> Result<Value, Value> {
    match answer.get_mut("error") {
        Some(error) => Err(error.take()),
        None => Ok(answer["result"].take()),
    }
}

/// A WebSocket connection (RFC 6455) that speaks short text messages.
pub(crate) struct WebSocket(TcpStream);

impl WebSocket {
    pub(crate) fn open(addr: SocketAddr) -> Self {
        let mut stream = connect(addr);
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("the handshake is sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("the handshake is answered");
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    pub(crate) fn send(&mut self, text: &str) {
        let length = u16::try_from(text.len()).expect("a short message");
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        // A mask of zeros leaves the text as it is.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).expect("the message is sent");
    }

    /// The next message; the server sends no fragments, and pings between.
    pub(crate) fn next(&mut self) -> Value {
        const PING: u8 = 0x89;
        const EMPTY_PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
        loop {
            let (kind, payload) = self.frame();
            if kind != PING {
                return serde_json::from_slice(&payload).expect("the message is JSON");
            }
            self.0.write_all(&EMPTY_PONG).expect("the answer is sent");
        }
    }

    fn frame(&mut self) -> (u8, Vec<u8>) {
        let [kind, length] = self.read();
        let length = match length {
            126 => u16::from_be_bytes(self.read()).into(),
            127 => u64::from_be_bytes(self.read()),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).expect("a length that fits")];
        self.0.read_exact(&mut payload).expect("the message is whole");
        (kind, payload)
    }

    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).expect("the server sends on");
        bytes
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.send(&request.to_string());
        outcome(self.next())
    }
}
