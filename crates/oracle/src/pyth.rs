//! Pyth: prices under a Merkle root that Wormhole's guardians signed.
//!
//! ```text
//! update  "PNAU" · major 1 · minor · length of an unsigned header (1) · header · kind 0 ·
//!         length (2) · VAA · count (1) · prices
//! VAA     version 1 · guardian set (4) · count (1) · signatures · body
//!         signature: guardian (1) · r (32) · s (32) · parity (1), guardians strictly ascending
//! body    time (4) · nonce (4) · chain (2) · emitter (32) · sequence (8) · consistency (1) · payload
//! payload "AUWV" · kind 0 · slot (8) · ring size (4) · root (20)
//! price   length (2) · message · count (1) · nodes of 20 bytes
//! message kind 0 · feed (32) · price i64 · confidence u64 · exponent i32 · time i64 ·
//!         time before i64 · moving average i64 · its confidence u64
//! ```
//!
//! Guardians sign `keccak256(keccak256(body))`; of `n` at least `⌊2n/3⌋ + 1` must. A leaf is
//! `keccak256(0 · message)`, a node `keccak256(1 · smaller · greater)`, each cut to 20 bytes.
//! Minor version and header are not signed and, by the format's own promise to older readers, may
//! hold anything. So may the end of payload and message, which are signed.
//!
//! Sources: Pyth's documentation of the price message, Wormhole's of the VAA; layout as in the
//! `pythnet-sdk` crate.

use alloy_primitives::{Address, B256, keccak256};

use crate::reader::Reader;
use crate::signature::{Signature, recover_all};
use crate::wad::{wad_down, wad_up};
use crate::{MessageError, Observation};

/// Wormhole's number of Pythnet.
pub const PYTHNET_CHAIN: u16 = 26;

/// The account of Pythnet that emits the roots.
pub const PYTHNET_EMITTER: B256 = B256::new([
    0xe1, 0x01, 0xfa, 0xed, 0xac, 0x58, 0x51, 0xe3, 0x2b, 0x9b, 0x23, 0xb5, 0xf9, 0x41, 0x1a, 0x8c,
    0x2b, 0xac, 0x4a, 0xae, 0x3e, 0xd4, 0xdd, 0x7b, 0x81, 0x1d, 0xd1, 0xa7, 0x2e, 0xa4, 0xaa, 0x71,
]);

/// Smallest exponent believed: below it a price of 63 bits has nothing left of 18 decimals.
pub const EXPONENT_MIN: i32 = -36;

/// Greatest exponent believed: 10^12 dollars for the last digit.
pub const EXPONENT_MAX: i32 = 12;

/// Bytes of a hash in the tree.
const HASH: usize = 20;

/// A Wormhole guardian set.
#[derive(Clone, Copy, Debug)]
pub struct GuardianSet<'a> {
    /// The set's number.
    pub index: u32,
    /// The guardians, in the order of the set.
    pub guardians: &'a [Address],
}

impl GuardianSet<'_> {
    /// Signatures needed: more than two thirds, `⌊2n/3⌋ + 1`.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.guardians.len() * 2 / 3 + 1
    }
}

/// A parsed update; nothing of it is verified.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    /// Number of the set that signed.
    pub guardian_set: u32,
    /// Guardians and their signatures.
    pub signatures: Vec<(u8, Signature)>,
    /// What they signed.
    pub body: Body<'a>,
    /// Prices, each with the bytes of its message and its Merkle path.
    pub prices: Vec<Leaf<'a>>,
}

/// The signed part of an update.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Seconds since 1970.
    pub time: u32,
    /// Wormhole's number of the emitting chain.
    pub chain: u16,
    /// The emitting account.
    pub emitter: B256,
    /// Number of the message among the emitter's.
    pub sequence: u64,
    /// Pythnet's slot.
    pub slot: u64,
    /// The Merkle root of the prices.
    pub root: [u8; HASH],
}

/// A price and its way to the root.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// The bytes of the message.
    pub message: &'a [u8],
    /// Nodes of 20 bytes, from the leaf up.
    pub path: &'a [u8],
    /// What the message says.
    pub price: Price,
}

/// A price message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Pyth's feed id.
    pub id: B256,
    /// Dollars times `10^-exponent`.
    pub price: i64,
    /// Half the width of the interval, in the same unit.
    pub confidence: u64,
    /// Decimal exponent of all values.
    pub exponent: i32,
    /// Seconds since 1970.
    pub time: i64,
    /// Time of the price before, seconds since 1970.
    pub time_before: i64,
    /// Moving average of the price.
    pub average: i64,
    /// Moving average of the confidence.
    pub average_confidence: u64,
}

/// The number of the guardian set that signed, so that the caller can look it up.
///
/// # Errors
/// As [`parse`].
pub fn peek(bytes: &[u8]) -> Result<u32, MessageError> {
    let mut vaa = envelope(&mut Reader::new(bytes))?;
    vaa_version(&mut vaa)?;
    vaa.u32("guardian set")
}

/// Reads an update, without verifying it.
///
/// # Errors
/// [`MessageError`] of the format: marks, versions, lengths.
pub fn parse(bytes: &[u8]) -> Result<Update<'_>, MessageError> {
    let mut reader = Reader::new(bytes);
    let mut vaa = envelope(&mut reader)?;
    vaa_version(&mut vaa)?;
    let guardian_set = vaa.u32("guardian set")?;
    let count = vaa.u8("count of signatures")?;
    let mut signatures = Vec::new();
    for _ in 0..count {
        let guardian = vaa.u8("guardian")?;
        let (r, s) = (vaa.b256("r")?, vaa.b256("s")?);
        signatures.push((guardian, Signature::new(r, s, vaa.u8("parity")?, 0)?));
    }
    let body = parse_body(vaa.rest())?;

    let count = reader.u8("count of prices")?;
    let mut prices = Vec::new();
    for _ in 0..count {
        let length = reader.u16("length of the message")?;
        let message = reader.take(usize::from(length), "message")?;
        let nodes = reader.u8("length of the path")?;
        let path = reader.take(usize::from(nodes) * HASH, "path")?;
        prices.push(Leaf { message, path, price: parse_price(message)? });
    }
    reader.end("update")?;
    Ok(Update { guardian_set, signatures, body, prices })
}

/// Verifies an update and gives its prices: price rounded down, confidence up, to 18 decimals.
///
/// # Errors
/// A [`MessageError`] that names the first cause to refuse it.
pub fn verify(bytes: &[u8], trust: &GuardianSet<'_>) -> Result<Vec<Observation>, MessageError> {
    let update = parse(bytes)?;
    if update.guardian_set != trust.index {
        return Err(MessageError::GuardianSet { found: update.guardian_set, trusted: trust.index });
    }
    let Body { chain, emitter, .. } = update.body;
    if (chain, emitter) != (PYTHNET_CHAIN, PYTHNET_EMITTER) {
        return Err(MessageError::Emitter { chain, emitter });
    }
    if update.prices.is_empty() {
        return Err(MessageError::Empty);
    }
    // What is cheap to refuse is refused before the signatures, which are not cheap.
    let mut observations: Vec<Observation> = Vec::with_capacity(update.prices.len());
    for (at, leaf) in update.prices.iter().enumerate() {
        if root_of(leaf) != update.body.root {
            return Err(MessageError::MerklePath { at });
        }
        if observations.iter().any(|other| other.id == leaf.price.id) {
            return Err(MessageError::FeedRepeated { id: leaf.price.id });
        }
        observations.push(leaf.price.observation()?);
    }
    check_signatures(&update, trust)?;
    Ok(observations)
}

impl Price {
    /// The price in wads.
    fn observation(&self) -> Result<Observation, MessageError> {
        let id = self.id;
        if !(EXPONENT_MIN..=EXPONENT_MAX).contains(&self.exponent) {
            return Err(MessageError::Exponent {
                found: self.exponent,
                min: EXPONENT_MIN,
                max: EXPONENT_MAX,
            });
        }
        let positive = u64::try_from(self.price).map_err(|_| MessageError::NegativePrice { id })?;
        let overflow = MessageError::Overflow { id };
        let price = wad_down(positive.into(), self.exponent).ok_or(overflow.clone())?;
        let confidence = wad_up(self.confidence.into(), self.exponent).ok_or(overflow)?;
        if price == 0 {
            return Err(MessageError::ZeroPrice { id });
        }
        let time = u64::try_from(self.time)
            .map_err(|_| MessageError::NegativeTime { found: self.time })?;
        Ok(Observation { id, feed: None, price, confidence, time, round: 0 })
    }
}

/// Reads up to the VAA, which it gives.
fn envelope<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, MessageError> {
    if &reader.array::<4>("mark")? != b"PNAU" {
        return Err(MessageError::MarkMissing { mark: "PNAU" });
    }
    let major = reader.u8("major version")?;
    if major != 1 {
        return Err(MessageError::Unsupported { part: "major version", found: major.into() });
    }
    reader.u8("minor version")?;
    let header = reader.u8("length of the header")?;
    reader.take(usize::from(header), "header")?;
    let kind = reader.u8("kind of update")?;
    if kind != 0 {
        return Err(MessageError::Unsupported { part: "kind of update", found: kind.into() });
    }
    let length = reader.u16("length of the VAA")?;
    reader.take(usize::from(length), "VAA").map(Reader::new)
}

fn vaa_version(vaa: &mut Reader<'_>) -> Result<(), MessageError> {
    match vaa.u8("VAA version")? {
        1 => Ok(()),
        found => Err(MessageError::Unsupported { part: "VAA version", found: found.into() }),
    }
}

fn parse_body(bytes: &[u8]) -> Result<Body<'_>, MessageError> {
    let mut body = Reader::new(bytes);
    let time = body.u32("VAA time")?;
    body.u32("nonce")?;
    let chain = body.u16("emitter chain")?;
    let emitter = body.b256("emitter")?;
    let sequence = body.u64("sequence")?;
    body.u8("consistency")?;
    if &body.array::<4>("payload's mark")? != b"AUWV" {
        return Err(MessageError::MarkMissing { mark: "AUWV" });
    }
    let kind = body.u8("kind of payload")?;
    if kind != 0 {
        return Err(MessageError::Unsupported { part: "kind of payload", found: kind.into() });
    }
    let slot = body.u64("slot")?;
    body.u32("ring size")?;
    let root = body.array("root")?;
    Ok(Body { bytes, time, chain, emitter, sequence, slot, root })
}

fn parse_price(bytes: &[u8]) -> Result<Price, MessageError> {
    let mut message = Reader::new(bytes);
    let kind = message.u8("kind of message")?;
    if kind != 0 {
        return Err(MessageError::Unsupported { part: "kind of message", found: kind.into() });
    }
    Ok(Price {
        id: message.b256("feed id")?,
        price: message.i64("price")?,
        confidence: message.u64("confidence")?,
        exponent: message.i32("exponent")?,
        time: message.i64("time")?,
        time_before: message.i64("time before")?,
        average: message.i64("average")?,
        average_confidence: message.u64("average confidence")?,
    })
}

/// The root a leaf's path leads to.
fn root_of(leaf: &Leaf<'_>) -> [u8; HASH] {
    let mut hash = tree_hash(0, leaf.message, &[]);
    for node in leaf.path.chunks_exact(HASH) {
        let (smaller, greater) =
            if hash.as_slice() < node { (&hash[..], node) } else { (node, &hash[..]) };
        hash = tree_hash(1, smaller, greater);
    }
    hash
}

/// The first 20 bytes of keccak256 of a prefix and two parts.
fn tree_hash(prefix: u8, first: &[u8], second: &[u8]) -> [u8; HASH] {
    let mut bytes = Vec::with_capacity(1 + first.len() + second.len());
    bytes.push(prefix);
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(second);
    let mut cut = [0; HASH];
    cut.copy_from_slice(&keccak256(bytes)[..HASH]);
    cut
}

fn check_signatures(update: &Update<'_>, trust: &GuardianSet<'_>) -> Result<(), MessageError> {
    if trust.guardians.is_empty() {
        return Err(MessageError::NoTrust { signers: 0, threshold: trust.quorum() });
    }
    let (found, needed) = (update.signatures.len(), trust.quorum());
    if found < needed {
        return Err(MessageError::Quorum { found, needed });
    }
    let mut before = None;
    let mut guardians = Vec::with_capacity(found);
    for (at, (index, _)) in update.signatures.iter().enumerate() {
        if before >= Some(*index) {
            return Err(MessageError::Order { items: "guardians", at });
        }
        before = Some(*index);
        let guardian = trust
            .guardians
            .get(usize::from(*index))
            .ok_or(MessageError::GuardianIndex { index: *index, count: trust.guardians.len() })?;
        // A set that names one key twice would let it count twice.
        if guardians.contains(guardian) {
            return Err(MessageError::SignerRepeated { signer: *guardian });
        }
        guardians.push(*guardian);
    }
    let hash = keccak256(keccak256(update.body.bytes));
    let pairs: Vec<_> = update.signatures.iter().map(|(_, signature)| (hash, *signature)).collect();
    let recovered = recover_all(&pairs);
    for (((index, _), guardian), signer) in update.signatures.iter().zip(guardians).zip(recovered) {
        let signer = signer?;
        if signer != guardian {
            return Err(MessageError::GuardianSignature { index: *index, found: signer });
        }
    }
    Ok(())
}
