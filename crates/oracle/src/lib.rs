//! Signed price messages of other oracles, parsed and verified natively.
//!
//! A lending chain that reads prices from one publisher trusts one key. Pyth, RedStone and Chainlink
//! sign their prices with many; this crate reads what they publish and believes it only if enough of
//! a named set of signers signed just these bytes. It is pure: bytes and trusted signers in, prices
//! or a named cause out; no I/O and no clock.
//!
//! | Module | Format |
//! |---|---|
//! | [`pyth`] | accumulator update: Wormhole guardians sign a Merkle root of prices |
//! | [`redstone`] | payload of packages, each signed by one data service |
//! | [`chainlink`] | Data Streams report, signed by `f + 1` nodes |
//! | [`open_price_feed`] | one price signed by an exchange |
//! | [`ed25519`] | Gage's own reports in a compact batch |
//! | [`batch`] | many messages of any kind in parallel |
//! | [`signature`] | secp256k1 recovery, single and in batch |
//!
//! Each format has `parse`, which reads and verifies nothing, and `verify`, which gives
//! [`Observation`]s; where the message names its signer set, `peek` reads the name. A message is
//! taken whole or not at all. Whether a time is too old, or not newer than the last one, is for the
//! feed to judge: it knows the block and what it has seen.
//!
//! # Why own parsers
//!
//! Layouts are few fixed fields, and a parser in consensus must refuse every second spelling of one
//! message, which the providers' crates do not:
//!
//! * `pythnet-sdk` (Apache-2.0) lets trailing bytes pass and verifies no guardian signature. It
//!   brings `pyth-sdk` with an old `borsh`, `schemars`, `bincode` and `fast-math`, some fifteen
//!   crates that nothing else here needs, so it is no dependency of the tests either.
//! * `chainlink-data-streams-report` (MIT) decodes without checking padding and verifies no
//!   signature. It is light, and the tests compare with it.
//! * RedStone's own SDK is a git dependency; the registry's crate called `redstone` is something
//!   else, and `redstone-rust-sdk` is of 2022.
//! * Curves are not ours: `secp256k1` (the C library) recovers, `ed25519-dalek` verifies.

pub mod batch;
pub mod chainlink;
pub mod ed25519;
mod error;
pub mod open_price_feed;
pub mod pyth;
mod reader;
pub mod redstone;
pub mod signature;
mod wad;

use alloy_primitives::B256;

pub use batch::{Message, verify_all};
pub use error::MessageError;
pub use signature::{Signature, SignerSet, recover_all};

/// A price somebody vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The provider's feed id; the publisher's key for [`ed25519`].
    pub id: B256,
    /// Gage's number of the feed, where the message itself names it ([`ed25519`]).
    pub feed: Option<u32>,
    /// Dollars with 18 decimals; never zero.
    pub price: u128,
    /// Half the width of the interval in dollars with 18 decimals; zero where there is none.
    pub confidence: u128,
    /// Seconds since 1970.
    pub time: u64,
    /// The publisher's counter ([`ed25519`]), else zero.
    pub round: u64,
}
