//! Covariance matrices in whole numbers: whether one is positive semidefinite, its quadratic form, and
//! roots that are rounded up.
//!
//! A matrix is given as standard deviations `σᵢ` and correlations `ρᵢⱼ`: `Σᵢⱼ = ρᵢⱼ·σᵢ·σⱼ`, ones on the
//! diagonal of `ρ`. It is positive semidefinite exactly if the correlations are.

use crate::fixed::BPS;
use alloc::vec::Vec;
use alloy_primitives::aliases::I512;
use alloy_primitives::{I256, U256, U512};

/// One factor of a quadratic form: a signed size, and the correlations with the factors before it.
pub(crate) struct Term<'a> {
    pub(crate) size: I256,
    /// In basis points, those of the factors at lower places first.
    pub(crate) correlations: &'a [i16],
    /// Its place among all factors: where others keep their correlation with it.
    pub(crate) place: usize,
}

fn signed(number: i16) -> I256 {
    let size = U256::from(number.unsigned_abs());
    let value = I256::from_raw(size);
    if number < 0 { value.wrapping_neg() } else { value }
}

/// `Σ ρᵢⱼ·yᵢ·yⱼ` with `ρ` in basis points, so that a factor alone counts `10⁴·y²`. Terms are ordered by
/// place. Exact while every `|y|` is below 2^160; never negative if the correlations are positive
/// semidefinite.
pub(crate) fn quadratic_form(terms: &[Term<'_>]) -> U512 {
    let (mut up, mut down) = (U512::ZERO, U512::ZERO);
    let whole = I256::from_raw(U256::from(BPS));
    for (count, term) in terms.iter().enumerate() {
        // y·(10⁴·y + 2·Σ ρ·y before): the sum stays below 2^180.
        let mut inner = I256::ZERO;
        for other in terms.iter().take(count) {
            let correlation = term.correlations.get(other.place).copied().unwrap_or_default();
            inner = inner.wrapping_add(signed(correlation).wrapping_mul(other.size));
        }
        let inner = inner.wrapping_add(inner).wrapping_add(whole.wrapping_mul(term.size));
        let product: U512 = term.size.unsigned_abs().widening_mul(inner.unsigned_abs());
        if term.size.is_negative() == inner.is_negative() {
            up = up.wrapping_add(product);
        } else {
            down = down.wrapping_add(product);
        }
    }
    up.saturating_sub(down)
}

/// The square root of `square`, rounded up.
pub(crate) fn root_up(square: U512) -> U256 {
    if let Ok(small) = u128::try_from(square) {
        let root = small.isqrt();
        let exact = root.wrapping_mul(root) == small;
        return U256::from(root).wrapping_add(U256::from(u8::from(!exact)));
    }
    // A root of the leading bits, one too large, starts above the whole root; Newton's steps fall
    // towards it and stop at its floor.
    let shift = square.bit_len().saturating_sub(127).next_multiple_of(2);
    let leading = u128::try_from(square.wrapping_shr(shift)).unwrap_or(u128::MAX);
    let start = U512::from(leading.isqrt().saturating_add(1));
    let mut root = start.wrapping_shl(shift.div_euclid(2));
    loop {
        let other = square.checked_div(root).unwrap_or_default();
        let next = root.wrapping_add(other).wrapping_shr(1);
        if next >= root {
            break;
        }
        root = next;
    }
    let exact = root.wrapping_mul(root) == square;
    let up = root.wrapping_add(U512::from(u8::from(!exact)));
    // A root of 512 bits has 256, or is 2^256.
    let [a, b, c, d, above, ..] = up.into_limbs();
    if above == 0 { U256::from_limbs([a, b, c, d]) } else { U256::MAX }
}

/// The place of a factor whose correlations contradict the others': `None` if the matrix is positive
/// semidefinite. `rows` are those below the diagonal, in basis points: the first is empty, each is one
/// longer than the one before. Exact.
///
/// Fraction-free elimination (Bareiss 1968) with the largest diagonal entry as pivot: the entries stay
/// minors of the matrix of 10⁴ on the diagonal, below 2^245 for sixteen factors, and products of two
/// fit 512 bits. A matrix is positive semidefinite exactly if no pivot is negative and where the
/// largest is zero, all that is left is zero.
pub(crate) fn contradiction(rows: &[&[i16]]) -> Option<usize> {
    let size = rows.len();
    let entry = |i: usize, j: usize| -> I512 {
        let (low, high) = (i.min(j), i.max(j));
        if low == high {
            return I512::from_raw(U512::from(BPS));
        }
        let number = rows.get(high).and_then(|row| row.get(low)).copied().unwrap_or_default();
        let value = I512::from_raw(U512::from(number.unsigned_abs()));
        if number < 0 { value.wrapping_neg() } else { value }
    };
    let row = |i: usize| (i, (0..size).map(|j| entry(i, j)).collect::<Vec<_>>());
    let mut left: Vec<_> = (0..size).map(row).collect();
    let mut previous = I512::ONE;
    while !left.is_empty() {
        let diagonal = |at: usize| left.get(at).and_then(|(_, row)| row.get(at)).copied();
        let diagonals = (0..left.len()).filter_map(|at| Some((diagonal(at)?, at)));
        let (pivot, at) = diagonals.max_by_key(|(value, at)| (*value, core::cmp::Reverse(*at)))?;
        let nonzero = |row: &[I512]| row.iter().any(|value| !value.is_zero());
        if pivot.is_negative() || pivot.is_zero() {
            return left.iter().find(|(_, row)| nonzero(row)).map(|(place, _)| *place);
        }
        let (_, mut head) = left.remove(at);
        head.remove(at);
        for (_, row) in &mut left {
            let factor = row.remove(at);
            for (value, above) in row.iter_mut().zip(&head) {
                let whole = value.wrapping_mul(pivot).wrapping_sub(factor.wrapping_mul(*above));
                // The division is exact.
                *value = whole.checked_div(previous).unwrap_or_default();
            }
        }
        previous = pivot;
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(flat: &[Vec<i16>]) -> Vec<&[i16]> {
        flat.iter().map(Vec::as_slice).collect()
    }

    fn accepts(matrix: &[Vec<i16>]) -> bool {
        contradiction(&rows(matrix)).is_none()
    }

    /// The smallest pivot of a plain elimination with the largest diagonal first, in floating point.
    fn smallest_pivot(matrix: &[Vec<i16>]) -> f64 {
        let size = matrix.len();
        let mut a = vec![vec![0.0; size]; size];
        for i in 0..size {
            for j in 0..=i {
                let value = if i == j { 1.0 } else { f64::from(matrix[i][j]) / 1e4 };
                (a[i][j], a[j][i]) = (value, value);
            }
        }
        let mut left: Vec<usize> = (0..size).collect();
        let mut smallest = f64::MAX;
        while let Some(k) = left.iter().copied().max_by(|i, j| a[*i][*i].total_cmp(&a[*j][*j])) {
            left.retain(|i| *i != k);
            smallest = smallest.min(a[k][k]);
            if a[k][k] < 1e-9 {
                break;
            }
            for i in left.clone() {
                for j in left.clone() {
                    a[i][j] -= a[i][k] * a[k][j] / a[k][k];
                }
            }
        }
        smallest
    }

    /// The correlations of vectors, shrunk so that rounding to basis points leaves them positive.
    pub(in crate::portfolio) fn gram(vectors: &[Vec<i32>], shrink: f64) -> Vec<Vec<i16>> {
        let dot = |a: &[i32], b: &[i32]| -> f64 {
            a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
        };
        let mut matrix = Vec::new();
        for (i, a) in vectors.iter().enumerate() {
            let row = vectors[..i].iter().map(|b| {
                let norm = (dot(a, a) * dot(b, b)).sqrt().max(1.0);
                (dot(a, b) / norm * shrink * 1e4).round() as i16
            });
            matrix.push(row.collect());
        }
        matrix
    }

    proptest! {
        /// CFG-2: the correlations of real vectors are accepted, whatever their rank.
        #[test]
        fn gram_matrices_are_accepted(
            vectors in prop::collection::vec(prop::collection::vec(-1_000_i32..1_000, 3), 1..=16),
        ) {
            prop_assert!(accepts(&gram(&vectors, 0.99)));
        }

        /// CFG-2: away from the border the answer is that of floating point.
        #[test]
        fn the_answer_is_that_of_an_elimination(
            size in 2_usize..=16, numbers in prop::collection::vec(-10_000_i16..=10_000, 120), scale in 1_i16..=8,
        ) {
            let mut numbers = numbers.into_iter().map(|number| number / scale);
            let matrix: Vec<Vec<i16>> = (0..size).map(|i| numbers.by_ref().take(i).collect()).collect();
            let smallest = smallest_pivot(&matrix);
            prop_assume!(smallest.abs() > 1e-6);
            prop_assert_eq!(accepts(&matrix), smallest > 0.0);
        }

        /// CFG-2: two factors that move as one cannot differ in how they move with a third.
        #[test]
        fn perturbed_matrices_are_rejected(
            vectors in prop::collection::vec(prop::collection::vec(-1_000_i32..1_000, 4), 2..=15), by in 1_i16..100,
        ) {
            let mut matrix = gram(&vectors, 0.99);
            // A twin of the last factor, exactly: still positive semidefinite, with a zero pivot.
            let mut twin = matrix[vectors.len() - 1].clone();
            twin.push(10_000);
            matrix.push(twin);
            prop_assert!(accepts(&matrix));
            let last = matrix.len() - 1;
            matrix[last][0] += if matrix[last][0] > 0 { -by } else { by };
            prop_assert!(!accepts(&matrix));
            prop_assert!(contradiction(&rows(&matrix)).unwrap() < matrix.len());
        }

        #[test]
        fn roots_are_rounded_up(limbs in prop::array::uniform8(any::<u64>()), shift in 0_usize..512) {
            let square = U512::from_limbs(limbs) >> shift;
            let root = U512::from(root_up(square));
            prop_assert!(root.is_zero() || (root - U512::ONE) * (root - U512::ONE) < square);
            prop_assert!(root > U512::from(U256::MAX) - U512::ONE || root * root >= square);
            prop_assert_eq!(root_up(U512::from(limbs[0]) * U512::from(limbs[0])), U256::from(limbs[0]));
        }
    }

    #[test]
    fn the_borders_are_exact() {
        assert!(accepts(&[]));
        assert!(accepts(&[vec![]]));
        for correlation in [-10_000, 10_000] {
            assert!(accepts(&[vec![], vec![correlation]]));
        }
        // Three equal correlations are possible from -1/2 on.
        let three = |c: i16| accepts(&[vec![], vec![c], vec![c, c]]);
        assert!(three(-5_000) && !three(-5_001));
        // Sixteen of them from -1/15 on: -666.67 basis points.
        let sixteen = |c: i16| accepts(&(0..16).map(|i| vec![c; i]).collect::<Vec<_>>());
        assert!(sixteen(-666) && !sixteen(-667) && sixteen(10_000));
    }
}
