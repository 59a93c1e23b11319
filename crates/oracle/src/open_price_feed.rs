//! Open Price Feed: one price, signed by an exchange (Compound's format of 2020).
//!
//! ```text
//! message   abi(string kind = "prices", uint64 time, string key, uint64 value with 6 decimals)
//! signature abi(bytes32 r, bytes32 s, uint8 v), v 27 or 28
//! ```
//!
//! The reporter signs `keccak256("\x19Ethereum Signed Message:\n32" · keccak256(message))`
//! (EIP-191). The id of the observation is the key, filled up with zeros behind. The encodings must
//! be the canonical ones. The format has no confidence.

use alloy_primitives::{Address, B256, keccak256};

use crate::reader::{Reader, WORD, padded};
use crate::signature::{Signature, SignerSet, keccak_pair};
use crate::wad::wad_down;
use crate::{MessageError, Observation};

/// What EIP-191 puts before a hash.
const PREFIX: &[u8] = b"\x19Ethereum Signed Message:\n32";

/// Decimal exponent of a value.
const EXPONENT: i32 = -6;

/// A parsed message; nothing of it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price<'a> {
    /// Seconds since 1970.
    pub time: u64,
    /// Symbol of the asset, at most 32 bytes.
    pub key: &'a [u8],
    /// Dollars with 6 decimals.
    pub value: u64,
}

impl Price<'_> {
    /// The key as a feed id.
    #[must_use]
    pub fn id(&self) -> B256 {
        B256::right_padding_from(self.key)
    }
}

/// Reads a message, without verifying it.
///
/// # Errors
/// [`MessageError`] of the format: offsets, lengths, padding, kind.
pub fn parse(message: &[u8]) -> Result<Price<'_>, MessageError> {
    const HEAD: usize = 4 * WORD;
    let mut reader = Reader::new(message);
    reader.word_is(HEAD, "offset of the kind")?;
    let time = reader.word_u64("time")?;
    reader.word_is(HEAD + WORD + padded(b"prices".len()), "offset of the key")?;
    let value = reader.word_u64("value")?;
    if reader.word_bytes("kind")? != b"prices" {
        return Err(MessageError::MarkMissing { mark: "prices" });
    }
    let key = reader.word_bytes("key")?;
    if key.is_empty() || key.len() > WORD {
        return Err(MessageError::Unsupported { part: "length of a key", found: key.len() as u64 });
    }
    reader.end("message")?;
    Ok(Price { time, key, value })
}

/// Verifies a message of one of the reporters and gives its price, exactly.
///
/// # Errors
/// A [`MessageError`] that names the first cause to refuse it.
pub fn verify(
    message: &[u8],
    signature: &[u8],
    reporters: &[Address],
) -> Result<Vec<Observation>, MessageError> {
    let price = parse(message)?;
    let id = price.id();
    if price.value == 0 {
        return Err(MessageError::ZeroPrice { id });
    }
    let wad = wad_down(price.value.into(), EXPONENT).ok_or(MessageError::Overflow { id })?;
    let signature = parse_signature(signature)?;
    let hash = keccak_pair(PREFIX, keccak256(message).as_slice());
    SignerSet { signers: reporters, threshold: 1 }.signed(hash, &[signature])?;
    Ok(vec![Observation { id, feed: None, price: wad, confidence: 0, time: price.time, round: 0 }])
}

fn parse_signature(bytes: &[u8]) -> Result<Signature, MessageError> {
    let mut reader = Reader::new(bytes);
    let (r, s) = (reader.b256("r")?, reader.b256("s")?);
    let v = reader.word_u64("v")?;
    reader.end("signature")?;
    let v = u8::try_from(v).map_err(|_| MessageError::Padding { field: "v" })?;
    Signature::new(r, s, v, 27)
}
