//! The oracle: feeds, their sources, and the block's prelude.

use super::numbers::{collateral_id, label, ray, vault_id};
use super::prelude::prelude;
use super::prices::{feed_state, feed_terms, source, source_kind, source_states};
use super::{Answer, Frame, misrouted, pools};
use crate::gas;
use crate::signing::oracle_domain;
use alloy_primitives::Address;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IOracle::{self, IOracleCalls as Call};
use gage_core::feed::creation::{self, ShareTerms};
use gage_core::feed::freeze;
use gage_core::{
    Error, FeedId, FeedKind, FeedSubject, PriceLedger, SignerSet, SignerSetId, SourceId, Timestamp,
    feed, signers, sources,
};

pub(super) fn call(frame: &mut Frame<'_>, call: Call) -> Answer {
    match call {
        Call::createFeed(_)
        | Call::createRateFeed(_)
        | Call::createNetAssetValueFeed(_)
        | Call::createComputedFeed(_)
        | Call::createShareFeed(_) => create(frame, call),
        Call::setGrowth(_)
        | Call::setFeedTerms(_)
        | Call::setSource(_)
        | Call::setPoolSource(_)
        | Call::removeSource(_)
        | Call::setFallback(_)
        | Call::freezeFeed(_)
        | Call::unfreezeFeed(_)
        | Call::setSigners(_) => set(frame, call),
        Call::feedState(IOracle::feedStateCall { feed }) => {
            let state = feed_state(frame.view()?, FeedId::new(feed))?;
            Ok(IOracle::feedStateCall::abi_encode_returns(&state))
        }
        Call::sourceStates(IOracle::sourceStatesCall { feed }) => {
            let states = source_states(frame.view()?, FeedId::new(feed))?;
            Ok(IOracle::sourceStatesCall::abi_encode_returns(&states))
        }
        Call::poolState(IOracle::poolStateCall { feed, pool }) => {
            let state = pools::state(frame, FeedId::new(feed), pool)?;
            Ok(IOracle::poolStateCall::abi_encode_returns(&state))
        }
        Call::isSource(IOracle::isSourceCall { feed, kind, key }) => {
            let id = SourceId { kind: source_kind(kind)?, key };
            let place = frame.view()?.source_place(FeedId::new(feed), &id)?;
            Ok(IOracle::isSourceCall::abi_encode_returns(&place.is_some()))
        }
        Call::signers(IOracle::signersCall { provider, name }) => {
            let provider = source_kind(provider)?;
            let set = frame.view()?.signer_set(&SignerSetId { provider, name })?;
            let SignerSet { signers, threshold, expires_at } = set;
            let found =
                IOracle::signersReturn { _0: signers, threshold, expiresAt: expires_at.get() };
            Ok(IOracle::signersCall::abi_encode_returns(&found))
        }
        Call::DOMAIN_SEPARATOR(_) => {
            let separator = oracle_domain(frame.chain_id()).separator();
            frame.view()?;
            Ok(IOracle::DOMAIN_SEPARATORCall::abi_encode_returns(&separator))
        }
        Call::prelude(IOracle::preludeCall { reports, messages }) => {
            prelude(frame, &reports, &messages)
        }
    }
}

/// Creates a feed of whatever kind.
fn create(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    match call {
        Call::createFeed(call) => {
            let (subject, terms) =
                (subject(call.asset, &call.description)?, feed_terms(&call.terms)?);
            let id = creation::create_feed(ledger, caller, subject, &terms)?;
            Ok(IOracle::createFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createRateFeed(call) => {
            let (subject, terms) =
                (subject(call.asset, &call.description)?, feed_terms(&call.terms)?);
            let growth = ray(call.growth)?;
            let id = creation::create_rate_feed(ledger, caller, subject, &terms, growth)?;
            Ok(IOracle::createRateFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createNetAssetValueFeed(call) => {
            let (subject, terms) =
                (subject(call.asset, &call.description)?, feed_terms(&call.terms)?);
            let growth = ray(call.growth)?;
            let id =
                creation::create_net_asset_value_feed(ledger, caller, subject, &terms, growth)?;
            Ok(IOracle::createNetAssetValueFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createComputedFeed(call) => {
            let (subject, terms) =
                (subject(call.asset, &call.description)?, feed_terms(&call.terms)?);
            let (base, other) = (FeedId::new(call.base), FeedId::new(call.other));
            let value = call.kind.into();
            let kind = FeedKind::computed(call.kind, base, other)
                .ok_or(Error::InvalidParameter { name: "feed kind", value })?;
            let id = creation::create_computed_feed(ledger, caller, subject, &terms, kind)?;
            Ok(IOracle::createComputedFeedCall::abi_encode_returns(&id.get()))
        }
        Call::createShareFeed(call) => {
            let (description, terms) = (label(&call.description)?, feed_terms(&call.terms)?);
            let (vault, base) = (vault_id(call.vault)?, FeedId::new(call.base));
            let share = ShareTerms { vault, base, growth: ray(call.growth)? };
            let id = creation::create_share_feed(ledger, caller, description, &terms, &share)?;
            Ok(IOracle::createShareFeedCall::abi_encode_returns(&id.get()))
        }
        other => Err(misrouted(other.selector())),
    }
}

fn subject(asset: Address, description: &str) -> Answer<FeedSubject> {
    let asset = if asset.is_zero() { None } else { Some(collateral_id(asset)?) };
    Ok(FeedSubject { asset, description: label(description)? })
}

/// Changes what a feed's owner, or governance, decides.
fn set(frame: &mut Frame<'_>, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    match call {
        Call::setGrowth(IOracle::setGrowthCall { feed, growth }) => {
            feed::set_growth(ledger, caller, FeedId::new(feed), ray(growth)?)?;
        }
        Call::setFeedTerms(IOracle::setFeedTermsCall { feed, terms }) => {
            feed::set_feed_terms(ledger, caller, FeedId::new(feed), &feed_terms(&terms)?)?;
        }
        Call::setSource(IOracle::setSourceCall { feed, source: given }) => {
            sources::set_source(ledger, caller, FeedId::new(feed), &source(&given)?)?;
        }
        Call::setPoolSource(call) => pools::set(ledger, caller, &call)?,
        Call::removeSource(IOracle::removeSourceCall { feed, kind, key }) => {
            let id = SourceId { kind: source_kind(kind)?, key };
            sources::remove_source(ledger, caller, FeedId::new(feed), &id)?;
        }
        Call::setFallback(IOracle::setFallbackCall { feed, fallbackFeed }) => {
            let fallback = (fallbackFeed != 0).then(|| FeedId::new(fallbackFeed));
            feed::set_fallback(ledger, caller, FeedId::new(feed), fallback)?;
        }
        Call::freezeFeed(IOracle::freezeFeedCall { feed, duration }) => {
            freeze::freeze(ledger, caller, FeedId::new(feed), duration)?;
        }
        Call::unfreezeFeed(IOracle::unfreezeFeedCall { feed }) => {
            freeze::unfreeze(ledger, caller, FeedId::new(feed))?;
        }
        Call::setSigners(call) => {
            let id = SignerSetId { provider: source_kind(call.provider)?, name: call.name };
            let expires_at = Timestamp::new(call.expiresAt);
            let (signers, threshold) = (call.signers, call.threshold);
            let set = SignerSet { signers, threshold, expires_at };
            signers::set_signers(ledger, caller, &id, &set)?;
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}
