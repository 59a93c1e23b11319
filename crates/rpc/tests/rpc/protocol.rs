//! `gage_*` over a market that was built through transactions.

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

use crate::world::{CHAIN_ID, GENESIS_TIME, World, pay, user};

const WAD: u128 = 1_000_000_000_000_000_000;
const USD: u128 = 1_000_000;
const OWNER: u8 = 9;
const PUBLISHER: u8 = 8;
const LENDER: u8 = 0;
const BORROWER: u8 = 1;
const LIQUIDATOR: u8 = 2;
const COIN_FEED: u32 = 1;
const USD_FEED: u32 = 2;

fn coin() -> Address {
    asset(AssetId::new(1))
}

fn usd() -> Address {
    asset(AssetId::new(2))
}

fn usd_vault() -> Address {
    vault(VaultId::new(1))
}

/// A chain with one market: 10 coins at 2000 dollars secure a debt of 10,000 of the lender's
/// 500,000.
struct Story {
    world: World,
    nonces: [u64; 10],
    rounds: [u64; 3],
}

impl Story {
    fn new() -> Self {
        let mut story = Self { world: World::new(), nonces: [0; 10], rounds: [0; 3] };
        story.found();
        story.list();
        story.price(COIN_FEED, 2_000);
        story.price(USD_FEED, 1);
        story.lend_and_borrow();
        story
    }

    fn send(&mut self, from: u8, to: Address, call: impl SolCall) {
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
    fn settle(&self) {
        self.world.node.produce();
        let receipts = self.world.ask("eth_getBlockReceipts", json!(["latest"]));
        for receipt in receipts.as_array().expect("a list") {
            assert_eq!(receipt["status"], "0x1", "{receipt:#}");
        }
    }

    fn found(&mut self) {
        let (name, symbol) = ("US Dollar".to_owned(), "USD".to_owned());
        self.send(OWNER, REGISTRY, IRegistry::createAssetCall { name, symbol, decimals: 6 });
        for description in ["COIN / USD", "USD / USD"] {
            let terms = FeedTerms {
                maxAge: 3_600,
                priceMin: U256::from(1),
                priceMax: U256::from(1_000_000 * WAD),
            };
            let description = description.to_owned();
            self.send(OWNER, ORACLE, IOracle::createFeedCall { description, terms });
        }
        for feed in [COIN_FEED, USD_FEED] {
            let publisher = user(PUBLISHER).address();
            let call = IOracle::setPublisherCall { feed, publisher, allowed: true };
            self.send(OWNER, ORACLE, call);
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
            cap: U256::from(1_000 * WAD),
            rampSeconds: 0,
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
    fn price(&mut self, feed: u32, dollars: u128) {
        let round = &mut self.rounds[feed as usize];
        *round += 1;
        let head = self.world.ask("eth_getBlockByNumber", json!(["latest"]));
        let head = head["timestamp"].as_str().and_then(|hex| hex.strip_prefix("0x"));
        let time = u64::from_str_radix(head.expect("hex"), 16).expect("a time") + 1;
        let price = U256::from(dollars * WAD);
        let report = PriceReport { feed, round: *round, time, price };
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

    fn ask(&self, method: &str, params: Value) -> Value {
        self.world.ask(method, params)
    }
}

fn borrow(amount: U256) -> IMarket::borrowCall {
    let receiver = user(BORROWER).address();
    IMarket::borrowCall { market: 1, sub: 0, vault: usd_vault(), amount, receiver }
}

fn formatted(shown: &Value) -> f64 {
    let text = shown["formatted"].as_str().unwrap_or_else(|| panic!("no quantity: {shown}"));
    text.trim_end_matches(" %").parse().expect("a number")
}

fn assert_near(shown: &Value, expected: f64) {
    let found = formatted(shown);
    assert!((found - expected).abs() <= expected * 1e-4, "{found} is not near {expected}");
}

#[test]
fn listings_carry_names_and_readable_numbers() {
    let story = Story::new();
    let assets = story.ask("gage_assets", json!([]));
    assert_eq!(assets[0]["wrapsNative"], true);
    assert_eq!(assets[1]["symbol"], "USD");
    assert_eq!(assets[1]["supply"], json!({ "raw": "1200000000000", "formatted": "1200000" }));

    let vaults = story.ask("gage_vaults", json!([]));
    assert_eq!(vaults[0]["symbol"], "gUSD");
    assert_eq!(vaults[0]["asset"]["symbol"], "USD");
    assert_eq!(vaults[0]["cash"]["formatted"], "490000");
    assert_near(&vaults[0]["debt"], 10_000.0);
    assert_near(&vaults[0]["utilisation"], 2.0);
    assert_eq!(vaults[0]["rates"]["kind"], "kinked");
    assert_eq!(vaults[0]["reserveFee"], json!({ "raw": "1000", "formatted": "10 %" }));

    let markets = story.ask("gage_markets", json!([]));
    assert_eq!(markets[0]["pause"], "open");
    let collateral = &markets[0]["collaterals"][0];
    assert_eq!(collateral["asset"]["address"], json!(coin()));
    assert_eq!(collateral["quote"]["price"]["formatted"], "2000");
    assert_eq!(collateral["quote"]["fresh"], true);
    assert_eq!(collateral["ltv"]["formatted"], "80 %");
    assert_eq!(collateral["total"]["formatted"], "10");
    assert_eq!(markets[0]["lines"][0]["vault"]["symbol"], "gUSD");
    assert_eq!(markets[0]["lines"][0]["minDebt"]["formatted"], "100");

    let feeds = story.ask("gage_feeds", json!([]));
    assert_eq!(feeds[0]["description"], "COIN / USD");
    assert_eq!(feeds[0]["price"]["raw"], "2000000000000000000000");

    let status = story.ask("gage_status", json!([]));
    assert_eq!(status["governance"], json!(user(OWNER).address()));
    let counts = ["assets", "vaults", "markets", "feeds"].map(|name| status[name].clone());
    assert_eq!(json!(counts), json!([2, 1, 1, 2]));
    assert_eq!(story.ask("gage_vaults", json!(["earliest"])), json!([]));
}

#[test]
fn an_account_shows_what_it_has_and_owes() {
    let story = Story::new();
    let borrower = story.ask("gage_account", json!([user(BORROWER).address()]));
    assert_eq!(borrower["balances"][0]["asset"]["symbol"], "USD");
    assert_eq!(borrower["balances"][0]["amount"]["formatted"], "10000");
    assert_eq!(borrower["accounts"].as_array().map(Vec::len), Some(1));
    let lender = story.ask("gage_account", json!([user(LENDER).address(), 1]));
    assert_near(&lender["deposits"][0]["assets"], 500_000.0);
    assert_eq!(lender["accounts"][0]["healthFactor"]["formatted"], "∞");
    let empty = story.ask("gage_account", json!([user(7).address()]));
    assert_eq!(empty["accounts"], json!([]));
}

#[test]
fn explanations_give_reasons() {
    let story = Story::new();
    let explained = story.ask("gage_explain", json!([1, user(BORROWER).address(), 0]));
    assert_eq!(explained["collateralValue"]["formatted"], "20000");
    assert_near(&explained["debtValue"], 10_000.0);
    assert_eq!(explained["borrowLimit"]["formatted"], "16000");
    assert_near(&explained["headroom"], 6_000.0);
    assert_near(&explained["healthFactor"], 1.7);
    assert_eq!(explained["liquidatable"], false);
    assert_eq!(explained["liquidation"], Value::Null);
    let collateral = &explained["collaterals"][0];
    assert_eq!(collateral["contribution"]["formatted"], "17000");
    assert_near(&collateral["liquidationPrice"], 10_000.0 / 8.5);
    assert_eq!(explained["debts"][0]["vault"]["asset"]["symbol"], "USD");
}

#[test]
fn what_if_runs_the_protocol_and_changes_nothing() {
    let story = Story::new();
    let owner = user(BORROWER).address();
    let before = story.ask("gage_explain", json!([1, owner, 0, "pending"]));
    let ask = |changes: Value| story.ask("gage_whatIf", json!([1, owner, 0, changes]));

    let fallen = ask(json!({ "prices": { "1": (1_100 * WAD).to_string() } }));
    assert_eq!(fallen["before"], before);
    assert_eq!(fallen["after"]["liquidatable"], true);
    assert_near(&fallen["after"]["healthFactor"], 11_000.0 * 0.85 / 10_000.0);
    let plan = &fallen["after"]["liquidation"];
    assert_eq!(plan["closeOut"], false);
    assert_near(&plan["healthAfter"], 1.1);

    let by_asset = ask(json!({ "prices": { coin().to_string(): (1_100 * WAD).to_string() } }));
    assert_eq!(by_asset["after"], fallen["after"]);

    let more = ask(json!({
        "supply": [{ "asset": coin(), "amount": (5 * WAD).to_string() }],
        "borrow": [{ "vault": usd_vault(), "amount": (10_000 * USD).to_string() }],
    }));
    assert_eq!(more["refused"], Value::Null);
    assert_near(&more["after"]["debtValue"], 20_000.0);
    assert_eq!(more["after"]["collateralValue"]["formatted"], "30000");

    let paid = ask(json!({
        "repay": [{ "vault": usd_vault(), "amount": u128::MAX.to_string() }],
        "withdraw": [{ "asset": coin(), "amount": u128::MAX.to_string() }],
    }));
    assert_eq!(paid["refused"], Value::Null);
    assert_eq!(paid["after"]["collaterals"], json!([]));
    assert_eq!(paid["after"]["healthFactor"]["formatted"], "∞");

    let too_much = ask(json!({
        "borrow": [
            { "vault": usd_vault(), "amount": (1_000 * USD).to_string() },
            { "vault": usd_vault(), "amount": (9_000 * USD).to_string() },
        ],
    }));
    assert_eq!(too_much["refused"]["operation"], "borrow");
    assert_eq!(too_much["refused"]["step"], 1);
    let error = too_much["refused"]["error"].as_str().expect("words");
    assert!(error.starts_with("AboveLimit(debtValue: "), "{error}");
    assert_near(&too_much["after"]["debtValue"], 11_000.0);

    assert_eq!(story.ask("gage_explain", json!([1, owner, 0, "pending"])), before);
}

#[test]
fn refusals_of_the_protocol_come_with_name_and_data() {
    let story = Story::new();
    let owner = user(BORROWER).address();
    for (method, params) in [
        ("gage_explain", json!([77, owner])),
        ("gage_account", json!([owner, 77])),
        ("gage_whatIf", json!([77, owner, 0, {}])),
    ] {
        let error = story.world.try_ask(method, params).expect_err("no such market");
        assert_eq!(error["code"], -32000, "{method}");
        assert_eq!(error["message"], "UnknownMarket(market: 77)", "{method}");
        assert!(error["data"].as_str().is_some_and(|data| data.len() == 2 + 8 + 64), "{method}");
    }
    let input = Bytes::from(borrow(U256::from(9_000 * USD)).abi_encode());
    let call = json!([{ "from": owner, "to": MARKET, "data": input }]);
    for method in ["eth_call", "eth_estimateGas"] {
        let error = story.world.try_ask(method, call.clone()).expect_err("above the limit");
        assert_eq!(error["code"], 3, "{method}");
        let message = error["message"].as_str().expect("words");
        assert!(message.starts_with("execution reverted: AboveLimit(debtValue: "), "{message}");
    }
    let nonsense = [
        ("gage_explain", json!(["main", owner])),
        ("gage_explain", json!([1, owner, -1])),
        ("gage_account", json!(["nobody"])),
        ("gage_whatIf", json!([1, owner, 0, { "borrow": "all" }])),
        ("gage_whatIf", json!([1, owner, 0, { "prices": { "gold": "1" } }])),
        ("gage_whatIf", json!([1, owner, 0, { "supply": [{ "asset": owner, "amount": 1 }] }])),
        ("gage_whatIf", json!([1, owner, 0, { "sell": [] }])),
        ("gage_submitReports", json!([[{ "report": {} }]])),
        ("gage_liquidations", json!(["0x3", "0x1"])),
    ];
    for (method, params) in nonsense {
        assert_eq!(story.world.refusal(method, params.clone()).0, -32602, "{method} {params}");
    }
}

#[test]
fn liquidations_are_listed() {
    let mut story = Story::new();
    assert_eq!(story.ask("gage_liquidations", json!([]))["liquidations"], json!([]));
    story.price(COIN_FEED, 1_100);
    let (owner, receiver) = (user(BORROWER).address(), user(LIQUIDATOR).address());
    let call = IMarket::liquidateCall {
        market: 1,
        owner,
        sub: 0,
        vault: usd_vault(),
        asset: coin(),
        maxRepay: U256::from(600_000 * USD),
        receiver,
    };
    story.send(LIQUIDATOR, MARKET, call);
    story.settle();
    let told = story.ask("gage_liquidations", json!(["earliest", "latest"]));
    assert_eq!(told["badDebts"], json!([]));
    let liquidation = &told["liquidations"][0];
    assert_eq!(liquidation["owner"], json!(owner));
    assert_eq!(liquidation["liquidator"], json!(receiver));
    assert_eq!(liquidation["asset"]["decimals"], 18);
    assert!(formatted(&liquidation["repaid"]) > 0.0);
    assert!(liquidation["timestamp"].as_u64().is_some_and(|time| time > GENESIS_TIME));
    let explained = story.ask("gage_explain", json!([1, owner]));
    assert_near(&explained["healthFactor"], 1.1);
}
