//! The protocol inside revm: storage records, native contracts, system calls.
//!
//! [`evm`] is an Ethereum EVM in which the addresses of `gage_core::address` are native contracts:
//! stateful precompiles that decode Solidity calldata, run an operation of `gage_core` and keep its
//! records in their own storage. Because every read and write goes through the EVM's journal, calls
//! revert, cost gas, prove and replay like any other.
//!
//! ```text
//! calldata ─► contracts (ABI, authority of the frame) ─► gage_core ─► SlotLedger (records)
//!                                                                        │
//!                                    JournalSlots (journal, gas) ◄───────┴──► ViewSlots (a state)
//! ```
//!
//! Native contracts never call out. The caller is the immediate frame; `delegatecall` and
//! `callcode` are refused, and what changes state halts in a static frame.

pub mod census;
mod contracts;
mod gas;
mod genesis;
mod journal;
mod ledger;
mod machine;
pub mod messages;
mod prelude;
mod records;
mod signing;
mod slots;
pub mod view;

pub use genesis::{GenesisAccount, MARKER, ProtocolGenesis, genesis_accounts};
pub use ledger::SlotLedger;
pub use machine::{evm, is_native, system_call};
pub use prelude::{prelude_call, sweep_call};
pub use signing::{authorisation_hash, report_hash};
pub use slots::{Change, Slot, Slots};

pub use gage_abi::SYSTEM_ADDRESS;
