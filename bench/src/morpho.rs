//! Morpho Blue 1.0.0: one WETH/USDC market at an LLTV of 86 %, with a one-slot oracle and an adaptive-curve-like rate
//! model of ours (`peers/CurveIrm.sol`).

use alloy_primitives::{Address, Bytes, U256};
use anyhow::Result;
use gage_peers::morpho::{self, IMorpho, MarketParams};

use crate::chain::{Call, Chain};
use crate::crash::{Crashing, Standing};
use crate::scenario::{Action, Cast, Operation, PRICE, Subject};
use crate::token::{Asset, Tokens};

/// Loan-to-value at which a position may be liquidated: 86 %, 1e18 = 100 %.
const LLTV: u64 = 860_000_000_000_000_000;

/// Borrow shares for one base unit of debt in a young market.
const SHARES_PER_ASSET: u64 = 1_000_000;

/// Decimals of an oracle price: 36, those of USDC, less those of WETH.
const PRICE_DECIMALS: u64 = 36 + 6 - 18;

/// Morpho Blue with one market.
#[derive(Default)]
pub(crate) struct Morpho {
    contract: morpho::Morpho,
    tokens: Tokens,
}

impl Subject for Morpho {
    fn name(&self) -> &'static str {
        "Morpho Blue"
    }

    fn setup(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<()> {
        let admin = cast.admin;
        self.tokens = Tokens::deploy(chain, admin)?;
        let market = MarketParams {
            loanToken: self.token(Asset::Usdc),
            collateralToken: self.token(Asset::Weth),
            oracle: chain.deploy(admin, "PairOracle", &[])?,
            irm: chain.deploy(admin, "CurveIrm", &[])?,
            lltv: U256::from(LLTV),
        };
        self.contract = morpho::Morpho::deploy(chain, admin, market)?;
        self.set_price(chain, cast, PRICE)?;

        self.tokens.endow(chain, cast, self.contract.address)?;
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
        let price = U256::from(usd) * U256::from(10).pow(U256::from(PRICE_DECIMALS));
        self.contract.set_price(chain, cast.admin, price)
    }

    fn call(&self, action: &Action) -> Call {
        let market = self.contract.market.clone();
        let (assets, shares, data) = (action.amount, U256::ZERO, Bytes::new());
        let (on_behalf, receiver) = (action.account, action.sender);
        let morpho = self.contract.address;
        match action.operation {
            Operation::Supply => Call::new(
                morpho,
                &IMorpho::supplyCall { market, assets, shares, onBehalf: on_behalf, data },
            ),
            Operation::Withdraw => Call::new(
                morpho,
                &IMorpho::withdrawCall { market, assets, shares, onBehalf: on_behalf, receiver },
            ),
            Operation::Borrow => Call::new(
                morpho,
                &IMorpho::borrowCall { market, assets, shares, onBehalf: on_behalf, receiver },
            ),
            Operation::Repay => Call::new(
                morpho,
                &IMorpho::repayCall { market, assets, shares, onBehalf: on_behalf, data },
            ),
            Operation::SupplyCollateral => Call::new(
                morpho,
                &IMorpho::supplyCollateralCall { market, assets, onBehalf: on_behalf, data },
            ),
            Operation::WithdrawCollateral => Call::new(
                morpho,
                &IMorpho::withdrawCollateralCall { market, assets, onBehalf: on_behalf, receiver },
            ),
            Operation::Liquidate => Call::new(
                morpho,
                &IMorpho::liquidateCall {
                    market,
                    borrower: action.account,
                    seizedAssets: U256::ZERO,
                    repaidShares: assets * U256::from(SHARES_PER_ASSET),
                    data,
                },
            ),
        }
    }

    fn token(&self, asset: Asset) -> Address {
        self.tokens.of(asset)
    }
}

/// What a liquidator gains per value repaid: `min(1.15, 1 / (1 − 0.3 · (1 − LLTV)))`.
const INCENTIVE: f64 = 1.0 / (1.0 - 0.3 * (1.0 - 0.86));

impl Crashing for Morpho {
    fn standing(&self, chain: &mut Chain<'_>, who: Address, usd: u64) -> Result<Standing> {
        let market = self.contract.market.clone();
        chain
            .send(who, Call::new(self.contract.address, &IMorpho::accrueInterestCall { market }))?;
        let IMorpho::positionReturn { collateral, borrowShares: shares, .. } =
            self.contract.position(chain, who)?;
        let market = self.contract.totals(chain)?;
        let wide = |number: u128| U256::from(number);
        // Virtual shares and assets as in Morpho's `SharesMathLib`, rounded up.
        let all = wide(market.borrowShares) + U256::from(1_000_000);
        let debt = (wide(shares) * (wide(market.borrowAssets) + U256::ONE)).div_ceil(all);
        let worth =
            wide(collateral) * U256::from(usd) * U256::from(1_000_000) / Asset::Weth.units(1);
        let most = worth * U256::from(LLTV) / U256::from(10).pow(U256::from(18));
        let dollars = |units: U256| units.to::<u128>() as f64 / 1e6;
        Ok(Standing { collateral: dollars(worth), debt: dollars(debt), is_unhealthy: most < debt })
    }

    fn liquidate(
        &self,
        chain: &mut Chain<'_>,
        who: Address,
        _keeper: Address,
        standing: Standing,
    ) -> Result<Call> {
        let IMorpho::positionReturn { collateral, borrowShares: shares, .. } =
            self.contract.position(chain, who)?;
        let covered = standing.debt * INCENTIVE * 1.000_001 < standing.collateral;
        let (seized, repaid) = if covered {
            (U256::ZERO, U256::from(shares))
        } else {
            (U256::from(collateral), U256::ZERO)
        };
        let liquidation = IMorpho::liquidateCall {
            market: self.contract.market.clone(),
            borrower: who,
            seizedAssets: seized,
            repaidShares: repaid,
            data: Bytes::new(),
        };
        Ok(Call::new(self.contract.address, &liquidation))
    }
}
