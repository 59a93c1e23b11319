//! The market contract: every market and account.

use super::numbers::{assets, assets_or_all, collateral_id, vault_id, wide};
use super::shapes::{
    account_state, collateral_state, collateral_terms, health as health_factor, liquidation_plan,
    market_state, market_terms,
};
use super::{Answer, Frame, misrouted};
use super::{
    bids, delegation, exposure, first_loss, groups, guards, margin as portfolio, rehoming, search,
};
use crate::gas;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_core::borrowing::{self, Draw, Release};
use gage_core::explain::explain;
use gage_core::liquidation::{self, Aim, Liquidation, Payment};
use gage_core::listing::{self, LineTerms};
use gage_core::premium;
use gage_core::terms::Subject;
use gage_core::{AccountId, Accrued, FeedId, Ledger, MarketId, margin};

pub(super) fn call(frame: &mut Frame<'_>, call: Call) -> Answer {
    // A group's name is the only one that this contract keeps.
    if matches!(call, Call::groupState(_)) {
        return groups::read(frame, call);
    }
    let frame = frame.figures();
    match call {
        Call::supplyCollateral(_)
        | Call::withdrawCollateral(_)
        | Call::borrow(_)
        | Call::repay(_)
        | Call::refreshRiskPremium(_) => operate(frame, call),
        Call::liquidate(_) | Call::liquidateWithShares(_) => liquidate(frame, call),
        Call::placeBid(_)
        | Call::announceBidWithdrawal(_)
        | Call::withdrawBid(_)
        | Call::claimBid(_)
        | Call::setStopLoss(_)
        | Call::clearStopLoss(_) => bids::act(frame, call),
        Call::stake(_)
        | Call::announceUnstake(_)
        | Call::unstake(_)
        | Call::settleFirstLoss(_)
        | Call::setFirstLossPremium(_)
        | Call::markLossPending(_) => first_loss::act(frame, call),
        Call::scheduleCollateralMove(_)
        | Call::scheduleGroupMove(_)
        | Call::createGroup(_)
        | Call::setGroupTerms(_)
        | Call::addGroupMembers(_)
        | Call::enterGroup(_)
        | Call::leaveGroup(_) => groups::act(frame, call),
        Call::setPortfolioMargin(_) => portfolio::act(frame, call),
        Call::marginState(_) => portfolio::read(frame, call),
        Call::exposureState(_) | Call::ceilingState(_) | Call::backingOf(_) => {
            exposure::read(frame, call)
        }
        Call::setOperator(_)
        | Call::delegateCredit(_)
        | Call::voidSignatures(_)
        | Call::setStopLossFor(_)
        | Call::clearStopLossFor(_)
        | Call::borrowFor(_)
        | Call::withdrawCollateralFor(_)
        | Call::drawCredit(_) => delegation::act(frame, call),
        Call::setOperatorWithSig(_) | Call::delegateCreditWithSig(_) => {
            delegation::act_signed(frame, call)
        }
        Call::operatorState(_)
        | Call::creditAllowance(_)
        | Call::nonces(_)
        | Call::DOMAIN_SEPARATOR(_)
        | Call::eip712Domain(_) => delegation::read(frame, call),
        Call::rehome(call) => rehoming::rehome(frame, &call),
        Call::previewRehome(call) => rehoming::preview(frame, &call),
        Call::firstLossState(_) | Call::stakeOf(_) => first_loss::read(frame, call),
        Call::bidState(_) | Call::queueState(_) | Call::stopLossOf(_) | Call::previewSweep(_) => {
            bids::read(frame, call)
        }
        Call::sweep(IMarket::sweepCall { accounts }) => bids::sweep(frame, &accounts),
        other => govern(frame, other),
    }
}

/// What those do who answer for a market, and what everybody may ask about it.
fn govern(frame: &mut Frame<'_>, call: Call) -> Answer {
    match call {
        Call::setPause(_)
        | Call::pauseFor(_)
        | Call::setBreaker(_)
        | Call::setDrawMeter(_)
        | Call::recogniseMarket(_)
        | Call::withdrawRecognition(_) => guards::act(frame, call),
        Call::guardState(_) | Call::meterState(_) => guards::read(frame, call),
        Call::createMarket(_)
        | Call::setMarketTerms(_)
        | Call::setMarketOwner(_)
        | Call::addCollateral(_)
        | Call::setCollateral(_)
        | Call::listVault(_) => rule(frame, call),
        view => read(frame, view),
    }
}

/// What borrowers do.
fn operate(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::OPERATION)?;
    match call {
        Call::supplyCollateral(call) => {
            let IMarket::supplyCollateralCall { market, owner, sub, asset, amount } = call;
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let (asset, amount) = (collateral_id(asset)?, assets(amount)?);
            borrowing::supply_collateral(ledger, caller, &id, asset, amount)?;
            Ok(Vec::new())
        }
        Call::withdrawCollateral(call) => {
            let IMarket::withdrawCollateralCall { market, sub, asset, amount, receiver } = call;
            let (market, asset) = (MarketId::new(market), collateral_id(asset)?);
            let amount = assets_or_all(amount)?;
            let release = Release { market, sub, asset, amount, receiver };
            let released = borrowing::withdraw_collateral(ledger, caller, &release)?;
            Ok(IMarket::withdrawCollateralCall::abi_encode_returns(&wide(released)))
        }
        Call::borrow(IMarket::borrowCall { market, sub, vault, amount, receiver }) => {
            let (market, vault) = (MarketId::new(market), vault_id(vault)?);
            let amount = assets(amount)?;
            borrowing::borrow(ledger, caller, &Draw { market, sub, vault, amount, receiver })?;
            Ok(Vec::new())
        }
        Call::repay(IMarket::repayCall { market, owner, sub, vault, amount }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let (vault, amount) = (vault_id(vault)?, assets_or_all(amount)?);
            let repaid = borrowing::repay(ledger, caller, &id, vault, amount)?;
            Ok(IMarket::repayCall::abi_encode_returns(&wide(repaid)))
        }
        Call::refreshRiskPremium(IMarket::refreshRiskPremiumCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let premium = premium::refresh_risk_premium(ledger, &id)?.get();
            Ok(IMarket::refreshRiskPremiumCall::abi_encode_returns(&premium))
        }
        other => Err(misrouted(other.selector())),
    }
}

/// What liquidators do.
fn liquidate(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::LIQUIDATION)?;
    let (id, vault, asset, max_repay, receiver, payment) = match call {
        Call::liquidate(call) => {
            let IMarket::liquidateCall { market, owner, sub, vault, asset, maxRepay, receiver } =
                call;
            let id = AccountId { market: MarketId::new(market), owner, sub };
            (id, vault, asset, maxRepay, receiver, Payment::Assets)
        }
        Call::liquidateWithShares(call) => {
            let IMarket::liquidateWithSharesCall {
                market,
                owner,
                sub,
                vault,
                asset,
                maxRepay,
                receiver,
            } = call;
            let id = AccountId { market: MarketId::new(market), owner, sub };
            (id, vault, asset, maxRepay, receiver, Payment::Shares)
        }
        other => return Err(misrouted(other.selector())),
    };
    let (vault, asset) = (vault_id(vault)?, collateral_id(asset)?);
    let asked =
        Liquidation { vault, asset, max_repay: assets_or_all(max_repay)?, receiver, payment };
    search::charge_sales(ledger, &id, 1)?;
    let plan = liquidation::liquidate(ledger, caller, &id, &asked)?;
    // Both answer with what was repaid and seized.
    let (repaid, seized) = (wide(plan.repaid()), wide(plan.seized()));
    let done = IMarket::liquidateReturn { repaid, seized };
    Ok(IMarket::liquidateCall::abi_encode_returns(&done))
}

/// What market owners decide, and governance about a market.
fn rule(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    match call {
        Call::createMarket(IMarket::createMarketCall { terms }) => {
            let id = listing::create_market(ledger, caller, &market_terms(&terms)?)?;
            return Ok(IMarket::createMarketCall::abi_encode_returns(&id.get()));
        }
        Call::setMarketTerms(IMarket::setMarketTermsCall { market, terms }) => {
            let terms = market_terms(&terms)?;
            listing::set_market_terms(ledger, caller, MarketId::new(market), &terms)?;
        }
        Call::setMarketOwner(IMarket::setMarketOwnerCall { market, owner }) => {
            listing::set_market_owner(ledger, caller, MarketId::new(market), owner)?;
        }
        Call::addCollateral(IMarket::addCollateralCall { market, asset, terms }) => {
            let (market, asset) = (MarketId::new(market), collateral_id(asset)?);
            listing::add_collateral(ledger, caller, market, asset, &collateral_terms(&terms)?)?;
        }
        Call::setCollateral(IMarket::setCollateralCall { market, asset, terms }) => {
            let (market, asset) = (MarketId::new(market), collateral_id(asset)?);
            listing::set_collateral(ledger, caller, market, asset, &collateral_terms(&terms)?)?;
        }
        Call::listVault(IMarket::listVaultCall { market, vault, feed, minDebt }) => {
            let (market, vault) = (MarketId::new(market), vault_id(vault)?);
            let terms = LineTerms { feed: FeedId::new(feed), min_debt: assets(minDebt)? };
            listing::list_vault(ledger, caller, market, vault, &terms)?;
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}

fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::marketState(IMarket::marketStateCall { market }) => {
            let (market, now) = (ledger.market(MarketId::new(market))?, ledger.now());
            let state = market_state(&market, now);
            IMarket::marketStateCall::abi_encode_returns(&state)
        }
        Call::collateralState(IMarket::collateralStateCall { market, asset }) => {
            let (market, asset) = (MarketId::new(market), collateral_id(asset)?);
            let terms = ledger.collateral(market, asset)?;
            let kept = ledger.kept(market, Subject::Collateral(asset))?;
            let state = collateral_state(&terms, &kept);
            IMarket::collateralStateCall::abi_encode_returns(&state)
        }
        Call::lineState(IMarket::lineStateCall { market, vault }) => {
            let vault = vault_id(vault)?;
            let line = ledger.line(MarketId::new(market), vault)?;
            let drawn = Accrued::load(ledger, vault)?.debt_of(line.owed);
            let state = IMarket::LineState {
                feed: line.feed.get(),
                cap: wide(line.cap),
                drawn: wide(drawn),
                minDebt: wide(line.min_debt),
            };
            IMarket::lineStateCall::abi_encode_returns(&state)
        }
        Call::accountState(IMarket::accountStateCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            search::charge_explanation(ledger, id.market, &[id])?;
            let state = account_state(&explain(ledger, &id)?);
            IMarket::accountStateCall::abi_encode_returns(&state)
        }
        Call::healthFactor(IMarket::healthFactorCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let health = health_factor(margin::health(ledger, &id)?);
            IMarket::healthFactorCall::abi_encode_returns(&health)
        }
        Call::debtOf(IMarket::debtOfCall { market, owner, sub, vault }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let debt = borrowing::debt_of(ledger, &id, vault_id(vault)?)?;
            IMarket::debtOfCall::abi_encode_returns(&wide(debt))
        }
        Call::collateralOf(IMarket::collateralOfCall { market, owner, sub, asset }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let pledged = borrowing::collateral_of(ledger, &id, collateral_id(asset)?)?;
            IMarket::collateralOfCall::abi_encode_returns(&wide(pledged))
        }
        Call::previewLiquidation(call) => {
            let IMarket::previewLiquidationCall { market, owner, sub, vault, asset, maxRepay } =
                call;
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let (vault, asset) = (vault_id(vault)?, collateral_id(asset)?);
            let aim = Aim { vault, asset, max_repay: assets_or_all(maxRepay)? };
            search::charge_sales(ledger, &id, 1)?;
            let plan = liquidation_plan(&liquidation::preview_liquidation(ledger, &id, &aim)?);
            IMarket::previewLiquidationCall::abi_encode_returns(&plan)
        }
        other => return Err(misrouted(other.selector())),
    })
}
