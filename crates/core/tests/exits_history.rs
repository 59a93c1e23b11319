//! Random histories of exits beside everything else that moves a vault: losses, partial fills, bids,
//! stakes, places that change hands. A model keeps each place apart and divides each fill among the
//! places at the front, exactly; the claims must be its shares to the unit.
//!
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first.
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop; one arm for each operation"
)]

mod world;

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::U512;
use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw};
use gage_core::exits::places::{self, Handover};
use gage_core::exits::{self, Request};
use gage_core::invariants::{check_invariants, check_step};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::{
    AccountId, Address, AssetId, Assets, Error, Event, FeedId, MemoryLedger, PlaceId, QueueId,
    Shares, Stop, Token, U256, Units, VaultId, WAD, address, curation, first_loss, sweep, token,
};
use world::*;

const OPERATIONS: [&str; 30] = [
    "deposit",
    "deposit",
    "redeem",
    "withdraw",
    "request",
    "request",
    "request",
    "request_for",
    "claim",
    "claim",
    "claim",
    "move",
    "move",
    "approve",
    "operate",
    "supply",
    "borrow",
    "borrow",
    "borrow_all",
    "borrow_all",
    "repay",
    "repay",
    "liquidate",
    "bid",
    "stake",
    "unstake",
    "price",
    "price",
    "reserves",
    "accrue",
];

/// Binary places after the point in the model's sums.
const POINT: usize = 128;

/// One place of the model: what it waits for, and its exact part of all fills, from below.
#[derive(Clone, Default)]
struct Waits {
    /// Parts of units, rounded down once a fill.
    due: U512,
    fills: u64,
    claimed: u128,
    /// Shares filled and not claimed.
    filled: u128,
}

#[derive(Clone, Default)]
struct Model {
    /// The places that wait, first in front, with their shares.
    queue: BTreeMap<VaultId, VecDeque<(PlaceId, u128)>>,
    places: BTreeMap<PlaceId, Waits>,
    set_aside: BTreeMap<VaultId, u128>,
}

impl Model {
    fn follow(&mut self, event: &Event) {
        match *event {
            Event::ExitRequested { place, shares, .. } => {
                self.queue.entry(place.vault).or_default().push_back((place, shares.get()));
                self.places.insert(place, Waits::default());
            }
            Event::ExitsFilled { vault, shares, assets, waiting } => {
                let queue = self.queue.get_mut(&vault).unwrap();
                let mut left = shares.get();
                while left > 0 {
                    let (id, waits) = queue.front_mut().expect("a fill of more than waits");
                    let part = left.min(*waits);
                    let place = self.places.get_mut(id).unwrap();
                    let exact = (U512::from(assets.get()) * U512::from(part)) << POINT;
                    place.due += exact / U512::from(shares.get());
                    place.fills += 1;
                    place.filled += part;
                    *waits -= part;
                    left -= part;
                    if *waits == 0 {
                        queue.pop_front();
                    }
                }
                let rest: u128 = queue.iter().map(|(_, waits)| waits).sum();
                assert_eq!(rest, waiting.get());
                *self.set_aside.entry(vault).or_default() += assets.get();
            }
            Event::ExitClaimed { place: id, shares, assets, .. } => {
                let place = self.places.get_mut(&id).unwrap();
                assert_eq!(place.filled, shares.get(), "{id:?}");
                place.filled = 0;
                place.claimed += assets.get();
                let (one, claimed) = (U512::from(1) << POINT, U512::from(place.claimed) << POINT);
                let slack = U512::from(place.fills);
                assert!(claimed <= place.due + slack + one, "{id:?} got too much");
                assert!(claimed + one + slack >= place.due, "{id:?} got too little");
                *self.set_aside.get_mut(&id.vault).unwrap() -= assets.get();
            }
            _ => {}
        }
    }
}

struct Run {
    world: World,
    dice: Dice,
    model: Model,
    tally: BTreeMap<&'static str, [u64; 2]>,
    visited: BTreeMap<&'static str, u64>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let all = [0, 2, 6, 8, 18, 27];
        let decimals: Vec<u8> = (0..3).map(|_| dice.pick(&all)).collect();
        let world = World::new(&decimals, 2);
        let (tally, visited) = (BTreeMap::new(), BTreeMap::new());
        Self { world, dice, model: Model::default(), tally, visited }
    }

    fn whole(&self, asset: AssetId) -> u128 {
        unit(self.world.decimals[asset.get() as usize - 1])
    }

    fn visit(&mut self, what: &'static str, seen: bool) {
        *self.visited.entry(what).or_default() += u64::from(seen);
    }

    fn step(&mut self) {
        self.world.pass(self.dice.pick(&[0, 0, 1, 12, 600, 3_600, 86_400]));
        let feeds = self.world.ledger.feeds.values();
        if feeds.clone().any(|feed| self.world.ledger.now.since(feed.updated_at) > 3_600) {
            self.world.report_all_again();
        }
        let name = self.dice.pick(&OPERATIONS);
        if name == "liquidate" && self.dice.below(2) == 0 {
            self.stress();
        }
        let before = self.world.ledger.clone();
        let outcome = self.act(name);
        let tally = self.tally.entry(name).or_default();
        tally[0] += 1;
        match outcome {
            Ok(()) => tally[1] += 1,
            Err(Stop::Refused(_)) => self.world.ledger = before.clone(),
            Err(fault) => panic!("{name}: {fault}"),
        }
        self.sound(name, &before);
        if self.dice.below(3) == 0 {
            self.block();
        }
        self.compare();
        if self.dice.below(25) == 0 {
            self.everybody_leaves();
        }
        let ledger = &mut self.world.ledger;
        ledger.events.clear();
        let queues = ledger.exit_queues.values();
        let waits = queues.clone().any(|queue| !queue.waiting().is_zero());
        let again = queues.clone().any(|queue| queue.run > 1);
        self.visit("somebody waits", waits);
        self.visit("a second run", again);
    }

    fn sound(&mut self, name: &str, before: &MemoryLedger) {
        let within = matches!(name, "sweep");
        let broken: Vec<_> = check_invariants(&self.world.ledger)
            .into_iter()
            .filter(|violation| !(within && violation.id == "HLT-4"))
            .chain(check_step(before, &self.world.ledger))
            .collect();
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }

    /// The model follows what happened, and the escrows hold what it says, to the unit.
    fn compare(&mut self) {
        let events = core::mem::take(&mut self.world.ledger.events);
        let (mut lost, queued) = (false, self.model.queue.values().any(|queue| !queue.is_empty()));
        for event in &events {
            let partial = matches!(event, Event::ExitsFilled { waiting, .. } if !waiting.is_zero());
            self.visit("a partial fill", partial);
            lost |= matches!(event, Event::LossRealised { from_lenders, .. } if !from_lenders.is_zero());
            self.model.follow(event);
        }
        self.visit("a loss while some wait", lost && queued);
        for vault in self.world.vaults() {
            let record = self.world.ledger.vaults[&vault];
            let escrow = address::exits(vault);
            let held = self.world.held(Token::Asset(record.asset), escrow);
            assert_eq!(held, self.model.set_aside.get(&vault).copied().unwrap_or_default());
            let queue = self.model.queue.get(&vault);
            let waiting: u128 = queue.into_iter().flatten().map(|(_, waits)| waits).sum();
            assert_eq!(self.world.held(Token::Share(vault), escrow), waiting);
        }
        let ids: Vec<_> = self.world.ledger.places.keys().copied().collect();
        for id in ids {
            let view = exits::exit_place(&mut self.world.ledger, id).unwrap();
            let waits = &self.model.places[&id];
            assert_eq!(view.filled.get(), waits.filled);
            let queue = &self.model.queue[&id.vault];
            let at = queue.iter().position(|(other, _)| *other == id);
            let ahead: u128 = queue.iter().take(at.unwrap_or(0)).map(|(_, waits)| waits).sum();
            assert_eq!(view.ahead.get(), ahead);
            assert_eq!(view.waiting.get(), at.map_or(0, |at| queue[at].1));
        }
    }

    fn act(&mut self, name: &'static str) -> Result<(), Stop> {
        let (actor, other) = (self.dice.pick(&USERS), self.dice.pick(&USERS));
        let vault = VaultId::new(1 + self.dice.below(2) as u32);
        let asset = AssetId::new(1 + self.dice.below(3) as u32);
        let lent = self.world.ledger.vaults[&vault].asset;
        let account = AccountId { market: MARKET, owner: actor, sub: 0 };
        let funds = self.world.held(Token::Asset(lent), actor);
        let held = self.world.held(Token::Share(vault), actor);
        let (amount, shares) =
            (Assets::new(self.dice.amount(funds)), Shares::new(self.dice.amount(held)));
        let own: Vec<_> = self.world.ledger.places.keys().copied().collect();
        let place = if own.is_empty() {
            PlaceId { vault, number: self.dice.below(3) }
        } else {
            self.dice.pick(&own)
        };
        let owner = self.world.ledger.places.get(&place).map_or(actor, |place| place.owner);
        let by = if self.dice.below(4) == 0 { other } else { owner };
        let l = &mut self.world.ledger;
        match name {
            "deposit" if funds < 1_000 => {
                let more = Assets::new(self.whole(lent) * 100_000);
                token::mint(&mut self.world.ledger, ISSUER, lent, actor, more)
            }
            "deposit" => {
                // Little enough that it is soon lent out.
                let assets = Assets::new(self.dice.amount(funds / 50));
                let l = &mut self.world.ledger;
                lending::deposit(l, actor, vault, assets, actor).map(drop)
            }
            "redeem" => {
                let exit = Exit { receiver: actor, owner: actor };
                lending::redeem(l, actor, vault, shares, exit).map(drop)
            }
            "withdraw" => {
                let most = lending::max_withdraw(l, vault, actor)?.get();
                let assets = Assets::new(self.dice.amount(most));
                let exit = Exit { receiver: actor, owner: actor };
                let l = &mut self.world.ledger;
                lending::withdraw(l, actor, vault, assets, exit).map(drop)
            }
            "request" => {
                let request = Request { shares, controller: other, owner: actor };
                exits::request_redeem(l, actor, vault, &request).map(drop)
            }
            "request_for" => {
                let token = Token::Share(vault);
                token::approve(l, actor, token, other, U256::from(shares.get()))?;
                let request = Request { shares, controller: other, owner: actor };
                exits::request_redeem(l, other, vault, &request).map(drop)
            }
            "claim" => {
                let allowed = by == owner
                    || l.place_approvals.get(&place) == Some(&by)
                    || l.place_operators.contains(&(place.vault, owner, by));
                let exists = l.places.contains_key(&place);
                let outcome = exits::claim(l, by, place, actor);
                assert!(outcome.is_err() || (allowed && exists), "AUT-1");
                let idle = matches!(outcome, Err(Stop::Refused(Error::NothingToClaim { .. })));
                assert!(outcome.is_ok() || idle || !allowed || !exists, "{outcome:?}");
                outcome.map(drop)
            }
            "move" => {
                let to = self.dice.pick(&USERS);
                let handover = Handover { place, from: owner, to };
                places::transfer(&mut self.world.ledger, by, &handover)
            }
            "approve" => places::approve(l, by, place, other),
            "operate" => {
                let allowed = self.dice.below(2) == 0;
                let l = &mut self.world.ledger;
                places::set_operator(l, actor, vault, (other, allowed))
            }
            "supply" => {
                let held = balance(l, Token::Asset(asset), actor);
                let amount = Assets::new(self.dice.amount(held / 100));
                let l = &mut self.world.ledger;
                borrowing::supply_collateral(l, actor, &account, asset, amount)
            }
            "borrow" | "borrow_all" => {
                if name == "borrow_all" {
                    let held = balance(l, Token::Asset(asset), actor);
                    let amount = Assets::new(held / 50);
                    borrowing::supply_collateral(l, actor, &account, asset, amount)?;
                }
                let settled = self.world.settled();
                let room = standing(&settled, &account);
                let room = room.limit.saturating_sub(room.debt);
                let price = self.world.ledger.feeds[&FeedId::new(lent.get())].price.get();
                let most = room * U256::from(self.whole(lent)) / U256::from(price);
                let most: u128 = most.saturating_to();
                let cash = settled.vaults[&vault].cash.get();
                let amount =
                    if name == "borrow" { most / 100 * 95 } else { cash.min(most / 100 * 99) };
                let amount = Assets::new(amount);
                let draw = Draw { market: MARKET, sub: 0, vault, amount, receiver: actor };
                borrowing::borrow(&mut self.world.ledger, actor, &draw)
            }
            "repay" => borrowing::repay(l, actor, &account, vault, amount).map(drop),
            "liquidate" => self.liquidate(actor),
            "bid" => {
                let queue = QueueId { market: MARKET, vault, asset };
                let tier = Tier::new(self.dice.below(8) as u8).unwrap();
                let shares = Shares::new(shares.get() / 2);
                bids::place_bid(&mut self.world.ledger, actor, queue, tier, shares)
            }
            "stake" => {
                let shares = Shares::new(shares.get() / 8);
                first_loss::stake(l, actor, (MARKET, vault), shares).map(drop)
            }
            "unstake" => {
                let key = (MARKET, vault);
                first_loss::announce_unstake(l, actor, key)?;
                l.now = l.now.after(first_loss::NOTICE_SECONDS);
                first_loss::unstake(l, actor, key, Units::MAX, actor).map(drop)
            }
            "reserves" => {
                let most = l.vaults[&vault].reserves.get();
                let assets = Assets::new(self.dice.amount(most));
                let l = &mut self.world.ledger;
                curation::collect_reserves(l, CURATOR, vault, CURATOR, assets)
            }
            "accrue" => lending::accrue(l, vault),
            _ => {
                let dollars = self.dice.pick(&[75, 94, 100, 100, 100, 103, 130]);
                self.world.report(asset.get(), dollars * WAD)
            }
        }
    }

    /// Brings the prices of an account's collaterals below what its debt needs, more or less far.
    fn stress(&mut self) {
        let settled = self.world.settled();
        let accounts = settled.accounts.iter();
        let ids: Vec<_> = accounts.filter(|(_, one)| one.has_debt()).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return;
        }
        let id = self.dice.pick(&ids);
        let Standing { weighted, debt, .. } = standing(&settled, &id);
        let percent = U256::from(self.dice.pick(&[30_u64, 70, 95]));
        for pledge in &settled.accounts[&id].collaterals {
            let feed = u32::from(pledge.index) + 1;
            let old = U256::from(settled.feeds[&FeedId::new(feed)].price.get());
            let price = old * debt / weighted.max(U256::ONE) * percent / U256::from(100);
            let price: u128 = price.min(old).saturating_to();
            self.world.report(feed, price.max(WAD / 1_000_000)).unwrap();
        }
    }

    fn liquidate(&mut self, actor: Address) -> Result<(), Stop> {
        let settled = self.world.settled();
        let weak = |id: &&AccountId| standing(&settled, id).unhealthy();
        let ids: Vec<_> = settled.accounts.keys().filter(weak).copied().collect();
        if ids.is_empty() {
            return Err(Error::NoDebt.into());
        }
        let id = self.dice.pick(&ids);
        let (account, market) = (&settled.accounts[&id], &settled.markets[&MARKET]);
        let asset = market.collaterals[usize::from(account.collaterals[0].index)];
        let vault = market.vaults[usize::from(account.debts[0].index)];
        let lent = settled.vaults[&vault].asset;
        let more = Assets::new(self.whole(lent) * 100_000);
        token::mint(&mut self.world.ledger, ISSUER, lent, actor, more)?;
        let payment = self.dice.pick(&[Payment::Assets, Payment::Assets, Payment::Shares]);
        let asked = Liquidation { vault, asset, max_repay: Assets::MAX, receiver: actor, payment };
        liquidation::liquidate(&mut self.world.ledger, actor, &id, &asked).map(drop)
    }

    /// What a block does before its transactions: sales to the bids, then write-offs. Neither waits for the
    /// queue, and sales bring no cash.
    fn block(&mut self) {
        let ids: Vec<_> = self.world.ledger.accounts.keys().copied().collect();
        let mut exhausted = Vec::new();
        for id in ids {
            let before = self.world.ledger.clone();
            match sweep::sweep(&mut self.world.ledger, &id) {
                Ok(Some(plan)) => {
                    self.visit("a sweep beside a queue", !before.exit_queues.is_empty());
                    if plan.leaves_bad_debt() {
                        exhausted.push(id);
                    }
                }
                Ok(None) => {}
                Err(_) => self.world.ledger = before.clone(),
            }
            self.sound("sweep", &before);
        }
        for id in exhausted {
            let before = self.world.ledger.clone();
            sweep::write_off(&mut self.world.ledger, &id).unwrap();
            self.sound("sweep", &before);
        }
    }

    /// HLT-6, N-06: from every state, when borrowers have repaid, all places are paid in full, and whoever
    /// holds shares can redeem them: nothing strands.
    fn everybody_leaves(&mut self) {
        let mut ledger = self.world.ledger.clone();
        let mut model = self.model.clone();
        ledger.events.clear();
        let ids: Vec<_> = ledger.accounts.keys().copied().collect();
        let market = ledger.markets[&MARKET].clone();
        for id in ids {
            for owed in ledger.accounts[&id].clone().debts {
                let vault = market.vaults[usize::from(owed.index)];
                let debt = borrowing::debt_of(&mut ledger, &id, vault).unwrap();
                let asset = ledger.vaults[&vault].asset;
                token::mint(&mut ledger, ISSUER, asset, id.owner, debt).unwrap();
                borrowing::repay(&mut ledger, id.owner, &id, vault, Assets::MAX).unwrap();
            }
        }
        let ids: Vec<_> = ledger.places.keys().copied().collect();
        for id in ids {
            let owner = ledger.places[&id].owner;
            exits::claim(&mut ledger, owner, id, owner).unwrap();
        }
        assert!(ledger.places.is_empty());
        for event in &ledger.events {
            model.follow(event);
        }
        for vault in self.world.vaults() {
            let escrow = address::exits(vault);
            let asset = ledger.vaults[&vault].asset;
            for token in [Token::Share(vault), Token::Asset(asset)] {
                let left = ledger.balances.get(&(token, escrow));
                assert_eq!(left, None, "{token:?} strand");
            }
            assert!(!ledger.vaults[&vault].exits_waiting);
            for who in USERS {
                let most = lending::max_redeem(&mut ledger, vault, who).unwrap();
                let exit = Exit { receiver: who, owner: who };
                if !most.is_zero() {
                    lending::redeem(&mut ledger, who, vault, most, exit).unwrap();
                }
            }
        }
        assert_eq!(check_invariants(&ledger), []);
        self.visit("everybody left", true);
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// D-08, D-07, N-06, BAD-2, HLT-6.
#[test]
fn claims_are_the_model_s_in_random_histories() {
    let steps = setting("GAGE_STEPS", 400);
    let only = std::env::var("GAGE_SEED").ok().and_then(|text| text.parse().ok());
    let seeds = match only {
        Some(first) => first..first + setting("GAGE_SEEDS", 1),
        None => 0..setting("GAGE_SEEDS", 12),
    };
    let mut tally: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    let mut visited: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in seeds {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..steps {
            run.step();
        }
        for (name, [calls, passed]) in run.tally {
            let sum = tally.entry(name).or_default();
            sum[0] += calls;
            sum[1] += passed;
        }
        for (what, times) in run.visited {
            *visited.entry(what).or_default() += times;
        }
    }
    println!("{visited:#?}");
    for (name, [calls, passed]) in &tally {
        println!("{name:>20} {passed:>7} of {calls:>7}");
    }
    if only.is_some() {
        return;
    }
    for (name, [calls, passed]) in &tally {
        assert!(passed * 20 >= *calls, "{name} passed in only {passed} of {calls} calls");
    }
    for (what, times) in &visited {
        assert!(*times > 0, "never visited: {what}");
    }
}
