//! A world with yield-bearing collateral: USDC (asset 1) is lent against WETH (2), staked WETH (3) and
//! shares of the WETH vault (vault 2), which lends against staked WETH in a market of its own.

use super::acts::*;
use super::*;
use gage_core::feed::creation::ShareTerms;
use gage_core::{Error, liquidation};

pub(crate) const PAIR: MarketId = MarketId::new(2);
/// The reported rate of staked WETH, its price in dollars, and that of a share of vault 2.
pub(crate) const RATE: u32 = 4;
pub(crate) const STAKED: u32 = 5;
pub(crate) const SHARES: u32 = 6;
/// The number of vault 2's share as an asset.
pub(crate) const SHARE: u32 = share_number(2);
/// The number of a vault's share as an asset.
pub(crate) const fn share_number(vault: u32) -> u32 {
    gage_core::ids::NUMBERS_END | vault
}
/// Units of a whole share of vault 2.
pub(crate) const WHOLE_SHARE: u128 = 1_000_000 * WAD;
/// What rates and shares may grow by in a year, in percent.
pub(crate) const RATE_GROWTH: u128 = 10;
pub(crate) const SHARE_GROWTH: u128 = 400;
/// The staked coin's first rate.
pub(crate) const RATE_START: u128 = 12 * WAD / 10;

pub(crate) fn per_year(percent: u128) -> Ray {
    Ray::new(gage_core::RAY / 100 * percent / 31_536_000)
}

pub(crate) fn bounds(max_age: u32, price_min: u128, price_max: u128) -> FeedTerms {
    FeedTerms::unguarded(max_age, Wad::new(price_min), Wad::new(price_max))
}

/// A market of OWNER's without anything listed.
pub(crate) fn new_market(l: &mut MemoryLedger) -> MarketId {
    let terms = MarketTerms {
        target_health: Wad::new(WAD * 105 / 100),
        full_bonus_health: Wad::new(WAD * 9 / 10),
    };
    listing::create_market(l, OWNER, &terms).unwrap()
}

/// A vault of CURATOR's without lines.
pub(crate) fn new_vault(world: &mut World, asset: AssetId) -> VaultId {
    let cap = Assets::new(cap(5_000_000, world.decimals[asset.get() as usize - 1]));
    let caps = Caps { supply: cap, borrow: cap };
    let terms = VaultTerms { reserve_fee: Bps::new(1_000), caps, model: KINKED };
    let naming = Naming { name: label("Vault"), symbol: label("V") };
    world.vaults += 1;
    curation::create_vault(&mut world.ledger, CURATOR, asset, naming, &terms).unwrap()
}

/// Lists a vault in a market and opens its line.
pub(crate) fn open_line(
    l: &mut MemoryLedger,
    market: MarketId,
    vault: VaultId,
    feed: u32,
) -> Result<(), Stop> {
    let record = l.vaults[&vault];
    let min_debt = Assets::new((unit(record.decimals - 6) / 10).max(1));
    l.atomically(|l| {
        listing::list_vault(
            l,
            OWNER,
            market,
            vault,
            &LineTerms { feed: FeedId::new(feed), min_debt },
        )?;
        curation::set_line_cap(l, CURATOR, vault, market, record.borrow_cap)
    })
}

/// Lists shares of a vault as collateral, at a new feed of their price.
pub(crate) fn list_share(
    l: &mut MemoryLedger,
    market: MarketId,
    vault: VaultId,
    base: u32,
) -> Result<FeedId, Stop> {
    l.atomically(|l| {
        let share = ShareTerms { vault, base: FeedId::new(base), growth: per_year(SHARE_GROWTH) };
        let terms = bounds(7_200, 1, 1 << 100);
        let feed = creation::create_share_feed(l, OWNER, label("share"), &terms, &share)?;
        let decimals = l.vaults[&vault].decimals;
        let limits = terms_of_share(decimals, feed);
        listing::add_collateral(l, OWNER, market, AssetId::share_of(vault), &limits)?;
        Ok(feed)
    })
}

fn terms_of_share(decimals: u8, feed: FeedId) -> CollateralTerms {
    terms(7_500, 8_000, [400, 1_000], cap(1_000_000, decimals), feed.get())
}

pub(crate) fn staking() -> World {
    let mut world = World::new(&[6, 18, 18], 0);
    world.report(1, WAD).unwrap();
    world.report(2, 3_000 * WAD).unwrap();
    let l = &mut world.ledger;
    let rate = bounds(86_400, WAD / 2, 10 * WAD);
    let growth = per_year(RATE_GROWTH);
    let subject = about(asset(3), "staked/WETH");
    let rate = creation::create_rate_feed(l, OWNER, subject, &rate, growth).unwrap();
    assert_eq!(rate.get(), RATE);
    name_publisher(l, rate);
    let kind = FeedKind::Product { base: FeedId::new(2), rate };
    let terms = bounds(86_400, 1, 1 << 100);
    let subject = about(asset(3), "staked/USD");
    let staked = creation::create_computed_feed(l, OWNER, subject, &terms, kind).unwrap();
    assert_eq!(staked.get(), STAKED);
    // The listing of the world's own construction, at another feed.
    l.collaterals.get_mut(&(MARKET, asset(3))).unwrap().feed = staked;
    world.report(RATE, RATE_START).unwrap();

    for number in 1..=3 {
        new_vault(&mut world, asset(number));
    }
    let l = &mut world.ledger;
    open_line(l, MARKET, vault(1), 1).unwrap();
    open_line(l, MARKET, vault(3), STAKED).unwrap();
    assert_eq!(new_market(l), PAIR);
    let limits = super::terms(9_000, 9_300, [100, 400], cap(1_000_000, 18), STAKED);
    listing::add_collateral(l, OWNER, PAIR, asset(3), &limits).unwrap();
    open_line(l, PAIR, vault(2), 2).unwrap();
    deposit(&mut world, LENDER, 1, 900_000 * unit(6)).unwrap();
    deposit(&mut world, LENDER, 2, 1_000 * WAD).unwrap();
    deposit(&mut world, LENDER, 3, 1_000 * WAD).unwrap();
    let feed = list_share(&mut world.ledger, MARKET, vault(2), 2).unwrap();
    assert_eq!(feed.get(), SHARES);
    sound(&world);
    world
}

/// What the protocol says a feed's price is.
pub(crate) fn quoted(world: &World, feed: u32) -> u128 {
    let mut ledger = world.ledger.clone();
    gage_core::quote::quote(&mut ledger, FeedId::new(feed)).unwrap().price.get()
}

pub(crate) fn health(world: &World, id: &AccountId) -> Wad {
    gage_core::margin::health(&mut world.ledger.clone(), id).unwrap()
}

/// An account in the market of staked against plain WETH.
pub(crate) fn in_pair(owner: Address) -> AccountId {
    AccountId { market: PAIR, owner, sub: 0 }
}

/// Pledges staked WETH in the pair market and draws WETH.
pub(crate) fn lever(
    world: &mut World,
    who: Address,
    pledged: u128,
    drawn: u128,
) -> Result<(), Stop> {
    use gage_core::borrowing::{self, Draw};
    let (market, receiver) = (PAIR, who);
    let draw = Draw { market, sub: 0, vault: vault(2), amount: Assets::new(drawn), receiver };
    world.ledger.atomically(|l| {
        borrowing::supply_collateral(l, who, &in_pair(who), asset(3), Assets::new(pledged))?;
        borrowing::borrow(l, who, &draw)
    })
}

pub(crate) fn is_circular(outcome: &Result<(), Stop>) -> bool {
    matches!(outcome, Err(Stop::Refused(Error::CircularBacking { .. })))
}

/// `a · b / c`, for numbers whose product fits 256 bits.
pub(crate) fn part_of(a: u128, b: u128, c: u128) -> u128 {
    (U256::from(a) * U256::from(b) / U256::from(c)).saturating_to()
}

pub(crate) fn liquidate_in_pair(
    world: &mut World,
    who: Address,
    whose: Address,
) -> Result<liquidation::Plan, Stop> {
    let asked = liquidation::Liquidation {
        vault: vault(2),
        asset: asset(3),
        max_repay: Assets::MAX,
        receiver: who,
        payment: liquidation::Payment::Assets,
    };
    world.ledger.atomically(|l| liquidation::liquidate(l, who, &in_pair(whose), &asked))
}

pub(crate) fn everyone() -> impl Iterator<Item = AccountId> {
    USERS.iter().flat_map(|user| [of(*user), in_pair(*user)])
}
