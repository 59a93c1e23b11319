//! `gage_rates`.

use gage_abi::IVault;
use serde_json::{Value, json};

use crate::{
    story::{OWNER, Story, formatted, usd_vault},
    world::user,
};

/// The curve, the point on it where the vault stands, and what a contract reads.
#[test]
fn a_vaults_curve_is_told_with_where_it_stands() {
    let mut story = Story::new();
    let told = story.ask("gage_rates", json!([usd_vault()]));
    assert_eq!(told["vault"]["address"], json!(usd_vault()));
    let vaults = story.ask("gage_vaults", json!([]));
    for name in ["utilisation", "borrowRate", "supplyRate"] {
        assert_eq!(told["now"][name], vaults[0][name], "{name}");
    }
    assert_eq!(told["rates"], vaults[0]["rates"]);
    let curve = told["curve"].as_array().expect("points");
    assert!(curve.len() == 21 || curve.len() == 22, "{}", curve.len());
    assert_eq!(curve[0]["utilisation"]["formatted"], "0 %");
    assert_eq!(curve[curve.len() - 1]["utilisation"]["formatted"], "100 %");
    assert!(curve.iter().any(|point| point["utilisation"] == told["bend"]));
    for point in curve {
        assert!(formatted(&point["borrowApy"]) >= formatted(&point["borrowRate"]));
        assert!(formatted(&point["supplyRate"]) <= formatted(&point["borrowRate"]));
    }
    let (few, hex) = (json!([usd_vault(), 1]), json!([usd_vault(), "0x1"]));
    assert_eq!(story.ask("gage_rates", few.clone()), story.ask("gage_rates", hex));
    assert_eq!(story.ask("gage_rates", few)["curve"].as_array().map(Vec::len), Some(3));
    // Another model: it drifts, and the past keeps its own.
    let before = told["drift"].clone();
    assert_eq!(before, Value::Null);
    let rates = IVault::Rates {
        kind: 1,
        base: 0,
        slope1: 0,
        slope2: 0,
        kink: 0,
        rateAtTarget: 4 * 10_u128.pow(25) / 31_536_000,
    };
    let then = story.ask("eth_blockNumber", json!([]));
    story.send(OWNER, usd_vault(), IVault::setRatesCall { rates });
    story.settle();
    let told = story.ask("gage_rates", json!([usd_vault()]));
    let target = |when: &str| formatted(&told["drift"][when]["rateAtTarget"]);
    assert!(target("nextDay") < target("nextHour") && target("nextHour") < 4.0, "{told}");
    assert_eq!(told["bend"]["formatted"], "90 %");
    let past = story.ask("gage_rates", json!([usd_vault(), 20, then]));
    assert_ne!(past["rates"], told["rates"]);
}

#[test]
fn bad_questions_about_rates_are_refused() {
    let story = Story::new();
    for params in [
        json!([]),
        json!(["USDC"]),
        json!([user(1).address()]),
        json!([usd_vault(), "many"]),
        json!([usd_vault(), -1]),
        json!([usd_vault(), 65_536]),
        json!([usd_vault(), 20, "latest", 4]),
    ] {
        assert_eq!(story.world.refusal("gage_rates", params.clone()).0, -32602, "{params}");
    }
    for parts in [0, 101] {
        let refused = story.world.refusal("gage_rates", json!([usd_vault(), parts]));
        assert!(refused.1.starts_with("InvalidParameter(name: intervals"), "{refused:?}");
    }
}
