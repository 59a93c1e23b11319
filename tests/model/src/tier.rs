//! The bids of one discount, each with its own exact part of every fill (`docs/liquidation.md`).

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::{One, Zero};

use crate::number::{Bound, Exact, whole};

/// Digits of the engine's product, in bits: it is above `2^120`, and each fill loses less than one of it.
const PRODUCT_BITS: usize = 120;

/// A bid without any rounding, and how far below it the engine's may be.
///
/// A settlement cuts a bid down to whole shares, so that it loses less than one; a fill loses less than `2^-120` of them
/// by the product; and what is left of less than a share may be so many scales back that it is not reached. What a bid
/// lacks in shares it lacks in all that these would have bought from then on: many units, where a share buys many.
/// Beside that a settlement loses less than a unit, and a fill `2^-120` units for each share there was at the last
/// settlement.
#[derive(Clone, Debug)]
struct Bid {
    shares: Exact,
    bought: Exact,
    /// Shares when it was last settled.
    settled: Exact,
    shares_lost: Exact,
    bought_lost: Exact,
}

impl Bid {
    fn none() -> Self {
        let [shares, bought, settled, shares_lost, bought_lost] =
            core::array::from_fn(|_| Exact::zero());
        Self { shares, bought, settled, shares_lost, bought_lost }
    }

    /// What a number of shares loses by one rounding of the product.
    fn by_product(shares: &Exact) -> Exact {
        shares / Exact::from_integer(BigInt::one() << PRODUCT_BITS)
    }

    /// Brings it to the tier's present point, and gives and takes shares and collateral.
    fn settle(&mut self, shares: &Exact, bought: &Exact) {
        self.shares_lost += whole(1);
        self.bought_lost += whole(1);
        self.shares += shares;
        self.bought += bought;
        self.settled = self.shares.clone();
    }

    /// Spends all but a part of its shares at a price.
    fn fill(&mut self, left: &Exact, per_share: &Exact) {
        if self.shares < whole(1) || self.shares < self.shares_lost {
            self.shares_lost = self.shares.clone();
        }
        self.bought += per_share * &self.shares;
        self.bought_lost += per_share * &self.shares_lost + Self::by_product(&self.settled);
        self.shares *= left;
        self.shares_lost = &self.shares_lost * left + Self::by_product(&self.shares);
    }
}

/// Bids by their bidder.
#[derive(Clone, Debug)]
pub struct Tier<B> {
    bids: BTreeMap<B, Bid>,
    /// What rounding kept from bids that went: its shares buy on, for nobody.
    dust: Bid,
    /// What it had bought when all had gone: the next fill gives it away.
    carried: Exact,
}

impl<B> Default for Tier<B> {
    fn default() -> Self {
        Self { bids: BTreeMap::new(), dust: Bid::none(), carried: Exact::zero() }
    }
}

impl<B: Ord + Clone> Tier<B> {
    /// Adds shares to a bid.
    pub fn place(&mut self, bidder: B, shares: &Exact) {
        self.bids.entry(bidder).or_insert_with(Bid::none).settle(shares, &Exact::zero());
    }

    /// Spends some of the tier's shares for collateral, each bid in proportion to its own.
    pub fn fill(&mut self, spent: &Exact, collateral: &Exact, shares: &Exact) {
        let carried = core::mem::replace(&mut self.carried, Exact::zero());
        let (left, per_share) = ((shares - spent) / shares, (collateral + carried) / shares);
        for bid in self.bids.values_mut().chain([&mut self.dust]) {
            bid.fill(&left, &per_share);
        }
    }

    /// Takes shares and collateral out of a bid, or nothing, as when its withdrawal is announced.
    ///
    /// # Panics
    /// If there is no such bid.
    pub fn take(&mut self, bidder: &B, shares: &Exact, bought: &Exact) {
        self.bids.get_mut(bidder).expect("a bid").settle(&-shares, &-bought);
    }

    /// What bids have of shares and of bought collateral: never more than exact, and less by what roundings may have lost,
    /// the last one when it is read.
    #[must_use]
    pub fn bids(&self) -> Vec<(B, [Bound; 2])> {
        let bounds = |bid: &Bid| {
            let both = [(&bid.shares, &bid.shares_lost), (&bid.bought, &bid.bought_lost)];
            both.map(|(exact, lost)| Bound::down(exact.clone(), &(lost + whole(1))))
        };
        self.bids.iter().map(|(bidder, bid)| (bidder.clone(), bounds(bid))).collect()
    }

    /// Forgets a bid that is gone; what rounding kept from it stays.
    pub fn forget(&mut self, bidder: &B) {
        if let Some(gone) = self.bids.remove(bidder) {
            self.dust.settle(&gone.shares, &gone.bought);
        }
        if self.bids.is_empty() {
            self.carried += core::mem::replace(&mut self.dust, Bid::none()).bought;
        }
    }
}
