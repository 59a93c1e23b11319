//! Events of pauses, meters and breakers, and their terms, in their Solidity form.

use crate::events::wide;
use crate::interfaces::IMarket;
use alloy_primitives::{LogData, U256};
use alloy_sol_types::SolEvent;
use gage_core::{BreakerTerms, Event, MeterTerms, Pause, Wad, address};

impl From<Pause> for IMarket::Pause {
    fn from(Pause { level, until }: Pause) -> Self {
        Self { level: level as u8, until: until.get() }
    }
}

impl From<BreakerTerms> for IMarket::BreakerTerms {
    fn from(BreakerTerms { part, window, pause }: BreakerTerms) -> Self {
        Self { part: part.get(), window, pause }
    }
}

fn value(number: Wad) -> U256 {
    U256::from(number.get())
}

/// The topics and data of an event of the market contract about a guard; empty of another.
pub(crate) fn log(event: &Event) -> LogData {
    match *event {
        Event::MarketPauseChanged { market, level, until, actor } => {
            let (market, level, until) = (market.get(), level as u8, until.get());
            IMarket::MarketPauseChanged { market, level, until, actor }.encode_log_data()
        }
        Event::BreakerChanged { market, terms } => {
            let terms = terms.unwrap_or_default().into();
            IMarket::BreakerChanged { market: market.get(), terms }.encode_log_data()
        }
        Event::BreakerTripped { market, liquidated, debt, until } => IMarket::BreakerTripped {
            market: market.get(),
            liquidated: value(liquidated),
            debt: value(debt),
            until: until.get(),
        }
        .encode_log_data(),
        Event::BreakerRecovered { market } => {
            IMarket::BreakerRecovered { market: market.get() }.encode_log_data()
        }
        Event::DrawMeterChanged { market, vault, terms } => {
            let MeterTerms { limit, window } = terms.unwrap_or_default();
            let (market, vault, limit) = (market.get(), address::vault(vault), wide(limit));
            IMarket::DrawMeterChanged { market, vault, limit, window }.encode_log_data()
        }
        Event::DrawMeterLow { market, vault, left, full_at } => {
            let (market, vault) = (market.get(), address::vault(vault));
            let (left, full_at) = (wide(left), full_at.get());
            IMarket::DrawMeterLow { market, vault, left, fullAt: full_at }.encode_log_data()
        }
        _ => LogData::default(),
    }
}
