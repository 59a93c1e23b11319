//! `gage_*`: the lending protocol, read for people and programs.
//!
//! Every answer is computed by `gage_core` over the records of one block's state, in memory: the
//! same functions that carry out transactions. Names, symbols and decimals come along, and every
//! quantity is both exact (`raw`, base units in decimal) and readable (`formatted`), so that a
//! table can be printed from one answer.
//!
//! | Method | Parameters (optional ones in brackets) |
//! |---|---|
//! | `gage_assets`, `gage_vaults`, `gage_markets`, `gage_feeds` | \[block\] |
//! | `gage_rates` | vault \[parts\] \[block\]: the rate curve, and where the vault stands |
//! | `gage_account` | address \[market\] \[sub\] \[block\] |
//! | `gage_explain` | market, owner \[sub\] \[block\] |
//! | `gage_whatIf` | market, owner, sub, changes: see [`what_if::Changes`] |
//! | `gage_queue` | market, vault, asset \[block\]: bids by discount, cumulated |
//! | `gage_bids` | address \[block\]: a bidder's bids over all queues |
//! | `gage_exposures` | \[vault\] \[block\]: what backs vaults' debt, by factor and collateral |
//! | `gage_stakes` | address \[block\]: a staker's first-loss capital over all lines |
//! | `gage_authorisations` | owner \[first block\] \[last block\]: operators and delegated credit |
//! | `gage_rehomePreview` | owner, `{ market, sub }`, `{ market, sub }` \[list of `{ from, to }` vaults\]: an account elsewhere |
//! | `gage_exits` | address \[block\]: an address's places in exit queues |
//! | `gage_liquidations` | \[first block\] \[last block\]: sweeps and open liquidations |
//! | `gage_losses` | \[first block\] \[last block\]: bad debt, and who bore it |
//! | `gage_submitReports` | list of `{ report: { feed, round, time, price, confidence? }, v, r, s }` |
//! | `gage_submitMessages` | list of `{ provider, feeds, data }`: other oracles' signed messages |
//! | `gage_check` | \[block\]: every invariant of the protocol in its state, and in the step to it |
//! | `gage_status` | |
//!
//! Numbers are JSON numbers, decimal strings or hex.

mod accounts;
mod authorisations;
mod bids;
mod check;
mod exits;
mod explain;
mod exposures;
mod feeds;
mod liquidations;
mod losses;
mod margin;
mod markets;
mod names;
mod notice;
mod numbers;
mod past;
mod queue;
mod rates;
mod rehoming;
mod reports;
mod stakes;
mod status;
mod sweep;
mod terms;
mod vaults;
mod what_if;

use alloy_eips::BlockId;
use gage_core::Timestamp;
use gage_evm::{
    SlotLedger,
    view::{ViewSlots, ledger_at},
};
use gage_state::View;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    context::{At, Context},
    methods::{Answer, Methods},
};

/// The protocol's records at one block; what is tried on them stays here.
type Book = SlotLedger<ViewSlots<View>>;

pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.heavy("gage_assets", vaults::assets)?;
    methods.heavy("gage_vaults", vaults::vaults)?;
    methods.heavy("gage_markets", markets::markets)?;
    methods.heavy("gage_feeds", feeds::feeds)?;
    methods.heavy("gage_rates", rates::rates)?;
    methods.heavy("gage_account", accounts::account)?;
    methods.heavy("gage_explain", explain::explain)?;
    methods.heavy("gage_whatIf", what_if::what_if)?;
    methods.heavy("gage_queue", queue::queue)?;
    methods.heavy("gage_bids", bids::bids_of)?;
    methods.heavy("gage_stakes", stakes::stakes_of)?;
    methods.heavy("gage_exposures", exposures::exposures)?;
    methods.heavy("gage_authorisations", authorisations::authorisations)?;
    methods.heavy("gage_rehomePreview", rehoming::rehome_preview)?;
    methods.heavy("gage_exits", exits::exits_of)?;
    methods.heavy("gage_liquidations", liquidations::liquidations)?;
    methods.heavy("gage_losses", losses::losses)?;
    methods.heavy("gage_check", check::check)?;
    methods.read("gage_submitReports", reports::submit)?;
    methods.read("gage_submitMessages", reports::submit_messages)?;
    methods.read("gage_status", status::status)
}

/// The records at the block that `id` names, at that block's time; at the next one's for `pending`.
fn book(context: &Context, id: Option<BlockId>) -> Answer<Book> {
    let at = context.at(id)?;
    let number = context.number(at);
    let time = match at {
        At::Block(number) => context.header(number)?.timestamp,
        At::Pending => context.next_block().timestamp.unwrap_or_default(),
    };
    Ok(ledger_at(context.chain.state(number)?, Timestamp::new(time)))
}
