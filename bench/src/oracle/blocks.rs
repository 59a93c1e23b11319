//! Blocks full of publishers' reports: five for each of five hundred feeds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolCall, SolEvent, SolStruct};
use anyhow::{Result, anyhow, ensure};
use gage_abi::IOracle::{self, FeedTerms, Guards, PriceReport, SignedReport};
use gage_abi::addresses::ORACLE;
use gage_chain::{
    Batch, BlockAttributes, Chain, FoundReceipt, Genesis, GenesisAccount, ProtocolRoles,
    WrappedNative,
};
use gage_evm::report_hash;
use gage_state::Store;
use rayon::prelude::*;

use super::{each, timed};
use crate::gage::CHAIN_ID;
use crate::report::{Spread, table, thousands};

const FEEDS: u32 = 500;
const SOURCES: u8 = 5;
const REPORTS: usize = FEEDS as usize * SOURCES as usize;
/// Seconds between two blocks.
const BLOCK_SECONDS: u64 = 12;
/// The longest that a price may be old.
const PRICE_AGE_MAX: u32 = 3_600;
const GAS_LIMIT: u64 = 120_000_000;
const FEE: u128 = 1_000_000_000;
/// Gas of a transaction that creates a feed or names a source, and how many of them a block holds.
const SETUP_GAS: u64 = 330_000;
const SETUP_PER_BLOCK: usize = 360;
/// Rounds until every source of every feed has reported.
const WARM_UP: u64 = 5;
/// What verification costs in gas: recovery as the precompile (Yellow Paper, appendix E), and hashing typed data as
/// `gage-evm` prices it.
const VERIFY_GAS: u64 = 3_000 + 500;

fn key(name: &str) -> Result<PrivateKeySigner> {
    Ok(PrivateKeySigner::from_bytes(&keccak256(name))?)
}

/// A chain with the feeds, three of whose five publishers must agree.
struct World {
    chain: Chain,
    publishers: Vec<PrivateKeySigner>,
}

impl World {
    fn open() -> Result<Self> {
        let owner = key("owner")?;
        let balance = U256::from(10).pow(U256::from(24));
        let account = GenesisAccount { balance, ..GenesisAccount::default() };
        let genesis = Genesis {
            chain_id: CHAIN_ID,
            timestamp: 1_750_000_000,
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: FEE as u64,
            extra_data: Bytes::new(),
            beneficiary: Address::ZERO,
            alloc: BTreeMap::from([(owner.address(), account)]),
            protocol: ProtocolRoles {
                governance: owner.address(),
                guardian: owner.address(),
                wrapped_native: WrappedNative::default(),
            },
        };
        let chain = Chain::open(Store::in_memory()?, &genesis)?;
        let publishers = (0..SOURCES).map(|number| key(&format!("publisher {number}")));
        let world = Self { chain, publishers: publishers.collect::<Result<_>>()? };
        world.list(&owner)?;
        Ok(world)
    }

    /// Creates the feeds and names their sources.
    fn list(&self, owner: &PrivateKeySigner) -> Result<()> {
        let guards = Guards {
            quorum: 3,
            outlier: 50,
            spread: 200,
            jump: 300,
            confirm: 60,
            smoothing: 600,
            budget: 600,
            window: 86_400,
        };
        let most = U256::from(10).pow(U256::from(24));
        let terms = FeedTerms { guards, ..FeedTerms::unguarded(PRICE_AGE_MAX, U256::ONE, most) };
        let (asset, description) = (Address::ZERO, "ANY / USD".to_owned());
        let create = IOracle::createFeedCall { asset, description, terms };
        let mut calls = vec![create.abi_encode(); FEEDS as usize];
        for feed in 1..=FEEDS {
            for publisher in &self.publishers {
                let source = IOracle::Source::publisher(publisher.address(), PRICE_AGE_MAX);
                calls.push(IOracle::setSourceCall { feed, source }.abi_encode());
            }
        }
        let mut transactions = (0..).zip(calls).map(|(nonce, input)| sign(owner, nonce, input));
        loop {
            let some = transactions.by_ref().take(SETUP_PER_BLOCK).collect::<Result<Vec<_>>>()?;
            if some.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new(some);
            let built = self.chain.build(&self.attributes(Vec::new()), &mut batch)?;
            ensure!(batch.rejected.is_empty(), "rejected: {:?}", batch.rejected);
            let (_, receipts) = self.chain.commit(built)?;
            ensure!(
                receipts.iter().all(|one| one.receipt.status()),
                "the world is not as it should"
            );
        }
    }

    fn attributes(&self, reports: Vec<SignedReport>) -> BlockAttributes {
        let timestamp = self.chain.head().timestamp + BLOCK_SECONDS;
        BlockAttributes { timestamp, reports, ..BlockAttributes::default() }
    }

    /// What everybody says of every feed for the next block, a little more in each round.
    fn reports(&self, round: u64) -> Result<Vec<SignedReport>> {
        let time = self.chain.head().timestamp + BLOCK_SECONDS;
        let price = U256::from(10).pow(U256::from(18)) + U256::from(round);
        let signed = |(feed, publisher): (u32, &PrivateKeySigner)| {
            let report = PriceReport { feed, round, time, price, confidence: U256::ZERO };
            let signature = publisher.sign_hash_sync(&report_hash(CHAIN_ID, &report))?;
            let [r, s] = [signature.r(), signature.s()].map(B256::from);
            Ok(SignedReport { report, v: 27 + u8::from(signature.v()), r, s })
        };
        let feeds = 1..=FEEDS;
        feeds
            .flat_map(|feed| self.publishers.iter().map(move |one| (feed, one)))
            .map(signed)
            .collect()
    }

    /// Recovers who signed each report, as the prelude does: all side by side.
    fn verify(&self, reports: &[SignedReport]) -> Result<()> {
        let separator = domain().separator();
        let signers: Vec<_> = reports.par_iter().map(|one| signer(separator, one)).collect();
        let expected = self.publishers.iter().map(|one| Some(one.address())).cycle();
        ensure!(signers.into_iter().zip(expected).all(|(found, wanted)| found == wanted));
        Ok(())
    }
}

fn domain() -> Eip712Domain {
    let (name, version) = (Some("Gage Oracle".into()), Some("1".into()));
    Eip712Domain::new(name, version, Some(U256::from(CHAIN_ID)), Some(ORACLE), None)
}

fn signer(separator: B256, signed: &SignedReport) -> Option<Address> {
    let mut typed = [0; 66];
    typed[..2].copy_from_slice(&[0x19, 0x01]);
    typed[2..34].copy_from_slice(separator.as_slice());
    typed[34..].copy_from_slice(signed.report.eip712_hash_struct().as_slice());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(signed.r.as_slice());
    signature[32..].copy_from_slice(signed.s.as_slice());
    let hash = keccak256(typed);
    let found = revm::precompile::crypto().secp256k1_ecrecover(&signature, signed.v - 27, &hash.0);
    found.ok().map(|word| Address::from_word(word.into()))
}

fn sign(owner: &PrivateKeySigner, nonce: u64, input: Vec<u8>) -> Result<Recovered<TxEnvelope>> {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: SETUP_GAS,
        max_fee_per_gas: 1_000 * FEE,
        max_priority_fee_per_gas: 0,
        to: ORACLE.into(),
        value: U256::ZERO,
        access_list: Default::default(),
        input: input.into(),
    };
    let signature = owner.sign_hash_sync(&tx.signature_hash())?;
    Ok(Recovered::new_unchecked(tx.into_signed(signature).into(), owner.address()))
}

/// How many reports a prelude applied, and its gas.
fn applied(receipts: &[FoundReceipt]) -> Result<(usize, u64)> {
    let prelude = receipts.first().ok_or_else(|| anyhow!("a block begins with its prelude"))?;
    let mut count = 0;
    for log in prelude.receipt.logs() {
        ensure!(IOracle::ReportRejected::decode_log(log).is_err(), "a report was refused");
        if let Ok(update) = IOracle::PriceUpdated::decode_log(log) {
            count += update.sources.count_ones() as usize;
        } else if let Ok(missed) = IOracle::QuorumMissed::decode_log(log) {
            count += usize::from(missed.agree);
        }
    }
    Ok((count, prelude.gas_used))
}

/// Blocks of one kind.
#[derive(Default)]
struct Blocks {
    applied: usize,
    gas: u64,
    /// Nanoseconds of verification alone, of the whole building, of the commit.
    verify: Vec<u64>,
    build: Vec<u64>,
    commit: Vec<u64>,
}

impl Blocks {
    /// Verifies the reports, builds a block with them and commits it.
    fn add(&mut self, world: &World, reports: Vec<SignedReport>) -> Result<()> {
        self.verify.push(timed(|| world.verify(&reports))?.1);
        let attributes = world.attributes(reports);
        let build = || Ok(world.chain.build(&attributes, &mut Batch::new(Vec::new()))?);
        let (built, took) = timed(build)?;
        self.build.push(took);
        let ((_, receipts), took) = timed(|| Ok(world.chain.commit(built)?))?;
        self.commit.push(took);
        (self.applied, self.gas) = applied(&receipts)?;
        Ok(())
    }

    /// A row of the table; `empty` are blocks without reports.
    fn row(&self, name: &str, empty: &Self) -> Vec<String> {
        let pairs = self.build.iter().zip(&self.verify);
        let apply: Vec<_> = pairs.map(|(build, verify)| build.saturating_sub(*verify)).collect();
        let pairs = self.build.iter().zip(&self.commit);
        let whole: Vec<_> = pairs.map(|(build, commit)| build + commit).collect();
        let mut row = vec![name.to_owned(), thousands(self.applied as u64)];
        row.extend([&whole, &self.verify, &apply, &self.commit].map(|times| milliseconds(times)));
        if self.applied == 0 {
            row.extend(std::iter::repeat_n(String::new(), 5));
            return row;
        }
        let gas = (self.gas - empty.gas) / self.applied as u64;
        row.extend([
            each(&self.verify, REPORTS),
            each(&apply, self.applied),
            thousands(gas),
            thousands(VERIFY_GAS),
            thousands(gas - VERIFY_GAS),
        ]);
        row
    }
}

fn milliseconds(nanoseconds: &[u64]) -> String {
    let Spread { median, p10, .. } = Spread::of(nanoseconds.iter().copied());
    format!("{:.1} ({:.1})", median as f64 / 1e6, p10 as f64 / 1e6)
}

/// The part of the results about publishers' own reports.
pub(super) fn section(passes: usize) -> Result<String> {
    let (mut empty, mut first, mut steady) =
        (Blocks::default(), Blocks::default(), Blocks::default());
    for pass in 0..=passes {
        eprintln!("pass {pass} of {passes}: {REPORTS} reports");
        let mut blocks = [Blocks::default(), Blocks::default(), Blocks::default()];
        let world = World::open()?;
        blocks[0].add(&world, Vec::new())?;
        blocks[1].add(&world, world.reports(1)?)?;
        for round in 2..=WARM_UP {
            Blocks::default().add(&world, world.reports(round)?)?;
        }
        for round in WARM_UP + 1..=WARM_UP + passes as u64 {
            blocks[2].add(&world, world.reports(round)?)?;
            ensure!(blocks[2].applied == REPORTS, "{} of {REPORTS} fit", blocks[2].applied);
        }
        if pass > 0 {
            for (all, one) in [&mut empty, &mut first, &mut steady].into_iter().zip(blocks) {
                all.applied = one.applied;
                all.gas = one.gas;
                all.verify.extend(one.verify);
                all.build.extend(one.build);
                all.commit.extend(one.commit);
            }
        }
    }
    let heads = [
        "block",
        "applied",
        "block, ms",
        "verify, ms",
        "apply, ms",
        "commit, ms",
        "verify, µs each",
        "apply, µs each",
        "gas each",
        "to verify",
        "to apply",
    ];
    let rows = [
        empty.row("no reports", &empty),
        first.row("first reports", &empty),
        steady.row("steady", &empty),
    ];
    let mut page = format!(
        "## Publishers' reports in a block\n\n\
         {FEEDS} feeds of {SOURCES} publishers: {} signed reports come with the block. Verification recovers all of\n\
         them; it is timed by itself, and what is left of the building is application: the reports' records, the\n\
         feeds' prices with all guards, events, the state's root. The store is in memory. Of the first reports, which write\n\
         slots that were empty, only a part fits into one prelude.\n\n",
        thousands(REPORTS as u64),
    );
    let _ = writeln!(page, "{}", table(&heads.map(str::to_owned), &rows));
    Ok(page)
}
