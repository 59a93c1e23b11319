//! Gage's own reports, signed with ed25519: the compact form for many publishers.
//!
//! ```text
//! batch   "GAGE" · version 1 (1) · chain id (8) · count (2) · reports
//! report  feed (4) · round (8) · time (8) · price (16) · confidence (16) · key (32) ·
//!         signature (64)
//! signed  "gage/report/ed25519/1" · chain id (8) · feed · round · time · price · confidence · key
//! ```
//!
//! Integers are big-endian, price and confidence wads (dollars with 18 decimals), times seconds
//! since 1970. Reports ascend strictly by feed, then key, so that a batch has one encoding and a
//! key one report per feed. Verification is strict: keys of small order, keys and signatures not
//! written canonically are refused, each signature is checked by itself: the faster check of a sum
//! of signatures accepts what the single one refuses, and two nodes could disagree.

use alloy_primitives::B256;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rayon::prelude::*;

use crate::reader::Reader;
use crate::{MessageError, Observation};

/// What separates these signatures from all others a key makes.
const DOMAIN: &[u8] = b"gage/report/ed25519/1";

/// The mark that opens a batch.
const MARK: [u8; 4] = *b"GAGE";

/// Version of the format.
const VERSION: u8 = 1;

/// Bytes of a report in a batch.
pub const REPORT_LENGTH: usize = 148;

/// Bytes before the first report.
pub const HEADER_LENGTH: usize = 15;

/// Whom to believe.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The chain that verifies.
    pub chain_id: u64,
    /// The publishers' keys.
    pub keys: &'a [B256],
}

/// A price a publisher vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Gage's number of the feed.
    pub feed: u32,
    /// The publisher's counter.
    pub round: u64,
    /// Seconds since 1970.
    pub time: u64,
    /// Dollars, a wad.
    pub price: u128,
    /// Half the width of the interval in dollars, a wad.
    pub confidence: u128,
}

impl Report {
    /// The bytes a publisher signs.
    #[must_use]
    pub fn signed_bytes(&self, chain_id: u64, key: B256) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        bytes.extend_from_slice(&chain_id.to_be_bytes());
        self.write(key, &mut bytes);
        bytes
    }

    /// Signs for one chain. `secret` is the 32-byte seed of the key.
    #[must_use]
    pub fn sign(self, chain_id: u64, secret: &[u8; 32]) -> SignedReport {
        let secret = SigningKey::from_bytes(secret);
        let key = B256::new(secret.verifying_key().to_bytes());
        let signature = secret.sign(&self.signed_bytes(chain_id, key)).to_bytes();
        SignedReport { report: self, key, signature }
    }

    fn write(&self, key: B256, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.feed.to_be_bytes());
        bytes.extend_from_slice(&self.round.to_be_bytes());
        bytes.extend_from_slice(&self.time.to_be_bytes());
        bytes.extend_from_slice(&self.price.to_be_bytes());
        bytes.extend_from_slice(&self.confidence.to_be_bytes());
        bytes.extend_from_slice(key.as_slice());
    }
}

/// A report with its publisher's key and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedReport {
    /// What is signed.
    pub report: Report,
    /// The publisher's key.
    pub key: B256,
    /// Its signature.
    pub signature: [u8; 64],
}

/// The public key of a 32-byte seed.
#[must_use]
pub fn public_key(secret: &[u8; 32]) -> B256 {
    B256::new(SigningKey::from_bytes(secret).verifying_key().to_bytes())
}

/// A batch of reports, put in order.
///
/// # Errors
/// [`MessageError::TooMany`] for more than 65 535; [`MessageError::Order`] for two reports of one
/// key for one feed.
pub fn encode(chain_id: u64, reports: &[SignedReport]) -> Result<Vec<u8>, MessageError> {
    let mut sorted = reports.to_vec();
    sorted.sort_by_key(SignedReport::place);
    ascending(&sorted)?;
    let count = u16::try_from(sorted.len()).map_err(|_| MessageError::TooMany {
        items: "reports",
        count: sorted.len(),
        max: usize::from(u16::MAX),
    })?;
    let mut bytes = MARK.to_vec();
    bytes.push(VERSION);
    bytes.extend_from_slice(&chain_id.to_be_bytes());
    bytes.extend_from_slice(&count.to_be_bytes());
    for signed in &sorted {
        signed.report.write(signed.key, &mut bytes);
        bytes.extend_from_slice(&signed.signature);
    }
    Ok(bytes)
}

/// Reads a batch and its chain id, without verifying it.
///
/// # Errors
/// [`MessageError`] of the format: mark, version, lengths, order.
pub fn parse(bytes: &[u8]) -> Result<(u64, Vec<SignedReport>), MessageError> {
    let mut reader = Reader::new(bytes);
    if reader.array::<4>("mark")? != MARK {
        return Err(MessageError::MarkMissing { mark: "GAGE" });
    }
    let version = reader.u8("version")?;
    if version != VERSION {
        return Err(MessageError::Unsupported { part: "version", found: version.into() });
    }
    let chain_id = reader.u64("chain id")?;
    let count = reader.u16("count of reports")?;
    let mut reports = Vec::new();
    for _ in 0..count {
        let report = Report {
            feed: reader.u32("feed")?,
            round: reader.u64("round")?,
            time: reader.u64("time")?,
            price: reader.u128("price")?,
            confidence: reader.u128("confidence")?,
        };
        let key = reader.b256("key")?;
        reports.push(SignedReport { report, key, signature: reader.array("signature")? });
    }
    reader.end("batch")?;
    ascending(&reports)?;
    Ok((chain_id, reports))
}

/// Verifies a batch and gives its prices, each with feed and round; the id is the key.
///
/// # Errors
/// A [`MessageError`] that names the first cause, in the order of the reports.
pub fn verify(bytes: &[u8], trust: &Trust<'_>) -> Result<Vec<Observation>, MessageError> {
    let (found, reports) = parse(bytes)?;
    if found != trust.chain_id {
        return Err(MessageError::Chain { found, trusted: trust.chain_id });
    }
    if reports.is_empty() {
        return Err(MessageError::Empty);
    }
    for SignedReport { report, key, .. } in &reports {
        if !trust.keys.contains(key) {
            return Err(MessageError::KeyUnknown { key: *key });
        }
        if report.price == 0 {
            return Err(MessageError::ZeroPrice { id: *key });
        }
    }
    // Collected before the first error is looked for: rayon would give any of them.
    let checked: Vec<_> = reports
        .par_iter()
        .enumerate()
        .map(|(at, signed)| signed.check(at, trust.chain_id))
        .collect();
    checked.into_iter().collect()
}

impl SignedReport {
    fn place(&self) -> (u32, B256) {
        (self.report.feed, self.key)
    }

    fn check(&self, at: usize, chain_id: u64) -> Result<Observation, MessageError> {
        let weak = MessageError::WeakKey { key: self.key };
        let key = VerifyingKey::from_bytes(&self.key.0).map_err(|_| weak.clone())?;
        let canonical = key.to_edwards().compress().to_bytes() == self.key.0;
        if key.is_weak() || !canonical {
            return Err(weak);
        }
        let bytes = self.report.signed_bytes(chain_id, self.key);
        key.verify_strict(&bytes, &Signature::from_bytes(&self.signature))
            .map_err(|_| MessageError::KeySignature { at, key: self.key })?;
        let Report { feed, round, time, price, confidence } = self.report;
        Ok(Observation { id: self.key, feed: Some(feed), price, confidence, time, round })
    }
}

fn ascending(reports: &[SignedReport]) -> Result<(), MessageError> {
    let pairs = reports.iter().zip(reports.iter().skip(1));
    match pairs.into_iter().position(|(one, next)| one.place() >= next.place()) {
        None => Ok(()),
        Some(at) => Err(MessageError::Order { items: "reports", at: at + 1 }),
    }
}
