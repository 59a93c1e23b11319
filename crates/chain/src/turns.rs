//! Whom a sweep serves first, and how many accounts it looks at.
//!
//! Value at risk is counted at the prices of an account's own market, and anyone may create an asset, a feed and a
//! market: whoever sets the prices sets the value. So value is compared within a market, and between markets that
//! governance recognises ([`gage_core::recognition`]); those come first. All other markets take turns, one account
//! each, in an order that is drawn by lot for each block (N-10, LIQ-5).
//!
//! Lots are drawn from a hash of the parent's, so that nobody can prepare accounts for a block in which they come
//! first. Everything here is a function of the state and of that hash: it is the same on every node. What reports a
//! prelude carries is for its builder to say, who draws its feeds' turns in the same way.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256, keccak256};
use gage_core::{AccountId, MarketId, Wad};

/// What a block's lots are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Lots(pub B256);

/// An account that a sweep would do something for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) id: AccountId,
    /// Debt above the liquidation limit, at its market's prices.
    pub(crate) value_at_risk: Wad,
    /// Whether its market is recognised.
    pub(crate) recognised: bool,
}

impl Lots {
    /// The lot of a number, a market's or a feed's; the lowest comes first.
    #[must_use]
    pub fn of(self, number: u32) -> u64 {
        let hash = keccak256([self.0.as_slice(), &number.to_be_bytes()].concat());
        U256::from_be_bytes(hash.0).wrapping_to()
    }

    /// The order of the sweep: recognised markets' accounts by value at risk, then the other markets in rounds of one
    /// account each, the one most at risk first; ties by id.
    pub(crate) fn order(self, mut due: Vec<Due>) -> Vec<AccountId> {
        due.sort_unstable_by(|one, other| {
            other.value_at_risk.cmp(&one.value_at_risk).then(one.id.cmp(&other.id))
        });
        let mut rounds = BTreeMap::<MarketId, usize>::new();
        let mut places: Vec<_> = (0..)
            .zip(due)
            .map(|(rank, Due { id, recognised, .. })| match recognised {
                true => ((0, rank), id),
                false => {
                    let round = rounds.entry(id.market).or_default();
                    *round += 1;
                    ((*round, self.of(id.market.get())), id)
                }
            })
            .collect();
        places.sort_unstable();
        places.into_iter().map(|(_, id)| id).collect()
    }

    /// Which of a market's accounts are looked at in a block: `most` that follow each other, the first drawn by lot. All of
    /// them if there are no more.
    pub(crate) fn window<A: Iterator<Item = AccountId> + Clone>(
        self,
        market: MarketId,
        accounts: A,
        most: usize,
    ) -> Vec<AccountId> {
        let count = accounts.clone().count();
        let start = self.of(market.get()) % (count as u64).max(1);
        let start = usize::try_from(start).unwrap_or_default();
        accounts.clone().chain(accounts).skip(start).take(most.min(count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gage_core::Address;
    use proptest::prelude::*;

    const MARKETS: u32 = 6;

    fn account(market: u32, owner: u8) -> AccountId {
        AccountId { market: MarketId::new(market), owner: Address::repeat_byte(owner), sub: 0 }
    }

    /// Accounts of several markets, the first few of them recognised.
    fn any_due() -> impl Strategy<Value = Vec<Due>> {
        let accounts = prop::collection::btree_map((1..=MARKETS, any::<u8>()), 0_u128..50, 0..80);
        (accounts, 0..=MARKETS).prop_map(|(accounts, recognised)| {
            let due = accounts.into_iter().map(|((market, owner), value)| Due {
                id: account(market, owner),
                value_at_risk: Wad::new(value),
                recognised: market <= recognised,
            });
            due.collect::<Vec<_>>()
        })
    }

    fn any_lots() -> impl Strategy<Value = Lots> {
        any::<[u8; 32]>().prop_map(|seed| Lots(seed.into()))
    }

    /// How many accounts of each market are in a list.
    fn counts(list: &[Due]) -> BTreeMap<MarketId, usize> {
        list.iter().fold(BTreeMap::new(), |mut counts, due| {
            *counts.entry(due.id.market).or_default() += 1;
            counts
        })
    }

    proptest! {
        /// N-10, LIQ-5: everybody has one place; recognised markets come before all others, by value at risk; of the
        /// others none has its next turn before each that still waits has had as many; within a market value decides.
        #[test]
        fn no_market_takes_more_than_its_turn(due in any_due(), lots in any_lots()) {
            let known: BTreeMap<AccountId, Due> = due.iter().map(|due| (due.id, *due)).collect();
            let order: Vec<Due> = lots.order(due.clone()).iter().map(|id| known[id]).collect();
            prop_assert_eq!(order.len(), due.len());
            prop_assert!(order.is_sorted_by_key(|due| !due.recognised));
            for pair in order.windows(2).filter(|pair| pair[0].recognised && pair[1].recognised) {
                let [one, next] = [pair[0], pair[1]];
                let tied = one.value_at_risk == next.value_at_risk && one.id < next.id;
                prop_assert!(one.value_at_risk > next.value_at_risk || tied);
            }
            let others: Vec<Due> = order.into_iter().filter(|due| !due.recognised).collect();
            let all = counts(&others);
            for length in 0..=others.len() {
                let taken = counts(&others[..length]);
                let most = taken.values().max().copied().unwrap_or_default();
                for (market, count) in &all {
                    let had = taken.get(market).copied().unwrap_or_default();
                    prop_assert!(had == *count || had + 1 >= most, "{market} had {had} of {most}");
                }
            }
            for market in all.keys() {
                let own = others.iter().filter(|due| due.id.market == *market);
                let own: Vec<_> = own.map(|due| due.value_at_risk).collect();
                prop_assert!(own.is_sorted_by(|one, next| one >= next));
            }
        }

        /// LIQ-5: the order is a function of who is due, not of the order in which they were found.
        #[test]
        fn the_order_forgets_how_it_was_found(
            (due, shuffled) in any_due().prop_flat_map(|due| (Just(due.clone()), Just(due).prop_shuffle())),
            lots in any_lots(),
        ) {
            prop_assert_eq!(lots.order(due), lots.order(shuffled));
        }

        #[test]
        fn a_window_is_a_run_of_distinct_accounts(
            owners in prop::collection::btree_set(any::<u8>(), 0..40),
            most in 0_usize..50,
            lots in any_lots(),
        ) {
            let accounts: Vec<_> = owners.into_iter().map(|owner| account(1, owner)).collect();
            let window = lots.window(MarketId::new(1), accounts.iter().copied(), most);
            prop_assert_eq!(window.len(), most.min(accounts.len()));
            let places = window.iter().map(|id| accounts.iter().position(|one| one == id));
            let places: Vec<usize> = places.map(Option::unwrap).collect();
            for pair in places.windows(2) {
                prop_assert_eq!((pair[0] + 1) % accounts.len(), pair[1]);
            }
        }
    }

    /// N-10: over many blocks each market comes first as often as any other, and each account is looked at as often.
    #[test]
    fn lots_are_fair() {
        let blocks = 6_000_u64;
        let (mut first, mut seen) = ([0; MARKETS as usize + 1], [0; 10]);
        let accounts: Vec<_> = (0..10).map(|owner| account(1, owner)).collect();
        for number in 0..blocks {
            let lots = Lots(keccak256(number.to_be_bytes()));
            let due = (1..=MARKETS).map(|market| {
                let value_at_risk = Wad::new(u128::MAX >> market);
                Due { id: account(market, 1), value_at_risk, recognised: false }
            });
            first[lots.order(due.collect())[0].market.get() as usize] += 1;
            for id in lots.window(MarketId::new(1), accounts.iter().copied(), 3) {
                seen[usize::from(id.owner[0])] += 1;
            }
        }
        assert!(first[1..].iter().all(|times| (850..1_150).contains(times)), "{first:?}");
        assert!(seen.iter().all(|times| (1_600..2_000).contains(times)), "{seen:?}");
    }
}
