//! Portfolio margin through real calls and stored records.

use super::support::*;
use super::sweeps::{account, logs};
use alloy_primitives::Address;
use gage_abi::IMarket;
use gage_core::address::MARKET;

const DAY: u64 = 86_400;

fn factor(asset: Address, sigma: u32, cost: u16, correlations: &[i16]) -> IMarket::MarginFactor {
    let correlations = correlations.to_vec();
    IMarket::MarginFactor { asset, sigma, cost, hedge: 0, hedgeThreshold: 0, correlations }
}

/// A dollar that does not move, and gold that moves by 6 % and costs 2 %.
fn set(k_liquidation: u16, factors: Vec<IMarket::MarginFactor>) -> IMarket::setPortfolioMarginCall {
    let terms = IMarket::MarginTerms {
        kBorrow: k_liquidation + 5_000,
        kLiquidation: k_liquidation,
        floor: 200,
    };
    IMarket::setPortfolioMarginCall { market: 1, terms, factors, rampSeconds: DAY as u32 }
}

/// A set that the owner may set.
pub(super) fn a_set() -> IMarket::setPortfolioMarginCall {
    set(40_000, usual())
}

fn usual() -> Vec<IMarket::MarginFactor> {
    vec![factor(USD, 0, 0, &[]), factor(GOLD, 60_000, 200, &[-1_000])]
}

impl World {
    fn standing(&mut self) -> IMarket::AccountState {
        self.ok(STRANGER, MARKET, IMarket::accountStateCall { market: 1, owner: BORROWER, sub: 0 })
    }

    fn margin(&mut self) -> IMarket::MarginState {
        self.ok(STRANGER, MARKET, IMarket::marginStateCall { market: 1 })
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        self.prices(2_000 * WAD, WAD);
        // A silent feed's recovery has its grace period, in which the feed must not be silent again.
        for _ in 0..2 {
            self.now += 2_000;
            self.prices(2_000 * WAD, WAD);
        }
    }
}

/// CFG-2: set, stored, read back and told; limits move along the ramp and end at `1 − k·σ − cost`.
#[test]
fn a_set_is_stored_told_and_in_force_after_its_ramp() {
    let mut world = World::loan();
    assert_eq!(world.margin(), IMarket::MarginState::default());
    let before = world.standing();
    assert_eq!(before.liquidationRequirement, IMarket::Requirement::default());
    let done = world.call(OWNER, MARKET, set(40_000, usual()));
    assert!(done.is_success(), "{:?}", done.result);
    let told: Vec<IMarket::MarginChanged> = logs(&done);
    assert_eq!((told[0].generation, told[0].terms.kLiquidation), (1, 40_000));
    let factors: Vec<IMarket::MarginFactorSet> = logs(&done);
    assert_eq!(factors.iter().map(|set| set.factor.clone()).collect::<Vec<_>>(), usual());
    let state = world.margin();
    assert_eq!((state.factors, state.generation), (usual(), 1));
    assert_eq!(state.rampEnd - state.rampStart, DAY);
    assert!(state.factorsBefore.is_empty());
    assert_eq!(
        world.standing().liquidationLimit,
        before.liquidationLimit,
        "nothing changes at once"
    );

    world.pass(DAY);
    let state = world.standing();
    // 20,000 dollars of gold: 24 % risk and 2 % cost; 1 − 4·6 % − 2 % = 74 %.
    assert_eq!(state.collateralValue, u(20_000 * WAD));
    assert_eq!(state.liquidationLimit, u(14_800 * WAD));
    assert_eq!(state.borrowLimit, u(14_200 * WAD));
    let kept = state.liquidationRequirement;
    assert_eq!([kept.total, kept.risk, kept.cost], [5_200, 4_800, 400].map(|n| u(n * WAD)));
    assert_eq!(kept.linear, u(4_000 * WAD));
    assert!(world.call(BORROWER, MARKET, borrow(2_300 * DOLLAR)).error().starts_with("AboveLimit"));
    world.ok(BORROWER, MARKET, borrow(2_000 * DOLLAR));
    world.check_ties();

    // The way back: thresholds after another ramp.
    world.ok(OWNER, MARKET, set(40_000, Vec::new()));
    assert_eq!(world.margin().factorsBefore, usual());
    world.pass(DAY);
    assert_eq!(world.standing().liquidationLimit, u(16_000 * WAD));
    assert_eq!(world.standing().liquidationRequirement.total, u(4_000 * WAD));
    let state = world.margin();
    assert!(state.factors.is_empty() && state.factorsBefore.is_empty());
    world.check_ties();
}

/// AUT-1, CFG-2: strangers, contradictions and haste are refused by name, and nothing is written.
#[test]
fn what_cannot_be_is_refused() {
    let mut world = World::loan();
    let before = world.state();
    assert!(world.refused(STRANGER, MARKET, set(40_000, usual())).starts_with("NotAuthorised"));
    let third = addresses_asset(1);
    let mut factors = usual();
    factors.push(factor(third, 10_000, 0, &[0, 0]));
    let error = world.refused(OWNER, MARKET, set(40_000, factors));
    assert_eq!(error, "InvalidParameter(name: factor's asset, value: 1)");
    let twice = vec![factor(USD, 0, 0, &[]), factor(GOLD, 60_000, 200, &[10_001])];
    let error = world.refused(OWNER, MARKET, set(40_000, twice));
    assert_eq!(error, "InvalidParameter(name: correlation, value: 10001)");
    let error = world.refused(OWNER, MARKET, set(9_999, usual()));
    assert_eq!(error, "InvalidParameter(name: k at liquidation, value: 9999)");
    assert_eq!(world.state(), before);
    world.ok(OWNER, MARKET, set(40_000, usual()));
    let until = world.now + DAY;
    let error = world.refused(OWNER, MARKET, set(40_000, usual()));
    assert_eq!(error, format!("MarginRampRunning(until: {until})"));
}

fn addresses_asset(number: u32) -> Address {
    gage_core::address::asset(gage_core::AssetId::new(number))
}

/// LIQ-2: an account that its requirement makes unhealthy is sold to bids first, and then openly, back to
/// the target.
#[test]
fn an_unhealthy_account_is_sold_back_to_its_target() {
    let mut world = World::loan();
    world.bid(LENDER, 2, 500);
    world.ok(OWNER, MARKET, set(40_000, usual()));
    world.pass(DAY);
    // 12,000 dollars of debt need a gold price above 1,621.62.
    world.prices(1_600 * WAD, WAD);
    let healthy = world.standing().healthFactor;
    assert!(healthy < u(WAD));
    let done = world.sweep(&[account(BORROWER)]);
    assert!(done.is_success());
    let fills: Vec<IMarket::BidsFilled> = logs(&done);
    assert_eq!(fills.len(), 1);
    let swept = world.standing().healthFactor;
    assert!(swept > healthy && swept < u(WAD));
    world.check_ties();
    let done = world.call(LIQUIDATOR, MARKET, liquidate(alloy_primitives::U256::MAX));
    assert!(done.is_success(), "{:?}", done.result);
    let after = world.standing().healthFactor.to::<u128>();
    assert!(after.abs_diff(WAD * 11 / 10) < WAD / 1_000_000, "{after}");
    world.check_ties();
}

/// A market of thresholds reads nothing of portfolio margin: a borrower's gas stays what it was, and with
/// it costs the slots of the market's set and of two factors.
#[test]
fn thresholds_cost_what_they_cost() {
    let mut world = World::loan();
    let call = IMarket::healthFactorCall { market: 1, owner: BORROWER, sub: 0 };
    let plain = world.call(STRANGER, MARKET, call.clone()).gas();
    world.ok(OWNER, MARKET, set(40_000, usual()));
    world.pass(DAY);
    let portfolio = world.call(STRANGER, MARKET, call).gas();
    assert_eq!(portfolio - plain, 3 * 2_100, "three more slots");
}

/// EVM-4: what is searched for is charged for, in views too: each leg's liquidation price and a sale's size
/// cost 108,000 gas in an account of two legs.
#[test]
fn searches_are_charged_for() {
    let mut world = World::loan();
    let id = (1, BORROWER, 0);
    let explain = IMarket::accountStateCall { market: id.0, owner: id.1, sub: id.2 };
    let sell = IMarket::previewSweepCall { market: id.0, owner: id.1, sub: id.2 };
    let [plain, planned] = [
        world.call(STRANGER, MARKET, explain.clone()).gas(),
        world.call(STRANGER, MARKET, sell.clone()).gas(),
    ];
    world.ok(OWNER, MARKET, set(40_000, usual()));
    world.pass(DAY);
    let search = 108_000;
    let more = world.call(STRANGER, MARKET, explain).gas() - plain;
    assert!((3 * search..4 * search).contains(&more), "{more}");
    let more = world.call(STRANGER, MARKET, sell).gas() - planned;
    assert!((8 * search..9 * search).contains(&more), "{more}");
}
