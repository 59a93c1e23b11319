//! Yield-bearing collateral: prices that are computed, vault shares as collateral, and the circles that
//! are refused.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self};
use gage_core::feed::creation::{self, ShareTerms};
use gage_core::feed::{self, GRACE_SECONDS};
use gage_core::invariants::check_step;
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::listing;
use gage_core::portfolio::Side;
use gage_core::quote::quote;
use gage_core::sweep;
use gage_core::{
    AssetId, Assets, Bps, Error, FeedId, InterestModel, MarketId, MemoryLedger, QueueId, Ray,
    Shares, Stop, Token, VaultId, WAD, Wad, curation,
};
use gage_core::{FeedKind, Report, Source, SourceId, SourceTerms, sources};
use proptest::prelude::*;
use world::acts::*;
use world::staking::*;
use world::*;

/// ORC-1, ORC-5: a composite is the product of its legs, as old as the older, and usable while both are.
#[test]
fn a_composite_is_the_product_of_its_legs() {
    let mut world = staking();
    assert_eq!(quoted(&world, STAKED), 3_600 * WAD);
    let early = world.ledger.feeds[&FeedId::new(RATE)].updated_at;
    world.pass(10);
    world.report(2, 3_000 * WAD).unwrap();
    let told = quote(&mut world.ledger, FeedId::new(STAKED)).unwrap();
    assert_eq!((told.updated_at, told.is_fresh()), (early, true));
    // The price leg grows old: nothing is drawn against the product, and views still show it.
    pledge(&mut world, ALICE, 3, 10 * WAD);
    world.pass(7_201);
    world.report(1, WAD).unwrap();
    let stale = refused(borrow(&mut world, ALICE, 1, 100 * unit(6)));
    assert!(matches!(stale, Error::StalePrice { feed, .. } if feed.get() == 2));
    assert_eq!(quoted(&world, STAKED), 3_600 * WAD);
    // It comes back, and liquidation on the product waits as on the leg.
    world.report(2, 3_000 * WAD).unwrap();
    let told = quote(&mut world.ledger, FeedId::new(STAKED)).unwrap();
    assert_eq!(told.liquidation_resumes_at, world.ledger.now.after(GRACE_SECONDS));
    assert!(told.fresh_price().is_ok() && told.settled_price(Side::Collateral).is_err());
    borrow(&mut world, ALICE, 1, 100 * unit(6)).unwrap();
    // A rate at its bound is not believed, and neither is what is made of it.
    world.report(RATE, WAD / 2).unwrap();
    let told = quote(&mut world.ledger, FeedId::new(STAKED)).unwrap();
    let at_bound = told.fresh_price().unwrap_err();
    assert!(matches!(at_bound, Error::PriceOutOfBounds { feed, .. } if feed.get() == RATE));
    // Nor has it moved the anchor: the next rate counts from where it was.
    world.report(RATE, RATE_START).unwrap();
    assert_eq!(quoted(&world, STAKED), 3_600 * WAD);
    // The product has bounds of its own.
    let tight = bounds(86_400, 1, 3_600 * WAD);
    feed::set_feed_terms(&mut world.ledger, OWNER, FeedId::new(STAKED), &tight).unwrap();
    let told = quote(&mut world.ledger, FeedId::new(STAKED)).unwrap().fresh_price();
    assert!(matches!(told, Err(Error::PriceOutOfBounds { feed, .. }) if feed.get() == STAKED));
    sound(&world);
}

/// Each feed is of one kind, and stands where that kind makes sense.
#[test]
fn feeds_of_the_wrong_kind_are_refused() {
    let mut world = staking();
    let l = &mut world.ledger;
    let (price, rate, staked, shares) =
        (FeedId::new(2), FeedId::new(RATE), FeedId::new(STAKED), FeedId::new(SHARES));
    let terms = bounds(60, 1, WAD);
    let wrong = |error: Error| assert!(matches!(error, Error::WrongFeed { .. }), "{error}");
    for (base, rate) in
        [(price, price), (rate, rate), (rate, price), (staked, rate), (shares, rate)]
    {
        for kind in [FeedKind::Product { base, rate }, FeedKind::Ratio { base, rate }] {
            let subject = about(asset(3), "");
            wrong(refused(creation::create_computed_feed(l, OWNER, subject, &terms, kind)));
        }
    }
    for base in [rate, shares] {
        let share = ShareTerms { vault: vault(2), base, growth: Ray::ZERO };
        wrong(refused(creation::create_share_feed(l, OWNER, label(""), &terms, &share)));
    }
    for feed in [staked, shares] {
        let (id, terms) = (SourceId::publisher(PUBLISHER), SourceTerms { weight: 1, max_age: 1 });
        wrong(refused(sources::set_source(l, OWNER, feed, &Source { id, terms })));
        let (time, confidence) = (l.now, Wad::ZERO);
        let report = Report { feed, round: 1, time, price: Wad::ONE, confidence };
        assert!(world::apply_report(l, &report, PUBLISHER).is_err());
    }
    for feed in [price, staked] {
        wrong(refused(feed::set_growth(l, OWNER, feed, Ray::ZERO)));
    }
    let market = new_market(l);
    // A rate is no price, a share's price is of that share only, and of no asset.
    let limits = |feed: FeedId| world::terms(1, 200, [0, 0], 1, feed.get());
    let share = |number| AssetId::share_of(vault(number));
    wrong(refused(listing::add_collateral(l, OWNER, market, asset(3), &limits(rate))));
    wrong(refused(listing::add_collateral(l, OWNER, market, asset(2), &limits(shares))));
    wrong(refused(listing::add_collateral(l, OWNER, market, share(1), &limits(shares))));
    wrong(refused(listing::add_collateral(l, OWNER, market, share(2), &limits(price))));
    listing::add_collateral(l, OWNER, market, share(2), &limits(shares)).unwrap();
    let unknown = refused(listing::add_collateral(l, OWNER, market, share(9), &limits(shares)));
    assert!(matches!(unknown, Error::UnknownVault { .. }));
    let line = |feed| listing::LineTerms { feed, min_debt: Assets::new(1) };
    for feed in [rate, shares] {
        wrong(refused(listing::list_vault(l, OWNER, market, vault(1), &line(feed))));
    }
    // Growth is the owner's, and bounded.
    let stranger = refused(feed::set_growth(l, MALLORY, rate, Ray::ZERO));
    assert!(matches!(stranger, Error::NotAuthorised { .. }));
    let wild = refused(feed::set_growth(l, OWNER, rate, Ray::new(u128::MAX)));
    assert!(matches!(wild, Error::InvalidParameter { .. }));
    // A vault pools assets, not shares.
    let naming = curation::Naming { name: label(""), symbol: label("") };
    let caps = curation::Caps { supply: Assets::ZERO, borrow: Assets::ZERO };
    let terms = curation::VaultTerms { reserve_fee: gage_core::Bps::ZERO, caps, model: KINKED };
    let nested = refused(curation::create_vault(l, CURATOR, share(2), naming, &terms));
    assert!(matches!(nested, Error::UnknownAsset { .. }));
}

/// A share of a vault is pledged, borrowed against, released and liquidated like any other token.
#[test]
fn shares_are_collateral() {
    let mut world = staking();
    let shares = deposit(&mut world, ALICE, 2, 10 * WAD).unwrap().get();
    assert_eq!(quoted(&world, SHARES), 3_000 * WAD);
    pledge(&mut world, ALICE, SHARE, shares);
    assert_eq!(world.held(Token::Share(vault(2)), ALICE), 0);
    let over = refused(borrow(&mut world, ALICE, 1, 22_501 * unit(6)));
    assert!(matches!(over, Error::AboveLimit { .. }));
    borrow(&mut world, ALICE, 1, 22_000 * unit(6)).unwrap();
    // What is pledged cannot be bid, staked, moved or redeemed as well: it is in custody.
    let queue = QueueId { market: PAIR, vault: vault(2), asset: asset(3) };
    let tier = Tier::new(2).unwrap();
    let twice = bids::place_bid(&mut world.ledger, ALICE, queue, tier, Shares::new(shares));
    assert!(matches!(refused(twice), Error::InsufficientBalance { .. }));
    let exit = Exit { receiver: ALICE, owner: ALICE };
    let twice = lending::redeem(&mut world.ledger, ALICE, vault(2), Shares::new(shares), exit);
    assert!(matches!(refused(twice), Error::ExceededMaxRedeem { .. }));
    sound(&world);

    // Interest in vault 2 lifts the share, and with it Alice's health; her own debt lowers it.
    lever(&mut world, FRIEND, 900 * WAD, 900 * WAD).unwrap();
    let before = quoted(&world, SHARES);
    world.pass(86_400);
    world.report_all_again();
    assert!(quoted(&world, SHARES) > before);

    // WETH falls; bidders of the USDC vault take the shares, and redeem them at vault 2.
    let bid = deposit(&mut world, MALLORY, 1, 50_000 * unit(6)).unwrap();
    let queue = QueueId { market: MARKET, vault: vault(1), asset: asset(SHARE) };
    bids::place_bid(&mut world.ledger, MALLORY, queue, tier, bid).unwrap();
    world.report(2, 2_700 * WAD).unwrap();
    assert!(health(&world, &of(ALICE)) < Wad::ONE);
    let plan = sweep::sweep(&mut world.ledger, &of(ALICE)).unwrap().unwrap();
    assert_eq!(plan.fills.len(), 1);
    sound(&world);
    assert!(health(&world, &of(ALICE)) >= Wad::ONE);
    let got = bids::claim_bid(&mut world.ledger, MALLORY, (queue, tier), MALLORY).unwrap();
    assert_eq!(world.held(Token::Share(vault(2)), MALLORY), got.get());
    sound(&world);
    repay(&mut world, FRIEND, FRIEND, 1, 1).unwrap_err();
    let debt = borrowing::repay(&mut world.ledger, LENDER, &in_pair(FRIEND), vault(2), Assets::MAX);
    debt.unwrap();
    let paid = redeem_all(&mut world, MALLORY, 2).unwrap();
    assert!(paid.get() > 2 * WAD, "{paid}");
    // Alice repays and gets the rest back.
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    release(&mut world, ALICE, SHARE, u128::MAX).unwrap();
    redeem_all(&mut world, ALICE, 2).unwrap();
    sound(&world);
}

/// A loss in the vault behind the shares reaches the account that pledged them at once.
#[test]
fn a_loss_behind_a_share_lowers_its_price() {
    let mut world = staking();
    let shares = deposit(&mut world, ALICE, 2, 100 * WAD).unwrap().get();
    pledge(&mut world, ALICE, SHARE, shares);
    lever(&mut world, FRIEND, 700 * WAD, 750 * WAD).unwrap();
    let before = quoted(&world, SHARES);
    // Staked WETH falls by half; Friend's account is closed out with bad debt.
    world.report(RATE, RATE_START / 2).unwrap();
    let asked = Liquidation {
        vault: vault(2),
        asset: asset(3),
        max_repay: Assets::MAX,
        receiver: MALLORY,
        payment: Payment::Assets,
    };
    let l = &mut world.ledger;
    let plan = liquidation::liquidate(l, MALLORY, &in_pair(FRIEND), &asked).unwrap();
    assert!(!plan.bad_debt_value.is_zero());
    let after = quoted(&world, SHARES);
    assert!(after < before * 8 / 10, "{before} -> {after}");
    sound(&world);
}

/// S-10, 23.5: an account that holds shares of a vault run dry beside other collateral is still swept.
#[test]
fn a_dry_vault_blocks_no_liquidation() {
    let mut world = staking();
    let thin = new_vault(&mut world, asset(2));
    deposit(&mut world, LENDER, 4, WAD).unwrap();
    list_share(&mut world.ledger, MARKET, thin, 2).unwrap();
    let dust = deposit(&mut world, ALICE, 4, WAD / 2_000).unwrap().get();
    pledge(&mut world, ALICE, share_number(4), dust);
    pledge(&mut world, ALICE, 2, 10 * WAD);
    borrow(&mut world, ALICE, 1, 22_000 * unit(6)).unwrap();
    redeem_all(&mut world, LENDER, 4).unwrap();
    world.report(2, 2_500 * WAD).unwrap();
    let bid = deposit(&mut world, MALLORY, 1, 50_000 * unit(6)).unwrap();
    let queue = QueueId { market: MARKET, vault: vault(1), asset: asset(2) };
    let tier = Tier::new(2).unwrap();
    bids::place_bid(&mut world.ledger, MALLORY, queue, tier, bid).unwrap();
    let plan = sweep::sweep(&mut world.ledger, &of(ALICE)).unwrap().unwrap();
    assert_eq!(plan.fills.len(), 1);
    // Nor does naming the worthless share take anything for nothing.
    world.report(2, 2_000 * WAD).unwrap();
    let pair = (1, share_number(4));
    let plan = liquidate_pair(&mut world, (MALLORY, ALICE), pair, u128::MAX);
    assert!(plan.is_err() || plan.unwrap().repaid() > Assets::ZERO);
    sound(&world);
}

/// The stETH/ETH ratio from 8 June to 5 July 2022, in hundred thousandths: the lowest 6-hour median of
/// each day. Computed from hourly CoinGecko prices of stETH and WETH in dollars
/// (bhemen/aave-data at commit bb4b9c93e9, `data/usd_prices`).
const JUNE_2022: [u128; 28] = [
    97_243, 97_269, 95_352, 94_486, 96_128, 94_229, 94_242, 94_337, 93_768, 93_634, 93_594, 93_447,
    93_492, 93_857, 94_379, 94_438, 95_055, 95_875, 96_218, 96_459, 96_219, 95_907, 96_082, 95_963,
    96_051, 96_051, 96_450, 96_754,
];

/// A pair levered to an LTV of 90 % with a threshold of 93 % is liquidated when its ratio falls below
/// 0.9 / 0.93 = 0.967742 of what it was: in June 2022 on the third day. A fall of a rate passes at once.
#[test]
fn the_depeg_of_june_2022() {
    let mut world = staking();
    let free = InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(8_000) };
    curation::set_model(&mut world.ledger, CURATOR, vault(2), free).unwrap();
    world.report(RATE, WAD).unwrap();
    lever(&mut world, ALICE, 1_000 * WAD, 900 * WAD).unwrap();
    let ratio = health(&world, &in_pair(ALICE)).get();
    assert_eq!(ratio, 93 * WAD / 90);
    // The last ratio at which the account is healthy, to the millionth; interest is left out.
    for (rate, healthy) in [(967_743, true), (967_741, false)] {
        let mut world = world.clone();
        world.report(RATE, rate * WAD / 1_000_000).unwrap();
        let now = part_of(93 * WAD / 90, rate, 1_000_000);
        assert_eq!(now >= WAD, healthy);
        let told = health(&world, &in_pair(ALICE)).get();
        assert!(told.abs_diff(now) < 10, "{told} {now}");
    }
    let mut liquidated = None;
    for (day, rate) in JUNE_2022.into_iter().enumerate() {
        world.pass(86_400);
        world.report(RATE, rate * WAD / 100_000).unwrap();
        world.report_all_again();
        assert_eq!(world.ledger.feeds[&FeedId::new(RATE)].price.get(), rate * WAD / 100_000);
        if liquidate_in_pair(&mut world, MALLORY, ALICE).is_ok() {
            liquidated = liquidated.or(Some(day + 8));
        }
        sound(&world);
    }
    assert_eq!(liquidated, Some(10));
    assert!(world.ledger.vaults[&vault(2)].losses.is_zero());
}

/// Supplying, drawing the LTV `l` and supplying again, `n` times, gives a leverage of
/// `(1 − lⁿ⁺¹) / (1 − l)`: the money is real each time, and each loop's debt is owed.
#[test]
fn loops_reach_the_leverage_of_the_series() {
    let limits =
        |ltv: u16, threshold| terms(ltv, threshold, [100, 400], cap(1_000_000, 18), STAKED);
    for (ltv, n, leverage) in
        [(7_500, 3, 2_734_375_000_u128), (9_000, 10, 6_861_894_000), (9_300, 20, 11_173_684_000)]
    {
        let mut world = staking();
        world.report(RATE, WAD).unwrap();
        let listed = limits(ltv, ltv + 200);
        listing::set_collateral(&mut world.ledger, OWNER, PAIR, asset(3), &listed).unwrap();
        let (mut coins, mut pledged) = (10 * WAD, 0);
        for _ in 0..n {
            let drawn = coins / 10_000 * u128::from(ltv);
            lever(&mut world, ALICE, coins, drawn - 100).unwrap();
            pledged += coins;
            // The drawn WETH is staked: at a rate of one, one for one.
            coins = drawn - 100;
        }
        pledged += coins;
        let reached = pledged / (10 * WAD / 1_000_000_000);
        assert!(reached.abs_diff(leverage) < 1_000, "{ltv} {n}: {reached}");
        sound(&world);
    }
}

/// SHR-3: on random webs of vaults and markets, what is refused is what would close a circle, and
/// nothing else. Compared with the transitive closure of Floyd and Warshall.
#[test]
fn random_webs_have_no_circles() {
    const VAULTS: usize = 6;
    const MARKETS: u32 = 5;
    let mut refusals = 0;
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut world = World::new(&[6], 0);
        let mut feeds = Vec::new();
        for number in 1..=VAULTS as u32 {
            new_vault(&mut world, asset(1));
            deposit(&mut world, LENDER, number, 100 * unit(6)).unwrap();
            let share = ShareTerms {
                vault: vault(number),
                base: FeedId::new(1),
                growth: per_year(SHARE_GROWTH),
            };
            let l = &mut world.ledger;
            let terms = bounds(7_200, 1, 1 << 100);
            feeds.push(creation::create_share_feed(l, OWNER, label(""), &terms, &share).unwrap());
        }
        for _ in 1..=MARKETS {
            new_market(&mut world.ledger);
        }
        for _ in 0..120 {
            let market = MarketId::new(2 + dice.below(u64::from(MARKETS)) as u32);
            let number = 1 + dice.below(VAULTS as u64) as usize;
            let one = vault(number as u32);
            let l = &mut world.ledger;
            let before = l.clone();
            let outcome = configure(l, dice.below(3), (market, one), feeds[number - 1]);
            assert!(!has_circle(&world.ledger, None), "seed {seed}");
            if is_circular(&outcome) {
                refusals += 1;
                let Err(Stop::Refused(Error::CircularBacking { market, share, lender, closing })) =
                    outcome
                else {
                    unreachable!()
                };
                // With the edge that was refused there would be one, through the market it names.
                assert!(has_circle(&before, Some((lender, share))), "seed {seed}");
                let closes = closing == market && share == lender
                    || before.markets[&closing].collaterals.contains(&AssetId::share_of(lender));
                assert!(closes, "seed {seed}");
            }
        }
        sound(&world);
    }
    assert!(refusals > 200, "{refusals}");
}

/// Lists a vault's share in a market, opens the vault's line there, or closes it.
fn configure(
    l: &mut MemoryLedger,
    choice: u64,
    (market, one): (MarketId, VaultId),
    feed: FeedId,
) -> Result<(), Stop> {
    if choice == 0 {
        let limits = terms(7_500, 8_000, [400, 1_000], 1 << 90, feed.get());
        let share = AssetId::share_of(one);
        return l.atomically(|l| listing::add_collateral(l, OWNER, market, share, &limits));
    }
    let line = listing::LineTerms { feed: FeedId::new(1), min_debt: Assets::new(1) };
    let _ = l.atomically(|l| listing::list_vault(l, OWNER, market, one, &line));
    let most = Assets::new(if choice == 1 { 100 } else { 0 });
    l.atomically(|l| curation::set_line_cap(l, CURATOR, one, market, most))
}

/// Whether a vault rests on itself, with one more edge perhaps.
fn has_circle(ledger: &MemoryLedger, more: Option<(VaultId, VaultId)>) -> bool {
    let count = ledger.vaults.len() + 1;
    let mut rests = vec![vec![false; count]; count];
    let at = |vault: VaultId| vault.get() as usize;
    for ((market, lender), line) in &ledger.lines {
        if line.cap.is_zero() && line.owed.is_zero() {
            continue;
        }
        for share in ledger.markets[market].collaterals.iter().filter_map(|id| id.as_share()) {
            rests[at(*lender)][at(share)] = true;
        }
    }
    if let Some((lender, share)) = more {
        rests[at(lender)][at(share)] = true;
    }
    for middle in 0..count {
        for from in 0..count {
            for to in 0..count {
                rests[from][to] |= rests[from][middle] && rests[middle][to];
            }
        }
    }
    (0..count).any(|vault| rests[vault][vault])
}

/// A web of more vaults than a search looks at cannot be extended.
#[test]
fn a_search_is_bounded() {
    let mut world = World::new(&[6], 0);
    let most = u32::from(gage_core::backing::VAULTS_BEHIND_MAX);
    let mut outcome = Ok(());
    for number in 1..=most + 2 {
        new_vault(&mut world, asset(1));
        deposit(&mut world, LENDER, number, 100 * unit(6)).unwrap();
        if number > 1 {
            // Each vault lends against shares of the one before.
            let l = &mut world.ledger;
            let market = new_market(l);
            list_share(l, market, vault(number - 1), 1).unwrap();
            outcome = open_line(l, market, vault(number), 1);
            if outcome.is_err() {
                break;
            }
        }
    }
    assert!(matches!(refused(outcome), Error::TooManyVaultsBehind { most: 32 }));
    sound(&world);
}

proptest! {
    /// 23.5: however often and whatever is reported, a composite's price exceeds no compounding of its
    /// growth, and its owner's changes of growth never lower it.
    #[test]
    fn a_composite_never_leaps(reports in prop::collection::vec((1_u64..200_000, 0_u128..1 << 64, any::<bool>()), 1..30)) {
        let mut world = staking();
        let mut highest = RATE_START as f64;
        let start = world.ledger.now;
        for (seconds, rate, changes) in reports {
            world.pass(seconds);
            world.report(RATE, rate).unwrap();
            let id = FeedId::new(RATE);
            let before = world.ledger.feeds[&id].price;
            if changes {
                let _ = feed::set_growth(&mut world.ledger, OWNER, id, per_year(RATE_GROWTH));
            }
            let after = world.ledger.feeds[&id];
            prop_assert_eq!(after.price, before);
            let elapsed = world.ledger.now.since(start) as f64 + 604_800.0;
            highest = highest.max(RATE_START as f64 * (0.1 / 31_536_000.0 * elapsed).exp());
            prop_assert!(after.price.get() as f64 <= highest * 1.000_001);
        }
    }
}

/// SHR-5: a view's transfers, in whatever order and at whatever rates, move shares and make none: who
/// sends around a circle at one rate has no more than before, and the asset's supply never changes.
#[test]
fn a_view_makes_no_shares() {
    use gage_core::rebasing::{self, Rebasing};
    use gage_core::token;
    let mut world = staking();
    let l = &mut world.ledger;
    let view = Rebasing { name: label("stETH"), symbol: label("stETH"), rate: FeedId::new(RATE) };
    let stranger = refused(rebasing::create_rebasing(l, MALLORY, asset(3), &view));
    assert!(matches!(stranger, Error::NotAuthorised { .. }));
    rebasing::create_rebasing(l, ISSUER, asset(3), &view).unwrap();
    let token = Token::Rebasing(asset(3));
    let supply = l.assets[&asset(3)].supply;
    let mut dice = Dice(33);
    for _ in 0..300 {
        if dice.below(10) == 0 {
            let rate = world.ledger.feeds[&FeedId::new(RATE)].price.get();
            world.report(RATE, rate / 1_000 * (950 + u128::from(dice.below(100)))).unwrap();
        }
        let before = world.ledger.clone();
        let (from, to) = (dice.pick(&USERS), dice.pick(&USERS));
        let shown = token::balance_of(&mut world.ledger, token, from).unwrap();
        let value = dice.amount(shown);
        let sent = world.ledger.atomically(|l| token::transfer(l, from, token, to, value));
        assert_eq!(sent.is_ok(), value <= shown, "{sent:?}");
        if sent.is_ok() && from != to {
            let l = &mut world.ledger;
            let got = token::balance_of(l, token, to).unwrap();
            let had = token::balance_of(&mut before.clone(), token, to).unwrap();
            assert!(got >= had + value);
            // And back: nobody is better off, in shares or in what is shown.
            let mut circle = l.clone();
            token::transfer(&mut circle, to, token, from, value).unwrap();
            assert_eq!(circle.balances, before.balances);
        }
        assert_eq!(world.ledger.assets[&asset(3)].supply, supply);
        assert!(check_step(&before, &world.ledger).is_empty());
        sound(&world);
    }
    // Nothing but the asset is ever held.
    assert!(world.ledger.balances.keys().all(|(held, _)| !matches!(held, Token::Rebasing(_))));
}

/// Whoever liquidates an account that pledged shares receives shares.
#[test]
fn a_liquidator_receives_shares() {
    let mut world = staking();
    let shares = deposit(&mut world, ALICE, 2, 10 * WAD).unwrap().get();
    pledge(&mut world, ALICE, SHARE, shares);
    borrow(&mut world, ALICE, 1, 22_000 * unit(6)).unwrap();
    world.report(2, 2_700 * WAD).unwrap();
    let pair = (1, SHARE);
    let plan = liquidate_pair(&mut world, (MALLORY, ALICE), pair, u128::MAX).unwrap();
    assert!(!plan.seized().is_zero());
    assert_eq!(world.held(Token::Share(vault(2)), MALLORY), plan.seized().get());
    sound(&world);
}

/// C-16, 23.5: a share that earns more than its cap is worth what the cap says, from whenever its growth
/// is set anew as well; none of it moves a price down.
#[test]
fn a_share_price_is_capped() {
    let mut world = staking();
    let share = ShareTerms { vault: vault(2), base: FeedId::new(2), growth: per_year(1) };
    let l = &mut world.ledger;
    let slow =
        creation::create_share_feed(l, OWNER, label(""), &bounds(86_400, 1, 1 << 100), &share);
    let slow = slow.unwrap().get();
    lever(&mut world, FRIEND, 900 * WAD, 800 * WAD).unwrap();
    world.pass(31_536_000);
    world.report_all_again();
    let capped = quoted(&world, slow);
    assert_eq!(capped / (WAD / 100), 303_000);
    assert!(quoted(&world, SHARES) > 3_100 * WAD);
    for growth in [1, 0, 100] {
        let l = &mut world.ledger;
        feed::set_growth(l, OWNER, FeedId::new(slow), per_year(growth)).unwrap();
        assert!(quoted(&world, slow).abs_diff(capped) <= 1);
    }
    world.pass(3_600);
    world.report_all_again();
    assert!(quoted(&world, slow) > capped);
    assert!(quoted(&world, slow) < quoted(&world, SHARES));
}

/// SHR-3: a line that was closed while something was owed counts until it is repaid, and not longer.
#[test]
fn a_repaid_closed_line_is_none() {
    let mut world = staking();
    pledge(&mut world, ALICE, 2, 10 * WAD);
    borrow(&mut world, ALICE, 1, 10_000 * unit(6)).unwrap();
    let close = |world: &mut World| {
        let l = &mut world.ledger;
        curation::set_line_cap(l, CURATOR, vault(1), MARKET, Assets::ZERO).unwrap();
    };
    close(&mut world);
    // Vault 1 still rests on vault 2, whose share market 1 takes.
    let owed = list_share(&mut world.ledger, PAIR, vault(1), 1);
    assert!(matches!(refused(owed), Error::CircularBacking { .. }));
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    list_share(&mut world.ledger, PAIR, vault(1), 1).unwrap();
    sound(&world);
    let again =
        curation::set_line_cap(&mut world.ledger, CURATOR, vault(1), MARKET, Assets::new(1));
    assert!(is_circular(&again), "{again:?}");
}
