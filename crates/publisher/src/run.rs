//! The publisher at work: streams in, reports out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use gage_abi::IOracle::SignedReport;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connector::Connector;
use crate::health::{self, Shared};
use crate::{Aggregator, Config, Outcome, Poster, Priced, Tick, Venue};

/// How long a node may take to answer.
const NODE: Duration = Duration::from_secs(5);
/// How far our clock may be from the node's before somebody is told, in seconds.
const SKEW_MAX: u64 = 5;

/// Why the publisher ends.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Health cannot be served there.
    #[error("no health at {0}: {1}")]
    Health(std::net::SocketAddr, std::io::Error),
    /// The node does not answer, or refuses.
    #[error("{0}")]
    Node(String),
}

/// Milliseconds since 1970, by this machine.
fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A node's JSON-RPC.
#[derive(Clone, Debug)]
struct Node {
    agent: ureq::Agent,
    url: String,
}

impl Node {
    fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(NODE)).build();
        Self { agent: config.into(), url: url.to_owned() }
    }

    fn ask(&self, method: &str, params: &Value) -> Result<Value, String> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.agent.post(&self.url).send_json(&body);
        let mut answer = sent.map_err(|why| format!("{}: {why}", self.url))?;
        let answer: Value =
            answer.body_mut().read_json().map_err(|why| format!("{}: {why}", self.url))?;
        match answer.get("error") {
            Some(error) if !error.is_null() => {
                let message = error.get("message").and_then(Value::as_str).unwrap_or("refused");
                Err(format!("{method}: {message}"))
            }
            _ => Ok(answer.get("result").cloned().unwrap_or_default()),
        }
    }

    fn chain_id(&self) -> Result<u64, String> {
        hex(&self.ask("eth_chainId", &json!([]))?)
    }

    /// The time of the head, in seconds.
    fn time(&self) -> Result<u64, String> {
        hex(&self.ask("eth_getBlockByNumber", &json!(["latest", false]))?["timestamp"])
    }

    fn submit(&self, reports: &[SignedReport]) -> Result<(), String> {
        let number = |number: U256| number.to_string();
        let report = |signed: &SignedReport| {
            let report = &signed.report;
            json!({
                "report": {
                    "feed": report.feed,
                    "round": report.round,
                    "time": report.time,
                    "price": number(report.price),
                    "confidence": number(report.confidence),
                },
                "v": signed.v,
                "r": signed.r,
                "s": signed.s,
            })
        };
        let reports: Vec<_> = reports.iter().map(report).collect();
        self.ask("gage_submitReports", &json!([reports])).map(drop)
    }
}

fn hex(value: &Value) -> Result<u64, String> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| format!("{value} is no number"))
}

/// Starts a connector for each venue that the configuration names.
fn connect(
    config: &Config,
    shared: &Shared,
) -> (JoinSet<()>, mpsc::UnboundedReceiver<(Venue, Tick)>) {
    let (sender, ticks) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for venue in Venue::ALL {
        let symbols = config.symbols(venue);
        if symbols.is_empty() {
            continue;
        }
        let (socket, rest) = config.endpoints(venue);
        let connector = Connector { venue, symbols, socket, rest, shared: shared.clone() };
        tasks.spawn(connector.run(sender.clone()));
    }
    (tasks, ticks)
}

fn prices(outcomes: &[Outcome]) -> Vec<Priced> {
    let priced = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Priced(priced) => Some(priced.clone()),
        Outcome::Missing { .. } => None,
    });
    priced.collect()
}

/// Listens for `wait`, or until every feed has all its venues, and says what each feed would be worth; nothing is handed
/// in.
pub async fn look(config: &Config, wait: Duration) -> Vec<Outcome> {
    let shared = Shared::default();
    let (_tasks, mut ticks) = connect(config, &shared);
    let mut aggregator = Aggregator::new(config);
    let deadline = tokio::time::Instant::now() + wait;
    while let Ok(Some((venue, tick))) = tokio::time::timeout_at(deadline, ticks.recv()).await {
        aggregator.observe(venue, tick, now());
        let whole = |outcome: &Outcome| {
            let silent = |(_, state): &(_, crate::VenueState)| *state == crate::VenueState::Silent;
            !outcome.venues().iter().any(silent)
        };
        if aggregator.round(now()).iter().all(whole) {
            break;
        }
    }
    aggregator.round(now())
}

/// Publishes until `stop` completes.
///
/// # Errors
/// [`RunError`]: at the start only. What fails later is tried again, and told by health and metrics.
pub async fn run(
    config: Config,
    key: PrivateKeySigner,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    let shared = Shared::default();
    let node = Node::new(&config.node);
    let asked = {
        let node = node.clone();
        tokio::task::spawn_blocking(move || node.chain_id()).await
    };
    let chain_id = asked.map_err(|why| RunError::Node(why.to_string()))?.map_err(RunError::Node)?;
    let mut servers = JoinSet::new();
    if let Some(at) = config.health {
        let listener = TcpListener::bind(at).await.map_err(|why| RunError::Health(at, why))?;
        servers.spawn(health::serve(listener, shared.clone()));
    }
    let (_tasks, mut ticks) = connect(&config, &shared);
    let mut aggregator = Aggregator::new(&config);
    let mut poster = Poster::new(&config, key, chain_id);
    let mut rounds = tokio::time::interval(Duration::from_secs(config.interval));
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            heard = ticks.recv() => {
                let Some((venue, tick)) = heard else { continue };
                let now = now();
                if let Some(time) = tick.time {
                    skew(venue, time, now);
                }
                aggregator.observe(venue, tick, now);
            }
            _ = rounds.tick() => {
                let at = now();
                let outcomes = aggregator.round(at);
                shared.round(&outcomes, &aggregator, at);
                tell_missing(&outcomes);
                post(&node, &mut poster, &prices(&outcomes), &shared, at).await;
            }
        }
    }
}

fn tell_missing(outcomes: &[Outcome]) {
    for outcome in outcomes {
        if let Outcome::Missing { name, why, .. } = outcome {
            tracing::debug!(feed = %name, %why, "no price");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn skew(venue: Venue, time: u64, now: u64) {
    let ahead = i128::from(time) - i128::from(now);
    metrics::gauge!("gage_publisher_clock_skew_ms", "venue" => venue.name()).set(ahead as f64);
}

/// Hands in what is due. What a node refuses, or does not hear, is due again in the next round.
async fn post(node: &Node, poster: &mut Poster, prices: &[Priced], shared: &Shared, at: u64) {
    let due = poster.due(prices, at / 1_000);
    if due.is_empty() {
        return;
    }
    let signed = match poster.sign(&due, at) {
        Ok(signed) => signed,
        Err(why) => return shared.posted(Err(why.to_string()), at),
    };
    let node = node.clone();
    let sent = tokio::task::spawn_blocking(move || {
        // Each for itself, so that one that is refused does not keep the others from the block.
        let sent: Vec<_> =
            signed.iter().map(|one| node.submit(std::slice::from_ref(one))).collect();
        (sent, node.time())
    });
    let Ok((sent, time)) = sent.await else { return };
    if let Ok(time) = time {
        let ours = at / 1_000;
        if time > ours.saturating_add(SKEW_MAX) {
            tracing::warn!(node = time, here = ours, "this machine's clock is behind the node's");
        }
    }
    let mut taken = Vec::new();
    for (priced, outcome) in due.iter().zip(sent) {
        match outcome {
            Ok(()) => taken.push(*priced),
            Err(why) => {
                tracing::warn!(feed = %priced.name, %why, "a report was not taken");
                shared.posted(Err(format!("{}: {why}", priced.name)), at);
            }
        }
    }
    if !taken.is_empty() {
        let whole = taken.len() == due.len();
        poster.note(&taken, at / 1_000);
        if whole {
            shared.posted(Ok(taken.len() as u64), at);
        }
    }
}
