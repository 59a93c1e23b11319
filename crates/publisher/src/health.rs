//! What the publisher says of itself: health as JSON, and metrics.
//!
//! | name | kind | what |
//! |---|---|---|
//! | `gage_publisher_price` | gauge, by feed | the newest price in dollars |
//! | `gage_publisher_spread_ppm` | gauge, by feed | how far venues are apart |
//! | `gage_publisher_venues` | gauge, by feed | venues that count |
//! | `gage_publisher_reports_total` | counter | reports that a node has taken |
//! | `gage_publisher_refusals_total` | counter | attempts that failed |
//! | `gage_publisher_reconnects_total` | counter, by venue | streams that were opened anew |
//! | `gage_publisher_clock_skew_ms` | gauge, by venue | the venue's clock ahead of ours, where it says |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use metrics::{counter, gauge};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{Aggregator, Outcome, VenueState};

/// The state that is served.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Health {
    /// Whether every feed has a price and the last attempt to hand prices in succeeded.
    ok: bool,
    feeds: BTreeMap<String, FeedHealth>,
    /// Whether each venue's stream is open.
    venues: BTreeMap<&'static str, VenueHealth>,
    node: NodeHealth,
}

#[derive(Clone, Debug, Default, Serialize)]
struct FeedHealth {
    price: Option<f64>,
    why: Option<String>,
    venues: Vec<PairHealth>,
}

#[derive(Clone, Debug, Serialize)]
struct PairHealth {
    venue: &'static str,
    symbol: String,
    state: VenueState,
    price: Option<f64>,
    age_ms: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct VenueHealth {
    streaming: bool,
    reconnects: u64,
    trouble: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct NodeHealth {
    reports: u64,
    last: Option<u64>,
    trouble: Option<String>,
}

/// The state, shared by all tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Health>>);

#[expect(clippy::cast_precision_loss, reason = "for people and gauges")]
fn dollars(wad: u128) -> f64 {
    wad as f64 / 1e18
}

impl Shared {
    /// Takes a round's outcomes.
    pub(crate) fn round(&self, outcomes: &[Outcome], heard: &Aggregator, now: u64) {
        let mut health = self.0.lock();
        for outcome in outcomes {
            let (price, why) = match outcome {
                Outcome::Priced(priced) => {
                    let ppm = priced.confidence.saturating_mul(1_000_000) / priced.price.max(1);
                    gauge!("gage_publisher_price", "feed" => priced.name.clone())
                        .set(dollars(priced.price));
                    gauge!("gage_publisher_spread_ppm", "feed" => priced.name.clone())
                        .set(u32::try_from(ppm).unwrap_or(u32::MAX));
                    (Some(dollars(priced.price)), None)
                }
                Outcome::Missing { why, .. } => (None, Some(why.clone())),
            };
            let venues = outcome.venues().iter().map(|(pair, state)| {
                let last = heard.last(pair);
                PairHealth {
                    venue: pair.0.name(),
                    symbol: pair.1.clone(),
                    state: *state,
                    price: last.map(|(_, tick)| dollars(tick.middle())),
                    age_ms: last.map(|(at, _)| now.saturating_sub(at)),
                }
            });
            let venues: Vec<_> = venues.collect();
            let counting = venues.iter().filter(|one| one.state == VenueState::Counts).count();
            gauge!("gage_publisher_venues", "feed" => outcome.name().to_owned())
                .set(u32::try_from(counting).unwrap_or_default());
            health.feeds.insert(outcome.name().to_owned(), FeedHealth { price, why, venues });
        }
        health.judge();
    }

    /// A venue's stream was opened, or was lost for a reason.
    pub(crate) fn stream(&self, venue: &'static str, trouble: Option<String>) {
        let mut health = self.0.lock();
        let state = health.venues.entry(venue).or_default();
        let streaming = trouble.is_none();
        if streaming && state.trouble.is_some() {
            state.reconnects += 1;
            counter!("gage_publisher_reconnects_total", "venue" => venue).increment(1);
        }
        (state.streaming, state.trouble) = (streaming, trouble);
    }

    /// A node has taken reports, or not.
    pub(crate) fn posted(&self, outcome: Result<u64, String>, now: u64) {
        let mut health = self.0.lock();
        match outcome {
            Ok(count) => {
                counter!("gage_publisher_reports_total").increment(count);
                health.node.reports += count;
                (health.node.last, health.node.trouble) = (Some(now), None);
            }
            Err(why) => {
                counter!("gage_publisher_refusals_total").increment(1);
                health.node.trouble = Some(why);
            }
        }
        health.judge();
    }
}

impl Health {
    fn judge(&mut self) {
        let priced = self.feeds.values().all(|feed| feed.price.is_some());
        self.ok = !self.feeds.is_empty() && priced && self.node.trouble.is_none();
    }
}

async fn health(State(shared): State<Shared>) -> (StatusCode, Json<Health>) {
    let health = shared.0.lock().clone();
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

/// Serves `/health` until the task is dropped.
///
/// # Errors
/// The listener's.
pub(crate) async fn serve(listener: TcpListener, shared: Shared) -> std::io::Result<()> {
    let router = Router::new().route("/health", get(health)).with_state(shared);
    axum::serve(listener, router).await
}
