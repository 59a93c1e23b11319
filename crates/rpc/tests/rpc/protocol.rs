//! `gage_*` over a market that was built through transactions.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolCall;
use gage_abi::{IMarket, addresses::MARKET};
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, LENDER, OWNER, Story, USD, WAD, assert_near, borrow, coin, usd_vault},
    world::user,
};

#[test]
fn listings_carry_names_and_readable_numbers() {
    let story = Story::new();
    let assets = story.ask("gage_assets", json!([]));
    assert_eq!(assets[0]["wrapsNative"], true);
    assert_eq!(assets[1]["symbol"], "USD");
    assert_eq!(assets[1]["supply"], json!({ "raw": "1200000000000", "formatted": "1200000" }));

    let vaults = story.ask("gage_vaults", json!([]));
    assert_eq!(vaults[0]["symbol"], "gUSD");
    assert_eq!(vaults[0]["asset"]["symbol"], "USD");
    assert_eq!(vaults[0]["cash"]["formatted"], "490000");
    assert_near(&vaults[0]["debt"], 10_000.0);
    assert_near(&vaults[0]["utilisation"], 2.0);
    assert_eq!(vaults[0]["rates"]["kind"], "kinked");
    assert_eq!(vaults[0]["reserveFee"], json!({ "raw": "1000", "formatted": "10 %" }));

    let markets = story.ask("gage_markets", json!([]));
    assert_eq!(markets[0]["pause"], "open");
    let collateral = &markets[0]["collaterals"][0];
    assert_eq!(collateral["asset"]["address"], json!(coin()));
    assert_eq!(collateral["quote"]["price"]["formatted"], "2000");
    assert_eq!(collateral["quote"]["fresh"], true);
    assert_eq!(collateral["ltv"]["formatted"], "80 %");
    assert_eq!(collateral["total"]["formatted"], "10");
    assert_eq!(markets[0]["lines"][0]["vault"]["symbol"], "gUSD");
    assert_eq!(markets[0]["lines"][0]["minDebt"]["formatted"], "100");

    let feeds = story.ask("gage_feeds", json!([]));
    assert_eq!(feeds[0]["description"], "COIN / USD");
    assert_eq!(feeds[0]["price"]["raw"], "2000000000000000000000");

    let status = story.ask("gage_status", json!([]));
    assert_eq!(status["governance"], json!(user(OWNER).address()));
    let counts = ["assets", "vaults", "markets", "feeds"].map(|name| status[name].clone());
    assert_eq!(json!(counts), json!([2, 1, 1, 2]));
    assert_eq!(story.ask("gage_vaults", json!(["earliest"])), json!([]));
}

/// A market says whether governance vouches for its prices.
#[test]
fn a_market_is_recognised_by_governance() {
    let mut story = Story::new();
    let recognised = |story: &Story| story.ask("gage_markets", json!([]))[0]["recognised"].clone();
    assert_eq!(recognised(&story), false);
    let call = IMarket::recogniseMarketCall { market: 1, collaterals: 1, vaults: 1 };
    story.send(OWNER, MARKET, call);
    story.settle();
    assert_eq!(recognised(&story), true);
}

#[test]
fn an_account_shows_what_it_has_and_owes() {
    let story = Story::new();
    let borrower = story.ask("gage_account", json!([user(BORROWER).address()]));
    assert_eq!(borrower["balances"][0]["asset"]["symbol"], "USD");
    assert_eq!(borrower["balances"][0]["amount"]["formatted"], "10000");
    assert_eq!(borrower["accounts"].as_array().map(Vec::len), Some(1));
    let lender = story.ask("gage_account", json!([user(LENDER).address(), 1]));
    assert_near(&lender["deposits"][0]["assets"], 500_000.0);
    assert_eq!(lender["accounts"][0]["healthFactor"]["formatted"], "∞");
    let empty = story.ask("gage_account", json!([user(7).address()]));
    assert_eq!(empty["accounts"], json!([]));
}

#[test]
fn explanations_give_reasons() {
    let story = Story::new();
    let explained = story.ask("gage_explain", json!([1, user(BORROWER).address(), 0]));
    assert_eq!(explained["collateralValue"]["formatted"], "20000");
    assert_near(&explained["debtValue"], 10_000.0);
    assert_eq!(explained["borrowLimit"]["formatted"], "16000");
    assert_near(&explained["headroom"], 6_000.0);
    assert_near(&explained["healthFactor"], 1.7);
    assert_eq!(explained["liquidatable"], false);
    assert_eq!(explained["liquidation"], Value::Null);
    let collateral = &explained["collaterals"][0];
    assert_eq!(collateral["contribution"]["formatted"], "17000");
    assert_near(&collateral["liquidationPrice"], 10_000.0 / 8.5);
    assert_eq!(explained["debts"][0]["vault"]["asset"]["symbol"], "USD");
}

#[test]
fn what_if_runs_the_protocol_and_changes_nothing() {
    let story = Story::new();
    let owner = user(BORROWER).address();
    let before = story.ask("gage_explain", json!([1, owner, 0, "pending"]));
    let ask = |changes: Value| story.ask("gage_whatIf", json!([1, owner, 0, changes]));

    let fallen = ask(json!({ "prices": { "1": (1_100 * WAD).to_string() } }));
    assert_eq!(fallen["before"], before);
    assert_eq!(fallen["after"]["liquidatable"], true);
    assert_near(&fallen["after"]["healthFactor"], 11_000.0 * 0.85 / 10_000.0);
    let plan = &fallen["after"]["liquidation"];
    assert_eq!(plan["closeOut"], false);
    assert_near(&plan["healthAfter"], 1.1);

    let by_asset = ask(json!({ "prices": { coin().to_string(): (1_100 * WAD).to_string() } }));
    assert_eq!(by_asset["after"], fallen["after"]);

    let more = ask(json!({
        "supply": [{ "asset": coin(), "amount": (5 * WAD).to_string() }],
        "borrow": [{ "vault": usd_vault(), "amount": (10_000 * USD).to_string() }],
    }));
    assert_eq!(more["refused"], Value::Null);
    assert_near(&more["after"]["debtValue"], 20_000.0);
    assert_eq!(more["after"]["collateralValue"]["formatted"], "30000");

    let paid = ask(json!({
        "repay": [{ "vault": usd_vault(), "amount": u128::MAX.to_string() }],
        "withdraw": [{ "asset": coin(), "amount": u128::MAX.to_string() }],
    }));
    assert_eq!(paid["refused"], Value::Null);
    assert_eq!(paid["after"]["collaterals"], json!([]));
    assert_eq!(paid["after"]["healthFactor"]["formatted"], "∞");

    let too_much = ask(json!({
        "borrow": [
            { "vault": usd_vault(), "amount": (1_000 * USD).to_string() },
            { "vault": usd_vault(), "amount": (9_000 * USD).to_string() },
        ],
    }));
    assert_eq!(too_much["refused"]["operation"], "borrow");
    assert_eq!(too_much["refused"]["step"], 1);
    let error = too_much["refused"]["error"].as_str().expect("words");
    assert!(error.starts_with("AboveLimit(debtValue: "), "{error}");
    assert_near(&too_much["after"]["debtValue"], 11_000.0);

    assert_eq!(story.ask("gage_explain", json!([1, owner, 0, "pending"])), before);
}

#[test]
fn refusals_of_the_protocol_come_with_name_and_data() {
    let story = Story::new();
    let owner = user(BORROWER).address();
    for (method, params) in [
        ("gage_explain", json!([77, owner])),
        ("gage_account", json!([owner, 77])),
        ("gage_whatIf", json!([77, owner, 0, {}])),
    ] {
        let error = story.world.try_ask(method, params).expect_err("no such market");
        assert_eq!(error["code"], -32000, "{method}");
        assert_eq!(error["message"], "UnknownMarket(market: 77)", "{method}");
        assert!(error["data"].as_str().is_some_and(|data| data.len() == 2 + 8 + 64), "{method}");
    }
    let input = Bytes::from(borrow(U256::from(9_000 * USD)).abi_encode());
    let call = json!([{ "from": owner, "to": MARKET, "data": input }]);
    for method in ["eth_call", "eth_estimateGas"] {
        let error = story.world.try_ask(method, call.clone()).expect_err("above the limit");
        assert_eq!(error["code"], 3, "{method}");
        let message = error["message"].as_str().expect("words");
        assert!(message.starts_with("execution reverted: AboveLimit(debtValue: "), "{message}");
    }
    let nonsense = [
        ("gage_explain", json!(["main", owner])),
        ("gage_explain", json!([1, owner, -1])),
        ("gage_account", json!(["nobody"])),
        ("gage_whatIf", json!([1, owner, 0, { "borrow": "all" }])),
        ("gage_whatIf", json!([1, owner, 0, { "prices": { "gold": "1" } }])),
        ("gage_whatIf", json!([1, owner, 0, { "supply": [{ "asset": owner, "amount": 1 }] }])),
        ("gage_whatIf", json!([1, owner, 0, { "sell": [] }])),
        ("gage_submitReports", json!([[{ "report": {} }]])),
        ("gage_liquidations", json!(["0x3", "0x1"])),
    ];
    for (method, params) in nonsense {
        assert_eq!(story.world.refusal(method, params.clone()).0, -32602, "{method} {params}");
    }
}

/// SYS-1: every invariant is listed with how much of it was checked, in any block whose state is kept.
#[test]
fn invariants_are_checked_over_rpc() {
    let story = Story::new();
    let told = story.ask("gage_check", json!([]));
    assert_eq!(told["holds"], true);
    let listed = told["invariants"].as_array().expect("a list");
    assert_eq!(listed.len(), gage_core::invariants::CHECKED.len());
    let checked = |told: &Value, id: &str| {
        let all = told["invariants"].as_array().expect("a list");
        all.iter().find(|one| one["id"] == id).expect("listed")["checked"]
            .as_u64()
            .expect("a count")
    };
    for id in ["SOL-1", "SOL-3", "HLT-4", "INT-1", "LIQ-5"] {
        assert!(checked(&told, id) > 0, "{id}: {told}");
    }
    let first = story.ask("gage_check", json!(["earliest"]));
    assert_eq!((&first["blockNumber"], &first["holds"]), (&json!(0), &json!(true)));
    assert_eq!(checked(&first, "INT-1"), 0);
}
