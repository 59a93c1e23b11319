//! `gage_exits`, and what `gage_vaults` says of exit queues.

use alloy_primitives::U256;
use gage_abi::{IVault, addresses};
use gage_core::VaultId;
use serde_json::{Value, json};

use crate::{
    story::{LIQUIDATOR, Story, USD, assert_near, usd_vault},
    world::user,
};

impl Story {
    fn exits(&self) -> Value {
        self.ask("gage_exits", json!([user(LIQUIDATOR).address()]))
    }
}

#[test]
fn places_are_listed_with_what_waits_and_what_may_be_claimed() {
    let mut story = Story::new();
    let receiver = user(LIQUIDATOR).address();
    assert_eq!(story.exits(), json!([]));
    let vaults = story.ask("gage_vaults", json!([]));
    assert_eq!(vaults[0]["exits"]["worth"]["raw"], "0");
    let assets = U256::from(10_000 * USD);
    story.send(LIQUIDATOR, usd_vault(), IVault::depositCall { assets, receiver });
    for thousands in [1, 2] {
        let shares = U256::from(thousands * 1_000 * USD * 1_000_000);
        let request = IVault::requestRedeemCall { shares, controller: receiver, owner: receiver };
        story.send(LIQUIDATOR, usd_vault(), request);
    }
    story.settle();
    // The vault has cash: both are filled at once.
    let exits = story.exits();
    assert_eq!(exits.as_array().map(Vec::len), Some(2), "{exits}");
    assert_eq!((&exits[0]["place"], &exits[1]["place"]), (&json!(1), &json!(2)));
    assert_near(&exits[0]["claimable"], 1_000.0);
    assert_near(&exits[1]["claimable"], 2_000.0);
    assert_eq!(exits[1]["waiting"]["raw"], "0");
    assert_eq!(exits[1]["aheadWorth"]["raw"], "0");
    assert_eq!(exits[0]["vault"]["address"], json!(usd_vault()));
    assert_eq!(exits[0]["token"], json!(addresses::exits(VaultId::new(1))));
    let queue = &story.ask("gage_vaults", json!([]))[0]["exits"];
    assert_eq!((&queue["places"], &queue["waiting"]["raw"]), (&json!(2), &json!("0")));
    // Of the present run: each found the queue empty.
    assert_near(&queue["paid"], 2_000.0);
    let claim = IVault::claimExitCall { requestId: U256::ONE, receiver };
    story.send(LIQUIDATOR, usd_vault(), claim);
    story.settle();
    assert_eq!(story.exits().as_array().map(Vec::len), Some(1));
    for params in [json!(["nobody"]), json!([])] {
        assert_eq!(story.world.refusal("gage_exits", params).0, -32602);
    }
}
