//! A genesis and a publisher's configuration: text that somebody wrote.
//!
//! A genesis that is read says the same when it is written and read again, and a chain begins with it.

use gage_chain::{Chain, Genesis};
use gage_publisher::{Config, config::EXAMPLE};
use gage_state::Store;

use crate::worlds::chain::genesis;

/// JSON of a genesis, or TOML of a publisher.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(read) = Genesis::from_json(text) {
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(Genesis::from_json(&written).unwrap(), read);
        let store = Store::in_memory().unwrap();
        Chain::open(store, &read).unwrap();
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
    vec![written, EXAMPLE.as_bytes().to_vec()]
}
