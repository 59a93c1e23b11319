//! The bid queue as a whole: what waits in each market, what was there, what ran dry.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::{
    contracts::vault_id,
    reading::{Answers, VaultReading, queues},
    tally::{Tally, TierKey},
};

/// One discount, over all queues of a market or of all. Dollars, as wads, at today's prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// What was bid and not taken back.
    pub(crate) bid: U256,
    /// What waits of it.
    pub(crate) left: U256,
    /// Queues with a bid at this discount, and those of them that have none left.
    pub(crate) tiers: usize,
    pub(crate) dry: usize,
}

/// Levels by half percents of discount.
pub(crate) type Levels = BTreeMap<u8, Level>;

/// All bids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// By market.
    pub(crate) markets: BTreeMap<u32, Levels>,
}

impl Depth {
    /// Reads every queue.
    pub(crate) fn read(
        of: &dyn Answers,
        tally: &Tally,
        vaults: &[VaultReading],
    ) -> anyhow::Result<Self> {
        let mut waiting: BTreeMap<TierKey, U256> = BTreeMap::new();
        for queue in queues(of)? {
            let vault = vault_id(queue.vault).unwrap_or_default();
            for state in queue.tiers {
                let (market, asset) = (queue.market, queue.asset);
                let key = TierKey { market, vault, asset, tier: state.tier };
                waiting.insert(key, state.shares);
            }
        }
        let mut depth = Self::default();
        for (key, shares) in tally.bid.iter().filter(|(_, shares)| !shares.is_zero()) {
            let vault = vaults.iter().find(|vault| vault.id == key.vault);
            let dollars = |shares| {
                let assets = vault.map_or(U256::ZERO, |vault| worth(vault, shares));
                tally.vault_value(key.vault, assets)
            };
            let left = waiting.get(key).copied().unwrap_or_default();
            let level = depth.markets.entry(key.market).or_default().entry(key.tier).or_default();
            level.bid += dollars(*shares);
            level.left += dollars(left);
            level.tiers += 1;
            level.dry += usize::from(left.is_zero());
        }
        Ok(depth)
    }

    /// The levels of all markets together.
    pub(crate) fn levels(&self) -> Levels {
        let mut all = Levels::new();
        for (tier, level) in self.markets.values().flatten() {
            let sum = all.entry(*tier).or_default();
            sum.bid += level.bid;
            sum.left += level.left;
            sum.tiers += level.tiers;
            sum.dry += level.dry;
        }
        all
    }
}

/// All levels as one.
pub(crate) fn total(levels: &Levels) -> Level {
    levels.values().fold(Level::default(), |sum, level| Level {
        bid: sum.bid + level.bid,
        left: sum.left + level.left,
        tiers: sum.tiers + level.tiers,
        dry: sum.dry + level.dry,
    })
}

/// What shares are worth, near enough to be shown.
fn worth(vault: &VaultReading, shares: U256) -> U256 {
    let state = &vault.state;
    let worth = shares.saturating_mul(state.totalAssets).checked_div(state.totalShares);
    worth.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markets_add_up() {
        let level = |left: u64| Level {
            bid: U256::from(10),
            left: U256::from(left),
            tiers: 1,
            dry: usize::from(left == 0),
        };
        let markets = BTreeMap::from([
            (1, Levels::from([(2, level(0)), (4, level(7))])),
            (2, Levels::from([(4, level(3))])),
        ]);
        let all = Depth { markets }.levels();
        assert_eq!(all[&4].left, U256::from(10));
        let all = total(&all);
        assert_eq!((all.bid, all.left), (U256::from(30), U256::from(10)));
        assert_eq!((all.tiers, all.dry), (3, 1));
    }
}
