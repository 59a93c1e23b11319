//! A chain in memory, a node that mines when it is told, and a server over both.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_consensus::{
    SignableTransaction, Transaction as _, TxEip1559, TxEnvelope, transaction::Recovered,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxHash, TxKind, U256, address, bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use gage_abi::IOracle::{ProviderMessage, SignedReport};
use gage_chain::{
    Batch, BlockAttributes, Chain, Genesis, GenesisAccount, ProtocolRoles, Rejection,
    WrappedNative, decode_transaction, recover,
};
use gage_rpc::{
    Config, DevHandle, Head, Limits, NodeError, NodeHandle, PoolContent, PoolStatus, Server, serve,
};
use gage_state::Store;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::broadcast};

use crate::client;

pub(crate) const CHAIN_ID: u64 = 4243;
pub(crate) const GENESIS_TIME: u64 = 1_700_000_000;
const GWEI: u64 = 1_000_000_000;

/// Adds one to slot 0 and emits a log with topic 7.
pub(crate) const COUNTER: Address = address!("0x00000000000000000000000000000000000b0b02");
/// Reverts with its calldata.
pub(crate) const REVERTER: Address = address!("0x00000000000000000000000000000000000b0b03");
/// Returns the block's time.
pub(crate) const CLOCK: Address = address!("0x00000000000000000000000000000000000b0b06");
/// Calls the address in its first word with the rest, and returns or reverts as that does.
pub(crate) const FORWARDER: Address = address!("0x00000000000000000000000000000000000b0b07");
/// Burns all gas.
pub(crate) const BURNER: Address = address!("0x00000000000000000000000000000000000b0b01");

pub(crate) fn user(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[index + 1; 32].into()).expect("a key in range")
}

fn genesis() -> Genesis {
    let balance = U256::from(10_000) * U256::from(10).pow(U256::from(18));
    let funded = (0..10).map(|index| {
        (user(index).address(), GenesisAccount { balance, ..GenesisAccount::default() })
    });
    let codes = [
        (BURNER, bytes!("5b5f56")),
        (COUNTER, bytes!("5f546001015f5560075f5fa1")),
        (REVERTER, bytes!("365f5f37365ffd")),
        (CLOCK, bytes!("425f5260205ff3")),
        (FORWARDER, bytes!("602036038060205f375f5f825f5f5f355af13d5f5f3e601c573d5ffd5b3d5ff3")),
    ];
    let contracts = codes.into_iter().map(|(address, code)| {
        (address, GenesisAccount { nonce: 1, code, ..GenesisAccount::default() })
    });
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: GENESIS_TIME,
        gas_limit: 120_000_000,
        base_fee_per_gas: GWEI,
        extra_data: Bytes::from_static(b"gage"),
        beneficiary: Address::ZERO,
        alloc: funded.chain(contracts).collect(),
        protocol: ProtocolRoles {
            governance: user(9).address(),
            guardian: user(9).address(),
            wrapped_native: WrappedNative::default(),
        },
    }
}

/// A node whose pool is a list and whose blocks are 12 seconds apart.
pub(crate) struct TestNode {
    chain: Chain,
    pool: Mutex<Vec<Recovered<TxEnvelope>>>,
    reports: Mutex<Vec<SignedReport>>,
    messages: Mutex<Vec<ProviderMessage>>,
    heads: broadcast::Sender<Arc<Head>>,
    pending: broadcast::Sender<TxHash>,
    offset: AtomicU64,
}

impl TestNode {
    fn new(chain: Chain) -> Self {
        Self {
            chain,
            pool: Mutex::default(),
            reports: Mutex::default(),
            messages: Mutex::default(),
            heads: broadcast::channel(16).0,
            pending: broadcast::channel(16).0,
            offset: AtomicU64::new(0),
        }
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) fn produce(&self) {
        let waiting = std::mem::take(&mut *self.pool.lock());
        let reports = std::mem::take(&mut *self.reports.lock());
        let mut batch = Batch::new(waiting);
        let attributes = BlockAttributes {
            timestamp: self.next_timestamp(),
            beneficiary: self.beneficiary(),
            reports,
            messages: std::mem::take(&mut *self.messages.lock()),
            gas_limit: None,
        };
        let built = self.chain.build(&attributes, &mut batch).expect("a block is built");
        let (block, receipts) = self.chain.commit(built).expect("a block is stored");
        let _ = self.heads.send(Arc::new(Head { block, receipts }));
    }
}

impl NodeHandle for TestNode {
    fn submit_raw(&self, bytes: &[u8]) -> Result<TxHash, NodeError> {
        let tx = decode_transaction(bytes).and_then(|tx| recover(tx, CHAIN_ID));
        let tx = tx.map_err(NodeError::refused)?;
        let head = self.chain.state(self.chain.head().number).map_err(NodeError::failed)?;
        let account = head.account(tx.signer()).map_err(NodeError::failed)?.unwrap_or_default();
        let (expected, got) = (account.info.nonce, tx.nonce());
        if got < expected {
            return Err(NodeError::refused(Rejection::NonceTooLow { expected, got }));
        }
        let hash = *tx.tx_hash();
        self.pool.lock().push(tx);
        let _ = self.pending.send(hash);
        Ok(hash)
    }

    fn pool_transaction(&self, hash: TxHash) -> Option<Recovered<TxEnvelope>> {
        self.pool.lock().iter().find(|tx| *tx.tx_hash() == hash).cloned()
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus { pending: self.pool.lock().len(), queued: 0 }
    }

    fn pool_content(&self) -> PoolContent {
        let mut content = PoolContent::default();
        for tx in self.pool.lock().iter() {
            content.pending.entry(tx.signer()).or_default().insert(tx.nonce(), tx.clone());
        }
        content
    }

    fn next_nonce(&self, sender: Address) -> Result<u64, NodeError> {
        let state = self.chain.state(self.chain.head().number).map_err(NodeError::failed)?;
        let account = state.account(sender).map_err(NodeError::failed)?;
        let nonce = account.map_or(0, |account| account.info.nonce);
        let pool = self.pool.lock();
        let waiting = pool.iter().filter(|tx| tx.signer() == sender).map(|tx| tx.nonce() + 1);
        Ok(waiting.max().unwrap_or(nonce))
    }

    fn submit_reports(&self, reports: Vec<SignedReport>) -> Result<(), NodeError> {
        self.reports.lock().extend(reports);
        Ok(())
    }

    fn submit_messages(&self, messages: Vec<ProviderMessage>) -> Result<(), NodeError> {
        self.messages.lock().extend(messages);
        Ok(())
    }

    fn subscribe_heads(&self) -> broadcast::Receiver<Arc<Head>> {
        self.heads.subscribe()
    }

    fn subscribe_pending(&self) -> broadcast::Receiver<TxHash> {
        self.pending.subscribe()
    }

    fn next_timestamp(&self) -> u64 {
        self.chain.head().timestamp + 12 + self.offset.swap(0, Ordering::Relaxed)
    }

    fn tip_suggestion(&self) -> u128 {
        GWEI.into()
    }

    fn client_version(&self) -> String {
        "gage/test".into()
    }

    fn beneficiary(&self) -> Address {
        user(9).address()
    }

    fn dev(&self) -> Option<&dyn DevHandle> {
        Some(self)
    }
}

impl DevHandle for TestNode {
    fn mine(&self, blocks: u64) -> Result<(), NodeError> {
        (0..blocks).for_each(|_| self.produce());
        Ok(())
    }

    fn increase_time(&self, seconds: u64) -> Result<u64, NodeError> {
        Ok(self.offset.fetch_add(seconds, Ordering::Relaxed) + seconds)
    }

    fn set_next_timestamp(&self, _: u64) -> Result<(), NodeError> {
        Err(NodeError::refused("timestamps only grow"))
    }

    fn faucet(&self, to: Address, _: U256) -> Result<TxHash, NodeError> {
        self.submit_raw(&transfer(8, 0, to))
    }
}

/// A running server with all it needs; the runtime goes last.
pub(crate) struct World {
    pub(crate) addr: SocketAddr,
    pub(crate) node: Arc<TestNode>,
    server: Server,
    runtime: Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Config { dev: true, ..Config::default() })
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(Config { limits, ..Config::default() })
    }

    pub(crate) fn with(config: Config) -> Self {
        let store = Store::in_memory().expect("memory");
        let chain = Chain::open(store, &genesis()).expect("a valid genesis");
        let node = Arc::new(TestNode::new(chain.clone()));
        let runtime = Runtime::new().expect("a runtime");
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config { addr, ..config };
        let server = runtime.block_on(serve(config, chain, Arc::clone(&node) as _));
        let server = server.expect("a free port");
        Self { addr: server.local_addr(), node, server, runtime }
    }

    /// Stops the server and waits until it has stopped.
    pub(crate) fn stop(self) {
        let stopping = self.server.stop();
        let patience = Duration::from_secs(20);
        let stopped =
            self.runtime.block_on(async { tokio::time::timeout(patience, stopping).await });
        stopped.expect("the server stops while clients are connected");
    }

    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        self.try_ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub(crate) fn try_ask(&self, method: &str, params: Value) -> Result<Value, Value> {
        client::call(self.addr, method, params)
    }

    /// The code and message that a request is refused with.
    pub(crate) fn refusal(&self, method: &str, params: Value) -> (i64, String) {
        let error = self.try_ask(method, params).expect_err("it is refused");
        let code = error["code"].as_i64().expect("a code");
        (code, error["message"].as_str().expect("a message").to_owned())
    }

    /// Sends a transaction; it waits for [`TestNode::produce`].
    pub(crate) fn send(&self, raw: &Bytes) -> Value {
        self.ask("eth_sendRawTransaction", json!([raw]))
    }
}

/// A signed transfer of one wei.
pub(crate) fn transfer(from: u8, nonce: u64, to: Address) -> Bytes {
    signed(from, nonce, TxKind::Call(to), U256::from(1), Bytes::new())
}

/// What [`FORWARDER`] is told to hand on.
pub(crate) fn through_forwarder(to: Address, input: &[u8]) -> Bytes {
    [to.into_word().as_slice(), input].concat().into()
}

/// A signed call.
pub(crate) fn invoke(from: u8, nonce: u64, to: Address, input: Bytes) -> Bytes {
    signed(from, nonce, TxKind::Call(to), U256::ZERO, input)
}

/// A signed call that brings wei.
pub(crate) fn pay(from: u8, nonce: u64, to: Address, (value, input): (U256, Bytes)) -> Bytes {
    signed(from, nonce, TxKind::Call(to), value, input)
}

/// A signed creation of a contract.
pub(crate) fn create(from: u8, nonce: u64, init: Bytes) -> Bytes {
    signed(from, nonce, TxKind::Create, U256::ZERO, init)
}

fn signed(from: u8, nonce: u64, to: TxKind, value: U256, input: Bytes) -> Bytes {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 2_000_000,
        max_fee_per_gas: 20 * u128::from(GWEI),
        max_priority_fee_per_gas: GWEI.into(),
        to,
        value,
        access_list: Default::default(),
        input,
    };
    let signature = user(from).sign_hash_sync(&tx.signature_hash()).expect("signed");
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}
