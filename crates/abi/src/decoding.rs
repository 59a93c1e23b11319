//! Events of `core` read back from logs: those from which a block's liquidations, losses and consents
//! follow.

use crate::interfaces::{IMarket, IVault};
use alloy_primitives::{Address, Log, U256};
use alloy_sol_types::SolEvent;
use gage_core::address::{self, MARKET, Native};
use gage_core::bids::{TIER_STEP, Tier};
use gage_core::delegation::{Credit, CreditId, Operator, Permissions};
use gage_core::sweep::SweepReason;
use gage_core::{
    AccountId, AssetId, Assets, BidId, Bps, Event, MarketId, QueueId, Shares, Timestamp, VaultId,
    Wad,
};

/// The event that a log of a native contract tells, if it is of a liquidation, a sweep, bad debt, a loss,
/// a new bid, an operator or credit; `None` for every other, and for logs of other contracts.
#[must_use]
pub fn decode_event(log: &Log) -> Option<Event> {
    match Native::at(log.address)? {
        Native::Vault(vault) => lost(vault, log),
        Native::Market if log.address == MARKET => {
            liquidation(log).or_else(|| bid(log)).or_else(|| consent(log))
        }
        _ => None,
    }
}

fn read<E: SolEvent>(log: &Log) -> Option<E> {
    if log.topics().first() != Some(&E::SIGNATURE_HASH) {
        return None;
    }
    E::decode_log_data(&log.data).ok()
}

fn assets(amount: U256) -> Option<Assets> {
    u128::try_from(amount).ok().map(Assets::new)
}

fn shares(amount: U256) -> Option<Shares> {
    u128::try_from(amount).ok().map(Shares::new)
}

fn price(number: U256) -> Option<Wad> {
    u128::try_from(number).ok().map(Wad::new)
}

/// A health factor; the largest number of 256 bits without debt.
fn health(number: U256) -> Wad {
    price(number).unwrap_or(Wad::MAX)
}

fn vault(address: Address) -> Option<VaultId> {
    match Native::at(address)? {
        Native::Vault(id) => Some(id),
        _ => None,
    }
}

fn collateral(address: Address) -> Option<AssetId> {
    address::collateral_at(address)
}

const fn account(market: u32, owner: Address, sub: u32) -> AccountId {
    AccountId { market: MarketId::new(market), owner, sub }
}

fn queue(market: u32, lender: Address, asset: Address) -> Option<QueueId> {
    let (vault, asset) = (vault(lender)?, collateral(asset)?);
    Some(QueueId { market: MarketId::new(market), vault, asset })
}

fn lost(vault: VaultId, log: &Log) -> Option<Event> {
    let lost: IVault::LossRealised = read(log)?;
    Some(Event::LossRealised {
        vault,
        market: MarketId::new(lost.market),
        shortfall: assets(lost.shortfall)?,
        from_first_loss: assets(lost.fromFirstLoss)?,
        from_reserves: assets(lost.fromReserves)?,
        from_lenders: assets(lost.fromLenders)?,
    })
}

fn liquidation(log: &Log) -> Option<Event> {
    if let Some(event) = read::<IMarket::Liquidated>(log) {
        return Some(Event::Liquidated {
            account: account(event.market, event.owner, event.sub),
            liquidator: event.liquidator,
            vault: vault(event.vault)?,
            asset: collateral(event.asset)?,
            repaid: assets(event.repaid)?,
            seized: assets(event.seized)?,
            health_factor: health(event.healthFactor),
            bonus: Bps::new(event.bonus),
        });
    }
    if let Some(event) = read::<IMarket::Swept>(log) {
        let reasons = [SweepReason::Unhealthy, SweepReason::Insolvent, SweepReason::StopLoss];
        return Some(Event::Swept {
            account: account(event.market, event.owner, event.sub),
            reason: reasons.into_iter().find(|reason| *reason as u8 == event.reason)?,
            health_before: health(event.healthBefore),
            health_after: health(event.healthAfter),
            collateral_value: price(event.collateralValue)?,
            debt_value: price(event.debtValue)?,
        });
    }
    let event: IMarket::BadDebt = read(log)?;
    Some(Event::BadDebt {
        account: account(event.market, event.owner, event.sub),
        vault: vault(event.vault)?,
        amount: assets(event.amount)?,
    })
}

fn bid(log: &Log) -> Option<Event> {
    if let Some(event) = read::<IMarket::BidPlaced>(log) {
        let bid = BidId {
            queue: queue(event.market, event.vault, event.asset)?,
            tier: Tier::new(event.tier).ok()?,
            bidder: event.bidder,
        };
        return Some(Event::BidPlaced { bid, shares: shares(event.shares)? });
    }
    let event: IMarket::BidsFilled = read(log)?;
    Some(Event::BidsFilled {
        account: account(event.market, event.owner, event.sub),
        queue: queue(event.market, event.vault, event.asset)?,
        tier: Tier::new(u8::try_from(event.discount / TIER_STEP.get()).ok()?).ok()?,
        shares: shares(event.shares)?,
        repaid: assets(event.repaid)?,
        seized: assets(event.seized)?,
        price: price(event.price)?,
        debt_price: price(event.debtPrice)?,
    })
}

fn consent(log: &Log) -> Option<Event> {
    if let Some(event) = read::<IMarket::OperatorChanged>(log) {
        let terms = Operator {
            permissions: Permissions::new(event.permissions).ok()?,
            expires_at: Timestamp::new(event.expiresAt),
            receiver: event.receiver,
        };
        let account = account(event.market, event.owner, event.sub);
        return Some(Event::OperatorChanged { account, operator: event.operator, terms });
    }
    let named = |market, owner, sub, lender, delegatee| {
        let account = account(market, owner, sub);
        Some(CreditId { account, vault: vault(lender)?, delegatee })
    };
    if let Some(event) = read::<IMarket::CreditDelegated>(log) {
        let id = named(event.market, event.owner, event.sub, event.vault, event.delegatee)?;
        let expires_at = Timestamp::new(event.expiresAt);
        let (limit, receiver) = (assets(event.limit)?, event.receiver);
        return Some(Event::CreditDelegated { id, credit: Credit { limit, expires_at, receiver } });
    }
    let event: IMarket::CreditDrawn = read(log)?;
    let id = named(event.market, event.owner, event.sub, event.vault, event.delegatee)?;
    Some(Event::CreditDrawn { id, amount: assets(event.amount)?, left: assets(event.left)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_event;

    fn events() -> Vec<Event> {
        let [owner, other] = [Address::repeat_byte(1), Address::repeat_byte(2)];
        let account = account(3, owner, 4);
        let (vault, market) = (VaultId::new(5), MarketId::new(3));
        let share = AssetId::share_of(VaultId::new(6));
        let amounts = [7, u128::MAX, 0].map(Assets::new);
        let health = Wad::new(gage_core::WAD / 2);
        let queue = QueueId { market, vault, asset: share };
        let bid = BidId { queue, tier: Tier::new(60).unwrap(), bidder: other };
        let id = CreditId { account, vault, delegatee: other };
        let credit =
            Credit { limit: amounts[1], expires_at: Timestamp::new(9), receiver: Address::ZERO };
        let terms = Operator {
            permissions: Permissions::new(5).unwrap(),
            expires_at: Timestamp::new(8),
            receiver: owner,
        };
        let [from_first_loss, from_lenders, from_reserves] = amounts;
        let swept =
            [SweepReason::Unhealthy, SweepReason::Insolvent, SweepReason::StopLoss].map(|reason| {
                Event::Swept {
                    account,
                    reason,
                    health_before: health,
                    health_after: Wad::MAX,
                    collateral_value: health,
                    debt_value: Wad::ZERO,
                }
            });
        let mut events = swept.to_vec();
        events.extend([
            Event::Liquidated {
                account,
                liquidator: other,
                vault,
                asset: AssetId::new(2),
                repaid: amounts[0],
                seized: amounts[1],
                health_factor: health,
                bonus: Bps::new(450),
            },
            Event::BadDebt { account, vault, amount: amounts[1] },
            Event::LossRealised {
                vault,
                market,
                shortfall: amounts[1],
                from_first_loss,
                from_reserves,
                from_lenders,
            },
            Event::BidPlaced { bid, shares: Shares::new(11) },
            Event::BidsFilled {
                account,
                queue,
                tier: Tier::new(7).unwrap(),
                shares: Shares::new(1),
                repaid: amounts[0],
                seized: amounts[1],
                price: health,
                debt_price: Wad::new(1),
            },
            Event::OperatorChanged { account, operator: other, terms },
            Event::CreditDelegated { id, credit },
            Event::CreditDrawn { id, amount: amounts[0], left: amounts[2] },
        ]);
        events
    }

    #[test]
    fn events_read_back() {
        for event in events() {
            let (address, data) = encode_event(&event);
            let log = Log { address, data: data.clone() };
            assert_eq!(decode_event(&log), Some(event));
            // The same words from another contract tell nothing.
            let forged = Log { address: Address::repeat_byte(3), data };
            assert_eq!(decode_event(&forged), None);
        }
    }

    #[test]
    fn other_events_and_numbers_too_wide_tell_nothing() {
        let (address, data) = encode_event(&Event::BreakerRecovered { market: MarketId::new(1) });
        assert_eq!(decode_event(&Log { address, data }), None);
        let wide = IVault::LossRealised {
            market: 1,
            shortfall: U256::MAX,
            fromFirstLoss: U256::ZERO,
            fromReserves: U256::ZERO,
            fromLenders: U256::ZERO,
        };
        let log = Log { address: address::vault(VaultId::new(1)), data: wide.encode_log_data() };
        assert_eq!(decode_event(&log), None);
    }
}
