//! What the node counts, for whoever collects metrics.
//!
//! | name | kind | what |
//! |---|---|---|
//! | `gage_block_height` | gauge | number of the head |
//! | `gage_block_gas_used` | gauge | gas of the head |
//! | `gage_block_build_milliseconds` | histogram | from selecting transactions to a durable block |
//! | `gage_transactions_total` | counter | users' transactions in blocks |
//! | `gage_liquidations_total` | counter | `Liquidated` events |
//! | `gage_pool_transactions` | gauge | transactions that wait |

use alloy_sol_types::SolEvent;
use gage_abi::IMarket;
use gage_core::address::MARKET;
use gage_rpc::Head;
use metrics::{counter, gauge, histogram};

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn head(number: u64, gas_used: u64) {
    gauge!("gage_block_height").set(number as f64);
    gauge!("gage_block_gas_used").set(gas_used as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn pool(waiting: usize) {
    gauge!("gage_pool_transactions").set(waiting as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
pub(crate) fn built(milliseconds: u64) {
    histogram!("gage_block_build_milliseconds").record(milliseconds as f64);
}

pub(crate) fn block(new: &Head) {
    let header = &new.block.header;
    head(header.number, header.gas_used);
    // The prelude is nobody's.
    let users = new.block.transactions.len().saturating_sub(1);
    counter!("gage_transactions_total").increment(users as u64);
    let logs = new.receipts.iter().flat_map(|found| found.receipt.logs());
    let is_liquidation = |log: &&alloy_primitives::Log| {
        log.address == MARKET && log.topics().first() == Some(&IMarket::Liquidated::SIGNATURE_HASH)
    };
    counter!("gage_liquidations_total").increment(logs.filter(is_liquidation).count() as u64);
}
