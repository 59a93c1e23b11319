//! A small world to send real transactions to: genesis, two assets, two feeds, a vault, a market.
#![allow(unreachable_pub, reason = "a crate of tests has no outside")]

pub mod bytecode;
pub mod dues;

use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, address};
use alloy_sol_types::SolCall;
use gage_abi::IMarket::{CollateralTerms, MarketTerms};
use gage_abi::IOracle::{FeedTerms, Guards, PriceReport, ProviderMessage, SignedReport, Source};
use gage_abi::addresses::{self, MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IOracle, IRegistry, IVault, SYSTEM_ADDRESS};
use gage_core::{AssetId, Stop, Timestamp, VaultId};
use gage_evm::census::{Names, census};
use gage_evm::{ProtocolGenesis, genesis_accounts};
use revm::bytecode::Bytecode;
use revm::context::TxEnv;
use revm::context::result::ExecutionResult;
use revm::database::{CacheDB, EmptyDB};
use revm::inspector::NoOpInspector;
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use secp256k1::{Message, SECP256K1, SecretKey};

pub const CHAIN_ID: u64 = 4243;
pub const GOVERNOR: Address = address!("00000000000000000000000000000000000000a1");
pub const GUARDIAN: Address = address!("00000000000000000000000000000000000000a2");
/// Curator, market owner, issuer, feed owner.
pub const OWNER: Address = address!("00000000000000000000000000000000000000a3");
pub const LENDER: Address = address!("00000000000000000000000000000000000000b1");
pub const BORROWER: Address = address!("00000000000000000000000000000000000000b2");
pub const LIQUIDATOR: Address = address!("00000000000000000000000000000000000000b3");
pub const STRANGER: Address = address!("00000000000000000000000000000000000000b4");

pub const WRAPPED: Address = addresses::asset(AssetId::new(1));
pub const GOLD: Address = addresses::asset(AssetId::new(2));
pub const USD: Address = addresses::asset(AssetId::new(3));
pub const VAULT: Address = addresses::vault(VaultId::new(1));
pub const EXITS: Address = addresses::exits(VaultId::new(1));

pub const GOLD_FEED: u32 = 1;
pub const USD_FEED: u32 = 2;
pub const WAD: u128 = 1_000_000_000_000_000_000;
/// Base units of one dollar.
pub const DOLLAR: u128 = 1_000_000;
pub const GAS_LIMIT: u64 = 10_000_000;

#[derive(Clone, Debug)]
pub struct World {
    pub db: CacheDB<EmptyDB>,
    pub now: u64,
    pub round: u64,
    /// Who bid and was let act, as the logs told.
    pub names: Names,
}

/// An account's address, coins, code hash and storage.
pub type AccountState = (Address, U256, Bytes, Vec<(U256, U256)>);

/// What a transaction did.
#[derive(Debug)]
pub struct Done {
    pub result: ExecutionResult,
}

impl Done {
    pub fn output(&self) -> Bytes {
        self.result.output().cloned().unwrap_or_default()
    }

    pub fn gas(&self) -> u64 {
        self.result.tx_gas_used()
    }

    pub fn logs(&self) -> &[Log] {
        self.result.logs()
    }

    pub fn is_success(&self) -> bool {
        self.result.is_success()
    }

    pub fn is_halt(&self) -> bool {
        self.result.is_halt()
    }

    /// The error in words; panics on success.
    pub fn error(&self) -> String {
        match &self.result {
            ExecutionResult::Revert { output, .. } => gage_abi::decode_error(output)
                .unwrap_or_else(|| panic!("no error of ours: {output}")),
            other => panic!("did not revert: {other:?}"),
        }
    }
}

pub fn key(number: u8) -> SecretKey {
    SecretKey::from_byte_array([number; 32]).unwrap()
}

pub fn address_of(key: &SecretKey) -> Address {
    let public = key.public_key(SECP256K1).serialize_uncompressed();
    Address::from_raw_public_key(&public[1..])
}

/// `v`, `r`, `s` over `hash`.
pub fn sign(key: &SecretKey, hash: B256) -> (u8, B256, B256) {
    let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(hash.0), key);
    let (recovery, bytes) = signature.serialize_compact();
    let v = 27 + i32::from(recovery) as u8;
    (v, B256::from_slice(&bytes[..32]), B256::from_slice(&bytes[32..]))
}

pub fn publisher() -> SecretKey {
    key(8)
}

/// A report without doubt of its own.
pub fn report(feed: u32, round: u64, time: u64, price: u128) -> PriceReport {
    PriceReport { feed, round, time, price: u(price), confidence: U256::ZERO }
}

/// Guards that believe one source at once.
pub fn unguarded() -> Guards {
    Guards { quorum: 1, ..Guards::default() }
}

pub fn feed_terms(max_age: u32, price_min: u128, price_max: u128) -> FeedTerms {
    let guards = unguarded();
    FeedTerms { maxAge: max_age, priceMin: u(price_min), priceMax: u(price_max), guards }
}

/// A source that counts once, and for a day.
pub fn source(kind: u8, key: B256) -> Source {
    Source { kind, key, weight: 1, maxAge: 86_400 }
}

pub fn signed(key: &SecretKey, report: PriceReport) -> SignedReport {
    let (v, r, s) = sign(key, gage_evm::report_hash(CHAIN_ID, &report));
    SignedReport { report, v, r, s }
}

pub fn u(number: u128) -> U256 {
    U256::from(number)
}

impl World {
    /// The first block: native contracts, and everyone with a million coins.
    pub fn genesis() -> Self {
        let mut db = CacheDB::new(EmptyDB::default());
        let genesis = ProtocolGenesis {
            governance: GOVERNOR,
            guardian: GUARDIAN,
            wrapped_native_name: "Wrapped Coin".into(),
            wrapped_native_symbol: "WCOIN".into(),
        };
        for (address, code, storage) in genesis_accounts(&genesis) {
            let code = Bytecode::new_raw(code);
            db.insert_account_info(address, AccountInfo::from_bytecode(code).with_nonce(1));
            for (key, value) in storage {
                db.insert_account_storage(address, key, value).unwrap();
            }
        }
        for user in [GOVERNOR, GUARDIAN, OWNER, LENDER, BORROWER, LIQUIDATOR, STRANGER] {
            db.insert_account_info(user, AccountInfo::from_balance(u(1_000_000 * WAD)));
        }
        Self { db, now: 1_800_000_000, round: 0, names: Names::default() }
    }

    /// Gold at 2,000 dollars as collateral, a vault of a million dollars, an open line.
    pub fn market() -> Self {
        let mut world = Self::genesis();
        for (name, decimals) in [("Gold", 18), ("Dollar", 6)] {
            let symbol = name.to_uppercase();
            world.ok(
                OWNER,
                REGISTRY,
                IRegistry::createAssetCall { name: name.into(), symbol, decimals },
            );
        }
        let rates = IVault::Rates {
            kind: 0,
            base: 100,
            slope1: 400,
            slope2: 6_000,
            kink: 9_000,
            rateAtTarget: 0,
        };
        let terms = IRegistry::VaultTerms {
            reserveFee: 1_000,
            supplyCap: u(100_000_000 * DOLLAR),
            borrowCap: u(100_000_000 * DOLLAR),
            rates,
        };
        world.ok(
            OWNER,
            REGISTRY,
            IRegistry::createVaultCall {
                asset: USD,
                name: "Dollar Vault".into(),
                symbol: "vUSD".into(),
                terms,
            },
        );
        world.list();
        for (asset, to, value) in [
            (USD, LENDER, 1_000_000 * DOLLAR),
            (GOLD, BORROWER, 100 * WAD),
            (USD, LIQUIDATOR, 1_000_000 * DOLLAR),
        ] {
            world.ok(OWNER, asset, IAsset::mintCall { to, value: u(value) });
        }
        world.ok(
            LENDER,
            VAULT,
            IVault::depositCall { assets: u(500_000 * DOLLAR), receiver: LENDER },
        );
        world.prices(2_000 * WAD, WAD);
        world
    }

    /// Both feeds, and the market with its collateral and line.
    fn list(&mut self) {
        for (asset, description, price) in [(GOLD, "GOLD / USD", 2_000), (USD, "USD / USD", 1)] {
            let terms = feed_terms(3_600, price * WAD / 1_000, price * WAD * 1_000);
            let description = description.into();
            let create = IOracle::createFeedCall { asset, description, terms };
            let feed = self.ok(OWNER, ORACLE, create);
            self.name_publisher(feed, &publisher());
        }
        let terms =
            MarketTerms { targetHealth: u(WAD * 11 / 10), fullBonusHealth: u(WAD * 9 / 10) };
        let market = self.ok(OWNER, MARKET, IMarket::createMarketCall { terms });
        let terms = CollateralTerms {
            feed: GOLD_FEED,
            ltv: 7_500,
            threshold: 8_000,
            bonusMin: 300,
            bonusMax: 800,
            riskWeight: 0,
            cap: u(1_000_000 * WAD),
        };
        self.ok(OWNER, MARKET, IMarket::addCollateralCall { market, asset: GOLD, terms });
        self.ok(
            OWNER,
            MARKET,
            IMarket::listVaultCall {
                market,
                vault: VAULT,
                feed: USD_FEED,
                minDebt: u(100 * DOLLAR),
            },
        );
        self.ok(OWNER, VAULT, IVault::setLineCapCall { market, cap: u(50_000_000 * DOLLAR) });
    }

    /// [`World::market`], and the borrower owes 12,000 dollars against 10 gold.
    pub fn loan() -> Self {
        let mut world = Self::market();
        world.ok(BORROWER, MARKET, supply(10 * WAD));
        world.ok(BORROWER, MARKET, borrow(12_000 * DOLLAR));
        world
    }

    /// [`World::loan`], and the lender took a place in the exit queue, which was filled from the cash.
    pub fn queued() -> Self {
        let mut world = Self::loan();
        let shares = u(WAD / 10);
        let request = IVault::requestRedeemCall { shares, controller: LENDER, owner: LENDER };
        assert_eq!(world.ok(LENDER, VAULT, request), U256::ONE);
        world
    }

    pub fn env(&self) -> EvmEnv {
        let mut env: EvmEnv = EvmEnv::default();
        env.cfg_env = env.cfg_env.with_spec_and_mainnet_gas_params(SpecId::OSAKA);
        env.cfg_env.chain_id = CHAIN_ID;
        env.cfg_env.disable_nonce_check = true;
        env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        env.block_env.timestamp = U256::from(self.now);
        env.block_env.gas_limit = u64::MAX;
        env
    }

    pub fn transact(&mut self, tx: TxEnv) -> Done {
        let env = self.env();
        let mut evm = gage_evm::evm(&mut self.db, env, NoOpInspector {});
        let outcome = evm.transact(tx).unwrap();
        dues::check(&outcome, dues::TRANSACTION);
        let done = Done { result: outcome.result };
        revm::DatabaseCommit::commit(&mut self.db, outcome.state);
        let told = done.logs().iter().filter_map(gage_abi::decode_event);
        told.for_each(|event| self.names.hear(&event));
        done
    }

    pub fn tx(from: Address, to: Address, value: U256, data: Vec<u8>) -> TxEnv {
        TxEnv {
            caller: from,
            kind: TxKind::Call(to),
            value,
            data: data.into(),
            gas_limit: GAS_LIMIT,
            chain_id: Some(CHAIN_ID),
            ..TxEnv::default()
        }
    }

    pub fn send(&mut self, from: Address, to: Address, value: U256, data: Vec<u8>) -> Done {
        self.transact(Self::tx(from, to, value, data))
    }

    pub fn call<C: SolCall>(&mut self, from: Address, to: Address, call: C) -> Done {
        self.send(from, to, U256::ZERO, call.abi_encode())
    }

    /// A call that must succeed.
    pub fn ok<C: SolCall>(&mut self, from: Address, to: Address, call: C) -> C::Return {
        let done = self.call(from, to, call);
        let ExecutionResult::Success { .. } = done.result else {
            let words = done.result.output().and_then(|data| gage_abi::decode_error(data));
            panic!("{} failed: {words:?} {:?}", C::SIGNATURE, done.result);
        };
        C::abi_decode_returns(&done.output()).unwrap()
    }

    /// A call that must be refused; its error in words.
    pub fn refused<C: SolCall>(&mut self, from: Address, to: Address, call: C) -> String {
        self.call(from, to, call).error()
    }

    /// Lets a publisher report to a feed of OWNER's.
    pub fn name_publisher(&mut self, feed: u32, publisher: &SecretKey) {
        let source = source(0, address_of(publisher).into_word());
        self.ok(OWNER, ORACLE, IOracle::setSourceCall { feed, source });
    }

    /// A feed of OWNER's that gives an asset the price of gold.
    pub fn priced_as_gold(&mut self, asset: Address) -> u32 {
        let create = IOracle::createComputedFeedCall {
            asset,
            description: "as GOLD / USD".into(),
            terms: feed_terms(3_600, 1, 1 << 100),
            kind: 6,
            base: GOLD_FEED,
            other: 0,
        };
        self.ok(OWNER, ORACLE, create)
    }

    /// Runs a block's prelude of publishers' reports.
    pub fn prelude(&mut self, reports: &[SignedReport]) -> Done {
        self.prelude_of(reports, &[])
    }

    /// Runs a block's prelude.
    pub fn prelude_of(&mut self, reports: &[SignedReport], messages: &[ProviderMessage]) -> Done {
        self.system(ORACLE, gage_evm::prelude_call(reports, messages))
    }

    /// What the system calls, with as much gas as that has.
    pub fn system(&mut self, to: Address, data: Bytes) -> Done {
        let env = self.env();
        let mut evm = gage_evm::evm(&mut self.db, env, NoOpInspector {});
        let outcome = evm.transact_system_call(SYSTEM_ADDRESS, to, data).unwrap();
        dues::check(&outcome, 0);
        revm::DatabaseCommit::commit(&mut self.db, outcome.state);
        Done { result: outcome.result }
    }

    /// A second later, gold and dollar have these prices.
    pub fn prices(&mut self, gold: u128, dollar: u128) {
        self.now += 1;
        self.round += 1;
        let reports: Vec<_> = [(GOLD_FEED, gold), (USD_FEED, dollar)]
            .into_iter()
            .map(|(feed, price)| {
                let (round, time) = (self.round, self.now);
                signed(&publisher(), report(feed, round, time, price))
            })
            .collect();
        let done = self.prelude(&reports);
        assert!(done.is_success(), "{:?}", done.result);
        assert_eq!(done.logs().len(), 2);
    }

    pub fn balance(&mut self, token: Address, account: Address) -> u128 {
        self.ok(STRANGER, token, IERC20Permit::balanceOfCall { account }).to()
    }

    pub fn coins(&self, account: Address) -> U256 {
        let found = self.db.cache.accounts.get(&account);
        found.map_or(U256::ZERO, |account| account.info.balance)
    }

    /// All storage and all balances of native contracts, to compare.
    pub fn state(&self) -> Vec<AccountState> {
        let accounts = self.db.cache.accounts.iter();
        let mut state: Vec<_> = accounts
            .map(|(address, account)| {
                let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
                let mut slots: Vec<_> = slots.map(|(key, value)| (*key, *value)).collect();
                slots.sort_unstable();
                let hash = account.info.code_hash;
                (*address, account.info.balance, Bytes::copy_from_slice(hash.as_slice()), slots)
            })
            .filter(|(_, balance, _, slots)| !balance.is_zero() || !slots.is_empty())
            .collect();
        state.sort_unstable_by_key(|(address, ..)| *address);
        state
    }

    /// Checks every invariant of the protocol in the state as it stands.
    pub fn check_ties(&self) {
        let storage_of = |address: Address| {
            let account = self.db.cache.accounts.get(&address);
            let slots = account.into_iter().flat_map(|account| &account.storage);
            Ok(slots.map(|(key, value)| (*key, *value)).collect())
        };
        let counted = census::<Stop>(storage_of, Timestamp::new(self.now), &self.names).unwrap();
        let report = counted.report();
        assert!(report.holds(), "{:#?}", report.broken);
        assert!(report.checked.contains_key("SOL-3"), "{:?}", report.checked);
    }
}

pub fn supply(amount: u128) -> IMarket::supplyCollateralCall {
    IMarket::supplyCollateralCall {
        market: 1,
        owner: BORROWER,
        sub: 0,
        asset: GOLD,
        amount: u(amount),
    }
}

pub fn release(amount: U256) -> IMarket::withdrawCollateralCall {
    IMarket::withdrawCollateralCall { market: 1, sub: 0, asset: GOLD, amount, receiver: BORROWER }
}

pub fn borrow(amount: u128) -> IMarket::borrowCall {
    IMarket::borrowCall { market: 1, sub: 0, vault: VAULT, amount: u(amount), receiver: BORROWER }
}

pub fn repay(amount: U256) -> IMarket::repayCall {
    IMarket::repayCall { market: 1, owner: BORROWER, sub: 0, vault: VAULT, amount }
}

pub fn liquidate(max_repay: U256) -> IMarket::liquidateCall {
    IMarket::liquidateCall {
        market: 1,
        owner: BORROWER,
        sub: 0,
        vault: VAULT,
        asset: GOLD,
        maxRepay: max_repay,
        receiver: LIQUIDATOR,
    }
}
