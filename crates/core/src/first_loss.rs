//! First-loss capital: vault shares staked on a line, which bear that line's losses before the
//! vault's reserves and its lenders do.
//!
//! Anyone may stake on any line. Stakes are counted in units of the line's [`Tranche`]; rewards and
//! losses change what a unit is worth, for all stakers alike. The shares go on earning the vault's
//! interest; besides, the reserves pay the tranche a premium, a part of the interest on the line's
//! debt, in new shares at the price of the moment. A loss burns shares at that price too, so that
//! the other lenders' price does not fall while the tranche lasts.
//!
//! A stake can leave only inside a window that opens [`NOTICE_SECONDS`] after it was announced, and
//! not while a loss is pending: while an account that draws on the line is insolvent and not closed
//! yet. The sweep says so in the block in which it finds such an account, before any transaction
//! could take a stake out; anyone may say so again ([`mark_loss_pending`]).

use crate::address;
use crate::bids::check_notice;
use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{Assets, BPS, Bps, RAY, Ray, Shares, Timestamp, Units, mul_div_down};
use crate::ids::{AccountId, MarketId, StakeId, Token, VaultId};
use crate::ledger::Ledger;
use crate::margin::{DebtLeg, Position, Prices};
use crate::market::Line;
use crate::token::{Movement, credit, debit, shift};
use crate::vault::Accrued;
use crate::waterfall::Loss;
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

/// How long a stake stays after its withdrawal was announced, in seconds: a week.
pub const NOTICE_SECONDS: u64 = 604_800;
/// How long it may be withdrawn then, in seconds: a day; afterwards it must be announced anew.
pub const WINDOW_SECONDS: u64 = 86_400;
/// How long a loss counts as pending after the last time that it was seen, in seconds: a day.
pub const PENDING_SECONDS: u64 = 86_400;
/// The most units for each share that is left. A tranche that a loss would bring below that, to a
/// millionth, is burned whole: what one unit is worth must stay divisible.
const UNITS_PER_SHARE_MAX: u128 = 1 << 20;

/// The first-loss capital of one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tranche {
    /// Vault shares staked, in the market contract's custody.
    pub shares: Shares,
    /// All stakers' units.
    pub units: Units,
    /// How many times losses took everything; units of earlier epochs are worth nothing.
    pub epoch: u32,
    /// The part of the interest on the line's debt that the reserves pay to the stakers.
    pub premium: Bps,
    /// The vault's index up to which the premium was counted.
    pub index: Ray,
    /// Premium counted and not paid yet, because the reserves were short.
    pub owed: Assets,
    /// What is owed besides, in parts of a unit: below one ray.
    pub fraction: Ray,
    /// Until when no stake can leave.
    pub pending_until: Timestamp,
}

impl Tranche {
    /// What `units` are worth in shares, rounded down; all shares for all units.
    fn shares_of(&self, units: Units) -> Result<Shares, Error> {
        if units.is_zero() {
            return Ok(Shares::ZERO);
        }
        mul_div_down(units.get(), self.shares.get(), self.units.get()).map(Shares::new)
    }

    /// The units for new `shares`, rounded down.
    fn units_for(&self, shares: Shares) -> Result<Units, Error> {
        if self.units.is_zero() {
            return Ok(Units::new(shares.get()));
        }
        mul_div_down(shares.get(), self.units.get(), self.shares.get()).map(Units::new)
    }

    /// Counts the premium on the line's `drawn` shares of the debt up to the vault's index.
    fn count(&mut self, index: Ray, drawn: Shares) {
        let growth = index.saturating_sub(self.index);
        self.index = index;
        if self.units.is_zero() {
            return;
        }
        let wide = |number: u128| U256::from(number);
        let interest = wide(drawn.get()).saturating_mul(wide(growth.get()));
        let premium = interest.saturating_mul(wide(u128::from(self.premium.get())));
        let all = premium.checked_div(wide(BPS)).unwrap_or_default();
        let all = all.saturating_add(wide(self.fraction.get()));
        let (whole, part) = (all.checked_div(wide(RAY)), all.checked_rem(wide(RAY)));
        let whole = Assets::new(whole.unwrap_or_default().saturating_to());
        self.owed = self.owed.saturating_add(whole);
        self.fraction = Ray::new(part.unwrap_or_default().saturating_to());
    }

    /// Whether a loss may be hanging over the line at `now`.
    fn is_pending(&self, now: Timestamp) -> bool {
        now < self.pending_until
    }
}

/// One staker's part of a tranche.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// Units of the tranche.
    pub units: Units,
    /// The tranche's epoch in which they count.
    pub epoch: u32,
    /// When their withdrawal was announced; zero if it was not.
    pub announced_at: Timestamp,
}

/// A line's tranche with its premium counted up to now and paid as far as the reserves reach.
/// Empty, and costs nothing, for a line on which nobody stakes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    tranche: Option<Tranche>,
    /// What the reserves paid, and the shares minted for it.
    paid: (Assets, Shares),
    burned: Shares,
}

impl Settled {
    /// Settles the tranche of a line whose debt is about to change, or whose tranche is: the paid
    /// premium moves from the vault's reserves to its lenders, and new shares to the tranche.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        (market, vault): (MarketId, VaultId),
        accrued: &mut Accrued,
        line: &Line,
    ) -> Result<Self, Stop> {
        if !line.staked {
            return Ok(Self::default());
        }
        let tranche = ledger.tranche(market, vault)?;
        Ok(tranche.map_or_else(Self::default, |tranche| Self::of(tranche, accrued, line)))
    }

    fn of(mut tranche: Tranche, accrued: &mut Accrued, line: &Line) -> Self {
        // Ghost shares bear interest too.
        tranche.count(accrued.record().index, line.owed.shares);
        let assets = tranche.owed.min(accrued.record().reserves);
        let minted = accrued.pool().shares_to_mint(assets).unwrap_or_default();
        let shares = accrued.record().shares.add(minted);
        // A vault that lost everything has no price to pay at; the premium stays owed.
        let (Ok(shares), false, false) = (shares, minted.is_zero(), accrued.is_wiped_out()) else {
            return Self { tranche: Some(tranche), ..Self::default() };
        };
        let record = accrued.record_mut();
        record.reserves = record.reserves.saturating_sub(assets);
        record.shares = shares;
        tranche.owed = tranche.owed.saturating_sub(assets);
        tranche.shares = tranche.shares.saturating_add(minted);
        Self { tranche: Some(tranche), paid: (assets, minted), burned: Shares::ZERO }
    }

    /// The tranche, if anything is staked.
    #[must_use]
    pub const fn tranche(&self) -> Option<&Tranche> {
        self.tranche.as_ref()
    }

    /// Takes the tranche's part of a loss; one that is used up ends, and the line says so.
    pub(crate) fn bear(&mut self, loss: &Loss, line: &mut Line) -> Result<(), Error> {
        let Some(tranche) = &mut self.tranche else { return Ok(()) };
        tranche.shares = tranche.shares.sub(loss.burned)?;
        self.burned = self.burned.add(loss.burned)?;
        if tranche.shares.is_zero() && !loss.burned.is_zero() {
            *tranche = Tranche {
                epoch: tranche.epoch.saturating_add(1),
                premium: tranche.premium,
                index: tranche.index,
                pending_until: tranche.pending_until,
                ..Tranche::default()
            };
            line.staked = false;
        }
        Ok(())
    }

    /// Shares that a loss of `assets` burns, and what of the loss they cover: at the price before
    /// it, rounded so that no other lender pays.
    pub(crate) fn covering(&self, accrued: &Accrued, assets: Assets) -> (Shares, Assets) {
        let Some(tranche) = self.tranche else { return (Shares::ZERO, Assets::ZERO) };
        let least = tranche.units.get().div_ceil(UNITS_PER_SHARE_MAX);
        let needed = accrued.pool().shares_to_burn(assets).unwrap_or(Shares::MAX);
        let left = tranche.shares.saturating_sub(needed);
        if assets.is_zero() || left.get() >= least {
            return (if assets.is_zero() { Shares::ZERO } else { needed }, assets);
        }
        let worth = accrued.pool().assets_to_pay(tranche.shares).unwrap_or_default();
        (tranche.shares, worth.min(assets))
    }

    /// Writes the tranche and what happened to its shares; to be called after the vault is written.
    ///
    /// # Errors
    /// [`Error::Overflow`], or a fault of the ledger.
    pub fn store<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        (market, vault): (MarketId, VaultId),
    ) -> Result<(), Stop> {
        let Some(tranche) = &self.tranche else { return Ok(()) };
        ledger.set_tranche(market, vault, tranche)?;
        let token = Token::Share(vault);
        let (assets, shares) = self.paid;
        if !shares.is_zero() {
            credit(ledger, token, address::market_custody(), shares.get())?;
            ledger.emit(Event::FirstLossRewarded { market, vault, assets, shares })?;
        }
        if !self.burned.is_zero() {
            debit(ledger, token, address::market_custody(), self.burned.get())?;
        }
        Ok(())
    }
}

/// A line, its vault and its tranche, all counted up to now.
struct Open {
    key: (MarketId, VaultId),
    accrued: Accrued,
    line: Line,
    settled: Settled,
    tranche: Tranche,
}

impl Open {
    fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        key @ (market, vault): (MarketId, VaultId),
    ) -> Result<Self, Stop> {
        let line = ledger.line(market, vault)?;
        let mut accrued = Accrued::load(ledger, vault)?;
        let opened = || Tranche {
            premium: half(accrued.record().reserve_fee),
            index: accrued.record().index,
            ..Tranche::default()
        };
        let tranche = ledger.tranche(market, vault)?.unwrap_or_else(opened);
        let settled = Settled::of(tranche, &mut accrued, &line);
        let tranche = settled.tranche.unwrap_or(tranche);
        Ok(Self { key, accrued, line, settled, tranche })
    }

    fn store<L: Ledger + ?Sized>(mut self, ledger: &mut L) -> Result<(), Stop> {
        let (market, vault) = self.key;
        let staked = !self.tranche.units.is_zero();
        if self.line.staked != staked {
            self.line.staked = staked;
            ledger.set_line(market, vault, &self.line)?;
        }
        self.settled.tranche = Some(self.tranche);
        self.accrued.store(ledger, vault)?;
        self.settled.store(ledger, self.key)
    }

    /// The least that a stake may be worth: the smallest debt that it could be asked to cover.
    fn check_size(&self, shares: Shares) -> Result<(), Error> {
        let worth = self.accrued.pool().assets_to_pay(shares)?;
        let minimum = self.line.min_debt.max(Assets::new(1));
        if worth < minimum { Err(Error::StakeTooSmall { worth, minimum }) } else { Ok(()) }
    }

    fn stake_of<L: Ledger + ?Sized>(&self, ledger: &mut L, id: &StakeId) -> Result<Stake, Stop> {
        let stake = ledger.stake(id)?;
        let none = Stake { epoch: self.tranche.epoch, ..Stake::default() };
        Ok(if stake.epoch == self.tranche.epoch { stake } else { none })
    }
}

/// Half of a vault's reserve fee: what stakers earn until the curator says otherwise.
fn half(fee: Bps) -> Bps {
    Bps::new(fee.get() / 2)
}

/// Stakes vault shares of the caller's on a line and returns the units for them; an announced
/// withdrawal is called off.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::StakeTooSmall`], [`Error::VaultNotListed`],
/// [`Error::InsufficientBalance`], [`Error::Overflow`], or a fault of the ledger.
pub fn stake<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    key @ (market, vault): (MarketId, VaultId),
    shares: Shares,
) -> Result<Units, Stop> {
    if shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let mut open = Open::load(ledger, key)?;
    let id = StakeId { market, vault, staker: caller };
    let mut stake = open.stake_of(ledger, &id)?;
    let units = open.tranche.units_for(shares)?;
    if units.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    stake.units = stake.units.add(units)?;
    stake.announced_at = Timestamp::ZERO;
    open.tranche.shares = open.tranche.shares.add(shares)?;
    open.tranche.units = open.tranche.units.add(units)?;
    open.check_size(open.tranche.shares_of(stake.units)?)?;
    let (token, to) = (Token::Share(vault), address::market_custody());
    shift(ledger, &Movement { token, from: caller, to, value: shares.get() })?;
    open.store(ledger)?;
    ledger.set_stake(&id, &stake)?;
    ledger.emit(Event::FirstLossStaked { stake: id, shares, units })?;
    Ok(units)
}

/// The caller's stake on a line.
fn own_stake<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    key @ (market, vault): (MarketId, VaultId),
) -> Result<(StakeId, Open, Stake), Stop> {
    let open = Open::load(ledger, key)?;
    let id = StakeId { market, vault, staker: caller };
    let stake = open.stake_of(ledger, &id)?;
    if stake.units.is_zero() {
        return Err(Error::NoStake.into());
    }
    Ok((id, open, stake))
}

/// Announces that the caller's stake may leave; returns when the window opens. It bears losses all
/// the while.
///
/// # Errors
/// [`Error::NoStake`], [`Error::VaultNotListed`], or a fault of the ledger.
pub fn announce_unstake<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    key: (MarketId, VaultId),
) -> Result<Timestamp, Stop> {
    let (id, _, mut stake) = own_stake(ledger, caller, key)?;
    stake.announced_at = ledger.now();
    ledger.set_stake(&id, &stake)?;
    let opens_at = stake.announced_at.after(NOTICE_SECONDS);
    ledger.emit(Event::UnstakeAnnounced { stake: id, opens_at })?;
    Ok(opens_at)
}

/// Takes `units` of the caller's stake out, inside the window; the largest number takes all.
/// Returns the shares, rounded down.
///
/// # Errors
/// [`Error::NoStake`], [`Error::ZeroAmount`], [`Error::LossPending`], [`Error::NoticeNotGiven`],
/// [`Error::NoticeRunning`], [`Error::NoticeExpired`], [`Error::InsufficientStake`],
/// [`Error::StakeTooSmall`] for what would stay, [`Error::InvalidReceiver`],
/// [`Error::VaultNotListed`], or a fault of the ledger.
pub fn unstake<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    key @ (_, vault): (MarketId, VaultId),
    units: Units,
    receiver: Address,
) -> Result<Shares, Stop> {
    let (id, mut open, mut stake) = own_stake(ledger, caller, key)?;
    let units = if units == Units::MAX { stake.units } else { units };
    if units.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    if units > stake.units {
        return Err(Error::InsufficientStake { units: stake.units, asked: units }.into());
    }
    let now = ledger.now();
    check_notice(now, stake.announced_at, NOTICE_SECONDS, WINDOW_SECONDS)?;
    if open.tranche.is_pending(now) {
        return Err(Error::LossPending { until: open.tranche.pending_until }.into());
    }
    let shares = open.tranche.shares_of(units)?;
    stake.units = stake.units.sub(units)?;
    open.tranche.shares = open.tranche.shares.sub(shares)?;
    open.tranche.units = open.tranche.units.sub(units)?;
    if stake.units.is_zero() {
        stake = Stake::default();
    } else {
        open.check_size(open.tranche.shares_of(stake.units)?)?;
    }
    if open.tranche.units.is_zero() {
        // What the reserves could not pay to the last staker is not the next one's.
        (open.tranche.owed, open.tranche.fraction) = (Assets::ZERO, Ray::ZERO);
    }
    open.store(ledger)?;
    ledger.set_stake(&id, &stake)?;
    let (token, from) = (Token::Share(vault), address::market_custody());
    shift(ledger, &Movement { token, from, to: receiver, value: shares.get() })?;
    ledger.emit(Event::FirstLossUnstaked { stake: id, receiver, units, shares })?;
    Ok(shares)
}

/// Counts a line's premium up to now and pays it. Anyone may; every change of the line's debt does.
///
/// # Errors
/// [`Error::NoStake`], [`Error::VaultNotListed`], or a fault of the ledger.
pub fn settle<L: Ledger + ?Sized>(ledger: &mut L, key: (MarketId, VaultId)) -> Result<(), Stop> {
    let open = Open::load(ledger, key)?;
    if open.tranche.units.is_zero() {
        return Err(Error::NoStake.into());
    }
    open.store(ledger)
}

/// Sets the part of the interest on a line's debt that stakers earn from now on, at most the
/// vault's reserve fee, which pays it; the vault's curator only.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::VaultNotListed`], or a fault.
pub fn set_first_loss_premium<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    key @ (market, vault): (MarketId, VaultId),
    premium: Bps,
) -> Result<(), Stop> {
    let mut open = Open::load(ledger, key)?;
    if open.accrued.record().curator != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Curator }.into());
    }
    if premium > open.accrued.record().reserve_fee {
        let value = premium.get().into();
        return Err(Error::InvalidParameter { name: "premium", value }.into());
    }
    open.tranche.premium = premium;
    open.store(ledger)?;
    ledger.emit(Event::FirstLossPremiumChanged { market, vault, premium })
}

/// The staked lines of an insolvent position on which nothing says that a loss is pending, or not
/// for much longer.
pub(crate) fn unwarned(position: &Position, now: Timestamp) -> Vec<VaultId> {
    let soon = now.after(PENDING_SECONDS / 2);
    let unwarned =
        |leg: &&DebtLeg| leg.first_loss.tranche().is_some_and(|tranche| !tranche.is_pending(soon));
    position.debts.iter().filter(unwarned).map(|leg| leg.vault).collect()
}

/// Blocks the stakes on a line that an insolvent account draws on.
pub(crate) fn block_stakes<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: &AccountId,
    vault: VaultId,
) -> Result<(), Stop> {
    let market = account.market;
    let Some(mut tranche) = ledger.tranche(market, vault)? else { return Ok(()) };
    let until = ledger.now().after(PENDING_SECONDS);
    tranche.pending_until = until;
    ledger.set_tranche(market, vault, &tranche)?;
    ledger.emit(Event::LossPending { account: *account, vault, until })
}

/// Says that an account is insolvent: stakes on its lines cannot leave for
/// [`PENDING_SECONDS`]. Anyone may; the sweep does when the bids cannot close the account.
///
/// # Errors
/// [`Error::NoDebt`]; [`Error::Solvent`] if its collateral covers its debt;
/// [`Error::NoStake`] if nothing is staked on its lines, [`Error::StalePrice`],
/// [`Error::PriceOutOfBounds`], [`Error::LiquidationPaused`], [`Error::UnknownMarket`], or a fault
/// of the ledger.
pub fn mark_loss_pending<L: Ledger + ?Sized>(ledger: &mut L, id: &AccountId) -> Result<(), Stop> {
    let market = ledger.market(id.market)?;
    let account = ledger.account(id)?;
    if !account.has_debt() {
        return Err(Error::NoDebt.into());
    }
    let position = Position::load(ledger, (id.market, &market), &account, Prices::Settled)?;
    let totals = position.totals();
    if !totals.is_insolvent() {
        let health_factor = totals.health_factor();
        return Err(Error::Solvent { health_factor }.into());
    }
    let staked = |leg: &&DebtLeg| leg.first_loss.tranche().is_some();
    let lines: Vec<VaultId> = position.debts.iter().filter(staked).map(|leg| leg.vault).collect();
    if lines.is_empty() {
        return Err(Error::NoStake.into());
    }
    lines.into_iter().try_for_each(|vault| block_stakes(ledger, id, vault))
}

/// A line's first-loss capital as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capital {
    /// The tranche with its premium counted and paid up to now.
    pub tranche: Tranche,
    /// What its shares are worth, rounded down.
    pub worth: Assets,
}

/// The first-loss capital of a line; an empty one if nothing was ever staked.
///
/// # Errors
/// [`Error::VaultNotListed`], or a fault of the ledger.
pub fn capital_of<L: Ledger + ?Sized>(
    ledger: &mut L,
    key: (MarketId, VaultId),
) -> Result<Capital, Stop> {
    let Open { accrued, tranche, .. } = Open::load(ledger, key)?;
    Ok(Capital { tranche, worth: accrued.pool().assets_to_pay(tranche.shares)? })
}

/// A stake as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Units of the tranche.
    pub units: Units,
    /// The vault shares that they stand for, rounded down.
    pub shares: Shares,
    /// What these are worth, rounded down.
    pub worth: Assets,
    /// When its withdrawal was announced; zero if it was not.
    pub announced_at: Timestamp,
}

/// What a staker has on a line; nothing for one that never staked or lost all.
///
/// # Errors
/// [`Error::VaultNotListed`], or a fault of the ledger.
pub fn claim_of<L: Ledger + ?Sized>(ledger: &mut L, id: &StakeId) -> Result<Claim, Stop> {
    let open = Open::load(ledger, (id.market, id.vault))?;
    let Stake { units, announced_at, .. } = open.stake_of(ledger, id)?;
    let shares = open.tranche.shares_of(units)?;
    let worth = open.accrued.pool().assets_to_pay(shares)?;
    Ok(Claim { units, shares, worth, announced_at })
}
