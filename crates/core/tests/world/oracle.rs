//! A market whose collateral is priced by several sources, pools that trade beside it, and the balance sheets of who
//! attacks it, who borrows in it and who lends to it.

use super::acts::*;
use super::*;
use gage_core::doubt::Guards;
use gage_core::pool::observing::{observe, set_pool_source};
use gage_core::pool::{PoolTerms, PoolToken};
use gage_core::{Error, InterestModel, lending};

/// A whole token of the lent asset.
pub(crate) const TOKEN: u128 = 1_000_000;
/// The feed of the pledged asset.
pub(crate) const PLEDGED: FeedId = FeedId::new(2);
/// What everything costs at first.
pub(crate) const FAIR: u128 = 100 * WAD;
/// How old a report may be to count.
pub(crate) const REPORT_AGE: u32 = 300;
/// How old the price of the pledged asset may be.
pub(crate) const PRICE_AGE: u32 = 900;

/// The source at a place of the pledged asset's feed.
pub(crate) fn source(place: u8) -> SourceId {
    SourceId::publisher(Address::repeat_byte(0xb0 + place))
}

/// Three of five must agree, and a move beyond a twentieth must hold for ten minutes.
pub(crate) fn careful() -> Guards {
    let [outlier, spread, jump] = [100, 200, 500].map(Bps::new);
    let (confirm, smoothing, budget, window) = (600, 1_800, 900, 36_000);
    Guards { quorum: 3, outlier, spread, jump, confirm, smoothing, budget, window }
}

/// Asset 1 is lent for nothing, asset 2 pledged, at a feed with so many sources of equal weight that are judged like
/// this. Alice owes 700 tokens on 1,000, her friend 10 on 100; the lender has pledged something and owes nothing.
pub(crate) fn market(sources: u8, guards: Guards) -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    let l = &mut world.ledger;
    let free = InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(8_000) };
    gage_core::curation::set_model(l, CURATOR, vault(1), free).unwrap();
    let bounds = FeedTerms::unguarded(PRICE_AGE, Wad::new(WAD / 100), Wad::new(100_000 * WAD));
    let terms = FeedTerms { guards, ..bounds };
    feed::set_feed_terms(l, OWNER, PLEDGED, &terms).unwrap();
    sources::remove_source(l, OWNER, PLEDGED, &SourceId::publisher(PUBLISHER)).unwrap();
    for place in 0..sources {
        let terms = SourceTerms { weight: 1, max_age: REPORT_AGE };
        sources::set_source(l, OWNER, PLEDGED, &Source { id: source(place), terms }).unwrap();
    }
    block(&mut world, 10, &[Some(FAIR); 5]);
    deposit(&mut world, LENDER, 1, 900_000 * TOKEN).unwrap();
    for (who, pledged, drawn) in [(ALICE, 1_000, 700), (FRIEND, 100, 10)] {
        pledge(&mut world, who, 2, pledged * WAD);
        borrow(&mut world, who, 1, drawn * TOKEN).unwrap();
    }
    pledge(&mut world, LENDER, 2, 5 * WAD);
    sound(&world);
    world
}

/// The market at five sources with guards, and its twin that believes the first of them at once.
pub(crate) fn twins() -> [World; 2] {
    [market(5, careful()), market(1, Guards::default())]
}

/// Keeps what a source says now.
pub(crate) fn record(world: &mut World, place: u8, price: u128) -> Result<(), Stop> {
    let id = source(place);
    let report = next_report(world, &id, price);
    world.ledger.atomically(|l| sources::record(l, &report, &id))
}

/// What a source of the pledged asset's would say now.
pub(crate) fn next_report(world: &World, id: &SourceId, price: u128) -> Report {
    let place = world.ledger.source_places[&(PLEDGED, *id)];
    let last = world.ledger.observations.get(&(PLEDGED, place)).copied().unwrap_or_default();
    let (time, price) = (world.ledger.now, Wad::new(price));
    Report { feed: PLEDGED, round: last.round + 1, time, price, confidence: Wad::ZERO }
}

/// Time passes, and a block's prelude hears what each source of the pledged asset says, if anything: those that the
/// feed does not have are not heard. Pools are read.
pub(crate) fn block(world: &mut World, seconds: u64, said: &[Option<u128>]) {
    world.pass(seconds);
    world.report(1, FAIR).unwrap();
    let mut heard = false;
    for (place, price) in (0_u8..).zip(said) {
        let known = world.ledger.source_places.contains_key(&(PLEDGED, source(place)));
        if let Some(price) = price.filter(|_| known) {
            record(world, place, price).unwrap();
            heard = true;
        }
    }
    for feed in world.ledger.pool_feeds.clone() {
        heard |= observe(&mut world.ledger, feed).unwrap();
    }
    if heard {
        feed::update(&mut world.ledger, PLEDGED).unwrap();
    }
}

/// The last price of the pledged asset, in force or not.
pub(crate) fn last_price(world: &World) -> u128 {
    world.ledger.feeds[&PLEDGED].price.get()
}

/// What everybody has at honest prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) attacker: U256,
    pub(crate) victims: U256,
    /// What lenders have, less what accounts owe beyond what they have pledged.
    pub(crate) lenders: U256,
}

/// The balance sheets, where a whole pledged token is worth `honest`.
pub(crate) fn books(world: &World, honest: u128) -> Books {
    let mut world = world.clone();
    world.set_price(2, honest);
    let ledger = &world.ledger;
    let missing = ledger.accounts.keys().map(|id| {
        let standing = standing(ledger, id);
        standing.debt.saturating_sub(standing.collateral)
    });
    let missing = missing.fold(U256::ZERO, |sum, part| sum + part);
    Books {
        attacker: wealth(ledger, &[MALLORY]),
        victims: wealth(ledger, &[ALICE, FRIEND]),
        lenders: wealth(ledger, &[LENDER]).saturating_sub(missing),
    }
}

/// Checks that nobody gained or lost at honest prices.
pub(crate) fn nobody_lost(world: &World, before: Books, honest: u128) {
    let after = books(world, honest);
    assert!(after.attacker <= before.attacker, "the attacker gained: {before:?} {after:?}");
    assert!(after.victims >= before.victims, "borrowers lost: {before:?} {after:?}");
    assert!(after.lenders >= before.lenders, "lenders lost: {before:?} {after:?}");
    sound(world);
}

/// Checks that who only leaves or helps is not stopped: repayment, new collateral, release without debt, and a
/// lender's way out.
pub(crate) fn exits_work(world: &World) {
    let mut world = world.clone();
    repay(&mut world, FRIEND, FRIEND, 1, TOKEN).unwrap();
    pledge(&mut world, FRIEND, 2, WAD);
    release(&mut world, LENDER, 2, WAD).unwrap();
    let exit = lending::Exit { receiver: LENDER, owner: LENDER };
    let amount = Assets::new(1_000 * TOKEN);
    lending::withdraw(&mut world.ledger, LENDER, vault(1), amount, exit).unwrap();
    repay(&mut world, FRIEND, FRIEND, 1, u128::MAX).unwrap();
    release(&mut world, FRIEND, 2, u128::MAX).unwrap();
    sound(&world);
}

/// Checks that no new risk is taken on the pledged asset, that nobody is liquidated, and that exits work.
pub(crate) fn restricted(world: &World) -> Error {
    exits_work(world);
    let mut world = world.clone();
    assert!(release(&mut world, FRIEND, 2, WAD).is_err(), "collateral of a debt is released");
    let taken = liquidate(&mut world, MALLORY, ALICE, u128::MAX);
    assert!(taken.is_err(), "somebody is liquidated");
    assert!(!matches!(gage_core::sweep::sweep(&mut world.ledger, &of(ALICE)), Ok(Some(_))));
    refused(borrow(&mut world, FRIEND, 1, TOKEN))
}

/// The pool of a number, and its terms where half of its value is `depth` dollars at least.
pub(crate) fn pool_terms(number: u8, window: u32, depth: u128) -> PoolTerms {
    PoolTerms {
        pool: Address::repeat_byte(0xd0 + number),
        priced: PoolToken::One,
        decimals: 18,
        quote_decimals: 6,
        window,
        drift: Bps::new(200),
        reserve_min: depth / 100 * TOKEN,
        quote: FeedId::new(1),
    }
}

/// Puts a pool onto the chain that trades assets 1 and 2, and makes it a source of the pledged asset's feed.
pub(crate) fn add_pool(world: &mut World, terms: &PoolTerms, reserves: [u128; 2]) {
    let l = &mut world.ledger;
    for (slot, token) in [(6, 1), (7, 2)] {
        let word = address::asset(asset(token)).into_word().into();
        l.foreign.insert((terms.pool, U256::from(slot)), word);
    }
    trade(world, terms.pool, reserves);
    let weight = SourceTerms { weight: 1, max_age: 60 };
    // Its owner governs: pools are work for every block.
    world.ledger.protocol.governance = OWNER;
    set_pool_source(&mut world.ledger, OWNER, PLEDGED, &weight, terms).unwrap();
    world.ledger.protocol.governance = GOVERNANCE;
}

/// A trade leaves a pool with these reserves, and counts what stood until now.
pub(crate) fn trade(world: &mut World, pool: Address, reserves: [u128; 2]) {
    let now = U256::from(world.ledger.now.get());
    let word = world.ledger.foreign.entry((pool, U256::from(8))).or_default();
    let mask = (U256::ONE << 112) - U256::ONE;
    let (zero, one, clock): (U256, U256, U256) = (*word & mask, *word >> 112 & mask, *word >> 224);
    let [left, right] = reserves.map(U256::from);
    *word = now << 224 | right << 112 | left;
    if zero.is_zero() || one.is_zero() {
        return;
    }
    for (slot, price) in [(9, (one << 112) / zero), (10, (zero << 112) / one)] {
        let sum = world.ledger.foreign.entry((pool, U256::from(slot))).or_default();
        *sum = sum.wrapping_add(price * (now - clock));
    }
}
