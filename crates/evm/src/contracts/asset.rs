//! An asset beyond ERC-20: issuing, and wrapping of the native coin.

use super::numbers::assets;
use super::{Answer, Frame, refused};
use crate::gas;
use alloy_sol_types::SolCall;
use gage_abi::IAsset::{self, IAssetCalls as Call};
use gage_abi::IGageErrors;
use gage_core::{AssetId, Ledger, address, token};

pub(super) fn call(frame: &mut Frame<'_>, id: AssetId, call: Call) -> Answer {
    match call {
        Call::issuer(_) => {
            let issuer = frame.view()?.asset(id)?.issuer;
            return Ok(IAsset::issuerCall::abi_encode_returns(&issuer));
        }
        Call::setIssuer(IAsset::setIssuerCall { issuer }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            token::set_issuer(ledger, caller, id, issuer)?;
        }
        Call::mint(IAsset::mintCall { to, value }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            token::mint(ledger, caller, id, to, assets(value)?)?;
        }
        Call::burn(IAsset::burnCall { value }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            token::burn(ledger, caller, id, assets(value)?)?;
        }
        Call::deposit(_) => {
            let value = assets(frame.value())?;
            let (ledger, caller) = frame.act_paid(gas::SMALL)?;
            token::wrap(ledger, caller, id, value)?;
        }
        Call::withdraw(IAsset::withdrawCall { value }) => unwrap(frame, id, value)?,
    }
    Ok(Vec::new())
}

/// Burns wrapped coins and pays native ones, without running any code of the receiver.
fn unwrap(frame: &mut Frame<'_>, id: AssetId, value: alloy_primitives::U256) -> Answer<()> {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    token::unwrap(ledger, caller, id, assets(value)?)?;
    let contract = address::asset(id);
    if ledger.slots().transfer(contract, caller, value)? {
        Ok(())
    } else {
        // Every wrapped coin has its native one here; only a forged state could say otherwise.
        Err(refused(&IGageErrors::Overflow {}))
    }
}
