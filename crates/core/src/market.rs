//! The borrowers' rule book: which collateral, on which terms, drawing on which vaults.

use crate::debt::Debt;
use crate::error::Error;
use crate::fixed::{Assets, Bps, Timestamp, Wad};
use crate::ids::{AssetId, FeedId, MarketId, VaultId};
use crate::pause::Pauses;
use crate::terms::{Binding, Keeping};
use alloc::vec::Vec;
use alloy_primitives::Address;

/// Most collaterals that one market lists.
pub const COLLATERALS_MAX: usize = 16;
/// Most vaults that one market lists.
pub const VAULTS_MAX: usize = 8;
/// Most lines that one vault has open at once.
pub const LINES_MAX: usize = 32;
/// How long liquidation waits after a market leaves [`PauseLevel::Frozen`], in seconds: borrowers
/// could not act on a price while others could not either.
pub const GRACE_SECONDS: u64 = 3_600;

/// How much of a market stands still. Repayment, new collateral and the release of collateral without debt
/// go on at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseLevel {
    /// Everything works.
    #[default]
    Open,
    /// No new debt, no release of collateral that secures debt.
    Restricted,
    /// Also no liquidation, and no account moves in.
    Frozen,
}

/// How a market says how much an account may owe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarginModel {
    /// Collateral counts its threshold, whatever else the account has.
    #[default]
    Threshold,
    /// By how assets move together ([`crate::portfolio`]): the market has a record of that.
    Portfolio,
}

/// A rule book for borrowers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Who sets its terms.
    pub owner: Address,
    /// How much of it stands still, by whose word and until when.
    pub pause: Pauses,
    /// Whether it has a breaker ([`crate::breaker`]).
    pub breaker: bool,
    /// Whether governance vouches for its prices ([`crate::recognition`]).
    pub recognised: bool,
    /// How often its binding terms were set ([`crate::terms`]); from one on.
    pub terms_version: u32,
    /// How many groups it has.
    pub groups: u8,
    /// No liquidation before this moment.
    pub liquidation_resumes_at: Timestamp,
    /// The health factor to which a liquidation brings an account back.
    pub target_health: Wad,
    /// The health factor at and below which the liquidation bonus is largest.
    pub full_bonus_health: Wad,
    /// How it says how much an account may owe.
    pub margin: MarginModel,
    /// What may be pledged; accounts refer to places in this list, so it only grows.
    pub collaterals: Vec<AssetId>,
    /// Which vaults may be drawn on; accounts refer to places in this list, so it only grows.
    pub vaults: Vec<VaultId>,
}

impl Market {
    /// The place of `asset` among the collaterals of this market, which is number `id`.
    ///
    /// # Errors
    /// [`Error::CollateralNotListed`].
    pub fn collateral_index(&self, id: MarketId, asset: AssetId) -> Result<u8, Error> {
        let place = self.collaterals.iter().position(|listed| *listed == asset);
        place
            .and_then(|place| u8::try_from(place).ok())
            .ok_or(Error::CollateralNotListed { market: id, asset })
    }

    /// The place of `vault` among the vaults of this market, which is number `id`.
    ///
    /// # Errors
    /// [`Error::VaultNotListed`].
    pub fn vault_index(&self, id: MarketId, vault: VaultId) -> Result<u8, Error> {
        let place = self.vaults.iter().position(|listed| *listed == vault);
        place
            .and_then(|place| u8::try_from(place).ok())
            .ok_or(Error::VaultNotListed { market: id, vault })
    }
}

/// One asset as collateral in one market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collateral {
    /// Its price.
    pub feed: FeedId,
    /// Decimals of the asset, copied at listing.
    pub decimals: u8,
    /// Most debt per collateral value when borrowing or releasing.
    pub ltv: Bps,
    /// Debt per collateral value above which liquidation starts.
    pub threshold: Bps,
    /// Liquidation bonus at a health factor of one.
    pub bonus_min: Bps,
    /// Liquidation bonus at and below the market's full-bonus health.
    pub bonus_max: Bps,
    /// What accounts keep of earlier terms.
    pub kept: Keeping,
    /// What debt that it backs pays beyond the base rate, as a part of that rate.
    pub risk_weight: Bps,
    /// Most that all accounts together may pledge.
    pub cap: Assets,
    /// What all accounts together have pledged.
    pub total: Assets,
}

impl Collateral {
    /// The terms that bind whoever owes, as they are for new risk.
    #[must_use]
    pub const fn binding(&self) -> Binding {
        let Self { threshold, bonus_min, bonus_max, .. } = *self;
        Binding { threshold, bonus_min, bonus_max }
    }
}

/// A vault's credit to a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The price of the vault's asset.
    pub feed: FeedId,
    /// Decimals of the vault's asset, copied at listing.
    pub decimals: u8,
    /// Most that may be drawn; zero until the vault's curator opens the line.
    pub cap: Assets,
    /// What this market's accounts owe.
    pub owed: Debt,
    /// A debt is zero or at least this.
    pub min_debt: Assets,
    /// Whether first-loss capital is staked on it.
    pub staked: bool,
    /// Whether the ledger keeps what backs the debt drawn on it ([`crate::exposure`]); once begun, it
    /// does not end.
    pub tracked: bool,
    /// Whether a meter limits what is drawn on it in a while ([`crate::meter`]).
    pub metered: bool,
}

impl Line {
    /// A line that is listed and not opened yet.
    #[must_use]
    pub const fn new(feed: FeedId, decimals: u8, min_debt: Assets) -> Self {
        let (cap, owed) = (Assets::ZERO, Debt::ZERO);
        let (staked, tracked, metered) = (false, false, false);
        Self { feed, decimals, cap, owed, min_debt, staked, tracked, metered }
    }
}
