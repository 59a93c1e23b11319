//! Aave v3.6 with two reserves and the parameters of Ethereum.

use alloy_primitives::{Address, U256};
use anyhow::Result;
use gage_peers::aave::{
    self, IPool, InterestRateData, Listing, USD, VARIABLE_RATE, deploy_feed, set_feed,
};

use crate::chain::{Call, Chain};
use crate::crash::{Crashing, Standing};
use crate::scenario::{Action, Cast, Operation, PRICE, Subject};
use crate::token::{Asset, Tokens};

/// Aave's share of a liquidation's bonus, bps.
const LIQUIDATION_PROTOCOL_FEE: u64 = 1_000;

/// Aave with two reserves.
#[derive(Default)]
pub(crate) struct Aave {
    pool: Address,
    weth_feed: Address,
    tokens: Tokens,
}

impl Aave {
    /// The core instance on Ethereum, about: what matters here is that every feature it uses is in use.
    fn listings(&self, usdc_feed: Address) -> [Listing; 2] {
        let curve = |optimal, slope1, slope2| InterestRateData {
            optimalUsageRatio: optimal,
            baseVariableBorrowRate: 0,
            variableRateSlope1: slope1,
            variableRateSlope2: slope2,
        };
        let weth = Listing {
            token: self.token(Asset::Weth),
            symbol: Asset::Weth.symbol().to_owned(),
            feed: self.weth_feed,
            rates: curve(9_000, 270, 8_000),
            ltv: 8_050,
            liquidation_threshold: 8_300,
            liquidation_bonus: 10_500,
            reserve_factor: 1_500,
            liquidation_protocol_fee: LIQUIDATION_PROTOCOL_FEE,
            supply_cap: 10_000_000,
            borrow_cap: 9_000_000,
        };
        let usdc = Listing {
            token: self.token(Asset::Usdc),
            symbol: Asset::Usdc.symbol().to_owned(),
            feed: usdc_feed,
            rates: curve(9_200, 550, 6_000),
            ltv: 7_500,
            liquidation_threshold: 7_800,
            liquidation_bonus: 10_450,
            reserve_factor: 1_000,
            liquidation_protocol_fee: LIQUIDATION_PROTOCOL_FEE,
            supply_cap: 10_000_000_000,
            borrow_cap: 9_000_000_000,
        };
        [weth, usdc]
    }
}

impl Subject for Aave {
    fn name(&self) -> &'static str {
        "Aave v3.6"
    }

    fn setup(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<()> {
        let admin = cast.admin;
        self.tokens = Tokens::deploy(chain, admin)?;
        self.weth_feed = deploy_feed(chain, admin)?;
        let usdc_feed = deploy_feed(chain, admin)?;
        set_feed(chain, admin, usdc_feed, U256::from(USD))?;
        self.set_price(chain, cast, PRICE)?;
        self.pool = aave::Aave::deploy(chain, admin, &self.listings(usdc_feed))?.pool;

        self.tokens.endow(chain, cast, self.pool)?;
        let first_supply = Action {
            operation: Operation::Supply,
            sender: cast.treasury,
            account: cast.treasury,
            amount: cast.first_supply(),
        };
        chain.send(cast.treasury, self.call(&first_supply))?;
        Ok(())
    }

    fn set_price(&self, chain: &mut Chain<'_>, cast: &Cast, usd: u64) -> Result<()> {
        let price = U256::from(usd) * U256::from(USD);
        set_feed(chain, cast.admin, self.weth_feed, price)
    }

    fn call(&self, action: &Action) -> Call {
        let (weth, usdc) = (self.token(Asset::Weth), self.token(Asset::Usdc));
        let (amount, account) = (action.amount, action.account);
        let supply =
            |asset| IPool::supplyCall { asset, amount, onBehalfOf: account, referralCode: 0 };
        let withdraw = |asset| IPool::withdrawCall { asset, amount, to: action.sender };
        match action.operation {
            Operation::Supply => Call::new(self.pool, &supply(usdc)),
            Operation::SupplyCollateral => Call::new(self.pool, &supply(weth)),
            Operation::Withdraw => Call::new(self.pool, &withdraw(usdc)),
            Operation::WithdrawCollateral => Call::new(self.pool, &withdraw(weth)),
            Operation::Borrow => Call::new(
                self.pool,
                &IPool::borrowCall {
                    asset: usdc,
                    amount,
                    interestRateMode: VARIABLE_RATE,
                    referralCode: 0,
                    onBehalfOf: account,
                },
            ),
            Operation::Repay => Call::new(
                self.pool,
                &IPool::repayCall {
                    asset: usdc,
                    amount,
                    interestRateMode: VARIABLE_RATE,
                    onBehalfOf: account,
                },
            ),
            Operation::Liquidate => Call::new(
                self.pool,
                &IPool::liquidationCallCall {
                    collateralAsset: weth,
                    debtAsset: usdc,
                    borrower: account,
                    debtToCover: amount,
                    receiveAToken: false,
                },
            ),
        }
    }

    fn token(&self, asset: Asset) -> Address {
        self.tokens.of(asset)
    }
}

impl Crashing for Aave {
    fn standing(&self, chain: &mut Chain<'_>, who: Address, _usd: u64) -> Result<Standing> {
        let data = chain.ask(who, self.pool, &IPool::getUserAccountDataCall { user: who })?;
        let dollars = |base: U256| base.to::<u128>() as f64 / USD as f64;
        Ok(Standing {
            collateral: dollars(data.collateral),
            debt: dollars(data.debt),
            is_unhealthy: data.health < U256::from(10).pow(U256::from(18)),
        })
    }

    fn liquidate(
        &self,
        _chain: &mut Chain<'_>,
        who: Address,
        _keeper: Address,
        _standing: Standing,
    ) -> Result<Call> {
        // The pool cuts this down to what it allows.
        let liquidation = IPool::liquidationCallCall {
            collateralAsset: self.token(Asset::Weth),
            debtAsset: self.token(Asset::Usdc),
            borrower: who,
            debtToCover: U256::MAX,
            receiveAToken: false,
        };
        Ok(Call::new(self.pool, &liquidation))
    }
}
