//! A venue's stream of quotes, and single quotes while the stream is down.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::health::Shared;
use crate::{Tick, Venue};

/// A stream that says nothing for so long is down.
const SILENCE: Duration = Duration::from_secs(15);
/// How long opening a stream, or a single quote, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first wait before a stream is opened anew, doubled each time, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// A stream that lived for so long was no failure.
const HEALTHY: Duration = Duration::from_secs(60);
/// So many messages in a row that cannot be read end a stream.
const GARBAGE_MAX: u32 = 20;

/// A venue, what is read there, and where.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) venue: Venue,
    pub(crate) symbols: Vec<String>,
    pub(crate) socket: String,
    pub(crate) rest: String,
    pub(crate) shared: Shared,
}

/// Waits that grow, each with up to half more by chance, so that many do not come back at once.
struct Backoff {
    next: Duration,
    seed: u64,
}

impl Backoff {
    fn new(seed: u64) -> Self {
        Self { next: WAITS.0, seed }
    }

    fn reset(&mut self) {
        self.next = WAITS.0;
    }

    fn wait(&mut self) -> Duration {
        let base = self.next;
        self.next = (base * 2).min(WAITS.1);
        // splitmix64: chance enough to spread connections.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let part = u32::try_from((mixed >> 33) % 1_000).unwrap_or_default();
        base + base / 2 * part / 1_000
    }
}

impl Connector {
    /// Reads until nobody listens any more.
    pub(crate) async fn run(self, ticks: UnboundedSender<(Venue, Tick)>) {
        let mut backoff = Backoff::new(self.venue as u64 + u64::from(std::process::id()));
        while !ticks.is_closed() {
            let opened = Instant::now();
            let trouble = match self.stream(&ticks).await {
                Ok(()) => return,
                Err(why) => why,
            };
            tracing::warn!(venue = self.venue.name(), %trouble, "the stream is down");
            self.shared.stream(self.venue.name(), Some(trouble));
            if opened.elapsed() > HEALTHY {
                backoff.reset();
            }
            self.ask(&ticks, backoff.wait()).await;
        }
    }

    /// Reads the stream until it fails; says why. Ends well when nobody listens.
    async fn stream(&self, ticks: &UnboundedSender<(Venue, Tick)>) -> Result<(), String> {
        let url = self.venue.socket_url(&self.socket, &self.symbols);
        let opening = timeout(PATIENCE, tokio_tungstenite::connect_async(&url)).await;
        let (mut stream, _) =
            opening.map_err(|_| "no answer".to_owned())?.map_err(|why| why.to_string())?;
        if let Some(text) = self.venue.subscription(&self.symbols) {
            stream.send(Message::Text(text.into())).await.map_err(|why| why.to_string())?;
        }
        self.shared.stream(self.venue.name(), None);
        let mut garbage = 0;
        loop {
            let message =
                timeout(SILENCE, stream.next()).await.map_err(|_| "silence".to_owned())?;
            let message = message.ok_or("closed")?.map_err(|why| why.to_string())?;
            let text = match message {
                Message::Text(text) => text,
                Message::Close(_) => return Err("closed".to_owned()),
                _ => continue,
            };
            match self.venue.read_message(&text) {
                Ok(found) => {
                    garbage = 0;
                    for tick in found {
                        if ticks.send((self.venue, tick)).is_err() {
                            return Ok(());
                        }
                    }
                }
                Err(crate::venues::VenueError::Refused(why)) => return Err(why),
                Err(why) => {
                    garbage += 1;
                    tracing::debug!(venue = self.venue.name(), %why, "a message was passed over");
                    if garbage >= GARBAGE_MAX {
                        return Err(format!(
                            "{garbage} messages in a row that cannot be read: {why}"
                        ));
                    }
                }
            }
        }
    }

    /// Asks for single quotes, within the venue's limits, until `wait` is over.
    async fn ask(&self, ticks: &UnboundedSender<(Venue, Tick)>, wait: Duration) {
        let until = Instant::now() + wait;
        let pause = Duration::from_secs(1) / self.venue.requests_per_second();
        for symbol in self.symbols.iter().cycle() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || ticks.is_closed() {
                return;
            }
            match self.quote(symbol.clone()).await {
                Ok(tick) => drop(ticks.send((self.venue, tick))),
                Err(Trouble::TooMany(seconds)) => {
                    sleep(Duration::from_secs(seconds).max(pause)).await;
                    return;
                }
                Err(Trouble::Other(why)) => {
                    tracing::debug!(venue = self.venue.name(), %symbol, %why, "no quote");
                }
            }
            sleep(pause.min(left)).await;
        }
    }

    async fn quote(&self, symbol: String) -> Result<Tick, Trouble> {
        let (venue, url) = (self.venue, self.venue.quote_url(&self.rest, &symbol));
        let asked = tokio::task::spawn_blocking(move || get(&url)).await;
        let text = asked.map_err(|why| Trouble::Other(why.to_string()))??;
        venue.read_quote(&symbol, &text).map_err(|why| Trouble::Other(why.to_string()))
    }
}

/// Why there is no single quote.
enum Trouble {
    /// The venue asks to wait for so many seconds.
    TooMany(u64),
    Other(String),
}

fn get(url: &str) -> Result<String, Trouble> {
    let other = |why: ureq::Error| Trouble::Other(why.to_string());
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .user_agent("gage-publisher")
        .build();
    let agent: ureq::Agent = config.into();
    let mut response = agent.get(url).call().map_err(other)?;
    match response.status().as_u16() {
        // Binance says 418 to whoever did not heed 429.
        429 | 418 => {
            let after = response.headers().get("retry-after").and_then(|after| after.to_str().ok());
            Err(Trouble::TooMany(after.and_then(|text| text.parse().ok()).unwrap_or(10)))
        }
        _ => response.body_mut().read_to_string().map_err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_not_all_the_same() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<_> = (0..12).map(|_| backoff.wait()).collect();
        assert!(waits[0] >= WAITS.0 && waits[0] <= WAITS.0 * 3 / 2);
        assert!(waits.iter().all(|wait| *wait <= WAITS.1 * 3 / 2));
        assert!(waits[11] >= WAITS.1);
        backoff.reset();
        assert!(backoff.wait() <= WAITS.0 * 3 / 2);
        assert_ne!(Backoff::new(1).wait(), Backoff::new(2).wait());
    }
}
