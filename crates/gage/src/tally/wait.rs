//! How long a liquidation took, in blocks.

use alloy_primitives::U256;
use gage_abi::IMarket;
use gage_chain::Chain;

use crate::{
    contracts::MARKET,
    local::AtBlock,
    reading::{AccountKey, ask},
};

/// One, as a wad.
const ONE: u128 = 10_u128.pow(18);

/// How many blocks before `sold` the account was below health 1 already: none if the block that
/// brought the price sold it. `None` where the states are pruned.
pub(super) fn blocks_waited(chain: &Chain, account: AccountKey, sold: u64) -> Option<u64> {
    let mut first = sold;
    while let Some(before) = first.checked_sub(1) {
        if health(chain, account, before)? >= U256::from(ONE) {
            break;
        }
        first = before;
    }
    Some(sold - first)
}

/// The account's health at the end of a block; `None` if that cannot be told any more.
fn health(chain: &Chain, account: AccountKey, number: u64) -> Option<U256> {
    let AccountKey { market, owner, sub } = account;
    let call = IMarket::healthFactorCall { market, owner, sub };
    ask(&AtBlock { chain, number }, MARKET, &call).ok()
}
