//! The part of the ledger in which stops and limits are kept.

use crate::breaker::Breaker;
use crate::error::Stop;
use crate::guardian::{Guarded, Spell};
use crate::ids::{MarketId, VaultId};
use crate::meter::Meter;

/// Reads and writes what the guardian, meters and breakers remember.
pub trait GuardLedger {
    /// The guardian's last stop of something; the default if there never was one.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn spell(&mut self, what: Guarded) -> Result<Spell, Stop>;
    /// Writes the guardian's last stop of something.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_spell(&mut self, what: Guarded, spell: Spell) -> Result<(), Stop>;

    /// A line's draw meter; the default if it has none.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn meter(&mut self, market: MarketId, vault: VaultId) -> Result<Meter, Stop>;
    /// Writes a line's draw meter; the default is removed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_meter(&mut self, market: MarketId, vault: VaultId, meter: &Meter) -> Result<(), Stop>;

    /// A market's breaker; the default if it has none.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn breaker(&mut self, market: MarketId) -> Result<Breaker, Stop>;
    /// Writes a market's breaker; the default is removed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_breaker(&mut self, market: MarketId, breaker: &Breaker) -> Result<(), Stop>;
}
