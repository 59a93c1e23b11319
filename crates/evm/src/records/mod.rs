//! How entities lie in storage: few slots each, at keys that cannot collide.
//!
//! A record is written as bytes, field after field, most significant first, from the left end of
//! its first slot; `eth_getStorageAt` shows them in that order. [`keys`] says where each lies.

mod account;
pub(crate) mod keys;
mod market;
mod oracle;
mod protocol;
mod token;
mod vault;
mod word;

pub(crate) use account::{account_from_words, account_slots, account_words};
pub(crate) use market::{market_from_words, market_slots, market_words};

use alloy_primitives::U256;
use gage_core::Fault;

/// An entity of `N` slots, the first of which is never zero once it was written.
pub(crate) trait Record<const N: usize>: Sized {
    /// The slots' contents.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if a field is wider than its place, which `core`'s limits exclude.
    fn to_words(&self) -> Result<[U256; N], Fault>;

    /// The entity that lies in these slots.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if no entity does.
    fn from_words(words: [U256; N]) -> Result<Self, Fault>;
}
