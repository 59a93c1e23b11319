//! Accounts in plain numbers, beside the protocol: who should be liquidated at the honest price, and since when.

use std::collections::BTreeMap;

use gage_core::AccountId;

use super::tape::{Prices, STEP};
use crate::population::COLLATERALS;

/// Steps in ten minutes.
pub(crate) const TEN_MINUTES: usize = (600 / STEP) as usize;
/// Health below which an account is due at the honest price: a tenth of a percent for the sources' noise.
const DUE: f64 = 0.999;
/// Health below which the protocol is asked: a hair above one, for its roundings.
const SUSPECT: f64 = 1.000_001;
const DOLLARS: [f64; COLLATERALS as usize] = [1.0; COLLATERALS as usize];
/// The part of a collateral's value that its debt may reach.
const THRESHOLD: f64 = 0.8;

/// What an account holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    /// Whole tokens, by the collateral's place.
    pub(crate) amounts: [f64; COLLATERALS as usize],
    /// Dollars when the index is one.
    pub(crate) debt: f64,
    pub(crate) due_since: Option<usize>,
}

impl Holding {
    pub(crate) fn value(&self, prices: &[f64]) -> f64 {
        self.amounts.iter().zip(prices).map(|(amount, price)| amount * price).sum()
    }

    /// Without debt, infinite.
    pub(crate) fn health(&self, prices: &[f64], index: f64) -> f64 {
        THRESHOLD * self.value(prices) / (self.debt * index)
    }

    /// How healthy it is at best in the next ten minutes.
    pub(crate) fn best(&self, honest: &Prices, step: usize, index: f64) -> f64 {
        let until = (step + TEN_MINUTES).min(honest.len() - 1);
        honest[step..=until].iter().map(|prices| self.health(prices, index)).fold(0.0, f64::max)
    }
}

/// Every account.
#[derive(Default)]
pub(crate) struct Truth {
    places: BTreeMap<AccountId, usize>,
    holdings: Vec<(AccountId, Holding)>,
    /// The health of each were every collateral worth a dollar: at least that times the lowest price it is.
    least: Vec<f64>,
    /// The places of those that were due when last looked at, in order.
    due: Vec<usize>,
    /// How long those waited that were due and liquidated, in seconds.
    pub(crate) delays: Vec<u64>,
    /// How often an account was due for more than ten minutes, and nothing of it had been sold.
    pub(crate) missed: usize,
}

impl Truth {
    pub(crate) fn add(&mut self, id: AccountId, holding: Holding) {
        self.places.insert(id, self.holdings.len());
        self.least.push(holding.health(&DOLLARS, 1.0));
        self.holdings.push((id, holding));
    }

    /// The places of those whose health may be below one.
    fn near(&self, prices: &[f64], index: f64) -> Vec<usize> {
        let lowest = prices.iter().copied().fold(f64::INFINITY, f64::min) / index;
        let all = self.least.iter().enumerate();
        all.filter(|(_, least)| **least * lowest < SUSPECT).map(|(place, _)| place).collect()
    }

    /// Notes who is due at this step.
    pub(crate) fn look(&mut self, step: usize, prices: &[f64], index: f64) {
        let mut due = Vec::new();
        for place in self.near(prices, index) {
            let holding = &mut self.holdings[place].1;
            if holding.health(prices, index) < DUE {
                due.push(place);
                let since = *holding.due_since.get_or_insert(step);
                // Every step is looked at: this one once.
                self.missed += usize::from(step - since == TEN_MINUTES + 1);
            }
        }
        let before = std::mem::replace(&mut self.due, due);
        for place in before.into_iter().filter(|place| self.due.binary_search(place).is_err()) {
            self.holdings[place].1.due_since = None;
        }
    }

    /// Whom the protocol may hold due, at the prices that it judges by.
    pub(crate) fn suspects(&self, judged: &[f64], index: f64) -> Vec<AccountId> {
        let near = self.near(judged, index).into_iter().map(|place| &self.holdings[place]);
        near.filter(|(_, one)| one.health(judged, index) < SUSPECT).map(|(id, _)| *id).collect()
    }

    /// Replaces what an account holds; what it held before.
    pub(crate) fn replace(&mut self, id: &AccountId, now: Holding) -> Holding {
        let place = self.places[id];
        self.least[place] = now.health(&DOLLARS, 1.0);
        std::mem::replace(&mut self.holdings[place].1, now)
    }

    /// Replaces what a liquidated account holds; what it held before.
    pub(crate) fn liquidated(&mut self, id: &AccountId, step: usize, now: Holding) -> Holding {
        let before = self.replace(id, now);
        if let Some(since) = before.due_since {
            self.delays.push((step - since) as u64 * STEP);
        }
        before
    }

    /// What is owed beyond what secures it.
    pub(crate) fn uncovered(&self, prices: &[f64], index: f64) -> f64 {
        let short = |holding: &Holding| (holding.debt * index - holding.value(prices)).max(0.0);
        self.holdings.iter().map(|(_, holding)| short(holding)).sum()
    }
}
