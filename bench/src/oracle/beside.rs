//! Gage beside the providers' contracts: the same recorded message, verified by both on the same revm.

use std::fmt::Write as _;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolEvent;
use anyhow::{Result, ensure};
use gage_abi::addresses::ORACLE;
use gage_abi::{IOracle, SYSTEM_ADDRESS};
use gage_core::{SourceKind, Timestamp};
use gage_evm::messages::Envelope;
use gage_evm::prelude_call;
use gage_oracle::Observation;
use gage_oracle::ed25519::{self, Report, Trust};

use super::contracts::Verifying;
use super::recordings::{self, Recording};
use super::{each, timed};
use crate::artifact::Artifacts;
use crate::chain::{Call, Chain, Receipt};
use crate::engine::ethereum;
use crate::gage::{CHAIN_ID, Gage};
use crate::report::{Spread, gas, microseconds, table, thousands, time};
use crate::scenario::{Cast, Sample, Subject};

/// Messages of one pass.
const MESSAGES: usize = 20;
/// The longest that a price may be old.
const PRICE_AGE_MAX: u32 = 86_400;
/// Messages that one prelude holds.
const PRELUDE: usize = gage_chain::PRELUDE_MESSAGES_MAX;
/// The sizes of ed25519 batches.
const BATCHES: [u32; 3] = [1, 5, 500];

/// A message and who else verifies it.
struct Case {
    name: &'static str,
    contract: &'static str,
    recording: Recording,
    deploy: fn(&mut Chain<'_>, &Recording) -> Result<Verifying>,
}

fn cases() -> Result<[Case; 3]> {
    Ok([
        Case {
            name: "Chainlink Data Streams",
            contract: "`VerifierProxy` and `Verifier`",
            recording: recordings::chainlink()?,
            deploy: Verifying::chainlink,
        },
        Case {
            name: "RedStone, two feeds",
            contract: "`PrimaryProdDataServiceConsumerBase`",
            recording: recordings::redstone()?,
            deploy: Verifying::redstone,
        },
        Case {
            name: "Pyth",
            contract: "Wormhole's `Messages`, signatures only",
            recording: recordings::pyth()?,
            deploy: Verifying::wormhole,
        },
    ])
}

/// What one message cost each time.
#[derive(Default)]
struct Costs {
    signatures: usize,
    /// Nanoseconds of the native function alone.
    native: Vec<u64>,
    /// The same of one of many in a prelude.
    shared: Vec<u64>,
    /// A prelude with the message for no feed.
    verified: Vec<Sample>,
    /// A prelude with the message for feeds that never had a price.
    first: Vec<Sample>,
    /// For feeds that had one.
    later: Vec<Sample>,
    contract: Vec<Sample>,
}

/// Gage with the recording's signers.
struct Native<'a> {
    chain: Chain<'a>,
    admin: Address,
    provider: SourceKind,
}

impl<'a> Native<'a> {
    fn new(artifacts: &'a Artifacts, recording: &Recording) -> Result<Self> {
        let cast = Cast::new(2);
        let (engine, admin) = (Gage::default().engine(&cast), cast.admin);
        let mut chain = Chain::starting(recording.now, engine, artifacts);
        let provider = recording.provider;
        let name_signers = IOracle::setSignersCall {
            provider: provider.number(),
            name: recording.name,
            signers: recording.set.signers.clone(),
            threshold: recording.set.threshold,
            expiresAt: recording.set.expires_at.get(),
        };
        chain.send(admin, Call::new(ORACLE, &name_signers))?;
        Ok(Self { chain, admin, provider })
    }

    /// A feed with one source.
    fn feed(&mut self, key: B256) -> Result<u32> {
        let most = U256::from(10).pow(U256::from(30));
        let terms = IOracle::FeedTerms::unguarded(PRICE_AGE_MAX, U256::ONE, most);
        let (asset, description) = (Address::ZERO, "FEED".to_owned());
        let create = IOracle::createFeedCall { asset, description, terms };
        let feed = self.chain.ask(self.admin, ORACLE, &create)?;
        let kind = self.provider.number();
        let source = IOracle::Source { kind, key, weight: 1, maxAge: PRICE_AGE_MAX };
        let name = IOracle::setSourceCall { feed, source };
        self.chain.send(self.admin, Call::new(ORACLE, &name))?;
        Ok(feed)
    }

    fn message(&self, feeds: &[u32], data: &Bytes) -> IOracle::ProviderMessage {
        let provider = self.provider.number();
        IOracle::ProviderMessage { provider, feeds: feeds.to_vec(), data: data.clone() }
    }

    /// Sends a prelude. Nothing in it may be refused.
    fn prelude(&mut self, messages: &[IOracle::ProviderMessage]) -> Result<Receipt> {
        let data = prelude_call(&[], messages);
        let call = Call { to: ORACLE, data, value: U256::ZERO };
        let receipt = self.chain.send(SYSTEM_ADDRESS, call)?;
        let mut refused =
            receipt.logs.iter().filter_map(|log| IOracle::ReportRejected::decode_log(log).ok());
        if let Some(event) = refused.next() {
            let reason = gage_abi::decode_error(&event.reason);
            anyhow::bail!("refused: {}", reason.unwrap_or_default());
        }
        Ok(receipt)
    }

    /// Applies a message to feeds of what it says, whose prices it must become.
    fn apply(&mut self, feeds: &[u32], data: &Bytes, said: &[Observation]) -> Result<Sample> {
        let receipt = self.prelude(&[self.message(feeds, data)])?;
        let updates =
            receipt.logs.iter().filter_map(|log| IOracle::PriceUpdated::decode_log(log).ok());
        let found: Vec<_> = updates.map(|update| (update.feed, update.price)).collect();
        let wanted = said.iter().map(|one| U256::from(one.price));
        let wanted: Vec<_> = feeds.iter().copied().zip(wanted).collect();
        ensure!(found == wanted, "{found:?} is not {wanted:?}");
        Ok(Sample::from(&receipt))
    }
}

/// What Gage's parser reads in a message, after it has verified it.
fn verify(recording: &Recording, message: &IOracle::ProviderMessage) -> Result<Vec<Observation>> {
    let at = (CHAIN_ID, Timestamp::new(recording.now));
    Ok(Envelope::open(message)?.verify(&recording.set, at)?)
}

/// Both take turns, message by message, so that a slow spell of the machine meets both.
fn measure(artifacts: &Artifacts, case: &Case, passes: usize) -> Result<Costs> {
    let recording = &case.recording;
    let mut native = Native::new(artifacts, recording)?;
    let mut chain = Chain::starting(recording.now, ethereum(&[]), artifacts);
    let contract = (case.deploy)(&mut chain, recording)?;
    let alone = native.message(&[], &recording.first);
    let many = vec![alone.clone(); PRELUDE];
    let first = verify(recording, &alone)?;
    let next = recording.next.as_ref().map(|next| verify(recording, &native.message(&[], next)));
    let next = next.transpose()?;
    let mut costs = Costs { signatures: Envelope::open(&alone)?.signatures, ..Costs::default() };
    for pass in 0..=passes {
        eprintln!("pass {pass} of {passes}: {}", case.name);
        let mut one = Costs::default();
        for _ in 0..MESSAGES {
            let feeds = first.iter().map(|said| native.feed(said.id));
            let feeds = feeds.collect::<Result<Vec<_>>>()?;
            one.native.push(timed(|| verify(recording, &alone))?.1);
            one.verified.push(Sample::from(&native.prelude(std::slice::from_ref(&alone))?));
            one.contract.push(contract.run(&mut chain, recording, &first)?);
            one.first.push(native.apply(&feeds, &recording.first, &first)?);
            if let (Some(data), Some(said)) = (&recording.next, &next) {
                one.later.push(native.apply(&feeds, data, said)?);
            }
        }
        let shared = Sample::from(&native.prelude(&many)?);
        one.shared.push(shared.nanoseconds / PRELUDE as u64);
        if pass > 0 {
            costs.native.extend(one.native);
            costs.shared.extend(one.shared);
            costs.verified.extend(one.verified);
            costs.first.extend(one.first);
            costs.later.extend(one.later);
            costs.contract.extend(one.contract);
        }
    }
    Ok(costs)
}

/// The part of the results about other oracles' messages.
pub(super) fn section(artifacts: &Artifacts, passes: usize) -> Result<String> {
    let cases = cases()?;
    let all = cases.iter().map(|case| measure(artifacts, case, passes));
    let all = all.collect::<Result<Vec<_>>>()?;
    let mut page = String::from("## Other oracles' messages, natively\n\n");
    let heads = ["µs", "signatures", "alone", "of 64 in a prelude", "each signature"];
    let mut rows: Vec<_> =
        cases.iter().zip(&all).map(|(case, costs)| native(case, costs)).collect();
    for reports in BATCHES {
        rows.push(batch(reports, passes)?);
    }
    let _ = writeln!(page, "{}", table(&heads.map(str::to_owned), &rows));
    page += BESIDE;
    let shown: [Shown; 2] = [
        ("µs", time, |spread| {
            microseconds(spread.median) + &format!(" ({})", microseconds(spread.p10))
        }),
        ("gas", gas, |spread| thousands(spread.median)),
    ];
    for (unit, spread, shown) in shown {
        let heads =
            [unit, "contract", "Gage", "Gage ÷ contract", "applied, first", "÷ contract", "later"];
        let rows = cases.iter().zip(&all);
        let rows = rows.map(|(case, costs)| compared(case.name, costs, spread, shown));
        let rows = rows.collect::<Vec<_>>();
        let _ = writeln!(page, "{}", table(&heads.map(str::to_owned), &rows));
    }
    for case in &cases {
        let _ = writeln!(page, "- {}: {}.", case.name, case.contract);
    }
    page += NOTES;
    Ok(page)
}

/// A unit, what is measured in it, and how it is written.
type Shown = (&'static str, fn(&[Sample]) -> Spread, fn(&Spread) -> String);

fn native(case: &Case, costs: &Costs) -> Vec<String> {
    vec![
        case.name.to_owned(),
        costs.signatures.to_string(),
        each(&costs.native, 1),
        each(&costs.shared, 1),
        each(&costs.native, costs.signatures),
    ]
}

/// A batch of publishers' own ed25519 reports.
fn batch(reports: u32, passes: usize) -> Result<Vec<String>> {
    let seed = [7; 32];
    let (time, price, confidence) = (1_750_000_000, 10_u128.pow(18), 0);
    let signed = (1..=reports)
        .map(|feed| Report { feed, round: 1, time, price, confidence }.sign(CHAIN_ID, &seed));
    let bytes = ed25519::encode(CHAIN_ID, &signed.collect::<Vec<_>>())?;
    let keys = [ed25519::public_key(&seed)];
    let trust = Trust { chain_id: CHAIN_ID, keys: &keys };
    let mut times = Vec::new();
    for _ in 0..=passes * MESSAGES {
        let (said, took) = timed(|| Ok(ed25519::verify(&bytes, &trust)?))?;
        ensure!(said.len() == reports as usize && said.iter().all(|one| one.price == price));
        times.push(took);
    }
    // The first call finds cold caches.
    let times = &times[1..];
    let name = format!("ed25519, {reports} in a batch");
    let (alone, signature) = (each(times, 1), each(times, reports as usize));
    Ok(vec![name, reports.to_string(), alone, String::new(), signature])
}

/// One row: the contract, Gage for no feed and for new feeds, each with its ratio, and for feeds that have a price.
fn compared(
    name: &str,
    costs: &Costs,
    spread: fn(&[Sample]) -> Spread,
    shown: fn(&Spread) -> String,
) -> Vec<String> {
    let [contract, verified, first] =
        [&costs.contract, &costs.verified, &costs.first].map(|samples| spread(samples));
    let ratio = |of: &Spread| {
        let [median, p10] = [(of.median, contract.median), (of.p10, contract.p10)]
            .map(|(gage, contract)| gage as f64 / contract as f64);
        format!("{median:.2} ({p10:.2})")
    };
    let later = if costs.later.is_empty() { String::new() } else { shown(&spread(&costs.later)) };
    vec![
        name.to_owned(),
        shown(&contract),
        shown(&verified),
        ratio(&verified),
        shown(&first),
        ratio(&first),
        later,
    ]
}

const BESIDE: &str = "\
## Beside the providers' contracts

One recorded message in one transaction on the same revm, with 21,000 gas and the calldata's for either. The contract
verifies and returns. Gage verifies for no feed; then verifies and writes the prices of one feed for each price in
the message, which it never had before (first) or had (later, where there is a second recording).

";

const NOTES: &str = "
- The contracts are npm's: `@chainlink/contracts` 1.5.0 (`llo-feeds` v0.5, solc 0.8.19, 1,000,000 runs) without fees and
  access control; `@redstone-finance/evm-connector` 0.9.0 with its own list of signers (solc 0.8.27, 999,999 runs);
  `@certusone/wormhole-sdk` 0.10.18, creation code as published. Pyth's own contract is not on npm: that row has
  the guardians' signatures without the Merkle path and without the price, which Gage's part has.
- What each contract returns is compared with what Gage reads in the message, every time.
- A real prelude pays neither the 21,000 nor the calldata. Gage reads the whole set of signers from storage for every
  message, a cold slot each; the contracts look up who signed, and RedStone's has its signers in its code.
";
