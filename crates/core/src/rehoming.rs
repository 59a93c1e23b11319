//! Moving a whole account, collateral and debt, to another market or to other vaults, in one step.
//!
//! Everything moves or nothing does: all collateral, and every debt to the vault that its owner named
//! for it. A debt that stays with its vault is *netted*: it passes from one line of the vault to
//! another, no cash moves and no lender's price changes, so that it works when the vault is lent out. For
//! a debt that goes to another vault of the same asset, that vault pays the first one in cash.
//!
//! To the market that is left this is a repayment in full and then a release without debt, both of which
//! go on at every pause level; to the other it is a supply of collateral and a draw, under all rules for
//! these: pauses, caps, minimum debt, the risk premium of what backs the debt there, and a debt within
//! the borrow limit at fresh prices (HLT-1, HLT-5).
//!
//! Rounding: what is owed after is at least what was owed before, and at most a share more (a unit more
//! with a premium) for each debt.

use crate::account::Account;
use crate::address;
use crate::borrowing::{check_caps, check_minimum};
use crate::debt::Debt;
use crate::delegation::{Permission, receiver_for};
use crate::error::{Cap, Error, Fault, Stop};
use crate::event::Event;
use crate::explain::{Explanation, explain_position};
use crate::exposure;
use crate::first_loss::Settled;
use crate::fixed::{Assets, Bps, Wad};
use crate::groups;
use crate::ids::{AccountId, AssetId, MarketId, Token, VaultId};
use crate::ledger::Ledger;
use crate::margin::{DebtLeg, Position, Prices};
use crate::market::{Line, Market, PauseLevel};
use crate::meter;
use crate::pause::check_pause;
use crate::portfolio::Side;
use crate::quote::quote;
use crate::stop_loss::StopLoss;
use crate::token::{Movement, shift};
use crate::vault::Accrued;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloy_primitives::Address;

/// Where a debt goes: owed to one vault now, and to the other, or the same, afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The vault that is owed.
    pub from: VaultId,
    /// The vault of the same asset that will be owed.
    pub to: VaultId,
}

/// From which of an owner's accounts to which, and where each debt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// Whose accounts.
    pub owner: Address,
    /// The market and the number of the account to empty.
    pub from: (MarketId, u32),
    /// The market and the number of the account that takes over; it may hold something already. The
    /// same account again if only vaults change.
    pub to: (MarketId, u32),
    /// One for each debt. They are carried out in this order.
    pub pairs: &'a [Pair],
}

impl Route<'_> {
    fn accounts(&self) -> (AccountId, AccountId) {
        let owner = self.owner;
        let at = |(market, sub)| AccountId { market, owner, sub };
        (at(self.from), at(self.to))
    }

    /// The debts of `leaving` with their ways: each exactly once.
    fn debts(&self, here: &Market, leaving: &Account) -> Result<Vec<(Pair, Debt)>, Error> {
        let mut debts: Vec<(Pair, Debt)> = Vec::with_capacity(leaving.debts.len());
        for pair in self.pairs {
            if debts.iter().any(|(other, _)| other.from == pair.from) {
                return Err(Error::NamedTwice { vault: pair.from });
            }
            let debt = leaving.debt(here.vault_index(self.from.0, pair.from)?);
            if debt.is_zero() {
                return Err(Error::NoDebt);
            }
            debts.push((*pair, debt));
        }
        for (place, vault) in here.vaults.iter().enumerate() {
            let owed = leaving.debts.iter().any(|owed| usize::from(owed.index) == place);
            if owed && !debts.iter().any(|(pair, _)| pair.from == *vault) {
                return Err(Error::DebtLeftBehind { vault: *vault });
            }
        }
        Ok(debts)
    }
}

/// The vaults and lines that a move touches, each read and settled once: a line of either market may
/// be of the same vault.
#[derive(Default)]
struct Books {
    vaults: BTreeMap<VaultId, Accrued>,
    lines: BTreeMap<(MarketId, VaultId), (Line, Settled)>,
}

impl Books {
    /// Reads a line and its vault, and settles the line's tranche. All are opened before any changes:
    /// a tranche is paid at the vault's price.
    fn open<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        key @ (market, vault): (MarketId, VaultId),
    ) -> Result<(), Stop> {
        if self.lines.contains_key(&key) {
            return Ok(());
        }
        let mut accrued = match self.vaults.get(&vault) {
            Some(accrued) => *accrued,
            None => Accrued::load(ledger, vault)?,
        };
        let line = ledger.line(market, vault)?;
        let settled = Settled::load(ledger, key, &mut accrued, &line)?;
        self.vaults.insert(vault, accrued);
        self.lines.insert(key, (line, settled));
        Ok(())
    }

    fn vault(&mut self, id: VaultId) -> Result<&mut Accrued, Fault> {
        self.vaults.get_mut(&id).ok_or(Fault::Unreadable)
    }

    fn rewrite(&mut self, key: (MarketId, VaultId), before: Debt, now: Debt) -> Result<(), Stop> {
        let vault = self.vaults.get_mut(&key.1).ok_or(Fault::Unreadable)?;
        let (line, _) = self.lines.get_mut(&key).ok_or(Fault::Unreadable)?;
        Ok(vault.rewrite(line, before, now)?)
    }

    /// Writes vaults and lines that `position` has none of; it wrote its own.
    fn store_others<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        market: MarketId,
        position: &Position,
    ) -> Result<(), Stop> {
        let has = |vault: VaultId| position.debts.iter().any(|leg| leg.vault == vault);
        for (id, accrued) in self.vaults.iter().filter(|(id, _)| !has(**id)) {
            accrued.store(ledger, *id)?;
        }
        let others = self.lines.iter().filter(|((at, vault), _)| *at != market || !has(*vault));
        for (key, (line, settled)) in others {
            settled.store(ledger, *key)?;
            ledger.set_line(key.0, key.1, line)?;
        }
        Ok(())
    }
}

/// What the account that takes over owes one vault afterwards: the sum of these, each with the premium
/// that it is written at.
struct Leg {
    index: u8,
    vault: VaultId,
    parts: Vec<(Bps, Debt)>,
    /// Whether a debt arrives.
    touched: bool,
    /// Whether the line's debt grows.
    drawn: bool,
}

/// What a move does, and what stands in its way.
struct Plan {
    from: AccountId,
    to: AccountId,
    here: Market,
    there: Market,
    /// The account that takes over, with the collateral; its debts are the position's.
    account: Account,
    collaterals: Vec<(AssetId, Assets)>,
    debts: Vec<(Pair, Assets)>,
    position: Position,
    books: Books,
    reasons: Vec<Error>,
}

/// How an account would stand after a move, at the last prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The account that takes over, with rates as they would be.
    pub explanation: Explanation,
    /// Every rule that forbids the move now, most important first; without any it can be made, unless a
    /// cap on exposure ([`crate::exposure`]) refuses it: those are judged on what is written.
    pub reasons: Vec<Error>,
}

/// Moves the whole of one account of an owner's to another, and returns the health factor there. The
/// owner may, and an operator of both accounts whom it permitted to manage them. A stop-loss order goes
/// along if its debt does and the other account has none; otherwise it ends.
///
/// # Errors
/// [`Error::NotPermitted`], [`Error::AuthorisationExpired`]; [`Error::NothingToRehome`];
/// [`Error::DebtLeftBehind`], [`Error::NamedTwice`], [`Error::NoDebt`], [`Error::AssetsDiffer`] for pairs
/// that are not the account's debts; [`Error::CollateralNotListed`], [`Error::VaultNotListed`];
/// [`Error::MarketPaused`], [`Error::VaultPaused`], [`Error::StalePrice`], [`Error::PriceOutOfBounds`],
/// [`Error::Illiquid`], [`Error::CapExceeded`], [`Error::DebtBelowMinimum`], [`Error::AboveLimit`] there;
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn rehome<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    route: &Route<'_>,
) -> Result<Wad, Stop> {
    let (from, to) = route.accounts();
    receiver_for(ledger, caller, &from, Permission::Manage)?;
    receiver_for(ledger, caller, &to, Permission::Manage)?;
    let plan = plan(ledger, route)?;
    if let Some(reason) = plan.reasons.first() {
        return Err((*reason).into());
    }
    apply(ledger, plan)
}

/// How the account would stand after a move, and what forbids it. Nothing is written; stale prices are
/// a reason, not an error.
///
/// # Errors
/// Those of [`rehome`] for a route that names what is not there; a fault of the ledger.
pub fn preview<L: Ledger + ?Sized>(ledger: &mut L, route: &Route<'_>) -> Result<Preview, Stop> {
    let Plan { to, there, account, position, reasons, .. } = plan(ledger, route)?;
    let explanation =
        explain_position(ledger, (to.market, &there), &account, (&position, &position.totals()))?;
    Ok(Preview { explanation, reasons })
}

fn plan<L: Ledger + ?Sized>(ledger: &mut L, route: &Route<'_>) -> Result<Plan, Stop> {
    let (from, to) = route.accounts();
    let (here, there) = (ledger.market(from.market)?, ledger.market(to.market)?);
    let leaving = ledger.account(&from)?;
    let debts = route.debts(&here, &leaving)?;
    let stays = from == to && debts.iter().all(|(pair, _)| pair.from == pair.to);
    if stays || leaving.collaterals.is_empty() && debts.is_empty() {
        return Err(Error::NothingToRehome.into());
    }
    let mut account = ledger.account(&to)?;
    if from == to {
        account = Account { collaterals: Vec::new(), debts: Vec::new(), ..account };
    }
    if !debts.is_empty() {
        account.terms_version = there.terms_version;
    }
    let mut collaterals = Vec::with_capacity(leaving.collaterals.len());
    for pledge in &leaving.collaterals {
        let listed = here.collaterals.get(usize::from(pledge.index));
        let asset = *listed.ok_or(Fault::Unreadable)?;
        let place = there.collateral_index(to.market, asset)?;
        account.set_collateral(place, account.collateral(place).add(pledge.amount)?);
        collaterals.push((asset, pledge.amount));
    }
    let pledged = Account { debts: Vec::new(), ..account.clone() };
    let position = Position::load(ledger, (to.market, &there), &pledged, Prices::Careful)?;
    let mut plan = Plan {
        from,
        to,
        here,
        there,
        account,
        collaterals,
        debts: Vec::with_capacity(debts.len()),
        position,
        books: Books::default(),
        reasons: Vec::new(),
    };
    let mut legs = plan.open_books(ledger, &debts)?;
    plan.object_to_state(ledger, &debts)?;
    plan.carry(&debts, leaving.risk_premium, &mut legs)?;
    plan.assemble(ledger, &legs)?;
    plan.object_to_debts(ledger, &legs)?;
    Ok(plan)
}

impl Plan {
    /// Opens every vault and line that changes, or that the account there draws on already, and says
    /// what it will owe: first what it owes now.
    fn open_books<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        debts: &[(Pair, Debt)],
    ) -> Result<Vec<Leg>, Stop> {
        let mut legs: BTreeMap<u8, Leg> = BTreeMap::new();
        for owed in &self.account.debts {
            let listed = self.there.vaults.get(usize::from(owed.index));
            let vault = *listed.ok_or(Fault::Unreadable)?;
            let parts = Vec::from([(self.account.risk_premium, owed.debt)]);
            let index = owed.index;
            legs.insert(index, Leg { index, vault, parts, touched: false, drawn: false });
            self.books.open(ledger, (self.to.market, vault))?;
        }
        for (Pair { from, to }, _) in debts.iter().copied() {
            let index = self.there.vault_index(self.to.market, to)?;
            self.books.open(ledger, (self.from.market, from))?;
            self.books.open(ledger, (self.to.market, to))?;
            let asset = self.books.vault(from)?.record().asset;
            if self.books.vault(to)?.record().asset != asset {
                return Err(Error::AssetsDiffer { from, to }.into());
            }
            let none = || Leg { index, vault: to, parts: Vec::new(), touched: false, drawn: false };
            let leg = legs.entry(index).or_insert_with(none);
            leg.touched = true;
            leg.drawn |= (self.from.market, from) != (self.to.market, to);
        }
        Ok(legs.into_values().collect())
    }

    fn note(&mut self, outcome: Result<(), Error>) {
        self.reasons.extend(outcome.err());
    }

    /// What pauses, collateral caps and feeds have against it.
    fn object_to_state<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        debts: &[(Pair, Debt)],
    ) -> Result<(), Stop> {
        let most = if debts.is_empty() { PauseLevel::Restricted } else { PauseLevel::Open };
        self.note(check_pause((self.to.market, &self.there), ledger.now(), most));
        for (pair, _) in debts {
            let vault = pair.to;
            if self.books.vault(vault)?.record().paused {
                self.reasons.push(Error::VaultPaused { vault });
            }
        }
        if self.from.market == self.to.market {
            return Ok(());
        }
        for (asset, amount) in &self.collaterals {
            let terms = ledger.collateral(self.to.market, *asset)?;
            let (would, most) = (terms.total.add(*amount)?, terms.cap);
            if would > most {
                self.reasons.push(Error::CapExceeded { cap: Cap::Collateral, most, would });
            }
        }
        Ok(())
    }

    /// Takes each debt off its line, and adds it to what is owed there: as it is written if it stays
    /// with its vault, otherwise as what the other vault pays for it.
    fn carry(
        &mut self,
        debts: &[(Pair, Debt)],
        premium: Bps,
        legs: &mut [Leg],
    ) -> Result<(), Stop> {
        for (pair, debt) in debts.iter().copied() {
            let owed = self.books.vault(pair.from)?.debt_of(debt);
            self.books.rewrite((self.from.market, pair.from), debt, Debt::ZERO)?;
            let part = if pair.from == pair.to {
                (premium, debt)
            } else {
                let payer = self.books.vault(pair.to)?;
                let index = payer.record().index;
                let paid = payer.pay_out(owed);
                self.note(paid);
                self.books.vault(pair.from)?.take_in(owed)?;
                (Bps::ZERO, Debt::of(owed, Bps::ZERO, index)?)
            };
            let leg = legs.iter_mut().find(|leg| leg.vault == pair.to);
            leg.ok_or(Fault::Unreadable)?.parts.push(part);
            self.debts.push((pair, owed));
        }
        Ok(())
    }

    /// Puts the debts into the position, at the premium of what backs them there.
    fn assemble<L: Ledger + ?Sized>(&mut self, ledger: &mut L, legs: &[Leg]) -> Result<(), Stop> {
        let market = self.to.market;
        let mut sums = Vec::with_capacity(legs.len());
        for leg in legs {
            let mut parts = leg.parts.iter();
            let sum = parts.try_fold(Debt::ZERO, |sum, (_, part)| sum.plus(*part))?;
            let before = self.account.debt(leg.index);
            self.books.rewrite((market, leg.vault), before, sum)?;
            sums.push(sum);
        }
        let moved = |vault: VaultId| {
            self.debts.iter().any(|(pair, _)| pair.from == vault || pair.to == vault)
        };
        for (Leg { index, vault, .. }, debt) in legs.iter().zip(sums) {
            let (index, vault) = (*index, *vault);
            let accrued = *self.books.vaults.get(&vault).ok_or(Fault::Unreadable)?;
            let line = self.books.lines.get(&(market, vault)).ok_or(Fault::Unreadable)?;
            let (line, first_loss) = *line;
            let price = Prices::Careful.of(ledger, line.feed, Side::Debt)?;
            // What changed in the books is written even if the debt there is as before.
            let rewritten = moved(vault);
            let leg = DebtLeg { index, vault, accrued, line, debt, price, first_loss, rewritten };
            self.position.debts.push(leg);
        }
        self.position.read_margin(ledger, (market, &self.there))?;
        if self.debts.is_empty() {
            return Ok(());
        }
        let premium = self.position.risk_premium_now();
        for (leg, Leg { parts, .. }) in self.position.debts.iter_mut().zip(legs) {
            let owed = parts
                .iter()
                .try_fold(Assets::ZERO, |sum, (_, part)| sum.add(leg.accrued.debt_of(*part)))?;
            // A sum of shares may be worth a unit less than its parts, each rounded up.
            let exact = parts.iter().all(|(at, _)| *at == premium) && leg.amount() >= owed;
            if !exact {
                leg.rewrite(Debt::of(owed, premium, leg.accrued.record().index)?)?;
            }
        }
        self.position.risk_premium = premium;
        Ok(())
    }

    /// What is drawn anew on a vault's line there.
    fn drawn_on(&self, vault: VaultId) -> Result<Assets, Error> {
        let stays = |pair: &Pair| (self.from.market, pair.from) == (self.to.market, pair.to);
        let arrives = self.debts.iter().filter(|(pair, _)| pair.to == vault && !stays(pair));
        arrives.map(|(_, owed)| *owed).try_fold(Assets::ZERO, Assets::add)
    }

    /// What feeds, caps, the minimum debt and the borrow limit have against it. Without debt that moves
    /// nothing is at risk.
    fn object_to_debts<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        legs: &[Leg],
    ) -> Result<(), Stop> {
        if self.debts.is_empty() {
            return Ok(());
        }
        let pledged = self.position.collaterals.iter().map(|leg| leg.terms.feed);
        let owed = self.position.debts.iter().map(|leg| leg.line.feed);
        let mut feeds: Vec<_> = pledged.chain(owed).collect();
        feeds.sort_unstable();
        feeds.dedup();
        for id in feeds {
            let opening = quote(ledger, id)?.opening_price(Side::Collateral);
            self.note(opening.map(drop));
        }
        let mut found = Vec::new();
        let group = (self.to.market, self.account.group);
        for (leg, Leg { touched, drawn, .. }) in self.position.debts.iter().zip(legs) {
            if *touched {
                found.extend(check_minimum(leg.amount(), &leg.line).err());
                match groups::check_draw(ledger, group, (leg.index, leg.vault)) {
                    Err(Stop::Refused(error)) => found.push(error),
                    outcome => outcome?,
                }
            }
            if *drawn {
                found.extend(check_caps(&leg.accrued, &leg.line).err());
                let on = (self.to.market, leg.vault);
                let drawn = self.drawn_on(leg.vault)?;
                found.extend(meter::check(ledger, on, leg.line.metered, drawn)?.err());
            }
        }
        found.extend(self.position.totals().check_limit().err());
        self.reasons.extend(found);
        Ok(())
    }
}

fn apply<L: Ledger + ?Sized>(ledger: &mut L, plan: Plan) -> Result<Wad, Stop> {
    let Plan {
        from, to, here, there, mut account, collaterals, debts, position, mut books, ..
    } = plan;
    for (pair, amount) in &debts {
        if pair.from != pair.to {
            let token = Token::Asset(books.vault(pair.from)?.record().asset);
            let (payer, paid) = (address::custody(pair.to), address::custody(pair.from));
            shift(ledger, &Movement { token, from: payer, to: paid, value: amount.get() })?;
        }
        if (from.market, pair.from) != (to.market, pair.to) {
            let leg = position.debts.iter().find(|leg| leg.vault == pair.to);
            let metered = leg.ok_or(Fault::Unreadable)?.line.metered;
            meter::draw(ledger, (to.market, pair.to), metered, *amount)?;
        }
        let vaults = (pair.from, pair.to);
        ledger.emit(Event::DebtRehomed { from, to, vaults, amount: *amount })?;
    }
    if from.market != to.market {
        for (asset, amount) in &collaterals {
            let mut left = ledger.collateral(from.market, *asset)?;
            left.total = left.total.sub(*amount)?;
            ledger.set_collateral(from.market, *asset, &left)?;
            let mut taken = ledger.collateral(to.market, *asset)?;
            taken.total = taken.total.add(*amount)?;
            ledger.set_collateral(to.market, *asset, &taken)?;
        }
    }
    position.store_debts(ledger, &to, &mut account)?;
    books.store_others(ledger, to.market, &position)?;
    if from != to {
        for (asset, amount) in &collaterals {
            let (asset, amount) = (*asset, *amount);
            ledger.emit(Event::CollateralRehomed { from, to, asset, amount })?;
        }
        // Emptied, its tracked debts no longer count where they were.
        let Account { tracked, backing, group, .. } = ledger.account(&from)?;
        let mut left = Account { tracked, backing, group, ..Account::default() };
        let _falls = exposure::store_account(ledger, &from, &here, &mut left)?;
    }
    exposure::store_account(ledger, &to, &there, &mut account)?.check(ledger, to.market)?;
    carry_order(ledger, (from, to), &there, &debts)?;
    let health_factor = position.totals().health_factor();
    ledger.emit(Event::Rehomed { from, to, health_factor })?;
    Ok(health_factor)
}

/// Takes the stop-loss order along, to the vault that its debt went to, if it means something there and
/// no other is there already; otherwise ends it.
fn carry_order<L: Ledger + ?Sized>(
    ledger: &mut L,
    (from, to): (AccountId, AccountId),
    there: &Market,
    debts: &[(Pair, Assets)],
) -> Result<(), Stop> {
    let Some(order) = ledger.stop_loss(&from)? else { return Ok(()) };
    let pair = debts.iter().map(|(pair, _)| pair).find(|pair| pair.from == order.vault);
    let carried = pair.map(|pair| StopLoss { vault: pair.to, ..order });
    if from == to {
        let Some(carried) = carried.filter(|carried| *carried != order) else { return Ok(()) };
        return write_order(ledger, to, Some(carried));
    }
    write_order(ledger, from, None)?;
    let listed = there.collateral_index(to.market, order.asset).is_ok();
    match carried {
        Some(carried) if listed && ledger.stop_loss(&to)?.is_none() => {
            write_order(ledger, to, Some(carried))
        }
        _ => Ok(()),
    }
}

fn write_order<L: Ledger + ?Sized>(
    ledger: &mut L,
    account: AccountId,
    order: Option<StopLoss>,
) -> Result<(), Stop> {
    ledger.set_stop_loss(&account, order.as_ref())?;
    ledger.emit(Event::StopLossChanged { account, order })
}
