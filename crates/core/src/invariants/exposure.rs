//! What must hold of tracked debt, tags and caps.

use super::{Report, plus, wide};
use crate::account::Account;
use crate::debt::Debt;
use crate::factor::{FACTOR_ASSETS_MAX, FactorKind};
use crate::ids::{AccountId, ExposureCapId, ExposureId, MarketId, VaultId};
use crate::memory::MemoryLedger;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use alloy_primitives::U256;

type Sums = BTreeMap<ExposureId, (U256, U256)>;

/// SOL-3: sums of tracked debt are those of the accounts' parts, to the unit.
pub(super) fn exposures(ledger: &MemoryLedger, findings: &mut Report) {
    let mut sums = Sums::new();
    for (id, account) in &ledger.accounts {
        attribution(ledger, id, account, findings);
        for owed in account.debts.iter().filter(|owed| account.is_tracked(owed.index)) {
            add_parts(ledger, id.market, (account, owed.index, owed.debt), &mut sums);
        }
    }
    sums.retain(|_, sum| *sum != Default::default());
    for (id, kept) in &ledger.exposures {
        let sum = sums.remove(id).unwrap_or_default();
        let kept = plus(Default::default(), *kept);
        findings.check("SOL-3", sum == kept, || format!("{id:?}: {sum:?} backed, {kept:?} kept"));
    }
    findings.check("SOL-3", sums.is_empty(), || format!("exposure that is not kept: {sums:?}"));
}

/// What an account says backs its debts is a whole, of what its market lists, on tracked lines.
fn attribution(ledger: &MemoryLedger, id: &AccountId, account: &Account, findings: &mut Report) {
    let market = ledger.markets.get(&id.market);
    let whole: u32 = account.backing.iter().map(|entry| u32::from(entry.part.get())).sum();
    let expected = if account.tracked == 0 { 0 } else { 10_000 };
    findings.check("SOL-3", whole == expected, || format!("{id:?}: {account:?}"));
    let places: Vec<u8> = account.backing.iter().map(|entry| entry.index).collect();
    let ordered = places.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    let listed = market.map_or(0, |market| market.collaterals.len());
    let known = places.iter().all(|place| usize::from(*place) < listed);
    findings.check("HLT-3", ordered && known, || format!("{id:?}: {account:?}"));
    for index in (0..8).filter(|index| account.is_tracked(*index)) {
        let owes = !account.debt(index).is_zero();
        let vault = market.and_then(|market| market.vaults.get(usize::from(index)));
        let line = vault.and_then(|vault| ledger.lines.get(&(id.market, *vault)));
        let tracked = owes && line.is_some_and(|line| line.tracked);
        findings.check("SOL-3", tracked, || format!("{id:?} tracks debt {index}: {account:?}"));
    }
}

fn add_parts(
    ledger: &MemoryLedger,
    id: MarketId,
    (account, index, debt): (&Account, u8, Debt),
    sums: &mut Sums,
) {
    let Some(market) = ledger.markets.get(&id) else { return };
    let Some(vault) = market.vaults.get(usize::from(index)).copied() else { return };
    let (shares, offset) = plus(Default::default(), debt);
    let mut left = (shares, offset);
    let last = account.backing.len().saturating_sub(1);
    for (place, entry) in account.backing.iter().enumerate() {
        let points = wide(entry.part.get().into());
        let cut = |whole: U256| {
            whole.saturating_mul(points).checked_div(wide(10_000)).unwrap_or_default()
        };
        let part = if place == last { left } else { (cut(shares), cut(offset)) };
        left = (left.0.saturating_sub(part.0), left.1.saturating_sub(part.1));
        let asset = market.collaterals.get(usize::from(entry.index)).copied();
        for (market, asset) in [(Some(id), asset), (None, asset), (Some(id), None), (None, None)] {
            let sum = sums.entry(ExposureId { vault, market, asset }).or_default();
            *sum = (sum.0.saturating_add(part.0), sum.1.saturating_add(part.1));
        }
    }
}

/// Factors list the assets that are tagged with them; vaults list the factors that they cap, and track
/// every line while they cap one.
pub(super) fn factors(ledger: &MemoryLedger, findings: &mut Report) {
    for (id, assets) in &ledger.factor_assets {
        let kind = ledger.factors.get(id).map(|factor| factor.kind);
        let tagged = assets.iter().all(|asset| {
            let tags = ledger.tags.get(asset).copied().unwrap_or_default();
            kind.is_some_and(|kind| tags.of(kind) == Some(*id))
        });
        let bounded = tagged && assets.len() <= FACTOR_ASSETS_MAX;
        findings.check("CFG-1", bounded, || format!("factor {id}: {assets:?}"));
    }
    for (asset, tags) in &ledger.tags {
        for kind in FactorKind::ALL {
            let Some(factor) = tags.of(kind) else { continue };
            let assets = ledger.factor_assets.get(&factor).map_or(&[][..], Vec::as_slice);
            let times = assets.iter().filter(|one| *one == asset).count();
            let alike = ledger.factors.get(&factor).is_some_and(|factor| factor.kind == kind);
            findings.check("CFG-1", times == 1 && alike, || format!("asset {asset}: {tags:?}"));
        }
    }
    let mut capped: BTreeMap<VaultId, usize> = BTreeMap::new();
    for id in ledger.exposure_caps.keys() {
        if let ExposureCapId::Factor(vault, factor) = id {
            let list = ledger.capped_factors.get(vault).map_or(&[][..], Vec::as_slice);
            let listed = list.iter().filter(|one| *one == factor).count() == 1;
            findings.check("CFG-1", listed, || format!("{id:?} is not listed"));
            let count = capped.entry(*vault).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (vault, list) in &ledger.capped_factors {
        let count = capped.remove(vault).unwrap_or_default();
        findings.check("CFG-1", list.len() == count, || format!("vault {vault} lists {list:?}"));
        let open = ledger.vault_lines.get(vault).map_or(&[][..], Vec::as_slice);
        for market in open {
            let tracked = ledger.lines.get(&(*market, *vault)).is_some_and(|line| line.tracked);
            findings.check("CFG-1", tracked, || format!("line {market} of {vault} is not tracked"));
        }
    }
}
