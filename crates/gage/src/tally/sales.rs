//! Liquidations as they add up: by the block's sweep, by stop-loss order, by liquidators.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::{Address, U256};

use crate::reading::AccountKey;

/// Liquidations that are remembered one by one.
const RECENT: usize = 40;

/// Basis points in one.
const BPS: u64 = 10_000;

/// How an account's collateral was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// To bids, because the account was below health 1.
    Unhealthy,
    /// To bids, because its collateral did not cover its debt.
    Insolvent,
    /// To bids, because its owner had ordered it.
    StopLoss,
    /// To a liquidator.
    Open,
}

impl Way {
    /// Every way.
    pub(crate) const ALL: [Self; 4] =
        [Self::Unhealthy, Self::Insolvent, Self::StopLoss, Self::Open];

    /// The way of a sweep, by the number in its event.
    pub(crate) fn of_sweep(reason: u8) -> Self {
        match reason {
            0 => Self::Unhealthy,
            1 => Self::Insolvent,
            _ => Self::StopLoss,
        }
    }
}

/// A debt repaid and the collateral taken for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) vault: u32,
    pub(crate) asset: Address,
    pub(crate) repaid: U256,
    pub(crate) seized: U256,
    /// Dollars, as wads, at the prices of the time.
    pub(crate) repaid_value: U256,
    pub(crate) seized_value: U256,
    /// Basis points: the bids' discount, or the liquidator's bonus.
    pub(crate) terms: u16,
}

/// One liquidation of one account: what one transaction sold of it.
#[derive(Clone, Debug)]
pub(crate) struct Liquidation {
    pub(crate) time: u64,
    pub(crate) account: AccountKey,
    pub(crate) way: Way,
    pub(crate) pairs: Vec<Pair>,
    /// Before, and after where that is known.
    pub(crate) health: (U256, Option<U256>),
}

/// All liquidations of one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) accounts: u64,
    /// Dollars, as wads, at the prices of the time.
    pub(crate) repaid: U256,
    pub(crate) seized: U256,
    /// Most blocks from the price that made an account liquidatable to its liquidation, of those
    /// whose states are kept.
    pub(crate) longest_wait: u64,
}

impl Sum {
    /// What buyers gained, in basis points of what they repaid.
    pub(crate) fn mean_bonus_bps(&self) -> u16 {
        self.gain_over(self.repaid)
    }

    /// What buyers gained, in basis points of the price.
    pub(crate) fn mean_discount_bps(&self) -> u16 {
        self.gain_over(self.seized)
    }

    fn gain_over(&self, whole: U256) -> u16 {
        let gain = self.seized.saturating_sub(self.repaid);
        let points = gain.saturating_mul(U256::from(BPS)).checked_div(whole);
        points.unwrap_or_default().saturating_to()
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            accounts: self.accounts + other.accounts,
            repaid: self.repaid + other.repaid,
            seized: self.seized + other.seized,
            longest_wait: self.longest_wait.max(other.longest_wait),
        }
    }
}

/// Sums over all liquidations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sales {
    sums: BTreeMap<Way, Sum>,
    /// By vault, in its asset's base units.
    pub(crate) repaid: BTreeMap<u32, U256>,
    /// By asset, in base units.
    pub(crate) seized: BTreeMap<Address, U256>,
    /// Bids filled: how often, and dollars repaid as a wad, by discount in basis points.
    pub(crate) filled: BTreeMap<u16, (u64, U256)>,
    /// The newest first.
    pub(crate) recent: VecDeque<Liquidation>,
}

impl Sales {
    /// The liquidations of one way.
    pub(crate) fn of(&self, way: Way) -> Sum {
        self.sums.get(&way).copied().unwrap_or_default()
    }

    /// What sweeps sold because they had to: not for a stop-loss order.
    pub(crate) fn swept(&self) -> Sum {
        self.of(Way::Unhealthy).plus(self.of(Way::Insolvent))
    }

    /// All liquidations; stop-loss orders are none.
    pub(crate) fn liquidated(&self) -> Sum {
        self.swept().plus(self.of(Way::Open))
    }

    /// Everything that was sold.
    pub(crate) fn all(&self) -> Sum {
        Way::ALL.into_iter().fold(Sum::default(), |sum, way| sum.plus(self.of(way)))
    }

    /// Counts a liquidation, and how many blocks it took if that is known.
    pub(crate) fn count(&mut self, done: Liquidation, wait: Option<u64>) {
        let sum = self.sums.entry(done.way).or_default();
        sum.accounts += 1;
        sum.longest_wait = sum.longest_wait.max(wait.unwrap_or_default());
        for pair in &done.pairs {
            sum.repaid += pair.repaid_value;
            sum.seized += pair.seized_value;
            *self.repaid.entry(pair.vault).or_default() += pair.repaid;
            *self.seized.entry(pair.asset).or_default() += pair.seized;
            if done.way != Way::Open {
                let (fills, value) = self.filled.entry(pair.terms).or_default();
                *fills += 1;
                *value += pair.repaid_value;
            }
        }
        self.recent.push_front(done);
        self.recent.truncate(RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sold(way: Way, repaid: u64, seized: u64) -> Liquidation {
        let pair = Pair {
            vault: 1,
            asset: Address::ZERO,
            repaid: U256::from(repaid),
            seized: U256::from(seized),
            repaid_value: U256::from(repaid),
            seized_value: U256::from(seized),
            terms: 500,
        };
        let account = AccountKey { market: 1, owner: Address::ZERO, sub: 0 };
        let health = (U256::ZERO, None);
        Liquidation { time: 1, account, way, pairs: vec![pair], health }
    }

    #[test]
    fn ways_are_summed_apart() {
        let mut sales = Sales::default();
        sales.count(sold(Way::Unhealthy, 95, 100), Some(0));
        sales.count(sold(Way::Insolvent, 95, 100), None);
        sales.count(sold(Way::StopLoss, 99, 100), Some(3));
        sales.count(sold(Way::Open, 100, 110), Some(1));
        assert_eq!(sales.swept().accounts, 2);
        assert_eq!((sales.swept().mean_discount_bps(), sales.swept().longest_wait), (500, 0));
        assert_eq!(sales.of(Way::Open).mean_bonus_bps(), 1_000);
        assert_eq!((sales.liquidated().accounts, sales.liquidated().longest_wait), (3, 1));
        assert_eq!(sales.all().accounts, 4);
        assert_eq!(sales.filled[&500], (3, U256::from(289)));
        assert_eq!(sales.recent.front().map(|sold| sold.way), Some(Way::Open));
        assert_eq!(Sum::default().mean_discount_bps(), 0);
    }
}
