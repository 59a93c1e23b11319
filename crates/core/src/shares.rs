//! Conversion between assets and shares.
//!
//! Lenders: `shares = assets · (S + V) / (A + 1)` with the pool's assets `A` and shares `S` and
//! `V = 10^6` virtual shares against one virtual asset, so that neither an empty nor a
//! donated-to vault can be used to round others' deposits away (source: OpenZeppelin ERC-4626,
//! Morpho Blue `SharesMathLib`). Borrowers: `debt = shares · index`.
//!
//! Every function rounds for the vault.

use crate::error::Error;
use crate::fixed::{
    Assets, RAY, Ray, Shares, WAD, Wad, mul_div_down, mul_div_down_saturating, mul_div_up,
    mul_div_up_saturating,
};

/// Decimals that a vault's shares have beyond its asset's.
pub const VIRTUAL_DECIMALS: u8 = 6;
/// Shares that nobody owns, counted in every conversion.
pub const VIRTUAL_SHARES: Shares = Shares::new(1_000_000);
/// Assets that nobody owns, counted in every conversion.
pub const VIRTUAL_ASSETS: Assets = Assets::new(1);

/// `10^VIRTUAL_DECIMALS`, as a [`Wad`].
const SHARE_UNITS_PER_ASSET_UNIT: u128 = WAD * VIRTUAL_SHARES.get();

/// What lenders own together, and in how many shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What all shares are worth.
    pub assets: Assets,
    /// All shares.
    pub shares: Shares,
}

impl Pool {
    fn parts(self) -> Result<(u128, u128), Error> {
        Ok((self.assets.add(VIRTUAL_ASSETS)?.get(), self.shares.add(VIRTUAL_SHARES)?.get()))
    }

    /// Shares to mint for a deposit of `assets`, rounded down: whoever enters never gets more than
    /// they give.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn shares_to_mint(self, assets: Assets) -> Result<Shares, Error> {
        let (pool_assets, pool_shares) = self.parts()?;
        mul_div_down(assets.get(), pool_shares, pool_assets).map(Shares::new)
    }

    /// Assets to collect for minting `shares`, rounded up: whoever enters never gives less than
    /// they get.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn assets_to_collect(self, shares: Shares) -> Result<Assets, Error> {
        let (pool_assets, pool_shares) = self.parts()?;
        mul_div_up(shares.get(), pool_assets, pool_shares).map(Assets::new)
    }

    /// Shares to burn so that `assets` may leave, rounded up: whoever leaves never takes more than
    /// they give up.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn shares_to_burn(self, assets: Assets) -> Result<Shares, Error> {
        let (pool_assets, pool_shares) = self.parts()?;
        mul_div_up(assets.get(), pool_shares, pool_assets).map(Shares::new)
    }

    /// Assets to pay for burning `shares`, rounded down: whoever leaves never takes more than they
    /// give up.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn assets_to_pay(self, shares: Shares) -> Result<Assets, Error> {
        let (pool_assets, pool_shares) = self.parts()?;
        mul_div_down(shares.get(), pool_assets, pool_shares).map(Assets::new)
    }
}

impl Pool {
    /// What a whole share is worth in whole units of the asset, rounded down: a share has
    /// [`VIRTUAL_DECIMALS`] more decimals than the asset, so the asset's cancel out.
    #[must_use]
    pub fn share_price(self) -> Wad {
        let assets = self.assets.saturating_add(VIRTUAL_ASSETS);
        let shares = self.shares.saturating_add(VIRTUAL_SHARES);
        Wad::new(mul_div_down_saturating(assets.get(), SHARE_UNITS_PER_ASSET_UNIT, shares.get()))
    }
}

/// Debt shares that drawing `assets` creates, rounded up: nobody owes less than they drew.
///
/// # Errors
/// [`Error::Overflow`].
pub fn shares_to_owe(assets: Assets, index: Ray) -> Result<Shares, Error> {
    mul_div_up(assets.get(), RAY, index.get()).map(Shares::new)
}

/// Debt shares that repaying `assets` clears, rounded down: nobody clears more than they repay.
///
/// # Errors
/// [`Error::Overflow`].
pub fn shares_to_clear(assets: Assets, index: Ray) -> Result<Shares, Error> {
    mul_div_down(assets.get(), RAY, index.get()).map(Shares::new)
}

/// What debt shares amount to, rounded up; the largest amount if it does not fit.
#[must_use]
pub fn debt_of_shares(shares: Shares, index: Ray) -> Assets {
    Assets::new(mul_div_up_saturating(shares.get(), index.get(), RAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_pool() -> impl Strategy<Value = Pool> {
        let amount =
            || prop_oneof![0_u128..3, 0_u128..1 << 104, (0_u32..104).prop_map(|b| 1_u128 << b)];
        (amount(), amount()).prop_map(|(assets, shares)| Pool {
            assets: Assets::new(assets),
            shares: Shares::new(shares),
        })
    }

    proptest! {
        /// SHR-5: a deposit followed by its withdrawal never pays out more than went in.
        #[test]
        fn deposit_round_trip_never_enriches(pool in any_pool(), assets in 0_u128..1 << 100) {
            let assets = Assets::new(assets);
            if let Ok(shares) = pool.shares_to_mint(assets)
                && let (Ok(a), Ok(s)) = (pool.assets.add(assets), pool.shares.add(shares))
            {
                let after = Pool { assets: a, shares: s };
                prop_assert!(after.assets_to_pay(shares)? <= assets);
            }
        }

        /// SHR-5: minting shares and redeeming them never pays out more than they cost.
        #[test]
        fn mint_round_trip_never_enriches(pool in any_pool(), shares in 0_u128..1 << 100) {
            let shares = Shares::new(shares);
            if let Ok(cost) = pool.assets_to_collect(shares)
                && let (Ok(a), Ok(s)) = (pool.assets.add(cost), pool.shares.add(shares))
            {
                let after = Pool { assets: a, shares: s };
                prop_assert!(after.assets_to_pay(shares)? <= cost);
                // SHR-1: the price of those who were there before does not fall.
                prop_assert!(crate::fixed::product_at_most(
                    pool.assets.get() + 1, s.get() + 1_000_000, a.get() + 1, pool.shares.get() + 1_000_000,
                ));
            }
        }

        /// SHR-5: splitting a deposit never mints more, splitting a withdrawal never burns less.
        #[test]
        fn splitting_never_helps(pool in any_pool(), x in 0_u128..1 << 90, y in 0_u128..1 << 90) {
            let (x, y) = (Assets::new(x), Assets::new(y));
            if let (Ok(sx), Ok(sy), Ok(both)) =
                (pool.shares_to_mint(x), pool.shares_to_mint(y), pool.shares_to_mint(x.add(y)?))
            {
                prop_assert!(sx.add(sy)? <= both);
            }
            if let (Ok(bx), Ok(by), Ok(both)) =
                (pool.shares_to_burn(x), pool.shares_to_burn(y), pool.shares_to_burn(x.add(y)?))
            {
                prop_assert!(bx.saturating_add(by) >= both);
            }
        }

        /// ORC-5: a whole share is worth its price, to the unit of the asset; never more.
        #[test]
        fn a_whole_share_is_worth_its_price(pool in any_pool(), decimals in 0_u8..=12) {
            let units = 10_u128.pow(decimals.into());
            if let Ok(worth) = pool.assets_to_pay(Shares::new(units * VIRTUAL_SHARES.get())) {
                let priced = mul_div_down_saturating(units, pool.share_price().get(), WAD);
                prop_assert!(priced <= worth.get());
                let fits = pool.share_price() < Wad::MAX;
                prop_assert!(!fits || worth.get() - priced <= units.div_ceil(WAD));
            }
        }

        /// SHR-4, SHR-6: debt drawn is owed in full, debt repaid clears no more than was paid.
        #[test]
        fn debt_rounds_for_the_vault(assets in 1_u128..1 << 104, index in RAY..1_000_000 * RAY) {
            let (assets, index) = (Assets::new(assets), Ray::new(index));
            let owed = shares_to_owe(assets, index)?;
            prop_assert!(!owed.is_zero());
            prop_assert!(debt_of_shares(owed, index) >= assets);
            let cleared = shares_to_clear(assets, index)?;
            prop_assert!(mul_div_down(cleared.get(), index.get(), RAY)? <= assets.get());
            prop_assert!(cleared <= owed);
        }
    }
}
