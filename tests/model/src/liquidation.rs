//! What a liquidation pays and sells, by `docs/liquidation.md`.

use num_traits::Zero;

use crate::margin::Standing;
use crate::number::{Bound, Exact, bps, ceil, ulp, whole};

/// The bonus on its way from the smallest at a health of one to the largest at `full`.
fn on_curve(health: &Exact, full: &Exact, [least, most]: &[Exact; 2]) -> Exact {
    let one = whole(1);
    if health <= full {
        return most.clone();
    }
    if *health >= one {
        return least.clone();
    }
    least + (most - least) * (&one - health) / (&one - full)
}

/// The largest bonus that leaves no bad debt and nobody less healthy, but for a thousandth of it.
fn harmless(collateral: &Exact, health: &Exact, debt: &Exact, threshold: &Exact) -> Exact {
    let covered = collateral / debt - whole(1);
    let improving = health / threshold - whole(1);
    covered.min(improving) * whole(999) / whole(1_000)
}

/// What is sold for what: the account, the market's terms and those of the pair.
#[derive(Clone, Debug)]
pub struct Sale {
    /// The account before.
    pub standing: Standing,
    /// The health to which it is brought back.
    pub target: Exact,
    /// The health at and below which the bonus is largest.
    pub full: Exact,
    /// The collateral's threshold, in basis points.
    pub threshold: u32,
    /// Its smallest and largest bonus, in basis points.
    pub bonus: [u32; 2],
    /// Of the collateral: units, and 10^-18 dollars a unit.
    pub pledged: (Exact, Exact),
    /// Of the debt: units, rounded up, and 10^-18 dollars a unit.
    pub owed: (Exact, Exact),
    /// The line's smallest debt.
    pub min_debt: Exact,
}

/// The most that is offered.
#[derive(Clone, Debug)]
pub struct Aim {
    /// Units of the debt's asset.
    pub max_repay: Exact,
}

/// The health factor as the engine may see it: whole 10^-18, rounded down.
///
/// # Panics
/// Without debt.
#[must_use]
pub fn health_between(standing: &Standing) -> Bound {
    standing.health().expect("a debt").wider(&ulp(18), &Exact::zero())
}

/// The bonus of an open liquidation.
#[must_use]
pub fn bonus(sale: &Sale) -> Bound {
    let ends = sale.bonus.map(bps);
    let threshold = bps(sale.threshold);
    let health = health_between(&sale.standing);
    let Standing { collateral, debt, .. } = &sale.standing;
    let curve = |health: &Exact| on_curve(health, &sale.full, &ends);
    let at = |curve: Exact, collateral: &Exact, health: &Exact, debt: &Exact| {
        curve.min(harmless(collateral, health, debt, &threshold))
    };
    let unit = ulp(18);
    Bound {
        exact: at(curve(&health.exact), &collateral.exact, &health.exact, &debt.exact),
        low: at(curve(&health.high), &collateral.low, &health.low, &debt.high) - &unit * whole(4),
        high: at(curve(&health.low), &collateral.high, &health.high, &debt.low) + unit,
    }
}

/// What the queue's bids may gain at most: the bonus on the curve.
#[must_use]
pub fn curve_bonus(sale: &Sale) -> Bound {
    let ends = sale.bonus.map(bps);
    let health = health_between(&sale.standing);
    let at = |health: &Exact| on_curve(health, &sale.full, &ends);
    Bound { exact: at(&health.exact), low: at(&health.high) - ulp(18), high: at(&health.low) }
}

/// What a sale to the target repays: `x = (T·D − W) / (T − LT·(1 + b))` in dollars; `None` if no sale
/// reaches it.
fn to_target(sale: &Sale, bonus: &Exact, debt: &Exact, limit: &Exact) -> Option<Exact> {
    let per_value = &sale.target - bps(sale.threshold) * (whole(1) + bonus);
    (per_value > Exact::zero()).then(|| (&sale.target * debt - limit) / per_value)
}

/// What is repaid, in units, when the target asks for `wanted`: all rules about what is left. All collateral may cost
/// `spare` more, in 10^-18 dollars.
fn adjusted(
    sale: &Sale,
    aim: &Aim,
    wanted: Option<Exact>,
    (bonus, spare): (&Exact, &Exact),
) -> Exact {
    let ((pledged, price), (owed, debt_price)) = (&sale.pledged, &sale.owed);
    let worth = (pledged * price / (whole(1) + bonus) + spare) / debt_price;
    let most = owed.min(&worth).min(&aim.max_repay).clone();
    let mut repaid = wanted.map_or(most.clone(), |wanted| wanted.min(most.clone()));
    // Collateral that is worth less than the smallest debt is sold as well.
    let left = pledged * price - &repaid * (whole(1) + bonus) * debt_price;
    if left < &sale.min_debt * debt_price {
        repaid = most.clone();
    }
    let rest = owed - &repaid;
    if rest <= Exact::zero() || rest >= sale.min_debt {
        return repaid;
    }
    // So is debt below it repaid, where both sides can; else the smallest debt is left, if that repays
    // a hundredth of it.
    if most >= *owed {
        return owed.clone();
    }
    let down = owed - &sale.min_debt;
    if down >= &sale.min_debt / whole(100) { down } else { worth.min(owed.clone()) }
}

/// What a liquidation repays at most, in units of the debt's asset: the size that the target asks for is at
/// most a unit of collateral more than exact, and of the values on the way four at most are rounded up to 10^-18 dollars,
/// which is many units of a debt that is worth less.
#[must_use]
pub fn repayment(sale: &Sale, aim: &Aim, bonus: &Bound) -> Bound {
    let Standing { debt, liquidation_limit: limit, .. } = &sale.standing;
    let (_, debt_price) = &sale.owed;
    let units = |bonus: &Exact, debt: &Exact, limit: &Exact| {
        to_target(sale, bonus, debt, limit).map(|value| value / debt_price)
    };
    let (none, spare) = (whole(0), whole(4));
    let lot = (&sale.pledged.1 + &spare) / debt_price + whole(2);
    let exact = units(&bonus.exact, &debt.exact, &limit.exact);
    let low = units(&bonus.low, &debt.low, &limit.high);
    let high = units(&bonus.high, &debt.high, &limit.low).map(|units| units + &lot);
    let ends = [
        adjusted(sale, aim, low.clone(), (&bonus.low, &none)),
        adjusted(sale, aim, low, (&bonus.high, &none)),
        adjusted(sale, aim, high.clone(), (&bonus.low, &spare)),
        adjusted(sale, aim, high, (&bonus.high, &spare)),
    ];
    let exact = adjusted(sale, aim, exact, (&bonus.exact, &none));
    let low = ends.iter().min().unwrap_or(&exact).clone();
    let high = ends.iter().max().unwrap_or(&exact).clone();
    Bound { exact, low: low - whole(1), high: ceil(&high) + whole(1) }
}

/// What a repayment buys of the collateral, rounded down; no more than there is. What is repaid, and what that buys, are
/// values rounded down to 10^-18 dollars, which is many units of a collateral that is worth less.
#[must_use]
pub fn seizable(sale: &Sale, repaid: &Exact, bonus: &Bound) -> Bound {
    let ((pledged, price), (_, debt_price)) = (&sale.pledged, &sale.owed);
    let buys = |bonus: &Exact| repaid * debt_price * (whole(1) + bonus) / price;
    let at_most = |units: Exact| units.min(pledged.clone());
    let unseen = (whole(2) + &bonus.high) / price;
    Bound {
        exact: at_most(buys(&bonus.exact)),
        low: at_most(buys(&bonus.low) - unseen) - whole(1),
        high: at_most(buys(&bonus.high)),
    }
}
