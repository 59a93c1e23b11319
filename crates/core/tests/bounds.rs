//! Every bound that configuration has: the last value that it allows is taken, the first that it does not is refused.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::asset::DECIMALS_MAX;
use gage_core::bids::Tier;
use gage_core::breaker::{self, BreakerTerms};
use gage_core::curation::{self, Caps, Naming, RESERVE_FEE_MAX, VaultTerms};
use gage_core::exposure::{set_ceiling, set_factor_cap};
use gage_core::factor::register_factor;
use gage_core::feed::freeze::{FREEZE_MAX, freeze};
use gage_core::feed::{self, FeedTerms, creation};
use gage_core::fixed::AMOUNT_MAX;
use gage_core::groups::{self, BAND_MAX, BAND_MIN, GroupTerms, Members};
use gage_core::interest::{RATE_AT_TARGET_MAX, RATE_AT_TARGET_MIN, RATE_BPS_PER_YEAR_MAX};
use gage_core::listing::{
    self, CollateralTerms, FULL_BONUS_HEALTH_MIN, LineTerms, MarketTerms, TARGET_HEALTH_MAX,
    TARGET_HEALTH_MIN,
};
use gage_core::market::{COLLATERALS_MAX, VAULTS_MAX};
use gage_core::pause::{PAUSE_MAX, pause_for};
use gage_core::portfolio::{FACTORS_MAX, PortfolioTerms, set_portfolio_margin};
use gage_core::protocol::{self, AssetTerms};
use gage_core::signers::{self, SIGNERS_MAX, SignerSet, SignerSetId};
use gage_core::stop_loss::{StopLoss, TARGET_MAX, set_stop_loss};
use gage_core::{
    Address, AssetId, Assets, B256, Bps, Error, Factor, FactorId, FactorKind, FeedId,
    InterestModel, MemoryLedger, PauseLevel, Ray, Sigma, SourceKind, Stop, Timestamp, WAD, Wad,
};
use world::acts::*;
use world::margin::{factor, hedged, set};
use world::*;

const NEXT: Assets = Assets::new(AMOUNT_MAX.get() + 1);

/// What is allowed is taken, each from the same state; what is not is refused as a wrong parameter.
fn bounds<T: core::fmt::Debug, const N: usize, const M: usize>(
    world: &World,
    allowed: [T; N],
    refused: [T; M],
    set: impl Fn(&mut MemoryLedger, &T) -> Result<(), Stop>,
) {
    for value in &allowed {
        let outcome = set(&mut world.ledger.clone(), value);
        assert!(outcome.is_ok(), "{value:?}: {outcome:?}");
    }
    for value in &refused {
        let outcome = set(&mut world.ledger.clone(), value);
        let Err(Stop::Refused(Error::InvalidParameter { .. })) = outcome else {
            panic!("{value:?}: {outcome:?}");
        };
    }
}

/// Three assets, of which a vault lends the first; the third has no vault.
fn scene() -> World {
    World::new(&[6, 18, 6], 1)
}

/// One more asset with a feed, and terms to list it on.
fn another(l: &mut MemoryLedger) -> (AssetId, CollateralTerms) {
    let new = AssetTerms { name: label("A"), symbol: label("A"), decimals: 6 };
    let asset = protocol::create_asset(l, ISSUER, &new).unwrap();
    let bounds = FeedTerms::unguarded(7_200, Wad::new(1), Wad::new(1 << 100));
    let feed = creation::create_feed(l, OWNER, about(asset, "A/USD"), &bounds).unwrap();
    (asset, CollateralTerms { feed, ..terms(7_500, 8_000, [400, 1_000], 1, 1) })
}

/// A market that lists as much as it may.
fn full() -> World {
    let mut world = World::new(&[6; VAULTS_MAX], VAULTS_MAX);
    for _ in VAULTS_MAX..COLLATERALS_MAX {
        let (asset, terms) = another(&mut world.ledger);
        listing::add_collateral(&mut world.ledger, OWNER, MARKET, asset, &terms).unwrap();
    }
    world
}

/// CFG-1: what may be held, lent, pledged and drawn at most is bounded, and so are reserve fees.
#[test]
fn caps_and_fees_have_bounds() {
    let world = scene();
    let amounts = ([Assets::ZERO, AMOUNT_MAX], [NEXT, Assets::MAX]);
    let (some, line) = (Assets::new(1), (MARKET, vault(1)));
    let supply = |l: &mut MemoryLedger, cap: &Assets| {
        curation::set_caps(l, CURATOR, vault(1), Caps { supply: *cap, borrow: some })
    };
    bounds(&world, amounts.0, amounts.1, supply);
    let borrow = |l: &mut MemoryLedger, cap: &Assets| {
        curation::set_caps(l, CURATOR, vault(1), Caps { supply: some, borrow: *cap })
    };
    bounds(&world, amounts.0, amounts.1, borrow);
    bounds(&world, amounts.0, amounts.1, |l, cap| {
        curation::set_line_cap(l, CURATOR, vault(1), MARKET, *cap)
    });
    bounds(&world, amounts.0, amounts.1, |l, cap| {
        set_ceiling(l, CURATOR, line, asset(2), Some(*cap))
    });
    bounds(&world, amounts.0, amounts.1, |l, cap| {
        let factor = Factor { kind: FactorKind::Bridge, label: label("Bridge") };
        register_factor(l, GOVERNANCE, &factor)?;
        set_factor_cap(l, CURATOR, vault(1), FactorId::new(1), Some(*cap))
    });
    bounds(&world, amounts.0, amounts.1, |l, cap| {
        let terms = CollateralTerms { cap: *cap, ..terms(7_500, 8_100, [400, 1_000], 0, 2) };
        listing::set_collateral(l, OWNER, MARKET, asset(2), &terms)
    });
    let fee = RESERVE_FEE_MAX.get();
    bounds(&world, [0, fee], [fee + 1, u16::MAX], |l, fee| {
        curation::set_reserve_fee(l, CURATOR, vault(1), Bps::new(*fee))
    });
}

/// CFG-2: the smallest debt is a unit at least, and no more than there can be.
#[test]
fn minimum_debts_have_bounds() {
    let mut world = scene();
    let naming = Naming { name: label("V"), symbol: label("V") };
    let caps = Caps { supply: AMOUNT_MAX, borrow: AMOUNT_MAX };
    let terms = VaultTerms { reserve_fee: Bps::ZERO, caps, model: KINKED };
    let l = &mut world.ledger;
    let vault = curation::create_vault(l, CURATOR, asset(3), naming, &terms).unwrap();
    bounds(&world, [Assets::new(1), AMOUNT_MAX], [Assets::ZERO, NEXT], |l, least| {
        let line = LineTerms { feed: FeedId::new(3), min_debt: *least };
        listing::list_vault(l, OWNER, MARKET, vault, &line)
    });
}

/// CFG-2: a market's health factors, and the algebra of thresholds, bonuses and bands, to the last point.
#[test]
fn terms_have_bounds() {
    let world = scene();
    let wads = |wad: Wad| [wad.get() - 1, wad.get(), wad.get() + 1];
    let ([below, least, _], [_, most, above]) = (wads(TARGET_HEALTH_MIN), wads(TARGET_HEALTH_MAX));
    let half = Wad::new(WAD / 2);
    bounds(&world, [least, most], [below, above], |l, target| {
        let terms = MarketTerms { target_health: Wad::new(*target), full_bonus_health: half };
        listing::create_market(l, OWNER, &terms).map(drop)
    });
    let [below, least, _] = wads(FULL_BONUS_HEALTH_MIN);
    bounds(&world, [least, WAD - 1], [below, WAD], |l, full| {
        let full_bonus_health = Wad::new(*full);
        let terms = MarketTerms { target_health: TARGET_HEALTH_MAX, full_bonus_health };
        listing::create_market(l, OWNER, &terms).map(drop)
    });
    // LTV, threshold, bonuses: 9,000 · 1.1111 is 9,999.9, one point more of bonus is above one.
    let allowed = [(8_900, 9_000, [400, 1_111]), (0, 9_000, [400, 400]), (0, 100, [0, 0])];
    let refused = [(8_901, 9_000, [400, 1_000]), (0, 9_000, [401, 400]), (0, 9_000, [0, 1_112])];
    bounds(&world, allowed, refused, |l, (ltv, threshold, bonus)| {
        let terms = terms(*ltv, *threshold, *bonus, 1, 2);
        listing::set_collateral(l, OWNER, MARKET, asset(2), &terms)
    });
    // LTV, largest bonus and band of a group: 9,000 · 98 % is 8,820, and 9,000 · 1.0893 · 1.02 is 9,999.8.
    let band = [BAND_MIN.get(), BAND_MAX.get()];
    let allowed = [(8_820, 893, 200), (0, 0, band[0]), (0, 0, band[1])];
    let refused = [(8_821, 0, 200), (0, 894, 200), (0, 0, band[0] - 1), (0, 0, band[1] + 1)];
    bounds(&world, allowed, refused, |l, (ltv, bonus, band)| {
        let threshold = if *band == 200 { 9_000 } else { 8_000 };
        let [ltv, threshold, bonus_max, band] = [*ltv, threshold, *bonus, *band].map(Bps::new);
        let terms = GroupTerms { ltv, threshold, bonus_min: Bps::ZERO, bonus_max, band };
        let named = (label("Group"), &terms);
        groups::create_group(l, OWNER, MARKET, named, Members::default()).map(drop)
    });
}

/// CFG-2: a parameter set's numbers, and how many assets it may have.
#[test]
fn portfolio_sets_have_bounds() {
    let world = full();
    let good = || set([50_000, 40_000], 100, vec![factor(1, 0, 0, &[]), factor(2, 1, 0, &[0])]);
    type Change = (&'static str, fn(&mut PortfolioTerms));
    let allowed: [Change; 8] = [
        ("plain deviations", |t| {
            (t.margin.k_borrow, t.margin.k_liquidation) = (Bps::ONE, Bps::ONE)
        }),
        ("floor", |t| t.margin.floor = Bps::new(9_999)),
        ("nearly all is risk", |t| t.factors[1].sigma = Sigma::new(199_999)),
        ("hedge", |t| t.factors[1].hedge = 15),
        ("moving as one", |t| t.factors[1].correlations = vec![10_000]),
        ("moving against each other", |t| t.factors[1].correlations = vec![-10_000]),
        ("short ramp", |t| t.ramp_seconds = 86_400),
        ("long ramp", |t| t.ramp_seconds = 31_536_000),
    ];
    let refused: [Change; 7] = [
        ("floor", |t| t.margin.floor = Bps::ONE),
        ("all is risk", |t| t.factors[1].sigma = Sigma::new(200_000)),
        ("all is risk and cost", |t| {
            (t.factors[1].sigma, t.factors[1].cost) = (Sigma::new(199_998), Bps::new(1));
        }),
        ("hedge", |t| t.factors[1].hedge = 16),
        ("correlation", |t| t.factors[1].correlations = vec![-10_001]),
        ("short ramp", |t| t.ramp_seconds = 86_399),
        ("long ramp", |t| t.ramp_seconds = 31_536_001),
    ];
    bounds(&world, allowed, refused, |l, (_, change)| {
        let mut terms = good();
        change(&mut terms);
        set_portfolio_margin(l, OWNER, MARKET, &terms)
    });
    // A hedge's threshold and the collateral's largest bonus: 8,000 · 1.25 is one.
    bounds(&world, [8_000], [8_001], |l, threshold| {
        let terms = terms(7_500, 8_000, [400, 2_500], 1, 2);
        listing::set_collateral(l, OWNER, MARKET, asset(2), &terms)?;
        let mut hedge = good();
        hedge.factors[1] = hedged(hedge.factors[1].clone(), 1, *threshold);
        set_portfolio_margin(l, OWNER, MARKET, &hedge)
    });
    bounds(&world, [1, FACTORS_MAX as u32], [FACTORS_MAX as u32 + 1], |l, count| {
        let alone = |number: u32| factor(number, 1, 0, &vec![0; number as usize - 1]);
        let factors = (1..=*count).map(alone).collect();
        set_portfolio_margin(l, OWNER, MARKET, &set([10_000, 10_000], 0, factors))
    });
}

/// INT-3: rates that a vault may ask for.
#[test]
fn interest_models_have_bounds() {
    let most = RATE_BPS_PER_YEAR_MAX;
    let allowed = [(most, 0, 0, 1), (0, most, 0, 9_999), (most - 2, 1, 1, 5_000)];
    let refused =
        [(most, 1, 0, 1), (0, most, 1, 1), (1, 0, most, 1), (0, 0, 0, 0), (0, 0, 0, 10_000)];
    bounds(&scene(), allowed, refused, |l, (base, slope1, slope2, kink)| {
        let (base, slope1, slope2, kink) = (*base, *slope1, *slope2, Bps::new(*kink));
        let model = InterestModel::Kinked { base, slope1, slope2, kink };
        curation::set_model(l, CURATOR, vault(1), model)
    });
    let (least, most) = (RATE_AT_TARGET_MIN.get(), RATE_AT_TARGET_MAX.get());
    bounds(&scene(), [least, most], [least - 1, most + 1], |l, rate| {
        let model = InterestModel::Adaptive { rate_at_target: Ray::new(*rate) };
        curation::set_model(l, CURATOR, vault(1), model)
    });
}

/// GOV-4: what the guardian stops has a longest time, and a breaker counts a part of the debt in a while.
#[test]
fn guards_have_bounds() {
    let world = scene();
    bounds(&world, [1, PAUSE_MAX], [0, PAUSE_MAX + 1], |l, seconds| {
        pause_for(l, GUARDIAN, MARKET, PauseLevel::Frozen, *seconds)
    });
    bounds(&world, [1, FREEZE_MAX], [0, FREEZE_MAX + 1], |l, seconds| {
        freeze(l, GUARDIAN, FeedId::new(1), *seconds)
    });
    let (most, longest) = (breaker::WINDOW_MAX, PAUSE_MAX);
    let allowed = [(1, 1, 1), (9_999, most, longest)];
    let refused =
        [(0, 1, 1), (10_000, 1, 1), (1, 0, 1), (1, most + 1, 1), (1, 1, 0), (1, 1, longest + 1)];
    bounds(&world, allowed, refused, |l, (part, window, pause)| {
        let terms = BreakerTerms { part: Bps::new(*part), window: *window, pause: *pause };
        breaker::set_breaker(l, OWNER, MARKET, Some(terms))
    });
}

/// ORC-1: ages and bounds of prices; sets of signers; and how finely a token may be divided.
#[test]
fn feeds_signers_and_assets_have_bounds() {
    let world = scene();
    let allowed = [(1, 0, 2), (u32::MAX, 9, 11)];
    bounds(
        &world,
        allowed,
        [(0, 0, 2), (1, 0, 1), (1, 9, 10), (1, 9, 8)],
        |l, (age, low, high)| {
            let terms = FeedTerms::unguarded(*age, Wad::new(*low), Wad::new(*high));
            feed::set_feed_terms(l, OWNER, FeedId::new(1), &terms)
        },
    );
    let most = SIGNERS_MAX as u8;
    bounds(&world, [(1, 1), (most, 1), (most, most)], [(0, 0), (1, 2), (most + 1, 1)], |l, set| {
        let signers = (1..=set.0).map(Address::repeat_byte).collect();
        let set = SignerSet { signers, threshold: set.1, expires_at: Timestamp::ZERO };
        let id = SignerSetId { provider: SourceKind::Pyth, name: B256::repeat_byte(7) };
        signers::set_signers(l, GOVERNANCE, &id, &set)
    });
    bounds(&world, [0, DECIMALS_MAX], [DECIMALS_MAX + 1, u8::MAX], |l, decimals| {
        let terms = AssetTerms { name: label("A"), symbol: label("A"), decimals: *decimals };
        protocol::create_asset(l, ISSUER, &terms).map(drop)
    });
}

/// LIQ-1: an order sells above the edge only, and up to a health factor above its trigger.
#[test]
fn stop_loss_orders_have_bounds() {
    let most = TARGET_MAX.get();
    let allowed = [(WAD + 1, WAD + 2), (WAD + 1, most), (most - 1, most)];
    let refused = [(WAD, 2 * WAD), (WAD + 1, WAD + 1), (2 * WAD, WAD + 1), (WAD + 1, most + 1)];
    bounds(&scene(), allowed, refused, |l, (trigger, target)| {
        let (trigger, target) = (Wad::new(*trigger), Wad::new(*target));
        let (asset, vault, tier_max) = (asset(2), vault(1), Tier::new(1).unwrap());
        let order = StopLoss { asset, vault, trigger, target, tier_max };
        set_stop_loss(l, ALICE, (MARKET, 0), Some(&order))
    });
}

/// CFG-2: a market's lists are full with the sixteenth collateral and the eighth vault.
#[test]
fn lists_have_bounds() {
    let mut world = full();
    let l = &mut world.ledger;
    let (asset, terms) = another(l);
    let full = l.atomically(|l| listing::add_collateral(l, OWNER, MARKET, asset, &terms));
    assert_eq!(refused(full), Error::TooManyListed { market: MARKET, most: 16 });
    let naming = Naming { name: label("V"), symbol: label("V") };
    let caps = Caps { supply: AMOUNT_MAX, borrow: AMOUNT_MAX };
    let started = VaultTerms { reserve_fee: Bps::ZERO, caps, model: KINKED };
    let vault = curation::create_vault(l, CURATOR, asset, naming, &started).unwrap();
    let line = LineTerms { feed: terms.feed, min_debt: Assets::new(1) };
    let full = l.atomically(|l| listing::list_vault(l, OWNER, MARKET, vault, &line));
    assert_eq!(refused(full), Error::TooManyListed { market: MARKET, most: 8 });
}
