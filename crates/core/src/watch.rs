//! The liquidation index: finds the accounts that may have fallen below their alert, at a cost that
//! depends on how many are near it.
//!
//! Accounts with the same collaterals and debts in the same market, on the same terms, form a *class*.
//! A class's *bands* each have a reference: `fᵢ = price · threshold` of each collateral and
//! `gⱼ = price · indexᵏ` of each debt when the band was opened, with `k = 1` for accounts without a risk
//! premium. Thresholds are those in force for the class: of the oldest terms that its accounts may be
//! on ([`crate::terms`]), and of the group that they are in ([`crate::groups`]). An account is filed
//! under its health factor at the reference, over its alert. With amounts `aᵢ` and debt shares `sⱼ`,
//! health is `Σ aᵢ·fᵢ / Σ sⱼ·gⱼ`, so whatever prices, interest and thresholds did since,
//!
//! ```text
//! health now ≥ health at the reference · min(fᵢ now / fᵢ) / max(gⱼ now / gⱼ)
//! ```
//!
//! and one comparison tells how far into a band's order to look. A debt with a premium `π` grows by
//! `1 + r·(x − 1)` while the index grows by `x`, with `r ≤ 1 + π`, and that is at most `xᵏ` for whole
//! `k > 1 + π`: such accounts are filed as if they owed `debt / xᵏ` at the reference. With one
//! collateral, one debt and no premium the comparison is exact; otherwise it errs to the safe side, and an account that was judged healthy is
//! filed anew at the present reference. The index is derived data: it is built from the accounts, and
//! which of them it returns beyond those that are due depends on its history; who is due does not.
//!
//! In a market with portfolio margin health is no such ratio; its accounts are filed by how much they could
//! lose instead (`slack`).
//!
//! Slack. The exact health rounds each collateral's value down twice by less than 1e-18 dollars, and
//! each debt up by less than one unit of its asset and 1e-18 dollars. One unit is at most one share of
//! debt, so debts are filed with one share more; the rest is below 1e-10 of a debt of 1e-6 dollars.
//! Bounds are widened by 1e-9, smaller debts are always suspected, and so is every account of a band
//! whose debts have lost so much of their price that this might not hold.

use crate::account::Account;
use crate::error::Stop;
use crate::fixed::{BPS, Bps, RAY, Timestamp, WAD, Wad};
use crate::ids::{AccountId, GroupId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::margin::{Prices, unit};
use crate::market::{MarginModel, Market};
use crate::portfolio::{InForce, Side};
use crate::terms::{Binding, Keeping, Kept, Subject};
use crate::vault::Accrued;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};
use core::ops::Bound;

mod slack;

use slack::{Debts, Moment, Present, Values};

/// Keys count health over alert in steps of 1e-9.
const KEY_ONE: u64 = 1_000_000_000;
/// The largest key: a band that is suspected whole is suspected beyond it.
const KEY_MAX: u64 = u64::MAX - 1;
/// Debts below this many dollars at the reference, 1e-3, are always suspected.
const DEBT_MIN: u128 = WAD / 1_000;
/// Ratios of references count in steps of 2^-64.
const RATIO_BITS: usize = 64;
/// A band whose debts have fallen to this part of their reference, 2^-9, is suspected whole.
const RATIO_LOW: U256 = U256::from_limbs([1 << 55, 0, 0, 0]);
/// A class's newest band takes accounts while its bound is at most this: 2 % from its reference.
const BOUND_NEAR: u64 = 1_020_000_000;
/// Beyond this many bands, a class empties its smallest one into the newest.
const BANDS_MAX: usize = 8;
/// How many accounts one filing moves between bands at most.
const MOVES_MAX: usize = 256;

/// Which collaterals and debts of a market an account has, by their places in its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Composition {
    market: MarketId,
    collaterals: u16,
    debts: u8,
    /// How many times faster than the index its debts grow at most, `k`.
    growth: u8,
    /// The group that it is in.
    group: GroupId,
    /// The earliest terms version whose accounts are on the same terms as it, now and ever after.
    version: u32,
    /// By which model of margin its accounts were filed.
    portfolio: bool,
}

impl Composition {
    /// None is before this one.
    const FIRST: Self = Self {
        market: MarketId::new(0),
        collaterals: 0,
        debts: 0,
        growth: 0,
        group: GroupId::NONE,
        version: 0,
        portfolio: false,
    };

    fn of(market: MarketId, account: &Account, version: u32, portfolio: bool) -> Self {
        let bit = |place: u8| 1_u16.checked_shl(place.into()).unwrap_or_default();
        let collaterals = account.collaterals.iter().fold(0, |all, leg| all | bit(leg.index));
        let debts = account.debts.iter().fold(0, |all, leg| all | bit(leg.index));
        let growth = match account.risk_premium.get() {
            0 => 1,
            premium => u128::from(premium).div_euclid(BPS).saturating_add(2).to_le_bytes()[0],
        };
        let debts = debts.to_le_bytes()[0];
        let group = account.group;
        Self { market, collaterals, debts, growth, group, version, portfolio }
    }

    fn collaterals(self) -> impl Iterator<Item = usize> {
        places(self.collaterals)
    }

    fn debts(self) -> impl Iterator<Item = usize> {
        places(self.debts.into())
    }
}

/// The places whose bits are set.
fn places(bits: u16) -> impl Iterator<Item = usize> {
    let is_set = move |place: &u8| bits.wrapping_shr((*place).into()) & 1 == 1;
    (0..16_u8).filter(is_set).map(usize::from)
}

/// What a unit of each collateral counted when a band was opened, and the price and index of each
/// debt, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reference {
    collaterals: Vec<U256>,
    debts: Vec<(U256, U256)>,
    growth: u8,
    /// What else there is to compare in a market with portfolio margin.
    moment: Option<Moment>,
}

/// Accounts of one composition, by their health at one reference.
#[derive(Clone, Debug)]
struct Band {
    number: u32,
    reference: Reference,
    keys: BTreeSet<(u64, u32)>,
}

/// Where an account is filed.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: AccountId,
    composition: Composition,
    band: u32,
    key: u64,
}

/// The accounts with debt, by how far they are from their alert.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    places: BTreeMap<AccountId, u32>,
    classes: BTreeMap<Composition, Vec<Band>>,
    bands_opened: u32,
}

/// Terms of a collateral or a group, present and earlier ones.
#[derive(Clone, Debug)]
struct Terms {
    present: Binding,
    keeping: Keeping,
    kept: Kept,
}

/// A collateral at one moment.
#[derive(Clone, Debug)]
struct Listing {
    price: u128,
    /// Base units of a whole token.
    unit: u128,
    terms: Terms,
}

/// What a market's collaterals and debts count at one moment.
#[derive(Clone, Debug)]
struct Scales {
    now: Timestamp,
    collaterals: Vec<Listing>,
    /// Of the groups that were asked for.
    groups: BTreeMap<GroupId, (u16, Terms)>,
    /// Price, index, and base units of a whole token.
    debts: Vec<(U256, U256, u128)>,
    /// What portfolio margin makes of them.
    present: Option<Present>,
}

/// The scales of every market that was asked for.
struct Scene {
    now: Timestamp,
    markets: BTreeMap<MarketId, Scales>,
    indexes: BTreeMap<VaultId, u128>,
}

impl Scene {
    fn at(now: Timestamp) -> Self {
        Self { now, markets: BTreeMap::new(), indexes: BTreeMap::new() }
    }

    /// The scales of a market, with those of one of its groups.
    fn scales<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        id: MarketId,
        group: GroupId,
    ) -> Result<&Scales, Stop> {
        if !self.markets.contains_key(&id) {
            let scales = self.read(ledger, id)?;
            self.markets.insert(id, scales);
        }
        let scales = self.markets.get_mut(&id).ok_or(crate::error::Fault::Unreadable)?;
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
    fn class(&self, market: MarketId, account: &Account) -> Composition {
        let version = account.terms_version;
        let places = account.collaterals.iter().map(|pledge| usize::from(pledge.index));
        let own = places.filter_map(|place| self.collaterals.get(place)).map(|leg| &leg.terms);
        let group = self.groups.get(&account.group).map(|(_, terms)| terms);
        let earliest = own.chain(group).map(|terms| terms.earliest(version)).max();
        let portfolio = self.present.is_some();
        Composition::of(market, account, earliest.unwrap_or_default(), portfolio)
    }

    /// Price of a collateral, and the threshold in force for a class.
    fn collateral(&self, class: Composition, place: usize) -> (U256, Bps) {
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

    fn reference(&self, composition: Composition) -> Reference {
        let debt = |place: usize| {
            self.debts.get(place).map_or((U256::ZERO, U256::ZERO), |(p, index, _)| (*p, *index))
        };
        Reference {
            collaterals: composition
                .collaterals()
                .map(|i| self.collateral(composition, i))
                .map(|(price, threshold)| price.saturating_mul(U256::from(threshold.get())))
                .collect(),
            debts: composition.debts().map(debt).collect(),
            growth: composition.growth,
            moment: self.present.as_ref().map(|present| {
                let owned = composition.collaterals();
                let owned = owned.map(|place| (place, self.collateral(composition, place)));
                present.moment(owned, composition.debts())
            }),
        }
    }
}

fn wide(number: u128) -> U256 {
    U256::from(number)
}

/// `a · b / d` rounded down; the largest number if it does not fit, or `d` is zero.
fn scaled_down(a: U256, b: U256, d: U256) -> U256 {
    let product = a.checked_mul(b);
    product.and_then(|product| product.checked_div(d)).unwrap_or(U256::MAX)
}

/// [`scaled_down`], rounded up.
fn scaled_up(a: U256, b: U256, d: U256) -> U256 {
    let Some(product) = a.checked_mul(b).filter(|_| !d.is_zero()) else {
        return U256::MAX;
    };
    let (quotient, rest) = product.div_rem(d);
    quotient.saturating_add(U256::from(u8::from(!rest.is_zero())))
}

/// `(now / then)^growth`, rounded up.
fn grown_up(now: U256, then: U256, growth: u8) -> U256 {
    let ratio = scaled_up(now, ratio_one(), then);
    (1..growth).fold(ratio, |power, _| scaled_up(power, ratio, ratio_one()))
}

/// [`grown_up`], rounded down.
fn grown_down(now: U256, then: U256, growth: u8) -> U256 {
    let ratio = scaled_down(now, ratio_one(), then);
    (1..growth).fold(ratio, |power, _| scaled_down(power, ratio, ratio_one()))
}

fn ratio_one() -> U256 {
    U256::ONE.wrapping_shl(RATIO_BITS)
}

impl Reference {
    /// The key below which an account filed at this reference may be below its alert at `present`.
    fn bound(&self, present: &Self) -> u64 {
        match (&self.moment, &present.moment) {
            (None, None) => self.bound_of_ratios(present),
            (Some(then), Some(now)) => then.bound(now, self.debts_until(present)),
            // The market has changed its model of margin since.
            _ => u64::MAX,
        }
    }

    fn debts_until(&self, present: &Self) -> impl Iterator<Item = Debts> {
        let growth = self.growth;
        let pairs = self.debts.iter().zip(&present.debts);
        pairs.map(move |(then, now)| Debts { then: *then, now: *now, growth })
    }

    /// Whether accounts may still be filed at this reference.
    fn is_near(&self, present: &Self) -> bool {
        let bound = self.bound(present);
        if self.moment.is_some() { Moment::is_near(bound) } else { bound <= BOUND_NEAR }
    }

    /// What a key at this reference is worth at a newer one, whatever the account's amounts.
    fn carried(&self, newest: &Self) -> impl Fn(u64) -> u64 + use<> {
        let bound = self.bound(newest);
        let growth = match (&self.moment, &newest.moment) {
            (Some(then), Some(now)) => Some(then.growth(now, self.debts_until(newest))),
            _ => None,
        };
        move |key| match growth {
            Some(growth) => Moment::moved_key(key, bound, growth),
            None => {
                // Health at the newer reference is at least this part of health at the older one.
                let moved = u128::from(key).saturating_mul(KEY_ONE.into());
                let moved = moved.checked_div(u128::from(bound).max(1)).unwrap_or_default();
                u64::try_from(moved).unwrap_or(KEY_MAX)
            }
        }
    }

    fn bound_of_ratios(&self, present: &Self) -> u64 {
        let one = ratio_one();
        let mut weakest = U256::MAX;
        for (then, now) in self.collaterals.iter().zip(&present.collaterals) {
            // What counted nothing then was filed as nothing.
            if !then.is_zero() {
                weakest = weakest.min(scaled_down(*now, one, *then));
            }
        }
        let (mut heaviest, mut lightest) = (U256::ZERO, U256::MAX);
        for (then, now) in self.debts.iter().zip(&present.debts) {
            let price = scaled_up(now.0, one, then.0);
            let ratio = scaled_up(price, grown_up(now.1, then.1, self.growth), one);
            (heaviest, lightest) = (heaviest.max(ratio), lightest.min(ratio));
        }
        if weakest.is_zero() || weakest == U256::MAX || heaviest == U256::MAX {
            return u64::MAX;
        }
        if lightest < RATIO_LOW {
            return u64::MAX;
        }
        let bound = scaled_up(U256::from(KEY_ONE), heaviest, weakest);
        let slack = bound.wrapping_div(U256::from(KEY_ONE)).saturating_add(U256::from(2));
        u64::try_from(bound.saturating_add(slack)).unwrap_or(u64::MAX)
    }

    /// The health factor of `account` at this reference over `alert`, rounded down; zero for a debt
    /// too small to be exact about.
    fn key(&self, account: &Account, scales: &Scales, (now, alert): (&Self, Wad)) -> u64 {
        if let (Some(moment), Some(present), Some(now)) =
            (&self.moment, &scales.present, &now.moment)
        {
            let values = Values {
                owned: moment.owned(account, scales),
                owed: self.owed(account, scales).collect(),
            };
            return moment.key(&values, (present, now), alert);
        }
        let mut limit = U256::ZERO;
        for (pledge, scale) in account.collaterals.iter().zip(&self.collaterals) {
            let units = scales.collaterals.get(usize::from(pledge.index)).map_or(1, |leg| leg.unit);
            let parts = wide(units).saturating_mul(wide(BPS));
            let value = scaled_down(wide(pledge.amount.get()), *scale, parts);
            // A product beyond 256 bits is undervalued, not overvalued.
            let value = if value == U256::MAX { U256::ZERO } else { value };
            limit = limit.saturating_add(value);
        }
        let owed = self.owed(account, scales);
        let debt = owed.fold(U256::ZERO, |sum, (_, value)| sum.saturating_add(value));
        if debt < wide(DEBT_MIN) || debt == U256::MAX {
            return 0;
        }
        let steps = U256::from(KEY_ONE).saturating_mul(wide(WAD));
        let whole = debt.saturating_mul(wide(alert.get()));
        let key = limit.checked_mul(steps).and_then(|product| product.checked_div(whole));
        u64::try_from(key.unwrap_or_default()).unwrap_or(KEY_MAX).min(KEY_MAX)
    }

    /// What each debt is worth at this reference, rounded up, with its place.
    fn owed<'a>(
        &'a self,
        account: &'a Account,
        scales: &'a Scales,
    ) -> impl Iterator<Item = (usize, U256)> + 'a {
        account.debts.iter().zip(&self.debts).map(|(owed, (price, index))| {
            let place = usize::from(owed.index);
            let present = scales.debts.get(place).copied();
            let (_, index_now, units) = present.unwrap_or((U256::ZERO, U256::MAX, 1));
            let shares = wide(owed.debt.shares.get()).saturating_add(U256::ONE);
            let worth = scaled_up(shares, index_now, wide(RAY));
            let amount = worth.saturating_sub(wide(owed.debt.offset.get()));
            let value = scaled_up(amount, *price, wide(units));
            let grown = grown_down(index_now, *index, self.growth);
            (place, scaled_up(value, ratio_one(), grown))
        })
    }
}

impl Watch {
    /// An index of no account.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many accounts are filed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

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
        let present = scales.reference(composition);
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
        let first = Composition { market, ..Composition::FIRST };
        let classes = self.classes.range(first..);
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
        Ok(band.map_or(u64::MAX, |band| band.reference.bound(&scales.reference(class))))
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
            let present = scales.reference(*composition);
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

    /// The markets that have accounts with debt, in the order of their numbers.
    #[must_use]
    pub fn markets(&self) -> Vec<MarketId> {
        let mut markets = Vec::new();
        let mut next = self.places.keys().next();
        while let Some(id) = next {
            markets.push(id.market);
            let last = AccountId { owner: Address::repeat_byte(u8::MAX), sub: u32::MAX, ..*id };
            let after = self.places.range((Bound::Excluded(last), Bound::Unbounded));
            next = after.map(|(id, _)| id).next();
        }
        markets
    }

    /// The accounts with debt of a market, in the order of their ids. Which these are follows from the accounts alone.
    pub fn accounts_of(&self, market: MarketId) -> impl Iterator<Item = AccountId> + Clone {
        let first = AccountId { market, owner: Address::ZERO, sub: 0 };
        let all = self.places.range(first..).map(|(id, _)| *id);
        all.take_while(move |id| id.market == market)
    }

    fn entry_at(&self, place: u32) -> Option<&Entry> {
        let slot = usize::try_from(place).ok().and_then(|place| self.entries.get(place));
        slot.and_then(Option::as_ref)
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
