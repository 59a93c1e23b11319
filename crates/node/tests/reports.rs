//! The report pool: the newest of each publisher, and nothing that the oracle would not apply.

use alloy_primitives::{Address, B256, U256};
use gage_abi::IOracle::{PriceReport, SignedReport};
use gage_node::{AHEAD_SECONDS_MAX, ReportError, ReportPool, SourceFacts};

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

fn add(pool: &mut ReportPool, signed: SignedReport, signer: Address) -> Result<(), ReportError> {
    pool.add(signed, signer, &facts(), NOW)
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
    let rounds = |pool: &ReportPool, at, most| -> Vec<_> {
        pool.select(at, most).iter().map(|one| (one.report.feed, one.report.round)).collect()
    };
    assert_eq!(rounds(&pool, NOW, 9), [(1, 6), (1, 7), (2, 6)]);
    assert_eq!(rounds(&pool, NOW, 2), [(1, 6), (2, 6)], "the oldest where there are too many");
    assert_eq!(rounds(&pool, NOW - 5, 9), [(1, 6), (2, 6)], "the other is not due yet");
    pool.retain_newer(|feed, signer| if (feed, signer) == (1, BOB) { 6 } else { 0 });
    assert_eq!(rounds(&pool, NOW, 9), [(1, 7), (2, 6)]);
    pool.remove_sent(&pool.select(NOW, 1));
    assert_eq!(rounds(&pool, NOW, 9), [(1, 7)]);
}

#[test]
fn what_the_oracle_would_not_apply_is_refused_by_name() {
    let mut pool = ReportPool::default();
    let stranger = SourceFacts { is_publisher: false, ..facts() };
    assert_eq!(
        pool.add(report(1, 6, NOW), BOB, &stranger, NOW),
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
        pool.add(report(1, 6, NOW - 101), BOB, &first, NOW),
        Err(ReportError::Stale { feed: 1, time: NOW - 101, oldest: NOW - 100 })
    );
    let mut odd = report(1, 6, NOW);
    odd.report.price = U256::from(1) << 128;
    let too_large = Err(ReportError::TooLarge(odd.report.price));
    assert_eq!(add(&mut pool, odd, BOB), too_large);
    assert!(pool.is_empty());
    add(&mut pool, report(1, 6, NOW + AHEAD_SECONDS_MAX), BOB).unwrap();
}
