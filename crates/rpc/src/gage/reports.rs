//! `gage_submitReports`: signed prices for the next prelude.

use alloy_primitives::{B256, U256};
use gage_abi::IOracle::{PriceReport, SignedReport};
use serde::Deserialize;

use crate::{arguments::Number, context::Context, error::LimitError, methods::Answer};

/// A report and its signature. Numbers are JSON numbers, decimal strings or hex.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Submitted {
    report: Report,
    v: Number<u8>,
    r: B256,
    s: B256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    feed: Number<u32>,
    round: Number<u64>,
    time: Number<u64>,
    price: Number<U256>,
}

impl From<Submitted> for SignedReport {
    fn from(submitted: Submitted) -> Self {
        let Report { feed, round, time, price } = submitted.report;
        Self {
            report: PriceReport { feed: feed.0, round: round.0, time: time.0, price: price.0 },
            v: submitted.v.0,
            r: submitted.r,
            s: submitted.s,
        }
    }
}

/// Returns how many reports wait for the next block; all of them, or the call is refused.
pub(super) fn submit(context: &Context, (reports,): (Vec<Submitted>,)) -> Answer<usize> {
    let (asked, most) = (reports.len(), gage_chain::PRELUDE_REPORTS_MAX);
    if asked > most {
        return Err(LimitError::Reports { asked, most }.into());
    }
    context.node.submit_reports(reports.into_iter().map(SignedReport::from).collect())?;
    Ok(asked)
}
