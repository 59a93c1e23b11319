//! Morpho Blue 1.0.0 with one market, whose oracle is one slot.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use anyhow::Result;

use crate::chain::{Call, Chain};

pub use calls::{IMorpho, IPairOracle, MarketParams};

/// What is called, as its authors declare it.
#[allow(missing_docs, clippy::too_many_arguments, reason = "generated")]
mod calls {
    use alloy_sol_types::sol;

    sol! {
        #[derive(Default)]
        struct MarketParams {
            address loanToken;
            address collateralToken;
            address oracle;
            address irm;
            uint256 lltv;
        }

        interface IMorpho {
            function enableIrm(address irm) external;
            function enableLltv(uint256 lltv) external;
            function createMarket(MarketParams memory market) external;
            function setFee(MarketParams memory market, uint256 fee) external;
            function setFeeRecipient(address recipient) external;
            function supply(MarketParams memory market, uint256 assets, uint256 shares, address onBehalf, bytes memory data)
                external returns (uint256, uint256);
            function withdraw(MarketParams memory market, uint256 assets, uint256 shares, address onBehalf, address receiver)
                external returns (uint256, uint256);
            function borrow(MarketParams memory market, uint256 assets, uint256 shares, address onBehalf, address receiver)
                external returns (uint256, uint256);
            function repay(MarketParams memory market, uint256 assets, uint256 shares, address onBehalf, bytes memory data)
                external returns (uint256, uint256);
            function supplyCollateral(MarketParams memory market, uint256 assets, address onBehalf, bytes memory data)
                external;
            function withdrawCollateral(MarketParams memory market, uint256 assets, address onBehalf, address receiver)
                external;
            function accrueInterest(MarketParams memory market) external;
            function position(bytes32 id, address user) external view
                returns (uint256 supplyShares, uint128 borrowShares, uint128 collateral);
            function market(bytes32 id) external view returns (
                uint128 supplyAssets, uint128 supplyShares, uint128 borrowAssets, uint128 borrowShares,
                uint128 lastUpdate, uint128 fee
            );
            function liquidate(
                MarketParams memory market, address borrower, uint256 seizedAssets, uint256 repaidShares, bytes memory data
            ) external returns (uint256 seized, uint256 repaid);

            event AccrueInterest(bytes32 indexed id, uint256 prevBorrowRate, uint256 interest, uint256 feeShares);
            event Liquidate(
                bytes32 indexed id, address indexed caller, address indexed borrower, uint256 repaidAssets,
                uint256 repaidShares, uint256 seizedAssets, uint256 badDebtAssets, uint256 badDebtShares
            );
        }

        interface IPairOracle {
            function set(uint256 price) external;
        }
    }
}

/// The deployed contract and its market.
#[derive(Clone, Default)]
pub struct Morpho {
    /// The contract.
    pub address: Address,
    /// What names the market.
    pub market: MarketParams,
}

impl Morpho {
    /// Deploys the contract and opens the market.
    ///
    /// # Errors
    /// A transaction failed.
    pub fn deploy(chain: &mut Chain<'_>, admin: Address, market: MarketParams) -> Result<Self> {
        let address = chain.deploy(admin, "Morpho", &admin.abi_encode())?;
        let MarketParams { irm, lltv, .. } = market;
        chain.send(admin, Call::new(address, &IMorpho::enableIrmCall { irm }))?;
        chain.send(admin, Call::new(address, &IMorpho::enableLltvCall { lltv }))?;
        let create = IMorpho::createMarketCall { market: market.clone() };
        chain.send(admin, Call::new(address, &create))?;
        Ok(Self { address, market })
    }

    fn id(&self) -> B256 {
        keccak256(self.market.abi_encode())
    }

    /// Sets the pair's price: base units of the loan for a base unit of collateral, times 1e36.
    ///
    /// # Errors
    /// The transaction failed.
    pub fn set_price(&self, chain: &mut Chain<'_>, admin: Address, price: U256) -> Result<()> {
        chain.send(admin, Call::new(self.market.oracle, &IPairOracle::setCall { price }))?;
        Ok(())
    }

    /// What somebody has in the market.
    ///
    /// # Errors
    /// The call failed.
    pub fn position(&self, chain: &mut Chain<'_>, who: Address) -> Result<IMorpho::positionReturn> {
        chain.ask(who, self.address, &IMorpho::positionCall { id: self.id(), user: who })
    }

    /// The market's totals.
    ///
    /// # Errors
    /// The call failed.
    pub fn totals(&self, chain: &mut Chain<'_>) -> Result<IMorpho::marketReturn> {
        chain.ask(Address::ZERO, self.address, &IMorpho::marketCall { id: self.id() })
    }
}
