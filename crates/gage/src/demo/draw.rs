//! Numbers drawn from a seed.

use alloy_primitives::{B256, keccak256};

/// Numbers drawn from a seed: a hash for each, so that borrower 7 is the same among 10 and among
/// 1,000.
pub(super) struct Draw {
    seed: B256,
    drawn: u64,
}

impl Draw {
    /// The numbers of one of the demo's actors.
    pub(super) fn new(seed: u64, role: &str, index: u32) -> Self {
        Self { seed: keccak256(format!("gage {role}, seed {seed}, index {index}")), drawn: 0 }
    }

    /// Uniform in `0..bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        let hash = keccak256([self.seed.as_slice(), &self.drawn.to_be_bytes()].concat());
        let word = hash.0.iter().take(8).fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        // The bias of a 64-bit remainder by a small bound is of no consequence here.
        word % bound
    }

    /// From a distribution given by its quantiles, linear between them.
    pub(super) fn quantile(&mut self, quantiles: &[u128; 17]) -> u128 {
        const STEPS: u64 = 1 << 20;
        let at = self.below(16 * STEPS);
        let (place, along) = ((at / STEPS) as usize, u128::from(at % STEPS));
        let (low, high) = (quantiles[place], quantiles[place + 1]);
        low + (high - low) * along / u128::from(STEPS)
    }

    /// One of `choices`, each with its weight.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[(T, u64)]) -> T {
        let mut at = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            if at < *weight {
                return *choice;
            }
            at -= weight;
        }
        choices[0].0
    }
}
