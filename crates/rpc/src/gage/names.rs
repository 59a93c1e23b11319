//! What things are called: with each id the address, symbol and decimals.

use alloy_primitives::Address;
use gage_core::{
    Stop,
    address::{self, Native},
    ids::{AssetId, FeedId, VaultId},
    ledger::Ledger,
    quote::quote,
};
use serde::Serialize;

use super::numbers::Shown;
use crate::{error::RequestError, methods::Answer};

/// The name of an asset, or of a vault's share where one is collateral.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssetName {
    pub(super) id: u32,
    address: Address,
    symbol: String,
    pub(super) decimals: u8,
}

impl AssetName {
    pub(super) fn of<L: Ledger>(ledger: &mut L, id: AssetId) -> Result<Self, Stop> {
        let (symbol, decimals) = match id.as_share() {
            Some(vault) => ledger.vault(vault).map(|vault| (vault.symbol, vault.decimals))?,
            None => ledger.asset(id).map(|asset| (asset.symbol, asset.decimals))?,
        };
        let (address, symbol) = (address::asset(id), symbol.as_str().to_owned());
        Ok(Self { id: id.get(), address, symbol, decimals })
    }
}

/// A vault's name, with what it lends.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VaultName {
    pub(super) id: u32,
    address: Address,
    symbol: String,
    pub(super) decimals: u8,
    pub(super) asset: AssetName,
}

impl VaultName {
    pub(super) fn of<L: Ledger>(ledger: &mut L, id: VaultId) -> Result<Self, Stop> {
        let vault = ledger.vault(id)?;
        Ok(Self {
            id: id.get(),
            address: address::vault(id),
            symbol: vault.symbol.as_str().to_owned(),
            decimals: vault.decimals,
            asset: AssetName::of(ledger, vault.asset)?,
        })
    }
}

/// A feed's last price, and whether it may be used now.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Quote {
    feed: u32,
    price: Shown,
    updated_at: u64,
    fresh: bool,
}

impl Quote {
    pub(super) fn of<L: Ledger>(ledger: &mut L, id: FeedId) -> Result<Self, Stop> {
        let quote = quote(ledger, id)?;
        Ok(Self {
            feed: id.get(),
            price: Shown::wad(quote.price),
            updated_at: quote.updated_at.get(),
            fresh: quote.is_fresh(),
        })
    }
}

/// The asset, or the vault's share, at an address: what may be collateral.
pub(super) fn asset_at(address: Address) -> Answer<AssetId> {
    address::collateral_at(address).ok_or_else(|| RequestError::NotAnAsset(address).into())
}

/// The vault at an address.
pub(super) fn vault_at(address: Address) -> Answer<VaultId> {
    match Native::at(address) {
        Some(Native::Vault(id)) => Ok(id),
        _ => Err(RequestError::NotAVault(address).into()),
    }
}
