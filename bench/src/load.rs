//! Whole nodes under load: signed transactions over JSON-RPC from this process, executed by another, until they are in
//! blocks. Gage beside Anvil with Morpho Blue, the same users and the same operations.

mod client;
mod script;
mod server;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use anyhow::{Context, Result};
use gage_abi::IOracle;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::json;

use self::client::{Client, Signed};
use self::script::{People, Script, Sent};
use self::server::Server;
use crate::artifact::Artifacts;
use crate::gage::{self, CHAIN_ID, Gage, wad};
use crate::morpho::Morpho;
use crate::report::{machine, table, thousands};

/// Wei per gas that everybody offers: full blocks raise the base fee by an eighth each.
const FEE_MAX: u128 = 1_000_000_000_000_000;
const TIP: u128 = 1_000_000_000;
/// Transactions of one sender that wait at a time while the world is built.
const WAVE: usize = 1_000;
/// Transactions whose latency is measured, at half of the rate that was reached.
const PACED: usize = 2_000;

/// A node, and what was sent to it so far.
struct Driver<'a> {
    server: Server,
    people: &'a People,
    nonces: HashMap<Address, u64>,
}

/// A row of the table.
struct Row {
    node: &'static str,
    work: &'static str,
    sent: usize,
    per_second: f64,
    blocks: u64,
    /// Of each transaction at half of that rate, sorted.
    latencies: Vec<Duration>,
}

impl<'a> Driver<'a> {
    fn new(server: Server, people: &'a People) -> Self {
        Self { server, people, nonces: HashMap::new() }
    }

    fn client(&self) -> &Client {
        &self.server.client
    }

    /// Signs with the senders' next nonces.
    fn sign(&mut self, all: &[Sent]) -> Result<Vec<Signed>> {
        let mut numbered = Vec::with_capacity(all.len());
        for sent in all {
            let nonce = self.nonces.entry(sent.from).or_default();
            numbered.push((sent, *nonce));
            *nonce += 1;
        }
        numbered.par_iter().map(|(sent, nonce)| signed(self.people, sent, *nonce)).collect()
    }

    /// Builds the world: first what the admin does, then everybody else.
    fn set_up(&mut self, setup: &[Sent]) -> Result<()> {
        let admin = self.people.cast.admin;
        let users = setup.iter().filter(|sent| !sent.is_prelude());
        let (ours, others): (Vec<_>, Vec<_>) = users.cloned().partition(|sent| sent.from == admin);
        for some in ours.chunks(WAVE).chain(others.chunks(WAVE)) {
            let some = self.sign(some)?;
            self.client().drive(&some)?;
            self.client().check(&some)?;
        }
        self.report(setup)
    }

    /// Gage's prices, as of now.
    fn report(&self, setup: &[Sent]) -> Result<()> {
        let Some(prelude) = setup.iter().rfind(|sent| sent.is_prelude()) else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let call = IOracle::preludeCall::abi_decode(&prelude.data)?;
        let mut reports = Vec::new();
        for old in call.reports {
            let usd = old.report.price / U256::from(10).pow(U256::from(18));
            let IOracle::SignedReport { report, v, r, s } =
                gage::report(old.report.feed, now - 1, wad(usd.to()))?;
            let (feed, round, time) = (report.feed, report.round, report.time);
            let report = json!({ "feed": feed, "round": round, "time": time,
                "price": report.price.to_string(), "confidence": "0" });
            reports.push(json!({ "report": report, "v": v, "r": r, "s": s }));
        }
        self.client().ask("gage_submitReports", &json!([reports]))?;
        // The next block applies them, and has to be there before anybody draws.
        let head = self.client().head()?;
        while self.client().head()? == head {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Sends all at once, then some more at half of the rate that was reached.
    fn measure(
        &mut self,
        (node, work): (&'static str, &'static str),
        all: &[Sent],
        paced: &[Sent],
    ) -> Result<Row> {
        eprintln!("{node}: {work}");
        let signed = self.sign(all)?;
        let driven = self.client().drive(&signed)?;
        self.client().check(&signed)?;
        let per_second = all.len() as f64 / driven.took.as_secs_f64();
        let some = self.sign(&paced[..PACED.min(paced.len())])?;
        let mut latencies = self.client().paced(&some, per_second / 2.0)?;
        self.client().check(&some)?;
        latencies.sort_unstable();
        eprintln!("{node}: {work}: {per_second:.0} a second");
        Ok(Row { node, work, sent: all.len(), per_second, blocks: driven.blocks, latencies })
    }
}

fn signed(people: &People, sent: &Sent, nonce: u64) -> Result<Signed> {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        // Interest accrues at other moments than when it was recorded.
        gas_limit: if sent.data.is_empty() { sent.gas } else { sent.gas * 3 / 2 + 50_000 },
        max_fee_per_gas: FEE_MAX,
        max_priority_fee_per_gas: TIP,
        to: sent.to,
        value: sent.value,
        input: sent.data.clone(),
        ..TxEip1559::default()
    };
    let key = people.key(sent.from).context("everybody has a key")?;
    let signature = key.sign_hash_sync(&tx.signature_hash())?;
    let tx = TxEnvelope::from(tx.into_signed(signature));
    Ok(Signed { hash: *tx.tx_hash(), bytes: tx.encoded_2718() })
}

/// How many signatures a second all threads recover, from the bytes that a wallet sends.
fn recovery_limit(all: &[Signed]) -> Result<f64> {
    let began = Instant::now();
    let recovered: Result<Vec<Address>> = all
        .par_iter()
        .map(|one| {
            let tx = TxEnvelope::decode_2718(&mut one.bytes.as_slice())?;
            Ok(tx.recover_signer()?)
        })
        .collect();
    Ok(recovered?.len() as f64 / began.elapsed().as_secs_f64())
}

/// The page.
///
/// # Errors
/// A node did not start, or refused a transaction.
pub(crate) fn report(artifacts: &Artifacts, users: usize) -> Result<String> {
    let people = People::new(users)?;
    eprintln!("writing the story of {users} users down");
    let of_gage = script::script(&mut Gage::default(), artifacts, &people.cast)?;
    let of_morpho = script::script(&mut Morpho::default(), artifacts, &people.cast)?;
    let transfers = script::transfers(&people.cast);
    let mut rows = Vec::new();

    let mut gage = Driver::new(server::gage(&people)?, &people);
    let limit = recovery_limit(&gage.sign(&transfers)?)?;
    gage.nonces.clear();
    rows.push(lending("Gage", &mut gage, &of_gage)?);
    rows.push(gage.measure(("Gage", TRANSFERS), &transfers, &transfers)?);
    drop(gage);
    let mut anvil = Driver::new(server::anvil(&people)?, &people);
    rows.push(lending("Anvil", &mut anvil, &of_morpho)?);
    rows.push(anvil.measure(("Anvil", TRANSFERS), &transfers, &transfers)?);
    Ok(page(users, limit, &rows))
}

const TRANSFERS: &str = "transfers";
const LENDING: &str = "borrow, lend, withdraw, repay";

fn lending(node: &'static str, driver: &mut Driver<'_>, script: &Script) -> Result<Row> {
    eprintln!("{node}: {} transactions build the world", thousands(script.setup.len() as u64));
    driver.set_up(&script.setup)?;
    driver.measure((node, LENDING), &script.mix, &script.releases)
}

fn page(users: usize, limit: f64, rows: &[Row]) -> String {
    let own = |work: &str| rows.iter().find(|row| row.node == "Gage" && row.work == work);
    let heads = [
        "node",
        "work",
        "transactions",
        "a second",
        "Gage ÷ it",
        "of recovery",
        "blocks",
        "p50, ms",
        "p99, ms",
    ];
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let ratio = own(row.work).map_or(0.0, |gage| gage.per_second / row.per_second);
            let at = |part: f64| {
                let place =
                    ((row.latencies.len() as f64 * part) as usize).min(row.latencies.len() - 1);
                format!("{:.1}", row.latencies[place].as_secs_f64() * 1e3)
            };
            vec![
                row.node.to_owned(),
                row.work.to_owned(),
                thousands(row.sent as u64),
                thousands(row.per_second as u64),
                format!("{ratio:.1}"),
                format!("{:.0} %", row.per_second / limit * 100.0),
                thousands(row.blocks),
                at(0.5),
                at(0.99),
            ]
        })
        .collect();
    let mut page = machine("shared by the node and the load");
    let _ = write!(
        page,
        "\nMade by `make bench ARGS=\"--only node\"`.\n\n\
         {} users, half of them lenders, half borrowers, have signed everything before. Four connections of this process send \
         it to a node of its own process, fifty calls a request, at most eight thousand of them waiting; *a second* counts from the first sent to the last seen in a \
         block. Latencies are from sending one transaction by itself until its block is seen, at half of that rate. Every \
         receipt is checked. Both make ten blocks a second. Gage keeps each on disk before it says so, with the states of 256 blocks; Anvil keeps \
         the last state in memory, and has Morpho Blue. All cores together recover {} signatures a second.\n\n{}",
        thousands(users as u64),
        thousands(limit as u64),
        table(&heads.map(str::to_owned), &lines),
    );
    page
}
