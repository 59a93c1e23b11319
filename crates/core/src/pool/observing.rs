//! Pools as sources of feeds: how they are named, and read in every block's prelude.
//!
//! Nobody sends what a pool says: the prelude reads its storage, of every feed that has a pool, in every block. That is
//! work for all, so a feed's owner needs governance's role too, and [`POOL_FEEDS_MAX`] feeds may have pools.

use super::{PoolReading, PoolTerms, PoolToken, PoolTrail, PoolWords, Unusable};
use crate::address;
use crate::aggregate::{SOURCES_MAX, bit};
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::feed::{self, FeedKind};
use crate::fixed::Wad;
use crate::ids::{AssetId, FeedId};
use crate::ledger::Ledger;
use crate::protocol::governed;
use crate::quote::quote;
use crate::sources::{self, Report, Source, SourceId, SourceKind, SourceTerms};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

/// How many feeds may have pools among their sources.
pub const POOL_FEEDS_MAX: u8 = 64;

/// Where pairs of this layout keep `token0`; `token1` comes next. The token of a pair's own shares takes the slots 0 to 4,
/// the factory slot 5 (`UniswapV2ERC20` and `UniswapV2Pair` of @uniswap/v2-core 1.0.1).
const TOKENS_SLOT: u64 = 6;
/// Where they keep the reserves and the time of the last trade.
const RESERVES_SLOT: u64 = 8;
/// Where they keep `price0CumulativeLast`; `price1CumulativeLast` comes next.
const CUMULATIVE_SLOT: u64 = 9;

/// The source that a pool is.
#[must_use]
pub fn source_id(pool: Address) -> SourceId {
    SourceId { kind: SourceKind::Pool, key: pool.into_word() }
}

/// Makes a pool a source of the feed, or changes how it is read and counts; the feed's owner only, who must govern.
/// Read in another way, it is watched anew from the next block on.
///
/// # Errors
/// [`Error::NotAuthorised`]; [`Error::WrongFeed`] for a feed that is no reported price, or if the other token's is not
/// the price of an asset and older than the feed, so that no pools price each other in a circle;
/// [`Error::NotAPool`], [`Error::WrongPoolToken`] if the pool does not trade what the feeds are of, and
/// [`Error::InvalidParameter`] also for other decimals than those that the chain knows (ORC-5);
/// [`Error::TooManyPoolFeeds`], and those of [`sources::set_source`].
pub fn set_pool_source<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    feed: FeedId,
    terms: &SourceTerms,
    pool: &PoolTerms,
) -> Result<(), Stop> {
    let info = feed::owned(ledger, caller, feed)?;
    governed(ledger, caller)?;
    pool.check()?;
    if ledger.feed(feed)?.kind != FeedKind::Reported {
        return Err(Error::WrongFeed { feed, wanted: FeedKind::Reported.name() }.into());
    }
    let quote_asset = ledger.feed_info(pool.quote)?.subject.asset;
    if pool.quote >= feed || !ledger.feed(pool.quote)?.kind.is_price() {
        return Err(Error::WrongFeed { feed: pool.quote, wanted: "an older price" }.into());
    }
    let words = [TOKENS_SLOT, TOKENS_SLOT.saturating_add(1)];
    let [zero, one] = words.map(|slot| ledger.foreign_word(pool.pool, U256::from(slot)));
    let [priced, other] = pool.tokens([zero?, one?])?;
    check_token(ledger, (pool.pool, priced), info.subject.asset, pool.decimals)?;
    check_token(ledger, (pool.pool, other), quote_asset, pool.quote_decimals)?;
    let mut feeds = ledger.pool_feeds()?;
    if !feeds.contains(&feed) {
        if feeds.len() >= usize::from(POOL_FEEDS_MAX) {
            return Err(Error::TooManyPoolFeeds { most: POOL_FEEDS_MAX }.into());
        }
        feeds.push(feed);
        // By number: the price of another token is made before those that are priced in it.
        feeds.sort_unstable();
        ledger.set_pool_feeds(&feeds)?;
    }
    let source = Source { id: source_id(pool.pool), terms: *terms };
    let place = sources::put(ledger, feed, &source)?;
    if ledger.pool_terms(feed, place)? == Some(*pool) {
        return Ok(());
    }
    ledger.set_pool_terms(feed, place, Some(pool))?;
    ledger.set_pool_trail(feed, place, &PoolTrail::default())?;
    ledger.emit(Event::PoolTermsChanged { feed, terms: *pool })
}

/// Checks that a token is the asset that a feed is of, and has these decimals where the chain knows them.
fn check_token<L: Ledger + ?Sized>(
    ledger: &mut L,
    (pool, token): (Address, Address),
    asset: Option<AssetId>,
    decimals: u8,
) -> Result<(), Stop> {
    if let Some(wanted) = asset.map(address::asset).filter(|wanted| *wanted != token) {
        return Err(Error::WrongPoolToken { pool, token, wanted }.into());
    }
    let known = match address::collateral_at(token) {
        None => return Ok(()),
        Some(id) => match id.as_share() {
            Some(vault) => ledger.vault(vault)?.decimals,
            None => ledger.asset(id)?.decimals,
        },
    };
    if known == decimals {
        return Ok(());
    }
    Err(Error::InvalidParameter { name: "pool token's decimals", value: decimals.into() }.into())
}

/// Forgets how the pool at a place that is no source any more was read.
pub(crate) fn forget<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    place: u8,
) -> Result<(), Stop> {
    ledger.set_pool_terms(feed, place, None)?;
    ledger.set_pool_trail(feed, place, &PoolTrail::default())?;
    if places(ledger, feed)?.is_empty() {
        let mut feeds = ledger.pool_feeds()?;
        feeds.retain(|other| *other != feed);
        ledger.set_pool_feeds(&feeds)?;
    }
    Ok(())
}

/// The places of a feed that have pools.
fn places<L: Ledger + ?Sized>(ledger: &mut L, feed: FeedId) -> Result<Vec<u8>, Stop> {
    let sources = ledger.feed_info(feed)?.sources;
    let mut found = Vec::new();
    for place in (0..SOURCES_MAX).filter(|place| sources & bit(*place) != 0) {
        if ledger.source(feed, place)?.id.kind == SourceKind::Pool {
            found.push(place);
        }
    }
    Ok(found)
}

/// The feeds of what a feed's pools are priced in.
///
/// # Errors
/// [`Error::UnknownFeed`], or a fault of the ledger.
pub(crate) fn quotes<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
) -> Result<Vec<FeedId>, Stop> {
    let mut found = Vec::new();
    for place in places(ledger, feed)? {
        found.extend(ledger.pool_terms(feed, place)?.map(|terms| terms.quote));
    }
    Ok(found)
}

/// Reads the pools of a feed and keeps what they say; the shell calls it once in a block's prelude for each of
/// [`crate::PriceLedger::pool_feeds`] in order, when the reports of the block were kept and the feeds of lower numbers
/// have their prices. Returns whether any pool said something.
///
/// # Errors
/// A fault of the ledger.
pub fn observe<L: Ledger + ?Sized>(ledger: &mut L, feed: FeedId) -> Result<bool, Stop> {
    let mut any = false;
    for place in places(ledger, feed)? {
        any |= observe_one(ledger, feed, place)?;
    }
    Ok(any)
}

fn observe_one<L: Ledger + ?Sized>(ledger: &mut L, feed: FeedId, place: u8) -> Result<bool, Stop> {
    let Some(terms) = ledger.pool_terms(feed, place)? else {
        return Ok(false);
    };
    let trail = ledger.pool_trail(feed, place)?;
    let (after, mean) = match reading(ledger, &terms)? {
        Ok(reading) => trail.advance(&terms, &reading),
        // A mean over the present would be no mean of what the pool's terms ask for.
        Err(reason) => (PoolTrail::default(), Err(reason)),
    };
    if after != trail {
        ledger.set_pool_trail(feed, place, &after)?;
    }
    let now = ledger.now();
    let Ok(mean) = mean else { return Ok(false) };
    let Ok(price) = priced(ledger, &terms, mean)? else { return Ok(false) };
    if ledger.observation(feed, place)?.time >= now {
        return Ok(false);
    }
    let report = Report { feed, round: now.get(), time: now, price, confidence: Wad::ZERO };
    sources::record(ledger, &report, &source_id(terms.pool))?;
    Ok(true)
}

fn reading<L: Ledger + ?Sized>(
    ledger: &mut L,
    terms: &PoolTerms,
) -> Result<Result<PoolReading, Unusable>, Stop> {
    let slot = match terms.priced {
        PoolToken::Zero => CUMULATIVE_SLOT,
        PoolToken::One => CUMULATIVE_SLOT.saturating_add(1),
    };
    let words = PoolWords {
        reserves: ledger.foreign_word(terms.pool, U256::from(RESERVES_SLOT))?,
        cumulative: ledger.foreign_word(terms.pool, U256::from(slot))?,
    };
    Ok(PoolReading::of(terms, &words, ledger.now()))
}

/// The price of a mean, if the other token has one.
fn priced<L: Ledger + ?Sized>(
    ledger: &mut L,
    terms: &PoolTerms,
    mean: super::Mean,
) -> Result<Result<Wad, Unusable>, Stop> {
    let price = quote(ledger, terms.quote)?.fresh_price().map_err(|_| Unusable::Unpriced);
    Ok(price.and_then(|price| mean.price(terms, price).map_err(|_| Unusable::TooDear)))
}

/// A pool as it stands, for views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// How it is read.
    pub terms: PoolTerms,
    /// When the readings were made that are kept, the latest first.
    pub trail: PoolTrail,
    /// What its storage says now.
    pub reading: Result<PoolReading, Unusable>,
    /// What the pool would say now, in US dollars per whole token, and over how many seconds; or why it says nothing.
    pub price: Result<(Wad, u64), Unusable>,
}

/// A pool of a feed as it stands. In the middle of a block it shows what trades of that block did; the feed's price does
/// not.
///
/// # Errors
/// [`Error::UnknownSource`], or a fault of the ledger.
pub fn pool_state<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    pool: Address,
) -> Result<PoolState, Stop> {
    let id = source_id(pool);
    let unknown = Error::UnknownSource { feed, id };
    let place = ledger.source_place(feed, &id)?.ok_or(unknown)?;
    let terms = ledger.pool_terms(feed, place)?.ok_or(unknown)?;
    let trail = ledger.pool_trail(feed, place)?;
    let reading = reading(ledger, &terms)?;
    let price = match reading.and_then(|reading| trail.mean(&terms, &reading)) {
        Ok(mean) => priced(ledger, &terms, mean)?.map(|price| (price, mean.seconds)),
        Err(reason) => Err(reason),
    };
    Ok(PoolState { terms, trail, reading, price })
}
