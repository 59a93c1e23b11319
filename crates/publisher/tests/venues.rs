//! The publisher against exchanges on this machine, in their formats and with their faults.
#![allow(clippy::unwrap_used, reason = "tests")]

mod exchange;

use std::time::Duration;

use exchange::{Exchange, Mode};
use gage_publisher::{Config, Outcome, Venue, VenueState, run};
use tokio::runtime::Runtime;

struct Exchanges {
    runtime: Runtime,
    coinbase: Exchange,
    kraken: Exchange,
    binance: Exchange,
}

fn exchanges() -> Exchanges {
    let runtime = Runtime::new().unwrap();
    let coinbase = Exchange::start(&runtime, Venue::Coinbase, &[("ETH-USD", 200_000)]);
    let kraken = Exchange::start(&runtime, Venue::Kraken, &[("ETH/USD", 200_100)]);
    let binance = Exchange::start(&runtime, Venue::Binance, &[("ETHUSD", 199_900)]);
    Exchanges { runtime, coinbase, kraken, binance }
}

impl Exchanges {
    fn look(&self, quorum: u8) -> Outcome {
        let endpoints: String =
            [&self.coinbase, &self.kraken, &self.binance].map(Exchange::endpoint).concat();
        let text = format!(
            "[[feeds]]\nfeed = 1\nname = \"ETH\"\nquorum = {quorum}\noutlier_percent = 1\nvenues = [\
             {{ venue = \"coinbase\", symbol = \"ETH-USD\" }}, {{ venue = \"kraken\", symbol = \"ETH/USD\" }}, \
             {{ venue = \"binance\", symbol = \"ETHUSD\" }}]\n{endpoints}"
        );
        let config = Config::parse(&text).unwrap();
        self.runtime.block_on(run::look(&config, Duration::from_secs(3))).remove(0)
    }
}

fn cents(outcome: &Outcome) -> u128 {
    match outcome {
        Outcome::Priced(priced) => priced.price / 10_u128.pow(16),
        Outcome::Missing { why, .. } => panic!("{why}"),
    }
}

#[test]
fn each_format_is_heard() {
    let all = exchanges();
    let found = all.look(3);
    assert_eq!(cents(&found), 200_000);
    assert!(found.venues().iter().all(|(_, state)| *state == VenueState::Counts));
}

#[test]
fn one_that_lies_by_a_third_is_left_out() {
    let all = exchanges();
    all.coinbase.set("ETH-USD", 140_000);
    let found = all.look(2);
    // The lower of the honest two: a liar moves the median among them, and not further.
    assert_eq!(cents(&found), 199_900);
    assert_eq!(found.venues()[0].1, VenueState::Outlier);
}

#[test]
fn single_quotes_stand_in_for_a_stream_and_streams_are_opened_anew() {
    let all = exchanges();
    for exchange in [&all.coinbase, &all.kraken, &all.binance] {
        exchange.behave(Mode::Disconnects);
    }
    assert_eq!(cents(&all.look(3)), 200_000);
    for exchange in [&all.coinbase, &all.kraken, &all.binance] {
        assert!(exchange.streams() >= 1 && exchange.requests() >= 1);
    }
    // A venue that never comes back keeps the look going until its time is over.
    all.kraken.behave(Mode::Garbage);
    let found = all.look(2);
    assert_eq!(cents(&found), 199_950);
    assert!(all.coinbase.streams() >= 3, "{}", all.coinbase.streams());
}

#[test]
fn garbage_and_silence_leave_less_than_a_quorum() {
    let all = exchanges();
    all.kraken.behave(Mode::Garbage);
    all.binance.behave(Mode::Mute);
    let found = all.look(2);
    assert!(matches!(&found, Outcome::Missing { why, .. } if why.contains("1 of 2")), "{found:?}");
    assert_eq!(found.venues()[1].1, VenueState::Silent);
}
