//! The ledger of a state at rest: for previews, explanations, what-ifs and genesis.

use crate::ledger::SlotLedger;
use crate::records::keys;
use crate::slots::{Change, Slot, Slots};
use alloy_primitives::{Address, LogData, U256};
use gage_core::address::Native;
use gage_core::{AccountId, Fault, Timestamp};
use revm::DatabaseRef;
use std::collections::{BTreeMap, BTreeSet};

/// The account that a slot of the market contract is of: of its record, or of its stop-loss order.
#[must_use]
pub fn account_of(slot: U256) -> Option<AccountId> {
    keys::account_of(slot)
}

/// Slots of a state that is only read; what is written stays here.
#[derive(Debug)]
pub struct ViewSlots<D: DatabaseRef> {
    state: D,
    now: Timestamp,
    written: BTreeMap<(Native, U256), U256>,
    marked: BTreeSet<Native>,
    logs: Vec<(Native, LogData)>,
    failure: Option<D::Error>,
}

/// The ledger in `state`, whose clock stands at zero: for records, and for what no time changes.
pub fn ledger<D: DatabaseRef>(state: D) -> SlotLedger<ViewSlots<D>> {
    ledger_at(state, Timestamp::ZERO)
}

/// The ledger in `state` at the moment `now`. Operations may be tried on it: they change what the
/// ledger says, and nothing else.
pub fn ledger_at<D: DatabaseRef>(state: D, now: Timestamp) -> SlotLedger<ViewSlots<D>> {
    SlotLedger::new(ViewSlots {
        state,
        now,
        written: BTreeMap::new(),
        marked: BTreeSet::new(),
        logs: Vec::new(),
        failure: None,
    })
}

impl<D: DatabaseRef> ViewSlots<D> {
    /// Every slot that was written, by contract and key.
    pub const fn written(&self) -> &BTreeMap<(Native, U256), U256> {
        &self.written
    }

    /// Every contract that came to be.
    pub const fn marked(&self) -> &BTreeSet<Native> {
        &self.marked
    }

    /// Every log, in order.
    pub fn logs(&self) -> &[(Native, LogData)] {
        &self.logs
    }

    /// Why the state could not be read, after [`Fault::Unreadable`]; `None` if a record is corrupt.
    pub const fn failure(&self) -> Option<&D::Error> {
        self.failure.as_ref()
    }

    /// Moves the clock.
    pub const fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }
}

impl<D: DatabaseRef> Slots for ViewSlots<D> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn load(
        &mut self,
        contract: Native,
        (first, count): (U256, usize),
        take: &mut dyn FnMut(U256, Slot),
    ) -> Result<(), Fault> {
        let mut key = first;
        for _ in 0..count {
            let value = match self.written.get(&(contract, key)) {
                Some(value) => *value,
                None => match self.state.storage_ref(contract.address(), key) {
                    Ok(value) => value,
                    Err(error) => {
                        self.failure = Some(error);
                        return Err(Fault::Unreadable);
                    }
                },
            };
            take(key, Slot { original: value, value });
            key += U256::ONE;
        }
        Ok(())
    }

    fn store(
        &mut self,
        contract: Native,
        changes: &mut dyn Iterator<Item = Change>,
    ) -> Result<(), Fault> {
        self.written.extend(changes.map(|change| ((contract, change.key), change.after)));
        Ok(())
    }

    fn load_foreign(&mut self, account: Address, key: U256) -> Result<U256, Fault> {
        self.state.storage_ref(account, key).map_err(|error| {
            self.failure = Some(error);
            Fault::Unreadable
        })
    }

    fn log(&mut self, contract: Native, data: LogData) -> Result<(), Fault> {
        self.logs.push((contract, data));
        Ok(())
    }

    fn mark(&mut self, contract: Native) -> Result<(), Fault> {
        self.marked.insert(contract);
        Ok(())
    }
}
