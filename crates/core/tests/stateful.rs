//! Random histories of every operation with hostile arguments; invariants after every step.
//!
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod beside;
mod world;

use std::collections::BTreeMap;

use gage_core::borrowing::{self, Draw, Release};
use gage_core::curation::{self, Caps};
use gage_core::exits::places::{Handover, transfer};
use gage_core::exits::{self, Request};
use gage_core::feed::freeze::{self, FREEZE_MAX};
use gage_core::fixed::product_at_most;
use gage_core::groups::{self, GroupTerms, Members};
use gage_core::invariants::{CHECKED, Report, check_invariants};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Kind, Liquidation, Payment, Plan};
use gage_core::listing::{self, CollateralTerms, MarketTerms};
use gage_core::pause::PAUSE_MAX;
use gage_core::portfolio::{self, PortfolioTerms};
use gage_core::premium;
use gage_core::rehoming::{self, Pair, Route};
use gage_core::terms::{self, Kept, Subject};
use gage_core::token::{self, Movement, Permit};
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, BreakerTerms, Debt, Error, FeedId, GroupId,
    InterestModel, MarginModel, MemoryLedger, Meter, MeterTerms, PauseLevel, PlaceId, Ray, Shares,
    Stop, Token, U256, VaultId, WAD, Wad, address, breaker, interest, meter, pause,
};
use world::*;

const OPERATIONS: &[&str] = &[
    "deposit",
    "mint",
    "withdraw",
    "redeem",
    "accrue",
    "request_exit",
    "claim_exit",
    "move_place",
    "transfer",
    "transfer_from",
    "approve",
    "permit",
    "issue",
    "burn",
    "donate",
    "supply_collateral",
    "supply_collateral",
    "withdraw_collateral",
    "borrow",
    "borrow",
    "borrow",
    "repay",
    "repay_all",
    "refresh_premium",
    "rehome",
    "weigh",
    "liquidate",
    "liquidate",
    "report",
    "report",
    "set_reserve_fee",
    "set_caps",
    "set_model",
    "set_line_cap",
    "collect_reserves",
    "govern_market",
    "govern_market",
    "govern_group",
    "govern_group",
    "schedule_move",
    "enter_group",
    "enter_group",
    "leave_group",
    "set_margin",
    "set_pause",
    "pause_for",
    "freeze",
    "set_breakers",
    "limit",
];

/// What happened, as far as the checks of one step need it.
struct Step {
    name: &'static str,
    actor: Address,
    /// Whose account was touched, if one was.
    account: Option<AccountId>,
    outcome: Result<Did, Stop>,
}

enum Did {
    Something,
    Exchanged { assets: Assets, shares: Shares },
    Risked,
    Liquidated(Plan, AssetId, VaultId),
    Governed,
}

struct Run {
    world: World,
    dice: Dice,
    tally: BTreeMap<&'static str, [u64; 2]>,
    visited: BTreeMap<&'static str, u64>,
    report: Report,
    /// The set of the market's portfolio margin, if it has one.
    margin: Option<PortfolioTerms>,
    /// Whether it may get one, or another.
    portfolio: bool,
    /// The reference model of the same history.
    model: beside::Beside,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let all = [0, 2, 6, 8, 18, 27];
        let decimals: Vec<u8> = (0..4).map(|_| dice.pick(&all)).collect();
        let mut world = World::new(&decimals, 2);
        let adaptive = InterestModel::Adaptive { rate_at_target: interest::RATE_AT_TARGET_INITIAL };
        // Two vaults of one asset, and debt and collateral of the same asset.
        world.add_vault(AssetId::new(1), adaptive);
        if dice.below(3) > 0 {
            world.weigh([0; 4].map(|_| dice.pick(&[0, 1_000, 5_000, 50_000])));
        }
        world.factors();
        let (tally, visited) = (BTreeMap::new(), BTreeMap::new());
        let portfolio = !seed.is_multiple_of(2);
        let model = beside::Beside::new(&world.ledger);
        let report = Report::default();
        Self { world, dice, tally, visited, report, margin: None, portfolio, model }
    }

    fn user(&mut self) -> Address {
        self.dice.pick(&USERS)
    }

    fn vault(&mut self) -> VaultId {
        VaultId::new(1 + self.dice.below(self.world.vaults as u64) as u32)
    }

    fn asset(&mut self) -> AssetId {
        AssetId::new(1 + self.dice.below(self.world.decimals.len() as u64) as u32)
    }

    fn someone(&mut self) -> AccountId {
        AccountId { market: MARKET, owner: self.user(), sub: self.dice.below(2) as u32 }
    }

    /// An account that owes, if any does.
    fn indebted(&mut self) -> Option<AccountId> {
        let accounts = self.world.ledger.accounts.iter();
        let debtors: Vec<_> =
            accounts.filter(|(_, account)| account.has_debt()).map(|(id, _)| *id).collect();
        (!debtors.is_empty()).then(|| self.dice.pick(&debtors))
    }

    fn whole(&self, asset: AssetId) -> u128 {
        unit(self.world.decimals[asset.get() as usize - 1])
    }

    fn step(&mut self) {
        if self.dice.below(6) == 0 {
            let jump = self.dice.pick(&[1, 60, 3_600, 86_400, 604_800, 31_536_000, 315_360_000]);
            let jump = if self.dice.below(4) == 0 { jump } else { jump.min(86_400) };
            self.world.pass(jump);
        }
        // Prices are mostly fresh: without them nothing would happen for long.
        if self.dice.below(8) != 0 {
            for feed in 1..=self.world.decimals.len() as u32 {
                let id = FeedId::new(feed);
                let stored = self.world.ledger.feeds[&id];
                let price = stored.price.get();
                let sane = (WAD / 1_000..1_000_000 * WAD).contains(&price);
                if !sane || self.world.ledger.now.since(stored.updated_at) > 3_600 {
                    self.world.report(feed, if sane { price } else { 100 * WAD }).unwrap();
                }
            }
        }
        // Most freezes and grace periods pass unused, for the same reason.
        let feeds = self.world.ledger.feeds.values();
        let market = self.world.ledger.markets[&MARKET].liquidation_resumes_at;
        let resumes_at = feeds.map(|feed| feed.liquidation_resumes_at).max().unwrap().max(market);
        if resumes_at > self.world.ledger.now && self.dice.below(8) != 0 {
            self.world.pass(resumes_at.since(self.world.ledger.now));
        }
        if self.dice.below(6) == 0 {
            pause::set_pause(&mut self.world.ledger, OWNER, MARKET, PauseLevel::Open).unwrap();
        }
        let name = self.dice.pick(OPERATIONS);
        if name == "liquidate" {
            self.stress();
        }
        let before = self.world.settled();
        let untouched = self.world.ledger.clone();
        let done = self.act(name);
        let tally = self.tally.entry(done.name).or_default();
        tally[0] += 1;
        if done.outcome.is_err() {
            self.world.ledger = untouched.clone();
            let capped = matches!(
                done.outcome,
                Err(Stop::Refused(Error::FactorCapExceeded { .. } | Error::CeilingExceeded { .. }))
            );
            *self.visited.entry("refused for an exposure").or_default() += u64::from(capped);
            let may =
                matches!(name, "borrow" | "withdraw_collateral" | "supply_collateral" | "rehome");
            assert!(may || !capped, "HLT-6: {name} was refused for an exposure");
            assert!(
                !matches!(done.outcome, Err(Stop::Fault(_))),
                "{name}: {:?}",
                done.outcome.err()
            );
        } else {
            tally[1] += 1;
            self.check(&done, &before);
        }
        let mut report = Report::of_state(&self.world.ledger);
        report.add(Report::of_step(&untouched, &self.world.ledger));
        assert!(report.holds(), "{name}: {:#?}", report.broken);
        self.report.add(report);
        self.model.observe(&untouched, &self.world.ledger);
        self.world.ledger.events.clear();
        self.visit();
        if self.dice.below(20) == 0 {
            self.exits_are_open();
            self.limits_are_exact();
        }
    }

    /// HLT-1: limits are those of a computation apart, to the unit.
    fn limits_are_exact(&mut self) {
        let mut settled = self.world.settled();
        let ids: Vec<_> = settled.accounts.keys().copied().collect();
        for id in ids {
            let totals = gage_core::margin::position(&mut settled, &id).unwrap().totals();
            let apart = standing(&settled, &id);
            let saturated = U256::from(u128::MAX);
            if apart.collateral < saturated && apart.debt < saturated {
                assert_eq!(U256::from(totals.liquidation_limit.get()), apart.weighted, "{id:?}");
                assert_eq!(U256::from(totals.borrow_limit.get()), apart.limit, "{id:?}");
            }
        }
    }

    fn act(&mut self, name: &'static str) -> Step {
        match name {
            "deposit" | "mint" | "withdraw" | "redeem" | "accrue" => self.lend(name),
            "request_exit" | "claim_exit" | "move_place" => self.leave(name),
            "transfer" | "transfer_from" | "approve" | "permit" | "issue" | "burn" | "donate" => {
                self.tokens(name)
            }
            "supply_collateral"
            | "withdraw_collateral"
            | "borrow"
            | "repay"
            | "repay_all"
            | "refresh_premium"
            | "weigh" => self.borrow(name),
            "enter_group" | "leave_group" => self.regroup(name),
            "liquidate" => self.liquidate(),
            "rehome" => self.rehome(),
            _ => self.govern(name),
        }
    }

    fn lend(&mut self, name: &'static str) -> Step {
        let (actor, vault) = (self.user(), self.vault());
        let owner = if self.dice.below(5) == 0 { self.user() } else { actor };
        let receiver = if self.dice.below(5) == 0 { self.user() } else { actor };
        let asset = self.world.ledger.vaults[&vault].asset;
        let exit = Exit { receiver, owner };
        let held = self.world.held(Token::Share(vault), owner);
        let funds = self.world.held(Token::Asset(asset), actor);
        let l = &mut self.world.ledger;
        let outcome = match name {
            "deposit" => {
                let most = lending::max_deposit(l, vault).unwrap().get().min(funds);
                let assets = Assets::new(self.dice.amount(most));
                let preview = lending::preview_deposit(l, vault, assets);
                let truthful = !assets.is_zero() && assets.get() <= most;
                lending::deposit(l, actor, vault, assets, receiver)
                    .inspect(|shares| assert_eq!(preview, Ok(*shares)))
                    .map(|shares| Did::Exchanged { assets, shares })
                    .inspect_err(|why| {
                        let small = matches!(why, Stop::Refused(Error::ZeroShares { .. }));
                        assert!(!truthful || small, "max_deposit lied: {why}");
                    })
            }
            "mint" => {
                let most = lending::max_mint(l, vault).unwrap().get();
                let affordable = lending::preview_deposit(l, vault, Assets::new(funds));
                let most = most.min(affordable.map_or(0, Shares::get));
                let shares = Shares::new(self.dice.amount(most));
                let preview = lending::preview_mint(l, vault, shares);
                let truthful = !shares.is_zero() && shares.get() <= most;
                lending::mint(l, actor, vault, shares, receiver)
                    .inspect(|assets| assert_eq!(preview, Ok(*assets)))
                    .map(|assets| Did::Exchanged { assets, shares })
                    .inspect_err(|why| assert!(!truthful, "max_mint lied: {why}"))
            }
            "withdraw" => {
                let most = lending::max_withdraw(l, vault, owner).unwrap().get();
                let assets = Assets::new(self.dice.amount(most));
                let preview = lending::preview_withdraw(l, vault, assets);
                let truthful = owner == actor && !assets.is_zero() && assets.get() <= most;
                lending::withdraw(l, actor, vault, assets, exit)
                    .inspect(|shares| assert_eq!(preview, Ok(*shares)))
                    .map(|shares| Did::Exchanged { assets, shares })
                    .inspect_err(|why| assert!(!truthful, "max_withdraw lied: {why}"))
            }
            "redeem" => {
                let most = lending::max_redeem(l, vault, owner).unwrap().get();
                let shares = Shares::new(self.dice.amount(most.min(held)));
                let preview = lending::preview_redeem(l, vault, shares);
                let worth = preview.unwrap_or_default();
                let whole = owner == actor && !shares.is_zero() && shares.get() <= most;
                let truthful = whole && !worth.is_zero();
                lending::redeem(l, actor, vault, shares, exit)
                    .inspect(|assets| assert_eq!(preview, Ok(*assets)))
                    .map(|assets| Did::Exchanged { assets, shares })
                    .inspect_err(|why| assert!(!truthful, "max_redeem lied: {why}"))
            }
            _ => lending::accrue(l, vault).map(|()| Did::Something),
        };
        Step { name, actor, account: None, outcome }
    }

    fn leave(&mut self, name: &'static str) -> Step {
        let (actor, other, vault) = (self.user(), self.user(), self.vault());
        let held = self.world.held(Token::Share(vault), actor);
        let shares = Shares::new(self.dice.amount(held / 2));
        let places: Vec<_> = self.world.ledger.places.keys().copied().collect();
        let place = if places.is_empty() || self.dice.below(20) == 0 {
            PlaceId { vault, number: self.dice.next() }
        } else {
            self.dice.pick(&places)
        };
        let owner = self.world.ledger.places.get(&place).map_or(other, |place| place.owner);
        let l = &mut self.world.ledger;
        let (actor, outcome) = match name {
            "request_exit" => {
                let request = Request { shares, controller: other, owner: actor };
                (actor, exits::request_redeem(l, actor, vault, &request).map(drop))
            }
            "claim_exit" => (owner, exits::claim(l, owner, place, other).map(drop)),
            _ => {
                let outcome = transfer(l, actor, &Handover { place, from: owner, to: other });
                assert!(actor == owner || outcome.is_err(), "AUT-1");
                (actor, outcome)
            }
        };
        Step { name, actor, account: None, outcome: outcome.map(|()| Did::Something) }
    }

    fn tokens(&mut self, name: &'static str) -> Step {
        let (actor, other) = (self.user(), self.user());
        let (asset, vault) = (self.asset(), self.vault());
        let token = if self.dice.below(2) == 0 { Token::Asset(asset) } else { Token::Share(vault) };
        let held = self.world.held(token, actor);
        let value = self.dice.amount(held / 4);
        let l = &mut self.world.ledger;
        let outcome = match name {
            "transfer" => token::transfer(l, actor, token, other, value),
            "transfer_from" => {
                let held = balance(l, token, other);
                let value = self.dice.amount(held / 8);
                token::transfer_from(l, actor, &Movement { token, from: other, to: actor, value })
            }
            "approve" => token::approve(l, actor, token, other, U256::from(value)),
            "permit" => {
                let deadline = U256::from(l.now.get() + 1 - self.dice.below(3));
                let value = U256::from(value);
                let permit = Permit { owner: actor, spender: other, value, deadline };
                let signer = if self.dice.below(3) == 0 { other } else { actor };
                token::permit(l, token, &permit, signer)
            }
            "issue" => token::mint(l, ISSUER, asset, actor, Assets::new(value)),
            "burn" => {
                let held = balance(l, Token::Asset(asset), actor);
                let value = self.dice.amount(held / 1_000);
                token::burn(l, actor, asset, Assets::new(value))
            }
            _ => {
                let to = self.dice.pick(&[address::custody(vault), address::market_custody()]);
                token::transfer(l, actor, token, to, value)
            }
        };
        Step { name, actor, account: None, outcome: outcome.map(|()| Did::Something) }
    }

    fn borrow(&mut self, name: &'static str) -> Step {
        let (mut id, asset, vault) = (self.someone(), self.asset(), self.vault());
        let mut actor = id.owner;
        let lent = self.world.ledger.vaults[&vault].asset;
        let outcome = match name {
            "supply_collateral" => {
                id = self.someone();
                let funds = self.world.held(Token::Asset(asset), actor);
                let amount = Assets::new(self.dice.amount(funds / 10));
                let l = &mut self.world.ledger;
                borrowing::supply_collateral(l, actor, &id, asset, amount).map(|()| Did::Something)
            }
            "withdraw_collateral" => {
                let l = &mut self.world.ledger;
                let pledged = borrowing::collateral_of(l, &id, asset).unwrap().get();
                let amount = Assets::new(self.dice.amount(pledged));
                let AccountId { market, sub, .. } = id;
                let release = Release { market, sub, asset, amount, receiver: actor };
                borrowing::withdraw_collateral(l, actor, &release).map(|_| Did::Risked)
            }
            "refresh_premium" => {
                id = self.indebted().unwrap_or(id);
                let l = &mut self.world.ledger;
                premium::refresh_risk_premium(l, &id).map(|_| Did::Something)
            }
            "weigh" => {
                let weight = self.dice.pick(&[0, 1_000, 5_000, 50_000, 50_001]);
                let l = &mut self.world.ledger;
                let old = l.collaterals[&(MARKET, asset)];
                let terms = CollateralTerms {
                    feed: old.feed,
                    ltv: old.ltv,
                    threshold: old.threshold,
                    bonus_min: old.bonus_min,
                    bonus_max: old.bonus_max,
                    risk_weight: Bps::new(weight),
                    cap: old.cap,
                };
                listing::set_collateral(l, OWNER, MARKET, asset, &terms).map(|()| Did::Governed)
            }
            "borrow" => {
                let l = &mut self.world.ledger;
                let headroom = gage_core::explain::explain(l, &id).unwrap().headroom.get();
                let price = l.feeds[&FeedId::new(lent.get())].price.get().max(1);
                let one = U256::from(unit(l.assets[&lent].decimals));
                let most = U256::from(headroom) * one / U256::from(price);
                let cash = l.vaults[&vault].cash.get();
                let amount = Assets::new(self.dice.amount(most.saturating_to::<u128>().min(cash)));
                let AccountId { market, sub, .. } = id;
                let draw = Draw { market, sub, vault, amount, receiver: actor };
                borrowing::borrow(l, actor, &draw).map(|()| Did::Risked)
            }
            _ => {
                actor = self.user();
                id = self.indebted().unwrap_or(id);
                let l = &mut self.world.ledger;
                let debt = borrowing::debt_of(l, &id, vault).unwrap();
                let amount = if name == "repay" {
                    Assets::new(self.dice.amount(debt.get()))
                } else {
                    Assets::MAX
                };
                borrowing::repay(l, actor, &id, vault, amount)
                    .inspect(|repaid| assert!(!repaid.is_zero() && *repaid <= debt.min(amount)))
                    .map(|_| Did::Something)
            }
        };
        Step { name, actor, account: Some(id), outcome }
    }

    /// Brings an account into a group, or out of one.
    fn regroup(&mut self, name: &'static str) -> Step {
        let mut id = self.someone();
        let owing = self.indebted().filter(|_| self.dice.below(2) == 0);
        let all = self.world.ledger.accounts.iter();
        let inside = all.filter(|(_, account)| !account.group.is_none());
        let inside: Vec<_> = inside.map(|(id, _)| *id).collect();
        let outcome = if name == "enter_group" {
            id = owing.unwrap_or(id);
            let l = &mut self.world.ledger;
            let most = u64::from(l.markets[&MARKET].groups) + 1;
            let group = GroupId::new(self.dice.below(most + 1) as u8);
            groups::enter_group(l, id.owner, (MARKET, id.sub), group)
        } else {
            id = if inside.is_empty() { id } else { self.dice.pick(&inside) };
            groups::leave_group(&mut self.world.ledger, id.owner, (MARKET, id.sub))
        };
        let outcome = outcome.map(|()| Did::Risked);
        Step { name, actor: id.owner, account: Some(id), outcome }
    }

    /// Moves the debts of an account between the vaults of one asset, in place: [`check_bystanders`]
    /// knows of one account a step. `rehoming.rs` moves accounts.
    ///
    /// [`check_bystanders`]: Self::check_bystanders
    fn rehome(&mut self) -> Step {
        let id = self.indebted().unwrap_or_else(|| self.someone());
        let account = self.world.ledger.accounts.get(&id).cloned().unwrap_or_default();
        let vaults = self.world.ledger.markets[&MARKET].vaults.clone();
        let mut pairs = Vec::new();
        for owed in &account.debts {
            let from = vaults[usize::from(owed.index)];
            let asset = |vault| self.world.ledger.vaults[vault].asset;
            let same = vaults.iter().filter(|to| **to != from && asset(to) == asset(&from));
            let other = same.copied().next().unwrap_or(from);
            let to = if self.dice.below(6) == 0 { self.vault() } else { other };
            pairs.push(Pair { from, to });
        }
        let place = (id.market, id.sub);
        let route = Route { owner: id.owner, from: place, to: place, pairs: &pairs };
        let outcome = rehoming::rehome(&mut self.world.ledger, id.owner, &route);
        let outcome = outcome.map(|_| Did::Risked);
        Step { name: "rehome", actor: id.owner, account: Some(id), outcome }
    }

    /// Lets the price of some debtor's collateral fall, a little or far.
    fn stress(&mut self) {
        let debtors = self.world.ledger.accounts.values().filter(|account| account.has_debt());
        let pledges: Vec<_> = debtors.flat_map(|account| account.collaterals.clone()).collect();
        if pledges.is_empty() || self.dice.below(3) == 0 {
            return;
        }
        let index = self.dice.pick(&pledges).index;
        let feed = u32::from(index) + 1;
        let old = self.world.ledger.feeds[&FeedId::new(feed)].price.get();
        let percent = self.dice.pick(&[99, 97, 95, 90, 80, 60, 30]);
        self.world.report(feed, (old / 100 * percent).max(2)).unwrap();
    }

    fn liquidate(&mut self) -> Step {
        let actor = self.user();
        let settled = self.world.settled();
        let weak: Vec<_> = settled
            .accounts
            .keys()
            .filter(|id| standing(&settled, id).unhealthy())
            .copied()
            .collect();
        let mut id = self.someone();
        let (mut asset, mut vault) = (self.asset(), self.vault());
        if !weak.is_empty() && self.dice.below(8) != 0 {
            id = self.dice.pick(&weak);
            let account = &settled.accounts[&id];
            let market = &settled.markets[&MARKET];
            let pledge = self.dice.pick(&account.collaterals);
            let owed = self.dice.pick(&account.debts);
            asset = market.collaterals[usize::from(pledge.index)];
            vault = market.vaults[usize::from(owed.index)];
        }
        let l = &mut self.world.ledger;
        let debt = borrowing::debt_of(l, &id, vault).unwrap().get();
        let offered = if self.dice.below(2) == 0 { u128::MAX } else { self.dice.amount(debt) };
        let max_repay = Assets::new(offered);
        let asked = Liquidation {
            vault,
            asset,
            max_repay,
            receiver: actor,
            payment: self.dice.pick(&[Payment::Assets, Payment::Shares]),
        };
        let aim = liquidation::Aim { vault, asset, max_repay };
        let preview = liquidation::preview_liquidation(l, &id, &aim);
        // A liquidator brings the funds that it needs.
        for asset in 1..=self.world.decimals.len() as u32 {
            let funds = Assets::new(unit(self.world.decimals[asset as usize - 1]) * 100);
            token::mint(&mut self.world.ledger, ISSUER, AssetId::new(asset), actor, funds).unwrap();
        }
        let l = &mut self.world.ledger;
        let outcome = liquidation::liquidate(l, actor, &id, &asked)
            .inspect(|plan| assert_eq!(preview.as_ref(), Ok(plan)))
            .map(|plan| Did::Liquidated(plan, asset, vault));
        Step { name: "liquidate", actor, account: Some(id), outcome }
    }

    fn govern(&mut self, name: &'static str) -> Step {
        let (vault, asset) = (self.vault(), self.asset());
        let stranger = self.dice.below(4) == 0;
        let actor = match (stranger, name) {
            (true, _) => self.user(),
            (_, "govern_market" | "govern_group" | "schedule_move" | "set_margin") => OWNER,
            (_, "set_pause" | "pause_for" | "freeze") => {
                self.dice.pick(&[OWNER, GOVERNANCE, GUARDIAN])
            }
            (_, "set_breakers") => OWNER,
            (_, "report") => PUBLISHER,
            (_, "limit") => GOVERNANCE,
            _ => CURATOR,
        };
        let mut dice = Dice(self.dice.next());
        let outcome = match name {
            "report" => return self.price(actor, asset),
            "set_pause" => {
                let level =
                    dice.pick(&[PauseLevel::Open, PauseLevel::Restricted, PauseLevel::Frozen]);
                pause::set_pause(&mut self.world.ledger, actor, MARKET, level)
            }
            "pause_for" => {
                let level = dice.pick(&[PauseLevel::Restricted, PauseLevel::Frozen]);
                let seconds = dice.pick(&[60, 900, 100_000, PAUSE_MAX]);
                pause::pause_for(&mut self.world.ledger, actor, MARKET, level, seconds)
            }
            "freeze" => {
                let feed = FeedId::new(asset.get());
                let l = &mut self.world.ledger;
                match dice.below(3) {
                    0 if actor != GUARDIAN => freeze::unfreeze(l, actor, feed),
                    _ => freeze::freeze(l, actor, feed, dice.pick(&[1, 60, 900, FREEZE_MAX])),
                }
            }
            "set_breakers" => self.breakers(actor, vault, &mut dice),
            "govern_market" => self.market_terms(actor, asset),
            "govern_group" => self.govern_group(actor, asset, vault),
            "schedule_move" => self.schedule_move(actor, asset),
            "set_margin" => self.market_margin(actor),
            "limit" => self.world.limit(&mut dice, stranger.then_some(actor)),
            _ => self.curate(name, actor, vault, &mut dice),
        };
        if stranger {
            let refused = matches!(outcome, Err(Stop::Refused(Error::NotAuthorised { .. })));
            assert!(refused, "AUT-1: {name} by a stranger: {outcome:?}");
        }
        let name = if stranger { "by a stranger" } else { name };
        Step { name, actor, account: None, outcome: outcome.map(|()| Did::Governed) }
    }

    fn breakers(&mut self, actor: Address, vault: VaultId, dice: &mut Dice) -> Result<(), Stop> {
        let whole = self.whole(self.world.ledger.vaults[&vault].asset);
        let window = dice.pick(&[600, 86_400, breaker::WINDOW_MAX]);
        let on = dice.below(2) == 0;
        let l = &mut self.world.ledger;
        if dice.below(2) == 0 {
            let limit = Assets::new(whole * dice.pick(&[1, 10, 200]));
            let limit = limit.max(Assets::new(window.into()));
            let terms = MeterTerms { limit, window };
            return meter::set_meter(l, actor, (MARKET, vault), on.then_some(terms));
        }
        let part = Bps::new(dice.pick(&[1, 1_000, 5_000, 9_999]));
        let terms = BreakerTerms { part, window, pause: dice.pick(&[600, 100_000]) };
        breaker::set_breaker(l, actor, MARKET, on.then_some(terms))
    }

    fn curate(
        &mut self,
        name: &str,
        actor: Address,
        vault: VaultId,
        dice: &mut Dice,
    ) -> Result<(), Stop> {
        let whole = self.whole(self.world.ledger.vaults[&vault].asset);
        let l = &mut self.world.ledger;
        match name {
            "set_reserve_fee" => {
                curation::set_reserve_fee(l, actor, vault, Bps::new(dice.below(6_000) as u16))
            }
            "set_caps" => {
                let cap = |dice: &mut Dice| {
                    Assets::new(dice.amount(10_000_000_u128.saturating_mul(whole)))
                };
                let caps = Caps { supply: cap(dice), borrow: cap(dice) };
                curation::set_caps(l, actor, vault, caps)
            }
            "set_model" => {
                let model = if dice.below(2) == 0 {
                    KINKED
                } else {
                    InterestModel::Adaptive {
                        rate_at_target: Ray::new(
                            u128::from(dice.below(70_000_000_000)) * 1_000_000_000,
                        ),
                    }
                };
                curation::set_model(l, actor, vault, model)
            }
            "set_line_cap" => curation::set_line_cap(
                l,
                actor,
                vault,
                MARKET,
                Assets::new(dice.amount(10_000_000_u128.saturating_mul(whole))),
            ),
            _ => {
                let reserves = l.vaults[&vault].reserves.get();
                let paused = l.vaults[&vault].paused;
                if paused {
                    curation::resume_vault(l, CURATOR, vault).unwrap();
                } else if dice.below(10) == 0 {
                    curation::pause_vault(l, CURATOR, vault).unwrap();
                }
                curation::collect_reserves(
                    l,
                    actor,
                    vault,
                    actor,
                    Assets::new(dice.amount(reserves)),
                )
            }
        }
    }

    fn market_terms(&mut self, actor: Address, asset: AssetId) -> Result<(), Stop> {
        let l = &mut self.world.ledger;
        if self.dice.below(2) == 0 {
            let target = Wad::new(WAD + WAD / 100 * u128::from(self.dice.below(60)));
            let full = Wad::new(WAD / 100 * u128::from(50 + self.dice.below(52)));
            let terms = MarketTerms { target_health: target, full_bonus_health: full };
            return listing::set_market_terms(l, actor, MARKET, &terms);
        }
        let threshold = 3_000 + self.dice.below(6_500) as u16;
        let ltv = threshold.saturating_sub(self.dice.below(1_000) as u16);
        let bonus = [self.dice.below(500) as u16, self.dice.below(2_000) as u16];
        let cap = cap(10_000_000, l.assets[&asset].decimals);
        let terms = terms(ltv, threshold, bonus, cap, asset.get());
        listing::set_collateral(l, actor, MARKET, asset, &terms)
    }

    fn govern_group(&mut self, actor: Address, asset: AssetId, vault: VaultId) -> Result<(), Stop> {
        let l = &mut self.world.ledger;
        let threshold = 6_000 + self.dice.below(3_600) as u16;
        let band = 100 + self.dice.below(300) as u16;
        let ltv = (u32::from(threshold) * u32::from(10_000 - band) / 10_000) as u16;
        let terms = GroupTerms {
            ltv: Bps::new(ltv.saturating_sub(self.dice.below(300) as u16)),
            threshold: Bps::new(threshold),
            bonus_min: Bps::new(self.dice.below(100) as u16),
            bonus_max: Bps::new(self.dice.below(300) as u16),
            band: Bps::new(band),
        };
        let (assets, vaults) = ([asset], [vault]);
        let members = Members { collaterals: &assets, vaults: &vaults };
        let count = l.markets[&MARKET].groups;
        let group = GroupId::new(1 + self.dice.below(count.into()) as u8);
        match self.dice.below(6) {
            0 if count < 3 => {
                let name = (label("Alike"), &terms);
                groups::create_group(l, actor, MARKET, name, members).map(drop)
            }
            1 => groups::add_group_members(l, actor, MARKET, group, members),
            2 => {
                let members = Members { vaults: &vaults, ..Members::default() };
                groups::add_group_members(l, actor, MARKET, group, members)
            }
            _ => groups::set_group_terms(l, actor, MARKET, group, &terms),
        }
    }

    fn schedule_move(&mut self, actor: Address, asset: AssetId) -> Result<(), Stop> {
        let l = &mut self.world.ledger;
        let moved = l.kept.keys().map(|(_, subject)| *subject);
        let mut subjects: Vec<_> = moved.collect();
        subjects.push(Subject::Collateral(asset));
        let subject = self.dice.pick(&subjects);
        let start = l.now.after(80_000 + self.dice.below(200_000));
        let end = start.after(80_000 + self.dice.below(3_000_000));
        terms::schedule_move(l, actor, MARKET, subject, (start, end))
    }

    /// Another set of margin parameters, mostly in the runs that are for it.
    fn market_margin(&mut self, actor: Address) -> Result<(), Stop> {
        let mut terms = margin::any_set(&mut self.dice, 4, self.margin.as_ref());
        if self.dice.below(8) == 0 || !self.portfolio {
            terms.factors.clear();
        }
        if actor == OWNER && !self.portfolio {
            terms.ramp_seconds = 1;
        }
        let l = &mut self.world.ledger;
        portfolio::set_portfolio_margin(l, actor, MARKET, &terms)?;
        self.margin = Some(terms);
        Ok(())
    }

    fn price(&mut self, actor: Address, asset: AssetId) -> Step {
        let feed = FeedId::new(asset.get());
        let stored = self.world.ledger.feeds[&feed];
        let old = stored.price.get();
        let price = match self.dice.below(16) {
            0 => old / 10,
            1 => old.saturating_mul(10),
            2 => self.dice.pick(&[0, 1, 2, u128::MAX, 100 * WAD]),
            _ => old / 1_000 * u128::from(900 + self.dice.below(200)),
        };
        // Prices that have run away come back, or everything saturates.
        let price = if (WAD / 1_000..1_000_000 * WAD).contains(&price) || self.dice.below(3) == 0 {
            price
        } else {
            100 * WAD
        };
        self.world.pass(1);
        let now = self.world.ledger.now;
        let next = self.world.next_report(feed, price);
        let report = gage_core::Report {
            round: next.round - self.dice.below(8) / 7,
            time: now.after(self.dice.below(8) / 7),
            ..next
        };
        let outcome = world::apply_report(&mut self.world.ledger, &report, actor);
        assert!(actor == PUBLISHER || outcome.is_err(), "AUT-1");
        let name = if actor == PUBLISHER { "report" } else { "by a stranger" };
        Step { name, actor, account: None, outcome: outcome.map(|()| Did::Governed) }
    }

    /// Postconditions of an operation that passed.
    fn check(&mut self, step: &Step, before: &MemoryLedger) {
        let after = self.world.settled();
        let Ok(did) = &step.outcome else { return };
        if matches!(did, Did::Governed) {
            for id in before.accounts.keys().filter(|_| step.name != "report") {
                let (old, new) = (standing(before, id), standing(&after, id));
                let name = step.name;
                let kept = old.debt.is_zero() || new.weighted >= old.weighted;
                assert!(kept, "HLT-2: {name}: {id:?} {old:?} {new:?}");
            }
            return;
        }
        if let Did::Exchanged { assets, shares } = did {
            let wiped = before.vaults.values().any(|vault| !vault.shares.is_zero());
            assert!(!shares.is_zero(), "SHR-6: {} of {assets} for no share", step.name);
            assert!(!assets.is_zero() || wiped, "SHR-6");
        }
        if let (Did::Risked, Some(id)) = (did, step.account) {
            let now = standing(&after, &id);
            assert!(now.debt.is_zero() || now.debt <= now.limit, "HLT-1: {now:?}");
            let broken = limits::broken_caps(before, &after, &id);
            assert!(broken.is_empty(), "CFG-1: {}: {broken:#?}", step.name);
        }
        if let (Did::Liquidated(plan, asset, vault), Some(id)) = (did, &step.account) {
            self.check_liquidation(plan, (*asset, *vault), id, (before, &after));
        }
        self.check_bystanders(step, before, &after);
    }

    fn check_liquidation(
        &mut self,
        plan: &Plan,
        (asset, vault): (AssetId, VaultId),
        id: &AccountId,
        (before, after): (&MemoryLedger, &MemoryLedger),
    ) {
        let (old, new) = (standing(before, id), standing(after, id));
        assert!(old.unhealthy(), "LIQ-1: {old:?}");
        let account = after.accounts.get(id).cloned().unwrap_or_default();
        let open = account.has_debt() && !account.collaterals.is_empty();
        assert!(
            !open || new.weighted * old.debt >= old.weighted * new.debt,
            "LIQ-2: {old:?} {new:?}"
        );
        assert!(!account.has_debt() || !account.collaterals.is_empty(), "BAD-1");
        assert!(!plan.repaid().is_zero() && !plan.seized().is_zero(), "SHR-6");
        match plan.kind {
            Kind::Partial => {
                let lent = before.vaults[&vault].asset;
                let paid = value(before, lent, plan.repaid().get(), true);
                let got = value(before, asset, plan.seized().get(), false);
                let bonus = U256::from(WAD + plan.bonus.get());
                let one = value(before, asset, 1, true);
                assert!(got <= (paid * bonus).div_ceil(U256::from(WAD)) + one, "LIQ-3: {plan:?}");
                assert!(
                    plan.bonus_bps() <= before.collaterals[&(MARKET, asset)].bonus_max,
                    "LIQ-3"
                );
                let covered = U256::from(WAD) * old.collateral;
                assert!(bonus * old.debt <= covered, "LIQ-3: more than C/D - 1: {plan:?}");
                let hedged = before.markets[&MARKET].margin == MarginModel::Portfolio;
                let what = "partial liquidation under portfolio margin";
                *self.visited.entry(what).or_default() += u64::from(hedged);
                *self.visited.entry("partial liquidation").or_default() += 1;
            }
            Kind::CloseOut => {
                assert!(!account.has_debt() && account.collaterals.is_empty(), "BAD-1");
                assert!(old.cover < old.debt, "solvent, yet closed out");
                *self.visited.entry("close-out").or_default() += 1;
                let borne = plan.repayments.iter().any(|entry| !entry.loss.from_lenders.is_zero());
                *self.visited.entry("loss borne by lenders").or_default() += u64::from(borne);
                let kept = plan.repayments.iter().any(|entry| !entry.loss.from_reserves.is_zero());
                *self.visited.entry("loss borne by reserves").or_default() += u64::from(kept);
            }
        }
    }

    /// HLT-2, AUT-1: nobody else loses.
    fn check_bystanders(&self, step: &Step, before: &MemoryLedger, after: &MemoryLedger) {
        let liquidated = matches!(step.outcome, Ok(Did::Liquidated(..)));
        for id in before.accounts.keys().filter(|id| Some(**id) != step.account) {
            let (old, new) = (standing(before, id), standing(after, id));
            let kept = new.weighted * old.debt >= old.weighted * new.debt;
            assert!(kept, "HLT-2: {} by {} moved {id:?}: {old:?} {new:?}", step.name, step.actor);
            assert_eq!(before.accounts.get(id), after.accounts.get(id), "AUT-1: {}", step.name);
        }
        if let Some(id) = step.account.filter(|id| id.owner != step.actor && !liquidated) {
            let (old, new) = (standing(before, &id), standing(after, &id));
            // Writing debts anew rounds each up by a share at most.
            let owed = before.accounts.get(&id).map(|account| account.debts.as_slice());
            let rounding = match step.name {
                "refresh_premium" => {
                    owed.unwrap_or_default().iter().fold(U256::ZERO, |sum, owed| {
                        let vault = before.markets[&MARKET].vaults[usize::from(owed.index)];
                        let record = after.vaults[&vault];
                        let units = record.index.get().div_ceil(gage_core::RAY);
                        sum + value(before, record.asset, units, true)
                    })
                }
                _ => U256::ZERO,
            };
            assert!(
                new.debt <= old.debt + rounding && new.collateral >= old.collateral,
                "AUT-1: {}: {old:?} {new:?}",
                step.name
            );
        }
        for ((token, holder), amount) in &before.balances {
            if *holder == step.actor || custodian(*holder) {
                continue;
            }
            let left = after.balances.get(&(*token, *holder)).copied().unwrap_or_default();
            let allowed = match step.name {
                "transfer_from" | "withdraw" | "redeem" => {
                    let key = (*token, *holder, step.actor);
                    before.allowances.get(&key).copied().unwrap_or_default()
                }
                _ => U256::ZERO,
            };
            let taken = amount.saturating_sub(left);
            assert!(U256::from(taken) <= allowed, "AUT-1: {} took {taken} of {token:?}", step.name);
            if taken > 0 && allowed < U256::MAX {
                let key = (*token, *holder, step.actor);
                let unused = after.allowances.get(&key).copied().unwrap_or_default();
                assert_eq!(unused, allowed - U256::from(taken), "AUT-1: allowance not used up");
            }
        }
    }

    /// HLT-6: with all feeds silent for a year, every debtor can repay and leave.
    fn exits_are_open(&mut self) {
        let mut ledger = self.world.ledger.clone();
        ledger.now = ledger.now.after(31_536_000);
        let ids: Vec<_> = ledger.accounts.keys().copied().collect();
        for id in ids {
            let account = ledger.accounts[&id].clone();
            let market = ledger.markets[&MARKET].clone();
            for owed in &account.debts {
                let vault = market.vaults[usize::from(owed.index)];
                let debt = borrowing::debt_of(&mut ledger, &id, vault).unwrap();
                let asset = ledger.vaults[&vault].asset;
                token::mint(&mut ledger, ISSUER, asset, id.owner, debt).unwrap();
                borrowing::repay(&mut ledger, id.owner, &id, vault, Assets::MAX).unwrap();
            }
            for pledge in &account.collaterals {
                let asset = market.collaterals[usize::from(pledge.index)];
                let release = Release {
                    market: MARKET,
                    sub: id.sub,
                    asset,
                    amount: Assets::MAX,
                    receiver: id.owner,
                };
                borrowing::withdraw_collateral(&mut ledger, id.owner, &release).unwrap();
            }
            if !account.group.is_none() {
                groups::leave_group(&mut ledger, id.owner, (MARKET, id.sub)).unwrap();
            }
        }
        assert!(ledger.accounts.is_empty());
        for vault in self.world.vaults() {
            // INT-2 at rest: with nothing lent, cash covers lenders and reserves exactly.
            let record = ledger.vaults[&vault];
            assert!(record.owed == Debt::ZERO && record.cash >= record.reserves);
        }
        let broken = check_invariants(&ledger);
        assert!(broken.is_empty(), "{broken:#?}");
    }

    fn visit(&mut self) {
        let mut mark = |what, seen: bool| *self.visited.entry(what).or_default() += u64::from(seen);
        for (id, vault) in &self.world.ledger.vaults {
            mark("empty vault", vault.shares.is_zero());
            mark("fully lent", vault.cash.is_zero() && !vault.owed.is_zero());
            mark("somebody waits to leave", vault.exits_waiting);
            mark("paused vault", vault.paused);
            mark(
                "two debts",
                self.world.ledger.accounts.values().any(|account| account.debts.len() > 1),
            );
            let accrued = vault.accrue(vault.updated_at);
            let accounts = self.world.ledger.accounts.values();
            mark("in a group", accounts.clone().any(|one| !one.group.is_none()));
            mark("risk premium", accounts.clone().any(|one| one.risk_premium != Bps::ZERO));
            mark("tracked debt", accounts.clone().any(|one| one.tracked != 0));
            mark("spread backing", accounts.clone().any(|one| one.backing.len() > 1));
            let untracked = accounts.clone().any(|one| one.has_debt() && one.tracked == 0);
            let begun = self.world.ledger.lines.values().any(|line| line.tracked);
            mark("untracked debt on a tracked line", untracked && begun);
            mark("wiped out", accrued.is_wiped_out());
            let custody = self.world.held(Token::Asset(vault.asset), address::custody(*id));
            mark("donated to", custody > vault.cash.get());
            let sold = product_at_most(vault.index.get(), 1, interest::INDEX_MAX.get() - 1, 1);
            mark("index at its end", !sold);
        }
        let ledger = &self.world.ledger;
        mark("on kept terms", ledger.accounts.keys().any(|id| on_kept_terms(ledger, id)));
        let moving = |kept: &Kept| {
            kept.moving.is_some_and(|one| one.start < ledger.now && ledger.now < one.end)
        };
        mark("move on the way", ledger.kept.values().any(moving));
        let hedged = self.world.ledger.markets[&MARKET].margin == MarginModel::Portfolio;
        let owing = self.world.ledger.accounts.values().filter(|account| account.has_debt());
        mark("debt under portfolio margin", hedged && owing.count() > 0);
        let (pause, now) = (self.world.ledger.markets[&MARKET].pause, self.world.ledger.now);
        mark("frozen market", pause.at(now).level == PauseLevel::Frozen);
        mark("pause by the guardian", pause.guardian.at(now).level > PauseLevel::Open);
        mark("breaker tripped", now < pause.tripped_until);
        let ledger = &self.world.ledger;
        let drawn = |meter: &Meter| meter.drawn > Assets::ZERO;
        mark("metered draw", ledger.meters.values().any(drawn));
        mark("frozen feed", ledger.feeds.values().any(|feed| now < feed.frozen_until));
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A history that never meets an invariant proves nothing of it.
fn everything_was_checked(report: &Report) {
    // There are neither bids nor stakes, nor rates, nor delegates, nor an index in this world.
    let absent = ["BID-1", "BID-2", "BID-3", "LIQ-2", "ORC-3", "AUT-1", "LIQ-5"];
    let unchecked = |id: &&str| !report.checked.contains_key(id);
    let expected = CHECKED.iter().map(|(id, _)| *id).filter(|id| !absent.contains(id));
    assert_eq!(
        expected.filter(unchecked).collect::<Vec<_>>(),
        [""; 0],
        "nothing was checked of these"
    );
}

/// SOL-1, SOL-2, SOL-3, SOL-4, SOL-5, SHR-1, SHR-6, INT-1, INT-2, INT-3, HLT-1, HLT-2, HLT-3, HLT-4, HLT-5, HLT-6,
/// LIQ-1, LIQ-2, LIQ-3, BAD-1, CFG-1, CFG-2, GOV-4, AUT-1, F-05: every state is recomputed from its records, every
/// step compared with the state before.
#[test]
fn invariants_hold_in_random_histories() {
    let steps = setting("GAGE_STEPS", 1_500);
    let only = std::env::var("GAGE_SEED").ok().and_then(|text| text.parse().ok());
    let seeds = match only {
        Some(first) => first..first + setting("GAGE_SEEDS", 1),
        None => 0..setting("GAGE_SEEDS", 8),
    };
    let mut tally: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    let mut visited: BTreeMap<&str, u64> = BTreeMap::new();
    let mut compared = beside::tally::Tally::default();
    let mut report = Report::default();
    for seed in seeds {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..steps {
            run.step();
        }
        report.add(run.report);
        for (name, [calls, passed]) in run.tally {
            let sum = tally.entry(name).or_default();
            sum[0] += calls;
            sum[1] += passed;
        }
        compared.add(run.model.tally);
        for (what, times) in run.visited {
            *visited.entry(what).or_default() += times;
        }
    }
    println!("{visited:#?}");
    compared.print();
    for (name, [calls, passed]) in &tally {
        println!("{name:>20} {passed:>7} of {calls:>7}");
    }
    println!("{:#?}", report.checked);
    if only.is_some() {
        return;
    }
    everything_was_checked(&report);
    for (name, [calls, passed]) in &tally {
        let enough = *name == "by a stranger" || passed * 20 >= *calls;
        assert!(enough, "{name} passed in only {passed} of {calls} calls");
    }
    for class in [
        "empty vault",
        "paused vault",
        "donated to",
        "frozen market",
        "pause by the guardian",
        "breaker tripped",
        "metered draw",
        "frozen feed",
        "partial liquidation",
        "close-out",
        "loss borne by lenders",
        "two debts",
        "risk premium",
        "in a group",
        "on kept terms",
        "move on the way",
        "debt under portfolio margin",
        "partial liquidation under portfolio margin",
        "tracked debt",
        "spread backing",
        "untracked debt on a tracked line",
        "refused for an exposure",
        "somebody waits to leave",
    ] {
        assert!(visited.get(class).is_some_and(|times| *times > 0), "never visited: {class}");
    }
}
