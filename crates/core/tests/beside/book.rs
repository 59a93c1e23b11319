//! What a step makes of vaults and accounts, in exact numbers: read before it, changed by its events.

use std::collections::{BTreeMap, BTreeSet};

use gage_core::{AccountId, AssetId, MarketId, MemoryLedger, VaultId};
use gage_model::{Bound, Exact, Pool, whole};
use num_traits::Zero;

use super::reading;

/// A vault.
#[derive(Clone, Debug)]
pub(crate) struct Lender {
    pub(crate) cash: Exact,
    pub(crate) shares: Exact,
    pub(crate) reserves: Exact,
    /// All that is owed, as far as roundings within the step leave that open.
    pub(crate) debt: Bound,
    pub(crate) index: Exact,
}

impl Lender {
    /// What lenders own, at the ends of what is owed.
    pub(crate) fn pools(&self) -> [Pool; 2] {
        [&self.debt.low, &self.debt.high].map(|debt| Pool {
            assets: &self.cash + debt.ceil() - &self.reserves,
            shares: self.shares.clone(),
        })
    }

    /// The bound of a conversion that rounds by at most one.
    fn between(&self, of: impl Fn(&Pool) -> Exact, below: u32, above: u32) -> Bound {
        let [one, other] = self.pools().map(|pool| of(&pool));
        let exact = one.clone();
        let (low, high) = if one < other { (one, other) } else { (other, one) };
        // Rounding down or up is by less than one: the whole number at the end is not reached.
        let low = if below == 0 { low } else { (low - whole(below)).floor() + whole(1) };
        let high = if above == 0 { high } else { (high + whole(above)).ceil() - whole(1) };
        Bound { exact, low, high }
    }

    pub(crate) fn shares_down(&self, assets: &Exact) -> Bound {
        self.between(|pool| pool.shares_for(assets), 1, 0)
    }

    pub(crate) fn shares_up(&self, assets: &Exact) -> Bound {
        self.between(|pool| pool.shares_for(assets), 0, 1)
    }

    pub(crate) fn assets_down(&self, shares: &Exact) -> Bound {
        self.between(|pool| pool.assets_for(shares), 1, 0)
    }

    pub(crate) fn assets_up(&self, shares: &Exact) -> Bound {
        self.between(|pool| pool.assets_for(shares), 0, 1)
    }
}

/// An account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Borrower {
    pub(crate) pledged: BTreeMap<AssetId, Exact>,
    pub(crate) owed: BTreeMap<VaultId, Bound>,
    /// Debts that were written anew at its premium.
    pub(crate) written: BTreeSet<VaultId>,
    /// Whether its premium is the one of what backs its debts now.
    pub(crate) reprices: bool,
    /// Whether that may stay as it was, because rounding would undo what a sale improved.
    pub(crate) sold: bool,
}

/// All vaults and accounts.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub(crate) lenders: BTreeMap<VaultId, Lender>,
    pub(crate) borrowers: BTreeMap<AccountId, Borrower>,
    /// First-loss capital, in shares.
    pub(crate) staked: BTreeMap<(MarketId, VaultId), Exact>,
    /// Whether a liquidation was followed whole.
    pub(crate) liquidated: bool,
}

impl Book {
    pub(crate) fn read(ledger: &MemoryLedger) -> Self {
        let lenders = ledger.vaults.iter().map(|(id, vault)| {
            let index = reading::index(ledger, *id);
            let debt = Bound::just(reading::debt(vault.owed, &index));
            let (cash, reserves) = (reading::units(vault.cash), reading::units(vault.reserves));
            (*id, Lender { cash, shares: reading::shares(vault.shares), reserves, debt, index })
        });
        let borrowers = ledger.accounts.iter().map(|(id, account)| {
            let market = &ledger.markets[&id.market];
            let pledged = account.collaterals.iter().map(|one| {
                (market.collaterals[usize::from(one.index)], reading::units(one.amount))
            });
            let owed = account.debts.iter().map(|one| {
                let vault = market.vaults[usize::from(one.index)];
                let index = reading::index(ledger, vault);
                (vault, Bound::just(reading::debt(one.debt, &index)))
            });
            let (pledged, owed) = (pledged.collect(), owed.collect());
            (*id, Borrower { pledged, owed, ..Borrower::default() })
        });
        let staked = ledger.tranches.iter().map(|(key, one)| (*key, reading::shares(one.shares)));
        Self {
            lenders: lenders.collect(),
            borrowers: borrowers.collect(),
            staked: staked.collect(),
            liquidated: false,
        }
    }

    pub(crate) fn lender(&mut self, vault: VaultId) -> &mut Lender {
        self.lenders.get_mut(&vault).unwrap()
    }

    pub(crate) fn borrower(&mut self, id: &AccountId) -> &mut Borrower {
        self.borrowers.entry(*id).or_default()
    }

    pub(crate) fn pledge(&mut self, id: &AccountId, asset: AssetId, more: Exact) {
        *self.borrower(id).pledged.entry(asset).or_insert_with(Exact::zero) += more;
    }

    /// What writing a debt may round: it up, and up by a share, and what ghosts stand for down.
    fn roundings(&self, vault: VaultId) -> Exact {
        &self.lenders[&vault].index + whole(2)
    }

    pub(crate) fn change(&mut self, id: &AccountId, vault: VaultId, to: Bound) {
        let nothing = Bound::just(Exact::zero());
        let old = self.borrower(id).owed.insert(vault, to.clone()).unwrap_or(nothing);
        let lender = self.lender(vault);
        lender.debt = Bound {
            exact: &lender.debt.exact + &to.exact - &old.exact,
            low: &lender.debt.low + &to.low - &old.high,
            high: &lender.debt.high + &to.high - &old.low,
        };
    }

    /// Adds to what an account owes, or takes off, down to nothing.
    pub(crate) fn owe(&mut self, id: &AccountId, vault: VaultId, more: &Exact) {
        let nothing = Bound::just(Exact::zero());
        let old = self.borrower(id).owed.get(&vault).unwrap_or(&nothing).clone();
        let room = self.roundings(vault);
        let ended = *more < Exact::zero() && -more >= old.low.ceil();
        let sum = Bound::up(&old.exact + more, &(&old.high - &old.exact + room));
        // What is repaid to the last unit is gone, whatever rounding had added.
        let to = match (ended, -more >= old.high.ceil()) {
            (true, true) => nothing,
            (true, false) => Bound { exact: Exact::zero(), low: Exact::zero(), ..sum },
            _ => sum,
        };
        self.change(id, vault, to);
        self.borrower(id).written.insert(vault);
    }

    /// Writes all debts of an account anew, at its new premium.
    pub(crate) fn rewrite(&mut self, id: &AccountId) {
        let owed = self.borrower(id).owed.clone();
        for (vault, old) in owed {
            if old.high > Exact::zero() {
                let room = self.roundings(vault);
                self.change(id, vault, old.wider(&Exact::zero(), &room));
                self.borrower(id).written.insert(vault);
            }
        }
    }
}
