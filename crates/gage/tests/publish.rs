//! `gage publish` between exchanges and a live dev chain: the chain's price follows the exchanges, whatever one of them
//! does, and stops where too few agree.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../publisher/tests/exchange/mod.rs"]
mod exchange;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use exchange::{Exchange, Mode};
use gage_publisher::Venue;
use serde_json::Value;
use tokio::runtime::Runtime;

/// The demo's publisher.
const PUBLISHER: &str = "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97";
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gage() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gage"))
}

fn chain() -> (Process, String) {
    let mut command = gage();
    command.args(["dev", "--ephemeral", "--port", "0", "--no-metrics", "--block-time", "0.2"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.map_while(Result::ok).find_map(|line| {
        let at = line.find("http://")?;
        line[at..].split_whitespace().next().map(str::to_owned)
    });
    (Process(child), url.unwrap())
}

/// Asks until it is so.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn ether(url: &str) -> f64 {
    let told = gage().args(["feeds", "WETH", "--json", "--rpc-url", url]).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["price"]["formatted"].as_str().unwrap().parse().unwrap()
}

/// The status and the body of the publisher's health.
fn health(port: u16) -> (u16, Value) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let Ok(mut answer) = agent.get(format!("http://127.0.0.1:{port}/health")).call() else {
        return (0, Value::Null);
    };
    (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
}

#[test]
fn the_chain_s_price_follows_the_exchanges() {
    let runtime = Runtime::new().unwrap();
    let coinbase = Exchange::start(&runtime, Venue::Coinbase, &[("ETH-USD", 250_000)]);
    let kraken = Exchange::start(&runtime, Venue::Kraken, &[("ETH/USD", 250_000)]);
    let binance = Exchange::start(&runtime, Venue::Binance, &[("ETHUSD", 250_000)]);
    let (_chain, url) = chain();
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoints = [&coinbase, &kraken, &binance].map(Exchange::endpoint).concat();
    let config = format!(
        "node = \"{url}\"\nhealth = \"127.0.0.1:{free}\"\n[[feeds]]\nfeed = 1\nname = \"ETH\"\nquorum = 2\n\
         max_age = 3\noutlier_percent = 1\nheartbeat = 5\nvenues = [\
         {{ venue = \"coinbase\", symbol = \"ETH-USD\" }}, {{ venue = \"kraken\", symbol = \"ETH/USD\" }}, \
         {{ venue = \"binance\", symbol = \"ETHUSD\" }}]\n{endpoints}"
    );
    let path = folder.path().join("publisher.toml");
    fs::write(&path, config).unwrap();
    let key = folder.path().join("key");
    fs::write(&key, PUBLISHER).unwrap();

    let looked = gage().args(["publish", "--dry-run", "--config"]).arg(&path).output().unwrap();
    let table = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(
        looked.status.success() && table.contains("counts") && table.contains("2,500"),
        "{table}"
    );

    let mut command = gage();
    command.args(["publish", "--config"]).arg(&path).arg("--key-file").arg(&key);
    let _publisher = Process(command.env_remove("GAGE_PRIVATE_KEY").spawn().unwrap());
    eventually("2500", || ether(&url) == 2_500.0);
    eventually("health", || health(free).0 == 200);

    // All move.
    coinbase.set("ETH-USD", 240_000);
    kraken.set("ETH/USD", 240_000);
    binance.set("ETHUSD", 240_000);
    eventually("2400", || ether(&url) == 2_400.0);

    // One lies by a third, another loses its stream: single quotes stand in for it.
    coinbase.set("ETH-USD", 160_000);
    kraken.behave(Mode::Disconnects);
    kraken.set("ETH/USD", 239_000);
    binance.set("ETHUSD", 239_000);
    eventually("2390", || ether(&url) == 2_390.0);

    // One that lies and one that counts are no quorum: the chain keeps its price.
    kraken.behave(Mode::Mute);
    eventually("no quorum", || {
        let (status, told) = health(free);
        status == 503
            && told["feeds"]["ETH"]["why"].as_str().is_some_and(|why| why.contains("% apart"))
    });
    binance.set("ETHUSD", 100_000);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(ether(&url), 2_390.0);

    // It comes back.
    kraken.behave(Mode::Honest);
    kraken.set("ETH/USD", 238_000);
    binance.set("ETHUSD", 238_000);
    eventually("2380", || ether(&url) == 2_380.0);
}

#[test]
fn nonsense_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("publisher.toml");
    fs::write(&path, "feeds = []\ncolour = 1").unwrap();
    let refused = |arguments: &[&str]| {
        let output = gage().args(arguments).env_remove("GAGE_PRIVATE_KEY").output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let file = path.to_str().unwrap();
    assert!(refused(&["publish", "--config", file]).contains("colour"));
    assert!(refused(&["publish", "--config", "/no/such/file"]).contains("cannot be read"));
    assert!(refused(&["publish"]).contains("--config"));
    let example = gage().args(["publish", "--example-config"]).output().unwrap();
    fs::write(&path, example.stdout).unwrap();
    assert!(refused(&["publish", "--config", file]).contains("GAGE_PRIVATE_KEY"));
    assert!(refused(&["message", "pyth", "1", "--data", "0x123"]).contains("whole bytes"));
    assert!(refused(&["message", "delphi", "1", "--data", "0x12"]).contains("possible values"));
    assert!(
        refused(&["dev", "--replay", "2024-08", "--sources", "3", "--drop", "z"])
            .contains("no source is called `z`")
    );
}
