//! Random histories on the peers' real contracts and on Gage side by side, all in one process: what both do
//! agrees within stated rounding, and where they differ by rule, the test says why that favours the lenders.
//!
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first. The peers' packages come from
//! npm and are compiled on the first run (`peers/compile.mjs`): Node.js must be installed.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod aave;
mod figures;
mod history;
mod morpho;

use std::sync::LazyLock;

use gage_peers::artifact::Artifacts;

/// The compiled contracts, for both tests.
static ARTIFACTS: LazyLock<Artifacts> =
    LazyLock::new(|| Artifacts::load().expect("the peers' contracts compile"));

fn signed(number: u128) -> i128 {
    number.try_into().unwrap()
}
