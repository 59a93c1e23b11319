//! What the head says of feeds and their publishers.

use alloy_primitives::{Address, Signature, U256};
use gage_abi::IOracle::SignedReport;
use gage_core::{Error, FeedId, PriceLedger, SourceId, Stop};
use gage_state::View;

use crate::reports::{ReportError, SourceFacts};

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

/// What `state` says of a feed's publisher.
pub(crate) fn facts(state: &View, feed: u32, signer: Address) -> Result<SourceFacts, ReportError> {
    let mut ledger = gage_evm::view::ledger(state.clone());
    let read = |stop| match stop {
        Stop::Refused(Error::UnknownFeed { .. }) => ReportError::UnknownFeed(feed),
        _ => ReportError::Unreadable,
    };
    let id = FeedId::new(feed);
    ledger.feed(id).map_err(read)?;
    let place = ledger.source_place(id, &SourceId::publisher(signer)).map_err(read)?;
    let Some(place) = place else {
        return Ok(SourceFacts {
            is_publisher: false,
            round: 0,
            updated_at: 0,
            age_seconds_max: 0,
        });
    };
    let last = ledger.observation(id, place).map_err(read)?;
    let terms = ledger.source_terms(id, place).map_err(read)?;
    Ok(SourceFacts {
        is_publisher: true,
        round: last.round,
        updated_at: last.time.get(),
        age_seconds_max: terms.max_age.into(),
    })
}
