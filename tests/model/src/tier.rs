//! The bids of one discount, each with its own exact part of every fill (`docs/liquidation.md`).

use std::collections::BTreeMap;

use num_traits::Zero;

use crate::number::{Bound, Exact, whole};

#[derive(Clone, Debug)]
struct Bid {
    shares: Exact,
    bought: Exact,
    /// Units by which rounding may have taken off: one for each fill and each settlement.
    roundings: u32,
}

/// Bids by their bidder.
#[derive(Clone, Debug)]
pub struct Tier<B> {
    bids: BTreeMap<B, Bid>,
    /// Collateral that rounding kept from bids that went.
    dust: Exact,
    /// The same once all had gone: the next fill gives it away.
    carried: Exact,
}

impl<B> Default for Tier<B> {
    fn default() -> Self {
        Self { bids: BTreeMap::new(), dust: Exact::zero(), carried: Exact::zero() }
    }
}

impl<B: Ord + Clone> Tier<B> {
    /// Adds shares to a bid.
    pub fn place(&mut self, bidder: B, shares: &Exact) {
        let new = Bid { shares: Exact::zero(), bought: Exact::zero(), roundings: 0 };
        let bid = self.bids.entry(bidder).or_insert(new);
        bid.shares += shares;
        bid.roundings += 1;
    }

    /// Spends some of the tier's shares for collateral, each bid in proportion to its own.
    pub fn fill(&mut self, spent: &Exact, collateral: &Exact, shares: &Exact) {
        let all = collateral + core::mem::replace(&mut self.carried, Exact::zero());
        for bid in self.bids.values_mut() {
            bid.bought += &all * &bid.shares / shares;
            bid.shares = &bid.shares * (shares - spent) / shares;
            bid.roundings += 1;
        }
    }

    /// Takes shares and collateral out of a bid.
    ///
    /// # Panics
    /// If there is no such bid.
    pub fn take(&mut self, bidder: &B, shares: &Exact, bought: &Exact) {
        let bid = self.bids.get_mut(bidder).expect("a bid");
        bid.shares -= shares;
        bid.bought -= bought;
        bid.roundings += 1;
    }

    /// What bids have of shares and of bought collateral: less than exact by a unit for each rounding.
    #[must_use]
    pub fn bids(&self) -> Vec<(B, [Bound; 2])> {
        let bounds = |bid: &Bid| {
            let most = whole(bid.roundings);
            [&bid.shares, &bid.bought].map(|exact| Bound::down(exact.clone(), &most))
        };
        self.bids.iter().map(|(bidder, bid)| (bidder.clone(), bounds(bid))).collect()
    }

    /// Forgets a bid that is gone; what rounding kept from it stays.
    pub fn forget(&mut self, bidder: &B) {
        if let Some(gone) = self.bids.remove(bidder) {
            self.dust += gone.bought;
        }
        if self.bids.is_empty() {
            self.carried += core::mem::replace(&mut self.dust, Exact::zero());
        }
    }
}
