//! The registry: assets and vaults are created and found here, and roles handed over.

use super::numbers::{asset_id, assets, label};
use super::shapes::model;
use super::{Answer, Frame, exposure};
use crate::gas;
use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use gage_abi::IRegistry::{self, IRegistryCalls as Call};
use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::protocol::{self, AssetTerms};
use gage_core::rebasing;
use gage_core::{AssetId, Bps, FeedId, Ledger, Protocol, Rebasing, VaultId, address};

pub(super) fn call(frame: &mut Frame<'_>, call: Call) -> Answer {
    match call {
        Call::createAsset(IRegistry::createAssetCall { name, symbol, decimals }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let terms = AssetTerms { name: label(&name)?, symbol: label(&symbol)?, decimals };
            let id = protocol::create_asset(ledger, caller, &terms)?;
            Ok(IRegistry::createAssetCall::abi_encode_returns(&address::asset(id)))
        }
        Call::createVault(IRegistry::createVaultCall { asset, name, symbol, terms }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let naming = Naming { name: label(&name)?, symbol: label(&symbol)? };
            let terms = VaultTerms {
                reserve_fee: Bps::new(terms.reserveFee),
                caps: Caps { supply: assets(terms.supplyCap)?, borrow: assets(terms.borrowCap)? },
                model: model(&terms.rates)?,
            };
            let id = curation::create_vault(ledger, caller, asset_id(asset)?, naming, &terms)?;
            Ok(IRegistry::createVaultCall::abi_encode_returns(&address::vault(id)))
        }
        Call::registerFactor(_)
        | Call::tagAsset(_)
        | Call::untagAsset(_)
        | Call::factorState(_)
        | Call::factorsOf(_)
        | Call::factorCount(_) => exposure::factors(frame, call),
        Call::createRebasing(IRegistry::createRebasingCall { asset, name, symbol, rateFeed }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let (name, symbol) = (label(&name)?, label(&symbol)?);
            let id = asset_id(asset)?;
            let view = Rebasing { name, symbol, rate: FeedId::new(rateFeed) };
            rebasing::create_rebasing(ledger, caller, id, &view)?;
            Ok(IRegistry::createRebasingCall::abi_encode_returns(&address::rebasing(id)))
        }
        Call::setGovernance(IRegistry::setGovernanceCall { governance }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            protocol::set_governance(ledger, caller, governance)?;
            Ok(Vec::new())
        }
        Call::setGuardian(IRegistry::setGuardianCall { guardian }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            protocol::set_guardian(ledger, caller, guardian)?;
            Ok(Vec::new())
        }
        Call::governance(_) => {
            let governance = frame.view()?.protocol()?.governance;
            Ok(IRegistry::governanceCall::abi_encode_returns(&governance))
        }
        Call::guardian(_) => {
            let guardian = frame.view()?.protocol()?.guardian;
            Ok(IRegistry::guardianCall::abi_encode_returns(&guardian))
        }
        Call::counts(_) => {
            let Protocol { assets, vaults, markets, feeds, .. } = frame.view()?.protocol()?;
            let counts = IRegistry::countsReturn { assets, vaults, markets, feeds };
            Ok(IRegistry::countsCall::abi_encode_returns(&counts))
        }
        Call::assetAt(IRegistry::assetAtCall { id }) => {
            let found = asset_at(frame.view()?, AssetId::new(id))?;
            Ok(IRegistry::assetAtCall::abi_encode_returns(&found))
        }
        Call::vaultAt(IRegistry::vaultAtCall { id }) => {
            let found = vault_at(frame.view()?, VaultId::new(id))?;
            Ok(IRegistry::vaultAtCall::abi_encode_returns(&found))
        }
    }
}

fn asset_at(ledger: &mut impl Ledger, id: AssetId) -> Answer<Address> {
    ledger.asset(id)?;
    Ok(address::asset(id))
}

fn vault_at(ledger: &mut impl Ledger, id: VaultId) -> Answer<Address> {
    ledger.vault(id)?;
    Ok(address::vault(id))
}
