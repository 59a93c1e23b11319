//! The market contract's groups, and the moves of kept terms.

use super::numbers::{asset_id, label, vault_id};
use super::shapes::{group_state, group_terms};
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::Address;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_core::groups::{self, Members};
use gage_core::market::{COLLATERALS_MAX, VAULTS_MAX};
use gage_core::terms::{Subject, schedule_move};
use gage_core::{AssetId, Error, GroupId, Ledger, MarketId, Timestamp, VaultId};

/// The members that a call names: no more than a market lists.
fn members(
    market: MarketId,
    collaterals: &[Address],
    vaults: &[Address],
) -> Answer<(Vec<AssetId>, Vec<VaultId>)> {
    for (named, most) in [(collaterals, COLLATERALS_MAX), (vaults, VAULTS_MAX)] {
        if named.len() > most {
            let most = u8::try_from(most).unwrap_or(u8::MAX);
            return Err(Error::TooManyListed { market, most }.into());
        }
    }
    let collaterals = collaterals.iter().map(|asset| asset_id(*asset)).collect::<Answer<_>>()?;
    let vaults = vaults.iter().map(|vault| vault_id(*vault)).collect::<Answer<_>>()?;
    Ok((collaterals, vaults))
}

/// What market owners decide of groups and moves, and who is in a group.
pub(super) fn act(frame: &mut Frame<'_>, call: Call) -> Answer {
    let cost = match call {
        Call::enterGroup(_) | Call::leaveGroup(_) => gas::OPERATION,
        _ => gas::SMALL,
    };
    let (ledger, caller) = frame.act(cost)?;
    match call {
        Call::scheduleCollateralMove(call) => {
            let IMarket::scheduleCollateralMoveCall { market, asset, start, end } = call;
            let subject = Subject::Collateral(asset_id(asset)?);
            let times = (Timestamp::new(start), Timestamp::new(end));
            schedule_move(ledger, caller, MarketId::new(market), subject, times)?;
        }
        Call::scheduleGroupMove(call) => {
            let IMarket::scheduleGroupMoveCall { market, group, start, end } = call;
            let subject = Subject::Group(GroupId::new(group));
            let times = (Timestamp::new(start), Timestamp::new(end));
            schedule_move(ledger, caller, MarketId::new(market), subject, times)?;
        }
        Call::createGroup(call) => {
            let market = MarketId::new(call.market);
            let (collaterals, vaults) = members(market, &call.collaterals, &call.vaults)?;
            let members = Members { collaterals: &collaterals, vaults: &vaults };
            let (name, terms) = (label(&call.name)?, group_terms(&call.terms));
            let group = groups::create_group(ledger, caller, market, (name, &terms), members)?;
            return Ok(IMarket::createGroupCall::abi_encode_returns(&group.get()));
        }
        Call::setGroupTerms(IMarket::setGroupTermsCall { market, group, terms }) => {
            let (market, group) = (MarketId::new(market), GroupId::new(group));
            groups::set_group_terms(ledger, caller, market, group, &group_terms(&terms))?;
        }
        Call::addGroupMembers(call) => {
            let (market, group) = (MarketId::new(call.market), GroupId::new(call.group));
            let (collaterals, vaults) = members(market, &call.collaterals, &call.vaults)?;
            let members = Members { collaterals: &collaterals, vaults: &vaults };
            groups::add_group_members(ledger, caller, market, group, members)?;
        }
        Call::enterGroup(IMarket::enterGroupCall { market, sub, group }) => {
            let account = (MarketId::new(market), sub);
            groups::enter_group(ledger, caller, account, GroupId::new(group))?;
        }
        Call::leaveGroup(IMarket::leaveGroupCall { market, sub }) => {
            groups::leave_group(ledger, caller, (MarketId::new(market), sub))?;
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}

/// What a group is.
pub(super) fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let ledger = frame.view()?;
    match call {
        Call::groupState(IMarket::groupStateCall { market, group }) => {
            let (market, group) = (MarketId::new(market), GroupId::new(group));
            let record = ledger.group(market, group)?;
            let kept = ledger.kept(market, Subject::Group(group))?;
            let state = group_state(&ledger.market(market)?, &record, &kept);
            Ok(IMarket::groupStateCall::abi_encode_returns(&state))
        }
        other => Err(misrouted(other.selector())),
    }
}
