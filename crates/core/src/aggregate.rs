//! One price out of several sources' reports.
//!
//! The price is the median of all fresh reports by weight: half of the weight is on either side. Whoever holds less
//! than half of it moves the price only among what honest sources say. That is why outliers are not left out of it
//! first: next to an honest outlier, a minority could be the median of the rest.
//!
//! A report is an outlier if it is farther from the price than both 4.5 times the median distance (the MAD) and a
//! floor that the feed's owner sets. Outliers are named, and count neither for the quorum nor for the spread. As the
//! median distance is that of half of the weight, they never hold more than half.
//!
//! For normal noise the standard deviation is 1.4826 MAD, so 4.5 MAD are three of them (Iglewicz and
//! Hoaglin, *How to Detect and Handle Outliers*, 1993, who take 3.5).

use crate::fixed::{Bps, Ppm, Timestamp, Wad, mul_div_up_saturating};
use alloc::vec::Vec;

/// The most sources that a feed has.
pub const SOURCES_MAX: u8 = 16;
/// Twice the number of median distances beyond which a report is an outlier: 4.5.
const OUTLIER_MADS_DOUBLED: u128 = 9;

/// What one source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The source's place in its feed.
    pub place: u8,
    /// How much it counts; not zero.
    pub weight: u16,
    /// The number reported.
    pub price: Wad,
    /// How far from it the source holds the truth possible.
    pub confidence: Ppm,
    /// When it was observed.
    pub time: Timestamp,
}

/// What several sources say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The median of all by weight, rounded down between two.
    pub price: Wad,
    /// The larger of the median distance from the price and the median of what the sources themselves
    /// hold possible, rounded up.
    pub spread: Ppm,
    /// When the price was observed: a quorum of the reports that count is from then or later.
    pub time: Timestamp,
    /// Which places count, as bits.
    pub accepted: u16,
    /// Which places are outliers, as bits.
    pub rejected: u16,
}

/// Too few sources agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// How many fresh reports count.
    pub accepted: u8,
    /// How many are outliers.
    pub rejected: u8,
}

/// Puts reports together; `outlier` is the floor of the distance of outliers.
///
/// # Errors
/// [`Shortfall`] if fewer than `quorum` reports count.
pub fn aggregate(votes: &[Vote], quorum: u8, outlier: Bps) -> Result<Aggregate, Shortfall> {
    let price = middle(votes.iter().map(|vote| (vote.price, vote.weight)));
    let floor = outlier.of_up(price.get());
    let distances = votes.iter().map(|vote| (vote.price.distance(price), vote.weight));
    // Of two medians the lower: half of the weight is within it already.
    let mad = medians(distances).0;
    let limit = mul_div_up_saturating(mad.get(), OUTLIER_MADS_DOUBLED, 2).max(floor);
    let counts = |vote: &Vote| vote.price.distance(price).get() <= limit;
    let accepted: Vec<Vote> = votes.iter().copied().filter(counts).collect();
    let count = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let of_accepted = count(accepted.len());
    let shortfall = Shortfall {
        accepted: of_accepted,
        rejected: count(votes.len().saturating_sub(accepted.len())),
    };
    let mut times: Vec<_> = accepted.iter().map(|vote| vote.time).collect();
    times.sort_unstable_by(|one, other| other.cmp(one));
    let nth = usize::from(quorum.max(1)).saturating_sub(1);
    let Some(time) = times.get(nth).copied() else {
        return Err(shortfall);
    };
    let apart = |vote: &Vote| (Ppm::between(vote.price, price), vote.weight);
    let apart = upper_median(accepted.iter().map(apart));
    let held = upper_median(accepted.iter().map(|vote| (vote.confidence, vote.weight)));
    let bits = |mask: u16, vote: &Vote| mask | bit(vote.place);
    let mask = accepted.iter().fold(0, bits);
    let all = votes.iter().fold(0, bits);
    let spread = apart.max(held);
    Ok(Aggregate { price, spread, time, accepted: mask, rejected: all & !mask })
}

/// The bit of a place.
#[must_use]
pub fn bit(place: u8) -> u16 {
    1_u16.checked_shl(place.into()).unwrap_or_default()
}

/// The value at which half of the weight is reached, and the one at which it is exceeded.
fn medians<T: Copy + Ord + Default>(values: impl Iterator<Item = (T, u16)>) -> (T, T) {
    let mut sorted: Vec<(T, u16)> = values.collect();
    sorted.sort_unstable();
    let whole: u32 = sorted.iter().fold(0, |sum, (_, weight)| sum.saturating_add((*weight).into()));
    let (mut sum, mut lower) = (0_u32, None);
    for (value, weight) in sorted {
        sum = sum.saturating_add(weight.into());
        let doubled = sum.saturating_mul(2);
        if doubled >= whole && lower.is_none() {
            lower = Some(value);
        }
        if doubled > whole {
            return (lower.unwrap_or(value), value);
        }
    }
    (T::default(), T::default())
}

fn upper_median<T: Copy + Ord + Default>(values: impl Iterator<Item = (T, u16)>) -> T {
    medians(values).1
}

fn middle(values: impl Iterator<Item = (Wad, u16)>) -> Wad {
    let (lower, upper) = medians(values);
    let half = upper.saturating_sub(lower).get().checked_div(2).unwrap_or_default();
    lower.saturating_add(Wad::new(half))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::WAD;
    use proptest::prelude::*;

    fn vote(place: u8, price: u128) -> Vote {
        let time = Timestamp::new(1_000 + u64::from(place));
        Vote { place, weight: 1, price: Wad::new(price), confidence: Ppm::ZERO, time }
    }

    fn votes(prices: &[u128]) -> Vec<Vote> {
        (0..).zip(prices).map(|(place, price)| vote(place, *price)).collect()
    }

    const FLOOR: Bps = Bps::new(50);

    #[test]
    fn one_liar_among_five_is_named_and_does_not_move_the_price() {
        let honest = [999, 1_000, 1_001, 1_002].map(|price| price * WAD);
        for (lie, price) in [(0, 1_000), (1, 1_000), (500, 1_000), (1_300, 1_001), (1 << 60, 1_001)]
        {
            let all = [&honest[..], &[lie * WAD]].concat();
            let found = aggregate(&votes(&all), 3, FLOOR).unwrap();
            assert_eq!((found.rejected, found.accepted), (0b1_0000, 0b0_1111));
            assert_eq!(found.price.get(), price * WAD);
        }
    }

    #[test]
    fn a_minority_beside_an_honest_outlier_moves_nothing() {
        let all = [100, 100, 60, 60, 108, 108, 108].map(|price| price * WAD);
        let found = aggregate(&votes(&all), 3, FLOOR).unwrap();
        assert_eq!((found.price.get(), found.rejected), (100 * WAD, 0b000_1100));
    }

    #[test]
    fn two_that_disagree_spread() {
        let found = aggregate(&votes(&[100 * WAD, 130 * WAD]), 2, FLOOR).unwrap();
        assert_eq!((found.price.get(), found.rejected), (115 * WAD, 0));
        assert_eq!(found.spread.get(), 130_435);
    }

    #[test]
    fn too_few_that_agree_are_no_price() {
        let all = votes(&[100 * WAD, 100 * WAD, 300 * WAD, 1]);
        assert_eq!(aggregate(&all, 3, FLOOR), Err(Shortfall { accepted: 2, rejected: 2 }));
        assert_eq!(aggregate(&[], 0, FLOOR), Err(Shortfall { accepted: 0, rejected: 0 }));
    }

    #[test]
    fn it_is_as_old_as_its_quorum() {
        let all = votes(&[WAD; 5]);
        let time = |quorum| aggregate(&all, quorum, FLOOR).unwrap().time.get();
        assert_eq!([time(1), time(3), time(5)], [1_004, 1_002, 1_000]);
    }

    fn any_votes() -> impl Strategy<Value = Vec<Vote>> {
        let one =
            (1_u16.., prop_oneof![0..=u128::MAX, 95 * WAD..105 * WAD], 0_u32.., 1_u64..1 << 40);
        prop::collection::vec(one, 1..=16).prop_map(|all| {
            let vote = |(place, (weight, price, confidence, time))| Vote {
                place,
                weight,
                price: Wad::new(price),
                confidence: Ppm::new(confidence),
                time: Timestamp::new(time),
            };
            (0..).zip(all).map(vote).collect()
        })
    }

    proptest! {
        /// ORC-4: whoever holds less than half of the weight moves the price only among honest reports.
        #[test]
        fn a_minority_stays_among_the_honest(all in any_votes(), liars in any::<u16>()) {
            let lies = |vote: &&Vote| liars & bit(vote.place) != 0;
            let weight = |votes: &[&Vote]| votes.iter().map(|vote| u64::from(vote.weight)).sum::<u64>();
            let (false_ones, honest): (Vec<_>, Vec<_>) = all.iter().partition(lies);
            prop_assume!(weight(&false_ones) < weight(&honest));
            let found = aggregate(&all, 1, FLOOR).unwrap().price;
            prop_assert!(found >= honest.iter().map(|vote| vote.price).min().unwrap());
            prop_assert!(found <= honest.iter().map(|vote| vote.price).max().unwrap());
        }

        /// Outliers never hold more than half of the weight, and order does not matter.
        #[test]
        fn at_least_half_counts_in_any_order(all in any_votes()) {
            let found = aggregate(&all, 1, FLOOR).unwrap();
            let held = |mask: u16| -> u64 {
                let within = all.iter().filter(|vote| mask & bit(vote.place) != 0);
                within.map(|vote| u64::from(vote.weight)).sum()
            };
            prop_assert!(held(found.accepted) >= held(found.rejected));
            prop_assert_eq!(found.accepted & found.rejected, 0);
            let mut turned = all.clone();
            turned.reverse();
            prop_assert_eq!(aggregate(&turned, 1, FLOOR).unwrap(), found);
        }
    }
}
