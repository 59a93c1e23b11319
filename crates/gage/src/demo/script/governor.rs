//! Governance creates the world, and issues its money.

use alloy_primitives::{Address, U256};
use gage_abi::{
    IAsset,
    IMarket::{self, CollateralTerms, MarketTerms},
    IOracle::{self, FeedTerms, Guards},
    IRegistry::{self, VaultTerms},
    IVault::{self, Rates},
};

use super::Script;
use crate::{
    contracts::{self, MARKET, ORACLE, REGISTRY, call},
    demo::world::{
        ASSETS, Asset, Collateral, MARKETS, Market, Model, PRICE_AGE_SECONDS_MAX,
        RATE_GROWTH_MAX_BPS, VAULTS, Vault, asset_of, id, price_feed, staked, vault_of,
    },
    keys::{Call, DEV_ACCOUNTS, dev, dev_key},
    publisher::source_key,
};

/// Whole tokens that the treasury is issued of each asset.
const TREASURY_TOKENS: u128 = 2_000_000_000;

/// Whole dollars and bitcoins that the keeper repays with.
const KEEPER_DOLLARS: u128 = 200_000_000;
const KEEPER_BITCOINS: u128 = 2_000;

/// Whole tokens that each of the users' dev accounts gets.
const USER_TOKENS: [(u32, u128); 5] =
    [(id::USDC, 100_000), (id::DAI, 100_000), (id::WBTC, 2), (id::WSTETH, 10), (id::SOL, 500)];

/// A vault's reserve fee in basis points.
const RESERVE_FEE: u16 = 1_000;

/// Most that a vault takes or lends, in whole tokens.
const VAULT_CAP: u128 = 1_000_000_000;

/// The kind of a feed that is a price times a rate.
const PRODUCT: u8 = 3;

/// Governance creates everything; feeds have so many sources.
pub(super) fn governor(sources: u8) -> anyhow::Result<Script> {
    let mut calls = Vec::new();
    for asset in ASSETS.iter().skip(1) {
        calls.push(create_asset(asset));
    }
    let publishers = (0..sources).map(|index| Ok(source_key(index)?.address()));
    let publishers: Vec<Address> = publishers.collect::<anyhow::Result<_>>()?;
    for (feed, asset) in (1..).zip(&ASSETS) {
        let terms = FeedTerms { guards: guards(sources), ..feed_terms() };
        let create = match asset.underlying() {
            None => create_feed(feed, format!("{} / USD", asset.symbol), terms),
            Some(other) => {
                create_rate(feed, format!("{} / {}", asset.symbol, asset_of(other).symbol), terms)
            }
        };
        calls.push(create);
        for publisher in &publishers {
            let source = IOracle::Source::publisher(*publisher, PRICE_AGE_SECONDS_MAX);
            let set = IOracle::setSourceCall { feed, source };
            calls.push(call(ORACLE, &set, format!("allow a publisher of feed {feed}")));
        }
    }
    calls.extend(staked().map(|(rate, base)| create_composite(base, rate)));
    calls.extend(VAULTS.iter().map(create_vault));
    for (id, market) in (1..).zip(&MARKETS) {
        let terms = MarketTerms {
            targetHealth: U256::from(market.target_health),
            fullBonusHealth: U256::from(market.full_bonus_health),
        };
        let what = format!("create the {} market", market.name);
        calls.push(call(MARKET, &IMarket::createMarketCall { terms }, what));
        calls.extend(market.collaterals.iter().map(|terms| add_collateral(id, terms)));
        calls.extend(market.lines.iter().flat_map(|(vault, cap)| open_line(id, *vault, *cap)));
        calls.push(recognise(id, market)?);
    }
    calls.extend(issue()?);
    Ok(Script { key: dev_key(dev::GOVERNANCE)?, calls })
}

/// One source is believed at once; of several a majority must agree, and jumps must hold for a minute.
fn guards(sources: u8) -> Guards {
    if sources == 1 {
        return Guards { quorum: 1, ..Guards::default() };
    }
    Guards {
        quorum: sources / 2 + 1,
        outlier: 50,
        spread: 100,
        jump: 300,
        confirm: 60,
        smoothing: 600,
        budget: 600,
        window: 86_400,
    }
}

fn feed_terms() -> FeedTerms {
    let most = U256::from(10_u128.pow(30));
    FeedTerms::unguarded(PRICE_AGE_SECONDS_MAX, U256::from(1), most)
}

fn create_feed(asset: u32, description: String, terms: FeedTerms) -> Call {
    let what = format!("create the feed {description}");
    let asset = contracts::asset(asset);
    call(ORACLE, &IOracle::createFeedCall { asset, description, terms }, what)
}

fn create_rate(asset: u32, description: String, terms: FeedTerms) -> Call {
    let what = format!("create the rate {description}");
    let growth = U256::from(Model::ray_per_second(RATE_GROWTH_MAX_BPS));
    let asset = contracts::asset(asset);
    call(ORACLE, &IOracle::createRateFeedCall { asset, description, terms, growth }, what)
}

fn create_composite(base: u32, rate: u32) -> Call {
    let description = format!("{} / USD", asset_of(rate).symbol);
    let what = format!("create the computed feed {description}");
    let (asset, terms) = (contracts::asset(rate), feed_terms());
    let (kind, other) = (PRODUCT, rate);
    let create = IOracle::createComputedFeedCall { asset, description, terms, kind, base, other };
    call(ORACLE, &create, what)
}

fn create_asset(asset: &Asset) -> Call {
    let create = IRegistry::createAssetCall {
        name: asset.name.to_owned(),
        symbol: asset.symbol.to_owned(),
        decimals: asset.decimals,
    };
    call(REGISTRY, &create, format!("create {}", asset.symbol))
}

fn create_vault(vault: &Vault) -> Call {
    let one = asset_of(vault.asset).one();
    let terms = VaultTerms {
        reserveFee: RESERVE_FEE,
        supplyCap: U256::from(VAULT_CAP * one),
        borrowCap: U256::from(VAULT_CAP * one),
        rates: rates(vault.model),
    };
    let create = IRegistry::createVaultCall {
        asset: contracts::asset(vault.asset),
        name: vault.name.to_owned(),
        symbol: vault.symbol.to_owned(),
        terms,
    };
    call(REGISTRY, &create, format!("create the vault {}", vault.symbol))
}

fn rates(model: Model) -> Rates {
    match model {
        Model::Kinked { base, slope1, slope2, kink } => {
            Rates { kind: 0, base, slope1, slope2, kink, rateAtTarget: 0 }
        }
        Model::Adaptive { at_target } => Rates {
            kind: 1,
            base: 0,
            slope1: 0,
            slope2: 0,
            kink: 0,
            rateAtTarget: Model::ray_per_second(at_target),
        },
    }
}

fn add_collateral(market: u32, terms: &Collateral) -> Call {
    let asset = asset_of(terms.asset);
    let add = IMarket::addCollateralCall {
        market,
        asset: contracts::asset(terms.asset),
        terms: CollateralTerms {
            feed: price_feed(terms.asset),
            ltv: terms.ltv,
            threshold: terms.threshold,
            bonusMin: terms.bonus_min,
            bonusMax: terms.bonus_max,
            riskWeight: terms.risk_weight,
            cap: U256::from(terms.cap * asset.one()),
        },
    };
    call(MARKET, &add, format!("list {} in market {market}", asset.symbol))
}

/// A line takes two: the market's owner lists the vault, the vault's curator opens the line.
fn open_line(market: u32, vault: u32, cap: u128) -> [Call; 2] {
    let terms = vault_of(vault);
    let one = asset_of(terms.asset).one();
    let list = IMarket::listVaultCall {
        market,
        vault: contracts::vault(vault),
        feed: price_feed(terms.asset),
        minDebt: U256::from(terms.min_debt_milli * one / 1_000),
    };
    let open = IVault::setLineCapCall { market, cap: U256::from(cap * one) };
    [
        call(MARKET, &list, format!("list {} in market {market}", terms.symbol)),
        call(
            contracts::vault(vault),
            &open,
            format!("open {}'s line to market {market}", terms.symbol),
        ),
    ]
}

/// The demo's prices are real ones: the sweep serves its markets first.
fn recognise(id: u32, market: &Market) -> anyhow::Result<Call> {
    let recognise = IMarket::recogniseMarketCall {
        market: id,
        collaterals: u8::try_from(market.collaterals.len())?,
        vaults: u8::try_from(market.lines.len())?,
    };
    Ok(call(MARKET, &recognise, format!("recognise the {} market", market.name)))
}

/// The issuer mints for the treasury, the keeper and the users' accounts.
fn issue() -> anyhow::Result<Vec<Call>> {
    let treasury = dev_key(dev::TREASURY)?.address();
    let keeper = dev_key(dev::KEEPER)?.address();
    let mut calls: Vec<Call> =
        (id::WBTC..=id::XRP).map(|asset| mint(asset, treasury, TREASURY_TOKENS)).collect();
    for (asset, tokens) in
        [(id::USDC, KEEPER_DOLLARS), (id::DAI, KEEPER_DOLLARS), (id::WBTC, KEEPER_BITCOINS)]
    {
        calls.push(mint(asset, keeper, tokens));
    }
    for index in (0..DEV_ACCOUNTS).filter(|index| *index < dev::KEEPER) {
        let user = dev_key(index)?.address();
        calls.extend(USER_TOKENS.map(|(asset, tokens)| mint(asset, user, tokens)));
    }
    Ok(calls)
}

fn mint(asset: u32, to: Address, tokens: u128) -> Call {
    let Asset { symbol, .. } = asset_of(asset);
    let value = U256::from(tokens * asset_of(asset).one());
    call(contracts::asset(asset), &IAsset::mintCall { to, value }, format!("mint {symbol}"))
}
