//! The market contract's first-loss capital: stakes on lines.

use super::numbers::{shares, units_or_all, vault_id, wide};
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_core::first_loss::{self, Capital, Claim, NOTICE_SECONDS, WINDOW_SECONDS};
use gage_core::{AccountId, Bps, MarketId, StakeId, Timestamp, VaultId};

fn line(market: u32, vault: Address) -> Answer<(MarketId, VaultId)> {
    Ok((MarketId::new(market), vault_id(vault)?))
}

/// What stakers and curators do.
pub(super) fn act(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::OPERATION)?;
    match call {
        Call::stake(IMarket::stakeCall { market, vault, shares: amount }) => {
            let (line, amount) = (line(market, vault)?, shares(amount)?);
            let units = first_loss::stake(ledger, caller, line, amount)?;
            Ok(IMarket::stakeCall::abi_encode_returns(&U256::from(units.get())))
        }
        Call::announceUnstake(IMarket::announceUnstakeCall { market, vault }) => {
            let opens_at = first_loss::announce_unstake(ledger, caller, line(market, vault)?)?;
            Ok(IMarket::announceUnstakeCall::abi_encode_returns(&opens_at.get()))
        }
        Call::unstake(IMarket::unstakeCall { market, vault, units, receiver }) => {
            let (line, units) = (line(market, vault)?, units_or_all(units)?);
            let taken = first_loss::unstake(ledger, caller, line, units, receiver)?;
            Ok(IMarket::unstakeCall::abi_encode_returns(&U256::from(taken.get())))
        }
        Call::settleFirstLoss(IMarket::settleFirstLossCall { market, vault }) => {
            first_loss::settle(ledger, line(market, vault)?)?;
            Ok(Vec::new())
        }
        Call::setFirstLossPremium(call) => {
            let IMarket::setFirstLossPremiumCall { market, vault, premium } = call;
            let (line, premium) = (line(market, vault)?, Bps::new(premium));
            first_loss::set_first_loss_premium(ledger, caller, line, premium)?;
            Ok(Vec::new())
        }
        Call::markLossPending(IMarket::markLossPendingCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            first_loss::mark_loss_pending(ledger, &id)?;
            Ok(Vec::new())
        }
        other => Err(misrouted(other.selector())),
    }
}

/// What is staked.
pub(super) fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::firstLossState(IMarket::firstLossStateCall { market, vault }) => {
            let Capital { tranche, worth } = first_loss::capital_of(ledger, line(market, vault)?)?;
            let state = IMarket::FirstLossState {
                shares: U256::from(tranche.shares.get()),
                worth: wide(worth),
                units: U256::from(tranche.units.get()),
                owed: wide(tranche.owed),
                premium: tranche.premium.get(),
                epoch: tranche.epoch,
                pendingUntil: tranche.pending_until.get(),
            };
            IMarket::firstLossStateCall::abi_encode_returns(&state)
        }
        Call::stakeOf(IMarket::stakeOfCall { market, vault, staker }) => {
            let (market, vault) = line(market, vault)?;
            let claim = first_loss::claim_of(ledger, &StakeId { market, vault, staker })?;
            let Claim { units, shares, worth, announced_at } = claim;
            let announced = announced_at > Timestamp::ZERO;
            let after = |seconds| if announced { announced_at.after(seconds).get() } else { 0 };
            let state = IMarket::StakeState {
                units: U256::from(units.get()),
                shares: U256::from(shares.get()),
                worth: wide(worth),
                announcedAt: announced_at.get(),
                opensAt: after(NOTICE_SECONDS),
                closesAt: after(NOTICE_SECONDS + WINDOW_SECONDS),
            };
            IMarket::stakeOfCall::abi_encode_returns(&state)
        }
        other => return Err(misrouted(other.selector())),
    })
}
