//! Kept terms, moves and groups, as `gage_markets`, `gage_explain` and `gage_whatIf` tell them.

use alloy_primitives::U256;
use gage_abi::{IMarket, addresses::MARKET};
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, COIN_FEED, OWNER, Story, USD, WAD, coin, usd, usd_vault},
    world::user,
};

impl Story {
    fn account(&self) -> Value {
        self.ask("gage_explain", json!([1, user(BORROWER).address()]))
    }

    fn lower_terms(&mut self) {
        let terms = IMarket::CollateralTerms {
            feed: COIN_FEED,
            ltv: 6_000,
            threshold: 7_000,
            bonusMin: 200,
            bonusMax: 900,
            riskWeight: 0,
            cap: U256::from(1_000 * WAD),
        };
        let call = IMarket::setCollateralCall { market: 1, asset: coin(), terms };
        self.send(OWNER, MARKET, call);
        self.settle();
    }

    fn create_group(&mut self) {
        let call = IMarket::createGroupCall {
            market: 1,
            name: "Coins".to_owned(),
            terms: IMarket::GroupTerms {
                ltv: 9_000,
                threshold: 9_300,
                bonusMin: 100,
                bonusMax: 200,
                band: 200,
            },
            collaterals: vec![coin()],
            vaults: vec![usd_vault()],
        };
        self.send(OWNER, MARKET, call);
        self.settle();
    }
}

#[test]
fn an_account_sees_what_it_keeps_and_until_when() {
    let mut story = Story::new();
    let before = story.account();
    let leg = |account: &Value| account["collaterals"][0].clone();
    assert_eq!(leg(&before)["keeps"], false);
    assert_eq!(before["termsVersion"], 1);
    story.lower_terms();
    let account = story.account();
    let pledged = leg(&account);
    assert_eq!(pledged["threshold"]["formatted"], "85 %");
    assert_eq!(pledged["bonusMax"]["formatted"], "7 %");
    assert_eq!(pledged["newest"]["threshold"]["formatted"], "70 %");
    assert_eq!((&pledged["keeps"], &pledged["moving"]), (&json!(true), &Value::Null));
    assert_eq!((&account["termsVersion"], &account["termsVersionNow"]), (&json!(1), &json!(2)));
    let market = &story.ask("gage_markets", json!([]))[0];
    assert_eq!(market["termsVersion"], 2);
    let kept = &market["collaterals"][0]["kept"];
    assert_eq!(
        (&kept[0]["until"], &kept[0]["threshold"]["formatted"]),
        (&json!(1), &json!("85 %"))
    );
    // A move, and what new risk would do before it.
    let head = story.world.ask("eth_getBlockByNumber", json!(["latest"]));
    let now = u64::from_str_radix(&head["timestamp"].as_str().unwrap()[2..], 16).unwrap();
    let (start, end) = (now + 100_000, now + 1_000_000);
    let call = IMarket::scheduleCollateralMoveCall { market: 1, asset: coin(), start, end };
    story.send(OWNER, MARKET, call);
    story.settle();
    assert_eq!(leg(&story.account())["moving"], json!({ "start": start, "end": end, "below": 2 }));
    let moving = &story.ask("gage_markets", json!([]))[0]["collaterals"][0]["moving"];
    assert_eq!(moving["end"], json!(end));
    let borrow = json!({ "borrow": [{ "vault": usd_vault(), "amount": (100 * USD).to_string() }] });
    let outcome = story.ask("gage_whatIf", json!([1, user(BORROWER).address(), 0, borrow]));
    assert_eq!(leg(&outcome["after"])["threshold"]["formatted"], "70 %");
    assert_eq!(leg(&outcome["after"])["keeps"], false);
}

#[test]
fn groups_are_told_and_tried() {
    let mut story = Story::new();
    let none = story.ask("gage_markets", json!([]));
    assert_eq!(none[0]["groups"], json!([]));
    assert_eq!(story.account()["group"], Value::Null);
    story.create_group();
    let group = story.ask("gage_markets", json!([]))[0]["groups"][0].clone();
    assert_eq!((&group["id"], &group["name"]), (&json!(1), &json!("Coins")));
    assert_eq!(group["ltv"]["formatted"], "90 %");
    assert_eq!(group["threshold"]["formatted"], "93 %");
    assert_eq!(group["band"]["formatted"], "2 %");
    assert_eq!(group["collaterals"][0]["address"], json!(coin()));
    assert_eq!(group["vaults"][0]["asset"]["address"], json!(usd()));
    assert_eq!((&group["kept"], &group["moving"]), (&json!([]), &Value::Null));
    let ask =
        |changes: Value| story.ask("gage_whatIf", json!([1, user(BORROWER).address(), 0, changes]));
    let inside = ask(json!({ "group": 1 }));
    assert_eq!(inside["refused"], Value::Null);
    assert_eq!(inside["after"]["group"], json!({ "id": 1, "name": "Coins" }));
    assert_eq!(inside["after"]["collaterals"][0]["threshold"]["formatted"], "93 %");
    let nowhere = ask(json!({ "group": 7 }));
    assert_eq!(nowhere["refused"]["operation"], "group");
    assert!(nowhere["refused"]["error"].as_str().unwrap().starts_with("UnknownGroup("));
    // Drawing beyond one's own limit needs the group first: steps come in that order.
    let amount = (6_500 * USD).to_string();
    let more = json!([{ "vault": usd_vault(), "amount": amount }]);
    assert!(!ask(json!({ "borrow": more }))["refused"].is_null());
    assert_eq!(ask(json!({ "borrow": more, "group": 1 }))["refused"], Value::Null);
    // In the group for real.
    story.send(BORROWER, MARKET, IMarket::enterGroupCall { market: 1, sub: 0, group: 1 });
    story.settle();
    assert_eq!(story.account()["group"]["name"], "Coins");
}
