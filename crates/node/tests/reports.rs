//! The report pool: the newest of each publisher, whose turn it is, and nothing that the oracle would not apply.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use gage_abi::IOracle::{PriceReport, SignedReport};
use gage_chain::Lots;
use gage_core::{FeedId, sources::ROUND_MAX};
use gage_node::{
    AHEAD_SECONDS_MAX, REPORTS_WAITING_MAX, ReportError, ReportPool, SourceFacts, Turns,
};
use proptest::prelude::*;

const NOW: u64 = 1_000_000;
const ALICE: Address = Address::repeat_byte(1);
const BOB: Address = Address::repeat_byte(2);

fn report(feed: u32, round: u64, time: u64) -> SignedReport {
    let report = PriceReport { feed, round, time, price: U256::from(500), confidence: U256::ZERO };
    let unique = U256::from(feed) << 128 | U256::from(round) << 64 | U256::from(time);
    SignedReport { report, v: 27, r: B256::from(unique), s: B256::repeat_byte(1) }
}

fn facts() -> SourceFacts {
    SourceFacts { is_publisher: true, round: 5, updated_at: NOW - 50, age_seconds_max: 100 }
}

/// The turns of those who come after block `tip`, where a recognised market rests on these feeds.
fn turns(tip: u64, recognised: &[u32]) -> Turns {
    let recognised: BTreeSet<_> = recognised.iter().copied().map(FeedId::new).collect();
    Turns::new(tip, Lots(B256::with_last_byte(tip as u8)), Arc::new(recognised))
}

fn add(pool: &mut ReportPool, signed: SignedReport, signer: Address) -> Result<(), ReportError> {
    add_at(pool, signed, signer, &turns(0, &[1, 2]))
}

fn add_at(
    pool: &mut ReportPool,
    signed: SignedReport,
    signer: Address,
    turns: &Turns,
) -> Result<(), ReportError> {
    let turn = turns.of(signed.report.feed);
    pool.add((signed, signer), &facts(), turn, NOW)
}

/// Feeds and rounds of what a prelude would carry.
fn rounds(pool: &ReportPool, at: u64, most: usize) -> Vec<(u32, u64)> {
    pool.select(at, most).iter().map(|one| (one.report.feed, one.report.round)).collect()
}

fn feeds(pool: &ReportPool, most: usize) -> Vec<u32> {
    rounds(pool, NOW, most).into_iter().map(|(feed, _)| feed).collect()
}

/// What the oracle knows after it has applied all of these.
fn applied(carried: &[SignedReport]) -> impl Fn(u32, Address) -> Option<SourceFacts> {
    let rounds: Vec<_> = carried.iter().map(|one| (one.report.feed, one.report.round)).collect();
    move |feed, _| {
        let known = rounds.iter().filter(|(of, _)| *of == feed).map(|(_, round)| *round).max();
        Some(SourceFacts { round: known.unwrap_or_default(), ..facts() })
    }
}

#[test]
fn each_publisher_has_its_newest_report_for_each_feed() {
    let mut pool = ReportPool::default();
    add(&mut pool, report(1, 6, NOW - 5), ALICE).unwrap();
    add(&mut pool, report(1, 7, NOW - 4), ALICE).unwrap();
    add(&mut pool, report(1, 6, NOW - 5), BOB).unwrap();
    add(&mut pool, report(2, 6, NOW - 5), ALICE).unwrap();
    assert_eq!(pool.len(), 3);
    let old = add(&mut pool, report(1, 7, NOW - 3), ALICE);
    assert_eq!(old, Err(ReportError::NotNewer { feed: 1, round: 7, newest: 7 }));
    let sorted = |at, most| {
        let mut rounds = rounds(&pool, at, most);
        rounds.sort_unstable();
        rounds
    };
    assert_eq!(sorted(NOW, 9), [(1, 6), (1, 7), (2, 6)]);
    assert_eq!(sorted(NOW - 5, 9), [(1, 6), (2, 6)], "the other is not due yet");
    let few = sorted(NOW, 2);
    assert!(few == [(1, 6), (1, 7)] || few == [(2, 6)], "a feed's reports go together: {few:?}");
}

/// N-10: what a block carried is gone whatever became of it, unless the block had no gas for it and it is still of use.
#[test]
fn what_a_block_had_no_gas_for_keeps_its_turn() {
    let mut pool = ReportPool::default();
    for feed in [10, 11, 12] {
        add(&mut pool, report(feed, 6, NOW - 5), ALICE).unwrap();
    }
    let carried = pool.select(NOW, 9);
    assert_eq!(carried.len(), 3);
    let [first, second, third] = [0, 1, 2].map(|place| carried[place].report.feed);
    let facts = |feed, _| match feed {
        feed if feed == first => Some(SourceFacts { round: 6, ..facts() }),
        feed if feed == second => Some(SourceFacts { is_publisher: false, ..facts() }),
        _ => Some(facts()),
    };
    pool.follow(&carried, &turns(1, &[]), facts);
    assert_eq!(feeds(&pool, 9), [third]);
    add_at(&mut pool, report(first, 7, NOW - 4), ALICE, &turns(1, &[])).unwrap();
    assert_eq!(feeds(&pool, 9), [third, first], "it has waited longer");
}

/// N-10: nobody keeps a place by a report that is not due while others of its feed are carried.
#[test]
fn what_is_not_due_waits_anew_once_its_feed_was_carried() {
    let mut pool = ReportPool::default();
    add(&mut pool, report(10, 6, NOW - 5), ALICE).unwrap();
    add(&mut pool, report(10, 6, NOW + 5), BOB).unwrap();
    add_at(&mut pool, report(11, 6, NOW), ALICE, &turns(1, &[])).unwrap();
    let carried = pool.select(NOW, 1);
    assert_eq!(carried[0].report.feed, 10);
    let facts =
        |_, signer| Some(SourceFacts { round: if signer == ALICE { 6 } else { 5 }, ..facts() });
    pool.follow(&carried, &turns(2, &[]), facts);
    assert_eq!(rounds(&pool, NOW + 5, 9), [(11, 6), (10, 6)]);
}

/// N-10: a pool full of others' reports lets those of a recognised market's feeds in, and carries them first. Of the
/// others whoever came in an earlier block stays, and of those of one block whoever the lot prefers: neither a report's
/// age nor who comes first within a block counts.
#[test]
fn a_full_pool_refuses_no_recognised_feed() {
    let mut pool = ReportPool::default();
    let first = 100..100 + REPORTS_WAITING_MAX as u32;
    for feed in first.clone() {
        add(&mut pool, report(feed, 6, NOW - 40), ALICE).unwrap();
    }
    let last = feeds(&pool, REPORTS_WAITING_MAX)[REPORTS_WAITING_MAX - 1];
    assert_eq!(
        add_at(&mut pool, report(7, 6, NOW - 49), BOB, &turns(1, &[])),
        Err(ReportError::Full(7)),
        "later, and older"
    );
    let lots = turns(0, &[]);
    let better = (90_000..).find(|feed| lots.of(*feed) < lots.of(last)).unwrap();
    let worse = (90_000..).find(|feed| lots.of(*feed) > lots.of(last)).unwrap();
    assert_eq!(add(&mut pool, report(worse, 6, NOW), BOB), Err(ReportError::Full(worse)));
    add(&mut pool, report(better, 6, NOW), BOB).unwrap();
    assert_eq!(pool.len(), REPORTS_WAITING_MAX);
    let waiting: BTreeSet<_> = feeds(&pool, REPORTS_WAITING_MAX).into_iter().collect();
    assert!(waiting.contains(&better) && !waiting.contains(&last));
    add_at(&mut pool, report(1, 6, NOW), BOB, &turns(9, &[1, 2])).unwrap();
    add_at(&mut pool, report(2, 6, NOW), BOB, &turns(8, &[1, 2])).unwrap();
    assert_eq!(feeds(&pool, 2), [2, 1]);
    assert_eq!(pool.len(), REPORTS_WAITING_MAX + 2);
}

/// N-10: a feed has as many reports waiting as it may have sources, however often these are exchanged.
#[test]
fn a_feed_has_no_more_reports_than_sources() {
    let mut pool = ReportPool::default();
    for source in 0..16 {
        add(&mut pool, report(9, 6, NOW), Address::repeat_byte(source)).unwrap();
    }
    let more = add(&mut pool, report(9, 6, NOW), Address::repeat_byte(16));
    assert_eq!(more, Err(ReportError::Full(9)));
    add(&mut pool, report(9, 7, NOW + 1), Address::repeat_byte(3)).unwrap();
}

proptest! {
    /// N-10: whatever the lots are, and however many of the others wait, each of their feeds is carried after as many
    /// preludes as hold all of them, though every feed reports again after every block.
    #[test]
    fn every_feed_has_its_turn(count in 1_u32..60, room in 1_usize..20, first in 0_u8..200) {
        let mut pool = ReportPool::default();
        let mut had = BTreeSet::new();
        let blocks = (count as usize).div_ceil(room) as u64;
        for block in 0..blocks {
            let turns = turns(u64::from(first) + block, &[]);
            let (round, time) = (6 + block, NOW - 49 + block);
            for feed in 10..10 + count {
                add_at(&mut pool, report(feed, round, time), ALICE, &turns).unwrap();
            }
            let carried = pool.select(NOW + AHEAD_SECONDS_MAX, room);
            had.extend(carried.iter().map(|one| one.report.feed));
            pool.follow(&carried, &self::turns(u64::from(first) + block + 1, &[]), applied(&carried));
        }
        prop_assert_eq!(had.len(), count as usize);
    }
}

#[test]
fn what_the_oracle_would_not_apply_is_refused_by_name() {
    let mut pool = ReportPool::default();
    let turn = turns(0, &[]).of(1);
    let stranger = SourceFacts { is_publisher: false, ..facts() };
    assert_eq!(
        pool.add((report(1, 6, NOW), BOB), &stranger, turn, NOW),
        Err(ReportError::UnknownPublisher { feed: 1, signer: BOB })
    );
    let not_newer = Err(ReportError::NotNewer { feed: 1, round: 5, newest: 5 });
    assert_eq!(add(&mut pool, report(1, 5, NOW), BOB), not_newer);
    let same_time = Err(ReportError::NotNewer { feed: 1, round: 6, newest: 5 });
    assert_eq!(add(&mut pool, report(1, 6, NOW - 50), BOB), same_time);
    let late = NOW + AHEAD_SECONDS_MAX + 1;
    assert_eq!(
        add(&mut pool, report(1, 6, late), BOB),
        Err(ReportError::Future { feed: 1, time: late, now: NOW })
    );
    let first = SourceFacts { updated_at: 0, ..facts() };
    assert_eq!(
        pool.add((report(1, 6, NOW - 101), BOB), &first, turn, NOW),
        Err(ReportError::Stale { feed: 1, time: NOW - 101, oldest: NOW - 100 })
    );
    assert_eq!(
        add(&mut pool, report(1, ROUND_MAX + 1, NOW), BOB),
        Err(ReportError::Round { feed: 1, round: ROUND_MAX + 1 })
    );
    let mut odd = report(1, 6, NOW);
    odd.report.price = U256::from(1) << 128;
    let too_large = Err(ReportError::TooLarge(odd.report.price));
    assert_eq!(add(&mut pool, odd, BOB), too_large);
    assert!(pool.is_empty());
    add(&mut pool, report(1, 6, NOW + AHEAD_SECONDS_MAX), BOB).unwrap();
}
