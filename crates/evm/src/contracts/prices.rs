//! Feeds, sources and signers in Solidity's structs, from and to the protocol's.

use super::Answer;
use super::numbers::wad;
use alloy_primitives::{Address, U256};
use gage_abi::IOracle;
use gage_core::feed::FeedTerms;
use gage_core::portfolio::Side;
use gage_core::quote::{Quote, Status, quote};
use gage_core::sources::{self, Standing};
use gage_core::{
    Bps, Error, FeedId, FeedKind, GrowthCap, Guards, Ledger, Source, SourceId, SourceKind,
    SourceTerms, Timestamp, Wad, address,
};

pub(super) fn feed_terms(terms: &IOracle::FeedTerms) -> Answer<FeedTerms> {
    let guards = &terms.guards;
    Ok(FeedTerms {
        max_age: terms.maxAge,
        price_min: wad(terms.priceMin)?,
        price_max: wad(terms.priceMax)?,
        guards: Guards {
            quorum: guards.quorum,
            outlier: Bps::new(guards.outlier),
            spread: Bps::new(guards.spread),
            jump: Bps::new(guards.jump),
            confirm: guards.confirm,
            smoothing: guards.smoothing,
            budget: guards.budget,
            window: guards.window,
        },
    })
}

pub(super) fn source_kind(number: u8) -> Result<SourceKind, Error> {
    let value = number.into();
    SourceKind::of(number).ok_or(Error::InvalidParameter { name: "source kind", value })
}

pub(super) fn source(source: &IOracle::Source) -> Result<Source, Error> {
    let id = SourceId { kind: source_kind(source.kind)?, key: source.key };
    Ok(Source { id, terms: SourceTerms { weight: source.weight, max_age: source.maxAge } })
}

fn wide(number: Wad) -> U256 {
    U256::from(number.get())
}

pub(super) fn feed_state<L: Ledger>(ledger: &mut L, id: FeedId) -> Answer<IOracle::FeedState> {
    let (feed, info) = (ledger.feed(id)?, ledger.feed_info(id)?);
    let (terms, track) = (ledger.feed_terms(id)?, ledger.track(id)?);
    let quote = quote(ledger, id)?;
    Ok(IOracle::FeedState {
        owner: info.owner,
        asset: info.subject.asset.map_or(Address::ZERO, address::asset),
        description: info.subject.description.as_str().to_owned(),
        price: wide(quote.price),
        smoothed: wide(feed.smoothed),
        updatedAt: quote.updated_at.get(),
        rounds: track.rounds,
        terms: terms.into(),
        status: match quote.status() {
            Status::Live => 0,
            Status::Doubtful => 1,
            Status::Stale => 2,
            Status::Frozen => 3,
        },
        fresh: quote.is_fresh(),
        doubtUntil: quote.doubt_until.get(),
        frozenUntil: feed.frozen_until.get(),
        liquidationResumesAt: quote.liquidation_resumes_at.get(),
        settled: wide(track.settled),
        fallbackFeed: feed.fallback.map_or(0, FeedId::get),
        prices: feed_prices(&quote),
        source: feed_source(feed.kind, &ledger.growth_cap(id)?, ledger.now()),
    })
}

fn feed_prices(quote: &Quote) -> IOracle::FeedPrices {
    IOracle::FeedPrices {
        openingCollateral: wide(quote.careful_price(Side::Collateral)),
        openingDebt: wide(quote.careful_price(Side::Debt)),
        judgedCollateral: wide(quote.judged_price(Side::Collateral)),
        judgedDebt: wide(quote.judged_price(Side::Debt)),
    }
}

fn feed_source(kind: FeedKind, cap: &GrowthCap, now: Timestamp) -> IOracle::FeedSource {
    let [base, other] = kind.legs().map(|leg| leg.map_or(0, FeedId::get));
    let vault = match kind {
        FeedKind::SharePrice { vault, .. } => address::vault(vault),
        _ => Address::ZERO,
    };
    IOracle::FeedSource {
        kind: kind.number(),
        base,
        other,
        vault,
        growth: U256::from(cap.growth.get()),
        anchor: wide(cap.anchor),
        since: cap.since.get(),
        limit: wide(cap.limit(now)),
    }
}

pub(super) fn source_states<L: Ledger>(
    ledger: &mut L,
    id: FeedId,
) -> Answer<Vec<IOracle::SourceState>> {
    let state = |standing: Standing| IOracle::SourceState {
        place: standing.place,
        source: standing.source.into(),
        price: wide(standing.last.price),
        confidence: standing.last.confidence.get(),
        time: standing.last.time.get(),
        round: standing.last.round,
        fresh: standing.fresh,
    };
    Ok(sources::standings(ledger, id)?.into_iter().map(state).collect())
}
