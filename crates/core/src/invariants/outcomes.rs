//! What must hold of liquidations and losses, by what was told of them.

use super::step::Span;
use super::{Report, wide};
use crate::event::Event;
use crate::fixed::{Bps, WAD};
use crate::ids::{AccountId, AssetId, MarketId, VaultId};
use crate::memory::MemoryLedger;
use crate::sweep::SweepReason;
use crate::vault::Vault;
use alloc::collections::BTreeMap;
use alloc::format;
use alloy_primitives::U256;

/// Whether an account was liquidated, swept or written off.
pub(super) fn is_judged(told: &[Event], id: &AccountId) -> bool {
    told.iter().any(|event| match event {
        Event::Liquidated { account, .. }
        | Event::Swept { account, .. }
        | Event::BidsFilled { account, .. }
        | Event::BadDebt { account, .. } => account == id,
        _ => false,
    })
}

/// BAD-2: each loss is borne to the unit, by the next in line only when the one before has nothing.
pub(super) fn losses(after: &MemoryLedger, told: &[Event], span: Span, findings: &mut Report) {
    for event in told {
        let Event::LossRealised {
            vault,
            market,
            shortfall,
            from_first_loss,
            from_reserves,
            from_lenders,
        } = event
        else {
            continue;
        };
        let parts = [from_first_loss, from_reserves, from_lenders];
        let sum = parts.iter().fold(U256::ZERO, |sum, part| sum.saturating_add(wide(part.get())));
        findings.check("BAD-2", sum == wide(shortfall.get()), || format!("{event:?}"));
        // Later operations of a block may stake again, or add to the reserves.
        if span == Span::Block {
            continue;
        }
        let staked = after.lines.get(&(*market, *vault)).is_some_and(|line| line.staked);
        let skipped = staked && !(from_reserves.is_zero() && from_lenders.is_zero());
        findings.check("BAD-2", !skipped, || format!("a stake is left after {event:?}"));
        let kept = after.vaults.get(vault).is_some_and(|vault| !vault.reserves.is_zero());
        let skipped = kept && !from_lenders.is_zero();
        findings.check("BAD-2", !skipped, || format!("reserves are left after {event:?}"));
    }
}

/// BAD-1, SHR-1: what a vault's lenders lost is what was told of it, and bad debt is passed on in full.
pub(super) fn lenders_losses(
    id: VaultId,
    (old, new): (&Vault, &Vault),
    told: &[Event],
    findings: &mut Report,
) {
    let (mut borne, mut short, mut bad) = (U256::ZERO, U256::ZERO, U256::ZERO);
    for event in told {
        match event {
            Event::LossRealised { vault, shortfall, from_lenders, .. } if *vault == id => {
                borne = borne.saturating_add(wide(from_lenders.get()));
                short = short.saturating_add(wide(shortfall.get()));
            }
            Event::BadDebt { vault, amount, .. } if *vault == id => {
                bad = bad.saturating_add(wide(amount.get()));
            }
            _ => {}
        }
    }
    findings.check("BAD-1", short == bad, || {
        format!("vault {id}: {bad} was written off, {short} passed on")
    });
    let grew = wide(new.losses.get()).checked_sub(wide(old.losses.get()));
    findings.check("BAD-1", grew == Some(borne), || {
        format!("vault {id}: lenders' losses {} -> {}, told {borne}", old.losses, new.losses)
    });
}

/// LIQ-1, LIQ-2, LIQ-3, BID-2: what liquidations say of themselves.
pub(super) fn liquidations(after: &MemoryLedger, told: &[Event], findings: &mut Report) {
    // A liquidation tells of each pair of debt and collateral; only together they are something for something, and have
    // the bonus that each tells of.
    let mut sold: BTreeMap<&AccountId, Sold> = BTreeMap::new();
    // What bids paid for an account, before the sweep tells what came of it.
    let mut paid: BTreeMap<&AccountId, U256> = BTreeMap::new();
    for event in told {
        match event {
            Event::Liquidated { account, asset, repaid, seized, health_factor, bonus, .. } => {
                findings.check("LIQ-1", health_factor.get() < WAD, || format!("{event:?}"));
                let sold = sold.entry(account).or_default();
                sold.is_paid |= !repaid.is_zero();
                sold.is_taken |= !seized.is_zero();
                sold.bonus = sold.bonus.max(*bonus);
                sold.bonus_max = sold.bonus_max.max(bonus_max(after, account.market, *asset));
            }
            Event::Swept {
                account,
                reason,
                health_before,
                health_after,
                collateral_value,
                debt_value,
            } => {
                let due = *reason == SweepReason::StopLoss || health_before.get() < WAD;
                findings.check("LIQ-1", due, || format!("{event:?}"));
                let closed = debt_value.is_zero() || collateral_value.is_zero();
                // The last units of a bid buy less than a health factor's 18 digits show.
                let unseen = paid.remove(account).is_some_and(|value| {
                    value.saturating_mul(wide(HEALTH_SHOWS)) <= wide(debt_value.get())
                });
                let better =
                    health_after > health_before || unseen && health_after == health_before;
                findings.check("LIQ-2", closed || better, || format!("{event:?}"));
            }
            Event::BidsFilled { account, .. } => {
                let value = repaid_value(after, event).unwrap_or(U256::MAX);
                let sum = paid.entry(account).or_default();
                *sum = sum.saturating_add(value);
                let floored = is_at_floor(after, event);
                findings.check("BID-2", floored != Some(false), || format!("{event:?}"));
            }
            _ => {}
        }
    }
    for (id, Sold { is_paid, is_taken, bonus, bonus_max }) in sold {
        findings.check("LIQ-3", bonus <= bonus_max, || {
            format!("{id:?}: bonus {bonus}, at most {bonus_max}")
        });
        findings.check("LIQ-3", is_paid || !is_taken, || format!("{id:?} was seized for nothing"));
    }
}

/// A repayment of less than this part of a debt may leave its health factor, 18 digits long, as it was.
const HEALTH_SHOWS: u128 = 10_u128.pow(16);

/// What all pairs of one account's liquidation tell.
#[derive(Default)]
struct Sold {
    is_paid: bool,
    is_taken: bool,
    /// The largest that is told.
    bonus: Bps,
    /// The largest that the collaterals allow.
    bonus_max: Bps,
}

/// The largest bonus that a collateral's terms have, alone or in a group. What accounts keep of earlier
/// terms is no larger.
fn bonus_max(ledger: &MemoryLedger, market: MarketId, asset: AssetId) -> Bps {
    let own = ledger.collaterals.get(&(market, asset)).map(|listing| listing.bonus_max);
    let groups = ledger.groups.iter().filter(|((of, _), _)| *of == market);
    own.into_iter()
        .chain(groups.map(|(_, group)| group.binding.bonus_max))
        .max()
        .unwrap_or_default()
}

/// What bids repaid, a wad of dollars, rounded down. `None` if a record is missing.
fn repaid_value(ledger: &MemoryLedger, event: &Event) -> Option<U256> {
    let Event::BidsFilled { queue, repaid, debt_price, .. } = event else { return None };
    let lent = unit(ledger.lines.get(&(queue.market, queue.vault))?.decimals)?;
    wide(repaid.get()).checked_mul(wide(debt_price.get()))?.checked_div(lent)
}

/// Whether bids paid their tier's price: what they seized is worth at most what they repaid and the tier's
/// bonus, at the prices of the sale. `None` if a record is missing.
fn is_at_floor(ledger: &MemoryLedger, event: &Event) -> Option<bool> {
    let Event::BidsFilled { queue, tier, repaid, seized, price, debt_price, .. } = event else {
        return None;
    };
    let sold = unit(ledger.collaterals.get(&(queue.market, queue.asset))?.decimals)?;
    let lent = unit(ledger.lines.get(&(queue.market, queue.vault))?.decimals)?;
    let off = 10_000_u32.saturating_sub(tier.discount().get().into());
    let got = wide(seized.get()).checked_mul(wide(price.get()))?.checked_mul(lent)?;
    let paid = wide(repaid.get()).checked_mul(wide(debt_price.get()))?.checked_mul(sold)?;
    Some(got.checked_mul(U256::from(off))? <= paid.checked_mul(wide(10_000))?)
}

/// One whole token.
fn unit(decimals: u8) -> Option<U256> {
    wide(10).checked_pow(U256::from(decimals))
}
