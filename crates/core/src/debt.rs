//! What somebody owes, as the engine keeps it: shares that grow with the vault's borrow index, less an
//! offset that does not.
//!
//! `debt = ⌈shares · index⌉ − offset`. Without a risk premium the offset is zero. With a premium `π`,
//! `b = ⌈debt · ray / index⌉` shares of debt get `b · π` *ghost shares* beside them, and the offset takes
//! off what the ghosts stand for when they are made; from then on they grow like the others, so that the
//! debt grows by `1 + π` times the interest. A vault's total is the same formula over the sums of shares
//! and offsets: it needs no walk over its borrowers (source of the idea: Aave v4 premium shares,
//! `docs/features/UserRiskPremium.md`; ours keeps no second debt and compounds at every touch).
//!
//! Rounding: shares up, offsets down, so that an account owes at least what was asked and at most a
//! share more (a unit more with a premium), and a vault's total never falls short of what its lenders
//! gave.

use crate::error::Error;
use crate::fixed::{Assets, Bps, Ray, Shares, mul_div_down_saturating};
use crate::shares::{debt_of_shares, shares_to_clear, shares_to_owe};

/// Shares of a debt, ghosts included, and what their ghosts stood for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Debt {
    /// Shares, each worth the vault's borrow index.
    pub shares: Shares,
    /// What is taken off: the value of the ghost shares when they were made.
    pub offset: Assets,
}

impl Debt {
    /// No debt.
    pub const ZERO: Self = Self { shares: Shares::ZERO, offset: Assets::ZERO };

    /// A debt of at least `amount` from now on, at a risk premium.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn of(amount: Assets, premium: Bps, index: Ray) -> Result<Self, Error> {
        let base = shares_to_owe(amount, index)?;
        if premium == Bps::ZERO {
            return Ok(Self { shares: base, offset: Assets::ZERO });
        }
        let shares = base.add(Shares::new(premium.of_up(base.get())))?;
        let worth = mul_div_down_saturating(shares.get(), index.get(), crate::fixed::RAY);
        Ok(Self { shares, offset: Assets::new(worth).saturating_sub(amount) })
    }

    /// What it amounts to, rounded up; the largest amount if it does not fit.
    #[must_use]
    pub fn amount(self, index: Ray) -> Assets {
        debt_of_shares(self.shares, index).saturating_sub(self.offset)
    }

    /// What is left of it after a repayment of `repaid`: nothing if that is all of it. The rest keeps its
    /// premium.
    ///
    /// # Errors
    /// [`Error::ZeroShares`] if it clears none; [`Error::Overflow`].
    pub fn after(self, repaid: Assets, premium: Bps, index: Ray) -> Result<Self, Error> {
        let owed = self.amount(index);
        if repaid >= owed {
            return Ok(Self::ZERO);
        }
        if premium != Bps::ZERO {
            let left = Self::of(owed.sub(repaid)?, premium, index)?;
            let clears = left.amount(index) < owed;
            return if clears { Ok(left) } else { Err(Error::ZeroShares { assets: repaid }) };
        }
        let cleared = shares_to_clear(repaid, index)?.min(self.shares);
        if cleared.is_zero() {
            return Err(Error::ZeroShares { assets: repaid });
        }
        Ok(Self { shares: self.shares.sub(cleared)?, ..self })
    }

    /// The sum of two.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        let (shares, offset) = (self.shares.add(other.shares)?, self.offset.add(other.offset)?);
        Ok(Self { shares, offset })
    }

    /// What is left without a part of it.
    ///
    /// # Errors
    /// [`Error::Overflow`] if `part` is no part of it.
    pub fn less(self, part: Self) -> Result<Self, Error> {
        let (shares, offset) = (self.shares.sub(part.shares)?, self.offset.sub(part.offset)?);
        Ok(Self { shares, offset })
    }

    /// A total with `before` replaced by `now`.
    ///
    /// # Errors
    /// [`Error::Overflow`] if `before` was no part of it.
    pub fn replacing(self, before: Self, now: Self) -> Result<Self, Error> {
        self.less(before)?.plus(now)
    }

    /// Whether nothing is owed.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.shares.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{BPS, RAY, mul_div_up_saturating};
    use proptest::prelude::*;

    proptest! {
        /// SHR-4: a debt is at least what was asked, and at most a share more.
        #[test]
        fn a_debt_is_what_was_asked(amount in 1_u128..1 << 100, premium in 0_u16..=50_000, index in RAY..1_000 * RAY) {
            let debt = Debt::of(Assets::new(amount), Bps::new(premium), Ray::new(index))?;
            let owed = debt.amount(Ray::new(index)).get();
            let most = if premium == 0 { index.div_ceil(RAY) } else { 1 };
            prop_assert!((amount..=amount + most).contains(&owed), "{owed}");
            prop_assert!(premium != 0 || debt.offset.is_zero());
        }

        /// INT-2: while the index grows by `x`, the debt grows by `1 + (1 + premium)·(x − 1)`.
        #[test]
        fn a_debt_grows_by_its_premium(amount in 1_u128 << 40..1 << 90, premium in 0_u16..=50_000, index in RAY..100 * RAY, percent in 0_u128..300) {
            let debt = Debt::of(Assets::new(amount), Bps::new(premium), Ray::new(index))?;
            let later = Ray::new(index + index / 100 * percent);
            let grown = debt.amount(later).get() - amount;
            let base = mul_div_up_saturating(amount, later.get() - index, index);
            let expected = mul_div_up_saturating(base, BPS + u128::from(premium), BPS);
            // A share each way, six times at most.
            prop_assert!(grown.abs_diff(expected) <= 8 * later.get().div_ceil(RAY), "{grown} {expected}");
        }

        /// What is left after a repayment is what was owed less that, or less than a share more.
        #[test]
        fn a_repayment_repays(amount in 2_u128..1 << 100, part in 1_u128..=100, premium in 0_u16..=50_000, index in RAY..1_000 * RAY) {
            let index = Ray::new(index);
            let debt = Debt::of(Assets::new(amount), Bps::new(premium), index)?;
            let owed = debt.amount(index);
            let repaid = Assets::new((owed.get() / 100 * part).max(1));
            let left = debt.after(repaid, Bps::new(premium), index);
            if let Ok(left) = left {
                let rest = left.amount(index);
                prop_assert!(rest >= owed.sub(repaid)? && rest < owed);
                prop_assert!(rest.get() <= owed.get() - repaid.get() + 2 * index.get().div_ceil(RAY));
                prop_assert_eq!(left.is_zero(), repaid >= owed);
            }
            prop_assert_eq!(debt.after(owed, Bps::new(premium), index)?, Debt::ZERO);
        }
    }
}
