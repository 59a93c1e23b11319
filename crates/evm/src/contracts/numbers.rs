//! From Solidity's numbers and addresses to the protocol's: the one place where 256 bits narrow.

use super::{Answer, refused};
use alloy_primitives::{Address, U256};
use gage_abi::IGageErrors;
use gage_core::address::{self, Native};
use gage_core::{AssetId, Assets, Error, Label, PauseLevel, Ray, Shares, Units, VaultId, Wad};

/// An amount, which must fit 128 bits.
pub(crate) fn narrow(amount: U256) -> Answer<u128> {
    u128::try_from(amount).map_err(|_| refused(&IGageErrors::AmountTooLarge { amount }))
}

pub(crate) fn assets(amount: U256) -> Answer<Assets> {
    narrow(amount).map(Assets::new)
}

pub(crate) fn shares(amount: U256) -> Answer<Shares> {
    narrow(amount).map(Shares::new)
}

pub(crate) fn wad(amount: U256) -> Answer<Wad> {
    narrow(amount).map(Wad::new)
}

pub(crate) fn ray(amount: U256) -> Answer<Ray> {
    narrow(amount).map(Ray::new)
}

/// An amount where `type(uint256).max` means all.
pub(crate) fn assets_or_all(amount: U256) -> Answer<Assets> {
    if amount == U256::MAX { Ok(Assets::MAX) } else { assets(amount) }
}

/// As [`assets_or_all`].
pub(crate) fn shares_or_all(amount: U256) -> Answer<Shares> {
    if amount == U256::MAX { Ok(Shares::MAX) } else { shares(amount) }
}

/// As [`assets_or_all`].
pub(crate) fn units_or_all(amount: U256) -> Answer<Units> {
    if amount == U256::MAX { Ok(Units::MAX) } else { narrow(amount).map(Units::new) }
}

/// A cap where `type(uint256).max` means none.
pub(crate) fn cap_or_none(amount: U256) -> Answer<Option<Assets>> {
    if amount == U256::MAX { Ok(None) } else { assets(amount).map(Some) }
}

/// A cap as Solidity's 256 bits.
pub(crate) fn wide_cap(cap: Option<Assets>) -> U256 {
    cap.map_or(U256::MAX, wide)
}

fn not_native(account: Address) -> super::Stopped {
    refused(&IGageErrors::NotNativeContract { account })
}

/// The asset at an address.
pub(crate) fn asset_id(account: Address) -> Answer<AssetId> {
    match Native::at(account) {
        Some(Native::Asset(id)) => Ok(id),
        _ => Err(not_native(account)),
    }
}

/// What may be pledged at an address: an asset, or the share of a vault.
pub(crate) fn collateral_id(account: Address) -> Answer<AssetId> {
    address::collateral_at(account).ok_or_else(|| not_native(account))
}

/// The vault at an address.
pub(crate) fn vault_id(account: Address) -> Answer<VaultId> {
    match Native::at(account) {
        Some(Native::Vault(id)) => Ok(id),
        _ => Err(not_native(account)),
    }
}

pub(crate) fn label(text: &str) -> Result<Label, Error> {
    Label::new(text)
}

pub(crate) fn pause_level(level: u8) -> Answer<PauseLevel> {
    match level {
        0 => Ok(PauseLevel::Open),
        1 => Ok(PauseLevel::Restricted),
        2 => Ok(PauseLevel::Frozen),
        _ => Err(refused(&IGageErrors::UnknownPauseLevel { level })),
    }
}

/// An amount as Solidity's 256 bits.
pub(crate) fn wide(amount: Assets) -> U256 {
    U256::from(amount.get())
}
