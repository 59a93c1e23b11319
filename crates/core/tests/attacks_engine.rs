//! Attacks on the engine around a liquidation, tried on ours: what is left behind, what is in flight,
//! who pays. Each test is named by the row of the attack catalogue that it replays.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::Report;
use gage_core::bids::{self, Tier};
use gage_core::borrowing;
use gage_core::curation;
use gage_core::liquidation::{self, Kind, Liquidation, Payment};
use gage_core::listing;
use gage_core::sweep;
use gage_core::{
    Accrued, Address, Assets, Error, FeedId, PauseLevel, QueueId, Shares, Stop, Token, U256, WAD,
    Wad, address, margin, pause, token,
};
use world::acts::*;
use world::*;

fn queue() -> QueueId {
    QueueId { market: MARKET, vault: vault(1), asset: asset(2) }
}

fn bid(world: &mut World, who: Address, tier: u8, assets: u128) -> Result<(), Stop> {
    let shares = deposit(world, who, 1, assets)?;
    let tier = Tier::new(tier).unwrap();
    world.ledger.atomically(|l| bids::place_bid(l, who, queue(), tier, shares))
}

fn sweep_and_write_off(world: &mut World, whose: Address) -> bool {
    let Some(plan) = sweep::sweep(&mut world.ledger, &of(whose)).unwrap() else { return false };
    if plan.leaves_bad_debt() {
        sweep::write_off(&mut world.ledger, &of(whose)).unwrap();
    }
    !plan.fills.is_empty()
}

fn pay_in_shares(
    world: &mut World,
    who: Address,
    whose: Address,
) -> Result<liquidation::Plan, Stop> {
    let asked = Liquidation {
        vault: vault(1),
        asset: asset(2),
        max_repay: Assets::MAX,
        receiver: who,
        payment: Payment::Shares,
    };
    world.ledger.atomically(|l| liquidation::liquidate(l, who, &of(whose), &asked))
}

/// Q-09 (BendDAO): bidders who want no less than a discount of their own, in a market that falls two
/// per cent a block. Somebody buys long before the debt reaches the collateral's value; when they have
/// all left, anyone may take over at once, and no lender loses.
#[test]
fn reg_q09_rational_bidders_in_a_falling_market() {
    for stay in [true, false] {
        let mut world = indebted([6, 18]);
        if stay {
            for tier in [2, 6, 10, 14] {
                bid(&mut world, MALLORY, tier, 40 * unit(6)).unwrap();
            }
        }
        let (mut price, mut sold) = (100 * WAD, 0);
        for _ in 0..30 {
            price = price * 98 / 100;
            world.report(2, price).unwrap();
            let before = standing(&world.settled(), &of(ALICE));
            if before.unhealthy() {
                assert!(before.debt < before.collateral, "nobody acted in time");
                sold += u32::from(sweep_and_write_off(&mut world, ALICE));
                if standing(&world.settled(), &of(ALICE)).unhealthy() {
                    liquidate(&mut world, LENDER, ALICE, u128::MAX).unwrap();
                }
                assert!(!standing(&world.settled(), &of(ALICE)).unhealthy());
            }
        }
        assert_eq!(sold > 0, stay);
        assert!(world.ledger.vaults[&vault(1)].losses.is_zero());
        sound(&world);
    }
}

/// Q-10 b: a liquidation of debt and collateral of one asset counts the rates on what is owed after
/// it: the vault's rate is the model's at the present utilisation, and nothing stays of the old one.
#[test]
fn reg_q10_rates_after_a_same_asset_liquidation() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 100 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 1, 130 * unit(6));
    borrow(&mut world, ALICE, 1, 95 * unit(6)).unwrap();
    while !standing(&world.settled(), &of(ALICE)).unhealthy() {
        world.pass(86_400);
    }
    world.report_all_again();
    let l = &mut world.ledger;
    let before = Accrued::load(l, vault(1)).unwrap();
    liquidate_pair(&mut world, (MALLORY, ALICE), (1, 1), u128::MAX).unwrap();
    let after = Accrued::load(&mut world.ledger, vault(1)).unwrap();
    let (debt, cash) = (after.debt().get(), after.record().cash.get());
    let used = Wad::new((debt * WAD).div_ceil(debt + cash));
    assert_eq!(after.utilisation(), used);
    assert_eq!(after.borrow_rate(), after.record().model.rate(used));
    assert!(after.borrow_rate() < before.borrow_rate());
    sound(&world);
}

/// Q-10 c: no liquidation leaves dust, at any price and any limit: what is still owed is nothing or the
/// minimum, and what is still pledged beside a debt is worth selling.
#[test]
fn reg_q10_no_dust_is_left() {
    let mut partial = 0;
    for cents in (7_700..9_400).step_by(20) {
        for limit in [u128::MAX, 60 * unit(6), 10 * unit(6), unit(6) / 2] {
            let mut world = indebted([6, 18]);
            let minimum = world.dust(asset(1));
            world.report(2, WAD / 100 * cents).unwrap();
            if let Ok(plan) = liquidate(&mut world, MALLORY, ALICE, limit) {
                partial += u32::from(plan.kind == Kind::Partial);
            }
            let left = standing(&world.settled(), &of(ALICE));
            let least = value(&world.ledger, asset(1), minimum, false);
            assert!(left.debt.is_zero() || left.debt >= least, "{cents} {limit}");
            assert!(left.debt.is_zero() || left.collateral >= least, "{cents} {limit}");
        }
    }
    assert!(partial > 100, "{partial}");
}

/// Q-10 d, BAD-1: bad debt is recognised in the same call also when its vault is paused and its market
/// takes no new debt; a frozen market stops it, and repayment stays possible.
#[test]
fn reg_q10_bad_debt_of_a_paused_vault() {
    for swept in [true, false] {
        let mut world = indebted([6, 18]);
        if swept {
            bid(&mut world, MALLORY, 0, 500 * unit(6)).unwrap();
        }
        curation::pause_vault(&mut world.ledger, CURATOR, vault(1)).unwrap();
        let l = &mut world.ledger;
        pause::set_pause(l, GUARDIAN, MARKET, PauseLevel::Restricted).unwrap();
        world.report(2, 50 * WAD).unwrap();
        if swept {
            assert!(sweep_and_write_off(&mut world, ALICE));
        } else {
            let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
            assert_eq!(plan.kind, Kind::CloseOut);
        }
        let record = world.ledger.vaults[&vault(1)];
        assert!(record.losses > Assets::ZERO && record.owed.is_zero(), "{swept}");
        assert!(!world.ledger.accounts.contains_key(&of(ALICE)));
        sound(&world);
    }
}

/// Q-10 e: a borrower who is a lender too liquidates itself in shares. The account's list of what is
/// pledged stays true, and the coalition gains nothing.
#[test]
fn reg_q10_self_liquidation_in_shares() {
    for cents in [9_250, 8_800, 8_300, 7_000] {
        let mut world = indebted([6, 18]);
        deposit(&mut world, ALICE, 1, 200 * unit(6)).unwrap();
        world.report(2, WAD / 100 * cents).unwrap();
        let insolvent = {
            let sums = standing(&world.settled(), &of(ALICE));
            sums.cover < sums.debt
        };
        let before = wealth(&world.ledger, &[ALICE]);
        let plan = pay_in_shares(&mut world, ALICE, ALICE).unwrap();
        assert_eq!(plan.kind == Kind::CloseOut, insolvent);
        let after = wealth(&world.ledger, &[ALICE]);
        // Limited liability: what an insolvent owner gains is the smallest bonus on what it repaid.
        let paid = value(&world.ledger, asset(1), plan.repaid().get(), true);
        let gain = if insolvent { paid * U256::from(4) / U256::from(100) } else { U256::ZERO };
        assert!(after <= before + gain + U256::from(WAD / 1_000), "{cents}: {before} {after}");
        let account = world.ledger.accounts.get(&of(ALICE));
        let pledged = account.map_or(0, |account| account.collaterals.len());
        assert_eq!(pledged == 0, plan.kind == Kind::CloseOut);
        sound(&world);
    }
}

/// interest that nobody counted for years makes health fall, and a liquidation counts it first: it
/// is found, improves the account, and takes no more than the bonus on what was truly owed.
#[test]
fn reg_q11_uncounted_interest() {
    let mut world = World::new(&[6, 18], 1);
    world.weigh([0, 5_000]);
    deposit(&mut world, LENDER, 1, 100 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 72 * unit(6)).unwrap();
    world.pass(4 * 31_536_000);
    world.report_all_again();
    assert!(world.ledger.vaults[&vault(1)].updated_at.get() < START + 60, "nobody counted");
    assert!(standing(&world.settled(), &of(ALICE)).unhealthy());
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    assert!(plan.kind == Kind::CloseOut || plan.health_after > plan.health_before);
    sound(&world);
}

/// Q-11, V-17 (Abracadabra): collateral in flight counts for nothing. What bids bought waits for its
/// bidder and backs no debt, shares that wait in bids can be pledged by nobody, and what a sweep sold
/// cannot be borrowed on or released.
#[test]
fn reg_v17_what_is_in_flight_backs_nothing() {
    let mut world = indebted([6, 18]);
    bid(&mut world, ALICE, 2, 500 * unit(6)).unwrap();
    world.report(2, 90 * WAD).unwrap();
    let before = world.ledger.accounts[&of(ALICE)].collaterals[0].amount;
    assert!(sweep_and_write_off(&mut world, ALICE));
    let left = world.ledger.accounts[&of(ALICE)].collaterals[0].amount;
    assert!(left < before);
    // Alice bought it herself; unclaimed, it is not in her account.
    let position = margin::position(&mut world.ledger, &of(ALICE)).unwrap();
    assert_eq!(position.collaterals[0].amount, left);
    assert!(borrow(&mut world, ALICE, 1, 20 * unit(6)).is_err());
    assert!(matches!(
        refused(release(&mut world, ALICE, 2, before.get())),
        Error::InsufficientCollateral { .. }
    ));
    assert_eq!(world.held(Token::Share(vault(1)), ALICE), 0, "in escrow");
    assert!(redeem_all(&mut world, ALICE, 1).is_err());
    sound(&world);
}

/// V-20 (Xocolatl), Q-05: nothing is seized for nothing, however little it is worth, and no argument
/// names what is not listed.
#[test]
fn reg_v20_seizing_costs_a_unit() {
    for (decimals, price) in [([0, 18], 10), ([0, 27], 2), ([6, 18], 1_000)] {
        let mut world = indebted(decimals);
        world.report(2, price).unwrap();
        let held = world.held(Token::Asset(asset(1)), MALLORY);
        let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        assert!(plan.repaid() > Assets::ZERO && plan.seized() > Assets::ZERO);
        let paid = held - world.held(Token::Asset(asset(1)), MALLORY);
        assert_eq!(paid, plan.repaid().get());
        sound(&world);
    }
    // Of a thousand dollars nothing is left that a price can say, or one unit of value, which the bonus takes.
    for (amount, price) in [(unit(9), 1_000), (unit(17), 2), (unit(17) * 5, 2)] {
        let mut world = World::new(&[6, 18], 1);
        deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
        world.report(2, 1_000 * WAD / amount * WAD).unwrap();
        pledge(&mut world, ALICE, 2, amount);
        borrow(&mut world, ALICE, 1, 7 * unit(6)).unwrap();
        world.report(2, price).unwrap();
        let held = world.held(Token::Asset(asset(1)), MALLORY);
        let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        assert_eq!((plan.repaid().get(), plan.seized().get()), (1, amount));
        assert_eq!(held - world.held(Token::Asset(asset(1)), MALLORY), 1);
        sound(&world);
    }
    let mut world = indebted([6, 18]);
    world.report(2, 90 * WAD).unwrap();
    let before = world.ledger.clone();
    for (debt, collateral) in [(7, 2), (1, 7), (0, 2), (1, 0), (2, 2)] {
        let named = (vault(debt), asset(collateral));
        let asked = Liquidation {
            vault: named.0,
            asset: named.1,
            max_repay: Assets::MAX,
            receiver: MALLORY,
            payment: Payment::Assets,
        };
        let l = &mut world.ledger;
        let done = l.atomically(|l| liquidation::liquidate(l, MALLORY, &of(ALICE), &asked));
        assert!(matches!(done, Err(Stop::Refused(_))), "{debt} {collateral}");
        assert_eq!(world.ledger.accounts, before.accounts);
        assert_eq!(world.ledger.balances, before.balances);
    }
}

/// S-19 (sDOLA), HLT-2: a collateral's price that doubles in one block endangers nobody, and a donation
/// to anything moves nobody's health.
#[test]
fn reg_s19_a_rising_price_endangers_nobody() {
    let mut world = World::new(&[6, 18, 18], 1);
    deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
    for (who, drawn) in [(ALICE, 74), (FRIEND, 40)] {
        pledge(&mut world, who, 2, 60 * unit(18));
        pledge(&mut world, who, 3, 40 * unit(18));
        borrow(&mut world, who, 1, drawn * unit(6)).unwrap();
    }
    let health = |world: &mut World, who| margin::health(&mut world.ledger, &of(who)).unwrap();
    for (moved, percent) in [(2, 101), (2, 150), (2, 200), (3, 200)] {
        let mut world = world.clone();
        let before = [ALICE, FRIEND].map(|who| health(&mut world, who));
        world.report(moved, WAD * percent).unwrap();
        // A second passed with the report: its interest is far below the rise.
        let after = [ALICE, FRIEND].map(|who| health(&mut world, who));
        assert!(after[0] > before[0] && after[1] > before[1], "{moved} {percent}");
        assert!(refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)) != Error::NoDebt);
    }
    let before = health(&mut world, ALICE);
    let custody = address::custody(vault(1));
    let gift = 1_000 * unit(18);
    token::transfer(&mut world.ledger, MALLORY, Token::Asset(asset(2)), custody, gift).unwrap();
    assert_eq!(health(&mut world, ALICE), before);
}

/// C-06 (Anchor's bLUNA): a price outside its feed's bounds, or of a stranger, is no price: nothing is
/// filled on it, and bids keep waiting.
#[test]
fn reg_c06_bids_fill_on_no_bad_price() {
    let mut world = indebted([6, 18]);
    bid(&mut world, MALLORY, 2, 500 * unit(6)).unwrap();
    let feed = FeedId::new(2);
    let bounds = world.ledger.feed_terms.get_mut(&feed).unwrap();
    bounds.price_min = Wad::new(93 * WAD);
    world.pass(2);
    let report = world.next_report(feed, 88 * WAD);
    let l = &mut world.ledger;
    let strange = l.atomically(|l| world::apply_report(l, &report, MALLORY));
    assert!(matches!(refused(strange), Error::UnknownSource { .. }));
    let _ = l.atomically(|l| world::apply_report(l, &report, PUBLISHER));
    let filled = sweep::sweep(&mut world.ledger, &of(ALICE));
    assert!(!matches!(filled, Ok(Some(_))), "{filled:?}");
    let waiting = bids::bid(
        &mut world.ledger,
        &gage_core::BidId { queue: queue(), tier: Tier::new(2).unwrap(), bidder: MALLORY },
    );
    assert!(waiting.unwrap().shares > Shares::ZERO);
    sound(&world);
}

/// C-12 (Term Finance): a listed collateral's feed cannot be exchanged for another under its borrowers.
#[test]
fn reg_c12_a_feed_is_not_exchanged() {
    let mut world = indebted([6, 18]);
    let cap = cap(10_000_000, 18);
    let other = terms(7_500, 8_100, [400, 1_000], cap, 1);
    let l = &mut world.ledger;
    let done = l.atomically(|l| listing::set_collateral(l, OWNER, MARKET, asset(2), &other));
    assert!(matches!(refused(done), Error::InvalidParameter { name: "feed", .. }));
}

/// U-01, D-07, BAD-2: a loss is borne by everyone who was there when the price came: who leaves after
/// it was booked takes the same price per share as who stays, to rounding, and nobody the old one.
#[test]
fn reg_u01_leaving_after_a_loss_takes_it_along() {
    let mut world = World::new(&[6, 18], 1);
    for who in [LENDER, FRIEND] {
        deposit(&mut world, who, 1, 100 * unit(6)).unwrap();
    }
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 75 * unit(6)).unwrap();
    world.report(2, 40 * WAD).unwrap();
    let mut with_shares = world.clone();
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    let lost = world.ledger.vaults[&vault(1)].losses.get();
    assert!(lost > 30 * unit(6));
    let first = redeem_all(&mut world, FRIEND, 1).unwrap().get();
    let last = redeem_all(&mut world, LENDER, 1).unwrap().get();
    assert!(first.abs_diff(last) <= 2 && first < 100 * unit(6), "{first} {last}");
    sound(&world);

    // Who pays with shares bears it too: the shares count what they are worth to who stays.
    let world = &mut with_shares;
    let share = Token::Share(vault(1));
    let (paid, all) = (world.held(share, FRIEND), world.held(share, LENDER));
    let plan = pay_in_shares(world, FRIEND, ALICE).unwrap();
    let paid = paid - world.held(share, FRIEND);
    let stays = redeem_all(world, LENDER, 1).unwrap().get();
    assert!(paid * (stays + 1) >= plan.repaid().get() * all, "{paid} shares for {plan:?}");
    sound(world);
}

/// N-01, LIQ-5: nobody is called when a liquidation pays out, so no receiver can stop it: not the zero
/// address and not a contract of the protocol either, which are refused before anything moves.
#[test]
fn reg_n01_no_receiver_stops_a_liquidation() {
    let mut world = indebted([6, 18]);
    bid(&mut world, MALLORY, 2, 20 * unit(6)).unwrap();
    world.report(2, 90 * WAD).unwrap();
    for receiver in [Address::ZERO, Address::repeat_byte(0xff), MALLORY] {
        let mut world = world.clone();
        let asked = Liquidation {
            vault: vault(1),
            asset: asset(2),
            max_repay: Assets::MAX,
            receiver,
            payment: Payment::Assets,
        };
        let l = &mut world.ledger;
        let done = l.atomically(|l| liquidation::liquidate(l, LENDER, &of(ALICE), &asked));
        assert_eq!(done.is_ok(), receiver != Address::ZERO, "{done:?}");
        // The sweep asks nobody for a receiver.
        let mut swept = world.clone();
        if standing(&swept.settled(), &of(ALICE)).unhealthy() {
            assert!(sweep_and_write_off(&mut swept, ALICE));
        }
    }
    let debt = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(1)).unwrap();
    assert!(debt > Assets::ZERO);
}

/// O-01 and its class: a price moved and accounts liquidated in one block. Nothing that a user does in
/// a block moves a price: not a gift, not a whole vault lent out or repaid, not a report of a stranger,
/// of the past or of the future. Health is what it was, and the healthy cannot be liquidated.
#[test]
fn reg_o01_no_price_moves_within_a_block() {
    let mut world = indebted([6, 18]);
    let health = margin::health(&mut world.ledger, &of(ALICE)).unwrap();
    let (feed, now) = (FeedId::new(2), world.ledger.now);
    let old = world.ledger.observations[&(feed, 0)];
    let l = &mut world.ledger;
    for who in [address::custody(vault(1)), address::MARKET] {
        token::transfer(l, MALLORY, Token::Asset(asset(2)), who, 100_000 * unit(18)).unwrap();
        token::transfer(l, MALLORY, Token::Asset(asset(1)), who, 1_000 * unit(6)).unwrap();
    }
    let confidence = Wad::ZERO;
    let report =
        |round, time, price| Report { feed, round, time, price: Wad::new(price), confidence };
    for (report, signer) in [
        (report(old.round + 1, now, 50 * WAD), MALLORY),
        (report(old.round, now, 50 * WAD), PUBLISHER),
        (report(old.round + 1, old.time, 50 * WAD), PUBLISHER),
        (report(old.round + 1, now.after(3_600), 50 * WAD), PUBLISHER),
    ] {
        let done = l.atomically(|l| world::apply_report(l, &report, signer));
        assert!(matches!(done, Err(Stop::Refused(_))), "{report:?}");
    }
    pledge(&mut world, MALLORY, 2, 100_000 * unit(18));
    deposit(&mut world, MALLORY, 1, 5_000 * unit(6)).unwrap();
    borrow(&mut world, MALLORY, 1, 5_900 * unit(6)).unwrap();
    assert_eq!(world.ledger.now, now, "all of it is one block");
    assert_eq!(margin::health(&mut world.ledger, &of(ALICE)).unwrap(), health);
    let done = liquidate(&mut world, MALLORY, ALICE, u128::MAX);
    assert!(matches!(refused(done), Error::Healthy { .. }));
    assert_eq!(sweep::plan_sweep(&mut world.ledger, &of(ALICE)), Ok(None));
    repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    sound(&world);
}
