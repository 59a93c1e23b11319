//! `gage_liquidations`: who was liquidated, and what it left unpaid.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use gage_abi::IMarket::{BadDebt, Liquidated};
use gage_chain::{FoundLog, LogFilter};
use gage_core::{Bps, Wad, address::MARKET};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, VaultName, asset_at, vault_at},
    numbers::Shown,
};
use crate::{
    context::Context,
    error::{InternalError, LimitError, RequestError},
    eth::bound,
    methods::Answer,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Liquidations {
    liquidations: Vec<Liquidation>,
    bad_debts: Vec<Unpaid>,
}

/// Where and for whom it happened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    block_number: u64,
    timestamp: u64,
    transaction_hash: B256,
    market: u32,
    owner: Address,
    sub: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Liquidation {
    #[serde(flatten)]
    place: Place,
    liquidator: Address,
    vault: VaultName,
    asset: AssetName,
    repaid: Shown,
    seized: Shown,
    health_factor: Shown,
    bonus: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unpaid {
    #[serde(flatten)]
    place: Place,
    vault: VaultName,
    amount: Shown,
}

/// Liquidations of the blocks `from` to `to`; by default of as many up to the head as one query
/// spans.
pub(super) fn liquidations(
    context: &Context,
    (from, to): (Option<BlockNumberOrTag>, Option<BlockNumberOrTag>),
) -> Answer<Liquidations> {
    let most = context.limits.log_blocks_max;
    let to = bound(context, to).min(context.chain.head().number);
    let from = from.map_or((to + 1).saturating_sub(most), |from| bound(context, Some(from)));
    if from > to {
        return Err(RequestError::InvertedRange { from, to }.into());
    }
    let asked = to - from + 1;
    if asked > most {
        return Err(LimitError::LogBlocks { asked, most }.into());
    }
    let mut filter = LogFilter { from, to, addresses: vec![MARKET], ..LogFilter::default() };
    filter.topics[0] = vec![Liquidated::SIGNATURE_HASH, BadDebt::SIGNATURE_HASH];
    let found = context.chain.logs(&filter, context.limits.log_results_max)?;
    // Names never change, so those of today serve for every block.
    let mut book = book(context, None)?;
    let mut told = Liquidations { liquidations: Vec::new(), bad_debts: Vec::new() };
    for log in &found {
        book.discard();
        if log.log.topics().first() == Some(&Liquidated::SIGNATURE_HASH) {
            told.liquidations.push(liquidation(&mut book, log)?);
        } else {
            told.bad_debts.push(unpaid(&mut book, log)?);
        }
    }
    Ok(told)
}

fn place(found: &FoundLog, market: u32, owner: Address, sub: u32) -> Place {
    Place {
        block_number: found.place.block_number,
        timestamp: found.place.timestamp,
        transaction_hash: found.transaction_hash,
        market,
        owner,
        sub,
    }
}

fn decoded<E: SolEvent>(found: &FoundLog) -> Answer<E> {
    let event = E::decode_log_data(&found.log.data);
    Ok(event.map_err(|_| InternalError::Incomplete(found.place.block_number))?)
}

fn liquidation(book: &mut Book, found: &FoundLog) -> Answer<Liquidation> {
    let event: Liquidated = decoded(found)?;
    let vault = VaultName::of(book, vault_at(event.vault)?)?;
    let asset = AssetName::of(book, asset_at(event.asset)?)?;
    Ok(Liquidation {
        place: place(found, event.market, event.owner, event.sub),
        liquidator: event.liquidator,
        repaid: amount(event.repaid, vault.asset.decimals),
        seized: amount(event.seized, asset.decimals),
        health_factor: Shown::health(Wad::new(event.healthFactor.saturating_to())),
        bonus: Shown::bps(Bps::new(event.bonus)),
        vault,
        asset,
    })
}

fn unpaid(book: &mut Book, found: &FoundLog) -> Answer<Unpaid> {
    let event: BadDebt = decoded(found)?;
    let vault = VaultName::of(book, vault_at(event.vault)?)?;
    Ok(Unpaid {
        place: place(found, event.market, event.owner, event.sub),
        amount: amount(event.amount, vault.asset.decimals),
        vault,
    })
}

fn amount(amount: U256, decimals: u8) -> Shown {
    Shown::amount(amount.saturating_to(), decimals)
}
