//! The demo's bidders: what they lend, and at which discounts they offer it for collateral.
//!
//! They bid a part of what the borrowers owe against each collateral, over several discounts: a
//! crash runs the cheapest tiers dry and leaves the dearest untouched.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::{
    borrowers::Borrower,
    draw::Draw,
    world::{asset_of, market_of, vault_of},
};

/// How many there are.
pub(crate) const BIDDERS: u32 = 12;

/// What all bids of a queue are, in basis points of the debt that its collateral secures.
const DEPTH_BPS: u128 = 1_200;

/// What a bidder stakes beside on the line of each bid, in basis points of the bid: first-loss capital.
const STAKE_BPS: u128 = 1_000;

/// Basis points in one.
const BPS: u128 = 10_000;

/// Half percents of discount, and the part of a queue's depth that waits there, in hundredths.
const TIERS: [(u8, u128); 9] =
    [(2, 6), (3, 8), (4, 10), (5, 12), (6, 14), (8, 16), (10, 14), (12, 12), (15, 8)];

/// Bidders that share a tier.
const BIDDERS_OF_TIER: u32 = 3;

/// A queue: who repays which vault's debt for which collateral.
type Queue = (u32, u32, u32);

/// What a bidder puts into one tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bid {
    pub(crate) market: u32,
    pub(crate) vault: u32,
    pub(crate) asset: u32,
    /// In half percents of discount.
    pub(crate) tier: u8,
    /// Base units of the vault's asset.
    pub(crate) amount: u128,
}

/// The bids of each bidder, for these borrowers at these prices (wads, by asset id from 1).
pub(crate) fn plan(seed: u64, borrowers: &[Borrower], prices: &[u128]) -> Vec<Vec<Bid>> {
    let mut bids = vec![Vec::new(); BIDDERS as usize];
    for ((market, vault, asset), debt) in exposure(borrowers, prices) {
        let terms = market_of(market).collaterals.iter().find(|terms| terms.asset == asset);
        let last = terms.map_or(0, |terms| last_tier(terms.bonus_max));
        for (tier, part) in TIERS.into_iter().filter(|(tier, _)| *tier <= last) {
            let depth = debt * DEPTH_BPS / BPS * part / 100;
            let mut draw =
                Draw::new(seed, "bids", market << 24 | vault << 16 | asset << 8 | u32::from(tier));
            let first = draw.below(BIDDERS.into()) as u32;
            for place in 0..BIDDERS_OF_TIER {
                // A half, a third, a sixth.
                let amount = depth * u128::from(BIDDERS_OF_TIER - place) / 6;
                if amount > least(vault) {
                    let bidder = (first + place * 5) % BIDDERS;
                    bids[bidder as usize].push(Bid { market, vault, asset, tier, amount });
                }
            }
        }
    }
    bids
}

/// What a bidder lends to each vault, by its id: for bids and stakes.
pub(crate) fn lent(bids: &[Bid]) -> BTreeMap<u32, u128> {
    let mut lent = BTreeMap::new();
    for bid in bids {
        *lent.entry(bid.vault).or_default() += bid.amount;
    }
    for ((_, vault), amount) in staked(bids) {
        *lent.entry(vault).or_default() += amount;
    }
    lent
}

/// What a bidder stakes on each line, by market and vault, where that is worth a stake.
pub(crate) fn staked(bids: &[Bid]) -> BTreeMap<(u32, u32), u128> {
    let mut staked = BTreeMap::new();
    for bid in bids {
        *staked.entry((bid.market, bid.vault)).or_default() += bid.amount * STAKE_BPS / BPS;
    }
    staked.retain(|(_, vault), amount| *amount > least(*vault));
    staked
}

/// The smallest debt of a vault, in base units, which is the smallest bid.
fn least(vault: u32) -> u128 {
    let terms = vault_of(vault);
    terms.min_debt_milli * asset_of(terms.asset).one() / 1_000
}

/// The last tier whose bidders gain no more than the largest bonus: discounts up to `b / (1 + b)`.
fn last_tier(bonus_max: u16) -> u8 {
    let bonus = u128::from(bonus_max);
    let discount = bonus * BPS / (BPS + bonus);
    u8::try_from(discount / 50).unwrap_or(u8::MAX)
}

/// What is owed to each vault against each collateral, in base units: a borrower's debt counts for
/// each pledge by its part of the value.
fn exposure(borrowers: &[Borrower], prices: &[u128]) -> BTreeMap<Queue, u128> {
    let mut owed = BTreeMap::new();
    for borrower in borrowers {
        let values: Vec<_> = borrower
            .pledges
            .iter()
            .map(|(asset, amount)| (*asset, value(*amount, *asset, prices)))
            .collect();
        let all: u128 = values.iter().map(|(_, value)| value).sum();
        for (vault, debt) in &borrower.debts {
            for (asset, value) in &values {
                let part = U256::from(*debt) * U256::from(*value) / U256::from(all.max(1));
                let part: u128 = part.saturating_to();
                *owed.entry((borrower.market, *vault, *asset)).or_default() += part;
            }
        }
    }
    owed
}

/// Dollars, as a wad.
fn value(amount: u128, asset: u32, prices: &[u128]) -> u128 {
    let price = U256::from(prices[asset as usize - 1]);
    (U256::from(amount) * price / U256::from(asset_of(asset).one())).saturating_to()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{borrowers, prices::Prices};

    #[test]
    fn bids_are_the_same_each_time_and_large_enough() {
        let prices: Vec<u128> = Prices::new(0).at(0, None).into_iter().map(|(_, p)| p).collect();
        let people = borrowers::plan(1, 200, &prices);
        let bids = plan(1, &people, &prices);
        assert_eq!(bids, plan(1, &people, &prices));
        assert!(bids.iter().all(|bids| !bids.is_empty()));
        for bid in bids.iter().flatten() {
            assert!(bid.amount >= least(bid.vault), "{bid:?}");
        }
        let owed: u128 =
            people.iter().flat_map(|b| &b.debts).filter(|d| d.0 == 1).map(|d| d.1).sum();
        let lent: u128 = bids.iter().filter_map(|bids| lent(bids).get(&1).copied()).sum();
        let most = owed * DEPTH_BPS / BPS * (BPS + STAKE_BPS) / BPS;
        assert!(lent <= most && lent * 10 > most * 9);
        assert!(bids.iter().any(|bids| staked(bids).contains_key(&(1, 1))));
        assert!(plan(1, &[], &prices).iter().all(Vec::is_empty));
    }

    #[test]
    fn the_last_tier_gives_away_no_more_than_the_largest_bonus() {
        // 10 / 1.1 % is 9.09 %; 8 / 1.08 % is 7.4 %.
        assert_eq!((last_tier(1_000), last_tier(800)), (18, 14));
    }
}
