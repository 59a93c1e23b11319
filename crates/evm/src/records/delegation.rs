//! What others may do with an account, in the market contract.
//!
//! ```text
//! operator  0  permissions 1 · expires at 8 · receiver 20
//! credit    0  limit 16 · expires at 8
//!           1  receiver 20
//! ```
//!
//! A delegatee that is paid itself takes one slot: its second one is zero.

use super::Record;
use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::delegation::{Credit, Operator, Permissions};
use gage_core::{Assets, Fault, Timestamp};

impl Record<1> for Operator {
    fn to_words(&self) -> Result<[U256; 1], Fault> {
        let word = Writer::new().u8(self.permissions.bits()).u64(self.expires_at.get());
        Ok([word.address(self.receiver).finish()])
    }

    fn from_words([word]: [U256; 1]) -> Result<Self, Fault> {
        let mut word = Reader::new(word);
        Ok(Self {
            permissions: Permissions::new(word.u8()).map_err(|_| Fault::Unreadable)?,
            expires_at: Timestamp::new(word.u64()),
            receiver: word.address(),
        })
    }
}

impl Record<2> for Credit {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let head = Writer::new().u128(self.limit.get()).u64(self.expires_at.get());
        Ok([head.finish(), Writer::new().address(self.receiver).finish()])
    }

    fn from_words([head, receiver]: [U256; 2]) -> Result<Self, Fault> {
        let mut head = Reader::new(head);
        Ok(Self {
            limit: Assets::new(head.u128()),
            expires_at: Timestamp::new(head.u64()),
            receiver: Reader::new(receiver).address(),
        })
    }
}
