//! secp256k1 signatures: who signed a hash, one by one or many at once.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, keccak256};
use rayon::prelude::*;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

use crate::MessageError;

/// Half of the order of secp256k1, rounded down: the greatest `s` of the one accepted form of a
/// signature (EIP-2).
const S_MAX: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// A recoverable signature; `odd` tells which of two points `r` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The x coordinate of the nonce's point.
    pub r: B256,
    /// The proof; must lie in the lower half of the order.
    pub s: B256,
    /// Whether the point's y is odd.
    pub odd: bool,
}

impl Signature {
    /// From the parts of the wire. `first` is what a provider writes for "even": 0 or 27.
    ///
    /// # Errors
    /// [`MessageError::RecoveryId`].
    pub fn new(r: B256, s: B256, v: u8, first: u8) -> Result<Self, MessageError> {
        let odd = match v.checked_sub(first) {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(MessageError::RecoveryId { found: v, first }),
        };
        Ok(Self { r, s, odd })
    }

    /// The address whose key signed `hash`.
    ///
    /// # Errors
    /// [`MessageError::HighS`], [`MessageError::Unrecoverable`].
    pub fn recover(&self, hash: B256) -> Result<Address, MessageError> {
        if self.s.0 > S_MAX {
            return Err(MessageError::HighS);
        }
        let mut compact = [0; 64];
        compact[..32].copy_from_slice(self.r.as_slice());
        compact[32..].copy_from_slice(self.s.as_slice());
        let id = if self.odd { RecoveryId::One } else { RecoveryId::Zero };
        let key = RecoverableSignature::from_compact(&compact, id)
            .and_then(|signature| signature.recover(secp256k1::Message::from_digest(hash.0)))
            .map_err(|_| MessageError::Unrecoverable)?;
        Ok(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
    }
}

/// Who signed each hash, in the order given, whatever the number of threads.
///
/// # Errors
/// Each pair has its own result: [`MessageError::HighS`], [`MessageError::Unrecoverable`].
#[must_use]
pub fn recover_all(signed: &[(B256, Signature)]) -> Vec<Result<Address, MessageError>> {
    signed.par_iter().map(|(hash, signature)| signature.recover(*hash)).collect()
}

/// A provider's signers, and how many of them make a message true.
#[derive(Clone, Copy, Debug)]
pub struct SignerSet<'a> {
    /// The signers' addresses.
    pub signers: &'a [Address],
    /// Distinct signers needed; at least 1.
    pub threshold: usize,
}

impl SignerSet<'_> {
    /// Fails for a set that would vouch for anything or for nothing.
    pub(crate) fn usable(&self) -> Result<(), MessageError> {
        if self.signers.is_empty() || self.threshold == 0 {
            return Err(MessageError::NoTrust {
                signers: self.signers.len(),
                threshold: self.threshold,
            });
        }
        Ok(())
    }

    /// Fails for a stranger.
    pub(crate) fn knows(&self, signer: Address) -> Result<(), MessageError> {
        if self.signers.contains(&signer) {
            Ok(())
        } else {
            Err(MessageError::SignerUnknown { signer })
        }
    }

    /// Fails unless all signatures of `hash` are of distinct signers of the set, and enough.
    pub(crate) fn signed(&self, hash: B256, signatures: &[Signature]) -> Result<(), MessageError> {
        self.usable()?;
        let (found, max) = (signatures.len(), self.signers.len());
        if found < self.threshold {
            return Err(MessageError::Quorum { found, needed: self.threshold });
        }
        // Before any costly recovery: more signatures than signers cannot be distinct.
        if found > max {
            return Err(MessageError::TooMany { items: "signatures", count: found, max });
        }
        let pairs: Vec<_> = signatures.iter().map(|signature| (hash, *signature)).collect();
        let mut seen = BTreeSet::new();
        for signer in recover_all(&pairs) {
            let signer = signer?;
            self.knows(signer)?;
            if !seen.insert(signer) {
                return Err(MessageError::SignerRepeated { signer });
            }
        }
        Ok(())
    }
}

/// keccak256 of two parts in a row.
pub(crate) fn keccak_pair(first: &[u8], second: &[u8]) -> B256 {
    let mut bytes = Vec::with_capacity(first.len() + second.len());
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(second);
    keccak256(bytes)
}
