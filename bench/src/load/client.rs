//! JSON-RPC as a load process speaks it: many signed transactions over a few connections.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::{B256, hex};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

/// Calls of one request.
const BATCH: usize = 50;
/// Transactions that wait at a time, at most.
const IN_FLIGHT: usize = 8_000;
/// Connections that send.
const SENDERS: usize = 4;
/// Between two looks for a new block.
const LOOK: Duration = Duration::from_millis(2);
/// Nothing new for so long is an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A signed transaction.
pub(super) struct Signed {
    pub(super) hash: B256,
    pub(super) bytes: Vec<u8>,
}

/// A connection to a node.
pub(super) struct Client {
    url: String,
    agent: ureq::Agent,
}

impl Client {
    pub(super) fn new(url: String) -> Self {
        Self { url, agent: ureq::Agent::new_with_defaults() }
    }

    fn post(&self, body: &Value) -> Result<Value> {
        let mut response = self.agent.post(&self.url).send_json(body)?;
        Ok(response.body_mut().with_config().limit(1 << 30).read_json()?)
    }

    /// One call.
    pub(super) fn ask(&self, method: &str, params: &Value) -> Result<Value> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        result(method, self.post(&call)?)
    }

    /// Many calls of one method, in batches; their results in order.
    pub(super) fn ask_all(&self, method: &str, calls: &[Value]) -> Result<Vec<Value>> {
        let mut results = Vec::with_capacity(calls.len());
        for some in calls.chunks(BATCH) {
            let call = |(id, params): (usize, &Value)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            let batch: Vec<Value> = some.iter().enumerate().map(call).collect();
            let Value::Array(mut answers) = self.post(&batch.into())? else {
                bail!("{method}: no list of answers");
            };
            ensure!(answers.len() == some.len(), "{method}: {} answers", answers.len());
            answers.sort_by_key(|answer| answer["id"].as_u64());
            for answer in answers {
                results.push(result(method, answer)?);
            }
        }
        Ok(results)
    }

    /// The number of the latest block.
    pub(super) fn head(&self) -> Result<u64> {
        number(&self.ask("eth_blockNumber", &json!([]))?)
    }

    /// Sends all and waits until every one is in a block: how long that took, and when each was seen there.
    ///
    /// # Errors
    /// One was refused, or none appears any more.
    pub(super) fn drive(&self, all: &[Signed]) -> Result<Driven> {
        let from = self.head()?;
        // Written before: the load is to take little of what the node runs on.
        let bodies: Vec<Requests> = all.chunks(BATCH).map(Requests::new).collect();
        let began = Instant::now();
        let (sent, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            // Each connection takes every fourth batch, so that a sender's nonces arrive about in order.
            let senders: Vec<_> = (0..SENDERS)
                .map(|place| {
                    let client = Self::new(self.url.clone());
                    let (sent, seen, bodies) = (&sent, &seen, &bodies);
                    scope.spawn(move || -> Result<()> {
                        for some in bodies.iter().skip(place).step_by(SENDERS) {
                            let waiting = || {
                                let sent = sent.load(Ordering::Relaxed);
                                sent.saturating_sub(seen.load(Ordering::Relaxed))
                            };
                            while waiting() >= IN_FLIGHT && began.elapsed() < PATIENCE {
                                std::thread::sleep(LOOK);
                            }
                            sent.fetch_add(some.len, Ordering::Relaxed);
                            client.send(some)?;
                        }
                        Ok(())
                    })
                })
                .collect();
            let watched = self.watch(all, (from, began), &seen);
            for sender in senders {
                sender.join().map_err(|_| anyhow!("a sender failed"))??;
            }
            watched
        })
    }

    /// Sends at this pace, one call a transaction, and returns how long each took from sending until it was seen.
    ///
    /// # Errors
    /// One was refused, or none appears any more.
    pub(super) fn paced(&self, all: &[Signed], per_second: f64) -> Result<Vec<Duration>> {
        let from = self.head()?;
        let began = Instant::now();
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .map(|place| {
                    let client = Self::new(self.url.clone());
                    scope.spawn(move || -> Result<Vec<(B256, Duration)>> {
                        let mut sent = Vec::new();
                        for (at, one) in all.iter().enumerate().skip(place).step_by(SENDERS) {
                            let due = Duration::from_secs_f64(at as f64 / per_second);
                            std::thread::sleep(due.saturating_sub(began.elapsed()));
                            sent.push((one.hash, began.elapsed()));
                            client.send(&Requests::new(std::slice::from_ref(one)))?;
                        }
                        Ok(sent)
                    })
                })
                .collect();
            let driven = self.watch(all, (from, began), &AtomicUsize::new(0))?;
            let mut latencies = Vec::new();
            for sender in senders {
                for (hash, sent) in sender.join().map_err(|_| anyhow!("a sender failed"))?? {
                    let seen = driven.seen.get(&hash).context("every one was seen")?;
                    latencies.push(seen.saturating_sub(sent));
                }
            }
            Ok(latencies)
        })
    }

    fn send(&self, some: &Requests) -> Result<()> {
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let answer = request.send(&some.body)?.body_mut().read_to_string()?;
        ensure!(!answer.contains("\"error\""), "a transaction was refused: {answer}");
        ensure!(answer.matches("\"result\"").count() == some.len, "answers are missing: {answer}");
        Ok(())
    }

    /// Reads block after block until all are there.
    fn watch(
        &self,
        all: &[Signed],
        (from, began): (u64, Instant),
        seen: &AtomicUsize,
    ) -> Result<Driven> {
        let client = Self::new(self.url.clone());
        let mut missing: HashSet<B256> = all.iter().map(|one| one.hash).collect();
        let mut driven = Driven { seen: HashMap::new(), blocks: 0, took: Duration::ZERO };
        let (mut next, mut news) = (from + 1, Instant::now());
        while !missing.is_empty() {
            let head = client.head()?;
            let at = began.elapsed();
            let wanted: Vec<Value> =
                (next..=head).map(|number| json!([format!("{number:#x}"), false])).collect();
            for block in client.ask_all("eth_getBlockByNumber", &wanted)? {
                let hashes = block["transactions"].as_array().context("a block")?;
                let hashes = hashes.iter().filter_map(|hash| hash.as_str()?.parse::<B256>().ok());
                let found = hashes.filter(|hash| missing.remove(hash));
                let before = driven.seen.len();
                driven.seen.extend(found.map(|hash| (hash, at)));
                driven.blocks += u64::from(driven.seen.len() > before);
                seen.store(driven.seen.len(), Ordering::Relaxed);
                news = Instant::now();
            }
            next = head + 1;
            ensure!(news.elapsed() < PATIENCE, "{} transactions are in no block", missing.len());
            std::thread::sleep(LOOK);
        }
        driven.took = driven.seen.values().max().copied().unwrap_or_default();
        Ok(driven)
    }

    /// That all of them succeeded.
    ///
    /// # Errors
    /// One did not.
    pub(super) fn check(&self, all: &[Signed]) -> Result<()> {
        let calls: Vec<Value> = all.iter().map(|one| json!([one.hash])).collect();
        let receipts = self.ask_all("eth_getTransactionReceipt", &calls)?;
        let failed = receipts.iter().filter(|receipt| receipt["status"] != "0x1").count();
        ensure!(failed == 0, "{failed} of {} transactions failed", all.len());
        Ok(())
    }
}

/// A batch of calls that hand in transactions, as it is sent.
struct Requests {
    body: String,
    len: usize,
}

impl Requests {
    fn new(some: &[Signed]) -> Self {
        let call = |(id, one): (usize, &Signed)| {
            let raw = hex::encode_prefixed(&one.bytes);
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_sendRawTransaction","params":["{raw}"]}}"#
            )
        };
        let calls: Vec<String> = some.iter().enumerate().map(call).collect();
        Self { body: format!("[{}]", calls.join(",")), len: some.len() }
    }
}

/// What came of sending many.
pub(super) struct Driven {
    /// When each was seen in a block, since the first was sent.
    pub(super) seen: HashMap<B256, Duration>,
    /// Blocks that held any.
    pub(super) blocks: u64,
    /// Until the last was seen.
    pub(super) took: Duration,
}

fn result(method: &str, mut answer: Value) -> Result<Value> {
    match answer.get("error") {
        Some(error) => bail!("{method}: {error}"),
        None => Ok(answer["result"].take()),
    }
}

fn number(value: &Value) -> Result<u64> {
    let text = value.as_str().context("a quantity")?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}
