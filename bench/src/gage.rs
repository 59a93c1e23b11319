//! Gage: native contracts in the same revm, one USDC vault and one market that takes WETH with a liquidation
//! threshold of 86 %.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent;
use anyhow::Result;
use gage_abi::addresses::MARKET;
use gage_abi::{IAsset, IMarket, IVault, SYSTEM_ADDRESS};
use gage_core::{AccountId, MarketId};
use gage_evm::sweep_call;
pub(crate) use gage_peers::gage::{CHAIN_ID, report};
use gage_peers::gage::{
    Market, UNLIMITED, create_asset, create_feed, create_vault, engine, report_prices,
};

use crate::chain::{Call, Chain, Receipt};
use crate::crash::{Crashing, Standing};
use crate::engine::Engine;
use crate::scenario::{Action, Cast, Operation, PRICE, Subject};
use crate::token::Asset;

/// Basis points of value that may be borrowed, and that may be owed before liquidation: as in the peers' markets.
const LTV: u16 = 8_000;
const THRESHOLD: u16 = 8_600;

/// Basis points of liquidation bonus, at the edge and far below it.
const BONUS_MIN: u16 = 300;
const BONUS_MAX: u16 = 1_000;

/// The longest that a price may be old: longer than the story.
const PRICE_AGE_MAX: u32 = 30 * 86_400;

/// The borrow rate at target utilisation: 4 % a year, ray per second.
const RATE_AT_TARGET: u128 = 1_268_391_679_350_583_460;

/// Gage with one vault and one market.
#[derive(Default)]
pub(crate) struct Gage {
    market: u32,
    vault: Address,
    weth: Address,
    usdc: Address,
    weth_feed: u32,
    usdc_feed: u32,
}

impl Gage {
    fn open_market(&mut self, chain: &mut Chain<'_>, admin: Address) -> Result<()> {
        let rates = IVault::Rates {
            kind: 1,
            base: 0,
            slope1: 0,
            slope2: 0,
            kink: 0,
            rateAtTarget: RATE_AT_TARGET,
        };
        self.vault = create_vault(chain, admin, self.usdc, (0, rates))?;
        let wad = |hundredths: u64| U256::from(hundredths) * U256::from(10).pow(U256::from(16));
        let terms = IMarket::MarketTerms { targetHealth: wad(110), fullBonusHealth: wad(80) };
        let market = Market::create(chain, admin, terms)?;
        self.market = market.id;
        let terms = IMarket::CollateralTerms {
            feed: self.weth_feed,
            ltv: LTV,
            threshold: THRESHOLD,
            bonusMin: BONUS_MIN,
            bonusMax: BONUS_MAX,
            riskWeight: 0,
            cap: UNLIMITED,
        };
        market.add_collateral(chain, self.weth, terms)?;
        market.list_vault(chain, self.vault, (self.usdc_feed, Asset::Usdc.units(1)))
    }
}

/// Whole dollars as a price.
pub(crate) fn wad(usd: u64) -> U256 {
    U256::from(usd) * U256::from(10).pow(U256::from(18))
}

impl Subject for Gage {
    fn name(&self) -> &'static str {
        "Gage"
    }

    fn engine(&self, cast: &Cast) -> Box<dyn Engine> {
        engine(cast.admin)
    }

    fn setup(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<()> {
        let admin = cast.admin;
        let mut asset = |asset: Asset| create_asset(chain, admin, asset.symbol(), asset.decimals());
        (self.weth, self.usdc) = (asset(Asset::Weth)?, asset(Asset::Usdc)?);
        self.weth_feed = create_feed(chain, admin, self.weth, PRICE_AGE_MAX)?;
        self.usdc_feed = create_feed(chain, admin, self.usdc, PRICE_AGE_MAX)?;
        self.open_market(chain, admin)?;
        self.set_price(chain, cast, PRICE)?;
        for (to, asset, value) in cast.endowments() {
            // No approvals: a native contract takes its caller's own tokens only.
            if !value.is_zero() {
                let mint = IAsset::mintCall { to, value };
                chain.send(admin, Call::new(self.token(asset), &mint))?;
            }
        }
        let first_supply = Action {
            operation: Operation::Supply,
            sender: cast.treasury,
            account: cast.treasury,
            amount: cast.first_supply(),
        };
        chain.send(cast.treasury, self.call(&first_supply))?;
        Ok(())
    }

    fn set_price(&self, chain: &mut Chain<'_>, _cast: &Cast, usd: u64) -> Result<()> {
        report_prices(chain, &[(self.weth_feed, wad(usd)), (self.usdc_feed, wad(1))])
    }

    fn call(&self, action: &Action) -> Call {
        let (market, vault, asset, sub) = (self.market, self.vault, self.weth, 0);
        let (amount, owner, receiver) = (action.amount, action.account, action.sender);
        match action.operation {
            Operation::Supply => {
                Call::new(vault, &IVault::depositCall { assets: amount, receiver: owner })
            }
            Operation::Withdraw => {
                Call::new(vault, &IVault::withdrawCall { assets: amount, receiver, owner })
            }
            Operation::Borrow => {
                Call::new(MARKET, &IMarket::borrowCall { market, sub, vault, amount, receiver })
            }
            Operation::Repay => {
                Call::new(MARKET, &IMarket::repayCall { market, owner, sub, vault, amount })
            }
            Operation::SupplyCollateral => Call::new(
                MARKET,
                &IMarket::supplyCollateralCall { market, owner, sub, asset, amount },
            ),
            Operation::WithdrawCollateral => Call::new(
                MARKET,
                &IMarket::withdrawCollateralCall { market, sub, asset, amount, receiver },
            ),
            Operation::Liquidate => {
                let liquidate = IMarket::liquidateCall {
                    market,
                    owner,
                    sub,
                    vault,
                    asset,
                    maxRepay: amount,
                    receiver,
                };
                Call::new(MARKET, &liquidate)
            }
        }
    }

    fn token(&self, asset: Asset) -> Address {
        match asset {
            Asset::Weth => self.weth,
            Asset::Usdc => self.usdc,
        }
    }
}

/// Discounts in half percents, and the parts of all bids that wait there, in hundredths.
const TIERS: [(u8, u64); 9] =
    [(2, 6), (3, 8), (4, 10), (5, 12), (6, 14), (8, 16), (10, 14), (12, 12), (15, 8)];

/// A wad of dollars.
fn dollars(wad: U256) -> f64 {
    wad.to::<u128>() as f64 / 1e18
}

impl Crashing for Gage {
    fn standing(&self, chain: &mut Chain<'_>, who: Address, _usd: u64) -> Result<Standing> {
        let state = IMarket::accountStateCall { market: self.market, owner: who, sub: 0 };
        let state = chain.ask(who, MARKET, &state)?;
        Ok(Standing {
            collateral: dollars(state.collateralValue),
            debt: dollars(state.debtValue),
            is_unhealthy: state.healthFactor < U256::from(10).pow(U256::from(18)),
        })
    }

    fn liquidate(
        &self,
        _chain: &mut Chain<'_>,
        who: Address,
        keeper: Address,
        _standing: Standing,
    ) -> Result<Call> {
        let liquidate = IMarket::liquidateCall {
            market: self.market,
            owner: who,
            sub: 0,
            vault: self.vault,
            asset: self.weth,
            maxRepay: U256::MAX,
            receiver: keeper,
        };
        Ok(Call::new(MARKET, &liquidate))
    }

    fn bid(&self, chain: &mut Chain<'_>, cast: &Cast, usdc: u64) -> Result<()> {
        let bidder = cast.treasury;
        let assets = Asset::Usdc.units(usdc);
        chain.send(
            cast.admin,
            Call::new(self.usdc, &IAsset::mintCall { to: bidder, value: assets }),
        )?;
        let deposit = IVault::depositCall { assets, receiver: bidder };
        let shares = chain.ask(bidder, self.vault, &deposit)?;
        for (tier, part) in TIERS {
            let place = IMarket::placeBidCall {
                market: self.market,
                vault: self.vault,
                asset: self.weth,
                tier,
                shares: shares * U256::from(part) / U256::from(100),
            };
            chain.send(bidder, Call::new(MARKET, &place))?;
        }
        Ok(())
    }

    fn sweep(&self, chain: &mut Chain<'_>, due: &[Address]) -> Result<Option<(Receipt, f64)>> {
        let market = MarketId::new(self.market);
        let due = due.iter().map(|owner| AccountId { market, owner: *owner, sub: 0 });
        let data = sweep_call(&due.collect::<Vec<_>>());
        let call = Call { to: MARKET, data, value: U256::ZERO };
        let receipt = chain.send(SYSTEM_ADDRESS, call)?;
        let fills = receipt.logs.iter().filter_map(|log| IMarket::BidsFilled::decode_log(log).ok());
        let repaid = fills.map(|fill| fill.repaid.to::<u128>() as f64 / 1e6).sum();
        Ok(Some((receipt, repaid)))
    }
}
