//! Incidents in which a pool's state of the moment was the price: pumped for a block, held for ten, skewed when it was
//! sampled, emptied, or seen between two transfers. Replayed on pools as the only sources, beside a twin that is told the
//! spot.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::pool::observing::pool_state;
use gage_core::{Address, Error, Guards, U256, WAD};
use world::acts::*;
use world::oracle::*;
use world::*;

const WINDOW: u32 = 600;
/// What a pool holds: a million dollars on either side.
const EVEN: [u128; 2] = [10_000 * TOKEN, 10_000 * WAD];

fn pool(number: u8) -> Address {
    pool_terms(number, WINDOW, 1).pool
}

/// Three pools are the sources, and have been watched for a while.
fn pooled() -> World {
    let mut world = market(0, Guards { quorum: 2, ..careful() });
    for number in 0..3 {
        add_pool(&mut world, &pool_terms(number, WINDOW, 100_000), EVEN);
    }
    for _ in 0..80 {
        block(&mut world, 12, &[]);
    }
    assert!(near(last_price(&world), 1));
    borrow(&mut world.clone(), FRIEND, 1, TOKEN).unwrap();
    world
}

/// Whether a price is within so many millionths of what is fair.
fn near(price: u128, millionths: u128) -> bool {
    price.abs_diff(FAIR) <= FAIR / 1_000_000 * millionths
}

/// Sells into or buys out of all pools, so that their price is `numerator / denominator` squared of what it was.
fn skew(world: &mut World, numerator: u128, denominator: u128) {
    for number in 0..3 {
        let reserves = [EVEN[0] * numerator / denominator, EVEN[1] / numerator * denominator];
        trade(world, pool(number), reserves);
    }
}

fn even(world: &mut World) {
    skew(world, 1, 1);
}

/// What a pool's reserves say now, in dollars, if they suffice.
fn spot(world: &World) -> Option<u128> {
    let state = pool_state(&mut world.ledger.clone(), PLEDGED, pool(0)).unwrap();
    Some(state.reading.ok()?.ratio(&state.terms).unwrap().get() * 100)
}

/// Everything that Mallory may try in the block in which she moved the pools.
fn tries(world: &mut World) -> u128 {
    let drawn = draw_all(world, MALLORY);
    for whose in [ALICE, FRIEND] {
        let spared = refused(liquidate(world, MALLORY, whose, u128::MAX));
        assert!(
            matches!(
                spared,
                Error::Healthy { .. }
                    | Error::LiquidationPaused { .. }
                    | Error::StalePrice { .. }
                    | Error::PriceOutOfBounds { .. }
            ),
            "{spared}"
        );
    }
    drawn
}

/// O-15 UwU Lend, O-06 Vesper, O-07 Inverse, O-11 Moola: all pools that a price was made of were moved at once, for the block in
/// which it was used, or held for two or ten blocks so that the average had it. Within a block nothing moves; held, the
/// pools are further from their means than they may be, and say nothing. Catches a spot, and a mean that is believed
/// while somebody moves it.
#[test]
fn reg_o15_all_pools_pumped_and_held_for_ten_blocks() {
    for (numerator, denominator) in [(4, 1), (1, 4), (11, 10), (100, 1), (1, 100)] {
        let mut world = pooled();
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let before = books(&world, FAIR);
        let price = last_price(&world);
        skew(&mut world, numerator, denominator);
        assert!(spot(&world).is_none_or(|spot| !near(spot, 100_000)));
        let mut drawn = tries(&mut world);
        assert_eq!(last_price(&world), price);
        for _ in 0..10 {
            block(&mut world, 12, &[]);
            assert!(near(last_price(&world), 20_000), "{}", last_price(&world));
            drawn += tries(&mut world);
        }
        even(&mut world);
        for _ in 0..120 {
            block(&mut world, 12, &[]);
            assert!(near(last_price(&world), 20_000));
            drawn += tries(&mut world);
        }
        assert!(drawn <= 751 * TOKEN, "{drawn}");
        nobody_lost(&world, before, FAIR);
        exits_work(&world);
    }
    // The twin is told the spot.
    let mut bare = market(1, Guards::default());
    add_pool(&mut bare, &pool_terms(0, WINDOW, 100_000), EVEN);
    pledge(&mut bare, MALLORY, 2, 1_000 * WAD);
    let before = books(&bare, FAIR);
    trade(&mut bare, pool(0), [EVEN[0] * 4, EVEN[1] / 4]);
    let told = spot(&bare);
    assert!(told.unwrap().abs_diff(FAIR * 16) < WAD);
    block(&mut bare, 12, &[told]);
    assert!(draw_all(&mut bare, MALLORY) > 10_000 * TOKEN);
    assert!(books(&bare, FAIR).attacker > before.attacker);
}

/// Seconds until the next reading of the pools is kept, to average from it.
fn until_sampled(world: &World) -> u64 {
    let latest = world.ledger.pool_trails[&(PLEDGED, 0)].marks[0];
    u64::from(WINDOW / 2).saturating_sub(world.ledger.now.since(latest.time))
}

/// O-19 Rodeo, O-23 Makina: the pool was skewed just when it was sampled, again and again, or somebody called the refresh in
/// a skewed block. A sample is of the sum over time: a skew counts for as long as it stood. Catches an average of spots, and
/// a spot.
#[test]
fn reg_o19_skewed_at_every_sample() {
    let fair = |world: &World| assert!(near(last_price(world), 20_000), "{}", last_price(world));
    // Every so many blocks; at zero, in the seconds whose readings are kept.
    let often = [0, 1, 2, 5, 25].into_iter();
    for (every, [numerator, denominator]) in
        often.flat_map(|every| [[3, 1], [1, 3]].map(|by| (every, by)))
    {
        let mut world = pooled();
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let before = books(&world, FAIR);
        let (mut drawn, mut skewed) = (0, 0);
        for number in 0..200_u32 {
            let left = until_sampled(&world);
            // Skewed at the end of one block, levelled at the beginning of the next, after the prelude.
            if number.checked_rem(every).map_or(left == 1, |rest| rest == 0) {
                skew(&mut world, numerator, denominator);
                block(&mut world, 1, &[]);
                fair(&world);
                drawn += tries(&mut world);
                even(&mut world);
                skewed += 1;
            }
            let until_before = until_sampled(&world).saturating_sub(1);
            let seconds = if every == 0 { until_before.min(12) } else { 12 };
            block(&mut world, seconds, &[]);
            fair(&world);
            drawn += tries(&mut world);
        }
        assert!(skewed >= 7, "{skewed}");
        assert!(drawn <= 766 * TOKEN, "{drawn}");
        nobody_lost(&world, before, FAIR);
    }
}

/// O-08 Inverse, O-01, R-17 Market.xyz, R-18 Midas, R-19 dForce, R-21 Sturdy, R-23 EraLend: inside of a call the pool stands
/// between two transfers, or behind a flash loan, and whoever reads it then reads nonsense. The protocol reads no pool while a block runs. Catches a price that is read on use.
#[test]
fn reg_o08_a_pool_between_two_transfers_prices_nothing() {
    let mut world = pooled();
    pledge(&mut world, MALLORY, 2, 1_000 * WAD);
    let fair = draw_all(&mut world.clone(), MALLORY);
    let price = last_price(&world);
    let at = world.ledger.now;
    for exponent in 1..=6 {
        let factor = 10_u128.pow(exponent);
        for reserves in [
            [EVEN[0] * factor, EVEN[1]],
            [EVEN[0] / factor, EVEN[1]],
            [EVEN[0], EVEN[1] * factor],
            [EVEN[0], EVEN[1] / factor],
            [0, EVEN[1]],
            [EVEN[0], 0],
        ] {
            let mut inside = world.clone();
            trade(&mut inside, pool(0), reserves);
            assert_eq!(draw_all(&mut inside.clone(), MALLORY), fair);
            let spared = refused(liquidate(&mut inside, MALLORY, ALICE, u128::MAX));
            assert!(matches!(spared, Error::Healthy { .. }));
            assert_eq!((last_price(&inside), inside.ledger.now), (price, at));
            exits_work(&inside);
            // The call ends, and the pool is as before: so is the next block's price.
            trade(&mut inside, pool(0), EVEN);
            block(&mut inside, 12, &[]);
            assert!(near(last_price(&inside), 1));
        }
    }
}

/// O-16 Polter: a pair that was drained by a flash swap sent the price to the sky. A pool that holds too little says nothing;
/// with all of them gone the price ages, and risk stops; exits do not. Catches a ratio of whatever is left.
#[test]
fn reg_o16_drained_pairs_fall_silent() {
    for left in
        [[0, EVEN[1]], [EVEN[0], 0], [1, 1], [999 * TOKEN, 1], [999 * TOKEN, EVEN[1] * 1_000]]
    {
        let mut world = pooled();
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let before = books(&world, FAIR);
        trade(&mut world, pool(0), left);
        trade(&mut world, pool(1), left);
        trade(&mut world, pool(2), left);
        for _ in 0..100 {
            block(&mut world, 12, &[]);
            assert!(near(last_price(&world), 1), "{left:?} {}", last_price(&world));
            assert!(liquidate(&mut world, MALLORY, ALICE, u128::MAX).is_err());
        }
        assert!(matches!(restricted(&world), Error::StalePrice { feed: PLEDGED, .. }));
        assert_eq!(draw_all(&mut world, MALLORY), 0);
        nobody_lost(&world, before, FAIR);
        // Filled again they are watched for a window before they count.
        even(&mut world);
        block(&mut world, 300, &[]);
        assert!(matches!(restricted(&world), Error::StalePrice { .. }));
        for _ in 0..3 {
            block(&mut world, 300, &[]);
        }
        borrow(&mut world, FRIEND, 1, TOKEN).unwrap();
    }
}

/// R-24 (Curve's pools, Vyper's broken lock): a pool whose own code is broken says anything at all. Beside four honest
/// sources its storage is filled at random in every block: the price stays among theirs, and every invariant holds.
#[test]
fn reg_r24_a_pool_that_says_anything() {
    for seed in 0..3 {
        let mut world = market(4, careful());
        add_pool(&mut world, &pool_terms(0, WINDOW, 100_000), EVEN);
        pledge(&mut world, MALLORY, 2, 1_000 * WAD);
        let (before, mut dice) = (books(&world, FAIR), Dice(seed));
        let mut drawn = 0;
        for _ in 0..150 {
            for slot in 6..=10_u64 {
                let limbs = core::array::from_fn(|_| dice.next());
                let word = U256::from_limbs(limbs) >> (dice.below(4) as usize * 64);
                world.ledger.foreign.insert((pool(0), U256::from(slot)), word);
            }
            block(&mut world, 12, &[Some(FAIR); 4]);
            assert_eq!(last_price(&world), FAIR);
            drawn += tries(&mut world);
        }
        assert!(drawn <= 751 * TOKEN, "{drawn}");
        nobody_lost(&world, before, FAIR);
        exits_work(&world);
    }
}
