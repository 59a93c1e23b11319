//! Stops and limits in memory.

use super::{MemoryLedger, put};
use crate::breaker::Breaker;
use crate::error::Stop;
use crate::guardian::{Guarded, Spell};
use crate::ids::{MarketId, VaultId};
use crate::ledger::GuardLedger;
use crate::meter::Meter;

impl GuardLedger for MemoryLedger {
    fn spell(&mut self, what: Guarded) -> Result<Spell, Stop> {
        Ok(self.spells.get(&what).copied().unwrap_or_default())
    }

    fn set_spell(&mut self, what: Guarded, spell: Spell) -> Result<(), Stop> {
        put(&mut self.spells, what, spell);
        Ok(())
    }

    fn meter(&mut self, market: MarketId, vault: VaultId) -> Result<Meter, Stop> {
        Ok(self.meters.get(&(market, vault)).copied().unwrap_or_default())
    }

    fn set_meter(&mut self, market: MarketId, vault: VaultId, meter: &Meter) -> Result<(), Stop> {
        put(&mut self.meters, (market, vault), *meter);
        Ok(())
    }

    fn breaker(&mut self, market: MarketId) -> Result<Breaker, Stop> {
        Ok(self.breakers.get(&market).copied().unwrap_or_default())
    }

    fn set_breaker(&mut self, market: MarketId, breaker: &Breaker) -> Result<(), Stop> {
        put(&mut self.breakers, market, *breaker);
        Ok(())
    }
}
