//! What a transaction owes at least for what it read and left behind, by the EVM's own schedule.

use revm::context::result::ResultAndState;

/// Before anything is done.
pub const TRANSACTION: u64 = 21_000;
/// The first access to a slot (EIP-2929), and beside that a slot that was zero or that was not.
const SLOT: u64 = 2_100;
const SLOT_NEW: u64 = 20_000;
const SLOT_CHANGED: u64 = 2_900;
const LOG: u64 = 375;
const LOG_TOPIC: u64 = 375;
const LOG_BYTE: u64 = 8;

/// What a success owes at least for slots and logs.
fn least(outcome: &ResultAndState) -> u64 {
    let slots = outcome.state.values().flat_map(|account| account.storage.values());
    let slots = slots.map(|slot| {
        let write = match (slot.original_value.is_zero(), slot.is_changed()) {
            (_, false) => 0,
            (true, true) => SLOT_NEW,
            (false, true) => SLOT_CHANGED,
        };
        SLOT + write
    });
    let logs = outcome.result.logs().iter().map(|log| {
        let topics = log.topics().len() as u64;
        LOG + topics * LOG_TOPIC + log.data.data.len() as u64 * LOG_BYTE
    });
    slots.chain(logs).sum()
}

/// Checks that whatever a transaction did is paid for, beside what it pays for being one. A fifth may come back for slots
/// that were cleared (EIP-3529).
pub fn check(outcome: &ResultAndState, for_itself: u64) {
    if outcome.result.is_success() {
        let owed = for_itself + least(outcome);
        let paid = outcome.result.tx_gas_used();
        assert!(paid >= owed - owed / 5, "{paid} gas for what costs {owed}");
    }
}
