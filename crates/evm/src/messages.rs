//! Other oracles' messages: who must have signed one, and whether they did.
//!
//! [`Envelope::open`] reads the name of the set of signers without believing anything; with that set from the
//! protocol's records [`Envelope::verify`] gives what the message says. Neither has side effects, so a block's messages
//! are read and verified side by side.

use alloy_primitives::{B256, U256};
use gage_abi::IOracle::ProviderMessage;
use gage_core::{SignerSet, SignerSetId, SourceKind, Timestamp};
use gage_oracle::pyth::GuardianSet;
use gage_oracle::{MessageError, Observation, chainlink, ed25519, pyth, redstone};

/// The data service whose nodes are believed to sign RedStone's messages, which name none.
pub const REDSTONE_SERVICE: &str = "redstone-primary-prod";

/// A message of which is known who must have signed it.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// Whose it is.
    pub provider: SourceKind,
    /// By which set it must be signed; none where each report has its publisher's signature.
    pub signers: Option<SignerSetId>,
    /// How many signatures it has.
    pub signatures: usize,
    /// The publishers who sign reports themselves.
    keys: Vec<B256>,
    bytes: &'a [u8],
}

/// The name that RedStone's set of signers has in the records.
#[must_use]
pub fn redstone_name() -> B256 {
    B256::right_padding_from(REDSTONE_SERVICE.as_bytes())
}

/// The name that a set of Wormhole's guardians has in the records.
#[must_use]
pub fn guardians_name(index: u32) -> B256 {
    U256::from(index).into()
}

impl<'a> Envelope<'a> {
    /// Reads who must have signed a message.
    ///
    /// # Errors
    /// [`MessageError`] if it is none of its provider's, or its provider has none.
    pub fn open(message: &'a ProviderMessage) -> Result<Self, MessageError> {
        let bytes = message.data.as_ref();
        let unknown =
            MessageError::Unsupported { part: "provider", found: message.provider.into() };
        let provider = SourceKind::of(message.provider).ok_or(unknown.clone())?;
        let mut keys = Vec::new();
        let (name, signatures) = match provider {
            SourceKind::Ed25519 => {
                keys.extend(ed25519::parse(bytes)?.1.iter().map(|signed| signed.key));
                (None, keys.len())
            }
            SourceKind::Pyth => {
                let update = pyth::parse(bytes)?;
                (Some(guardians_name(update.guardian_set)), update.signatures.len())
            }
            SourceKind::RedStone => (Some(redstone_name()), redstone::parse(bytes)?.packages.len()),
            SourceKind::Chainlink => {
                (Some(chainlink::peek(bytes)?), chainlink::parse(bytes)?.signatures.len())
            }
            SourceKind::Publisher | SourceKind::Pool => return Err(unknown),
        };
        let signers = name.map(|name| SignerSetId { provider, name });
        Ok(Self { provider, signers, signatures, keys, bytes })
    }

    /// What the message says, if enough of `set` signed it; `set` is that of [`Envelope::signers`]. A publisher's own
    /// report is of whoever signed it: whether that is a source its feed says.
    ///
    /// # Errors
    /// [`MessageError`] with the first cause to refuse it.
    pub fn verify(
        &self,
        set: &SignerSet,
        (chain_id, now): (u64, Timestamp),
    ) -> Result<Vec<Observation>, MessageError> {
        let Self { signatures: found, bytes, .. } = *self;
        let needed = usize::from(set.threshold);
        let signers = gage_oracle::SignerSet { signers: &set.signers, threshold: needed };
        let name = self.signers.map(|id| id.name).unwrap_or_default();
        match self.provider {
            SourceKind::Ed25519 => {
                ed25519::verify(bytes, &ed25519::Trust { chain_id, keys: &self.keys })
            }
            // A format has a quorum of its own; the records may ask for more.
            SourceKind::Pyth if found < needed => Err(MessageError::Quorum { found, needed }),
            SourceKind::Pyth => {
                let index = pyth::peek(bytes)?;
                pyth::verify(bytes, &GuardianSet { index, guardians: &set.signers })
            }
            SourceKind::RedStone => redstone::verify(bytes, &signers),
            SourceKind::Chainlink => {
                let (decimals, now) = (chainlink::DECIMALS, now.get());
                let trust = chainlink::Trust { digest: name, signers, decimals, now };
                chainlink::verify(bytes, &trust)
            }
            other @ (SourceKind::Publisher | SourceKind::Pool) => {
                Err(MessageError::Unsupported { part: "provider", found: other.number().into() })
            }
        }
    }
}
