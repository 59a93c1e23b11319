//! The block's prelude: what sources report becomes the block's prices.
//!
//! Whatever is signed is verified first, all of it side by side; then each report is kept, or leaves an event that says
//! why not; then every feed that was reported to gets its price, once. Feeds with pools come last: their pools are read,
//! whether anybody reported or not.
//!
//! What gas does not suffice for is left out, as a block whose prelude fails is none: publishers' reports take half of
//! the gas at most, other oracles' messages what is then left above a third, prices of feeds without pools what is left
//! above a sixth. The feed hears from its sources again in the next block.
//!
//! Within each part whatever stands first comes first, and whoever builds the block puts first what recognised markets
//! rest on. Prices are made in the same order, the first of the reports' feeds beside the first of the messages'. By
//! their numbers instead, older feeds of anyone's, each with sixteen sources, would take the gas for them (N-10).

use super::frame::{Records, attempt};
use super::numbers::wad;
use super::{Answer, Frame, pools, refused};
use crate::gas;
use crate::messages::Envelope;
use crate::signing::{Signature, oracle_domain, signing_hash};
use crate::slots::Slots;
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolError, SolEvent};
use gage_abi::IOracle::{self, ProviderMessage, SignedReport};
use gage_abi::{IGageErrors, SYSTEM_ADDRESS};
use gage_core::address::Native;
use gage_core::{
    Error, FeedId, Ledger, PriceLedger, Report, SignerSet, SourceId, SourceKind, Timestamp, Wad,
    feed, signers, sources,
};
use gage_oracle::{MessageError, Observation};
use rayon::prelude::*;
use std::collections::{BTreeMap, btree_map::Entry};

pub(super) fn prelude(
    frame: &mut Frame<'_>,
    reports: &[SignedReport],
    messages: &[ProviderMessage],
) -> Answer {
    let chain_id = frame.chain_id();
    let (ledger, caller) = frame.act(gas::SMALL)?;
    if caller != SYSTEM_ADDRESS {
        return Err(refused(&IGageErrors::SystemOnly {}));
    }
    let gas = ledger.slots().meter().left();
    let mut kept = Kept { touched: BTreeMap::new(), before: 0, reserve: gas / 2 };
    keep_reports(ledger, chain_id, reports, &mut kept)?;
    (kept.before, kept.reserve) = (0, gas / 3);
    keep_messages(ledger, chain_id, messages, &mut kept)?;
    let with_pools = ledger.pool_feeds()?;
    let for_pools = if with_pools.is_empty() { 0 } else { gas / 6 };
    for feed in kept.in_order().filter(|feed| !with_pools.contains(feed)) {
        if ledger.slots().meter().left() < for_pools.saturating_add(gas::UPDATE_RESERVE) {
            break;
        }
        update(ledger, feed)?;
    }
    pools::observe(ledger, with_pools, &kept.touched)?;
    Ok(Vec::new())
}

/// What was kept so far.
struct Kept {
    /// The feeds that somebody reported to, each with how many came before it among the reports, or the messages.
    touched: BTreeMap<FeedId, u32>,
    /// How many of the reports' feeds came so far, or of the messages'.
    before: u32,
    /// The gas that is for others.
    reserve: u64,
}

impl Kept {
    /// The feeds that somebody reported to, in the order in which they get their prices.
    fn in_order(&self) -> impl Iterator<Item = FeedId> + use<> {
        let mut order: Vec<_> = self.touched.iter().map(|(feed, rank)| (*rank, *feed)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, feed)| feed)
    }

    /// Whether there is gas for one more report, after a charge of `cost`.
    fn has_room(&self, ledger: &mut Records<'_>, cost: u64) -> bool {
        let needed = self.reserve.saturating_add(gas::REPORT_RESERVE).saturating_add(cost);
        ledger.slots().meter().left() >= needed
    }

    /// Notes that a report was kept, or tells why it was not.
    fn settle(
        &mut self,
        ledger: &mut Records<'_>,
        feed: FeedId,
        source: &SourceId,
        kept: Result<(), Bytes>,
    ) -> Answer<()> {
        let Err(reason) = kept else {
            if let Entry::Vacant(new) = self.touched.entry(feed) {
                new.insert(self.before);
                self.before = self.before.saturating_add(1);
            }
            return Ok(());
        };
        let (feed, kind, key) = (feed.get(), source.kind.number(), source.key);
        let event = IOracle::ReportRejected { feed, kind, key, reason };
        Ok(ledger.slots().log(Native::Oracle, event.encode_log_data())?)
    }
}

/// Makes a feed's price of what its sources said.
pub(super) fn update(ledger: &mut Records<'_>, feed: FeedId) -> Answer<()> {
    ledger.slots().meter().charge(gas::OPERATION)?;
    // An error here is an overflow that nobody can cause; the price stays as it was.
    let _refused = attempt(ledger, |ledger| Ok(feed::update(ledger, feed)?))?;
    Ok(())
}

/// Keeps what publishers reported.
fn keep_reports(
    ledger: &mut Records<'_>,
    chain_id: u64,
    reports: &[SignedReport],
    all: &mut Kept,
) -> Answer<()> {
    let separator = oracle_domain(chain_id).separator();
    let cost = gas::SMALL + gas::TYPED_HASH + gas::RECOVER;
    let signers: Vec<Address> =
        reports.par_iter().map(|signed| signer(separator, signed)).collect();
    for (signed, signer) in reports.iter().zip(signers) {
        if !all.has_room(ledger, cost) {
            break;
        }
        ledger.slots().meter().charge(cost)?;
        let (report, source) = (&signed.report, SourceId::publisher(signer));
        let kept = attempt(ledger, |ledger| {
            let report = Report {
                feed: FeedId::new(report.feed),
                round: report.round,
                time: Timestamp::new(report.time),
                price: wad(report.price)?,
                confidence: wad(report.confidence)?,
            };
            Ok(sources::record(ledger, &report, &source)?)
        })?;
        all.settle(ledger, FeedId::new(report.feed), &source, kept)?;
    }
    Ok(())
}

/// Who signed a report; the zero address for nobody's signature.
fn signer(separator: B256, signed: &SignedReport) -> Address {
    let SignedReport { report, v, r, s } = signed;
    Signature { v: *v, r: *r, s: *s }.signer(signing_hash(separator, report))
}

/// A message, with those who must have signed it; or why it is not believed.
type Opened<'a> = Result<(Envelope<'a>, SignerSet), Bytes>;

/// Keeps what other oracles' messages say.
fn keep_messages(
    ledger: &mut Records<'_>,
    chain_id: u64,
    messages: &[ProviderMessage],
    all: &mut Kept,
) -> Answer<()> {
    let envelopes: Vec<_> = messages.par_iter().map(Envelope::open).collect();
    let mut opened = Vec::with_capacity(messages.len());
    for (message, envelope) in messages.iter().zip(envelopes) {
        let size = message.data.len() as u64;
        let signatures = envelope.as_ref().map_or(0, |envelope| envelope.signatures) as u64;
        let cost = gas::SMALL + gas::MESSAGE_BYTE * size + gas::RECOVER * signatures;
        if !all.has_room(ledger, cost) {
            break;
        }
        ledger.slots().meter().charge(cost)?;
        opened.push(match envelope {
            Ok(envelope) => signed_by(ledger, &envelope)?.map(|set| (envelope, set)),
            Err(error) => Err(invalid(message.provider, &error)),
        });
    }
    let at = (chain_id, ledger.now());
    let verify = |(message, opened): (&ProviderMessage, Opened<'_>)| {
        let (envelope, set) = opened?;
        envelope.verify(&set, at).map_err(|error| invalid(message.provider, &error))
    };
    let verified: Vec<_> = messages.par_iter().zip(opened).map(verify).collect();
    for (message, observations) in messages.iter().zip(verified) {
        keep_message(ledger, message, &observations, all)?;
    }
    Ok(())
}

fn invalid(provider: u8, error: &MessageError) -> Bytes {
    IGageErrors::InvalidMessage { provider, reason: error.to_string() }.abi_encode().into()
}

/// The signers that a message must have, if they are known; nobody where its reports are signed one by one.
fn signed_by(
    ledger: &mut Records<'_>,
    envelope: &Envelope<'_>,
) -> Answer<Result<SignerSet, Bytes>> {
    match envelope.signers {
        None => Ok(Ok(SignerSet::default())),
        Some(id) => attempt(ledger, |ledger| Ok(signers::valid_set(ledger, &id)?)),
    }
}

/// Keeps what a message says for each feed that it is for.
fn keep_message(
    ledger: &mut Records<'_>,
    message: &ProviderMessage,
    said: &Result<Vec<Observation>, Bytes>,
    all: &mut Kept,
) -> Answer<()> {
    // Of an unknown kind of source nothing verifies.
    let kind = SourceKind::of(message.provider).unwrap_or(SourceKind::Publisher);
    for feed in message.feeds.iter().copied().map(FeedId::new) {
        if !all.has_room(ledger, gas::SMALL) {
            break;
        }
        ledger.slots().meter().charge(gas::SMALL)?;
        let nobody = SourceId { kind, key: B256::ZERO };
        let found = match said {
            Ok(said) => attempt(ledger, |ledger| about(ledger, (feed, kind), said))?,
            Err(reason) => Err(reason.clone()),
        };
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                all.settle(ledger, feed, &nobody, Err(reason))?;
                continue;
            }
        };
        for (source, report) in found {
            if !all.has_room(ledger, 0) {
                break;
            }
            let kept = attempt(ledger, |ledger| Ok(sources::record(ledger, &report, &source)?))?;
            all.settle(ledger, feed, &source, kept)?;
        }
    }
    Ok(())
}

/// What is said of a feed, and by which source. A publisher's own report says which feed it is for; what others say is
/// for the feeds that have their id as a source.
fn about(
    ledger: &mut Records<'_>,
    (feed, kind): (FeedId, SourceKind),
    observations: &[Observation],
) -> Answer<Vec<(SourceId, Report)>> {
    let mut found = Vec::new();
    let report = |said: &Observation, round| {
        let Observation { time, price, confidence, .. } = *said;
        let (price, confidence) = (Wad::new(price), Wad::new(confidence));
        Report { feed, round, time: Timestamp::new(time), price, confidence }
    };
    if kind == SourceKind::Ed25519 {
        let own = observations.iter().filter(|said| said.feed == Some(feed.get()));
        found.extend(own.map(|said| (SourceId { kind, key: said.id }, report(said, said.round))));
    } else {
        for standing in sources::standings(ledger, feed)? {
            let id = standing.source.id;
            let said = observations.iter().find(|said| id.kind == kind && said.id == id.key);
            found.extend(said.map(|said| (id, report(said, said.time))));
        }
    }
    if found.is_empty() {
        // It says nothing of this feed.
        let id = SourceId { kind, key: observations.first().map_or(B256::ZERO, |said| said.id) };
        return Err(Error::UnknownSource { feed, id }.into());
    }
    Ok(found)
}
