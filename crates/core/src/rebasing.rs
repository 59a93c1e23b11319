//! Tokens whose balances grow: views over an asset that is held as shares.
//!
//! The protocol never holds a balance that changes by itself. A rebasing token is a *view*: with `s`
//! units of an asset, its holder has `⌊s · rate⌋` of the view, by the rate of a feed that the asset's
//! issuer names once. Both are the same balance, so nothing is wrapped: whoever receives one has the
//! other, and collateral is pledged in the asset. The words are Lido's: units of the asset are *shares*,
//! amounts of the view are *pooled*.
//!
//! A transfer of an amount moves the fewest shares that are worth it, rounded up against the sender.
//! It tells of both tokens; a transfer of the asset tells of the asset alone, as do mints and burns.

use crate::error::{Error, Role, Stop};
use crate::event::Event;
use crate::feed::FeedKind;
use crate::fixed::{WAD, Wad, mul_div_down_saturating, mul_div_up};
use crate::ids::{AssetId, FeedId, Token};
use crate::label::Label;
use crate::ledger::Ledger;
use crate::quote::{Quote, quote};
use crate::token::{Movement, shift};
use alloy_primitives::Address;

/// A rebasing view over an asset, which has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebasing {
    /// What it is called.
    pub name: Label,
    /// What it is called in short.
    pub symbol: Label,
    /// The feed of its rate.
    pub rate: FeedId,
}

/// Gives an asset a rebasing view at the rate of a feed; the asset's issuer only, once.
///
/// # Errors
/// [`Error::NotAuthorised`], [`Error::RebasingExists`], [`Error::WrongFeed`] unless `rate` is a rate,
/// [`Error::UnknownAsset`], [`Error::UnknownFeed`], or a fault of the ledger.
pub fn create_rebasing<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    asset: AssetId,
    rebasing: &Rebasing,
) -> Result<(), Stop> {
    if ledger.asset(asset)?.issuer != caller {
        return Err(Error::NotAuthorised { actor: caller, role: Role::Issuer }.into());
    }
    if ledger.rebasing(asset)?.is_some() {
        return Err(Error::RebasingExists { asset }.into());
    }
    let Rebasing { name, symbol, rate } = *rebasing;
    if ledger.feed(rate)?.kind != FeedKind::Rate {
        return Err(Error::WrongFeed { feed: rate, wanted: FeedKind::Rate.name() }.into());
    }
    ledger.set_rebasing(asset, rebasing)?;
    ledger.emit(Event::RebasingCreated { asset, name, symbol, rate })
}

/// The view over an asset.
///
/// # Errors
/// [`Error::NotRebasing`] if it has none, or a fault of the ledger.
pub fn rebasing<L: Ledger + ?Sized>(ledger: &mut L, asset: AssetId) -> Result<Rebasing, Stop> {
    Ok(ledger.rebasing(asset)?.ok_or(Error::NotRebasing { asset })?)
}

fn rate<L: Ledger + ?Sized>(ledger: &mut L, asset: AssetId) -> Result<Quote, Stop> {
    let feed = rebasing(ledger, asset)?.rate;
    quote(ledger, feed)
}

/// What `shares` are worth at a rate, rounded down.
#[must_use]
pub fn pooled_by_shares(shares: u128, rate: Wad) -> u128 {
    mul_div_down_saturating(shares, rate.get(), WAD)
}

/// The most shares that `amount` covers at a rate, rounded down; none at a rate of zero.
#[must_use]
pub fn shares_by_pooled(amount: u128, rate: Wad) -> u128 {
    if rate.is_zero() { 0 } else { mul_div_down_saturating(amount, WAD, rate.get()) }
}

/// The fewest shares that are worth `amount`, rounded up: whoever is promised an amount gets it.
///
/// # Errors
/// [`Error::Overflow`] also at a rate of zero.
pub fn shares_to_move(amount: u128, rate: Wad) -> Result<u128, Error> {
    mul_div_up(amount, WAD, rate.get())
}

/// What `shares` of an asset are in its view, at the last rate; for views.
///
/// # Errors
/// [`Error::NotRebasing`], or a fault of the ledger.
pub fn pooled<L: Ledger + ?Sized>(
    ledger: &mut L,
    asset: AssetId,
    shares: u128,
) -> Result<u128, Stop> {
    Ok(pooled_by_shares(shares, rate(ledger, asset)?.price))
}

/// The shares that `amount` of a view covers, at the last rate; for views.
///
/// # Errors
/// [`Error::NotRebasing`], or a fault of the ledger.
pub fn shares<L: Ledger + ?Sized>(
    ledger: &mut L,
    asset: AssetId,
    amount: u128,
) -> Result<u128, Stop> {
    Ok(shares_by_pooled(amount, rate(ledger, asset)?.price))
}

/// Moves an amount of a view: shares of the asset, at a rate that may be used now.
///
/// # Errors
/// [`Error::NotRebasing`], [`Error::StalePrice`] and [`Error::PriceOutOfBounds`] of the rate,
/// [`Error::InsufficientBalance`], [`Error::InvalidReceiver`], or a fault of the ledger.
pub(crate) fn move_pooled<L: Ledger + ?Sized>(
    ledger: &mut L,
    asset: AssetId,
    movement: &Movement,
) -> Result<(), Stop> {
    let Movement { token, from, to, value } = *movement;
    let rate = rate(ledger, asset)?.fresh_price()?;
    let held = pooled_by_shares(ledger.balance(Token::Asset(asset), from)?, rate);
    if held < value {
        return Err(
            Error::InsufficientBalance { sender: from, balance: held, needed: value }.into()
        );
    }
    let shares = shares_to_move(value, rate)?;
    shift(ledger, &Movement { token: Token::Asset(asset), from, to, value: shares })?;
    ledger.emit(Event::Transfer { token, from, to, value })
}

/// Moves the caller's shares and tells of both tokens; the rate decides nothing. Returns what they are
/// worth in the view, at the last rate.
///
/// # Errors
/// [`Error::NotRebasing`], [`Error::InsufficientBalance`], [`Error::InvalidReceiver`], or a fault.
pub fn transfer_shares<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    asset: AssetId,
    to: Address,
    shares: u128,
) -> Result<u128, Stop> {
    let value = pooled(ledger, asset, shares)?;
    let (from, token) = (caller, Token::Rebasing(asset));
    shift(ledger, &Movement { token: Token::Asset(asset), from, to, value: shares })?;
    ledger.emit(Event::Transfer { token, from, to, value })?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// SHR-5: an amount sent and sent back returns the same shares; what a transfer promises
        /// arrives, and costs less than a share more.
        #[test]
        fn what_is_sent_arrives(amount in 0_u128..1 << 100, rate in 1_u128..1 << 90) {
            let rate = Wad::new(rate);
            if let Ok(shares) = shares_to_move(amount, rate) {
                prop_assert!(pooled_by_shares(shares, rate) >= amount);
                prop_assert!(shares == 0 || pooled_by_shares(shares - 1, rate) < amount);
                prop_assert!(shares_by_pooled(amount, rate) <= shares);
            }
        }

        /// SHR-4: a holder can always send the whole balance that is shown, and never shows more than
        /// the shares are worth.
        #[test]
        fn a_whole_balance_can_be_sent(shares in 0_u128..1 << 100, rate in 1_u128..1 << 90) {
            let rate = Wad::new(rate);
            let shown = pooled_by_shares(shares, rate);
            if shown < u128::MAX {
                prop_assert!(shares_to_move(shown, rate)? <= shares);
            }
        }

        /// SHR-5: splitting a sum of shares shows no more than the sum.
        #[test]
        fn splitting_shows_no_more(a in 0_u128..1 << 100, b in 0_u128..1 << 100, rate in 1_u128..1 << 90) {
            let rate = Wad::new(rate);
            let parts = pooled_by_shares(a, rate).saturating_add(pooled_by_shares(b, rate));
            prop_assert!(parts <= pooled_by_shares(a + b, rate));
        }
    }
}
