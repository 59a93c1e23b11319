//! What stops a market, and what bounds its lines.

use super::numbers::{assets, pause_level, vault_id, wide};
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_core::{
    Assets, Bps, Breaker, BreakerTerms, GuardLedger, Guarded, Ledger, MarketId, MeterTerms,
    breaker, meter, pause,
    recognition::{self, Listed},
};

/// Pauses, breakers, meters, and whose markets are swept first.
pub(super) fn act(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    match call {
        Call::setPause(IMarket::setPauseCall { market, level }) => {
            pause::set_pause(ledger, caller, MarketId::new(market), pause_level(level)?)?;
        }
        Call::pauseFor(IMarket::pauseForCall { market, level, duration }) => {
            let level = pause_level(level)?;
            pause::pause_for(ledger, caller, MarketId::new(market), level, duration)?;
        }
        Call::setBreaker(IMarket::setBreakerCall { market, terms }) => {
            let IMarket::BreakerTerms { part, window, pause } = terms;
            let terms = BreakerTerms { part: Bps::new(part), window, pause };
            let terms = (terms != BreakerTerms::default()).then_some(terms);
            breaker::set_breaker(ledger, caller, MarketId::new(market), terms)?;
        }
        Call::setDrawMeter(IMarket::setDrawMeterCall { market, vault, limit, window }) => {
            let terms = MeterTerms { limit: assets(limit)?, window };
            let terms = (terms != MeterTerms::default()).then_some(terms);
            let line = (MarketId::new(market), vault_id(vault)?);
            meter::set_meter(ledger, caller, line, terms)?;
        }
        Call::recogniseMarket(IMarket::recogniseMarketCall { market, collaterals, vaults }) => {
            let seen = Listed { collaterals, vaults };
            recognition::recognise(ledger, caller, MarketId::new(market), seen)?;
        }
        Call::withdrawRecognition(IMarket::withdrawRecognitionCall { market }) => {
            recognition::withdraw(ledger, caller, MarketId::new(market))?;
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}

pub(super) fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::guardState(IMarket::guardStateCall { market }) => {
            let state = guard_state(ledger, MarketId::new(market))?;
            IMarket::guardStateCall::abi_encode_returns(&state)
        }
        Call::meterState(IMarket::meterStateCall { market, vault }) => {
            let (market, vault) = (MarketId::new(market), vault_id(vault)?);
            let line = ledger.line(market, vault)?;
            let (meter, now) = (ledger.meter(market, vault)?, ledger.now());
            let state = match line.metered {
                true => IMarket::MeterState {
                    limit: wide(meter.terms.limit),
                    window: meter.terms.window,
                    left: wide(meter.left(now)),
                    fullAt: meter.refills_at(Assets::MAX).get().max(now.get()),
                },
                false => IMarket::MeterState::default(),
            };
            IMarket::meterStateCall::abi_encode_returns(&state)
        }
        other => return Err(misrouted(other.selector())),
    })
}

fn guard_state<L: Ledger>(ledger: &mut L, id: MarketId) -> Answer<IMarket::GuardState> {
    let (market, now) = (ledger.market(id)?, ledger.now());
    let Breaker { terms, began, debt, liquidated } = ledger.breaker(id)?;
    Ok(IMarket::GuardState {
        now: market.pause.at(now).into(),
        own: market.pause.own.at(now).into(),
        guardian: market.pause.guardian.at(now).into(),
        guardianRestsUntil: ledger.spell(Guarded::Market(id))?.rested_at().get(),
        trippedUntil: market.pause.tripped_until.get(),
        breaker: terms.into(),
        windowBegan: began.get(),
        windowDebt: U256::from(debt.get()),
        windowLiquidated: U256::from(liquidated.get()),
    })
}
