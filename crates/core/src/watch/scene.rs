//! What the ledger says at one moment: prices, indexes and terms of the markets that are asked for.

use super::composition::Composition;
use super::ratio::wide;
use super::slack::Present;
use crate::account::Account;
use crate::error::{Fault, Stop};
use crate::fixed::{Bps, Timestamp};
use crate::ids::{GroupId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::margin::{Prices, unit};
use crate::market::{MarginModel, Market};
use crate::portfolio::{InForce, Side};
use crate::terms::{Binding, Keeping, Kept, Subject};
use crate::vault::Accrued;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloy_primitives::U256;

/// Terms of a collateral or a group, present and earlier ones.
#[derive(Clone, Debug)]
struct Terms {
    present: Binding,
    keeping: Keeping,
    kept: Kept,
}

/// A collateral at one moment.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    price: u128,
    /// Base units of a whole token.
    pub(super) unit: u128,
    terms: Terms,
}

/// What a market's collaterals and debts count at one moment.
#[derive(Clone, Debug)]
pub(super) struct Scales {
    now: Timestamp,
    pub(super) collaterals: Vec<Listing>,
    /// Of the groups that were asked for.
    groups: BTreeMap<GroupId, (u16, Terms)>,
    /// Price, index, and base units of a whole token.
    pub(super) debts: Vec<(U256, U256, u128)>,
    /// What portfolio margin makes of them.
    pub(super) present: Option<Present>,
}

/// The scales of every market that was asked for.
pub(super) struct Scene {
    now: Timestamp,
    markets: BTreeMap<MarketId, Scales>,
    indexes: BTreeMap<VaultId, u128>,
}

impl Scene {
    pub(super) fn at(now: Timestamp) -> Self {
        Self { now, markets: BTreeMap::new(), indexes: BTreeMap::new() }
    }

    /// The scales of a market, with those of one of its groups.
    pub(super) fn scales<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        id: MarketId,
        group: GroupId,
    ) -> Result<&Scales, Stop> {
        if !self.markets.contains_key(&id) {
            let scales = self.read(ledger, id)?;
            self.markets.insert(id, scales);
        }
        let scales = self.markets.get_mut(&id).ok_or(Fault::Unreadable)?;
        if !group.is_none() && !scales.groups.contains_key(&group) {
            let record = ledger.group(id, group)?;
            let present = (record.binding, record.kept);
            let terms = Terms::read(ledger, (id, Subject::Group(group)), present)?;
            scales.groups.insert(group, (record.collaterals, terms));
        }
        Ok(scales)
    }

    fn read<L: Ledger + ?Sized>(&mut self, ledger: &mut L, id: MarketId) -> Result<Scales, Stop> {
        let market = ledger.market(id)?;
        let mut collaterals = Vec::with_capacity(market.collaterals.len());
        for asset in &market.collaterals {
            let record = ledger.collateral(id, *asset)?;
            let price = Prices::Last.of(ledger, record.feed, Side::Collateral)?.get();
            let present = (record.binding(), record.kept);
            let terms = Terms::read(ledger, (id, Subject::Collateral(*asset)), present)?;
            collaterals.push(Listing { price, unit: unit(record.decimals), terms });
        }
        let mut debts = Vec::with_capacity(market.vaults.len());
        for vault in &market.vaults {
            let line = ledger.line(id, *vault)?;
            let price = Prices::Last.of(ledger, line.feed, Side::Debt)?;
            let index = match self.indexes.get(vault) {
                Some(index) => *index,
                None => {
                    let index = Accrued::load(ledger, *vault)?.record().index.get();
                    self.indexes.insert(*vault, index);
                    index
                }
            };
            debts.push((wide(price.get()), wide(index), unit(line.decimals)));
        }
        let present = present(ledger, (id, &market))?;
        Ok(Scales { now: self.now, collaterals, groups: BTreeMap::new(), debts, present })
    }
}

impl Terms {
    fn read<L: Ledger + ?Sized>(
        ledger: &mut L,
        (market, subject): (MarketId, Subject),
        (present, keeping): (Binding, Keeping),
    ) -> Result<Self, Stop> {
        let behind = keeping.concerns(0, ledger.now());
        let kept = if behind { ledger.kept(market, subject)? } else { Kept::default() };
        Ok(Self { present, keeping, kept })
    }

    fn threshold(&self, version: u32, now: Timestamp) -> Bps {
        self.kept.in_force(version, self.present, now).threshold
    }

    /// The earliest version that is on the same terms as `version`. What is set later is kept for
    /// both or for neither.
    fn earliest(&self, version: u32) -> u32 {
        let kept = self.kept.generations.iter().map(|kept| kept.until.saturating_add(1));
        let starts = kept.chain([self.keeping.below]);
        starts.filter(|start| *start <= version).max().unwrap_or_default()
    }
}

/// What a market's portfolio margin is now, if it has one.
fn present<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &Market),
) -> Result<Option<Present>, Stop> {
    if market.margin == MarginModel::Threshold {
        return Ok(None);
    }
    let mut debts = Vec::with_capacity(market.vaults.len());
    for vault in &market.vaults {
        debts.push(ledger.vault(*vault)?.asset);
    }
    let mut assets: Vec<_> = market.collaterals.iter().chain(&debts).copied().collect();
    assets.sort_unstable();
    assets.dedup();
    let in_force = InForce::load(ledger, id, &assets)?;
    Ok(Some(Present { in_force, collaterals: market.collaterals.clone(), debts }))
}

impl Scales {
    /// What an account is filed as.
    pub(super) fn class(&self, market: MarketId, account: &Account) -> Composition {
        let version = account.terms_version;
        let places = account.collaterals.iter().map(|pledge| usize::from(pledge.index));
        let own = places.filter_map(|place| self.collaterals.get(place)).map(|leg| &leg.terms);
        let group = self.groups.get(&account.group).map(|(_, terms)| terms);
        let earliest = own.chain(group).map(|terms| terms.earliest(version)).max();
        let portfolio = self.present.is_some();
        Composition::of(market, account, earliest.unwrap_or_default(), portfolio)
    }

    /// Price of a collateral, and the threshold in force for a class.
    pub(super) fn collateral(&self, class: Composition, place: usize) -> (U256, Bps) {
        let Some(Listing { price, terms, .. }) = self.collaterals.get(place) else {
            return (U256::ZERO, Bps::ZERO);
        };
        let own = terms.threshold(class.version, self.now);
        let bits = u32::try_from(place).unwrap_or(u32::MAX);
        let takes = |places: u16| places.checked_shr(bits).is_some_and(|rest| rest & 1 == 1);
        let group = self.groups.get(&class.group).filter(|(places, _)| takes(*places));
        let group = group.map_or(Bps::ZERO, |(_, terms)| terms.threshold(class.version, self.now));
        (wide(*price), own.max(group))
    }
}
