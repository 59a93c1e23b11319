//! Attacks that drained other protocols, tried on ours. Each test is named by the row of the
//! attack catalogue that it replays, and says which flaw put back it would catch; where the flaw is
//! one formula, the test runs the attack against it as well and shows the profit.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw, Release};
use gage_core::invariants::check_invariants;
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Kind, Liquidation, Payment, Plan};
use gage_core::listing;
use gage_core::sweep;
use gage_core::token::{self, Movement};
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, Error, FeedId, MarketId, PauseLevel, QueueId, Shares,
    Stop, Token, U256, VaultId, WAD, Wad, address,
};
use world::*;

const ALICE: Address = USERS[0];
const MALLORY: Address = USERS[1];
const FRIEND: Address = USERS[2];
const LENDER: Address = USERS[3];
const ALL_DECIMALS: [u8; 6] = [0, 2, 6, 8, 18, 27];

fn asset(number: u32) -> AssetId {
    AssetId::new(number)
}

fn vault(number: u32) -> VaultId {
    VaultId::new(number)
}

fn of(owner: Address) -> AccountId {
    AccountId { market: MARKET, owner, sub: 0 }
}

fn deposit(world: &mut World, who: Address, to: u32, assets: u128) -> Result<Shares, Stop> {
    lending::deposit(&mut world.ledger, who, vault(to), Assets::new(assets), who)
}

fn redeem_all(world: &mut World, who: Address, from: u32) -> Result<Assets, Stop> {
    let shares = Shares::new(world.held(Token::Share(vault(from)), who));
    let exit = Exit { receiver: who, owner: who };
    lending::redeem(&mut world.ledger, who, vault(from), shares, exit)
}

fn pledge(world: &mut World, who: Address, what: u32, amount: u128) {
    let amount = Assets::new(amount);
    borrowing::supply_collateral(&mut world.ledger, who, &of(who), asset(what), amount).unwrap();
}

fn borrow(world: &mut World, who: Address, from: u32, amount: u128) -> Result<(), Stop> {
    let draw = Draw {
        market: MARKET,
        sub: 0,
        vault: vault(from),
        amount: Assets::new(amount),
        receiver: who,
    };
    world.ledger.atomically(|l| borrowing::borrow(l, who, &draw))
}

fn release(world: &mut World, who: Address, what: u32, amount: u128) -> Result<Assets, Stop> {
    let release = Release {
        market: MARKET,
        sub: 0,
        asset: asset(what),
        amount: Assets::new(amount),
        receiver: who,
    };
    world.ledger.atomically(|l| borrowing::withdraw_collateral(l, who, &release))
}

fn repay(
    world: &mut World,
    who: Address,
    whose: Address,
    to: u32,
    amount: u128,
) -> Result<Assets, Stop> {
    let amount = Assets::new(amount);
    world.ledger.atomically(|l| borrowing::repay(l, who, &of(whose), vault(to), amount))
}

fn liquidate(world: &mut World, who: Address, whose: Address, max: u128) -> Result<Plan, Stop> {
    liquidate_pair(world, (who, whose), (1, 2), max)
}

/// Liquidates a debt to the first-named vault for the second-named asset.
fn liquidate_pair(
    world: &mut World,
    (who, whose): (Address, Address),
    (debt, collateral): (u32, u32),
    max: u128,
) -> Result<Plan, Stop> {
    let asked = Liquidation {
        vault: vault(debt),
        asset: asset(collateral),
        max_repay: Assets::new(max),
        receiver: who,
        payment: Payment::Assets,
    };
    world.ledger.atomically(|l| liquidation::liquidate(l, who, &of(whose), &asked))
}

fn refused<T: core::fmt::Debug>(outcome: Result<T, Stop>) -> Error {
    match outcome {
        Err(Stop::Refused(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn sound(world: &World) {
    let broken = check_invariants(&world.ledger);
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A lender in vault 1, whose asset 1 and asset 2 have `decimals`, and Alice owing most of what
/// ten tokens of asset 2 allow.
fn indebted(decimals: [u8; 2]) -> World {
    let mut world = World::new(&decimals, 1);
    let [lent, pledged] = decimals.map(unit);
    deposit(&mut world, LENDER, 1, 1_000 * lent).unwrap();
    pledge(&mut world, ALICE, 2, 100 * pledged);
    borrow(&mut world, ALICE, 1, 75 * lent).unwrap();
    world
}

/// S-01, S-11 (Hundred Finance, Dual Pools): in an empty vault, hold dust, donate a fortune, let a
/// victim enter, leave with the victim's deposit. Catches the mutant that counts the vault's token
/// balance as its cash, and the one without virtual shares.
#[test]
fn reg_s01_empty_market_donation() {
    for decimals in ALL_DECIMALS {
        let mut world = World::new(&[decimals, 18], 1);
        let one = unit(decimals);
        let before = wealth(&world.ledger, &[MALLORY]);
        deposit(&mut world, MALLORY, 1, 1).unwrap();
        let price =
            lending::preview_redeem(&mut world.ledger, vault(1), Shares::new(10_u128.pow(20)));
        let custody = address::custody(vault(1));
        let token = Token::Asset(asset(1));
        token::transfer(&mut world.ledger, MALLORY, token, custody, 10_000 * one).unwrap();
        let donated =
            lending::preview_redeem(&mut world.ledger, vault(1), Shares::new(10_u128.pow(20)));
        assert_eq!(price, donated, "SHR-2: a donation moved the share price");
        let victim = wealth(&world.ledger, &[ALICE]);
        deposit(&mut world, ALICE, 1, 5_000 * one).unwrap();
        redeem_all(&mut world, MALLORY, 1).unwrap();
        redeem_all(&mut world, ALICE, 1).unwrap();
        let unit_value = value(&world.ledger, asset(1), 1, true);
        assert!(wealth(&world.ledger, &[MALLORY]) <= before);
        assert!(wealth(&world.ledger, &[ALICE]) + unit_value >= victim, "the victim lost");
        sound(&world);
    }
    // The flaw: cash is the balance, shares are not virtual. One share takes the victim's deposit.
    let (donation, deposit) = (10_000_u128, 5_000_u128);
    let minted = deposit / (1 + donation);
    assert_eq!(minted, 0, "the victim of the flaw gets no share, the attacker owns all");
}

/// S-05, S-06 (Radiant, HopeLend): in a vault with one tiny lender, drive the index up, then loop
/// deposits and withdrawals around the rounding of one share. Catches rounding the burn down.
#[test]
fn reg_s05_index_inflation_loop() {
    for decimals in ALL_DECIMALS {
        let mut world = World::new(&[decimals, 18], 1);
        let one = unit(decimals);
        deposit(&mut world, LENDER, 1, 10 * one).unwrap();
        pledge(&mut world, ALICE, 2, 1_000 * unit(18));
        borrow(&mut world, ALICE, 1, 10 * one).unwrap();
        for _ in 0..20 {
            world.pass(31_536_000);
            lending::accrue(&mut world.ledger, vault(1)).unwrap();
        }
        let before = wealth(&world.ledger, &[MALLORY]);
        let mut dice = Dice(5);
        let room = lending::max_deposit(&mut world.ledger, vault(1)).unwrap().get();
        for _ in 0..2_000 {
            let amount = dice.amount(room.min(one * 10)).clamp(1, room.clamp(1, one * 10));
            if deposit(&mut world, MALLORY, 1, amount).is_err() {
                continue;
            }
            for _ in 0..3 {
                let exit = Exit { receiver: MALLORY, owner: MALLORY };
                let l = &mut world.ledger;
                let _ =
                    l.atomically(|l| lending::withdraw(l, MALLORY, vault(1), Assets::new(1), exit));
            }
            let shares = world.held(Token::Share(vault(1)), MALLORY);
            let exit = Exit { receiver: MALLORY, owner: MALLORY };
            let _ = world
                .ledger
                .atomically(|l| lending::redeem(l, MALLORY, vault(1), Shares::new(shares), exit));
        }
        assert!(wealth(&world.ledger, &[MALLORY]) <= before, "decimals {decimals}");
        sound(&world);
    }
}

/// S-12 (Venus THE): fill a cap, then exceed it by raw transfers. Catches counting custody balances
/// as collateral or as cap usage.
#[test]
fn reg_s12_donation_over_cap() {
    let mut world = indebted([6, 18]);
    let l = &mut world.ledger;
    let cap = terms(7_500, 8_100, [400, 1_000], 120 * unit(18), 2);
    listing::set_collateral(l, OWNER, MARKET, asset(2), &cap).unwrap();
    pledge(&mut world, MALLORY, 2, 20 * unit(18));
    let before = standing(&world.settled(), &of(MALLORY));
    let movement = (Token::Asset(asset(2)), address::market_custody(), 480 * unit(18));
    token::transfer(&mut world.ledger, MALLORY, movement.0, movement.1, movement.2).unwrap();
    assert_eq!(standing(&world.settled(), &of(MALLORY)), before);
    let one = Assets::new(1);
    let l = &mut world.ledger;
    let over =
        l.atomically(|l| borrowing::supply_collateral(l, MALLORY, &of(MALLORY), asset(2), one));
    assert!(matches!(refused(over), Error::CapExceeded { .. }));
    assert!(matches!(
        refused(borrow(&mut world, MALLORY, 1, 1_501 * unit(6) / 100)),
        Error::AboveLimit { .. }
    ));
    // Bystanders still leave.
    redeem_all(&mut world, LENDER, 1).unwrap_err();
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    redeem_all(&mut world, LENDER, 1).unwrap();
    sound(&world);
}

/// F-01 (token-lending reference program): one-unit redemptions near half a unit gain under
/// rounding to nearest. Catches any rounding to nearest in conversions.
#[test]
fn reg_f01_share_rounding() {
    let mut world = indebted([6, 18]);
    world.pass(86_400 * 37);
    let before = wealth(&world.ledger, &[MALLORY]);
    for amount in 1..2_000_u128 {
        deposit(&mut world, MALLORY, 1, amount).unwrap();
        let paid = redeem_all(&mut world, MALLORY, 1).unwrap_or_default();
        assert!(paid.get() <= amount, "redeem(deposit({amount})) = {paid}");
    }
    assert!(wealth(&world.ledger, &[MALLORY]) <= before);
    // The flaw: with 3 assets for 2 shares, nearest gives 1 share for 1 asset, and 2 assets for it.
    let nearest = |a: u128, b: u128, d: u128| (a * b + d / 2) / d;
    assert!(nearest(nearest(1, 2, 3), 3, 2) > 1);
    sound(&world);
}

/// F-03 (Abracadabra): repay everyone, then loop draws and repayments of one unit until debt shares
/// and debt disagree. Catches clearing shares rounded up, and zero-sided steps.
#[test]
fn reg_f03_unit_borrow_repay_loop() {
    for decimals in [0, 6] {
        let mut world = indebted([decimals, 18]);
        world.pass(86_400 * 500);
        repay(&mut world, MALLORY, ALICE, 1, u128::MAX).unwrap();
        world.report_all_again();
        pledge(&mut world, MALLORY, 2, 100 * unit(18));
        borrow(&mut world, MALLORY, 1, 2 * unit(decimals)).unwrap();
        for _ in 0..3_000 {
            let before = world.ledger.vaults[&vault(1)];
            let drawn = borrow(&mut world, MALLORY, 1, 1);
            let repaid = repay(&mut world, MALLORY, MALLORY, 1, 1);
            let after = world.ledger.vaults[&vault(1)];
            if drawn.is_ok() && repaid.is_ok() {
                assert!(after.debt_shares >= before.debt_shares);
                assert_eq!(after.cash, before.cash);
            }
            assert_eq!(
                after.debt_shares.is_zero(),
                after.accrue(world.ledger.now).debt().is_zero()
            );
        }
        repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
        assert!(world.ledger.vaults[&vault(1)].debt_shares.is_zero());
        sound(&world);
    }
}

/// V-01, V-16 (bZx, UniLend): an operation that skips the health check, or makes it with the state
/// before. Every operation that could lower one's health is tried one unit beyond the limit.
#[test]
fn reg_v01_health_postcondition_all_ops() {
    let mut world = indebted([6, 18]);
    // 75 of 75 allowed are drawn: nothing more can be, nothing can leave.
    assert!(matches!(refused(borrow(&mut world, ALICE, 1, 1)), Error::AboveLimit { .. }));
    assert!(matches!(
        refused(release(&mut world, ALICE, 2, 1_000_000_000)),
        Error::AboveLimit { .. }
    ));
    assert!(matches!(refused(release(&mut world, ALICE, 2, u128::MAX)), Error::AboveLimit { .. }));
    // Nor with stale prices, nor with prices at a bound.
    world.pass(7_201);
    assert!(matches!(refused(release(&mut world, ALICE, 2, 1)), Error::StalePrice { .. }));
    assert!(matches!(refused(borrow(&mut world, ALICE, 1, 1)), Error::StalePrice { .. }));
    // Others cannot lower her health: their operations on her account only add and repay.
    world.report_all_again();
    let before = standing(&world.settled(), &of(ALICE));
    let l = &mut world.ledger;
    borrowing::supply_collateral(l, MALLORY, &of(ALICE), asset(1), Assets::new(1)).unwrap();
    repay(&mut world, MALLORY, ALICE, 1, unit(6)).unwrap();
    let after = standing(&world.settled(), &of(ALICE));
    assert!(after.weighted >= before.weighted && after.debt < before.debt);
    // Repaying and leaving always works.
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    release(&mut world, ALICE, 2, u128::MAX).unwrap();
    sound(&world);
}

/// V-03 (Mirror): an object named twice is paid twice. The core's lists are those of a market;
/// listing twice is refused, and one collateral counts once however often it is supplied.
#[test]
fn reg_v03_duplicates() {
    let mut world = World::new(&[6, 18], 1);
    let l = &mut world.ledger;
    let again = terms(7_500, 8_000, [400, 1_000], 1, 1);
    let outcome = l.atomically(|l| listing::add_collateral(l, OWNER, MARKET, asset(1), &again));
    assert!(matches!(refused(outcome), Error::AlreadyListed { .. }));
    let line = listing::LineTerms { feed: FeedId::new(1), min_debt: Assets::new(1) };
    let outcome = l.atomically(|l| listing::list_vault(l, OWNER, MARKET, vault(1), &line));
    assert!(matches!(refused(outcome), Error::AlreadyListed { .. }));
    pledge(&mut world, ALICE, 2, 5);
    pledge(&mut world, ALICE, 2, 5);
    let account = &world.ledger.accounts[&of(ALICE)];
    assert_eq!((account.collaterals.len(), account.collateral(1)), (1, Assets::new(10)));
    release(&mut world, ALICE, 2, 10).unwrap();
    assert!(matches!(
        refused(release(&mut world, ALICE, 2, 1)),
        Error::InsufficientCollateral { .. }
    ));
    sound(&world);
}

/// V-08 (Euler v1): borrower and liquidator are one; she makes herself liquidatable and takes the
/// bonus. While collateral covers debt the coalition never gains; insolvent, at most the smallest
/// bonus. A bonus above `C/D − 1` meets two guards, the cap on the bonus and the check of the outcome;
/// catches losing both (the properties in `liquidation` catch losing one).
#[test]
fn reg_v08_self_liquidation_coalition() {
    for percent in [94, 92, 90, 85, 80, 79, 78, 76, 70, 50, 20, 1] {
        let mut world = indebted([6, 18]);
        world.report(2, 100 * WAD / 100 * percent).unwrap();
        let team = [ALICE, MALLORY, FRIEND];
        let solvent = {
            let now = standing(&world.settled(), &of(ALICE));
            now.cover >= now.debt
        };
        let before = wealth(&world.ledger, &team);
        let mut repaid = U256::ZERO;
        for round in 0..20 {
            let who = team[round % team.len()];
            let max = if round < 10 { 5 * unit(6) } else { u128::MAX };
            if let Ok(plan) = liquidate(&mut world, who, ALICE, max) {
                repaid += value(&world.ledger, asset(1), plan.repaid().get(), true);
            }
        }
        let after = wealth(&world.ledger, &team);
        let most = if solvent { U256::ZERO } else { repaid * U256::from(4) / U256::from(100) };
        let dust = U256::from(10_u128.pow(13));
        assert!(after <= before + most + dust, "{percent} %: {before} -> {after}, at most {most}");
        sound(&world);
    }
    // The flaw: at 76 % collateral is worth 76 for 75 owed; a fixed bonus of 10 % pays 82.5.
    let (collateral, debt) = (76_u128, 75_u128);
    assert!(debt * 110 / 100 > collateral, "the flawed bonus leaves bad debt behind");
}

/// C-02, C-03 (Venus and Blizz with LUNA): a feed pinned to its bound while the market is beyond.
/// Catches refusing such a report, which leaves the last price in force, and believing it.
#[test]
fn reg_c02_feed_at_bound() {
    for price in [0, 1, u128::MAX] {
        let mut world = indebted([6, 18]);
        world.report(2, price).unwrap();
        pledge(&mut world, MALLORY, 2, 1_000 * unit(18));
        assert!(matches!(
            refused(borrow(&mut world, MALLORY, 1, unit(6))),
            Error::PriceOutOfBounds { .. }
        ));
        assert!(matches!(
            refused(release(&mut world, ALICE, 2, 1)),
            Error::PriceOutOfBounds { .. }
        ));
        assert!(liquidate(&mut world, MALLORY, ALICE, u128::MAX).is_err());
        // Bystanders, and the debtor, still leave.
        release(&mut world, MALLORY, 2, u128::MAX).unwrap();
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
        release(&mut world, ALICE, 2, u128::MAX).unwrap();
        redeem_all(&mut world, LENDER, 1).unwrap();
        sound(&world);
    }
}

/// Q-01 (Black Thursday): nobody bids, and collateral goes for nothing. Unsold collateral stays the
/// owner's; nothing is seized for nothing; the bonus rises with the distance and stays bounded.
#[test]
fn reg_q01_no_bidder_no_sale() {
    let mut world = indebted([6, 18]);
    world.report(2, 90 * WAD).unwrap();
    assert!(refused(liquidate(&mut world, MALLORY, ALICE, 0)) == Error::ZeroAmount);
    let mut last = Wad::ZERO;
    for cents in [9_250, 9_000, 8_750, 8_500] {
        let mut world = indebted([6, 18]);
        world.report(2, WAD / 100 * cents).unwrap();
        let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        assert!(plan.kind == Kind::Partial && plan.bonus > last, "{plan:?}");
        assert!(plan.bonus_bps() <= Bps::new(1_000));
        last = plan.bonus;
        // The owner keeps the surplus, and the account is back at its target.
        assert!(plan.health_after >= Wad::new(WAD * 105 / 100 - WAD / 1_000_000));
        assert!(plan.health_after <= Wad::new(WAD * 1_051 / 1_000));
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
        release(&mut world, ALICE, 2, u128::MAX).unwrap();
        sound(&world);
    }
}

/// Q-08 (Alkemi): debt and collateral of one asset, liquidator and borrower the same. Catches
/// balances read before and written after a movement.
#[test]
fn reg_q08_aliasing_same_asset() {
    for who in [ALICE, MALLORY] {
        let mut world = World::new(&[6, 18], 1);
        deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
        pledge(&mut world, ALICE, 1, 100 * unit(6));
        borrow(&mut world, ALICE, 1, 75 * unit(6)).unwrap();
        // Interest alone makes the account unhealthy: both sides have one price.
        while standing(&world.settled(), &of(ALICE)).debt < U256::from(8_500 * WAD) {
            world.pass(86_400);
        }
        world.report_all_again();
        let team = [ALICE, MALLORY];
        let before = wealth(&world.ledger, &team);
        let supply = world.ledger.assets[&asset(1)].supply;
        liquidate_pair(&mut world, (who, ALICE), (1, 1), u128::MAX).unwrap();
        assert_eq!(world.ledger.assets[&asset(1)].supply, supply);
        let dust = U256::from(10_u128.pow(14));
        assert!(wealth(&world.ledger, &team) <= before + dust);
        sound(&world);
    }
}

/// a debt of one unit, and of what a second's interest rounds it up to, is liquidatable and
/// closes.
#[test]
fn reg_q11_unit_debt() {
    let mut world = World::new(&[0, 18], 1);
    deposit(&mut world, LENDER, 1, 10).unwrap();
    pledge(&mut world, ALICE, 2, 4 * unit(18));
    borrow(&mut world, ALICE, 1, 1).unwrap();
    world.report(2, 60 * WAD).unwrap();
    let debt = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(1)).unwrap();
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    assert_eq!(plan.repaid(), debt);
    assert!(!world.ledger.accounts[&of(ALICE)].has_debt());
    sound(&world);
}

/// debt far above the collateral's value underflows nothing; it is closed in one call, and
/// the loss is borne at once. Catches a formula that subtracts debt from collateral.
#[test]
fn reg_q11_ltv_above_one() {
    for percent in [70, 40, 5] {
        let mut world = indebted([6, 18]);
        world.report(2, WAD * percent).unwrap();
        let before = world.ledger.vaults[&vault(1)];
        let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        assert_eq!(plan.kind, Kind::CloseOut);
        assert!(!world.ledger.accounts.contains_key(&of(ALICE)), "BAD-1");
        let after = world.ledger.vaults[&vault(1)];
        assert!(after.debt_shares.is_zero() && after.losses > before.losses);
        // The lender leaves with what is left, to the unit of rounding.
        let paid = redeem_all(&mut world, LENDER, 1).unwrap();
        assert!(paid.get() + 2 >= after.cash.get() - after.reserves.get());
        sound(&world);
    }
}

/// an empty reserve fund neither stops a liquidation nor pays for one; a filled one bears the
/// loss before lenders do (BAD-2).
#[test]
fn reg_q11_zero_reserves() {
    for years in [0, 1] {
        let mut world = indebted([6, 18]);
        world.pass(31_536_000 * years);
        world.report_all_again();
        world.report(2, 75 * WAD).unwrap();
        let reserves = world.settled().vaults[&vault(1)].reserves;
        assert_eq!(reserves.is_zero(), years == 0);
        let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        let loss = plan.repayments[0].loss;
        assert!(loss.shortfall > Assets::ZERO);
        assert_eq!(
            loss.from_reserves,
            loss.shortfall
                .min(world.settled().vaults[&vault(1)].reserves.saturating_add(loss.from_reserves))
        );
        assert!(loss.from_lenders.is_zero() || world.ledger.vaults[&vault(1)].reserves.is_zero());
        sound(&world);
    }
}

/// a repayment of a unit or two in front of a liquidation does not void it: amounts are clamped.
/// Catches liquidation by exact amounts.
#[test]
fn reg_q11_unit_repay_in_front() {
    let mut world = indebted([6, 18]);
    world.report(2, 90 * WAD).unwrap();
    let debt = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(1)).unwrap();
    assert!(matches!(refused(repay(&mut world, ALICE, ALICE, 1, 1)), Error::ZeroShares { .. }));
    repay(&mut world, ALICE, ALICE, 1, 2).unwrap();
    let plan = liquidate(&mut world, MALLORY, ALICE, debt.get()).unwrap();
    assert!(plan.repaid() > Assets::ZERO);
    sound(&world);
}

/// a liquidation pause is never one-sided: while frozen borrowers can still repay, and after
/// it they have an hour before anyone can liquidate.
#[test]
fn reg_q11_asymmetric_pause() {
    let mut world = indebted([6, 18]);
    listing::set_pause(&mut world.ledger, GUARDIAN, MARKET, PauseLevel::Frozen).unwrap();
    world.report(2, 90 * WAD).unwrap();
    assert!(matches!(
        refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)),
        Error::MarketPaused { .. }
    ));
    repay(&mut world, ALICE, ALICE, 1, unit(6)).unwrap();
    let l = &mut world.ledger;
    let lower = l.atomically(|l| listing::set_pause(l, GUARDIAN, MARKET, PauseLevel::Open));
    assert!(matches!(refused(lower), Error::NotAuthorised { .. }));
    listing::set_pause(&mut world.ledger, GOVERNANCE, MARKET, PauseLevel::Open).unwrap();
    assert!(matches!(
        refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)),
        Error::LiquidationPaused { .. }
    ));
    world.pass(3_600);
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    sound(&world);
}

/// L-02 (Solend): the owner of one market changes another's terms. Catches checking that the caller
/// owns *a* market.
#[test]
fn reg_l02_foreign_market_owner() {
    let mut world = indebted([6, 18]);
    let l = &mut world.ledger;
    let free = listing::MarketTerms {
        target_health: Wad::new(2 * WAD),
        full_bonus_health: Wad::new(WAD / 2),
    };
    let own = listing::create_market(l, MALLORY, &free).unwrap();
    assert_eq!(own, MarketId::new(2));
    let harsh = terms(0, 100, [0, 5_000], 1, 2);
    let changes: [Result<(), Stop>; 4] = [
        l.atomically(|l| listing::set_collateral(l, MALLORY, MARKET, asset(2), &harsh)),
        l.atomically(|l| listing::set_market_terms(l, MALLORY, MARKET, &free)),
        l.atomically(|l| listing::set_pause(l, MALLORY, MARKET, PauseLevel::Frozen)),
        l.atomically(|l| listing::set_market_owner(l, MALLORY, MARKET, MALLORY)),
    ];
    for change in changes {
        assert!(matches!(refused(change), Error::NotAuthorised { .. }));
    }
    // Even the owner cannot liquidate by a change: the threshold falls along a ramp.
    let low = terms(7_000, 7_200, [400, 1_000], 10_000 * unit(18), 2);
    listing::set_collateral(l, OWNER, MARKET, asset(2), &low).unwrap();
    assert!(matches!(
        refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)),
        Error::Healthy { .. }
    ));
    world.pass(86_400);
    world.report_all_again();
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    sound(&world);
}

/// T-03 (bZx iToken): a transfer to oneself doubles the balance. Catches reading both balances
/// before writing either.
#[test]
fn reg_t03_self_transfer() {
    let mut world = indebted([6, 18]);
    for token in [Token::Asset(asset(1)), Token::Share(vault(1))] {
        for value in [0, 1, 1_000] {
            let before = world.held(token, LENDER);
            token::transfer(&mut world.ledger, LENDER, token, LENDER, value).unwrap();
            assert_eq!(world.held(token, LENDER), before);
        }
        let held = world.held(token, LENDER);
        let more = world.ledger.atomically(|l| token::transfer(l, LENDER, token, LENDER, held + 1));
        assert!(matches!(refused(more), Error::InsufficientBalance { .. }));
    }
    let own = Movement { token: Token::Asset(asset(1)), from: LENDER, to: LENDER, value: 1 };
    let outcome = world.ledger.atomically(|l| token::transfer_from(l, LENDER, &own));
    assert!(matches!(refused(outcome), Error::InsufficientAllowance { .. }));
    // The vault lends to itself, in vain: the draw becomes a donation.
    let draw = Draw {
        market: MARKET,
        sub: 0,
        vault: vault(1),
        amount: Assets::new(unit(6) / 2),
        receiver: address::custody(vault(1)),
    };
    pledge(&mut world, MALLORY, 2, unit(18));
    borrowing::borrow(&mut world.ledger, MALLORY, &draw).unwrap();
    sound(&world);
}

/// D-01 at its end: collateral worth nothing, everything lent. What is left can be taken, the rest
/// of the shares given up, nobody pays for them by depositing, and the vault starts anew. Catches
/// deposits into a vault whose old shares would own them.
#[test]
fn reg_d01_total_loss() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 75 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 75 * unit(6)).unwrap();
    world.report(2, 2).unwrap();
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    assert_eq!((plan.kind, plan.repaid()), (Kind::CloseOut, Assets::new(1)));
    let exit = Exit { receiver: LENDER, owner: LENDER };
    lending::withdraw(&mut world.ledger, LENDER, vault(1), Assets::new(1), exit).unwrap();
    assert_eq!(lending::max_deposit(&mut world.ledger, vault(1)), Ok(Assets::ZERO));
    let late = deposit(&mut world, MALLORY, 1, unit(6));
    assert!(matches!(refused(late), Error::VaultWipedOut { .. }));
    assert_eq!(redeem_all(&mut world, LENDER, 1), Ok(Assets::ZERO));
    deposit(&mut world, MALLORY, 1, unit(6)).unwrap();
    assert_eq!(redeem_all(&mut world, MALLORY, 1), Ok(Assets::new(unit(6))));
    sound(&world);
}

/// LIQ-1, Q-11: after an outage of a feed nobody is liquidated on its price before borrowers had
/// time to see it. Catches a feed whose first report after the outage liquidates at once.
#[test]
fn reg_q11_grace_after_a_stale_feed() {
    let mut world = indebted([6, 18]);
    world.pass(7_201);
    world.report(1, 100 * WAD).unwrap();
    world.report(2, 85 * WAD).unwrap();
    let resumes_at = world.ledger.feeds[&FeedId::new(2)].liquidation_resumes_at;
    let during = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
    assert!(matches!(during, Error::LiquidationPaused { .. }), "{during:?}");
    // Borrowers can act meanwhile.
    world
        .ledger
        .atomically(|l| borrowing::repay(l, ALICE, &of(ALICE), vault(1), Assets::new(unit(6))))
        .unwrap();
    world.pass(resumes_at.since(world.ledger.now));
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    sound(&world);
}

/// LIQ-5, Q-11: an account that owes a little more than the minimum, on two collaterals neither of
/// which pays for all of it, is liquidated all the same: the one that is named is exhausted.
#[test]
fn reg_q11_debt_at_the_minimum_on_two_collaterals() {
    for (above, swept) in [0, 1, 3, 1_000].into_iter().flat_map(|n| [(n, false), (n, true)]) {
        let mut world = World::new(&[6, 18, 18], 1);
        let l = &mut world.ledger;
        let minimum = l.lines[&(MARKET, vault(1))].min_debt.get();
        lending::deposit(l, LENDER, vault(1), Assets::new(minimum * 100), LENDER).unwrap();
        let id = AccountId { market: MARKET, owner: ALICE, sub: 0 };
        for asset in [2, 3] {
            // Together 140 % of the debt.
            let pledged = Assets::new(unit(18) / 10 * 7 / 10);
            borrowing::supply_collateral(l, ALICE, &id, AssetId::new(asset), pledged).unwrap();
        }
        let amount = Assets::new(minimum + above);
        let draw = Draw { market: MARKET, sub: 0, vault: vault(1), amount, receiver: ALICE };
        borrowing::borrow(l, ALICE, &draw).unwrap();
        for asset in [2, 3] {
            world.report(asset, 85 * WAD).unwrap();
        }
        let l = &mut world.ledger;
        let mut rounds = 0;
        if swept {
            for asset in [2, 3] {
                let queue = QueueId { market: MARKET, vault: vault(1), asset: AssetId::new(asset) };
                let shares = Shares::new(minimum * 20 * unit(6));
                bids::place_bid(l, LENDER, queue, Tier::new(0).unwrap(), shares).unwrap();
            }
            assert!(sweep::sweep(l, &id).unwrap().is_some(), "{above}");
            assert!(gage_core::margin::health(l, &id).unwrap() >= Wad::ONE, "{above}");
        }
        while gage_core::margin::health(l, &id).unwrap() < Wad::ONE {
            let asked = Liquidation {
                vault: vault(1),
                asset: AssetId::new(2 + rounds),
                max_repay: Assets::MAX,
                receiver: LENDER,
                payment: Payment::Assets,
            };
            liquidation::liquidate(l, LENDER, &id, &asked).unwrap();
            rounds += 1;
            assert!(rounds <= 2, "{above}");
        }
        assert_eq!(check_invariants(l), []);
    }
}
