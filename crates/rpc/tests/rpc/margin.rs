//! What `gage_markets` and `gage_explain` say of portfolio margin.

use gage_abi::{IMarket, addresses::MARKET};
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, OWNER, Story, coin, usd},
    world::user,
};

fn factor(
    asset: alloy_primitives::Address,
    sigma: u32,
    correlations: Vec<i16>,
) -> IMarket::MarginFactor {
    IMarket::MarginFactor { asset, sigma, cost: 200, hedge: 0, hedgeThreshold: 0, correlations }
}

#[test]
fn a_set_is_shown_and_its_reasons_are_told() {
    let mut story = Story::new();
    let owner = user(BORROWER).address();
    assert_eq!(story.ask("gage_markets", json!([]))[0]["margin"], Value::Null);
    let before = story.ask("gage_explain", json!([1, owner]));
    assert_eq!(before["requirement"], Value::Null);
    assert_eq!(before["collaterals"][0]["margin"], Value::Null);
    let terms = IMarket::MarginTerms { kBorrow: 45_000, kLiquidation: 32_500, floor: 200 };
    let factors = vec![factor(usd(), 1_000, Vec::new()), factor(coin(), 51_950, vec![-250])];
    let call = IMarket::setPortfolioMarginCall { market: 1, terms, factors, rampSeconds: 86_400 };
    story.send(OWNER, MARKET, call);
    story.settle();
    let margin = story.ask("gage_markets", json!([]))[0]["margin"].clone();
    assert_eq!(margin["generation"], 1);
    assert_eq!(margin["before"], Value::Null);
    let now = &margin["now"];
    assert_eq!(now["kLiquidation"], json!({ "raw": "32500", "formatted": "3.25" }));
    assert_eq!(now["floor"]["formatted"], "2 %");
    assert_eq!(now["factors"][1]["sigma"], json!({ "raw": "51950", "formatted": "5.195 %" }));
    assert_eq!(now["factors"][1]["correlations"], json!([-250]));
    // Nothing changes at once: the requirement is what thresholds ask for.
    let after = story.ask("gage_explain", json!([1, owner]));
    assert_eq!(after["liquidationLimit"], before["liquidationLimit"]);
    let parts = &after["requirement"]["liquidation"];
    assert_eq!(parts["total"], parts["linear"]);
    let leg = &after["debts"][0]["margin"];
    assert_eq!(leg["alone"]["raw"], "0");
    assert_eq!(leg["without"], parts["total"]);
}
