//! Gage's native contracts in revm, its prices signed by one publisher, and the calls that open a market.

use alloy_evm::eth::EthEvm;
use alloy_evm::precompiles::PrecompilesMap;
use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Result, anyhow};
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IMarket, IOracle, IRegistry, IVault, SYSTEM_ADDRESS};
use gage_evm::{ProtocolGenesis, genesis_accounts, prelude_call, report_hash};
use revm::bytecode::Bytecode;
use revm::context::result::{ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::database_interface::DatabaseCommit as _;
use revm::inspector::NoOpInspector;
use revm::state::{AccountInfo, EvmState};

use crate::chain::{Call, Chain};
use crate::engine::{Engine, SPEC};

/// The chain id that price reports are signed for.
pub const CHAIN_ID: u64 = 1;

/// The EVM of `gage-evm`, as an engine.
struct Native(EthEvm<CacheDB<EmptyDB>, NoOpInspector, PrecompilesMap>);

impl Engine for Native {
    fn begin_block(&mut self, block: BlockEnv) {
        self.0.block = block;
    }

    fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult> {
        self.0.transact_commit(tx).map_err(|error| anyhow!("invalid transaction: {error:?}"))
    }

    fn attempt(&mut self, tx: TxEnv) -> Result<ResultAndState> {
        Evm::transact(&mut self.0, tx).map_err(|error| anyhow!("invalid transaction: {error:?}"))
    }

    fn commit(&mut self, changes: EvmState) {
        self.0.db_mut().commit(changes);
    }
}

/// A chain's first state, which `admin` governs, in an EVM.
#[must_use]
pub fn engine(admin: Address) -> Box<dyn Engine> {
    let genesis = ProtocolGenesis {
        governance: admin,
        guardian: admin,
        wrapped_native_name: "Wrapped coin".to_owned(),
        wrapped_native_symbol: "WCOIN".to_owned(),
    };
    let mut state = CacheDB::new(EmptyDB::new());
    for (address, code, storage) in genesis_accounts(&genesis) {
        let code = Bytecode::new_raw(code);
        let info =
            AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..AccountInfo::default() };
        state.insert_account_info(address, info);
        let slots = storage.into_iter().collect();
        state.replace_account_storage(address, slots).unwrap_or_else(|never| match never {});
    }
    let mut cfg_env = CfgEnv::default().with_chain_id(CHAIN_ID);
    cfg_env.set_spec_and_mainnet_gas_params(SPEC);
    let env = EvmEnv { cfg_env, block_env: BlockEnv::default() };
    Box::new(Native(gage_evm::evm(state, env, NoOpInspector {})))
}

fn publisher() -> Result<PrivateKeySigner> {
    Ok(PrivateKeySigner::from_bytes(&keccak256("publisher"))?)
}

/// A signed price, a wad of dollars for a whole token; the round is the time.
///
/// # Errors
/// The publisher cannot sign.
pub fn report(feed: u32, time: u64, price: U256) -> Result<IOracle::SignedReport> {
    let confidence = U256::ZERO;
    let report = IOracle::PriceReport { feed, round: time, time, price, confidence };
    let signature = publisher()?.sign_hash_sync(&report_hash(CHAIN_ID, &report))?;
    let [r, s] = [signature.r(), signature.s()].map(B256::from);
    Ok(IOracle::SignedReport { report, v: 27 + u8::from(signature.v()), r, s })
}

/// Reports prices in a prelude.
///
/// # Errors
/// The prelude failed.
pub fn report_prices(chain: &mut Chain<'_>, prices: &[(u32, U256)]) -> Result<()> {
    let time = chain.now();
    let reports = prices.iter().map(|(feed, price)| report(*feed, time, *price));
    let data = prelude_call(&reports.collect::<Result<Vec<_>>>()?, &[]);
    chain.send(SYSTEM_ADDRESS, Call { to: ORACLE, data, value: U256::ZERO })?;
    Ok(())
}

/// Creates an asset that `admin` issues.
///
/// # Errors
/// The transaction failed.
pub fn create_asset(
    chain: &mut Chain<'_>,
    admin: Address,
    symbol: &str,
    decimals: u8,
) -> Result<Address> {
    let (name, symbol) = (symbol.to_owned(), symbol.to_owned());
    chain.ask(admin, REGISTRY, &IRegistry::createAssetCall { name, symbol, decimals })
}

/// Creates an asset's feed in dollars, which the publisher reports to and which may be `max_age` seconds old.
///
/// # Errors
/// A transaction failed.
pub fn create_feed(
    chain: &mut Chain<'_>,
    admin: Address,
    asset: Address,
    max_age: u32,
) -> Result<u32> {
    let most = U256::from(10).pow(U256::from(24));
    let terms = IOracle::FeedTerms::unguarded(max_age, U256::ZERO, most);
    let description = "price in USD".to_owned();
    let feed = chain.ask(admin, ORACLE, &IOracle::createFeedCall { asset, description, terms })?;
    let source = IOracle::Source::publisher(publisher()?.address(), max_age);
    chain.send(admin, Call::new(ORACLE, &IOracle::setSourceCall { feed, source }))?;
    Ok(feed)
}

/// Creates a vault without caps.
///
/// # Errors
/// The transaction failed.
pub fn create_vault(
    chain: &mut Chain<'_>,
    admin: Address,
    asset: Address,
    (reserve_fee, rates): (u16, IVault::Rates),
) -> Result<Address> {
    let terms = IRegistry::VaultTerms {
        reserveFee: reserve_fee,
        supplyCap: UNLIMITED,
        borrowCap: UNLIMITED,
        rates,
    };
    let (name, symbol) = ("Vault".to_owned(), "gVAULT".to_owned());
    chain.ask(admin, REGISTRY, &IRegistry::createVaultCall { asset, name, symbol, terms })
}

/// A cap beyond all amounts here.
pub const UNLIMITED: U256 = U256::from_limbs([0, 1 << 36, 0, 0]);

/// A market and its owner.
#[derive(Clone, Copy, Default)]
pub struct Market {
    /// Who owns it, and curates the vaults.
    pub admin: Address,
    /// Its number.
    pub id: u32,
}

impl Market {
    /// Creates one with nothing listed.
    ///
    /// # Errors
    /// The transaction failed.
    pub fn create(
        chain: &mut Chain<'_>,
        admin: Address,
        terms: IMarket::MarketTerms,
    ) -> Result<Self> {
        let id = chain.ask(admin, MARKET, &IMarket::createMarketCall { terms })?;
        Ok(Self { admin, id })
    }

    /// Lists a collateral.
    ///
    /// # Errors
    /// The transaction failed.
    pub fn add_collateral(
        &self,
        chain: &mut Chain<'_>,
        asset: Address,
        terms: IMarket::CollateralTerms,
    ) -> Result<()> {
        let list = IMarket::addCollateralCall { market: self.id, asset, terms };
        chain.send(self.admin, Call::new(MARKET, &list))?;
        Ok(())
    }

    /// Lists a vault, which lends without a cap.
    ///
    /// # Errors
    /// A transaction failed.
    pub fn list_vault(
        &self,
        chain: &mut Chain<'_>,
        vault: Address,
        (feed, min_debt): (u32, U256),
    ) -> Result<()> {
        let market = self.id;
        let list = IMarket::listVaultCall { market, vault, feed, minDebt: min_debt };
        chain.send(self.admin, Call::new(MARKET, &list))?;
        let open = IVault::setLineCapCall { market, cap: UNLIMITED };
        chain.send(self.admin, Call::new(vault, &open))?;
        Ok(())
    }
}
