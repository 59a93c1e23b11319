//! Who is to be swept: the liquidation index, kept beside the state that it is derived from.
//!
//! The index only narrows the search. Whoever it suspects is judged by the very plan that the sweep
//! carries out, so the list, and with it the block, is the same on every node however its index grew. How many are
//! judged is bounded where the accounts may be made for that: in markets that are not recognised (N-10, LIQ-5).

use gage_core::{
    AccountId, Ledger, Stop, Timestamp, Wad, address::MARKET, sweep::plan_sweep, watch::Watch,
};
use gage_evm::SlotLedger;
use gage_evm::view::{self, ViewSlots};
use gage_state::{Changes, View};
use parking_lot::Mutex;
use revm::DatabaseRef;

use crate::{
    ChainError,
    rules::{SWEEP_ACCOUNTS_MAX, UNRECOGNISED_JUDGED_MAX},
    turns::{Due, Lots},
};

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

    /// The accounts that a sweep would do something for at the prices in `state`, in the order in which it serves them, at
    /// most as many as a sweep holds.
    pub(crate) fn due<D: DatabaseRef>(
        &self,
        state: D,
        now: Timestamp,
        lots: Lots,
    ) -> Result<Vec<AccountId>, ChainError> {
        let mut watch = self.0.lock();
        let mut ledger = view::ledger_at(state, now);
        let mut due = Vec::new();
        for (recognised, suspects) in to_judge(&watch, &mut ledger, lots)? {
            for batch in suspects.chunks(BATCH) {
                ledger.discard();
                let mut others = Vec::new();
                for id in batch {
                    match value_at_risk(&mut ledger, id)? {
                        Some(value_at_risk) => {
                            due.push(Due { id: *id, value_at_risk, recognised });
                        }
                        None => others.push(*id),
                    }
                }
                file(&mut watch, &mut ledger, &others)?;
            }
        }
        let mut order = lots.order(due);
        order.truncate(SWEEP_ACCOUNTS_MAX);
        Ok(order)
    }
}

/// The debt at risk of an account that a sweep would do something for. `None` if it is near the edge only, or nobody
/// buys, or there is no price to sell at.
fn value_at_risk<D: DatabaseRef>(
    ledger: &mut SlotLedger<ViewSlots<D>>,
    id: &AccountId,
) -> Result<Option<Wad>, ChainError> {
    match plan_sweep(ledger, id) {
        Ok(plan) => Ok(plan.map(|plan| plan.value_at_risk())),
        Err(Stop::Refused(_)) => Ok(None),
        Err(fault) => Err(ChainError::Ledger(fault)),
    }
}

/// Whom to judge, and whether their markets are recognised: in these every suspect, in the others those among a bounded
/// number of accounts. Which accounts these are follows from the state, and not from whom this node suspects; so nobody
/// makes a block's building longer by accounts that are suspected in vain, or found and never sold.
fn to_judge<D: DatabaseRef>(
    watch: &Watch,
    ledger: &mut SlotLedger<ViewSlots<D>>,
    lots: Lots,
) -> Result<[(bool, Vec<AccountId>); 2], ChainError> {
    let (mut suspects, mut others) = (Vec::new(), Vec::new());
    for market in watch.markets() {
        ledger.discard();
        if ledger.market(market).map_err(ChainError::Ledger)?.recognised {
            suspects.extend(watch.suspects_of(ledger, market).map_err(ChainError::Ledger)?);
        } else {
            others.push(market);
        }
    }
    others.sort_unstable_by_key(|market| (lots.of(market.get()), *market));
    others.truncate(UNRECOGNISED_JUDGED_MAX);
    let share = UNRECOGNISED_JUDGED_MAX / others.len().max(1);
    let mut among = Vec::new();
    for market in others {
        ledger.discard();
        let looked_at = lots.window(market, watch.accounts_of(market), share);
        among.extend(watch.suspects_among(ledger, &looked_at).map_err(ChainError::Ledger)?);
    }
    Ok([(true, suspects), (false, among)])
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
