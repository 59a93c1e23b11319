//! A market that was built through transactions: a lender, a borrower, a liquidator.

use alloy_primitives::{Address, Bytes, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use gage_abi::{
    IAsset,
    IMarket::{self, CollateralTerms, MarketTerms},
    IOracle::{self, FeedTerms, PriceReport},
    IRegistry::{self, VaultTerms},
    IVault::{self, Rates},
    addresses::{MARKET, ORACLE, REGISTRY, asset, vault},
};
use gage_core::ids::{AssetId, VaultId};
use serde_json::{Value, json};

use crate::world::{CHAIN_ID, World, pay, user};

pub(crate) const WAD: u128 = 1_000_000_000_000_000_000;
pub(crate) const USD: u128 = 1_000_000;
pub(crate) const OWNER: u8 = 9;
pub(crate) const PUBLISHER: u8 = 8;
pub(crate) const LENDER: u8 = 0;
pub(crate) const BORROWER: u8 = 1;
pub(crate) const LIQUIDATOR: u8 = 2;
pub(crate) const COIN_FEED: u32 = 1;
pub(crate) const USD_FEED: u32 = 2;

pub(crate) fn coin() -> Address {
    asset(AssetId::new(1))
}

pub(crate) fn usd() -> Address {
    asset(AssetId::new(2))
}

pub(crate) fn usd_vault() -> Address {
    vault(VaultId::new(1))
}

/// A chain with one market: 10 coins at 2000 dollars secure a debt of 10,000 of the lender's
/// 500,000.
pub(crate) struct Story {
    pub(crate) world: World,
    nonces: [u64; 10],
    rounds: [u64; 6],
}

impl Story {
    pub(crate) fn new() -> Self {
        let mut story = Self { world: World::new(), nonces: [0; 10], rounds: [0; 6] };
        story.found();
        story.list();
        story.price(COIN_FEED, 2_000);
        story.price(USD_FEED, 1);
        story.lend_and_borrow();
        story
    }

    pub(crate) fn send(&mut self, from: u8, to: Address, call: impl SolCall) {
        self.send_paying(from, to, U256::ZERO, call);
    }

    fn send_paying(&mut self, from: u8, to: Address, value: U256, call: impl SolCall) {
        let nonce = &mut self.nonces[usize::from(from)];
        let input = Bytes::from(call.abi_encode());
        let raw = pay(from, *nonce, to, (value, input));
        *nonce += 1;
        self.world.send(&raw);
    }

    /// Mines what was sent; all of it must succeed.
    pub(crate) fn settle(&self) {
        self.world.node.produce();
        let receipts = self.world.ask("eth_getBlockReceipts", json!(["latest"]));
        for receipt in receipts.as_array().expect("a list") {
            assert_eq!(receipt["status"], "0x1", "{receipt:#}");
        }
    }

    fn found(&mut self) {
        let (name, symbol) = ("US Dollar".to_owned(), "USD".to_owned());
        self.send(OWNER, REGISTRY, IRegistry::createAssetCall { name, symbol, decimals: 6 });
        let feeds = [(COIN_FEED, coin(), "COIN / USD"), (USD_FEED, usd(), "USD / USD")];
        for (feed, asset, description) in feeds {
            let most = U256::from(1_000_000 * WAD);
            let terms = FeedTerms::unguarded(3_600, U256::from(1), most);
            let description = description.to_owned();
            self.send(OWNER, ORACLE, IOracle::createFeedCall { asset, description, terms });
            let source = IOracle::Source::publisher(user(PUBLISHER).address(), 3_600);
            self.send(OWNER, ORACLE, IOracle::setSourceCall { feed, source });
        }
        let rates =
            Rates { kind: 0, base: 0, slope1: 400, slope2: 6_000, kink: 9_000, rateAtTarget: 0 };
        let cap = U256::from(1_000_000 * USD);
        let terms = VaultTerms { reserveFee: 1_000, supplyCap: cap, borrowCap: cap, rates };
        let (name, symbol) = ("Gage US Dollar".to_owned(), "gUSD".to_owned());
        let call = IRegistry::createVaultCall { asset: usd(), name, symbol, terms };
        self.send(OWNER, REGISTRY, call);
        self.settle();
    }

    fn list(&mut self) {
        let terms = MarketTerms {
            targetHealth: U256::from(WAD + WAD / 10),
            fullBonusHealth: U256::from(WAD * 9 / 10),
        };
        self.send(OWNER, MARKET, IMarket::createMarketCall { terms });
        let terms = CollateralTerms {
            feed: COIN_FEED,
            ltv: 8_000,
            threshold: 8_500,
            bonusMin: 100,
            bonusMax: 700,
            riskWeight: 0,
            cap: U256::from(1_000 * WAD),
        };
        let call = IMarket::addCollateralCall { market: 1, asset: coin(), terms };
        self.send(OWNER, MARKET, call);
        let min = U256::from(100 * USD);
        let call =
            IMarket::listVaultCall { market: 1, vault: usd_vault(), feed: USD_FEED, minDebt: min };
        self.send(OWNER, MARKET, call);
        let cap = U256::from(400_000 * USD);
        self.send(OWNER, usd_vault(), IVault::setLineCapCall { market: 1, cap });
        self.settle();
    }

    /// Reports a price in whole dollars, in a block of its own.
    pub(crate) fn price(&mut self, feed: u32, dollars: u128) {
        let round = &mut self.rounds[feed as usize];
        *round += 1;
        let head = self.world.ask("eth_getBlockByNumber", json!(["latest"]));
        let head = head["timestamp"].as_str().and_then(|hex| hex.strip_prefix("0x"));
        let time = u64::from_str_radix(head.expect("hex"), 16).expect("a time") + 1;
        let price = U256::from(dollars * WAD);
        let report = PriceReport { feed, round: *round, time, price, confidence: U256::ZERO };
        let hash = gage_evm::report_hash(CHAIN_ID, &report);
        let signature = user(PUBLISHER).sign_hash_sync(&hash).expect("signed");
        let submitted = json!([{
            "report": { "feed": feed, "round": *round, "time": format!("{time:#x}"),
                        "price": price.to_string() },
            "v": 27 + u8::from(signature.v()),
            "r": format!("{:#066x}", signature.r()),
            "s": format!("{:#066x}", signature.s()),
        }]);
        assert_eq!(self.world.ask("gage_submitReports", json!([submitted])), 1);
        self.settle();
    }

    fn lend_and_borrow(&mut self) {
        for to in [LENDER, LIQUIDATOR] {
            let (to, value) = (user(to).address(), U256::from(600_000 * USD));
            self.send(OWNER, usd(), IAsset::mintCall { to, value });
        }
        self.settle();
        let (assets, receiver) = (U256::from(500_000 * USD), user(LENDER).address());
        self.send(LENDER, usd_vault(), IVault::depositCall { assets, receiver });
        let (owner, amount) = (user(BORROWER).address(), U256::from(10 * WAD));
        self.send_paying(BORROWER, coin(), amount, IAsset::depositCall {});
        let call =
            IMarket::supplyCollateralCall { market: 1, owner, sub: 0, asset: coin(), amount };
        self.send(BORROWER, MARKET, call);
        self.settle();
        let amount = U256::from(10_000 * USD);
        self.send(BORROWER, MARKET, borrow(amount));
        self.settle();
    }

    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        self.world.ask(method, params)
    }
}

pub(crate) fn borrow(amount: U256) -> IMarket::borrowCall {
    let receiver = user(BORROWER).address();
    IMarket::borrowCall { market: 1, sub: 0, vault: usd_vault(), amount, receiver }
}

pub(crate) fn formatted(shown: &Value) -> f64 {
    let text = shown["formatted"].as_str().unwrap_or_else(|| panic!("no quantity: {shown}"));
    text.trim_end_matches(" %").parse().expect("a number")
}

pub(crate) fn assert_near(shown: &Value, expected: f64) {
    let found = formatted(shown);
    assert!((found - expected).abs() <= expected * 1e-4, "{found} is not near {expected}");
}
