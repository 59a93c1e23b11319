//! `gage_exposures`, and what assets, vaults and markets say of factors.

use alloy_primitives::U256;
use gage_abi::{
    IMarket, IRegistry, IVault,
    addresses::{MARKET, REGISTRY},
};
use serde_json::{Value, json};

use crate::{
    story::{BORROWER, OWNER, Story, USD, assert_near, borrow, coin, usd_vault},
    world::user,
};

impl Story {
    /// A bridge behind the coin, capped at so many dollars.
    fn with_bridge(dollars: u128) -> Self {
        let mut story = Self::new();
        let label = "Bridge".to_owned();
        story.send(OWNER, REGISTRY, IRegistry::registerFactorCall { kind: 1, label });
        story.send(OWNER, REGISTRY, IRegistry::tagAssetCall { asset: coin(), factor: 1 });
        let cap = U256::from(dollars * USD);
        story.send(OWNER, usd_vault(), IVault::setFactorCapCall { factor: 1, cap });
        story.settle();
        story
    }

    fn exposure(&self) -> Value {
        self.ask("gage_exposures", json!([usd_vault()]))[0].clone()
    }
}

#[test]
fn exposures_are_told_by_factor_and_by_collateral() {
    let mut story = Story::with_bridge(12_000);
    let told = story.exposure();
    let bridge = &told["factors"][0];
    assert_eq!(bridge["factor"], json!({ "id": 1, "kind": "bridge", "label": "Bridge" }));
    assert_eq!(bridge["assets"][0]["address"], json!(coin()));
    assert_near(&bridge["cap"], 12_000.0);
    // Drawn before there was a cap: not tracked yet, and counted in full.
    assert_near(&bridge["exposure"], 10_000.0);
    assert_eq!(bridge["untracked"], bridge["exposure"]);
    assert_eq!(told["untracked"], told["debt"]);
    let (owner, market, sub) = (user(BORROWER).address(), 1, 0);
    story.send(BORROWER, MARKET, IMarket::refreshRiskPremiumCall { market, owner, sub });
    let cap = U256::from(11_000 * USD);
    let asset = coin();
    story.send(OWNER, usd_vault(), IVault::setCeilingCall { market, asset, cap });
    story.settle();
    let told = story.exposure();
    assert_eq!(told["untracked"]["raw"], "0");
    assert_eq!(told["factors"][0]["untracked"]["raw"], "0");
    assert_eq!(told["factors"][0]["share"]["formatted"], "100 %");
    let line = &told["lines"][0];
    assert_eq!((&line["market"], &line["tracked"]), (&json!(1), &json!(true)));
    assert_near(&line["collaterals"][0]["cap"], 11_000.0);
    assert_near(&line["collaterals"][0]["exposure"], 10_000.0);
    // All vaults, and the same of one; what the other lists say.
    assert_eq!(story.ask("gage_exposures", json!([]))[0], story.exposure());
    let vault = &story.ask("gage_vaults", json!([]))[0];
    assert_eq!((&vault["lines"], &vault["cappedFactors"]), (&json!([1]), &json!([1])));
    assert_eq!(story.ask("gage_markets", json!([]))[0]["lines"][0]["tracked"], true);
    let assets = story.ask("gage_assets", json!([]));
    assert_eq!(assets[0]["factors"], json!([{ "id": 1, "kind": "bridge", "label": "Bridge" }]));
    assert_eq!(assets[1]["factors"], json!([]));
    // The ceiling is what binds, and a call says so in its own error.
    let data = alloy_sol_types::SolCall::abi_encode(&borrow(U256::from(2_000 * USD)));
    let call = json!([{
        "from": owner, "to": MARKET, "data": alloy_primitives::Bytes::from(data),
    }]);
    let (_, why) = story.world.refusal("eth_call", call);
    assert!(why.contains("CeilingExceeded"), "{why}");
}

#[test]
fn exposures_of_nothing_are_refused() {
    let story = Story::new();
    for params in [json!(["nobody"]), json!([coin()]), json!([usd_vault(), "latest", 1])] {
        let (code, _) = story.world.refusal("gage_exposures", params);
        assert!([-32602, -32000].contains(&code), "{code}");
    }
    assert_eq!(story.exposure()["factors"], json!([]));
}
