//! A vault, in its own contract's first slots. What changes when interest accrues lies together,
//! and so do what a loan and what a deposit change.
//!
//! ```text
//! 0  curator 20 · asset 4 · decimals 1 · reserve fee 2 · paused 1 · model's kind 1 · exits waiting 1
//! 1  index 14 · updated at 8 · rate at target 10, or base 4 · slope1 4 · kink 2
//! 2  cash 16 · debt shares 16
//! 3  shares 16 · reserves 16
//! 4  losses 16 · debt offset 16
//! 5  supply cap 13 · borrow cap 13 · slope2 4
//! 6  name
//! 7  symbol
//! ```

use super::word::{Reader, Writer, label_from_word, label_word};
use super::{AMOUNT_BYTES, Record};
use alloy_primitives::U256;
use gage_core::{AssetId, Assets, Bps, Debt, Fault, InterestModel, Ray, Shares, Timestamp, Vault};

const KINKED: u8 = 1;
const ADAPTIVE: u8 = 2;
const INDEX_BYTES: usize = 14;
const RATE_BYTES: usize = 10;

impl Record<8> for Vault {
    fn to_words(&self) -> Result<[U256; 8], Fault> {
        let interest =
            Writer::new().narrow(self.index.get(), INDEX_BYTES)?.u64(self.updated_at.get());
        let (kind, interest, last_slope) = match self.model {
            InterestModel::Kinked { base, slope1, slope2, kink } => {
                (KINKED, interest.u32(base).u32(slope1).u16(kink.get()), slope2)
            }
            InterestModel::Adaptive { rate_at_target } => {
                (ADAPTIVE, interest.narrow(rate_at_target.get(), RATE_BYTES)?, 0)
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
                .u8(u8::from(self.exits_waiting))
                .finish(),
            interest.finish(),
            Writer::new().u128(self.cash.get()).u128(self.owed.shares.get()).finish(),
            Writer::new().u128(self.shares.get()).u128(self.reserves.get()).finish(),
            Writer::new().u128(self.losses.get()).u128(self.owed.offset.get()).finish(),
            Writer::new()
                .narrow(self.supply_cap.get(), AMOUNT_BYTES)?
                .narrow(self.borrow_cap.get(), AMOUNT_BYTES)?
                .u32(last_slope)
                .finish(),
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
        let exits_waiting = head.bool();
        let index = Ray::new(interest.wide::<INDEX_BYTES>());
        let updated_at = Timestamp::new(interest.u64());
        let supply_cap = Assets::new(caps.wide::<AMOUNT_BYTES>());
        let borrow_cap = Assets::new(caps.wide::<AMOUNT_BYTES>());
        let model = match kind {
            KINKED => {
                let [base, slope1] = [interest.u32(), interest.u32()];
                let kink = Bps::new(interest.u16());
                InterestModel::Kinked { base, slope1, slope2: caps.u32(), kink }
            }
            ADAPTIVE => {
                InterestModel::Adaptive { rate_at_target: Ray::new(interest.wide::<RATE_BYTES>()) }
            }
            _ => return Err(Fault::Unreadable),
        };
        let cash = Assets::new(lent.u128());
        let owed_shares = Shares::new(lent.u128());
        let total_losses = Assets::new(losses.u128());
        Ok(Self {
            asset,
            decimals,
            name: label_from_word(name)?,
            symbol: label_from_word(symbol)?,
            curator,
            cash,
            owed: Debt { shares: owed_shares, offset: Assets::new(losses.u128()) },
            shares: Shares::new(owned.u128()),
            reserves: Assets::new(owned.u128()),
            index,
            losses: total_losses,
            updated_at,
            reserve_fee,
            supply_cap,
            borrow_cap,
            paused,
            exits_waiting,
            model,
        })
    }
}
