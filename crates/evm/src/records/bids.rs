//! Bid queues and stop-loss orders, in the market contract.
//!
//! ```text
//! queue      0  one bit for each tier 8
//! tier       0  carried 16 · bids 4 · scale 4 · present 1
//!            1  shares 16 · unclaimed 16
//!            2  product
//!            3  sum
//! tier sum   0  sum of an ended scale
//! bid        0  shares 16 · bought 16
//!            1  scale 4 · announced at 8
//!            2  product
//!            3  sum
//! stop-loss  0  asset 4 · vault 4 · tier 1 · present 1
//!            1  trigger 16 · target 16
//! ```

use super::Record;
use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::bids::{Bid, Tier, TierState};
use gage_core::stop_loss::StopLoss;
use gage_core::{AssetId, Assets, Fault, Shares, Timestamp, VaultId, Wad};

impl Record<4> for TierState {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let head = Writer::new().u128(self.carried.get()).u32(self.bids).u32(self.scale).u8(1);
        let held = Writer::new().u128(self.shares.get()).u128(self.unclaimed.get());
        Ok([head.finish(), held.finish(), self.product, self.sum])
    }

    fn from_words([head, held, product, sum]: [U256; 4]) -> Result<Self, Fault> {
        let [mut head, mut held] = [head, held].map(Reader::new);
        Ok(Self {
            carried: Assets::new(head.u128()),
            bids: head.u32(),
            scale: head.u32(),
            shares: Shares::new(held.u128()),
            unclaimed: Assets::new(held.u128()),
            product,
            sum,
        })
    }
}

impl Record<4> for Bid {
    fn to_words(&self) -> Result<[U256; 4], Fault> {
        let held = Writer::new().u128(self.shares.get()).u128(self.bought.get());
        let point = Writer::new().u32(self.scale).u64(self.announced_at.get());
        Ok([held.finish(), point.finish(), self.product, self.sum])
    }

    fn from_words([held, point, product, sum]: [U256; 4]) -> Result<Self, Fault> {
        let [mut held, mut point] = [held, point].map(Reader::new);
        Ok(Self {
            shares: Shares::new(held.u128()),
            bought: Assets::new(held.u128()),
            scale: point.u32(),
            announced_at: Timestamp::new(point.u64()),
            product,
            sum,
        })
    }
}

impl Record<2> for StopLoss {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let legs = Writer::new().u32(self.asset.get()).u32(self.vault.get());
        let health = Writer::new().u128(self.trigger.get()).u128(self.target.get());
        Ok([legs.u8(self.tier_max.get()).u8(1).finish(), health.finish()])
    }

    fn from_words([legs, health]: [U256; 2]) -> Result<Self, Fault> {
        let [mut legs, mut health] = [legs, health].map(Reader::new);
        Ok(Self {
            asset: AssetId::new(legs.u32()),
            vault: VaultId::new(legs.u32()),
            tier_max: Tier::new(legs.u8()).map_err(|_| Fault::Unreadable)?,
            trigger: Wad::new(health.u128()),
            target: Wad::new(health.u128()),
        })
    }
}
