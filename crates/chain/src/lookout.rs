//! Who is to be swept: the liquidation index, kept beside the state that it is derived from.
//!
//! The index only narrows the search. Whoever it suspects is judged by the very plan that the sweep
//! carries out, so the list, and with it the block, is the same on every node however its index grew.

use gage_core::{
    AccountId, Ledger, Stop, Timestamp, Wad, address::MARKET, sweep::plan_sweep, watch::Watch,
};
use gage_evm::SlotLedger;
use gage_evm::view::{self, ViewSlots};
use gage_state::{Changes, View};
use parking_lot::Mutex;
use revm::DatabaseRef;

use crate::{ChainError, rules::SWEEP_ACCOUNTS_MAX};

/// How many accounts are read between two clearings of the ledger's cache. It is searched one slot
/// after the other, and keeps what accounts share.
pub(crate) const BATCH: usize = 128;

/// The accounts of a state, filed by how far they are from liquidation.
pub(crate) struct Lookout(Mutex<Watch>);

impl Lookout {
    /// Files every account of `state`, whose block is of the time `now`.
    pub(crate) fn over(state: &View, now: Timestamp) -> Result<Self, ChainError> {
        let lookout = Self(Mutex::new(Watch::new()));
        let mut accounts = Vec::new();
        for slot in state.storage_of(MARKET)? {
            accounts.extend(view::account_of(slot?.0));
        }
        lookout.follow(state, now, &mut accounts)?;
        Ok(lookout)
    }

    /// Files accounts that a block has touched anew, as they are in `state`.
    pub(crate) fn follow(
        &self,
        state: &View,
        now: Timestamp,
        touched: &mut Vec<AccountId>,
    ) -> Result<(), ChainError> {
        touched.sort_unstable();
        touched.dedup();
        let mut watch = self.0.lock();
        let mut ledger = view::ledger_at(state.clone(), now);
        for batch in touched.chunks(BATCH) {
            ledger.discard();
            file(&mut watch, &mut ledger, batch)?;
        }
        Ok(())
    }

    /// Everyone who may be below their alert at the prices in `state`, by their ids.
    pub(crate) fn suspects<D: DatabaseRef>(
        &self,
        state: D,
        now: Timestamp,
    ) -> Result<Vec<AccountId>, ChainError> {
        let mut ledger = view::ledger_at(state, now);
        let mut suspects = self.0.lock().suspects(&mut ledger).map_err(ChainError::Ledger)?;
        suspects.sort_unstable();
        Ok(suspects)
    }

    /// The accounts that a sweep would do something for at the prices in `state`: the most debt above
    /// the liquidation limit first, at most as many as a sweep holds.
    pub(crate) fn due<D: DatabaseRef>(
        &self,
        state: D,
        now: Timestamp,
    ) -> Result<Vec<AccountId>, ChainError> {
        let mut watch = self.0.lock();
        let mut ledger = view::ledger_at(state, now);
        let mut due = Vec::new();
        let suspects = watch.suspects(&mut ledger).map_err(ChainError::Ledger)?;
        for batch in suspects.chunks(BATCH) {
            ledger.discard();
            let mut others = Vec::new();
            for id in batch {
                match plan_sweep(&mut ledger, id) {
                    Ok(Some(plan)) => due.push((plan.value_at_risk(), *id)),
                    // Near the edge, or nobody buys, or there is no price to sell at.
                    Ok(None) | Err(Stop::Refused(_)) => others.push(*id),
                    Err(fault) => return Err(ChainError::Ledger(fault)),
                }
            }
            file(&mut watch, &mut ledger, &others)?;
        }
        due.sort_unstable_by(|(value, id), (other, next)| other.cmp(value).then(id.cmp(next)));
        due.truncate(SWEEP_ACCOUNTS_MAX);
        Ok(due.into_iter().map(|(_, id)| id).collect())
    }
}

/// Files accounts by their health, or by how far they are from their owners' stop-loss orders.
fn file<D: DatabaseRef>(
    watch: &mut Watch,
    ledger: &mut SlotLedger<ViewSlots<D>>,
    accounts: &[AccountId],
) -> Result<(), ChainError> {
    let mut alerts = Vec::with_capacity(accounts.len());
    for id in accounts {
        let order = ledger.stop_loss(id).map_err(ChainError::Ledger)?;
        alerts.push((*id, order.map_or(Wad::ONE, |order| order.trigger)));
    }
    watch.file(ledger, alerts).map_err(ChainError::Ledger)
}

/// The accounts whose slots are among `changes`.
pub(crate) fn touched(changes: &Changes) -> Vec<AccountId> {
    let market = changes.accounts.get(&MARKET);
    let keys = market.into_iter().flat_map(|change| change.storage.keys());
    keys.filter_map(|key| view::account_of(*key)).collect()
}
