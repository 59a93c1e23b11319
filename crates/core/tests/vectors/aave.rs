//! Aave v3.6's vectors.

use std::sync::LazyLock;

use gage_core::interest::{grown, growth, kinked_per_year};
use gage_core::liquidation::{Aim, Kind, plan_liquidation};
use gage_core::margin::Position;
use gage_core::shares::{Pool, debt_of_shares, shares_to_clear, shares_to_owe};
use gage_core::{
    Address, AssetId, Assets, Bps, Error, Market, Pauses, RAY, Ray, Shares, Timestamp, U256,
    VaultId, WAD, Wad, mul_div_down, mul_div_up,
};
use serde_json::Value;

use crate::legs::{collateral_leg, debt_leg};
use crate::{Tally, all, field, list, number, unpack};

static VECTORS: LazyLock<Value> = LazyLock::new(|| unpack(include_bytes!("aave_v3.json.gz")));

const YEAR: u128 = 31_536_000;
/// Our unit of a dollar over Aave's.
const WAD_PER_BASE: u128 = 10_000_000_000;
const CLOSED_OUT: &str = "insolvent: Gage closes the account out whole";
const BEYOND: &str = "beyond 128 bits, which no amount of Gage's has";

/// A yearly rate by the second, rounded up as ours is.
fn per_second(rate: u128) -> Ray {
    Ray::new(rate.div_ceil(YEAR))
}

/// Products and quotients with a direction are the same to the unit; Aave's that round to the nearest lie
/// between ours, of which we take the one that favours the lenders.
#[test]
fn math() {
    let mut tally = Tally::default();
    let point = 10_000;
    for vector in list(&VECTORS, "math") {
        let Some(input) = all(&vector["in"]) else {
            tally.apart(BEYOND);
            continue;
        };
        let f = vector["f"].as_str().unwrap();
        let (a, b) = (input[0], input[1]);
        let (x, y, z) = match f {
            "mulDivCeil" => (a, b, input[2]),
            _ if f.starts_with("wadMul") => (a, b, WAD),
            _ if f.starts_with("wadDiv") => (a, WAD, b),
            _ if f.starts_with("rayMul") => (a, b, RAY),
            _ if f.starts_with("rayDiv") => (a, RAY, b),
            _ if f.starts_with("percentMul") => (a, b, point),
            _ => (a, point, b),
        };
        let (down, up) = (mul_div_down(x, y, z), mul_div_up(x, y, z));
        let out = number(&vector["out"]);
        let Some(out) = out else {
            // Aave's products end at 256 bits before they are divided, ours never do.
            let refused = up.is_err() || U256::from(x).checked_mul(U256::from(y)).is_none();
            assert!(refused || vector["out"]["revert"].is_string(), "{vector}");
            tally.apart("refused, or beyond 128 bits");
            continue;
        };
        if f.ends_with("Floor") {
            assert_eq!(down, Ok(out), "{vector}");
        } else if f.ends_with("Ceil") {
            assert_eq!(up, Ok(out), "{vector}");
        } else {
            assert!(down.unwrap() <= out && out <= up.unwrap(), "{vector}");
        }
        if let (true, Ok(points)) = (f.starts_with("percentMul"), u16::try_from(b)) {
            let bps = Bps::new(points);
            assert_eq!((bps.of_down(a), bps.of_up(a)), (down.unwrap(), up.unwrap()), "{vector}");
        }
        tally.compared();
    }
    tally.close("math", list(&VECTORS, "math").len(), 300);
}

/// Gage has no linear interest: our lenders get what borrowers pay, which compounds and is never less than Aave's
/// linear credit.
#[test]
fn linear_interest() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "linear_interest") {
        let (rate, linear) = (field(vector, "rate"), field(vector, "out"));
        let seconds = vector["elapsed"].as_u64().unwrap();
        let ours = RAY.saturating_add(growth(per_second(rate), seconds).get());
        if linear > 200 * RAY {
            assert!(ours > 200 * RAY, "{vector}");
            tally.apart("interest beyond the largest index");
            continue;
        }
        assert!(ours >= linear, "{ours} {vector}");
        tally.compared();
    }
    tally.close("linear interest", list(&VECTORS, "linear_interest").len(), 200);
}

/// Compounding is Aave's, except that our rate is per second and rounded up: at most one ray unit
/// a second more, and never less than by the rounding of three terms.
#[test]
fn compounded_interest() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "compounded_interest") {
        let seconds = vector["elapsed"].as_u64().unwrap();
        let rate = per_second(field(vector, "rate"));
        if rate.get().saturating_mul(seconds.into()) > 180 * RAY {
            assert_eq!(grown(Ray::ONE, growth(rate, seconds)), gage_core::interest::INDEX_MAX);
            tally.apart("interest beyond the largest index");
            continue;
        }
        let out = field(vector, "out");
        let ours = RAY + growth(rate, seconds).get();
        // The derivative of the factor is below the factor itself.
        let slack = U256::from(seconds) * U256::from(out) / U256::from(RAY)
            + U256::from(seconds)
            + U256::from(4);
        assert!(ours + 4 >= out && U256::from(ours) <= U256::from(out) + slack, "{ours} {vector}");
        tally.compared();
    }
    tally.close("compounded interest", list(&VECTORS, "compounded_interest").len(), 150);
}

/// Debt shares are those of Aave's debt token to the unit, and lenders' those of its aToken in a pool whose
/// assets over shares are the index.
#[test]
fn scaled_amounts() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "scaled") {
        let [amount, index, out] = ["amount", "index", "out"].map(|key| field(vector, key));
        let (assets, shares, ray) = (Assets::new(amount), Shares::new(amount), Ray::new(index));
        // Less what every pool's conversion counts beside.
        let pool = Pool { assets: Assets::new(index - 1), shares: Shares::new(RAY - 1_000_000) };
        let ours = match vector["f"].as_str().unwrap() {
            "vTokenMintScaled" => shares_to_owe(assets, ray).map(Shares::get),
            "vTokenBurnScaled" => shares_to_clear(assets, ray).map(Shares::get),
            "vTokenBalance" => Ok(debt_of_shares(shares, ray).get()),
            "aTokenMintScaled" => pool.shares_to_mint(assets).map(Shares::get),
            "aTokenBurnScaled" => pool.shares_to_burn(assets).map(Shares::get),
            "aTokenBalance" => pool.assets_to_pay(shares).map(Assets::get),
            _ => {
                tally.apart("Gage's transfers name shares, and convert nothing");
                continue;
            }
        };
        assert_eq!(ours, Ok(out), "{vector}");
        tally.compared();
    }
    tally.close("scaled amounts", list(&VECTORS, "scaled").len(), 240);
}

/// The kinked rate is Aave's or up to `10⁻¹⁶` of a ray more: utilisation and rate are rounded up
/// for the lenders, where Aave rounds to the nearest. What lenders earn of it is Aave's, too.
#[test]
fn rate_strategy() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "rate_strategy") {
        let bps = |key: &str| u32::try_from(field(vector, key)).unwrap();
        if vector["out"]["ok"] == false {
            tally.apart("Aave reverts");
            continue;
        }
        let [debt, cash, added, taken] =
            ["total_debt", "virtual_balance", "added", "taken"].map(|key| field(vector, key));
        let all = debt + cash + added - taken;
        let used = if debt == 0 { 0 } else { mul_div_up(debt, WAD, all).unwrap() };
        let rates = [bps("base_bps"), bps("slope1_bps"), bps("slope2_bps")];
        let kink = Bps::new(u16::try_from(bps("optimal_bps")).unwrap());
        let ours = kinked_per_year(Wad::new(used), rates, kink).get();
        let rate = field(&vector["out"], "debt_rate");
        let bound = RAY / 10_u128.pow(16) * 10;
        assert!(ours + 4 >= rate && ours <= rate + bound, "{ours} {vector}");
        // A deficit is debt that nobody owes: Aave spreads the interest over it, Gage writes it off at once.
        let kept = 10_000 - field(vector, "reserve_factor");
        let earned = mul_div_down(mul_div_down(ours, used, WAD).unwrap(), kept, 10_000).unwrap();
        let credited = field(&vector["out"], "liquidity_rate");
        assert!(earned + 8 >= credited, "{earned} {vector}");
        if field(vector, "deficit") == 0 {
            assert!(earned <= credited + 4 * bound + rate / 10_u128.pow(17), "{earned} {vector}");
        }
        tally.compared();
    }
    tally.close("rate strategy", list(&VECTORS, "rate_strategy").len(), 250);
}

/// Indexes grow as Aave's do, and the fee is the same part of the same interest.
#[test]
fn index_update() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "index_update") {
        let out = &vector["out"];
        if out["ok"] == false {
            tally.apart("Aave reverts");
            continue;
        }
        let seconds = vector["elapsed"].as_u64().unwrap();
        let (before, rate) = (field(vector, "debt_index"), field(vector, "debt_rate"));
        let shares = Shares::new(field(vector, "scaled_debt"));
        let theirs = field(out, "debt_index");
        if shares.is_zero() {
            // Nobody owes: Aave's index stays where it is, and so does ours (`Vault::accrue`).
            assert_eq!(theirs, before, "{vector}");
            tally.apart("no debt, no interest");
            continue;
        }
        let index = grown(Ray::new(before), growth(per_second(rate), seconds)).get();
        // The rate and three terms, each rounded for the lenders where Aave takes the nearest.
        let slack = (u128::from(seconds) + 4) * (theirs / RAY + 2);
        assert!(
            index + 4 * (before / RAY + 1) >= theirs && index <= theirs + slack,
            "{index} {vector}"
        );
        let [was, is] = [before, index].map(|index| debt_of_shares(shares, Ray::new(index)).get());
        let factor = Bps::new(u16::try_from(field(vector, "reserve_factor")).unwrap());
        let fee = factor.of_down(is - was);
        let accrued = field(out, "accrued_to_treasury") - field(vector, "accrued_to_treasury");
        let liquidity = field(out, "liquidity_index");
        let taken = mul_div_down(accrued, liquidity, RAY).unwrap();
        // Aave keeps the fee in shares of its lenders' index, rounded down.
        let unit = liquidity.div_ceil(RAY) + 4;
        let more = mul_div_up(shares.get(), slack, RAY).unwrap();
        let less = mul_div_up(shares.get(), 4 * (before / RAY + 1), RAY).unwrap() + 2;
        assert!(fee + less >= taken && fee <= taken + unit + more, "{fee} {taken} {vector}");
        tally.compared();
    }
    tally.close("index update", list(&VECTORS, "index_update").len(), 250);
}

/// A collateral's or debt's terms in a position, in the order of `config`.
fn config(reserve: &Value) -> Vec<u16> {
    let values = all(&reserve["config"]).unwrap();
    values.into_iter().map(|value| u16::try_from(value).unwrap()).collect()
}

/// A reserve as it concerns one account: indexes with interest up to now.
struct Held {
    /// LTV, threshold, bonus, decimals.
    terms: [u16; 3],
    decimals: u8,
    /// A wad of dollars.
    price: u128,
    collateral: u128,
    debt_shares: u128,
    debt_index: u128,
}

impl Held {
    /// `indexes`: liquidity index and rate, debt index and rate.
    fn new(reserve: &Value, indexes: [u128; 4], seconds: u64, emode: Option<&Value>) -> Self {
        let [liquidity, liquidity_rate, debt_index, debt_rate] = indexes;
        let values = config(reserve);
        let mut terms = [values[0], values[1], values[2].saturating_sub(10_000)];
        if let Some(mode) = emode {
            let points = |key: &str| u16::try_from(field(mode, key)).unwrap();
            let bonus = points("liquidation_bonus") - 10_000;
            terms = [points("ltv"), points("liquidation_threshold"), bonus];
        }
        // Aave's collateral earns linearly; Gage's is not lent, and its amount is what it is.
        let linear = RAY + liquidity_rate * u128::from(seconds) / YEAR;
        let income =
            if seconds == 0 { liquidity } else { mul_div_down(liquidity, linear, RAY).unwrap() };
        let grown = grown(Ray::new(debt_index), growth(per_second(debt_rate), seconds)).get();
        Self {
            terms,
            decimals: u8::try_from(values[3]).unwrap(),
            price: field(reserve, "price") * WAD_PER_BASE,
            collateral: mul_div_down(field(reserve, "scaled_balance"), income, RAY).unwrap(),
            debt_shares: field(reserve, "scaled_debt"),
            debt_index: if seconds == 0 { debt_index } else { grown },
        }
    }
}

/// The e-mode that holds for the reserve of this place.
fn mode_of(vector: &Value, place: usize) -> Option<&Value> {
    let mode = &vector["emode"];
    let takes = mode.is_object() && field(mode, "collateral_bitmap") >> place & 1 == 1;
    takes.then_some(mode)
}

/// A position of these; each with whether it is collateral, and whether it is owed.
fn position(held: &[(Held, [bool; 2])]) -> Position {
    let mut position = Position {
        collaterals: vec![],
        debts: vec![],
        risk_premium: Bps::ZERO,
        margin: Default::default(),
    };
    for (place, (held, [is_collateral, is_borrowed])) in (0_u8..).zip(held) {
        let Held { terms, decimals, price, collateral, debt_shares, debt_index } = *held;
        let [ltv, threshold, bonus] = terms;
        if *is_collateral && collateral > 0 && threshold > 0 {
            let limits = [ltv, threshold, bonus, bonus];
            position.collaterals.push(collateral_leg(place, collateral, price, decimals, limits));
        }
        if *is_borrowed && debt_shares > 0 {
            position.debts.push(debt_leg(place, debt_shares, debt_index, price, decimals));
        }
    }
    position
}

/// Compares a position's values with an account as Aave states it: collateral and debt in its units of a
/// dollar, what may be borrowed, average threshold and LTV in basis points, health factor.
fn compare_account(position: &Position, account: &Value, vector: &Value) {
    let totals = position.totals();
    let theirs = |place: usize| number(&account[place]);
    let (collateral, debt) = (theirs(0).unwrap(), theirs(1).unwrap());
    let legs = u128::try_from(position.collaterals.len() + position.debts.len()).unwrap();
    let base = |wad: Wad| wad.get() / WAD_PER_BASE;
    // A unit for each leg, and the rounding of indexes on the largest values.
    let near =
        |ours: u128, theirs: u128| ours.abs_diff(theirs) <= legs + 1 + theirs / 10_u128.pow(15);
    assert!(near(base(totals.collateral_value), collateral), "{totals:?} {vector}");
    assert!(near(base(totals.debt_value), debt), "{totals:?} {vector}");
    if collateral <= 1_000_000 {
        return;
    }
    // Averages are cut to whole basis points; ours are those of the sums.
    let average = |limit: Wad| limit.get() as f64 / totals.collateral_value.get() as f64 * 1e4;
    let blur = 1e4 * 2.0 * (legs + 1) as f64 / collateral as f64 + 1e-6;
    for (ours, place) in [(totals.liquidation_limit, 3), (totals.borrow_limit, 4)] {
        let (ours, theirs) = (average(ours), theirs(place).unwrap() as f64);
        assert!(ours > theirs - blur && ours < theirs + 1.0 + blur, "{ours} {theirs} {vector}");
    }
    if debt > 1_000_000 {
        let ours = totals.health_factor().get() as f64;
        let part = ours / theirs(5).unwrap() as f64 - 1.0;
        let blur = 2.0 * (legs + 1) as f64 * (1.0 / collateral as f64 + 1.0 / debt as f64) + 1e-12;
        assert!(part.abs() <= blur, "{part:e} {blur:e} {vector}");
    }
}

/// Account data, in e-mode and with interest since the last update, too: values agree within the units of Aave's 8
/// decimals, averages to the basis point that Aave cuts off, health to the rounding of both values.
#[test]
fn account_data() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "account_data") {
        let seconds = vector["elapsed"].as_u64().unwrap();
        let reserves = list(vector, "reserves").iter().enumerate();
        let held: Vec<_> = reserves
            .map(|(place, reserve)| {
                let keys = ["liquidity_index", "liquidity_rate", "debt_index", "debt_rate"];
                let indexes = keys.map(|key| field(reserve, key));
                let roles = ["is_collateral", "is_borrowed"].map(|key| reserve[key] == true);
                (Held::new(reserve, indexes, seconds, mode_of(vector, place)), roles)
            })
            .collect();
        compare_account(&position(&held), &vector["out"], vector);
        tally.compared();
    }
    tally.close("account data", list(&VECTORS, "account_data").len(), 400);
}

/// A market whose target never ends a sale early.
fn market(assets: u8) -> Market {
    Market {
        owner: Address::ZERO,
        pause: Pauses::default(),
        breaker: false,
        recognised: false,
        terms_version: 1,
        groups: 0,
        liquidation_resumes_at: Timestamp::ZERO,
        target_health: Wad::new(2 * WAD),
        full_bonus_health: Wad::new(WAD / 2),
        margin: gage_core::MarginModel::Threshold,
        collaterals: (1..=u32::from(assets)).map(AssetId::new).collect(),
        vaults: (1..=u32::from(assets)).map(VaultId::new).collect(),
    }
}

/// The state before a liquidation, interest included.
fn before_liquidation(vector: &Value) -> Vec<(Held, [bool; 2])> {
    let seconds = vector["elapsed"].as_u64().unwrap();
    let flags = field(vector, "flags");
    let reserves = list(vector, "reserves").iter().enumerate();
    reserves
        .map(|(place, reserve)| {
            let values = all(&reserve["reserve"]).unwrap();
            let indexes = [values[0], values[1], values[2], values[3]];
            // Two bits each: borrowed, then collateral.
            let roles = [flags >> (2 * place + 1) & 1 == 1, flags >> (2 * place) & 1 == 1];
            (Held::new(reserve, indexes, seconds, mode_of(vector, place)), roles)
        })
        .collect()
}

/// For what Aave's liquidators repaid, ours get the same collateral at the same bonus, within the
/// units of one rounding less in the borrower's favour; and the same accounts are healthy.
#[test]
fn liquidation() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "liquidation") {
        let held = before_liquidation(vector);
        let position = position(&held);
        compare_account(&position, &vector["account_before"], vector);
        let number = |key: &str| u32::try_from(field(vector, key)).unwrap() + 1;
        let (asset, vault) = (AssetId::new(number("collateral")), VaultId::new(number("debt")));
        let plan = |max_repay: Assets| {
            plan_liquidation(&position, &market(3), &Aim { vault, asset, max_repay })
        };
        let out = &vector["out"];
        match out["revert"].as_str() {
            Some("HealthFactorNotBelowThreshold") => {
                assert!(matches!(plan(Assets::MAX), Err(Error::Healthy { .. })), "{vector}");
                tally.compared();
            }
            Some("MustNotLeaveDust") => {
                let ours = plan(Assets::MAX);
                let other_first = matches!(ours, Err(Error::LiquidationWouldWorsen { .. }));
                assert!(ours.is_ok() || other_first, "{ours:?} {vector}");
                tally.apart("Aave reverts at dust; Gage takes it along or leaves the minimum");
            }
            Some("InvalidBurnAmount") => tally.apart("Aave reverts at less than a debt share"),
            Some(why) => panic!("{why} {vector}"),
            None => {
                let outcome = seized(&held, vector, plan);
                if outcome == CLOSED_OUT {
                    assert!(position.totals().is_insolvent(), "{vector}");
                }
                tally.apart(outcome);
            }
        }
    }
    tally.close("liquidation", list(&VECTORS, "liquidation").len(), 100);
}

/// Compares what is seized for what Aave's liquidator repaid.
fn seized(
    held: &[(Held, [bool; 2])],
    vector: &Value,
    plan: impl Fn(Assets) -> Result<gage_core::liquidation::Plan, Error>,
) -> &'static str {
    let out = &vector["out"];
    let repaid = field(out, "debt_repaid");
    let collateral = usize::try_from(field(vector, "collateral")).unwrap();
    let bonus = held[collateral].0.terms[2];
    let plan = match plan(Assets::new(repaid)) {
        Ok(plan) => plan,
        Err(Error::CloseOutNeeds { .. }) => return CLOSED_OUT,
        Err(Error::LiquidationWouldWorsen { .. }) => {
            return "the account would be worse off: Gage sells another collateral first";
        }
        Err(Error::ZeroAmount | Error::ZeroShares { .. }) => return "too little to count",
        Err(why) => panic!("{why} {vector}"),
    };
    if plan.kind == Kind::CloseOut {
        return CLOSED_OUT;
    }
    if plan.bonus < Bps::new(bonus).to_wad() {
        return "the whole bonus would leave bad debt or a less healthy account: Gage pays less";
    }
    if plan.repaid().get() < repaid {
        return "Gage sells less: the target health is reached";
    }
    if plan.repaid().get() > repaid {
        assert!(plan.repaid().get() - repaid <= 2, "{vector}");
    }
    let liquidity = all(&out["reserves"][collateral]["reserve"]).unwrap()[0];
    let fee = mul_div_up(field(out, "treasury_scaled_collateral"), liquidity, RAY).unwrap();
    let theirs = field(out, "collateral_liquidated") + fee;
    let ours = plan.seized().get();
    // Ours floors value and units; Aave's fee is kept in scaled units, each up to an index.
    let unit = liquidity.div_ceil(RAY) + 1;
    // A unit of the debt decides whether all of the collateral is paid for.
    let step = theirs / repaid + 64;
    assert!(ours <= theirs + unit, "{ours} {theirs} {vector}");
    assert!(
        theirs - ours.min(theirs) <= step + unit + theirs / 10_u128.pow(15),
        "{ours} {theirs} {vector}"
    );
    crate::COMPARED
}

/// A reserve's state in a sequence: indexes and rates, when they were updated, shares of debt.
fn snapshot(reserve: &Value) -> ([u128; 4], u64, u128) {
    let values = all(reserve).unwrap();
    let updated = u64::try_from(values[4]).unwrap();
    ([values[0], values[1], values[2], values[3]], updated, values[9])
}

/// Long histories: between two steps each index grows as ours does, and after each step every account has
/// our health factor.
#[test]
fn sequences() {
    let mut tally = Tally::default();
    let mut steps = 0;
    for sequence in list(&VECTORS, "sequences") {
        let mut before: Option<&[Value]> = None;
        for step in list(sequence, "steps") {
            steps += 1;
            let reserves = list(step, "reserves");
            for (was, is) in before.unwrap_or_default().iter().zip(reserves) {
                compare_indexes(was, is, step);
            }
            before = Some(reserves);
            compare_health(sequence, step);
            tally.compared();
        }
    }
    tally.close("steps of sequences", steps, 700);
}

fn compare_indexes(was: &Value, is: &Value, step: &Value) {
    let ([_, _, index, rate], since, shares) = snapshot(was);
    let ([_, _, theirs, _], now, _) = snapshot(is);
    if shares == 0 || now == since {
        assert_eq!(index, theirs, "{step}");
        return;
    }
    let seconds = now - since;
    let ours = grown(Ray::new(index), growth(per_second(rate), seconds)).get();
    let slack = (u128::from(seconds) + 4) * (theirs / RAY + 2);
    assert!(ours + 4 * (index / RAY + 1) >= theirs && ours <= theirs + slack, "{ours} {step}");
}

fn compare_health(sequence: &Value, step: &Value) {
    let (now, prices) = (step["t"].as_u64().unwrap(), list(step, "prices"));
    for (account, health) in list(step, "positions").iter().zip(list(step, "health_factors")) {
        let flags = field(account, "flags");
        let reserves = list(step, "reserves").iter().enumerate();
        let held: Vec<_> = reserves
            .map(|(place, reserve)| {
                let terms = &sequence["reserves"][place];
                let scaled = &account["scaled"][place];
                let keys = ["ltv", "liquidation_threshold", "liquidation_bonus", "decimals"];
                let reserve_of_account = serde_json::json!({
                    "config": keys.map(|key| terms[key].clone()),
                    "price": prices[place],
                    "scaled_balance": scaled[0],
                    "scaled_debt": scaled[1],
                });
                let (indexes, since, _) = snapshot(reserve);
                let roles = [flags >> (2 * place + 1) & 1 == 1, flags >> (2 * place) & 1 == 1];
                (Held::new(&reserve_of_account, indexes, now - since, None), roles)
            })
            .collect();
        let totals = position(&held).totals();
        let Some(theirs) = number(health) else {
            assert!(totals.debt_value.is_zero(), "{step}");
            continue;
        };
        let ours = totals.health_factor().get() as f64;
        let units = 8.0 * WAD_PER_BASE as f64;
        let values = [totals.collateral_value, totals.debt_value].map(|wad| wad.get() as f64);
        let blur = units / values[0].max(units) + units / values[1].max(units) + 1e-12;
        assert!((ours / theirs as f64 - 1.0).abs() <= blur, "{ours} {theirs} {step}");
    }
}
