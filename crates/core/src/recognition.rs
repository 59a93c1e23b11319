//! Recognition: governance's word that a market's prices are real ones. The sweep serves such markets first, and the
//! prelude what their prices are made of.
//!
//! Anyone may create an asset, a feed of it and a market, and in that market accounts whose debts are worth any number
//! of dollars, at the market's own prices. A sweep that went by value alone would serve them before everyone else, and
//! its gas would be theirs (N-10, LIQ-5). So accounts of recognised markets come first, and the others in turns.
//!
//! Anyone may report to feeds of their own, too, more than a prelude holds. So reports to the feeds that recognised
//! markets rest on ([`feeds`]) come before all others.
//!
//! Recognition grants the order in prelude and sweep and nothing else: no price is believed more, no debt is larger, and
//! what the sweep does to an account is the same. It is given to what a market lists; a list only grows and its feeds stay,
//! so its length says what is on it. Governance names the lengths that it has looked at, and a listing ends
//! recognition: a market's owner cannot add a price that governance has not seen. Who reports to the feeds is for
//! their owners to say, whom governance vouches for too; it can take its word back at any time.

use crate::error::{Error, Stop};
use crate::event::Event;
use crate::feed::Feed;
use crate::ids::{FeedId, MarketId};
use crate::ledger::Ledger;
use crate::market::Market;
use crate::pool::observing;
use crate::protocol::governed;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use alloy_primitives::Address;

/// How much a market lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// How many collaterals.
    pub collaterals: u8,
    /// How many vaults.
    pub vaults: u8,
}

/// Recognises a market with what it lists; governance only.
///
/// # Errors
/// [`Error::InvalidParameter`] if it does not list as much as was looked at; [`Error::NotAuthorised`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn recognise<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    seen: Listed,
) -> Result<(), Stop> {
    governed(ledger, caller)?;
    let mut market = ledger.market(id)?;
    for (name, listed, seen) in [
        ("collaterals listed", market.collaterals.len(), seen.collaterals),
        ("vaults listed", market.vaults.len(), seen.vaults),
    ] {
        if listed != usize::from(seen) {
            return Err(Error::InvalidParameter { name, value: seen.into() }.into());
        }
    }
    market.recognised = true;
    ledger.set_market(id, &market)?;
    ledger.emit(Event::RecognitionChanged { market: id, recognised: true })
}

/// Takes recognition back; governance only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn withdraw<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
) -> Result<(), Stop> {
    governed(ledger, caller)?;
    let mut market = ledger.market(id)?;
    market.recognised = false;
    ledger.set_market(id, &market)?;
    ledger.emit(Event::RecognitionChanged { market: id, recognised: false })
}

/// Ends the recognition of a market, if it has it: it lists something that governance has not seen.
pub(crate) fn lapse<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: MarketId,
    market: &mut Market,
) -> Result<(), Stop> {
    if !market.recognised {
        return Ok(());
    }
    market.recognised = false;
    ledger.emit(Event::RecognitionChanged { market: id, recognised: false })
}

/// The feeds that a market's prices rest on: those of its listings, those that these are computed from, what pools among
/// their sources are priced in, and what stands in for one that is stale. They change with the market's listings, and
/// when a feed among them gets another fallback or another pool.
///
/// # Errors
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn feeds<L: Ledger + ?Sized>(ledger: &mut L, id: MarketId) -> Result<BTreeSet<FeedId>, Stop> {
    let market = ledger.market(id)?;
    let mut behind = Vec::new();
    for asset in market.collaterals {
        behind.push(ledger.collateral(id, asset)?.feed);
    }
    for vault in market.vaults {
        behind.push(ledger.line(id, vault)?.feed);
    }
    let (mut found, mut standing_in) = (BTreeSet::new(), BTreeSet::new());
    while let Some(feed) = behind.pop() {
        if !found.insert(feed) {
            continue;
        }
        let Feed { kind, fallback, .. } = ledger.feed(feed)?;
        behind.extend(kind.legs().into_iter().flatten());
        behind.extend(observing::quotes(ledger, feed)?);
        if let Some(fallback) = fallback {
            // Its own fallback does not count: whoever owns it could name feeds without end.
            standing_in.insert(fallback);
            behind.extend(observing::quotes(ledger, fallback)?);
        }
    }
    found.append(&mut standing_in);
    Ok(found)
}
