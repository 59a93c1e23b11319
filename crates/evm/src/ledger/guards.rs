//! Stops and limits over storage slots.

use super::SlotLedger;
use crate::records::keys;
use crate::slots::Slots;
use gage_core::address::Native;
use gage_core::{Breaker, GuardLedger, Guarded, MarketId, Meter, Spell, Stop, VaultId};

/// Where the guardian's last stop of something lies: with the thing.
const fn contract_of(what: Guarded) -> Native {
    match what {
        Guarded::Market(_) => Native::Market,
        Guarded::Feed(_) => Native::Oracle,
    }
}

impl<S: Slots> GuardLedger for SlotLedger<S> {
    fn spell(&mut self, what: Guarded) -> Result<Spell, Stop> {
        Ok(self.record(contract_of(what), keys::spell(what), 1)?.unwrap_or_default())
    }

    fn set_spell(&mut self, what: Guarded, spell: Spell) -> Result<(), Stop> {
        self.set_record(contract_of(what), keys::spell(what), &spell)
    }

    fn meter(&mut self, market: MarketId, vault: VaultId) -> Result<Meter, Stop> {
        Ok(self.record(Native::Market, keys::meter(market, vault), 2)?.unwrap_or_default())
    }

    fn set_meter(&mut self, market: MarketId, vault: VaultId, meter: &Meter) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::meter(market, vault), meter)
    }

    fn breaker(&mut self, market: MarketId) -> Result<Breaker, Stop> {
        Ok(self.record(Native::Market, keys::breaker(market), 2)?.unwrap_or_default())
    }

    fn set_breaker(&mut self, market: MarketId, breaker: &Breaker) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::breaker(market), breaker)
    }
}
