//! First-loss capital: what stakes earn, what they bear, and when they may leave.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self, Draw};
use gage_core::first_loss::{self, NOTICE_SECONDS, PENDING_SECONDS, WINDOW_SECONDS};
use gage_core::invariants::check_invariants;
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::sweep::{self, SweepReason};
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, Error, Event, Ledger, MarketId, Shares, StakeId,
    Stop, Token, U256, Units, VaultId, WAD, lending, token,
};
use world::*;

const VAULT: VaultId = VaultId::new(1);
const LINE: (MarketId, VaultId) = (MARKET, VAULT);
const COLLATERAL: AssetId = AssetId::new(2);
const LENDER: Address = USERS[0];
const STAKER: Address = USERS[1];
const BORROWER: Address = USERS[2];
const OTHER: Address = USERS[3];
const ACCOUNT: AccountId = AccountId { market: MARKET, owner: BORROWER, sub: 0 };

/// Debt of 7,000 tokens at 100 dollars against 100 tokens of the other asset at 10,000.
fn lent() -> World {
    let mut world = World::new(&[6, 18], 1);
    world.report(2, 10_000 * WAD).unwrap();
    let l = &mut world.ledger;
    for user in [LENDER, STAKER, OTHER] {
        lending::deposit(l, user, VAULT, Assets::new(10_000 * unit(6)), user).unwrap();
    }
    let pledged = Assets::new(100 * unit(18));
    borrowing::supply_collateral(l, BORROWER, &ACCOUNT, COLLATERAL, pledged).unwrap();
    let amount = Assets::new(7_000 * unit(6));
    let draw = Draw { market: MARKET, sub: 0, vault: VAULT, amount, receiver: BORROWER };
    borrowing::borrow(l, BORROWER, &draw).unwrap();
    world
}

fn stake(world: &mut World, who: Address, tokens: u128) -> Units {
    let l = &mut world.ledger;
    let shares = lending::preview_withdraw(l, VAULT, Assets::new(tokens * unit(6))).unwrap();
    first_loss::stake(l, who, LINE, shares).unwrap()
}

fn worth(world: &mut World, who: Address) -> u128 {
    let id = StakeId { market: MARKET, vault: VAULT, staker: who };
    first_loss::claim_of(&mut world.ledger, &id).unwrap().worth.get()
}

/// What a million million shares are worth.
fn price(world: &mut World) -> u128 {
    let shares = Shares::new(unit(24));
    lending::preview_redeem(&mut world.ledger, VAULT, shares).unwrap().get()
}

/// Closes the account with a keeper's tokens when its collateral is worth `dollars` a token.
fn crash(world: &mut World, dollars: u128) -> Event {
    world.report(2, dollars * WAD).unwrap();
    let l = &mut world.ledger;
    let asked = Liquidation {
        vault: VAULT,
        asset: COLLATERAL,
        max_repay: Assets::MAX,
        receiver: OTHER,
        payment: Payment::Assets,
    };
    liquidation::liquidate(l, OTHER, &ACCOUNT, &asked).unwrap();
    sound(world);
    let told = world.ledger.events.iter().rev();
    *told.clone().find(|event| matches!(event, Event::LossRealised { .. })).unwrap()
}

fn sound(world: &World) {
    assert_eq!(check_invariants(&world.ledger), []);
}

fn refused<T: core::fmt::Debug>(outcome: Result<T, Stop>) -> Error {
    match outcome {
        Err(Stop::Refused(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// BAD-2: while the tranche lasts, nobody else pays.
#[test]
fn a_stake_that_suffices_spares_everybody_else() {
    let mut world = lent();
    stake(&mut world, STAKER, 5_000);
    stake(&mut world, OTHER, 2_500);
    world.pass(3_600);
    world.report_all_again();
    let before = [worth(&mut world, STAKER), worth(&mut world, OTHER)];
    let reserves = world.settled().vaults[&VAULT].reserves;
    let lenders = price(&mut world);
    let Event::LossRealised { shortfall, from_first_loss, from_reserves, from_lenders, .. } =
        crash(&mut world, 5_200)
    else {
        panic!()
    };
    assert!(shortfall > Assets::new(1_900 * unit(6)), "{shortfall}");
    assert_eq!(
        (from_first_loss, from_reserves, from_lenders),
        (shortfall, Assets::ZERO, Assets::ZERO)
    );
    assert!(price(&mut world) >= lenders);
    // The reserves paid the premium of that hour and nothing else.
    let kept = world.ledger.vaults[&VAULT].reserves;
    assert!(kept >= Assets::new(reserves.get() / 2) && kept <= reserves);
    // Two thirds and one third of the loss, to the unit.
    let after = [worth(&mut world, STAKER), worth(&mut world, OTHER)];
    let lost = [before[0] - after[0], before[1] - after[1]];
    let third = shortfall.get() / 3;
    assert!(
        lost[0].abs_diff(2 * third) <= unit(6) && lost[1].abs_diff(third) <= unit(6),
        "{lost:?}"
    );
}

/// BAD-2: the tranche to its last share, then the reserves to the last unit, then the lenders.
#[test]
fn losses_run_down_the_whole_waterfall() {
    let mut world = lent();
    stake(&mut world, STAKER, 500);
    world.pass(86_400 * 30);
    world.report_all_again();
    let (staked, lenders) = (worth(&mut world, STAKER), price(&mut world));
    let event = crash(&mut world, 5_200);
    let Event::LossRealised { shortfall, from_first_loss, from_reserves, from_lenders, .. } = event
    else {
        panic!()
    };
    assert!(from_first_loss.get().abs_diff(staked) <= 1, "{event:?} {staked}");
    assert!(!from_reserves.is_zero() && world.ledger.vaults[&VAULT].reserves.is_zero());
    assert!(!from_lenders.is_zero() && price(&mut world) < lenders);
    assert_eq!(from_first_loss.add(from_reserves).unwrap().add(from_lenders).unwrap(), shortfall);
    // The stake is gone; a new one counts from nothing and owes nothing to the old.
    assert_eq!(worth(&mut world, STAKER), 0);
    assert_eq!(
        refused(first_loss::announce_unstake(&mut world.ledger, STAKER, LINE)),
        Error::NoStake
    );
    stake(&mut world, OTHER, 100);
    stake(&mut world, STAKER, 100);
    let (mine, others) = (worth(&mut world, STAKER), worth(&mut world, OTHER));
    assert!(mine.abs_diff(others) <= 1 && mine.abs_diff(100 * unit(6)) <= 1, "{mine} {others}");
    sound(&world);
}

/// BAD-2: paying with shares is no way out of the loss, and a loss is the line's only.
#[test]
fn other_lines_stakes_are_not_touched() {
    let mut world = World::new(&[6, 18], 2);
    let second = (MARKET, VaultId::new(2));
    let l = &mut world.ledger;
    for vault in [1, 2] {
        let whole = Assets::new(1_000 * unit([6, 18][vault as usize - 1]));
        let vault = VaultId::new(vault);
        let shares = lending::deposit(l, STAKER, vault, whole, STAKER).unwrap();
        first_loss::stake(l, STAKER, (MARKET, vault), Shares::new(shares.get() / 10)).unwrap();
    }
    let pledged = Assets::new(100 * unit(18));
    borrowing::supply_collateral(l, BORROWER, &ACCOUNT, COLLATERAL, pledged).unwrap();
    let amount = Assets::new(70 * unit(6));
    let draw = Draw { market: MARKET, sub: 0, vault: VAULT, amount, receiver: BORROWER };
    borrowing::borrow(l, BORROWER, &draw).unwrap();
    let before = first_loss::capital_of(&mut world.ledger, second).unwrap();
    let shares = lending::deposit(&mut world.ledger, OTHER, VAULT, amount, OTHER).unwrap();
    world.report(2, 50 * WAD).unwrap();
    let asked = Liquidation {
        vault: VAULT,
        asset: COLLATERAL,
        max_repay: Assets::MAX,
        receiver: OTHER,
        payment: Payment::Shares,
    };
    let plan = liquidation::liquidate(&mut world.ledger, OTHER, &ACCOUNT, &asked).unwrap();
    assert!(plan.repayments[0].loss.from_first_loss > Assets::new(20 * unit(6)));
    let left = world.held(Token::Share(VAULT), OTHER);
    let paid = shares.get() - left;
    // At the price before the loss, which the stake bears.
    assert!(
        paid.abs_diff(plan.repaid().get() * unit(6)) <= unit(6),
        "{paid} for {}",
        plan.repaid()
    );
    assert_eq!(first_loss::capital_of(&mut world.ledger, second).unwrap(), before);
    sound(&world);
}

/// Half of the reserve fee on the line's debt unless the curator says otherwise, paid in shares out
/// of the reserves; a thousand settlements pay what one does.
#[test]
fn stakes_earn_a_part_of_the_reserve_fee() {
    let mut paid = Vec::new();
    for steps in [1_u64, 1_000] {
        let mut world = lent();
        stake(&mut world, STAKER, 1_000);
        let idle = price(&mut world);
        for _ in 0..steps {
            world.pass(31_536_000 / steps);
            first_loss::settle(&mut world.ledger, LINE).unwrap();
        }
        sound(&world);
        let reserves = world.ledger.vaults[&VAULT].reserves.get();
        let told = world.ledger.events.iter().filter_map(|event| match event {
            Event::FirstLossRewarded { assets, .. } => Some(assets.get()),
            _ => None,
        });
        let premium: u128 = told.sum();
        assert!(premium.abs_diff(reserves) <= 2 + u128::from(steps), "{premium} {reserves}");
        // What the stake is worth beyond the growth of any lender's shares is the premium, and what
        // that earned in turn.
        let grown = 1_000 * unit(6) * price(&mut world) / idle;
        let gained = worth(&mut world, STAKER) - grown;
        assert!(gained.abs_diff(premium) <= premium / 100, "{gained} {premium}");
        paid.push(premium);
    }
    assert!(paid[0] > 8 * unit(6) && paid[0].abs_diff(paid[1]) <= paid[0] / 100, "{paid:?}");
}

/// The curator sets the premium, up to the fee that pays it; nobody else does.
#[test]
fn only_the_curator_sets_the_premium() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    let l = &mut world.ledger;
    let set =
        |l: &mut _, who, points| first_loss::set_first_loss_premium(l, who, LINE, Bps::new(points));
    assert!(matches!(refused(set(l, STAKER, 100)), Error::NotAuthorised { .. }));
    assert!(matches!(refused(set(l, CURATOR, 1_001)), Error::InvalidParameter { .. }));
    set(l, CURATOR, 0).unwrap();
    world.pass(31_536_000);
    let before = world.settled().vaults[&VAULT].reserves;
    first_loss::settle(&mut world.ledger, LINE).unwrap();
    assert_eq!(world.ledger.vaults[&VAULT].reserves, before);
    sound(&world);
}

/// A notice of a week, a window of a day, and what a stake must be worth.
#[test]
fn stakes_leave_in_their_window_only() {
    let mut world = lent();
    let units = stake(&mut world, STAKER, 1_000);
    let l = &mut world.ledger;
    let leave = |l: &mut _, units| first_loss::unstake(l, STAKER, LINE, units, STAKER);
    assert_eq!(refused(leave(l, units)), Error::NoticeNotGiven);
    let opens_at = first_loss::announce_unstake(l, STAKER, LINE).unwrap();
    assert_eq!(opens_at, l.now.after(NOTICE_SECONDS));
    l.now = l.now.after(NOTICE_SECONDS - 1);
    assert_eq!(refused(leave(l, units)), Error::NoticeRunning { opens_at });
    l.now = opens_at.after(WINDOW_SECONDS + 1);
    assert!(matches!(refused(leave(l, units)), Error::NoticeExpired { .. }));
    l.now = opens_at;
    let most = Units::new(units.get() + 1);
    assert_eq!(refused(leave(l, most)), Error::InsufficientStake { units, asked: most });
    assert_eq!(refused(leave(l, Units::ZERO)), Error::ZeroAmount);
    let but_dust = Units::new(units.get() - 1);
    assert!(matches!(
        refused(l.clone().atomically(|l| leave(l, but_dust))),
        Error::StakeTooSmall { .. }
    ));
    let before = l.balance(Token::Share(VAULT), STAKER).unwrap();
    let half = leave(l, Units::new(units.get() / 2)).unwrap();
    let rest = leave(l, Units::MAX).unwrap();
    assert_eq!(refused(leave(l, Units::MAX)), Error::NoStake);
    let got = l.balance(Token::Share(VAULT), STAKER).unwrap() - before;
    assert_eq!(got, half.get() + rest.get());
    // The premium of a week is with it.
    assert!(got > units.get() && world.ledger.tranches[&LINE].shares.is_zero());
    assert!(!world.ledger.lines[&LINE].staked && world.ledger.stakes.is_empty());
    let tiny = first_loss::stake(&mut world.ledger.clone(), STAKER, LINE, Shares::new(1));
    assert!(matches!(refused(tiny), Error::StakeTooSmall { .. }));
    sound(&world);
}

/// BAD-2: the sweep that finds an insolvent account which the bids cannot close keeps the stakes, in
/// the block of the price; and again before that lapses.
#[test]
fn no_stake_leaves_while_a_loss_is_pending() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    first_loss::announce_unstake(&mut world.ledger, STAKER, LINE).unwrap();
    world.pass(NOTICE_SECONDS);
    world.report_all_again();
    let l = &mut world.ledger;
    assert!(matches!(refused(first_loss::mark_loss_pending(l, &ACCOUNT)), Error::Solvent { .. }));
    world.report(2, 5_200 * WAD).unwrap();
    let l = &mut world.ledger;
    let plan = sweep::plan_sweep(l, &ACCOUNT).unwrap().unwrap();
    assert_eq!((plan.reason, plan.blocks.as_slice()), (SweepReason::Insolvent, &[VAULT][..]));
    assert!(plan.fills.is_empty() && !plan.leaves_bad_debt());
    let before = l.accounts.clone();
    assert_eq!(sweep::sweep(l, &ACCOUNT).unwrap(), Some(plan));
    assert_eq!(before, l.accounts);
    let until = l.now.after(PENDING_SECONDS);
    let leave = |l: &mut _| first_loss::unstake(l, STAKER, LINE, Units::MAX, STAKER);
    assert_eq!(refused(leave(l)), Error::LossPending { until });
    // Told once, it is quiet until half the time has passed.
    assert_eq!(sweep::plan_sweep(l, &ACCOUNT).unwrap(), None);
    for _ in 0..7 {
        world.pass(7_200);
        world.report_all_again();
    }
    let l = &mut world.ledger;
    assert!(sweep::sweep(l, &ACCOUNT).unwrap().is_some_and(|plan| !plan.blocks.is_empty()));
    // Anyone may tell, as often as they like.
    first_loss::mark_loss_pending(l, &ACCOUNT).unwrap();
    let until = l.now.after(PENDING_SECONDS);
    assert_eq!(refused(leave(l)), Error::LossPending { until });
    // Once the account is closed, nothing renews it.
    crash(&mut world, 5_200);
    assert_eq!(refused(first_loss::mark_loss_pending(&mut world.ledger, &ACCOUNT)), Error::NoDebt);
    sound(&world);
}

/// Bids that close the account make the block unnecessary: the loss is borne in the same sweep.
#[test]
fn a_swept_loss_is_borne_in_the_same_block() {
    let mut world = lent();
    stake(&mut world, STAKER, 5_000);
    let l = &mut world.ledger;
    let queue = gage_core::QueueId { market: MARKET, vault: VAULT, asset: COLLATERAL };
    let held = l.balance(Token::Share(VAULT), OTHER).unwrap();
    let tier = gage_core::bids::Tier::new(2).unwrap();
    gage_core::bids::place_bid(l, OTHER, queue, tier, Shares::new(held)).unwrap();
    world.report(2, 5_200 * WAD).unwrap();
    let lenders = price(&mut world);
    let l = &mut world.ledger;
    let plan = sweep::sweep(l, &ACCOUNT).unwrap().unwrap();
    assert!(plan.leaves_bad_debt() && plan.blocks.is_empty());
    sweep::write_off(l, &ACCOUNT).unwrap();
    let told = world.ledger.events.iter().rev();
    let loss = told.clone().find(|event| matches!(event, Event::LossRealised { .. })).unwrap();
    let Event::LossRealised { shortfall, from_first_loss, .. } = loss else { panic!() };
    assert_eq!(from_first_loss, shortfall);
    assert!(*shortfall > Assets::new(1_800 * unit(6)), "{loss:?}");
    assert!(price(&mut world) >= lenders);
    sound(&world);
}

/// HLT-6: a vault without a price, or without reserves, never stops a repayment.
#[test]
fn premium_that_cannot_be_paid_stays_owed() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    world.pass(31_536_000);
    lending::accrue(&mut world.ledger, VAULT).unwrap();
    let l = &mut world.ledger;
    let reserves = l.vaults[&VAULT].reserves;
    gage_core::curation::collect_reserves(l, CURATOR, VAULT, CURATOR, reserves).unwrap();
    token::mint(l, ISSUER, AssetId::new(1), BORROWER, Assets::new(unit(12))).unwrap();
    borrowing::repay(l, BORROWER, &ACCOUNT, VAULT, Assets::new(unit(6))).unwrap();
    let owed = l.tranches[&LINE].owed;
    assert!(owed.get().abs_diff(reserves.get() / 2) <= 1, "{owed} of {reserves}");
    // Later fees pay it.
    world.pass(31_536_000 * 2);
    borrowing::repay(&mut world.ledger, BORROWER, &ACCOUNT, VAULT, Assets::MAX).unwrap();
    assert_eq!(world.ledger.tranches[&LINE].owed, Assets::ZERO);
    sound(&world);
}

/// SHR-2, F-01: many small stakes are worth what one of the same sum is, never more.
#[test]
fn splitting_a_stake_gains_nothing() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    world.pass(86_400 * 365);
    let shares = Shares::new(777_777_777_777_777);
    let mut many = world.ledger.clone();
    let one = first_loss::stake(&mut world.ledger, OTHER, LINE, shares).unwrap();
    let mut sum = U256::ZERO;
    let first = Shares::new(shares.get() - 100 * 7_777);
    sum += U256::from(first_loss::stake(&mut many, OTHER, LINE, first).unwrap().get());
    for _ in 0..100 {
        let units = first_loss::stake(&mut many, OTHER, LINE, Shares::new(7_777)).unwrap();
        sum += U256::from(units.get());
    }
    assert!(sum <= U256::from(one.get()));
    // A stake taken in and out is never worth more than it was.
    let id = StakeId { market: MARKET, vault: VAULT, staker: OTHER };
    let claim = first_loss::claim_of(&mut world.ledger, &id).unwrap();
    assert!(claim.shares <= shares && claim.shares.get() + 2 >= shares.get());
    sound(&world);
}

/// The premium so far: paid, and owed still.
fn premium(world: &World) -> u128 {
    let told = world.ledger.events.iter().filter_map(|event| match event {
        Event::FirstLossRewarded { assets, .. } => Some(assets.get()),
        _ => None,
    });
    told.sum::<u128>() + world.ledger.tranches[&LINE].owed.get()
}

/// Settling every second loses nothing to rounding, though each second earns less than one unit.
#[test]
fn fractions_of_a_unit_add_up() {
    let mut world = World::new(&[6, 18], 1);
    let l = &mut world.ledger;
    lending::deposit(l, STAKER, VAULT, Assets::new(1_000 * unit(6)), STAKER).unwrap();
    borrowing::supply_collateral(l, BORROWER, &ACCOUNT, COLLATERAL, Assets::new(100 * unit(18)))
        .unwrap();
    let amount = Assets::new(50 * unit(6));
    let draw = Draw { market: MARKET, sub: 0, vault: VAULT, amount, receiver: BORROWER };
    borrowing::borrow(l, BORROWER, &draw).unwrap();
    stake(&mut world, STAKER, 500);
    let mut once = World { ledger: world.ledger.clone(), decimals: vec![6, 18], vaults: 1 };
    for _ in 0..50_000 {
        world.pass(1);
        first_loss::settle(&mut world.ledger, LINE).unwrap();
        world.ledger.events.retain(|event| matches!(event, Event::FirstLossRewarded { .. }));
    }
    once.pass(50_000);
    first_loss::settle(&mut once.ledger, LINE).unwrap();
    let (many, one) = (premium(&world), premium(&once));
    assert!(one > 0 && many.abs_diff(one) <= 1, "{many} {one}");
    sound(&world);
}

/// A tranche that a loss takes to less than a millionth is burned whole, to the other lenders' gain.
#[test]
fn a_tranche_cannot_become_dust() {
    let shortfall = {
        let mut world = lent();
        let Event::LossRealised { shortfall, .. } = crash(&mut world, 5_200) else { panic!() };
        shortfall.get()
    };
    let mut world = lent();
    let l = &mut world.ledger;
    // A thousandth of a token more than the loss.
    let assets = Assets::new(shortfall + 1_000);
    let shares = lending::preview_withdraw(l, VAULT, assets).unwrap();
    first_loss::stake(l, STAKER, LINE, shares).unwrap();
    let lenders = price(&mut world);
    crash(&mut world, 5_200);
    let tranche = world.ledger.tranches[&LINE];
    assert_eq!((tranche.epoch, tranche.units), (1, Units::ZERO));
    assert!(price(&mut world) > lenders);
    sound(&world);
}

/// Adding to a stake calls its announcement off, as with bids.
#[test]
fn a_larger_stake_is_announced_anew() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    first_loss::announce_unstake(&mut world.ledger, STAKER, LINE).unwrap();
    stake(&mut world, STAKER, 1_000);
    world.pass(NOTICE_SECONDS);
    let left = first_loss::unstake(&mut world.ledger, STAKER, LINE, Units::MAX, STAKER);
    assert_eq!(refused(left), Error::NoticeNotGiven);
}

/// What the reserves could not pay to the last who left is not the next one's.
#[test]
fn premium_owed_ends_with_the_last_stake() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    world.pass(31_536_000);
    let l = &mut world.ledger;
    lending::accrue(l, VAULT).unwrap();
    let reserves = l.vaults[&VAULT].reserves;
    gage_core::curation::collect_reserves(l, CURATOR, VAULT, CURATOR, reserves).unwrap();
    first_loss::announce_unstake(l, STAKER, LINE).unwrap();
    world.pass(NOTICE_SECONDS);
    let l = &mut world.ledger;
    first_loss::settle(l, LINE).unwrap();
    assert!(!l.tranches[&LINE].owed.is_zero());
    first_loss::unstake(l, STAKER, LINE, Units::MAX, STAKER).unwrap();
    stake(&mut world, OTHER, 1_000);
    assert!(world.ledger.tranches[&LINE].owed.is_zero());
    sound(&world);
}

/// The premium counts the debt that was there, not the one that was just drawn or repaid.
#[test]
fn a_new_draw_earns_nothing_for_the_past() {
    let mut world = lent();
    stake(&mut world, STAKER, 1_000);
    world.pass(31_536_000);
    world.report_all_again();
    let mut settled = World { ledger: world.ledger.clone(), decimals: vec![6, 18], vaults: 1 };
    first_loss::settle(&mut settled.ledger, LINE).unwrap();
    let pledged = Assets::new(1_000 * unit(18));
    let l = &mut world.ledger;
    borrowing::supply_collateral(l, BORROWER, &ACCOUNT, COLLATERAL, pledged).unwrap();
    let amount = Assets::new(10_000 * unit(6));
    let draw = Draw { market: MARKET, sub: 0, vault: VAULT, amount, receiver: BORROWER };
    borrowing::borrow(l, BORROWER, &draw).unwrap();
    first_loss::settle(l, LINE).unwrap();
    assert_eq!(premium(&world), premium(&settled));
}
