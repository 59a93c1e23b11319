//! Correlated groups: collaterals and debts whose prices move together, on terms of their own.
//!
//! An account is in one group of its market at most. While it is, it draws on the group's vaults
//! only, and of each collateral that is a member it has the better of that collateral's terms and
//! the group's: the higher LTV and threshold, the lower bonuses. Other collaterals keep theirs.
//! Members are only added, and terms change as a collateral's do ([`crate::terms`]), so that nothing
//! a market's owner does to a group makes an account liquidatable, except along an announced move.
//!
//! High thresholds leave little room for a wrong price. A group names the relative price error that it
//! must bear, its *band*: `LTV ≤ threshold · (1 − band)`, so that an account at the LTV is not
//! liquidated by such an error, and `threshold · (1 + bonus_max) · (1 + band) ≤ 1`, so that one
//! that is liquidated at a price that much too high still covers its debt.

use crate::account::Account;
use crate::error::{Error, Fault, Stop};
use crate::event::Event;
use crate::exposure::store_account;
use crate::fixed::{BPS, Bps};
use crate::ids::{AccountId, AssetId, GroupId, MarketId, VaultId};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::listing::{LTV_GAP_MIN, owned};
use crate::margin::{Position, Prices};
use crate::market::{Market, PauseLevel};
use crate::pause::check_pause;
use crate::terms::{self, Binding, Keeping, Move, Subject};
use alloy_primitives::Address;

/// The smallest band: 1 %.
pub const BAND_MIN: Bps = Bps::new(100);
/// The largest band: 20 %.
pub const BAND_MAX: Bps = Bps::new(2_000);

/// Collaterals and vaults of one market whose prices move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is called.
    pub label: Label,
    /// Its collaterals; bit i is place i in the market's list.
    pub collaterals: u16,
    /// Its vaults; bit i is place i in the market's list.
    pub vaults: u8,
    /// Most debt per value of a member when borrowing or releasing.
    pub ltv: Bps,
    /// What binds whoever owes.
    pub binding: Binding,
    /// The price error that it must bear.
    pub band: Bps,
    /// What accounts keep of earlier terms.
    pub kept: Keeping,
}

/// A group's terms, as the market's owner states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupTerms {
    /// Most debt per value of a member when borrowing or releasing.
    pub ltv: Bps,
    /// Debt per value of a member above which liquidation starts.
    pub threshold: Bps,
    /// Liquidation bonus at a health factor of one.
    pub bonus_min: Bps,
    /// Liquidation bonus at and below the market's full-bonus health.
    pub bonus_max: Bps,
    /// The price error that the group must bear, from [`BAND_MIN`] to [`BAND_MAX`].
    pub band: Bps,
}

/// Collaterals and vaults that join a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Members<'a> {
    /// The collaterals.
    pub collaterals: &'a [AssetId],
    /// The vaults.
    pub vaults: &'a [VaultId],
}

impl Group {
    /// Whether the collateral at `index` is a member.
    #[must_use]
    pub fn takes(&self, index: u8) -> bool {
        self.collaterals.checked_shr(index.into()).unwrap_or_default() & 1 == 1
    }

    /// Whether its accounts may draw on the vault at `index`.
    #[must_use]
    pub fn lends(&self, index: u8) -> bool {
        self.vaults.checked_shr(index.into()).unwrap_or_default() & 1 == 1
    }

    /// Adds members, each of which must be new.
    fn add(&mut self, id: MarketId, market: &Market, members: Members<'_>) -> Result<(), Error> {
        let listed = |id, number| Error::AlreadyListed { market: id, id: number };
        for asset in members.collaterals {
            let index = market.collateral_index(id, *asset)?;
            if self.takes(index) {
                return Err(listed(id, asset.get()));
            }
            self.collaterals |= 1_u16.checked_shl(index.into()).ok_or(Error::Overflow)?;
        }
        for vault in members.vaults {
            let index = market.vault_index(id, *vault)?;
            if self.lends(index) {
                return Err(listed(id, vault.get()));
            }
            self.vaults |= 1_u8.checked_shl(index.into()).ok_or(Error::Overflow)?;
        }
        Ok(())
    }
}

impl GroupTerms {
    fn binding(&self) -> Binding {
        let Self { threshold, bonus_min, bonus_max, .. } = *self;
        Binding { threshold, bonus_min, bonus_max }
    }

    fn check(&self) -> Result<(), Error> {
        let wide = |value: Bps| u128::from(value.get());
        if self.band < BAND_MIN || BAND_MAX < self.band {
            return Err(Error::InvalidParameter { name: "band", value: wide(self.band) });
        }
        self.binding().check(self.ltv, LTV_GAP_MIN, self.band)?;
        let sure = BPS.saturating_sub(wide(self.band)).saturating_mul(wide(self.threshold));
        if wide(self.ltv).saturating_mul(BPS) > sure {
            return Err(Error::InvalidParameter { name: "LTV", value: wide(self.ltv) });
        }
        Ok(())
    }
}

/// A group as it is for one account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) group: Group,
    pub(crate) binding: Binding,
    pub(crate) moving: Option<Move>,
}

impl Membership {
    /// The group that an account of `version` is in; `None` if it is in none.
    pub(crate) fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        market: MarketId,
        id: GroupId,
        version: u32,
    ) -> Result<Option<Self>, Stop> {
        if id.is_none() {
            return Ok(None);
        }
        let group = ledger.group(market, id)?;
        let subject = (market, Subject::Group(id));
        let present = (group.binding, group.kept);
        let (binding, moving) = terms::in_force(ledger, subject, present, version)?;
        Ok(Some(Self { group, binding, moving }))
    }
}

/// Checks that an account of a group may draw on the vault at `index`.
///
/// # Errors
/// [`Error::OutsideGroup`], or a fault of the ledger.
pub(crate) fn check_draw<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, group): (MarketId, GroupId),
    (index, vault): (u8, VaultId),
) -> Result<(), Stop> {
    if group.is_none() || ledger.group(market, group)?.lends(index) {
        return Ok(());
    }
    Err(Error::OutsideGroup { market, group, vault }.into())
}

/// Creates a group of a market; its owner only. Groups are numbered from one on.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::CollateralNotListed`],
/// [`Error::VaultNotListed`], [`Error::AlreadyListed`] for a member that is named twice,
/// [`Error::TooManyListed`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn create_group<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    (label, terms): (Label, &GroupTerms),
    members: Members<'_>,
) -> Result<GroupId, Stop> {
    let mut market = owned(ledger, caller, id)?;
    terms.check()?;
    let most = u8::MAX;
    let number = market.groups.checked_add(1).ok_or(Error::TooManyListed { market: id, most })?;
    let mut record = Group {
        label,
        collaterals: 0,
        vaults: 0,
        ltv: terms.ltv,
        binding: terms.binding(),
        band: terms.band,
        kept: Keeping::default(),
    };
    record.add(id, &market, members)?;
    let group = GroupId::new(number);
    market.groups = number;
    ledger.set_market(id, &market)?;
    ledger.set_group(id, group, &record)?;
    ledger.emit(Event::GroupCreated { market: id, group, label, terms: *terms })?;
    let Group { collaterals, vaults, .. } = record;
    ledger
        .emit(Event::GroupMembersChanged { market: id, group, collaterals, vaults })
        .map(|()| group)
}

/// Changes a group's terms; the market's owner only. Accounts keep what is better for them until
/// they take new risk or a move arrives ([`crate::terms`]).
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownGroup`],
/// [`Error::TooManyKept`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_group_terms<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    group: GroupId,
    terms: &GroupTerms,
) -> Result<(), Stop> {
    let mut market = owned(ledger, caller, id)?;
    let mut record = ledger.group(id, group)?;
    terms.check()?;
    let present = (record.binding, record.kept);
    let of_market = (id, &mut market);
    let subject = Subject::Group(group);
    record.kept = terms::change(ledger, of_market, subject, present, terms.binding())?;
    record.binding = terms.binding();
    record.ltv = terms.ltv;
    record.band = terms.band;
    ledger.set_group(id, group, &record)?;
    ledger.emit(Event::GroupTermsChanged { market: id, group, terms: *terms })
}

/// Adds collaterals and vaults to a group; the market's owner only. Nothing ever leaves.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::UnknownGroup`], [`Error::CollateralNotListed`],
/// [`Error::VaultNotListed`], [`Error::AlreadyListed`] for a member that is there already,
/// [`Error::ZeroAmount`] for nobody, [`Error::UnknownMarket`], or a fault of the ledger.
pub fn add_group_members<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    group: GroupId,
    members: Members<'_>,
) -> Result<(), Stop> {
    let market = owned(ledger, caller, id)?;
    let mut record = ledger.group(id, group)?;
    if members == Members::default() {
        return Err(Error::ZeroAmount.into());
    }
    record.add(id, &market, members)?;
    ledger.set_group(id, group, &record)?;
    let Group { collaterals, vaults, .. } = record;
    ledger.emit(Event::GroupMembersChanged { market: id, group, collaterals, vaults })
}

/// Brings one of the caller's accounts into a group, from another one or from none. All that it owes
/// must be owed to the group's vaults. With debt, the market must be open, all prices fresh, and the
/// debt within the borrow limit afterwards (HLT-1); the account is on the newest terms then.
///
/// # Errors
/// [`Error::UnknownGroup`], [`Error::SameGroup`], [`Error::OutsideGroup`], [`Error::MarketPaused`],
/// [`Error::AboveLimit`], [`Error::StalePrice`], [`Error::PriceOutOfBounds`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn enter_group<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (market, sub): (MarketId, u32),
    group: GroupId,
) -> Result<(), Stop> {
    let id = AccountId { market, owner: caller, sub };
    let book = ledger.market(market)?;
    let record = ledger.group(market, group)?;
    let account = ledger.account(&id)?;
    if let Some(owed) = account.debts.iter().find(|owed| !record.lends(owed.index)) {
        let vault = book.vaults.get(usize::from(owed.index));
        let vault = *vault.ok_or(Fault::Unreadable)?;
        return Err(Error::OutsideGroup { market, group, vault }.into());
    }
    change_group(ledger, (id, &book), account, group)
}

/// Takes one of the caller's accounts out of its group, on the conditions of [`enter_group`].
///
/// # Errors
/// [`Error::SameGroup`] if it is in none, [`Error::MarketPaused`], [`Error::AboveLimit`],
/// [`Error::StalePrice`], [`Error::PriceOutOfBounds`], [`Error::UnknownMarket`], or a fault of the
/// ledger.
pub fn leave_group<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (market, sub): (MarketId, u32),
) -> Result<(), Stop> {
    let id = AccountId { market, owner: caller, sub };
    let book = ledger.market(market)?;
    let account = ledger.account(&id)?;
    change_group(ledger, (id, &book), account, GroupId::NONE)
}

fn change_group<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (AccountId, &Market),
    mut account: Account,
    group: GroupId,
) -> Result<(), Stop> {
    if account.group == group {
        return Err(Error::SameGroup { market: id.market, group }.into());
    }
    account.group = group;
    if account.has_debt() {
        check_pause((id.market, market), ledger.now(), PauseLevel::Open)?;
        account.terms_version = market.terms_version;
        let position = Position::load(ledger, (id.market, market), &account, Prices::Fresh)?;
        position.totals().check_limit()?;
    }
    let _unmoved = store_account(ledger, &id, market, &mut account)?;
    ledger.emit(Event::GroupChanged { account: id, group })
}
