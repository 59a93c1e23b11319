//! The operations: each by somebody who may or may not, with arguments that are mostly sensible and sometimes hostile. What
//! a preview says of one is compared with what it then does.

use gage_core::borrowing::{self, Draw, Release};
use gage_core::curation::{self, Caps};
use gage_core::exits::places::{Handover, transfer};
use gage_core::exits::{self, Request};
use gage_core::feed::freeze::{self, FREEZE_MAX};
use gage_core::groups::{self, GroupTerms, Members};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment, Plan};
use gage_core::listing::{self, CollateralTerms, MarketTerms};
use gage_core::pause::PAUSE_MAX;
use gage_core::rehoming::{self, Pair, Route};
use gage_core::terms::{self, Subject};
use gage_core::token::{self, Movement, Permit};
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, BreakerTerms, Error, FeedId, GroupId, InterestModel,
    MeterTerms, PauseLevel, PlaceId, Ray, Shares, Stop, Token, U256, VaultId, WAD, Wad, address,
    breaker, meter, pause, portfolio, premium,
};

use crate::Run;
use crate::world::{self, *};

/// What a step may do; a name that stands twice is drawn twice as often.
pub(super) const OPERATIONS: &[&str] = &[
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
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) actor: Address,
    /// Whose account was touched, if one was.
    pub(super) account: Option<AccountId>,
    pub(super) outcome: Result<Did, Stop>,
}

pub(super) enum Did {
    Something,
    Exchanged { assets: Assets, shares: Shares },
    Risked,
    Liquidated(Plan, AssetId, VaultId),
    Governed,
}

impl Run {
    /// Does one of [`OPERATIONS`], with arguments by the dice.
    pub(super) fn act(&mut self, name: &'static str) -> Step {
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
    pub(super) fn stress(&mut self) {
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
}
