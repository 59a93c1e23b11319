//! `gage_stakes`, and what markets, explanations and losses say of first-loss capital.

use alloy_primitives::U256;
use gage_abi::{IMarket, IVault, addresses::MARKET};
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, COIN_FEED, LIQUIDATOR, Story, USD, assert_near, formatted, usd_vault},
    world::user,
};

impl Story {
    fn with_stake(dollars: u128) -> Self {
        let mut story = Self::new();
        let receiver = user(LIQUIDATOR).address();
        let assets = U256::from((dollars + 10) * USD);
        story.send(LIQUIDATOR, usd_vault(), IVault::depositCall { assets, receiver });
        let shares = U256::from(dollars * USD * 1_000_000);
        let stake = IMarket::stakeCall { market: 1, vault: usd_vault(), shares };
        story.send(LIQUIDATOR, MARKET, stake);
        story.settle();
        story
    }

    fn stakes(&self) -> Value {
        self.ask("gage_stakes", json!([user(LIQUIDATOR).address()]))
    }
}

#[test]
fn a_staker_sees_stake_line_and_notice() {
    let mut story = Story::with_stake(8_000);
    let stake = &story.stakes()[0];
    assert_near(&stake["worth"], 8_000.0);
    assert_eq!(stake["part"]["formatted"], "100 %");
    assert_eq!(stake["notice"], json!({ "state": "none" }));
    assert_eq!(stake["line"]["worth"], stake["worth"]);
    assert_eq!(stake["line"]["pendingUntil"], Value::Null);
    let lines = &story.ask("gage_markets", json!([]))[0]["lines"];
    assert_eq!(lines[0]["firstLoss"]["shares"], stake["shares"]);
    assert_eq!(story.ask("gage_stakes", json!([user(7).address()])), json!([]));
    let announce = IMarket::announceUnstakeCall { market: 1, vault: usd_vault() };
    story.send(LIQUIDATOR, MARKET, announce);
    story.settle();
    let notice = story.stakes()[0]["notice"].clone();
    assert_eq!(notice["state"], "running");
    let time = |name: &str| notice[name].as_u64().unwrap_or_else(|| panic!("{notice}"));
    assert_eq!(time("opensAt"), time("announcedAt") + 604_800);
    assert_eq!(time("closesAt"), time("opensAt") + 86_400);
    for (method, params) in [("gage_stakes", json!(["nobody"])), ("gage_stakes", json!([]))] {
        assert_eq!(story.world.refusal(method, params).0, -32602);
    }
}

/// The sweep says that a loss is pending, explanations foresee who bears it, and losses tell it.
#[test]
fn a_stake_bears_what_was_foreseen() {
    let mut story = Story::with_stake(8_000);
    let owner = user(BORROWER).address();
    let fallen = json!({ "prices": { "1": (500 * crate::story::WAD).to_string() } });
    let supposed = story.ask("gage_whatIf", json!([1, owner, 0, fallen]));
    let plan = &supposed["after"]["sweep"];
    assert_eq!(plan["stakesBlocked"][0]["address"], json!(usd_vault()));
    assert_eq!(plan["sales"], json!([]));
    story.price(COIN_FEED, 500);
    assert!(story.stakes()[0]["line"]["pendingUntil"].is_u64());
    let explained = story.ask("gage_explain", json!([1, owner]));
    let foreseen = &explained["liquidation"]["repayments"][0];
    assert!(formatted(&foreseen["fromFirstLoss"]) > 5_000.0, "{explained}");
    let close = IMarket::liquidateCall {
        market: 1,
        owner,
        sub: 0,
        vault: usd_vault(),
        asset: crate::story::coin(),
        maxRepay: U256::from(600_000 * USD),
        receiver: owner,
    };
    story.send(LIQUIDATOR, MARKET, close);
    story.settle();
    let loss = &story.ask("gage_losses", json!([]))["losses"][0];
    assert_eq!(loss["borneBy"]["firstLoss"], loss["shortfall"]);
    assert_near(&loss["shortfall"], formatted(&foreseen["shortfall"]));
    let left = 8_000.0 - formatted(&loss["shortfall"]);
    assert_near(&story.stakes()[0]["worth"], left);
}
