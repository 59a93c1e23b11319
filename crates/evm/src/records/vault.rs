//! A vault, in its own contract's first slots. What changes when interest accrues lies together,
//! and so do what a loan and what a deposit change.
//!
//! ```text
//! 0  curator 20 · asset 4 · decimals 1 · reserve fee 2 · paused 1 · model's kind 1
//! 1  index 14 · updated at 8 · rate at target 10
//! 2  cash 16 · debt shares 16
//! 3  shares 16 · reserves 16
//! 4  losses 16 · base 4 · slope1 4 · slope2 4 · kink 2
//! 5  supply cap 16 · borrow cap 16
//! 6  name
//! 7  symbol
//! ```

use super::Record;
use super::word::{Reader, Writer, label_from_word, label_word};
use alloy_primitives::U256;
use gage_core::{AssetId, Assets, Bps, Fault, InterestModel, Ray, Shares, Timestamp, Vault};

const KINKED: u8 = 1;
const ADAPTIVE: u8 = 2;
const INDEX_BYTES: usize = 14;
const RATE_BYTES: usize = 10;

impl Record<8> for Vault {
    fn to_words(&self) -> Result<[U256; 8], Fault> {
        let (kind, [base, slope1, slope2], kink, rate_at_target) = match self.model {
            InterestModel::Kinked { base, slope1, slope2, kink } => {
                (KINKED, [base, slope1, slope2], kink, Ray::ZERO)
            }
            InterestModel::Adaptive { rate_at_target } => {
                (ADAPTIVE, [0; 3], Bps::ZERO, rate_at_target)
            }
        };
        Ok([
            Writer::new()
                .address(self.curator)
                .u32(self.asset.get())
                .u8(self.decimals)
                .u16(self.reserve_fee.get())
                .u8(u8::from(self.paused))
                .u8(kind)
                .finish(),
            Writer::new()
                .narrow(self.index.get(), INDEX_BYTES)?
                .u64(self.updated_at.get())
                .narrow(rate_at_target.get(), RATE_BYTES)?
                .finish(),
            Writer::new().u128(self.cash.get()).u128(self.debt_shares.get()).finish(),
            Writer::new().u128(self.shares.get()).u128(self.reserves.get()).finish(),
            Writer::new()
                .u128(self.losses.get())
                .u32(base)
                .u32(slope1)
                .u32(slope2)
                .u16(kink.get())
                .finish(),
            Writer::new().u128(self.supply_cap.get()).u128(self.borrow_cap.get()).finish(),
            label_word(&self.name),
            label_word(&self.symbol),
        ])
    }

    fn from_words(words: [U256; 8]) -> Result<Self, Fault> {
        let [head, interest, lent, owned, losses, caps, name, symbol] = words;
        let [mut head, mut interest, mut lent] = [head, interest, lent].map(Reader::new);
        let [mut owned, mut losses, mut caps] = [owned, losses, caps].map(Reader::new);
        let curator = head.address();
        let asset = AssetId::new(head.u32());
        let decimals = head.u8();
        let reserve_fee = Bps::new(head.u16());
        let paused = head.bool();
        let kind = head.u8();
        let index = Ray::new(interest.wide::<INDEX_BYTES>());
        let updated_at = Timestamp::new(interest.u64());
        let rate_at_target = Ray::new(interest.wide::<RATE_BYTES>());
        let total_losses = Assets::new(losses.u128());
        let model = match kind {
            KINKED => InterestModel::Kinked {
                base: losses.u32(),
                slope1: losses.u32(),
                slope2: losses.u32(),
                kink: Bps::new(losses.u16()),
            },
            ADAPTIVE => InterestModel::Adaptive { rate_at_target },
            _ => return Err(Fault::Unreadable),
        };
        Ok(Self {
            asset,
            decimals,
            name: label_from_word(name)?,
            symbol: label_from_word(symbol)?,
            curator,
            cash: Assets::new(lent.u128()),
            debt_shares: Shares::new(lent.u128()),
            shares: Shares::new(owned.u128()),
            reserves: Assets::new(owned.u128()),
            index,
            losses: total_losses,
            updated_at,
            reserve_fee,
            supply_cap: Assets::new(caps.u128()),
            borrow_cap: Assets::new(caps.u128()),
            paused,
            model,
        })
    }
}
