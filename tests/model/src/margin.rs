//! How much an account may owe, by `docs/margin.md`, and its risk premium, by `docs/risk-premium.md`.

use num_traits::Zero;

use crate::number::{Bound, Exact, bps, ceil, floor, whole};

/// A collateral of an account.
#[derive(Clone, Debug)]
pub struct Pledged {
    /// What it is worth, in 10^-18 dollars.
    pub value: Exact,
    /// Most debt per value when drawing or releasing, in basis points.
    pub ltv: u32,
    /// Debt per value above which liquidation starts, in basis points.
    pub threshold: u32,
    /// The smallest and the largest bonus, in basis points.
    pub bonus: [u32; 2],
    /// The risk weight, in basis points.
    pub weight: u32,
}

/// A debt of an account.
#[derive(Clone, Debug)]
pub struct Owed {
    /// In units of the vault's asset, as far as earlier roundings leave that open.
    pub amount: Bound,
    /// 10^-18 dollars a unit.
    pub price: Exact,
}

impl Owed {
    /// What it is worth: amount and value are rounded up.
    #[must_use]
    pub fn value(&self) -> Bound {
        let Bound { exact, low, high } = &self.amount;
        let high = ceil(&(ceil(high) * &self.price));
        Bound { exact: exact * &self.price, low: low * &self.price, high }
    }
}

/// The values of an account, in 10^-18 dollars.
#[derive(Clone, Debug)]
pub struct Standing {
    /// All collateral.
    pub collateral: Bound,
    /// All debt.
    pub debt: Bound,
    /// The most debt after drawing or releasing.
    pub borrow_limit: Bound,
    /// The most debt before liquidation.
    pub liquidation_limit: Bound,
    /// What liquidators would pay for all collateral at the smallest bonus.
    pub cover: Bound,
}

impl Standing {
    /// The values of what is pledged and owed.
    #[must_use]
    pub fn of(pledged: &[Pledged], owed: &[Owed]) -> Self {
        let sum = |part: &dyn Fn(&Pledged) -> Exact, roundings: i32| {
            let parts = pledged.iter().map(|one| Bound::down(part(one), &whole(roundings)));
            parts.fold(Bound::just(Exact::zero()), |sum, part| sum.plus(&part))
        };
        let debts = owed.iter().map(Owed::value);
        Self {
            collateral: sum(&|one| one.value.clone(), 1),
            debt: debts.fold(Bound::just(Exact::zero()), |sum, debt| sum.plus(&debt)),
            borrow_limit: sum(&|one| &one.value * bps(one.ltv), 2),
            liquidation_limit: sum(&|one| &one.value * bps(one.threshold), 2),
            cover: sum(&|one| &one.value / (whole(1) + bps(one.bonus[0])), 2),
        }
    }

    /// Whether the account is healthy: `None` where rounding decides.
    #[must_use]
    pub fn healthy(&self) -> Option<bool> {
        self.debt.is_at_most(&self.liquidation_limit)
    }

    /// Whether the debt is within the borrow limit.
    #[must_use]
    pub fn within_limit(&self) -> Option<bool> {
        self.debt.is_at_most(&self.borrow_limit)
    }

    /// Whether liquidators would pay all debt for all collateral at the smallest bonuses.
    #[must_use]
    pub fn covered(&self) -> Option<bool> {
        self.debt.is_at_most(&self.cover)
    }

    /// Liquidation limit over debt; `None` without debt.
    #[must_use]
    pub fn health(&self) -> Option<Bound> {
        let over = |limit: &Exact, debt: &Exact| limit.max(&Exact::zero()) / debt;
        (!self.debt.low.is_zero()).then(|| Bound {
            exact: over(&self.liquidation_limit.exact, &self.debt.exact),
            low: over(&self.liquidation_limit.low, &self.debt.high),
            high: over(&self.liquidation_limit.high, &self.debt.low),
        })
    }
}

/// The mean weight of what backs a debt of this value, the best first.
fn premium(pledged: &[Pledged], debt: &Exact) -> Exact {
    let mut order: Vec<&Pledged> = pledged.iter().collect();
    order.sort_by_key(|one| one.weight);
    let (mut left, mut backed, mut weighed) = (debt.clone(), Exact::zero(), Exact::zero());
    for one in order {
        let part = floor(&one.value).min(left.clone());
        weighed += &part * whole(one.weight);
        backed += &part;
        left -= part;
    }
    if backed.is_zero() { backed } else { weighed / backed }
}

/// The risk premium in basis points, rounded up, for debts of a value between two: it rises with debt.
#[must_use]
pub fn premium_between(pledged: &[Pledged], debt: (&Exact, &Exact)) -> Bound {
    let (low, high) = (premium(pledged, debt.0), premium(pledged, debt.1));
    Bound { low: ceil(&low), high: ceil(&high), exact: low }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `docs/risk-premium.md`.
    #[test]
    fn premiums_are_those_of_the_documentation() {
        let pledged = |value: u32, weight| Pledged {
            value: whole(value),
            ltv: 0,
            threshold: 0,
            bonus: [0, 0],
            weight,
        };
        let at = |good, risky, debt: u32| {
            let pledged = [pledged(risky, 2_500), pledged(good, 0)];
            premium_between(&pledged, (&whole(debt), &whole(debt))).high
        };
        assert_eq!(at(0, 500, 300), whole(2_500));
        assert_eq!(at(300, 500, 300), whole(0));
        assert_eq!(at(150, 500, 300), whole(1_250));
        assert_eq!(at(150, 500, 350), whole(1_429));
        assert_eq!(at(150, 500, 150), whole(0));
    }
}
