//! How the chain is spoken to: the Solidity interfaces, errors and events of the native contracts.
//!
//! `sol/Gage.sol` declares everything once. This crate turns it into Rust types ([`IVault`],
//! [`IMarket`], …) and JSON ABIs ([`interfaces`]), and maps `core`'s errors and events to their
//! Solidity form ([`encode_error`], [`encode_event`]).

mod authority;
mod decoding;
mod describe;
mod errors;
mod events;
mod guards;
mod interfaces;
mod prices;
mod terms;

pub use decoding::decode_event;
pub use describe::decode_error;
pub use errors::encode_error;
pub use events::encode_event;
pub use gage_core::address as addresses;
pub use interfaces::{
    IAsset, IERC20Permit, IExit, IGageErrors, IMarket, IOracle, IRebasing, IRegistry, IVault,
    SOLIDITY, interfaces,
};

use alloy_primitives::{Address, address};

/// The sender of each block's prelude (EIP-4788's system address).
pub const SYSTEM_ADDRESS: Address = address!("fffffffffffffffffffffffffffffffffffffffe");
