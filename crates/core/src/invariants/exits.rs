//! What must hold of exit queues.

use super::{Report, claims, wide};
use crate::address;
use crate::exits::{Checkpoint, ExitQueue, Place};
use crate::ids::{PlaceId, Token, VaultId};
use crate::memory::MemoryLedger;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

/// SOL-1, SOL-2, HLT-6: what waits and what is set aside is in escrow, places tile the queue in their
/// order, and cash does not lie beside it.
pub(super) fn state(ledger: &MemoryLedger, findings: &mut Report) {
    for (id, vault) in &ledger.vaults {
        let queue = ledger.exit_queues.get(id).copied().unwrap_or_default();
        let waiting = wide(queue.queued.get()).saturating_sub(wide(queue.filled.get()));
        findings.check("HLT-6", queue.filled <= queue.queued, || format!("vault {id}: {queue:?}"));
        findings.check("HLT-6", vault.exits_waiting != waiting.is_zero(), || {
            format!("vault {id}: {waiting} wait, marked {}", vault.exits_waiting)
        });
        // One share is worth (assets + 1) / (shares + 10^6).
        let shares = wide(vault.shares.get()).saturating_add(wide(1_000_000));
        let assets = claims(vault).unwrap_or_default().saturating_add(wide(1));
        let idle = wide(vault.cash.get()).saturating_mul(shares);
        findings.check("HLT-6", waiting.is_zero() || idle < assets, || {
            format!("vault {id}: cash {} beside {waiting} that wait", vault.cash)
        });
        let escrow = |token| {
            let held = ledger.balances.get(&(token, address::exits(*id)));
            wide(held.copied().unwrap_or_default())
        };
        let held = escrow(Token::Share(*id));
        findings.check("SOL-2", waiting <= held, || {
            format!("vault {id}: {waiting} shares wait, {held} in escrow")
        });
        let owed = places(ledger, *id, &queue, findings);
        let held = escrow(Token::Asset(vault.asset));
        findings.check("SOL-1", owed <= held, || {
            format!("vault {id}: {owed} set aside for places, {held} in escrow")
        });
    }
    lists(ledger, findings);
}

/// The fills of a run, from the first.
fn fills(ledger: &MemoryLedger, vault: VaultId, run: u32) -> Vec<Checkpoint> {
    let range = (vault, (run, 0))..=(vault, (run, u64::MAX));
    let written = ledger.exit_checkpoints.range(range).map(|(_, checkpoint)| *checkpoint);
    core::iter::once(Checkpoint::default()).chain(written).collect()
}

/// What was paid before a point of a run, rounded down: a walk over all its fills.
fn paid_before(fills: &[Checkpoint], at: U256) -> U256 {
    for pair in fills.windows(2) {
        let [low, high] = pair else { continue };
        let (from, to) = (wide(low.filled.get()), wide(high.filled.get()));
        if at <= to {
            let assets = wide(high.paid.get()).saturating_sub(wide(low.paid.get()));
            let product = at.saturating_sub(from).saturating_mul(assets);
            let part = product.checked_div(to.saturating_sub(from)).unwrap_or_default();
            return wide(low.paid.get()).saturating_add(part);
        }
    }
    fills.last().map_or(U256::ZERO, |last| wide(last.paid.get()))
}

/// Checks a vault's places against its queue, and returns what is set aside for them.
fn places(ledger: &MemoryLedger, vault: VaultId, queue: &ExitQueue, findings: &mut Report) -> U256 {
    let mut owed = U256::ZERO;
    // Where the last place of the present run ended, and how far those that wait have to reach.
    let (mut end, mut tiled) = (U256::ZERO, wide(queue.filled.get()));
    let mut runs: BTreeMap<u32, Vec<Checkpoint>> = BTreeMap::new();
    runs.insert(queue.run, fills(ledger, vault, queue.run));
    let ids = PlaceId { vault, number: 0 }..=PlaceId { vault, number: u64::MAX };
    for (id, place) in ledger.places.range(ids) {
        let Place { run, start, end: to, .. } = *place;
        let (start, to) = (wide(start.get()), wide(to.get()));
        let known = id.number <= queue.places && run <= queue.run && start < to;
        findings.check("HLT-6", known, || format!("{id:?}: {place:?} in {queue:?}"));
        let filled =
            if run == queue.run { to.min(wide(queue.filled.get()).max(start)) } else { to };
        let fills = runs.entry(run).or_insert_with(|| self::fills(ledger, vault, run));
        let part = paid_before(fills, filled).checked_sub(paid_before(fills, start));
        findings.check("SOL-1", part.is_some(), || format!("{id:?}: {place:?}"));
        owed = owed.saturating_add(part.unwrap_or_default());
        if run == queue.run {
            findings.check("HLT-6", start >= end, || format!("{id:?} stands before others"));
            end = to;
            if to > filled {
                findings.check("HLT-6", filled == tiled, || format!("a gap before {id:?}"));
                tiled = to;
            }
        }
    }
    findings.check("HLT-6", tiled == wide(queue.queued.get()), || {
        format!("vault {vault}: places up to {tiled}, queued {}", queue.queued)
    });
    let fills = runs.remove(&queue.run).unwrap_or_default();
    let rising = fills.windows(2).all(
        |pair| matches!(pair, [low, high] if low.filled < high.filled && low.paid <= high.paid),
    );
    let last = Checkpoint { filled: queue.filled, paid: queue.paid };
    let count = u64::try_from(fills.len()).unwrap_or(u64::MAX);
    let complete = fills.last() == Some(&last) && count == queue.checkpoints.saturating_add(1);
    findings.check("SOL-3", rising && complete, || format!("vault {vault}: {queue:?}, {fills:?}"));
    owed
}

/// SOL-3: owners' lists and counts are of the places that exist.
fn lists(ledger: &MemoryLedger, findings: &mut Report) {
    let mut held: BTreeMap<(VaultId, Address), u64> = BTreeMap::new();
    for (id, place) in &ledger.places {
        let count = held.entry((id.vault, place.owner)).or_default();
        *count = count.saturating_add(1);
        let listed = ledger.place_lists.get(&(id.vault, (place.owner, place.index)));
        findings.check("SOL-3", listed == Some(&id.number), || format!("{id:?}: {place:?}"));
    }
    findings.check("SOL-3", held == ledger.places_held, || format!("places are held {held:?}"));
    let (listed, all) = (ledger.place_lists.len(), ledger.places.len());
    findings.check("SOL-3", listed == all, || format!("{listed} listed, {all} places"));
    for id in ledger.place_approvals.keys() {
        let exists = ledger.places.contains_key(id);
        findings.check("AUT-1", exists, || format!("an approval of {id:?}, which is gone"));
    }
}

/// HLT-6: within a run points only move forward; a run ends empty; places keep their order.
pub(super) fn step(before: &MemoryLedger, after: &MemoryLedger, findings: &mut Report) {
    for (id, new) in &after.exit_queues {
        let old = before.exit_queues.get(id).copied().unwrap_or_default();
        let forward = if new.run == old.run {
            new.filled >= old.filled && new.queued >= old.queued && new.paid >= old.paid
        } else {
            new.run == old.run.saturating_add(1) && old.filled == old.queued
        };
        let counted = new.places >= old.places;
        findings.check("HLT-6", forward && counted, || format!("vault {id}: {old:?} {new:?}"));
    }
    for (id, old) in &before.places {
        let Some(new) = after.places.get(id) else { continue };
        let kept = new.run == old.run && new.end == old.end && new.start >= old.start;
        findings.check("HLT-6", kept, || format!("{id:?}: {old:?} {new:?}"));
    }
}
