//! The demo world: a lending market with lenders and borrowers, built by signed transactions.

mod bidders;
mod borrowers;
mod draw;
pub(crate) mod prices;
pub(crate) mod script;
pub(crate) mod setup;
pub(crate) mod world;
