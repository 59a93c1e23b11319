//! What a native call costs: the EVM's own schedule for storage, logs and accounts, and a constant
//! for the computing of each operation, measured against what the EVM computes for the same gas.

use alloy_primitives::LogData;
use gage_core::Fault;
use revm::context_interface::cfg::gas_params::GasParams;
use revm::context_interface::context::SStoreResult;
use revm::primitives::hardfork::SpecId;
use std::sync::LazyLock;

/// Decoding a call and answering it; what a refused call costs at least.
pub(crate) const CALL: u64 = 200;
/// A view.
pub(crate) const VIEW: u64 = 300;
/// A point of a rate curve, beside [`VIEW`].
pub(crate) const CURVE_POINT: u64 = 50;
/// A token operation, or a change of settings.
pub(crate) const SMALL: u64 = 500;
/// A vault or market operation.
pub(crate) const OPERATION: u64 = 2_000;
/// A set of portfolio margin: that it is a covariance at all, sixteen factors at most.
pub(crate) const MARGIN: u64 = 60_000;
/// A liquidation, with its plan.
pub(crate) const LIQUIDATION: u64 = 4_000;
/// Moving an account, with its plan.
pub(crate) const REHOMING: u64 = 6_000;
/// Judging an account and planning its sale to the bids, in the sweep.
pub(crate) const SWEEP: u64 = 4_000;
/// Finding the size of one sale, or the price at which one leg is liquidated, under portfolio margin; and
/// again for each pair of the account's legs, which move together.
const SEARCH: u64 = 100_000;
const SEARCH_PAIR: u64 = 2_000;
/// What a sweep keeps for the account that it begins: enough for the largest sale that `core` plans.
pub(crate) const SWEEP_RESERVE: u64 = 4_000_000;
/// What a sweep keeps for each account whose debt it will write off.
pub(crate) const WRITE_OFF_RESERVE: u64 = 400_000;
/// Besides these, for each sum of tracked debt that a sale may move: a cold slot that was zero.
pub(crate) const SWEEP_SUM_RESERVE: u64 = 22_200;
/// The same for a write-off, which only lowers what is there.
pub(crate) const WRITE_OFF_SUM_RESERVE: u64 = 5_100;
/// Recovering a signer, as the `ecrecover` precompile costs.
pub(crate) const RECOVER: u64 = 3_000;
/// Hashing typed data.
pub(crate) const TYPED_HASH: u64 = 500;

/// A byte of another oracle's message: to read it, and to hash it twice.
pub(crate) const MESSAGE_BYTE: u64 = 2;
/// What a prelude keeps for one report: three cold slots, of which one was zero, and an event.
pub(crate) const REPORT_RESERVE: u64 = 40_000;
/// What a prelude keeps for a feed with pools: sixteen pools, all slots cold and their readings new, and its price.
pub(crate) const POOLS_RESERVE: u64 = 16 * 160_000 + UPDATE_RESERVE;
/// What a prelude keeps for one feed's price: of sixteen sources, fifteen of them outliers, all slots cold.
pub(crate) const UPDATE_RESERVE: u64 = 400_000;

/// EIP-2200: a write with no more gas than a plain transfer brings is refused.
const STORE_STIPEND: u64 = 2_300;
/// `LOG0` to `LOG4`, before topics and data.
const LOG: u64 = 375;

/// What one search costs in an account of so many legs; nothing where none is needed.
pub(crate) fn search(legs: u64) -> u64 {
    let pairs = legs.saturating_mul(legs).saturating_mul(SEARCH_PAIR);
    if legs == 0 { 0 } else { pairs.saturating_add(SEARCH) }
}

/// The schedule of the newest rules, which changed none of these prices since London.
static SCHEDULE: LazyLock<GasParams> = LazyLock::new(|| GasParams::new_spec(SpecId::OSAKA));

/// The gas of one native call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    limit: u64,
    left: u64,
    refunded: i64,
}

impl Meter {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, left: limit, refunded: 0 }
    }

    pub(crate) const fn used(&self) -> u64 {
        self.limit.saturating_sub(self.left)
    }

    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    pub(crate) const fn refunded(&self) -> i64 {
        self.refunded
    }

    pub(crate) fn charge(&mut self, cost: u64) -> Result<(), Fault> {
        self.left = self.left.checked_sub(cost).ok_or(Fault::OutOfGas)?;
        Ok(())
    }

    /// Whether a cold account could not be paid for.
    pub(crate) fn lacks_cold_account(&self) -> bool {
        self.left < SCHEDULE.cold_account_additional_cost()
    }

    /// Whether a cold slot could not be paid for.
    pub(crate) fn lacks_cold_slot(&self) -> bool {
        self.left < SCHEDULE.cold_storage_cost()
    }

    pub(crate) fn charge_account(&mut self, is_cold: bool) -> Result<(), Fault> {
        self.charge(if is_cold { SCHEDULE.cold_account_additional_cost() } else { 0 })
    }

    pub(crate) fn charge_load(&mut self, is_cold: bool) -> Result<(), Fault> {
        let warm = SCHEDULE.warm_storage_read_cost();
        self.charge(if is_cold { SCHEDULE.cold_storage_cost() } else { warm })
    }

    /// Charges and refunds a write to a slot that is warm.
    pub(crate) fn charge_store(&mut self, values: &SStoreResult) -> Result<(), Fault> {
        if self.left <= STORE_STIPEND {
            return Err(Fault::OutOfGas);
        }
        let dynamic = SCHEDULE.sstore_dynamic_gas(true, values, false);
        self.charge(SCHEDULE.sstore_static_gas().saturating_add(dynamic))?;
        self.refunded = self.refunded.saturating_add(SCHEDULE.sstore_refund(true, values));
        Ok(())
    }

    pub(crate) fn charge_log(&mut self, data: &LogData) -> Result<(), Fault> {
        let topics = u8::try_from(data.topics().len()).unwrap_or(u8::MAX);
        let length = u64::try_from(data.data.len()).unwrap_or(u64::MAX);
        self.charge(LOG.saturating_add(SCHEDULE.log_cost(topics, length)))
    }

    /// Charges a contract with one byte of code.
    pub(crate) fn charge_create(&mut self) -> Result<(), Fault> {
        self.charge(SCHEDULE.create_cost().saturating_add(SCHEDULE.code_deposit_cost(1)))
    }

    /// Charges a movement of native coins to an account that exists.
    pub(crate) fn charge_transfer(&mut self) -> Result<(), Fault> {
        self.charge(SCHEDULE.transfer_value_cost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    fn store(original: u64, present: u64, new: u64) -> (u64, i64) {
        let mut meter = Meter::new(100_000);
        let [original_value, present_value, new_value] = [original, present, new].map(U256::from);
        meter.charge_store(&SStoreResult { original_value, present_value, new_value }).unwrap();
        (meter.used(), meter.refunded())
    }

    /// EIP-2200's table, with the prices of EIP-2929 and EIP-3529.
    #[test]
    fn writes_cost_what_the_eips_say() {
        for ((original, present, new), expected) in [
            ((0, 0, 1), (20_000, 0)),
            ((1, 1, 2), (2_900, 0)),
            ((1, 1, 0), (2_900, 4_800)),
            ((1, 1, 1), (100, 0)),
            ((0, 1, 2), (100, 0)),
            ((0, 1, 0), (100, 19_900)),
            ((1, 2, 1), (100, 2_800)),
            ((1, 0, 2), (100, -4_800)),
            ((1, 2, 0), (100, 4_800)),
            ((1, 0, 1), (100, -2_000)),
        ] {
            assert_eq!(store(original, present, new), expected, "{original} {present} {new}");
        }
    }

    #[test]
    fn a_call_with_a_transfer_s_stipend_cannot_write() {
        let one = U256::ONE;
        let same = SStoreResult { original_value: one, present_value: one, new_value: one };
        assert_eq!(Meter::new(2_300).charge_store(&same), Err(Fault::OutOfGas));
        assert_eq!(Meter::new(2_301).charge_store(&same), Ok(()));
    }
}
