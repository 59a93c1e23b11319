//! How those are found that may be below their alert: by how far into each band's order to look.

use super::Watch;
use super::composition::Composition;
use super::filing::Band;
use super::reference::Reference;
use super::scene::Scene;
use crate::error::Stop;
use crate::ids::{AccountId, MarketId};
use crate::ledger::Ledger;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl Watch {
    /// The accounts that may be below their alert at the ledger's last prices and present moment, in
    /// the order of their ids. None that is below is missing (LIQ-5); those that are not may be filed
    /// again, which brings the index up to date with the present.
    ///
    /// # Errors
    /// [`crate::Error::UnknownMarket`], or a fault of the ledger.
    pub fn suspects<L: Ledger + ?Sized>(&self, ledger: &mut L) -> Result<Vec<AccountId>, Stop> {
        self.search(ledger, self.classes.iter())
    }

    /// Those of one market.
    ///
    /// # Errors
    /// As [`suspects`](Self::suspects).
    pub fn suspects_of<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        market: MarketId,
    ) -> Result<Vec<AccountId>, Stop> {
        let classes = self.classes.range(Composition::first_of(market)..);
        self.search(ledger, classes.take_while(|(class, _)| class.market == market))
    }

    /// Those among the given accounts, in their order: work in proportion to how many are given.
    ///
    /// # Errors
    /// As [`suspects`](Self::suspects).
    pub fn suspects_among<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        accounts: &[AccountId],
    ) -> Result<Vec<AccountId>, Stop> {
        let mut scene = Scene::at(ledger.now());
        let mut bounds = BTreeMap::new();
        let mut found = Vec::new();
        for id in accounts {
            let Some(entry) = self.places.get(id).and_then(|place| self.entry_at(*place)) else {
                continue;
            };
            let of_band = (entry.composition, entry.band);
            let bound = match bounds.get(&of_band) {
                Some(bound) => *bound,
                None => {
                    let bound = self.bound_of(ledger, &mut scene, of_band)?;
                    bounds.insert(of_band, bound);
                    bound
                }
            };
            if entry.key < bound {
                found.push(*id);
            }
        }
        Ok(found)
    }

    /// The key below which an account of a band may be below its alert.
    fn bound_of<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        scene: &mut Scene,
        (class, number): (Composition, u32),
    ) -> Result<u64, Stop> {
        let scales = scene.scales(ledger, class.market, class.group)?;
        let bands = self.classes.get(&class).map(Vec::as_slice).unwrap_or_default();
        let band = bands.iter().find(|band| band.number == number);
        Ok(band.map_or(u64::MAX, |band| band.reference.bound(&Reference::of(class, scales))))
    }

    fn search<'a, L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        classes: impl Iterator<Item = (&'a Composition, &'a Vec<Band>)>,
    ) -> Result<Vec<AccountId>, Stop> {
        let mut scene = Scene::at(ledger.now());
        let mut found = Vec::new();
        for (composition, bands) in classes {
            let scales = scene.scales(ledger, composition.market, composition.group)?;
            let present = Reference::of(*composition, scales);
            for band in bands {
                let bound = band.reference.bound(&present);
                let near = band.keys.iter().take_while(|(key, _)| *key < bound);
                let entries = near.filter_map(|(_, place)| self.entry_at(*place));
                found.extend(entries.map(|entry| entry.id));
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}
