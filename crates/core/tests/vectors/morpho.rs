//! Morpho Blue's vectors.

use std::sync::LazyLock;

use gage_core::borrowing::{self, Draw, Release};
use gage_core::interest::{grown, growth};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{Aim, Kind, Plan, plan_liquidation};
use gage_core::shares::{Pool, debt_of_shares};
use gage_core::{
    Assets, Bps, Debt, Error, InterestModel, Ledger as _, Ray, Shares, Stop, Token, U256, WAD, Wad,
    address, margin, mul_div_down, mul_div_up,
};
use serde_json::Value;

use crate::world::acts::{ALICE, LENDER, asset, of, vault};
use crate::world::{MARKET, World};
use crate::{Tally, all, field, list, number, unpack};

static VECTORS: LazyLock<Value> = LazyLock::new(|| unpack(include_bytes!("morpho.json.gz")));

const BEYOND: &str = "beyond 128 bits, which no amount of Gage's has";

/// Products and quotients are the same to the unit; what does not fit is refused.
#[test]
fn math() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "math") {
        let Some(input) = all(&vector["in"]) else {
            tally.apart(BEYOND);
            continue;
        };
        let f = vector["f"].as_str().unwrap();
        let ours = match f {
            "mulDivDown" => mul_div_down(input[0], input[1], input[2]),
            "mulDivUp" => mul_div_up(input[0], input[1], input[2]),
            "wMulDown" => mul_div_down(input[0], input[1], WAD),
            "wDivDown" => mul_div_down(input[0], WAD, input[1]),
            "wDivUp" => mul_div_up(input[0], WAD, input[1]),
            _ => {
                taylor(vector, &input, &mut tally);
                continue;
            }
        };
        assert_eq!(ours.ok(), number(&vector["out"]), "{vector}");
        tally.compared();
    }
    tally.close("math", list(&VECTORS, "math").len(), 200);
}

/// The three Taylor terms are the same, to the nine digits that a ray has more than a wad; where
/// Morpho's factor goes beyond our largest index, ours has stopped.
fn taylor(vector: &Value, input: &[u128], tally: &mut Tally) {
    let exponent = input[0].saturating_mul(input[1]);
    let (Some(rate), Ok(seconds)) = (input[0].checked_mul(1_000_000_000), u64::try_from(input[1]))
    else {
        return tally.apart(BEYOND);
    };
    if exponent > 180 * WAD {
        let index = grown(Ray::ONE, growth(Ray::new(rate), seconds));
        assert_eq!(index, gage_core::interest::INDEX_MAX, "{vector}");
        return tally.apart("interest beyond the largest index");
    }
    let out = field(vector, "out");
    let ours = growth(Ray::new(rate), seconds).get() / 1_000_000_000;
    // A term's lost unit is multiplied by x/3 in the next one; at 27 digits less is lost.
    let slack = 3 + exponent / WAD;
    assert!((out..=out + slack).contains(&ours), "{ours} {vector}");
    tally.compared();
}

/// Lenders' conversions are the same to the unit.
#[test]
fn shares() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "shares") {
        let (Some(input), Some(out)) = (all(&vector["in"]), number(&vector["out"])) else {
            tally.apart(BEYOND);
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
        tally.compared();
    }
    tally.close("shares", list(&VECTORS, "shares").len(), 200);
}

/// A debt grows by Morpho's interest or up to `4·10⁻¹⁸` of itself and 2 units more: our index is
/// rounded up and has more digits, which favours lenders.
#[test]
fn accrual() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "accrual") {
        let (debt, rate) = (field(&vector["before"], "tba"), field(vector, "rate"));
        let seconds = vector["elapsed"].as_u64().unwrap();
        if vector["out"]["ok"] == false {
            // Morpho freezes where 128 bits end; our index stops, and everybody can still leave.
            let index =
                grown(Ray::ONE, growth(Ray::new(rate.saturating_mul(1_000_000_000)), seconds));
            assert!(index <= gage_core::interest::INDEX_MAX, "{vector}");
            tally.apart("Morpho reverts: its interest does not fit");
            continue;
        }
        let interest = field(&vector["out"], "interest");
        if debt > 1 << 104 {
            tally.apart("a debt beyond the largest amount");
            continue;
        }
        let index = grown(Ray::ONE, growth(Ray::new(rate * 1_000_000_000), seconds));
        let ours = debt_of_shares(Shares::new(debt), index).get() - debt;
        let slack = debt / WAD * 4 + 4 + 2;
        assert!((interest..=interest + slack).contains(&ours), "{ours} {vector}");
        tally.compared();
    }
    tally.close("accrual", list(&VECTORS, "accrual").len(), 180);
}

/// A market's totals with Morpho's interest up to now: assets and shares of lenders and borrowers.
#[derive(Clone, Copy, Debug)]
struct Totals {
    supplied: u128,
    supply_shares: u128,
    borrowed: u128,
    borrow_shares: u128,
}

/// What Morpho multiplies a debt by: `x + x²/2 + x³/6`.
fn factor(rate: u128, seconds: u128) -> u128 {
    let first = rate * seconds;
    let second = mul_div_down(first, first, 2 * WAD).unwrap();
    first + second + mul_div_down(second, first, 3 * WAD).unwrap()
}

impl Totals {
    fn of(market: &Value) -> Self {
        Self {
            supplied: field(market, "tsa"),
            supply_shares: field(market, "tss"),
            borrowed: field(market, "tba"),
            borrow_shares: field(market, "tbs"),
        }
    }

    /// Morpho's accrual (`_accrueInterest`): the fee's part becomes shares.
    fn accrued(self, fee: u128, rate: u128, seconds: u128) -> Self {
        let interest = mul_div_down(self.borrowed, factor(rate, seconds), WAD).unwrap();
        let supplied = self.supplied + interest;
        let fee = mul_div_down(interest, fee, WAD).unwrap();
        let pool =
            Pool { assets: Assets::new(supplied - fee), shares: Shares::new(self.supply_shares) };
        let fee_shares = pool.shares_to_mint(Assets::new(fee)).unwrap().get();
        Self {
            supplied,
            supply_shares: self.supply_shares + fee_shares,
            borrowed: self.borrowed + interest,
            ..self
        }
    }

    fn debt_pool(self) -> Pool {
        Pool { assets: Assets::new(self.borrowed), shares: Shares::new(self.borrow_shares) }
    }

    fn pool(self) -> Pool {
        Pool { assets: Assets::new(self.supplied), shares: Shares::new(self.supply_shares) }
    }
}

/// Morpho's price, of 36 decimals and more digits than 128 bits hold, as a wad.
fn price(vector: &Value) -> u128 {
    let price: U256 = vector["price"].as_str().unwrap().parse().unwrap();
    let (price, rest) = price.div_rem(U256::from(WAD));
    assert!(rest.is_zero(), "{vector}");
    price.to()
}

/// One account in one market, as a vector has it.
struct Setting<'a> {
    /// Interest included.
    totals: Totals,
    position: &'a Value,
    /// A wad of dollars for a whole unit, both assets having 18 decimals.
    price: u128,
    lltv: u128,
}

impl Setting<'_> {
    /// What the account owes, rounded up as Morpho does.
    fn debt(&self) -> u128 {
        let shares = Shares::new(field(self.position, "borrow_shares"));
        self.totals.debt_pool().assets_to_collect(shares).unwrap().get()
    }

    /// The same market and account on Gage: both assets with 18 decimals, the debt's at a dollar, no more interest,
    /// LTV and threshold at the LLTV, the index at one so that debt shares are units.
    fn world(&self) -> World {
        let Totals { supplied, supply_shares, borrowed, .. } = self.totals;
        let mut world = World::new(&[18, 18], 1);
        world.report(1, WAD).unwrap();
        world.set_price(2, self.price);
        let l = &mut world.ledger;
        let owed = Debt { shares: Shares::new(borrowed), offset: Assets::ZERO };
        let record = l.vaults.get_mut(&vault(1)).unwrap();
        record.model =
            InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(8_000) };
        (record.cash, record.shares) =
            (Assets::new(supplied - borrowed), Shares::new(supply_shares));
        (record.owed, record.updated_at) = (owed, l.now);
        (record.supply_cap, record.borrow_cap) = (Assets::MAX, Assets::MAX);
        record.reserve_fee = Bps::ZERO;
        let line = l.lines.get_mut(&(MARKET, vault(1))).unwrap();
        (line.owed, line.cap, line.min_debt) = (owed, Assets::MAX, Assets::new(1));
        let collateral = Assets::new(field(self.position, "collateral"));
        let terms = l.collaterals.get_mut(&(MARKET, asset(2))).unwrap();
        let limit = Bps::new(u16::try_from(self.lltv / (WAD / 10_000)).unwrap());
        (terms.ltv, terms.threshold, terms.cap) = (limit, limit, Assets::MAX);
        (terms.total, terms.risk_weight) = (collateral, Bps::ZERO);
        let mut account = l.account(&of(ALICE)).unwrap();
        account.set_collateral(1, collateral);
        let debt = Shares::new(self.debt().min(borrowed));
        account.set_debt(0, Debt { shares: debt, offset: Assets::ZERO });
        account.terms_version = 1;
        l.accounts.insert(of(ALICE), account);
        let own = field(self.position, "supply_shares");
        for (token, holder, amount) in [
            (Token::Share(vault(1)), ALICE, own),
            (Token::Share(vault(1)), LENDER, supply_shares - own),
            (Token::Asset(asset(1)), address::custody(vault(1)), supplied - borrowed),
            (Token::Asset(asset(2)), address::market_custody(), collateral.get()),
            (Token::Asset(asset(1)), ALICE, 1 << 127),
            (Token::Asset(asset(2)), ALICE, 1 << 127),
        ] {
            l.balances.insert((token, holder), amount);
        }
        world
    }
}

/// What an operation moved: assets, and shares where lenders' are.
type Moved = Result<(u128, Option<u128>), Error>;

/// Carries out a vector's operation for Alice; Morpho's debt shares are given as what they are worth.
fn play(world: &mut World, setting: &Setting<'_>, op: &str, [amount, count]: [u128; 2]) -> Moved {
    let (assets, shares) = (Assets::new(amount), Shares::new(count));
    let exit = Exit { receiver: ALICE, owner: ALICE };
    let debt_pool = setting.totals.debt_pool();
    let by_shares = count > 0;
    let result = world.ledger.atomically(|l| match op {
        "supply" if by_shares => {
            lending::mint(l, ALICE, vault(1), shares, ALICE).map(|a| (a.get(), Some(count)))
        }
        "supply" => lending::deposit(l, ALICE, vault(1), assets, ALICE)
            .map(|shares| (amount, Some(shares.get()))),
        "withdraw" if by_shares => {
            lending::redeem(l, ALICE, vault(1), shares, exit).map(|a| (a.get(), Some(count)))
        }
        "withdraw" => lending::withdraw(l, ALICE, vault(1), assets, exit)
            .map(|shares| (amount, Some(shares.get()))),
        "supplyCollateral" => borrowing::supply_collateral(l, ALICE, &of(ALICE), asset(2), assets)
            .map(|()| (amount, None)),
        "withdrawCollateral" => {
            let (asset, amount) = (asset(2), assets);
            let release = Release { market: MARKET, sub: 0, asset, amount, receiver: ALICE };
            borrowing::withdraw_collateral(l, ALICE, &release).map(|a| (a.get(), None))
        }
        "borrow" => {
            let amount = if by_shares { debt_pool.assets_to_pay(shares)? } else { assets };
            let draw = Draw { market: MARKET, sub: 0, vault: vault(1), amount, receiver: ALICE };
            borrowing::borrow(l, ALICE, &draw).map(|()| (amount.get(), None))
        }
        "repay" => {
            let amount = if by_shares { debt_pool.assets_to_collect(shares)? } else { assets };
            borrowing::repay(l, ALICE, &of(ALICE), vault(1), amount).map(|a| (a.get(), None))
        }
        _ => panic!("{op}"),
    });
    match result {
        Ok(done) => Ok(done),
        Err(Stop::Refused(error)) => Err(error),
        Err(stop) => panic!("{stop}"),
    }
}

/// What Morpho returned: named, or in a sequence numbered.
fn said(out: &Value, [name, place]: [&str; 2]) -> u128 {
    number(&out[name]).unwrap_or_else(|| field(out, place))
}

/// Plays one operation on both and compares what it did and left.
fn compare_op(
    setting: &Setting<'_>,
    vector: &Value,
    op: &str,
    after: [&Value; 2],
    tally: &mut Tally,
) {
    let [market, position] = after;
    let sizes = [field(vector, "assets"), field(vector, "shares")];
    let out = &vector["out"];
    if sizes.iter().all(|size| *size > 0) {
        return tally.apart("assets and shares are both given: Gage's calls name one");
    }
    let mut world = setting.world();
    let ours = play(&mut world, setting, op, sizes);
    let (assets, shares) = match (ours, out["ok"] == true) {
        (Ok(done), true) => done,
        (Err(why), false) => {
            assert!(is_same_cause(out["revert"].as_str().unwrap(), &why), "{why} {vector}");
            return tally.apart("both refuse, for the same cause");
        }
        (ours, _) => return tally.apart(explain(setting, (op, sizes), &ours, vector)),
    };
    let cash = world.ledger.vaults[&vault(1)].cash.get();
    let debt = world.ledger.vaults[&vault(1)].owed.shares.get();
    let now = Totals::of(market);
    if !op.ends_with("Collateral") {
        assert_eq!(assets, said(out, ["assets", "r0"]), "{vector}");
    }
    if let Some(shares) = shares {
        assert_eq!(shares, said(out, ["shares", "r1"]), "{vector}");
    }
    // Morpho counts a collateral supply's interest later.
    if op != "supplyCollateral" {
        assert_eq!((cash, debt), (now.supplied - now.borrowed, now.borrowed), "{vector}");
        assert_eq!(world.ledger.vaults[&vault(1)].shares.get(), now.supply_shares, "{vector}");
    }
    let held = world.held(Token::Share(vault(1)), ALICE);
    assert_eq!(held, field(position, "supply_shares"), "{vector}");
    let account = world.ledger.account(&of(ALICE)).unwrap();
    assert_eq!(account.collateral(1).get(), field(position, "collateral"), "{vector}");
    if op != "supplyCollateral" {
        let left = Shares::new(field(position, "borrow_shares"));
        let left = now.debt_pool().assets_to_collect(left).unwrap().get();
        // Morpho rounds each debt up from shares of a millionth.
        assert!(account.debt(0).shares.get().abs_diff(left) <= 2, "{vector}");
    }
    tally.compared();
}

/// Whether Gage's error is what Morpho's words mean; of several causes each may name another.
fn is_same_cause(theirs: &str, ours: &Error) -> bool {
    match theirs {
        "insufficient collateral" => {
            matches!(ours, Error::AboveLimit { .. } | Error::Illiquid { .. } | Error::ZeroAmount)
        }
        "insufficient liquidity" => matches!(ours, Error::Illiquid { .. }),
        "inconsistent input" | "zero assets" => matches!(ours, Error::ZeroAmount),
        // Less than nothing would be left: of what is held, owed, pledged or there, or of 128 bits.
        "Panic(0x11)" => matches!(
            ours,
            Error::ExceededMaxWithdraw { .. }
                | Error::ExceededMaxRedeem { .. }
                | Error::Illiquid { .. }
                | Error::InsufficientCollateral { .. }
                | Error::NoDebt
                | Error::Overflow
        ),
        _ => false,
    }
}

/// Why only one of them refuses.
fn explain(
    setting: &Setting<'_>,
    (op, [amount, count]): (&str, [u128; 2]),
    ours: &Moved,
    vector: &Value,
) -> &'static str {
    let owed = setting.debt();
    match (op, ours) {
        // Whoever repays too much keeps the rest.
        ("repay", Ok((repaid, _))) => {
            assert!(*repaid == owed.min(setting.totals.borrowed), "{vector}");
            "Morpho alone refuses: more than is owed; Gage takes what is owed"
        }
        (_, Err(Error::ZeroShares { assets })) => {
            assert!(assets.get() == amount, "{vector}");
            "Gage alone refuses: an amount for no share, which Morpho takes"
        }
        ("withdraw" | "supply" | "borrow" | "repay", Err(Error::ZeroAmount)) => {
            let pool =
                if op == "withdraw" { setting.totals.pool() } else { setting.totals.debt_pool() };
            let worth = pool.assets_to_pay(Shares::new(count)).unwrap();
            assert!(worth.is_zero() && amount == 0, "{vector}");
            "Gage alone refuses: shares for nothing, which Morpho takes"
        }
        ("repay", Err(Error::NoDebt)) => {
            assert_eq!(owed, 0, "{vector}");
            "Gage alone refuses: nothing is owed"
        }
        ("borrow" | "withdrawCollateral", Ok(_)) => {
            // Morpho's limit is rounded down twice, ours once.
            let collateral = field(setting.position, "collateral");
            assert!(collateral > 0, "{vector}");
            panic!("Morpho alone refuses {vector}")
        }
        _ => panic!("{ours:?} {vector}"),
    }
}

/// Operations do what Morpho's do, to the unit, on the same state; and leave the same.
#[test]
fn operations() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "ops") {
        let before = Totals::of(&vector["market"]);
        let fee = field(&vector["market"], "fee");
        let elapsed = field(vector, "elapsed");
        let setting = Setting {
            totals: before.accrued(fee, field(vector, "rate"), elapsed),
            position: &vector["position"],
            price: price(vector),
            lltv: field(vector, "lltv"),
        };
        let out = &vector["out"];
        let after = [&out["market"], &out["position"]];
        compare_op(&setting, vector, vector["op"].as_str().unwrap(), after, &mut tally);
    }
    tally.close("operations", list(&VECTORS, "ops").len(), 300);
}

/// A liquidator's gain per value repaid on Morpho, one included: `min(1.15, 1 / (1 − 0.3 · (1 − LLTV)))`.
fn incentive(lltv: u128) -> u128 {
    let kept = mul_div_down(3 * WAD / 10, WAD - lltv, WAD).unwrap();
    mul_div_down(WAD, WAD, WAD - kept).unwrap().min(115 * WAD / 100)
}

/// Gage's plan for the account, at Morpho's incentive in whole basis points and a target far away.
fn plan(setting: &Setting<'_>, most: u128) -> Result<Plan, Error> {
    let mut world = setting.world();
    let l = &mut world.ledger;
    let bonus = u16::try_from((incentive(setting.lltv) - WAD) / (WAD / 10_000)).unwrap();
    let terms = l.collaterals.get_mut(&(MARKET, asset(2))).unwrap();
    (terms.bonus_min, terms.bonus_max) = (Bps::new(bonus), Bps::new(bonus));
    let market = l.markets.get_mut(&MARKET).unwrap();
    (market.target_health, market.full_bonus_health) = (Wad::new(2 * WAD), Wad::new(WAD / 2));
    let market = l.market(MARKET).unwrap();
    let position = margin::position(l, &of(ALICE)).unwrap();
    let aim = Aim { vault: vault(1), asset: asset(2), max_repay: Assets::new(most) };
    plan_liquidation(&position, &market, &aim)
}

/// Compares one liquidation with ours of the same account.
fn compare_liquidation(setting: &Setting<'_>, vector: &Value, market: &Value, tally: &mut Tally) {
    let out = &vector["out"];
    match out["revert"].as_str() {
        Some("position is healthy") => {
            let ours = plan(setting, u128::MAX);
            assert!(matches!(ours, Err(Error::Healthy { .. })), "{ours:?} {vector}");
            return tally.compared();
        }
        Some("inconsistent input") => {
            return tally.apart("collateral and debt are both given, or none");
        }
        Some("Panic(0x11)") => {
            return tally.apart("Morpho reverts at more than there is; Gage takes what there is");
        }
        Some("max uint128 exceeded") => return tally.apart("beyond 128 bits"),
        Some(why) => panic!("{why} {vector}"),
        None => {}
    }
    let repaid = said(out, ["repaid_assets", "r1"]);
    let seized = said(out, ["seized_assets", "r0"]);
    let bad_debt = setting.totals.borrowed.saturating_sub(repaid + field(market, "tba"));
    if repaid == 0 || seized == 0 {
        return tally.apart("Morpho moves one side only; Gage refuses that");
    }
    // What a unit of debt buys, and the roundings of both.
    let slack = 4 * WAD.div_ceil(setting.price.max(1)) + 4;
    let ours = plan(setting, if bad_debt > 0 { u128::MAX } else { repaid });
    let ours = match ours {
        Ok(plan) => plan,
        Err(Error::CloseOutNeeds { .. }) => {
            let whole = plan(setting, u128::MAX).unwrap();
            return tally.apart(closed_out(&whole, [repaid, seized], vector));
        }
        Err(
            Error::ZeroAmount | Error::ZeroShares { .. } | Error::LiquidationWouldWorsen { .. },
        ) if repaid <= slack || seized <= slack => {
            return tally.apart("too little to count");
        }
        Err(why) => panic!("{why} {vector}"),
    };
    let factor = incentive(setting.lltv) as f64 / WAD as f64;
    if bad_debt > 0 {
        if ours.kind != Kind::CloseOut {
            return tally.apart("covered at Gage's bonus, which is rounded down");
        }
        assert!(ours.repaid().get() + 3 >= repaid, "{ours:?} {vector}");
        let most = repaid as f64 * factor / (factor - 1e-4) + 3.0;
        assert!(ours.repaid().get() as f64 <= most, "{ours:?} {vector}");
        assert!(ours.bad_debt_value.get() <= bad_debt + 3, "{ours:?} {vector}");
        return tally.compared();
    }
    if ours.kind == Kind::CloseOut {
        return tally.apart(closed_out(&ours, [repaid, seized], vector));
    }
    let (paid, taken) = (ours.repaid().get(), ours.seized().get());
    let due = paid as f64 * (seized as f64 / repaid as f64);
    assert!(
        taken as f64 <= due * (1.0 + 1.0 / repaid as f64 + 1e-14) + slack as f64,
        "{ours:?} {vector}"
    );
    if paid < repaid {
        return tally.apart("Gage sells less: the target health is reached, or all is repaid");
    }
    assert_eq!(paid, repaid, "{ours:?} {vector}");
    let least = seized as f64 * (1.0 + f64::from(ours.bonus_bps().get()) / 1e4) / factor;
    assert!(
        taken as f64 >= least * (1.0 - 1.0 / repaid as f64 - 1e-14) - slack as f64,
        "{ours:?} {vector}"
    );
    tally.compared();
}

/// Morpho lets an insolvent account go in parts; Gage closes it out whole, and for no less a unit of collateral.
fn closed_out(ours: &Plan, [repaid, seized]: [u128; 2], vector: &Value) -> &'static str {
    assert_eq!(ours.kind, Kind::CloseOut, "{vector}");
    let [paid, taken] = [ours.repaid().get() + 1, ours.seized().get()].map(|units| units as f64);
    // A unit of each rounding, of which Morpho has three.
    let less = 1.0 - 6.0 / repaid as f64 - 2.0 / seized as f64 - 1e-14;
    assert!(paid / taken >= repaid as f64 / seized as f64 * less, "{ours:?} {vector}");
    "insolvent: Gage closes the account out whole"
}

/// The same accounts can be liquidated, and what is repaid takes the same collateral or less.
#[test]
fn liquidation() {
    let mut tally = Tally::default();
    for vector in list(&VECTORS, "liquidation") {
        let fee = field(&vector["market"], "fee");
        let rate = field(vector, "rate");
        let setting = Setting {
            totals: Totals::of(&vector["market"]).accrued(fee, rate, field(vector, "elapsed")),
            position: &vector["position"],
            price: price(vector),
            lltv: field(vector, "lltv"),
        };
        compare_liquidation(&setting, vector, &vector["out"]["market"], &mut tally);
    }
    tally.close("liquidation", list(&VECTORS, "liquidation").len(), 150);
}

/// Long histories, each step on the state that Morpho's step before it left.
#[test]
fn sequences() {
    let mut tally = Tally::default();
    let mut count = 0;
    for sequence in list(&VECTORS, "sequences") {
        let [lltv, fee] = ["lltv", "fee"].map(|key| field(sequence, key));
        let [base, slope] = ["base", "slope"].map(|key| field(&sequence["irm"], key));
        let mut before: Option<&Value> = None;
        for step in list(sequence, "steps") {
            count += 1;
            let Some(last) = before.replace(step) else {
                tally.apart("a sequence's first step, on nothing");
                continue;
            };
            let totals = Totals::of(&last["market"]);
            let used = match totals.supplied {
                0 => 0,
                all => mul_div_down(totals.borrowed, WAD, all).unwrap(),
            };
            let rate = base + mul_div_down(slope, used, WAD).unwrap();
            let elapsed = field(step, "t") - field(last, "last_update");
            let user = usize::try_from(field(step, "target")).unwrap();
            let setting = Setting {
                totals: totals.accrued(fee, rate, elapsed),
                position: &last["positions"][user],
                price: price(step),
                lltv,
            };
            match step["op"].as_str().unwrap() {
                "liquidate" => compare_liquidation(&setting, step, &step["market"], &mut tally),
                op => {
                    let after = [&step["market"], &step["positions"][user]];
                    let op = if op == "repayAll" { "repay" } else { op };
                    compare_op(&setting, step, op, after, &mut tally);
                }
            }
        }
    }
    tally.close("steps of sequences", count, 250);
}
