//! Who bears a loss: the first-loss capital staked on the line, then the vault's reserves, then its
//! lenders through the share price.

use crate::debt::Debt;
use crate::error::Error;
use crate::first_loss::Settled;
use crate::fixed::{Assets, Shares};
use crate::vault::Accrued;

/// A loss, and who bore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// What was written off: the sum of the other three.
    pub shortfall: Assets,
    /// What the line's first-loss capital bore.
    pub from_first_loss: Assets,
    /// Its shares that are burned for it.
    pub burned: Shares,
    /// What the reserves bore.
    pub from_reserves: Assets,
    /// What the lenders bore.
    pub from_lenders: Assets,
}

impl Accrued {
    /// What cancelling a debt against `repaid` would cost: the fall of the rounded debt that the
    /// repayment does not cover.
    ///
    /// # Errors
    /// [`Error::Overflow`] if less is owed to the vault.
    pub fn loss_of(&self, debt: Debt, repaid: Assets, first_loss: &Settled) -> Result<Loss, Error> {
        let remaining = self.debt_of(self.record().owed.replacing(debt, Debt::ZERO)?);
        let shortfall = self.debt().sub(remaining)?.saturating_sub(repaid);
        let (burned, from_first_loss) = first_loss.covering(self, shortfall);
        let rest = shortfall.sub(from_first_loss)?;
        let from_reserves = rest.min(self.record().reserves);
        let from_lenders = rest.sub(from_reserves)?;
        Ok(Loss { shortfall, from_first_loss, burned, from_reserves, from_lenders })
    }

    /// Books a loss (BAD-1, BAD-2): the vault's part, the tranche books its own. The debt that it
    /// comes from is cancelled by whoever takes the payment.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the reserves are less than they are to bear.
    pub(crate) fn bear(&mut self, loss: &Loss) -> Result<(), Error> {
        let vault = self.record_mut();
        vault.shares = vault.shares.sub(loss.burned)?;
        vault.reserves = vault.reserves.sub(loss.from_reserves)?;
        vault.losses = vault.losses.saturating_add(loss.from_lenders);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::FeedId;
    use crate::market::Line;
    use crate::vault::tests::any_vault;
    use proptest::prelude::*;

    proptest! {
        /// BAD-2: reserves bear first and to the last unit, lenders the rest, nobody else.
        #[test]
        fn losses_run_down_the_waterfall(vault in any_vault(), part in 0_u128..=100, covered in 0_u128..=100) {
            let mut vault = vault.accrue(vault.updated_at);
            let Debt { shares, offset } = vault.record().owed;
            let debt = Debt {
                shares: Shares::new(shares.get() / 100 * part),
                offset: Assets::new(offset.get() / 100 * part),
            };
            let repaid = Assets::new(vault.debt_of(debt).get() / 100 * covered);
            let (reserves, lenders) = (vault.record().reserves, vault.total_assets());
            let loss = vault.loss_of(debt, repaid, &Settled::default())?;
            vault.bear(&loss)?;
            let mut line = Line { owed: vault.record().owed, ..Line::new(FeedId::new(1), 18, Assets::ZERO) };
            vault.rewrite(&mut line, debt, Debt::ZERO)?;
            vault.take_in(repaid)?;
            prop_assert_eq!(loss.from_reserves.add(loss.from_lenders)?, loss.shortfall);
            prop_assert!(loss.from_lenders.is_zero() || vault.record().reserves.is_zero());
            prop_assert_eq!(reserves.sub(loss.from_reserves)?, vault.record().reserves);
            // A repayment above the fall of the debt is the lenders' gain, by rounding only.
            let after = vault.total_assets();
            prop_assert!(after.add(loss.from_lenders)? >= lenders);
            prop_assert!(after.add(loss.from_lenders)?.sub(lenders)? <= Assets::new(2_000));
        }
    }
}
