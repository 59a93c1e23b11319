//! `gage_authorisations` and `gage_rehomePreview`.

use alloy_primitives::{Address, U256};
use gage_abi::{
    IMarket::{self, CollateralTerms, MarketTerms},
    IVault,
    addresses::MARKET,
};
use serde_json::{Value, json};

use crate::{
    story::{
        BORROWER, COIN_FEED, LENDER, LIQUIDATOR, OWNER, Story, USD, USD_FEED, WAD, assert_near,
        coin, formatted, usd_vault,
    },
    world::user,
};

const LATER: u64 = 4_000_000_000;

#[test]
fn an_owner_sees_who_may_act() {
    let mut story = Story::new();
    let owner = user(BORROWER).address();
    let [friend, safe] = [user(LENDER).address(), Address::repeat_byte(0x5a)];
    let ask = |story: &Story| story.ask("gage_authorisations", json!([owner]));
    let none = ask(&story);
    assert_eq!((&none["operators"], &none["credits"]), (&json!([]), &json!([])));
    let operator = |permissions| IMarket::setOperatorCall {
        market: 1,
        sub: 0,
        operator: friend,
        permissions,
        expiresAt: LATER,
        receiver: Address::ZERO,
    };
    story.send(BORROWER, MARKET, operator(1));
    story.send(BORROWER, MARKET, operator(6));
    let credit = IMarket::delegateCreditCall {
        market: 1,
        sub: 0,
        vault: usd_vault(),
        delegatee: user(LIQUIDATOR).address(),
        limit: U256::from(500 * USD),
        expiresAt: LATER,
        receiver: safe,
    };
    story.send(BORROWER, MARKET, credit);
    story.send(BORROWER, MARKET, IMarket::voidSignaturesCall { next: 3 });
    story.settle();
    let amount = U256::from(200 * USD);
    let draw = IMarket::drawCreditCall { market: 1, owner, sub: 0, vault: usd_vault(), amount };
    story.send(LIQUIDATOR, MARKET, draw);
    story.settle();
    let told = ask(&story);
    assert_eq!(told["nonce"], 3);
    assert_eq!(told["operators"].as_array().map(Vec::len), Some(1));
    let operator_told = &told["operators"][0];
    assert_eq!(operator_told["operator"], json!(friend));
    assert_eq!(operator_told["permissions"], json!(["borrow", "manage"]));
    assert_eq!(operator_told["receiver"], json!(owner));
    assert_eq!((&operator_told["market"], &operator_told["expired"]), (&json!(1), &json!(false)));
    let credit = &told["credits"][0];
    assert_near(&credit["limit"], 300.0);
    assert_eq!((&credit["receiver"], &credit["expiresAt"]), (&json!(safe), &json!(LATER)));
    // Others' are not among them; what was taken back is gone.
    assert_eq!(story.ask("gage_authorisations", json!([friend]))["operators"], json!([]));
    story.send(BORROWER, MARKET, operator(0));
    story.settle();
    assert_eq!(ask(&story)["operators"], json!([]));
    for params in [json!(["nobody"]), json!([]), json!([owner, "0x9", "0x1"])] {
        assert!([-32602, -32000].contains(&story.world.refusal("gage_authorisations", params).0));
    }
}

/// A second market with another LTV and a risk weight.
fn open_second(story: &mut Story, ltv: u16) {
    let terms = MarketTerms {
        targetHealth: U256::from(WAD + WAD / 10),
        fullBonusHealth: U256::from(WAD * 9 / 10),
    };
    story.send(OWNER, MARKET, IMarket::createMarketCall { terms });
    let terms = CollateralTerms {
        feed: COIN_FEED,
        ltv,
        threshold: 8_500,
        bonusMin: 100,
        bonusMax: 700,
        riskWeight: 5_000,
        cap: U256::from(1_000 * WAD),
    };
    story.send(OWNER, MARKET, IMarket::addCollateralCall { market: 2, asset: coin(), terms });
    let (feed, min) = (USD_FEED, U256::from(100 * USD));
    let list = IMarket::listVaultCall { market: 2, vault: usd_vault(), feed, minDebt: min };
    story.send(OWNER, MARKET, list);
    let cap = U256::from(400_000 * USD);
    story.send(OWNER, usd_vault(), IVault::setLineCapCall { market: 2, cap });
    story.settle();
}

/// What the preview says is what the move does.
#[test]
fn a_move_is_foreseen() {
    let mut story = Story::new();
    open_second(&mut story, 6_000);
    let owner = user(BORROWER).address();
    let route = |ways: Value| json!([owner, { "market": 1 }, { "market": 2, "sub": 7 }, ways]);
    let told = story.ask("gage_rehomePreview", route(Value::Null));
    assert_eq!((&told["possible"], &told["reasons"]), (&json!(true), &json!([])));
    assert_eq!(told["pairs"][0]["to"]["address"], json!(usd_vault()));
    assert_near(&told["borrowLimit"], 12_000.0);
    assert_eq!(told["riskPremium"]["formatted"], "50 %");
    let before = story.ask("gage_explain", json!([1, owner]));
    let (base, there) = (&before["debts"][0]["rate"], &told["debts"][0]["rate"]);
    assert_near(there, formatted(base) * 1.5);
    let pair = IMarket::VaultPair { from: usd_vault(), to: usd_vault() };
    let rehome =
        IMarket::rehomeCall { owner, market: 1, sub: 0, toMarket: 2, toSub: 7, pairs: vec![pair] };
    story.send(BORROWER, MARKET, rehome);
    story.settle();
    let after = story.ask("gage_explain", json!([2, owner, 7]));
    assert_near(&after["healthFactor"], formatted(&told["healthFactor"]));
    assert_eq!(after["borrowLimit"], told["borrowLimit"]);
    assert_eq!(after["riskPremium"], told["riskPremium"]);
    assert_eq!(story.ask("gage_explain", json!([1, owner]))["debts"], json!([]));
    // Back: too little for what was borrowed since, and both reasons are given.
    story.price(COIN_FEED, 1_100);
    let back = json!([owner, { "market": 2, "sub": 7 }, { "market": 1 }]);
    let told = story.ask("gage_rehomePreview", back);
    assert_eq!(told["possible"], false);
    let reason = told["reasons"][0]["error"].as_str().unwrap_or_default();
    assert!(reason.contains("AboveLimit"), "{told}");
    // What is not there is refused.
    let stray = json!([{ "from": coin(), "to": usd_vault() }]);
    for ways in [stray, json!([{ "from": usd_vault() }]), json!("all")] {
        assert_eq!(story.world.refusal("gage_rehomePreview", route(ways)).0, -32602);
    }
    let (_, message, ..) = story.world.refusal("gage_rehomePreview", route(json!([])));
    assert!(message.contains("NothingToRehome"), "{message}");
}
