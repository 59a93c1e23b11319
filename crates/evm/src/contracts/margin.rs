//! The market contract's portfolio margin.

use super::numbers::asset_id;
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_core::portfolio::{
    self, FactorTerms, ParameterSet, PortfolioTerms, Requirement, set_portfolio_margin,
};
use gage_core::{Bps, MarginTerms, MarketId, Sigma};

fn factor_terms(factor: &IMarket::MarginFactor) -> Answer<FactorTerms> {
    Ok(FactorTerms {
        asset: asset_id(factor.asset)?,
        sigma: Sigma::new(factor.sigma),
        cost: Bps::new(factor.cost),
        hedge: factor.hedge,
        hedge_threshold: Bps::new(factor.hedgeThreshold),
        correlations: factor.correlations.clone(),
    })
}

/// What a market's owner sets.
pub(super) fn act(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::MARGIN)?;
    match call {
        Call::setPortfolioMargin(call) => {
            let IMarket::setPortfolioMarginCall { market, terms, factors, rampSeconds } = call;
            let margin = MarginTerms {
                k_borrow: Bps::new(terms.kBorrow),
                k_liquidation: Bps::new(terms.kLiquidation),
                floor: Bps::new(terms.floor),
            };
            let factors = factors.iter().map(factor_terms).collect::<Answer<_>>()?;
            let terms = PortfolioTerms { margin, factors, ramp_seconds: rampSeconds };
            set_portfolio_margin(ledger, caller, MarketId::new(market), &terms)?;
            Ok(Vec::new())
        }
        other => Err(misrouted(other.selector())),
    }
}

fn factors(set: &ParameterSet) -> Vec<IMarket::MarginFactor> {
    set.factors().iter().map(|(asset, factor)| (*asset, factor).into()).collect()
}

/// What is in force.
pub(super) fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::marginState(IMarket::marginStateCall { market }) => {
            let (record, in_force) = portfolio::of_market(ledger, MarketId::new(market))?;
            let state = IMarket::MarginState {
                generation: record.generation,
                rampStart: record.ramp_start.get(),
                rampEnd: record.ramp_end.get(),
                terms: record.now.into(),
                factors: factors(in_force.newest()),
                termsBefore: in_force.replaced().terms().into(),
                factorsBefore: factors(in_force.replaced()),
            };
            IMarket::marginStateCall::abi_encode_returns(&state)
        }
        other => return Err(misrouted(other.selector())),
    })
}

/// A requirement in Solidity's form; all zero for none.
pub(super) fn requirement(of: Option<Requirement>) -> IMarket::Requirement {
    let Requirement { risk, cost, floor, linear, total } = of.unwrap_or_default();
    let [total, risk, cost, floor, linear] =
        [total, risk, cost, floor, linear].map(|part| U256::from(part.get()));
    IMarket::Requirement { total, risk, cost, floor, linear }
}
