//! The protocol's own record, in the registry's first slots.
//!
//! ```text
//! 0  governance 20 · assets 4 · vaults 4 · factors 4
//! 1  guardian 20 · markets 4 · feeds 4
//! ```

use super::Record;
use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::{Fault, Protocol};

impl Record<2> for Protocol {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        Ok([
            Writer::new()
                .address(self.governance)
                .u32(self.assets)
                .u32(self.vaults)
                .u32(self.factors)
                .finish(),
            Writer::new().address(self.guardian).u32(self.markets).u32(self.feeds).finish(),
        ])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut first, mut second] = words.map(Reader::new);
        Ok(Self {
            governance: first.address(),
            assets: first.u32(),
            vaults: first.u32(),
            factors: first.u32(),
            guardian: second.address(),
            markets: second.u32(),
            feeds: second.u32(),
        })
    }
}
