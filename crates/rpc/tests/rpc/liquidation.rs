//! `gage_queue`, `gage_bids`, `gage_liquidations`, `gage_losses`, and what explanations say of the
//! sweep.

use alloy_primitives::U256;
use gage_abi::{IMarket, IVault, addresses::MARKET};
use serde_json::{Value, json};

use crate::{
    story::{
        BORROWER, COIN_FEED, LENDER, LIQUIDATOR, Story, USD, WAD, assert_near, coin, formatted,
        usd_vault,
    },
    world::{GENESIS_TIME, user},
};

/// Shares of the empty vault for a dollar's unit.
const SHARES: u128 = 1_000_000;

/// Tiers are half percents.
const TWO: u8 = 4;
const FOUR: u8 = 8;

fn place(tier: u8, dollars: u128) -> IMarket::placeBidCall {
    let shares = U256::from(dollars * USD * SHARES);
    IMarket::placeBidCall { market: 1, vault: usd_vault(), asset: coin(), tier, shares }
}

impl Story {
    /// The lender bids at 2 %, the liquidator lends and bids at 2 and 4 %.
    fn with_bids(dollars: [u128; 3]) -> Self {
        let mut story = Self::new();
        let receiver = user(LIQUIDATOR).address();
        let assets = U256::from(100_000 * USD);
        story.send(LIQUIDATOR, usd_vault(), IVault::depositCall { assets, receiver });
        story.settle();
        let [lender, first, second] = dollars;
        story.send(LENDER, MARKET, place(TWO, lender));
        story.send(LIQUIDATOR, MARKET, place(TWO, first));
        story.send(LIQUIDATOR, MARKET, place(FOUR, second));
        story.settle();
        story
    }

    fn queue(&self) -> Value {
        self.ask("gage_queue", json!([1, usd_vault(), coin()]))
    }

    fn liquidations(&self) -> Value {
        self.ask("gage_liquidations", json!(["earliest", "latest"]))
    }
}

#[test]
fn a_queue_is_cumulated() {
    let empty = Story::new().queue();
    assert_eq!((&empty["tiers"], &empty["bestDiscount"]), (&json!([]), &Value::Null));
    assert_eq!(empty["depth"]["formatted"], "0");
    // 7 / 1.07 % is 6.54 %.
    assert_eq!(empty["discountMax"]["formatted"], "6.5 %");
    assert_eq!(empty["bidMin"]["formatted"], "100");

    let queue = Story::with_bids([1_000, 3_000, 5_000]).queue();
    assert_eq!(queue["bestDiscount"]["formatted"], "2 %");
    let [first, second] = [&queue["tiers"][0], &queue["tiers"][1]];
    assert_eq!((&first["tier"], &first["bids"]), (&json!(4), &json!(2)));
    assert_near(&first["worth"], 4_000.0);
    assert_near(&first["cumulated"], 4_000.0);
    assert_near(&first["price"], 1_960.0);
    assert_near(&second["worth"], 5_000.0);
    assert_near(&second["cumulatedValue"], 9_000.0);
    assert_near(&queue["depth"], 9_000.0);
    assert_near(&queue["depthValue"], 9_000.0);
    assert_eq!(queue["vault"]["asset"]["symbol"], "USD");
}

#[test]
fn a_bidder_sees_every_bid_and_its_notice() {
    let mut story = Story::with_bids([1_000, 3_000, 5_000]);
    let me = user(LIQUIDATOR).address();
    let bids = story.ask("gage_bids", json!([me]));
    let tiers = [&bids[0]["tier"], &bids[1]["tier"], &bids[2]["tier"]];
    assert_eq!(tiers, [&json!(4), &json!(8), &Value::Null]);
    assert_near(&bids[0]["worth"], 3_000.0);
    assert_eq!(bids[0]["bought"]["formatted"], "0");
    assert_eq!(bids[0]["notice"], json!({ "state": "none" }));
    let announce = IMarket::announceBidWithdrawalCall {
        market: 1,
        vault: usd_vault(),
        asset: coin(),
        tier: FOUR,
    };
    story.send(LIQUIDATOR, MARKET, announce);
    story.settle();
    let notice = |story: &Story| story.ask("gage_bids", json!([me]))[1]["notice"].clone();
    let running = notice(&story);
    assert_eq!(running["state"], "running");
    let time = |name: &str| running[name].as_u64().unwrap_or_else(|| panic!("{running}"));
    assert_eq!(time("opensAt"), time("announcedAt") + 600);
    assert_eq!(time("closesAt"), time("opensAt") + 3_600);
    for (seconds, state) in [(600, "open"), (3_600, "expired")] {
        story.ask("evm_increaseTime", json!([seconds]));
        story.settle();
        assert_eq!(notice(&story)["state"], state);
    }
    assert_eq!(story.ask("gage_bids", json!([user(7).address()])), json!([]));
}

#[test]
fn a_sweep_is_told_with_its_fills() {
    let mut story = Story::with_bids([1_000, 3_000, 5_000]);
    let owner = user(BORROWER).address();
    let waiting = story.ask("gage_explain", json!([1, owner]));
    assert_eq!((&waiting["sweep"], &waiting["stopLoss"]), (&Value::Null, &Value::Null));
    let fallen = json!({ "prices": { "1": (1_100 * WAD).to_string() } });
    let supposed = story.ask("gage_whatIf", json!([1, owner, 0, fallen]));
    let plan = &supposed["after"]["sweep"];
    assert_eq!((&plan["reason"], &plan["leavesBadDebt"]), (&json!("unhealthy"), &json!(false)));

    story.price(COIN_FEED, 1_100);
    let told = story.liquidations();
    assert_eq!(told["badDebts"], json!([]));
    let swept = &told["liquidations"][0];
    assert_eq!((&swept["kind"], &swept["reason"]), (&json!("sweep"), &json!("unhealthy")));
    assert_eq!((&swept["owner"], &swept["liquidator"]), (&json!(owner), &Value::Null));
    assert_near(&swept["healthBefore"], 0.935);
    let sales = swept["sales"].as_array().expect("a list");
    assert_eq!(sales.len(), 2);
    let [first, second] = [&sales[0], &sales[1]];
    assert_eq!(first["bids"]["discount"]["formatted"], "2 %");
    assert_eq!(second["bids"]["tier"], 8);
    assert_near(&first["repaid"], 4_000.0);
    for sale in sales {
        assert_eq!(sale["price"]["formatted"], "1100");
        assert_eq!(sale["debtPrice"]["formatted"], "1");
    }
    // 4,000 / 0.98 / 1,100 coins.
    assert_near(&first["seized"], 3.7106);
    let repaid = formatted(&first["repaid"]) + formatted(&second["repaid"]);
    assert_near(&swept["repaidValue"], repaid);
    let left = |sales: &[Value]| 10.0 - sales.iter().map(|s| formatted(&s["seized"])).sum::<f64>();
    assert_near(&swept["collateralValue"], left(sales) * 1_100.0);
    let now = story.ask("gage_explain", json!([1, owner]));
    assert_eq!(swept["healthAfter"], now["healthFactor"]);
    // What was supposed is what happened, but for the interest of some seconds.
    assert_eq!(plan["sales"][1]["tier"], 8);
    assert_near(&plan["healthAfter"], formatted(&swept["healthAfter"]));

    // Two bids shared the first tier; the liquidator's three quarters of it are to be claimed.
    let bids = story.ask("gage_bids", json!([user(LIQUIDATOR).address()]));
    assert_near(&bids[0]["bought"], 3.7106 * 0.75);
    assert_near(&bids[0]["boughtValue"], 3.7106 * 0.75 * 1_100.0);
    assert_eq!(bids[0]["shares"]["formatted"], "0");
    assert_eq!(story.queue()["bestDiscount"]["formatted"], "4 %");
}

#[test]
fn a_stop_loss_order_is_explained() {
    let mut story = Story::with_bids([1_000, 3_000, 5_000]);
    let owner = user(BORROWER).address();
    let order = IMarket::setStopLossCall {
        market: 1,
        sub: 0,
        asset: coin(),
        vault: usd_vault(),
        trigger: U256::from(WAD * 12 / 10),
        target: U256::from(WAD * 15 / 10),
        tierMax: TWO,
    };
    story.send(BORROWER, MARKET, order);
    story.settle();
    let explained = story.ask("gage_explain", json!([1, owner]));
    let order = &explained["stopLoss"];
    assert_eq!(order["trigger"]["formatted"], "1.2");
    assert_eq!(order["discountMax"]["formatted"], "2 %");
    assert_eq!(order["asset"]["decimals"], 18);
    // 10 · 1,400 · 0.85 / 10,000 is 1.19.
    story.price(COIN_FEED, 1_400);
    let swept = &story.liquidations()["liquidations"][0];
    assert_eq!(swept["reason"], "stopLoss");
    assert_near(&swept["healthBefore"], 1.19);
    // The order takes 2 % and no more: the dearer bids are left alone.
    assert_eq!(swept["sales"].as_array().map(Vec::len), Some(1));
    assert_near(&story.queue()["depth"], 5_000.0);
}

#[test]
fn an_open_liquidation_is_told_with_price_and_rest() {
    let mut story = Story::new();
    assert_eq!(story.liquidations()["liquidations"], json!([]));
    story.price(COIN_FEED, 1_100);
    let owner = user(BORROWER).address();
    let waiting = story.ask("gage_explain", json!([1, owner]));
    assert_eq!((&waiting["liquidatable"], &waiting["sweep"]), (&json!(true), &Value::Null));
    let receiver = user(LIQUIDATOR).address();
    story.send(LIQUIDATOR, MARKET, liquidate(receiver));
    story.settle();
    let told = story.liquidations();
    assert_eq!(told["badDebts"], json!([]));
    let liquidation = &told["liquidations"][0];
    assert_eq!(liquidation["owner"], json!(owner));
    assert_eq!(
        (&liquidation["kind"], &liquidation["reason"]),
        (&json!("open"), &json!("unhealthy"))
    );
    assert_eq!(liquidation["liquidator"], json!(receiver));
    assert!(liquidation["timestamp"].as_u64().is_some_and(|time| time > GENESIS_TIME));
    let sale = &liquidation["sales"][0];
    assert_eq!((&sale["asset"]["decimals"], &sale["bids"]), (&json!(18), &Value::Null));
    assert_eq!(sale["price"]["formatted"], "1100");
    let gain = formatted(&liquidation["seizedValue"]) / formatted(&liquidation["repaidValue"]);
    assert!((gain - 1.0 - formatted(&sale["bonus"]) / 100.0).abs() < 1e-4);
    let explained = story.ask("gage_explain", json!([1, owner]));
    assert_near(&explained["healthFactor"], 1.1);
    assert_eq!(liquidation["healthAfter"], explained["healthFactor"]);
    assert_eq!(liquidation["debtValue"], explained["debtValue"]);
    assert_eq!(story.ask("gage_losses", json!([])), json!({ "losses": [], "totals": [] }));
}

#[test]
fn losses_say_who_bore_them() {
    let mut story = Story::new();
    // 10 coins at 500 dollars for a debt of 10,000.
    story.price(COIN_FEED, 500);
    story.send(LIQUIDATOR, MARKET, liquidate(user(LIQUIDATOR).address()));
    story.settle();
    let told = story.liquidations();
    assert_eq!(told["liquidations"][0]["reason"], "insolvent");
    let bad = &told["badDebts"][0];
    let losses = story.ask("gage_losses", json!(["earliest", "latest"]));
    let loss = &losses["losses"][0];
    assert_eq!(loss["owner"], json!(user(BORROWER).address()));
    assert_eq!(
        (&loss["shortfall"], &loss["transactionHash"]),
        (&bad["amount"], &bad["transactionHash"])
    );
    let bearers = &loss["borneBy"];
    let borne = formatted(&bearers["reserves"]) + formatted(&bearers["lenders"]);
    assert_near(&loss["shortfall"], borne);
    assert!(formatted(&bearers["lenders"]) > 5_000.0);
    assert_eq!(losses["totals"][0]["shortfall"], loss["shortfall"]);
    assert_eq!(losses["totals"][0]["losses"], 1);
}

#[test]
fn a_sweep_leaves_bad_debt_to_the_waterfall() {
    let mut story = Story::with_bids([1_000, 3_000, 5_000]);
    // An insolvent account is sold at the smallest bonus, 1 %, at most: to half a percent of
    // discount.
    story.send(LIQUIDATOR, MARKET, place(1, 10_000));
    story.settle();
    story.price(COIN_FEED, 500);
    let swept = &story.liquidations()["liquidations"][0];
    assert_eq!((&swept["kind"], &swept["reason"]), (&json!("sweep"), &json!("insolvent")));
    assert_eq!(swept["collateralValue"]["formatted"], "0");
    let losses = story.ask("gage_losses", json!([]));
    assert_eq!(losses["losses"][0]["transactionHash"], swept["transactionHash"]);
    assert_near(&losses["totals"][0]["shortfall"], formatted(&swept["debtValue"]));
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let story = Story::new();
    let me = user(BORROWER).address();
    let nonsense = [
        ("gage_queue", json!([1, me, coin()])),
        ("gage_queue", json!([1, usd_vault(), me])),
        ("gage_queue", json!([1, usd_vault()])),
        ("gage_queue", json!(["main", usd_vault(), coin()])),
        ("gage_bids", json!(["nobody"])),
        ("gage_bids", json!([])),
        ("gage_losses", json!(["0x3", "0x1"])),
        ("gage_liquidations", json!(["0x3", "0x1"])),
    ];
    for (method, params) in nonsense {
        assert_eq!(story.world.refusal(method, params.clone()).0, -32602, "{method} {params}");
    }
    let unlisted = json!([1, usd_vault(), crate::story::usd()]);
    assert!(story.world.refusal("gage_queue", unlisted).1.starts_with("CollateralNotListed("));
    let nowhere = json!([77, usd_vault(), coin()]);
    assert_eq!(story.world.refusal("gage_queue", nowhere).1, "UnknownMarket(market: 77)");
}

fn liquidate(receiver: alloy_primitives::Address) -> IMarket::liquidateCall {
    IMarket::liquidateCall {
        market: 1,
        owner: user(BORROWER).address(),
        sub: 0,
        vault: usd_vault(),
        asset: coin(),
        maxRepay: U256::from(600_000 * USD),
        receiver,
    }
}
