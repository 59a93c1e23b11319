//! Kept terms, moves and groups through real calls and stored records.

use super::support::*;
use super::sweeps::logs;
use alloy_primitives::U256;
use gage_abi::IMarket;
use gage_core::address::MARKET;

const DAY: u64 = 86_400;

impl World {
    fn set_gold(&mut self, ltv: u16, threshold: u16) {
        let terms = IMarket::CollateralTerms {
            feed: GOLD_FEED,
            ltv,
            threshold,
            bonusMin: 300,
            bonusMax: 800,
            riskWeight: 0,
            cap: u(1_000_000 * WAD),
        };
        self.ok(OWNER, MARKET, IMarket::setCollateralCall { market: 1, asset: GOLD, terms });
    }

    fn gold(&mut self) -> IMarket::CollateralState {
        self.ok(STRANGER, MARKET, IMarket::collateralStateCall { market: 1, asset: GOLD })
    }

    fn borrower(&mut self) -> IMarket::AccountState {
        let owner = BORROWER;
        self.ok(STRANGER, MARKET, IMarket::accountStateCall { market: 1, owner, sub: 0 })
    }

    fn market_state(&mut self) -> IMarket::MarketState {
        self.ok(STRANGER, MARKET, IMarket::marketStateCall { market: 1 })
    }

    /// The present price again, and everybody may be liquidated on it.
    fn later(&mut self, seconds: u64) {
        self.now += seconds;
        self.prices(2_000 * WAD, WAD);
        self.now += 600;
        self.prices(2_000 * WAD, WAD);
    }
}

fn group_terms(ltv: u16, threshold: u16) -> IMarket::GroupTerms {
    IMarket::GroupTerms { ltv, threshold, bonusMin: 100, bonusMax: 200, band: 150 }
}

const fn enter(group: u8) -> IMarket::enterGroupCall {
    IMarket::enterGroupCall { market: 1, sub: 0, group }
}

const LEAVE: IMarket::leaveGroupCall = IMarket::leaveGroupCall { market: 1, sub: 0 };

/// CFG-2, HLT-2: 12,000 dollars against 10 gold at 2,000. The threshold falls to 55 %: nobody is
/// liquidated, until a move arrives or new risk is taken.
#[test]
fn terms_stay_until_a_move_arrives() {
    let mut world = World::loan();
    assert_eq!((world.market_state().termsVersion, world.borrower().termsVersion), (1, 1));
    world.set_gold(5_000, 5_500);
    let (state, account) = (world.gold(), world.borrower());
    assert_eq!((state.threshold, state.kept.len(), state.kept[0].threshold), (5_500, 1, 8_000));
    assert_eq!((state.kept[0].until, world.market_state().termsVersion), (1, 2));
    let leg = &account.collaterals[0];
    assert_eq!((leg.threshold, leg.thresholdNewest, leg.moveEnd), (8_000, 5_500, 0));
    assert!(world.refused(LIQUIDATOR, MARKET, liquidate(U256::MAX)).starts_with("Healthy("));
    assert!(world.refused(BORROWER, MARKET, borrow(DOLLAR)).starts_with("AboveLimit("));

    let (start, end) = (world.now + DAY, world.now + 3 * DAY);
    let schedule = IMarket::scheduleCollateralMoveCall { market: 1, asset: GOLD, start, end };
    let done = world.call(OWNER, MARKET, schedule.clone());
    let told: Vec<IMarket::CollateralMoveScheduled> = logs(&done);
    assert_eq!((told[0].asset, told[0].start, told[0].end), (GOLD, start, end));
    assert!(world.refused(OWNER, MARKET, schedule).starts_with("MoveNotOver("));
    world.now = start + DAY;
    let leg = &world.borrower().collaterals[0];
    assert_eq!((leg.threshold, leg.moveStart, leg.moveEnd), (6_750, start, end));
    world.later(0);
    assert!(world.refused(LIQUIDATOR, MARKET, liquidate(U256::MAX)).starts_with("Healthy("));
    world.later(DAY);
    assert_eq!(world.borrower().collaterals[0].threshold, 5_500);
    world.ok(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    world.check_ties();
    // The account is still of version one: the move that ended is what counts.
    assert_eq!(world.borrower().termsVersion, 1);
    // A repayment in full leaves nothing of it.
    world.ok(LIQUIDATOR, MARKET, repay(U256::MAX));
    assert_eq!(world.borrower().termsVersion, 0);
}

/// HLT-5: into a group, beyond what the account could owe outside, and out again.
#[test]
fn an_account_enters_and_leaves_a_group() {
    let mut world = World::loan();
    assert!(world.refused(BORROWER, MARKET, enter(1)).starts_with("UnknownGroup("));
    let create = IMarket::createGroupCall {
        market: 1,
        name: "Metals".into(),
        terms: group_terms(8_800, 9_200),
        collaterals: vec![GOLD],
        vaults: vec![VAULT],
    };
    let done = world.call(OWNER, MARKET, create);
    let told: Vec<IMarket::GroupCreated> = logs(&done);
    assert_eq!((told[0].group, told[0].name.as_str()), (1, "Metals"));
    let shown = world.ok(STRANGER, MARKET, IMarket::groupStateCall { market: 1, group: 1 });
    assert_eq!(
        (shown.name.as_str(), &shown.collaterals, &shown.vaults),
        ("Metals", &vec![GOLD], &vec![VAULT])
    );
    assert_eq!(world.market_state().groups, 1);

    assert!(world.refused(BORROWER, MARKET, borrow(5_000 * DOLLAR)).starts_with("AboveLimit("));
    world.ok(BORROWER, MARKET, enter(1));
    assert!(world.refused(BORROWER, MARKET, enter(1)).starts_with("SameGroup("));
    world.ok(BORROWER, MARKET, borrow(5_000 * DOLLAR));
    let state = world.borrower();
    let leg = &state.collaterals[0];
    assert_eq!((state.group, leg.ltv, leg.threshold), (1, 8_800, 9_200));
    assert!(world.refused(BORROWER, MARKET, LEAVE).starts_with("AboveLimit("));
    world.check_ties();

    // Its terms are kept and moved as a collateral's are; its name stays.
    let set = IMarket::setGroupTermsCall { market: 1, group: 1, terms: group_terms(8_000, 8_300) };
    world.ok(OWNER, MARKET, set);
    assert_eq!(world.borrower().collaterals[0].threshold, 9_200);
    let (start, end) = (world.now + DAY, world.now + 2 * DAY);
    let schedule = IMarket::scheduleGroupMoveCall { market: 1, group: 1, start, end };
    world.ok(OWNER, MARKET, schedule);
    let shown = world.ok(STRANGER, MARKET, IMarket::groupStateCall { market: 1, group: 1 });
    assert_eq!((shown.name.as_str(), shown.terms.threshold), ("Metals", 8_300));
    assert_eq!((shown.kept[0].threshold, shown.moving.end), (9_200, end));
    world.later(2 * DAY);
    assert_eq!(world.borrower().collaterals[0].threshold, 8_300);
    world.ok(LIQUIDATOR, MARKET, liquidate(U256::MAX));
    world.check_ties();

    world.ok(LIQUIDATOR, MARKET, repay(U256::MAX));
    world.ok(BORROWER, MARKET, LEAVE);
    assert!(world.refused(BORROWER, MARKET, LEAVE).starts_with("SameGroup("));
    assert_eq!(world.borrower().group, 0);
}

/// V-03 and bounds: lists of members are short, without repetition, and of native contracts.
#[test]
fn members_are_checked() {
    let mut world = World::loan();
    let create = |collaterals, vaults| IMarket::createGroupCall {
        market: 1,
        name: "x".into(),
        terms: group_terms(8_800, 9_200),
        collaterals,
        vaults,
    };
    let refusals = [
        (create(vec![GOLD; 2], vec![]), "AlreadyListed("),
        (create(vec![GOLD; 17], vec![]), "TooManyListed("),
        (create(vec![], vec![VAULT; 9]), "TooManyListed("),
        (create(vec![VAULT], vec![]), "NotNativeContract("),
        (create(vec![], vec![STRANGER]), "NotNativeContract("),
        (create(vec![USD], vec![]), "CollateralNotListed("),
    ];
    let before = world.state();
    for (call, reason) in refusals {
        let error = world.refused(OWNER, MARKET, call);
        assert!(error.starts_with(reason), "{error}");
        assert_eq!(world.state(), before);
    }
    let long = IMarket::createGroupCall { name: "x".repeat(32), ..create(vec![GOLD], vec![]) };
    assert!(world.refused(OWNER, MARKET, long).starts_with("InvalidParameter("));
}
