//! Names of things: numbers from 1 in the order of creation, and what they combine to.

use crate::bids::Tier;
use alloy_primitives::Address;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The thing with this number. Numbers start at 1; none is called 0.
            #[must_use]
            pub const fn new(number: u32) -> Self {
                Self(number)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// An asset.
    AssetId
}
id! {
    /// A vault.
    VaultId
}
id! {
    /// A market.
    MarketId
}
id! {
    /// A price feed.
    FeedId
}
id! {
    /// What assets may have in common.
    FactorId
}

/// A group of a market's collaterals and vaults ([`crate::groups`]), numbered within the market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(u8);

impl GroupId {
    /// No group.
    pub const NONE: Self = Self(0);

    /// The group with this number. Numbers start at 1; 0 is none.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether this is no group.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl core::fmt::Display for GroupId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

/// Numbers of assets and of vaults lie below this: it marks an [`AssetId`] as a vault's share.
pub const NUMBERS_END: u32 = 1 << 31;

impl AssetId {
    /// The share token of `vault`, where an asset is named: as collateral. A vault's asset is never
    /// one.
    #[must_use]
    pub const fn share_of(vault: VaultId) -> Self {
        Self(vault.get() | NUMBERS_END)
    }

    /// The vault whose share this is, if it is one.
    #[must_use]
    pub const fn as_share(self) -> Option<VaultId> {
        if self.0 < NUMBERS_END { None } else { Some(VaultId::new(self.0 & (NUMBERS_END - 1))) }
    }
}

/// One borrower's position in one market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// The market whose terms the account follows.
    pub market: MarketId,
    /// Who may borrow on it and release its collateral.
    pub owner: Address,
    /// Which of the owner's accounts in this market.
    pub sub: u32,
}

/// A queue of bids: who repays which debt for which collateral, on which market's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// The market whose accounts are liquidated.
    pub market: MarketId,
    /// The vault whose debt is repaid, with shares of which one bids.
    pub vault: VaultId,
    /// The collateral that is bought.
    pub asset: AssetId,
}

/// One bidder's bid in one tier of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BidId {
    /// The queue.
    pub queue: QueueId,
    /// The discount.
    pub tier: Tier,
    /// Whose bid.
    pub bidder: Address,
}

/// One staker's first-loss capital on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StakeId {
    /// The market that draws on the line.
    pub market: MarketId,
    /// The vault whose line it is, with shares of which one stakes.
    pub vault: VaultId,
    /// Whose stake.
    pub staker: Address,
}

/// Which part of a vault's debt a sum of tracked debt is about: all of it, or that through one line,
/// that which one asset backs, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExposureId {
    /// Who is owed.
    pub vault: VaultId,
    /// Through the line to this market only.
    pub market: Option<MarketId>,
    /// Backed by this asset only.
    pub asset: Option<AssetId>,
}

/// What a vault's curator may bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExposureCapId {
    /// The vault's debt that assets with a common factor back, over all lines.
    Factor(VaultId, FactorId),
    /// The debt through one line that one asset backs: its isolation ceiling.
    Collateral(MarketId, VaultId, AssetId),
}

/// One place in a vault's exit queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceId {
    /// The vault, shares of which wait there.
    pub vault: VaultId,
    /// Its number among all places that the vault ever gave, from 1.
    pub number: u64,
}

/// What has holders: the token ledger counts assets and shares of vaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// Units of an asset.
    Asset(AssetId),
    /// Shares of a vault.
    Share(VaultId),
    /// The rebasing view over an asset: its allowances are its own, its balances are the asset's.
    Rebasing(AssetId),
}

impl Token {
    /// What the token ledger counts for an asset.
    #[must_use]
    pub const fn of(asset: AssetId) -> Self {
        match asset.as_share() {
            Some(vault) => Self::Share(vault),
            None => Self::Asset(asset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_assets_of_their_own_number() {
        for number in [1, 2, NUMBERS_END - 1] {
            let (asset, vault) = (AssetId::new(number), VaultId::new(number));
            assert_eq!(asset.as_share(), None);
            assert_eq!(AssetId::share_of(vault).as_share(), Some(vault));
            assert_eq!(Token::of(asset), Token::Asset(asset));
            assert_eq!(Token::of(AssetId::share_of(vault)), Token::Share(vault));
        }
    }
}
