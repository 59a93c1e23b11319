//! Overflow and extremes: at the largest and smallest values that configuration allows, a century of interest stops
//! no accrual, no sweep and no way out (INT-1, EVM-4: a freeze is a loss too).
//!
//! One market has as many collaterals and vaults as a market may have. Every vault takes in and lends out the largest
//! amount, to the last unit, at the highest rate, fee and risk premium; lenders hold shares, stakes, bids in every
//! tier, and places in the exit queue. Then a century passes, at once or after years in each of whose weeks somebody
//! repays a little of every debt, so that premiums compound. After it every operation is tried, at prices at both bounds.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use std::collections::BTreeSet;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw, Release};
use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::exits::{self, Request};
use gage_core::explain::{WhatIf, explain, what_if};
use gage_core::exposure::{self, set_ceiling};
use gage_core::feed::creation;
use gage_core::fixed::AMOUNT_MAX;
use gage_core::interest::{INDEX_MAX, RATE_BPS_PER_YEAR_MAX};
use gage_core::invariants::check_invariants;
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::listing::{self, CollateralTerms, LineTerms, MarketTerms, RISK_WEIGHT_MAX};
use gage_core::market::{COLLATERALS_MAX, VAULTS_MAX};
use gage_core::portfolio::{FACTORS_MAX, PortfolioTerms};
use gage_core::premium::refresh_risk_premium;
use gage_core::protocol::AssetTerms;
use gage_core::quote::quote;
use gage_core::sweep::{self, plan_sweep};
use gage_core::vault::DEBT_MAX;
use gage_core::watch::Watch;
use gage_core::{
    Address, AssetId, Assets, Bps, BreakerTerms, Error, FeedId, FeedSubject, FeedTerms, Guards,
    InterestModel, MarginModel, MemoryLedger, MeterTerms, PlaceId, QueueId, Report, Shares, Source,
    SourceId, SourceTerms, Stop, Timestamp, Token, Units, Wad, aggregate, breaker, feed,
    first_loss, margin, meter, protocol, sources, token,
};
use world::acts::*;
use world::*;

const WEEK: u64 = 604_800;
const CENTURY: u64 = 100 * 31_536_000;
/// Somebody who has as many tokens as anybody could.
const PAYER: Address = USERS[2];

/// The steepest curve there is: the highest rate at every utilisation.
const STEEPEST: InterestModel = InterestModel::Kinked {
    base: RATE_BPS_PER_YEAR_MAX,
    slope1: 0,
    slope2: 0,
    kink: Bps::new(9_999),
};
const ADAPTIVE: InterestModel =
    InterestModel::Adaptive { rate_at_target: gage_core::interest::RATE_AT_TARGET_MAX };

#[derive(Clone, Copy, Debug)]
struct Extreme {
    decimals: u8,
    weight: Bps,
    model: InterestModel,
    margin: MarginModel,
    /// What every vault lends, and every lender and borrower brings.
    amount: u128,
}

/// Nothing that `outcome` may not be: an overflow freezes what caused it, a fault the chain.
fn allowed<T>(what: &str, outcome: Result<T, Stop>) -> Option<T> {
    match outcome {
        Ok(done) => Some(done),
        Err(Stop::Refused(Error::Overflow)) => panic!("{what} overflows"),
        Err(Stop::Fault(fault)) => panic!("{what} faults: {fault:?}"),
        Err(Stop::Refused(_)) => None,
    }
}

fn must<T>(what: &str, outcome: Result<T, Stop>) -> T {
    outcome.unwrap_or_else(|why| panic!("{what}: {why:?}"))
}

fn numbers(end: usize) -> impl DoubleEndedIterator<Item = u32> {
    1..=end as u32
}

/// Assets, feeds without bounds, and a market with all that it may list, all priced alike.
fn listed(extreme: &Extreme) -> World {
    let mut ledger = MemoryLedger::at(Timestamp::new(START));
    ledger.protocol.governance = GOVERNANCE;
    ledger.protocol.guardian = GUARDIAN;
    let l = &mut ledger;
    let target_health = listing::TARGET_HEALTH_MAX;
    let full_bonus_health = listing::FULL_BONUS_HEALTH_MIN;
    listing::create_market(l, OWNER, &MarketTerms { target_health, full_bonus_health }).unwrap();
    for _ in numbers(COLLATERALS_MAX) {
        let name = label("Asset");
        let token_terms = AssetTerms { name, symbol: name, decimals: extreme.decimals };
        let asset = protocol::create_asset(l, ISSUER, &token_terms).unwrap();
        let bounds = FeedTerms::unguarded(u32::MAX, Wad::ZERO, Wad::MAX);
        let feed = creation::create_feed(l, OWNER, about(asset, "A/USD"), &bounds).unwrap();
        name_publisher(l, feed);
        let limits = CollateralTerms {
            risk_weight: extreme.weight,
            ..terms(7_500, 8_000, [400, 1_000], AMOUNT_MAX.get(), feed.get())
        };
        listing::add_collateral(l, OWNER, MARKET, asset, &limits).unwrap();
        for user in [ALICE, LENDER] {
            token::mint(l, ISSUER, asset, user, AMOUNT_MAX).unwrap();
        }
        token::mint(l, ISSUER, asset, PAYER, Assets::new(1 << 127)).unwrap();
    }
    let mut world = World { ledger, decimals: vec![extreme.decimals; COLLATERALS_MAX], vaults: 0 };
    for number in numbers(VAULTS_MAX) {
        open_vault(&mut world, asset(number), extreme.model);
    }
    let (window, pause) = (breaker::WINDOW_MAX, 1);
    let terms = BreakerTerms { part: Bps::new(9_999), window, pause };
    breaker::set_breaker(&mut world.ledger, OWNER, MARKET, Some(terms)).unwrap();
    if extreme.margin == MarginModel::Portfolio {
        world.set_margin(&portfolio()).unwrap();
    }
    set_prices(&mut world, 1 << 10, 1 << 10);
    world
}

/// As many risk factors as there may be.
fn portfolio() -> PortfolioTerms {
    let factor = |number: u32| {
        let correlations = vec![5_000; number as usize - 1];
        world::margin::factor(number, 10_000, 100, &correlations)
    };
    world::margin::set([15_000, 10_000], 100, numbers(FACTORS_MAX).map(factor).collect())
}

fn open_vault(world: &mut World, asset: AssetId, model: InterestModel) {
    let l = &mut world.ledger;
    let caps = Caps { supply: AMOUNT_MAX, borrow: AMOUNT_MAX };
    let terms = VaultTerms { reserve_fee: curation::RESERVE_FEE_MAX, caps, model };
    let naming = Naming { name: label("Vault"), symbol: label("V") };
    let vault = curation::create_vault(l, CURATOR, asset, naming, &terms).unwrap();
    let line = LineTerms { feed: FeedId::new(asset.get()), min_debt: Assets::new(1) };
    listing::list_vault(l, OWNER, MARKET, vault, &line).unwrap();
    curation::set_line_cap(l, CURATOR, vault, MARKET, AMOUNT_MAX).unwrap();
    // A ceiling has what backs the debt counted, a meter what is drawn.
    let last = AssetId::new(COLLATERALS_MAX as u32);
    set_ceiling(l, CURATOR, (MARKET, vault), last, Some(AMOUNT_MAX)).unwrap();
    let terms = MeterTerms { limit: AMOUNT_MAX, window: 1 };
    meter::set_meter(l, OWNER, (MARKET, vault), Some(terms)).unwrap();
    world.vaults += 1;
}

/// Prices of what is lent and of what is only pledged, fresh.
fn set_prices(world: &mut World, debt: u128, collateral: u128) {
    let now = world.ledger.now;
    for number in numbers(COLLATERALS_MAX) {
        let lent = number <= VAULTS_MAX as u32;
        world.set_price(number, if lent { debt } else { collateral });
        let feed = world.ledger.feeds.get_mut(&FeedId::new(number)).unwrap();
        feed.updated_at = now;
    }
}

/// Everything lent out, to one account, and the lenders' shares in every use that there is.
fn crowded(extreme: &Extreme) -> World {
    let mut world = listed(extreme);
    let amount = extreme.amount;
    for number in numbers(VAULTS_MAX) {
        deposit(&mut world, LENDER, number, amount).unwrap();
    }
    for number in numbers(COLLATERALS_MAX).skip(VAULTS_MAX) {
        pledge(&mut world, ALICE, number, amount);
    }
    for number in numbers(VAULTS_MAX) {
        // What is lent is pledged too; the borrower's own of it is still there.
        pledge(&mut world, ALICE, number, amount);
    }
    for number in numbers(VAULTS_MAX) {
        let draw = Draw {
            market: MARKET,
            sub: 0,
            vault: vault(number),
            amount: Assets::new(amount),
            receiver: ALICE,
        };
        borrowing::borrow(&mut world.ledger, ALICE, &draw).unwrap();
        place_shares(&mut world, number);
    }
    world
}

/// A quarter of the lender's shares staked, a quarter bid in every tier for two collaterals, a quarter queued to leave.
fn place_shares(world: &mut World, number: u32) {
    let l = &mut world.ledger;
    let held = l.balances[&(Token::Share(vault(number)), LENDER)];
    let quarter = Shares::new(held / 4);
    first_loss::stake(l, LENDER, (MARKET, vault(number)), quarter).unwrap();
    let most = Tier::up_to(Bps::new(1_000)).get();
    let each = Shares::new(held / 4 / (2 * (u128::from(most) + 1)));
    for collateral in [number, COLLATERALS_MAX as u32] {
        let queue = QueueId { market: MARKET, vault: vault(number), asset: asset(collateral) };
        for tier in 0..=most {
            let tier = Tier::new(tier).unwrap();
            // One unit in all may be worth too little for a bid in each tier.
            let _ = allowed("bid", l.atomically(|l| bids::place_bid(l, LENDER, queue, tier, each)));
        }
    }
    let request = Request { shares: quarter, controller: LENDER, owner: LENDER };
    exits::request_redeem(l, LENDER, vault(number), &request).unwrap();
}

/// A century, of which so many weeks begin it in each of which a little of every debt is repaid.
fn age(world: &mut World, weeks: u64) {
    for _ in 0..weeks {
        world.pass(WEEK);
        for number in numbers(VAULTS_MAX) {
            // More than what a share of debt has grown to, or it would clear none; not all of it.
            let little = 2_000_000;
            let owed = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(number)).unwrap();
            if owed.get() > 2 * little {
                allowed("repay a little", repay(world, PAYER, ALICE, number, little));
            }
            must("accrue", lending::accrue(&mut world.ledger, vault(number)));
        }
        assert_bounded(world);
        world.ledger.events.clear();
    }
    world.pass(CENTURY - weeks * WEEK);
    for number in numbers(VAULTS_MAX) {
        must("accrue", lending::accrue(&mut world.ledger, vault(number)));
    }
    assert_bounded(world);
}

/// Every number of a vault has its place in the chain's records, and is one that can be computed with.
fn assert_bounded(world: &World) {
    for (id, vault) in &world.ledger.vaults {
        assert!(vault.index <= INDEX_MAX, "{id:?}");
        let owed = vault.owed.amount(vault.index);
        assert!(owed.get() <= DEBT_MAX.get() + u128::from(u64::MAX), "{id:?} owes {owed}");
        assert!(vault.reserves <= owed.saturating_add(vault.cash));
    }
}

/// What anyone may ask and do in a state, each on a copy of it; returns what was done.
fn try_everything(world: &World, when: &str) -> Vec<&'static str> {
    let does = |(name, operation): &(&'static str, Operation)| {
        let mut copy = world.ledger.clone();
        allowed(&format!("{name} {when}"), operation(&mut copy)).map(|()| *name)
    };
    let done = OPERATIONS.iter().filter_map(does).collect();
    let mut copy = world.ledger.clone();
    // What the chain does without anybody's asking never refuses.
    for number in numbers(VAULTS_MAX) {
        must("accrue", lending::accrue(&mut copy, vault(number)));
        must("settle", first_loss::settle(&mut copy, (MARKET, vault(number))));
    }
    let mut watch = Watch::new();
    must("file", watch.file(&mut copy, [(of(ALICE), Wad::ONE)]));
    must("suspects", watch.suspects(&mut copy));
    for id in copy.feeds.keys().copied().collect::<Vec<_>>() {
        must("quote", quote(&mut copy, id));
    }
    must("explain", explain(&mut copy, &of(ALICE)));
    done
}

type Operation = fn(&mut MemoryLedger) -> Result<(), Stop>;

const OPERATIONS: [(&str, Operation); 30] = [
    ("deposit", |l| lending::deposit(l, PAYER, vault(1), Assets::new(1), PAYER).map(drop)),
    ("mint", |l| lending::mint(l, PAYER, vault(1), Shares::new(1_000_000), PAYER).map(drop)),
    ("withdraw", |l| {
        let exit = Exit { receiver: LENDER, owner: LENDER };
        lending::withdraw(l, LENDER, vault(1), Assets::new(1), exit).map(drop)
    }),
    ("redeem", |l| {
        let shares = Shares::new(l.balances[&(Token::Share(vault(1)), LENDER)]);
        let exit = Exit { receiver: LENDER, owner: LENDER };
        lending::redeem(l, LENDER, vault(1), shares, exit).map(drop)
    }),
    ("previews", |l| {
        lending::preview_deposit(l, vault(1), Assets::new(1))?;
        lending::preview_mint(l, vault(1), Shares::new(1))?;
        lending::preview_withdraw(l, vault(1), Assets::new(1))?;
        lending::preview_redeem(l, vault(1), Shares::new(1)).map(drop)
    }),
    ("bounds", |l| {
        lending::max_deposit(l, vault(1))?;
        lending::max_mint(l, vault(1))?;
        lending::max_withdraw(l, vault(1), LENDER)?;
        lending::max_redeem(l, vault(1), LENDER).map(drop)
    }),
    ("request an exit", |l| {
        let request = Request { shares: Shares::new(1 << 20), controller: LENDER, owner: LENDER };
        exits::request_redeem(l, LENDER, vault(1), &request).map(drop)
    }),
    ("exit queue", |l| exits::exit_queue(l, vault(1)).map(drop)),
    ("place", |l| exits::exit_place(l, PlaceId { vault: vault(1), number: 1 }).map(drop)),
    ("claim an exit", |l| {
        exits::claim(l, LENDER, PlaceId { vault: vault(1), number: 1 }, LENDER).map(drop)
    }),
    ("pledge", |l| borrowing::supply_collateral(l, ALICE, &of(ALICE), asset(16), Assets::new(1))),
    ("release", |l| {
        let amount = Assets::new(1);
        let release = Release { market: MARKET, sub: 0, asset: asset(16), amount, receiver: ALICE };
        borrowing::withdraw_collateral(l, ALICE, &release).map(drop)
    }),
    ("borrow", |l| {
        let amount = Assets::new(1);
        let draw = Draw { market: MARKET, sub: 0, vault: vault(1), amount, receiver: ALICE };
        borrowing::borrow(l, ALICE, &draw)
    }),
    ("repay a part", |l| {
        let owed = borrowing::debt_of(l, &of(ALICE), vault(1))?;
        let half = Assets::new(owed.get() / 2 + 1);
        borrowing::repay(l, PAYER, &of(ALICE), vault(1), half).map(drop)
    }),
    ("refresh the premium", |l| refresh_risk_premium(l, &of(ALICE)).map(drop)),
    ("liquidate", |l| liquidate_with(l, Payment::Assets)),
    ("liquidate with shares", |l| liquidate_with(l, Payment::Shares)),
    ("plan a sweep", |l| plan_sweep(l, &of(ALICE)).map(drop)),
    ("sweep", |l| {
        let plan = sweep::sweep(l, &of(ALICE))?;
        if plan.is_some_and(|plan| plan.leaves_bad_debt()) {
            sweep::write_off(l, &of(ALICE))?;
        }
        Ok(())
    }),
    ("mark a loss", |l| first_loss::mark_loss_pending(l, &of(ALICE))),
    ("stake", |l| first_loss::stake(l, LENDER, (MARKET, vault(1)), Shares::new(1 << 40)).map(drop)),
    ("announce", |l| first_loss::announce_unstake(l, LENDER, (MARKET, vault(1))).map(drop)),
    ("unstake", |l| {
        first_loss::announce_unstake(l, LENDER, (MARKET, vault(1)))?;
        l.now = l.now.after(first_loss::NOTICE_SECONDS);
        first_loss::unstake(l, LENDER, (MARKET, vault(1)), Units::MAX, LENDER).map(drop)
    }),
    ("stakes", |l| first_loss::capital_of(l, (MARKET, vault(1))).map(drop)),
    ("bid", |l| bids::place_bid(l, LENDER, queue(), Tier::default(), Shares::new(1 << 40))),
    ("withdraw a bid", |l| {
        bids::announce_bid_withdrawal(l, LENDER, queue(), Tier::default())?;
        l.now = l.now.after(bids::NOTICE_SECONDS);
        let place = (queue(), Tier::default());
        bids::withdraw_bid(l, LENDER, place, Shares::MAX, LENDER).map(drop)
    }),
    ("collect reserves", |l| {
        let reserves = l.vaults[&vault(1)].reserves;
        curation::collect_reserves(l, CURATOR, vault(1), CURATOR, reserves)
    }),
    ("health", |l| margin::health(l, &of(ALICE)).map(drop)),
    ("what if", |l| {
        let prices = vec![(FeedId::new(16), Wad::new(1)), (FeedId::new(1), Wad::MAX)];
        let collaterals = vec![(asset(16), AMOUNT_MAX)];
        let changes = WhatIf { prices, collaterals, debts: vec![(vault(1), AMOUNT_MAX)] };
        what_if(l, &of(ALICE), &changes).map(drop)
    }),
    ("exposure", |l| exposure::exposure_to_collateral(l, (MARKET, vault(1)), asset(16)).map(drop)),
];

fn queue() -> QueueId {
    QueueId { market: MARKET, vault: vault(1), asset: asset(16) }
}

fn liquidate_with(l: &mut MemoryLedger, payment: Payment) -> Result<(), Stop> {
    let (vault, asset, max_repay) = (vault(1), asset(16), Assets::MAX);
    let receiver = if payment == Payment::Assets { PAYER } else { LENDER };
    let asked = Liquidation { vault, asset, max_repay, receiver, payment };
    liquidation::liquidate(l, receiver, &of(ALICE), &asked).map(drop)
}

/// The debts but a little of each repaid.
fn repay_most(world: &mut World) {
    for number in numbers(VAULTS_MAX) {
        let owed = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(number)).unwrap();
        let most = owed.get() - owed.get() / 1_000_000 - 1;
        allowed("repay most", repay(world, PAYER, ALICE, number, most.max(1)));
    }
}

/// Everyone gets out: the debts repaid, the collateral released, every lender's share paid.
fn leave_by_repaying(mut world: World) {
    for number in numbers(VAULTS_MAX) {
        let l = &mut world.ledger;
        must("repay", borrowing::repay(l, PAYER, &of(ALICE), vault(number), Assets::MAX));
    }
    for number in numbers(COLLATERALS_MAX) {
        must("release", release(&mut world, ALICE, number, u128::MAX));
    }
    for number in numbers(VAULTS_MAX) {
        let place = PlaceId { vault: vault(number), number: 1 };
        must("claim", exits::claim(&mut world.ledger, LENDER, place, LENDER));
        must("redeem", redeem_all(&mut world, LENDER, number));
        let (l, key) = (&mut world.ledger, (MARKET, vault(number)));
        must("announce", first_loss::announce_unstake(l, LENDER, key));
    }
    world.pass(first_loss::NOTICE_SECONDS);
    for number in numbers(VAULTS_MAX) {
        let (l, key) = (&mut world.ledger, (MARKET, vault(number)));
        must("unstake", first_loss::unstake(l, LENDER, key, Units::MAX, LENDER));
        must("redeem", redeem_all(&mut world, LENDER, number));
    }
    sound(&world);
}

/// The account is sold to the bids, then to anyone, and what nobody pays is written off.
fn leave_by_liquidation(mut world: World, when: &str) {
    let l = &mut world.ledger;
    for _ in 0..40 {
        let Some(plan) = allowed(when, l.atomically(|l| sweep::sweep(l, &of(ALICE)))).flatten()
        else {
            break;
        };
        if plan.leaves_bad_debt() {
            must("write off", sweep::write_off(l, &of(ALICE)));
        }
        if plan.fills.is_empty() {
            break;
        }
    }
    for number in numbers(VAULTS_MAX) {
        for collateral in numbers(COLLATERALS_MAX).rev() {
            let asked = Liquidation {
                vault: vault(number),
                asset: asset(collateral),
                max_repay: Assets::MAX,
                receiver: PAYER,
                payment: Payment::Assets,
            };
            let l = &mut world.ledger;
            allowed(when, l.atomically(|l| liquidation::liquidate(l, PAYER, &of(ALICE), &asked)));
        }
    }
    let broken = check_invariants(&world.ledger);
    assert!(broken.is_empty(), "{when}: {broken:#?}");
    for number in numbers(VAULTS_MAX) {
        must("accrue", lending::accrue(&mut world.ledger, vault(number)));
    }
}

fn survives(extreme: Extreme, weeks: u64) -> BTreeSet<&'static str> {
    let mut done = BTreeSet::new();
    let mut world = crowded(&extreme);
    age(&mut world, weeks);
    // A feed believes nothing at its bounds: the least and the most that it does.
    let (low, high) = (1, u128::MAX - 1);
    for (debt, collateral) in [(1 << 10, 1 << 10), (low, high), (high, low), (high, high)] {
        let when = format!("after {weeks} weeks at {debt} and {collateral} ({extreme:?})");
        set_prices(&mut world, debt, collateral);
        done.extend(try_everything(&world, &when));
        leave_by_liquidation(world.clone(), &when);
    }
    sound(&world);
    set_prices(&mut world, 1 << 10, 1 << 10);
    repay_most(&mut world);
    done.extend(try_everything(&world, "when most is repaid"));
    leave_by_repaying(world);
    done
}

const LARGEST: Extreme = Extreme {
    decimals: 18,
    weight: RISK_WEIGHT_MAX,
    model: STEEPEST,
    margin: MarginModel::Threshold,
    amount: AMOUNT_MAX.get(),
};

#[test]
fn a_century_at_once_stops_nothing() {
    let done = survives(LARGEST, 0);
    let refused: Vec<_> =
        OPERATIONS.iter().map(|(name, _)| *name).filter(|name| !done.contains(name)).collect();
    // Nothing more fits under the caps, and a quarter of the shares does not pay for the account.
    assert_eq!(refused, ["deposit", "mint", "pledge", "borrow", "liquidate with shares"]);
}

#[test]
fn a_century_of_touches_stops_nothing() {
    survives(LARGEST, 200);
}

#[test]
fn a_century_of_the_adaptive_model_stops_nothing() {
    survives(Extreme { model: ADAPTIVE, ..LARGEST }, 0);
    survives(Extreme { model: ADAPTIVE, ..LARGEST }, 100);
}

#[test]
fn a_century_without_premiums_stops_nothing() {
    survives(Extreme { weight: Bps::ZERO, ..LARGEST }, 50);
}

#[test]
fn the_smallest_and_the_largest_unit_stop_nothing() {
    for decimals in [0, gage_core::asset::DECIMALS_MAX] {
        survives(Extreme { decimals, ..LARGEST }, 0);
        survives(Extreme { decimals, ..LARGEST }, 100);
    }
}

#[test]
fn the_smallest_amounts_stop_nothing() {
    for amount in [4, 1_000] {
        survives(Extreme { decimals: 0, amount, ..LARGEST }, 0);
        survives(Extreme { decimals: 0, amount, ..LARGEST }, 20);
    }
}

#[test]
fn a_century_of_portfolio_margin_stops_nothing() {
    let extreme = Extreme { margin: MarginModel::Portfolio, ..LARGEST };
    survives(extreme, 0);
    survives(extreme, 100);
}

/// As many sources as a feed may have, at both ends of what can be written, in turn and against each other.
#[test]
fn a_feed_takes_every_price() {
    let guards = Guards {
        quorum: 9,
        outlier: Bps::new(9_999),
        spread: Bps::new(1),
        jump: Bps::new(1),
        confirm: 1,
        smoothing: 1,
        budget: gage_core::doubt::BUDGET_MAX,
        window: u32::MAX,
    };
    let terms = FeedTerms { guards, ..FeedTerms::unguarded(u32::MAX, Wad::ZERO, Wad::MAX) };
    let mut ledger = MemoryLedger::at(Timestamp::new(START));
    let l = &mut ledger;
    let subject = FeedSubject { asset: None, description: label("X/USD") };
    let id = creation::create_feed(l, OWNER, subject, &terms).unwrap();
    let signers: Vec<_> = (1..=aggregate::SOURCES_MAX).map(Address::repeat_byte).collect();
    for signer in &signers {
        let terms = SourceTerms { weight: u16::MAX, max_age: u32::MAX };
        let source = Source { id: SourceId::publisher(*signer), terms };
        sources::set_source(l, OWNER, id, &source).unwrap();
    }
    let ends = [1, u128::MAX - 1, u128::MAX, 1 << 64];
    let mut believed = 0;
    for round in 1..=200_u64 {
        l.now = l.now.after(if round.is_multiple_of(7) { CENTURY } else { 1 });
        for (place, signer) in signers.iter().enumerate() {
            let price = ends[(place / (round as usize % 3 + 1) + round as usize / 3) % ends.len()];
            let (price, confidence) = (Wad::new(price), Wad::new(price / 2));
            let report = Report { feed: id, round, time: l.now, price, confidence };
            allowed("record", sources::record(l, &report, &SourceId::publisher(*signer)));
        }
        must("update", feed::update(l, id));
        let quote = must("quote", quote(l, id));
        believed += u32::from(!quote.price.is_zero());
    }
    assert!(believed > 0, "{believed}");
}
