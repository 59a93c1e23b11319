//! Fixtures: a node on a chain in memory, a clock that stands still, signed transactions.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod lending;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use gage_chain::{Chain, Genesis, GenesisAccount, ProtocolRoles, WrappedNative};
use gage_node::{Clock, Node, NodeConfig};
use gage_state::Store;

pub const CHAIN_ID: u64 = 4243;
pub const GENESIS_TIME: u64 = 1_700_000_000;
pub const GWEI: u128 = 1_000_000_000;

/// A clock that stands still until it is set; no time passes by itself.
pub struct Still(pub AtomicU64);

impl Clock for Still {
    fn now_millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed) * 1_000
    }

    fn steady_millis(&self) -> u64 {
        0
    }
}

pub fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[index + 1; 32].into()).expect("a key in range")
}

pub fn chain() -> Chain {
    let alloc = (0..5).map(|index| {
        let balance = U256::from(1_000_000 * GWEI * GWEI);
        (signer(index).address(), GenesisAccount { balance, ..GenesisAccount::default() })
    });
    let genesis = Genesis {
        chain_id: CHAIN_ID,
        timestamp: GENESIS_TIME,
        gas_limit: 120_000_000,
        base_fee_per_gas: 1_000_000_000,
        extra_data: Bytes::new(),
        beneficiary: Address::ZERO,
        alloc: BTreeMap::from_iter(alloc),
        protocol: ProtocolRoles {
            governance: signer(3).address(),
            guardian: signer(3).address(),
            wrapped_native: WrappedNative::default(),
        },
    };
    Chain::open(Store::in_memory().expect("memory"), &genesis).expect("a valid genesis")
}

pub fn node(block_time: Duration) -> (Node, Arc<Still>) {
    let clock = Arc::new(Still(AtomicU64::new(GENESIS_TIME)));
    let config = NodeConfig { block_time, faucet: Some(signer(3)), ..NodeConfig::default() };
    (Node::open(chain(), config, clock.clone()).expect("a chain"), clock)
}

/// The bytes that a wallet would send.
pub fn transfer(from: u8, nonce: u64) -> Vec<u8> {
    signed(
        from,
        nonce,
        TxEip1559 {
            gas_limit: 21_000,
            to: TxKind::Call(Address::repeat_byte(5)),
            value: U256::from(1),
            ..TxEip1559::default()
        },
    )
}

/// The bytes of a call of a contract.
pub fn call(from: u8, nonce: u64, to: Address, call: &impl SolCall) -> Vec<u8> {
    let (to, input) = (TxKind::Call(to), call.abi_encode().into());
    signed(from, nonce, TxEip1559 { gas_limit: 2_000_000, to, input, ..TxEip1559::default() })
}

/// The bytes of a transaction, with chain, nonce and fees filled in.
pub fn signed(from: u8, nonce: u64, tx: TxEip1559) -> Vec<u8> {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        ..tx
    };
    let signature = signer(from).sign_hash_sync(&tx.signature_hash()).expect("signed");
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}
