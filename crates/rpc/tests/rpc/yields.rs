//! `gage_feeds` and account views over prices that are computed, and vault shares as collateral.

use alloy_primitives::{Address, U256};
use gage_abi::IMarket::{self, CollateralTerms, MarketTerms};
use gage_abi::IOracle::{self, FeedTerms};
use gage_abi::addresses::{MARKET, ORACLE};
use serde_json::json;

use crate::{
    story::{COIN_FEED, LENDER, OWNER, Story, USD, USD_FEED, WAD, usd_vault},
    world::user,
};

const RATE: u32 = 3;
/// 10 % a year of 31,536,000 seconds.
const GROWTH: u128 = 3_170_979_198_376_458_651;

fn terms() -> FeedTerms {
    FeedTerms::unguarded(86_400, U256::from(1), U256::from(1_000_000 * WAD))
}

fn computed() -> Story {
    let mut story = Story::new();
    let (description, terms, growth) = ("STAKED / COIN".into(), terms(), U256::from(GROWTH));
    let asset = Address::ZERO;
    let create = IOracle::createRateFeedCall { asset, description, terms: terms.clone(), growth };
    story.send(OWNER, ORACLE, create);
    story.settle();
    let create = IOracle::createComputedFeedCall {
        asset,
        description: "STAKED / USD".into(),
        terms: terms.clone(),
        kind: 3,
        base: COIN_FEED,
        other: RATE,
    };
    story.send(OWNER, ORACLE, create);
    let publisher = user(crate::story::PUBLISHER).address();
    let source = IOracle::Source::publisher(publisher, 3_600);
    let allow = IOracle::setSourceCall { feed: RATE, source };
    story.send(OWNER, ORACLE, allow);
    let create = IOracle::createShareFeedCall {
        description: "gUSD / USD".into(),
        terms,
        vault: usd_vault(),
        base: USD_FEED,
        growth,
    };
    story.send(OWNER, ORACLE, create);
    story.settle();
    story
}

#[test]
fn feeds_say_what_they_are_made_of() {
    let mut story = computed();
    let feeds = story.ask("gage_feeds", json!([]));
    assert_eq!((&feeds[0]["kind"], &feeds[0]["growthCap"]), (&json!("reported"), &json!(null)));
    assert_eq!((&feeds[2]["kind"], &feeds[3]["fresh"]), (&json!("rate"), &json!(false)));
    story.price(RATE, 2);
    let feeds = story.ask("gage_feeds", json!([]));
    assert_eq!(feeds[2]["growthCap"]["anchor"]["formatted"], "2");
    assert_eq!(feeds[2]["growthCap"]["perYear"]["formatted"], "10 %");
    assert_eq!(feeds[3]["kind"], "product");
    assert_eq!((&feeds[3]["base"], &feeds[3]["other"]), (&json!(1), &json!(3)));
    assert_eq!(feeds[3]["price"]["formatted"], "4000");
    assert_eq!(feeds[3]["fresh"], true);
    assert_eq!(feeds[4]["kind"], "share price");
    assert_eq!(feeds[4]["vault"]["symbol"], "gUSD");
    let price: f64 = feeds[4]["price"]["formatted"].as_str().unwrap().parse().unwrap();
    assert!((1.0..1.000_1).contains(&price), "{price}");
    // A leap of a half is accepted as far as the cap goes.
    story.price(RATE, 3);
    let feeds = story.ask("gage_feeds", json!([]));
    let price: f64 = feeds[3]["price"]["formatted"].as_str().unwrap().parse().unwrap();
    assert!((4_000.0..4_000.01).contains(&price), "{price}");
}

#[test]
fn shares_have_names_and_prices_as_collateral() {
    let mut story = computed();
    let terms = MarketTerms {
        targetHealth: U256::from(WAD + WAD / 10),
        fullBonusHealth: U256::from(WAD * 9 / 10),
    };
    story.send(OWNER, MARKET, IMarket::createMarketCall { terms });
    story.settle();
    let terms = CollateralTerms {
        feed: 5,
        ltv: 8_000,
        threshold: 8_500,
        bonusMin: 100,
        bonusMax: 700,
        riskWeight: 0,
        cap: U256::from(1_u128 << 100),
    };
    let list = IMarket::addCollateralCall { market: 2, asset: usd_vault(), terms };
    story.send(OWNER, MARKET, list);
    story.settle();
    let owner = user(LENDER).address();
    let amount = U256::from(1_000 * USD * 1_000_000);
    let asset = usd_vault();
    let pledge = IMarket::supplyCollateralCall { market: 2, owner, sub: 0, asset, amount };
    story.send(LENDER, MARKET, pledge);
    story.settle();
    let market = &story.ask("gage_markets", json!([]))[1];
    assert_eq!(market["collaterals"][0]["asset"]["symbol"], "gUSD");
    assert_eq!(market["collaterals"][0]["total"]["formatted"], "1000");
    let explained = story.ask("gage_explain", json!([2, owner]));
    assert_eq!(explained["collaterals"][0]["asset"]["address"], json!(usd_vault()));
    assert_eq!(explained["collaterals"][0]["amount"]["formatted"], "1000");
    // What a question supposes of the dollar's price moves the share's as well.
    let supposed = json!({ "prices": { "2": (WAD / 2).to_string() } });
    let outcome = story.ask("gage_whatIf", json!([2, owner, 0, supposed]));
    let value = |of: &serde_json::Value| -> f64 {
        of["collateralValue"]["formatted"].as_str().unwrap().parse().unwrap()
    };
    let (before, after) = (value(&outcome["before"]), value(&outcome["after"]));
    assert!((before / after - 2.0).abs() < 0.001, "{before} {after}");
    // And the share's own price can be supposed, by the vault's address.
    let supposed = json!({ "prices": { usd_vault().to_string(): (3 * WAD).to_string() } });
    let outcome = story.ask("gage_whatIf", json!([2, owner, 0, supposed]));
    assert_eq!(outcome["after"]["collateralValue"]["formatted"], "3000");
    let supply = json!({ "supply": [{ "asset": usd_vault(), "amount": amount.to_string() }] });
    let outcome = story.ask("gage_whatIf", json!([2, owner, 0, supply]));
    assert_eq!(outcome["after"]["collaterals"][0]["amount"]["formatted"], "2000");
}
