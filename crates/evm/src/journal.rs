//! Slots in the journal of a running EVM, metered.

use crate::gas::Meter;
use crate::genesis::MARKER;
use crate::slots::{Change, Slot, Slots};
use alloy_evm::EvmInternals;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, LogData, U256};
use core::fmt::Debug;
use gage_core::address::Native;
use gage_core::{Fault, Timestamp};
use revm::bytecode::Bytecode;
use revm::context_interface::context::SStoreResult;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::journaled_state::{JournalCheckpoint, JournalLoadError};

/// What a call may do to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Slots in the journal of a running EVM. Everything is paid for before it takes effect.
#[derive(Debug)]
pub(crate) struct JournalSlots<'a> {
    internals: EvmInternals<'a>,
    meter: Meter,
    access: Access,
    failure: Option<String>,
}

impl<'a> JournalSlots<'a> {
    /// Slots that can be read, until [`JournalSlots::allow_writes`].
    pub(crate) fn new(internals: EvmInternals<'a>, gas_limit: u64) -> Self {
        Self { internals, meter: Meter::new(gas_limit), access: Access::Read, failure: None }
    }

    pub(crate) const fn allow_writes(&mut self) {
        self.access = Access::Write;
    }

    pub(crate) const fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    /// Why the state could not be read, after [`Fault::Unreadable`].
    pub(crate) fn failure(&self) -> String {
        self.failure.clone().unwrap_or_else(|| "a native contract's record is corrupt".into())
    }

    /// Whether a contract has its code.
    pub(crate) fn has_code(&mut self, contract: Native) -> Result<bool, Fault> {
        match self.internals.load_account(contract.address()) {
            Ok(account) => Ok(account.info.code_hash != KECCAK256_EMPTY),
            Err(error) => Err(unreadable(&mut self.failure, &error)),
        }
    }

    /// Whether an account has code, paying for it if it is cold.
    pub(crate) fn is_contract(&mut self, account: Address) -> Result<bool, Fault> {
        let Self { internals, meter, failure, .. } = self;
        let account = open(internals, meter, failure, account)?;
        Ok(!matches!(*account.code_hash(), KECCAK256_EMPTY | B256::ZERO))
    }

    /// A point to return to with [`JournalSlots::revert_to`], or to leave by
    /// [`JournalSlots::keep`].
    pub(crate) fn checkpoint(&mut self) -> JournalCheckpoint {
        self.internals.checkpoint()
    }

    pub(crate) fn revert_to(&mut self, checkpoint: JournalCheckpoint) {
        self.internals.checkpoint_revert(checkpoint);
    }

    pub(crate) fn keep(&mut self) {
        self.internals.checkpoint_commit();
    }

    /// Moves native coins; `false` if `from` has too few.
    pub(crate) fn transfer(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<bool, Fault> {
        self.check_access()?;
        self.meter.charge_transfer()?;
        match self.internals.transfer(from, to, value) {
            Ok(refusal) => Ok(refusal.is_none()),
            Err(error) => Err(unreadable(&mut self.failure, &error)),
        }
    }

    /// Reads slots of an account, paying for what is cold.
    fn read(
        &mut self,
        account: Address,
        (first, count): (U256, usize),
        take: &mut dyn FnMut(U256, Slot),
    ) -> Result<(), Fault> {
        let Self { internals, meter, failure, .. } = self;
        let mut account = open(internals, meter, failure, account)?;
        let mut key = first;
        for _ in 0..count {
            let slot = match account.sload(key, meter.lacks_cold_slot()) {
                Ok(slot) => slot,
                Err(JournalLoadError::ColdLoadSkipped) => return Err(Fault::OutOfGas),
                Err(JournalLoadError::DBError(error)) => return Err(unreadable(failure, &error)),
            };
            meter.charge_load(slot.is_cold)?;
            let (original, value) = (slot.data.original_value(), slot.data.present_value());
            take(key, Slot { original, value });
            key += U256::ONE;
        }
        Ok(())
    }

    const fn check_access(&self) -> Result<(), Fault> {
        match self.access {
            Access::Read => Err(Fault::StaticWrite),
            Access::Write => Ok(()),
        }
    }
}

fn unreadable(failure: &mut Option<String>, error: &impl Debug) -> Fault {
    *failure = Some(format!("{error:?}"));
    Fault::Unreadable
}

/// Loads an account, paying for it if it is cold.
fn open<'b>(
    internals: &'b mut EvmInternals<'_>,
    meter: &mut Meter,
    failure: &mut Option<String>,
    address: Address,
) -> Result<Box<dyn JournaledAccountTr + 'b>, Fault> {
    let skip_cold = meter.lacks_cold_account();
    match internals.load_account_mut_skip_cold_load(address, skip_cold) {
        Ok(account) => {
            meter.charge_account(account.is_cold)?;
            Ok(account.data)
        }
        Err(JournalLoadError::ColdLoadSkipped) => Err(Fault::OutOfGas),
        Err(JournalLoadError::DBError(error)) => Err(unreadable(failure, &error)),
    }
}

impl Slots for JournalSlots<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::new(self.internals.block_timestamp().saturating_to())
    }

    fn load(
        &mut self,
        contract: Native,
        (first, count): (U256, usize),
        take: &mut dyn FnMut(U256, Slot),
    ) -> Result<(), Fault> {
        self.read(contract.address(), (first, count), take)
    }

    fn store(
        &mut self,
        contract: Native,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<(), Fault> {
        self.check_access()?;
        let Self { internals, meter, failure, .. } = self;
        let mut account = open(internals, meter, failure, contract.address())?;
        for Change { key, before, after } in changes {
            meter.charge_store(&SStoreResult {
                original_value: before.original,
                present_value: before.value,
                new_value: after,
            })?;
            if let Err(error) = account.sstore(key, after, false) {
                return Err(unreadable(failure, &error));
            }
        }
        Ok(())
    }

    fn load_foreign(&mut self, account: Address, key: U256) -> Result<U256, Fault> {
        let mut found = U256::ZERO;
        self.read(account, (key, 1), &mut |_, slot| found = slot.value)?;
        Ok(found)
    }

    fn log(&mut self, contract: Native, data: LogData) -> Result<(), Fault> {
        self.check_access()?;
        self.meter.charge_log(&data)?;
        self.internals.log(Log { address: contract.address(), data });
        Ok(())
    }

    fn mark(&mut self, contract: Native) -> Result<(), Fault> {
        self.check_access()?;
        let Self { internals, meter, failure, .. } = self;
        meter.charge_create()?;
        let mut account = open(internals, meter, failure, contract.address())?;
        if *account.code_hash() == KECCAK256_EMPTY {
            account.set_code_and_hash_slow(Bytecode::new_raw(Bytes::from_static(&MARKER)));
            account.set_nonce(1);
        }
        Ok(())
    }
}
