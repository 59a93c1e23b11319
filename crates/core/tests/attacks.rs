//! Attacks that drained other protocols, tried on ours. Each test is named by the row of the
//! attack catalogue that it replays, and says which flaw put back it would catch; where the flaw is
//! one formula, the test runs the attack against it as well and shows the profit.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self, Draw};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::Kind;
use gage_core::listing;
use gage_core::shares::{VIRTUAL_ASSETS, VIRTUAL_SHARES};
use gage_core::terms::{self, Subject};
use gage_core::token::{self, Movement};
use gage_core::{
    Assets, Error, FeedId, MarketId, PauseLevel, RAY, Shares, Stop, Token, U256, WAD, Wad, address,
    pause,
};
use world::acts::*;
use world::*;

const ALL_DECIMALS: [u8; 6] = [0, 2, 6, 8, 18, 27];

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

/// What a share of vault 1 costs, as a fraction.
fn share_price(world: &World) -> [U256; 2] {
    let pool = world.ledger.vaults[&vault(1)].accrue(world.ledger.now).pool();
    let assets = pool.assets.add(VIRTUAL_ASSETS).unwrap();
    let shares = pool.shares.add(VIRTUAL_SHARES).unwrap();
    [U256::from(assets.get()), U256::from(shares.get())]
}

/// S-05, S-06 (Radiant, HopeLend): in a vault with one tiny lender, drive the index up, then loop
/// deposits and withdrawals around the rounding of one share. Catches rounding the burn down, and
/// the mint up: then a deposit makes shares cheaper, though by too little for a profit.
#[test]
fn reg_s05_index_inflation_loop() {
    for decimals in ALL_DECIMALS {
        let mut world = World::new(&[decimals, 18], 1);
        let one = unit(decimals);
        deposit(&mut world, LENDER, 1, one).unwrap();
        pledge(&mut world, ALICE, 2, 1_000 * unit(18));
        borrow(&mut world, ALICE, 1, one).unwrap();
        for _ in 0..20 {
            world.pass(31_536_000);
            lending::accrue(&mut world.ledger, vault(1)).unwrap();
        }
        let before = wealth(&world.ledger, &[MALLORY]);
        let mut dice = Dice(5);
        let mut entered = 0;
        for _ in 0..40 {
            let amount = dice.amount(10 * one).clamp(1, 100 * one);
            world.ledger.events.clear();
            for _ in 0..3 {
                let [assets, shares] = share_price(&world);
                entered += u32::from(deposit(&mut world, MALLORY, 1, amount).is_ok());
                let [assets_after, shares_after] = share_price(&world);
                assert!(assets_after * shares >= assets * shares_after, "{amount} buys too much");
            }
            let exit = Exit { receiver: MALLORY, owner: MALLORY };
            for _ in 0..20 {
                let l = &mut world.ledger;
                let _nothing_left =
                    l.atomically(|l| lending::withdraw(l, MALLORY, vault(1), Assets::new(1), exit));
            }
            let shares = Shares::new(world.held(Token::Share(vault(1)), MALLORY));
            let l = &mut world.ledger;
            let _nothing_left =
                l.atomically(|l| lending::redeem(l, MALLORY, vault(1), shares, exit));
        }
        // At 27 decimals such a debt is more than a vault may take in.
        assert!(entered > 80 || decimals == 27, "{decimals}: {entered}");
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
    // A thousand units leave in pieces of one and a half.
    let shares = deposit(&mut world, MALLORY, 1, 1_000).unwrap().get();
    let (piece, mut paid) = (Shares::new(shares * 3 / 2_000 + 1), 0);
    let exit = Exit { receiver: MALLORY, owner: MALLORY };
    while let Ok(out) =
        world.ledger.atomically(|l| lending::redeem(l, MALLORY, vault(1), piece, exit))
    {
        paid += out.get();
    }
    assert!(paid > 600 && paid <= 1_000, "{paid}");
    assert!(wealth(&world.ledger, &[MALLORY]) <= before);
    // The flaw: with 3 assets for 2 shares, nearest gives 1 share for 1 asset, and 2 assets for it.
    let nearest = |a: u128, b: u128, d: u128| (a * b + d / 2) / d;
    assert!(nearest(nearest(1, 2, 3), 3, 2) > 1);
    sound(&world);
}

/// F-03 (Abracadabra): interest makes a share of debt worth several units; everyone's debt is repaid for them, and then
/// units are drawn and repaid until shares and debt disagree. Nothing owed is no share owed, and the other way round; a
/// draw owes what it takes, and a repayment takes off no more than it brings. Catches clearing shares rounded up, which
/// pays a debt back for a fraction of it.
#[test]
fn reg_f03_unit_borrow_repay_loop() {
    for decimals in [0, 6] {
        let mut world = indebted([decimals, 18]);
        borrow_the_rest(&mut world);
        while world.ledger.vaults[&vault(1)].index.get() < 4 * RAY {
            world.pass(86_400 * 7);
            lending::accrue(&mut world.ledger, vault(1)).unwrap();
        }
        for whose in [ALICE, FRIEND] {
            repay(&mut world, MALLORY, whose, 1, u128::MAX).unwrap();
        }
        let nothing_is_no_share = |world: &World| {
            let record = &world.ledger.vaults[&vault(1)];
            let debt = record.accrue(world.ledger.now).debt();
            assert_eq!(record.owed.is_zero(), debt.is_zero(), "{record:?}");
            debt.get()
        };
        assert_eq!(nothing_is_no_share(&world), 0);
        world.report_all_again();
        pledge(&mut world, MALLORY, 2, 100 * unit(18));
        let (mut moved, before) = ([0; 2], wealth(&world.ledger, &[MALLORY]));
        for round in 0..5_000_u128 {
            world.ledger.events.clear();
            // Sixty at once and more unit by unit, which go back in pieces of one to seven.
            let owed = nothing_is_no_share(&world);
            let amount = if owed == 0 { 60 + 2 * world.dust(asset(1)) } else { 1 };
            if borrow(&mut world, MALLORY, 1, amount).is_ok() {
                assert!(nothing_is_no_share(&world) >= owed + amount, "{owed} and {amount} drawn");
                moved[0] += 1;
            }
            let owed = nothing_is_no_share(&world);
            if let Ok(paid) = repay(&mut world, MALLORY, MALLORY, 1, 1 + round % 7) {
                let left = nothing_is_no_share(&world);
                assert!(left + paid.get() >= owed, "{paid} take {owed} down to {left}");
                moved[1] += 1;
            }
        }
        assert!(moved.iter().all(|times| *times > 1_000), "{moved:?}");
        repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
        assert_eq!(nothing_is_no_share(&world), 0);
        assert!(wealth(&world.ledger, &[MALLORY]) <= before);
        sound(&world);
    }
}

/// A friend draws nearly all that is left in vault 1.
fn borrow_the_rest(world: &mut World) {
    pledge(world, FRIEND, 2, 5_000 * unit(18));
    borrow(world, FRIEND, 1, 900 * unit(world.decimals[0])).unwrap();
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
        l.atomically(|l| pause::set_pause(l, MALLORY, MARKET, PauseLevel::Frozen)),
        l.atomically(|l| listing::set_market_owner(l, MALLORY, MARKET, MALLORY)),
    ];
    for change in changes {
        assert!(matches!(refused(change), Error::NotAuthorised { .. }));
    }
    // Even the owner cannot liquidate by a change: Alice keeps her threshold, until it falls along a
    // move that was announced.
    let low = terms(7_000, 7_200, [400, 1_000], 10_000 * unit(18), 2);
    listing::set_collateral(l, OWNER, MARKET, asset(2), &low).unwrap();
    let times = (l.now.after(86_400), l.now.after(2 * 86_400));
    let subject = Subject::Collateral(asset(2));
    let moved = l.atomically(|l| terms::schedule_move(l, MALLORY, MARKET, subject, times));
    assert!(matches!(refused(moved), Error::NotAuthorised { .. }));
    terms::schedule_move(l, OWNER, MARKET, subject, times).unwrap();
    assert!(matches!(
        refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX)),
        Error::Healthy { .. }
    ));
    world.pass(86_400);
    world.report_all_again();
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
