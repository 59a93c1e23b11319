//! What gas costs: suggestions and history.

use alloy_consensus::BlockHeader;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U128, U256};
use gage_chain::{SYSTEM, SealedHeader};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    arguments::Number,
    context::Context,
    error::{InternalError, LimitError, RequestError},
    methods::{Answer, Methods},
};

/// Blocks of one history; whoever asks for more gets these, as from other clients.
const HISTORY_BLOCKS_MAX: u64 = 1024;
/// There are no blobs: their gas costs the least that EIP-4844 knows, and none is used.
const BLOB_BASE_FEE: u128 = 1;
/// Percentiles of one history.
const PERCENTILES_MAX: usize = 100;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("eth_gasPrice", gas_price)?;
    methods.quick("eth_blobBaseFee", blob_base_fee)?;
    methods.quick("eth_maxPriorityFeePerGas", tip)?;
    methods.heavy("eth_feeHistory", history)
}

fn gas_price(context: &Context, (): ()) -> Answer<U256> {
    let base_fee = U256::from(context.chain.next_base_fee());
    Ok(base_fee.saturating_add(U256::from(context.node.tip_suggestion())))
}

fn blob_base_fee(_: &Context, (): ()) -> Answer<U256> {
    Ok(U256::from(BLOB_BASE_FEE))
}

fn tip(context: &Context, (): ()) -> Answer<U256> {
    Ok(U256::from(context.node.tip_suggestion()))
}

/// What blocks asked and were paid. A history of no blocks has all its lists, empty.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    oldest_block: U64,
    /// With that of the block after the newest.
    base_fee_per_gas: Vec<U128>,
    gas_used_ratio: Vec<f64>,
    base_fee_per_blob_gas: Vec<U128>,
    blob_gas_used_ratio: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<Vec<Vec<U128>>>,
}

fn history(
    context: &Context,
    (count, newest, percentiles): (Number<u64>, BlockNumberOrTag, Option<Vec<f64>>),
) -> Answer<FeeHistory> {
    let percentiles = check_percentiles(percentiles)?;
    let at = context.at(Some(newest.into()))?;
    let newest = context.number(at);
    let count = count.0.min(HISTORY_BLOCKS_MAX).min(newest + 1);
    let oldest_block = newest + 1 - count;
    let oldest = U64::from(oldest_block);
    let mut history = FeeHistory { oldest_block: oldest, ..FeeHistory::default() };
    if count == 0 {
        return Ok(history);
    }
    let mut rewards = Vec::new();
    for number in oldest_block..=newest {
        let header = context.header(number)?;
        history.base_fee_per_gas.push(U128::from(base_fee(&header)));
        history.gas_used_ratio.push(header.gas_used as f64 / header.gas_limit as f64);
        history.blob_gas_used_ratio.push(0.0);
        if let Some(percentiles) = &percentiles {
            rewards.push(block_rewards(context, &header, percentiles)?);
        }
    }
    history.base_fee_per_gas.push(U128::from(base_fee_after(context, newest)?));
    history.base_fee_per_blob_gas = vec![U128::from(BLOB_BASE_FEE); history.base_fee_per_gas.len()];
    history.reward = percentiles.map(|_| rewards);
    Ok(history)
}

fn check_percentiles(percentiles: Option<Vec<f64>>) -> Answer<Option<Vec<f64>>> {
    let Some(percentiles) = percentiles.filter(|percentiles| !percentiles.is_empty()) else {
        return Ok(None);
    };
    let asked = percentiles.len();
    if asked > PERCENTILES_MAX {
        return Err(LimitError::Percentiles { asked, most: PERCENTILES_MAX }.into());
    }
    let mut last = 0.0;
    for percentile in &percentiles {
        if !(last..=100.0).contains(percentile) {
            return Err(RequestError::Percentile(*percentile).into());
        }
        last = *percentile;
    }
    Ok(Some(percentiles))
}

fn base_fee(header: &SealedHeader) -> u128 {
    header.base_fee_per_gas().unwrap_or_default().into()
}

fn base_fee_after(context: &Context, number: u64) -> Answer<u128> {
    if number < context.chain.head().number {
        return Ok(base_fee(&context.header(number + 1)?));
    }
    Ok(context.chain.next_base_fee().into())
}

/// The tips below which the given percentages of the block's gas were paid. System transactions
/// pay none and are left out.
fn block_rewards(
    context: &Context,
    header: &SealedHeader,
    percentiles: &[f64],
) -> Answer<Vec<U128>> {
    let number = header.number;
    let receipts = context.chain.receipts(number)?.ok_or(InternalError::Incomplete(number))?;
    let base_fee = base_fee(header);
    let users = receipts.iter().filter(|found| found.transaction.signer() != SYSTEM);
    let mut tips: Vec<(u128, u64)> =
        users.map(|found| (found.gas_price.saturating_sub(base_fee), found.gas_used)).collect();
    tips.sort_unstable();
    let gas_used: u64 = tips.iter().map(|(_, gas)| gas).sum();
    let reward = |percentile: &f64| {
        let threshold = (gas_used as f64 * percentile / 100.0) as u64;
        let mut gas_below = 0;
        let reached = tips.iter().find(|(_, gas)| {
            gas_below += gas;
            gas_below >= threshold
        });
        reached.or(tips.last()).map_or(0, |(tip, _)| *tip)
    };
    Ok(percentiles.iter().map(reward).map(U128::from).collect())
}
