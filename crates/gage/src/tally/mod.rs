//! What happened so far, told from receipts: the same after a restart as if there had been none.

mod sales;
mod wait;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Log, U256};
use alloy_sol_types::SolEvent;
use gage_abi::{IERC20Permit, IMarket, IOracle, IVault};
use gage_chain::{Chain, FoundReceipt};

pub(crate) use sales::{Liquidation, Pair, Sales, Sum, Way};

use crate::{
    contracts::{MARKET, ORACLE, vault_id},
    demo::world::WAD,
    reading::AccountKey,
};

/// A loss of one vault, and who bore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) shortfall: U256,
    pub(crate) from_first_loss: U256,
    pub(crate) from_reserves: U256,
    pub(crate) from_lenders: U256,
}

/// One discount of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TierKey {
    pub(crate) market: u32,
    pub(crate) vault: u32,
    pub(crate) asset: Address,
    /// In half percents.
    pub(crate) tier: u8,
}

/// Liquidations of one transaction that are still being read.
#[derive(Default)]
struct Reading {
    /// Fills of the sweep whose own event comes next.
    filled: Vec<Pair>,
    done: Vec<Liquidation>,
}

/// Sums over all blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// The next block to count.
    next: u64,
    pub(crate) transactions: u64,
    pub(crate) refused: u64,
    pub(crate) gas: u64,
    pub(crate) sales: Sales,
    /// Vault shares put into each tier and not taken back.
    pub(crate) bid: BTreeMap<TierKey, U256>,
    /// Accounts that have a stop-loss order.
    pub(crate) orders: BTreeSet<AccountKey>,
    pub(crate) losses: BTreeMap<u32, Loss>,
    /// Everyone who ever borrowed.
    pub(crate) accounts: BTreeSet<AccountKey>,
    /// Accounts that changed since they were last taken.
    touched: BTreeSet<AccountKey>,
    /// Everyone who ever held a token.
    pub(crate) holders: BTreeMap<Address, BTreeSet<Address>>,
    /// By the feed that an asset is reported to, in dollars as wads.
    pub(crate) prices: BTreeMap<u32, U256>,
    /// What was reported last, by feed.
    reported: BTreeMap<u32, U256>,
    pub(crate) rejected_reports: u64,
    scale: Scale,
}

/// What turns amounts into dollars: each asset's feed and decimals, each vault's asset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scale {
    pub(crate) assets: BTreeMap<Address, (u32, u8)>,
    pub(crate) vaults: BTreeMap<u32, Address>,
    /// Feeds that report a rate, each with the feed of what it is a rate of.
    pub(crate) rates: BTreeMap<u32, u32>,
}

impl Tally {
    /// Nothing counted yet.
    pub(crate) fn new(scale: Scale) -> Self {
        Self { next: 1, scale, ..Self::default() }
    }

    /// Blocks counted.
    pub(crate) fn blocks(&self) -> u64 {
        self.next - 1
    }

    /// Counts every block up to the head that is not counted yet.
    pub(crate) fn catch_up(&mut self, chain: &Chain) -> anyhow::Result<()> {
        while self.next <= chain.head().number {
            for found in chain.receipts(self.next)?.unwrap_or_default() {
                for done in self.count(&found) {
                    let wait = wait::blocks_waited(chain, done.account, self.next);
                    self.sales.count(done, wait);
                }
            }
            self.next += 1;
        }
        Ok(())
    }

    /// The accounts that changed since the last time this was asked.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<AccountKey> {
        std::mem::take(&mut self.touched)
    }

    /// A price, zero if the feed never had one.
    pub(crate) fn price(&self, feed: u32) -> U256 {
        self.prices.get(&feed).copied().unwrap_or_default()
    }

    /// Dollars, as a wad, of so many base units at the current price.
    pub(crate) fn value(&self, asset: Address, amount: U256) -> U256 {
        let Some((feed, decimals)) = self.scale.assets.get(&asset) else { return U256::ZERO };
        amount.saturating_mul(self.price(*feed)) / U256::from(10).pow(U256::from(*decimals))
    }

    /// Dollars, as a wad, of so many base units of a vault's asset.
    pub(crate) fn vault_value(&self, vault: u32, amount: U256) -> U256 {
        let asset = self.scale.vaults.get(&vault).copied().unwrap_or_default();
        self.value(asset, amount)
    }

    /// Counts a transaction; returns the liquidations in it.
    fn count(&mut self, found: &FoundReceipt) -> Vec<Liquidation> {
        self.transactions += 1;
        self.gas += found.gas_used;
        self.refused += u64::from(!found.receipt.status());
        let mut reading = Reading::default();
        for log in found.receipt.logs() {
            if log.address == ORACLE {
                self.count_price(log);
            } else if log.address == MARKET {
                self.count_account(log);
                self.count_bid(log);
                self.count_sale(log, found, &mut reading);
            } else {
                self.count_token(log);
            }
        }
        reading.done
    }

    fn count_price(&mut self, log: &Log) {
        if let Ok(update) = IOracle::PriceUpdated::decode_log(log) {
            self.reported.insert(update.feed, update.price);
            let rates = &self.scale.rates;
            let follow = rates.iter().filter(|(_, base)| **base == update.feed);
            let feeds = follow.map(|(feed, _)| *feed).chain([update.feed]);
            for feed in feeds {
                let last = |feed| self.reported.get(&feed).copied().unwrap_or_default();
                let base = rates.get(&feed).map_or(U256::from(WAD), |base| last(*base));
                let price = last(feed).saturating_mul(base) / U256::from(WAD);
                self.prices.insert(feed, price);
            }
        } else if IOracle::ReportRejected::decode_log(log).is_ok() {
            self.rejected_reports += 1;
        }
    }

    fn count_account(&mut self, log: &Log) {
        if let Ok(event) = IMarket::Borrowed::decode_log(log) {
            let key = AccountKey { market: event.market, owner: event.owner, sub: event.sub };
            self.accounts.insert(key);
            self.touched.insert(key);
        } else if let Ok(event) = IMarket::Repaid::decode_log(log) {
            self.touch(event.market, event.owner, event.sub);
        } else if let Ok(event) = IMarket::CollateralWithdrawn::decode_log(log) {
            self.touch(event.market, event.owner, event.sub);
        } else if let Ok(event) = IMarket::CollateralSupplied::decode_log(log) {
            self.touch(event.market, event.owner, event.sub);
        } else if let Ok(event) = IMarket::BadDebt::decode_log(log) {
            self.touch(event.market, event.owner, event.sub);
        } else if let Ok(event) = IMarket::StopLossChanged::decode_log(log) {
            let key = AccountKey { market: event.market, owner: event.owner, sub: event.sub };
            if event.order.trigger.is_zero() {
                self.orders.remove(&key);
            } else {
                self.orders.insert(key);
            }
        }
    }

    fn count_bid(&mut self, log: &Log) {
        if let Ok(event) = IMarket::BidPlaced::decode_log(log) {
            let key = tier_key(event.market, event.vault, event.asset, event.tier);
            *self.bid.entry(key).or_default() += event.shares;
        } else if let Ok(event) = IMarket::BidWithdrawn::decode_log(log) {
            let key = tier_key(event.market, event.vault, event.asset, event.tier);
            let bid = self.bid.entry(key).or_default();
            *bid = bid.saturating_sub(event.shares);
        }
    }

    fn count_sale(&mut self, log: &Log, found: &FoundReceipt, reading: &mut Reading) {
        let time = found.place.timestamp;
        if let Ok(event) = IMarket::BidsFilled::decode_log(log) {
            let amounts = (event.repaid, event.seized);
            reading.filled.push(self.pair(event.vault, event.asset, amounts, event.discount));
        } else if let Ok(event) = IMarket::Swept::decode_log(log) {
            let account = AccountKey { market: event.market, owner: event.owner, sub: event.sub };
            self.touched.insert(account);
            reading.done.push(Liquidation {
                time,
                account,
                way: Way::of_sweep(event.reason),
                pairs: std::mem::take(&mut reading.filled),
                health: (event.healthBefore, Some(event.healthAfter)),
            });
        } else if let Ok(event) = IMarket::Liquidated::decode_log(log) {
            let account = AccountKey { market: event.market, owner: event.owner, sub: event.sub };
            self.touched.insert(account);
            let amounts = (event.repaid, event.seized);
            let pair = self.pair(event.vault, event.asset, amounts, event.bonus);
            let same = |done: &&mut Liquidation| done.way == Way::Open && done.account == account;
            if let Some(done) = reading.done.last_mut().filter(same) {
                done.pairs.push(pair);
                return;
            }
            reading.done.push(Liquidation {
                time,
                account,
                way: Way::Open,
                pairs: vec![pair],
                health: (event.healthFactor, None),
            });
        }
    }

    fn touch(&mut self, market: u32, owner: Address, sub: u32) {
        let key = AccountKey { market, owner, sub };
        if self.accounts.contains(&key) {
            self.touched.insert(key);
        }
    }

    fn pair(
        &self,
        vault: Address,
        asset: Address,
        (repaid, seized): (U256, U256),
        terms: u16,
    ) -> Pair {
        let vault = vault_id(vault).unwrap_or_default();
        let repaid_value = self.vault_value(vault, repaid);
        let seized_value = self.value(asset, seized);
        Pair { vault, asset, repaid, seized, repaid_value, seized_value, terms }
    }

    fn count_token(&mut self, log: &Log) {
        if let Ok(transfer) = IERC20Permit::Transfer::decode_log(log) {
            self.holders.entry(log.address).or_default().insert(transfer.to);
        } else if let Ok(loss) = IVault::LossRealised::decode_log(log) {
            let sum = self.losses.entry(vault_id(log.address).unwrap_or_default()).or_default();
            sum.shortfall += loss.shortfall;
            sum.from_first_loss += loss.fromFirstLoss;
            sum.from_reserves += loss.fromReserves;
            sum.from_lenders += loss.fromLenders;
        }
    }
}

fn tier_key(market: u32, vault: Address, asset: Address, tier: u8) -> TierKey {
    TierKey { market, vault: vault_id(vault).unwrap_or_default(), asset, tier }
}
