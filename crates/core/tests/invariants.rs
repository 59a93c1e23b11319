//! The checks themselves: each finds the state or the step that breaks its invariant, and none cries out
//! over a sound one.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use std::collections::BTreeSet;

use gage_core::bids::{Tier, place_bid};
use gage_core::delegation::{Credit, CreditId};
use gage_core::exits::{self, Request};
use gage_core::fixed::AMOUNT_MAX;
use gage_core::invariants::{CHECKED, Report};
use gage_core::sweep::SweepReason;
use gage_core::{
    Assets, Bps, Debt, Event, FeedId, GroupId, MarginModel, MemoryLedger, Pledge, QueueId, RAY,
    Ray, Shares, Timestamp, Token, Units, WAD, Wad, address, first_loss,
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

/// Alice owes two vaults against two collaterals, one of them a share; there are bids, a stake, and a
/// lender who waits to leave a vault whose cash is lent out.
fn busy() -> MemoryLedger {
    let mut world = staking();
    world.weigh([0, 2_000, 5_000]);
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
    world.pass(1);
    world.report_all_again();
    world.ledger.events.clear();
    world.ledger
}

type Damage = fn(&mut MemoryLedger);

/// One damage for each invariant.
const DAMAGES: [(&str, Damage); 29] = [
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
    ("LIQ-2", |l| {
        l.events.push(Event::Swept {
            account: of(ALICE),
            reason: SweepReason::Unhealthy,
            health_before: Wad::new(WAD / 2),
            health_after: Wad::new(WAD / 3),
            collateral_value: Wad::new(1),
            debt_value: Wad::new(1),
        });
    }),
    ("LIQ-3", |l| l.events.push(liquidated(WAD / 2, 0, 10))),
    ("BID-1", |l| {
        let tier = l.tiers.get_mut(&(QUEUE, Tier::new(4).unwrap())).unwrap();
        tier.shares = Shares::new(tier.shares.get() / 2);
    }),
    ("BID-2", |l| {
        // A coin worth 3,000 dollars for 2,900, at a discount of 2 %.
        l.events.push(Event::BidsFilled {
            account: of(ALICE),
            queue: QUEUE,
            tier: Tier::new(4).unwrap(),
            shares: Shares::new(1),
            repaid: Assets::new(2_900 * unit(6)),
            seized: Assets::new(WAD),
            price: Wad::new(3_000 * WAD),
            debt_price: Wad::new(WAD),
        });
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
    for (id, damage) in DAMAGES {
        let mut after = sound.clone();
        damage(&mut after);
        assert!(found(&sound, &after).contains(id), "{id}: {:?}", found(&sound, &after));
    }
    let listed: BTreeSet<_> =
        CHECKED.iter().map(|(id, _)| *id).filter(|id| *id != "LIQ-5").collect();
    assert_eq!(listed, DAMAGES.iter().map(|(id, _)| *id).collect(), "one damage for each check");
    // LIQ-5 is checked by who keeps an index, and nothing is checked under another id.
    let mut report = Report::of_state(&sound);
    report.add(Report::of_step(&sound, &sound));
    assert!(report.checked.keys().all(|id| listed.contains(id)), "{:?}", report.checked);
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
    // The same of an account that was liquidated in the block says nothing.
    let judged = report(drew, &[liquidated(WAD / 2, 10, 10)]);
    assert!(judged.holds(), "{:?}", judged.broken);
}
