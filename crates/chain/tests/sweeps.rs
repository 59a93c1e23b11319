//! The sweep in blocks: who is due is found, sold and told, alike by builder, importer and a chain
//! that was opened again.
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop; a world takes many calls"
)]

mod support;

use std::collections::BTreeMap;

use alloy_consensus::{Block, TxEnvelope};
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::Decodable;
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::IMarket::{self, CollateralTerms, MarketTerms};
use gage_abi::IOracle::{self, FeedTerms, PriceReport, SignedReport};
use gage_abi::{IAsset, IRegistry, IVault};
use gage_chain::{
    Batch, BlockAttributes, BlockError, Chain, ImportError, SYSTEM, SealedBlock, is_sweep, sender,
    sweep_tx,
};
use gage_core::address::{self, MARKET, ORACLE, REGISTRY};
use gage_core::{AccountId, AssetId, MarketId, VaultId};
use gage_state::Store;
use support::*;

const USD: Address = address::asset(AssetId::new(2));
const GOLD: Address = address::asset(AssetId::new(3));
const VAULT: Address = address::vault(VaultId::new(1));
const WAD: u128 = ETHER;
const DOLLAR: u128 = 1_000_000;
const OWNER: u8 = 9;
const BIDDER: u8 = 1;
const BORROWERS: [u8; 4] = [2, 3, 4, 5];

fn u(number: u128) -> U256 {
    U256::from(number)
}

struct World {
    chain: Chain,
    nonces: BTreeMap<u8, u64>,
    round: u64,
}

impl World {
    /// A market of gold against dollars at 2,000 each, and a lender.
    fn new(chain: Chain) -> Self {
        let mut world = Self { chain, nonces: BTreeMap::new(), round: 0 };
        let owner = user(OWNER).address();
        let asset = |name: &str, decimals| IRegistry::createAssetCall {
            name: name.into(),
            symbol: name.into(),
            decimals,
        };
        let feed = |asset: Address, description: &str| IOracle::createFeedCall {
            asset,
            description: description.into(),
            terms: FeedTerms::unguarded(3_600, u(1), u(1 << 100)),
        };
        let source = IOracle::Source::publisher(owner, 3_600);
        let publish = |feed| IOracle::setSourceCall { feed, source: source.clone() };
        world.block(&[
            (OWNER, REGISTRY, asset("USD", 6).abi_encode()),
            (OWNER, REGISTRY, asset("GOLD", 18).abi_encode()),
            (OWNER, ORACLE, feed(GOLD, "GOLD / USD").abi_encode()),
            (OWNER, ORACLE, feed(USD, "USD / USD").abi_encode()),
            (OWNER, ORACLE, publish(1).abi_encode()),
            (OWNER, ORACLE, publish(2).abi_encode()),
        ]);
        world.price(2_000);
        let vault_terms = IRegistry::VaultTerms {
            reserveFee: 1_000,
            supplyCap: u(1 << 100),
            borrowCap: u(1 << 100),
            rates: IVault::Rates { kink: 8_000, base: 100, ..IVault::Rates::default() },
        };
        let terms =
            MarketTerms { targetHealth: u(WAD * 105 / 100), fullBonusHealth: u(WAD * 9 / 10) };
        let collateral = CollateralTerms {
            feed: 1,
            ltv: 7_500,
            threshold: 8_000,
            bonusMin: 500,
            bonusMax: 1_000,
            riskWeight: 0,
            cap: u(1 << 100),
        };
        let listing =
            IMarket::listVaultCall { market: 1, vault: VAULT, feed: 2, minDebt: u(100 * DOLLAR) };
        let mut calls = vec![
            (
                OWNER,
                REGISTRY,
                IRegistry::createVaultCall {
                    asset: USD,
                    name: "V".into(),
                    symbol: "V".into(),
                    terms: vault_terms,
                }
                .abi_encode(),
            ),
            (OWNER, MARKET, IMarket::createMarketCall { terms }.abi_encode()),
            (
                OWNER,
                MARKET,
                IMarket::addCollateralCall { market: 1, asset: GOLD, terms: collateral }
                    .abi_encode(),
            ),
            (OWNER, MARKET, listing.abi_encode()),
            (OWNER, VAULT, IVault::setLineCapCall { market: 1, cap: u(1 << 100) }.abi_encode()),
        ];
        let mint = |to: u8, value| IAsset::mintCall { to: user(to).address(), value };
        calls.push((OWNER, USD, mint(BIDDER, u(1_000_000 * DOLLAR)).abi_encode()));
        calls.extend(BORROWERS.map(|who| (OWNER, GOLD, mint(who, u(10 * WAD)).abi_encode())));
        let receiver = user(BIDDER).address();
        let deposit = IVault::depositCall { assets: u(500_000 * DOLLAR), receiver };
        calls.push((BIDDER, VAULT, deposit.abi_encode()));
        world.block(&calls);
        world
    }

    fn block(&mut self, calls: &[(u8, Address, Vec<u8>)]) -> SealedBlock {
        self.block_with(calls, Vec::new())
    }

    /// A block of these calls, each of which must succeed.
    fn block_with(
        &mut self,
        calls: &[(u8, Address, Vec<u8>)],
        reports: Vec<SignedReport>,
    ) -> SealedBlock {
        let mut transactions = Vec::new();
        for (from, to, input) in calls {
            let nonce = self.nonces.entry(*from).or_default();
            let mut draft = draft(*from, *nonce).to(*to).gas(1_000_000);
            draft.input = input.clone().into();
            transactions.push(draft.dynamic());
            *nonce += 1;
        }
        let attributes = BlockAttributes {
            timestamp: self.chain.head().timestamp + 12,
            reports,
            ..BlockAttributes::default()
        };
        let mut batch = Batch::new(transactions);
        let built = self.chain.build(&attributes, &mut batch).unwrap();
        assert!(batch.rejected.is_empty(), "{:?}", batch.rejected);
        let (block, receipts) = self.chain.commit(built).unwrap();
        for found in receipts {
            assert!(found.receipt.status(), "{:?}", found.transaction);
        }
        block
    }

    /// A block in which gold costs so many dollars.
    fn price(&mut self, gold: u128) -> SealedBlock {
        self.round += 1;
        let time = self.chain.head().timestamp + 12;
        let reports = [(1, gold * WAD), (2, WAD)].map(|(feed, price)| {
            let report =
                PriceReport { feed, round: self.round, time, price: u(price), confidence: u(0) };
            let hash: B256 = gage_evm::report_hash(CHAIN_ID, &report);
            let signature = user(OWNER).sign_hash_sync(&hash).unwrap();
            let (r, s) = (signature.r().into(), signature.s().into());
            SignedReport { report, v: 27 + u8::from(signature.v()), r, s }
        });
        self.block_with(&[], reports.to_vec())
    }

    /// Everybody pledges ten gold; the first owes most.
    fn lend(&mut self) {
        let mut calls = Vec::new();
        for (place, who) in BORROWERS.into_iter().enumerate() {
            let owner = user(who).address();
            let pledge = IMarket::supplyCollateralCall {
                market: 1,
                owner,
                sub: 0,
                asset: GOLD,
                amount: u(10 * WAD),
            };
            let draw = IMarket::borrowCall {
                market: 1,
                sub: 0,
                vault: VAULT,
                amount: u((14_000 - 1_000 * place as u128) * DOLLAR),
                receiver: owner,
            };
            calls.push((who, MARKET, pledge.abi_encode()));
            calls.push((who, MARKET, draw.abi_encode()));
        }
        self.block(&calls);
    }

    fn bid(&mut self, tier: u8, dollars: u128) {
        let shares = u(dollars * DOLLAR * 1_000_000);
        let call = IMarket::placeBidCall { market: 1, vault: VAULT, asset: GOLD, tier, shares };
        self.block(&[(BIDDER, MARKET, call.abi_encode())]);
    }

    fn swept(&self, block: &SealedBlock) -> Vec<Address> {
        let receipts = self.chain.receipts(block.number()).unwrap().unwrap();
        let logs = receipts[1].receipt.logs().iter();
        logs.filter_map(|log| IMarket::Swept::decode_log(log).ok()).map(|log| log.owner).collect()
    }
}

fn borrower(place: usize) -> Address {
    user(BORROWERS[place]).address()
}

#[test]
fn the_block_liquidates_who_is_due_before_anyone_else_acts() {
    let mut world = World::new(chain());
    world.lend();
    world.bid(2, 20_000);
    let quiet = world.price(1_900);
    assert!(quiet.transactions.iter().all(|tx| !is_sweep(tx.inner())));
    // Below 1,750 the first is unhealthy, below 1,625 the second.
    let block = world.price(1_600);
    let sweep = &block.transactions[1];
    assert!(is_sweep(sweep.inner()));
    assert_eq!(sender(sweep.inner()).unwrap(), SYSTEM);
    assert_eq!(world.swept(&block), [borrower(0), borrower(1)], "most at risk first");
    // They are healthy now, and nobody else is due.
    let quiet = world.price(1_600);
    assert!(quiet.transactions.iter().all(|tx| !is_sweep(tx.inner())));
    let checked = world.chain.check().unwrap();
    assert_eq!(checked.blocks, quiet.number() + 1);
    assert!(checked.invariants.checked["LIQ-5"] >= 2, "{:?}", checked.invariants);
}

/// An account that moved is watched where it is, and no longer where it was.
#[test]
fn a_moved_account_is_found_in_its_new_home() {
    let mut world = World::new(chain());
    world.lend();
    world.bid(2, 20_000);
    world.price(1_900);
    let rehome = IMarket::rehomeCall {
        owner: borrower(0),
        market: 1,
        sub: 0,
        toMarket: 1,
        toSub: 3,
        pairs: vec![IMarket::VaultPair { from: VAULT, to: VAULT }],
    };
    world.block(&[(BORROWERS[0], MARKET, rehome.abi_encode())]);
    let block = world.price(1_700);
    let receipts = world.chain.receipts(block.number()).unwrap().unwrap();
    let logs = receipts[1].receipt.logs().iter();
    let swept: Vec<_> = logs
        .filter_map(|log| IMarket::Swept::decode_log(log).ok())
        .map(|log| (log.owner, log.sub))
        .collect();
    assert_eq!(swept, [(borrower(0), 3)]);
    world.chain.check().unwrap();
}

#[test]
fn without_bids_nobody_is_swept() {
    let mut world = World::new(chain());
    world.lend();
    let block = world.price(1_600);
    assert!(block.transactions.iter().all(|tx| !is_sweep(tx.inner())));
    // A bid is eligible from the block after it was placed.
    world.bid(0, 20_000);
    let block = world.price(1_600);
    assert_eq!(world.swept(&block), [borrower(0), borrower(1)]);
}

/// LIQ-5: an importer, and a chain whose index was built from the stored state, sweep the same.
#[test]
fn every_node_sweeps_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let open = || Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    let (mut world, importer) = (World::new(open()), chain());
    world.lend();
    world.bid(1, 30_000);
    world.price(1_700);
    let World { chain: first, nonces, round } = world;
    drop(first);
    let mut world = World { chain: open(), nonces, round };
    let block = world.price(1_450);
    assert_eq!(world.swept(&block).len(), 3);
    for number in 1..=block.number() {
        let block = world.chain.block(number).unwrap().unwrap();
        importer.import(&block.rlp()).unwrap();
    }
    assert_eq!(importer.head(), world.chain.head());
}

/// A block whose sweep is missing, cut, reordered, padded or false is refused.
#[test]
fn a_false_sweep_is_refused() {
    let (mut world, importer) = (World::new(chain()), chain());
    world.lend();
    world.bid(2, 20_000);
    let block = world.price(1_600);
    for number in 1..block.number() {
        let block = world.chain.block(number).unwrap().unwrap();
        importer.import(&block.rlp()).unwrap();
    }
    let good: Block<TxEnvelope> = Block::decode(&mut &*block.rlp()).unwrap();
    let account = |place| AccountId { market: MarketId::new(1), owner: borrower(place), sub: 0 };
    let limit = 15_000_000;
    let lists = [
        Some(vec![account(0)]),
        Some(vec![account(1), account(0)]),
        Some(vec![account(0), account(1), account(2)]),
        Some(Vec::new()),
        None,
    ];
    for list in lists {
        let mut bad = good.clone();
        bad.body.transactions.remove(1);
        if let Some(list) = &list {
            let sweep = sweep_tx(CHAIN_ID, block.number(), list, limit);
            bad.body.transactions.insert(1, sweep);
        }
        let error = importer.import(&alloy_rlp::encode(&bad)).expect_err("a false sweep");
        assert!(matches!(error, ImportError::Invalid(BlockError::Sweep)), "{list:?}: {error}");
    }
    let mut repeated = good.clone();
    let sweep = repeated.body.transactions[1].clone();
    repeated.body.transactions.push(sweep);
    let error = importer.import(&alloy_rlp::encode(&repeated)).expect_err("two sweeps");
    assert!(matches!(error, ImportError::Invalid(BlockError::Transaction { .. })), "{error}");
    importer.import(&block.rlp()).unwrap();
}
