//! How much an account may owe: its position with values, and the health that follows.
//!
//! With collateral values `vᵢ = ⌊amount · price⌋` and debt values `⌈amount · price⌉` in US dollars:
//!
//! - borrow limit `Σ vᵢ · LTVᵢ`: the most debt after drawing or releasing;
//! - liquidation limit `W = Σ vᵢ · thresholdᵢ`: health factor `W / D` with the debt value `D`;
//! - cover `Σ vᵢ / (1 + bonus_minᵢ)`: what liquidators pay for all of it; an account that owes
//!   more is insolvent.
//!
//! In a market with portfolio margin both limits are collateral less a requirement instead
//! ([`crate::portfolio`]); all else is the same.
//!
//! Values saturate: a collateral worth more than 128 bits count is undervalued, a debt worth more
//! is unhealthy.

use crate::account::{Account, Pledge};
use crate::debt::Debt;
use crate::error::{Error, Stop};
use crate::first_loss::Settled;
use crate::fixed::{Assets, BPS, Bps, WAD, Wad, mul_div_down_saturating, mul_div_up_saturating};
use crate::groups::Membership;
use crate::ids::{AccountId, AssetId, FeedId, MarketId, VaultId};
use crate::ledger::Ledger;
use crate::market::{Collateral, Line, MarginModel, Market};
use crate::portfolio::{Exposure, InForce, Limit, Requirement, Side};
use crate::quote::quote;
use crate::terms::{self, Binding, Subject};
use crate::vault::Accrued;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Base units of a whole token.
pub(crate) fn unit(decimals: u8) -> u128 {
    10_u128.saturating_pow(decimals.into())
}

/// The value of collateral, rounded down.
#[must_use]
pub fn collateral_value(amount: Assets, price: Wad, decimals: u8) -> Wad {
    Wad::new(mul_div_down_saturating(amount.get(), price.get(), unit(decimals)))
}

/// The value of debt, rounded up.
#[must_use]
pub fn debt_value(amount: Assets, price: Wad, decimals: u8) -> Wad {
    Wad::new(mul_div_up_saturating(amount.get(), price.get(), unit(decimals)))
}

/// `weighted / debt`, rounded down, so that it is below one exactly if `weighted < debt`; the
/// largest number without debt.
#[must_use]
pub fn health_factor(weighted: Wad, debt: Wad) -> Wad {
    if debt.is_zero() {
        return Wad::MAX;
    }
    Wad::new(mul_div_down_saturating(weighted.get(), WAD, debt.get()))
}

/// Which prices an answer may rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prices {
    /// Those at which new risk may be taken now: the more careful side, without doubt.
    Fresh,
    /// Those at which accounts may be liquidated now.
    Settled,
    /// Those at which bids may buy now.
    Sale,
    /// Those by which accounts are judged, usable or not; for views.
    Last,
    /// Those at which new risk would be taken, usable or not; for views.
    Careful,
}

impl Prices {
    /// A feed's price for this use, of what is owned or owed.
    ///
    /// # Errors
    /// [`Error::StalePrice`], [`Error::PriceOutOfBounds`], [`Error::FeedFrozen`], [`Error::PriceDoubtful`] and
    /// [`Error::LiquidationPaused`] where the use forbids such a price; [`Error::UnknownFeed`], or a fault.
    pub fn of<L: Ledger + ?Sized>(
        self,
        ledger: &mut L,
        id: FeedId,
        side: Side,
    ) -> Result<Wad, Stop> {
        let quote = quote(ledger, id)?;
        match self {
            Self::Fresh => Ok(quote.opening_price(side)?),
            Self::Settled => Ok(quote.settled_price(side)?),
            Self::Sale => Ok(quote.sale_price(side)?),
            Self::Last => Ok(quote.judged_price(side)),
            Self::Careful => Ok(quote.careful_price(side)),
        }
    }
}

/// One collateral of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollateralLeg {
    /// Its place in the market's list.
    pub index: u8,
    /// What is pledged.
    pub asset: AssetId,
    /// How much of it.
    pub amount: Assets,
    /// Its terms and total in the market.
    pub terms: Collateral,
    /// Most debt per value when drawing or releasing, in force for this account.
    pub ltv: Bps,
    /// Debt per value above which liquidation starts, in force for this account.
    pub threshold: Bps,
    /// The liquidation bonus at a health factor of one, in force for this account.
    pub bonus_min: Bps,
    /// The liquidation bonus at and below the market's full-bonus health, in force for this account.
    pub bonus_max: Bps,
    /// US dollars per whole token.
    pub price: Wad,
}

impl CollateralLeg {
    /// A leg on the terms that the collateral has for new risk.
    #[must_use]
    pub fn on_present_terms(pledge: Pledge, asset: AssetId, terms: Collateral, price: Wad) -> Self {
        let Pledge { index, amount } = pledge;
        let Collateral { ltv, threshold, bonus_min, bonus_max, .. } = terms;
        Self { index, asset, amount, terms, ltv, threshold, bonus_min, bonus_max, price }
    }

    /// The leg on what its account keeps of the collateral's own terms, or the better ones of a group
    /// that the collateral is a member of.
    fn bound_by(self, own: Binding, member: Option<&Membership>) -> Self {
        let group = member.filter(|member| member.group.takes(self.index));
        let (ltv, binding) = match group {
            Some(member) => (self.ltv.max(member.group.ltv), own.best(member.binding)),
            None => (self.ltv, own),
        };
        let Binding { threshold, bonus_min, bonus_max } = binding;
        Self { ltv, threshold, bonus_min, bonus_max, ..self }
    }

    /// What it is worth, rounded down.
    #[must_use]
    pub fn value(&self) -> Wad {
        collateral_value(self.amount, self.price, self.terms.decimals)
    }

    fn exposure(&self) -> Exposure {
        let Self { asset, ltv, threshold, .. } = *self;
        Exposure { asset, side: Side::Collateral, value: self.value(), ltv, threshold }
    }

    /// What liquidators would pay for it at the smallest bonus, rounded down.
    fn cover(&self) -> u128 {
        let sold = BPS.saturating_add(self.bonus_min.get().into());
        mul_div_down_saturating(self.value().get(), BPS, sold)
    }
}

/// One debt of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebtLeg {
    /// Its place in the market's list.
    pub index: u8,
    /// Who is owed.
    pub vault: VaultId,
    /// The vault's record.
    pub accrued: Accrued,
    /// The line through which it was drawn.
    pub line: Line,
    /// What is owed.
    pub debt: Debt,
    /// US dollars per whole token.
    pub price: Wad,
    /// The line's first-loss capital, paid up to now: the vault's record is the one after that.
    pub first_loss: Settled,
    /// Whether the debt was written anew since it was read.
    pub rewritten: bool,
}

impl DebtLeg {
    /// What is owed, rounded up.
    #[must_use]
    pub fn amount(&self) -> Assets {
        self.accrued.debt_of(self.debt)
    }

    /// What that is worth, rounded up.
    #[must_use]
    pub fn value(&self) -> Wad {
        debt_value(self.amount(), self.price, self.line.decimals)
    }

    fn exposure(&self) -> Exposure {
        let asset = self.accrued.record().asset;
        let (ltv, threshold) = (Bps::ZERO, Bps::ZERO);
        Exposure { asset, side: Side::Debt, value: self.value(), ltv, threshold }
    }

    /// Writes another debt in its place.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn rewrite(&mut self, now: Debt) -> Result<(), Error> {
        self.accrued.rewrite(&mut self.line, self.debt, now)?;
        self.debt = now;
        self.rewritten = true;
        Ok(())
    }

    /// Writes the vault, the line and its tranche.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub(crate) fn store<L: Ledger + ?Sized>(
        &self,
        ledger: &mut L,
        market: MarketId,
    ) -> Result<(), Stop> {
        self.accrued.store(ledger, self.vault)?;
        self.first_loss.store(ledger, (market, self.vault))?;
        ledger.set_line(market, self.vault, &self.line)
    }
}

/// Records that an operation has read already, so that a position need not read them again.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    pub(crate) debt: Option<(u8, &'a Accrued, &'a Line, Settled)>,
    pub(crate) collateral: Option<(u8, &'a Collateral)>,
}

/// How a position's limits follow from its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Margin {
    /// Each collateral counts its own LTV and threshold.
    #[default]
    Threshold,
    /// Collateral less a requirement.
    Portfolio(Box<InForce>),
}

impl Margin {
    fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        (id, market): (MarketId, &Market),
        collaterals: &[CollateralLeg],
        debts: &[DebtLeg],
    ) -> Result<Self, Stop> {
        if market.margin == MarginModel::Threshold {
            return Ok(Self::Threshold);
        }
        let owned = collaterals.iter().map(|leg| leg.asset);
        let owed = debts.iter().map(|leg| leg.accrued.record().asset);
        let mut assets: Vec<_> = owned.chain(owed).collect();
        assets.sort_unstable();
        assets.dedup();
        Ok(Self::Portfolio(Box::new(InForce::load(ledger, id, &assets)?)))
    }
}

/// An account with everything that its valuation needs, all as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// What is pledged.
    pub collaterals: Vec<CollateralLeg>,
    /// What is owed.
    pub debts: Vec<DebtLeg>,
    /// The premium at which the debts are written.
    pub risk_premium: Bps,
    /// How its limits follow.
    pub margin: Margin,
}

/// The values of a position in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All collateral, rounded down.
    pub collateral_value: Wad,
    /// All debt, rounded up.
    pub debt_value: Wad,
    /// The most debt after drawing or releasing.
    pub borrow_limit: Wad,
    /// The most debt before liquidation.
    pub liquidation_limit: Wad,
    /// What liquidators would pay for all collateral at the smallest bonuses.
    pub cover: Wad,
}

impl Totals {
    /// Liquidation limit over debt; liquidatable below one.
    #[must_use]
    pub fn health_factor(&self) -> Wad {
        health_factor(self.liquidation_limit, self.debt_value)
    }

    /// Whether the account is liquidatable and liquidators would not pay its debt for its
    /// collateral: `cover < debt`.
    #[must_use]
    pub fn is_insolvent(&self) -> bool {
        self.cover < self.debt_value && self.liquidation_limit < self.debt_value
    }

    /// Checks that the debt is within the borrow limit (HLT-1).
    ///
    /// # Errors
    /// [`Error::AboveLimit`].
    pub fn check_limit(&self) -> Result<(), Error> {
        let Self { debt_value, borrow_limit: limit, .. } = *self;
        if debt_value > limit { Err(Error::AboveLimit { debt_value, limit }) } else { Ok(()) }
    }
}

impl Position {
    /// Reads all that `account` holds in the market numbered `id`.
    ///
    /// # Errors
    /// [`Error::StalePrice`] and [`Error::PriceOutOfBounds`] unless [`Prices::Last`] will do,
    /// [`Error::LiquidationPaused`] with [`Prices::Settled`], or a fault.
    pub fn load<L: Ledger + ?Sized>(
        ledger: &mut L,
        (id, market): (MarketId, &Market),
        account: &Account,
        prices: Prices,
    ) -> Result<Self, Stop> {
        Self::load_with(ledger, (id, market), account, prices, Known::default())
    }

    pub(crate) fn load_with<L: Ledger + ?Sized>(
        ledger: &mut L,
        (id, market): (MarketId, &Market),
        account: &Account,
        prices: Prices,
        known: Known<'_>,
    ) -> Result<Self, Stop> {
        let version = account.version_in_force();
        let member = Membership::load(ledger, id, account.group, version)?;
        let mut collaterals = Vec::with_capacity(account.collaterals.len());
        for pledge in &account.collaterals {
            let index = pledge.index;
            let listed = market.collaterals.get(usize::from(index));
            let asset = *listed.ok_or(crate::error::Fault::Unreadable)?;
            let listing = match known.collateral {
                Some((place, listing)) if place == index => *listing,
                _ => ledger.collateral(id, asset)?,
            };
            let price = prices.of(ledger, listing.feed, Side::Collateral)?;
            let leg = CollateralLeg::on_present_terms(*pledge, asset, listing, price);
            let own = (listing.binding(), listing.kept);
            let subject = Subject::Collateral(asset);
            let (own, _) = terms::in_force(ledger, (id, subject), own, version)?;
            collaterals.push(leg.bound_by(own, member.as_ref()));
        }
        let mut debts = Vec::with_capacity(account.debts.len());
        for owed in &account.debts {
            let index = owed.index;
            let listed = market.vaults.get(usize::from(index));
            let vault = *listed.ok_or(crate::error::Fault::Unreadable)?;
            let (accrued, line, first_loss) = match known.debt {
                Some((place, accrued, line, first_loss)) if place == index => {
                    (*accrued, *line, first_loss)
                }
                _ => {
                    let mut accrued = Accrued::load(ledger, vault)?;
                    let line = ledger.line(id, vault)?;
                    let first_loss = Settled::load(ledger, (id, vault), &mut accrued, &line)?;
                    (accrued, line, first_loss)
                }
            };
            let price = prices.of(ledger, line.feed, Side::Debt)?;
            let debt = owed.debt;
            let rewritten = false;
            let leg = DebtLeg { index, vault, accrued, line, debt, price, first_loss, rewritten };
            debts.push(leg);
        }
        let margin = Margin::load(ledger, (id, market), &collaterals, &debts)?;
        Ok(Self { collaterals, debts, risk_premium: account.risk_premium, margin })
    }

    /// Reads the model's parameters again, for legs that were put in by hand.
    ///
    /// # Errors
    /// A fault of the ledger.
    pub(crate) fn read_margin<L: Ledger + ?Sized>(
        &mut self,
        ledger: &mut L,
        market: (MarketId, &Market),
    ) -> Result<(), Stop> {
        self.margin = Margin::load(ledger, market, &self.collaterals, &self.debts)?;
        Ok(())
    }

    /// The position's values.
    #[must_use]
    pub fn totals(&self) -> Totals {
        totals(&self.margin, self.collaterals.iter(), self.debts.iter())
    }

    /// What it must keep beyond its debt, with the parts of that; `None` in a market of thresholds.
    #[must_use]
    pub fn requirement(&self, limit: Limit) -> Option<Requirement> {
        let Margin::Portfolio(in_force) = &self.margin else {
            return None;
        };
        let owned = self.collaterals.iter().map(CollateralLeg::exposure);
        let exposures: Vec<_> = owned.chain(self.debts.iter().map(DebtLeg::exposure)).collect();
        Some(in_force.requirement(&exposures, limit))
    }

    /// What is left of one of the debts after a repayment, at the premium that it is written at.
    ///
    /// # Errors
    /// [`Error::ZeroShares`] if that clears nothing; [`Error::Overflow`].
    pub(crate) fn left_of(&self, leg: &DebtLeg, repaid: Assets) -> Result<Debt, Error> {
        leg.debt.after(repaid, self.risk_premium, leg.accrued.record().index)
    }

    /// The values with other legs in the places of these.
    pub(crate) fn totals_with(&self, collateral: &CollateralLeg, debt: &DebtLeg) -> Totals {
        let collaterals = self.collaterals.iter();
        let debts = self.debts.iter();
        totals(
            &self.margin,
            collaterals.map(|leg| if leg.index == collateral.index { collateral } else { leg }),
            debts.map(|leg| if leg.index == debt.index { debt } else { leg }),
        )
    }
}

fn totals<'a>(
    margin: &Margin,
    collaterals: impl Iterator<Item = &'a CollateralLeg>,
    debts: impl Iterator<Item = &'a DebtLeg>,
) -> Totals {
    let mut totals = Totals::default();
    let add = |sum: &mut Wad, value: u128| *sum = sum.saturating_add(Wad::new(value));
    let mut exposures = Vec::new();
    let portfolio = matches!(margin, Margin::Portfolio(_));
    for leg in collaterals {
        let value = leg.value().get();
        add(&mut totals.collateral_value, value);
        add(&mut totals.borrow_limit, leg.ltv.of_down(value));
        add(&mut totals.liquidation_limit, leg.threshold.of_down(value));
        add(&mut totals.cover, leg.cover());
        exposures.extend(portfolio.then(|| leg.exposure()));
    }
    for leg in debts {
        add(&mut totals.debt_value, leg.value().get());
        exposures.extend(portfolio.then(|| leg.exposure()));
    }
    if let Margin::Portfolio(in_force) = margin {
        let left = |limit| {
            let required = in_force.requirement(&exposures, limit).total;
            totals.collateral_value.saturating_sub(required)
        };
        (totals.borrow_limit, totals.liquidation_limit) =
            (left(Limit::Borrow), left(Limit::Liquidation));
    }
    totals
}

/// How many legs accounts have together, in a market with portfolio margin: there the size of a sale and
/// the price at which a leg would be liquidated are found by search. Zero with thresholds. Shells charge
/// for such work by it.
///
/// # Errors
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn legs_to_search<L: Ledger + ?Sized>(
    ledger: &mut L,
    market: MarketId,
    accounts: &[AccountId],
) -> Result<u64, Stop> {
    if ledger.market(market)?.margin == MarginModel::Threshold {
        return Ok(0);
    }
    let mut legs = 0_usize;
    for id in accounts {
        let account = ledger.account(id)?;
        let own = account.collaterals.len().saturating_add(account.debts.len());
        legs = legs.saturating_add(own);
    }
    Ok(u64::try_from(legs).unwrap_or(u64::MAX))
}

/// Reads an account's position at the last prices; for views.
///
/// # Errors
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn position<L: Ledger + ?Sized>(ledger: &mut L, id: &AccountId) -> Result<Position, Stop> {
    let market = ledger.market(id.market)?;
    let account = ledger.account(id)?;
    Position::load(ledger, (id.market, &market), &account, Prices::Last)
}

/// An account's health factor at the last prices, interest included; the largest number without
/// debt.
///
/// # Errors
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn health<L: Ledger + ?Sized>(ledger: &mut L, id: &AccountId) -> Result<Wad, Stop> {
    Ok(position(ledger, id)?.totals().health_factor())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fixed::{Ray, Shares, Timestamp};
    use crate::interest::InterestModel;
    use crate::label::Label;
    use crate::terms::Keeping;
    use crate::vault::Vault;
    use alloy_primitives::Address;
    use proptest::prelude::*;

    /// A position with one debt (index one) and several collaterals at an LTV of 75 %, a threshold
    /// of 80 % and bonuses from 4 to 10 %; prices are those of the collaterals and of the debt.
    pub(crate) fn position_of(
        amounts: &[u128],
        shares: u128,
        prices: [u128; 3],
        decimals: u8,
    ) -> Position {
        let mut position = Position {
            collaterals: Vec::new(),
            debts: Vec::new(),
            risk_premium: Bps::ZERO,
            margin: Margin::Threshold,
        };
        for (place, amount) in amounts.iter().enumerate() {
            let index = u8::try_from(place).unwrap();
            let terms = Collateral {
                feed: FeedId::new(u32::from(index) + 1),
                decimals,
                ltv: Bps::new(7_500),
                threshold: Bps::new(8_000),
                bonus_min: Bps::new(400),
                bonus_max: Bps::new(1_000),
                kept: Keeping::default(),
                risk_weight: Bps::ZERO,
                cap: Assets::MAX,
                total: Assets::new(*amount),
            };
            let pledge = Pledge { index, amount: Assets::new(*amount) };
            let asset = AssetId::new(u32::from(index) + 1);
            let price = Wad::new(prices[place]);
            let leg = CollateralLeg::on_present_terms(pledge, asset, terms, price);
            position.collaterals.push(leg);
        }
        position.debts.push(debt_leg(0, 9, shares, prices[2]));
        position
    }

    /// A debt of these shares at an index of one.
    pub(crate) fn debt_leg(index: u8, asset: u32, shares: u128, price: u128) -> DebtLeg {
        let shares = Shares::new(shares);
        let owed = Debt { shares, offset: Assets::ZERO };
        let vault = Vault {
            asset: AssetId::new(asset),
            decimals: 24,
            name: Label::default(),
            symbol: Label::default(),
            curator: Address::ZERO,
            cash: Assets::ZERO,
            shares,
            owed,
            index: Ray::ONE,
            reserves: Assets::ZERO,
            losses: Assets::ZERO,
            updated_at: Timestamp::ZERO,
            reserve_fee: Bps::ZERO,
            supply_cap: Assets::ZERO,
            borrow_cap: Assets::ZERO,
            paused: false,
            exits_waiting: false,
            model: InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(1) },
        };
        DebtLeg {
            index,
            vault: VaultId::new(u32::from(index) + 1),
            accrued: vault.accrue(Timestamp::ZERO),
            line: Line {
                feed: FeedId::new(9),
                decimals: 18,
                cap: Assets::MAX,
                owed,
                min_debt: Assets::new(1_000),
                staked: false,
                tracked: false,
                metered: false,
            },
            debt: owed,
            price: Wad::new(price),
            first_loss: Settled::default(),
            rewritten: false,
        }
    }

    proptest! {
        /// ORC-5: one whole unit is worth its price exactly, whatever its decimals.
        #[test]
        fn a_whole_token_is_worth_its_price(decimals in 0_u8..=27, price in 1_u128..1 << 100) {
            let whole = Assets::new(unit(decimals));
            prop_assert_eq!(collateral_value(whole, Wad::new(price), decimals), Wad::new(price));
            prop_assert_eq!(debt_value(whole, Wad::new(price), decimals), Wad::new(price));
        }

        /// SHR-4: collateral is never valued above debt of the same amount; debt is never free.
        #[test]
        fn values_round_against_the_account(amount in 1_u128..1 << 104, price in 1_u128..1 << 100, decimals in 0_u8..=27) {
            let (amount, price) = (Assets::new(amount), Wad::new(price));
            let (low, high) = (collateral_value(amount, price, decimals), debt_value(amount, price, decimals));
            prop_assert!(low <= high && high.saturating_sub(low) <= Wad::new(1) && !high.is_zero());
        }

        /// LIQ-1: the health factor is below one exactly if the debt exceeds the limit.
        #[test]
        fn health_is_exact_at_one(weighted in 0_u128..1 << 110, debt in 1_u128..1 << 110, near in 0_u128..3) {
            for weighted in [weighted, (debt + 1).saturating_sub(near)] {
                let health = health_factor(Wad::new(weighted), Wad::new(debt));
                prop_assert_eq!(health < Wad::ONE, weighted < debt);
            }
        }

        /// HLT-2: more collateral or a higher price never lowers health.
        #[test]
        fn health_is_monotone(amount in 0_u128..1 << 100, more in 0_u128..1 << 100, price in 1_u128..1 << 90, debt in 1_u128..1 << 110) {
            let health = |amount: u128, price: u128| {
                let value = collateral_value(Assets::new(amount), Wad::new(price), 18);
                health_factor(Wad::new(Bps::new(8_000).of_down(value.get())), Wad::new(debt))
            };
            prop_assert!(health(amount + more, price) >= health(amount, price));
            prop_assert!(health(amount, price + 1) >= health(amount, price));
        }
    }
}
