//! Do the totals tie? Asked through the contracts' own functions, so that it does not lean on how
//! they store anything: every holder that a `Transfer` ever named, every account that ever
//! borrowed.

use alloy_primitives::{Address, U256};
use gage_abi::{IERC20Permit, IMarket};

use crate::{
    contracts::MARKET,
    local::AtBlock,
    reading::{AccountKey, Token, VaultReading, ask, counts, market, queues, vaults},
    tally::Tally,
};

/// How two totals must stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    /// The left may be above the right by at most so many units: each account's debt is rounded up.
    AboveByAtMost(u64),
    AtMost,
}

/// Two totals.
#[derive(Clone, Debug)]
pub(crate) struct Tie {
    pub(crate) name: String,
    pub(crate) left: U256,
    pub(crate) right: U256,
    pub(crate) relation: Relation,
    pub(crate) decimals: u8,
}

impl Tie {
    /// Whether they stand as they must.
    pub(crate) fn holds(&self) -> bool {
        match self.relation {
            Relation::Equal => self.left == self.right,
            Relation::AtMost => self.left <= self.right,
            Relation::AboveByAtMost(units) => {
                self.left.checked_sub(self.right).is_some_and(|over| over <= U256::from(units))
            }
        }
    }
}

/// Checks made along the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct TieLog {
    pub(crate) checks: u64,
    /// Block and totals that did not tie.
    pub(crate) broken: Vec<(u64, Tie)>,
}

impl TieLog {
    /// Compares all totals at a block and keeps what does not tie.
    pub(crate) fn check(
        &mut self,
        at: &AtBlock<'_>,
        tally: &Tally,
        assets: &[Token],
    ) -> anyhow::Result<Vec<Tie>> {
        let ties = read(at, tally, assets)?;
        self.checks += 1;
        for tie in ties.iter().filter(|tie| !tie.holds()) {
            tracing::error!(block = at.number, ?tie, "totals do not tie");
            self.broken.push((at.number, tie.clone()));
        }
        Ok(ties)
    }
}

/// Every total of the protocol. `tally` must be at the same block.
fn read(at: &AtBlock<'_>, tally: &Tally, assets: &[Token]) -> anyhow::Result<Vec<Tie>> {
    let vaults = vaults(at)?;
    let mut ties = Vec::new();
    for token in assets.iter().chain(vaults.iter().map(|vault| &vault.token)) {
        ties.push(balances(at, tally, token)?);
    }
    if let Some(wrapped) = assets.first() {
        let right = ask(at, wrapped.address, &IERC20Permit::totalSupplyCall {})?;
        ties.push(Tie {
            name: format!("{}: coins held = supply", wrapped.symbol),
            left: at.coins(wrapped.address)?,
            right,
            relation: Relation::Equal,
            decimals: wrapped.decimals,
        });
    }
    for vault in &vaults {
        ties.extend(vault_ties(at, tally, vault)?);
    }
    for token in assets {
        ties.push(pledged(at, token)?);
    }
    ties.extend(bid_shares(at, &vaults)?);
    Ok(ties)
}

/// The sum of balances is the supply.
fn balances(at: &AtBlock<'_>, tally: &Tally, token: &Token) -> anyhow::Result<Tie> {
    let mut left = U256::ZERO;
    for holder in tally.holders.get(&token.address).into_iter().flatten() {
        left += balance(at, token.address, *holder)?;
    }
    let right = ask(at, token.address, &IERC20Permit::totalSupplyCall {})?;
    let name = format!("{}: sum of balances = supply", token.symbol);
    Ok(Tie { name, left, right, relation: Relation::Equal, decimals: token.decimals })
}

fn vault_ties(at: &AtBlock<'_>, tally: &Tally, vault: &VaultReading) -> anyhow::Result<[Tie; 3]> {
    let VaultReading { state, token, asset, .. } = vault;
    let listed = markets_that_list(at, token.address)?;
    let (mut owed, mut debtors) = (U256::ZERO, 0);
    for key in tally.accounts.iter().filter(|key| listed.contains(&key.market)) {
        let AccountKey { market, owner, sub } = *key;
        let call = IMarket::debtOfCall { market, owner, sub, vault: token.address };
        let debt = ask(at, MARKET, &call)?;
        debtors += u64::from(!debt.is_zero());
        owed += debt;
    }
    let tie = |name: &str, left, right, relation| Tie {
        name: format!("{}: {name}", token.symbol),
        left,
        right,
        relation,
        decimals: asset.decimals,
    };
    let books = (state.cash + state.debt).saturating_sub(state.reserves);
    let held = balance(at, asset.address, token.address)?;
    Ok([
        tie("vault assets = cash + debt − reserves", state.totalAssets, books, Relation::Equal),
        tie("accounts' debts = vault's debt", owed, state.debt, Relation::AboveByAtMost(debtors)),
        tie("cash ≤ tokens held", state.cash, held, Relation::AtMost),
    ])
}

fn markets_that_list(at: &AtBlock<'_>, vault: Address) -> anyhow::Result<Vec<u32>> {
    let mut listed = Vec::new();
    for id in 1..=counts(at)?.markets {
        if market(at, id)?.vaults.contains(&vault) {
            listed.push(id);
        }
    }
    Ok(listed)
}

/// What all markets count as pledged is not more than what their contract holds.
fn pledged(at: &AtBlock<'_>, token: &Token) -> anyhow::Result<Tie> {
    let mut left = U256::ZERO;
    for id in 1..=counts(at)?.markets {
        if market(at, id)?.collaterals.contains(&token.address) {
            let call = IMarket::collateralStateCall { market: id, asset: token.address };
            left += ask(at, MARKET, &call)?.total;
        }
    }
    let right = balance(at, token.address, MARKET)?;
    let name = format!("{}: pledged ≤ tokens held", token.symbol);
    Ok(Tie { name, left, right, relation: Relation::AtMost, decimals: token.decimals })
}

/// The shares that wait in bids are there.
fn bid_shares(at: &AtBlock<'_>, vaults: &[VaultReading]) -> anyhow::Result<Vec<Tie>> {
    let queues = queues(at)?;
    let tie = |vault: &VaultReading| {
        let token = &vault.token;
        let tiers = queues.iter().filter(|queue| queue.vault == token.address);
        let left =
            tiers.flat_map(|queue| &queue.tiers).fold(U256::ZERO, |sum, tier| sum + tier.shares);
        let right = balance(at, token.address, MARKET)?;
        let name = format!("{}: shares bid ≤ shares held", token.symbol);
        Ok(Tie { name, left, right, relation: Relation::AtMost, decimals: token.decimals })
    };
    vaults.iter().map(tie).collect()
}

fn balance(at: &AtBlock<'_>, token: Address, account: Address) -> anyhow::Result<U256> {
    ask(at, token, &IERC20Permit::balanceOfCall { account })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_kept() {
        let tie = |left: u64, right: u64, relation| Tie {
            name: String::new(),
            left: U256::from(left),
            right: U256::from(right),
            relation,
            decimals: 0,
        };
        assert!(tie(5, 5, Relation::Equal).holds());
        assert!(!tie(5, 6, Relation::Equal).holds());
        assert!(tie(5, 6, Relation::AtMost).holds() && !tie(7, 6, Relation::AtMost).holds());
        assert!(tie(8, 6, Relation::AboveByAtMost(2)).holds());
        assert!(!tie(9, 6, Relation::AboveByAtMost(2)).holds());
        assert!(!tie(5, 6, Relation::AboveByAtMost(2)).holds());
    }
}
