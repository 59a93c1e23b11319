//! A rebasing view over an asset: what it adds to a token.

use super::numbers::narrow;
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IRebasing::{self, IRebasingCalls as Call};
use gage_core::rebasing;
use gage_core::{AssetId, Ledger, Token, address};

pub(super) fn call(frame: &mut Frame<'_>, id: AssetId, call: Call) -> Answer {
    if let Call::transferShares(IRebasing::transferSharesCall { to, shares }) = call {
        let (ledger, caller) = frame.act(gas::SMALL)?;
        let amount = rebasing::transfer_shares(ledger, caller, id, to, narrow(shares)?)?;
        return Ok(IRebasing::transferSharesCall::abi_encode_returns(&U256::from(amount)));
    }
    let ledger = frame.view()?;
    Ok(match call {
        Call::asset(_) => IRebasing::assetCall::abi_encode_returns(&address::asset(id)),
        Call::rateFeed(_) => {
            let feed = rebasing::rebasing(ledger, id)?.rate.get();
            IRebasing::rateFeedCall::abi_encode_returns(&feed)
        }
        Call::getTotalShares(_) => {
            let supply = U256::from(ledger.asset(id)?.supply.get());
            IRebasing::getTotalSharesCall::abi_encode_returns(&supply)
        }
        Call::sharesOf(IRebasing::sharesOfCall { account }) => {
            let held = U256::from(ledger.balance(Token::Asset(id), account)?);
            IRebasing::sharesOfCall::abi_encode_returns(&held)
        }
        Call::getPooledTokenByShares(IRebasing::getPooledTokenBySharesCall { shares }) => {
            let amount = U256::from(rebasing::pooled(ledger, id, narrow(shares)?)?);
            IRebasing::getPooledTokenBySharesCall::abi_encode_returns(&amount)
        }
        Call::getSharesByPooledToken(IRebasing::getSharesByPooledTokenCall { amount }) => {
            let shares = U256::from(rebasing::shares(ledger, id, narrow(amount)?)?);
            IRebasing::getSharesByPooledTokenCall::abi_encode_returns(&shares)
        }
        other @ Call::transferShares(_) => return Err(misrouted(other.selector())),
    })
}
