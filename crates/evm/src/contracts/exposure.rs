//! What assets have in common, and what backs a vault's debt.

use super::numbers::{asset_id, label, vault_id, wide_cap};
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::{IMarket, IMarket::IMarketCalls, IRegistry, IRegistry::IRegistryCalls};
use gage_core::exposure::{Exposure, backing, exposure_to_collateral, exposure_to_factor};
use gage_core::{
    AccountId, Error, Factor, FactorId, FactorKind, Ledger, MarketId, address, factor,
};

fn kind(number: u8) -> Result<FactorKind, Error> {
    let value = u128::from(number);
    let found = FactorKind::ALL.get(usize::from(number));
    found.copied().ok_or(Error::InvalidParameter { name: "kind", value })
}

/// What governance says of factors, and what it said.
pub(super) fn factors(frame: &mut Frame<'_>, call: IRegistryCalls) -> Answer {
    use IRegistryCalls as Call;
    match call {
        Call::registerFactor(IRegistry::registerFactorCall { kind: number, label: text }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let factor = Factor { kind: kind(number)?, label: label(&text)? };
            let id = factor::register_factor(ledger, caller, &factor)?;
            Ok(IRegistry::registerFactorCall::abi_encode_returns(&id.get()))
        }
        Call::tagAsset(IRegistry::tagAssetCall { asset, factor: id }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            factor::tag_asset(ledger, caller, asset_id(asset)?, FactorId::new(id))?;
            Ok(Vec::new())
        }
        Call::untagAsset(IRegistry::untagAssetCall { asset, kind: number }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            factor::untag_asset(ledger, caller, asset_id(asset)?, kind(number)?)?;
            Ok(Vec::new())
        }
        Call::factorState(IRegistry::factorStateCall { factor: id }) => {
            let ledger = frame.view()?;
            let Factor { kind, label } = ledger.factor(FactorId::new(id))?;
            let assets = ledger.factor_assets(FactorId::new(id))?;
            let assets = assets.into_iter().map(address::asset).collect();
            let label = label.as_str().to_owned();
            let state = IRegistry::FactorState { kind: kind as u8, label, assets };
            Ok(IRegistry::factorStateCall::abi_encode_returns(&state))
        }
        Call::factorsOf(IRegistry::factorsOfCall { asset }) => {
            let ledger = frame.view()?;
            let asset = asset_id(asset)?;
            ledger.asset(asset)?;
            let tags = ledger.tags(asset)?;
            let numbers = FactorKind::ALL.map(|kind| tags.of(kind).map_or(0, FactorId::get));
            Ok(IRegistry::factorsOfCall::abi_encode_returns(&numbers))
        }
        Call::factorCount(_) => {
            let count = frame.view()?.protocol()?.factors;
            Ok(IRegistry::factorCountCall::abi_encode_returns(&count))
        }
        other => Err(misrouted(other.selector())),
    }
}

fn exposure_state(exposure: &Exposure) -> IMarket::ExposureState {
    IMarket::ExposureState {
        amount: U256::from(exposure.amount.get()),
        untracked: U256::from(exposure.untracked.get()),
        cap: wide_cap(exposure.cap),
    }
}

/// What backs debts.
pub(super) fn read(frame: &mut Frame<'_>, call: IMarketCalls) -> Answer {
    use IMarketCalls as Call;
    let ledger = frame.view()?;
    Ok(match call {
        Call::exposureState(IMarket::exposureStateCall { vault, factor }) => {
            let factor = FactorId::new(factor);
            let exposure = exposure_to_factor(ledger, vault_id(vault)?, factor)?;
            IMarket::exposureStateCall::abi_encode_returns(&exposure_state(&exposure))
        }
        Call::ceilingState(IMarket::ceilingStateCall { market, vault, asset }) => {
            let line = (MarketId::new(market), vault_id(vault)?);
            let exposure = exposure_to_collateral(ledger, line, asset_id(asset)?)?;
            IMarket::ceilingStateCall::abi_encode_returns(&exposure_state(&exposure))
        }
        Call::backingOf(IMarket::backingOfCall { market, owner, sub }) => {
            let id = AccountId { market: MarketId::new(market), owner, sub };
            let parts = backing(ledger, &id)?.into_iter().map(|(asset, part)| {
                IMarket::BackingPart { asset: address::asset(asset), part: part.get() }
            });
            IMarket::backingOfCall::abi_encode_returns(&parts.collect())
        }
        other => return Err(misrouted(other.selector())),
    })
}
