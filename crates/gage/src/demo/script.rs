//! What the demo's actors send, each a fixed list: the sender's nonce says how far it has come, so
//! that a set-up that was cut off anywhere goes on where it stopped.

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use gage_abi::{
    IAsset, IERC20Permit,
    IMarket::{self, CollateralTerms, MarketTerms},
    IOracle::{self, FeedTerms},
    IRegistry::{self, VaultTerms},
    IVault::{self, Rates},
};

use super::{
    borrowers::{self, Borrower},
    world::{
        ASSETS, Asset, Collateral, MARKETS, Model, PRICE_AGE_SECONDS_MAX, VAULTS, Vault, WAD,
        asset_of, id, vault_of,
    },
};
use crate::{
    contracts::{self, MARKET, ORACLE, REGISTRY, call},
    keys::{Call, DEV_ACCOUNTS, actor_key, dev, dev_key},
};

/// Lenders to each vault.
const LENDERS: u32 = 8;

/// Whole coins that each actor gets for gas.
const GAS_COINS: u128 = 1;

/// Whole tokens that the treasury is issued of each asset.
const TREASURY_TOKENS: u128 = 2_000_000_000;

/// Whole dollars, bitcoins and wrapped coins that the keeper repays with.
const KEEPER_DOLLARS: u128 = 200_000_000;
const KEEPER_BITCOINS: u128 = 2_000;
const KEEPER_COINS: u128 = 50_000;

/// Whole tokens that each of the users' dev accounts gets: USDC, DAI, WBTC.
const USER_TOKENS: [(u32, u128); 3] = [(id::USDC, 100_000), (id::DAI, 100_000), (id::WBTC, 2)];

/// A vault's reserve fee in basis points.
const RESERVE_FEE: u16 = 1_000;

/// How long a lowered threshold takes to come into force.
const RAMP_SECONDS: u32 = 86_400;

/// Most that a vault takes or lends, in whole tokens.
const VAULT_CAP: u128 = 1_000_000_000;

/// One sender and all that it sends.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) key: PrivateKeySigner,
    pub(crate) calls: Vec<Call>,
}

/// All scripts, in phases: a phase starts when the one before is mined.
#[derive(Clone, Debug)]
pub(crate) struct Scripts {
    /// Assets, feeds, vaults, markets. Prices are published after it.
    pub(crate) world: Vec<Script>,
    /// Money for everyone.
    pub(crate) funding: Vec<Script>,
    /// Deposits.
    pub(crate) lending: Vec<Script>,
    /// Pledges and debts.
    pub(crate) borrowing: Vec<Script>,
}

impl Scripts {
    /// The scripts of this seed at these prices (wads, by asset id from 1).
    pub(crate) fn new(seed: u64, borrowers: u32, prices: &[u128]) -> anyhow::Result<Self> {
        let plan = borrowers::plan(seed, borrowers, prices);
        let lent = borrowers::lent(&plan);
        let lenders = (0..LENDERS)
            .map(|index| actor_key(seed, "lender", index))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let people = (0..borrowers)
            .map(|index| actor_key(seed, "borrower", index))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let deposits: Vec<u128> = lent.iter().map(|amount| amount / u128::from(LENDERS)).collect();
        let mut calls =
            vec![coins(dev_key(dev::KEEPER)?.address(), KEEPER_COINS * WAD, "the keeper")];
        for lender in &lenders {
            calls.extend(fund(lender.address(), &vault_assets(&deposits), "a lender"));
        }
        for (person, borrower) in people.iter().zip(&plan) {
            calls.extend(fund(person.address(), &borrower.pledges, "a borrower"));
        }
        let treasury = Script { key: dev_key(dev::TREASURY)?, calls };
        let lending = lenders.into_iter().map(|key| lender(key, &deposits)).collect();
        let borrowing =
            people.into_iter().zip(plan).map(|(key, plan)| borrower(key, &plan)).collect();
        Ok(Self { world: vec![governor()?], funding: vec![treasury], lending, borrowing })
    }

    /// Transactions in all phases.
    pub(crate) fn len(&self) -> usize {
        let phases = [&self.world, &self.funding, &self.lending, &self.borrowing];
        phases.into_iter().flatten().map(|script| script.calls.len()).sum()
    }
}

/// Governance creates everything.
fn governor() -> anyhow::Result<Script> {
    let mut calls = Vec::new();
    for asset in ASSETS.iter().skip(1) {
        calls.push(create_asset(asset));
    }
    let publisher = dev_key(dev::PUBLISHER)?.address();
    for (feed, asset) in (1..).zip(&ASSETS) {
        let terms = FeedTerms {
            maxAge: PRICE_AGE_SECONDS_MAX,
            priceMin: U256::from(1),
            priceMax: U256::from(10_u128.pow(30)),
        };
        let description = format!("{} / USD", asset.symbol);
        let what = format!("create the feed {description}");
        calls.push(call(ORACLE, &IOracle::createFeedCall { description, terms }, what));
        let set = IOracle::setPublisherCall { feed, publisher, allowed: true };
        calls.push(call(ORACLE, &set, format!("allow the publisher of feed {feed}")));
    }
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
    }
    calls.extend(issue()?);
    Ok(Script { key: dev_key(dev::GOVERNANCE)?, calls })
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
            feed: terms.asset,
            ltv: terms.ltv,
            threshold: terms.threshold,
            bonusMin: terms.bonus_min,
            bonusMax: terms.bonus_max,
            cap: U256::from(terms.cap * asset.one()),
            rampSeconds: RAMP_SECONDS,
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
        feed: terms.asset,
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

/// Coins for gas and for what is to be wrapped, and tokens.
fn fund(to: Address, tokens: &[(u32, u128)], who: &str) -> Vec<Call> {
    let wrapped: u128 = tokens.iter().filter(|(asset, _)| *asset == id::WETH).map(|(_, v)| v).sum();
    let mut calls = vec![coins(to, wrapped + GAS_COINS * WAD, who)];
    for (asset, value) in tokens.iter().filter(|(asset, _)| *asset != id::WETH) {
        let transfer = IERC20Permit::transferCall { to, value: U256::from(*value) };
        let what = format!("send {} to {who}", asset_of(*asset).symbol);
        calls.push(call(contracts::asset(*asset), &transfer, what));
    }
    calls
}

fn coins(to: Address, wei: u128, who: &str) -> Call {
    let what = format!("send coins to {who}");
    Call { to, value: U256::from(wei), input: Default::default(), what }
}

/// What each lender deposits, as assets.
fn vault_assets(deposits: &[u128]) -> Vec<(u32, u128)> {
    VAULTS.iter().zip(deposits).map(|(vault, amount)| (vault.asset, *amount)).collect()
}

fn lender(key: PrivateKeySigner, deposits: &[u128]) -> Script {
    let receiver = key.address();
    let mut calls: Vec<Call> = wrap(&vault_assets(deposits)).into_iter().collect();
    for ((vault, terms), amount) in (1..).zip(&VAULTS).zip(deposits) {
        let deposit = IVault::depositCall { assets: U256::from(*amount), receiver };
        let what = format!("deposit into {}", terms.symbol);
        calls.push(call(contracts::vault(vault), &deposit, what));
    }
    Script { key, calls }
}

fn borrower(key: PrivateKeySigner, plan: &Borrower) -> Script {
    let owner = key.address();
    let mut calls: Vec<Call> = wrap(&plan.pledges).into_iter().collect();
    for (asset, amount) in &plan.pledges {
        let supply = IMarket::supplyCollateralCall {
            market: plan.market,
            owner,
            sub: 0,
            asset: contracts::asset(*asset),
            amount: U256::from(*amount),
        };
        calls.push(call(MARKET, &supply, format!("pledge {}", asset_of(*asset).symbol)));
    }
    for (vault, amount) in &plan.debts {
        let borrow = IMarket::borrowCall {
            market: plan.market,
            sub: 0,
            vault: contracts::vault(*vault),
            amount: U256::from(*amount),
            receiver: owner,
        };
        calls.push(call(MARKET, &borrow, format!("borrow from {}", vault_of(*vault).symbol)));
    }
    Script { key, calls }
}

/// Wraps the coins among `tokens`.
fn wrap(tokens: &[(u32, u128)]) -> Option<Call> {
    let (_, value) = tokens.iter().find(|(asset, value)| *asset == id::WETH && *value > 0)?;
    let mut wrap = call(contracts::asset(id::WETH), &IAsset::depositCall {}, "wrap coins");
    wrap.value = U256::from(*value);
    Some(wrap)
}

/// The keeper's first step: coins to repay wrapped ones with.
pub(crate) fn keeper() -> anyhow::Result<Script> {
    let wrapped = [(id::WETH, KEEPER_COINS * 4 / 5 * WAD)];
    Ok(Script { key: dev_key(dev::KEEPER)?, calls: wrap(&wrapped).into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{prices::Prices, world::market_of};

    #[test]
    fn scripts_are_the_same_each_time() {
        let prices: Vec<u128> = Prices::new(0).at(0, None).into_iter().map(|(_, p)| p).collect();
        let scripts = Scripts::new(1, 20, &prices).unwrap();
        let again = Scripts::new(1, 20, &prices).unwrap();
        assert_eq!(scripts.funding[0].calls, again.funding[0].calls);
        assert_eq!(scripts.borrowing.len(), 20);
        assert_eq!(scripts.len(), again.len());
    }

    #[test]
    fn tables_refer_to_what_exists() {
        for market in &MARKETS {
            for terms in market.collaterals {
                assert!(terms.asset as usize <= ASSETS.len());
                assert!(terms.ltv + 100 <= terms.threshold);
                let seized = u32::from(terms.threshold) * (10_000 + u32::from(terms.bonus_max));
                assert!(seized <= 100_000_000);
            }
            assert!(market.lines.iter().all(|(vault, _)| *vault as usize <= VAULTS.len()));
            assert!(market_of(1).lines.len() <= 8);
        }
    }
}
