//! A market, its collaterals and its lines, in the market contract.
//!
//! ```text
//! market      0   owner 20 · pause, model of margin and vaults 1 · collaterals 1 · groups 1 · resumes at 5
//!                 · terms version 4; of the half byte of the pause two bits are one more than its owner's
//!                 level, never zero, the next says that margin is the portfolio's, and the last that
//!                 slot 8 has more of its stops; of the byte of the collaterals the highest bit says that
//!                 the market is recognised
//!             1   target health 8 · full bonus health 8 · four numbers of 4
//!             2…  eight numbers of 4 each: first the vaults listed, then the collaterals
//! collateral  0   feed 4 · decimals 1 · LTV 2 · threshold 2 · bonus min 2 · bonus max 2 · kept below
//!                 4 · kept until 5 · nothing 10
//!             1   cap 13 · risk weight 2 · nothing 1 · total 16
//! line        0   feed 4 · decimals 1 · staked, tracked, metered 1 bit each · min debt 13 · cap 13
//!             1   debt offset 16 · debt shares 16
//! ```

use super::guards::stops_word;
use super::terms::{read_keeping, write_keeping};
use super::word::{Reader, Writer};
use super::{AMOUNT_BYTES, Record, TIME_BYTES};
use alloy_primitives::U256;
use gage_core::{
    AssetId, Assets, Bps, Collateral, Debt, Fault, FeedId, Line, MarginModel, Market, Pause,
    PauseLevel, Pauses, Shares, Timestamp, VaultId, Wad,
};

/// The high half of a byte holds the pause, the low half the number of vaults.
const PAUSE_SHIFT: u8 = 4;
const VAULTS_MASK: u8 = 0x0f;
/// Of the high half, the bits of the pause, and the one of portfolio margin.
const PAUSE_MASK: u8 = 0x3;
const PORTFOLIO_BIT: u8 = 0x4;
const STOPS_BIT: u8 = 0x8;
/// Of the byte of the collaterals: whether the market is recognised.
const RECOGNISED_BIT: u8 = 0x80;
const NUMBERS_IN_SLOT_1: usize = 4;
const NUMBERS_PER_SLOT: usize = 8;
const HEALTH_BYTES: usize = 8;

/// How many slots the market takes whose first slot is `head`.
pub(crate) fn market_slots(head: U256) -> usize {
    let mut head = Reader::new(head);
    head.address();
    let vaults = head.u8() & VAULTS_MASK;
    slots_of(usize::from(vaults) + usize::from(head.u8() & !RECOGNISED_BIT))
}

fn slots_of(numbers: usize) -> usize {
    2 + numbers.saturating_sub(NUMBERS_IN_SLOT_1).div_ceil(NUMBERS_PER_SLOT)
}

/// Whether the market whose first slot is `head` has more to say of its stops.
pub(crate) fn has_stops(head: U256) -> bool {
    let mut head = Reader::new(head);
    head.address();
    head.u8() >> PAUSE_SHIFT & STOPS_BIT != 0
}

/// The slots of a market, but for its stops.
pub(crate) fn market_words(market: &Market) -> Result<Vec<U256>, Fault> {
    let count = |length: usize| u8::try_from(length).map_err(|_| Fault::Unreadable);
    let vaults = market.vaults.iter().map(|vault| vault.get());
    let collaterals = market.collaterals.iter().map(|asset| asset.get());
    let mut numbers = vaults.chain(collaterals);
    let mut words = Vec::with_capacity(slots_of(market.vaults.len() + market.collaterals.len()));
    let portfolio = match market.margin {
        MarginModel::Threshold => 0,
        MarginModel::Portfolio => PORTFOLIO_BIT,
    };
    let stops = if stops_word(market)?.is_zero() { 0 } else { STOPS_BIT };
    let pause = (market.pause.own.level as u8 + 1) | portfolio | stops;
    let [vaults_listed, collaterals_listed] =
        [count(market.vaults.len())?, count(market.collaterals.len())?];
    if vaults_listed > VAULTS_MASK || collaterals_listed >= RECOGNISED_BIT {
        return Err(Fault::Unreadable);
    }
    let recognised = if market.recognised { RECOGNISED_BIT } else { 0 };
    words.push(
        Writer::new()
            .address(market.owner)
            .u8(pause << PAUSE_SHIFT | vaults_listed)
            .u8(recognised | collaterals_listed)
            .u8(market.groups)
            .narrow(market.liquidation_resumes_at.get().into(), TIME_BYTES)?
            .u32(market.terms_version)
            .finish(),
    );
    let health = Writer::new()
        .narrow(market.target_health.get(), HEALTH_BYTES)?
        .narrow(market.full_bonus_health.get(), HEALTH_BYTES)?;
    words.push(numbers.by_ref().take(NUMBERS_IN_SLOT_1).fold(health, Writer::u32).finish());
    while words.len() < words.capacity() {
        let slot = numbers.by_ref().take(NUMBERS_PER_SLOT).fold(Writer::new(), Writer::u32);
        words.push(slot.finish());
    }
    Ok(words)
}

/// The market in these slots, but for its stops.
pub(crate) fn market_from_words(words: &[U256]) -> Result<Market, Fault> {
    let [head, health, rest @ ..] = words else { return Err(Fault::Unreadable) };
    let [mut head, mut health] = [*head, *health].map(Reader::new);
    let owner = head.address();
    let both = head.u8();
    let margin = match both >> PAUSE_SHIFT & PORTFOLIO_BIT {
        0 => MarginModel::Threshold,
        _ => MarginModel::Portfolio,
    };
    let level = match both >> PAUSE_SHIFT & PAUSE_MASK {
        1 => PauseLevel::Open,
        2 => PauseLevel::Restricted,
        3 => PauseLevel::Frozen,
        _ => return Err(Fault::Unreadable),
    };
    let listed = head.u8();
    let recognised = listed & RECOGNISED_BIT != 0;
    let [vaults, collaterals] = [both & VAULTS_MASK, listed & !RECOGNISED_BIT].map(usize::from);
    let groups = head.u8();
    let liquidation_resumes_at = Timestamp::new(head.wide::<TIME_BYTES>() as u64);
    let terms_version = head.u32();
    let target_health = Wad::new(health.u64().into());
    let full_bonus_health = Wad::new(health.u64().into());
    let mut numbers: Vec<u32> = (0..NUMBERS_IN_SLOT_1).map(|_| health.u32()).collect();
    for word in rest {
        let mut slot = Reader::new(*word);
        numbers.extend((0..NUMBERS_PER_SLOT).map(|_| slot.u32()));
    }
    let listed = numbers.get(..vaults + collaterals).ok_or(Fault::Unreadable)?;
    let (vaults, collaterals) = listed.split_at(vaults);
    Ok(Market {
        owner,
        pause: Pauses { own: Pause { level, until: Timestamp::ZERO }, ..Pauses::default() },
        breaker: false,
        recognised,
        terms_version,
        groups,
        liquidation_resumes_at,
        target_health,
        full_bonus_health,
        margin,
        collaterals: collaterals.iter().copied().map(AssetId::new).collect(),
        vaults: vaults.iter().copied().map(VaultId::new).collect(),
    })
}

impl Record<2> for Collateral {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let terms = Writer::new()
            .u32(self.feed.get())
            .u8(self.decimals)
            .u16(self.ltv.get())
            .u16(self.threshold.get())
            .u16(self.bonus_min.get())
            .u16(self.bonus_max.get());
        Ok([
            write_keeping(terms, self.kept)?.finish(),
            Writer::new()
                .narrow(self.cap.get(), AMOUNT_BYTES)?
                .u16(self.risk_weight.get())
                .u8(0)
                .u128(self.total.get())
                .finish(),
        ])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut terms, mut amounts] = words.map(Reader::new);
        Ok(Self {
            feed: FeedId::new(terms.u32()),
            decimals: terms.u8(),
            ltv: Bps::new(terms.u16()),
            threshold: Bps::new(terms.u16()),
            bonus_min: Bps::new(terms.u16()),
            bonus_max: Bps::new(terms.u16()),
            kept: read_keeping(&mut terms),
            cap: Assets::new(amounts.wide::<AMOUNT_BYTES>()),
            risk_weight: Bps::new(amounts.u16()),
            total: {
                let _nothing = amounts.u8();
                Assets::new(amounts.u128())
            },
        })
    }
}

impl Record<2> for Line {
    fn to_words(&self) -> Result<[U256; 2], Fault> {
        let terms = Writer::new().u32(self.feed.get()).u8(self.decimals);
        Ok([
            terms
                .u8(u8::from(self.staked)
                    | u8::from(self.tracked) << 1
                    | u8::from(self.metered) << 2)
                .narrow(self.min_debt.get(), AMOUNT_BYTES)?
                .narrow(self.cap.get(), AMOUNT_BYTES)?
                .finish(),
            Writer::new().u128(self.owed.offset.get()).u128(self.owed.shares.get()).finish(),
        ])
    }

    fn from_words(words: [U256; 2]) -> Result<Self, Fault> {
        let [mut terms, mut amounts] = words.map(Reader::new);
        let (feed, decimals, flags) = (FeedId::new(terms.u32()), terms.u8(), terms.u8());
        Ok(Self {
            feed,
            decimals,
            staked: flags & 1 != 0,
            tracked: flags & 2 != 0,
            metered: flags & 4 != 0,
            min_debt: Assets::new(terms.wide::<AMOUNT_BYTES>()),
            cap: Assets::new(terms.wide::<AMOUNT_BYTES>()),
            owed: Debt { offset: Assets::new(amounts.u128()), shares: Shares::new(amounts.u128()) },
        })
    }
}
