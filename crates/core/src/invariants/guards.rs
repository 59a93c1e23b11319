//! Stops that end, and limits that stand.

use super::{Report, wide};
use crate::feed;
use crate::feed::freeze::FREEZE_MAX;
use crate::fixed::Timestamp;
use crate::guardian::{Guarded, Spell};
use crate::market::{GRACE_SECONDS, PauseLevel};
use crate::memory::MemoryLedger;
use crate::pause::{PAUSE_MAX, Pauses};
use alloc::format;

/// GOV-4: what nobody renews ends, and liquidation waits after it.
pub(super) fn stops(ledger: &MemoryLedger, findings: &mut Report) {
    let now = ledger.now;
    let spell = |what: Guarded| ledger.spells.get(&what).copied().unwrap_or_default();
    for (id, market) in &ledger.markets {
        let Pauses { own, guardian, tripped_until } = market.pause;
        let Spell { began, ends } = spell(Guarded::Market(*id));
        let bounded = guardian.level == PauseLevel::Open && guardian.until == Timestamp::ZERO
            || guardian.level > PauseLevel::Open
                && guardian.until > Timestamp::ZERO
                && guardian.until <= began.after(PAUSE_MAX.into());
        findings.check("GOV-4", bounded && tripped_until <= now.after(PAUSE_MAX.into()), || {
            format!("market {id} is stopped for too long: {:?}, since {began}", market.pause)
        });
        let noted = now >= guardian.until || guardian.until <= ends;
        findings.check("GOV-4", noted && began <= now && began <= ends, || {
            format!("market {id}'s guardian rests after {began} to {ends}: {guardian:?}")
        });
        let open = own.level > PauseLevel::Open || own.until == Timestamp::ZERO;
        findings.check("GOV-4", open, || format!("market {id} is open until {}", own.until));
        let pause = market.pause.at(now);
        let ends = pause.until > Timestamp::ZERO && pause.level == PauseLevel::Frozen;
        let waits = market.liquidation_resumes_at >= pause.until.after(GRACE_SECONDS);
        findings.check("GOV-4", waits || !ends, || {
            format!("market {id} has no grace period after {}", pause.until)
        });
    }
    for (id, record) in &ledger.feeds {
        let until = record.frozen_until;
        findings.check("GOV-4", until <= now.after(FREEZE_MAX.into()), || {
            format!("feed {id} is frozen until {until}")
        });
        let waits = record.liquidation_resumes_at >= until.after(feed::GRACE_SECONDS);
        findings.check("GOV-4", waits || until <= now, || {
            format!("feed {id} has no grace period after {until}")
        });
        let Spell { began, ends } = spell(Guarded::Feed(*id));
        findings.check("GOV-4", began <= now && began <= ends, || {
            format!("feed {id}'s guardian rests after {began} to {ends}")
        });
    }
}

/// CFG-1: what says that it is limited is, and counts from the past.
pub(super) fn limits(ledger: &MemoryLedger, findings: &mut Report) {
    for (id, line) in &ledger.lines {
        let meter = ledger.meters.get(id);
        findings.check("CFG-1", line.metered == meter.is_some(), || {
            format!("line {id:?} metered: {}, {meter:?}", line.metered)
        });
        let Some(meter) = meter else { continue };
        let fits = meter.drawn_at <= ledger.now && meter.terms.window > 0;
        findings.check("CFG-1", fits, || format!("line {id:?} counts {meter:?}"));
    }
    findings.check("CFG-1", ledger.meters.keys().all(|id| ledger.lines.contains_key(id)), || {
        format!("meters of no lines: {:?}", ledger.meters)
    });
    for (id, market) in &ledger.markets {
        let breaker = ledger.breakers.get(id);
        findings.check("GOV-4", market.breaker == breaker.is_some(), || {
            format!("market {id} has a breaker: {}, {breaker:?}", market.breaker)
        });
        let Some(breaker) = breaker else { continue };
        // It has tripped, if so much was liquidated.
        let limit = wide(breaker.debt.get()).saturating_mul(wide(breaker.terms.part.get().into()));
        let counted = wide(breaker.liquidated.get()).saturating_mul(wide(crate::fixed::BPS));
        let one = wide(crate::fixed::BPS);
        let counts = breaker.began == Timestamp::ZERO || counted < limit.saturating_add(one);
        findings.check("GOV-4", breaker.began <= ledger.now && counts, || {
            format!("market {id}'s breaker has not tripped: {breaker:?}")
        });
    }
}
