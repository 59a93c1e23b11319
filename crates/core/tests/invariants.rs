//! The checks themselves: each finds the state or the step that breaks its invariant, and none cries out
//! over a sound one.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use std::collections::BTreeSet;

use gage_core::bids::{Tier, TierState, place_bid};
use gage_core::breaker::{Breaker, BreakerTerms};
use gage_core::delegation::{Credit, CreditId, Operator, Permissions};
use gage_core::exits::{self, ExitQueue, Place, Request};
use gage_core::exposure::set_ceiling;
use gage_core::fixed::AMOUNT_MAX;
use gage_core::groups::{Group, GroupTerms, Members, create_group};
use gage_core::invariants::{CHECKED, Report};
use gage_core::market::GRACE_SECONDS;
use gage_core::pause::PAUSE_MAX;
use gage_core::sweep::SweepReason;
use gage_core::terms::{Binding, Generation, Kept, Subject};
use gage_core::{
    Account, AccountId, Address, Assets, Bps, Debt, Event, Feed, FeedId, GroupId, Guarded, Line,
    MarginModel, MarginTerms, Market, MarketId, MemoryLedger, Meter, MeterTerms, Pause, PauseLevel,
    PlaceId, Pledge, Portfolio, QueueId, RAY, Ray, RiskFactor, SetPlace, Shares, Sigma, Spell,
    Timestamp, Token, Units, Vault, WAD, Wad, address, first_loss,
};
use world::acts::*;
use world::staking::staking;
use world::*;

const QUEUE: QueueId = QueueId { market: MARKET, vault: vault_id(1), asset: asset_id(2) };

const fn vault_id(number: u32) -> gage_core::VaultId {
    gage_core::VaultId::new(number)
}

const fn asset_id(number: u32) -> gage_core::AssetId {
    gage_core::AssetId::new(number)
}

/// Alice owes two vaults against two collaterals, one of them a share; there are bids, a stake, a group, a ceiling, and
/// a lender who waits to leave a vault whose cash is lent out, and has been served in part, twice.
fn busy() -> MemoryLedger {
    let mut world = staking();
    world.weigh([0, 2_000, 5_000]);
    let ceiling = Some(Assets::new(1_000_000 * unit(6)));
    set_ceiling(&mut world.ledger, CURATOR, (MARKET, vault(1)), asset(2), ceiling).unwrap();
    pledge(&mut world, ALICE, 2, 100 * WAD);
    borrow(&mut world, ALICE, 1, 100_000 * unit(6)).unwrap();
    deposit(&mut world, MALLORY, 1, 20_000 * unit(6)).unwrap();
    deposit(&mut world, FRIEND, 1, 20_000 * unit(6)).unwrap();
    let l = &mut world.ledger;
    let held = l.balances[&(Token::Share(vault(1)), MALLORY)];
    place_bid(l, MALLORY, QUEUE, Tier::new(4).unwrap(), Shares::new(held / 2)).unwrap();
    first_loss::stake(l, FRIEND, (MARKET, vault(1)), Shares::new(held / 2)).unwrap();
    // Vault 3 is drawn dry, and its lender asks to leave.
    pledge(&mut world, MALLORY, 2, 10_000 * WAD);
    let dry = world.ledger.vaults[&vault(3)].cash.get();
    borrow(&mut world, MALLORY, 3, dry).unwrap();
    let l = &mut world.ledger;
    let held = l.balances[&(Token::Share(vault(3)), LENDER)];
    let request = Request { shares: Shares::new(held / 2), controller: LENDER, owner: LENDER };
    exits::request_redeem(l, LENDER, vault(3), &request).unwrap();
    for _ in 0..2 {
        repay(&mut world, MALLORY, MALLORY, 3, WAD).unwrap();
    }
    let [ltv, threshold, bonus_min, bonus_max, band] = [8_000, 9_000, 0, 100, 100].map(Bps::new);
    let terms = GroupTerms { ltv, threshold, bonus_min, bonus_max, band };
    let (named, vaults) = ((label("Alike"), &terms), &[vault(1), vault(3)]);
    let members = Members { collaterals: &[asset(2)], vaults };
    create_group(&mut world.ledger, OWNER, MARKET, named, members).unwrap();
    world.pass(1);
    world.report_all_again();
    world.ledger.events.clear();
    world.ledger
}

type Damage = fn(&mut MemoryLedger);

fn market(l: &mut MemoryLedger) -> &mut Market {
    l.markets.get_mut(&MARKET).unwrap()
}

fn line(l: &mut MemoryLedger) -> &mut Line {
    l.lines.get_mut(&(MARKET, vault(1))).unwrap()
}

fn lender(l: &mut MemoryLedger) -> &mut Vault {
    l.vaults.get_mut(&vault(1)).unwrap()
}

fn alice(l: &mut MemoryLedger) -> &mut Account {
    l.accounts.get_mut(&of(ALICE)).unwrap()
}

fn group(l: &mut MemoryLedger) -> &mut Group {
    l.groups.get_mut(&(MARKET, GroupId::new(1))).unwrap()
}

fn queue(l: &mut MemoryLedger) -> &mut ExitQueue {
    l.exit_queues.get_mut(&vault(3)).unwrap()
}

fn place(l: &mut MemoryLedger) -> &mut Place {
    l.places.get_mut(&PlaceId { vault: vault(3), number: 1 }).unwrap()
}

fn feed(l: &mut MemoryLedger) -> &mut Feed {
    l.feeds.get_mut(&FeedId::new(2)).unwrap()
}

fn take(l: &mut MemoryLedger, token: Token, from: Address) {
    *l.balances.get_mut(&(token, from)).unwrap() -= 1;
}

/// A market with portfolio margin, sound but for the change.
fn margined(l: &mut MemoryLedger, change: fn(&mut MarginTerms, &mut RiskFactor)) {
    let [k_borrow, k_liquidation, floor] = [30_000, 20_000, 100].map(Bps::new);
    let mut terms = MarginTerms { k_borrow, k_liquidation, floor };
    let (sigma, cost, hedge_threshold) = (Sigma::new(50_000), Bps::ZERO, Bps::ZERO);
    let mut factor =
        RiskFactor { place: 0, sigma, cost, hedge: 0, hedge_threshold, correlations: [0; 15] };
    change(&mut terms, &mut factor);
    market(l).margin = MarginModel::Portfolio;
    let portfolio = Portfolio { generation: 1, now: Some(terms), ..Portfolio::default() };
    l.portfolios.insert(MARKET, portfolio);
    l.risk_factors.insert((MARKET, SetPlace::Odd, asset(2)), factor);
}

fn meter(l: &mut MemoryLedger, window: u32, drawn_at: Timestamp) {
    line(l).metered = true;
    let terms = MeterTerms { limit: Assets::new(1), window };
    l.meters.insert((MARKET, vault(1)), Meter { terms, drawn: Assets::ZERO, drawn_at });
}

/// A breaker that trips above half of what was owed.
fn breaker(l: &mut MemoryLedger, [debt, liquidated]: [u128; 2], began: Timestamp) {
    market(l).breaker = true;
    let terms = BreakerTerms { part: Bps::new(5_000), window: 60, pause: 60 };
    let [debt, liquidated] = [debt, liquidated].map(Wad::new);
    l.breakers.insert(MARKET, Breaker { terms, began, debt, liquidated });
}

fn swept(health_before: u128, health_after: u128) -> Event {
    Event::Swept {
        account: of(ALICE),
        reason: SweepReason::Unhealthy,
        health_before: Wad::new(health_before),
        health_after: Wad::new(health_after),
        collateral_value: Wad::new(1),
        debt_value: Wad::new(1),
    }
}

/// A bid at 2 % off repays units of 6 decimals and gets wei of a coin.
fn filled(repaid: u128, seized: u128) -> Event {
    Event::BidsFilled {
        account: of(ALICE),
        queue: QUEUE,
        tier: Tier::new(4).unwrap(),
        shares: Shares::new(1),
        repaid: Assets::new(repaid),
        seized: Assets::new(seized),
        price: Wad::new(3_000 * WAD),
        debt_price: Wad::new(WAD),
    }
}

/// A loss of lenders of vault 1 and its bad debt, in parts of first loss, reserves and lenders.
fn loss(l: &mut MemoryLedger, shortfall: u128, parts: [u128; 3]) {
    let [from_first_loss, from_reserves, from_lenders] = parts.map(Assets::new);
    let (market, vault, shortfall) = (MARKET, vault(1), Assets::new(shortfall));
    l.events.push(Event::LossRealised {
        vault,
        market,
        shortfall,
        from_first_loss,
        from_reserves,
        from_lenders,
    });
}

/// One damage for each invariant.
const DAMAGES: &[(&str, Damage)] = &[
    ("SOL-1", |l| l.vaults.get_mut(&vault(1)).unwrap().reserves = AMOUNT_MAX),
    ("SOL-2", |l| {
        *l.balances.get_mut(&(Token::Asset(asset(2)), address::market_custody())).unwrap() -= 1
    }),
    ("SOL-3", |l| l.assets.get_mut(&asset(1)).unwrap().supply = Assets::new(1)),
    ("SOL-4", |l| {
        let vault = l.vaults.get_mut(&vault(1)).unwrap();
        vault.cash = Assets::new(vault.cash.get() + 1_000_000_000);
    }),
    ("SOL-5", |l| l.vault_lines.clear()),
    ("SHR-1", |l| mint_shares(l, 1 << 60)),
    ("SHR-3", |l| {
        let market = l.markets.get_mut(&MARKET).unwrap();
        market.collaterals.push(gage_core::AssetId::share_of(vault(1)));
    }),
    ("SHR-6", |l| {
        let vault = l.vaults.get_mut(&vault(1)).unwrap();
        vault.cash = Assets::new(vault.cash.get() - 10);
    }),
    ("INT-1", |l| l.vaults.get_mut(&vault(1)).unwrap().index = Ray::new(RAY - 1)),
    ("INT-2", |l| {
        let debt = &mut l.accounts.get_mut(&of(ALICE)).unwrap().debts[0].debt;
        debt.offset = Assets::new(debt.offset.get() + 1_000);
    }),
    ("INT-3", |l| {
        let vault = l.vaults.get_mut(&vault(1)).unwrap();
        vault.index = Ray::new(vault.index.get() * 2);
    }),
    ("HLT-1", |l| owe(l, 10_000_000 * unit(6))),
    ("HLT-3", |l| {
        let account = l.accounts.get_mut(&of(ALICE)).unwrap();
        account.collaterals.push(Pledge { index: 0, amount: Assets::ZERO });
    }),
    ("HLT-4", |l| l.accounts.get_mut(&of(ALICE)).unwrap().collaterals.clear()),
    ("HLT-5", |l| l.accounts.get_mut(&of(ALICE)).unwrap().group = GroupId::new(9)),
    ("HLT-6", |l| l.vaults.get_mut(&vault(3)).unwrap().exits_waiting = false),
    ("LIQ-1", |l| l.events.push(liquidated(2 * WAD, 10, 10))),
    ("LIQ-2", |l| l.events.push(swept(WAD / 2, WAD / 3))),
    ("LIQ-3", |l| l.events.push(liquidated(WAD / 2, 0, 10))),
    ("BID-1", |l| {
        let tier = l.tiers.get_mut(&(QUEUE, Tier::new(4).unwrap())).unwrap();
        tier.shares = Shares::new(tier.shares.get() / 2);
    }),
    ("BID-2", |l| {
        // A coin worth 3,000 dollars for 2,900, at a discount of 2 %.
        l.events.push(filled(2_900 * unit(6), WAD));
    }),
    ("BID-3", |l| l.queues.clear()),
    ("BAD-1", |l| {
        let (account, vault) = (of(ALICE), vault(1));
        l.events.push(Event::BadDebt { account, vault, amount: Assets::new(7) });
    }),
    ("BAD-2", |l| {
        let tranche = l.tranches.get_mut(&(MARKET, vault(1))).unwrap();
        tranche.units = Units::new(tranche.units.get() + 1);
    }),
    ("ORC-3", |l| {
        let feed = l.feeds.get_mut(&FeedId::new(staking::RATE)).unwrap();
        feed.price = Wad::new(feed.price.get() * 2);
    }),
    ("CFG-1", |l| l.lines.get_mut(&(MARKET, vault(1))).unwrap().metered = true),
    ("CFG-2", |l| l.markets.get_mut(&MARKET).unwrap().margin = MarginModel::Portfolio),
    ("GOV-4", |l| l.markets.get_mut(&MARKET).unwrap().pause.own.until = Timestamp::new(1)),
    ("AUT-1", |l| {
        let id = CreditId { account: of(ALICE), vault: vault(1), delegatee: MALLORY };
        let (limit, expires_at) = (Assets::new(5), Timestamp::new(u64::MAX));
        l.credits.insert(id, Credit { limit, expires_at, receiver: MALLORY });
    }),
];

/// More damages of a state, each of another clause of what is said of it under one id.
const CLAUSES: &[(&str, Damage)] = &[
    // What is set aside for who leaves is there, and what waits.
    ("SOL-1", |l| take(l, Token::Asset(asset(3)), address::exits(vault(3)))),
    ("SOL-2", |l| take(l, Token::Share(vault(3)), address::exits(vault(3)))),
    ("SOL-2", |l| {
        l.balances.remove(&(Token::Asset(asset(1)), address::custody(vault(1))));
    }),
    // Sums: of tracked debt, of what backs it, of debts, pledges, places and fills.
    ("SOL-3", |l| {
        let kept = l.exposures.values_mut().next().unwrap();
        kept.shares = Shares::new(kept.shares.get() + 1);
    }),
    ("SOL-3", |l| l.exposures.clear()),
    ("SOL-3", |l| alice(l).backing[0].part = Bps::new(9_999)),
    ("SOL-3", |l| line(l).tracked = false),
    ("SOL-3", |l| line(l).owed.shares = Shares::ZERO),
    ("SOL-3", |l| lender(l).owed.shares = Shares::ZERO),
    ("SOL-3", |l| l.collaterals.get_mut(&(MARKET, asset(2))).unwrap().total = Assets::ZERO),
    ("SOL-3", |l| l.places_held.clear()),
    ("SOL-3", |l| l.place_lists.clear()),
    ("SOL-3", |l| queue(l).checkpoints += 1),
    ("SOL-3", |l| queue(l).paid = Assets::new(queue(l).paid.get() + 1)),
    ("SOL-3", |l| {
        let (_, first) = l.exit_checkpoints.iter_mut().next().unwrap();
        first.paid = Assets::MAX;
    }),
    ("SOL-5", |l| l.vault_lines.get_mut(&vault(1)).unwrap().push(MARKET)),
    ("SOL-5", |l| {
        l.lines.remove(&(MARKET, vault(1)));
    }),
    ("INT-1", |l| lender(l).updated_at = later(l)),
    ("INT-2", |l| alice(l).debts.clear()),
    ("INT-2", |l| alice(l).risk_premium = Bps::ZERO),
    ("HLT-3", |l| {
        let pledge = Pledge { index: 15, amount: Assets::new(1) };
        alice(l).collaterals.push(pledge);
    }),
    ("HLT-3", |l| alice(l).debts[0].index = 7),
    ("HLT-3", |l| alice(l).debts[0].debt = Debt::ZERO),
    ("HLT-3", |l| alice(l).backing[0].index = 15),
    // A group that is there, and does not lend what its member owes.
    ("HLT-5", |l| {
        alice(l).group = GroupId::new(1);
        group(l).vaults = 0;
    }),
    ("HLT-6", |l| queue(l).filled = Shares::MAX),
    ("HLT-6", |l| queue(l).places = 0),
    ("HLT-6", |l| place(l).run += 1),
    ("HLT-6", |l| place(l).start = place(l).end),
    ("HLT-6", |l| place(l).end = Shares::new(place(l).end.get() - 1)),
    // A health factor of one is healthy, and what stays as it was is no better.
    ("LIQ-1", |l| l.events.push(liquidated(WAD, 10, 10))),
    ("LIQ-1", |l| l.events.push(swept(WAD, 2 * WAD))),
    ("LIQ-2", |l| l.events.push(swept(WAD / 2, WAD / 2))),
    // A whole coin leaves no debt's health as it was, and a unit of one makes none worse.
    ("LIQ-2", |l| l.events.extend([filled(unit(6), 1), swept(WAD / 2, WAD / 2)])),
    ("LIQ-2", |l| l.events.extend([filled(1, 1), swept(WAD / 2, WAD / 2 - 1)])),
    ("LIQ-3", |l| {
        let mut event = liquidated(0, 1, 1);
        if let Event::Liquidated { bonus, .. } = &mut event {
            *bonus = Bps::new(1_001);
        }
        l.events.push(event);
    }),
    ("BID-1", |l| l.tiers.values_mut().next().unwrap().bids += 1),
    ("BID-1", |l| l.bids.clear()),
    ("BID-1", |l| l.tiers.clear()),
    // Coins that nobody's bids bought.
    ("BID-1", |l| {
        let unclaimed = Assets::new(1);
        let state = TierState { unclaimed, ..TierState::default() };
        l.tiers.insert((QUEUE, Tier::new(9).unwrap()), state);
    }),
    ("BAD-1", |l| lender(l).losses = Assets::new(7)),
    ("BAD-2", |l| l.stakes.clear()),
    ("BAD-2", |l| line(l).staked = false),
    ("BAD-2", |l| l.tranches.clear()),
    // Parts that do not sum up, and lenders who lose while there is a stake or a reserve.
    ("BAD-2", |l| loss(l, 3, [1, 0, 0])),
    ("BAD-2", |l| loss(l, 1, [0, 1, 0])),
    ("BAD-2", |l| {
        line(l).staked = false;
        l.tranches.clear();
        l.stakes.clear();
        lender(l).reserves = Assets::new(1);
        loss(l, 1, [0, 0, 1]);
    }),
    ("CFG-1", |l| meter(l, 0, Timestamp::ZERO)),
    ("CFG-1", |l| meter(l, 1, Timestamp::new(u64::MAX))),
    ("CFG-1", |l| {
        meter(l, 1, Timestamp::ZERO);
        line(l).metered = false;
    }),
    // A group's number, members and terms; an account's version.
    ("CFG-2", |l| market(l).groups = 0),
    ("CFG-2", |l| {
        let copy = *group(l);
        l.groups.insert((MARKET, GroupId::new(0)), copy);
    }),
    ("CFG-2", |l| group(l).collaterals = u16::MAX),
    ("CFG-2", |l| group(l).vaults = u8::MAX),
    ("CFG-2", |l| group(l).binding.bonus_max = Bps::new(1_200)),
    ("CFG-2", |l| group(l).ltv = Bps::new(8_911)),
    ("CFG-2", |l| group(l).kept.below = 1),
    // Two generations of one version.
    ("CFG-2", |l| {
        let present = group(l).binding;
        let better = |by: u16| Generation {
            until: 0,
            binding: Binding { threshold: Bps::new(present.threshold.get() + by), ..present },
        };
        group(l).kept.below = 1;
        let kept = Kept { generations: vec![better(2), better(1)], moving: None };
        l.kept.insert((MARKET, Subject::Group(GroupId::new(1))), kept);
    }),
    ("CFG-2", |l| alice(l).terms_version = 0),
    ("CFG-2", |l| alice(l).terms_version = u32::MAX),
    ("CFG-2", |l| margined(l, |terms, _| terms.k_liquidation = Bps::new(9_999))),
    ("CFG-2", |l| margined(l, |terms, _| terms.k_borrow = Bps::new(19_999))),
    ("CFG-2", |l| margined(l, |terms, _| terms.floor = Bps::ONE)),
    ("CFG-2", |l| {
        margined(l, |_, _| ());
        l.risk_factors.clear();
    }),
    ("CFG-2", |l| margined(l, |_, factor| factor.place = 1)),
    ("CFG-2", |l| margined(l, |_, factor| factor.sigma = Sigma::new(400_000))),
    ("CFG-2", |l| margined(l, |_, factor| factor.correlations[0] = 1)),
    ("CFG-2", |l| margined(l, |_, factor| factor.hedge_threshold = Bps::new(1))),
    // The guardian's pause has an end within its longest, and is noted; an open market has none.
    ("GOV-4", |l| market(l).pause.guardian.level = PauseLevel::Frozen),
    ("GOV-4", |l| market(l).pause.guardian.until = Timestamp::new(1)),
    ("GOV-4", |l| guarded(l, u64::from(PAUSE_MAX) + 1, 0)),
    ("GOV-4", |l| guarded(l, 60, 59)),
    ("GOV-4", |l| market(l).pause.tripped_until = Timestamp::new(u64::MAX)),
    ("GOV-4", |l| {
        let until = l.now.after(60);
        market(l).pause.own = Pause { level: PauseLevel::Frozen, until };
    }),
    ("GOV-4", |l| spelled(l, Guarded::Market(MARKET))),
    ("GOV-4", |l| spelled(l, Guarded::Feed(FeedId::new(2)))),
    ("GOV-4", |l| feed(l).frozen_until = Timestamp::new(u64::MAX)),
    ("GOV-4", |l| feed(l).frozen_until = later(l)),
    // A breaker that exists, began in the past, and has tripped above half of what was owed.
    ("GOV-4", |l| market(l).breaker = true),
    ("GOV-4", |l| {
        let began = later(l);
        breaker(l, [2, 0], began);
    }),
    ("GOV-4", |l| {
        let began = l.now;
        breaker(l, [2, 2], began);
    }),
    ("AUT-1", |l| operated(l, Permissions::NONE, (MALLORY, of(ALICE)))),
    ("AUT-1", |l| operated(l, Permissions::ALL, (Address::ZERO, of(ALICE)))),
    ("AUT-1", |l| {
        let id = AccountId { market: MarketId::new(9), ..of(ALICE) };
        operated(l, Permissions::ALL, (MALLORY, id));
    }),
];

/// What only a step shows, each from the busy state.
const STEPS: &[(&str, Damage)] = &[
    ("SOL-3", |l| {
        l.vaults.remove(&vault(2));
    }),
    ("INT-1", |l| lender(l).index = Ray::new(lender(l).index.get() - 1)),
    ("INT-1", |l| lender(l).updated_at = Timestamp::ZERO),
    // A tenth in a day; the largest rate makes less than 3 % of it.
    ("INT-3", |l| {
        l.now = l.now.after(86_400);
        lender(l).updated_at = l.now;
        lender(l).index = Ray::new(lender(l).index.get() / 10 * 11);
    }),
    // Cash that comes from nowhere, beyond what rounding leaves.
    ("SHR-6", |l| lender(l).cash = Assets::new(lender(l).cash.get() + 2)),
    // A run goes forward; it ends when nobody waits, and the next one follows it.
    ("HLT-6", |l| queue(l).filled = Shares::ZERO),
    ("HLT-6", |l| queue(l).queued = Shares::ZERO),
    ("HLT-6", |l| queue(l).paid = Assets::ZERO),
    ("HLT-6", |l| queue(l).places = 0),
    ("HLT-6", |l| queue(l).run += 1),
    ("HLT-6", |l| place(l).run += 1),
    ("HLT-6", |l| place(l).end = Shares::new(place(l).end.get() - 1)),
];

fn later(l: &MemoryLedger) -> Timestamp {
    l.now.after(1)
}

/// The guardian's freeze for so many seconds, which are noted up to another moment.
fn guarded(l: &mut MemoryLedger, seconds: u64, noted: u64) {
    let (began, until) = (l.now, l.now.after(seconds));
    market(l).pause.guardian = Pause { level: PauseLevel::Frozen, until };
    market(l).liquidation_resumes_at = until.after(GRACE_SECONDS);
    let ends = if noted == 0 { until } else { began.after(noted) };
    l.spells.insert(Guarded::Market(MARKET), Spell { began, ends });
}

/// The guardian's stop that is yet to come.
fn spelled(l: &mut MemoryLedger, what: Guarded) {
    let began = later(l);
    l.spells.insert(what, Spell { began, ends: began });
}

fn operated(
    l: &mut MemoryLedger,
    permissions: Permissions,
    (operator, account): (Address, AccountId),
) {
    let terms = Operator { permissions, expires_at: l.now, receiver: Address::ZERO };
    l.operators.insert((account, operator), terms);
}

fn liquidated(health: u128, repaid: u128, seized: u128) -> Event {
    Event::Liquidated {
        account: of(ALICE),
        liquidator: MALLORY,
        vault: vault(1),
        asset: asset(2),
        repaid: Assets::new(repaid),
        seized: Assets::new(seized),
        health_factor: Wad::new(health),
        bonus: Bps::new(400),
    }
}

/// Shares out of nothing, balanced in every sum.
fn mint_shares(l: &mut MemoryLedger, shares: u128) {
    let vault_1 = l.vaults.get_mut(&vault(1)).unwrap();
    vault_1.shares = Shares::new(vault_1.shares.get() + shares);
    *l.balances.get_mut(&(Token::Share(vault(1)), LENDER)).unwrap() += shares;
}

/// A draw that no limit was asked about, balanced in every sum but exposures.
fn owe(l: &mut MemoryLedger, amount: u128) {
    let more = |debt: &mut Debt| debt.shares = Shares::new(debt.shares.get() + amount);
    more(&mut l.accounts.get_mut(&of(ALICE)).unwrap().debts[0].debt);
    more(&mut l.lines.get_mut(&(MARKET, vault(1))).unwrap().owed);
    more(&mut l.vaults.get_mut(&vault(1)).unwrap().owed);
}

fn found(before: &MemoryLedger, after: &MemoryLedger) -> BTreeSet<&'static str> {
    let mut report = Report::of_state(after);
    report.add(Report::of_step(before, after));
    report.broken.iter().map(|violation| violation.id).collect()
}

/// SOL-1, SOL-2, SOL-3, SOL-4, SOL-5, SHR-1, SHR-3, SHR-6, INT-1, INT-2, INT-3, HLT-1, HLT-3, HLT-4, HLT-5,
/// HLT-6, LIQ-1, LIQ-2, LIQ-3, BID-1, BID-2, BID-3, BAD-1, BAD-2, ORC-3, CFG-1, CFG-2, GOV-4, AUT-1: a state
/// or a step that breaks one is found under its id.
#[test]
fn each_damage_is_found_under_its_id() {
    let sound = busy();
    assert!(found(&sound, &sound).is_empty(), "{:?}", found(&sound, &sound));
    for (number, (id, damage)) in DAMAGES.iter().chain(CLAUSES).enumerate() {
        let mut after = sound.clone();
        damage(&mut after);
        assert!(found(&sound, &after).contains(id), "{number}, {id}: {:?}", found(&sound, &after));
    }
    for (number, (id, damage)) in STEPS.iter().enumerate() {
        let mut after = sound.clone();
        damage(&mut after);
        let broken = Report::of_step(&sound, &after).broken;
        assert!(broken.iter().any(|one| one.id == *id), "{number}, {id}: {broken:?}");
    }
    // What the damages start from is sound itself.
    let mut margin = sound.clone();
    margined(&mut margin, |_, _| ());
    meter(&mut margin, 1, Timestamp::ZERO);
    breaker(&mut margin, [2, 1], sound.now);
    guarded(&mut margin, PAUSE_MAX.into(), 0);
    let broken = Report::of_state(&margin).broken;
    assert!(broken.is_empty(), "{broken:?}");
    let listed: BTreeSet<_> =
        CHECKED.iter().map(|(id, _)| *id).filter(|id| *id != "LIQ-5").collect();
    assert_eq!(listed, DAMAGES.iter().map(|(id, _)| *id).collect(), "one damage for each check");
    // LIQ-5 is checked by who keeps an index, and nothing is checked under another id.
    let mut report = Report::of_state(&sound);
    report.add(Report::of_step(&sound, &sound));
    assert!(report.checked.keys().all(|id| listed.contains(id)), "{:?}", report.checked);
}

/// LIQ-2: what the last units of a bid repay may be less than 18 digits of a health factor show.
#[test]
fn a_sale_too_small_to_see_is_no_breach() {
    let sound = busy();
    let found_at = |debt: u128| {
        let mut after = sound.clone();
        let mut swept = swept(WAD / 2, WAD / 2);
        if let Event::Swept { debt_value, .. } = &mut swept {
            *debt_value = Wad::new(debt);
        }
        // A millionth of a dollar.
        after.events.extend([filled(1, 1), swept]);
        found(&sound, &after)
    };
    let most = WAD / 1_000_000 * 10_u128.pow(16);
    assert!(found_at(most).is_empty(), "{:?}", found_at(most));
    assert_eq!(found_at(most - 1).into_iter().collect::<Vec<_>>(), ["LIQ-2"]);
}

/// SYS-1: over a block, operations may undo each other and caps may fall; that is no breach, while what
/// holds of every block is still found.
#[test]
fn blocks_are_judged_as_blocks() {
    let before = busy();
    let report = |damage: Damage, told: &[Event]| {
        let mut after = before.clone();
        damage(&mut after);
        Report::of_block(&before, &after, told)
    };
    // A cap that was lowered below what is owed, as a curator may.
    let lowered = report(
        |l| {
            owe(l, unit(6));
            l.lines.get_mut(&(MARKET, vault(1))).unwrap().cap = Assets::new(1);
        },
        &[],
    );
    assert!(lowered.holds(), "{:?}", lowered.broken);
    let ids = |report: Report| report.broken.iter().map(|one| one.id).collect::<BTreeSet<_>>();
    assert_eq!(ids(report(|l| mint_shares(l, 1 << 60), &[])), BTreeSet::from(["SHR-1"]));
    assert_eq!(ids(report(|_| (), &[liquidated(2 * WAD, 10, 10)])), BTreeSet::from(["LIQ-1"]));
    let drew = |l: &mut MemoryLedger| owe(l, 1_000_000 * unit(6));
    assert_eq!(ids(report(drew, &[])), BTreeSet::from(["HLT-1"]));
    // What is asked of accounts may have changed after they drew.
    let changes: [Damage; 5] = [
        |l| market(l).terms_version += 1,
        |l| l.collaterals.get_mut(&(MARKET, asset(2))).unwrap().ltv = Bps::new(1),
        |l| group(l).ltv = Bps::new(1),
        |l| {
            l.portfolios.insert(MARKET, Portfolio::default());
        },
        |l| l.feed_terms.get_mut(&FeedId::new(2)).unwrap().max_age += 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut after = before.clone();
        drew(&mut after);
        change(&mut after);
        let report = Report::of_block(&before, &after, &[]);
        assert!(report.holds(), "{number}: {:?}", report.broken);
    }
    // The same of an account that was liquidated in the block says nothing.
    let judged = report(drew, &[liquidated(WAD / 2, 10, 10)]);
    assert!(judged.holds(), "{:?}", judged.broken);
}

/// HLT-1: who owes nothing takes collateral back whether prices are fresh or not; that is no breach.
#[test]
fn who_owes_nothing_needs_no_price() {
    let mut world = World::new(&[6, 18], 1);
    pledge(&mut world, FRIEND, 2, 2 * WAD);
    world.pass(1_000_000);
    let before = world.ledger.clone();
    release(&mut world, FRIEND, 2, WAD).unwrap();
    assert!(found(&before, &world.ledger).is_empty(), "{:?}", found(&before, &world.ledger));
}
