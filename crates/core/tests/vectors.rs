//! Our formulas beside the numbers that Morpho Blue's and Aave v3.6's contracts gave.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use gage_core::first_loss::Settled;
use gage_core::interest::{grown, growth, kinked_per_year};
use gage_core::liquidation::{Aim, Kind, plan_liquidation};
use gage_core::margin::{CollateralLeg, DebtLeg, Position};
use gage_core::shares::{Pool, debt_of_shares, shares_to_clear, shares_to_owe};
use gage_core::terms::Keeping;
use gage_core::{
    Address, AssetId, Assets, Bps, Collateral, Debt, FeedId, InterestModel, Label, Line, Market,
    Pauses, RAY, Ray, Shares, Timestamp, U256, Vault, VaultId, WAD, Wad, mul_div_down, mul_div_up,
};
use serde_json::Value;

const YEAR: u128 = 31_536_000;

fn morpho() -> Value {
    serde_json::from_str(include_str!("vectors/morpho.json")).unwrap()
}

fn aave() -> Value {
    serde_json::from_str(include_str!("vectors/aave_v3.json")).unwrap()
}

fn list<'a>(vectors: &'a Value, key: &str) -> &'a [Value] {
    vectors[key].as_array().unwrap()
}

fn number(value: &Value) -> Option<u128> {
    value.as_str().map_or_else(|| value.as_u64().map(u128::from), |text| text.parse().ok())
}

fn all(values: &Value) -> Option<Vec<u128>> {
    values.as_array()?.iter().map(number).collect()
}

/// Products and quotients are the same to the unit.
#[test]
fn mul_div_is_that_of_morpho() {
    let vectors = morpho();
    let mut compared = 0;
    for vector in list(&vectors, "math") {
        let (Some(input), Some(out)) = (all(&vector["in"]), number(&vector["out"])) else {
            continue;
        };
        let ours = match vector["f"].as_str().unwrap() {
            "mulDivDown" => mul_div_down(input[0], input[1], input[2]),
            "mulDivUp" => mul_div_up(input[0], input[1], input[2]),
            "wMulDown" => mul_div_down(input[0], input[1], WAD),
            "wDivDown" => mul_div_down(input[0], WAD, input[1]),
            "wDivUp" => mul_div_up(input[0], WAD, input[1]),
            _ => continue,
        };
        assert_eq!(ours, Ok(out), "{vector}");
        compared += 1;
    }
    assert!(compared > 150, "{compared}");
}

/// The three Taylor terms are the same, to the nine digits that a ray has more than a wad; where
/// Morpho's factor goes beyond our largest index, ours has stopped.
#[test]
fn taylor_growth_is_that_of_morpho() {
    let vectors = morpho();
    let mut compared = 0;
    for vector in list(&vectors, "math").iter().filter(|v| v["f"] == "wTaylorCompounded") {
        let (Some(input), Some(out)) = (all(&vector["in"]), number(&vector["out"])) else {
            continue;
        };
        let Some(rate) = input[0].checked_mul(1_000_000_000) else { continue };
        let Ok(seconds) = u64::try_from(input[1]) else { continue };
        if input[0].saturating_mul(input[1]) > 180 * WAD {
            continue;
        }
        let ours = growth(Ray::new(rate), seconds).get() / 1_000_000_000;
        // A term's lost unit is multiplied by x/3 in the next one; at 27 digits less is lost.
        let slack = 3 + input[0] * input[1] / WAD;
        assert!((out..=out + slack).contains(&ours), "{ours} {vector}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// Lenders' conversions are the same to the unit.
#[test]
fn share_conversions_are_those_of_morpho() {
    let vectors = morpho();
    let mut compared = 0;
    for vector in list(&vectors, "shares") {
        let (Some(input), Some(out)) = (all(&vector["in"]), number(&vector["out"])) else {
            continue;
        };
        let pool = Pool { assets: Assets::new(input[1]), shares: Shares::new(input[2]) };
        let (assets, shares) = (Assets::new(input[0]), Shares::new(input[0]));
        let ours = match vector["f"].as_str().unwrap() {
            "toSharesDown" => pool.shares_to_mint(assets).map(Shares::get),
            "toSharesUp" => pool.shares_to_burn(assets).map(Shares::get),
            "toAssetsDown" => pool.assets_to_pay(shares).map(Assets::get),
            _ => pool.assets_to_collect(shares).map(Assets::get),
        };
        assert_eq!(ours, Ok(out), "{vector}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

/// A debt grows by Morpho's interest or up to `4·10⁻¹⁸` of itself and 2 units more: our index is
/// rounded up and has more digits, which favours lenders.
#[test]
fn interest_is_that_of_morpho_or_a_little_more() {
    let vectors = morpho();
    let mut compared = 0;
    for vector in list(&vectors, "accrual") {
        let [Some(debt), Some(rate), Some(interest)] =
            [&vector["tba"], &vector["rate"], &vector["interest"]].map(number)
        else {
            continue;
        };
        if debt > 1 << 100 {
            continue;
        }
        let seconds = vector["elapsed"].as_u64().unwrap();
        let index = grown(Ray::ONE, growth(Ray::new(rate * 1_000_000_000), seconds));
        let ours = debt_of_shares(Shares::new(debt), index).get() - debt;
        let slack = debt / WAD * 4 + 4 + 2;
        assert!((interest..=interest + slack).contains(&ours), "{ours} {vector}");
        compared += 1;
    }
    assert!(compared > 150, "{compared}");
}

/// Compounding is Aave's, except that our rate is per second and rounded up: at most one ray unit
/// a second more, and never less than by the rounding of three terms.
#[test]
fn compounding_is_that_of_aave() {
    let vectors = aave();
    let mut compared = 0;
    for vector in list(&vectors, "compounded_interest") {
        let (Some(rate), Some(out)) = (number(&vector["rate"]), number(&vector["out"])) else {
            continue;
        };
        let seconds = vector["elapsed"].as_u64().unwrap();
        let per_second = Ray::new(rate.div_ceil(YEAR));
        if per_second.get().saturating_mul(seconds.into()) > 180 * RAY {
            continue;
        }
        let ours = RAY + growth(per_second, seconds).get();
        // The derivative of the factor is below the factor itself.
        let slack = U256::from(seconds) * U256::from(out) / U256::from(RAY)
            + U256::from(seconds)
            + U256::from(4);
        assert!(ours + 4 >= out && U256::from(ours) <= U256::from(out) + slack, "{ours} {vector}");
        compared += 1;
    }
    assert!(compared > 150, "{compared}");
}

/// The kinked rate is Aave's or up to `10⁻¹⁶` of a ray more: utilisation and rate are rounded up
/// for the lenders, where Aave rounds to the nearest.
#[test]
fn kinked_rates_are_those_of_aave() {
    let vectors = aave();
    let mut compared = 0;
    for vector in list(&vectors, "rate_strategy") {
        let [Some(debt), Some(cash), Some(added), Some(taken), Some(rate)] = [
            &vector["total_debt"],
            &vector["virtual_balance"],
            &vector["added"],
            &vector["taken"],
            &vector["out"]["debt_rate"],
        ]
        .map(number) else {
            continue;
        };
        let bps = |key: &str| u32::try_from(vector[key].as_u64().unwrap()).unwrap();
        let all = debt + cash + added - taken;
        let used = if debt == 0 { 0 } else { mul_div_up(debt, WAD, all).unwrap() };
        let rates = [bps("base_bps"), bps("slope1_bps"), bps("slope2_bps")];
        let kink = Bps::new(u16::try_from(bps("optimal_bps")).unwrap());
        let ours = kinked_per_year(Wad::new(used), rates, kink).get();
        let bound = RAY / 10_u128.pow(16) * 10;
        assert!(ours + 4 >= rate && ours <= rate + bound, "{ours} {vector}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

/// Debt conversions are those of Aave's debt token to the unit.
#[test]
fn debt_shares_are_those_of_aave() {
    let vectors = aave();
    let mut compared = 0;
    for vector in list(&vectors, "scaled") {
        let [Some(amount), Some(index), Some(out)] =
            [&vector["amount"], &vector["index"], &vector["out"]].map(number)
        else {
            continue;
        };
        let (assets, index) = (Assets::new(amount), Ray::new(index));
        let ours = match vector["f"].as_str().unwrap() {
            "vTokenMintScaled" => shares_to_owe(assets, index).unwrap().get(),
            "vTokenBurnScaled" => shares_to_clear(assets, index).unwrap().get(),
            _ => debt_of_shares(Shares::new(amount), index).get(),
        };
        assert_eq!(ours, out, "{vector}");
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

fn collateral_leg(
    place: u8,
    amount: u128,
    price: u128,
    decimals: u8,
    limits: [u16; 4],
) -> CollateralLeg {
    let [ltv, threshold, bonus_min, bonus_max] = limits.map(Bps::new);
    let terms = Collateral {
        feed: FeedId::new(1),
        decimals,
        ltv,
        threshold,
        bonus_min,
        bonus_max,
        kept: Keeping::default(),
        risk_weight: Bps::ZERO,
        cap: Assets::MAX,
        total: Assets::new(amount),
    };
    let (asset, amount, price) =
        (AssetId::new(u32::from(place) + 1), Assets::new(amount), Wad::new(price));
    CollateralLeg {
        index: place,
        asset,
        amount,
        terms,
        ltv,
        threshold,
        bonus_min,
        bonus_max,
        price,
    }
}

fn debt_leg(place: u8, shares: u128, index: u128, price: u128, decimals: u8) -> DebtLeg {
    let shares = Shares::new(shares);
    let owed = Debt { shares, offset: Assets::ZERO };
    let vault = Vault {
        asset: AssetId::new(u32::from(place) + 1),
        decimals: decimals + 6,
        name: Label::default(),
        symbol: Label::default(),
        curator: Address::ZERO,
        cash: Assets::ZERO,
        shares,
        owed,
        index: Ray::new(index),
        reserves: Assets::ZERO,
        losses: Assets::ZERO,
        updated_at: Timestamp::ZERO,
        reserve_fee: Bps::ZERO,
        supply_cap: Assets::ZERO,
        borrow_cap: Assets::ZERO,
        paused: false,
        exits_waiting: false,
        model: InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(1) },
    };
    let line = Line {
        feed: FeedId::new(2),
        decimals,
        cap: Assets::ZERO,
        owed,
        min_debt: Assets::new(1),
        staked: false,
        tracked: false,
        metered: false,
    };
    let vault_id = VaultId::new(u32::from(place) + 1);
    DebtLeg {
        index: place,
        vault: vault_id,
        accrued: vault.accrue(Timestamp::ZERO),
        line,
        debt: owed,
        price: Wad::new(price),
        first_loss: Settled::default(),
        rewritten: false,
    }
}

/// Account data: values agree within the units of Aave's 8 decimals; health is ours to `10⁻⁴` or
/// one of those units, as Aave averages thresholds in basis points rounded down.
#[test]
fn account_values_are_those_of_aave() {
    let vectors = aave();
    let mut compared = 0;
    for vector in list(&vectors, "account_data") {
        let mut position = Position {
            collaterals: vec![],
            debts: vec![],
            risk_premium: Bps::ZERO,
            margin: Default::default(),
        };
        let mut priceable = true;
        for (place, reserve) in list(vector, "reserves").iter().enumerate() {
            let place = u8::try_from(place).unwrap();
            let [Some(price), Some(li), Some(di), Some(balance), Some(debt)] =
                ["price", "liquidity_index", "debt_index", "scaled_balance", "scaled_debt"]
                    .map(|key| number(&reserve[key]))
            else {
                priceable = false;
                break;
            };
            let config: Vec<u16> = reserve["config"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| u16::try_from(v.as_u64().unwrap()).unwrap())
                .collect();
            let decimals = u8::try_from(config[3]).unwrap();
            let price = price * 10_u128.pow(10);
            let amount = mul_div_down(balance, li, RAY).unwrap();
            if reserve["is_collateral"] == true && amount > 0 && config[1] > 0 {
                position.collaterals.push(collateral_leg(
                    place,
                    amount,
                    price,
                    decimals,
                    [config[0], config[1], 0, 0],
                ));
            }
            if reserve["is_borrowed"] == true && debt > 0 {
                position.debts.push(debt_leg(place, debt, di, price, decimals));
            }
        }
        let Some(out) = all(&vector["out"]).or_else(|| {
            // Without debt Aave answers 2^256 − 1.
            let mut out: Vec<u128> =
                vector["out"].as_array()?.iter().take(5).map(number).collect::<Option<_>>()?;
            out.push(u128::MAX);
            Some(out)
        }) else {
            continue;
        };
        if !priceable {
            continue;
        }
        let totals = position.totals();
        let base = 10_u128.pow(10);
        let legs = u128::try_from(position.collaterals.len() + position.debts.len()).unwrap();
        let near = |ours: u128, theirs: u128| ours.abs_diff(theirs) <= legs + 1;
        assert!(near(totals.collateral_value.get() / base, out[0]), "{totals:?} {vector}");
        assert!(near(totals.debt_value.get() / base, out[1]), "{totals:?} {vector}");
        if out[0] > 1_000_000 && out[1] > 1_000_000 {
            let (ours, theirs) = (totals.health_factor().get() as f64, out[5] as f64);
            assert!(
                ours == theirs || (ours / theirs - 1.0).abs() < 5e-4,
                "{ours} {theirs} {vector}"
            );
            // Averaging can only lower Aave's thresholds.
            assert!(ours >= theirs * (1.0 - 1e-5), "{ours} {theirs} {vector}");
        }
        compared += 1;
    }
    assert!(compared > 80, "{compared}");
}

/// For what Aave's liquidators repaid, ours get the same collateral at the same bonus, within the
/// units of one rounding less in the borrower's favour.
#[test]
fn seizures_are_those_of_aave() {
    let vectors = aave();
    let mut compared = 0;
    for vector in list(&vectors, "liquidation") {
        let [
            Some(pc),
            Some(pd),
            Some(collateral),
            Some(debt),
            Some(repaid),
            Some(seized),
            Some(fee),
        ] = ["collateral_price", "debt_price", "collateral", "debt", "repaid", "seized", "fee"]
            .map(|key| number(&vector[key]))
        else {
            continue;
        };
        let small = |key: &str| u16::try_from(vector[key].as_u64().unwrap()).unwrap();
        let (dc, dd) = (
            u8::try_from(small("collateral_decimals")).unwrap(),
            u8::try_from(small("debt_decimals")).unwrap(),
        );
        let bonus = small("bonus");
        let debt_leg = debt_leg(0, debt, RAY, pd * 10_u128.pow(10), dd);
        let mut leg =
            collateral_leg(0, collateral, pc * 10_u128.pow(10), dc, [0, 9_000, bonus, bonus]);
        // The pair alone need not be unhealthy as the whole account was: the highest threshold at
        // which it is.
        let ratio =
            mul_div_down(debt_leg.value().get(), 10_000, leg.value().get().max(1)).unwrap_or(0);
        let Ok(threshold) = u16::try_from(ratio.saturating_sub(1)) else { continue };
        if threshold == 0 || threshold > 9_900 {
            continue;
        }
        leg.threshold = Bps::new(threshold);
        leg.terms.threshold = leg.threshold;
        let (collaterals, debts) = (vec![leg], vec![debt_leg]);
        let position =
            Position { collaterals, debts, risk_premium: Bps::ZERO, margin: Default::default() };
        let market = Market {
            owner: Address::ZERO,
            pause: Pauses::default(),
            breaker: false,
            terms_version: 1,
            groups: 0,
            liquidation_resumes_at: Timestamp::ZERO,
            target_health: Wad::new(2 * WAD),
            full_bonus_health: Wad::new(WAD / 2),
            margin: gage_core::MarginModel::Threshold,
            collaterals: vec![AssetId::new(1)],
            vaults: vec![VaultId::new(1)],
        };
        let aim =
            Aim { vault: VaultId::new(1), asset: AssetId::new(1), max_repay: Assets::new(repaid) };
        let Ok(plan) = plan_liquidation(&position, &market, &aim) else { continue };
        if plan.kind != Kind::Partial
            || plan.repaid().get() != repaid
            || plan.bonus != Bps::new(bonus).to_wad()
        {
            continue;
        }
        let total = seized + fee;
        let ours = plan.seized().get();
        // Ours floors value and units; Aave's fee is kept in scaled units, each up to an index.
        assert!(
            ours <= total + 1 && total - ours.min(total) <= 64 + total / 10_u128.pow(15),
            "{ours} {total} {vector}"
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}
