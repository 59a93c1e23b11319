//! The floor: what a transaction costs in this harness before any protocol does anything.

use alloy_primitives::{Bytes, U256};
use anyhow::Result;

use crate::artifact::Artifacts;
use crate::chain::{Call, Chain};
use crate::engine::ethereum;
use crate::scenario::{Cast, Sample};

/// A transaction that does next to nothing.
#[derive(Clone, Copy)]
pub(crate) enum Bare {
    /// One wei from one account to another that exists.
    Transfer,
    /// Four bytes of input to an account without code.
    EmptyCall,
}

impl Bare {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Transfer, Self::EmptyCall];

    /// What it is called in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transfer => "value transfer",
            Self::EmptyCall => "empty call",
        }
    }
}

/// Sends one bare transaction for each user, on a fresh chain in each of `passes`, after one that is thrown away.
///
/// # Errors
/// A transaction failed.
pub(crate) fn measure(
    bare: Bare,
    artifacts: &Artifacts,
    users: usize,
    passes: usize,
) -> Result<Vec<Sample>> {
    let cast = Cast::new(users);
    let everyone = [cast.lenders.as_slice(), cast.borrowers.as_slice()].concat();
    let mut samples = Vec::new();
    for pass in 0..=passes {
        let mut chain = Chain::new(ethereum(&everyone), artifacts);
        for (from, to) in cast.lenders.iter().zip(&cast.borrowers) {
            let (value, data) = match bare {
                Bare::Transfer => (U256::ONE, Bytes::new()),
                Bare::EmptyCall => (U256::ZERO, Bytes::from_static(&[0xba, 0x5e, 0xca, 0x11])),
            };
            let receipt = chain.send(*from, Call { to: *to, data, value })?;
            if pass > 0 {
                samples.push(Sample::from(&receipt));
            }
        }
    }
    Ok(samples)
}
