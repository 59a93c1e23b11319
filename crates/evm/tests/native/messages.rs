//! Other oracles' messages in the prelude: recorded ones that verify, and everything that does not.

use super::feeds::rejections;
use super::support::*;
use super::sweeps::logs;
use alloy_primitives::{Address, B256, Bytes, hex};
use gage_abi::IOracle::{self, ProviderMessage};
use gage_abi::addresses::ORACLE;
use gage_evm::messages::{guardians_name, redstone_name};
use gage_oracle::ed25519::{self, Report};
use proptest::prelude::*;
use serde_json::Value;

const ED25519: u8 = 1;
const PYTH: u8 = 2;
const REDSTONE: u8 = 3;
const CHAINLINK: u8 = 4;

const PYTH_4: &str = "pyth_accumulator_guardian_set_4";
const PYTH_5: &str = "pyth_accumulator_guardian_set_5";
const REDSTONE_FIRST: &str = "redstone_eth_btc_1744829560000";
const REDSTONE_NEXT: &str = "redstone_eth_btc_1744829650000";
const STREAM: &str = "chainlink_data_streams_v3_2024-07-30";

/// The recorded messages, with their provenance.
fn fixture() -> Value {
    serde_json::from_str(include_str!("../../../oracle/tests/messages.json")).unwrap()
}

fn recorded(id: &str) -> Value {
    let all = fixture();
    all["messages"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone()
}

fn data(id: &str) -> Bytes {
    hex::decode(recorded(id)["hex"].as_str().unwrap()).unwrap().into()
}

fn message(provider: u8, feeds: &[u32], data: Bytes) -> ProviderMessage {
    ProviderMessage { provider, feeds: feeds.to_vec(), data }
}

fn addresses(list: &Value) -> Vec<Address> {
    list.as_array().unwrap().iter().map(address).collect()
}

fn address(text: &Value) -> Address {
    text.as_str().unwrap().parse().unwrap()
}

/// Set 5 as recorded; in set 4 two guardians were others.
fn guardians(index: u32) -> Vec<Address> {
    let mut set = addresses(&fixture()["guardian_sets"]["5"]);
    if index == 4 {
        for pair in recorded(PYTH_4)["expect"]["guardians"].as_array().unwrap() {
            set[pair[0].as_u64().unwrap() as usize] = address(&pair[1]);
        }
    }
    set
}

fn redstone_signers() -> Vec<Address> {
    let mut signers: Vec<Address> = Vec::new();
    for id in [REDSTONE_FIRST, REDSTONE_NEXT] {
        let packages = recorded(id);
        let packages = packages["expect"]["packages"].as_array().unwrap().clone();
        signers.extend(packages.iter().map(|package| address(&package["signer"])));
    }
    signers.sort_unstable();
    signers.dedup();
    signers
}

fn chainlink_digest() -> B256 {
    B256::from_slice(&data(STREAM)[..32])
}

fn pyth_id(id: &str) -> B256 {
    recorded(id)["expect"]["updates"][0]["feed_id"].as_str().unwrap().parse().unwrap()
}

impl World {
    /// A feed of one source of another oracle's.
    fn feed_of(&mut self, kind: u8, key: B256) -> u32 {
        let feed = self.new_feed(unguarded());
        self.ok(OWNER, ORACLE, IOracle::setSourceCall { feed, source: source(kind, key) });
        feed
    }

    fn name_signers(&mut self, provider: u8, name: B256, signers: Vec<Address>, threshold: u8) {
        self.signers_until(provider, name, (signers, threshold), 0);
    }

    fn signers_until(
        &mut self,
        provider: u8,
        name: B256,
        (signers, threshold): (Vec<Address>, u8),
        until: u64,
    ) {
        let set = IOracle::setSignersCall { provider, name, signers, threshold, expiresAt: until };
        self.ok(GOVERNOR, ORACLE, set);
    }

    /// Applies messages at this moment; returns why some were not.
    fn hear(&mut self, now: u64, messages: &[ProviderMessage]) -> Vec<(u32, String)> {
        self.now = now;
        let done = self.prelude_of(&[], messages);
        assert!(done.is_success(), "{:?}", done.result);
        rejections(&done).into_iter().map(|(feed, .., reason)| (feed, reason)).collect()
    }

    fn price_of(&mut self, feed: u32) -> (u128, u64, bool) {
        let state = self.state_of(feed);
        (state.price.to(), state.updatedAt, state.fresh)
    }
}

/// Each recorded kind of message, with a world at the moment when it was recorded that has a feed for it and knows who
/// must have signed it.
pub(super) fn heard() -> [(&'static str, World, ProviderMessage); 3] {
    let eth = B256::right_padding_from(b"ETH");
    let stream = recorded(STREAM)["expect"].clone();
    let id = stream["feed_id"].as_str().unwrap().parse().unwrap();
    let signers = addresses(&stream["signers"]);
    let kinds = [
        ("Pyth", PYTH, pyth_id(PYTH_5), (guardians_name(5), guardians(5), 13)),
        ("RedStone", REDSTONE, eth, (redstone_name(), redstone_signers(), 3)),
        ("Chainlink", CHAINLINK, id, (chainlink_digest(), signers, 6)),
    ];
    let moments =
        [(PYTH_5, 1_775_245_700), (REDSTONE_FIRST, 1_744_829_561), (STREAM, 1_722_349_000)];
    core::array::from_fn(|place| {
        let (name, kind, key, (set, signers, threshold)) = kinds[place].clone();
        let (recording, now) = moments[place];
        let mut world = World::genesis();
        let feed = world.feed_of(kind, key);
        world.name_signers(kind, set, signers, threshold);
        let said = message(kind, &[feed], data(recording));
        assert_eq!(world.clone().hear(now, std::slice::from_ref(&said)), []);
        world.now = now;
        (name, world, said)
    })
}

/// A chain at the moment when a stream was recorded takes its price; a day later it is refused.
#[test]
fn a_recorded_stream_is_a_price() {
    let mut world = World::genesis();
    let expect = recorded(STREAM)["expect"].clone();
    let id: B256 = expect["feed_id"].as_str().unwrap().parse().unwrap();
    let feed = world.feed_of(CHAINLINK, id);
    let heard = [message(CHAINLINK, &[feed], data(STREAM))];
    let digest = chainlink_digest();
    let unknown = format!("UnknownSigners(provider: 4, name: {digest})");
    assert_eq!(world.hear(1_722_349_000, &heard), [(feed, unknown)]);
    world.name_signers(CHAINLINK, digest, addresses(&expect["signers"]), 6);
    assert_eq!(world.hear(1_722_349_000, &heard), []);
    assert_eq!(world.price_of(feed), (695_410_242_043_786_500, 1_722_348_998, true));
    let source = &world.sources_of(feed)[0];
    // The ask is 251,970,169,351,900 above: 363 millionths, rounded up.
    assert_eq!((source.confidence, source.round), (363, 1_722_348_998));
    let again = format!("ReportNotNewer(feed: {feed}, round: 1722348998, lastRound: 1722348998)");
    assert_eq!(world.hear(1_722_349_001, &heard), [(feed, again)]);
    let late = world.hear(1_722_435_399, &heard);
    let expired = "the report expired at 1722435398, it is 1722435399";
    assert_eq!(late, [(feed, format!("InvalidMessage(provider: 4, reason: {expired})"))]);
    // Before it was observed it is of the future.
    let mut world = World::genesis();
    let feed = world.feed_of(CHAINLINK, id);
    world.name_signers(CHAINLINK, digest, addresses(&expect["signers"]), 6);
    let early = world.hear(1_722_348_997, &[message(CHAINLINK, &[feed], data(STREAM))]);
    assert!(early[0].1.starts_with("ReportFromFuture("), "{early:?}");
}

/// One payload of RedStone's serves two feeds; the next one follows it, and the first does not come back.
#[test]
fn recorded_packages_serve_two_feeds() {
    let mut world = World::genesis();
    let id = |name: &str| B256::right_padding_from(name.as_bytes());
    let (eth, btc) = (world.feed_of(REDSTONE, id("ETH")), world.feed_of(REDSTONE, id("BTC")));
    world.name_signers(REDSTONE, redstone_name(), redstone_signers(), 3);
    let said = |id: &str| [message(REDSTONE, &[eth, btc], data(id))];
    assert_eq!(world.hear(1_744_829_561, &said(REDSTONE_FIRST)), []);
    assert_eq!(world.price_of(eth), (156_537_608_660 * 10_u128.pow(10), 1_744_829_560, true));
    assert_eq!(world.price_of(btc), (8_396_083_019_375 * 10_u128.pow(10), 1_744_829_560, true));
    assert_eq!(world.hear(1_744_829_655, &said(REDSTONE_NEXT)), []);
    assert_eq!(world.price_of(eth), (156_277_937_205 * 10_u128.pow(10), 1_744_829_650, true));
    let back = world.hear(1_744_829_656, &said(REDSTONE_FIRST));
    assert_eq!(back.len(), 2);
    assert!(back.iter().all(|(_, reason)| reason.starts_with("ReportNotNewer(")), "{back:?}");
    // Four of five who must sign did not.
    world.name_signers(REDSTONE, redstone_name(), redstone_signers(), 4);
    let few = world.hear(1_744_829_657, &said(REDSTONE_NEXT));
    assert!(few[0].1.starts_with("InvalidMessage(provider: 3, reason: 3 sign"), "{few:?}");
}

/// Guardians rotate: what the last set signs stops to count, what the next one signs counts.
#[test]
fn a_set_of_guardians_rotates() {
    let mut world = World::genesis();
    let (first, next) =
        (world.feed_of(PYTH, pyth_id(PYTH_4)), world.feed_of(PYTH, pyth_id(PYTH_5)));
    let name = guardians_name;
    world.name_signers(PYTH, name(4), guardians(4), 13);
    let old = [message(PYTH, &[first], data(PYTH_4))];
    let new = [message(PYTH, &[next], data(PYTH_5))];
    assert_eq!(world.hear(1_743_631_840, &old), []);
    assert_eq!(world.price_of(first).1, 1_743_631_834);

    let (now, unknown) = (1_775_245_700, "UnknownSigners(provider: 2, name: ");
    let found = world.hear(now, &new);
    assert!(found[0].1.starts_with(unknown), "{found:?}");
    world.name_signers(PYTH, name(5), guardians(5), 13);
    world.signers_until(PYTH, name(4), (guardians(4), 13), now + 10);
    assert_eq!(world.hear(now, &new), []);
    assert_eq!(world.price_of(next), (6_689_118_646_642 * 10_u128.pow(10), 1_775_245_693, true));

    // Until the old set expires it is only an old report; then it is nobody's.
    assert!(world.hear(now + 9, &old)[0].1.starts_with("ReportNotNewer("));
    assert!(world.hear(now + 10, &old)[0].1.starts_with(unknown));
    let set = world.ok(STRANGER, ORACLE, IOracle::signersCall { provider: PYTH, name: name(4) });
    assert_eq!((set._0.len(), set.threshold, set.expiresAt), (19, 13, now + 10));
    // A smaller set leaves nothing of the larger one behind.
    world.name_signers(PYTH, name(4), guardians(4)[..2].to_vec(), 1);
    let set = world.ok(STRANGER, ORACLE, IOracle::signersCall { provider: PYTH, name: name(4) });
    assert_eq!((set._0, set.threshold, set.expiresAt), (guardians(4)[..2].to_vec(), 1, 0));
    // The records may ask for more signatures than the format.
    world.name_signers(PYTH, name(5), guardians(5), 14);
    let few = world.hear(now + 11, &new);
    assert!(few[0].1.contains("13 signatures, 14 needed"), "{few:?}");
}

/// What a message says counts only for feeds that name its source, and that it is for.
#[test]
fn a_message_is_for_feeds_that_name_its_source() {
    let mut world = World::genesis();
    let feed = world.feed_of(PYTH, pyth_id(PYTH_5));
    let same_key = world.feed_of(REDSTONE, pyth_id(PYTH_5));
    let other = world.feed_of(PYTH, pyth_id(PYTH_4));
    let unnamed = world.feed_of(PYTH, pyth_id(PYTH_5));
    world.name_signers(PYTH, guardians_name(5), guardians(5), 13);
    let heard = [message(PYTH, &[feed, same_key, other, 99, feed], data(PYTH_5))];
    let found = world.hear(1_775_245_700, &heard);
    let id = pyth_id(PYTH_5);
    let stranger = |feed| format!("UnknownSource(feed: {feed}, kind: 2, key: {id})");
    assert_eq!(found[0], (same_key, stranger(same_key)));
    assert_eq!(found[1], (other, stranger(other)));
    assert_eq!(found[2], (99, "UnknownFeed(feed: 99)".into()));
    assert!(found[3].0 == feed && found[3].1.starts_with("ReportNotNewer("), "{found:?}");
    assert_eq!(found.len(), 4);
    assert!(world.price_of(feed).2);
    assert_eq!(world.price_of(unnamed), (0, 0, false));
}

/// Publishers' ed25519 reports: each counts by its own key, for its own feed and chain.
#[test]
fn ed25519_reports_count_by_their_key() {
    let mut world = World::genesis();
    let seeds = [[1; 32], [2; 32], [3; 32]];
    let feed = world.feed_of(ED25519, ed25519::public_key(&seeds[0]));
    let key = ed25519::public_key(&seeds[1]);
    world.ok(OWNER, ORACLE, IOracle::setSourceCall { feed, source: source(ED25519, key) });
    let said = |feed, round, time, price: u128| Report {
        feed,
        round,
        time,
        price: price * WAD,
        confidence: WAD / 100,
    };
    let batch = |chain, round, time| {
        let signed: Vec<_> = seeds
            .iter()
            .zip([100, 102, 900])
            .map(|(seed, price)| said(feed, round, time, price).sign(chain, seed))
            .collect();
        [message(ED25519, &[feed], ed25519::encode(chain, &signed).unwrap().into())]
    };
    let now = world.now;
    let found = world.hear(now, &batch(CHAIN_ID, 1, now));
    let stranger = ed25519::public_key(&seeds[2]);
    assert_eq!(found, [(feed, format!("UnknownSource(feed: {feed}, kind: 1, key: {stranger})"))]);
    assert_eq!(world.price_of(feed), (101 * WAD, now, true));
    let sources = world.sources_of(feed);
    assert_eq!((sources[0].confidence, sources[1].round), (100, 1));

    let replayed = world.hear(now + 1, &batch(CHAIN_ID, 1, now));
    assert_eq!(replayed.len(), 3);
    assert_eq!(replayed.iter().filter(|one| one.1.starts_with("ReportNotNewer(")).count(), 2);
    let foreign = world.hear(now + 2, &batch(CHAIN_ID + 1, 2, now + 2));
    let reason = format!("signed for chain {}, this is chain {CHAIN_ID}", CHAIN_ID + 1);
    assert_eq!(foreign, [(feed, format!("InvalidMessage(provider: 1, reason: {reason})"))]);
    // One flipped bit, anywhere, and nothing of the batch counts.
    let good = batch(CHAIN_ID, 3, now + 3);
    for at in (0..good[0].data.len()).step_by(7) {
        let mut bytes = good[0].data.to_vec();
        bytes[at] ^= 1;
        let found = world.clone().hear(now + 3, &[message(ED25519, &[feed], bytes.into())]);
        assert!(!found.is_empty(), "byte {at}");
    }
    assert_eq!(world.hear(now + 3, &good).len(), 1);
}

/// Whatever a message is cut or spoilt to, the prelude goes on, says why, and other feeds get their prices.
#[test]
fn spoilt_messages_stop_nobody() {
    let mut world = World::genesis();
    let now = 1_775_245_700;
    let feed = world.feed_of(PYTH, pyth_id(PYTH_5));
    world.name_signers(PYTH, guardians_name(5), guardians(5), 13);
    world.name_signers(REDSTONE, redstone_name(), redstone_signers(), 3);
    world.name_signers(CHAINLINK, chainlink_digest(), vec![STRANGER], 1);
    let usual = world.new_feed(unguarded());
    world.name_publisher(usual, &publisher());
    world.now = now;
    for (kind, id) in [(PYTH, PYTH_5), (REDSTONE, REDSTONE_NEXT), (CHAINLINK, STREAM)] {
        let whole = data(id);
        let cuts = (0..whole.len()).step_by(61);
        let mut spoilt: Vec<_> =
            cuts.map(|length| message(kind, &[feed], whole.slice(..length))).collect();
        spoilt.extend((0..whole.len()).step_by(67).map(|at| {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 0x40;
            message(kind, &[feed], bytes.into())
        }));
        let mut world = world.clone();
        let good = signed(&publisher(), report(usual, 1, now, WAD));
        let done = world.prelude_of(&[good], &spoilt);
        assert!(done.is_success(), "{:?}", done.result);
        let updates: Vec<IOracle::PriceUpdated> = logs(&done);
        let refused = rejections(&done).len();
        // What nobody signed may be anything: Pyth's minor version, for one.
        assert!(refused + 2 >= spoilt.len(), "{refused} of {}", spoilt.len());
        assert!(updates.iter().any(|update| update.feed == usual));
    }
    for provider in [0, 5, 6, 255] {
        let found = world.clone().hear(now, &[message(provider, &[feed], data(PYTH_5))]);
        let reason = format!("provider {provider} is not supported");
        let wanted = format!("InvalidMessage(provider: {provider}, reason: {reason})");
        assert_eq!(found, [(feed, wanted)]);
    }
}

/// Governance alone names signers, and only a set that can sign.
#[test]
fn sets_that_cannot_sign_are_refused() {
    let mut world = World::genesis();
    let set = |provider, signers: &[Address], threshold| IOracle::setSignersCall {
        provider,
        name: B256::ZERO,
        signers: signers.to_vec(),
        threshold,
        expiresAt: 0,
    };
    let many: Vec<_> = (1..34).map(Address::repeat_byte).collect();
    for (call, wanted) in [
        (set(PYTH, &[], 1), "InvalidParameter(name: signers, value: 0)"),
        (set(PYTH, &many, 1), "InvalidParameter(name: signers, value: 33)"),
        (set(PYTH, &[LENDER], 0), "InvalidParameter(name: signature threshold, value: 0)"),
        (set(PYTH, &[LENDER], 2), "InvalidParameter(name: signature threshold, value: 2)"),
        (set(PYTH, &[LENDER, LENDER], 1), "InvalidParameter(name: distinct signers, value: 1)"),
        (set(PYTH, &[Address::ZERO], 1), "InvalidParameter(name: distinct signers, value: 1)"),
        (set(ED25519, &[LENDER], 1), "InvalidParameter(name: provider, value: 1)"),
        (set(9, &[LENDER], 1), "InvalidParameter(name: source kind, value: 9)"),
    ] {
        assert_eq!(world.refused(GOVERNOR, ORACLE, call), wanted);
    }
    assert!(world.refused(OWNER, ORACLE, set(PYTH, &[LENDER], 1)).starts_with("NotAuthorised("));
    world.ok(GOVERNOR, ORACLE, set(PYTH, &many[..32], 32));
}

/// More than gas suffices for is left out, and the prelude succeeds with the rest.
#[test]
fn a_prelude_never_runs_out_of_gas() {
    let mut world = World::genesis();
    let feeds: Vec<_> = (0..120).map(|_| world.new_feed(unguarded())).collect();
    let keys: Vec<_> = (20..32).map(key).collect();
    for feed in &feeds {
        for key in &keys {
            world.name_publisher(*feed, key);
        }
    }
    let now = world.now;
    let said = |feed: &u32, key| signed(key, report(*feed, 1, now, WAD));
    let reports: Vec<_> =
        feeds.iter().flat_map(|feed| keys.iter().map(move |key| said(feed, key))).collect();
    let done = world.prelude(&reports);
    assert!(done.is_success(), "{:?}", done.result);
    let updates: Vec<IOracle::PriceUpdated> = logs(&done);
    assert!(!updates.is_empty() && updates.len() < feeds.len(), "{}", updates.len());
    // The next block's prelude, with less to do, catches up.
    world.now += 1;
    let done = world.prelude(
        &feeds
            .iter()
            .map(|feed| signed(&keys[0], report(*feed, 2, now + 1, WAD)))
            .collect::<Vec<_>>(),
    );
    let updates: Vec<IOracle::PriceUpdated> = logs(&done);
    assert_eq!(updates.len(), feeds.len());
}

/// N-10: prices are made in the order in which a prelude names their feeds, of reports and of messages in turns, so that
/// hundreds of older feeds of anyone's take no gas from what stands before them.
#[test]
fn reg_n10_older_feeds_take_no_price_s_gas() {
    let [_, (_, mut world, heard), _] = heard();
    let older: Vec<_> = (0..300).map(|_| world.new_feed(unguarded())).collect();
    let reported = world.new_feed(unguarded());
    for feed in older.iter().chain([&reported]) {
        world.name_publisher(*feed, &key(20));
    }
    let told = world.feed_of(REDSTONE, B256::right_padding_from(b"ETH"));
    let now = world.now;
    let named = std::iter::once(&reported).chain(&older);
    let reports: Vec<_> = named.map(|feed| signed(&key(20), report(*feed, 1, now, WAD))).collect();
    let done = world.prelude_of(&reports, &[message(REDSTONE, &[told], heard.data)]);
    let updates: Vec<IOracle::PriceUpdated> = logs(&done);
    let updated: Vec<u32> = updates.iter().map(|update| update.feed).collect();
    assert!(updated.contains(&reported) && updated.contains(&told), "{updated:?}");
    assert!(updated.len() < older.len(), "the gas was not enough for all");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No bytes of any provider make a prelude fail.
    #[test]
    fn any_message_is_answered(
        provider in 0_u8..6,
        feeds in prop::collection::vec(0_u32..4, 0..4),
        head in prop::sample::select(vec!["", "504e415501", "47414745"]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        tail in prop::sample::select(vec!["", "000002ed57011e0000"]),
    ) {
        let mut world = World::market();
        let data = [hex::decode(head).unwrap(), bytes, hex::decode(tail).unwrap()].concat();
        let before = world.state();
        let named = feeds.len();
        let done = world.prelude_of(&[], &[message(provider, &feeds, data.into())]);
        prop_assert!(done.is_success());
        prop_assert_eq!(rejections(&done).len(), named);
        prop_assert_eq!(world.state(), before);
    }
}
