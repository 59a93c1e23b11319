//! What must hold from one state to the next.

use super::{Report, claims, debt, exits, outcomes, wide};
use crate::account::Account;
use crate::event::Event;
use crate::fixed::{RAY, YEAR_SECONDS};
use crate::growth::GrowthCap;
use crate::ids::{FeedId, MarketId, VaultId};
use crate::interest::{INDEX_MAX, RATE_BPS_PER_YEAR_MAX};
use crate::margin::{Position, Prices};
use crate::market::{Line, Market};
use crate::memory::MemoryLedger;
use crate::vault::Vault;
use alloc::format;
use alloc::vec::Vec;
use alloy_primitives::U256;

/// How far apart two states are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// One operation lies between them.
    Operation,
    /// A block of them.
    Block,
}

pub(super) fn check(
    before: &MemoryLedger,
    (after, told): (&MemoryLedger, &[Event]),
    span: Span,
    findings: &mut Report,
) {
    for (id, old) in &before.vaults {
        let Some(new) = after.vaults.get(id) else {
            findings.check("SOL-3", false, || format!("vault {id} is gone"));
            continue;
        };
        interest(*id, (old, new), findings);
        price(*id, (old, new), span, findings);
        if span == Span::Operation {
            cash(*id, (old, new), told, findings);
        }
        outcomes::lenders_losses(*id, (old, new), told, findings);
    }
    exits::step(before, after, findings);
    for (id, cap) in &after.growth_caps {
        growth(before, (*id, cap), after, findings);
    }
    outcomes::losses(after, told, span, findings);
    outcomes::liquidations(after, told, findings);
    consents(before, after, told, findings);
    caps(before, after, span, findings);
    limits(before, (after, told), span, findings);
}

/// INT-1, INT-3: indexes and their times only rise, and no faster than the largest rate compounds.
fn interest(id: VaultId, (old, new): (&Vault, &Vault), findings: &mut Report) {
    let forward = new.index >= old.index && new.updated_at >= old.updated_at;
    findings.check("INT-1", forward, || format!("vault {id}: index or time fell"));
    let seconds = new.updated_at.since(old.updated_at);
    let most = grown_at_most(wide(old.index.get()), seconds);
    findings.check("INT-3", wide(new.index.get()) <= most, || {
        format!("vault {id}: index {} -> {} in {seconds} s", old.index, new.index)
    });
}

/// An index after so many seconds at the largest rate, from above: `e^x` is `(e^(x/2^k))^(2^k)`, and
/// `e^y < 1 + y + y^2` below 1. Each second may round up once.
fn grown_at_most(index: U256, seconds: u64) -> U256 {
    const HALVINGS: usize = 10;
    let largest = wide(INDEX_MAX.get());
    let rate = wide(u128::from(RATE_BPS_PER_YEAR_MAX).saturating_mul(RAY / 10_000));
    let year = wide(YEAR_SECONDS);
    let exponent = rate.div_ceil(year).saturating_mul(U256::from(seconds));
    // Beyond e^14 every index has ended.
    if exponent > wide(RAY).saturating_mul(wide(14)) {
        return largest;
    }
    let times = |a: U256, b: U256| a.saturating_mul(b).div_ceil(wide(RAY));
    let part = exponent.div_ceil(U256::from(1_u64 << HALVINGS));
    let mut factor = wide(RAY).saturating_add(part).saturating_add(times(part, part));
    for _ in 0..HALVINGS {
        factor = times(factor, factor);
    }
    let rounding = times(U256::from(seconds), factor);
    times(index, factor).saturating_add(rounding).min(largest)
}

/// SHR-1: the share price as a cross product; what lenders lost in an operation is added back. Over a
/// block with a loss nothing is said: how many shares bore it is not known.
fn price(id: VaultId, (old, new): (&Vault, &Vault), span: Span, findings: &mut Report) {
    let lost = wide(new.losses.get()).saturating_sub(wide(old.losses.get()));
    if span == Span::Block && !lost.is_zero() {
        return;
    }
    let (Some(owned_old), Some(owned_new)) = (claims(old), claims(new)) else { return };
    let price = |owned: U256| owned.saturating_add(wide(1));
    let shares = |vault: &Vault| wide(vault.shares.get()).saturating_add(wide(1_000_000));
    let left = price(owned_new).saturating_add(lost).checked_mul(shares(old));
    let right = price(owned_old).checked_mul(shares(new));
    findings.check("SHR-1", left >= right, || {
        format!(
            "vault {id}: assets {owned_old} -> {owned_new}, shares {} -> {}, lost {lost}",
            old.shares, new.shares
        )
    });
}

/// SHR-6: cash leaves for shares that are burned, for more debt, or as reserves; it comes for new shares or
/// less debt, or is what rounding leaves with the vault when a debt moves.
fn cash(id: VaultId, (old, new): (&Vault, &Vault), told: &[Event], findings: &mut Report) {
    if new.cash == old.cash {
        return;
    }
    // Both debts at the present index: interest is no draw.
    let (was, is) = (debt(&Vault { index: new.index, ..*old }), debt(new));
    let holds = if new.cash < old.cash {
        let collected =
            |event: &Event| matches!(event, Event::ReservesCollected { vault, .. } if *vault == id);
        new.shares < old.shares || is > was || told.iter().any(collected)
    } else {
        new.shares > old.shares
            || new.owed != old.owed
            || new.cash.get() <= old.cash.get().saturating_add(1)
    };
    findings.check("SHR-6", holds, || format!("vault {id}: {old:?} -> {new:?}"));
}

/// AUT-1: nonces only rise, and credit changes by what was told of it.
fn consents(before: &MemoryLedger, after: &MemoryLedger, told: &[Event], findings: &mut Report) {
    for (owner, nonce) in &before.authorisation_nonces {
        let now = after.authorisation_nonces.get(owner);
        findings.check("AUT-1", now >= Some(nonce), || format!("the nonce of {owner} fell"));
    }
    let ids = before.credits.keys().chain(after.credits.keys());
    for id in ids {
        let limit =
            |ledger: &MemoryLedger| ledger.credits.get(id).copied().unwrap_or_default().limit;
        let mut expected = limit(before);
        for event in told {
            match event {
                Event::CreditDelegated { id: of, credit } if of == id => expected = credit.limit,
                Event::CreditDrawn { id: of, amount, .. } if of == id => {
                    expected = expected.saturating_sub(*amount);
                }
                _ => {}
            }
        }
        let now = limit(after);
        findings.check("AUT-1", now == expected, || format!("{id:?}: {now}, not {expected}"));
    }
}

/// SOL-5, CFG-1: whatever grew is within its cap, unless the cap itself changed.
fn caps(before: &MemoryLedger, after: &MemoryLedger, span: Span, findings: &mut Report) {
    for (key, new) in &after.lines {
        let Some(vault) = after.vaults.get(&key.1) else { continue };
        // What the line owes now, at the present index; interest is no draw.
        let owed = |line: &Line| {
            let product = wide(line.owed.shares.get()).saturating_mul(wide(vault.index.get()));
            let worth = product.checked_div(wide(RAY)).unwrap_or_default();
            worth.saturating_sub(wide(line.owed.offset.get()))
        };
        let owed_before = before.lines.get(key).map_or(U256::ZERO, owed);
        let owed = owed(new);
        if owed <= owed_before.saturating_add(rounding(vault, span)) {
            continue;
        }
        let line_ruled = before.lines.get(key).is_some_and(|old| old.cap != new.cap);
        let vault_ruled =
            before.vaults.get(&key.1).is_some_and(|old| old.borrow_cap != vault.borrow_cap);
        findings.check("SOL-5", line_ruled || owed <= wide(new.cap.get()), || {
            format!("line {key:?}: {owed}")
        });
        let all = debt(vault);
        findings.check("CFG-1", vault_ruled || all <= wide(vault.borrow_cap.get()), || {
            format!("{key:?}: {all}")
        });
    }
    for (key, new) in &after.collaterals {
        let Some(old) = before.collaterals.get(key) else { continue };
        let holds = new.total <= old.total || old.cap != new.cap || new.total <= new.cap;
        findings.check("CFG-1", holds, || format!("{key:?}: {new:?}"));
    }
}

/// A debt that is written anew at another premium is rounded up by a share at most, and its part of a
/// line's sum twice by a unit. A block may hold a thousand such.
fn rounding(vault: &Vault, span: Span) -> U256 {
    let once = wide(vault.index.get().div_ceil(RAY).saturating_add(2));
    match span {
        Span::Operation => once,
        Span::Block => once.saturating_mul(wide(1_000)),
    }
}

/// HLT-1: whoever owes more than before, or gave up collateral without repaying, and was not liquidated
/// meanwhile, is within the borrow limit at fresh prices. Over a block that is said only where the terms
/// stayed as they were and no vault lost anything.
fn limits(
    before: &MemoryLedger,
    (after, told): (&MemoryLedger, &[Event]),
    span: Span,
    findings: &mut Report,
) {
    let lost = told.iter().any(|event| matches!(event, Event::LossRealised { .. }));
    if span == Span::Block && lost {
        return;
    }
    let mut ledger: Option<MemoryLedger> = None;
    for (id, new) in &after.accounts {
        let Some(market) = after.markets.get(&id.market) else { continue };
        let old = before.accounts.get(id);
        let same = old == Some(new) || !new.has_debt();
        let old = old.cloned().unwrap_or_default();
        let judged = outcomes::is_judged(told, id);
        if same || judged || !took_risk(after, market, (&old, new), span) {
            continue;
        }
        if span == Span::Block && !terms_stayed(before, after, id.market) {
            continue;
        }
        let ledger = ledger.get_or_insert_with(|| after.clone());
        // Without a fresh price nobody may take risk; whether one was fresh within the block is not known.
        let Ok(position) = Position::load(ledger, (id.market, market), new, Prices::Fresh) else {
            findings.check("HLT-1", span == Span::Block, || format!("{id:?} drew without a price"));
            continue;
        };
        let within = position.totals().check_limit();
        findings.check("HLT-1", within.is_ok(), || format!("{id:?}: {within:?}, {old:?} {new:?}"));
    }
}

/// Whether an account drew, or gave up collateral without repaying.
fn took_risk(
    after: &MemoryLedger,
    market: &Market,
    (old, new): (&Account, &Account),
    span: Span,
) -> bool {
    let (mut rose, mut fell) = (false, false);
    for (index, id) in (0_u8..).zip(&market.vaults) {
        let Some(vault) = after.vaults.get(id) else { continue };
        let amount = |account: &Account| debt(&Vault { owed: account.debt(index), ..*vault });
        let (was, is) = (amount(old), amount(new));
        let slack = rounding(vault, span);
        rose |= is > was.saturating_add(slack);
        fell |= is.saturating_add(slack) < was;
    }
    let released =
        old.collaterals.iter().any(|pledge| new.collateral(pledge.index) < pledge.amount);
    rose || (released && !fell)
}

/// Whether what a market asks of accounts, and the feeds that it asks, are as they were.
fn terms_stayed(before: &MemoryLedger, after: &MemoryLedger, market: MarketId) -> bool {
    let versions = |ledger: &MemoryLedger| {
        let record = ledger.markets.get(&market)?;
        Some((record.terms_version, record.margin, record.groups))
    };
    let listings = |ledger: &MemoryLedger| {
        let own = ledger.collaterals.iter().filter(|((of, _), _)| *of == market);
        let terms =
            own.map(|(key, listing)| (*key, (listing.feed, listing.ltv, listing.threshold)));
        terms.collect::<Vec<_>>()
    };
    versions(before) == versions(after)
        && listings(before) == listings(after)
        && before.groups == after.groups
        && before.portfolios == after.portfolios
        && before.feed_terms == after.feed_terms
}

/// ORC-3, C-16: a rate exceeds the limit before the step only if nothing was known before, and the
/// limit after it lies at or above both rates that were accepted.
fn growth(
    before: &MemoryLedger,
    (id, cap): (FeedId, &GrowthCap),
    after: &MemoryLedger,
    findings: &mut Report,
) {
    let (Some(old), Some(new)) = (before.feeds.get(&id), after.feeds.get(&id)) else { return };
    let limit = |cap: &GrowthCap| {
        let elapsed = wide(after.now.since(cap.since).into());
        let factor = wide(RAY).saturating_add(wide(cap.growth.get()).saturating_mul(elapsed));
        wide(cap.anchor.get()).saturating_mul(factor).checked_div(wide(RAY)).unwrap_or_default()
    };
    for feed in [old, new].into_iter().filter(|feed| !feed.pinned) {
        findings.check("ORC-3", limit(cap) >= wide(feed.price.get()), || {
            format!("feed {id}: the limit of {cap:?} lies below the accepted {}", feed.price)
        });
    }
    let Some(cap) = before.growth_caps.get(&id).filter(|cap| !cap.anchor.is_zero()) else { return };
    let most = limit(cap);
    findings.check("ORC-3", new.pinned || wide(new.price.get()) <= most, || {
        format!("feed {id}: {} above the limit {most}", new.price)
    });
}
