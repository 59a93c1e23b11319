//! The bids of one discount, filled together in constant time.
//!
//! Product-sum accounting (source: Liquity, `StabilityPool`, 2021; its second version's constants in
//! `contracts/src/StabilityPool.sol`). With `T` shares in the tier, a fill that takes `Q` of them for
//! `E` of collateral moves two numbers, whatever the number of bidders:
//!
//! ```text
//! S ← S + P · E / T        P ← P · (T − Q) / T
//! ```
//!
//! A bid of `d` shares that began at `P₀`, `S₀` still has `d · P / P₀` of them, and has bought
//! `d · (S − S₀) / P₀`. `P` only falls; so that it never runs out of digits it is multiplied by
//! `2^40` whenever it reaches `2^150`, which starts a new *scale* with a sum of its own. A tier that
//! is emptied starts so many scales later that no earlier bid reaches across.
//!
//! Everything rounds down, against the bidders: what bids are owed together never exceeds what the
//! tier holds. A fill's error is below `2^-22` of a unit of collateral per bid.

use crate::error::Error;
use crate::fixed::{Assets, Shares};
use alloy_primitives::U256;
use alloy_primitives::aliases::U512;

/// The product of a scale at its start: 2^190.
pub(crate) const PRODUCT_FULL: U256 = U256::from_limbs([0, 0, 1 << 62, 0]);
/// At and below this product a new scale starts: 2^150.
const PRODUCT_LOW: U256 = U256::from_limbs([0, 0, 1 << 22, 0]);
/// What a new scale multiplies the product by: 2^40.
const SCALE_BITS: usize = 40;
/// How many scales later a bid can still be owed something: `2^128 · 2^40 / 2^(40 · 5) < 1`.
pub const SCALES_REACHED: u32 = 4;

/// All bids of one discount in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierState {
    /// Vault shares that wait to be spent, dust of rounding included.
    pub shares: Shares,
    /// Collateral that was bought and not claimed, dust of rounding included.
    pub unclaimed: Assets,
    /// Of `unclaimed`, what rounding left when the last bid went; the next fill gives it away.
    pub carried: Assets,
    /// How many bids there are.
    pub bids: u32,
    /// The present scale.
    pub scale: u32,
    /// What is left of a share that was there when the scale began, in 2^-190.
    pub product: U256,
    /// Collateral per share that was there when the scale began, in 2^-190.
    pub sum: U256,
}

impl Default for TierState {
    /// The tier that nobody has bid in.
    fn default() -> Self {
        Self {
            shares: Shares::ZERO,
            unclaimed: Assets::ZERO,
            carried: Assets::ZERO,
            bids: 0,
            scale: 0,
            product: PRODUCT_FULL,
            sum: U256::ZERO,
        }
    }
}

/// One bidder's shares in a tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bid {
    /// Vault shares at the last settlement.
    pub shares: Shares,
    /// Collateral bought before the last settlement and not claimed.
    pub bought: Assets,
    /// The tier's product then.
    pub product: U256,
    /// The tier's sum then.
    pub sum: U256,
    /// The tier's scale then.
    pub scale: u32,
    /// When its withdrawal was announced; zero if it was not.
    pub announced_at: crate::fixed::Timestamp,
}

impl Bid {
    /// Whether there is no bid, which is what a ledger returns for one that was never placed.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.shares.is_zero() && self.bought.is_zero()
    }
}

/// The sum at which a scale ended, to be kept for the bids that began in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedScale {
    /// Its number.
    pub scale: u32,
    /// Its sum.
    pub sum: U256,
}

/// `a · b / d` with a 512-bit product, rounded down.
fn mul_div_down_wide(a: U256, b: U256, d: U256) -> Result<U256, Error> {
    let product: U512 = a.widening_mul(b);
    let quotient = product.checked_div(U512::from(d)).ok_or(Error::Overflow)?;
    let [l0, l1, l2, l3, rest @ ..] = quotient.into_limbs();
    if rest != [0; 4] {
        return Err(Error::Overflow);
    }
    Ok(U256::from_limbs([l0, l1, l2, l3]))
}

fn narrow(number: U256) -> Result<u128, Error> {
    u128::try_from(number).map_err(|_| Error::Overflow)
}

impl TierState {
    /// Spends `paid` of the tier's shares for `collateral`; returns the scale that this ended.
    ///
    /// # Errors
    /// [`Error::Overflow`] for more shares than the tier holds, or at a price so far from any real
    /// one that the sum leaves 256 bits. The tier is unchanged then.
    pub fn fill(&mut self, paid: Shares, collateral: Assets) -> Result<Option<EndedScale>, Error> {
        let rest = self.shares.sub(paid)?;
        let all = U256::from(self.shares.get());
        let given = U256::from(collateral.add(self.carried)?.get());
        let sum = mul_div_down_wide(self.product, given, all)?;
        let sum = self.sum.checked_add(sum).ok_or(Error::Overflow)?;
        let unclaimed = self.unclaimed.add(collateral)?;
        let (mut product, mut raised) = (U256::ZERO, SCALES_REACHED.saturating_add(1));
        if !rest.is_zero() {
            raised = 0;
            product = mul_div_down_wide(self.product, U256::from(rest.get()), all)?;
            while product <= PRODUCT_LOW {
                raised = raised.checked_add(1).ok_or(Error::Overflow)?;
                // Scaled before it is divided: no digit is lost.
                let shift = usize::try_from(raised).map_err(|_| Error::Overflow)?;
                let factor = U256::from(rest.get())
                    .checked_shl(shift.saturating_mul(SCALE_BITS))
                    .ok_or(Error::Overflow)?;
                product = mul_div_down_wide(self.product, factor, all)?;
            }
        }
        let ended = (raised > 0).then_some(EndedScale { scale: self.scale, sum });
        self.scale = self.scale.checked_add(raised).ok_or(Error::Overflow)?;
        self.product = if rest.is_zero() { PRODUCT_FULL } else { product };
        self.sum = if raised > 0 { U256::ZERO } else { sum };
        self.shares = rest;
        self.unclaimed = unclaimed;
        self.carried = Assets::ZERO;
        Ok(ended)
    }

    /// What is left of a bid's shares, rounded down.
    #[must_use]
    pub fn remaining(&self, bid: &Bid) -> Shares {
        let later = self.scale.saturating_sub(bid.scale);
        if bid.shares.is_zero() || later > SCALES_REACHED {
            return Shares::ZERO;
        }
        let shift = usize::try_from(later).unwrap_or(usize::MAX).saturating_mul(SCALE_BITS);
        let left = mul_div_down_wide(U256::from(bid.shares.get()), self.product, bid.product)
            .and_then(|wide| narrow(wide.wrapping_shr(shift)));
        // A product never rises within a scale, so this is at most the bid's shares.
        Shares::new(left.unwrap_or_default()).min(self.shares)
    }

    /// What a bid has bought since it was settled, rounded down. `ended` gives the sums of ended
    /// scales.
    ///
    /// # Errors
    /// Those of `ended`, and [`Error::Overflow`] above 128 bits.
    pub(crate) fn bought<E: From<Error>>(
        &self,
        bid: &Bid,
        mut ended: impl FnMut(u32) -> Result<U256, E>,
    ) -> Result<Assets, E> {
        if bid.shares.is_zero() {
            return Ok(Assets::ZERO);
        }
        let mut gained = U256::ZERO;
        let mut shift = 0_usize;
        for later in 0..=SCALES_REACHED {
            let scale = bid.scale.saturating_add(later);
            if scale > self.scale {
                break;
            }
            let sum = if scale == self.scale { self.sum } else { ended(scale)? };
            let start = if later == 0 { bid.sum } else { U256::ZERO };
            let part = sum.saturating_sub(start).wrapping_shr(shift);
            gained = gained.saturating_add(part);
            shift = shift.saturating_add(SCALE_BITS);
        }
        let units = mul_div_down_wide(gained, U256::from(bid.shares.get()), bid.product)?;
        Ok(Assets::new(narrow(units)?))
    }

    /// Starts a bid of `shares` at the tier's present point.
    pub(crate) fn start(&self, bid: &mut Bid, shares: Shares) {
        bid.shares = shares;
        bid.product = self.product;
        bid.sum = self.sum;
        bid.scale = self.scale;
    }
}
