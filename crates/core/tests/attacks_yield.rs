//! Attacks on yield-bearing collateral that drained other protocols, tried on ours. Each test is named by
//! the row of the attack catalogue that it replays, and says which flaw put back it would catch.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self};
use gage_core::feed::{self};
use gage_core::lending::{self, Exit};
use gage_core::listing;
use gage_core::quote::quote;
use gage_core::token::{self, Movement};
use gage_core::{
    Assets, Error, Event, FeedId, Ray, Shares, Token, U256, WAD, Wad, address, curation,
};
use world::acts::*;
use world::staking::*;
use world::*;

/// S-10 (Resupply): a vault with nothing or dust in it has no share price. Catches pricing a share of a
/// thin vault, and a price whose product floors to nothing.
#[test]
fn reg_s10_thin_share() {
    for dust in [0_u128, 1, 2, WAD / 1_000 - 1] {
        let mut world = staking();
        let thin = new_vault(&mut world, asset(2));
        if dust > 0 {
            deposit(&mut world, MALLORY, 4, dust).unwrap();
        }
        let custody = address::custody(thin);
        token::transfer(&mut world.ledger, MALLORY, Token::Asset(asset(2)), custody, WAD).unwrap();
        let market = new_market(&mut world.ledger);
        let refusal = refused(list_share(&mut world.ledger, market, thin, 2));
        assert!(matches!(refusal, Error::ThinVault { vault, .. } if vault == thin), "{refusal}");
        // With a thousandth of a token it may be listed; if that leaves again, the share counts nothing.
        deposit(&mut world, MALLORY, 4, WAD).unwrap();
        let feed = list_share(&mut world.ledger, market, thin, 2).unwrap();
        assert!(quoted(&world, feed.get()) > 2_999 * WAD);
        redeem_all(&mut world, MALLORY, 4).unwrap();
        assert_eq!(quoted(&world, feed.get()), 0);
        // Nothing is not stale: other collateral of such an account still counts and can be sold.
        assert_eq!(quote(&mut world.ledger, feed).unwrap().fresh_price(), Ok(Wad::ZERO));
        sound(&world);
    }
    // A product that floors to zero is no price.
    let mut world = staking();
    world.report(2, 1).unwrap();
    world.report(RATE, WAD * 6 / 10).unwrap();
    let told = quote(&mut world.ledger, FeedId::new(STAKED)).unwrap();
    assert!(told.price.is_zero() && told.fresh_price().is_err());
}

/// S-13 (Venus wUSDM), O-22: a wrapper's rate is raised within a block, borrowed against, and let fall
/// again. Catches taking a rate as reported: 5 % are enough for a profit then.
#[test]
fn reg_s13_rate_raised_within_a_block() {
    for (times, headroom) in [(105, 0), (150, 0), (1_000, 0), (105, 400), (1_000, 400)] {
        let mut world = staking();
        world.pass(headroom * 86_400);
        world.report_all_again();
        let before = wealth(&world.ledger, &[MALLORY]);
        let price = quoted(&world, STAKED);
        world.report(RATE, RATE_START / 100 * times).unwrap();
        let risen = quoted(&world, STAKED);
        // A week's growth at 10 % a year at most, whatever is reported.
        assert!(risen <= price + price * 192 / 100_000, "{price} -> {risen}");
        let told = world.ledger.events.iter().any(|event| {
            matches!(event, Event::RateCapped { reported, accepted, .. }
                if reported.get() == RATE_START / 100 * times && accepted < reported)
        });
        assert!(told);
        // Mallory borrows all she can and walks away from the account, so she owns what she drew.
        pledge(&mut world, MALLORY, 3, 100 * WAD);
        let limit = risen * 100 / WAD * 7_500 / 10_000;
        borrow(&mut world, MALLORY, 1, limit * unit(6)).unwrap();
        let more = refused(borrow(&mut world, MALLORY, 1, limit * unit(6) / 100));
        assert!(matches!(more, Error::AboveLimit { .. }));
        world.report(RATE, RATE_START).unwrap();
        assert!(wealth(&world.ledger, &[MALLORY]) <= before);
        sound(&world);
        // The flaw: at the reported rate she draws more than her collateral is worth.
        if times >= 150 {
            let drawn = price / 100 * times * 100 / WAD * 7_500 / 10_000;
            assert!(drawn > price * 100 / WAD);
        }
    }
}

/// S-14 (Cream yUSD): redeem nearly all of a vault's supply, donate to it, borrow against the rest at
/// twice the price. Catches a share price that is read from a balance.
#[test]
fn reg_s14_burn_supply_then_donate() {
    let mut world = staking();
    let shares = deposit(&mut world, MALLORY, 2, 50 * WAD).unwrap().get();
    pledge(&mut world, MALLORY, SHARE, shares);
    let before = wealth(&world.ledger, &[MALLORY]);
    let price = quoted(&world, SHARES);
    redeem_all(&mut world, LENDER, 2).unwrap();
    let custody = address::custody(vault(2));
    token::transfer(&mut world.ledger, MALLORY, Token::Asset(asset(2)), custody, 50 * WAD).unwrap();
    let after = quoted(&world, SHARES);
    // Leaving rounds by a unit of the vault's 50 · 10^18.
    assert!(after >= price && after - price <= price / WAD + 1, "{price} -> {after}");
    let over = refused(borrow(&mut world, MALLORY, 1, 112_501 * unit(6)));
    assert!(matches!(over, Error::AboveLimit { .. }));
    assert!(wealth(&world.ledger, &[MALLORY]) < before);
    sound(&world);
}

/// S-15 (Lodestar), S-17 (Edel): nothing that anybody may call raises a share's price within a block by
/// more than rounding. Catches a total that counts gifts, and interest that is counted twice.
#[test]
fn reg_s15_no_call_raises_a_share_price_in_its_block() {
    let mut world = staking();
    lever(&mut world, FRIEND, 500 * WAD, 400 * WAD).unwrap();
    deposit(&mut world, MALLORY, 2, 100 * WAD).unwrap();
    world.pass(86_400);
    world.report_all_again();
    let before = wealth(&world.ledger, &[MALLORY]);
    let price = quoted(&world, SHARES);
    let mut dice = Dice(15);
    for _ in 0..400 {
        let amount = dice.amount(10 * WAD);
        let l = &mut world.ledger;
        let exit = Exit { receiver: MALLORY, owner: MALLORY };
        let (custody, weth) = (address::custody(vault(2)), Token::Asset(asset(2)));
        let share = Token::Share(vault(2));
        let market = address::market_custody();
        let assets = Assets::new(amount);
        let _ = match dice.below(8) {
            0 => l.atomically(|l| token::transfer(l, MALLORY, weth, custody, amount)),
            1 => l.atomically(|l| token::transfer(l, MALLORY, share, custody, amount)),
            2 => l.atomically(|l| token::transfer(l, MALLORY, share, market, amount)),
            3 => lending::accrue(l, vault(2)),
            4 => l
                .atomically(|l| lending::deposit(l, MALLORY, vault(2), assets, MALLORY))
                .map(|_| ()),
            5 => {
                l.atomically(|l| lending::withdraw(l, MALLORY, vault(2), assets, exit)).map(|_| ())
            }
            6 => l
                .atomically(|l| {
                    let account = in_pair(FRIEND);
                    borrowing::repay(l, MALLORY, &account, vault(2), assets)
                })
                .map(|_| ()),
            _ => l
                .atomically(|l| lending::redeem(l, MALLORY, vault(2), Shares::new(amount), exit))
                .map(|_| ()),
        };
        let now = quoted(&world, SHARES);
        assert!(now >= price && now - price <= 400 * (price / WAD + 1), "{price} -> {now}");
    }
    assert!(wealth(&world.ledger, &[MALLORY]) <= before + U256::from(price));
    sound(&world);
}

/// S-16 (0VIX): the rate of a *debt* asset is raised by a gift to liquidate honest borrowers of it.
/// Catches an uncapped rate on the debt side, and a price that is read from a balance.
#[test]
fn reg_s16_inflated_debt_rate() {
    for times in [105, 150, 1_000] {
        let mut world = staking();
        pledge(&mut world, ALICE, 2, 100 * WAD);
        // 100 WETH at 80 % and 3,000 carry 62.5 staked at 3,600 at LTV; health is 81 / 75.
        borrow(&mut world, ALICE, 3, 62 * WAD).unwrap();
        let custody = address::custody(vault(3));
        let gift = (Token::Asset(asset(3)), custody, 5_000 * WAD);
        token::transfer(&mut world.ledger, MALLORY, gift.0, gift.1, gift.2).unwrap();
        world.report(RATE, RATE_START / 100 * times).unwrap();
        assert!(health(&world, &of(ALICE)) > Wad::ONE);
        let taken = liquidate_pair(&mut world, (MALLORY, ALICE), (3, 2), u128::MAX);
        assert!(matches!(refused(taken), Error::Healthy { .. }));
        sound(&world);
    }
}

/// S-17 (Edel Finance): supply and borrow a wrapper recursively, redeem, donate the underlying back, and
/// borrow the rest at the inflated rate. The rate is the attested one, so the donation is lost.
#[test]
fn reg_s17_recursive_supply_then_donate() {
    let mut world = staking();
    let before = wealth(&world.ledger, &[MALLORY]);
    let mut coins = 100 * WAD;
    for _ in 0..6 {
        let shares = deposit(&mut world, MALLORY, 2, coins).unwrap().get();
        pledge(&mut world, MALLORY, SHARE, shares);
        coins = coins * 3 / 5;
        let dollars = coins / WAD * 3_000 * unit(6);
        borrow(&mut world, MALLORY, 1, dollars).unwrap();
    }
    let health_before = health(&world, &of(MALLORY));
    let price = quoted(&world, SHARES);
    redeem_all(&mut world, LENDER, 2).unwrap();
    let custody = address::custody(vault(2));
    token::transfer(&mut world.ledger, MALLORY, Token::Asset(asset(2)), custody, 500 * WAD)
        .unwrap();
    let risen = quoted(&world, SHARES);
    assert!(risen - price <= price / WAD + 1);
    let slack = Wad::new(health_before.get() / WAD + 2);
    assert!(health(&world, &of(MALLORY)) <= health_before.saturating_add(slack));
    assert!(wealth(&world.ledger, &[MALLORY]) < before);
    sound(&world);
}

/// S-18 (Summer.fi): gifts of shares to vaults and to the market move no value anywhere, and a share
/// of an empty vault counts nothing. Catches a net asset value that sums what lies on an address.
#[test]
fn reg_s18_donated_child_shares() {
    let mut world = staking();
    deposit(&mut world, MALLORY, 1, 1_000 * unit(6)).unwrap();
    deposit(&mut world, MALLORY, 2, 10 * WAD).unwrap();
    deposit(&mut world, MALLORY, 3, 10 * WAD).unwrap();
    let shares = deposit(&mut world, ALICE, 2, 10 * WAD).unwrap().get();
    pledge(&mut world, ALICE, SHARE, shares);
    let totals = |world: &World| {
        let of = |number| world.ledger.vaults[&vault(number)].accrue(world.ledger.now);
        [1, 2, 3].map(|number| (of(number).total_assets(), of(number).utilisation()))
    };
    let (before, price) = (totals(&world), quoted(&world, SHARES));
    for child in 1..=3 {
        for parent in 1..=3 {
            for to in [address::custody(vault(parent)), address::market_custody()] {
                let token = Token::Share(vault(child));
                let half = world.held(token, MALLORY) / 2;
                let movement = Movement { token, from: MALLORY, to, value: half };
                token::transfer(&mut world.ledger, MALLORY, token, to, movement.value).unwrap();
                assert_eq!(totals(&world), before);
                assert_eq!(quoted(&world, SHARES), price);
            }
        }
    }
    let empty = new_vault(&mut world, asset(2));
    let market = new_market(&mut world.ledger);
    assert!(list_share(&mut world.ledger, market, empty, 2).is_err());
    sound(&world);
}

/// S-18, D-07: a share never backs debt that its own vault pays for, directly or through others.
#[test]
fn reg_s18_circles_are_refused() {
    let mut world = staking();
    // Directly: vault 2's share in the market that vault 2 lends to, in either order.
    let direct = refused(list_share(&mut world.ledger, PAIR, vault(2), 2));
    let two = vault(2);
    let expected = Error::CircularBacking { market: PAIR, share: two, lender: two, closing: PAIR };
    assert_eq!(direct, expected);
    let direct = open_line(&mut world.ledger, MARKET, vault(2), 2);
    assert!(is_circular(&direct), "{direct:?}");
    // Through another: vault 1 rests on vault 2 (market 1); shares of vault 1 in vault 2's market close
    // the circle.
    let through = refused(list_share(&mut world.ledger, PAIR, vault(1), 1));
    let expected =
        Error::CircularBacking { market: PAIR, share: vault(1), lender: two, closing: MARKET };
    assert_eq!(through, expected);
    assert!(through.to_string().contains("market 2 shares of vault 1 would back debt to vault 2"));
    // A share that rests on nothing is welcome, and the line to a market of it too.
    let l = &mut world.ledger;
    let market = new_market(l);
    list_share(l, market, vault(3), STAKED).unwrap();
    open_line(l, market, vault(1), 1).unwrap();
    // A line without cap and debt is none: closed, it no longer stands in the way.
    let way = refused(list_share(l, market, vault(1), 1));
    assert!(matches!(way, Error::CircularBacking { .. }));
    curation::set_line_cap(l, CURATOR, vault(1), market, Assets::ZERO).unwrap();
    list_share(l, market, vault(1), 1).unwrap();
    let again = curation::set_line_cap(l, CURATOR, vault(1), market, Assets::new(1));
    assert!(is_circular(&again), "{again:?}");
    sound(&world);
}

/// C-16, SC-09 (Aave CAPO, 2026-03-10): an agent may raise the anchor of a rate by 3 % in 3 days, and wanted
/// 1.1572 → 1.2282 with the anchor's time a week ago. The limit took 3 % of the ratio and all of the
/// time, so the cap came to lie 2.85 % below the true rate, and whoever had a health below 1.0293 was
/// liquidated. Catches an anchor whose parts are written apart, and one that lies below an accepted rate.
#[test]
fn reg_c16_anchor_moves_whole() {
    let rate = |number: u128| number * WAD / 10_000;
    let mut world = staking();
    let growth = per_year(9);
    feed::set_growth(&mut world.ledger, OWNER, FeedId::new(RATE), growth).unwrap();
    // The true rate has crept up from 1.2 to 1.2289 under the cap.
    for step in 1..=100 {
        world.pass(3 * 86_400 - 1);
        world.report(RATE, RATE_START + (rate(12_289) - RATE_START) * step / 100).unwrap();
    }
    world.report_all_again();
    assert_eq!(world.ledger.feeds[&FeedId::new(RATE)].price.get(), rate(12_289));
    // A leveraged account, as there were 34: health 1.02 in the pair market.
    let steep = terms(9_200, 9_300, [100, 400], cap(1_000_000, 18), STAKED);
    listing::set_collateral(&mut world.ledger, OWNER, PAIR, asset(3), &steep).unwrap();
    lever(&mut world, ALICE, 100 * WAD, 112 * WAD).unwrap();
    let at = health(&world, &in_pair(ALICE)).get();
    assert_eq!(at / (WAD / 1_000), 1_020);

    // What happened: the ratio of the anchor clamped to +3 %, its time moved all the same.
    let year = 31_536_000_u128;
    let half_applied = rate(11_572) * 103 / 100 * (year + 7 * 86_400 * 9 / 100) / year;
    assert!(
        half_applied * 10_290 < rate(12_289) * 10_000,
        "the flaw's cap lies below the true rate"
    );
    let fallen = part_of(at, half_applied, rate(12_289));
    assert!(fallen < WAD, "at the flaw's cap Alice is liquidated: {fallen}");

    // Here a change of growth, any change, writes the rate that counts and the moment as one.
    for growth in [per_year(9), per_year(0), per_year(100), Ray::ZERO, per_year(3)] {
        feed::set_growth(&mut world.ledger, OWNER, FeedId::new(RATE), growth).unwrap();
        let cap = world.ledger.growth_caps[&FeedId::new(RATE)];
        assert_eq!((cap.anchor.get(), cap.since), (rate(12_289), world.ledger.now));
        let slack = at / 1_000_000;
        assert!(health(&world, &in_pair(ALICE)).get() + slack >= at);
        for later in [0, 60, 86_400] {
            assert!(cap.limit(world.ledger.now.after(later)).get() >= rate(12_289));
        }
        world.report(RATE, rate(12_289)).unwrap();
        assert_eq!(world.ledger.feeds[&FeedId::new(RATE)].price.get(), rate(12_289));
        let spared = liquidate_in_pair(&mut world, MALLORY, ALICE);
        assert!(matches!(refused(spared), Error::Healthy { .. }));
        sound(&world);
    }
    // After a true fall the anchor follows the rate that counts, and no parameter brings the old one back.
    world.report(RATE, rate(12_000)).unwrap();
    feed::set_growth(&mut world.ledger, OWNER, FeedId::new(RATE), per_year(9)).unwrap();
    world.report(RATE, rate(12_289)).unwrap();
    assert!(world.ledger.feeds[&FeedId::new(RATE)].price.get() < rate(12_001));
}

/// S-19 (LlamaLend sDOLA): a price that rises, by whatever and however often, liquidates nobody who
/// holds it. Catches a valuation that is not monotone in the rate.
#[test]
fn reg_s19_a_rise_liquidates_nobody() {
    let mut dice = Dice(19);
    for round in 0..40 {
        let mut world = staking();
        let shares = deposit(&mut world, ALICE, 2, 50 * WAD).unwrap().get();
        pledge(&mut world, ALICE, SHARE, shares);
        pledge(&mut world, ALICE, 3, u128::from(dice.below(100)) * WAD + 1);
        let limit = standing(&world.settled(), &of(ALICE)).limit;
        let most: u128 = (limit / U256::from(10_u128.pow(12))).saturating_to();
        borrow(&mut world, ALICE, 1, most).unwrap();
        lever(&mut world, FRIEND, 100 * WAD, 107 * WAD).unwrap();
        let before = [of(ALICE), in_pair(FRIEND)].map(|id| health(&world, &id));
        let weth = world.ledger.feeds[&FeedId::new(2)].price.get();
        // WETH is debt in the pair market, so only the rate rises there.
        let rate = RATE_START / 100 * (100 + u128::from(dice.below(100)));
        world.report(RATE, rate).unwrap();
        if round % 2 == 0 {
            world.report(2, weth / 100 * (100 + u128::from(dice.below(100)))).unwrap();
        }
        for (id, before) in [of(ALICE), in_pair(FRIEND)].iter().zip(before) {
            // Interest of the seconds that reports take.
            let slack = Wad::new(before.get() / 100_000);
            assert!(health(&world, id).saturating_add(slack) >= before, "{id:?}");
            assert!(health(&world, id) >= Wad::ONE);
        }
        assert!(liquidate_in_pair(&mut world, MALLORY, FRIEND).is_err());
        sound(&world);
    }
}
