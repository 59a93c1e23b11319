//! The keeper: finds accounts below health 1 that the bid queue has left, and liquidates them with
//! signed transactions.
//!
//! It does not look at every account after every price. While prices move by m in either direction,
//! a health factor falls by (1 + m)² at most; an account that stood at H needs no look until the
//! moves since then add up to ln(H / 1.1), below which the live view wants to know it exactly.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use gage_abi::IMarket;
use gage_node::Node;

use crate::{
    contracts::{MARKET, call},
    local::{Actor, AtBlock},
    reading::{AccountKey, account, ask},
    tally::Tally,
};

/// One, as a wad.
const WAD: u128 = 10_u128.pow(18);

/// Below this the live view counts an account as close.
const CLOSE: u128 = 1_100_000_000_000_000_000;

/// Below this as very close.
const VERY_CLOSE: u128 = 1_050_000_000_000_000_000;

/// What interest may take from a health factor between two looks, in millionths.
const INTEREST_PPM: u128 = 200;

/// Millionths in one.
const PPM: u128 = 1_000_000;

/// Gas that closing an account with many debts may use.
const GAS_LIMIT: u64 = 4_000_000;

/// What is known of an account.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// Wad; the largest number without debt.
    health: U256,
    /// [`Keeper::moved`] when it was read.
    at: u128,
}

/// How many accounts stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edges {
    pub(crate) in_debt: usize,
    pub(crate) below_1: usize,
    pub(crate) below_1_05: usize,
    pub(crate) below_1_1: usize,
}

/// What came of a look at those below 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Liquidations handed in.
    sent: usize,
    /// Accounts that the next block will sell to the bid queue.
    left_to_sweep: usize,
}

impl Work {
    /// Whether another block would change nothing.
    pub(crate) fn is_done(self) -> bool {
        self == Self::default()
    }
}

/// Watches accounts, and liquidates.
pub(crate) struct Keeper {
    key: PrivateKeySigner,
    watched: BTreeMap<AccountKey, Watch>,
    prices: BTreeMap<u32, U256>,
    /// What prices moved in all, in millionths, as a bound on the logarithm of a health factor's
    /// fall.
    moved: u128,
}

impl Keeper {
    /// Watches nobody yet.
    pub(crate) fn new(key: PrivateKeySigner) -> Self {
        Self { key, watched: BTreeMap::new(), prices: BTreeMap::new(), moved: 0 }
    }

    /// Looks at whoever may have come close since the last look.
    pub(crate) fn look(&mut self, at: &AtBlock<'_>, tally: &mut Tally) -> anyhow::Result<()> {
        self.moved += self.largest_move(&tally.prices) + INTEREST_PPM;
        self.prices.clone_from(&tally.prices);
        for key in tally.take_touched() {
            self.watched.insert(key, Watch { health: U256::ZERO, at: 0 });
        }
        for (key, watch) in &mut self.watched {
            if needs_look(watch.health, self.moved.saturating_sub(watch.at)) {
                let AccountKey { market, owner, sub } = *key;
                let call = IMarket::healthFactorCall { market, owner, sub };
                // A stale price leaves an account as it was last known.
                if let Ok(health) = ask(at, MARKET, &call) {
                    *watch = Watch { health, at: self.moved };
                }
            }
        }
        Ok(())
    }

    /// How many accounts stand where, as of the last look.
    pub(crate) fn edges(&self) -> Edges {
        let below = |limit: u128| {
            self.watched.values().filter(|watch| watch.health < U256::from(limit)).count()
        };
        Edges {
            in_debt: self.watched.values().filter(|watch| watch.health < U256::MAX).count(),
            below_1: below(WAD),
            below_1_05: below(VERY_CLOSE),
            below_1_1: below(CLOSE),
        }
    }

    /// Hands in one liquidation for each account below 1 that the bid queue has left.
    pub(crate) fn liquidate(&self, node: &Node) -> anyhow::Result<Work> {
        let at = AtBlock::head(node.chain());
        let mut nonce = at.nonce(self.key.address())?;
        if node.with_pool(|pool| pool.next_nonce(self.key.address())).is_some() {
            // Those of the last round are not mined yet.
            return Ok(Work::default());
        }
        let mut work = Work::default();
        let unhealthy = self.watched.iter().filter(|(_, watch)| watch.health < U256::from(WAD));
        for (key, _) in unhealthy {
            if is_the_queues(&at, *key) {
                work.left_to_sweep += 1;
                continue;
            }
            let Some((vault, asset)) = best_pair(&at, *key)? else { continue };
            let AccountKey { market, owner, sub } = *key;
            let liquidate = IMarket::liquidateCall {
                market,
                owner,
                sub,
                vault,
                asset,
                maxRepay: U256::MAX,
                receiver: self.key.address(),
            };
            let call = call(MARKET, &liquidate, format!("liquidate {owner} in market {market}"));
            if let Err(why) = at.run(Some(self.key.address()), &call) {
                tracing::debug!(%owner, market, %why, "cannot liquidate");
                continue;
            }
            Actor { node, key: &self.key }.submit(&call, nonce, GAS_LIMIT)?;
            nonce += 1;
            work.sent += 1;
        }
        Ok(work)
    }

    /// The largest move of a price since the last look, in millionths, counted twice: once for what
    /// is pledged and once for what is owed.
    fn largest_move(&self, prices: &BTreeMap<u32, U256>) -> u128 {
        let moves = prices.iter().map(|(feed, now)| {
            let before = self.prices.get(feed).copied().unwrap_or_default();
            if before.is_zero() || now.is_zero() {
                return 10 * PPM;
            }
            let (low, high) = (before.min(*now), before.max(*now));
            ((high - low) * U256::from(PPM)).div_ceil(low).saturating_to()
        });
        2 * moves.max().unwrap_or_default()
    }
}

/// Whether an account last seen at `health` may be close after prices moved by `moved`: ln x is at
/// least 1 − 1/x.
fn needs_look(health: U256, moved: u128) -> bool {
    if health == U256::MAX {
        return false;
    }
    if health <= U256::from(CLOSE) {
        return true;
    }
    let nearness = U256::from(CLOSE) * U256::from(PPM) / health;
    let slack = U256::from(PPM).saturating_sub(nearness);
    slack <= U256::from(moved)
}

/// Whether the next sweep will sell something of the account: a liquidator would come too late.
fn is_the_queues(at: &AtBlock<'_>, key: AccountKey) -> bool {
    let AccountKey { market, owner, sub } = key;
    let plan = ask(at, MARKET, &IMarket::previewSweepCall { market, owner, sub });
    // Without a fresh price there is no plan, and no liquidation either.
    plan.is_ok_and(|plan| plan.due)
}

/// The debt and the collateral whose liquidation repays most. The largest of each comes first,
/// which for nearly all accounts is the answer.
fn best_pair(at: &AtBlock<'_>, key: AccountKey) -> anyhow::Result<Option<(Address, Address)>> {
    let AccountKey { market, owner, sub } = key;
    let Ok(mut state) = account(at, key) else { return Ok(None) };
    state.debts.sort_by_key(|debt| std::cmp::Reverse(debt.value));
    state.collaterals.sort_by_key(|pledge| std::cmp::Reverse(pledge.value));
    let mut best = None;
    let mut most = U256::ZERO;
    for debt in &state.debts {
        for pledge in &state.collaterals {
            let preview = IMarket::previewLiquidationCall {
                market,
                owner,
                sub,
                vault: debt.vault,
                asset: pledge.asset,
                maxRepay: U256::MAX,
            };
            // This pair may be refused where another is not.
            let Ok(plan) = ask(at, MARKET, &preview) else { continue };
            let part = plan.repay.saturating_mul(U256::from(WAD)) / debt.amount.max(U256::from(1));
            let value = debt.value.saturating_mul(part) / U256::from(WAD);
            if value > most {
                most = value;
                best = Some((debt.vault, pledge.asset));
            }
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_accounts_are_left_alone_until_prices_have_moved() {
        let twice = U256::from(2 * WAD);
        // ln(2 / 1.1) is 0.598; the bound 1 − 1.1 / 2 is 0.45.
        assert!(!needs_look(twice, 449_999));
        assert!(needs_look(twice, 450_000));
        assert!(needs_look(U256::from(CLOSE), 0));
        assert!(needs_look(U256::ZERO, 0));
        assert!(!needs_look(U256::MAX, u128::MAX));
    }
}
