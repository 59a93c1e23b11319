//! Fungible tokens that the protocol can hold.

use crate::fixed::Assets;
use crate::label::Label;
use alloy_primitives::Address;

/// Most decimals of an asset.
pub const DECIMALS_MAX: u8 = 27;

/// How units of an asset come into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetKind {
    /// Its issuer mints them.
    Issued,
    /// Anyone receives them for native coins, one for one.
    WrappedNative,
}

/// A fungible token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// What it is called.
    pub name: Label,
    /// What it is called in short.
    pub symbol: Label,
    /// A whole token is `10^decimals` base units; at most [`DECIMALS_MAX`].
    pub decimals: u8,
    /// Who may mint, if it is [`AssetKind::Issued`].
    pub issuer: Address,
    /// How its units come into being.
    pub kind: AssetKind,
    /// All base units there are.
    pub supply: Assets,
}
