//! Computed prices, and vault shares as collateral, through real calls and stored records.

use super::entries::VIEW;
use super::story::health;
use super::support::*;
use super::sweeps::logs;
use alloy_primitives::{Address, U256};
use gage_abi::IMarket::CollateralTerms;
use gage_abi::IOracle::FeedState;
use gage_abi::addresses::{self, MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IOracle, IRebasing, IRegistry, IVault};
use gage_core::{AccountId, AssetId, MarketId, VaultId};

const STAKED: Address = addresses::asset(AssetId::new(4));
const GOLD_VAULT: Address = addresses::vault(VaultId::new(2));
/// 10 % a year of 31,536,000 seconds.
const GROWTH: u128 = 3_170_979_198_376_458_650;

fn limits(feed: u32) -> CollateralTerms {
    CollateralTerms {
        feed,
        ltv: 7_500,
        threshold: 8_000,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 0,
        cap: u(1 << 100),
    }
}

impl World {
    /// A feed of rates of OWNER's, reported by the usual publisher.
    pub(crate) fn rate_feed(&mut self, growth: u128) -> u32 {
        let create = IOracle::createRateFeedCall {
            asset: Address::ZERO,
            description: "STAKED / GOLD".into(),
            terms: feed_terms(86_400, WAD / 2, 10 * WAD),
            growth: u(growth),
        };
        let feed = self.ok(OWNER, ORACLE, create);
        self.name_publisher(feed, &publisher());
        feed
    }

    /// [`World::loan`], and a rebasing view over the dollar at a rate of 1.1.
    pub(crate) fn viewed() -> Self {
        let mut world = Self::queued();
        let rate = world.rate_feed(GROWTH);
        let create = IRegistry::createRebasingCall {
            asset: USD,
            name: "Growing Dollar".into(),
            symbol: "gUSD".into(),
            rateFeed: rate,
        };
        assert_eq!(world.ok(OWNER, REGISTRY, create), VIEW);
        world.rate(rate, WAD * 11 / 10);
        world
    }

    fn feed(&mut self, feed: u32) -> FeedState {
        self.ok(STRANGER, ORACLE, IOracle::feedStateCall { feed })
    }

    fn rate(&mut self, feed: u32, rate: u128) -> Done {
        self.now += 1;
        self.round += 1;
        let (round, time) = (self.round, self.now);
        let done = self.prelude(&[signed(&publisher(), report(feed, round, time, rate))]);
        assert!(done.is_success(), "{:?}", done.result);
        done
    }

    /// A vault of gold with 100 gold of the borrower's, and its share as collateral in market 1; returns
    /// the share's feed.
    fn share_market(&mut self) -> u32 {
        let rates = IVault::Rates {
            kind: 0,
            base: 100,
            slope1: 400,
            slope2: 6_000,
            kink: 9_000,
            rateAtTarget: 0,
        };
        let caps = u(1 << 90);
        let terms_ =
            IRegistry::VaultTerms { reserveFee: 0, supplyCap: caps, borrowCap: caps, rates };
        let create = IRegistry::createVaultCall {
            asset: GOLD,
            name: "Gold Vault".into(),
            symbol: "vGOLD".into(),
            terms: terms_,
        };
        assert_eq!(self.ok(OWNER, REGISTRY, create), GOLD_VAULT);
        let share = IOracle::createShareFeedCall {
            description: "vGOLD / USD".into(),
            terms: feed_terms(3_600, 1, 1 << 100),
            vault: GOLD_VAULT,
            base: GOLD_FEED,
            growth: u(GROWTH),
        };
        let thin = self.refused(OWNER, ORACLE, share.clone());
        assert_eq!(thin, "ThinVault(vault: 2, assets: 0, minimum: 1000000000000000)");
        let deposit = IVault::depositCall { assets: u(50 * WAD), receiver: BORROWER };
        self.ok(BORROWER, GOLD_VAULT, deposit);
        let feed = self.ok(OWNER, ORACLE, share);
        let list = IMarket::addCollateralCall { market: 1, asset: GOLD_VAULT, terms: limits(feed) };
        self.ok(OWNER, MARKET, list);
        feed
    }
}

/// ORC-3, C-16: a rate is reported in the prelude, capped with an event, and multiplies a price; its
/// record reads back, and its anchor moves whole.
#[test]
fn a_product_is_reported_and_capped() {
    let mut world = World::market();
    let rate = world.rate_feed(GROWTH);
    let name = IRegistry::createAssetCall {
        name: "Staked Gold".into(),
        symbol: "SGOLD".into(),
        decimals: 18,
    };
    assert_eq!(world.ok(OWNER, REGISTRY, name), STAKED);
    let create = IOracle::createComputedFeedCall {
        asset: STAKED,
        description: "STAKED / USD".into(),
        terms: feed_terms(86_400, 1, 1 << 100),
        kind: 3,
        base: GOLD_FEED,
        other: rate,
    };
    let staked = world.ok(OWNER, ORACLE, create.clone());
    assert!(!world.feed(staked).fresh);
    world.rate(rate, WAD * 11 / 10);
    let state = world.feed(staked);
    assert_eq!((state.price, state.fresh), (u(2_200 * WAD), true));
    assert_eq!((state.source.kind, state.source.base, state.source.other), (3, GOLD_FEED, rate));

    // Five percent more a day later: a day's growth is accepted, and told.
    world.now += 86_400;
    world.prices(2_000 * WAD, WAD);
    let done = world.rate(rate, WAD * 1_155 / 1_000);
    let capped: Vec<IOracle::RateCapped> = logs(&done);
    assert_eq!((capped[0].feed, capped[0].reported), (rate, u(WAD * 1_155 / 1_000)));
    let updated: Vec<IOracle::PriceUpdated> = logs(&done);
    assert_eq!(updated[0].price, capped[0].accepted);
    let accepted: u128 = capped[0].accepted.to();
    assert_eq!(accepted / (WAD / 1_000_000), 1_100_301);
    let source = world.feed(rate).source;
    assert_eq!((source.kind, source.anchor, source.growth), (1, u(accepted), u(GROWTH)));
    assert_eq!((source.since, source.limit), (world.now, u(accepted)));
    assert_eq!(world.feed(staked).price, u(accepted) * u(2_000));

    // A change of growth writes rate and moment together; a fall passes at once.
    world.now += 100;
    world.ok(OWNER, ORACLE, IOracle::setGrowthCall { feed: rate, growth: U256::ZERO });
    let source = world.feed(rate).source;
    assert_eq!((source.anchor, source.since), (u(accepted), world.now));
    world.rate(rate, WAD);
    assert_eq!(world.feed(staked).price, u(2_000 * WAD));
    let refused =
        world.refused(OWNER, ORACLE, IOracle::setGrowthCall { feed: staked, growth: u(1) });
    assert_eq!(refused, format!("WrongFeed(feed: {staked}, wanted: rate)"));
    let refused = world.refused(
        OWNER,
        ORACLE,
        IOracle::createComputedFeedCall { base: rate, other: GOLD_FEED, ..create },
    );
    assert_eq!(refused, format!("WrongFeed(feed: {rate}, wanted: reported)"));

    // As collateral, it counts what the product says.
    world.ok(OWNER, STAKED, IAsset::mintCall { to: BORROWER, value: u(10 * WAD) });
    let as_rate = IMarket::addCollateralCall { market: 1, asset: STAKED, terms: limits(rate) };
    let refused = world.refused(OWNER, MARKET, as_rate);
    assert_eq!(refused, format!("WrongFeed(feed: {rate}, wanted: an asset's price)"));
    let list = IMarket::addCollateralCall { market: 1, asset: STAKED, terms: limits(staked) };
    world.ok(OWNER, MARKET, list);
    let pledge = IMarket::supplyCollateralCall {
        market: 1,
        owner: BORROWER,
        sub: 0,
        asset: STAKED,
        amount: u(10 * WAD),
    };
    world.ok(BORROWER, MARKET, pledge);
    assert!(world.refused(BORROWER, MARKET, borrow(15_001 * DOLLAR)).starts_with("AboveLimit"));
    world.ok(BORROWER, MARKET, borrow(15_000 * DOLLAR));
    assert_eq!(health(&mut world), u(WAD * 16 / 15));
    world.check_ties();
}

/// SHR-3, SOL-3: a vault's share is pledged by the vault's address, borrowed against, swept to bids and
/// claimed; the sums of its token hold throughout.
#[test]
fn shares_are_pledged_swept_and_claimed() {
    let mut world = World::market();
    let feed = world.share_market();
    let state = world.feed(feed);
    assert_eq!((state.price, state.fresh), (u(2_000 * WAD), true));
    assert_eq!((state.source.kind, state.source.vault), (7, GOLD_VAULT));
    let market = world.ok(STRANGER, MARKET, IMarket::marketStateCall { market: 1 });
    assert_eq!(market.collaterals, [GOLD, GOLD_VAULT]);

    let shares = world.balance(GOLD_VAULT, BORROWER);
    let pledge = IMarket::supplyCollateralCall {
        market: 1,
        owner: BORROWER,
        sub: 0,
        asset: GOLD_VAULT,
        amount: u(shares / 5),
    };
    world.ok(BORROWER, MARKET, pledge);
    world.ok(BORROWER, MARKET, borrow(12_000 * DOLLAR));
    world.check_ties();
    let account = IMarket::accountStateCall { market: 1, owner: BORROWER, sub: 0 };
    let account = world.ok(STRANGER, MARKET, account);
    assert_eq!(account.collaterals[0].asset, GOLD_VAULT);
    assert_eq!(account.collaterals[0].value, u(20_000 * WAD));
    // A gift to the vault moves nothing (SHR-2).
    let gift = IERC20Permit::transferCall { to: GOLD_VAULT, value: u(10 * WAD) };
    world.ok(BORROWER, GOLD, gift);
    assert_eq!(world.feed(feed).price, u(2_000 * WAD));

    let bid = IMarket::placeBidCall {
        market: 1,
        vault: VAULT,
        asset: GOLD_VAULT,
        tier: 2,
        shares: u(9_000 * DOLLAR * 1_000_000),
    };
    world.ok(LENDER, MARKET, bid);
    world.check_ties();
    world.prices(1_450 * WAD, WAD);
    let id = AccountId { market: MarketId::new(1), owner: BORROWER, sub: 0 };
    let done = world.sweep(&[id]);
    let fills: Vec<IMarket::BidsFilled> = logs(&done);
    assert_eq!((fills.len(), fills[0].asset), (1, GOLD_VAULT));
    assert!(health(&mut world) >= u(WAD));
    world.check_ties();
    let claim = IMarket::claimBidCall {
        market: 1,
        vault: VAULT,
        asset: GOLD_VAULT,
        tier: 2,
        receiver: LENDER,
    };
    let claimed = world.ok(LENDER, MARKET, claim);
    assert_eq!(world.balance(GOLD_VAULT, LENDER), claimed.to::<u128>());
    let redeem = IVault::redeemCall { shares: claimed, receiver: LENDER, owner: LENDER };
    assert!(world.ok(LENDER, GOLD_VAULT, redeem) > U256::ZERO);
    world.check_ties();
    world.ok(LIQUIDATOR, MARKET, repay(U256::MAX));
    let all = IMarket::withdrawCollateralCall {
        market: 1,
        sub: 0,
        asset: GOLD_VAULT,
        amount: U256::MAX,
        receiver: BORROWER,
    };
    world.ok(BORROWER, MARKET, all);
    world.check_ties();
}

/// S-18, D-07: the step that would close a circle is refused in words, whichever comes last.
#[test]
fn circles_are_refused() {
    let mut world = World::market();
    let feed = world.share_market();
    let share = IOracle::createShareFeedCall {
        description: "vUSD / USD".into(),
        terms: feed_terms(3_600, 1, 1 << 100),
        vault: VAULT,
        base: USD_FEED,
        growth: U256::ZERO,
    };
    let own = world.ok(OWNER, ORACLE, share);
    let direct = IMarket::addCollateralCall { market: 1, asset: VAULT, terms: limits(own) };
    assert_eq!(
        world.refused(OWNER, MARKET, direct.clone()),
        "CircularBacking(market: 1, share: 1, lender: 1, closing: 1)"
    );
    assert_eq!(
        world.refused(OWNER, MARKET, IMarket::addCollateralCall { terms: limits(feed), ..direct }),
        format!("WrongFeed(feed: {feed}, wanted: the price of that vault's share)")
    );
    // The gold vault opens a line to a market that takes the dollar vault's shares; the dollar vault
    // lends against the gold vault's.
    let terms =
        IMarket::MarketTerms { targetHealth: u(WAD * 11 / 10), fullBonusHealth: u(WAD * 9 / 10) };
    let market = world.ok(OWNER, MARKET, IMarket::createMarketCall { terms });
    let list = IMarket::addCollateralCall { market, asset: VAULT, terms: limits(own) };
    world.ok(OWNER, MARKET, list);
    let line =
        IMarket::listVaultCall { market, vault: GOLD_VAULT, feed: GOLD_FEED, minDebt: u(WAD) };
    world.ok(OWNER, MARKET, line);
    let open = IVault::setLineCapCall { market, cap: u(WAD) };
    assert_eq!(
        world.refused(OWNER, GOLD_VAULT, open),
        "CircularBacking(market: 2, share: 1, lender: 2, closing: 1)"
    );
    // No vault pools shares, and an asset that is none is no collateral.
    let refused = world.refused(
        OWNER,
        MARKET,
        IMarket::addCollateralCall { market, asset: STRANGER, terms: limits(own) },
    );
    assert!(refused.starts_with("NotNativeContract"));
    world.check_ties();
}

/// SHR-5, TOK-1: the view shows shares times the rate, moves them, and has allowances of its own; the
/// balances are the asset's, and none ever lies under the view.
#[test]
fn a_view_is_the_same_balance() {
    let mut world = World::viewed();
    let (held, shown) = (world.balance(USD, LENDER), world.balance(VIEW, LENDER));
    assert_eq!((held, shown), (500_000 * DOLLAR, 550_000 * DOLLAR));
    let supply = world.ok(STRANGER, VIEW, IERC20Permit::totalSupplyCall {});
    assert_eq!(supply, u(2_200_000 * DOLLAR));
    assert_eq!(world.ok(STRANGER, VIEW, IRebasing::assetCall {}), USD);
    assert_eq!(world.ok(STRANGER, VIEW, IRebasing::rateFeedCall {}), 3);
    assert_eq!(world.ok(STRANGER, VIEW, IRebasing::getTotalSharesCall {}), u(2_000_000 * DOLLAR));
    assert_eq!(world.ok(STRANGER, VIEW, IERC20Permit::symbolCall {}), "gUSD");
    assert_eq!(world.ok(STRANGER, VIEW, IERC20Permit::decimalsCall {}), 6);

    // 100 of the view are 90.909091 shares, rounded up against the sender; both tokens tell.
    let value = u(100 * DOLLAR);
    let done = world.call(LENDER, VIEW, IERC20Permit::transferCall { to: STRANGER, value });
    let told: Vec<_> = done.logs().iter().map(|log| log.address).collect();
    assert_eq!(told, [USD, VIEW]);
    let transfers: Vec<IERC20Permit::Transfer> = logs(&done);
    assert_eq!((transfers[0].value, transfers[1].value), (u(90_909_091), value));
    assert_eq!(
        (world.balance(USD, STRANGER), world.balance(VIEW, STRANGER)),
        (90_909_091, 100_000_000)
    );
    // Sent back, it is what it was.
    world.ok(STRANGER, VIEW, IERC20Permit::transferCall { to: LENDER, value });
    assert_eq!((world.balance(USD, LENDER), world.balance(USD, STRANGER)), (held, 0));
    let too_much = IERC20Permit::transferCall { to: STRANGER, value: u(shown + 1) };
    assert!(world.refused(LENDER, VIEW, too_much).starts_with("ERC20InsufficientBalance"));

    // Allowances are the view's own, in its amounts.
    let from = LENDER;
    let take = IERC20Permit::transferFromCall { from, to: STRANGER, value };
    world.ok(LENDER, USD, IERC20Permit::approveCall { spender: STRANGER, value });
    assert!(world.refused(STRANGER, VIEW, take.clone()).starts_with("ERC20InsufficientAllowance"));
    world.ok(LENDER, VIEW, IERC20Permit::approveCall { spender: STRANGER, value });
    world.ok(STRANGER, VIEW, take);
    assert_eq!(world.balance(VIEW, STRANGER), 100_000_000);

    // The rate falls and every view's balance with it; shares move whatever the rate says.
    world.rate(3, WAD);
    assert_eq!(world.balance(VIEW, STRANGER), 90_909_091);
    world.now += 86_401;
    let stale = IERC20Permit::transferCall { to: LENDER, value: u(1) };
    assert!(world.refused(STRANGER, VIEW, stale).starts_with("StalePrice"));
    let shares = u(90_909_091);
    assert_eq!(
        world.ok(STRANGER, VIEW, IRebasing::transferSharesCall { to: LENDER, shares }),
        shares
    );
    assert_eq!(world.balance(USD, LENDER), held);
    assert_eq!(world.ok(STRANGER, VIEW, IRebasing::sharesOfCall { account: LENDER }), u(held));
    world.check_ties();

    let again = IRegistry::createRebasingCall {
        asset: USD,
        name: String::new(),
        symbol: String::new(),
        rateFeed: 3,
    };
    assert_eq!(world.refused(OWNER, REGISTRY, again.clone()), "RebasingExists(asset: 3)");
    let of_gold =
        |rate| IRegistry::createRebasingCall { asset: GOLD, rateFeed: rate, ..again.clone() };
    let price = world.refused(OWNER, REGISTRY, of_gold(GOLD_FEED));
    assert_eq!(price, format!("WrongFeed(feed: {GOLD_FEED}, wanted: rate)"));
    assert!(world.refused(STRANGER, REGISTRY, of_gold(3)).starts_with("NotAuthorised"));
    // Where no view is, nothing is moved.
    let nowhere = gage_abi::addresses::rebasing(AssetId::new(2));
    let call = IERC20Permit::transferCall { to: LENDER, value };
    assert!(world.refused(STRANGER, nowhere, call).starts_with("NotNativeContract"));
    // Nor does the protocol take it: what is pledged is the asset.
    let list = IMarket::addCollateralCall { market: 1, asset: VIEW, terms: limits(GOLD_FEED) };
    assert!(world.refused(OWNER, MARKET, list).starts_with("NotNativeContract"));
}
