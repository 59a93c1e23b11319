//! A small lending world in blocks: one vault of dollars, borrowers who pledge gold, and prices of both.
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop; a world takes many calls"
)]

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolEvent};
use gage_abi::IMarket::{self, CollateralTerms, MarketTerms};
use gage_abi::IOracle::{self, FeedTerms, PriceReport, SignedReport};
use gage_abi::{IAsset, IRegistry, IVault};
use gage_chain::{Batch, BlockAttributes, Chain, SealedBlock};
use gage_core::address::{self, MARKET, ORACLE, REGISTRY};
use gage_core::{AssetId, VaultId};

use super::*;

pub const USD: Address = address::asset(AssetId::new(2));
pub const GOLD: Address = address::asset(AssetId::new(3));
pub const VAULT: Address = address::vault(VaultId::new(1));
pub const WAD: u128 = ETHER;
pub const DOLLAR: u128 = 1_000_000;
pub const OWNER: u8 = 9;
pub const BIDDER: u8 = 1;
pub const BORROWERS: [u8; 4] = [2, 3, 4, 5];

pub fn u(number: u128) -> U256 {
    U256::from(number)
}

pub struct World {
    pub chain: Chain,
    pub nonces: BTreeMap<u8, u64>,
    pub round: u64,
}

impl World {
    /// A market of gold against dollars at 2,000 each, and a lender.
    pub fn new(chain: Chain) -> Self {
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

    pub fn block(&mut self, calls: &[(u8, Address, Vec<u8>)]) -> SealedBlock {
        self.block_with(calls, Vec::new())
    }

    /// A block of these calls, each of which must succeed.
    pub fn block_with(
        &mut self,
        calls: &[(u8, Address, Vec<u8>)],
        reports: Vec<SignedReport>,
    ) -> SealedBlock {
        self.block_after(12, calls, reports)
    }

    /// The same, so many seconds after the head.
    pub fn block_after(
        &mut self,
        seconds: u64,
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
            timestamp: self.chain.head().timestamp + seconds,
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
    pub fn price(&mut self, gold: u128) -> SealedBlock {
        let reports = self.reports(12, &[(1, gold * WAD), (2, WAD)]);
        self.block_with(&[], reports)
    }

    /// What the owner says of feeds, so many seconds after the head.
    pub fn reports(&mut self, seconds: u64, prices: &[(u32, u128)]) -> Vec<SignedReport> {
        self.round += 1;
        let (round, time) = (self.round, self.chain.head().timestamp + seconds);
        let sign = |(feed, price): &(u32, u128)| {
            let report =
                PriceReport { feed: *feed, round, time, price: u(*price), confidence: u(0) };
            let hash: B256 = gage_evm::report_hash(CHAIN_ID, &report);
            let signature = user(OWNER).sign_hash_sync(&hash).unwrap();
            let (r, s) = (signature.r().into(), signature.s().into());
            SignedReport { report, v: 27 + u8::from(signature.v()), r, s }
        };
        prices.iter().map(sign).collect()
    }

    /// Everybody pledges ten gold; the first owes most.
    pub fn lend(&mut self) {
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

    pub fn bid(&mut self, tier: u8, dollars: u128) {
        let shares = u(dollars * DOLLAR * 1_000_000);
        let call = IMarket::placeBidCall { market: 1, vault: VAULT, asset: GOLD, tier, shares };
        self.block(&[(BIDDER, MARKET, call.abi_encode())]);
    }

    pub fn swept(&self, block: &SealedBlock) -> Vec<Address> {
        let receipts = self.chain.receipts(block.number()).unwrap().unwrap();
        let logs = receipts[1].receipt.logs().iter();
        logs.filter_map(|log| IMarket::Swept::decode_log(log).ok()).map(|log| log.owner).collect()
    }
}
