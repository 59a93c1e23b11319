//! The lenders' pool of one asset.
//!
//! With debt `D = ⌈shares · index⌉ − offset` ([`crate::debt`]), what the lenders own is
//! `total_assets = cash + D − reserves`. Cash is what the engine wrote, not a token balance.

use crate::debt::Debt;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::exits;
use crate::fixed::{
    Assets, BPS, Bps, RAY, Ray, Shares, Timestamp, WAD, Wad, mul_div_down_saturating,
    mul_div_up_saturating,
};
use crate::ids::{AssetId, VaultId};
use crate::interest::{InterestModel, grown, growth};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::margin::unit;
use crate::market::Line;
use crate::shares::{Pool, VIRTUAL_DECIMALS, debt_of_shares};
use alloy_primitives::Address;

/// The fewest base units of its asset that a vault holds for its shares to be collateral: a million.
pub const THICK_UNITS: u128 = 1_000_000;
/// The smallest part of a whole token that it holds then: a thousandth.
const THICK_PART: u128 = 1_000;

/// Where a vault's debt stops growing: 2^124, above [`crate::fixed::AMOUNT_MAX`] at
/// [`crate::interest::INDEX_MAX`].
///
/// The index alone does not bound a debt that pays a premium: it is written anew at each touch, so it grows
/// by up to the sixth power of the index ([`crate::debt`]). Here interest ends and nothing else: shares of
/// six times such a debt are within 128 bits, and it can be repaid, sold and written off.
pub const DEBT_MAX: Assets = Assets::new(1 << 124);

/// The lenders' pool of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vault {
    /// What it pools.
    pub asset: AssetId,
    /// Decimals of its shares: the asset's and [`crate::shares::VIRTUAL_DECIMALS`] more.
    pub decimals: u8,
    /// What its shares are called.
    pub name: Label,
    /// What its shares are called in short.
    pub symbol: Label,
    /// Who sets its fees, caps, lines and interest model.
    pub curator: Address,
    /// What is not lent out.
    pub cash: Assets,
    /// All lenders' shares.
    pub shares: Shares,
    /// All that is owed.
    pub owed: Debt,
    /// What one share of the debt has grown to since the vault opened; never falls.
    pub index: Ray,
    /// Interest kept against losses; not the lenders'.
    pub reserves: Assets,
    /// All losses that lenders ever bore.
    pub losses: Assets,
    /// Until when interest has been counted.
    pub updated_at: Timestamp,
    /// The share of interest that goes to the reserves.
    pub reserve_fee: Bps,
    /// What lenders may own at most, when one deposits.
    pub supply_cap: Assets,
    /// What may be owed at most, when one borrows.
    pub borrow_cap: Assets,
    /// No deposits and no new debt; withdrawal and repayment go on.
    pub paused: bool,
    /// Whether shares wait in its exit queue ([`crate::exits`]).
    pub exits_waiting: bool,
    /// How its borrow rate follows utilisation.
    pub model: InterestModel,
}

impl Vault {
    /// What is owed at the stored index, rounded up.
    fn debt(&self) -> Assets {
        self.owed.amount(self.index)
    }

    /// Debt over debt and cash, rounded up for the lenders; zero without debt.
    fn utilisation(&self) -> Wad {
        let debt = self.debt();
        let all = debt.saturating_add(self.cash);
        if all.is_zero() {
            return Wad::ZERO;
        }
        Wad::new(mul_div_up_saturating(debt.get(), WAD, all.get()).min(WAD))
    }

    /// `index`, or the largest one at which no more than [`DEBT_MAX`] is owed; never below the present one.
    fn within_debt_max(&self, index: Ray) -> Ray {
        if self.owed.amount(index) <= DEBT_MAX {
            return index;
        }
        let most = DEBT_MAX.saturating_add(self.owed.offset);
        let largest = mul_div_down_saturating(most.get(), RAY, self.owed.shares.get());
        Ray::new(largest).min(index).max(self.index)
    }

    /// The vault with its interest counted up to `now`. Interest saturates; this never fails.
    ///
    /// The debt's growth `ΔD` is measured on the rounded debt; `⌊ΔD · fee⌋` of it goes to the
    /// reserves, the rest to the lenders. Without debt the index stands still; the adaptive model drifts on.
    #[must_use]
    pub fn accrue(mut self, now: Timestamp) -> Accrued {
        let none = Assets::ZERO;
        let seconds = now.since(self.updated_at);
        if seconds == 0 {
            return Accrued { vault: self, interest: none, fee: none };
        }
        let course = self.model.course(self.utilisation(), seconds);
        self.model = course.model;
        self.updated_at = now;
        if self.owed.is_zero() {
            return Accrued { vault: self, interest: none, fee: none };
        }
        let debt_before = self.debt();
        self.index = self.within_debt_max(grown(self.index, growth(course.rate, seconds)));
        let interest = self.debt().saturating_sub(debt_before);
        let fee = Assets::new(self.reserve_fee.of_down(interest.get()));
        self.reserves = self.reserves.saturating_add(fee);
        Accrued { vault: self, interest, fee }
    }
}

/// A vault whose interest is counted up to now. Only accruing makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accrued {
    vault: Vault,
    interest: Assets,
    fee: Assets,
}

impl Accrued {
    /// Reads a vault and counts its interest up to the ledger's present.
    ///
    /// # Errors
    /// [`Error::UnknownVault`], or a fault of the ledger.
    pub fn load<L: Ledger + ?Sized>(ledger: &mut L, id: VaultId) -> Result<Self, Stop> {
        let now = ledger.now();
        Ok(ledger.vault(id)?.accrue(now))
    }

    /// Writes the vault, and tells of the interest that was counted. If its exit queue waits, that takes
    /// the cash first: assets that come in must be in custody by now.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn store<L: Ledger + ?Sized>(mut self, ledger: &mut L, id: VaultId) -> Result<(), Stop> {
        exits::fill(ledger, id, &mut self)?;
        ledger.set_vault(id, &self.vault)?;
        if self.interest.is_zero() {
            return Ok(());
        }
        ledger.emit(Event::Accrued {
            vault: id,
            interest: self.interest,
            fee: self.fee,
            borrow_index: self.vault.index,
        })
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> &Vault {
        &self.vault
    }

    pub(crate) const fn record_mut(&mut self) -> &mut Vault {
        &mut self.vault
    }

    /// What is owed, rounded up.
    #[must_use]
    pub fn debt(&self) -> Assets {
        self.vault.debt()
    }

    /// What a part of the debt amounts to, rounded up.
    #[must_use]
    pub fn debt_of(&self, debt: Debt) -> Assets {
        debt.amount(self.vault.index)
    }

    /// What the lenders own: cash and debt without reserves.
    #[must_use]
    pub fn total_assets(&self) -> Assets {
        self.vault.cash.saturating_add(self.debt()).saturating_sub(self.vault.reserves)
    }

    /// The lenders' assets and shares, for conversions.
    #[must_use]
    pub fn pool(&self) -> Pool {
        Pool { assets: self.total_assets(), shares: self.vault.shares }
    }

    /// Checks that the vault holds enough for its share to have a price that nobody can push: a thousandth
    /// of a whole token, and [`THICK_UNITS`] base units (SHR-3). One unit more or less, which is what
    /// rounding leaves to the vault, is a millionth of that then.
    ///
    /// # Errors
    /// [`Error::ThinVault`].
    pub fn check_thickness(&self, id: VaultId) -> Result<(), Error> {
        let decimals = self.vault.decimals.saturating_sub(VIRTUAL_DECIMALS);
        let part = unit(decimals).div_euclid(THICK_PART);
        let minimum = Assets::new(part.max(THICK_UNITS));
        let assets = self.total_assets();
        if assets < minimum {
            return Err(Error::ThinVault { vault: id, assets, minimum });
        }
        Ok(())
    }

    /// Whether losses took everything that shares stood for.
    #[must_use]
    pub fn is_wiped_out(&self) -> bool {
        self.total_assets().is_zero() && !self.vault.shares.is_zero()
    }

    /// Debt over debt and cash, rounded up for the lenders; zero without debt.
    #[must_use]
    pub fn utilisation(&self) -> Wad {
        self.vault.utilisation()
    }

    /// What borrowers without a risk premium pay per second, rounded up.
    #[must_use]
    pub fn borrow_rate(&self) -> Ray {
        self.vault.model.rate(self.utilisation())
    }

    /// What lenders earn per second: the borrowers' interest without the reserve fee, over all that
    /// lenders own, rounded down (INT-2). What bears it counts in whole units, rounded up, as all debt does.
    #[must_use]
    pub fn supply_rate(&self) -> Ray {
        let total = self.total_assets().get();
        if total == 0 {
            return Ray::ZERO;
        }
        // Ghost shares bear interest like the others.
        let bearing = debt_of_shares(self.vault.owed.shares, self.vault.index);
        let paid = mul_div_down_saturating(self.borrow_rate().get(), bearing.get(), total);
        let kept = BPS.saturating_sub(u128::from(self.vault.reserve_fee.get()));
        Ray::new(mul_div_down_saturating(paid, kept, BPS))
    }

    /// Takes `assets` out of the cash.
    ///
    /// # Errors
    /// [`Error::Illiquid`] if there is less.
    pub(crate) fn pay_out(&mut self, assets: Assets) -> Result<(), Error> {
        let cash = self.vault.cash;
        if cash < assets {
            return Err(Error::Illiquid { cash, asked: assets });
        }
        self.vault.cash = cash.sub(assets)?;
        Ok(())
    }

    /// Puts `assets` into the cash.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn take_in(&mut self, assets: Assets) -> Result<(), Error> {
        self.vault.cash = self.vault.cash.add(assets)?;
        Ok(())
    }

    /// Takes lenders' `shares` out of the count: a withdrawal that repays, without cash.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn burn(&mut self, shares: Shares) -> Result<(), Error> {
        self.vault.shares = self.vault.shares.sub(shares)?;
        Ok(())
    }

    /// Replaces a debt that was drawn through `line` by another.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn rewrite(
        &mut self,
        line: &mut Line,
        before: Debt,
        now: Debt,
    ) -> Result<(), Error> {
        self.vault.owed = self.vault.owed.replacing(before, now)?;
        line.owed = line.owed.replacing(before, now)?;
        Ok(())
    }

    /// What `shares` of the lenders' are worth; `None` if that is nothing.
    pub(crate) fn worth(&self, shares: Shares) -> Option<Assets> {
        self.pool().assets_to_pay(shares).ok().filter(|worth| !worth.is_zero())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ids::FeedId;
    use proptest::prelude::*;

    /// A vault in mid-life.
    pub(crate) fn any_vault() -> impl Strategy<Value = Vault> {
        let amount = || prop_oneof![0_u128..4, 0_u128..1 << 100];
        let index = prop_oneof![Just(RAY), RAY..1_000 * RAY];
        (amount(), amount(), amount(), index, 0_u16..=5_000, 0_u128..=100).prop_map(
            |(cash, shares, debt_shares, index, fee, reserves)| {
                let offset = Assets::new(debt_shares / 7);
                let mut vault = Vault {
                    asset: AssetId::new(1),
                    decimals: 24,
                    name: Label::default(),
                    symbol: Label::default(),
                    curator: Address::ZERO,
                    cash: Assets::new(cash),
                    shares: Shares::new(shares),
                    owed: Debt { shares: Shares::new(debt_shares), offset },
                    index: Ray::new(index),
                    reserves: Assets::ZERO,
                    losses: Assets::ZERO,
                    updated_at: Timestamp::new(1_000),
                    reserve_fee: Bps::new(fee),
                    supply_cap: crate::fixed::AMOUNT_MAX,
                    borrow_cap: crate::fixed::AMOUNT_MAX,
                    paused: false,
                    exits_waiting: false,
                    model: InterestModel::Kinked {
                        base: 10,
                        slope1: 500,
                        slope2: 30_000,
                        kink: Bps::new(8_000),
                    },
                };
                let all = vault.cash.saturating_add(vault.debt());
                vault.reserves = Assets::new(all.get() / 100 * reserves);
                vault
            },
        )
    }

    proptest! {
        /// INT-2: interest is what the debt grew by; lenders and reserves share it to the unit.
        #[test]
        fn interest_is_conserved(vault in any_vault(), seconds in 0_u64..10 * 31_536_000) {
            let before = vault.accrue(vault.updated_at);
            let after = vault.accrue(vault.updated_at.after(seconds));
            let grown = after.debt().sub(before.debt())?;
            prop_assert_eq!(grown, after.interest);
            let reserves = after.vault.reserves.sub(before.vault.reserves)?;
            let lenders = after.total_assets().sub(before.total_assets())?;
            prop_assert_eq!(reserves.add(lenders)?, grown);
        }

        /// INT-1: accruing twice at one moment is accruing once.
        #[test]
        fn accruing_again_changes_nothing(vault in any_vault(), seconds in 0_u64..1 << 40) {
            let once = vault.accrue(vault.updated_at.after(seconds));
            let twice = once.vault.accrue(once.vault.updated_at);
            prop_assert_eq!(once.vault, twice.vault);
        }

        /// INT-2, INT-3: utilisation is a ratio, and lenders earn no more than borrowers pay.
        #[test]
        fn lenders_earn_no_more_than_borrowers_pay(vault in any_vault()) {
            let vault = vault.accrue(vault.updated_at);
            prop_assert!(vault.utilisation() <= Wad::ONE);
            prop_assert!(crate::fixed::product_at_most(
                vault.supply_rate().get(), vault.total_assets().get(),
                vault.borrow_rate().get(), debt_of_shares(vault.record().owed.shares, vault.record().index).get(),
            ));
        }

        /// SHR-1, SHR-4: drawing, repaying and a change of the premium never lower what lenders own.
        #[test]
        fn debt_operations_never_cost_lenders(
            vault in any_vault(), assets in 1_u128..1 << 100, premiums in [0_u16..=50_000, 0_u16..=50_000],
            seconds in 0_u64..10 * 31_536_000,
        ) {
            let [first, second] = premiums.map(Bps::new);
            let mut vault = vault.accrue(vault.updated_at);
            let assets = Assets::new(assets);
            let mut line = Line { owed: vault.record().owed, ..Line::new(FeedId::new(1), 18, Assets::ZERO) };
            let before = vault.total_assets();
            prop_assume!(vault.pay_out(assets).is_ok());
            let drawn = Debt::of(assets, first, vault.record().index)?;
            vault.rewrite(&mut line, Debt::ZERO, drawn)?;
            prop_assert!(vault.total_assets() >= before && !drawn.is_zero());
            prop_assert!(vault.debt_of(drawn) >= assets);
            // Time passes, the premium changes, half is repaid.
            let mut vault = vault.record().accrue(vault.record().updated_at.after(seconds));
            let index = vault.record().index;
            let (between, owed) = (vault.total_assets(), vault.debt_of(drawn));
            let changed = Debt::of(owed, second, index)?;
            vault.rewrite(&mut line, drawn, changed)?;
            prop_assert!(vault.total_assets() >= between);
            prop_assert!(vault.debt_of(changed).sub(owed)? <= Assets::new(index.get().div_ceil(RAY) + 1));
            let between = vault.total_assets();
            let half = Assets::new(owed.get() / 2);
            if let Ok(left) = changed.after(half, second, index) {
                vault.rewrite(&mut line, changed, left)?;
                vault.take_in(half)?;
                prop_assert!(vault.total_assets() >= between);
            }
        }
    }
}
