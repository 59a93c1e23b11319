//! One call's frame: who calls, what they may do, and what it costs.

use super::{Answer, Stopped, refused};
use crate::gas::{self, Meter};
use crate::journal::JournalSlots;
use crate::ledger::SlotLedger;
use alloy_evm::precompiles::PrecompileInput;
use alloy_primitives::{Address, Bytes, U256};
use gage_abi::IGageErrors;
use gage_core::Fault;
use gage_core::address::Native;

/// The ledger that operations run on.
pub(crate) type Records<'a> = SlotLedger<JournalSlots<'a>>;

/// One call of a native contract. Its ledger is reached by saying what for: [`Frame::view`] to
/// read, [`Frame::act`] to write in the name of the caller, which a static frame refuses.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    contract: Native,
    caller: Address,
    value: U256,
    is_static: bool,
    chain_id: u64,
    records: Records<'a>,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(contract: Native, input: PrecompileInput<'a>) -> Self {
        let chain_id = input.internals.chain_id();
        Self {
            contract,
            caller: input.caller,
            value: input.value,
            is_static: input.is_static,
            chain_id,
            records: SlotLedger::new(JournalSlots::new(input.internals, input.gas)),
        }
    }

    pub(crate) const fn contract(&self) -> Native {
        self.contract
    }

    pub(crate) const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Whether the object of the address was created. Its account is warm: the call loaded it.
    pub(crate) fn exists(&mut self) -> Result<bool, Fault> {
        self.records.slots().has_code(self.contract)
    }

    pub(crate) fn charge(&mut self, cost: u64) -> Answer<()> {
        Ok(self.meter().charge(cost)?)
    }

    pub(crate) fn meter(&mut self) -> &mut Meter {
        self.records.slots().meter()
    }

    /// Why the state could not be read.
    pub(crate) fn failure(&mut self) -> String {
        self.records.slots().failure()
    }

    /// This frame, without the names in records: see [`SlotLedger::read_figures_only`].
    pub(crate) const fn figures(&mut self) -> &mut Self {
        self.records.read_figures_only();
        self
    }

    /// The ledger, to read.
    pub(crate) fn view(&mut self) -> Answer<&mut Records<'a>> {
        self.refuse_value()?;
        self.charge(gas::VIEW)?;
        Ok(&mut self.records)
    }

    /// The ledger, to write in the name of the caller, who comes with it.
    pub(crate) fn act(&mut self, cost: u64) -> Answer<(&mut Records<'a>, Address)> {
        self.refuse_value()?;
        self.act_paid(cost)
    }

    /// As [`Frame::act`], in a function that takes native coins.
    pub(crate) fn act_paid(&mut self, cost: u64) -> Answer<(&mut Records<'a>, Address)> {
        if self.is_static {
            return Err(Fault::StaticWrite.into());
        }
        self.charge(cost)?;
        self.records.slots().allow_writes();
        Ok((&mut self.records, self.caller))
    }

    /// The native coins that came with the call and already lie on the contract.
    pub(crate) const fn value(&self) -> U256 {
        self.value
    }

    /// Writes what the operation changed.
    pub(crate) fn finish(&mut self) -> Answer<()> {
        Ok(self.records.commit()?)
    }

    fn refuse_value(&self) -> Answer<()> {
        if self.value.is_zero() { Ok(()) } else { Err(refused(&IGageErrors::NotPayable {})) }
    }
}

/// Runs one step of a system call and writes what it changed; a step that is refused changes nothing,
/// and its reason is returned.
pub(super) fn attempt<'a, T>(
    ledger: &mut Records<'a>,
    step: impl FnOnce(&mut Records<'a>) -> Answer<T>,
) -> Answer<Result<T, Bytes>> {
    let checkpoint = ledger.slots().checkpoint();
    let outcome = step(ledger).and_then(|done| Ok(ledger.commit().map(|()| done)?));
    match outcome {
        Ok(done) => {
            ledger.slots().keep();
            Ok(Ok(done))
        }
        Err(Stopped::Refused(reason)) => {
            ledger.discard();
            ledger.slots().revert_to(checkpoint);
            Ok(Err(reason))
        }
        // The whole call halts, and its frame is taken back.
        Err(fault) => {
            ledger.slots().keep();
            Err(fault)
        }
    }
}
