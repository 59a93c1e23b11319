//! Which prices are due; signing and handing them in.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use gage_abi::IOracle::{PriceReport, SignedReport};
use gage_core::{Bps, Wad};

use crate::Priced;
use crate::config::Config;

/// Signs a report under the oracle's EIP-712 domain.
///
/// # Errors
/// The signer's; a key in memory has none.
pub fn sign_report(
    key: &PrivateKeySigner,
    chain_id: u64,
    report: PriceReport,
) -> Result<SignedReport, alloy_signer::Error> {
    let signature = key.sign_hash_sync(&gage_evm::report_hash(chain_id, &report))?;
    let (r, s) = (B256::from(signature.r()), B256::from(signature.s()));
    Ok(SignedReport { report, v: 27 + u8::from(signature.v()), r, s })
}

/// What was handed in last of a feed.
#[derive(Clone, Copy, Debug)]
struct Posted {
    price: u128,
    at: u64,
}

/// When a feed is due.
#[derive(Clone, Copy, Debug)]
struct Terms {
    deviation: Bps,
    heartbeat: u64,
}

/// Says what is due and signs it. Rounds are the milliseconds of the report's time: they rise whatever was published
/// before, by this process or another, and nothing needs to be remembered.
#[derive(Debug)]
pub struct Poster {
    key: PrivateKeySigner,
    chain_id: u64,
    terms: BTreeMap<u32, Terms>,
    posted: BTreeMap<u32, Posted>,
}

impl Poster {
    /// Of a checked configuration.
    #[must_use]
    pub fn new(config: &Config, key: PrivateKeySigner, chain_id: u64) -> Self {
        let terms = config.feeds.iter().map(|market| {
            let (deviation, heartbeat) = (market.deviation(), market.heartbeat);
            (market.feed, Terms { deviation, heartbeat })
        });
        Self { key, chain_id, terms: terms.collect(), posted: BTreeMap::new() }
    }

    /// The prices that are due at `now`, in seconds: new ones, those that have moved, and those whose heartbeat is over.
    /// At most one a second for each feed, as a report must be later than the one before.
    #[must_use]
    pub fn due<'a>(&self, prices: &'a [Priced], now: u64) -> Vec<&'a Priced> {
        let is_due = |priced: &&Priced| {
            let (Some(last), Some(terms)) =
                (self.posted.get(&priced.feed), self.terms.get(&priced.feed))
            else {
                return true;
            };
            let moved = Wad::new(priced.price).distance(Wad::new(last.price)).get();
            let waited = now.saturating_sub(last.at);
            waited >= terms.heartbeat || (waited > 0 && moved > terms.deviation.of_down(last.price))
        };
        prices.iter().filter(is_due).collect()
    }

    /// Signs prices as of `now`, in milliseconds.
    ///
    /// # Errors
    /// The signer's.
    pub fn sign(
        &self,
        prices: &[&Priced],
        now: u64,
    ) -> Result<Vec<SignedReport>, alloy_signer::Error> {
        let sign = |priced: &&Priced| {
            let report = PriceReport {
                feed: priced.feed,
                round: now,
                time: now / 1_000,
                price: U256::from(priced.price),
                confidence: U256::from(priced.confidence),
            };
            sign_report(&self.key, self.chain_id, report)
        };
        prices.iter().map(sign).collect()
    }

    /// Remembers what a node has taken at `now`, in seconds.
    pub fn note(&mut self, prices: &[&Priced], now: u64) {
        let posted = |priced: &&Priced| (priced.feed, Posted { price: priced.price, at: now });
        self.posted.extend(prices.iter().map(posted));
    }

    /// Who signs.
    #[must_use]
    pub const fn key(&self) -> &PrivateKeySigner {
        &self.key
    }
}
