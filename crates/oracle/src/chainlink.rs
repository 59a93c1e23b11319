//! Chainlink Data Streams: one report, signed by more than `f` nodes of an oracle network.
//!
//! ```text
//! message abi(bytes32[3] context, bytes report, bytes32[] rs, bytes32[] ss, bytes32 vs)
//! context digest of the network's configuration · epoch and round · extra hash
//! report  abi: feed id, its first two bytes the schema · uint32 valid from · uint32 observed ·
//!         uint192 native fee · uint192 LINK fee · uint32 expires · int192 price, then
//!         schema 2: nothing · 3: int192 bid, int192 ask · 4: uint32 market status
//! ```
//!
//! The nodes sign `keccak256(keccak256(report) · context)`; byte `i` of `vs` is the parity of
//! signature `i`. Of schema 3 the confidence is the greater distance of bid and ask from the price;
//! the other two have none. Of schema 4 only an open market's price (status 2) is taken.
//! The encoding must be the canonical one, to the last byte.
//!
//! Source: Chainlink's documentation of the report schemas and of its verifier contract; layout as
//! in the `chainlink-data-streams-report` crate, which the tests compare with.

use alloy_primitives::{B256, I256, U256, keccak256};

use crate::reader::{Reader, WORD, padded};
use crate::signature::{Signature, SignerSet, keccak_pair};
use crate::wad::{narrow, wad_down};
use crate::{MessageError, Observation};

/// Decimals of the prices of most streams; some have 8, which the report does not tell.
pub const DECIMALS: u8 = 18;

/// Words of the message's head: context, three offsets, parities.
const HEAD: usize = 7 * WORD;

/// Market status of schema 4 at which a price is taken.
const MARKET_OPEN: u32 = 2;

/// Whom to believe, and when.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// Digest of the configuration the set belongs to.
    pub digest: B256,
    /// The nodes; the threshold is `f + 1`.
    pub signers: SignerSet<'a>,
    /// Decimals of the stream's prices, 18 at most; [`DECIMALS`] unless the provider says otherwise.
    pub decimals: u8,
    /// Time of the block that uses the report, seconds since 1970.
    pub now: u64,
}

/// A parsed message; nothing of it is verified.
#[derive(Clone, Debug)]
pub struct FullReport<'a> {
    /// The three words the report is signed with.
    pub context: &'a [u8],
    /// The bytes of the report.
    pub blob: &'a [u8],
    /// Signatures, in the order of the message.
    pub signatures: Vec<Signature>,
    /// What the report says.
    pub report: Report,
}

/// A report of schema 2, 3 or 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Chainlink's feed id.
    pub id: B256,
    /// Seconds since 1970.
    pub valid_from: u32,
    /// Seconds since 1970.
    pub observed: u32,
    /// Fee for verification in the chain's coin.
    pub native_fee: U256,
    /// Fee for verification in LINK.
    pub link_fee: U256,
    /// Seconds since 1970.
    pub expires: u32,
    /// Dollars with the stream's decimals.
    pub price: I256,
    /// What only some schemas have.
    pub extra: Extra,
}

/// What only some schemas have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Schema 2: nothing.
    Nothing,
    /// Schema 3: the prices at which a size of the provider's choice can be sold and bought.
    Sides {
        /// Selling price.
        bid: I256,
        /// Buying price.
        ask: I256,
    },
    /// Schema 4: 0 unknown, 1 closed, 2 open.
    Market {
        /// The status.
        status: u32,
    },
}

/// The configuration digest, so that the caller can look up its signers.
///
/// # Errors
/// [`MessageError::Truncated`].
pub fn peek(bytes: &[u8]) -> Result<B256, MessageError> {
    Reader::new(bytes).b256("configuration digest")
}

/// Reads a message, without verifying it.
///
/// # Errors
/// [`MessageError`] of the format: offsets, lengths, padding, schema.
pub fn parse(bytes: &[u8]) -> Result<FullReport<'_>, MessageError> {
    let mut reader = Reader::new(bytes);
    let context = reader.take(3 * WORD, "context")?;
    reader.word_is(HEAD, "offset of the report")?;
    let r_offset = reader.word_u64("offset of rs")?;
    let s_offset = reader.word_u64("offset of ss")?;
    let parities = reader.array::<WORD>("parities")?;
    let blob = reader.word_bytes("report")?;
    let r_expected = HEAD + WORD + padded(blob.len());
    is_at(r_offset, r_expected, "offset of rs")?;
    let rs = words(&mut reader, "rs")?;
    is_at(s_offset, r_expected + WORD + rs.len(), "offset of ss")?;
    let ss = words(&mut reader, "ss")?;
    reader.end("message")?;
    if rs.len() != ss.len() {
        return Err(MessageError::LengthLies {
            field: "ss",
            found: (ss.len() / WORD) as u64,
            expected: (rs.len() / WORD) as u64,
        });
    }
    let count = rs.len() / WORD;
    if count > WORD {
        return Err(MessageError::TooMany { items: "signatures", count, max: WORD });
    }
    if parities.iter().skip(count).any(|parity| *parity != 0) {
        return Err(MessageError::Padding { field: "parities" });
    }
    let signatures = rs
        .chunks_exact(WORD)
        .zip(ss.chunks_exact(WORD))
        .zip(parities)
        .map(|((r, s), v)| Signature::new(B256::from_slice(r), B256::from_slice(s), v, 0))
        .collect::<Result<_, _>>()?;
    Ok(FullReport { context, blob, signatures, report: parse_report(blob)? })
}

/// Verifies a message and gives its price and confidence, exactly.
///
/// # Errors
/// A [`MessageError`] that names the first cause to refuse it.
pub fn verify(bytes: &[u8], trust: &Trust<'_>) -> Result<Vec<Observation>, MessageError> {
    let message = parse(bytes)?;
    let found = peek(message.context)?;
    if found != trust.digest {
        return Err(MessageError::Configuration { found, trusted: trust.digest });
    }
    let observation = message.report.observation(trust)?;
    let digest = keccak_pair(keccak256(message.blob).as_slice(), message.context);
    trust.signers.signed(digest, &message.signatures)?;
    Ok(vec![observation])
}

impl Report {
    fn observation(&self, trust: &Trust<'_>) -> Result<Observation, MessageError> {
        let (valid_from, observed, expires) =
            (u64::from(self.valid_from), u64::from(self.observed), u64::from(self.expires));
        if valid_from > observed || observed > expires {
            return Err(MessageError::Times { valid_from, observed, expires });
        }
        if trust.now > expires {
            return Err(MessageError::Expired { expires, now: trust.now });
        }
        if trust.decimals > DECIMALS {
            return Err(MessageError::Unsupported {
                part: "decimals",
                found: trust.decimals.into(),
            });
        }
        let id = self.id;
        let exponent = -i32::from(trust.decimals);
        let price = wad(self.price, exponent, id)?;
        if price == 0 {
            return Err(MessageError::ZeroPrice { id });
        }
        let confidence = match self.extra {
            Extra::Nothing | Extra::Market { status: MARKET_OPEN } => 0,
            Extra::Market { status } => return Err(MessageError::MarketClosed { status }),
            Extra::Sides { bid, ask } => {
                let (bid, ask) = (wad(bid, exponent, id)?, wad(ask, exponent, id)?);
                let below = price.checked_sub(bid).ok_or(MessageError::Crossed { id })?;
                let above = ask.checked_sub(price).ok_or(MessageError::Crossed { id })?;
                below.max(above)
            }
        };
        Ok(Observation { id, feed: None, price, confidence, time: observed, round: 0 })
    }
}

fn parse_report(blob: &[u8]) -> Result<Report, MessageError> {
    let mut reader = Reader::new(blob);
    let id = reader.b256("feed id")?;
    let schema = u16::from_be_bytes([id[0], id[1]]);
    let (valid_from, observed) = (reader.word_u32("valid from")?, reader.word_u32("observed")?);
    let (native_fee, link_fee) = (uint192(&mut reader)?, uint192(&mut reader)?);
    let expires = reader.word_u32("expires")?;
    let price = int192(&mut reader, "price")?;
    let extra = match schema {
        2 => Extra::Nothing,
        3 => Extra::Sides { bid: int192(&mut reader, "bid")?, ask: int192(&mut reader, "ask")? },
        4 => Extra::Market { status: reader.word_u32("market status")? },
        _ => {
            return Err(MessageError::Unsupported { part: "report schema", found: schema.into() });
        }
    };
    reader.end("report")?;
    Ok(Report { id, valid_from, observed, native_fee, link_fee, expires, price, extra })
}

/// A price of the report in wads.
fn wad(value: I256, exponent: i32, id: B256) -> Result<u128, MessageError> {
    if value.is_negative() {
        return Err(MessageError::NegativePrice { id });
    }
    narrow(value.into_raw())
        .and_then(|value| wad_down(value, exponent))
        .ok_or(MessageError::Overflow { id })
}

fn uint192(reader: &mut Reader<'_>) -> Result<U256, MessageError> {
    let value = U256::from_be_bytes(reader.array::<WORD>("fee")?);
    if value.bit_len() > 192 {
        return Err(MessageError::Padding { field: "fee" });
    }
    Ok(value)
}

fn int192(reader: &mut Reader<'_>, field: &'static str) -> Result<I256, MessageError> {
    let value = I256::from_be_bytes(reader.array::<WORD>(field)?);
    // Bits of the value and one for its sign.
    if value.bits() > 192 {
        return Err(MessageError::Padding { field });
    }
    Ok(value)
}

fn is_at(found: u64, expected: usize, field: &'static str) -> Result<(), MessageError> {
    let expected = expected as u64;
    if found == expected {
        Ok(())
    } else {
        Err(MessageError::LengthLies { field, found, expected })
    }
}

/// An array of words with its count before.
fn words<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], MessageError> {
    let count = reader.word_length(field)?;
    reader.take(count.saturating_mul(WORD), field)
}
