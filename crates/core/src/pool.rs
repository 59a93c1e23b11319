//! A price from a constant-product pool on this chain, averaged over time.
//!
//! The pool is a pair of the layout that Uniswap v2 published: two reserves, and for each token a *cumulative price*
//! that every pair keeps of itself,
//!
//! ```text
//! C(t) = Σ p·Δt  mod 2²⁵⁶        p = ⌊other reserve · 2¹¹² / own reserve⌋, while it stood; clock mod 2³²
//! ```
//!
//! in base units of the other token. What a pair wrote is of its last trade; until `now` the present reserves go on
//! standing. So the storage alone says `C(now)`, no call is made, and what happens within a block counts nothing: of a
//! block only what its last trade leaves behind stands for any time (ORC-3). From two such readings, at least a window apart,
//!
//! ```text
//! mean = (C(t₁) − C(t₀)) / (t₁ − t₀)        mod 2²⁵⁶, exact; rounded down once, when it becomes a price
//! ```
//!
//! A [`PoolTrail`] keeps three earlier readings, half a window apart, so that a mean is always over one to two windows.
//! The pool says nothing while its other reserve is below a minimum, nor for a window after; nor while the mean and the
//! present price are further apart than [`PoolTerms::drift`]: either somebody moves the pool now, or the mean is of
//! something that passed. What it costs to move the mean is in `docs/pools.md`.

pub mod observing;

use crate::address::Native;
use crate::asset::DECIMALS_MAX;
use crate::error::Error;
use crate::fixed::{BPS, Bps, Timestamp, Wad};
use crate::ids::FeedId;
use alloy_primitives::{Address, U256, U512};

/// The shortest window: ten minutes.
pub const WINDOW_MIN: u32 = 600;
/// The longest window: a day.
pub const WINDOW_MAX: u32 = 86_400;
/// The largest reserve that a pair keeps: 2¹¹² − 1.
pub const RESERVE_MAX: u128 = (1 << RESERVE_BITS) - 1;

/// Bits of a reserve, and of a price's fraction.
const RESERVE_BITS: usize = 112;
/// Bits of an address.
const ADDRESS_BITS: usize = 160;
/// Where a pair's clock lies in its word of reserves.
const CLOCK_BIT: usize = 224;
/// A pair's clock in full turns of 2³² seconds.
const CLOCK_MASK: u64 = (1 << 32) - 1;
/// A pair's clock this far behind is ahead.
const CLOCK_HALF: u64 = 1 << 31;

/// Which of a pair's two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolToken {
    /// The one of the lower address.
    Zero,
    /// The other.
    One,
}

/// How a pool is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolTerms {
    /// The pair.
    pub pool: Address,
    /// The token that is priced.
    pub priced: PoolToken,
    /// A whole priced token is `10^decimals` base units; at most [`DECIMALS_MAX`].
    pub decimals: u8,
    /// The same of the other token.
    pub quote_decimals: u8,
    /// Over how many seconds at least the price is averaged; from [`WINDOW_MIN`] to [`WINDOW_MAX`].
    pub window: u32,
    /// How far the mean may be from the present price, as a part of the lower of both; not zero.
    pub drift: Bps,
    /// With less of the other token, in base units, the pool says nothing; not zero.
    pub reserve_min: u128,
    /// The price of the other token. A constant is no price, so there is always one.
    pub quote: FeedId,
}

impl PoolTerms {
    /// Checks what can be checked of the terms alone.
    ///
    /// # Errors
    /// [`Error::ZeroAddress`], [`Error::NotAPool`] for a native contract, or [`Error::InvalidParameter`] for what
    /// [`PoolTerms`] rules out.
    pub fn check(&self) -> Result<(), Error> {
        if self.pool.is_zero() {
            return Err(Error::ZeroAddress);
        }
        if Native::at(self.pool).is_some() {
            return Err(Error::NotAPool { pool: self.pool });
        }
        for (name, decimals) in
            [("decimals", self.decimals), ("quote decimals", self.quote_decimals)]
        {
            if decimals > DECIMALS_MAX {
                return Err(Error::InvalidParameter { name, value: decimals.into() });
            }
        }
        let bounds = [
            ("window", self.window.into(), WINDOW_MIN.into(), WINDOW_MAX.into()),
            ("drift", self.drift.get().into(), 1, u128::MAX),
            ("least reserve", self.reserve_min, 1, RESERVE_MAX),
        ];
        for (name, value, least, most) in bounds {
            if value < least || value > most {
                return Err(Error::InvalidParameter { name, value });
            }
        }
        Ok(())
    }

    /// The priced token's address and the other's, from the words in which a pair keeps `token0` and `token1`.
    ///
    /// # Errors
    /// [`Error::NotAPool`] unless they are two addresses in order.
    pub fn tokens(&self, [zero, one]: [U256; 2]) -> Result<[Address; 2], Error> {
        let refused = Error::NotAPool { pool: self.pool };
        if zero.is_zero() || zero >= one || one.bit_len() > ADDRESS_BITS {
            return Err(refused);
        }
        let [zero, one] = [zero, one].map(|word| Address::from_word(word.into()));
        Ok(match self.priced {
            PoolToken::Zero => [zero, one],
            PoolToken::One => [one, zero],
        })
    }
}

/// What a pair's storage holds of a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolWords {
    /// From the right: `reserve0` in 112 bits, `reserve1` in 112, `blockTimestampLast` in 32.
    pub reserves: U256,
    /// The priced token's cumulative price at that time.
    pub cumulative: U256,
}

/// Why a pool says nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// One of its reserves is zero.
    #[error("the pool is empty")]
    Empty,
    /// Its clock is ahead of the block's.
    #[error("the pool's clock is ahead")]
    Ahead,
    /// It holds too little.
    #[error("the pool holds {reserve} of the quote token, less than {least}")]
    Thin {
        /// The other token's reserve.
        reserve: u128,
        /// The least there must be.
        least: u128,
    },
    /// It has not been read for long enough, or not lately.
    #[error("the pool has not been watched for its window yet")]
    Short,
    /// The mean and the present price are too far apart.
    #[error("the pool's price is further from its mean than it may be")]
    Drifted,
    /// The other token has no price that may be used.
    #[error("the quote token has no fresh price")]
    Unpriced,
    /// The price is above what a price may be.
    #[error("the price is too large to be written")]
    TooDear,
}

/// A pool at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolReading {
    /// The priced token's cumulative price now.
    pub cumulative: U256,
    /// Its price now: base units of the other token per base unit, times 2¹¹², rounded down as pairs do.
    pub spot: U256,
    /// Now.
    pub time: Timestamp,
}

impl PoolReading {
    /// What the words say `now`.
    ///
    /// # Errors
    /// [`Unusable::Empty`], [`Unusable::Ahead`] or [`Unusable::Thin`].
    pub fn of(terms: &PoolTerms, words: &PoolWords, now: Timestamp) -> Result<Self, Unusable> {
        let (zero, one, clock) = unpack(words.reserves);
        let (own, other) = match terms.priced {
            PoolToken::Zero => (zero, one),
            PoolToken::One => (one, zero),
        };
        if other == 0 {
            return Err(Unusable::Empty);
        }
        let spot = U256::from(other)
            .wrapping_shl(RESERVE_BITS)
            .checked_div(U256::from(own))
            .ok_or(Unusable::Empty)?;
        let elapsed = now.get().wrapping_sub(clock) & CLOCK_MASK;
        if elapsed >= CLOCK_HALF {
            return Err(Unusable::Ahead);
        }
        if other < terms.reserve_min {
            return Err(Unusable::Thin { reserve: other, least: terms.reserve_min });
        }
        // 224 bits by 31 fit; the sum wraps as the pair's own does.
        let cumulative = words.cumulative.wrapping_add(spot.wrapping_mul(U256::from(elapsed)));
        Ok(Self { cumulative, spot, time: now })
    }

    /// The present price in whole tokens of the other kind per whole priced token, rounded down.
    ///
    /// # Errors
    /// [`Error::Overflow`] above what a [`Wad`] holds.
    pub fn ratio(&self, terms: &PoolTerms) -> Result<Wad, Error> {
        Mean { integral: self.spot, seconds: 1 }.ratio(terms)
    }
}

/// `reserve0`, `reserve1` and `blockTimestampLast`.
fn unpack(word: U256) -> (u128, u128, u64) {
    let part = |from: usize| -> u128 {
        let part: U256 = word.wrapping_shr(from) & U256::from(RESERVE_MAX);
        part.saturating_to()
    };
    (part(0), part(RESERVE_BITS), word.wrapping_shr(CLOCK_BIT).saturating_to())
}

/// An earlier reading; at time zero, none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The cumulative price.
    pub cumulative: U256,
    /// When.
    pub time: Timestamp,
}

/// The earlier readings that are kept, the latest first, at least half a window apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolTrail {
    /// They.
    pub marks: [Mark; 3],
}

impl PoolTrail {
    /// The trail with one more reading, and the mean up to it.
    ///
    /// The mean reaches back to the latest mark that is a window old; with a mark that is more than two old, or none, there is
    /// no mean. Where readings are at most `gap` seconds apart it is of less than `1.5 · window + 2 · gap`.
    ///
    /// # Errors
    /// With the trail, [`Unusable::Short`] or [`Unusable::Drifted`] instead of the mean.
    pub fn advance(
        &self,
        terms: &PoolTerms,
        reading: &PoolReading,
    ) -> (Self, Result<Mean, Unusable>) {
        let [latest, middle, _] = self.marks;
        let mean = self.mean(terms, reading);
        let step = u64::from(terms.window.div_ceil(2));
        let due = latest.time == Timestamp::ZERO || reading.time.since(latest.time) >= step;
        let mark = Mark { cumulative: reading.cumulative, time: reading.time };
        let trail = if due { Self { marks: [mark, latest, middle] } } else { *self };
        (trail, mean)
    }

    /// The mean up to a reading.
    ///
    /// # Errors
    /// [`Unusable::Short`] or [`Unusable::Drifted`].
    pub fn mean(&self, terms: &PoolTerms, reading: &PoolReading) -> Result<Mean, Unusable> {
        let window = u64::from(terms.window);
        let old =
            |mark: &&Mark| mark.time != Timestamp::ZERO && reading.time.since(mark.time) >= window;
        let base = self.marks.iter().find(old).ok_or(Unusable::Short)?;
        let seconds = reading.time.since(base.time);
        if seconds > window.saturating_mul(2) {
            return Err(Unusable::Short);
        }
        let mean = Mean { integral: reading.cumulative.wrapping_sub(base.cumulative), seconds };
        if mean.drifted(reading.spot, terms.drift) { Err(Unusable::Drifted) } else { Ok(mean) }
    }
}

/// A price averaged over time, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mean {
    /// The price times the seconds it stood, summed; in the unit of [`PoolReading::spot`] times seconds.
    pub integral: U256,
    /// Over how many seconds; not zero.
    pub seconds: u64,
}

impl Mean {
    /// Whole tokens of the other kind per whole priced token, rounded down.
    ///
    /// # Errors
    /// [`Error::Overflow`] above what a [`Wad`] holds.
    pub fn ratio(&self, terms: &PoolTerms) -> Result<Wad, Error> {
        self.price(terms, Wad::ONE)
    }

    /// US dollars per whole priced token where the other token's price is `quote`: rounded down, by less than 10⁻¹⁸
    /// dollars, as all prices that are products are.
    ///
    /// # Errors
    /// [`Error::Overflow`] above what a [`Wad`] holds.
    pub fn price(&self, terms: &PoolTerms, quote: Wad) -> Result<Wad, Error> {
        let (up, down) = (power(terms.decimals), power(terms.quote_decimals));
        // Of 256, 90 and 128 bits; one factor comes as the quotient's own unit, so that only one rounding is left.
        let above = U512::from(self.integral)
            .checked_mul(U512::from(quote.get()))
            .and_then(|product| product.checked_mul(up));
        let below = U512::from(self.seconds)
            .checked_mul(down)
            .and_then(|product| product.checked_mul(U512::ONE.wrapping_shl(RESERVE_BITS)));
        let quotient = above.zip(below).and_then(|(above, below)| above.checked_div(below));
        let price = quotient.and_then(|price| u128::try_from(price).ok()).ok_or(Error::Overflow)?;
        Ok(Wad::new(price))
    }

    /// Whether the mean and `spot` are further apart than `drift` of the lower.
    fn drifted(&self, spot: U256, drift: Bps) -> bool {
        let mean = U512::from(self.integral);
        // At most 224 bits by 18.
        let spot = U512::from(spot).wrapping_mul(U512::from(self.seconds));
        let (low, high) = (mean.min(spot), mean.max(spot));
        let scale = |number: U512, by: u128| number.wrapping_mul(U512::from(by));
        scale(high, BPS) > scale(low, BPS.saturating_add(drift.get().into()))
    }
}

/// `10^decimals`.
fn power(decimals: u8) -> U512 {
    U512::from(10_u8).wrapping_pow(U512::from(decimals))
}

#[cfg(test)]
mod tests;
