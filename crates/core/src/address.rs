//! Where the native contracts live, and who holds what is entrusted to them.
//!
//! An address is `"gage"`, a kind byte, eleven zero bytes and the object's number. A vault's cash
//! lies on the vault's contract, all pledged collateral on the market contract, and what the exit
//! queue holds, shares and assets set aside, on the vault's exit contract.

use crate::ids::{AssetId, NUMBERS_END, Token, VaultId};
use alloy_primitives::Address;

/// The first four bytes of every native contract: `"gage"`.
pub const PREFIX: [u8; 4] = *b"gage";

/// A native contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Native {
    /// Where everything is created and found.
    Registry,
    /// Price feeds.
    Oracle,
    /// Every market and account.
    Market,
    /// One vault, and its share token.
    Vault(VaultId),
    /// One asset.
    Asset(AssetId),
    /// The exit queue of one vault, and the token of its places.
    Exit(VaultId),
    /// The rebasing view over an asset.
    Rebasing(AssetId),
}

impl Native {
    const fn parts(self) -> (u8, u32) {
        match self {
            Self::Registry => (1, 0),
            Self::Oracle => (2, 0),
            Self::Market => (3, 0),
            Self::Vault(id) => (4, id.get()),
            Self::Asset(id) => (5, id.get()),
            Self::Exit(id) => (6, id.get()),
            Self::Rebasing(id) => (7, id.get()),
        }
    }

    /// Where the contract lives.
    #[must_use]
    pub const fn address(self) -> Address {
        let (kind, number) = self.parts();
        let [a, b, c, d] = number.to_be_bytes();
        let [g, a1, g1, e] = PREFIX;
        Address::new([g, a1, g1, e, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
    }

    /// The contract at `address`, if the address has the form of one.
    ///
    /// Whether the vault or asset exists is not looked up.
    #[must_use]
    pub fn at(address: Address) -> Option<Self> {
        let [g, a1, g1, e, kind, z @ .., a, b, c, d] = address.into_array();
        if [g, a1, g1, e] != PREFIX || z.iter().any(|byte| *byte != 0) {
            return None;
        }
        match (kind, u32::from_be_bytes([a, b, c, d])) {
            (1, 0) => Some(Self::Registry),
            (2, 0) => Some(Self::Oracle),
            (3, 0) => Some(Self::Market),
            (_, 0 | NUMBERS_END..) => None,
            (4, number) => Some(Self::Vault(VaultId::new(number))),
            (5, number) => Some(Self::Asset(AssetId::new(number))),
            (6, number) => Some(Self::Exit(VaultId::new(number))),
            (7, number) => Some(Self::Rebasing(AssetId::new(number))),
            _ => None,
        }
    }
}

/// The registry's address.
pub const REGISTRY: Address = Native::Registry.address();
/// The oracle's address.
pub const ORACLE: Address = Native::Oracle.address();
/// The market contract's address.
pub const MARKET: Address = Native::Market.address();

/// The contract of a vault, which is also its share token.
#[must_use]
pub const fn vault(id: VaultId) -> Address {
    Native::Vault(id).address()
}

/// The contract of an asset; of a vault's share, the vault's.
#[must_use]
pub const fn asset(id: AssetId) -> Address {
    match id.as_share() {
        Some(id) => vault(id),
        None => Native::Asset(id).address(),
    }
}

/// What may be collateral at `address`: an asset, or a vault's share.
#[must_use]
pub fn collateral_at(address: Address) -> Option<AssetId> {
    match Native::at(address) {
        Some(Native::Asset(id)) => Some(id),
        Some(Native::Vault(id)) => Some(AssetId::share_of(id)),
        _ => None,
    }
}

/// The contract of a vault's exit queue, who holds its shares and what is set aside for them.
#[must_use]
pub const fn exits(id: VaultId) -> Address {
    Native::Exit(id).address()
}

/// The contract of the rebasing view over an asset.
#[must_use]
pub const fn rebasing(id: AssetId) -> Address {
    Native::Rebasing(id).address()
}

/// The contract of a token.
#[must_use]
pub const fn token(token: Token) -> Address {
    match token {
        Token::Asset(id) => asset(id),
        Token::Share(id) => vault(id),
        Token::Rebasing(id) => rebasing(id),
    }
}

/// Who holds a vault's cash.
#[must_use]
pub const fn custody(id: VaultId) -> Address {
    vault(id)
}

/// Who holds the pledged collateral of all markets.
#[must_use]
pub const fn market_custody() -> Address {
    MARKET
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn addresses_are_frozen() {
        assert_eq!(REGISTRY, address!("6761676501000000000000000000000000000000"));
        assert_eq!(ORACLE, address!("6761676502000000000000000000000000000000"));
        assert_eq!(MARKET, address!("6761676503000000000000000000000000000000"));
        assert_eq!(vault(VaultId::new(1)), address!("6761676504000000000000000000000000000001"));
        assert_eq!(asset(AssetId::new(258)), address!("6761676505000000000000000000000000000102"));
        assert_eq!(exits(VaultId::new(1)), address!("6761676506000000000000000000000000000001"));
    }

    #[test]
    fn addresses_read_back() {
        for native in [
            Native::Registry,
            Native::Oracle,
            Native::Market,
            Native::Vault(VaultId::new(7)),
            Native::Asset(AssetId::new(NUMBERS_END - 1)),
            Native::Exit(VaultId::new(7)),
            Native::Rebasing(AssetId::new(9)),
        ] {
            assert_eq!(Native::at(native.address()), Some(native));
        }
        assert_eq!(Native::at(Address::ZERO), None);
        let share = AssetId::share_of(VaultId::new(7));
        assert_eq!(asset(share), vault(VaultId::new(7)));
        assert_eq!(collateral_at(asset(share)), Some(share));
        assert_eq!(Native::at(Native::Asset(share).address()), None);
        assert_eq!(Native::at(vault(VaultId::new(0))), None);
        assert_eq!(Native::at(address!("6761676504000000000001000000000000000001")), None);
    }
}
