//! `gage_submitReports`, `gage_submitMessages`: signed prices for the next prelude.

use alloy_primitives::{B256, Bytes, U256};
use gage_abi::IOracle::{PriceReport, ProviderMessage, SignedReport};
use gage_core::SourceKind;
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
    /// How far from the price the publisher holds the truth possible; 0 if it is left out.
    #[serde(default)]
    confidence: Option<Number<U256>>,
}

impl From<Submitted> for SignedReport {
    fn from(submitted: Submitted) -> Self {
        let Report { feed, round, time, price, confidence } = submitted.report;
        Self {
            report: PriceReport {
                feed: feed.0,
                round: round.0,
                time: time.0,
                price: price.0,
                confidence: confidence.map_or(U256::ZERO, |confidence| confidence.0),
            },
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

/// Another oracle's message. Its provider is the number of the kind of its sources, or a name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    provider: Provider,
    feeds: Vec<Number<u32>>,
    data: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Ed25519,
    Pyth,
    RedStone,
    Chainlink,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected ed25519, pyth, redstone, chainlink or their number")]
enum Provider {
    Named(Named),
    Number(Number<u8>),
}

impl From<Message> for ProviderMessage {
    fn from(message: Message) -> Self {
        let provider = match message.provider {
            Provider::Named(Named::Ed25519) => SourceKind::Ed25519.number(),
            Provider::Named(Named::Pyth) => SourceKind::Pyth.number(),
            Provider::Named(Named::RedStone) => SourceKind::RedStone.number(),
            Provider::Named(Named::Chainlink) => SourceKind::Chainlink.number(),
            Provider::Number(number) => number.0,
        };
        let feeds = message.feeds.into_iter().map(|feed| feed.0).collect();
        Self { provider, feeds, data: message.data }
    }
}

/// Returns how many messages wait for the next block; all of them, or the call is refused.
pub(super) fn submit_messages(context: &Context, (messages,): (Vec<Message>,)) -> Answer<usize> {
    let (asked, most) = (messages.len(), gage_chain::PRELUDE_MESSAGES_MAX);
    if asked > most {
        return Err(LimitError::Reports { asked, most }.into());
    }
    context.node.submit_messages(messages.into_iter().map(ProviderMessage::from).collect())?;
    Ok(asked)
}
