//! The user's commands against a live dev chain: the first loan, and what is refused.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

const USER: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const USER_ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const LIQUIDATOR: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const PUBLISHER: &str = "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97";

/// A dev chain of one's own.
struct Dev {
    child: Child,
    url: String,
}

impl Dev {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gage"))
            .args(["dev", "--ephemeral", "--port", "0", "--no-metrics", "--block-time", "0.2"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("gage starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let at = line.find("http://")?;
                line[at..].split_whitespace().next().map(str::to_owned)
            })
            .expect("gage says where it listens");
        Self { child, url }
    }

    fn run(&self, key: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gage"))
            .args(arguments)
            .env("GAGE_RPC_URL", &self.url)
            .env("GAGE_PRIVATE_KEY", key)
            .output()
            .expect("gage starts")
    }

    fn json(&self, key: &str, arguments: &[&str]) -> Value {
        let output = self.run(key, &[arguments, &["--json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn says(&self, key: &str, arguments: &[&str]) -> String {
        let output = self.run(key, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn refused(&self, key: &str, arguments: &[&str]) -> String {
        let output = self.run(key, arguments);
        assert!(!output.status.success(), "{arguments:?} was not refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn health(account: &Value) -> f64 {
    account["healthFactor"].as_str().and_then(|text| text.parse().ok()).expect("a health factor")
}

#[test]
fn the_borrowers_story_from_the_command_line() {
    let dev = Dev::start();
    assert!(dev.says(USER, &["markets"]).contains("WETH"));
    assert!(dev.says(USER, &["vaults"]).contains("gUSDC"));
    assert!(dev.says(USER, &["feeds"]).contains("live"));

    // Coins are wrapped on the way.
    assert!(dev.says(USER, &["supply", "weth", "2"]).contains("wrapped 2"));
    dev.says(USER, &["borrow", "USDC", "1,000"]);
    let explained = dev.json(USER, &["explain"]);
    assert!(health(&explained) > 5.0, "{explained}");
    assert!(dev.says(USER, &["explain"]).contains("Healthy"));

    let said = dev.refused(USER, &["borrow", "USDC", "100000"]);
    assert!(said.contains("AboveLimit") && said.contains("Borrow less"), "{said}");
    assert!(dev.refused(USER, &["withdraw", "WETH", "max"]).contains("AboveLimit"));
    let said = dev.refused(LIQUIDATOR, &["liquidate", USER_ADDRESS, "USDC", "WETH"]);
    assert!(said.contains("Healthy"), "{said}");

    // A price fall, signed by the publisher.
    dev.says(PUBLISHER, &["price", "WETH", "560"]);
    assert!(dev.refused(USER, &["price", "WETH", "5000"]).contains("UnknownPublisher"));
    let explained = dev.json(USER, &["explain"]);
    assert!(health(&explained) < 1.0, "{explained}");
    let liquidated = dev.json(LIQUIDATOR, &["liquidate", USER_ADDRESS, "USDC", "WETH"]);
    assert!(
        liquidated["liquidated"].as_array().is_some_and(|pairs| pairs.len() == 1),
        "{liquidated}"
    );
    assert!(health(&dev.json(USER, &["explain"])) >= 1.0);

    let told = dev.json(USER, &["liquidations"]);
    assert_eq!(told["liquidations"][0]["kind"], "open", "{told}");
    assert!(dev.says(USER, &["losses"]).contains("No bad debt"));

    dev.says(USER, &["repay", "USDC", "all"]);
    dev.says(USER, &["withdraw", "WETH", "max"]);
    assert!(dev.says(USER, &["explain"]).contains("Nothing pledged, nothing owed"));
}

#[test]
fn the_bidders_story_from_the_command_line() {
    let dev = Dev::start();
    let place = ["bid", "place", "USDC", "WETH", "3", "2000"];
    assert!(dev.refused(LIQUIDATOR, &place).contains("--deposit"));
    dev.says(LIQUIDATOR, &[&place[..], &["--deposit"]].concat());
    assert!(dev.says(USER, &["queue", "1"]).contains("USDC for WETH in market 1"));
    dev.says(USER, &["supply", "WETH", "2"]);
    dev.says(USER, &["borrow", "USDC", "1000"]);
    let order = ["--trigger", "1.1", "--target", "1.5", "--max-discount", "3"];
    dev.says(USER, &[&["stop-loss", "set", "WETH", "USDC"][..], &order].concat());
    dev.says(PUBLISHER, &["price", "WETH", "650"]);
    let told = dev.json(USER, &["liquidations"]);
    assert_eq!(told["liquidations"][0]["reason"], "stopLoss", "{told}");
    assert!(health(&dev.json(USER, &["explain"])) > 1.4);
    dev.says(USER, &["stop-loss", "clear"]);
    dev.says(PUBLISHER, &["price", "WETH", "420"]);
    let told = dev.json(USER, &["liquidations"]);
    assert_eq!(told["liquidations"][1]["reason"], "unhealthy", "{told}");
    assert!(dev.says(LIQUIDATOR, &["bid", "claim"]).contains("WETH"));
    assert!(dev.says(LIQUIDATOR, &["bid", "announce", "USDC", "WETH", "3"]).contains("may leave"));
    let said = dev.refused(LIQUIDATOR, &["bid", "withdraw", "USDC", "WETH", "3", "max"]);
    assert!(said.contains("NoticeRunning"), "{said}");
}

#[test]
fn lending_sending_and_nonsense() {
    let dev = Dev::start();
    dev.says(USER, &["deposit", "USDC", "500.5"]);
    assert!(dev.says(USER, &["account"]).contains("lent to gUSDC"));
    dev.says(USER, &["redeem", "gUSDC", "100"]);
    dev.says(USER, &["redeem", "USDC", "max"]);
    assert!(dev.refused(USER, &["redeem", "USDC", "max"]).contains("nothing is lent"));
    let friend = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    dev.says(USER, &["send", friend, "1.5"]);
    dev.says(USER, &["send", friend, "10", "--asset", "USDC"]);
    dev.says(USER, &["wrap", "1"]);
    dev.says(USER, &["unwrap", "max"]);
    dev.says(USER, &["faucet", friend, "5"]);

    for (arguments, said) in [
        (vec!["deposit", "GOLD", "1"], "no vault is called `GOLD`"),
        (vec!["supply", "GOLD", "1"], "no asset is called `GOLD`"),
        (vec!["deposit", "USDC", "1e6"], "not a number"),
        (vec!["deposit", "USDC", "0.0000001"], "more than 6 decimals"),
        (vec!["deposit", "USDC", "0"], "ZeroAmount"),
        (vec!["deposit", "USDC", "99999999"], "ERC20InsufficientBalance"),
        (vec!["borrow", "USDC", "1", "--market", "9"], "UnknownMarket"),
        (vec!["repay", "USDC", "all"], "NoDebt"),
        (vec!["price", "GOLD", "1"], "no feed is called"),
        (vec!["deposit", "USDC", "--", "-1"], "below zero"),
        (vec!["liquidate", friend, "USDC", "WETH"], "health factor ∞"),
        (vec!["message", "pyth", "1", "--file", "/dev/zero"], "longer than any message"),
    ] {
        let refused = dev.refused(USER, &arguments);
        assert!(refused.contains(said), "{arguments:?}: {refused}");
    }
    let nobody = dev.refused("0x12", &["deposit", "USDC", "1"]);
    assert!(nobody.contains("64 hex digits"), "{nobody}");
}
