//! A market of one coin and one dollar, its lender and its borrower, through signed transactions and signed prices.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use gage_abi::{
    IAsset,
    IMarket::{
        CollateralTerms, MarketTerms, addCollateralCall, borrowCall, createMarketCall,
        liquidateCall, listVaultCall, supplyCollateralCall,
    },
    IOracle::{FeedTerms, PriceReport, SignedReport, Source, createFeedCall, setSourceCall},
    IRegistry::{VaultTerms, createAssetCall, createVaultCall},
    IVault::{self, Rates, setLineCapCall},
};
use gage_chain::{CallRequest, Overrides};
use gage_core::{
    AssetId, VaultId,
    address::{MARKET, ORACLE, REGISTRY, asset, vault},
};
use gage_node::Node;

use super::{CHAIN_ID, GWEI, signed, signer};

pub const OWNER: u8 = 0;
pub const LENDER: u8 = 1;
pub const BORROWER: u8 = 2;
pub const LIQUIDATOR: u8 = 3;

/// One whole unit of a token with 18 decimals, or of a price.
pub const ONE: u128 = GWEI * GWEI;
/// The wrapped native coin, the collateral.
pub const COIN: Address = asset(AssetId::new(1));
/// An issued asset that is lent.
pub const DOLLAR: Address = asset(AssetId::new(2));
pub const VAULT: Address = vault(VaultId::new(1));

pub fn units(whole: u128) -> U256 {
    U256::from(whole * ONE)
}

/// Sends calls from accounts at their next nonces, and mines them.
pub struct Sender {
    pub node: Node,
    nonces: [u64; 4],
}

/// How old a price may be.
pub const AGE_MAX: u32 = 86_400;

impl Sender {
    pub fn new(node: Node) -> Self {
        Self { node, nonces: [0; 4] }
    }

    pub fn send(&mut self, from: u8, to: Address, what: &impl SolCall) {
        self.send_value(from, to, what, U256::ZERO);
    }

    /// With no more gas than estimated.
    fn send_value(&mut self, from: u8, to: Address, what: &impl SolCall, value: U256) {
        let (input, chain) = (Bytes::from(what.abi_encode()), self.node.chain());
        let request = CallRequest {
            from: Some(signer(from).address()),
            to: Some(to),
            value,
            input: input.clone(),
            ..CallRequest::default()
        };
        let estimate = chain.estimate_gas(chain.head().number, &request, &Overrides::default());
        let gas_limit = estimate.expect("an estimate");
        let to = TxKind::Call(to);
        let tx = TxEip1559 { gas_limit, to, value, input, ..TxEip1559::default() };
        let nonce = &mut self.nonces[usize::from(from)];
        self.node.submit_raw(&signed(from, *nonce, tx)).expect("pooled");
        *nonce += 1;
        let block = self.node.produce().expect("a block");
        let receipt = self.node.chain().receipts(block.number()).expect("stored").expect("there");
        assert!(receipt[1].receipt.status(), "{receipt:#?}");
    }

    /// Reports prices of feed 1 (the coin) and feed 2 (the dollar) in a block of their own.
    pub fn report(&self, round: u64, coin: u128) {
        let time = self.node.now();
        let sign = |feed, price| {
            let report = PriceReport { feed, round, time, price, confidence: U256::ZERO };
            let hash = gage_evm::report_hash(CHAIN_ID, &report);
            let signature = signer(OWNER).sign_hash_sync(&hash).expect("signed");
            let (r, s) = (B256::from(signature.r()), B256::from(signature.s()));
            SignedReport { report, v: 27 + u8::from(signature.v()), r, s }
        };
        let reports = vec![sign(1, units(coin)), sign(2, units(1))];
        self.node.submit_reports(reports).expect("taken");
        self.node.produce().expect("a block");
    }

    pub fn open_market(&mut self) {
        let dollar = createAssetCall { name: "Dollar".into(), symbol: "USD".into(), decimals: 18 };
        self.send(OWNER, REGISTRY, &dollar);
        for (feed, description) in [(1, "COIN / USD"), (2, "DOLLAR / USD")] {
            let terms = FeedTerms::unguarded(AGE_MAX, U256::from(1), units(1_000_000));
            let (asset, description) = (asset(AssetId::new(feed)), description.into());
            self.send(OWNER, ORACLE, &createFeedCall { asset, description, terms });
            let source = Source::publisher(signer(OWNER).address(), AGE_MAX);
            self.send(OWNER, ORACLE, &setSourceCall { feed, source });
        }
        let rates =
            Rates { kind: 0, base: 100, slope1: 400, slope2: 10_000, kink: 9_000, rateAtTarget: 0 };
        let cap = units(1_000_000);
        let terms = VaultTerms { reserveFee: 1_000, supplyCap: cap, borrowCap: cap, rates };
        let (name, symbol) = ("Dollar vault".into(), "gUSD".into());
        self.send(OWNER, REGISTRY, &createVaultCall { asset: DOLLAR, name, symbol, terms });
        let terms = MarketTerms {
            targetHealth: U256::from(ONE * 105 / 100),
            fullBonusHealth: U256::from(ONE * 95 / 100),
        };
        self.send(OWNER, MARKET, &createMarketCall { terms });
        let terms = CollateralTerms {
            feed: 1,
            ltv: 7_500,
            threshold: 8_000,
            bonusMin: 200,
            bonusMax: 1_000,
            riskWeight: 0,
            cap,
        };
        self.send(OWNER, MARKET, &addCollateralCall { market: 1, asset: COIN, terms });
        let min_debt = units(10);
        self.send(
            OWNER,
            MARKET,
            &listVaultCall { market: 1, vault: VAULT, feed: 2, minDebt: min_debt },
        );
        self.send(OWNER, VAULT, &setLineCapCall { market: 1, cap });
    }

    pub fn lend_and_borrow(&mut self) {
        for to in [LENDER, LIQUIDATOR] {
            let to = signer(to).address();
            self.send(OWNER, DOLLAR, &IAsset::mintCall { to, value: units(100_000) });
        }
        let receiver = signer(LENDER).address();
        self.send(LENDER, VAULT, &IVault::depositCall { assets: units(50_000), receiver });
        self.send_value(BORROWER, COIN, &IAsset::depositCall {}, units(10));
        let (owner, sub) = (signer(BORROWER).address(), 0);
        let amount = units(10);
        let supply = supplyCollateralCall { market: 1, owner, sub, asset: COIN, amount };
        self.send(BORROWER, MARKET, &supply);
        let amount = units(14_000);
        let borrow = borrowCall { market: 1, sub, vault: VAULT, amount, receiver: owner };
        self.send(BORROWER, MARKET, &borrow);
    }
}

/// Anyone's attempt to liquidate the borrower, by [`LIQUIDATOR`].
pub fn liquidation() -> liquidateCall {
    liquidateCall {
        market: 1,
        owner: signer(BORROWER).address(),
        sub: 0,
        vault: VAULT,
        asset: COIN,
        maxRepay: U256::MAX,
        receiver: signer(LIQUIDATOR).address(),
    }
}
