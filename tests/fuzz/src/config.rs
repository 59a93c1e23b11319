//! A genesis, a node's configuration and a publisher's: text that somebody wrote.
//!
//! A genesis that is read says the same when it is written and read again, and a chain begins with it. What a node's
//! configuration says is within the bounds that its example names, and every part of the node can be started with it.

use std::time::Duration;

use gage_chain::{Chain, Genesis};
use gage_node::{Settings, settings};
use gage_publisher::{Config, config::EXAMPLE};
use gage_state::Store;

use crate::worlds::chain::genesis;

const HOUR: Duration = Duration::from_secs(3_600);

/// JSON of a genesis, or TOML of a node or of a publisher.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(read) = Genesis::from_json(text) {
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(Genesis::from_json(&written).unwrap(), read);
        let store = Store::in_memory().unwrap();
        Chain::open(store, &read).unwrap();
    }
    if let Ok(settings) = Settings::parse(text) {
        let (node, rpc) = (settings.node(), settings.rpc());
        assert!(node.block_time <= HOUR && node.build_time <= HOUR && !node.build_time.is_zero());
        assert!((16 << 20..=1 << 40).contains(&settings.store().cache_bytes));
        assert!(rpc.limits.connections_max > 0 && !rpc.dev);
    }
    if let Ok(config) = Config::parse(text) {
        for market in &config.feeds {
            let parts = [market.outlier(), market.spread(), market.deviation()];
            assert!(parts.iter().all(|part| part.get() <= 10_000));
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let written = serde_json::to_vec(&genesis()).unwrap();
    vec![written, EXAMPLE.as_bytes().to_vec(), settings::EXAMPLE.as_bytes().to_vec()]
}
