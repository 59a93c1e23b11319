//! The pool of other oracles' messages: the newest of each source for each feed, and whose turn it is.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{B256, Bytes};
use gage_abi::IOracle::ProviderMessage;
use gage_chain::{Lots, PRELUDE_MESSAGES_MAX};
use gage_core::{FeedId, SourceId, SourceKind};
use gage_node::{MESSAGES_WAITING_MAX, MessageError, MessagePool, News, Turns};

const NOW: u64 = 1_000;

fn turns(tip: u64) -> Turns {
    let recognised = BTreeSet::from([1, 2].map(FeedId::new));
    Turns::new(tip, Lots(B256::with_last_byte(tip as u8)), Arc::new(recognised))
}

/// A message for these feeds, of which those in `news` get something of this time.
fn message(feeds: &[u32], news: &[(u32, u64)]) -> (ProviderMessage, News) {
    let source = SourceId { kind: SourceKind::Pyth, key: B256::repeat_byte(1) };
    let news: News =
        news.iter().map(|(feed, time)| ((FeedId::new(*feed), source), *time)).collect();
    let data = Bytes::from(format!("{news:?}").into_bytes());
    (ProviderMessage { provider: 2, feeds: feeds.to_vec(), data }, news)
}

fn add(pool: &mut MessagePool, feeds: &[u32], news: &[(u32, u64)]) -> Result<(), MessageError> {
    let (message, news) = message(feeds, news);
    pool.add(message, news, &turns(0))
}

fn selected(pool: &MessagePool, at: u64) -> Vec<Vec<u32>> {
    pool.select(at).into_iter().map(|message| message.feeds).collect()
}

#[test]
fn a_message_waits_while_it_has_the_newest_of_something() {
    let mut pool = MessagePool::default();
    add(&mut pool, &[1, 2], &[(1, NOW), (2, NOW)]).unwrap();
    assert!(matches!(add(&mut pool, &[1], &[(1, NOW)]), Err(MessageError::NothingNew)));
    add(&mut pool, &[1], &[(1, NOW + 1)]).unwrap();
    assert_eq!(pool.len(), 2, "the first has the newest of feed 2");
    assert_eq!(selected(&pool, NOW), [[1, 2]], "the other is not due");
    add(&mut pool, &[1, 2], &[(1, NOW + 1), (2, NOW + 1)]).unwrap();
    assert_eq!(selected(&pool, NOW + 1), [[1, 2]], "it has all that they had");
    pool.remove_sent(&pool.select(NOW + 1));
    assert!(pool.is_empty());
}

/// N-10: a pool full of messages for anyone's feeds takes those for a recognised market's, and carries them first.
#[test]
fn a_full_pool_refuses_no_message_for_recognised_feeds() {
    let mut pool = MessagePool::default();
    let mut refused = 0;
    for feed in 100..100 + 2 * MESSAGES_WAITING_MAX as u32 {
        let taken = add(&mut pool, &[feed], &[(feed, NOW - 500)]);
        refused += usize::from(matches!(taken, Err(MessageError::Full)));
        assert!(pool.len() <= MESSAGES_WAITING_MAX);
    }
    assert!(refused > 0 && pool.len() == MESSAGES_WAITING_MAX);
    add(&mut pool, &[1], &[(1, NOW)]).unwrap();
    add(&mut pool, &[2], &[(2, NOW)]).unwrap();
    let carried = selected(&pool, NOW);
    assert_eq!(carried.len(), PRELUDE_MESSAGES_MAX);
    assert_eq!(carried[..2].iter().map(|feeds| feeds[0]).collect::<BTreeSet<_>>(), [1, 2].into());
}

/// N-10: copies of a message for a recognised market's feeds, or feeds of one's own or the same feed again beside these,
/// come neither first nor in place of it.
#[test]
fn nobody_rides_on_a_message_for_recognised_feeds() {
    let mut pool = MessagePool::default();
    for own in 101..100 + MESSAGES_WAITING_MAX as u32 {
        let (message, news) = message(&[1, own], &[(1, NOW), (own, NOW)]);
        pool.add(message, news, &turns(0)).unwrap();
    }
    for feeds in [&[1, 1][..], &[1, 77]] {
        let copy = add(&mut pool, feeds, &[(1, NOW)]);
        assert!(matches!(copy, Err(MessageError::NothingNew)), "{copy:?}");
    }
    let (real, news) = message(&[1], &[(1, NOW)]);
    pool.add(real.clone(), news, &turns(9)).unwrap();
    assert_eq!(pool.select(NOW)[0], real);
    let (beside, news) = message(&[1, 999], &[(1, NOW + 1), (999, NOW)]);
    pool.add(beside, news, &turns(0)).unwrap();
    assert_eq!(pool.select(NOW)[0], real, "not even with something newer");
    assert!(matches!(add(&mut pool, &[1], &[(1, NOW)]), Err(MessageError::NothingNew)));
}
