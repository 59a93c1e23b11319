//! The liquidation index: finds the accounts that may have fallen below their alert, at a cost that
//! depends on how many are near it.
//!
//! Accounts with the same collaterals and debts in the same market, on the same terms, form a *class*.
//! A class's *bands* each have a reference: `fᵢ = price · threshold` of each collateral and
//! `gⱼ = price · indexᵏ` of each debt when the band was opened, with `k = 1` for accounts without a risk
//! premium. Thresholds are those in force for the class: of the oldest terms that its accounts may be
//! on ([`crate::terms`]), and of the group that they are in ([`crate::groups`]). An account is filed
//! under its health factor at the reference, over its alert. With amounts `aᵢ` and debt shares `sⱼ`,
//! health is `Σ aᵢ·fᵢ / Σ sⱼ·gⱼ`, so whatever prices, interest and thresholds did since,
//!
//! ```text
//! health now ≥ health at the reference · min(fᵢ now / fᵢ) / max(gⱼ now / gⱼ)
//! ```
//!
//! and one comparison tells how far into a band's order to look. A debt with a premium `π` grows by
//! `1 + r·(x − 1)` while the index grows by `x`, with `r ≤ 1 + π`, and that is at most `xᵏ` for whole
//! `k > 1 + π`: such accounts are filed as if they owed `debt / xᵏ` at the reference. With one
//! collateral, one debt and no premium the comparison is exact; otherwise it errs to the safe side, and an account that was judged healthy is
//! filed anew at the present reference. The index is derived data: it is built from the accounts, and
//! which of them it returns beyond those that are due depends on its history; who is due does not.
//!
//! In a market with portfolio margin health is no such ratio; its accounts are filed by how much they could
//! lose instead (`slack`).
//!
//! `filing` puts accounts into bands, `search` finds those that are due; both compare a band's `reference` with what
//! the ledger says now (`scene`).
//!
//! Slack. The exact health rounds each collateral's value down twice by less than 1e-18 dollars, and
//! each debt up by less than one unit of its asset and 1e-18 dollars. One unit is at most one share of
//! debt, so debts are filed with one share more; the rest is below 1e-10 of a debt of 1e-6 dollars.
//! Bounds are widened by 1e-9, smaller debts are always suspected, and so is every account of a band
//! whose debts have lost so much of their price that this might not hold.

use crate::ids::{AccountId, MarketId};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloy_primitives::Address;
use core::ops::Bound;

mod composition;
mod filing;
mod ratio;
mod reference;
mod scene;
mod search;
mod slack;

use composition::Composition;
use filing::{Band, Entry};

/// The accounts with debt, by how far they are from their alert.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    places: BTreeMap<AccountId, u32>,
    classes: BTreeMap<Composition, Vec<Band>>,
    bands_opened: u32,
}

impl Watch {
    /// An index of no account.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many accounts are filed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The markets that have accounts with debt, in the order of their numbers.
    #[must_use]
    pub fn markets(&self) -> Vec<MarketId> {
        let mut markets = Vec::new();
        let mut next = self.places.keys().next();
        while let Some(id) = next {
            markets.push(id.market);
            let last = AccountId { owner: Address::repeat_byte(u8::MAX), sub: u32::MAX, ..*id };
            let after = self.places.range((Bound::Excluded(last), Bound::Unbounded));
            next = after.map(|(id, _)| id).next();
        }
        markets
    }

    /// The accounts with debt of a market, in the order of their ids. Which these are follows from the accounts alone.
    pub fn accounts_of(&self, market: MarketId) -> impl Iterator<Item = AccountId> + Clone {
        let first = AccountId { market, owner: Address::ZERO, sub: 0 };
        let all = self.places.range(first..).map(|(id, _)| *id);
        all.take_while(move |id| id.market == market)
    }

    fn entry_at(&self, place: u32) -> Option<&Entry> {
        let slot = usize::try_from(place).ok().and_then(|place| self.entries.get(place));
        slot.and_then(Option::as_ref)
    }
}
