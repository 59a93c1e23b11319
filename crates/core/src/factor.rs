//! Factors: what assets have in common that can fail for all of them at once: an issuer, a bridge, an
//! oracle provider, an underlying.
//!
//! Governance registers factors and says which asset has which, at most one of each kind. Nobody else
//! does: an issuer would leave its asset untagged or take a tag off that lenders rely on, and a
//! market's owner, who is anyone, could put a stranger's assets behind a factor to use up its caps.
//! What a tag does is each vault's curator's decision ([`crate::exposure`]); it counts from the moment
//! it is written, for debt that exists already too.

use crate::error::{Error, Stop};
use crate::event::Event;
use crate::ids::{AssetId, FactorId};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::protocol::governed;
use alloy_primitives::Address;

/// Most assets that have one factor: a vault's exposure to it is a sum over them.
pub const FACTOR_ASSETS_MAX: usize = 64;

/// In which respect assets are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactorKind {
    /// Who promises to redeem them.
    Issuer,
    /// What carried them here.
    Bridge,
    /// Who says what they are worth.
    Oracle,
    /// What they stand for.
    Underlying,
}

impl FactorKind {
    /// All kinds, in order.
    pub const ALL: [Self; 4] = [Self::Issuer, Self::Bridge, Self::Oracle, Self::Underlying];

    /// The kind in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Bridge => "bridge",
            Self::Oracle => "oracle",
            Self::Underlying => "underlying",
        }
    }
}

impl core::fmt::Display for FactorKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// What assets may have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// In which respect.
    pub kind: FactorKind,
    /// What it is called.
    pub label: Label,
}

/// The factors of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Who promises to redeem it.
    pub issuer: Option<FactorId>,
    /// What carried it here.
    pub bridge: Option<FactorId>,
    /// Who says what it is worth.
    pub oracle: Option<FactorId>,
    /// What it stands for.
    pub underlying: Option<FactorId>,
}

impl Tags {
    /// The factor of a kind.
    #[must_use]
    pub const fn of(&self, kind: FactorKind) -> Option<FactorId> {
        match kind {
            FactorKind::Issuer => self.issuer,
            FactorKind::Bridge => self.bridge,
            FactorKind::Oracle => self.oracle,
            FactorKind::Underlying => self.underlying,
        }
    }

    /// Writes the factor of a kind.
    pub const fn set(&mut self, kind: FactorKind, factor: Option<FactorId>) {
        match kind {
            FactorKind::Issuer => self.issuer = factor,
            FactorKind::Bridge => self.bridge = factor,
            FactorKind::Oracle => self.oracle = factor,
            FactorKind::Underlying => self.underlying = factor,
        }
    }

    /// Every factor.
    pub fn iter(self) -> impl Iterator<Item = FactorId> {
        FactorKind::ALL.into_iter().filter_map(move |kind| self.of(kind))
    }
}

/// Registers something that assets may have in common; governance only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`] for an empty label, or a fault of the ledger.
pub fn register_factor<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    factor: &Factor,
) -> Result<FactorId, Stop> {
    let mut protocol = governed(ledger, caller)?;
    if factor.label == Label::default() {
        return Err(Error::InvalidParameter { name: "label", value: 0 }.into());
    }
    protocol.factors = protocol.factors.checked_add(1).ok_or(Error::Overflow)?;
    let id = FactorId::new(protocol.factors);
    ledger.set_protocol(&protocol)?;
    ledger.set_factor(id, factor)?;
    let Factor { kind, label } = *factor;
    ledger.emit(Event::FactorRegistered { factor: id, kind, label })?;
    Ok(id)
}

/// Says that an asset has a factor, in the place of the one of the same kind that it had; governance
/// only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownAsset`], [`Error::UnknownFactor`],
/// [`Error::TooManyTagged`], or a fault of the ledger.
pub fn tag_asset<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    asset: AssetId,
    factor: FactorId,
) -> Result<(), Stop> {
    governed(ledger, caller)?;
    let kind = ledger.factor(factor)?.kind;
    set_tag(ledger, asset, kind, Some(factor))
}

/// Says that an asset has no factor of a kind; governance only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownAsset`], or a fault of the ledger.
pub fn untag_asset<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    asset: AssetId,
    kind: FactorKind,
) -> Result<(), Stop> {
    governed(ledger, caller)?;
    set_tag(ledger, asset, kind, None)
}

fn set_tag<L: Ledger + ?Sized>(
    ledger: &mut L,
    asset: AssetId,
    kind: FactorKind,
    factor: Option<FactorId>,
) -> Result<(), Stop> {
    ledger.asset(asset)?;
    let mut tags = ledger.tags(asset)?;
    let before = tags.of(kind);
    if before == factor {
        return Ok(());
    }
    if let Some(before) = before {
        let mut assets = ledger.factor_assets(before)?;
        assets.retain(|other| *other != asset);
        ledger.set_factor_assets(before, &assets)?;
    }
    if let Some(factor) = factor {
        let mut assets = ledger.factor_assets(factor)?;
        if assets.len() >= FACTOR_ASSETS_MAX {
            let most = u8::try_from(FACTOR_ASSETS_MAX).unwrap_or(u8::MAX);
            return Err(Error::TooManyTagged { factor, most }.into());
        }
        assets.push(asset);
        ledger.set_factor_assets(factor, &assets)?;
    }
    tags.set(kind, factor);
    ledger.set_tags(asset, &tags)?;
    ledger.emit(Event::AssetTagged { asset, kind, factor })
}
