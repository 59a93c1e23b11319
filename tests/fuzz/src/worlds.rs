//! The worlds of the crates' own tests: what is fuzzed is what these build.
#![allow(dead_code, reason = "the crates' tests use the rest")]

#[path = "../../../crates/chain/tests/support/mod.rs"]
pub(crate) mod chain;
#[path = "../../../crates/evm/tests/native/support/mod.rs"]
pub(crate) mod native;
#[path = "../../../crates/rpc/tests/rpc/world.rs"]
pub(crate) mod rpc;
