//! Caps on exposure in random histories: set at random, and checked apart from the operations' code.

use std::collections::BTreeMap;

use gage_core::exposure::{set_ceiling, set_factor_cap};
use gage_core::factor::{register_factor, tag_asset, untag_asset};
use gage_core::{
    AccountId, AssetId, Assets, Debt, ExposureCapId, ExposureId, Factor, FactorId, FactorKind,
    MarketId, MemoryLedger, RAY, Stop, U256, VaultId,
};

use super::{CURATOR, Dice, GOVERNANCE, MARKET, World, label, unit};

impl World {
    /// Registers a factor of each kind; the second and third are those of some assets from the start.
    pub(crate) fn factors(&mut self) {
        for kind in FactorKind::ALL {
            let factor = Factor { kind, label: label(kind.name()) };
            register_factor(&mut self.ledger, GOVERNANCE, &factor).unwrap();
        }
        for (asset, factor) in [(2, 2), (3, 2), (3, 3), (1, 3)] {
            tag_asset(&mut self.ledger, GOVERNANCE, AssetId::new(asset), FactorId::new(factor))
                .unwrap();
        }
    }

    /// Some decision about factors and caps, by those who may make it or by `actor`.
    pub(crate) fn limit(
        &mut self,
        dice: &mut Dice,
        actor: Option<super::Address>,
    ) -> Result<(), Stop> {
        let vault = VaultId::new(1 + dice.below(self.vaults as u64) as u32);
        let asset = AssetId::new(1 + dice.below(self.decimals.len() as u64) as u32);
        let factor = FactorId::new(1 + dice.below(4) as u32);
        let whole = unit(self.ledger.assets[&self.ledger.vaults[&vault].asset].decimals);
        let cap = match dice.below(16) {
            0..8 => None,
            8 => Some(Assets::ZERO),
            _ => Some(Assets::new(u128::from(dice.below(20_000)) * whole)),
        };
        let l = &mut self.ledger;
        match dice.below(6) {
            0 => tag_asset(l, actor.unwrap_or(GOVERNANCE), asset, factor),
            1 => untag_asset(l, actor.unwrap_or(GOVERNANCE), asset, dice.pick(&FactorKind::ALL)),
            2 | 3 => set_ceiling(l, actor.unwrap_or(CURATOR), (MARKET, vault), asset, cap),
            _ => set_factor_cap(l, actor.unwrap_or(CURATOR), vault, factor, cap),
        }
    }
}

fn amount(ledger: &MemoryLedger, vault: VaultId, (shares, offset): (U256, U256)) -> U256 {
    let index = U256::from(ledger.vaults[&vault].index.get());
    (shares * index).div_ceil(U256::from(RAY)).saturating_sub(offset)
}

fn wide(debt: Debt) -> (U256, U256) {
    (U256::from(debt.shares.get()), U256::from(debt.offset.get()))
}

/// What each asset backs of an account's debt to a vault; every asset all of it if it is not tracked.
fn backed(ledger: &MemoryLedger, id: &AccountId, place: u8) -> BTreeMap<AssetId, (U256, U256)> {
    let Some(account) = ledger.accounts.get(id) else { return BTreeMap::new() };
    let market = &ledger.markets[&id.market];
    let whole = wide(account.debt(place));
    if !account.is_tracked(place) {
        return market.collaterals.iter().map(|asset| (*asset, whole)).collect();
    }
    let mut left = whole;
    let mut parts = BTreeMap::new();
    for (count, entry) in account.backing.iter().enumerate() {
        let cut = |number: U256| number * U256::from(entry.part.get()) / U256::from(10_000);
        let is_last = count + 1 == account.backing.len();
        let part = if is_last { left } else { (cut(whole.0), cut(whole.1)) };
        left = (left.0 - part.0, left.1 - part.1);
        parts.insert(market.collaterals[usize::from(entry.index)], part);
    }
    parts
}

fn sum(
    ledger: &MemoryLedger,
    vault: VaultId,
    market: Option<MarketId>,
    assets: &[AssetId],
) -> (U256, U256) {
    let parts = assets.iter().map(|asset| ExposureId { vault, market, asset: Some(*asset) });
    let kept = parts.filter_map(|id| ledger.exposures.get(&id));
    kept.fold((U256::ZERO, U256::ZERO), |sum, debt| {
        let (shares, offset) = wide(*debt);
        (sum.0 + shares, sum.1 + offset)
    })
}

/// The caps that an owner's operation on an account broke: what grew and is above its cap. Vaults must
/// be settled in both states.
pub(crate) fn broken_caps(
    before: &MemoryLedger,
    after: &MemoryLedger,
    id: &AccountId,
) -> Vec<String> {
    let mut broken = Vec::new();
    for (place, vault) in (0_u8..).zip(after.markets[&id.market].vaults.clone()) {
        if !after.accounts.get(id).is_some_and(|account| account.is_tracked(place)) {
            continue;
        }
        let (old, new) = (backed(before, id, place), backed(after, id, place));
        for (cap_id, most) in &after.exposure_caps {
            let (assets, market) = match cap_id {
                ExposureCapId::Factor(of, factor) if *of == vault => {
                    (after.factor_assets.get(factor).cloned().unwrap_or_default(), None)
                }
                ExposureCapId::Collateral(market, of, asset)
                    if *of == vault && *market == id.market =>
                {
                    (vec![*asset], Some(*market))
                }
                _ => continue,
            };
            let own = |parts: &BTreeMap<AssetId, (U256, U256)>, tracked: bool| {
                let mut counted = parts.iter().filter(|(asset, _)| assets.contains(asset));
                if !tracked {
                    let (_, whole) = counted.next()?;
                    return Some(amount(after, vault, *whole));
                }
                let all = counted.fold((U256::ZERO, U256::ZERO), |sum, (_, part)| {
                    (sum.0 + part.0, sum.1 + part.1)
                });
                Some(amount(after, vault, all))
            };
            let was = before.accounts.get(id).is_some_and(|account| account.is_tracked(place));
            let (own_before, own_after) = (own(&old, was), own(&new, true));
            let mut total = sum(after, vault, market, &assets);
            for (key, line) in after.lines.iter().filter(|((_, of), _)| *of == vault) {
                let listed = &after.markets[&key.0].collaterals;
                let counts = market.is_none_or(|market| market == key.0);
                if !counts || !listed.iter().any(|asset| assets.contains(asset)) {
                    continue;
                }
                let all = ExposureId { vault, market: Some(key.0), asset: None };
                let tracked = wide(after.exposures.get(&all).copied().unwrap_or_default());
                let owed = wide(line.owed);
                total = (total.0 + owed.0 - tracked.0, total.1 + owed.1 - tracked.1);
            }
            let total = amount(after, vault, total);
            if total > U256::from(most.get()) && own_after > own_before {
                broken.push(format!("{cap_id:?} {most}: {total}; {own_before:?} {own_after:?}"));
            }
        }
    }
    broken
}
