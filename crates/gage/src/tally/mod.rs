//! What happened so far, told from receipts: the same after a restart as if there had been none.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_primitives::{Address, Log, U256};
use alloy_sol_types::SolEvent;
use gage_abi::{IERC20Permit, IMarket, IOracle, IVault};
use gage_chain::{Chain, FoundReceipt};

use crate::{
    contracts::{MARKET, ORACLE, vault_id},
    reading::AccountKey,
};

/// Liquidations that the live view shows.
const RECENT: usize = 8;

/// One liquidation of one account: the pairs of debt and collateral that one call touched.
#[derive(Clone, Debug)]
pub(crate) struct Liquidation {
    pub(crate) time: u64,
    pub(crate) account: AccountKey,
    /// Vault, asset, repaid, seized, bonus in basis points.
    pub(crate) pairs: Vec<Pair>,
}

/// A debt repaid and the collateral taken for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) vault: u32,
    pub(crate) asset: Address,
    pub(crate) repaid: U256,
    pub(crate) seized: U256,
    pub(crate) bonus: u16,
}

/// A loss of one vault, and who bore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) shortfall: U256,
    pub(crate) from_reserves: U256,
    pub(crate) from_lenders: U256,
}

/// Sums over all blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// The next block to count.
    next: u64,
    pub(crate) transactions: u64,
    pub(crate) refused: u64,
    pub(crate) gas: u64,
    pub(crate) liquidations: u64,
    pub(crate) close_outs: u64,
    /// By vault, in its asset's base units.
    pub(crate) repaid: BTreeMap<u32, U256>,
    /// By asset, in base units.
    pub(crate) seized: BTreeMap<Address, U256>,
    /// Dollars, as wads, at the prices of the time.
    pub(crate) repaid_value: U256,
    pub(crate) seized_value: U256,
    pub(crate) losses: BTreeMap<u32, Loss>,
    /// Everyone who ever borrowed.
    pub(crate) accounts: BTreeSet<AccountKey>,
    /// Accounts that changed since they were last taken.
    touched: BTreeSet<AccountKey>,
    /// Everyone who ever held a token.
    pub(crate) holders: BTreeMap<Address, BTreeSet<Address>>,
    /// By feed, in wads.
    pub(crate) prices: BTreeMap<u32, U256>,
    pub(crate) rejected_reports: u64,
    pub(crate) recent: VecDeque<Liquidation>,
    scale: Scale,
}

/// What turns amounts into dollars: each asset's feed and decimals, each vault's asset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scale {
    pub(crate) assets: BTreeMap<Address, (u32, u8)>,
    pub(crate) vaults: BTreeMap<u32, Address>,
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
                self.count(&found);
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

    /// The mean bonus of all liquidations, in basis points of what was repaid.
    pub(crate) fn mean_bonus_bps(&self) -> U256 {
        let extra = self.seized_value.saturating_sub(self.repaid_value);
        if self.repaid_value.is_zero() {
            U256::ZERO
        } else {
            extra * U256::from(10_000) / self.repaid_value
        }
    }

    fn count(&mut self, found: &FoundReceipt) {
        self.transactions += 1;
        self.gas += found.gas_used;
        self.refused += u64::from(!found.receipt.status());
        let mut pairs: BTreeMap<AccountKey, Vec<Pair>> = BTreeMap::new();
        for log in found.receipt.logs() {
            if log.address == ORACLE {
                self.count_price(log);
            } else if log.address == MARKET {
                self.count_market(log, &mut pairs);
            } else {
                self.count_token(log);
            }
        }
        for (account, pairs) in pairs {
            self.liquidations += 1;
            self.recent.push_front(Liquidation { time: found.place.timestamp, account, pairs });
        }
        self.recent.truncate(RECENT);
    }

    fn count_price(&mut self, log: &Log) {
        if let Ok(update) = IOracle::PriceUpdated::decode_log(log) {
            self.prices.insert(update.feed, update.price);
        } else if IOracle::ReportRejected::decode_log(log).is_ok() {
            self.rejected_reports += 1;
        }
    }

    fn count_market(&mut self, log: &Log, pairs: &mut BTreeMap<AccountKey, Vec<Pair>>) {
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
            self.close_outs += 1;
            self.touch(event.market, event.owner, event.sub);
        } else if let Ok(event) = IMarket::Liquidated::decode_log(log) {
            let key = AccountKey { market: event.market, owner: event.owner, sub: event.sub };
            self.touched.insert(key);
            let pair = Pair {
                vault: vault_id(event.vault).unwrap_or_default(),
                asset: event.asset,
                repaid: event.repaid,
                seized: event.seized,
                bonus: event.bonus,
            };
            self.count_pair(pair);
            pairs.entry(key).or_default().push(pair);
        }
    }

    fn touch(&mut self, market: u32, owner: Address, sub: u32) {
        let key = AccountKey { market, owner, sub };
        if self.accounts.contains(&key) {
            self.touched.insert(key);
        }
    }

    fn count_pair(&mut self, pair: Pair) {
        *self.repaid.entry(pair.vault).or_default() += pair.repaid;
        *self.seized.entry(pair.asset).or_default() += pair.seized;
        self.repaid_value += self.vault_value(pair.vault, pair.repaid);
        self.seized_value += self.value(pair.asset, pair.seized);
    }

    fn count_token(&mut self, log: &Log) {
        if let Ok(transfer) = IERC20Permit::Transfer::decode_log(log) {
            self.holders.entry(log.address).or_default().insert(transfer.to);
        } else if let Ok(loss) = IVault::LossRealised::decode_log(log) {
            let sum = self.losses.entry(vault_id(log.address).unwrap_or_default()).or_default();
            sum.shortfall += loss.shortfall;
            sum.from_reserves += loss.fromReserves;
            sum.from_lenders += loss.fromLenders;
        }
    }
}
