//! The exit queue as a list of places: what each was paid of each fill, exactly (`docs/exit-queue.md`).

use std::collections::BTreeMap;

use num_traits::Zero;

use crate::number::Exact;

#[derive(Clone, Debug)]
struct Place {
    waiting: Exact,
    claimable: Exact,
}

/// A vault's places, by their numbers: first come, first served.
#[derive(Clone, Debug, Default)]
pub struct Exits {
    places: BTreeMap<u64, Place>,
}

impl Exits {
    /// Puts shares behind all others.
    pub fn request(&mut self, place: u64, shares: Exact) {
        self.places.insert(place, Place { waiting: shares, claimable: Exact::zero() });
    }

    /// All shares that wait.
    #[must_use]
    pub fn waiting(&self) -> Exact {
        self.places.values().fold(Exact::zero(), |sum, place| sum + &place.waiting)
    }

    /// Burns shares from the front for assets.
    pub fn fill(&mut self, shares: &Exact, assets: &Exact) {
        let mut left = shares.clone();
        for place in self.places.values_mut() {
            let part = left.clone().min(place.waiting.clone());
            if part.is_zero() {
                continue;
            }
            place.waiting -= &part;
            place.claimable += assets * &part / shares;
            left -= part;
        }
        assert!(left.is_zero(), "more is filled than waits");
    }

    /// Pays out what a place may claim: what that is exactly, and what shares of it wait on.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn claim(&mut self, number: u64, paid: &Exact) -> (Exact, Exact) {
        let place = self.places.get_mut(&number).expect("a place");
        let exact = place.claimable.clone();
        place.claimable = &exact - paid;
        let waiting = place.waiting.clone();
        if waiting.is_zero() {
            self.places.remove(&number);
        }
        (exact, waiting)
    }

    /// What a place waits for and may claim.
    #[must_use]
    pub fn place(&self, number: u64) -> Option<(Exact, Exact)> {
        let place = self.places.get(&number)?;
        Some((place.waiting.clone(), place.claimable.clone()))
    }

    /// How many places there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::whole;

    #[test]
    fn first_come_first_served() {
        let mut exits = Exits::default();
        exits.request(1, whole(10));
        exits.request(2, whole(20));
        exits.fill(&whole(15), &whole(30));
        assert_eq!(exits.place(1).unwrap(), (whole(0), whole(20)));
        assert_eq!(exits.place(2).unwrap(), (whole(15), whole(10)));
    }
}
