//! What the head says of feeds and their publishers.

use alloy_primitives::{Address, Signature, U256};
use gage_abi::IOracle::SignedReport;
use gage_core::{Error, FeedId, Ledger, Stop};
use gage_state::View;

use crate::reports::{FeedFacts, ReportError};

/// Who signed a report.
pub(crate) fn signer(chain_id: u64, signed: &SignedReport) -> Result<Address, ReportError> {
    let feed = signed.report.feed;
    let invalid = ReportError::Signature(feed);
    let odd = match signed.v {
        27 => false,
        28 => true,
        _ => return Err(invalid),
    };
    let signature =
        Signature::new(U256::from_be_bytes(signed.r.0), U256::from_be_bytes(signed.s.0), odd);
    // A signature has one valid form, so that a report cannot come back in another (EIP-2).
    if signature.normalize_s().is_some() {
        return Err(invalid);
    }
    let hash = gage_evm::report_hash(chain_id, &signed.report);
    signature.recover_address_from_prehash(&hash).map_err(|_| invalid)
}

/// What `state` says of a feed and of who may publish it.
pub(crate) fn facts(state: &View, feed: u32, signer: Address) -> Result<FeedFacts, ReportError> {
    let mut ledger = gage_evm::view::ledger(state.clone());
    let read = |stop| match stop {
        Stop::Refused(Error::UnknownFeed { .. }) => ReportError::UnknownFeed(feed),
        _ => ReportError::Unreadable,
    };
    let id = FeedId::new(feed);
    let known = ledger.feed(id).map_err(read)?;
    Ok(FeedFacts {
        is_publisher: ledger.is_publisher(id, signer).map_err(read)?,
        round: known.round,
        updated_at: known.updated_at.get(),
        age_seconds_max: u64::from(known.max_age),
        price_min: U256::from(known.price_min.get()),
        price_max: U256::from(known.price_max.get()),
    })
}

/// The round applied to a feed; 0 if there is none.
pub(crate) fn round(state: &View, feed: u32) -> u64 {
    gage_evm::view::ledger(state.clone()).feed(FeedId::new(feed)).map_or(0, |feed| feed.round)
}
