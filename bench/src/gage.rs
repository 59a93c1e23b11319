//! Gage: native contracts in the same revm, one USDC vault and one market that takes WETH with a liquidation
//! threshold of 86 %.

use alloy_evm::eth::EthEvm;
use alloy_evm::precompiles::PrecompilesMap;
use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolEvent;
use anyhow::{Result, anyhow};
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IMarket, IOracle, IRegistry, IVault, SYSTEM_ADDRESS};
use gage_core::{AccountId, MarketId};
use gage_evm::{ProtocolGenesis, genesis_accounts, prelude_call, report_hash, sweep_call};
use revm::bytecode::Bytecode;
use revm::context::result::ExecutionResult;
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::inspector::NoOpInspector;
use revm::state::AccountInfo;

use crate::chain::{Call, Chain, Receipt};
use crate::crash::{Crashing, Standing};
use crate::engine::{Engine, SPEC};
use crate::scenario::{Action, Cast, Operation, PRICE, Subject};
use crate::token::Asset;

/// The chain id that price reports are signed for.
pub(crate) const CHAIN_ID: u64 = 1;

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

/// The EVM of `gage-evm`, as an engine.
struct Native(EthEvm<CacheDB<EmptyDB>, NoOpInspector, PrecompilesMap>);

impl Engine for Native {
    fn begin_block(&mut self, block: BlockEnv) {
        self.0.block = block;
    }

    fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult> {
        self.0.transact_commit(tx).map_err(|error| anyhow!("invalid transaction: {error:?}"))
    }
}

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
    fn publisher() -> Result<PrivateKeySigner> {
        Ok(PrivateKeySigner::from_bytes(&keccak256("publisher"))?)
    }

    /// A signed price; the round is the time.
    pub(crate) fn report(feed: u32, time: u64, usd: u64) -> Result<IOracle::SignedReport> {
        let price = U256::from(usd) * U256::from(10).pow(U256::from(18));
        let confidence = U256::ZERO;
        let report = IOracle::PriceReport { feed, round: time, time, price, confidence };
        let signature = Self::publisher()?.sign_hash_sync(&report_hash(CHAIN_ID, &report))?;
        let [r, s] = [signature.r(), signature.s()].map(B256::from);
        Ok(IOracle::SignedReport { report, v: 27 + u8::from(signature.v()), r, s })
    }

    fn feed(
        chain: &mut Chain<'_>,
        admin: Address,
        (asset, description): (Address, &str),
    ) -> Result<u32> {
        let most = U256::from(10).pow(U256::from(24));
        let terms = IOracle::FeedTerms::unguarded(PRICE_AGE_MAX, U256::ZERO, most);
        let create = IOracle::createFeedCall { asset, description: description.to_owned(), terms };
        let feed = chain.ask(admin, ORACLE, &create)?;
        let source = IOracle::Source::publisher(Self::publisher()?.address(), PRICE_AGE_MAX);
        let name = IOracle::setSourceCall { feed, source };
        chain.send(admin, Call::new(ORACLE, &name))?;
        Ok(feed)
    }

    fn asset(chain: &mut Chain<'_>, admin: Address, asset: Asset) -> Result<Address> {
        let (name, symbol) = (asset.symbol().to_owned(), asset.symbol().to_owned());
        let decimals = asset.decimals();
        chain.ask(admin, REGISTRY, &IRegistry::createAssetCall { name, symbol, decimals })
    }

    fn open_market(&mut self, chain: &mut Chain<'_>, admin: Address) -> Result<()> {
        let unlimited = U256::from(1u128 << 100);
        let rates = IVault::Rates {
            kind: 1,
            base: 0,
            slope1: 0,
            slope2: 0,
            kink: 0,
            rateAtTarget: RATE_AT_TARGET,
        };
        let terms = IRegistry::VaultTerms {
            reserveFee: 0,
            supplyCap: unlimited,
            borrowCap: unlimited,
            rates,
        };
        let (name, symbol) = ("USDC vault".to_owned(), "gUSDC".to_owned());
        let create = IRegistry::createVaultCall { asset: self.usdc, name, symbol, terms };
        self.vault = chain.ask(admin, REGISTRY, &create)?;
        let wad = |hundredths: u64| U256::from(hundredths) * U256::from(10).pow(U256::from(16));
        let terms = IMarket::MarketTerms { targetHealth: wad(110), fullBonusHealth: wad(80) };
        self.market = chain.ask(admin, MARKET, &IMarket::createMarketCall { terms })?;
        let (market, asset) = (self.market, self.weth);
        let terms = IMarket::CollateralTerms {
            feed: self.weth_feed,
            ltv: LTV,
            threshold: THRESHOLD,
            bonusMin: BONUS_MIN,
            bonusMax: BONUS_MAX,
            riskWeight: 0,
            cap: unlimited,
        };
        chain
            .send(admin, Call::new(MARKET, &IMarket::addCollateralCall { market, asset, terms }))?;
        let (vault, feed, cap) = (self.vault, self.usdc_feed, unlimited);
        let list = IMarket::listVaultCall { market, vault, feed, minDebt: Asset::Usdc.units(1) };
        chain.send(admin, Call::new(MARKET, &list))?;
        chain.send(admin, Call::new(vault, &IVault::setLineCapCall { market, cap }))?;
        Ok(())
    }
}

impl Subject for Gage {
    fn name(&self) -> &'static str {
        "Gage"
    }

    fn engine(&self, cast: &Cast) -> Box<dyn Engine> {
        let genesis = ProtocolGenesis {
            governance: cast.admin,
            guardian: cast.admin,
            wrapped_native_name: "Wrapped coin".to_owned(),
            wrapped_native_symbol: "WCOIN".to_owned(),
        };
        let mut state = CacheDB::new(EmptyDB::new());
        for (address, code, storage) in genesis_accounts(&genesis) {
            let code = Bytecode::new_raw(code);
            let info = AccountInfo {
                code_hash: code.hash_slow(),
                code: Some(code),
                ..AccountInfo::default()
            };
            state.insert_account_info(address, info);
            let slots = storage.into_iter().collect();
            state.replace_account_storage(address, slots).unwrap_or_else(|never| match never {});
        }
        let mut cfg_env = CfgEnv::default().with_chain_id(CHAIN_ID);
        cfg_env.set_spec_and_mainnet_gas_params(SPEC);
        let env = EvmEnv { cfg_env, block_env: BlockEnv::default() };
        Box::new(Native(gage_evm::evm(state, env, NoOpInspector {})))
    }

    fn setup(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<()> {
        let admin = cast.admin;
        self.weth = Self::asset(chain, admin, Asset::Weth)?;
        self.usdc = Self::asset(chain, admin, Asset::Usdc)?;
        self.weth_feed = Self::feed(chain, admin, (self.weth, "WETH / USD"))?;
        self.usdc_feed = Self::feed(chain, admin, (self.usdc, "USDC / USD"))?;
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
        let time = chain.now();
        let reports =
            [Self::report(self.weth_feed, time, usd)?, Self::report(self.usdc_feed, time, 1)?];
        let data = prelude_call(&reports, &[]);
        chain.send(SYSTEM_ADDRESS, Call { to: ORACLE, data, value: U256::ZERO })?;
        Ok(())
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
