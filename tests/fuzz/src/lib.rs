//! Fuzz targets: plain functions of bytes, each with the properties that must hold whatever the bytes are.
//!
//! A body stops (panics) when a property fails. [`TARGETS`] names them. Three callers run them: `tests/short.rs` on
//! the corpus, on every input that ever failed and on mutations of both; `tests/fuzz/libfuzzer` under the guidance of
//! coverage; and `seeds`, which writes the corpus from traffic of the worlds that other tests use.
#![allow(clippy::unwrap_used, reason = "a body stops at what must not be")]

mod blocks;
mod config;
mod corpus;
mod dispatch;
mod messages;
mod mutation;
mod proofs;
mod records;
mod rpc;
mod snapshots;
mod worlds;

// The worlds of the crates' own tests. That of JSON-RPC names its client by this path.
#[allow(dead_code, reason = "the tests of JSON-RPC use the rest")]
#[path = "../../../crates/rpc/tests/rpc/client.rs"]
mod client;

pub use corpus::{corpus, regressions, write_corpus};
pub use mutation::{Dice, mutated};

/// A body with its name, and where its inputs come from.
#[derive(Clone, Copy)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// The body.
    pub run: fn(&[u8]),
    /// Inputs made of real traffic.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many mutations the short form runs for each thousand that the fastest body runs.
    pub pace: u64,
}

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target { name: "dispatch", run: dispatch::run, seeds: dispatch::seeds, pace: 300 },
    Target { name: "records", run: records::run, seeds: records::seeds, pace: 1_000 },
    Target {
        name: "transaction",
        run: blocks::transaction,
        seeds: blocks::transactions,
        pace: 600,
    },
    Target { name: "block", run: blocks::block, seeds: blocks::blocks, pace: 300 },
    Target { name: "rpc", run: rpc::run, seeds: rpc::seeds, pace: 200 },
    Target { name: "proof", run: proofs::run, seeds: proofs::seeds, pace: 300 },
    Target { name: "snapshot", run: snapshots::run, seeds: snapshots::seeds, pace: 20 },
    Target { name: "config", run: config::run, seeds: config::seeds, pace: 200 },
    Target { name: "message", run: messages::run, seeds: messages::seeds, pace: 300 },
];

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
