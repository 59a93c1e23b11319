//! Where accounts are filed: in which band of their class, and under which key.

use super::Watch;
use super::composition::Composition;
use super::reference::Reference;
use super::scene::{Scales, Scene};
use crate::account::Account;
use crate::error::Stop;
use crate::fixed::Wad;
use crate::ids::AccountId;
use crate::ledger::Ledger;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Beyond this many bands, a class empties its smallest one into the newest.
const BANDS_MAX: usize = 8;
/// How many accounts one filing moves between bands at most.
const MOVES_MAX: usize = 256;

/// Accounts of one composition, by their health at one reference.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) number: u32,
    pub(super) reference: Reference,
    pub(super) keys: BTreeSet<(u64, u32)>,
}

/// Where an account is filed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: AccountId,
    pub(super) composition: Composition,
    pub(super) band: u32,
    pub(super) key: u64,
}

impl Watch {
    /// Reads accounts again and files each at the ledger's present; one without debt is forgotten.
    /// With each comes its alert, the health factor below which it must be found: one, or the trigger
    /// of its owner's stop-loss order.
    ///
    /// # Errors
    /// [`crate::Error::UnknownMarket`], or a fault of the ledger.
    pub fn file<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        accounts: impl IntoIterator<Item = (AccountId, Wad)>,
    ) -> Result<(), Stop> {
        let mut scene = Scene::at(ledger.now());
        for (id, alert) in accounts {
            self.forget(&id);
            let account = ledger.account(&id)?;
            if !account.has_debt() {
                continue;
            }
            let scales = scene.scales(ledger, id.market, account.group)?;
            self.insert(id, &account, scales, alert);
        }
        Ok(())
    }

    /// Takes an account out of the index.
    pub fn forget(&mut self, id: &AccountId) {
        let Some(place) = self.places.remove(id) else {
            return;
        };
        self.free.push(place);
        let slot = usize::try_from(place).ok().and_then(|place| self.entries.get_mut(place));
        let Some(Entry { composition, band: number, key, .. }) = slot.and_then(Option::take) else {
            return;
        };
        let Some(bands) = self.classes.get_mut(&composition) else {
            return;
        };
        if let Some(band) = bands.iter_mut().find(|band| band.number == number) {
            band.keys.remove(&(key, place));
        }
        bands.retain(|band| !band.keys.is_empty());
        if bands.is_empty() {
            self.classes.remove(&composition);
        }
    }

    fn insert(&mut self, id: AccountId, account: &Account, scales: &Scales, alert: Wad) {
        let composition = scales.class(id.market, account);
        let present = Reference::of(composition, scales);
        let bands = self.classes.entry(composition).or_default();
        let near = bands.last().is_some_and(|band| band.reference.is_near(&present));
        if !near {
            self.bands_opened = self.bands_opened.wrapping_add(1);
            let number = self.bands_opened;
            bands.push(Band { number, reference: present.clone(), keys: BTreeSet::new() });
        }
        let Some(band) = bands.last_mut() else {
            return;
        };
        let key = band.reference.key(account, scales, (&present, alert));
        let entry = Entry { id, composition, band: band.number, key };
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.entries.push(None);
                u32::try_from(self.entries.len().saturating_sub(1)).unwrap_or(u32::MAX)
            }
        };
        band.keys.insert((key, place));
        self.places.insert(id, place);
        if let Some(slot) = usize::try_from(place).ok().and_then(|at| self.entries.get_mut(at)) {
            *slot = Some(entry);
        }
        if bands.len() > BANDS_MAX {
            empty_smallest(bands, &mut self.entries);
        }
    }
}

/// Moves accounts of the smallest band to the newest, the nearest to their alerts first, under keys
/// that are right whatever their amounts.
fn empty_smallest(bands: &mut Vec<Band>, entries: &mut [Option<Entry>]) {
    let Some(mut newest) = bands.pop() else {
        return;
    };
    let smallest = bands.iter_mut().min_by_key(|band| (band.keys.len(), band.number));
    if let Some(band) = smallest {
        let carried = band.reference.carried(&newest.reference);
        for _ in 0..MOVES_MAX {
            let Some((key, place)) = band.keys.pop_first() else {
                break;
            };
            let key = carried(key);
            newest.keys.insert((key, place));
            let slot = usize::try_from(place).ok().and_then(|place| entries.get_mut(place));
            if let Some(entry) = slot.and_then(Option::as_mut) {
                entry.band = newest.number;
                entry.key = key;
            }
        }
    }
    bands.retain(|band| !band.keys.is_empty());
    bands.push(newest);
}
