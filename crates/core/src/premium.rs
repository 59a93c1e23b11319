//! The risk premium: debt that riskier collateral backs pays more than the base rate.
//!
//! Each collateral has a weight `wᵢ`. Collaterals are counted from the smallest weight on until their
//! values `vᵢ` reach the debt; over that part the premium is the mean weight, `Σ wᵢ·vᵢ / Σ vᵢ`, and
//! the account pays `base rate · (1 + premium)` (source of the formula: Aave v4,
//! `docs/features/UserRiskPremium.md`). More of a better collateral lowers it; unused risky collateral
//! costs nothing.
//!
//! An account's debts are written at its premium ([`crate::debt`]) when it draws, releases, is
//! liquidated, or anyone asks for it ([`refresh_risk_premium`]): after a repayment, after new
//! collateral, or when weights or prices have changed. The lenders receive it.

use crate::account::Account;
use crate::debt::Debt;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::exposure::store_account;
use crate::fixed::{Bps, Wad, product_at_most};
use crate::ids::AccountId;
use crate::ledger::Ledger;
use crate::margin::{Position, Prices, Totals};
use alloc::vec::Vec;
use alloy_primitives::U256;

/// The premium of a debt of `debt_value` that collaterals of these weights and values back, in basis
/// points, rounded up. All of them count if they are worth less; without any there is none.
#[must_use]
pub fn premium_of(backing: &mut [(Bps, Wad)], debt_value: Wad) -> Bps {
    backing.sort_unstable_by_key(|(weight, _)| *weight);
    let mut missing = debt_value;
    let (mut weighted, mut counted) = (U256::ZERO, U256::ZERO);
    for (weight, value) in backing.iter() {
        let part = U256::from(missing.min(*value).get());
        weighted = weighted.saturating_add(part.saturating_mul(U256::from(weight.get())));
        counted = counted.saturating_add(part);
        missing = missing.saturating_sub(*value);
    }
    // A mean of weights is one of them at most.
    let (mean, rest) = match counted.is_zero() {
        true => (U256::ZERO, U256::ZERO),
        false => weighted.div_rem(counted),
    };
    let mean = mean.saturating_add(U256::from(u8::from(!rest.is_zero())));
    Bps::new(u16::try_from(mean).unwrap_or(u16::MAX))
}

impl Position {
    /// The premium of what backs the debt now.
    #[must_use]
    pub fn risk_premium_now(&self) -> Bps {
        if self.collaterals.iter().all(|leg| leg.terms.risk_weight == Bps::ZERO) {
            return Bps::ZERO;
        }
        let owed = self.debts.iter().fold(Wad::ZERO, |sum, leg| sum.saturating_add(leg.value()));
        let legs = self.collaterals.iter();
        let mut backing: Vec<_> = legs.map(|leg| (leg.terms.risk_weight, leg.value())).collect();
        premium_of(&mut backing, owed)
    }

    /// Writes every debt at the premium of what backs it now, if that has changed.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn reprice(&mut self) -> Result<(), Error> {
        let premium = self.risk_premium_now();
        if premium == self.risk_premium {
            return Ok(());
        }
        for leg in self.debts.iter_mut().filter(|leg| !leg.debt.is_zero()) {
            leg.rewrite(Debt::of(leg.amount(), premium, leg.accrued.record().index)?)?;
        }
        self.risk_premium = premium;
        Ok(())
    }

    /// [`Self::reprice`] after a sale, unless rounding would undo what the sale improved (LIQ-2): a few
    /// units were sold then, and the next call settles it.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn reprice_after_sale(&mut self, before: &Totals) -> Result<(), Error> {
        if self.risk_premium_now() == self.risk_premium {
            return Ok(());
        }
        let mut repriced = self.clone();
        repriced.reprice()?;
        let now = repriced.totals();
        let improved = product_at_most(
            before.liquidation_limit.get(),
            now.debt_value.get(),
            now.liquidation_limit.get(),
            before.debt_value.get(),
        );
        if improved {
            *self = repriced;
        }
        Ok(())
    }

    /// Writes those debts of the position that were rewritten, with vault, line and tranche, and notes
    /// them and what backs them in `account`, which the caller writes.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub(crate) fn store_debts<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        id: &AccountId,
        account: &mut Account,
    ) -> Result<(), Stop> {
        for leg in &self.debts {
            if leg.rewritten || account.debt(leg.index) != leg.debt {
                leg.store(ledger, id.market)?;
                account.set_debt(leg.index, leg.debt);
            }
        }
        self.attribute(account);
        self.store_premium(ledger, id, account)
    }

    /// Notes the premium in `account`, and tells of it if it has changed.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub(crate) fn store_premium<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        id: &AccountId,
        account: &mut Account,
    ) -> Result<(), Stop> {
        if !account.has_debt() || account.risk_premium == self.risk_premium {
            return Ok(());
        }
        account.risk_premium = self.risk_premium;
        ledger.emit(Event::RiskPremiumChanged { account: *id, premium: self.risk_premium })
    }
}

/// Writes an account's debts at the premium of what backs them now, and returns it; tracked debts are
/// attributed anew ([`crate::exposure`]). Anyone may call it, for any account.
///
/// # Errors
/// [`Error::NoDebt`], [`Error::StalePrice`], [`Error::PriceOutOfBounds`], [`Error::UnknownMarket`],
/// or a fault of the ledger.
pub fn refresh_risk_premium<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &AccountId,
) -> Result<Bps, Stop> {
    let market = ledger.market(id.market)?;
    let mut account = ledger.account(id)?;
    if !account.has_debt() {
        return Err(Error::NoDebt.into());
    }
    let mut position = Position::load(ledger, (id.market, &market), &account, Prices::Fresh)?;
    position.reprice()?;
    position.store_debts(ledger, id, &mut account)?;
    let _whatever_it_moves = store_account(ledger, id, &market, &mut account)?;
    Ok(account.risk_premium)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of Aave v4's documentation: the best collateral counts first, and only as far as
    /// the debt reaches.
    #[test]
    fn the_best_collateral_counts_first() {
        let usd = |amount: u128| Wad::new(amount * crate::fixed::WAD);
        let mut backing = [(Bps::new(5_000), usd(4_000)), (Bps::new(1_000), usd(10_000))];
        assert_eq!(premium_of(&mut backing, usd(8_000)), Bps::new(1_000));
        // 10,000 at 10 % and 2,000 at 50 %: 2,000 / 12,000, rounded up.
        assert_eq!(premium_of(&mut backing, usd(12_000)), Bps::new(1_667));
        // Debt beyond all collateral changes nothing.
        assert_eq!(premium_of(&mut backing, usd(20_000)), Bps::new(2_143));
        assert_eq!(premium_of(&mut backing, Wad::ZERO), Bps::ZERO);
        assert_eq!(premium_of(&mut [], usd(1)), Bps::ZERO);
    }

    proptest! {
        /// INT-2: a premium lies between the weights, and better collateral never raises it.
        #[test]
        fn better_collateral_never_costs_more(
            legs in prop::collection::vec((0_u16..=50_000, 0_u128..1 << 100), 1..8),
            more in 1_u128..1 << 100, debt in 1_u128..1 << 102,
        ) {
            let mut backing: Vec<_> =
                legs.iter().map(|(w, v)| (Bps::new(*w), Wad::new(*v))).collect();
            let premium = premium_of(&mut backing, Wad::new(debt));
            let best = backing.iter().map(|(weight, _)| *weight).min().unwrap();
            prop_assert!(premium <= backing.iter().map(|(weight, _)| *weight).max().unwrap());
            backing.push((best, Wad::new(more)));
            prop_assert!(premium_of(&mut backing, Wad::new(debt)) <= premium.max(best));
        }
    }
}
