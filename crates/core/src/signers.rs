//! Whom the protocol believes to sign for other oracles: Wormhole's guardians for Pyth, RedStone's nodes, the nodes of a
//! Chainlink data stream.
//!
//! A set is known by its provider and by the name that messages give it: a guardian set's index, a data service, a
//! configuration's digest. Governance rotates by adding the next set and letting the last one expire.

use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::Timestamp;
use crate::ledger::Ledger;
use crate::protocol::governed;
use crate::sources::SourceKind;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256};

/// The most signers in a set.
pub const SIGNERS_MAX: usize = 32;

/// Which set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignerSetId {
    /// Whose messages it signs: Pyth's, RedStone's or Chainlink's.
    pub provider: SourceKind,
    /// What its messages call it.
    pub name: B256,
}

/// Who signs, and how many must.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignerSet {
    /// The addresses, in the order that messages number them; at most [`SIGNERS_MAX`].
    pub signers: Vec<Address>,
    /// How many of them must sign.
    pub threshold: u8,
    /// From when on it is not believed; zero for never.
    pub expires_at: Timestamp,
}

impl SignerSet {
    /// Whether its signatures count at `now`: a set that is unknown, or that asks for no signature or for more than
    /// it has members, is believed by nobody (XCH-3).
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.asks_for_some() && (self.expires_at == Timestamp::ZERO || now < self.expires_at)
    }

    fn asks_for_some(&self) -> bool {
        (1..=self.signers.len()).contains(&usize::from(self.threshold))
    }

    fn check(&self) -> Result<(), Error> {
        let count = self.signers.len();
        let invalid = |name, value: usize| {
            let value = u128::try_from(value).unwrap_or(u128::MAX);
            Err(Error::InvalidParameter { name, value })
        };
        if count == 0 || count > SIGNERS_MAX {
            return invalid("signers", count);
        }
        if !self.asks_for_some() {
            return invalid("signature threshold", self.threshold.into());
        }
        let mut sorted = self.signers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() < count || self.signers.iter().any(|signer| signer.is_zero()) {
            return invalid("distinct signers", sorted.len());
        }
        Ok(())
    }
}

/// Names a set of signers, or changes one; governance only. A set that has expired stays known as such.
///
/// # Errors
/// [`Error::NotAuthorised`]; [`Error::InvalidParameter`] for no, too many or repeated signers, a threshold that is none
/// or more than they are, or a provider without signers; or a fault of the ledger.
pub fn set_signers<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: &SignerSetId,
    set: &SignerSet,
) -> Result<(), Stop> {
    governed(ledger, caller)?;
    let signs = [SourceKind::Pyth, SourceKind::RedStone, SourceKind::Chainlink];
    if !signs.contains(&id.provider) {
        let value = id.provider.number().into();
        return Err(Error::InvalidParameter { name: "provider", value }.into());
    }
    set.check()?;
    ledger.set_signer_set(id, set)?;
    let count = u8::try_from(set.signers.len()).unwrap_or(u8::MAX);
    let SignerSet { threshold, expires_at, .. } = *set;
    ledger.emit(Event::SignersChanged { id: *id, count, threshold, expires_at })
}

/// The set, if its signatures count now.
///
/// # Errors
/// [`Error::UnknownSigners`] if it is not known or has expired, or a fault of the ledger.
pub fn valid_set<L: Ledger + ?Sized>(ledger: &mut L, id: &SignerSetId) -> Result<SignerSet, Stop> {
    let (set, now) = (ledger.signer_set(id)?, ledger.now());
    if set.is_valid(now) { Ok(set) } else { Err(Error::UnknownSigners { id: *id }.into()) }
}
