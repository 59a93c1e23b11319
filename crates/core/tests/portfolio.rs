//! Portfolio margin in a market: who may set what, how it comes into force, what hedges are worth and
//! what happens when they fail.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::explain::{WhatIf, explain, what_if};
use gage_core::liquidation::Kind;
use gage_core::margin::{Totals, position};
use gage_core::portfolio::{FactorTerms, PortfolioTerms, of_market};
use gage_core::{
    Address, Bps, Error, Event, FeedId, Ledger, MarginModel, SetPlace, Sigma, Stop, WAD, Wad,
    listing,
};
use proptest::prelude::*;
use world::acts::*;
use world::margin::*;
use world::*;

fn totals(world: &mut World, who: Address) -> Totals {
    position(&mut world.ledger, &of(who)).unwrap().totals()
}

fn health(world: &mut World, who: Address) -> Wad {
    totals(world, who).health_factor()
}

/// A part of a value in basis points.
fn part(value: Wad, points: u128) -> Wad {
    Wad::new(value.get() / 10_000 * points)
}

/// Three assets of 100 dollars, all lent by vaults and taken as collateral.
fn lent() -> World {
    let mut world = World::new(&[6, 18, 18], 3);
    for (number, decimals) in [(1, 6), (2, 18), (3, 18)] {
        deposit(&mut world, LENDER, number, 100_000 * unit(decimals)).unwrap();
    }
    world
}

/// A dollar that does not move, and two assets that move by 5 % with this correlation.
fn pair(correlation: i16) -> Vec<FactorTerms> {
    vec![
        factor(1, 0, 0, &[]),
        factor(2, 50_000, 200, &[0]),
        factor(3, 50_000, 100, &[0, correlation]),
    ]
}

/// One collateral against a dollar that does not move is a plain threshold of `1 − k·σ − cost`.
#[test]
fn one_collateral_against_a_dollar_is_a_plain_threshold() {
    let mut world = lent();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 70 * unit(6)).unwrap();
    world.settle_margin(&set([50_000, 40_000], 100, pair(9_000)));
    for price in [100, 95, 90, 89, 50] {
        world.report(2, price * WAD).unwrap();
        let totals = totals(&mut world, ALICE);
        // 1 − 4·5 % − 2 %, and 1 − 5·5 % − 2 %.
        assert_eq!(totals.liquidation_limit, part(totals.collateral_value, 7_800));
        assert_eq!(totals.borrow_limit, part(totals.collateral_value, 7_300));
        let unhealthy = totals.debt_value > part(totals.collateral_value, 7_800);
        assert_eq!(totals.health_factor() < Wad::ONE, unhealthy);
    }
    // Never better than the collateral's own terms: 75 and 81 %.
    world.report(2, 100 * WAD).unwrap();
    world.settle_margin(&set([15_000, 10_000], 100, pair(9_000)));
    let totals = totals(&mut world, ALICE);
    assert_eq!(totals.liquidation_limit, part(totals.collateral_value, 8_100));
    assert_eq!(totals.borrow_limit, part(totals.collateral_value, 7_500));
}

/// CFG-2: whatever cannot be a covariance, or would let a rising collateral hurt, is refused by name.
#[test]
fn sets_are_checked() {
    let good = || set([50_000, 40_000], 100, pair(9_000));
    let with = |change: &dyn Fn(&mut PortfolioTerms)| {
        let mut terms = good();
        change(&mut terms);
        terms
    };
    let mut world = lent();
    let mut refuse = |terms: PortfolioTerms| refused(world.set_margin(&terms));
    let invalid = |name, value| Error::InvalidParameter { name, value };
    for (name, value, terms) in [
        ("k at liquidation", 9_999, with(&|t| t.margin.k_liquidation = Bps::new(9_999))),
        ("k for drawing", 39_999, with(&|t| t.margin.k_borrow = Bps::new(39_999))),
        ("floor", 10_000, with(&|t| t.margin.floor = Bps::ONE)),
        // 5·19.6 % + 2 % is all of it.
        ("standard deviation", 196_000, with(&|t| t.factors[1].sigma = Sigma::new(196_000))),
        ("hedge", 16, with(&|t| t.factors[1].hedge = 16)),
        ("hedge threshold", 1, with(&|t| t.factors[1].hedge_threshold = Bps::new(1))),
        // The largest bonus is 10 %.
        (
            "hedge threshold",
            9_091,
            with(&|t| t.factors[1] = hedged(t.factors[1].clone(), 1, 9_091)),
        ),
        ("number of correlations", 2, with(&|t| t.factors[1].correlations.push(0))),
        ("correlation", 10_001, with(&|t| t.factors[2].correlations[1] = -10_001)),
        ("factor's asset", 2, with(&|t| t.factors[2].asset = asset(2))),
        ("factor's asset", 4, with(&|t| t.factors[2].asset = asset(4))),
        ("ramp seconds", 86_399, with(&|t| t.ramp_seconds = 86_399)),
        ("ramp seconds", 31_536_001, with(&|t| t.ramp_seconds = 31_536_001)),
    ] {
        assert_eq!(refuse(terms), invalid(name, value));
    }
    let many = (0..17).map(|_| factor(1, 0, 0, &[])).collect();
    assert_eq!(refuse(set([10_000, 10_000], 0, many)), invalid("number of factors", 17));
    // Two that move as one and a third that moves with one of them only.
    let mut factors = pair(0);
    factors[1].correlations = vec![10_000];
    factors[2].correlations = vec![0, 9_000];
    let asset = refuse(set([50_000, 40_000], 100, factors));
    assert!(matches!(asset, Error::CovarianceNotPositive { .. }), "{asset}");
    for actor in [ALICE, GOVERNANCE, CURATOR] {
        let outcome =
            gage_core::portfolio::set_portfolio_margin(&mut world.ledger, actor, MARKET, &good());
        assert!(matches!(refused(outcome), Error::NotAuthorised { .. }));
    }
    assert!(world.ledger.portfolios.is_empty() && world.ledger.risk_factors.is_empty());
    assert_eq!(world.ledger.markets[&MARKET].margin, MarginModel::Threshold);
    world.set_margin(&with(&|t| t.factors[1] = hedged(t.factors[1].clone(), 1, 9_090))).unwrap();
    // A hedge's threshold leaves room for a bonus that is raised afterwards.
    let raised = terms(7_500, 8_100, [400, 1_010], 1 << 90, 2);
    let outcome =
        listing::set_collateral(&mut world.ledger, OWNER, MARKET, world::acts::asset(2), &raised);
    assert_eq!(refused(outcome), invalid("hedge threshold", 9_090));
    sound(&world);
}

/// What is in force in a market is what was set, beside what it replaces; in a market that never had a set, nothing.
#[test]
fn a_market_says_what_is_in_force() {
    let mut world = lent();
    let in_force = |world: &mut World| of_market(&mut world.ledger, MARKET).unwrap().1;
    assert_eq!(in_force(&mut world).newest().terms(), None);
    let (first, second) =
        (set([50_000, 40_000], 100, pair(0)), set([30_000, 20_000], 200, pair(0)));
    world.settle_margin(&first);
    world.set_margin(&second).unwrap();
    let in_force = in_force(&mut world);
    let sets = [in_force.replaced(), in_force.newest()];
    assert_eq!(sets.map(|set| set.terms()), [Some(first.margin), Some(second.margin)]);
    for set in sets {
        let assets: Vec<_> = set.factors().iter().map(|(asset, _)| *asset).collect();
        assert_eq!(assets, [1, 2, 3].map(asset));
    }
}

/// CFG-2: a set comes into force along its ramp, in steps of an hour, and no other before its end.
#[test]
fn sets_come_into_force_slowly() {
    let mut world = lent();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 75 * unit(6)).unwrap();
    let before = totals(&mut world, ALICE);
    let start = world.ledger.now;
    let terms = set([50_000, 50_000], 100, pair(0));
    world.set_margin(&terms).unwrap();
    assert_eq!(totals(&mut world, ALICE), before, "nothing changes at once");
    let Some(Event::MarginChanged { generation: 1, margin, ramp_start, ramp_end, .. }) =
        world.ledger.events.iter().rev().nth(3).copied()
    else {
        panic!("{:?}", world.ledger.events);
    };
    assert_eq!((margin, ramp_start, ramp_end), (Some(terms.margin), start, start.after(86_400)));
    let running = Error::MarginRampRunning { until: start.after(86_400) };
    let mut last = before.liquidation_limit;
    for hour in 1..=24_u128 {
        world.ledger.now = start.after(3_600 * hour as u64 - 1);
        assert_eq!(refused(world.set_margin(&terms)), running);
        let just_before = totals(&mut world, ALICE).liquidation_limit;
        assert_eq!(just_before, last, "it moves once an hour");
        world.ledger.now = start.after(3_600 * hour as u64);
        last = totals(&mut world, ALICE).liquidation_limit;
        // From 81 % to 1 − 5·5 % − 2 % = 73 %.
        let expected = before.collateral_value.get() / 10_000 * (8_100 * 24 - 800 * hour) / 24;
        assert!(last.get().abs_diff(expected) <= 1, "hour {hour}");
    }
    assert!(health(&mut world, ALICE) < Wad::ONE);
    // A standard deviation doubles or halves at most; the way back to thresholds is a ramp, too.
    world.report_all_again();
    for (sigma, allowed) in [(24_999, false), (100_001, false), (25_000, true)] {
        let mut next = terms.clone();
        (next.margin.k_borrow, next.margin.k_liquidation) = (Bps::new(20_000), Bps::new(20_000));
        next.factors[1].sigma = Sigma::new(sigma);
        match world.set_margin(&next) {
            Ok(()) => assert!(allowed),
            Err(Stop::Refused(error)) => {
                assert!(!allowed);
                assert_eq!(
                    error,
                    Error::InvalidParameter { name: "standard deviation", value: sigma.into() }
                );
            }
            Err(fault) => panic!("{fault}"),
        }
    }
    world.pass(86_400);
    let mut none = terms;
    none.factors.clear();
    world.set_margin(&none).unwrap();
    assert_eq!(world.ledger.portfolio(MARKET).unwrap().now, None);
    let kept = world.ledger.risk_factors.keys().all(|(_, place, _)| *place == SetPlace::Even);
    assert!(
        kept && world.ledger.risk_factors.len() == 3,
        "the set before stays until the ramp ends"
    );
    world.pass(86_400);
    let after = totals(&mut world, ALICE);
    assert_eq!(after.liquidation_limit, part(after.collateral_value, 8_100));
    sound(&world);
}

/// A named hedge counts at its threshold, as far as debt matches it; the same pair without a name counts
/// no more than in a market of thresholds, and what has no factor costs its whole value.
#[test]
fn hedges_count_when_they_are_named() {
    let limits = |named: bool| {
        let mut world = lent();
        let mut factors = pair(9_990);
        if named {
            factors[1] = hedged(factors[1].clone(), 1, 9_000);
            factors[2] = hedged(factors[2].clone(), 1, 9_000);
        }
        world.settle_margin(&set([30_000, 20_000], 100, factors));
        pledge(&mut world, ALICE, 2, 100 * unit(18));
        borrow(&mut world, ALICE, 3, 50 * unit(18)).unwrap();
        let totals = totals(&mut world, ALICE);
        assert_eq!(totals.collateral_value, Wad::new(10_000 * WAD));
        sound(&world);
        [totals.borrow_limit, totals.liquidation_limit].map(|limit| limit.get() / WAD)
    };
    assert_eq!(limits(false), [7_500, 8_100]);
    // 5,000 at 89 and 90 %, 5,000 at 75 and 81 %.
    assert_eq!(limits(true), [8_200, 8_550]);
    let mut world = lent();
    world.settle_margin(&set([30_000, 20_000], 100, pair(9_990).into_iter().take(2).collect()));
    pledge(&mut world, ALICE, 3, 100 * unit(18));
    assert_eq!(totals(&mut world, ALICE).borrow_limit, Wad::ZERO);
    assert!(matches!(refused(borrow(&mut world, ALICE, 1, unit(6))), Error::AboveLimit { .. }));
}

/// What explain says of a hedged account: the parts of its requirement, what each leg does, and the price
/// at which each would have it liquidated.
#[test]
fn explanations_say_what_hedges_do() {
    let mut world = lent();
    world.settle_margin(&set([30_000, 20_000], 100, pair(9_900)));
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 3, 40 * unit(18)).unwrap();
    borrow(&mut world, ALICE, 1, 20 * unit(6)).unwrap();
    let explained = explain(&mut world.ledger, &of(ALICE)).unwrap();
    let requirements = explained.requirements.unwrap();
    let kept = requirements.liquidation;
    assert_eq!(
        kept.total,
        kept.risk.max(Wad::ZERO).add(kept.cost).unwrap().max(kept.floor).max(kept.linear)
    );
    assert_eq!(
        explained.totals.liquidation_limit,
        explained.totals.collateral_value.sub(kept.total).unwrap()
    );
    assert!(requirements.borrow.total > kept.total);
    // 100 dollars a token: 2 % of 10,000 and 1 % of 4,000, and the floor of 16,000.
    assert_eq!(kept.cost, Wad::new(240 * WAD));
    assert_eq!(kept.floor, Wad::new(160 * WAD));
    let owed = explained.debts.iter().find(|view| view.vault == vault(3)).unwrap();
    let margin = owed.margin.unwrap();
    assert!(margin.without >= kept.total, "the debt hedges the collateral");
    assert!(!margin.alone.is_zero());
    let owned = explained.collaterals[0].margin.unwrap();
    assert!(owned.without < kept.total, "the collateral is most of the risk");
    for (feed, view_price, below) in explained
        .collaterals
        .iter()
        .map(|view| (view.feed, view.liquidation_price, true))
        .chain(explained.debts.iter().map(|view| (view.feed, view.liquidation_price, false)))
    {
        let price = view_price.unwrap();
        let mut at = |price: u128| {
            let changes = WhatIf { prices: vec![(feed, Wad::new(price))], ..WhatIf::default() };
            what_if(&mut world.ledger, &of(ALICE), &changes).unwrap().health_factor
        };
        let beside = if below { price.get() + 1 } else { price.get() - 1 };
        assert!(at(price.get()) < Wad::ONE && at(beside) >= Wad::ONE, "{feed}");
    }
    let threshold = World::new(&[6, 18], 1);
    let mut world = threshold;
    pledge(&mut world, ALICE, 2, unit(18));
    let explained = explain(&mut world.ledger, &of(ALICE)).unwrap();
    assert!(explained.requirements.is_none() && explained.collaterals[0].margin.is_none());
}

/// D-02: two stables that fall together by 13 % move no account that owes one against the other; when one
/// falls alone, the correlation that was promised is gone, and the floor has kept enough to pay everybody.
#[test]
fn reg_d02_a_stable_s_weekend_under_portfolio_margin() {
    let stables = || {
        let mut world = lent();
        let both = |f: FactorTerms| hedged(f, 1, 9_000);
        let factors = vec![
            factor(1, 50_000, 0, &[]),
            both(factor(2, 10_000, 0, &[0])),
            both(factor(3, 10_000, 0, &[0, 9_990])),
        ];
        world.settle_margin(&set([30_000, 30_000], 900, factors));
        pledge(&mut world, ALICE, 2, 10_000 * unit(18));
        let limit = {
            // The most that the floor allows: C − D ≥ 9 %·(C + D).
            10_000 * unit(18) / 109 * 91 / 1_000 * 999
        };
        borrow(&mut world, ALICE, 3, limit).unwrap();
        assert!(matches!(
            refused(borrow(&mut world, ALICE, 3, 10 * unit(18))),
            Error::AboveLimit { .. }
        ));
        world
    };
    let mut world = stables();
    let healthy = health(&mut world, ALICE);
    for percent in (87..100).rev().chain(88..=100) {
        for feed in [2, 3] {
            world.report(feed, percent * WAD).unwrap();
        }
        let now = health(&mut world, ALICE);
        assert!(now.get().abs_diff(healthy.get()) < WAD / 1_000_000, "{now} at {percent}");
        let outcome = liquidate_pair(&mut world, (LENDER, ALICE), (3, 2), u128::MAX);
        assert!(now < Wad::ONE || matches!(refused(outcome), Error::Healthy { .. }));
    }
    // Alone, at once.
    let mut world = stables();
    world.report(2, 87 * WAD).unwrap();
    let broken = totals(&mut world, ALICE);
    assert!(broken.health_factor() < Wad::ONE && broken.cover >= broken.debt_value);
    let plan = liquidate_pair(&mut world, (LENDER, ALICE), (3, 2), u128::MAX).unwrap();
    assert_eq!((plan.kind, plan.bad_debt_value), (Kind::Partial, Wad::ZERO));
    assert!(plan.health_after > plan.health_before);
    let lost = world.ledger.vaults.values().any(|vault| !vault.losses.is_zero());
    assert!(!lost, "nobody bears a loss");
    sound(&world);
}

/// D-09: a price error of 3 % on a pair that was looped to its limit liquidates nobody, as drawing needs
/// more standard deviations than staying; without correlation the pair is worth its own thresholds.
#[test]
fn reg_d09_a_price_error_on_a_looped_pair() {
    let mut world = lent();
    let factors = |correlation| {
        vec![
            factor(1, 0, 0, &[]),
            hedged(factor(2, 50_000, 100, &[0]), 1, 9_090),
            hedged(factor(3, 50_000, 100, &[0, correlation]), 1, 9_090),
        ]
    };
    world.settle_margin(&set([65_000, 40_000], 300, factors(9_000)));
    pledge(&mut world, ALICE, 2, 1_000 * unit(18));
    let mut drawn = 0;
    // A loop: what is drawn is sold and pledged again, until nothing more can be drawn.
    while drawn < 200 {
        match borrow(&mut world, ALICE, 3, 100 * unit(18)) {
            Ok(()) => pledge(&mut world, ALICE, 2, 100 * unit(18)),
            Err(_) => break,
        }
        drawn += 1;
    }
    assert!(drawn >= 30, "{drawn} draws of a tenth");
    for (feed, price) in [(2, 97), (2, 103), (3, 103), (3, 97)] {
        world.report(feed, price * WAD).unwrap();
        assert!(health(&mut world, ALICE) >= Wad::ONE, "feed {feed} at {price}");
        world.report(feed, 100 * WAD).unwrap();
    }
    // The correlation breaks: along the ramp the requirement rises, and what is sold closes or improves.
    let before = totals(&mut world, ALICE);
    world.settle_margin(&set([65_000, 40_000], 300, factors(0)));
    let now = totals(&mut world, ALICE);
    assert!(now.liquidation_limit < before.liquidation_limit && now.health_factor() < Wad::ONE);
    let plan = liquidate_pair(&mut world, (LENDER, ALICE), (3, 2), u128::MAX).unwrap();
    assert!(plan.health_after > plan.health_before && plan.bad_debt_value.is_zero());
    sound(&world);
}

/// A market that only names thresholds reads no record of portfolio margin, and one that returned to
/// thresholds counts as it did before.
#[test]
fn the_way_back_ends_where_it_began() {
    let mut world = lent();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    pledge(&mut world, ALICE, 3, 7 * unit(18));
    borrow(&mut world, ALICE, 1, 50 * unit(6)).unwrap();
    let before = totals(&mut world, ALICE);
    let terms = set([30_000, 20_000], 100, pair(0));
    let none = PortfolioTerms { factors: Vec::new(), ..terms.clone() };
    for terms in [&terms, &none, &terms, &none] {
        world.settle_margin(terms);
        assert_eq!(world.ledger.feeds[&FeedId::new(2)].price, Wad::new(100 * WAD));
    }
    let after = totals(&mut world, ALICE);
    assert_eq!(
        (after.borrow_limit, after.liquidation_limit),
        (before.borrow_limit, before.liquidation_limit)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// HLT-2: whoever splits an account into two may draw no more with both.
    #[test]
    fn splitting_an_account_never_helps(seed in any::<u64>()) {
        let mut world = lent();
        let mut dice = Dice(seed);
        let terms = any_set(&mut dice, 3, None);
        world.settle_margin(&terms);
        let mut whole = gage_core::Account::default();
        for (owner, _) in [(ALICE, 0), (MALLORY, 0)] {
            let mut account = gage_core::Account::default();
            for place in 0..3_u8 {
                let amount = gage_core::Assets::new(u128::from(dice.below(1_000_000)) * unit([6, 18, 18][usize::from(place)]) / 1_000);
                account.set_collateral(place, amount);
                whole.set_collateral(place, whole.collateral(place).add(amount).unwrap());
                let shares = gage_core::Shares::new(u128::from(dice.below(400_000)) * unit([6, 18, 18][usize::from(place)]) / 1_000);
                let debt = gage_core::Debt { shares, offset: gage_core::Assets::ZERO };
                account.set_debt(place, debt);
                whole.set_debt(place, whole.debt(place).plus(debt).unwrap());
            }
            world.ledger.set_account(&of(owner), &account).unwrap();
        }
        world.ledger.set_account(&of(FRIEND), &whole).unwrap();
        let kept = |world: &mut World, who| {
            let position = position(&mut world.ledger, &of(who)).unwrap();
            position.requirement(gage_core::portfolio::Limit::Borrow).unwrap().total.get()
        };
        let parts = kept(&mut world, ALICE) + kept(&mut world, MALLORY);
        prop_assert!(kept(&mut world, FRIEND) <= parts + 20);
    }
}
