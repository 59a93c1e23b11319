//! Exposure: how much of a vault's debt each collateral backs, and what a curator allows of it.
//!
//! When an account's debts are written at a moment with prices, they are *attributed* to its
//! collaterals in the order of the risk premium ([`crate::premium`]): from the smallest risk weight on
//! until the values reach the debt, ties by place. The parts, in basis points, stay with the account
//! and hold for each of its debts; a later price moves none of them. A part of a debt is a [`Debt`] of
//! its own, so that the sums that are kept here grow with interest by themselves:
//!
//! - by vault, line and collateral, for a line's *isolation ceilings*;
//! - by vault and asset, over all lines, for *caps by factor*: a factor's exposure is the sum over the
//!   assets that have it now, so a tag counts at once ([`crate::factor`]);
//! - by line and by vault, to know what is not tracked.
//!
//! All of them are functions of the accounts: whoever writes an account writes it through
//! [`store_account`], which moves the sums by the difference. Parts of a debt are rounded down and the
//! last takes the rest, so that sums are exact (SOL-3).
//!
//! Tracking costs storage, so a line begins it when its vault's curator sets the first cap, and not
//! before. Debt drawn until then is *untracked*, and counts in full against every collateral that its
//! market lists, until its account acts or anyone refreshes it
//! ([`crate::premium::refresh_risk_premium`]).
//!
//! A cap bounds what owners choose: drawing, releasing, and collateral that an account does not need.
//! Repayment, liquidation, the sweep, write-offs, refreshes and a top-up that an account needs never
//! fail for one; they may leave a sum above its cap, which stops growth and nothing else.

use crate::account::{Account, Backing};
use crate::debt::Debt;
use crate::error::{Error, Stop};
use crate::fixed::{Assets, BPS, Bps, Wad, mul_div_down_saturating};
use crate::ids::{AccountId, AssetId, ExposureCapId, ExposureId, FactorId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::margin::{Known, Position, Prices};
use crate::market::{Collateral, Market};
use crate::vault::Accrued;
use alloc::vec::Vec;

mod caps;

pub(crate) use caps::track_new_line;
pub use caps::{
    Exposure, FACTOR_CAPS_MAX, backing, exposure_to_collateral, exposure_to_factor, set_ceiling,
    set_factor_cap,
};

/// The parts of a debt of `debt_value` that collaterals of these places, weights and values back:
/// best first, worth counted up to the debt, in basis points of what counts. Rounded down, except that
/// the last that counts takes the rest. Sorted by place, without zeros; empty if nothing counts.
#[must_use]
pub fn backing_of(collaterals: &mut [(u8, Bps, Wad)], debt_value: Wad) -> Vec<Backing> {
    collaterals.sort_unstable_by_key(|(index, weight, _)| (*weight, *index));
    let mut missing = debt_value;
    let mut counted = Vec::with_capacity(collaterals.len());
    for (index, _, value) in collaterals.iter() {
        let part = missing.min(*value);
        missing = missing.saturating_sub(part);
        if !part.is_zero() {
            counted.push((*index, part.get()));
        }
    }
    let all = counted.iter().fold(0_u128, |sum, (_, part)| sum.saturating_add(*part));
    let mut left = Bps::new(10_000);
    let last = counted.len().saturating_sub(1);
    let mut backing = Vec::with_capacity(counted.len());
    for (place, (index, part)) in counted.into_iter().enumerate() {
        let points = mul_div_down_saturating(part, BPS, all.max(1));
        let points = Bps::new(u16::try_from(points).unwrap_or(u16::MAX)).min(left);
        let part = if place == last { left } else { points };
        left = Bps::new(left.get().saturating_sub(part.get()));
        if part != Bps::ZERO {
            backing.push(Backing { index, part });
        }
    }
    backing.sort_unstable_by_key(|entry| entry.index);
    backing
}

/// What each collateral backs of a debt: shares and offset rounded down, the last one's the rest.
///
/// # Errors
/// [`Error::Overflow`] if the parts are more than the whole.
pub fn split(debt: Debt, backing: &[Backing]) -> Result<Vec<(u8, Debt)>, Error> {
    let mut left = debt;
    let mut parts = Vec::with_capacity(backing.len());
    let last = backing.len().saturating_sub(1);
    for (place, Backing { index, part }) in backing.iter().copied().enumerate() {
        let cut = Debt {
            shares: crate::fixed::Shares::new(part.of_down(debt.shares.get())),
            offset: Assets::new(part.of_down(debt.offset.get())),
        };
        let own = if place == last { left } else { cut };
        left = left.less(own)?;
        parts.push((index, own));
    }
    Ok(parts)
}

impl Position {
    /// Notes in `account` what backs its debts now, if any line tracks that. An account without
    /// collateral of any worth keeps what it had.
    pub(crate) fn attribute(&self, account: &mut Account) {
        let owing = self.debts.iter().filter(|leg| leg.line.tracked && !leg.debt.is_zero());
        let bit = |index: u8| 1_u8.checked_shl(index.into()).unwrap_or_default();
        let tracked = owing.fold(0, |bits, leg| bits | bit(leg.index));
        if tracked == 0 {
            return;
        }
        let owed = self.debts.iter().fold(Wad::ZERO, |sum, leg| sum.saturating_add(leg.value()));
        let legs = self.collaterals.iter();
        let mut collaterals: Vec<_> =
            legs.map(|leg| (leg.index, leg.terms.risk_weight, leg.value())).collect();
        let backing = backing_of(&mut collaterals, owed);
        if !backing.is_empty() {
            account.backing = backing;
            account.tracked |= tracked;
        }
    }
}

/// One debt of an account that was written, before and after.
struct Leg {
    vault: VaultId,
    /// What was owed before.
    owed: Debt,
    /// What of it each asset backed; `None` if that was not tracked.
    before: Option<Vec<(AssetId, Debt)>>,
    /// What each asset backs now.
    now: Vec<(AssetId, Debt)>,
}

/// What [`store_account`] did to tracked debts; nothing for an account that has none.
#[derive(Default)]
#[must_use]
pub(crate) struct Moved(Vec<Leg>);

/// What the asset backs of these parts.
fn part_of(parts: &[(AssetId, Debt)], asset: AssetId) -> Debt {
    parts.iter().find(|(other, _)| *other == asset).map_or(Debt::ZERO, |(_, debt)| *debt)
}

fn parts_of(
    market: &Market,
    account: &Account,
    index: u8,
) -> Result<Option<Vec<(AssetId, Debt)>>, Stop> {
    if !account.is_tracked(index) {
        return Ok(None);
    }
    let parts = split(account.debt(index), &account.backing)?.into_iter();
    let named = parts.map(|(place, debt)| {
        let asset = market.collaterals.get(usize::from(place));
        asset.map(|asset| (*asset, debt)).ok_or(crate::error::Fault::Unreadable)
    });
    Ok(Some(named.collect::<Result<_, _>>()?))
}

/// Writes an account, and moves the sums of what backs tracked debts by the difference to what is
/// written. Costs nothing for an account without any.
///
/// # Errors
/// A fault of the ledger.
pub(crate) fn store_account<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
    market: &Market,
    account: &mut Account,
) -> Result<Moved, Stop> {
    let mut moved = Moved::default();
    if account.tracked != 0 {
        let before = ledger.account(id)?;
        for (index, vault) in (0..=u8::MAX).zip(&market.vaults) {
            let old = parts_of(market, &before, index)?;
            let now = parts_of(market, account, index)?.unwrap_or_default();
            if old.is_none() && now.is_empty() {
                continue;
            }
            let leg = Leg { vault: *vault, owed: before.debt(index), before: old, now };
            leg.shift(ledger, id.market)?;
            moved.0.push(leg);
        }
        account.drop_cleared();
    }
    ledger.set_account(id, account)?;
    Ok(moved)
}

impl Account {
    /// Ends the tracking of debts that are no more.
    fn drop_cleared(&mut self) {
        let bit = |index: u8| 1_u8.checked_shl(index.into()).unwrap_or_default();
        let owing = self.debts.iter().fold(0, |bits, owed| bits | bit(owed.index));
        self.tracked &= owing;
        if self.tracked == 0 {
            self.backing.clear();
        }
    }
}

impl Leg {
    /// Moves the sums.
    fn shift<L: Ledger + ?Sized>(&self, ledger: &mut L, market: MarketId) -> Result<(), Stop> {
        let vault = self.vault;
        let mut replace = |market, asset, before: Debt, now: Debt| {
            if before == now {
                return Ok::<_, Stop>(());
            }
            let id = ExposureId { vault, market, asset };
            let sum = ledger.exposure(id)?.replacing(before, now)?;
            ledger.set_exposure(id, sum)
        };
        let before = self.before.as_deref().unwrap_or_default();
        let is_now = |asset| self.now.iter().any(|(other, _)| *other == asset);
        let gone = before.iter().filter(|(asset, _)| !is_now(*asset));
        for (asset, _) in self.now.iter().chain(gone) {
            let (old, now) = (part_of(before, *asset), part_of(&self.now, *asset));
            replace(Some(market), Some(*asset), old, now)?;
            replace(None, Some(*asset), old, now)?;
        }
        let whole = |parts: &[(AssetId, Debt)]| {
            parts.iter().try_fold(Debt::ZERO, |sum, (_, part)| sum.plus(*part))
        };
        let (old, now) = (whole(before)?, whole(&self.now)?);
        replace(Some(market), None, old, now)?;
        replace(None, None, old, now)
    }

    /// Whether what `counts` backs grew; debt that was not tracked counted in full.
    fn grew(&self, accrued: &Accrued, counts: impl Fn(AssetId) -> bool) -> Result<bool, Error> {
        let sum = |parts: &[(AssetId, Debt)]| {
            let counted = parts.iter().filter(|(asset, _)| counts(*asset));
            counted.map(|(_, part)| *part).try_fold(Debt::ZERO, Debt::plus)
        };
        let before = self.before.as_deref().map_or(Ok(self.owed), sum)?;
        Ok(accrued.debt_of(sum(&self.now)?) > accrued.debt_of(before))
    }

    /// Checks the ceilings on what the line's debt is backed by.
    fn check_ceilings<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        market: MarketId,
        accrued: &Accrued,
    ) -> Result<(), Stop> {
        let vault = self.vault;
        for (asset, _) in self.now.iter().copied() {
            let cap = ledger.exposure_cap(ExposureCapId::Collateral(market, vault, asset))?;
            let Some(most) = cap else { continue };
            if !self.grew(accrued, |other| other == asset)? {
                continue;
            }
            let would = accrued.debt_of(behind_collateral(ledger, (market, vault), asset)?.0);
            if would > most {
                return Err(Error::CeilingExceeded { vault, asset, most, would }.into());
            }
        }
        Ok(())
    }

    /// Checks the caps on the factors of what backs the debt.
    fn check_factors<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        accrued: &Accrued,
    ) -> Result<(), Stop> {
        let vault = self.vault;
        let mut factors: Vec<FactorId> = Vec::new();
        for (asset, _) in &self.now {
            factors.extend(ledger.tags(*asset)?.iter());
        }
        factors.sort_unstable();
        factors.dedup();
        for factor in factors {
            let cap = ledger.exposure_cap(ExposureCapId::Factor(vault, factor))?;
            let Some(most) = cap else { continue };
            let assets = ledger.factor_assets(factor)?;
            if !self.grew(accrued, |asset| assets.contains(&asset))? {
                continue;
            }
            let would = accrued.debt_of(behind_assets(ledger, vault, accrued, &assets)?.0);
            if would > most {
                return Err(Error::FactorCapExceeded { vault, factor, most, would }.into());
            }
        }
        Ok(())
    }
}

impl Moved {
    /// Checks the caps on what an owner's choice made grow (CFG-1), in whole units of engine amounts;
    /// after vaults, lines and account are written.
    ///
    /// # Errors
    /// [`Error::CeilingExceeded`], [`Error::FactorCapExceeded`], or a fault of the ledger.
    pub(crate) fn check<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        market: MarketId,
    ) -> Result<(), Stop> {
        for leg in self.0.iter().filter(|leg| !leg.now.is_empty()) {
            let accrued = Accrued::load(ledger, leg.vault)?;
            leg.check_ceilings(ledger, market, &accrued)?;
            leg.check_factors(ledger, &accrued)?;
        }
        Ok(())
    }
}

/// The debt through a line that an asset backs, what is not tracked included; and that alone.
fn behind_collateral<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, vault): (MarketId, VaultId),
    asset: AssetId,
) -> Result<(Debt, Debt), Stop> {
    let untracked = untracked_on_line(ledger, (market, vault))?;
    let id = ExposureId { vault, market: Some(market), asset: Some(asset) };
    Ok((ledger.exposure(id)?.plus(untracked)?, untracked))
}

/// The debt to a vault that these assets back, what is not tracked included; and that alone.
fn behind_assets<L: Ledger + ?Sized>(
    ledger: &mut L,
    vault: VaultId,
    accrued: &Accrued,
    assets: &[AssetId],
) -> Result<(Debt, Debt), Stop> {
    let mut tracked = Debt::ZERO;
    for asset in assets {
        let id = ExposureId { vault, market: None, asset: Some(*asset) };
        tracked = tracked.plus(ledger.exposure(id)?)?;
    }
    let untracked = untracked_toward(ledger, vault, accrued, assets)?;
    Ok((tracked.plus(untracked)?, untracked))
}

/// The debt to a vault that is not tracked, in markets that list one of these assets.
fn untracked_toward<L: Ledger + ?Sized>(
    ledger: &mut L,
    vault: VaultId,
    accrued: &Accrued,
    assets: &[AssetId],
) -> Result<Debt, Stop> {
    let all = ExposureId { vault, market: None, asset: None };
    if accrued.record().owed == ledger.exposure(all)? {
        return Ok(Debt::ZERO);
    }
    let mut sum = Debt::ZERO;
    for id in ledger.vault_lines(vault)? {
        let untracked = untracked_on_line(ledger, (id, vault))?;
        if untracked.is_zero() {
            continue;
        }
        let listed = ledger.market(id)?.collaterals;
        if listed.iter().any(|asset| assets.contains(asset)) {
            sum = sum.plus(untracked)?;
        }
    }
    Ok(sum)
}

/// The debt through a line that is not tracked.
fn untracked_on_line<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, vault): (MarketId, VaultId),
) -> Result<Debt, Stop> {
    let owed = ledger.line(market, vault)?.owed;
    let id = ExposureId { vault, market: Some(market), asset: None };
    Ok(owed.less(ledger.exposure(id)?)?)
}

/// The most sums that writing an account's debts anew moves: what a sweep sets gas aside for. None
/// where nothing is tracked.
///
/// # Errors
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn sums_moved_at_most<L: Ledger + ?Sized>(ledger: &mut L, id: &AccountId) -> Result<u64, Stop> {
    let account = ledger.account(id)?;
    if !account.has_debt() {
        return Ok(0);
    }
    let market = ledger.market(id.market)?;
    let mut debts = 0_u64;
    for owed in &account.debts {
        let vault = market.vaults.get(usize::from(owed.index));
        let vault = *vault.ok_or(crate::error::Fault::Unreadable)?;
        let counts = account.is_tracked(owed.index) || ledger.line(id.market, vault)?.tracked;
        debts = debts.saturating_add(u64::from(counts));
    }
    let pledged = account.collaterals.iter().map(|pledge| pledge.index);
    let backing = account.backing.iter().map(|entry| entry.index);
    let mut places: Vec<u8> = pledged.chain(backing).collect();
    places.sort_unstable();
    places.dedup();
    // By line and asset and by asset; by line and by vault.
    let each = u64::try_from(places.len()).unwrap_or(u64::MAX).saturating_add(1);
    Ok(debts.saturating_mul(each).saturating_mul(2))
}

/// Writes an account to which collateral was added, and attributes its tracked debts anew if there are
/// prices; without them it keeps what it had (HLT-6). Collateral that the account did not need is
/// refused if it would back more than a cap allows: an account within its limit without it can do
/// without it.
///
/// # Errors
/// Those of [`Moved::check`].
pub(crate) fn store_supplied<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (&AccountId, &Market),
    account: &mut Account,
    (index, amount, terms): (u8, Assets, &Collateral),
) -> Result<(), Stop> {
    if account.tracked == 0 {
        return ledger.set_account(id, account);
    }
    let known = Known { collateral: Some((index, terms)), ..Known::default() };
    let prices = Prices::Fresh;
    let position = Position::load_with(ledger, (id.market, market), account, prices, known);
    let mut position = match position {
        Ok(position) => position,
        Err(Stop::Refused(_)) => return ledger.set_account(id, account),
        Err(fault) => return Err(fault),
    };
    position.attribute(account);
    for leg in position.collaterals.iter_mut().filter(|leg| leg.index == index) {
        leg.amount = leg.amount.sub(amount)?;
    }
    let is_needed = position.totals().check_limit().is_err();
    let moved = store_account(ledger, id, market, account)?;
    if is_needed { Ok(()) } else { moved.check(ledger, id.market) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Shares, WAD};
    use crate::premium::premium_of;
    use proptest::prelude::*;

    fn part(backing: &[Backing], index: u8) -> u16 {
        backing.iter().find(|entry| entry.index == index).map_or(0, |entry| entry.part.get())
    }

    #[test]
    fn the_best_collateral_backs_first() {
        let usd = |amount: u128| Wad::new(amount * WAD);
        let mut legs = [(1, Bps::new(5_000), usd(4_000)), (4, Bps::new(1_000), usd(10_000))];
        let whole = [Backing { index: 4, part: Bps::new(10_000) }];
        assert_eq!(backing_of(&mut legs, usd(8_000)), whole);
        // 10,000 and 2,000 of 12,000; what rounding leaves is the last one's.
        let backing = backing_of(&mut legs, usd(12_000));
        assert_eq!([part(&backing, 4), part(&backing, 1)], [8_333, 1_667]);
        // Debt beyond all collateral is everyone's in proportion.
        let backing = backing_of(&mut legs, usd(28_000));
        assert_eq!([part(&backing, 4), part(&backing, 1)], [7_142, 2_858]);
        // Of equals the first place counts first.
        let mut equal = [(7, Bps::ZERO, usd(5)), (2, Bps::ZERO, usd(5))];
        assert_eq!(part(&backing_of(&mut equal, usd(5)), 2), 10_000);
        assert!(backing_of(&mut legs, Wad::ZERO).is_empty());
        assert!(backing_of(&mut [], usd(1)).is_empty());
    }

    proptest! {
        /// SOL-3: parts make the whole, and the premium is the mean weight of what backs.
        #[test]
        fn parts_make_the_whole(
            legs in prop::collection::vec((0_u16..=50_000, 0_u128..1 << 100), 1..=16),
            debt in 0_u128..1 << 104,
        ) {
            let mut collaterals: Vec<_> = (0_u8..)
                .zip(&legs)
                .map(|(index, (weight, value))| (index, Bps::new(*weight), Wad::new(*value)))
                .collect();
            let backing = backing_of(&mut collaterals, Wad::new(debt));
            let sum: u32 = backing.iter().map(|entry| u32::from(entry.part.get())).sum();
            let counts = debt > 0 && legs.iter().any(|(_, value)| *value > 0);
            prop_assert_eq!(sum, if counts { 10_000 } else { 0 });
            prop_assert!(backing.windows(2).all(|pair| pair[0].index < pair[1].index));
            prop_assert!(backing.iter().all(|entry| entry.part != Bps::ZERO));
            let mean: u32 = backing
                .iter()
                .map(|entry| u32::from(entry.part.get()) * u32::from(legs[usize::from(entry.index)].0))
                .sum();
            let mut weighed: Vec<_> =
                collaterals.iter().map(|(_, weight, value)| (*weight, *value)).collect();
            let premium = u32::from(premium_of(&mut weighed, Wad::new(debt)).get());
            // A basis point of the debt for each collateral, at the largest weight.
            prop_assert!((mean / 10_000).abs_diff(premium) <= 5 * 16 + 1, "{mean} {premium}");
        }

        /// SOL-3: the parts of a debt are the debt, and none is above its share.
        #[test]
        fn parts_of_a_debt_are_the_debt(
            shares in 0..=u128::MAX, offset in 0..=u128::MAX,
            points in prop::collection::vec(1_u16..=625, 0..16),
        ) {
            let debt = Debt { shares: Shares::new(shares), offset: Assets::new(offset) };
            let mut backing: Vec<_> = (0_u8..)
                .zip(&points)
                .map(|(index, part)| Backing { index, part: Bps::new(*part) })
                .collect();
            let rest = 10_000 - points.iter().sum::<u16>();
            backing.push(Backing { index: 15, part: Bps::new(rest) });
            let parts = split(debt, &backing)?;
            let sum = parts.iter().try_fold(Debt::ZERO, |sum, (_, part)| sum.plus(*part))?;
            prop_assert_eq!(sum, debt);
            for ((_, part), entry) in parts.iter().zip(&backing).take(points.len()) {
                prop_assert_eq!(part.shares.get(), entry.part.of_down(shares));
            }
        }
    }
}
