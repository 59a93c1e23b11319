//! Recorded messages of the providers: every value in the fixture, and every way to spoil a byte.

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use gage_oracle::pyth::GuardianSet;
use gage_oracle::{
    Message, MessageError, Observation, SignerSet, chainlink, open_price_feed, pyth, redstone,
    verify_all,
};
use serde_json::Value;

/// The recorded messages with their provenance.
fn fixture() -> Value {
    serde_json::from_str(include_str!("messages.json")).expect("the fixture is JSON")
}

fn recorded(id: &str) -> Value {
    let all = fixture();
    let found = all["messages"].as_array().expect("as recorded").iter().find(|one| one["id"] == id);
    found.unwrap_or_else(|| panic!("no message {id}")).clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("as recorded")).expect("as recorded")
}

fn address(value: &Value) -> Address {
    value.as_str().expect("as recorded").parse().expect("as recorded")
}

/// A number, written as such or as text.
fn number(value: &Value) -> i128 {
    value.as_i64().map_or_else(
        || value.as_str().expect("as recorded").parse().expect("as recorded"),
        i128::from,
    )
}

/// Guardian set 5 as in the fixture; set 4 differs from it by two guardians who were rotated out.
fn guardians(index: u32) -> Vec<Address> {
    let mut set: Vec<_> = fixture()["guardian_sets"]["5"]
        .as_array()
        .expect("as recorded")
        .iter()
        .map(address)
        .collect();
    if index == 4 {
        for pair in recorded("pyth_accumulator_guardian_set_4")["expect"]["guardians"]
            .as_array()
            .expect("as recorded")
        {
            set[usize::try_from(number(&pair[0])).expect("as recorded")] = address(&pair[1]);
        }
    }
    set
}

fn redstone_signers() -> Vec<Address> {
    let mut signers = Vec::new();
    for id in ["redstone_eth_btc_1744829560000", "redstone_eth_btc_1744829650000"] {
        for package in recorded(id)["expect"]["packages"].as_array().expect("as recorded") {
            let signer = address(&package["signer"]);
            if !signers.contains(&signer) {
                signers.push(signer);
            }
        }
    }
    assert_eq!(signers.len(), 5);
    signers
}

fn chainlink_signers() -> Vec<Address> {
    let message = recorded("chainlink_data_streams_v3_2024-07-30");
    message["expect"]["signers"].as_array().expect("as recorded").iter().map(address).collect()
}

fn feed(name: &str) -> B256 {
    B256::right_padding_from(name.as_bytes())
}

#[test]
fn pyth_updates_have_the_recorded_values() {
    for index in [4, 5] {
        let message = recorded(&format!("pyth_accumulator_guardian_set_{index}"));
        let (data, expect) = (bytes(&message["hex"]), &message["expect"]);
        let update = pyth::parse(&data).expect("as recorded");
        assert_eq!(pyth::peek(&data), Ok(index));
        assert_eq!(i128::from(update.guardian_set), number(&expect["guardian_set"]));
        assert_eq!(update.signatures.len() as i128, number(&expect["signatures"]));
        assert_eq!(i128::from(update.body.time), number(&expect["vaa_timestamp"]));
        assert_eq!(i128::from(update.body.chain), number(&expect["emitter_chain"]));
        assert_eq!(
            hex::encode(update.body.emitter),
            expect["emitter"].as_str().expect("as recorded")
        );
        assert_eq!(i128::from(update.body.sequence), number(&expect["sequence"]));
        let hash = keccak256(keccak256(update.body.bytes));
        for ((guardian, signature), pair) in
            update.signatures.iter().zip(expect["guardians"].as_array().expect("as recorded"))
        {
            assert_eq!(i128::from(*guardian), number(&pair[0]));
            assert_eq!(signature.recover(hash), Ok(address(&pair[1])));
        }
        let one = &expect["updates"][0];
        let leaf = update.prices[0];
        assert_eq!(update.prices.len(), expect["updates"].as_array().expect("as recorded").len());
        assert_eq!(i128::from(leaf.message[0]), number(&one["type"]));
        assert_eq!((leaf.path.len() / 20) as i128, number(&one["path_len"]));
        let price = leaf.price;
        assert_eq!(hex::encode(price.id), one["feed_id"].as_str().expect("as recorded"));
        assert_eq!(i128::from(price.price), number(&one["price"]));
        assert_eq!(i128::from(price.confidence), number(&one["conf"]));
        assert_eq!(i128::from(price.exponent), number(&one["expo"]));
        assert_eq!(i128::from(price.time), number(&one["publish_time"]));
        assert_eq!(i128::from(price.time_before), number(&one["prev_publish_time"]));
        assert_eq!(i128::from(price.average), number(&one["ema_price"]));
        assert_eq!(i128::from(price.average_confidence), number(&one["ema_conf"]));

        let set = guardians(index);
        let observations =
            pyth::verify(&data, &GuardianSet { index, guardians: &set }).expect("as recorded");
        let wad =
            |value: &Value| u128::try_from(number(value)).expect("as recorded") * 10u128.pow(10);
        let expected = Observation {
            id: price.id,
            feed: None,
            price: wad(&one["price"]),
            confidence: wad(&one["conf"]),
            time: u64::try_from(number(&one["publish_time"])).expect("as recorded"),
            round: 0,
        };
        assert_eq!(observations, [expected]);
    }
}

#[test]
fn redstone_payloads_have_the_recorded_values() {
    for id in ["redstone_eth_btc_1744829560000", "redstone_eth_btc_1744829650000"] {
        let message = recorded(id);
        let (data, expect) = (bytes(&message["hex"]), &message["expect"]);
        let payload = redstone::parse(&data).expect("as recorded");
        assert!(payload.metadata.is_empty());
        assert_eq!(payload.packages.len() as i128, number(&expect["n"]));
        for (package, one) in
            payload.packages.iter().zip(expect["packages"].as_array().expect("as recorded"))
        {
            assert_eq!(i128::from(package.time_ms), number(&one["timestamp_ms"]));
            let signer = package.signature.recover(keccak256(package.signed));
            assert_eq!(signer, Ok(address(&one["signer"])));
            assert_eq!(package.points.len(), one["points"].as_array().expect("as recorded").len());
            for (point, pair) in
                package.points.iter().zip(one["points"].as_array().expect("as recorded"))
            {
                assert_eq!(point.id, feed(pair[0].as_str().expect("as recorded")));
                assert_eq!(
                    point.value,
                    U256::from(u128::try_from(number(&pair[1])).expect("as recorded"))
                );
            }
        }
    }
}

#[test]
fn redstone_gives_the_median_of_its_signers() {
    let signers = redstone_signers();
    let set = SignerSet { signers: &signers, threshold: 3 };
    let data = bytes(&recorded("redstone_eth_btc_1744829560000")["hex"]);
    let observation = |name, price, confidence, time| Observation {
        id: feed(name),
        feed: None,
        price: price * 10u128.pow(10),
        confidence: confidence * 10u128.pow(10),
        time,
        round: 0,
    };
    let expected = [
        observation("BTC", 8_396_083_019_375, 0, 1_744_829_560),
        observation("ETH", 156_537_608_660, 106_992, 1_744_829_560),
    ];
    assert_eq!(redstone::verify(&data, &set).expect("as recorded"), expected);

    let data = bytes(&recorded("redstone_eth_btc_1744829650000")["hex"]);
    let expected = [
        observation("BTC", 8_396_977_516_955, 0, 1_744_829_650),
        observation("ETH", 156_277_937_205, 0, 1_744_829_650),
    ];
    assert_eq!(redstone::verify(&data, &set).expect("as recorded"), expected);
}

fn chainlink_trust<'a>(signers: &'a [Address], threshold: usize) -> chainlink::Trust<'a> {
    let data = bytes(&recorded("chainlink_data_streams_v3_2024-07-30")["hex"]);
    chainlink::Trust {
        digest: chainlink::peek(&data).expect("as recorded"),
        signers: SignerSet { signers, threshold },
        decimals: chainlink::DECIMALS,
        now: 1_722_348_998,
    }
}

#[test]
fn chainlink_report_has_the_recorded_values() {
    let message = recorded("chainlink_data_streams_v3_2024-07-30");
    let (data, expect) = (bytes(&message["hex"]), &message["expect"]);
    let full = chainlink::parse(&data).expect("as recorded");
    let report = full.report;
    assert_eq!(hex::encode(report.id), expect["feed_id"].as_str().expect("as recorded"));
    assert_eq!(i128::from(report.valid_from), number(&expect["valid_from"]));
    assert_eq!(i128::from(report.observed), number(&expect["observations"]));
    assert_eq!(report.native_fee.to::<u128>() as i128, number(&expect["native_fee"]));
    assert_eq!(report.link_fee.to::<u128>() as i128, number(&expect["link_fee"]));
    assert_eq!(i128::from(report.expires), number(&expect["expires_at"]));
    let chainlink::Extra::Sides { bid, ask } = report.extra else { panic!("schema 3") };
    let (price, bid, ask) = (
        i128::try_from(report.price).expect("as recorded"),
        i128::try_from(bid).expect("as recorded"),
        i128::try_from(ask).expect("as recorded"),
    );
    assert_eq!(price, number(&expect["price_1e18"]));
    assert_eq!(bid, number(&expect["bid_1e18"]));
    assert_eq!(ask, number(&expect["ask_1e18"]));
    let signers = chainlink_signers();
    assert_eq!(full.signatures.len(), signers.len());
    let mut signed = keccak256(full.blob).to_vec();
    signed.extend_from_slice(full.context);
    for (signature, signer) in full.signatures.iter().zip(&signers) {
        assert_eq!(signature.recover(keccak256(&signed)), Ok(*signer));
    }
    let expected = Observation {
        id: report.id,
        feed: None,
        price: price.unsigned_abs(),
        confidence: (price - bid).max(ask - price).unsigned_abs(),
        time: 1_722_348_998,
        round: 0,
    };
    assert_eq!(
        chainlink::verify(&data, &chainlink_trust(&signers, 6)).expect("as recorded"),
        [expected]
    );
}

#[test]
fn chainlink_reads_as_the_maintained_crate_does() {
    let data = bytes(&recorded("chainlink_data_streams_v3_2024-07-30")["hex"]);
    let (_, blob) =
        chainlink_data_streams_report::report::decode_full_report(&data).expect("as recorded");
    let theirs = chainlink_data_streams_report::report::v3::ReportDataV3::decode(&blob)
        .expect("as recorded");
    let full = chainlink::parse(&data).expect("as recorded");
    assert_eq!(full.blob, blob);
    assert_eq!(full.report.id.0, theirs.feed_id.0);
    assert_eq!(full.report.price.to_string(), theirs.benchmark_price.to_string());
    let chainlink::Extra::Sides { bid, ask } = full.report.extra else { panic!("schema 3") };
    assert_eq!(bid.to_string(), theirs.bid.to_string());
    assert_eq!(ask.to_string(), theirs.ask.to_string());
    assert_eq!(full.report.native_fee.to_string(), theirs.native_fee.to_string());
    assert_eq!(full.report.link_fee.to_string(), theirs.link_fee.to_string());
    assert_eq!(
        (full.report.valid_from, full.report.observed, full.report.expires),
        (theirs.valid_from_timestamp, theirs.observations_timestamp, theirs.expires_at)
    );
}

/// Micro-dollars of a decimal text.
fn micro(text: &str) -> u128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<6}").parse().expect("as recorded")
}

#[test]
fn open_price_feed_has_the_recorded_values() {
    let message = recorded("open_price_feed_okx_1609340760");
    let expect = &message["expect"];
    let reporter = [address(&expect["signer"])];
    let pairs = message["messages"]
        .as_array()
        .expect("as recorded")
        .iter()
        .zip(message["signatures"].as_array().expect("as recorded"));
    let mut seen = 0;
    for (data, signature) in pairs {
        let (data, signature) = (bytes(data), bytes(signature));
        let price = open_price_feed::parse(&data).expect("as recorded");
        let key = std::str::from_utf8(price.key).expect("as recorded");
        let expected = micro(expect["prices"][key].as_str().expect("as recorded"));
        assert_eq!(u128::from(price.value), expected, "{key}");
        assert_eq!(i128::from(price.time), number(&expect["timestamp"]));
        let observation = Observation {
            id: feed(key),
            feed: None,
            price: expected * 10u128.pow(12),
            confidence: 0,
            time: 1_609_340_760,
            round: 0,
        };
        assert_eq!(open_price_feed::verify(&data, &signature, &reporter), Ok(vec![observation]));
        let stranger = [Address::repeat_byte(1)];
        assert_eq!(
            open_price_feed::verify(&data, &signature, &stranger),
            Err(MessageError::SignerUnknown { signer: reporter[0] })
        );
        seen += 1;
    }
    assert_eq!(seen, expect["prices"].as_object().expect("as recorded").len());
}

/// Every recorded message with the trust that accepts it; the last part is what holds them.
struct Held {
    data: Vec<Vec<u8>>,
    guardians: [Vec<Address>; 2],
    redstone: Vec<Address>,
    chainlink: Vec<Address>,
    reporter: [Address; 1],
    signature: Vec<u8>,
}

impl Held {
    fn new() -> Self {
        let ids = [
            "pyth_accumulator_guardian_set_4",
            "pyth_accumulator_guardian_set_5",
            "redstone_eth_btc_1744829560000",
            "redstone_eth_btc_1744829650000",
            "chainlink_data_streams_v3_2024-07-30",
        ];
        let mut data: Vec<_> = ids.iter().map(|id| bytes(&recorded(id)["hex"])).collect();
        let open = recorded("open_price_feed_okx_1609340760");
        data.push(bytes(&open["messages"][0]));
        Self {
            data,
            guardians: [guardians(4), guardians(5)],
            redstone: redstone_signers(),
            chainlink: chainlink_signers(),
            reporter: [address(&open["expect"]["signer"])],
            signature: bytes(&open["signatures"][0]),
        }
    }

    /// Message `at` with other bytes.
    fn with<'a>(&'a self, at: usize, bytes: &'a [u8]) -> Message<'a> {
        match at {
            0 | 1 => Message::Pyth {
                bytes,
                trust: GuardianSet { index: at as u32 + 4, guardians: &self.guardians[at] },
            },
            2 | 3 => Message::RedStone {
                bytes,
                trust: SignerSet { signers: &self.redstone, threshold: 3 },
            },
            4 => Message::Chainlink { bytes, trust: chainlink_trust(&self.chainlink, 6) },
            _ => Message::OpenPriceFeed {
                message: bytes,
                signature: &self.signature,
                reporters: &self.reporter,
            },
        }
    }
}

#[test]
fn no_flipped_byte_yields_another_price() {
    // Pyth's minor version is signed by nobody and stands for nothing a price depends on.
    let unsigned = |at: usize, byte: usize| at < 2 && byte == 5;
    let held = Held::new();
    for (at, data) in held.data.iter().enumerate() {
        assert!(held.with(at, data).verify().is_ok(), "message {at}");
        let mut spoiled = data.clone();
        for byte in 0..data.len() {
            for mask in [1 << (byte % 8), 0xff] {
                spoiled[byte] ^= mask;
                let result = held.with(at, &spoiled).verify();
                assert_eq!(result.is_ok(), unsigned(at, byte), "message {at}, byte {byte}");
                spoiled[byte] ^= mask;
            }
        }
    }
}

#[test]
fn every_bit_of_a_signature_counts() {
    let held = Held::new();
    // One signature of each kind: Pyth's second, RedStone's last, an r and an s of Chainlink's.
    let last = held.data[2].len() - 14 - 65;
    for (at, start, length) in [(0, 13 + 66, 66), (2, last, 65), (4, 576, 32), (4, 800, 32)] {
        let mut spoiled = held.data[at].clone();
        for bit in 0..length * 8 {
            spoiled[start + bit / 8] ^= 1 << (bit % 8);
            assert!(held.with(at, &spoiled).verify().is_err(), "message {at}, bit {bit}");
            spoiled[start + bit / 8] ^= 1 << (bit % 8);
        }
    }
    let mut signature = held.signature.clone();
    for bit in 0..signature.len() * 8 {
        signature[bit / 8] ^= 1 << (bit % 8);
        assert!(open_price_feed::verify(&held.data[5], &signature, &held.reporter).is_err());
        signature[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn no_prefix_suffix_or_extension_of_a_message_passes() {
    let held = Held::new();
    for (at, data) in held.data.iter().enumerate() {
        for length in 0..data.len() {
            assert!(held.with(at, &data[..length]).verify().is_err(), "{at} to {length}");
        }
        for from in 1..data.len() {
            assert!(held.with(at, &data[from..]).verify().is_err(), "{at} from {from}");
        }
        for (front, back) in [(0, 1), (1, 0), (0, 32), (32, 0)] {
            let longer = [&vec![0; front][..], data, &vec![0; back][..]].concat();
            assert!(held.with(at, &longer).verify().is_err(), "{at} with {front} and {back}");
        }
    }
}

/// signers of another set, a rotated one or a caller's own, vouch for nothing.
#[test]
fn reg_x04_reg_x11_other_sets_vouch_for_nothing() {
    let held = Held::new();
    let set_5 = guardians(5);
    let found = pyth::verify(&held.data[0], &GuardianSet { index: 5, guardians: &set_5 });
    assert_eq!(found, Err(MessageError::GuardianSet { found: 4, trusted: 5 }));
    // Even if somebody calls the new set by the old number: two signers were rotated out.
    let found = pyth::verify(&held.data[0], &GuardianSet { index: 4, guardians: &set_5 });
    assert!(matches!(found, Err(MessageError::GuardianSignature { index: 6, .. })), "{found:?}");
    let found = pyth::verify(&held.data[1], &GuardianSet { index: 5, guardians: &[] });
    assert!(matches!(found, Err(MessageError::NoTrust { signers: 0, .. })));
    let found = pyth::verify(&held.data[1], &GuardianSet { index: 5, guardians: &set_5[..18] });
    assert_eq!(found, Err(MessageError::GuardianIndex { index: 18, count: 18 }));

    for missing in 0..5 {
        let mut signers = redstone_signers();
        let gone = signers.remove(missing);
        let set = SignerSet { signers: &signers, threshold: 3 };
        let found = redstone::verify(&held.data[2], &set);
        assert_eq!(found, Err(MessageError::SignerUnknown { signer: gone }));
    }
    let mut signers = chainlink_signers();
    let gone = std::mem::replace(&mut signers[2], Address::ZERO);
    let found = chainlink::verify(&held.data[4], &chainlink_trust(&signers, 6));
    assert_eq!(found, Err(MessageError::SignerUnknown { signer: gone }));
    let signers = chainlink_signers();
    let found = chainlink::verify(&held.data[4], &chainlink_trust(&signers, 7));
    assert_eq!(found, Err(MessageError::Quorum { found: 6, needed: 7 }));
    let found = chainlink::verify(&held.data[4], &chainlink_trust(&signers, 0));
    assert_eq!(found, Err(MessageError::NoTrust { signers: 6, threshold: 0 }));
    let trust = chainlink::Trust { digest: B256::ZERO, ..chainlink_trust(&signers, 6) };
    let found = chainlink::verify(&held.data[4], &trust);
    assert!(matches!(found, Err(MessageError::Configuration { trusted: B256::ZERO, .. })));
}

/// P-08: a recorded report may not be used after it expired.
#[test]
fn reg_p08_an_expired_report_is_refused() {
    let held = Held::new();
    let signers = chainlink_signers();
    let at = |now| chainlink::Trust { now, ..chainlink_trust(&signers, 6) };
    assert!(chainlink::verify(&held.data[4], &at(1_722_435_398)).is_ok());
    assert_eq!(
        chainlink::verify(&held.data[4], &at(1_722_435_399)),
        Err(MessageError::Expired { expires: 1_722_435_398, now: 1_722_435_399 })
    );
}

#[test]
fn a_batch_gives_what_the_messages_give_one_by_one() {
    let held = Held::new();
    let mut spoiled = held.data[1].clone();
    spoiled[100] ^= 1;
    let mut messages: Vec<_> = (0..6).map(|at| held.with(at, &held.data[at])).collect();
    messages.insert(3, held.with(1, &spoiled));
    messages.extend_from_slice(&messages.clone());
    let one_by_one: Vec<_> = messages.iter().map(Message::verify).collect();
    assert_eq!(one_by_one.iter().filter(|result| result.is_err()).count(), 2);
    for threads in [1, 2, 5] {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("as recorded");
        assert_eq!(pool.install(|| verify_all(&messages)), one_by_one, "{threads} threads");
    }
    assert!(verify_all(&[]).is_empty());
}
