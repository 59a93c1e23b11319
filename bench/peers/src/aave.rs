//! Aave v3.6, set up as its deployment scripts do: addresses provider, pool and configurator behind proxies with their
//! libraries linked, access control, oracle over price feeds.
//!
//! No rewards controller: each mint and burn of its tokens calls one on Ethereum, so Aave is cheaper here.

use std::collections::HashMap;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use anyhow::Result;

use crate::chain::{Call, Chain};

pub use calls::{
    IACLManager, IFeed, IPool, IPoolAddressesProvider, IPoolConfigurator, IScaledToken,
    InitReserveInput, InterestRateData,
};

/// What is called, as its authors declare it.
#[allow(missing_docs, clippy::too_many_arguments, reason = "generated")]
mod calls {
    use alloy_sol_types::sol;

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
            function getReserveData(address asset) external view returns (
                uint256 configuration, uint128 liquidityIndex, uint128 liquidityRate, uint128 variableBorrowIndex,
                uint128 variableBorrowRate, uint128 stableBorrowRate, uint40 lastUpdate, uint16 id, address aToken,
                address stableDebtToken, address variableDebtToken, address strategy, uint128 accruedToTreasury,
                uint128 unbacked, uint128 isolationModeTotalDebt
            );
            function getVirtualUnderlyingBalance(address asset) external view returns (uint128);
            function getUserAccountData(address user) external view returns (
                uint256 collateral, uint256 debt, uint256 available, uint256 threshold, uint256 ltv, uint256 health
            );
            function liquidationCall(
                address collateralAsset, address debtAsset, address borrower, uint256 debtToCover, bool receiveAToken
            ) external;
        }

        interface IScaledToken {
            function scaledBalanceOf(address user) external view returns (uint256);
            function totalSupply() external view returns (uint256);
            function balanceOf(address user) external view returns (uint256);
        }

        interface IFeed {
            function set(int256 answer) external;
        }
    }
}

/// The variable rate, the only one left.
pub const VARIABLE_RATE: U256 = U256::from_limbs([2, 0, 0, 0]);

/// Base units of a USD in prices and in the oracle's base currency.
pub const USD: u64 = 100_000_000;

/// A reserve to be: basis points, and whole tokens for the caps.
pub struct Listing {
    /// Its token.
    pub token: Address,
    /// What the token is called.
    pub symbol: String,
    /// Where its price is, as [`deploy_feed`] gives it.
    pub feed: Address,
    /// The kinked curve.
    pub rates: InterestRateData,
    /// Most debt per collateral value.
    pub ltv: u64,
    /// Debt per collateral value above which liquidation starts.
    pub liquidation_threshold: u64,
    /// What a liquidator takes per value repaid.
    pub liquidation_bonus: u64,
    /// The treasury's part of the interest.
    pub reserve_factor: u64,
    /// The treasury's part of a liquidation's bonus.
    pub liquidation_protocol_fee: u64,
    /// Most that may be supplied.
    pub supply_cap: u64,
    /// Most that may be owed.
    pub borrow_cap: u64,
}

/// The deployed pool.
#[derive(Clone, Copy, Default)]
pub struct Aave {
    /// Whom users call.
    pub pool: Address,
}

/// The contracts that only the setup talks to.
struct Wiring {
    provider: Address,
    pool: Address,
    configurator: Address,
}

impl Aave {
    /// Deploys the pool and opens its reserves.
    ///
    /// # Errors
    /// A transaction failed.
    pub fn deploy(chain: &mut Chain<'_>, admin: Address, listings: &[Listing]) -> Result<Self> {
        let wiring = deploy_core(chain, admin, listings)?;
        list_reserves(chain, admin, &wiring, listings)?;
        Ok(Self { pool: wiring.pool })
    }
}

/// Deploys a price feed of one slot.
///
/// # Errors
/// The deployment failed.
pub fn deploy_feed(chain: &mut Chain<'_>, admin: Address) -> Result<Address> {
    chain.deploy(admin, "Feed", &[])
}

/// Sets a feed's price, in base units of a USD.
///
/// # Errors
/// The transaction failed.
pub fn set_feed(chain: &mut Chain<'_>, admin: Address, feed: Address, price: U256) -> Result<()> {
    chain.send(admin, Call::new(feed, &IFeed::setCall { answer: price.try_into()? }))?;
    Ok(())
}

/// The oracle in front of the reserves' feeds.
fn deploy_oracle(
    chain: &mut Chain<'_>,
    admin: Address,
    provider: Address,
    listings: &[Listing],
) -> Result<Address> {
    let assets: Vec<_> = listings.iter().map(|listing| listing.token).collect();
    let feeds: Vec<_> = listings.iter().map(|listing| listing.feed).collect();
    let (no_fallback, usd) = (Address::ZERO, Address::ZERO);
    let arguments =
        (provider, assets, feeds, no_fallback, usd, U256::from(USD)).abi_encode_params();
    chain.deploy(admin, "AaveOracle", &arguments)
}

/// Pool, configurator, access control, in the order of Aave's `AaveV3SetupProcedure`.
fn deploy_core(chain: &mut Chain<'_>, admin: Address, listings: &[Listing]) -> Result<Wiring> {
    let provider =
        chain.deploy(admin, "PoolAddressesProvider", &("Peers", admin).abi_encode_params())?;
    let strategy =
        chain.deploy(admin, "DefaultReserveInterestRateStrategyV2", &provider.abi_encode())?;
    let mut libraries = HashMap::new();
    let arguments = (provider, strategy).abi_encode_params();
    let pool = chain.deploy_linked(admin, "PoolInstance", &arguments, &mut libraries)?;
    let configurator =
        chain.deploy_linked(admin, "PoolConfiguratorInstance", &[], &mut libraries)?;
    let oracle = deploy_oracle(chain, admin, provider, listings)?;

    use IPoolAddressesProvider as Provider;
    chain.send(admin, Call::new(provider, &Provider::setPriceOracleCall { oracle }))?;
    chain.send(admin, Call::new(provider, &Provider::setPoolImplCall { implementation: pool }))?;
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

fn list_reserves(
    chain: &mut Chain<'_>,
    admin: Address,
    wiring: &Wiring,
    listings: &[Listing],
) -> Result<()> {
    let no_rewards = Address::ZERO;
    let arguments = (wiring.pool, no_rewards, wiring.provider).abi_encode_params();
    let a_token = chain.deploy(admin, "ATokenInstance", &arguments)?;
    let arguments = (wiring.pool, no_rewards).abi_encode_params();
    let debt_token = chain.deploy(admin, "VariableDebtTokenInstance", &arguments)?;

    // One at a time: more would not fit into a transaction's gas.
    for listing in listings {
        let symbol = &listing.symbol;
        let input = InitReserveInput {
            aTokenImpl: a_token,
            variableDebtTokenImpl: debt_token,
            underlyingAsset: listing.token,
            aTokenName: format!("Aave {symbol}"),
            aTokenSymbol: format!("a{symbol}"),
            variableDebtTokenName: format!("Aave Variable Debt {symbol}"),
            variableDebtTokenSymbol: format!("variableDebt{symbol}"),
            params: Bytes::new(),
            interestRateData: listing.rates.abi_encode().into(),
        };
        let init = IPoolConfigurator::initReservesCall { input: vec![input] };
        chain.send(admin, Call::new(wiring.configurator, &init))?;
    }
    listings.iter().try_for_each(|listing| configure(chain, admin, wiring, listing))
}

fn configure(
    chain: &mut Chain<'_>,
    admin: Address,
    wiring: &Wiring,
    listing: &Listing,
) -> Result<()> {
    use IPoolConfigurator as Configurator;
    let asset = listing.token;
    let to = wiring.configurator;
    let collateral = Configurator::configureReserveAsCollateralCall {
        asset,
        ltv: U256::from(listing.ltv),
        liquidationThreshold: U256::from(listing.liquidation_threshold),
        liquidationBonus: U256::from(listing.liquidation_bonus),
    };
    let factor = U256::from(listing.reserve_factor);
    let fee = U256::from(listing.liquidation_protocol_fee);
    let (supply_cap, borrow_cap) = (U256::from(listing.supply_cap), U256::from(listing.borrow_cap));
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
