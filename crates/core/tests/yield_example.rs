//! The worked example of `docs/yield-bearing.md`, with every number in it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::{Error, FeedId, WAD, Wad, feed, lending};
use world::acts::*;
use world::staking::*;
use world::*;

/// To the cent, rounded down.
fn cents(wad: u128) -> u128 {
    wad / (WAD / 100)
}

fn thousandths(wad: Wad) -> u128 {
    wad.get() / (WAD / 1_000)
}

#[test]
fn rates_of_the_documentation() {
    let mut world = staking();
    assert_eq!(cents(quoted(&world, STAKED)), 360_000);
    // 100 wstETH are worth 120 WETH; 108 of them are drawn, and the account lives above 0.9 / 0.93.
    lever(&mut world, ALICE, 100 * WAD, 108 * WAD).unwrap();
    assert_eq!(thousandths(health(&world, &in_pair(ALICE))), 1_033);
    world.pass(86_400 - 8);
    world.report(2, 3_000 * WAD).unwrap();
    // Five percent more after a day: a day's growth is accepted.
    world.report(RATE, 126 * WAD / 100).unwrap();
    assert_eq!(world.ledger.now.get(), world.ledger.feeds[&FeedId::new(RATE)].updated_at.get());
    assert_eq!(cents(quoted(&world, STAKED)), 360_098);
    // A fall passes at once, and so does the way back to what was accepted.
    world.report(RATE, 117 * WAD / 100).unwrap();
    assert_eq!(cents(quoted(&world, STAKED)), 351_000);
    assert_eq!(thousandths(health(&world, &in_pair(ALICE))), 1_007);
    world.report(RATE, 116 * WAD / 100).unwrap();
    assert_eq!(cents(quoted(&world, STAKED)), 348_000);
    assert_eq!(thousandths(health(&world, &in_pair(ALICE))), 998);
    world.report(RATE, 12 * WAD / 10).unwrap();
    assert_eq!(cents(quoted(&world, STAKED)), 360_000);
    // A change of growth starts from the rate that counts, and lowers nothing.
    feed::set_growth(&mut world.ledger, OWNER, FeedId::new(RATE), per_year(4)).unwrap();
    assert_eq!(cents(quoted(&world, STAKED)), 360_000);
    sound(&world);
}

#[test]
fn shares_of_the_documentation() {
    let mut world = staking();
    // Bob lends 10 WETH and pledges the shares in the dollar market.
    let shares = deposit(&mut world, ALICE, 2, 10 * WAD).unwrap().get();
    assert_eq!(shares, 10 * WHOLE_SHARE);
    pledge(&mut world, ALICE, SHARE, shares);
    borrow(&mut world, ALICE, 1, 20_000 * unit(6)).unwrap();
    assert_eq!(thousandths(health(&world, &of(ALICE))), 1_200);
    // Half of the vault is lent for a year, at 4.1 % of what is lent: his shares grow by 1.89 %.
    lever(&mut world, FRIEND, 600 * WAD, 505 * WAD).unwrap();
    world.pass(31_536_000);
    world.report_all_again();
    let grown = quoted(&world, SHARES);
    assert_eq!(cents(grown), 305_685);
    // Nobody moves it by a gift.
    let custody = gage_core::address::custody(vault(2));
    let weth = gage_core::Token::Asset(asset(2));
    gage_core::token::transfer(&mut world.ledger, MALLORY, weth, custody, 500 * WAD).unwrap();
    assert_eq!(quoted(&world, SHARES), grown);
    let worth =
        lending::preview_redeem(&mut world.ledger, vault(2), gage_core::Shares::new(shares));
    assert_eq!(worth.unwrap().get() / (WAD / 10_000), 101_895);
    // The dollar vault rests on the WETH vault now: its shares cannot back what that one lends.
    let refused = refused(list_share(&mut world.ledger, PAIR, vault(1), 1));
    assert!(matches!(refused, Error::CircularBacking { .. }));
    sound(&world);
}
