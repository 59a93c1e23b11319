//! What a market's owner decides: collaterals, vaults, terms. Anyone may create a market.

use crate::backing;
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::feed::FeedKind;
use crate::fixed::{AMOUNT_MAX, Assets, Bps, Timestamp, Wad};
use crate::ids::{AssetId, FeedId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::market::{COLLATERALS_MAX, Collateral, Line, MarginModel, Market, VAULTS_MAX};
use crate::pause::Pauses;
use crate::portfolio::check_hedge;
use crate::recognition;
use crate::terms::{self, Binding, Keeping, Subject};
use crate::vault::Accrued;
use alloc::vec::Vec;
use alloy_primitives::Address;

/// How far the LTV stays below the liquidation threshold: 1 %.
pub const LTV_GAP_MIN: Bps = Bps::new(100);
/// The lowest target health: 1.01.
pub const TARGET_HEALTH_MIN: Wad = Wad::new(1_010_000_000_000_000_000);
/// The highest target health: 2.
pub const TARGET_HEALTH_MAX: Wad = Wad::new(2_000_000_000_000_000_000);
/// The lowest full-bonus health: 0.1.
pub const FULL_BONUS_HEALTH_MIN: Wad = Wad::new(100_000_000_000_000_000);

/// The largest risk weight: interest of six times the base rate.
pub const RISK_WEIGHT_MAX: Bps = Bps::new(50_000);

/// A market's liquidation terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketTerms {
    /// The health factor to which a liquidation brings an account back, from 1.01 to 2.
    pub target_health: Wad,
    /// The health factor at and below which the bonus is largest, from 0.1 to below 1.
    pub full_bonus_health: Wad,
}

/// A collateral's terms, as the market's owner states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollateralTerms {
    /// Its price; fixed once listed.
    pub feed: FeedId,
    /// Most debt per collateral value when borrowing or releasing.
    pub ltv: Bps,
    /// Debt per collateral value above which liquidation starts.
    pub threshold: Bps,
    /// Liquidation bonus at a health factor of one.
    pub bonus_min: Bps,
    /// Liquidation bonus at and below the market's full-bonus health.
    pub bonus_max: Bps,
    /// What debt that it backs pays beyond the base rate, as a part of that rate; at most
    /// [`RISK_WEIGHT_MAX`].
    pub risk_weight: Bps,
    /// Most that all accounts together may pledge; at most [`AMOUNT_MAX`].
    pub cap: Assets,
}

/// A line's terms, as the market's owner states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTerms {
    /// The price of the vault's asset.
    pub feed: FeedId,
    /// A debt is zero or at least this; not zero.
    pub min_debt: Assets,
}

impl MarketTerms {
    fn check(&self) -> Result<(), Error> {
        let Self { target_health: target, full_bonus_health: full } = *self;
        if target < TARGET_HEALTH_MIN || TARGET_HEALTH_MAX < target {
            return Err(Error::InvalidParameter { name: "target health", value: target.get() });
        }
        if full < FULL_BONUS_HEALTH_MIN || Wad::ONE <= full {
            return Err(Error::InvalidParameter { name: "full-bonus health", value: full.get() });
        }
        Ok(())
    }
}

impl CollateralTerms {
    const fn binding(&self) -> Binding {
        let Self { threshold, bonus_min, bonus_max, .. } = *self;
        Binding { threshold, bonus_min, bonus_max }
    }

    /// CFG-2.
    fn check(&self) -> Result<(), Error> {
        self.binding().check(self.ltv, LTV_GAP_MIN, Bps::ZERO)?;
        if self.risk_weight > RISK_WEIGHT_MAX {
            let value = self.risk_weight.get().into();
            return Err(Error::InvalidParameter { name: "risk weight", value });
        }
        if self.cap > AMOUNT_MAX {
            return Err(Error::InvalidParameter { name: "collateral cap", value: self.cap.get() });
        }
        Ok(())
    }
}

/// Creates a market owned by `caller`, with nothing listed.
///
/// # Errors
/// [`Error::InvalidParameter`], or a fault of the ledger.
pub fn create_market<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    terms: &MarketTerms,
) -> Result<MarketId, Stop> {
    terms.check()?;
    let mut protocol = ledger.protocol()?;
    protocol.markets = protocol.markets.checked_add(1).ok_or(Error::Overflow)?;
    let id = MarketId::new(protocol.markets);
    let market = Market {
        owner: caller,
        pause: Pauses::default(),
        breaker: false,
        recognised: false,
        terms_version: 1,
        groups: 0,
        liquidation_resumes_at: Timestamp::ZERO,
        target_health: terms.target_health,
        full_bonus_health: terms.full_bonus_health,
        margin: MarginModel::Threshold,
        collaterals: Vec::new(),
        vaults: Vec::new(),
    };
    ledger.set_protocol(&protocol)?;
    ledger.set_market(id, &market)?;
    ledger.emit(Event::MarketCreated { market: id, owner: caller })?;
    ledger.emit(Event::MarketTermsChanged { market: id, terms: *terms })?;
    Ok(id)
}

/// The market, if `caller` owns this very one (attack L-02).
pub(crate) fn owned<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
) -> Result<Market, Stop> {
    let market = ledger.market(id)?;
    if market.owner != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::MarketOwner }.into());
    }
    Ok(market)
}

/// Sets a market's liquidation terms; its owner only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownMarket`], or a fault.
pub fn set_market_terms<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    terms: &MarketTerms,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    terms.check()?;
    market.target_health = terms.target_health;
    market.full_bonus_health = terms.full_bonus_health;
    ledger.set_market(id, &market)?;
    ledger.emit(Event::MarketTermsChanged { market: id, terms: *terms })
}

/// Hands a market over; its owner only. To the zero address: its terms stay as they are.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_market_owner<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    owner: Address,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    market.owner = owner;
    ledger.set_market(id, &market)?;
    ledger.emit(Event::MarketOwnerChanged { market: id, owner })
}

/// Checks that `feed` prices `asset`, and returns the asset's decimals. A vault's share is priced by a
/// feed of that vault's share price, and has a price at all (SHR-3).
fn pledgeable<L: Ledger + ?Sized>(
    ledger: &mut L,
    asset: AssetId,
    feed: FeedId,
) -> Result<u8, Stop> {
    let Some(share) = asset.as_share() else {
        let decimals = ledger.asset(asset)?.decimals;
        check_asset_feed(ledger, feed, asset)?;
        return Ok(decimals);
    };
    let vault = Accrued::load(ledger, share)?;
    if !matches!(ledger.feed(feed)?.kind, FeedKind::SharePrice { vault, .. } if vault == share) {
        return Err(Error::WrongFeed { feed, wanted: "the price of that vault's share" }.into());
    }
    vault.check_thickness(share)?;
    Ok(vault.record().decimals)
}

/// Checks that a feed prices this asset (ORC-5): a rate and a share's price do not, nor does another asset's.
fn check_asset_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    asset: AssetId,
) -> Result<(), Stop> {
    let kind = ledger.feed(feed)?.kind;
    if !kind.is_price() || matches!(kind, FeedKind::SharePrice { .. }) {
        return Err(Error::WrongFeed { feed, wanted: "an asset's price" }.into());
    }
    if ledger.feed_info(feed)?.subject.asset != Some(asset) {
        return Err(Error::WrongFeed { feed, wanted: "the price of that asset" }.into());
    }
    Ok(())
}

/// Lists an asset, or a vault's share, as collateral; the market's owner only. A list only grows, and recognition
/// ends with it ([`crate::recognition`]).
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownAsset`], [`Error::UnknownFeed`], [`Error::WrongFeed`];
/// for a share [`Error::UnknownVault`], [`Error::ThinVault`], [`Error::CircularBacking`] and
/// [`Error::TooManyVaultsBehind`] ([`crate::backing`]);
/// [`Error::AlreadyListed`], [`Error::TooManyListed`], [`Error::InvalidParameter`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn add_collateral<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    asset: AssetId,
    terms: &CollateralTerms,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    let decimals = pledgeable(ledger, asset, terms.feed)?;
    terms.check()?;
    if market.collaterals.contains(&asset) {
        return Err(Error::AlreadyListed { market: id, id: asset.get() }.into());
    }
    if market.collaterals.len() >= COLLATERALS_MAX {
        let most = u8::try_from(COLLATERALS_MAX).unwrap_or(u8::MAX);
        return Err(Error::TooManyListed { market: id, most }.into());
    }
    let collateral = Collateral {
        feed: terms.feed,
        decimals,
        ltv: terms.ltv,
        threshold: terms.threshold,
        bonus_min: terms.bonus_min,
        bonus_max: terms.bonus_max,
        kept: Keeping::default(),
        risk_weight: terms.risk_weight,
        cap: terms.cap,
        total: Assets::ZERO,
    };
    check_hedge(ledger, (id, &market), asset, terms.bonus_max)?;
    if let Some(share) = asset.as_share() {
        backing::check_share(ledger, (id, &market), share)?;
    }
    market.collaterals.push(asset);
    recognition::lapse(ledger, id, &mut market)?;
    ledger.set_market(id, &market)?;
    ledger.set_collateral(id, asset, &collateral)?;
    ledger.emit(Event::CollateralListed { market: id, asset, terms: *terms })
}

/// Changes a collateral's terms; the market's owner only. What is better for borrowers is in force
/// at once. A lower threshold or a larger bonus binds new risk at once, and other accounts when they
/// take some or a move arrives ([`crate::terms`]), so that nobody is liquidated by surprise. The feed
/// stays.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::CollateralNotListed`], [`Error::InvalidParameter`],
/// [`Error::TooManyKept`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_collateral<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    asset: AssetId,
    terms: &CollateralTerms,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    let mut collateral = ledger.collateral(id, asset)?;
    if terms.feed != collateral.feed {
        let value = terms.feed.get().into();
        return Err(Error::InvalidParameter { name: "feed", value }.into());
    }
    terms.check()?;
    check_hedge(ledger, (id, &market), asset, terms.bonus_max)?;
    let present = (collateral.binding(), collateral.kept);
    let of_market = (id, &mut market);
    let subject = Subject::Collateral(asset);
    collateral.kept = terms::change(ledger, of_market, subject, present, terms.binding())?;
    collateral.threshold = terms.threshold;
    collateral.ltv = terms.ltv;
    collateral.bonus_min = terms.bonus_min;
    collateral.bonus_max = terms.bonus_max;
    collateral.risk_weight = terms.risk_weight;
    collateral.cap = terms.cap;
    ledger.set_collateral(id, asset, &collateral)?;
    ledger.emit(Event::CollateralChanged { market: id, asset, terms: *terms })
}

/// Lists a vault to draw on; the market's owner only. Nothing can be drawn before the vault's
/// curator sets a cap ([`crate::curation::set_line_cap`]). Recognition ends ([`crate::recognition`]).
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownVault`], [`Error::UnknownFeed`], [`Error::WrongFeed`],
/// [`Error::AlreadyListed`], [`Error::TooManyListed`], [`Error::InvalidParameter`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn list_vault<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    vault: VaultId,
    terms: &LineTerms,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    let asset = ledger.vault(vault)?.asset;
    let decimals = ledger.asset(asset)?.decimals;
    check_asset_feed(ledger, terms.feed, asset)?;
    let LineTerms { feed, min_debt } = *terms;
    if min_debt.is_zero() || min_debt > AMOUNT_MAX {
        return Err(Error::InvalidParameter { name: "minimum debt", value: min_debt.get() }.into());
    }
    if market.vaults.contains(&vault) {
        return Err(Error::AlreadyListed { market: id, id: vault.get() }.into());
    }
    if market.vaults.len() >= VAULTS_MAX {
        let most = u8::try_from(VAULTS_MAX).unwrap_or(u8::MAX);
        return Err(Error::TooManyListed { market: id, most }.into());
    }
    let line = Line::new(feed, decimals, min_debt);
    market.vaults.push(vault);
    recognition::lapse(ledger, id, &mut market)?;
    ledger.set_market(id, &market)?;
    ledger.set_line(id, vault, &line)?;
    ledger.emit(Event::VaultListed { market: id, vault, feed, min_debt })
}
