//! Pools as sources of feeds: naming them, looking at them, and reading them in the prelude.

use super::frame::{Frame, Records, attempt};
use super::numbers::narrow;
use super::{Answer, prelude::update};
use crate::gas;
use alloy_primitives::{Address, U256};
use gage_abi::IOracle;
use gage_core::pool::Unusable;
use gage_core::pool::observing::{self, PoolState, pool_state, set_pool_source};
use gage_core::{Bps, FeedId, Ledger, PoolTerms, PoolToken, SourceTerms, Timestamp, Wad};
use std::collections::BTreeMap;

/// Makes a pool a source.
pub(super) fn set<L: Ledger>(
    ledger: &mut L,
    caller: Address,
    call: &IOracle::setPoolSourceCall,
) -> Answer<()> {
    let given = &call.terms;
    let pool = PoolTerms {
        pool: given.pool,
        priced: if given.isToken0 { PoolToken::Zero } else { PoolToken::One },
        decimals: given.decimals,
        quote_decimals: given.quoteDecimals,
        window: given.window,
        drift: Bps::new(given.drift),
        reserve_min: narrow(given.reserveMin)?,
        quote: FeedId::new(given.quoteFeed),
    };
    let terms = SourceTerms { weight: call.weight, max_age: call.maxAge };
    Ok(set_pool_source(ledger, caller, FeedId::new(call.feed), &terms, &pool)?)
}

/// A pool as it stands.
pub(super) fn state(
    frame: &mut Frame<'_>,
    feed: FeedId,
    pool: Address,
) -> Answer<IOracle::PoolState> {
    let PoolState { terms, trail, reading, price } = pool_state(frame.view()?, feed, pool)?;
    let spot = reading.ok().and_then(|reading| reading.ratio(&terms).ok()).unwrap_or_default();
    let (price, seconds, silence) = match price {
        Ok((price, seconds)) => (price, seconds, 0),
        Err(reason) => (Wad::ZERO, 0, silence(reason)),
    };
    let known = trail.marks.iter().map(|mark| mark.time).filter(|time| *time != Timestamp::ZERO);
    Ok(IOracle::PoolState {
        terms: terms.into(),
        price: U256::from(price.get()),
        meanSeconds: seconds,
        spot: U256::from(spot.get()),
        watchedSince: known.min().unwrap_or_default().get(),
        silence,
    })
}

/// The number of why a pool says nothing.
const fn silence(reason: Unusable) -> u8 {
    match reason {
        Unusable::Empty => 1,
        Unusable::Ahead => 2,
        Unusable::Thin { .. } => 3,
        Unusable::Short => 4,
        Unusable::Drifted => 5,
        Unusable::Unpriced => 6,
        Unusable::TooDear => 7,
    }
}

/// Reads the pools of all feeds that have any, and makes the prices of these feeds; of those in `touched` also where no
/// pool spoke. They come after all others, by number, so that the price of what a pool trades against is of this block.
pub(super) fn observe(
    ledger: &mut Records<'_>,
    feeds: Vec<FeedId>,
    touched: &BTreeMap<FeedId, u32>,
) -> Answer<()> {
    for feed in feeds {
        if ledger.slots().meter().left() < gas::POOLS_RESERVE {
            break;
        }
        ledger.slots().meter().charge(gas::OPERATION)?;
        let spoke = attempt(ledger, |ledger| Ok(observing::observe(ledger, feed)?))?;
        if spoke.unwrap_or(false) || touched.contains_key(&feed) {
            update(ledger, feed)?;
        }
    }
    Ok(())
}
