//! The bid queue: standing offers to buy liquidated collateral at a discount.
//!
//! A bid is shares of the very vault whose debt it will repay: it earns that vault's yield while it
//! waits, and a fill burns shares against debt, so it needs no cash and works in a vault that is
//! lent out to the last unit. Bids of one queue (a market, a vault, a collateral) are sorted into
//! tiers of half a percent of discount; lower discounts are filled first, and within a tier
//! everybody in proportion ([`tier`]).
//!
//! Only the sweep fills bids, and it runs before the block's transactions: a bid is eligible from
//! the block after it was placed (BID-3). A bid can leave only inside a window that opens a while
//! after it was announced, and stays eligible until it is gone: nobody can bid and run.

use crate::address;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::{Assets, BPS, Bps, Shares, Timestamp, WAD, Wad, mul_div_down_saturating};
use crate::ids::{BidId, QueueId, Token};
use crate::ledger::Ledger;
use crate::token::{Movement, debit, shift};
use crate::vault::Accrued;
use alloc::vec::Vec;
use alloy_primitives::Address;

pub mod tier;

pub use tier::{Bid, TierState};

/// How long a bid stays after its withdrawal was announced, in seconds.
pub const NOTICE_SECONDS: u64 = 600;
/// How long it may be withdrawn then, in seconds; afterwards it must be announced anew.
pub const WINDOW_SECONDS: u64 = 3_600;
/// The discount between two tiers.
pub const TIER_STEP: Bps = Bps::new(50);
/// The last tier: 30 %.
pub const TIER_MAX: Tier = Tier(60);

/// A discount on the price, in steps of half a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tier(u8);

impl Tier {
    /// The tier with this number.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] above [`TIER_MAX`].
    pub fn new(number: u8) -> Result<Self, Error> {
        if number > TIER_MAX.0 {
            return Err(Error::InvalidParameter { name: "tier", value: number.into() });
        }
        Ok(Self(number))
    }

    /// The last tier whose bonus is at most `bonus`: discounts up to `bonus / (1 + bonus)`.
    #[must_use]
    pub fn up_to(bonus: Bps) -> Self {
        let bonus = u128::from(bonus.get());
        let discount = mul_div_down_saturating(bonus, BPS, BPS.saturating_add(bonus));
        let number = discount.checked_div(TIER_STEP.get().into()).unwrap_or_default();
        Self(u8::try_from(number).unwrap_or(u8::MAX)).min(TIER_MAX)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// What its bids pay less than the price.
    #[must_use]
    pub fn discount(self) -> Bps {
        Bps::new(TIER_STEP.get().saturating_mul(self.0.into()))
    }

    /// What its bidders gain per value repaid, `discount / (1 − discount)`, rounded down, so that
    /// no unit sells below the tier's price (BID-2).
    #[must_use]
    pub fn bonus(self) -> Wad {
        let discount = u128::from(self.discount().get());
        Wad::new(mul_div_down_saturating(discount, WAD, BPS.saturating_sub(discount)))
    }
}

impl core::fmt::Display for Tier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.discount(), f)
    }
}

/// Which tiers of a queue hold shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Bit `n` is tier `n`.
    pub tiers: u64,
}

impl Queue {
    /// The tiers that hold shares, lowest discount first, up to `last`.
    pub fn tiers_up_to(self, last: Tier) -> impl Iterator<Item = Tier> {
        let holds = move |number: &u8| self.tiers.wrapping_shr((*number).into()) & 1 == 1;
        (0..=last.0).filter(holds).map(Tier)
    }

    /// Marks whether a tier holds shares.
    pub(crate) fn mark(&mut self, tier: Tier, holds: bool) {
        let bit = 1_u64.checked_shl(tier.0.into()).unwrap_or_default();
        self.tiers = if holds { self.tiers | bit } else { self.tiers & !bit };
    }
}

/// A bid as it stands: what waits, and what may be claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BidState {
    /// Vault shares not spent yet.
    pub shares: Shares,
    /// Collateral bought and not claimed.
    pub bought: Assets,
    /// When its withdrawal was announced; zero if it was not.
    pub announced_at: Timestamp,
}

/// Writes a tier, and its mark in the queue if that changed.
pub(crate) fn store_tier<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: QueueId,
    tier: Tier,
    state: &TierState,
) -> Result<(), Stop> {
    ledger.set_tier(id, tier, state)?;
    let before = ledger.queue(id)?;
    let mut queue = before;
    queue.mark(tier, !state.shares.is_zero());
    if queue != before {
        ledger.set_queue(id, &queue)?;
    }
    Ok(())
}

/// A bid as stored, brought to the tier's present point, with what it has bought.
fn settle<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &BidId,
    tier: &TierState,
    mut bid: Bid,
) -> Result<Bid, Stop> {
    let gained = tier.bought(&bid, |scale| ledger.tier_sum(id.queue, id.tier, scale))?;
    bid.bought = bid.bought.add(gained)?;
    let remaining = tier.remaining(&bid);
    tier.start(&mut bid, remaining);
    Ok(bid)
}

/// A bid as it stands; nothing for one that was never placed.
///
/// # Errors
/// A fault of the ledger.
pub fn bid<L: Ledger + ?Sized>(ledger: &mut L, id: &BidId) -> Result<BidState, Stop> {
    let tier = ledger.tier(id.queue, id.tier)?;
    let stored = ledger.bid(id)?;
    let Bid { shares, bought, announced_at, .. } = settle(ledger, id, &tier, stored)?;
    Ok(BidState { shares, bought, announced_at })
}

/// Writes a settled bid and its tier; a bid that holds nothing any more is gone, and with the last
/// one what rounding left of the tier's shares, to the gain of all lenders.
fn store_bid<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: &BidId,
    bid: &Bid,
    mut tier: TierState,
) -> Result<(), Stop> {
    if !bid.is_none() {
        ledger.set_bid(id, bid)?;
        return store_tier(ledger, id.queue, id.tier, &tier);
    }
    ledger.set_bid(id, &Bid::default())?;
    tier.bids = tier.bids.checked_sub(1).ok_or(Error::Overflow)?;
    if tier.bids == 0 {
        let dust = tier.shares;
        tier.carried = tier.unclaimed;
        tier.shares = Shares::ZERO;
        if !dust.is_zero() {
            let vault = id.queue.vault;
            let mut record = ledger.vault(vault)?;
            record.shares = record.shares.sub(dust)?;
            ledger.set_vault(vault, &record)?;
            debit(ledger, Token::Share(vault), address::market_custody(), dust.get())?;
        }
    }
    store_tier(ledger, id.queue, id.tier, &tier)
}

/// The least that a bid may be worth: the smallest debt that it could be asked to repay.
fn check_size<L: Ledger + ?Sized>(
    ledger: &mut L,
    queue: QueueId,
    shares: Shares,
) -> Result<(), Stop> {
    let worth = Accrued::load(ledger, queue.vault)?.pool().assets_to_pay(shares)?;
    let minimum = ledger.line(queue.market, queue.vault)?.min_debt.max(Assets::new(1));
    if worth < minimum {
        return Err(Error::BidTooSmall { worth, minimum }.into());
    }
    Ok(())
}

/// Puts vault shares of the caller's into a tier, on top of what the caller has there; an
/// announced withdrawal is called off.
///
/// # Errors
/// [`Error::ZeroAmount`], [`Error::BidTooSmall`], [`Error::TierAboveMaximum`] for a discount above
/// what the collateral's largest bonus allows, [`Error::CollateralNotListed`],
/// [`Error::VaultNotListed`], [`Error::InsufficientBalance`], or a fault of the ledger.
pub fn place_bid<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    queue: QueueId,
    tier: Tier,
    shares: Shares,
) -> Result<(), Stop> {
    if shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    let most = Tier::up_to(ledger.collateral(queue.market, queue.asset)?.bonus_max);
    if tier > most {
        let (discount, most) = (tier.discount(), most.discount());
        return Err(Error::TierAboveMaximum { discount, most }.into());
    }
    let id = BidId { queue, tier, bidder: caller };
    let mut state = ledger.tier(queue, tier)?;
    let stored = ledger.bid(&id)?;
    if stored.is_none() {
        state.bids = state.bids.checked_add(1).ok_or(Error::Overflow)?;
    }
    let mut bid = settle(ledger, &id, &state, stored)?;
    let total = bid.shares.add(shares)?;
    check_size(ledger, queue, total)?;
    state.start(&mut bid, total);
    bid.announced_at = Timestamp::ZERO;
    state.shares = state.shares.add(shares)?;
    let to = address::market_custody();
    let token = Token::Share(queue.vault);
    shift(ledger, &Movement { token, from: caller, to, value: shares.get() })?;
    store_bid(ledger, &id, &bid, state)?;
    ledger.emit(Event::BidPlaced { bid: id, shares })
}

/// The caller's bid in a tier, at the tier's present point.
fn own_bid<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    queue: QueueId,
    tier: Tier,
) -> Result<(BidId, Bid, TierState), Stop> {
    let id = BidId { queue, tier, bidder: caller };
    let state = ledger.tier(queue, tier)?;
    let stored = ledger.bid(&id)?;
    if stored.is_none() {
        return Err(Error::NoBid.into());
    }
    let bid = settle(ledger, &id, &state, stored)?;
    Ok((id, bid, state))
}

/// Announces that the caller's bid may be withdrawn; returns when the window opens. The bid stays
/// eligible all the while.
///
/// # Errors
/// [`Error::NoBid`], or a fault of the ledger.
pub fn announce_bid_withdrawal<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    queue: QueueId,
    tier: Tier,
) -> Result<Timestamp, Stop> {
    let (id, mut bid, state) = own_bid(ledger, caller, queue, tier)?;
    if bid.shares.is_zero() {
        return Err(Error::NoBid.into());
    }
    let now = ledger.now();
    bid.announced_at = now;
    store_bid(ledger, &id, &bid, state)?;
    let opens_at = now.after(NOTICE_SECONDS);
    ledger.emit(Event::BidWithdrawalAnnounced { bid: id, opens_at })?;
    Ok(opens_at)
}

/// Takes shares of the caller's bid back, inside the window; the largest number takes all. Returns
/// how many.
///
/// # Errors
/// [`Error::NoBid`], [`Error::ZeroAmount`], [`Error::NoticeNotGiven`], [`Error::NoticeRunning`],
/// [`Error::NoticeExpired`], [`Error::InsufficientBid`], [`Error::BidTooSmall`] for what would
/// stay, [`Error::InvalidReceiver`], or a fault of the ledger.
pub fn withdraw_bid<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (queue, tier): (QueueId, Tier),
    shares: Shares,
    receiver: Address,
) -> Result<Shares, Stop> {
    let (id, mut bid, mut state) = own_bid(ledger, caller, queue, tier)?;
    let shares = if shares == Shares::MAX { bid.shares } else { shares };
    if shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    check_notice(ledger.now(), bid.announced_at, NOTICE_SECONDS, WINDOW_SECONDS)?;
    if shares > bid.shares {
        return Err(Error::InsufficientBid { shares: bid.shares, asked: shares }.into());
    }
    let rest = bid.shares.sub(shares)?;
    if !rest.is_zero() {
        check_size(ledger, queue, rest)?;
    }
    bid.shares = rest;
    state.shares = state.shares.sub(shares)?;
    let token = Token::Share(queue.vault);
    let from = address::market_custody();
    shift(ledger, &Movement { token, from, to: receiver, value: shares.get() })?;
    store_bid(ledger, &id, &bid, state)?;
    ledger.emit(Event::BidWithdrawn { bid: id, receiver, shares })?;
    Ok(shares)
}

/// Checks that a notice given at `announced_at` has run and has not lapsed.
pub(crate) fn check_notice(
    now: Timestamp,
    announced_at: Timestamp,
    notice: u64,
    window: u64,
) -> Result<(), Error> {
    if announced_at == Timestamp::ZERO {
        return Err(Error::NoticeNotGiven);
    }
    let opens_at = announced_at.after(notice);
    if now < opens_at {
        return Err(Error::NoticeRunning { opens_at });
    }
    let closed_at = opens_at.after(window);
    if now > closed_at {
        return Err(Error::NoticeExpired { closed_at });
    }
    Ok(())
}

/// Pays out the collateral that the caller's bid has bought, and returns how much. Works at every
/// pause level.
///
/// # Errors
/// [`Error::NoBid`], [`Error::ZeroAmount`] if nothing was bought yet and shares wait,
/// [`Error::InvalidReceiver`], or a fault of the ledger.
pub fn claim_bid<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (queue, tier): (QueueId, Tier),
    receiver: Address,
) -> Result<Assets, Stop> {
    let (id, mut bid, mut state) = own_bid(ledger, caller, queue, tier)?;
    let amount = bid.bought;
    if amount.is_zero() && !bid.shares.is_zero() {
        return Err(Error::ZeroAmount.into());
    }
    bid.bought = Assets::ZERO;
    state.unclaimed = state.unclaimed.sub(amount)?;
    if !amount.is_zero() {
        let token = Token::of(queue.asset);
        let from = address::market_custody();
        shift(ledger, &Movement { token, from, to: receiver, value: amount.get() })?;
    }
    store_bid(ledger, &id, &bid, state)?;
    ledger.emit(Event::BidClaimed { bid: id, receiver, amount })?;
    Ok(amount)
}

/// Spends `paid` shares of a tier for `collateral` and writes the tier; the shares' burning and the
/// collateral's way are the sweep's.
pub(crate) fn fill_tier<L: Ledger + ?Sized>(
    ledger: &mut L,
    (queue, tier): (QueueId, Tier),
    (paid, collateral): (Shares, Assets),
) -> Result<(), Stop> {
    let mut state = ledger.tier(queue, tier)?;
    if let Some(ended) = state.fill(paid, collateral)? {
        ledger.set_tier_sum(queue, tier, ended.scale, ended.sum)?;
    }
    store_tier(ledger, queue, tier, &state)
}

/// A queue's tiers that hold shares, lowest discount first.
///
/// # Errors
/// A fault of the ledger.
pub fn tiers<L: Ledger + ?Sized>(
    ledger: &mut L,
    id: QueueId,
) -> Result<Vec<(Tier, TierState)>, Stop> {
    let queue = ledger.queue(id)?;
    queue.tiers_up_to(TIER_MAX).map(|tier| Ok((tier, ledger.tier(id, tier)?))).collect()
}
