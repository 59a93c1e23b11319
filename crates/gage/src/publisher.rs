//! The publisher: signs prices and hands them in for the next block's prelude.

use alloy_primitives::{B256, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use anyhow::Context as _;
use gage_abi::IOracle::{PriceReport, SignedReport};
use gage_node::Node;

/// Signs a report under the oracle's EIP-712 domain.
pub(crate) fn sign_report(
    key: &PrivateKeySigner,
    chain_id: u64,
    report: PriceReport,
) -> anyhow::Result<SignedReport> {
    let signature = key.sign_hash_sync(&gage_evm::report_hash(chain_id, &report))?;
    Ok(SignedReport {
        report,
        v: 27 + u8::from(signature.v()),
        r: B256::from(signature.r()),
        s: B256::from(signature.s()),
    })
}

/// Prices of one round, in wads, by feed.
pub(crate) struct Round<'a> {
    pub(crate) round: u64,
    pub(crate) prices: &'a [(u32, u128)],
}

/// Hands a round in, as of the node's time; the next block applies it.
pub(crate) fn publish(
    node: &Node,
    key: &PrivateKeySigner,
    round: &Round<'_>,
) -> anyhow::Result<()> {
    let chain_id = node.chain().chain_id();
    let time = node.now();
    let sign = |(feed, price): &(u32, u128)| {
        let price = U256::from(*price);
        sign_report(key, chain_id, PriceReport { feed: *feed, round: round.round, time, price })
    };
    let reports = round.prices.iter().map(sign).collect::<anyhow::Result<Vec<_>>>()?;
    node.submit_reports(reports).with_context(|| format!("round {} was not taken", round.round))
}
