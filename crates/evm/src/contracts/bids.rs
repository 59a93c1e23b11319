//! The market contract's bid queues, stop-loss orders, and the sweep.

use super::frame::{Records, attempt};
use super::numbers::{collateral_id, shares, shares_or_all, vault_id, wad, wide};
use super::shapes::health;
use super::{Answer, Frame, misrouted, refused, search};
use crate::gas;
use crate::prelude::sweep_accounts;
use crate::slots::Slots;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_abi::{IGageErrors, SYSTEM_ADDRESS};
use gage_core::address::{self, Native};
use gage_core::bids::{self, NOTICE_SECONDS, Tier, WINDOW_SECONDS};
use gage_core::exposure::sums_moved_at_most;
use gage_core::stop_loss::{StopLoss, set_stop_loss};
use gage_core::sweep::{self, SEARCHES_MAX, SweepPlan};
use gage_core::{
    AccountId, Accrued, BidId, Error, Ledger, MarketId, QueueId, Shares, Stop, Timestamp, VaultId,
    margin,
};

fn queue(market: u32, vault: Address, asset: Address) -> Answer<QueueId> {
    let market = MarketId::new(market);
    Ok(QueueId { market, vault: vault_id(vault)?, asset: collateral_id(asset)? })
}

fn tier(number: u8) -> Result<Tier, Error> {
    Tier::new(number)
}

/// What bidders do, and what borrowers order.
pub(super) fn act(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::OPERATION)?;
    match call {
        Call::placeBid(call) => {
            let IMarket::placeBidCall { market, vault, asset, tier: number, shares: amount } = call;
            let (queue, amount) = (queue(market, vault, asset)?, shares(amount)?);
            bids::place_bid(ledger, caller, queue, tier(number)?, amount)?;
            Ok(Vec::new())
        }
        Call::announceBidWithdrawal(call) => {
            let IMarket::announceBidWithdrawalCall { market, vault, asset, tier: number } = call;
            let queue = queue(market, vault, asset)?;
            let opens_at =
                bids::announce_bid_withdrawal(ledger, caller, queue, tier(number)?)?.get();
            Ok(IMarket::announceBidWithdrawalCall::abi_encode_returns(&opens_at))
        }
        Call::withdrawBid(call) => {
            let IMarket::withdrawBidCall { market, vault, asset, tier: number, .. } = call;
            let place = (queue(market, vault, asset)?, tier(number)?);
            let amount = shares_or_all(call.shares)?;
            let taken = bids::withdraw_bid(ledger, caller, place, amount, call.receiver)?;
            Ok(IMarket::withdrawBidCall::abi_encode_returns(&U256::from(taken.get())))
        }
        Call::claimBid(call) => {
            let IMarket::claimBidCall { market, vault, asset, tier: number, receiver } = call;
            let place = (queue(market, vault, asset)?, tier(number)?);
            let claimed = bids::claim_bid(ledger, caller, place, receiver)?;
            Ok(IMarket::claimBidCall::abi_encode_returns(&wide(claimed)))
        }
        Call::setStopLoss(call) => {
            let order = order((call.asset, call.vault), [call.trigger, call.target], call.tierMax)?;
            let place = (MarketId::new(call.market), call.sub);
            set_stop_loss(ledger, caller, place, Some(&order))?;
            Ok(Vec::new())
        }
        Call::clearStopLoss(IMarket::clearStopLossCall { market, sub }) => {
            set_stop_loss(ledger, caller, (MarketId::new(market), sub), None)?;
            Ok(Vec::new())
        }
        other => Err(misrouted(other.selector())),
    }
}

/// A stop-loss order: the collateral and the vault, the trigger and the target, the largest tier.
pub(super) fn order(
    (asset, vault): (Address, Address),
    [trigger, target]: [U256; 2],
    tier_max: u8,
) -> Answer<StopLoss> {
    Ok(StopLoss {
        asset: collateral_id(asset)?,
        vault: vault_id(vault)?,
        trigger: wad(trigger)?,
        target: wad(target)?,
        tier_max: tier(tier_max)?,
    })
}

/// What the queues hold, and what a sweep would do.
pub(super) fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::bidState(call) => {
            let IMarket::bidStateCall { market, vault, asset, tier: number, bidder } = call;
            let queue = queue(market, vault, asset)?;
            let id = BidId { queue, tier: tier(number)?, bidder };
            let bids::BidState { shares, bought, announced_at } = bids::bid(ledger, &id)?;
            let announced = announced_at > Timestamp::ZERO;
            let after = |seconds| if announced { announced_at.after(seconds).get() } else { 0 };
            let state = IMarket::BidState {
                shares: U256::from(shares.get()),
                worth: worth(ledger, queue.vault, shares)?,
                bought: wide(bought),
                announcedAt: announced_at.get(),
                opensAt: after(NOTICE_SECONDS),
                closesAt: after(NOTICE_SECONDS + WINDOW_SECONDS),
            };
            IMarket::bidStateCall::abi_encode_returns(&state)
        }
        Call::queueState(IMarket::queueStateCall { market, vault, asset }) => {
            let queue = queue(market, vault, asset)?;
            let mut tiers = Vec::new();
            for (tier, state) in bids::tiers(ledger, queue)? {
                tiers.push(IMarket::TierState {
                    tier: tier.get(),
                    discount: tier.discount().get(),
                    shares: U256::from(state.shares.get()),
                    worth: worth(ledger, queue.vault, state.shares)?,
                    bids: state.bids,
                    unclaimed: wide(state.unclaimed),
                });
            }
            IMarket::queueStateCall::abi_encode_returns(&tiers)
        }
        Call::stopLossOf(IMarket::stopLossOfCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let order = IMarket::StopLoss::from(ledger.stop_loss(&id)?);
            IMarket::stopLossOfCall::abi_encode_returns(&order)
        }
        Call::previewSweep(IMarket::previewSweepCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            search::charge_sales(ledger, &id, SEARCHES_MAX as u64)?;
            let plan = sweep::plan_sweep(ledger, &id)?;
            let plan = plan.as_ref().map_or_else(IMarket::SweepPlan::default, sweep_plan);
            IMarket::previewSweepCall::abi_encode_returns(&plan)
        }
        other => return Err(misrouted(other.selector())),
    })
}

/// What shares of a vault are worth in its asset, rounded down.
fn worth(ledger: &mut Records<'_>, vault: VaultId, shares: Shares) -> Answer<U256> {
    Ok(wide(Accrued::load(ledger, vault)?.pool().assets_to_pay(shares)?))
}

fn sweep_plan(plan: &SweepPlan) -> IMarket::SweepPlan {
    let fills = plan.fills.iter().map(|fill| IMarket::Fill {
        vault: address::vault(fill.queue.vault),
        asset: address::asset(fill.queue.asset),
        discount: fill.tier.discount().get(),
        shares: U256::from(fill.shares.get()),
        repaid: wide(fill.repaid),
        seized: wide(fill.seized),
    });
    IMarket::SweepPlan {
        due: true,
        reason: plan.reason as u8,
        fills: fills.collect(),
        healthBefore: health(plan.before.health_factor()),
        healthAfter: health(plan.totals_after().health_factor()),
        leavesBadDebt: plan.leaves_bad_debt(),
        stakesBlocked: plan.blocks.iter().copied().map(address::vault).collect(),
    }
}

/// Sweeps accounts in the given order while there is gas; then writes off what they leave unsecured.
/// One that cannot be swept leaves an event and nothing else.
pub(super) fn sweep(frame: &mut Frame<'_>, packed: &[u8]) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    if caller != SYSTEM_ADDRESS {
        return Err(refused(&IGageErrors::SystemOnly {}));
    }
    let accounts = sweep_accounts(packed).ok_or_else(|| refused(&IGageErrors::MalformedCall {}))?;
    let (mut swept, mut left, mut exhausted, mut kept) = (0_u32, 0, Vec::new(), 0_u64);
    for (place, id) in accounts.iter().enumerate() {
        let least = gas::SWEEP_RESERVE.saturating_add(kept);
        // What the account's sums would cost is read only where there is gas for that.
        let reading = ledger.slots().meter().left() >= least;
        let sums = if reading { sums_of(ledger, id)? } else { 0 };
        let search = if reading { gas::search(legs_of(ledger, id)?) } else { 0 };
        let more = sums
            .saturating_mul(gas::SWEEP_SUM_RESERVE + gas::WRITE_OFF_SUM_RESERVE)
            .saturating_add(search.saturating_mul(SEARCHES_MAX as u64));
        if !reading || ledger.slots().meter().left() < least.saturating_add(more) {
            left = u32::try_from(accounts.len() - place).unwrap_or(u32::MAX);
            break;
        }
        ledger.slots().meter().charge(gas::SWEEP.saturating_add(search))?;
        match attempt(ledger, |ledger| Ok(sweep::sweep(ledger, id)?))? {
            Ok(Some(plan)) => {
                swept += 1;
                let further = plan.fills.len().saturating_sub(1) as u64;
                ledger.slots().meter().charge(search.saturating_mul(further))?;
                if plan.leaves_bad_debt() {
                    exhausted.push(id);
                    let more = sums.saturating_mul(gas::WRITE_OFF_SUM_RESERVE);
                    kept = kept.saturating_add(gas::WRITE_OFF_RESERVE).saturating_add(more);
                }
            }
            Ok(None) => {}
            Err(reason) => skip(ledger, id, reason)?,
        }
    }
    for id in exhausted {
        if let Err(reason) = attempt(ledger, |ledger| Ok(sweep::write_off(ledger, id)?))? {
            skip(ledger, id, reason)?;
        }
    }
    let event = IMarket::SweepEnded { swept, left };
    ledger.slots().log(Native::Market, event.encode_log_data())?;
    Ok(Vec::new())
}

/// The legs of an account that is searched for its sales.
fn legs_of(ledger: &mut Records<'_>, id: &AccountId) -> Answer<u64> {
    match margin::legs_to_search(ledger, id.market, &[*id]) {
        // What refuses this will refuse the sweep, by name.
        Err(Stop::Refused(_)) => Ok(0),
        outcome => Ok(outcome?),
    }
}

/// The most sums of tracked debt that sweeping an account moves.
fn sums_of(ledger: &mut Records<'_>, id: &AccountId) -> Answer<u64> {
    match sums_moved_at_most(ledger, id) {
        // What refuses this will refuse the sweep, by name.
        Err(Stop::Refused(_)) => Ok(0),
        outcome => Ok(outcome?),
    }
}

fn skip(ledger: &mut Records<'_>, id: &AccountId, reason: Bytes) -> Answer<()> {
    let &AccountId { market, owner, sub } = id;
    let event = IMarket::SweepSkipped { market: market.get(), owner, sub, reason };
    Ok(ledger.slots().log(Native::Market, event.encode_log_data())?)
}
