//! Where storage slots are read and written: the journal of a running EVM, or a state at rest.

use alloy_primitives::{LogData, U256};
use gage_core::address::Native;
use gage_core::{Fault, Timestamp};

/// Storage of the native contracts.
pub trait Slots {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Reads the slots `first`, `first + 1`, … of a contract into `words`.
    ///
    /// # Errors
    /// Out of gas, or the state cannot be read.
    fn load(&mut self, contract: Native, first: U256, words: &mut [U256]) -> Result<(), Fault>;

    /// Writes slots of a contract, all of which were loaded before.
    ///
    /// # Errors
    /// Out of gas, a static frame, or the state cannot be read.
    fn store(
        &mut self,
        contract: Native,
        changes: &mut dyn Iterator<Item = (U256, U256)>,
    ) -> Result<(), Fault>;

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
