//! An asset, in its own contract's first slots.
//!
//! ```text
//! 0  issuer 20 · decimals 1 · kind 1
//! 1  supply 16
//! 2  name
//! 3  symbol
//! ```
//!
//! A rebasing view, in its own contract's:
//!
//! ```text
//! 0  rate feed 4 · present 1
//! 1  name
//! 2  symbol
//! ```

use super::Record;
use super::word::{Reader, Writer, label_from_word, label_word};
use alloy_primitives::U256;
use gage_core::{Asset, AssetKind, Assets, Fault, FeedId, Rebasing};

const ISSUED: u8 = 1;
const WRAPPED_NATIVE: u8 = 2;

impl Record<4> for Asset {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let kind = match self.kind {
            AssetKind::Issued => ISSUED,
            AssetKind::WrappedNative => WRAPPED_NATIVE,
        };
        Ok([
            Writer::new().address(self.issuer).u8(self.decimals).u8(kind).finish(),
            Writer::new().u128(self.supply.get()).finish(),
            label_word(&self.name),
            label_word(&self.symbol),
        ])
    }

    fn from_words([head, supply, name, symbol]: [U256; 4]) -> Result<Self, Fault> {
        let [mut head, mut supply] = [head, supply].map(Reader::new);
        let (issuer, decimals) = (head.address(), head.u8());
        let kind = match head.u8() {
            ISSUED => AssetKind::Issued,
            WRAPPED_NATIVE => AssetKind::WrappedNative,
            _ => return Err(Fault::Unreadable),
        };
        Ok(Self {
            name: label_from_word(name)?,
            symbol: label_from_word(symbol)?,
            decimals,
            issuer,
            kind,
            supply: Assets::new(supply.u128()),
        })
    }
}

impl Record<3> for Rebasing {
    fn to_words(&self) -> Result<[U256; 3], Fault> {
        let head = Writer::new().u32(self.rate.get()).u8(1).finish();
        Ok([head, label_word(&self.name), label_word(&self.symbol)])
    }

    fn from_words([head, name, symbol]: [U256; 3]) -> Result<Self, Fault> {
        Ok(Self {
            name: label_from_word(name)?,
            symbol: label_from_word(symbol)?,
            rate: FeedId::new(Reader::new(head).u32()),
        })
    }
}
