//! What one leg does to a requirement, and at which price it makes an account liquidatable, where limits
//! are no sums over collaterals.
//!
//! With all else fixed, equity less requirement rises with a collateral's price and falls with a debt's
//! (HLT-2), however well the account is hedged: each leg has one such price or none, found by halving.

use crate::fixed::Wad;
use crate::margin::Position;
use crate::portfolio::Limit;

/// What one collateral or debt does to an account's requirement at liquidation, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegMargin {
    /// What it would require alone.
    pub alone: Wad,
    /// What the account would require without it: more than with it if it hedges the rest.
    pub without: Wad,
}

/// Which leg of a position, by its place in the lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    Collateral(usize),
    Debt(usize),
}

fn required(position: &Position) -> Option<Wad> {
    Some(position.requirement(Limit::Liquidation)?.total)
}

/// What a leg does; `None` in a market of thresholds.
pub(super) fn margin_of(position: &Position, leg: Leg) -> Option<LegMargin> {
    let (mut alone, mut without) = (position.clone(), position.clone());
    match leg {
        Leg::Collateral(place) => {
            alone.debts.clear();
            alone.collaterals = position.collaterals.get(place).copied().into_iter().collect();
            without.collaterals.remove(place);
        }
        Leg::Debt(place) => {
            alone.collaterals.clear();
            alone.debts = position.debts.get(place).copied().into_iter().collect();
            without.debts.remove(place);
        }
    }
    Some(LegMargin { alone: required(&alone)?, without: required(&without)? })
}

/// Whether the account is liquidatable while the leg has this price.
fn unhealthy(position: &mut Position, leg: Leg, price: u128) -> bool {
    let price = Wad::new(price);
    match leg {
        Leg::Collateral(place) => {
            position.collaterals.get_mut(place).into_iter().for_each(|leg| leg.price = price);
        }
        Leg::Debt(place) => {
            position.debts.get_mut(place).into_iter().for_each(|leg| leg.price = price);
        }
    }
    let totals = position.totals();
    totals.liquidation_limit < totals.debt_value
}

/// The price at which a leg makes the account liquidatable with all else fixed: for a collateral the
/// highest, for a debt the lowest. `None` if there is none, or it is so at every price of a debt.
pub(super) fn liquidation_price(position: &Position, leg: Leg) -> Option<Wad> {
    let mut moved = position.clone();
    let (lowest, highest) = (0, u128::MAX.saturating_sub(1));
    let mut at = |price| unhealthy(&mut moved, leg, price);
    let falls = matches!(leg, Leg::Collateral(_));
    let (at_lowest, at_highest) = (at(lowest), at(highest));
    match (falls, at_lowest, at_highest) {
        (true, true, true) => return Some(Wad::new(highest)),
        (true, true, false) | (false, false, true) => {}
        _ => return None,
    }
    let (mut low, mut high): (u128, u128) = (lowest, highest);
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        if at(middle) == falls {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(Wad::new(if falls { low } else { high }))
}
