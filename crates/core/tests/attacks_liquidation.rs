//! Attacks on liquidation, tried on ours: on the open one, the sweep and the queue of bids. Each test
//! is named by the row of the attack catalogue that it replays.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw};
use gage_core::curation;
use gage_core::invariants::check_invariants;
use gage_core::lending;
use gage_core::liquidation::{self, Kind, Liquidation, Payment};
use gage_core::listing;
use gage_core::stop_loss::{StopLoss, set_stop_loss};
use gage_core::sweep::{self, SweepPlan, SweepReason};
use gage_core::token;
use gage_core::{
    AccountId, Address, AssetId, Assets, BidId, Bps, Error, FeedId, MarketId, PauseLevel, QueueId,
    Shares, Stop, Token, U256, WAD, Wad, address, pause,
};
use world::acts::*;
use world::*;

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
        assert!(after.owed.is_zero() && after.losses > before.losses);
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
    pause::set_pause(&mut world.ledger, GUARDIAN, MARKET, PauseLevel::Frozen).unwrap();
    world.report(2, 90 * WAD).unwrap();
    assert!(matches!(
        refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)),
        Error::MarketPaused { .. }
    ));
    repay(&mut world, ALICE, ALICE, 1, unit(6)).unwrap();
    let l = &mut world.ledger;
    let lower = l.atomically(|l| pause::set_pause(l, GUARDIAN, MARKET, PauseLevel::Open));
    assert!(matches!(refused(lower), Error::NotAuthorised { .. }));
    pause::set_pause(&mut world.ledger, GOVERNANCE, MARKET, PauseLevel::Open).unwrap();
    assert!(matches!(
        refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)),
        Error::LiquidationPaused { .. }
    ));
    world.pass(3_600);
    liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
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

/// LIQ-5: whatever an unhealthy account has and owes, some collateral of it can be sold for some
/// debt, and a few calls later it is healthy or closed. Catches a bonus that takes all of what a sale
/// improves, so that rounding refuses it.
#[test]
fn reg_q11_every_unhealthy_account_finds_a_liquidator() {
    let mut base = World::new(&[6, 8, 18, 18], 2);
    deposit(&mut base, LENDER, 1, 500_000 * unit(6)).unwrap();
    deposit(&mut base, LENDER, 2, 500_000 * unit(8)).unwrap();
    // With one threshold for all, what a sale at the largest bonus improves is nothing.
    let mut even = base.clone();
    for what in 1..=4 {
        let cap = cap(10_000_000, even.decimals[what as usize - 1]);
        let terms = terms(7_500, 8_000, [500, 1_000], cap, what);
        listing::set_collateral(&mut even.ledger, OWNER, MARKET, asset(what), &terms).unwrap();
    }
    even.pass(86_400);
    even.report_all_again();
    let mut dice = Dice(1);
    let mut cases = 0;
    for case in 0..8_000 {
        let mut world = if case % 2 == 0 { base.clone() } else { even.clone() };
        if case % 3 == 0 {
            world.weigh([0, 1_000, 20_000, 50_000]);
        }
        let whole: u128 = dice.pick(&[1, 1, 2, 10, 1_000]);
        let mut allowed = 0;
        for what in [2, 3, 4] {
            let part = u128::from(dice.below(1_000_000));
            if dice.below(2) == 0 && part > 0 {
                let one = unit(world.decimals[what as usize - 1]);
                pledge(&mut world, ALICE, what, whole * one / 1_000_000 * part);
                allowed += whole * 75 * part / 1_000_000;
            }
        }
        let split = u128::from(dice.pick(&[0, 0, 100, dice.0 % 101]));
        for (from, part) in [(1, split), (2, 100 - split)] {
            let most = allowed * unit(world.decimals[from as usize - 1]) / 100;
            let amount = most * part / 100 * (80 + u128::from(dice.below(20))) / 100;
            let _ = borrow(&mut world, ALICE, from, amount + u128::from(dice.below(1_000)));
        }
        world.pass(dice.below(3_000));
        for feed in 1..=4 {
            let cents = if feed < 3 { 10_000 } else { 7_000 + u128::from(dice.below(3_000)) };
            world.report(feed, WAD / 100 * cents).unwrap();
        }
        cases += u32::from(standing(&world.settled(), &of(ALICE)).unhealthy());
        let mut calls = 0;
        while standing(&world.settled(), &of(ALICE)).unhealthy() {
            let aims = [1, 2].into_iter().flat_map(|debt| [2, 3, 4].map(|what| (debt, what)));
            let sold = aims
                .into_iter()
                .find_map(|aim| liquidate_pair(&mut world, (LENDER, ALICE), aim, u128::MAX).ok());
            assert!(sold.is_some(), "case {case}: {:?}", world.ledger.accounts[&of(ALICE)]);
            calls += 1;
            assert!(calls <= 6, "case {case}");
        }
        sound(&world);
    }
    assert!(cases > 1_000, "{cases}");
}

fn queue(lent: u32, pledged: u32) -> QueueId {
    QueueId { market: MARKET, vault: vault(lent), asset: asset(pledged) }
}

/// Deposits `assets` in vault 1 and bids them for asset 2.
fn bid(world: &mut World, who: Address, tier: u8, assets: u128) -> Result<(), Stop> {
    let shares = deposit(world, who, 1, assets)?;
    let tier = Tier::new(tier).unwrap();
    world.ledger.atomically(|l| bids::place_bid(l, who, queue(1, 2), tier, shares))
}

/// Claims and withdraws a bid whole.
fn leave(world: &mut World, who: Address, tier: u8) {
    let place = (queue(1, 2), Tier::new(tier).unwrap());
    let l = &mut world.ledger;
    // What is refused has nothing to give: no collateral bought, or no shares left.
    let _ = l.atomically(|l| bids::claim_bid(l, who, place, who));
    if l.atomically(|l| bids::announce_bid_withdrawal(l, who, place.0, place.1)).is_ok() {
        l.now = l.now.after(bids::NOTICE_SECONDS);
        l.atomically(|l| bids::withdraw_bid(l, who, place, Shares::MAX, who)).unwrap();
    }
    world.report_all_again();
}

fn sweep(world: &mut World, whose: Address) -> Option<SweepPlan> {
    let swept = sweep::sweep(&mut world.ledger, &of(whose)).unwrap();
    if swept.as_ref().is_some_and(SweepPlan::leaves_bad_debt) {
        sweep::write_off(&mut world.ledger, &of(whose)).unwrap();
    }
    swept
}

fn unhealthy(world: &World, whose: Address) -> bool {
    standing(&world.settled(), &of(whose)).unhealthy()
}

/// Q-01 (Black Thursday): the only bidder alive asks for the deepest discount. It gets nothing that
/// an open liquidation would not pay at that health, and no unit below its own price.
#[test]
fn reg_q01_a_lone_bidder_at_the_deepest_tier() {
    let mut bought = 0;
    for cents in (7_600..9_400).step_by(50) {
        let mut world = indebted([6, 18]);
        bid(&mut world, MALLORY, 18, 900 * unit(6)).unwrap();
        world.report(2, WAD / 100 * cents).unwrap();
        let health = gage_core::margin::health(&mut world.ledger, &of(ALICE)).unwrap();
        let bonus = liquidation::bonus_curve(
            health,
            Wad::new(WAD * 9 / 10),
            Bps::new(400),
            Bps::new(1_000),
        );
        let tier = Tier::new(18).unwrap();
        let swept = sweep(&mut world, ALICE);
        let fills = swept.map(|plan| plan.fills).unwrap_or_default();
        assert!(fills.is_empty() || tier.bonus() <= bonus, "{cents}: {fills:?}");
        bought += fills.len();
        for fill in &fills {
            let worth = value(&world.ledger, asset(2), fill.seized.get(), false);
            let paid = value(&world.ledger, asset(1), fill.repaid.get(), true);
            // Nine per cent off.
            assert!(worth * U256::from(91) <= paid * U256::from(100) + U256::from(WAD / 10_000));
        }
        sound(&world);
    }
    assert!(bought > 0, "the tier never bought: the test would prove nothing");
}

/// Q-02, Q-09 (Anchor, BendDAO): bids for a fraction of what must go, and prices that fall by up to
/// 60 % at once. What bids do not take is open to everyone at once; nobody stays unhealthy, no debt
/// stays without collateral, and loss appears only where the collateral was worth less than the debt.
#[test]
fn reg_q02_shallow_bids_in_a_fall() {
    for percent in [95, 88, 80, 70, 55, 40] {
        let mut world = indebted([6, 18]);
        pledge(&mut world, FRIEND, 2, 10 * unit(18));
        borrow(&mut world, FRIEND, 1, 7 * unit(6)).unwrap();
        for tier in [0, 4, 8] {
            bid(&mut world, MALLORY, tier, unit(6)).unwrap();
        }
        world.report(2, WAD * percent).unwrap();
        let before = standing(&world.settled(), &of(ALICE));
        for whose in [ALICE, FRIEND] {
            sweep(&mut world, whose);
            for _ in 0..4 {
                if unhealthy(&world, whose) {
                    liquidate(&mut world, LENDER, whose, u128::MAX).unwrap();
                }
            }
            assert!(!unhealthy(&world, whose), "{percent}: {whose}");
        }
        let lost = world.ledger.vaults[&vault(1)].losses;
        assert_eq!(lost.is_zero(), before.cover >= before.debt, "{percent}");
        sound(&world);
    }
}

/// Q-03 (Solend): one account owes nearly all of a market and bids are a hundredth of it. Each block
/// sells what waits, and when at last more waits than it owes, no more than brings it to its target;
/// the rest stays its owner's.
#[test]
fn reg_q03_a_whale_and_bids_that_refill() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 10_000 * unit(18));
    borrow(&mut world, ALICE, 1, 7_000 * unit(6)).unwrap();
    world.report(2, WAD * 80).unwrap();
    let whole = standing(&world.settled(), &of(ALICE));
    let mut blocks = 0;
    while unhealthy(&world, ALICE) {
        let waiting = if blocks < 10 { 70 * unit(6) } else { 7_000 * unit(6) };
        bid(&mut world, MALLORY, 2, waiting).unwrap();
        let before = standing(&world.settled(), &of(ALICE));
        let plan = sweep(&mut world, ALICE).unwrap();
        let after = standing(&world.settled(), &of(ALICE));
        // LIQ-2, exactly: health rises with every sale.
        assert!(after.weighted * before.debt > before.weighted * after.debt);
        assert!(plan.fills[0].repaid.get() <= waiting + unit(6));
        blocks += 1;
        assert!(blocks < 100);
        world.pass(2);
    }
    let left = standing(&world.settled(), &of(ALICE));
    assert!(blocks > 10 && left.collateral * U256::from(3) > whole.collateral, "{blocks}");
    let health = gage_core::margin::health(&mut world.ledger, &of(ALICE)).unwrap();
    assert!(health <= Wad::new(WAD * 1_051 / 1_000), "{health}");
    sound(&world);
}

/// Q-04 (Aave's CRV short): the *debt* asset is squeezed upwards. In steps that the threshold can bear
/// no lender loses anything, whoever liquidates; in one jump beyond it the loss is what collateral is
/// short of and not a unit more, because the bonus never pushes a solvent account under.
#[test]
fn reg_q04_a_short_squeeze() {
    for (steps, with_bids) in [(6, true), (6, false), (1, true), (1, false)] {
        let mut world = indebted([6, 18]);
        if with_bids {
            for tier in [0, 3, 6] {
                bid(&mut world, MALLORY, tier, 15 * unit(6)).unwrap();
            }
        }
        for step in 1..=steps {
            // From 100 to 175 dollars.
            let price = WAD * (100 * steps + 75 * step) / steps;
            world.report(1, price).unwrap();
            let before = standing(&world.settled(), &of(ALICE));
            sweep(&mut world, ALICE);
            for _ in 0..4 {
                if unhealthy(&world, ALICE) {
                    liquidate(&mut world, LENDER, ALICE, u128::MAX).unwrap();
                }
            }
            let lost = world.ledger.vaults[&vault(1)].losses;
            let lost = value(&world.ledger, asset(1), lost.get(), false);
            let short = before.debt.saturating_sub(before.cover);
            assert!(lost <= short + U256::from(2 * price / unit(6)), "{steps} {lost} {short}");
            assert!(steps == 1 || lost.is_zero(), "{lost}");
        }
        assert!(!unhealthy(&world, ALICE));
        sound(&world);
    }
}

/// Q-05 (Annex): a liquidator or bidder names a vault or collateral that the account or market has
/// nothing to do with.
#[test]
fn reg_q05_foreign_vaults_and_collateral() {
    let mut world = indebted([6, 18]);
    // A vault of worthless tokens that no market lists, run by the attacker.
    let l = &mut world.ledger;
    let caps = curation::Caps { supply: Assets::new(1 << 90), borrow: Assets::new(1 << 90) };
    let naming = curation::Naming { name: label("Fake"), symbol: label("F") };
    let vault_terms = curation::VaultTerms { reserve_fee: Bps::new(0), caps, model: KINKED };
    let fake = curation::create_vault(l, MALLORY, asset(2), naming, &vault_terms).unwrap();
    let shares = lending::deposit(l, MALLORY, fake, Assets::new(unit(18)), MALLORY).unwrap();
    for (market, vault, pledged) in [
        (MARKET, fake, asset(2)),
        (MARKET, vault(9), asset(2)),
        (MARKET, vault(1), asset(9)),
        (MarketId::new(2), vault(1), asset(2)),
    ] {
        let foreign = QueueId { market, vault, asset: pledged };
        let tier = Tier::new(0).unwrap();
        refused(world.ledger.atomically(|l| bids::place_bid(l, MALLORY, foreign, tier, shares)));
    }
    world.report(2, 90 * WAD).unwrap();
    for (debt, pledged) in [(fake.get(), 2), (9, 2), (1, 9), (1, 1)] {
        let aim = (debt, pledged);
        refused(liquidate_pair(&mut world, (MALLORY, ALICE), aim, u128::MAX));
    }
    let id = AccountId { market: MarketId::new(2), ..of(ALICE) };
    let swept = world.ledger.atomically(|l| sweep::sweep(l, &id));
    assert!(matches!(refused(swept), Error::UnknownMarket { .. }));
    sound(&world);
}

/// Q-06 (TheStandard): a borrower's own sale without a minimum. A stop-loss order sells at most at
/// the discount that its owner named, at the market's price, whatever waits below.
#[test]
fn reg_q06_a_stop_loss_has_a_minimum() {
    let mut world = indebted([6, 18]);
    let order = StopLoss {
        vault: vault(1),
        asset: asset(2),
        trigger: Wad::new(WAD * 11 / 10),
        target: Wad::new(WAD * 12 / 10),
        tier_max: Tier::new(2).unwrap(),
    };
    set_stop_loss(&mut world.ledger, ALICE, (MARKET, 0), Some(&order)).unwrap();
    for tier in [3, 10, 18] {
        bid(&mut world, MALLORY, tier, 50 * unit(6)).unwrap();
    }
    assert_eq!(sweep(&mut world, ALICE), None);
    bid(&mut world, MALLORY, 2, unit(6)).unwrap();
    let plan = sweep(&mut world, ALICE).unwrap();
    assert_eq!(plan.reason, SweepReason::StopLoss);
    assert_eq!(plan.fills.len(), 1);
    let fill = &plan.fills[0];
    let worth = value(&world.ledger, asset(2), fill.seized.get(), false);
    let paid = value(&world.ledger, asset(1), fill.repaid.get(), true);
    assert!(worth * U256::from(99) <= paid * U256::from(100));
    sound(&world);
}

/// Q-07 (Onyx): a tiny repayment that seizes everything. Whatever is offered, what is seized is worth
/// what is repaid and the bonus, to the unit (LIQ-3).
#[test]
fn reg_q07_what_is_seized_is_paid_for() {
    let mut paid_once = 0;
    for max in (0..40).map(|bit| 1_u128 << bit).chain([3, 999, 1_000_001, u128::MAX]) {
        let mut world = indebted([6, 18]);
        world.report(2, 90 * WAD).unwrap();
        let before = world.ledger.accounts[&of(ALICE)].clone();
        let Ok(plan) = liquidate(&mut world, MALLORY, ALICE, max) else {
            assert_eq!(world.ledger.accounts[&of(ALICE)], before);
            continue;
        };
        paid_once += 1;
        assert!(plan.repaid().get() <= max);
        let worth = value(&world.ledger, asset(2), plan.seized().get(), false);
        let paid = value(&world.ledger, asset(1), plan.repaid().get(), true);
        let bonus = U256::from(WAD + plan.bonus.get());
        let unit = U256::from(90);
        assert!(worth <= (paid * bonus).div_ceil(U256::from(WAD)) + unit, "{max}");
        sound(&world);
    }
    assert!(paid_once > 10);
}

/// Q-08, LIQ-4: borrower and bidder are one: pushed under by its own withdrawals and a unit of price,
/// sold to itself at the deepest tier, through the sweep and openly. The two together gain nothing.
#[test]
fn reg_q08_a_borrower_who_bids_for_itself() {
    for (tier, cents, sells) in [
        (0, 9_250, true),
        (4, 9_250, true),
        (8, 9_250, false),
        (8, 9_000, true),
        (18, 8_500, false),
        (18, 8_300, true),
    ] {
        let mut world = indebted([6, 18]);
        let team = [ALICE, MALLORY];
        let start = wealth(&world.ledger, &team);
        bid(&mut world, MALLORY, tier, 500 * unit(6)).unwrap();
        world.report(2, WAD / 100 * cents).unwrap();
        // What the team has at this price, before anything is sold.
        let mut idle = world.clone();
        leave(&mut idle, MALLORY, tier);
        let before = wealth(&idle.ledger, &team);
        let swept = sweep(&mut world, ALICE);
        assert_eq!(swept.is_some(), sells, "{tier} {cents}");
        while unhealthy(&world, ALICE) {
            liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
        }
        leave(&mut world, MALLORY, tier);
        let after = wealth(&world.ledger, &team);
        // The interest of ten minutes that a smaller debt saves, and rounding.
        let slack = U256::from(WAD / 100);
        assert!(after <= before + slack, "{tier} {cents}: {before} {after}");
        assert!(after <= start);
        sound(&world);
    }
}

/// S-01, Q-08: donations to the custody of bids and collateral change neither a sale nor anybody's
/// claim. Catches a fill that is sized by the custody's balance.
#[test]
fn reg_s01_donations_to_bids_are_inert() {
    let mut world = indebted([6, 18]);
    bid(&mut world, MALLORY, 4, 5 * unit(6)).unwrap();
    bid(&mut world, FRIEND, 4, 15 * unit(6)).unwrap();
    world.report(2, 88 * WAD).unwrap();
    let mut donated = world.clone();
    let l = &mut donated.ledger;
    let custody = address::market_custody();
    lending::deposit(l, LENDER, vault(1), Assets::new(unit(6)), LENDER).unwrap();
    token::transfer(l, LENDER, Token::Share(vault(1)), custody, unit(6)).unwrap();
    token::transfer(l, LENDER, Token::Asset(asset(2)), custody, unit(18)).unwrap();
    let (plan, with) = (sweep(&mut world, ALICE).unwrap(), sweep(&mut donated, ALICE).unwrap());
    assert_eq!(plan.fills, with.fills);
    for who in [MALLORY, FRIEND] {
        let id = BidId { queue: queue(1, 2), tier: Tier::new(4).unwrap(), bidder: who };
        let claims = [&mut world, &mut donated].map(|w| bids::bid(&mut w.ledger, &id).unwrap());
        assert_eq!(claims[0], claims[1]);
    }
    sound(&donated);
}

/// N-04: in front of every sweep the borrower repays two units, pledges one or moves one between its
/// pockets. A hundred blocks long every sweep that has bids sells.
#[test]
fn reg_n04_a_nudge_in_front_of_every_sweep() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 10_000 * unit(18));
    borrow(&mut world, ALICE, 1, 7_400 * unit(6)).unwrap();
    world.report(2, WAD * 90).unwrap();
    for block in 0..100 {
        bid(&mut world, MALLORY, 4, unit(6)).unwrap();
        match block % 3 {
            0 => drop(repay(&mut world, ALICE, ALICE, 1, 2).unwrap()),
            1 => pledge(&mut world, ALICE, 2, 1),
            _ => drop(repay(&mut world, FRIEND, ALICE, 1, 3).unwrap()),
        }
        assert!(unhealthy(&world, ALICE));
        let plan = sweep(&mut world, ALICE);
        assert!(plan.is_some_and(|plan| !plan.fills.is_empty()), "block {block}");
        world.pass(2);
    }
    sound(&world);
}

/// N-05: dust in the best discounts. A bid below the smallest debt is refused, also as what is left of
/// a larger one, and a withdrawal cannot be had in the block that shows the fall.
#[test]
fn reg_n05_no_dust_bids() {
    let mut world = indebted([6, 18]);
    let least = world.ledger.lines[&(MARKET, vault(1))].min_debt.get();
    for amount in [1, least / 2, least - 1] {
        assert!(matches!(refused(bid(&mut world, MALLORY, 0, amount)), Error::BidTooSmall { .. }));
    }
    bid(&mut world, MALLORY, 0, 3 * least).unwrap();
    let place = (queue(1, 2), Tier::new(0).unwrap());
    bids::announce_bid_withdrawal(&mut world.ledger, MALLORY, place.0, place.1).unwrap();
    world.pass(bids::NOTICE_SECONDS);
    world.report_all_again();
    let held =
        bids::bid(&mut world.ledger, &BidId { queue: place.0, tier: place.1, bidder: MALLORY })
            .unwrap();
    let most = Shares::new(held.shares.get() - least * unit(6) / 2);
    let rest = world.ledger.atomically(|l| bids::withdraw_bid(l, MALLORY, place, most, MALLORY));
    assert!(matches!(refused(rest), Error::BidTooSmall { .. }));
    // Still eligible while its window is open.
    world.report(2, WAD * 90).unwrap();
    assert!(sweep(&mut world, ALICE).is_some());
    sound(&world);
}

/// N-03, N-10: accounts at the minimum, deep under water, cannot crowd out a large one that is only
/// just unhealthy: what a sweep takes first is the debt above the limit.
#[test]
fn reg_n10_dust_does_not_crowd_out_size() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 10_000 * unit(18));
    borrow(&mut world, ALICE, 1, 7_450 * unit(6)).unwrap();
    pledge(&mut world, FRIEND, 2, unit(18) / 7);
    borrow(&mut world, FRIEND, 1, unit(6) / 10).unwrap();
    for tier in 0..8 {
        bid(&mut world, MALLORY, tier, 100 * unit(6)).unwrap();
    }
    world.report(2, WAD * 9_170 / 100).unwrap();
    let large = sweep::plan_sweep(&mut world.ledger, &of(ALICE)).unwrap().unwrap();
    world.report(2, WAD * 75).unwrap();
    let dust = sweep::plan_sweep(&mut world.ledger, &of(FRIEND)).unwrap().unwrap();
    assert!(dust.before.health_factor() < large.before.health_factor());
    assert!(dust.value_at_risk() < large.value_at_risk());
}
