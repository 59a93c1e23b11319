//! The protocol of Gage: entities, arithmetic and operations over a [`Ledger`].
//!
//! A *vault* pools one asset of its lenders; a *market* is the rule book of borrowers; a *line* is
//! a vault's credit to a market; an *account* is one borrower in one market. Formulas take values
//! and return values; operations read and write through [`Ledger`] only, and all have one shape:
//! check, accrue, plan, write, check, emit. Post-conditions that need no second read are checked on
//! the records in hand, before these are written; all-or-nothing is the ledger's business.
//!
//! Nothing here panics, reads a clock or computes with floating point. Every division names its
//! direction and rounds against the user, for the vault.
#![cfg_attr(not(test), no_std)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::as_conversions
    )
)]

extern crate alloc;

pub mod account;
pub mod address;
pub mod aggregate;
pub mod asset;
pub mod backing;
pub mod bids;
pub mod borrowing;
pub mod breaker;
pub mod curation;
pub mod debt;
pub mod delegation;
pub mod doubt;
pub mod error;
pub mod event;
pub mod exits;
pub mod explain;
pub mod exposure;
pub mod factor;
pub mod feed;
pub mod first_loss;
pub mod fixed;
pub mod groups;
pub mod growth;
pub mod guardian;
pub mod ids;
pub mod interest;
pub mod invariants;
pub mod label;
pub mod ledger;
pub mod lending;
pub mod liquidation;
pub mod listing;
pub mod margin;
pub mod market;
pub mod memory;
pub mod meter;
pub mod pause;
pub mod pool;
pub mod portfolio;
pub mod premium;
pub mod protocol;
pub mod quote;
pub mod rates;
pub mod rebasing;
pub mod recognition;
pub mod rehoming;
pub mod shares;
pub mod signers;
pub mod sources;
pub mod stop_loss;
pub mod sweep;
pub mod terms;
pub mod token;
pub mod vault;
pub mod watch;
pub mod waterfall;

pub use account::{Account, Backing, Owed, Pledge};
pub use asset::{Asset, AssetKind};
pub use breaker::{Breaker, BreakerTerms};
pub use debt::Debt;
pub use doubt::Guards;
pub use error::{Cap, Error, Fault, Role, Stop};
pub use event::Event;
pub use factor::{Factor, FactorKind, Tags};
pub use feed::{Feed, FeedInfo, FeedKind, FeedSubject, FeedTerms};
pub use fixed::{
    Assets, Bps, Ppm, RAY, Ray, Shares, Timestamp, Units, WAD, Wad, mul_div_down, mul_div_up,
};
pub use growth::GrowthCap;
pub use guardian::{Guarded, Spell};
pub use ids::{
    AccountId, AssetId, BidId, ExposureCapId, ExposureId, FactorId, FeedId, GroupId, MarketId,
    PlaceId, QueueId, StakeId, Token, VaultId,
};
pub use interest::InterestModel;
pub use label::Label;
pub use ledger::{GuardLedger, Ledger, PriceLedger};
pub use market::{Collateral, Line, MarginModel, Market, PauseLevel};
pub use memory::MemoryLedger;
pub use meter::{Meter, MeterTerms};
pub use pause::{Pause, Pauses};
pub use pool::{PoolTerms, PoolToken, PoolTrail};
pub use portfolio::{MarginTerms, Portfolio, RiskFactor, SetPlace, Sigma};
pub use protocol::Protocol;
pub use quote::Quote;
pub use rebasing::Rebasing;
pub use signers::{SignerSet, SignerSetId};
pub use sources::{Report, Source, SourceId, SourceKind, SourceTerms};
pub use vault::{Accrued, Vault};

pub use alloy_primitives::{Address, B256, U256};
