//! The market contract's moving of whole accounts.

use super::numbers::vault_id;
use super::shapes::{account_state, health};
use super::{Answer, Frame, search};
use crate::gas;
use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use gage_abi::IMarket::{self, VaultPair};
use gage_abi::encode_error;
use gage_core::rehoming::{self, Pair, Route};
use gage_core::{AccountId, MarketId};

fn pairs(pairs: &[VaultPair]) -> Answer<Vec<Pair>> {
    let pair = |pair: &VaultPair| Ok(Pair { from: vault_id(pair.from)?, to: vault_id(pair.to)? });
    pairs.iter().map(pair).collect()
}

fn route(owner: Address, from: (u32, u32), to: (u32, u32), pairs: &[Pair]) -> Route<'_> {
    let place = |(market, sub)| (MarketId::new(market), sub);
    Route { owner, from: place(from), to: place(to), pairs }
}

/// Moves an account.
pub(super) fn rehome(frame: &mut Frame<'_>, call: &IMarket::rehomeCall) -> Answer {
    let (ledger, caller) = frame.act(gas::REHOMING)?;
    let pairs = pairs(&call.pairs)?;
    let ends = ((call.market, call.sub), (call.toMarket, call.toSub));
    let route = route(call.owner, ends.0, ends.1, &pairs);
    let factor = rehoming::rehome(ledger, caller, &route)?;
    Ok(IMarket::rehomeCall::abi_encode_returns(&health(factor)))
}

/// How it would stand there, and why it cannot go.
pub(super) fn preview(frame: &mut Frame<'_>, call: &IMarket::previewRehomeCall) -> Answer {
    let ledger = frame.view()?;
    let pairs = pairs(&call.pairs)?;
    let ends = ((call.market, call.sub), (call.toMarket, call.toSub));
    let account =
        |(market, sub)| AccountId { market: MarketId::new(market), owner: call.owner, sub };
    let [here, there] = [ends.0, ends.1].map(account);
    search::charge_explanation(ledger, there.market, &[here, there])?;
    let preview = rehoming::preview(ledger, &route(call.owner, ends.0, ends.1, &pairs))?;
    Ok(IMarket::previewRehomeCall::abi_encode_returns(&IMarket::previewRehomeReturn {
        there: account_state(&preview.explanation),
        reasons: preview.reasons.iter().map(encode_error).collect(),
    }))
}
