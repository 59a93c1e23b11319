//! The liquidation index against a full scan, after every step of random histories (LIQ-5, Q-12).
//!
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first. Accounts are written as
//! records, so that every composition, size and health occurs.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use gage_core::groups::{self, GroupTerms, Members};
use gage_core::listing;
use gage_core::portfolio::PortfolioTerms;
use gage_core::terms::{self, Subject};
use gage_core::watch::Watch;
use gage_core::{
    Account, AccountId, Accrued, Address, AssetId, Assets, Bps, Debt, Error, FeedId, GroupId,
    Ledger, MemoryLedger, Shares, Stop, U256, WAD, Wad, margin as model,
};
use world::*;

fn group_terms(threshold: u16) -> GroupTerms {
    GroupTerms {
        ltv: Bps::new(threshold - 500),
        threshold: Bps::new(threshold),
        bonus_min: Bps::ZERO,
        bonus_max: Bps::new(100),
        band: Bps::new(100),
    }
}

struct Run {
    world: World,
    dice: Dice,
    watch: Watch,
    alerts: BTreeMap<AccountId, Wad>,
    due: usize,
    suspected: usize,
    governed: u64,
    /// From how many collaterals and debts accounts choose: with few, groups are large.
    choice: [u64; 2],
    /// The set of the market's portfolio margin, if it has one.
    margin: Option<PortfolioTerms>,
    /// Whether it may get one, or another.
    portfolio: bool,
}

/// Below its alert, judged exactly at the last prices.
fn is_due(ledger: &mut MemoryLedger, id: &AccountId, alert: Wad) -> bool {
    let totals = model::position(ledger, id).unwrap().totals();
    !totals.debt_value.is_zero() && totals.health_factor() < alert
}

fn id_of(number: u64) -> AccountId {
    let owner = Address::left_padding_from(&(1 + number / 3).to_be_bytes());
    AccountId { market: MARKET, owner, sub: (number % 3) as u32 }
}

impl Run {
    fn new(seed: u64, accounts: u64) -> Self {
        let mut dice = Dice(seed);
        let all = [0, 2, 6, 8, 18, 27];
        let decimals: Vec<u8> = (0..5).map(|_| dice.pick(&all)).collect();
        let mut world = World::new(&decimals, 3);
        for vault in world.ledger.vaults.values_mut() {
            vault.owed.shares = Shares::new(1 << 80);
        }
        for place in 0..2 {
            let members =
                Members { collaterals: &[AssetId::new(1), AssetId::new(2 + place)], vaults: &[] };
            let named = (label("Alike"), &group_terms(9_000));
            groups::create_group(&mut world.ledger, OWNER, MARKET, named, members).unwrap();
        }
        let mut run = Self {
            governed: 0,
            world,
            dice,
            watch: Watch::new(),
            alerts: BTreeMap::new(),
            due: 0,
            suspected: 0,
            margin: None,
            portfolio: false,
            choice: if seed.is_multiple_of(2) { [5, 3] } else { [2, 1] },
        };
        for number in 0..accounts {
            run.change(id_of(number));
        }
        run
    }

    /// An amount of an asset worth about `dollars`.
    fn worth(&mut self, asset: AssetId, dollars: u128) -> u128 {
        let decimals = self.world.decimals[asset.get() as usize - 1];
        let price = self.world.ledger.feeds[&FeedId::new(asset.get())].price.get();
        let units = U256::from(dollars) * U256::from(WAD) * U256::from(unit(decimals));
        // Worthless assets of many decimals end where amounts do.
        let most = gage_core::fixed::AMOUNT_MAX.get();
        (units / U256::from(price)).saturating_to::<u128>().clamp(1, most)
    }

    /// Gives an account other collaterals and debts, with a health anywhere around its alert.
    fn change(&mut self, id: AccountId) {
        let mut account = Account::default();
        let dollars = self.dice.pick(&[1, 100, 10_000, 10_000_000]);
        let lists = self.world.ledger.markets[&MARKET].clone();
        let count = 1 + self.dice.below(3);
        for _ in 0..count {
            let place = self.dice.below(self.choice[0]) as u8;
            let amount = self.worth(lists.collaterals[usize::from(place)], dollars);
            account.set_collateral(place, Assets::new(amount));
        }
        let legs = if self.dice.below(3) == 0 { 2 } else { 1 };
        let health = 90 + u128::from(self.dice.below(300));
        let premium = Bps::new(self.dice.pick(&[0, 0, 0, 1, 2_500, 10_000, 50_000]));
        for _ in 0..legs {
            if self.dice.below(12) == 0 {
                break;
            }
            let place = self.dice.below(self.choice[1]) as u8;
            let asset = self.world.ledger.vaults[&lists.vaults[usize::from(place)]].asset;
            let debt = self.worth(asset, dollars * 80 * account.collaterals.len() as u128 / health);
            let dust = if self.dice.below(15) == 0 { 1 } else { debt };
            let amount = Assets::new(dust / legs as u128 + 1);
            let vault = lists.vaults[usize::from(place)];
            let index = Accrued::load(&mut self.world.ledger, vault).unwrap().record().index;
            account.set_debt(place, Debt::of(amount, premium, index).unwrap());
            account.risk_premium = premium;
        }
        // On the newest terms, or, as a record that is written may be, on any before.
        let version = self.world.ledger.markets[&MARKET].terms_version;
        let behind = self.dice.below(2) * self.dice.below(version.into());
        account.terms_version = version - behind as u32;
        account.group = GroupId::new(self.dice.pick(&[0, 0, 1, 2]));
        self.world.ledger.set_account(&id, &account).unwrap();
        let alert = self.dice.pick(&[WAD, WAD, WAD, WAD * 11 / 10, 3 * WAD]);
        self.alerts.insert(id, Wad::new(alert));
        self.watch.file(&mut self.world.ledger, [(id, Wad::new(alert))]).unwrap();
    }

    /// Another set of margin parameters, if the last one is in force whole.
    fn change_margin(&mut self) {
        let mut terms = margin::any_set(&mut self.dice, 5, self.margin.as_ref());
        if self.dice.below(6) == 0 {
            terms.factors.clear();
        }
        if self.world.set_margin(&terms).is_ok() {
            self.margin = Some(terms);
        }
    }

    fn step(&mut self) {
        if self.portfolio && self.dice.below(10) == 0 {
            self.change_margin();
            return self.compare();
        }
        match self.dice.below(8) {
            0 => self.world.pass(self.dice.pick(&[1, 3_600, 86_400, 31_536_000])),
            1 => {
                let asset = AssetId::new(1 + self.dice.below(5) as u32);
                let group = GroupId::new(1 + self.dice.below(2) as u8);
                self.govern(asset, group);
            }
            2 => {
                let id = id_of(self.dice.below(self.alerts.len() as u64));
                self.change(id);
            }
            _ => {
                let id = FeedId::new(1 + self.dice.below(5) as u32);
                let feed = self.world.ledger.feeds[&id];
                let percent = self.dice.pick(&[30, 70, 95, 99, 100, 101, 105, 140, 300]);
                let price = feed.price.get() / 100 * percent;
                self.world.set_price(id.get(), price.clamp(WAD / 1_000_000, WAD * 1_000_000));
            }
        }
        self.compare();
    }

    /// Changes terms of a collateral or a group, adds a member, or announces a move.
    fn govern(&mut self, asset: AssetId, group: GroupId) {
        let l = &mut self.world.ledger;
        let threshold = 4_000 + self.dice.below(5_500) as u16;
        let limits = terms(threshold - 500, threshold, [0, 100], 1 << 100, asset.get());
        let of_group = group_terms(threshold);
        let subject = self.dice.pick(&[Subject::Collateral(asset), Subject::Group(group)]);
        let start = l.now.after(86_400);
        let times = (start, start.after(86_400 + self.dice.below(2_000_000)));
        let members = Members { collaterals: &[asset], vaults: &[] };
        let outcome = l.atomically(|l| match self.dice.below(8) {
            0..3 => listing::set_collateral(l, OWNER, MARKET, asset, &limits),
            3..5 => groups::set_group_terms(l, OWNER, MARKET, group, &of_group),
            5 => groups::add_group_members(l, OWNER, MARKET, group, members),
            _ => terms::schedule_move(l, OWNER, MARKET, subject, times),
        });
        self.governed += u64::from(outcome.is_ok());
        if matches!(outcome, Err(Stop::Refused(Error::TooManyKept { .. }))) {
            let moved = l.atomically(|l| terms::schedule_move(l, OWNER, MARKET, subject, times));
            self.governed += u64::from(moved.is_ok());
        }
    }

    fn compare(&mut self) {
        let ledger = &mut self.world.ledger;
        let suspects = self.watch.suspects(ledger).unwrap();
        assert!(suspects.is_sorted(), "the order is not that of ids");
        let found: BTreeSet<_> = suspects.iter().copied().collect();
        assert_eq!(found.len(), suspects.len(), "somebody was found twice");
        // Market by market, and account by account, the same are found.
        let markets = self.watch.markets();
        assert!(markets.is_sorted(), "the order is not that of numbers");
        let (mut of_markets, mut among, mut filed) = (Vec::new(), Vec::new(), 0);
        for market in markets {
            let accounts: Vec<_> = self.watch.accounts_of(market).collect();
            assert!(accounts.is_sorted() && !accounts.is_empty());
            filed += accounts.len();
            of_markets.extend(self.watch.suspects_of(ledger, market).unwrap());
            among.extend(self.watch.suspects_among(ledger, &accounts).unwrap());
        }
        assert_eq!((&of_markets, &among), (&suspects, &suspects));
        assert_eq!(filed, self.watch.len());
        let due: BTreeSet<_> =
            self.alerts.iter().filter(|(id, alert)| is_due(ledger, id, **alert)).collect();
        let due: BTreeSet<_> = due.into_iter().map(|(id, _)| *id).collect();
        let missed: Vec<_> = due.difference(&found).collect();
        assert!(missed.is_empty(), "LIQ-5: missed {missed:?}");
        self.due += due.len();
        self.suspected += found.len();
        // Who was judged healthy is filed again, as a node does.
        let healthy = found.difference(&due).map(|id| (*id, self.alerts[id]));
        let healthy: Vec<_> = healthy.collect();
        self.watch.file(ledger, healthy).unwrap();
        let again = self.watch.suspects(ledger).unwrap();
        let again: BTreeSet<_> = again.into_iter().collect();
        assert!(due.is_subset(&again), "LIQ-5: filing the healthy lost somebody");
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Q-12, LIQ-5: an index that looks at what moved lately misses an account that something else endangered. In histories of
/// prices, interest, new terms, groups, announced moves and accounts that change, a full scan finds nobody whom it did not.
#[test]
fn reg_q12_nobody_is_missed() {
    let (due, suspected) = histories(false, setting("GAGE_STEPS", 400));
    assert!(due > 0 && suspected < 3 * due, "{due} due of {suspected} suspected");
}

/// The same while the market moves to portfolio margin, between its sets, and back.
#[test]
fn nobody_is_missed_under_portfolio_margin() {
    let (due, suspected) = histories(true, setting("GAGE_STEPS", 120));
    assert!(due > 0 && suspected < 6 * due, "{due} due of {suspected} suspected");
}

/// How many accounts were due, and how many suspected.
fn histories(portfolio: bool, steps: u64) -> (usize, usize) {
    let seeds = match std::env::var("GAGE_SEED").ok().and_then(|text| text.parse().ok()) {
        Some(first) => first..first + setting("GAGE_SEEDS", 1),
        None => 0..setting("GAGE_SEEDS", 12),
    };
    let (mut due, mut suspected, mut governed) = (0, 0, 0);
    for seed in seeds {
        println!("seed {seed}");
        let mut run = Run::new(seed, 120);
        run.portfolio = portfolio;
        for _ in 0..steps {
            run.step();
        }
        // An index that was built from the records alone names the same accounts once they are judged.
        let ledger = &mut run.world.ledger;
        let mut rebuilt = Watch::new();
        rebuilt.file(ledger, run.alerts.clone()).unwrap();
        let mut judged = |watch: &Watch| {
            let mut suspects = watch.suspects(ledger).unwrap();
            suspects.retain(|id| is_due(ledger, id, run.alerts[id]));
            suspects
        };
        assert_eq!(judged(&rebuilt), judged(&run.watch));
        due += run.due;
        suspected += run.suspected;
        governed += run.governed;
        for id in run.alerts.keys() {
            run.watch.forget(id);
        }
        assert!(run.watch.is_empty() && run.watch.suspects(ledger).unwrap().is_empty());
    }
    println!("{due} due of {suspected} suspected, {governed} changes of terms");
    assert!(governed > 0 || steps < 100);
    (due, suspected)
}

/// With one collateral and one debt the index is exact to a millionth; with several it is exact again
/// once the healthy are filed anew.
#[test]
fn few_are_suspected_in_vain() {
    let mut run = Run::new(7, 0);
    let lists = run.world.ledger.markets[&MARKET].clone();
    let mut shown = Vec::new();
    for number in 0..1_000_u64 {
        let mut account = Account::default();
        let several = number % 2 == 1;
        for place in if several { vec![0, 1, 2] } else { vec![3] } {
            let amount = run.worth(lists.collaterals[usize::from(place)], 1_000_000);
            account.set_collateral(place, Assets::new(amount));
        }
        let asset = run.world.ledger.vaults[&lists.vaults[0]].asset;
        let owed = run.worth(asset, 400_000 + 400 * u128::from(number));
        account.set_debt(0, Debt { shares: Shares::new(owed), offset: Assets::ZERO });
        let id = id_of(number);
        run.world.ledger.set_account(&id, &account).unwrap();
        shown.push((id, Wad::ONE));
    }
    run.watch.file(&mut run.world.ledger, shown.clone()).unwrap();
    run.alerts = shown.into_iter().collect();
    for (feed, percent) in [(1, 80), (2, 120), (3, 60), (4, 70), (4, 130), (1, 90)] {
        let price = run.world.ledger.feeds[&FeedId::new(feed)].price.get();
        run.world.set_price(feed, price / 100 * percent);
        run.compare();
        let ledger = &mut run.world.ledger;
        for id in run.watch.suspects(ledger).unwrap() {
            let health = model::health(ledger, &id).unwrap();
            assert!(health < Wad::new(WAD * 1_000_001 / 1_000_000 * 103 / 100), "{health}");
            let single = ledger.accounts[&id].collaterals.len() == 1;
            assert!(!single || health < Wad::new(WAD / 1_000_000 * 1_000_001), "{health}");
        }
    }
}

/// Under portfolio margin too nobody is suspected whom what moved could not bring to the alert.
#[test]
fn small_moves_endanger_no_careful_account() {
    let mut run = Run::new(7, 0);
    let factors =
        (1..=5).map(|asset| margin::factor(asset, 20_000, 100, &[0; 4][..asset as usize - 1]));
    run.world.settle_margin(&margin::set([30_000, 20_000], 100, factors.collect()));
    let mut account = Account::default();
    account.set_collateral(3, Assets::new(run.worth(AssetId::new(4), 1_000_000)));
    let owed = run.worth(AssetId::new(1), 100_000);
    account.set_debt(0, Debt { shares: Shares::new(owed), offset: Assets::ZERO });
    run.world.ledger.set_account(&id_of(0), &account).unwrap();
    run.watch.file(&mut run.world.ledger, [(id_of(0), Wad::ONE)]).unwrap();
    let price = run.world.ledger.feeds[&FeedId::new(4)].price.get();
    for (percent, suspected) in [(100, 0), (90, 0), (10, 1)] {
        run.world.set_price(4, price / 100 * percent);
        let suspects = run.watch.suspects(&mut run.world.ledger).unwrap();
        assert_eq!(suspects.len(), suspected, "{percent}");
    }
}
