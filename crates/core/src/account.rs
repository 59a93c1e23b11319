//! A borrower's position in one market: several collaterals, several debts.

use crate::debt::Debt;
use crate::fixed::{Assets, Bps};
use crate::ids::GroupId;
use alloc::vec::Vec;

/// What an account has pledged of one collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pledge {
    /// Place of the asset in the market's list of collaterals.
    pub index: u8,
    /// Base units pledged; never zero.
    pub amount: Assets,
}

/// What an account owes to one vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Place of the vault in the market's list of vaults.
    pub index: u8,
    /// How much; never zero.
    pub debt: Debt,
}

/// The part of an account's debts that one collateral backs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backing {
    /// Place of the asset in the market's list of collaterals.
    pub index: u8,
    /// How much of each debt; never zero.
    pub part: Bps,
}

/// A borrower's position. Both lists are sorted by place and hold no zeros; without entries it is
/// the empty account, which is what a ledger returns for one that was never written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What is pledged.
    pub collaterals: Vec<Pledge>,
    /// What is owed.
    pub debts: Vec<Owed>,
    /// By how much its interest exceeds the vaults' base rates: the premium that its debts were last
    /// written at. Zero without debt.
    pub risk_premium: Bps,
    /// Which debts are part of the sums of [`crate::exposure`]: bit `i` is the vault at place `i`. Only
    /// [`crate::exposure`] changes it.
    pub tracked: u8,
    /// What backed the tracked debts when they were last attributed, sorted by place; the parts make
    /// the whole. Empty if none is tracked.
    pub backing: Vec<Backing>,
    /// The market's terms version when it last took new risk ([`crate::terms`]). Zero without debt.
    pub terms_version: u32,
    /// The group that it is in.
    pub group: GroupId,
}

impl Account {
    /// What is pledged of the collateral at `index`.
    #[must_use]
    pub fn collateral(&self, index: u8) -> Assets {
        let found = self.collaterals.iter().find(|pledge| pledge.index == index);
        found.map_or(Assets::ZERO, |pledge| pledge.amount)
    }

    /// What is owed to the vault at `index`.
    #[must_use]
    pub fn debt(&self, index: u8) -> Debt {
        let found = self.debts.iter().find(|owed| owed.index == index);
        found.map_or(Debt::ZERO, |owed| owed.debt)
    }

    /// Writes what is pledged of the collateral at `index`; zero removes the entry.
    pub fn set_collateral(&mut self, index: u8, amount: Assets) {
        match self.collaterals.binary_search_by_key(&index, |pledge| pledge.index) {
            Ok(place) if amount.is_zero() => drop(self.collaterals.remove(place)),
            Ok(place) => {
                if let Some(pledge) = self.collaterals.get_mut(place) {
                    pledge.amount = amount;
                }
            }
            Err(_) if amount.is_zero() => {}
            Err(place) => self.collaterals.insert(place, Pledge { index, amount }),
        }
    }

    /// Writes the debt to the vault at `index`; zero removes the entry, and the last one the
    /// premium and the terms version.
    pub fn set_debt(&mut self, index: u8, debt: Debt) {
        match self.debts.binary_search_by_key(&index, |owed| owed.index) {
            Ok(place) if debt.is_zero() => drop(self.debts.remove(place)),
            Ok(place) => {
                if let Some(owed) = self.debts.get_mut(place) {
                    owed.debt = debt;
                }
            }
            Err(_) if debt.is_zero() => {}
            Err(place) => self.debts.insert(place, Owed { index, debt }),
        }
        if self.debts.is_empty() {
            self.risk_premium = Bps::ZERO;
            self.terms_version = 0;
        }
    }

    /// Whether the debt to the vault at `index` is part of the sums of [`crate::exposure`].
    #[must_use]
    pub fn is_tracked(&self, index: u8) -> bool {
        self.tracked & 1_u8.checked_shl(index.into()).unwrap_or_default() != 0
    }

    /// The version whose terms it is on: without debt the newest, which it would draw on.
    #[must_use]
    pub fn version_in_force(&self) -> u32 {
        if self.has_debt() { self.terms_version } else { u32::MAX }
    }

    /// Whether anything is owed.
    #[must_use]
    pub fn has_debt(&self) -> bool {
        !self.debts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Shares;

    /// HLT-3: entries mirror amounts.
    #[test]
    fn entries_stay_sorted_and_hold_no_zeros() {
        let mut account = Account::default();
        for (index, amount) in [(3, 5), (1, 7), (3, 0), (2, 0), (0, 9), (1, 8)] {
            account.set_collateral(index, Assets::new(amount));
            account.set_debt(index, Debt { shares: Shares::new(amount), offset: Assets::ZERO });
        }
        let places: Vec<_> = account.collaterals.iter().map(|pledge| pledge.index).collect();
        assert_eq!(places, [0, 1]);
        assert_eq!(account.collateral(1), Assets::new(8));
        assert_eq!(account.collateral(3), Assets::ZERO);
        assert_eq!(account.debt(0).shares, Shares::new(9));
        assert_eq!(account.debts.len(), 2);
    }
}
