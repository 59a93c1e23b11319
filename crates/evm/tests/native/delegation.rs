//! Operators, delegated credit and moved accounts through real calls and real signatures.

use crate::support::bytecode::{By, End};
use crate::support::*;
use alloy_primitives::{Address, B256, U256, keccak256, uint};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use gage_abi::IMarket::{
    self, borrowForCall, delegateCreditCall, delegateCreditWithSigCall, drawCreditCall,
    setOperatorCall, setOperatorWithSigCall,
};
use gage_abi::addresses::MARKET;
use gage_abi::{IAsset, IERC20Permit, IVault};
use secp256k1::SecretKey;

const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
const SAFE: Address = Address::repeat_byte(0x5a);

/// The market contract's domain by the EIP's own words, independent of the crate's.
fn separator(name: &str, chain_id: u64, contract: Address) -> B256 {
    let kind = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    );
    let words = (kind, keccak256(name), keccak256("1"), U256::from(chain_id), contract);
    keccak256(words.abi_encode())
}

fn digest(domain: B256, data: &[u8]) -> B256 {
    keccak256([&[0x19, 0x01], domain.as_slice(), keccak256(data).as_slice()].concat())
}

fn market_domain() -> B256 {
    separator("Gage Market", CHAIN_ID, MARKET)
}

/// What the owner of `key` signs to make STRANGER an operator who may borrow.
fn operator_call(
    key: &SecretKey,
    domain: B256,
    nonce: u64,
    deadline: u64,
) -> setOperatorWithSigCall {
    let kind = keccak256(
        "OperatorAuthorisation(address owner,uint32 market,uint32 sub,address operator,\
         uint8 permissions,uint64 expiresAt,address receiver,uint256 nonce,uint256 deadline)",
    );
    let (owner, expires_at, deadline) = (address_of(key), 2_000_000_000_u64, U256::from(deadline));
    let words = (kind, owner, 1_u32, 0_u32, STRANGER, U256::from(2));
    let more = (expires_at, SAFE, U256::from(nonce), deadline);
    let data = [words.abi_encode(), more.abi_encode()].concat();
    let (v, r, s) = sign(key, digest(domain, &data));
    setOperatorWithSigCall {
        owner,
        market: 1,
        sub: 0,
        operator: STRANGER,
        permissions: 2,
        expiresAt: expires_at,
        receiver: SAFE,
        deadline,
        v,
        r,
        s,
    }
}

/// What the owner of `key` signs to let STRANGER draw 500 dollars.
fn credit_call(
    key: &SecretKey,
    domain: B256,
    nonce: u64,
    deadline: u64,
) -> delegateCreditWithSigCall {
    let kind = keccak256(
        "CreditDelegation(address owner,uint32 market,uint32 sub,address vault,address delegatee,\
         uint256 limit,uint64 expiresAt,address receiver,uint256 nonce,uint256 deadline)",
    );
    let (owner, expires_at, deadline) = (address_of(key), 2_000_000_000_u64, U256::from(deadline));
    let limit = u(500 * DOLLAR);
    let words = (kind, owner, 1_u32, 0_u32, VAULT, STRANGER);
    let more = (limit, expires_at, SAFE, U256::from(nonce), deadline);
    let data = [words.abi_encode(), more.abi_encode()].concat();
    let (v, r, s) = sign(key, digest(domain, &data));
    delegateCreditWithSigCall {
        owner,
        market: 1,
        sub: 0,
        vault: VAULT,
        delegatee: STRANGER,
        limit,
        expiresAt: expires_at,
        receiver: SAFE,
        deadline,
        v,
        r,
        s,
    }
}

fn draw(owner: Address, dollars: u128) -> drawCreditCall {
    drawCreditCall { market: 1, owner, sub: 0, vault: VAULT, amount: u(dollars * DOLLAR) }
}

fn borrow_for(owner: Address, dollars: u128) -> borrowForCall {
    borrowForCall { market: 1, owner, sub: 0, vault: VAULT, amount: u(dollars * DOLLAR) }
}

/// A world in which the owner of the key has pledged 10 gold.
fn pledged(key: &SecretKey) -> World {
    let mut world = World::market();
    let owner = address_of(key);
    world.ok(OWNER, GOLD, IAsset::mintCall { to: owner, value: u(10 * WAD) });
    let (asset, amount) = (GOLD, u(10 * WAD));
    world.ok(
        owner,
        MARKET,
        IMarket::supplyCollateralCall { market: 1, owner, sub: 0, asset, amount },
    );
    world
}

/// AUT-1: an owner who never sends a transaction lets others act; they hand the signatures in, and what
/// they draw goes where the owner said.
#[test]
fn signatures_authorise() {
    let key = key(5);
    let (owner, mut world) = (address_of(&key), pledged(&key));
    let deadline = world.now + 60;
    world.ok(LENDER, MARKET, operator_call(&key, market_domain(), 0, deadline));
    world.ok(LENDER, MARKET, credit_call(&key, market_domain(), 1, deadline));
    assert_eq!(world.ok(LENDER, MARKET, IMarket::noncesCall { owner }), u(2));
    world.ok(STRANGER, MARKET, borrow_for(owner, 200));
    world.ok(STRANGER, MARKET, draw(owner, 300));
    assert_eq!(world.balance(USD, SAFE), 500 * DOLLAR);
    assert_eq!(world.balance(USD, STRANGER), 0);
    let state = world.ok(
        LENDER,
        MARKET,
        IMarket::creditAllowanceCall {
            market: 1,
            owner,
            sub: 0,
            vault: VAULT,
            delegatee: STRANGER,
        },
    );
    let expected = (u(200 * DOLLAR), 2_000_000_000, SAFE, true);
    assert_eq!((state.limit, state.expiresAt, state.receiver, state.live), expected);
    let operator = IMarket::operatorStateCall { market: 1, owner, sub: 0, operator: STRANGER };
    let state = world.ok(LENDER, MARKET, operator.clone());
    let expected = (2, 2_000_000_000, SAFE, true);
    assert_eq!((state.permissions, state.expiresAt, state.receiver, state.live), expected);
    // By the owner's own call it ends at once.
    let end = setOperatorCall {
        market: 1,
        sub: 0,
        operator: STRANGER,
        permissions: 0,
        expiresAt: 0,
        receiver: Address::ZERO,
    };
    world.ok(owner, MARKET, end);
    let refused = world.refused(STRANGER, MARKET, borrow_for(owner, 200));
    assert!(refused.starts_with("NotPermitted("), "{refused}");
    assert_eq!(world.ok(LENDER, MARKET, operator), IMarket::OperatorState::default());
    world.check_ties();
}

/// AUT-1, P-10 (TrustedVolumes, AROS): `reg_p10`. A signature is good for its very words: each mutated,
/// and reused, out of order, of another chain, contract, name, or the other `s`, it is refused.
#[test]
fn reg_p10_authorisations_bind_every_word() {
    let key = key(5);
    let mut world = pledged(&key);
    let deadline = world.now + 60;
    let good = operator_call(&key, market_domain(), 0, deadline);
    let high_s = B256::from(ORDER - U256::from_be_bytes(good.s.0));
    let g = || good.clone();
    let on = |domain| operator_call(&key, domain, 0, deadline);
    let mutants = [
        setOperatorWithSigCall { owner: LENDER, ..g() },
        setOperatorWithSigCall { owner: Address::ZERO, ..g() },
        setOperatorWithSigCall { sub: 1, ..g() },
        setOperatorWithSigCall { market: 2, ..g() },
        setOperatorWithSigCall { operator: LENDER, ..g() },
        setOperatorWithSigCall { permissions: 3, ..g() },
        setOperatorWithSigCall { permissions: 0, ..g() },
        setOperatorWithSigCall { expiresAt: good.expiresAt + 1, ..g() },
        setOperatorWithSigCall { receiver: STRANGER, ..g() },
        setOperatorWithSigCall { receiver: Address::ZERO, ..g() },
        setOperatorWithSigCall { deadline: good.deadline + U256::ONE, ..g() },
        setOperatorWithSigCall { v: good.v ^ 7, ..g() },
        setOperatorWithSigCall { v: good.v - 27, ..g() },
        setOperatorWithSigCall { r: B256::repeat_byte(1), ..g() },
        setOperatorWithSigCall { s: B256::repeat_byte(1), ..g() },
        setOperatorWithSigCall { v: 55 - good.v, s: high_s, ..g() },
        setOperatorWithSigCall { r: B256::ZERO, s: B256::ZERO, ..g() },
        setOperatorWithSigCall { owner: Address::ZERO, v: 0, r: B256::ZERO, s: B256::ZERO, ..g() },
        operator_call(&key, market_domain(), 1, deadline),
        on(separator("Gage Market", CHAIN_ID + 1, MARKET)),
        on(separator("Gage Market", CHAIN_ID, VAULT)),
        on(separator("Dollar", CHAIN_ID, USD)),
    ];
    let before = world.state();
    for mutant in mutants {
        let error = world.refused(LENDER, MARKET, mutant.clone());
        assert!(error.starts_with("ERC2612InvalidSigner("), "{mutant:?}: {error}");
        assert_eq!(world.state(), before);
    }
    let credit = credit_call(&key, market_domain(), 0, deadline);
    let c = || credit.clone();
    let mutants = [
        delegateCreditWithSigCall { owner: LENDER, ..c() },
        delegateCreditWithSigCall { market: 2, ..c() },
        delegateCreditWithSigCall { sub: 1, ..c() },
        delegateCreditWithSigCall {
            vault: gage_abi::addresses::vault(gage_core::VaultId::new(2)),
            ..c()
        },
        delegateCreditWithSigCall { delegatee: LENDER, ..c() },
        delegateCreditWithSigCall { limit: credit.limit + U256::ONE, ..c() },
        delegateCreditWithSigCall { limit: U256::MAX, ..c() },
        delegateCreditWithSigCall { expiresAt: credit.expiresAt - 1, ..c() },
        delegateCreditWithSigCall { receiver: STRANGER, ..c() },
        delegateCreditWithSigCall { deadline: credit.deadline - U256::ONE, ..c() },
    ];
    for mutant in mutants {
        let error = world.refused(LENDER, MARKET, mutant.clone());
        assert!(error.starts_with("ERC2612InvalidSigner("), "{mutant:?}: {error}");
        assert_eq!(world.state(), before);
    }
    // Out of order, in order, again, late.
    let second = credit_call(&key, market_domain(), 1, deadline);
    assert!(world.refused(LENDER, MARKET, second.clone()).starts_with("ERC2612InvalidSigner("));
    world.ok(LENDER, MARKET, good.clone());
    assert!(world.refused(LENDER, MARKET, good).starts_with("ERC2612InvalidSigner("));
    world.ok(LENDER, MARKET, second);
    let late = operator_call(&key, market_domain(), 2, world.now - 1);
    assert!(world.refused(LENDER, MARKET, late).starts_with("ERC2612ExpiredSignature("));
    // Voided by the owner, those that were not handed in are of no use.
    let third = operator_call(&key, market_domain(), 2, deadline);
    world.ok(address_of(&key), MARKET, IMarket::voidSignaturesCall { next: 3 });
    assert!(world.refused(LENDER, MARKET, third).starts_with("ERC2612InvalidSigner("));
}

/// A permit's domain and the market's are told alike (EIP-5267).
#[test]
fn the_market_s_domain_is_told() {
    let mut world = World::market();
    let told = world.ok(STRANGER, MARKET, IMarket::eip712DomainCall {});
    assert_eq!((told.name.as_str(), told.version.as_str()), ("Gage Market", "1"));
    assert_eq!((told.chainId, told.verifyingContract), (U256::from(CHAIN_ID), MARKET));
    let told = world.ok(STRANGER, MARKET, IMarket::DOMAIN_SEPARATORCall {});
    assert_eq!(told, market_domain());
}

/// P-03 (Seneca), P-06, P-09 (Silo's and Aave's helpers): `reg_p09`. A contract that an owner trusts
/// with credit relays whatever its caller says. It can make no native contract call anyone, and what it
/// draws is the named receiver's: the attacker gains nothing.
#[test]
fn reg_p09_a_gullible_helper_cannot_pay_its_caller() {
    let mut world = World::loan();
    let (attacker, helper) = (STRANGER, world.proxy(By::Call));
    let now = world.now;
    // A receiver that would spoil every call: it receives, and is not called.
    let trap = world.batch(End::Invalid);
    for (receiver, paid) in [(trap, trap), (Address::ZERO, helper)] {
        let credit = delegateCreditCall {
            market: 1,
            sub: 0,
            vault: VAULT,
            delegatee: helper,
            limit: u(1_000 * DOLLAR),
            expiresAt: now + 60,
            receiver,
        };
        world.ok(BORROWER, MARKET, credit);
        let mut relay = |data: Vec<u8>| world.by(By::Call, attacker, MARKET, &data).0;
        // Anyone makes the helper draw; it is a contract, and that is no hindrance.
        assert!(relay(draw(BORROWER, 400).abi_encode()));
        // As the helper the attacker reaches nothing but the credit.
        assert!(!relay(draw(BORROWER, 601).abi_encode()));
        assert!(!relay(borrow_for(BORROWER, 1).abi_encode()));
        let credit = delegateCreditCall {
            market: 1,
            sub: 0,
            vault: VAULT,
            delegatee: attacker,
            limit: u(DOLLAR),
            expiresAt: now,
            receiver: attacker,
        };
        // What the helper delegates is on accounts of its own, which hold nothing.
        assert!(relay(credit.abi_encode()));
        assert!(
            world.refused(attacker, MARKET, draw(BORROWER, 1)).starts_with("InsufficientCredit(")
        );
        assert_eq!(world.balance(USD, paid), 400 * DOLLAR);
        assert_eq!(world.balance(USD, attacker), 0);
    }
    world.check_ties();
}

fn rehome(market: u32, pairs: &[IMarket::VaultPair]) -> IMarket::rehomeCall {
    let (owner, pairs) = (BORROWER, pairs.to_vec());
    IMarket::rehomeCall { owner, market: 1, sub: 0, toMarket: market, toSub: 4, pairs }
}

fn preview(market: u32, pairs: &[IMarket::VaultPair]) -> IMarket::previewRehomeCall {
    let (owner, pairs) = (BORROWER, pairs.to_vec());
    IMarket::previewRehomeCall { owner, market: 1, sub: 0, toMarket: market, toSub: 4, pairs }
}

fn gold_terms(ltv: u16) -> IMarket::CollateralTerms {
    IMarket::CollateralTerms {
        feed: GOLD_FEED,
        ltv,
        threshold: 8_000,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 1_000,
        cap: u(1_000_000 * WAD),
    }
}

/// The borrower's loan, and a second market, with half the LTV and a closed line.
fn two_markets() -> (World, u32) {
    let mut world = World::loan();
    let (target, full) = (u(WAD * 11 / 10), u(WAD * 9 / 10));
    let terms = IMarket::MarketTerms { targetHealth: target, fullBonusHealth: full };
    let market = world.ok(OWNER, MARKET, IMarket::createMarketCall { terms });
    let refused = world.refused(BORROWER, MARKET, rehome(market, &[SAME]));
    assert!(refused.starts_with("CollateralNotListed("), "{refused}");
    let terms = gold_terms(5_000);
    world.ok(OWNER, MARKET, IMarket::addCollateralCall { market, asset: GOLD, terms });
    let list =
        IMarket::listVaultCall { market, vault: VAULT, feed: USD_FEED, minDebt: u(100 * DOLLAR) };
    world.ok(OWNER, MARKET, list);
    (world, market)
}

const SAME: IMarket::VaultPair = IMarket::VaultPair { from: VAULT, to: VAULT };

/// The preview says everything that stands in the way; the call says the first of it.
#[test]
fn a_move_that_cannot_be_says_why() {
    let (mut world, market) = two_markets();
    // The line is closed, and 12,000 dollars are more than half of 20,000.
    let told = world.ok(STRANGER, MARKET, preview(market, &[SAME]));
    let reasons: Vec<_> =
        told.reasons.iter().map(|data| gage_abi::decode_error(data).unwrap()).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].starts_with("CapExceeded(cap: line"), "{reasons:?}");
    assert!(reasons[1].starts_with("AboveLimit("), "{reasons:?}");
    assert_eq!(world.refused(BORROWER, MARKET, rehome(market, &[SAME])), reasons[0]);
    for (caller, pairs, why) in [
        (STRANGER, &[SAME][..], "NotPermitted("),
        (BORROWER, &[][..], "DebtLeftBehind("),
        (BORROWER, &[SAME, SAME][..], "NamedTwice("),
        (BORROWER, &[IMarket::VaultPair { from: VAULT, to: GOLD }][..], "NotNativeContract("),
    ] {
        let refused = world.refused(caller, MARKET, rehome(market, pairs));
        assert!(refused.starts_with(why), "{refused}");
    }
}

/// Moving an account by a call: what happens is told, totals tie, the preview was right, and the
/// account can be paid back and left there.
#[test]
fn an_account_moves_by_one_call() {
    let (mut world, market) = two_markets();
    world.ok(OWNER, VAULT, IVault::setLineCapCall { market, cap: u(50_000 * DOLLAR) });
    let terms = gold_terms(7_000);
    world.ok(OWNER, MARKET, IMarket::setCollateralCall { market, asset: GOLD, terms });
    let told = world.ok(STRANGER, MARKET, preview(market, &[SAME]));
    assert!(told.reasons.is_empty());
    let done = world.call(BORROWER, MARKET, rehome(market, &[SAME]));
    assert!(done.is_success());
    let names: Vec<_> = done.logs().iter().map(|log| log.topics()[0]).collect();
    for expected in [
        IMarket::DebtRehomed::SIGNATURE_HASH,
        IMarket::CollateralRehomed::SIGNATURE_HASH,
        IMarket::RiskPremiumChanged::SIGNATURE_HASH,
        IMarket::Rehomed::SIGNATURE_HASH,
    ] {
        assert!(names.contains(&expected));
    }
    let state = |market, sub| IMarket::accountStateCall { market, owner: BORROWER, sub };
    let there = world.ok(STRANGER, MARKET, state(market, 4));
    assert_eq!(there, told.there);
    assert_eq!(there.riskPremium, 1_000);
    assert_eq!(world.ok(STRANGER, MARKET, state(1, 0)).debts, []);
    assert_eq!(world.ok(STRANGER, MARKET, state(1, 0)).collaterals, []);
    world.check_ties();
    let (owner, sub, amount) = (BORROWER, 4, U256::MAX);
    world.ok(OWNER, USD, IAsset::mintCall { to: BORROWER, value: u(DOLLAR) });
    world.ok(BORROWER, MARKET, IMarket::repayCall { market, owner, sub, vault: VAULT, amount });
    let (asset, receiver) = (GOLD, BORROWER);
    let release = IMarket::withdrawCollateralCall { market, sub, asset, amount, receiver };
    world.ok(BORROWER, MARKET, release);
    let held = world.ok(STRANGER, GOLD, IERC20Permit::balanceOfCall { account: BORROWER });
    assert_eq!(held, u(100 * WAD));
    world.check_ties();
}

/// What it costs: an account with one collateral and one debt, netted.
#[test]
fn a_move_costs_little_gas() {
    let (mut world, market) = two_markets();
    world.ok(OWNER, VAULT, IVault::setLineCapCall { market, cap: u(50_000 * DOLLAR) });
    let terms = gold_terms(7_000);
    world.ok(OWNER, MARKET, IMarket::setCollateralCall { market, asset: GOLD, terms });
    let gas = world.call(BORROWER, MARKET, rehome(market, &[SAME])).gas();
    println!("rehome: {gas}");
    assert!((100_000..250_000).contains(&gas), "{gas}");
}

/// A draw in another's name costs two more slots at most, and the owner's own costs what it did.
#[test]
fn a_delegated_draw_costs_little_more() {
    let mut world = World::loan();
    let set = setOperatorCall {
        market: 1,
        sub: 0,
        operator: STRANGER,
        permissions: 2,
        expiresAt: world.now + 60,
        receiver: Address::ZERO,
    };
    world.ok(BORROWER, MARKET, set);
    let credit = delegateCreditCall {
        market: 1,
        sub: 0,
        vault: VAULT,
        delegatee: STRANGER,
        limit: u(1_000 * DOLLAR),
        expiresAt: world.now + 60,
        receiver: BORROWER,
    };
    world.ok(BORROWER, MARKET, credit);
    let own = world.call(BORROWER, MARKET, borrow(DOLLAR)).gas();
    let operator = world.call(STRANGER, MARKET, borrow_for(BORROWER, 1)).gas();
    let drawn = world.call(STRANGER, MARKET, draw(BORROWER, 1)).gas();
    println!("borrow {own}, as operator {operator}, on credit {drawn}");
    // A cold slot to read; two, one to write, and an event.
    assert!(operator <= own + 3_000 && drawn <= own + 13_000, "{own} {operator} {drawn}");
}
