//! RedStone: packages of values, each signed by one data service, read from the end.
//!
//! ```text
//! payload  packages · count of packages (2) · unsigned metadata · its length (3) · mark (9)
//! package  points · time in milliseconds (6) · bytes of a value (4) · count of points (3) ·
//!          signature: r (32) · s (32) · v (1), 27 or 28
//! point    feed id, ASCII filled up with zeros behind (32) · value with 8 decimals
//! ```
//!
//! A signer signs `keccak256` of his package without the signature. The price of a feed is the
//! median of what its signers say, of an even number the mean of the middle two; its confidence is
//! the median distance of the signers from it, which a minority cannot inflate.
//! The order of the packages means nothing, and the metadata are signed by nobody.
//!
//! Source: RedStone's documentation of the data package and of its payload on chain.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};

use crate::reader::{Reader, WORD};
use crate::signature::{Signature, SignerSet, recover_all};
use crate::wad::{narrow, wad_down};
use crate::{MessageError, Observation};

/// The mark that ends a payload.
const MARK: [u8; 9] = [0x00, 0x00, 0x02, 0xed, 0x57, 0x01, 0x1e, 0x00, 0x00];

/// Most packages of a payload, so that one message costs at most so many signatures.
pub const PACKAGES_MAX: usize = 256;

/// Most points of a package.
pub const POINTS_MAX: usize = 256;

/// Decimal exponent of a value.
const EXPONENT: i32 = -8;

/// A parsed payload; nothing of it is verified.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    /// The packages, in the order of the bytes.
    pub packages: Vec<Package<'a>>,
    /// What nobody signed.
    pub metadata: &'a [u8],
}

/// What one signer says.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    /// Feeds and values.
    pub points: Vec<Point>,
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// The bytes that are signed.
    pub signed: &'a [u8],
    /// Signature over their keccak256.
    pub signature: Signature,
}

/// A value of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// RedStone's feed id.
    pub id: B256,
    /// Dollars with 8 decimals.
    pub value: U256,
}

/// Reads a payload, without verifying it.
///
/// # Errors
/// [`MessageError`] of the format: mark, lengths, counts.
pub fn parse(bytes: &[u8]) -> Result<Payload<'_>, MessageError> {
    let mut reader = Reader::new(bytes);
    if reader.take_end(MARK.len(), "mark")? != MARK {
        return Err(MessageError::MarkMissing { mark: "000002ed57011e0000" });
    }
    let length = count(&mut reader, 3, "length of the metadata")?;
    let metadata = reader.take_end(length, "metadata")?;
    let total = count(&mut reader, 2, "count of packages")?;
    at_most("packages", total, PACKAGES_MAX)?;
    let mut packages = Vec::new();
    for _ in 0..total {
        packages.push(parse_package(&mut reader)?);
    }
    reader.end("packages")?;
    packages.reverse();
    Ok(Payload { packages, metadata })
}

/// Verifies a payload and gives a price for each feed in it, in the order of the ids.
///
/// Every package must be of the set, all of one time, and every feed must have `threshold`
/// distinct signers. The mean of the middle two is rounded down, the confidence is rounded up.
///
/// # Errors
/// A [`MessageError`] that names the first cause to refuse it.
pub fn verify(bytes: &[u8], trust: &SignerSet<'_>) -> Result<Vec<Observation>, MessageError> {
    trust.usable()?;
    let payload = parse(bytes)?;
    let first = payload.packages.first().ok_or(MessageError::Empty)?.time_ms;
    if let Some(other) = payload.packages.iter().map(|one| one.time_ms).find(|ms| *ms != first) {
        return Err(MessageError::MixedTimes { first, other });
    }
    check_counts(&payload, trust)?;

    let pairs: Vec<_> =
        payload.packages.iter().map(|one| (keccak256(one.signed), one.signature)).collect();
    let mut said: BTreeMap<B256, BTreeMap<Address, u128>> = BTreeMap::new();
    for (package, signer) in payload.packages.iter().zip(recover_all(&pairs)) {
        let signer = signer?;
        trust.knows(signer)?;
        for point in &package.points {
            let before = said.entry(point.id).or_default().insert(signer, point.wad()?);
            if before.is_some() {
                return Err(MessageError::SignerRepeated { signer });
            }
        }
    }
    let time = first / 1000;
    Ok(said
        .into_iter()
        .map(|(id, by_signer)| {
            let (price, confidence) = median_and_spread(by_signer.into_values().collect());
            Observation { id, feed: None, price, confidence, time, round: 0 }
        })
        .collect())
}

impl Point {
    /// The value in wads.
    fn wad(&self) -> Result<u128, MessageError> {
        let overflow = MessageError::Overflow { id: self.id };
        let value = narrow(self.value).and_then(|value| wad_down(value, EXPONENT));
        match value.ok_or(overflow)? {
            0 => Err(MessageError::ZeroPrice { id: self.id }),
            wad => Ok(wad),
        }
    }
}

fn parse_package<'a>(reader: &mut Reader<'a>) -> Result<Package<'a>, MessageError> {
    let mut signature = Reader::new(reader.take_end(65, "signature")?);
    let (r, s) = (signature.b256("r")?, signature.b256("s")?);
    let signature = Signature::new(r, s, signature.u8("v")?, 27)?;

    let whole = *reader;
    let total = count(reader, 3, "count of points")?;
    at_most("points", total, POINTS_MAX)?;
    if total == 0 {
        return Err(MessageError::Empty);
    }
    let size = count(reader, 4, "bytes of a value")?;
    if size == 0 || size > WORD {
        return Err(MessageError::Unsupported { part: "bytes of a value", found: size as u64 });
    }
    let time_ms = count(reader, 6, "time")? as u64;
    let mut points: Vec<Point> = Vec::new();
    for _ in 0..total {
        let value = reader.uint_end(size, "value")?;
        let id = B256::from(reader.uint_end(WORD, "feed id")?);
        if points.iter().any(|other| other.id == id) {
            return Err(MessageError::FeedRepeated { id });
        }
        points.push(Point { id, value });
    }
    points.reverse();
    let mut signed = whole;
    let signed = signed.take_end(whole.left() - reader.left(), "package")?;
    Ok(Package { points, time_ms, signed, signature })
}

/// A count of at most 6 bytes.
fn count(
    reader: &mut Reader<'_>,
    bytes: usize,
    field: &'static str,
) -> Result<usize, MessageError> {
    Ok(reader.uint_end(bytes, field)?.saturating_to())
}

fn at_most(items: &'static str, count: usize, max: usize) -> Result<(), MessageError> {
    if count > max {
        return Err(MessageError::TooMany { items, count, max });
    }
    Ok(())
}

/// Refuses, before any signature is recovered, a feed with too few packages or more than signers.
fn check_counts(payload: &Payload<'_>, trust: &SignerSet<'_>) -> Result<(), MessageError> {
    let mut counts: BTreeMap<B256, usize> = BTreeMap::new();
    for point in payload.packages.iter().flat_map(|package| &package.points) {
        *counts.entry(point.id).or_default() += 1;
    }
    for (id, found) in counts {
        if found < trust.threshold {
            return Err(MessageError::FeedQuorum { id, found, needed: trust.threshold });
        }
        at_most("packages of a feed", found, trust.signers.len())?;
    }
    Ok(())
}

/// Median of values, and the median distance from it.
fn median_and_spread(mut values: Vec<u128>) -> (u128, u128) {
    values.sort_unstable();
    let price = middle(&values, u128::midpoint);
    let mut distances: Vec<u128> = values.iter().map(|value| value.abs_diff(price)).collect();
    distances.sort_unstable();
    (price, middle(&distances, |_, greater| greater))
}

/// The middle of sorted values; of an even number what `between` makes of the middle two.
fn middle(sorted: &[u128], between: impl Fn(u128, u128) -> u128) -> u128 {
    let half = sorted.len() / 2;
    let greater = sorted.get(half).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        return greater;
    }
    half.checked_sub(1)
        .and_then(|at| sorted.get(at))
        .map_or(greater, |smaller| between(*smaller, greater))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_moves_neither_median_nor_spread() {
        assert_eq!(median_and_spread(vec![100, 90, 1]), (90, 10));
        assert_eq!(median_and_spread(vec![u128::MAX, 90, 100]), (100, 10));
        assert_eq!(median_and_spread(vec![7]), (7, 0));
        assert_eq!(median_and_spread(vec![11, 10]), (10, 1));
        assert_eq!(median_and_spread(vec![1, 2, 5, 100]), (3, 2));
        assert_eq!(median_and_spread(vec![u128::MAX, u128::MAX]), (u128::MAX, 0));
    }
}
