//! Why a message is refused: one variant per cause, with the values that show it.

use alloy_primitives::{Address, B256};
use thiserror::Error;

/// Why a message is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MessageError {
    /// The bytes end before a field does.
    #[error("the message ends in {field}: {needed} bytes needed, {left} left")]
    Truncated {
        /// The field.
        field: &'static str,
        /// Bytes it takes.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// Bytes are left where the format ends.
    #[error("{count} bytes after the end of {part}")]
    TrailingBytes {
        /// What ended.
        part: &'static str,
        /// Bytes after it.
        count: usize,
    },
    /// A fixed mark of the format is missing.
    #[error("not a message of this kind: {mark} is not there")]
    MarkMissing {
        /// The mark.
        mark: &'static str,
    },
    /// A version or kind this crate does not read.
    #[error("{part} {found} is not supported")]
    Unsupported {
        /// What has the version or kind.
        part: &'static str,
        /// The version or kind.
        found: u64,
    },
    /// A length or offset that is not what the canonical encoding has there.
    #[error("{field} is {found}, the encoding has {expected} there")]
    LengthLies {
        /// The field.
        field: &'static str,
        /// What is written.
        found: u64,
        /// What must be written.
        expected: u64,
    },
    /// A word of the ABI encoding has bits outside its type.
    #[error("{field} has bits outside its type")]
    Padding {
        /// The field.
        field: &'static str,
    },
    /// A message without a price.
    #[error("the message holds no price")]
    Empty,
    /// More items than a message may have.
    #[error("{count} {items}, {max} at most")]
    TooMany {
        /// The items.
        items: &'static str,
        /// Items found.
        count: usize,
        /// Most that are allowed.
        max: usize,
    },
    /// Signed under another guardian set than the trusted one.
    #[error("signed by guardian set {found}, trusted is {trusted}")]
    GuardianSet {
        /// The set of the message.
        found: u32,
        /// The set that is trusted.
        trusted: u32,
    },
    /// Signed under another signer set than the trusted one.
    #[error("signed under configuration {found}, trusted is {trusted}")]
    Configuration {
        /// Digest in the message.
        found: B256,
        /// Digest that is trusted.
        trusted: B256,
    },
    /// The message comes from another chain or address than Pythnet's.
    #[error("emitted by {emitter} of chain {chain}, not by Pythnet")]
    Emitter {
        /// Wormhole's number of the chain.
        chain: u16,
        /// Address on that chain.
        emitter: B256,
    },
    /// Signed for another chain.
    #[error("signed for chain {found}, this is chain {trusted}")]
    Chain {
        /// Chain of the message.
        found: u64,
        /// Chain that verifies it.
        trusted: u64,
    },
    /// The trusted set cannot vouch for anything: no signers, or a threshold of zero.
    #[error("the trusted set has {signers} signers and a threshold of {threshold}")]
    NoTrust {
        /// Signers in the set.
        signers: usize,
        /// Signatures asked for.
        threshold: usize,
    },
    /// Too few signatures.
    #[error("{found} signatures, {needed} needed")]
    Quorum {
        /// Signatures found.
        found: usize,
        /// Signatures needed.
        needed: usize,
    },
    /// Too few signers for one feed of the message.
    #[error("{found} signers for feed {id}, {needed} needed")]
    FeedQuorum {
        /// The provider's feed id.
        id: B256,
        /// Signers found.
        found: usize,
        /// Signers needed.
        needed: usize,
    },
    /// Signature indices, or reports, that do not strictly ascend.
    #[error("{items} must ascend strictly, number {at} does not")]
    Order {
        /// The items.
        items: &'static str,
        /// Position of the first that does not, from 0.
        at: usize,
    },
    /// A signature by a guardian the set does not have.
    #[error("guardian {index} of a set of {count}")]
    GuardianIndex {
        /// Index in the message.
        index: u8,
        /// Guardians in the set.
        count: usize,
    },
    /// A signature that is not of the guardian it claims.
    #[error("the signature of guardian {index} was made by {found}")]
    GuardianSignature {
        /// Index in the message.
        index: u8,
        /// Address the signature recovers to.
        found: Address,
    },
    /// A valid signature by somebody who is not in the set.
    #[error("{signer} is not a trusted signer")]
    SignerUnknown {
        /// Address the signature recovers to.
        signer: Address,
    },
    /// One signer counted twice.
    #[error("{signer} signed twice")]
    SignerRepeated {
        /// The signer.
        signer: Address,
    },
    /// The s of a signature lies in the upper half of the order: the other form of a signature.
    #[error("a malleable signature: s is in the upper half of the order")]
    HighS,
    /// A recovery id that is neither of the two a signature has.
    #[error("recovery id {found}, allowed are {first} and the next")]
    RecoveryId {
        /// What is written.
        found: u8,
        /// The smaller of the two that are allowed.
        first: u8,
    },
    /// A signature that no key can have made.
    #[error("the signature recovers to no key")]
    Unrecoverable,
    /// A key that is not a point, not canonically written, or of small order.
    #[error("{key} is not a usable ed25519 key")]
    WeakKey {
        /// The key.
        key: B256,
    },
    /// A key that is not trusted.
    #[error("{key} is not a trusted key")]
    KeyUnknown {
        /// The key.
        key: B256,
    },
    /// A signature that does not belong to report and key.
    #[error("the ed25519 signature of report {at} is not of {key}")]
    KeySignature {
        /// Position of the report, from 0.
        at: usize,
        /// The key.
        key: B256,
    },
    /// A price whose Merkle path does not lead to the signed root.
    #[error("the Merkle path of update {at} does not lead to the signed root")]
    MerklePath {
        /// Position of the update, from 0.
        at: usize,
    },
    /// One feed twice in one message, or in one package.
    #[error("feed {id} is there twice")]
    FeedRepeated {
        /// The provider's feed id.
        id: B256,
    },
    /// Packages of different times.
    #[error("packages of {first} ms and {other} ms in one message")]
    MixedTimes {
        /// Time of the first, in milliseconds since 1970.
        first: u64,
        /// Another time, in milliseconds since 1970.
        other: u64,
    },
    /// Times of a report in the wrong order.
    #[error("valid from {valid_from}, observed {observed}, expires {expires}")]
    Times {
        /// Seconds since 1970.
        valid_from: u64,
        /// Seconds since 1970.
        observed: u64,
        /// Seconds since 1970.
        expires: u64,
    },
    /// A time before 1970.
    #[error("the time {found} lies before 1970")]
    NegativeTime {
        /// Seconds since 1970.
        found: i64,
    },
    /// The report may no longer be used.
    #[error("the report expired at {expires}, it is {now}")]
    Expired {
        /// Seconds since 1970.
        expires: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// The market the price comes from is not open.
    #[error("market status {status}, only an open market's price is taken")]
    MarketClosed {
        /// 0 unknown, 1 closed.
        status: u32,
    },
    /// A price of zero, or one that rounds to zero.
    #[error("the price of feed {id} is zero")]
    ZeroPrice {
        /// The provider's feed id.
        id: B256,
    },
    /// A price or a side of it below zero.
    #[error("a price of feed {id} is negative")]
    NegativePrice {
        /// The provider's feed id.
        id: B256,
    },
    /// A bid above the price, or an ask below it.
    #[error("bid and ask of feed {id} do not enclose its price")]
    Crossed {
        /// The provider's feed id.
        id: B256,
    },
    /// A price that does not fit 128 bits with 18 decimals.
    #[error("a value of feed {id} does not fit 128 bits with 18 decimals")]
    Overflow {
        /// The provider's feed id.
        id: B256,
    },
    /// An exponent no price has.
    #[error("exponent {found}, allowed are {min} to {max}")]
    Exponent {
        /// The exponent.
        found: i32,
        /// Smallest allowed.
        min: i32,
        /// Greatest allowed.
        max: i32,
    },
}
