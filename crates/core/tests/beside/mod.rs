//! The reference model beside the engine: it reads what a step began with, follows the step's events in exact
//! rationals, and says between which ends every number afterwards must lie.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod book;
pub(crate) mod reading;
mod sales;
mod standings;
pub(crate) mod tally;
mod vaults;
pub(crate) mod verdict;

use std::collections::BTreeMap;

use gage_core::terms::Subject;
use gage_core::{Event, GroupId, MarketId, MemoryLedger, QueueId, VaultId};
use gage_model::{Binding, Exits, History, Tier, whole};

use book::Book;
use sales::swept;
use tally::Tally;

/// What the model remembers between steps; the rest it reads from the ledger before each.
pub(crate) struct Beside {
    pub(crate) tally: Tally,
    /// All terms that collaterals and groups ever had.
    pub(crate) histories: BTreeMap<(MarketId, Subject), History>,
    exits: BTreeMap<VaultId, Exits>,
    tiers: BTreeMap<(QueueId, gage_core::bids::Tier), Tier<gage_core::Address>>,
    /// The most that the present step's liquidator offers, where that is known.
    pub(crate) offered: Option<u128>,
}

/// One step: the ledgers before and after it with all interest counted, and what happened.
pub(crate) struct Scene<'a> {
    pub(crate) before: MemoryLedger,
    pub(crate) after: MemoryLedger,
    pub(crate) events: &'a [Event],
}

fn binding(terms: gage_core::terms::Binding) -> Binding {
    Binding {
        threshold: terms.threshold.get().into(),
        bonus_min: terms.bonus_min.get().into(),
        bonus_max: terms.bonus_max.get().into(),
    }
}

/// The ledger with all interest counted, and nothing else done.
pub(crate) fn settled(ledger: &MemoryLedger, now: gage_core::Timestamp) -> MemoryLedger {
    let mut settled = MemoryLedger { events: Vec::new(), ..ledger.clone() };
    settled.now = now;
    for vault in settled.vaults.values_mut() {
        *vault = *vault.accrue(now).record();
    }
    settled
}

impl Beside {
    /// A model beside a ledger in which nobody has acted yet.
    pub(crate) fn new(ledger: &MemoryLedger) -> Self {
        assert!(ledger.accounts.is_empty() && ledger.places.is_empty() && ledger.bids.is_empty());
        let listed = ledger.collaterals.iter().map(|((market, asset), listed)| {
            let history = History::new(binding(listed.binding()));
            ((*market, Subject::Collateral(*asset)), history)
        });
        Self {
            tally: Tally::default(),
            histories: listed.collect(),
            exits: BTreeMap::new(),
            tiers: BTreeMap::new(),
            offered: None,
        }
    }

    /// Holds a step against the model: what happened between two states of a ledger.
    ///
    /// The later state's events must begin with the earlier one's.
    pub(crate) fn observe(&mut self, before: &MemoryLedger, after: &MemoryLedger) {
        let events = &after.events[before.events.len()..];
        self.interest(before, after.now);
        self.remember_terms(events, after);
        let scene =
            Scene { before: settled(before, after.now), after: settled(after, after.now), events };
        let mut book = Book::read(&scene.before);
        // Stakers are paid before anything else of an operation; debts are written at another premium
        // after it, and then the exit queue is filled.
        let rank = |event: &&Event| match event {
            Event::FirstLossRewarded { .. } => 0,
            Event::RiskPremiumChanged { .. } => 2,
            Event::ExitsFilled { .. } => 3,
            _ => 1,
        };
        let mut ordered: Vec<&Event> = events.iter().collect();
        ordered.sort_by_key(rank);
        for event in ordered {
            self.follow(&mut book, &scene, event);
        }
        self.tranches(&scene);
        self.compare(&book, &scene);
        self.standings(&scene.after);
        self.tally.steps += 1;
    }

    fn follow(&mut self, book: &mut Book, scene: &Scene<'_>, event: &Event) {
        match event {
            Event::Deposit { .. }
            | Event::Withdraw { .. }
            | Event::ExitRequested { .. }
            | Event::ExitsFilled { .. }
            | Event::ExitClaimed { .. }
            | Event::ReservesCollected { .. }
            | Event::FirstLossRewarded { .. }
            | Event::FirstLossStaked { .. }
            | Event::FirstLossUnstaked { .. } => self.follow_vault(book, scene, event),
            Event::CollateralSupplied { account, asset, amount, .. } => {
                book.pledge(account, *asset, reading::units(*amount));
            }
            Event::CollateralWithdrawn { account, asset, amount, .. } => {
                book.pledge(account, *asset, -reading::units(*amount));
                book.borrower(account).reprices = true;
            }
            Event::Borrowed { account, vault, amount, .. } => {
                book.owe(account, *vault, &reading::units(*amount));
                book.lender(*vault).cash -= reading::units(*amount);
                book.borrower(account).reprices = true;
            }
            Event::Repaid { account, vault, amount, .. } => {
                book.owe(account, *vault, &-reading::units(*amount));
                book.lender(*vault).cash += reading::units(*amount);
            }
            Event::RiskPremiumChanged { account, .. } => {
                book.rewrite(account);
                book.borrower(account).reprices = true;
            }
            Event::Rehomed { from, to, .. } => {
                book.rewrite(from);
                book.rewrite(to);
                // At the premium that they had, debts are not written anew.
                let premium = |account: &gage_core::Account| account.risk_premium;
                let now = scene.after.accounts.get(to).map(premium);
                let then = [from, to].map(|id| scene.before.accounts.get(id));
                let indebted = then.into_iter().flatten().filter(|account| account.has_debt());
                if indebted.map(premium).all(|then| Some(then) == now) {
                    book.borrower(to).written.clear();
                }
            }
            Event::CollateralRehomed { from, to, asset, amount } => {
                book.pledge(from, *asset, -reading::units(*amount));
                book.pledge(to, *asset, reading::units(*amount));
            }
            Event::DebtRehomed { from, to, vaults, amount } => {
                book.owe(from, vaults.0, &-reading::units(*amount));
                book.owe(to, vaults.1, &reading::units(*amount));
                if vaults.0 == vaults.1 {
                    // It may be the same shares, which were worth a part of a unit less.
                    let owed = book.borrower(to).owed[&vaults.1].wider(&whole(1), &whole(0));
                    book.change(to, vaults.1, owed);
                }
                book.lender(vaults.0).cash += reading::units(*amount);
                book.lender(vaults.1).cash -= reading::units(*amount);
            }
            Event::Liquidated { account, .. } => self.liquidated(book, scene, account),
            Event::BadDebt { account, vault, .. } => {
                self.written_off(book, scene, account, *vault);
            }
            Event::BidsFilled { account, .. } => self.filled(book, scene, event, account),
            Event::Swept { account, reason, .. } => swept(book, *account, *reason),
            Event::BidPlaced { .. }
            | Event::BidWithdrawalAnnounced { .. }
            | Event::BidWithdrawn { .. }
            | Event::BidClaimed { .. } => self.bid(book, scene, event),
            _ => {}
        }
    }

    /// What markets' owners set and announced.
    fn remember_terms(&mut self, events: &[Event], after: &MemoryLedger) {
        for event in events {
            let (key, present) = match event {
                Event::CollateralListed { market, asset, .. }
                | Event::CollateralChanged { market, asset, .. } => {
                    let listed = after.collaterals[&(*market, *asset)];
                    ((*market, Subject::Collateral(*asset)), listed.binding())
                }
                Event::GroupCreated { market, group, .. }
                | Event::GroupTermsChanged { market, group, .. } => {
                    let id: GroupId = *group;
                    ((*market, Subject::Group(id)), after.groups[&(*market, id)].binding)
                }
                Event::MoveScheduled { market, subject, start, end } => {
                    let version = after.markets[market].terms_version;
                    let history = self.histories.get_mut(&(*market, *subject)).unwrap();
                    history.schedule(version, (start.get(), end.get()));
                    continue;
                }
                _ => continue,
            };
            let version = after.markets[&key.0].terms_version;
            let new = || History::new(binding(present));
            self.histories.entry(key).or_insert_with(new).set(version, binding(present));
        }
    }
}
