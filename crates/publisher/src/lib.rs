//! The publisher: prices from exchanges, read, put together, signed and handed in to a node.
//!
//! [`venues`] says how each exchange is spoken to; what it answers becomes a [`Tick`]. An [`Aggregator`] keeps the newest
//! tick of each venue and makes prices of them by the chain's own arithmetic ([`gage_core::aggregate`]). A [`Poster`]
//! says which of them are due, signs and hands them in. [`faults`] falsify what a venue says, for replays and drills.
//! [`run`] wires these to the network; nothing else here knows of it, or of a clock.

mod aggregator;
pub mod config;
mod connector;
pub mod decimal;
pub mod faults;
mod health;
mod poster;
pub mod run;
pub mod tick;
pub mod venues;

pub use aggregator::{Aggregator, Outcome, Pair, Priced, VenueState};
pub use config::Config;
pub use poster::{Poster, sign_report};
pub use tick::Tick;
pub use venues::Venue;
