//! The providers' recorded messages, with their signers: the fixture of `gage-oracle`.

use alloy_primitives::{Address, B256, Bytes, hex};
use anyhow::{Context, Result, ensure};
use gage_core::{SignerSet, SourceKind, Timestamp};
use gage_evm::messages::{guardians_name, redstone_name};
use serde::Deserialize;
use serde_json::Value;

const FIXTURE: &str = include_str!("../../../crates/oracle/tests/messages.json");

/// Signers that more than a third of must be honest: six of sixteen (`f + 1` of `3f + 1`).
const STREAM_SIGNERS: usize = 16;
const STREAM_QUORUM: u8 = 6;

#[derive(Deserialize)]
struct Fixture {
    guardian_sets: Value,
    messages: Vec<Value>,
}

/// What a provider signed, and who must have.
pub(super) struct Recording {
    pub(super) provider: SourceKind,
    /// The name of the set of signers.
    pub(super) name: B256,
    pub(super) set: SignerSet,
    /// A moment at which all of it is believed.
    pub(super) now: u64,
    /// The message.
    pub(super) first: Bytes,
    /// A later one of the same feeds, where there is one.
    pub(super) next: Option<Bytes>,
}

impl Fixture {
    fn read() -> Result<Self> {
        Ok(serde_json::from_str(FIXTURE)?)
    }

    fn message(&self, id: &str) -> Result<&Value> {
        let found = self.messages.iter().find(|one| one["id"] == id);
        found.with_context(|| format!("no message {id}"))
    }

    fn data(&self, id: &str) -> Result<Bytes> {
        let text = self.message(id)?["hex"].as_str().context("a message is hex")?;
        Ok(hex::decode(text)?.into())
    }
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().with_context(|| format!("{value} is no list"))
}

fn address(value: &Value) -> Result<Address> {
    Ok(value.as_str().context("an address is text")?.parse()?)
}

fn set(signers: Vec<Address>, threshold: u8) -> SignerSet {
    SignerSet { signers, threshold, expires_at: Timestamp::new(0) }
}

/// A report of Chainlink Data Streams, schema 3. Of its sixteen possible signers only the six who signed are known;
/// strangers stand for the others.
pub(super) fn chainlink() -> Result<Recording> {
    let (fixture, id) = (Fixture::read()?, "chainlink_data_streams_v3_2024-07-30");
    let first = fixture.data(id)?;
    let signers = list(&fixture.message(id)?["expect"]["signers"])?.iter().map(address);
    let mut signers = signers.collect::<Result<Vec<_>>>()?;
    ensure!(signers.len() == usize::from(STREAM_QUORUM), "six nodes signed");
    signers.extend((1..).map(Address::repeat_byte).take(STREAM_SIGNERS - signers.len()));
    Ok(Recording {
        provider: SourceKind::Chainlink,
        name: gage_oracle::chainlink::peek(&first)?,
        set: set(signers, STREAM_QUORUM),
        now: 1_722_349_000,
        first,
        next: None,
    })
}

/// Two payloads of RedStone's, ninety seconds apart: three signers for each of two feeds.
pub(super) fn redstone() -> Result<Recording> {
    let fixture = Fixture::read()?;
    let ids = ["redstone_eth_btc_1744829560000", "redstone_eth_btc_1744829650000"];
    let mut signers = Vec::new();
    for id in ids {
        for package in list(&fixture.message(id)?["expect"]["packages"])? {
            signers.push(address(&package["signer"])?);
        }
    }
    signers.sort_unstable();
    signers.dedup();
    Ok(Recording {
        provider: SourceKind::RedStone,
        name: redstone_name(),
        set: set(signers, 3),
        now: 1_744_829_655,
        first: fixture.data(ids[0])?,
        next: Some(fixture.data(ids[1])?),
    })
}

/// An update of Pyth's, with the signatures of thirteen of nineteen guardians.
pub(super) fn pyth() -> Result<Recording> {
    let fixture = Fixture::read()?;
    let guardians = list(&fixture.guardian_sets["5"])?.iter().map(address);
    Ok(Recording {
        provider: SourceKind::Pyth,
        name: guardians_name(5),
        set: set(guardians.collect::<Result<_>>()?, 13),
        now: 1_775_245_700,
        first: fixture.data("pyth_accumulator_guardian_set_5")?,
        next: None,
    })
}
