//! What things are called: with each id the address, symbol and decimals.

use alloy_primitives::Address;
use gage_core::{
    Stop,
    address::{self, Native},
    ids::{AssetId, FeedId, VaultId},
    ledger::Ledger,
};
use serde::Serialize;

use super::numbers::Shown;
use crate::{error::RequestError, methods::Answer};

/// An asset's name.
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
        let asset = ledger.asset(id)?;
        Ok(Self {
            id: id.get(),
            address: address::asset(id),
            symbol: asset.symbol.as_str().to_owned(),
            decimals: asset.decimals,
        })
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
        let feed = ledger.feed(id)?;
        Ok(Self {
            feed: id.get(),
            price: Shown::wad(feed.price),
            updated_at: feed.updated_at.get(),
            fresh: feed.fresh_price(id, ledger.now()).is_ok(),
        })
    }
}

/// The asset at an address.
pub(super) fn asset_at(address: Address) -> Answer<AssetId> {
    match Native::at(address) {
        Some(Native::Asset(id)) => Ok(id),
        _ => Err(RequestError::NotAnAsset(address).into()),
    }
}

/// The vault at an address.
pub(super) fn vault_at(address: Address) -> Answer<VaultId> {
    match Native::at(address) {
        Some(Native::Vault(id)) => Ok(id),
        _ => Err(RequestError::NotAVault(address).into()),
    }
}
