//! Fixtures: a genesis with funded accounts and a few contracts, and signed transactions.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod lending;

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    transaction::Recovered,
};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, Bytes, TxKind, U256, address, bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use gage_chain::{
    Batch, BlockAttributes, Chain, Genesis, GenesisAccount, ProtocolRoles, Rejection, SealedBlock,
    WrappedNative,
};
use gage_state::Store;

pub const CHAIN_ID: u64 = 4243;
pub const ETHER: u128 = 1_000_000_000_000_000_000;
pub const GWEI: u128 = 1_000_000_000;

/// `JUMPDEST PUSH0 JUMP`: burns all gas.
pub const BURNER: Address = address!("0x00000000000000000000000000000000000b0b01");
/// Adds one to slot 0 and emits an anonymous log with topic 7.
pub const COUNTER: Address = address!("0x00000000000000000000000000000000000b0b02");
/// Reverts with its calldata.
pub const REVERTER: Address = address!("0x00000000000000000000000000000000000b0b03");
/// Returns the hash of block NUMBER − 1.
pub const HASHER: Address = address!("0x00000000000000000000000000000000000b0b04");
/// Adds one to slot 0 only if it is left 100,000 gas, else reverts.
pub const PICKY: Address = address!("0x00000000000000000000000000000000000b0b05");
/// Emits a log with the two topics of its calldata.
pub const LOGGER: Address = address!("0x00000000000000000000000000000000000b0b08");

pub fn user(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[index + 1; 32].into()).expect("a key in range")
}

pub fn genesis() -> Genesis {
    let mut alloc: std::collections::BTreeMap<_, _> = (0..10)
        .map(|index| {
            let balance = U256::from(10_000 * ETHER);
            (user(index).address(), GenesisAccount { balance, ..GenesisAccount::default() })
        })
        .collect();
    let codes = [
        (BURNER, bytes!("5b5f56")),
        (COUNTER, bytes!("5f546001015f5560075f5fa1")),
        (REVERTER, bytes!("365f5f37365ffd")),
        (HASHER, bytes!("60014303405f5260205ff3")),
        (LOGGER, bytes!("6020355f355f5fa2")),
        (PICKY, bytes!("620186a05a106011575f546001015f55005b5f5ffd")),
    ];
    alloc.extend(codes.into_iter().map(|(address, code)| {
        (address, GenesisAccount { nonce: 1, code, ..GenesisAccount::default() })
    }));
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: 1_700_000_000,
        gas_limit: 120_000_000,
        base_fee_per_gas: GWEI as u64,
        extra_data: Bytes::from_static(b"gage"),
        beneficiary: Address::ZERO,
        alloc,
        protocol: ProtocolRoles {
            governance: user(9).address(),
            guardian: user(9).address(),
            wrapped_native: WrappedNative::default(),
        },
    }
}

pub fn chain() -> Chain {
    Chain::open(Store::in_memory().expect("memory"), &genesis()).expect("a valid genesis")
}

/// A transaction to be signed by a [`user`].
#[derive(Clone)]
pub struct Draft {
    pub from: u8,
    pub nonce: u64,
    pub to: TxKind,
    pub value: U256,
    pub gas: u64,
    pub fee_max: u128,
    pub tip_max: u128,
    pub input: Bytes,
    pub chain_id: u64,
}

pub fn draft(from: u8, nonce: u64) -> Draft {
    Draft {
        from,
        nonce,
        to: TxKind::Call(user(6).address()),
        value: U256::from(1),
        gas: 100_000,
        fee_max: 20 * GWEI,
        tip_max: GWEI,
        input: Bytes::new(),
        chain_id: CHAIN_ID,
    }
}

impl Draft {
    pub fn to(self, to: Address) -> Self {
        Self { to: TxKind::Call(to), value: U256::ZERO, ..self }
    }

    pub fn gas(self, gas: u64) -> Self {
        Self { gas, ..self }
    }

    pub fn fees(self, fee_max: u128, tip_max: u128) -> Self {
        Self { fee_max, tip_max, ..self }
    }

    pub fn sign<T>(&self, tx: T) -> Recovered<TxEnvelope>
    where
        T: SignableTransaction<alloy_primitives::Signature>,
        alloy_consensus::Signed<T>: Into<TxEnvelope>,
    {
        let signer = user(self.from);
        let signature = signer.sign_hash_sync(&tx.signature_hash()).expect("signed");
        Recovered::new_unchecked(tx.into_signed(signature).into(), signer.address())
    }

    /// As an EIP-1559 transaction.
    pub fn dynamic(&self) -> Recovered<TxEnvelope> {
        self.sign(TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee_max,
            max_priority_fee_per_gas: self.tip_max,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input.clone(),
        })
    }

    pub fn legacy(&self) -> Recovered<TxEnvelope> {
        self.sign(TxLegacy {
            chain_id: Some(self.chain_id),
            nonce: self.nonce,
            gas_price: self.fee_max,
            gas_limit: self.gas,
            to: self.to,
            value: self.value,
            input: self.input.clone(),
        })
    }

    /// EIP-2930.
    pub fn with_access_list(&self) -> Recovered<TxEnvelope> {
        self.sign(TxEip2930 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_price: self.fee_max,
            gas_limit: self.gas,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input.clone(),
        })
    }

    /// EIP-7702: lets `delegate` act as the counter.
    pub fn delegating(&self, delegate: u8) -> Recovered<TxEnvelope> {
        let authorization =
            Authorization { chain_id: U256::from(CHAIN_ID), address: COUNTER, nonce: 0 };
        let signature =
            user(delegate).sign_hash_sync(&authorization.signature_hash()).expect("signed");
        self.sign(TxEip7702 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee_max,
            max_priority_fee_per_gas: self.tip_max,
            to: user(delegate).address(),
            value: U256::ZERO,
            access_list: Default::default(),
            authorization_list: vec![authorization.into_signed(signature)],
            input: self.input.clone(),
        })
    }
}

/// Builds and commits a block twelve seconds after the head; what was rejected is returned too.
pub fn extend(
    chain: &Chain,
    transactions: Vec<Recovered<TxEnvelope>>,
) -> (SealedBlock, Vec<Rejection>) {
    let attributes = BlockAttributes {
        timestamp: chain.head().timestamp + 12,
        beneficiary: address!("0x00000000000000000000000000000000000fee00"),
        ..BlockAttributes::default()
    };
    let mut batch = Batch::new(transactions);
    let built = chain.build(&attributes, &mut batch).expect("built");
    let (block, _) = chain.commit(built).expect("committed");
    (block, batch.rejected.into_iter().map(|(_, reason)| reason).collect())
}

/// One transaction of each type the chain takes, over two senders.
pub fn one_of_each() -> Vec<Recovered<TxEnvelope>> {
    vec![
        draft(0, 0).legacy(),
        draft(0, 1).to(COUNTER).with_access_list(),
        draft(1, 0).to(COUNTER).dynamic(),
        draft(1, 1).delegating(5),
        draft(0, 2).to(REVERTER).dynamic(),
    ]
}
