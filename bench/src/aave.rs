//! Aave v3.6, set up as its deployment scripts do: addresses provider, pool and configurator behind proxies with their
//! libraries linked, access control, oracle over price feeds, and two reserves with the parameters of Ethereum.
//!
//! No rewards controller: each mint and burn of its tokens calls one on Ethereum, so Aave is cheaper here.

use std::collections::HashMap;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolValue, sol};
use anyhow::Result;

use crate::chain::{Call, Chain};
use crate::crash::{Crashing, Standing};
use crate::scenario::{Action, Cast, Operation, PRICE, Subject};
use crate::token::{Asset, Tokens};

sol! {
    interface IPoolAddressesProvider {
        function setPriceOracle(address oracle) external;
        function setPoolImpl(address implementation) external;
        function setPoolConfiguratorImpl(address implementation) external;
        function setACLAdmin(address admin) external;
        function setACLManager(address manager) external;
        function getPool() external view returns (address);
        function getPoolConfigurator() external view returns (address);
    }

    interface IACLManager {
        function addPoolAdmin(address admin) external;
    }

    struct InterestRateData {
        uint16 optimalUsageRatio;
        uint32 baseVariableBorrowRate;
        uint32 variableRateSlope1;
        uint32 variableRateSlope2;
    }

    struct InitReserveInput {
        address aTokenImpl;
        address variableDebtTokenImpl;
        address underlyingAsset;
        string aTokenName;
        string aTokenSymbol;
        string variableDebtTokenName;
        string variableDebtTokenSymbol;
        bytes params;
        bytes interestRateData;
    }

    interface IPoolConfigurator {
        function initReserves(InitReserveInput[] memory input) external;
        function setReserveBorrowing(address asset, bool enabled) external;
        function configureReserveAsCollateral(
            address asset, uint256 ltv, uint256 liquidationThreshold, uint256 liquidationBonus
        ) external;
        function setReserveFactor(address asset, uint256 factor) external;
        function setLiquidationProtocolFee(address asset, uint256 fee) external;
        function setSupplyCap(address asset, uint256 cap) external;
        function setBorrowCap(address asset, uint256 cap) external;
    }

    interface IPool {
        function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
        function withdraw(address asset, uint256 amount, address to) external returns (uint256);
        function borrow(
            address asset, uint256 amount, uint256 interestRateMode, uint16 referralCode, address onBehalfOf
        ) external;
        function repay(address asset, uint256 amount, uint256 interestRateMode, address onBehalfOf)
            external returns (uint256);
        function getUserAccountData(address user) external view returns (
            uint256 collateral, uint256 debt, uint256 available, uint256 threshold, uint256 ltv, uint256 health
        );
        function liquidationCall(
            address collateralAsset, address debtAsset, address borrower, uint256 debtToCover, bool receiveAToken
        ) external;
    }

    interface IFeed {
        function set(int256 answer) external;
    }
}

/// The variable rate, the only one left.
const VARIABLE_RATE: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Base units of a USD in prices and in the oracle's base currency.
const USD: u64 = 100_000_000;

/// Parameters of a reserve: bps, and whole tokens for the caps.
struct Listing {
    asset: Asset,
    rates: InterestRateData,
    ltv: u64,
    liquidation_threshold: u64,
    liquidation_bonus: u64,
    reserve_factor: u64,
    supply_cap: u64,
    borrow_cap: u64,
}

/// The core instance on Ethereum, about: what matters here is that every feature it uses is in use.
const LISTINGS: [Listing; 2] = [
    Listing {
        asset: Asset::Weth,
        rates: InterestRateData {
            optimalUsageRatio: 9_000,
            baseVariableBorrowRate: 0,
            variableRateSlope1: 270,
            variableRateSlope2: 8_000,
        },
        ltv: 8_050,
        liquidation_threshold: 8_300,
        liquidation_bonus: 10_500,
        reserve_factor: 1_500,
        supply_cap: 10_000_000,
        borrow_cap: 9_000_000,
    },
    Listing {
        asset: Asset::Usdc,
        rates: InterestRateData {
            optimalUsageRatio: 9_200,
            baseVariableBorrowRate: 0,
            variableRateSlope1: 550,
            variableRateSlope2: 6_000,
        },
        ltv: 7_500,
        liquidation_threshold: 7_800,
        liquidation_bonus: 10_450,
        reserve_factor: 1_000,
        supply_cap: 10_000_000_000,
        borrow_cap: 9_000_000_000,
    },
];

/// Aave's share of a liquidation's bonus, bps.
const LIQUIDATION_PROTOCOL_FEE: u64 = 1_000;

/// Aave with two reserves.
#[derive(Default)]
pub(crate) struct Aave {
    pool: Address,
    weth_feed: Address,
    tokens: Tokens,
}

/// The contracts that only the setup talks to.
struct Wiring {
    provider: Address,
    pool: Address,
    configurator: Address,
}

impl Aave {
    /// Both price feeds, and the oracle in front of them.
    fn deploy_oracle(
        &mut self,
        chain: &mut Chain<'_>,
        cast: &Cast,
        provider: Address,
    ) -> Result<Address> {
        let admin = cast.admin;
        self.weth_feed = chain.deploy(admin, "Feed", &[])?;
        let usdc_feed = chain.deploy(admin, "Feed", &[])?;
        set_feed(chain, admin, usdc_feed, 1)?;
        self.set_price(chain, cast, PRICE)?;
        let assets = vec![self.token(Asset::Weth), self.token(Asset::Usdc)];
        let feeds = vec![self.weth_feed, usdc_feed];
        let (no_fallback, usd) = (Address::ZERO, Address::ZERO);
        let arguments =
            (provider, assets, feeds, no_fallback, usd, U256::from(USD)).abi_encode_params();
        chain.deploy(admin, "AaveOracle", &arguments)
    }

    /// Pool, configurator, access control, in the order of Aave's `AaveV3SetupProcedure`.
    fn deploy_core(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<Wiring> {
        let admin = cast.admin;
        let provider =
            chain.deploy(admin, "PoolAddressesProvider", &("Bench", admin).abi_encode_params())?;
        let strategy =
            chain.deploy(admin, "DefaultReserveInterestRateStrategyV2", &provider.abi_encode())?;
        let mut libraries = HashMap::new();
        let arguments = (provider, strategy).abi_encode_params();
        let pool = chain.deploy_linked(admin, "PoolInstance", &arguments, &mut libraries)?;
        let configurator =
            chain.deploy_linked(admin, "PoolConfiguratorInstance", &[], &mut libraries)?;
        let oracle = self.deploy_oracle(chain, cast, provider)?;

        use IPoolAddressesProvider as Provider;
        chain.send(admin, Call::new(provider, &Provider::setPriceOracleCall { oracle }))?;
        chain.send(
            admin,
            Call::new(provider, &Provider::setPoolImplCall { implementation: pool }),
        )?;
        let implementation = configurator;
        chain.send(
            admin,
            Call::new(provider, &Provider::setPoolConfiguratorImplCall { implementation }),
        )?;
        chain.send(admin, Call::new(provider, &Provider::setACLAdminCall { admin }))?;
        let manager = chain.deploy(admin, "ACLManager", &provider.abi_encode())?;
        chain.send(admin, Call::new(provider, &Provider::setACLManagerCall { manager }))?;
        chain.send(admin, Call::new(manager, &IACLManager::addPoolAdminCall { admin }))?;

        Ok(Wiring {
            provider,
            pool: chain.ask(admin, provider, &Provider::getPoolCall {})?,
            configurator: chain.ask(admin, provider, &Provider::getPoolConfiguratorCall {})?,
        })
    }

    fn list_reserves(&self, chain: &mut Chain<'_>, cast: &Cast, wiring: &Wiring) -> Result<()> {
        let admin = cast.admin;
        let no_rewards = Address::ZERO;
        let arguments = (wiring.pool, no_rewards, wiring.provider).abi_encode_params();
        let a_token = chain.deploy(admin, "ATokenInstance", &arguments)?;
        let arguments = (wiring.pool, no_rewards).abi_encode_params();
        let debt_token = chain.deploy(admin, "VariableDebtTokenInstance", &arguments)?;

        let input = LISTINGS.iter().map(|listing| {
            let symbol = listing.asset.symbol();
            InitReserveInput {
                aTokenImpl: a_token,
                variableDebtTokenImpl: debt_token,
                underlyingAsset: self.token(listing.asset),
                aTokenName: format!("Aave {symbol}"),
                aTokenSymbol: format!("a{symbol}"),
                variableDebtTokenName: format!("Aave Variable Debt {symbol}"),
                variableDebtTokenSymbol: format!("variableDebt{symbol}"),
                params: Bytes::new(),
                interestRateData: listing.rates.abi_encode().into(),
            }
        });
        let init = IPoolConfigurator::initReservesCall { input: input.collect() };
        chain.send(admin, Call::new(wiring.configurator, &init))?;
        LISTINGS.iter().try_for_each(|listing| self.configure(chain, admin, wiring, listing))
    }

    fn configure(
        &self,
        chain: &mut Chain<'_>,
        admin: Address,
        wiring: &Wiring,
        listing: &Listing,
    ) -> Result<()> {
        use IPoolConfigurator as Configurator;
        let asset = self.token(listing.asset);
        let to = wiring.configurator;
        let collateral = Configurator::configureReserveAsCollateralCall {
            asset,
            ltv: U256::from(listing.ltv),
            liquidationThreshold: U256::from(listing.liquidation_threshold),
            liquidationBonus: U256::from(listing.liquidation_bonus),
        };
        let factor = U256::from(listing.reserve_factor);
        let fee = U256::from(LIQUIDATION_PROTOCOL_FEE);
        let (supply_cap, borrow_cap) =
            (U256::from(listing.supply_cap), U256::from(listing.borrow_cap));
        let steps = [
            Call::new(to, &collateral),
            Call::new(to, &Configurator::setReserveBorrowingCall { asset, enabled: true }),
            Call::new(to, &Configurator::setReserveFactorCall { asset, factor }),
            Call::new(to, &Configurator::setLiquidationProtocolFeeCall { asset, fee }),
            Call::new(to, &Configurator::setSupplyCapCall { asset, cap: supply_cap }),
            Call::new(to, &Configurator::setBorrowCapCall { asset, cap: borrow_cap }),
        ];
        for step in steps {
            chain.send(admin, step)?;
        }
        Ok(())
    }
}

fn set_feed(chain: &mut Chain<'_>, admin: Address, feed: Address, usd: u64) -> Result<()> {
    let answer = (U256::from(usd) * U256::from(USD)).try_into()?;
    chain.send(admin, Call::new(feed, &IFeed::setCall { answer }))?;
    Ok(())
}

impl Subject for Aave {
    fn name(&self) -> &'static str {
        "Aave v3.6"
    }

    fn setup(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<()> {
        self.tokens = Tokens::deploy(chain, cast.admin)?;
        let wiring = self.deploy_core(chain, cast)?;
        self.pool = wiring.pool;
        self.list_reserves(chain, cast, &wiring)?;

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
        set_feed(chain, cast.admin, self.weth_feed, usd)
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
