//! The demo's publishers: sign prices and hand them in for the next block's prelude.

use std::collections::BTreeMap;

use alloy_primitives::{U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::Context as _;
use gage_abi::IOracle::PriceReport;
use gage_node::{Node, ReportError};
use gage_publisher::{faults::Faults, sign_report};

use crate::{
    demo::prices::series,
    history::Step,
    keys::{actor_key, dev, dev_key},
};

/// Sources beyond the first say what it says, up to so many millionths more or less.
const NOISE: u128 = 300;

/// The names of so many sources: a, b, c, …
pub(crate) fn source_names(count: u8) -> Vec<String> {
    (b'a'..).take(count.into()).map(|letter| char::from(letter).to_string()).collect()
}

/// The key of a source of the demo: the first is a dev account.
pub(crate) fn source_key(index: u8) -> anyhow::Result<PrivateKeySigner> {
    match index {
        0 => dev_key(dev::PUBLISHER),
        _ => actor_key(0, "publisher", index.into()),
    }
}

/// All sources of the demo's feeds, and what is wrong with them.
pub(crate) struct Publishers {
    sources: Vec<(String, PrivateKeySigner)>,
    faults: Faults,
    /// When each source last reported to each feed, so that a late one does not repeat itself.
    reported: BTreeMap<(usize, u32), u64>,
}

impl Publishers {
    /// So many, with these faults.
    pub(crate) fn new(count: u8, faults: Faults) -> anyhow::Result<Self> {
        let keys = (0..count).map(source_key);
        let sources = source_names(count).into_iter().zip(keys);
        let sources = sources.map(|(name, key)| Ok((name, key?))).collect::<anyhow::Result<_>>()?;
        Ok(Self { sources, faults, reported: BTreeMap::new() })
    }

    /// The same sources, without faults.
    pub(crate) fn honest(&self) -> anyhow::Result<Self> {
        Self::new(u8::try_from(self.sources.len())?, Faults::default())
    }

    /// Hands a round of prices (wads, by feed) in as of the node's time; the next block applies it.
    pub(crate) fn publish(
        &mut self,
        node: &Node,
        round: u64,
        prices: &[(u32, u128)],
    ) -> anyhow::Result<()> {
        let seen = |index: usize, _: &str, (feed, price): (u32, u128)| {
            Some(with_noise(price, (index, feed, round)))
        };
        self.publish_seen(node, round, prices, seen)
    }

    /// The same of a step of a history, in which sources may see prices of their own.
    pub(crate) fn publish_step(
        &mut self,
        node: &Node,
        round: u64,
        prices: &[(u32, u128)],
        step: &Step,
    ) -> anyhow::Result<()> {
        let seen = |index: usize, source: &str, (feed, price): (u32, u128)| match series(feed)
            .filter(|asset| step.is_disputed(asset))
        {
            Some(asset) => step.said(source, asset),
            None => Some(with_noise(price, (index, feed, round))),
        };
        self.publish_seen(node, round, prices, seen)
    }

    fn publish_seen(
        &mut self,
        node: &Node,
        round: u64,
        prices: &[(u32, u128)],
        seen: impl Fn(usize, &str, (u32, u128)) -> Option<u128>,
    ) -> anyhow::Result<()> {
        let (chain_id, now) = (node.chain().chain_id(), node.now());
        for (index, (name, key)) in self.sources.iter().enumerate() {
            let mut reports = Vec::with_capacity(prices.len());
            for (feed, price) in prices {
                let Some(said) = seen(index, name, (*feed, *price)) else { continue };
                let Some((price, time)) = self.faults.hear(name, *feed, (said, now)) else {
                    continue;
                };
                if self.reported.insert((index, *feed), time).is_some_and(|before| before >= time) {
                    continue;
                }
                let (price, confidence) = (U256::from(price), U256::ZERO);
                let report = PriceReport { feed: *feed, round, time, price, confidence };
                reports.push(sign_report(key, chain_id, report)?);
            }
            match node.submit_reports(reports) {
                Ok(()) => {}
                // A source that is late says what nobody wants any more.
                Err(ReportError::Stale { .. }) => {
                    tracing::debug!(source = %name, round, "too late");
                }
                // Everyone knows the demo's keys: a price by hand costs this source a round, and no more.
                Err(why @ ReportError::NotNewer { .. }) => {
                    tracing::warn!(source = %name, %why, "somebody else published with this source's key");
                }
                Err(why) => {
                    return Err(why).with_context(|| format!("round {round} was not taken"));
                }
            }
        }
        Ok(())
    }
}

/// What a source says of a price: sources are not quite of one opinion. The first says what is recorded.
fn with_noise(price: u128, (source, feed, round): (usize, u32, u64)) -> u128 {
    if source == 0 {
        return price;
    }
    let dice = keccak256(format!("{source} {feed} {round}"));
    let part = u128::from(u16::from_be_bytes([dice[0], dice[1]])) % (2 * NOISE + 1);
    let millionths = 1_000_000 - NOISE + part;
    (U256::from(price) * U256::from(millionths) / U256::from(1_000_000)).saturating_to()
}
