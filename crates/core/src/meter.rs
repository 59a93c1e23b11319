//! The draw meter: how much new debt a line lets through in a while.
//!
//! A meter holds [`MeterTerms::limit`], and refills by `limit / window` a second. Every draw, and every debt that moves
//! onto the line, takes from it; repayment puts nothing back, or whoever pays one debt with another would pass
//! unnoticed. So over any time `L` at most `limit · (1 + L / window)` is drawn: an asset minted without end, or a price
//! that is wrong, costs lenders no more than that, however large the line's cap is (CFG-1, D-08).
//!
//! Whoever draws and repays again and again keeps others from drawing; that stops nobody's repayment, collateral
//! or withdrawal, and is what a limit is.

use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::fixed::{AMOUNT_MAX, Assets, Timestamp, mul_div_down_saturating, mul_div_up_saturating};
use crate::ids::{MarketId, VaultId};
use crate::ledger::Ledger;
use alloy_primitives::Address;

/// The longest window, thirty days in seconds.
pub const WINDOW_MAX: u32 = 2_592_000;
/// Below this part of the limit, a tenth, a meter is low.
const LOW_PART: u128 = 10;

/// What a meter lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterTerms {
    /// Most that may be drawn at once; a unit for each second of the window at least.
    pub limit: Assets,
    /// In how many seconds an empty meter is full again; at most [`WINDOW_MAX`].
    pub window: u32,
}

/// A line's meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// What it lets through.
    pub terms: MeterTerms,
    /// What had been drawn and not refilled at that time.
    pub drawn: Assets,
    /// The time of the last draw.
    pub drawn_at: Timestamp,
}

impl MeterTerms {
    fn check(&self) -> Result<(), Error> {
        let Self { limit, window } = *self;
        if window == 0 || window > WINDOW_MAX {
            return Err(Error::InvalidParameter { name: "meter window", value: window.into() });
        }
        if limit.get() < window.into() || limit > AMOUNT_MAX {
            return Err(Error::InvalidParameter { name: "meter limit", value: limit.get() });
        }
        Ok(())
    }
}

impl Meter {
    /// What has been drawn and is not refilled at `now`, rounded up.
    #[must_use]
    pub fn drawn_by(&self, now: Timestamp) -> Assets {
        let MeterTerms { limit, window } = self.terms;
        let elapsed = now.since(self.drawn_at).into();
        let refilled = mul_div_down_saturating(limit.get(), elapsed, window.into());
        self.drawn.saturating_sub(Assets::new(refilled))
    }

    /// What may be drawn at `now`.
    #[must_use]
    pub fn left(&self, now: Timestamp) -> Assets {
        self.terms.limit.saturating_sub(self.drawn_by(now))
    }

    /// When `amount` may be drawn, or all of the limit if that is less.
    #[must_use]
    pub fn refills_at(&self, amount: Assets) -> Timestamp {
        let MeterTerms { limit, window } = self.terms;
        let excess = self.drawn.saturating_sub(limit.saturating_sub(amount));
        let seconds = mul_div_up_saturating(excess.get(), window.into(), limit.get());
        self.drawn_at.after(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// The meter after a draw of `amount` at `now`.
    ///
    /// # Errors
    /// [`Error::DrawLimitReached`].
    pub fn after(&self, amount: Assets, now: Timestamp) -> Result<Self, Error> {
        let left = self.left(now);
        if amount > left {
            return Err(Error::DrawLimitReached { left, refills_at: self.refills_at(amount) });
        }
        let drawn = self.drawn_by(now).add(amount)?;
        Ok(Self { drawn, drawn_at: now, ..*self })
    }

    fn is_low(&self, now: Timestamp) -> bool {
        self.left(now).get().saturating_mul(LOW_PART) < self.terms.limit.get()
    }
}

/// Gives a line a meter, changes it, or takes it away (`None`); the market's owner only. What was drawn before counts
/// on; a new meter is full.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::VaultNotListed`], [`Error::InvalidParameter`], [`Error::UnknownMarket`], or a
/// fault of the ledger.
pub fn set_meter<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (market, vault): (MarketId, VaultId),
    terms: Option<MeterTerms>,
) -> Result<(), Stop> {
    if ledger.market(market)?.owner != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::MarketOwner }.into());
    }
    let mut line = ledger.line(market, vault)?;
    let meter = match terms {
        Some(terms) => {
            terms.check()?;
            let (present, now) = (ledger.meter(market, vault)?, ledger.now());
            let drawn = if line.metered { present.drawn_by(now) } else { Assets::ZERO };
            Meter { terms, drawn, drawn_at: now }
        }
        None => Meter::default(),
    };
    line.metered = terms.is_some();
    ledger.set_line(market, vault, &line)?;
    ledger.set_meter(market, vault, &meter)?;
    ledger.emit(Event::DrawMeterChanged { market, vault, terms })
}

/// What a line's meter, if it has one, says to a draw.
pub(crate) fn check<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, vault): (MarketId, VaultId),
    metered: bool,
    amount: Assets,
) -> Result<Result<(), Error>, Stop> {
    if !metered {
        return Ok(Ok(()));
    }
    Ok(ledger.meter(market, vault)?.after(amount, ledger.now()).map(drop))
}

/// Takes a draw from a line's meter, if it has one.
///
/// # Errors
/// [`Error::DrawLimitReached`], or a fault of the ledger.
pub(crate) fn draw<L: Ledger + ?Sized>(
    ledger: &mut L,
    (market, vault): (MarketId, VaultId),
    metered: bool,
    amount: Assets,
) -> Result<(), Stop> {
    if !metered {
        return Ok(());
    }
    let (before, now) = (ledger.meter(market, vault)?, ledger.now());
    let meter = before.after(amount, now)?;
    ledger.set_meter(market, vault, &meter)?;
    if meter.is_low(now) && !before.is_low(now) {
        let (left, full_at) = (meter.left(now), meter.refills_at(meter.terms.limit));
        ledger.emit(Event::DrawMeterLow { market, vault, left, full_at })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// CFG-1: over any time `L`, at most `limit · (1 + L / window)`, whatever is asked and when; what is refused
        /// fits at the time that the refusal says, and not a second earlier.
        #[test]
        fn no_more_than_the_limit_passes(
            (limit, window) in (1_u32..=WINDOW_MAX)
                .prop_flat_map(|window| (u128::from(window)..=1 << 100, Just(window))),
            draws in proptest::collection::vec((0_u64..10_000, 0_u128..=1_000), 1..60),
            (from, to) in (0_usize..60, 0_usize..60),
        ) {
            let terms = MeterTerms { limit: Assets::new(limit), window };
            let mut meter = Meter { terms, ..Meter::default() };
            let mut now = Timestamp::new(1_700_000_000);
            let mut passed = Vec::new();
            for (wait, thousandths) in draws {
                now = now.after(wait);
                let amount = Assets::new(limit / 1_000 * thousandths);
                match meter.after(amount, now) {
                    Ok(next) => {
                        meter = next;
                        passed.push((now, amount.get()));
                    }
                    Err(Error::DrawLimitReached { left, refills_at }) => {
                        prop_assert_eq!(left, meter.left(now));
                        prop_assert!(left < amount && refills_at > now);
                        prop_assert!(meter.after(amount, refills_at).is_ok());
                        let before = Timestamp::new(refills_at.get() - 1);
                        prop_assert!(meter.after(amount, before).is_err());
                    }
                    Err(other) => prop_assert!(false, "{other}"),
                }
            }
            let some = passed.get(from.min(to)..=from.max(to)).unwrap_or(&passed);
            if let [(first, _), .., (last, _)] = some {
                let sum: u128 = some.iter().map(|(_, amount)| amount).sum();
                let refill = limit.div_ceil(window.into()) * u128::from(last.since(*first));
                prop_assert!(sum <= limit + refill);
            }
        }
    }

    #[test]
    fn more_than_the_limit_never_fits() {
        let terms = MeterTerms { limit: Assets::new(1_000), window: 100 };
        let meter = Meter { terms, drawn: Assets::new(400), drawn_at: Timestamp::new(50) };
        let (left, refills_at) = (Assets::new(600), Timestamp::new(90));
        let asked = meter.after(Assets::new(1_001), Timestamp::new(50));
        assert_eq!(asked, Err(Error::DrawLimitReached { left, refills_at }));
        assert_eq!(meter.left(refills_at), Assets::new(1_000));
    }

    #[test]
    fn terms_have_bounds() {
        let terms = |limit, window| MeterTerms { limit: Assets::new(limit), window }.check();
        assert!(terms(60, 60).is_ok() && terms(AMOUNT_MAX.get(), WINDOW_MAX).is_ok());
        for (limit, window) in
            [(0, 0), (1, 0), (59, 60), (AMOUNT_MAX.get() + 1, 60), (u128::MAX, WINDOW_MAX + 1)]
        {
            assert!(terms(limit, window).is_err(), "{limit} {window}");
        }
    }
}
