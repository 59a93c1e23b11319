//! Random histories of every operation with hostile arguments; invariants after every step. Here is the loop with its
//! checks, in `operations` what a step may do.
//!
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "../beside/mod.rs"]
mod beside;
mod operations;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeMap;

use gage_core::borrowing::{self, Release};
use gage_core::fixed::product_at_most;
use gage_core::groups;
use gage_core::invariants::{CHECKED, Report, check_invariants};
use gage_core::liquidation::{Kind, Plan};
use gage_core::portfolio::PortfolioTerms;
use gage_core::terms::Kept;
use gage_core::token;
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, Debt, Error, FeedId, InterestModel, MarginModel,
    MemoryLedger, Meter, PauseLevel, Stop, Token, U256, VaultId, WAD, address, interest, pause,
};
use operations::{Did, OPERATIONS, Step};
use world::*;

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
