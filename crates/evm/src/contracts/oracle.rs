//! The oracle: feeds, their publishers, and the block's prelude.

use super::frame::{Records, attempt};
use super::numbers::{label, ray, vault_id, wad};
use super::shapes::{feed_state, feed_terms};
use super::{Answer, Frame, misrouted, refused};
use crate::gas;
use crate::signing::{Signature, oracle_domain, signing_hash};
use crate::slots::Slots;
use alloy_primitives::{Address, Bytes};
use alloy_sol_types::{SolCall, SolEvent, SolInterface};
use gage_abi::IOracle::{self, IOracleCalls as Call, SignedReport};
use gage_abi::{IGageErrors, SYSTEM_ADDRESS};
use gage_core::address::Native;
use gage_core::feed::{self, Report, ShareTerms};
use gage_core::{FeedId, Ledger, Timestamp};

pub(super) fn call(frame: &mut Frame<'_>, call: Call) -> Answer {
    match call {
        Call::createFeed(IOracle::createFeedCall { description, terms }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let (description, terms) = (label(&description)?, feed_terms(&terms)?);
            let id = feed::create_feed(ledger, caller, description, &terms)?;
            Ok(IOracle::createFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createRateFeed(_) | Call::createCompositeFeed(_) | Call::createShareFeed(_) => {
            create(frame, call)
        }
        Call::setGrowth(IOracle::setGrowthCall { feed, growth }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            feed::set_growth(ledger, caller, FeedId::new(feed), ray(growth)?)?;
            Ok(Vec::new())
        }
        Call::setFeedTerms(IOracle::setFeedTermsCall { feed, terms }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            feed::set_feed_terms(ledger, caller, FeedId::new(feed), &feed_terms(&terms)?)?;
            Ok(Vec::new())
        }
        Call::setPublisher(IOracle::setPublisherCall { feed, publisher, allowed }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            if allowed {
                feed::add_publisher(ledger, caller, FeedId::new(feed), publisher)?;
            } else {
                feed::remove_publisher(ledger, caller, FeedId::new(feed), publisher)?;
            }
            Ok(Vec::new())
        }
        Call::feedState(IOracle::feedStateCall { feed }) => {
            let state = feed_state(frame.view()?, FeedId::new(feed))?;
            Ok(IOracle::feedStateCall::abi_encode_returns(&state))
        }
        Call::isPublisher(IOracle::isPublisherCall { feed, account }) => {
            let allowed = frame.view()?.is_publisher(FeedId::new(feed), account)?;
            Ok(IOracle::isPublisherCall::abi_encode_returns(&allowed))
        }
        Call::DOMAIN_SEPARATOR(_) => {
            let separator = oracle_domain(frame.chain_id()).separator();
            frame.view()?;
            Ok(IOracle::DOMAIN_SEPARATORCall::abi_encode_returns(&separator))
        }
        Call::prelude(IOracle::preludeCall { reports }) => prelude(frame, &reports),
    }
}

/// Creates a feed that is not simply a reported price.
fn create(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    match call {
        Call::createRateFeed(IOracle::createRateFeedCall { description, terms, growth }) => {
            let (description, terms) = (label(&description)?, feed_terms(&terms)?);
            let id = feed::create_rate_feed(ledger, caller, description, &terms, ray(growth)?)?;
            Ok(IOracle::createRateFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createCompositeFeed(call) => {
            let (description, terms) = (label(&call.description)?, feed_terms(&call.terms)?);
            let legs = (FeedId::new(call.base), FeedId::new(call.rate));
            let id = feed::create_composite_feed(ledger, caller, description, &terms, legs)?;
            Ok(IOracle::createCompositeFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createShareFeed(call) => {
            let (description, terms) = (label(&call.description)?, feed_terms(&call.terms)?);
            let (vault, base) = (vault_id(call.vault)?, FeedId::new(call.base));
            let share = ShareTerms { vault, base, growth: ray(call.growth)? };
            let id = feed::create_share_feed(ledger, caller, description, &terms, &share)?;
            Ok(IOracle::createShareFeedCall::abi_encode_returns(&id.get()))
        }
        other => Err(misrouted(other.selector())),
    }
}

/// Applies the reports one by one; one that cannot be applied leaves an event and nothing else.
fn prelude(frame: &mut Frame<'_>, reports: &[SignedReport]) -> Answer {
    let separator = oracle_domain(frame.chain_id()).separator();
    let (ledger, caller) = frame.act(gas::SMALL)?;
    if caller != SYSTEM_ADDRESS {
        return Err(refused(&IGageErrors::SystemOnly {}));
    }
    for signed in reports {
        ledger.slots().meter().charge(gas::SMALL + gas::TYPED_HASH + gas::RECOVER)?;
        let SignedReport { report, v, r, s } = signed;
        let signer = Signature { v: *v, r: *r, s: *s }.signer(signing_hash(separator, report));
        if let Err(reason) = attempt(ledger, |ledger| apply(ledger, report, signer))? {
            reject(ledger, report.feed, signer, reason)?;
        }
    }
    Ok(Vec::new())
}

fn apply(ledger: &mut Records<'_>, report: &IOracle::PriceReport, signer: Address) -> Answer<()> {
    let report = Report {
        feed: FeedId::new(report.feed),
        round: report.round,
        time: Timestamp::new(report.time),
        price: wad(report.price)?,
    };
    Ok(feed::apply_report(ledger, &report, signer)?)
}

fn reject(ledger: &mut Records<'_>, feed: u32, signer: Address, reason: Bytes) -> Answer<()> {
    let event = IOracle::ReportRejected { feed, signer, reason };
    Ok(ledger.slots().log(Native::Oracle, event.encode_log_data())?)
}
