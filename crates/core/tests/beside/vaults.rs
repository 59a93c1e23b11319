//! Vaults: interest, lenders' shares, reserves, first-loss capital, the exit queue.

use gage_core::{Event, MarketId, MemoryLedger, Timestamp, Vault, VaultId, exits};
use gage_model::{Bound, Exact, Lent, accrue, bps, ray, supply_rate, ulp, whole};
use num_traits::Zero;

use super::book::Book;
use super::reading::{self, shares, units};
use super::{Beside, Scene, settled};

/// An index, or where it stops growing: what a vault is owed is at most `2^124`. Never below what it was.
fn within_debt_max(index: &Bound, vault: &Vault, old: &Exact) -> Bound {
    if vault.owed.is_zero() {
        return index.clone();
    }
    let most = (whole(1_u128 << 124) + units(vault.owed.offset)) / shares(vault.owed.shares);
    if most >= index.high {
        return index.clone();
    }
    let bound = index.at_most(&most).wider(&ulp(27), &Exact::zero());
    if bound.low >= *old { bound } else { Bound { low: old.clone(), ..bound } }
}

impl Beside {
    /// Holds what the time until `now` makes of every vault against the formulas.
    pub(crate) fn interest(&mut self, before: &MemoryLedger, now: Timestamp) {
        let after = settled(before, now);
        for (id, old) in &before.vaults {
            let new = &after.vaults[id];
            let index = reading::index(before, *id);
            let debt = reading::debt(old.owed, &index);
            let cash = units(old.cash);
            let lent = Lent { index, debt, cash, curve: reading::curve(old.model) };
            let seconds = now.since(old.updated_at);
            let accrual = accrue(&lent, seconds);
            let index_after = reading::index(&after, *id);
            let within = within_debt_max(&accrual.index, old, &lent.index);
            self.tally.check("index", &within, &index_after);
            if let (Some(bound), gage_model::Curve::Adaptive { rate_at_target }) =
                (accrual.rate_at_target, reading::curve(new.model))
            {
                self.tally.check("rate at target", &bound, &rate_at_target);
            }
            let grown = reading::debt(new.owed, &index_after).ceil() - lent.debt.ceil();
            let fee = Bound::down(grown * bps(old.reserve_fee.get().into()), &whole(1));
            let kept = units(new.reserves) - units(old.reserves);
            self.tally.check("fee", &fee, &kept);
            assert!(old.cash == new.cash && old.shares == new.shares && old.owed == new.owed);
            self.rates(&after, *id, now);
        }
    }

    /// Holds the rates that a vault shows against the formulas.
    fn rates(&mut self, ledger: &MemoryLedger, id: VaultId, now: Timestamp) {
        let record = ledger.vaults[&id];
        let accrued = record.accrue(now);
        let index = reading::index(ledger, id);
        let debt = reading::debt(record.owed, &index);
        let lent = Lent {
            index: index.clone(),
            debt,
            cash: units(record.cash),
            curve: reading::curve(record.model),
        };
        let rate = accrue(&lent, 0).rate;
        self.tally.check("borrow rate", &rate, &(whole(accrued.borrow_rate().get()) / ray()));
        let assets = reading::pool(ledger, id).assets;
        let paid = shares(record.owed.shares) * index;
        let supply = |rate: &Exact, paid: &Exact| {
            supply_rate(&(rate * paid), record.reserve_fee.get().into(), &assets)
        };
        let bound = Bound {
            exact: supply(&rate.exact, &paid),
            low: supply(&rate.low, &paid) - ulp(27) * whole(2),
            // What bears interest is counted in whole units, as all debt is.
            high: supply(&rate.high, &paid.ceil()),
        };
        self.tally.check("supply rate", &bound, &(whole(accrued.supply_rate().get()) / ray()));
    }

    pub(crate) fn follow_vault(&mut self, book: &mut Book, scene: &Scene<'_>, event: &Event) {
        match event {
            Event::Deposit { vault, assets, shares: minted, .. } => {
                let (assets, minted) = (units(*assets), shares(*minted));
                let lender = book.lender(*vault);
                let exactly = lender.shares_down(&assets);
                if exactly.holds(&minted) {
                    self.tally.check("shares minted", &exactly, &minted);
                } else {
                    self.tally.check("assets collected", &lender.assets_up(&minted), &assets);
                }
                lender.cash += assets;
                lender.shares += minted;
            }
            Event::Withdraw { vault, assets, shares: burned, .. } => {
                let (assets, burned) = (units(*assets), shares(*burned));
                let lender = book.lender(*vault);
                let exactly = lender.shares_up(&assets);
                if exactly.holds(&burned) {
                    self.tally.check("shares burned", &exactly, &burned);
                } else {
                    self.tally.check("assets paid", &lender.assets_down(&burned), &assets);
                }
                lender.cash -= assets;
                lender.shares -= burned;
            }
            Event::ReservesCollected { vault, assets, .. } => {
                book.lender(*vault).cash -= units(*assets);
                book.lender(*vault).reserves -= units(*assets);
            }
            Event::ExitRequested { place, shares: queued, .. } => {
                let exits = self.exits.entry(place.vault).or_default();
                exits.request(place.number, shares(*queued));
            }
            Event::ExitsFilled { .. } => self.exits_filled(book, event),
            Event::ExitClaimed { place, assets, .. } => {
                let exits = self.exits.get_mut(&place.vault).unwrap();
                let (exact, _) = exits.claim(place.number, &units(*assets));
                let bound = Bound::just(exact).wider(&whole(1), &whole(1));
                self.tally.check("exit claimed", &bound, &units(*assets));
            }
            _ => self.staked(book, scene, event),
        }
    }

    fn exits_filled(&mut self, book: &mut Book, event: &Event) {
        let Event::ExitsFilled { vault, shares: filled, assets, .. } = event else { return };
        let (filled, paid) = (shares(*filled), units(*assets));
        let exits = self.exits.get_mut(vault).unwrap();
        let waiting = exits.waiting();
        let lender = book.lender(*vault);
        self.tally.check("exit filled", &lender.assets_down(&filled), &paid);
        assert!(paid <= lender.cash && filled <= waiting, "the queue took what there is not");
        if filled < waiting {
            // Not even a share more could be paid.
            let more = lender.assets_down(&(&filled + whole(1))).high;
            assert!(
                more + whole(1) > lender.cash,
                "the queue left cash: {paid} of {}",
                lender.cash
            );
        }
        lender.cash -= &paid;
        lender.shares -= &filled;
        exits.fill(&filled, &paid);
    }

    fn staked(&mut self, book: &mut Book, scene: &Scene<'_>, event: &Event) {
        let tranche = |key: &(MarketId, VaultId)| scene.before.tranches.get(key).copied();
        match event {
            Event::FirstLossRewarded { market, vault, assets, shares: minted } => {
                let (assets, minted) = (units(*assets), shares(*minted));
                let lender = book.lender(*vault);
                self.tally.check("premium in shares", &lender.shares_down(&assets), &minted);
                lender.reserves -= assets;
                lender.shares += &minted;
                *book.staked.get_mut(&(*market, *vault)).unwrap() += minted;
            }
            Event::FirstLossStaked { stake, shares: added, units: given } => {
                let key = (stake.market, stake.vault);
                let units = whole(tranche(&key).map_or(0, |tranche| tranche.units.get()));
                let all = book.staked.entry(key).or_insert_with(Exact::zero);
                let added = shares(*added);
                let exact = if units.is_zero() { added.clone() } else { &added * units / &*all };
                *all += added;
                self.tally.check("units", &Bound::down(exact, &whole(1)), &whole(given.get()));
            }
            Event::FirstLossUnstaked { stake, units, shares: left, .. } => {
                let key = (stake.market, stake.vault);
                let all = whole(tranche(&key).unwrap().units.get());
                let staked = book.staked.get_mut(&key).unwrap();
                let exact = whole(units.get()) * &*staked / all;
                *staked -= shares(*left);
                self.tally.check("unstaked", &Bound::down(exact, &whole(1)), &shares(*left));
            }
            _ => {}
        }
    }

    /// The premium that stakers are owed: their part of the interest on the line's debt.
    pub(crate) fn tranches(&mut self, scene: &Scene<'_>) {
        for (key, new) in &scene.after.tranches {
            let Some(old) = scene.before.tranches.get(key) else { continue };
            if new.index == old.index || new.epoch != old.epoch || old.units.is_zero() {
                continue;
            }
            if new.units.is_zero() {
                // What could not be paid to the last staker is nobody's.
                assert!(new.owed.is_zero() && new.fraction.is_zero());
                continue;
            }
            let line = scene.before.lines[key];
            let grown = whole(new.index.get() - old.index.get()) / ray();
            let interest = shares(line.owed.shares) * grown;
            let owed = units(old.owed) + whole(old.fraction.get()) / ray();
            let exact = owed + interest * bps(old.premium.get().into());
            let paid = scene.events.iter().filter_map(|event| match event {
                Event::FirstLossRewarded { market, vault, assets, .. }
                    if (*market, *vault) == *key =>
                {
                    Some(units(*assets))
                }
                _ => None,
            });
            let paid = paid.fold(Exact::zero(), |sum, paid| sum + paid);
            let counted = paid + units(new.owed) + whole(new.fraction.get()) / ray();
            self.tally.check("premium of stakes", &Bound::down(exact, &ulp(27)), &counted);
        }
    }

    /// Vaults, places and bids as the step left them.
    pub(crate) fn compare(&mut self, book: &Book, scene: &Scene<'_>) {
        for (id, record) in &scene.after.vaults {
            let lender = &book.lenders[id];
            let debt = reading::debt(record.owed, &lender.index);
            self.tally.check("cash", &Bound::just(lender.cash.clone()), &units(record.cash));
            let all = Bound::just(lender.shares.clone());
            self.tally.check("shares", &all, &shares(record.shares));
            let reserves = Bound::just(lender.reserves.clone());
            self.tally.check("reserves", &reserves, &units(record.reserves));
            self.tally.check("vault's debt", &lender.debt, &debt);
        }
        for (key, tranche) in &scene.after.tranches {
            if let Some(staked) = book.staked.get(key) {
                let staked = Bound::just(staked.clone());
                self.tally.check("staked", &staked, &shares(tranche.shares));
            }
        }
        self.places(&scene.after);
        self.bids(&scene.after);
        for id in scene.after.accounts.keys().chain(book.borrowers.keys()) {
            self.account(book, scene, id);
        }
    }

    fn places(&mut self, ledger: &MemoryLedger) {
        let count: usize = self.exits.values().map(gage_model::Exits::count).sum();
        assert_eq!(count, ledger.places.len(), "places");
        for id in ledger.places.keys() {
            let view = exits::exit_place(&mut ledger.clone(), *id).unwrap();
            let (waiting, claimable) = self.exits[&id.vault].place(id.number).unwrap();
            self.tally.check("place waits", &Bound::just(waiting), &shares(view.waiting));
            let bound = Bound::just(claimable).wider(&whole(1), &whole(1));
            self.tally.check("place may claim", &bound, &units(view.claimable));
        }
    }
}
