//! The real contracts of Morpho Blue and Aave v3.6 in revm, and Gage's native ones in the same: compiled, deployed
//! and called by the same code, for benchmarks and for differential tests.

pub mod aave;
pub mod artifact;
pub mod chain;
pub mod dice;
pub mod engine;
pub mod gage;
pub mod morpho;
pub mod token;
