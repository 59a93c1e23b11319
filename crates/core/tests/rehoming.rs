//! Moving whole accounts between markets and vaults.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::Tier;
use gage_core::borrowing::{self, Draw, Release};
use gage_core::curation::{self, Caps};
use gage_core::delegation::{self, Operator, Permission, Permissions};
use gage_core::explain::explain;
use gage_core::invariants::{check_invariants, check_step};
use gage_core::listing::{self, LineTerms, MarketTerms};
use gage_core::rehoming::{self, Pair, Route};
use gage_core::stop_loss::{self, StopLoss};
use gage_core::{
    AccountId, Address, Assets, Bps, Cap, Debt, Error, Event, FeedId, MarketId, MemoryLedger,
    PauseLevel, Stop, Timestamp, Token, U256, WAD, Wad, first_loss, lending, margin, pause,
};
use world::acts::*;
use world::*;

const OTHER: MarketId = MarketId::new(2);

/// A second market that lists the same assets, 5 % more generous or stricter, and all vaults.
fn second_market(world: &mut World, ltv: u16) {
    let (assets, vaults): (Vec<_>, Vec<_>) = (world.assets().collect(), world.vaults().collect());
    let l = &mut world.ledger;
    let (target_health, full_bonus_health) = (Wad::new(WAD * 105 / 100), Wad::new(WAD * 9 / 10));
    let terms = MarketTerms { target_health, full_bonus_health };
    assert_eq!(listing::create_market(l, OWNER, &terms).unwrap(), OTHER);
    // In the other order, so that places differ.
    for asset in assets.into_iter().rev() {
        let cap = cap(10_000_000, world.decimals[asset.get() as usize - 1]);
        let terms = terms_of(ltv, cap, asset.get());
        listing::add_collateral(l, OWNER, OTHER, asset, &terms).unwrap();
    }
    for vault in vaults.into_iter().rev() {
        let asset = l.vaults[&vault].asset;
        let decimals = world.decimals[asset.get() as usize - 1];
        let min_debt = Assets::new((unit(decimals) / 10).max(1));
        let line = LineTerms { feed: FeedId::new(asset.get()), min_debt };
        listing::list_vault(l, OWNER, OTHER, vault, &line).unwrap();
        let cap = Assets::new(cap(5_000_000, decimals));
        curation::set_line_cap(l, CURATOR, vault, OTHER, cap).unwrap();
    }
}

fn terms_of(ltv: u16, cap: u128, feed: u32) -> listing::CollateralTerms {
    terms(ltv, ltv + 300, [400, 1_000], cap, feed)
}

/// Two vaults of asset 1 and one of asset 2, all with lenders, in two markets; Alice owes 60 tokens to
/// vault 1 on 100 tokens of asset 3, all of them worth 100 dollars.
fn two_homes() -> World {
    let mut world = World::new(&[6, 18, 18], 2);
    world.add_vault(asset(1), KINKED);
    second_market(&mut world, 8_000);
    deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
    deposit(&mut world, LENDER, 2, 1_000 * unit(18)).unwrap();
    deposit(&mut world, LENDER, 3, 1_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 3, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 60 * unit(6)).unwrap();
    world
}

fn at(market: MarketId, sub: u32) -> AccountId {
    AccountId { market, owner: ALICE, sub }
}

fn pairs(ways: &[(u32, u32)]) -> Vec<Pair> {
    ways.iter().map(|(from, to)| Pair { from: vault(*from), to: vault(*to) }).collect()
}

/// Moves Alice's account; every invariant of the step is checked.
fn go(
    world: &mut World,
    from: (u32, u32),
    to: (u32, u32),
    ways: &[(u32, u32)],
) -> Result<Wad, Stop> {
    go_as(world, ALICE, from, to, ways)
}

fn go_as(
    world: &mut World,
    caller: Address,
    from: (u32, u32),
    to: (u32, u32),
    ways: &[(u32, u32)],
) -> Result<Wad, Stop> {
    let pairs = pairs(ways);
    let place = |(market, sub)| (MarketId::new(market), sub);
    let route = Route { owner: ALICE, from: place(from), to: place(to), pairs: &pairs };
    let before = world.ledger.clone();
    let told = rehoming::preview(&mut world.ledger.clone(), &route);
    let outcome = world.ledger.atomically(|l| rehoming::rehome(l, caller, &route));
    if let Ok(health) = outcome {
        let told = told.unwrap();
        assert_eq!(told.reasons, []);
        assert_eq!(told.explanation.health_factor, health);
        let position = margin::position(
            &mut world.ledger,
            &AccountId { market: route.to.0, owner: ALICE, sub: route.to.1 },
        );
        let position = position.unwrap();
        assert_eq!(told.explanation.totals, position.totals());
        assert_eq!(told.explanation.risk_premium, position.risk_premium);
        for (view, leg) in told.explanation.debts.iter().zip(&position.debts) {
            let base = leg.accrued.borrow_rate().get();
            assert!(view.rate.get() >= base && view.amount == leg.amount());
        }
        conserved(&before, &world.ledger, (at(route.from.0, from.1), at(route.to.0, to.1)));
    } else {
        assert_eq!(before, world.ledger);
    }
    let broken: Vec<_> = check_invariants(&world.ledger)
        .into_iter()
        .chain(check_step(&before, &world.ledger))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    outcome
}

/// What both accounts owe of each asset and have pledged, with all interest counted.
fn holdings(ledger: &MemoryLedger, ids: &[AccountId]) -> (Vec<U256>, Vec<U256>) {
    let mut ledger = ledger.clone();
    let vaults: Vec<_> = ledger.vaults.keys().copied().collect();
    for vault in vaults {
        lending::accrue(&mut ledger, vault).unwrap();
    }
    let zero = || vec![U256::ZERO; ledger.assets.len() + 1];
    let (mut debts, mut pledges) = (zero(), zero());
    for id in ids {
        let Some(account) = ledger.accounts.get(id) else { continue };
        let market = &ledger.markets[&id.market];
        for owed in &account.debts {
            let vault = ledger.vaults[&market.vaults[usize::from(owed.index)]];
            let amount = vault.accrue(ledger.now).debt_of(owed.debt).get();
            debts[vault.asset.get() as usize] += U256::from(amount);
        }
        for pledge in &account.collaterals {
            let asset = market.collaterals[usize::from(pledge.index)];
            pledges[asset.get() as usize] += U256::from(pledge.amount.get());
        }
    }
    (debts, pledges)
}

/// HLT-5: the account left is empty; all collateral arrived; what is owed of each asset is as much as
/// before, and at most a share and a unit more for each debt. No token balance of anyone's changed, but
/// for what a vault paid another.
fn conserved(before: &MemoryLedger, after: &MemoryLedger, (from, to): (AccountId, AccountId)) {
    if from != to {
        assert!(!after.accounts.contains_key(&from), "HLT-5");
    }
    let ids = if from == to { vec![from] } else { vec![from, to] };
    let (debts, pledges) = holdings(before, &ids);
    let (debts_after, pledges_after) = holdings(after, &ids);
    assert_eq!(pledges, pledges_after);
    for (asset, (old, new)) in debts.into_iter().zip(debts_after).enumerate() {
        let vaults = after.vaults.values().filter(|vault| vault.asset.get() as usize == asset);
        let share: u128 = vaults.map(|vault| vault.index.get().div_ceil(gage_core::RAY) + 1).sum();
        assert!(old <= new && new <= old + U256::from(share), "asset {asset}: {old} {new}");
    }
    let balances = |ledger: &MemoryLedger| {
        let people = ledger.balances.iter().filter(|((_, holder), _)| !custodian(*holder));
        people.map(|(key, balance)| (*key, *balance)).collect::<Vec<_>>()
    };
    assert_eq!(balances(before), balances(after), "nobody is paid");
}

fn lend_out(world: &mut World, from: u32) {
    pledge(world, FRIEND, 3, 10_000 * unit(18));
    let cash = world.ledger.vaults[&vault(from)].cash.get();
    borrow(world, FRIEND, from, cash).unwrap();
}

/// A debt that stays with its vault needs no cash, and moves no lender's price by a unit.
#[test]
fn netting_works_when_the_vault_is_lent_out() {
    let mut world = two_homes();
    lend_out(&mut world, 1);
    world.pass(100_000);
    world.report_all_again();
    lending::accrue(&mut world.ledger, vault(1)).unwrap();
    let before = world.ledger.vaults[&vault(1)];
    assert!(before.cash.is_zero());
    let record = world.ledger.accounts[&at(MARKET, 0)].debts[0].debt;
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
    assert_eq!(world.ledger.vaults[&vault(1)], before, "no unit of the vault changed");
    assert_eq!(world.ledger.accounts[&at(OTHER, 0)].debts[0].debt, record);
    let lines = &world.ledger.lines;
    assert_eq!(lines[&(OTHER, vault(1))].owed, record);
    assert_eq!(lines[&(MARKET, vault(1))].owed, before.owed.replacing(record, Debt::ZERO).unwrap());
    let told = &world.ledger.events;
    let (from, to) = (at(MARKET, 0), at(OTHER, 0));
    assert!(told.iter().any(|event| matches!(event,
        Event::DebtRehomed { from: one, to: two, vaults, .. }
        if (*one, *two, *vaults) == (from, to, (vault(1), vault(1))))));
    assert!(told.contains(&Event::CollateralRehomed {
        from,
        to,
        asset: asset(3),
        amount: Assets::new(100 * unit(18)),
    }));
    assert!(matches!(told.last(), Some(Event::Rehomed { .. })));
    // And back.
    go(&mut world, (2, 0), (1, 0), &[(1, 1)]).unwrap();
    assert_eq!(world.ledger.vaults[&vault(1)], before);
}

/// To another vault of the same asset, which pays the first in cash if it has any.
#[test]
fn another_vault_pays_if_it_has_the_cash() {
    let mut world = two_homes();
    world.pass(50_000);
    world.report_all_again();
    let cash = [1, 3].map(|id| world.ledger.vaults[&vault(id)].cash.get());
    let owed = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(1)).unwrap().get();
    go(&mut world, (1, 0), (2, 5), &[(1, 3)]).unwrap();
    let after = [1, 3].map(|id| world.ledger.vaults[&vault(id)].cash.get());
    assert_eq!(after, [cash[0] + owed, cash[1] - owed]);
    assert_eq!(world.ledger.vaults[&vault(1)].owed, Debt::ZERO);
    for id in [1, 3] {
        let record = world.ledger.vaults[&vault(id)];
        let held = world.held(Token::Asset(asset(1)), gage_core::address::custody(vault(id)));
        assert_eq!(held, record.cash.get());
    }
    // Without cash it cannot, and says so.
    lend_out(&mut world, 1);
    let back = refused(go(&mut world, (2, 5), (1, 0), &[(3, 1)]));
    let owed = borrowing::debt_of(&mut world.ledger, &at(OTHER, 5), vault(3)).unwrap();
    assert_eq!(back, Error::Illiquid { cash: Assets::ZERO, asked: owed });
}

/// Refinancing: the same account, or another number in the same market, with another vault.
#[test]
fn an_account_can_be_refinanced_in_its_market() {
    let mut world = two_homes();
    go(&mut world, (1, 0), (1, 0), &[(1, 3)]).unwrap();
    let account = &world.ledger.accounts[&at(MARKET, 0)];
    assert_eq!((account.debts.len(), account.debts[0].index), (1, 2));
    go(&mut world, (1, 0), (1, 7), &[(3, 1)]).unwrap();
    go(&mut world, (1, 7), (1, 8), &[(1, 1)]).unwrap();
    assert_eq!(world.ledger.accounts[&at(MARKET, 8)].debts[0].index, 0);
    // The line had no room: between accounts of one line nothing grows, so that no cap is asked.
    curation::set_line_cap(&mut world.ledger, CURATOR, vault(1), MARKET, Assets::ZERO).unwrap();
    go(&mut world, (1, 8), (1, 0), &[(1, 1)]).unwrap();
    assert_eq!(refused(go(&mut world, (1, 0), (1, 0), &[(1, 1)])), Error::NothingToRehome);
    assert_eq!(refused(go(&mut world, (1, 1), (1, 1), &[])), Error::NothingToRehome);
    assert_eq!(refused(go(&mut world, (1, 1), (2, 1), &[])), Error::NothingToRehome);
}

/// The account that takes over may hold something: debts to one vault become one, several come from
/// one vault and from another.
#[test]
fn accounts_and_debts_merge() {
    let mut world = two_homes();
    borrow(&mut world, ALICE, 3, 7 * unit(6)).unwrap();
    borrow(&mut world, ALICE, 2, 3 * unit(18)).unwrap();
    let l = &mut world.ledger;
    let there = at(OTHER, 0);
    borrowing::supply_collateral(l, ALICE, &there, asset(3), Assets::new(20 * unit(18))).unwrap();
    borrowing::supply_collateral(l, ALICE, &there, asset(2), Assets::new(5 * unit(18))).unwrap();
    let draw = Draw {
        market: OTHER,
        sub: 0,
        vault: vault(1),
        amount: Assets::new(5 * unit(6)),
        receiver: ALICE,
    };
    borrowing::borrow(l, ALICE, &draw).unwrap();
    world.pass(77_777);
    world.report_all_again();
    go(&mut world, (1, 0), (2, 0), &[(3, 1), (2, 2), (1, 1)]).unwrap();
    let account = &world.ledger.accounts[&there];
    assert_eq!((account.collaterals.len(), account.debts.len()), (2, 2));
    let owed = borrowing::debt_of(&mut world.ledger, &there, vault(1)).unwrap().get();
    assert!(owed > 72 * unit(6) && owed < 73 * unit(6));
    // Two vaults that swap their debts, each paying the other.
    borrow_in(&mut world, OTHER, 3, unit(6));
    go(&mut world, (2, 0), (1, 0), &[(3, 1), (1, 3), (2, 2)]).unwrap();
}

fn borrow_in(world: &mut World, market: MarketId, from: u32, amount: u128) {
    let amount = Assets::new(amount);
    let draw = Draw { market, sub: 0, vault: vault(from), amount, receiver: ALICE };
    borrowing::borrow(&mut world.ledger, ALICE, &draw).unwrap();
}

/// HLT-1: too much debt there changes nothing here; the preview says how much too much.
#[test]
fn an_unhealthy_target_changes_nothing() {
    let mut world = two_homes();
    let strict = terms_of(5_000, cap(10_000_000, 18), 3);
    listing::set_collateral(&mut world.ledger, OWNER, OTHER, asset(3), &strict).unwrap();
    let (debt_value, limit) = (Wad::new(6_000 * WAD), Wad::new(5_000 * WAD));
    let above = Error::AboveLimit { debt_value, limit };
    assert_eq!(refused(go(&mut world, (1, 0), (2, 0), &[(1, 1)])), above);
    let pairs = pairs(&[(1, 1)]);
    let route = Route { owner: ALICE, from: (MARKET, 0), to: (OTHER, 0), pairs: &pairs };
    let told = rehoming::preview(&mut world.ledger, &route).unwrap();
    assert_eq!(told.reasons, [above]);
    assert_eq!(told.explanation.totals.borrow_limit, limit);
    // With more collateral in the account there it can.
    let l = &mut world.ledger;
    let there = at(OTHER, 0);
    borrowing::supply_collateral(l, ALICE, &there, asset(3), Assets::new(20 * unit(18))).unwrap();
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
}

/// Leaving goes on at every pause level, as repaying and then releasing does; arriving needs an open
/// market and an open vault, and without debt one that is not frozen.
#[test]
fn pauses_bind_where_the_account_arrives() {
    for level in [PauseLevel::Restricted, PauseLevel::Frozen] {
        let mut world = two_homes();
        pause::set_pause(&mut world.ledger, OWNER, MARKET, level).unwrap();
        go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
        let back = refused(go(&mut world, (2, 0), (1, 0), &[(1, 1)]));
        assert_eq!(back, Error::MarketPaused { market: MARKET, level, until: Timestamp::ZERO });
        repay_in(&mut world, OTHER, 1);
        let back = go(&mut world, (2, 0), (1, 0), &[]);
        assert_eq!(back.is_ok(), level == PauseLevel::Restricted);
    }
    let mut world = two_homes();
    curation::pause_vault(&mut world.ledger, CURATOR, vault(3)).unwrap();
    let paused = Error::VaultPaused { vault: vault(3) };
    assert_eq!(refused(go(&mut world, (1, 0), (2, 0), &[(1, 3)])), paused);
    curation::resume_vault(&mut world.ledger, CURATOR, vault(3)).unwrap();
    curation::pause_vault(&mut world.ledger, CURATOR, vault(1)).unwrap();
    go(&mut world, (1, 0), (2, 0), &[(1, 3)]).unwrap();
}

fn repay_in(world: &mut World, market: MarketId, to: u32) {
    let l = &mut world.ledger;
    borrowing::repay(l, LENDER, &at(market, 0), vault(to), Assets::MAX).unwrap();
}

#[test]
fn caps_and_the_minimum_debt_bind_there() {
    let mut world = two_homes();
    let l = &mut world.ledger;
    let cap = |units: u128| Assets::new(units * unit(6));
    curation::set_line_cap(l, CURATOR, vault(1), OTHER, cap(59)).unwrap();
    let line = Error::CapExceeded { cap: Cap::Line, most: cap(59), would: cap(60) };
    assert_eq!(refused(go(&mut world, (1, 0), (2, 0), &[(1, 1)])), line);
    let l = &mut world.ledger;
    let tight = Caps { supply: cap(1_000), borrow: cap(59) };
    curation::set_caps(l, CURATOR, vault(3), tight).unwrap();
    let borrow = Error::CapExceeded { cap: Cap::Borrow, most: cap(59), would: cap(60) };
    assert_eq!(refused(go(&mut world, (1, 0), (2, 0), &[(1, 3)])), borrow);
    let l = &mut world.ledger;
    curation::set_line_cap(l, CURATOR, vault(1), OTHER, cap(60)).unwrap();
    let small = terms_of(8_000, 99 * unit(18), 3);
    listing::set_collateral(l, OWNER, OTHER, asset(3), &small).unwrap();
    let pledge = Error::CapExceeded {
        cap: Cap::Collateral,
        most: Assets::new(99 * unit(18)),
        would: Assets::new(100 * unit(18)),
    };
    assert_eq!(refused(go(&mut world, (1, 0), (2, 0), &[(1, 1)])), pledge);
    let l = &mut world.ledger;
    let enough = terms_of(8_000, 100 * unit(18), 3);
    listing::set_collateral(l, OWNER, OTHER, asset(3), &enough).unwrap();
    l.lines.get_mut(&(OTHER, vault(1))).unwrap().min_debt = cap(61);
    let below = Error::DebtBelowMinimum { debt: cap(60), minimum: cap(61) };
    assert_eq!(refused(go(&mut world, (1, 0), (2, 0), &[(1, 1)])), below);
    world.ledger.lines.get_mut(&(OTHER, vault(1))).unwrap().min_debt = cap(60);
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
}

/// HLT-1, HLT-6: with debt the prices there must be fresh; collateral alone needs none.
#[test]
fn debt_moves_at_fresh_prices_only() {
    let mut world = two_homes();
    world.pass(8_000);
    let stale = refused(go(&mut world, (1, 0), (2, 0), &[(1, 1)]));
    assert!(matches!(stale, Error::StalePrice { .. }));
    repay_in(&mut world, MARKET, 1);
    go(&mut world, (1, 0), (2, 0), &[]).unwrap();
}

/// The premium there is that of what backs the debt there; exact where it is the same.
#[test]
fn the_premium_is_that_of_the_new_home() {
    let mut world = two_homes();
    world.weigh([0, 0, 2_500]);
    gage_core::premium::refresh_risk_premium(&mut world.ledger, &of(ALICE)).unwrap();
    world.pass(1_000_000);
    world.report_all_again();
    let premium = |world: &World, id| world.ledger.accounts[&id].risk_premium;
    assert_eq!(premium(&world, at(MARKET, 0)), Bps::new(2_500));
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
    assert_eq!(premium(&world, at(OTHER, 0)), Bps::ZERO);
    world.pass(1_000_000);
    world.report_all_again();
    go(&mut world, (2, 0), (1, 3), &[(1, 3)]).unwrap();
    assert_eq!(premium(&world, at(MARKET, 3)), Bps::new(2_500));
    let told = Event::RiskPremiumChanged { account: at(MARKET, 3), premium: Bps::new(2_500) };
    assert!(world.ledger.events.contains(&told));
    // Same premium on both sides: shares and offset move as they are.
    world.pass(500_000);
    world.report_all_again();
    let record = world.ledger.accounts[&at(MARKET, 3)].debts[0].debt;
    go(&mut world, (1, 3), (1, 4), &[(3, 3)]).unwrap();
    assert_eq!(world.ledger.accounts[&at(MARKET, 4)].debts[0].debt, record);
    // Into an account with a debt that is not named: it is written at the joint premium as well.
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 20 * unit(6)).unwrap();
    assert_eq!(premium(&world, at(MARKET, 0)), Bps::ZERO);
    go(&mut world, (1, 4), (1, 0), &[(3, 3)]).unwrap();
    assert_eq!(premium(&world, at(MARKET, 0)), Bps::ZERO, "asset 2 backs all of it");
}

/// Stakers of both lines are paid for the debt that was there until now, at the vault's price.
#[test]
fn tranches_are_settled_on_both_lines() {
    let mut world = two_homes();
    let l = &mut world.ledger;
    for market in [MARKET, OTHER] {
        let shares = lending::preview_withdraw(l, vault(1), Assets::new(50 * unit(6))).unwrap();
        first_loss::stake(l, LENDER, (market, vault(1)), shares).unwrap();
    }
    world.pass(5_000_000);
    world.report_all_again();
    let key = |market| (market, vault(1));
    let worth = |world: &mut World, market| {
        first_loss::capital_of(&mut world.ledger, key(market)).unwrap().tranche.shares
    };
    let before = [MARKET, OTHER].map(|market| worth(&mut world, market));
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
    assert_eq!([MARKET, OTHER].map(|market| worth(&mut world, market)), before);
    let kept = |world: &World, market| world.ledger.tranches[&key(market)].index;
    let index = world.ledger.vaults[&vault(1)].index;
    assert_eq!([MARKET, OTHER].map(|market| kept(&world, market)), [index; 2]);
    // From now on the other line earns.
    world.pass(5_000_000);
    world.report_all_again();
    let after = [MARKET, OTHER].map(|market| worth(&mut world, market));
    assert!(after[0] == before[0] && after[1] > before[1]);
    go(&mut world, (2, 0), (2, 0), &[(1, 3)]).unwrap();
}

/// An order goes along with its debt if it can; otherwise it ends.
#[test]
fn a_stop_loss_order_goes_along() {
    let order = StopLoss {
        asset: asset(3),
        vault: vault(1),
        trigger: Wad::new(WAD * 11 / 10),
        target: Wad::new(WAD * 13 / 10),
        tier_max: Tier::new(4).unwrap(),
    };
    let mut world = two_homes();
    stop_loss::set_stop_loss(&mut world.ledger, ALICE, (MARKET, 0), Some(&order)).unwrap();
    go(&mut world, (1, 0), (1, 0), &[(1, 3)]).unwrap();
    let moved = StopLoss { vault: vault(3), ..order };
    assert_eq!(world.ledger.stop_losses[&at(MARKET, 0)], moved);
    go(&mut world, (1, 0), (2, 0), &[(3, 1)]).unwrap();
    assert_eq!(world.ledger.stop_losses.len(), 1);
    assert_eq!(world.ledger.stop_losses[&at(OTHER, 0)], order);
    // The account there keeps its own.
    let own = StopLoss { trigger: Wad::new(WAD * 12 / 10), ..order };
    stop_loss::set_stop_loss(&mut world.ledger, ALICE, (MARKET, 0), Some(&own)).unwrap();
    go(&mut world, (2, 0), (1, 0), &[(1, 1)]).unwrap();
    assert_eq!(world.ledger.stop_losses.len(), 1);
    assert_eq!(world.ledger.stop_losses[&at(MARKET, 0)], own);
    // One for a debt that there is not ends.
    let none = StopLoss { vault: vault(2), ..order };
    stop_loss::set_stop_loss(&mut world.ledger, ALICE, (MARKET, 0), Some(&none)).unwrap();
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
    assert!(world.ledger.stop_losses.is_empty());
    let ended = Event::StopLossChanged { account: at(MARKET, 0), order: None };
    assert!(world.ledger.events.contains(&ended));
}

/// The table of `docs/rehoming.md`.
#[test]
fn the_worked_example_of_the_documentation() {
    let mut world = two_homes();
    lend_out(&mut world, 1);
    // Owed in whole tokens, the vault, its yearly rate in thousandths of a percent, the limit in dollars,
    // health in parts of ten thousand.
    let row = |world: &mut World, id: &AccountId| {
        let told = explain(&mut world.ledger, id).unwrap();
        let debt = told.debts[0];
        let rate = debt.rate.get() * 31_536_000 / (gage_core::RAY / 100_000_000);
        let limit = told.totals.borrow_limit.get() / WAD;
        let health = told.health_factor.get() / (WAD / 10_000);
        (debt.amount.get() / unit(6), debt.vault.get(), rate.div_ceil(1_000), limit, health)
    };
    let [here, there] = [at(MARKET, 0), at(OTHER, 0)];
    assert_eq!(row(&mut world, &here), (60, 1, 306_000, 7_500, 13_666));
    go(&mut world, (1, 0), (2, 0), &[(1, 1)]).unwrap();
    assert_eq!(row(&mut world, &there), (60, 1, 306_000, 8_000, 13_833));
    go(&mut world, (2, 0), (2, 0), &[(1, 3)]).unwrap();
    assert_eq!(row(&mut world, &there), (60, 3, 1_375, 8_000, 13_833));
    let vault = world.ledger.vaults[&vault(1)];
    assert_eq!(vault.cash, Assets::new(60 * unit(6)));
    let others = vault.accrue(world.ledger.now).borrow_rate().get() * 31_536_000;
    assert_eq!((others / (gage_core::RAY / 10_000)).div_ceil(100), 216);
}

/// V-11 (Prisma): a migration entry called for someone else's position. Strangers, operators of one of
/// the two accounts, of the wrong permission, and of the past are refused.
#[test]
fn reg_v11_only_who_manages_both_accounts_moves_them() {
    let permission = Permission::Manage;
    let refusal = Error::NotPermitted { actor: MALLORY, owner: ALICE, permission };
    let mut world = two_homes();
    let asked = |world: &mut World| go_as(world, MALLORY, (1, 0), (2, 0), &[(1, 1)]);
    assert_eq!(refused(asked(&mut world)), refusal);
    let grant = |world: &mut World, market, bits| {
        let terms = Operator {
            permissions: Permissions::new(bits).unwrap(),
            expires_at: Timestamp::new(START + 5_000),
            receiver: MALLORY,
        };
        delegation::set_operator(&mut world.ledger, ALICE, (market, 0), MALLORY, &terms).unwrap();
    };
    grant(&mut world, MARKET, 7);
    assert_eq!(
        refused(asked(&mut world)),
        refusal,
        "not into an account that she does not operate"
    );
    grant(&mut world, OTHER, 3);
    assert_eq!(refused(asked(&mut world)), refusal, "to manage is a permission of its own");
    grant(&mut world, OTHER, 4);
    asked(&mut world).unwrap();
    world.pass(6_000);
    let late = refused(go_as(&mut world, MALLORY, (2, 0), (1, 0), &[(1, 1)]));
    assert!(matches!(late, Error::AuthorisationExpired { .. }));
}

/// V-14 (DeltaPrime): unchecked pairs, and amounts of nothing or everything. There are no amounts to
/// give; every pair that is not a debt and a listed vault of its asset is refused, in words.
#[test]
fn reg_v14_every_pair_is_checked() {
    let mut world = two_homes();
    borrow(&mut world, ALICE, 2, unit(18)).unwrap();
    let stray = world.ledger.protocol.vaults + 1;
    let unlisted = curation::create_vault(
        &mut world.ledger,
        MALLORY,
        asset(1),
        curation::Naming { name: label("Trap"), symbol: label("T") },
        &curation::VaultTerms {
            reserve_fee: Bps::ZERO,
            caps: Caps { supply: Assets::new(1 << 90), borrow: Assets::new(1 << 90) },
            model: KINKED,
        },
    )
    .unwrap();
    assert_eq!(unlisted, vault(stray));
    let left = |id| Error::DebtLeftBehind { vault: vault(id) };
    let differ = |from, to| Error::AssetsDiffer { from: vault(from), to: vault(to) };
    let not_listed = |market, id| Error::VaultNotListed { market, vault: vault(id) };
    let cases: &[(&[(u32, u32)], Error)] = &[
        (&[], left(1)),
        (&[(1, 1)], left(2)),
        (&[(2, 2)], left(1)),
        (&[(1, 1), (1, 1)], Error::NamedTwice { vault: vault(1) }),
        (&[(1, 1), (2, 2), (1, 3)], Error::NamedTwice { vault: vault(1) }),
        (&[(1, 1), (2, 2), (3, 3)], Error::NoDebt),
        (&[(0, 0), (1, 1), (2, 2)], not_listed(MARKET, 0)),
        (&[(u32::MAX, 1)], not_listed(MARKET, u32::MAX)),
        (&[(1, 2), (2, 2)], differ(1, 2)),
        (&[(1, 1), (2, 3)], differ(2, 3)),
        (&[(1, stray), (2, 2)], not_listed(OTHER, stray)),
        (&[(1, 0), (2, 2)], not_listed(OTHER, 0)),
    ];
    for (ways, expected) in cases {
        assert_eq!(refused(go(&mut world, (1, 0), (2, 0), ways)), *expected, "{ways:?}");
    }
    let nowhere = refused(go(&mut world, (1, 0), (9, 0), &[(1, 1), (2, 2)]));
    assert_eq!(nowhere, Error::UnknownMarket { market: MarketId::new(9) });
    // A market of Mallory's own lists the vault, whose curator never opened the line.
    let l = &mut world.ledger;
    let target_health = Wad::new(WAD * 105 / 100);
    let terms = MarketTerms { target_health, full_bonus_health: Wad::new(WAD / 2) };
    let hers = listing::create_market(l, MALLORY, &terms).unwrap();
    let missing = refused(go(&mut world, (1, 0), (3, 0), &[(1, 1), (2, 2)]));
    assert_eq!(missing, Error::CollateralNotListed { market: hers, asset: asset(3) });
    let l = &mut world.ledger;
    let generous = terms_of(8_500, cap(10_000, 18), 3);
    listing::add_collateral(l, MALLORY, hers, asset(3), &generous).unwrap();
    for id in [1, 2] {
        let line = LineTerms { feed: FeedId::new(id), min_debt: Assets::new(1) };
        listing::list_vault(l, MALLORY, hers, vault(id), &line).unwrap();
    }
    let closed = refused(go(&mut world, (1, 0), (3, 0), &[(1, 1), (2, 2)]));
    assert!(matches!(closed, Error::CapExceeded { cap: Cap::Line, most: Assets::ZERO, .. }));
}

/// V-18 (marginfi): a migration that moves liabilities away before the check, so that the check sees an
/// empty account. Whatever moves, the check sees all debt with all collateral that backs it: no order
/// of moves, draws and releases takes out more than the limits of both markets allow together.
#[test]
fn reg_v18_a_move_cannot_empty_an_account_before_its_check() {
    for seed in 0..4 {
        let mut dice = Dice(seed);
        let mut world = two_homes();
        let start = wealth(&world.ledger, &[ALICE]);
        let mut moved = 0;
        for _ in 0..300 {
            let (from, to) = (dice.pick(&[1, 2]), dice.pick(&[1, 2]));
            let (a, b) = (dice.below(2) as u32, dice.below(2) as u32);
            let id = at(MarketId::new(from), a);
            let market = &world.ledger.markets[&id.market];
            let owed = world.ledger.accounts.get(&id).cloned().unwrap_or_default().debts;
            let ways: Vec<_> = owed
                .iter()
                .map(|owed| market.vaults[usize::from(owed.index)].get())
                .filter(|_| !dice.0.is_multiple_of(7))
                .map(|id| (id, if id == 2 { 2 } else { [1, 3][(dice.0 as usize >> id) & 1] }))
                .collect();
            moved += u32::from(go(&mut world, (from, a), (to, b), &ways).is_ok());
            let (market, sub) = (MarketId::new(to), b);
            let amount = Assets::new(dice.amount(20 * unit(6)));
            let draw = Draw { market, sub, vault: vault(1), amount, receiver: ALICE };
            let release =
                Release { market, sub, asset: asset(3), amount: Assets::MAX, receiver: ALICE };
            let l = &mut world.ledger;
            let _ = l.atomically(|l| borrowing::borrow(l, ALICE, &draw));
            let _ = l.atomically(|l| borrowing::withdraw_collateral(l, ALICE, &release));
            for id in world.ledger.accounts.keys() {
                let standing = standing(&world.settled(), id);
                assert!(standing.debt <= standing.limit, "HLT-1: {id:?} {standing:?}");
            }
            let most = dice.pick(&[0, 0, 0, 0, 0, 0, 10]);
            let pledged = Assets::new(dice.amount(most * unit(18)));
            let l = &mut world.ledger;
            let id = at(market, sub);
            let _ =
                l.atomically(|l| borrowing::supply_collateral(l, ALICE, &id, asset(3), pledged));
        }
        assert!(moved > 30, "{moved}");
        assert!(wealth(&world.ledger, &[ALICE]) <= start);
    }
}

/// HLT-5 in random histories: several assets, decimals, premiums, time, prices and everyone's accounts;
/// `go` checks each move, and bystanders' accounts stay as they are (HLT-2).
#[test]
fn random_moves_carry_everything() {
    let mut passed = 0;
    for seed in 0..8 {
        let mut dice = Dice(100 + seed);
        let decimals = [0; 3].map(|_| dice.pick(&[0, 2, 6, 8, 18, 27]));
        let mut world = World::new(&decimals, 2);
        world.add_vault(asset(1), KINKED);
        second_market(&mut world, 7_000);
        if seed % 2 == 0 {
            world.weigh([0, 1_000, 50_000]);
        }
        for id in 1..=3 {
            let asset = world.ledger.vaults[&vault(id)].asset;
            let one = unit(decimals[asset.get() as usize - 1]);
            deposit(&mut world, LENDER, id, 5_000 * one).unwrap();
        }
        for _ in 0..250 {
            world.pass(dice.pick(&[1, 3_600, 86_400, 2_000_000]));
            world.report_all_again();
            let market = MarketId::new(dice.pick(&[1, 2]));
            let sub = dice.below(2) as u32;
            let what = dice.pick(&[1, 2, 3]);
            let one = unit(decimals[what as usize - 1]);
            let amount = Assets::new(dice.amount(60 * one));
            let l = &mut world.ledger;
            let id = at(market, sub);
            let _ =
                l.atomically(|l| borrowing::supply_collateral(l, ALICE, &id, asset(what), amount));
            let from = dice.pick(&[1, 2, 3]);
            let lent = world.ledger.vaults[&vault(from)].asset;
            let one = unit(decimals[lent.get() as usize - 1]);
            let amount = Assets::new(dice.amount(40 * one));
            let draw = Draw { market, sub, vault: vault(from), amount, receiver: ALICE };
            let l = &mut world.ledger;
            let _ = l.atomically(|l| borrowing::borrow(l, ALICE, &draw));
            let to = (dice.pick(&[1, 2]), dice.below(2) as u32);
            let account = world.ledger.accounts.get(&id).cloned().unwrap_or_default();
            let ways: Vec<_> = account
                .debts
                .iter()
                .map(|owed| world.ledger.markets[&market].vaults[usize::from(owed.index)].get())
                .map(|id| (id, if id == 2 { 2 } else { dice.pick(&[1, 3]) }))
                .collect();
            let others: Vec<_> = world
                .ledger
                .accounts
                .iter()
                .filter(|(other, _)| **other != id && **other != at(MarketId::new(to.0), to.1))
                .map(|(id, account)| (*id, account.clone()))
                .collect();
            passed += u32::from(go(&mut world, (market.get(), sub), to, &ways).is_ok());
            for (id, account) in others {
                assert_eq!(world.ledger.accounts[&id], account, "AUT-1");
            }
            world.ledger.events.clear();
        }
    }
    assert!(passed > 300, "{passed}");
}

/// HLT-1: a market with portfolio margin judges a moved account by all that it has there, the debts that
/// arrive included.
#[test]
fn portfolio_margin_judges_what_arrives() {
    let mut world = two_homes();
    let factors = vec![
        world::margin::factor(1, 1_000, 0, &[]),
        world::margin::factor(2, 40_000, 100, &[500]),
        world::margin::factor(3, 50_000, 100, &[500, 7_000]),
    ];
    let set = world::margin::set([40_000, 30_000], 200, factors);
    let l = &mut world.ledger;
    gage_core::portfolio::set_portfolio_margin(l, OWNER, OTHER, &set).unwrap();
    world.pass(86_400);
    world.report_all_again();
    go(&mut world, (1, 0), (2, 4), &[(1, 1)]).unwrap();
    // 10,000 dollars at 5 % need 21 %, and a dollar that hardly moves adds little to that.
    let limit = explain(&mut world.ledger, &at(OTHER, 4)).unwrap().totals.borrow_limit.get();
    assert!((7_800 * WAD..7_950 * WAD).contains(&limit), "{limit}");
    go(&mut world, (2, 4), (1, 0), &[(1, 1)]).unwrap();
}
