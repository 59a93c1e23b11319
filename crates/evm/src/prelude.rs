//! The block's prelude: the publishers' price reports, before any transaction.

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use gage_abi::IOracle::{SignedReport, preludeCall};

/// The calldata of a prelude that carries `reports`; sent by the system address to the oracle.
#[must_use]
pub fn prelude_call(reports: &[SignedReport]) -> Bytes {
    preludeCall { reports: reports.to_vec() }.abi_encode().into()
}
