//! Many messages of any provider at once, as a block brings them.

use alloy_primitives::Address;
use rayon::prelude::*;

use crate::pyth::GuardianSet;
use crate::signature::SignerSet;
use crate::{MessageError, Observation, chainlink, ed25519, open_price_feed, pyth, redstone};

/// A message with what it takes to believe it.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// See [`pyth::verify`].
    Pyth {
        /// The update.
        bytes: &'a [u8],
        /// Who must have signed.
        trust: GuardianSet<'a>,
    },
    /// See [`redstone::verify`].
    RedStone {
        /// The payload.
        bytes: &'a [u8],
        /// Who must have signed.
        trust: SignerSet<'a>,
    },
    /// See [`chainlink::verify`].
    Chainlink {
        /// The full report.
        bytes: &'a [u8],
        /// Who must have signed.
        trust: chainlink::Trust<'a>,
    },
    /// See [`open_price_feed::verify`].
    OpenPriceFeed {
        /// The message.
        message: &'a [u8],
        /// Its signature.
        signature: &'a [u8],
        /// Who may have signed.
        reporters: &'a [Address],
    },
    /// See [`ed25519::verify`].
    Ed25519 {
        /// The batch of reports.
        bytes: &'a [u8],
        /// Who must have signed.
        trust: ed25519::Trust<'a>,
    },
}

impl Message<'_> {
    /// Verifies the message and gives its prices.
    ///
    /// # Errors
    /// A [`MessageError`] that names the first cause to refuse it.
    pub fn verify(&self) -> Result<Vec<Observation>, MessageError> {
        match self {
            Self::Pyth { bytes, trust } => pyth::verify(bytes, trust),
            Self::RedStone { bytes, trust } => redstone::verify(bytes, trust),
            Self::Chainlink { bytes, trust } => chainlink::verify(bytes, trust),
            Self::OpenPriceFeed { message, signature, reporters } => {
                open_price_feed::verify(message, signature, reporters)
            }
            Self::Ed25519 { bytes, trust } => ed25519::verify(bytes, trust),
        }
    }
}

/// Verifies messages in parallel; results come in the order of the messages, whatever the number
/// of threads, and one refused message takes no other with it.
///
/// # Errors
/// Each message has its own result.
#[must_use]
pub fn verify_all(messages: &[Message<'_>]) -> Vec<Result<Vec<Observation>, MessageError>> {
    messages.par_iter().map(Message::verify).collect()
}
