//! What the searches of portfolio margin cost: the size of a sale, and the price at which a leg would be
//! liquidated. Nothing in a market of thresholds.

use super::Answer;
use super::frame::Records;
use crate::gas;
use gage_core::{AccountId, MarketId, margin};

/// Charges for so many sales of an account.
pub(super) fn charge_sales(ledger: &mut Records<'_>, id: &AccountId, sales: u64) -> Answer<()> {
    let legs = margin::legs_to_search(ledger, id.market, &[*id])?;
    charge(ledger, legs, sales)
}

/// Charges for explaining the account that these make in `market`: the price of each leg, and a sale.
pub(super) fn charge_explanation(
    ledger: &mut Records<'_>,
    market: MarketId,
    accounts: &[AccountId],
) -> Answer<()> {
    let legs = margin::legs_to_search(ledger, market, accounts)?;
    charge(ledger, legs, legs.saturating_add(1))
}

fn charge(ledger: &mut Records<'_>, legs: u64, searches: u64) -> Answer<()> {
    Ok(ledger.slots().meter().charge(gas::search(legs).saturating_mul(searches))?)
}
