//! Peers' forms of the same mechanisms, written anew from their published formulas in floating
//! point, beside ours at the same inputs; and the closed forms of liquidation and leverage through
//! the real plan. `docs/peers.md` has the tables.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, reason = "tests, and a reference in f64")]

mod world;

use gage_core::interest::{
    CURVE_STEEPNESS, RATE_AT_TARGET_INITIAL, RATE_AT_TARGET_MAX, RATE_AT_TARGET_MIN,
};
use gage_core::liquidation::{Aim, Kind, Plan, bonus_curve, plan_liquidation};
use gage_core::premium::premium_of;
use gage_core::{
    Assets, Bps, Error, InterestModel, Ledger as _, Ray, WAD, Wad, listing, margin, rates,
};
use world::acts::*;
use world::*;

/// An account by its values in dollars, and its terms.
#[derive(Clone, Copy, Debug)]
struct Case {
    collateral: f64,
    debt: f64,
    /// Liquidation threshold.
    lt: f64,
    bonus: [f64; 2],
    target: f64,
    /// Health at which the bonus is largest.
    full: f64,
    /// Smallest debt.
    minimum: f64,
}

/// A case like Aave's and Morpho's defaults: a threshold of 83 %, a bonus of 5 % at any health.
const PLAIN: Case = Case {
    collateral: 100.0,
    debt: 85.0,
    lt: 0.83,
    bonus: [0.05, 0.05],
    target: 1.05,
    full: 0.9,
    minimum: 0.001,
};

fn wad(value: f64) -> u128 {
    // Exact for the decimal numbers below: through 12 digits after the point.
    (value * 1e12).round() as u128 * 1_000_000
}

fn points(value: f64) -> u16 {
    (value * 1e4).round() as u16
}

fn number(value: Assets) -> f64 {
    value.get() as f64 / 1e18
}

impl Case {
    /// The case at a health factor, by its debt.
    fn at(health: f64) -> Self {
        Self { debt: PLAIN.collateral * PLAIN.lt / health, ..PLAIN }
    }

    fn health(&self) -> f64 {
        self.collateral * self.lt / self.debt
    }

    /// A world with this account: Alice's, 18 decimals, both tokens at a dollar, no interest.
    fn world(&self) -> World {
        let mut world = World::new(&[18, 18], 1);
        let free = InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(8_000) };
        world.ledger.vaults.get_mut(&vault(1)).unwrap().model = free;
        world.report(1, WAD).unwrap();
        world.report(2, 1_000 * WAD).unwrap();
        deposit(&mut world, LENDER, 1, 900_000 * WAD).unwrap();
        pledge(&mut world, ALICE, 2, wad(self.collateral));
        borrow(&mut world, ALICE, 1, wad(self.debt)).unwrap();
        world.report(2, WAD).unwrap();
        let l = &mut world.ledger;
        let terms = l.collaterals.get_mut(&(MARKET, asset(2))).unwrap();
        let [least, most] = self.bonus.map(points);
        (terms.bonus_min, terms.bonus_max) = (Bps::new(least), Bps::new(most));
        terms.threshold = Bps::new(points(self.lt));
        let market = l.markets.get_mut(&MARKET).unwrap();
        (market.target_health, market.full_bonus_health) =
            (Wad::new(wad(self.target)), Wad::new(wad(self.full)));
        l.lines.get_mut(&(MARKET, vault(1))).unwrap().min_debt = Assets::new(wad(self.minimum));
        world
    }

    /// Our plan, for a liquidator who repays so much at most.
    fn plan(&self, most: f64) -> Result<Plan, Error> {
        let mut world = self.world();
        let l = &mut world.ledger;
        let position = margin::position(l, &of(ALICE)).unwrap();
        let market = l.market(MARKET).unwrap();
        let max_repay = Assets::new(wad(most.min(1e12)));
        plan_liquidation(&position, &market, &Aim { vault: vault(1), asset: asset(2), max_repay })
    }

    fn ours(&self) -> Step {
        let plan = self.plan(f64::MAX).unwrap();
        Step { repaid: number(plan.repaid()), sold: number(plan.seized()) }
    }

    fn after(&self, step: Step) -> Self {
        Self { collateral: self.collateral - step.sold, debt: self.debt - step.repaid, ..*self }
    }
}

/// What a liquidation moves, in dollars.
#[derive(Clone, Copy, Debug)]
struct Step {
    repaid: f64,
    sold: f64,
}

impl Step {
    /// A repayment at a bonus, out of no more than there is.
    fn of(case: &Case, repaid: f64, bonus: f64) -> Self {
        let sold = (repaid * (1.0 + bonus)).min(case.collateral);
        Self { repaid: sold / (1.0 + bonus), sold }
    }

    fn given_away(&self) -> f64 {
        self.sold - self.repaid
    }
}

#[track_caller]
fn near(a: f64, b: f64, slack: f64) {
    assert!((a - b).abs() <= slack, "{a} {b}");
}

/// Aave v3 (`LiquidationLogic.sol`): half of the debt; all of it below health 0.95, or if debt or
/// collateral is worth less than 2,000. A rest below 1,000 on either side reverts.
fn aave_v3(case: &Case, bonus: f64) -> Option<Step> {
    let small = case.debt < 2_000.0 || case.collateral < 2_000.0;
    let part = if case.health() <= 0.95 || small { 1.0 } else { 0.5 };
    let step = Step::of(case, part * case.debt, bonus);
    let rest = case.after(step);
    let is_dust = |value: f64| value > 1e-9 && value < 1_000.0;
    let partly = rest.debt > 1e-9 && rest.collateral > 1e-9;
    (!(partly && (is_dust(rest.debt) || is_dust(rest.collateral)))).then_some(step)
}

/// Aave v4 (`docs/features/LiquidationEngine.md`): the bonus on a line between health one and
/// `full`, the debt that brings health to the target, and all of it if less than `dust` would stay.
fn aave_v4(case: &Case, most: f64, dust: f64) -> (Step, f64) {
    let [least, largest] = case.bonus;
    let factor = least / largest;
    let (max_bonus, health) = (1.0 + largest, case.health());
    let min_bonus = (max_bonus - 1.0) * factor + 1.0;
    let bonus = match health <= case.full {
        true => max_bonus,
        false => min_bonus + (max_bonus - min_bonus) * (1.0 - health) / (1.0 - case.full),
    };
    let mut repaid = case.debt * (case.target - health) / (case.target - bonus * case.lt);
    repaid = repaid.min(most).min(case.debt);
    if case.debt - repaid < dust {
        repaid = case.debt;
    }
    (Step::of(case, repaid, bonus - 1.0), bonus - 1.0)
}

/// Mars (`packages/liquidation`): the debt that brings health to the target, all if no debt does; the
/// bonus rises by `slope`, at most what the collateral covers, but never below the smallest.
fn mars(case: &Case, slope: f64) -> (Step, f64) {
    let [least, largest] = case.bonus;
    let covered = case.collateral / case.debt;
    let rising = least + slope * (1.0 - case.health());
    let bonus = rising.min((covered - 1.0).min(largest).max(least));
    let gain = case.target - case.lt * (1.0 + bonus);
    let wanted = case.target * case.debt - case.collateral * case.lt;
    let repaid = if gain <= 0.0 { case.debt } else { (wanted / gain).min(case.debt) };
    (Step::of(case, repaid, bonus), bonus)
}

/// Morpho Blue (`Morpho.sol`): up to the whole debt, at `min(1.15, 1 / (1 − 0.3·(1 − LLTV)))`.
fn morpho_factor(lltv: f64) -> f64 {
    (1.0 / (1.0 - 0.3 * (1.0 - lltv))).min(1.15)
}

fn morpho(case: &Case) -> Step {
    Step::of(case, case.debt, morpho_factor(case.lt) - 1.0)
}

/// Euler v2 (`Liquidation.sol`): the discount is the depth of the violation, up to a largest one;
/// the whole position goes.
fn euler(case: &Case, largest: f64) -> Step {
    let factor = case.health().max(1.0 - largest);
    let repaid = case.debt.min(case.collateral * factor);
    Step { repaid, sold: repaid / factor }
}

/// Morpho's adaptive curve (`AdaptiveCurveIrm.sol`): the mean rate and the rate at target after it,
/// per year.
fn adaptive_curve(used: f64, start: f64, seconds: f64) -> (f64, f64) {
    let err = if used > 0.9 { (used - 0.9) / 0.1 } else { (used - 0.9) / 0.9 };
    let steep = CURVE_STEEPNESS as f64;
    let bend = if err >= 0.0 { steep - 1.0 } else { 1.0 - 1.0 / steep };
    let at = |t: f64| (start * (50.0 * err * t / 31_536_000.0).exp()).clamp(0.001, 2.0);
    let mean = (at(0.0) + 2.0 * at(seconds / 2.0) + at(seconds)) / 4.0;
    (mean * (1.0 + bend * err), at(seconds))
}

/// Aave v4's user risk premium: collaterals by ascending risk until they cover the debt; the mean of
/// their risk over the part used.
fn aave_v4_premium(collaterals: &[(f64, f64)], debt: f64) -> f64 {
    let mut sorted = collaterals.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut left, mut weighted, mut used) = (debt, 0.0, 0.0);
    for (risk, value) in sorted {
        let part = value.min(left);
        left -= part;
        weighted += risk * part;
        used += part;
    }
    if used == 0.0 { 0.0 } else { weighted / used }
}

/// Equal to Aave v4's, but for rounding up to a basis point.
#[test]
fn the_risk_premium_is_aave_v4s() {
    let mut dice = Dice(4);
    for _ in 0..2_000 {
        let count = 1 + dice.below(6);
        let backing: Vec<(u16, u64)> =
            (0..count).map(|_| (dice.below(50_001) as u16, dice.below(1_000_000))).collect();
        let debt = dice.below(3_000_000);
        let reals: Vec<_> =
            backing.iter().map(|(risk, value)| (f64::from(*risk), *value as f64)).collect();
        let mut ours: Vec<_> = backing
            .iter()
            .map(|(risk, value)| (Bps::new(*risk), Wad::new(u128::from(*value) * WAD)))
            .collect();
        let got = f64::from(premium_of(&mut ours, Wad::new(u128::from(debt) * WAD)).get());
        let want = aave_v4_premium(&reals, debt as f64);
        assert!(got - want > -1e-6 && got - want < 1.0, "{backing:?} {debt}: {got} {want}");
    }
}

/// Equal to Aave v4's while its configuration is safe: the same size, the same bonus, the same dust
/// rule. That is `maxLB·cf ≤ hfMax`, which its code does not check.
#[test]
fn target_health_is_aave_v4s_where_that_is_safe() {
    for lt in [0.5, 0.7, 0.8] {
        for bonus in [[0.0, 0.1], [0.03, 0.1], [0.05, 0.05]] {
            for health in [0.999, 0.98, 0.95, 0.92, 0.9, 0.89] {
                let debt = 100.0 * lt / health;
                let case = Case { debt, lt, bonus, ..PLAIN };
                assert!((1.0 + bonus[1]) * lt <= case.full);
                let (theirs, rate) = aave_v4(&case, f64::MAX, 0.0);
                let plan = case.plan(f64::MAX).unwrap();
                near(plan.bonus.get() as f64 / 1e18, rate, 1e-11);
                near(number(plan.repaid()), theirs.repaid, 1e-8);
                near(number(plan.seized()), theirs.sold, 1e-8);
                let curve = bonus_curve(
                    Wad::new(wad(health)),
                    Wad::new(wad(case.full)),
                    Bps::new(points(bonus[0])),
                    Bps::new(points(bonus[1])),
                );
                near(curve.get() as f64 / 1e18, rate, 1e-11);
            }
        }
    }
    // A debt that would leave less than the minimum goes whole on both.
    let case = Case { collateral: 1_320.0, debt: 1_100.0, minimum: 1_000.0, ..PLAIN };
    let (theirs, _) = aave_v4(&case, f64::MAX, 1_000.0);
    near(case.ours().repaid, theirs.repaid, 1e-8);
    near(theirs.repaid, 1_100.0, 0.0);
}

/// Beyond that, a partial liquidation on Aave v4 lowers health and raises the next bonus: a
/// liquidator gains by splitting. Ours never gives more than `HF/LT − 1`, so that health never falls.
/// Why it is better: no configuration of an owner makes a spiral, and no bot gains by many small calls.
#[test]
fn splitting_gains_nothing_where_aave_v4_pays_for_it() {
    let case = Case { lt: 0.88, bonus: [0.02, 0.12], ..PLAIN };
    for health in [0.97, 0.95, 0.93] {
        let case = Case { debt: case.collateral * case.lt / health, ..case };
        let (first, rate) = aave_v4(&case, 5.0, 0.0);
        let then = case.after(first);
        let (_, next) = aave_v4(&then, 5.0, 0.0);
        let spirals = (1.0 + rate) * case.lt > health;
        assert_eq!(then.health() < health, spirals);
        assert_eq!(next > rate, spirals, "the next one pays more");
        let ours = case.plan(5.0).unwrap();
        let step = Step { repaid: number(ours.repaid()), sold: number(ours.seized()) };
        let rest = case.after(step);
        assert!(rest.health() > health, "{health}: {} after", rest.health());
        let second = rest.plan(f64::MAX).unwrap();
        assert!(second.bonus <= ours.bonus || spirals, "the next one pays no more");
        // Both steps together give away no more than one at the first step's rate would.
        let whole = case.plan(number(ours.repaid()) + number(second.repaid())).unwrap();
        let both = step.sold + number(second.seized());
        let one = number(whole.seized()) * (step.repaid + number(second.repaid()))
            / number(whole.repaid());
        assert!(both <= one * (1.0 + 2e-3), "{health}: {both} {one}");
    }
    let spiral = Case { lt: 0.88, bonus: [0.02, 0.12], debt: 88.0 / 0.93, ..PLAIN };
    assert!(spiral.after(aave_v4(&spiral, 5.0, 0.0).0).health() < spiral.health());
}

/// Aave v3 sells half or all at a fixed bonus. Ours sells what the target needs: while that is less
/// than the close factor the borrower keeps more; at the toxic line theirs makes the account worse.
/// Why it is better: a hair's breadth below one costs a fraction, and no step harms the account.
#[test]
fn less_is_sold_than_by_aave_v3s_close_factor() {
    for (health, part) in [(0.999, 0.5), (0.98, 0.5), (0.97, 0.5), (0.949, 1.0), (0.93, 1.0)] {
        let scale = 1_000.0;
        let plain = Case::at(health);
        let case = Case { collateral: 100.0 * scale, debt: plain.debt * scale, ..PLAIN };
        let theirs = aave_v3(&case, 0.05).unwrap();
        near(theirs.repaid, part * case.debt, 1e-6);
        let ours = case.ours();
        assert!(ours.repaid <= theirs.repaid + 1e-6, "{health}: {ours:?} {theirs:?}");
        assert!(ours.given_away() <= theirs.given_away() + 1e-6);
        near(case.after(ours).health(), 1.05, 1e-9);
    }
    // Just above 0.95 half does not reach the target; ours sells a hundredth more and does.
    let case = Case { collateral: 100_000.0, debt: 83_000.0 / 0.96, ..PLAIN };
    let (ours, theirs) = (case.ours(), aave_v3(&case, 0.05).unwrap());
    assert!(ours.repaid > theirs.repaid && ours.repaid < 1.01 * theirs.repaid);
    assert!(case.after(theirs).health() < 1.05);
    // 92 % of the collateral's value is owed, at a bonus of 10 %.
    let toxic = Case { debt: 92.0, bonus: [0.1, 0.1], ..PLAIN };
    let half = Step::of(&toxic, 46.0, 0.1);
    near((toxic.debt - half.repaid) / (toxic.collateral - half.sold), 0.931_174_09, 1e-8);
    assert!(toxic.after(half).health() < toxic.health());
    let ours = toxic.plan(46.0);
    match ours {
        Ok(plan) => assert!(plan.kind == Kind::CloseOut || plan.health_after > plan.health_before),
        Err(why) => assert!(matches!(why, Error::CloseOutNeeds { .. }), "{why}"),
    }
    // A rest of less than 1,000 reverts on Aave; ours takes it along instead of leaving it there.
    let small = Case { collateral: 2_300.0, debt: 2_000.0, minimum: 1_000.0, ..PLAIN };
    let partly = Case { debt: 2_005.0, collateral: 2_050.0, lt: 0.95, ..small };
    assert!(aave_v3(&partly, 0.05).is_none() || partly.health() <= 0.95);
    let rest = small.after(small.ours());
    assert!(rest.debt < 1e-9 || rest.debt >= 1_000.0 - 1e-9, "{rest:?}");
}

/// Equal to Mars's size and bonus while the collateral covers its smallest bonus. Beyond, Mars pays
/// that bonus all the same and leaves a debt with nothing behind it; ours closes the account in the
/// same call. Why it is better: bad debt is known at once, and no interest runs on it.
#[test]
fn target_health_is_mars_and_insolvency_is_closed() {
    for health in [0.999, 0.97, 0.94, 0.91] {
        let case = Case { bonus: [0.02, 0.1], full: 0.92, ..Case::at(health) };
        // From 2 to 10 % over 0.08 of health: a slope of one.
        let (theirs, rate) = mars(&case, 1.0);
        let plan = case.plan(f64::MAX).unwrap();
        near(plan.bonus.get() as f64 / 1e18, rate, 1e-4);
        near(number(plan.repaid()), theirs.repaid, 0.2);
        if rate < 0.09 {
            near(number(plan.repaid()), theirs.repaid, 1e-8);
        }
    }
    let under = Case { debt: 98.0, ..PLAIN };
    let (theirs, rate) = mars(&under, 1.0);
    near(rate, 0.05, 1e-12);
    let left = under.after(theirs);
    assert!(left.collateral < 1e-9 && left.debt > 2.0, "{left:?}");
    let ours = under.plan(f64::MAX).unwrap();
    assert_eq!(ours.kind, Kind::CloseOut);
    near(ours.bad_debt_value.get() as f64 / 1e18, 98.0 - 100.0 / 1.05, 1e-9);
    near(number(ours.seized()), 100.0, 0.0);
}

/// Morpho Blue lets the whole position go at the incentive factor; its published values.
/// Ours at the same bonus sells the part that the target needs. Why it is better: at health 0.99 the
/// borrower keeps more than half of the position, at the same incentive per dollar for the keeper.
#[test]
fn less_is_sold_than_by_morphos_incentive() {
    let published = [
        (0.385, 1.150),
        (0.625, 1.127),
        (0.77, 1.074),
        (0.86, 1.0438),
        (0.915, 1.0262),
        (0.945, 1.0168),
        (0.965, 1.0106),
        (0.98, 1.0060),
    ];
    for (lltv, factor) in published {
        near(morpho_factor(lltv), factor, 5.1e-4);
        assert!(morpho_factor(lltv) * lltv < 1.0);
        let bonus = (morpho_factor(lltv) - 1.0) * 1e4;
        let bonus = [bonus.floor() / 1e4; 2];
        let health = 0.99;
        let case = Case { debt: 100.0 * lltv / health, lt: lltv, bonus, ..PLAIN };
        let (ours, theirs) = (case.ours(), morpho(&case));
        assert!(ours.repaid < theirs.repaid && ours.given_away() < theirs.given_away());
        near(case.after(ours).health(), 1.05, 1e-9);
    }
}

/// Euler's discount is the depth of the violation, and the whole position goes. With our bonus from
/// nothing to 10 % at 0.9, ours is `1 − h` where theirs is `1/h − 1`, on a part of the debt. Why it is
/// better: both start at nothing, but ours gives it on less, and the queue may ask for less still.
#[test]
fn less_is_given_away_than_by_eulers_discount() {
    for health in [0.999, 0.99, 0.97, 0.95, 0.92] {
        let case = Case { bonus: [0.0, 0.1], ..Case::at(health) };
        let (ours, theirs) = (case.ours(), euler(&case, 0.15));
        near(theirs.sold / theirs.repaid, 1.0 / health, 1e-9);
        near(ours.sold / ours.repaid, 2.0 - health, 1e-8);
        assert!(ours.repaid < theirs.repaid && ours.given_away() < theirs.given_away());
        near(case.after(ours).health(), 1.05, 1e-9);
    }
}

/// Equal to the adaptive curve, with C = 4, 4 % at first, and 0.025 % to 800 % in all; an independent
/// reference over long paths, not only steps.
#[test]
fn the_adaptive_curve_is_morphos() {
    let yearly = |rate: Ray| rate.get() as f64 / 1e27 * 31_536_000.0;
    let at = |rate_at_target, used: f64| {
        let model = InterestModel::Adaptive { rate_at_target };
        yearly(model.rate(Wad::new(wad(used))))
    };
    for (used, rate) in
        [(0.0, 0.01), (0.45, 0.025), (0.9, 0.04), (0.95, 0.1), (0.99, 0.148), (1.0, 0.16)]
    {
        near(at(RATE_AT_TARGET_INITIAL, used), rate, 1e-12);
    }
    near(at(RATE_AT_TARGET_MIN, 0.0), 0.000_25, 1e-12);
    near(at(RATE_AT_TARGET_MAX, 1.0), 8.0, 1e-11);
    let mut dice = Dice(24);
    for _ in 0..40 {
        let path: Vec<(u64, f64)> = (0..200)
            .map(|_| (1 + dice.below(86_400), dice.below(1_001) as f64 / 1_000.0))
            .collect();
        let model = InterestModel::Adaptive { rate_at_target: RATE_AT_TARGET_INITIAL };
        let steps = path.iter().map(|(seconds, used)| (*seconds, Wad::new(wad(*used))));
        let mut target = 0.04;
        for (step, (seconds, used)) in rates::along(model, Bps::ZERO, steps).zip(&path) {
            let (mean, end) = adaptive_curve(*used, target, *seconds as f64);
            target = end;
            assert!((yearly(step.borrow_rate) / mean - 1.0).abs() < 1e-8);
        }
    }
}

/// The repayment that restores a target health: `a* = (H·q − LT·c) / (H − LT·(1 + b))`.
#[test]
fn closed_form_of_the_repayment() {
    let step = PLAIN.ours();
    near(step.repaid, 35.014_005_60, 5e-9);
    near(PLAIN.after(step).health(), 1.05, 1e-9);
    let better = Case { debt: 90.0, bonus: [0.1, 0.1], ..PLAIN };
    let half = Step::of(&better, 45.0, 0.1);
    near((better.debt - half.repaid) / (better.collateral - half.sold), 0.891_089_11, 1e-8);
}

/// The toxic line `1 / (1 + b)` and the largest gap without bad debt, `1 − LT·(1 + b)`: on one side
/// of either the plan improves the account, on the other it closes it out.
#[test]
fn closed_form_of_the_toxic_line_and_the_gap() {
    for (b, line, gap, gap_at_95) in [
        (0.01, 0.990_099, 0.161_7, 0.040_5),
        (0.05, 0.952_381, 0.128_5, 0.002_5),
        (0.075, 0.930_233, 0.107_75, -0.021_25),
        (0.10, 0.909_091, 0.087_0, -0.045),
        (0.15, 0.869_565, 0.045_5, -0.092_5),
    ] {
        near(1.0 / (1.0 + b), line, 5e-7);
        near(1.0 - 0.83 * (1.0 + b), gap, 1e-12);
        near(1.0 - 0.95 * (1.0 + b), gap_at_95, 1e-12);
        let at = |ltv: f64| Case { debt: 100.0 * ltv, bonus: [b, b], ..PLAIN };
        let below = at(line - 1e-5).plan(f64::MAX).unwrap();
        assert_eq!((below.kind, below.bad_debt_value), (Kind::Partial, Wad::ZERO));
        let above = at(line + 1e-5).plan(f64::MAX).unwrap();
        assert_eq!(above.kind, Kind::CloseOut);
        assert!(above.bad_debt_value > Wad::ZERO);
        // Just healthy before the gap.
        let fallen = |part: f64| {
            let case = Case { debt: 83.0 - 1e-6, bonus: [b, b], ..PLAIN };
            Case { collateral: 100.0 * (1.0 - part), ..case }.plan(f64::MAX).unwrap()
        };
        assert_eq!(fallen(gap - 1e-5).bad_debt_value, Wad::ZERO);
        assert!(fallen(gap + 1e-5).bad_debt_value > Wad::ZERO);
        // Terms with no gap at all cannot be set.
        let terms = |lt| terms(7_000, lt, [points(b), points(b)], cap(1_000, 18), 2);
        let mut world = PLAIN.world();
        let set = |world: &mut World, lt| {
            world
                .ledger
                .atomically(|l| listing::set_collateral(l, OWNER, MARKET, asset(2), &terms(lt)))
        };
        assert!(set(&mut world, 8_300).is_ok());
        assert_eq!(set(&mut world, 9_500).is_ok(), gap_at_95 >= 0.0, "{b}");
    }
}

/// With a sale through a constant-product pool of reserve `x`, `λ = 1 + 2C/x` and the line is
/// `1 / ((1 + b)·λ)`: a keeper who sells at once makes the account worse above it. A fill by the queue
/// sells nothing (`λ = 1`): the bidder keeps the collateral, and the same account gets better.
#[test]
fn closed_form_of_the_line_with_slippage() {
    for (depth, line) in [(0.01, 0.933_707), (0.05, 0.865_801)] {
        near(1.0 / (1.05 * (1.0 + 2.0 * depth)), line, 5e-7);
        for (ltv, improves) in [(line - 0.003, true), (line + 0.003, false)] {
            let case = Case { debt: 100.0 * ltv, lt: 0.8, ..PLAIN };
            let plan = case.plan(case.debt / 1_000.0).unwrap();
            near(plan.bonus.get() as f64 / 1e18, 0.05, 1e-12);
            let step = Step { repaid: number(plan.repaid()), sold: number(plan.seized()) };
            let pool = case.collateral / depth;
            let price = (pool / (pool + step.sold)).powi(2);
            let rest = case.after(step);
            assert_eq!(rest.debt / (rest.collateral * price) < ltv, improves, "{depth} {ltv}");
            assert!(rest.debt / rest.collateral < ltv, "without a sale it is better");
        }
    }
}

/// Leverage after `n` loops at LTV `l`, through the real operations: `(1 − l^(n+1)) / (1 − l)`; and
/// the pair's ratio at which the account is liquidatable, `l / LT`.
#[test]
fn closed_form_of_loops() {
    for (ltv, lt, loops, leverage) in
        [(0.75, 0.80, 3, 2.734_375), (0.90, 0.93, 10, 6.861_894), (0.93, 0.95, 20, 11.173_684)]
    {
        let mut world = World::new(&[18, 18], 1);
        let free = InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(8_000) };
        world.ledger.vaults.get_mut(&vault(1)).unwrap().model = free;
        let terms = world.ledger.collaterals.get_mut(&(MARKET, asset(2))).unwrap();
        (terms.ltv, terms.threshold) = (Bps::new(points(ltv)), Bps::new(points(lt)));
        (terms.bonus_min, terms.bonus_max) = (Bps::new(100), Bps::new(100));
        world.ledger.lines.get_mut(&(MARKET, vault(1))).unwrap().min_debt = Assets::new(1);
        deposit(&mut world, LENDER, 1, 900_000 * WAD).unwrap();
        let (mut swapped, mut pledged) = (1_000 * WAD, 0_u128);
        pledge(&mut world, ALICE, 2, swapped);
        pledged += swapped;
        for _ in 0..loops {
            swapped = swapped / 10_000 * u128::from(points(ltv));
            borrow(&mut world, ALICE, 1, swapped).unwrap();
            // The swap is one to one.
            pledge(&mut world, ALICE, 2, swapped);
            pledged += swapped;
        }
        near(pledged as f64 / 1e21, leverage, 1e-6);
        let debt = pledged - 1_000 * WAD;
        let edge = debt as f64 / pledged as f64 / lt;
        for (ratio, healthy) in [(edge + 1e-6, true), (edge - 1e-6, false)] {
            world.report(2, wad(100.0 * ratio)).unwrap();
            let health = margin::health(&mut world.ledger, &of(ALICE)).unwrap();
            assert_eq!(health >= Wad::ONE, healthy, "{ratio}");
        }
    }
    // In the limit of many loops at 90 % with a threshold of 93 %.
    near(0.90 / 0.93, 0.967_742, 5e-7);
    let case = Case { debt: 90.0, lt: 0.93, bonus: [0.01, 0.01], ..PLAIN };
    let fallen = |ratio: f64| Case { collateral: 100.0 * ratio, ..case }.plan(f64::MAX);
    assert!(matches!(fallen(0.967_743), Err(Error::Healthy { .. })));
    assert!(fallen(0.967_741).is_ok());
}

/// The table of `docs/peers.md`: 100,000 of collateral at a threshold of 83 %.
#[test]
fn the_documentations_table() {
    let page = include_str!("../../../docs/peers.md");
    for health in [0.99, 0.95, 0.90] {
        let plain = Case::at(health);
        let case = Case { collateral: 100_000.0, debt: plain.debt * 1_000.0, ..PLAIN };
        let sloped = Case { bonus: [0.05, 0.10], ..case };
        let rows = [
            ("Aave v3", aave_v3(&case, 0.05).unwrap()),
            ("Morpho Blue", morpho(&case)),
            ("Euler v2", euler(&case, 0.15)),
            ("Mars", mars(&sloped, 1.0).0),
            ("Aave v4", aave_v4(&sloped, f64::MAX, 1_000.0).0),
            ("Gage, a keeper", sloped.ours()),
        ];
        for (name, step) in rows {
            let rest = case.after(step);
            let after = match (rest.debt < 0.01, rest.collateral < 0.01) {
                (true, _) => "closed".to_owned(),
                (false, true) => format!("{:.0} unpaid", rest.debt),
                (false, false) => format!("{:.3}", rest.health()),
            };
            let row = format!(
                "| {health:.2} | {name} | {:.0} | {:.0} | {:.0} | {after} |",
                step.repaid,
                step.sold,
                step.given_away()
            );
            assert!(page.contains(&row), "docs/peers.md has no row\n{row}");
        }
    }
}
