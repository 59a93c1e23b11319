//! Who may do what.

use crate::entries::{entries, is_view};
use crate::support::*;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IOracle, IRegistry, IVault};
use std::collections::BTreeSet;

/// A pair of gold and dollars, as far as its storage goes.
const POOL: Address = Address::repeat_byte(0xc1);

/// A privileged function: where, by whom, and calldata that passes for them.
type Entry = (Address, Address, &'static str, Vec<u8>);

fn entry<C: SolCall>(contract: Address, role: Address, call: C) -> Entry {
    (contract, role, C::SIGNATURE, call.abi_encode())
}

/// What assets have in common, and the caps on it.
fn about_exposure() -> Vec<Entry> {
    let bridge = IRegistry::registerFactorCall { kind: 1, label: "Bridge".into() };
    vec![
        entry(VAULT, OWNER, IVault::setFactorCapCall { factor: 1, cap: u(1) }),
        entry(VAULT, OWNER, IVault::setCeilingCall { market: 1, asset: GOLD, cap: u(1) }),
        entry(REGISTRY, GOVERNOR, bridge),
        entry(REGISTRY, GOVERNOR, IRegistry::tagAssetCall { asset: GOLD, factor: 1 }),
        entry(REGISTRY, GOVERNOR, IRegistry::untagAssetCall { asset: GOLD, kind: 0 }),
    ]
}

fn privileged(now: u64) -> Vec<Entry> {
    let mut all = of_owners();
    all.extend(of_terms(now));
    all.push(of_pools());
    all
}

fn of_owners() -> Vec<Entry> {
    let terms =
        IMarket::MarketTerms { targetHealth: u(WAD * 12 / 10), fullBonusHealth: u(WAD / 2) };
    let collateral = |feed: u32, cap: u128| IMarket::CollateralTerms {
        feed,
        ltv: 7_000,
        threshold: 8_000,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 0,
        cap: u(cap),
    };
    let rates = IVault::Rates {
        kind: 1,
        rateAtTarget: 1_268_391_679_350_583_460,
        ..IVault::Rates::default()
    };
    let mut all = about_exposure();
    all.extend([
        entry(USD, OWNER, IAsset::setIssuerCall { issuer: LENDER }),
        entry(USD, OWNER, IAsset::mintCall { to: LENDER, value: u(1) }),
        entry(VAULT, OWNER, IVault::setCuratorCall { curator: LENDER }),
        entry(VAULT, OWNER, IVault::setReserveFeeCall { reserveFee: 500 }),
        entry(VAULT, OWNER, IVault::setCapsCall { supplyCap: u(1), borrowCap: u(1) }),
        entry(VAULT, OWNER, IVault::setRatesCall { rates }),
        entry(VAULT, OWNER, IVault::setPausedCall { paused: true }),
        entry(VAULT, OWNER, IVault::setLineCapCall { market: 1, cap: u(1) }),
        entry(VAULT, OWNER, IVault::collectReservesCall { to: OWNER, assets: u(1) }),
        entry(MARKET, OWNER, IMarket::setMarketTermsCall { market: 1, terms }),
        entry(MARKET, OWNER, IMarket::setMarketOwnerCall { market: 1, owner: LENDER }),
        entry(MARKET, OWNER, IMarket::setPauseCall { market: 1, level: 2 }),
        entry(
            MARKET,
            OWNER,
            IMarket::addCollateralCall { market: 1, asset: WRAPPED, terms: collateral(4, 1) },
        ),
        entry(
            MARKET,
            OWNER,
            IMarket::setCollateralCall { market: 1, asset: GOLD, terms: collateral(GOLD_FEED, 2) },
        ),
        entry(
            MARKET,
            OWNER,
            IMarket::listVaultCall { market: 1, vault: second_vault(), feed: 2, minDebt: u(1) },
        ),
        entry(
            MARKET,
            OWNER,
            IMarket::setFirstLossPremiumCall { market: 1, vault: VAULT, premium: 1 },
        ),
    ]);
    all.extend(of_oracle_and_registry());
    all.extend(of_guards());
    all
}

fn of_guards() -> Vec<Entry> {
    let terms = IMarket::BreakerTerms { part: 1, window: 60, pause: 60 };
    let (limit, window) = (u(DOLLAR), 60);
    vec![
        entry(MARKET, OWNER, IMarket::pauseForCall { market: 1, level: 2, duration: 60 }),
        entry(MARKET, OWNER, IMarket::setBreakerCall { market: 1, terms }),
        entry(MARKET, OWNER, IMarket::setDrawMeterCall { market: 1, vault: VAULT, limit, window }),
        entry(ORACLE, OWNER, IOracle::freezeFeedCall { feed: 1, duration: 60 }),
        entry(ORACLE, OWNER, IOracle::unfreezeFeedCall { feed: 3 }),
    ]
}

/// Who may call a privileged function besides its role.
fn others(signature: &str) -> &'static [Address] {
    match signature.split('(').next() {
        Some("setPause" | "pauseFor" | "freezeFeed") => &[GUARDIAN, GOVERNOR],
        Some("unfreezeFeed") => &[GOVERNOR],
        _ => &[],
    }
}

fn of_oracle_and_registry() -> Vec<Entry> {
    let feed_terms = feed_terms(60, 1, 1 << 100);
    let publisher = address_of(&publisher()).into_word();
    let signers = IOracle::setSignersCall {
        provider: 2,
        name: B256::ZERO,
        signers: vec![LENDER],
        threshold: 1,
        expiresAt: 0,
    };
    vec![
        entry(ORACLE, OWNER, IOracle::setGrowthCall { feed: 3, growth: u(1) }),
        entry(ORACLE, OWNER, IOracle::setFeedTermsCall { feed: 1, terms: feed_terms }),
        entry(
            ORACLE,
            OWNER,
            IOracle::setSourceCall { feed: 1, source: source(0, LENDER.into_word()) },
        ),
        entry(ORACLE, OWNER, IOracle::removeSourceCall { feed: 1, kind: 0, key: publisher }),
        entry(ORACLE, OWNER, IOracle::setFallbackCall { feed: 1, fallbackFeed: 0 }),
        entry(ORACLE, GOVERNOR, signers),
        entry(
            REGISTRY,
            OWNER,
            IRegistry::createRebasingCall {
                asset: USD,
                name: String::new(),
                symbol: String::new(),
                rateFeed: 3,
            },
        ),
        entry(REGISTRY, GOVERNOR, IRegistry::setGovernanceCall { governance: LENDER }),
        entry(REGISTRY, GOVERNOR, IRegistry::setGuardianCall { guardian: LENDER }),
        entry(
            MARKET,
            GOVERNOR,
            IMarket::recogniseMarketCall { market: 1, collaterals: 1, vaults: 1 },
        ),
        entry(MARKET, GOVERNOR, IMarket::withdrawRecognitionCall { market: 1 }),
    ]
}

/// A pool is made a source by who owns the feed and governs.
fn of_pools() -> Entry {
    let terms = IOracle::PoolTerms {
        pool: POOL,
        isToken0: true,
        decimals: 18,
        quoteDecimals: 6,
        window: 600,
        drift: 1_000,
        reserveMin: u(1),
        quoteFeed: USD_FEED,
    };
    let call = IOracle::setPoolSourceCall { feed: 5, weight: 1, maxAge: 60, terms };
    entry(ORACLE, GOVERNOR, call)
}

/// What market owners decide of groups and moves.
fn of_terms(now: u64) -> Vec<Entry> {
    let (start, end) = (now + 86_400, now + 2 * 86_400);
    vec![
        entry(
            MARKET,
            OWNER,
            IMarket::scheduleCollateralMoveCall { market: 1, asset: GOLD, start, end },
        ),
        entry(MARKET, OWNER, IMarket::scheduleGroupMoveCall { market: 1, group: 1, start, end }),
        entry(
            MARKET,
            OWNER,
            IMarket::createGroupCall {
                market: 1,
                name: "Alike".into(),
                terms: group_terms(9_000),
                collaterals: vec![GOLD],
                vaults: vec![VAULT],
            },
        ),
        entry(
            MARKET,
            OWNER,
            IMarket::setGroupTermsCall { market: 1, group: 1, terms: group_terms(9_200) },
        ),
        entry(
            MARKET,
            OWNER,
            IMarket::addGroupMembersCall {
                market: 1,
                group: 1,
                collaterals: vec![GOLD],
                vaults: Vec::new(),
            },
        ),
        entry(MARKET, OWNER, super::margin::a_set()),
    ]
}

fn second_vault() -> Address {
    gage_abi::addresses::vault(gage_core::VaultId::new(2))
}

/// What anyone may call, for what is their own, or what its owner let them do (`delegation`).
const OPEN: &[&str] = &[
    "transfer",
    "approve",
    "transferFrom",
    "permit",
    "burn",
    "deposit",
    "withdraw",
    "mint",
    "redeem",
    "accrue",
    "requestRedeem",
    "claimExit",
    "setApprovalForAll",
    "safeTransferFrom",
    "createMarket",
    "supplyCollateral",
    "withdrawCollateral",
    "borrow",
    "repay",
    "refreshRiskPremium",
    "enterGroup",
    "leaveGroup",
    "liquidate",
    "liquidateWithShares",
    "placeBid",
    "announceBidWithdrawal",
    "withdrawBid",
    "claimBid",
    "stake",
    "announceUnstake",
    "unstake",
    "settleFirstLoss",
    "markLossPending",
    "setStopLoss",
    "clearStopLoss",
    "setOperator",
    "setOperatorWithSig",
    "delegateCredit",
    "delegateCreditWithSig",
    "voidSignatures",
    "borrowFor",
    "withdrawCollateralFor",
    "setStopLossFor",
    "clearStopLossFor",
    "drawCredit",
    "rehome",
    "sweep",
    "createFeed",
    "transferShares",
    "createRateFeed",
    "createNetAssetValueFeed",
    "createComputedFeed",
    "createShareFeed",
    "prelude",
    "createAsset",
    "createVault",
    "setPaused",
    "setPause",
];

fn group_terms(threshold: u16) -> IMarket::GroupTerms {
    IMarket::GroupTerms { ltv: threshold - 500, threshold, bonusMin: 100, bonusMax: 200, band: 100 }
}

/// A loan, another vault, a group whose terms were lowered, and a collateral whose terms were.
fn world() -> World {
    let mut world = World::loan();
    assert_eq!(world.rate_feed(0), 3);
    assert_eq!(world.priced_as_gold(WRAPPED), 4);
    let (asset, description) = (GOLD, "GOLD / USD, pooled".into());
    let create = IOracle::createFeedCall { asset, description, terms: feed_terms(60, 1, 1 << 100) };
    assert_eq!(world.ok(GOVERNOR, ORACLE, create), 5);
    for (slot, token) in [(6, GOLD), (7, USD)] {
        let token = token.into_word().into();
        world.db.insert_account_storage(POOL, U256::from(slot), token).unwrap();
    }
    world.now += 86_400;
    world.ok(OWNER, VAULT, IVault::accrueCall {});
    let terms = IRegistry::VaultTerms {
        rates: IVault::Rates { kink: 5_000, ..IVault::Rates::default() },
        ..IRegistry::VaultTerms::default()
    };
    let call =
        IRegistry::createVaultCall { asset: USD, name: "Second".into(), symbol: "2".into(), terms };
    assert_eq!(world.ok(LENDER, REGISTRY, call), second_vault());
    let factor = IRegistry::registerFactorCall { kind: 0, label: "Mint".into() };
    assert_eq!(world.ok(GOVERNOR, REGISTRY, factor), 1);
    let create = IMarket::createGroupCall {
        market: 1,
        name: "Alike".into(),
        terms: group_terms(9_500),
        collaterals: Vec::new(),
        vaults: vec![VAULT],
    };
    assert_eq!(world.ok(OWNER, MARKET, create), 1);
    let terms = group_terms(9_400);
    world.ok(OWNER, MARKET, IMarket::setGroupTermsCall { market: 1, group: 1, terms });
    let terms = IMarket::CollateralTerms {
        feed: GOLD_FEED,
        ltv: 7_000,
        threshold: 7_900,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 0,
        cap: u(WAD * 1_000),
    };
    world.ok(OWNER, MARKET, IMarket::setCollateralCall { market: 1, asset: GOLD, terms });
    world.ok(OWNER, ORACLE, IOracle::freezeFeedCall { feed: 3, duration: 60 });
    world
}

/// AUT-1, L-04: `reg_l04`. Each privileged function passes for its role and for nobody else.
#[test]
fn reg_l04_strangers_have_no_authority() {
    let world = world();
    let before = world.state();
    for (contract, role, signature, data) in privileged(world.now) {
        for actor in [STRANGER, BORROWER, LENDER, GUARDIAN, OWNER, GOVERNOR] {
            let mut world = world.clone();
            let done = world.send(actor, contract, U256::ZERO, data.clone());
            if actor == role || others(signature).contains(&actor) {
                let error = if done.is_success() { String::new() } else { done.error() };
                assert!(done.is_success(), "{signature}: {error}");
            } else {
                let error = done.error();
                assert!(
                    error.starts_with(&format!("NotAuthorised(actor: {actor}")),
                    "{signature} by {actor}: {error}"
                );
                assert_eq!(world.state(), before, "{signature}");
            }
        }
    }
}

/// L-04: a function that is neither open nor privileged in these tables fails this test.
#[test]
fn reg_l04_every_function_is_in_a_table() {
    let listed: BTreeSet<_> =
        privileged(0).into_iter().map(|(.., signature, _)| signature.to_owned()).collect();
    for (_, function) in entries().into_iter().filter(|(_, function)| !is_view(function)) {
        let open = OPEN.contains(&function.name.as_str());
        assert!(open || listed.contains(&function.signature()), "{}", function.signature());
    }
}

/// A guardian raises a market's pause and cannot lower it; governance can.
#[test]
fn guardians_only_raise() {
    let mut world = World::loan();
    let pause = |level| IMarket::setPauseCall { market: 1, level };
    world.ok(GUARDIAN, MARKET, pause(1));
    assert!(world.refused(BORROWER, MARKET, borrow(DOLLAR)).starts_with("MarketPaused("));
    world.ok(BORROWER, MARKET, repay(u(DOLLAR)));
    world.ok(GUARDIAN, MARKET, pause(2));
    assert!(world.refused(GUARDIAN, MARKET, pause(0)).starts_with("NotAuthorised("));
    assert_eq!(world.refused(GUARDIAN, MARKET, pause(3)), "UnknownPauseLevel(level: 3)");
    world.ok(GOVERNOR, MARKET, pause(0));
    let state = world.ok(STRANGER, MARKET, IMarket::marketStateCall { market: 1 });
    assert_eq!(state.liquidationResumesAt, world.now + 3_600);
}

#[test]
fn others_shares_need_an_allowance() {
    let mut world = World::market();
    let exit = IVault::withdrawCall { assets: u(DOLLAR), receiver: STRANGER, owner: LENDER };
    let error = world.refused(STRANGER, VAULT, exit.clone());
    assert!(error.starts_with("ERC20InsufficientAllowance("), "{error}");
    world.ok(LENDER, VAULT, IERC20Permit::approveCall { spender: STRANGER, value: U256::MAX });
    world.ok(STRANGER, VAULT, exit);
    assert_eq!(world.balance(USD, STRANGER), DOLLAR);
}
