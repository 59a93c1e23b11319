//! Where storage slots are read and written: the journal of a running EVM, or a state at rest.

use alloy_primitives::{Address, LogData, U256};
use gage_core::address::Native;
use gage_core::{Fault, Timestamp};

/// What a slot holds when it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// What it held before the transaction, which is what a write costs by.
    pub original: U256,
    /// What it holds.
    pub value: U256,
}

/// A write to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The slot's key.
    pub key: U256,
    /// What it held when it was read.
    pub before: Slot,
    /// What it is to hold.
    pub after: U256,
}

/// Storage of the native contracts.
pub trait Slots {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Reads slots of a contract, given by the first one's key and their number, and gives each to
    /// `take` with its key.
    ///
    /// # Errors
    /// Out of gas, or the state cannot be read.
    fn load(
        &mut self,
        contract: Native,
        range: (U256, usize),
        take: &mut dyn FnMut(U256, Slot),
    ) -> Result<(), Fault>;

    /// Writes slots of a contract, all of which were loaded before.
    ///
    /// # Errors
    /// Out of gas, a static frame, or the state cannot be read.
    fn store(
        &mut self,
        contract: Native,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<(), Fault>;

    /// Reads a slot of an account that is no native contract: its storage, without a call.
    ///
    /// # Errors
    /// Out of gas, or the state cannot be read.
    fn load_foreign(&mut self, account: Address, key: U256) -> Result<U256, Fault>;

    /// Appends a log of a contract.
    ///
    /// # Errors
    /// Out of gas, or a static frame.
    fn log(&mut self, contract: Native, data: LogData) -> Result<(), Fault>;

    /// Gives a new contract its code marker, so that it is not empty to the EVM.
    ///
    /// # Errors
    /// Out of gas, a static frame, or the state cannot be read.
    fn mark(&mut self, contract: Native) -> Result<(), Fault>;
}
