//! How feeds come to be.

use super::{Feed, FeedInfo, FeedKind, FeedSubject, FeedTerms, write_cap};
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::Ray;
use crate::growth::GrowthCap;
use crate::ids::{AssetId, FeedId, VaultId};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::vault::Accrued;
use alloy_primitives::Address;

/// Creates a feed of prices owned by `caller`; it has no price before its first report.
///
/// # Errors
/// [`Error::InvalidParameter`] for terms without room, [`Error::UnknownAsset`], [`Error::UnknownVault`], or a fault
/// of the ledger.
pub fn create_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    subject: FeedSubject,
    terms: &FeedTerms,
) -> Result<FeedId, Stop> {
    add_feed(ledger, (caller, subject), terms, FeedKind::Reported)
}

/// Creates a feed of exchange rates owned by `caller`, which rise by the part `growth` a second at
/// most; it has no rate before its first report. Its bounds are of the rate.
///
/// # Errors
/// Those of [`create_feed`], and [`Error::InvalidParameter`] for too much growth.
pub fn create_rate_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    subject: FeedSubject,
    terms: &FeedTerms,
    growth: Ray,
) -> Result<FeedId, Stop> {
    add_capped(ledger, (caller, subject), terms, (FeedKind::Rate, growth))
}

/// Creates a feed of net asset values owned by `caller`, which rise by the part `growth` a second at most.
///
/// # Errors
/// Those of [`create_rate_feed`].
pub fn create_net_asset_value_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    subject: FeedSubject,
    terms: &FeedTerms,
    growth: Ray,
) -> Result<FeedId, Stop> {
    add_capped(ledger, (caller, subject), terms, (FeedKind::NetAssetValue, growth))
}

fn add_capped<L: Ledger + ?Sized>(
    ledger: &mut L,
    (caller, subject): (Address, FeedSubject),
    terms: &FeedTerms,
    (kind, growth): (FeedKind, Ray),
) -> Result<FeedId, Stop> {
    let cap = GrowthCap::new(growth)?;
    let id = add_feed(ledger, (caller, subject), terms, kind)?;
    write_cap(ledger, id, &cap)?;
    Ok(id)
}

/// Creates a feed owned by `caller` whose price is computed from others: a product, a ratio, the lesser of two, or a
/// pegged price. It is as old as the oldest of them, and has bounds and a largest age of its own.
///
/// # Errors
/// [`Error::WrongFeed`] unless its legs are of the kinds that [`FeedKind`] says; [`Error::InvalidParameter`] if `kind`
/// is none of these; [`Error::UnknownFeed`], and those of [`create_feed`].
pub fn create_computed_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    subject: FeedSubject,
    terms: &FeedTerms,
    kind: FeedKind,
) -> Result<FeedId, Stop> {
    match kind {
        FeedKind::Product { base, rate } | FeedKind::Ratio { base, rate } => {
            check_leg(ledger, base, 0, true)?;
            check_leg(ledger, rate, 0, false)?;
        }
        FeedKind::Lesser { one, other } => {
            check_leg(ledger, one, 1, true)?;
            check_leg(ledger, other, 1, true)?;
            if one == other {
                return Err(Error::WrongFeed { feed: other, wanted: "another price" }.into());
            }
        }
        FeedKind::Pegged { base } => check_leg(ledger, base, 0, true)?,
        FeedKind::Reported
        | FeedKind::Rate
        | FeedKind::NetAssetValue
        | FeedKind::SharePrice { .. } => {
            let value = kind.number().into();
            return Err(Error::InvalidParameter { name: "feed kind", value }.into());
        }
    }
    let id = add_feed(ledger, (caller, subject), terms, kind)?;
    ledger.emit(Event::ComputedFeedCreated { feed: id, kind })?;
    Ok(id)
}

/// Checks that a leg is a price or a rate, at most so deep.
fn check_leg<L: Ledger + ?Sized>(
    ledger: &mut L,
    feed: FeedId,
    depth: u8,
    price: bool,
) -> Result<(), Stop> {
    let kind = ledger.feed(feed)?.kind;
    if kind.is_price() == price && kind.depth() <= depth {
        return Ok(());
    }
    let wanted = match (price, depth) {
        (false, _) => FeedKind::Rate.name(),
        (true, 0) => FeedKind::Reported.name(),
        (true, _) => "an asset's price",
    };
    Err(Error::WrongFeed { feed, wanted }.into())
}

/// What a feed of share prices is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareTerms {
    /// The vault whose shares are priced.
    pub vault: VaultId,
    /// The price of the vault's asset; a reported one, a product, a ratio or a pegged one.
    pub base: FeedId,
    /// By which part the share price may grow in a second, counted from its present.
    pub growth: Ray,
}

/// Creates a feed owned by `caller` whose price is that of a vault's share: what the vault's own record
/// says a share is worth, times the price of its asset. Nobody reports to it, and no transfer to the
/// vault moves it (SHR-2).
///
/// # Errors
/// [`Error::ThinVault`] while the vault holds too little for its share to have a price (SHR-3),
/// [`Error::WrongFeed`] if `base` is not the price of an asset, [`Error::UnknownVault`],
/// [`Error::UnknownFeed`], [`Error::InvalidParameter`], or a fault of the ledger.
pub fn create_share_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    description: Label,
    terms: &FeedTerms,
    share: &ShareTerms,
) -> Result<FeedId, Stop> {
    let ShareTerms { vault, base, growth } = *share;
    check_leg(ledger, base, 1, true)?;
    let accrued = Accrued::load(ledger, vault)?;
    accrued.check_thickness(vault)?;
    let cap = GrowthCap::from(accrued.pool().share_price(), ledger.now(), growth)?;
    let kind = FeedKind::SharePrice { vault, base };
    let subject = FeedSubject { asset: Some(AssetId::share_of(vault)), description };
    let id = add_feed(ledger, (caller, subject), terms, kind)?;
    ledger.emit(Event::ShareFeedCreated { feed: id, vault, base })?;
    write_cap(ledger, id, &cap)?;
    Ok(id)
}

fn add_feed<L: Ledger + ?Sized>(
    ledger: &mut L,
    (owner, subject): (Address, FeedSubject),
    terms: &FeedTerms,
    kind: FeedKind,
) -> Result<FeedId, Stop> {
    terms.check(kind)?;
    if let Some(asset) = subject.asset {
        // It must exist, so that it cannot come to mean another.
        match asset.as_share() {
            Some(vault) => drop(ledger.vault(vault)?),
            None => drop(ledger.asset(asset)?),
        }
    }
    let mut protocol = ledger.protocol()?;
    protocol.feeds = protocol.feeds.checked_add(1).ok_or(Error::Overflow)?;
    let id = FeedId::new(protocol.feeds);
    ledger.set_protocol(&protocol)?;
    ledger.set_feed(id, &Feed { kind, max_age: terms.max_age, ..Feed::default() })?;
    ledger.set_feed_info(id, &FeedInfo { owner, subject, sources: 0, held: false })?;
    ledger.set_feed_terms(id, terms)?;
    ledger.emit(Event::FeedCreated { feed: id, owner, subject })?;
    ledger.emit(Event::FeedTermsChanged { feed: id, terms: *terms })?;
    Ok(id)
}
