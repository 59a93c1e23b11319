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
//! `2^40` whenever it reaches `2^120`, which starts a new *scale* with a sum of its own. A tier that
//! is emptied starts so many scales later that no earlier bid reaches across.
//!
//! Everything rounds down, against the bidders: what bids are owed together never exceeds what the
//! tier holds. A fill's error is below `2^-10` of a unit of collateral for a bid of `2^110` shares. `S`
//! stays below `2^160` times the collateral that a share buys: an amount is at most `2^104` units, and a
//! bid at least a million shares, so it fits for any pair of tokens.

use crate::error::Error;
use crate::fixed::{Assets, Shares};
use alloy_primitives::U256;
use alloy_primitives::aliases::U512;

/// The product of a scale at its start: 2^160.
pub(crate) const PRODUCT_FULL: U256 = U256::from_limbs([0, 0, 1 << 32, 0]);
/// At and below this product a new scale starts: 2^120.
const PRODUCT_LOW: U256 = U256::from_limbs([0, 1 << 56, 0, 0]);
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
    /// What is left of a share that was there when the scale began, in 2^-160.
    pub product: U256,
    /// Collateral per share that was there when the scale began, in 2^-160.
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    /// Digits behind the point of the model's numbers: 2^-200.
    const FRACTION: usize = 200;

    /// What a bid is owed, counted for each bidder at each fill.
    #[derive(Clone, Copy, Default)]
    struct Exact {
        shares: U512,
        bought: U512,
        fills: u128,
    }

    /// One tier with the bids in it, beside the model.
    #[derive(Default)]
    struct Run {
        tier: TierState,
        sums: BTreeMap<u32, U256>,
        bids: Vec<(Bid, Exact)>,
        emptied: u64,
        scales: u64,
    }

    fn fixed(number: u128) -> U512 {
        U512::from(number) << FRACTION
    }

    fn whole(number: U512) -> u128 {
        (number >> FRACTION).to()
    }

    impl Run {
        fn settle(&mut self, at: usize) {
            let (bid, _) = self.bids[at];
            let sums = &self.sums;
            let ended = |scale| Ok::<_, Error>(sums.get(&scale).copied().unwrap_or_default());
            let gained = self.tier.bought(&bid, ended).unwrap();
            let mut bid = Bid { bought: bid.bought.add(gained).unwrap(), ..bid };
            let remaining = self.tier.remaining(&bid);
            self.tier.start(&mut bid, remaining);
            self.bids[at].0 = bid;
            self.check(at);
            // A settlement rounds the shares down; what they buy from here on is counted from there.
            self.bids[at].1.shares = fixed(remaining.get());
        }

        /// BID-1: never more than exact, and at most a unit less for each fill and settlement.
        fn check(&self, at: usize) {
            let (bid, exact) = self.bids[at];
            for (owed, exact_owed) in
                [(bid.shares.get(), exact.shares), (bid.bought.get(), exact.bought)]
            {
                // The model divides before it multiplies: 2^-60 is its error, and less than ours.
                let most = whole(exact_owed + (U512::ONE << (FRACTION - 60)));
                assert!(owed <= most, "{owed} owed, {most} exact");
                assert!(
                    owed + exact.fills + 2 >= whole(exact_owed),
                    "{owed}, {most} exact, {} fills",
                    exact.fills
                );
            }
        }

        fn place(&mut self, at: usize, shares: u128) {
            if self.tier.shares.get().checked_add(shares).is_none_or(|all| all >> 110 != 0) {
                return;
            }
            self.settle(at);
            let (bid, exact) = &mut self.bids[at];
            let total = bid.shares.add(Shares::new(shares)).unwrap();
            exact.shares = fixed(total.get());
            exact.fills += 1;
            self.tier.start(bid, total);
            self.tier.shares = self.tier.shares.add(Shares::new(shares)).unwrap();
        }

        fn fill(&mut self, paid: u128, collateral: u128) {
            let all = self.tier.shares.get();
            let before = self.tier;
            let Ok(ended) = self.tier.fill(Shares::new(paid), Assets::new(collateral)) else {
                assert_eq!(self.tier, before, "a fill that fails changes nothing");
                return;
            };
            if let Some(EndedScale { scale, sum }) = ended {
                self.sums.insert(scale, sum);
                self.scales += 1;
            }
            self.emptied += u64::from(paid == all);
            for (_, exact) in &mut self.bids {
                let part = exact.shares;
                exact.bought += part / U512::from(all) * U512::from(collateral);
                exact.shares = part / U512::from(all) * U512::from(all - paid);
                exact.fills += 1;
            }
        }

        fn withdraw(&mut self, at: usize) {
            self.settle(at);
            let (bid, exact) = &mut self.bids[at];
            self.tier.shares = self.tier.shares.sub(bid.shares).unwrap();
            self.tier.unclaimed = self.tier.unclaimed.sub(bid.bought).unwrap();
            (*bid, *exact) = (Bid::default(), Exact::default());
        }

        /// What all bids are owed is in the tier.
        fn sums_tie(&mut self) {
            for at in 0..self.bids.len() {
                self.settle(at);
            }
            let shares: u128 = self.bids.iter().map(|(bid, _)| bid.shares.get()).sum();
            let bought: u128 = self.bids.iter().map(|(bid, _)| bid.bought.get()).sum();
            assert!(shares <= self.tier.shares.get(), "{shares} of {}", self.tier.shares);
            assert!(bought <= self.tier.unclaimed.get(), "{bought} of {}", self.tier.unclaimed);
        }
    }

    /// A small generator of its own, so that a million steps are cheap.
    struct Dice(u64);

    impl Dice {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }

        fn below(&mut self, most: u64) -> u64 {
            self.next() % most
        }

        /// Any size of number: as many bits as not.
        fn amount(&mut self, bits: u64) -> u128 {
            let bits = 1 + self.below(bits);
            let wide = u128::from(self.next()) << 64 | u128::from(self.next());
            (wide >> (128 - bits)).max(1)
        }
    }

    fn setting(name: &str, otherwise: u64) -> u64 {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }

    /// BID-1, F-06: after any sequence of bids, fills of every size, claims and withdrawals, each bid
    /// has what it would have if every fill were shared out bid by bid. `GAGE_STEPS` lengthens it.
    #[test]
    fn reg_f06_bids_are_owed_what_the_sum_over_bidders_says() {
        let (mut emptied, mut scales, mut fills) = (0, 0, 0_u64);
        let steps = setting("GAGE_STEPS", 200_000);
        for seed in 0..10 {
            let mut dice = Dice(seed);
            let mut run = Run { bids: vec![Default::default(); 9], ..Run::default() };
            // Collateral per share, as a power of two: from a coin of millions to one of billionths.
            let ratio = dice.below(60);
            for step in 0..steps / 10 {
                let at = dice.below(9) as usize;
                match dice.below(10) {
                    0..=2 => run.place(at, dice.amount(100)),
                    3 => run.withdraw(at),
                    4 => run.settle(at),
                    _ if run.tier.shares.is_zero() => {}
                    _ => {
                        let all = run.tier.shares.get();
                        let paid = match dice.below(8) {
                            0 => all,
                            1 => all - dice.amount(20).min(all - 1).min(all),
                            2 => dice.amount(100).min(all),
                            _ => (all / 1_000).max(1) * u128::from(1 + dice.below(900)).min(1_000),
                        };
                        let paid = paid.clamp(1, all);
                        let scaled = U512::from(paid) << 20_usize >> ratio as usize;
                        let collateral: u128 = (scaled + U512::ONE).to();
                        run.fill(paid, collateral.min(1 << 120));
                        fills += 1;
                    }
                }
                if step % 64 == 0 {
                    run.sums_tie();
                }
            }
            run.sums_tie();
            emptied += run.emptied;
            scales += run.scales;
        }
        std::println!("{fills} fills, {emptied} emptied a tier, {scales} scales ended");
        assert!(emptied > 20 && scales > 2 * emptied / 2, "{emptied} emptied, {scales} scales");
    }

    /// BID-1, F-06: where a tier is nearly emptied just before its scale ends, the few shares that are left still buy
    /// what is theirs, however much collateral one share buys. Catches digits that are lost between two scales.
    #[test]
    fn reg_f06_few_shares_that_are_left_buy_what_is_theirs() {
        let mut dice = Dice(7);
        let mut reached = 0;
        for _ in 0..1_000 {
            let mut run = Run { bids: vec![Default::default(); 3], ..Run::default() };
            // A product of hardly more than 2^120, at which large bids begin.
            let rest = (1 << 20) + dice.amount(19);
            run.place(0, 1 << 60);
            run.fill((1 << 60) - rest, 1);
            run.place(1, 1 << 108 | dice.amount(107));
            run.place(2, dice.amount(108));
            let all = run.tier.shares.get();
            run.fill(all - (1_000 + dice.amount(30)), 1 << 100);
            // An asset of 18 decimals buys one of 6: 2^40 units and more for a share.
            let rest = run.tier.shares.get();
            run.fill(rest / 2, (rest / 2) << (40 + dice.below(8)));
            run.sums_tie();
            reached += u64::from(run.tier.scale >= 2);
        }
        assert!(reached > 900, "{reached}");
    }

    /// BID-1: what rounding left when a tier's last bid went is bought by whoever bids next, once.
    #[test]
    fn what_was_left_goes_to_the_next_fill() {
        let (unclaimed, carried) = (Assets::new(7), Assets::new(7));
        let shares = Shares::new(1 << 40);
        let mut tier = TierState { unclaimed, carried, shares, ..TierState::default() };
        let mut bid = Bid::default();
        tier.start(&mut bid, shares);
        for (collateral, all) in [(93, 100), (100, 200)] {
            tier.fill(Shares::new(1 << 20), Assets::new(collateral)).unwrap();
            let bought = tier.bought(&bid, |_| Ok::<_, Error>(U256::ZERO)).unwrap().get();
            assert!(bought == all || bought == all - 1, "{bought} of {all}");
        }
        assert!(tier.carried.is_zero());
    }

    /// A tier that is bought down to 10^-36 of itself still knows what its first bid is owed.
    #[test]
    fn precision_does_not_run_out() {
        let mut run = Run { bids: vec![Default::default(); 2], ..Run::default() };
        run.place(0, 10_u128.pow(30));
        run.place(1, 10_u128.pow(30));
        for _ in 0..36 {
            let all = run.tier.shares.get();
            let paid = all - (all / 10).max(1);
            if paid == 0 {
                break;
            }
            run.fill(paid, paid / 1_000_000 + 1);
            run.sums_tie();
        }
        assert!(run.scales >= 2, "{} scales", run.scales);
        let (bid, _) = run.bids[0];
        assert!(bid.bought.get() > 999 * 10_u128.pow(21), "{}", bid.bought);
    }
}
