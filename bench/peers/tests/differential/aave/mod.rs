//! Aave v3.6 beside Gage: three collaterals that nobody lends, three assets that are lent, the same curves, fees,
//! prices and operations.
//!
//! After every step interest is counted in every reserve and vault, and these agree:
//!
//! | quantity | Gage beside Aave |
//! |---|---|
//! | cash | equal, but for what was paid differently, to the unit |
//! | borrow index | never less than Aave's; more by at most the rounding below |
//! | liquidity index | the growth of Gage's share price: never less, and more by exactly what the two rules below give |
//! | debts | never less than Aave's, more by at most an index of units for each operation |
//! | collateral, its value | equal; the value to a unit of Aave's 8 decimals for each collateral |
//! | debt's value | the same for each debt, and the units of its amount |
//! | LTV, threshold | Aave's averages, which are cut to whole basis points |
//! | health factor | to the rounding of both values |
//!
//! The rounding, all of it for the vault: Gage's rate is of a utilisation rounded up to 18 decimals and itself rounded up to a
//! ray a second, its index up; Aave rounds each to the nearest ray. Both round debt shares up when drawn and down when
//! repaid.
//!
//! What differs by rule, and why that favours the lenders:
//!
//! - **Lenders' interest**: borrowers' debts compound between two operations on both; Aave's lenders are credited linearly, Gage's
//!   with all that is owed more, less the fee. The difference is theirs on Gage, nobody's on Aave.
//! - **Fee**: Gage's reserves bear no interest, so lenders earn it; Aave's treasury earns like a lender.
//! - **LTV**: to release collateral, Gage judges by the LTV, Aave by the threshold: a borrower cannot
//!   step up to the edge of liquidation.
//! - **Average LTV**: Aave's is cut to a whole basis point of all collateral, Gage counts each collateral: up to a basis point more
//!   may be borrowed. The threshold, which guards the lenders, is judged exactly on both.
//! - **Small amounts**: what is worth no share is not taken; a deposit has a million shares for each unit on Gage.

mod history;
mod pair;

use crate::history::{Extent, run};
use history::AaveHistory;

/// INT-1, INT-2, INT-3, HLT-1, HLT-2, SHR-1, SHR-4 beside Aave's contracts.
#[test]
fn histories_on_aave() {
    run::<AaveHistory>(&Extent {
        peer: "Aave v3.6",
        steps: 120,
        seeds: 4,
        enough: 400,
        expected: &[
            "supply: done",
            "withdraw: done",
            "supply collateral: done",
            "withdraw collateral: done",
            "borrow: done",
            "repay: done",
            "repay all: done",
            "accounts with several collaterals and debts",
            "unhealthy accounts",
        ],
    });
}
