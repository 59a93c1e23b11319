//! Real transactions through `gage_evm::evm` on an in-memory database.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attacks;
mod authority;
mod borders;
mod census;
mod cost;
mod delegation;
mod entries;
mod exits;
mod exposure;
mod feeds;
mod frames;
mod gas;
mod guards;
mod layout;
mod margin;
mod messages;
mod permits;
mod premium;
mod rates;
mod reentry;
mod stakes;
mod story;
mod support;
mod sweeps;
mod terms;
mod tokens;
mod yields;
