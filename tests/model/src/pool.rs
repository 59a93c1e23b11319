//! Lenders' shares and borrowers' debts as numbers, and who bears a loss.

use crate::number::{Exact, bps, ratio, whole};

/// What all shares of a vault are worth, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Cash and debt without reserves.
    pub assets: Exact,
    /// All shares.
    pub shares: Exact,
}

impl Pool {
    /// Assets of one share, with a million virtual shares and one virtual asset.
    fn price(&self) -> Exact {
        (&self.assets + whole(1)) / (&self.shares + whole(1_000_000))
    }

    /// The shares that so many assets are.
    #[must_use]
    pub fn shares_for(&self, assets: &Exact) -> Exact {
        assets / self.price()
    }

    /// The assets that so many shares are.
    #[must_use]
    pub fn assets_for(&self, shares: &Exact) -> Exact {
        shares * self.price()
    }
}

/// What debt shares less their offset amount to; the index is one at the start.
#[must_use]
pub fn debt_of(shares: &Exact, offset: &Exact, index: &Exact) -> Exact {
    shares * index - offset
}

/// Shares and offset of a debt that bears a premium of so many basis points from now on.
#[must_use]
pub fn written(debt: &Exact, premium_points: u32, index: &Exact) -> (Exact, Exact) {
    let premium = bps(premium_points);
    (debt / index * (whole(1) + &premium), debt * premium)
}

/// Who bears a loss of a vault, in assets, and the stakes that it burns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearers {
    /// The stakes on the line.
    pub stakes: Exact,
    /// Shares of theirs that are burned.
    pub burned: Exact,
}

/// What of a loss the stakes on a line bear, at the price before it; what they do not, reserves bear, and
/// then all lenders. Stakes that are down to a millionth of their `units` are burned whole.
#[must_use]
pub fn bear(loss: &Exact, [staked, units]: [&Exact; 2], before: &Pool) -> Bearers {
    let worth = before.assets_for(staked);
    let stakes = loss.min(&worth).clone();
    let mut burned = before.shares_for(&stakes);
    if staked - &burned < units * ratio(1, 1_000_000) {
        burned = staked.clone();
    }
    Bearers { stakes, burned }
}
