//! A market's breaker: after too many liquidations at once, no new risk for a while.
//!
//! Liquidations come in a crash, or because a price is wrong; in both nobody should draw on what is left. A breaker
//! counts the value of the debt that liquidations take off a market's accounts. A window begins with the first of them
//! after the last window's end, and remembers what the market's accounts owed before it. When what was taken off
//! within the window exceeds the part [`BreakerTerms::part`] of that, the market is restricted for
//! [`BreakerTerms::pause`] seconds: no new debt, no release of collateral that secures debt. Liquidation, repayment
//! and collateral go on; afterwards the market is open again by itself, and a new window begins with the next
//! liquidation. No key is needed for any of it (GOV-4, C-03).
//!
//! Two windows that meet let at most twice the part pass in the time of one.

use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{BPS, Bps, Timestamp, Wad, mul_div_up_saturating};
use crate::ids::MarketId;
use crate::ledger::Ledger;
use crate::margin::{Prices, debt_value};
use crate::market::Market;
use crate::pause::PAUSE_MAX;
use crate::portfolio::Side;
use crate::vault::Accrued;
use alloy_primitives::Address;

/// The longest window, thirty days in seconds.
pub const WINDOW_MAX: u32 = 2_592_000;

/// When a breaker trips, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreakerTerms {
    /// The part of the debt that may be liquidated in a window; above zero, below one.
    pub part: Bps,
    /// How many seconds a window lasts; at most [`WINDOW_MAX`].
    pub window: u32,
    /// For how many seconds the market is restricted then; at most [`PAUSE_MAX`].
    pub pause: u32,
}

/// A market's breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// When it trips.
    pub terms: BreakerTerms,
    /// When the last window began; zero before the first, and after it has tripped.
    pub began: Timestamp,
    /// What the market's accounts owed then, in US dollars.
    pub debt: Wad,
    /// What has been liquidated since, in US dollars.
    pub liquidated: Wad,
}

impl BreakerTerms {
    fn check(&self) -> Result<(), Error> {
        let Self { part, window, pause } = *self;
        let refused = |name, value| Err(Error::InvalidParameter { name, value });
        if part == Bps::ZERO || part >= Bps::ONE {
            return refused("breaker part", part.get().into());
        }
        if window == 0 || window > WINDOW_MAX {
            return refused("breaker window", window.into());
        }
        if pause == 0 || pause > PAUSE_MAX {
            return refused("breaker pause", pause.into());
        }
        Ok(())
    }
}

impl Breaker {
    fn has_ended(&self, now: Timestamp) -> bool {
        self.began == Timestamp::ZERO || now.since(self.began) >= self.terms.window.into()
    }

    /// How much may be liquidated in the window before it trips, in US dollars, rounded up.
    #[must_use]
    pub fn limit(&self) -> Wad {
        Wad::new(mul_div_up_saturating(self.debt.get(), self.terms.part.get().into(), BPS))
    }
}

/// Gives a market a breaker, changes its terms, or takes it away (`None`); the market's owner only. A window that has
/// begun goes on, and so does a restriction. If more was liquidated within it than the new terms allow, the breaker trips.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::InvalidParameter`], [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_breaker<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    id: MarketId,
    terms: Option<BreakerTerms>,
) -> Result<(), Stop> {
    let mut market = ledger.market(id)?;
    if market.owner != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::MarketOwner }.into());
    }
    let mut breaker = Breaker::default();
    if let Some(terms) = terms {
        terms.check()?;
        let present = Breaker { terms, ..ledger.breaker(id)? };
        let goes_on = !present.has_ended(ledger.now());
        breaker = if goes_on { present } else { Breaker { terms, ..breaker } };
    }
    market.breaker = terms.is_some();
    ledger.emit(Event::BreakerChanged { market: id, terms })?;
    trip(ledger, (id, &mut market), &mut breaker)?;
    ledger.set_market(id, &market)?;
    ledger.set_breaker(id, &breaker)
}

/// Counts a liquidation that has been written, and took debt of that value off an account. Of a market without a
/// breaker, or one that is restricted already, nothing is read or written.
pub(crate) fn count<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &mut Market),
    taken: impl FnOnce() -> Wad,
) -> Result<(), Stop> {
    let now = ledger.now();
    if !market.breaker || now < market.pause.tripped_until {
        return Ok(());
    }
    let taken = taken();
    let mut breaker = ledger.breaker(id)?;
    if breaker.has_ended(now) {
        let debt = debt_of(ledger, id, market)?.saturating_add(taken);
        breaker = Breaker { began: now, debt, liquidated: Wad::ZERO, ..breaker };
    }
    breaker.liquidated = breaker.liquidated.saturating_add(taken);
    let was_tripped = market.pause.tripped_until > Timestamp::ZERO;
    if was_tripped {
        market.pause.tripped_until = Timestamp::ZERO;
        ledger.emit(Event::BreakerRecovered { market: id })?;
    }
    let trips = trip(ledger, (id, market), &mut breaker)?;
    if trips || was_tripped {
        ledger.set_market(id, market)?;
    }
    ledger.set_breaker(id, &breaker)
}

/// Restricts a market if more than its breaker's part was liquidated within the window; whether it was.
fn trip<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &mut Market),
    breaker: &mut Breaker,
) -> Result<bool, Stop> {
    let Breaker { liquidated, debt, .. } = *breaker;
    if liquidated <= breaker.limit() {
        return Ok(false);
    }
    let until = ledger.now().after(breaker.terms.pause.into());
    market.pause.tripped_until = until;
    breaker.began = Timestamp::ZERO;
    ledger.emit(Event::BreakerTripped { market: id, liquidated, debt, until })?;
    Ok(true)
}

/// What a market's accounts owe, in US dollars at the last prices.
fn debt_of<L: Ledger + ?Sized>(ledger: &mut L, id: MarketId, market: &Market) -> Result<Wad, Stop> {
    let mut sum = Wad::ZERO;
    for vault in &market.vaults {
        let line = ledger.line(id, *vault)?;
        if line.owed.is_zero() {
            continue;
        }
        let owed = Accrued::load(ledger, *vault)?.debt_of(line.owed);
        let price = Prices::Last.of(ledger, line.feed, Side::Debt)?;
        sum = sum.saturating_add(debt_value(owed, price, line.decimals));
    }
    Ok(sum)
}
