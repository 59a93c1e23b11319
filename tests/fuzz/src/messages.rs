//! Other oracles' messages: whatever the bytes, only what a trusted signer signed is believed (ORC-6).
//!
//! The trusted keys are those of recorded messages, so a mutation that verifies must say what a recording says. A batch
//! of our own that parses encodes to its bytes.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, hex};
use gage_abi::IOracle::ProviderMessage;
use gage_core::{SignerSet as Set, Timestamp};
use gage_evm::messages::Envelope;
use gage_oracle::pyth::GuardianSet;
use gage_oracle::{SignerSet, chainlink, ed25519, open_price_feed, pyth, redstone};
use serde_json::Value;

const CHAIN_ID: u64 = 4243;
/// Within the validity of the recorded report.
const NOW: u64 = 1_722_348_998;

/// The recordings of `crates/oracle/tests`, and a batch of our own.
struct Recorded {
    pyth: Vec<Vec<u8>>,
    redstone: Vec<Vec<u8>>,
    chainlink: Vec<u8>,
    batch: Vec<u8>,
    guardians: [Vec<Address>; 2],
    nodes: Vec<Address>,
    publishers: Vec<Address>,
    keys: Vec<B256>,
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let text = include_str!("../../../crates/oracle/tests/messages.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let message = |id: &str| {
        let mut messages = all["messages"].as_array().unwrap().iter();
        messages.find(|message| message["id"] == id).unwrap().clone()
    };
    let bytes = |id: &str| hex::decode(message(id)["hex"].as_str().unwrap()).unwrap();
    let address = |value: &Value| value.as_str().unwrap().parse::<Address>().unwrap();
    let addresses =
        |value: &Value| value.as_array().unwrap().iter().map(address).collect::<Vec<_>>();
    let present = addresses(&all["guardian_sets"]["5"]);
    let mut past = present.clone();
    let old = message("pyth_accumulator_guardian_set_4");
    for pair in old["expect"]["guardians"].as_array().unwrap() {
        past[pair[0].as_u64().unwrap() as usize] = address(&pair[1]);
    }
    let of_redstone = ["redstone_eth_btc_1744829560000", "redstone_eth_btc_1744829650000"];
    let mut publishers = Vec::new();
    for id in of_redstone {
        let packages = message(id)["expect"]["packages"].clone();
        publishers.extend(packages.as_array().unwrap().iter().map(|one| address(&one["signer"])));
    }
    publishers.sort_unstable();
    publishers.dedup();
    let of_chainlink = "chainlink_data_streams_v3_2024-07-30";
    Recorded {
        pyth: [4, 5].map(|set| bytes(&format!("pyth_accumulator_guardian_set_{set}"))).to_vec(),
        redstone: of_redstone.map(bytes).to_vec(),
        chainlink: bytes(of_chainlink),
        batch: batch(),
        guardians: [past, present],
        nodes: addresses(&message(of_chainlink)["expect"]["signers"]),
        publishers,
        keys: [[1; 32], [2; 32]].iter().map(ed25519::public_key).collect(),
    }
});

fn batch() -> Vec<u8> {
    let report = |feed, price| ed25519::Report { feed, round: 7, time: NOW, price, confidence: 5 };
    let signed = [
        report(1, 10_u128.pow(18)).sign(CHAIN_ID, &[1; 32]),
        report(1, 10_u128.pow(18) + 1).sign(CHAIN_ID, &[2; 32]),
        report(2, 7).sign(CHAIN_ID, &[1; 32]),
    ];
    ed25519::encode(CHAIN_ID, &signed).unwrap()
}

/// Whose message it is; then the message.
pub(crate) fn run(data: &[u8]) {
    let [provider, bytes @ ..] = data else { return };
    match provider % 5 {
        0 => of_pyth(bytes),
        1 => of_redstone(bytes),
        2 => of_chainlink(bytes),
        3 => of_our_own(bytes),
        _ => drop(open_price_feed::parse(bytes)),
    }
    // As the prelude reads it, with the number of a kind of source before it.
    let message =
        ProviderMessage { provider: *provider, data: bytes.to_vec().into(), feeds: vec![1] };
    if let Ok(envelope) = Envelope::open(&message) {
        let set = Set { signers: RECORDED.nodes.clone(), threshold: 1, ..Set::default() };
        drop(envelope.verify(&set, (CHAIN_ID, Timestamp::new(NOW))));
    }
}

fn of_pyth(bytes: &[u8]) {
    for (index, guardians) in (4..).zip(&RECORDED.guardians) {
        let Ok(believed) = pyth::verify(bytes, &GuardianSet { index, guardians }) else { continue };
        assert!(!believed.is_empty());
        let signed: Vec<_> = RECORDED.pyth.iter().map(|one| pyth::parse(one).unwrap()).collect();
        let known =
            |message| signed.iter().flat_map(|one| &one.prices).any(|leaf| leaf.message == message);
        assert!(pyth::parse(bytes).unwrap().prices.iter().all(|leaf| known(leaf.message)));
    }
}

fn of_redstone(bytes: &[u8]) {
    let set = SignerSet { signers: &RECORDED.publishers, threshold: 3 };
    if redstone::verify(bytes, &set).is_ok() {
        let signed: Vec<_> =
            RECORDED.redstone.iter().map(|one| redstone::parse(one).unwrap()).collect();
        let known = |part| {
            signed.iter().flat_map(|one| &one.packages).any(|package| package.signed == part)
        };
        assert!(
            redstone::parse(bytes).unwrap().packages.iter().all(|package| known(package.signed))
        );
    }
}

fn of_chainlink(bytes: &[u8]) {
    let signers = SignerSet { signers: &RECORDED.nodes, threshold: RECORDED.nodes.len() };
    let digest = chainlink::peek(&RECORDED.chainlink).unwrap();
    let trust = chainlink::Trust { digest, signers, decimals: chainlink::DECIMALS, now: NOW };
    if chainlink::verify(bytes, &trust).is_ok() {
        let recorded = chainlink::parse(&RECORDED.chainlink).unwrap();
        assert_eq!(chainlink::parse(bytes).unwrap().blob, recorded.blob);
    }
}

fn of_our_own(bytes: &[u8]) {
    let Ok((chain_id, reports)) = ed25519::parse(bytes) else { return };
    assert_eq!(ed25519::encode(chain_id, &reports).unwrap(), bytes, "one spelling");
    let trust = ed25519::Trust { chain_id: CHAIN_ID, keys: &RECORDED.keys };
    if ed25519::verify(bytes, &trust).is_ok() {
        let (_, signed) = ed25519::parse(&RECORDED.batch).unwrap();
        assert!(reports.iter().all(|report| signed.contains(report)));
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let of = |provider: u8, bytes: &Vec<u8>| [&[provider], &bytes[..]].concat();
    let mut seeds = Vec::new();
    seeds.extend(RECORDED.pyth.iter().map(|one| of(0, one)));
    seeds.extend(RECORDED.redstone.iter().map(|one| of(1, one)));
    seeds.push(of(2, &RECORDED.chainlink));
    seeds.push(of(3, &RECORDED.batch));
    seeds
}

/// Recordings are believed as they are: a body that refused them would show nothing.
#[test]
fn recordings_are_believed() {
    for (index, (bytes, guardians)) in (4..).zip(RECORDED.pyth.iter().zip(&RECORDED.guardians)) {
        pyth::verify(bytes, &GuardianSet { index, guardians }).unwrap();
    }
    for bytes in &RECORDED.redstone {
        redstone::verify(bytes, &SignerSet { signers: &RECORDED.publishers, threshold: 3 })
            .unwrap();
    }
    let trust = ed25519::Trust { chain_id: CHAIN_ID, keys: &RECORDED.keys };
    assert_eq!(ed25519::verify(&RECORDED.batch, &trust).unwrap().len(), 3);
}
