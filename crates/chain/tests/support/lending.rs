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

/// A market of one collateral and one vault, each of an asset and a feed of its own.
#[derive(Clone, Copy)]
pub struct Place {
    pub owner: u8,
    pub market: u32,
    pub lent: Address,
    pub pledged: Address,
    pub vault: Address,
    /// Of what is pledged, and of what is lent.
    pub feeds: [u32; 2],
}

impl Place {
    /// The `nth` of a chain on which places are all that is founded.
    pub const fn nth(owner: u8, nth: u32) -> Self {
        Self {
            owner,
            market: nth,
            lent: address::asset(AssetId::new(2 * nth)),
            pledged: address::asset(AssetId::new(2 * nth + 1)),
            vault: address::vault(VaultId::new(nth)),
            feeds: [2 * nth - 1, 2 * nth],
        }
    }

    /// The calls that create the market, list what it has, and open its line.
    pub fn listing(&self) -> Vec<(u8, Address, Vec<u8>)> {
        let Self { owner, market, pledged, vault, feeds, .. } = *self;
        let terms =
            MarketTerms { targetHealth: u(WAD * 105 / 100), fullBonusHealth: u(WAD * 9 / 10) };
        let collateral = CollateralTerms {
            feed: feeds[0],
            ltv: 7_500,
            threshold: 8_000,
            bonusMin: 500,
            bonusMax: 1_000,
            riskWeight: 0,
            cap: u(1 << 100),
        };
        let add = IMarket::addCollateralCall { market, asset: pledged, terms: collateral };
        let feed = feeds[1];
        let list = IMarket::listVaultCall { market, vault, feed, minDebt: u(100 * DOLLAR) };
        let open = IVault::setLineCapCall { market, cap: u(1 << 100) };
        vec![
            (owner, MARKET, IMarket::createMarketCall { terms }.abi_encode()),
            (owner, MARKET, add.abi_encode()),
            (owner, MARKET, list.abi_encode()),
            (owner, vault, open.abi_encode()),
        ]
    }

    pub fn mint(&self, asset: Address, to: u8, amount: u128) -> (u8, Address, Vec<u8>) {
        let call = IAsset::mintCall { to: user(to).address(), value: u(amount) };
        (self.owner, asset, call.abi_encode())
    }
}

impl World {
    /// A market of gold against dollars at 2,000 each, which governance recognises, and a lender.
    pub fn new(chain: Chain) -> Self {
        let mut world = Self { chain, nonces: BTreeMap::new(), round: 0 };
        let place = Place::nth(OWNER, 1);
        world.create(&place, ["USD", "GOLD"]);
        world.price(2_000);
        let mut calls = vec![vault_of(&place)];
        calls.extend(place.listing());
        let recognise = IMarket::recogniseMarketCall { market: 1, collaterals: 1, vaults: 1 };
        calls.push((OWNER, MARKET, recognise.abi_encode()));
        calls.push(place.mint(USD, BIDDER, 1_000_000 * DOLLAR));
        calls.extend(BORROWERS.map(|who| place.mint(GOLD, who, 10 * WAD)));
        calls.push(deposit(&place, BIDDER, 500_000));
        world.block(&calls);
        world
    }

    /// Creates a place's assets, and its feeds with the owner as their only source.
    pub fn create(&mut self, place: &Place, [lent, pledged]: [&str; 2]) {
        let owner = user(place.owner).address();
        let asset = |name: &str, decimals| IRegistry::createAssetCall {
            name: name.into(),
            symbol: name.into(),
            decimals,
        };
        let feed = |asset: Address, name: &str| IOracle::createFeedCall {
            asset,
            description: format!("{name} / USD"),
            terms: FeedTerms::unguarded(3_600, u(1), u(1 << 100)),
        };
        let source = IOracle::Source::publisher(owner, 3_600);
        let publish = |feed| IOracle::setSourceCall { feed, source: source.clone() };
        let who = place.owner;
        self.block(&[
            (who, REGISTRY, asset(lent, 6).abi_encode()),
            (who, REGISTRY, asset(pledged, 18).abi_encode()),
            (who, ORACLE, feed(place.pledged, pledged).abi_encode()),
            (who, ORACLE, feed(place.lent, lent).abi_encode()),
            (who, ORACLE, publish(place.feeds[0]).abi_encode()),
            (who, ORACLE, publish(place.feeds[1]).abi_encode()),
        ]);
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
        self.prices(&[(Place::nth(OWNER, 1), gold)])
    }

    /// A block in which what these places take as collateral costs so many dollars, and what they lend one.
    pub fn prices(&mut self, prices: &[(Place, u128)]) -> SealedBlock {
        self.round += 1;
        let both = |(Place { owner, feeds, .. }, dollars): &(Place, u128)| {
            self.signed(*owner, 12, &[(feeds[0], dollars * WAD), (feeds[1], WAD)])
        };
        let reports = prices.iter().flat_map(both).collect();
        self.block_with(&[], reports)
    }

    /// What the owner says of feeds, so many seconds after the head.
    pub fn reports(&mut self, seconds: u64, prices: &[(u32, u128)]) -> Vec<SignedReport> {
        self.round += 1;
        self.signed(OWNER, seconds, prices)
    }

    fn signed(&self, owner: u8, seconds: u64, prices: &[(u32, u128)]) -> Vec<SignedReport> {
        let (round, time) = (self.round, self.chain.head().timestamp + seconds);
        let sign = |(feed, price): &(u32, u128)| {
            let report =
                PriceReport { feed: *feed, round, time, price: u(*price), confidence: u(0) };
            let hash: B256 = gage_evm::report_hash(CHAIN_ID, &report);
            let signature = user(owner).sign_hash_sync(&hash).unwrap();
            let (r, s) = (signature.r().into(), signature.s().into());
            SignedReport { report, v: 27 + u8::from(signature.v()), r, s }
        };
        prices.iter().map(sign).collect()
    }

    /// Everybody pledges ten gold; the first owes most.
    pub fn lend(&mut self) {
        let (home, mut calls) = (Place::nth(OWNER, 1), Vec::new());
        for (place, who) in BORROWERS.into_iter().enumerate() {
            calls.extend(loan(&home, (who, 0), 14_000 - 1_000 * place as u128));
        }
        self.block(&calls);
    }

    pub fn bid(&mut self, tier: u8, dollars: u128) {
        self.block(&[bid(&Place::nth(OWNER, 1), BIDDER, tier, dollars)]);
    }

    pub fn swept(&self, block: &SealedBlock) -> Vec<Address> {
        let receipts = self.chain.receipts(block.number()).unwrap().unwrap();
        let logs = receipts[1].receipt.logs().iter();
        logs.filter_map(|log| IMarket::Swept::decode_log(log).ok()).map(|log| log.owner).collect()
    }
}

/// Creates a place's vault.
pub fn vault_of(place: &Place) -> (u8, Address, Vec<u8>) {
    let terms = IRegistry::VaultTerms {
        reserveFee: 1_000,
        supplyCap: u(1 << 100),
        borrowCap: u(1 << 100),
        rates: IVault::Rates { kink: 8_000, base: 100, ..IVault::Rates::default() },
    };
    let (name, symbol) = ("V".to_owned(), "V".to_owned());
    let create = IRegistry::createVaultCall { asset: place.lent, name, symbol, terms };
    (place.owner, REGISTRY, create.abi_encode())
}

pub fn deposit(place: &Place, who: u8, dollars: u128) -> (u8, Address, Vec<u8>) {
    let receiver = user(who).address();
    let deposit = IVault::depositCall { assets: u(dollars * DOLLAR), receiver };
    (who, place.vault, deposit.abi_encode())
}

/// A bid of so many dollars' shares of a vault without losses or interest.
pub fn bid(place: &Place, who: u8, tier: u8, dollars: u128) -> (u8, Address, Vec<u8>) {
    let Place { market, vault, pledged: asset, .. } = *place;
    let shares = u(dollars * DOLLAR * 1_000_000);
    (who, MARKET, IMarket::placeBidCall { market, vault, asset, tier, shares }.abi_encode())
}

/// Ten tokens pledged, and so many dollars drawn.
pub fn loan(place: &Place, (who, sub): (u8, u32), dollars: u128) -> [(u8, Address, Vec<u8>); 2] {
    let Place { market, vault, pledged: asset, .. } = *place;
    let owner = user(who).address();
    let pledge = IMarket::supplyCollateralCall { market, owner, sub, asset, amount: u(10 * WAD) };
    let amount = u(dollars * DOLLAR);
    let draw = IMarket::borrowCall { market, sub, vault, amount, receiver: owner };
    [(who, MARKET, pledge.abi_encode()), (who, MARKET, draw.abi_encode())]
}
