//! `core`'s events about prices in their Solidity form.

use crate::interfaces::IOracle;
use alloy_primitives::{Address, LogData, U256};
use alloy_sol_types::SolEvent;
use gage_core::doubt::Cause;
use gage_core::{Event, FeedId, Wad, address};

fn wide(number: Wad) -> U256 {
    U256::from(number.get())
}

fn number(feed: Option<FeedId>) -> u32 {
    feed.map_or(0, FeedId::get)
}

/// The topics and data of an event of the oracle; empty of another.
pub(crate) fn log(event: &Event) -> LogData {
    match *event {
        Event::FeedCreated { feed, owner, subject } => IOracle::FeedCreated {
            feed: feed.get(),
            owner,
            asset: subject.asset.map_or(Address::ZERO, address::asset),
            description: subject.description.as_str().into(),
        }
        .encode_log_data(),
        Event::FeedTermsChanged { feed, terms } => {
            IOracle::FeedTermsChanged { feed: feed.get(), terms: terms.into() }.encode_log_data()
        }
        Event::SourceChanged { feed, source } => {
            IOracle::SourceChanged { feed: feed.get(), source: source.into() }.encode_log_data()
        }
        Event::SourceRemoved { feed, id } => {
            IOracle::SourceRemoved { feed: feed.get(), kind: id.kind.number(), key: id.key }
                .encode_log_data()
        }
        Event::PoolTermsChanged { feed, terms } => {
            IOracle::PoolTermsChanged { feed: feed.get(), terms: terms.into() }.encode_log_data()
        }
        Event::FallbackChanged { feed, fallback } => {
            IOracle::FallbackChanged { feed: feed.get(), fallbackFeed: number(fallback) }
                .encode_log_data()
        }
        Event::FeedFrozen { feed, until, actor } => {
            IOracle::FeedFrozen { feed: feed.get(), until: until.get(), actor }.encode_log_data()
        }
        Event::FeedUnfrozen { feed, actor, liquidation_resumes_at } => {
            let liquidation = liquidation_resumes_at.get();
            IOracle::FeedUnfrozen { feed: feed.get(), actor, liquidationResumesAt: liquidation }
                .encode_log_data()
        }
        Event::ComputedFeedCreated { feed, kind } => {
            let [base, other] = kind.legs().map(number);
            IOracle::ComputedFeedCreated { feed: feed.get(), kind: kind.number(), base, other }
                .encode_log_data()
        }
        Event::ShareFeedCreated { feed, vault, base } => {
            let (vault, base) = (address::vault(vault), base.get());
            IOracle::ShareFeedCreated { feed: feed.get(), vault, base }.encode_log_data()
        }
        Event::GrowthCapChanged { feed, cap } => IOracle::GrowthCapChanged {
            feed: feed.get(),
            anchor: wide(cap.anchor),
            since: cap.since.get(),
            growth: U256::from(cap.growth.get()),
        }
        .encode_log_data(),
        Event::RateCapped { feed, reported, accepted } => {
            let (reported, accepted) = (wide(reported), wide(accepted));
            IOracle::RateCapped { feed: feed.get(), reported, accepted }.encode_log_data()
        }
        _ => accepted(event),
    }
}

/// What comes of reports.
fn accepted(event: &Event) -> LogData {
    match *event {
        Event::PriceUpdated { feed, price, smoothed, spread, time, round, accepted } => {
            IOracle::PriceUpdated {
                feed: feed.get(),
                price: wide(price),
                smoothed: wide(smoothed),
                spread: spread.get(),
                time: time.get(),
                round,
                sources: accepted,
            }
            .encode_log_data()
        }
        Event::OutlierRejected { feed, id, price, median } => IOracle::OutlierRejected {
            feed: feed.get(),
            kind: id.kind.number(),
            key: id.key,
            price: wide(price),
            median: wide(median),
        }
        .encode_log_data(),
        Event::QuorumMissed { feed, agree, rejected, quorum } => {
            IOracle::QuorumMissed { feed: feed.get(), agree, rejected, quorum }.encode_log_data()
        }
        Event::SignersChanged { id, count, threshold, expires_at } => IOracle::SignersChanged {
            provider: id.provider.number(),
            name: id.name,
            count,
            threshold,
            expiresAt: expires_at.get(),
        }
        .encode_log_data(),
        Event::DoubtBegan { feed, cause, until } => IOracle::DoubtBegan {
            feed: feed.get(),
            cause: match cause {
                Cause::Spread => 0,
                Cause::Jump => 1,
            },
            until: until.get(),
        }
        .encode_log_data(),
        Event::DoubtEnded { feed, price } => {
            IOracle::DoubtEnded { feed: feed.get(), price: wide(price) }.encode_log_data()
        }
        _ => LogData::default(),
    }
}
