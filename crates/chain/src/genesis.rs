//! The first block: who holds what, and who governs.
//!
//! ```json
//! {
//!   "chainId": 4243,
//!   "timestamp": 1732320000,
//!   "gasLimit": 120000000,
//!   "baseFeePerGas": "1000000000",
//!   "extraData": "0x",
//!   "beneficiary": "0x0000000000000000000000000000000000000000",
//!   "alloc": {
//!     "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266": { "balance": "10000000000000000000000" }
//!   },
//!   "protocol": {
//!     "governance": "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
//!     "guardian": "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
//!     "wrappedNative": { "name": "Wrapped Gage", "symbol": "WGAGE" }
//!   }
//! }
//! ```
//!
//! Numbers are JSON numbers, decimal strings or `0x` hex strings. Only `chainId` and `protocol` are
//! required. An account may also have `nonce`, `code` and `storage`. Unknown fields are refused.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_primitives::{Address, B64, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use gage_evm::ProtocolGenesis;
use gage_state::{AccountChange, AccountInfo, Changes};
use serde::{Deserialize, Serialize};

use crate::{
    execute::header_shape,
    rules::{EXTRA_DATA_BYTES_MAX, GAS_LIMIT_MIN},
};

/// The largest chain id whose legacy `v` (35 + 2 × id + 1) fits 64 bits (EIP-2294).
const CHAIN_ID_MAX: u64 = (u64::MAX - 36) / 2;

/// What a chain starts from. Its JSON form is described in the crate's `genesis` module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    /// Whose transactions these are (EIP-155); the nonce of block 0's header.
    #[serde(with = "quantity")]
    pub chain_id: u64,
    /// Unix seconds of block 0.
    #[serde(with = "quantity", default)]
    pub timestamp: u64,
    /// Gas of block 0, and what later blocks aim at.
    #[serde(with = "quantity", default = "gas_limit_default")]
    pub gas_limit: u64,
    /// Base fee of block 0, in wei.
    #[serde(with = "quantity", default = "base_fee_default")]
    pub base_fee_per_gas: u64,
    /// At most 32 bytes; the same in every block.
    #[serde(default)]
    pub extra_data: Bytes,
    /// Named in block 0's header.
    #[serde(default)]
    pub beneficiary: Address,
    /// Accounts that exist from the start.
    #[serde(default)]
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// Roles in the lending protocol.
    pub protocol: ProtocolRoles,
}

/// An account of block 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisAccount {
    /// Wei.
    #[serde(default)]
    pub balance: U256,
    /// Transactions sent so far.
    #[serde(with = "quantity", default)]
    pub nonce: u64,
    /// Runtime bytecode.
    #[serde(default)]
    pub code: Bytes,
    /// Slots that are not zero.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<U256, U256>,
}

/// Who may do what in the lending protocol from block 0 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProtocolRoles {
    /// May hand over every role and lower pauses.
    pub governance: Address,
    /// May raise pauses.
    pub guardian: Address,
    /// What asset 1, the wrapped native coin, is called.
    #[serde(default)]
    pub wrapped_native: WrappedNative,
}

/// The names of the wrapped native coin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WrappedNative {
    /// At most 31 bytes.
    pub name: String,
    /// At most 31 bytes.
    pub symbol: String,
}

impl Default for WrappedNative {
    fn default() -> Self {
        Self { name: "Wrapped Gage".into(), symbol: "WGAGE".into() }
    }
}

/// Why a genesis is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// Not the JSON described in the module.
    #[error("genesis is not valid JSON of the documented form")]
    Json(#[from] serde_json::Error),
    /// Chain ids start at 1 and must leave room for a legacy `v`.
    #[error("chainId {0} is outside 1 to {CHAIN_ID_MAX}")]
    ChainId(u64),
    /// The prelude must always fit, and a sweep and a transaction after it.
    #[error("gasLimit {0} is below {GAS_LIMIT_MIN}, which prelude, sweep and one transaction need")]
    GasLimit(u64),
    /// A zero base fee could never rise.
    #[error("baseFeePerGas must not be zero")]
    ZeroBaseFee,
    /// More than 32 bytes.
    #[error("extraData has {0} bytes, at most {EXTRA_DATA_BYTES_MAX} are allowed")]
    ExtraData(usize),
    /// A role that nobody holds could never be handed over.
    #[error("protocol.{0} must not be the zero address")]
    ZeroRole(&'static str),
    /// A name that does not fit its slot.
    #[error("protocol.wrappedNative.{field} has {bytes} bytes, 1 to {NAME_BYTES_MAX} are allowed")]
    Name {
        /// `name` or `symbol`.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The protocol itself refuses its roles or names.
    #[error("protocol: {0}")]
    Protocol(gage_core::Error),
    /// The native contracts write their own state.
    #[error("alloc contains {0}, an address of the native contracts")]
    NativeAddress(Address),
    /// Amounts in the protocol are 128-bit.
    #[error("the balances of alloc add up to 2^128 or more")]
    Supply,
}

/// What fits one storage slot besides its length.
const NAME_BYTES_MAX: usize = 31;

impl Genesis {
    /// Reads and validates the JSON form.
    ///
    /// # Errors
    /// [`GenesisError`] names the field that is wrong.
    pub fn from_json(json: &str) -> Result<Self, GenesisError> {
        let genesis: Self = serde_json::from_str(json)?;
        genesis.validate()?;
        Ok(genesis)
    }

    /// Checks what the JSON form cannot state.
    ///
    /// # Errors
    /// [`GenesisError`] names the field that is wrong.
    pub fn validate(&self) -> Result<(), GenesisError> {
        if self.chain_id == 0 || self.chain_id > CHAIN_ID_MAX {
            return Err(GenesisError::ChainId(self.chain_id));
        }
        if self.gas_limit < GAS_LIMIT_MIN {
            return Err(GenesisError::GasLimit(self.gas_limit));
        }
        if self.base_fee_per_gas == 0 {
            return Err(GenesisError::ZeroBaseFee);
        }
        if self.extra_data.len() > EXTRA_DATA_BYTES_MAX {
            return Err(GenesisError::ExtraData(self.extra_data.len()));
        }
        self.protocol.validate()?;
        if let Some(address) = self.alloc.keys().find(|a| gage_evm::is_native(**a)) {
            return Err(GenesisError::NativeAddress(*address));
        }
        let supply = self.alloc.values().try_fold(U256::ZERO, |sum, a| sum.checked_add(a.balance));
        match supply {
            Some(supply) if supply <= U256::from(u128::MAX) => Ok(()),
            _ => Err(GenesisError::Supply),
        }
    }
}

impl ProtocolRoles {
    fn validate(&self) -> Result<(), GenesisError> {
        if self.governance.is_zero() {
            return Err(GenesisError::ZeroRole("governance"));
        }
        if self.guardian.is_zero() {
            return Err(GenesisError::ZeroRole("guardian"));
        }
        let WrappedNative { name, symbol } = &self.wrapped_native;
        for (field, value) in [("name", name), ("symbol", symbol)] {
            if value.is_empty() || value.len() > NAME_BYTES_MAX {
                return Err(GenesisError::Name { field, bytes: value.len() });
            }
        }
        self.genesis().check().map_err(GenesisError::Protocol)
    }

    fn genesis(&self) -> ProtocolGenesis {
        ProtocolGenesis {
            governance: self.governance,
            guardian: self.guardian,
            wrapped_native_name: self.wrapped_native.name.clone(),
            wrapped_native_symbol: self.wrapped_native.symbol.clone(),
        }
    }
}

fn gas_limit_default() -> u64 {
    120_000_000
}

fn base_fee_default() -> u64 {
    1_000_000_000
}

/// 64-bit numbers: read from a JSON number, a decimal string or a hex string; written as a number.
mod quantity {
    use alloy_primitives::U64;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(*value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        U64::deserialize(from).map(|value| value.to())
    }
}

impl Genesis {
    /// Block 0's header.
    pub(crate) fn header(&self, state_root: B256) -> Header {
        Header {
            state_root,
            beneficiary: self.beneficiary,
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            base_fee_per_gas: Some(self.base_fee_per_gas),
            extra_data: self.extra_data.clone(),
            // So that block 0's hash, by which chains are told apart, depends on all of a genesis.
            nonce: B64::from(self.chain_id.to_be_bytes()),
            ..header_shape()
        }
    }

    /// The state of block 0: the accounts of `alloc` and the native contracts.
    pub(crate) fn changes(&self) -> Changes {
        let accounts = self.alloc.iter().map(|(address, account)| (*address, account.change()));
        let native = gage_evm::genesis_accounts(&self.protocol.genesis());
        let native = native.into_iter().map(|(address, code, storage)| {
            let storage = storage.into_iter().collect();
            let account = GenesisAccount { nonce: 1, code, storage, ..GenesisAccount::default() };
            (address, account.change())
        });
        Changes { accounts: accounts.chain(native).collect() }
    }
}

impl GenesisAccount {
    fn change(&self) -> AccountChange {
        let code = Some(self.code.clone()).filter(|code| !code.is_empty());
        AccountChange {
            info: Some(AccountInfo {
                nonce: self.nonce,
                balance: self.balance,
                code_hash: code.as_ref().map_or(KECCAK256_EMPTY, keccak256),
            }),
            code,
            storage: self.storage.clone(),
            wipe_storage: false,
        }
    }
}
