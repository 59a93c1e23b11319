//! Factors, tags and caps through transactions, and what of them is stored.

use super::story::debt;
use super::support::*;
use super::sweeps::logs;
use alloy_primitives::{Address, U256};
use gage_abi::addresses::{MARKET, REGISTRY};
use gage_abi::{IAsset, IMarket, IRegistry, IVault};

impl World {
    /// A bridge behind gold, capped at so many dollars.
    fn bridge(&mut self, dollars: u128) {
        let label = "Bridge".to_owned();
        let factor = self.ok(GOVERNOR, REGISTRY, IRegistry::registerFactorCall { kind: 1, label });
        self.ok(GOVERNOR, REGISTRY, IRegistry::tagAssetCall { asset: GOLD, factor });
        self.cap(u(dollars * DOLLAR));
    }

    fn cap(&mut self, cap: U256) {
        let done = self.call(OWNER, VAULT, IVault::setFactorCapCall { factor: 1, cap });
        let told: Vec<IVault::FactorCapChanged> = logs(&done);
        assert_eq!((told[0].factor, told[0].cap), (1, cap));
    }

    fn ceiling(&mut self, asset: Address, dollars: u128) {
        let cap = u(dollars * DOLLAR);
        self.ok(OWNER, VAULT, IVault::setCeilingCall { market: 1, asset, cap });
    }

    fn behind_bridge(&mut self) -> [u128; 2] {
        let call = IMarket::exposureStateCall { vault: VAULT, factor: 1 };
        let found = self.ok(STRANGER, MARKET, call);
        [found.amount.to(), found.untracked.to()]
    }

    fn behind(&mut self, asset: Address) -> u128 {
        let call = IMarket::ceilingStateCall { market: 1, vault: VAULT, asset };
        self.ok(STRANGER, MARKET, call).amount.to()
    }

    fn backing(&mut self) -> Vec<(Address, u16)> {
        let call = IMarket::backingOfCall { market: 1, owner: BORROWER, sub: 0 };
        let parts = self.ok(STRANGER, MARKET, call);
        parts.into_iter().map(|part| (part.asset, part.part)).collect()
    }

    /// The market contract's slots of a tag.
    fn slots(&self, tag: u8) -> usize {
        let market = self.db.cache.accounts.get(&MARKET).unwrap();
        let held = market.storage.iter().filter(|(_, value)| !value.is_zero());
        held.filter(|(key, _)| key.to_be_bytes::<32>()[0] == tag).count()
    }
}

const fn refresh() -> IMarket::refreshRiskPremiumCall {
    IMarket::refreshRiskPremiumCall { market: 1, owner: BORROWER, sub: 0 }
}

/// CFG-1: an old debt counts in full, a refresh keeps it, the cap holds and names itself, and a whole
/// repayment leaves no sum in storage.
#[test]
fn a_cap_holds_and_names_itself() {
    let mut world = World::loan();
    assert_eq!(world.ok(STRANGER, VAULT, IVault::linesCall {}), [1]);
    world.bridge(13_000);
    assert_eq!(world.ok(STRANGER, VAULT, IVault::cappedFactorsCall {}), [1]);
    let owed = debt(&mut world);
    assert_eq!((world.behind_bridge(), world.slots(37)), ([owed, owed], 0));
    let more = "FactorCapExceeded(vault: 1, factor: 1, most: 13000000000, would: ";
    let why = world.refused(BORROWER, MARKET, borrow(1_001 * DOLLAR));
    assert!(why.starts_with(more), "{why}");
    world.ok(STRANGER, MARKET, refresh());
    // By line and asset, by asset, by line, by vault; the account has no more slots than before.
    assert_eq!((world.behind_bridge(), world.slots(37), world.slots(7)), ([owed, 0], 4, 2));
    assert_eq!(world.backing(), [(GOLD, 10_000)]);
    world.ok(BORROWER, MARKET, borrow(999 * DOLLAR));
    assert!(world.refused(BORROWER, MARKET, borrow(10 * DOLLAR)).starts_with(more));
    world.ceiling(GOLD, 12_500);
    let why = world.refused(BORROWER, MARKET, borrow(DOLLAR / 2));
    assert!(why.starts_with("CeilingExceeded(vault: 1, asset: 2, most: 12500000000"), "{why}");
    world.check_ties();
    let state = IMarket::ceilingStateCall { market: 1, vault: VAULT, asset: GOLD };
    assert_eq!(world.ok(STRANGER, MARKET, state).cap, u(12_500 * DOLLAR));
    world.cap(U256::MAX);
    assert!(world.ok(STRANGER, VAULT, IVault::cappedFactorsCall {}).is_empty());
    let call = IMarket::exposureStateCall { vault: VAULT, factor: 1 };
    assert_eq!(world.ok(STRANGER, MARKET, call).cap, U256::MAX);
    world.now += 86_400;
    world.ok(LIQUIDATOR, MARKET, repay(U256::MAX));
    assert_eq!((world.slots(37), world.behind_bridge()), (0, [0, 0]));
    assert!(world.backing().is_empty());
    world.check_ties();
}

/// Two collaterals: what each backs lies in a slot of its own, and sums follow a sweep's sale.
#[test]
fn spread_backing_is_stored_and_swept() {
    let mut world = World::market();
    let terms = IMarket::CollateralTerms {
        feed: world.priced_as_gold(WRAPPED),
        ltv: 7_500,
        threshold: 8_000,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 1_000,
        cap: u(1_000 * WAD),
    };
    world.ok(OWNER, MARKET, IMarket::addCollateralCall { market: 1, asset: WRAPPED, terms });
    let coins = IAsset::depositCall {};
    let coins = alloy_sol_types::SolCall::abi_encode(&coins);
    assert!(world.send(BORROWER, WRAPPED, u(10 * WAD), coins).is_success());
    world.ok(BORROWER, MARKET, supply(5 * WAD));
    let pledge = IMarket::supplyCollateralCall {
        market: 1,
        owner: BORROWER,
        sub: 0,
        asset: WRAPPED,
        amount: u(5 * WAD),
    };
    world.ok(BORROWER, MARKET, pledge);
    world.ok(BORROWER, MARKET, borrow(12_500 * DOLLAR));
    let plain = world.clone().call(STRANGER, MARKET, refresh()).gas();
    world.bridge(1_000_000);
    let first = world.call(STRANGER, MARKET, refresh()).gas();
    // Six sums and the parts are written for the first time, and the account's first slot: no more than a
    // sweep sets aside for each sum, and the rest for the account.
    let account = 22_100 + 2_900;
    assert!(first - plain <= 6 * 22_200 + account, "{first} {plain}");
    // 10,000 of 12,500 are gold's, with the smaller weight.
    assert_eq!(world.backing(), [(GOLD, 8_000), (WRAPPED, 2_000)]);
    assert_eq!((world.slots(7), world.slots(37)), (4, 6));
    let sums = |world: &mut World| world.behind(GOLD) + world.behind(WRAPPED);
    let owed = debt(&mut world);
    assert!(sums(&mut world) - owed <= 1);
    assert_eq!(world.behind_bridge(), [world.behind(GOLD), 0]);
    // Bids take gold; what is left is attributed anew.
    world.bid(LENDER, 2, 9_000);
    world.prices(1_500 * WAD, WAD);
    let done = world.sweep(&[super::sweeps::account(BORROWER)]);
    assert!(!logs::<IMarket::BidsFilled>(&done).is_empty());
    let left = debt(&mut world);
    assert!(left < owed && sums(&mut world) - left <= 2);
    assert_ne!(world.backing()[0].1, 8_000);
    world.check_ties();
}

/// What governance says of factors is found again.
#[test]
fn factors_are_found_again() {
    let mut world = World::market();
    world.bridge(1);
    let mint = IRegistry::registerFactorCall { kind: 0, label: "Mint".into() };
    let done = world.call(GOVERNOR, REGISTRY, mint);
    let told: Vec<IRegistry::FactorRegistered> = logs(&done);
    assert_eq!((told[0].factor, told[0].kind, told[0].label.as_str()), (2, 0, "Mint"));
    let done = world.call(GOVERNOR, REGISTRY, IRegistry::tagAssetCall { asset: GOLD, factor: 2 });
    let told: Vec<IRegistry::AssetTagged> = logs(&done);
    assert_eq!((told[0].asset, told[0].kind, told[0].factor), (GOLD, 0, 2));
    assert_eq!(world.ok(STRANGER, REGISTRY, IRegistry::factorCountCall {}), 2);
    let state = world.ok(STRANGER, REGISTRY, IRegistry::factorStateCall { factor: 2 });
    assert_eq!((state.kind, state.label.as_str(), state.assets), (0, "Mint", vec![GOLD]));
    let of = IRegistry::factorsOfCall { asset: GOLD };
    assert_eq!(world.ok(STRANGER, REGISTRY, of.clone()), [2, 1, 0, 0]);
    world.ok(GOVERNOR, REGISTRY, IRegistry::untagAssetCall { asset: GOLD, kind: 1 });
    assert_eq!(world.ok(STRANGER, REGISTRY, of), [2, 0, 0, 0]);
    assert_eq!(world.behind_bridge(), [0, 0]);
    let none = IRegistry::factorStateCall { factor: 3 };
    assert_eq!(world.refused(STRANGER, REGISTRY, none), "UnknownFactor(factor: 3)");
    let odd = IRegistry::registerFactorCall { kind: 4, label: "X".into() };
    let why = world.refused(GOVERNOR, REGISTRY, odd);
    assert_eq!(why, "InvalidParameter(name: kind, value: 4)");
}

/// What keeping exposures costs: nothing on a line without caps, four sums and the caps that it meets on
/// one with them.
#[test]
fn only_lines_with_caps_pay_for_them() {
    let borrowed = |world: &World| world.clone().call(BORROWER, MARKET, borrow(DOLLAR)).gas();
    let repaid = |world: &World| world.clone().call(BORROWER, MARKET, repay(u(DOLLAR))).gas();
    let mut world = World::loan();
    let [plain_borrow, plain_repay] = [borrowed(&world), repaid(&world)];
    // A factor and its tags are nobody's cost; a cap is its vault's borrowers'.
    world.bridge(1_000_000);
    world.cap(U256::MAX);
    let untracked = world.clone().call(BORROWER, MARKET, repay(u(DOLLAR))).gas();
    assert_eq!(untracked, plain_repay, "an account that is not tracked yet");
    world.cap(u(1_000_000 * DOLLAR));
    world.ok(STRANGER, MARKET, refresh());
    let [kept_borrow, kept_repay] = [borrowed(&world), repaid(&world)];
    println!("borrow {plain_borrow} -> {kept_borrow}, repay {plain_repay} -> {kept_repay}");
    assert!(kept_borrow - plain_borrow < 40_000 && kept_repay - plain_repay < 25_000);
}
