//! The protocol in exact rationals: a slow, independent model that tests hold the engine against.
//!
//! It is written from the protocol's pages (`docs/`) and from what the engine's documentation states as
//! formulas, and shares no code or type with the engine. A formula gives a [`Bound`]: the exact value,
//! and how far rounding may take the engine's number from it, and to which side. `gage-core`'s tests
//! read a ledger's records into it (`tests/beside`), and compare after every step.
#![deny(missing_docs)]

mod exits;
mod interest;
mod liquidation;
mod margin;
mod number;
mod pool;
mod terms;
mod tier;

pub use exits::Exits;
pub use interest::{Accrual, Curve, Lent, accrue, exp, supply_rate};
pub use liquidation::{Aim, Sale, bonus, curve_bonus, health_between, repayment, seizable};
pub use margin::{Owed, Pledged, Standing, premium_between};
pub use number::{Bound, Exact, bps, ceil, floor, ratio, ray, ulp, wad, whole};
pub use pool::{Bearers, Pool, bear, debt_of, written};
pub use terms::{Binding, History};
pub use tier::Tier;
