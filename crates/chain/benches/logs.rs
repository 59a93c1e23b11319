//! How long it takes to find one log among a hundred thousand blocks: `cargo bench -p gage-chain --bench logs`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_types,
    reason = "it measures time, and prints it"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use alloy_primitives::B256;
use gage_chain::LogFilter;
use support::*;

const BLOCKS: u64 = 100_000;
const LOOKS: usize = 21;

fn topic(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

/// Each tenth block logs a topic of its own and one that its neighbours have too.
fn main() {
    let chain = chain();
    let began = Instant::now();
    for number in 1..=BLOCKS {
        let logging = (number % 10 == 7).then(|| {
            let topics = [number, BLOCKS + number / 100];
            let input = topics.map(|number| topic(number).0).concat().into();
            Draft { input, ..draft(0, number / 10).to(LOGGER) }.dynamic()
        });
        extend(&chain, logging.into_iter().collect());
    }
    println!("{BLOCKS} blocks in {:?}", began.elapsed());
    let rare = LogFilter {
        to: BLOCKS,
        topics: [vec![topic(77_777)], vec![], vec![], vec![]],
        ..LogFilter::default()
    };
    let mut times: Vec<_> = (0..LOOKS)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(chain.logs(&rare, 10).expect("in memory").len(), 1);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("one log of {} in {BLOCKS} blocks: median {:?}", BLOCKS / 10, times[LOOKS / 2]);
}
