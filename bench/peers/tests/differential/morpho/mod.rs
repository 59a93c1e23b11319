//! Morpho Blue beside Gage: one collateral, one debt, the same curve, fee, prices and operations.
//!
//! After every step interest is counted on both and these agree:
//!
//! | quantity | Gage beside Morpho |
//! |---|---|
//! | cash | equal, but for what was paid differently, to the unit |
//! | debts | never less than Morpho's, less the unit to which Morpho rounds each up and its virtual share's part; more by at most the rounding below |
//! | lenders' assets | cash and debt without the fee's part, to the unit; what all lenders have and took out is never less than on Morpho, nor is one lender's, but for three rules below: fee, more cash, more assets |
//! | collateral | equal, to the unit |
//! | fee | what was taken for it agrees within the rounding of each interest |
//! | liquidations | the same accounts; the same repayment takes the same collateral or less |
//! | bad debt | never more than Morpho's |
//!
//! The rounding, all of it for the vault: a debt share of Gage's is worth its index, one of Morpho's a millionth of that, so
//! that drawing and repaying each leave up to an index of units more to pay; Morpho's rate has 18 decimals, rounded
//! down, Gage's 27, rounded up; Morpho's growth is rounded down to 18 decimals and its interest to whole units,
//! Gage's index up to 27. What is owed more is lent more, and so counts in the utilisation.
//!
//! What differs by rule, and why that favours the lenders:
//!
//! - **LTV**: new risk is judged on an LTV that is one percent or more below the threshold, on Morpho on the LLTV itself: no
//!   account is liquidatable in the block that it borrows in.
//! - **Bonus**: in whole basis points, rounded down: liquidators get at most Morpho's. It is a
//!   thousandth smaller where it would leave bad debt or a less healthy account.
//! - **Size**: Gage sells what brings the account to the market's target health, Morpho any part. What is sold
//!   is repaid on both.
//! - **Insolvency**: whoever owes more than collateral covers at the bonus is closed out whole; Morpho lets liquidators
//!   take a part, and writes off when all collateral is gone. Here bad debt cannot wait.
//! - **Fee**: reserves that bear no interest and bear losses first; on Morpho shares that earn like the others and
//!   lose like the others. Lenders earn what the reserves do not, and lose after them.
//!   When they are used up, whoever lends at the next loss bears what Morpho's fee shares would have borne of it: less than
//!   the reserves bore for all before; the test follows by how much.
//! - **Shares for nothing**: shares worth no unit are not redeemed, amounts worth no share are not taken; Morpho
//!   does both.
//! - **Repaying more than is owed** takes what is owed; on Morpho the call fails. The histories repay what is owed.
//! - **More cash**: what liquidators pay more lies in Gage's vault. Utilisation, and with it the rate, is lower by that; the
//!   test follows by how much. It is less than what was paid.
//! - **More lenders' assets**: where those who were there have gained, whoever lends later earns a smaller part of the same
//!   interest; the test follows by how much. It is the earlier lenders'.
//! - **Virtual shares**: Morpho counts a virtual debt, which earns interest that nobody owes: the total exceeds
//!   the debts by that. Gage's total is its debts, rounded up once.

mod history;
mod liquidation;
mod pair;
mod terms;

use crate::history::{Extent, run};
use history::MorphoHistory;

/// SHR-1, SHR-4, INT-1, INT-2, LIQ-3, BAD-1, BAD-2 beside Morpho Blue's contract.
#[test]
fn histories_on_morpho_blue() {
    run::<MorphoHistory>(&Extent {
        peer: "Morpho Blue",
        steps: 150,
        seeds: 12,
        enough: 1_500,
        expected: &[
            "supply: done",
            "withdraw: done",
            "withdraw all: done",
            "supply collateral: done",
            "withdraw collateral: done",
            "borrow: done",
            "repay: done",
            "repay all: done",
            "liquidation in part",
            "close-out with bad debt",
            "Gage alone refuses: above the LTV",
        ],
    });
}
